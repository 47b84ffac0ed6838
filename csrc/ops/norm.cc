// Normalization: (x - mean) / sqrt(variance + epsilon) * scale + offset, with the moments of x itself or given ones.
//
// All layers are one op over one view of x, [samples, outer, groups, channels, inner]: the moments are taken over
// outer, channels and inner, scale and offset belong to (group, channel).
//
//   batch normalization of axis a   samples 1, outer and inner the axes before and after a, groups its size, channels 1
//   layer, RMS normalization        samples the rows, channels their length, the others 1
//   group normalization of axis a   samples axis 0, outer the axes up to a, inner those after a
//
// Without outer and inner a sample is normalized row by row, while the row is in the cache. Else moments and terms of
// each channel come first, and a second pass applies them, along columns (inner = 1) or along runs of `inner`.
#include <algorithm>
#include <cmath>

#include "core/parallel.h"
#include "cpu/kernels.h"
#include "ops/arguments.h"
#include "ops/broadcast.h"
#include "ops/moments.h"
#include "ops/ops.h"

namespace fastdl {
namespace {

struct NormAttrs {
  int64_t samples, outer, groups, channels, inner;
  double epsilon;
  bool centered;  // RMS normalization is not: its mean counts as 0
  int wanted;     // norm_grad: the gradients to compute, bit 0 x, 1 scale, 2 offset

  int64_t features() const { return groups * channels; }
  int64_t size() const { return outer * features() * inner; }  // of a sample
  double count() const { return double(outer * channels * inner); }
  bool by_rows() const { return outer == 1 && inner == 1; }
  Shape view() const { return {samples, outer, groups, channels, inner}; }
};
const NormAttrs& norm_attrs(const Attrs& a) { return a.as<NormAttrs>(); }

Attributes describe_norm(const DescribeContext& c) {
  const NormAttrs& a = norm_attrs(c.attrs);
  return {{"view", a.view()}, {"epsilon", a.epsilon}, {"centered", a.centered}};
}
Attributes describe_norm_grad(const DescribeContext& c) {
  Attributes all = describe_norm(c);
  all.push_back({"wanted", int64_t(norm_attrs(c.attrs).wanted)});
  return all;
}

constexpr double kElementCost = 0.4;         // nanoseconds for one element of a pass
constexpr int64_t kInCache = 1 << 18;        // elements of a sample whose passes one thread does one after the other
constexpr int64_t kShort = 32, kWide = 128;  // columns that are repeated, and how many they then are
constexpr int64_t kRowsTogether = 32;        // rows whose gradients of scale and offset are one chain
constexpr int64_t kPieceRows = 1024;         // rows whose gradients of columns are summed in float

double inverse_of(double variance, double epsilon) { return 1 / std::sqrt(variance + epsilon); }

// The moments of a set of values as run() stores them.
struct Stored {
  float mean, rest, variance;
};
Stored stored(const Sums& s) {
  const auto mean = float(s.mean);
  return {mean, float(s.mean - double(mean)), float(s.squares / s.n)};
}
// RMS normalization: the mean of the squares.
Stored stored_squares(const float* x, int64_t n) {
  constexpr int64_t kTile = 2048;
  double squares = 0;
  for (int64_t i = 0; i < n; i += kTile) {
    float both[2];
    kernels().centered_sums(both, x + i, std::min(kTile, n - i), 0);
    squares += both[1];
  }
  return {0, 0, float(squares / double(n))};
}

const float* at_or_null(const View& v, int64_t i) { return v ? v.as<float>() + i : nullptr; }

// Memory handed out piece by piece; without `start` it only counts.
struct Room {
  char* start;
  int64_t used = 0;
  template <class T>
  T* take(int64_t n) {
    T* const at = start ? reinterpret_cast<T*>(start + used) : nullptr;
    used += (n * int64_t(sizeof(T)) + 63) / 64 * 64;
    return at;
  }
};

// The terms of a sample's features. Where few columns lie side by side they are repeated, so that rows can be joined.
struct FeatureTerms {
  int64_t width;
  float *mean, *rest, *a, *b, *c;
  FeatureTerms(Room& room, const NormAttrs& n)
      : width(n.inner == 1 && n.features() <= kShort ? n.features() * (kWide / n.features()) : n.features()),
        mean(room.take<float>(width)),
        rest(room.take<float>(width)),
        a(room.take<float>(width)),
        b(room.take<float>(width)),
        c(room.take<float>(width)) {}
  void repeat_all(int64_t features) const {
    if (width > features)
      for (float* t : {mean, rest, a, b, c}) repeat(t, features * int64_t(sizeof(float)), width / features);
  }
  NormTerms from(int64_t i) const { return {mean + i, rest + i, a + i, b + i, c + i}; }
};

// Calls columns(at, rows, columns, terms) or runs(...) for parts of a sample: kernels over [rows, columns] at `at`.
template <class F>
void over_features(const NormAttrs& n, const FeatureTerms& terms, double cost, F part) {
  if (n.inner == 1) {
    const int64_t all = n.size(), rows = (all - 1) / terms.width + 1;
    parallel_for(rows, grain_for(cost * double(terms.width)), [&](int64_t begin, int64_t end) {
      const int64_t whole = std::min(end, all / terms.width);
      if (whole > begin) part(true, begin * terms.width, whole - begin, terms.width, terms.from(0));
      if (end > whole) part(true, whole * terms.width, 1, all - whole * terms.width, terms.from(0));
    });
    return;
  }
  const int64_t features = n.features();
  parallel_for(n.outer * features, grain_for(4 + cost * double(n.inner)), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end;) {
      const int64_t first = r % features, rows = std::min(end - r, features - first);
      part(false, r * n.inner, rows, n.inner, terms.from(first));
      r += rows;
    }
  });
}

