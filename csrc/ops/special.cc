// Functions of one or two numbers by name, computed in double (cpu/special.h), and those of the bits of integers.
//
// One op serves a table of functions, since they differ in nothing but the function and its derivative. Functions that
// networks compute all the time have vector kernels and ops of their own (unary.cc).
#include "cpu/special.h"

#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "core/parallel.h"
#include "ops/arguments.h"
#include "ops/broadcast.h"
#include "ops/ops.h"

namespace fastdl {
namespace {

constexpr double kNanoseconds = 20;  // of an element
constexpr double kTwoOverRootPi = 2 * std::numbers::inv_sqrtpi;

Tensor constant(double v) { return scalar(v); }

// --- one number --------------------------------------------------------------------------------------------

struct Function {
  const char* name;
  double (*value)(double x, int order);
  Tensor (*derivative)(const Tensor& x, const Tensor& y, int order);
};
struct FunctionAttrs {
  const Function* function;
  int order;  // of polygamma
  Attributes describe() const { return {{"function", function->name}, {"order", int64_t(order)}}; }
};

// 1 - x^2, precise near 1, and 1 / its root
Tensor off_circle(const Tensor& x) { return mul(sub(constant(1), x), add(x, constant(1))); }
// To divide by, where a zero is left out anyway: the second derivative must not meet 1 / 0.
Tensor not_zero(const Tensor& x) { return where(eq(x, constant(0)), constant(1), x); }
Tensor named(const Tensor& x, const char* name, int order = 0) { return special(x, name, order); }

#define VALUE(expression) [](double x, [[maybe_unused]] int n) -> double { return expression; }
#define DERIVATIVE(expression)                                                                               \
  []([[maybe_unused]] const Tensor& x, [[maybe_unused]] const Tensor& y, [[maybe_unused]] int n) -> Tensor { \
    return expression;                                                                                       \
  }

const Function functions[] = {
    {"tan", VALUE(std::tan(x)), DERIVATIVE(scale_shift(square(y), 1, 1))},
    {"asin", VALUE(std::asin(x)), DERIVATIVE(rsqrt(off_circle(x)))},
    {"acos", VALUE(std::acos(x)), DERIVATIVE(neg(rsqrt(off_circle(x))))},
    {"atan", VALUE(std::atan(x)), DERIVATIVE(reciprocal(scale_shift(square(x), 1, 1)))},
    {"sinh", VALUE(std::sinh(x)), DERIVATIVE(named(x, "cosh"))},
    {"cosh", VALUE(std::cosh(x)), DERIVATIVE(named(x, "sinh"))},
    {"asinh", VALUE(std::asinh(x)), DERIVATIVE(rsqrt(scale_shift(square(x), 1, 1)))},
    {"acosh", VALUE(std::acosh(x)), DERIVATIVE(rsqrt(mul(sub(x, constant(1)), add(x, constant(1)))))},
    {"atanh", VALUE(std::atanh(x)), DERIVATIVE(reciprocal(off_circle(x)))},
    {"exp2", VALUE(std::exp2(x)), DERIVATIVE(scale(y, std::numbers::ln2))},
    {"cbrt", VALUE(std::cbrt(x)), DERIVATIVE(scale(reciprocal(square(y)), 1.0 / 3))},
    {"erfc", VALUE(std::erfc(x)), DERIVATIVE(scale(exp(neg(square(x))), -kTwoOverRootPi))},
    {"erfcx", VALUE(scalars::erfcx(x)), DERIVATIVE(scale_shift(mul(x, y), 2, -kTwoOverRootPi))},
    {"erfinv", VALUE(scalars::erfinv(x)), DERIVATIVE(scale(exp(square(y)), 1 / kTwoOverRootPi))},
    {"ndtri", VALUE(scalars::ndtri(x)), DERIVATIVE(scale(exp(scale(square(y), 0.5)), std::sqrt(2 * std::numbers::pi)))},
    // phi(x) / Phi(x) = sqrt(2 / pi) / erfcx(-x / sqrt(2))
    {"log_ndtr", VALUE(scalars::log_ndtr(x)),
     DERIVATIVE(
         scale(reciprocal(named(scale(x, -1 / std::numbers::sqrt2), "erfcx")), std::sqrt(2 / std::numbers::pi)))},
    {"lgamma", VALUE(std::lgamma(x)), DERIVATIVE(named(x, "digamma"))},
    {"digamma", VALUE(scalars::digamma(x)), DERIVATIVE(named(x, "polygamma", 1))},
    {"polygamma", VALUE(scalars::polygamma(n, x)), DERIVATIVE(named(x, "polygamma", n + 1))},
    {"i0", VALUE(scalars::bessel_i(0, x, false)), DERIVATIVE(named(x, "i1"))},
    // I_1' = I_0 - I_1 / x, which is 1/2 at 0
    {"i1", VALUE(scalars::bessel_i(1, x, false)),
     DERIVATIVE(where(eq(x, constant(0)), constant(0.5), sub(named(x, "i0"), div(y, not_zero(x)))))},
    {"i0e", VALUE(scalars::bessel_i(0, x, true)), DERIVATIVE(sub(named(x, "i1e"), mul(sign(x), y)))},
    {"i1e", VALUE(scalars::bessel_i(1, x, true)),
     DERIVATIVE(where(eq(x, constant(0)), constant(0.5),
                      sub(named(x, "i0e"), mul(y, add(sign(x), reciprocal(not_zero(x)))))))},
    {"bessel_j0", VALUE(scalars::bessel_j(0, x)), DERIVATIVE(neg(named(x, "bessel_j1")))},
    // J_1' = J_0 - J_1 / x, which is 1/2 at 0
    {"bessel_j1", VALUE(scalars::bessel_j(1, x)),
     DERIVATIVE(where(eq(x, constant(0)), constant(0.5), sub(named(x, "bessel_j0"), div(y, not_zero(x)))))},
    {"bessel_y0", VALUE(scalars::bessel_y(0, x)), DERIVATIVE(neg(named(x, "bessel_y1")))},
    {"bessel_y1", VALUE(scalars::bessel_y(1, x)), DERIVATIVE(sub(named(x, "bessel_y0"), div(y, x)))},
    {"k0", VALUE(scalars::bessel_k(0, x, false)), DERIVATIVE(neg(named(x, "k1")))},
    {"k1", VALUE(scalars::bessel_k(1, x, false)), DERIVATIVE(neg(add(named(x, "k0"), div(y, x))))},
    {"k0e", VALUE(scalars::bessel_k(0, x, true)), DERIVATIVE(sub(y, named(x, "k1e")))},
    {"k1e", VALUE(scalars::bessel_k(1, x, true)), DERIVATIVE(sub(sub(y, named(x, "k0e")), div(y, x)))},
    {"airy_ai", VALUE(scalars::airy_ai(x, false)), DERIVATIVE(named(x, "airy_ai_slope"))},
    // Ai'' = x Ai
    {"airy_ai_slope", VALUE(scalars::airy_ai(x, true)), DERIVATIVE(mul(x, named(x, "airy_ai")))},
};

void run_special(const RunContext& c) {
  const FunctionAttrs& a = c.attrs.as<FunctionAttrs>();
  const float* x = c.in[0].as<float>();
  float* y = c.out[0].as<float>();
  parallel_for(c.out[0].numel(), grain_for(kNanoseconds), [&](int64_t i, int64_t end) {
    for (; i < end; ++i) y[i] = float(a.function->value(double(x[i]), a.order));
  });
}
void grad_special(GradContext& c) {
  const FunctionAttrs& a = c.attrs.as<FunctionAttrs>();
  c.gin[0] = mul(c.gout[0], a.function->derivative(c.in[0], c.out[0], a.order));
}
const Op op_special = OpRow{.name = "special",
                            .infer = infer_same_as_first,
                            .run = run_special,
                            .grad = grad_special,
                            .describe = describe<FunctionAttrs>,
                            .elementwise = true};

// --- two numbers -------------------------------------------------------------------------------------------

struct Function2 {
  const char* name;
  double (*value)(double a, double b);
  // Null: the function has no gradient for this operand.
  Tensor (*derivative_a)(const Tensor& a, const Tensor& b, const Tensor& y);
  Tensor (*derivative_b)(const Tensor& a, const Tensor& b, const Tensor& y);
};
struct Function2Attrs {
  const Function2* function;
  Attributes describe() const { return {{"function", function->name}}; }
};

#define VALUE2(expression) [](double a, double b) -> double { return expression; }
#define DERIVATIVE2(expression)                                                                                        \
  []([[maybe_unused]] const Tensor& a, [[maybe_unused]] const Tensor& b, [[maybe_unused]] const Tensor& y) -> Tensor { \
    return expression;                                                                                                 \
  }

// x / y, 0 where y is 0
Tensor part_of(const Tensor& x, const Tensor& y) { return where(eq(y, constant(0)), constant(0), div(x, y)); }
// The derivative of gamma_p for x: x^(a - 1) e^-x / Gamma(a).
Tensor gamma_density(const Tensor& a, const Tensor& x) {
  return exp(sub(sub(mul(sub(a, constant(1)), log(x)), x), named(a, "lgamma")));
}
// How a number of the next type after a is found: a float's neighbour, not a double's.
double next_float(double a, double b) { return double(std::nextafterf(float(a), float(b))); }

const Function2 functions2[] = {
    {"atan2", VALUE2(std::atan2(a, b)), DERIVATIVE2(part_of(b, add(square(a), square(b)))),
     DERIVATIVE2(neg(part_of(a, add(square(a), square(b)))))},
    {"hypot", VALUE2(std::hypot(a, b)), DERIVATIVE2(part_of(a, y)), DERIVATIVE2(part_of(b, y))},
    {"fmod", VALUE2(std::fmod(a, b)), DERIVATIVE2(constant(1)), DERIVATIVE2(neg(round(div(sub(a, y), b))))},
    // The sign of a times that of the result; 0 where a is 0.
    {"copysign", VALUE2(std::copysign(a, b)), DERIVATIVE2(mul(sign(a), sign(y))), DERIVATIVE2(constant(0))},
    // As PyTorch: a step from a to its neighbour does not change how much they change.
    {"nextafter", next_float, DERIVATIVE2(where(eq(a, b), constant(0), constant(1))), DERIVATIVE2(constant(0))},
    {"gamma_p", scalars::gamma_p, nullptr, DERIVATIVE2(gamma_density(a, b))},
    {"gamma_q", scalars::gamma_q, nullptr, DERIVATIVE2(neg(gamma_density(a, b)))},
    {"zeta", scalars::zeta, nullptr, DERIVATIVE2(neg(mul(a, special2(add(a, constant(1)), b, "zeta"))))},
};

void infer_special2(InferContext& c) {
  const char* who = c.attrs.as<Function2Attrs>().function->name;
  c.output(broadcast_shapes(c.in[0]->shape, c.in[1]->shape, who), DType::float32);
}
void run_special2(const RunContext& c) {
  const auto value = c.attrs.as<Function2Attrs>().function->value;
  const View &a = c.in[0], &b = c.in[1], &y = c.out[0];
  BroadcastLoop<2> rows(y.shape, {&a.shape, &b.shape});
  const Elements operands[] = {{a.data, 4}, {b.data, 4}};
  rows.run(kNanoseconds, operands, [&](int64_t at, const void* const* from, const int* step, int64_t n) {
    const float *p = static_cast<const float*>(from[0]), *q = static_cast<const float*>(from[1]);
    float* out = y.as<float>() + at;
    for (int64_t i = 0; i < n; ++i) out[i] = float(value(double(p[i * step[0]]), double(q[i * step[1]])));
  });
}
void grad_special2(GradContext& c) {
  const Function2& f = *c.attrs.as<Function2Attrs>().function;
  const auto flow = [&](int i, auto derivative) {
    if (!c.needs(i)) return;
    FASTDL_CHECK(derivative, RuntimeError, f.name, ": has no gradient for its ", i ? "second" : "first", " argument");
    c.gin[i] = sum_to(mul(c.gout[0], derivative(c.in[0], c.in[1], c.out[0])), c.in[i]->shape);
  };
  flow(0, f.derivative_a);
  flow(1, f.derivative_b);
}
const Op op_special2 = OpRow{.name = "special2",
                             .infer = infer_special2,
                             .run = run_special2,
                             .grad = grad_special2,
                             .describe = describe<Function2Attrs>,
                             .elementwise = true};

// --- bits of integers --------------------------------------------------------------------------------------

enum class Bits : uint8_t { and_, or_, xor_, left, right, gcd, lcm };
struct BitsAttrs {
  Bits function;
  Attributes describe() const {
    static const char* const names[] = {"and", "or", "xor", "left_shift", "right_shift", "gcd", "lcm"};
    return {{"function", names[int(function)]}};
  }
};

// Shifts by no number of bits that the type has give what shifting bit by bit would.
template <class T>
T bits_of(Bits f, T a, T b) {
  using U = std::make_unsigned_t<T>;
  constexpr int kBits = std::numeric_limits<U>::digits;
  const bool beyond = b < 0 || b >= kBits;
  switch (f) {
    case Bits::and_: return T(a & b);
    case Bits::or_: return T(a | b);
    case Bits::xor_: return T(a ^ b);
    case Bits::left: return beyond ? T(0) : T(U(a) << b);
    case Bits::right: return beyond ? T(a < 0 ? -1 : 0) : T(a >> b);
    case Bits::gcd:
    case Bits::lcm: break;
  }
  // Magnitudes, as unsigned numbers: the smallest integer has no positive counterpart.
  const uint64_t p = a < 0 ? 0 - uint64_t(a) : uint64_t(a), q = b < 0 ? 0 - uint64_t(b) : uint64_t(b);
  const uint64_t divisor = std::gcd(p, q);
  return T(f == Bits::gcd ? divisor : divisor ? p / divisor * q : 0);
}

void infer_bits(InferContext& c) { c.output(broadcast_shapes(c.in[0]->shape, c.in[1]->shape, "bits"), c.in[0]->dtype); }
void run_bits(const RunContext& c) {
  const Bits f = c.attrs.as<BitsAttrs>().function;
  const View &a = c.in[0], &b = c.in[1], &y = c.out[0];
  BroadcastLoop<2> rows(y.shape, {&a.shape, &b.shape});
  dispatch_all(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (std::is_integral_v<T>) {
      const Elements operands[] = {{a.data, sizeof(T)}, {b.data, sizeof(T)}};
      rows.run(1, operands, [&](int64_t at, const void* const* from, const int* step, int64_t n) {
        const T *p = static_cast<const T*>(from[0]), *q = static_cast<const T*>(from[1]);
        T* out = y.as<T>() + at;
        for (int64_t i = 0; i < n; ++i) out[i] = bits_of(f, p[i * step[0]], q[i * step[1]]);
      });
    }
  });
}
const Op op_bits =
    OpRow{.name = "bits", .infer = infer_bits, .run = run_bits, .describe = describe<BitsAttrs>, .elementwise = true};

template <class Table>
auto find(const Table& table, const std::string& name, const char* who) {
  for (const auto& row : table)
    if (name == row.name) return &row;
  raise<ValueError>(who, ": unknown function '", name, "'");
}

}  // namespace

