// The kernels that differ per set of bfloat16 instructions (drivers: cpu/gemm_bf16.cc, cpu/conv_bf16.cc).
//
// The operands of a matrix product are packed alike, in tiles of 16 x 32 values (1 KiB). The tiles of a strip, 16 rows
// of A or 16 columns of B, follow one another along k, in steps of 32. The last step and the last strip are padded with
// zeros.
//
//     A[i, l] = strip(i / 16)[l / 32][i % 16][l % 32]
//     B[l, j] = strip(j / 16)[l / 32][l % 32 / 2][j % 16][l % 2]
//
// The instructions multiply and add pairs of neighbours along k: tdpbf16ps takes whole tiles, vdpbf16ps a row of B's
// tile and one pair of A's.
//
// Convolutions pack neither patches nor tiles of A. Their rows of A are pixels or channels, at equal distances, and a
// sum has several runs, one for each tap.
#pragma once
#include <stdint.h>

namespace fastdl {

inline constexpr int64_t kBf16Strip = 16, kBf16Step = 32, kBf16Tile = kBf16Strip * kBf16Step;

// A sum over `count` runs of `steps` steps each. For run r and step l, row i of A begins at a[runs[r] + l * a_step +
// i % 16 * a_row + i / 16 * a_strip], and the tile of B at b[r * b_run + l * kBf16Tile + strip * b_strip].
struct Bf16Product {
  const uint16_t *a, *b;
  int64_t a_row, a_step, a_strip, b_strip, b_run;
  const int64_t* runs;
  int64_t count, steps;
};

struct Bf16Kernels {
  const char* name;  // "avx512_bf16", "amx_bf16"
  double step_time;  // of one thread for 32 x 32 elements and one step of k, in ns; an estimate
  // Called around the multiplications of one thread: set up the tile registers and release them.
  void (*begin)();
  void (*end)();
  // Rounds to bfloat16 (nearest even; NaN and infinity stay, subnormals become zero) and packs `count` rows of A, or
  // columns of B, k long. Not transposed, A[i, l] = a[i * row + l] and B[l, j] = b[l * row + j].
  void (*pack_a)(uint16_t* packed, int64_t count, int64_t k, const float* a, int64_t row, int transposed);
  void (*pack_b)(uint16_t* packed, int64_t count, int64_t k, const float* b, int64_t row, int transposed);
  // The same rounding of `count` rows of n values, each with zeros behind it up to `padded` values.
  void (*round_rows)(uint16_t* to, int64_t to_row, const float* from, int64_t from_row, int64_t count, int64_t n,
                     int64_t padded);
  // And of rows that are given as a list, in multiples of 32; null is a row of zeros. transpose_listed writes value j
  // of row i to to[j * to_row + i], with zeros for j up to a multiple of 16. pack_listed packs B, whose rows l they
  // are.
  void (*transpose_listed)(uint16_t* to, int64_t to_row, const float* const* rows, int64_t count, int64_t n);
  void (*pack_listed)(uint16_t* packed, const float* const* rows, int64_t count, int64_t n);
  // Copies m rows of n floats, plus bias[n] unless it is null, or adds them to what is there.
  void (*store_rows)(float* to, int64_t to_row, const float* from, int64_t from_row, int64_t m, int64_t n,
                     const float* bias, int add);
  // C = A B, or C += A B, of one or two strips of each.
  void (*multiply)(int rows, int columns, const Bf16Product& product, float* c, int64_t c_row, int accumulate);
};

}  // namespace fastdl
