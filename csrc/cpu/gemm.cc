// Matrix multiplication: blocking, packing and threads around the register tiles of kernels/gemm.cc.
//
//     for each slab of B                        packed by all threads together, if that pays
//       for each task of a grid over C          one thread each, independent of one another
//         for each block of the sum             1,024 of k (see gemm.h)
//           for each group of rows              A[rows, block] is packed, if that pays; half of L2
//             for each hot part of the columns
//               for each part of the block      so long that a row of tiles of A takes a sixth of L1
//                 for each row of tiles         B[part, hot columns]: another quarter of L2
//                   C[tile rows, hot columns] += A B  (gemm_row); bias and activation after the last k
//
// Weights may be packed already: then a Problem has a panel. Where C has few elements and k is long, the grid is over
// blocks of the sum instead (gemm_blocks.h).
#include "cpu/gemm.h"

#include <algorithm>

#include "core/parallel.h"
#include "core/scratch.h"
#include "core/subnormals.h"
#include "cpu/gemm_blocks.h"
#include "cpu/isa.h"

namespace fastdl {
namespace {

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// The size of equal parts of n, at most `most` and a multiple of `unit`; n itself if it is at most `most`.
int64_t even_part(int64_t n, int64_t most, int64_t unit) {
  if (n <= most) return n;
  return ceil_div(ceil_div(n, ceil_div(n, most)), unit) * unit;
}

// What C holds at the start: no values, the start of the first block's chains, or the sum of earlier blocks.
enum class Start { nothing, chain, sum };

// op(A)[i, l] = a[i * a_row + l * a_col], op(B)[l, j] = b[l * b_row + j] or, transposed, b[j * b_row + l].
struct Problem {
  int64_t m, n, k;
  const float* a;
  int64_t a_row, a_col, a_stride;
  const float* b;
  int64_t b_row, b_stride;
  bool b_transposed;
  int64_t panel;  // 0, or B is packed: B[l, j] = b[j / panel * panel_stride + l * panel + j % panel]
  int64_t panel_stride;
  float* c;
  int64_t c_row, c_stride;
  Start start;
  Epilogue epilogue;
  bool scalar_bias;  // a bias is one value instead of n
  // Where the chains of a part of a later block grow, as large as C; null: in a buffer of the task's own.
  float* beside = nullptr;
  int64_t beside_row = 0;
  bool resumes = false, ends = true;  // whether the part goes on with these chains, and whether it ends its block
};

// Asks for a part of a matrix that is too large for L2. Packing and the first row of tiles go through it in short rows,
// which hardware prefetching does not follow, and would wait for each. A smaller matrix mostly lies in L2, and asking
// costs as much as a row of tiles.
void fetch(const float* p, int64_t rows, int64_t row, int64_t columns) {
  constexpr int64_t kLine = 16;
  for (int64_t i = 0; i < rows; ++i, p += row)
    for (int64_t j = 0; j < columns; j += kLine) __builtin_prefetch(p + j, 0, 2);
}

// The part of the epilogue that the tiles leave for a finished part of C. `bias`: for columns whose bias no tile added.
void finish(const Problem& p, float* c, int64_t m, int64_t n, const float* bias = nullptr) {
  const Epilogue& e = p.epilogue;
  const bool scalar = p.scalar_bias && e.bias;
  if (!e.activation && !scalar && !bias) return;
  for (int64_t i = 0; i < m; ++i, c += p.c_row) {
    if (scalar)
      for (int64_t j = 0; j < n; ++j) c[j] += e.bias[0];
    else if (bias)
      for (int64_t j = 0; j < n; ++j) c[j] += bias[j];
    if (e.activation) e.activation(c, c, n, e.parameters);
  }
}

// Sizes of caches in floats.
int64_t l1_floats() { return (cache_sizes().l1d ? cache_sizes().l1d : 32 << 10) / 4; }
int64_t l2_floats() { return (cache_sizes().l2 ? cache_sizes().l2 : 512 << 10) / 4; }

// The panel width for tiles of full height.
int64_t full_panel(const KernelTable& isa) { return isa.gemm_tile_columns(isa.gemm_tile_rows()); }

// Tiles as narrow as a cache line (without AVX-512) read one line of each row of an unpacked B, which defeats hardware
// prefetching, and use each broadcast of A only twice. So packing pays sooner.
bool narrow_tiles(const KernelTable& isa) { return full_panel(isa) <= 16; }

int64_t block_of_k(const KernelTable& isa, int64_t k) {
  return even_part(k, std::clamp<int64_t>(l1_floats() / 6 / isa.gemm_tile_rows(), 64, 512), 8);
}

// With so few rows, the time of a product is that of reading B.
bool few_rows(const Problem& p) { return p.m <= 4; }

// Estimates a product's time on one thread in ns: two vector FMAs per cycle, in vectors that may be partial, and
// packing a transposed B. At least the time to read the operands once from beyond L2, which each part of a product
// does.
double arithmetic_time(const KernelTable& isa, double m, int64_t n, double k) {
  return 0.16 * m * double(ceil_div(n, isa.lanes)) * (k + 1);
}
constexpr double kFloatTime = 0.13, kTransposedFloatTime = 0.3;
double product_time(const KernelTable& isa, const Problem& p) {
  const double transposing = p.b_transposed && !few_rows(p) ? kTransposedFloatTime * double(p.n) * double(p.k) : 0;
  return std::max(arithmetic_time(isa, double(p.m), p.n, double(p.k)) + transposing,
                  kFloatTime * double(p.n) * double(p.k + p.m));
}
constexpr double kSharedLineTime = 60;  // of a line that two threads write to

// Shorter tasks do not get another thread. It could make some products of 3 to 8 us faster, but the next call would
// find half of the result in another core's caches (docs/lab-notes.md).
constexpr double kLeastTime = 4000;

// How one task is blocked, from the sizes of the caches and of the tiles of the ISA in use.
struct Blocking {
  int64_t row_tiles;  // rows of register tiles
  int64_t group;      // how many of them share a hot part of B
  int64_t k, hot_columns;
  bool pack_a;
};

Blocking choose_blocking(const KernelTable& isa, const Problem& p, int64_t rows, int64_t columns) {
  const int64_t tile_rows = isa.gemm_tile_rows();
  Blocking b;
  b.row_tiles = ceil_div(rows, tile_rows);
  const int64_t tile_columns = p.panel ? p.panel : isa.gemm_tile_columns(ceil_div(rows, b.row_tiles));
  const int64_t depth = std::clamp<int64_t>(p.k, 1, kSumBlock);
  b.k = block_of_k(isa, depth);
  b.hot_columns = even_part(columns, std::max(l2_floats() / b.k / 4, tile_columns), tile_columns);
  b.group = std::clamp<int64_t>(l2_floats() / depth / 2 / tile_rows, 1, b.row_tiles);
  // Packing A pays where its lines compete for one set of L1 (rows a multiple of a page apart) or where k takes too
  // many lines, sooner where both hold. It also pays over many columns of packed B, where tiles then run faster.
  const bool by_rows = p.a_col == 1, pages_apart = (by_rows ? p.a_row : p.a_col) % 1024 == 0;
  const bool many_lines = !by_rows && p.k * p.a_col > l1_floats();
  const int64_t enough = pages_apart && many_lines ? 32 : pages_apart || many_lines || narrow_tiles(isa) ? 128 : 256;
  b.pack_a = columns >= enough && (pages_apart || many_lines || p.panel);
  // Few rows: B comes from memory and is used only once, so it is read in long stretches of a few rows.
  if (few_rows(p) && !p.panel) b.k = std::min<int64_t>(p.k, 64), b.hot_columns = columns;
  return b;
}

// One task: rows [i0, i0 + rows) and columns [j0, j0 + columns) of one product.
class Task {
 public:
  Task(const KernelTable& isa, const Problem& p, int64_t i0, int64_t rows, int64_t j0, int64_t columns)
      : isa_(isa),
        p_(p),
        i0_(i0),
        j0_(j0),
        columns_(columns),
        block_(choose_blocking(isa, p, rows, columns)),
        height_(rows / block_.row_tiles),
        higher_(rows % block_.row_tiles),
        fetches_b_(!p.panel && !few_rows(p) && p.k * p.n > l2_floats()) {}

