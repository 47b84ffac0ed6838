// Optimizer steps, in place, each one pass over flat buffers. What may change from step to step is read
// when the op runs, so that a recorded plan sees it:
//   hyper  float32, [learning rate] or [learning rate, factor on the gradient]
//   step   int64, one element: the number of steps finished before this one
// Weight decay comes in two forms: `l2` adds l2 p to the gradient, `decoupled` takes lr decoupled p off p
// first (Loshchilov & Hutter 2019). `torch` picks between PyTorch's and Keras's formula where they differ;
// the kernels' contracts (cpu/kernels.inc) state both.
#include <cmath>

#include "core/parallel.h"
#include "core/subnormals.h"
#include "cpu/kernels.h"
#include "ops/arguments.h"
#include "ops/ops.h"

namespace fastdl {
namespace {

constexpr int64_t kGrain = 16384;

// One layout for all: each op uses the fields it names.
struct UpdateAttrs {
  double first = 0, second = 0;  // decay rates of the moments: beta1 and beta2, rho, momentum
  double eps = 0, extra = 0;     // extra: dampening, lr_decay, the momentum of RMSprop
  double l2 = 0, decoupled = 0;
  bool nesterov = false, torch = false;
};
Attributes describe_update(const DescribeContext& c) {
  const UpdateAttrs& a = c.attrs.as<UpdateAttrs>();
  return {{"first", a.first}, {"second", a.second}, {"eps", a.eps}, {"extra", a.extra},
          {"l2", a.l2}, {"decoupled", a.decoupled}, {"nesterov", a.nesterov}, {"torch", a.torch}};
}
const UpdateAttrs& update_attrs(const Attrs& a) { return a.as<UpdateAttrs>(); }

struct Common {
  float lr, g_scale, l2, decay;
};
Common common(const View& hyper, const UpdateAttrs& a) {
  const float* h = hyper.as<float>();
  return {h[0], hyper.numel() > 1 ? h[1] : 1.0f, float(a.l2), float(double(h[0]) * a.decoupled)};
}
double finished_steps(const View& step) { return double(*step.as<int64_t>()); }

void check_like(const InferContext& c, int i, const char* argument) {
  const Tensor &p = c.in[0], &t = c.in[i];
  check_float(t, c.op.name, argument);
  FASTDL_CHECK(t->shape == p->shape, ValueError, c.op.name, ": '", argument,
               "' must have the parameters' shape ", p->shape, ", got ", t->shape);
}
void check_hyper(const InferContext& c, int i) {
  check_float(c.in[i], c.op.name, "hyper");
  const int64_t n = c.in[i]->numel();
  FASTDL_CHECK(n == 1 || n == 2, ValueError, c.op.name,
               ": 'hyper' must hold the learning rate and, optionally, a factor on the gradient, got shape ",
               c.in[i]->shape);
}
void check_step(const InferContext& c, int i) {
  check_tensor(c.in[i], c.op.name, "step");
  FASTDL_CHECK(c.in[i]->dtype == DType::int64 && c.in[i]->numel() == 1, TypeError, c.op.name,
               ": 'step' must be one int64, got ", c.in[i]->dtype, " of shape ", c.in[i]->shape);
}
void check_parameters(const InferContext& c) {
  check_float(c.in[0], c.op.name, "p");
  check_like(c, 1, "g");
}

// --- sgd_: p, g, momentum, hyper, step -----------------------------------------------------------------

void infer_sgd(InferContext& c) {
  check_parameters(c);
  if (c.in[2]) check_like(c, 2, "momentum");
  check_hyper(c, 3);
  const UpdateAttrs& a = update_attrs(c.attrs);
  FASTDL_CHECK(c.in[2] || a.first == 0, ValueError, c.op.name, ": momentum ", a.first,
               " needs a buffer, got None");
  if (a.torch && a.extra != 0) check_step(c, 4);
}
void run_sgd(const RunContext& c) {
  const UpdateAttrs& a = update_attrs(c.attrs);
  const Common k = common(c.in[3], a);
  float *p = c.in[0].as<float>(), *m = c.in[2].as<float>();
  const float* g = c.in[1].as<float>();
  const float mu = float(a.first);
  // PyTorch starts the momentum from the first gradient, undampened.
  const bool dampened = a.torch && a.extra != 0 && finished_steps(c.in[4]) > 0;
  const float take = dampened ? float(1 - a.extra) : 1.0f;
  parallel_for(c.in[0].numel(), kGrain, [&](int64_t i, int64_t end) {
    const FlushSubnormals flush;
    if (!m)
      kernels().sgd(p + i, g + i, end - i, k.lr, k.g_scale, k.l2, k.decay);
    else if (a.torch)
      kernels().sgd_momentum_torch(p + i, m + i, g + i, end - i, k.lr, mu, take, a.nesterov, k.g_scale,
                                   k.l2, k.decay);
    else
      kernels().sgd_momentum_keras(p + i, m + i, g + i, end - i, k.lr, mu, a.nesterov, k.g_scale, k.l2,
                                   k.decay);
  });
}
const Op op_sgd = OpRow{
    .name = "sgd_", .infer = infer_sgd, .run = run_sgd, .describe = describe_update, .mutates = 0b101};

// --- adagrad_: p, g, accumulator, hyper, step ----------------------------------------------------------

void infer_adagrad(InferContext& c) {
  check_parameters(c);
  check_like(c, 2, "accumulator");
  check_hyper(c, 3);
  if (update_attrs(c.attrs).extra != 0) check_step(c, 4);
}
void run_adagrad(const RunContext& c) {
  const UpdateAttrs& a = update_attrs(c.attrs);
  const Common k = common(c.in[3], a);
  float *p = c.in[0].as<float>(), *acc = c.in[2].as<float>();
  const float* g = c.in[1].as<float>();
  const float lr = a.extra != 0 ? float(k.lr / (1 + finished_steps(c.in[4]) * a.extra)) : k.lr;
  parallel_for(c.in[0].numel(), kGrain, [&](int64_t i, int64_t end) {
    const FlushSubnormals flush;
    kernels().adagrad(p + i, acc + i, g + i, end - i, lr, float(a.eps), !a.torch, k.g_scale, k.l2,
                      k.decay);
  });
}
const Op op_adagrad = OpRow{
    .name = "adagrad_", .infer = infer_adagrad, .run = run_adagrad, .describe = describe_update, .mutates = 0b101};

// --- rmsprop_: p, g, v, average, momentum, hyper -------------------------------------------------------

void infer_rmsprop(InferContext& c) {
  check_parameters(c);
  check_like(c, 2, "v");
  if (c.in[3]) check_like(c, 3, "average");
  if (c.in[4]) check_like(c, 4, "momentum");
  check_hyper(c, 5);
  const UpdateAttrs& a = update_attrs(c.attrs);
  FASTDL_CHECK(c.in[4] || a.extra == 0, ValueError, c.op.name, ": momentum ", a.extra,
               " needs a buffer, got None");
}
void run_rmsprop(const RunContext& c) {
  const UpdateAttrs& a = update_attrs(c.attrs);
  const Common k = common(c.in[5], a);
  float *p = c.in[0].as<float>(), *v = c.in[2].as<float>();
  float *average = c.in[3].as<float>(), *momentum = c.in[4].as<float>();
  const float* g = c.in[1].as<float>();
  const float rho = float(a.first), take = float(1 - a.first), mu = float(a.extra), eps = float(a.eps);
  const auto kernel = a.torch ? kernels().rmsprop_torch : kernels().rmsprop_keras;
  parallel_for(c.in[0].numel(), kGrain, [&](int64_t i, int64_t end) {
    const FlushSubnormals flush;
    kernel(p + i, v + i, average ? average + i : nullptr, momentum ? momentum + i : nullptr, g + i, end - i,
           k.lr, rho, take, mu, eps, k.g_scale, k.l2, k.decay);
  });
}
const Op op_rmsprop = OpRow{
    .name = "rmsprop_", .infer = infer_rmsprop, .run = run_rmsprop, .describe = describe_update, .mutates = 0b11101};

// --- adam_: p, g, m, v, v_max, hyper, step -------------------------------------------------------------

void infer_adam(InferContext& c) {
  check_parameters(c);
  check_like(c, 2, "m");
  check_like(c, 3, "v");
  if (c.in[4]) check_like(c, 4, "v_max");
  check_hyper(c, 5);
  check_step(c, 6);
}
void run_adam(const RunContext& c) {
  const UpdateAttrs& a = update_attrs(c.attrs);
  const Common k = common(c.in[5], a);
  float *p = c.in[0].as<float>(), *m = c.in[2].as<float>();
  float *v = c.in[3].as<float>(), *v_max = c.in[4].as<float>();
  const float* g = c.in[1].as<float>();
  const double t = finished_steps(c.in[6]) + 1;
  const double correction = std::sqrt(1 - std::pow(a.second, t));
  const float alpha = float(k.lr * correction / (1 - std::pow(a.first, t)));
  const float take1 = float(1 - a.first), take2 = float(1 - a.second);
  const float eps = float(a.torch ? a.eps * correction : a.eps);
  parallel_for(c.in[0].numel(), kGrain, [&](int64_t i, int64_t end) {
    const FlushSubnormals flush;
    kernels().adam(p + i, m + i, v + i, v_max ? v_max + i : nullptr, g + i, end - i, alpha, take1, take2,
                   eps, k.g_scale, k.l2, k.decay);
  });
}
const Op op_adam = OpRow{
    .name = "adam_", .infer = infer_adam, .run = run_adam, .describe = describe_update, .mutates = 0b11101};

// --- increment_ ----------------------------------------------------------------------------------------

Attributes describe_increment(const DescribeContext& c) { return {{"amount", c.attrs.as<int64_t>()}}; }
void infer_increment(InferContext& c) {
  check_tensor(c.in[0], c.op.name, "count");
  FASTDL_CHECK(c.in[0]->dtype == DType::int64 && c.in[0]->numel() == 1, TypeError, c.op.name,
               ": 'count' must be one int64, got ", c.in[0]->dtype, " of shape ", c.in[0]->shape);
}
void run_increment(const RunContext& c) { *c.in[0].as<int64_t>() += c.attrs.as<int64_t>(); }
const Op op_increment = OpRow{
    .name = "increment_", .infer = infer_increment, .run = run_increment, .describe = describe_increment,
    .mutates = 0b1};

}  // namespace

void increment_(const Tensor& count, int64_t amount) { apply(op_increment, {count}, amount); }

void sgd_(const Tensor& p, const Tensor& g, const Tensor& momentum, const Tensor& hyper, const Tensor& step,
          double mu, bool nesterov, double dampening, bool torch, double l2, double decoupled) {
  apply(op_sgd, {p, g, momentum, hyper, step},
        UpdateAttrs{.first = mu, .extra = dampening, .l2 = l2, .decoupled = decoupled, .nesterov = nesterov,
                    .torch = torch});
}
void adagrad_(const Tensor& p, const Tensor& g, const Tensor& accumulator, const Tensor& hyper,
              const Tensor& step, double lr_decay, double eps, bool torch, double l2, double decoupled) {
  apply(op_adagrad, {p, g, accumulator, hyper, step},
        UpdateAttrs{.eps = eps, .extra = lr_decay, .l2 = l2, .decoupled = decoupled, .torch = torch});
}
void rmsprop_(const Tensor& p, const Tensor& g, const Tensor& v, const Tensor& average,
              const Tensor& momentum, const Tensor& hyper, double rho, double mu, double eps, bool torch,
              double l2, double decoupled) {
  apply(op_rmsprop, {p, g, v, average, momentum, hyper},
        UpdateAttrs{.first = rho, .eps = eps, .extra = mu, .l2 = l2, .decoupled = decoupled,
                    .torch = torch});
}
void adam_(const Tensor& p, const Tensor& g, const Tensor& m, const Tensor& v, const Tensor& v_max,
           const Tensor& hyper, const Tensor& step, double beta1, double beta2, double eps, bool torch,
           double l2, double decoupled) {
  apply(op_adam, {p, g, m, v, v_max, hyper, step},
        UpdateAttrs{.first = beta1, .second = beta2, .eps = eps, .l2 = l2, .decoupled = decoupled,
                    .torch = torch});
}

}  // namespace fastdl
