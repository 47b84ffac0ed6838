// Conversions between element types: all pairs compared with exact arithmetic, all 16-bit floats, ranges and aliasing.
#include <cfloat>
#include <random>

#include "check.h"
#include "core/dtype.h"
#include "cpu/isa.h"
#include "cpu/kernels.h"
#include "sample.h"

using namespace fastdl;

namespace {

// The values of a 16-bit float, computed from its fields. The tests check rounding with them.
double value_of(uint32_t bits, int mantissa) {
  const int exponent_bits = 15 - mantissa, bias = (1 << (exponent_bits - 1)) - 1;
  const int exponent = int(bits >> mantissa) & ((1 << exponent_bits) - 1);
  const double fraction = double(bits & ((1u << mantissa) - 1)) / double(1u << mantissa);
  const double sign = bits >> 15 ? -1 : 1;
  if (exponent == (1 << exponent_bits) - 1) return fraction ? NAN : sign * INFINITY;
  if (exponent == 0) return sign * ldexp(fraction, 1 - bias);
  return sign * ldexp(1 + fraction, exponent - bias);
}
int mantissa_of(DType t) { return t == DType::float16 ? 10 : 7; }

// The bits of the nearest value; a tie goes to the even one. Bisection over all positive values finds them.
uint16_t nearest(double x, int mantissa) {
  const uint32_t infinity = ((1u << (15 - mantissa)) - 1) << mantissa;
  if (std::isnan(x)) return 0x7fff;
  const double size = std::fabs(x);
  uint32_t low = 0,
           high = infinity;  // value(low) <= size, and below value(high) with infinity as the next power of two
  const double beyond = 2 * value_of(infinity - (1u << mantissa), mantissa);
  auto value = [&](uint32_t b) { return b == infinity ? beyond : value_of(b, mantissa); };
  if (size >= beyond) low = high;
  while (high - low > 1) {
    const uint32_t middle = (low + high) / 2;
    (value(middle) <= size ? low : high) = middle;
  }
  if (low != high) {
    const double half = (value(low) + value(high)) / 2;
    if (size > half || (size == half && low % 2)) low = high;
  }
  return uint16_t(low | (std::signbit(x) ? 0x8000 : 0));
}

std::vector<float> floats() {
  std::vector<float> x = {
      0,          -0.0f,       1,          -1,      0.5f,     -0.75f,        127,           128,
      127.9f,     -128,        -128.5f,    -129,    255,      255.9f,        256,           -1e-30f,
      1e-40f,     65504,       65519.99f,  65520,   -65536,   2147483520.0f, 2147483648.0f, -2147483648.0f,
      3e9f,       -3e9f,       9.2e18f,    9.3e18f, -9.3e18f, 3.3e38f,       FLT_MAX,       -FLT_MAX,
      test::kInf, -test::kInf, test::kNaN, 6e-8f,   2.9e-8f,  3e-8f,         6.1e-5f,       6.09e-5f};
  std::mt19937 random(1);
  for (int i = 0; i < 40000; ++i) x.push_back(test::from_bits(random()));
  // Values halfway between neighbours of both short types, and values next to them.
  for (uint32_t bits = 0; bits < 0x7f80; bits += 7)
    for (int beside : {-1, 0, 1}) {
      x.push_back(test::from_bits((bits << 16) + 0x8000 + beside));
      x.push_back(test::from_bits(uint32_t(0x33000000 + (bits << 13) + beside)));
    }
  return x;
}

// All values of a small type. Of a large one, those at which a conversion may go wrong.
template <class T>
std::vector<T> samples() {
  std::vector<T> x;
  if constexpr (std::is_same_v<T, float>) {
    return floats();
  } else if constexpr (kIsFloat16<T>) {
    for (uint32_t b = 0; b < 65536; ++b) {
      T v;
      v.bits = uint16_t(b);
      x.push_back(v);
    }
  } else if constexpr (sizeof(T) == 1) {
    for (int i = 0; i < 256; ++i) x.push_back(T(i));
  } else {
    for (int64_t i = -70000; i < 70000; i += 13) x.push_back(T(i));
    std::mt19937_64 random(2);
    for (int shift = 0; shift < 64; ++shift)
      for (int i = 0; i < 300; ++i) x.push_back(T(int64_t(random()) >> shift));
    for (int shift = 20; shift < 63; ++shift)  // next to a tie of rounding to 8 bits
      for (int64_t beside : {-1, 0, 1}) x.push_back(T((int64_t(0x101) << shift >> 9) + beside));
  }
  return x;
}

template <class T>
double exact(DType t, T x) {
  if constexpr (kIsFloat16<T>)
    return value_of(x.bits, mantissa_of(t));
  else
    return double(x);
}

template <class To, class From>
To expected(DType to, DType from, From x) {
  if (to == DType::bool8) return convert<To>(uint8_t(kIsFloat16<From> ? exact(from, x) != 0 : convert<double>(x) != 0));
  if constexpr (kIsFloat16<To>) {
    To r;
    if constexpr (std::is_same_v<From, int64_t>) {
      // Beyond 53 bits the last bit of the double says on which side of a tie the integer lies.
      const int64_t size = x < 0 ? -(x + 1) : x;
      r.bits = size >> 53 ? nearest(double(x >> 12 << 1 | ((x & 0xfff) != 0)) * 2048, mantissa_of(to))
                          : nearest(double(x), mantissa_of(to));
    } else {
      r.bits = nearest(exact(from, x), mantissa_of(to));
    }
    return r;
  } else if constexpr (kIsFloat16<From>) {
    return convert<To>(float(exact(from, x)));
  } else {
    return convert<To>(x);
  }
}

template <class T>
bool is_nan(DType t, T x) {
  if constexpr (std::is_integral_v<T>)
    return false;
  else
    return std::isnan(exact(t, x));
}

template <class To, class From>
void check_pair(DType to, DType from) {
  std::vector<From> x = samples<From>();
  if (from == DType::bool8)
    for (From& v : x) v = convert<From>(uint8_t(convert<double>(v) != 0));
  const int64_t n = int64_t(x.size());
  std::vector<To> y(x.size());
  kernels().cast(y.data(), to, x.data(), from, n);
  int wrong = 0;
  for (int64_t i = 0; i < n && wrong < 3; ++i) {
    const To want = expected<To>(to, from, x[i]);
    const bool same =
        is_nan(from, x[i]) && is_nan(to, want) ? is_nan(to, y[i]) : !std::memcmp(&want, &y[i], sizeof want);
    wrong += !same;
    EXPECT(same, from, " -> ", to, " of ", exact(from, x[i]), " is ", exact(to, y[i]), ", expected ", exact(to, want));
    const To one = convert_to<To>(to, x[i]);  // the scalar rule gives the same bits
    EXPECT(!std::memcmp(&one, &y[i], sizeof one) || (std::is_same_v<To, From>), "convert ", from, " -> ", to, " of ",
           exact(from, x[i]));
  }
  // Short ranges that end right before a protected page.
  for (int64_t length = 0; length < 70; ++length) {
    test::Guarded<From> in(std::vector<From>(x.end() - length, x.end()));
    test::Guarded<To> out(length);
    kernels().cast(out.data(), to, in.data(), from, length);
    EXPECT(length == 0 || !std::memcmp(out.data(), &y[size_t(n - length)], size_t(length) * sizeof(To)), from, " -> ",
           to, ", the last ", length);
  }
  if (sizeof(To) == sizeof(From)) {  // in place
    std::vector<From> both = x;
    kernels().cast(both.data(), to, both.data(), from, n);
    EXPECT(!std::memcmp(both.data(), y.data(), size_t(n) * sizeof(To)), from, " -> ", to, " in place");
  }
}

}  // namespace

TEST(casts_of_all_pairs_of_types) {
  for (int from = 0; from < kDTypes; ++from)
    for (int to = 0; to < kDTypes; ++to)
      dispatch_all(DType(from), [&](auto x) {
        dispatch_all(DType(to), [&](auto y) { check_pair<decltype(y), decltype(x)>(DType(to), DType(from)); });
      });
}

TEST(doubles_are_rounded_once) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 200000; ++i) {
    double x = std::bit_cast<double>((random() & ~(0x7ffull << 52)) | (uint64_t(1023 - 30 + random() % 48) << 52));
    if (i % 2) x = double(float(Float16(float(x)))) * (1 + 0x1p-11) * (1 + (i % 4 ? 0x1p-40 : -0x1p-40));
    EXPECT(Float16(x).bits == nearest(x, 10), "float16 of ", x);
    EXPECT(BFloat16(x).bits == nearest(x, 7), "bfloat16 of ", x);
  }
}
