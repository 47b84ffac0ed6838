// Reductions. An op reduces one run of adjacent axes, with the tensor seen as [outer, reduced, inner]. Other axes are
// reduced run by run. Long runs are cut into pieces of fixed length, whose results are combined in order, so that bits
// do not depend on threads.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/parallel.h"
#include "cpu/kernels.h"
#include "ops/arguments.h"
#include "ops/extents.h"
#include "ops/layout.h"
#include "ops/moments.h"

namespace fastdl {
namespace {

struct ReduceAttrs {
  int first, last;  // axes [first, last) are reduced
  bool keepdims;
  double divisor;  // of sum: what the result is divided by
};
Attributes describe_reduce(const DescribeContext& c) {
  const ReduceAttrs& a = c.attrs.as<ReduceAttrs>();
  std::vector<int64_t> axes;
  for (int i = a.first; i < a.last; ++i) axes.push_back(i);
  return {{"axes", axes}, {"keepdims", a.keepdims}};
}
Attributes describe_sum(const DescribeContext& c) {
  Attributes all = describe_reduce(c);
  all.push_back({"divisor", c.attrs.as<ReduceAttrs>().divisor});
  return all;
}
const ReduceAttrs& reduce_attrs(const Attrs& a) { return a.as<ReduceAttrs>(); }

void infer_reduce(InferContext& c, DType dtype) {
  const ReduceAttrs& a = reduce_attrs(c.attrs);
  const Shape& x = c.in[0]->shape;
  Shape out;
  for (int i = 0; i < x.rank(); ++i)
    if (i < a.first || i >= a.last)
      out.push_back(x[i]);
    else if (a.keepdims)
      out.push_back(1);
  c.output(out, dtype);
}

// --- float32: kernels for rows and for columns ---------------------------------------------------------

struct FloatKernels {
  float (*row)(const float* x, int64_t n);
  void (*rows)(float* y, const float* x, int64_t rows, int64_t cols, int64_t ld);  // into y
  float identity;
};

constexpr int64_t kPiece = 32768;                // elements of a row that are reduced in one go
constexpr int64_t kRows = 4096, kColumns = 256;  // the same where columns are reduced

int64_t pieces_of(const Extents& e) {
  const int64_t most = e.inner == 1 ? kPiece : kRows;
  return std::max<int64_t>(1, (e.reduced + most - 1) / most);
}
// The results of the pieces.
int64_t reduce_workspace(const RunContext& c) {
  const ReduceAttrs& a = reduce_attrs(c.attrs);
  const Extents e(c.in[0].shape, a.first, a.last);
  const int64_t pieces = is_float(c.in[0].dtype) ? pieces_of(e) : 1;
  return pieces > 1 ? e.outer * pieces * e.inner * int64_t(sizeof(float)) : 0;
}

void reduce_rows(const FloatKernels& k, float* y, const float* x, const Extents& e, float* part) {
  const int64_t pieces = pieces_of(e), rows = e.outer, n = e.reduced;
  if (pieces == 1) part = y;
  const double cost = 0.1 * double(std::min(n, kPiece));
  parallel_for(rows * pieces, grain_for(5 + cost), [&](int64_t begin, int64_t end) {
    for (int64_t w = begin; w < end; ++w) {
      const int64_t at = w % pieces * kPiece;
      part[w] = k.row(x + w / pieces * n + at, std::min(kPiece, n - at));
    }
  });
  if (pieces > 1)
    for (int64_t r = 0; r < rows; ++r) y[r] = k.row(part + r * pieces, pieces);
}

// Rows of few columns (three channels) are too short for vectors, so 64 of them are treated as one.
void reduce_piece(const FloatKernels& k, float* y, const float* x, int64_t rows, int64_t columns, int64_t ld) {
  constexpr int64_t kTogether = 64, kShort = 32;
  if (ld > kShort || rows < 4 * kTogether) return k.rows(y, x, rows, columns, ld);
  float part[kTogether * kShort];
  const int64_t wide = kTogether * columns, whole = rows / kTogether;
  std::fill_n(part, wide, k.identity);
  k.rows(part, x, whole, wide, wide);
  k.rows(y, part, kTogether, columns, columns);
  k.rows(y, x + whole * wide, rows % kTogether, columns, ld);
}

void reduce_columns(const FloatKernels& k, float* y, const float* x, const Extents& e, float* part) {
  const int64_t pieces = pieces_of(e);
  const int64_t blocks = (e.inner + kColumns - 1) / kColumns;
  if (pieces == 1) part = y;
  const double cost = 0.1 * double(std::min(e.reduced, kRows) * std::min(e.inner, kColumns));
  parallel_for(e.outer * pieces * blocks, grain_for(5 + cost), [&](int64_t begin, int64_t end) {
    for (int64_t w = begin; w < end; ++w) {
      const int64_t o = w / blocks / pieces, row = w / blocks % pieces * kRows, at = w % blocks * kColumns;
      const int64_t n = std::min(kColumns, e.inner - at);
      float* to = part + w / blocks * e.inner + at;
      std::fill_n(to, n, k.identity);
      reduce_piece(k, to, x + (o * e.reduced + row) * e.inner + at, std::min(kRows, e.reduced - row), n, e.inner);
    }
  });
  if (pieces == 1) return;
  for (int64_t o = 0; o < e.outer; ++o) {
    std::fill_n(y + o * e.inner, e.inner, k.identity);
    k.rows(y + o * e.inner, part + o * pieces * e.inner, pieces, e.inner, e.inner);
  }
}

void reduce_float(const FloatKernels& k, const RunContext& c) {
  const ReduceAttrs& a = reduce_attrs(c.attrs);
  const View &x = c.in[0], &y = c.out[0];
  const Extents e(x.shape, a.first, a.last);
  if (!y.numel()) return;
  if (e.reduced == 1)  // a batch of scalars, the loss of one output
    std::memcpy(y.data, x.data, size_t(y.numel()) * sizeof(float));
  else if (e.inner == 1)
    reduce_rows(k, y.as<float>(), x.as<float>(), e, c.scratch<float>());
  else
    reduce_columns(k, y.as<float>(), x.as<float>(), e, c.scratch<float>());
}

// --- other types: plain loops ----------------------------------------------------------------------------

template <class T, class Out, class F>
void reduce_plain(const RunContext& c, Out first, F f) {
  const ReduceAttrs& a = reduce_attrs(c.attrs);
  const Extents e(c.in[0].shape, a.first, a.last);
  const T* x = c.in[0].as<T>();
  Out* y = c.out[0].as<Out>();
  parallel_for(e.outer, grain_for(0.5 * double(e.reduced * e.inner)), [&](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; ++o) {
      const T* from = x + o * e.reduced * e.inner;
      if (e.inner == 1) {
        Out r = first;
        for (int64_t i = 0; i < e.reduced; ++i) r = f(r, from[i]);
        y[o] = r;
        continue;
      }
      Out* to = y + o * e.inner;
      std::fill_n(to, e.inner, first);
      for (int64_t r = 0; r < e.reduced; ++r)
        for (int64_t i = 0; i < e.inner; ++i) to[i] = f(to[i], from[r * e.inner + i]);
    }
  });
}

// --- sum and mean --------------------------------------------------------------------------------------

void infer_sum(InferContext& c) { infer_reduce(c, is_float(c.in[0]->dtype) ? DType::float32 : DType::int64); }
void run_sum(const RunContext& c) {
  const View& y = c.out[0];
  if (!is_float(c.in[0].dtype)) {
    dispatch(c.in[0].dtype, [&](auto zero) {
      reduce_plain<decltype(zero)>(c, int64_t(0),
                                   [](int64_t a, auto b) { return int64_t(uint64_t(a) + uint64_t(int64_t(b))); });
    });
    return;
  }
  reduce_float({kernels().sum, kernels().sum_rows, 0.0f}, c);
  const double divisor = reduce_attrs(c.attrs).divisor;
  if (divisor != 1)
    for (int64_t i = 0, n = y.numel(); i < n; ++i) y.as<float>()[i] /= float(divisor);
}

// The shape of x with extent 1 along reduced axes. A result gets this shape before it is broadcast again.
Shape kept_shape(const GradContext& c) {
  const ReduceAttrs& a = reduce_attrs(c.attrs);
  Shape s = c.in[0]->shape;
  for (int i = a.first; i < a.last; ++i) s[i] = 1;
  return s;
}
void grad_sum(GradContext& c) {
  const double divisor = reduce_attrs(c.attrs).divisor;
  Tensor g = divisor == 1 ? c.gout[0] : scale(c.gout[0], 1 / divisor);
  c.gin[0] = broadcast_to(reshape(g, kept_shape(c)), c.in[0]->shape);
}
const Op op_sum = OpRow{.name = "sum",
                        .infer = infer_sum,
                        .run = run_sum,
                        .grad = grad_sum,
                        .describe = describe_sum,
                        .workspace = reduce_workspace,
                        .grad_in = 0,
                        .grad_out = false};

// --- max and min ---------------------------------------------------------------------------------------

constexpr float kInfinity = std::numeric_limits<float>::infinity();

void infer_extreme(InferContext& c) {
  const ReduceAttrs& a = reduce_attrs(c.attrs);
  FASTDL_CHECK(c.in[0]->shape.count(a.first, a.last), AxisError, c.op.name, ": no elements to choose from in shape ",
               c.in[0]->shape);
  infer_reduce(c, c.in[0]->dtype);
}
void run_max(const RunContext& c) {
  if (is_float(c.in[0].dtype)) return reduce_float({kernels().reduce_max, kernels().max_rows, -kInfinity}, c);
  dispatch(c.in[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    reduce_plain<T>(c, std::numeric_limits<T>::lowest(), [](T a, T b) { return std::max(a, b); });
  });
}
void run_min(const RunContext& c) {
  if (is_float(c.in[0].dtype)) return reduce_float({kernels().reduce_min, kernels().min_rows, kInfinity}, c);
  dispatch(c.in[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    reduce_plain<T>(c, std::numeric_limits<T>::max(), [](T a, T b) { return std::min(a, b); });
  });
}
// Equal elements share the gradient evenly, as in TensorFlow and torch.amax. If some are NaN, those share it.
bool is_extreme(float x, float extreme) { return x == extreme || x != x; }

// inputs: g, x, and the extremes, reduced axes with extent 1 -> dx
void infer_extreme_grad(InferContext& c) { c.output(c.in[1]->shape, DType::float32); }
void run_extreme_grad(const RunContext& c) {
  const ReduceAttrs& a = reduce_attrs(c.attrs);
  const Extents e(c.in[1].shape, a.first, a.last);
  const float *g = c.in[0].as<float>(), *x = c.in[1].as<float>(), *extreme = c.in[2].as<float>();
  float* dx = c.out[0].as<float>();
  const int64_t blocks = (e.inner + kColumns - 1) / kColumns;
  const double cost = 1.0 * double(e.reduced * std::min(e.inner, kColumns));
  parallel_for(e.outer * blocks, grain_for(5 + cost), [&](int64_t begin, int64_t end) {
    for (int64_t w = begin; w < end; ++w) {
      const int64_t at = w / blocks * e.inner + w % blocks * kColumns,
                    n = std::min(kColumns, e.inner - w % blocks * kColumns);
      const int64_t from = w / blocks * e.reduced * e.inner + w % blocks * kColumns;
      int64_t count[kColumns] = {};
      float share[kColumns];
      for (int64_t r = 0; r < e.reduced; ++r)
        for (int64_t i = 0; i < n; ++i) count[i] += is_extreme(x[from + r * e.inner + i], extreme[at + i]);
      for (int64_t i = 0; i < n; ++i) share[i] = g[at + i] / float(count[i]);
      for (int64_t r = 0; r < e.reduced; ++r)
        for (int64_t i = 0; i < n; ++i) {
          const int64_t k = from + r * e.inner + i;
          dx[k] = is_extreme(x[k], extreme[at + i]) ? share[i] : 0.0f;
        }
    }
  });
}
void grad_extreme_grad(GradContext& c) {  // linear in g
  const ReduceAttrs& a = reduce_attrs(c.attrs);
  const Tensor at_extreme = logical_or(eq(c.in[1], c.in[2]), isnan(c.in[1]));
  const Tensor chosen = cast(at_extreme, DType::float32);
  const ReduceAttrs kept{a.first, a.last, true, 1};
  c.gin[0] = div(apply(op_sum, {mul(c.gout[0], chosen)}, kept), apply(op_sum, {chosen}, kept));
}
const Op op_extreme_grad = OpRow{.name = "extreme_grad",
                                 .infer = infer_extreme_grad,
                                 .run = run_extreme_grad,
                                 .grad = grad_extreme_grad,
                                 .describe = describe_reduce,
                                 .grad_in = 0b110,
                                 .grad_out = false};
void grad_extreme(GradContext& c) {
  const Shape kept = kept_shape(c);
  c.gin[0] =
      apply(op_extreme_grad, {reshape(c.gout[0], kept), detach(c.in[0]), reshape(detach(c.out[0]), kept)}, c.attrs);
}
const Op op_max = OpRow{.name = "max",
                        .infer = infer_extreme,
                        .run = run_max,
                        .grad = grad_extreme,
                        .describe = describe_reduce,
                        .workspace = reduce_workspace};
const Op op_min = OpRow{.name = "min",
                        .infer = infer_extreme,
                        .run = run_min,
                        .grad = grad_extreme,
                        .describe = describe_reduce,
                        .workspace = reduce_workspace};

// --- any and all ---------------------------------------------------------------------------------------

void infer_truth(InferContext& c) { infer_reduce(c, DType::bool8); }
void run_any(const RunContext& c) {
  dispatch(c.in[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    reduce_plain<T>(c, uint8_t(0), [](uint8_t a, T b) { return uint8_t(a | (b != T(0))); });
  });
}
void run_all(const RunContext& c) {
  dispatch(c.in[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    reduce_plain<T>(c, uint8_t(1), [](uint8_t a, T b) { return uint8_t(a & (b != T(0))); });
  });
}
const Op op_any = OpRow{.name = "any", .infer = infer_truth, .run = run_any, .describe = describe_reduce};
const Op op_all = OpRow{.name = "all", .infer = infer_truth, .run = run_all, .describe = describe_reduce};

// --- runs of axes --------------------------------------------------------------------------------------

// Bit i set for every axis to reduce; no axes given means all of them.
uint32_t axis_mask(const Tensor& x, const Axes& axes, const char* who) {
  check_tensor(x, who, "x");
  const int rank = x->shape.rank();
  if (!axes) return (1u << rank) - 1;
  uint32_t mask = 0;
  for (int64_t axis : *axes) {
    const int i = normalize_axis(axis, rank, who);
    FASTDL_CHECK(!(mask >> i & 1), ShapeError, who, ": axis ", axis, " is given more than once");
    mask |= 1u << i;
  }
  return mask;
}

int64_t count_of(const Tensor& x, uint32_t mask) {
  int64_t n = 1;
  for (int i = 0; i < x->shape.rank(); ++i)
    if (mask >> i & 1) n *= x->shape[i];
  return n;
}

// x's shape without the axes of `mask`.
Shape remaining_shape(const Tensor& x, uint32_t mask) {
  Shape shape;
  for (int i = 0; i < x->shape.rank(); ++i)
    if (!(mask >> i & 1)) shape.push_back(x->shape[i]);
  return shape;
}

// Reduces the axes of `mask`, the last run first. Without axes it reduces over an empty run: one element each.
Tensor reduce(const Op& op, Tensor x, uint32_t mask, bool keepdims, double divisor = 1) {
  if (x->channels_last) {
    const Tensor y = channels_first(reduce(op, channels_last(x), held_mask(mask, x->shape.rank()), true, divisor));
    return keepdims ? y : reshape(y, remaining_shape(x, mask));
  }
  for (int last = x->shape.rank();;) {
    while (last > 0 && !(mask >> (last - 1) & 1)) --last;
    int first = last;
    while (first > 0 && mask >> (first - 1) & 1) --first;
    mask &= (1u << first) - 1;
    x = apply(op, {x}, ReduceAttrs{first, last, keepdims, mask ? 1 : divisor});
    if (!mask) return x;
    last = first;
  }
}

}  // namespace

