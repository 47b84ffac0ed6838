#include "core/rng.h"

#include <random>
#include <vector>

namespace fastdl {
namespace {

thread_local Tensor replacement;

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

// Plans draw without the GIL, so several threads may run this at once.
RngState rng_state(const Tensor& g) {
  const int64_t* state = g->data<int64_t>();
  return {uint64_t(__atomic_load_n(state, __ATOMIC_RELAXED)), uint64_t(__atomic_load_n(state + 1, __ATOMIC_RELAXED))};
}
void set_rng_state(const Tensor& g, uint64_t seed, uint64_t counter) {
  int64_t* state = g->data<int64_t>();
  __atomic_store_n(state, int64_t(seed), __ATOMIC_RELAXED);
  __atomic_store_n(state + 1, int64_t(counter), __ATOMIC_RELAXED);
}
namespace {
struct Drawn {
  Tensor generator;
  uint64_t before, counters;
};
thread_local std::vector<Drawn> draws;  // draws since keep_draws(), one entry per generator
}  // namespace

void give_back(const Tensor& g, uint64_t before, uint64_t drawn) {
  int64_t expected = int64_t(before + drawn);
  __atomic_compare_exchange_n(g->data<int64_t>() + 1, &expected, int64_t(before), false, __ATOMIC_RELAXED,
                              __ATOMIC_RELAXED);
}
void note_draw(const Tensor& g, int64_t n) {
  for (Drawn& d : draws)
    if (d.generator->storage == g->storage) {
      d.counters += counters_for(n);
      return;
    }
  draws.push_back({g, rng_state(g).counter, counters_for(n)});
}
void keep_draws() { draws.clear(); }
void give_back_draws() {
  for (const Drawn& d : draws) give_back(d.generator, d.before, d.counters);
  draws.clear();
}
uint64_t take_counters(int64_t* state, int64_t n) {
  return uint64_t(__atomic_fetch_add(state + 1, int64_t(counters_for(n)), __ATOMIC_RELAXED));
}

const Tensor& generator() { return replacement ? replacement : library_generator(); }

Tensor use_generator(Tensor generator) { return std::exchange(replacement, std::move(generator)); }

void manual_seed(uint64_t seed) { set_rng_state(generator(), seed, 0); }

}  // namespace fastdl
