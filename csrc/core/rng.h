// The random state: a seed and a counter. Every random op takes a block of counters and computes its
// values from (seed, counter) alone (Philox, Salmon et al. 2011), so results depend on neither threads
// nor on whether a step runs eagerly or is replayed: both draw the same blocks in the same order.
#pragma once
#include <stdint.h>

namespace fastdl {

struct Generator {
  uint64_t seed = 0;
  uint64_t counter = 0;

  // Reserves the counters for n values (four per counter) and returns the first.
  uint64_t reserve(int64_t n) {
    uint64_t first = counter;
    counter += uint64_t(n + 3) / 4;
    return first;
  }
};

// The library's generator, seeded from the system's entropy until manual_seed is called.
Generator& generator();
void manual_seed(uint64_t seed);

}  // namespace fastdl
