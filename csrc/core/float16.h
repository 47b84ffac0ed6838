// The two 16-bit floats as C++ types. They only convert; arithmetic is float32. Conversions round to nearest, ties to
// even, and overflow to infinity. NaN becomes a quiet NaN. The bits agree with cpu/kernels/cast.cc.
#pragma once
#include <bit>
#include <cmath>
#include <concepts>
#include <cstdint>

namespace fastdl {

// Rounds to odd (Boldo and Melquiond 2008), so that rounding the result to a shorter type gives what rounding x gives.
inline float sticky_float(double x) {
  const float f = float(x);
  uint32_t bits = std::bit_cast<uint32_t>(f);
  if (double(f) == x || x != x || bits & 1) return f;
  return std::bit_cast<float>(bits + (std::fabs(double(f)) < std::fabs(x) ? 1 : -1));
}
inline float sticky_float(int64_t x) {
  constexpr int kBits = 11;  // by which a double is shorter
  const uint64_t size = x < 0 ? 0 - uint64_t(x) : uint64_t(x), lost = size & ((1u << kBits) - 1);
  if (size < uint64_t(1) << 53) return sticky_float(double(x));
  const double near = std::ldexp(double(size >> kBits | (lost != 0)), kBits);
  return sticky_float(x < 0 ? -near : near);
}

struct Float16 {
  uint16_t bits = 0;

  Float16() = default;
  explicit Float16(float x) {
    const uint32_t u = std::bit_cast<uint32_t>(x), size = u & 0x7fffffff, sign = u >> 16 & 0x8000;
    uint32_t r;
    if (size > 0x7f800000)
      r = 0x7e00 | (size >> 13 & 0x3ff);
    else if (size >= 0x47800000)  // 2^16
      r = 0x7c00;
    else if (size < 0x38800000)  // 2^-14; the last bit of the sum is that of the result
      r = std::bit_cast<uint32_t>(std::bit_cast<float>(size) + 0.5f) - std::bit_cast<uint32_t>(0.5f);
    else
      r = (size - (112u << 23) + 0xfff + (size >> 13 & 1)) >> 13;
    bits = uint16_t(sign | r);
  }
  explicit Float16(double x) : Float16(sticky_float(x)) {}
  template <std::integral T>
  explicit Float16(T x) : Float16(sticky_float(int64_t(x))) {}

  explicit operator float() const {
    const uint32_t sign = uint32_t(bits & 0x8000) << 16, size = bits & 0x7fff;
    uint32_t u = (size << 13) + (112u << 23);
    if (size >= 0x7c00)
      u = (u + (112u << 23)) | (size > 0x7c00 ? 1u << 22 : 0);
    else if (size < 0x400)
      u = std::bit_cast<uint32_t>(float(size) * 0x1p-24f);
    return std::bit_cast<float>(sign | u);
  }
};

struct BFloat16 {
  uint16_t bits = 0;

  BFloat16() = default;
  explicit BFloat16(float x) {
    const uint32_t u = std::bit_cast<uint32_t>(x);
    bits = uint16_t(x != x ? u >> 16 | 0x40 : (u + 0x7fff + (u >> 16 & 1)) >> 16);
  }
  explicit BFloat16(double x) : BFloat16(sticky_float(x)) {}
  template <std::integral T>
  explicit BFloat16(T x) : BFloat16(sticky_float(int64_t(x))) {}

  explicit operator float() const { return std::bit_cast<float>(uint32_t(bits) << 16); }
};

template <class T>
inline constexpr bool kIsFloat16 = std::same_as<T, Float16> || std::same_as<T, BFloat16>;

}  // namespace fastdl
