// Convolutions in bfloat16, forward and the gradient of the input.
//
//     the kernel is packed into tiles                      once for each call, by all threads
//     for each task: a block of pixels                     one thread each
//       their inputs are rounded into planes               a part of L2 (conv_planes.h)
//       for each 32 channels of the output
//         for each 32 places
//           C[32, 32] = the sum over taps and channels     multiply
//           the pixels among the places are stored, with the bias
//       activation
//
// With few channels, the inputs of all taps along x are copied next to each other, so that a step of 32 is not mostly
// padding.
#include "cpu/conv_bf16.h"

#include <algorithm>
#include <cstring>

#include "core/parallel.h"
#include "core/scratch.h"
#include "core/subnormals.h"
#include "cpu/bf16.h"
#include "cpu/bf16/kernels.h"
#include "cpu/conv_planes.h"
#include "cpu/depthwise.h"
#include "cpu/gemm_bf16.h"

namespace fastdl {
namespace {

constexpr int64_t kPair = 2 * kBf16Strip;
constexpr int64_t kPlaces = 1024;                 // of a block
constexpr int64_t kMostBytes = int64_t(1) << 20;  // of its planes

int64_t round_up(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }

// The kernel as tiles: for each pair of strips of output channels, one run after another. A run is a tap and the
// channels, or a row of taps.
struct Weights {
  const float* w;
  const ConvShape& s;
  bool backward;
};

struct Correlation {
  Planes planes;
  int64_t images, channels_out;
  float* out;
  int64_t out_z, out_y, out_x;  // extents of the output
  const Epilogue* epilogue;     // null: none
  const RowSink* sink = nullptr;

  int64_t runs() const { return planes.z.taps.count * planes.y.taps.count * planes.taps_x(); }
  int64_t run_values() const { return planes.channels * (planes.joined ? planes.x.taps.count : 1); }
  int64_t place_values() const { return round_up(run_values(), kBf16Step); }
  int64_t steps() const { return place_values() / kBf16Step; }
  int64_t pair_values() const { return runs() * steps() * 2 * kBf16Tile; }
};

// Fewer than 32 channels take less padding with the taps along x next to each other.
bool joins(const Taps& x, int64_t channels) { return channels < kBf16Step && x.count > 1; }

Correlation forward(const ConvShape& s, const float* x, float* y, const Epilogue* epilogue, const RowSink* sink) {
  const Taps tx = forward_taps(s.x);
  return {{forward_taps(s.z), forward_taps(s.y), tx, joins(tx, s.channels_in), x, s.channels_in},
          s.batch * s.z.out,
          s.channels_out,
          y,
          s.z.out,
          s.y.out,
          s.x.out,
          epilogue,
          sink};
}

Correlation backward(const ConvShape& s, int64_t pz, int64_t py, int64_t px, const float* dy, float* dx) {
  const Taps tz = backward_taps(s.z, pz), tx = backward_taps(s.x, px);
  return {{tz, backward_taps(s.y, py), tx, joins(tx, s.channels_out), dy, s.channels_out},
          s.batch * tz.steps,
          s.channels_in,
          dx,
          s.z.in,
          s.y.in,
          s.x.in,
          nullptr};
}

int64_t packed_values(const Correlation& c) { return ceil_div(c.channels_out, kPair) * c.pair_values(); }

void pack(const Bf16Kernels& bf16, const Correlation& c, const Weights& weights, uint16_t* to) {
  const Planes& p = c.planes;
  const ConvShape& s = weights.s;
  const int64_t runs = c.runs(), pairs = ceil_div(c.channels_out, kPair), run = c.steps() * 2 * kBf16Tile;
  const int64_t taps = p.joined ? p.x.taps.count : 1, k = c.run_values();
  parallel_for_flushing(pairs * runs, grain_for(0.2 * double(k) * kPair), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t j = i / runs * kPair, n = std::min(kPair, c.channels_out - j), r = i % runs;
      const int64_t qx = p.joined ? 0 : r % p.taps_x(), q = r / p.taps_x();
      const int64_t zy = p.z.taps.place(q / p.y.taps.count) * s.y.kernel + p.y.taps.place(q % p.y.taps.count);
      const auto tap = [&](int64_t x) {
        return weights.w + (zy * s.x.kernel + p.x.taps.place(x)) * s.channels_in * s.channels_out;
      };
      if (!weights.backward) {
        // Joined taps are adjacent.
        bf16.pack_b(to + i * run, n, k, tap(qx) + j, s.channels_out, 0);
      } else if (taps == 1) {
        bf16.pack_b(to + i * run, n, k, tap(qx) + j * s.channels_out, s.channels_out, 1);
      } else {  // rows of k: the taps in reverse
        float* const rows = scratch_of<float>(Scratch::gemm_a, n * k);
        for (int64_t x = 0; x < taps; ++x)
          for (int64_t t = 0; t < n; ++t)
            std::memcpy(rows + t * k + x * p.channels, tap(x) + (j + t) * s.channels_out, size_t(p.channels) * 4);
        bf16.pack_b(to + i * run, n, k, rows, k, 1);
      }
    }
  });
}

