// Integers at the bounds of their types, for UBSan, which reports what C++ does not define. tests/op_cases/integers.py
// compares the values with NumPy's.
#include <cmath>
#include <limits>
#include <vector>

#include "check.h"
#include "cpu/kernels.h"
#include "ops/ops.h"

using namespace fastdl;

namespace {

constexpr DType kTypes[] = {DType::bool8, DType::uint8, DType::int32, DType::int64};

// All pairs of a few numbers, as two columns of one tensor each.
void pairs(DType t, Tensor& a, Tensor& b) {
  dispatch(t, [&](auto zero) {
    using T = decltype(zero);
    using L = std::numeric_limits<T>;
    std::vector<T> few = {T(0), T(1)};
    if (t != DType::bool8)
      few.insert(few.end(), {L::lowest(), T(L::lowest() + 1), T(-1), T(3), T(L::max() / 2), L::max()});
    const int64_t n = int64_t(few.size());
    a = empty({n * n}, t), b = empty({n * n}, t);
    for (int64_t i = 0; i < n * n; ++i) {
      a->data<T>()[i] = few[size_t(i / n)];
      b->data<T>()[i] = few[size_t(i % n)];
    }
  });
}

}  // namespace

TEST(arithmetic_of_integers_is_defined) {
  for (DType t : kTypes) {
    Tensor a, b;
    pairs(t, a, b);
    for (auto f : {add, mul, floor_divide, mod, maximum, minimum, eq, lt, ge}) f(a, b);
    if (t == DType::bool8) continue;
    Tensor q = floor_divide(a, b), r = mod(a, b), back = add(mul(q, b), r), whole = eq(b, zeros({}, t));
    EXPECT(item(all(logical_or(eq(a, back), whole), std::nullopt, false)) == 1, "a != a // b * b + a % b for ", t);
    sub(a, b), neg(a), abs(a), sign(a), square(a), isfinite(a);
    pow(a, clip(b, 0, 70));
    clip(a, -INFINITY, INFINITY), clip(a, -1e30, 3), clip(a, -3, 1e30);
    add_(copy(a), b);
  }
}

TEST(sums_of_integers_are_defined) {
  for (DType t : kTypes) {
    Tensor a, b;
    pairs(t, a, b);
    for (int i = 0; i < 3; ++i) a = concat({a, b, a}, 0);
    sum(a, std::nullopt, false), prod(a, std::nullopt, false), cumsum(a, 0), mean(a, std::nullopt, false);
    a = reshape(a, {-1, 4});
    sum(a, std::vector<int64_t>{0}, false), cumsum(a, 0), max(a, std::nullopt, false), argmin(a, 1, false);
    matmul(a, transpose(a, std::nullopt), false, false);
    Tensor rows = reshape(cast(logical_and(a, a), DType::int64), {-1});
    scatter_add(reshape(a, {-1}), rows, 0, 2);
  }
}

TEST(casts_are_defined) {
  const float values[] = {NAN,           INFINITY,     -INFINITY,      1e30f,         -1e30f, 3e9f, -3e9f, 300,   -1,
                          2147483648.0f, 9.223372e18f, -2147483648.0f, -9.223372e18f, 254.9f, 0.5f, -0.5f, 1e-45f};
  Tensor x = empty({int64_t(std::size(values))}, DType::float32);
  std::copy(std::begin(values), std::end(values), x->data<float>());
  for (DType t : kTypes) {
    cast(x, t);
    for (float v : values) full({2}, t, v);
    Tensor a, b;
    pairs(t, a, b);
    for (DType to : kTypes) cast(a, to);
    cast(a, DType::float32);
    pad(a, {1}, {1}, 1e30);
    assign_(empty(x->shape, t), x);
  }
  EXPECT(item(cast(full({}, DType::float32, 3e9), DType::int32)) == 2147483647, "3e9 as int32");
  EXPECT(item(cast(full({}, DType::float32, NAN), DType::int32)) == 0, "NaN as int32");
  EXPECT(item(cast(full({}, DType::float32, -1), DType::uint8)) == 0, "-1 as uint8");
  EXPECT(convert<int64_t>(9223372036854775808.0) == INT64_MAX && convert<int64_t>(1e300) == INT64_MAX, "2^63 as int64");
  EXPECT(convert<int64_t>(-9223372036854775808.0) == INT64_MIN, "-2^63 as int64");
}

