#include "plan/loop.h"

#include <chrono>
#include <deque>

#include "core/parallel.h"
#include "ops/movement.h"

namespace fastdl {
namespace {

constexpr int64_t kMost = int64_t(1) << 56;  // samples

int64_t row_bytes(const Tensor& t) { return t->shape.count(1, t->shape.rank()) * size_of(t->dtype); }

void check(const Plan& plan, const LoopOptions& o) {
  FASTDL_CHECK(o.batch >= 1, ValueError, "loop: expected a batch of at least 1, got ", o.batch);
  FASTDL_CHECK(o.first >= 0 && o.steps >= 0, ValueError, "loop: negative start or number of steps");
  FASTDL_CHECK(o.first <= kMost && o.steps <= (kMost - o.first) / o.batch, ValueError, "loop: ", o.steps,
               " batches of ", o.batch, " from sample ", o.first, " are more than there can be");
  for (const Feed& f : o.feeds) {
    FASTDL_CHECK(f.input >= 0 && size_t(f.input) < plan.inputs().size(), ValueError, "loop: the plan has no input ",
                 f.input);
    const Tensor& slot = plan.inputs()[size_t(f.input)];
    FASTDL_CHECK(f.data, TypeError, "loop: the data of input ", f.input, " are None");
    FASTDL_CHECK(f.data->dtype == slot->dtype, TypeError, "loop: input ", f.input, " was recorded with dtype ",
                 slot->dtype, ", got ", f.data->dtype);
    Shape expected = f.data->shape;
    FASTDL_CHECK(expected.rank() >= 1, ValueError, "loop: data without a sample axis");
    expected[0] = o.batch;
    FASTDL_CHECK(slot->shape == expected, ShapeError, "loop: input ", f.input, " was recorded with shape ", slot->shape,
                 ", got batches of shape ", expected);
    const int64_t samples = f.data->shape[0];
    if (o.indices) continue;
    FASTDL_CHECK(o.first + o.batch * o.steps <= samples, IndexError, "loop: ", o.steps, " batches of ", o.batch,
                 " from sample ", o.first, " exceed the ", samples, " samples");
  }
  for (const Sink& s : o.sinks) {
    FASTDL_CHECK(s.output >= 0 && size_t(s.output) < plan.outputs().size(), ValueError, "loop: the plan has no output ",
                 s.output);
    const Tensor& out = plan.outputs()[size_t(s.output)];
    FASTDL_CHECK(s.data && s.data->shape.rank() >= 1 && !s.data->storage->read_only(), TypeError,
                 "loop: no memory for the result ", s.output);
    FASTDL_CHECK(out->dtype == s.data->dtype && out->shape.rank() >= 1 && out->shape[0] == o.batch &&
                     row_bytes(out) == row_bytes(s.data) && o.first + o.batch * o.steps <= s.data->shape[0],
                 ShapeError, "loop: result of shape ", s.data->shape, " cannot take output of shape ", out->shape);
    FASTDL_CHECK(!o.indices, ValueError, "loop: results are kept only for samples in their order");
  }
  if (o.indices) {
    FASTDL_CHECK(o.indices->dtype == DType::int64 && o.indices->shape.rank() == 1, TypeError,
                 "loop: indices must be one-dimensional int64");
    FASTDL_CHECK(o.first + o.batch * o.steps <= o.indices->numel(), IndexError, "loop: more steps than indices");
    const int64_t *begin = o.indices->data<int64_t>() + o.first, *end = begin + o.batch * o.steps;
    for (const Feed& f : o.feeds)
      for (const int64_t* i = begin; i < end; ++i)
        FASTDL_CHECK(*i >= 0 && *i < f.data->shape[0], IndexError, "loop: index ", *i, " is out of range for ",
                     f.data->shape[0], " samples");
  }
  for (const PerStep& p : o.per_step)
    FASTDL_CHECK(p.target && p.values && p.target->dtype == DType::float32 && p.values->dtype == DType::float32 &&
                     p.target->numel() >= 1 && p.values->numel() >= o.steps,
                 ValueError, "loop: expected one float32 value per step");
}

// Fills a plan's input from the CPU's memory.
void put(const Tensor& slot, const void* data) { copy_bytes(slot->device(), slot->raw(), cpu(), data, slot->bytes()); }

// Batches of one input, gathered by index. Where the plan can read floats from any place, idle threads gather the rows
// of the next batch during a step, into the memory that this step does not read.
class Gathered {
 public:
  Gathered(Plan& plan, const LoopOptions& o, const Feed& f)
      : plan_(plan),
        input_(f.input),
        bytes_(row_bytes(f.data)),
        batch_(o.batch),
        data_(f.data->data<char>()),
        indices_(o.indices->data<int64_t>()),
        ahead_(plan.can_rebind(f.input) && o.steps > 1) {
    const Tensor& slot = plan.inputs()[size_t(f.input)];
    slot_ = slot;
    memory_[0] = slot->storage->on_cpu() ? slot : empty(slot->shape, slot->dtype);
    if (ahead_) memory_[1] = empty(slot->shape, slot->dtype);
  }

