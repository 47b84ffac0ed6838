#include "bind/convert.h"
namespace fastdl {
void bind_plan(py::module_&) {}
}  // namespace fastdl
