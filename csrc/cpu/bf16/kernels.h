// The kernels that differ per set of bfloat16 instructions (driver: cpu/gemm_bf16.cc).
//
// Both operands are packed alike, in tiles of 16 x 32 values (1 KiB). The tiles of a strip, 16 rows of A or 16 columns
// of B, follow one another along k, in steps of 32. The last step and the last strip are padded with zeros.
//
//     A[i, l] = strip(i / 16)[l / 32][i % 16][l % 32]
//     B[l, j] = strip(j / 16)[l / 32][l % 32 / 2][j % 16][l % 2]
//
// The instructions multiply and add pairs of neighbours along k: tdpbf16ps takes whole tiles, vdpbf16ps a row of B's
// tile and one pair of A's.
#pragma once
#include <stdint.h>

namespace fastdl {

inline constexpr int64_t kBf16Strip = 16, kBf16Step = 32, kBf16Tile = kBf16Strip * kBf16Step;

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
  // C = A B, or C += A B, of one or two strips of each, which begin a_strip and b_strip values apart.
  void (*multiply)(int rows, int columns, int64_t steps, const uint16_t* a, int64_t a_strip, const uint16_t* b,
                   int64_t b_strip, float* c, int64_t c_row, int accumulate);
};

}  // namespace fastdl
