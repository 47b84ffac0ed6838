// Reductions, softmax and cross-entropy, compared with double.
#include <limits>

#include "check.h"
#include "cpu/kernels.h"
#include "sample.h"

using namespace fastdl;
using test::Floats;
using test::kEps;
using test::kInf;
using test::kNaN;

namespace {

// Lengths at which a reduction may go wrong: every tail, those around its blocks (128 vectors), large ones.
std::vector<int> lengths() {
  std::vector<int> n;
  const int lanes = kernels().lanes, block = 128 * lanes;
  for (int i = 0; i <= 9 * lanes + 1; ++i) n.push_back(i);
  for (int blocks : {1, 2, 3, 7})
    for (int d : {-1, 0, 1}) n.push_back(blocks * block + d);
  n.push_back(100003);
  return n;
}

double log_sum_exp(const float* x, int n) {
  double m = -HUGE_VAL, s = 0;
  for (int j = 0; j < n; ++j) m = fmax(m, x[j]);
  for (int j = 0; j < n; ++j) s += exp(x[j] - m);
  return m + log(s);
}

// Rows of several kinds of logits: small, wide, with large positive and negative offsets.
Floats logits(int rows, int cols, uint64_t seed) {
  test::Lcg lcg(seed);
  Floats x(rows * cols);
  const float shift[] = {0, 1e4f, -1e4f, 50}, width[] = {1, 4, 2, 60};
  for (int r = 0; r < rows; ++r)
    for (int j = 0; j < cols; ++j) x[r * cols + j] = shift[r % 4] + lcg.uniform(-width[r % 4], width[r % 4]);
  return x;
}

}  // namespace

TEST(sums_of_every_length) {
  test::Lcg lcg(1);
  const Floats source = lcg.uniform(100003, -1, 2);
  for (int n : lengths()) {
    test::Guarded<float> x(Floats(source.begin(), source.begin() + n));
    double sum = 0, magnitude = 0;
    for (int i = 0; i < n; ++i) sum += x[i], magnitude += fabs(x[i]);
    const double bound = (20 + log2(n + 1)) * kEps;  // as kernels.inc promises
    const float s = kernels().sum(x.data(), n);
    EXPECT(fabs(s - sum) <= bound * magnitude, "sum of ", n, ": ", s, ", want ", sum);
  }
}

TEST(penalties_of_every_length) {
  test::Lcg lcg(2);
  const Floats source = lcg.uniform(100003, -1, 2);
  for (int n : lengths()) {
    test::Guarded<float> x(Floats(source.begin(), source.begin() + n));
    double want = 0;
    for (int i = 0; i < n; ++i) want += double(0.3f) * fabs(x[i]) + 0.5 * double(0.7f) * x[i] * x[i];
    const double bound = (23 + log2(n + 1)) * kEps;  // as a sum, and three roundings of each term
    const float s = kernels().penalty(x.data(), n, 0.3f, 0.7f);
    EXPECT(fabs(s - want) <= bound * want, "penalty of ", n, ": ", s, ", want ", want);
  }
}

// The bound must hold where a running sum fails: a million additions of 0.1 are off by 1 %.
TEST(sum_is_balanced) {
  const Floats x(1 << 20, 0.1f);
  const double want = (double)0.1f * (1 << 20);
  EXPECT(fabs(kernels().sum(x.data(), 1 << 20) - want) <= 40 * kEps * want, "sum of 2^20 times 0.1");
}

TEST(sums_carry_specials) {
  for (int n : {1, 5, 40, 5000}) {
    Floats x(n, 1.0f);
    x[n / 2] = kInf;
    EXPECT(kernels().sum(x.data(), n) == kInf, "infinity");
    x[n - 1] = kNaN;
    EXPECT(std::isnan(kernels().sum(x.data(), n)), "NaN");
  }
}

