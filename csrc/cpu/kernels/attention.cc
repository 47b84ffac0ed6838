// Attention, the part between its matrix products: weights from scores (driver: cpu/attention.cc).
//
// Weights are powers of two, since log2(e) is part of the scale. A NaN need not show in the largest score: its own
// weight is NaN, and so is the sum.
#include "cpu/kernels/declare.h"
#include "cpu/simd/math.h"
#include "cpu/simd/philox.h"
#include "cpu/simd/transpose.h"

namespace fastdl::FASTDL_ISA_NS {
namespace {

constexpr float kLog2E = 1.44269504f;
constexpr int kMost = 8;  // rows of a call

// The larger one; either of them if one is NaN.
struct Larger {
  template <class V>
  FASTDL_INLINE V operator()(V a, V b) const {
    return a > b ? a : b;
  }
};
struct Sum {
  template <class V>
  FASTDL_INLINE V operator()(V a, V b) const {
    return a + b;
  }
};

// out[r] = reduce(v[r], op) for eight vectors, which share the steps. Lanes are paired as by reduce().
template <int S, int N, class F>
FASTDL_INLINE void join_pairs(vf* v, F op) {
#pragma GCC unroll 4
  for (int i = 0; i < N; ++i)
    v[i] = op(shuffle<even_blocks<S>>(v[i], v[i + N], LaneIndices{}),
              shuffle<odd_blocks<S>>(v[i], v[i + N], LaneIndices{}));
}
template <class F>
FASTDL_INLINE void reduce_all(float* out, vf (&v)[kMost], F op) {
#if defined(__AVX512F__)
  join_pairs<8, 4>(v, op);
  join_pairs<4, 2>(v, op);
  join_pairs<2, 1>(v, op);
  const vf both =
      op(shuffle<even_blocks<1>>(v[0], v[0], LaneIndices{}), shuffle<odd_blocks<1>>(v[0], v[0], LaneIndices{}));
#pragma GCC unroll 8
  for (int r = 0; r < kMost; ++r) out[r] = both[2 * r];
#elif defined(__AVX2__)
  join_pairs<4, 4>(v, op);
  join_pairs<2, 2>(v, op);
  join_pairs<1, 1>(v, op);
  store(out, v[0]);
#else
  for (int r = 0; r < kMost; ++r) out[r] = reduce(v[r], op);
#endif
}

FASTDL_INLINE int64_t keys_of(const AttentionRows& a, int64_t r) {
  const int64_t n = a.end + r * a.step;
  return n < 0 ? 0 : n < a.keys ? n : a.keys;
}

// Replaces the products of a row by exponents where it is not plain. Returns the largest of each lane.
FASTDL_INLINE vf prepare(const AttentionRows& a, int64_t r, int64_t n) {
  float* s = a.scores + r * a.row;
  vf most = splat(-kInf);
  if (a.plain) {
    vf v[4] = {most, most, most, most};
    int64_t j = 0;
    for (; j + 4 * kLanes <= n; j += 4 * kLanes)
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) v[i] = Larger{}(v[i], load(s + j + i * kLanes));
    most = Larger{}(Larger{}(v[0], v[1]), Larger{}(v[2], v[3]));
    loop(n - j, [&](int64_t i, auto at) { most = Larger{}(most, at.load(s + j + i, splat(-kInf))); });
    return most;
  }
  const uint8_t* mask = a.mask ? a.mask + r * a.mask_row : nullptr;
  const float* bias = a.bias ? a.bias + r * a.bias_row : nullptr;
  loop(n, [&](int64_t j, auto at) {
    vf x = at.load(s + j) * a.scale;
    if (bias) x = fma(a.bias_step ? at.load(bias + j) : splat(*bias), splat(kLog2E), x);
    if (mask) x = select(a.mask_step ? at.load_mask(mask + j) : splat_i(-(*mask != 0)), x, splat(-kInf));
    at.store(s + j, x);
    most = Larger{}(most, at.or_else(x, splat(-kInf)));
  });
  return most;
}

// s[j] = f(s[j], j) for j < n. Then zeros, up to the end of the vector that holds the last of `width`.
template <class F>
FASTDL_INLINE void replace(float* s, int64_t n, int64_t width, F f) {
  int64_t j = 0;
  for (; j + kLanes <= n; j += kLanes) store(s + j, f(load(s + j), j, Full{}));
  if (j < n) {
    const Part part{n - j};
    store(s + j, part.or_else(f(load(s + j), j, part), vf{}));
    j += kLanes;
  }
  for (; j < width; j += kLanes) store(s + j, vf{});
}

// f(j, keep, at) for the random numbers of a row.
template <class F>
FASTDL_INLINE void for_drawn(const AttentionRows& a, int64_t r, int64_t n, F f) {
  random_loop(n, a.seed, a.counter + (uint64_t)r * a.counter_row, 0,
              [&](int64_t j, vu words, auto at) { f(j, (vi)(unit_interval(words) >= a.rate), at); });
}

FASTDL_INLINE float widened(uint16_t bfloat16) {
  const uint32_t bits = uint32_t(bfloat16) << 16;
  float x;
  __builtin_memcpy(&x, &bits, sizeof x);
  return x;
}
FASTDL_INLINE float widened(int8_t x) { return float(x); }

template <class T>
void widen_rows(float* y, const T* x, int64_t rows, int64_t n, int64_t row, const float* scale, int64_t scale_row) {
  for (int64_t i = 0; i < rows; ++i, y += n, x += row) {
    if (!scale) {
      for (int64_t j = 0; j < n; ++j) y[j] = widened(x[j]);
      continue;
    }
    const float by = scale[i * scale_row];
    for (int64_t j = 0; j < n; ++j) y[j] = widened(x[j]) * by;
  }
}

// What to subtract. A row of which nothing is attended has -infinity.
FASTDL_INLINE float finite(float most) { return most == -kInf ? 0.0f : most; }
FASTDL_INLINE float factor(const AttentionRows& a) { return a.plain ? a.scale : 1.0f; }

}  // namespace

