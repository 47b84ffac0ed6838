// Softmax, cross-entropy and their gradients, one row after the other. Every exponential is taken of
// x - max(x), so nothing overflows; a row that is -infinity throughout, or holds NaN or +infinity,
// gives NaN.
#include "cpu/kernels/declare.h"
#include "cpu/simd/loops.h"
#include "cpu/simd/math.h"

namespace fastdl::FASTDL_ISA_NS {
namespace {

FASTDL_INLINE float row_max(const float* x, int64_t n) {
  return reduce_max(fold(x, n, splat(-kInf), [](vf a, vf b) { return max(a, b); }));
}

// y[j] = e^(x[j] - m); returns their sum.
FASTDL_INLINE float exp_row(float* y, const float* x, float m, int64_t n) {
  return sum_over(n, [&](int64_t j, auto at) {
    const vf e = exp(at.load(x + j, splat(-kInf)) - m);
    at.store(y + j, e);
    return e;
  });
}

FASTDL_INLINE float log_of(float x) { return log(splat(x))[0]; }

FASTDL_INLINE void scale_row(float* y, const float* x, float scale, int64_t n) {
  map1(y, x, n, [=](vf v) { return v * scale; });
}

// What a row is shifted and divided by.
struct Normalizer {
  float max, sum;
};

// y = softmax(x). A row of a few vectors, as of most classifiers, is read and written once.
FASTDL_INLINE Normalizer softmax_row(float* y, const float* x, int64_t n) {
  constexpr int64_t kHeld = 4;
  if (n <= kHeld * kLanes) {
    vf row[kHeld], high = splat(-kInf), total = {};
    loop(n, [&](int64_t j, auto at) {
      row[j / kLanes] = at.load(x + j, splat(-kInf));
      high = max(high, row[j / kLanes]);
    });
    const float m = reduce_max(high);
    for (int64_t k = 0; k * kLanes < n; ++k) {
      row[k] = exp(row[k] - m);
      total += row[k];
    }
    const float sum = reduce_add(total), scale = 1.0f / sum;
    loop(n, [&](int64_t j, auto at) { at.store(y + j, row[j / kLanes] * scale); });
    return {m, sum};
  }
  const float m = row_max(x, n), sum = exp_row(y, x, m, n);
  scale_row(y, y, 1.0f / sum, n);
  return {m, sum};
}

}  // namespace

void softmax(float* y, const float* x, int64_t rows, int64_t cols) {
  for (int64_t r = 0; r < rows; ++r, x += cols, y += cols) softmax_row(y, x, cols);
}

void log_softmax(float* y, const float* x, int64_t rows, int64_t cols) {
  for (int64_t r = 0; r < rows; ++r, x += cols, y += cols) {
    const float m = row_max(x, cols);
    const float log_sum =
        log_of(sum_over(cols, [&](int64_t j, auto at) { return exp(at.load(x + j, splat(-kInf)) - m); }));
    map1(y, x, cols, [=](vf v) { return (v - m) - log_sum; });
  }
}

void softmax_grad(float* dx, const float* dy, const float* y, int64_t rows, int64_t cols) {
  for (int64_t r = 0; r < rows; ++r, dx += cols, dy += cols, y += cols) {
    const float dot = sum_over(cols, [&](int64_t j, auto at) { return at.load(dy + j) * at.load(y + j); });
    map2(dx, dy, y, cols, 1, 1, [=](vf d, vf s) { return s * (d - dot); });
  }
}

void log_softmax_grad(float* dx, const float* dy, const float* y, int64_t rows, int64_t cols) {
  for (int64_t r = 0; r < rows; ++r, dx += cols, dy += cols, y += cols) {
    const float total = sum_over(cols, [&](int64_t j, auto at) { return at.load(dy + j); });
    map2(dx, dy, y, cols, 1, 1, [=](vf d, vf s) { return d - exp(s) * total; });
  }
}

int64_t sparse_xent(float* loss, float* probs, const float* logits, const int64_t* labels, int64_t rows, int64_t cols,
                    int64_t ignore_index) {
  int64_t first_bad = -1;
  for (int64_t r = 0; r < rows; ++r, logits += cols, probs += cols) {
    const int64_t label = labels[r];
    const bool inside = label >= 0 && label < cols, ignored = label == ignore_index;
    const float at_label = inside ? logits[label] : kNaN;  // read before probs may overwrite it
    const Normalizer by = softmax_row(probs, logits, cols);
    loss[r] = ignored ? 0.0f : (by.max - at_label) + log_of(by.sum);
    if (!inside && !ignored && first_bad < 0) first_bad = r;
  }
  return first_bad;
}

void sparse_xent_grad(float* dx, const float* probs, const int64_t* labels, const float* gloss, int gloss_stride,
                      int64_t rows, int64_t cols, int64_t ignore_index) {
  for (int64_t r = 0; r < rows; ++r, dx += cols, probs += cols) {
    const int64_t label = labels[r];
    if (label == ignore_index) {
      loop(cols, [&](int64_t j, auto at) { at.store(dx + j, vf{}); });
      continue;
    }
    const bool inside = label >= 0 && label < cols;
    const float g = gloss[r * gloss_stride], at_label = inside ? probs[label] : 0.0f;
    scale_row(dx, probs, g, cols);
    if (inside) dx[label] = (at_label - 1.0f) * g;
  }
}

void xent(float* loss, float* probs, const float* logits, const float* targets, int64_t rows, int64_t cols) {
  for (int64_t r = 0; r < rows; ++r, logits += cols, probs += cols, targets += cols) {
    const Normalizer by = softmax_row(probs, logits, cols);
    const float log_sum = log_of(by.sum);
    loss[r] = sum_over(cols, [&](int64_t j, auto at) {
      const vf t = at.load(targets + j);
      return select(t == 0.0f, t, t * ((by.max - at.load(logits + j)) + log_sum));
    });
  }
}

void xent_grad(float* dx, const float* probs, const float* targets, const float* gloss, int gloss_stride, int64_t rows,
               int64_t cols) {
  for (int64_t r = 0; r < rows; ++r, dx += cols, probs += cols, targets += cols) {
    const float g = gloss[r * gloss_stride];
    const float mass = sum_over(cols, [&](int64_t j, auto at) { return at.load(targets + j); });
    map2(dx, probs, targets, cols, 1, 1, [=](vf p, vf t) { return (p * mass - t) * g; });
  }
}

FASTDL_BINARY(bce_logits) {
  map2(y, a, b, n, sa, sb, [](vf x, vf t) { return (max(x, splat(0.0f)) - x * t) + log1p(exp(-abs(x))); });
}
FASTDL_BINARY(bce_logits_grad) {
  map2(y, a, b, n, sa, sb, [](vf x, vf t) { return sigmoid(x) - t; });
}

}  // namespace fastdl::FASTDL_ISA_NS
