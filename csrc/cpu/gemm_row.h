#pragma once
#include <stdint.h>

namespace fastdl {

// A row of register tiles, for gemm_row (kernels.inc says what it computes).
struct GemmRow {
  int64_t m, n, k;
  const float* a;
  int64_t a_row, a_col;
  const float* b;
  int64_t b_row, panel, panel_stride;
  float* c;
  int64_t c_row;
  const float* start;
  int64_t start_row;
  bool add;
  const float* bias;
};

}  // namespace fastdl
