// Binary ops on two elements, for types and ops without a kernel. Integers wrap.
#pragma once
#include <cmath>
#include <type_traits>

#include "core/check.h"
#include "ops/arguments.h"

namespace fastdl {

struct Add {
  template <class T>
  T operator()(T a, T b) const {
    return T(Wrapping<T>(a) + Wrapping<T>(b));
  }
};
struct Sub {
  template <class T>
  T operator()(T a, T b) const {
    return T(Wrapping<T>(a) - Wrapping<T>(b));
  }
};
struct Mul {
  template <class T>
  T operator()(T a, T b) const {
    return T(Wrapping<T>(a) * Wrapping<T>(b));
  }
};
struct Div {
  template <class T>
  T operator()(T a, T b) const {
    return a / b;
  }
};
// Rounds towards minus infinity, as Python does. For integers x // 0 is 0, as in NumPy, and the smallest // -1 wraps to
// itself. For floats it agrees with the remainder: 1 // 0.1 is 9, since the float 0.1 is slightly larger than 1/10.
struct FloorDiv {
  template <class T>
  T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      if (b == 0 || !std::isfinite(a)) return std::floor(a / b);
      const T rest = std::fmod(a, b);
      const T whole = (a - rest) / b - T(rest != 0 && (rest < 0) != (b < 0));
      return whole == 0 ? std::copysign(T(0), a / b) : std::round(whole);
    } else {
      if (b == 0) return 0;
      if (std::is_signed_v<T> && b == T(-1)) return T(Wrapping<T>(0) - Wrapping<T>(a));
      T q = a / b;
      return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
    }
  }
};
// Takes the sign of the divisor, as Python does; x % 0 is 0 for integers.
struct Mod {
  template <class T>
  T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      T r = std::fmod(a, b);
      return r != 0 && (r < 0) != (b < 0) ? r + b : r;
    } else {
      if (b == 0 || (std::is_signed_v<T> && b == T(-1))) return 0;
      T r = a % b;
      return r != 0 && (r < 0) != (b < 0) ? r + b : r;
    }
  }
};
struct Pow {
  template <class T>
  T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      return std::pow(a, b);
    } else {
      FASTDL_CHECK(!(b < 0), ValueError, "pow: integers cannot be raised to a negative power; cast to float32");
      Wrapping<T> result = 1, base = Wrapping<T>(a);
      for (auto e = Wrapping<T>(b); e; e >>= 1, base *= base)
        if (e & 1) result *= base;
      return T(result);
    }
  }
};
struct Max {
  template <class T>
  T operator()(T a, T b) const {
    return a > b ? a : b;
  }
};
struct Min {
  template <class T>
  T operator()(T a, T b) const {
    return a < b ? a : b;
  }
};

}  // namespace fastdl