  void run() const {
    int64_t l = 0;
    do {  // once for k == 0
      sum_block(l, std::min(kSumBlock, p_.k - l));
      l += kSumBlock;
    } while (l < p_.k);
  }

 private:
  // Heights of row tiles differ by at most one row, so that none at the bottom is low.
  int64_t top(int64_t tile) const { return i0_ + tile * height_ + std::min(tile, higher_); }

  // Adds A[rows, l ... l + k] B[l ... l + k, columns] to C, one block of the sum.
  void sum_block(int64_t l, int64_t k) const {
    for (int64_t t = 0; t < block_.row_tiles; t += block_.group) {
      const int64_t end = std::min(t + block_.group, block_.row_tiles);
      const float* packed = block_.pack_a ? pack_a(t, end, l, k) : nullptr;
      for (int64_t j = 0; j < columns_; j += block_.hot_columns)
        group(t, end, packed, j0_ + j, std::min(block_.hot_columns, columns_ - j), l, k);
    }
  }

  // The same for row tiles [begin, end) and one hot part of B, which starts a panel if B is packed. The chains of the
  // first block grow in C. Those of a later block grow in a buffer and are added to C when they are complete.
  void group(int64_t begin, int64_t end, const float* packed, int64_t j, int64_t n, int64_t l, int64_t k) const {
    const bool later = l > 0 || p_.start == Start::sum;
    const int64_t sums_row = p_.beside ? p_.beside_row : ceil_div(n, 16) * 16, rows = top(end) - top(begin);
    float* const sums = !later         ? nullptr
                        : p_.beside    ? p_.beside + top(begin) * sums_row + j
                        : k > block_.k ? static_cast<float*>(scratch(Scratch::gemm_sums, size_t(rows * sums_row) * 4))
                                       : nullptr;
    GemmRow g = {};
    g.n = n;
    g.b_row = p_.panel ? p_.panel : p_.b_row;
    g.panel = p_.panel ? p_.panel : n;
    g.panel_stride = p_.panel_stride;
    int64_t q = 0;
    do {  // once for k == 0
      g.k = std::min(block_.k, k - q);
      if (begin == 0 && fetches_b_) fetch(p_.b + (l + q) * p_.b_row + j, g.k, p_.b_row, n);
      const bool whole = q + g.k == k && p_.ends, last = whole && l + k == p_.k;
      g.b = p_.panel ? p_.b + j / p_.panel * p_.panel_stride + (l + q) * p_.panel : p_.b + (l + q) * p_.b_row + j;
      g.add = later && whole;
      g.bias = last && p_.epilogue.bias && !p_.scalar_bias ? p_.epilogue.bias + j : nullptr;
      for (int64_t t = begin; t < end; ++t) {
        const int64_t i = top(t);
        g.m = top(t + 1) - i;
        g.a = packed ? packed + (t - begin) * packed_tile(k) + q * g.m : p_.a + i * p_.a_row + (l + q) * p_.a_col;
        g.a_row = packed ? 1 : p_.a_row;
        g.a_col = packed ? g.m : p_.a_col;
        float *c = p_.c + i * p_.c_row + j, *apart = sums ? sums + (i - top(begin)) * sums_row : nullptr;
        g.c = later && !whole ? apart : c;
        g.c_row = later && !whole ? sums_row : p_.c_row;
        g.start = later ? (q > 0 || p_.resumes ? apart : nullptr) : q > 0 || p_.start == Start::chain ? c : nullptr;
        g.start_row = later ? sums_row : p_.c_row;
        isa_.gemm_row(g);
        if (last) finish(p_, c, g.m, n);
      }
      q += block_.k;
    } while (q < k);
  }

