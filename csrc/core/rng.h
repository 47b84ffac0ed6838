// The random state: a seed and a counter. Every random op takes a block of counters and computes its values from
// (seed, counter) alone (Philox, Salmon et al. 2011), so results depend neither on threads nor on whether a step runs
// eagerly or is replayed.
//
// A generator is a tensor of two int64, seed and counter, that the op `reserve` advances: state as any other, which a
// plan sees. There is one for the process, as in PyTorch and Keras. Threads that draw from it at once get blocks of
// their own, but which one gets which depends on timing.
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
inline uint64_t counters_for(int64_t n) { return uint64_t(n + 3) / 4; }  // values share counters, four each
// The first of the counters for n values, which from then on are taken.
uint64_t take_counters(int64_t* state, int64_t n);

// Undoes `drawn` counters taken since the counter was `before`, as if they had not been. Not where another thread has
// taken some in between: its numbers are in use.
void give_back(const Tensor& generator, uint64_t before, uint64_t drawn);
// What this thread draws is noted until keep_draws(), which says that it is drawn for good; give_back_draws() undoes
// it.
void note_draw(const Tensor& generator, int64_t n);
void keep_draws();
void give_back_draws();

// What random ops of this thread draw from: the library's generator, seeded from the system's entropy, unless another
// was put in its place.
const Tensor& generator();
// Puts one in place (null: the library's) and returns what was there.
Tensor use_generator(Tensor generator);
void manual_seed(uint64_t seed);

}  // namespace fastdl
