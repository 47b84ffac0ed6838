// Matrix multiplication: blocking, packing and threads around the register tiles of kernels/gemm.cc.
//
// C is cut into a grid of blocks, one task each, independent of one another; a task runs on one thread:
//
//     for each block of columns and k           B[k, columns] is packed, if that pays
//       for each group of rows                  A[rows, k] is copied together, if that pays; a quarter of L2
//         for each hot part of the columns      B[k, hot columns]: another quarter of L2
//           for each row of register tiles      A[tile rows, k]: half of L1
//             C[tile rows, hot columns] += A B  (gemm_row); bias and activation after the last block of k
//
// With many rows all threads pack a slab of B first and share it, so that neither B is packed nor A copied more
// than once; weights may come packed already. Either is a Problem with a packed B.
//
// Later blocks of k take their sums up from C, so that each stays one chain of fma (see gemm.h).
#include "cpu/gemm.h"

#include <algorithm>

#include "core/parallel.h"
#include "cpu/isa.h"

namespace fastdl {
namespace {

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// The size of equal parts of n, none above `most`, as a multiple of `unit`; n itself if that will do.
int64_t even_part(int64_t n, int64_t most, int64_t unit) {
  if (n <= most) return n;
  return ceil_div(ceil_div(n, ceil_div(n, most)), unit) * unit;
}

// op(A)[i, l] = a[i * a_row + l * a_col], op(B)[l, j] = b[l * b_row + j] or, transposed, b[j * b_row + l].
struct Problem {
  int64_t m, n, k;
  const float* a;
  int64_t a_row, a_col, a_stride;
  const float* b;
  int64_t b_row, b_stride;
  bool b_transposed;
  int64_t panel;  // 0, or B is packed: B[l, j] = b[j / panel * panel * k + l * panel + j % panel]
  float* c;
  int64_t c_row, c_stride;
  bool accumulate;
  Epilogue epilogue;
  bool scalar_bias;  // one value instead of n
};

// Sizes of caches in floats.
int64_t l1_floats() { return (cache_sizes().l1d ? cache_sizes().l1d : 32 << 10) / 4; }
int64_t l2_floats() { return (cache_sizes().l2 ? cache_sizes().l2 : 512 << 10) / 4; }

// The columns of a panel that tiles of full height like best.
int64_t full_panel(const KernelTable& isa) { return isa.gemm_tile_columns(isa.gemm_tile_rows()); }

// Where B fits L2, reading its rows where they are costs nothing that packing would save; from beyond, it
// pays from the fourth use on.
bool packing_pays(const Problem& p, int64_t row_tiles) {
  return !p.panel && (p.b_transposed || (row_tiles > 3 && p.k * p.n > l2_floats()));
}

// How one task is blocked, from the caches found and the tiles of the ISA in use.
struct Blocking {
  int64_t row_tiles;  // rows of register tiles
  int64_t group;      // how many of them share a hot part of B
  int64_t k, columns, hot_columns;
  int64_t panel;  // columns of the panels that the task packs; 0 to read B as it lies
  bool copy_a;
};

Blocking choose_blocking(const KernelTable& isa, const Problem& p, int64_t rows, int64_t columns) {
  const int64_t l1 = l1_floats(), l2 = l2_floats();
  const int64_t tile_rows = isa.gemm_tile_rows();
  Blocking b;
  b.row_tiles = ceil_div(rows, tile_rows);
  const int64_t tile_columns = p.panel ? p.panel : isa.gemm_tile_columns(ceil_div(rows, b.row_tiles));
  b.k = even_part(p.k, std::clamp<int64_t>(l1 / 2 / tile_rows, 64, 512), 8);
  const int64_t columns_in_l2 = l2 / std::max<int64_t>(b.k, 1);
  b.columns = even_part(columns, std::max(4 * columns_in_l2, tile_columns), tile_columns);
  b.hot_columns = even_part(b.columns, std::max(columns_in_l2 / 4, tile_columns), tile_columns);
  b.group = std::clamp<int64_t>(columns_in_l2 / 4 / tile_rows, 1, b.row_tiles);
  b.panel = packing_pays(p, b.row_tiles) ? tile_columns : 0;
  // Copying A pays where its lines compete for one set of L1, as those whole pages apart do, or where a line
  // taken for every k is too many; and only over the columns of some tiles, fewer if both come together.
  const bool by_rows = p.a_col == 1, pages_apart = (by_rows ? p.a_row : p.a_col) % 1024 == 0;
  const bool many_lines = !by_rows && p.k * p.a_col > l1;
  b.copy_a = (pages_apart || many_lines) && columns >= (pages_apart && many_lines ? 32 : 128);
  return b;
}

// One task: rows [i0, i0 + rows) and columns [j0, j0 + columns) of one product.
class Task {
 public:
  Task(const KernelTable& isa, const Problem& p, int64_t i0, int64_t rows, int64_t j0, int64_t columns)
      : isa_(isa), p_(p), i0_(i0), rows_(rows), j0_(j0), columns_(columns),
        block_(choose_blocking(isa, p, rows, columns)), height_(rows / block_.row_tiles),
        higher_(rows % block_.row_tiles) {}

