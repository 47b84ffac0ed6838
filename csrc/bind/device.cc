// Registers devices from extensions, and moves tensors between devices.
#include "bind/convert.h"

namespace fastdl {

void bind_device(py::module_& m) {
  m.def("register_device", [](const py::capsule& table) {
    void* pointer = PyCapsule_GetPointer(table.ptr(), kDeviceCapsule);
    if (!pointer) throw py::error_already_set();
    register_device(*static_cast<const DeviceTable*>(pointer));
  });
  m.def("device_names", &device_names);
  m.def("to_device", [](const Tensor& x, const std::string& name) { return to_device(x, device_named(name)); });
  m.def("synchronize", [](const std::string& name) {
    const Device& device = device_named(name);
    py::gil_scoped_release release;
    device.synchronize();
  });
}

}  // namespace fastdl
