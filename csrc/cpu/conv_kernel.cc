// The gradient of a convolution's kernel: a product of matrices whose sums go over the pixels of all outputs. Segments
// of a sum are rows of pixels, so that no patch of the input is copied, and register tiles are those of cpu/conv.cc.
#include <algorithm>

#include "core/parallel.h"
#include "core/scratch.h"
#include "core/subnormals.h"
#include "cpu/conv.h"
#include "cpu/conv_taps.h"
#include "cpu/depthwise.h"
#include "cpu/gemm_blocks.h"
#include "cpu/isa.h"

namespace fastdl {
namespace {

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
        padded_(s.groups == 1 && in_ < 16),
        joined_(s.groups == 1 && s.x.dilation == 1 && s.x.low == 0 &&
                (s.x.out - 1) * s.x.stride + s.x.kernel <= s.x.in) {}

  int64_t rows() const { return s_.z.kernel * s_.y.kernel * s_.x.kernel * in_; }
  int64_t pixels() const { return s_.batch * s_.z.out * s_.y.out * s_.x.out; }
  // Taps whose rows are computed together.
  int64_t parts() const { return padded_ ? 1 : s_.z.kernel * s_.y.kernel * (joined_ ? 1 : s_.x.kernel); }
  int64_t part_rows() const { return rows() / parts(); }

  // The sum over pixels [begin, begin + count) for rows of the parts [first, last), whose first row is at c. It is one
  // chain for each element. Pixels and channels that one panel of columns needs lie in L1.
  void block(int64_t begin, int64_t count, int64_t first_part, int64_t last_part, float* c) const {
    const KernelTable& isa = kernels();
    const int64_t panel = 2 * isa.lanes, tall = part_rows(), step = 24 * 1024 / 4 / panel;
    const bool in_place = s_.channels_out <= panel;
    float* const columns = scratch_of<float>(Scratch::gemm_b, in_place ? 0 : step * ceil_div(out_, panel) * panel);
    ConvSegment* const segments = scratch_of<ConvSegment>(Scratch::conv_segments, step / s_.x.out + 2);
    ConvRow g = {};
    g.segments = segments;
    g.a_row = 1;
    g.a_col = s_.x.stride * s_.channels_in;
    g.b_row = in_place ? s_.channels_out : panel;
    g.c_row = g.start_row = s_.channels_out;
    for (int64_t done = 0; done < count; done += step) {
      const int64_t at = begin + done, pixels = std::min(step, count - done);
      for (int64_t group = 0; group < s_.groups; ++group) {
        const float* const dy = dy_ + at * s_.channels_out + group * out_;
        if (!in_place) isa.gemm_pack(columns, pixels, out_, dy, s_.channels_out, 0, panel);
        const float* const b = in_place ? dy : columns;
        // Tiles of one part; `rows` has the distances of its rows if they are not adjacent.
        const auto multiply = [&](int64_t part, const int64_t* rows, bool first_pixels) {
          for (int64_t j = 0; j < out_; j += panel) {
            g.n = std::min(panel, out_ - j);
            g.b_offset = in_place ? 0 : j * pixels;
            const int64_t tiles = ceil_div(tall, isa.conv_tile_rows(g.n));
            for (int64_t t = 0; t < tiles; ++t) {
              const int64_t first = t * tall / tiles;
              g.m = (t + 1) * tall / tiles - first;
              g.a_rows = rows ? rows + first : nullptr;
              g.a_offset = group * in_ + first;
              g.c = c + ((part - first_part) * tall + first) * s_.channels_out + group * out_ + j;
              g.start = first_pixels ? nullptr : g.c;
              isa.conv_tile(g);
            }
          }
        };
        if (padded_)
          for_boxes(at, pixels, [&](const Box& box) {
            int64_t* const rows = scratch_of<int64_t>(Scratch::conv_starts, tall);
            g.count = padded_segments(box, b + box.pixel * g.b_row, g.b_row, segments, rows);
            multiply(0, rows, done + box.pixel == 0);
          });
        else
          for (int64_t part = first_part; part < last_part; ++part) {
            g.count = segments_of(at, pixels, part, b, g.b_row, segments);
            multiply(part, nullptr, done == 0);
          }
      }
    }
  }

 private:
  // Some whole rows of a slice of outputs or a part of one row.
  struct Box {
    int64_t n, z, y, rows;
    int64_t first, last;  // of each row
    int64_t pixel;        // how many come before it
  };
  template <class F>
  void for_boxes(int64_t begin, int64_t count, F f) const {
    const int64_t row = begin / s_.x.out;
    Box b = {row / s_.y.out / s_.z.out, row / s_.y.out % s_.z.out, row % s_.y.out, 0, begin % s_.x.out, 0, 0};
    while (b.pixel < count) {
      b.last = std::min(s_.x.out, b.first + count - b.pixel);
      const int64_t pixels = b.last - b.first;
      b.rows = pixels < s_.x.out ? 1 : std::min(s_.y.out - b.y, (count - b.pixel) / pixels);
      f(b);
      b.pixel += b.rows * pixels;
      b.y += b.rows;
      b.first = 0;
      if (b.y < s_.y.out) continue;
      b.y = 0;
      b.z = (b.z + 1) % s_.z.out;
      b.n += b.z == 0;
    }
  }

