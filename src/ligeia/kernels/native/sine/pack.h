// Weights into the order of the inner loops.
#pragma once
#include <string.h>

#include "numbers.h"
#include "plan.h"

namespace {

INLINE void pack_forward(Layer* layer, const float* weight, const float* bias, int panel, float scale) {
  const int in = layer->in, first = panel * NR;
  const int here = layer->out - first < NR ? layer->out - first : NR;
  for (int j = 0; j < here; j++) layer->bias[first + j] = bias[first + j] * scale;
#if LIGEIA_HAS_BFLOAT16
  if (layer->bfloat16) {
    uint32_t* to = reinterpret_cast<uint32_t*>(layer->forward) + int64_t{panel} * ((in + 1) / 2) * NR;
    for (int j = 0; j < here; j++) {
      const float* row = weight + int64_t{first + j} * in;
      int k = 0;
      for (; k + 32 <= in; k += 32) {
        uint32_t pairs[16];
        _mm512_storeu_si512(pairs, rounded(load(row + k) * scale, load(row + k + 16) * scale));
        for (int each = 0; each < 16; each++) to[int64_t{k / 2 + each} * NR + j] = pairs[each];
      }
      for (; k < in; k += 2) {
        uint32_t pairs[16];
        const float odd = k + 1 < in ? row[k + 1] : 0.f;
        _mm512_storeu_si512(pairs, interleaved(broadcast(row[k] * scale), broadcast(odd * scale)));
        to[int64_t{k / 2} * NR + j] = pairs[0];
      }
    }
    return;
  }
#endif
  float* to = layer->forward + int64_t{panel} * in * NR;
  int j = 0;
#if __has_builtin(__builtin_shufflevector)  // GCC 12
  typedef float Four __attribute__((vector_size(16)));
  typedef float LooseFour __attribute__((vector_size(16), aligned(4)));
  for (; j + 4 <= here; j += 4) {  // 4 x 4 at a time: scattered stores take three times as long
    const float* row = weight + int64_t{first + j} * in;
    int k = 0;
    for (; k + 4 <= in; k += 4) {
      const Four a = *reinterpret_cast<const LooseFour*>(row + k) * scale;
      const Four b = *reinterpret_cast<const LooseFour*>(row + in + k) * scale;
      const Four c = *reinterpret_cast<const LooseFour*>(row + 2 * in + k) * scale;
      const Four d = *reinterpret_cast<const LooseFour*>(row + 3 * in + k) * scale;
      const Four ab0 = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab1 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
      const Four cd0 = __builtin_shufflevector(c, d, 0, 4, 1, 5), cd1 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
      float* at = to + int64_t{k} * NR + j;
      *reinterpret_cast<LooseFour*>(at) = __builtin_shufflevector(ab0, cd0, 0, 1, 4, 5);
      *reinterpret_cast<LooseFour*>(at + NR) = __builtin_shufflevector(ab0, cd0, 2, 3, 6, 7);
      *reinterpret_cast<LooseFour*>(at + 2 * NR) = __builtin_shufflevector(ab1, cd1, 0, 1, 4, 5);
      *reinterpret_cast<LooseFour*>(at + 3 * NR) = __builtin_shufflevector(ab1, cd1, 2, 3, 6, 7);
    }
    for (; k < in; k++)
      for (int each = 0; each < 4; each++) to[int64_t{k} * NR + j + each] = row[int64_t{each} * in + k] * scale;
  }
#endif
  for (; j < here; j++)
    for (int k = 0; k < in; k++) to[int64_t{k} * NR + j] = weight[int64_t{first + j} * in + k] * scale;
}

INLINE void pack_backward(Layer* layer, const float* weight, int panel) {
  const int in = layer->in, out = layer->out, first = panel * NR;
  const int here = in - first < NR ? in - first : NR;
#if LIGEIA_HAS_BFLOAT16
  if (layer->bfloat16) {
    uint32_t* to = reinterpret_cast<uint32_t*>(layer->backward) + int64_t{panel} * ((out + 1) / 2) * NR;
    for (int o = 0; o < out; o += 2, to += NR) {
      float even[NR] = {}, odd[NR] = {};
      memcpy(even, weight + int64_t{o} * in + first, here * sizeof(float));
      if (o + 1 < out) memcpy(odd, weight + int64_t{o + 1} * in + first, here * sizeof(float));
      for (int j = 0; j < NV; j++)
        _mm512_storeu_si512(to + j * VW, interleaved(load(even + j * VW), load(odd + j * VW)));
    }
    return;
  }
#endif
  float* to = layer->backward + int64_t{panel} * out * NR;
  for (int o = 0; o < out; o++, to += NR) {
    const float* from = weight + int64_t{o} * in + first;
    if (here == NR)
      for (int j = 0; j < NV; j++) store(to + j * VW, load(from + j * VW));
    else
      memcpy(to, from, here * sizeof(float));
  }
}

// largest absolute value; NaN counts as larger than infinity
INLINE float largest(const float* x, int64_t n) {
  Bits found = {};
  int64_t i = 0;
  for (; i + VW <= n; i += VW) {
    const Bits bits = bits_of(load(x + i)) & 0x7fffffff;
    found = bits > found ? bits : found;
  }
  int32_t most = 0;
  for (int j = 0; j < VW; j++) most = found[j] > most ? found[j] : most;
  for (; i < n; i++) {
    int32_t bits;
    memcpy(&bits, x + i, sizeof(bits));
    bits &= 0x7fffffff;
    most = bits > most ? bits : most;
  }
  float result;
  memcpy(&result, &most, sizeof(result));
  return result;
}

void pack(Layer* layer, const float* weight, const float* bias, int share, int num_shares) {
  const int panels = multiple(layer->out, NR) / NR, panels_in = multiple(layer->in, NR) / NR;
  const float scale = layer->omega == 0 ? 1.f : layer->omega;
  for (int each = share; each < panels + panels_in; each += num_shares) {
    if (each < panels)
      pack_forward(layer, weight, bias, each, scale);
    else
      pack_backward(layer, weight, each - panels);
  }
  if (share > 0 || layer->omega == 0) return;  // nothing is asked of a linear layer
  layer->steepest = layer->in * largest(weight, int64_t{layer->in} * layer->out) * scale;
  layer->offset = largest(bias, layer->out) * scale;
}

}  // namespace
