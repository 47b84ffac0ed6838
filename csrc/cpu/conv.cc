// Convolutions: rows, threads and segments around the register tiles of kernels/conv.cc.
//
//     for each task: an image, some rows of the output        one thread each
//       copy the rows of the input that it reads, with zeros at their ends, if a row needs such padding
//       for each row of the output
//         for each panel of channels                          as wide as a tile
//           for each tile of pixels
//             C[pixels, channels] = the sum over segments     conv_row, once for each block of the sum
//         activation
//
// The gradient of the input is the same sum with the taps in reverse. With a stride its pixels fall into phases, each
// with taps of its own.
#include "cpu/conv.h"

#include <algorithm>
#include <span>
#include <vector>

#include "core/parallel.h"
#include "core/scratch.h"
#include "core/subnormals.h"
#include "cpu/conv_taps.h"
#include "cpu/depthwise.h"
#include "cpu/gemm_blocks.h"
#include "cpu/isa.h"

namespace fastdl {
namespace {

// Sums over taps and channels. The matrix of each group has a row for each tap (z, y, x) and channel.
struct Correlation {
  Taps z, y, x;
  int64_t batch, groups;
  int64_t channels_in, channels_out;  // of all groups
  const float* in;
  const float* matrix;  // of the first group
  int64_t matrix_row, matrix_group;
  float* out;
  int64_t out_z, out_y, out_x;  // extents of the output
  const Epilogue* epilogue;

  int64_t group_in() const { return channels_in / groups; }
  int64_t group_out() const { return channels_out / groups; }
};

// A part of the sum: taps z and y, and from tap x on a run of adjacent inputs.
struct Run {
  int64_t z, y, x;  // taps
  int64_t channel;  // the first
  int64_t row;      // of the matrix
  int64_t k;
  int64_t block;  // of the sum
};

std::vector<Run> runs_of(const Correlation& c) {
  const int64_t channels = c.group_in(), nx = c.x.count;
  const bool adjacent = c.groups == 1 && (nx <= 1 || c.x.tap_step == 1);
  std::vector<Run> runs;
  int64_t row = 0, block = 0, length = 0;
  for (int64_t z = 0; z < c.z.count; ++z)
    for (int64_t y = 0; y < c.y.count; ++y)
      for (int64_t x = 0; x < nx; x += adjacent ? nx : 1) {
        const int64_t whole = (adjacent ? nx : 1) * channels;
        for (int64_t done = 0; done < whole; done += kSumBlock) {
          const int64_t k = std::min(kSumBlock, whole - done);
          if (length + k > kSumBlock) ++block, length = 0;
          length += k;
          runs.push_back({z, y, x, done, row + done, k, block});
        }
        row += whole;
      }
  return runs;
}

// Calls f with some rows of the output of one image: f(n, z, y, end).
template <class F>
void for_rows(const Correlation& c, int64_t rows_each, F f) {
  const int64_t parts = ceil_div(c.y.steps, rows_each);
  parallel_for_flushing(c.batch * c.z.steps * parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t part = t % parts, image = t / parts;
      f(image / c.z.steps, image % c.z.steps, part * rows_each, std::min(c.y.steps, (part + 1) * rows_each));
    }
  });
}

class Rows {
 public:
  explicit Rows(const Correlation& c) : c_(c), left_(c.x.count == 0 ? 0 : std::max<int64_t>(0, -c.x.lowest())) {
    const int64_t end = c.x.count == 0 ? 0 : c.x.highest() + 1;
    pads_ = left_ > 0 || end > c.x.in;
    width_ = left_ + std::max(c.x.in, end);
  }
  bool pads() const { return pads_; }
  int64_t width() const { return width_; }
  // Makes the rows ready that outputs (n, z, [y, end)) read.
  void prepare(int64_t n, int64_t z, int64_t y, int64_t end) {
    image_ = c_.in + n * c_.z.in * c_.y.in * c_.x.in * c_.channels_in;
    if (!pads_) return;
    first_ = std::max<int64_t>(0, y * c_.y.stride + c_.y.lowest());
    count_ = std::min(c_.y.in, (end - 1) * c_.y.stride + c_.y.tap(c_.y.count - 1) + 1) - first_;
    if (count_ <= 0) return;
    const int64_t row = width_ * c_.channels_in, slices = c_.z.count;
    copies_ = static_cast<float*>(scratch(Scratch::conv_rows, size_t(slices * count_ * row) * sizeof(float)));
    for (int64_t q = 0; q < slices; ++q) {
      const int64_t iz = z * c_.z.stride + c_.z.tap(q);
      if (iz < 0 || iz >= c_.z.in) continue;
      for (int64_t i = 0; i < count_; ++i) {
        float* to = copies_ + (q * count_ + i) * row;
        std::fill_n(to, left_ * c_.channels_in, 0.0f);
        std::copy_n(source(iz, first_ + i), c_.x.in * c_.channels_in, to + left_ * c_.channels_in);
        std::fill(to + (left_ + c_.x.in) * c_.channels_in, to + row, 0.0f);
      }
    }
  }
  // Place 0 of a row of the input, for tap q of z.
  const float* row(int64_t q, int64_t iz, int64_t iy) const {
    if (!pads_) return source(iz, iy);
    return copies_ + ((q * count_ + iy - first_) * width_ + left_) * c_.channels_in;
  }