  int64_t packed_tile(int64_t k) const { return ceil_div((height_ + (higher_ != 0)) * k, 16) * 16 + 16; }

  // Packs a group's A, tile after tile.
  const float* pack_a(int64_t begin, int64_t end, int64_t l, int64_t k) const {
    const int64_t tile = packed_tile(k);
    float* data = static_cast<float*>(scratch(Scratch::gemm_a, block_.group * tile * sizeof(float)));
    // A line of a transposed A holds columns of several tiles, so all tiles use 16 of its lines before the next.
    const int64_t strip = p_.a_col == 1 ? k : 16;
    if (p_.a_row == 1 && p_.m * p_.k > l2_floats())
      fetch(p_.a + top(begin) + l * p_.a_col, k, p_.a_col, top(end) - top(begin));
    for (int64_t s = 0; s < k; s += strip)
      for (int64_t t = begin; t < end; ++t) {
        const int64_t m = top(t + 1) - top(t);
        isa_.gemm_pack_a(data + (t - begin) * tile + s * m, m, std::min(strip, k - s),
                         p_.a + top(t) * p_.a_row + (l + s) * p_.a_col, p_.a_row, p_.a_col);
      }
    return data;
  }

  const KernelTable& isa_;
  const Problem& p_;
  const int64_t i0_, j0_, columns_;
  const Blocking block_;
  const int64_t height_, higher_;  // rows of a row tile; how many of them have one more
  const bool fetches_b_;
};

// Rows and columns of one task, and the estimated time in ns at which the last task ends.
struct Grid {
  int64_t rows, columns;
  double time;
};

// The grid that ends first. Each task takes time for its arithmetic and to read or pack its A and B; the last one to
// end may be delayed. One task if another thread would not pay.
Grid choose_grid(const KernelTable& isa, const Problem& p, double time, int64_t threads) {
  Grid best = {p.m, p.n, time};
  if (threads == 1 || time < 2 * kLeastTime) return best;
  const int64_t tile_rows = isa.gemm_tile_rows(), tile_columns = p.panel ? p.panel : isa.lanes;
  best.time = 1e300;
  for (int64_t each = 1; each <= (few_rows(p) ? 1 : 4); each *= 2) {
    const int64_t wanted = std::min(each * threads, std::max<int64_t>(2, int64_t(time / kLeastTime)));
    for (int64_t by_columns = 1; by_columns <= wanted; ++by_columns) {
      Grid g = {even_part(p.m, ceil_div(p.m, wanted / by_columns), tile_rows),
                even_part(p.n, ceil_div(p.n, by_columns), tile_columns), 0};
      // Tasks that divide columns read the same A and share cache lines at the borders, which slows threads down.
      const double apart = by_columns == 1 ? 1.0 : p.a_col == 1 ? 1.08 : 1.15;
      // Where rows of C do not start on a cache line, neighbouring tasks write to the same line in each row.
      const double shared_lines = by_columns == 1 || p.c_row % 16 == 0 ? 0.0 : kSharedLineTime * double(g.rows);
      const double one = apart * arithmetic_time(isa, double(g.rows), g.columns, double(p.k)) + shared_lines +
                         kFloatTime * double((g.rows + g.columns) * p.k + 2 * g.rows * g.columns);
      const int64_t tasks = ceil_div(p.m, g.rows) * ceil_div(p.n, g.columns);
      g.time = one * (double(ceil_div(tasks, threads)) + 0.1);
      if (g.time < best.time) best = g;
    }
  }
  return best;
}

void multiply_as_it_lies(const KernelTable& isa, const Problem& p, int64_t threads) {
  const Grid grid = choose_grid(isa, p, product_time(isa, p), threads);
  const int64_t rows = ceil_div(p.m, grid.rows), columns = ceil_div(p.n, grid.columns);
  parallel_for_flushing(rows * columns, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t i = t % rows * grid.rows, j = t / rows * grid.columns;
      Task(isa, p, i, std::min(p.m - i, grid.rows), j, std::min(p.n - j, grid.columns)).run();
    }
  });
}