// Calls f(sample) for each. Small samples go to the threads whole, so that they are in the cache for the second pass;
// the passes over a large one are themselves cut for the threads.
template <class F>
void for_samples(const NormAttrs& n, F f) {
  const int64_t grain = n.size() <= kInCache ? grain_for(2 * kElementCost * double(n.size())) : n.samples;
  if (grain < n.samples)
    return parallel_for(n.samples, grain, [&](int64_t begin, int64_t end) {
      for (int64_t s = begin; s < end; ++s) f(s);
    });
  for (int64_t s = 0; s < n.samples; ++s) f(s);
}

// --- forward -------------------------------------------------------------------------------------------

// How the Sums of one sample are found: over columns, or over runs in memory.
struct Partition {
  Extents e;
  int64_t runs;  // per group and outer row; 1 where a group's channels lie in one run
  explicit Partition(const NormAttrs& n)
      : e(n.inner == 1   ? Extents(Shape{1, n.outer, n.features()}, 1, 2)
          : n.outer == 1 ? Extents(Shape{n.groups, n.channels * n.inner}, 1, 2)
                         : Extents(Shape{n.outer * n.features(), n.inner}, 1, 2)),
        runs(n.inner != 1 && n.outer == 1 ? 1 : n.channels) {}
  int64_t parts() const { return e.outer * pieces_for(e) * e.inner; }
};

// The Sums of each group of a sample, into the first places of `part`.
void sums_of_groups(Sums* part, const float* x, const NormAttrs& n) {
  const Partition p(n);
  const Extents& e = p.e;
  sums_of_pieces(part, x, e);
  const int64_t pieces = pieces_for(e);
  for (int64_t r = 0; r < e.outer * e.inner; ++r)
    part[r] = joined(part + r / e.inner * pieces * e.inner + r % e.inner, pieces, e.inner);
  const int64_t features = n.groups * p.runs, times = e.outer * e.inner / features;
  for (int64_t i = 0; i < features; ++i) part[i] = joined(part + i, times, features);
  for (int64_t g = 0; g < n.groups; ++g) part[g] = joined(part + g * p.runs, p.runs, 1);
}

struct ForwardRoom {
  Sums* sums;
  FeatureTerms terms;
  ForwardRoom(Room& room, const NormAttrs& n) : sums(room.take<Sums>(Partition(n).parts())), terms(room, n) {}
};
template <class T>
int64_t room_for(const NormAttrs& n) {
  Room room{nullptr};
  T counted(room, n);
  return room.used;
}

int64_t norm_workspace(const RunContext& c) {
  const NormAttrs& n = norm_attrs(c.attrs);
  return n.by_rows() || !n.size() ? 0 : n.samples * room_for<ForwardRoom>(n);
}

