// float32 matrix multiplication.
//
// Every element of C is a sum over blocks of 1,024 of k. The sum of a block is one chain of fused multiply-adds in the
// order of k, and the sums of blocks are added in order:
//
//     for each block b of k:  s = b == 0 && accumulate ? C[i, j] : 0;   for l in b: s = fma(A[i, l], B[l, j], s)
//                             total = b == 0 ? s : total + s
//     C[i, j] = activation(total + bias[j])
//
// Blocks depend on k alone. So every path, blocking, layout, batch and number of threads gives the same bits, and AVX2
// the same as AVX-512. (Baseline x86-64 has no FMA: there a step is s + a * b, rounded twice.) The error grows with
// 1,024 + k / 1,024 roundings instead of k, and threads may take different blocks.
//
// All of this treats subnormals as zero: operands, products, sums, C, bias and activation (core/subnormals.h). NaN and
// infinity follow IEEE 754. k == 0 gives activation(bias).
#pragma once
#include <stdint.h>

#include "cpu/kernels.h"

namespace fastdl {

inline constexpr int64_t kSumBlock = 1024;

// Applied to C after the last block, while it is in registers and L1. Bit-identical to separate passes that treat
// subnormals as zero.
struct Epilogue {
  const float* bias = nullptr;        // n values, added to every row
  UnaryKernel activation = nullptr;   // any UNARY row of kernels.inc
  const float* parameters = nullptr;  // of the activation
};

// C[m, n] = activation(op(A)[m, k] op(B)[k, n] (+ C if accumulate) + bias), op = transpose if its flag is set.
// Row-major: lda, ldb, ldc are the distances between stored rows, so op(A)[i, l] = a[i * lda + l], or
// a[l * lda + i] if trans_a. Only these elements are touched. C must not overlap A or B.
void gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, const float* a, int64_t lda, const float* b,
          int64_t ldb, float* c, int64_t ldc, bool accumulate, const Epilogue& epilogue = {});

// The same for `batch` triples of matrices; those of A start stride_a floats apart, and so on. A stride of 0
// means one matrix for all (of A or B; the C are distinct).
void gemm_batched(int64_t batch, bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, const float* a,
                  int64_t lda, int64_t stride_a, const float* b, int64_t ldb, int64_t stride_b, float* c, int64_t ldc,
                  int64_t stride_c, bool accumulate, const Epilogue& epilogue = {});

// Packs a B that many products share, such as weights in inference, for the instruction set in use. The packed B has
// packed_b_floats(n, k) floats, best aligned to 64 bytes. It consists of panels of P columns, the width of a register
// tile, each with its part of row 0, of row 1, ...
//     B[l, j] = packed[j / P * P * k + l * P + j % P]
int64_t packed_b_floats(int64_t n, int64_t k);
void pack_b(bool trans_b, int64_t n, int64_t k, const float* b, int64_t ldb, float* packed);

// gemm() with an untransposed A, and the same bits. b and packed hold the same matrix: few rows are multiplied by an
// untransposed b, all others by packed.
void gemm_packed(bool trans_b, int64_t m, int64_t n, int64_t k, const float* a, int64_t lda, const float* b,
                 int64_t ldb, const float* packed, float* c, int64_t ldc, bool accumulate,
                 const Epilogue& epilogue = {});

}  // namespace fastdl
