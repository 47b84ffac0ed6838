// The kernel table: one function pointer per row of kernels.inc, one table per compiled ISA.
// `kernels()` is the table picked at start-up from the CPU (or FASTDL_ISA, see isa.h).
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "core/dtype_list.h"
#include "cpu/attention_rows.h"
#include "cpu/conv_row.h"
#include "cpu/depthwise_row.h"
#include "cpu/gemm_row.h"
#include "cpu/integer_op.h"
#include "cpu/norm_terms.h"
#include "cpu/pool_row.h"
#include "cpu/recurrent_row.h"
#include "cpu/update_rule.h"

namespace fastdl {

struct KernelTable {
  const char* isa;  // "baseline", "avx2", "avx512", "generic"
  int lanes;        // float32 lanes of one vector
#define UNARY(name) void (*name)(float* y, const float* x, int64_t n, const float* p);
#define BINARY(name) void (*name)(float* y, const float* a, const float* b, int64_t n, int sa, int sb, const float* p);
#define COMPARE(name) void (*name)(uint8_t* y, const float* a, const float* b, int64_t n, int sa, int sb);
#define KERNEL(result, name, parameters) result(*name) parameters;
#include "cpu/kernels.inc"
#undef UNARY
#undef BINARY
#undef COMPARE
#undef KERNEL
};

using UnaryKernel = void (*)(float*, const float*, int64_t, const float*);
using BinaryKernel = void (*)(float*, const float*, const float*, int64_t, int, int, const float*);
using CompareKernel = void (*)(uint8_t*, const float*, const float*, int64_t, int, int);

const KernelTable& kernels();

}  // namespace fastdl
