// The passes that turn a recording into what a plan runs. None of them changes a single bit of a result.
#include <algorithm>

#include "plan/plan.h"

namespace fastdl {

// Drops calls whose results nobody needs: a gradient of the batch, probabilities that only the logits were
// taken of. Kept are calls that write into external memory, that draw random numbers (so that the generator
// advances as in an eager step), and whatever those read.
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

bool is_assign(const Call& c) { return std::strcmp(c.op->name, "assign_") == 0; }

// The one call that makes buffer b; -1 if it is written more than once.
int sole_writer(const Recording& r, int b) {
  int writer = -1;
  for (size_t i = 0; i < r.calls.size(); ++i) {
    const Call& c = r.calls[i];
    bool writes = false;
    for (const Operand& o : c.out) writes |= o.buffer == b;
    for (size_t k = 0; k < c.in.size(); ++k) writes |= c.writes(int(k)) && c.in[k].buffer == b;
    if (!writes) continue;
    if (writer >= 0) return -1;
    writer = int(i);
  }
  return writer;
}

bool touches(const Call& c, const Operand& region, bool writes_only) {
  for (const Operand& o : c.out)
    if (o.overlaps(region)) return true;
  for (size_t k = 0; k < c.in.size(); ++k)
    if ((!writes_only || c.writes(int(k))) && c.in[k].overlaps(region)) return true;
  return false;
}

}  // namespace

// assign_(target, x), x a whole intermediate: let the call that makes x write into the target at once. This
// is how gradients arrive in the optimizer's flat buffer without a copy. Safe if the target is not touched
// between x's making and the assignment, and not overwritten while x is still read.
void elide_assignments(Recording& r) {
  for (size_t i = 0; i < r.calls.size(); ++i) {
    if (!is_assign(r.calls[i])) continue;
    const Operand target = r.calls[i].in[0], x = r.calls[i].in[1];
    if (r.buffers[size_t(x.buffer)].external || x.dtype != target.dtype || x.offset != 0 ||
        x.shape.numel() != target.shape.numel() || x.bytes() != r.buffers[size_t(x.buffer)].bytes)
      continue;
    int maker = sole_writer(r, x.buffer);
    if (maker < 0 || size_t(maker) >= i) continue;
    bool safe = true;
    size_t last_use = i;
    for (size_t j = size_t(maker); j < i && safe; ++j) safe = !touches(r.calls[j], target, false);
    for (size_t j = i + 1; j < r.calls.size(); ++j)
      for (const Operand& o : r.calls[j].in)
        if (o.buffer == x.buffer) last_use = j;
    for (size_t j = i + 1; j <= last_use && safe; ++j) safe = !touches(r.calls[j], target, true);
    if (!safe) continue;
    for (Call& c : r.calls)
      for (auto* list : {&c.in, &c.out})
        for (Operand& o : *list)
          if (o.buffer == x.buffer) {
            o.buffer = target.buffer;
            o.offset += target.offset;
          }
    r.calls.erase(r.calls.begin() + int64_t(i--));
  }
}

namespace {

bool is_whole(const Recording& r, const Operand& o) {
  return o.buffer >= 0 && o.offset == 0 && o.bytes() == r.buffers[size_t(o.buffer)].bytes;
}

// By buffer, the calls between which it is in use. Calls of a chain take turns, so that what one of them uses
// is in use throughout the chain.
struct Life {
  size_t first, last;
};
std::vector<Life> lives_of(const Recording& r, const std::vector<Chain>& chains) {
  std::vector<Life> lives(r.buffers.size(), {r.calls.size(), 0});
  auto chain = chains.begin();
  for (size_t i = 0; i < r.calls.size(); ++i) {
    while (chain != chains.end() && chain->end <= i) ++chain;
    const bool inside = chain != chains.end() && chain->first <= i;
    for (auto* list : {&r.calls[i].in, &r.calls[i].out})
      for (const Operand& o : *list) {
        if (o.buffer < 0) continue;
        Life& life = lives[size_t(o.buffer)];
        life.first = std::min(life.first, inside ? chain->first : i);
        life.last = std::max(life.last, inside ? chain->end - 1 : i);
      }
  }
  return lives;
}

bool is_own(const std::vector<Chain>& chains, int buffer) {
  return std::any_of(chains.begin(), chains.end(), [&](const Chain& c) { return c.own[size_t(buffer)]; });
}

}  // namespace

