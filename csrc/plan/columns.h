// Concatenations along the last axis, and splits and slices along it, as one copy for each part. A part is a window of
// columns of the joined array, so its copy can run with the tail of the call that makes it (plan/tail.h).
#pragma once
#include "plan/call.h"

namespace fastdl {

// By call: whether it can be taken apart.
std::vector<bool> columns_moved(const Recording& r);

// Replaces these calls by copies, which name them in Call::part_of. The copy of a part of a concatenation goes behind
// the call that makes the part, if that is near. A part of a split that nothing reads is not copied.
void take_apart(Recording& r, const std::vector<bool>& which);

}  // namespace fastdl
