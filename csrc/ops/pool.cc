// Pooling of channels-last tensors (samples, places..., channels) with one to three axes of places. Along each axis a
// table has the places of every window, and another the windows that read every place. So padding, strides, dilation
// and adaptive windows are one case for the kernels.
#include <algorithm>
#include <limits>
#include <string>

#include "core/cancel.h"
#include "core/parallel.h"
#include "cpu/kernels.h"
#include "ops/arguments.h"
#include "ops/ops.h"

namespace fastdl {
namespace {

constexpr int kAxes = 3;
constexpr int64_t kNarrow = 8;    // below so many channels a vector takes neighbouring pixels
constexpr int64_t kPiece = 8192;  // elements of a row of results that are computed in one go
constexpr int64_t kMost = INT32_MAX;

// Missing axes come first, with one place each.
struct PoolAttrs {
  int32_t in[kAxes] = {1, 1, 1}, out[kAxes] = {1, 1, 1};
  int32_t window[kAxes] = {1, 1, 1}, stride[kAxes] = {1, 1, 1}, dilation[kAxes] = {1, 1, 1};
  int32_t low[kAxes] = {}, high[kAxes] = {};  // padding
  int32_t rank = 0;
  bool adaptive = false;       // windows from floor(o in / out) to ceil((o + 1) in / out)
  bool count_padding = false;  // whether a mean counts places of the padding
  bool positions = false;      // whether a maximum gives the positions of its values
  int64_t divisor = 0;         // of a mean; 0: the number of places

  int64_t start(int axis, int64_t o) const {
    return adaptive ? o * in[axis] / out[axis] : o * stride[axis] - low[axis];
  }
  // Places from the first to the last of a window, at most.
  int64_t extent(int axis) const {
    if (adaptive) return in[axis] / out[axis] + (in[axis] % out[axis] ? 2 : 0);
    return int64_t(window[axis] - 1) * dilation[axis] + 1;
  }
  bool wide() const { return extent(0) * extent(1) * extent(2) > 256; }
  int64_t in_places() const { return int64_t(in[0]) * in[1] * in[2]; }
  int64_t out_places() const { return int64_t(out[0]) * out[1] * out[2]; }
  // Places of a window, at most.
  double volume() const {
    double n = 1;
    for (int i = 0; i < kAxes; ++i) n *= adaptive ? double(extent(i)) : window[i];
    return n;
  }
  // A shape with these places instead of its own.
  Shape shape_of(const Shape& s, const int32_t (&places)[kAxes]) const {
    Shape y{s[0]};
    for (int i = kAxes - rank; i < kAxes; ++i) y.push_back(places[i]);
    y.push_back(s.back());
    return y;
  }

