// Matrix multiplication of operands rounded to bfloat16, added up in float32.
//
// Rounding is to nearest even; NaN and infinity stay what they are, and as the instructions have it, what is
// subnormal is zero. Sums are formed over blocks of 1,024 of k, which are added in order, as in gemm.h. Within a block
// the order is one that k and the instructions alone decide, so that results depend neither on the number of threads
// nor on m, n or the layout; but AMX adds in another order than AVX512_BF16.
#pragma once
#include <stdint.h>

#include <string>
#include <vector>

#include "cpu/gemm.h"

namespace fastdl {

// The instructions in use: "amx_bf16", "avx512_bf16", or null: this build or CPU has none, or none that are
// faster than float32, or FASTDL_ISA has selected less than AVX-512.
const char* bf16_instructions();

// All that this CPU can run in this build, least first; and the choice among them, for tests.
std::vector<std::string> runnable_bf16();
void select_bf16(const std::string& name);

// Whether a product of these sizes is worth rounding its operands: m, n and k at least 16, m n k at least
// 2^16. Packing costs as much as some fused multiply-adds for each of their elements, which few rows, few
// columns or short sums do not earn back (measured with AMX). A rule of sizes alone, so that the same product
// is always computed alike.
bool bf16_pays(int64_t m, int64_t n, int64_t k);

// gemm() with both operands rounded first. Needs bf16_instructions().
void gemm_bf16(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, const float* a, int64_t lda, const float* b,
               int64_t ldb, float* c, int64_t ldc, bool accumulate, const Epilogue& epilogue = {});

}  // namespace fastdl
