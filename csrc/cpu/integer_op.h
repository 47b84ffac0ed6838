// What the kernel for integers computes: plain data, since it is compiled for every instruction set.
#pragma once

namespace fastdl {

// Sums, differences and products wrap. Comparisons give 0 or 1 as uint8.
enum class IntegerOp { add, sub, mul, maximum, minimum, eq, ne, lt, le, gt, ge };

// Encodes an integer type for a kernel: its size in bytes, negative if it has a sign.
template <class T>
constexpr int integer_kind = T(-1) < T(0) ? -int(sizeof(T)) : int(sizeof(T));

}  // namespace fastdl
