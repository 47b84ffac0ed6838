#include "core/rng.h"

#include <random>

namespace fastdl {

thread_local uint64_t Generator::drawn = 0, Generator::kept = 0;

Generator& generator() {
  static Generator g{[] {
    std::random_device entropy;
    return (uint64_t(entropy()) << 32) ^ entropy();
  }()};
  return g;
}

void manual_seed(uint64_t seed) { generator().set(seed, 0); }

}  // namespace fastdl
