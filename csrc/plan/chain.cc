#include "plan/chain.h"

#include <algorithm>

#include "core/parallel.h"
#include "ops/broadcast.h"

namespace fastdl {
namespace {

// Elements of a tile: 16 KiB of float32. A few operands of that size lie in L1 or the near half of L2, and the
// kernel of a cheap op takes several times as long as its call (about 50 ns).
constexpr int64_t kTile = 4096;
constexpr int64_t kScratchAlign = 64;
constexpr int kMostOperands = 3;  // of an elementwise op: those of where

// How the calls of a chain are cut: along all elements, where each operand has as many as the result, or one;
// else along the first axis, so that anything may broadcast along the others.
struct Cut {
  Shape shape;  // of every result
  bool flat = true, rows = true;

  explicit Cut(const Call& c) : shape(c.out[0].shape) { add(c); }

  int64_t row() const { return shape.count(1, shape.rank()); }
  // Parts into which an operand is cut; 1 if it is the same for every part.
  int64_t parts(const Operand& o, bool flatly) const {
    if (flatly) return o.shape.numel() == shape.numel() ? shape.numel() : 1;
    const bool sliced = o.shape.rank() == shape.rank() && shape.rank() > 0 && o.shape[0] == shape[0];
    return sliced ? shape[0] : 1;
  }
  void add(const Call& c) {
    flat &= c.out[0].shape.numel() == shape.numel();
    for (const Operand& o : c.in)
      if (o.buffer >= 0) flat &= o.shape.numel() == shape.numel() || o.shape.numel() == 1;
    rows &= c.out[0].shape == shape && shape.rank() > 1 && shape[0] > 1 && row() <= kTile;
  }
  bool possible() const { return flat || rows; }
};

bool is_elementwise(const Call& c) {
  return c.op->elementwise && !c.op->workspace && c.out.size() == 1 && c.in.size() <= kMostOperands &&
         c.out[0].shape.numel() >= 2 * kTile;
}

bool same_place(const Operand& a, const Operand& b) {
  return a.offset == b.offset && a.bytes() == b.bytes() && a.dtype == b.dtype;
}

// Whether `later` may run on a tile before `earlier` has run on the others: what one of them writes, the other
// must either not touch, or touch at the same elements.
bool independent(const Call& earlier, const Call& later, const Cut& cut) {
  const Operand &a = earlier.out[0], &b = later.out[0];
  auto fine = [&](const Operand& written, const Operand& o) {
    return !written.overlaps(o) ||
           (same_place(written, o) && o.shape.numel() == cut.shape.numel() && (cut.flat || o.shape == cut.shape));
  };
  bool all = fine(a, b);
  for (const Operand& o : later.in) all &= fine(a, o);
  for (const Operand& o : earlier.in) all &= fine(b, o);
  return all;
}

// The end of the chain that starts with call `first`.
size_t end_of_chain(const Recording& r, size_t first, Cut& cut) {
  size_t end = first + 1;
  for (; end < r.calls.size(); ++end) {
    const Call& c = r.calls[end];
    if (!is_elementwise(c)) break;
    Cut longer = cut;
    longer.add(c);
    if (!longer.possible()) break;
    bool free = true;
    for (size_t i = first; i < end && free; ++i) free = independent(r.calls[i], c, longer);
    if (!free) break;
    cut = longer;
  }
  return end;
}

// What only calls [first, end) touch, and as a whole.
std::vector<bool> own_buffers(const Recording& r, size_t first, size_t end) {
  std::vector<bool> own(r.buffers.size());
  for (size_t i = first; i < end; ++i) own[size_t(r.calls[i].out[0].buffer)] = true;
  auto look = [&](const Operand& o, bool inside) {
    if (o.buffer < 0) return;
    const Buffer& b = r.buffers[size_t(o.buffer)];
    if (!inside || b.external || o.offset != 0 || o.bytes() != b.bytes) own[size_t(o.buffer)] = false;
  };
  for (size_t i = 0; i < r.calls.size(); ++i)
    for (auto* list : {&r.calls[i].in, &r.calls[i].out})
      for (const Operand& o : *list) look(o, i >= first && i < end);
  return own;
}

}  // namespace

std::vector<Chain> find_chains(const Recording& r) {
  std::vector<Chain> chains;
  if (!r.device->is_cpu()) return chains;  // tiles lie in the caches of the CPU
  for (size_t i = 0; i < r.calls.size(); ++i) {
    if (!is_elementwise(r.calls[i])) continue;
    Cut cut(r.calls[i]);
    if (!cut.possible()) continue;
    Chain chain;
    chain.first = i;
    chain.end = end_of_chain(r, i, cut);
    if (chain.end == i + 1) continue;
    chain.flat = cut.flat;
    chain.parts = cut.flat ? cut.shape.numel() : cut.shape[0];
    chain.tile = cut.flat ? kTile : std::max<int64_t>(1, kTile / cut.row());
    chain.own = own_buffers(r, chain.first, chain.end);
    std::vector<int64_t> place(r.buffers.size(), -1);
    for (size_t k = chain.first; k < chain.end; ++k)
      for (auto* list : {&r.calls[k].in, &r.calls[k].out})
        for (const Operand& o : *list) {
          Chain::Piece piece;
          if (o.buffer >= 0) {
            const int64_t parts = cut.parts(o, cut.flat);
            piece.sliced = parts > 1;
            piece.part_bytes = o.bytes() / parts;
            if (chain.own[size_t(o.buffer)]) {
              int64_t& at = place[size_t(o.buffer)];
              if (at < 0) {
                at = chain.scratch_bytes;
                const int64_t bytes = piece.part_bytes * chain.tile;
                chain.scratch_bytes += (bytes + kScratchAlign - 1) / kScratchAlign * kScratchAlign;
              }
              piece.scratch = at;
            }
          }
          chain.pieces.push_back(piece);
        }
    i = chain.end - 1;
    chains.push_back(std::move(chain));
  }
  return chains;
}

void run_chain(const Chain& chain, const Step* steps) {
  const int64_t tiles = (chain.parts - 1) / chain.tile + 1;
  const double cost = kElementNanoseconds * double(kTile) * double(chain.end - chain.first);
  parallel_for(tiles, grain_for(cost), [&](int64_t begin, int64_t end) {
    char* own = static_cast<char*>(scratch(Scratch::chain, size_t(chain.scratch_bytes)));
    for (int64_t tile = begin; tile < end; ++tile) {
      const int64_t at = tile * chain.tile, count = std::min(chain.tile, chain.parts - at);
      const Chain::Piece* piece = chain.pieces.data();
      auto cut = [&](const View& whole, View& v) {
        const Chain::Piece& p = *piece++;
        v = whole;
        if (!p.sliced) return;
        if (chain.flat)
          v.shape = {count};
        else
          v.shape[0] = count;
        v.data = p.scratch >= 0 ? own + p.scratch : static_cast<char*>(whole.data) + at * p.part_bytes;
      };
      for (size_t i = chain.first; i < chain.end; ++i) {
        const Step& s = steps[i];
        View in[kMostOperands], out;
        for (int k = 0; k < s.inputs; ++k) cut(s.views[k], in[k]);
        cut(s.views[kMaxInputs], out);
        s.run({*s.op, in, &out, s.attrs, nullptr, s.inputs, 1});
      }
    }
  });
}

}  // namespace fastdl