void pack(const KernelTable& isa, bool transposed, int64_t n, int64_t k, const float* b, int64_t b_row, float* packed,
          int64_t panel) {
  const double each = (transposed ? kTransposedFloatTime : 0.15) * double(panel * k);
  const int64_t grain = std::max<int64_t>(1, int64_t(kLeastTime / std::max(each, 1.0)));
  parallel_for(ceil_div(n, panel), grain, [&](int64_t begin, int64_t end) {
    const int64_t j = begin * panel;
    isa.gemm_pack(packed + j * k, k, std::min(end * panel, n) - j, b + (transposed ? j * b_row : j), b_row, transposed,
                  panel);
  });
}

// All threads pack a slab of B together, at most `most` floats, multiply by it, and go on to the next. A slab of a
// longer sum is a part of a block too if the block's chains can grow beside C, in a buffer no larger than L2. Otherwise
// slabs hold whole blocks, and more floats so that they are as wide.
void multiply_by_slabs(const KernelTable& isa, const Problem& p, int64_t most, int64_t threads) {
  const int64_t panel = std::min(full_panel(isa), ceil_div(p.n, isa.lanes) * isa.lanes);
  const int64_t part = block_of_k(isa, std::min(p.k, kSumBlock));
  const int64_t columns = even_part(p.n, std::max(most / std::max<int64_t>(part, 1), panel), panel);
  const int64_t padded = ceil_div(columns, panel) * panel;
  const bool many_blocks = p.k > kSumBlock, beside = many_blocks && p.m * padded <= l2_floats();
  const int64_t unit = many_blocks && !beside ? kSumBlock : part;
  const int64_t units = std::max<int64_t>(most / std::max<int64_t>(padded * unit, 1), 1);
  const int64_t depth = std::min(beside ? kSumBlock : p.k, units * unit);
  float* packed = static_cast<float*>(scratch(Scratch::gemm_b, size_t(padded * depth) * sizeof(float)));
  Problem slab = p;
  slab.b = packed;
  slab.b_transposed = false;
  slab.panel = panel;
  if (beside) {
    slab.beside = static_cast<float*>(scratch(Scratch::gemm_sums, size_t(p.m * padded) * sizeof(float)));
    slab.beside_row = padded;
  }
  for (int64_t j = 0; j < p.n; j += columns) {
    int64_t l = 0;
    do {  // once for k == 0
      slab.n = std::min(columns, p.n - j);
      slab.k = std::min(beside ? std::min(depth, kSumBlock - l % kSumBlock) : depth, p.k - l);
      slab.a = p.a + l * p.a_col;
      slab.panel_stride = panel * slab.k;
      slab.c = p.c + j;
      slab.start = l == 0 ? p.start : !many_blocks || l < kSumBlock ? Start::chain : Start::sum;
      slab.resumes = beside && l % kSumBlock > 0;
      slab.ends = !beside || (l + slab.k) % kSumBlock == 0 || l + slab.k == p.k;
      slab.epilogue = l + slab.k == p.k ? p.epilogue : Epilogue{};
      if (slab.epilogue.bias && !p.scalar_bias) slab.epilogue.bias += j;
      const float* b = p.b + (p.b_transposed ? j * p.b_row + l : l * p.b_row + j);
      if (threads == 1) p.b_transposed ? fetch(b, slab.n, p.b_row, slab.k) : fetch(b, slab.k, p.b_row, slab.n);
      pack(isa, p.b_transposed, slab.n, slab.k, b, p.b_row, packed, panel);
      multiply_as_it_lies(isa, slab, threads);
      l += slab.k;
    } while (l < p.k);
  }
}

