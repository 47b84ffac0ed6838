// Products in bfloat16: blocking and threads around the kernels of cpu/bf16.
//
//     for each task of a grid over C       one thread each, independent of one another
//       for each slab of its rows          A[rows, all k] is packed
//         for each block of columns
//           for each block of k            B[k, columns] is packed: a part of L2
//             for each two strips of A     a third of L1
//               for each two strips of B
//                 C[32, 32] += A B         (multiply); bias and activation after the last k
//
// Multiplication is so fast that reading and rounding the operands takes most of the time. So B, the weights as a rule,
// is read from memory once, and its rounded values never leave the cache of the thread that uses them. A is rounded
// once for each task of its rows.
//
// Blocks of k begin at multiples of a step, and sums go through memory between them, which does not round. So the order
// of a sum does not depend on the blocking. If k is above 1,024, a block of B is as deep as a block of the sum
// (gemm.h), which is summed apart from C.
#include "cpu/gemm_bf16.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/parallel.h"
#include "core/scratch.h"
#include "core/subnormals.h"
#include "cpu/bf16.h"
#include "cpu/gemm_blocks.h"
#include "cpu/isa.h"

namespace fastdl {
namespace {

constexpr int64_t kPair = 2 * kBf16Strip;    // rows and columns that are multiplied at once
constexpr int64_t kDepth = 8 * kBf16Step;    // a block of k: two strips of A take 16 KiB
constexpr int64_t kColumns = 1024;           // a block of B: 512 KiB, read from memory by 4 KiB of a row
constexpr int64_t kSlab = int64_t(1) << 21;  // values of A that are packed at a time: 4 MiB

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t round_up(int64_t n, int64_t unit) { return ceil_div(n, unit) * unit; }

// op(A)[i, l] = a[i * lda + l], or a[l * lda + i] if trans_a; op(B) likewise.
struct Problem {
  bool trans_a, trans_b;
  int64_t m, n, k;
  const float* a;
  int64_t lda;
  const float* b;
  int64_t ldb;
  float* c;
  int64_t ldc;
  bool accumulate;
  Epilogue epilogue;
};

void finish(const Problem& p, float* c, int64_t m, int64_t n, int64_t column) {
  const Epilogue& e = p.epilogue;
  for (int64_t i = 0; i < m; ++i, c += p.ldc) {
    if (e.bias) kernels().add(c, c, e.bias + column, n, 1, 1, nullptr);
    if (e.activation) e.activation(c, c, n, e.parameters);
  }
}

// Rows [i0, i0 + rows) and columns [j0, j0 + columns) of C.
class Task {
 public:
  Task(const Bf16Kernels& bf16, const Problem& p, int64_t i0, int64_t rows, int64_t j0, int64_t columns)
      : bf16_(bf16),
        p_(p),
        i0_(i0),
        rows_(rows),
        j0_(j0),
        columns_(columns),
        slab_(std::min(round_up(rows, kPair), std::max(kSlab / (p.k + 1), int64_t(256)) / kPair * kPair)),
        a_strip_(ceil_div(p.k, kBf16Step) * kBf16Tile) {}

  void run() const {
    // B is packed in blocks of k. If the sum has several blocks, B is packed in these, so that each is summed within
    // L2.
    const bool blocks = p_.k > kSumBlock;
    const int64_t deep = blocks ? kSumBlock : kDepth, wide = blocks ? kColumns * kDepth / kSumBlock : kColumns;
    const int64_t depth = std::min(round_up(p_.k, kBf16Step), deep), width = std::min(round_up(columns_, kPair), wide);
    auto* a = static_cast<uint16_t*>(scratch(Scratch::gemm_a, size_t(slab_ / kBf16Strip * a_strip_) * 2));
    auto* b = static_cast<uint16_t*>(scratch(Scratch::gemm_b, size_t(width * depth) * 2));
    bf16_.begin();
    for (int64_t i = 0; i < rows_; i += slab_) {
      const int64_t m = std::min(slab_, rows_ - i), row = i0_ + i;
      bf16_.pack_a(a, m, p_.k, p_.a + (p_.trans_a ? row : row * p_.lda), p_.lda, p_.trans_a);
      for (int64_t j = 0; j < columns_; j += wide) {
        const int64_t n = std::min(wide, columns_ - j), column = j0_ + j;
        int64_t l = 0;
        do {  // once for k == 0
          const int64_t k = std::min(deep, p_.k - l);
          for (int64_t q = 0; q < k; q += kDepth) {
            const float* from = p_.b + (p_.trans_b ? column * p_.ldb + l + q : (l + q) * p_.ldb + column);
            bf16_.pack_b(b + q * width, n, std::min(kDepth, k - q), from, p_.ldb, p_.trans_b);
          }
          float* c = p_.c + row * p_.ldc + column;
          blocks&& l > 0 ? later_block(m, n, k, l, a + l * kBf16Strip, b, width, c, column)
                         : first_block(m, n, k, l, a + l * kBf16Strip, b, width, c, column);
          l += deep;
        } while (l < p_.k);
      }
    }
    bf16_.end();
  }