void infer_norm(InferContext& c) {
  const NormAttrs& n = norm_attrs(c.attrs);
  c.output(c.in[0]->shape, DType::float32);
  for (int i = 0; i < 3; ++i) c.output({n.samples * n.groups}, DType::float32);  // mean, rest, variance
}

// x, scale and offset (or null) -> y, mean, rest, variance
void run_norm(const RunContext& c) {
  const NormAttrs& n = norm_attrs(c.attrs);
  const View &scale = c.in[1], &offset = c.in[2];
  const float* const x = c.in[0].as<float>();
  float *const y = c.out[0].as<float>(), *const mean = c.out[1].as<float>(), *const rest = c.out[2].as<float>(),
               *const variance = c.out[3].as<float>();
  const auto store = [&](int64_t i, const Stored& m) { mean[i] = m.mean, rest[i] = m.rest, variance[i] = m.variance; };
  if (!n.size()) {
    for (int64_t i = 0; i < n.samples * n.groups; ++i) store(i, {NAN, NAN, NAN});
    return;
  }
  if (n.by_rows()) {
    const int64_t length = n.channels;
    parallel_for(n.samples * n.groups, grain_for(30 + kElementCost * double(length)), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        const float* const row = x + r * length;
        const Stored m = n.centered ? stored(sums_of_row(row, length)) : stored_squares(row, length);
        store(r, m);
        const int64_t first = r % n.groups * length;
        kernels().norm_row(y + r * length, row, length, m.mean, m.rest, float(inverse_of(m.variance, n.epsilon)),
                           at_or_null(scale, first), at_or_null(offset, first));
      }
    });
    return;
  }
  const int64_t bytes = room_for<ForwardRoom>(n);
  for_samples(n, [&](int64_t s) {
    Room memory{c.scratch<char>() + s * bytes};
    const ForwardRoom room(memory, n);
    const FeatureTerms& t = room.terms;
    sums_of_groups(room.sums, x + s * n.size(), n);
    for (int64_t g = 0; g < n.groups; ++g) {
      const Stored m = stored(room.sums[g]);
      store(s * n.groups + g, m);
      const double inverse = inverse_of(m.variance, n.epsilon);
      for (int64_t i = g * n.channels; i < (g + 1) * n.channels; ++i) {
        t.mean[i] = m.mean, t.rest[i] = m.rest;
        t.a[i] = float(scale ? inverse * double(scale.as<float>()[i]) : inverse);
        t.b[i] = offset ? offset.as<float>()[i] : 0.0f;
        t.c[i] = 0;
      }
    }
    t.repeat_all(n.features());
    over_features(n, t, kElementCost,
                  [&](bool columns, int64_t at, int64_t rows, int64_t cols, const NormTerms& terms) {
                    at += s * n.size();
                    (columns ? kernels().norm_columns : kernels().norm_runs)(y + at, x + at, rows, cols, terms);
                  });
  });
}

// --- backward ------------------------------------------------------------------------------------------
//
// With xhat = (x - mean) / sqrt(variance + epsilon), g = dy scale, and means over a group:
//   dx = (g - mean(g) - xhat mean(g xhat)) / sqrt(variance + epsilon), dscale = sum(dy xhat), doffset = sum(dy)
// mean(g) is missing in RMS normalization.

// sum(dy) and sum(dy d), d = x - mean, of each feature of a sample; and the parts that are added up to them.
struct BackwardRoom {
  int64_t pieces;
  double *sums, *parts;  // [2, features] and [pieces, 2, features]
  FeatureTerms terms;
  BackwardRoom(Room& room, const NormAttrs& n)
      : pieces(n.inner == 1 ? (n.outer - 1) / kPieceRows + 1 : n.outer),
        sums(room.take<double>(2 * n.features())),
        parts(room.take<double>(2 * n.features() * pieces)),
        terms(room, n) {}
};

// How many samples are one chain where rows are normalized; fewer where there would be too few chains for the threads.
int64_t chain_of(const NormAttrs& n) { return std::clamp<int64_t>(n.samples / 16, 1, kRowsTogether); }
int64_t norm_grad_workspace(const RunContext& c) {
  const NormAttrs& n = norm_attrs(c.attrs);
  if (!n.size() || !n.samples) return 0;
  if (!n.by_rows()) return n.samples * room_for<BackwardRoom>(n);
  return n.wanted & 0b110 ? ((n.samples - 1) / chain_of(n) + 1) * 2 * n.features() * int64_t(sizeof(float)) : 0;
}

