// Optimizer kernels: three steps compared with Keras and PyTorch. Every range is compared, bit for bit, with the
// formula in single float32 operations.
#include <string.h>

#include "check.h"
#include "cpu/isa.h"
#include "sample.h"

using namespace fastdl;
using test::Floats;

namespace {

struct Buffers {
  float *p, *a, *b, *c;  // parameters and up to three states
  const float* g;
  int64_t n;
};

// One optimizer with its settings. `step` applies a rule of the table in step t = 1, 2, ...; `scalar` does the same
// for one element. `after` has the parameters of the named optimizer after three steps from kStart (state `initial`,
// then 0) with kGradients, by Keras 3.15.1 and PyTorch 2.13.0.
struct Rule {
  const char* name;
  void (*step)(const Buffers& v, int t);
  void (*scalar)(float& p, float& a, float& b, float& c, float g, int t);
  Floats after;
  float initial = 0;
};

const Floats kStart = {0.5f, -1.0f, 2.0f, 0.25f};
const Floats kGradients[] = {{0.1f, -0.2f, 0.3f, 1.0f}, {-0.3f, 0.1f, 0.05f, -1.0f}, {0.2f, 0.4f, -0.6f, 0.5f}};

// Adam's step size and, for PyTorch, its epsilon. Both libraries compute them in double.
float adam_alpha(double lr, double beta1, double beta2, int t) {
  return (float)(lr * sqrt(1 - pow(beta2, t)) / (1 - pow(beta1, t)));
}
float adam_epsilon(double eps, double beta2, int t) { return (float)(eps * sqrt(1 - pow(beta2, t))); }

void adam_scalar(float& p, float& m, float& v, float* v_max, float g, float alpha, float take2, float eps) {
  m = m + (g - m) * 0.1f;
  v = v + (g * g - v) * take2;
  float s = v;
  if (v_max) s = *v_max = std::max(*v_max, v);
  p = p - m * alpha / (std::sqrt(s) + eps);
}

void rprop_scalar(float& p, float& step, float& previous, float g) {
  const float same = g * previous;
  if (same > 0) step = step * 1.2f;
  if (same < 0) step = step * 0.5f, g = 0;
  step = std::min(std::max(step, 1e-6f), 50.0f), previous = g;
  if (g != 0) p = g > 0 ? p - step : p + step;
}

struct Setting {
  const char* rule;
  double lr;
  std::vector<std::pair<const char*, double>> hyper;
  std::vector<const char*> slots;  // what a, b and c are
  float g_scale = 1, l2 = 0, decay = 0, l1 = 0;
};

const UpdateRule& find_rule(const char* name) {
  int count;
  const UpdateRule* table = kernels().update_rules(&count);
  for (int i = 0; i < count; ++i)
    if (!strcmp(table[i].name, name)) return table[i];
  EXPECT(false, "no rule ", name);
  return *table;
}

void update(const Buffers& v, int t, const Setting& s) {
  const UpdateRule& rule = find_rule(s.rule);
  double hyper[kHyper];
  float coefficients[kCoefficients] = {};
  for (int i = 0; i < kHyper; ++i) {
    hyper[i] = rule.hyper[i].value;
    for (const auto& [name, value] : s.hyper)
      if (rule.hyper[i].name && !strcmp(rule.hyper[i].name, name)) hyper[i] = value;
  }
  rule.prepare(hyper, double(float(s.lr)), t - 1, coefficients);
  UpdateSpan span{v.p, v.g, {}, v.n, s.g_scale, s.l1, s.l2, s.decay, coefficients};
  float* const given[] = {v.a, v.b, v.c};
  for (size_t k = 0; k < s.slots.size(); ++k)
    for (int i = 0; i < kSlots && rule.slots[i]; ++i)
      if (!strncmp(rule.slots[i], s.slots[k], strlen(s.slots[k]))) span.slots[i] = given[k];
  rule.update(span);
}

#define STEP(...) [](const Buffers& v, int t) { update(v, t, {__VA_ARGS__}); }
#define SCALAR(...)                                                                                              \
  []([[maybe_unused]] float& p, [[maybe_unused]] float& a, [[maybe_unused]] float& b, [[maybe_unused]] float& c, \
     [[maybe_unused]] float g, [[maybe_unused]] int t) { __VA_ARGS__; }

const Rule kRules[] = {
    {"Keras SGD",
     STEP("sgd", 0.1, {}, {}),
     SCALAR(p = p - g * 0.1f),
     {0.50000006f, -1.02999997f, 2.0250001f, 0.200000003f}},
    {"Keras SGD(weight_decay=0.05)",
     STEP("sgd", 0.1, {}, {}, 1, 0, 0.1f * 0.05f),
     SCALAR(p = p - p * (0.1f * 0.05f); p = p - g * 0.1f),
     {0.492487162f, -1.01522434f, 1.9954741f, 0.196766227f}},
    {"SGD of g p + 0.05 |p| + 0.1 p^2",
     STEP("sgd", 0.1, {}, {}, 1, 0.2f, 0, 0.05f),
     SCALAR(p = p - (g + p * 0.2f +
                     (p > 0   ? 0.05f
                      : p < 0 ? -0.05f
                              : 0)) *
                        0.1f),
     {0.455689996f, -0.957081974f, 1.89396989f, 0.172555998f}},
    {"Keras SGD(momentum=0.9)",
     STEP("sgd", 0.1, {{"momentum", 0.9}}, {"velocity"}),
     SCALAR(a = a * 0.9f - g * 0.1f; p = p + a),
     {0.509900033f, -1.00479996f, 1.96920013f, 0.119000018f}},
    {"Keras SGD(momentum=0.9, nesterov=True)",
     STEP("sgd", 0.1, {{"momentum", 0.9}, {"nesterov", 1}}, {"velocity"}),
     SCALAR(a = a * 0.9f - g * 0.1f; p = p + (a * 0.9f - g * 0.1f)),
     {0.50891006f, -1.03432f, 1.99728012f, 0.0821000189f}},
    {"Keras Adagrad(0.1)",
     STEP("adagrad", 0.1, {{"inner_epsilon", 1e-7}}, {"accumulator"}),
     SCALAR(a = a + g * g; p = p - g * 0.1f / std::sqrt(a + 1e-7f)),
     {0.496106088f, -1.04420972f, 2.00049996f, 0.191043913f},
     0.1f},
    {"Keras RMSprop(0.01)",
     STEP("rmsprop", 0.01, {{"inner_epsilon", 1e-7}}, {"square"}),
     SCALAR(a = a * 0.9f + g * g * 0.1f; p = p - g * 0.01f / std::sqrt(a + 1e-7f)),
     {0.480927676f, -1.01130736f, 1.99166846f, 0.230024949f}},
    {"Keras RMSprop(0.01, momentum=0.9, centered=True)",
     STEP("rmsprop", 0.01, {{"momentum", 0.9}, {"inner_epsilon", 1e-7}}, {"square", "average", "velocity"}),
     SCALAR(a = a * 0.9f + g * g * 0.1f; b = b * 0.9f + g * 0.1f;
            c = c * 0.9f + g * 0.01f / std::sqrt(a - b * b + 1e-7f); p = p - c),
     {0.450675786f, -0.966848612f, 1.92765808f, 0.191924572f}},
    {"Keras Adam(0.01)",
     STEP("adam", 0.01, {{"epsilon_hat", 1e-7}}, {"mean", "square"}),
     SCALAR(adam_scalar(p, a, b, nullptr, g, adam_alpha(0.01, 0.9, 0.999, t), 0.001f, 1e-7f)),
     {0.494754314f, -0.991910219f, 1.98513055f, 0.238779157f}},
    {"Keras Adam(0.01, beta_2=0.5, amsgrad=True)",
     STEP("adam", 0.01, {{"beta_2", 0.5}, {"epsilon_hat", 1e-7}}, {"mean", "square", "largest"}),
     SCALAR(adam_scalar(p, a, b, &c, g, adam_alpha(0.01, 0.9, 0.5, t), 0.5f, 1e-7f)),
     {0.494217664f, -0.991249025f, 1.98558283f, 0.238892183f}},
    {"Keras AdamW(0.01, weight_decay=0.1)",
     STEP("adam", 0.01, {{"epsilon_hat", 1e-7}}, {"mean", "square"}, 1, 0, 0.001f),
     SCALAR(p = p - p * 0.001f; adam_scalar(p, a, b, nullptr, g, adam_alpha(0.01, 0.9, 0.999, t), 0.001f, 1e-7f)),
     {0.493270874f, -0.988935947f, 1.97916448f, 0.238049388f}},
    {"torch SGD(0.1, weight_decay=0.05)",
     STEP("sgd", 0.1, {}, {}, 1, 0.05f),
     SCALAR(p = p - (g + p * 0.05f) * 0.1f),
     {0.492487192f, -1.01522434f, 1.9954741f, 0.196766213f}},
    {"torch SGD(0.1, weight_decay=0.05, maximize=True)",
     STEP("sgd", 0.1, {}, {}, -1, 0.05f),
     SCALAR(p = p - (-g + p * 0.05f) * 0.1f),
     {0.492587686f, -0.954925358f, 1.94482541f, 0.295771211f}},
    {"torch SGD(0.1, momentum=0.9, dampening=0.2)",
     STEP("sgd", 0.1, {{"momentum", 0.9}, {"dampening", 0.2}}, {"buffer"}),
     SCALAR(a = a * 0.9f + g * (t == 1 ? 1 : 0.8f); p = p - a * 0.1f),
     {0.502499998f, -0.993000031f, 1.95910001f, 0.0910000205f}},
    {"torch SGD(0.1, momentum=0.9, nesterov=True)",
     STEP("sgd", 0.1, {{"momentum", 0.9}, {"nesterov", 1}}, {"buffer"}),
     SCALAR(a = a * 0.9f + g; p = p - (g + a * 0.9f) * 0.1f),
     {0.50891f, -1.03432f, 1.99728f, 0.082100004f}},
    {"torch Adagrad(0.1)",
     STEP("adagrad", 0.1, {{"epsilon", 1e-10}}, {"accumulator"}),
     SCALAR(a = a + g * g; p = p - g * 0.1f / (std::sqrt(a) + 1e-10f)),
     {0.441416055f, -1.03200853f, 1.97275531f, 0.187377363f}},
    {"torch RMSprop(0.01)",
     STEP("rmsprop", 0.01, {{"rho", 0.99}, {"epsilon", 1e-8}}, {"square"}),
     SCALAR(a = a * 0.99f + g * g * 0.01f; p = p - g * 0.01f / (std::sqrt(a) + 1e-8f)),
     {0.441252589f, -1.03237534f, 1.97285438f, 0.18733108f}},
    {"torch RMSprop(0.01, momentum=0.9, centered=True)",
     STEP("rmsprop", 0.01, {{"rho", 0.99}, {"momentum", 0.9}, {"epsilon", 1e-8}}, {"square", "average", "buffer"}),
     SCALAR(a = a * 0.99f + g * g * 0.01f; b = b * 0.99f + g * 0.01f; c = c * 0.9f + g / (std::sqrt(a - b * b) + 1e-8f);
            p = p - c * 0.01f),
     {0.354677469f, -0.900696635f, 1.78547776f, 0.0787470117f}},
    {"torch Adam(0.01, weight_decay=0.05)",
     STEP("adam", 0.01, {{"epsilon", 1e-8}}, {"mean", "square"}, 1, 0.05f),
     SCALAR(adam_scalar(p, a, b, nullptr, g + p * 0.05f, adam_alpha(0.01, 0.9, 0.999, t), 0.001f,
                        adam_epsilon(1e-8, 0.999, t))),
     {0.492686957f, -0.987760544f, 1.98152912f, 0.238521785f}},
    {"torch Adam(0.01, betas=(0.9, 0.5), amsgrad=True)",
     STEP("adam", 0.01, {{"beta_2", 0.5}, {"epsilon", 1e-8}}, {"mean", "square", "largest"}),
     SCALAR(adam_scalar(p, a, b, &c, g, adam_alpha(0.01, 0.9, 0.5, t), 0.5f, adam_epsilon(1e-8, 0.5, t))),
     {0.494217664f, -0.991248965f, 1.98558283f, 0.238892168f}},
    {"torch AdamW(0.01, weight_decay=0.1)",
     STEP("adam", 0.01, {{"epsilon", 1e-8}}, {"mean", "square"}, 1, 0, 0.001f),
     SCALAR(p = p - p * 0.001f;
            adam_scalar(p, a, b, nullptr, g, adam_alpha(0.01, 0.9, 0.999, t), 0.001f, adam_epsilon(1e-8, 0.999, t))),
     {0.493270606f, -0.988935709f, 1.97916424f, 0.238049284f}},
    {"Keras Adamax(0.01)",
     STEP("adamax", 0.01, {{"epsilon", 1e-7}}, {"mean", "norm"}),
     SCALAR(a = a + (g - a) * 0.1f; b = std::max(b * 0.999f, std::fabs(g));
            p = p - a * (float)(double(0.01f) / (1 - pow(0.9, t))) / (b + 1e-7f)),
     {0.49354881f, -0.990918458f, 1.98629916f, 0.239011884f}},
    {"torch Adamax(0.01)",
     STEP("adamax", 0.01, {{"inner_epsilon", 1e-8}}, {"mean", "norm"}),
     SCALAR(a = a + (g - a) * 0.1f; b = std::max(b * 0.999f, std::fabs(g) + 1e-8f);
            p = p - a * (float)(double(0.01f) / (1 - pow(0.9, t))) / b),
     {0.493548781f, -0.990918458f, 1.98629916f, 0.239011869f}},
    {"torch Adadelta(1.0)",
     STEP("adadelta", 1.0, {{"rho", 0.9}, {"epsilon", 1e-6}}, {"square", "delta"}),
     SCALAR(a = a * 0.9f + g * g * 0.1f; const float d = std::sqrt(b + 1e-6f) * g / std::sqrt(a + 1e-6f);
            b = b * 0.9f + d * d * 0.1f; p = p - d * 1.0f),
     {0.497708917f, -1.00322926f, 2.0000906f, 0.248141497f}},
    {"torch Rprop(0.01)",
     STEP("rprop", 0.01, {}, {"step_size", "previous"}),
     SCALAR(rprop_scalar(p, a, b, g)),
     {0.485000014f, -0.995000005f, 1.97800004f, 0.234999999f},
     0.01f},
    {"torch ASGD(0.1, lambd=0.1, t0=1)",
     STEP("asgd", 0.1, {{"lambda", 0.1}, {"t0", 1}}, {"average"}),
     SCALAR(const double eta = double(0.1f) / pow(1 + 0.1 * double(0.1f) * (t - 1), 0.75);
            p = p * (float)(1 - 0.1 * eta) - g * (float)eta; a = t < 4 ? p : a),
     {0.485233456f, -1.00014818f, 1.9658246f, 0.193612814f}},
    {"Keras Ftrl(0.1, l1_regularization_strength=0.2)",
     STEP("ftrl", 0.1, {{"l1", 0.2}}, {"accumulator", "linear"}),
     SCALAR(const float n = a + g * g; const float before = std::sqrt(a);
            b = b + (g + p * 0.0f - (std::sqrt(n) - before) / 0.1f * p);
            p = (std::min(std::max(b, -0.2f), 0.2f) - b) / (std::sqrt(n) / 0.1f + 0.0f); a = n),
     {0.0f, -0.145603269f, 0.503664315f, 0.09659677f},
     0.1f},
};
#undef STEP
#undef SCALAR

}  // namespace

