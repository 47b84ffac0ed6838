// Convolutions over channels-last tensors, [samples, spatial axes, channels], with one to three spatial axes. The three
// ops are the gradients of one another:
//
//   conv         y from x and w       conv_input   x from y and w (a transposed convolution)
//   conv_kernel  w from x and y
//
// w is [spatial axes, channels in of a group, channels out], as in Keras.
#include "cpu/conv.h"

#include <string>
#include <vector>

#include "core/parallel.h"
#include "cpu/conv_bf16.h"
#include "cpu/kernels.h"
#include "ops/arguments.h"
#include "ops/ops.h"
#include "ops/unary.h"

namespace fastdl {
namespace {

constexpr int kMostAxes = 3;

struct ConvAttrs {
  int rank;  // spatial axes
  int64_t stride[kMostAxes], dilation[kMostAxes], low[kMostAxes], high[kMostAxes];
  int64_t groups;
  int64_t sizes[kMostAxes];  // of the result: the spatial axes of x, or of the kernel
  const FusedActivation* activation;
  Precision precision;

  std::vector<int64_t> list(const int64_t (&of)[kMostAxes]) const { return {of, of + rank}; }
  Attributes describe() const {
    return {{"strides", list(stride)}, {"dilations", list(dilation)},
            {"low", list(low)},        {"high", list(high)},
            {"groups", groups},        {"activation", activation ? activation->name : ""},
            described(precision)};
  }
  Attributes describe_sized() const {
    Attributes all = describe();
    all[5] = {"sizes", list(sizes)};
    return all;
  }
};

// The places of a dilated kernel.
int64_t reach(int64_t kernel, int64_t dilation) { return (kernel - 1) * dilation + 1; }
int64_t outputs(const ConvAttrs& a, int i, int64_t in, int64_t kernel) {
  const int64_t room = in + a.low[i] + a.high[i] - reach(kernel, a.dilation[i]);
  return room < 0 ? 0 : room / a.stride[i] + 1;
}

void check_ranks(const InferContext& c, const ConvAttrs& a, const char* first, const char* second) {
  for (int i = 0; i < 2; ++i) {
    const char* name = i ? second : first;
    check_float(c.in[i], c.op.name, name);
    FASTDL_CHECK(c.in[i]->shape.rank() == a.rank + 2, ShapeError, c.op.name, ": '", name, "' must have ", a.rank + 2,
                 " axes, got shape ", c.in[i]->shape);
  }
}

// Checks the channels of x and y against a kernel's.
void check_channels(const InferContext& c, const ConvAttrs& a, int64_t in, const Shape& w) {
  FASTDL_CHECK(in == w.back(1) * a.groups, ShapeError, c.op.name, ": the input has ", in,
               " channels, but the kernel, of shape ", w, ", takes ", w.back(1), a.groups > 1 ? " in each group" : "",
               a.groups > 1 ? " of " + std::to_string(a.groups) : std::string());
  FASTDL_CHECK(w.back(0) % a.groups == 0, ShapeError, c.op.name, ": ", w.back(0),
               " output channels do not divide into ", a.groups, " groups");
}

void infer_conv(InferContext& c) {
  const ConvAttrs& a = c.attrs.as<ConvAttrs>();
  check_ranks(c, a, "x", "w");
  const Shape &x = c.in[0]->shape, &w = c.in[1]->shape;
  check_channels(c, a, x.back(), w);
  if (const Tensor& bias = c.in[2]) {
    check_float(bias, c.op.name, "bias");
    FASTDL_CHECK(bias->shape == Shape{w.back()}, ShapeError, c.op.name, ": expected a bias of shape ", Shape{w.back()},
                 ", got ", bias->shape);
  }
  Shape y = {x[0]};
  for (int i = 0; i < a.rank; ++i) {
    FASTDL_CHECK(w[i] > 0, ShapeError, c.op.name, ": the kernel is empty: its shape is ", w);
    y.push_back(outputs(a, i, x[i + 1], w[i]));
    FASTDL_CHECK(y.back() > 0 || x[i + 1] == 0, ShapeError, c.op.name, ": a kernel of ", reach(w[i], a.dilation[i]),
                 " places does not fit into ", x[i + 1] + a.low[i] + a.high[i], " along spatial axis ", i,
                 " (input shape ", x, ", kernel shape ", w, ")");
  }
  y.push_back(w.back());
  c.output(y, DType::float32);
}

// The geometry, with axes of size 1 in front where there are fewer than three.
ConvShape shape_of(const ConvAttrs& a, const Shape& x, const Shape& y, const Shape& w) {
  ConvShape s{x[0], x.back(), y.back(), a.groups, {}, {}, {}};
  ConvAxis* axes[kMostAxes] = {&s.z, &s.y, &s.x};
  for (int i = 0; i < a.rank; ++i)
    *axes[kMostAxes - a.rank + i] = {x[i + 1], y[i + 1], w[i], a.stride[i], a.dilation[i], a.low[i]};
  return s;
}

// Whether the operands are rounded to bfloat16 (see matmul.cc).
bool in_bf16(const ConvAttrs& a, const ConvShape& s) { return a.precision == Precision::bfloat16 && conv_in_bf16(s); }
bool kernel_in_bf16(const ConvAttrs& a, const ConvShape& s) {
  return a.precision == Precision::bfloat16 && conv_kernel_in_bf16(s);
}

int64_t conv_workspace(const RunContext& c) {
  const ConvAttrs& a = c.attrs.as<ConvAttrs>();
  const ConvShape s = shape_of(a, c.in[0].shape, c.out[0].shape, c.in[1].shape);
  return in_bf16(a, s) ? conv_bf16_bytes(s) : 0;
}
void run_conv(const RunContext& c) {
  const ConvAttrs& a = c.attrs.as<ConvAttrs>();
  const View &x = c.in[0], &w = c.in[1], &bias = c.in[2], &y = c.out[0];
  if (!y.numel()) return;
  Epilogue epilogue;
  float parameters[2] = {};
  if (bias) epilogue.bias = bias.as<float>();
  if (a.activation) {
    parameters[0] = a.activation->parameter;
    epilogue.activation = kernels().*a.activation->kernel;
    epilogue.parameters = parameters;
  }
  const ConvShape s = shape_of(a, x.shape, y.shape, w.shape);
  if (in_bf16(a, s))
    return conv_bf16(s, x.as<float>(), w.as<float>(), y.as<float>(), epilogue, c.rows, c.scratch<char>());
  conv(s, x.as<float>(), w.as<float>(), y.as<float>(), epilogue, c.rows);
}

void infer_conv_input(InferContext& c) {
  const ConvAttrs& a = c.attrs.as<ConvAttrs>();
  check_ranks(c, a, "y", "w");
  const Shape &y = c.in[0]->shape, &w = c.in[1]->shape;
  check_channels(c, a, w.back(1) * a.groups, w);
  FASTDL_CHECK(y.back() == w.back(), ShapeError, c.op.name, ": 'y' has ", y.back(), " channels, the kernel, of shape ",
               w, ", gives ", w.back());
  Shape x = {y[0]};
  for (int i = 0; i < a.rank; ++i) {
    FASTDL_CHECK(outputs(a, i, a.sizes[i], w[i]) == y[i + 1], ShapeError, c.op.name, ": an input of size ", a.sizes[i],
                 " along spatial axis ", i, " gives ", outputs(a, i, a.sizes[i], w[i]), " outputs, but 'y' has shape ",
                 y);
    x.push_back(a.sizes[i]);
  }
  x.push_back(w.back(1) * a.groups);
  c.output(x, DType::float32);
}
int64_t conv_input_workspace(const RunContext& c) {
  const ConvAttrs& a = c.attrs.as<ConvAttrs>();
  const ConvShape s = shape_of(a, c.out[0].shape, c.in[0].shape, c.in[1].shape);
  return in_bf16(a, s) ? conv_input_bf16_bytes(s) : conv_input_floats(s) * int64_t(sizeof(float));
}
bool input_reports_rows(const RunContext& c) {
  const ConvAttrs& a = c.attrs.as<ConvAttrs>();
  const ConvShape s = shape_of(a, c.out[0].shape, c.in[0].shape, c.in[1].shape);
  return !in_bf16(a, s) || conv_input_bf16_reports_rows(s);
}
void run_conv_input(const RunContext& c) {
  const ConvAttrs& a = c.attrs.as<ConvAttrs>();
  const View &y = c.in[0], &w = c.in[1], &x = c.out[0];
  if (!x.numel()) return;
  const ConvShape s = shape_of(a, x.shape, y.shape, w.shape);
  if (in_bf16(a, s)) return conv_input_bf16(s, y.as<float>(), w.as<float>(), x.as<float>(), c.rows, c.scratch<char>());
  conv_input(s, y.as<float>(), w.as<float>(), x.as<float>(), c.scratch<float>(), c.rows);
}

void infer_conv_kernel(InferContext& c) {
  const ConvAttrs& a = c.attrs.as<ConvAttrs>();
  check_ranks(c, a, "x", "y");
  const Shape &x = c.in[0]->shape, &y = c.in[1]->shape;
  FASTDL_CHECK(x[0] == y[0], ShapeError, c.op.name, ": 'x' has ", x[0], " samples, 'y' ", y[0]);
  FASTDL_CHECK(x.back() % a.groups == 0 && y.back() % a.groups == 0, ShapeError, c.op.name, ": ", x.back(), " and ",
               y.back(), " channels do not divide into ", a.groups, " groups");
  Shape w;
  for (int i = 0; i < a.rank; ++i) {
    FASTDL_CHECK(outputs(a, i, x[i + 1], a.sizes[i]) == y[i + 1], ShapeError, c.op.name, ": a kernel of size ",
                 a.sizes[i], " along spatial axis ", i, " gives ", outputs(a, i, x[i + 1], a.sizes[i]),
                 " outputs, but 'y' has shape ", y);
    w.push_back(a.sizes[i]);
  }
  w.push_back(x.back() / a.groups);
  w.push_back(y.back());
  c.output(w, DType::float32);
}
int64_t conv_kernel_workspace(const RunContext& c) {
  const ConvAttrs& a = c.attrs.as<ConvAttrs>();
  const ConvShape s = shape_of(a, c.in[0].shape, c.in[1].shape, c.out[0].shape);
  return kernel_in_bf16(a, s) ? conv_kernel_bf16_bytes(s) : 0;
}
void run_conv_kernel(const RunContext& c) {
  const ConvAttrs& a = c.attrs.as<ConvAttrs>();
  const View &x = c.in[0], &y = c.in[1], &w = c.out[0];
  if (!w.numel()) return;
  const ConvShape s = shape_of(a, x.shape, y.shape, w.shape);
  if (kernel_in_bf16(a, s)) return conv_kernel_bf16(s, x.as<float>(), y.as<float>(), w.as<float>(), c.scratch<char>());
  conv_kernel(s, x.as<float>(), y.as<float>(), w.as<float>());
}

Tensor apply_conv(const Tensor& x, const Tensor& w, const Tensor& bias, ConvAttrs a);
Tensor apply_sized(const Op& op, const Tensor& first, const Tensor& second, ConvAttrs a, const Shape& sizes, int from,
                   const Tensor& into = nullptr);

void grad_conv(GradContext& c);
void grad_conv_input(GradContext& c);
void grad_conv_kernel(GradContext& c);

const Op op_conv = OpRow{.name = "conv",
                         .infer = infer_conv,
                         .run = run_conv,
                         .grad = grad_conv,
                         .describe = describe<ConvAttrs>,
                         .workspace = conv_workspace,
                         .grad_in = 0b011,
                         .reads_result = [](const Attrs& a) { return a.as<ConvAttrs>().activation != nullptr; },
                         .bilinear = true,
                         .reports_rows = [](const RunContext&) { return true; }};
const Op op_conv_input =
    OpRow{.name = "conv_input",
          .infer = infer_conv_input,
          .run = run_conv_input,
          .grad = grad_conv_input,
          .describe = [](const DescribeContext& c) { return c.attrs.as<ConvAttrs>().describe_sized(); },
          .workspace = conv_input_workspace,
          .grad_out = false,
          .bilinear = true,
          .reports_rows = input_reports_rows};
const Op op_conv_kernel =
    OpRow{.name = "conv_kernel",
          .infer = infer_conv_kernel,
          .run = run_conv_kernel,
          .grad = grad_conv_kernel,
          .describe = [](const DescribeContext& c) { return c.attrs.as<ConvAttrs>().describe_sized(); },
          .workspace = conv_kernel_workspace,
          .grad_out = false,
          .bilinear = true};

Tensor apply_conv(const Tensor& x, const Tensor& w, const Tensor& bias, ConvAttrs a) {
  return apply(op_conv, {x, w, bias}, a);
}
// `sizes` has those of the result from axis `from` on.
Tensor apply_sized(const Op& op, const Tensor& first, const Tensor& second, ConvAttrs a, const Shape& sizes, int from,
                   const Tensor& into) {
  for (int i = 0; i < a.rank; ++i) a.sizes[i] = sizes[from + i];
  a.activation = nullptr;
  return apply(op, {first, second}, a, into);
}

void grad_conv(GradContext& c) {
  const Tensor &x = c.in[0], &w = c.in[1];
  const ConvAttrs& a = c.attrs.as<ConvAttrs>();
  const Tensor gz = a.activation ? fused_activation_grad(*a.activation, c.gout[0], c.out[0]) : c.gout[0];
  if (c.needs(0)) c.gin[0] = apply_sized(op_conv_input, gz, w, a, x->shape, 1);
  if (c.needs(1)) c.gin[1] = apply_sized(op_conv_kernel, x, gz, a, w->shape, 0, c.into[1]);
  if (c.needs(2)) {
    const int64_t channels = gz->shape.back();
    c.gin[2] = sum(reshape(gz, {channels ? gz->numel() / channels : 0, channels}), std::vector<int64_t>{0}, false);
  }
}
// x = conv_input(y, w)
void grad_conv_input(GradContext& c) {
  const Tensor &y = c.in[0], &w = c.in[1], &g = c.gout[0];
  const ConvAttrs& a = c.attrs.as<ConvAttrs>();
  if (c.needs(0)) c.gin[0] = apply_conv(g, w, nullptr, a);
  if (c.needs(1)) c.gin[1] = apply_sized(op_conv_kernel, g, y, a, w->shape, 0, c.into[1]);
}
// w = conv_kernel(x, y)
void grad_conv_kernel(GradContext& c) {
  const Tensor &x = c.in[0], &y = c.in[1], &g = c.gout[0];
  const ConvAttrs& a = c.attrs.as<ConvAttrs>();
  if (c.needs(0)) c.gin[0] = apply_sized(op_conv_input, y, g, a, x->shape, 1);
  if (c.needs(1)) c.gin[1] = apply_conv(x, g, nullptr, a);
}

using Numbers = std::vector<int64_t>;

// Each list has one number for each spatial axis, or is empty for `otherwise`.
void fill(int64_t (&to)[kMostAxes], const Axes& given, int rank, int64_t otherwise, int64_t least, const char* who,
          const char* argument) {
  const Numbers from = given.value_or(Numbers());
  FASTDL_CHECK(from.empty() || int(from.size()) == rank, ShapeError, who, ": ", argument, ": expected ", rank,
               " numbers, one for each spatial axis, got ", from.size());
  for (int i = 0; i < rank; ++i) {
    to[i] = from.empty() ? otherwise : from[size_t(i)];
    FASTDL_CHECK(to[i] >= least && to[i] <= INT32_MAX, ValueError, who, ": ", argument, ": expected numbers from ",
                 least, " to ", INT32_MAX, ", got ", to[i]);
  }
}

ConvAttrs attrs_of(const char* who, const Tensor& x, const Axes& strides, const Axes& low, const Axes& high,
                   const Axes& dilations, int64_t groups, Precision precision) {
  check_tensor(x, who, "x");
  const int rank = x->shape.rank() - 2;
  FASTDL_CHECK(rank >= 1 && rank <= kMostAxes, ShapeError, who,
               ": expected samples, one to three spatial axes and channels, got shape ", x->shape);
  FASTDL_CHECK(groups >= 1, ValueError, who, ": groups: expected at least 1, got ", groups);
  ConvAttrs a{};
  a.rank = rank;
  a.groups = groups;
  a.precision = in_effect(precision);
  fill(a.stride, strides, rank, 1, 1, who, "strides");
  fill(a.dilation, dilations, rank, 1, 1, who, "dilations");
  fill(a.low, low, rank, 0, 0, who, "low");
  fill(a.high, high, rank, 0, 0, who, "high");
  return a;
}

}  // namespace

Tensor conv(const Tensor& x, const Tensor& w, const Tensor& bias, const Axes& strides, const Axes& low,
            const Axes& high, const Axes& dilations, int64_t groups, const std::string& activation,
            Precision precision) {
  ConvAttrs a = attrs_of("conv", x, strides, low, high, dilations, groups, precision);
  a.activation = find_fused_activation(activation);
  const Tensor y =
      apply_conv(as_float(x, "conv", "x"), as_float(w, "conv", "w"), bias ? as_float(bias, "conv", "bias") : bias, a);
  return a.activation ? y : activate(activation, y);
}

Tensor conv_input(const Tensor& y, const Tensor& w, const Numbers& sizes, const Axes& strides, const Axes& low,
                  const Axes& high, const Axes& dilations, int64_t groups, Precision precision) {
  ConvAttrs a = attrs_of("conv_input", y, strides, low, high, dilations, groups, precision);
  fill(a.sizes, sizes, a.rank, 0, 0, "conv_input", "sizes");
  return apply(op_conv_input, {as_float(y, "conv_input", "y"), as_float(w, "conv_input", "w")}, a);
}

Tensor conv_kernel(const Tensor& x, const Tensor& y, const Numbers& sizes, const Axes& strides, const Axes& low,
                   const Axes& high, const Axes& dilations, int64_t groups, Precision precision) {
  ConvAttrs a = attrs_of("conv_kernel", x, strides, low, high, dilations, groups, precision);
  fill(a.sizes, sizes, a.rank, 1, 1, "conv_kernel", "sizes");
  return apply(op_conv_kernel, {as_float(x, "conv_kernel", "x"), as_float(y, "conv_kernel", "y")}, a);
}

}  // namespace fastdl
