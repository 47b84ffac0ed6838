// Copies of parts of tensors (ops/views.h), whose reading and writing are in fastdl/_base/views.py.
#include "bind/convert.h"
#include "ops/views.h"

namespace fastdl {
namespace {

py::object views(const char* name) { return py::module_::import("fastdl._base.views").attr(name); }

// How a copy was made is the key of an index, or an object of views.py.
class PythonPart : public PartOf {
 public:
  PythonPart(const Tensor& original, const Tensor& copy, const py::object& how)
      : PartOf(original, copy), how(how.inc_ref()) {}
  ~PythonPart() override {
    if (!Py_IsInitialized()) return;  // the interpreter is gone, and the object with it
    py::gil_scoped_acquire gil;       // costs little where it is held
    how.dec_ref();
  }
  const py::handle how;

 protected:
  Tensor read(const Tensor& original) const override {
    PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<py::object> f;
    return f.call_once_and_store_result([] { return views("read"); }).get_stored()(original, how).cast<Tensor>();
  }
  void write(const Tensor& original, const Tensor& values) const override {
    PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<py::object> f;
    f.call_once_and_store_result([] { return views("write"); }).get_stored()(original, how, values);
  }
  bool writable() const override {
    PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<py::object> f;
    return f.call_once_and_store_result([] { return views("is_writable"); })
        .get_stored()(tuple_from(original_shape()), how)
        .cast<bool>();
  }
};

}  // namespace

Tensor note_part(const Tensor& copy, const Tensor& original, const py::object& how) {
  FASTDL_CHECK(copy && original, TypeError, "note_part: expected two tensors, got None");
  if (copy->storage == original->storage || copy->storage->origin()) return copy;
  copy->storage->set_origin(new PythonPart(original, copy, how));
  copy->is_part = true;
  return copy;
}

py::object part_and_how(const Tensor& t) {
  const PartOf* p = part_of(t);
  if (!p) return py::none();
  const py::handle how = static_cast<const PythonPart*>(p)->how;
  return py::make_tuple(p->original(), py::reinterpret_borrow<py::object>(how), tuple_from(p->shape()));
}

void settle_part(const Tensor& t) {
  if (PartOf* p = part_of(t)) p->settle();
}
void check_part(const Tensor& t, const char* who) {
  refresh_part(t);
  if (const PartOf* p = part_of(t)) p->check_writable(who);
}

}  // namespace fastdl
