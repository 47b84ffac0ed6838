// The element types alone, for kernel files: they are compiled per instruction set and include little else.
#pragma once
#include <stdint.h>

namespace fastdl {

enum class DType : uint8_t { bool8, uint8, int8, int32, int64, float16, bfloat16, float32 };
inline constexpr int kDTypes = 8;

}  // namespace fastdl
