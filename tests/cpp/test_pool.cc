// Kernels of pooling, compared with plain loops. Inputs and results end before protected pages.
#include "check.h"
#include "cpu/kernels.h"
#include "sample.h"

using namespace fastdl;
using test::Floats;
using test::kEps;
using test::kInf;
using Words = std::vector<int32_t>;

namespace {

// Two rows of 11 pixels, of which windows of 2 x 3 pixels are taken, 2 apart and with one pixel of padding at each
// end: pixels -1 .. 1, 1 .. 3, ..., 9 .. 11.
constexpr int kIn = 11, kOut = 6, kRows = 2, kWindow = 3;
struct Windows {
  int64_t channels;
  bool narrow;
  Words first, count, skip;
  std::vector<float> divisor;
  PoolRow row{};

  Windows(int64_t channels, bool narrow) : channels(channels), narrow(narrow) {
    const int64_t copies = narrow ? channels : 1;
    for (int o = 0; o < kOut; ++o)
      for (int c = 0; c < copies; ++c) {
        const int start = std::max(2 * o - 1, 0), end = std::min(2 * o + 2, kIn);
        first.push_back(narrow ? start * int(channels) + c : start);
        count.push_back(end - start);
        skip.push_back(start - (2 * o - 1));
        divisor.push_back(float(end - start));
      }
    row.places = kOut * copies;
    row.channels = channels / copies;
    row.outer = 1, row.inner = kRows, row.inner_step = kIn * channels, row.step = channels;
    row.first = first.data(), row.count = count.data(), row.most = kWindow;
  }
  PoolPositions positions(void* data, bool wide) const {
    return {data, wide, 0, kRows * kWindow, kWindow, 1, skip.data()};
  }
};

// body(result, window row, pixel of the row, position)
template <class F>
void each_place(F f) {
  for (int o = 0; o < kOut; ++o)
    for (int r = 0; r < kRows; ++r)
      for (int t = 0; t < kWindow; ++t)
        if (2 * o - 1 + t >= 0 && 2 * o - 1 + t < kIn) f(o, r, 2 * o - 1 + t, r * kWindow + t);
}

template <class T>
void check_max(int64_t channels, bool narrow) {
  test::Lcg lcg(channels);
  Floats values(kRows * kIn * channels);
  for (float& x : values) x = float(lcg.bits() % 5);  // many equal ones
  values[0] = -kInf;
  const Windows w(channels, narrow);
  test::Guarded<float> x(values), y(kOut * channels), without(kOut * channels);
  test::Guarded<T> positions(kOut * channels);
  kernels().pool_max(y.data(), x.data(), w.row, w.positions(positions.data(), sizeof(T) == 4));
  kernels().pool_max(without.data(), x.data(), w.row, w.positions(nullptr, false));
  Floats want(kOut * channels, -kInf);
  Words place(kOut * channels, -1);
  each_place([&](int o, int r, int pixel, int position) {
    for (int c = 0; c < channels; ++c) {
      const float v = values[(r * kIn + pixel) * channels + c];
      if (place[o * channels + c] < 0 || v > want[o * channels + c])
        want[o * channels + c] = v, place[o * channels + c] = position;
    }
  });
  EXPECT(test::same(y, want) && test::same(without, want), channels, " channels: largest");
  for (int i = 0; i < kOut * channels; ++i) EXPECT(positions[i] == place[i], channels, " channels: position ", i);
  if (narrow) return;

  // The gradient of the pixels of row 1: which of the six results took them.
  test::Guarded<float> dy(lcg.uniform(kOut * channels, -1, 1)), dx(kIn * channels);
  Words reader, readers, start;
  for (int o = 0; o < kOut; ++o) start.push_back(2 * o - 1);
  for (int p = 0; p < kIn; ++p) reader.push_back(p / 2), readers.push_back(p % 2 ? 2 : 1);
  PoolRow r{};
  r.places = kIn, r.channels = channels, r.outer = r.inner = 1, r.step = channels, r.most = 2;
  r.first = reader.data(), r.count = readers.data();
  const int32_t zero = 0;
  const PoolReaders readers_of{positions.data(), sizeof(T) == 4, 0, 1, kRows * kWindow, kWindow, 0, &zero, &zero,
                               start.data()};
  kernels().pool_max_grad(dx.data(), dy.data(), r, readers_of);
  Floats sum(kIn * channels, 0);
  each_place([&](int o, int row, int pixel, int position) {
    for (int c = 0; c < channels && row == 1; ++c)
      if (place[o * channels + c] == position) sum[pixel * channels + c] += dy[o * channels + c];
  });
  for (int i = 0; i < kIn * channels; ++i)
    EXPECT(fabs(dx[i] - sum[i]) <= kEps, channels, " channels: gradient ", i, ": ", dx[i], ", want ", sum[i]);
}

std::vector<int> channel_counts() {
  const int lanes = kernels().lanes;
  return {2, 3, lanes - 1, lanes, lanes + 1, 4 * lanes - 1, 4 * lanes, 4 * lanes + 1, 9 * lanes + 2};
}

}  // namespace