void reuse_inputs(Recording& r, const std::vector<Chain>& chains) {
  std::vector<Life> lives = lives_of(r, {});  // single calls: a chain's tiles keep their order
  for (size_t i = 0; i < r.calls.size(); ++i) {
    const Call& c = r.calls[i];
    if (!c.op->elementwise) continue;
    const Operand to = c.out[0];
    auto movable = [&](const Operand& o) {
      return is_whole(r, o) && !r.buffers[size_t(o.buffer)].external && !is_own(chains, o.buffer);
    };
    if (!movable(to) || lives[size_t(to.buffer)].first != i) continue;
    for (const Operand& from : c.in) {
      if (from.buffer < 0 || !movable(from) || lives[size_t(from.buffer)].last != i || !(from.shape == to.shape) ||
          size_of(from.dtype) != size_of(to.dtype))
        continue;
      // The same values read broadcast as well, or a second output there, would be overwritten too early.
      bool alone = true;
      for (const Operand& o : c.in) alone &= o.buffer != from.buffer || o.shape == to.shape;
      if (!alone) continue;
      const int kept = from.buffer;
      lives[size_t(kept)].last = lives[size_t(to.buffer)].last;
      for (size_t k = i; k < r.calls.size(); ++k)
        for (auto* list : {&r.calls[k].in, &r.calls[k].out})
          for (Operand& o : *list)
            if (o.buffer == to.buffer) o.buffer = kept;
      break;
    }
  }
}

std::vector<int64_t> assign_arena(const Recording& r, const std::vector<Chain>& chains, int64_t& arena_bytes) {
  struct Block {
    int buffer;
    Life life;
    int64_t bytes;
  };
  std::vector<Block> blocks;
  const std::vector<Life> lives = lives_of(r, chains);
  for (size_t b = 0; b < r.buffers.size(); ++b)
    if (!r.buffers[b].external && lives[b].first < r.calls.size() && !is_own(chains, int(b)))
      blocks.push_back({int(b), lives[b], (r.buffers[b].bytes + 63) / 64 * 64});
  // Largest first, each at the lowest place that is free during its whole life.
  std::stable_sort(blocks.begin(), blocks.end(),
                   [](const Block& a, const Block& b) { return a.bytes > b.bytes; });
  std::vector<int64_t> offset(r.buffers.size(), -1);
  arena_bytes = 0;
  for (size_t n = 0; n < blocks.size(); ++n) {
    const Block& l = blocks[n];
    std::vector<std::pair<int64_t, int64_t>> taken;
    for (size_t m = 0; m < n; ++m) {
      const Block& o = blocks[m];
      if (o.life.first <= l.life.last && l.life.first <= o.life.last)
        taken.push_back({offset[size_t(o.buffer)], offset[size_t(o.buffer)] + o.bytes});
    }
    std::sort(taken.begin(), taken.end());
    int64_t at = 0;
    for (auto [begin, end] : taken) {
      if (at + l.bytes <= begin) break;
      at = std::max(at, end);
    }
    offset[size_t(l.buffer)] = at;
    arena_bytes = std::max(arena_bytes, at + l.bytes);
  }
  return offset;
}

namespace {

bool is_external(const Recording& r, const Operand& o) {
  return o.buffer >= 0 && r.buffers[size_t(o.buffer)].external;
}
bool covered(const Operand& o, const std::vector<Operand>& by) {
  return std::any_of(by.begin(), by.end(), [&](const Operand& b) {
    return b.buffer == o.buffer && b.offset <= o.offset && o.offset + o.bytes() <= b.offset + b.bytes();
  });
}

}  // namespace

// Changing external memory that the step has read (an optimizer update, a metric total) cannot be undone;
// overwriting what it has not read (a gradient) can be repeated by the next step.
size_t commit_point(const Recording& r) {
  std::vector<Operand> read, fresh;  // what was there before the step and was read; what the step put there
  for (size_t i = 0; i < r.calls.size(); ++i) {
    const Call& c = r.calls[i];
    if (c.op->random) continue;  // of random numbers there are enough
    auto overwrites = [&](size_t k) { return c.writes(int(k)) && is_assign(c); };
    for (size_t k = 0; k < c.in.size(); ++k)
      if (is_external(r, c.in[k]) && !overwrites(k) && !covered(c.in[k], fresh)) read.push_back(c.in[k]);
    auto write = [&](const Operand& o) {
      if (!is_external(r, o)) return false;
      for (const Operand& before : read)
        if (o.overlaps(before)) return true;
      fresh.push_back(o);
      return false;
    };
    bool state = false;
    for (size_t k = 0; k < c.in.size(); ++k)
      if (c.writes(int(k))) state |= write(c.in[k]);
    for (const Operand& o : c.out) state |= write(o);
    if (state) return i;
  }
  return r.calls.size();
}

}  // namespace fastdl