// Packs B slab by slab. A packed B must cross between caches if threads share it. So each thread takes rows of its own
// if packing all of B costs little beside them, or columns of its own if A or the product is small. In large products
// the packed B is in use for longer than it takes to cross, so threads share it.
void multiply_packing(const KernelTable& isa, const Problem& p, int64_t threads) {
  const int64_t l2 = std::max<int64_t>(l2_floats(), 1 << 17);
  const double time = product_time(isa, p);
  if (threads == 1 || time < 2 * kLeastTime) return multiply_by_slabs(isa, p, l2 / 4, 1);
  const bool small = time < 400 * kLeastTime, large = time > 4000 * kLeastTime;
  const bool own_rows = !large && p.m >= p.n && p.m > (p.n < 2 * isa.lanes ? 32 : 128) * threads;
  const bool own_columns =
      !own_rows && p.n >= 2 * isa.lanes && (small || p.n >= 2 * p.m || (!large && p.n > 128 * threads));
  if (!own_rows && !own_columns) return multiply_by_slabs(isa, p, 2 * l2, threads);
  const int64_t rows = own_rows ? even_part(p.m, ceil_div(p.m, threads), isa.gemm_tile_rows()) : p.m;
  const int64_t columns = own_rows ? p.n : even_part(p.n, ceil_div(p.n, threads), isa.lanes);
  parallel_for_flushing(ceil_div(p.m, rows) * ceil_div(p.n, columns), 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t i = own_rows ? t * rows : 0, j = own_rows ? 0 : t * columns;
      Problem part = p;
      part.m = std::min(rows, p.m - i);
      part.n = std::min(columns, p.n - j);
      part.a += i * p.a_row;
      part.b += p.b_transposed ? j * p.b_row : j;
      part.c += i * p.c_row + j;
      if (part.epilogue.bias && !p.scalar_bias) part.epilogue.bias += j;
      multiply_by_slabs(isa, part, l2 / 4, 1);
    }
  });
}