// The planes of a block, [plane][place][values].
void round_planes(const Bf16Kernels& bf16, const Correlation& c, const PlaneBlock& b, uint16_t* to) {
  const Planes& p = c.planes;
  const Taps& x = p.x.taps;
  const int64_t values = c.place_values(), places = p.places(b), width = p.width(), each = p.channels;
  const auto clear = [&](uint16_t* at, int64_t count) { std::memset(at, 0, size_t(count * values) * 2); };
  for (int64_t plane = 0; plane < p.count(); ++plane)
    clear(to + (plane * places + p.places_of_rows(b)) * values, places - p.places_of_rows(b));
  p.for_rows(b, [&](int64_t plane, int64_t place, const float* row, int64_t px) {
    uint16_t* const at = to + (plane * places + place) * values;
    if (!row) return clear(at, width);
    if (!p.joined) {
      const Existing e = p.x.existing(px, width);
      clear(at, e.begin);
      bf16.round_rows(at + e.begin * values, values, row + e.input * each, x.stride * each, e.end - e.begin, each,
                      values);
      return clear(at + e.end * values, width - e.end);
    }
    for_spans(x, 0, width, [&](const Span& s) {
      uint16_t* const pixels = at + s.begin * values;
      if (s.last - s.first < x.count) clear(pixels, s.end - s.begin);
      const int64_t run = x.tap_step == 1 ? s.last - s.first : 1;  // adjacent taps
      for (int64_t q = s.first; q < s.last; q += run)
        bf16.round_rows(pixels + q * each, values, row + (s.begin * x.stride + x.tap(q)) * each, x.stride * each,
                        s.end - s.begin, run * each, q + run == x.count ? values - q * each : run * each);
    });
  });
}

// Stores the outputs among the places [first, first + kPair), which `sums` has, for n channels from j on. Pixel 0 is,
// or would be, at `base`.
void store_pixels(const Bf16Kernels& bf16, const Correlation& c, const PlaneBlock& b, float* base, int64_t first,
                  int64_t j, const float* sums) {
  const Planes& p = c.planes;
  const Taps &tz = p.z.taps, &ty = p.y.taps, &tx = p.x.taps;
  const int64_t width = p.width(), rows = p.rows(b), n = std::min(kPair, c.channels_out - j);
  const float* const bias = c.epilogue && c.epilogue->bias ? c.epilogue->bias + j : nullptr;
  int64_t line = first / width, x = first % width;
  for (int64_t i = 0; i < kPair && line < b.images * rows; ++line) {
    const int64_t count = std::min(tx.steps - x, kPair - i), image = line / rows, row = line % rows;
    if (count > 0 && row < b.rows) {
      const int64_t at = b.image + image, oz = tz.first + at % tz.steps * tz.step;
      const int64_t oy = ty.first + (b.row + row) * ty.step, ox = tx.first + x * tx.step;
      float* const to = base + (((at / tz.steps * c.out_z + oz) * c.out_y + oy) * c.out_x + ox) * c.channels_out + j;
      bf16.store_rows(to, tx.step * c.channels_out, sums + i * kPair, kPair, count, n, bias, 0);
    }
    i += width - x;
    x = 0;
  }
}

