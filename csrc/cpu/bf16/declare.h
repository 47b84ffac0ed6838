// Declares what each set of instructions defines in its own namespace, and its table. Kernel files include this first;
// one of them ends with FASTDL_BF16_TABLE.
#pragma once
#include "cpu/bf16/kernels.h"
#include "cpu/simd/simd.h"

namespace fastdl::FASTDL_ISA_NS {
void pack_a(uint16_t* packed, int64_t count, int64_t k, const float* a, int64_t row, int transposed);
void pack_b(uint16_t* packed, int64_t count, int64_t k, const float* b, int64_t row, int transposed);
void round_rows(uint16_t* to, int64_t to_row, const float* from, int64_t from_row, int64_t count, int64_t n,
                int64_t padded);
void transpose_listed(uint16_t* to, int64_t to_row, const float* const* rows, int64_t count, int64_t n);
void pack_listed(uint16_t* packed, const float* const* rows, int64_t count, int64_t n);
void store_rows(float* to, int64_t to_row, const float* from, int64_t from_row, int64_t m, int64_t n, const float* bias,
                int add);
}  // namespace fastdl::FASTDL_ISA_NS

#define FASTDL_BF16_TABLE(isa, step_time, begin, end, multiply)  \
  namespace fastdl {                                             \
  extern const Bf16Kernels kernel_table_##isa;                   \
  const Bf16Kernels kernel_table_##isa = {#isa,                  \
                                          step_time,             \
                                          isa::begin,            \
                                          isa::end,              \
                                          isa::pack_a,           \
                                          isa::pack_b,           \
                                          isa::round_rows,       \
                                          isa::transpose_listed, \
                                          isa::pack_listed,      \
                                          isa::store_rows,       \
                                          isa::multiply};        \
  }
