// Depthwise convolutions: tasks and taps around the kernels of kernels/depthwise.cc.
//
// Spans of pixels for which the same taps exist are computed together, so that neither is the input padded nor does a
// pixel ask which taps it has. Channels that give several outputs are repeated, task by task, so that kernels know one
// output for each input only. The gradient of such a channel is the sum over its outputs, in order.
#include "cpu/depthwise.h"

#include <algorithm>

#include "core/parallel.h"
#include "core/scratch.h"
#include "core/subnormals.h"
#include "cpu/conv_taps.h"
#include "cpu/gemm_blocks.h"
#include "cpu/isa.h"

namespace fastdl {
namespace {

// Repeats each of n floats.
void repeat(float* to, const float* from, int64_t n, int64_t times) {
  for (int64_t i = 0; i < n; ++i)
    for (int64_t m = 0; m < times; ++m) *to++ = from[i];
}
// Adds up each `times` of n * times floats.
void add_up(float* to, const float* from, int64_t n, int64_t times) {
  for (int64_t i = 0; i < n; ++i) {
    float sum = *from++;
    for (int64_t m = 1; m < times; ++m) sum += *from++;
    to[i] = sum;
  }
}

// An image of `channels`, in memory or a part of it.
struct Image {
  float* data;
  int64_t row, slice;  // floats

  float* at(int64_t z, int64_t y) const { return data + z * slice + y * row; }
};

// Forward, or backward: outputs are those of the correlation.
struct Correlation {
  const ConvAxis &z, &y, &x;
  bool backward;
  int64_t channels;  // outputs of all groups
  const float* w;
  const float* bias;

  int64_t phases(const ConvAxis& a) const { return backward ? std::min(a.stride, a.in) : 1; }
  Taps taps(const ConvAxis& a, int64_t phase) const { return backward ? backward_taps(a, phase) : forward_taps(a); }
};

// Rows [begin, end) of slice oz of the output.
void correlate(const Correlation& c, const Image& in, const Image& out, int64_t oz, int64_t begin, int64_t end) {
  const KernelTable& isa = kernels();
  const int64_t z_phases = c.phases(c.z), y_phases = c.phases(c.y), x_phases = c.phases(c.x);
  const Taps z = c.taps(c.z, oz % z_phases);
  const Span sz = span_at(z, oz / z_phases, oz / z_phases + 1);
  DepthwiseTap* const taps = scratch_of<DepthwiseTap>(Scratch::conv_runs, c.z.kernel * c.y.kernel * c.x.kernel);
  DepthwisePixels g = {};
  g.channels = c.channels;
  g.taps = taps;
  g.bias = c.bias;
  for (int64_t py = 0; py < y_phases; ++py)
    for (int64_t px = 0; px < x_phases; ++px) {
      const Taps y = c.taps(c.y, py), x = c.taps(c.x, px);
      g.x_row = y.stride * in.row;
      g.x_pixel = x.stride * c.channels;
      g.y_row = y.step * out.row;
      g.y_pixel = x.step * c.channels;
      for_spans(y, ceil_div(begin - py, y_phases), ceil_div(end - py, y_phases), [&](const Span& sy) {
        for_spans(x, 0, x.steps, [&](const Span& sx) {
          g.count = 0;
          for (int64_t qz = sz.first; qz < sz.last; ++qz)
            for (int64_t qy = sy.first; qy < sy.last; ++qy)
              for (int64_t qx = sx.first; qx < sx.last; ++qx) {
                const int64_t place = (z.place(qz) * c.y.kernel + y.place(qy)) * c.x.kernel + x.place(qx);
                taps[g.count++] = {in.at(sz.begin * z.stride + z.tap(qz), sy.begin * y.stride + y.tap(qy)) +
                                       (sx.begin * x.stride + x.tap(qx)) * c.channels,
                                   c.w + place * c.channels};
              }
          g.rows = sy.end - sy.begin;
          g.pixels = sx.end - sx.begin;
          g.y = out.at(oz, y.first + sy.begin * y.step) + (x.first + sx.begin * x.step) * c.channels;
          isa.depthwise_pixels(g);
        });
      });
    }
}

constexpr double kLeastShare = 2000;  // nanoseconds; a part costs some 100 more

// Calls f(n, z, begin, end) with some rows of a slice of an image, from as many images.
template <class F>
void for_rows(int64_t batch, const ConvAxis& z, const ConvAxis& y, int64_t slices, int64_t rows, int64_t row_floats,
              F f) {
  const int64_t taps = z.kernel * y.kernel, most = (1 << 15) / std::max<int64_t>(row_floats, 1);
  const double row_time = double(row_floats) * (0.2 + 0.03 * double(taps)), all = double(batch * slices * rows);
  // Few images are cut for the threads too, if there is enough to do.
  const double shares = std::clamp(all * row_time / kLeastShare, 1.0, 4.0 * num_threads());
  const auto share = int64_t(all / shares);
  const int64_t each = std::clamp<int64_t>(std::min(most, share), 1, rows), parts = ceil_div(rows, each);
  const double time = double(each) * row_time;
  parallel_for_flushing(batch * slices * parts, grain_for(time), [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t part = t % parts, slice = t / parts;
      f(slice / slices, slice % slices, part * each, std::min(rows, (part + 1) * each));
    }
  });
}

// The inputs [begin, end) that outputs [first, last) meet.
struct Extent {
  int64_t begin, end;
  int64_t size() const { return std::max<int64_t>(0, end - begin); }
};
Extent inputs_of(const ConvAxis& a, int64_t first, int64_t last) {
  return {std::max<int64_t>(0, first * a.stride - a.low),
          std::min(a.in, (last - 1) * a.stride - a.low + (a.kernel - 1) * a.dilation + 1)};
}

}  // namespace

