// softmax and log_softmax along an axis. The kernels take rows, so another axis is moved to the end first.
#include <vector>

#include "core/parallel.h"
#include "cpu/kernels.h"
#include "ops/arguments.h"
#include "ops/layout.h"

namespace fastdl {
namespace {

using RowKernel = void (*)(float* y, const float* x, int64_t rows, int64_t cols);
using RowGradKernel = void (*)(float* dx, const float* dy, const float* y, int64_t rows, int64_t cols);
constexpr double kElementCost = 1.0;  // nanoseconds: an exponential and three passes

template <RowKernel KernelTable::* Kernel>
void run_rows(const RunContext& c) {
  const View &x = c.in[0], &y = c.out[0];
  const int64_t cols = x.shape.back();
  if (!x.numel()) return;
  parallel_for(x.numel() / cols, grain_for(kElementCost * double(cols)), [&](int64_t begin, int64_t end) {
    (kernels().*Kernel)(y.as<float>() + begin * cols, x.as<float>() + begin * cols, end - begin, cols);
  });
}

// inputs: dy, y
template <RowGradKernel KernelTable::* Kernel>
void run_rows_grad(const RunContext& c) {
  const View &dy = c.in[0], &y = c.in[1], &dx = c.out[0];
  const int64_t cols = y.shape.back();
  if (!y.numel()) return;
  parallel_for(y.numel() / cols, grain_for(kElementCost * double(cols)), [&](int64_t begin, int64_t end) {
    const int64_t at = begin * cols;
    (kernels().*Kernel)(dx.as<float>() + at, dy.as<float>() + at, y.as<float>() + at, end - begin, cols);
  });
}

const Axes kLast = std::vector<int64_t>{-1};

// dx = y (dy - sum(dy y))
void grad_softmax_grad(GradContext& c) {
  const Tensor &dy = c.in[0], &y = c.in[1], &g = c.gout[0];
  if (c.needs(0)) c.gin[0] = mul(y, sub(g, sum(mul(g, y), kLast, true)));
  if (c.needs(1)) c.gin[1] = sub(mul(g, sub(dy, sum(mul(dy, y), kLast, true))), mul(dy, sum(mul(g, y), kLast, true)));
}
const Op op_softmax_grad = OpRow{.name = "softmax_grad",
                                 .infer = infer_same_as_first,
                                 .run = run_rows_grad<&KernelTable::softmax_grad>,
                                 .grad = grad_softmax_grad,
                                 .grad_in = 0b11,
                                 .grad_out = false};

void grad_softmax(GradContext& c) { c.gin[0] = apply(op_softmax_grad, {c.gout[0], c.out[0]}); }
const Op op_softmax = OpRow{.name = "softmax",
                            .infer = infer_same_as_first,
                            .run = run_rows<&KernelTable::softmax>,
                            .grad = grad_softmax,
                            .grad_in = 0};

// dx = dy - e^y sum(dy)
void grad_log_softmax_grad(GradContext& c) {
  const Tensor &dy = c.in[0], &y = c.in[1], &g = c.gout[0];
  const Tensor weighted = mul(g, exp(y));
  if (c.needs(0)) c.gin[0] = sub(g, sum(weighted, kLast, true));
  if (c.needs(1)) c.gin[1] = neg(mul(weighted, sum(dy, kLast, true)));
}
const Op op_log_softmax_grad = OpRow{.name = "log_softmax_grad",
                                     .infer = infer_same_as_first,
                                     .run = run_rows_grad<&KernelTable::log_softmax_grad>,
                                     .grad = grad_log_softmax_grad,
                                     .grad_in = 0b11,
                                     .grad_out = false};

void grad_log_softmax(GradContext& c) { c.gin[0] = apply(op_log_softmax_grad, {c.gout[0], c.out[0]}); }
const Op op_log_softmax = OpRow{.name = "log_softmax",
                                .infer = infer_same_as_first,
                                .run = run_rows<&KernelTable::log_softmax>,
                                .grad = grad_log_softmax,
                                .grad_in = 0};

Tensor along(const Op& op, const Tensor& x, int64_t axis) {
  check_tensor(x, op.name, "x");
  const int rank = x->shape.rank(), at = normalize_axis(axis, rank, op.name);
  const Tensor values = as_float(x, op.name, "x");
  if (values->channels_last)
    return as_held(values, at, [&](const Tensor& held, int place) { return along(op, held, place); });
  if (at == rank - 1) return apply(op, {values});
  std::vector<int64_t> perm;
  for (int i = 0; i < rank; ++i) perm.push_back(i);
  std::swap(perm[size_t(at)], perm[size_t(rank - 1)]);  // its own inverse
  return transpose(apply(op, {transpose(values, perm)}), perm);
}

}  // namespace

Tensor softmax(const Tensor& x, int64_t axis) {
  Tensor y = along(op_softmax, x, axis);
  if (axis == -1 || axis == x->shape.rank() - 1) remember_logits(y, x, "softmax");
  return y;
}
Tensor log_softmax(const Tensor& x, int64_t axis) { return along(op_log_softmax, x, axis); }

}  // namespace fastdl
