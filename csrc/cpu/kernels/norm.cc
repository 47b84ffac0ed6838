// Normalization: sums of distances from a mean, and the passes that scale. A pass reads its operands once. The order of
// every sum depends on the shape alone.
#include "cpu/kernels/declare.h"
#include "cpu/simd/loops.h"

namespace fastdl::FASTDL_ISA_NS {
namespace {

struct Two {
  vf a, b;
};
FASTDL_INLINE Two operator+(Two u, Two v) { return {u.a + v.a, u.b + v.b}; }

constexpr int kChains = 4;  // of each sum
constexpr int64_t kSumBlock = kChains * kLanes * 16;

// The sums of both values of f(i, at) over the vectors of [begin, end): blocks of 16 additions per accumulator,
// combined as a balanced tree.
template <class F>
Two sum_two(int64_t begin, int64_t end, F f) {
  if (end - begin > kSumBlock) {
    const int64_t half = begin + ((end - begin - 1) / kSumBlock / 2 + 1) * kSumBlock;
    return sum_two(begin, half, f) + sum_two(half, end, f);
  }
  Two acc[kChains] = {};
  int64_t i = begin;
  for (; i + kChains * kLanes <= end; i += kChains * kLanes)
    for (int c = 0; c < kChains; ++c) acc[c] = acc[c] + f(i + c * kLanes, Full{});
  for (int c = 0; i < end; ++c, i += kLanes) acc[c] = acc[c] + (end - i >= kLanes ? f(i, Full{}) : f(i, Part{end - i}));
  return (acc[0] + acc[2]) + (acc[1] + acc[3]);
}
template <class F>
FASTDL_INLINE void store_sums(float* sums, int64_t n, F f) {
  Two s = {};
  if (n <= kChains * kLanes)
    loop(n, [&](int64_t i, auto at) { s = s + f(i, at); });
  else
    s = sum_two(0, n, f);
  sums[0] = reduce_add(s.a);
  sums[1] = reduce_add(s.b);
}

// The first lanes of a vector that is not whole; the rest is 0.
FASTDL_INLINE vf within(vf v, Full) { return v; }
FASTDL_INLINE vf within(vf v, Part at) { return select(first_lanes(at.n), v, vf{}); }

// Adds the sums of both values of f(j, at)(r) over the rows, `block` of them at a time, to a[j] and b[j].
template <int block, class F>
FASTDL_INLINE void add_columns(float* a, float* b, int64_t rows, int64_t cols, F f) {
  constexpr int kTogether = 4;  // vectors, so that a row is read in long stretches
  for (int64_t r = 0; r < rows; r += block) {
    const int64_t end = rows - r < block ? rows : r + block;
    int64_t j = 0;
    for (; j + kTogether * kLanes <= cols; j += kTogether * kLanes) {
      Two acc[kTogether] = {};
      for (int64_t k = r; k < end; ++k)
        for (int v = 0; v < kTogether; ++v) acc[v] = acc[v] + f(j + v * kLanes, Full{})(k);
      for (int v = 0; v < kTogether; ++v) {
        store(a + j + v * kLanes, load(a + j + v * kLanes) + acc[v].a);
        store(b + j + v * kLanes, load(b + j + v * kLanes) + acc[v].b);
      }
    }
    loop(cols - j, [&](int64_t i, auto at) {
      const auto of = f(j + i, at);
      Two acc = {};
      for (int64_t k = r; k < end; ++k) acc = acc + of(k);
      at.store(a + j + i, at.load(a + j + i) + acc.a);
      at.store(b + j + i, at.load(b + j + i) + acc.b);
    });
  }
}

// Calls f(i, at, terms) for the vectors of [rows, cols], where i is the place of a vector and terms those of its
// columns.
struct Terms {
  vf mean, rest, a, b, c;
};
template <class F>
FASTDL_INLINE void over_columns(int64_t rows, int64_t cols, const NormTerms& t, bool gradient, F f) {
  constexpr int64_t kRows = 4;  // that share the loads of the terms
  for (int64_t r = 0; r < rows; r += kRows) {
    const int64_t end = rows - r < kRows ? rows : r + kRows;
    loop(cols, [&](int64_t j, auto at) {
      const Terms terms = {at.load(t.mean + j), at.load(t.rest + j), at.load(t.a + j), at.load(t.b + j),
                           gradient ? at.load(t.c + j) : vf{}};
      for (int64_t k = r; k < end; ++k) f(k * cols + j, at, terms);
    });
  }
}
// The same with terms of the rows.
template <class F>
FASTDL_INLINE void over_runs(int64_t rows, int64_t cols, const NormTerms& t, bool gradient, F f) {
  for (int64_t r = 0; r < rows; ++r) {
    const Terms terms = {splat(t.mean[r]), splat(t.rest[r]), splat(t.a[r]), splat(t.b[r]),
                         gradient ? splat(t.c[r]) : vf{}};
    loop(cols, [&](int64_t j, auto at) { f(r * cols + j, at, terms); });
  }
}

FASTDL_INLINE auto scaled(float* y, const float* x) {
  return
      [=](int64_t i, auto at, const Terms& t) { at.store(y + i, fma((at.load(x + i) - t.mean) - t.rest, t.a, t.b)); };
}
FASTDL_INLINE auto differentiated(float* dx, const float* dy, const float* x) {
  return [=](int64_t i, auto at, const Terms& t) {
    at.store(dx + i, fma(at.load(dy + i), t.a, fma((at.load(x + i) - t.mean) - t.rest, t.b, t.c)));
  };
}

}  // namespace

void centered_sums(float* sums, const float* x, int64_t n, float shift) {
  const vf s = splat(shift);
  store_sums(sums, n, [=](int64_t i, auto at) {
    const vf d = within(at.load(x + i) - s, at);
    return Two{d, d * d};
  });
}
void row_sums(float* sums, const float* x, int64_t n) {
  constexpr int64_t kHeld = 8;
  if (n > kHeld * kLanes) {
    sums[0] = sum(x, n) / (float)n;
    return centered_sums(sums + 1, x, n, sums[0]);
  }
  vf row[kHeld], total = {};
  loop(n, [&](int64_t i, auto at) { total += row[i / kLanes] = at.load(x + i); });
  const float shift = sums[0] = reduce_add(total) / (float)n;
  Two all = {};
  loop(n, [&](int64_t i, auto at) {
    const vf d = within(row[i / kLanes] - shift, at);
    all = all + Two{d, d * d};
  });
  sums[1] = reduce_add(all.a);
  sums[2] = reduce_add(all.b);
}
void centered_sum_rows(float* sum, float* squares, const float* x, const float* shift, int64_t rows, int64_t cols,
                       int64_t ld) {
  add_columns<16>(sum, squares, rows, cols, [=](int64_t j, auto at) {
    return [=, s = at.load(shift + j)](int64_t r) {
      const vf d = at.load(x + r * ld + j) - s;
      return Two{d, d * d};
    };
  });
}

void norm_columns(float* y, const float* x, int64_t rows, int64_t cols, const NormTerms& t) {
  over_columns(rows, cols, t, false, scaled(y, x));
}
void norm_runs(float* y, const float* x, int64_t rows, int64_t cols, const NormTerms& t) {
  over_runs(rows, cols, t, false, scaled(y, x));
}
void norm_row(float* y, const float* x, int64_t n, float mean, float rest, float inverse, const float* scale,
              const float* offset) {
  const vf m = splat(mean), e = splat(rest), by = splat(inverse);
  const auto d = [=](int64_t i, auto at) { return ((at.load(x + i) - m) - e) * by; };
  if (scale && offset)
    loop(n, [&](int64_t i, auto at) { at.store(y + i, fma(d(i, at), at.load(scale + i), at.load(offset + i))); });
  else if (scale)
    loop(n, [&](int64_t i, auto at) { at.store(y + i, d(i, at) * at.load(scale + i)); });
  else if (offset)
    loop(n, [&](int64_t i, auto at) { at.store(y + i, d(i, at) + at.load(offset + i)); });
  else
    loop(n, [&](int64_t i, auto at) { at.store(y + i, d(i, at)); });
}

void norm_sums_columns(float* sum, float* products, const float* dy, const float* x, int64_t rows, int64_t cols,
                       int64_t ld, const float* mean, const float* rest) {
  add_columns<32>(sum, products, rows, cols, [=](int64_t j, auto at) {
    return [=, m = at.load(mean + j), e = at.load(rest + j)](int64_t r) {
      const vf g = at.load(dy + r * ld + j);
      return Two{g, g * ((at.load(x + r * ld + j) - m) - e)};
    };
  });
}
void norm_sums_run(float* sums, const float* dy, const float* x, int64_t n, float mean, float rest) {
  const vf m = splat(mean), e = splat(rest);
  store_sums(sums, n, [=](int64_t i, auto at) {
    const vf g = at.load(dy + i);
    return Two{g, within(g * ((at.load(x + i) - m) - e), at)};
  });
}
void norm_sums_row(float* sums, float* dscale, float* doffset, const float* dy, const float* x, const float* scale,
                   int64_t n, float mean, float rest, float inverse) {
  const vf m = splat(mean), e = splat(rest), by = splat(inverse);
  store_sums(sums, n, [=](int64_t i, auto at) {
    const vf g = at.load(dy + i), d = (at.load(x + i) - m) - e;
    if (dscale) at.store(dscale + i, fma(g, d * by, at.load(dscale + i)));
    if (doffset) at.store(doffset + i, at.load(doffset + i) + g);
    const vf h = scale ? g * at.load(scale + i) : g;
    return Two{h, within(h * d, at)};
  });
}

void norm_grad_columns(float* dx, const float* dy, const float* x, int64_t rows, int64_t cols, const NormTerms& t) {
  over_columns(rows, cols, t, true, differentiated(dx, dy, x));
}
void norm_grad_runs(float* dx, const float* dy, const float* x, int64_t rows, int64_t cols, const NormTerms& t) {
  over_runs(rows, cols, t, true, differentiated(dx, dy, x));
}
void norm_grad_row(float* dx, const float* dy, const float* x, const float* scale, int64_t n, float mean, float rest,
                   float a, float b, float c) {
  const vf m = splat(mean), e = splat(rest), by = splat(a), slope = splat(b), shift = splat(c);
  const auto rest_of = [=](int64_t i, auto at) { return fma((at.load(x + i) - m) - e, slope, shift); };
  if (scale)
    loop(n,
         [&](int64_t i, auto at) { at.store(dx + i, fma(at.load(dy + i) * at.load(scale + i), by, rest_of(i, at))); });
  else
    loop(n, [&](int64_t i, auto at) { at.store(dx + i, fma(at.load(dy + i), by, rest_of(i, at))); });
}

}  // namespace fastdl::FASTDL_ISA_NS
