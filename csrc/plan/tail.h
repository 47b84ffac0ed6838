// Tails: the calls that follow a convolution or another op that reports its rows (OpRow::reports_rows) run on these
// rows while they are in the cache. A tail has elementwise calls and such with OpRow::by_rows: a scale and shift of
// channels, a residual, an activation. Where nothing else reads the results between, all of them share one array.
//
//     conv -> channel_affine -> add (residual) -> relu
#pragma once
#include "plan/chain.h"

namespace fastdl {

// Finds tails, and moves other calls that stand between theirs before them. The buffers of a tail are joined.
std::vector<Chain> find_tails(Recording& r);

void run_tail(const Chain& chain, const Step* steps);

}  // namespace fastdl
