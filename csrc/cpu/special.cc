#include "cpu/special.h"

#include <cmath>
#include <limits>
#include <numbers>

namespace fastdl::scalars {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kPi = std::numbers::pi;
constexpr double kEps = 1e-17;  // terms of a sum below this part of it end it

// Bernoulli numbers B_2, B_4, ...
constexpr double kBernoulli[] = {1.0 / 6,       -1.0 / 30, 1.0 / 42,      -1.0 / 30,    5.0 / 66,
                                 -691.0 / 2730, 7.0 / 6,   -3617.0 / 510, 43867.0 / 798};

double pole_at_integers(double x) { return x == 0 ? std::copysign(kInf, -x) : kNaN; }
bool is_integer(double x) { return x == std::floor(x); }

}  // namespace

// e^(x^2) erfc(x) as it is, or by the continued fraction 1 / (x + (1/2) / (x + 1 / (x + (3/2) / ...))) / sqrt(pi).
double erfcx(double x) {
  if (x < 5) return x < -26.7 ? kInf : std::exp(x * x) * std::erfc(x);
  double f = x;
  for (int k = 60; k > 0; --k) f = x + 0.5 * k / f;
  return std::numbers::inv_sqrtpi / f;
}

// Halley's method from a start that is right to a few digits: f = log(erfc(y) / x), so that tails converge as fast.
double erfcinv(double x) {
  if (!(x >= 0 && x <= 2)) return kNaN;
  if (x == 0 || x == 2) return x == 0 ? kInf : -kInf;
  if (x > 1) return -erfcinv(2 - x);
  const double t = std::sqrt(-2 * std::log(x / 2));
  double y = (t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)))) /
             std::numbers::sqrt2;  // Abramowitz and Stegun 26.2.23
  for (int i = 0; i < 4; ++i) {
    const double value = std::erfc(y), slope = -2 * std::numbers::inv_sqrtpi * std::exp(-y * y) / value;
    const double f = std::log(value / x), curve = -2 * y * slope - slope * slope;
    y -= f / (slope - f * curve / (2 * slope));
  }
  return y;
}

double erfinv(double x) {
  if (!(x >= -1 && x <= 1)) return kNaN;
  if (std::abs(x) > 0.5) return std::copysign(erfcinv(1 - std::abs(x)), x);
  double y = x * std::sqrt(kPi) / 2;
  for (int i = 0; i < 6; ++i) {
    const double f = std::erf(y) - x, slope = 2 * std::numbers::inv_sqrtpi * std::exp(-y * y);
    y -= f / (slope + y * f);  // Halley: f'' = -2 y f'
  }
  return y;
}

double ndtri(double p) { return -std::numbers::sqrt2 * erfcinv(2 * p); }

double log_ndtr(double x) {
  const double t = -x / std::numbers::sqrt2;
  if (t < 1) return std::log1p(-0.5 * std::erfc(-t));
  return std::log(0.5 * erfcx(t)) - t * t;
}

// Upwards by 1 / x until the asymptotic series is precise, log x - 1 / (2 x) - B_2 / (2 x^2) - ...
double digamma(double x) {
  if (x == -kInf) return kNaN;
  if (x <= 0) {
    if (is_integer(x)) return pole_at_integers(x);
    return digamma(1 - x) - kPi / std::tan(kPi * (x - std::floor(x)));
  }
  double sum = 0;
  for (; x < 12; ++x) sum -= 1 / x;
  const double inverse = 1 / (x * x);
  double power = inverse;
  sum += std::log(x) - 0.5 / x;
  for (int k = 0; k < 8; ++k, power *= inverse) sum -= kBernoulli[k] * power / (2 * k + 2);
  return sum;
}

