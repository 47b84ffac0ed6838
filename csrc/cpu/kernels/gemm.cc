// Matrix multiplication, the part that differs per ISA: register tiles and packing (driver: cpu/gemm.cc).
//
// A register tile holds R rows and V vectors of C, R * V accumulators. One step of k loads V vectors of
// B's row, and for each of the R rows broadcasts one element of A and does V fused multiply-adds:
//
//     acc[r][v] = fma(A[r, k], B[k, v], acc[r][v])        k = 0, 1, ... in order
//
// A is read by broadcasts, so each of its layouts is a pair of strides and needs no transposing. B is read as vectors,
// so its columns must be adjacent, in memory or packed into panels. Edges use the same loop: R is a template argument
// for every height up to kRows, and the last vector of a row may be partial. Its missing lanes are neither read nor
// written.
#include "cpu/kernels/tile.h"
#include "cpu/simd/transpose.h"

namespace fastdl::FASTDL_ISA_NS {
namespace {

// kRows times two or three vectors fill the registers: R * V accumulators (at least 8 to 10 hide the latency of
// FMA on two ports), V vectors of B and one broadcast. Three vectors need fewer loads than two.
#if defined(__AVX512F__)
constexpr int kRows = 8;
#elif defined(__AVX2__)
constexpr int kRows = 6;
#elif defined(__aarch64__)
constexpr int kRows = 8;
#else
constexpr int kRows = 5;
#endif

// The widest tile of R rows. (One row uses each vector of B once, so it needs no register.)
constexpr int vectors_for(int rows) {
  const int most = (kRegisters - 1) / (rows + 1);
  return rows == 1 || most >= 8 ? 8 : most >= 4 ? 4 : most;
}

// Prefetches the C of the next tile, but nothing behind the last tile, which may be narrower than this one. Another
// thread may be using those lines.
template <int R, int V>
FASTDL_INLINE void prefetch_next(const Operands& o) {
#pragma GCC unroll 8
  for (int v = 0; v < V; v += kLine) {
    if (o.more <= v * kLanes) return;
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) __builtin_prefetch(o.c + r * o.c_row + (V + v) * kLanes, 1);
  }
}

// Operands as they lie in memory.
template <int R, int V, bool kPartial>
void tile(const Operands& o) {
  vf acc[R][V];
  load_tile<R, V, kPartial>(acc, o);
  prefetch_next<R, V>(o);
  multiply_add<R, V, kPartial>(acc, o.a, o.a_row, o.a_col, o.b, o.b_row, o.k, o.tail);
  store_tile<R, V, kPartial>(acc, o);
}

// Both operands packed, A[r, k] = a[k * R + r] and B[k, j] = b[k * V * kLanes + j]. This takes two pointers and
// constant distances, and no prefetches, since hardware prefetching follows the streams. Fewer instructions also need
// less power, so a clock bound by power runs faster.
template <int R, int V>
void packed_tile(const Operands& o) {
  vf acc[R][V];
  load_tile<R, V, false>(acc, o);
  const float *a = o.a, *b = o.b;
  constexpr int64_t kAhead = 64;  // steps before the end: early enough for a line to arrive, late enough for it to stay
  int64_t now = o.k > kAhead ? o.k - kAhead : 0;
  for (int64_t left = o.k;; now = left) {
    left -= now;
#pragma GCC unroll 2
    for (; now > 0; --now, a += R, b += V * kLanes) {
      vf bv[V];
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) bv[v] = load(b + v * kLanes);
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) {
        const vf x = splat(a[r]);
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) acc[r][v] = fma(x, bv[v], acc[r][v]);
      }
    }
    if (left == 0) break;
    prefetch_next<R, V>(o);
  }
  store_tile<R, V, false>(acc, o);
}

// A tile of w columns, 0 < w <= V * kLanes.
template <int R, int V>
FASTDL_INLINE void tile_of_width(const Operands& o, int64_t w) {
  if constexpr (V > 1)
    if (w <= (V - 1) * kLanes) return tile_of_width<R, V - 1>(o, w);
  w == V* kLanes ? tile<R, V, false>(o) : tile<R, V, true>(o);
}

