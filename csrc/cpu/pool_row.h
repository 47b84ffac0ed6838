// A row of results of a pooling: what the kernels read for it.
#pragma once
#include <stdint.h>

namespace fastdl {

// A window lies in several rows of the input. In each of them a result o reads count[o] places from first[o] on, one
// `step` apart. Positions count places of the whole window, those outside of the input included.
//
// With many channels a place is a pixel, and the tables have an entry for each pixel. With few it is an element, and
// they have one for each element; `channels` is then 1.
struct PoolRow {
  int64_t places, channels;                      // of the row of results
  int64_t outer, inner, outer_step, inner_step;  // rows of the window, and how many elements they are apart
  const int32_t *first, *count;
  int64_t step, most;  // most: the largest count
};

// The positions of the values in a window of a maximum.
struct PoolPositions {
  void* data;  // for each result the position of its value in its window; bytes, or int32 if wide; null for none
  bool wide;
  int32_t at, outer_step, inner_step, step;  // the position of the first row, and from one to the next
  const int32_t* skip;                       // how many places of the window lie before first[o]
};

// The other way round: which results read an input. Row (i, j) of results knows an input as position
// (outer_at - outer_start[i]) outer_unit + (inner_at - inner_start[j]) inner_unit + (pixel - start[o]).
struct PoolReaders {
  const void* positions;
  bool wide;
  int32_t outer_at, inner_at, outer_unit, inner_unit, pixel;
  const int32_t *outer_start, *inner_start, *start;
};

}  // namespace fastdl
