// The attributes of a call: a struct of the op's own, and the names of its fields.
#pragma once
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "core/dtype.h"
#include "core/ref.h"
#include "core/shape.h"

namespace fastdl {

// Any copyable struct. Small ones that are trivially copyable lie inline and cost no allocation. Others are copied
// once, and all copies of the Attrs share that constant copy.
class Attrs {
 public:
  Attrs() = default;
  template <class T>
    requires(!std::is_same_v<T, Attrs>)
  Attrs(const T& value) : size_(sizeof value) {  // NOLINT: implicit on purpose
    if constexpr (kInline<T>)
      std::memcpy(bytes_, &value, sizeof value);
    else
      shared_ = new Shared<T>(value);
  }
  template <class T>
  const T& as() const {
    FASTDL_CHECK(size_ == sizeof(T) || empty(), RuntimeError, "the attributes are of another op's type");
    if constexpr (kInline<T>)
      return *reinterpret_cast<const T*>(bytes_);
    else
      return static_cast<const Shared<T>*>(shared_.get())->value;
  }
  // If so, a struct that lies inline reads as zeros.
  bool empty() const { return !size_; }

 private:
  static constexpr size_t kInlineBytes = 176;
  template <class T>
  static constexpr bool kInline = std::is_trivially_copyable_v<T> && sizeof(T) <= kInlineBytes && alignof(T) <= 8;
  template <class T>
  struct Shared : RefCounted {
    explicit Shared(const T& v) : value(v) {}
    const T value;
  };
  size_t size_ = 0;
  Ref<RefCounted> shared_;
  alignas(8) unsigned char bytes_[kInlineBytes] = {};
};

// An attribute as name and value, for printing or translating a plan.
struct Attribute {
  using Value = std::variant<bool, int64_t, double, std::string, DType, Shape, std::vector<int64_t>>;
  Attribute(const char* name, const Value& value);  // out of line, since inlined lists of attributes are long
  Attribute(const Attribute&);
  Attribute& operator=(const Attribute&);
  ~Attribute();
  const char* name;
  Value value;
};
using Attributes = std::vector<Attribute>;

std::ostream& operator<<(std::ostream& s, const Attribute& a);

}  // namespace fastdl