// R rows of C from left to right. Aligned, because the tiles' loops are inlined here and their placement by the linker
// was worth 6 % on AVX2.
template <int R>
__attribute__((aligned(64))) void row_of_tiles(const GemmRow& g) {
  constexpr int kMost = vectors_for(R);
  const int64_t n = g.n;
  Operands o = {};
  o.k = g.k;
  o.a = g.a;
  o.a_row = 4 * g.a_row;
  o.a_col = 4 * g.a_col;
  o.b_row = g.b_row;
  o.c_row = g.c_row;
  o.start_row = g.start_row;
  o.add = g.add;
  o.tail = n % kLanes;
  const bool packed = g.a_row == 1 && g.a_col == R && g.b_row == kMost * kLanes && g.panel == g.b_row;
  const float* b = g.b;
  for (int64_t j0 = 0; j0 < n; j0 += g.panel, b += g.panel_stride) {
    const int64_t width = n - j0 < g.panel ? n - j0 : g.panel;
    for (int64_t j = 0; j < width;) {
      // The last two tiles have about the same width, rather than a wide and a narrow one.
      const int64_t left = (width - j + kLanes - 1) / kLanes;
      const int64_t v = left <= kMost ? left : left < 2 * kMost ? (left + 1) / 2 : kMost;
      const int64_t w = width - j < v * kLanes ? width - j : v * kLanes;
      o.b = b + j;
      o.c = g.c + j0 + j;
      o.start = g.start ? g.start + j0 + j : nullptr;
      o.bias = g.bias ? g.bias + j0 + j : nullptr;
      o.more = n - j0 - j - w;
      if (packed && w == kMost * kLanes)
        packed_tile<R, kMost>(o);
      else
        tile_of_width<R, kMost>(o, w);
      j += w;
    }
  }
}

template <int R>
void rows_of_tiles(const GemmRow& g) {
  if (g.m == R) return row_of_tiles<R>(g);
  if constexpr (R > 1) rows_of_tiles<R - 1>(g);
}

// --- packing

FASTDL_INLINE void copy_row(float* out, const float* in, int64_t n) {
  int64_t j = 0;
  for (; j + kLanes <= n; j += kLanes) store(out + j, load(in + j));
  if (j < n) store_part(out + j, load_part(in + j, n - j), n - j);
}

// out[l, j] = b[j, l] for l < k and kLanes columns. Those from `columns` on do not exist and become zero.
template <bool kWhole>
FASTDL_INLINE void transpose_square(float* out, int64_t out_row, const float* b, int64_t b_row, int64_t k,
                                    int64_t columns) {
  vf v[kLanes];
  load_transposed<kWhole>(v, b, b_row, columns, k);
#pragma GCC unroll 16
  for (int l = 0; l < kLanes; ++l)
    if (kWhole || l < k) store(out + l * out_row, v[l]);
}

void pack_transposed(float* out, int64_t k, int64_t n, const float* b, int64_t b_row, int64_t panel) {
  for (int64_t j0 = 0; j0 < n; j0 += panel, out += k * panel)
    for (int64_t j = 0; j < panel && j0 + j < n; j += kLanes) {
      const float* from = b + (j0 + j) * b_row;
      float* to = out + j;
      const int64_t columns = n - j0 - j < kLanes ? n - j0 - j : kLanes;
      int64_t l = 0;
      if (columns == kLanes)
        for (; l + kLanes <= k; l += kLanes)
          transpose_square<true>(to + l * panel, panel, from + l, b_row, kLanes, kLanes);
      for (; l < k; l += kLanes)
        transpose_square<false>(to + l * panel, panel, from + l, b_row, k - l < kLanes ? k - l : kLanes, columns);
    }
}

// Lane i of the result: columns of S rows each, of a and of b in turn, from the lower or upper half of their lanes.
template <int S, bool kUpper>
constexpr int join_columns(int i) {
  const int column = i / (2 * S), row = i % (2 * S);
  return (kUpper ? kLanes / 2 : 0) + column * S + (row < S ? row : kLanes + row - S);
}
template <int S>
FASTDL_INLINE void join_rows(vf& a, vf& b) {
  const vf lower = shuffle<join_columns<S, false>>(a, b, LaneIndices{});
  b = shuffle<join_columns<S, true>>(a, b, LaneIndices{});
  a = lower;
}

