// Running a plan over a data set: batches are assembled and steps replayed without Python.
#pragma once
#include "plan/plan.h"

namespace fastdl {

struct Feed {
  Tensor data;  // the whole array; axis 0 counts samples. Goes into plan input number `input`.
  int input;
};
struct Sink {
  int output;   // plan output whose rows are kept
  Tensor data;  // the whole result; row i belongs to sample i
};
// A float32 memory that gets a value of its own at each step (a scheduled learning rate).
struct PerStep {
  Tensor target;  // one element
  Tensor values;  // one per step
};

struct LoopOptions {
  std::vector<Feed> feeds;
  std::vector<Sink> sinks;
  std::vector<PerStep> per_step;
  Tensor indices;     // int64, the order of the samples; null: as they lie, read in place without a copy
  int64_t first = 0;  // position in `indices` (or sample) at which the first batch starts
  int64_t batch = 0;  // samples per step
  int64_t steps = 0;
  double seconds = 0;  // return after the step during which this time passes
};

// Returns the number of steps done: fewer than asked when the time is up. Throws IndexError for an index
// outside the data. Ends early, with the model as after the last whole step, if `interrupted` says so.
int64_t run_loop(Plan& plan, const LoopOptions& options, const std::function<bool()>& interrupted,
                 const CancelFlag* flag = nullptr);

}  // namespace fastdl
