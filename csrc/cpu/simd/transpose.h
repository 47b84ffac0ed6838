// Transposing a square of lanes in registers: kLanes vectors in, their columns out.
#pragma once
#include "cpu/simd/simd.h"

namespace fastdl::FASTDL_ISA_NS {
namespace {

template <int... I>
struct Sequence {};
#if defined(__AVX512F__)
using LaneIndices = Sequence<0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15>;
#elif defined(__AVX2__)
using LaneIndices = Sequence<0, 1, 2, 3, 4, 5, 6, 7>;
#else
using LaneIndices = Sequence<0, 1, 2, 3>;
#endif

// Lane i of the result is lane F(i) of a, or of b from kLanes on.
template <int (*F)(int), int... I>
FASTDL_INLINE vf shuffle(vf a, vf b, Sequence<I...>) {
  return __builtin_shufflevector(a, b, F(I)...);
}
// [a0 b0 a1 b1] and [a2 b2 a3 b3] in each group of four lanes.
constexpr int low_singles(int i) { return (i & ~3) + (i & 3) / 2 + (i & 1) * kLanes; }
constexpr int high_singles(int i) { return low_singles(i) + 2; }
// [a0 a1 b0 b1] and [a2 a3 b2 b3] in each group of four lanes.
constexpr int low_pairs(int i) { return (i & ~3) + (i & 1) + ((i & 2) ? kLanes : 0); }
constexpr int high_pairs(int i) { return low_pairs(i) + 2; }
// Blocks of S lanes: the even ones of a and b in turn, and the odd ones.
template <int S>
constexpr int even_blocks(int i) {
  return (i & S) ? i - S + kLanes : i;
}
template <int S>
constexpr int odd_blocks(int i) {
  return even_blocks<S>(i) + S;
}

template <int S>
FASTDL_INLINE void swap_blocks(vf (&v)[kLanes]) {
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) {
    if (i & S) continue;
    const vf a = v[i], b = v[i + S];
    v[i] = shuffle<even_blocks<S>>(a, b, LaneIndices{});
    v[i + S] = shuffle<odd_blocks<S>>(a, b, LaneIndices{});
  }
}

// Within blocks of 4 x 4, which four vectors hold in turn: one shuffle per vector and stage, as below.
FASTDL_INLINE void transpose_fours(vf (&v)[kLanes]) {
#pragma GCC unroll 4
  for (int i = 0; i < kLanes; i += 4) {
    const vf l01 = shuffle<low_singles>(v[i], v[i + 1], LaneIndices{});
    const vf h01 = shuffle<high_singles>(v[i], v[i + 1], LaneIndices{});
    const vf l23 = shuffle<low_singles>(v[i + 2], v[i + 3], LaneIndices{});
    const vf h23 = shuffle<high_singles>(v[i + 2], v[i + 3], LaneIndices{});
    v[i] = shuffle<low_pairs>(l01, l23, LaneIndices{});
    v[i + 1] = shuffle<high_pairs>(l01, l23, LaneIndices{});
    v[i + 2] = shuffle<low_pairs>(h01, h23, LaneIndices{});
    v[i + 3] = shuffle<high_pairs>(h01, h23, LaneIndices{});
  }
}

// First within blocks of 4 x 4, then between the blocks.
FASTDL_INLINE void transpose(vf (&v)[kLanes]) {
  transpose_fours(v);
  if constexpr (kLanes >= 8) swap_blocks<4>(v);
  if constexpr (kLanes >= 16) swap_blocks<8>(v);
}

// Addresses the rows of a square with few registers: a base for every fourth row, and the distances of one row and of
// three. The asm keeps the compiler from storing every row's address.
struct Rows {
  const char* base[kLanes / 4];
  int64_t row, three;

  FASTDL_INLINE Rows(const float* b, int64_t b_row) : row(4 * b_row), three(12 * b_row) {
    const char* p = (const char*)b;
#pragma GCC unroll 4
    for (int i = 0; i < kLanes / 4; ++i, p += 4 * row) {
      asm volatile("" : "+r"(p));
      base[i] = p;
    }
    asm volatile("" : "+r"(row), "+r"(three));
  }
  FASTDL_INLINE const float* operator()(int i, int column) const {
    return (const float*)(base[i / 4] + (i % 4 == 3 ? three : i % 4 * row)) + column;
  }
};

// v[l][j] = b[j * b_row + l]: a whole square, or j < rows and l < columns alone, the rest zero. Halves of two rows are
// joined while loading, which replaces the last stage above and needs no shuffle port. A line is best used up before
// the next rows are loaded, since rows a page apart share a set of the cache.
template <bool kWhole>
FASTDL_INLINE void load_transposed(vf (&v)[kLanes], const float* b, int64_t b_row, int64_t rows, int64_t columns) {
  constexpr int kHalf = kLanes / 2;
  if constexpr (kWhole && kLanes >= 8) {
    const Rows at(b, b_row);
#pragma GCC unroll 8
    for (int i = 0; i < kHalf; ++i) {
      v[i] = load_halves(at(i, 0), at(i + kHalf, 0));
      v[i + kHalf] = load_halves(at(i, kHalf), at(i + kHalf, kHalf));
    }
    transpose_fours(v);
    if constexpr (kLanes == 16) swap_blocks<4>(v);
  } else {
#pragma GCC unroll 16
    for (int j = 0; j < kLanes; ++j)
      v[j] = kWhole ? load(b + j * b_row) : j < rows ? load_n(b + j * b_row, columns) : vf{};
    transpose(v);
  }
}

}  // namespace
}  // namespace fastdl::FASTDL_ISA_NS
