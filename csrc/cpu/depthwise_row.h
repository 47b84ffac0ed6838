// Pixels of a depthwise convolution whose taps are the same, for the kernels (kernels.inc says what they compute).
#pragma once
#include <stdint.h>

namespace fastdl {

struct DepthwiseTap {
  const float *x, *w;  // for the first pixel
};

struct DepthwisePixels {
  int64_t rows, pixels, channels;
  const DepthwiseTap* taps;
  int64_t count;
  int64_t x_row, x_pixel;  // floats from the inputs of a row and of a pixel to those of the next
  float* y;
  int64_t y_row, y_pixel;
  const float* bias;
};

struct DepthwiseGradient {
  int64_t images, rows, pixels, channels;
  const float* x;  // of the first tap
  int64_t x_image, x_row, x_pixel;
  const float* dy;
  int64_t dy_image, dy_row, dy_pixel;
  int64_t tap_rows, tap_columns;    // how many taps; at most depthwise_gradient_columns
  int64_t x_tap_row, x_tap_column;  // floats from the inputs of a tap to those of the next
  float* dw;
  int64_t dw_tap_row, dw_tap_column;
};

}  // namespace fastdl
