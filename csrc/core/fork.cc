#include "core/fork.h"

#include <pthread.h>

#include <vector>

namespace fastdl {
namespace {

struct Handlers {
  std::mutex mutex;  // guards the lists below; locked first
  std::vector<std::pair<ForkRank, std::mutex*>> held;
  std::vector<void (*)()> in_child;
};

// Never destroyed: a process may fork while it exits.
Handlers& handlers() {
  static Handlers* h = [] {
    static Handlers* made = new Handlers;
    pthread_atfork(
        [] {
          made->mutex.lock();
          for (auto& [rank, mutex] : made->held) mutex->lock();
        },
        [] {
          for (auto it = made->held.rbegin(); it != made->held.rend(); ++it) it->second->unlock();
          made->mutex.unlock();
        },
        [] {
          for (auto it = made->held.rbegin(); it != made->held.rend(); ++it) it->second->unlock();
          made->mutex.unlock();
          for (void (*call)() : made->in_child) call();
        });
    return made;
  }();
  return *h;
}

}  // namespace

void hold_at_fork(ForkRank rank, std::mutex& mutex) {
  Handlers& h = handlers();
  std::lock_guard lock(h.mutex);
  auto place = h.held.begin();
  while (place != h.held.end() && place->first <= rank) ++place;
  h.held.insert(place, {rank, &mutex});
}

void after_fork_in_child(void (*call)()) {
  Handlers& h = handlers();
  std::lock_guard lock(h.mutex);
  h.in_child.push_back(call);
}

}  // namespace fastdl
