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
// with taps of its own. A task sums some rows of all phases before it goes on, so that they are complete together.
#include "cpu/conv.h"

#include <algorithm>
#include <span>

#include "core/parallel.h"
#include "core/scratch.h"
#include "core/subnormals.h"
#include "cpu/conv_taps.h"
#include "cpu/depthwise.h"
#include "cpu/isa.h"

namespace fastdl {
namespace {

constexpr int64_t kReported = 2048;  // values from which rows are reported
constexpr double kShared = 4000;     // nanoseconds of a thread's part, where threads share a small product

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
  const RowSink* sink = nullptr;  // only where the outputs of a task are adjacent

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

// The runs, in this thread's scratch memory.
std::span<const Run> runs_of(const Correlation& c) {
  const int64_t channels = c.group_in(), nx = c.x.count;
  const bool adjacent = c.groups == 1 && (nx <= 1 || c.x.tap_step == 1);
  const int64_t whole = (adjacent ? nx : 1) * channels, parts = adjacent ? std::min<int64_t>(nx, 1) : nx;
  Run* const runs = scratch_of<Run>(Scratch::conv_runs, c.z.count * c.y.count * parts * ceil_div(whole, kSumBlock));
  int64_t row = 0, block = 0, length = 0, count = 0;
  for (int64_t z = 0; z < c.z.count; ++z)
    for (int64_t y = 0; y < c.y.count; ++y)
      for (int64_t x = 0; x < parts; ++x) {
        for (int64_t done = 0; done < whole; done += kSumBlock) {
          const int64_t k = std::min(kSumBlock, whole - done);
          if (length + k > kSumBlock) ++block, length = 0;
          length += k;
          runs[count++] = {z, y, x, done, row + done, k, block};
        }
        row += whole;
      }
  return {runs, size_t(count)};
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
    // A phase of a strided gradient may have no taps along an axis: it reads no rows.
    pads_ = c.y.count > 0 && (left_ > 0 || end > c.x.in);
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
    copies_ = scratch_of<float>(Scratch::conv_rows, slices * count_ * row);
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

// Rows [from, to) of a slice, whose inputs are ready. Pixel 0 is, or would be, at `base`.
void sum_rows(const Correlation& c, const Rows& input, int64_t n, int64_t tz, int64_t from, int64_t to, float* base) {
  const KernelTable& isa = kernels();
  const std::span<const Run> runs = runs_of(c);
  const int64_t blocks = runs.empty() ? 1 : runs.back().block + 1, channels = c.group_out();
  const int64_t panel = isa.conv_tile_columns(c.x.steps);
  int64_t* const starts = scratch_of<int64_t>(Scratch::conv_starts, blocks + 1);
  ConvSegment* const segments = scratch_of<ConvSegment>(Scratch::conv_segments, int64_t(runs.size()));
  starts[0] = 0;
  for (int64_t ty = from; ty < to; ++ty) {
    // The segments within the input, block by block.
    int64_t count = 0, block = 0;
    for (const Run& r : runs) {
      while (block < r.block) starts[++block] = count;
      const int64_t iz = tz * c.z.stride + c.z.tap(r.z), iy = ty * c.y.stride + c.y.tap(r.y);
      if (iz < 0 || iz >= c.z.in || iy < 0 || iy >= c.y.in) continue;
      const float* row = input.row(r.z, iz, iy);
      segments[count++] = {row + c.x.tap(r.x) * c.channels_in + r.channel, c.matrix + r.row * c.matrix_row, r.k};
    }
    while (block < blocks) starts[++block] = count;
    float* const out =
        base +
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
            g.segments = segments + starts[b];
            g.count = starts[b + 1] - starts[b];
            g.add = b > 0;
            g.bias = b == blocks - 1 && c.epilogue->bias ? c.epilogue->bias + group * channels + j : nullptr;
            isa.conv_tile(g);
          }
        }
      }
      for (ConvSegment& s : std::span(segments, size_t(count))) s.a += c.group_in(), s.b += c.matrix_group;
    }
    finish(c, out, c.x.step == 1);
  }
}

// The phases of the rows and columns of slices. Their matrices follow one another.
void correlate(int64_t phases, const float* matrix, FunctionRef<Correlation(int64_t, const float*)> phase) {
  const Correlation c = phase(0, matrix);
  // Rows of a task: all of an image, or fewer where there are few images or their rows take much of L2.
  const int64_t images = c.batch * c.z.steps, threads = num_threads();
  int64_t rows =
      threads == 1 ? c.y.steps : std::min(c.y.steps, std::max<int64_t>(1, c.y.steps * images / (4 * threads)));
  const int64_t row_floats = c.x.in * c.channels_in * c.z.count;
  rows = std::clamp<int64_t>((1 << 17) / std::max<int64_t>(row_floats * c.y.stride, 1), 1, rows);
  // Some rows at a time, since a tail takes some 100 ns besides its work, and so does a phase.
  const int64_t floats = std::max<int64_t>(c.y.step * c.out_x * c.channels_out, 1);
  const int64_t some = ceil_div(phases == 1 ? kReported : 4 * kReported, floats);
  for_rows(c, rows, [&](int64_t n, int64_t tz, int64_t begin, int64_t end) {
    Rows input(c);
    if (phases == 1) input.prepare(n, tz, begin, end);
    for (int64_t from = begin; from < end; from += some) {
      const int64_t to = std::min(from + some, end), y = from * c.y.step;
      const int64_t first = ((n * c.out_z + c.z.first + tz * c.z.step) * c.out_y + y) * c.out_x;
      const int64_t pixels = (std::min(to * c.y.step, c.out_y) - y) * c.out_x;
      float* const base = c.sink ? c.sink->place(first, pixels) - first * c.channels_out : c.out;
      if (phases == 1) {
        sum_rows(c, input, n, tz, from, to, base);
      } else {
        const float* at = matrix;
        for (int64_t p = 0; p < phases; ++p) {
          const Correlation one = phase(p, at);
          at += one.matrix_group * one.groups;
          const int64_t last = std::min(to, one.y.steps);
          if (last <= from) continue;
          Rows its_input(one);
          its_input.prepare(n, tz, from, last);
          sum_rows(one, its_input, n, tz, from, last, base);
        }
      }
      if (c.sink) c.sink->done(first, pixels);
    }
  });
}

