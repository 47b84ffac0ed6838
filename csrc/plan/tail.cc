#include "plan/tail.h"

#include <algorithm>

#include "core/scratch.h"
#include "core/subnormals.h"
#include "plan/columns.h"
#include "plan/places.h"

namespace fastdl {
namespace {

constexpr size_t kMostBetween = 16;  // calls that are moved for a tail, before it or behind it
constexpr int kMostInputs = 3;       // of an elementwise call

// The kinds of operands that rows can be cut from: as many elements as the result, one for each place of a row, or one.
enum class Kind { rows, row, one, none };
Kind kind_of(const Operand& o, const Shape& whole) {
  if (o.shape == whole) return Kind::rows;
  const int64_t n = o.shape.numel();
  if (n == 1) return Kind::one;
  return n == whole.back() && o.shape.rank() > 0 && o.shape.back() == n ? Kind::row : Kind::none;
}

bool is_fixed(const Call& c) { return c.op->mutates || c.op->random || c.late || c.stays; }

// Whether c can run on rows of the results of a tail: what it reads of them is complete with those rows, and it
// overwrites nothing that the tail accesses, whose other rows are still to come.
bool can_follow(const Recording& r, const Call& c, const std::vector<size_t>& tail) {
  if (c.out.size() != 1 || is_fixed(c)) return false;
  const Operand& out = c.out[0];
  if (!out.rows() || out.rows() != r.calls[tail.front()].out[0].rows()) return false;
  const bool elementwise = c.op->elementwise && !c.op->workspace && c.in.size() <= kMostInputs;
  if (!elementwise && !(c.op->by_rows && c.op->by_rows->possible(c.attrs, out.shape))) return false;
  bool follows = false;
  for (size_t k = 0; k < c.in.size(); ++k) {
    const Operand& o = c.in[k];
    if (o.buffer < 0) continue;
    const Kind kind = kind_of(o, out.shape);
    if (o.overlaps(out) || (elementwise && kind == Kind::none)) return false;
    const bool rows = kind == Kind::rows && (elementwise || k == 0);
    for (size_t t : tail)
      for (size_t j = 0; j < r.calls[t].out.size(); ++j) {
        const Operand& made = r.calls[t].out[j];
        if (!o.overlaps(made)) continue;
        if (j > 0 || !rows || !o.in_step(made)) return false;
        // The rest of a part may have been there for long. The joined array should not be needed before the part is.
        if (c.part_of != SIZE_MAX && !o.within(made)) return false;
        follows = true;
      }
  }
  for (size_t t : tail)
    for (auto* list : {&r.calls[t].in, &r.calls[t].out})
      for (const Operand& o : *list)
        if (out.overlaps(o)) return false;
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
  for (size_t i = first + 1; i < r.calls.size() && !taken[i]; ++i) {
    const Call& c = r.calls[i];
    if (can_follow(r, c, next.tail) && independent(r, c, next.after)) {
      next.tail.push_back(i);
      found = next;
      continue;
    }
    const bool goes_before = !is_fixed(c) && independent(r, c, next.tail) && independent(r, c, next.after);
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

// Decides how the calls of a tail run. Results that only the tail reads are in scratch memory, some rows at a time.
void lay_out(Chain& chain, const Recording& r, const std::vector<Life>& lives, std::vector<bool>& own) {
  Places places;
  const auto add = [&](const Operand& o, Kind kind) {
    Chain::Piece p;
    p.sliced = kind == Kind::rows;
    p.stride = kind == Kind::rows || kind == Kind::row;
    if (p.sliced) {
      p.part_bytes = p.row_bytes = o.stride();
      p.scratch = places.of(o.buffer);
      if (p.scratch >= 0) p.column = o.offset;
    }
    chain.pieces.push_back(p);
  };
  chain.produced = true;
  for (size_t i = chain.first; i < chain.end; ++i) {
    const Call& c = r.calls[i];
    const Operand& out = c.out[0];
    Chain::Link link;
    View in[kMostInputs];
    if (i > chain.first && c.op->row) {
      for (size_t k = 0; k < c.in.size(); ++k) in[k] = {nullptr, c.in[k].shape, c.in[k].dtype};
      link.kernel = c.op->row(in);
    }
    link.at_once = !out.pitch;
    link.row = out.shape.back();
    if (i > chain.first)
      for (const Operand& o : c.in) {
        const Kind kind = o.buffer < 0 ? Kind::none : kind_of(o, out.shape);
        link.at_once &= kind != Kind::row && !o.pitch;
        add(o, kind);
      }
    const size_t b = size_t(out.buffer);
    own[b] = !r.buffers[b].external && is_whole(r, out) && lives[b].first == i && lives[b].last < chain.end;
    if (own[b]) places.make(c, i, out.row_bytes(), lives);
    add(out, Kind::rows);
    places.release(c, i, lives);
    if (i > chain.first) chain.links.push_back(link);
  }
  std::vector<int64_t> at;
  for (int64_t row : places.slots()) {
    at.push_back(chain.scratch_bytes);
    chain.scratch_bytes += row;
  }
  for (Chain::Piece& p : chain.pieces)
    if (p.scratch >= 0) p.scratch = at[size_t(p.scratch)];
}

// From the last to the first, so that the calls of a residual join the branch that is computed last.
std::vector<Chain> gather_tails(Recording& r) {
  std::vector<Chain> chains;
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
  return chains;
}

// Concatenations and splits of which a tail takes a part. The others stay whole.
std::vector<bool> worth_apart(const Recording& r) {
  std::vector<bool> all = columns_moved(r), worth(r.calls.size());
  if (std::find(all.begin(), all.end(), true) == all.end()) return worth;
  Recording trial = r;
  take_apart(trial, all);
  for (const Chain& chain : gather_tails(trial))
    for (size_t i = chain.first; i < chain.end; ++i)
      if (const size_t whole = trial.calls[i].part_of; whole != SIZE_MAX) worth[whole] = true;
  return worth;
}

}  // namespace

std::vector<Chain> find_tails(Recording& r, bool apart, std::vector<bool>& own) {
  if (!r.device->is_cpu()) return {};
  if (apart) take_apart(r, worth_apart(r));
  std::vector<Chain> chains = gather_tails(r);
  const std::vector<Life> lives = lives_of(r);
  for (Chain& chain : chains) lay_out(chain, r, lives, own);
  return chains;
}

void run_tail(const Chain& chain, const Step* steps) {
  const Step& first_step = steps[chain.first];
  for (size_t i = chain.first + 1; i < chain.end; ++i)
    if (const ByRows* by_rows = steps[i].op->by_rows) by_rows->prepare(steps[i].context());
  const auto tile_of = [&](int64_t first, int64_t count) {
    const int64_t room = (count + 15) / 16 * 16;  // so that results begin with a cache line
    return Tile{first, count, static_cast<char*>(scratch(Scratch::chain, size_t(chain.scratch_bytes * room))), room};
  };
  const auto place = [&](int64_t first, int64_t count) {
    return reinterpret_cast<float*>(tile_of(first, count).place(chain.pieces[0], first_step.out[0]));
  };
  const auto done = [&](int64_t first, int64_t count) {
    const KeepSubnormals keep;  // products flush them
    const Tile tile = tile_of(first, count);
    const Chain::Piece* piece = chain.pieces.data() + 1;
    for (size_t i = chain.first + 1; i < chain.end; ++i) {
      run_link(chain, chain.links[i - chain.first - 1], piece, steps[i], tile);
      piece += steps[i].inputs + 1;
    }
  };
  const RowSink sink = {place, done};
  RunContext c = first_step.context();
  c.rows = &sink;
  first_step.run(c);
}

}  // namespace fastdl