bool is_depthwise(const ConvShape& s) {
  return s.groups > 1 && s.channels_in == s.groups && s.z.kernel * s.y.kernel * s.x.kernel <= kSumBlock;
}

void depthwise(const ConvShape& s, const float* x, const float* w, float* y, const Epilogue& epilogue,
               const RowSink* sink) {
  const int64_t channels = s.channels_out, times = channels / s.groups, row = s.x.in * s.channels_in;
  const int64_t out_row = s.x.out * channels;
  const Correlation c = {s.z, s.y, s.x, false, channels, w, epilogue.bias};
  for_rows(s.batch, s.z, s.y, s.z.out, s.y.out, out_row, [&](int64_t n, int64_t z, int64_t begin, int64_t end) {
    const float* image = x + n * s.z.in * s.y.in * row;
    Image in = {const_cast<float*>(image), row, row * s.y.in};
    if (times > 1) {
      const Extent slices = inputs_of(s.z, z, z + 1), rows = inputs_of(s.y, begin, end);
      in.row = row * times;
      in.slice = in.row * rows.size();
      // At least one, since even a place that is never read is counted from an address.
      float* const copies = scratch_of<float>(Scratch::conv_rows, std::max<int64_t>(1, slices.size() * in.slice));
      for (int64_t i = slices.begin; i < slices.end; ++i)
        repeat(copies + (i - slices.begin) * in.slice, image + (i * s.y.in + rows.begin) * row, rows.size() * row,
               times);
      in.data = copies - slices.begin * in.slice - rows.begin * in.row;
    }
    const int64_t first = ((n * s.z.out + z) * s.y.out + begin) * s.x.out, count = (end - begin) * s.x.out;
    float* const to = sink ? sink->place(first, count) : y + first * channels;
    correlate(c, in, {to - begin * out_row, out_row, 0}, z, begin, end);
    if (epilogue.activation) epilogue.activation(to, to, count * channels, epilogue.parameters);
    if (sink) sink->done(first, count);
  });
}

void depthwise_input(const ConvShape& s, const float* dy, const float* w, float* dx, const RowSink* sink) {
  const int64_t channels = s.channels_out, times = channels / s.groups, row = s.x.in * channels;
  const int64_t dy_row = s.x.out * channels;
  const Correlation c = {s.z, s.y, s.x, true, channels, w, nullptr};
  for_rows(s.batch, s.z, s.y, s.z.in, s.y.in, row, [&](int64_t n, int64_t z, int64_t begin, int64_t end) {
    const float* image = dy + n * s.z.out * s.y.out * dy_row;
    const Image in = {const_cast<float*>(image), dy_row, dy_row * s.y.out};
    const int64_t first = ((n * s.z.in + z) * s.y.in + begin) * s.x.in, count = (end - begin) * s.x.in;
    float* const to = sink ? sink->place(first, count) : dx + first * s.channels_in;
    float* const sums = times > 1 ? scratch_of<float>(Scratch::conv_rows, (end - begin) * row) : to;
    correlate(c, in, {sums - begin * row, row, 0}, z, begin, end);
    if (times > 1) add_up(to, sums, count * s.channels_in, times);
    if (sink) sink->done(first, count);
  });
}

// --- the gradient of the kernel ------------------------------------------------------------------------------------