Tensor special(const Tensor& x, const std::string& function, int64_t order) {
  const Function* f = find(functions, function, "special");
  FASTDL_CHECK(order >= 0 && order < 100, ValueError, f->name, ": expected an order from 0 to 99, got ", order);
  return apply(op_special, {as_float(x, f->name, "x")}, FunctionAttrs{f, int(order)});
}

Tensor special2(const Tensor& a, const Tensor& b, const std::string& function) {
  const Function2* f = find(functions2, function, "special2");
  return apply(op_special2, {as_float(a, f->name, "a"), as_float(b, f->name, "b")}, Function2Attrs{f});
}

Tensor bits(const Tensor& a, const Tensor& b, const std::string& function) {
  check_computing(a, "bits", "a");
  check_computing(b, "bits", "b");
  const char* const names[] = {"and", "or", "xor", "left_shift", "right_shift", "gcd", "lcm"};
  for (int i = 0; i < int(std::size(names)); ++i) {
    if (function != names[i]) continue;
    const DType t = promote(a->dtype, a->weak, b->dtype, b->weak);
    const bool logical = i <= int(Bits::xor_) && t == DType::bool8;
    FASTDL_CHECK(is_integer(t) || logical, TypeError, function, ": expected integers",
                 i <= int(Bits::xor_) ? " or truth values" : "", ", got ", a->dtype, " and ", b->dtype);
    Tensor y = apply(op_bits, {cast(a, t), cast(b, t)}, BitsAttrs{Bits(i)});
    y->weak = a->weak && b->weak;
    return y;
  }
  raise<ValueError>("bits: unknown function '", function, "'");
}

}  // namespace fastdl
