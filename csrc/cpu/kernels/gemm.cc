// Matrix multiplication, the part that differs per ISA: register tiles and packing (driver: cpu/gemm.cc).
//
// A register tile holds R rows and V vectors of C, R * V accumulators. One step of k loads V vectors of
// B's row, and for each of the R rows broadcasts one element of A and does V fused multiply-adds:
//
//     acc[r][v] = fma(A[r, k], B[k, v], acc[r][v])        k = 0, 1, ... in order
//
// A is read by broadcasts, so both of its layouts are just two strides and need no transposing; B is read
// as vectors, so its columns must be adjacent: as they lie in memory, or packed into panels.
// Edges use the same loop: R is a template argument for every height up to kRows, and the last vector
// of a row may be a partial one (Tail), whose missing lanes are neither read nor written.
#include "cpu/kernels/declare.h"

namespace fastdl::FASTDL_ISA_NS {
namespace {

// Enough accumulators to hide the latency of FMA on two ports (8 to 10), few enough to stay in
// registers with V vectors of B and one broadcast. Up to kThinRows rows a tile is wider instead.
#if defined(__AVX512F__)
constexpr int kRows = 14, kVectors = 2, kThinRows = 3, kThinVectors = 8;
#elif defined(__AVX2__)
constexpr int kRows = 6, kVectors = 2, kThinRows = 3, kThinVectors = 4;
#elif defined(__aarch64__)
constexpr int kRows = 8, kVectors = 3, kThinRows = 3, kThinVectors = 8;
#else
constexpr int kRows = 4, kVectors = 2, kThinRows = 2, kThinVectors = 4;
#endif

// --- partial vectors: the first n lanes, 0 < n < kLanes

#if defined(__AVX512F__)
struct Tail {
  __mmask16 mask;
  explicit Tail(int64_t n) : mask((__mmask16)((1u << n) - 1)) {}
  FASTDL_INLINE vf load(const float* p) const { return (vf)_mm512_maskz_loadu_ps(mask, p); }
  FASTDL_INLINE void store(float* p, vf v) const { _mm512_mask_storeu_ps(p, mask, (__m512)v); }
};
#elif defined(__AVX2__)
struct Tail {
  __m256i mask;
  explicit Tail(int64_t n)
      : mask((__m256i)(vi{0, 1, 2, 3, 4, 5, 6, 7} < splat_i(int32_t(n)))) {}
  FASTDL_INLINE vf load(const float* p) const { return (vf)_mm256_maskload_ps(p, mask); }
  FASTDL_INLINE void store(float* p, vf v) const { _mm256_maskstore_ps(p, mask, (__m256)v); }
};
#else
struct Tail {
  int64_t n;
  explicit Tail(int64_t n) : n(n) {}
  FASTDL_INLINE vf load(const float* p) const {
    if (n == 1) return vf{p[0], 0, 0, 0};
    if (n == 2) return vf{p[0], p[1], 0, 0};
    return vf{p[0], p[1], p[2], 0};
  }
  FASTDL_INLINE void store(float* p, vf v) const {
    p[0] = v[0];
    if (n > 1) p[1] = v[1];
    if (n > 2) p[2] = v[2];
  }
};
#endif

// --- the register tile

struct Operands {
  int64_t k;
  const float* a;
  int64_t a_row, a_col;  // A[r, k] = a[r * a_row + k * a_col]
  const float* b;
  int64_t b_row;  // B[k, j] = b[k * b_row + j]
  float* c;
  int64_t c_row;
  const float* bias;  // null, or added to every row at the end
  bool accumulate;    // start from C, not from 0
  Tail tail;          // of the last vector, if the tile is a partial one
};

template <int R, int V, bool kPartial>
void tile(const Operands& o) {
  vf acc[R][V];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
    float* c = o.c + r * o.c_row;
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) {
      if (!o.accumulate)
        acc[r][v] = vf{};
      else if (kPartial && v == V - 1)
        acc[r][v] = o.tail.load(c + v * kLanes);
      else
        acc[r][v] = load(c + v * kLanes);
    }
    // The next tile of these rows starts right behind this one: have its C at hand by then.
#pragma GCC unroll 8
    for (int v = 0; v < V; v += 64 / (4 * kLanes)) __builtin_prefetch(c + (V + v) * kLanes, 1);
  }

