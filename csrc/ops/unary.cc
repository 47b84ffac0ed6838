// Functions of one tensor: elementary functions and activations, each with its gradient beside it.
//
// A gradient calls one fused kernel (dy, x or y) -> dx. These kernels are ops too. If a gradient is to be
// differentiated again (grad_enabled() while it runs), it uses differentiable ops instead.
#include "ops/unary.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "core/parallel.h"
#include "cpu/kernels.h"
#include "ops/arguments.h"
#include "ops/broadcast.h"
#include "ops/ops.h"

namespace fastdl {
namespace {

using K = KernelTable;

// Parameters for the kernels; zeros if an op has none.
struct Parameters {
  float p[2];
};
Attributes describe_scale_shift(const DescribeContext& c) {
  const float* p = c.attrs.as<Parameters>().p;
  return {{"scale", p[0]}, {"shift", p[1]}};
}
Attributes describe_clip(const DescribeContext& c) {
  const float* p = c.attrs.as<Parameters>().p;
  return {{"min", p[0]}, {"max", p[1]}};
}
Attributes describe_leaky_relu(const DescribeContext& c) { return {{"negative_slope", c.attrs.as<Parameters>().p[0]}}; }
Attributes describe_elu(const DescribeContext& c) { return {{"alpha", c.attrs.as<Parameters>().p[0]}}; }

template <auto Kernel>
void run_unary(const RunContext& c) {
  const float *x = c.in[0].as<float>(), *p = c.attrs.as<Parameters>().p;
  float* y = c.out[0].as<float>();
  parallel_for(c.out[0].numel(), grain_for(kElementNanoseconds),
               [&](int64_t i, int64_t end) { (kernels().*Kernel)(y + i, x + i, end - i, p); });
}

template <auto Kernel>
RowKernel row_unary(const View*) {
  return [](const ElementRow& r, const Attrs& a) {
    (kernels().*Kernel)(static_cast<float*>(r.out), static_cast<const float*>(r.in[0]), r.n, a.as<Parameters>().p);
  };
}

// dx = Kernel(dy, t): both of one shape.
template <auto Kernel>
void run_unary_grad(const RunContext& c) {
  const float *g = c.in[0].as<float>(), *t = c.in[1].as<float>(), *p = c.attrs.as<Parameters>().p;
  float* dx = c.out[0].as<float>();
  parallel_for(c.out[0].numel(), grain_for(kElementNanoseconds),
               [&](int64_t i, int64_t end) { (kernels().*Kernel)(dx + i, g + i, t + i, end - i, 1, 1, p); });
}

template <auto Kernel>
RowKernel row_unary_grad(const View*) {
  return [](const ElementRow& r, const Attrs& a) {
    (kernels().*Kernel)(static_cast<float*>(r.out), static_cast<const float*>(r.in[0]),
                        static_cast<const float*>(r.in[1]), r.n, 1, 1, a.as<Parameters>().p);
  };
}

// For predicates, and for integers: one element at a time. Out is the output's type, void the input's.
template <class Out, class F>
void run_each(const RunContext& c, F f) {
  const View &x = c.in[0], &y = c.out[0];
  dispatch(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    using To = std::conditional_t<std::is_void_v<Out>, T, Out>;
    const T* from = x.as<T>();
    To* to = y.as<To>();
    parallel_for(y.numel(), grain_for(kElementNanoseconds), [&](int64_t i, int64_t end) {
      for (; i < end; ++i) to[i] = To(f(from[i]));
    });
  });
}

void infer_bool(InferContext& c) { c.output(c.in[0]->shape, DType::bool8); }

Tensor unary(const Op& op, const Tensor& x, const Attrs& attrs = {}) {
  return apply(op, {as_float(x, op.name, "x")}, attrs);
}
Tensor unary(const Op& op, const Tensor& x, float p0, float p1 = 0) { return unary(op, x, Parameters{{p0, p1}}); }
// The same for functions that keep the type of integers. Values of storage types are rounded once.
Tensor unary_number(const Op& op, const Op& integer_op, const Tensor& x) {
  FASTDL_CHECK(x, TypeError, op.name, ": argument 'x' must be a tensor, got None");
  if (is_storage(x->dtype)) return cast(unary_number(op, integer_op, cast(x, computing_type(x->dtype))), x->dtype);
  return is_float(x->dtype) ? unary(op, x) : apply(integer_op, {x});
}

Tensor constant(double v) { return scalar(v); }
const Tensor& g(const GradContext& c) { return c.gout[0]; }
const Tensor& x(const GradContext& c) { return c.in[0]; }
const Tensor& y(const GradContext& c) { return c.out[0]; }

// UNARY_OP(fn, reads x, reads y, gradient): the gradient is an expression in c.
#define UNARY_OP(fn, reads_x, reads_y, gradient)           \
  void grad_##fn(GradContext& c) { c.gin[0] = gradient; }  \
  const Op op_##fn = OpRow{.name = #fn,                    \
                           .infer = infer_same_as_first,   \
                           .run = run_unary<&K::fn>,       \
                           .grad = grad_##fn,              \
                           .grad_in = (reads_x) ? 0b1 : 0, \
                           .grad_out = reads_y,            \
                           .elementwise = true,            \
                           .row = row_unary<&K::fn>};

