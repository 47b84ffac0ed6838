#include "core/device.h"

#include <cstring>
#include <deque>

namespace fastdl {
namespace {

struct Registry {
  std::mutex mutex;
  std::deque<Device> devices;  // a deque keeps addresses valid
};
// Never destroyed: storages may be released while the process exits.
Registry& registry() {
  static Registry* r = new Registry;
  return *r;
}

}  // namespace

void ErrorSlot::set(const char* message) {
  std::lock_guard lock(mutex_);
  if (pending_) return;
  message_ = message;
  pending_ = true;
}
void ErrorSlot::raise_pending(const char* device) {
  if (!pending_) return;
  std::lock_guard lock(mutex_);
  pending_ = false;
  raise<RuntimeError>(device, ": ", message_);
}

void Device::synchronize() const {
  if (is_cpu()) return;
  table->synchronize();
  errors.raise_pending(name.c_str());
}

const Device& cpu() {
  static const Device* device = [] {
    auto* d = new Device;
    d->name = "cpu";
    return d;
  }();
  return *device;
}

std::vector<std::string> device_names() {
  Registry& r = registry();
  std::lock_guard lock(r.mutex);
  std::vector<std::string> names{cpu().name};
  for (const Device& d : r.devices) names.push_back(d.name);
  return names;
}

const Device& device_named(const std::string& name) {
  if (name == cpu().name) return cpu();
  {
    Registry& r = registry();
    std::lock_guard lock(r.mutex);
    for (const Device& d : r.devices)
      if (d.name == name) return d;
  }
  std::string known;
  for (const std::string& n : device_names()) known += (known.empty() ? "'" : ", '") + n + "'";
  raise<ValueError>("unknown device '", name, "'; possible: ", known);
}

Device& add_device(const DeviceTable& table) {
  for (const std::string& n : device_names())
    FASTDL_CHECK(n != table.name, ValueError, "a device named '", n, "' is already registered");
  Registry& r = registry();
  std::lock_guard lock(r.mutex);
  Device& d = r.devices.emplace_back();
  d.name = table.name;
  d.table = &table;
  if (table.errors_to) table.errors_to(&d.errors, [](ErrorSlot* slot, const char* message) { slot->set(message); });
  return d;
}

void copy_bytes(const Device& to_device, void* to, const Device& from_device, const void* from, int64_t bytes) {
  if (!bytes) return;
  if (to_device.is_cpu() && from_device.is_cpu()) {
    std::memmove(to, from, size_t(bytes));
  } else if (from_device.is_cpu()) {
    to_device.table->copy_in(to, from, bytes);
  } else if (to_device.is_cpu()) {
    from_device.table->copy_out(to, from, bytes);
    from_device.errors.raise_pending(from_device.name.c_str());
  } else if (&to_device == &from_device) {
    to_device.table->copy(to, from, bytes);
  } else {
    std::vector<char> host(static_cast<size_t>(bytes));
    copy_bytes(cpu(), host.data(), from_device, from, bytes);
    copy_bytes(to_device, to, cpu(), host.data(), bytes);
  }
}

}  // namespace fastdl