Tensor sum(const Tensor& x, const Axes& axes, bool keepdims) {
  return reduce(op_sum, x, axis_mask(x, axes, "sum"), keepdims);
}
Tensor mean(const Tensor& x, const Axes& axes, bool keepdims) {
  const uint32_t mask = axis_mask(x, axes, "mean");
  return reduce(op_sum, as_float(x, "mean", "x"), mask, keepdims, double(count_of(x, mask)));
}
Tensor max(const Tensor& x, const Axes& axes, bool keepdims) {
  return reduce(op_max, x, axis_mask(x, axes, "max"), keepdims);
}
Tensor min(const Tensor& x, const Axes& axes, bool keepdims) {
  return reduce(op_min, x, axis_mask(x, axes, "min"), keepdims);
}
Tensor any(const Tensor& x, const Axes& axes, bool keepdims) {
  const uint32_t mask = axis_mask(x, axes, "any");
  return reduce(op_any, computable(x, "any", "x"), mask, keepdims);
}
Tensor all(const Tensor& x, const Axes& axes, bool keepdims) {
  const uint32_t mask = axis_mask(x, axes, "all");
  return reduce(op_all, computable(x, "all", "x"), mask, keepdims);
}

// A tree of products of halves. So the gradient consists of products of the other elements, and holds where elements
// are zero, to any order.
Tensor prod(const Tensor& x, const Axes& axes, bool keepdims) {
  const uint32_t mask = axis_mask(x, axes, "prod");
  check_computing(x, "prod", "x");
  Tensor y = is_float(x->dtype) ? x : cast(x, DType::int64);
  Shape shape;  // of the result
  for (int axis = 0; axis < x->shape.rank(); ++axis) {
    if (!(mask >> axis & 1)) {
      shape.push_back(x->shape[axis]);
      continue;
    }
    if (keepdims) shape.push_back(1);
    for (int64_t n; (n = y->shape[axis]) > 1;) {
      std::vector<Tensor> halves = split(y, {n / 2, n / 2, n % 2}, axis);
      y = mul(halves[0], halves[1]);
      if (n % 2) y = concat({y, halves[2]}, axis);
    }
    if (y->shape[axis] == 0) y = add(sum(y, std::vector<int64_t>{axis}, true), full({}, y->dtype, 1, y->device()));
  }
  return reshape(y == x ? copy(x) : y, shape);
}

