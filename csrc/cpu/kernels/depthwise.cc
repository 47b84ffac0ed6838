// Depthwise convolutions, the part that differs per ISA (driver: cpu/depthwise.cc). A vector holds channels of one
// pixel. Of two factors one comes from a register and the other from memory, so multiply-adds wait for no load.
#include "cpu/conv_row.h"
#include "cpu/kernels/declare.h"
#include "cpu/simd/loops.h"

namespace fastdl::FASTDL_ISA_NS {
namespace {

// --- outputs: the accumulators are those of some pixels

// Two vectors of channels of some pixels are more than the latency of multiply-adds on two ports takes.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kPixels = 8;
#else
constexpr int kPixels = 6;
#endif

// P pixels, `step` floats apart, and V vectors of channels from c on.
template <int P, int V, class At>
FASTDL_INLINE void some_pixels(const DepthwisePixels& g, int64_t c, At at, int64_t x_offset, int64_t step, float* y,
                               int64_t y_step) {
  vf acc[P][V] = {};
  for (const DepthwiseTap* tap = g.taps; tap < g.taps + g.count; ++tap) {
    vf w[V];
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) w[v] = at.load(tap->w + c + v * kLanes);
    const float* x = tap->x + x_offset + c;
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p, x += step)
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) acc[p][v] = fma(at.load(x + v * kLanes), w[v], acc[p][v]);
  }
  float* to = y + c;
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p, to += y_step)
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v)
      at.store(to + v * kLanes, g.bias ? acc[p][v] + at.load(g.bias + c + v * kLanes) : acc[p][v]);
}

template <int P>
FASTDL_INLINE void pixels_of(int64_t count, const DepthwisePixels& g, int64_t x_offset, int64_t step, float* y,
                             int64_t y_step) {
  if (count == P) {
    int64_t c = 0;
    for (; c + 2 * kLanes <= g.channels; c += 2 * kLanes) some_pixels<P, 2>(g, c, Full{}, x_offset, step, y, y_step);
    if (c + kLanes <= g.channels) {
      some_pixels<P, 1>(g, c, Full{}, x_offset, step, y, y_step);
      c += kLanes;
    }
    if (c < g.channels) some_pixels<P, 1>(g, c, Part{g.channels - c}, x_offset, step, y, y_step);
    return;
  }
  if constexpr (P > 1) pixels_of<P - 1>(count, g, x_offset, step, y, y_step);
}

// --- gradients of the kernel: the accumulators are those of R x Q taps and of V vectors of channels

template <int R, int Q, int V, class At>
FASTDL_INLINE void some_taps(const DepthwiseGradient& g, int64_t row, int64_t c, At at) {
  float* const dw = g.dw + row * g.dw_tap_row + c;
  vf acc[R][Q][V];
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int q = 0; q < Q; ++q)
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) acc[r][q][v] = at.load(dw + r * g.dw_tap_row + q * g.dw_tap_column + v * kLanes);
  for (int64_t n = 0; n < g.images; ++n)
    for (int64_t i = 0; i < g.rows; ++i) {
      const float* x = g.x + n * g.x_image + i * g.x_row + row * g.x_tap_row + c;
      const float* dy = g.dy + n * g.dy_image + i * g.dy_row + c;
      for (int64_t p = 0; p < g.pixels; ++p, x += g.x_pixel, dy += g.dy_pixel) {
        vf d[V];
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) d[v] = at.load(dy + v * kLanes);
#pragma GCC unroll 4
        for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
          for (int q = 0; q < Q; ++q)
#pragma GCC unroll 4
            for (int v = 0; v < V; ++v)
              acc[r][q][v] = fma(at.load(x + r * g.x_tap_row + q * g.x_tap_column + v * kLanes), d[v], acc[r][q][v]);
      }
    }
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int q = 0; q < Q; ++q)
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) at.store(dw + r * g.dw_tap_row + q * g.dw_tap_column + v * kLanes, acc[r][q][v]);
}

constexpr int kTapColumns = 4;

// Many channels: one row of taps at a time, so that several lines of a pixel are read in order. Few: all rows.
template <int Q>
FASTDL_INLINE void taps_of(const DepthwiseGradient& g) {
  if (g.tap_columns == Q) {
    constexpr int kWide = kPixels == 8 ? 4 : 2;
    int64_t c = 0;
    for (; c + kWide * kLanes <= g.channels; c += kWide * kLanes)
      for (int64_t r = 0; r < g.tap_rows; ++r) some_taps<1, Q, kWide>(g, r, c, Full{});
    const auto rest = [&](auto at) __attribute__((always_inline)) {
      int64_t r = 0;
      for (; r + 3 <= g.tap_rows; r += 3) some_taps<3, Q, 1>(g, r, c, at);
      for (; r < g.tap_rows; ++r) some_taps<1, Q, 1>(g, r, c, at);
    };
    for (; c + kLanes <= g.channels; c += kLanes) rest(Full{});
    if (c < g.channels) rest(Part{g.channels - c});
    return;
  }
  if constexpr (Q > 1) taps_of<Q - 1>(g);
}

}  // namespace

void depthwise_pixels(const DepthwisePixels& g) {
  // Tiles lie along the longer side.
  const bool along = g.pixels >= g.rows;
  const int64_t lines = along ? g.rows : g.pixels, length = along ? g.pixels : g.rows;
  const int64_t step = along ? g.x_pixel : g.x_row, y_step = along ? g.y_pixel : g.y_row;
  const int64_t x_line = along ? g.x_row : g.x_pixel, y_line = along ? g.y_row : g.y_pixel;
  // Tiles differ by at most one pixel.
  const int64_t tiles = (length + kPixels - 1) / kPixels, each = length / tiles, more = length % tiles;
  for (int64_t l = 0; l < lines; ++l) {
    int64_t x = l * x_line;
    float* y = g.y + l * y_line;
    for (int64_t t = 0; t < tiles; ++t) {
      const int64_t count = each + (t < more);
      pixels_of<kPixels>(count, g, x, step, y, y_step);
      x += count * step;
      y += count * y_step;
    }
  }
}

int depthwise_gradient_columns() { return kTapColumns; }
void depthwise_gradient(const DepthwiseGradient& g) { taps_of<kTapColumns>(g); }

}  // namespace fastdl::FASTDL_ISA_NS
