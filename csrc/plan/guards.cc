#include "plan/guards.h"

#include <cstring>

namespace fastdl {

SeenValues::SeenValues(const Tensor& t, int64_t most, std::string where)
    : storage_(t->storage),
      begin_(t->offset * size_of(t->dtype)),
      end_(begin_ + t->bytes()),
      shape_(t->shape),
      where_(std::move(where)) {
  settle();
  const char* data = static_cast<const char*>(storage_->data());
  if (end_ - begin_ <= most) bytes_.assign(data + begin_, data + end_);
}

void SeenValues::settle() {
  version_ = storage_->version();
  exports_ = storage_->exports();
}

bool SeenValues::is_same() const {
  return std::memcmp(static_cast<const char*>(storage_->data()) + begin_, bytes_.data(), bytes_.size()) == 0;
}

bool SeenValues::holds() {
  if (counted() && !storage_->exported() && exports_ == storage_->exports() &&
      !storage_->changed_since(version_, begin_, end_))
    return true;
  if (!copied() || !is_same()) return false;
  settle();
  return true;
}

}  // namespace fastdl
