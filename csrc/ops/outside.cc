#include "ops/outside.h"

#include <algorithm>

#include "autograd/tape.h"

namespace fastdl {
namespace {

struct OutsideAttrs {
  Ref<Pullback> pullback;
  int inputs, results;
};

void grad_outside(GradContext& c) {
  const OutsideAttrs& a = c.attrs.as<OutsideAttrs>();
  (*a.pullback)(c, a.inputs, a.results);
}
// apply() cannot run this op. put_on_tape() puts it on the tape.
const Op op_outside = OpRow{.name = "outside", .infer = infer_same_as_first, .grad = grad_outside};

}  // namespace

void put_on_tape(const std::vector<Tensor>& results, const std::vector<Tensor>& inputs, const Ref<Pullback>& pullback) {
  FASTDL_CHECK(inputs.size() <= kMaxInputs && results.size() <= kMaxOutputs && !results.empty(), RuntimeError,
               "with_gradient: expected at most ", kMaxInputs, " inputs and 1 to ", kMaxOutputs, " results, got ",
               inputs.size(), " and ", results.size());
  Outputs out;
  for (const Tensor& r : results) {
    FASTDL_CHECK(r && !r->requires_grad, RuntimeError, "with_gradient: a result must not require a gradient yet");
    out.t[out.count++] = r;
  }
  record_on_tape(op_outside, inputs.data(), int(inputs.size()), out,
                 OutsideAttrs{pullback, int(inputs.size()), int(results.size())});
}

}  // namespace fastdl
