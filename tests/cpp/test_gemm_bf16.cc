// gemm_bf16 compared with float64 sums of rounded operands, for each kind of instructions that this CPU has.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "check.h"
#include "core/parallel.h"
#include "cpu/gemm_bf16.h"
#include "cpu/isa.h"
#include "matrices.h"
#include "sample.h"

namespace {

using test::extent;
using test::Guarded;
using test::kInf;
using test::kNaN;
using test::Random;

// Instruction sets below AVX-512 must not offer any kind. On AVX-512 every kind is tested.
template <class Body>
void on_each_kind(Body body) {
  const int threads = fastdl::num_threads();
  if (std::string(fastdl::kernels().isa) != "avx512") {
    EXPECT(fastdl::bf16_instructions() == nullptr, "bfloat16 on ", fastdl::kernels().isa);
    return;
  }
  const std::vector<std::string> kinds = fastdl::runnable_bf16();
  EXPECT(!kinds.empty() || !fastdl::bf16_instructions(), "bfloat16 instructions in use, but none there");
  for (const std::string& kind : kinds) {
    fastdl::select_bf16(kind);
    EXPECT(fastdl::bf16_instructions() == kind, "selected ", kind);
    body(kind);
  }
  if (!kinds.empty()) fastdl::select_bf16(kinds.back());
  fastdl::set_num_threads(threads);
}

// Rounds to nearest even, with integers.
float rounded(float x) {
  if (x != x) return x;
  if (std::fabs(x) < 0x1p-126f) return std::copysign(0.0f, x);
  uint32_t bits;
  std::memcpy(&bits, &x, 4);
  bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000;
  std::memcpy(&x, &bits, 4);
  return x;
}

struct Case {
  int64_t m, n, k;
  bool trans_a, trans_b, accumulate, bias;
  int64_t gap;  // floats between the rows of each matrix
};

// A product of two bfloat16 numbers is exact in float32. A sum of up to 1024 of them has as many roundings, in any
// order. Each is at most 2^-24 of a partial sum, and so of the sum of magnitudes. Each block is one more addition. C,
// the bias and terms of second order add a few. The error is at most (min(k, 1024) + k / 1024 + 4) 2^-24 sum |a b|.
void check(const Case& t, const std::string& kind, std::initializer_list<int> threads, Random& random) {
  const int64_t a_rows = t.trans_a ? t.k : t.m, a_columns = t.trans_a ? t.m : t.k;
  const int64_t b_rows = t.trans_b ? t.n : t.k, b_columns = t.trans_b ? t.k : t.n;
  const int64_t lda = a_columns + t.gap, ldb = b_columns + t.gap, ldc = t.n + t.gap;
  // The gaps hold NaN: a read spreads it, a write replaces it. A protected page follows the end.
  const auto fill = [&](Guarded<float>& x, int64_t size, int64_t columns, int64_t row) {
    for (int64_t i = 0; i < size; ++i) x.data()[i] = i % row < columns ? random.value() : kNaN;
  };
  const int64_t a_size = extent(a_rows, a_columns, lda), b_size = extent(b_rows, b_columns, ldb);
  const int64_t c_size = extent(t.m, t.n, ldc);
  Guarded<float> a(a_size), b(b_size), c(c_size), start(c_size), first(c_size), bias(t.n);
  fill(a, a_size, a_columns, lda);
  fill(b, b_size, b_columns, ldb);
  fill(start, c_size, t.n, ldc);
  fill(bias, t.n, t.n, t.n + 1);
  std::string what = std::to_string(t.m) + "x" + std::to_string(t.n) + "x" + std::to_string(t.k);
  what += std::string(t.trans_a ? " A^T" : "") + (t.trans_b ? " B^T" : "") + (t.accumulate ? " accumulate" : "") +
          " gap " + std::to_string(t.gap) + " on " + kind;
  for (int count : threads) {
    fastdl::set_num_threads(count);
    if (c_size) std::memcpy(c.data(), start.data(), size_t(c_size) * 4);
    fastdl::gemm_bf16(t.trans_a, t.trans_b, t.m, t.n, t.k, a.data(), lda, b.data(), ldb, c.data(), ldc, t.accumulate,
                      {t.bias ? bias.data() : nullptr, nullptr, nullptr});
    if (count == *threads.begin() && c_size) std::memcpy(first.data(), c.data(), size_t(c_size) * 4);
    EXPECT(!c_size || !std::memcmp(first.data(), c.data(), size_t(c_size) * 4), what, ": other bits with ", count,
           " threads");
  }
  const bool all = t.m * t.n * t.k <= 1000000;
  for (int64_t i = 0; i < c_size; ++i) {
    const int64_t row = i / ldc, column = i % ldc;
    if (column >= t.n) {
      EXPECT(!std::memcmp(first.data() + i, start.data() + i, 4), what, ": wrote between rows");
      continue;
    }
    if (!all && random.below(t.m * t.n) > 4000) continue;
    double sum = t.accumulate ? start.data()[i] : 0, magnitudes = std::fabs(sum);
    for (int64_t l = 0; l < t.k; ++l) {
      const double product = double(rounded(a.data()[t.trans_a ? l * lda + row : row * lda + l])) *
                             rounded(b.data()[t.trans_b ? column * ldb + l : l * ldb + column]);
      sum += product;
      magnitudes += std::fabs(product);
    }
    if (t.bias) sum += bias.data()[column], magnitudes += std::fabs(bias.data()[column]);
    const double bound = double(std::min<int64_t>(t.k, 1024) + t.k / 1024 + 4) * test::kEps * magnitudes;
    EXPECT(std::fabs(first.data()[i] - sum) <= bound, what, ": row ", row, " column ", column, " is ", first.data()[i],
           ", expected ", sum);
  }
}

}  // namespace

