// Attributes of a call, its workspace, and loops that are stopped.
#include <atomic>
#include <vector>

#include "check.h"
#include "core/cancel.h"
#include "ops/op.h"

using namespace fastdl;

namespace {

int alive = 0;
struct Listed {  // not trivially copyable
  std::vector<int64_t> values;
  explicit Listed(std::vector<int64_t> v) : values(std::move(v)) { ++alive; }
  Listed(const Listed& o) : values(o.values) { ++alive; }
  ~Listed() { --alive; }
  Attributes describe() const { return {{"values", values}}; }
};

// y = x + sum(values), through the workspace.
int64_t shift_workspace(const RunContext& c) { return int64_t(c.attrs.as<Listed>().values.size() * sizeof(float)); }
void run_shift(const RunContext& c) {
  const std::vector<int64_t>& values = c.attrs.as<Listed>().values;
  float* shift = c.scratch<float>();
  for (size_t i = 0; i < values.size(); ++i) shift[i] = float(values[i]);
  for (int64_t i = 0; i < c.out[0].numel(); ++i) {
    c.out[0].as<float>()[i] = c.in[0].as<float>()[i];
    for (size_t k = 0; k < values.size(); ++k) c.out[0].as<float>()[i] += shift[k];
  }
}
const Op op_shift = OpRow{.name = "test_shift",
                          .infer = infer_same_as_first,
                          .run = run_shift,
                          .describe = describe<Listed>,
                          .workspace = shift_workspace};
const Op op_silent = OpRow{.name = "test_silent", .infer = infer_same_as_first, .run = run_shift};

TEST(attributes_are_owned) {
  {
    Attrs copy;
    {
      Attrs attrs{Listed({1, 2, 3})};
      EXPECT(alive == 1, alive);
      copy = attrs;
      Tensor x = full({2}, DType::float32, 0.5);
      Tensor y = apply(op_shift, {x}, attrs);
      EXPECT(y->data<float>()[1] == 6.5f, y->data<float>()[1]);
    }
    EXPECT(alive == 1, alive, " after the first owner went");  // shared, not copied
    EXPECT(copy.as<Listed>().values.size() == 3, "");
    const Attributes all = attributes_of(op_shift, {copy, nullptr});
    std::ostringstream text;
    text << all[0];
    EXPECT(text.str() == "values=[1, 2, 3]", text.str());
    bool threw = false;
    try {
      attributes_of(op_silent, {copy, nullptr});
    } catch (const RuntimeError&) {
      threw = true;
    }
    EXPECT(threw, "an op that hides its attributes");
    threw = false;
    try {
      copy.as<double>();
    } catch (const RuntimeError&) {
      threw = true;
    }
    EXPECT(threw, "attributes read as another type");
  }
  EXPECT(alive == 0, alive);
}

TEST(every_op_is_in_the_list_once) {
  int n = 0;
  for (const Op* op = first_op(); op; op = op->next, ++n) EXPECT(run_of(*op, cpu()) == op->run, op->name);
  EXPECT(n == first_op()->number + 1, n);
}

TEST(a_raised_flag_stops_loops) {
  const int threads = num_threads();
  for (int t : {1, 3}) {
    set_num_threads(t);
    CancelFlag flag;
    std::atomic<int> ran{0};
    auto count = [&](int64_t, int64_t) {
      if (++ran == 5) flag.raise();
    };
    {
      Watch watch(&flag);
      bool stopped = false;
      try {
        parallel_for(1000, 1, count);
      } catch (const Cancelled&) {
        stopped = true;
      }
      EXPECT(stopped && ran < 1000, ran.load(), " chunks with ", t, " threads");
      EXPECT(stop_requested(), "");
      flag.lower();
      ran = 10;
      parallel_for(1000, 1, count);
      EXPECT(ran == 1010, ran.load());
    }
    flag.raise();
    ran = 10;
    parallel_for(1000, 1, count);  // without a cancel flag
    EXPECT(ran == 1010 && !stop_requested(), ran.load());
  }
  set_num_threads(threads);
}

TEST(helpers_heed_the_flag_within_a_chunk) {
  const int threads = num_threads();
  set_num_threads(3);
  CancelFlag flag;
  Watch watch(&flag);
  std::atomic<int> heeding{0};
  try {
    parallel_for(3, 1, [&](int64_t, int64_t) {
      flag.raise();
      heeding += stop_requested();
    });
  } catch (const Cancelled&) {
  }
  EXPECT(heeding >= 1, heeding.load());
  set_num_threads(threads);
}

}  // namespace
