// Optimizer updates, in place, each one pass over flat buffers: one op for all rules of the table in
// cpu/kernels/update.cc. What may change from step to step is read when the op runs, so that a plan sees it:
//   hyper  float32, [learning rate] or [learning rate, factor on the gradient]
//   step   int64, one element: the number of steps finished before this one
// `penalty`, one element, grows by the penalty of the parameters before the step.
// `ids` name the rows of p of which g has gradients: (ids..., width) for p of (rows, width). Equal ids add up in their
// order, as in scatter_add. So the bits are those of an update of all rows by scatter_add(g, ids), where the rule
// leaves elements with a gradient of 0 alone, but for subnormal ones, which that flushes.
// With `present_only` rows of g that are all 0 change nothing, whatever the rule.
//
// Weights are pulled to 0 in two ways. `l1` and `l2` add l1 sign(p) + l2 p to the gradient, that of the penalty
// l1 |p| + l2 / 2 p^2. `decay` takes lr decay p off p first (Loshchilov and Hutter 2019).
#include <algorithm>
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
constexpr int kPenalty = kFixed + kSlots, kIds = kPenalty + 1;
constexpr int64_t kRowPiece = 1024;  // elements of a row whose gradients are summed at once

struct UpdateAttrs {
  int rule;
  double hyper[kHyper], l1, l2, decay;
  bool penalty;  // whether that input is given
  bool ids;      // likewise
  bool present_only;
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
    FASTDL_CHECK(t->shape == p->shape, ShapeError, c.op.name, ": '", argument, "' must have the parameters' shape ",
                 p->shape, ", got ", t->shape);
  };
  check_float(p, c.op.name, "p");
  if (const Tensor& ids = c.in[kIds]) {
    check_float(c.in[1], c.op.name, "g");
    check_computing(ids, c.op.name, "ids");
    Shape rows = ids->shape;
    if (p->shape.rank() == 2) rows.push_back(p->shape[1]);
    FASTDL_CHECK(p->shape.rank() == 2 && c.in[1]->shape == rows, ShapeError, c.op.name, ": 'p' of shape ", p->shape,
                 " and 'ids' of shape ", ids->shape, " do not fit 'g' of shape ", c.in[1]->shape);
    FASTDL_CHECK(!a.penalty && !a.present_only && a.l1 == 0 && a.l2 == 0 && a.decay == 0, ValueError, c.op.name,
                 ": with 'ids' only some rows change: expected no penalty, l1, l2, decay and present_only");
  } else {
    check_like(c.in[1], "g");
  }
  FASTDL_CHECK(!a.present_only || !a.penalty, ValueError, c.op.name, ": present_only: expected no penalty");
  check_float(hyper, c.op.name, "hyper");
  FASTDL_CHECK(hyper->numel() == 1 || hyper->numel() == 2, ShapeError, c.op.name,
               ": 'hyper' must hold the learning rate and, optionally, a factor on the gradient, got shape ",
               hyper->shape);
  check_tensor(step, c.op.name, "step");
  FASTDL_CHECK(step->dtype == DType::int64 && step->numel() == 1, TypeError, c.op.name,
               ": 'step' must be one int64, got ", step->dtype, " of shape ", step->shape);
  if (const Tensor& penalty = c.in[kPenalty]) {
    check_float(penalty, c.op.name, "penalty");
    FASTDL_CHECK(penalty->numel() == 1, ShapeError, c.op.name, ": 'penalty' must have one element, got shape ",
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

// A row of the table, and which row of the gradients belongs to it.
struct Place {
  int64_t row, at;
  bool operator<(const Place& o) const { return row != o.row ? row < o.row : at < o.at; }
};

// Updates the rows of p that the ids name. update(g, begin, end) updates elements begin ... end - 1 by g.
template <class Update>
void update_rows(const RunContext& c, const float* g, Update update) {
  const View& ids = c.in[kIds];
  const int64_t n = ids.numel(), count = c.in[0].shape[0], width = c.in[0].shape[1];
  Place* const places = c.scratch<Place>();
  dispatch(ids.dtype, [&](auto zero) {
    const auto* p = ids.as<decltype(zero)>();
    for (int64_t i = 0; i < n; ++i) {
      places[i] = {int64_t(p[i]), i};
      FASTDL_CHECK(places[i].row >= 0 && places[i].row < count, IndexError, c.op.name, ": id ", places[i].row,
                   " is none of ", count, " rows");
    }
  });
  std::sort(places, places + n);
  Place* const starts = places + n;  // `at` is the first place of each row, and the end of the last one
  int64_t rows = 0;
  for (int64_t i = 0; i < n; ++i)
    if (!i || places[i].row != places[i - 1].row) starts[rows++] = {places[i].row, i};
  starts[rows] = {0, n};
  const auto work = [&](int64_t first, int64_t last) {
    alignas(64) float sum[kRowPiece];
    for (int64_t r = first; r < last; ++r)
      for (int64_t from = 0; from < width; from += kRowPiece) {
        const int64_t size = std::min(kRowPiece, width - from), begin = starts[r].row * width + from;
        std::memset(sum, 0, size_t(size) * sizeof(float));
        for (int64_t i = starts[r].at; i < starts[r + 1].at; ++i)
          kernels().add(sum, sum, g + places[i].at * width + from, size, 1, 1, nullptr);
        update(sum, begin, begin + size);
      }
  };
  parallel_for(rows, std::max<int64_t>(1, kGrain / std::max<int64_t>(1, width)), work);
}

// Updates the rows whose gradient has an element other than 0.
template <class Update>
void update_present(const View& p, const float* g, Update update) {
  const int64_t rows = p.shape.rank() ? p.shape[0] : 1, width = p.numel() / std::max<int64_t>(1, rows);
  parallel_for(rows, std::max<int64_t>(1, kGrain / std::max<int64_t>(1, width)), [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) {
      const float* row = g + r * width;
      if (std::any_of(row, row + width, [](float x) { return x != 0; })) update(r * width, (r + 1) * width);
    }
  });
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
  const auto update_by = [&](const float* g, int64_t begin, int64_t end) {
    const FlushSubnormals flush;
    UpdateSpan part = all;
    part.p += begin, part.g = g, part.n = end - begin;
    for (float*& slot : part.slots)
      if (slot) slot += begin;
    rule.update(part);
  };
  const auto update = [&](int64_t begin, int64_t end) { update_by(all.g + begin, begin, end); };
  if (a.ids) return update_rows(c, all.g, update_by);
  if (a.present_only) return update_present(p, all.g, update);
  if (!a.penalty) return parallel_for(p.numel(), kGrain, update);
  float* const sums = c.scratch<float>();
  for_blocks(p.numel(), [&](int64_t b, int64_t begin, int64_t end) {
    sums[b] = kernels().penalty(all.p + begin, end - begin, all.l1, all.l2);
    update(begin, end);
  });
  *c.in[kPenalty].as<float>() += kernels().sum(sums, (p.numel() + kBlock - 1) / kBlock);
}
int64_t update_workspace(const RunContext& c) {
  const UpdateAttrs& a = c.attrs.as<UpdateAttrs>();
  if (a.ids) return (2 * c.in[kIds].numel() + 1) * int64_t(sizeof(Place));
  return a.penalty ? sums_of_blocks(c.in[0].numel()) : 0;
}
Attributes describe_update(const DescribeContext& c) {
  const UpdateAttrs& a = c.attrs.as<UpdateAttrs>();
  const UpdateRule& rule = rule_at(a.rule);
  Attributes found = {{"rule", std::string(rule.name)},
                      {"l1", a.l1},
                      {"l2", a.l2},
                      {"decay", a.decay},
                      {"present_only", a.present_only}};
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
             const Tensor& penalty, const Tensor& ids, bool present_only) {
  int count;
  const UpdateRule* table = kernels().update_rules(&count);
  UpdateAttrs a{};
  a.rule = position(rule_name, "rule", nullptr, count, [&](int i) { return std::string_view(table[i].name); });
  const UpdateRule& rule = table[a.rule];
  Tensor in[kIds + 1] = {p, g, hyper, step};
  in[kPenalty] = penalty;
  in[kIds] = ids;
  for (const auto& [name, t] : states)
    in[kFixed + position(name, "state", rule.name, kSlots,
                         [&](int i) { return rule.slots[i] ? slot_name(rule.slots[i]) : std::string_view(); })] = t;
  for (int i = 0; i < kHyper; ++i) a.hyper[i] = rule.hyper[i].value;
  for (const auto& [name, value] : parameters)
    a.hyper[position(name, "parameter", rule.name, kHyper, [&](int i) { return or_empty(rule.hyper[i].name); })] =
        value;
  a.l1 = l1, a.l2 = l2, a.decay = decay, a.penalty = bool(penalty);
  a.ids = bool(ids), a.present_only = present_only;
  apply(op_update, in, kIds + 1, a);
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
