// Elementary functions over vectors, for every float32 input: infinities, NaN, subnormals in and out. Errors are in
// units in the last place (ulp), the largest seen against the C library's double over all 2^32 inputs (log1p, expm1,
// sin, cos, softplus: over every 17th), with and without fused multiply-add.
//
// The polynomials are our own minimax fits (weighted least squares, reweighted until the error is level) to the
// function named beside them.
#pragma once
#include "cpu/simd/simd.h"

namespace fastdl::FASTDL_ISA_NS {
namespace {

constexpr float kInf = __builtin_inff();
constexpr float kNaN = __builtin_nanf("");
constexpr float kSmallestNormal = 0x1p-126f;
// ln 2 in two parts; n * kLn2High is exact for the n of at most 8 bits met here, since it has 9 bits itself.
constexpr float kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f;
// (x + kRounder) - kRounder rounds a double below 2^51 to an integer, which x + kRounder holds in its low bits.
constexpr double kRounder = 0x1.8p52;

// c[0] + c[1] x + ... + c[n - 1] x^(n - 1), by Horner's rule.
template <int n>
FASTDL_INLINE vf polynomial(vf x, const float (&c)[n]) {
  vf r = splat(c[n - 1]);
  for (int i = n - 2; i >= 0; --i) r = fma(r, x, splat(c[i]));
  return r;
}
// The same in double, never fused: used where every ISA must give the same bits.
template <int n>
FASTDL_INLINE vd polynomial(vd x, const double (&c)[n]) {
  vd r = vd{} + c[n - 1];
  for (int i = n - 2; i >= 0; --i) r = r * x + c[i];
  return r;
}

// x = n ln 2 + r with |r| <= ln 2 / 2; returns expm1(r).
FASTDL_INLINE vf exp_reduced(vf x, vf& n) {
  // (expm1(r) - r) / r^2, error 2.4e-10
  constexpr float c[] = {0.5f, 0.166666657f, 0.0416663587f, 0.00833338965f, 0.00139406684f, 0.000198458802f};
  n = round_small(x * 1.44269504f);
  vf r = fma(n, splat(-kLn2High), x);
  r = fma(n, splat(-kLn2Low), r);
  return fma(r * r, polynomial(r, c), r);
}

// e^x; 0.99 ulp
FASTDL_INLINE vf exp(vf x) {
  // Beyond these bounds the result is 0 or infinity; NaN passes. The 0 is selected, not computed: an operation that
  // underflows costs a hundred cycles, and masks are made of -infinity.
  const vi zero = x < -104.0f;
  x = zero ? splat(0.0f) : x;
  x = x > 89.0f ? splat(89.0f) : x;
  vf n;
  const vf r = exp_reduced(x, n);
  return select(zero, splat(0.0f), scale_by_power_of_two(1.0f + r, n));
}

// 2^x for x <= 0, where subnormals are flushed; 1.1 ulp (0.8 with fma). Half the work of exp().
FASTDL_INLINE vf exp2_nonpositive(vf x) {
  // 2^f for |f| <= 1/2, error 3.0e-9; 1 at 0
  constexpr float c[] = {1.0f,           0.693147182f,   0.240226477f,   0.0555035993f,
                         0.00961850584f, 0.00133908063f, 0.000153264627f};
#if defined(__AVX512F__)
  const vf f = fraction(x);  // 0 of -infinity
  return scale_by_power_of_two(polynomial(f, c), x - f);
#else
  const vf least = splat(-127.0f);
  x = least > x ? least : x;  // one instruction, which lets NaN pass
  // The low bits of t are round(x) + 127, the exponent of the power; at -127 it is that of 0.
  constexpr float rounder = 0x1.8p23f + 127;
  const vf t = x + rounder;
  return polynomial(x - (t - rounder), c) * as_float(as_int(t) << 23);
#endif
}

// e^x - 1 for x <= 0
FASTDL_INLINE vf expm1_nonpositive(vf x) {
  x = x < -30.0f ? splat(-30.0f) : x;  // there the result is -1 to the last bit
  vf n;
  const vf r = exp_reduced(x, n);
  const vf scale = as_float((to_int(n) + 127) << 23);
  return fma(scale, r, scale - 1.0f);
}

// e^x - 1; 1.5 ulp
FASTDL_INLINE vf expm1(vf x) {
  x = x < -30.0f ? splat(-30.0f) : x;
  x = x > 89.0f ? splat(89.0f) : x;
  vf n;
  const vf r = exp_reduced(x, n);
  const vf half = as_float((to_int(n) + 126) << 23);     // 2^(n - 1): 2^n itself may overflow
  return copysign(2.0f * fma(half, r, half - 0.5f), x);  // for the sign of zero
}

// log(1 + f) + e ln 2 for f in [sqrt(1/2) - 1, sqrt(2) - 1]
FASTDL_INLINE vf log_reduced(vf f, vf e) {
  // (log(1 + f) - f + f^2 / 2) / f^3, error 5.9e-9 of log(1 + f)
  constexpr float c[] = {0.333333313f, -0.250008225f, 0.200012341f, -0.166232988f,
                         0.142015532f, -0.131605819f, 0.127633274f, -0.0763565451f};
  const vf z = f * f;
  vf y = z * f * polynomial(f, c);
  y = fma(e, splat(kLn2Low), y);
  y = fma(z, splat(-0.5f), y);
  return fma(e, splat(kLn2High), f + y);
}

// x = m 2^e with m in [sqrt(1/2), sqrt(2)), for normal positive x
FASTDL_INLINE vf split_exponent(vf x, vi& e) {
  constexpr uint32_t sqrt_half = 0x3f3504f3;
  const vu bits = (vu)x - sqrt_half;
  e = (vi)bits >> 23;
  return (vf)((bits & 0x7fffff) + sqrt_half);
}

// Natural logarithm; NaN below zero, -infinity at zero; 0.87 ulp.
FASTDL_INLINE vf log(vf x) {
  const vi small = x < kSmallestNormal;  // subnormal: scaled by 2^23, undone in the exponent
  vi e;
  const vf m = split_exponent(select(small, x * 8388608.0f, x), e);
  vf r = log_reduced(m - 1.0f, to_float(e - (small & 23)));
  r = x < kInf ? r : x;  // infinity and NaN are their own logarithms
  r = x == 0.0f ? splat(-kInf) : r;
  return x < 0.0f ? splat(kNaN) : r;
}

// log(1 + x); NaN below -1, -infinity at -1; 1.5 ulp.
FASTDL_INLINE vf log1p(vf x) {
  const vf u = 1.0f + x;
  const vf lost = x - (u - 1.0f);  // what rounding took from u
  vi e;
  const vf m = split_exponent(u, e);
  const vi shift = e > 126 ? splat_i(126) : e;  // u >= 2^126 lost nothing that matters
  vf r = log_reduced(fma(lost, as_float((127 - shift) << 23), m - 1.0f), to_float(e));
  r = x < kInf ? r : x;
  r = x == -1.0f ? splat(-kInf) : r;
  r = x == 0.0f ? x : r;  // keeps the sign of zero
  return x < -1.0f ? splat(kNaN) : r;
}

// (e^2x - 1) / (e^2x + 1), from the side where nothing overflows; 2.5 ulp
FASTDL_INLINE vf tanh(vf x) {
  const vf t = expm1_nonpositive(-2.0f * abs(x));
  return copysign(t / (t + 2.0f), x);
}

// 1 / (1 + e^-x), or e^x / (1 + e^x) below zero, where nothing overflows; 2.5 ulp
FASTDL_INLINE vf sigmoid(vf x) {
  const vf e = exp(-abs(x));
  return select(x < 0.0f, e, splat(1.0f)) / (1.0f + e);
}

// The same and its derivative e^-|x| / (1 + e^-|x|)^2, which keeps its precision where sigmoid nears 1.
FASTDL_INLINE vf sigmoid(vf x, vf& derivative) {
  const vf e = exp(-abs(x)), r = 1.0f / (1.0f + e);
  derivative = e * r * r;
  return select(x < 0.0f, e * r, r);
}

// log(1 + e^x); 1.7 ulp
FASTDL_INLINE vf softplus(vf x) { return max(x, splat(0.0f)) + log1p(exp(-abs(x))); }

// erf(x) for |x| <= 0.93
FASTDL_INLINE vf erf_near_zero(vf x) {
  // erf(x) / x - 1 in x^2, error 4.6e-10
  constexpr float c[] = {0.128379166f,   -0.376126319f,    0.112836875f,   -0.0268589407f,
                         0.00519990688f, -0.000813001243f, 8.31677535e-05f};
  return fma(x, polynomial(x * x, c), x);
}

// The error function: 1 - e^-q(|x|) away from zero; 1.4 ulp.
FASTDL_INLINE vf erf(vf x) {
  // -log(erfc(t)), 0.92 <= t <= 4, error 1.5e-9 of erf(t)
  constexpr float q[] = {0.000195675908f, 1.12767565f,    0.637182236f,    0.103931598f,
                         -0.0222269204f,  0.00304321712f, -0.000195937217f};
  const vf a = abs(x);
  const vf t = a > 4.0f ? splat(4.0f) : a;  // erf(4) rounds to 1
  return select(a < 0.925f, erf_near_zero(x), copysign(1.0f - exp(-polynomial(t, q)), x));
}

// The normal distribution function, and bell = e^(-x^2 / 2). The lower tail is bell times Mills's ratio, which is a
// polynomial in u = 1 / (1 + 0.35 |x|). Error 4.2e-7 of the result above -1; below, the rounding of x^2 adds 1e-5 of
// it.
FASTDL_INLINE vf normal_cdf(vf x, vf& bell) {
  // Mills's ratio / (sqrt(2 pi) u), error 3.2e-8
  constexpr float c[] = {0.139621302f, 0.139863715f,  0.119819961f, 0.105557494f,  -0.023223551f,
                         0.159335136f, -0.255851805f, 0.144036785f, -0.0291590262f};
  const vf u = 1.0f / fma(abs(x), splat(0.35f), splat(1.0f));
  const vf s = x * 0.849321800f;  // sqrt(log2(e) / 2)
  bell = exp2_nonpositive(-(s * s));
  const vf tail = bell * (u * polynomial(u, c));
  return select(x < 0.0f, tail, 1.0f - tail);
}

// log(m 2^e) in double, for m in [sqrt(1/2), sqrt(2)]; the same bits on every ISA.
FASTDL_INLINE vd log_in_double(vd m, vd e) {
  // 2 atanh(s) = 2 (s + s^3 / 3 + ...), |s| <= 0.172: the next term is below 1e-16.
  constexpr double c[] = {1.0,      1.0 / 3,  1.0 / 5,  1.0 / 7,  1.0 / 9, 1.0 / 11,
                          1.0 / 13, 1.0 / 15, 1.0 / 17, 1.0 / 19, 1.0 / 21};
  const vd s = (m - 1.0) / (m + 1.0);
  return e * 0.693147180559945309417 + 2.0 * s * polynomial(s * s, c);
}

// e^t in double for |t| <= 200, error 1e-11; beyond as at these bounds.
FASTDL_INLINE vd exp_in_double(vd t) {
  t = t > 200.0 ? vd{} + 200.0 : t;
  t = t < -200.0 ? vd{} - 200.0 : t;
  const vd rounded = t * 1.44269504088896340736 + kRounder;
  const vd r = t - (rounded - kRounder) * 0.693147180559945309417;
  constexpr double c[] = {1.0,       1.0,       1.0 / 2,    1.0 / 6,     1.0 / 24,
                          1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320, 1.0 / 362880};
  return polynomial(r, c) * (vd)(((vul)rounded + 1023) << 52);
}

// x^y with the special cases of C99's pow. In double throughout, so that one rounding is left: 0.51 ulp.
FASTDL_INLINE vf pow(vf x, vf y) {
  const vf ax = abs(x), ay = abs(y);
  const vi small = ax < kSmallestNormal;
  vi exponent;
  vf m = split_exponent(select(small, ax * 8388608.0f, ax), exponent);
  vf e = to_float(exponent - (small & 23));
  // log(0), log(infinity), log(NaN): as 1 * 2^e with such an e
  const vi ordinary = (vi)(ax > 0.0f) & (vi)(ax < kInf);
  m = select(ordinary, m, splat(1.0f));
  e = select(ordinary, e, ax == 0.0f ? splat(-kInf) : ax);
  vf z = join(exp_in_double(lower(y) * log_in_double(lower(m), lower(e))),
              exp_in_double(upper(y) * log_in_double(upper(m), upper(e))));

  const vi whole = ay < 16777216.0f ? (vi)(to_float(to_int(ay)) == ay) : splat_i(-1);
  const vi odd = (vi)(ay < 16777216.0f) & whole & -(to_int(ay) & 1);
  z = select((vi)(as_int(x) < 0) & odd, -z, z);
  z = select((vi)(x < 0.0f) & (vi)(ax < kInf) & ~whole, splat(kNaN), z);
  z = select((vi)(y == 0.0f) | (vi)(x == 1.0f) | ((vi)(x == -1.0f) & (vi)(ay == kInf)), splat(1.0f), z);
  return z;
}

// x - k pi / 2 in [-pi / 4, pi / 4] for the nearest integer k, and k modulo 4 in -2 .. 2, of |x| < 2^28.
FASTDL_INLINE vd reduce_quarter_turns(vd x, vd& quadrant) {
  // pi / 2 in parts of 24, 24 and 53 bits: the products with k and the first two differences are exact.
  constexpr double high = 0x1.921fb4p+0, middle = 0x1.4442dp-24, low = 0x1.8469898cc517p-48;
  const vd k = (x * 0.636619772367581343 + kRounder) - kRounder;
  quadrant = k - 4.0 * ((k * 0.25 + kRounder) - kRounder);
  return ((x - k * high) - k * middle) - k * low;
}

// sin(x + turn pi / 2): sine for turn 0, cosine for turn 1; 1.6 ulp.
FASTDL_INLINE vf sin_turned(vf x, int turn) {
  vd low_quadrant, high_quadrant;
  const vd low = reduce_quarter_turns(lower(x), low_quadrant);
  const vd high = reduce_quarter_turns(upper(x), high_quadrant);
  const vf r = join(low, high), z = r * r;
  const vi quadrant = to_int(join(low_quadrant, high_quadrant)) + turn;
  // (sin(r) / r - 1) / r^2, error 5.2e-12; (cos(r) - 1 + r^2 / 2) / r^4, error 1.2e-10; both in r^2
  constexpr float s[] = {-0.166666672f, 0.00833332911f, -0.000198393085f, 2.71808403e-06f};
  constexpr float c[] = {0.0416666456f, -0.0013887313f, 2.44327857e-05f};
  const vf sine = copysign(fma(r * z, polynomial(z, s), r), r);  // for the sign of zero
  const vf cosine = fma(z * z, polynomial(z, c), fma(z, splat(-0.5f), splat(1.0f)));
  vf y = select((quadrant & 1) != 0, cosine, sine);
  y = as_float(as_int(y) ^ ((quadrant & 2) << 30));
  // Arguments of 2^28 and more, where the reduction above fails, and infinities go to the C library.
  if (uint32_t bits = mask_bits((vi)(abs(x) >= 0x1p28f)))
    for (; bits; bits &= bits - 1) {
      const int i = __builtin_ctz(bits);
      y[i] = turn ? __builtin_cosf(x[i]) : __builtin_sinf(x[i]);
    }
  return y;
}
FASTDL_INLINE vf sin(vf x) { return sin_turned(x, 0); }
FASTDL_INLINE vf cos(vf x) { return sin_turned(x, 1); }

// To an integral value; from 2^23 on every float is one.
FASTDL_INLINE vf round_even(vf x) {
  const vf a = abs(x);
  return select(a < 8388608.0f, copysign((a + 8388608.0f) - 8388608.0f, x), x);
}
FASTDL_INLINE vf floor(vf x) {
  const vf r = round_even(x);
  return copysign(r > x ? r - 1.0f : r, x);
}
FASTDL_INLINE vf ceil(vf x) {
  const vf r = round_even(x);
  return copysign(r < x ? r + 1.0f : r, x);
}

// -1, 0 or 1; zeros and NaN are returned as they are.
FASTDL_INLINE vf sign(vf x) { return x > 0.0f ? splat(1.0f) : (x < 0.0f ? splat(-1.0f) : x); }

}  // namespace
}  // namespace fastdl::FASTDL_ISA_NS