void infer_norm_grad(InferContext& c) {
  const NormAttrs& n = norm_attrs(c.attrs);
  if (n.wanted & 1) c.output(c.in[1]->shape, DType::float32);
  for (int i : {2, 4})
    if (n.wanted & i) c.output({n.features()}, DType::float32);
}

// What a gradient is computed from. Absent results are null.
struct Gradient {
  const NormAttrs& n;
  const float *dy, *x, *mean, *rest, *variance, *scale;
  float *dx, *dscale, *doffset;
  double inverse(int64_t group) const { return inverse_of(variance[group], n.epsilon); }
  double scale_at(int64_t i) const { return scale ? scale[i] : 1.0; }
  // The factors of d and of 1 in dx, from the sums of g and g d over a group.
  struct Factors {
    float b, c;
  };
  Factors factors(double inverse, double sum, double products) const {
    return {float(-(products * inverse / n.count()) * inverse * inverse),
            n.centered ? float(-inverse * sum / n.count()) : 0.0f};
  }
};

void grad_of_rows(const Gradient& q, float* part) {
  const NormAttrs& n = q.n;
  const int64_t chain = chain_of(n), chains = (n.samples - 1) / chain + 1, width = n.features(), length = n.channels;
  parallel_for(chains, grain_for(2 * kElementCost * double(chain * width)), [&](int64_t begin, int64_t end) {
    for (int64_t w = begin; w < end; ++w) {
      float *dscale = q.dscale ? part + w * 2 * width : nullptr,
            *doffset = q.doffset ? part + w * 2 * width + width : nullptr;
      if (part) std::fill_n(part + w * 2 * width, 2 * width, 0.0f);
      for (int64_t r = w * chain * n.groups; r < std::min((w + 1) * chain, n.samples) * n.groups; ++r) {
        const int64_t first = r % n.groups * length;
        const float *const dy = q.dy + r * length, *const x = q.x + r * length;
        const double inverse = q.inverse(r);
        float sums[2];
        kernels().norm_sums_row(sums, dscale ? dscale + first : nullptr, doffset ? doffset + first : nullptr, dy, x,
                                q.scale ? q.scale + first : nullptr, length, q.mean[r], q.rest[r], float(inverse));
        if (!q.dx) continue;
        const auto [b, c] = q.factors(inverse, sums[0], sums[1]);
        kernels().norm_grad_row(q.dx + r * length, dy, x, q.scale ? q.scale + first : nullptr, length, q.mean[r],
                                q.rest[r], float(inverse), b, c);
      }
    }
  });
  if (q.dscale) std::fill_n(q.dscale, width, 0.0f), kernels().sum_rows(q.dscale, part, chains, width, 2 * width);
  if (q.doffset)
    std::fill_n(q.doffset, width, 0.0f), kernels().sum_rows(q.doffset, part + width, chains, width, 2 * width);
}

// Adds sum(dy) and sum(dy d) of rows of columns to sums[0 ... n) and sums[n ... 2n).
void add_columns(double* sums, const float* dy, const float* x, int64_t rows, int64_t n, int64_t ld, int64_t features,
                 const FeatureTerms& t, int64_t first) {
  float both[2][kWide] = {};
  kernels().norm_sums_columns(both[0], both[1], dy, x, rows, n, ld, t.mean + first, t.rest + first);
  for (int k = 0; k < 2; ++k)
    for (int64_t i = 0; i < n; ++i) sums[k * features + (first + i) % features] += double(both[k][i]);
}

