#include "plan/lives.h"

#include <algorithm>

namespace fastdl {

std::vector<Life> lives_of(const Recording& r, const std::vector<Chain>& chains) {
  std::vector<Life> lives(r.buffers.size());
  auto chain = chains.begin();
  for (size_t i = 0; i < r.calls.size(); ++i) {
    while (chain != chains.end() && chain->end <= i) ++chain;
    const bool inside = chain != chains.end() && chain->first <= i;
    auto use = [&](const Operand& o) {
      if (o.buffer < 0) return;
      Life& life = lives[size_t(o.buffer)];
      life.first = std::min(life.first, inside ? chain->first : i);
      life.last = std::max(life.last, inside ? chain->end - 1 : i);
      life.whole &= is_whole(r, o);
    };
    for (const Operand& o : r.calls[i].in) use(o);
    for (const Operand& o : r.calls[i].out) use(o);
    use(r.calls[i].workspace);
  }
  return lives;
}

}  // namespace fastdl