// Few rows of A times rows of B: packing would cost as much as the product.
void multiply_rows(const KernelTable& isa, const Problem& p) {
  const int64_t unit = 2 * isa.lanes;
  const double each = double(unit * p.k) * (kFloatTime / 2 + 0.01 * double(p.m));
  const int64_t grain = std::max<int64_t>(1, int64_t(kLeastTime / std::max(each, 1.0)));
  parallel_for_flushing(ceil_div(p.n, unit), grain, [&](int64_t begin, int64_t end) {
    const float* bias = p.scalar_bias ? nullptr : p.epilogue.bias;
    const int64_t last = std::min(end * unit, p.n), wide = p.k > kSumBlock ? unit : last;
    for (int64_t j = begin * unit; j < last; j += wide) {
      const int64_t n = std::min(wide, last - j);
      int64_t l = 0;
      do {  // once for k == 0
        const int64_t k = std::min(kSumBlock, p.k - l);
        const bool add = l > 0 || p.start == Start::sum, whole = l + k == p.k;
        isa.gemm_dots(p.m, n, k, p.a + l * p.a_col, p.a_row, p.a_col, p.b + j * p.b_row + l, p.b_row, p.c + j, p.c_row,
                      !add && p.start == Start::chain, add, bias && whole ? bias + j : nullptr);
        l += k;
      } while (l < p.k);
      finish(p, p.c + j, p.m, n);
    }
  });
}

void multiply(const KernelTable& isa, const Problem& p, int64_t threads);

// The number of blocks whose sums are kept at a time if threads take different blocks of k; 0 if they should take
// different elements.
int64_t choose_blocks(const KernelTable& isa, const Problem& p, int64_t threads) {
  const int64_t at_a_time = blocks_at_a_time(p.m, p.n, p.k, threads);
  const double time = product_time(isa, p);
  if (!at_a_time || time < 2 * kLeastTime) return 0;
  const double packing = p.b_transposed && !few_rows(p) ? kTransposedFloatTime * double(p.n) : 0;
  const double by_elements = choose_grid(isa, p, time, threads).time + packing * double(p.k);
  const double one = arithmetic_time(isa, double(p.m), p.n, double(kSumBlock)) +
                     (packing + kFloatTime * double(p.m + p.n)) * double(kSumBlock) +
                     4 * kFloatTime * double(p.m * p.n);
  const double by_blocks = one * (double(ceil_div(ceil_div(p.k, kSumBlock), threads)) + 0.1);
  return by_blocks < 0.9 * by_elements ? at_a_time : 0;
}

void multiply_by_blocks(const KernelTable& isa, const Problem& p, int64_t at_a_time) {
  const auto one_block = [&](int64_t l, int64_t k, float* c, int64_t c_row) {
    Problem one = p;
    one.k = k;
    one.a += l * p.a_col;
    one.b += p.panel ? l * p.panel : p.b_transposed ? l : l * p.b_row;
    one.c = c;
    one.c_row = c_row;
    one.start = l == 0 ? p.start : Start::nothing;
    one.epilogue = {};
    multiply(isa, one, 1);
  };
  sum_blocks(p.m, p.n, p.k, p.c, p.c_row, at_a_time, product_time(isa, p) / double(ceil_div(p.k, kSumBlock)), one_block,
             [&](int64_t begin, int64_t end) { finish(p, p.c + begin * p.c_row, end - begin, p.n, p.epilogue.bias); });
}

