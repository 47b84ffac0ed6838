// Element types. float32 is what networks compute in; the others carry indices, labels, masks, images.
#pragma once
#include <stdint.h>

#include <limits>
#include <type_traits>

#include "core/check.h"

namespace fastdl {

enum class DType : uint8_t { bool8, uint8, int32, int64, float32 };  // in order of promotion

constexpr int64_t size_of(DType t) {
  return t == DType::int64 ? 8 : t == DType::bool8 || t == DType::uint8 ? 1 : 4;
}
constexpr const char* name_of(DType t) {
  constexpr const char* names[] = {"bool", "uint8", "int32", "int64", "float32"};
  return names[int(t)];
}
constexpr bool is_float(DType t) { return t == DType::float32; }

inline std::ostream& operator<<(std::ostream& s, DType t) { return s << name_of(t); }

// Calls f with a value of the C++ type of `t`: dispatch(t, [&](auto zero) { using T = decltype(zero); });
// bool8 is uint8_t holding 0 or 1.
template <class F>
decltype(auto) dispatch(DType t, F&& f) {
  switch (t) {
    case DType::bool8:
    case DType::uint8: return f(uint8_t(0));
    case DType::int32: return f(int32_t(0));
    case DType::int64: return f(int64_t(0));
    case DType::float32: break;
  }
  return f(float(0));
}

// Integer arithmetic wraps, as in NumPy: it is done in the unsigned type, where C++ defines it.
template <class T>
using Wrapping = std::conditional_t<std::is_integral_v<T>, std::make_unsigned<T>, std::type_identity<T>>::type;

// The one rule for numbers that change their type. A float becomes an integer by truncation; beyond the type's
// range it becomes the nearest bound, and NaN becomes 0. An integer becomes a narrower one by wrapping.
template <class To, class From>
constexpr To convert(From x) {
  if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    constexpr From low = From(std::numeric_limits<To>::min());
    constexpr From beyond = From(std::numeric_limits<To>::max() / 2 + 1) * 2;  // max + 1, a power of two
    if (x >= low && x < beyond) return To(x);
    return x < low ? std::numeric_limits<To>::min() : x >= beyond ? std::numeric_limits<To>::max() : To(0);
  } else {
    return To(x);
  }
}

}  // namespace fastdl
