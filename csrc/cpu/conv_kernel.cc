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
        patches_(s.groups == 1 && in_ < 16),
        joined_(s.groups == 1 && s.x.dilation == 1 && s.x.low == 0 &&
                (s.x.out - 1) * s.x.stride + s.x.kernel <= s.x.in) {}

  int64_t rows() const { return s_.z.kernel * s_.y.kernel * s_.x.kernel * in_; }
  int64_t pixels() const { return s_.batch * s_.z.out * s_.y.out * s_.x.out; }
  // Taps whose rows are computed together.
  int64_t parts() const {
    return patches_ && rows() <= kPatch ? 1 : s_.z.kernel * s_.y.kernel * (patches_ || joined_ ? 1 : s_.x.kernel);
  }
  int64_t part_rows() const { return rows() / parts(); }

  // The sum over pixels [begin, begin + count) for rows of the parts [first, last), whose first row is at c. It is one
  // chain for each element. Pixels and channels that one panel of columns needs lie in L1.
  void block(int64_t begin, int64_t count, int64_t first_part, int64_t last_part, float* c) const {
    const KernelTable& isa = kernels();
    const int64_t panel = 2 * isa.lanes, tall = part_rows(), step = 24 * 1024 / 4 / panel;
    const bool in_place = s_.channels_out <= panel;
    float* const columns = scratch_of<float>(Scratch::gemm_b, in_place ? 0 : step * ceil_div(out_, panel) * panel);
    float* const patches = scratch_of<float>(Scratch::conv_rows, patches_ ? step * tall : 0);
    ConvSegment* const segments = scratch_of<ConvSegment>(Scratch::conv_segments, step / s_.x.out + 2);
    ConvRow g = {};
    g.segments = segments;
    g.a_row = 1;
    g.a_col = patches_ ? tall : s_.x.stride * s_.channels_in;
    g.b_row = in_place ? s_.channels_out : panel;
    g.c_row = g.start_row = s_.channels_out;
    for (int64_t done = 0; done < count; done += step) {
      const int64_t at = begin + done, pixels = std::min(step, count - done);
      for (int64_t group = 0; group < s_.groups; ++group) {
        const float* const dy = dy_ + at * s_.channels_out + group * out_;
        if (!in_place) isa.gemm_pack(columns, pixels, out_, dy, s_.channels_out, 0, panel);
        const float* const b = in_place ? dy : columns;
        for (int64_t part = first_part; part < last_part; ++part) {
          g.count = patches_ ? 1 : segments_of(at, pixels, part, b, g.b_row, segments);
          if (patches_) copy_patches(at, pixels, part, patches), segments[0] = {patches, b, pixels};
          for (int64_t j = 0; j < out_; j += panel) {
            g.n = std::min(panel, out_ - j);
            g.b_offset = in_place ? 0 : j * pixels;
            const int64_t tiles = ceil_div(tall, isa.conv_tile_rows(g.n));
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
  }

 private:
  static constexpr int64_t kPatch = 128;  // floats of a patch that is not cut into rows

  // A row of outputs, of all images.
  struct Row {
    int64_t n, z, y;
    void next(const ConvShape& s) {
      if (++y < s.y.out) return;
      y = 0;
      if (++z < s.z.out) return;
      z = 0;
      ++n;
    }
  };
  Row row_at(int64_t row) const { return {row / s_.y.out / s_.z.out, row / s_.y.out % s_.z.out, row % s_.y.out}; }
  // Row of the input that a row of outputs meets at taps z and y; null outside.
  const float* input_row(const Row& o, int64_t z, int64_t y) const {
    const int64_t iz = o.z * s_.z.stride - s_.z.low + z * s_.z.dilation;
    const int64_t iy = o.y * s_.y.stride - s_.y.low + y * s_.y.dilation;
    if (iz < 0 || iz >= s_.z.in || iy < 0 || iy >= s_.y.in) return nullptr;
    return x_ + ((o.n * s_.z.in + iz) * s_.y.in + iy) * s_.x.in * s_.channels_in;
  }
  // Calls f(row, first, last, pixel) for the rows of outputs [begin, begin + count): the pixels of each row, and how
  // many come before.
  template <class F>
  void for_rows(int64_t begin, int64_t count, F f) const {
    Row row = row_at(begin / s_.x.out);
    int64_t first = begin % s_.x.out;
    for (int64_t done = 0; done < count; row.next(s_), first = 0) {
      const int64_t last = std::min(s_.x.out, first + count - done);
      f(row, first, last, done);
      done += last - first;
    }
  }

  // The outputs of each row whose input at this tap exists, and their inputs. Returns how many segments there are.
  int64_t segments_of(int64_t begin, int64_t count, int64_t part, const float* b, int64_t b_row,
                      ConvSegment* found) const {
    const int64_t qx = joined_ ? 0 : part % s_.x.kernel, q = joined_ ? part : part / s_.x.kernel;
    const int64_t shift = s_.x.low - qx * s_.x.dilation;  // input o stride - shift
    const int64_t low = std::max<int64_t>(0, ceil_div(shift, s_.x.stride));
    const int64_t high = std::min(s_.x.out, floor_div(s_.x.in - 1 + shift, s_.x.stride) + 1);
    int64_t segments = 0;
    for_rows(begin, count, [&](const Row& row, int64_t first, int64_t last, int64_t pixel) {
      const int64_t from = std::max(first, low), to = std::min(last, high);
      const float* input = input_row(row, q / s_.y.kernel, q % s_.y.kernel);
      if (!input || from >= to) return;
      found[segments++] = {input + (from * s_.x.stride - shift) * s_.channels_in, b + (pixel + from - first) * b_row,
                           to - from};
    });
    return segments;
  }

  // Few channels are copied next to those of the other taps of a part, so that tiles are high and segments long.
  void copy_patches(int64_t begin, int64_t count, int64_t part, float* to) const {
    const KernelTable& isa = kernels();
    const Taps x = forward_taps(s_.x);
    const int64_t taps = s_.z.kernel * s_.y.kernel, row_floats = s_.x.kernel * in_, width = part_rows();
    const int64_t first_tap = parts() == 1 ? 0 : part, last_tap = parts() == 1 ? taps : part + 1;
    for_rows(begin, count, [&](const Row& row, int64_t first, int64_t last, int64_t pixel) {
      for (int64_t tap = first_tap; tap < last_tap; ++tap) {
        float* const patch = to + (pixel - first) * width + (tap - first_tap) * row_floats;
        const float* input = input_row(row, tap / s_.y.kernel, tap % s_.y.kernel);
        for_spans(x, first, last, [&](const Span& s) {
          const int64_t from = input ? s.first : 0, end = input ? s.last : 0;
          float* const at = patch + s.begin * width;
          if (end - from < x.count)
            for (int64_t o = 0; o < s.end - s.begin; ++o) std::fill_n(at + o * width, row_floats, 0.0f);
          const int64_t each = x.tap_step == 1 ? end - from : 1;  // adjacent taps
          for (int64_t q = from; q < end; q += each)
            isa.copy_rows(at + q * in_, width, input + (s.begin * x.stride + x.tap(q)) * in_, x.stride * in_,
                          s.end - s.begin, each * in_);
        });
      }
    });
  }

  const ConvShape& s_;
  const float *x_, *dy_;
  const int64_t in_, out_;
  const bool patches_;
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
