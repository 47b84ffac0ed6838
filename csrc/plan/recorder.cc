#include <algorithm>

#include "autograd/tape.h"
#include "ops/views.h"
#include "plan/plan.h"

namespace fastdl {
namespace {

// Restores what a buffer held before the step first wrote into it in place.
void infer_restore(InferContext&) {}
void run_restore(const RunContext& c) { std::memcpy(c.in[0].data, c.in[1].data, size_t(c.in[0].bytes())); }
const Op op_restore = OpRow{.name = "restore", .infer = infer_restore, .run = run_restore, .mutates = 0b1};

}  // namespace

Recorder::Recorder(std::vector<Tensor> batch, std::function<std::string()> where)
    : slot_(observer_slot()),
      first_serial_(Storage::next_serial()),
      batch_(std::move(batch)),
      where_(std::move(where)) {
  FASTDL_CHECK(!slot_->observer, RuntimeError, "a plan is already being recorded on this thread");
  slot_->observer = this;
}
Recorder::~Recorder() {
  if (slot_) slot_->observer = nullptr;
}
void Recorder::stop() {
  if (!slot_) return;
  slot_->observer = nullptr;
  slot_ = nullptr;
  watch_.stop();
  check_aliases();
  check_values();
  for (SeenGradient& g : guards_.gradients) g.after = g.leaf->grad;
  for (const SeenFlag& f : guards_.flags)
    if (f.leaf->requires_grad != f.requires_grad) complain("the step changes whether a tensor requires a gradient", "");
}

void Recorder::complain(const std::string& problem, const std::string& where) {
  if (problem_.empty()) problem_ = where.empty() ? problem : problem + " (" + where + ")";
}

Recording Recorder::take() {
  FASTDL_CHECK(!taken_, RuntimeError, "plan: this recording was made into a plan already");
  taken_ = true;
  return std::move(recording_);
}
Guards Recorder::take_guards() {
  // A tensor without other references cannot be asked to require a gradient.
  std::erase_if(guards_.flags, [](const SeenFlag& f) { return f.leaf->use_count() == 1; });
  return std::move(guards_);
}

// Values that Python read or might have changed become guards of the replays, unless the step itself changes them.
void Recorder::check_values() {
  auto written = [&](const SeenValues& v) {
    const auto known = index_.find(v.storage()->serial());
    if (known == index_.end()) return false;
    const Operand read{known->second, v.begin(), {v.end() - v.begin()}, DType::uint8};
    for (const Call& c : recording_.calls)
      for (size_t i = 0; i < c.in.size(); ++i)
        if (c.writes(int(i)) && c.in[i].overlaps(read)) return true;
    return false;
  };
  auto about = [](const SeenValues& v) {
    std::ostringstream s;
    s << "a tensor of shape " << v.shape();
    return s.str();
  };
  for (SeenValues& v : guards_.values) {
    if (written(v))
      complain("the value of " + about(v) + ", which the step changes, was read in Python within the step", v.where());
    else if (v.copied() && !v.is_same())
      complain("the memory of " + about(v) + " was changed in Python", v.where());
    else if (!v.copied() && !v.counted())
      complain("Python read " + about(v) + " over an array too large to be compared before each replay", v.where());
    v.settle();
  }
  for (const SeenValues& v : shared_)
    if (v.copied() && !v.is_same() && !written(v))
      complain("the step changes, in Python, an array that shares the memory of " + about(v), v.where());
  // A replay makes the step's own memory again, so it needs no guard.
  std::erase_if(guards_.values, [&](const SeenValues& v) { return v.storage()->serial() >= first_serial_; });
  shared_.clear();
}

std::vector<std::string> Recorder::outliving(const std::vector<Tensor>& results) const {
  std::vector<std::string> found;
  // The caller gets copies of the results. So they need not stay like what they are parts of.
  for (const Tensor& t : results)
    if (t && t->storage->serial() >= first_serial_) t->storage->set_origin(nullptr);
  for (uint64_t serial : watch_.alive()) {
    const bool result = std::any_of(results.begin(), results.end(),
                                    [&](const Tensor& t) { return t && t->storage->serial() == serial; });
    const bool ours = std::any_of(recording_.buffers.begin(), recording_.buffers.end(), [&](const Buffer& b) {
      return b.storage && b.storage->serial() == serial && b.storage->use_count() == 1;
    });
    if (result || ours) continue;
    std::ostringstream s;
    if (auto made = made_.find(serial); made != made_.end()) {
      s << "a tensor of shape " << made->second.shape << " that the step makes outlives it";
      if (!made->second.where.empty()) s << " (made at " << made->second.where << ")";
    } else {
      s << "a tensor that the step makes outlives it";
    }
    found.push_back(s.str());
  }
  return found;
}

// The passes distinguish memory by storage. With two storages over one array (from_numpy, twice) they could move a
// write past a read of the same bytes.
void Recorder::check_aliases() {
  std::vector<bool> written(recording_.buffers.size());
  for (const Call& c : recording_.calls)
    for (size_t i = 0; i < c.in.size(); ++i)
      if (c.in[i].buffer >= 0 && c.writes(int(i))) written[size_t(c.in[i].buffer)] = true;
  auto begin = [](const Buffer& b) { return static_cast<const char*>(b.storage->data()); };
  for (size_t w = 0; w < written.size(); ++w) {
    const Buffer& a = recording_.buffers[w];
    if (!written[w] || !a.external) continue;
    for (const Buffer& b : recording_.buffers)
      if (&a != &b && b.external && begin(a) < begin(b) + b.bytes && begin(b) < begin(a) + a.bytes && problem_.empty())
        complain("the step changes an array in place that it also uses through another tensor", "");
  }
}

int Recorder::buffer_of(const Ref<Storage>& storage, bool made_by_call) {
  auto [it, is_new] = index_.try_emplace(storage->serial(), int(recording_.buffers.size()));
  // Memory that a call made is not held, so a recorded step needs no more memory than an eager one.
  if (is_new) recording_.buffers.push_back({made_by_call ? nullptr : storage, storage->bytes(), !made_by_call});
  return it->second;
}

Operand Recorder::operand(const Tensor& t, bool made_by_call) {
  if (!t) return {};
  if (recording_.buffers.empty()) recording_.device = &t->device();
  if (recording_.device != &t->device())
    complain("the step works on two devices, '" + recording_.device->name + "' and '" + t->device().name + "'",
             where());
  // Python can write into memory that it shares, even within the step.
  constexpr int64_t kMost = 1 << 20;
  const bool outside =
      slot_ && t->storage->on_cpu() && !made_by_call && t->storage->serial() < first_serial_ && !in_batch(t);
  if (outside && (t->storage->exported() || !t->storage->owned()) && !index_.contains(t->storage->serial()))
    shared_.emplace_back(t, kMost, where());
  // Before each replay a part would have to be read anew from a tensor that changed.
  if (outside && t->storage->origin() && !index_.contains(t->storage->serial()))
    guards_.values.emplace_back(part_of(t)->original(), SeenValues::kMost, where());
  return {buffer_of(t->storage, made_by_call), t->offset * size_of(t->dtype), t->shape, t->dtype};
}

bool Recorder::in_batch(const Tensor& t) const {
  return std::any_of(batch_.begin(), batch_.end(), [&](const Tensor& b) { return b && b->storage == t->storage; });
}

// Memory that the step made and Python or C++ filled (zeros to accumulate into), and that is then written in place:
// each replay begins with its first contents.
void Recorder::before_write(const Tensor& t) {
  if (t->storage->serial() < first_serial_) return;
  const auto known = index_.find(t->storage->serial());
  if (known != index_.end()) {
    Buffer& b = recording_.buffers[size_t(known->second)];
    if (!b.external) return;
    b = {nullptr, b.bytes, false};  // so far it was only read
  }
  if (!t->storage->owned()) complain("an array that became a tensor within the step was changed in place", where());
  Tensor whole = new TensorImpl;
  whole->storage = t->storage;
  whole->shape = {t->storage->bytes()};
  whole->dtype = DType::uint8;
  const Device& device = t->device();
  Tensor snapshot = empty(whole->shape, DType::uint8, device);
  copy_bytes(device, snapshot->raw(), device, whole->raw(), whole->bytes());
  Call restore{&op_restore, {}, {operand(whole, true), operand(snapshot, false)}, {}, {}};
  recording_.calls.insert(recording_.calls.begin(), std::move(restore));
}

void Recorder::on_call(const Op& op, const Tensor* in, int inputs, const Outputs& out, const Attrs& attrs) {
  Call call{&op, attrs, {}, {}, {}};
  for (int i = 0; i < inputs; ++i) call.in.push_back(operand(in[i], false));
  for (int i = 0; i < inputs; ++i)
    if (in[i] && grad_enabled()) on_requires_grad(in[i]);
  for (int i = 0; i < out.count; ++i) made_[out.t[i]->storage->serial()] = {out.t[i]->shape, where()};
  for (int i = 0; i < out.count; ++i) call.out.push_back(operand(out.t[i], true));
  recording_.calls.push_back(std::move(call));
}

// A constant may be read as long as it stays constant. A computed value may not, since a replay cannot repeat the
// reading.
void Recorder::on_host_read(const Tensor& t) {
  if (!problem_.empty()) return;
  std::ostringstream s;
  s << "the value of a tensor of shape " << t->shape;
  auto it = index_.find(t->storage->serial());
  if (it != index_.end() && !recording_.buffers[size_t(it->second)].external)
    return complain(s.str() + ", which the step computes, was read in Python within the step", where());
  if (!t->storage->on_cpu())
    return complain(s.str() + " on another device was read in Python within the step", where());
  if (in_batch(t))
    return complain(s.str() + ", which is part of the batch, was read in Python within the step", where());
  for (const SeenValues& v : guards_.values)
    if (v.storage() == t->storage && v.end() - v.begin() == t->bytes() && v.begin() == t->offset * size_of(t->dtype))
      return;
  guards_.values.emplace_back(t, SeenValues::kMost, where());
}

void Recorder::on_grad(const Tensor& leaf, bool reads) {
  if (!leaf->storage || leaf->storage->serial() >= first_serial_ || leaf->node) return;  // no storage: values dropped
  for (const SeenGradient& g : guards_.gradients)
    if (g.leaf == leaf) return;
  guards_.gradients.push_back({leaf, leaf->grad, nullptr, reads});
}

void Recorder::on_requires_grad(const Tensor& t) {
  if (t->storage->serial() >= first_serial_ || t->node || !is_float(t->dtype) || in_batch(t)) return;
  if (flagged_.insert(t.get()).second) guards_.flags.push_back({t, t->requires_grad});
}

}  // namespace fastdl
