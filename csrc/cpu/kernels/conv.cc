// Convolutions, the part that differs per ISA: register tiles over runs of the sum (driver: cpu/conv.cc).
//
// The sum of an output is cut into segments, whose products lie at equal distances: a row of the kernel, which meets
// adjacent pixels, or a row of pixels, in the gradient of the kernel. A tile goes through all segments with its
// accumulators in registers, so no patch of the input is ever copied (im2col).
//
// Tiles are narrow and high. A high tile uses each vector of B often, so that B may come from L2. Where a row of the
// output has too few pixels for a high tile, a wide one has as many accumulators, and goes through the segments once.
#include "cpu/kernels/tile.h"

namespace fastdl::FASTDL_ISA_NS {
namespace {

// A tile of one to four vectors. Its accumulators leave registers for the vectors of B and a broadcast.
constexpr int rows_for(int vectors) {
  return (kRegisters - vectors - 1) / vectors > 24 ? 24 : (kRegisters - vectors - 1) / vectors;
}

template <int R, int V, bool kPartial>
FASTDL_INLINE void segment_tile(const Operands& o, const ConvRow& g) {
  vf acc[R][V];
  load_tile<R, V, kPartial>(acc, o);
  // C may lie beyond L2; its lines come while the sums are computed.
#pragma GCC unroll 24
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < V; v += kLine) __builtin_prefetch(o.c + r * o.c_row + v * kLanes, 1);
  for (const ConvSegment* s = g.segments; s < g.segments + g.count; ++s)
    g.a_rows ? multiply_add_rows<R, V, kPartial>(acc, s->a, g.a_rows, g.a_col, s->b + g.b_offset, o.b_row, s->k, o.tail)
             : multiply_add<R, V, kPartial>(acc, s->a + g.a_offset, o.a_row, o.a_col, s->b + g.b_offset, o.b_row, s->k,
                                            o.tail);
  store_tile<R, V, kPartial>(acc, o);
}

// The columns of g, 0 < n <= V * kLanes.
template <int R, int V>
__attribute__((aligned(64))) void tile_of(const ConvRow& g) {
  Operands o = {};
  o.a_row = 4 * g.a_row;
  o.a_col = 4 * g.a_col;
  o.b_row = g.b_row;
  o.c = g.c;
  o.c_row = g.c_row;
  o.start = g.start;
  o.start_row = g.start_row;
  o.add = g.add;
  o.bias = g.bias;
  o.tail = g.n % kLanes;
  o.tail ? segment_tile<R, V, true>(o, g) : segment_tile<R, V, false>(o, g);
}

template <int R, int V>
void tile_of_rows(const ConvRow& g) {
  if (g.m == R) return tile_of<R, V>(g);
  if constexpr (R > 1) tile_of_rows<R - 1, V>(g);
}

}  // namespace

int conv_tile_columns(int64_t m) { return m <= rows_for(4) ? 4 * kLanes : 2 * kLanes; }
int conv_tile_rows(int64_t n) { return rows_for(n <= kLanes ? 1 : n <= 2 * kLanes ? 2 : 4); }
void conv_tile(const ConvRow& g) {
  if (g.n <= kLanes) return tile_of_rows<rows_for(1), 1>(g);
  if (g.n <= 2 * kLanes) return tile_of_rows<rows_for(2), 2>(g);
  g.n <= 3 * kLanes ? tile_of_rows<rows_for(4), 3>(g) : tile_of_rows<rows_for(4), 4>(g);
}

}  // namespace fastdl::FASTDL_ISA_NS