namespace {

// Sums over blocks of at most 1,024 pixels: some images, else some slices of an image, some rows of a slice or a part
// of a row. In a block the spans of pixels follow one another, and the pixels of a span in order.
class KernelGradient {
 public:
  KernelGradient(const ConvShape& s, const float* x, const float* dy) : s_(s), x_(x), dy_(dy) {
    const int64_t sizes[4] = {s.batch, s.z.out, s.y.out, s.x.out};
    int64_t room = kSumBlock;
    for (int i = 3; i >= 0; --i) {
      each_[i] = std::clamp<int64_t>(room, 1, sizes[i]);
      parts_[i] = ceil_div(sizes[i], each_[i]);
      room = each_[i] == sizes[i] ? room / sizes[i] : 1;
    }
  }

  int64_t blocks() const { return parts_[0] * parts_[1] * parts_[2] * parts_[3]; }
  int64_t taps() const { return s_.z.kernel * s_.y.kernel * s_.x.kernel; }

  // The sums of a block for output channels [first, last) at dw[tap * dw_row + channel - first].
  void block(int64_t index, int64_t first, int64_t last, float* dw, int64_t dw_row) const {
    for (int64_t tap = 0; tap < taps(); ++tap) std::fill_n(dw + tap * dw_row, last - first, 0.0f);
    const int64_t sizes[4] = {s_.batch, s_.z.out, s_.y.out, s_.x.out};
    Extent o[4];
    for (int i = 3; i >= 0; --i) {
      const int64_t part = index % parts_[i];
      index /= parts_[i];
      o[i] = {part * each_[i], std::min(sizes[i], (part + 1) * each_[i])};
    }
    const int64_t most = s_.channels_out > s_.groups ? kRepeated : kChannels;
    for (int64_t c = first; c < last; c += most) some_channels(o, c, std::min(last - c, most), dw + c - first, dw_row);
  }

 private:
  static constexpr int64_t kChannels = 256;     // at a time
  static constexpr int64_t kRepeated = 64;      // if they are repeated: what fits L2
  static constexpr int64_t kFloats = 6 * 1024;  // of the pixels that lie in L1 for all taps

  void some_channels(const Extent (&o)[4], int64_t c, int64_t channels, float* dw, int64_t dw_row) const {
    const int64_t times = s_.channels_out / s_.groups;
    DepthwiseGradient g = {};
    g.channels = channels;
    // Element 0 of the input, or of where it would be before the repeated part.
    const float* x = x_ + c;
    int64_t pixel = s_.channels_in, row = pixel * s_.x.in, slice = row * s_.y.in, image = slice * s_.z.in;
    if (times > 1) {
      const Extent z = inputs_of(s_.z, o[1].begin, o[1].end), y = inputs_of(s_.y, o[2].begin, o[2].end),
                   w = inputs_of(s_.x, o[3].begin, o[3].end);
      const int64_t first = c / times, count = (c + channels - 1) / times + 1 - first, wide = count * times;
      float* const copies = scratch_of<float>(Scratch::conv_rows, o[0].size() * z.size() * y.size() * w.size() * wide);
      float* to = copies;
      for (int64_t n = o[0].begin; n < o[0].end; ++n)
        for (int64_t i = z.begin; i < z.end; ++i)
          for (int64_t j = y.begin; j < y.end; ++j)
            for (int64_t k = w.begin; k < w.end; ++k, to += wide)
              repeat(to, x_ + n * image + i * slice + j * row + k * pixel + first, count, times);
      pixel = wide;
      row = pixel * w.size();
      slice = row * y.size();
      image = slice * z.size();
      x = copies + (c - first * times) - o[0].begin * image - z.begin * slice - y.begin * row - w.begin * pixel;
    }
    const Taps z = forward_taps(s_.z), y = forward_taps(s_.y), w = forward_taps(s_.x);
    const int64_t dy_row = s_.x.out * s_.channels_out, dy_slice = dy_row * s_.y.out, dy_image = dy_slice * s_.z.out;
    g.x_image = image;
    g.x_row = y.stride * row;
    g.x_pixel = w.stride * pixel;
    g.dy_image = dy_image;
    g.dy_row = dy_row;
    g.dy_pixel = s_.channels_out;
    g.x_tap_row = y.tap_step * row;
    g.x_tap_column = w.tap_step * pixel;
    g.dw_tap_row = s_.x.kernel * dw_row;
    g.dw_tap_column = dw_row;
    for (int64_t oz = o[1].begin; oz < o[1].end; ++oz) {
      const Span sz = span_at(z, oz, oz + 1);
      for_spans(y, o[2].begin, o[2].end, [&](const Span& sy) {
        for_spans(w, o[3].begin, o[3].end, [&](const Span& sx) {
          in_parts(g, o[0], sy, sx, [&](int64_t n, int64_t oy, int64_t ox) {
            for (int64_t qz = sz.first; qz < sz.last; ++qz) {
              g.x = x + n * image + (oz * z.stride + z.tap(qz)) * slice + oy * y.stride * row + ox * w.stride * pixel;
              g.dy = dy_ + n * dy_image + oz * dy_slice + oy * dy_row + ox * s_.channels_out + c;
              over_taps(g, sy, sx, y, w, row, pixel, dw + qz * s_.y.kernel * g.dw_tap_row);
            }
          });
        });
      });
    }
  }

