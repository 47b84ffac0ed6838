// The gradient of a convolution's kernel in bfloat16: a product of matrices whose sums go over the pixels of outputs.
//
//     for each task: some blocks of pixels, some channels of x           one thread each
//       for each block
//         x is rounded into planes with a row for each channel, dy into tiles; places without an output are zeros
//         for each 32 columns (channels of dy)
//           for each 32 channels of x
//             for each part of the places, for each tap      they remain in L1 for all taps
//               C[tap][32, 32] += A B                        multiply
//             the sums of the block are added to the task's matrix
//     the matrices of the tasks are added in order
//
// How pixels are divided into blocks, and blocks into tasks with a matrix of their own, depends on the shape alone.
#include <algorithm>
#include <cstring>

#include "core/parallel.h"
#include "core/scratch.h"
#include "core/subnormals.h"
#include "cpu/bf16.h"
#include "cpu/bf16/kernels.h"
#include "cpu/conv_bf16.h"
#include "cpu/conv_planes.h"
#include "cpu/isa.h"

namespace fastdl {
namespace {

constexpr int64_t kPair = 2 * kBf16Strip;
constexpr int64_t kPlaces = 2048;                  // of a block
constexpr int64_t kPart = 8;                       // steps of 32 places: with those of A, B takes 32 KiB
constexpr int64_t kMostSums = 16;                  // matrices
constexpr int64_t kMostFloats = int64_t(1) << 21;  // in all of them

class KernelGradient {
 public:
  KernelGradient(const ConvShape& s, const float* x, const float* dy)
      : s_(s),
        planes_(forward_taps(s.z), forward_taps(s.y), forward_taps(s.x), false, x, s.channels_in),
        blocks_(s.batch * s.z.out, s.y.out, planes_.width(), planes_.y.reach,
                std::max(kPlaces, planes_.least_places())),
        dy_(dy) {
    const int64_t most = std::min({kMostFloats / size(), kMostSums, blocks_.count()});
    while (2 * sums_ <= most) sums_ *= 2;
  }

  int64_t taps() const { return s_.z.kernel * s_.y.kernel * s_.x.kernel; }
  int64_t size() const { return taps() * s_.channels_in * s_.channels_out; }
  int64_t sums() const { return sums_; }

  // The sum of the blocks that belong to matrix `sum`, for channels [first, last) of x.
  void add_blocks(const Bf16Kernels& bf16, int64_t sum, int64_t first, int64_t last, float* to) const {
    const int64_t begin = sum * blocks_.count() / sums_, end = (sum + 1) * blocks_.count() / sums_;
    for (int64_t t = begin; t < end; ++t) block(bf16, blocks_.at(t), first, last, to, t > begin);
  }

 private:
  void block(const Bf16Kernels& bf16, const PlaneBlock& b, int64_t first, int64_t last, float* to, bool add) const {
    const Planes& p = planes_;
    const int64_t places = p.places(b), steps = ceil_div(p.places_out(b), kBf16Step), channels = last - first;
    // A row of A is longer than its places by the reach of the taps from the last step on. Rows begin in different sets
    // of the cache.
    int64_t row = ceil_div(places + p.x.reach, kBf16Step) * kBf16Step + kBf16Step;
    if (row / kBf16Step % 2 == 0) row += kBf16Step;
    const int64_t plane = ceil_div(channels, kBf16Strip) * kBf16Strip * row;
    uint16_t* const a = scratch_of<uint16_t>(Scratch::conv_rows, p.count() * plane);
    const int64_t pairs = ceil_div(s_.channels_out, kPair), strip = steps * kBf16Tile;
    uint16_t* const tiles = scratch_of<uint16_t>(Scratch::gemm_b, pairs * 2 * strip);
    const float** const list = scratch_of<const float*>(Scratch::conv_segments, row);
    list_outputs(b, steps * kBf16Step, list);
    bf16.pack_listed(tiles, list, steps * kBf16Step, s_.channels_out);
    transpose_planes(bf16, b, first, channels, row, plane, list, a);
    float* const sums = scratch_of<float>(Scratch::gemm_sums, taps() * kPair * kPair);
    int64_t* const tap_at = scratch_of<int64_t>(Scratch::conv_runs, taps());
    int64_t tap = 0;
    for (int64_t qz = 0; qz < s_.z.kernel; ++qz)
      for (int64_t qy = 0; qy < s_.y.kernel; ++qy)
        for (int64_t qx = 0; qx < s_.x.kernel; ++qx) tap_at[tap++] = p.plane(qz, qy, qx) * plane + p.shift(qy, qx);
    for (int64_t j = 0; j < s_.channels_out; j += kPair)
      for (int64_t i = 0; i < channels; i += kPair) {
        const int64_t n = std::min(kPair, s_.channels_out - j), m = std::min(kPair, channels - i);
        // A last strip of channels takes two taps at a time instead of two strips.
        const int64_t at_a_time = m > kBf16Strip ? 1 : 2, size = kPair / at_a_time * kPair;
        for (int64_t step = 0; step < steps; step += kPart) {
          constexpr int64_t kStart = 0;
          Bf16Product product = {nullptr,
                                 tiles + j / kBf16Strip * strip + step * kBf16Tile,
                                 row,
                                 kBf16Step,
                                 kBf16Strip * row,
                                 strip,
                                 0,
                                 &kStart,
                                 1,
                                 std::min(kPart, steps - step)};
          for (int64_t t = 0; t < taps(); t += at_a_time) {
            const bool two = at_a_time == 1 || t + 1 < taps();
            if (at_a_time == 2 && two) product.a_strip = tap_at[t + 1] - tap_at[t];
            product.a = a + tap_at[t] + i * row + step * kBf16Step;
            bf16.multiply(two ? 2 : 1, n > kBf16Strip ? 2 : 1, product, sums + t * size, kPair, step > 0);
          }
        }
        for (int64_t t = 0; t < taps(); ++t)
          bf16.store_rows(to + (t * s_.channels_in + first + i) * s_.channels_out + j, s_.channels_out, sums + t * size,
                          kPair, m, n, nullptr, add);
      }
  }