// --- elementary functions ---------------------------------------------------------------------------------

UNARY_OP(neg, false, false, neg(g(c)))
UNARY_OP(sign, false, false, scale(g(c), 0))
UNARY_OP(rsqrt, false, true, scale(mul(g(c), mul(y(c), square(y(c)))), -0.5))
UNARY_OP(exp, false, true, mul(g(c), y(c)))
UNARY_OP(log, true, false, div(g(c), x(c)))
UNARY_OP(log1p, true, false, div(g(c), add(x(c), constant(1))))
UNARY_OP(square, true, false, mul(g(c), scale(x(c), 2)))
UNARY_OP(reciprocal, false, true, neg(mul(g(c), square(y(c)))))
UNARY_OP(floor, false, false, scale(g(c), 0))
UNARY_OP(ceil, false, false, scale(g(c), 0))
UNARY_OP(round, false, false, scale(g(c), 0))
// erf'(x) = 2 / sqrt(pi) exp(-x^2)
UNARY_OP(erf, true, false, mul(g(c), scale(exp(neg(square(x(c)))), 2 * std::numbers::inv_sqrtpi)))

UNARY_OP(expm1, false, true, mul(g(c), scale_shift(y(c), 1, 1)))
UNARY_OP(sin, true, false, mul(g(c), cos(x(c))))
UNARY_OP(cos, true, false, neg(mul(g(c), sin(x(c)))))

void run_isnan(const RunContext& c) {
  run_each<uint8_t>(c, [](auto v) { return !(v == v); });
}
const Op op_isnan = OpRow{.name = "isnan", .infer = infer_bool, .run = run_isnan, .elementwise = true};
void run_isfinite(const RunContext& c) {
  run_each<uint8_t>(c, [](auto v) { return v - v == decltype(v)(0); });
}
const Op op_isfinite = OpRow{.name = "isfinite", .infer = infer_bool, .run = run_isfinite, .elementwise = true};

void run_neg_int(const RunContext& c) {
  run_each<void>(c, [](auto v) { return decltype(v)(0 - uint64_t(v)); });
}
const Op op_neg_int = OpRow{.name = "neg_int", .infer = infer_same_as_first, .run = run_neg_int, .elementwise = true};
void run_abs_int(const RunContext& c) {
  run_each<void>(c, [](auto v) { return v < 0 ? decltype(v)(0 - uint64_t(v)) : v; });
}
const Op op_abs_int = OpRow{.name = "abs_int", .infer = infer_same_as_first, .run = run_abs_int, .elementwise = true};
void run_sign_int(const RunContext& c) {
  run_each<void>(c, [](auto v) { return (v > 0) - (v < 0); });
}
const Op op_sign_int =
    OpRow{.name = "sign_int", .infer = infer_same_as_first, .run = run_sign_int, .elementwise = true};

void grad_scale_shift(GradContext& c) { c.gin[0] = scale(g(c), c.attrs.as<Parameters>().p[0]); }
const Op op_scale_shift = OpRow{.name = "scale_shift",
                                .infer = infer_same_as_first,
                                .run = run_unary<&K::scale_shift>,
                                .grad = grad_scale_shift,
                                .describe = describe_scale_shift,
                                .grad_in = 0,
                                .grad_out = false,
                                .elementwise = true,
                                .row = row_unary<&K::scale_shift>};

// The gradient passes where lo <= x <= hi, bounds included, as in PyTorch.
void grad_clip(GradContext& c) {
  const float* p = c.attrs.as<Parameters>().p;
  Tensor inside = logical_and(ge(x(c), constant(p[0])), le(x(c), constant(p[1])));
  c.gin[0] = where(inside, g(c), constant(0));
}
const Op op_clip = OpRow{.name = "clip",
                         .infer = infer_same_as_first,
                         .run = run_unary<&K::clip>,
                         .grad = grad_clip,
                         .describe = describe_clip,
                         .grad_out = false,
                         .elementwise = true,
                         .row = row_unary<&K::clip>};

