// Loops over a broadcast shape. Axes along which all operands advance alike are merged, so that most calls become one
// long row. The rest is a few outer extents around an inner row, in which every operand has stride 1 (its own elements)
// or 0 (one element for the whole row).
#pragma once
#include <algorithm>
#include <cstring>

#include "core/parallel.h"
#include "ops/op.h"

namespace fastdl {

// The elements of an operand, and the size of one in bytes: 1, 2, 4 or 8.
struct Elements {
  const void* data;
  int64_t size;
  const void* at(int64_t i) const { return static_cast<const char*>(data) + i * size; }
};

// Copies rows of n elements, one after the other. Row r begins at `from` + offset(r), with elements `step` apart (1 or
// 0).
template <class Offset>
void gather_rows(void* to, const Elements& from, int64_t rows, int64_t n, int step, Offset offset) {
  dispatch_size(from.size, [&](auto zero) {
    using T = decltype(zero);
    const T* x = static_cast<const T*>(from.data);
    T* y = static_cast<T*>(to);
    for (int64_t r = 0; r < rows; ++r, y += n) {
      const T* row = x + offset(r);
      for (int64_t i = 0; i < n; ++i) y[i] = row[i * step];
    }
  });
}

// Has the first `bytes` of `to` `times` times there.
inline void repeat(void* to, int64_t bytes, int64_t times) {
  char* const start = static_cast<char*>(to);
  for (int64_t done = bytes; done < bytes * times;) {
    const int64_t more = std::min(done, bytes * times - done);
    std::memcpy(start + done, start, size_t(more));
    done += more;
  }
}

template <int N>
struct BroadcastLoop {
  int outer = 0;
  int64_t inner = 1;                 // elements of a row
  int64_t extent[kMaxRank] = {};     // of the outer axes
  int64_t stride[N][kMaxRank] = {};  // of each operand along the outer axes, in elements
  int inner_stride[N] = {};

  BroadcastLoop(const Shape& out, const Shape* const (&in)[N]) {
    int64_t ext[kMaxRank + 1], str[N][kMaxRank + 1], step[N];
    std::fill_n(step, N, 1);
    int rank = 0;  // innermost first while building
    for (int axis = 0; axis < out.rank(); ++axis) {
      int64_t e = out.back(axis);
      if (e == 1) continue;
      int64_t s[N];
      for (int i = 0; i < N; ++i) {
        int64_t own = axis < in[i]->rank() ? in[i]->back(axis) : 1;
        s[i] = own == 1 ? 0 : step[i];
        step[i] *= own;
      }
      bool merge = rank > 0;
      for (int i = 0; i < N; ++i) merge &= rank && s[i] == str[i][rank - 1] * ext[rank - 1];
      if (merge) {
        ext[rank - 1] *= e;
      } else {
        ext[rank] = e;
        for (int i = 0; i < N; ++i) str[i][rank] = s[i];
        ++rank;
      }
    }
    if (rank) {
      inner = ext[0];
      for (int i = 0; i < N; ++i) inner_stride[i] = int(str[i][0]);
    }
    outer = std::max(rank - 1, 0);
    for (int a = 0; a < outer; ++a) {
      extent[a] = ext[rank - 1 - a];
      for (int i = 0; i < N; ++i) stride[i][a] = str[i][rank - 1 - a];
    }
  }

  int64_t rows() const {
    int64_t n = 1;
    for (int a = 0; a < outer; ++a) n *= extent[a];
    return n;
  }
  // Where row number `row` starts in each operand.
  void offsets_of(int64_t row, int64_t (&offset)[N]) const {
    std::fill_n(offset, N, 0);
    for (int a = outer - 1; a >= 0; --a) {
      int64_t index = row % extent[a];
      row /= extent[a];
      for (int i = 0; i < N; ++i) offset[i] += index * stride[i][a];
    }
  }