 private:
  const float* source(int64_t iz, int64_t iy) const { return image_ + (iz * c_.y.in + iy) * c_.x.in * c_.channels_in; }

  const Correlation& c_;
  const int64_t left_;
  bool pads_;
  int64_t width_;
  const float* image_ = nullptr;
  float* copies_ = nullptr;
  int64_t first_ = 0, count_ = 0;
};

void finish(const Correlation& c, float* row, bool dense) {
  const Epilogue& e = *c.epilogue;
  if (!e.activation) return;
  if (dense) return e.activation(row, row, c.x.steps * c.channels_out, e.parameters);
  for (int64_t t = 0; t < c.x.steps; ++t) {
    float* at = row + t * c.x.step * c.channels_out;
    e.activation(at, at, c.channels_out, e.parameters);
  }
}

void correlate(const Correlation& c) {
  const KernelTable& isa = kernels();
  const std::vector<Run> runs = runs_of(c);
  const int64_t blocks = runs.empty() ? 1 : runs.back().block + 1, channels = c.group_out();
  const int64_t panel = 2 * isa.lanes;
  // Rows of a task: all of an image, or fewer where there are few images or their rows take much of L2.
  const int64_t images = c.batch * c.z.steps, threads = num_threads();
  int64_t rows =
      threads == 1 ? c.y.steps : std::min(c.y.steps, std::max<int64_t>(1, c.y.steps * images / (4 * threads)));
  const int64_t row_floats = c.x.in * c.channels_in * c.z.count;
  rows = std::clamp<int64_t>((1 << 17) / std::max<int64_t>(row_floats * c.y.stride, 1), 1, rows);
  for_rows(c, rows, [&](int64_t n, int64_t tz, int64_t begin, int64_t end) {
    Rows input(c);
    input.prepare(n, tz, begin, end);
    std::vector<ConvSegment> segments(runs.size());
    std::vector<int64_t> starts(size_t(blocks) + 1);
    for (int64_t ty = begin; ty < end; ++ty) {
      // The segments within the input, block by block.
      int64_t count = 0, block = 0;
      for (const Run& r : runs) {
        while (block < r.block) starts[size_t(++block)] = count;
        const int64_t iz = tz * c.z.stride + c.z.tap(r.z), iy = ty * c.y.stride + c.y.tap(r.y);
        if (iz < 0 || iz >= c.z.in || iy < 0 || iy >= c.y.in) continue;
        const float* row = input.row(r.z, iz, iy);
        segments[size_t(count++)] = {row + c.x.tap(r.x) * c.channels_in + r.channel, c.matrix + r.row * c.matrix_row,
                                     r.k};
      }
      while (block < blocks) starts[size_t(++block)] = count;
      float* const out =
          c.out +
          (((n * c.out_z + c.z.first + tz * c.z.step) * c.out_y + c.y.first + ty * c.y.step) * c.out_x + c.x.first) *
              c.channels_out;
      ConvRow g = {};
      g.a_row = c.x.stride * c.channels_in;
      g.a_col = 1;
      g.b_row = c.matrix_row;
      g.c_row = g.start_row = c.x.step * c.channels_out;
      for (int64_t group = 0; group < c.groups; ++group) {
        for (int64_t j = 0; j < channels; j += panel) {
          g.n = std::min(panel, channels - j);
          g.b_offset = j;
          const int64_t tiles = ceil_div(c.x.steps, isa.conv_tile_rows(g.n));
          for (int64_t t = 0; t < tiles; ++t) {
            const int64_t first = t * c.x.steps / tiles;
            g.m = (t + 1) * c.x.steps / tiles - first;
            g.a_offset = first * g.a_row;
            g.c = out + first * g.c_row + group * channels + j;
            for (int64_t b = 0; b < blocks; ++b) {
              g.segments = segments.data() + starts[size_t(b)];
              g.count = starts[size_t(b) + 1] - starts[size_t(b)];
              g.add = b > 0;
              g.bias = b == blocks - 1 && c.epilogue->bias ? c.epilogue->bias + group * channels + j : nullptr;
              isa.conv_tile(g);
            }
          }
        }
        for (ConvSegment& s : std::span(segments.data(), size_t(count))) s.a += c.group_in(), s.b += c.matrix_group;
      }
      finish(c, out, c.x.step == 1);
    }
  });
}