TEST(totals_keep_what_is_rounded_away) {
  Tensor total = zeros({1}), rest = zeros({1});
  accumulate_(total, rest, full({1}, DType::float32, 16777216));
  for (int i = 0; i < 100; ++i) accumulate_(total, rest, full({1}, DType::float32, 1));
  EXPECT(item(total) == 16777316 && item(rest) == 0, "2^24 + 100 is ", item(total), " and ", item(rest));
}

TEST(integer_kernels_at_every_length) {
  // Compared with a loop over single elements.
  auto check = [](auto zero) {
    using T = decltype(zero);
    constexpr int64_t kMost = 200;
    std::vector<T> a(kMost), b(kMost);
    uint64_t state = 7;
    for (auto* v : {&a, &b})
      for (T& x : *v) x = T((state = state * 6364136223846793005u + 1442695040888963407u) >> 30);
    for (size_t i = 0; i < kMost; i += 5) b[i] = a[i];
    auto wrap = [](unsigned __int128 x) { return T(uint64_t(x)); };
    for (int64_t n : {0, 1, 3, 15, 16, 17, 63, 64, 65, 200})
      for (int strides = 0; strides < 4; ++strides) {
        const int sa = strides & 1, sb = strides >> 1;
        for (int op = 0; op <= int(IntegerOp::ge); ++op) {
          std::vector<T> wide(a), exact(a);
          std::vector<uint8_t> truth(kMost, 7), exact_truth(kMost, 7);
          for (int64_t i = 0; i < n; ++i) {
            const T u = a[size_t(i * sa)], v = b[size_t(i * sb)];
            const __int128 x = u, y = v;
            const T results[] = {wrap(x + y), wrap(x - y), wrap((unsigned __int128)x * (unsigned __int128)y),
                                 x > y ? u : v, x < y ? u : v};
            const bool truths[] = {x == y, x != y, x<y, x <= y, x> y, x >= y};
            if (op < 5)
              exact[size_t(i)] = results[op];
            else
              exact_truth[size_t(i)] = uint8_t(truths[op - 5]);
          }
          // In place where the result has the operands' type: `wide` starts as a copy of a.
          const bool in_place = op < 5;
          kernels().integers(IntegerOp(op), integer_kind<T>, in_place ? (void*)wide.data() : truth.data(),
                             in_place && n ? wide.data() : a.data(), b.data(), n, sa, sb);
          EXPECT(wide == exact && truth == exact_truth, "kind ", integer_kind<T>, " op ", op, " n ", n, " strides ", sa,
                 sb);
        }
      }
  };
  check(uint8_t(0)), check(int8_t(0)), check(int32_t(0)), check(int64_t(0));
}

TEST(transposes_of_words_at_every_size) {
  for (int64_t rows : {1, 3, 4, 7, 8, 15, 16, 17, 33})
    for (int64_t columns : {1, 2, 5, 8, 16, 19, 32}) {
      const int64_t x_row = columns + 3, y_row = rows + 2;
      std::vector<uint32_t> x(size_t(rows * x_row)), y(size_t(columns * y_row), 0xdeadbeef), exact(y);
      for (size_t i = 0; i < x.size(); ++i) x[i] = 0x7f800000u + uint32_t(i);  // infinity and NaNs of all kinds
      for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < columns; ++j) exact[size_t(j * y_row + i)] = x[size_t(i * x_row + j)];
      kernels().transpose_words(reinterpret_cast<float*>(y.data()), y_row, reinterpret_cast<float*>(x.data()), x_row,
                                rows, columns);
      EXPECT(y == exact, rows, " x ", columns);
    }
}
