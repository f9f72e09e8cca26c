// The library's threads. Compiled for the oldest processor.
#include "pool.h"

#include <stdint.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#ifdef _WIN32
#include <process.h>
static int process_number() { return _getpid(); }
#else
#include <unistd.h>
static int process_number() { return static_cast<int>(getpid()); }
#endif

#if LIGEIA_X86  // set by the build, together with the variants
#include <immintrin.h>
#endif

namespace {

// Subnormal numbers take a hundred times as long on some processors and say nothing here: flush them meanwhile.
struct FlushSubnormals {
#if LIGEIA_X86
  unsigned before = _mm_getcsr();
  FlushSubnormals() { _mm_setcsr(before | 0x8040); }
  ~FlushSubnormals() { _mm_setcsr(before); }
#elif defined(__aarch64__)
  uint64_t before;
  FlushSubnormals() {
    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    __asm__ volatile("msr fpcr, %0" : : "r"(before | (1u << 24)));
  }
  ~FlushSubnormals() { __asm__ volatile("msr fpcr, %0" : : "r"(before)); }
#endif
};

inline void pause() {
#if LIGEIA_X86
  _mm_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// Threads that wait for work by spinning for a moment, then asleep. Shares of a job are handed out one by one, so that
// a thread the system has put aside holds up its own share only; which thread does a share changes nothing.
class Pool {
 public:
  void run(int num_shares, const std::function<void(int)>& work) {
    std::unique_lock<std::mutex> alone(busy_, std::try_to_lock);
    if (num_shares < 2 || !alone.owns_lock()) {  // another caller has the threads: do it here
      FlushSubnormals flush;
      for (int share = 0; share < num_shares; share++) work(share);
      return;
    }
    // more threads than cores gain nothing, and each would wake for every later job
    static const int most = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
    try {
      while (static_cast<int>(threads_.size()) < std::min(num_shares, most) - 1) {
        const uint64_t seen = job_.load();
        threads_.emplace_back([this, seen] { wait_for_jobs(seen); });
      }
    } catch (...) {  // the threads there are, and this one, do all shares
    }
    work_ = &work;
    num_shares_ = num_shares;
    done_.store(0);
    next_.store(0);
    {
      std::lock_guard<std::mutex> lock(sleeping_);
      job_.fetch_add(1);
    }
    if (num_sleeping_.load()) wake_.notify_all();
    take_shares();
    for (int spins = 0; done_.load(std::memory_order_acquire) < num_shares;) {
      if (++spins < 4096)
        pause();
      else
        std::this_thread::yield();
    }
    // late threads find no share left; they must have left take_shares before the next job begins
    next_.store(CLOSED);
    while (inside_.load()) pause();
  }

 private:
  static constexpr int CLOSED = 1 << 30;

  void take_shares() {
    FlushSubnormals flush;
    for (;;) {
      const int share = next_.fetch_add(1);
      if (share >= num_shares_) return;
      (*work_)(share);
      done_.fetch_add(1, std::memory_order_release);
    }
  }

  void wait_for_jobs(uint64_t seen) {
    for (;;) {
      const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(200);
      while (job_.load(std::memory_order_acquire) == seen) {
        for (int spin = 0; spin < 64; spin++) pause();
        if (std::chrono::steady_clock::now() < until) continue;
        std::unique_lock<std::mutex> lock(sleeping_);
        num_sleeping_.fetch_add(1);
        wake_.wait(lock, [&] { return job_.load() != seen; });
        num_sleeping_.fetch_sub(1);
      }
      seen = job_.load();
      inside_.fetch_add(1);
      if (next_.load() < CLOSED) take_shares();
      inside_.fetch_sub(1);
    }
  }

  std::mutex busy_, sleeping_;
  std::condition_variable wake_;
  std::vector<std::thread> threads_;
  std::atomic<uint64_t> job_{0};
  std::atomic<int> num_sleeping_{0}, inside_{0}, next_{CLOSED}, done_{0};
  int num_shares_ = 0;
  const std::function<void(int)>* work_ = nullptr;
};

// Never destroyed: its threads may outlive main. A forked process makes its own: neither threads nor locks survive.
Pool& pool() {
  struct Owned {
    int process;
    Pool pool;
  };
  static std::atomic<Owned*> only{nullptr};
  Owned* found = only.load();
  while (!found || found->process != process_number()) {
    Owned* fresh = new Owned{process_number(), {}};
    if (only.compare_exchange_strong(found, fresh)) return fresh->pool;
    delete fresh;  // has no threads yet
  }
  return found->pool;
}

}  // namespace

void run_shares(int num_shares, const std::function<void(int)>& work) { pool().run(num_shares, work); }
