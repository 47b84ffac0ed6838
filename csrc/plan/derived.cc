#include "plan/derived.h"

#include <atomic>
#include <map>
#include <mutex>
#include <tuple>

#include "core/fork.h"
#include "cpu/kernels.h"

namespace fastdl {
namespace {

// The limit of all values. Small and medium networks can keep one for each weight; large weights are not stored twice.
constexpr int64_t kMostBytes = 32 << 20;
constexpr int kPatience = 2;  // replays of unchanged memory before a value is made

std::atomic<int64_t> bytes_in_all{0};

}  // namespace

class DerivedValue {
 public:
  // Throws MemoryError.
  DerivedValue(const DerivedInputs::Use& u, const Derivation& d, const View& input)
      : state_(u.state), data_(Storage::allocate(d.bytes(u.parameters))) {
    bytes_in_all += data_->bytes();
    d.derive(input, u.parameters, data_->data());
  }
  ~DerivedValue() { bytes_in_all -= data_->bytes(); }

  bool is_of(const DerivedInputs::State& state) const { return state_ == state; }
  void* data() const { return data_->data(); }

 private:
  const DerivedInputs::State state_;
  const Ref<Storage> data_;
};

int64_t derived_bytes() { return bytes_in_all; }

// Finds a value that another plan has made, or makes one. Null if there is no room for it.
std::shared_ptr<const DerivedValue> DerivedInputs::find_or_make(const Use& use, const View& input) {
  using Key = std::tuple<const Derivation*, uint64_t, int64_t, Derivation::Parameters>;
  static std::mutex* mutex = [] {
    auto* made = new std::mutex;
    hold_at_fork(ForkRank::derived_values, *made);
    return made;
  }();
  static auto* known = new std::map<Key, std::weak_ptr<const DerivedValue>>;
  const Derivation& d = *use.op->derived;
  const int64_t offset = static_cast<const char*>(input.data) - static_cast<const char*>(use.storage->data());
  std::lock_guard lock(*mutex);
  std::erase_if(*known, [](const auto& item) { return item.second.expired(); });
  auto& place = (*known)[{&d, use.storage->serial(), offset, use.parameters}];
  if (auto value = place.lock(); value && value->is_of(use.state)) return value;
  if (bytes_in_all + d.bytes(use.parameters) > kMostBytes) return nullptr;
  try {
    auto value = std::make_shared<const DerivedValue>(use, d, input);
    place = value;
    return value;
  } catch (const Error&) {
    return nullptr;  // no memory: read the input itself
  }
}

// Makes a step run that op, with the value as its last input. Null: no value, and the recorded op.
void DerivedInputs::read(Step& step, const Op* op, void* value) {
  step.op = op;
  step.run = op->run;
  step.in[step.inputs].data = value;
}

void DerivedInputs::add(const std::vector<Step>& steps, size_t step, const Ref<Storage>& storage) {
  const Step& s = steps[step];
  // Foreign memory may change at any time.
  if (!s.op->derived || !storage->owned() || !storage->on_cpu()) return;
  if (const auto parameters = s.op->derived->wanted(s.context()))
    uses_.push_back({step, s.op, storage, *parameters, {}, 0, nullptr});
}

void DerivedInputs::refresh(std::vector<Step>& steps) {
  for (Use& u : uses_) {
    const State state{u.storage->version(), u.storage->exports(), &kernels()};
    Step& step = steps[u.step];
    if (state == u.state && !u.storage->exported()) {
      if (u.same >= kPatience || ++u.same < kPatience) continue;
      const Derivation& d = *u.op->derived;
      u.value = find_or_make(u, step.in[d.input]);
      if (u.value) read(step, d.op, u.value->data());
      continue;
    }
    u.state = state;
    u.same = 0;
    if (!u.value) continue;
    u.value = nullptr;
    read(step, u.op, nullptr);
  }
}

}  // namespace fastdl
