// Random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC11).
// Element i is a function of (seed, counter + i / 4, i % 4) alone, so a range may be cut at any multiple of 4. All
// arithmetic below is exact or unfused, so every ISA gives the same bits.
#include "cpu/kernels/declare.h"
#include "cpu/simd/loops.h"
#include "cpu/simd/math.h"

namespace fastdl::FASTDL_ISA_NS {
namespace {

// The 4 * kLanes words of kLanes successive counters, in the order of their elements.
FASTDL_INLINE void philox(uint64_t seed, uint64_t counter, uint64_t stream, vu out[4]) {
  // Lane l works on the counter that puts its words in place after the transposition.
  const vi lane = iota();
  const vu offset = (vu)((lane & 3) * (kLanes / 4) + (lane >> 2));
  out[0] = offset + (uint32_t)counter;
  out[1] = (uint32_t)(counter >> 32) - (vu)(out[0] < offset);  // the carry
  out[2] = vu{} + (uint32_t)stream;
  out[3] = vu{} + (uint32_t)(stream >> 32);
  uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
  for (int round = 0; round < 10; ++round, k0 += 0x9E3779B9, k1 += 0xBB67AE85) {
    vu high0, low0, high1, low1;
    multiply_wide(out[0], 0xD2511F53, high0, low0);
    multiply_wide(out[2], 0xCD9E8D57, high1, low1);
    out[0] = high1 ^ out[1] ^ k0;
    out[2] = high0 ^ out[3] ^ k1;
    out[1] = low1;
    out[3] = low0;
  }
  transpose_blocks(out);
}

// f(i, words of elements i, i + 1, ..., at) for every vector of a range
template <class F>
FASTDL_INLINE void random_loop(int64_t n, uint64_t seed, uint64_t counter, uint64_t stream, F f) {
  vu words[4];
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes, counter += kLanes) {
    philox(seed, counter, stream, words);
    for (int k = 0; k < 4; ++k) f(i + k * kLanes, words[k], Full{});
  }
  if (i >= n) return;
  philox(seed, counter, stream, words);
  for (int k = 0; i < n; ++k, i += kLanes) f(i, words[k], Part{n - i < kLanes ? n - i : kLanes});
}

// The top 24 bits, as multiples of 2^-24 in [0, 1).
FASTDL_INLINE vf unit_interval(vu words) { return to_float((vi)(words >> 8)) * 0x1p-24f; }

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
