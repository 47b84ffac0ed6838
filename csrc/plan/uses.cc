#include "plan/uses.h"

#include <algorithm>

namespace fastdl {

Uses::Uses(Recording& r) : r_(r), lists_(r.buffers.size()), writers_(r.buffers.size()), dead_(r.calls.size()) {
  for (size_t i = 0; i < r.calls.size(); ++i) {
    const Call& c = r.calls[i];
    for (size_t k = 0; k < c.in.size(); ++k)
      if (c.in[k].buffer >= 0) lists_[size_t(c.in[k].buffer)].push_back({i, int(k)});
    for (size_t k = 0; k < c.out.size(); ++k)
      if (c.out[k].buffer >= 0) lists_[size_t(c.out[k].buffer)].push_back({i, kMaxInputs + int(k)});
    count_writes(i, 1);
  }
}

// Adds a call to the writers of each buffer that it writes, or removes it from them.
void Uses::count_writes(size_t call, int by) {
  const Call& c = r_.calls[call];
  std::vector<int> counted;
  auto count = [&](const Operand& o) {
    if (o.buffer < 0 || std::find(counted.begin(), counted.end(), o.buffer) != counted.end()) return;
    counted.push_back(o.buffer);
    Writers& w = writers_[size_t(o.buffer)];
    w.calls += size_t(by);
    if (by > 0) w.call = call;
  };
  for (const Operand& o : c.out) count(o);
  for (size_t k = 0; k < c.in.size(); ++k)
    if (c.writes(int(k))) count(c.in[k]);
}

size_t Uses::first_touch(const Operand& region, size_t begin, size_t end, bool writes_only) {
  const std::vector<Use>& list = lists_[size_t(region.buffer)];
  for (auto u = std::lower_bound(list.begin(), list.end(), Use{begin, 0}); u != list.end() && u->call < end; ++u)
    if (!dead_[u->call] && (!writes_only || writes(*u)) && operand(*u).overlaps(region)) return u->call;
  return kNone;
}

size_t Uses::last_read(int b) {
  const std::vector<Use>& list = lists_[size_t(b)];
  for (auto u = list.rbegin(); u != list.rend(); ++u)
    if (!dead_[u->call] && u->place < kMaxInputs) return u->call;
  return kNone;
}

void Uses::remove(size_t call) {
  count_writes(call, -1);
  dead_[call] = true;
}

void Uses::move(int from, const Operand& to) {
  std::vector<Use> moved = std::move(lists_[size_t(from)]);
  lists_[size_t(from)].clear();
  std::erase_if(moved, [&](const Use& u) { return dead_[u.call]; });
  for (const Use& u : moved) {
    Operand& o = operand(u);
    o.buffer = to.buffer;
    o.offset += to.offset;
  }
  std::vector<Use>& list = lists_[size_t(to.buffer)];
  for (const Use& u : moved) list.insert(std::upper_bound(list.begin(), list.end(), u), u);
  Writers &a = writers_[size_t(to.buffer)], &b = writers_[size_t(from)];
  a = {a.calls + b.calls, b.calls ? b.call : a.call};
  b = {};
}

void Uses::finish() {
  size_t at = 0;
  std::erase_if(r_.calls, [&](const Call&) { return dead_[at++]; });
}

}  // namespace fastdl