  void run() const {
    if (p_.b_transposed && !p_.panel && rows_ <= 4) return few_rows();
    for (int64_t j = 0; j < columns_; j += block_.columns) {
      const int64_t n = std::min(block_.columns, columns_ - j);
      int64_t l = 0;
      do {  // once for k == 0
        block(j0_ + j, n, l, std::min(block_.k, p_.k - l));
        l += block_.k;
      } while (l < p_.k);
    }
  }

 private:
  struct TilesOfA {
    const float* data;       // A[i, l] of tile t = data[t * tile + i * row + l * col]
    int64_t tile, row, col;
  };

  struct PanelsOfB {
    const float* data;  // B[l, j] = data[j / panel * stride + l * row + j % panel]
    int64_t row, panel, stride;
  };

  // Row tiles are of equal height, give or take one row: no low rest at the bottom.
  int64_t top(int64_t tile) const { return i0_ + tile * height_ + std::min(tile, higher_); }

  const float* bias(int64_t j) const {
    return p_.epilogue.bias && !p_.scalar_bias ? p_.epilogue.bias + j : nullptr;
  }

  // What the tiles have not done to a finished part of C.
  void finish(float* c, int64_t m, int64_t n) const {
    const Epilogue& e = p_.epilogue;
    if (!e.activation && !p_.scalar_bias) return;
    for (int64_t i = 0; i < m; ++i, c += p_.c_row) {
      if (p_.scalar_bias)
        for (int64_t j = 0; j < n; ++j) c[j] += e.bias[0];
      if (e.activation) e.activation(c, c, n, e.parameters);
    }
  }

  // Rows of A times rows of B: packing would cost as much as the product.
  void few_rows() const {
    float* c = p_.c + i0_ * p_.c_row + j0_;
    isa_.gemm_dots(rows_, columns_, p_.k, p_.a + i0_ * p_.a_row, p_.a_row, p_.a_col, p_.b + j0_ * p_.b_row,
                   p_.b_row, c, p_.c_row, p_.accumulate, bias(j0_));
    finish(c, rows_, columns_);
  }

  // Adds A[rows, l ... l + k] B[l ... l + k, j ... j + n] to C[rows, j ... j + n].
  void block(int64_t j, int64_t n, int64_t l, int64_t k) const {
    PanelsOfB b = {p_.b + (p_.b_transposed ? j * p_.b_row + l : l * p_.b_row + j), p_.b_row, n, 0};
    if (p_.panel) {
      b = {p_.b + j * p_.k + l * p_.panel, p_.panel, p_.panel, p_.panel * p_.k};
    } else if (block_.panel) {
      const int64_t panel = block_.panel, panels = ceil_div(n, panel);
      float* packed = static_cast<float*>(scratch(Scratch::gemm_b, panels * panel * k * sizeof(float)));
      isa_.gemm_pack(packed, k, n, b.data, b.row, p_.b_transposed, panel);
      b = {packed, panel, panel, panel * k};
    }
    for (int64_t t = 0; t < block_.row_tiles; t += block_.group) {
      const int64_t end = std::min(t + block_.group, block_.row_tiles);
      const TilesOfA a = block_.copy_a ? copy_a(t, end, l, k) : TilesOfA{};
      for (int64_t h = 0; h < n; h += block_.hot_columns) {
        PanelsOfB hot = b;
        hot.data += b.stride ? h / b.panel * b.stride : h;
        group(t, end, a, j + h, std::min(block_.hot_columns, n - h), l, k, hot);
      }
    }
  }

  // The same for row tiles [begin, end) and one hot part of B.
  void group(int64_t begin, int64_t end, const TilesOfA& copy, int64_t j, int64_t n, int64_t l, int64_t k,
             const PanelsOfB& b) const {
    const bool last = l + k == p_.k;
    for (int64_t t = begin; t < end; ++t) {
      const int64_t i = top(t), m = top(t + 1) - i;
      TilesOfA a = {p_.a + i * p_.a_row + l * p_.a_col, 0, p_.a_row, p_.a_col};
      if (copy.data) {
        a = copy;
        a.data += (t - begin) * copy.tile;
      }
      float* c = p_.c + i * p_.c_row + j;
      isa_.gemm_row(m, n, k, a.data, a.row, a.col, b.data, b.row, b.panel, b.stride, c,
                    p_.c_row, p_.accumulate || l > 0, last ? bias(j) : nullptr);
      if (last) finish(c, m, n);
    }
  }

