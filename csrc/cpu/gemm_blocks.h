// Products with few elements, each a sum of many blocks (see gemm.h). Threads take different blocks of k. The sums of
// some blocks at a time are kept apart and then added to C in order. Both drivers of products use this.
#pragma once
#include <stdint.h>

#include "core/parallel.h"

namespace fastdl {

// How many blocks are kept at a time: all, or as many as fit into 4 MiB. 0 if these are too few for so many threads.
int64_t blocks_at_a_time(int64_t m, int64_t n, int64_t k, int64_t threads);

// C[m, n] = the sum of all blocks. multiply(l, k, c, c_row) computes block A[:, l ... l + k] B[l ... l + k, :] on the
// calling thread, in about `block_time` ns. For l == 0, c is C itself, where the first block begins. finish(begin, end)
// applies the epilogue to rows of C.
void sum_blocks(int64_t m, int64_t n, int64_t k, float* c, int64_t c_row, int64_t at_a_time, double block_time,
                FunctionRef<void(int64_t, int64_t, float*, int64_t)> multiply,
                FunctionRef<void(int64_t, int64_t)> finish);

}  // namespace fastdl
