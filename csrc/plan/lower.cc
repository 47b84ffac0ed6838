// The passes that turn a recording into a plan. None of them changes a bit of a result.
#include <algorithm>
#include <iterator>
#include <numeric>

#include "plan/columns.h"
#include "plan/intervals.h"
#include "plan/lives.h"
#include "plan/plan.h"
#include "plan/timetable.h"
#include "plan/uses.h"

namespace fastdl {

// Drops calls whose results nothing needs, such as a gradient of the batch. Kept are calls that write external memory,
// calls that draw random numbers (so that the generator advances as in an eager step), and whatever those read.
void remove_dead_calls(Recording& r, const std::vector<int>& kept_buffers) {
  std::vector<bool> needed(r.buffers.size());
  for (int b : kept_buffers) needed[size_t(b)] = true;
  std::vector<bool> keep(r.calls.size());
  for (size_t i = r.calls.size(); i-- > 0;) {
    const Call& c = r.calls[i];
    bool use = c.op->random;
    for (const Operand& o : c.out) use |= needed[size_t(o.buffer)];
    for (size_t k = 0; k < c.in.size(); ++k)
      if (c.writes(int(k)) && c.in[k].buffer >= 0)
        use |= needed[size_t(c.in[k].buffer)] || r.buffers[size_t(c.in[k].buffer)].external;
    keep[i] = use;
    if (!use) continue;
    for (const Operand& o : c.in)
      if (o.buffer >= 0) needed[size_t(o.buffer)] = true;
  }
  size_t at = 0;
  r.calls.erase(std::remove_if(r.calls.begin(), r.calls.end(), [&](const Call&) { return !keep[at++]; }),
                r.calls.end());
}

namespace {

bool is_external(const Recording& r, const Operand& o) { return o.buffer >= 0 && r.buffers[size_t(o.buffer)].external; }

// Follows which external memory a step reads and writes, call by call.
class State {
 public:
  explicit State(const Recording& r) : r_(r), read_(r.buffers.size()), fresh_(r.buffers.size()) {}

  // Whether c, the next call, changes state: external memory whose value from before the step was read, by this call or
  // an earlier one. Such a change cannot be undone. Memory that was not read (a gradient) can simply be written again.
  // Drawn random numbers do not count.
  bool changes(const Call& c) {
    if (c.op->random) return false;
    for (size_t k = 0; k < c.in.size(); ++k) {
      const Operand& o = c.in[k];
      if (!is_external(r_, o) || (c.writes(int(k)) && c.op->assigns)) continue;
      if (!fresh_[size_t(o.buffer)].covers(o.offset, o.offset + o.bytes()))
        read_[size_t(o.buffer)].add(o.offset, o.offset + o.bytes());
    }
    bool any = false;
    for (size_t k = 0; k < c.in.size(); ++k)
      if (c.writes(int(k))) any |= write(c.in[k]);
    for (const Operand& o : c.out) any |= write(o);
    return any;
  }

 private:
  bool write(const Operand& o) {
    if (!is_external(r_, o)) return false;
    if (read_[size_t(o.buffer)].meets(o.offset, o.offset + o.bytes())) return true;
    fresh_[size_t(o.buffer)].add(o.offset, o.offset + o.bytes());
    return false;
  }