void multiply(const KernelTable& isa, const Problem& p, int64_t threads) {
  if (p.k > kSumBlock)
    if (const int64_t at_a_time = choose_blocks(isa, p, threads)) return multiply_by_blocks(isa, p, at_a_time);
  const int64_t row_tiles = ceil_div(p.m, isa.gemm_tile_rows());
  if (p.panel) return multiply_as_it_lies(isa, p, threads);
  if (p.b_transposed) return few_rows(p) ? multiply_rows(isa, p) : multiply_packing(isa, p, threads);
  // If B fits L2, reading its rows in place costs little, and packing pays from about the 64th use on. For a larger B
  // it pays from the sixteenth. Narrow tiles need B in L1, so fewer uses are enough.
  const bool narrow = narrow_tiles(isa);
  const int64_t uses = narrow ? 8 : p.k * p.n > l2_floats() ? 32 : 64;
  const bool pays = p.k * p.n > 2 * l1_floats() && row_tiles >= uses;
  pays ? multiply_packing(isa, p, threads) : multiply_as_it_lies(isa, p, threads);
}

void multiply_batch(int64_t batch, const Problem& p) {
  if (batch == 0 || p.m == 0 || p.n == 0) return;
  const KernelTable& isa = kernels();
  const int64_t threads = num_threads();
  if (batch == 1) return multiply(isa, p, threads);
  const auto run = [&](int64_t begin, int64_t end, int64_t threads_for_each) {
    for (int64_t i = begin; i < end; ++i) {
      Problem one = p;
      one.a += i * p.a_stride;
      one.b += i * p.b_stride;
      one.c += i * p.c_stride;
      multiply(isa, one, threads_for_each);
    }
  };
  // Large products use all threads one after the other. Small ones are divided among the threads as wholes.
  const double each = product_time(isa, p);
  if (each > 4 * kLeastTime && batch < 4 * threads) return run(0, batch, threads);
  parallel_for_flushing(batch, std::max<int64_t>(1, int64_t(kLeastTime / std::max(each, 1.0))),
                        [&](int64_t begin, int64_t end) { run(begin, end, 1); });
}

}  // namespace

void gemm_batched(int64_t batch, bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, const float* a,
                  int64_t lda, int64_t stride_a, const float* b, int64_t ldb, int64_t stride_b, float* c, int64_t ldc,
                  int64_t stride_c, bool accumulate, const Epilogue& epilogue) {
  // One B with many A whose rows are contiguous: one taller product.
  if (stride_b == 0 && !trans_a && stride_a == m * lda && stride_c == m * ldc && batch > 1) {
    m *= batch;
    batch = 1;
  }
  const Start start = accumulate ? Start::chain : Start::nothing;
  if (n == 1 && ldc == 1 && m > 1)  // a column is a row: C^T = B^T A^T, the same products in the same order
    multiply_batch(batch, {1, m, k, b, 0, trans_b ? 1 : ldb, stride_b, a, lda, stride_a, !trans_a, 0, 0, c, m, stride_c,
                           start, epilogue, epilogue.bias != nullptr});
  else
    multiply_batch(batch, {m, n, k, a, trans_a ? 1 : lda, trans_a ? lda : 1, stride_a, b, ldb, stride_b, trans_b, 0, 0,
                           c, ldc, stride_c, start, epilogue, false});
}

void gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, const float* a, int64_t lda, const float* b,
          int64_t ldb, float* c, int64_t ldc, bool accumulate, const Epilogue& epilogue) {
  gemm_batched(1, trans_a, trans_b, m, n, k, a, lda, 0, b, ldb, 0, c, ldc, 0, accumulate, epilogue);
}

int64_t packed_b_floats(int64_t n, int64_t k) {
  const int64_t panel = full_panel(kernels());
  return ceil_div(n, panel) * panel * k;
}

void pack_b(bool trans_b, int64_t n, int64_t k, const float* b, int64_t ldb, float* packed) {
  pack(kernels(), trans_b, n, k, b, ldb, packed, full_panel(kernels()));
}

void gemm_packed(bool trans_b, int64_t m, int64_t n, int64_t k, const float* a, int64_t lda, const float* b,
                 int64_t ldb, const float* packed, float* c, int64_t ldc, bool accumulate, const Epilogue& epilogue) {
  if (m <= 4 && !trans_b)  // B is read about once: packing gains nothing, and wider tiles fit
    return gemm(false, trans_b, m, n, k, a, lda, b, ldb, c, ldc, accumulate, epilogue);
  const int64_t panel = full_panel(kernels());
  multiply_batch(1, {m, n, k, a, lda, 1, 0, packed, 0, 0, false, panel, panel * k, c, ldc, 0,
                     accumulate ? Start::chain : Start::nothing, epilogue, false});
}

}  // namespace fastdl
