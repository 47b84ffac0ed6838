// The calls of a plan: as they were recorded, and lowered.
#pragma once
#include <vector>

#include "ops/op.h"

namespace fastdl {

// A tensor of a recorded call: a typed window of a buffer. buffer < 0 stands for an absent input.
struct Operand {
  int buffer = -1;
  int64_t offset = 0;  // bytes
  Shape shape;
  DType dtype = DType::float32;

  int64_t bytes() const { return shape.numel() * size_of(dtype); }
  bool overlaps(const Operand& o) const {
    return buffer >= 0 && buffer == o.buffer && offset < o.offset + o.bytes() && o.offset < offset + bytes();
  }
};

struct Call {
  const Op* op = nullptr;
  Attrs attrs;
  std::vector<Operand> in, out;
  Operand workspace;  // the memory that the op wants, once memory is assigned
  bool late = false;  // changes state, and was moved behind the long calls of the step

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
