// The one vector wrapper. Kernels are written once against the names below and compiled once per ISA (see
// CMakeLists.txt: FASTDL_ISA_NS and the -m flags differ, the sources do not). The types are GCC/Clang vector
// extensions, which provide arithmetic, comparisons and `mask ? a : b`. Only what they lack (fused multiply-add, square
// root, rounding, partial loads) is spelled per ISA, with a plain fallback that builds on any architecture.
//
// Everything lives in an anonymous namespace inside a per-ISA namespace, and nothing here may use a standard-library
// template. If the linker merged an inline function with a copy built for a wider ISA, an older CPU would meet an
// illegal instruction. `csrc/cpu/check_objects.py` checks this.
#pragma once
#include <stddef.h>
#include <stdint.h>

#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#ifndef FASTDL_ISA_NS
#error "compile kernel files with -DFASTDL_ISA_NS=<isa>"
#endif

#define FASTDL_INLINE inline __attribute__((always_inline))

namespace fastdl::FASTDL_ISA_NS {
namespace {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
// Some unmasked intrinsics start from an "undefined" register, which GCC 12 warns about
// (-Wmaybe-uninitialized); with this constant mask the zeroing forms give the same instructions.
constexpr __mmask16 kAllLanes = 0xffff;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

typedef float vf __attribute__((vector_size(kLanes * 4)));
typedef int32_t vi __attribute__((vector_size(kLanes * 4)));
typedef uint32_t vu __attribute__((vector_size(kLanes * 4)));
typedef int8_t vb __attribute__((vector_size(kLanes)));      // one byte per float32 lane
typedef double vd __attribute__((vector_size(kLanes * 4)));  // a register of doubles: half the lanes
typedef int64_t vl __attribute__((vector_size(kLanes * 4)));
typedef uint64_t vul __attribute__((vector_size(kLanes * 4)));

// Not vf{} + x, which would turn -0 into +0; this compiles to the bare broadcast.
FASTDL_INLINE vf splat(float x) { return x - vf{}; }
FASTDL_INLINE vi splat_i(int32_t x) { return vi{} + x; }

FASTDL_INLINE vf load(const float* p) {
  vf v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
FASTDL_INLINE void store(float* p, vf v) { __builtin_memcpy(p, &v, sizeof v); }

FASTDL_INLINE vi as_int(vf v) { return (vi)v; }
FASTDL_INLINE vf as_float(vi v) { return (vf)v; }

// 0, 1, 2, ... in the lanes, and the mask of the first n lanes.
FASTDL_INLINE vi iota() {
  vi v;
  for (int i = 0; i < kLanes; ++i) v[i] = i;
  return v;
}
FASTDL_INLINE vi first_lanes(int64_t n) { return iota() < splat_i((int32_t)n); }

// First n lanes from p (0 <= n <= kLanes), the others zero. Never reads past p + n.
FASTDL_INLINE vf load_n(const float* p, int64_t n) {
#if defined(__AVX512F__)
  return (vf)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#elif defined(__AVX2__)
  return (vf)_mm256_maskload_ps(p, (__m256i)first_lanes(n));
#else
  vf v = {};
  for (int64_t i = 0; i < n; ++i) v[i] = p[i];
  return v;
#endif
}
// The same, with the other lanes from `rest`.
FASTDL_INLINE vf load_n(const float* p, int64_t n, vf rest) { return first_lanes(n) ? load_n(p, n) : rest; }
// Half a vector from each address. Joining a load to a register needs no shuffle port.
FASTDL_INLINE vf load_halves(const float* low, const float* high) {
#if defined(__AVX512F__)
  return (vf)_mm512_insertf32x8(_mm512_castps256_ps512(_mm256_loadu_ps(low)), _mm256_loadu_ps(high), 1);
#elif defined(__AVX2__)
  return (vf)_mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(low)), _mm_loadu_ps(high), 1);
#else
  vf v;
  __builtin_memcpy(&v, low, sizeof v / 2);
  __builtin_memcpy((char*)&v + sizeof v / 2, high, sizeof v / 2);
  return v;
#endif
}
// Stores the first n lanes only.
FASTDL_INLINE void store_n(float* p, vf v, int64_t n) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
#elif defined(__AVX2__)
  _mm256_maskstore_ps(p, (__m256i)first_lanes(n), (__m256)v);
#else
  for (int64_t i = 0; i < n; ++i) p[i] = v[i];
#endif
}

