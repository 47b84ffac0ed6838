// Declares every row of kernels.inc in this ISA's namespace. Kernel files include this first.
#pragma once
#include "core/dtype_list.h"
#include "cpu/attention_rows.h"
#include "cpu/conv_row.h"
#include "cpu/depthwise_row.h"
#include "cpu/gemm_row.h"
#include "cpu/integer_op.h"
#include "cpu/norm_terms.h"
#include "cpu/pool_row.h"
#include "cpu/recurrent_row.h"
#include "cpu/simd/simd.h"
#include "cpu/update_rule.h"

namespace fastdl::FASTDL_ISA_NS {
#define UNARY(name) void name(float* y, const float* x, int64_t n, const float* p);
#define BINARY(name) void name(float* y, const float* a, const float* b, int64_t n, int sa, int sb, const float* p);
#define COMPARE(name) void name(uint8_t* y, const float* a, const float* b, int64_t n, int sa, int sb);
#define KERNEL(result, name, parameters) result name parameters;
#include "cpu/kernels.inc"
#undef UNARY
#undef BINARY
#undef COMPARE
#undef KERNEL
}  // namespace fastdl::FASTDL_ISA_NS
