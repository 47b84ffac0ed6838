// Ops that move values without changing them: views, permutations, windows, joining and splitting.
#include <algorithm>
#include <vector>

#include "core/parallel.h"
#include "ops/arguments.h"
#include "ops/layout.h"
#include "ops/strided.h"

namespace fastdl {
namespace {

// --- reshape: a view -----------------------------------------------------------------------------------

Attributes describe_shape(const DescribeContext& c) { return {{"shape", c.attrs.as<Shape>()}}; }
void infer_reshape(InferContext& c) { c.output(c.attrs.as<Shape>(), c.in[0]->dtype); }
void grad_reshape(GradContext& c) { c.gin[0] = reshape(c.gout[0], c.in[0]->shape); }
const Op op_reshape = OpRow{.name = "reshape",
                            .infer = infer_reshape,
                            .grad = grad_reshape,
                            .describe = describe_shape,
                            .stored = 0b1,
                            .grad_in = 0,
                            .grad_out = false};

// The shape with its -1 filled in.
Shape resolved(const Tensor& x, const Shape& shape) {
  Shape out = shape;
  int open = -1;
  int64_t known = 1;
  for (int i = 0; i < shape.rank(); ++i) {
    FASTDL_CHECK(shape[i] >= -1, ShapeError, "reshape: extents must be at least 0, or one -1; got ", shape);
    if (shape[i] == -1) {
      FASTDL_CHECK(open < 0, ShapeError, "reshape: only one extent can be -1, got ", shape);
      open = i;
      out[i] = 1;
    }
  }
  known = checked_numel(out, "reshape");
  if (open >= 0) {
    FASTDL_CHECK(known && x->numel() % known == 0, ShapeError, "reshape: ", x->numel(), " elements of shape ", x->shape,
                 " do not fill shape ", shape);
    out[open] = x->numel() / known;
  } else {
    FASTDL_CHECK(known == x->numel(), ShapeError, "reshape: shape ", x->shape, " with ", x->numel(),
                 " elements cannot become ", shape, " with ", known);
  }
  return out;
}

// --- reading and writing through a window --------------------------------------------------------------

struct WindowAttrs {
  Shape shape;  // of the output
  Window window;
  int8_t perm[kMaxRank];  // transpose
  double fill;            // pad
};
static_assert(sizeof(WindowAttrs) <= 176);

void infer_window(InferContext& c) { c.output(c.attrs.as<WindowAttrs>().shape, c.in[0]->dtype); }
void run_read(const RunContext& c) {
  const View &x = c.in[0], &y = c.out[0];
  read_window(y.data, x.data, y.shape, c.attrs.as<WindowAttrs>().window, size_of(x.dtype));
}

void grad_transpose(GradContext& c) {
  const WindowAttrs& a = c.attrs.as<WindowAttrs>();
  std::vector<int64_t> inverse(size_t(a.shape.rank()));
  for (int i = 0; i < a.shape.rank(); ++i) inverse[size_t(a.perm[i])] = i;
  c.gin[0] = transpose(c.gout[0], inverse);
}
Attributes describe_transpose(const DescribeContext& c) {
  const WindowAttrs& a = c.attrs.as<WindowAttrs>();
  return {{"perm", std::vector<int64_t>(a.perm, a.perm + a.shape.rank())}};
}
const Op op_transpose = OpRow{.name = "transpose",
                              .infer = infer_window,
                              .run = run_read,
                              .grad = grad_transpose,
                              .describe = describe_transpose,
                              .stored = 0b1,
                              .grad_in = 0,
                              .grad_out = false};

void grad_broadcast_to(GradContext& c) { c.gin[0] = sum_to(c.gout[0], c.in[0]->shape); }
Attributes describe_broadcast_to(const DescribeContext& c) { return {{"shape", c.attrs.as<WindowAttrs>().shape}}; }
const Op op_broadcast_to = OpRow{.name = "broadcast_to",
                                 .infer = infer_window,
                                 .run = run_read,
                                 .grad = grad_broadcast_to,
                                 .describe = describe_broadcast_to,
                                 .stored = 0b1,
                                 .grad_in = 0,
                                 .grad_out = false};

// embed is the transpose of slice: the values in a window of an otherwise constant array.
void run_embed(const RunContext& c) {
  const WindowAttrs& a = c.attrs.as<WindowAttrs>();
  const View &x = c.in[0], &y = c.out[0];
  dispatch_all(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T fill = convert_to<T>(y.dtype, a.fill);
    parallel_for(y.numel(), grain_for(0.2),
                 [&](int64_t begin, int64_t end) { std::fill(y.as<T>() + begin, y.as<T>() + end, fill); });
  });
  write_window(y.data, x.data, x.shape, a.window, size_of(x.dtype));
}

Tensor read_slice(const Tensor& x, const WindowAttrs& attrs);
Tensor embed(const Tensor& x, const WindowAttrs& attrs);

void grad_slice(GradContext& c) {
  WindowAttrs a = c.attrs.as<WindowAttrs>();
  a.shape = c.in[0]->shape;
  c.gin[0] = embed(c.gout[0], a);
}
void grad_embed(GradContext& c) {
  WindowAttrs a = c.attrs.as<WindowAttrs>();
  a.shape = c.in[0]->shape;
  c.gin[0] = read_slice(c.gout[0], a);
}
// A window of the contiguous array `whole`, as x[starts:...:steps] with the window's shape.
Attributes describe_window(const Window& w, const Shape& whole) {
  const Window dense = contiguous_window(whole);
  std::vector<int64_t> starts, steps;
  int64_t rest = w.offset;
  for (int i = 0; i < whole.rank(); ++i) {
    const int64_t unit = std::max<int64_t>(dense.step[i], 1);
    starts.push_back(rest / unit);
    steps.push_back(w.step[i] / unit);
    rest %= unit;
  }
  return {{"starts", starts}, {"steps", steps}};
}
Attributes describe_slice(const DescribeContext& c) {
  const WindowAttrs& a = c.attrs.as<WindowAttrs>();
  Attributes all = describe_window(a.window, c.in[0].shape);
  all.push_back({"shape", a.shape});
  return all;
}
Attributes describe_pad(const DescribeContext& c) {
  const WindowAttrs& a = c.attrs.as<WindowAttrs>();
  Attributes all = describe_window(a.window, a.shape);
  all.push_back({"shape", a.shape});
  all.push_back({"value", a.fill});
  return all;
}
Attributes describe_setitem(const DescribeContext& c) { return describe_window(c.attrs.as<Window>(), c.in[0].shape); }
// Columns are a range of the last axis and all of the others.
bool find_slice(const RunContext& c, int64_t* first) {
  const WindowAttrs& a = c.attrs.as<WindowAttrs>();
  const Shape& x = c.in[0].shape;
  const Window dense = contiguous_window(x);
  const int last = x.rank() - 1;
  bool whole = last >= 0;
  for (int i = 0; i <= last; ++i)
    whole &= (i == last || a.shape[i] == x[i]) && (a.shape[i] == 1 || a.window.step[i] == dense.step[i]);
  *first = a.window.offset;
  return whole;
}
constexpr Columns sliced_columns = {false, find_slice};
const Op op_slice = OpRow{.name = "slice",
                          .infer = infer_window,
                          .run = run_read,
                          .grad = grad_slice,
                          .describe = describe_slice,
                          .stored = 0b1,
                          .grad_in = 0,
                          .grad_out = false,
                          .columns = &sliced_columns};
const Op op_embed = OpRow{.name = "pad",
                          .infer = infer_window,
                          .run = run_embed,
                          .grad = grad_embed,
                          .describe = describe_pad,
                          .stored = 0b1,
                          .grad_in = 0,
                          .grad_out = false};

Tensor read_slice(const Tensor& x, const WindowAttrs& attrs) { return apply(op_slice, {x}, attrs); }
Tensor embed(const Tensor& x, const WindowAttrs& attrs) { return apply(op_embed, {x}, attrs); }

void infer_setitem(InferContext&) {}
void run_setitem(const RunContext& c) {
  const View &to = c.in[0], &from = c.in[1];
  write_window(to.data, from.data, from.shape, c.attrs.as<Window>(), size_of(to.dtype));
}
const Op op_setitem = OpRow{.name = "setitem_",
                            .infer = infer_setitem,
                            .run = run_setitem,
                            .describe = describe_setitem,
                            .mutates = 0b1,
                            .stored = 0b11};

// The window and shape of x[start:stop:step, ...], one triple for each axis, as slice.indices() gives them.
WindowAttrs slice_window(const Tensor& x, const std::vector<int64_t>& starts, const std::vector<int64_t>& stops,
                         const std::vector<int64_t>& steps, const char* who) {
  check_tensor(x, who, "x");
  const size_t rank = size_t(x->shape.rank());
  FASTDL_CHECK(starts.size() == rank && stops.size() == rank && steps.size() == rank, ShapeError, who,
               ": expected one start, stop and step for each of the ", rank, " axes of shape ", x->shape, ", got ",
               starts.size(), ", ", stops.size(), " and ", steps.size());
  const Window dense = contiguous_window(x->shape);
  WindowAttrs a{};
  for (size_t i = 0; i < rank; ++i) {
    const int64_t extent = x->shape[int(i)], start = starts[i], stop = stops[i], step = steps[i];
    FASTDL_CHECK(step != 0, ValueError, who, ": the step of axis ", i, " must not be 0");
    FASTDL_CHECK(start >= -1 && start <= extent && stop >= -1 && stop <= extent, IndexError, who, ": ", start, ":",
                 stop, ":", step, " is out of range for axis ", i, " with size ", extent);
    // Steps beyond the axis take one element. They are clamped so that nothing overflows.
    const int64_t stride = std::clamp(step, -std::max<int64_t>(extent, 1), std::max<int64_t>(extent, 1));
    int64_t n = 0;
    if (stride > 0 && stop > start) n = (stop - start - 1) / stride + 1;
    if (stride < 0 && stop < start) n = (start - stop - 1) / -stride + 1;
    FASTDL_CHECK(n == 0 || (start >= 0 && start < extent && (stride < 0 || stop >= 0)), IndexError, who, ": ", start,
                 ":", stop, ":", step, " is out of range for axis ", i, " with size ", extent);
    a.shape.push_back(n);
    if (n) a.window.offset += start * dense.step[i];
    a.window.step[i] = stride * dense.step[i];
  }
  return a;
}

// --- concat and split ----------------------------------------------------------------------------------

struct JoinAttrs {
  int axis;
  int parts;
  int64_t sizes[kMaxOutputs];  // split
};

bool find_parts(const JoinAttrs& a, const View* parts, int64_t* first) {
  for (int i = 0; i < a.parts; ++i) first[i] = i ? first[i - 1] + parts[i - 1].shape.back() : 0;
  return a.axis == parts[0].shape.rank() - 1;
}
constexpr Columns joined_columns = {
    true, [](const RunContext& c, int64_t* first) { return find_parts(c.attrs.as<JoinAttrs>(), c.in, first); }};
constexpr Columns cut_columns = {
    false, [](const RunContext& c, int64_t* first) { return find_parts(c.attrs.as<JoinAttrs>(), c.out, first); }};

void infer_concat(InferContext& c) {
  const int axis = c.attrs.as<JoinAttrs>().axis;
  Shape out = c.in[0]->shape;
  for (int i = 1; i < c.inputs; ++i) {
    const Shape& s = c.in[i]->shape;
    bool fits = s.rank() == out.rank();
    for (int k = 0; fits && k < s.rank(); ++k) fits = k == axis || s[k] == out[k];
    FASTDL_CHECK(fits, ShapeError, "concat: tensor ", i, " of shape ", s, " does not fit shape ", c.in[0]->shape,
                 " along axis ", axis);
    out[axis] += s[axis];
  }
  c.output(out, c.in[0]->dtype);
}

// Moves each part to or from its place along `axis` of the whole.
void copy_parts(const View& whole, const View* parts, int count, int axis, bool join) {
  const int64_t outer = whole.shape.count(0, axis);
  const int64_t size = whole.shape.count(axis + 1, whole.shape.rank()) * size_of(whole.dtype);
  const int64_t pitch = whole.shape[axis] * size;
  int64_t at = 0;
  for (int i = 0; i < count; ++i) {
    const int64_t bytes = parts[i].shape[axis] * size;
    char* place = whole.as<char>() + at;
    if (join)
      copy_rows(place, pitch, parts[i].data, bytes, bytes, outer);
    else
      copy_rows(parts[i].data, bytes, place, pitch, bytes, outer);
    at += bytes;
  }
}

void run_concat(const RunContext& c) {
  const JoinAttrs& a = c.attrs.as<JoinAttrs>();
  copy_parts(c.out[0], c.in, a.parts, a.axis, true);
}
void grad_concat(GradContext& c) {
  const JoinAttrs& a = c.attrs.as<JoinAttrs>();
  std::vector<int64_t> sizes;
  for (int i = 0; i < a.parts; ++i) sizes.push_back(c.in[i]->shape[a.axis]);
  std::vector<Tensor> parts = split(c.gout[0], sizes, a.axis);
  for (int i = 0; i < a.parts; ++i) c.gin[i] = parts[size_t(i)];
}
Attributes describe_concat(const DescribeContext& c) { return {{"axis", c.attrs.as<JoinAttrs>().axis}}; }
const Op op_concat = OpRow{.name = "concat",
                           .infer = infer_concat,
                           .run = run_concat,
                           .grad = grad_concat,
                           .describe = describe_concat,
                           .stored = ~0u,
                           .grad_in = 0,
                           .grad_out = false,
                           .columns = &joined_columns};

void infer_split(InferContext& c) {
  const JoinAttrs& a = c.attrs.as<JoinAttrs>();
  for (int i = 0; i < a.parts; ++i) {
    Shape s = c.in[0]->shape;
    s[a.axis] = a.sizes[i];
    c.output(s, c.in[0]->dtype);
  }
}
void run_split(const RunContext& c) {
  const JoinAttrs& a = c.attrs.as<JoinAttrs>();
  copy_parts(c.in[0], c.out, a.parts, a.axis, false);
}
void grad_split(GradContext& c) {
  const JoinAttrs& a = c.attrs.as<JoinAttrs>();
  const Device* device = nullptr;
  for (int i = 0; i < a.parts; ++i)
    if (c.gout[i]) device = &c.gout[i]->device();
  std::vector<Tensor> parts;
  for (int i = 0; i < a.parts; ++i)
    parts.push_back(c.gout[i] ? c.gout[i] : zeros(c.out[i]->shape, DType::float32, *device));
  c.gin[0] = concat(parts, a.axis);
}
Attributes describe_split(const DescribeContext& c) {
  const JoinAttrs& a = c.attrs.as<JoinAttrs>();
  return {{"axis", a.axis}, {"sizes", std::vector<int64_t>(a.sizes, a.sizes + a.parts)}};
}
const Op op_split = OpRow{.name = "split",
                          .infer = infer_split,
                          .run = run_split,
                          .grad = grad_split,
                          .describe = describe_split,
                          .stored = 0b1,
                          .grad_in = 0,
                          .grad_out = false,
                          .columns = &cut_columns};

}  // namespace

