#include "cpu/reference.h"

#include <cmath>

namespace fastdl::reference {

void gemm(bool fused, bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, const float* a,
          int64_t lda, const float* b, int64_t ldb, float* c, int64_t ldc, bool accumulate,
          const float* bias) {
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) {
      float s = accumulate ? c[i * ldc + j] : 0.0f;
      for (int64_t l = 0; l < k; ++l) {
        const float x = trans_a ? a[l * lda + i] : a[i * lda + l];
        const float y = trans_b ? b[j * ldb + l] : b[l * ldb + j];
        s = fused ? std::fma(x, y, s) : x * y + s;
      }
      c[i * ldc + j] = bias ? s + bias[j] : s;
    }
}

}  // namespace fastdl::reference