// Euler and Maclaurin's sum: terms as they are up to q + n > 12 + s, then the integral with its corrections.
double zeta(double s, double q) {
  if (s == 1) return kInf;
  if (!(s > 1) || std::isnan(q)) return kNaN;
  if (q <= 0) {
    if (is_integer(q)) return kInf;
    if (!is_integer(s)) return kNaN;
    // The terms below 0 are, but for the sign, a part of the sum from their distance to 0.
    const double n = std::ceil(-q), f = q + n;
    const double below = zeta(s, 1 - f) - zeta(s, 1 - f + n);
    return zeta(s, f) + (std::fmod(s, 2) == 0 ? below : -below);
  }
  double sum = 0;
  for (; q < 12 + s; ++q) {
    const double term = std::pow(q, -s);
    sum += term;
    if (term <= kEps * sum) return sum;
  }
  double term = std::pow(q, -s);
  sum += q * term / (s - 1) + 0.5 * term;
  double factor = s / 2;
  for (int k = 0; k < 9; ++k) {
    term /= q;
    const int j = 2 * k + 2;
    const double add = kBernoulli[k] * factor * term;
    sum += add;
    if (std::abs(add) < kEps * std::abs(sum)) break;
    // The next is (s + j - 1) (s + j) / ((j + 1) (j + 2)) and B_(j + 2) instead of B_j.
    factor *= (s + j - 1) * (s + j) / (double(j + 1) * (j + 2));
    term /= q;
  }
  return sum;
}

double polygamma(int order, double x) {
  if (order == 0) return digamma(x);
  if (order == 1 && x < 0.5) {
    if (x <= 0 && is_integer(x)) return kInf;
    const double sine = std::sin(kPi * (x - std::floor(x)));
    return kPi * kPi / (sine * sine) - polygamma(1, 1 - x);
  }
  return (order % 2 ? 1 : -1) * std::tgamma(order + 1.0) * zeta(order + 1.0, x);
}

// The power series, whose terms are positive, or the asymptotic one.
double bessel_i(int order, double x, bool scaled) {
  const double a = std::abs(x), sign = order == 1 && x < 0 ? -1 : 1;
  if (std::isnan(x)) return x;
  if (a < 30) {
    double term = order == 0 ? 1 : a / 2, sum = term;
    for (int k = 1; term > kEps * sum; ++k) sum += term *= a * a / 4 / (double(k) * (k + order));
    return sign * (scaled ? sum * std::exp(-a) : sum);
  }
  double term = 1, sum = 1;
  for (int k = 1; k < 30; ++k) {
    const double odd = 2 * k - 1, next = term * (odd * odd - 4.0 * order * order) / (8 * k * a);
    if (std::abs(next) < kEps || std::abs(next) > std::abs(term)) break;
    sum += term = next;
  }
  return sign * (scaled ? 1 : std::exp(a)) * sum / std::sqrt(2 * kPi * a);
}

namespace {
// x^a e^-x / Gamma(a), in logarithms
double gamma_scale(double a, double x) { return std::exp(a * std::log(x) - x - std::lgamma(a)); }
double gamma_series(double a, double x) {
  double term = 1 / a, sum = term;
  for (int n = 1; n < 10000 && term > kEps * sum; ++n) sum += term *= x / (a + n);
  return sum * gamma_scale(a, x);
}
// Lentz's method for the continued fraction of the upper function.
double gamma_fraction(double a, double x) {
  double b = x + 1 - a, c = 1e300, d = 1 / b, f = d;
  for (int n = 1; n < 10000; ++n) {
    const double an = -n * (n - a);
    b += 2;
    d = 1 / (an * d + b);
    c = b + an / c;
    f *= c * d;
    if (std::abs(c * d - 1) < 1e-16) break;
  }
  return f * gamma_scale(a, x);
}
bool gamma_undefined(double a, double x) {
  return !(a >= 0) || !(x >= 0) || (a == 0 && x == 0) || (a == kInf && x == kInf);
}
}  // namespace

double gamma_p(double a, double x) {
  if (gamma_undefined(a, x)) return kNaN;
  if (x == 0 || a == kInf) return 0;
  if (a == 0 || x == kInf) return 1;
  return x < a + 1 ? gamma_series(a, x) : 1 - gamma_fraction(a, x);
}
double gamma_q(double a, double x) {
  if (gamma_undefined(a, x)) return kNaN;
  if (x == 0 || a == kInf) return 1;
  if (a == 0 || x == kInf) return 0;
  return x < a + 1 ? 1 - gamma_series(a, x) : gamma_fraction(a, x);
}

}  // namespace fastdl::scalars
