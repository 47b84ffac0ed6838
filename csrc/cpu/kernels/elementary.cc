// Elementary functions of one argument and the gradients that need a kernel of their own.
#include "cpu/kernels/declare.h"
#include "cpu/simd/loops.h"
#include "cpu/simd/math.h"

namespace fastdl::FASTDL_ISA_NS {

FASTDL_UNARY(neg) {
  map1(y, x, n, [](vf v) { return -v; });
}
FASTDL_UNARY(abs) {
  map1(y, x, n, [](vf v) { return abs(v); });
}
FASTDL_UNARY(sign) {
  map1(y, x, n, [](vf v) { return sign(v); });
}
FASTDL_UNARY(square) {
  map1(y, x, n, [](vf v) { return v * v; });
}
FASTDL_UNARY(sqrt) {
  map1(y, x, n, [](vf v) { return sqrt(v); });
}
FASTDL_UNARY(rsqrt) {
  map1(y, x, n, [](vf v) { return 1.0f / sqrt(v); });
}
FASTDL_UNARY(reciprocal) {
  map1(y, x, n, [](vf v) { return 1.0f / v; });
}
FASTDL_UNARY(floor) {
  map1(y, x, n, [](vf v) { return floor(v); });
}
FASTDL_UNARY(ceil) {
  map1(y, x, n, [](vf v) { return ceil(v); });
}
FASTDL_UNARY(round) {
  map1(y, x, n, [](vf v) { return round_even(v); });
}
FASTDL_UNARY(clip) {
  const vf low = splat(p[0]), high = splat(p[1]);
  map1(y, x, n, [=](vf v) { return min(max(v, low), high); });
}
FASTDL_UNARY(scale_shift) {
  const vf scale = splat(p[0]), shift = splat(p[1]);
  map1(y, x, n, [=](vf v) { return scale * v + shift; });
}
FASTDL_UNARY(exp) {
  map1(y, x, n, [](vf v) { return exp(v); });
}
FASTDL_UNARY(expm1) {
  map1(y, x, n, [](vf v) { return expm1(v); });
}
FASTDL_UNARY(log) {
  map1(y, x, n, [](vf v) { return log(v); });
}
FASTDL_UNARY(log1p) {
  map1(y, x, n, [](vf v) { return log1p(v); });
}
FASTDL_UNARY(sin) {
  map1(y, x, n, [](vf v) { return sin(v); });
}
FASTDL_UNARY(cos) {
  map1(y, x, n, [](vf v) { return cos(v); });
}
FASTDL_UNARY(erf) {
  map1(y, x, n, [](vf v) { return erf(v); });
}

FASTDL_BINARY(abs_grad) {
  map2(y, a, b, n, sa, sb, [](vf dy, vf x) { return dy * sign(x); });
}
FASTDL_BINARY(sqrt_grad) {
  map2(y, a, b, n, sa, sb, [](vf dy, vf root) { return dy * 0.5f / root; });
}
FASTDL_BINARY(root_grad) {
  map2(y, a, b, n, sa, sb, [](vf dy, vf root) { return select(root == 0.0f, splat(0.0f), dy * 0.5f / root); });
}

}  // namespace fastdl::FASTDL_ISA_NS