namespace {
// Run by run of adjacent axes, the last one first: the variance of all is the mean of the variances plus the variance
// of the means. The axes stay with extent 1.
Moments moments_over(const Tensor& values, uint32_t mask) {
  if (values->channels_last) {
    const Moments m = moments_over(channels_last(values), held_mask(mask, values->shape.rank()));
    return {channels_first(m.mean), channels_first(m.variance)};
  }
  Moments found{values, nullptr};
  for (int last = values->shape.rank();;) {
    while (last > 0 && !(mask >> (last - 1) & 1)) --last;
    int first = last;
    while (first > 0 && mask >> (first - 1) & 1) --first;
    mask &= (1u << first) - 1;
    const Moments m = moments_of_run(found.mean, first, last);
    const double runs = double(found.mean->shape.count(first, last));
    const Tensor& before = found.variance;
    found = {m.mean,
             before ? add(apply(op_sum, {before}, ReduceAttrs{first, last, true, runs}), m.variance) : m.variance};
    if (!mask) return found;
    last = first;
  }
}
}  // namespace

Tensor var(const Tensor& x, const Axes& axes, bool keepdims, double correction) {
  const uint32_t mask = axis_mask(x, axes, "var");
  Tensor variance = moments_over(cast(x, DType::float32), mask).variance;
  const double n = double(count_of(x, mask));
  if (correction != 0) variance = scale(variance, n / std::max(0.0, n - correction));
  return keepdims ? variance : reshape(variance, remaining_shape(x, mask));
}
std::vector<Tensor> moments(const Tensor& x, const Axes& axes, bool keepdims) {
  const uint32_t mask = axis_mask(x, axes, "moments");
  const Moments m = moments_over(cast(x, DType::float32), mask);
  if (keepdims) return {m.mean, m.variance};
  const Shape shape = remaining_shape(x, mask);
  return {reshape(m.mean, shape), reshape(m.variance, shape)};
}

