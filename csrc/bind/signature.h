// The arguments that Python may pass to an op: the parameters of its row in ops.inc, read from their text.
#pragma once
#include <string>
#include <vector>

#include "bind/convert.h"

namespace fastdl {

class Signature {
 public:
  // `parameters` is "(const Tensor& x, int64_t axis = -1)". Called once, at import.
  void read(const char* op, std::string_view parameters, const char* doc);

  // all[i] = the value of parameter i, borrowed: one of `values`, which are `count` positional ones followed by those
  // of `keywords` (a tuple of names, or null), or the default. TypeError that names the op and the argument.
  void arrange(PyObject** all, PyObject* const* values, Py_ssize_t count, PyObject* keywords) const;

  const char* op() const { return op_; }
  std::string name(size_t i) const { return py::str(parameters_[i].name); }
  // The docstring; its first line is what inspect.signature reads.
  const char* doc() const { return doc_.c_str(); }

 private:
  struct Parameter {
    PyObject* name;       // interned, as the names in a call are
    PyObject* otherwise;  // the default; null: required
  };
  size_t position_of(PyObject* keyword, size_t expected) const;

  const char* op_ = nullptr;
  std::vector<Parameter> parameters_;
  std::string doc_;
};

}  // namespace fastdl
