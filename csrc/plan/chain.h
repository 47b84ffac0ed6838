// Chains: neighbouring elementwise calls, run tile by tile. All calls run on the first few thousand elements, then on
// the next, so that results are still in L1 when the following call reads them. A result that only the chain reads is
// never a whole array; it lies in a tile's scratch memory.
#pragma once
#include "plan/call.h"

namespace fastdl {

struct Chain {
  struct Piece {  // the part of an operand that a tile accesses
    int64_t part_bytes = 0;
    int64_t scratch = -1;   // where it lies in the scratch memory of a tile; -1: it has memory of its own
    int64_t column = 0;     // where it begins in a row of that memory, in bytes
    bool sliced = false;    // false: every tile accesses all of it
    int stride = 0;         // between its elements within a row
    int64_t row_bytes = 0;  // from one row to the next
  };
  struct Link {                  // a call
    RowKernel kernel = nullptr;  // null: the op's run() takes the tile
    bool at_once = false;        // the rows of a tile are one row
    int64_t row = 1;             // elements of a part of the result
  };
  size_t first = 0, end = 0;    // calls [first, end)
  int64_t parts = 0, tile = 0;  // their number, and that of a tile; parts are elements, or rows of the first axis
  int64_t row = 1;              // elements of a part
  bool flat = false;            // parts are elements
  bool produced = false;        // the first call reports parts, on which the others run at once (plan/tail.h)
  int64_t scratch_bytes = 0;
  std::vector<Link> links;    // call after call; without the first of a tail
  std::vector<Piece> pieces;  // of every input and output, call after call; of a tail's first call only output 0
};

struct Chains {
  std::vector<Chain> list;  // in order
  std::vector<bool> own;    // by buffer: only a tile's scratch memory holds it
};
// Takes concatenations and splits apart for tails, if wanted.
Chains find_chains(Recording& r, bool take_apart);

// Parts [at, at + count). What the chain keeps in scratch memory lies there at `room` times its place.
struct Tile {
  int64_t at, count;
  char* scratch = nullptr;
  int64_t room = 1;

  char* place(const Chain::Piece& p, const View& whole) const {
    if (p.scratch >= 0) return scratch + p.scratch * room + p.column;
    return static_cast<char*>(whole.data) + (p.sliced ? at * p.part_bytes : 0);
  }
};
// A call on a tile; `piece` is the first of its pieces.
void run_link(const Chain& chain, const Chain::Link& link, const Chain::Piece* piece, const Step& s, const Tile& tile);

// Runs the steps of a chain. Views of the chain's own buffers are not followed.
void run_chain(const Chain& chain, const Step* steps);

}  // namespace fastdl
