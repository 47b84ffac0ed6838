// The ops as C++ functions, declared from the list. Gradients and the binding call these.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "ops/op.h"

namespace fastdl {

// The axes of a reduction, negative ones counted from the end; none means all.
using Axes = std::optional<std::vector<int64_t>>;

// The type in which a product reads its operands; sums are float32. bfloat16 is used where the CPU has instructions for
// it and the sizes pay (cpu/gemm_bf16.h, cpu/conv_bf16.h). Gradients use the same type.
enum class Precision : uint8_t { float32, bfloat16 };
// Of products and convolutions that ask for none, on this thread: for autocast.
Precision autocast_precision();
void set_autocast_precision(Precision p);  // recorded steps notice it
inline Precision in_effect(Precision p) { return p == Precision::float32 ? autocast_precision() : p; }
inline Attribute described(Precision p) { return {"precision", p == Precision::bfloat16 ? "bfloat16" : "float32"}; }

// Tensors and numbers by the names that an update rule gives them.
using NamedTensors = std::vector<std::pair<std::string, Tensor>>;
using NamedNumbers = std::vector<std::pair<std::string, double>>;

#define OP(result, name, parameters, doc) result name parameters;
#include "ops/ops.inc"
#undef OP

// The rules that update_ knows; a state whose name ends in '?' may be absent.
struct RuleDescription {
  std::string name;
  std::vector<std::string> states;
  NamedNumbers parameters;  // with their defaults
};
std::vector<RuleDescription> update_rules();

// Shared by gradients.
Tensor sum_to(const Tensor& t, const Shape& shape);  // undoes broadcasting
Tensor scale(const Tensor& t, double factor);        // t * factor without a tensor for the factor

// TypeError unless a result may be written in place into a tensor of type `target`: bool < integers < floats.
void check_kind(DType target, DType result, const char* who);

}  // namespace fastdl
