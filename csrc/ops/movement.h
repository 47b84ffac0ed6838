// Copying rows by index outside of the ops: how a batch is assembled from a data set.
#pragma once
#include <stdint.h>

#include "core/dtype.h"

namespace fastdl {

// Row i of `out` becomes row indices[i] of `source`, both with rows of row_bytes. The caller has checked the
// indices. Parallel; no allocation.
void gather_rows(void* out, const void* source, const int64_t* indices, int64_t count, int64_t row_bytes);

// Same, with the rows' elements converted from `dtype` to float32; row_size counts elements.
void gather_rows_as_float(float* out, const void* source, DType dtype, const int64_t* indices,
                          int64_t count, int64_t row_size);

}  // namespace fastdl