void correlate(const Bf16Kernels& bf16, const Correlation& c, const uint16_t* weights) {
  const Planes& p = c.planes;
  const Taps &ty = p.y.taps, &tx = p.x.taps;
  if (!c.images || !ty.steps || !tx.steps) return;
  const int64_t runs = c.runs(), values = c.place_values(), slack = (kPair + p.x.reach) * values;
  const int64_t place_bytes = std::max<int64_t>(p.count() * values * 2, 1);
  // Blocks do not change results, so there may be enough of them for all threads.
  const int64_t all = c.images * ty.steps * p.width(), each = num_threads() == 1 ? all : all / (4 * num_threads());
  const PlaneBlocks blocks(
      c.images, ty.steps, p.width(), p.y.reach,
      std::max<int64_t>(std::min({std::max(kPlaces, p.least_places()), kMostBytes / place_bytes, each}), kPair));
  parallel_for_flushing(blocks.count(), 1, [&](int64_t begin, int64_t end) {
    bf16.begin();
    for (int64_t t = begin; t < end; ++t) {
      const PlaneBlock b = blocks.at(t);
      const int64_t places = p.places(b), out = p.places_out(b);
      uint16_t* const in = scratch_of<uint16_t>(Scratch::conv_rows, p.count() * places * values + slack);
      if (runs) round_planes(bf16, c, b, in);
      int64_t* const shifts = scratch_of<int64_t>(Scratch::conv_runs, runs + 1);
      int64_t r = 0;
      for (int64_t qz = 0; qz < p.z.taps.count; ++qz)
        for (int64_t qy = 0; qy < ty.count; ++qy)
          for (int64_t qx = 0; qx < p.taps_x(); ++qx)
            shifts[r++] = (p.plane(qz, qy, qx) * places + p.shift(qy, qx)) * values;
      Bf16Product product = {
          in,     weights, values,   kBf16Step, kBf16Strip * values, c.steps() * kBf16Tile, 2 * c.steps() * kBf16Tile,
          shifts, runs,    c.steps()};
      const int64_t first = (b.image * ty.steps + b.row) * tx.steps, count = b.images * b.rows * tx.steps;
      float* const base = c.sink ? c.sink->place(first, count) - first * c.channels_out : c.out;
      alignas(64) float sums[kPair * kPair];
      for (int64_t j = 0; j < c.channels_out; j += kPair, product.b += c.pair_values())
        for (int64_t i = 0; i < out; i += kPair) {
          product.a = in + i * values;
          bf16.multiply(out - i > kBf16Strip ? 2 : 1, c.channels_out - j > kBf16Strip ? 2 : 1, product, sums, kPair, 0);
          store_pixels(bf16, c, b, base, i, j, sums);
        }
      if (const Epilogue* e = c.epilogue; e && e->activation) {
        float* const to = base + first * c.channels_out;
        e->activation(to, to, count * c.channels_out, e->parameters);
      }
      if (c.sink) c.sink->done(first, count);
    }
    bf16.end();
  });
}

template <class F>
void for_phases(const ConvShape& s, F f) {
  for (int64_t pz = 0; pz < std::min(s.z.stride, s.z.in); ++pz)
    for (int64_t py = 0; py < std::min(s.y.stride, s.y.in); ++py)
      for (int64_t px = 0; px < std::min(s.x.stride, s.x.in); ++px) f(pz, py, px);
}

}  // namespace

bool conv_in_bf16(const ConvShape& s) {
  constexpr int64_t kFewest = 16;  // channels, and pixels of an image
  const int64_t pixels = s.z.out * s.y.out * s.x.out, taps = s.z.kernel * s.y.kernel * s.x.kernel;
  return s.groups == 1 && std::min({s.channels_in, s.channels_out, pixels}) >= kFewest &&
         double(pixels) * double(taps) * double(s.channels_in) * double(s.channels_out) >= 1 << 16 &&
         bf16_instructions();
}

int64_t conv_bf16_bytes(const ConvShape& s) {
  return packed_values(forward(s, nullptr, nullptr, nullptr, nullptr)) * 2;
}
void conv_bf16(const ConvShape& s, const float* x, const float* w, float* y, const Epilogue& epilogue,
               const RowSink* rows, void* memory) {
  const Bf16Kernels& bf16 = *bf16_kernels();
  const Correlation c = forward(s, x, y, &epilogue, rows);
  pack(bf16, c, {w, s, false}, static_cast<uint16_t*>(memory));
  correlate(bf16, c, static_cast<const uint16_t*>(memory));
}

bool conv_input_bf16_reports_rows(const ConvShape& s) { return s.z.stride * s.y.stride * s.x.stride == 1; }
int64_t conv_input_bf16_bytes(const ConvShape& s) {
  int64_t most = 0;
  for_phases(s, [&](int64_t pz, int64_t py, int64_t px) {
    most = std::max(most, packed_values(backward(s, pz, py, px, nullptr, nullptr)));
  });
  return most * 2;
}
void conv_input_bf16(const ConvShape& s, const float* dy, const float* w, float* dx, const RowSink* rows,
                     void* memory) {
  const Bf16Kernels& bf16 = *bf16_kernels();
  for_phases(s, [&](int64_t pz, int64_t py, int64_t px) {
    Correlation c = backward(s, pz, py, px, dy, dx);
    c.sink = rows;
    pack(bf16, c, {w, s, true}, static_cast<uint16_t*>(memory));
    correlate(bf16, c, static_cast<const uint16_t*>(memory));
  });
}

}  // namespace fastdl
