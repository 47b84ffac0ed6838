// Convolutions of random shapes and their gradients, compared with plain loops. The numbers are small integers, so that
// every sum is exact. Operands and results end before protected pages.
#include <atomic>

#include "check.h"
#include "core/parallel.h"
#include "core/scratch.h"
#include "cpu/conv.h"
#include "matrices.h"
#include "sample.h"

using namespace fastdl;

namespace {

enum class Kind { depthwise, multiplied, general, few_channels, groups, count };

struct Draw : test::Random {
  int64_t from(int64_t least, int64_t most) { return least + below(most - least + 1); }
  void fill(test::Guarded<float>& of, int64_t n) {
    for (int64_t i = 0; i < n; ++i) of.data()[i] = float(from(-8, 8));
  }
};

ConvAxis random_axis(Draw& r, int64_t most, int64_t most_taps) {
  ConvAxis a;
  a.kernel = r.from(1, most_taps);
  a.stride = r.from(1, 3);
  a.dilation = r.from(1, 2);
  a.low = r.from(0, 3);
  a.in = r.from(1, most);
  const int64_t reach = (a.kernel - 1) * a.dilation + 1, padded = std::max(a.in + a.low + r.from(0, 3), reach);
  a.out = (padded - reach) / a.stride + 1;
  return a;
}

ConvShape random_shape(Draw& r) {
  const Kind kind = Kind(r.below(int64_t(Kind::count)));
  const bool depthwise = kind == Kind::depthwise || kind == Kind::multiplied;
  const int64_t groups = depthwise ? r.from(2, 70) : kind == Kind::groups ? r.from(2, 4) : 1;
  const int64_t in = depthwise ? 1 : r.from(1, kind == Kind::few_channels ? 4 : 70);
  const int64_t out = kind == Kind::depthwise ? 1 : kind == Kind::multiplied ? r.from(2, 3) : r.from(1, 70);
  ConvShape s = {r.from(1, 5), groups * in, groups * out, groups, {}, {}, {}};
  const int64_t rank = r.from(1, 3);
  if (r.below(6) == 0) {  // one tap that meets every pixel
    s.y.in = s.y.out = r.from(1, 12);
    s.x.in = s.x.out = r.from(1, 30);
    return s;
  }
  s.x = random_axis(r, 30, 5);
  if (rank > 1) s.y = random_axis(r, rank == 3 ? 5 : 12, 5);
  if (rank > 2) s.z = random_axis(r, 5, 2);
  return s;
}

// f(x, w, y) with the index of each product's factors and of its sum.
template <class F>
void each_product(const ConvShape& s, F f) {
  const int64_t in = s.channels_in / s.groups, out = s.channels_out / s.groups;
  const auto each_axis = [](const ConvAxis& a, auto body) {  // body(output, tap, input)
    for (int64_t o = 0; o < a.out; ++o)
      for (int64_t q = 0; q < a.kernel; ++q)
        if (const int64_t i = o * a.stride - a.low + q * a.dilation; i >= 0 && i < a.in) body(o, q, i);
  };
  for (int64_t n = 0; n < s.batch; ++n)
    each_axis(s.z, [&](int64_t oz, int64_t qz, int64_t iz) {
      each_axis(s.y, [&](int64_t oy, int64_t qy, int64_t iy) {
        each_axis(s.x, [&](int64_t ox, int64_t qx, int64_t ix) {
          const int64_t x = (((n * s.z.in + iz) * s.y.in + iy) * s.x.in + ix) * s.channels_in;
          const int64_t y = (((n * s.z.out + oz) * s.y.out + oy) * s.x.out + ox) * s.channels_out;
          const int64_t w = ((qz * s.y.kernel + qy) * s.x.kernel + qx) * in * s.channels_out;
          for (int64_t k = 0; k < s.channels_out; ++k)
            for (int64_t c = 0; c < in; ++c) f(x + k / out * in + c, w + c * s.channels_out + k, y + k);
        });
      });
    });
}

int64_t first_difference(const std::vector<double>& want, const float* got) {
  for (size_t i = 0; i < want.size(); ++i)
    if (want[i] != double(got[i])) return int64_t(i);
  return -1;
}

}  // namespace

