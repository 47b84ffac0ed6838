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
void multiply_rows(const Bf16Product& q, int64_t first, float* c, int64_t c_row, int accumulate) {
  vf acc[kRows][V];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) acc[r][v] = accumulate ? load(c + r * c_row + v * kLanes) : vf{};
  const int64_t a_row = q.a_row, b_strip = q.b_strip;
  for (int64_t run = 0; run < q.count; ++run) {
    const uint16_t *a = q.a + q.runs[run] + first, *b = q.b + run * q.b_run;
    for (int64_t step = 0; step < q.steps; ++step, a += q.a_step, b += kBf16Tile)
      for (int p = 0; p < kBf16Step; p += 2) {
        __m512bh bv[V];
#pragma GCC unroll 2
        for (int v = 0; v < V; ++v) bv[v] = pairs(b + v * b_strip + p * kBf16Strip);
#pragma GCC unroll 8
        for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 2
          for (int v = 0; v < V; ++v)
            acc[r][v] = (vf)_mm512_dpbf16_ps((__m512)acc[r][v], pair(a + r * a_row + p), bv[v]);
      }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) store(c + r * c_row + v * kLanes, acc[r][v]);
}

void nothing() {}

void multiply(int rows, int columns, const Bf16Product& product, float* c, int64_t c_row, int accumulate) {
  const auto part = columns == 2 ? multiply_rows<2> : multiply_rows<1>;
  for (int r = 0; r < rows; ++r)
    for (int i = 0; i < kBf16Strip; i += kRows, c += kRows * c_row)
      part(product, r * product.a_strip + i * product.a_row, c, c_row, accumulate);
}

}  // namespace
}  // namespace fastdl::avx512_bf16

FASTDL_BF16_TABLE(avx512_bf16, 200, nothing, nothing, multiply)
