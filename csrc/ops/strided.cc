#include "ops/strided.h"

#include <algorithm>
#include <cstring>

#include "core/dtype.h"
#include "core/parallel.h"
#include "cpu/kernels.h"

namespace fastdl {
namespace {

// The window without axes of extent 1, and with axes merged that form one. The dense side is contiguous in the same
// order, so its position is a running count.
struct Loop {
  int rank = 0;
  int64_t extent[kMaxRank], step[kMaxRank];
  int64_t total = 1;

  Loop(const Shape& shape, const Window& w) {
    for (int i = 0; i < shape.rank(); ++i) {
      total *= shape[i];
      if (shape[i] == 1) continue;
      if (rank && step[rank - 1] == w.step[i] * shape[i]) {
        extent[rank - 1] *= shape[i];
        step[rank - 1] = w.step[i];
      } else {
        extent[rank] = shape[i];
        step[rank++] = w.step[i];
      }
    }
    if (!rank) {
      extent[0] = 1;
      step[0] = 1;
      rank = 1;
    }
  }
};

template <class T, bool kRead>
void copy_run(T* dense, T* strided, int64_t n, int64_t step) {
  if (step == 1) {
    std::memcpy(kRead ? dense : strided, kRead ? strided : dense, size_t(n) * sizeof(T));
  } else if (kRead && step == 0) {
    std::fill_n(dense, n, *strided);
  } else {
    for (int64_t i = 0; i < n; ++i)
      if constexpr (kRead)
        dense[i] = strided[i * step];
      else
        strided[i * step] = dense[i];
  }
}

// Dense elements [begin, end): runs along the last axis, with a counter for each other axis.
template <class T, bool kRead>
void copy_range(const Loop& loop, T* dense, T* strided, int64_t begin, int64_t end) {
  const int last = loop.rank - 1;
  int64_t at[kMaxRank], rest = begin;
  for (int i = last; i >= 0; --i) {
    at[i] = rest % loop.extent[i];
    rest /= loop.extent[i];
    strided += at[i] * loop.step[i];
  }
  for (int64_t p = begin;;) {
    int64_t n = std::min(end - p, loop.extent[last] - at[last]);
    copy_run<T, kRead>(dense + p, strided, n, loop.step[last]);
    p += n;
    if (p == end) return;
    strided -= at[last] * loop.step[last];
    at[last] = 0;
    for (int i = last - 1; i >= 0; --i) {
      strided += loop.step[i];
      if (++at[i] < loop.extent[i]) break;
      strided -= loop.extent[i] * loop.step[i];
      at[i] = 0;
    }
  }
}

// out[r * out_row + c] = in[r + c * in_column], r < rows, c < columns. One pass over `in` touches whole cache lines
// because `rows` is a tile's.
template <class T>
void transpose_tile(T* out, int64_t out_row, const T* in, int64_t in_column, int64_t rows, int64_t columns) {
  if constexpr (sizeof(T) == 4)
    return kernels().transpose_words(reinterpret_cast<float*>(out), out_row, reinterpret_cast<const float*>(in),
                                     in_column, columns, rows);
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c) out[r * out_row + c] = in[r + c * in_column];
}

// Reads by tiles of two axes, where axis `unit`, not the last, is the one that is contiguous in memory.
template <class T>
void read_transposed(const Loop& loop, int unit, T* out, const T* in) {
  constexpr int64_t kTile = 32;
  const int last = loop.rank - 1;
  const int64_t rows = loop.extent[unit], columns = loop.extent[last];
  int64_t out_row = 1, others = 1;
  for (int i = unit + 1; i <= last; ++i) out_row *= loop.extent[i];
  for (int i = 0; i < last; ++i)
    if (i != unit) others *= loop.extent[i];
  const int64_t tiles = (rows + kTile - 1) / kTile;
  parallel_for(others * tiles, grain_for(0.5 * double(std::min(rows, kTile) * columns)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t t = begin; t < end; ++t) {
                   int64_t rest = t / tiles, dense = 0, strided = 0, dense_step = columns;
                   for (int i = last - 1; i >= 0; --i) {
                     if (i != unit) {
                       dense += rest % loop.extent[i] * dense_step;
                       strided += rest % loop.extent[i] * loop.step[i];
                       rest /= loop.extent[i];
                     }
                     dense_step *= loop.extent[i];
                   }
                   int64_t r = t % tiles * kTile;
                   for (int64_t c = 0; c < columns; c += kTile)
                     transpose_tile(out + dense + r * out_row + c, out_row, in + strided + r + c * loop.step[last],
                                    loop.step[last], std::min(kTile, rows - r), std::min(kTile, columns - c));
                 }
               });
}

template <class T, bool kRead>
void copy_window(T* dense, T* strided, const Shape& shape, const Window& window) {
  Loop loop(shape, window);
  if (!loop.total) return;
  strided += window.offset;
  if (kRead && loop.step[loop.rank - 1] > 1)
    for (int i = 0; i + 1 < loop.rank; ++i)
      if (loop.step[i] == 1) return read_transposed(loop, i, dense, strided);
  parallel_for(loop.total, grain_for(loop.step[loop.rank - 1] == 1 ? 0.2 : 1.0),
               [&](int64_t begin, int64_t end) { copy_range<T, kRead>(loop, dense, strided, begin, end); });
}

template <bool kRead>
void copy_sized(void* dense, void* strided, const Shape& shape, const Window& w, int64_t size) {
  dispatch_size(size, [&](auto zero) {
    using T = decltype(zero);
    copy_window<T, kRead>(static_cast<T*>(dense), static_cast<T*>(strided), shape, w);
  });
}

}  // namespace

Window contiguous_window(const Shape& shape) {
  Window w;
  int64_t step = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    w.step[i] = step;
    step *= shape[i];
  }
  return w;
}

void read_window(void* out, const void* in, const Shape& shape, const Window& window, int64_t size) {
  copy_sized<true>(out, const_cast<void*>(in), shape, window, size);
}
void write_window(void* out, const void* in, const Shape& shape, const Window& window, int64_t size) {
  copy_sized<false>(const_cast<void*>(in), out, shape, window, size);
}

void copy_rows(void* out, int64_t out_pitch, const void* in, int64_t in_pitch, int64_t row_bytes, int64_t rows) {
  char* to = static_cast<char*>(out);
  const char* from = static_cast<const char*>(in);
  constexpr double kNanosecondsPerByte = 0.05;
  if (rows == 1 || (out_pitch == row_bytes && in_pitch == row_bytes)) {
    parallel_for(rows * row_bytes, grain_for(kNanosecondsPerByte),
                 [&](int64_t begin, int64_t end) { std::memcpy(to + begin, from + begin, size_t(end - begin)); });
  } else {
    parallel_for(rows, grain_for(kNanosecondsPerByte * double(row_bytes) + 5), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) std::memcpy(to + r * out_pitch, from + r * in_pitch, size_t(row_bytes));
    });
  }
}

}  // namespace fastdl
