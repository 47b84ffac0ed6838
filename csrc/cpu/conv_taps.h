// One axis of a correlation, which a convolution is, and which the gradient of its input is for each phase of its
// pixels.
#pragma once
#include <stdint.h>

#include <algorithm>
#include <numeric>

#include "cpu/conv.h"

namespace fastdl {

inline int64_t ceil_div(int64_t a, int64_t b) { return a > 0 ? (a + b - 1) / b : a / b; }
inline int64_t floor_div(int64_t a, int64_t b) { return a < 0 ? -((b - 1 - a) / b) : a / b; }

// Output t < steps lies at first + t step. It reads the inputs t stride + tap(q) for q < count, as far as they exist,
// and multiplies them by place(q) of the kernel. Taps ascend.
struct Taps {
  int64_t in, steps, stride, count;
  int64_t tap_0, tap_step, place_0, place_step;
  int64_t first, step;

  int64_t tap(int64_t q) const { return tap_0 + q * tap_step; }
  int64_t place(int64_t q) const { return place_0 + q * place_step; }
  int64_t lowest() const { return tap_0; }
  int64_t highest() const { return (steps - 1) * stride + tap(count - 1); }
};

inline Taps forward_taps(const ConvAxis& a) {
  return {a.in, a.out, a.stride, a.kernel, -a.low, a.dilation, 0, 1, 0, 1};
}

// The taps of the inputs phase, phase + stride, ...: output o meets input i at place q of the kernel if
// o stride = i + low - q dilation. Every few places do, from the last one down.
inline Taps backward_taps(const ConvAxis& a, int64_t phase) {
  Taps t = {a.out, ceil_div(a.in - phase, a.stride), 1, 0, 0, 1, 0, 0, phase, a.stride};
  const int64_t common = std::gcd(a.stride, a.dilation), every = a.stride / common;
  for (int64_t q = a.kernel - 1; q >= 0 && q >= a.kernel - every; --q) {
    const int64_t at = phase + a.low - q * a.dilation;
    if (at % a.stride) continue;
    t.count = q / every + 1;
    t.tap_0 = at / a.stride;
    t.tap_step = a.dilation / common;
    t.place_0 = q;
    t.place_step = -every;
    break;
  }
  return t;
}

// A kernel of one tap that meets every pixel: a product of matrices, whose sums have the same order.
inline bool is_pointwise(const ConvShape& s) {
  for (const ConvAxis* a : {&s.z, &s.y, &s.x})
    if (a->kernel != 1 || a->stride != 1 || a->in != a->out || a->low != 0) return false;
  return s.groups == 1;
}
inline int64_t pixels_of(const ConvShape& s) { return s.batch * s.z.in * s.y.in * s.x.in; }

// Outputs [begin, end), whose inputs exist for the taps [first, last).
struct Span {
  int64_t begin, end, first, last;
};

// The span from output t on, within [t, limit).
inline Span span_at(const Taps& a, int64_t t, int64_t limit) {
  const int64_t at = t * a.stride + a.tap_0;
  const int64_t first = std::clamp<int64_t>(ceil_div(-at, a.tap_step), 0, a.count);
  const int64_t last = std::clamp<int64_t>(floor_div(a.in - 1 - at, a.tap_step) + 1, 0, a.count);
  // It ends where an earlier tap begins to exist or the last one ceases to.
  int64_t end = limit;
  if (first > 0) end = std::min(end, ceil_div(-a.tap(first - 1), a.stride));
  if (last > 0) end = std::min(end, floor_div(a.in - 1 - a.tap(last - 1), a.stride) + 1);
  return {t, end, std::min(first, last), last};
}

// Calls f(span) for the spans of outputs [begin, end).
template <class F>
void for_spans(const Taps& a, int64_t begin, int64_t end, F f) {
  for (int64_t t = begin; t < end;) {
    const Span s = span_at(a, t, end);
    f(s);
    t = s.end;
  }
}

}  // namespace fastdl
