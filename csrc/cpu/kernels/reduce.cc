// Reductions. The order of every sum is fixed by the shape alone, so that results do not depend on
// threads: the caller cuts long inputs into chunks whose size does not depend on the thread count.
#include "cpu/kernels/declare.h"
#include "cpu/simd/loops.h"
#include "cpu/simd/math.h"

namespace fastdl::FASTDL_ISA_NS {
namespace {

constexpr int kChains = 8;  // independent accumulators: hides the latency of an addition
constexpr int64_t kSumBlock = kChains * kLanes * 16;

// Lane-wise partial sums of f(x), with f(0) = 0: blocks of 16 additions per accumulator, combined as a balanced tree,
// so the error grows with log n.
template <class F>
vf sum_lanes(const float* x, int64_t n, F f) {
  if (n > kSumBlock) {
    const int64_t blocks = (n + kSumBlock - 1) / kSumBlock, half = blocks / 2 * kSumBlock;
    return sum_lanes(x, half, f) + sum_lanes(x + half, n - half, f);
  }
  vf acc[kChains] = {};
  int64_t i = 0;
  for (; i + kChains * kLanes <= n; i += kChains * kLanes)
    for (int c = 0; c < kChains; ++c) acc[c] += f(load(x + i + c * kLanes));
  for (int c = 0; i < n; ++c, i += kLanes) acc[c] += f(n - i >= kLanes ? load(x + i) : load_n(x + i, n - i));
  for (int w = kChains / 2; w > 0; w /= 2)
    for (int c = 0; c < w; ++c) acc[c] += acc[c + w];
  return acc[0];
}

// Index of the first element equal to `value`, or of the first NaN if it is NaN; one exists.
FASTDL_INLINE int64_t first_index(const float* x, int64_t n, float value) {
  const auto hits = [=](vf v) { return mask_bits(value == value ? (vi)(v == value) : (vi)(v != v)); };
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    if (const uint32_t bits = hits(load(x + i))) return i + __builtin_ctz(bits);
  return i + __builtin_ctz(hits(load_n(x + i, n - i)));  // lanes past the end come after the hit
}

// y[j] = combine(y[j], x[r][j]) over the rows in order
template <class F>
FASTDL_INLINE void fold_rows(float* y, const float* x, int64_t rows, int64_t cols, int64_t ld, F combine) {
  loop(cols, [&](int64_t j, auto at) {
    vf acc = at.load(y + j);
    for (int64_t r = 0; r < rows; ++r) acc = combine(acc, at.load(x + r * ld + j));
    at.store(y + j, acc);
  });
}

}  // namespace

float sum(const float* x, int64_t n) {
  return reduce_add(sum_lanes(x, n, [](vf v) { return v; }));
}
float penalty(const float* x, int64_t n, float l1, float l2) {
  return reduce_add(sum_lanes(x, n, [=](vf v) { return abs(v) * l1 + v * v * (0.5f * l2); }));
}
float reduce_max(const float* x, int64_t n) {
  return reduce_max(fold(x, n, splat(-kInf), [](vf a, vf b) { return max(a, b); }));
}
float reduce_min(const float* x, int64_t n) {
  return reduce_min(fold(x, n, splat(kInf), [](vf a, vf b) { return min(a, b); }));
}
int64_t argmax(const float* x, int64_t n) { return first_index(x, n, reduce_max(x, n)); }
int64_t argmin(const float* x, int64_t n) { return first_index(x, n, reduce_min(x, n)); }

void sum_rows(float* y, const float* x, int64_t rows, int64_t cols, int64_t ld) {
  constexpr int64_t kRowBlock = 32;
  constexpr int kTogether = 4;  // vectors, so that a row is read in long stretches
  for (int64_t r = 0; r < rows; r += kRowBlock) {
    const int64_t count = rows - r < kRowBlock ? rows - r : kRowBlock;
    int64_t j = 0;
    for (; j + kTogether * kLanes <= cols; j += kTogether * kLanes) {
      vf acc[kTogether] = {};
      for (int64_t k = 0; k < count; ++k)
        for (int v = 0; v < kTogether; ++v) acc[v] += load(x + (r + k) * ld + j + v * kLanes);
      for (int v = 0; v < kTogether; ++v) store(y + j + v * kLanes, load(y + j + v * kLanes) + acc[v]);
    }
    loop(cols - j, [&](int64_t i, auto at) {
      vf acc = {};
      for (int64_t k = 0; k < count; ++k) acc += at.load(x + (r + k) * ld + j + i);
      at.store(y + j + i, at.load(y + j + i) + acc);
    });
  }
}
void max_rows(float* y, const float* x, int64_t rows, int64_t cols, int64_t ld) {
  fold_rows(y, x, rows, cols, ld, [](vf a, vf b) { return max(a, b); });
}
void min_rows(float* y, const float* x, int64_t rows, int64_t cols, int64_t ld) {
  fold_rows(y, x, rows, cols, ld, [](vf a, vf b) { return min(a, b); });
}

}  // namespace fastdl::FASTDL_ISA_NS