  // Five rows share a base pointer: their offsets 1..4 times a_row then fit x86's addressing modes.
  constexpr int kBases = (R + 4) / 5;
  const int64_t a_row = o.a_row, a_col = o.a_col, b_row = o.b_row;
  const float* base[kBases];
  for (int i = 0; i < kBases; ++i) base[i] = o.a + 5 * i * a_row;
  const float* b = o.b;
  for (int64_t k = o.k; k > 0; --k) {
    vf bv[V];
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v)
      bv[v] = kPartial && v == V - 1 ? o.tail.load(b + v * kLanes) : load(b + v * kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const vf x = splat(base[r / 5][(r % 5) * a_row]);
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) acc[r][v] = fma(x, bv[v], acc[r][v]);
    }
    b += b_row;
#pragma GCC unroll 3
    for (int i = 0; i < kBases; ++i) base[i] += a_col;
  }

  if (o.bias) {
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) {
      const float* p = o.bias + v * kLanes;
      const vf bias = kPartial && v == V - 1 ? o.tail.load(p) : load(p);
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) acc[r][v] += bias;
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
    float* c = o.c + r * o.c_row;
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) {
      if (kPartial && v == V - 1)
        o.tail.store(c + v * kLanes, acc[r][v]);
      else
        store(c + v * kLanes, acc[r][v]);
    }
  }
}

// A tile of w columns, 0 < w <= V * kLanes.
template <int R, int V>
FASTDL_INLINE void tile_of_width(const Operands& o, int64_t w) {
  if constexpr (V > 1)
    if (w <= (V - 1) * kLanes) return tile_of_width<R, V - 1>(o, w);
  w == V * kLanes ? tile<R, V, false>(o) : tile<R, V, true>(o);
}

// R rows of C from left to right; B lies in panels of `panel` columns, `panel_stride` floats apart.
template <int R>
void row_of_tiles(Operands o, int64_t n, int64_t panel, int64_t panel_stride) {
  const float *b = o.b, *bias = o.bias;
  float* c = o.c;
  for (int64_t j0 = 0; j0 < n; j0 += panel, b += panel_stride) {
    const int64_t width = n - j0 < panel ? n - j0 : panel;
    for (int64_t j = 0; j < width;) {
      o.b = b + j;
      o.c = c + j0 + j;
      o.bias = bias ? bias + j0 + j : nullptr;
      if (R <= kThinRows && width - j >= kThinVectors * kLanes) {
        if constexpr (R <= kThinRows) tile<R, kThinVectors, false>(o);
        j += kThinVectors * kLanes;
      } else {
        const int64_t w = width - j < kVectors * kLanes ? width - j : kVectors * kLanes;
        tile_of_width<R, kVectors>(o, w);
        j += w;
      }
    }
  }
}

template <int R>
void rows_of_tiles(int64_t m, const Operands& o, int64_t n, int64_t panel, int64_t panel_stride) {
  if (m == R) return row_of_tiles<R>(o, n, panel, panel_stride);
  if constexpr (R > 1) rows_of_tiles<R - 1>(m, o, n, panel, panel_stride);
}

// --- transposing kLanes x kLanes elements in registers

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
// Blocks of S lanes: the even ones of a and b, the odd ones of a and b.
template <int S>
constexpr int even_blocks(int i) { return (i & S) ? i - S + kLanes : i; }
template <int S>
constexpr int odd_blocks(int i) { return even_blocks<S>(i) + S; }

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

