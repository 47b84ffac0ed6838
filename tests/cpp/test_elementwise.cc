// Every UNARY, BINARY and COMPARE row of kernels.inc: values compared with double, ranges, strides, aliasing.
#include <string>

#include "check.h"
#include "cpu/kernels.h"
#include "sample.h"

using namespace fastdl;
using test::Floats;
using test::kInf;
using test::kNaN;
using K = KernelTable;

namespace {

const float kParameters[] = {0.25f, 1.5f, 0, 0};

// A function, its value in double, and the tolerance: `ulp` units in the last place of max(|exact|, floor). A floor
// is needed where the function is a product and one factor has lost relative precision: a subnormal number, or an
// exponential of a rounded argument.
struct Unary {
  const char* name;
  UnaryKernel K::* kernel;
  double (*exact)(double);
  double ulp, floor = 0;
};
struct Binary {
  const char* name;
  BinaryKernel K::* kernel;
  double (*exact)(double, double);
  double ulp;
};

double sigmoid(double x) { return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)); }
double softplus(double x) { return (x > 0 || std::isnan(x) ? x : 0) + log1p(exp(-fabs(x))); }
double sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : x; }
double normal_cdf(double x) { return 0.5 * erfc(-x * M_SQRT1_2); }
double carry_max(double a, double b) { return std::isnan(a) || a > b ? a : b; }
double carry_min(double a, double b) { return std::isnan(a) || a < b ? a : b; }
double hard_sigmoid(double x) { return carry_min(carry_max(x / 6 + 0.5, 0), 1); }
const double kSeluScale = 1.0507009873554804934, kSeluAlpha = 1.6732632423543772848;
double elu(double x, double alpha) { return x > 0 ? x : alpha * expm1(x); }
double gelu_tanh_gate(double x) { return sigmoid(2 * sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)); }

#define U(name) #name, &K::name
const Unary kUnary[] = {
    {U(neg), [](double x) { return -x; }, 0},
    {U(abs), [](double x) { return fabs(x); }, 0},
    {U(sign), sign, 0},
    {U(square), [](double x) { return x * x; }, 0.5},
    {U(sqrt), [](double x) { return sqrt(x); }, 0.5},
    {U(rsqrt), [](double x) { return 1 / sqrt(x); }, 1.5},
    {U(reciprocal), [](double x) { return 1 / x; }, 0.5},
    {U(floor), [](double x) { return floor(x); }, 0},
    {U(ceil), [](double x) { return ceil(x); }, 0},
    {U(round), [](double x) { return nearbyint(x); }, 0},
    {U(clip), [](double x) { return carry_min(carry_max(x, 0.25), 1.5); }, 0},
    {U(scale_shift), [](double x) { return (double)((float)x * 0.25f) + 1.5; }, 0.5},
    {U(exp), exp, 2},
    {U(log), log, 2},
    {U(log1p), log1p, 2},
    {U(expm1), expm1, 2},
    {U(sin), sin, 2},
    {U(cos), cos, 2},
    {U(erf), erf, 4},
    {U(relu), [](double x) { return x <= 0 ? 0 : x; }, 0},
    {U(leaky_relu), [](double x) { return x > 0 ? x : 0.25 * x; }, 0.5},
    {U(elu), [](double x) { return elu(x, 0.25); }, 2},
    {U(selu), [](double x) { return kSeluScale * elu(x, kSeluAlpha); }, 4},
    {U(gelu_erf), [](double x) { return x * normal_cdf(x); }, 8, 0.1},
    {U(gelu_tanh), [](double x) { return x * gelu_tanh_gate(x); }, 8, 0.05},
    {U(silu), [](double x) { return x * sigmoid(x); }, 4, 0x1p-119},
    {U(softplus), softplus, 2},
    {U(softsign), [](double x) { return x / (1 + fabs(x)); }, 2},
    {U(sigmoid), sigmoid, 4},
    {U(hard_sigmoid), hard_sigmoid, 1, 0.5},
    {U(tanh), tanh, 4},
};

