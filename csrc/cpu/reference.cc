#include "cpu/reference.h"

#include <cfloat>
#include <cmath>

namespace fastdl::reference {
namespace {

float flush(float x) { return std::fabs(x) < FLT_MIN ? std::copysign(0.0f, x) : x; }
float add(float x, float y) { return flush(flush(x) + flush(y)); }
float step(bool fused, float x, float y, float s) {
  return fused ? flush(std::fma(flush(x), flush(y), flush(s))) : add(flush(flush(x) * flush(y)), s);
}

}  // namespace

void gemm(bool fused, bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, const float* a, int64_t lda,
          const float* b, int64_t ldb, float* c, int64_t ldc, bool accumulate, const float* bias) {
  constexpr int64_t kBlock = 1024;
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) {
      float sum = 0;
      for (int64_t first = 0; first == 0 || first < k; first += kBlock) {
        float s = first == 0 && accumulate ? c[i * ldc + j] : 0.0f;
        for (int64_t l = first; l < k && l < first + kBlock; ++l)
          s = step(fused, trans_a ? a[l * lda + i] : a[i * lda + l], trans_b ? b[j * ldb + l] : b[l * ldb + j], s);
        sum = first == 0 ? s : add(sum, s);
      }
      c[i * ldc + j] = bias ? add(sum, bias[j]) : sum;
    }
}

}  // namespace fastdl::reference
