#include "plan/chain.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "core/parallel.h"
#include "core/scratch.h"
#include "cpu/isa.h"
#include "ops/broadcast.h"
#include "plan/places.h"
#include "plan/tail.h"

namespace fastdl {
namespace {

// Elements of a tile: at most 16 KiB of float32, fewer where the operands of all calls would not fit L1 together. The
// kernel of a cheap op takes a few hundred nanoseconds per tile, its call some 10.
constexpr int64_t kTile = 4096, kLeastTile = 512;
constexpr int64_t kScratchAlign = 64;
constexpr int kMostOperands = 3;  // an elementwise op has at most those of where

// How the calls of a chain are cut: along all elements, if each operand has as many as the result or one. Otherwise
// along the first axis, so that operands may broadcast along the others.
struct Cut {
  Shape shape;  // of every result
  bool flat = true, rows = true;

  explicit Cut(const Call& c) : shape(c.out[0].shape) { add(c); }

  int64_t row() const { return shape.count(1, shape.rank()); }
  // The number of parts of an operand; 1 if every part reads the same.
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
         c.out[0].shape.numel() >= 2 * kTile && c.part_of == SIZE_MAX;
}

// The memory that the calls of a chain access, by buffer, without duplicates.
class Touched {
 public:
  explicit Touched(size_t buffers) : first_(buffers, -1) {}

  void clear() {
    for (const Entry& e : entries_) first_[size_t(e.operand.buffer)] = -1;
    entries_.clear();
  }
  void add(const Call& c) {
    for (const Operand& o : c.in) add(o, false);
    add(c.out[0], true);
  }
  // Whether call c may run on a tile before the earlier calls have run on the other tiles. What one of them writes, the
  // other must not access, or must access at the same elements.
  bool leave_free(const Call& c, const Cut& cut) const {
    bool all = fine(c.out[0], true, cut);
    for (const Operand& o : c.in) all &= fine(o, false, cut);
    return all;
  }

 private:
  struct Entry {
    Operand operand;
    bool written;
    int next;  // entry of the same buffer
  };
  static bool same_place(const Operand& a, const Operand& b) {
    return a.offset == b.offset && a.bytes() == b.bytes() && a.dtype == b.dtype;
  }
  static bool elements(const Operand& o, const Cut& cut) {
    return o.shape.numel() == cut.shape.numel() && (cut.flat || o.shape == cut.shape);
  }
  void add(const Operand& o, bool written) {
    if (o.buffer < 0) return;
    int& first = first_[size_t(o.buffer)];
    for (int i = first; i >= 0; i = entries_[size_t(i)].next) {
      const Entry& e = entries_[size_t(i)];
      if (e.written == written && same_place(e.operand, o) && e.operand.shape == o.shape) return;
    }
    entries_.push_back({o, written, first});
    first = int(entries_.size()) - 1;
  }
  bool fine(const Operand& o, bool written, const Cut& cut) const {
    if (o.buffer < 0) return true;
    for (int i = first_[size_t(o.buffer)]; i >= 0; i = entries_[size_t(i)].next) {
      const Entry& e = entries_[size_t(i)];
      if ((e.written || written) && e.operand.overlaps(o) &&
          !(same_place(e.operand, o) && elements(e.operand, cut) && elements(o, cut)))
        return false;
    }
    return true;
  }

