// Devices: where a storage lies, and who computes there.
//
// The core knows the CPU. Any other device is registered from outside, by an extension module of its own that hands a
// DeviceTable over in a capsule; so the core and its wheel need nothing of that device's libraries. The addresses of a
// device's memory are used for arithmetic only: no code of the core reads or writes there.
#pragma once
#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "core/check.h"

namespace fastdl {

struct RunContext;
using RunFunction = void (*)(const RunContext&);

// An error of work that is under way on a device, raised when the program next waits for the device.
class ErrorSlot {
 public:
  void set(const char* message);           // from any thread; the first one stays
  void raise_pending(const char* device);  // RuntimeError, once

 private:
  std::atomic<bool> pending_{false};
  std::mutex mutex_;
  std::string message_;
};

// What a device's extension gives. Work may be asynchronous, in the order of the calls.
struct DeviceTable {
  const char* name;                  // "cuda:0"
  void* (*allocate)(int64_t bytes);  // null if there is no memory
  void (*release)(void* memory, int64_t bytes);
  void (*copy_in)(void* to, const void* host, int64_t bytes);     // `host` may change when it returns
  void (*copy_out)(void* host, const void* from, int64_t bytes);  // done when it returns
  void (*copy)(void* to, const void* from, int64_t bytes);
  void (*synchronize)();
  RunFunction (*run_of)(const char* op);  // null: the device has no function for this op
  // Called once: where work under way puts its errors.
  void (*errors_to)(ErrorSlot* slot, void (*set)(ErrorSlot*, const char* message));
};
// The name of the capsule. The number counts up when DeviceTable, RunContext, View or Op change.
inline constexpr char kDeviceCapsule[] = "fastdl.Device.2";

struct Device {
  std::string name;
  const DeviceTable* table = nullptr;  // null: the CPU
  mutable ErrorSlot errors;
  std::vector<RunFunction> runs;  // by the op's number; of the CPU: empty, ops have theirs
  bool is_cpu() const { return !table; }
  // Waits for all work on the device; RuntimeError if some of it failed.
  void synchronize() const;
};

const Device& cpu();
// ValueError for an unknown name, which lists the known ones.
const Device& device_named(const std::string& name);
std::vector<std::string> device_names();
// ValueError if the name is taken.
Device& add_device(const DeviceTable& table);

// Copies between any two places; a copy to the CPU is complete when this returns.
void copy_bytes(const Device& to_device, void* to, const Device& from_device, const void* from, int64_t bytes);

}  // namespace fastdl