// kLanes columns of eight rows each, one column after the other at a distance of m floats. The next column overwrites
// the values of a column beyond m.
template <bool kEight, class Row>
FASTDL_INLINE void pack_square(float* packed, int64_t m, Row row) {
#if defined(__AVX512F__)
  vf v[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) v[i] = load(row(i));
#pragma GCC unroll 4
  for (int i = 0; i < 8; i += 2) join_rows<1>(v[i], v[i + 1]);
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) join_rows<2>(v[i / 2 * 4 + i % 2], v[i / 2 * 4 + i % 2 + 2]);
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) join_rows<4>(v[i], v[i + 4]);
  // Each step put a lower half of columns into one vector of its pair and the upper into the other, so that vector
  // 4 i + 2 j + k has the columns 8 k + 4 j + 2 i and the next.
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) {
    const vf two = v[(i & 1) * 4 + (i & 2) + i / 4];
    if (kEight) {
      store(packed + i * 16, two);
    } else {
      __builtin_memcpy(packed + 2 * i * m, &two, 32);
      __builtin_memcpy(packed + (2 * i + 1) * m, (const char*)&two + 32, 32);
    }
  }
#elif defined(__AVX2__)
  vf v[8];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    v[i] = load_halves(row(i), row(i + 4));
    v[i + 4] = load_halves(row(i) + 4, row(i + 4) + 4);
  }
  transpose_fours(v);
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) store(packed + i * m, v[i]);
#else
  vf low[4], high[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) low[i] = load(row(i)), high[i] = load(row(i + 4));
  transpose(low);
  transpose(high);
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) store(packed + i * m, low[i]), store(packed + i * m + 4, high[i]);
#endif
}

template <int M>
void copy_columns(float* packed, int64_t k, const float* a, int64_t a_col) {
#pragma GCC unroll 4
  for (; k > 0; --k, packed += M, a += a_col) __builtin_memcpy(packed, a, M * sizeof(float));
}
template <int M>
void copy_columns_of(int64_t m, float* packed, int64_t k, const float* a, int64_t a_col) {
  if (m == M) return copy_columns<M>(packed, k, a, a_col);
  if constexpr (M > 1) copy_columns_of<M - 1>(m, packed, k, a, a_col);
}

// --- few rows of A times rows of B: each square of B is transposed in registers and used at once

struct Dots {
  int64_t k;
  const char* a;
  int64_t a_row, a_col;  // in bytes
  const float* b;
  int64_t b_row;
  float* c;
  int64_t c_row;
  const float* bias;
  bool accumulate, add;  // as in gemm_dots
};

template <int R, bool kWhole>
FASTDL_INLINE void add_square(vf (&acc)[R], const Dots& d, const float* b, int64_t l, int64_t k, int64_t columns) {
  vf v[kLanes];
  load_transposed<kWhole>(v, b + l, d.b_row, columns, k);
  const char* a = d.a + l * d.a_col;
  asm volatile("" : "+r"(a));  // not kept in registers for the next square
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i, a += d.a_col)
    if (kWhole || i < k)
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) acc[r] = fma(splat(*(const float*)(a + r * d.a_row)), v[i], acc[r]);
}

// H vectors of columns, of which the last has `last` columns. One chain waits for its last multiply-add as long as a
// square takes, two do not. A cache line of each row is used up before the next rows.
template <int R, int H, bool kWhole>
void dot_columns(const Dots& d, int64_t last) {
  constexpr int64_t kStep = kLine * kLanes;
  vf acc[H][R];
#pragma GCC unroll 2
  for (int h = 0; h < H; ++h)
    for (int r = 0; r < R; ++r)
      acc[h][r] = d.accumulate ? load_n(d.c + r * d.c_row + h * kLanes, h < H - 1 ? kLanes : last) : vf{};
  int64_t l = 0;
  for (; l + kStep <= d.k; l += kStep) {
    if constexpr (H == 2)
#pragma GCC unroll 4
      for (int64_t i = 0; i < kStep; i += kLanes) add_square<R, true>(acc[0], d, d.b, l + i, kLanes, kLanes);
#pragma GCC unroll 4
    for (int64_t i = 0; i < kStep; i += kLanes)
      add_square<R, kWhole>(acc[H - 1], d, d.b + (H - 1) * kLanes * d.b_row, l + i, kLanes, last);
  }
  for (; l < d.k; l += kLanes)
#pragma GCC unroll 2
    for (int h = 0; h < H; ++h) {
      const float* b = d.b + h * kLanes * d.b_row;
      if (kLine > 1 && (kWhole || h < H - 1) && d.k - l >= kLanes)
        add_square<R, true>(acc[h], d, b, l, kLanes, kLanes);
      else
        add_square<R, false>(acc[h], d, b, l, d.k - l < kLanes ? d.k - l : kLanes, h < H - 1 ? kLanes : last);
    }
#pragma GCC unroll 2
  for (int h = 0; h < H; ++h)
    for (int r = 0; r < R; ++r) {
      const int64_t columns = h < H - 1 ? kLanes : last;
      float* c = d.c + r * d.c_row + h * kLanes;
      vf sum = d.add ? load_n(c, columns) + acc[h][r] : acc[h][r];
      if (d.bias) sum += load_n(d.bias + h * kLanes, columns);
      store_n(c, sum, columns);
    }
}

