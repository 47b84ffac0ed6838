#include "cpu/recurrent.h"

#include <algorithm>

#include "core/cancel.h"
#include "core/parallel.h"
#include "core/scratch.h"
#include "core/subnormals.h"
#include "cpu/gemm.h"
#include "cpu/isa.h"

namespace fastdl {
namespace {

constexpr int64_t kMostRows = 64;  // of a task: its products stay in L2

// A matrix that many products of a few rows share.
class Weights {
 public:
  // op(w) is (k, n).
  Weights(bool transposed, int64_t n, int64_t k, const float* w, float* packed)
      : transposed_(transposed), n_(n), k_(k), w_(w), packed_(packed) {
    if (packed) pack_b(transposed, n, k, w, transposed ? k : n, packed);
  }
  // c = a op(w) (+ c) + bias, for rows of c that are adjacent.
  void multiply(int64_t rows, const float* a, int64_t lda, float* c, bool accumulate, const float* bias) const {
    Epilogue epilogue;
    epilogue.bias = bias;
    const int64_t ldw = transposed_ ? k_ : n_;
    if (packed_) return gemm_packed(transposed_, rows, n_, k_, a, lda, w_, ldw, packed_, c, n_, accumulate, epilogue);
    gemm(false, transposed_, rows, n_, k_, a, lda, w_, ldw, c, n_, accumulate, epilogue);
  }

 private:
  const bool transposed_;
  const int64_t n_, k_;
  const float* const w_;
  const float* const packed_;
};

bool packs(const Recurrence& r) { return r.samples > 4 && r.steps > 1; }

// Calls f(first, rows) for all samples. Where there are fewer than eight for a thread and the matrix is large, threads
// share its columns instead, within the products.
template <class F>
void for_rows(const Recurrence& r, F f) {
  constexpr int64_t kLarge = 1 << 18;  // floats of a matrix that takes most of an L2
  const int64_t threads = num_threads();
  if (threads > 1 && r.samples < 8 * threads && r.units * r.gates() > kLarge) {
    const FlushSubnormals flush;
    for (int64_t at = 0; at < r.samples; at += kMostRows) f(at, std::min(kMostRows, r.samples - at));
    return;
  }
  const int64_t each = std::clamp<int64_t>((r.samples + threads - 1) / threads, 1, kMostRows);
  const double nanoseconds = double(r.steps) * double(r.gates()) * (0.02 * double(r.units) + 2) * double(each);
  parallel_for_flushing((r.samples + each - 1) / each, grain_for(nanoseconds), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) f(i * each, std::min(each, r.samples - i * each));
  });
}

auto cell_kernel(Cell c) {
  const KernelTable& k = kernels();
  return c == Cell::lstm ? k.lstm_cell : c == Cell::gru ? k.gru_cell : c == Cell::tanh ? k.tanh_cell : k.relu_cell;
}
auto gradient_kernel(Cell c) {
  const KernelTable& k = kernels();
  return c == Cell::lstm   ? k.lstm_cell_grad
         : c == Cell::gru  ? k.gru_cell_grad
         : c == Cell::tanh ? k.tanh_cell_grad
                           : k.relu_cell_grad;
}

void copy_or_zero(float* to, const float* from, int64_t count) {
  if (from)
    std::copy_n(from, count, to);
  else
    std::fill_n(to, count, 0.0f);
}

}  // namespace

int64_t recurrent_packed_floats(const Recurrence& r, bool gradient) {
  if (!packs(r)) return 0;
  return gradient ? packed_b_floats(r.units, r.gates()) : packed_b_floats(r.gates(), r.units);
}

