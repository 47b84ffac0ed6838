// Attention, the part between its matrix products: weights from scores, row by row (driver: cpu/attention.cc).
//
// Weights are powers of two, since log2(e) is part of the scale. A NaN need not show in the largest score: its own
// weight is NaN, and so is the sum.
#include "cpu/kernels/declare.h"
#include "cpu/simd/math.h"
#include "cpu/simd/philox.h"

namespace fastdl::FASTDL_ISA_NS {
namespace {

constexpr float kLog2E = 1.44269504f;

// The larger one; either of them if one is NaN.
template <class V>
FASTDL_INLINE V larger(V a, V b) {
  return a > b ? a : b;
}

FASTDL_INLINE int64_t keys_of(const AttentionRows& a, int64_t r) {
  const int64_t n = a.end + r * a.step;
  return n < 0 ? 0 : n < a.keys ? n : a.keys;
}

// Replaces the products of a row by exponents where it is not plain. Returns the largest.
FASTDL_INLINE float prepare(const AttentionRows& a, int64_t r, int64_t n) {
  float* s = a.scores + r * a.row;
  vf most = splat(-kInf);
  if (attention_is_plain(a)) {
    most = fold(s, n, most, [](vf x, vf y) { return larger(x, y); });
  } else {
    const uint8_t* mask = a.mask ? a.mask + r * a.mask_row : nullptr;
    const float* bias = a.bias ? a.bias + r * a.bias_row : nullptr;
    loop(n, [&](int64_t j, auto at) {
      vf x = at.load(s + j) * a.scale;
      if (bias) x = fma(a.bias_step ? at.load(bias + j) : splat(*bias), splat(kLog2E), x);
      if (mask) x = select(a.mask_step ? at.load_mask(mask + j) : splat_i(-(*mask != 0)), x, splat(-kInf));
      at.store(s + j, x);
      most = larger(most, at.or_else(x, splat(-kInf)));
    });
  }
  return reduce(most, [](auto x, auto y) { return larger(x, y); });
}

// s[j] = f(s[j]) for j < n, 0 up to the end of the vector that holds the last of `width`.
template <class F>
FASTDL_INLINE void replace(float* s, int64_t n, int64_t width, F f) {
  int64_t j = 0;
  for (; j + kLanes <= n; j += kLanes) store(s + j, f(load(s + j)));
  if (j < n) {
    store(s + j, select(first_lanes(n - j), f(load(s + j)), vf{}));
    j += kLanes;
  }
  for (; j < width; j += kLanes) store(s + j, vf{});
}

// f(j, words, at) for the random numbers of a row.
template <class F>
FASTDL_INLINE void for_drawn(const AttentionRows& a, int64_t r, int64_t n, F f) {
  random_loop(n, a.seed, a.counter + (uint64_t)r * a.counter_row, 0,
              [&](int64_t j, vu words, auto at) { f(j, (vi)(unit_interval(words) >= a.rate), at); });
}

// What to subtract. A row of which nothing is attended has -infinity.
FASTDL_INLINE float finite(float most) { return most == -kInf ? 0.0f : most; }

}  // namespace

__attribute__((flatten)) void attention_weights(const AttentionRows& a) {
  const float factor = attention_is_plain(a) ? a.scale : 1.0f;
  for (int64_t r = 0; r < a.rows; ++r) a.stats[2 * r] = prepare(a, r, keys_of(a, r));
  for (int64_t r = 0; r < a.rows; ++r) {
    float* s = a.scores + r * a.row;
    const float most = finite(a.stats[2 * r]);
    const int64_t n = keys_of(a, r);
    vf sum = {};
    int64_t j = 0;
    for (; j + kLanes <= n; j += kLanes) {
      const vf e = exp2_nonpositive((load(s + j) - most) * factor);
      sum += e;
      store(s + j, e);
    }
    if (j < n) {
      const vf e = select(first_lanes(n - j), exp2_nonpositive((load(s + j) - most) * factor), vf{});
      sum += e;
      store(s + j, e);
      j += kLanes;
    }
    for (; j < a.width; j += kLanes) store(s + j, vf{});
    a.stats[2 * r + 1] = reduce_add(sum);
    if (a.rate > 0)
      for_drawn(a, r, n, [&](int64_t i, vi keep, auto at) { at.store(s + i, select(keep, at.load(s + i), vf{})); });
  }
}

__attribute__((flatten)) void attention_probabilities(const AttentionRows& a) {
  const float factor = attention_is_plain(a) ? a.scale : 1.0f;
  for (int64_t r = 0; r < a.rows; ++r) {
    float* s = a.scores + r * a.row;
    const float most = finite(a.stats[2 * r]), by = a.stats[2 * r + 1];
    const int64_t n = by == 0.0f ? 0 : keys_of(a, r);
    if (!attention_is_plain(a)) prepare(a, r, n);
    replace(s, n, a.width, [=](vf x) { return exp2_nonpositive((x - most) * factor) * by; });
    if (a.rate > 0)
      for_drawn(a, r, n, [&](int64_t i, vi keep, auto at) {
        const vf p = at.load(s + i);
        at.store(s + i, select(keep, p, -p));
      });
  }
}

__attribute__((flatten)) void attention_score_grads(const AttentionRows& a, float* grads, const float* deltas,
                                                    float scale) {
  const float kept = 1.0f / (1.0f - a.rate);
  for (int64_t r = 0; r < a.rows; ++r) {
    float *p = a.scores + r * a.row, *g = grads + r * a.row;
    const float delta = deltas[r];
    const int64_t n = a.stats[2 * r + 1] == 0.0f ? 0 : keys_of(a, r);
    if (a.rate > 0) {
      int64_t j = 0;
      for (; j < n; j += kLanes) {
        const vf signed_p = load(p + j);
        const vi keep = as_int(signed_p) >= 0;
        const vf dp = select(keep, load(g + j) * kept, vf{});
        vf d = abs(signed_p) * (dp - delta) * scale;
        if (n - j < kLanes) d = select(first_lanes(n - j), d, vf{});
        store(g + j, d);
        store(p + j, select(keep, signed_p * kept, vf{}));
      }
      for (; j < a.width; j += kLanes) store(g + j, vf{});
    } else {
      int64_t j = 0;
      for (; j + kLanes <= n; j += kLanes) store(g + j, load(p + j) * (load(g + j) - delta) * scale);
      if (j < n) {
        store(g + j, select(first_lanes(n - j), load(p + j) * (load(g + j) - delta) * scale, vf{}));
        j += kLanes;
      }
      for (; j < a.width; j += kLanes) store(g + j, vf{});
    }
  }
}

__attribute__((flatten)) void attention_merge(float* y, int64_t y_row, float* stats, const float* part,
                                              int64_t part_row, const float* part_stats, int64_t rows, int64_t n,
                                              float factor) {
  for (int64_t r = 0; r < rows; ++r, y += y_row, part += part_row, stats += 2, part_stats += 2) {
    const float most = stats[0], other = part_stats[0];
    if (part_stats[1] == 0.0f) continue;
    if (stats[1] == 0.0f) {
      map1(y, part, n, [](vf x) { return x; });
      stats[0] = other;
      stats[1] = part_stats[1];
      continue;
    }
    const float top = larger(most, other);
    const float by = exp2_nonpositive(splat((most - top) * factor))[0];
    const float part_by = exp2_nonpositive(splat((other - top) * factor))[0];
    map2(y, y, part, n, 1, 1, [=](vf a, vf b) { return a * by + b * part_by; });
    stats[0] = top;
    stats[1] = stats[1] * by + part_stats[1] * part_by;
  }
}

__attribute__((flatten)) void attention_finish(float* y, int64_t y_row, float* stats, int64_t rows, int64_t n,
                                               float kept) {
  for (int64_t r = 0; r < rows; ++r, y += y_row, stats += 2) {
    if (stats[1] == 0.0f) {
      loop(n, [&](int64_t j, auto at) { at.store(y + j, vf{}); });
      continue;
    }
    stats[1] = 1.0f / stats[1];
    const float by = stats[1] * kept;
    map1(y, y, n, [=](vf v) { return v * by; });
  }
}

__attribute__((flatten)) void attention_deltas(float* deltas, const float* dy, const float* y, int64_t row,
                                               int64_t rows, int64_t n) {
  for (int64_t r = 0; r < rows; ++r, dy += row, y += row)
    deltas[r] = sum_over(n, [&](int64_t j, auto at) { return at.load(dy + j) * at.load(y + j); });
}

}  // namespace fastdl::FASTDL_ISA_NS