double huber(double d, double delta) { return fabs(d) <= delta ? d * d / 2 : delta * (fabs(d) - delta / 2); }

const Binary kBinary[] = {
    {U(add), [](double a, double b) { return a + b; }, 0.5},
    {U(sub), [](double a, double b) { return a - b; }, 0.5},
    {U(mul), [](double a, double b) { return a * b; }, 0.5},
    {U(div), [](double a, double b) { return a / b; }, 0.5},
    {U(maximum), carry_max, 0},
    {U(minimum), carry_min, 0},
    {U(pow), pow, 0.51},
    {U(huber), [](double a, double b) { return huber(float(a) - float(b), 0.25); }, 2},  // of the difference, rounded
};

// The forward function of a gradient kernel (dy, t). `t` is the output y or the input x.
enum From { kInput, kOutput };
struct Gradient {
  const char* name;
  BinaryKernel K::* kernel;
  double (*forward)(double);
  From from;
};
const Gradient kGradients[] = {
    {U(abs_grad), [](double x) { return fabs(x); }, kInput},
    {U(sqrt_grad), [](double x) { return sqrt(x); }, kOutput},
    {U(root_grad), [](double x) { return sqrt(x); }, kOutput},
    {U(relu_grad), [](double x) { return x > 0 ? x : 0; }, kOutput},
    {U(leaky_relu_grad), [](double x) { return x > 0 ? x : 0.25 * x; }, kOutput},
    {U(elu_grad), [](double x) { return elu(x, 0.25); }, kOutput},
    {U(selu_grad), [](double x) { return kSeluScale * elu(x, kSeluAlpha); }, kOutput},
    {U(gelu_erf_grad), [](double x) { return x * normal_cdf(x); }, kInput},
    {U(gelu_tanh_grad), [](double x) { return x * gelu_tanh_gate(x); }, kInput},
    {U(silu_grad), [](double x) { return x * sigmoid(x); }, kInput},
    {U(softplus_grad), softplus, kInput},
    {U(softsign_grad), [](double x) { return x / (1 + fabs(x)); }, kInput},
    {U(sigmoid_grad), sigmoid, kOutput},
    {U(hard_sigmoid_grad), hard_sigmoid, kInput},
    {U(tanh_grad), tanh, kOutput},
};
#undef U

Floats run(UnaryKernel kernel, const Floats& x) {
  Floats y(x.size());
  kernel(y.data(), x.data(), (int64_t)x.size(), kParameters);
  return y;
}

Floats run(BinaryKernel kernel, const Floats& a, const Floats& b) {
  Floats y(a.size());
  kernel(y.data(), a.data(), b.data(), (int64_t)a.size(), 1, 1, kParameters);
  return y;
}

}  // namespace

