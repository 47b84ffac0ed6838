// Tails: the calls that follow a convolution or another op that reports its rows (OpRow::reports_rows) run on these
// rows while they are in the cache. A tail has elementwise calls and such with OpRow::by_rows: a scale and shift of
// channels, a residual, an activation. Parts are copied into a concatenation and out of a split or slice along the last
// axis. Results that only the tail reads are in a thread's scratch memory, some rows at a time.
//
//     conv -> channel_affine -> add (residual) -> relu -> copy (a part of a concatenation)
#pragma once
#include "plan/chain.h"

namespace fastdl {

// Finds tails, and moves other calls that stand between theirs before or behind them. Takes concatenations and splits
// apart, if wanted, of which tails take parts. Marks the buffers that are in scratch memory only.
std::vector<Chain> find_tails(Recording& r, bool apart, std::vector<bool>& own);

void run_tail(const Chain& chain, const Step* steps);

}  // namespace fastdl