TEST(extrema_of_every_length) {
  test::Lcg lcg(2);
  const Floats source = lcg.uniform(100003, -1, 1);
  EXPECT(kernels().reduce_max(nullptr, 0) == -kInf && kernels().reduce_min(nullptr, 0) == kInf, "empty");
  for (int n : lengths()) {
    if (n == 0) continue;
    test::Guarded<float> x(Floats(source.begin(), source.begin() + n));
    int high = 0, low = 0;
    for (int i = 1; i < n; ++i) {
      if (x[i] > x[high]) high = i;
      if (x[i] < x[low]) low = i;
    }
    EXPECT(kernels().reduce_max(x.data(), n) == x[high], "max of ", n);
    EXPECT(kernels().reduce_min(x.data(), n) == x[low], "min of ", n);
    EXPECT(kernels().argmax(x.data(), n) == high, "argmax of ", n);
    EXPECT(kernels().argmin(x.data(), n) == low, "argmin of ", n);
    // A NaN at any place is passed on, and the first one is the extremum.
    const int at = (int)(lcg.bits() % (unsigned)n);
    x[at] = kNaN;
    EXPECT(std::isnan(kernels().reduce_max(x.data(), n)), "max of ", n, ", NaN at ", at);
    EXPECT(std::isnan(kernels().reduce_min(x.data(), n)), "min of ", n, ", NaN at ", at);
    EXPECT(kernels().argmax(x.data(), n) == at, "argmax of ", n, ", NaN at ", at);
    EXPECT(kernels().argmin(x.data(), n) == at, "argmin of ", n, ", NaN at ", at);
  }
  const Floats ties = {1, 3, 3, -2, -2, 3};
  EXPECT(kernels().argmax(ties.data(), 6) == 1 && kernels().argmin(ties.data(), 6) == 3, "the first of several wins");
  const Floats same(40, -kInf);
  EXPECT(kernels().argmax(same.data(), 40) == 0, "argmax of -infinity throughout");
}

TEST(row_reductions) {
  test::Lcg lcg(3);
  for (int rows : {0, 1, 2, 31, 32, 33, 100})
    for (int cols = 1; cols <= 3 * kernels().lanes + 1; ++cols) {
      const int ld = cols + 3;
      const int64_t used = rows ? (rows - 1) * ld + cols : 0;
      test::Guarded<float> x(lcg.uniform(used, -1, 1)), sum(lcg.uniform(cols, -1, 1));
      const Floats start = sum;
      test::Guarded<float> high(Floats(cols, -kInf)), low(Floats(cols, kInf)), halves(start);
      kernels().sum_rows(sum.data(), x.data(), rows, cols, ld);
      kernels().max_rows(high.data(), x.data(), rows, cols, ld);
      kernels().min_rows(low.data(), x.data(), rows, cols, ld);
      for (int j = 0; j < cols; ++j) {
        double want = start[j], size = fabs(start[j]);
        float most = -kInf, least = kInf;
        for (int r = 0; r < rows; ++r) {
          const float v = x[r * ld + j];
          want += v, size += fabs(v), most = std::max(most, v), least = std::min(least, v);
        }
        EXPECT(fabs(sum[j] - want) <= (33 + rows / 32) * kEps * size, rows, " x ", cols, " column ", j);
        EXPECT(high[j] == most && low[j] == least, rows, " x ", cols, " column ", j);
      }
      if (rows > 32) {  // split at a multiple of 32: the same bits
        kernels().sum_rows(halves.data(), x.data(), 32, cols, ld);
        kernels().sum_rows(halves.data(), x.data() + 32 * ld, rows - 32, cols, ld);
        EXPECT(test::same(halves, sum), rows, " x ", cols, " in two parts");
      }
    }
}

