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
#include "ops/norm.h"

#include <algorithm>

#include "ops/arguments.h"
#include "ops/layout.h"
#include "ops/moments.h"

namespace fastdl {

Attributes norm::describe_norm(const DescribeContext& c) {
  const NormAttrs& a = norm_attrs(c.attrs);
  return {{"view", a.view()}, {"epsilon", a.epsilon}, {"centered", a.centered}};
}
namespace {

using namespace norm;

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
  for (int64_t r = 0; pieces > 1 && r < e.outer * e.inner; ++r)
    part[r] = joined(part + r / e.inner * pieces * e.inner + r % e.inner, pieces, e.inner);
  const int64_t features = n.groups * p.runs, times = e.outer * e.inner / features;
  parallel_for(features, grain_for(4 * double(times)), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) part[i] = joined(part + i, times, features);
  });
  for (int64_t g = 0; g < n.groups; ++g) part[g] = joined(part + g * p.runs, p.runs, 1);
}

struct ForwardRoom {
  Sums* sums;
  FeatureTerms terms;
  ForwardRoom(Room& room, const NormAttrs& n) : sums(room.take<Sums>(Partition(n).parts())), terms(room, n) {}
};
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
                    const int64_t first = at / n.features(), count = rows * cols / n.features();
                    float* const to = c.rows ? c.rows->place(first, count) : y + at;
                    (columns ? kernels().norm_columns : kernels().norm_runs)(to, x + at, rows, cols, terms);
                    if (c.rows) c.rows->done(first, count);
                  });
  });
}

bool norm_reports_rows(const RunContext& c) { return reports_rows(norm_attrs(c.attrs), c.in[0].shape); }

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
                         .grad_out = 0b1110,
                         .reports_rows = norm_reports_rows};

// --- given moments: (x - mean) * factor + offset -----------------------------------------------------------------

// One sample and one channel in each group. The statistics are inputs, so the op is a scale and a shift.

void infer_affine(InferContext& c) { c.output(c.in[0]->shape, DType::float32); }
int64_t affine_workspace(const RunContext& c) { return room_for<FeatureTerms>(norm_attrs(c.attrs)); }
FeatureTerms affine_terms(const RunContext& c) {
  Room memory{c.scratch<char>()};
  return FeatureTerms(memory, norm_attrs(c.attrs));
}
void prepare_affine(const RunContext& c) {
  const NormAttrs& n = norm_attrs(c.attrs);
  const FeatureTerms t = affine_terms(c);
  std::copy_n(c.in[1].as<float>(), n.groups, t.mean);
  std::copy_n(c.in[2].as<float>(), n.groups, t.a);
  std::fill_n(t.rest, n.groups, 0.0f), std::fill_n(t.b, n.groups, 0.0f), std::fill_n(t.c, n.groups, 0.0f);
  if (c.in[3]) std::copy_n(c.in[3].as<float>(), n.groups, t.b);
  t.repeat_all(n.groups);
}
bool affine_has_rows(const Attrs& attrs, const Shape& shape) { return has_rows(norm_attrs(attrs), shape); }
void affine_rows(const RunContext& c) {
  const FeatureTerms t = affine_terms(c);
  const int64_t all = c.out[0].numel(), whole = all / t.width;
  const float* const x = c.in[0].as<float>();
  float* const y = c.out[0].as<float>();
  if (whole) kernels().norm_columns(y, x, whole, t.width, t.from(0));
  const int64_t done = whole * t.width;
  if (all > done) kernels().norm_columns(y + done, x + done, 1, all - done, t.from(0));
}
constexpr ByRows affine_by_rows = {affine_has_rows, prepare_affine, affine_rows};

// x, mean, factor and offset (or null) -> y
void run_affine(const RunContext& c) {
  const NormAttrs& n = norm_attrs(c.attrs);
  if (!n.size()) return;
  prepare_affine(c);
  const FeatureTerms t = affine_terms(c);
  const float* const x = c.in[0].as<float>();
  float* const y = c.out[0].as<float>();
  over_features(n, t, kElementCost, [&](bool columns, int64_t at, int64_t rows, int64_t cols, const NormTerms& terms) {
    (columns ? kernels().norm_columns : kernels().norm_runs)(y + at, x + at, rows, cols, terms);
  });
}

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
                           .grad_out = false,
                           .by_rows = &affine_by_rows};

// --- arguments -----------------------------------------------------------------------------------------

void check_epsilon(double epsilon, const char* who) {
  FASTDL_CHECK(std::isfinite(epsilon) && epsilon >= 0, ValueError, who,
               ": expected a finite epsilon of at least 0, got ", epsilon);
}
// A value for each of `count` features; null stays null.
Tensor feature_values(const Tensor& t, int64_t count, const char* who, const char* argument) {
  if (!t) return t;
  const Tensor values = as_float(t, who, argument);
  FASTDL_CHECK(values->numel() == count, ShapeError, who, ": argument '", argument, "': expected ", count,
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
  if (x->channels_last) {
    std::vector<Tensor> all = batch_norm(channels_last(x), scale, offset, held_place(at, x->shape.rank()), epsilon);
    all[0] = channels_first(all[0]);
    return all;
  }
  const Outputs found = normalized("batch_norm", x, scale, offset, of_axis(x->shape, at, epsilon));
  return {found.t[0], detach(found.t[1]), detach(found.t[3])};
}

Tensor frozen_batch_norm(const Tensor& given, const Tensor& mean, const Tensor& variance, const Tensor& scale,
                         const Tensor& offset, int64_t axis, double epsilon) {
  const char* const who = "frozen_batch_norm";
  const Tensor x = as_float(given, who, "x");
  const int at = normalize_axis(axis, x->shape.rank(), who);
  if (x->channels_last)
    return as_held(x, at, [&](const Tensor& held, int place) {
      return frozen_batch_norm(held, mean, variance, scale, offset, place, epsilon);
    });
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
  FASTDL_CHECK(at > 0, ShapeError, who, ": expected an axis other than 0, that of the samples, for shape ", s);
  FASTDL_CHECK(groups > 0 && s[at] % groups == 0, ValueError, who,
               ": expected a number of groups that divides the size ", s[at], " of axis ", axis, ", got ", groups);
  if (x->channels_last)
    return as_held(
        x, at, [&](const Tensor& held, int place) { return group_norm(held, groups, scale, offset, place, epsilon); });
  const NormAttrs a{s[0], s.count(1, at), groups, s[at] / groups, s.count(at + 1, s.rank()), epsilon, true, 0};
  return normalized(who, x, scale, offset, a);
}

}  // namespace fastdl
