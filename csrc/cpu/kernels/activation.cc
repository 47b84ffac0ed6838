// Activations and their gradients. A gradient takes (dy, t). t is the output y if the derivative follows from it (one
// array less to keep), else the input x. The rows of kernels.inc say which.
#include "cpu/kernels/declare.h"
#include "cpu/simd/loops.h"
#include "cpu/simd/math.h"

namespace fastdl::FASTDL_ISA_NS {
namespace {

// Self-normalizing neural networks, Klambauer et al. 2017, appendix: the fixed point (0, 1).
constexpr float kSeluAlpha = 1.67326324235437728f, kSeluScale = 1.05070098735548049f;
constexpr float kInvSqrtTwoPi = 0.398942280401432678f;
// tanh form of GELU: x sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3)
constexpr float kGeluOuter = 2 * 0.797884560802865356f, kGeluInner = 0.044715f;

FASTDL_INLINE vf gelu_exponent(vf x) { return kGeluOuter * x * (1.0f + kGeluInner * x * x); }

}  // namespace

FASTDL_UNARY(relu) {
  map1(y, x, n, [](vf v) { return select(v <= 0.0f, splat(0.0f), v); });
}
FASTDL_UNARY(leaky_relu) {
  const vf slope = splat(p[0]);
  map1(y, x, n, [=](vf v) { return select(v > 0.0f, v, slope * v); });
}
FASTDL_UNARY(elu) {
  const vf alpha = splat(p[0]);
  map1(y, x, n, [=](vf v) { return select(v > 0.0f, v, alpha * expm1_nonpositive(v)); });
}
FASTDL_UNARY(selu) {
  map1(y, x, n, [](vf v) { return select(v > 0.0f, kSeluScale * v, kSeluScale * kSeluAlpha * expm1_nonpositive(v)); });
}
FASTDL_UNARY(gelu_erf) {
  map1(y, x, n, [](vf v) {
    vf bell;
    return v * normal_cdf(v, bell);
  });
}
FASTDL_UNARY(gelu_tanh) {
  map1(y, x, n, [](vf v) { return v * sigmoid(gelu_exponent(v)); });
}
FASTDL_UNARY(silu) {
  map1(y, x, n, [](vf v) { return v * sigmoid(v); });
}
FASTDL_UNARY(softplus) {
  map1(y, x, n, [](vf v) { return softplus(v); });
}
FASTDL_UNARY(softsign) {
  map1(y, x, n, [](vf v) { return v / (1.0f + abs(v)); });
}
FASTDL_UNARY(sigmoid) {
  map1(y, x, n, [](vf v) { return sigmoid(v); });
}
FASTDL_UNARY(hard_sigmoid) {
  map1(y, x, n, [](vf v) { return min(max(v / 6.0f + 0.5f, splat(0.0f)), splat(1.0f)); });
}
FASTDL_UNARY(tanh) {
  map1(y, x, n, [](vf v) { return tanh(v); });
}

FASTDL_BINARY(relu_grad) {
  map2(y, a, b, n, sa, sb, [](vf dy, vf t) { return select(t <= 0.0f, splat(0.0f), dy); });
}
FASTDL_BINARY(leaky_relu_grad) {
  const vf slope = splat(p[0]);
  map2(y, a, b, n, sa, sb, [=](vf dy, vf t) { return select(t > 0.0f, dy, slope * dy); });
}
FASTDL_BINARY(elu_grad) {
  const vf alpha = splat(p[0]);
  map2(y, a, b, n, sa, sb, [=](vf dy, vf t) { return select(t > 0.0f, dy, dy * (t + alpha)); });
}
FASTDL_BINARY(selu_grad) {
  map2(y, a, b, n, sa, sb,
       [](vf dy, vf t) { return dy * select(t > 0.0f, splat(kSeluScale), t + kSeluScale * kSeluAlpha); });
}
FASTDL_BINARY(gelu_erf_grad) {
  map2(y, a, b, n, sa, sb, [](vf dy, vf x) {
    vf bell;
    const vf cdf = normal_cdf(x, bell);
    return dy * (cdf + x * (kInvSqrtTwoPi * bell));
  });
}
FASTDL_BINARY(gelu_tanh_grad) {
  map2(y, a, b, n, sa, sb, [](vf dy, vf x) {
    vf derivative;
    const vf gate = sigmoid(gelu_exponent(x), derivative);
    const vf square = min(x * x, splat(1e3f));  // past this the derivative is 0
    const vf inner = kGeluOuter * (1.0f + 3 * kGeluInner * square);
    return dy * (gate + x * derivative * inner);
  });
}
FASTDL_BINARY(silu_grad) {
  map2(y, a, b, n, sa, sb, [](vf dy, vf x) {
    vf derivative;
    const vf gate = sigmoid(x, derivative);
    return dy * (gate + x * derivative);
  });
}
FASTDL_BINARY(softplus_grad) {
  map2(y, a, b, n, sa, sb, [](vf dy, vf x) { return dy * sigmoid(x); });
}
FASTDL_BINARY(softsign_grad) {
  map2(y, a, b, n, sa, sb, [](vf dy, vf x) {
    const vf d = 1.0f + abs(x);
    return dy / d / d;
  });
}
FASTDL_BINARY(sigmoid_grad) {
  map2(y, a, b, n, sa, sb, [](vf dy, vf t) { return dy * (t * (1.0f - t)); });
}
FASTDL_BINARY(hard_sigmoid_grad) {
  map2(y, a, b, n, sa, sb,
       [](vf dy, vf x) { return select((vi)(x > -3.0f) & (vi)(x < 3.0f), dy / 6.0f, splat(0.0f)); });
}
FASTDL_BINARY(tanh_grad) {
  map2(y, a, b, n, sa, sb, [](vf dy, vf t) { return dy * (1.0f - t * t); });
}

}  // namespace fastdl::FASTDL_ISA_NS
