// Kernels of attention, compared with double.
#include <bit>
#include <vector>

#include "check.h"
#include "cpu/kernels.h"
#include "sample.h"

using namespace fastdl;
using test::Floats;
using test::kEps;

namespace {

constexpr double kLog2E = 1.4426950408889634;

// Rows of scores with all that they may have. Keys of a row: those below min(keys, end + r * step) that the mask has.
struct Rows {
  int64_t rows, keys, width, row;
  test::Guarded<float> scores, bias, stats;
  test::Guarded<uint8_t> mask;
  AttentionRows a = {};

  Rows(test::Lcg& lcg, int64_t r, int64_t n, int64_t end, bool masked, bool biased, bool repeated)
      : rows(r),
        keys(n),
        width(n),
        row((n + 15) / 16 * 16 + 16),
        scores(lcg.uniform(int(r * row), -30, 30)),
        bias(lcg.uniform(int(repeated ? 1 : r * n), -3, 3)),
        stats(2 * r),
        mask(repeated ? 1 : r * n) {
    for (int64_t i = 0; i < (repeated ? 1 : r * n); ++i) mask[i] = repeated || lcg.uniform(1, 0, 1)[0] < 0.7f;
    a.rows = rows;
    a.scores = scores.data();
    a.row = row;
    a.keys = keys;
    a.end = end;
    a.step = 2;
    a.width = width;
    a.scale = 0.2f;
    a.plain = !masked && !biased;
    if (masked) a.mask = mask.data(), a.mask_row = repeated ? 0 : n, a.mask_step = !repeated;
    if (biased) a.bias = bias.data(), a.bias_row = repeated ? 0 : n, a.bias_step = !repeated;
  }
  // The exponent of each key, -infinity where it does not count.
  std::vector<double> exponents(const Floats& products, int64_t r) const {
    std::vector<double> x(size_t(keys), -HUGE_VAL);
    for (int64_t j = 0; j < std::min(keys, a.end + r * a.step); ++j) {
      if (a.mask && !a.mask[r * a.mask_row + j * a.mask_step]) continue;
      const double more = a.bias ? kLog2E * double(a.bias[r * a.bias_row + j * a.bias_step]) : 0;
      x[size_t(j)] = double(a.scale) * double(products[size_t(r * row + j)]) + more;
    }
    return x;
  }
};

template <class F>
void for_shapes(F f) {
  test::Lcg lcg(3);
  const int64_t lanes = kernels().lanes;
  for (int64_t rows : {1, 3, 6, 8})
    for (int64_t n : {int64_t(1), lanes - 1, lanes, lanes + 1, 4 * lanes, 5 * lanes + 3, int64_t(512)})
      for (int64_t end : {-3, 0, 2, 17, 600})
        for (int kind = 0; kind < 7; ++kind) {
          // 0: plain; then each combination of mask and bias, of their own for each element or repeated
          Rows r(lcg, rows, n, end, kind % 4 & 1, kind % 4 & 2, kind >= 4);
          f(lcg, r);
        }
}

}  // namespace

TEST(attention_weights_and_probabilities) {
  for_shapes([](test::Lcg& lcg, Rows& r) {
    const Floats products = r.scores;
    test::Guarded<float> again(products);
    kernels().attention_weights(r.a, r.stats.data());
    AttentionRows b = r.a;
    test::Guarded<float> inverse(2 * r.rows), grads(lcg.uniform(int(r.rows * r.row), -1, 1));
    const Floats given = grads, deltas = lcg.uniform(int(r.rows), -1, 1);
    for (int64_t i = 0; i < r.rows; ++i) {
      inverse[2 * i] = r.stats[2 * i];
      inverse[2 * i + 1] = r.stats[2 * i + 1] == 0 ? 0 : 1 / r.stats[2 * i + 1];
    }
    b.scores = again.data();
    kernels().attention_probabilities(b, inverse.data());
    kernels().attention_score_grads(b, inverse.data(), grads.data(), deltas.data(), 0.5f);
    for (int64_t i = 0; i < r.rows; ++i) {
      const std::vector<double> x = r.exponents(products, i);
      const double top = *std::max_element(x.begin(), x.end());
      double sum = 0;
      for (double v : x) sum += top == -HUGE_VAL ? 0 : exp2(v - top);
      // Exponents up to 11 are rounded three times, which is a factor of the weight; without fma the power, too.
      const double bound = 40 * kEps;
      EXPECT(fabs(r.stats[2 * i + 1] - sum) <= bound * sum, "sum of row ", i, " of ", r.keys);
      for (int64_t j = 0; j < r.width; ++j) {
        const double w = top == -HUGE_VAL ? 0 : exp2(x[size_t(j)] - top), p = sum == 0 ? 0 : w / sum;
        EXPECT(fabs(r.scores[i * r.row + j] - w) <= bound * w, "weight ", j, " of ", r.keys, ", row ", i);
        EXPECT(fabs(again[i * r.row + j] - p) <= 2 * bound * p, "probability ", j, " of ", r.keys, ", row ", i);
        const double distance = double(given[size_t(i * r.row + j)]) - deltas[size_t(i)], dx = p * distance * 0.5;
        EXPECT(fabs(grads[i * r.row + j] - dx) <= 3 * bound * p, "gradient ", j, " of ", r.keys, ", row ", i);
      }
    }
  });
}