// --- the gradient of the kernel ------------------------------------------------------------------------------------

// A matrix of gradients: a row for each tap and channel, a column for each output channel. Its sums go over the pixels
// of all outputs, in blocks of 1,024.
class KernelGradient {
 public:
  KernelGradient(const ConvShape& s, const float* x, const float* dy)
      : s_(s),
        x_(x),
        dy_(dy),
        in_(s.channels_in / s.groups),
        out_(s.channels_out / s.groups),
        row_width_((s.x.out - 1) * s.x.stride + s.x.kernel),
        pads_(s.x.low > 0 || row_width_ > s.x.in),
        joined_(s.groups == 1 && s.x.dilation == 1 && s.x.kernel > 1 && (in_ < 16 || !pads_)) {}

  int64_t rows() const { return s_.z.kernel * s_.y.kernel * s_.x.kernel * in_; }
  int64_t pixels() const { return s_.batch * s_.z.out * s_.y.out * s_.x.out; }
  // Taps whose rows are computed together.
  int64_t parts() const { return s_.z.kernel * s_.y.kernel * (joined_ ? 1 : s_.x.kernel); }
  int64_t part_rows() const { return rows() / parts(); }

  // The sum over pixels [begin, begin + count) for rows of the parts [first, last), whose first row is at c. It is one
  // chain for each element. Pixels and channels that one panel of columns needs lie in L1.
  void block(int64_t begin, int64_t count, int64_t first_part, int64_t last_part, float* c) const {
    const KernelTable& isa = kernels();
    const int64_t panel = 2 * isa.lanes, tall = part_rows(), step = 24 * 1024 / 4 / panel;
    float* const columns = static_cast<float*>(scratch(Scratch::gemm_b, size_t(step * panel) * sizeof(float)));
    std::vector<ConvSegment> segments;
    for (int64_t done = 0; done < count; done += step) {
      const int64_t at = begin + done, pixels = std::min(step, count - done);
      int64_t top = 0;
      const float* copies = joined_ && pads_ ? padded_rows(at, pixels, &top) : nullptr;
      for (int64_t group = 0; group < s_.groups; ++group)
        for (int64_t j = 0; j < out_; j += panel) {
          ConvRow g = {};
          g.n = std::min(panel, out_ - j);
          const float* from = dy_ + at * s_.channels_out + group * out_ + j;
          const bool in_place = s_.channels_out <= panel;
          if (!in_place) isa.gemm_pack(columns, pixels, g.n, from, s_.channels_out, 0, panel);
          g.b_row = in_place ? s_.channels_out : panel;
          g.a_row = 1;
          g.a_col = s_.x.stride * s_.channels_in;
          g.c_row = g.start_row = s_.channels_out;
          const int64_t tiles = ceil_div(tall, isa.conv_tile_rows(g.n));
          for (int64_t part = first_part; part < last_part; ++part) {
            const int64_t qx = joined_ ? 0 : part % s_.x.kernel, q = joined_ ? part : part / s_.x.kernel;
            segments_of(at, pixels, q / s_.y.kernel, q % s_.y.kernel, qx, copies, top, in_place ? from : columns,
                        g.b_row, segments);
            g.segments = segments.data();
            g.count = int64_t(segments.size());
            for (int64_t t = 0; t < tiles; ++t) {
              const int64_t first = t * tall / tiles;
              g.m = (t + 1) * tall / tiles - first;
              g.a_offset = group * in_ + first;
              g.c = c + ((part - first_part) * tall + first) * s_.channels_out + group * out_ + j;
              g.start = done > 0 ? g.c : nullptr;
              isa.conv_tile(g);
            }
          }
        }
    }
  }

 private:
  // Row of the input that output row `row` (of all images) meets at taps z and y; -1 outside.
  int64_t input_row(int64_t row, int64_t z, int64_t y) const {
    const int64_t oy = row % s_.y.out, oz = row / s_.y.out % s_.z.out, n = row / s_.y.out / s_.z.out;
    const int64_t iz = oz * s_.z.stride - s_.z.low + z * s_.z.dilation;
    const int64_t iy = oy * s_.y.stride - s_.y.low + y * s_.y.dilation;
    if (iz < 0 || iz >= s_.z.in || iy < 0 || iy >= s_.y.in) return -1;
    return (n * s_.z.in + iz) * s_.y.in + iy;
  }

