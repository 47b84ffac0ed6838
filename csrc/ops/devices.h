// The names of an op's inputs in error messages.
#pragma once
#include <string>

#include "ops/op.h"

namespace fastdl {

// "argument 'bias'" if the op is that of a function of the same name, else "input 2".
std::string argument_name(const Op& op, int input);

}  // namespace fastdl
