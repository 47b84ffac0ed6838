#include "core/cancel.h"

namespace fastdl {
namespace {
constinit thread_local const CancelFlag* watched = nullptr;
}  // namespace

Watch::Watch(const CancelFlag* flag) : before_(watched) { watched = flag; }
Watch::~Watch() { watched = before_; }
const CancelFlag* Watch::flag() { return watched; }

}  // namespace fastdl
