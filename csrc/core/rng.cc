#include "core/rng.h"

#include <random>

namespace fastdl {

Generator& generator() {
  static Generator g = [] {
    std::random_device entropy;
    return Generator{(uint64_t(entropy()) << 32) ^ entropy(), 0};
  }();
  return g;
}

void manual_seed(uint64_t seed) { generator() = {seed, 0}; }

}  // namespace fastdl
