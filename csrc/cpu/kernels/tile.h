// The register tile of products: R rows and V vectors of C in registers. gemm.cc and conv.cc share it.
#pragma once
#include "cpu/kernels/declare.h"

namespace fastdl::FASTDL_ISA_NS {
namespace {

#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kRegisters = 32;
#else
constexpr int kRegisters = 16;
#endif

// --- partial vectors: the first n lanes, 0 < n < kLanes

#if defined(__AVX512F__) || defined(__AVX2__)
FASTDL_INLINE vf load_part(const float* p, int64_t n) { return load_n(p, n); }
FASTDL_INLINE void store_part(float* p, vf v, int64_t n) { store_n(p, v, n); }
#else  // no masks: a predicted branch beats a loop over the lanes
FASTDL_INLINE vf load_part(const float* p, int64_t n) {
  if (n == 1) return vf{p[0], 0, 0, 0};
  if (n == 2) return vf{p[0], p[1], 0, 0};
  return vf{p[0], p[1], p[2], 0};
}
FASTDL_INLINE void store_part(float* p, vf v, int64_t n) {
  p[0] = v[0];
  if (n > 1) p[1] = v[1];
  if (n > 2) p[2] = v[2];
}
#endif

// --- the register tile

constexpr int kLine = 64 / (4 * kLanes);  // vectors in a line of cache

struct Operands {
  int64_t k;
  const float* a;
  int64_t a_row, a_col;  // bytes from A[r, k] to A[r + 1, k] and to A[r, k + 1]
  const float* b;
  int64_t b_row;  // B[k, j] = b[k * b_row + j]
  float* c;
  int64_t c_row;
  const float* start;  // of the chains; null: 0
  int64_t start_row;
  bool add;           // to C, instead of overwriting it
  const float* bias;  // null, or added to every row at the end
  int64_t tail;       // lanes of the last vector, if the tile is a partial one
  int64_t more;       // columns of these rows that follow right behind this tile
};

template <int R, int V, bool kPartial>
FASTDL_INLINE void load_tile(vf (&acc)[R][V], const Operands& o) {
#pragma GCC unroll 24
  for (int r = 0; r < R; ++r) {
    const float* start = o.start ? o.start + r * o.start_row : nullptr;
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) {
      if (!o.start)
        acc[r][v] = vf{};
      else if (kPartial && v == V - 1)
        acc[r][v] = load_part(start + v * kLanes, o.tail);
      else
        acc[r][v] = load(start + v * kLanes);
    }
  }
}

template <int R, int V, bool kPartial>
FASTDL_INLINE void store_tile(vf (&acc)[R][V], const Operands& o) {
  if (o.add) {
#pragma GCC unroll 24
    for (int r = 0; r < R; ++r) {
      const float* c = o.c + r * o.c_row;
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v)
        acc[r][v] += kPartial && v == V - 1 ? load_part(c + v * kLanes, o.tail) : load(c + v * kLanes);
    }
  }
  if (o.bias) {
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) {
      const float* p = o.bias + v * kLanes;
      const vf bias = kPartial && v == V - 1 ? load_part(p, o.tail) : load(p);
#pragma GCC unroll 24
      for (int r = 0; r < R; ++r) acc[r][v] += bias;
    }
  }
#pragma GCC unroll 24
  for (int r = 0; r < R; ++r) {
    float* c = o.c + r * o.c_row;
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) {
      if (kPartial && v == V - 1)
        store_part(c + v * kLanes, acc[r][v], o.tail);
      else
        store(c + v * kLanes, acc[r][v]);
    }
  }
}

// Adds products to the tile, one step of the sum: x(r) is A's element of row r.
template <int R, int V, bool kPartial, class Row>
FASTDL_INLINE void multiply_add_step(vf (&acc)[R][V], Row x, const float* b, const float* soon, int64_t tail) {
  vf bv[V];
#pragma GCC unroll 8
  for (int v = 0; v < V; v += kLine) __builtin_prefetch(soon + v * kLanes);
#pragma GCC unroll 8
  for (int v = 0; v < V; ++v) bv[v] = kPartial && v == V - 1 ? load_part(b + v * kLanes, tail) : load(b + v * kLanes);
#pragma GCC unroll 24
  for (int r = 0; r < R; ++r) {
    const vf a = splat(x(r));
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) acc[r][v] = fma(a, bv[v], acc[r][v]);
  }
}

// Adds products to the tile, for rows of A at a constant distance in bytes.
template <int kRow, int R, int V, bool kPartial>
FASTDL_INLINE void multiply_add_fixed(vf (&acc)[R][V], const float* a, int64_t a_col, const float* b, int64_t b_row,
                                      int64_t steps, int64_t tail) {
  const char* base = (const char*)a;
  for (int64_t k = steps; k > 0; --k, b += b_row, base += a_col) {
    const float* soon = b + 8 * b_row;
    asm volatile("" : "+r"(soon));
    multiply_add_step<R, V, kPartial>(acc, [&](int r) { return *(const float*)(base + r * kRow); }, b, soon, tail);
  }
}

// Adds products to the tile. Five rows share a base pointer, since an address can hold 1, 2 or 4 times a register. The
// asm hides the multiples of a row and the prefetched address from the compiler, which would keep more of them than
// there are registers.
template <int R, int V, bool kPartial>
FASTDL_INLINE void multiply_add(vf (&acc)[R][V], const float* a, int64_t a_row, int64_t a_col, const float* b,
                                int64_t b_row, int64_t steps, int64_t tail) {
  if (a_row == 4) return multiply_add_fixed<4, R, V, kPartial>(acc, a, a_col, b, b_row, steps, tail);
  // With one vector each multiply-add reads A, and an address with two registers costs as much as an instruction. Rows
  // of 16 and 32 channels are the commonest.
  if constexpr (V == 1 && !kPartial) {
    if (a_row == 64) return multiply_add_fixed<64, R, V, kPartial>(acc, a, a_col, b, b_row, steps, tail);
    if (a_row == 128) return multiply_add_fixed<128, R, V, kPartial>(acc, a, a_col, b, b_row, steps, tail);
  }
  constexpr int kBases = (R + 4) / 5;
  const char* base[kBases];
#pragma GCC unroll 5
  for (int i = 0; i < kBases; ++i) base[i] = (const char*)a + 5 * i * a_row;
  for (int64_t k = steps; k > 0; --k, b += b_row) {
    int64_t row = a_row;
    const float* soon = b + 8 * b_row;
    asm volatile("" : "+r"(row), "+r"(soon));
    multiply_add_step<R, V, kPartial>(
        acc, [&](int r) { return *(const float*)(base[r / 5] + (r % 5) * row); }, b, soon, tail);
#pragma GCC unroll 5
    for (int i = 0; i < kBases; ++i) base[i] += a_col;
  }
}

// The same for rows of A at any distances: row r lies rows[r] floats from the first.
template <int R, int V, bool kPartial>
FASTDL_INLINE void multiply_add_rows(vf (&acc)[R][V], const float* a, const int64_t* rows, int64_t a_col,
                                     const float* b, int64_t b_row, int64_t steps, int64_t tail) {
  for (int64_t k = steps; k > 0; --k, b += b_row, a += a_col) {
    const float* soon = b + 8 * b_row;
    asm volatile("" : "+r"(soon));
    multiply_add_step<R, V, kPartial>(acc, [&](int r) { return a[rows[r]]; }, b, soon, tail);
  }
}

}  // namespace
}  // namespace fastdl::FASTDL_ISA_NS
