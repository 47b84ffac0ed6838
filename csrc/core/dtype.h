// Element types. Networks compute in float32. int64, int32, uint8 and bool hold indices, labels, images and masks.
// float16, bfloat16 and int8 are storage types: tensors hold them, but ops compute in float32 (or integers).
#pragma once
#include <stdint.h>

#include <limits>
#include <type_traits>

#include "core/check.h"
#include "core/dtype_list.h"
#include "core/float16.h"

namespace fastdl {

enum class Kind : uint8_t { truth, integer, floating };

struct DTypeRow {
  const char* name;
  int64_t size;
  Kind kind;
  bool storage;
  DType computing;  // in which ops compute, where they accept this storage type
};
inline constexpr DTypeRow dtype_rows[kDTypes] = {
    {"bool", 1, Kind::truth, false, DType::bool8},         {"uint8", 1, Kind::integer, false, DType::uint8},
    {"int8", 1, Kind::integer, true, DType::int32},        {"int32", 4, Kind::integer, false, DType::int32},
    {"int64", 8, Kind::integer, false, DType::int64},      {"float16", 2, Kind::floating, true, DType::float32},
    {"bfloat16", 2, Kind::floating, true, DType::float32}, {"float32", 4, Kind::floating, false, DType::float32},
};
constexpr const DTypeRow& row_of(DType t) { return dtype_rows[int(t)]; }
constexpr int64_t size_of(DType t) { return row_of(t).size; }
constexpr const char* name_of(DType t) { return row_of(t).name; }
constexpr Kind kind_of(DType t) { return row_of(t).kind; }
constexpr bool is_float(DType t) { return kind_of(t) == Kind::floating; }
constexpr bool is_integer(DType t) { return kind_of(t) == Kind::integer; }
constexpr bool is_storage(DType t) { return row_of(t).storage; }
constexpr DType computing_type(DType t) { return row_of(t).computing; }

inline std::ostream& operator<<(std::ostream& s, DType t) { return s << name_of(t); }

// The type that a and b promote to (table in dtype.cc).
DType promote(DType a, DType b);
// The same where either may be a Python number (`weak`), of which only the kind counts.
DType promote(DType a, bool weak_a, DType b, bool weak_b);

[[noreturn]] void raise_storage_type(DType t);

// Calls f with a value of the C++ type of `t`: dispatch(t, [&](auto zero) { using T = decltype(zero); });
// bool8 is uint8_t holding 0 or 1. For computing: TypeError for a storage type.
template <class F>
decltype(auto) dispatch(DType t, F&& f) {
  switch (t) {
    case DType::bool8:
    case DType::uint8: return f(uint8_t(0));
    case DType::int32: return f(int32_t(0));
    case DType::int64: return f(int64_t(0));
    case DType::float32: break;
    default: raise_storage_type(t);
  }
  return f(float(0));
}
// The same for all types. The 16-bit types support only convert().
template <class F>
decltype(auto) dispatch_all(DType t, F&& f) {
  switch (t) {
    case DType::int8: return f(int8_t(0));
    case DType::float16: return f(Float16());
    case DType::bfloat16: return f(BFloat16());
    default: return dispatch(t, f);
  }
}
// Calls f with an unsigned integer of `size` bytes, for ops that only move values.
template <class F>
decltype(auto) dispatch_size(int64_t size, F&& f) {
  switch (size) {
    case 1: return f(uint8_t(0));
    case 2: return f(uint16_t(0));
    case 4: return f(uint32_t(0));
  }
  return f(uint64_t(0));
}

// Integer arithmetic wraps, as in NumPy: it is done in the unsigned type, where C++ defines it.
template <class T>
using Wrapping = std::conditional_t<std::is_integral_v<T>, std::make_unsigned<T>, std::type_identity<T>>::type;

// The one rule for conversions between types. A float becomes an integer by truncation. Beyond the type's range it
// becomes the nearest bound, and NaN becomes 0. An integer becomes a narrower one by wrapping. A number becomes a
// shorter float by rounding to the nearest, ties to even.
template <class To, class From>
constexpr To convert(From x) {
  if constexpr (kIsFloat16<From>) {
    return convert<To>(float(x));
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    constexpr From low = From(std::numeric_limits<To>::min());
    constexpr From beyond = From(std::numeric_limits<To>::max() / 2 + 1) * 2;  // max + 1, a power of two
    if (x >= low && x < beyond) return To(x);
    return x < low ? std::numeric_limits<To>::min() : x >= beyond ? std::numeric_limits<To>::max() : To(0);
  } else {
    return To(x);
  }
}
// The same for a type known at run time. bool8 is whether x is not zero.
template <class To, class From>
constexpr To convert_to(DType t, From x) {
  if (t == DType::bool8) return To(uint8_t(convert<double>(x) != 0));
  return convert<To>(x);
}

}  // namespace fastdl
