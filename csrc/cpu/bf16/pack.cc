// Packing into tiles (see kernels.h).
#include "cpu/bf16/round.h"
#include "cpu/simd/transpose.h"

namespace fastdl::FASTDL_ISA_NS {
namespace {

// x[i * row + l]: of 16 rows i, each 32 values are one row of a tile of A, or one column of a tile of B.
template <bool kTranspose>
void pack_rows(uint16_t* packed, int64_t count, int64_t k, const float* x, int64_t row) {
  for (int64_t i = 0; i < count; i += kBf16Strip, x += kBf16Strip * row) {
    const int64_t rows = at_most(count - i, kBf16Strip);
    for (int64_t l = 0; l < k; l += kBf16Step, packed += kBf16Tile) {
      vf v[16];
      if (rows == kBf16Strip && l + kBf16Step <= k) {
#pragma GCC unroll 16
        for (int r = 0; r < 16; ++r) v[r] = round_two(load(x + r * row + l), load(x + r * row + l + 16));
      } else {
        const int64_t first = at_most(k - l, 16), second = at_most(k - l - 16, 16);
        for (int r = 0; r < 16; ++r) {
          const float* p = x + r * row + l;
          v[r] = r < rows ? round_two(load_n(p, first), second ? load_n(p + 16, second) : vf{}) : vf{};
        }
      }
      if (kTranspose) transpose(v);
#pragma GCC unroll 16
      for (int r = 0; r < 16; ++r) store_pairs(packed + r * kBf16Step, v[r]);
    }
  }
}

// The pairs x[l * row + i], x[(l + 1) * row + i] for 16 i, of which the first `count` exist.
FASTDL_INLINE vf load_pairs(const float* x, int64_t row, int64_t l, int64_t k, int64_t count) {
  const float* p = x + l * row;
  if (l >= k) return vf{};
  if (count == 16 && l + 2 <= k) return round_pairs(load(p), load(p + row));
  return round_pairs(load_n(p, count), l + 1 < k ? load_n(p + row, count) : vf{});
}

// A transposed: x[l * row + i].
void pack_columns_of_a(uint16_t* packed, int64_t count, int64_t k, const float* x, int64_t row) {
  const int64_t strip = strip_of(k);
  // Step by step, so that the cache lines of 32 rows of x are used up before the next ones are loaded.
  for (int64_t l = 0; l < k; l += kBf16Step)
    for (int64_t i = 0; i < count; i += kBf16Strip) {
      const int64_t columns = at_most(count - i, kBf16Strip);
      vf v[16];
      if (columns == kBf16Strip && l + kBf16Step <= k) {
#pragma GCC unroll 16
        for (int q = 0; q < 16; ++q) {
          const float* p = x + (l + 2 * q) * row + i;
          v[q] = round_pairs(load(p), load(p + row));
        }
      } else {
        for (int q = 0; q < 16; ++q) v[q] = load_pairs(x + i, row, l + 2 * q, k, columns);
      }
      transpose(v);
      uint16_t* to = packed + i / kBf16Strip * strip + l * kBf16Strip;
#pragma GCC unroll 16
      for (int q = 0; q < 16; ++q) store_pairs(to + q * kBf16Step, v[q]);
    }
}

// B untransposed: x[l * row + j]. Reads along its rows, in the order of memory, and prefetches those of later pairs.
void pack_columns_of_b(uint16_t* packed, int64_t count, int64_t k, const float* x, int64_t row) {
  const int64_t strip = strip_of(k), padded = strip / kBf16Strip, whole = count / kBf16Strip * kBf16Strip;
  for (int64_t l = 0; l < padded; l += 2, packed += kBf16Step) {
    const float* p = x + l * row;
    int64_t j = 0;
    uint16_t* to = packed;
    if (l + 2 <= k)
      for (; j < whole; j += kBf16Strip, to += strip) {
        __builtin_prefetch(p + 8 * row + j);
        __builtin_prefetch(p + 9 * row + j);
        store_pairs(to, round_pairs(load(p + j), load(p + row + j)));
      }
    for (; j < count; j += kBf16Strip, to += strip)
      store_pairs(to, load_pairs(x + j, row, l, k, at_most(count - j, kBf16Strip)));
  }
}

}  // namespace

void pack_a(uint16_t* packed, int64_t count, int64_t k, const float* a, int64_t row, int transposed) {
  transposed ? pack_columns_of_a(packed, count, k, a, row) : pack_rows<false>(packed, count, k, a, row);
}

void pack_b(uint16_t* packed, int64_t count, int64_t k, const float* b, int64_t row, int transposed) {
  transposed ? pack_rows<true>(packed, count, k, b, row) : pack_columns_of_b(packed, count, k, b, row);
}

}  // namespace fastdl::FASTDL_ISA_NS
