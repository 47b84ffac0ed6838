// Blocks of random numbers, for ops that draw their own.
#pragma once
#include "core/rng.h"
#include "ops/op.h"

namespace fastdl {

// Takes the counters of n numbers from a generator (null: the library's). The result is two int64, seed and first
// counter.
Tensor reserve(int64_t n, const Tensor& from);
struct Block {
  uint64_t seed, counter;
  explicit Block(const View& v) : seed(uint64_t(v.as<int64_t>()[0])), counter(uint64_t(v.as<int64_t>()[1])) {}
};
// The numbers of a block, uniform in [0, 1).
Tensor uniform_of(const Tensor& block, const Shape& shape);

}  // namespace fastdl
