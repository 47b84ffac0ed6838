#include "plan/prepack.h"

#include <atomic>
#include <map>
#include <mutex>
#include <tuple>

#include "core/fork.h"
#include "cpu/gemm.h"
#include "cpu/isa.h"
#include "ops/linear.h"

namespace fastdl {
namespace {

// In all: a program that predicts with small and medium networks has room for each of its weights; one with large
// ones does not hold them twice.
constexpr int64_t kMostBytes = 32 << 20;
constexpr int kPatience = 2;  // replays of an unchanged weight before it is packed

std::atomic<int64_t> bytes_in_all{0};

}  // namespace

class PackedWeight {
 public:
  // Throws MemoryError.
  PackedWeight(const View& w, const LinearShape& s, uint32_t version, uint64_t exports)
      : version_(version), exports_(exports), kernels_(&fastdl::kernels()), data_(Storage::allocate(bytes(s))) {
    bytes_in_all += data_->bytes();
    pack_b(s.transpose_w, s.n, s.k, w.as<float>(), s.transpose_w ? s.k : s.n, static_cast<float*>(data_->data()));
  }
  ~PackedWeight() { bytes_in_all -= data_->bytes(); }

  static int64_t bytes(const LinearShape& s) { return packed_b_floats(s.n, s.k) * int64_t(sizeof(float)); }
  bool is(uint32_t version, uint64_t exports) const {
    return version_ == version && exports_ == exports && kernels_ == &fastdl::kernels();
  }
  void* data() const { return data_->data(); }

 private:
  const uint32_t version_;
  const uint64_t exports_;
  const KernelTable* const kernels_;  // every instruction set has tiles of its own
  const Ref<Storage> data_;
};

namespace {

// The copy of a weight: the one that another plan has made, or a new one; null if there is no room for it.
std::shared_ptr<const PackedWeight> find_or_pack(const View& w, const LinearShape& s, uint32_t version,
                                                 uint64_t exports) {
  using Key = std::tuple<const void*, int64_t, int64_t, bool>;
  static std::mutex* mutex = [] {
    auto* made = new std::mutex;
    hold_at_fork(ForkRank::packed_weights, *made);
    return made;
  }();
  static auto* known = new std::map<Key, std::weak_ptr<const PackedWeight>>;
  std::lock_guard lock(*mutex);
  std::erase_if(*known, [](const auto& item) { return item.second.expired(); });
  auto& place = (*known)[{w.data, s.n, s.k, s.transpose_w}];
  if (auto packed = place.lock(); packed && packed->is(version, exports)) return packed;
  if (bytes_in_all + PackedWeight::bytes(s) > kMostBytes) return nullptr;
  try {
    auto packed = std::make_shared<const PackedWeight>(w, s, version, exports);
    place = packed;
    return packed;
  } catch (const Error&) {
    return nullptr;  // no memory: as it lies, then
  }
}

}  // namespace

int64_t prepacked_bytes() { return bytes_in_all; }

void Prepack::add(const std::vector<Step>& steps, size_t step, Ref<Storage> storage) {
  const std::optional<LinearShape> s = linear_shape(steps[step]);
  // Few rows read the weight once in any case; and memory of others may change at any time.
  if (!s || s->m <= 4 || s->n < 16 || s->k < 16 || !storage->owned() || !storage->on_cpu()) return;
  Weight w;
  w.step = step;
  w.storage = std::move(storage);
  weights_.push_back(std::move(w));
}

void Prepack::refresh(std::vector<Step>& steps) {
  for (Weight& w : weights_) {
    const uint32_t version = w.storage->version();
    const uint64_t exports = w.storage->exports();
    const KernelTable* table = &kernels();
    if (version == w.version && exports == w.exports && table == w.kernels && !w.storage->exported()) {
      if (w.same < kPatience && ++w.same == kPatience) use(steps[w.step], w);
      continue;
    }
    w.version = version;
    w.exports = exports;
    w.kernels = table;
    w.same = 0;
    if (!w.packed) continue;
    w.packed = nullptr;
    read_packed(steps[w.step], nullptr);
  }
}

void Prepack::use(Step& step, Weight& w) {
  w.packed = find_or_pack(step.views[1], *linear_shape(step), w.version, w.exports);
  if (w.packed) read_packed(step, w.packed->data());
}

}  // namespace fastdl
