// The calls of a plan: as they were recorded, and lowered.
#pragma once
#include <algorithm>
#include <vector>

#include "ops/op.h"

namespace fastdl {

// A tensor of a recorded call: a typed window of a buffer. buffer < 0 stands for an absent input.
struct Operand {
  int buffer = -1;
  int64_t offset = 0;  // bytes
  Shape shape;
  DType dtype = DType::float32;
  int64_t pitch = 0;  // bytes from one row to the next, in a window of columns; 0: rows are adjacent

  // A row is an element of all axes but the last.
  int64_t row_bytes() const { return (shape.rank() ? shape.back() : 1) * size_of(dtype); }
  int64_t stride() const { return pitch ? pitch : row_bytes(); }
  int64_t rows() const { return shape.rank() && shape.back() ? shape.numel() / shape.back() : 0; }
  // From its first to its last byte.
  int64_t bytes() const { return pitch ? (rows() - 1) * pitch + row_bytes() : shape.numel() * size_of(dtype); }
  bool overlaps(const Operand& o) const {
    if (buffer < 0 || buffer != o.buffer || offset >= o.offset + o.bytes() || o.offset >= offset + bytes())
      return false;
    if (stride() != o.stride()) return true;
    const int64_t behind = (o.offset - offset) % stride(), columns = behind < 0 ? behind + stride() : behind;
    return columns < row_bytes() || columns + o.row_bytes() > stride();
  }
  // Whether row i of this operand lies in row i of the other, for operands that are in step.
  bool within(const Operand& o) const { return offset >= o.offset && offset + row_bytes() <= o.offset + o.row_bytes(); }
  // Whether row i of this operand and row i of the other lie in the same row of one array, whatever i.
  bool in_step(const Operand& o) const {
    const int64_t begin = std::min(offset, o.offset), end = std::max(offset + row_bytes(), o.offset + o.row_bytes());
    return buffer == o.buffer && rows() == o.rows() && stride() == o.stride() && end - begin <= stride();
  }
};

struct Call {
  const Op* op = nullptr;
  Attrs attrs;
  std::vector<Operand> in, out;
  Operand workspace;          // the memory that the op wants, once memory is assigned
  bool late = false;          // changes state, and was moved behind the long calls of the step
  bool stays = false;         // is not moved for a tail, nor part of one
  size_t part_of = SIZE_MAX;  // the call that it was taken from (plan/columns.h)

  bool writes(int input) const { return op->mutates >> input & 1; }
};

struct Buffer {
  KeptStorage storage;  // external: the memory itself; intermediate: null
  int64_t bytes = 0;
  bool external = false;
};

struct Recording {
  std::vector<Buffer> buffers;
  std::vector<Call> calls;
  const Device* device = &cpu();  // of all buffers
};

// A lowered call. The views of all steps lie in one array, in order, so a replay reads them from front to back.
struct Step {
  const Op* op = nullptr;
  RunFunction run = nullptr;
  View *in = nullptr, *out = nullptr;  // after the inputs there is room for a derived value, if the op takes one
  void* workspace = nullptr;
  int inputs = 0, outputs = 0;
  bool ask = false;       // check the clock before this call
  bool may_stop = false;  // long, and writes nothing but its result, so it can be stopped and run again
  Attrs attrs;

  RunContext context() const { return {*op, in, out, attrs, workspace, inputs, outputs}; }
};

}  // namespace fastdl