Tensor reshape(const Tensor& x, const Shape& shape) {
  check_tensor(x, "reshape", "x");
  return apply(op_reshape, {x}, resolved(x, shape));
}

Tensor transpose(const Tensor& x, const Axes& perm) {
  check_tensor(x, "transpose", "x");
  const int rank = x->shape.rank();
  FASTDL_CHECK(!perm || int(perm->size()) == rank, ShapeError, "transpose: expected a permutation of ", rank,
               " axes for shape ", x->shape, ", got ", perm ? perm->size() : 0);
  const Window dense = contiguous_window(x->shape);
  WindowAttrs a{};
  uint32_t seen = 0;
  bool as_it_lies = x->channels_last;
  std::vector<int64_t> held;
  for (int i = 0; i < rank; ++i) {
    int from = perm ? normalize_axis((*perm)[size_t(i)], rank, "transpose") : rank - 1 - i;
    FASTDL_CHECK(!(seen >> from & 1), ShapeError, "transpose: axis ", from, " appears twice in the permutation");
    seen |= 1u << from;
    a.perm[i] = int8_t(from);
    a.shape.push_back(x->shape[from]);
    a.window.step[i] = dense.step[from];
    if (!x->channels_last) continue;
    held.push_back(held_place(from, rank));
    as_it_lies &= held.back() == i;
  }
  if (as_it_lies) return channels_last(x);
  if (x->channels_last) return transpose(channels_last(x), held);
  return apply(op_transpose, {x}, a);
}

