// The bfloat16 kernels in use (see gemm_bf16.h for their choice).
#pragma once
#include "cpu/bf16/kernels.h"

namespace fastdl {
const Bf16Kernels* bf16_kernels();  // null: there are none
}  // namespace fastdl
