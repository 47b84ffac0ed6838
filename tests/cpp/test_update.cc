// Optimizer kernels: three steps against Keras and PyTorch, and every range against the formula evaluated
// one float32 operation after the other, bit for bit.
#include "check.h"
#include "cpu/kernels.h"
#include "sample.h"

using namespace fastdl;
using test::Floats;

namespace {

struct Buffers {
  float *p, *a, *b, *c;  // parameters and up to three states
  const float* g;
  int64_t n;
};

// One optimizer with its settings. `step` calls the kernel in step t = 1, 2, ...; `scalar` is one element
// of the same step. `after` are the parameters that the named optimizer reaches from kStart (state
// `initial`, then 0) with kGradients: Keras 3.15.1, PyTorch 2.13.0.
struct Rule {
  const char* name;
  void (*step)(const Buffers& v, int t);
  void (*scalar)(float& p, float& a, float& b, float& c, float g, int t);
  Floats after;
  float initial = 0;
};

const Floats kStart = {0.5f, -1.0f, 2.0f, 0.25f};
const Floats kGradients[] = {
    {0.1f, -0.2f, 0.3f, 1.0f}, {-0.3f, 0.1f, 0.05f, -1.0f}, {0.2f, 0.4f, -0.6f, 0.5f}};

// Adam's step size and, for PyTorch, its epsilon: in double, as both peers' callers do.
float adam_alpha(double lr, double beta1, double beta2, int t) {
  return (float)(lr * sqrt(1 - pow(beta2, t)) / (1 - pow(beta1, t)));
}
float adam_epsilon(double eps, double beta2, int t) { return (float)(eps * sqrt(1 - pow(beta2, t))); }

void adam_scalar(float& p, float& m, float& v, float* v_max, float g, float alpha, float take2,
                 float eps) {
  m = m + (g - m) * 0.1f;
  v = v + (g * g - v) * take2;
  float s = v;
  if (v_max) s = *v_max = std::max(*v_max, v);
  p = p - m * alpha / (std::sqrt(s) + eps);
}

#define STEP(call) [](const Buffers& v, [[maybe_unused]] int t) { call; }
#define SCALAR(...)                                                                              \
  []([[maybe_unused]] float& p, [[maybe_unused]] float& a, [[maybe_unused]] float& b,            \
     [[maybe_unused]] float& c, [[maybe_unused]] float g, [[maybe_unused]] int t) { __VA_ARGS__; }

const Rule kRules[] = {
    {"Keras SGD", STEP(kernels().sgd(v.p, v.g, v.n, 0.1f, 1, 0, 0)), SCALAR(p = p - g * 0.1f),
     {0.50000006f, -1.02999997f, 2.0250001f, 0.200000003f}},
    {"Keras SGD(weight_decay=0.05)",
     STEP(kernels().sgd(v.p, v.g, v.n, 0.1f, 1, 0, 0.1f * 0.05f)),
     SCALAR(p = p - p * (0.1f * 0.05f); p = p - g * 0.1f),
     {0.492487162f, -1.01522434f, 1.9954741f, 0.196766227f}},
    {"Keras SGD(momentum=0.9)",
     STEP(kernels().sgd_momentum_keras(v.p, v.a, v.g, v.n, 0.1f, 0.9f, 0, 1, 0, 0)),
     SCALAR(a = a * 0.9f - g * 0.1f; p = p + a),
     {0.509900033f, -1.00479996f, 1.96920013f, 0.119000018f}},
    {"Keras SGD(momentum=0.9, nesterov=True)",
     STEP(kernels().sgd_momentum_keras(v.p, v.a, v.g, v.n, 0.1f, 0.9f, 1, 1, 0, 0)),
     SCALAR(a = a * 0.9f - g * 0.1f; p = p + (a * 0.9f - g * 0.1f)),
     {0.50891006f, -1.03432f, 1.99728012f, 0.0821000189f}},
    {"Keras Adagrad(0.1)", STEP(kernels().adagrad(v.p, v.a, v.g, v.n, 0.1f, 1e-7f, 1, 1, 0, 0)),
     SCALAR(a = a + g * g; p = p - g * 0.1f / std::sqrt(a + 1e-7f)),
     {0.496106088f, -1.04420972f, 2.00049996f, 0.191043913f}, 0.1f},
    {"Keras RMSprop(0.01)",
     STEP(kernels().rmsprop_keras(v.p, v.a, nullptr, nullptr, v.g, v.n, 0.01f, 0.9f, 0.1f, 0, 1e-7f, 1,
                                  0, 0)),
     SCALAR(a = a * 0.9f + g * g * 0.1f; p = p - g * 0.01f / std::sqrt(a + 1e-7f)),
     {0.480927676f, -1.01130736f, 1.99166846f, 0.230024949f}},
    {"Keras RMSprop(0.01, momentum=0.9, centered=True)",
     STEP(kernels().rmsprop_keras(v.p, v.a, v.b, v.c, v.g, v.n, 0.01f, 0.9f, 0.1f, 0.9f, 1e-7f, 1, 0,
                                  0)),
     SCALAR(a = a * 0.9f + g * g * 0.1f; b = b * 0.9f + g * 0.1f;
            c = c * 0.9f + g * 0.01f / std::sqrt(a - b * b + 1e-7f); p = p - c),
     {0.450675786f, -0.966848612f, 1.92765808f, 0.191924572f}},
    {"Keras Adam(0.01)",
     STEP(kernels().adam(v.p, v.a, v.b, nullptr, v.g, v.n, adam_alpha(0.01, 0.9, 0.999, t), 0.1f,
                         0.001f, 1e-7f, 1, 0, 0)),
     SCALAR(adam_scalar(p, a, b, nullptr, g, adam_alpha(0.01, 0.9, 0.999, t), 0.001f, 1e-7f)),
     {0.494754314f, -0.991910219f, 1.98513055f, 0.238779157f}},
    {"Keras Adam(0.01, beta_2=0.5, amsgrad=True)",
     STEP(kernels().adam(v.p, v.a, v.b, v.c, v.g, v.n, adam_alpha(0.01, 0.9, 0.5, t), 0.1f, 0.5f, 1e-7f,
                         1, 0, 0)),
     SCALAR(adam_scalar(p, a, b, &c, g, adam_alpha(0.01, 0.9, 0.5, t), 0.5f, 1e-7f)),
     {0.494217664f, -0.991249025f, 1.98558283f, 0.238892183f}},
    {"Keras AdamW(0.01, weight_decay=0.1)",
     STEP(kernels().adam(v.p, v.a, v.b, nullptr, v.g, v.n, adam_alpha(0.01, 0.9, 0.999, t), 0.1f,
                         0.001f, 1e-7f, 1, 0, 0.001f)),
     SCALAR(p = p - p * 0.001f;
            adam_scalar(p, a, b, nullptr, g, adam_alpha(0.01, 0.9, 0.999, t), 0.001f, 1e-7f)),
     {0.493270874f, -0.988935947f, 1.97916448f, 0.238049388f}},
    {"torch SGD(0.1, weight_decay=0.05)", STEP(kernels().sgd(v.p, v.g, v.n, 0.1f, 1, 0.05f, 0)),
     SCALAR(p = p - (g + p * 0.05f) * 0.1f),
     {0.492487192f, -1.01522434f, 1.9954741f, 0.196766213f}},
    {"torch SGD(0.1, weight_decay=0.05, maximize=True)",
     STEP(kernels().sgd(v.p, v.g, v.n, 0.1f, -1, 0.05f, 0)), SCALAR(p = p - (-g + p * 0.05f) * 0.1f),
     {0.492587686f, -0.954925358f, 1.94482541f, 0.295771211f}},
    {"torch SGD(0.1, momentum=0.9, dampening=0.2)",
     STEP(kernels().sgd_momentum_torch(v.p, v.a, v.g, v.n, 0.1f, 0.9f, t == 1 ? 1 : 0.8f, 0, 1, 0, 0)),
     SCALAR(a = a * 0.9f + g * (t == 1 ? 1 : 0.8f); p = p - a * 0.1f),
     {0.502499998f, -0.993000031f, 1.95910001f, 0.0910000205f}},
    {"torch SGD(0.1, momentum=0.9, nesterov=True)",
     STEP(kernels().sgd_momentum_torch(v.p, v.a, v.g, v.n, 0.1f, 0.9f, 1, 1, 1, 0, 0)),
     SCALAR(a = a * 0.9f + g; p = p - (g + a * 0.9f) * 0.1f),
     {0.50891f, -1.03432f, 1.99728f, 0.082100004f}},
    {"torch Adagrad(0.1)", STEP(kernels().adagrad(v.p, v.a, v.g, v.n, 0.1f, 1e-10f, 0, 1, 0, 0)),
     SCALAR(a = a + g * g; p = p - g * 0.1f / (std::sqrt(a) + 1e-10f)),
     {0.441416055f, -1.03200853f, 1.97275531f, 0.187377363f}},
    {"torch RMSprop(0.01)",
     STEP(kernels().rmsprop_torch(v.p, v.a, nullptr, nullptr, v.g, v.n, 0.01f, 0.99f, 0.01f, 0, 1e-8f,
                                  1, 0, 0)),
     SCALAR(a = a * 0.99f + g * g * 0.01f; p = p - g * 0.01f / (std::sqrt(a) + 1e-8f)),
     {0.441252589f, -1.03237534f, 1.97285438f, 0.18733108f}},
    {"torch RMSprop(0.01, momentum=0.9, centered=True)",
     STEP(kernels().rmsprop_torch(v.p, v.a, v.b, v.c, v.g, v.n, 0.01f, 0.99f, 0.01f, 0.9f, 1e-8f, 1, 0,
                                  0)),
     SCALAR(a = a * 0.99f + g * g * 0.01f; b = b * 0.99f + g * 0.01f;
            c = c * 0.9f + g / (std::sqrt(a - b * b) + 1e-8f); p = p - c * 0.01f),
     {0.354677469f, -0.900696635f, 1.78547776f, 0.0787470117f}},
    {"torch Adam(0.01, weight_decay=0.05)",
     STEP(kernels().adam(v.p, v.a, v.b, nullptr, v.g, v.n, adam_alpha(0.01, 0.9, 0.999, t), 0.1f,
                         0.001f, adam_epsilon(1e-8, 0.999, t), 1, 0.05f, 0)),
     SCALAR(adam_scalar(p, a, b, nullptr, g + p * 0.05f, adam_alpha(0.01, 0.9, 0.999, t), 0.001f,
                        adam_epsilon(1e-8, 0.999, t))),
     {0.492686957f, -0.987760544f, 1.98152912f, 0.238521785f}},
    {"torch Adam(0.01, betas=(0.9, 0.5), amsgrad=True)",
     STEP(kernels().adam(v.p, v.a, v.b, v.c, v.g, v.n, adam_alpha(0.01, 0.9, 0.5, t), 0.1f, 0.5f,
                         adam_epsilon(1e-8, 0.5, t), 1, 0, 0)),
     SCALAR(adam_scalar(p, a, b, &c, g, adam_alpha(0.01, 0.9, 0.5, t), 0.5f,
                        adam_epsilon(1e-8, 0.5, t))),
     {0.494217664f, -0.991248965f, 1.98558283f, 0.238892168f}},
    {"torch AdamW(0.01, weight_decay=0.1)",
     STEP(kernels().adam(v.p, v.a, v.b, nullptr, v.g, v.n, adam_alpha(0.01, 0.9, 0.999, t), 0.1f,
                         0.001f, adam_epsilon(1e-8, 0.999, t), 1, 0, 0.001f)),
     SCALAR(p = p - p * 0.001f; adam_scalar(p, a, b, nullptr, g, adam_alpha(0.01, 0.9, 0.999, t),
                                            0.001f, adam_epsilon(1e-8, 0.999, t))),
     {0.493270606f, -0.988935709f, 1.97916424f, 0.238049284f}},
};
#undef STEP
#undef SCALAR

}  // namespace

