// Connectionist temporal classification (Graves et al. 2006): the loss of sequences whose alignment is unknown. Forward
// and backward variables are logarithms in double; the forward pass computes the gradient, too, as they are at hand.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/cancel.h"
#include "core/parallel.h"
#include "ops/arguments.h"
#include "ops/ops.h"

namespace fastdl {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();
constexpr int64_t kSlots = 16;           // sequences in memory at the same time
constexpr double kCellNanoseconds = 60;  // of one state at one time, both passes

struct CtcAttrs {
  int64_t blank;
  bool zero_infinity;
  Attributes describe() const { return {{"blank", blank}, {"zero_infinity", zero_infinity}}; }
};

// log(exp(a) + exp(b)); NaN if one is NaN.
double log_add(double a, double b) {
  if (a == kNever) return b;
  if (b == kNever) return a;
  return std::max(a, b) + std::log1p(std::exp(-std::abs(a - b)));
}

// One sequence. States are its labels with a blank before, between and after them.
struct Sequence {
  const float* scores;  // of time 0; that of time t is t * stride further
  const int64_t* labels;
  int64_t times, stride, count, blank;

  int64_t states() const { return 2 * count + 1; }
  int64_t label(int64_t s) const { return s % 2 ? labels[s / 2] : blank; }
  double score(int64_t t, int64_t s) const { return scores[t * stride + label(s)]; }
  // Whether the blank before state s may be left out: between two labels that differ.
  bool skips(int64_t s) const { return s % 2 && s >= 3 && label(s) != label(s - 2); }
  // States from which the end can be reached in time, and that can be reached by then.
  int64_t first(int64_t t) const { return std::max<int64_t>(0, states() - 2 * (times - t)); }
  int64_t last(int64_t t) const { return std::min<int64_t>(states(), 2 * (t + 1)); }
};

// Fills alpha (times x states): the logarithm of the probability of all beginnings that are in a state at a time.
// Returns the logarithm of the probability of the labels.
double run_forward(const Sequence& q, double* alpha) {
  const int64_t states = q.states();
  if (q.times == 0) return q.count == 0 ? 0 : kNever;
  std::fill_n(alpha, q.times * states, kNever);
  for (int64_t s = q.first(0); s < q.last(0); ++s) alpha[s] = q.score(0, s);
  for (int64_t t = 1; t < q.times; ++t) {
    const double* before = alpha + (t - 1) * states;
    double* now = alpha + t * states;
    for (int64_t s = q.first(t); s < q.last(t); ++s) {
      double sum = before[s];
      if (s >= 1) sum = log_add(sum, before[s - 1]);
      if (q.skips(s)) sum = log_add(sum, before[s - 2]);
      now[s] = sum + q.score(t, s);
    }
  }
  const double* end = alpha + (q.times - 1) * states;
  return states > 1 ? log_add(end[states - 1], end[states - 2]) : end[0];
}

// Writes into `slope`, laid out as the scores, minus the probability of each class at each time, given the labels.
// `beta` holds two rows: the logarithm of the probability of all ends after a state at a time.
void run_backward(const Sequence& q, const double* alpha, double total, double* beta, float* slope, double* sums,
                  int64_t classes) {
  const int64_t states = q.states();
  double *now = beta, *after = beta + states;
  for (int64_t t = q.times - 1; t >= 0; --t) {
    for (int64_t s = 0; s < states; ++s) {
      if (t == q.times - 1) {
        now[s] = s >= states - 2 ? 0 : kNever;
        continue;
      }
      double sum = after[s] + q.score(t + 1, s);
      if (s + 1 < states) sum = log_add(sum, after[s + 1] + q.score(t + 1, s + 1));
      if (s + 2 < states && q.skips(s + 2)) sum = log_add(sum, after[s + 2] + q.score(t + 1, s + 2));
      now[s] = sum;
    }
    std::fill_n(sums, classes, 0.0);
    for (int64_t s = q.first(t); s < q.last(t); ++s)
      sums[q.label(s)] += std::exp(alpha[t * states + s] + now[s] - total);
    for (int64_t c = 0; c < classes; ++c) slope[t * q.stride + c] = float(-sums[c]);
    std::swap(now, after);
  }
}

void infer_ctc(InferContext& c) {
  const Shape &x = c.in[0]->shape, &labels = c.in[1]->shape;
  FASTDL_CHECK(x.rank() == 3, ShapeError, "ctc_loss: log_probs must have shape (times, samples, classes), got ", x);
  const bool padded = labels.rank() == 2 && labels[0] == x[1];
  FASTDL_CHECK(padded || labels.rank() == 1, ShapeError, "ctc_loss: targets must have shape (", x[1],
               ", labels), or (labels) for all samples one after the other, got ", labels);
  for (int i = 2; i < 4; ++i)
    FASTDL_CHECK(c.in[i]->shape == Shape({x[1]}), ShapeError, "ctc_loss: ", i == 2 ? "input" : "target",
                 "_lengths must have shape ", Shape({x[1]}), ", got ", c.in[i]->shape);
  const int64_t blank = c.attrs.as<CtcAttrs>().blank;
  FASTDL_CHECK(0 <= blank && blank < x[2], ValueError, "ctc_loss: blank must be in [0, ", x[2], ") for ", x[2],
               " classes, got ", blank);
  c.output(Shape({x[1]}), DType::float32);
  c.output(x, DType::float32);
}

// The sequences of a call, each checked.
std::vector<Sequence> sequences(const RunContext& c) {
  const View &x = c.in[0], &targets = c.in[1];
  const int64_t times = x.shape[0], samples = x.shape[1], classes = x.shape[2];
  const int64_t *labels = targets.as<int64_t>(), *used = c.in[2].as<int64_t>(), *counts = c.in[3].as<int64_t>();
  const bool padded = targets.shape.rank() == 2;
  const int64_t blank = c.attrs.as<CtcAttrs>().blank;
  std::vector<Sequence> all;
  int64_t taken = 0;
  for (int64_t n = 0; n < samples; ++n) {
    const int64_t most = padded ? targets.shape[1] : targets.numel() - taken;
    FASTDL_CHECK(0 <= used[n] && used[n] <= times, ValueError, "ctc_loss: input_lengths: ", used[n], " of sample ", n,
                 " is outside [0, ", times, "]");
    FASTDL_CHECK(0 <= counts[n] && counts[n] <= most, ValueError, "ctc_loss: target_lengths: ", counts[n],
                 " of sample ", n, " is outside [0, ", most, "]");
    const int64_t* own = labels + (padded ? n * targets.shape[1] : taken);
    for (int64_t i = 0; i < counts[n]; ++i) {
      FASTDL_CHECK(0 <= own[i] && own[i] < classes, ValueError, "ctc_loss: targets: label ", own[i], " of sample ", n,
                   " is outside [0, ", classes, ")");
      FASTDL_CHECK(own[i] != blank, ValueError, "ctc_loss: targets: label ", i, " of sample ", n, " is the blank, ",
                   blank);
    }
    all.push_back({x.as<float>() + n * classes, own, used[n], samples * classes, counts[n], blank});
    taken += counts[n];
  }
  FASTDL_CHECK(padded || taken == targets.numel(), ValueError, "ctc_loss: target_lengths add up to ", taken, " for ",
               targets.numel(), " targets");
  return all;
}

void run_ctc(const RunContext& c) {
  const int64_t classes = c.in[0].shape[2];
  const bool zero_infinity = c.attrs.as<CtcAttrs>().zero_infinity;
  const std::vector<Sequence> all = sequences(c);
  std::fill_n(c.out[1].as<float>(), c.out[1].numel(), 0.0f);
  int64_t cells = 0, longest = 0;
  for (const Sequence& q : all) {
    cells = std::max(cells, q.times * q.states());
    longest = std::max(longest, q.states());
  }
  const int64_t samples = int64_t(all.size()), slots = std::min(samples, kSlots);
  const int64_t room = cells + 2 * longest + classes;
  std::vector<double> memory(size_t(slots * room));
  parallel_for(slots, grain_for(kCellNanoseconds * double(cells)), [&](int64_t begin, int64_t end) {
    for (int64_t slot = begin; slot < end; ++slot) {
      double *alpha = memory.data() + slot * room, *beta = alpha + cells, *sums = beta + 2 * longest;
      for (int64_t n = slot; n < samples && !stop_requested(); n += slots) {
        const Sequence& q = all[size_t(n)];
        const double total = run_forward(q, alpha);
        float *loss = c.out[0].as<float>() + n, *slope = c.out[1].as<float>() + n * classes;
        *loss = float(0 - total);  // not -0
        if (total == kNever) {     // no alignment is possible: the gradient is NaN, as PyTorch's, or 0
          if (zero_infinity) *loss = 0;
          for (int64_t t = 0; t < q.times && !zero_infinity; ++t)
            std::fill_n(slope + t * q.stride, classes, std::numeric_limits<float>::quiet_NaN());
          continue;
        }
        run_backward(q, alpha, total, beta, slope, sums, classes);
      }
    }
  });
}

void grad_ctc(GradContext& c) {
  FASTDL_CHECK(!c.gout[1], RuntimeError, "ctc_loss: second derivatives are not implemented");
  if (c.gout[0]) c.gin[0] = mul(c.out[1], reshape(c.gout[0], Shape({1, c.gout[0]->shape[0], 1})));
}
const Op op_ctc = OpRow{.name = "ctc_loss",
                        .infer = infer_ctc,
                        .run = run_ctc,
                        .grad = grad_ctc,
                        .describe = describe<CtcAttrs>,
                        .grad_in = 0};

Tensor as_int64(const Tensor& t, const char* argument) {
  return cast(as_indices(t, op_ctc.name, argument), DType::int64);
}

}  // namespace

Tensor ctc_loss(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths,
                const Tensor& target_lengths, int64_t blank, bool zero_infinity) {
  return apply(op_ctc,
               {as_float(log_probs, op_ctc.name, "log_probs"), as_int64(targets, "targets"),
                as_int64(input_lengths, "input_lengths"), as_int64(target_lengths, "target_lengths")},
               CtcAttrs{blank, zero_infinity});
}

}  // namespace fastdl
