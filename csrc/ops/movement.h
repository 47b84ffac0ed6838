// Copies rows by index outside of the ops, to assemble a batch from a data set.
#pragma once
#include <stdint.h>

namespace fastdl {

// Row i of `out` becomes row indices[i] of `source`, both with rows of row_bytes. The caller has checked the
// indices. Parallel; no allocation.
void gather_rows(void* out, const void* source, const int64_t* indices, int64_t count, int64_t row_bytes);
// The same for rows [begin, end) of `out`, on the calling thread.
void copy_rows(void* out, const void* source, const int64_t* indices, int64_t begin, int64_t end, int64_t row_bytes);

}  // namespace fastdl
