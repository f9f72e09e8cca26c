// What this processor can run, and how fast it could be. Compiled for the oldest processor.
#include "paths.h"

#include <chrono>
#include <vector>

#include "pool.h"
#include "sine/plan.h"

static constexpr int ABI = 10;

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

// Floating-point operations per second of multiply-adds that touch no memory: the machine's peak on this path.
LIGEIA_API double ligeia_peak(int path, int bfloat16, int num_threads, double seconds) {
  const Variant* variant = variant_of(path);
  std::vector<double> done(num_threads);
  const auto began = std::chrono::steady_clock::now();
  auto passed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count(); };
  run_shares(num_threads, [&](int share) {
    while (passed() < seconds) done[share] += variant->busy(100000, bfloat16 && variant->has_bfloat16);
  });
  double total = 0;
  for (double part : done) total += part;
  return total / passed();
}