  void segments_of(int64_t begin, int64_t count, int64_t z, int64_t y, int64_t qx, const float* copies, int64_t top,
                   const float* columns, int64_t panel, std::vector<ConvSegment>& found) const {
    found.clear();
    // The outputs whose input at this tap exists.
    const int64_t shift = s_.x.low - qx * s_.x.dilation;  // input o stride - shift
    const int64_t low = joined_ ? 0 : std::max<int64_t>(0, ceil_div(std::max<int64_t>(shift, 0), s_.x.stride));
    const int64_t room = s_.x.in - 1 + shift;
    const int64_t high = joined_ ? s_.x.out : room < 0 ? 0 : std::min(s_.x.out, room / s_.x.stride + 1);
    for (int64_t at = begin; at < begin + count;) {
      const int64_t row = at / s_.x.out, ox = at % s_.x.out;
      const int64_t first = std::max(ox, low), last = std::min(std::min(s_.x.out, ox + begin + count - at), high);
      const int64_t from = input_row(row, z, y);
      if (from >= 0 && first < last) {
        const float* a = copies ? copies + ((from - top) * row_width_ + first * s_.x.stride) * s_.channels_in
                                : x_ + (from * s_.x.in + first * s_.x.stride - shift) * s_.channels_in;
        found.push_back({a, columns + (row * s_.x.out + first - begin) * panel, last - first});
      }
      at += s_.x.out - ox;
    }
  }

  // Copies of the rows that these pixels meet, with zeros at the ends. *top is the first of them.
  const float* padded_rows(int64_t begin, int64_t count, int64_t* top) const {
    const int64_t first_row = begin / s_.x.out, last_row = (begin + count - 1) / s_.x.out;
    int64_t low = INT64_MAX, high = -1;
    for (int64_t row = first_row; row <= last_row; ++row)
      for (int64_t z = 0; z < s_.z.kernel; ++z)
        for (int64_t y = 0; y < s_.y.kernel; ++y)
          if (const int64_t from = input_row(row, z, y); from >= 0)
            low = std::min(low, from), high = std::max(high, from);
    const int64_t rows = std::max<int64_t>(high - low + 1, 1), row = row_width_ * s_.channels_in;
    float* copies = static_cast<float*>(scratch(Scratch::conv_rows, size_t(rows * row) * sizeof(float)));
    *top = low;
    const int64_t left = s_.x.low, taken = std::min(s_.x.in, row_width_ - left);
    for (int64_t i = 0; i < rows && high >= 0; ++i) {
      float* to = copies + i * row;
      std::fill_n(to, left * s_.channels_in, 0.0f);
      std::copy_n(x_ + (low + i) * s_.x.in * s_.channels_in, taken * s_.channels_in, to + left * s_.channels_in);
      std::fill(to + (left + taken) * s_.channels_in, to + row, 0.0f);
    }
    return copies;
  }

  const ConvShape& s_;
  const float *x_, *dy_;
  const int64_t in_, out_;
  const int64_t row_width_;  // the places of a row that outputs meet
  const bool pads_;          // some of them do not exist
  // Whether the rows of a tile are those of all adjacent taps, which takes padded rows. It pays if channels are few.
  const bool joined_;
};

// A kernel of one tap that meets every pixel: a product of matrices, whose sums have the same order. Narrow ones lack
// tiles that are as high as those of convolutions.
bool narrow(int64_t channels) { return channels <= kernels().lanes; }
bool is_pointwise(const ConvShape& s) {
  for (const ConvAxis* a : {&s.z, &s.y, &s.x})
    if (a->kernel != 1 || a->stride != 1 || a->in != a->out || a->low != 0) return false;
  return s.groups == 1;
}
int64_t pixels_of(const ConvShape& s) { return s.batch * s.z.in * s.y.in * s.x.in; }

}  // namespace

void conv(const ConvShape& s, const float* x, const float* w, float* y, const Epilogue& epilogue) {
  if (is_depthwise(s)) return depthwise(s, x, w, y, epilogue);
  const int64_t in = s.channels_in, out = s.channels_out;
  if (is_pointwise(s) && !narrow(out))
    return gemm(false, false, pixels_of(s), out, in, x, in, w, out, y, out, false, epilogue);
  correlate({forward_taps(s.z), forward_taps(s.y), forward_taps(s.x), s.batch, s.groups, s.channels_in, s.channels_out,
             x, w, s.channels_out, s.channels_out / s.groups, y, s.z.out, s.y.out, s.x.out, &epilogue});
}

