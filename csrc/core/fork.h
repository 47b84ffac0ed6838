// Locks across forks. A child has one thread, so a mutex that another thread held would stay locked forever.
#pragma once
#include <functional>
#include <mutex>

namespace fastdl {

// Holds the mutex across every fork, so that the child finds it free and its data consistent. Only for short critical
// sections that take neither the GIL nor a mutex of a lower rank. Mutexes are locked in rising rank.
enum class ForkRank { derived_values, plans, watched_storages, storage_cache };
void hold_at_fork(ForkRank rank, std::mutex& mutex);

// Registers a function to call in the child after each fork, once these mutexes are free.
void after_fork_in_child(void (*call)());

}  // namespace fastdl
