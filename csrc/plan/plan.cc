#include "plan/plan.h"

#include <algorithm>
#include <chrono>
#include <unordered_set>

#include "core/fork.h"
#include "core/rng.h"
#include "plan/tail.h"

namespace fastdl {
namespace {

// All plans, so that a fork finds those in use.
struct Plans {
  std::mutex mutex;
  std::unordered_set<Plan*> all;
};
Plans& plans(void (*in_child)()) {
  static Plans* p = [in_child] {
    Plans* made = new Plans;
    hold_at_fork(ForkRank::plans, made->mutex);
    after_fork_in_child(in_child);
    return made;
  }();
  return *p;
}

}  // namespace

// In the child, a plan whose turn another thread had is in an unknown state. It is neither used nor destroyed any more.
// A plan whose turn the forking thread has stays in use.
void Plan::forget_lost() {
  for (Plan* plan : plans(nullptr).all)
    if (!plan->lost_ && plan->arena_->in_use() && !plan->mine()) {
      plan->lost_ = true;
      plan->retain();
    }
}

Plan::~Plan() {
  Plans& p = plans(&forget_lost);
  std::lock_guard lock(p.mutex);
  p.all.erase(this);
}

Plan::Plan(Recorder& recorder, std::vector<Tensor> inputs, std::vector<Tensor> outputs, Ref<Arena> arena)
    : arena_(std::move(arena)), inputs_(std::move(inputs)), outputs_(std::move(outputs)) {
  recorder.stop();
  for (const Tensor& t : inputs_) FASTDL_CHECK(t, TypeError, "plan: an input is None");
  for (const Tensor& t : outputs_) FASTDL_CHECK(t, TypeError, "plan: an output is None");
  std::vector<int> input_buffers, output_buffers;
  for (const Tensor& t : inputs_) input_operands_.push_back(recorder.operand(t, false));
  for (const Tensor& t : outputs_) output_operands_.push_back(recorder.operand(t, false));
  FASTDL_CHECK(recorder.problem().empty(), RuntimeError, "plan: ", recorder.problem());
  for (const Operand& o : input_operands_) input_buffers.push_back(o.buffer);
  for (const Operand& o : output_operands_) output_buffers.push_back(o.buffer);

  Recording r = recorder.take();
  // Results stay in the memory of the recording, so the passes treat them as external.
  for (size_t k = 0; k < outputs_.size(); ++k) {
    Buffer& b = r.buffers[size_t(output_buffers[k])];
    b.storage = outputs_[k]->storage;
    b.external = true;
  }
  remove_dead_calls(r, output_buffers);
  sink_state_changes(r);
  elide_assignments(r);
  list(r);
  add_workspaces(r);
  Layout layout = lay_out(std::move(r));
  r = std::move(layout.recording);
  chains_ = std::move(layout.chains);
  arena_bytes_ = layout.arena_bytes;
  const std::vector<int64_t>& offset = layout.offset;
  commit_ = commit_point(r);
  free_until_ = commit_;
  for (const Chain& c : chains_.list)
    if (c.first < commit_ && commit_ < c.end) free_until_ = c.first;
  empty_cache();  // replays allocate nothing, so the memory of eager steps goes back to the system
  const Device& device = *r.device;
  // A plan needs its own memory within a replay on the arena (a signal handler's step), and on another device.
  if (arena_->mine() || arena_->is_elsewhere(device)) arena_ = new Arena;
  const std::lock_guard turn(*arena_);
  arena_->reserve(arena_bytes_, device);
  base_ = arena_->data();

  patches_.resize(inputs_.size());
  can_rebind_.assign(inputs_.size(), true);
  for (size_t k = 0; k < inputs_.size(); ++k) {
    // Integers may be labels, which are checked before use, so no other thread may change them in between.
    can_rebind_[k] = is_float(inputs_[k]->dtype) && device.is_cpu();
    for (int b : output_buffers)
      if (b == input_buffers[k]) can_rebind_[k] = false;
  }
  std::vector<bool> written(r.buffers.size());
  std::vector<std::vector<std::pair<int64_t, int64_t>>> parts(r.buffers.size());
  auto write_to = [&](const Operand& o) {
    if (o.buffer < 0) return;
    written[size_t(o.buffer)] = true;
    if (r.buffers[size_t(o.buffer)].external) parts[size_t(o.buffer)].push_back({o.offset, o.offset + o.bytes()});
    for (size_t k = 0; k < inputs_.size(); ++k)
      if (o.buffer == input_buffers[k]) can_rebind_[k] = false;
  };
  constexpr int64_t kAsk = 1 << 16;  // bytes of an operand from which a call may be long
  steps_.resize(r.calls.size());
  size_t views = 0;
  for (const Call& c : r.calls) views += c.in.size() + (c.op->derived ? 1 : 0) + c.out.size();
  views_.resize(views);
  View* next_views = views_.data();
  for (size_t i = 0; i < r.calls.size(); ++i) {
    const Call& c = r.calls[i];
    Step& s = steps_[i];
    s.op = c.op;
    s.attrs = c.attrs;
    s.inputs = int(c.in.size());
    s.outputs = int(c.out.size());
    s.ask = i % 8 == 7;
    s.in = next_views;
    s.out = s.in + s.inputs + (c.op->derived ? 1 : 0);
    next_views = s.out + s.outputs;
    auto place = [&](const Operand& o, View& v) {
      if (o.buffer < 0) return;
      const Buffer& b = r.buffers[size_t(o.buffer)];
      const int64_t at = std::max<int64_t>(offset[size_t(o.buffer)], 0);  // -1: in a chain's scratch memory only
      char* base = b.external ? static_cast<char*>(b.storage->data()) : base_ + at;
      if (!b.external) in_arena_.push_back(&v.data);
      v = {base + o.offset, o.shape, o.dtype, device.is_cpu() ? nullptr : &device, o.pitch};
      s.ask |= o.bytes() >= kAsk;
      for (size_t k = 0; k < inputs_.size(); ++k)
        if (o.buffer == input_buffers[k])
          patches_[k].push_back({&v, o.offset - inputs_[k]->offset * size_of(inputs_[k]->dtype)});
    };
    for (int k = 0; k < s.inputs; ++k) place(c.in[size_t(k)], s.in[k]);
    for (int k = 0; k < s.outputs; ++k) place(c.out[size_t(k)], s.out[k]);
    for (int k = 0; k < s.inputs; ++k)
      if (c.writes(k)) write_to(c.in[size_t(k)]);
    for (const Operand& o : c.out) write_to(o);
    s.run = run_of(*c.op, device);
    FASTDL_CHECK(s.run, RuntimeError, "plan: ", c.op->name, " has no function for device '", device.name, "'");
    if (const Operand& w = c.workspace; w.buffer >= 0) {
      s.workspace = base_ + offset[size_t(w.buffer)] + w.offset;
      s.ask |= w.bytes() >= kAsk;
      in_arena_.push_back(&s.workspace);
    }
    int64_t bytes = 0;
    for (const View* v = s.in; v < next_views; ++v) bytes += *v ? v->bytes() : 0;
    s.may_stop = bytes >= kStoppableCall && i < free_until_ && !c.op->mutates && !c.op->elementwise && !c.op->random;
    may_stop_ |= s.may_stop;
  }
  for (size_t i = 0; i < r.calls.size(); ++i) {
    const Call& c = r.calls[i];
    const int b = c.op->derived ? c.in[size_t(c.op->derived->input)].buffer : -1;
    if (b < 0 || !r.buffers[size_t(b)].external || written[size_t(b)]) continue;
    if (std::find(input_buffers.begin(), input_buffers.end(), b) != input_buffers.end()) continue;
    derived_.add(steps_, i, r.buffers[size_t(b)].storage);
  }
  for (size_t b = 0; b < r.buffers.size(); ++b) {
    if (!r.buffers[b].external) continue;
    std::sort(parts[b].begin(), parts[b].end());
    for (size_t i = 0; i < parts[b].size(); ++i) {
      const auto [begin, end] = parts[b][i];
      constexpr int64_t kPadding = 64;  // parts closer than a cache line are one
      if (i > 0 && begin < written_.back().end + kPadding)
        written_.back().end = std::max(written_.back().end, end);
      else
        written_.push_back({r.buffers[b].storage, begin, end});
    }
    external_.push_back(std::move(r.buffers[b].storage));
  }
  for (size_t i = 0; i < r.calls.size(); ++i)
    if (r.calls[i].op->random) note_draw_of(steps_[i], i, external_);
  guards_ = recorder.take_guards();
  Plans& p = plans(&forget_lost);
  std::lock_guard lock(p.mutex);
  p.all.insert(this);
}

// Step i advances a generator, which lies in external memory.
void Plan::note_draw_of(const Step& s, size_t i, const std::vector<KeptStorage>& memory) {
  const void* state = s.in[0].data;
  const auto lies_in = [&](const Ref<Storage>& storage) {
    const char* begin = static_cast<const char*>(storage->data());
    return state >= begin && state < begin + storage->bytes();
  };
  const auto found = std::find_if(memory.begin(), memory.end(), lies_in);
  if (found == memory.end()) return;
  auto draw = std::find_if(draws_.begin(), draws_.end(), [&](const Draw& d) { return d.generator->raw() == state; });
  if (draw == draws_.end()) {
    Tensor generator = new TensorImpl;
    generator->storage = *found;
    generator->offset = (static_cast<const char*>(state) - static_cast<const char*>((*found)->data())) / 8;
    generator->shape = {2};
    generator->dtype = DType::int64;
    draw = draws_.insert(draws_.end(), {generator, {}});
  }
  draw->steps.push_back({i, counters_for(s.attrs.as<int64_t>())});
}

void Plan::list(const Recording& r) {
  for (const Call& c : r.calls) {
    View views[kMaxInputs];
    for (size_t k = 0; k < c.in.size(); ++k) views[k] = {nullptr, c.in[k].shape, c.in[k].dtype};
    listing_.push_back({c.op, c.in, c.out, attributes_of(*c.op, {c.attrs, views})});
  }
  for (size_t b = 0; b < r.buffers.size(); ++b)
    if (r.buffers[b].external) listed_storages_.emplace(int(b), r.buffers[b].storage);
}

Plan::Holds Plan::holds() {
  if (guards_.precision != autocast_precision()) return Holds::no;
  for (SeenValues& v : guards_.values)
    if (!v.holds()) return Holds::no;
  for (const SeenFlag& f : guards_.flags)
    if (f.leaf->requires_grad != f.requires_grad) return Holds::no;
  for (const SeenGradient& g : guards_.gradients)
    if (g.asked && !(g.leaf->grad == g.before)) return Holds::other_gradients;
  return Holds::yes;
}

// Lives while steps run. In the end it marks all memory that they may have written as written, so that copies made
// meanwhile are stale. If the steps ended before a change of state, it gives back the random numbers that they drew, so
// the next attempt draws the same.
class Plan::Writing {
 public:
  explicit Writing(Plan& plan) : plan_(plan) {
    for (Draw& d : plan.draws_) d.before = rng_state(d.generator).counter;
  }
  ~Writing() {
    for (const Written& w : plan_.written_) w.storage->written(w.begin, w.end);
    if (reached >= plan_.free_until_) return;
    for (const Draw& d : plan_.draws_) {
      uint64_t drawn = 0;
      for (const auto& [step, counters] : d.steps) drawn += step < reached ? counters : 0;
      give_back(d.generator, d.before, drawn);
    }
  }
  size_t reached = 0;  // steps before this one have run