// The first n bytes at p as numbers 0 to 255, the other lanes zero; and numbers in that range stored as bytes.
FASTDL_INLINE vi load_bytes(const uint8_t* p, int64_t n) {
  typedef uint8_t vub __attribute__((vector_size(kLanes)));
  vub v = {};
  __builtin_memcpy(&v, p, (size_t)n);
#if defined(__AVX512F__)  // GCC 12 converts these vectors lane by lane
  return (vi)_mm512_maskz_cvtepu8_epi32(kAllLanes, (__m128i)v);
#elif defined(__AVX2__)
  int64_t bytes;
  __builtin_memcpy(&bytes, &v, sizeof v);
  return (vi)_mm256_cvtepu8_epi32(_mm_cvtsi64_si128(bytes));
#else
  return __builtin_convertvector(v, vi);
#endif
}
FASTDL_INLINE void store_bytes(uint8_t* p, vi x, int64_t n) {
#if defined(__AVX512F__)
  const vb v = (vb)_mm512_maskz_cvtepi32_epi8(kAllLanes, (__m512i)x);
#elif defined(__AVX2__)
  const __m256i m = (__m256i)x;
  const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(m), _mm256_extracti128_si256(m, 1));
  const __m128i bytes = _mm_packus_epi16(words, words);
  vb v;
  __builtin_memcpy(&v, &bytes, sizeof v);
#else
  const vb v = __builtin_convertvector(x, vb);
#endif
  __builtin_memcpy(p, &v, (size_t)n);
}
// The mask of the nonzero ones among the first n bytes at p, and a mask stored as n bytes 0 or 1.
FASTDL_INLINE vi load_mask(const uint8_t* p, int64_t n) { return load_bytes(p, n) != 0; }
FASTDL_INLINE void store_mask(uint8_t* p, vi mask, int64_t n) { store_bytes(p, mask & 1, n); }

FASTDL_INLINE vi load_i(const int32_t* p, int64_t n) { return as_int(load_n((const float*)p, n)); }
FASTDL_INLINE void store_i(int32_t* p, vi x, int64_t n) { store_n((float*)p, as_float(x), n); }
// p[index] in the lanes of the mask, `rest` in the others, whose addresses are not read.
FASTDL_INLINE vf gather(const float* p, vi index, vi mask, vf rest) {
#if defined(__AVX512F__)
  return (vf)_mm512_mask_i32gather_ps((__m512)rest, _mm512_movepi32_mask((__m512i)mask), (__m512i)index, p, 4);
#elif defined(__AVX2__)
  return (vf)_mm256_mask_i32gather_ps((__m256)rest, p, (__m256i)index, (__m256)mask, 4);
#else
  for (int i = 0; i < kLanes; ++i)
    if (mask[i]) rest[i] = p[index[i]];
  return rest;
#endif
}

// a * b + c, rounded once where the ISA has FMA; baseline x86-64 rounds twice.
FASTDL_INLINE vf fma(vf a, vf b, vf c) {
#if defined(__AVX512F__)
  return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__FMA__)
  return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(__ARM_NEON)
  return (vf)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
  return a * b + c;
#endif
}

FASTDL_INLINE vf sqrt(vf x) {
#if defined(__AVX512F__)
  return (vf)_mm512_maskz_sqrt_ps(kAllLanes, (__m512)x);
#elif defined(__AVX2__)
  return (vf)_mm256_sqrt_ps((__m256)x);
#elif defined(__SSE2__)
  return (vf)_mm_sqrt_ps((__m128)x);
#else
  for (int i = 0; i < kLanes; ++i) x[i] = __builtin_sqrtf(x[i]);
  return x;
#endif
}

FASTDL_INLINE vf select(vi mask, vf a, vf b) { return mask ? a : b; }
FASTDL_INLINE vi select(vi mask, vi a, vi b) { return mask ? a : b; }
FASTDL_INLINE vf abs(vf x) { return (vf)((vi)x & 0x7fffffff); }
FASTDL_INLINE vf copysign(vf magnitude, vf sign) {
  return (vf)(((vi)magnitude & 0x7fffffff) | ((vi)sign & (int32_t)0x80000000));
}

