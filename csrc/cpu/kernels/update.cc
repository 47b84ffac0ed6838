// The table of update rules. A row gives a rule's name, its state, its hyper-parameters with their defaults, what a
// step computes once, and the formula over vectors of parameters. The rest is written once: loop, tail, weight decay,
// scaling and L2 here; checks, threads and flushing of subnormals in ops/update.cc. Each update is one pass over flat
// buffers.
//
// The order of operations is that of Keras 3 (`keras.optimizers`) and PyTorch (`torch.optim`) in float32. Where the two
// differ there is a slot or a hyper-parameter for each way.
#include <math.h>

#include "cpu/kernels/declare.h"
#include "cpu/simd/loops.h"
#include "cpu/simd/math.h"

namespace fastdl::FASTDL_ISA_NS {
namespace {

// A formula changes the parameters p and the slots s, which are in order, by the prepared gradient g and the
// coefficients c. Bit i of `has` tells whether slot i is present. `take` is 1 minus the decay rate beside it, rounded
// once from double.
#define FORMULA           \
  template <unsigned has> \
  FASTDL_INLINE static void apply(vf& p, vf g, vf* s, const float* c)

// p -= lr g. With a velocity v = momentum v - lr g, p += v (Keras): a new learning rate acts on steps to come. With a
// buffer b = momentum b + (1 - dampening) g, p -= lr b (PyTorch): it acts at once. The buffer starts from the first
// gradient, undampened. Nesterov's rule takes one step of momentum more.
struct Sgd {
  static constexpr UpdateRule row = {
      "sgd", {"velocity?", "buffer?"}, {{"momentum", 0, 0b11}, {"nesterov", 0}, {"dampening", 0}}};
  static void prepare(const double* h, double lr, double finished, float* c) {
    c[0] = float(lr), c[1] = float(h[0]), c[2] = float(h[1]);
    c[3] = finished > 0 ? float(1 - h[2]) : 1.0f;
  }
  FORMULA {
    const float lr = c[0], mu = c[1], take = c[3];
    const bool nesterov = c[2] != 0;
    if constexpr (has & 1) {
      const vf step = g * lr;
      s[0] = s[0] * mu - step;
      p += nesterov ? s[0] * mu - step : s[0];
    } else if constexpr (has & 2) {
      s[1] = s[1] * mu + g * take;
      p -= (nesterov ? g + s[1] * mu : s[1]) * lr;
    } else {
      p -= g * lr;
    }
  }
};

// a += g^2, p -= lr / (1 + t lr_decay) g / (sqrt(a + inner_epsilon) + epsilon): Keras has the first, PyTorch the other.
struct Adagrad {
  static constexpr UpdateRule row = {
      "adagrad", {"accumulator"}, {{"lr_decay", 0}, {"inner_epsilon", 0}, {"epsilon", 0}}};
  static void prepare(const double* h, double lr, double finished, float* c) {
    c[0] = float(lr / (1 + finished * h[0])), c[1] = float(h[1]), c[2] = float(h[2]);
  }
  FORMULA {
    s[0] = s[0] + g * g;
    p -= g * c[0] / (sqrt(s[0] + c[1]) + c[2]);
  }
};

// v = rho v + (1 - rho) g^2, with an average gradient a = rho a + (1 - rho) g also d = v - a^2, else d = v;
// root = sqrt(d + inner_epsilon) + epsilon, p -= lr g / root. With a velocity u = momentum u + lr g / root, p -= u
// (Keras); with a buffer b = momentum b + g / root, p -= lr b (PyTorch).
struct Rmsprop {
  static constexpr UpdateRule row = {"rmsprop",
                                     {"square", "average?", "velocity?", "buffer?"},
                                     {{"rho", 0.9}, {"momentum", 0, 0b1100}, {"inner_epsilon", 0}, {"epsilon", 0}}};
  static void prepare(const double* h, double lr, double, float* c) {
    c[0] = float(lr), c[1] = float(h[0]), c[2] = float(1 - h[0]), c[3] = float(h[1]);
    c[4] = float(h[2]), c[5] = float(h[3]);
  }
  FORMULA {
    const float lr = c[0], rho = c[1], take = c[2], mu = c[3];
    vf d = s[0] = s[0] * rho + g * g * take;
    if constexpr (has & 2) {
      s[1] = s[1] * rho + g * take;
      d = d - s[1] * s[1];
    }
    const vf root = sqrt(d + c[4]) + c[5];
    if constexpr (has & 4) {
      s[2] = s[2] * mu + g * lr / root;
      p -= s[2];
    } else if constexpr (has & 8) {
      s[3] = s[3] * mu + g / root;
      p -= s[3] * lr;
    } else {
      p -= g * lr / root;
    }
  }
};

// m += (1 - beta_1) (g - m), v += (1 - beta_2) (g^2 - v), in step t (from 1)
// p -= lr m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon). Keras adds its epsilon_hat to sqrt(v) instead
// (Kingma and Ba 2014, before section 2.1). The slot `largest` keeps the largest v so far, which replaces v (AMSGrad).
struct Adam {
  static constexpr UpdateRule row = {
      "adam", {"mean", "square", "largest?"}, {{"beta_1", 0.9}, {"beta_2", 0.999}, {"epsilon", 0}, {"epsilon_hat", 0}}};
  static void prepare(const double* h, double lr, double finished, float* c) {
    const double t = finished + 1, correction = ::sqrt(1 - ::pow(h[1], t));
    c[0] = float(lr * correction / (1 - ::pow(h[0], t)));
    c[1] = float(1 - h[0]), c[2] = float(1 - h[1]), c[3] = float(h[2] * correction + h[3]);
  }
  FORMULA {
    s[0] = s[0] + (g - s[0]) * c[1];
    vf d = s[1] = s[1] + (g * g - s[1]) * c[2];
    if constexpr (has & 4) d = s[2] = max(s[2], d);
    p -= s[0] * c[0] / (sqrt(d) + c[3]);
  }
};

// p -= lr sign(beta_1 m + (1 - beta_1) g), then m = beta_2 m + (1 - beta_2) g (Chen et al. 2023).
struct Lion {
  static constexpr UpdateRule row = {"lion", {"mean"}, {{"beta_1", 0.9}, {"beta_2", 0.99}}};
  static void prepare(const double* h, double lr, double, float* c) {
    c[0] = float(lr), c[1] = float(h[0]), c[2] = float(1 - h[0]), c[3] = float(h[1]), c[4] = float(1 - h[1]);
  }
  FORMULA {
    const vf direction = s[0] * c[1] + g * c[2];
    p -= select(direction > 0.0f, splat(c[0]), select(direction < 0.0f, splat(-c[0]), direction * 0.0f));
    s[0] = s[0] * c[3] + g * c[4];
  }
};

// --- the table -----------------------------------------------------------------------------------------------

template <class Rule>
constexpr unsigned slots_of(bool required_only) {
  unsigned found = 0;
  for (int i = 0; i < kSlots && Rule::row.slots[i]; ++i) {
    const char* name = Rule::row.slots[i];
    while (name[1]) ++name;
    if (!required_only || *name != '?') found |= 1u << i;
  }
  return found;
}

template <class Rule, unsigned has>
__attribute__((flatten)) void update(const UpdateSpan& u) {
  float c[kCoefficients];  // a copy, which nothing stored below can change
  for (int i = 0; i < kCoefficients; ++i) c[i] = u.coefficients[i];
  float *const p = u.p, *const s0 = u.slots[0], *const s1 = u.slots[1], *const s2 = u.slots[2], *const s3 = u.slots[3];
  const float* const g = u.g;
  const float g_scale = u.g_scale, l2 = u.l2, decay = u.decay;
  loop(u.n, [&](int64_t i, auto at) {
    vf value = at.load(p + i), s[kSlots] = {};
    value = value - value * decay;
    const vf gradient = at.load(g + i) * g_scale + value * l2;
    if (has & 1) s[0] = at.load(s0 + i);
    if (has & 2) s[1] = at.load(s1 + i);
    if (has & 4) s[2] = at.load(s2 + i);
    if (has & 8) s[3] = at.load(s3 + i);
    Rule::template apply<has>(value, gradient, s, c);
    if (has & 1) at.store(s0 + i, s[0]);
    if (has & 2) at.store(s1 + i, s[1]);
    if (has & 4) at.store(s2 + i, s[2]);
    if (has & 8) at.store(s3 + i, s[3]);
    at.store(p + i, value);
  });
}

// Calls the update that is compiled for the slots that are present.
template <class Rule, unsigned has = 0>
void dispatch(const UpdateSpan& u) {
  unsigned given = 0;
  for (int i = 0; i < kSlots; ++i)
    if (u.slots[i]) given |= 1u << i;
  constexpr unsigned all = slots_of<Rule>(false), required = slots_of<Rule>(true);
  if constexpr ((has & required) == required)
    if (given == has) return update<Rule, has>(u);
  if constexpr (has < all) dispatch<Rule, has + 1>(u);
}

template <class Rule>
constexpr UpdateRule complete() {
  UpdateRule row = Rule::row;
  row.prepare = Rule::prepare;
  row.update = dispatch<Rule>;
  return row;
}

constexpr UpdateRule table[] = {complete<Sgd>(), complete<Adagrad>(), complete<Rmsprop>(), complete<Adam>(),
                                complete<Lion>()};

}  // namespace

const UpdateRule* update_rules(int* count) {
  *count = int(sizeof table / sizeof *table);
  return table;
}

}  // namespace fastdl::FASTDL_ISA_NS