 private:
  Plan& plan_;
};

Plan::Paced::Paced(Plan& plan) : plan_(plan) {
  const int threads = num_threads();
  if (threads == 1) return;
  if (plan.pace_.alone(threads)) alone_.emplace();
  if (plan.pace_.asking()) start_ = std::chrono::steady_clock::now();
}
void Plan::Paced::done() {
  if (num_threads() == 1) return;
  std::chrono::duration<double> passed{0};
  if (plan_.pace_.asking()) passed = std::chrono::steady_clock::now() - start_;  // the clock costs 25 ns
  plan_.pace_.took(passed.count());
}

bool Plan::run_stoppable(size_t& i, size_t& next, const std::function<bool()>& interrupted, const CancelFlag* flag) {
  const size_t chain = next;
  try {
    Watch watch(flag);
    i = run(i, next);
  } catch (const Cancelled&) {
    if (interrupted()) return false;
    i = run(i, next = chain);  // no handler raised, so the call runs again
  }
  return true;
}

bool Plan::replay(const std::function<bool()>& interrupted, const CancelFlag* flag) {
  using clock = std::chrono::steady_clock;
  clock::time_point asked = interrupted ? clock::now() : clock::time_point();
  derived_.refresh(steps_);
  Writing writing(*this);
  size_t next = 0;  // the next chain
  for (size_t i = 0; i < steps_.size(); ++i) {
    writing.reached = i;
    const Step& s = steps_[i];
    // Reading the clock costs 25 ns, so small calls read it only at every eighth.
    if (s.ask && interrupted && i < commit_ && clock::now() - asked > std::chrono::milliseconds(50)) {
      if (interrupted()) return false;
      asked = clock::now();
    }
    if (s.may_stop && flag) {
      if (!run_stoppable(i, next, interrupted, flag)) return false;
    } else {
      i = run(i, next);
    }
  }
  writing.reached = steps_.size();
  for (const SeenGradient& g : guards_.gradients)
    if (!(g.leaf->grad == g.after)) g.leaf->grad = g.after;
  return true;
}

size_t Plan::run(size_t i, size_t& next) {
  if (next < chains_.list.size() && chains_.list[next].first == i) {
    const Chain& chain = chains_.list[next];
    chain.produced ? run_tail(chain, steps_.data()) : run_chain(chain, steps_.data());
    return chains_.list[next++].end - 1;
  }
  const Step& s = steps_[i];
  s.run(s.context());
  return i;
}

std::vector<double> Plan::profile(int repeats) {
  using clock = std::chrono::steady_clock;
  Turn turn(*this);
  std::vector<double> least(steps_.size(), 1e30);
  for (int r = 0; r < repeats; ++r) {
    derived_.refresh(steps_);
    Writing writing(*this);
    writing.reached = steps_.size();
    size_t next = 0;
    for (size_t i = 0; i < steps_.size(); ++i) {
      const size_t first = i;
      const auto start = clock::now();
      i = run(i, next);
      least[first] = std::min(least[first], std::chrono::duration<double>(clock::now() - start).count());
      std::fill(least.begin() + int64_t(first) + 1, least.begin() + int64_t(i) + 1, 0.0);
    }
  }
  return least;
}

void Plan::rebind(int i, void* data) {
  char* base = static_cast<char*>(data ? data : inputs_[size_t(i)]->raw());
  for (const Patch& p : patches_[size_t(i)]) p.view->data = base + p.offset;
}

bool Plan::writes_into(const void* data, int64_t bytes) const {
  const char* begin = static_cast<const char*>(data);
  return std::any_of(written_.begin(), written_.end(), [&](const Written& w) {
    const char* other = static_cast<const char*>(w.storage->data());
    return begin < other + w.storage->bytes() && other < begin + bytes;
  });
}

std::string Plan::describe() const {
  std::ostringstream s;
  const auto describe = [&](const View& v) {
    s << v.dtype << v.shape;
    if (v.pitch) s << " in rows of " << v.pitch / size_of(v.dtype);
  };
  auto chain = chains_.list.begin();
  for (size_t i = 0; i < steps_.size(); ++i) {
    const Step& step = steps_[i];
    while (chain != chains_.list.end() && chain->end <= i) ++chain;
    if (chain != chains_.list.end() && chain->first < i) s << "  with it: ";
    s << step.op->name << '(';
    for (int k = 0; k < step.inputs; ++k) {
      if (k) s << ", ";
      if (step.in[k])
        describe(step.in[k]);
      else
        s << "None";
    }
    for (const Attribute& a : attributes_of(*step.op, {step.attrs, step.in})) s << ", " << a;
    s << ')';
    for (int k = 0; k < step.outputs; ++k) {
      s << (k ? ", " : " -> ");
      describe(step.out[k]);
    }
    s << '\n';
  }
  return s.str();
}

}  // namespace fastdl