  // Makes the plan read the batch that starts at sample `at`. `next` is the batch to gather meanwhile; -1 for none.
  void feed(int64_t at, int64_t next) {
    void* now = memory_[side_]->raw();
    if (at == coming_)
      work_.finish();
    else
      gather_rows(now, data_, indices_ + at, batch_, bytes_);
    if (memory_[0] != slot_) put(slot_, now);
    if (!ahead_) return;
    plan_.rebind(input_, now);
    coming_ = next;
    side_ = 1 - side_;
    if (next >= 0) work_.start((batch_ - 1) / rows() + 1, piece_);
  }

 private:
  int64_t rows() const { return std::max<int64_t>(1, 8192 / std::max<int64_t>(bytes_, 1)); }  // of a piece
  void copy(int64_t piece) const {
    const int64_t begin = piece * rows();
    copy_rows(memory_[side_]->raw(), data_, indices_ + coming_, begin, std::min(begin + rows(), batch_), bytes_);
  }

  Plan& plan_;
  const int input_;
  const int64_t bytes_, batch_;
  const void* data_;
  const int64_t* indices_;
  const bool ahead_;
  Tensor slot_, memory_[2];
  int side_ = 0;         // where the next batch goes
  int64_t coming_ = -1;  // the first sample of the batch that work_ gathers
  struct Piece {
    const Gathered* self;
    void operator()(int64_t i) const { self->copy(i); }
  } piece_{this};
  Background work_;
};

}  // namespace

int64_t run_loop(Plan& plan, const LoopOptions& o, const std::function<bool()>& interrupted, const CancelFlag* flag) {
  Plan::Turn turn(plan);
  check(plan, o);
  using clock = std::chrono::steady_clock;
  const auto start = clock::now();
  // Inputs must not point at the data any longer, however the loop ends.
  struct Unbind {
    Plan& plan;
    const LoopOptions& o;
    ~Unbind() {
      for (const Feed& f : o.feeds) plan.rebind(f.input, nullptr);
    }
  } unbind{plan, o};

  std::deque<Gathered> gathered;
  if (o.indices)
    for (const Feed& f : o.feeds) gathered.emplace_back(plan, o, f);
  for (int64_t step = 0; step < o.steps; ++step) {
    const int64_t at = o.first + step * o.batch;
    Plan::Paced paced(plan);
    const int64_t next = step + 1 < o.steps && !paced.alone() ? at + o.batch : -1;
    for (Gathered& g : gathered) g.feed(at, next);
    for (const Feed& f : o.feeds) {
      if (o.indices) break;
      const int64_t bytes = row_bytes(f.data);
      char* data = f.data->data<char>();
      if (plan.can_rebind(f.input))
        plan.rebind(f.input, data + at * bytes);
      else
        put(plan.inputs()[size_t(f.input)], data + at * bytes);
    }
    for (const PerStep& p : o.per_step)
      copy_bytes(p.target->device(), p.target->raw(), cpu(), p.values->data<float>() + step, sizeof(float));
    if (!plan.replay(interrupted, flag)) return step;
    paced.done();
    for (const Sink& s : o.sinks) {
      const Tensor& out = plan.outputs()[size_t(s.output)];
      copy_bytes(cpu(), s.data->data<char>() + at * row_bytes(s.data), out->device(), out->raw(), out->bytes());
    }
    if (std::chrono::duration<double>(clock::now() - start).count() >= o.seconds) return step + 1;
  }
  return o.steps;
}

}  // namespace fastdl
