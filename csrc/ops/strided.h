// Copies between a contiguous array and a strided window of another: what transpose, slice, flip, pad,
// broadcasting and slice assignment have in common.
#pragma once
#include "core/shape.h"

namespace fastdl {

// Element (i0, i1, ...) of the window lies at offset + i0 * step[0] + i1 * step[1] + ... of the strided
// array, counted in elements. Steps may be negative or (for reading) zero.
struct Window {
  int64_t offset = 0;
  int64_t step[kMaxRank] = {};
};

// Steps of the contiguous layout of `shape`.
Window contiguous_window(const Shape& shape);

// out[i] = in[window(i)] for every i of `shape`; `size` is that of an element in bytes: 1, 2, 4 or 8.
void read_window(void* out, const void* in, const Shape& shape, const Window& window, int64_t size);
// out[window(i)] = in[i]; the window's elements must be distinct.
void write_window(void* out, const void* in, const Shape& shape, const Window& window, int64_t size);

// Copies `rows` pieces of row_bytes each, which begin `pitch` bytes apart.
void copy_rows(void* out, int64_t out_pitch, const void* in, int64_t in_pitch, int64_t row_bytes, int64_t rows);

}  // namespace fastdl
