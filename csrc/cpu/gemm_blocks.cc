#include "cpu/gemm_blocks.h"

#include <algorithm>

#include "core/scratch.h"
#include "core/subnormals.h"
#include "cpu/gemm.h"
#include "cpu/isa.h"

namespace fastdl {
namespace {

constexpr int64_t kMostFloats = 1 << 20;
constexpr double kLeastTime = 4000;  // of a task, in ns

int64_t blocks_of(int64_t k) { return (k + kSumBlock - 1) / kSumBlock; }
int64_t grain(double each) { return std::max<int64_t>(1, int64_t(kLeastTime / std::max(each, 1.0))); }

}  // namespace

int64_t blocks_at_a_time(int64_t m, int64_t n, int64_t k, int64_t threads) {
  const int64_t blocks = blocks_of(k), most = std::min(blocks, kMostFloats / (m * n));
  return threads == 1 || blocks == 1 || most < std::min(blocks, 2 * threads) ? 0 : most;
}

void sum_blocks(int64_t m, int64_t n, int64_t k, float* c, int64_t c_row, int64_t at_a_time, double block_time,
                FunctionRef<void(int64_t, int64_t, float*, int64_t)> multiply,
                FunctionRef<void(int64_t, int64_t)> finish) {
  const int64_t blocks = blocks_of(k), size = (m * n + 15) / 16 * 16;
  float* parts = static_cast<float*>(scratch(Scratch::gemm_parts, size_t(at_a_time * size) * sizeof(float)));
  for (int64_t first = 0; first < blocks; first += at_a_time) {
    const int64_t count = std::min(at_a_time, blocks - first);
    parallel_for_flushing(count, grain(block_time), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t l = (first + i) * kSumBlock, depth = std::min(kSumBlock, k - l);
        l == 0 ? multiply(l, depth, c, c_row) : multiply(l, depth, parts + i * size, n);
      }
    });
    parallel_for_flushing(m, grain(0.1 * double(n * count)), [&](int64_t begin, int64_t end) {
      const int64_t width = c_row == n ? (end - begin) * n : n;  // contiguous rows are one
      for (int64_t i = first == 0; i < count; ++i)
        for (int64_t at = begin * n; at < end * n; at += width) {
          float* to = c + at / n * c_row;
          kernels().add(to, to, parts + i * size + at, width, 1, 1, nullptr);
        }
      if (first + count == blocks) finish(begin, end);
    });
  }
}

}  // namespace fastdl