TEST(gemm_bf16_small_sizes_in_every_layout) {
  on_each_kind([](const std::string& kind) {
    Random random;
    const int64_t few[] = {0, 1, 2, 15, 16, 17, 33};
    for (int64_t m : few)
      for (int64_t n : few)
        for (int64_t k : {0, 1, 2, 16, 31, 32, 47, 65})
          for (int layout = 0; layout < 4; ++layout)
            check({m, n, k, (layout & 1) != 0, (layout & 2) != 0, random.below(2) == 1, random.below(2) == 1,
                   random.below(4)},
                  kind, {1}, random);
  });
}

// Beyond one block of k and of columns, beyond one slab of A; primes.
TEST(gemm_bf16_blocks_and_threads) {
  on_each_kind([](const std::string& kind) {
    Random random;
    const int64_t sizes[][3] = {{131, 137, 1009}, {47, 1051, 521},  {1031, 3, 1033}, {3, 2053, 131},
                                {5, 7, 5003},     {331, 2053, 263}, {64, 512, 512},  {2100, 33, 1033},
                                {701, 37, 4099},  {17, 35, 50176},  {65, 300, 2049}, {40, 530, 3100}};
    for (auto& [m, n, k] : sizes)
      for (int layout = 0; layout < 4; ++layout)
        check({m, n, k, (layout & 1) != 0, (layout & 2) != 0, layout % 3 == 0, layout % 2 == 0, layout == 2 ? 3 : 0},
              kind, {1, 2, 7}, random);
  });
}

// 1 + 2^-8 lies between two bfloat16 numbers, of which 1 is even; 1 + 3 2^-8 rounds up to 1 + 2^-6. The product with
// the unit matrix is the rounded matrix, at any place of a tile and with either kind of packing.
TEST(gemm_bf16_rounds_to_nearest_even) {
  on_each_kind([](const std::string&) {
    const float values[] = {
        1 + 0x1p-8f, 1 + 3 * 0x1p-8f, 1 + 0x1p-8f + 0x1p-23f, -1 - 0x1p-8f, 0x1.fffffep127f, 0x1p-140f,
        3e38f,       0x1p-126f,       -0x1.7fffffp-30f,       0.1f};
    const int64_t k = 70;
    for (float value : values)
      for (int64_t at : {0, 1, 37, 69})
        for (int layout = 0; layout < 8; ++layout) {
          const bool ta = layout & 1, tb = layout & 2, right = layout & 4;
          std::vector<float> x(k * k), one(k * k), c(k * k);
          x[at * k + at] = value;
          one[at * k + at] = 1;
          const float *left = right ? one.data() : x.data(), *other = right ? x.data() : one.data();
          fastdl::gemm_bf16(ta, tb, k, k, k, left, k, other, k, c.data(), k, false);
          EXPECT(c[at * k + at] == rounded(value), value, " becomes ", c[at * k + at]);
        }
  });
}

