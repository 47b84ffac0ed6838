// Losses whose direct formula would overflow or lose digits: cross-entropies from logits, and Huber's. Those that use
// softmax keep the probabilities as a second output, which is all that the gradient needs.
#include <atomic>
#include <cmath>
#include <vector>

#include "core/parallel.h"
#include "cpu/kernels.h"
#include "ops/arguments.h"
#include "ops/broadcast.h"
#include "ops/ops.h"

namespace fastdl {
namespace {

constexpr double kClassCost = 1.0;  // nanoseconds: an exponential and three passes
const Axes kLast = std::vector<int64_t>{-1};

// One value for each row, spread over the row's columns by broadcasting.
Tensor as_column(const Tensor& t) {
  Shape s = t->shape;
  s.push_back(1);
  return reshape(t, s);
}

// The gradient of softmax, for the rare case that the probabilities themselves are differentiated.
Tensor softmax_backward(const Tensor& g, const Tensor& y) { return mul(y, sub(g, sum(mul(g, y), kLast, true))); }

void check_same_shape(const InferContext& c, const char* first, const char* second) {
  FASTDL_CHECK(c.in[0]->shape == c.in[1]->shape, ShapeError, c.op.name, ": ", first, " and ", second,
               " must have one shape, got ", c.in[0]->shape, " and ", c.in[1]->shape);
}
void check_classes(const InferContext& c) {
  FASTDL_CHECK(c.in[0]->shape.rank() >= 1 && c.in[0]->shape.back() >= 1, ShapeError, c.op.name,
               ": logits must have a last axis of at least one class, got shape ", c.in[0]->shape);
}

// --- cross-entropy with a class number for each row ----------------------------------------------------

struct SparseAttrs {
  int64_t ignore_index;
  Attributes describe() const { return {{"ignore_index", ignore_index}}; }
};

// The labels, input 1, as int64. Those of another type are converted in the call's workspace.
int64_t label_workspace(const RunContext& c) {
  return c.in[1].dtype == DType::int64 ? 0 : c.in[1].numel() * int64_t(sizeof(int64_t));
}
const int64_t* labels_of(const RunContext& c, const char* who) {
  const View& labels = c.in[1];
  if (labels.dtype == DType::int64) return labels.as<int64_t>();
  const int64_t n = labels.numel();
  int64_t* out = c.scratch<int64_t>();
  dispatch(labels.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* p = labels.as<T>();
    for (int64_t i = 0; i < n; ++i) {
      if constexpr (std::is_floating_point_v<T>)
        FASTDL_CHECK(std::abs(p[i]) < 1e15f && p[i] == std::floor(p[i]), ValueError, who, ": label ", p[i],
                     " of sample ", i, " is not a class number");
      out[i] = int64_t(p[i]);
    }
  });
  return out;
}

void infer_sparse(InferContext& c) {
  check_classes(c);
  Shape rows = c.in[0]->shape;
  rows.erase(rows.rank() - 1);
  FASTDL_CHECK(c.in[1]->shape == rows, ShapeError, c.op.name, ": logits of shape ", c.in[0]->shape,
               " need labels of shape ", rows, ", got ", c.in[1]->shape);
  c.output(rows, DType::float32);
  c.output(c.in[0]->shape, DType::float32);
}
void run_sparse(const RunContext& c) {
  const View &x = c.in[0], &loss = c.out[0], &probs = c.out[1];
  const char* who = "sparse_softmax_cross_entropy";
  const int64_t rows = loss.numel(), cols = x.shape.back();
  const int64_t ignore = c.attrs.as<SparseAttrs>().ignore_index;
  const int64_t* labels = labels_of(c, who);
  std::atomic<int64_t> bad{rows};
  parallel_for(rows, grain_for(kClassCost * double(cols)), [&](int64_t begin, int64_t end) {
    int64_t r = kernels().sparse_xent(loss.as<float>() + begin, probs.as<float>() + begin * cols,
                                      x.as<float>() + begin * cols, labels + begin, end - begin, cols, ignore);
    if (r < 0) return;
    for (int64_t seen = bad; begin + r < seen && !bad.compare_exchange_weak(seen, begin + r);) {
    }
  });
  FASTDL_CHECK(bad == rows, ValueError, who, ": label ", labels[bad], " of sample ", bad, " is outside [0, ", cols,
               ") for ", cols, " classes");
}

// inputs: probs, labels, gloss -> dx = gloss (probs - one_hot(label)), 0 in rows to ignore
void infer_sparse_grad(InferContext& c) { c.output(c.in[0]->shape, DType::float32); }
void run_sparse_grad(const RunContext& c) {
  const View &probs = c.in[0], &g = c.in[2], &dx = c.out[0];
  const int64_t rows = g.numel(), cols = probs.shape.back();
  const int64_t ignore = c.attrs.as<SparseAttrs>().ignore_index;
  const int64_t* labels = labels_of(c, "sparse_softmax_cross_entropy");
  parallel_for(rows, grain_for(0.5 * double(cols)), [&](int64_t begin, int64_t end) {
    const int64_t at = begin * cols;
    kernels().sparse_xent_grad(dx.as<float>() + at, probs.as<float>() + at, labels + begin, g.as<float>() + begin, 1,
                               end - begin, cols, ignore);
  });
}
Tensor sparse_backward(const Tensor& probs, const Tensor& labels, const Tensor& g, int64_t ignore);
void grad_sparse_grad(GradContext& c) {
  const Tensor &probs = c.in[0], &labels = c.in[1], &g = c.gout[0];
  const int64_t ignore = c.attrs.as<SparseAttrs>().ignore_index;
  if (c.needs(0)) {
    Tensor counts = ne(labels, full({}, labels->dtype, double(ignore), labels->device()));
    c.gin[0] = mul(g, as_column(where(counts, c.in[2], scalar(0))));
  }
  if (c.needs(2)) {
    Tensor unit = sparse_backward(probs, labels, full(labels->shape, DType::float32, 1, labels->device()), ignore);
    c.gin[2] = sum(mul(g, unit), kLast, false);
  }
}
const Op op_sparse_grad = OpRow{.name = "sparse_softmax_cross_entropy_grad",
                                .infer = infer_sparse_grad,
                                .run = run_sparse_grad,
                                .grad = grad_sparse_grad,
                                .describe = describe<SparseAttrs>,
                                .workspace = label_workspace,
                                .grad_in = 0b111,
                                .grad_out = false};
Tensor sparse_backward(const Tensor& probs, const Tensor& labels, const Tensor& g, int64_t ignore) {
  return apply(op_sparse_grad, {probs, labels, g}, SparseAttrs{ignore});
}

void grad_sparse(GradContext& c) {
  const Tensor& probs = c.out[1];
  Tensor g;
  if (c.gout[0]) g = sparse_backward(probs, c.in[1], c.gout[0], c.attrs.as<SparseAttrs>().ignore_index);
  if (c.gout[1]) {
    Tensor h = softmax_backward(c.gout[1], probs);
    g = g ? add(g, h) : h;
  }
  c.gin[0] = g;
}
const Op op_sparse = OpRow{.name = "sparse_softmax_cross_entropy",
                           .infer = infer_sparse,
                           .run = run_sparse,
                           .grad = grad_sparse,
                           .describe = describe<SparseAttrs>,
                           .workspace = label_workspace,
                           .grad_in = 0b10};

// --- cross-entropy with a distribution for each row ----------------------------------------------------

void infer_dense(InferContext& c) {
  check_classes(c);
  check_same_shape(c, "logits", "targets");
  Shape rows = c.in[0]->shape;
  rows.erase(rows.rank() - 1);
  c.output(rows, DType::float32);
  c.output(c.in[0]->shape, DType::float32);
}
void run_dense(const RunContext& c) {
  const View &x = c.in[0], &t = c.in[1], &loss = c.out[0], &probs = c.out[1];
  const int64_t rows = loss.numel(), cols = x.shape.back();
  parallel_for(rows, grain_for(kClassCost * double(cols)), [&](int64_t begin, int64_t end) {
    const int64_t at = begin * cols;
    kernels().xent(loss.as<float>() + begin, probs.as<float>() + at, x.as<float>() + at, t.as<float>() + at,
                   end - begin, cols);
  });
}

// inputs: probs, targets, gloss -> dx = gloss (probs sum(t) - t)
void infer_dense_grad(InferContext& c) { c.output(c.in[0]->shape, DType::float32); }
void run_dense_grad(const RunContext& c) {
  const View &probs = c.in[0], &t = c.in[1], &g = c.in[2], &dx = c.out[0];
  const int64_t rows = g.numel(), cols = probs.shape.back();
  parallel_for(rows, grain_for(0.5 * double(cols)), [&](int64_t begin, int64_t end) {
    const int64_t at = begin * cols;
    kernels().xent_grad(dx.as<float>() + at, probs.as<float>() + at, t.as<float>() + at, g.as<float>() + begin, 1,
                        end - begin, cols);
  });
}
void grad_dense_grad(GradContext& c) {
  const Tensor &probs = c.in[0], &t = c.in[1], &g = c.gout[0], gloss = as_column(c.in[2]);
  const Tensor total = sum(t, kLast, true);
  if (c.needs(0)) c.gin[0] = mul(g, mul(gloss, total));
  if (c.needs(1)) c.gin[1] = mul(gloss, sub(sum(mul(g, probs), kLast, true), g));
  if (c.needs(2)) c.gin[2] = sum(mul(g, sub(mul(probs, total), t)), kLast, false);
}
const Op op_dense_grad = OpRow{.name = "softmax_cross_entropy_grad",
                               .infer = infer_dense_grad,
                               .run = run_dense_grad,
                               .grad = grad_dense_grad,
                               .grad_in = 0b111,
                               .grad_out = false};

void grad_dense(GradContext& c) {
  const Tensor& probs = c.out[1];
  if (c.needs(0)) {
    if (c.gout[0]) c.gin[0] = apply(op_dense_grad, {probs, c.in[1], c.gout[0]});
    if (c.gout[1]) {
      Tensor h = softmax_backward(c.gout[1], probs);
      c.gin[0] = c.gin[0] ? add(c.gin[0], h) : h;
    }
  }
  if (c.needs(1) && c.gout[0]) c.gin[1] = neg(mul(as_column(c.gout[0]), log_softmax(c.in[0], -1)));
}
const Op op_dense = OpRow{.name = "softmax_cross_entropy", .infer = infer_dense, .run = run_dense, .grad = grad_dense};

// --- elementwise losses --------------------------------------------------------------------------------

template <BinaryKernel KernelTable::* Kernel>
void run_pairs(const RunContext& c) {
  const float *x = c.in[0].as<float>(), *t = c.in[1].as<float>();
  float* y = c.out[0].as<float>();
  parallel_for(c.out[0].numel(), grain_for(2 * kElementNanoseconds),
               [&](int64_t i, int64_t end) { (kernels().*Kernel)(y + i, x + i, t + i, end - i, 1, 1, nullptr); });
}

// sigmoid(x) - t
void grad_sigmoid_residual(GradContext& c) {
  if (c.needs(0)) {
    Tensor s = sigmoid(c.in[0]);
    c.gin[0] = mul(c.gout[0], mul(s, sub(scalar(1), s)));
  }
  if (c.needs(1)) c.gin[1] = neg(c.gout[0]);
}
const Op op_sigmoid_residual = OpRow{.name = "sigmoid_cross_entropy_grad",
                                     .infer = infer_same_as_first,
                                     .run = run_pairs<&KernelTable::bce_logits_grad>,
                                     .grad = grad_sigmoid_residual,
                                     .grad_in = 0b1,
                                     .grad_out = false};

void infer_sigmoid(InferContext& c) {
  check_same_shape(c, "logits", "targets");
  infer_same_as_first(c);
}
void grad_sigmoid(GradContext& c) {
  if (c.needs(0)) c.gin[0] = mul(c.gout[0], apply(op_sigmoid_residual, {c.in[0], c.in[1]}));
  if (c.needs(1)) c.gin[1] = neg(mul(c.gout[0], c.in[0]));
}
const Op op_sigmoid = OpRow{.name = "sigmoid_cross_entropy",
                            .infer = infer_sigmoid,
                            .run = run_pairs<&KernelTable::bce_logits>,
                            .grad = grad_sigmoid,
                            .grad_in = 0b11,
                            .grad_out = false};

struct HuberAttrs {
  double delta;
  Attributes describe() const { return {{"delta", delta}}; }
};
void infer_huber(InferContext& c) {
  check_same_shape(c, "predictions", "targets");
  infer_same_as_first(c);
}
void run_huber(const RunContext& c) {
  const float *p = c.in[0].as<float>(), *t = c.in[1].as<float>();
  float* y = c.out[0].as<float>();
  const float delta = float(c.attrs.as<HuberAttrs>().delta);
  parallel_for(c.out[0].numel(), grain_for(2 * kElementNanoseconds), [&](int64_t begin, int64_t end) {
    kernels().huber(y + begin, p + begin, t + begin, end - begin, 1, 1, &delta);
  });
}
void grad_huber(GradContext& c) {
  const double delta = c.attrs.as<HuberAttrs>().delta;
  Tensor g = mul(c.gout[0], clip(sub(c.in[0], c.in[1]), -delta, delta));
  c.gin[0] = g;
  if (c.needs(1)) c.gin[1] = neg(g);
}
const Op op_huber = OpRow{.name = "huber",
                          .infer = infer_huber,
                          .run = run_huber,
                          .grad = grad_huber,
                          .describe = describe<HuberAttrs>,
                          .grad_in = 0b11,
                          .grad_out = false};

}  // namespace

Tensor sparse_softmax_cross_entropy(const Tensor& logits, const Tensor& labels, int64_t ignore_index) {
  const Tensor x = as_float(logits, op_sparse.name, "logits");
  return apply(op_sparse, {x, computable(labels, op_sparse.name, "labels")}, SparseAttrs{ignore_index});
}
Tensor softmax_cross_entropy(const Tensor& logits, const Tensor& targets) {
  return apply(op_dense, {as_float(logits, op_dense.name, "logits"), as_float(targets, op_dense.name, "targets")});
}
Tensor sigmoid_cross_entropy(const Tensor& logits, const Tensor& targets) {
  return apply(op_sigmoid,
               {as_float(logits, op_sigmoid.name, "logits"), as_float(targets, op_sigmoid.name, "targets")});
}
Tensor huber(const Tensor& prediction, const Tensor& target, double delta) {
  FASTDL_CHECK(delta > 0, ValueError, "huber: delta must be above 0, got ", delta);
  return apply(op_huber, {as_float(prediction, "huber", "prediction"), as_float(target, "huber", "target")},
               HuberAttrs{delta});
}

}  // namespace fastdl