// As IEEE 754-2019 maximum and minimum, a NaN on either side is carried to the result; of two zeros
// either may be returned.
FASTDL_INLINE vf max(vf a, vf b) {
  vf r = a > b ? a : b;
  return a == a ? r : a;
}
FASTDL_INLINE vf min(vf a, vf b) {
  vf r = a < b ? a : b;
  return a == a ? r : a;
}

// Double precision takes a vector in two halves: x = join(f(lower(x)), f(upper(x))), for floats and integers.
typedef float half_vf __attribute__((vector_size(kLanes * 2)));
typedef int32_t half_vi __attribute__((vector_size(kLanes * 2)));
template <class Half, class V>
FASTDL_INLINE vd half_as_double(V v, int which) {
  Half h;
  __builtin_memcpy(&h, (const char*)&v + which * sizeof h, sizeof h);
  return __builtin_convertvector(h, vd);
}
FASTDL_INLINE vd lower(vf v) { return half_as_double<half_vf>(v, 0); }
FASTDL_INLINE vd upper(vf v) { return half_as_double<half_vf>(v, 1); }
FASTDL_INLINE vd lower(vi v) { return half_as_double<half_vi>(v, 0); }
FASTDL_INLINE vd upper(vi v) { return half_as_double<half_vi>(v, 1); }
FASTDL_INLINE vf join(vd low, vd high) {
  const half_vf h[2] = {__builtin_convertvector(low, half_vf), __builtin_convertvector(high, half_vf)};
  vf v;
  __builtin_memcpy(&v, h, sizeof v);
  return v;
}

FASTDL_INLINE vf to_float(vi v) { return __builtin_convertvector(v, vf); }
// Truncates; |x| must be below 2^31.
FASTDL_INLINE vi to_int(vf v) { return __builtin_convertvector(v, vi); }

// Round to nearest, ties to even, for |x| < 2^22 (adds and removes 1.5 * 2^23).
FASTDL_INLINE vf round_small(vf x) {
  const vf magic = splat(12582912.0f);
  return (x + magic) - magic;
}

#if defined(__AVX512F__)
// x - round(x), 0 for infinities.
FASTDL_INLINE vf fraction(vf x) { return (vf)_mm512_maskz_reduce_ps(kAllLanes, (__m512)x, 0); }
#endif

// x * 2^n for integral n in [-252, 254]; rounds once, also into the subnormal range. (AVX-512: for any n.)
FASTDL_INLINE vf scale_by_power_of_two(vf x, vf n) {
#if defined(__AVX512F__)
  return (vf)_mm512_maskz_scalef_ps(kAllLanes, (__m512)x, (__m512)n);
#else
  // Two factors, each a normal number; the first product is exact while it is normal.
  const vi k = to_int(n), half = k >> 1;
  return x * (vf)((half + 127) << 23) * (vf)((k - half + 127) << 23);
#endif
}

// The 64-bit products of b with every lane of a, in halves.
FASTDL_INLINE void multiply_wide(vu a, uint32_t b, vu& high, vu& low) {
  low = a * b;
#if defined(__AVX512F__)
  const __m512i m = _mm512_set1_epi32((int)b);
  const __m512i even = _mm512_maskz_mul_epu32(0xff, (__m512i)a, m);
  const __m512i odd = _mm512_maskz_mul_epu32(0xff, _mm512_maskz_srli_epi64(0xff, (__m512i)a, 32), m);
  high = (vu)_mm512_mask_shuffle_epi32(odd, 0x5555, even, _MM_PERM_CDAB);
#elif defined(__AVX2__)
  const __m256i m = _mm256_set1_epi32((int)b);
  const __m256i even = _mm256_mul_epu32((__m256i)a, m);
  const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64((__m256i)a, 32), m);
  high = (vu)_mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
#else
  typedef uint64_t wide __attribute__((vector_size(kLanes * 8)));
  high = __builtin_convertvector((__builtin_convertvector(a, wide) * b) >> 32, vu);
#endif
}

