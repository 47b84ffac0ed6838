// Optimizer steps: each one pass over the flat buffers of parameters, states and gradients. The order
// of operations is that of the formulas of Keras 3 (`keras.optimizers`) and PyTorch (`torch.optim`)
// in float32, where the two differ in more than rounding there are two kernels.
#include "cpu/kernels/declare.h"
#include "cpu/simd/loops.h"
#include "cpu/simd/math.h"

namespace fastdl::FASTDL_ISA_NS {
namespace {

// What happens to parameter and gradient before any rule: decoupled decay takes p * decay from p, then
// the gradient is scaled (clipping by norm, maximizing) and l2 * p is added to it.
struct Prepared {
  vf p, g;
};
FASTDL_INLINE Prepared prepare(vf p, vf g, float g_scale, float l2, float decay) {
  p = p - p * decay;
  return {p, g * g_scale + p * l2};
}

template <bool amsgrad>
FASTDL_INLINE void adam_step(float* p, float* m, float* v, float* v_max, const float* g, int64_t n,
                             float alpha, float take1, float take2, float eps, float g_scale,
                             float l2, float decay) {
  loop(n, [&](int64_t i, auto at) {
    const Prepared s = prepare(at.load(p + i), at.load(g + i), g_scale, l2, decay);
    vf mean = at.load(m + i), square = at.load(v + i);
    mean = mean + (s.g - mean) * take1;
    square = square + (s.g * s.g - square) * take2;
    at.store(m + i, mean);
    at.store(v + i, square);
    if (amsgrad) {
      square = max(at.load(v_max + i), square);
      at.store(v_max + i, square);
    }
    at.store(p + i, s.p - mean * alpha / (sqrt(square) + eps));
  });
}

template <bool torch, bool centered, bool heavy>
FASTDL_INLINE void rmsprop_step(float* p, float* v, float* average, float* momentum, const float* g,
                                int64_t n, float lr, float rho, float take, float mu, float eps,
                                float g_scale, float l2, float decay) {
  loop(n, [&](int64_t i, auto at) {
    const Prepared s = prepare(at.load(p + i), at.load(g + i), g_scale, l2, decay);
    vf square = at.load(v + i) * rho + s.g * s.g * take;
    at.store(v + i, square);
    if (centered) {
      const vf mean = at.load(average + i) * rho + s.g * take;
      at.store(average + i, mean);
      square = square - mean * mean;
    }
    const vf root = torch ? sqrt(square) + eps : sqrt(square + eps);
    if (!heavy) {
      at.store(p + i, s.p - s.g * lr / root);
    } else if (torch) {
      const vf step = at.load(momentum + i) * mu + s.g / root;
      at.store(momentum + i, step);
      at.store(p + i, s.p - step * lr);
    } else {
      const vf step = at.load(momentum + i) * mu + s.g * lr / root;
      at.store(momentum + i, step);
      at.store(p + i, s.p - step);
    }
  });
}

template <bool torch>
FASTDL_INLINE void rmsprop(float* p, float* v, float* average, float* momentum, const float* g,
                           int64_t n, float lr, float rho, float take, float mu, float eps,
                           float g_scale, float l2, float decay) {
  const auto step = average ? (momentum ? rmsprop_step<torch, true, true>
                                        : rmsprop_step<torch, true, false>)
                            : (momentum ? rmsprop_step<torch, false, true>
                                        : rmsprop_step<torch, false, false>);
  step(p, v, average, momentum, g, n, lr, rho, take, mu, eps, g_scale, l2, decay);
}

}  // namespace

void sgd(float* p, const float* g, int64_t n, float lr, float g_scale, float l2, float decay) {
  loop(n, [&](int64_t i, auto at) {
    const Prepared s = prepare(at.load(p + i), at.load(g + i), g_scale, l2, decay);
    at.store(p + i, s.p - s.g * lr);
  });
}

void sgd_momentum_keras(float* p, float* m, const float* g, int64_t n, float lr, float mu,
                        int nesterov, float g_scale, float l2, float decay) {
  loop(n, [&](int64_t i, auto at) {
    const Prepared s = prepare(at.load(p + i), at.load(g + i), g_scale, l2, decay);
    const vf step = s.g * lr, velocity = at.load(m + i) * mu - step;
    at.store(m + i, velocity);
    at.store(p + i, s.p + (nesterov ? velocity * mu - step : velocity));
  });
}

void sgd_momentum_torch(float* p, float* m, const float* g, int64_t n, float lr, float mu,
                        float take, int nesterov, float g_scale, float l2, float decay) {
  loop(n, [&](int64_t i, auto at) {
    const Prepared s = prepare(at.load(p + i), at.load(g + i), g_scale, l2, decay);
    const vf velocity = at.load(m + i) * mu + s.g * take;
    at.store(m + i, velocity);
    at.store(p + i, s.p - (nesterov ? s.g + velocity * mu : velocity) * lr);
  });
}

void adagrad(float* p, float* a, const float* g, int64_t n, float lr, float eps, int eps_inside,
             float g_scale, float l2, float decay) {
  loop(n, [&](int64_t i, auto at) {
    const Prepared s = prepare(at.load(p + i), at.load(g + i), g_scale, l2, decay);
    const vf sum = at.load(a + i) + s.g * s.g;
    at.store(a + i, sum);
    at.store(p + i, s.p - s.g * lr / (eps_inside ? sqrt(sum + eps) : sqrt(sum) + eps));
  });
}

void rmsprop_keras(float* p, float* v, float* average, float* momentum, const float* g, int64_t n,
                   float lr, float rho, float take, float mu, float eps, float g_scale, float l2,
                   float decay) {
  rmsprop<false>(p, v, average, momentum, g, n, lr, rho, take, mu, eps, g_scale, l2, decay);
}
void rmsprop_torch(float* p, float* v, float* average, float* momentum, const float* g, int64_t n,
                   float lr, float rho, float take, float mu, float eps, float g_scale, float l2,
                   float decay) {
  rmsprop<true>(p, v, average, momentum, g, n, lr, rho, take, mu, eps, g_scale, l2, decay);
}

void adam(float* p, float* m, float* v, float* v_max, const float* g, int64_t n, float alpha,
          float take1, float take2, float eps, float g_scale, float l2, float decay) {
  if (v_max)
    adam_step<true>(p, m, v, v_max, g, n, alpha, take1, take2, eps, g_scale, l2, decay);
  else
    adam_step<false>(p, m, v, v_max, g, n, alpha, take1, take2, eps, g_scale, l2, decay);
}

}  // namespace fastdl::FASTDL_ISA_NS