TEST(updates_follow_keras_and_torch) {
  for (const Rule& rule : kRules) {
    Floats p = kStart, a(4, rule.initial), b(4), c(4);
    for (int t = 1; t <= 3; ++t)
      rule.step({p.data(), a.data(), b.data(), c.data(), kGradients[t - 1].data(), 4}, t);
    for (int i = 0; i < 4; ++i) {
      // Three steps of a few roundings each, of numbers up to the size of the parameter (at least 1).
      const double tolerance = 8 * test::kEps * std::max(1.0f, std::fabs(p[i]));
      EXPECT(fabs(p[i] - rule.after[i]) <= tolerance, rule.name, " parameter ", i, ": ", p[i], ", want ",
             rule.after[i]);
    }
  }
}

TEST(updates_of_every_range) {
  const int most = 3 * kernels().lanes + 1;
  test::Lcg lcg(1);
  const Floats p = lcg.uniform(most, -1, 1), a = lcg.uniform(most, 1, 2), b = lcg.uniform(most, 0, 1),
               c = lcg.uniform(most, 0, 1), g = lcg.uniform(most, -1, 1);
  for (const Rule& rule : kRules)
    for (int n = 0; n <= most; ++n) {
      auto first = [n](const Floats& v) { return Floats(v.begin(), v.begin() + n); };
      test::Guarded<float> kp(first(p)), ka(first(a)), kb(first(b)), kc(first(c)), kg(first(g));
      Floats sp = first(p), sa = first(a), sb = first(b), sc = first(c);
      rule.step({kp.data(), ka.data(), kb.data(), kc.data(), kg.data(), n}, 2);
      for (int i = 0; i < n; ++i) rule.scalar(sp[i], sa[i], sb[i], sc[i], g[i], 2);
      EXPECT(test::same(kp, sp) && test::same(ka, sa) && test::same(kb, sb) && test::same(kc, sc),
             rule.name, " of ", n, " parameters");
    }
}

// Scaling the gradient, L2 and decoupled decay together: decay first, then the gradient of what is left.
TEST(updates_prepare_in_order) {
  Floats p = {2.0f}, g = {4.0f};
  kernels().sgd(p.data(), g.data(), 1, 1.0f, 0.5f, 0.25f, 0.5f);
  EXPECT(p[0] == 1.0f - (4.0f * 0.5f + 1.0f * 0.25f), "got ", p[0]);
}