TEST(pool_max_with_many_channels) {
  for (int channels : channel_counts()) check_max<uint8_t>(channels, false), check_max<int32_t>(channels, false);
}
TEST(pool_max_with_few_channels) {
  for (int channels : {1, 2, 3, 7}) check_max<uint8_t>(channels, true), check_max<int32_t>(channels, true);
}

TEST(pool_sum) {
  std::vector<int> counts = channel_counts();
  for (bool narrow : {false, true})
    for (int channels : narrow ? std::vector<int>{1, 2, 3, 7} : counts) {
      test::Lcg lcg(channels);
      const Windows w(channels, narrow);
      test::Guarded<float> x(lcg.uniform(kRows * kIn * channels, -1, 1)), mean(kOut * channels), sum(kOut * channels);
      kernels().pool_sum(mean.data(), x.data(), w.row, w.divisor.data(), 2);
      kernels().pool_sum(sum.data(), x.data(), w.row, nullptr, 0.25f);
      std::vector<double> want(kOut * channels);
      each_place([&](int o, int r, int pixel, int) {
        for (int c = 0; c < channels; ++c) want[o * channels + c] += x[(r * kIn + pixel) * channels + c];
      });
      for (int i = 0; i < kOut * channels; ++i) {
        const double n = 2 * (i < channels || i >= (kOut - 1) * channels ? 2 : 3);
        EXPECT(fabs(mean[i] - want[i] / n) <= 8 * kEps, channels, " channels: mean ", i, " ", mean[i]);
        EXPECT(fabs(sum[i] - want[i] / 4) <= 8 * kEps, channels, " channels: sum ", i, " ", sum[i]);
      }
    }
}

// One place for each result, or none: the gradient of windows that do not overlap.
TEST(pool_sum_of_single_places) {
  for (int channels : channel_counts()) {
    test::Lcg lcg(channels);
    const Floats values = lcg.uniform(2 * channels, -1, 1);
    test::Guarded<float> x(values), y(4 * channels);
    const Words first = {0, 0, 1, 2}, count = {1, 1, 1, 0};
    PoolRow r{};
    r.places = 4, r.channels = channels, r.outer = r.inner = 1, r.step = channels, r.most = 1;
    r.first = first.data(), r.count = count.data();
    kernels().pool_sum(y.data(), x.data(), r, nullptr, 0.5f);
    for (int i = 0; i < 4 * channels; ++i) {
      const float want = i < 3 * channels ? 0.5f * values[first[i / channels] * channels + i % channels] : 0;
      EXPECT(y[i] == want, channels, " channels: ", y[i], ", want ", want);
    }
  }
}

// Windows of one row, whose weights lie in a matrix or, for elements, side by side.
TEST(pool_weighted) {
  std::vector<int> counts = channel_counts();
  for (int kind : {0, 1, 2})  // channels in vectors, elements, elements with weights side by side
    for (int channels : kind ? std::vector<int>{1, 2, 3, 7} : counts) {
      test::Lcg lcg(channels);
      Windows w(channels, kind > 0);
      w.row.inner = 1;
      const int64_t entries = w.row.places;
      test::Guarded<float> x(lcg.uniform(kIn * channels, -1, 1)), y(kOut * channels);
      const Floats matrix = lcg.uniform(kOut * kWindow, -1, 1);
      Words weight;
      Floats beside(size_t(kWindow * entries), test::kNaN);
      for (int64_t i = 0; i < entries; ++i) {
        const int o = kind ? int(i / channels) : int(i);
        weight.push_back(o * kWindow);
        for (int t = 0; t < kWindow; ++t)
          beside[size_t(t * entries + i)] = t < w.count[size_t(i)] ? matrix[size_t(o * kWindow + t)] : 0;
      }
      test::Guarded<float> weights(kind == 2 ? beside : matrix);
      kernels().pool_weighted(y.data(), x.data(), w.row, weights.data(), weight.data(), kind == 2 ? entries : 0);
      for (int o = 0; o < kOut; ++o)
        for (int c = 0; c < channels; ++c) {
          const int start = std::max(2 * o - 1, 0), end = std::min(2 * o + 2, kIn);
          double want = 0;
          for (int p = start; p < end; ++p)
            want += double(x[p * channels + c]) * matrix[size_t(o * kWindow + p - start)];
          EXPECT(fabs(y[o * channels + c] - want) <= 8 * kEps, channels, " channels, kind ", kind, ": ", want);
        }
    }
}