  std::vector<Entry> entries_;
  std::vector<int> first_;  // by buffer
};

// The end of the chain that starts with call `first`.
size_t end_of_chain(const Recording& r, const std::vector<bool>& taken, size_t first, Cut& cut, Touched& touched) {
  touched.clear();
  touched.add(r.calls[first]);
  size_t end = first + 1;
  for (; end < r.calls.size(); ++end) {
    const Call& c = r.calls[end];
    if (taken[end] || !is_elementwise(c)) break;
    Cut longer = cut;
    longer.add(c);
    if (!longer.possible() || !touched.leave_free(c, longer)) break;
    touched.add(c);
    cut = longer;
  }
  return end;
}

// Decides how the calls of the chain run, and its tiles.
void lay_out(Chain& chain, const Recording& r, const Cut& cut, const std::vector<Life>& lives,
             const std::vector<bool>& own) {
  Places places;
  std::set<std::tuple<int, int64_t, int64_t>> streams;  // what each tile reads from memory
  int64_t bytes = 0;                                    // of one part of all operands
  for (size_t i = chain.first; i < chain.end; ++i) {
    const Call& c = r.calls[i];
    Chain::Link link;
    View in[kMostOperands];
    for (size_t k = 0; k < c.in.size(); ++k) in[k] = {nullptr, c.in[k].shape, c.in[k].dtype};
    if (c.op->row) link.kernel = c.op->row(in);
    link.at_once = true;
    link.row = cut.flat ? 1 : cut.row();
    auto add = [&](const Operand& o) {
      Chain::Piece p;
      if (o.buffer >= 0) {
        const int64_t parts = cut.parts(o, cut.flat), numel = o.shape.numel(), size = size_of(o.dtype);
        p.sliced = parts > 1;
        p.part_bytes = o.bytes() / parts;
        p.scratch = places.of(o.buffer);
        if (p.scratch < 0 && p.sliced && streams.insert({o.buffer, o.offset, o.bytes()}).second) bytes += p.part_bytes;
        if (numel == cut.shape.numel()) {
          p.stride = 1;
          p.row_bytes = p.part_bytes;
        } else if (numel > 1 && p.sliced && numel == parts) {  // a column
          p.row_bytes = size;
          link.at_once = false;
        } else if (numel > 1 && !p.sliced && numel == cut.row()) {  // a row
          p.stride = 1;
          link.at_once = false;
        } else if (numel > 1) {
          link.kernel = nullptr;
        }
      }
      chain.pieces.push_back(p);
    };
    for (const Operand& o : c.in) add(o);  // before the output takes over a place
    const Operand& out = c.out[0];
    if (own[size_t(out.buffer)]) places.make(c, i, out.bytes() / chain.parts, lives);
    add(out);
    places.release(c, i, lives);
    chain.links.push_back(link);
  }
  for (int64_t slot : places.slots()) bytes += slot;
  const int64_t l1 = cache_sizes().l1d ? cache_sizes().l1d : 32 << 10;
  const int64_t elements = std::clamp<int64_t>(l1 * 3 / 4 / bytes * chain.row, kLeastTile, kTile) / 64 * 64;
  chain.tile = std::max<int64_t>(1, elements / chain.row);
  std::vector<int64_t> at;
  for (int64_t slot : places.slots()) {
    at.push_back(chain.scratch_bytes);
    chain.scratch_bytes += (slot * chain.tile + kScratchAlign - 1) / kScratchAlign * kScratchAlign;
  }
  for (Chain::Piece& p : chain.pieces)
    if (p.scratch >= 0) p.scratch = at[size_t(p.scratch)];
}

}  // namespace

Chains find_chains(Recording& r, bool take_apart) {
  Chains chains{{}, std::vector<bool>(r.buffers.size())};
  if (!r.device->is_cpu()) return chains;  // tiles lie in the caches of the CPU
  chains.list = find_tails(r, take_apart, chains.own);
  const std::vector<Life> lives = lives_of(r);  // of the order that the tails leave
  Touched touched(r.buffers.size());
  std::vector<bool> taken(r.calls.size());
  for (const Chain& c : chains.list) std::fill(taken.begin() + int64_t(c.first), taken.begin() + int64_t(c.end), true);
  for (size_t i = 0; i < r.calls.size(); ++i) {
    if (taken[i] || !is_elementwise(r.calls[i])) continue;
    Cut cut(r.calls[i]);
    if (!cut.possible()) continue;
    Chain chain;
    chain.first = i;
    chain.end = end_of_chain(r, taken, i, cut, touched);
    if (chain.end == i + 1) continue;
    chain.flat = cut.flat;
    chain.parts = cut.flat ? cut.shape.numel() : cut.shape[0];
    chain.row = cut.flat ? 1 : cut.row();
    for (size_t k = chain.first; k < chain.end; ++k) {
      const size_t b = size_t(r.calls[k].out[0].buffer);
      chains.own[b] =
          !r.buffers[b].external && lives[b].whole && lives[b].first >= chain.first && lives[b].last < chain.end;
    }
    lay_out(chain, r, cut, lives, chains.own);
    i = chain.end - 1;
    chains.list.push_back(std::move(chain));
  }
  std::sort(chains.list.begin(), chains.list.end(), [](const Chain& a, const Chain& b) { return a.first < b.first; });
  return chains;
}

void run_link(const Chain& chain, const Chain::Link& link, const Chain::Piece* piece, const Step& s, const Tile& tile) {
  const Chain::Piece& out = piece[s.inputs];
  const View& whole_out = s.out[0];
  if (!link.kernel) {
    const ByRows* const by_rows = s.op->by_rows;
    auto cut = [&](const Chain::Piece& p, const View& whole) {
      View v = whole;
      v.data = tile.place(p, whole);
      if (chain.produced && p.sliced)
        v.shape = {tile.count, link.row};
      else if (chain.produced && !by_rows)
        v.shape = p.stride ? Shape{link.row} : Shape{};
      else if (p.sliced && chain.flat)
        v.shape = {tile.count};
      else if (p.sliced)
        v.shape[0] = tile.count;
      return v;
    };
    View in[kMaxInputs], result = cut(out, whole_out);
    for (int k = 0; k < s.inputs; ++k)
      if (s.in[k].data || piece[k].scratch >= 0) in[k] = cut(piece[k], s.in[k]);
    (by_rows ? by_rows->run : s.run)({*s.op, in, &result, s.attrs, s.workspace, s.inputs, 1});
    return;
  }
  ElementRow row;
  row.out = tile.place(out, whole_out);
  for (int k = 0; k < s.inputs; ++k) {
    row.in[k] = tile.place(piece[k], s.in[k]);
    row.stride[k] = piece[k].stride;
  }
  row.n = link.row * (link.at_once ? tile.count : 1);
  for (int64_t i = link.at_once ? tile.count : 1;; ++i) {
    link.kernel(row, s.attrs);
    if (i == tile.count) break;
    row.out = static_cast<char*>(row.out) + out.row_bytes;
    for (int k = 0; k < s.inputs; ++k) row.in[k] = static_cast<const char*>(row.in[k]) + piece[k].row_bytes;
  }
}

void run_chain(const Chain& chain, const Step* steps) {
  const int64_t tiles = (chain.parts - 1) / chain.tile + 1;
  const double cost = kElementNanoseconds * double(chain.tile * chain.row) * double(chain.end - chain.first);
  parallel_for(tiles, grain_for(cost), [&](int64_t begin, int64_t end) {
    char* own = static_cast<char*>(scratch(Scratch::chain, size_t(chain.scratch_bytes)));
    for (int64_t i = begin; i < end; ++i) {
      const int64_t at = i * chain.tile;
      const Tile tile = {at, std::min(chain.tile, chain.parts - at), own};
      const Chain::Piece* piece = chain.pieces.data();
      for (size_t k = chain.first; k < chain.end; ++k) {
        run_link(chain, chain.links[k - chain.first], piece, steps[k], tile);
        piece += steps[k].inputs + 1;
      }
    }
  });
}

}  // namespace fastdl