TEST(convolutions_and_their_gradients_are_sums_of_products) {
  Draw r;
  const int before = num_threads();
  for (int round = 0; round < 150; ++round) {
    set_num_threads(1 + round % 3);
    const ConvShape s = random_shape(r);
    const int64_t nx = s.batch * s.z.in * s.y.in * s.x.in * s.channels_in;
    const int64_t ny = s.batch * s.z.out * s.y.out * s.x.out * s.channels_out;
    const int64_t nw = s.z.kernel * s.y.kernel * s.x.kernel * s.channels_in / s.groups * s.channels_out;
    test::Guarded<float> x(nx), w(nw), bias(s.channels_out), y(ny), dy(ny), dx(nx), dw(nw);
    test::Guarded<float> matrix(conv_input_floats(s));
    r.fill(x, nx), r.fill(w, nw), r.fill(bias, s.channels_out), r.fill(dy, ny);
    Epilogue epilogue;
    epilogue.bias = bias.data();
    conv(s, x.data(), w.data(), y.data(), epilogue);
    conv_input(s, dy.data(), w.data(), dx.data(), matrix.data());
    conv_kernel(s, x.data(), dy.data(), dw.data());

    std::vector<double> want_y(ny), want_dx(nx), want_dw(nw);
    for (int64_t i = 0; i < ny; ++i) want_y[size_t(i)] = bias.data()[i % s.channels_out];
    each_product(s, [&](int64_t i, int64_t j, int64_t k) {
      want_y[size_t(k)] += double(x.data()[i]) * w.data()[j];
      want_dx[size_t(i)] += double(dy.data()[k]) * w.data()[j];
      want_dw[size_t(j)] += double(dy.data()[k]) * x.data()[i];
    });
    EXPECT(first_difference(want_y, y.data()) < 0, "y of shape ", round, " at ", first_difference(want_y, y.data()));
    EXPECT(first_difference(want_dx, dx.data()) < 0, "dx of shape ", round);
    EXPECT(first_difference(want_dw, dw.data()) < 0, "dw of shape ", round);
  }
  set_num_threads(before);
}

// A sink that keeps its rows in the scratch memory of a thread until they are complete.
TEST(rows_go_to_a_sink_once) {
  Draw r;
  const int before = num_threads();
  for (int round = 0; round < 150; ++round) {
    set_num_threads(1 + round % 3);
    const ConvShape s = random_shape(r);
    const int64_t nx = s.batch * s.z.in * s.y.in * s.x.in * s.channels_in;
    const int64_t ny = s.batch * s.z.out * s.y.out * s.x.out * s.channels_out;
    const int64_t nw = s.z.kernel * s.y.kernel * s.x.kernel * s.channels_in / s.groups * s.channels_out;
    test::Guarded<float> x(nx), w(nw), y(ny), dx(nx), matrix(conv_input_floats(s));
    r.fill(x, nx), r.fill(w, nw);
    const auto agrees = [&](test::Guarded<float>& want, int64_t n, int64_t channels, auto run) {
      std::vector<float> got(size_t(n), NAN);
      std::vector<std::atomic<int>> times(size_t(n / channels));
      const auto place = [&](int64_t, int64_t count) { return scratch_of<float>(Scratch::chain, count * channels); };
      const auto done = [&](int64_t first, int64_t count) {
        const float* const rows = place(first, count);
        std::copy_n(rows, count * channels, got.begin() + first * channels);
        for (int64_t i = first; i < first + count; ++i) ++times[size_t(i)];
      };
      const RowSink sink = {place, done};
      run(sink);
      return std::equal(got.begin(), got.end(), want.data()) &&
             std::all_of(times.begin(), times.end(), [](const auto& t) { return t == 1; });
    };
    conv(s, x.data(), w.data(), y.data());
    conv_input(s, y.data(), w.data(), dx.data(), matrix.data());
    EXPECT(agrees(y, ny, s.channels_out, [&](const RowSink& sink) { conv(s, x.data(), w.data(), nullptr, {}, &sink); }),
           "y of shape ", round);
    EXPECT(agrees(dx, nx, s.channels_in,
                  [&](const RowSink& sink) { conv_input(s, y.data(), w.data(), nullptr, matrix.data(), &sink); }),
           "dx of shape ", round);
  }
  set_num_threads(before);
}