// Transposes each 4 x 4 block: lanes 4q .. 4q + 3 of the four vectors.
FASTDL_INLINE void transpose_blocks(vu v[4]) {
#if defined(__AVX512F__)
  const __mmask16 all = kAllLanes;
  const __m512i a = (__m512i)v[0], b = (__m512i)v[1], c = (__m512i)v[2], d = (__m512i)v[3];
  const __m512i ab0 = _mm512_maskz_unpacklo_epi32(all, a, b), ab1 = _mm512_maskz_unpackhi_epi32(all, a, b),
                cd0 = _mm512_maskz_unpacklo_epi32(all, c, d), cd1 = _mm512_maskz_unpackhi_epi32(all, c, d);
  v[0] = (vu)_mm512_maskz_unpacklo_epi64(0xff, ab0, cd0);
  v[1] = (vu)_mm512_maskz_unpackhi_epi64(0xff, ab0, cd0);
  v[2] = (vu)_mm512_maskz_unpacklo_epi64(0xff, ab1, cd1);
  v[3] = (vu)_mm512_maskz_unpackhi_epi64(0xff, ab1, cd1);
#elif defined(__AVX2__)
  const __m256i a = (__m256i)v[0], b = (__m256i)v[1], c = (__m256i)v[2], d = (__m256i)v[3];
  const __m256i ab0 = _mm256_unpacklo_epi32(a, b), ab1 = _mm256_unpackhi_epi32(a, b), cd0 = _mm256_unpacklo_epi32(c, d),
                cd1 = _mm256_unpackhi_epi32(c, d);
  v[0] = (vu)_mm256_unpacklo_epi64(ab0, cd0);
  v[1] = (vu)_mm256_unpackhi_epi64(ab0, cd0);
  v[2] = (vu)_mm256_unpacklo_epi64(ab1, cd1);
  v[3] = (vu)_mm256_unpackhi_epi64(ab1, cd1);
#else
  uint32_t in[4][kLanes], out[4][kLanes];
  __builtin_memcpy(in, v, sizeof in);
  for (int l = 0; l < kLanes; ++l)
    for (int j = 0; j < 4; ++j) out[l % 4][l / 4 * 4 + j] = in[j][l];
  __builtin_memcpy(v, out, sizeof out);
#endif
}

// op() over all lanes, pairing lane i with i + w for w = kLanes / 2, ..., 2, 1. op takes vectors of any
// width.
typedef float v4f __attribute__((vector_size(16)));
template <class F>
FASTDL_INLINE float reduce(vf v, F op) {
#if defined(__AVX512F__)
  const __m256 half =
      (__m256)op(_mm512_maskz_extractf32x8_ps(0xff, (__m512)v, 0), _mm512_maskz_extractf32x8_ps(0xff, (__m512)v, 1));
  v4f q = op((v4f)_mm256_castps256_ps128(half), (v4f)_mm256_extractf128_ps(half, 1));
#elif defined(__AVX2__)
  v4f q = op((v4f)_mm256_castps256_ps128((__m256)v), (v4f)_mm256_extractf128_ps((__m256)v, 1));
#else
  v4f q = (v4f)v;
#endif
  q = op(q, v4f{q[2], q[3], q[0], q[1]});
  q = op(q, v4f{q[1], q[0], q[3], q[2]});
  return q[0];
}
FASTDL_INLINE float reduce_add(vf v) {
  return reduce(v, [](auto a, auto b) { return a + b; });
}
// Largest and smallest lane; NaN if there is one.
FASTDL_INLINE float reduce_max(vf v) {
  return reduce(v, [](auto a, auto b) {
    const auto r = a > b ? a : b;
    return a == a ? r : a;
  });
}
FASTDL_INLINE float reduce_min(vf v) { return -reduce_max(-v); }

// Lane i of the mask as bit i.
FASTDL_INLINE uint32_t mask_bits(vi mask) {
#if defined(__AVX512F__)
  return _mm512_movepi32_mask((__m512i)mask);
#elif defined(__AVX2__)
  return (uint32_t)_mm256_movemask_ps((__m256)mask);
#elif defined(__SSE2__)
  return (uint32_t)_mm_movemask_ps((__m128)mask);
#else
  uint32_t bits = 0;
  for (int i = 0; i < kLanes; ++i) bits |= (uint32_t)(mask[i] & 1) << i;
  return bits;
#endif
}

}  // namespace
}  // namespace fastdl::FASTDL_ISA_NS