// Narrow products lack tiles that are as high as those of convolutions.
bool narrow(int64_t channels) { return channels <= kernels().lanes; }

// A convolution of one tap, or the gradient of its input: the product of all pixels with the matrix of the kernel.
void multiply(const ConvShape& s, bool backward, const float* x, const float* w, float* y, const Epilogue& epilogue,
              const RowSink* sink) {
  const int64_t in = backward ? s.channels_out : s.channels_in, out = backward ? s.channels_in : s.channels_out;
  const auto product = [&](int64_t first, int64_t rows, float* to) {
    gemm(false, backward, rows, out, in, x + first * in, in, w, s.channels_out, to, out, false, epilogue);
  };
  if (!sink) return product(0, pixels_of(s), y);
  // Rows that fit L1, or fewer, so that each thread has some if they take at least some microseconds.
  const int64_t pixels = pixels_of(s);
  const double nanoseconds = 0.02 * double(pixels * in * out);
  const auto parts = int64_t(std::clamp(nanoseconds / kShared, 1.0, double(num_threads())));
  const int64_t rows = std::min(ceil_div(4 * kReported / out, 48) * 48, ceil_div(pixels, parts));
  parallel_for(ceil_div(pixels, rows), 1, [&](int64_t begin, int64_t end) {
    for (int64_t first = begin * rows; first < std::min(end * rows, pixels); first += rows) {
      const int64_t count = std::min(rows, pixels - first);
      product(first, count, sink->place(first, count));
      sink->done(first, count);
    }
  });
}

}  // namespace

void conv(const ConvShape& s, const float* x, const float* w, float* y, const Epilogue& epilogue, const RowSink* rows) {
  if (is_depthwise(s)) return depthwise(s, x, w, y, epilogue, rows);
  if (is_pointwise(s) && !narrow(s.channels_out)) return multiply(s, false, x, w, y, epilogue, rows);
  correlate(1, w, [&](int64_t, const float* matrix) -> Correlation {
    return {forward_taps(s.z),
            forward_taps(s.y),
            forward_taps(s.x),
            s.batch,
            s.groups,
            s.channels_in,
            s.channels_out,
            x,
            matrix,
            s.channels_out,
            s.channels_out / s.groups,
            y,
            s.z.out,
            s.y.out,
            s.x.out,
            &epilogue,
            rows};
  });
}

// Rows of the transposed kernel are padded to whole vectors, for packing.
int64_t padded_channels(const ConvShape& s) { return ceil_div(s.channels_in / s.groups, 16) * 16; }
int64_t conv_input_floats(const ConvShape& s) {
  if (is_depthwise(s) || (is_pointwise(s) && !narrow(s.channels_in))) return 0;
  return s.z.kernel * s.y.kernel * s.x.kernel * s.channels_out * padded_channels(s);
}

void conv_input(const ConvShape& s, const float* dy, const float* w, float* dx, float* matrix, const RowSink* rows) {
  if (is_depthwise(s)) return depthwise_input(s, dy, w, dx, rows);
  if (is_pointwise(s) && !narrow(s.channels_in)) return multiply(s, true, dy, w, dx, {}, rows);
  const int64_t in = s.channels_in / s.groups, out = s.channels_out / s.groups, row = padded_channels(s);
  const int64_t rows_of = std::min(s.y.stride, s.y.in), columns_of = std::min(s.x.stride, s.x.in);
  static constexpr Epilogue none;
  for (int64_t pz = 0; pz < std::min(s.z.stride, s.z.in); ++pz) {
    const auto phase = [&](int64_t p, const float* its_matrix) {
      Correlation c{backward_taps(s.z, pz),
                    backward_taps(s.y, p / columns_of),
                    backward_taps(s.x, p % columns_of),
                    s.batch,
                    s.groups,
                    s.channels_out,
                    s.channels_in,
                    dy,
                    its_matrix,
                    row,
                    0,
                    dx,
                    s.z.in,
                    s.y.in,
                    s.x.in,
                    &none,
                    rows};
      c.matrix_group = c.z.count * c.y.count * c.x.count * out * row;
      return c;
    };
    const int64_t phases = rows_of * columns_of;
    float* to = matrix;
    for (int64_t p = 0; p < phases; ++p) {
      const Correlation c = phase(p, to);
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
    }
    if (phases) correlate(phases, matrix, phase);
  }
}

}  // namespace fastdl
