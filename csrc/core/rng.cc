#include "core/rng.h"

#include <random>

namespace fastdl {
namespace {

thread_local Tensor replacement;
thread_local uint64_t taken_here = 0;

const Tensor& library_generator() {
  static const Tensor g = [] {
    std::random_device entropy;
    return make_generator((uint64_t(entropy()) << 32) ^ entropy());
  }();
  return g;
}

}  // namespace

Tensor make_generator(uint64_t seed, uint64_t counter) {
  Tensor g = empty({2}, DType::int64);
  set_rng_state(g, seed, counter);
  return g;
}

// Plans draw without the interpreter's lock, so several threads may be here at once.
RngState rng_state(const Tensor& g) {
  const int64_t* state = g->data<int64_t>();
  return {uint64_t(__atomic_load_n(state, __ATOMIC_RELAXED)), uint64_t(__atomic_load_n(state + 1, __ATOMIC_RELAXED))};
}
void set_rng_state(const Tensor& g, uint64_t seed, uint64_t counter) {
  int64_t* state = g->data<int64_t>();
  __atomic_store_n(state, int64_t(seed), __ATOMIC_RELAXED);
  __atomic_store_n(state + 1, int64_t(counter), __ATOMIC_RELAXED);
}
uint64_t take_counters(int64_t* state, int64_t n) {
  taken_here += uint64_t(n + 3) / 4;
  return uint64_t(__atomic_fetch_add(state + 1, (n + 3) / 4, __ATOMIC_RELAXED));
}

uint64_t counters_taken() { return taken_here; }
void give_back_counters(int64_t* state, uint64_t counter, uint64_t taken) {
  int64_t now = int64_t(counter + (taken_here - taken));
  __atomic_compare_exchange_n(state + 1, &now, int64_t(counter), false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

const Tensor& generator() { return replacement ? replacement : library_generator(); }

Tensor use_generator(Tensor generator) { return std::exchange(replacement, std::move(generator)); }

void manual_seed(uint64_t seed) { set_rng_state(generator(), seed, 0); }

}  // namespace fastdl
