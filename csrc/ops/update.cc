// Optimizer updates, in place, each one pass over flat buffers: one op for all rules of the table in
// cpu/kernels/update.cc. What may change from step to step is read when the op runs, so that a plan sees it:
//   hyper  float32, [learning rate] or [learning rate, factor on the gradient]
//   step   int64, one element: the number of steps finished before this one
// `penalty`, one element, grows by the penalty of the parameters before the step.
// Weights are pulled to 0 in two ways. `l1` and `l2` add l1 sign(p) + l2 p to the gradient, that of the penalty
// l1 |p| + l2 / 2 p^2. `decay` takes lr decay p off p first (Loshchilov and Hutter 2019).
#include <cstring>
#include <string_view>

#include "core/parallel.h"
#include "core/subnormals.h"
#include "cpu/kernels.h"
#include "ops/arguments.h"
#include "ops/ops.h"

namespace fastdl {
namespace {

constexpr int64_t kGrain = 16384;
constexpr int64_t kBlock = 4096;  // elements that stay in the L1 cache while they are used twice
constexpr int kFixed = 4;         // inputs: p, g, hyper, step, then the rule's slots
constexpr int kPenalty = kFixed + kSlots;

struct UpdateAttrs {
  int rule;
  double hyper[kHyper], l1, l2, decay;
  bool penalty;  // whether that input is given
};

// Calls f(begin, end) for the blocks of a range, in parallel. Their borders do not depend on threads.
template <class F>
void for_blocks(int64_t n, F f) {
  parallel_for((n + kBlock - 1) / kBlock, kGrain / kBlock, [&](int64_t first, int64_t last) {
    for (int64_t b = first; b < last; ++b) f(b, b * kBlock, std::min(n, (b + 1) * kBlock));
  });
}
int64_t sums_of_blocks(int64_t n) { return (n + kBlock - 1) / kBlock * int64_t(sizeof(float)); }

const UpdateRule& rule_at(int i) {
  int count;
  return kernels().update_rules(&count)[i];
}

bool optional(const char* slot) { return slot[std::strlen(slot) - 1] == '?'; }
std::string_view slot_name(const char* slot) { return {slot, std::strlen(slot) - optional(slot)}; }

void infer_update(InferContext& c) {
  const UpdateAttrs& a = c.attrs.as<UpdateAttrs>();
  const UpdateRule& rule = rule_at(a.rule);
  const Tensor &p = c.in[0], &hyper = c.in[2], &step = c.in[3];
  auto check_like = [&](const Tensor& t, const char* argument) {
    check_float(t, c.op.name, argument);
    FASTDL_CHECK(t->shape == p->shape, ValueError, c.op.name, ": '", argument, "' must have the parameters' shape ",
                 p->shape, ", got ", t->shape);
  };
  check_float(p, c.op.name, "p");
  check_like(c.in[1], "g");
  check_float(hyper, c.op.name, "hyper");
  FASTDL_CHECK(hyper->numel() == 1 || hyper->numel() == 2, ValueError, c.op.name,
               ": 'hyper' must hold the learning rate and, optionally, a factor on the gradient, got shape ",
               hyper->shape);
  check_tensor(step, c.op.name, "step");
  FASTDL_CHECK(step->dtype == DType::int64 && step->numel() == 1, TypeError, c.op.name,
               ": 'step' must be one int64, got ", step->dtype, " of shape ", step->shape);
  if (const Tensor& penalty = c.in[kPenalty]) {
    check_float(penalty, c.op.name, "penalty");
    FASTDL_CHECK(penalty->numel() == 1, ValueError, c.op.name, ": 'penalty' must have one element, got shape ",
                 penalty->shape);
  }
  unsigned given = 0;
  for (int i = 0; i < kSlots && rule.slots[i]; ++i) {
    const Tensor& t = c.in[kFixed + i];
    const std::string name(slot_name(rule.slots[i]));
    if (t) given |= 1u << i, check_like(t, name.c_str());
    FASTDL_CHECK(t || optional(rule.slots[i]), TypeError, c.op.name, ": rule '", rule.name, "' needs the state '", name,
                 "', got None");
  }
  for (int i = 0; i < kHyper && rule.hyper[i].name; ++i)
    FASTDL_CHECK(!rule.hyper[i].needs || a.hyper[i] == 0 || (given & rule.hyper[i].needs), ValueError, c.op.name, ": ",
                 rule.hyper[i].name, " ", a.hyper[i], " of rule '", rule.name, "' needs a state to keep it, got None");
}

void run_update(const RunContext& c) {
  const UpdateAttrs& a = c.attrs.as<UpdateAttrs>();
  const UpdateRule& rule = rule_at(a.rule);
  const View &p = c.in[0], &hyper = c.in[2];
  const float* h = hyper.as<float>();
  float coefficients[kCoefficients] = {};
  rule.prepare(a.hyper, double(h[0]), double(*c.in[3].as<int64_t>()), coefficients);
  UpdateSpan all{.p = p.as<float>(),
                 .g = c.in[1].as<float>(),
                 .slots = {},
                 .n = 0,
                 .g_scale = hyper.numel() > 1 ? h[1] : 1.0f,
                 .l1 = float(a.l1),
                 .l2 = float(a.l2),
                 .decay = float(double(h[0]) * a.decay),
                 .coefficients = coefficients};
  for (int i = 0; i < kSlots && rule.slots[i]; ++i) all.slots[i] = c.in[kFixed + i].as<float>();
  const auto update = [&](int64_t begin, int64_t end) {
    const FlushSubnormals flush;
    UpdateSpan part = all;
    part.p += begin, part.g += begin, part.n = end - begin;
    for (float*& slot : part.slots)
      if (slot) slot += begin;
    rule.update(part);
  };
  if (!a.penalty) return parallel_for(p.numel(), kGrain, update);
  float* const sums = c.scratch<float>();
  for_blocks(p.numel(), [&](int64_t b, int64_t begin, int64_t end) {
    sums[b] = kernels().penalty(all.p + begin, end - begin, all.l1, all.l2);
    update(begin, end);
  });
  *c.in[kPenalty].as<float>() += kernels().sum(sums, (p.numel() + kBlock - 1) / kBlock);
}
int64_t update_workspace(const RunContext& c) {
  return c.attrs.as<UpdateAttrs>().penalty ? sums_of_blocks(c.in[0].numel()) : 0;
}
Attributes describe_update(const DescribeContext& c) {
  const UpdateAttrs& a = c.attrs.as<UpdateAttrs>();
  const UpdateRule& rule = rule_at(a.rule);
  Attributes found = {{"rule", std::string(rule.name)}, {"l1", a.l1}, {"l2", a.l2}, {"decay", a.decay}};
  for (int i = 0; i < kHyper && rule.hyper[i].name; ++i) found.push_back({rule.hyper[i].name, a.hyper[i]});
  return found;
}
const Op op_update = OpRow{.name = "update_",
                           .infer = infer_update,
                           .run = run_update,
                           .describe = describe_update,
                           .workspace = update_workspace,
                           .mutates = 0b111110001,
                           .stored = ~0u};  // infer() refuses these and names the state

// --- penalty -------------------------------------------------------------------------------------------

struct PenaltyAttrs {
  double l1, l2;
};
Attributes describe_penalty(const DescribeContext& c) {
  const auto& a = c.attrs.as<PenaltyAttrs>();
  return {{"l1", a.l1}, {"l2", a.l2}};
}
void infer_penalty(InferContext& c) {
  check_float(c.in[0], c.op.name, "x");
  c.output({}, DType::float32);
}
void run_penalty(const RunContext& c) {
  const auto& a = c.attrs.as<PenaltyAttrs>();
  const View& x = c.in[0];
  float* const sums = c.scratch<float>();
  for_blocks(x.numel(), [&](int64_t b, int64_t begin, int64_t end) {
    sums[b] = kernels().penalty(x.as<float>() + begin, end - begin, float(a.l1), float(a.l2));
  });
  *c.out[0].as<float>() = kernels().sum(sums, (x.numel() + kBlock - 1) / kBlock);
}
int64_t penalty_workspace(const RunContext& c) { return sums_of_blocks(c.in[0].numel()); }
void grad_penalty(GradContext& c) {
  const auto& a = c.attrs.as<PenaltyAttrs>();
  const Tensor& x = c.in[0];
  Tensor slope;
  if (a.l1) slope = scale(sign(x), a.l1);
  if (a.l2) slope = slope ? add(slope, scale(x, a.l2)) : scale(x, a.l2);
  if (slope) c.gin[0] = mul(c.gout[0], slope);
}
const Op op_penalty = OpRow{.name = "penalty",
                            .infer = infer_penalty,
                            .run = run_penalty,
                            .grad = grad_penalty,
                            .describe = describe_penalty,
                            .workspace = penalty_workspace,
                            .grad_out = false};

// --- increment_ ----------------------------------------------------------------------------------------

Attributes describe_increment(const DescribeContext& c) { return {{"amount", c.attrs.as<int64_t>()}}; }
void infer_increment(InferContext& c) {
  check_tensor(c.in[0], c.op.name, "counts");
  FASTDL_CHECK(c.in[0]->dtype == DType::int64, TypeError, c.op.name, ": 'counts' must be int64, got ", c.in[0]->dtype);
}
void run_increment(const RunContext& c) {
  int64_t* const counts = c.in[0].as<int64_t>();
  const auto amount = uint64_t(c.attrs.as<int64_t>());
  for (int64_t i = 0; i < c.in[0].shape.numel(); ++i) counts[i] = int64_t(uint64_t(counts[i]) + amount);  // wraps
}
const Op op_increment = OpRow{.name = "increment_",
                              .infer = infer_increment,
                              .run = run_increment,
                              .describe = describe_increment,
                              .mutates = 0b1};

// The position of a name in the list at(0), at(1), ..., which an empty name ends. ValueError lists the possible names.
template <class At>
int position(std::string_view name, const char* what, const char* rule, int limit, At at) {
  for (int i = 0; i < limit && !at(i).empty(); ++i)
    if (at(i) == name) return i;
  std::string known;
  for (int i = 0; i < limit && !at(i).empty(); ++i) known += (i ? ", " : "") + std::string(at(i));
  const std::string owner = rule ? std::string(" of rule '") + rule + "'" : "";
  raise<ValueError>("update_: unknown ", what, " '", name, "'", owner, "; possible: ", known.empty() ? "none" : known);
}

std::string_view or_empty(const char* name) { return name ? std::string_view(name) : std::string_view(); }

}  // namespace

void increment_(const Tensor& counts, int64_t amount) { apply(op_increment, {counts}, amount); }

void update_(const std::string& rule_name, const Tensor& p, const Tensor& g, const Tensor& hyper, const Tensor& step,
             const NamedTensors& states, const NamedNumbers& parameters, double l2, double decay, double l1,
             const Tensor& penalty) {
  int count;
  const UpdateRule* table = kernels().update_rules(&count);
  UpdateAttrs a{};
  a.rule = position(rule_name, "rule", nullptr, count, [&](int i) { return std::string_view(table[i].name); });
  const UpdateRule& rule = table[a.rule];
  Tensor in[kPenalty + 1] = {p, g, hyper, step};
  in[kPenalty] = penalty;
  for (const auto& [name, t] : states)
    in[kFixed + position(name, "state", rule.name, kSlots,
                         [&](int i) { return rule.slots[i] ? slot_name(rule.slots[i]) : std::string_view(); })] = t;
  for (int i = 0; i < kHyper; ++i) a.hyper[i] = rule.hyper[i].value;
  for (const auto& [name, value] : parameters)
    a.hyper[position(name, "parameter", rule.name, kHyper, [&](int i) { return or_empty(rule.hyper[i].name); })] =
        value;
  a.l1 = l1, a.l2 = l2, a.decay = decay, a.penalty = bool(penalty);
  apply(op_update, in, kPenalty + 1, a);
}

Tensor penalty(const Tensor& x, double l1, double l2) {
  return apply(op_penalty, {as_float(x, "penalty", "x")}, PenaltyAttrs{l1, l2});
}

std::vector<RuleDescription> update_rules() {
  std::vector<RuleDescription> found;
  int count;
  const UpdateRule* table = kernels().update_rules(&count);
  for (int k = 0; k < count; ++k) {
    const UpdateRule& rule = table[k];
    RuleDescription& d = found.emplace_back();
    d.name = rule.name;
    for (int i = 0; i < kSlots && rule.slots[i]; ++i) d.states.push_back(rule.slots[i]);
    for (int i = 0; i < kHyper && rule.hyper[i].name; ++i)
      d.parameters.emplace_back(rule.hyper[i].name, rule.hyper[i].value);
  }
  return found;
}

}  // namespace fastdl
