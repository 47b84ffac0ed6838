// The random state: a seed and a counter. Every random op takes a block of counters and computes its values from
// (seed, counter) alone (Philox, Salmon et al. 2011). So results depend neither on threads nor on whether a step is
// replayed.
//
// A generator is a tensor of two int64, seed and counter. The op `reserve` advances it, so a plan sees it as state like
// any other. The process has one generator, as in PyTorch and Keras. Threads that draw from it concurrently get
// separate blocks, in an order that depends on timing.
#pragma once
#include <stdint.h>

#include <utility>

#include "core/tensor.h"

namespace fastdl {

struct RngState {
  uint64_t seed, counter;
};

Tensor make_generator(uint64_t seed, uint64_t counter = 0);
RngState rng_state(const Tensor& generator);
void set_rng_state(const Tensor& generator, uint64_t seed, uint64_t counter);
inline uint64_t counters_for(int64_t n) { return uint64_t(n + 3) / 4; }  // a counter serves four values
// Takes the counters for n values and returns the first.
uint64_t take_counters(int64_t* state, int64_t n);

// Returns `drawn` counters, taken since the counter was `before`. Does nothing if another thread took some in between,
// because their numbers are in use.
void give_back(const Tensor& generator, uint64_t before, uint64_t drawn);
// Draws of this thread are noted until keep_draws() makes them final or give_back_draws() undoes them.
void note_draw(const Tensor& generator, int64_t n);
void keep_draws();
void give_back_draws();

// The generator that random ops of this thread use: the library's, seeded from the system's entropy, unless
// use_generator() replaced it.
const Tensor& generator();
// Replaces the generator (null: the library's) and returns the previous one.
Tensor use_generator(Tensor generator);
void manual_seed(uint64_t seed);

}  // namespace fastdl
