// The random state: a seed and a counter. Every random op takes a block of counters and computes its
// values from (seed, counter) alone (Philox, Salmon et al. 2011), so results depend on neither threads
// nor on whether a step runs eagerly or is replayed: both draw the same blocks in the same order.
#pragma once
#include <stdint.h>

#include <atomic>

namespace fastdl {

// One for the process, as in PyTorch and Keras. Threads that draw at once get blocks of their own, but which
// one gets which depends on timing: only one thread's draws can be repeated from a seed.
struct Generator {
  std::atomic<uint64_t> seed{0};
  std::atomic<uint64_t> counter{0};

  // Reserves the counters for n values (four per counter) and returns the first.
  uint64_t reserve(int64_t n) {
    const uint64_t blocks = uint64_t(n + 3) / 4;
    drawn += blocks;
    return counter.fetch_add(blocks, std::memory_order_relaxed);
  }
  // What this thread has reserved so far; and where the counter stood when it began a step, or last made something that
  // stays (a weight).
  static thread_local uint64_t drawn, kept;
  // Undoes what this thread reserved since the counter was `before` and drawn was `drawn_before`, as if it had not
  // happened. Not where another thread has reserved in between: its numbers are in use.
  void give_back(uint64_t before, uint64_t drawn_before) {
    uint64_t now = before + (drawn - drawn_before);
    counter.compare_exchange_strong(now, before);
  }
  void set(uint64_t new_seed, uint64_t new_counter) {
    seed = new_seed;
    counter = new_counter;
  }
};

// The library's generator, seeded from the system's entropy until manual_seed is called.
Generator& generator();
void manual_seed(uint64_t seed);

}  // namespace fastdl