// log(sum(e^(x - m))) + m with m the maximum, taken as 0 where it is infinite. m carries no gradient: it
// cancels.
Tensor logsumexp(const Tensor& x, const Axes& axes, bool keepdims) {
  const uint32_t mask = axis_mask(x, axes, "logsumexp");
  const Tensor values = as_float(x, "logsumexp", "x");
  const Tensor largest = reduce(op_max, detach(values), mask, true);
  const Tensor m = where(isfinite(largest), largest, scalar(0));
  Tensor y = add(log(reduce(op_sum, exp(sub(values, m)), mask, true)), m);
  if (keepdims) return y;
  return reshape(y, remaining_shape(x, mask));
}

// Undoes broadcasting: sums over the axes along which `shape` was spread to t's shape.
Tensor sum_to(const Tensor& t, const Shape& shape) {
  if (t->shape == shape) return t;
  const int lead = t->shape.rank() - shape.rank();
  uint32_t mask = 0;
  for (int i = 0; i < t->shape.rank(); ++i) {
    const int64_t to = i < lead ? 1 : shape[i - lead];
    FASTDL_CHECK(lead >= 0 && (to == 1 || to == t->shape[i]), ShapeError, "sum_to: shape ", shape,
                 " does not broadcast to ", t->shape);
    if (to == 1 && (i < lead || t->shape[i] != 1)) mask |= 1u << i;
  }
  return reshape(reduce(op_sum, t, mask, true), shape);
}

}  // namespace fastdl