 private:
  // C[m, n] += A B for a block of k, which begins at l and continues the sum in C.
  void first_block(int64_t m, int64_t n, int64_t k, int64_t l, const uint16_t* a, const uint16_t* b, int64_t width,
                   float* c, int64_t column) const {
    for (int64_t i = 0; i < m; i += kPair, a += 2 * a_strip_, c += kPair * p_.ldc) {
      const int64_t rows = std::min(kPair, m - i);
      int64_t q = 0;
      do {  // once for k == 0
        const int64_t steps = ceil_div(std::min(kDepth, k - q), kBf16Step), b_strip = steps * kBf16Tile;
        for (int64_t j = 0; j < n; j += kPair)
          tile(rows, std::min(kPair, n - j), steps, a + q * kBf16Strip, b + q * width + j / kBf16Strip * b_strip,
               b_strip, c + j, p_.accumulate || l + q > 0);
        q += kDepth;
      } while (q < k);
      if (l + k == p_.k) finish(p_, c, rows, n, column);
    }
  }

  // The same where C holds the sum of earlier blocks. This block is summed apart from it.
  void later_block(int64_t m, int64_t n, int64_t k, int64_t l, const uint16_t* a, const uint16_t* b, int64_t width,
                   float* c, int64_t column) const {
    auto* sums = static_cast<float*>(scratch(Scratch::gemm_sums, size_t(kPair * width) * sizeof(float)));
    for (int64_t i = 0; i < m; i += kPair, a += 2 * a_strip_, c += kPair * p_.ldc) {
      const int64_t rows = std::min(kPair, m - i);
      for (int64_t q = 0; q < k; q += kDepth) {
        const int64_t steps = ceil_div(std::min(kDepth, k - q), kBf16Step), b_strip = steps * kBf16Tile;
        for (int64_t j = 0; j < n; j += kPair)
          multiply(rows, n - j, steps, a + q * kBf16Strip, b + q * width + j / kBf16Strip * b_strip, b_strip, sums + j,
                   width, q > 0);
      }
      for (int64_t r = 0; r < rows; ++r)
        kernels().add(c + r * p_.ldc, c + r * p_.ldc, sums + r * width, n, 1, 1, nullptr);
      if (l + k == p_.k) finish(p_, c, rows, n, column);
    }
  }

  void tile(int64_t rows, int64_t columns, int64_t steps, const uint16_t* a, const uint16_t* b, int64_t b_strip,
            float* c, bool accumulate) const {
    if (rows % kBf16Strip == 0 && columns % kBf16Strip == 0)
      return multiply(rows, columns, steps, a, b, b_strip, c, p_.ldc, accumulate);
    alignas(64) float whole[kPair * kPair];  // at the edges, C with the rows and columns that it lacks
    if (accumulate) {
      std::memset(whole, 0, sizeof whole);
      for (int64_t i = 0; i < rows; ++i) std::memcpy(whole + i * kPair, c + i * p_.ldc, size_t(columns) * 4);
    }
    multiply(rows, columns, steps, a, b, b_strip, whole, kPair, accumulate);
    for (int64_t i = 0; i < rows; ++i) std::memcpy(c + i * p_.ldc, whole + i * kPair, size_t(columns) * 4);
  }

