// Conversions between element types, by the rules of core/dtype.h. Most are plain loops, which compilers vectorize. The
// 16-bit floats go through float32, by conversion instructions or by integer arithmetic.
#include "cpu/kernels/declare.h"

namespace fastdl::FASTDL_ISA_NS {
namespace {

struct Truth {
  uint8_t bits;
};
struct Half {
  uint16_t bits;
};
struct Brain {
  uint16_t bits;
};

template <class A, class B>
constexpr bool kSame = false;
template <class A>
constexpr bool kSame<A, A> = true;
template <class T>
constexpr bool kShort = kSame<T, Half> || kSame<T, Brain>;  // only converts to float and back
template <class T>
constexpr bool kInteger = kSame<T, uint8_t> || kSame<T, int8_t> || kSame<T, int32_t> || kSame<T, int64_t>;

// The bits of a lane as another type.
FASTDL_INLINE uint32_t bits_of(float x) {
  uint32_t u;
  __builtin_memcpy(&u, &x, sizeof u);
  return u;
}
FASTDL_INLINE float float_of(uint32_t u) {
  float x;
  __builtin_memcpy(&x, &u, sizeof x);
  return x;
}

// --- one element -------------------------------------------------------------------------------------------

template <class To>
struct Bounds;
template <>
struct Bounds<uint8_t> {
  static constexpr float low = 0, high = 255;
};
template <>
struct Bounds<int8_t> {
  static constexpr float low = -128, high = 127;
};

template <class To>
FASTDL_INLINE To integer_of(float x) {
  if constexpr (sizeof(To) == 1) {
    const float inside = x < Bounds<To>::low ? Bounds<To>::low : x > Bounds<To>::high ? Bounds<To>::high : x;
    return To(int32_t(x == x ? inside : 0.0f));
  } else {
    // The upper bound is not a float. Values beyond it are replaced first, since their conversion is undefined.
    constexpr float beyond = sizeof(To) == 4 ? 0x1p31f : 0x1p63f;
    constexpr To high = To(sizeof(To) == 4 ? 0x7fffffff : 0x7fffffffffffffff);
    const To inside = To(x >= -beyond && x < beyond ? x : 0.0f);
    return x >= beyond ? high : x < -beyond ? To(-high - 1) : inside;
  }
}

FASTDL_INLINE Brain brain_of(float x) {
  const uint32_t u = bits_of(x), rounded = (u + 0x7fff + (u >> 16 & 1)) >> 16;
  return {uint16_t(x == x ? rounded : (u >> 16 | 0x40))};
}
FASTDL_INLINE float float_of(Brain x) { return float_of(uint32_t(x.bits) << 16); }

// As Float16 in core/float16.h.
FASTDL_INLINE Half half_of(float x) {
  const uint32_t u = bits_of(x), size = u & 0x7fffffff, sign = u >> 16 & 0x8000;
  const uint32_t normal = (size - (112u << 23) + 0xfff + (size >> 13 & 1)) >> 13;
  const uint32_t small = bits_of(float_of(size) + 0.5f) - bits_of(0.5f);
  const uint32_t large = size > 0x7f800000 ? (0x7e00 | (size >> 13 & 0x3ff)) : 0x7c00;
  const uint32_t r = size < 0x38800000 ? small : normal;
  return {uint16_t(sign | (size >= 0x47800000 ? large : r))};
}
FASTDL_INLINE float float_of(Half x) {
  const uint32_t sign = uint32_t(x.bits & 0x8000) << 16, size = x.bits & 0x7fff;
  const uint32_t normal = (size << 13) + (112u << 23) + (size >= 0x7c00 ? 112u << 23 : 0);
  const uint32_t small = bits_of(float(int32_t(size)) * 0x1p-24f);
  return float_of(sign | (size < 0x400 ? small : normal | (size > 0x7c00 ? 1u << 22 : 0)));
}

// Rounds to odd, so that a shorter float is rounded only once.
FASTDL_INLINE float sticky_float(int64_t x) {
  uint64_t size = x < 0 ? 0 - (uint64_t)x : (uint64_t)x;
  int shift = 0;
  if (size >> 24) {
    shift = 40 - __builtin_clzll(size);
    size = size >> shift | ((size & ((uint64_t(1) << shift) - 1)) != 0);
  }
  const float r = float(int32_t(size)) * float_of(uint32_t(127 + shift) << 23);
  return x < 0 ? -r : r;
}

template <class To, class From>
FASTDL_INLINE To one(From x) {
  if constexpr (kSame<From, Truth>)
    return one<To>(x.bits);
  else if constexpr (kShort<From> && kSame<To, float>)
    return float_of(x);
  else if constexpr (kSame<To, Truth>)
    return {uint8_t(x != From(0))};
  else if constexpr (kSame<From, float> && kInteger<To>)
    return integer_of<To>(x);
  else if constexpr (kSame<From, float> && kSame<To, Half>)
    return half_of(x);
  else if constexpr (kSame<From, float> && kSame<To, Brain>)
    return brain_of(x);
  else if constexpr (kShort<To>)
    return one<To>(sizeof(From) < 4 ? float(x) : sticky_float(x));
  else
    return To(x);
}

// --- runs of elements --------------------------------------------------------------------------------------

// Below AVX-512 only scalar instructions convert between float32 and int64. Compilers that vectorize this loop make it
// slower.
#if defined(__AVX512DQ__)
constexpr bool kOneByOne = false;
#else
constexpr bool kOneByOne = true;
#endif

template <class To, class From>
void run(To* y, const From* x, int64_t n) {
  if constexpr (kOneByOne && kSame<To, int64_t> && kSame<From, float>) {
    for (int64_t i = 0; i < n; ++i) {
      int64_t r = x[i] >= -0x1p63f && x[i] < 0x1p63f ? int64_t(x[i]) : one<int64_t>(x[i]);
      asm("" : "+r"(r));
      y[i] = r;
    }
  } else if constexpr (kOneByOne && kSame<To, float> && kSame<From, int64_t>) {
    for (int64_t i = 0; i < n; ++i) {
      int64_t v = x[i];
      asm("" : "+r"(v));
      y[i] = float(v);
    }
  } else {
    for (int64_t i = 0; i < n; ++i) y[i] = one<To>(x[i]);
  }
}

#if defined(__F16C__)
#if defined(__AVX512F__)
FASTDL_INLINE void widen(float* y, const Half* x) {
  _mm512_storeu_ps(y, _mm512_maskz_cvtph_ps(kAllLanes, _mm256_loadu_si256((const __m256i*)x)));
}
FASTDL_INLINE void narrow(Half* y, const float* x) {
  _mm256_storeu_si256((__m256i*)y, _mm512_maskz_cvtps_ph(kAllLanes, _mm512_loadu_ps(x), _MM_FROUND_TO_NEAREST_INT));
}
#else
FASTDL_INLINE void widen(float* y, const Half* x) {
  _mm256_storeu_ps(y, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)x)));
}
FASTDL_INLINE void narrow(Half* y, const float* x) {
  _mm_storeu_si128((__m128i*)y, _mm256_cvtps_ph(_mm256_loadu_ps(x), _MM_FROUND_TO_NEAREST_INT));
}
#endif
// The last elements go through a buffer, so that nothing beyond them is accessed.
template <class To, class From, class F>
FASTDL_INLINE void vectors(To* y, const From* x, int64_t n, F f) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) f(y + i, x + i);
  if (i == n) return;
  From last[kLanes] = {};
  To result[kLanes];
  __builtin_memcpy(last, x + i, size_t(n - i) * sizeof(From));
  f(result, last);
  __builtin_memcpy(y + i, result, size_t(n - i) * sizeof(To));
}
template <>
void run(float* y, const Half* x, int64_t n) {
  vectors(y, x, n, [](float* to, const Half* from) { widen(to, from); });
}
template <>
void run(Half* y, const float* x, int64_t n) {
  vectors(y, x, n, [](Half* to, const float* from) { narrow(to, from); });
}
#endif

