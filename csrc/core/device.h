// Devices: where a storage lies and what computes there.
//
// The core knows the CPU. An extension module registers any other device: it passes a DeviceTable in a capsule, so the
// core and its wheel need none of that device's libraries. The core uses addresses of a device's memory for arithmetic
// only. It never reads or writes there.
#pragma once
#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "core/check.h"

namespace fastdl {

struct RunContext;
using RunFunction = void (*)(const RunContext&);

// Holds the error of asynchronous work on a device until the program next waits for the device.
class ErrorSlot {
 public:
  void set(const char* message);           // from any thread; keeps the first error
  void raise_pending(const char* device);  // throws RuntimeError, once

 private:
  std::atomic<bool> pending_{false};
  std::mutex mutex_;
  std::string message_;
};

// What a device's extension provides. Work may be asynchronous, but runs in the order of the calls.
struct DeviceTable {
  const char* name;                  // "cuda:0"
  void* (*allocate)(int64_t bytes);  // null if there is no memory
  void (*release)(void* memory, int64_t bytes);
  void (*copy_in)(void* to, const void* host, int64_t bytes);     // the caller may change `host` afterwards
  void (*copy_out)(void* host, const void* from, int64_t bytes);  // done when it returns
  void (*copy)(void* to, const void* from, int64_t bytes);
  void (*synchronize)();
  RunFunction (*run_of)(const char* op);  // null: the device has no function for this op
  // Called once. Asynchronous work reports its errors with set(slot, message).
  void (*errors_to)(ErrorSlot* slot, void (*set)(ErrorSlot*, const char* message));
};
// The name of the capsule. Its number rises when DeviceTable, RunContext, View or Op change.
inline constexpr char kDeviceCapsule[] = "fastdl.Device.2";

struct Device {
  std::string name;
  const DeviceTable* table = nullptr;  // null: the CPU
  mutable ErrorSlot errors;
  std::vector<RunFunction> runs;  // by op number; empty for the CPU, whose functions are in the op rows
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

// Copies between any two devices. A copy to the CPU is complete when this returns.
void copy_bytes(const Device& to_device, void* to, const Device& from_device, const void* from, int64_t bytes);

}  // namespace fastdl
