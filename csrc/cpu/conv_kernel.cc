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
    float* const columns = scratch_of<float>(Scratch::gemm_b, step * panel);
    ConvSegment* const segments = scratch_of<ConvSegment>(Scratch::conv_segments, step / s_.x.out + 2);
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
            g.segments = segments;
            g.count = segments_of(at, pixels, q / s_.y.kernel, q % s_.y.kernel, qx, copies, top,
                                  in_place ? from : columns, g.b_row, segments);
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

  // How many segments there are.
  int64_t segments_of(int64_t begin, int64_t count, int64_t z, int64_t y, int64_t qx, const float* copies, int64_t top,
                      const float* columns, int64_t panel, ConvSegment* found) const {
    int64_t segments = 0;
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
        found[segments++] = {a, columns + (row * s_.x.out + first - begin) * panel, last - first};
      }
      at += s_.x.out - ox;
    }
    return segments;
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
    float* copies = scratch_of<float>(Scratch::conv_rows, rows * row);
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