  const Recording& r_;
  std::vector<Intervals> read_, fresh_;  // by buffer
};

// Whether a call may take long. Elementwise calls take little compared with products and reductions.
bool is_long(const Call& c) { return !c.op->elementwise && !c.op->assigns && !c.out.empty(); }

}  // namespace

// A step can be abandoned until it first changes state. So calls that only change state (moving averages, metric
// totals) move behind the last long call before a change that cannot move; their inputs are kept until then. A call
// moves only past calls that do not touch what it writes and do not write what it reads.
void sink_state_changes(Recording& r) {
  std::vector<size_t> found;  // changes that can be moved
  size_t limit = 0;           // where they go
  {
    State state(r);
    for (size_t i = 0; i < r.calls.size(); ++i) {
      const Call& c = r.calls[i];
      if (is_long(c)) limit = i + 1;
      if (!state.changes(c)) continue;
      bool movable = c.out.empty();
      for (size_t k = 0; k < c.in.size(); ++k) movable &= !c.writes(int(k)) || is_external(r, c.in[k]);
      if (!movable) {
        limit = std::min(limit, i);
        break;
      }
      found.push_back(i);
    }
  }
  if (found.empty() || found.front() >= limit) return;
  std::vector<bool> moves(r.calls.size());
  for (size_t i : found) moves[i] = true;
  Uses uses(r);
  for (size_t i : found) {
    if (i >= limit) break;
    const Call& c = r.calls[i];
    for (size_t k = 0; k < c.in.size(); ++k) {
      if (c.in[k].buffer < 0) continue;
      size_t j = i;  // calls that move as well keep their order
      do j = uses.first_touch(c.in[k], j + 1, limit, !c.writes(int(k)));
      while (j != Uses::kNone && moves[j]);
      limit = std::min(limit, j);
    }
  }
  size_t last_long = limit;
  while (last_long > 0 && !is_long(r.calls[last_long - 1])) --last_long;
  if (found.front() >= last_long) return;  // to move past short calls alone gains nothing
  std::vector<Call> calls, sunk;
  calls.reserve(r.calls.size());
  for (size_t i = 0; i <= r.calls.size(); ++i) {
    if (i == limit) std::move(sunk.begin(), sunk.end(), std::back_inserter(calls));
    if (i == r.calls.size()) break;
    Call& c = r.calls[i];
    c.late = moves[i] && i < last_long;
    (moves[i] && i < limit ? sunk : calls).push_back(std::move(c));
  }
  r.calls = std::move(calls);
}

// For assign_(target, x) with x a whole intermediate: the call that makes x writes into the target directly. So
// gradients arrive in the optimizer's flat buffer without a copy. Safe if nothing touches the target in between and
// nothing reads x after the target is overwritten. Changes that were moved late stay there.
void elide_assignments(Recording& r) {
  Uses uses(r);
  for (size_t i = 0; i < r.calls.size(); ++i) {
    const Call& c = r.calls[i];
    if (!c.op->assigns || c.late) continue;
    const Operand target = c.in[0], x = c.in[1];
    if (r.buffers[size_t(x.buffer)].external || x.dtype != target.dtype || x.offset != 0 ||
        x.shape.numel() != target.shape.numel() || x.bytes() != r.buffers[size_t(x.buffer)].bytes)
      continue;
    const size_t maker = uses.sole_writer(x.buffer);
    if (maker >= i) continue;  // that includes kNone
    if (uses.first_touch(target, maker, i, false) != Uses::kNone) continue;
    const size_t last = uses.last_read(x.buffer);
    if (uses.first_touch(target, i + 1, last + 1, true) != Uses::kNone) continue;
    uses.remove(i);
    uses.move(x.buffer, target);
  }
  uses.finish();
}

namespace {

// Lets an elementwise call overwrite an input that no later call reads.
void reuse_inputs(Recording& r, const Chains& chains) {
  std::vector<Life> lives = lives_of(r);   // single calls, since a chain's tiles keep their order
  std::vector<int> now(r.buffers.size());  // the buffer that replaces a buffer
  std::iota(now.begin(), now.end(), 0);
  auto in_tail = [&, chain = chains.list.begin()](size_t i) mutable {
    while (chain != chains.list.end() && chain->end <= i) ++chain;
    return chain != chains.list.end() && chain->first <= i && chain->produced;
  };
  auto movable = [&](const Operand& o) {
    return o.buffer >= 0 && is_whole(r, o) && !r.buffers[size_t(o.buffer)].external && !chains.own[size_t(o.buffer)];
  };
  for (size_t i = 0; i < r.calls.size(); ++i) {
    Call& c = r.calls[i];
    for (auto* list : {&c.in, &c.out})
      for (Operand& o : *list)
        if (o.buffer >= 0) o.buffer = now[size_t(o.buffer)];
    // A call that reads more of its inputs than the rows that are complete may stand before those in a tail.
    if (!c.op->elementwise || in_tail(i)) continue;
    Operand& to = c.out[0];
    if (!movable(to) || lives[size_t(to.buffer)].first != i) continue;
    for (const Operand& from : c.in) {
      if (from.buffer < 0 || !movable(from) || lives[size_t(from.buffer)].last != i || !(from.shape == to.shape) ||
          size_of(from.dtype) != size_of(to.dtype))
        continue;
      // A second read of the same values (broadcast), or a second output there, would see them overwritten too early.
      bool alone = true;
      for (const Operand& o : c.in) alone &= o.buffer != from.buffer || o.shape == to.shape;
      if (!alone) continue;
      lives[size_t(from.buffer)].last = lives[size_t(to.buffer)].last;
      now[size_t(to.buffer)] = from.buffer;
      to.buffer = from.buffer;
      break;
    }
  }
}

}  // namespace

// Makes each call's workspace a buffer that only this call uses.
void add_workspaces(Recording& r) {
  for (Call& c : r.calls) {
    if (!c.op->workspace) continue;
    View in[kMaxInputs], out[kMaxOutputs];
    for (size_t k = 0; k < c.in.size(); ++k) in[k] = {nullptr, c.in[k].shape, c.in[k].dtype};
    for (size_t k = 0; k < c.out.size(); ++k) out[k] = {nullptr, c.out[k].shape, c.out[k].dtype};
    const int64_t bytes = c.op->workspace({*c.op, in, out, c.attrs});
    if (!bytes) continue;
    c.workspace = {int(r.buffers.size()), 0, {bytes}, DType::uint8};
    r.buffers.push_back({nullptr, bytes, false});
  }
}

namespace {

// Offsets of the intermediates in one arena. Two share memory only if their lifetimes do not overlap.
std::vector<int64_t> assign_arena(const Recording& r, const Chains& chains, int64_t& arena_bytes) {
  struct Block {
    int buffer;
    Life life;
    int64_t bytes;
  };
  std::vector<Block> blocks;
  const std::vector<Life> lives = lives_of(r, chains.list);
  for (size_t b = 0; b < r.buffers.size(); ++b)
    if (!r.buffers[b].external && lives[b].first < r.calls.size() && !chains.own[b])
      blocks.push_back({int(b), lives[b], (r.buffers[b].bytes + 63) / 64 * 64});
  // Largest first, each at the lowest place that is free during its whole life.
  std::stable_sort(blocks.begin(), blocks.end(), [](const Block& a, const Block& b) { return a.bytes > b.bytes; });
  std::vector<int64_t> offset(r.buffers.size(), -1);
  arena_bytes = 0;
  Timetable taken(r.calls.size());
  for (const Block& b : blocks) {
    const int64_t at = taken.lowest(b.life.first, b.life.last, b.bytes);
    taken.add(b.life.first, b.life.last, at, at + b.bytes);
    offset[size_t(b.buffer)] = at;
    arena_bytes = std::max(arena_bytes, at + b.bytes);
  }
  return offset;
}

Layout lay_out(Recording r, bool take_apart) {
  Layout l = {std::move(r), {}, {}, 0};
  l.chains = find_chains(l.recording, take_apart);
  reuse_inputs(l.recording, l.chains);
  l.offset = assign_arena(l.recording, l.chains, l.arena_bytes);
  return l;
}

}  // namespace

// A joined array takes memory from its first part on. Where this needs an eighth more memory, nothing is taken apart.
Layout lay_out(Recording r) {
  const std::vector<bool> columns = columns_moved(r);
  if (std::find(columns.begin(), columns.end(), true) == columns.end()) return lay_out(std::move(r), false);
  Layout apart = lay_out(r, true), whole = lay_out(std::move(r), false);
  return apart.arena_bytes <= whole.arena_bytes + whole.arena_bytes / 8 ? std::move(apart) : std::move(whole);
}

size_t commit_point(const Recording& r) {
  State state(r);
  for (size_t i = 0; i < r.calls.size(); ++i)
    if (state.changes(r.calls[i])) return i;
  return r.calls.size();
}

}  // namespace fastdl
