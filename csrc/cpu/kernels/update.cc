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

// m += (1 - beta_1) (g - m), n = max(beta_2 n, |g| + inner_epsilon), in step t (from 1)
// p -= lr / (1 - beta_1^t) m / (n + epsilon): PyTorch has the first epsilon, Keras the other.
struct Adamax {
  static constexpr UpdateRule row = {
      "adamax", {"mean", "norm"}, {{"beta_1", 0.9}, {"beta_2", 0.999}, {"inner_epsilon", 0}, {"epsilon", 0}}};
  static void prepare(const double* h, double lr, double finished, float* c) {
    c[0] = float(lr / (1 - ::pow(h[0], finished + 1))), c[1] = float(1 - h[0]), c[2] = float(h[1]);
    c[3] = float(h[2]), c[4] = float(h[3]);
  }
  FORMULA {
    s[0] = s[0] + (g - s[0]) * c[1];
    s[1] = max(s[1] * c[2], abs(g) + c[3]);
    p -= s[0] * c[0] / (s[1] + c[4]);
  }
};

// The product of mu_i = beta (1 - 0.5 q^i) for i = 1 ... t. Its logarithm is t ln beta - sum over k of
// (0.5^k / k) (q^k + ... + q^tk), a geometric series: 50 terms give it to the last bits, for any t.
double product_of_momenta(double beta, double log_q, double t) {
  double sum = 0, half = 1;
  for (int k = 1; k <= 50; ++k) {
    const double powers = log_q != 0 ? ::exp(k * log_q) * ::expm1(k * t * log_q) / ::expm1(k * log_q) : t;
    half *= 0.5, sum += half / k * powers;
  }
  return ::pow(beta, t) * ::exp(-sum);
}

// Adam with Nesterov's momentum (Dozat 2016): mu_t = beta_1 (1 - 0.5 0.96^(t momentum_decay)), P_t = mu_1 ... mu_t, m
// and v as for Adam, p -= lr (mu_(t+1) m / (1 - P_(t+1)) + (1 - mu_t) g / (1 - P_t)) / (sqrt(v / (1 - beta_2^t)) +
// epsilon). Keras's momentum_decay is 1.
struct Nadam {
  static constexpr UpdateRule row = {
      "nadam", {"mean", "square"}, {{"beta_1", 0.9}, {"beta_2", 0.999}, {"momentum_decay", 0.004}, {"epsilon", 0}}};
  static void prepare(const double* h, double lr, double finished, float* c) {
    const double t = finished + 1, correction = ::sqrt(1 - ::pow(h[1], t)), log_q = h[2] * ::log(0.96);
    const double mu = h[0] * (1 - 0.5 * ::exp(t * log_q)), next = h[0] * (1 - 0.5 * ::exp((t + 1) * log_q));
    const double product = product_of_momenta(h[0], log_q, t);
    c[0] = float(lr * correction * next / (1 - product * next));
    c[1] = float(lr * correction * (1 - mu) / (1 - product));
    c[2] = float(1 - h[0]), c[3] = float(1 - h[1]), c[4] = float(h[3] * correction);
  }
  FORMULA {
    s[0] = s[0] + (g - s[0]) * c[2];
    s[1] = s[1] + (g * g - s[1]) * c[3];
    p -= (s[0] * c[0] + g * c[1]) / (sqrt(s[1]) + c[4]);
  }
};

