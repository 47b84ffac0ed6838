// When the buffers of a recording are in use.
#pragma once
#include "plan/chain.h"

namespace fastdl {

// The first and last call of a buffer, and whether all calls use it as a whole. Unused: first is SIZE_MAX.
struct Life {
  size_t first = SIZE_MAX, last = 0;
  bool whole = true;
};
// By buffer. Calls of a chain alternate part by part, so a buffer that one of them uses is in use throughout the chain.
std::vector<Life> lives_of(const Recording& r, const std::vector<Chain>& chains = {});

// Whether an operand, which must not be absent, is a whole buffer.
inline bool is_whole(const Recording& r, const Operand& o) {
  return o.offset == 0 && o.bytes() == r.buffers[size_t(o.buffer)].bytes;
}

}  // namespace fastdl
