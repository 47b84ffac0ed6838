// Locks and forks. A child has one thread: a mutex that another thread held would stay locked for ever in it.
#pragma once
#include <functional>
#include <mutex>

namespace fastdl {

// Holds the mutex across every fork, so that the child finds it free and what it guards whole. For short sections that
// need neither the interpreter's lock nor a mutex of a lower rank. Mutexes are taken by rising rank.
enum class ForkRank { derived_values, plans, watched_storages, storage_cache };
void hold_at_fork(ForkRank rank, std::mutex& mutex);

// Called in the child after each fork, when all such mutexes are free again.
void after_fork_in_child(void (*call)());

}  // namespace fastdl
