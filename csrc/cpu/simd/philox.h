// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC11).
// Element i is a function of (seed, counter + i / 4, i % 4) alone, so a range may be cut at any multiple of 4.
#pragma once
#include "cpu/simd/loops.h"

namespace fastdl::FASTDL_ISA_NS {
namespace {

// The 4 * kLanes words of kLanes successive counters, in the order of their elements.
FASTDL_INLINE void philox(uint64_t seed, uint64_t counter, uint64_t stream, vu out[4]) {
  // Lane l works on the counter that puts its words in place after the transposition.
  const vi lane = iota();
  const vu offset = (vu)((lane & 3) * (kLanes / 4) + (lane >> 2));
  out[0] = offset + (uint32_t)counter;
  out[1] = (uint32_t)(counter >> 32) - (vu)(out[0] < offset);  // the carry
  out[2] = vu{} + (uint32_t)stream;
  out[3] = vu{} + (uint32_t)(stream >> 32);
  uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
  for (int round = 0; round < 10; ++round, k0 += 0x9E3779B9, k1 += 0xBB67AE85) {
    vu high0, low0, high1, low1;
    multiply_wide(out[0], 0xD2511F53, high0, low0);
    multiply_wide(out[2], 0xCD9E8D57, high1, low1);
    out[0] = high1 ^ out[1] ^ k0;
    out[2] = high0 ^ out[3] ^ k1;
    out[1] = low1;
    out[3] = low0;
  }
  transpose_blocks(out);
}

// f(i, words of elements i, i + 1, ..., at) for every vector of a range
template <class F>
FASTDL_INLINE void random_loop(int64_t n, uint64_t seed, uint64_t counter, uint64_t stream, F f) {
  vu words[4];
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes, counter += kLanes) {
    philox(seed, counter, stream, words);
    for (int k = 0; k < 4; ++k) f(i + k * kLanes, words[k], Full{});
  }
  if (i >= n) return;
  philox(seed, counter, stream, words);
  for (int k = 0; i < n; ++k, i += kLanes) f(i, words[k], Part{n - i < kLanes ? n - i : kLanes});
}

// The top 24 bits, as multiples of 2^-24 in [0, 1).
FASTDL_INLINE vf unit_interval(vu words) { return to_float((vi)(words >> 8)) * 0x1p-24f; }

}  // namespace
}  // namespace fastdl::FASTDL_ISA_NS