  void multiply(int64_t rows, int64_t columns, int64_t steps, const uint16_t* a, const uint16_t* b, int64_t b_strip,
                float* c, int64_t c_row, bool accumulate) const {
    constexpr int64_t kStart = 0;
    const Bf16Product product = {a, b, kBf16Step, kBf16Tile, a_strip_, b_strip, 0, &kStart, 1, steps};
    bf16_.multiply(rows > kBf16Strip ? 2 : 1, columns > kBf16Strip ? 2 : 1, product, c, c_row, accumulate);
  }

  const Bf16Kernels& bf16_;
  const Problem& p_;
  const int64_t i0_, rows_, j0_, columns_;
  const int64_t slab_;     // rows of A that are packed at a time
  const int64_t a_strip_;  // values of 16 of them
};

// Estimates the time of one task in ns: its products, and reading or writing its parts of A, B and C.
double task_time(const Bf16Kernels& bf16, double rows, double columns, double k) {
  constexpr double kValueTime = 0.2;
  return bf16.step_time * std::ceil(rows / kPair) * std::ceil(columns / kPair) * std::ceil(k / kBf16Step) +
         kValueTime * ((rows + columns) * k + rows * columns);
}
constexpr double kLeastTime = 8000;  // of a task

struct Grid {
  int64_t rows, columns;
  double time;
};

// The grid that ends first.
Grid choose_grid(const Bf16Kernels& bf16, const Problem& p, int64_t threads) {
  Grid best = {p.m, p.n, task_time(bf16, double(p.m), double(p.n), double(p.k))};
  if (threads == 1) return best;
  for (int64_t wanted : {threads, 2 * threads})
    for (int64_t by_columns = 1; by_columns <= wanted; ++by_columns) {
      Grid g = {std::min(p.m, round_up(ceil_div(p.m, wanted / by_columns), kPair)),
                std::min(p.n, round_up(ceil_div(p.n, by_columns), kPair)), 0};
      const double one = task_time(bf16, double(g.rows), double(g.columns), double(p.k));
      if (one < kLeastTime) continue;
      const int64_t tasks = ceil_div(p.m, g.rows) * ceil_div(p.n, g.columns);
      g.time = one * (double(ceil_div(tasks, threads)) + 0.1);  // the last one may be delayed
      if (g.time < best.time) best = g;
    }
  return best;
}

void multiply(const Bf16Kernels& bf16, const Problem& p, int64_t threads) {
  const Grid grid = choose_grid(bf16, p, threads);
  const double block = task_time(bf16, double(p.m), double(p.n), double(kSumBlock));
  const int64_t at_a_time = p.k > kSumBlock ? blocks_at_a_time(p.m, p.n, p.k, threads) : 0;
  if (at_a_time && block * (double(ceil_div(ceil_div(p.k, kSumBlock), threads)) + 0.1) < 0.9 * grid.time) {
    const auto one_block = [&](int64_t l, int64_t k, float* c, int64_t c_row) {
      Problem one = p;
      one.k = k;
      one.a += p.trans_a ? l * p.lda : l;
      one.b += p.trans_b ? l : l * p.ldb;
      one.c = c;
      one.ldc = c_row;
      one.accumulate = l == 0 && p.accumulate;
      one.epilogue = {};
      multiply(bf16, one, 1);
    };
    return sum_blocks(p.m, p.n, p.k, p.c, p.ldc, at_a_time, block, one_block,
                      [&](int64_t begin, int64_t end) { finish(p, p.c + begin * p.ldc, end - begin, p.n, 0); });
  }
  const int64_t rows = ceil_div(p.m, grid.rows), columns = ceil_div(p.n, grid.columns);
  parallel_for_flushing(rows * columns, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t i = t % rows * grid.rows, j = t / rows * grid.columns;
      Task(bf16, p, i, std::min(p.m - i, grid.rows), j, std::min(p.n - j, grid.columns)).run();
    }
  });
}

}  // namespace

bool bf16_pays(int64_t m, int64_t n, int64_t k) {
  return std::min({m, n, k}) >= 16 && double(m) * double(n) * double(k) >= 1 << 16;
}

void gemm_bf16(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, const float* a, int64_t lda, const float* b,
               int64_t ldb, float* c, int64_t ldc, bool accumulate, const Epilogue& epilogue) {
  if (m == 0 || n == 0) return;
  multiply(*bf16_kernels(), {trans_a, trans_b, m, n, k, a, lda, b, ldb, c, ldc, accumulate, epilogue}, num_threads());
}

}  // namespace fastdl
