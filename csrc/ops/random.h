// Random order outside of the ops: how a data set is shuffled.
#pragma once
#include <stdint.h>

namespace fastdl {

// out = a permutation of 0 .. n - 1, drawn from generator(): the same one the op `permutation` would give.
void random_permutation(int64_t* out, int64_t n);

}  // namespace fastdl
