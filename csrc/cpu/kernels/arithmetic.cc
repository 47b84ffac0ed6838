// Arithmetic, comparisons and selection.
#include "cpu/kernels/declare.h"
#include "cpu/simd/loops.h"
#include "cpu/simd/math.h"

namespace fastdl::FASTDL_ISA_NS {

FASTDL_BINARY(add) {
  map2(y, a, b, n, sa, sb, [](vf u, vf v) { return u + v; });
}
FASTDL_BINARY(sub) {
  map2(y, a, b, n, sa, sb, [](vf u, vf v) { return u - v; });
}
FASTDL_BINARY(mul) {
  map2(y, a, b, n, sa, sb, [](vf u, vf v) { return u * v; });
}
FASTDL_BINARY(div) {
  map2(y, a, b, n, sa, sb, [](vf u, vf v) { return u / v; });
}
FASTDL_BINARY(maximum) {
  map2(y, a, b, n, sa, sb, [](vf u, vf v) { return max(u, v); });
}
FASTDL_BINARY(minimum) {
  map2(y, a, b, n, sa, sb, [](vf u, vf v) { return min(u, v); });
}
FASTDL_BINARY(pow) {
  map2(y, a, b, n, sa, sb, [](vf u, vf v) { return pow(u, v); });
}

FASTDL_BINARY(huber) {
  const float delta = p[0], half = 0.5f * delta;
  map2(y, a, b, n, sa, sb, [=](vf u, vf v) {
    const vf d = abs(u - v);
    return select(d <= delta, d * 0.5f * d, (d - half) * delta);
  });
}

FASTDL_COMPARE(eq) {
  compare2(y, a, b, n, sa, sb, [](vf u, vf v) -> vi { return u == v; });
}
FASTDL_COMPARE(ne) {
  compare2(y, a, b, n, sa, sb, [](vf u, vf v) -> vi { return u != v; });
}
FASTDL_COMPARE(lt) {
  compare2(y, a, b, n, sa, sb, [](vf u, vf v) -> vi { return u < v; });
}
FASTDL_COMPARE(le) {
  compare2(y, a, b, n, sa, sb, [](vf u, vf v) -> vi { return u <= v; });
}
FASTDL_COMPARE(gt) {
  compare2(y, a, b, n, sa, sb, [](vf u, vf v) -> vi { return u > v; });
}
FASTDL_COMPARE(ge) {
  compare2(y, a, b, n, sa, sb, [](vf u, vf v) -> vi { return u >= v; });
}

__attribute__((flatten)) void where(float* y, const uint8_t* condition, const float* a, const float* b, int64_t n,
                                    int sa, int sb) {
  if (n <= 0) return;
  const Operand u(a, sa), v(b, sb);
  loop(n, [&](int64_t i, auto at) {
    const vi mask = at.load_mask(condition + i);
    at.store(y + i, select(mask, at.load(u.at(i)), at.load(v.at(i))));
  });
}

__attribute__((flatten)) void mask_scale(float* y, const float* x, const uint8_t* mask, int64_t n, float scale) {
  loop(n, [&](int64_t i, auto at) {
    at.store(y + i, select(at.load_mask(mask + i), at.load(x + i) * scale, splat(0.0f)));
  });
}

}  // namespace fastdl::FASTDL_ISA_NS