TEST(updates_follow_keras_and_torch) {
  for (const Rule& rule : kRules) {
    Floats p = kStart, a(4, rule.initial), b(4), c(4);
    for (int t = 1; t <= 3; ++t) rule.step({p.data(), a.data(), b.data(), c.data(), kGradients[t - 1].data(), 4}, t);
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
      EXPECT(test::same(kp, sp) && test::same(ka, sa) && test::same(kb, sb) && test::same(kc, sc), rule.name, " of ", n,
             " parameters");
    }
}

// A scaled gradient, penalties and decoupled decay together: the gradient is that of the parameters before the decay.
TEST(updates_prepare_in_order) {
  Floats p = {2.0f}, g = {4.0f};
  update({p.data(), nullptr, nullptr, nullptr, g.data(), 1}, 1, {"sgd", 1.0, {}, {}, 0.5f, 0.25f, 0.5f, 0.125f});
  EXPECT(p[0] == 1.0f - (4.0f * 0.5f + 2.0f * 0.25f + 0.125f), "got ", p[0]);
}

// Every rule with every choice of states, on every instruction set: a range has the same bits alone and as the start
// of a longer one. The formulas are tested above and, with Keras and PyTorch, in Python.
TEST(updates_of_all_rules_are_the_same_everywhere) {
  int count;
  kernels().update_rules(&count);
  for (int r = 0; r < count; ++r)
    for (unsigned has = 0; has < 1u << kSlots; ++has) {
      const UpdateRule& reference = runnable_tables()[0]->update_rules(&count)[r];
      bool valid = true;
      for (int i = 0; i < kSlots; ++i) {
        const char* slot = reference.slots[i];
        const bool optional = slot && slot[strlen(slot) - 1] == '?';
        valid &= has >> i & 1 ? slot != nullptr : !slot || optional;
      }
      if (!valid) continue;
      const int most = 70;
      auto after = [&](const KernelTable& table, int n) {
        const UpdateRule& rule = table.update_rules(&count)[r];
        test::Lcg lcg(r + 1);
        Floats p = lcg.uniform(most, -1, 1), g = lcg.uniform(most, -1, 1), all;
        std::vector<Floats> states;
        for (int i = 0; i < kSlots; ++i) states.push_back(lcg.uniform(most, 1, 2));
        double hyper[kHyper];
        float coefficients[kCoefficients] = {};
        for (int i = 0; i < kHyper; ++i) hyper[i] = rule.hyper[i].value ? rule.hyper[i].value : 0.5;
        rule.prepare(hyper, 0.1, 3, coefficients);
        UpdateSpan span{p.data(), g.data(), {}, n, 0.5f, 0.2f, 0.1f, 0.01f, coefficients};
        for (int i = 0; i < kSlots; ++i)
          if (has >> i & 1) span.slots[i] = states[i].data();
        rule.update(span);
        all.insert(all.end(), p.begin(), p.begin() + n);
        for (const Floats& s : states) all.insert(all.end(), s.begin(), s.begin() + n);
        return all;
      };
      for (const KernelTable* table : runnable_tables())
        for (int n : {0, 1, 3, 16, 17, 64, most})
          EXPECT(test::same(after(*table, n), after(*runnable_tables()[0], n)), reference.name, " of ", n, " on ",
                 table->isa);
      const Floats whole = after(kernels(), most);
      for (int n = 1; n <= most; ++n)
        EXPECT(!memcmp(whole.data(), after(kernels(), n).data(), size_t(n) * sizeof(float)), reference.name, " of ", n);
    }
}
