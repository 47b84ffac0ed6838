// Products by vdpbf16ps: in each of 16 lanes, a product of two pairs is added to an element of C.
#include "cpu/bf16/declare.h"

namespace fastdl::avx512_bf16 {
namespace {

constexpr int kRows = 8;  // by two vectors: 16 accumulators hide the latency

FASTDL_INLINE __m512bh pair(const uint16_t* p) {
  int32_t bits;
  __builtin_memcpy(&bits, p, sizeof bits);
  return (__m512bh)splat_i(bits);
}
FASTDL_INLINE __m512bh pairs(const uint16_t* p) {
  vi v;
  __builtin_memcpy(&v, p, sizeof v);
  return (__m512bh)v;
}

template <int V>
void multiply_rows(int64_t steps, const uint16_t* a, const uint16_t* b, int64_t b_strip, float* c, int64_t c_row,
                   int accumulate) {
  vf acc[kRows][V];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) acc[r][v] = accumulate ? load(c + r * c_row + v * kLanes) : vf{};
  for (; steps > 0; --steps, a += kBf16Tile, b += kBf16Tile)
    for (int p = 0; p < kBf16Step; p += 2) {
      __m512bh bv[V];
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) bv[v] = pairs(b + v * b_strip + p * kBf16Strip);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 2
        for (int v = 0; v < V; ++v)
          acc[r][v] = (vf)_mm512_dpbf16_ps((__m512)acc[r][v], pair(a + r * kBf16Step + p), bv[v]);
    }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) store(c + r * c_row + v * kLanes, acc[r][v]);
}

void nothing() {}

void multiply(int rows, int columns, int64_t steps, const uint16_t* a, int64_t a_strip, const uint16_t* b,
              int64_t b_strip, float* c, int64_t c_row, int accumulate) {
  const auto part = columns == 2 ? multiply_rows<2> : multiply_rows<1>;
  for (int r = 0; r < rows; ++r, a += a_strip)
    for (int i = 0; i < kBf16Strip; i += kRows, c += kRows * c_row)
      part(steps, a + i * kBf16Step, b, b_strip, c, c_row, accumulate);
}

}  // namespace
}  // namespace fastdl::avx512_bf16

FASTDL_BF16_TABLE(avx512_bf16, 200, nothing, nothing, multiply)