struct IntegerBounds {
  int64_t low, high;
  Attributes describe() const { return {{"min", low}, {"max", high}}; }
};
// Bounds outside the type become the type's own.
void run_clip_int(const RunContext& c) {
  const IntegerBounds bounds = c.attrs.as<IntegerBounds>();
  run_each<void>(c, [=](auto v) {
    using T = decltype(v);
    using Limits = std::numeric_limits<T>;
    if constexpr (std::is_integral_v<T>) {
      const T low = T(std::clamp<int64_t>(bounds.low, Limits::min(), Limits::max()));
      const T high = T(std::clamp<int64_t>(bounds.high, Limits::min(), Limits::max()));
      return v < low ? low : v > high ? high : v;
    } else {
      return v;
    }
  });
}
const Op op_clip_int = OpRow{.name = "clip_int",
                             .infer = infer_same_as_first,
                             .run = run_clip_int,
                             .describe = describe<IntegerBounds>,
                             .elementwise = true};

// --- functions whose gradient is one kernel, the activations among them -------------------------------------
//
// FUSED_GRAD(fn, second, describe): the op dx = fn_grad(dy, t), where t is x or y. It is linear in dy, so the gradient
// for dy is the op itself. `second`, in terms of t(c), is d(dx/dy)/dt.
const Tensor& t(const GradContext& c) { return c.in[1]; }

#define FUSED_GRAD(fn, second, ...)                                                         \
  void grad_##fn##_grad(GradContext& c);                                                    \
  const Op op_##fn##_grad = OpRow{.name = #fn "_grad",                                      \
                                  .infer = infer_same_as_first,                             \
                                  .run = run_unary_grad<&K::fn##_grad>,                     \
                                  .grad = grad_##fn##_grad,                                 \
                                  __VA_OPT__(.describe = __VA_ARGS__, ).elementwise = true, \
                                  .row = row_unary_grad<&K::fn##_grad>};                    \
  void grad_##fn##_grad(GradContext& c) {                                                   \
    [[maybe_unused]] const float* p = c.attrs.as<Parameters>().p;                           \
    if (c.needs(0)) c.gin[0] = apply(op_##fn##_grad, {g(c), t(c)}, c.attrs);                \
    if (c.needs(1)) c.gin[1] = mul(mul(g(c), c.in[0]), second);                             \
  }
// FROM_Y / FROM_X: an activation whose gradient kernel reads its output or its input.
#define FROM_Y(fn, ...)                                                                       \
  void grad_##fn(GradContext& c) { c.gin[0] = apply(op_##fn##_grad, {g(c), y(c)}, c.attrs); } \
  const Op op_##fn = OpRow{.name = #fn,                                                       \
                           .infer = infer_same_as_first,                                      \
                           .run = run_unary<&K::fn>,                                          \
                           .grad = grad_##fn,                                                 \
                           __VA_OPT__(.describe = __VA_ARGS__, ).grad_in = 0,                 \
                           .elementwise = true,                                               \
                           .row = row_unary<&K::fn>};
#define FROM_X(fn)                                                                            \
  void grad_##fn(GradContext& c) { c.gin[0] = apply(op_##fn##_grad, {g(c), x(c)}, c.attrs); } \
  const Op op_##fn = OpRow{.name = #fn,                                                       \
                           .infer = infer_same_as_first,                                      \
                           .run = run_unary<&K::fn>,                                          \
                           .grad = grad_##fn,                                                 \
                           .grad_out = false,                                                 \
                           .elementwise = true,                                               \
                           .row = row_unary<&K::fn>};

Tensor zero_like(const Tensor& a) { return scale(a, 0); }
Tensor mask(const Tensor& condition) { return cast(condition, DType::float32); }

FUSED_GRAD(abs, zero_like(t(c)))
FROM_X(abs)
// dx = dy / (2 y)
FUSED_GRAD(sqrt, scale(reciprocal(square(t(c))), -0.5))
FROM_Y(sqrt)
// sqrt with gradient 0 at 0, for the root of a sum of squares
FUSED_GRAD(root, where(eq(t(c), constant(0)), constant(0), scale(reciprocal(square(t(c))), -0.5)))
void grad_root(GradContext& c) { c.gin[0] = apply(op_root_grad, {g(c), y(c)}, c.attrs); }
const Op op_root = OpRow{.name = "root",
                         .infer = infer_same_as_first,
                         .run = run_unary<&K::sqrt>,
                         .grad = grad_root,
                         .grad_in = 0,
                         .elementwise = true};
