// Random ops. `reserve` takes from a generator the counters that an op needs, and the op computes from these alone.
// Value i depends on its counter, so threads do not matter, and a replayed plan draws the same blocks as an eager run.
#include "ops/random.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/parallel.h"
#include "cpu/kernels.h"
#include "ops/arguments.h"
#include "ops/layout.h"

namespace fastdl {
namespace {

constexpr int64_t kGrain = 8192;  // values of one chunk; a counter serves four, so a multiple of that

// generator {seed, counter} -> {seed, first counter}; the generator's counter moves past those of n values.
void infer_reserve(InferContext& c) {
  const Tensor& g = c.in[0];
  FASTDL_CHECK(g->dtype == DType::int64 && g->shape == Shape{2}, TypeError, c.op.name,
               ": 'generator' must be two int64, seed and counter, got ", g->dtype, " of shape ", g->shape);
  c.output({2}, DType::int64);
}
void run_reserve(const RunContext& c) {
  int64_t *state = c.in[0].as<int64_t>(), *block = c.out[0].as<int64_t>();
  block[0] = state[0];
  block[1] = int64_t(take_counters(state, c.attrs.as<int64_t>()));
}
Attributes describe_reserve(const DescribeContext& c) { return {{"n", c.attrs.as<int64_t>()}}; }
const Op op_reserve = OpRow{.name = "reserve",
                            .infer = infer_reserve,
                            .run = run_reserve,
                            .describe = describe_reserve,
                            .mutates = 0b1,
                            .stored = 0b1,
                            .random = true};  // infer() refuses these and names the argument

struct DrawAttrs {
  Shape shape;
  double a, b;        // the parameters of the distribution
  int64_t low, high;  // randint
};
const DrawAttrs& draw_attrs(const Attrs& a) { return a.as<DrawAttrs>(); }
Attributes describe_uniform(const DescribeContext& c) {
  const DrawAttrs& a = draw_attrs(c.attrs);
  return {{"shape", a.shape}, {"low", a.a}, {"high", a.b}};
}
Attributes describe_normal(const DescribeContext& c) {
  const DrawAttrs& a = draw_attrs(c.attrs);
  return {{"shape", a.shape}, {"mean", a.a}, {"std", a.b}};
}
Attributes describe_randint(const DescribeContext& c) {
  const DrawAttrs& a = draw_attrs(c.attrs);
  return {{"shape", a.shape}, {"low", a.low}, {"high", a.high}};
}
Attributes describe_permutation(const DescribeContext& c) { return {{"n", draw_attrs(c.attrs).shape[0]}}; }

void infer_draw(InferContext& c) { c.output(draw_attrs(c.attrs).shape, DType::float32); }

template <void (*KernelTable::*Kernel)(float*, int64_t, uint64_t, uint64_t, float, float)>
void run_draw(const RunContext& c) {
  const DrawAttrs& a = draw_attrs(c.attrs);
  float* y = c.out[0].as<float>();
  const Block block(c.in[0]);
  parallel_for(c.out[0].numel(), kGrain, [&](int64_t begin, int64_t end) {
    (kernels().*Kernel)(y + begin, end - begin, block.seed, block.counter + uint64_t(begin) / 4, float(a.a),
                        float(a.b));
  });
}

template <void (*KernelTable::*Kernel)(float*, int64_t, uint64_t, uint64_t, float, float)>
constexpr OpRow drawing(const char* name, Attributes (*describe)(const DescribeContext&)) {
  return {.name = name, .infer = infer_draw, .run = run_draw<Kernel>, .describe = describe};
}
const Op op_uniform = drawing<&KernelTable::philox_uniform>("uniform", describe_uniform);
const Op op_normal = drawing<&KernelTable::philox_normal>("normal", describe_normal);
const Op op_truncated_normal = drawing<&KernelTable::philox_truncated_normal>("truncated_normal", describe_normal);

// --- integers ------------------------------------------------------------------------------------------

// Calls body(i, word) with 64 random bits for each i of [begin, end), begin even; value i uses the 32-bit
// words 2 i and 2 i + 1 of the block.
template <class Body>
void for_each_word(int64_t begin, int64_t end, const Block& block, Body body) {
  constexpr int64_t kBlock = 256;
  uint32_t words[2 * kBlock];
  for (int64_t i = begin; i < end; i += kBlock) {
    const int64_t n = std::min(kBlock, end - i);
    kernels().philox_u32(words, 2 * n, block.seed, block.counter + uint64_t(i) / 2, 0);
    for (int64_t k = 0; k < n; ++k) body(i + k, uint64_t(words[2 * k + 1]) << 32 | words[2 * k]);
  }
}

// A number in [0, range) from 64 random bits: the upper half of the product (Lemire 2019). The bias of
// range / 2^64 is far below what could be observed.
uint64_t below(uint64_t range, uint64_t bits) { return uint64_t((static_cast<unsigned __int128>(bits) * range) >> 64); }

void infer_randint(InferContext& c) { c.output(draw_attrs(c.attrs).shape, DType::int64); }
void run_randint(const RunContext& c) {
  const DrawAttrs& a = draw_attrs(c.attrs);
  int64_t* y = c.out[0].as<int64_t>();
  const uint64_t range = uint64_t(a.high) - uint64_t(a.low);
  const Block block(c.in[0]);
  parallel_for(c.out[0].numel(), kGrain, [&](int64_t begin, int64_t end) {
    for_each_word(begin, end, block,
                  [&](int64_t i, uint64_t bits) { y[i] = int64_t(uint64_t(a.low) + below(range, bits)); });
  });
}
const Op op_randint =
    OpRow{.name = "randint", .infer = infer_randint, .run = run_randint, .describe = describe_randint};

// Fisher and Yates' shuffle, from the end.
void run_permutation(const RunContext& c) {
  int64_t* y = c.out[0].as<int64_t>();
  const int64_t n = c.out[0].numel();
  for (int64_t i = 0; i < n; ++i) y[i] = i;
  for_each_word(0, n, Block(c.in[0]), [&](int64_t i, uint64_t bits) {
    const int64_t last = n - 1 - i;
    std::swap(y[last], y[below(uint64_t(last) + 1, bits)]);
  });
}
const Op op_permutation =
    OpRow{.name = "permutation", .infer = infer_randint, .run = run_permutation, .describe = describe_permutation};

// --- dropout -------------------------------------------------------------------------------------------

struct DropoutAttrs {
  double rate;
  Attributes describe() const { return {{"rate", rate}}; }
};
float kept_scale(const Attrs& a) { return float(1 / (1 - a.as<DropoutAttrs>().rate)); }

// inputs: dy, mask -> mask ? dy / (1 - rate) : 0
void run_mask_scale(const RunContext& c) {
  const View &g = c.in[0], &mask = c.in[1], &dx = c.out[0];
  parallel_for(dx.numel(), grain_for(0.5), [&](int64_t begin, int64_t end) {
    kernels().mask_scale(dx.as<float>() + begin, g.as<float>() + begin, mask.as<uint8_t>() + begin, end - begin,
                         kept_scale(c.attrs));
  });
}
Tensor mask_scale(const Tensor& g, const Tensor& mask, const Attrs& attrs);
void grad_mask_scale(GradContext& c) { c.gin[0] = mask_scale(c.gout[0], c.in[1], c.attrs); }
const Op op_mask_scale = OpRow{.name = "dropout_grad",
                               .infer = infer_same_as_first,
                               .run = run_mask_scale,
                               .grad = grad_mask_scale,
                               .describe = describe<DropoutAttrs>,
                               .grad_in = 0b10,
                               .grad_out = false,
                               .elementwise = true};
Tensor mask_scale(const Tensor& g, const Tensor& mask, const Attrs& attrs) {
  return apply(op_mask_scale, {g, mask}, attrs);
}

void infer_dropout(InferContext& c) {
  c.output(c.in[0]->shape, DType::float32);
  c.output(c.in[0]->shape, DType::uint8);
}
void run_dropout(const RunContext& c) {
  const View &x = c.in[0], &y = c.out[0], &mask = c.out[1];
  const Block block(c.in[1]);
  const float rate = float(c.attrs.as<DropoutAttrs>().rate);
  parallel_for(y.numel(), kGrain, [&](int64_t begin, int64_t end) {
    kernels().dropout(y.as<float>() + begin, mask.as<uint8_t>() + begin, x.as<float>() + begin, end - begin, block.seed,
                      block.counter + uint64_t(begin) / 4, rate, kept_scale(c.attrs));
  });
}
void grad_dropout(GradContext& c) { c.gin[0] = mask_scale(c.gout[0], c.out[1], c.attrs); }
const Op op_dropout = OpRow{.name = "dropout",
                            .infer = infer_dropout,
                            .run = run_dropout,
                            .grad = grad_dropout,
                            .describe = describe<DropoutAttrs>,
                            .grad_in = 0,
                            .grad_out = 0b10};

Tensor draw(const Op& op, const Shape& shape, double a, double b, const Tensor& from) {
  const int64_t n = checked_numel(shape, op.name);
  FASTDL_CHECK(std::isfinite(a) && std::isfinite(b), ValueError, op.name, ": expected finite parameters, got ", a,
               " and ", b);
  return apply(op, {reserve(n, from)}, DrawAttrs{shape, a, b, 0, 0});
}
void check_std(double std, const char* who) {
  FASTDL_CHECK(std >= 0, ValueError, who, ": the standard deviation must not be negative, got ", std);
}

}  // namespace

Tensor reserve(int64_t n, const Tensor& from) {
  const Tensor& g = from ? from : generator();
  note_draw(g, n);
  return apply(op_reserve, {g}, n);
}
Tensor uniform_of(const Tensor& block, const Shape& shape) {
  return apply(op_uniform, {block}, DrawAttrs{shape, 0, 1, 0, 0});
}

Tensor uniform(const Shape& shape, double low, double high, const Tensor& from) {
  FASTDL_CHECK(low <= high, ValueError, "uniform: expected low <= high, got ", low, " and ", high);
  return draw(op_uniform, shape, low, high, from);
}
Tensor normal(const Shape& shape, double mean, double std, const Tensor& from) {
  check_std(std, "normal");
  return draw(op_normal, shape, mean, std, from);
}
Tensor truncated_normal(const Shape& shape, double mean, double std, const Tensor& from) {
  check_std(std, "truncated_normal");
  return draw(op_truncated_normal, shape, mean, std, from);
}
Tensor randint(const Shape& shape, int64_t low, int64_t high, const Tensor& from) {
  const int64_t n = checked_numel(shape, "randint");
  FASTDL_CHECK(low < high, ValueError, "randint: expected low < high, got ", low, " and ", high);
  return apply(op_randint, {reserve(2 * n, from)}, DrawAttrs{shape, 0, 0, low, high});
}
Tensor permutation(int64_t n, const Tensor& from) {
  FASTDL_CHECK(n >= 0, ValueError, "permutation: expected a length of at least 0, got ", n);
  return apply(op_permutation, {reserve(2 * n, from)}, DrawAttrs{{n}, 0, 0, 0, 0});
}
// 1 with probability p, else 0. Values below 0 and NaN count as 0, values above 1 as 1.
Tensor bernoulli(const Tensor& p, const Tensor& from) {
  check_tensor(p, "bernoulli", "p");
  return cast(lt(to_device(uniform(p->shape, 0, 1, from), p->device()), detach(p)), DType::float32);
}
Tensor dropout(const Tensor& x, double rate, const Tensor& from) {
  FASTDL_CHECK(rate >= 0 && rate < 1, ValueError, "dropout: rate must lie in [0, 1), got ", rate);
  const Tensor values = as_float(x, "dropout", "x");
  if (rate == 0) return copy(values);
  if (values->channels_last) return channels_first(dropout(channels_last(values), rate, from));
  // The generator lies on the CPU, so the block is moved to the values' device.
  return apply(op_dropout, {values, to_device(reserve(values->numel(), from), values->device())}, DropoutAttrs{rate});
}

}  // namespace fastdl
