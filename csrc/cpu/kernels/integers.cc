// Integers and movement: loops that compilers vectorize for this instruction set, and transposes.
#include "cpu/integer_op.h"
#include "cpu/kernels/declare.h"
#include "cpu/simd/transpose.h"

namespace fastdl::FASTDL_ISA_NS {
namespace {

// Arithmetic that wraps uses the unsigned type.
template <class T>
struct WrappingType {
  typedef T type;
};
template <>
struct WrappingType<int8_t> {
  typedef uint8_t type;
};
template <>
struct WrappingType<int32_t> {
  typedef uint32_t type;
};
template <>
struct WrappingType<int64_t> {
  typedef uint64_t type;
};
template <class T>
using Wrapping = typename WrappingType<T>::type;

// A scalar is read before anything is stored, so it may lie in the output. Otherwise an output equals an input or does
// not overlap it, so no store changes an element that is read later (ivdep).
template <class Out, class T, class F>
FASTDL_INLINE void map(void* y, const void* a, const void* b, int64_t n, int sa, int sb, F f) {
  Out* const to = (Out*)y;
  const T *const u = (const T*)a, *const v = (const T*)b;
  if (n <= 0) return;
  if (sa && sb) {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) to[i] = Out(f(u[i], v[i]));
  } else if (sa) {
    const T one = *v;
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) to[i] = Out(f(u[i], one));
  } else if (sb) {
    const T one = *u;
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) to[i] = Out(f(one, v[i]));
  } else {
    const Out one = Out(f(*u, *v));
    for (int64_t i = 0; i < n; ++i) to[i] = one;
  }
}

template <class T>
FASTDL_INLINE void compute(IntegerOp op, void* y, const void* a, const void* b, int64_t n, int sa, int sb) {
  typedef Wrapping<T> W;
#define FASTDL_CASE(name, Out, formula) \
  case IntegerOp::name: return map<Out, T>(y, a, b, n, sa, sb, [](T u, T v) { return formula; })
  switch (op) {
    FASTDL_CASE(add, T, W(u) + W(v));
    FASTDL_CASE(sub, T, W(u) - W(v));
    FASTDL_CASE(mul, T, W(u) * W(v));
    FASTDL_CASE(maximum, T, u > v ? u : v);
    FASTDL_CASE(minimum, T, u < v ? u : v);
    FASTDL_CASE(eq, uint8_t, u == v);
    FASTDL_CASE(ne, uint8_t, u != v);
    FASTDL_CASE(lt, uint8_t, u < v);
    FASTDL_CASE(le, uint8_t, u <= v);
    FASTDL_CASE(gt, uint8_t, u > v);
    FASTDL_CASE(ge, uint8_t, u >= v);
  }
#undef FASTDL_CASE
}

}  // namespace

__attribute__((flatten)) void integers(IntegerOp op, int kind, void* y, const void* a, const void* b, int64_t n, int sa,
                                       int sb) {
  switch (kind) {
    case 1: return compute<uint8_t>(op, y, a, b, n, sa, sb);
    case -1: return compute<int8_t>(op, y, a, b, n, sa, sb);
    case -4: return compute<int32_t>(op, y, a, b, n, sa, sb);
    default: return compute<int64_t>(op, y, a, b, n, sa, sb);
  }
}

__attribute__((flatten)) void transpose_words(float* y, int64_t y_row, const float* x, int64_t x_row, int64_t rows,
                                              int64_t columns) {
  for (int64_t i = 0; i < rows; i += kLanes)
    for (int64_t j = 0; j < columns; j += kLanes) {
      const int64_t m = rows - i < kLanes ? rows - i : kLanes, n = columns - j < kLanes ? columns - j : kLanes;
      const float* const from = x + i * x_row + j;
      float* const to = y + j * y_row + i;
      vf v[kLanes];
      if (m == kLanes && n == kLanes) {
        load_transposed<true>(v, from, x_row, m, n);
#pragma GCC unroll 16
        for (int l = 0; l < kLanes; ++l) store(to + l * y_row, v[l]);
      } else {
        load_transposed<false>(v, from, x_row, m, n);
#pragma GCC unroll 16
        for (int l = 0; l < kLanes; ++l)
          if (l < n) store_n(to + l * y_row, v[l], m);
      }
    }
}

}  // namespace fastdl::FASTDL_ISA_NS
