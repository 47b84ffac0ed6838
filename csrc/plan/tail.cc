#include "plan/tail.h"

#include <algorithm>

#include "core/subnormals.h"
#include "plan/lives.h"

namespace fastdl {
namespace {

constexpr size_t kMostBetween = 16;  // calls that are moved for a tail, before it or behind it
constexpr int kMostInputs = 3;       // of an elementwise call

bool same_place(const Operand& a, const Operand& b) {
  return a.buffer == b.buffer && a.offset == b.offset && a.shape == b.shape && a.dtype == b.dtype;
}

// The kinds of operands that rows can be cut from: as many elements as the result, one for each place of a row, or one.
enum class Kind { rows, row, one, none };
Kind kind_of(const Operand& o, const Shape& whole) {
  if (o.shape == whole) return Kind::rows;
  const int64_t n = o.shape.numel();
  if (n == 1) return Kind::one;
  return n == whole.back() && o.shape.rank() > 0 && o.shape.back() == n ? Kind::row : Kind::none;
}

// Whether c can run on rows of `value`, the latest result of the tail.
bool can_follow(const Call& c, const Operand& value) {
  if (c.out.size() != 1 || c.op->mutates || c.op->random || c.late || !(c.out[0].shape == value.shape)) return false;
  const bool elementwise = c.op->elementwise && !c.op->workspace && c.in.size() <= kMostInputs;
  if (!elementwise && !(c.op->by_rows && c.op->by_rows->possible(c.attrs, value.shape))) return false;
  bool follows = false;
  for (size_t k = 0; k < c.in.size(); ++k) {
    const Operand& o = c.in[k];
    if (o.buffer < 0) continue;
    follows |= same_place(o, value);
    if (same_place(o, value) && !elementwise && k > 0) return false;
    if (elementwise && kind_of(o, value.shape) == Kind::none) return false;
  }
  return follows;
}

// Calls f with each operand of a call, and whether the call writes it.
template <class F>
bool any_operand(const Call& c, F f) {
  for (size_t k = 0; k < c.in.size(); ++k)
    if (c.in[k].buffer >= 0 && f(c.in[k], c.writes(int(k)))) return true;
  for (const Operand& o : c.out)
    if (f(o, true)) return true;
  return c.workspace.buffer >= 0 && f(c.workspace, true);
}
// Whether two calls may change places.
bool independent(const Call& a, const Call& b) {
  return !any_operand(a, [&](const Operand& x, bool written) {
    return any_operand(b, [&](const Operand& y, bool too) { return (written || too) && x.overlaps(y); });
  });
}
bool independent(const Recording& r, const Call& c, const std::vector<size_t>& others) {
  return std::all_of(others.begin(), others.end(), [&](size_t i) { return independent(c, r.calls[i]); });
}

// Whether a call must not join a tail, as it reads other parts of what the tail writes, or overwrites what it reads,
// whose other rows are still to come.
bool meets_tail(const Recording& r, const Call& c, const std::vector<size_t>& tail, const Operand& value) {
  for (const Operand& o : c.in)
    for (size_t t : tail)
      for (const Operand& made : r.calls[t].out)
        if (o.overlaps(made) && !(o.shape == value.shape && same_place(o, made))) return true;
  for (const Operand& o : c.out)
    for (size_t t : tail)
      for (auto* list : {&r.calls[t].in, &r.calls[t].out})
        for (const Operand& other : *list)
          if (o.overlaps(other)) return true;
  for (const Operand& o : c.out)
    for (const Operand& other : c.in)
      if (o.overlaps(other)) return true;
  return false;
}

bool reports_rows(const Call& c) {
  if (!c.op->reports_rows || c.out[0].shape.rank() < 2 || !c.out[0].shape.numel()) return false;
  View in[kMaxInputs], out[kMaxOutputs];
  for (size_t k = 0; k < c.in.size(); ++k) in[k] = {nullptr, c.in[k].shape, c.in[k].dtype};
  for (size_t k = 0; k < c.out.size(); ++k) out[k] = {nullptr, c.out[k].shape, c.out[k].dtype};
  return c.op->reports_rows({*c.op, in, out, c.attrs});
}

// A tail, and the calls that stand between its calls and go before or after them.
struct Found {
  std::vector<size_t> before, tail, after;
};
Found tail_of(const Recording& r, size_t first, const std::vector<bool>& taken) {
  Found found, next;
  next.tail = {first};
  Operand value = r.calls[first].out[0];
  for (size_t i = first + 1; i < r.calls.size() && !taken[i]; ++i) {
    const Call& c = r.calls[i];
    if (can_follow(c, value) && independent(r, c, next.after) && !meets_tail(r, c, next.tail, value)) {
      next.tail.push_back(i);
      value = c.out[0];
      found = next;
      continue;
    }
    const bool fixed = c.op->mutates || c.op->random || c.late;
    const bool goes_before = !fixed && independent(r, c, next.tail) && independent(r, c, next.after);
    (goes_before ? next.before : next.after).push_back(i);
    if (next.before.size() + next.after.size() > kMostBetween) break;
  }
  return found;
}

// Brings the calls of a tail together. Others keep their order.
void gather(Recording& r, const Found& found) {
  std::vector<Call> ordered;
  for (const std::vector<size_t>* part : {&found.before, &found.tail, &found.after})
    for (size_t i : *part) ordered.push_back(std::move(r.calls[i]));
  std::move(ordered.begin(), ordered.end(), r.calls.begin() + int64_t(found.tail.front()));
}

// Results that only the tail reads take the memory of the last one.
void join_buffers(Recording& r, const Chain& chain, const std::vector<Life>& lives) {
  const Operand result = r.calls[chain.end - 1].out[0];
  if (!is_whole(r, result) || lives[size_t(result.buffer)].first != chain.end - 1) return;
  for (size_t i = chain.first; i + 1 < chain.end; ++i) {
    const Operand made = r.calls[i].out[0];
    const Life& life = lives[size_t(made.buffer)];
    // It is overwritten by the next result that is joined, so only the next call may read it.
    if (r.buffers[size_t(made.buffer)].external || !life.whole || life.first != i || life.last != i + 1 ||
        made.dtype != result.dtype)
      continue;
    for (size_t k = chain.first; k < chain.end; ++k)
      for (auto* list : {&r.calls[k].in, &r.calls[k].out})
        for (Operand& o : *list)
          if (o.buffer == made.buffer) o.buffer = result.buffer;
  }
}

void lay_out(Chain& chain, const Recording& r) {
  const Shape& whole = r.calls[chain.first].out[0].shape;
  chain.produced = true;
  chain.row = whole.back();
  chain.parts = whole.numel() / chain.row;
  for (size_t i = chain.first + 1; i < chain.end; ++i) {
    const Call& c = r.calls[i];
    Chain::Link link;
    View in[kMostInputs];
    if (c.op->row) {
      for (size_t k = 0; k < c.in.size(); ++k) in[k] = {nullptr, c.in[k].shape, c.in[k].dtype};
      link.kernel = c.op->row(in);
    }
    link.at_once = true;
    auto add = [&](const Operand& o) {
      Chain::Piece p;
      const Kind kind = o.buffer < 0 ? Kind::none : kind_of(o, whole);
      p.sliced = kind == Kind::rows;
      p.stride = kind == Kind::rows || kind == Kind::row;
      if (p.sliced) p.part_bytes = p.row_bytes = chain.row * size_of(o.dtype);
      if (kind == Kind::row) link.at_once = false;
      chain.pieces.push_back(p);
    };
    for (const Operand& o : c.in) add(o);
    add(c.out[0]);
    chain.links.push_back(link);
  }
}

}  // namespace

// From the last to the first, so that the calls of a residual join the branch that is computed last.
std::vector<Chain> find_tails(Recording& r) {
  std::vector<Chain> chains;
  if (!r.device->is_cpu()) return chains;
  std::vector<bool> taken(r.calls.size());
  for (size_t i = r.calls.size(); i-- > 0;) {
    const Call& c = r.calls[i];
    if (taken[i] || !reports_rows(c)) continue;
    const Found found = tail_of(r, i, taken);
    if (found.tail.empty()) continue;
    Chain chain;
    chain.first = i + found.before.size();
    chain.end = chain.first + found.tail.size();
    gather(r, found);
    std::fill(taken.begin() + int64_t(chain.first), taken.begin() + int64_t(chain.end), true);
    chains.push_back(std::move(chain));
  }
  const std::vector<Life> lives = lives_of(r);
  for (Chain& chain : chains) {
    join_buffers(r, chain, lives);
    lay_out(chain, r);
  }
  return chains;
}

void run_tail(const Chain& chain, const Step* steps) {
  for (size_t i = chain.first + 1; i < chain.end; ++i)
    if (const ByRows* by_rows = steps[i].op->by_rows) by_rows->prepare(steps[i].context());
  const auto run = [&](int64_t first, int64_t count) {
    const KeepSubnormals keep;  // products flush them
    const Chain::Piece* piece = chain.pieces.data();
    for (size_t i = chain.first + 1; i < chain.end; ++i) {
      const Step& s = steps[i];
      if (s.op->by_rows)
        s.op->by_rows->run(s.context(), first, count);
      else
        run_link(chain, chain.links[i - chain.first - 1], piece, s, nullptr, first, count);
      piece += s.inputs + 1;
    }
  };
  const RowsDone done = run;
  RunContext c = steps[chain.first].context();
  c.done = &done;
  steps[chain.first].run(c);
}

}  // namespace fastdl
