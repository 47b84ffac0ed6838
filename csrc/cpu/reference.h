// The reference of the C++ tests: naive loops that follow the contract exactly.
#pragma once
#include <stdint.h>

namespace fastdl::reference {

// gemm.h's blocks of chains for every element, with subnormals as zeros. `fused`: a step is one std::fma, else a * b +
// s, rounded twice.
void gemm(bool fused, bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, const float* a, int64_t lda,
          const float* b, int64_t ldb, float* c, int64_t ldc, bool accumulate, const float* bias);

}  // namespace fastdl::reference
