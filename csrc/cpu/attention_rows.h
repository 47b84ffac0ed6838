// Rows of scores in a block of keys, for the kernels of attention (kernels.inc says what they compute).
#pragma once
#include <stdint.h>

namespace fastdl {

struct AttentionRows {
  int64_t rows;
  float* scores;  // the products of queries and keys
  int64_t row;    // floats from a row to the next, a multiple of 16 and at least width + 15
  // Row r attends to its first min(keys, end + r * step) keys. What follows up to `width` becomes 0.
  int64_t keys, end, step, width;
  float scale;  // of the products, times log2(e)
  // The exponents are scale * (product - the largest product). If not, they are written over the products first, so
  // that the largest is found among them; a mask, a bias and a scale below 0 need that.
  bool plain;
  const uint8_t* mask;  // null, or whether a key may be attended to
  int64_t mask_row, mask_step;
  const float* bias;  // null, or what is added to the scaled products
  int64_t bias_row, bias_step;
  // Dropout: element j of row r has the number j of the stream that starts at counter + r * counter_row.
  float rate;  // 0: none
  uint64_t seed, counter, counter_row;
};

}  // namespace fastdl