Tensor broadcast_to(const Tensor& x, const Shape& shape) {
  check_tensor(x, "broadcast_to", "x");
  checked_numel(shape, "broadcast_to");
  const int lead = shape.rank() - x->shape.rank();
  const Window dense = contiguous_window(x->shape);
  WindowAttrs a{};
  a.shape = shape;
  bool fits = lead >= 0;
  for (int i = 0; fits && i < x->shape.rank(); ++i) {
    fits = x->shape[i] == shape[lead + i] || x->shape[i] == 1;
    a.window.step[lead + i] = x->shape[i] == 1 ? 0 : dense.step[i];
  }
  FASTDL_CHECK(fits, ShapeError, "broadcast_to: shape ", x->shape, " does not broadcast to ", shape);
  if (x->shape == shape) return x;
  return apply(op_broadcast_to, {x}, a);
}

Tensor slice(const Tensor& x, const std::vector<int64_t>& starts, const std::vector<int64_t>& stops,
             const std::vector<int64_t>& steps) {
  const WindowAttrs a = slice_window(x, starts, stops, steps, "slice");
  if (x->channels_last)
    return channels_first(slice(channels_last(x), held_order(starts), held_order(stops), held_order(steps)));
  return read_slice(x, a);
}

Tensor pad(const Tensor& x, const std::vector<int64_t>& before, const std::vector<int64_t>& after, double value) {
  check_tensor(x, "pad", "x");
  const size_t rank = size_t(x->shape.rank());
  FASTDL_CHECK(before.size() == rank && after.size() == rank, ShapeError,
               "pad: expected one width before and after each of the ", rank, " axes of shape ", x->shape, ", got ",
               before.size(), " and ", after.size());
  if (x->channels_last) return channels_first(pad(channels_last(x), held_order(before), held_order(after), value));
  WindowAttrs a{};
  a.fill = value;
  constexpr int64_t kLimit = int64_t(1) << 60;
  for (size_t i = 0; i < rank; ++i) {
    FASTDL_CHECK(before[i] >= 0 && before[i] < kLimit && after[i] >= 0 && after[i] < kLimit, ValueError,
                 "pad: expected widths of at least 0, got ", before[i], " and ", after[i], " for axis ", i);
    a.shape.push_back(before[i] + x->shape[int(i)] + after[i]);
  }
  checked_numel(a.shape, "pad");
  a.window = contiguous_window(a.shape);
  for (size_t i = 0; i < rank; ++i) a.window.offset += before[i] * a.window.step[i];
  return embed(x, a);
}