// Rows of the transposed kernel are padded to whole vectors, for packing.
int64_t padded_channels(const ConvShape& s) { return ceil_div(s.channels_in / s.groups, 16) * 16; }
int64_t conv_input_floats(const ConvShape& s) {
  if (is_depthwise(s) || (is_pointwise(s) && !narrow(s.channels_in))) return 0;
  return s.z.kernel * s.y.kernel * s.x.kernel * s.channels_out * padded_channels(s);
}

void conv_input(const ConvShape& s, const float* dy, const float* w, float* dx, float* matrix) {
  if (is_depthwise(s)) return depthwise_input(s, dy, w, dx);
  if (is_pointwise(s) && !narrow(s.channels_in))
    return gemm(false, true, pixels_of(s), s.channels_in, s.channels_out, dy, s.channels_out, w, s.channels_out, dx,
                s.channels_in, false);
  const int64_t in = s.channels_in / s.groups, out = s.channels_out / s.groups, row = padded_channels(s);
  const Epilogue none;
  for (int64_t pz = 0; pz < std::min(s.z.stride, s.z.in); ++pz)
    for (int64_t py = 0; py < std::min(s.y.stride, s.y.in); ++py)
      for (int64_t px = 0; px < std::min(s.x.stride, s.x.in); ++px) {
        Correlation c{backward_taps(s.z, pz),
                      backward_taps(s.y, py),
                      backward_taps(s.x, px),
                      s.batch,
                      s.groups,
                      s.channels_out,
                      s.channels_in,
                      dy,
                      matrix,
                      row,
                      0,
                      dx,
                      s.z.in,
                      s.y.in,
                      s.x.in,
                      &none};
        c.matrix_group = c.z.count * c.y.count * c.x.count * out * row;
        float* to = matrix;
        for (int64_t g = 0; g < s.groups; ++g)
          for (int64_t qz = 0; qz < c.z.count; ++qz)
            for (int64_t qy = 0; qy < c.y.count; ++qy)
              for (int64_t qx = 0; qx < c.x.count; ++qx) {
                const float* from =
                    w +
                    ((c.z.place(qz) * s.y.kernel + c.y.place(qy)) * s.x.kernel + c.x.place(qx)) * in * s.channels_out +
                    g * out;
                kernels().gemm_pack(to, out, in, from, s.channels_out, 1, row);
                to += out * row;
              }
        correlate(c);
      }
}

void conv_kernel(const ConvShape& s, const float* x, const float* dy, float* dw) {
  if (is_depthwise(s)) return depthwise_kernel(s, x, dy, dw);
  if (is_pointwise(s))
    return gemm(true, false, s.channels_in, s.channels_out, pixels_of(s), x, s.channels_in, dy, s.channels_out, dw,
                s.channels_out, false);
  const KernelGradient gradient(s, x, dy);
  const int64_t m = gradient.rows(), n = s.channels_out, k = gradient.pixels(), parts = gradient.parts();
  if (m == 0 || n == 0) return;
  if (k == 0) {
    std::fill_n(dw, m * n, 0.0f);
    return;
  }
  const double block_time = 0.02 * double(m) * double(n) / double(s.groups) * double(std::min(k, kSumBlock));
  if (const int64_t at_a_time = blocks_at_a_time(m, n, k, num_threads()))
    return sum_blocks(
        m, n, k, dw, n, at_a_time, block_time,
        [&](int64_t l, int64_t count, float* c, int64_t) { gradient.block(l, count, 0, parts, c); },
        [](int64_t, int64_t) {});
  const double part_time = block_time * double(k) / kSumBlock / double(parts);
  parallel_for_flushing(
      parts, num_threads() == 1 ? parts : std::max<int64_t>(1, int64_t(8000 / std::max(part_time, 1.0))),
      [&](int64_t begin, int64_t end) {
        const int64_t size = (end - begin) * gradient.part_rows() * n;
        float* const total = dw + begin * gradient.part_rows() * n;
        for (int64_t l = 0; l < k; l += kSumBlock) {
          float* const c = l == 0 ? total : static_cast<float*>(scratch(Scratch::gemm_parts, size_t(size) * 4));
          gradient.block(l, std::min(kSumBlock, k - l), begin, end, c);
          if (l > 0) kernels().add(total, total, c, size, 1, 1, nullptr);
        }
      });
}

}  // namespace fastdl