  std::vector<int64_t> listed(const int32_t (&a)[kAxes]) const { return {a + kAxes - rank, a + kAxes}; }
  Attributes describe() const {
    return {{"adaptive", adaptive},  // the next five then say nothing
            {"window", listed(window)},       {"strides", listed(stride)},
            {"dilation", listed(dilation)},   {"low", listed(low)},
            {"high", listed(high)},           {"size", listed(out)},
            {"count_padding", count_padding}, {"divisor", divisor}};
  }
};
const PoolAttrs& pool_attrs(const Attrs& a) { return a.as<PoolAttrs>(); }

// --- tables --------------------------------------------------------------------------------------------

// One axis: what each window reads and which windows read each place.
struct Line {
  int32_t *first, *count, *skip, *start;  // of each window; skip: places before the first one
  int32_t *reader, *readers;              // of each place: the first window, and how many
  float* divisor;                         // of each window
};
struct Tables {
  Line axis[kAxes];
  int32_t *first, *count, *skip;  // the last axis, or with few channels its elements
  float *divisor, *scaled;
  int32_t most = 0;
  bool uniform = true;  // whether all divisors are alike
};

bool is_narrow(int64_t channels) { return channels < kNarrow; }
// Entries of the tables of the last axis.
int64_t row_entries(const PoolAttrs& a, int64_t channels) {
  return std::max<int64_t>(a.in[2], a.out[2]) * (is_narrow(channels) ? channels : 1);
}
int64_t table_bytes(const PoolAttrs& a, int64_t channels) {
  int64_t words = 4 * row_entries(a, channels);
  for (int i = 0; i < kAxes; ++i) words += 5 * int64_t(a.out[i]) + 2 * int64_t(a.in[i]);
  return words * int64_t(sizeof(int32_t));
}

void fill_line(Line& l, const PoolAttrs& a, int i) {
  const int64_t in = a.in[i], out = a.out[i], dilation = a.dilation[i], extent = a.extent(i);
  for (int64_t o = 0; o < out; ++o) {
    const int64_t start = a.start(i, o);
    const int64_t before = start < 0 ? (dilation - 1 - start) / dilation : 0;  // places in the padding
    const int64_t end = a.adaptive ? ((o + 1) * in + out - 1) / out : std::min(start + extent, in);
    const int64_t first = start + before * dilation;
    const int64_t count = first < end ? (end - 1 - first) / dilation + 1 : 0;
    l.start[o] = int32_t(start);
    l.skip[o] = int32_t(first - start);
    l.first[o] = int32_t(std::min(first, in));
    l.count[o] = int32_t(count);
    l.divisor[o] = float(a.count_padding ? std::min(start + extent, in + a.high[i]) - start : count);
    if (a.divisor) l.divisor[o] = i == kAxes - 1 ? float(a.divisor) : 1.0f;
  }
  int64_t next = 0, ended = 0;
  for (int64_t p = 0; p < in; ++p) {
    while (next < out && l.start[next] <= p) ++next;
    while (ended < out && (a.adaptive ? l.first[ended] + l.count[ended] : l.start[ended] + extent) <= p) ++ended;
    l.reader[p] = int32_t(ended);
    l.readers[p] = int32_t(std::max<int64_t>(next - ended, 0));
  }
}

// backwards: the rows are of inputs, which read results.
Tables tables_of(const PoolAttrs& a, int64_t channels, int32_t* memory, bool backwards) {
  Tables t;
  auto take = [&](int64_t n) { return std::exchange(memory, memory + n); };
  for (int i = 0; i < kAxes; ++i) {
    Line& l = t.axis[i];
    const int64_t in = a.in[i], out = a.out[i];
    l = {take(out), take(out), take(out), take(out), take(in), take(in), reinterpret_cast<float*>(take(out))};
    fill_line(l, a, i);
    t.uniform &= std::all_of(l.divisor, l.divisor + out, [&](float d) { return d == l.divisor[0]; });
  }
  const Line& row = t.axis[kAxes - 1];
  const int64_t n = backwards ? a.in[2] : a.out[2];
  const int32_t *first = backwards ? row.reader : row.first, *count = backwards ? row.readers : row.count;
  t.most = *std::max_element(count, count + n);
  if (is_narrow(channels)) {
    const int64_t entries = row_entries(a, channels);
    t.first = take(entries), t.count = take(entries), t.skip = take(entries);
    t.divisor = reinterpret_cast<float*>(take(entries));
    for (int64_t o = 0, at = 0; o < n; ++o)
      for (int64_t c = 0; c < channels; ++c, ++at) {
        t.first[at] = int32_t(first[o] * channels + c);
        t.count[at] = count[o];
        if (backwards) continue;
        t.skip[at] = row.skip[o];
        t.divisor[at] = row.divisor[o];
      }
  } else {
    t.first = const_cast<int32_t*>(first), t.count = const_cast<int32_t*>(count);
    t.skip = row.skip, t.divisor = row.divisor;
    take(4 * row_entries(a, channels));
  }
  t.scaled = reinterpret_cast<float*>(memory);
  return t;
}

// Calls body(sample, a, b, begin, end) for pieces of rows of pixels: pixels [begin, end) of row (a, b).
template <class Body>
void each_row(int64_t samples, const int32_t (&places)[kAxes], int64_t channels, double cost, Body body) {
  const int64_t piece = std::max<int64_t>(1, kPiece / channels), n = std::min<int64_t>(piece, places[2]);
  const int64_t pieces = (places[2] - 1) / piece + 1;
  parallel_for(samples * places[0] * places[1] * pieces, grain_for(20 + cost * double(n * channels)),
               [&](int64_t first, int64_t last) {
                 for (int64_t w = first; w < last; ++w) {
                   const int64_t begin = w % pieces * piece, row = w / pieces;
                   body(row / places[1] / places[0], row / places[1] % places[0], row % places[1], begin,
                        std::min<int64_t>(begin + piece, places[2]));
                 }
               });
}

constexpr double kPlaceNanoseconds = 0.1;  // rough cost of an element of a window

PoolRow row_of(const Tables& t, int64_t channels, int64_t begin, int64_t end) {
  PoolRow r{};
  const int64_t unit = is_narrow(channels) ? channels : 1;
  r.places = (end - begin) * unit;
  r.channels = channels / unit;
  r.first = t.first + begin * unit;
  r.count = t.count + begin * unit;
  r.most = t.most;
  return r;
}
// The row of windows from (a, b), and where it begins in its sample.
PoolRow forward_row(const PoolAttrs& p, const Tables& t, int64_t channels, int64_t a, int64_t b, int64_t begin,
                    int64_t end, int64_t& offset) {
  PoolRow r = row_of(t, channels, begin, end);
  const int64_t row = p.in[2] * channels, plane = p.in[1] * row;
  r.outer = t.axis[0].count[a], r.inner = t.axis[1].count[b];
  r.outer_step = p.dilation[0] * plane, r.inner_step = p.dilation[1] * row, r.step = p.dilation[2] * channels;
  offset = t.axis[0].first[a] * plane + t.axis[1].first[b] * row;
  return r;
}
PoolRow backward_row(const PoolAttrs& p, const Tables& t, int64_t channels, int64_t a, int64_t b, int64_t begin,
                     int64_t end, int64_t& offset) {
  PoolRow r = row_of(t, channels, begin, end);
  const int64_t row = p.out[2] * channels, plane = p.out[1] * row;
  r.outer = t.axis[0].readers[a], r.inner = t.axis[1].readers[b];
  r.outer_step = plane, r.inner_step = row, r.step = channels;
  offset = t.axis[0].reader[a] * plane + t.axis[1].reader[b] * row;
  return r;
}

// --- maximum -------------------------------------------------------------------------------------------

DType position_type(const PoolAttrs& a) { return a.wide() ? DType::int32 : DType::uint8; }

void infer_max_pool(InferContext& c) {
  const PoolAttrs& a = pool_attrs(c.attrs);
  const Shape y = a.shape_of(c.in[0]->shape, a.out);
  c.output(y, DType::float32);
  if (a.positions) c.output(y, position_type(a));
}
int64_t pool_workspace(const RunContext& c) { return table_bytes(pool_attrs(c.attrs), c.in[0].shape.back()); }

void run_max_pool(const RunContext& c) {
  const PoolAttrs& a = pool_attrs(c.attrs);
  const View &x = c.in[0], &y = c.out[0];
  if (!y.numel()) return;
  const int64_t channels = x.shape.back(), row = a.out[2] * channels;
  const Tables t = tables_of(a, channels, c.scratch<int32_t>(), false);
  const int64_t unit = a.extent(1) * a.extent(2), size = c.outputs > 1 ? size_of(c.out[1].dtype) : 0;
  each_row(x.shape[0], a.out, channels, kPlaceNanoseconds * a.volume(),
           [&](int64_t n, int64_t i, int64_t j, int64_t begin, int64_t end) {
             int64_t offset;
             const PoolRow r = forward_row(a, t, channels, i, j, begin, end, offset);
             const int64_t to = ((n * a.out[0] + i) * a.out[1] + j) * row + begin * channels;
             PoolPositions p{};
             if (size) p.data = c.out[1].as<char>() + to * size;
             p.wide = a.wide();
             p.at = int32_t(t.axis[0].skip[i] * unit + t.axis[1].skip[j] * a.extent(2));
             p.outer_step = int32_t(a.dilation[0] * unit);
             p.inner_step = int32_t(a.dilation[1] * a.extent(2));
             p.step = a.dilation[2];
             p.skip = t.skip + begin * (is_narrow(channels) ? channels : 1);
             kernels().pool_max(y.as<float>() + to, x.as<float>() + n * a.in_places() * channels + offset, r, p);
           });
}

// Calls body(result, place of its value in the sample) for the results of row (i, j) of a sample, which lie from
// `row` on.
template <class T, class Body>
void each_position(const PoolAttrs& a, const Tables& t, const T* positions, int64_t channels, int64_t i, int64_t j,
                   int64_t row, Body body) {
  const int64_t e1 = a.extent(1), e2 = a.extent(2), plane = int64_t(a.in[1]) * a.in[2];
  int64_t place[256];  // of each position, from the beginning of the window
  const bool listed = sizeof(T) == 1;
  for (int64_t p = 0; listed && p < a.extent(0) * e1 * e2; ++p)
    place[p] = p / (e1 * e2) * plane + p / e2 % e1 * a.in[2] + p % e2;
  const int64_t corner = t.axis[0].start[i] * plane + t.axis[1].start[j] * int64_t(a.in[2]);
  for (int64_t o = 0; o < a.out[2]; ++o) {
    const int64_t start = corner + t.axis[2].start[o];
    for (int64_t k = 0; k < channels; ++k, ++row) {
      const int64_t p = positions[row];
      body(row, k, start + (listed ? place[p] : p / (e1 * e2) * plane + p / e2 % e1 * a.in[2] + p % e2));
    }
  }
}

// inputs: dy, positions -> dx
void infer_max_pool_grad(InferContext& c) {
  const PoolAttrs& a = pool_attrs(c.attrs);
  c.output(a.shape_of(c.in[0]->shape, a.in), DType::float32);
}
void run_max_pool_grad(const RunContext& c) {
  const PoolAttrs& a = pool_attrs(c.attrs);
  const View &dy = c.in[0], &positions = c.in[1], &dx = c.out[0];
  if (!dx.numel()) return;
  const int64_t channels = dx.shape.back(), samples = dx.shape[0];
  const float* g = dy.as<float>();
  if (is_narrow(channels)) {  // each value goes to its place; vectors would have to look for it
    const Tables t = tables_of(a, channels, c.scratch<int32_t>(), false);
    const int64_t size = a.in_places() * channels;
    parallel_for(samples, grain_for(20 + 0.2 * double(size)), [&](int64_t first, int64_t last) {
      for (int64_t n = first; n < last; ++n) {
        float* to = dx.as<float>() + n * size;
        std::fill_n(to, size, 0.0f);
        for (int64_t i = 0; i < a.out[0] && !stop_requested(); ++i)
          for (int64_t j = 0; j < a.out[1]; ++j) {
            const int64_t row = ((n * a.out[0] + i) * a.out[1] + j) * a.out[2] * channels;
            auto add = [&](int64_t o, int64_t k, int64_t place) { to[place * channels + k] += g[o]; };
            if (a.wide())
              each_position(a, t, positions.as<int32_t>(), channels, i, j, row, add);
            else
              each_position(a, t, positions.as<uint8_t>(), channels, i, j, row, add);
          }
      }
    });
    return;
  }
  const Tables t = tables_of(a, channels, c.scratch<int32_t>(), true);
  double cost = kPlaceNanoseconds;
  for (int i = 0; i < kAxes; ++i) cost *= std::max(1.0, double(a.extent(i)) * a.out[i] / a.in[i]);
  each_row(samples, a.in, channels, cost, [&](int64_t n, int64_t i, int64_t j, int64_t begin, int64_t end) {
    int64_t offset;
    const PoolRow r = backward_row(a, t, channels, i, j, begin, end, offset);
    offset += n * a.out_places() * channels;
    const int64_t to = ((n * a.in[0] + i) * a.in[1] + j) * a.in[2] * channels + begin * channels;
    PoolReaders p{};
    p.positions = positions.as<char>() + offset * size_of(positions.dtype);
    p.wide = a.wide();
    p.outer_at = int32_t(i), p.inner_at = int32_t(j), p.pixel = int32_t(begin);
    p.outer_unit = int32_t(a.extent(1) * a.extent(2)), p.inner_unit = int32_t(a.extent(2));
    p.outer_start = t.axis[0].start + t.axis[0].reader[i];
    p.inner_start = t.axis[1].start + t.axis[1].reader[j];
    p.start = t.axis[2].start;
    kernels().pool_max_grad(dx.as<float>() + to, g + offset, r, p);
  });
}

// Where the values of the results lie: the number of their place in the sample, int64.
void infer_max_pool_indices(InferContext& c) { c.output(c.in[0]->shape, DType::int64); }
void run_max_pool_indices(const RunContext& c) {
  const PoolAttrs& a = pool_attrs(c.attrs);
  const View &positions = c.in[0], &y = c.out[0];
  if (!y.numel()) return;
  const int64_t channels = y.shape.back(), rows = int64_t(a.out[0]) * a.out[1], size = a.out[2] * channels;
  const Tables t = tables_of(a, channels, c.scratch<int32_t>(), false);
  auto keep = [&](int64_t o, int64_t, int64_t place) { y.as<int64_t>()[o] = place; };
  parallel_for(y.shape[0] * rows, grain_for(200 + double(size)), [&](int64_t first, int64_t last) {
    for (int64_t w = first; w < last; ++w) {
      const int64_t i = w % rows / a.out[1], j = w % a.out[1];
      if (a.wide())
        each_position(a, t, positions.as<int32_t>(), channels, i, j, w * size, keep);
      else
        each_position(a, t, positions.as<uint8_t>(), channels, i, j, w * size, keep);
    }
  });
}
const Op op_max_pool_indices = OpRow{.name = "max_pool_indices",
                                     .infer = infer_max_pool_indices,
                                     .run = run_max_pool_indices,
                                     .describe = describe<PoolAttrs>,
                                     .workspace = pool_workspace};

// The gradient picks values, so its own gradient picks the same ones.
void grad_max_pool_grad(GradContext& c) {
  const PoolAttrs& a = pool_attrs(c.attrs);
  const Shape& y = c.in[0]->shape;
  const Tensor indices = apply(op_max_pool_indices, {c.in[1]}, a);
  const Tensor g = reshape(c.gout[0], {y[0], a.in_places(), y.back()});
  c.gin[0] = reshape(gather(g, reshape(indices, {y[0], a.out_places(), y.back()}), 1), y);
}
const Op op_max_pool_grad = OpRow{.name = "max_pool_grad",
                                  .infer = infer_max_pool_grad,
                                  .run = run_max_pool_grad,
                                  .grad = grad_max_pool_grad,
                                  .describe = describe<PoolAttrs>,
                                  .workspace = pool_workspace,
                                  .grad_in = 0b10,
                                  .grad_out = false};

void grad_max_pool(GradContext& c) { c.gin[0] = apply(op_max_pool_grad, {c.gout[0], c.out[1]}, c.attrs); }
const Op op_max_pool = OpRow{.name = "max_pool",
                             .infer = infer_max_pool,
                             .run = run_max_pool,
                             .grad = grad_max_pool,
                             .describe = describe<PoolAttrs>,
                             .workspace = pool_workspace,
                             .grad_in = 0,
                             .grad_out = 0b10};

// --- mean ----------------------------------------------------------------------------------------------

void infer_avg_pool(InferContext& c) {
  const PoolAttrs& a = pool_attrs(c.attrs);
  c.output(a.shape_of(c.in[0]->shape, a.out), DType::float32);
}
void run_avg_pool(const RunContext& c) {
  const PoolAttrs& a = pool_attrs(c.attrs);
  const View &x = c.in[0], &y = c.out[0];
  if (!y.numel()) return;
  const int64_t channels = x.shape.back(), row = a.out[2] * channels;
  const Tables t = tables_of(a, channels, c.scratch<int32_t>(), false);
  each_row(x.shape[0], a.out, channels, kPlaceNanoseconds * a.volume(),
           [&](int64_t n, int64_t i, int64_t j, int64_t begin, int64_t end) {
             int64_t offset;
             const PoolRow r = forward_row(a, t, channels, i, j, begin, end, offset);
             const int64_t to = ((n * a.out[0] + i) * a.out[1] + j) * row + begin * channels;
             kernels().pool_sum(y.as<float>() + to, x.as<float>() + n * a.in_places() * channels + offset, r,
                                t.divisor + begin * (is_narrow(channels) ? channels : 1),
                                t.axis[0].divisor[i] * t.axis[1].divisor[j]);
           });
}

// dy -> dx. Results with divisors of their own are divided first.
int64_t avg_pool_grad_workspace(const RunContext& c) {
  return pool_workspace(c) + c.in[0].numel() * int64_t(sizeof(float));
}
void run_avg_pool_grad(const RunContext& c) {
  const PoolAttrs& a = pool_attrs(c.attrs);
  const View &dy = c.in[0], &dx = c.out[0];
  if (!dx.numel()) return;
  const int64_t channels = dx.shape.back(), samples = dx.shape[0];
  const Tables t = tables_of(a, channels, c.scratch<int32_t>(), true);
  const float* g = dy.as<float>();
  float factor = 1;
  if (t.uniform) {
    factor = 1 / (t.axis[0].divisor[0] * t.axis[1].divisor[0] * t.axis[2].divisor[0]);
  } else {
    g = t.scaled;
    each_row(samples, a.out, channels, 0.2, [&](int64_t n, int64_t i, int64_t j, int64_t begin, int64_t end) {
      int64_t at = (((n * a.out[0] + i) * a.out[1] + j) * a.out[2] + begin) * channels;
      const float outer = t.axis[0].divisor[i] * t.axis[1].divisor[j];
      for (int64_t o = begin; o < end; ++o) {
        const float scale = 1 / (outer * t.axis[2].divisor[o]);
        for (int64_t k = 0; k < channels; ++k, ++at) t.scaled[at] = dy.as<float>()[at] * scale;
      }
    });
  }
  double cost = kPlaceNanoseconds;
  for (int i = 0; i < kAxes; ++i) cost *= std::max(1.0, double(a.extent(i)) * a.out[i] / a.in[i]);
  each_row(samples, a.in, channels, cost, [&](int64_t n, int64_t i, int64_t j, int64_t begin, int64_t end) {
    int64_t offset;
    const PoolRow r = backward_row(a, t, channels, i, j, begin, end, offset);
    const int64_t to = (((n * a.in[0] + i) * a.in[1] + j) * a.in[2] + begin) * channels;
    kernels().pool_sum(dx.as<float>() + to, g + n * a.out_places() * channels + offset, r, nullptr, factor);
  });
}
extern const Op op_avg_pool;
void grad_avg_pool_grad(GradContext& c) { c.gin[0] = apply(op_avg_pool, {c.gout[0]}, c.attrs); }
const Op op_avg_pool_grad = OpRow{.name = "avg_pool_grad",
                                  .infer = infer_max_pool_grad,
                                  .run = run_avg_pool_grad,
                                  .grad = grad_avg_pool_grad,
                                  .describe = describe<PoolAttrs>,
                                  .workspace = avg_pool_grad_workspace,
                                  .grad_in = 0,
                                  .grad_out = false};
void grad_avg_pool(GradContext& c) { c.gin[0] = apply(op_avg_pool_grad, {c.gout[0]}, c.attrs); }
const Op op_avg_pool = OpRow{.name = "avg_pool",
                             .infer = infer_avg_pool,
                             .run = run_avg_pool,
                             .grad = grad_avg_pool,
                             .describe = describe<PoolAttrs>,
                             .workspace = pool_workspace,
                             .grad_in = 0,
                             .grad_out = false};

// --- arguments -----------------------------------------------------------------------------------------

using Sizes = std::vector<int64_t>;

std::string shown(const Sizes& sizes) {
  Shape s;
  for (int64_t n : sizes) s.push_back(n);
  std::ostringstream text;
  text << s;
  return text.str();
}

// The attributes with the sizes of x; ValueError unless it has one to three axes of places, none of them empty.
PoolAttrs attrs_for(const Tensor& x, const char* who) {
  const Shape& s = x->shape;
  FASTDL_CHECK(s.rank() >= 3 && s.rank() <= 2 + kAxes, ShapeError, who,
               ": expected a tensor (samples, places..., channels) with 3 to 5 axes, got shape ", s);
  PoolAttrs a;
  a.rank = s.rank() - 2;
  for (int i = 0; i < a.rank; ++i) {
    FASTDL_CHECK(s[1 + i] > 0, ShapeError, who, ": a tensor of shape ", s, " has no places to choose from");
    FASTDL_CHECK(s[1 + i] <= kMost, ShapeError, who, ": axis ", 1 + i, " of shape ", s, " is too long");
    a.in[kAxes - a.rank + i] = int32_t(s[1 + i]);
  }
  FASTDL_CHECK(s.back() == 0 || a.in[2] <= kMost / s.back(), ShapeError, who, ": rows of shape ", s, " are too long");
  return a;
}

// Puts the sizes, one for each axis of places, where they belong. ValueError unless they are from `least` on.
void set(int32_t (&to)[kAxes], const Sizes& sizes, int64_t least, const PoolAttrs& a, const Tensor& x, const char* who,
         const char* argument) {
  FASTDL_CHECK(int(sizes.size()) == a.rank, ShapeError, who, ": ", argument, ": expected ", a.rank,
               " sizes for a tensor of shape ", x->shape, ", got ", sizes.size());
  for (int i = 0; i < a.rank; ++i) {
    FASTDL_CHECK(sizes[size_t(i)] >= least && sizes[size_t(i)] <= kMost, ValueError, who, ": ", argument,
                 ": expected sizes of at least ", least, ", got ", shown(sizes));
    to[kAxes - a.rank + i] = int32_t(sizes[size_t(i)]);
  }
}

// ValueError if the results cannot be numbered.
PoolAttrs checked(const PoolAttrs& a, const Tensor& x, const char* who) {
  const int64_t channels = std::max<int64_t>(x->shape.back(), 1);
  FASTDL_CHECK(a.out[2] <= kMost / channels, ValueError, who, ": a result of ", a.out[2],
               " places in a row is too large");
  checked_numel(a.shape_of(x->shape, a.out), who);
  return a;
}

PoolAttrs windows(const Tensor& x, const char* who, const Sizes& window, const Axes& strides, const Axes& dilation,
                  const Axes& low, const Axes& high, bool ceil_mode) {
  PoolAttrs a = attrs_for(x, who);
  set(a.window, window, 1, a, x, who, "window");
  set(a.stride, strides ? *strides : window, 1, a, x, who, "strides");
  if (dilation) set(a.dilation, *dilation, 1, a, x, who, "dilation");
  if (low) set(a.low, *low, 0, a, x, who, "low");
  if (high) set(a.high, *high, 0, a, x, who, "high");
  for (int i = 0; i < kAxes; ++i) {
    const int64_t in = a.in[i], extent = a.extent(i), padded = in + a.low[i] + a.high[i];
    FASTDL_CHECK(a.low[i] < extent && a.high[i] < extent, ShapeError, who, ": the padding ", a.low[i], " and ",
                 a.high[i], " of axis ", i + 1 + a.rank - kAxes, " must be less than the window of ", extent);
    const int64_t room = padded - extent, stride = a.stride[i];
    // With ceil_mode the first window, too, may end beyond the padding, by less than a stride.
    FASTDL_CHECK(room >= 0 || (ceil_mode && room > -stride), ShapeError, who, ": the window of ", extent,
                 " places is larger than axis ", i + 1 + a.rank - kAxes, " of shape ", x->shape, " with its padding, ",
                 padded);
    int64_t out = room < 0 ? 1 : room / stride + 1;
    // A window that begins within the input or the padding before it is kept, though it ends beyond.
    if (ceil_mode && room > 0 && room % stride && out * stride < in + a.low[i]) ++out;
    FASTDL_CHECK(out <= kMost, ValueError, who, ": a result of ", out, " places is too large");
    a.out[i] = int32_t(out);
    for (int64_t o = 0; a.dilation[i] > 1 && o < out; ++o) {
      const int64_t start = a.start(i, o), d = a.dilation[i];
      FASTDL_CHECK(start >= 0 || start + (-start + d - 1) / d * d < std::min(in, start + extent), ShapeError, who,
                   ": with dilation ", d, " a window has no place in axis ", i + 1 + a.rank - kAxes, " of shape ",
                   x->shape);
    }
  }
  FASTDL_CHECK(double(a.extent(0)) * double(a.extent(1)) * double(a.extent(2)) < double(kMost), ValueError, who,
               ": the window ", shown(window), " is too large");
  return checked(a, x, who);
}
PoolAttrs adaptive(const Tensor& x, const char* who, const Sizes& size) {
  PoolAttrs a = attrs_for(x, who);
  a.adaptive = true;
  set(a.out, size, 1, a, x, who, "size");
  return checked(a, x, who);
}

Tensor max_of(const Tensor& x, PoolAttrs a) {
  a.positions = grad_enabled() && x->requires_grad;
  return apply(op_max_pool, {x}, a);
}
std::vector<Tensor> max_and_indices(const Tensor& x, PoolAttrs a) {
  a.positions = true;
  const Outputs out = apply(op_max_pool, {x}, a);
  return {out.t[0], apply(op_max_pool_indices, {out.t[1]}, a)};
}

}  // namespace

Tensor max_pool(const Tensor& x, const Sizes& window, const Axes& strides, const Axes& dilation, const Axes& low,
                const Axes& high, bool ceil_mode) {
  const Tensor values = as_float(x, "max_pool", "x");
  return max_of(values, windows(values, "max_pool", window, strides, dilation, low, high, ceil_mode));
}
std::vector<Tensor> max_pool_with_indices(const Tensor& x, const Sizes& window, const Axes& strides,
                                          const Axes& dilation, const Axes& low, const Axes& high, bool ceil_mode) {
  const Tensor values = as_float(x, "max_pool_with_indices", "x");
  return max_and_indices(values,
                         windows(values, "max_pool_with_indices", window, strides, dilation, low, high, ceil_mode));
}
Tensor avg_pool(const Tensor& x, const Sizes& window, const Axes& strides, const Axes& low, const Axes& high,
                bool ceil_mode, bool count_padding, std::optional<int64_t> divisor) {
  const Tensor values = as_float(x, "avg_pool", "x");
  PoolAttrs a = windows(values, "avg_pool", window, strides, std::nullopt, low, high, ceil_mode);
  FASTDL_CHECK(divisor != 0, ValueError, "avg_pool: expected a divisor other than 0");
  a.count_padding = count_padding;
  a.divisor = divisor.value_or(0);
  return apply(op_avg_pool, {values}, a);
}
Tensor adaptive_max_pool(const Tensor& x, const Sizes& size) {
  const Tensor values = as_float(x, "adaptive_max_pool", "x");
  return max_of(values, adaptive(values, "adaptive_max_pool", size));
}
std::vector<Tensor> adaptive_max_pool_with_indices(const Tensor& x, const Sizes& size) {
  const Tensor values = as_float(x, "adaptive_max_pool_with_indices", "x");
  return max_and_indices(values, adaptive(values, "adaptive_max_pool_with_indices", size));
}
Tensor adaptive_avg_pool(const Tensor& x, const Sizes& size) {
  const Tensor values = as_float(x, "adaptive_avg_pool", "x");
  return apply(op_avg_pool, {values}, adaptive(values, "adaptive_avg_pool", size));
}

}  // namespace fastdl