TEST(attention_drops_the_same_in_both_directions) {
  test::Lcg lcg(4);
  for (int64_t n : {1, 5, 64, 77, 512}) {
    Rows r(lcg, 3, n, 1000, false, false, false);
    r.a.rate = 0.25f;
    r.a.seed = 7;
    r.a.counter = (uint64_t(1) << 32) - 2;  // the lower word runs over
    r.a.counter_row = uint64_t(n + 3) / 4;
    test::Guarded<float> again{Floats(r.scores)}, grads(lcg.uniform(int(3 * r.row), 1, 2));
    const Floats given = grads, deltas(3, 0.0f);
    kernels().attention_weights(r.a, r.stats.data());
    for (int i = 0; i < 3; ++i) r.stats[2 * i + 1] = 1 / r.stats[2 * i + 1];
    AttentionRows b = r.a;
    b.scores = again.data();
    kernels().attention_probabilities(b, r.stats.data());
    kernels().attention_score_grads(b, r.stats.data(), grads.data(), deltas.data(), 1);
    for (int64_t i = 0; i < 3; ++i) {
      Floats drawn(size_t(n), 0);
      kernels().philox_uniform(drawn.data(), n, 7, r.a.counter + uint64_t(i) * r.a.counter_row, 0, 1);
      for (int64_t j = 0; j < n; ++j) {
        const bool kept = drawn[size_t(j)] >= 0.25f;
        EXPECT((r.scores[i * r.row + j] != 0) == kept, "weight ", j, " of ", n);
        EXPECT((again[i * r.row + j] > 0) == kept, "probability ", j, " of ", n);
        EXPECT((grads[i * r.row + j] > 0) == kept, "gradient ", j, " of ", n);
      }
    }
  }
}

TEST(attention_joins_blocks) {
  test::Lcg lcg(5);
  for (int n : {1, 3, 16, 50})
    for (double first : {-HUGE_VAL, -3.0, 2.0})
      for (double second : {-HUGE_VAL, -90.0, 1.0}) {
        test::Guarded<float> y(lcg.uniform(2 * n, -1, 1)), part(lcg.uniform(2 * n, -1, 1));
        const float one = first == -HUGE_VAL ? 0 : 1.5f, two = second == -HUGE_VAL ? 0 : 2.5f;
        float stats[4], other[4];
        for (int r = 0; r < 2; ++r) stats[2 * r] = float(first), stats[2 * r + 1] = one;
        for (int r = 0; r < 2; ++r) other[2 * r] = float(second), other[2 * r + 1] = two;
        Floats expected;
        const double top = std::max(first, second);
        const double a = one == 0 ? 0 : exp2(first - top), b = two == 0 ? 0 : exp2(second - top);
        const double sum = a * one + b * two;
        for (int i = 0; i < 2 * n; ++i)
          expected.push_back(float(sum == 0 ? 0 : (a * double(y[i]) + b * double(part[i])) / sum * 1.25));
        kernels().attention_merge(y.data(), n, stats, part.data(), n, other, 2, n, 1.0f);
        kernels().attention_finish(y.data(), n, stats, 2, n, 1.25f);
        for (int i = 0; i < 2 * n; ++i)
          EXPECT(fabs(y[i] - expected[size_t(i)]) <= 8 * kEps, "element ", i, " of ", n, ": ", first, " and ", second);
        EXPECT(fabs(stats[3] - (sum == 0 ? 0 : 1 / sum)) <= 8 * kEps, "sum of ", first, " and ", second);
      }
}

TEST(attention_widens_rows) {
  for (int64_t n = 1; n <= 70; ++n) {
    constexpr int64_t kRows = 3;
    const int64_t row = n + 5;
    std::vector<int8_t> whole(size_t((kRows - 1) * row + n));
    std::vector<uint16_t> brain(whole.size());
    for (size_t i = 0; i < whole.size(); ++i) {
      whole[i] = int8_t(int(i * 37 % 256) - 128);
      brain[i] = uint16_t(0x3f80 + i * 11 % 1000);  // 1 and more
    }
    const float scale[] = {0.5f, -1, 3, -1, 0.125f};
    test::Guarded<float> of_whole(Floats(size_t(kRows * n))), of_brain(Floats(size_t(kRows * n)));
    kernels().attention_widen(of_whole.data(), whole.data(), DType::int8, kRows, n, row, scale, 2);
    kernels().attention_widen(of_brain.data(), brain.data(), DType::bfloat16, kRows, n, row, nullptr, 0);
    for (int64_t i = 0; i < kRows; ++i)
      for (int64_t j = 0; j < n; ++j) {
        const size_t from = size_t(i * row + j);
        EXPECT(of_whole[i * n + j] == float(whole[from]) * scale[2 * i], "int8, row ", i, ", ", j, " of ", n);
        EXPECT(of_brain[i * n + j] == std::bit_cast<float>(uint32_t(brain[from]) << 16), "bfloat16, row ", i);
      }
  }
}

TEST(attention_deltas_of_every_length) {
  test::Lcg lcg(6);
  for (int n = 0; n <= 70; ++n) {
    test::Guarded<float> dy(lcg.uniform(3 * n, -1, 1)), y(lcg.uniform(3 * n, -1, 1));
    float deltas[3];
    kernels().attention_deltas(deltas, dy.data(), y.data(), n, 3, n);
    for (int r = 0; r < 3; ++r) {
      double sum = 0, size = 0;
      for (int i = r * n; i < (r + 1) * n; ++i) sum += double(dy[i]) * y[i], size += fabs(double(dy[i]) * y[i]);
      EXPECT(fabs(deltas[r] - sum) <= 24 * kEps * size, "row ", r, " of ", n);
    }
  }
}