FUSED_GRAD(relu, zero_like(t(c)))
FROM_Y(relu)
FUSED_GRAD(leaky_relu, zero_like(t(c)), describe_leaky_relu)
FROM_Y(leaky_relu, describe_leaky_relu)
// y <= 0: dx/dy = y + alpha
FUSED_GRAD(elu, mask(le(t(c), constant(0))), describe_elu)
FROM_Y(elu, describe_elu)
FUSED_GRAD(selu, mask(le(t(c), constant(0))))
FROM_Y(selu)
// s = sigmoid: dx = dy y (1 - y)
FUSED_GRAD(sigmoid, sub(constant(1), scale(t(c), 2)))
FROM_Y(sigmoid)
// dx = dy (1 - y^2)
FUSED_GRAD(tanh, scale(t(c), -2))
FROM_Y(tanh)
FUSED_GRAD(hard_sigmoid, zero_like(t(c)))
FROM_X(hard_sigmoid)
// dx = dy s(x); s' = s (1 - s)
FUSED_GRAD(softplus, mul(sigmoid(t(c)), sub(constant(1), sigmoid(t(c)))))
FROM_X(softplus)
// dx = dy / (1 + |x|)^2
FUSED_GRAD(softsign, scale(div(sign(t(c)), pow(add(abs(t(c)), constant(1)), constant(3))), -2))
FROM_X(softsign)
// dx = dy s (1 + x (1 - s)); its derivative is s (1 - s) (2 + x (1 - 2 s))
Tensor silu_second(const Tensor& v) {
  Tensor s = sigmoid(v), r = sub(constant(1), s);
  return mul(mul(s, r), add(mul(v, sub(constant(1), scale(s, 2))), constant(2)));
}
FUSED_GRAD(silu, silu_second(t(c)))
FROM_X(silu)
// x Phi(x): the second derivative is phi(x) (2 - x^2)
Tensor gelu_erf_second(const Tensor& v) {
  Tensor squared = square(v);
  Tensor phi = scale(exp(scale(squared, -0.5)), 1 / std::sqrt(2 * std::numbers::pi));
  return mul(phi, sub(constant(2), squared));
}
FUSED_GRAD(gelu_erf, gelu_erf_second(t(c)))
FROM_X(gelu_erf)
// 0.5 x (1 + tanh u), u = k (x + a x^3): the second derivative is
// (1 - tanh^2 u) (u' + 0.5 x u'' - x tanh(u) u'^2)
Tensor gelu_tanh_second(const Tensor& v) {
  const double k = std::sqrt(2 / std::numbers::pi), a = 0.044715;
  Tensor squared = square(v);
  Tensor u = scale(mul(v, scale_shift(squared, a, 1)), k);
  Tensor u1 = scale(scale_shift(squared, 3 * a, 1), k), u2 = scale(v, 6 * a * k);
  Tensor h = tanh(u);
  Tensor inner = sub(add(u1, scale(mul(v, u2), 0.5)), mul(mul(v, h), square(u1)));
  return mul(sub(constant(1), square(h)), inner);
}
FUSED_GRAD(gelu_tanh, gelu_tanh_second(t(c)))
FROM_X(gelu_tanh)

}  // namespace

// --- the functions ----------------------------------------------------------------------------------------

