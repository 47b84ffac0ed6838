// A plan: the calls of one recorded step as a flat list of kernel calls over memory fixed in advance.
//
// Recording works at the level of memory. A step runs eagerly, and every call is written down with the storages of its
// tensors. A storage that existed before, or that no call made, is external: the plan keeps a reference, and every
// replay reads and writes this memory (parameters, optimizer state, metric totals, batch slots, constants). A storage
// that a call made is an intermediate, which lowering packs into one arena.
//
// So a replay holds no stale values. What changes between steps (learning rate, step count, batch) is memory that ops
// read, and the random state is the generator's own.
#pragma once
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/cancel.h"
#include "plan/arena.h"
#include "plan/chain.h"
#include "plan/derived.h"
#include "plan/guards.h"
#include "plan/pace.h"

namespace fastdl {

// Observes the calls of this thread from construction to stop() or destruction. One at a time.
class Recorder : public CallObserver {
 public:
  // `batch` are the tensors that a replay fills anew. `where` names the user's line that runs now.
  explicit Recorder(std::vector<Tensor> batch = {}, std::function<std::string()> where = nullptr);
  ~Recorder() override;

  void before_write(const Tensor& t) override;
  void on_call(const Op& op, const Tensor* in, int inputs, const Outputs& out, const Attrs& attrs) override;
  void on_host_read(const Tensor& t) override;
  void on_grad(const Tensor& leaf, bool reads) override;
  void on_requires_grad(const Tensor& t) override;

  // Why this step cannot be replayed; empty if it can.
  const std::string& problem() const { return problem_; }
  // Ends recording, from any thread.
  void stop();
  Recording take();  // once
  Operand operand(const Tensor& t, bool made_by_call);
  Guards take_guards();
  // Descriptions of the memory that the step made and that is still in use, except `results`.
  std::vector<std::string> outliving(const std::vector<Tensor>& results) const;

 private:
  int buffer_of(const Ref<Storage>& storage, bool made_by_call);
  void check_aliases();
  void check_values();
  void complain(const std::string& problem, const std::string& where);  // keeps the first problem
  std::string where() const { return where_ ? where_() : std::string(); }
  bool in_batch(const Tensor& t) const;

  struct Made {
    Shape shape;
    std::string where;
  };
  Ref<ObserverSlot> slot_;  // of the thread that is observed; null once stopped
  StorageWatch watch_;
  Recording recording_;
  std::unordered_map<uint64_t, int> index_;  // buffers by the serial numbers of their storages
  uint64_t first_serial_;
  std::vector<Tensor> batch_;
  std::function<std::string()> where_;
  Guards guards_;
  std::unordered_set<const TensorImpl*> flagged_;
  std::vector<SeenValues> shared_;           // memory that calls read and Python can write into
  std::unordered_map<uint64_t, Made> made_;  // by calls, by the serial number of the storage
  std::string problem_;
  bool taken_ = false;
};

class Plan : public RefCounted {
 public:
  // A caller fills (or rebinds) the memory of `inputs` before a replay and finds the results in `outputs` after it.
  // `arena` holds the intermediates of plans that take turns. Throws RuntimeError if the recording has a problem().
  Plan(Recorder& recorder, std::vector<Tensor> inputs, std::vector<Tensor> outputs, Ref<Arena> arena = new Arena);
  ~Plan() override;

  // Whether everything that Python and the tape saw during recording is unchanged.
  enum class Holds { yes, other_gradients, no };
  Holds holds();
  // Whether that must be checked before each replay, not only in a new epoch().
  bool guarded() const { return !guards_.values.empty() || !guards_.gradients.empty(); }
  const std::vector<SeenGradient>& gradients() const { return guards_.gradients; }
  // Whether another thread had the turn when the process forked. In the child such a plan is of no use.
  bool lost() const { return lost_; }

  // Runs one step. Calls `interrupted` every 50 ms until state is changed, and at once when `flag` is raised within a
  // call that may_stop. If it returns true, the replay ends and returns false.
  bool replay(const std::function<bool()>& interrupted, const CancelFlag* flag = nullptr);
  bool may_stop() const { return may_stop_; }  // some call is long enough to be stopped

  // One step at the plan's pace, including the filling of its inputs. During its lifetime this thread works alone if
  // the plan found that to be faster, or is measuring it.
  class Paced {
   public:
    explicit Paced(Plan& plan);
    void done();  // the whole step has run
    bool alone() const { return alone_.has_value(); }

   private:
    Plan& plan_;
    std::optional<Alone> alone_;
    std::chrono::steady_clock::time_point start_;
  };

