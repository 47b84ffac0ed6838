// Rounding to bfloat16. A lane holds a pair of values.
#pragma once
#include "cpu/bf16/declare.h"

namespace fastdl::FASTDL_ISA_NS {
namespace {

typedef uint16_t vh __attribute__((vector_size(64)));

// The values of `first`, then those of `second`.
FASTDL_INLINE vf round_two(vf first, vf second) { return (vf)_mm512_cvtne2ps_pbh((__m512)second, (__m512)first); }
// Pairs of one value of each.
FASTDL_INLINE vf round_pairs(vf first, vf second) {
  const vh v = (vh)round_two(first, second);
  return (vf)__builtin_shufflevector(v, v, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23, 8, 24, 9, 25, 10, 26,
                                     11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

FASTDL_INLINE int64_t at_most(int64_t n, int64_t most) { return n < 0 ? 0 : n < most ? n : most; }
FASTDL_INLINE int64_t strip_of(int64_t k) { return (k + kBf16Step - 1) / kBf16Step * kBf16Tile; }
FASTDL_INLINE void store_pairs(uint16_t* p, vf v) { __builtin_memcpy(p, &v, sizeof v); }

}  // namespace
}  // namespace fastdl::FASTDL_ISA_NS