// Adam with a rectified step (Liu et al. 2019): m and v as for Adam, rho_inf = 2 / (1 - beta_2) - 1,
// rho = rho_inf - 2 t beta_2^t / (1 - beta_2^t). If rho > 5, p -= lr r m / (1 - beta_1^t) sqrt(1 - beta_2^t) / (sqrt(v)
// + epsilon) with r^2 = (rho - 4) (rho - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho), else
// p -= lr m / (1 - beta_1^t).
struct Radam {
  static constexpr UpdateRule row = {"radam", {"mean", "square"}, {{"beta_1", 0.9}, {"beta_2", 0.999}, {"epsilon", 0}}};
  static void prepare(const double* h, double lr, double finished, float* c) {
    const double t = finished + 1, power = ::pow(h[1], t), most = 2 / (1 - h[1]) - 1;
    const double rho = most - 2 * t * power / (1 - power);
    double step = lr / (1 - ::pow(h[0], t));
    if (rho > 5) step *= ::sqrt((1 - power) * (rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho));
    c[0] = float(step), c[1] = float(1 - h[0]), c[2] = float(1 - h[1]), c[3] = float(h[2]), c[4] = rho > 5;
  }
  FORMULA {
    s[0] = s[0] + (g - s[0]) * c[1];
    s[1] = s[1] + (g * g - s[1]) * c[2];
    p -= c[4] != 0 ? s[0] * c[0] / (sqrt(s[1]) + c[3]) : s[0] * c[0];
  }
};

// v = rho v + (1 - rho) g^2, d = sqrt(a + epsilon) / sqrt(v + epsilon) g, a = rho a + (1 - rho) d^2, p -= lr d
// (Zeiler 2012).
struct Adadelta {
  static constexpr UpdateRule row = {"adadelta", {"square", "delta"}, {{"rho", 0.95}, {"epsilon", 0}}};
  static void prepare(const double* h, double lr, double, float* c) {
    c[0] = float(lr), c[1] = float(h[0]), c[2] = float(1 - h[0]), c[3] = float(h[1]);
  }
  FORMULA {
    s[0] = s[0] * c[1] + g * g * c[2];
    const vf d = sqrt(s[1] + c[3]) * g / sqrt(s[0] + c[3]);
    s[1] = s[1] * c[1] + d * d * c[2];
    p -= d * c[0];
  }
};

// n = a + g^2, z += g + 2 l2_shrinkage p - (n^-power - a^-power) / lr p,
// p = (clip(z, -l1, l1) - z) / (n^-power / lr + 2 l2 + beta / lr), a = n (McMahan et al. 2013). A learning rate of 0
// changes nothing, and neither does a divisor of 0: no gradient came yet.
struct Ftrl {
  static constexpr UpdateRule row = {
      "ftrl", {"accumulator", "linear"}, {{"power", -0.5}, {"l1", 0}, {"l2", 0}, {"l2_shrinkage", 0}, {"beta", 0}}};
  static void prepare(const double* h, double lr, double, float* c) {
    c[0] = float(lr), c[1] = float(-h[0]), c[2] = float(h[1]), c[3] = float(2 * h[2] + h[4] / lr);
    c[4] = float(2 * h[3]);
  }
  FORMULA {
    if (c[0] == 0) return;
    const vf n = s[0] + g * g;
    const bool root = c[1] == 0.5f;
    const vf after = root ? sqrt(n) : pow(n, splat(c[1])), before = root ? sqrt(s[0]) : pow(s[0], splat(c[1]));
    s[1] = s[1] + (g + p * c[4] - (after - before) / c[0] * p);
    const vf divisor = after / c[0] + c[3];
    const vf clipped = min(max(s[1], splat(-c[2])), splat(c[2]));
    p = select(divisor == 0.0f, p, (clipped - s[1]) / divisor);
    s[0] = n;
  }
};

// Each weight has a step of its own. It grows by eta_plus while the gradient keeps its sign, up to step_max. When the
// sign changes it shrinks by eta_minus, down to step_min, and this gradient counts as 0. p -= sign(g) step
// (Riedmiller and Braun 1993).
struct Rprop {
  static constexpr UpdateRule row = {"rprop",
                                     {"previous", "step_size"},
                                     {{"eta_minus", 0.5}, {"eta_plus", 1.2}, {"step_min", 1e-6}, {"step_max", 50}}};
  static void prepare(const double* h, double, double, float* c) {
    for (int i = 0; i < 4; ++i) c[i] = float(h[i]);
  }
  FORMULA {
    const vf same = g * s[0];
    const vf factor = select(same > 0.0f, splat(c[1]), select(same < 0.0f, splat(c[0]), splat(1.0f)));
    const vf step = s[1] = min(max(s[1] * factor, splat(c[2])), splat(c[3]));
    s[0] = select(same < 0.0f, splat(0.0f), g);
    p -= select(s[0] > 0.0f, step, select(s[0] < 0.0f, -step, s[0] * 0.0f));
  }
};

