// Resampling: a band matrix times a tensor along one axis, as images are resized. A general product would multiply by
// the zeros, too, and 0 * NaN is NaN.
#include <algorithm>

#include "core/parallel.h"
#include "cpu/kernels.h"
#include "ops/arguments.h"
#include "ops/extents.h"
#include "ops/layout.h"

namespace fastdl {
namespace {

struct ResampleAttrs {
  int axis;
  Attributes describe() const { return {{"axis", int64_t(axis)}}; }
};
int axis_of(const Attrs& a) { return a.as<ResampleAttrs>().axis; }

void infer_resample(InferContext& c) {
  const int axis = axis_of(c.attrs);
  const Shape &x = c.in[0]->shape, &m = c.in[1]->shape;
  FASTDL_CHECK(m.rank() == 2 && m[1] == x[axis], ShapeError, "resample: expected a matrix (out, ", x[axis],
               ") for axis ", axis, " of shape ", x, ", got shape ", m);
  Shape y = x;
  y[axis] = m[0];
  FASTDL_CHECK(m.numel() <= INT32_MAX && x.count(axis, x.rank()) <= INT32_MAX && y.count(axis, y.rank()) <= INT32_MAX,
               ShapeError, "resample: axis ", axis, " of shape ", x, " is too long");
  c.output(y, DType::float32);
}

constexpr int64_t kNarrow = 8, kPiece = 8192;  // as in pooling

// With a narrow rest of the axes a vector takes neighbouring results, so each element has its entry in the tables.
int64_t entries_of(const RunContext& c) {
  const Extents e(c.in[0].shape, axis_of(c.attrs), axis_of(c.attrs) + 1);
  return c.in[1].shape[0] * (e.inner < kNarrow ? e.inner : 1);
}
// Weights of so many places are laid out for vectors, in which neighbouring results lie.
constexpr int64_t kPacked = 16;
int64_t resample_workspace(const RunContext& c) {
  return (3 + std::min(kPacked, c.in[1].shape[1])) * entries_of(c) * int64_t(sizeof(int32_t));
}

void run_resample(const RunContext& c) {
  const View &x = c.in[0], &y = c.out[0];
  if (!y.numel()) return;
  const Extents e(x.shape, axis_of(c.attrs), axis_of(c.attrs) + 1);
  const int64_t out = c.in[1].shape[0], in = e.reduced, unit = e.inner < kNarrow ? e.inner : 1;
  const bool narrow = e.inner < kNarrow;
  const float* matrix = c.in[1].as<float>();
  int32_t *const first = c.scratch<int32_t>(), *const count = first + out * unit, *const weight = count + out * unit;
  int32_t most = 0;
  int64_t total = 0;
  for (int64_t o = 0; o < out; ++o) {
    const float* row = matrix + o * in;
    int64_t begin = 0, end = in;
    while (end > 0 && row[end - 1] == 0) --end;
    while (begin < end && row[begin] == 0) ++begin;
    most = std::max(most, int32_t(end - begin));
    total += end - begin;
    for (int64_t k = 0; k < unit; ++k) {
      const int64_t at = o * unit + k;
      first[at] = int32_t(narrow ? begin * e.inner + k : begin);
      count[at] = int32_t(end - begin);
      weight[at] = int32_t(o * in + begin);
    }
  }
  const bool packed = narrow && most <= kPacked;
  float* const weights = reinterpret_cast<float*>(weight + out * unit);
  for (int64_t t = 0; packed && t < most; ++t)
    for (int64_t o = 0; o < out * unit; ++o) weights[t * out * unit + o] = t < count[o] ? matrix[weight[o] + t] : 0.0f;
  const int64_t piece = std::max<int64_t>(1, kPiece / e.inner), pieces = (out - 1) / piece + 1;
  const double cost = 0.15 * double(total + out) / double(out) * double(std::min(piece, out) * e.inner);
  parallel_for(e.outer * pieces, grain_for(20 + cost), [&](int64_t from, int64_t to) {
    for (int64_t w = from; w < to; ++w) {
      const int64_t begin = w % pieces * piece, n = std::min(piece, out - begin), outer = w / pieces;
      PoolRow r{};
      r.places = n * unit;
      r.channels = narrow ? 1 : e.inner;
      r.outer = r.inner = 1;
      r.first = first + begin * unit, r.count = count + begin * unit;
      r.step = e.inner, r.most = most;
      kernels().pool_weighted(y.as<float>() + (outer * out + begin) * e.inner, x.as<float>() + outer * in * e.inner, r,
                              packed ? weights + begin * unit : matrix, weight + begin * unit, packed ? out * unit : 0);
    }
  });
}
void grad_resample(GradContext& c) { c.gin[0] = resample(c.gout[0], transpose(c.in[1]), axis_of(c.attrs)); }
const Op op_resample = OpRow{.name = "resample",
                             .infer = infer_resample,
                             .run = run_resample,
                             .grad = grad_resample,
                             .describe = describe<ResampleAttrs>,
                             .workspace = resample_workspace,
                             .grad_in = 0b10,
                             .grad_out = false};

}  // namespace

Tensor resample(const Tensor& x, const Tensor& matrix, int64_t axis) {
  const Tensor values = as_float(x, "resample", "x"), m = as_float(matrix, "resample", "matrix");
  FASTDL_CHECK(!(grad_enabled() && m->requires_grad), RuntimeError,
               "resample: 'matrix' requires a gradient, which is not computed; detach it");
  return as_held(values, normalize_axis(axis, x->shape.rank(), "resample"),
                 [&](const Tensor& held, int place) { return apply(op_resample, {held, m}, ResampleAttrs{place}); });
}

}  // namespace fastdl
