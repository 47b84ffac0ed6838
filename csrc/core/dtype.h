// Element types. float32 is what networks compute in; the others carry indices, labels, masks, images.
#pragma once
#include <stdint.h>

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

}  // namespace fastdl