TEST(softmax_values) {
  const int rows = 8;
  for (int cols : {1, 2, 3, 7, 10, 15, 16, 17, 33, 64, 100, 1000, 3001}) {
    const Floats x = logits(rows, cols, cols);
    test::Guarded<float> y(x), z(x);
    kernels().softmax(y.data(), y.data(), rows, cols);
    kernels().log_softmax(z.data(), z.data(), rows, cols);
    for (int r = 0; r < rows; ++r) {
      const double lse = log_sum_exp(&x[r * cols], cols);
      for (int j = 0; j < cols; ++j) {
        // x - max and, in log_softmax, one more difference are rounded, each to |log p| eps.
        const double log_p = x[r * cols + j] - lse, p = exp(log_p);
        const double bound = (2 * fabs(log_p) + 20) * kEps;
        EXPECT(fabs(y[r * cols + j] - p) <= bound * p + 0x1p-149, cols, " columns: ", y[r * cols + j], ", want ", p);
        EXPECT(fabs(z[r * cols + j] - log_p) <= bound, cols, " columns: ", z[r * cols + j], ", want ", log_p);
      }
    }
  }
}

TEST(softmax_specials) {
  auto run = [](void (*kernel)(float*, const float*, int64_t, int64_t), Floats x) {
    kernel(x.data(), x.data(), 1, (int64_t)x.size());
    return x;
  };
  for (auto kernel : {kernels().softmax, kernels().log_softmax}) {
    for (const Floats& x : {Floats(5, -kInf), Floats{0, kInf, 1}, Floats{0, kNaN, 1}})
      for (float v : run(kernel, x)) EXPECT(std::isnan(v), "got ", v);
  }
  EXPECT(test::same(run(kernels().softmax, {0, -kInf, 0}), {0.5f, 0, 0.5f}), "-infinity has no share");
  EXPECT(test::same(run(kernels().log_softmax, {0, -kInf}), {0, -kInf}), "-infinity stays");
}

TEST(softmax_gradients) {
  const int rows = 3;
  for (int cols : {1, 3, 10, 17, 40}) {
    test::Lcg lcg(cols);
    const Floats x = lcg.uniform(rows * cols, -3, 3), dy = lcg.uniform(rows * cols, -1, 1);
    Floats y(x.size()), z(x.size());
    kernels().softmax(y.data(), x.data(), rows, cols);
    kernels().log_softmax(z.data(), x.data(), rows, cols);
    test::Guarded<float> ds(dy), dl(dy);
    kernels().softmax_grad(ds.data(), ds.data(), y.data(), rows, cols);
    kernels().log_softmax_grad(dl.data(), dl.data(), z.data(), rows, cols);
    for (int r = 0; r < rows; ++r) {
      const double lse = log_sum_exp(&x[r * cols], cols);
      double dot = 0, total = 0;
      for (int j = 0; j < cols; ++j) {
        dot += dy[r * cols + j] * exp(x[r * cols + j] - lse), total += dy[r * cols + j];
      }
      for (int j = 0; j < cols; ++j) {
        const int i = r * cols + j;
        const double p = exp(x[i] - lse);
        EXPECT(fabs(ds[i] - p * (dy[i] - dot)) <= 32 * kEps, "softmax, ", cols, " columns");
        EXPECT(fabs(dl[i] - (dy[i] - p * total)) <= (32 + cols) * kEps, "log_softmax, ", cols, " columns");
      }
    }
  }
}

TEST(sparse_cross_entropy) {
  const int rows = 9;
  const int64_t ignored = -100;
  for (int cols : {1, 2, 10, 16, 17, 100}) {
    const Floats x = logits(rows, cols, 7);
    std::vector<int64_t> labels(rows);
    for (int r = 0; r < rows; ++r) labels[r] = r == 4 ? ignored : r * 7 % cols;
    test::Guarded<float> loss(rows), probs(x), dx(rows * cols), g(Floats(1, 0.5f));
    EXPECT(kernels().sparse_xent(loss.data(), probs.data(), probs.data(), labels.data(), rows, cols, ignored) == -1,
           "all labels are good");
    Floats y(x.size());
    kernels().softmax(y.data(), x.data(), rows, cols);
    EXPECT(test::same(probs, y), "probs are softmax, bit for bit, also in place");
    kernels().sparse_xent_grad(dx.data(), probs.data(), labels.data(), g.data(), 0, rows, cols, ignored);
    for (int r = 0; r < rows; ++r) {
      if (labels[r] == ignored) {
        EXPECT(loss[r] == 0, "an ignored row costs nothing");
        for (int j = 0; j < cols; ++j) EXPECT(dx[r * cols + j] == 0, "nor has it a gradient");
        continue;
      }
      const double want = log_sum_exp(&x[r * cols], cols) - x[r * cols + labels[r]];
      EXPECT(fabs(loss[r] - want) <= (2 * want + 20) * kEps, "loss ", loss[r], ", want ", want);
      for (int j = 0; j < cols; ++j) {
        const float p = probs[r * cols + j];
        EXPECT(dx[r * cols + j] == 0.5f * (j == labels[r] ? p - 1 : p), "row ", r, " column ", j);
      }
    }
  }
}

