// A register tile of a convolution, for conv_tile (kernels.inc says what it computes).
#pragma once
#include <stdint.h>

namespace fastdl {

// A run of the sum: k products that lie at equal distances in both operands.
struct ConvSegment {
  const float *a, *b;
  int64_t k;
};

struct ConvRow {
  int64_t m, n;
  const ConvSegment* segments;
  int64_t count;
  int64_t a_offset, b_offset;  // floats from the segments' operands to those of this tile
  const int64_t* a_rows;       // null, or for each row its floats from those of row 0; a_offset and a_row are 0 then
  int64_t a_row, a_col;
  int64_t b_row;
  float* c;
  int64_t c_row;
  const float* start;
  int64_t start_row;
  bool add;
  const float* bias;
};

}  // namespace fastdl