void setitem_(const Tensor& target, const std::vector<int64_t>& starts, const std::vector<int64_t>& stops,
              const std::vector<int64_t>& steps, const Tensor& value) {
  const WindowAttrs a = slice_window(target, starts, stops, steps, "setitem_");
  check_assignable(value, "setitem_", "value");
  Tensor from = value;
  // NumPy lets a value have leading axes of extent 1 that the window lacks.
  while (from->shape.rank() > a.shape.rank() && from->shape[0] == 1) {
    Shape s = from->shape;
    s.erase(0);
    from = reshape(detach(from), s);
  }
  FASTDL_CHECK(from->shape.rank() <= a.shape.rank() && broadcast_shapes(a.shape, from->shape, "setitem_") == a.shape,
               ShapeError, "setitem_: a value of shape ", value->shape, " does not fit into a slice of shape ",
               a.shape);
  from = broadcast_to(cast(from, target->dtype), a.shape);
  if (from->storage == target->storage) from = copy(from);
  apply(op_setitem, {target, from}, a.window);
}

// More tensors than an op has inputs are joined in groups, then the groups.
Tensor concat(const std::vector<Tensor>& tensors, int64_t axis) {
  FASTDL_CHECK(!tensors.empty(), ValueError, "concat: expected at least one tensor, got an empty list");
  DType dtype = DType::bool8;
  for (const Tensor& t : tensors) {
    check_tensor(t, "concat", "tensors");
    dtype = promote(dtype, t->dtype);
  }
  JoinAttrs a{};
  const int rank = tensors[0]->shape.rank();
  a.axis = normalize_axis(axis, rank, "concat");
  const auto same_rank = [&](const Tensor& t) { return t->shape.rank() == rank; };
  if (std::any_of(tensors.begin(), tensors.end(), [](const Tensor& t) { return t->channels_last; }) &&
      std::all_of(tensors.begin(), tensors.end(), same_rank)) {
    std::vector<Tensor> held;
    for (const Tensor& t : tensors) held.push_back(channels_last(t));
    return channels_first(concat(held, held_place(a.axis, rank)));
  }
  std::vector<Tensor> parts;
  for (const Tensor& t : tensors) parts.push_back(cast(t, dtype));
  do {
    std::vector<Tensor> joined;
    for (size_t i = 0; i < parts.size(); i += kMaxInputs) {
      a.parts = int(std::min<size_t>(kMaxInputs, parts.size() - i));
      joined.push_back(apply(op_concat, &parts[i], a.parts, a));
    }
    parts = std::move(joined);
  } while (parts.size() > 1);
  return parts[0];
}

