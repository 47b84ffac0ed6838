// Matrix multiplication: blocking, packing and threads around the register tiles of kernels/gemm.cc.
//
// C is cut into a grid of blocks, one task each, independent of one another; a task runs on one thread:
//
//     for each block of columns             B[k_block, columns] stays in half of L2
//       for each block of k                 A[tile rows, k_block] stays in half of L1
//         pack B[k_block, columns] into panels as wide as a register tile, unless it pays to read it as it is
//         for each row of register tiles
//           copy A[tile rows, k_block] together, unless it pays to read it as it is
//           C[tile rows, columns] += A B    (gemm_row), with bias and activation after the last block of k
//
// Later blocks of k take their sums up from C, so that each stays one chain of fma (see gemm.h).
#include "cpu/gemm.h"

#include <algorithm>

#include "core/parallel.h"
#include "cpu/isa.h"

namespace fastdl {
namespace {

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// The size of `parts` equal parts of n, rounded up to a multiple of `unit`.
int64_t even_part(int64_t n, int64_t parts, int64_t unit) {
  return ceil_div(ceil_div(n, parts), unit) * unit;
}

// Operands as op(A)[i, l] = a[i * row + l * column], for one matrix of the batch and for all.
struct Problem {
  int64_t m, n, k;
  const float* a;
  int64_t a_row, a_col, a_stride;
  const float* b;
  int64_t b_row, b_stride;
  bool b_transposed;
  float* c;
  int64_t c_row, c_stride;
  bool accumulate;
  Epilogue epilogue;
};

// Block sizes in elements, from the caches found and the tile of the ISA in use.
struct Blocking {
  int64_t tile_rows, tile_columns, k, columns;
  bool pack_b, copy_a;
};

Blocking choose_blocking(const KernelTable& isa, const Problem& p, int64_t rows, int64_t columns) {
  const CacheSizes& caches = cache_sizes();
  const int64_t l1 = caches.l1d ? caches.l1d : 32 << 10, l2 = caches.l2 ? caches.l2 : 512 << 10;
  Blocking b;
  b.tile_rows = isa.gemm_tile_rows();
  b.tile_columns = isa.gemm_tile_columns();
  const int64_t k_most = std::max<int64_t>(l1 / 2 / 4 / b.tile_rows, 64);
  b.k = std::max<int64_t>(even_part(p.k, std::max<int64_t>(ceil_div(p.k, k_most), 1), 8), 8);
  const int64_t columns_most = std::max<int64_t>(l2 / 2 / 4 / b.k, b.tile_columns);
  b.columns = even_part(columns, ceil_div(columns, columns_most), b.tile_columns);
  b.pack_b = p.b_transposed || rows > 4 * b.tile_rows;
  b.copy_a = columns > 4 * b.tile_columns;
  return b;
}

void activate(const Epilogue& e, float* c, int64_t c_row, int64_t m, int64_t n) {
  for (int64_t i = 0; i < m; ++i) e.activation(c + i * c_row, c + i * c_row, n, e.parameters);
}

// One task: rows [i0, i1) and columns [j0, j1) of one product.
void multiply_block(const KernelTable& isa, const Problem& p, int64_t i0, int64_t i1, int64_t j0,
                    int64_t j1) {
  const Blocking block = choose_blocking(isa, p, i1 - i0, j1 - j0);
  const int64_t row_tiles = ceil_div(i1 - i0, block.tile_rows);
  for (int64_t j = j0; j < j1; j += block.columns) {
    const int64_t n = std::min(block.columns, j1 - j);
    int64_t l = 0;
    do {
      const int64_t k = std::min(block.k, p.k - l);
      const bool first = l == 0, last = l + k == p.k;
      const float* b = p.b_transposed ? p.b + j * p.b_row + l : p.b + l * p.b_row + j;
      int64_t b_row = p.b_row, panel = n, panel_stride = 0;
      if (block.pack_b) {
        panel = b_row = block.tile_columns;
        panel_stride = k * panel;
        float* packed = static_cast<float*>(
            scratch(Scratch::gemm_b, ceil_div(n, panel) * panel_stride * sizeof(float)));
        isa.gemm_pack(packed, k, n, b, p.b_row, p.b_transposed, panel);
        b = packed;
      }
      for (int64_t t = 0; t < row_tiles; ++t) {
        // Tiles of equal height, give or take one row, rather than full ones and a low rest.
        const int64_t top = i0 + (i1 - i0) * t / row_tiles;
        const int64_t m = i0 + (i1 - i0) * (t + 1) / row_tiles - top;
        const float* a = p.a + top * p.a_row + l * p.a_col;
        int64_t a_row = p.a_row, a_col = p.a_col;
        if (block.copy_a) {
          // Rows stay rows; 16 floats more than k keep them out of the same sets of the cache.
          const bool by_rows = a_col == 1;
          const int64_t length = by_rows ? k : m, count = by_rows ? m : k;
          const int64_t pitch = by_rows ? ceil_div(k, 16) * 16 + 16 : m;
          float* copy = static_cast<float*>(scratch(Scratch::gemm_a, count * pitch * sizeof(float)));
          isa.gemm_copy(copy, pitch, a, by_rows ? a_row : a_col, count, length);
          a = copy;
          a_row = by_rows ? pitch : 1;
          a_col = by_rows ? 1 : pitch;
        }
        float* c = p.c + top * p.c_row + j;
        const float* bias = last && p.epilogue.bias ? p.epilogue.bias + j : nullptr;
        isa.gemm_row(m, n, k, a, a_row, a_col, b, b_row, panel, panel_stride, c, p.c_row,
                     p.accumulate || !first, bias);
        if (last && p.epilogue.activation) activate(p.epilogue, c, p.c_row, m, n);
      }
      l += block.k;
    } while (l < p.k);
  }
}

// The grid of tasks for one product.
struct Grid {
  int64_t rows, columns;  // of one task
};

Grid choose_grid(const KernelTable& isa, const Problem& p, int64_t wanted) {
  const int64_t tile_rows = isa.gemm_tile_rows(), tile_columns = isa.gemm_tile_columns();
  // Columns first, since a task packs its own B; but not below some tiles' width, since it copies its own A.
  const int64_t by_columns = std::clamp<int64_t>(p.n / (8 * tile_columns), 1, wanted);
  const int64_t row_tiles = ceil_div(p.m, tile_rows);
  const int64_t by_rows = std::clamp<int64_t>(ceil_div(wanted, by_columns), 1, row_tiles);
  const int64_t columns = by_rows * by_columns < wanted
                              ? std::clamp<int64_t>(ceil_div(wanted, by_rows), 1, ceil_div(p.n, tile_columns))
                              : by_columns;
  return {even_part(p.m, by_rows, tile_rows), even_part(p.n, columns, tile_columns)};
}

void multiply(int64_t batch, Problem p) {
  if (batch == 0 || p.m == 0 || p.n == 0) return;
  const KernelTable& isa = kernels();
  // A guess of the cost: two vector FMAs a cycle, or B and C once from beyond L2.
  const double nanoseconds = std::max(0.16 / isa.lanes * p.m * p.n * (p.k + 1), 0.1 * p.n * (p.k + p.m));
  const double total = nanoseconds * batch;
  const int threads = num_threads();
  int64_t wanted = 1;
  if (threads > 1 && total > 1.5 * kChunkNanoseconds)
    wanted = std::clamp<int64_t>(int64_t(total / kChunkNanoseconds / batch), 1, ceil_div(4 * threads, batch));
  const Grid grid = choose_grid(isa, p, wanted);
  const int64_t rows = ceil_div(p.m, grid.rows), columns = ceil_div(p.n, grid.columns);
  const int64_t tasks = batch * rows * columns;
  parallel_for(tasks, grain_for(total / tasks), [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t which = t / (rows * columns), i = t % rows, j = t / rows % columns;
      Problem one = p;
      one.a += which * p.a_stride;
      one.b += which * p.b_stride;
      one.c += which * p.c_stride;
      multiply_block(isa, one, i * grid.rows, std::min(p.m, (i + 1) * grid.rows), j * grid.columns,
                     std::min(p.n, (j + 1) * grid.columns));
    }
  });
}

}  // namespace

void gemm_batched(int64_t batch, bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k,
                  const float* a, int64_t lda, int64_t stride_a, const float* b, int64_t ldb,
                  int64_t stride_b, float* c, int64_t ldc, int64_t stride_c, bool accumulate,
                  const Epilogue& epilogue) {
  // One B under many A whose rows follow on: one taller product.
  if (stride_b == 0 && !trans_a && stride_a == m * lda && stride_c == m * ldc) {
    m *= batch;
    batch = batch > 0;
  }
  multiply(batch, {m, n, k, a, trans_a ? 1 : lda, trans_a ? lda : 1, stride_a, b, ldb, stride_b, trans_b, c,
                   ldc, stride_c, accumulate, epilogue});
}

void gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, const float* a, int64_t lda,
          const float* b, int64_t ldb, float* c, int64_t ldc, bool accumulate,
          const Epilogue& epilogue) {
  gemm_batched(1, trans_a, trans_b, m, n, k, a, lda, 0, b, ldb, 0, c, ldc, 0, accumulate, epilogue);
}

}  // namespace fastdl