// sum(dy) and sum(dy d) of a sample's features.
void sum_features(const BackwardRoom& room, const float* dy, const float* x, const NormAttrs& n) {
  const FeatureTerms& t = room.terms;
  const int64_t features = n.features();
  if (n.inner == 1) {
    const bool narrow = t.width > features;
    const int64_t blocks = narrow ? 1 : (features - 1) / kWide + 1;
    const double cost = kElementCost * double(std::min(n.outer, kPieceRows) * std::min(features, kWide));
    parallel_for(room.pieces * blocks, grain_for(50 + cost), [&](int64_t begin, int64_t end) {
      for (int64_t w = begin; w < end; ++w) {
        const int64_t row = w / blocks * kPieceRows, rows = std::min(kPieceRows, n.outer - row);
        double* const sums = room.parts + w / blocks * 2 * features;
        if (narrow) {
          std::fill_n(sums, 2 * features, 0.0);
          const int64_t at = row * features, size = rows * features, whole = size / t.width;
          add_columns(sums, dy + at, x + at, whole, t.width, t.width, features, t, 0);
          const int64_t done = at + whole * t.width, left = size - whole * t.width;
          add_columns(sums, dy + done, x + done, 1, left, left, features, t, 0);
        } else {
          const int64_t first = w % blocks * kWide, columns = std::min(kWide, features - first);
          for (int k = 0; k < 2; ++k) std::fill_n(sums + k * features + first, columns, 0.0);
          const int64_t at = row * features + first;
          add_columns(sums, dy + at, x + at, rows, columns, features, features, t, first);
        }
      }
    });
  } else {
    parallel_for(n.outer * features, grain_for(10 + kElementCost * double(n.inner)), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        const int64_t i = r % features;
        float both[2];
        kernels().norm_sums_run(both, dy + r * n.inner, x + r * n.inner, n.inner, t.mean[i], t.rest[i]);
        double* const sums = room.parts + r / features * 2 * features + i;
        sums[0] = both[0], sums[features] = both[1];
      }
    });
  }
  std::copy_n(room.parts, 2 * features, room.sums);
  for (int64_t p = 1; p < room.pieces; ++p)
    for (int64_t i = 0; i < 2 * features; ++i) room.sums[i] += room.parts[p * 2 * features + i];
}

void grad_of_features(const Gradient& q, char* workspace) {
  const NormAttrs& n = q.n;
  const int64_t bytes = room_for<BackwardRoom>(n), features = n.features();
  const auto room_of = [&](int64_t s) {
    Room memory{workspace + s * bytes};
    return BackwardRoom(memory, n);
  };
  for_samples(n, [&](int64_t s) {
    const BackwardRoom room = room_of(s);
    const FeatureTerms& t = room.terms;
    const float *const dy = q.dy + s * n.size(), *const x = q.x + s * n.size();
    for (int64_t i = 0; i < features; ++i) {
      const int64_t group = s * n.groups + i / n.channels;
      t.mean[i] = q.mean[group], t.rest[i] = q.rest[group];
    }
    t.repeat_all(features);
    sum_features(room, dy, x, n);
    if (!q.dx) return;
    for (int64_t g = 0; g < n.groups; ++g) {
      const int64_t begin = g * n.channels, end = begin + n.channels;
      double sum = 0, products = 0;
      for (int64_t i = begin; i < end; ++i)
        sum += q.scale_at(i) * room.sums[i], products += q.scale_at(i) * room.sums[features + i];
      const double inverse = q.inverse(s * n.groups + g);
      const auto [b, c] = q.factors(inverse, sum, products);
      for (int64_t i = begin; i < end; ++i) t.a[i] = float(inverse * q.scale_at(i)), t.b[i] = b, t.c[i] = c;
    }
    t.repeat_all(features);
    over_features(n, t, 1.5 * kElementCost,
                  [&](bool columns, int64_t at, int64_t rows, int64_t cols, const NormTerms& terms) {
                    auto* const kernel = columns ? kernels().norm_grad_columns : kernels().norm_grad_runs;
                    kernel(q.dx + s * n.size() + at, dy + at, x + at, rows, cols, terms);
                  });
  });
  for (int64_t i = 0; i < features; ++i) {
    double scale = 0, offset = 0;
    for (int64_t s = 0; s < n.samples; ++s) {
      const double* const sums = room_of(s).sums;
      offset += sums[i], scale += q.inverse(s * n.groups + i / n.channels) * sums[features + i];
    }
    if (q.dscale) q.dscale[i] = float(scale);
    if (q.doffset) q.doffset[i] = float(offset);
  }
}