#define FUNCTION(name) \
  Tensor name(const Tensor& x) { return unary(op_##name, x); }
FUNCTION(sqrt)
FUNCTION(root)
FUNCTION(rsqrt)
FUNCTION(exp)
FUNCTION(log)
FUNCTION(log1p)
FUNCTION(expm1)
FUNCTION(reciprocal)
FUNCTION(sin)
FUNCTION(cos)
FUNCTION(erf)
FUNCTION(selu)
FUNCTION(silu)
FUNCTION(softplus)
FUNCTION(softsign)
FUNCTION(hard_sigmoid)
FUNCTION(tanh)

Tensor neg(const Tensor& x) {
  FASTDL_CHECK(!x || x->dtype != DType::bool8, TypeError, "neg: truth values have no sign; use ~ or logical_not");
  return unary_number(op_neg, op_neg_int, x);
}
Tensor abs(const Tensor& x) { return unary_number(op_abs, op_abs_int, x); }
Tensor sign(const Tensor& x) { return unary_number(op_sign, op_sign_int, x); }
Tensor square(const Tensor& x) {
  check_computing(x, "square", "x");
  if (is_float(x->dtype)) return unary(op_square, x);
  const Tensor n = x->dtype == DType::bool8 ? cast(x, DType::int64) : x;
  return mul(n, n);
}
// Integers are whole already, so this copies them.
Tensor floor(const Tensor& x) { return x && !is_float(x->dtype) ? copy(x) : unary(op_floor, x); }
Tensor ceil(const Tensor& x) { return x && !is_float(x->dtype) ? copy(x) : unary(op_ceil, x); }
Tensor round(const Tensor& x) { return x && !is_float(x->dtype) ? copy(x) : unary(op_round, x); }

Tensor isnan(const Tensor& x) { return apply(op_isnan, {computable(x, "isnan", "x")}); }
Tensor isfinite(const Tensor& x) { return apply(op_isfinite, {computable(x, "isfinite", "x")}); }
Tensor scale_shift(const Tensor& x, double factor, double shift) {
  return unary(op_scale_shift, x, float(factor), float(shift));
}
Tensor scale(const Tensor& x, double factor) { return scale_shift(x, factor, 0); }
Tensor clip(const Tensor& x, double lo, double hi) {
  FASTDL_CHECK(!(lo > hi), ValueError, "clip: expected lo <= hi, got ", lo, " and ", hi);
  check_computing(x, "clip", "x");
  // Integers stay integers where the bounds are whole, infinity included.
  if (!is_float(x->dtype) && lo == std::floor(lo) && hi == std::floor(hi)) {
    const Tensor n = x->dtype == DType::bool8 ? cast(x, DType::int64) : x;
    return apply(op_clip_int, {n}, IntegerBounds{convert<int64_t>(lo), convert<int64_t>(hi)});
  }
  return unary(op_clip, x, float(lo), float(hi));
}
Tensor relu(const Tensor& x) {
  check_computing(x, "relu", "x");
  return is_float(x->dtype) || x->dtype == DType::bool8 ? unary(op_relu, x) : maximum(x, zeros({}, x->dtype));
}
Tensor leaky_relu(const Tensor& x, double slope) {
  // The gradient reads the sign of x from the output, which has the same sign only if the slope is not negative.
  check_computing(x, "leaky_relu", "x");
  if (slope < 0) return where(gt(x, scalar(0)), x, scale(x, slope));
  return unary(op_leaky_relu, x, float(slope));
}
Tensor elu(const Tensor& x, double alpha) {
  check_computing(x, "elu", "x");
  if (alpha < 0) return where(gt(x, scalar(0)), x, scale(expm1(minimum(x, scalar(0))), alpha));
  return unary(op_elu, x, float(alpha));
}
Tensor gelu(const Tensor& x, bool approximate) {
  check_computing(x, "gelu", "x");
  return unary(approximate ? op_gelu_tanh : op_gelu_erf, x);
}
Tensor sigmoid(const Tensor& x) {
  Tensor y = unary(op_sigmoid, x);
  remember_logits(y, x, "sigmoid");
  return y;
}

// --- activations that can be applied in the epilogue of a matmul --------------------------------------------

namespace {
const FusedActivation fused[] = {
    {"relu", &K::relu, &op_relu_grad, 0},
    {"tanh", &K::tanh, &op_tanh_grad, 0},
    {"selu", &K::selu, &op_selu_grad, 0},
    {"elu", &K::elu, &op_elu_grad, 1},
    {"leaky_relu", &K::leaky_relu, &op_leaky_relu_grad, 0.2f},  // Keras's negative_slope
};
}  // namespace

const FusedActivation* find_fused_activation(const std::string& name) {
  for (const FusedActivation& a : fused)
    if (name == a.name) return &a;
  return nullptr;
}
Tensor fused_activation_grad(const FusedActivation& a, const Tensor& dy, const Tensor& y) {
  return apply(*a.grad, {dy, y}, a.parameter ? Attrs(Parameters{{a.parameter, 0}}) : Attrs());
}

Tensor activate(const std::string& name, const Tensor& x) {
  if (name.empty() || name == "linear") return x;
  if (name == "relu") return relu(x);
  if (name == "leaky_relu") return leaky_relu(x, 0.2);
  if (name == "elu") return elu(x, 1);
  if (name == "selu") return selu(x);
  if (name == "gelu") return gelu(x, false);
  if (name == "silu" || name == "swish") return silu(x);
  if (name == "softplus") return softplus(x);
  if (name == "softsign") return softsign(x);
  if (name == "sigmoid") return sigmoid(x);
  if (name == "hard_sigmoid") return hard_sigmoid(x);
  if (name == "tanh") return tanh(x);
  if (name == "exponential") return exp(x);
  if (name == "softmax") return softmax(x, -1);
  if (name == "log_softmax") return log_softmax(x, -1);
  raise<ValueError>("linear: unknown activation '", name, "'");
}

}  // namespace fastdl