  // Copies a group's A, tile after tile: rows stay rows and columns columns, so that copying runs along the
  // memory on both sides. Rows are padded by 16 floats, which keeps them out of the same sets of the cache.
  TilesOfA copy_a(int64_t begin, int64_t end, int64_t l, int64_t k) const {
    const bool by_rows = p_.a_col == 1;
    const int64_t height = height_ + (higher_ != 0), width = ceil_div(k, 16) * 16 + 16, tile = height * width;
    float* data = static_cast<float*>(scratch(Scratch::gemm_a, block_.group * tile * sizeof(float)));
    const TilesOfA copy = {data, tile, by_rows ? width : 1, by_rows ? 1 : height};
    const int64_t strip = by_rows ? k : 16;  // columns of all tiles by turns: they are neighbours in memory
    for (int64_t s = 0; s < k; s += strip)
      for (int64_t t = begin; t < end; ++t) {
        const int64_t m = top(t + 1) - top(t), count = std::min(strip, k - s);
        const float* a = p_.a + top(t) * p_.a_row + (l + s) * p_.a_col;
        float* out = data + (t - begin) * tile + s * copy.col;
        if (by_rows)
          isa_.gemm_copy(out, copy.row, a, p_.a_row, m, count);
        else
          isa_.gemm_copy(out, copy.col, a, p_.a_col, count, m);
      }
    return copy;
  }

  const KernelTable& isa_;
  const Problem& p_;
  const int64_t i0_, rows_, j0_, columns_;
  const Blocking block_;
  const int64_t height_, higher_;  // rows of a row tile; how many of them have one more
};

// Rows and columns of one task, for about `wanted` tasks.
struct Grid {
  int64_t rows, columns;
};

Grid choose_grid(const KernelTable& isa, const Problem& p, int64_t wanted) {
  const int64_t tile_rows = isa.gemm_tile_rows();
  const int64_t tile_columns = p.panel ? p.panel : isa.gemm_tile_columns(p.m);
  const int64_t row_tiles = ceil_div(p.m, tile_rows), column_tiles = ceil_div(p.n, tile_columns);
  // A task may copy its A and pack its B: either is spread over several tiles at least. Columns first, unless
  // B is packed; narrow ones, if B has to be transposed and A is the smaller of the two.
  const int64_t least = p.b_transposed && p.m < p.n ? 2 : 8;
  int64_t by_columns = p.panel ? 1 : std::clamp<int64_t>(column_tiles / least, 1, wanted);
  int64_t by_rows = std::clamp<int64_t>(ceil_div(wanted, by_columns), 1, row_tiles);
  if (p.panel) by_rows = std::clamp<int64_t>(row_tiles / 2, 1, wanted);
  if (by_rows * by_columns < wanted) by_columns = std::min(ceil_div(wanted, by_rows), column_tiles);
  return {even_part(p.m, ceil_div(p.m, by_rows), tile_rows),
          even_part(p.n, ceil_div(p.n, by_columns), tile_columns)};
}

void pack(const KernelTable& isa, bool transposed, int64_t n, int64_t k, const float* b, int64_t b_row,
          float* packed) {
  const int64_t panel = full_panel(isa);
  parallel_for(ceil_div(n, panel), grain_for(0.25 * panel * k), [&](int64_t begin, int64_t end) {
    const int64_t j = begin * panel;
    isa.gemm_pack(packed + j * k, k, std::min(end * panel, n) - j, b + (transposed ? j * b_row : j), b_row,
                  transposed, panel);
  });
}

void multiply(int64_t batch, const Problem& p);

// All threads pack a slab of B, about the size of L2, then multiply by it, then the next one. (A transposed B
// is left to the tasks: slabs of it measured slower.)
void multiply_by_slabs(const KernelTable& isa, const Problem& p) {
  const int64_t most = std::max<int64_t>(l2_floats(), 1 << 18), panel = full_panel(isa);
  Problem slab = p;
  const int64_t columns = even_part(p.n, std::max(most / 256, panel), panel);
  const int64_t padded = ceil_div(columns, panel) * panel;
  const int64_t depth = even_part(p.k, std::max<int64_t>(most / padded, 256), 8);
  float* packed = static_cast<float*>(scratch(Scratch::gemm_b, padded * depth * sizeof(float)));
  slab.b = packed;
  slab.panel = panel;
  for (int64_t j = 0; j < p.n; j += columns)
    for (int64_t l = 0; l < p.k; l += depth) {
      slab.n = std::min(columns, p.n - j);
      slab.k = std::min(depth, p.k - l);
      slab.a = p.a + l * p.a_col;
      slab.c = p.c + j;
      slab.accumulate = p.accumulate || l > 0;
      slab.epilogue = l + slab.k == p.k ? p.epilogue : Epilogue{};
      if (slab.epilogue.bias) slab.epilogue.bias += j;
      pack(isa, false, slab.n, slab.k, p.b + l * p.b_row + j, p.b_row, packed);
      multiply(1, slab);
    }
}

void multiply(int64_t batch, const Problem& p) {
  if (batch == 0 || p.m == 0 || p.n == 0) return;
  const KernelTable& isa = kernels();
  // A guess of the cost in ns: two vector FMAs a cycle, or B and C once from beyond L2.
  const double each = std::max(0.16 / isa.lanes * p.m * p.n * (p.k + 1), 0.13 * p.n * (p.k + p.m));
  const double total = each * batch;
  Grid grid = {p.m, p.n};
  if (total > 1.5 * kChunkNanoseconds && num_threads() > 1) {
    const int64_t most = std::min<int64_t>(4 * num_threads(), int64_t(total / kChunkNanoseconds));
    if (most > batch) grid = choose_grid(isa, p, ceil_div(most, batch));
  }
  const int64_t row_tiles = ceil_div(p.m, isa.gemm_tile_rows());
  const bool share_b = row_tiles >= 8 * num_threads() && (grid.rows < p.m || grid.columns < p.n);
  if (share_b && batch == 1 && !p.b_transposed && packing_pays(p, row_tiles))
    return multiply_by_slabs(isa, p);
  const int64_t rows = ceil_div(p.m, grid.rows), columns = ceil_div(p.n, grid.columns);
  const int64_t tasks = batch * rows * columns;
  const auto run = [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t which = t / (rows * columns);
      const int64_t i = t % rows * grid.rows, j = t / rows % columns * grid.columns;
      Problem one = p;
      one.a += which * p.a_stride;
      one.b += which * p.b_stride;
      one.c += which * p.c_stride;
      Task(isa, one, i, std::min(p.m - i, grid.rows), j, std::min(p.n - j, grid.columns)).run();
    }
  };
  if (total <= 1.5 * kChunkNanoseconds)
    run(0, tasks);
  else
    parallel_for(tasks, grain_for(total / tasks), run);
}

}  // namespace