// dy, x, mean, rest, variance, scale (or null) -> those of dx, dscale, doffset that are wanted
void run_norm_grad(const RunContext& c) {
  const NormAttrs& n = norm_attrs(c.attrs);
  float* results[3] = {};
  for (int i = 0, next = 0; i < 3; ++i)
    if (n.wanted >> i & 1) results[i] = c.out[next++].as<float>();
  if (!n.size() || !n.samples) {
    for (int i = 1; i < 3; ++i)
      if (results[i]) std::fill_n(results[i], n.features(), 0.0f);
    return;
  }
  const Gradient q{n,
                   c.in[0].as<float>(),
                   c.in[1].as<float>(),
                   c.in[2].as<float>(),
                   c.in[3].as<float>(),
                   c.in[4].as<float>(),
                   at_or_null(c.in[5], 0),
                   results[0],
                   results[1],
                   results[2]};
  if (n.by_rows())
    grad_of_rows(q, n.wanted & 0b110 ? c.scratch<float>() : nullptr);
  else
    grad_of_features(q, c.scratch<char>());
}
const Op op_norm_grad = OpRow{.name = "norm_grad",
                              .infer = infer_norm_grad,
                              .run = run_norm_grad,
                              .describe = describe_norm_grad,
                              .workspace = norm_grad_workspace};

// The gradients by ops that have gradients themselves.
void grad_norm_by_ops(GradContext& c) {
  const NormAttrs& n = norm_attrs(c.attrs);
  const Axes group = std::vector<int64_t>{1, 3, 4}, feature = std::vector<int64_t>{0, 1, 4};
  const Tensor x = reshape(c.in[0], n.view()), dy = reshape(c.gout[0], n.view());
  const Tensor d = n.centered ? sub(x, mean(x, group, true)) : x;
  const Tensor inverse = rsqrt(scale_shift(mean(square(d), group, true), 1, n.epsilon));
  const Tensor xhat = mul(d, inverse);
  if (c.needs(0)) {
    const Tensor g = c.in[1] ? mul(dy, reshape(c.in[1], {1, 1, n.groups, n.channels, 1})) : dy;
    Tensor rest = mul(xhat, mean(mul(g, xhat), group, true));
    if (n.centered) rest = add(rest, mean(g, group, true));
    c.gin[0] = reshape(mul(inverse, sub(g, rest)), c.in[0]->shape);
  }
  if (c.needs(1)) c.gin[1] = reshape(sum(mul(dy, xhat), feature), {n.features()});
  if (c.needs(2)) c.gin[2] = reshape(sum(dy, feature), {n.features()});
}
void grad_norm(GradContext& c) {
  if (!c.gout[0]) return;
  if (grad_enabled()) return grad_norm_by_ops(c);
  NormAttrs a = norm_attrs(c.attrs);
  a.wanted = int(c.needed);
  const Outputs found = apply(op_norm_grad, {c.gout[0], c.in[0], c.out[1], c.out[2], c.out[3], c.in[1]}, a);
  for (int i = 0, next = 0; i < 3; ++i)
    if (c.needs(i)) c.gin[i] = found.t[next++];
}
const Op op_norm = OpRow{.name = "norm",
                         .infer = infer_norm,
                         .run = run_norm,
                         .grad = grad_norm,
                         .describe = describe_norm,
                         .workspace = norm_workspace,
                         .grad_in = 0b011,
                         .grad_out = 0b1110};

// --- given moments: (x - mean) * factor + offset -----------------------------------------------------------------

// One sample and one channel in each group. The statistics are inputs, so the op is a scale and a shift.

void infer_affine(InferContext& c) { c.output(c.in[0]->shape, DType::float32); }
int64_t affine_workspace(const RunContext& c) { return room_for<FeatureTerms>(norm_attrs(c.attrs)); }
// x, mean, factor and offset (or null) -> y
void run_affine(const RunContext& c) {
  const NormAttrs& n = norm_attrs(c.attrs);
  if (!n.size()) return;
  Room memory{c.scratch<char>()};
  const FeatureTerms t(memory, n);
  std::copy_n(c.in[1].as<float>(), n.groups, t.mean);
  std::copy_n(c.in[2].as<float>(), n.groups, t.a);
  std::fill_n(t.rest, n.groups, 0.0f), std::fill_n(t.b, n.groups, 0.0f), std::fill_n(t.c, n.groups, 0.0f);
  if (c.in[3]) std::copy_n(c.in[3].as<float>(), n.groups, t.b);
  t.repeat_all(n.groups);
  const float* const x = c.in[0].as<float>();
  float* const y = c.out[0].as<float>();
  over_features(n, t, kElementCost, [&](bool columns, int64_t at, int64_t rows, int64_t cols, const NormTerms& terms) {
    (columns ? kernels().norm_columns : kernels().norm_runs)(y + at, x + at, rows, cols, terms);
  });
}

