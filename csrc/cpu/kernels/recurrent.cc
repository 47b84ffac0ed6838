// Cells of recurrent networks: what follows the products of a step, and its gradient. Both stand side by side, since
// they share the blocks that are saved. (Driver: cpu/recurrent.cc.)
#include "cpu/kernels/declare.h"
#include "cpu/simd/loops.h"
#include "cpu/simd/math.h"

namespace fastdl::FASTDL_ISA_NS {
namespace {

template <class At>
FASTDL_INLINE vf load_or_zero(At at, const float* p, int64_t j) {
  return p ? at.load(p + j) : vf{};
}

}  // namespace

// --- LSTM: gates input, forget, candidate, output; saved as they are, then the cell

__attribute__((flatten)) void lstm_cell(const CellRow& r) {
  const int64_t n = r.n;
  loop(n, [&](int64_t j, auto at) {
    const auto gate = [&](int64_t k) __attribute__((always_inline)) {
      return at.load(r.x + k * n + j) + at.load(r.p + k * n + j);
    };
    const vf input = sigmoid(gate(0)), forget = sigmoid(gate(1)), candidate = tanh(gate(2)), output = sigmoid(gate(3));
    const vf cell = fma(forget, at.load(r.before + j), input * candidate);
    at.store(r.cell + j, cell);
    at.store(r.state + j, output * tanh(cell));
    if (!r.saved) return;
    at.store(r.saved + j, input);
    at.store(r.saved + n + j, forget);
    at.store(r.saved + 2 * n + j, candidate);
    at.store(r.saved + 3 * n + j, output);
  });
}

__attribute__((flatten)) void lstm_cell_grad(const CellGradRow& r) {
  const int64_t n = r.n;
  loop(n, [&](int64_t j, auto at) {
    const vf input = at.load(r.saved + j), forget = at.load(r.saved + n + j), candidate = at.load(r.saved + 2 * n + j),
             output = at.load(r.saved + 3 * n + j), bent = tanh(at.load(r.cell + j));
    const vf dh = at.load(r.d_state + j) + load_or_zero(at, r.dy, j);
    const vf dc = fma(dh * output, 1.0f - bent * bent, at.load(r.d_cell + j));
    at.store(r.dx + j, dc * candidate * (input * (1.0f - input)));
    at.store(r.dx + n + j, dc * at.load(r.before + j) * (forget * (1.0f - forget)));
    at.store(r.dx + 2 * n + j, dc * input * (1.0f - candidate * candidate));
    at.store(r.dx + 3 * n + j, dh * bent * (output * (1.0f - output)));
    at.store(r.d_cell + j, dc * forget);
    at.store(r.d_state + j, vf{});
  });
}

// --- GRU, whose reset gate acts after the product: saved are update, reset, candidate and the candidate's product

__attribute__((flatten)) void gru_cell(const CellRow& r) {
  const int64_t n = r.n, update_at = r.update * n, reset_at = r.reset * n;
  loop(n, [&](int64_t j, auto at) {
    const vf update = sigmoid(at.load(r.x + update_at + j) + at.load(r.p + update_at + j));
    const vf reset = sigmoid(at.load(r.x + reset_at + j) + at.load(r.p + reset_at + j));
    const vf product = at.load(r.p + 2 * n + j);
    const vf candidate = tanh(fma(reset, product, at.load(r.x + 2 * n + j)));
    const vf before = at.load(r.before + j);
    at.store(r.state + j, fma(update, before - candidate, candidate));
    if (!r.saved) return;
    at.store(r.saved + j, update);
    at.store(r.saved + n + j, reset);
    at.store(r.saved + 2 * n + j, candidate);
    at.store(r.saved + 3 * n + j, product);
  });
}

__attribute__((flatten)) void gru_cell_grad(const CellGradRow& r) {
  const int64_t n = r.n, update_at = r.update * n, reset_at = r.reset * n;
  loop(n, [&](int64_t j, auto at) {
    const vf update = at.load(r.saved + j), reset = at.load(r.saved + n + j), candidate = at.load(r.saved + 2 * n + j),
             product = at.load(r.saved + 3 * n + j);
    const vf dh = at.load(r.d_state + j) + load_or_zero(at, r.dy, j);
    const vf d_candidate = dh * (1.0f - update) * (1.0f - candidate * candidate);
    const vf d_update = dh * (at.load(r.before + j) - candidate) * (update * (1.0f - update));
    const vf d_reset = d_candidate * product * (reset * (1.0f - reset));
    at.store(r.dx + update_at + j, d_update);
    at.store(r.dp + update_at + j, d_update);
    at.store(r.dx + reset_at + j, d_reset);
    at.store(r.dp + reset_at + j, d_reset);
    at.store(r.dx + 2 * n + j, d_candidate);
    at.store(r.dp + 2 * n + j, d_candidate * reset);
    at.store(r.d_state + j, dh * update);
  });
}

// --- the simple cell: its output is saved

__attribute__((flatten)) void tanh_cell(const CellRow& r) {
  loop(r.n, [&](int64_t j, auto at) {
    const vf y = tanh(at.load(r.x + j) + at.load(r.p + j));
    at.store(r.state + j, y);
    if (r.saved) at.store(r.saved + j, y);
  });
}
__attribute__((flatten)) void tanh_cell_grad(const CellGradRow& r) {
  loop(r.n, [&](int64_t j, auto at) {
    const vf dh = at.load(r.d_state + j) + load_or_zero(at, r.dy, j), y = at.load(r.saved + j);
    at.store(r.dx + j, dh * (1.0f - y * y));
    at.store(r.d_state + j, vf{});
  });
}

__attribute__((flatten)) void relu_cell(const CellRow& r) {
  loop(r.n, [&](int64_t j, auto at) {
    const vf x = at.load(r.x + j) + at.load(r.p + j), y = select(x <= 0.0f, vf{}, x);
    at.store(r.state + j, y);
    if (r.saved) at.store(r.saved + j, y);
  });
}
__attribute__((flatten)) void relu_cell_grad(const CellGradRow& r) {
  loop(r.n, [&](int64_t j, auto at) {
    const vf dh = at.load(r.d_state + j) + load_or_zero(at, r.dy, j), y = at.load(r.saved + j);
    at.store(r.dx + j, select(y <= 0.0f, vf{}, dh));
    at.store(r.d_state + j, vf{});
  });
}

}  // namespace fastdl::FASTDL_ISA_NS
