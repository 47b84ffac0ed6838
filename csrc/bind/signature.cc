#include "bind/signature.h"

namespace fastdl {
namespace {

// The Python value of a default argument of that C++ type.
py::object value_of(std::string_view type, std::string_view text) {
  if (text == "nullptr" || text == "std::nullopt" || text == "{}") return py::none();
  if (text == "true" || text == "false") return py::bool_(text == "true");
  if (text.front() == '"') return py::str(std::string(text.substr(1, text.size() - 2)));
  const size_t scope = text.rfind("::");  // an enumerator
  if (scope != text.npos) return py::str(std::string(text.substr(scope + 2)));
  if (type == "double") return py::float_(std::stod(std::string(text)));
  return py::int_(std::stoll(std::string(text)));
}

std::string_view trimmed(std::string_view s) {
  const size_t first = s.find_first_not_of(" \n"), last = s.find_last_not_of(" \n");
  return first == s.npos ? std::string_view() : s.substr(first, last - first + 1);
}

}  // namespace

void Signature::read(const char* op, std::string_view list, const char* doc) {
  op_ = op;
  doc_ = std::string(op) + "(";
  list = list.substr(1, list.size() - 2);
  while (!list.empty()) {
    const size_t end = std::min(list.find(','), list.size());
    std::string_view one = trimmed(list.substr(0, end)), otherwise;
    list.remove_prefix(std::min(end + 1, list.size()));
    if (const size_t equals = one.find(" ="); equals != one.npos) {
      otherwise = trimmed(one.substr(equals + 2));
      one = trimmed(one.substr(0, equals));
    }
    const size_t before = one.find_last_of(" &");
    const std::string name(one.substr(before + 1));
    const std::string_view type = trimmed(one.substr(0, before));
    PyObject* word = PyUnicode_InternFromString(name.c_str());
    if (!word) throw py::error_already_set();
    if (!parameters_.empty()) doc_ += ", ";
    doc_ += name;
    py::object value;
    if (!otherwise.empty()) {
      value = value_of(type, otherwise);
      doc_ += "=" + std::string(py::repr(value));
    }
    parameters_.push_back({word, value.release().ptr()});  // kept for the life of the process
  }
  doc_ += std::string(")\n--\n\n") + doc;
}

size_t Signature::position_of(PyObject* keyword, size_t expected) const {
  const size_t n = parameters_.size();
  for (size_t k = 0; k < n; ++k) {
    const size_t i = expected + k < n ? expected + k : expected + k - n;
    if (parameters_[i].name == keyword) return i;
  }
  for (size_t i = 0; i < n; ++i)  // a name that is not interned
    if (PyUnicode_Compare(parameters_[i].name, keyword) == 0) return i;
  return n;
}

void Signature::arrange(PyObject** all, PyObject* const* values, Py_ssize_t count, PyObject* keywords) const {
  const size_t n = parameters_.size(), positional = size_t(count);
  FASTDL_CHECK(positional <= n, TypeError, op_, ": expected at most ", n, " arguments, got ", positional);
  for (size_t i = 0; i < n; ++i) all[i] = i < positional ? values[i] : nullptr;
  const Py_ssize_t given = keywords ? PyTuple_GET_SIZE(keywords) : 0;
  size_t next = positional < n ? positional : 0;  // keywords mostly come in the order of the parameters
  for (Py_ssize_t k = 0; k < given; ++k) {
    PyObject* word = PyTuple_GET_ITEM(keywords, k);
    const size_t i = position_of(word, next);
    if (i == n) {
      std::string known;
      for (size_t j = 0; j < n; ++j) known += (j ? ", " : "") + name(j);
      raise<TypeError>(op_, ": unknown argument '", std::string(py::str(word)), "'; possible: ", known);
    }
    FASTDL_CHECK(!all[i], TypeError, op_, ": argument '", name(i), "' is given twice");
    all[i] = values[count + k];
    next = i + 1 < n ? i + 1 : 0;
  }
  for (size_t i = 0; i < n; ++i) {
    if (all[i]) continue;
    FASTDL_CHECK(parameters_[i].otherwise, TypeError, op_, ": argument '", name(i), "' is missing");
    all[i] = parameters_[i].otherwise;
  }
}

}  // namespace fastdl
