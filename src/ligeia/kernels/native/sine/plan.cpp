// The memory of a sine network and its threads, in one block. Compiled for the oldest processor.
#include "plan.h"

#include <stdlib.h>

#include <algorithm>
#include <new>

#include "../paths.h"
#include "../pool.h"

const Variant* variant_of([[maybe_unused]] int path) {
#if LIGEIA_X86
  if (path == AVX2) return &ligeia_avx2;
  if (path == AVX512) return &ligeia_avx512;
  if (path == AVX512_BF16) return &ligeia_avx512_bf16;
#endif
  return &ligeia_baseline;
}

namespace {

// Hands out aligned pieces of one block; a first round with no block counts.
struct Arena {
  char* base = nullptr;
  size_t used = 0;
  template <class T>
  T* take(size_t count) {
    // whole cache lines, and one or two to spare between two pieces
    const size_t at = used;
    used += (count * sizeof(T) + 64 + 63) / 64 * 64 + 64;
    return base ? reinterpret_cast<T*>(base + at) : nullptr;
  }
};

void lay_out(Plan& plan, Arena& arena, const int* widths, const float* omegas, int bfloat16) {
  const int nr = plan.variant->panel, num_layers = plan.num_layers;
  const bool counting = arena.base == nullptr;
  Layer none;
  Layer* layers = arena.take<Layer>(num_layers);
  Share* shares = arena.take<Share>(plan.num_shares);
  if (!counting) plan.layers = layers, plan.shares = shares;
  auto panels = [nr](int columns) { return static_cast<size_t>((columns + nr - 1) / nr); };
  int widest = 1;
  for (int l = 0; l <= num_layers; l++) widest = std::max(widest, widths[l]);
  const size_t tile = static_cast<size_t>(plan.tile) * nr;
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

}  // namespace

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
  real.base = reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(plan->memory) + 4095) / 4096 * 4096);
  lay_out(*plan, real, widths, omegas, bfloat16);
  return plan;
}

LIGEIA_API void ligeia_plan_free(Plan* plan) {
  if (plan) free(plan->memory);
  delete plan;
}