void infer_channel_sums(InferContext& c) {
  for (int i = 0; i < 2; ++i) c.output({norm_attrs(c.attrs).groups}, DType::float32);
}
int64_t channel_sums_workspace(const RunContext& c) {
  const NormAttrs& n = norm_attrs(c.attrs);
  return n.size() ? room_for<BackwardRoom>(n) : 0;
}
// dy, x, mean -> sum(dy) and sum(dy (x - mean)) of each channel
void run_channel_sums(const RunContext& c) {
  const NormAttrs& n = norm_attrs(c.attrs);
  float* const results[] = {c.out[0].as<float>(), c.out[1].as<float>()};
  if (!n.size()) {
    for (float* r : results) std::fill_n(r, n.groups, 0.0f);
    return;
  }
  Room memory{c.scratch<char>()};
  const BackwardRoom room(memory, n);
  std::copy_n(c.in[2].as<float>(), n.groups, room.terms.mean);
  std::fill_n(room.terms.rest, n.groups, 0.0f);
  room.terms.repeat_all(n.groups);
  sum_features(room, c.in[0].as<float>(), c.in[1].as<float>(), n);
  for (int k = 0; k < 2; ++k)
    for (int64_t i = 0; i < n.groups; ++i) results[k][i] = float(room.sums[k * n.groups + i]);
}
const Op op_channel_sums = OpRow{.name = "channel_sums",
                                 .infer = infer_channel_sums,
                                 .run = run_channel_sums,
                                 .describe = describe_norm,
                                 .workspace = channel_sums_workspace};

void grad_affine(GradContext& c) {
  const NormAttrs& n = norm_attrs(c.attrs);
  const Tensor &x = c.in[0], &mean = c.in[1], &factor = c.in[2], &dy = c.gout[0];
  const Shape view{n.outer, n.groups, n.inner}, channel{1, n.groups, 1};
  if (c.needs(0)) c.gin[0] = reshape(mul(reshape(dy, view), reshape(factor, channel)), x->shape);
  if (!(c.needed & 0b1110)) return;
  Tensor total, products;
  if (grad_enabled()) {
    const Axes others = std::vector<int64_t>{0, 2};
    const Tensor g = reshape(dy, view);
    total = sum(g, others);
    products = sum(mul(g, sub(reshape(x, view), reshape(mean, channel))), others);
  } else {
    const Outputs sums = apply(op_channel_sums, {dy, x, mean}, c.attrs);
    total = sums.t[0], products = sums.t[1];
  }
  if (c.needs(1)) c.gin[1] = neg(mul(factor, total));
  if (c.needs(2)) c.gin[2] = products;
  if (c.needs(3)) c.gin[3] = total;
}
const Op op_affine = OpRow{.name = "channel_affine",
                           .infer = infer_affine,
                           .run = run_affine,
                           .grad = grad_affine,
                           .describe = describe_norm,
                           .workspace = affine_workspace,
                           .grad_in = 0b0111,
                           .grad_out = false};

// --- arguments -----------------------------------------------------------------------------------------

void check_epsilon(double epsilon, const char* who) {
  FASTDL_CHECK(std::isfinite(epsilon) && epsilon >= 0, ValueError, who,
               ": expected a finite epsilon of at least 0, got ", epsilon);
}
// A value for each of `count` features; null stays null.
Tensor feature_values(const Tensor& t, int64_t count, const char* who, const char* argument) {
  if (!t) return t;
  const Tensor values = as_float(t, who, argument);
  FASTDL_CHECK(values->numel() == count, ValueError, who, ": argument '", argument, "': expected ", count,
               " values, got shape ", values->shape);
  return values->shape.rank() == 1 ? values : reshape(values, {count});
}

// Outputs y, mean, rest, variance.
Outputs normalized(const char* who, const Tensor& x, const Tensor& scale, const Tensor& offset, const NormAttrs& a) {
  check_epsilon(a.epsilon, who);
  return apply(
      op_norm,
      {x, feature_values(scale, a.features(), who, "scale"), feature_values(offset, a.features(), who, "offset")}, a);
}

