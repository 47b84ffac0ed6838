// Scaled dot-product attention in float32, and its gradient, in memory that is linear in the number of keys.
//
//   y[b, h, i] = sum over j of P[i, j] v[b, h', j],   P = softmax over j of scale q[b, h, i] . k[b, h', j] + bias
//
// Query heads share the key heads in groups: h' = h / (heads / kv_heads). A query attends to keys that the mask allows,
// that lie before lengths[b], and, if causal, to keys j <= offset + i. A query without such a key has result 0 and
// gradient 0. With dropout, P is multiplied by 0 or 1 / (1 - rate).
//
// Keys are taken in blocks, whose size depends on the widths alone. A block's weights, their sum and the products with
// values are computed on their own; blocks are joined in order. So bits depend neither on threads nor on the batch, and
// a query's bits do not depend on the other queries.
#pragma once
#include <stdint.h>

#include "core/dtype.h"

namespace fastdl {

// Floats from a sample, a head or a row to the next.
struct AttentionSteps {
  int64_t batch, head, row;
};
// A tensor that is broadcast to (batch, heads, queries, keys): its steps, 0 where it is repeated.
template <class T>
struct AttentionTerm {
  const T* data = nullptr;
  int64_t batch = 0, head = 0, row = 0, key = 0;
  const T* at(int64_t b, int64_t h, int64_t i, int64_t j) const {
    return data ? data + b * batch + h * head + i * row + j * key : nullptr;
  }
};

// Keys or values in another type than float32: a number is an element times the scale of its row and head, if there are
// scales. `data` is null if they are float32. A block of them is converted at a time.
struct StoredRows {
  const void* data = nullptr;
  DType type = DType::float32;
  const float* scale = nullptr;
  AttentionSteps scale_steps = {};
};

struct Attention {
  int64_t batch, heads, kv_heads, queries, keys, width, value_width;
  AttentionSteps query, key, value, out;  // gradients lie like their tensors, `out` is that of y
  const float *q, *k, *v;
  StoredRows stored_k, stored_v;  // only the forward pass reads them
  double scale;
  AttentionTerm<uint8_t> mask;
  AttentionTerm<float> bias;
  bool causal = false;
  const int64_t* offset = nullptr;  // null: 0
  int64_t offset_step = 0;          // 1: each sample has one
  const int64_t* lengths = nullptr;
  float rate = 0;
  // Dropout draws a number for each query and key; those of a query start at a multiple of four.
  uint64_t seed = 0, counter = 0;
  int64_t row_step = 1;  // places from a query to the next; set by the driver
};

// stats has two values for each (sample, head, query), which the gradient needs.
int64_t attention_floats(const Attention& a);  // of workspace
void attention(const Attention& a, float* y, float* stats, float* workspace);

// dq, dk and dv may be null.
int64_t attention_grad_floats(const Attention& a);
void attention_grad(const Attention& a, const float* y, const float* stats, const float* dy, float* dq, float* dk,
                    float* dv, float* workspace);

}  // namespace fastdl
