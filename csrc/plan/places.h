// Places for the results that only a chain reads, in the scratch memory of a tile.
#pragma once
#include <map>

#include "plan/lives.h"

namespace fastdl {

// There are few places, so that they stay in L1. A result takes the place of an operand that no later call reads, else
// a free place.
class Places {
 public:
  // A place for buffer `out`, which call i makes, with so many bytes per part.
  void make(const Call& c, size_t i, int64_t part_bytes, const std::vector<Life>& lives) {
    const int out = c.out[0].buffer;
    if (of(out) >= 0) return;  // placed before
    for (const Operand& o : c.in)
      if (const int slot = of(o.buffer);
          slot >= 0 && lives[size_t(o.buffer)].last == i && slots_[size_t(slot)] == part_bytes) {
        place_[out] = slot;
        place_.erase(o.buffer);
        return;
      }
    for (size_t n = 0; n < free_.size(); ++n)
      if (const int slot = free_[n]; slots_[size_t(slot)] == part_bytes) {
        place_[out] = slot;
        free_.erase(free_.begin() + int64_t(n));
        return;
      }
    place_[out] = int(slots_.size());
    slots_.push_back(part_bytes);
  }
  // Frees the places of buffers whose last use is call i.
  void release(const Call& c, size_t i, const std::vector<Life>& lives) {
    for (auto* list : {&c.in, &c.out})
      for (const Operand& o : *list)
        if (const int slot = of(o.buffer); slot >= 0 && lives[size_t(o.buffer)].last == i) {
          free_.push_back(slot);
          place_.erase(o.buffer);
        }
  }
  int of(int buffer) const {
    const auto at = place_.find(buffer);
    return at == place_.end() ? -1 : at->second;
  }
  const std::vector<int64_t>& slots() const { return slots_; }

 private:
  std::map<int, int> place_;    // slots of the buffers in use
  std::vector<int64_t> slots_;  // bytes per part
  std::vector<int> free_;
};

}  // namespace fastdl