Tensor stack(const std::vector<Tensor>& tensors, int64_t axis) {
  FASTDL_CHECK(!tensors.empty(), ValueError, "stack: expected at least one tensor, got an empty list");
  check_tensor(tensors[0], "stack", "tensors");
  const int at = normalize_axis(axis, tensors[0]->shape.rank() + 1, "stack");
  std::vector<Tensor> parts;
  for (const Tensor& t : tensors) {
    check_tensor(t, "stack", "tensors");
    FASTDL_CHECK(t->shape == tensors[0]->shape, ShapeError, "stack: expected tensors of one shape, got ",
                 tensors[0]->shape, " and ", t->shape);
    Shape s = t->shape;
    s.insert(at, 1);
    parts.push_back(reshape(t, s));
  }
  return concat(parts, at);
}

// More parts than an op has outputs are cut in two rounds or more.
std::vector<Tensor> split(const Tensor& x, const std::vector<int64_t>& sizes, int64_t axis) {
  check_tensor(x, "split", "x");
  JoinAttrs a{};
  a.axis = normalize_axis(axis, x->shape.rank(), "split");
  int64_t total = 0;
  for (int64_t s : sizes) {
    FASTDL_CHECK(s >= 0 && s <= x->shape[a.axis], ShapeError, "split: a part of size ", s, " cannot be cut from axis ",
                 a.axis, " with size ", x->shape[a.axis]);
    total += s;
    FASTDL_CHECK(total <= x->shape[a.axis], ShapeError, "split: the parts exceed axis ", a.axis, " with size ",
                 x->shape[a.axis]);
  }
  FASTDL_CHECK(total == x->shape[a.axis], ShapeError, "split: the parts sum to ", total, " but axis ", a.axis,
               " of shape ", x->shape, " has size ", x->shape[a.axis]);
  if (sizes.empty()) return {};
  if (x->channels_last) {
    std::vector<Tensor> pieces = split(channels_last(x), sizes, held_place(a.axis, x->shape.rank()));
    for (Tensor& t : pieces) t = channels_first(t);
    return pieces;
  }
  const size_t count = sizes.size();
  const size_t group = (count + kMaxOutputs - 1) / kMaxOutputs;  // parts of one output of this round
  for (size_t i = 0; i < count; i += group) {
    int64_t size = 0;
    for (size_t k = i; k < std::min(i + group, count); ++k) size += sizes[k];
    a.sizes[a.parts++] = size;
  }
  Outputs out = apply(op_split, {x}, a);
  std::vector<Tensor> parts;
  for (int i = 0; i < out.count; ++i) {
    if (group == 1) {
      parts.push_back(out.t[i]);
      continue;
    }
    auto first = sizes.begin() + ptrdiff_t(size_t(i) * group);
    auto last = sizes.begin() + ptrdiff_t(std::min(size_t(i + 1) * group, count));
    for (Tensor& t : split(out.t[i], {first, last}, a.axis)) parts.push_back(std::move(t));
  }
  return parts;
}

}  // namespace fastdl