template <int R>
void dot_rows(Dots d, int64_t n) {
  for (; n > 0; n -= 2 * kLanes) {
    n >= 2 * kLanes ? dot_columns<R, 2, true>(d, kLanes)
    : n > kLanes    ? dot_columns<R, 2, false>(d, n - kLanes)
    : n == kLanes   ? dot_columns<R, 1, true>(d, kLanes)
                    : dot_columns<R, 1, false>(d, n);
    d.b += 2 * kLanes * d.b_row;
    d.c += 2 * kLanes;
    if (d.bias) d.bias += 2 * kLanes;
  }
}

}  // namespace

int gemm_tile_rows() { return kRows; }
int gemm_tile_columns(int64_t m) {
  int vectors = vectors_for(1);
  for (int r = 2; r <= m && r <= kRows; ++r) vectors = vectors_for(r);
  return vectors * kLanes;
}

void gemm_row(const GemmRow& g) { rows_of_tiles<kRows>(g); }

void gemm_dots(int64_t m, int64_t n, int64_t k, const float* a, int64_t a_row, int64_t a_col, const float* b,
               int64_t b_row, float* c, int64_t c_row, int accumulate, int add, const float* bias) {
  const Dots d = {k, (const char*)a, 4 * a_row, 4 * a_col, b, b_row, c, c_row, bias, accumulate != 0, add != 0};
  (m == 1 ? dot_rows<1> : m == 2 ? dot_rows<2> : m == 3 ? dot_rows<3> : dot_rows<4>)(d, n);
}

void gemm_pack_a(float* packed, int64_t m, int64_t k, const float* a, int64_t a_row, int64_t a_col) {
  static_assert(kRows <= 8);
  if (a_row == 1) return copy_columns_of<kRows>(m, packed, k, a, a_col);
  int64_t l = 0;
  if (m == 8)
    for (; l + kLanes <= k; l += kLanes) pack_square<true>(packed + l * 8, 8, [&](int i) { return a + i * a_row + l; });
  const float* rows[8];  // missing rows repeat the last one
  for (int64_t i = 0; i < 8; ++i) rows[i] = a + (i < m ? i : m - 1) * a_row;
  for (; l + kLanes <= k; l += kLanes) pack_square<false>(packed + l * m, m, [&](int i) { return rows[i] + l; });
  for (; l < k; ++l)
    for (int64_t i = 0; i < m; ++i) packed[l * m + i] = a[i * a_row + l];
}

void gemm_pack(float* packed, int64_t k, int64_t n, const float* b, int64_t b_row, int transposed, int64_t panel) {
  if (transposed) return pack_transposed(packed, k, n, b, b_row, panel);
  // A few rows at a time, in the order of memory; each panel gets its part of them. The panels are pages apart, and the
  // core tracks few pages of stores at once.
  constexpr int64_t kStrip = 8, kMost = vectors_for(kRows);
  for (int64_t l = 0; l < k; l += kStrip, b += kStrip * b_row, packed += kStrip * panel) {
    const int64_t rows = k - l < kStrip ? k - l : kStrip;
    for (int64_t j = 0; j < n; j += panel) {
      float* to = packed + j * k;
      const float* from = b + j;
      if (panel == kMost * kLanes && n - j >= panel && rows == kStrip) {
#pragma GCC unroll 8
        for (int64_t i = 0; i < kStrip; ++i, to += kMost * kLanes, from += b_row)
#pragma GCC unroll 4
          for (int v = 0; v < kMost; ++v) store(to + v * kLanes, load(from + v * kLanes));
      } else {
        for (int64_t i = 0; i < rows; ++i) copy_row(to + i * panel, from + i * b_row, n - j < panel ? n - j : panel);
      }
    }
  }
}

}  // namespace fastdl::FASTDL_ISA_NS