TEST(every_row_has_a_case) {
  auto has = [](const auto& cases, const std::string& name) {
    for (const auto& c : cases)
      if (name == c.name) return true;
    return false;
  };
#define UNARY(name) EXPECT(has(kUnary, #name), "no case for " #name);
#define BINARY(name)                                                                                  \
  EXPECT(has(kBinary, #name) || has(kGradients, #name) || std::string(#name).find("bce_logits") == 0, \
         "no case for " #name);
#define COMPARE(name)
#define KERNEL(result, name, parameters)
#include "cpu/kernels.inc"
#undef UNARY
#undef BINARY
#undef COMPARE
#undef KERNEL
}

TEST(unary_values) {
  Floats x = test::specials();
  // 9973 is odd, so the low bits vary. Every exponent gets about 1700 values.
  for (uint64_t bits = 0; bits < 1ull << 32; bits += 9973) x.push_back(test::from_bits((uint32_t)bits));
  for (const Unary& c : kUnary) {
    const Floats y = run(kernels().*c.kernel, x);
    for (size_t i = 0; i < x.size(); ++i) {
      const double exact = c.exact(x[i]), e = test::error_in_ulp(y[i], exact, c.floor);
      EXPECT(e <= c.ulp, c.name, "(", x[i], ") = ", y[i], ", exact ", exact, ", ", e, " ulp");
    }
  }
}

TEST(unary_signs_of_zero) {
  for (UnaryKernel K::* kernel : {&K::sqrt, &K::expm1, &K::log1p, &K::sin, &K::erf, &K::tanh, &K::sign, &K::floor,
                                  &K::ceil, &K::round, &K::softsign, &K::silu, &K::gelu_erf, &K::gelu_tanh}) {
    const Floats y = run(kernels().*kernel, {0.0f, -0.0f});
    EXPECT(test::same(y, {0.0f, -0.0f}), "got ", y[0], " and ", y[1]);
  }
  EXPECT(test::same(run(kernels().ceil, {-0.5f}), {-0.0f}), "ceil(-0.5) is -0");
  EXPECT(test::same(run(kernels().round, {-0.5f, 0.5f, 1.5f, 2.5f}), {-0.0f, 0.0f, 2.0f, 2.0f}), "ties go to even");
}

TEST(unary_ranges_and_aliasing) {
  const int most = 3 * kernels().lanes + 1;
  const Floats source = test::Lcg(1).uniform(most, -4, 4);
  for (const Unary& c : kUnary) {
    const UnaryKernel kernel = kernels().*c.kernel;
    const Floats whole = run(kernel, source);
    for (int n = 0; n <= most; ++n) {
      const Floats want(whole.begin(), whole.begin() + n);
      test::Guarded<float> x(Floats(source.begin(), source.begin() + n)), y(n);
      kernel(y.data(), x.data(), n, kParameters);
      EXPECT(test::same(y, want), c.name, " of ", n, " elements");
      kernel(x.data(), x.data(), n, kParameters);
      EXPECT(test::same(x, want), c.name, " of ", n, " elements in place");
    }
  }
}

TEST(binary_values) {
  // All pairs of special values, then arbitrary bits, then numbers of ordinary size.
  Floats a, b;
  auto pair = [&](float u, float v) { a.push_back(u), b.push_back(v); };
  for (float u : test::specials())
    for (float v : test::specials()) pair(u, v);
  test::Lcg lcg(2);
  for (int i = 0; i < 100000; ++i) {
    const float u = test::from_bits(lcg.bits()), v = test::from_bits(lcg.bits());
    pair(u, v);
    pair(lcg.uniform(-8, 8), lcg.uniform(-8, 8));
    pair(lcg.uniform(-2, 2), std::floor(lcg.uniform(-150, 150)));
    pair(std::fabs(u), lcg.uniform(-2, 2));
  }
  for (const Binary& c : kBinary) {
    const Floats y = run(kernels().*c.kernel, a, b);
    for (size_t i = 0; i < y.size(); ++i) {
      const double exact = c.exact(a[i], b[i]);
      // Of two zeros, maximum and minimum may return either one.
      const double e = y[i] == 0 && exact == 0 && c.ulp == 0 ? 0 : test::error_in_ulp(y[i], exact);
      EXPECT(e <= c.ulp, c.name, "(", a[i], ", ", b[i], ") = ", y[i], ", exact ", exact, ", ", e, " ulp");
    }
  }
}

TEST(compare_values) {
  Floats a, b;
  for (float u : test::specials())
    for (float v : test::specials()) a.push_back(u), b.push_back(v);
  const int64_t n = (int64_t)a.size();
  std::vector<uint8_t> y(n);
#define CHECK_COMPARE(name, op)                          \
  kernels().name(y.data(), a.data(), b.data(), n, 1, 1); \
  for (int64_t i = 0; i < n; ++i)                        \
    EXPECT(y[i] == (a[i] op b[i] ? 1 : 0), #name "(", a[i], ", ", b[i], ") is ", int(y[i]));
  CHECK_COMPARE(eq, ==)
  CHECK_COMPARE(ne, !=)
  CHECK_COMPARE(lt, <)
  CHECK_COMPARE(le, <=)
  CHECK_COMPARE(gt, >)
  CHECK_COMPARE(ge, >=)
#undef CHECK_COMPARE
}

// Every length and stride. The output may be either operand, and it may contain the broadcast scalar.
TEST(binary_ranges_strides_and_aliasing) {
  const int most = 3 * kernels().lanes + 1;
  test::Lcg lcg(3);
  const Floats a = lcg.uniform(most, 0.1f, 4), b = lcg.uniform(most, 0.1f, 4);
  std::vector<BinaryKernel> all;
#define UNARY(name)
#define BINARY(name) all.push_back(kernels().name);
#define COMPARE(name)
#define KERNEL(result, name, parameters)
#include "cpu/kernels.inc"
#undef UNARY
#undef BINARY
#undef COMPARE
#undef KERNEL
  for (BinaryKernel kernel : all)
    for (int strides = 0; strides < 4; ++strides) {
      const int sa = strides & 1, sb = strides >> 1;
      const Floats whole = run(kernel, sa ? a : Floats(most, a[0]), sb ? b : Floats(most, b[0]));
      for (int n = 0; n <= most; ++n) {
        const Floats want(whole.begin(), whole.begin() + n);
        test::Guarded<float> u(Floats(a.begin(), a.begin() + (sa ? n : 1))),
            v(Floats(b.begin(), b.begin() + (sb ? n : 1))), y(n);
        kernel(y.data(), u.data(), v.data(), n, sa, sb, kParameters);
        EXPECT(test::same(y, want), "n ", n, ", strides ", sa, sb);
        if (n == 0) continue;
        y = Floats(a.begin(), a.begin() + n);
        kernel(y.data(), y.data(), v.data(), n, sa, sb, kParameters);
        EXPECT(test::same(y, want), "in place of the first, n ", n, ", strides ", sa, sb);
        y = Floats(b.begin(), b.begin() + n);
        kernel(y.data(), u.data(), y.data(), n, sa, sb, kParameters);
        EXPECT(test::same(y, want), "in place of the second, n ", n, ", strides ", sa, sb);
      }
    }
}

TEST(compare_and_mask_ranges) {
  const int most = 3 * kernels().lanes + 1;
  test::Lcg lcg(4);
  const Floats a = lcg.uniform(most, -1, 1), b = lcg.uniform(most, -1, 1);
  for (int n = 1; n <= most; ++n)
    for (int strides = 0; strides < 4; ++strides) {
      const int sa = strides & 1, sb = strides >> 1;
      test::Guarded<float> u(Floats(a.begin(), a.begin() + (sa ? n : 1))),
          v(Floats(b.begin(), b.begin() + (sb ? n : 1))), y(n);
      test::Guarded<uint8_t> m(n);
      kernels().lt(m.data(), u.data(), v.data(), n, sa, sb);
      kernels().where(y.data(), m.data(), u.data(), v.data(), n, sa, sb);
      for (int i = 0; i < n; ++i) {
        const float p = a[i * sa], q = b[i * sb];
        EXPECT(m[i] == (p < q), "element ", i, " of ", n, ", strides ", sa, sb);
        EXPECT(y[i] == (p < q ? p : q), "where, element ", i, " of ", n, ", strides ", sa, sb);
      }
      m[n / 2] = 255;  // any nonzero byte is true
      kernels().mask_scale(y.data(), y.data(), m.data(), n, 2);
      for (int i = 0; i < n; ++i) {
        const float p = a[i * sa], q = b[i * sb], smaller = p < q ? p : q;
        EXPECT(y[i] == (m[i] ? 2 * smaller : 0), "mask_scale, element ", i, " of ", n);
      }
    }
}

TEST(gradients_follow_differences) {
  test::Lcg lcg(5);
  Floats x = lcg.uniform(4000, -8, 8);
  for (float far : {12.0f, 20.0f, 50.0f, 90.0f, 120.0f}) x.push_back(far), x.push_back(-far);
  const Floats dy = lcg.uniform((int64_t)x.size(), -2, 2);
  const double h = 1e-5;
  for (const Gradient& c : kGradients) {
    const bool root = c.kernel == &K::sqrt_grad || c.kernel == &K::root_grad;  // too steep near 0
    Floats t = x;
    if (c.from == kOutput)
      for (float& v : t) v = (float)c.forward(v);
    const Floats dx = run(kernels().*c.kernel, dy, t);
    for (size_t i = 0; i < x.size(); ++i) {
      const double slope = (c.forward(x[i] + h) - c.forward(x[i] - h)) / (2 * h);
      const bool kink = fabs(x[i]) < 2 * h || fabs(fabs(x[i]) - 3) < 2 * h;
      if (kink || std::isnan(slope) || (root && x[i] < 0.1f)) continue;
      // A few roundings of terms of size 1, and 1e-9 for the difference quotient.
      const double tolerance = fabs(dy[i]) * (8 * test::kEps * fmax(1, fabs(slope)) + 1e-9);
      EXPECT(fabs(dx[i] - dy[i] * slope) <= tolerance, c.name, " at ", x[i], ": ", dx[i], ", want ", dy[i] * slope);
    }
    // Every function is linear for large |x|. An overflow must not change its slope.
    for (float far : {1e4f, -1e4f, 1e30f, -1e30f}) {
      const double slope = (c.forward(2.0 * far) - c.forward(far)) / far;
      if (std::isnan(slope)) continue;
      const float at = c.from == kOutput ? (float)c.forward(far) : far;
      const float got = run(kernels().*c.kernel, {2.0f}, {at})[0];
      EXPECT(fabs(got - 2 * slope) <= 0.01, c.name, " at ", far, ": ", got, ", want ", 2 * slope);
    }
  }
}

TEST(gradients_at_kinks) {
  auto at = [](BinaryKernel kernel, float t) { return run(kernel, {2.0f}, {t})[0]; };
  EXPECT(at(kernels().relu_grad, 0.0f) == 0, "relu has slope 0 at 0");
  EXPECT(at(kernels().abs_grad, 0.0f) == 0, "abs has slope 0 at 0");
  EXPECT(at(kernels().leaky_relu_grad, 0.0f) == 0.5f, "leaky_relu has its slope at 0");
  EXPECT(at(kernels().elu_grad, 0.0f) == 0.5f, "elu has slope alpha at 0");
  EXPECT(at(kernels().hard_sigmoid_grad, 3.0f) == 0, "hard_sigmoid has slope 0 at 3");
  EXPECT(at(kernels().hard_sigmoid_grad, -3.0f) == 0, "hard_sigmoid has slope 0 at -3");
}

TEST(binary_cross_entropy) {
  Floats x = {0, 1, -1, 20, -20, 90, -90, 1e4f, -1e4f}, t;
  test::Lcg lcg(6);
  for (int i = 0; i < 1000; ++i) x.push_back(lcg.uniform(-30, 30));
  for (size_t i = 0; i < x.size(); ++i) t.push_back(i % 3 == 2 ? lcg.uniform(0, 1) : (float)(i % 3));
  const Floats loss = run(kernels().bce_logits, x, t), grad = run(kernels().bce_logits_grad, x, t);
  for (size_t i = 0; i < x.size(); ++i) {
    // The terms max(x, 0) and x t are of size |x|; the rest is of size 1.
    const double want = softplus(x[i]) - (double)x[i] * t[i], size = fmax(1, fabs(x[i]));
    EXPECT(fabs(loss[i] - want) <= 4 * test::kEps * size, "loss(", x[i], ", ", t[i], ") = ", loss[i], ", want ", want);
    EXPECT(fabs(grad[i] - (sigmoid(x[i]) - t[i])) <= 4 * test::kEps, "slope(", x[i], ", ", t[i], ")");
  }
}
