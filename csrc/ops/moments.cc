#include "ops/moments.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/parallel.h"
#include "cpu/kernels.h"
#include "ops/ops.h"

namespace fastdl {
namespace {

struct MomentsAttrs {
  int first, last;
  Attributes describe() const { return {{"first", int64_t(first)}, {"last", int64_t(last)}}; }
};

// The Sums of two sets of values together (Chan, Golub & LeVeque 1983).
Sums joined(const Sums& a, const Sums& b) {
  if (a.n == 0) return b;
  const double n = a.n + b.n, between = b.mean - a.mean;
  if (!std::isfinite(between)) return {n, a.mean + b.mean, std::numeric_limits<double>::quiet_NaN()};
  return {n, a.mean + between * (b.n / n), a.squares + b.squares + between * between * (a.n * b.n / n)};
}
// The Sums of n values, from the sum and the sum of squares of their distances from `shift`, which is near their mean.
Sums around(float shift, int64_t n, double sum, double squares) {
  if (!std::isfinite(shift)) return {double(n), shift, std::numeric_limits<double>::quiet_NaN()};
  const double left = squares - sum * sum / double(n);
  return {double(n), shift + sum / double(n), left < 0 ? 0 : left};
}

// A piece is read once from memory for its sum, and a second time from cache for the distances.
constexpr int64_t kPiece = 32768, kTile = 2048;

Sums of_piece(const float* x, int64_t n) {
  const KernelTable& k = kernels();
  if (n <= kTile) {
    float sums[3];
    k.row_sums(sums, x, n);
    return around(sums[0], n, sums[1], sums[2]);
  }
  const float shift = k.sum(x, n) / float(n);
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < n; i += kTile) {
    float both[2];
    k.centered_sums(both, x + i, std::min(kTile, n - i), shift);
    sum += both[0], squares += both[1];
  }
  return around(shift, n, sum, squares);
}

void sums_of_rows(Sums* part, const float* x, int64_t rows, int64_t n) {
  const int64_t pieces = (n - 1) / kPiece + 1;
  parallel_for(rows * pieces, grain_for(30 + 0.2 * double(std::min(n, kPiece))), [&](int64_t begin, int64_t end) {
    for (int64_t w = begin; w < end; ++w) {
      const int64_t at = w % pieces * kPiece;
      part[w] = of_piece(x + w / pieces * n + at, std::min(kPiece, n - at));
    }
  });
}

// --- columns: the same, 128 of them side by side -----------------------------------------------------------

constexpr int64_t kColumns = 128, kBlockRows = 256, kPieceRows = 4096, kTogether = 64, kShort = 32;

// Adds rows x n values, ld apart, to n Sums. n <= kColumns.
void add_columns(Sums* to, const float* x, int64_t rows, int64_t n, int64_t ld) {
  const KernelTable& k = kernels();
  float shift[kColumns], sum[kColumns], squares[kColumns];
  for (int64_t first = 0; first < rows; first += kBlockRows) {
    const int64_t count = std::min(kBlockRows, rows - first);
    const float* block = x + first * ld;
    std::fill_n(shift, n, 0.0f), std::fill_n(sum, n, 0.0f), std::fill_n(squares, n, 0.0f);
    k.sum_rows(shift, block, count, n, ld);
    for (int64_t i = 0; i < n; ++i) shift[i] /= float(count);
    k.centered_sum_rows(sum, squares, block, shift, count, n, ld);
    for (int64_t i = 0; i < n; ++i) to[i] = joined(to[i], around(shift[i], count, sum[i], squares[i]));
  }
}

// Rows of few columns (three channels) are treated as longer ones: many rows side by side.
void add_narrow_columns(Sums* to, const float* x, int64_t rows, int64_t n) {
  const int64_t together = std::min(kTogether, kColumns / n), wide = together * n, whole = rows / together;
  Sums part[kColumns];
  add_columns(part, x, whole, wide, wide);
  for (int64_t i = 0; whole && i < wide; ++i) to[i % n] = joined(to[i % n], part[i]);
  add_columns(to, x + whole * wide, rows % together, n, n);
}

void sums_of_columns(Sums* part, const float* x, const Extents& e) {
  const int64_t pieces = (e.reduced - 1) / kPieceRows + 1, blocks = (e.inner - 1) / kColumns + 1;
  const double cost = 0.3 * double(std::min(e.reduced, kPieceRows) * std::min(e.inner, kColumns));
  parallel_for(e.outer * pieces * blocks, grain_for(50 + cost), [&](int64_t begin, int64_t end) {
    for (int64_t w = begin; w < end; ++w) {
      const int64_t o = w / blocks / pieces, row = w / blocks % pieces * kPieceRows, at = w % blocks * kColumns;
      const int64_t rows = std::min(kPieceRows, e.reduced - row), n = std::min(kColumns, e.inner - at);
      const float* from = x + (o * e.reduced + row) * e.inner + at;
      Sums* to = part + w / blocks * e.inner + at;
      std::fill_n(to, n, Sums());
      if (e.inner <= kShort)
        add_narrow_columns(to, from, rows, n);
      else
        add_columns(to, from, rows, n, e.inner);
    }
  });
}

}  // namespace