TEST(sparse_cross_entropy_of_bad_labels) {
  for (int64_t bad :
       {int64_t(3), int64_t(-1), std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()}) {
    const std::vector<int64_t> labels = {2, bad, bad, 0};
    test::Guarded<float> x(Floats(12, 1)), loss(4), probs(12), dx(12), g(Floats{1, 2, 3, 4});
    EXPECT(kernels().sparse_xent(loss.data(), probs.data(), x.data(), labels.data(), 4, 3, -100) == 1,
           "the first bad row is told");
    EXPECT(std::isnan(loss[1]) && std::isnan(loss[2]), "its loss is NaN");
    EXPECT(loss[0] == loss[3] && fabs(loss[0] - log(3.0)) < 4 * kEps, "the others are as ever");
    kernels().sparse_xent_grad(dx.data(), probs.data(), labels.data(), g.data(), 1, 4, 3, -100);
    EXPECT(dx[9] == 4 * (probs[9] - 1) && dx[10] == 4 * probs[10], "gradient strides");
  }
  const Floats x(3, -kInf);
  const int64_t label = 1;
  Floats loss(1), probs(3);
  kernels().sparse_xent(loss.data(), probs.data(), x.data(), &label, 1, 3, -100);
  EXPECT(std::isnan(loss[0]), "a row of -infinity throughout has no loss");
}

TEST(dense_cross_entropy) {
  const int rows = 8;
  for (int cols : {1, 2, 10, 16, 17, 100}) {
    test::Lcg lcg(cols);
    const Floats x = logits(rows, cols, 11);
    Floats t = lcg.uniform(rows * cols, 0, 1);
    for (int j = 0; j < cols; ++j) t[j] = j == 0;  // a one-hot row
    test::Guarded<float> targets(t), loss(rows), probs(rows * cols), dx(rows * cols);
    test::Guarded<float> g(lcg.uniform(rows, -1, 1));
    kernels().xent(loss.data(), probs.data(), x.data(), targets.data(), rows, cols);
    Floats y(x.size());
    kernels().softmax(y.data(), x.data(), rows, cols);
    EXPECT(test::same(probs, y), "probs are softmax, bit for bit");
    kernels().xent_grad(dx.data(), probs.data(), targets.data(), g.data(), 1, rows, cols);
    for (int r = 0; r < rows; ++r) {
      const double lse = log_sum_exp(&x[r * cols], cols);
      double want = 0, mass = 0;
      for (int j = 0; j < cols; ++j) {
        want += t[r * cols + j] * (lse - x[r * cols + j]), mass += t[r * cols + j];
      }
      EXPECT(fabs(loss[r] - want) <= 24 * kEps * (want + mass), "loss ", loss[r], ", want ", want);
      for (int j = 0; j < cols; ++j) {
        const int i = r * cols + j;
        EXPECT(fabs(dx[i] - g[r] * (exp(x[i] - lse) * mass - t[i])) <= 100 * kEps, "row ", r);
      }
    }
  }
  const Floats x = {0, -kInf}, t = {1, 0};
  Floats loss(1), probs(2);
  kernels().xent(loss.data(), probs.data(), x.data(), t.data(), 1, 2);
  EXPECT(loss[0] == 0, "0 times log 0 adds 0");
}