FASTDL_INLINE void transpose(vf (&v)[kLanes]) {
  // 4 x 4 blocks first, then the blocks among each other: one shuffle per vector and stage.
#pragma GCC unroll 4
  for (int i = 0; i < kLanes; i += 4) {
    const vf a = shuffle<low_singles>(v[i], v[i + 1], LaneIndices{});
    const vf b = shuffle<high_singles>(v[i], v[i + 1], LaneIndices{});
    const vf c = shuffle<low_singles>(v[i + 2], v[i + 3], LaneIndices{});
    const vf d = shuffle<high_singles>(v[i + 2], v[i + 3], LaneIndices{});
    v[i] = shuffle<low_pairs>(a, c, LaneIndices{});
    v[i + 1] = shuffle<high_pairs>(a, c, LaneIndices{});
    v[i + 2] = shuffle<low_pairs>(b, d, LaneIndices{});
    v[i + 3] = shuffle<high_pairs>(b, d, LaneIndices{});
  }
  if constexpr (kLanes >= 8) swap_blocks<4>(v);
  if constexpr (kLanes >= 16) swap_blocks<8>(v);
}

// out[k, j] = b[j, k] for kLanes rows of out_row floats each; columns from n on become zero.
template <bool kPartial>
FASTDL_INLINE void transpose_block(float* out, int64_t out_row, const float* b, int64_t b_row,
                                   int64_t n, int64_t k, Tail tail) {
  vf v[kLanes];
#pragma GCC unroll 16
  for (int j = 0; j < kLanes; ++j)
    v[j] = j >= n ? vf{} : kPartial ? tail.load(b + j * b_row) : load(b + j * b_row);
  transpose(v);
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i)
    if (!kPartial || i < k) store(out + i * out_row, v[i]);
}

void pack_transposed(float* out, int64_t k, int64_t n, const float* b, int64_t b_row, int64_t panel) {
  const Tail tail(k % kLanes);
  for (int64_t j0 = 0; j0 < n; j0 += panel, out += k * panel)
    for (int64_t j = 0; j < panel && j0 + j < n; j += kLanes) {
      const float* from = b + (j0 + j) * b_row;
      const int64_t width = n - j0 - j;
      int64_t i = 0;
      for (; i + kLanes <= k; i += kLanes)
        transpose_block<false>(out + i * panel + j, panel, from + i, b_row, width, kLanes, tail);
      if (i < k) transpose_block<true>(out + i * panel + j, panel, from + i, b_row, width, k - i, tail);
    }
}

}  // namespace

int gemm_tile_rows() { return kRows; }
int gemm_tile_columns() { return kVectors * kLanes; }

void gemm_row(int64_t m, int64_t n, int64_t k, const float* a, int64_t a_row, int64_t a_col,
              const float* b, int64_t b_row, int64_t panel, int64_t panel_stride, float* c,
              int64_t c_row, int accumulate, const float* bias) {
  const Operands o = {k, a, a_row, a_col, b, b_row, c, c_row, bias, accumulate != 0, Tail(n % kLanes)};
  rows_of_tiles<kRows>(m, o, n, panel, panel_stride);
}

void gemm_copy(float* out, int64_t out_row, const float* in, int64_t in_row, int64_t rows,
               int64_t columns) {
  const int64_t whole = columns - columns % kLanes;
  const Tail tail(columns % kLanes);
  for (int64_t i = 0; i < rows; ++i, out += out_row, in += in_row) {
    for (int64_t j = 0; j < whole; j += kLanes) store(out + j, load(in + j));
    if (whole < columns) tail.store(out + whole, tail.load(in + whole));
  }
}

void gemm_pack(float* out, int64_t k, int64_t n, const float* b, int64_t b_row, int transpose,
               int64_t panel) {
  if (transpose) return pack_transposed(out, k, n, b, b_row, panel);
  for (int64_t j = 0; j < n; j += panel, out += k * panel)
    gemm_copy(out, panel, b + j, b_row, k, n - j < panel ? n - j : panel);
}

}  // namespace fastdl::FASTDL_ISA_NS