int64_t pieces_for(const Extents& e) { return (e.reduced - 1) / (e.inner == 1 ? kPiece : kPieceRows) + 1; }

void sums_of_pieces(Sums* part, const float* x, const Extents& e) {
  if (e.inner == 1)
    sums_of_rows(part, x, e.outer, e.reduced);
  else
    sums_of_columns(part, x, e);
}

Sums joined(const Sums* sets, int64_t count, int64_t stride) {
  if (count == 1) return *sets;
  Sums all;
  for (int64_t i = 0; i < count; ++i) {
    const Sums& s = sets[i * stride];
    all.n += s.n;
    all.mean += s.n * s.mean;
  }
  all.mean /= all.n;
  for (int64_t i = 0; i < count; ++i) {
    const Sums& s = sets[i * stride];
    const double between = s.mean - all.mean;
    all.squares += s.squares + between * between * s.n;
  }
  if (!std::isfinite(all.mean)) all.squares = std::numeric_limits<double>::quiet_NaN();
  return all;
}

Sums sums_of_row(const float* x, int64_t n) {
  if (n <= kPiece) return of_piece(x, n);
  std::vector<Sums> part(size_t((n - 1) / kPiece + 1));
  for (size_t p = 0; p < part.size(); ++p) {
    const int64_t at = int64_t(p) * kPiece;
    part[p] = of_piece(x + at, std::min(kPiece, n - at));
  }
  return joined(part.data(), int64_t(part.size()), 1);
}

namespace {

// --- the op --------------------------------------------------------------------------------------------------

void infer_moments(InferContext& c) {
  const MomentsAttrs& a = c.attrs.as<MomentsAttrs>();
  Shape s = c.in[0]->shape;
  for (int i = a.first; i < a.last; ++i) s[i] = 1;
  c.output(s, DType::float32);
  c.output(s, DType::float32);
}
// The Sums of each piece.
int64_t moments_workspace(const RunContext& c) {
  const MomentsAttrs& a = c.attrs.as<MomentsAttrs>();
  const Extents e(c.in[0].shape, a.first, a.last);
  if (e.reduced == 0 || e.outer * e.inner == 0) return 0;
  return e.outer * pieces_for(e) * e.inner * int64_t(sizeof(Sums));
}
void run_moments(const RunContext& c) {
  const MomentsAttrs& a = c.attrs.as<MomentsAttrs>();
  const Extents e(c.in[0].shape, a.first, a.last);
  float *mean = c.out[0].as<float>(), *variance = c.out[1].as<float>();
  const int64_t results = e.outer * e.inner;
  if (e.reduced == 0) {
    std::fill_n(mean, results, std::numeric_limits<float>::quiet_NaN());
    std::fill_n(variance, results, std::numeric_limits<float>::quiet_NaN());
    return;
  }
  if (!results) return;
  Sums* const part = c.scratch<Sums>();
  sums_of_pieces(part, c.in[0].as<float>(), e);
  const int64_t pieces = pieces_for(e);
  for (int64_t r = 0; r < results; ++r) {
    const Sums all = joined(part + r / e.inner * pieces * e.inner + r % e.inner, pieces, e.inner);
    mean[r] = float(all.mean);
    variance[r] = float(all.squares / all.n);
  }
}
// d mean / dx = 1 / n, d variance / dx = 2 (x - mean) / n
void grad_moments(GradContext& c) {
  const MomentsAttrs& a = c.attrs.as<MomentsAttrs>();
  const Tensor& x = c.in[0];
  const double n = double(x->shape.count(a.first, a.last));
  if (c.gout[1]) c.gin[0] = mul(sub(x, c.out[0]), scale(c.gout[1], 2 / n));
  if (!c.gout[0]) return;
  const Tensor g = broadcast_to(scale(c.gout[0], 1 / n), x->shape);
  c.gin[0] = c.gin[0] ? add(c.gin[0], g) : g;
}
const Op op_moments = OpRow{.name = "moments",
                            .infer = infer_moments,
                            .run = run_moments,
                            .grad = grad_moments,
                            .describe = describe<MomentsAttrs>,
                            .workspace = moments_workspace};

}  // namespace

Moments moments_of_run(const Tensor& x, int first, int last) {
  const Outputs out = apply(op_moments, {x}, MomentsAttrs{first, last});
  return {out.t[0], out.t[1]};
}

}  // namespace fastdl
