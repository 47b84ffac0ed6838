// Random numbers from the words of simd/philox.h. All arithmetic below is exact or unfused, so every ISA gives the same
// bits.
#include "cpu/kernels/declare.h"
#include "cpu/simd/math.h"
#include "cpu/simd/philox.h"

namespace fastdl::FASTDL_ISA_NS {
namespace {

FASTDL_INLINE vd sqrt(vd x) {
  double t[sizeof(vd) / sizeof(double)];
  __builtin_memcpy(t, &x, sizeof x);
  for (double& v : t) v = __builtin_sqrt(v);
  __builtin_memcpy(&x, t, sizeof x);
  return x;
}

// Natural logarithm of normal positive doubles.
FASTDL_INLINE vd log(vd x) {
  constexpr uint64_t one = 0x3ff0000000000000, sqrt_half = 0x3fe6a09e667f3bcd;
  const vul bits = (vul)x + (one - sqrt_half);
  const vd m = (vd)((bits & 0xfffffffffffff) + sqrt_half);
  // The exponent becomes a double by way of the low bits of kRounder.
  const vd e = (vd)((bits >> 52) - 1023 + (vul)(vd{} + kRounder)) - kRounder;
  return log_in_double(m, e);
}

// The inverse of the normal distribution function, to about 1e-15 (Wichura, "Algorithm AS 241", Applied
// Statistics 37, 1988, PPND16). Its third range, p < 1.4e-11, lies below the smallest p drawn here.
FASTDL_INLINE vd normal_quantile(vd p) {
  constexpr double a[] = {3.3871328727963666080e0,  1.3314166789178437745e+2, 1.9715909503065514427e+3,
                          1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
                          3.3430575583588128105e+4, 2.5090809287301226727e+3};
  constexpr double b[] = {1.0,
                          4.2313330701600911252e+1,
                          6.8718700749205790830e+2,
                          5.3941960214247511077e+3,
                          2.1213794301586595867e+4,
                          3.9307895800092710610e+4,
                          2.8729085735721942674e+4,
                          5.2264952788528545610e+3};
  constexpr double c[] = {1.42343711074968357734e0,  4.63033784615654529590e0, 5.76949722146069140550e0,
                          3.64784832476320460504e0,  1.27045825245236838258e0, 2.41780725177450611770e-1,
                          2.27238449892691845833e-2, 7.74545014278341407640e-4};
  constexpr double d[] = {1.0,
                          2.05319162663775882187e0,
                          1.67638483018380384940e0,
                          6.89767334985100004550e-1,
                          1.48103976427480074590e-1,
                          1.51986665636164571966e-2,
                          5.47593808499534494600e-4,
                          1.05075007164441684324e-9};
  const vd q = p - 0.5;
  const vd centre = 0.180625 - q * q;
  const vd inner = q * polynomial(centre, a) / polynomial(centre, b);

  const vd tail = sqrt(-log(q < 0.0 ? p : 1.0 - p)) - 1.6;
  const vd outer = polynomial(tail, c) / polynomial(tail, d);
  return centre >= 0.0 ? inner : (q < 0.0 ? -outer : outer);
}

// Quantiles at from + u (1 - 2 from) for u = the words as odd multiples of 2^-33 in (0, 1).
FASTDL_INLINE vf normal_from_words(vu words, double from) {
  const vi centred = (vi)(words ^ 0x80000000u);  // as signed integers around 0
  const auto quantile = [=](vd w) { return normal_quantile((w + 2147483648.5) * 0x1p-32 * (1.0 - 2.0 * from) + from); };
  return join(quantile(lower(centred)), quantile(upper(centred)));
}

}  // namespace

void philox_u32(uint32_t* y, int64_t n, uint64_t seed, uint64_t counter, uint64_t stream) {
  random_loop(n, seed, counter, stream, [&](int64_t i, vu words, auto at) {
    __builtin_memcpy(y + i, &words, (size_t)at.lanes() * sizeof(uint32_t));
  });
}

void philox_uniform(float* y, int64_t n, uint64_t seed, uint64_t counter, float low, float high) {
  const float width = high - low;
  random_loop(n, seed, counter, 0, [&](int64_t i, vu words, auto at) {
    const vf v = unit_interval(words) * width + low;
    at.store(y + i, select(v < high, v, splat(low)));  // rounding may reach `high`
  });
}

void philox_normal(float* y, int64_t n, uint64_t seed, uint64_t counter, float mean, float std) {
  random_loop(n, seed, counter, 0,
              [&](int64_t i, vu words, auto at) { at.store(y + i, normal_from_words(words, 0.0) * std + mean); });
}

void philox_truncated_normal(float* y, int64_t n, uint64_t seed, uint64_t counter, float mean, float std) {
  constexpr double below = 0.0227501319481792072;  // the distribution function at -2
  random_loop(n, seed, counter, 0,
              [&](int64_t i, vu words, auto at) { at.store(y + i, normal_from_words(words, below) * std + mean); });
}

void dropout(float* y, uint8_t* mask, const float* x, int64_t n, uint64_t seed, uint64_t counter, float rate,
             float scale) {
  random_loop(n, seed, counter, 0, [&](int64_t i, vu words, auto at) {
    const vi keep = unit_interval(words) >= rate;
    at.store_mask(mask + i, keep);
    at.store(y + i, select(keep, at.load(x + i) * scale, splat(0.0f)));
  });
}

}  // namespace fastdl::FASTDL_ISA_NS
