// Chains: neighbouring calls of elementwise ops, run tile by tile. All of them go over the first few thousand
// elements, then over the next; what one writes is still in the nearest cache when the following one reads it.
// A result that only the chain itself reads is never a whole array: it lives in a tile's scratch memory.
#pragma once
#include "plan/call.h"

namespace fastdl {

struct Chain {
  struct Piece {  // of an operand, what a tile has of it
    int64_t part_bytes = 0;
    int64_t scratch = -1;   // where it lies in the scratch memory of a tile; -1: in memory of its own
    bool sliced = false;    // else every tile has all of it
    int stride = 0;         // of its elements within a row
    int64_t row_bytes = 0;  // from one row to the next
  };
  struct Link {                  // a call
    RowKernel kernel = nullptr;  // null: the op's run() takes the tile
    bool at_once = false;        // the rows of a tile are one
  };
  size_t first = 0, end = 0;    // calls [first, end)
  int64_t parts = 0, tile = 0;  // parts in all, and those of a tile: elements, or rows of the first axis
  int64_t row = 1;              // elements of a part
  bool flat = false;            // parts are elements
  int64_t scratch_bytes = 0;
  std::vector<Link> links;    // call after call
  std::vector<Piece> pieces;  // of every input and output, call after call
};

struct Chains {
  std::vector<Chain> list;  // in order
  std::vector<bool> own;    // by buffer: only a tile's scratch memory holds it
};
Chains find_chains(const Recording& r);

// Runs the steps of a chain; where the views of its own buffers point does not matter.
void run_chain(const Chain& chain, const Step* steps);

}  // namespace fastdl
