#include "plan/plan.h"

namespace fastdl {
namespace {

// Puts back what a buffer held before the step first wrote into it in place.
void infer_restore(InferContext&) {}
void run_restore(const RunContext& c) {
  std::memcpy(c.in[0].data, c.in[1].data, size_t(c.in[0].bytes()));
}
const Op op_restore = OpRow{.name = "restore", .infer = infer_restore, .run = run_restore, .mutates = 0b1};

}  // namespace

Recorder::Recorder() : slot_(observer_slot()), first_serial_(Storage::next_serial()) {
  FASTDL_CHECK(!slot_->observer, RuntimeError, "a plan is already being recorded on this thread");
  slot_->observer = this;
}
Recorder::~Recorder() { stop(); }
void Recorder::stop() {
  if (!slot_) return;
  slot_->observer = nullptr;
  slot_ = nullptr;
  check_aliases();
}

Recording Recorder::take() {
  FASTDL_CHECK(!taken_, RuntimeError, "plan: this recording was made into a plan already");
  taken_ = true;
  return std::move(recording_);
}

// The passes tell memory apart by its storage. Two storages over one array (from_numpy, twice) would let them
// move a write past a read of the same bytes.
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
      if (&a != &b && b.external && begin(a) < begin(b) + b.bytes && begin(b) < begin(a) + a.bytes &&
          problem_.empty())
        problem_ = "the step changes an array in place that it also uses through another tensor";
  }
}

int Recorder::buffer_of(const Ref<Storage>& storage, bool made_by_call) {
  auto [it, is_new] = index_.try_emplace(storage->serial(), int(recording_.buffers.size()));
  // What a call made is freed when the step is done with it: a recorded step needs no more memory than any other.
  if (is_new) recording_.buffers.push_back({made_by_call ? nullptr : storage, storage->bytes(), !made_by_call});
  return it->second;
}

Operand Recorder::operand(const Tensor& t, bool made_by_call) {
  if (!t) return {};
  if (recording_.buffers.empty()) recording_.device = &t->device();
  if (recording_.device != &t->device() && problem_.empty())
    problem_ = "the step works on two devices, '" + recording_.device->name + "' and '" + t->device().name + "'";
  return {buffer_of(t->storage, made_by_call), t->offset * size_of(t->dtype), t->shape, t->dtype};
}

// Memory made within the step but filled by Python or C++ rather than by an op (zeros to accumulate into)
// and then written in place: each replay begins with it as it was.
void Recorder::before_write(const Tensor& t) {
  if (t->storage->serial() < first_serial_) return;
  const auto known = index_.find(t->storage->serial());
  if (known != index_.end()) {
    Buffer& b = recording_.buffers[size_t(known->second)];
    if (!b.external) return;
    b = {nullptr, b.bytes, false};  // so far it was only read
  }
  if (!t->storage->owned() && problem_.empty())
    problem_ = "an array that became a tensor within the step was changed in place";
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

void Recorder::on_call(const Op& op, const Tensor* in, int inputs, const Outputs& out,
                       const Attrs& attrs) {
  Call call{&op, attrs, {}, {}, {}};
  for (int i = 0; i < inputs; ++i) call.in.push_back(operand(in[i], false));
  for (int i = 0; i < out.count; ++i) call.out.push_back(operand(out.t[i], true));
  recording_.calls.push_back(std::move(call));
}

// Reading a constant is harmless; reading what the step computes or changes is not repeatable.
void Recorder::on_host_read(const Tensor& t) {
  auto it = index_.find(t->storage->serial());
  if (it == index_.end() || !problem_.empty()) return;
  bool written = !recording_.buffers[size_t(it->second)].external;
  for (const Call& c : recording_.calls)
    for (size_t i = 0; i < c.in.size(); ++i)
      written |= c.writes(int(i)) && c.in[i].buffer == it->second;
  if (!written) return;
  std::ostringstream s;
  s << "the value of a tensor of shape " << t->shape << " was read in Python within the step";
  problem_ = s.str();
}

}  // namespace fastdl
