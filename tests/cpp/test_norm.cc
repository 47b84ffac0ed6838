// Kernels of normalization, compared with double.
#include "check.h"
#include "cpu/kernels.h"
#include "sample.h"

using namespace fastdl;
using test::Floats;
using test::kEps;

namespace {

std::vector<int> lengths() {
  std::vector<int> n = {1000, 4099};
  for (int i = 0; i <= 5 * kernels().lanes + 1; ++i) n.push_back(i);
  const int block = 64 * kernels().lanes;  // of a sum
  for (int blocks : {1, 2, 3, 5})
    for (int d : {-1, 0, 1}) n.push_back(blocks * block + d);
  return n;
}

// Guarded arrays of terms, for n columns or runs.
struct Terms {
  test::Guarded<float> mean, rest, a, b, c;
  Terms(test::Lcg& lcg, int n)
      : mean(lcg.uniform(n, 2, 3)),
        rest(lcg.uniform(n, -1e-7f, 1e-7f)),
        a(lcg.uniform(n, -2, 2)),
        b(lcg.uniform(n, -1, 1)),
        c(lcg.uniform(n, -1, 1)) {}
  NormTerms get() { return {mean.data(), rest.data(), a.data(), b.data(), c.data()}; }
  double distance(double x, int i) { return x - double(mean[i]) - double(rest[i]); }
};

}  // namespace

TEST(centered_sums_of_every_length) {
  test::Lcg lcg(1);
  for (int n : lengths()) {
    test::Guarded<float> x(lcg.uniform(n, 1, 2));
    double sum = 0, squares = 0, size = 0;
    for (int i = 0; i < n; ++i) {
      const double d = double(x[i]) - 1.5;
      sum += d, squares += d * d, size += fabs(d);
    }
    float got[2];
    kernels().centered_sums(got, x.data(), n, 1.5f);
    const double bound = (24 + log2(n + 1)) * kEps;
    EXPECT(fabs(got[0] - sum) <= bound * size && fabs(got[1] - squares) <= bound * squares, "of ", n);
    if (!n) continue;
    float row[3];
    kernels().row_sums(row, x.data(), n);
    EXPECT(fabs(row[0] - (1.5 + sum / n)) <= bound * 2, "shift of ", n);
    double near = 0, around = 0;
    for (int i = 0; i < n; ++i) {
      const double d = double(x[i]) - row[0];
      near += d, around += d * d;
    }
    EXPECT(fabs(row[1] - near) <= bound * size && fabs(row[2] - around) <= bound * (around + kEps), "row of ", n);
  }
}

TEST(sums_of_gradients_of_every_length) {
  test::Lcg lcg(2);
  for (int n : lengths())
    for (int with = 0; with < 4; ++with) {
      test::Guarded<float> x(lcg.uniform(n, 2, 3)), dy(lcg.uniform(n, -1, 1)), scale(lcg.uniform(n, 1, 2));
      test::Guarded<float> dscale(lcg.uniform(n, -1, 1)), doffset(lcg.uniform(n, -1, 1));
      const Floats before_scale = dscale, before_offset = doffset;
      const float mean = 2.5f, rest = 1e-7f, inverse = 1.5f;
      float run[2], row[2];
      kernels().norm_sums_run(run, dy.data(), x.data(), n, mean, rest);
      kernels().norm_sums_row(row, with & 1 ? dscale.data() : nullptr, with & 2 ? doffset.data() : nullptr, dy.data(),
                              x.data(), with & 1 ? scale.data() : nullptr, n, mean, rest, inverse);
      double want[4] = {}, size[4] = {};
      for (int i = 0; i < n; ++i) {
        const double d = double(x[i]) - mean - rest, g = dy[i], s = with & 1 ? scale[i] : 1;
        const double terms[] = {g, g * d, g * s, g * s * d};
        for (int k = 0; k < 4; ++k) want[k] += terms[k], size[k] += fabs(terms[k]) + kEps;
        if (with & 1) {
          const double exact = before_scale[i] + g * d * inverse;
          EXPECT(fabs(dscale[i] - exact) <= 8 * kEps * 2, "dscale of ", n);
        }
        if (with & 2) EXPECT(fabs(doffset[i] - (before_offset[i] + g)) <= 4 * kEps, "doffset of ", n);
      }
      const double bound = (26 + log2(n + 1)) * kEps;
      for (int k = 0; k < 4; ++k)
        EXPECT(fabs((k < 2 ? run : row)[k % 2] - want[k]) <= bound * size[k], "sum ", k, " of ", n);
    }
}