TEST(gemm_bf16_carries_nan_and_infinity) {
  on_each_kind([](const std::string& kind) {
    const float low_nan = test::from_bits(0x7f800001);  // rounding drops these bits
    for (int layout = 0; layout < 4; ++layout)
      for (float nan : {kNaN, low_nan}) {
        const bool ta = layout & 1, tb = layout & 2;
        const int64_t m = 20, n = 40, k = 45;
        std::vector<float> a(m * k, 1.0f), b(k * n, 0.0f), c(m * n, kNaN);
        auto at_a = [&](int64_t i, int64_t l) -> float& { return ta ? a[l * m + i] : a[i * k + l]; };
        auto at_b = [&](int64_t l, int64_t j) -> float& { return tb ? b[j * k + l] : b[l * n + j]; };
        auto run = [&] {
          fastdl::gemm_bf16(ta, tb, m, n, k, a.data(), ta ? m : k, b.data(), tb ? k : n, c.data(), n, false);
        };
        run();  // the old contents of C have no effect
        for (float x : c) EXPECT(x == 0.0f, "zeros give zero on ", kind);
        at_a(m - 1, 5) = kInf;  // infinity * 0 is NaN, in the last row alone
        run();
        for (int64_t i = 0; i < m; ++i)
          for (int64_t j = 0; j < n; ++j)
            EXPECT(std::isnan(c[i * n + j]) == (i == m - 1), "infinity times zero, row ", i);
        at_b(5, n - 1) = 2.0f;
        run();
        EXPECT(c[m * n - 1] == kInf, "infinity times two is ", c[m * n - 1]);
        at_b(44, n - 1) = nan;
        run();
        for (int64_t i = 0; i < m; ++i) EXPECT(std::isnan(c[i * n + n - 1]), "NaN, row ", i);
        EXPECT(c[0] == 0.0f, "and no other one");
      }
  });
}

namespace {
void shifted_square(float* y, const float* x, int64_t n, const float* p) {
  for (int64_t i = 0; i < n; ++i) y[i] = (x[i] - p[0]) * (x[i] - p[0]);
}
}  // namespace

TEST(gemm_bf16_epilogue_equals_separate_passes) {
  on_each_kind([](const std::string& kind) {
    Random random;
    const float parameter = 0.25f;
    const int64_t sizes[][3] = {{1, 1, 0}, {33, 300, 40}, {300, 35, 1100}};
    for (auto& [m, n, k] : sizes)
      for (int count : {1, 2, 7}) {
        fastdl::set_num_threads(count);
        std::vector<float> a(m * k), b(k * n), bias(n), separate(m * n), c(m * n);
        for (auto* x : {&a, &b, &bias})
          for (float& value : *x) value = random.value();
        fastdl::gemm_bf16(false, false, m, n, k, a.data(), k, b.data(), n, separate.data(), n, false);
        for (int64_t i = 0; i < m * n; ++i) separate[i] += bias[i % n];
        shifted_square(separate.data(), separate.data(), m * n, &parameter);
        fastdl::gemm_bf16(false, false, m, n, k, a.data(), k, b.data(), n, c.data(), n, false,
                          {bias.data(), shifted_square, &parameter});
        EXPECT(!std::memcmp(c.data(), separate.data(), size_t(m * n) * 4), m, "x", n, "x", k, " with ", count,
               " threads on ", kind);
      }
  });
}
