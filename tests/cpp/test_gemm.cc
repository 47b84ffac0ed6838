// gemm compared with the naive chains, bit for bit, and with float64, within the error of its roundings.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "check.h"
#include "core/parallel.h"
#include "cpu/gemm.h"
#include "cpu/isa.h"
#include "cpu/reference.h"
#include "matrices.h"

namespace {

using fastdl::Epilogue;
using fastdl::kernels;
using test::extent;
using test::Random;

// Floats that end right before a protected page. AddressSanitizer does not see loads and stores of vector intrinsics;
// the protection does.
class Guarded {
 public:
  explicit Guarded(int64_t n) {
    const size_t page = size_t(sysconf(_SC_PAGESIZE)), bytes = size_t(n) * sizeof(float);
    const size_t pages = (bytes + page - 1) / page;
    size_ = (pages + 2) * page;
    base_ = static_cast<char*>(mmap(nullptr, size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (pages) mprotect(base_ + page, pages * page, PROT_READ | PROT_WRITE);
    data_ = reinterpret_cast<float*>(base_ + (pages + 1) * page - bytes);
  }
  Guarded(const Guarded&) = delete;
  ~Guarded() { munmap(base_, size_); }
  float* data() { return data_; }
  float& operator[](int64_t i) { return data_[i]; }

 private:
  char* base_;
  size_t size_;
  float* data_;
};

bool fused() { return std::string(kernels().isa) != "baseline"; }

struct Case {
  int64_t m, n, k;
  bool trans_a = false, trans_b = false, accumulate = false, bias = false;
  int64_t gap = 0;  // floats between the rows of each matrix
  int64_t batch = 1;
  bool share_a = false, share_b = false;
  bool tiny = false;  // products and some operands are about as small as the least normal number
};

std::string describe(const Case& t) {
  std::ostringstream s;
  s << t.m << "x" << t.n << "x" << t.k << (t.trans_a ? " A^T" : "") << (t.trans_b ? " B^T" : "")
    << (t.accumulate ? " accumulate" : "") << (t.bias ? " bias" : "") << " gap " << t.gap << " batch " << t.batch
    << (t.tiny ? " tiny" : "") << " on " << kernels().isa;
  return s.str();
}

bool same_bits(float x, float y) { return (x != x && y != y) || std::memcmp(&x, &y, 4) == 0; }

// Runs one case with each number of threads. The gaps hold NaN: a read of a gap spreads it, a write replaces it. For
// large products the naive chain gives some rows only; the other rows are compared between the numbers of threads.
void check(const Case& t, std::initializer_list<int> threads, Random& random) {
  const int64_t a_rows = t.trans_a ? t.k : t.m, a_columns = t.trans_a ? t.m : t.k;
  const int64_t b_rows = t.trans_b ? t.n : t.k, b_columns = t.trans_b ? t.k : t.n;
  const int64_t lda = a_columns + t.gap, ldb = b_columns + t.gap, ldc = t.n + t.gap;
  const int64_t stride_a = t.share_a ? 0 : a_rows * lda, stride_b = t.share_b ? 0 : b_rows * ldb;
  const int64_t stride_c = t.m * ldc;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto value = [&](bool sum) {  // of an operand, or of a term of the sum
    if (!t.tiny) return random.value();
    return std::ldexp(random.value(), random.below(8) == 0 ? -130 : (sum ? -120 : -60) - int(random.below(8)));
  };
  auto fill = [&](Guarded& x, int64_t size, int64_t columns, int64_t row, bool sum = false) {
    for (int64_t i = 0; i < size; ++i) x[i] = i % row < columns ? value(sum) : nan;
  };
  auto size_of = [&](int64_t rows, int64_t columns, int64_t row, int64_t stride) {
    return t.batch && extent(rows, columns, row) ? (t.batch - 1) * stride + extent(rows, columns, row) : 0;
  };
  const int64_t a_size = size_of(a_rows, a_columns, lda, stride_a);
  const int64_t b_size = size_of(b_rows, b_columns, ldb, stride_b);
  const int64_t c_size = size_of(t.m, t.n, ldc, stride_c);
  Guarded a(a_size), b(b_size), c(c_size), start(c_size), expected(c_size), bias(t.n);
  fill(a, a_size, a_columns, lda);
  fill(b, b_size, b_columns, ldb);
  fill(start, c_size, t.n, ldc, true);
  fill(bias, t.n, t.n, t.n + 1, true);
  std::memcpy(expected.data(), start.data(), size_t(c_size) * 4);
  std::vector<int64_t> rows;
  const bool all = t.batch > 1 || t.m * t.n * t.k <= 1000000;
  for (int64_t i = 0; i < t.m; ++i)
    if (all || i == 0 || i == t.m - 1 || random.below(t.m) < 3) rows.push_back(i);
  for (int64_t i = 0; i < t.batch && c_size; ++i)
    for (int64_t row : rows)
      fastdl::reference::gemm(fused(), t.trans_a, t.trans_b, 1, t.n, t.k,
                              a.data() + i * stride_a + (t.trans_a ? row : row * lda), lda, b.data() + i * stride_b,
                              ldb, expected.data() + i * stride_c + row * ldc, ldc, t.accumulate,
                              t.bias ? bias.data() : nullptr);
  const Epilogue epilogue = {t.bias ? bias.data() : nullptr, nullptr, nullptr};
  for (int count : threads) {
    fastdl::set_num_threads(count);
    std::memcpy(c.data(), start.data(), size_t(c_size) * 4);
    if (t.batch == 1)
      fastdl::gemm(t.trans_a, t.trans_b, t.m, t.n, t.k, a.data(), lda, b.data(), ldb, c.data(), ldc, t.accumulate,
                   epilogue);
    else
      fastdl::gemm_batched(t.batch, t.trans_a, t.trans_b, t.m, t.n, t.k, a.data(), lda, stride_a, b.data(), ldb,
                           stride_b, c.data(), ldc, stride_c, t.accumulate, epilogue);
    if (!all && count == *threads.begin())  // the first result replaces the rows that were not computed
      for (int64_t i = 0; i < t.m; ++i)
        if (!std::binary_search(rows.begin(), rows.end(), i))
          std::memcpy(expected.data() + i * ldc, c.data() + i * ldc, size_t(t.n) * 4);
    int64_t wrong = 0;
    while (wrong < c_size && same_bits(c[wrong], expected[wrong])) ++wrong;
    EXPECT(wrong == c_size, describe(t), " with ", count, " threads: row ", wrong / ldc, " column ", wrong % ldc,
           " is ", c[wrong], ", the chain gives ", expected[wrong]);
  }
}

const int64_t kSizes[] = {0, 1, 2, 3, 7, 15, 16, 17, 31, 33, 64, 65, 100, 129, 257};

}  // namespace

TEST(gemm_small_sizes_in_every_layout) {
  const int threads = fastdl::num_threads();
  Random random;
  const int64_t few[] = {0, 1, 2, 3, 5, 8, 13, 17, 33};
  for (int64_t m : few)
    for (int64_t n : few)
      for (int64_t k : {0, 1, 2, 7, 16, 19})
        for (int layout = 0; layout < 4; ++layout)
          check({.m = m,
                 .n = n,
                 .k = k,
                 .trans_a = (layout & 1) != 0,
                 .trans_b = (layout & 2) != 0,
                 .accumulate = random.below(2) == 1,
                 .bias = random.below(2) == 1,
                 .gap = random.below(4)},
                {1}, random);
  fastdl::set_num_threads(threads);
}

TEST(gemm_mixed_sizes_and_threads) {
  const int threads = fastdl::num_threads();
  Random random;
  const int64_t count = std::size(kSizes);
  for (int i = 0; i < 120; ++i)
    check({.m = kSizes[random.below(count)],
           .n = kSizes[random.below(count)],
           .k = kSizes[random.below(count)],
           .trans_a = random.below(2) == 1,
           .trans_b = random.below(2) == 1,
           .accumulate = random.below(2) == 1,
           .bias = random.below(2) == 1,
           .gap = random.below(3) * 5},
          {1, 2, 7}, random);
  fastdl::set_num_threads(threads);
}

// Beyond one block of k, of columns or of rows; vectors; primes.
TEST(gemm_blocks_and_thin_shapes) {
  const int threads = fastdl::num_threads();
  Random random;
  const int64_t sizes[][3] = {{1, 1031, 1033},  {1031, 1, 1033},  {3, 2053, 131},   {2053, 3, 131}, {5, 7, 5003},
                              {131, 137, 1009}, {47, 1051, 521},  {15, 701, 503},   {29, 4099, 11}, {4099, 10, 17},
                              {1, 1, 4099},     {331, 2053, 263}, {97, 1031, 2051}, {131, 10, 515}, {259, 117, 133},
                              {151, 207, 301},  {4, 67, 131},     {2, 16, 48},      {600, 211, 151}};
  for (auto& s : sizes)
    for (int layout = 0; layout < 4; ++layout)
      check({.m = s[0],
             .n = s[1],
             .k = s[2],
             .trans_a = (layout & 1) != 0,
             .trans_b = (layout & 2) != 0,
             .accumulate = layout % 3 == 0,
             .bias = layout % 2 == 0,
             .gap = layout == 2 ? 3 : 0},
            {1, 2, 7}, random);
  fastdl::set_num_threads(threads);
}

// Sizes around the ends of the blocks of a sum, and many blocks. Threads take different elements; where there are few
// elements, they take different blocks. The sanitizers make products 50 times as slow, and wrong addresses show in
// short sums, too. So the longest sums run without them.
#if defined(__SANITIZE_ADDRESS__)
constexpr int64_t kLongest = 5003;
#else
constexpr int64_t kLongest = 70000;
#endif

TEST(gemm_long_sums) {
  const int threads = fastdl::num_threads();
  Random random;
  const int64_t sizes[][2] = {{1, 1}, {1, 40}, {40, 1}, {3, 70}, {10, 16}, {64, 27}, {130, 51}};
  for (auto& [m, n] : sizes)
    for (int64_t k : {1023, 1024, 1025, 2048, 2049, 5003, 50176})
      for (int layout = 0; layout < 4; ++layout)
        if (k <= kLongest && (k < 5000 || m * n < 200))
          check({.m = m,
                 .n = n,
                 .k = k,
                 .trans_a = (layout & 1) != 0,
                 .trans_b = (layout & 2) != 0,
                 .accumulate = random.below(2) == 1,
                 .bias = random.below(2) == 1,
                 .gap = random.below(2) * 3},
                {1, 2, 7}, random);
  for (int layout = 0; layout < 4; ++layout) {
    const bool ta = layout & 1, tb = layout & 2;
    check({.m = 5, .n = 9, .k = 2100, .trans_a = ta, .trans_b = tb, .batch = 3}, {1, 2, 7}, random);
    check({.m = 3, .n = 2, .k = 1100, .trans_a = ta, .trans_b = tb, .batch = 40, .share_a = true}, {1, 2, 7}, random);
    if (kLongest < 70000) continue;
    check({.m = 600, .n = 530, .k = 2100, .trans_a = ta, .trans_b = tb, .accumulate = true, .bias = ta}, {1, 2, 7},
          random);
    // More sums of blocks than are kept at a time: 64 of 16,384 elements.
    check({.m = 128, .n = 128, .k = 70000, .trans_a = ta, .trans_b = tb, .accumulate = ta, .bias = true}, {1, 3},
          random);
  }
  fastdl::set_num_threads(threads);
}

// A subnormal number counts as zero in operands, in products, in sums, in C and in the bias.
TEST(gemm_flushes_subnormals) {
  const int threads = fastdl::num_threads();
  Random random;
  const int64_t sizes[][3] = {{1, 1, 40},  {1, 40, 33},  {40, 1, 33},    {4, 67, 131},   {33, 50, 70},
                              {17, 16, 0}, {3, 5, 2100}, {10, 16, 5003}, {150, 140, 300}};
  for (auto& [m, n, k] : sizes)
    for (int layout = 0; layout < 16; ++layout)
      check({.m = m,
             .n = n,
             .k = k,
             .trans_a = (layout & 1) != 0,
             .trans_b = (layout & 2) != 0,
             .accumulate = (layout & 4) != 0,
             .bias = (layout & 8) != 0,
             .tiny = true},
            {1, 2, 7}, random);
  for (int layout = 0; layout < 4; ++layout)
    check(
        {.m = 5, .n = 9, .k = 21, .trans_a = (layout & 1) != 0, .trans_b = (layout & 2) != 0, .batch = 9, .tiny = true},
        {1, 7}, random);
  fastdl::set_num_threads(threads);
}

// Elementwise kernels keep subnormals on each thread, also after a product.
TEST(gemm_leaves_subnormals_to_others) {
  const int threads = fastdl::num_threads();
  const std::vector<float> least(64, 0x1p-149f), normal(64, 1.0f);
  for (int count : {1, 2, 7}) {
    fastdl::set_num_threads(count);
    std::vector<float> c(64 * 64), a(64 * 4000, 1.0f);
    for (bool trans_b : {false, true})
      fastdl::gemm(false, trans_b, 64, 64, 4000, a.data(), 4000, a.data(), trans_b ? 4000 : 64, c.data(), 64, false);
    std::vector<float> sums(64 * 64);
    fastdl::parallel_for(64, 1, [&](int64_t i, int64_t end) {
      for (; i < end; ++i) {
        float* to = sums.data() + 64 * i;
        kernels().add(to, least.data(), least.data(), 64, 1, 1, nullptr);
        kernels().mul(to, to, normal.data(), 64, 1, 1, nullptr);
      }
    });
    for (float x : sums) EXPECT(x == 0x1p-148f, x, " with ", count, " threads on ", kernels().isa);
  }
  fastdl::set_num_threads(threads);
}

TEST(gemm_batched) {
  const int threads = fastdl::num_threads();
  Random random;
  for (int share = 0; share < 4; ++share)
    for (int layout = 0; layout < 4; ++layout)
      for (int64_t batch : {0, 1, 2, 9})
        for (int64_t size : {1, 6, 21})
          check({.m = size + 1,
                 .n = size == 6 ? 1 : 2 * size,
                 .k = size + 3,
                 .trans_a = (layout & 1) != 0,
                 .trans_b = (layout & 2) != 0,
                 .accumulate = random.below(2) == 1,
                 .bias = random.below(2) == 1,
                 .gap = random.below(2) * 3,
                 .batch = batch,
                 .share_a = (share & 1) != 0,
                 .share_b = (share & 2) != 0},
                {1, 7}, random);
  fastdl::set_num_threads(threads);
}

namespace {
// An example of an activation: it is not linear, and it depends on its parameter.
void shifted_square(float* y, const float* x, int64_t n, const float* p) {
  for (int64_t i = 0; i < n; ++i) y[i] = (x[i] - p[0]) * (x[i] - p[0]);
}
}  // namespace

TEST(gemm_epilogue_equals_separate_passes) {
  const int threads = fastdl::num_threads();
  Random random;
  const float parameter = 0.25f;
  const int64_t sizes[][3] = {{1, 1, 0},      {1, 300, 40}, {300, 1, 40},   {32, 10, 64},
                              {65, 129, 700}, {3, 5, 0},    {12, 20, 9000}, {65, 129, 2100}};
  for (auto& [m, n, k] : sizes)
    for (int count : {1, 2, 7}) {
      fastdl::set_num_threads(count);
      Guarded a(m * k), b(k * n), bias(n), separate(m * n), c(m * n);
      for (int64_t i = 0; i < m * k; ++i) a[i] = random.value();
      for (int64_t i = 0; i < k * n; ++i) b[i] = random.value();
      for (int64_t i = 0; i < n; ++i) bias[i] = random.value();
      fastdl::gemm(false, false, m, n, k, a.data(), k, b.data(), n, separate.data(), n, false);
      for (int64_t i = 0; i < m * n; ++i) separate[i] += bias[i % n];
      shifted_square(separate.data(), separate.data(), m * n, &parameter);
      fastdl::gemm(false, false, m, n, k, a.data(), k, b.data(), n, c.data(), n, false,
                   {bias.data(), shifted_square, &parameter});
      EXPECT(std::memcmp(c.data(), separate.data(), size_t(m * n) * 4) == 0, m, "x", n, "x", k, " with ", count,
             " threads on ", kernels().isa);
    }
  fastdl::set_num_threads(threads);
}

// Packed and plain B give the same result. The gap between the rows of B is no part of B.
TEST(gemm_packed_equals_gemm) {
  const int threads = fastdl::num_threads();
  Random random;
  const float parameter = 0.25f;
  const int64_t sizes[][3] = {{1, 512, 784},   {4, 33, 5},  {5, 33, 5},     {64, 512, 784},
                              {300, 101, 700}, {17, 1, 40}, {6, 100, 0},    {14, 1031, 19},
                              {0, 5, 3},       {5, 0, 3},   {10, 16, 5003}, {70, 90, 2100}};
  for (auto& [m, n, k] : sizes)
    for (bool trans_b : {false, true})
      for (bool accumulate : {false, true})
        for (int count : {1, 2, 7}) {
          fastdl::set_num_threads(count);
          const int64_t ldb = (trans_b ? k : n) + 3, size = trans_b ? n * ldb : k * ldb;
          Guarded a(m * k), b(size), bias(n), packed(fastdl::packed_b_floats(n, k)), plain(m * n), c(m * n);
          for (int64_t i = 0; i < m * k; ++i) a[i] = random.value();
          for (int64_t i = 0; i < size; ++i)
            b[i] = i % ldb < ldb - 3 ? random.value() : std::numeric_limits<float>::quiet_NaN();
          for (int64_t i = 0; i < n; ++i) bias[i] = random.value();
          for (int64_t i = 0; i < m * n; ++i) plain[i] = c[i] = random.value();
          const Epilogue epilogue = {bias.data(), shifted_square, &parameter};
          fastdl::gemm(false, trans_b, m, n, k, a.data(), k, b.data(), ldb, plain.data(), n, accumulate, epilogue);
          fastdl::pack_b(trans_b, n, k, b.data(), ldb, packed.data());
          fastdl::gemm_packed(trans_b, m, n, k, a.data(), k, b.data(), ldb, packed.data(), c.data(), n, accumulate,
                              epilogue);
          int64_t wrong = 0;
          while (wrong < m * n && same_bits(c[wrong], plain[wrong])) ++wrong;
          EXPECT(wrong == m * n, m, "x", n, "x", k, trans_b ? " B^T" : "", " with ", count, " threads on ",
                 kernels().isa, ": element ", wrong);
        }
  fastdl::set_num_threads(threads);
}

// Each rounding is at most half an ulp of a partial sum. Those of a block's chain and of the sum of blocks add up to
// |c - exact| <= (1024 + k / 1024) eps sum |a b|, eps = 2^-24. The bound is half as much again, for the second rounding
// of the baseline and for terms of order eps^2.
TEST(gemm_against_float64) {
  Random random;
  const int64_t m = 37, n = 53, k = 10009;
  std::vector<float> a(m * k), b(k * n), c(m * n);
  for (float& x : a) x = random.value();
  for (float& x : b) x = random.value();
  fastdl::gemm(false, false, m, n, k, a.data(), k, b.data(), n, c.data(), n, false);
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) {
      double exact = 0, sum = 0;
      for (int64_t l = 0; l < k; ++l) {
        const double product = double(a[i * k + l]) * b[l * n + j];
        exact += product;
        sum += std::fabs(product);
      }
      const double bound = (fused() ? 1.01 : 1.5) * (1024 + k / 1024) * std::ldexp(1.0, -24) * sum;
      EXPECT(std::fabs(c[i * n + j] - exact) <= bound, i, ",", j, " on ", kernels().isa);
    }
}

TEST(gemm_carries_nan_and_infinity) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  for (int64_t m : {1, 20})
    for (int64_t n : {1, 40})
      for (int layout = 0; layout < 4; ++layout) {
        const bool ta = layout & 1, tb = layout & 2;
        const int64_t k = 21;
        std::vector<float> a(m * k, 1.0f), b(k * n, 0.0f), c(m * n, nan);
        auto at_a = [&](int64_t i, int64_t l) -> float& { return ta ? a[l * m + i] : a[i * k + l]; };
        auto at_b = [&](int64_t l, int64_t j) -> float& { return tb ? b[j * k + l] : b[l * n + j]; };
        auto run = [&] {
          fastdl::gemm(ta, tb, m, n, k, a.data(), ta ? m : k, b.data(), tb ? k : n, c.data(), n, false);
        };
        run();  // the old contents of C have no effect
        for (float x : c) EXPECT(x == 0.0f && !std::signbit(x), "zeros give +0");
        at_a(m - 1, 5) = inf;  // inf * 0 is NaN, in the last row alone
        run();
        for (int64_t i = 0; i < m; ++i)
          for (int64_t j = 0; j < n; ++j)
            EXPECT(std::isnan(c[i * n + j]) == (i == m - 1), "infinity times zero, row ", i);
        at_b(5, n - 1) = 2.0f;
        run();
        EXPECT(c[m * n - 1] == inf, "infinity times two is ", c[m * n - 1]);
        at_b(20, n - 1) = nan;
        run();
        EXPECT(std::isnan(c[n - 1]) && std::isnan(c[m * n - 1]), "NaN reaches its column");
      }
}

// -0 + -0 * 1 is -0. Neither operand may lose its sign when it is loaded.
TEST(gemm_carries_the_sign_of_zero) {
  for (int64_t m : {1, 20})
    for (int layout = 0; layout < 4; ++layout) {
      const bool ta = layout & 1, tb = layout & 2;
      const int64_t n = 40, k = 5;
      for (bool negative_a : {false, true}) {
        std::vector<float> a(m * k, negative_a ? -0.0f : 1.0f), b(k * n, negative_a ? 1.0f : -0.0f);
        std::vector<float> c(m * n, -0.0f);
        fastdl::gemm(ta, tb, m, n, k, a.data(), ta ? m : k, b.data(), tb ? k : n, c.data(), n, true);
        for (float x : c) EXPECT(x == 0.0f && std::signbit(x), "on ", kernels().isa);
      }
    }
}
