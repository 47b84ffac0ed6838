#include "ops/attrs.h"

namespace fastdl {

Attribute::Attribute(const char* n, const Value& v) : name(n), value(v) {}
Attribute::Attribute(const Attribute&) = default;
Attribute& Attribute::operator=(const Attribute&) = default;
Attribute::~Attribute() = default;

std::ostream& operator<<(std::ostream& s, const Attribute& a) {
  s << a.name << '=';
  std::visit(
      [&](const auto& v) {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, bool>) {
          s << (v ? "True" : "False");
        } else if constexpr (std::is_same_v<T, std::string>) {
          s << '\'' << v << '\'';
        } else if constexpr (std::is_same_v<T, std::vector<int64_t>>) {
          s << '[';
          for (size_t i = 0; i < v.size(); ++i) s << (i ? ", " : "") << v[i];
          s << ']';
        } else {
          s << v;
        }
      },
      a.value);
  return s;
}

}  // namespace fastdl