  // body(out_offset, in_offsets, n): one piece of a row; offsets in elements.
  template <class Body>
  void run(double nanoseconds_per_element, Body body) const {
    if (rows() == 0 || inner == 0) return;
    const int64_t piece = std::min(inner, grain_for(nanoseconds_per_element));
    const int64_t pieces = (inner - 1) / piece + 1;
    const int64_t grain = std::max<int64_t>(1, grain_for(nanoseconds_per_element * double(piece)));
    parallel_for(rows() * pieces, grain, [&](int64_t first, int64_t last) {
      for (int64_t unit = first; unit < last; ++unit) {
        int64_t row = unit / pieces, at = unit % pieces * piece;
        int64_t offset[N];
        offsets_of(row, offset);
        for (int i = 0; i < N; ++i) offset[i] += at * inner_stride[i];
        body(row * inner + at, offset, std::min(piece, inner - at));
      }
    });
  }

  // The same with pointers: body(out_offset, operands, strides, n), where a stride is 1 or 0. Rows of a few elements,
  // such as three channels, are joined so that one kernel call takes many. Other operands are then copied into a tile.
  template <class Body>
  void run(double nanoseconds_per_element, const Elements (&in)[N], Body body) const {
    if (outer && inner > 0 && rows() && inner <= (needs_copies() ? kShort : kTile / 8))
      return run_short(nanoseconds_per_element, in, body);
    run(nanoseconds_per_element, [&](int64_t at, const int64_t* from, int64_t n) {
      const void* p[N];
      for (int i = 0; i < N; ++i) p[i] = in[i].at(from[i]);
      body(at, p, inner_stride, n);
    });
  }

 private:
  static constexpr int64_t kShort = 32, kTile = 1024;  // elements

  // Whether row r starts at `pitch` times r.
  bool advances_by(int i, int64_t pitch) const {
    for (int a = outer - 1; a >= 0; pitch *= extent[a--])
      if (stride[i][a] != pitch) return false;
    return true;
  }

  bool is_dense(int i) const { return inner_stride[i] == 1 && advances_by(i, inner); }
  bool is_fixed(int i) const { return advances_by(i, 0); }
  // Whether a tile of some operand has to be put together for each tile of the result.
  bool needs_copies() const {
    for (int i = 0; i < N; ++i)
      if (!is_dense(i) && !is_fixed(i)) return true;
    return false;
  }

  // Not compiled for each body, which takes a tile at a time: that would be a fifth of the library.
  using TileBody = FunctionRef<void(int64_t, const void* const*, const int*, int64_t)>;
  void run_short(double nanoseconds_per_element, const Elements (&in)[N], TileBody body) const {
    const int64_t per_tile = kTile / inner;
    bool dense[N], fixed[N];
    int step[N];
    for (int i = 0; i < N; ++i) {
      dense[i] = is_dense(i);
      fixed[i] = is_fixed(i);
      step[i] = fixed[i] && inner_stride[i] == 0 ? 0 : 1;  // one element for all, or a tile
    }
    parallel_for(rows(), std::max(grain_for(nanoseconds_per_element * double(inner)), per_tile),
                 [&](int64_t begin, int64_t end) {
                   alignas(64) uint64_t tile[N][kTile];
                   const void* p[N];
                   for (int i = 0; i < N; ++i) {
                     p[i] = step[i] ? tile[i] : in[i].data;
                     if (!fixed[i] || !step[i]) continue;
                     gather_rows(tile[i], in[i], 1, inner, inner_stride[i], [](int64_t) { return 0; });
                     repeat(tile[i], inner * in[i].size, std::min(per_tile, end - begin));
                   }
                   for (int64_t row = begin; row < end; row += per_tile) {
                     const int64_t count = std::min(per_tile, end - row);
                     for (int i = 0; i < N; ++i) {
                       if (dense[i]) p[i] = in[i].at(row * inner);
                       if (dense[i] || fixed[i]) continue;
                       const int64_t pitch = stride[i][outer - 1];
                       if (advances_by(i, pitch))
                         gather_rows(tile[i], in[i], count, inner, inner_stride[i],
                                     [&](int64_t r) { return (row + r) * pitch; });
                       else
                         gather_rows(tile[i], in[i], count, inner, inner_stride[i], [&](int64_t r) {
                           int64_t offset[N];
                           offsets_of(row + r, offset);
                           return offset[i];
                         });
                     }
                     body(row * inner, p, step, count * inner);
                   }
                 });
  }
};

// Rough cost of one element of an elementwise op for the thread decision: three streams of four bytes.
inline constexpr double kElementNanoseconds = 0.5;

}  // namespace fastdl