// eta = lr / (1 + lambda lr t)^alpha after t steps, p = (1 - lambda eta) p - eta g, and an average
// a += (p - a) / max(1, t - t0) (Polyak and Juditsky 1992, as in PyTorch). The gradient is that before the decay.
struct Asgd {
  static constexpr UpdateRule row = {"asgd", {"average"}, {{"lambda", 1e-4}, {"alpha", 0.75}, {"t0", 1e6}}};
  static void prepare(const double* h, double lr, double finished, float* c) {
    const double eta = lr / ::pow(1 + h[0] * lr * finished, h[1]), count = finished - h[2];
    c[0] = float(1 - h[0] * eta), c[1] = float(eta), c[2] = float(1 / (count > 1 ? count : 1));
  }
  FORMULA {
    p = p * c[0] - g * c[1];
    s[0] = c[2] == 1 ? p : s[0] + (p - s[0]) * c[2];
  }
};

// AdamW without a schedule (Defazio et al. 2024): v as for Adam, z -= lr min(1, t / warmup) g / (sqrt(v / (1 -
// beta_2^t)) + epsilon); x, the average of all z, and p = (1 - beta_1) z + beta_1 x. So x need not be kept:
// p = (1 - beta_1 + beta_1 / t) z_new + (1 - 1 / t) (p - (1 - beta_1) z).
struct ScheduleFree {
  static constexpr UpdateRule row = {
      "schedule_free", {"base", "square"}, {{"beta_1", 0.9}, {"beta_2", 0.999}, {"warmup", 0}, {"epsilon", 0}}};
  static void prepare(const double* h, double lr, double finished, float* c) {
    const double t = finished + 1, correction = ::sqrt(1 - ::pow(h[1], t));
    c[0] = float(lr * (t < h[2] ? t / h[2] : 1) * correction), c[1] = float(1 - h[1]);
    c[2] = float(h[3] * correction), c[3] = float(1 - h[0] + h[0] / t), c[4] = float(1 - 1 / t), c[5] = float(1 - h[0]);
  }
  FORMULA {
    const vf kept = (p - s[0] * c[5]) * c[4];
    s[1] = s[1] + (g * g - s[1]) * c[1];
    s[0] = s[0] - g * c[0] / (sqrt(s[1]) + c[2]);
    p = s[0] * c[3] + kept;
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
  const float g_scale = u.g_scale, l1 = u.l1, l2 = u.l2, decay = u.decay;
  loop(u.n, [&](int64_t i, auto at) {
    vf value = at.load(p + i), s[kSlots] = {};
    vf gradient = at.load(g + i) * g_scale + value * l2;
    if (l1 != 0) gradient += select(value > 0.0f, splat(l1), select(value < 0.0f, splat(-l1), value * 0.0f));
    value = value - value * decay;
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

constexpr UpdateRule table[] = {complete<Sgd>(),         complete<Adagrad>(), complete<Rmsprop>(), complete<Adam>(),
                                complete<Lion>(),        complete<Adamax>(),  complete<Nadam>(),   complete<Radam>(),
                                complete<Adadelta>(),    complete<Ftrl>(),    complete<Rprop>(),   complete<Asgd>(),
                                complete<ScheduleFree>()};

}  // namespace

const UpdateRule* update_rules(int* count) {
  *count = int(sizeof table / sizeof *table);
  return table;
}

}  // namespace fastdl::FASTDL_ISA_NS