  // A row of the input; null outside.
  const float* input_row(int64_t n, int64_t z, int64_t y) const {
    if (z < 0 || z >= s_.z.in || y < 0 || y >= s_.y.in) return nullptr;
    return x_ + ((n * s_.z.in + z) * s_.y.in + y) * s_.x.in * s_.channels_in;
  }
  int64_t input_z(int64_t o, int64_t q) const { return o * s_.z.stride - s_.z.low + q * s_.z.dilation; }
  int64_t input_y(int64_t o, int64_t q) const { return o * s_.y.stride - s_.y.low + q * s_.y.dilation; }

  // The outputs of each row whose input at this tap exists, and their inputs. Returns how many segments there are.
  int64_t segments_of(int64_t begin, int64_t count, int64_t part, const float* b, int64_t b_row,
                      ConvSegment* found) const {
    const int64_t qx = joined_ ? 0 : part % s_.x.kernel, q = joined_ ? part : part / s_.x.kernel;
    const int64_t shift = s_.x.low - qx * s_.x.dilation;  // input o stride - shift
    const int64_t low = std::max<int64_t>(0, ceil_div(shift, s_.x.stride));
    const int64_t high = std::min(s_.x.out, floor_div(s_.x.in - 1 + shift, s_.x.stride) + 1);
    int64_t segments = 0;
    for_boxes(begin, count, [&](const Box& box) {
      const int64_t from = std::max(box.first, low), to = std::min(box.last, high);
      if (from >= to) return;
      for (int64_t i = 0; i < box.rows; ++i)
        if (const float* input = input_row(box.n, input_z(box.z, q / s_.y.kernel), input_y(box.y + i, q % s_.y.kernel)))
          found[segments++] = {input + (from * s_.x.stride - shift) * s_.channels_in,
                               b + (box.pixel + i * (box.last - box.first) + from - box.first) * b_row, to - from};
    });
    return segments;
  }

  // Few channels: copies of the inputs of a box, with zeros around them, in which all taps of a pixel lie at the same
  // distances from it. Then a tile is as high as there are rows, and its segments are whole rows of pixels.
  int64_t padded_segments(const Box& box, const float* b, int64_t b_row, ConvSegment* found, int64_t* rows) const {
    const int64_t left = box.first * s_.x.stride - s_.x.low, pixels = box.last - box.first;
    const int64_t width = (pixels - 1) * s_.x.stride + (s_.x.kernel - 1) * s_.x.dilation + 1;
    const int64_t height = (box.rows - 1) * s_.y.stride + (s_.y.kernel - 1) * s_.y.dilation + 1;
    const int64_t begin = std::clamp<int64_t>(-left, 0, width), end = std::clamp(s_.x.in - left, begin, width);
    const int64_t row = width * in_, slice = row * height;
    float* to = scratch_of<float>(Scratch::conv_rows, s_.z.kernel * slice);
    for (int64_t i = 0; i < box.rows; ++i) found[i] = {to + i * s_.y.stride * row, b + i * pixels * b_row, pixels};
    for (int64_t z = 0; z < s_.z.kernel; ++z)
      for (int64_t y = 0; y < height; ++y, to += row) {
        const float* from = input_row(box.n, input_z(box.z, z), input_y(box.y, 0) + y);
        std::fill_n(to, from ? begin * in_ : row, 0.0f);
        if (!from) continue;
        std::copy_n(from + (left + begin) * in_, (end - begin) * in_, to + begin * in_);
        std::fill(to + end * in_, to + row, 0.0f);
      }
    for (int64_t z = 0; z < s_.z.kernel; ++z)
      for (int64_t y = 0; y < s_.y.kernel; ++y)
        for (int64_t x = 0; x < s_.x.kernel; ++x)
          for (int64_t i = 0; i < in_; ++i) *rows++ = z * slice + y * s_.y.dilation * row + x * s_.x.dilation * in_ + i;
    return box.rows;
  }

  const ConvShape& s_;
  const float *x_, *dy_;
  const int64_t in_, out_;
  const bool padded_;
  // Whether the rows of a tile are those of all adjacent taps, which have to exist.
  const bool joined_;
};

}  // namespace

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
  parallel_for_flushing(parts,
                        num_threads() == 1 ? parts : std::max<int64_t>(1, int64_t(8000 / std::max(part_time, 1.0))),
                        [&](int64_t begin, int64_t end) {
                          const int64_t size = (end - begin) * gradient.part_rows() * n;
                          float* const total = dw + begin * gradient.part_rows() * n;
                          for (int64_t l = 0; l < k; l += kSumBlock) {
                            float* const c = l == 0 ? total : scratch_of<float>(Scratch::gemm_parts, size);
                            gradient.block(l, std::min(kSumBlock, k - l), begin, end, c);
                            if (l > 0) kernels().add(total, total, c, size, 1, 1, nullptr);
                          }
                        });
}

}  // namespace fastdl
