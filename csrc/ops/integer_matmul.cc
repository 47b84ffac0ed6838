// Products of integer matrices: exact if the result's type holds them, else wrapped like all integer arithmetic. For
// truth values the sum is `or`. Such products are rare, so this is a plain loop.
#include "ops/integer_matmul.h"

#include <algorithm>

#include "core/parallel.h"
#include "ops/broadcast.h"
#include "ops/ops.h"

namespace fastdl {
namespace {

Shape batch_of(const Shape& s) {
  Shape b;
  for (int i = 0; i + 2 < s.rank(); ++i) b.push_back(s[i]);
  return b;
}

void infer_product(InferContext& c) {
  const Shape &a = c.in[0]->shape, &b = c.in[1]->shape;
  FASTDL_CHECK(a.back(0) == b.back(1), ShapeError, "matmul: cannot multiply shapes ", a, " and ", b, ": ", a.back(0),
               " columns against ", b.back(1), " rows");
  Shape out = broadcast_shapes(batch_of(a), batch_of(b), "matmul");
  out.push_back(a.back(1));
  out.push_back(b.back(0));
  c.output(out, c.in[0]->dtype);
}

void run_product(const RunContext& c) {
  const View &a = c.in[0], &b = c.in[1], &out = c.out[0];
  const int64_t m = out.shape.back(1), n = out.shape.back(0), k = a.shape.back(0);
  const Shape batch_a = batch_of(a.shape), batch_b = batch_of(b.shape), batch = batch_of(out.shape);
  if (!out.numel()) return;
  const bool masks = out.dtype == DType::bool8;
  dispatch(out.dtype, [&](auto zero) {
    using T = decltype(zero);
    BroadcastLoop<2> loop(batch, {&batch_a, &batch_b});
    parallel_for(batch.numel() * m, grain_for(0.5 * double(n * k)), [&](int64_t begin, int64_t end) {
      for (int64_t w = begin; w < end; ++w) {
        const int64_t matrix = w / m;
        int64_t at[2];
        loop.offsets_of(matrix / loop.inner, at);
        for (int i = 0; i < 2; ++i) at[i] += matrix % loop.inner * loop.inner_stride[i];
        const T *row = a.as<T>() + (at[0] * m + w % m) * k, *from = b.as<T>() + at[1] * k * n;
        T* y = out.as<T>() + w * n;
        std::fill_n(y, n, T(0));
        for (int64_t l = 0; l < k; ++l, from += n)
          for (int64_t j = 0; j < n; ++j) {
            const auto term = Wrapping<T>(Wrapping<T>(row[l]) * Wrapping<T>(from[j]));
            y[j] = masks ? T(y[j] || term) : T(Wrapping<T>(y[j]) + term);
          }
      }
    });
  });
}
const Op op_integer_matmul = OpRow{.name = "matmul_int", .infer = infer_product, .run = run_product};

Tensor oriented(const Tensor& x, bool transposed) {
  if (!transposed) return x;
  std::vector<int64_t> axes;
  for (int i = 0; i < x->shape.rank(); ++i) axes.push_back(i);
  std::swap(axes[axes.size() - 1], axes[axes.size() - 2]);
  return transpose(x, axes);
}

}  // namespace

Tensor integer_matmul(const Tensor& a, const Tensor& b, bool transpose_a, bool transpose_b) {
  const DType t = computing_type(promote(a->dtype, b->dtype));
  return apply(op_integer_matmul, {oriented(cast(a, t), transpose_a), oriented(cast(b, t), transpose_b)});
}

}  // namespace fastdl
