// Where pixels lie for convolutions in bfloat16.
//
// A block is some rows of one image, or some whole images. Its inputs are copied, rounded, into planes: one for each
// tap along z, and for each phase of the strides that taps along y and x meet. In a plane, the inputs of neighbouring
// outputs are neighbours, and a tap is a distance:
//
//     place of output (image, row, x) = (image * rows of the plane + row) * width + x
//     its input for a tap is at place + shift(tap)
//
// A plane is wider than the output by the reach of the taps, less the zeros that the end of a row and the begin of the
// next one share. Likewise the rows of whole images. Places without an input hold zeros; the outputs at places that
// have none are computed and dropped.
#pragma once
#include <stdint.h>

#include <algorithm>
#include <numeric>

#include "cpu/conv_taps.h"

namespace fastdl {

// The places of a line of a plane whose inputs exist: [begin, end), from an input on.
struct Existing {
  int64_t begin, end, input;
};

// One axis. Inputs t stride + tap(q) of the phase of tap q are the places t + shift(q) of its plane.
struct PlaneAxis {
  Taps taps;
  int64_t phases = 0, period = 1, lowest = 0, reach = 0;

  explicit PlaneAxis(const Taps& t) : taps(t) {
    if (t.count == 0) return;
    period = t.stride / std::gcd(t.stride, t.tap_step);
    phases = std::min(t.count, period);
    lowest = floor_div(t.tap(0), t.stride);
    reach = floor_div(t.tap(t.count - 1), t.stride) - lowest;
  }
  int64_t phase(int64_t q) const { return q % period; }
  int64_t shift(int64_t q) const { return floor_div(taps.tap(q), taps.stride) - lowest; }
  // The input at a place of the plane of a phase; it need not exist.
  int64_t input(int64_t phase, int64_t place) const {
    const int64_t first = taps.tap(phase) - floor_div(taps.tap(phase), taps.stride) * taps.stride;
    return (lowest + place) * taps.stride + first;
  }
  Existing existing(int64_t phase, int64_t places) const {
    const int64_t first = input(phase, 0);
    const int64_t begin = std::clamp<int64_t>(ceil_div(-first, taps.stride), 0, places);
    const int64_t end = std::clamp<int64_t>(floor_div(taps.in - 1 - first, taps.stride) + 1, begin, places);
    return {begin, end, first + begin * taps.stride};
  }
  // Zeros at the begin of each line that may be those at the end of the line before.
  int64_t shared() const {
    int64_t least = phases ? reach : 0;
    for (int64_t i = 0; i < phases; ++i) {
      const Existing e = existing(i, taps.steps + reach);
      least = std::min({least, e.begin, taps.steps + reach - e.end});
    }
    return least;
  }
};

// Images [image, image + images) and of each the rows [row, row + rows) of outputs. An image is a slice along z.
struct PlaneBlock {
  int64_t image, images, row, rows;
};

// How outputs are cut into blocks of about `places` places, without those that their inputs take beyond.
struct PlaneBlocks {
  int64_t images, rows_all, images_each, rows_each;  // of a block: some rows, or some images

  PlaneBlocks(int64_t all_images, int64_t all_rows, int64_t row_places, int64_t reach, int64_t places)
      : images(all_images), rows_all(all_rows) {
    const int64_t rows =
        std::clamp<int64_t>(places / std::max<int64_t>(row_places, 1), 1, std::max<int64_t>(rows_all, 1));
    const int64_t parts = std::max<int64_t>(1, ceil_div(rows_all, rows));
    rows_each = ceil_div(rows_all, parts);
    images_each = parts > 1 ? 1 : std::max<int64_t>(1, std::min(images, places / ((rows_all + reach) * row_places)));
  }
  int64_t parts() const { return ceil_div(rows_all, rows_each); }
  int64_t count() const { return ceil_div(images, images_each) * parts(); }
  PlaneBlock at(int64_t i) const {
    const int64_t image = i / parts() * images_each, row = i % parts() * rows_each;
    return {image, std::min(images_each, images - image), row, std::min(rows_each, rows_all - row)};
  }
};

// The planes of a correlation. If its taps along x are joined, the inputs of all of them belong to a place.
struct Planes {
  PlaneAxis z, y, x;
  bool joined;
  const float* in;
  int64_t channels;
  int64_t shared_x, shared_y;

  Planes(const Taps& tz, const Taps& ty, const Taps& tx, bool joined, const float* in, int64_t channels)
      : z(tz),
        y(ty),
        x(tx),
        joined(joined),
        in(in),
        channels(channels),
        shared_x(joined ? 0 : x.shared()),
        shared_y(y.shared()) {}

  int64_t planes_x() const { return joined ? 1 : x.phases; }
  int64_t taps_x() const { return joined ? 1 : x.taps.count; }
  int64_t count() const { return x.taps.count ? z.taps.count * y.phases * planes_x() : 0; }
  // Fewer rows than these would have their inputs rounded too often.
  int64_t least_places() const { return 2 * y.reach * width(); }
  int64_t width() const { return x.taps.steps + (joined ? 0 : x.reach - shared_x); }
  int64_t shared_rows(const PlaneBlock& b) const { return b.rows == y.taps.steps ? shared_y : 0; }
  int64_t rows(const PlaneBlock& b) const { return b.rows + y.reach - shared_rows(b); }
  // Places of a plane: its rows, and the zeros that the last one would share.
  int64_t places_of_rows(const PlaneBlock& b) const { return b.images * rows(b) * width(); }
  int64_t places(const PlaneBlock& b) const { return places_of_rows(b) + shared_rows(b) * width() + shared_x; }
  // The places whose outputs may exist.
  int64_t places_out(const PlaneBlock& b) const { return places_of_rows(b) - (rows(b) - b.rows) * width(); }
  int64_t plane(int64_t qz, int64_t qy, int64_t qx) const {
    return (qz * y.phases + y.phase(qy)) * planes_x() + (joined ? 0 : x.phase(qx));
  }
  int64_t shift(int64_t qy, int64_t qx) const { return y.shift(qy) * width() + (joined ? 0 : x.shift(qx)); }

  // Calls f(plane, place, row of the input) for each row of each plane; the row is null if it does not exist.
  template <class F>
  void for_rows(const PlaneBlock& b, F f) const {
    for (int64_t qz = 0; qz < z.taps.count; ++qz)
      for (int64_t py = 0; py < y.phases; ++py)
        for (int64_t px = 0; px < planes_x(); ++px)
          for (int64_t i = 0; i < b.images; ++i)
            for (int64_t r = 0; r < rows(b); ++r) {
              const int64_t n = (b.image + i) / z.taps.steps, tz = (b.image + i) % z.taps.steps;
              const int64_t iz = tz * z.taps.stride + z.taps.tap(qz), iy = y.input(py, b.row + r);
              const bool exists = iz >= 0 && iz < z.taps.in && iy >= 0 && iy < y.taps.in;
              f((qz * y.phases + py) * planes_x() + px, (i * rows(b) + r) * width(),
                exists ? in + ((n * z.taps.in + iz) * y.taps.in + iy) * x.taps.in * channels : nullptr, px);
            }
  }
};

}  // namespace fastdl