  // Cuts a span into parts that lie in L1: f(image, y, x), with g's extents.
  template <class F>
  void in_parts(DepthwiseGradient& g, const Extent& images, const Span& y, const Span& x, F f) const {
    const int64_t most = std::max<int64_t>(8, kFloats / ((s_.x.stride * s_.y.stride + 1) * g.channels));
    const int64_t pixels = std::min(most, x.end - x.begin),
                  rows = std::clamp<int64_t>(most / pixels, 1, y.end - y.begin);
    const int64_t count = std::clamp<int64_t>(most / (pixels * rows), 1, images.size());
    for (int64_t n = images.begin; n < images.end; n += count)
      for (int64_t i = y.begin; i < y.end; i += rows)
        for (int64_t j = x.begin; j < x.end; j += pixels) {
          g.images = std::min(count, images.end - n);
          g.rows = std::min(rows, y.end - i);
          g.pixels = std::min(pixels, x.end - j);
          f(n, i, j);
        }
  }

  // All taps of spans, some rows and columns of them at a time.
  void over_taps(DepthwiseGradient& g, const Span& sy, const Span& sx, const Taps& y, const Taps& x, int64_t row,
                 int64_t pixel, float* dw) const {
    const KernelTable& isa = kernels();
    const int64_t columns = isa.depthwise_gradient_columns();
    const float* const from = g.x;
    g.tap_rows = sy.last - sy.first;
    for (int64_t q = sx.first; q < sx.last; q += columns) {
      g.tap_columns = std::min(columns, sx.last - q);
      g.x = from + y.tap(sy.first) * row + x.tap(q) * pixel;
      g.dw = dw + sy.first * g.dw_tap_row + q * g.dw_tap_column;
      isa.depthwise_gradient(g);
    }
  }

  const ConvShape& s_;
  const float *x_, *dy_;
  int64_t each_[4], parts_[4];  // of images, slices, rows and columns: how many a block has, and how many blocks
};

}  // namespace

void depthwise_kernel(const ConvShape& s, const float* x, const float* dy, float* dw) {
  const KernelGradient gradient(s, x, dy);
  const int64_t taps = gradient.taps(), n = s.channels_out, blocks = gradient.blocks();
  const int64_t pixels = s.batch * s.z.out * s.y.out * s.x.out;
  if (taps == 0 || n == 0) return;
  if (pixels == 0) {
    std::fill_n(dw, taps * n, 0.0f);
    return;
  }
  const double float_time = (0.2 + 0.03 * double(taps)) * double(pixels);  // of a channel
  // Threads share blocks, or else channels.
  if (const int64_t at_a_time = blocks_at_a_time(taps, n, blocks * kSumBlock, num_threads()))
    return sum_blocks(
        taps, n, blocks * kSumBlock, dw, n, at_a_time, float_time * double(n) / double(blocks),
        [&](int64_t l, int64_t, float* c, int64_t row) { gradient.block(l / kSumBlock, 0, n, c, row); },
        [](int64_t, int64_t) {});
  const int64_t each = num_threads() == 1 ? n : 32;
  parallel_for_flushing(ceil_div(n, each), grain_for(float_time * double(each)), [&](int64_t begin, int64_t end) {
    const int64_t first = begin * each, last = std::min(n, end * each), width = last - first;
    gradient.block(0, first, last, dw + first, n);
    if (blocks == 1) return;
    float* const part = scratch_of<float>(Scratch::gemm_parts, taps * width);
    for (int64_t b = 1; b < blocks; ++b) {
      gradient.block(b, first, last, part, width);
      for (int64_t tap = 0; tap < taps; ++tap) {
        float* const to = dw + tap * n + first;
        kernels().add(to, to, part + tap * width, width, 1, 1, nullptr);
      }
    }
  });
}

}  // namespace fastdl
