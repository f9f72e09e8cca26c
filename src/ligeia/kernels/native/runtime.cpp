// Processor dispatch, memory, threads and the C interface of the fused sine network. Compiled for the oldest processor.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#ifdef _WIN32
#include <process.h>
static int process_number() { return _getpid(); }
#else
#include <unistd.h>
static int process_number() { return (int)getpid(); }
#endif

#if LIGEIA_X86  // set by the build, together with the variants
#include <immintrin.h>
#endif

#include "plan.h"
#include "pool.h"

extern "C" {
extern const Variant ligeia_baseline;
#if LIGEIA_X86
extern const Variant ligeia_avx2, ligeia_avx512, ligeia_avx512_bf16;
#endif
}

namespace {

constexpr int ABI = 8;
enum Status { DONE = 0, OUT_OF_DOMAIN = 1 };
enum Path { BASELINE = 0, AVX2 = 1, AVX512 = 2, AVX512_BF16 = 3 };

const Variant* variant_of([[maybe_unused]] int path) {
#if LIGEIA_X86
  if (path == AVX2) return &ligeia_avx2;
  if (path == AVX512) return &ligeia_avx512;
  if (path == AVX512_BF16) return &ligeia_avx512_bf16;
#endif
  return &ligeia_baseline;
}

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
    try {
      while ((int)threads_.size() < num_shares - 1) {
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

// Hands out aligned pieces of one block; a first round with no block counts.
struct Arena {
  char* base = nullptr;
  size_t used = 0;
  template <class T>
  T* take(size_t count) {
    // whole cache lines, and one or two to spare between two pieces
    const size_t at = used;
    used += (count * sizeof(T) + 64 + 63) / 64 * 64 + 64;
    return base ? (T*)(base + at) : nullptr;
  }
};

void lay_out(Plan& plan, Arena& arena, const int* widths, const float* omegas, int bfloat16) {
  const int nr = plan.variant->panel, num_layers = plan.num_layers;
  const bool counting = arena.base == nullptr;
  Layer none;
  Layer* layers = arena.take<Layer>(num_layers);
  Share* shares = arena.take<Share>(plan.num_shares);
  if (!counting) plan.layers = layers, plan.shares = shares;
  auto panels = [nr](int columns) { return (size_t)((columns + nr - 1) / nr); };
  int widest = 1;
  for (int l = 0; l <= num_layers; l++) widest = std::max(widest, widths[l]);
  const size_t tile = (size_t)plan.tile * nr;
  for (int l = 0; l < num_layers; l++) {
    Layer& layer = counting ? none : layers[l];
    layer.in = widths[l];
    layer.out = widths[l + 1];
    layer.omega = omegas[l];
    layer.bfloat16 = bfloat16 && l > 0 && l + 1 < num_layers;
    layer.forward = arena.take<float>(panels(layer.out) * (layer.in + 1) * nr);
    layer.backward = arena.take<float>(panels(layer.in) * (layer.out + 1) * nr);
    layer.bias = arena.take<float>(panels(layer.out) * nr);
  }
  for (int s = 0; s < plan.num_shares; s++) {
    Share nobody;
    Share& share = counting ? nobody : shares[s];
    share.x = arena.take<float>(panels(widths[0]) * tile);
    share.sine = arena.take<float*>(num_layers);
    share.cosine = arena.take<float*>(num_layers);
    share.rows = arena.take<uint32_t*>(num_layers);
    share.pairs = arena.take<uint32_t*>(num_layers);
    share.weight_sum = arena.take<float*>(num_layers);
    share.bias_sum = arena.take<float*>(num_layers);
    for (int each = 0; each < 2; each++) {
      share.delta[each] = arena.take<float>(panels(widest) * tile);
      share.delta_rows[each] = bfloat16 ? arena.take<uint32_t>(panels(widest) * tile / 2) : nullptr;
      share.delta_pairs[each] = bfloat16 ? arena.take<uint32_t>(panels(widest) * tile / 2) : nullptr;
    }
    for (float*& square : share.square) square = arena.take<float>(panels(widest) * ((widest + 3) / 4 * 4) * nr);
    for (int l = 0; l < num_layers; l++) {
      const size_t size = panels(widths[l + 1]) * tile;
      float* sine = arena.take<float>(size);
      float* cosine = arena.take<float>(size);
      uint32_t* rows = bfloat16 ? arena.take<uint32_t>(size / 2) : nullptr;
      uint32_t* pairs = bfloat16 ? arena.take<uint32_t>(size / 2) : nullptr;
      float* weight_sum = arena.take<float>(panels(widths[l]) * ((widths[l + 1] + 3) / 4 * 4) * nr);
      float* bias_sum = arena.take<float>(panels(widths[l + 1]) * nr);
      if (counting) continue;
      share.sine[l] = sine;
      share.cosine[l] = cosine;
      share.rows[l] = rows;
      share.pairs[l] = pairs;
      share.weight_sum[l] = weight_sum;
      share.bias_sum[l] = bias_sum;
    }
  }
}

bool in_domain(const Plan* plan, const float* x, int64_t n) {
  const float reach = plan->variant->largest(x, n * plan->layers[0].in);
  for (int l = 0; l < plan->num_layers; l++) {
    const Layer& layer = plan->layers[l];
    if (!(layer.steepest * (l ? 1.f : reach) + layer.offset < plan->variant->largest_phase)) return false;  // NaN is refused too
  }
  return true;
}

void pack(Plan* plan, const float* const* parameters) {
  pool().run(plan->num_shares, [&](int share) {
    for (int l = 0; l < plan->num_layers; l++) {
      plan->variant->pack(&plan->layers[l], parameters[2 * l], parameters[2 * l + 1], share, plan->num_shares);
    }
  });
}

// points [first, last) of a share: alike for every run with as many shares
struct Range {
  int64_t first, count;
};
Range range(const Plan* plan, int share, int64_t n) {
  const int64_t first = n * share / plan->num_shares, last = n * (share + 1) / plan->num_shares;
  return {first, last - first};
}

void begin_sums(const Plan* plan, Share& share, bool has_points) {
  const int nr = plan->variant->panel;
  share.fresh = 1;
  share.loss = 0;
  for (int l = 0; l < plan->num_layers; l++) {
    const Layer& layer = plan->layers[l];
    memset(share.bias_sum[l], 0, sizeof(float) * ((layer.out + nr - 1) / nr * nr));
    if (!has_points)
      memset(share.weight_sum[l], 0, sizeof(float) * ((layer.in + nr - 1) / nr) * ((layer.out + 3) / 4 * 4) * nr);
  }
}

// the sums of all shares, as gradients of weight and bias of each layer in turn
void collect(const Plan* plan, float* const* gradients) {
  pool().run(plan->num_shares, [&](int share) {
    for (int l = 0; l < plan->num_layers; l++) {
      const Range rows = range(plan, share, plan->layers[l].out);
      plan->variant->collect(plan, l, (int)rows.first, (int)(rows.first + rows.count), gradients[2 * l],
                             gradients[2 * l + 1]);
    }
  });
}

// Leaves the gradient of the mean squared error in the shares' sums; false: a phase could leave the domain.
bool sum_squared_error(Plan* plan, const float* const* parameters, const float* x, const float* y,
                       const float* weights, int group, int64_t n, double* loss) {
  pack(plan, parameters);
  if (!in_domain(plan, x, n * group)) return false;
  const int d = plan->layers[0].in, c = plan->layers[plan->num_layers - 1].out;
  const float factor = 1.f / ((float)n * c);
  pool().run(plan->num_shares, [&](int share) {
    const Range part = range(plan, share, n);
    begin_sums(plan, plan->shares[share], part.count > 0);
    plan->variant->squared_error(plan, &plan->shares[share], x + part.first * group * d, y + part.first * c, weights,
                                 group, part.count, factor);
  });
  *loss = 0;
  for (int share = 0; share < plan->num_shares; share++) *loss += plan->shares[share].loss;
  return true;
}

}  // namespace

void run_shares(int num_shares, const std::function<void(int)>& work) { pool().run(num_shares, work); }

LIGEIA_API int ligeia_abi(void) { return ABI; }

// bit p: this processor can run path p
LIGEIA_API int ligeia_paths(void) {
  int paths = 1 << BASELINE;
#if LIGEIA_X86
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) paths |= 1 << AVX2;
  if ((paths & 1 << AVX2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
    paths |= 1 << AVX512;
  if ((paths & 1 << AVX512) && __builtin_cpu_supports("avx512bf16")) paths |= 1 << AVX512_BF16;
#endif
  return paths;
}

// The fastest of them. Dot products in bfloat16 run at twice the rate of float32 on AMD, at half of it on Intel.
LIGEIA_API int ligeia_preferred(void) {
  const int paths = ligeia_paths();
#if LIGEIA_X86
  if ((paths & 1 << AVX512_BF16) && __builtin_cpu_is("amd")) return AVX512_BF16;
#endif
  for (int path = AVX512; path > BASELINE; path--)
    if (paths & 1 << path) return path;
  return BASELINE;
}

LIGEIA_API Plan* ligeia_plan_new(int path, int num_layers, const int* widths, const float* omegas, int bfloat16,
                                 int tile, int num_shares) {
  Plan* plan = new (std::nothrow) Plan();
  if (!plan) return nullptr;
  plan->num_layers = num_layers;
  plan->tile = tile;
  plan->num_shares = num_shares;
  plan->variant = variant_of(path);
  bfloat16 = bfloat16 && plan->variant->has_bfloat16;
  Arena arena;
  lay_out(*plan, arena, widths, omegas, bfloat16);
  plan->memory = calloc(arena.used + 4096, 1);
  if (!plan->memory) {
    delete plan;
    return nullptr;
  }
  Arena real;
  real.base = (char*)(((uintptr_t)plan->memory + 4095) / 4096 * 4096);
  lay_out(*plan, real, widths, omegas, bfloat16);
  return plan;
}

LIGEIA_API void ligeia_plan_free(Plan* plan) {
  if (plan) free(plan->memory);
  delete plan;
}

// parameters: weight and bias of each layer in turn
LIGEIA_API void ligeia_pack(Plan* plan, const float* const* parameters) { pack(plan, parameters); }

LIGEIA_API int ligeia_values(Plan* plan, const float* x, int64_t n, float* values) {
  if (!in_domain(plan, x, n)) return OUT_OF_DOMAIN;
  const int d = plan->layers[0].in, c = plan->layers[plan->num_layers - 1].out;
  pool().run(plan->num_shares, [&](int share) {
    const Range part = range(plan, share, n);
    plan->variant->values(plan, &plan->shares[share], x + part.first * d, part.count, values + part.first * c);
  });
  return DONE;
}

LIGEIA_API int ligeia_jacobian(Plan* plan, const float* x, int64_t n, float* values, float* jacobian) {
  if (!in_domain(plan, x, n)) return OUT_OF_DOMAIN;
  const int d = plan->layers[0].in, c = plan->layers[plan->num_layers - 1].out;
  pool().run(plan->num_shares, [&](int share) {
    const Range part = range(plan, share, n);
    plan->variant->jacobian(plan, &plan->shares[share], x + part.first * d, part.count, values + part.first * c,
                            jacobian + part.first * c * d);
  });
  return DONE;
}

// grad_x and parameter_grads (weight and bias of each layer in turn) may be null
LIGEIA_API int ligeia_backward(Plan* plan, const float* x, const float* grad, int64_t n, float* grad_x,
                               float* const* parameter_grads) {
  if (!in_domain(plan, x, n)) return OUT_OF_DOMAIN;
  const int d = plan->layers[0].in, c = plan->layers[plan->num_layers - 1].out;
  pool().run(plan->num_shares, [&](int share) {
    const Range part = range(plan, share, n);
    begin_sums(plan, plan->shares[share], part.count > 0);
    plan->variant->backward(plan, &plan->shares[share], x + part.first * d, grad + part.first * c, part.count,
                            grad_x ? grad_x + part.first * d : nullptr, parameter_grads != nullptr);
  });
  if (parameter_grads) collect(plan, parameter_grads);
  return DONE;
}

// Values, slopes and curvatures at n points: streams of n rows each that follow each other, of inputs and of results.
LIGEIA_API int ligeia_jet(Plan* plan, const JetShape* shape, const float* streams, int64_t n, float* jets) {
  if (!in_domain(plan, streams, n)) return OUT_OF_DOMAIN;
  const int d = plan->layers[0].in, c = plan->layers[plan->num_layers - 1].out;
  pool().run(plan->num_shares, [&](int share) {
    const Range part = range(plan, share, n);
    plan->variant->jet(plan, &plan->shares[share], shape, streams + part.first * d, part.count, n,
                       jets + part.first * c);
  });
  return DONE;
}

// parameter_grads of a loss with these gradients along the jets: weight and bias of each layer in turn
LIGEIA_API int ligeia_jet_backward(Plan* plan, const JetShape* shape, const float* streams, const float* grads,
                                   int64_t n, float* const* parameter_grads) {
  if (!in_domain(plan, streams, n)) return OUT_OF_DOMAIN;
  const int d = plan->layers[0].in, c = plan->layers[plan->num_layers - 1].out;
  pool().run(plan->num_shares, [&](int share) {
    const Range part = range(plan, share, n);
    begin_sums(plan, plan->shares[share], part.count > 0);
    plan->variant->jet_backward(plan, &plan->shares[share], shape, streams + part.first * d, grads + part.first * c,
                                part.count, n);
  });
  collect(plan, parameter_grads);
  return DONE;
}

// One step of Adam on the mean squared error of n samples y, each the weighted sum of the values at `group` points, at
// most as many as a tile has. parameters, first and second moments: weight and bias of each layer in turn.
LIGEIA_API int ligeia_step(Plan* plan, float* const* parameters, float* const* first, float* const* second,
                           const float* x, const float* y, const float* weights, int group, int64_t n,
                           const AdamStep* adam, double* loss) {
  if (!sum_squared_error(plan, parameters, x, y, weights, group, n, loss)) return OUT_OF_DOMAIN;
  pool().run(plan->num_shares, [&](int share) {
    for (int l = 0; l < plan->num_layers; l++) {
      float* const weight[3] = {parameters[2 * l], first[2 * l], second[2 * l]};
      float* const bias[3] = {parameters[2 * l + 1], first[2 * l + 1], second[2 * l + 1]};
      const Range rows = range(plan, share, plan->layers[l].out);
      plan->variant->adam(plan, l, (int)rows.first, (int)(rows.first + rows.count), weight, bias, adam);
    }
  });
  return DONE;
}

// What is fitted of a network whose weights a file holds as multiples of steps. Each array of pointers and each of
// numbers has weight and bias of each layer in turn.
struct CodedFit {
  float* const* evaluated;
  float* const* weights;
  float* const* first;
  float* const* second;
  const float* steps;
  const float* thresholds;
  const float* prices;
  const float* muon_rates;
  const float* polynomials;
  double* slopes;      // the mean slopes of the errors along the steps are added to these
  double* adam;        // rate, eps, beta1, beta2
  int64_t num_steps;   // of Adam, taken before
  int rounded;
  int num_polynomials;
};

// As many steps, of Adam or Muon, as there are batches in n samples; at the end what is evaluated is rounded. Returns
// how many were taken: fewer if a phase could leave the domain. The loss is that of all n samples, of batches not
// taken 0.
LIGEIA_API int64_t ligeia_coded_steps(Plan* plan, const CodedFit* fit, const float* x, const float* y,
                                      const float* node_weights, int group, int64_t n, int64_t num_batches,
                                      double* loss) {
  const int num_layers = plan->num_layers, d = plan->layers[0].in, c = plan->layers[num_layers - 1].out;
  const double rate = fit->adam[0], eps = fit->adam[1], beta1 = fit->adam[2], beta2 = fit->adam[3];
  std::vector<double> slopes((size_t)plan->num_shares * 2 * num_layers);
  CodedStep step = {{(float)rate, (float)eps, (float)beta2, (float)(1 - beta1), (float)(1 - beta2), 1, 1},
                    fit->steps,
                    fit->thresholds,
                    fit->prices,
                    fit->muon_rates,
                    fit->polynomials,
                    fit->num_polynomials,
                    0,
                    0};
  const auto each_layer = [&](auto work) {
    uint32_t index = 0;
    for (int l = 0; l < num_layers; l++) {
      work(l, index);
      index += (uint32_t)(plan->layers[l].in + 1) * (uint32_t)plan->layers[l].out;
    }
  };
  const auto begin_step = [&](int64_t number, bool rounded) {
    step.adam.correction1 = (float)(1 - pow(beta1, (double)number));
    step.adam.correction2 = (float)(1 - pow(beta2, (double)number));
    step.key = (uint32_t)number * 0x85ebca6bu;
    step.rounded = rounded;
  };
  bool has_muon = false;
  for (int l = 0; l < num_layers; l++) has_muon = has_muon || fit->muon_rates[2 * l] != 0;
  *loss = 0;
  int64_t done = 0;
  begin_step(fit->num_steps, fit->rounded);
  each_layer([&](int l, uint32_t index) {
    const int64_t size = (int64_t)plan->layers[l].in * plan->layers[l].out;
    const auto evaluate = [&](int t, int64_t count, uint32_t first) {
      plan->variant->coded_values(fit->evaluated[t], fit->weights[t], count, t, first, &step);
    };
    evaluate(2 * l, size, index);
    evaluate(2 * l + 1, plan->layers[l].out, index + (uint32_t)size);
  });
  for (; done < num_batches; done++) {
    const int64_t first = n * done / num_batches, count = n * (done + 1) / num_batches - first;
    double error;
    if (!sum_squared_error(plan, fit->evaluated, x + first * group * d, y + first * c, node_weights, group, count,
                           &error))
      break;
    *loss += error * (double)count / (double)n;
    begin_step(fit->num_steps + done + 1, fit->rounded || done + 1 == num_batches);
    pool().run(plan->num_shares, [&](int share) {
      each_layer([&](int l, uint32_t index) {
        const auto tensor = [&](int t) {
          return std::array<float*, 4>{fit->evaluated[t], fit->weights[t], fit->first[t], fit->second[t]};
        };
        const auto weight = tensor(2 * l), bias = tensor(2 * l + 1);
        const Range rows = range(plan, share, plan->layers[l].out);
        plan->variant->coded_adam(plan, l, (int)rows.first, (int)(rows.first + rows.count), weight.data(), bias.data(),
                                  index, &step, slopes.data() + (size_t)share * 2 * num_layers);
      });
    });
    if (!has_muon) continue;
    pool().run(plan->num_shares, [&](int share) {
      int number = 0;
      for (int l = 0; l < num_layers; l++)
        if (fit->muon_rates[2 * l] != 0 && number++ % plan->num_shares == share)
          plan->variant->orthogonalize(plan, &plan->shares[share], l, &step);
    });
    pool().run(plan->num_shares, [&](int share) {
      each_layer([&](int l, uint32_t index) {
        if (fit->muon_rates[2 * l] == 0) return;
        const Range rows = range(plan, share, plan->layers[l].out);
        plan->variant->coded_muon(plan, l, (int)rows.first, (int)(rows.first + rows.count), fit->evaluated[2 * l],
                                  fit->weights[2 * l], index, &step);
      });
    });
  }
  for (size_t each = 0; each < slopes.size(); each++)
    fit->slopes[each % (2 * num_layers)] += slopes[each] / (double)num_batches;
  return done;
}

// Floating-point operations per second of multiply-adds that touch no memory: the machine's peak on this path.
LIGEIA_API double ligeia_peak(int path, int bfloat16, int num_threads, double seconds) {
  const Variant* variant = variant_of(path);
  std::vector<double> done(num_threads);
  const auto began = std::chrono::steady_clock::now();
  auto passed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count(); };
  pool().run(num_threads, [&](int share) {
    while (passed() < seconds) done[share] += variant->busy(100000, bfloat16 && variant->has_bfloat16);
  });
  double total = 0;
  for (double part : done) total += part;
  return total / passed();
}