// Through float32, which holds all values of From.
template <class To, class From>
void run_through_float(To* y, const From* x, int64_t n) {
  constexpr int64_t kBlock = 512;
  float block[kBlock];
  for (int64_t i = 0; i < n; i += kBlock) {
    const int64_t count = n - i < kBlock ? n - i : kBlock;
    run(block, x + i, count);
    run(y + i, block, count);
  }
}

template <class To, class From>
void cast_to(void* to, const void* from, int64_t n) {
  To* y = static_cast<To*>(to);
  const From* x = static_cast<const From*>(from);
  if constexpr (kSame<To, From> || (kSame<From, Truth> && sizeof(To) == 1))
    __builtin_memmove(y, x, size_t(n) * sizeof(To));
  else if constexpr ((kShort<From> && !kSame<To, float>) || (kShort<To> && sizeof(From) == 1))
    run_through_float(y, x, n);
  else
    run(y, x, n);
}

template <class From>
void cast_from(void* y, DType to, const void* x, int64_t n) {
  switch (to) {
    case DType::bool8: return cast_to<Truth, From>(y, x, n);
    case DType::uint8: return cast_to<uint8_t, From>(y, x, n);
    case DType::int8: return cast_to<int8_t, From>(y, x, n);
    case DType::int32: return cast_to<int32_t, From>(y, x, n);
    case DType::int64: return cast_to<int64_t, From>(y, x, n);
    case DType::float16: return cast_to<Half, From>(y, x, n);
    case DType::bfloat16: return cast_to<Brain, From>(y, x, n);
    case DType::float32: return cast_to<float, From>(y, x, n);
  }
}

}  // namespace

void cast(void* y, DType to, const void* x, DType from, int64_t n) {
  switch (from) {
    case DType::bool8: return cast_from<Truth>(y, to, x, n);
    case DType::uint8: return cast_from<uint8_t>(y, to, x, n);
    case DType::int8: return cast_from<int8_t>(y, to, x, n);
    case DType::int32: return cast_from<int32_t>(y, to, x, n);
    case DType::int64: return cast_from<int64_t>(y, to, x, n);
    case DType::float16: return cast_from<Half>(y, to, x, n);
    case DType::bfloat16: return cast_from<Brain>(y, to, x, n);
    case DType::float32: return cast_from<float>(y, to, x, n);
  }
}

}  // namespace fastdl::FASTDL_ISA_NS
