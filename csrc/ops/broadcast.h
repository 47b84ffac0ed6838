// Loops over a broadcast shape. Axes along which all operands advance alike are merged, so that most
// calls become one long row; what is left is a few outer extents around an inner row in which every
// operand has stride 1 (its own elements) or 0 (one element for the whole row).
#pragma once
#include <algorithm>

#include "core/parallel.h"
#include "ops/op.h"

namespace fastdl {

template <int N>
struct BroadcastLoop {
  int outer = 0;
  int64_t inner = 1;                   // elements of a row
  int64_t extent[kMaxRank] = {};       // of the outer axes
  int64_t stride[N][kMaxRank] = {};    // of each operand along the outer axes, in elements
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
};

// Rough cost of one element of an elementwise op for the thread decision: three streams of four bytes.
inline constexpr double kElementNanoseconds = 0.5;

}  // namespace fastdl
