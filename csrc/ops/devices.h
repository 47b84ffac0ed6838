// Ops on devices: what their errors call an input.
#pragma once
#include <string>

#include "ops/op.h"

namespace fastdl {

// "argument 'bias'" where the op is a function's of the same name, else "input 2".
std::string argument_name(const Op& op, int input);

}  // namespace fastdl