void attention_widen(float* y, const void* x, DType type, int64_t rows, int64_t n, int64_t row, const float* scale,
                     int64_t scale_row) {
  if (type == DType::bfloat16)
    widen_rows(y, static_cast<const uint16_t*>(x), rows, n, row, scale, scale_row);
  else
    widen_rows(y, static_cast<const int8_t*>(x), rows, n, row, scale, scale_row);
}

__attribute__((flatten)) void attention_weights(const AttentionRows& a, float* stats) {
  vf v[kMost];
  int64_t n[kMost];
  float most[kMost], sums[kMost];
  for (int64_t r = 0; r < a.rows; ++r) {
    n[r] = keys_of(a, r);
    v[r] = prepare(a, r, n[r]);
  }
  for (int64_t r = a.rows; r < kMost; ++r) v[r] = vf{};
  reduce_all(most, v, Larger{});
  const float by = factor(a);
  for (int64_t r = 0; r < a.rows; ++r) {
    const float top = finite(most[r]);
    vf sum = {};
    replace(a.scores + r * a.row, n[r], a.width, [&](vf x, int64_t, auto at) {
      const vf e = exp2_nonpositive((x - top) * by);
      sum += at.or_else(e, vf{});
      return e;
    });
    v[r] = sum;
  }
  reduce_all(sums, v, Sum{});
  for (int64_t r = 0; r < a.rows; ++r) {
    stats[2 * r] = most[r];
    stats[2 * r + 1] = sums[r];
  }
  for (int64_t r = 0; a.rate > 0 && r < a.rows; ++r)
    for_drawn(a, r, n[r], [s = a.scores + r * a.row](int64_t j, vi keep, auto at) {
      at.store(s + j, select(keep, at.load(s + j), vf{}));
    });
}

__attribute__((flatten)) void attention_probabilities(const AttentionRows& a, const float* stats) {
  const float by = factor(a);
  for (int64_t r = 0; r < a.rows; ++r) {
    float* s = a.scores + r * a.row;
    const float top = finite(stats[2 * r]), scale = stats[2 * r + 1];
    const int64_t n = scale == 0.0f ? 0 : keys_of(a, r);
    if (!a.plain) prepare(a, r, n);
    replace(s, n, a.width, [=](vf x, int64_t, auto) { return exp2_nonpositive((x - top) * by) * scale; });
    if (a.rate > 0)
      for_drawn(a, r, n, [&](int64_t j, vi keep, auto at) {
        const vf p = at.load(s + j);
        at.store(s + j, select(keep, p, -p));
      });
  }
}

__attribute__((flatten)) void attention_score_grads(const AttentionRows& a, const float* stats, float* grads,
                                                    const float* deltas, float scale) {
  const float kept = 1.0f / (1.0f - a.rate);
  for (int64_t r = 0; r < a.rows; ++r) {
    float *p = a.scores + r * a.row, *g = grads + r * a.row;
    const float delta = deltas[r];
    const int64_t n = stats[2 * r + 1] == 0.0f ? 0 : keys_of(a, r);
    if (a.rate > 0)
      replace(g, n, a.width, [&](vf dp, int64_t j, auto) {
        const vf drawn = load(p + j);
        const vi keep = as_int(drawn) >= 0;
        store(p + j, select(keep, drawn * kept, vf{}));
        return abs(drawn) * (select(keep, dp * kept, vf{}) - delta) * scale;
      });
    else
      replace(g, n, a.width, [&](vf dp, int64_t j, auto) { return load(p + j) * (dp - delta) * scale; });
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
    const float top = Larger{}(most, other);
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
    map1(y, y, n, [by = stats[1] * kept](vf v) { return v * by; });
  }
}

__attribute__((flatten)) void attention_deltas(float* deltas, const float* dy, const float* y, int64_t row,
                                               int64_t rows, int64_t n) {
  for (int64_t r = 0; r < rows; ++r, dy += row, y += row)
    deltas[r] = sum_over(n, [&](int64_t j, auto at) { return at.load(dy + j) * at.load(y + j); });
}

}  // namespace fastdl::FASTDL_ISA_NS
