// Rounding rows that lie anywhere, for convolutions: pixels, or zeros where there are none.
#include "cpu/bf16/round.h"
#include "cpu/simd/transpose.h"

namespace fastdl::FASTDL_ISA_NS {
namespace {

FASTDL_INLINE void store_values(uint16_t* p, vf v, int64_t n) {
  _mm512_mask_storeu_epi16(p, n >= 32 ? ~__mmask32(0) : (__mmask32(1) << n) - 1, (__m512i)v);
}

// 16 values of a row from j on; zeros beyond n.
FASTDL_INLINE vf part_of(const float* row, int64_t j, int64_t n) {
  if (!row || j >= n) return vf{};
  return n - j >= 16 ? load(row + j) : load_n(row + j, n - j);
}

}  // namespace

void round_rows(uint16_t* to, int64_t to_row, const float* from, int64_t from_row, int64_t count, int64_t n,
                int64_t padded) {
  const int64_t whole = n / 32 * 32;
  for (int64_t i = 0; i < count; ++i, to += to_row, from += from_row) {
    for (int64_t l = 0; l < whole; l += 32) store_pairs(to + l, round_two(load(from + l), load(from + l + 16)));
    for (int64_t l = whole; l < padded; l += 32)
      store_values(to + l, round_two(part_of(from, l, n), part_of(from, l + 16, n)), padded - l);
  }
}

void transpose_listed(uint16_t* to, int64_t to_row, const float* const* rows, int64_t count, int64_t n) {
  for (int64_t i = 0; i < count; i += 32, rows += 32, to += 32)
    for (int64_t j = 0; j < n; j += 16) {
      vf v[16];
      for (int q = 0; q < 16; ++q) v[q] = round_pairs(part_of(rows[2 * q], j, n), part_of(rows[2 * q + 1], j, n));
      transpose(v);
#pragma GCC unroll 16
      for (int q = 0; q < 16; ++q) store_pairs(to + (j + q) * to_row, v[q]);
    }
}

void pack_listed(uint16_t* packed, const float* const* rows, int64_t count, int64_t n) {
  const int64_t strip = strip_of(count);
  for (int64_t l = 0; l < count; l += 2, packed += kBf16Step) {
    uint16_t* to = packed;
    for (int64_t j = 0; j < n; j += kBf16Strip, to += strip)
      store_pairs(to, round_pairs(part_of(rows[l], j, n), part_of(rows[l + 1], j, n)));
  }
}

void store_rows(float* to, int64_t to_row, const float* from, int64_t from_row, int64_t m, int64_t n, const float* bias,
                int add) {
  for (int64_t j = 0; j < n; j += kLanes) {
    const int64_t count = at_most(n - j, kLanes);
    const vf more = bias ? load_n(bias + j, count) : vf{};
    for (int64_t i = 0; i < m; ++i) {
      float* const p = to + i * to_row + j;
      vf v = load(from + i * from_row + j);
      if (bias) v += more;
      if (add) v += load_n(p, count);
      count == kLanes ? store(p, v) : store_n(p, v, count);
    }
  }
}

}  // namespace fastdl::FASTDL_ISA_NS
