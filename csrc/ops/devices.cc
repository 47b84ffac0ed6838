#include "ops/devices.h"

#include <string_view>

#include "autograd/tape.h"

namespace fastdl {
namespace {

struct Signature {
  std::string_view name, parameters;
};
constexpr Signature signatures[] = {
#define OP(result, name, parameters, doc) {#name, #parameters},
#include "ops/ops.inc"
#undef OP
};

// apply() cannot run this op, since it moves tensors between devices. to_device() puts it on the tape.
Attributes describe_to(const DescribeContext& c) {
  return {{"device", c.attrs.as<const Device*>()->name}, {"from", c.in[0].device ? c.in[0].device->name : cpu().name}};
}
void grad_to(GradContext& c) { c.gin[0] = to_device(c.gout[0], *c.attrs.as<const Device*>()); }
// The attribute is the device of the input, which is all that the gradient needs.
const Op op_to = OpRow{.name = "to",
                       .infer = infer_same_as_first,
                       .grad = grad_to,
                       .describe = describe_to,
                       .grad_in = 0,
                       .grad_out = false};

}  // namespace

std::string argument_name(const Op& op, int input) {
  for (const Signature& s : signatures) {
    if (s.name != op.name) continue;
    std::string_view rest = s.parameters;
    for (int i = 0;; ++i) {
      const size_t at = rest.find("const Tensor& ");
      if (at == rest.npos) break;
      rest.remove_prefix(at + sizeof "const Tensor& " - 1);
      if (i == input) return "argument '" + std::string(rest.substr(0, rest.find_first_of(" ,)"))) + "'";
    }
  }
  return "input " + std::to_string(input);
}

RunFunction run_of(const Op& op, const Device& device) {
  if (device.is_cpu()) return op.run;
  return size_t(op.number) < device.runs.size() ? device.runs[size_t(op.number)] : nullptr;
}

void register_device(const DeviceTable& table) {
  Device& device = add_device(table);
  device.runs.resize(size_t(first_op()->number) + 1);
  for (const Op* op = first_op(); op; op = op->next)
    if (op->run) device.runs[size_t(op->number)] = table.run_of(op->name);
}

Tensor to_device(const Tensor& x, const Device& device) {
  FASTDL_CHECK(x, TypeError, "to: expected a tensor, got None");
  const Device* from = &x->device();
  if (from == &device) return x;
  Outputs out;
  out.count = 1;
  out.t[0] = copied_to(x, device);
  if (CallObserver* o = call_observer()) o->on_call(op_to, &x, 1, out, from);
  record_on_tape(op_to, &x, 1, out, from);
  return out;
}

}  // namespace fastdl