TEST(rows_are_normalized) {
  test::Lcg lcg(3);
  for (int n : lengths())
    for (int with = 0; with < 4; ++with) {
      test::Guarded<float> x(lcg.uniform(n, 2, 3)), y(n), dx(n), dy(lcg.uniform(n, -1, 1));
      test::Guarded<float> scale(lcg.uniform(n, 1, 2)), offset(lcg.uniform(n, -1, 1));
      const float mean = 2.5f, rest = 1e-7f, a = 1.5f, b = 0.25f, c = -0.5f;
      const float *s = with & 1 ? scale.data() : nullptr, *o = with & 2 ? offset.data() : nullptr;
      kernels().norm_row(y.data(), x.data(), n, mean, rest, a, s, o);
      kernels().norm_grad_row(dx.data(), dy.data(), x.data(), s, n, mean, rest, a, b, c);
      for (int i = 0; i < n; ++i) {
        const double d = double(x[i]) - mean - rest, by = s ? s[i] : 1;
        EXPECT(fabs(y[i] - (d * a * by + (o ? o[i] : 0))) <= 8 * kEps * 4, "element ", i, " of ", n);
        EXPECT(fabs(dx[i] - (dy[i] * by * a + (d * b + c))) <= 8 * kEps * 4, "gradient ", i, " of ", n);
      }
    }
}

TEST(columns_and_runs_are_normalized) {
  for (int rows : {0, 1, 3, 4, 5, 9, 33})
    for (int cols = 1; cols <= 3 * kernels().lanes + 1; ++cols) {
      test::Lcg lcg(uint64_t(rows) * 100 + cols);
      test::Guarded<float> x(lcg.uniform(rows * cols, 2, 3)), dy(lcg.uniform(rows * cols, -1, 1));
      for (bool columns : {true, false}) {
        Terms t(lcg, columns ? cols : rows);
        test::Guarded<float> y(rows * cols), dx(rows * cols);
        (columns ? kernels().norm_columns : kernels().norm_runs)(y.data(), x.data(), rows, cols, t.get());
        (columns ? kernels().norm_grad_columns : kernels().norm_grad_runs)(dx.data(), dy.data(), x.data(), rows, cols,
                                                                           t.get());
        for (int i = 0; i < rows * cols; ++i) {
          const int j = columns ? i % cols : i / cols;
          const double d = t.distance(x[i], j);
          EXPECT(fabs(y[i] - (d * t.a[j] + t.b[j])) <= 8 * kEps * 3, rows, " x ", cols, " element ", i);
          EXPECT(fabs(dx[i] - (dy[i] * double(t.a[j]) + (d * t.b[j] + t.c[j]))) <= 8 * kEps * 4, rows, " x ", cols,
                 " gradient ", i);
        }
      }
    }
}

TEST(columns_are_summed) {
  for (int rows : {0, 1, 15, 16, 17, 33, 100})
    for (int cols = 1; cols <= 3 * kernels().lanes + 1; ++cols) {
      test::Lcg lcg(uint64_t(rows) * 100 + cols);
      const int ld = cols + 3;
      const int64_t used = rows ? (rows - 1) * ld + cols : 0;
      test::Guarded<float> x(lcg.uniform(used, 2, 3)), dy(lcg.uniform(used, -1, 1));
      Terms t(lcg, cols);
      const Floats start = lcg.uniform(cols, -1, 1);
      test::Guarded<float> sum(start), squares(start), total(start), products(start);
      kernels().centered_sum_rows(sum.data(), squares.data(), x.data(), t.mean.data(), rows, cols, ld);
      kernels().norm_sums_columns(total.data(), products.data(), dy.data(), x.data(), rows, cols, ld, t.mean.data(),
                                  t.rest.data());
      for (int j = 0; j < cols; ++j) {
        double want[4] = {start[j], start[j], start[j], start[j]}, size = 1;
        for (int r = 0; r < rows; ++r) {
          const double shifted = double(x[r * ld + j]) - t.mean[j], g = dy[r * ld + j];
          want[0] += shifted, want[1] += shifted * shifted, want[2] += g, want[3] += g * t.distance(x[r * ld + j], j);
          size += 1;
        }
        const float got[4] = {sum[j], squares[j], total[j], products[j]};
        for (int k = 0; k < 4; ++k)
          EXPECT(fabs(got[k] - want[k]) <= (36 + rows / 16) * kEps * size, rows, " x ", cols, " sum ", k);
      }
    }
}