  // Makes input i read from `data`, which the caller keeps alive. Null: from its own memory again. Not for an input
  // that the step changes or whose memory is an output.
  void rebind(int i, void* data);
  bool can_rebind(int i) const { return can_rebind_[size_t(i)]; }
  // Whether the steps write into this memory.
  bool writes_into(const void* data, int64_t bytes) const;

  // The turn for the arena. RuntimeError for a thread that already has it.
  class Turn {
   public:
    explicit Turn(Plan& plan) : plan_(plan) {
      FASTDL_CHECK(!plan.mine(), RuntimeError, "plan: replayed from within its own replay");
      FASTDL_CHECK(!plan.lost(), RuntimeError, "plan: another thread was using it when the process forked");
      plan.arena_->lock();
      plan.follow_arena();
    }
    ~Turn() { plan_.arena_->unlock(); }
    Turn(const Turn&) = delete;

   private:
    Plan& plan_;
  };
  // Whether this thread has the turn of the arena.
  bool mine() const { return arena_->mine(); }

  const std::vector<Tensor>& inputs() const { return inputs_; }
  const std::vector<Tensor>& outputs() const { return outputs_; }
  int64_t arena_bytes() const { return arena_bytes_; }
  size_t calls() const { return steps_.size(); }
  std::string describe() const;  // one line per call, for display
  // The calls before memory was assigned, so that each buffer is one value. For translating a plan.
  struct Listed {
    const Op* op;
    std::vector<Operand> in, out;
    Attributes attributes;
  };
  const std::vector<Listed>& listing() const { return listing_; }
  // Where each plan input and output lies, and the memory of external buffers.
  const std::vector<Operand>& input_operands() const { return input_operands_; }
  const std::vector<Operand>& output_operands() const { return output_operands_; }
  const std::map<int, KeptStorage>& listed_storages() const { return listed_storages_; }
  // Seconds of each call, the least of `repeats` replays, which have their usual effects. The time of a chain counts
  // for its first call.
  std::vector<double> profile(int repeats);

 private:
  struct Patch {
    View* view;
    int64_t offset;
  };

  struct Written {  // bytes that the steps write
    KeptStorage storage;
    int64_t begin, end;
  };
  struct Draw {  // what the steps draw from a generator
    Tensor generator;
    std::vector<std::pair<size_t, uint64_t>> steps;  // and their numbers of counters
    uint64_t before = 0;                             // the generator's counter when the steps began
  };
  class Writing;
  static void forget_lost();

  // run(), stopped once `flag` is raised. False if it was stopped.
  bool run_stoppable(size_t& i, size_t& next, const std::function<bool()>& interrupted, const CancelFlag* flag);
  // Runs step i. If chain number `next` starts there, runs the chain. Returns the last step that ran.
  size_t run(size_t i, size_t& next);

  // Re-points the views of intermediates if the arena has moved.
  void follow_arena() {
    if (arena_->data() == base_) return;
    for (void** p : in_arena_) *p = static_cast<char*>(*p) + (arena_->data() - base_);
    base_ = arena_->data();
  }
  void list(const Recording& r);
  void note_draw_of(const Step& s, size_t i, const std::vector<KeptStorage>& memory);

  std::vector<Listed> listing_;
  std::vector<Operand> input_operands_, output_operands_;
  std::map<int, KeptStorage> listed_storages_;
  std::vector<Step> steps_;
  std::vector<View> views_;  // of all steps
  Chains chains_;
  Pace pace_;
  DerivedInputs derived_;
  bool may_stop_ = false;
  size_t commit_ = 0;                  // steps before this one can be abandoned without effects
  size_t free_until_ = 0;              // the same, rounded to whole chains
  std::vector<KeptStorage> external_;  // foreign memory
  std::vector<Written> written_;       // the parts of it that the steps change
  std::vector<Draw> draws_;
  Guards guards_;
  bool lost_ = false;
  Ref<Arena> arena_;
  int64_t arena_bytes_ = 0;
  char* base_ = nullptr;          // of the arena, as the views have it
  std::vector<void**> in_arena_;  // the views' addresses, and workspaces
  std::vector<Tensor> inputs_, outputs_;
  std::vector<std::vector<Patch>> patches_;  // of each input
  std::vector<bool> can_rebind_;
};

// lower.cc: the passes from a recording to a plan, in this order. Their time grows about linearly with the number of
// calls.
void remove_dead_calls(Recording& r, const std::vector<int>& kept_buffers);
void sink_state_changes(Recording& r);
void elide_assignments(Recording& r);
void add_workspaces(Recording& r);
// What remains: the calls in their last order, and the offset of each intermediate in one arena.
struct Layout {
  Recording recording;
  Chains chains;
  std::vector<int64_t> offset;
  int64_t arena_bytes;
};
Layout lay_out(Recording r);
// The first call after which stopping would leave state half updated.
size_t commit_point(const Recording& r);

}  // namespace fastdl