  // The pixel of dy at each place.
  void list_outputs(const PlaneBlock& b, int64_t count, const float** list) const {
    std::fill_n(list, count, nullptr);
    for (int64_t i = 0; i < b.images; ++i)
      for (int64_t r = 0; r < b.rows; ++r) {
        const float* from = dy_ + ((b.image + i) * s_.y.out + b.row + r) * s_.x.out * s_.channels_out;
        const float** const at = list + (i * planes_.rows(b) + r) * planes_.width();
        for (int64_t x = 0; x < s_.x.out; ++x, from += s_.channels_out) at[x] = from;
      }
  }

  void transpose_planes(const Bf16Kernels& bf16, const PlaneBlock& b, int64_t first, int64_t channels, int64_t row,
                        int64_t plane, const float** list, uint16_t* to) const {
    const Planes& p = planes_;
    const int64_t rows_end = p.places_of_rows(b), last = rows_end - p.width();
    p.for_rows(b, [&](int64_t which, int64_t place, const float* from, int64_t px) {
      std::fill_n(list + place, p.width(), nullptr);
      if (from) {
        const Existing e = p.x.existing(px, p.width());
        const float* pixel = from + e.input * s_.channels_in + first;
        for (int64_t i = e.begin; i < e.end; ++i, pixel += p.x.taps.stride * s_.channels_in) list[place + i] = pixel;
      }
      if (place < last) return;
      std::fill(list + rows_end, list + row, nullptr);
      bf16.transpose_listed(to + which * plane, row, list, row, channels);
    });
  }

  const ConvShape& s_;
  const Planes planes_;
  const PlaneBlocks blocks_;
  const float* dy_;
  int64_t sums_ = 1;
};

}  // namespace

bool conv_kernel_in_bf16(const ConvShape& s) {
  constexpr int64_t kFewest = 64;  // pixels
  return conv_in_bf16(s) && s.batch * s.z.out * s.y.out * s.x.out >= kFewest;
}

int64_t conv_kernel_bf16_bytes(const ConvShape& s) {
  const KernelGradient gradient(s, nullptr, nullptr);
  return (gradient.sums() - 1) * gradient.size() * int64_t(sizeof(float));
}

void conv_kernel_bf16(const ConvShape& s, const float* x, const float* dy, float* dw, void* memory) {
  const Bf16Kernels& bf16 = *bf16_kernels();
  const KernelGradient gradient(s, x, dy);
  const int64_t size = gradient.size(), sums = gradient.sums();
  if (s.batch == 0) {
    std::fill_n(dw, size, 0.0f);
    return;
  }
  float* const others = static_cast<float*>(memory);
  // Parts of the channels do not change results.
  const int64_t pairs = ceil_div(s.channels_in, kPair), wanted = ceil_div(int64_t(num_threads()), sums);
  const int64_t each = ceil_div(pairs, std::min(pairs, wanted)), parts = ceil_div(pairs, each);
  parallel_for_flushing(sums * parts, 1, [&](int64_t begin, int64_t end) {
    bf16.begin();
    for (int64_t t = begin; t < end; ++t) {
      const int64_t sum = t / parts, first = t % parts * each * kPair;
      gradient.add_blocks(bf16, sum, first, std::min(s.channels_in, first + each * kPair),
                          sum == 0 ? dw : others + (sum - 1) * size);
    }
    bf16.end();
  });
  if (sums == 1) return;
  parallel_for_flushing(size, grain_for(0.1 * double(sums)), [&](int64_t begin, int64_t end) {
    for (int64_t i = 0; i + 1 < sums; ++i)
      kernels().add(dw + begin, dw + begin, others + i * size + begin, end - begin, 1, 1, nullptr);
  });
}

}  // namespace fastdl