void gemm_batched(int64_t batch, bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k,
                  const float* a, int64_t lda, int64_t stride_a, const float* b, int64_t ldb,
                  int64_t stride_b, float* c, int64_t ldc, int64_t stride_c, bool accumulate,
                  const Epilogue& epilogue) {
  // One B under many A whose rows follow on: one taller product.
  if (stride_b == 0 && !trans_a && stride_a == m * lda && stride_c == m * ldc && batch > 1) {
    m *= batch;
    batch = 1;
  }
  if (n == 1 && ldc == 1 && m > 1)  // a column is a row: C^T = B^T A^T, the same products in the same order
    multiply(batch, {1, m, k, b, 0, trans_b ? 1 : ldb, stride_b, a, lda, stride_a, !trans_a, 0, c, m,
                     stride_c, accumulate, epilogue, epilogue.bias != nullptr});
  else
    multiply(batch, {m, n, k, a, trans_a ? 1 : lda, trans_a ? lda : 1, stride_a, b, ldb, stride_b, trans_b, 0,
                     c, ldc, stride_c, accumulate, epilogue, false});
}

void gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, const float* a, int64_t lda,
          const float* b, int64_t ldb, float* c, int64_t ldc, bool accumulate,
          const Epilogue& epilogue) {
  gemm_batched(1, trans_a, trans_b, m, n, k, a, lda, 0, b, ldb, 0, c, ldc, 0, accumulate, epilogue);
}

int64_t packed_b_floats(int64_t n, int64_t k) {
  const int64_t panel = full_panel(kernels());
  return ceil_div(n, panel) * panel * k;
}

void pack_b(bool trans_b, int64_t n, int64_t k, const float* b, int64_t ldb, float* packed) {
  pack(kernels(), trans_b, n, k, b, ldb, packed);
}

void gemm_packed(bool trans_b, int64_t m, int64_t n, int64_t k, const float* a, int64_t lda, const float* b,
                 int64_t ldb, const float* packed, float* c, int64_t ldc, bool accumulate,
                 const Epilogue& epilogue) {
  if (m <= 4 && !trans_b)  // B is read once or so: as fast from where it lies, and wider tiles fit
    return gemm(false, trans_b, m, n, k, a, lda, b, ldb, c, ldc, accumulate, epilogue);
  multiply(1, {m, n, k, a, lda, 1, 0, packed, 0, 0, false, full_panel(kernels()), c, ldc, 0, accumulate,
               epilogue, false});
}

}  // namespace fastdl
