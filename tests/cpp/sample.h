// Inputs and comparisons shared by the kernel tests.
#pragma once
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

namespace test {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr double kEps = 0x1p-24;  // the rounding error of one float32 operation

using Floats = std::vector<float>;

// n elements that end right before a protected page. AddressSanitizer does not see loads and stores of vector
// intrinsics; the protection does.
template <class T>
class Guarded {
 public:
  explicit Guarded(int64_t n) : n_(n) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), used = (n * sizeof(T) + page - 1) / page * page;
    mapped_ = used + page;
    base_ = (char*)mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(base_ + used, page, PROT_NONE);
    data_ = (T*)(base_ + used - n * sizeof(T));
  }
  explicit Guarded(const std::vector<T>& v) : Guarded((int64_t)v.size()) { *this = v; }
  Guarded(const Guarded&) = delete;
  ~Guarded() { munmap(base_, mapped_); }
  Guarded& operator=(const std::vector<T>& v) {
    std::copy(v.begin(), v.end(), data_);
    return *this;
  }
  T* data() { return data_; }
  T& operator[](int64_t i) { return data_[i]; }
  operator std::vector<T>() const { return {data_, data_ + n_}; }

 private:
  int64_t n_;
  size_t mapped_;
  char* base_;
  T* data_;
};

inline float from_bits(uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

// Same value and sign, or both NaN.
inline bool same(float a, float b) {
  return (std::isnan(a) && std::isnan(b)) || (a == b && std::signbit(a) == std::signbit(b));
}
inline bool same(const Floats& a, const Floats& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (!same(a[i], b[i])) return false;
  return true;
}

// |y - exact| in units in the last place of max(|exact|, floor), counting subnormal spacing as it is;
// infinite if only one of the two is (after rounding `exact` to float), or only one is NaN.
inline double error_in_ulp(float y, double exact, double floor = 0) {
  const float rounded = (float)exact;
  if (std::isnan(y) || std::isnan(rounded) || std::isinf(y) || std::isinf(rounded))
    return same(y, rounded) ? 0 : HUGE_VAL;
  const double size = std::fmax(std::fabs(exact), floor);
  const int exponent = size == 0 ? -126 : std::max(std::ilogb(size), -126);
  return std::fabs(y - exact) * std::ldexp(1.0, 23 - exponent);
}

inline const Floats& specials() {
  static const Floats values = {0.0f,   -0.0f,   0x1p-149f, -0x1p-149f, 0x1p-127f, -0x1p-127f, 0x1p-126f, -0x1p-126f,
                                1e-20f, -1e-20f, 1e-8f,     -1e-8f,     0.5f,      -0.5f,      1.0f,      -1.0f,
                                1.5f,   -1.5f,   2.0f,      -2.0f,      2.5f,      -2.5f,      3.0f,      -3.0f,
                                6.0f,   -6.0f,   20.0f,     -20.0f,     88.0f,     -88.0f,     89.0f,     -89.0f,
                                100.0f, -100.0f, 104.0f,    -104.0f,    1e4f,      -1e4f,      8388608.f, -8388608.f,
                                1e20f,  -1e20f,  3.4e38f,   -3.4e38f,   kInf,      -kInf,      kNaN,      -kNaN};
  return values;
}

// Numbers of a linear congruential generator (Knuth's MMIX). It is simple, and it differs from the generator under
// test.
class Lcg {
 public:
  explicit Lcg(uint64_t seed) : state_(seed * 2 + 1) {}
  uint32_t bits() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state_ >> 32);
  }
  float uniform(float low, float high) { return low + (high - low) * (float)(bits() * 0x1p-32); }
  Floats uniform(int64_t n, float low, float high) {
    Floats v(n);
    for (float& x : v) x = uniform(low, high);
    return v;
  }

 private:
  uint64_t state_;
};

}  // namespace test
