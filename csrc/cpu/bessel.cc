// Bessel functions and Airy's, in double, one value at a time.
#include <math.h>  // j0 and its like, which <cmath> lacks

#include <cmath>
#include <limits>
#include <numbers>

#include "cpu/special.h"

namespace fastdl::scalars {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kPi = std::numbers::pi;

// e^x K_order(x) for x >= 1: the integral of exp(-x (cosh t - 1)) cosh(order t) over t from 0, by the trapezoidal rule,
// which converges exponentially (Abramowitz and Stegun 9.6.24). At its end the first factor is e^-40.
double integral_k(double order, double x) {
  constexpr int kSteps = 24;
  const double u = 40 / x, step = std::log1p(u + std::sqrt(u * (u + 2))) / kSteps;
  double sum = 0.5;
  for (int i = 1; i <= kSteps; ++i) {
    const double half = std::sinh(i * step / 2);
    sum += std::exp(-2 * x * half * half) * std::cosh(order * i * step);
  }
  return step * sum;
}

// K_0 and K_1 for 0 < x < 2 (Abramowitz and Stegun 9.6.11).
double series_k(int order, double x) {
  const double q = x * x / 4, log_half = std::log(x / 2);
  double term = order ? x / 2 : 1, digammas = order ? 1 - 2 * std::numbers::egamma : -std::numbers::egamma;
  double sum = order ? 1 / x : 0;
  for (int k = 0; k < 40; ++k) {
    if (order)
      sum += term * (log_half - digammas / 2);
    else
      sum += term * (digammas - log_half);
    term *= q / ((k + 1.0) * (k + 1 + order));
    digammas += order ? 1 / (k + 1.0) + 1 / (k + 2.0) : 1 / (k + 1.0);
    if (term < 1e-20) break;
  }
  return sum;
}

// The sums over n of (-1)^n c_(2n) / z^(2n) and (-1)^n c_(2n + 1) / z^(2n + 1), where c are the coefficients u of the
// expansions of Airy's function, or v of those of its derivative (DLMF 9.7.2).
struct Sums {
  double even = 0, odd = 0;
};
Sums asymptotic(double z, bool derivative) {
  Sums s;
  double u = 1, smallest = kInf;
  for (int k = 0; k < 40; ++k) {
    const double c = (derivative && k ? -(6.0 * k + 1) / (6.0 * k - 1) : 1) * u;
    if (std::abs(c) > smallest) break;  // from here on they grow
    smallest = std::abs(c);
    (k % 2 ? s.odd : s.even) += k / 2 % 2 ? -c : c;
    u *= (6.0 * k + 5) * (6 * k + 3) * (6 * k + 1) / (216.0 * (k + 1) * (2 * k + 1) * z);
  }
  return s;
}

// Airy's function or its derivative by their power series (DLMF 9.4.1).
double airy_series(double x, bool derivative) {
  constexpr double kAi = 0.355028053887817239, kSlope = -0.258819403792806798;  // at 0
  double f = derivative ? x * x / 2 : 1, g = derivative ? 1 : x;                // first terms
  double sum = kAi * f + kSlope * g;
  for (int k = 1; k < 60; ++k) {
    const double n = 3.0 * k;
    f *= x * x * x / (derivative ? n * (n + 2) : (n - 1) * n);
    g *= x * x * x / (derivative ? n * (n - 2) : n * (n + 1));
    sum += kAi * f + kSlope * g;
    if (std::abs(f) + std::abs(g) < 1e-20) break;
  }
  return sum;
}

}  // namespace

double bessel_j(int order, double x) { return std::isinf(x) ? 0 : order ? ::j1(x) : ::j0(x); }
double bessel_y(int order, double x) {
  if (!(x > 0)) return x == 0 ? -kInf : kNaN;
  return x == kInf ? 0 : order ? ::y1(x) : ::y0(x);
}

double bessel_k(int order, double x, bool scaled) {
  if (!(x > 0)) return x == 0 ? kInf : kNaN;
  if (x == kInf) return 0;
  if (x < 2) return series_k(order, x) * (scaled ? std::exp(x) : 1);
  return integral_k(order, x) * (scaled ? 1 : std::exp(-x));
}

double airy_ai(double x, bool derivative) {
  if (std::isnan(x)) return x;
  if (x == kInf) return 0;
  if (x == -kInf) return derivative ? kNaN : 0;
  const double z = 2 * std::abs(x) * std::sqrt(std::abs(x)) / 3;
  if (x > 2.1) {  // DLMF 9.6.2 and 9.6.3
    if (derivative) return -x / (kPi * std::sqrt(3)) * std::exp(-z) * integral_k(2.0 / 3, z);
    return std::sqrt(x / 3) / kPi * std::exp(-z) * integral_k(1.0 / 3, z);
  }
  if (x > -6) return airy_series(x, derivative);
  // DLMF 9.7.9 and 9.7.10
  const Sums s = asymptotic(z, derivative);
  const double root = std::sqrt(std::sqrt(-x)), cosine = std::cos(z - kPi / 4), sine = std::sin(z - kPi / 4);
  if (derivative) return root * std::numbers::inv_sqrtpi * (sine * s.even - cosine * s.odd);
  return std::numbers::inv_sqrtpi / root * (cosine * s.even + sine * s.odd);
}

}  // namespace fastdl::scalars
