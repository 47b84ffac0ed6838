// Recurrent layers over whole sequences: the products of the states, step by step, and the cells.
//
// The products of the inputs are made before, for all steps at once, and the gradient of the recurrent weights after,
// as one product. What is left are products of a few rows by one matrix, which is packed once. Rows of the batch do not
// depend on one another, so a thread takes some rows through all steps and waits for nobody.
#pragma once
#include <stdint.h>

namespace fastdl {

enum class Cell { lstm, gru, tanh, relu };
constexpr int64_t gates_of(Cell c) { return c == Cell::lstm ? 4 : c == Cell::gru ? 3 : 1; }
// Blocks of `saved` for a step: lstm's four gates and the cell's value, gru's three and a product, or the output.
constexpr int64_t saved_blocks(Cell c) { return c == Cell::lstm ? 5 : c == Cell::gru ? 4 : 1; }

struct Recurrence {
  Cell cell;
  bool reset_first;  // gru: the order of gates is reset, update; otherwise update, reset
  bool reverse;      // from the last step to the first
  bool transposed;   // w is (gates * units, units); otherwise (units, gates * units)
  bool masked_zero;  // the output of a masked step is 0; otherwise the state before it
  bool steps_first;  // the axes of sequences are (steps, samples, ...); otherwise (samples, steps, ...)
  int64_t samples, steps, units;

  int64_t gates() const { return gates_of(cell) * units; }
  // Which row of an array of sequences has step t of a sample, and how far the rows of the next sample's are.
  int64_t at(int64_t sample, int64_t t) const { return steps_first ? t * samples + sample : sample * steps + t; }
  int64_t rows_apart() const { return steps_first ? 1 : steps; }
};

// Arrays are contiguous.
struct RecurrentArrays {
  const float* x;  // products of the input, `gates` for each step of each sample
  const float* w;
  const float* bias;     // gates; may be null
  const float *h0, *c0;  // (samples, units), null for zeros
  const uint8_t* mask;   // whether a step of a sample counts; null: all do
  float* y;              // `units` for each step
  float* before;         // the state before each step, or null
  float* saved;          // blocks of `units` for each step, or null
  float *h, *c;          // (samples, units): the last state
};
void recurrent(const Recurrence& r, const RecurrentArrays& a, float* packed);

struct RecurrentGradients {
  const float *dy, *dh, *dc;  // null for zeros
  const float* w;
  const float* c0;  // null for zeros
  const float *before, *saved;
  const uint8_t* mask;
  float* dx;  // of the products of the input
  float* dp;  // of the products of the state and the bias; dx itself but for gru
  float *dh0, *dc0;
};
void recurrent_grad(const Recurrence& r, const RecurrentGradients& a, float* packed);

// Floats of `packed`, which holds w, or its transpose for the gradient.
int64_t recurrent_packed_floats(const Recurrence& r, bool gradient);

}  // namespace fastdl
