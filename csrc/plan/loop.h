// Running a plan over a data set: batches are assembled and steps replayed without Python.
#pragma once
#include "plan/plan.h"

namespace fastdl {

struct Feed {
  Tensor data;  // the whole array, whose axis 0 counts samples, for plan input number `input`
  int input;
};
struct Sink {
  int output;   // the plan output whose rows are kept
  Tensor data;  // the whole result; row i belongs to sample i
};
// A float32 memory that gets a new value at each step (a scheduled learning rate).
struct PerStep {
  Tensor target;  // one element
  Tensor values;  // one per step
};

struct LoopOptions {
  std::vector<Feed> feeds;
  std::vector<Sink> sinks;
  std::vector<PerStep> per_step;
  Tensor indices;     // int64, the order of the samples; null: in order, read in place
  int64_t first = 0;  // position in `indices` (or sample) at which the first batch starts
  int64_t batch = 0;  // samples per step
  int64_t steps = 0;
  double seconds = 0;  // return after the step in which this time has passed
};

// Returns the number of finished steps, which is smaller if the time is up. If `interrupted` returns true it ends after
// a whole step. Throws IndexError for an index outside the data.
int64_t run_loop(Plan& plan, const LoopOptions& options, const std::function<bool()>& interrupted,
                 const CancelFlag* flag = nullptr);

}  // namespace fastdl