NormAttrs of_axis(const Shape& s, int axis, double epsilon) {
  return {1, s.count(0, axis), s[axis], 1, s.count(axis + 1, s.rank()), epsilon, true, 0};
}

Tensor over_last(const char* who, const Tensor& given, const std::vector<int64_t>& axes, const Tensor& scale,
                 const Tensor& offset, double epsilon, bool centered) {
  const Tensor x = as_float(given, who, "x");
  const int rank = x->shape.rank();
  uint32_t chosen = 0;
  for (int64_t axis : axes) {
    const int i = normalize_axis(axis, rank, who);
    FASTDL_CHECK(!(chosen >> i & 1), ValueError, who, ": axis ", axis, " is given more than once");
    chosen |= 1u << i;
  }
  std::vector<int64_t> perm, inverse(static_cast<size_t>(rank));
  for (uint32_t part : {~chosen, chosen})
    for (int i = 0; i < rank; ++i)
      if (part >> i & 1) perm.push_back(i);
  for (size_t i = 0; i < perm.size(); ++i) inverse[size_t(perm[i])] = int64_t(i);
  const bool in_order = perm == inverse && std::is_sorted(perm.begin(), perm.end());
  const Tensor moved = in_order ? x : transpose(x, perm);
  const int first = rank - int(axes.size());
  const NormAttrs a{moved->shape.count(0, first), 1, 1, moved->shape.count(first, rank), 1, epsilon, centered, 0};
  const Tensor y = normalized(who, moved, scale, offset, a);
  return in_order ? y : transpose(y, inverse);
}

}  // namespace

std::vector<Tensor> batch_norm(const Tensor& given, const Tensor& scale, const Tensor& offset, int64_t axis,
                               double epsilon) {
  const Tensor x = as_float(given, "batch_norm", "x");
  const int at = normalize_axis(axis, x->shape.rank(), "batch_norm");
  const Outputs found = normalized("batch_norm", x, scale, offset, of_axis(x->shape, at, epsilon));
  return {found.t[0], detach(found.t[1]), detach(found.t[3])};
}

Tensor frozen_batch_norm(const Tensor& given, const Tensor& mean, const Tensor& variance, const Tensor& scale,
                         const Tensor& offset, int64_t axis, double epsilon) {
  const char* const who = "frozen_batch_norm";
  const Tensor x = as_float(given, who, "x");
  const int at = normalize_axis(axis, x->shape.rank(), who);
  const NormAttrs a = of_axis(x->shape, at, epsilon);
  check_epsilon(epsilon, who);
  check_tensor(mean, who, "mean");
  check_tensor(variance, who, "variance");
  Tensor factor = rsqrt(scale_shift(feature_values(variance, a.groups, who, "variance"), 1, epsilon));
  if (scale) factor = mul(factor, feature_values(scale, a.groups, who, "scale"));
  return apply(
      op_affine,
      {x, feature_values(mean, a.groups, who, "mean"), factor, feature_values(offset, a.groups, who, "offset")}, a);
}

Tensor layer_norm(const Tensor& x, const std::vector<int64_t>& axes, const Tensor& scale, const Tensor& offset,
                  double epsilon) {
  return over_last("layer_norm", x, axes, scale, offset, epsilon, true);
}
Tensor rms_norm(const Tensor& x, const std::vector<int64_t>& axes, const Tensor& scale, double epsilon) {
  return over_last("rms_norm", x, axes, scale, nullptr, epsilon, false);
}

Tensor group_norm(const Tensor& given, int64_t groups, const Tensor& scale, const Tensor& offset, int64_t axis,
                  double epsilon) {
  const char* const who = "group_norm";
  const Tensor x = as_float(given, who, "x");
  const Shape& s = x->shape;
  const int at = normalize_axis(axis, s.rank(), who);
  FASTDL_CHECK(at > 0, ValueError, who, ": expected an axis other than 0, that of the samples, for shape ", s);
  FASTDL_CHECK(groups > 0 && s[at] % groups == 0, ValueError, who,
               ": expected a number of groups that divides the size ", s[at], " of axis ", axis, ", got ", groups);
  const NormAttrs a{s[0], s.count(1, at), groups, s[at] / groups, s.count(at + 1, s.rank()), epsilon, true, 0};
  return normalized(who, x, scale, offset, a);
}

}  // namespace fastdl
