// What the tests of matrix products share.
#pragma once
#include <cstdint>

namespace test {

// Values of both signs and of many magnitudes, so that any change of order or rounding shows.
struct Random {
  uint64_t state = 1;
  uint32_t bits() {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return uint32_t(state >> 33);
  }
  float value() {
    const float x = float(bits()) / float(1u << 30) - 1.0f;
    return bits() % 16 ? x : x * 64.0f;
  }
  int64_t below(int64_t n) { return int64_t(bits() % uint32_t(n)); }
};

// Floats from the first to the last element of a matrix whose rows are `row` floats apart.
inline int64_t extent(int64_t rows, int64_t columns, int64_t row) {
  return rows == 0 || columns == 0 ? 0 : (rows - 1) * row + columns;
}

}  // namespace test
