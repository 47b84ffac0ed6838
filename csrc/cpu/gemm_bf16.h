// Matrix multiplication of operands rounded to bfloat16, added up in float32.
//
// Rounding is to nearest even. NaN and infinity stay, and the instructions treat subnormals as zero. Sums are formed
// over blocks of 1,024 of k, which are added in order, as in gemm.h. Within a block the order depends on k and the
// instructions alone. So results depend neither on the number of threads nor on m, n or the layout, but AMX and
// AVX512_BF16 differ.
#pragma once
#include <stdint.h>

#include <string>
#include <vector>

#include "cpu/gemm.h"

namespace fastdl {

// The instructions in use: "amx_bf16" or "avx512_bf16". Null if this build or CPU has none that are faster than
// float32, or if FASTDL_ISA has selected less than AVX-512.
const char* bf16_instructions();

// All instructions that this CPU can run in this build, slowest first, and a choice among them, for tests.
std::vector<std::string> runnable_bf16();
void select_bf16(const std::string& name);

// Whether a product of these sizes is worth rounding its operands: m, n and k at least 16, m n k at least 2^16. Below,
// packing costs more than it saves (measured with AMX). The rule depends on the sizes alone, so that the same product
// is always computed alike.
bool bf16_pays(int64_t m, int64_t n, int64_t k);

// gemm() with both operands rounded first. Needs bf16_instructions().
void gemm_bf16(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, const float* a, int64_t lda, const float* b,
               int64_t ldb, float* c, int64_t ldc, bool accumulate, const Epilogue& epilogue = {});

}  // namespace fastdl