void recurrent(const Recurrence& r, const RecurrentArrays& a, float* packed) {
  const int64_t units = r.units, gates = r.gates(), blocks = saved_blocks(r.cell) * units;
  const Weights w(r.transposed, gates, units, a.w, packs(r) ? packed : nullptr);
  const auto run_cell = cell_kernel(r.cell);
  for_rows(r, [&](int64_t first, int64_t rows) {
    float* const products = scratch_of<float>(Scratch::recurrent, rows * gates);
    float *const h = a.h + first * units, *const c = a.c ? a.c + first * units : nullptr;
    copy_or_zero(h, a.h0 ? a.h0 + first * units : nullptr, rows * units);
    if (c) copy_or_zero(c, a.c0 ? a.c0 + first * units : nullptr, rows * units);
    for (int64_t s = 0; s < r.steps && !stop_requested(); ++s) {
      const int64_t t = r.reverse ? r.steps - 1 - s : s;
      const auto counts = [&](int64_t i) { return !a.mask || a.mask[r.at(first + i, t)]; };
      bool any = !a.mask;
      for (int64_t i = 0; !any && i < rows; ++i) any = counts(i);
      if (any) w.multiply(rows, h, units, products, false, a.bias);
      for (int64_t i = 0; i < rows; ++i) {
        const int64_t at = r.at(first + i, t);
        float *const y = a.y + at * units, *const saved = a.saved ? a.saved + at * blocks : nullptr;
        if (a.before) std::copy_n(h + i * units, units, a.before + at * units);
        if (counts(i)) {
          CellRow row = {};
          row.n = units;
          row.x = a.x + at * gates;
          row.p = products + i * gates;
          row.reset = r.reset_first ? 0 : 1;
          row.update = 1 - row.reset;
          row.before = (c ? c : h) + i * units;
          row.cell = c ? c + i * units : nullptr;
          row.state = h + i * units;
          row.saved = saved;
          run_cell(row);
        }
        if (saved && c) std::copy_n(c + i * units, units, saved + 4 * units);
        copy_or_zero(y, counts(i) || !r.masked_zero ? h + i * units : nullptr, units);
      }
    }
  });
}

void recurrent_grad(const Recurrence& r, const RecurrentGradients& a, float* packed) {
  const int64_t units = r.units, gates = r.gates(), blocks = saved_blocks(r.cell) * units;
  const Weights w(!r.transposed, units, gates, a.w, packs(r) ? packed : nullptr);
  const auto run_cell = gradient_kernel(r.cell);
  const bool adds = a.mask || r.cell == Cell::gru;  // some of the state's gradient does not flow through the product
  for_rows(r, [&](int64_t first, int64_t rows) {
    float* const zeros = scratch_of<float>(Scratch::recurrent, units);
    std::fill_n(zeros, units, 0.0f);
    const auto time = [&](int64_t step) { return r.reverse ? r.steps - 1 - step : step; };
    float *const dh = a.dh0 + first * units, *const dc = a.dc0 ? a.dc0 + first * units : nullptr;
    copy_or_zero(dh, a.dh ? a.dh + first * units : nullptr, rows * units);
    if (dc) copy_or_zero(dc, a.dc ? a.dc + first * units : nullptr, rows * units);
    for (int64_t s = r.steps - 1; s >= 0 && !stop_requested(); --s) {
      const int64_t t = time(s);
      bool any = false;
      for (int64_t i = 0; i < rows; ++i) {
        const int64_t sample = first + i, at = r.at(sample, t);
        const float* const dy = a.dy ? a.dy + at * units : nullptr;
        float *const dx = a.dx + at * gates, *const dp = a.dp + at * gates;
        if (a.mask && !a.mask[at]) {
          std::fill_n(dx, gates, 0.0f);
          if (dp != dx) std::fill_n(dp, gates, 0.0f);
          // The output is the state before this step.
          if (dy && !r.masked_zero) kernels().add(dh + i * units, dh + i * units, dy, units, 1, 1, nullptr);
          continue;
        }
        any = true;
        CellGradRow row = {};
        row.n = units;
        row.saved = a.saved + at * blocks;
        row.before = a.before + at * units;
        if (dc) {
          const float* const start = a.c0 ? a.c0 + sample * units : zeros;
          row.before = s > 0 ? a.saved + r.at(sample, time(s - 1)) * blocks + 4 * units : start;
          row.cell = row.saved + 4 * units;
          row.d_cell = dc + i * units;
        }
        row.reset = r.reset_first ? 0 : 1;
        row.update = 1 - row.reset;
        row.dy = dy;
        row.d_state = dh + i * units;
        row.dx = dx;
        row.dp = dp;
        run_cell(row);
      }
      if (any) w.multiply(rows, a.dp + r.at(first, t) * gates, r.rows_apart() * gates, dh, adds, nullptr);
    }
  });
}

}  // namespace fastdl
