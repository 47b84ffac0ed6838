// One row of one step of a recurrent cell, for the kernels (kernels.inc says what they compute).
#pragma once
#include <stdint.h>

namespace fastdl {

// Blocks of n values follow one another: a gate's products, its value, its gradient.
struct CellRow {
  int64_t n;
  const float *x, *p;   // products of the input and of the state, a block for each gate
  int reset, update;    // blocks of the gates of GRU
  const float* before;  // the cell's value (LSTM) or the state (GRU) before this step
  float* cell;          // LSTM: the cell's value; may be `before`
  float* state;         // the output; may be `before`
  float* saved;         // the blocks that the gradient reads, or null
};

struct CellGradRow {
  int64_t n;
  const float *saved, *before;
  int reset, update;
  const float* dy;    // of the output, or null
  float* d_state;     // in: of the state from later steps; out: without what flows through products
  float* d_cell;      // LSTM: of the cell's value, in place
  float *dx, *dp;     // of the products; dp only for GRU
  const float* cell;  // LSTM: its value after this step
};

}  // namespace fastdl
