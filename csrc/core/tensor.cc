#include "core/tensor.h"

#include <algorithm>
#include <atomic>
#include <cstring>

namespace fastdl {

namespace {
constexpr int64_t kMaxElements = int64_t(1) << 56;  // so that no size in bytes overflows
}

int64_t checked_numel(const Shape& shape, const char* who) {
  int64_t n = 1;
  bool empty = false;
  for (int64_t d : shape) {
    FASTDL_CHECK(d >= 0, ShapeError, who, ": expected extents of at least 0, got shape ", shape);
    empty |= d == 0;
    FASTDL_CHECK(d == 0 || n <= kMaxElements / d, ShapeError, who, ": shape ", shape, " has too many elements");
    if (d) n *= d;
  }
  return empty ? 0 : n;
}

namespace {
Tensor make(const Shape& shape, DType dtype, bool zeros, const Device& device) {
  int64_t n = checked_numel(shape, "empty");
  Tensor t = new TensorImpl;
  t->storage = Storage::allocate(n * size_of(dtype), zeros, device);
  t->shape = shape;
  t->dtype = dtype;
  return t;
}
}  // namespace

void TensorImpl::raise_not_on_cpu() const {
  raise<TypeError>("the values of a tensor on device '", device().name,
                   "' cannot be read or written by the CPU; copy it with .to('cpu')");
}

void TensorImpl::raise_channels_last() const {
  raise<RuntimeError>("a tensor of shape ", shape,
                      " whose values lie channels-last was read in the order of its axes; ",
                      "contiguous() gives that order");
}

Tensor empty(const Shape& shape, DType dtype, const Device& device) { return make(shape, dtype, false, device); }

Tensor full(const Shape& shape, DType dtype, double value, const Device& device) {
  return dispatch_all(dtype, [&](auto zero) {
    const auto v = convert_to<decltype(zero)>(dtype, value);
    return filled(shape, dtype, &v, device);
  });
}
Tensor filled(const Shape& shape, DType dtype, const void* value, const Device& device) {
  if (!device.is_cpu()) return copied_to(filled(shape, dtype, value), device);
  return dispatch_size(size_of(dtype), [&](auto zero) {
    using T = decltype(zero);
    const bool zeros = std::memcmp(value, &zero, sizeof zero) == 0;
    Tensor t = make(shape, dtype, zeros, device);
    if (!zeros) std::fill_n(t->data<T>(), t->numel(), *static_cast<const T*>(value));
    return t;
  });
}
Tensor copied_to(const Tensor& t, const Device& device) {
  if (&t->device() == &device) return t;
  Tensor r = empty(t->shape, t->dtype, device);
  copy_bytes(device, r->raw(), t->device(), t->address(), t->bytes());
  r->weak = t->weak;
  r->channels_last = t->channels_last;
  return r;
}

Tensor scalar(double value) {
  Tensor t = full({}, DType::float32, value);
  t->weak = true;
  return t;
}

Tensor view(const Tensor& t, const Shape& shape, int64_t offset_elements) {
  FASTDL_CHECK(offset_elements >= 0 && offset_elements <= t->numel() &&
                   checked_numel(shape, "view") <= t->numel() - offset_elements,
               ShapeError, "view: shape ", shape, " at element ", offset_elements,
               " does not lie within a tensor of shape ", t->shape);
  Tensor v = new TensorImpl;
  v->storage = t->storage;
  v->offset = t->offset + offset_elements;
  v->shape = shape;
  v->dtype = t->dtype;
  return v;
}

Tensor alias(const Tensor& t) {
  const Tensor a = detach(t);
  a->weak = t->weak;
  a->requires_grad = t->requires_grad;
  a->node = t->node;
  a->output_index = t->output_index;
  a->places = t->places;
  a->logits = t->logits;
  a->logits_of = t->logits_of;
  a->logits_version = t->logits_version;
  return a;
}

const Ref<TensorImpl::Handle>& handle_of(const Tensor& t) {
  if (!t->handle) {
    t->handle = new TensorImpl::Handle;
    t->handle->tensor = t.get();
  }
  return t->handle;
}

void remember_logits(const Tensor& y, const Tensor& x, const char* function) {
  y->logits = x;
  if (x->logits) {  // without x's own logits, or the chain of them would never be freed
    y->logits = alias(x);
    y->logits->logits = nullptr;
  }
  y->logits_of = function;
  y->logits_version = y->storage->version() + x->storage->version();
}
Tensor logits_of(const TensorImpl& y) {
  if (!y.logits || y.logits_version != y.storage->version() + y.logits->storage->version()) return nullptr;
  return y.logits;
}

namespace {
std::atomic<uint64_t> moves{0};
std::atomic<uint64_t> epochs{0};
}  // namespace
void move_to(const Tensor& t, const Tensor& other) {
  t->storage = other->storage;
  t->offset = other->offset;
  t->channels_last = other->channels_last;
  moves.fetch_add(1, std::memory_order_relaxed);
  raise_epoch();
}
void take_shape(const Tensor& t, const Tensor& other, int others) {
  const int64_t room = t->storage->bytes() - t->offset * size_of(t->dtype);
  if (other->storage == t->storage) {
    t->offset = other->offset;
  } else if (other->bytes() <= room && t->storage->owned()) {  // that of an array stays as it is
    copy_bytes(t->device(), t->address(), other->device(), other->address(), other->bytes());
  } else {
    FASTDL_CHECK(t->use_count() <= 1 + others, RuntimeError, "a tensor of shape ", t->shape,
                 " that a recorded op reads can't ", "get the shape ", other->shape, " in place");
    t->storage = other->storage;
    t->storage->set_origin(nullptr);  // t owns it from now on
    t->offset = other->offset;
  }
  t->shape = other->shape;
  t->channels_last = other->channels_last;
  t->logits = nullptr;
  const int64_t begin = t->offset * size_of(t->dtype);
  t->storage->written(begin, begin + t->bytes());
  moves.fetch_add(1, std::memory_order_relaxed);
  raise_epoch();
}
uint64_t layout_version() { return moves.load(std::memory_order_relaxed); }
uint64_t epoch() { return epochs.load(std::memory_order_relaxed); }
void raise_epoch() { epochs.fetch_add(1, std::memory_order_relaxed); }

double item(const Tensor& t) {
  FASTDL_CHECK(t->numel() == 1, ScalarError, "item: expected a tensor with one element, got shape ", t->shape);
  alignas(8) char value[8];
  copy_bytes(cpu(), value, t->device(), t->address(), size_of(t->dtype));
  return dispatch_all(t->dtype, [&](auto zero) { return convert<double>(*reinterpret_cast<decltype(zero)*>(value)); });
}

}  // namespace fastdl
