// Scratch memory of a thread: packed panels and tiles, whose size the caches bound. (Memory that grows with a call's
// operands is the op's workspace.)
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace fastdl {

// Memory of the calling thread, 64-byte aligned. Valid until this thread's next call with the same slot, and kept for
// reuse until trim_scratch(). Throws MemoryError.
enum class Scratch {
  gemm_a,
  gemm_b,
  gemm_sums,
  gemm_parts,
  chain,
  attention,
  conv_rows,
  conv_runs,
  conv_segments,
  conv_starts,
  recurrent,
  count
};
void* scratch(Scratch slot, size_t bytes);
template <class T>
T* scratch_of(Scratch slot, int64_t count) {
  return static_cast<T*>(scratch(slot, size_t(count) * sizeof(T)));
}

// Frees the scratch memory of all threads: the calling thread's at once, others' when they next help with a job. Not to
// be called within an op, which may be using it.
void trim_scratch();

// Frees the calling thread's scratch memory if a trim asked for it. For threads that start to help with a job.
void release_trimmed_scratch();

}  // namespace fastdl
