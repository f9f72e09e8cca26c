// One tile of points: all layers forward, then backward.
#pragma once
#include "product.h"

namespace {

void load_tile(const Plan* plan, float* to, const float* from, int width, int n, int points) {
  for (int column = 0; column < width; column += NR, to += int64_t{plan->tile} * NR) {
    const int here = width - column < NR ? width - column : NR;
    for (int i = 0; i < points; i++)
      for (int j = 0; j < here; j++) to[i * NR + j] = i < n ? from[int64_t{i} * width + column + j] : 0.f;
  }
}

void store_tile(const Plan* plan, float* to, const float* from, int width, int n, int64_t row_stride) {
  for (int column = 0; column < width; column += NR, from += int64_t{plan->tile} * NR) {
    const int here = width - column < NR ? width - column : NR;
    for (int i = 0; i < n; i++)
      for (int j = 0; j < here; j++) to[i * row_stride + column + j] = from[i * NR + j];
  }
}

template <int FORMS>
void forward_layer(const Plan* plan, Share* share, int l, int points) {
  const Layer& layer = plan->layers[l];
  Forward kind = {layer.bias, layer.omega};
  Target to = {share->sine[l], share->cosine[l], share->rows[l], share->pairs[l]};
#if LIGEIA_HAS_BFLOAT16
  if (layer.bfloat16) {
    product<BFloat16, FORMS>(kind, share->rows[l - 1], reinterpret_cast<const uint32_t*>(layer.forward),
                             (layer.in + 1) / 2, layer.out, points, plan->tile, to);
    return;
  }
#endif
  product<Float32, FORMS>(kind, l ? share->sine[l - 1] : share->x, layer.forward, layer.in, layer.out, points,
                          plan->tile, to);
}

[[maybe_unused]] INLINE int next_is_bfloat16(const Plan* plan, int l) {
  return l + 1 < plan->num_layers && plan->layers[l + 1].bfloat16;
}

template <bool KEEP>
void forward_tile(const Plan* plan, Share* share, int points) {
  for (int l = 0; l < plan->num_layers; l++) {
    if (plan->layers[l].omega == 0) forward_layer<VALUES>(plan, share, l, points);
#if LIGEIA_HAS_BFLOAT16
    else if (next_is_bfloat16(plan, l))
      forward_layer<KEEP ? ROWS_BF16 | PAIRS_BF16 | COSINE : ROWS_BF16>(plan, share, l, points);
#endif
    else
      forward_layer<KEEP ? VALUES | COSINE : VALUES>(plan, share, l, points);
  }
}

// delta[now] to delta[1 - now], one layer down; l = 0 gives the gradient along x
void backward_layer(const Plan* plan, Share* share, int l, int now, int points, int with_parameters) {
  const Layer& layer = plan->layers[l];
  const int below = 1 - now;
  Backward kind = {nullptr, l && with_parameters ? share->bias_sum[l - 1] : nullptr};
  Target to = {share->delta[below], l ? share->cosine[l - 1] : nullptr, share->delta_rows[below],
               share->delta_pairs[below]};
#if LIGEIA_HAS_BFLOAT16
  const bool low = l && plan->layers[l - 1].bfloat16;
  if (layer.bfloat16) {
    const uint32_t* weights = reinterpret_cast<const uint32_t*>(layer.backward);
    const int count = (layer.out + 1) / 2;
    if (low)
      product<BFloat16, ROWS_BF16 | PAIRS_BF16>(kind, share->delta_rows[now], weights, count, layer.in, points,
                                                plan->tile, to);
    else
      product<BFloat16, VALUES>(kind, share->delta_rows[now], weights, count, layer.in, points, plan->tile, to);
    return;
  }
  if (low) {
    product<Float32, ROWS_BF16 | PAIRS_BF16>(kind, share->delta[now], layer.backward, layer.out, layer.in, points,
                                             plan->tile, to);
    return;
  }
#endif
  product<Float32, VALUES>(kind, share->delta[now], layer.backward, layer.out, layer.in, points, plan->tile, to);
}

void weight_layer(const Plan* plan, Share* share, int l, int now, int points) {
  const Layer& layer = plan->layers[l];
  const int64_t stride = int64_t{plan->tile} * NR;
#if LIGEIA_HAS_BFLOAT16
  if (layer.bfloat16) {
    outer_product<BFloat16>(layer, share->weight_sum[l], share->delta_pairs[now], share->pairs[l - 1], stride / 2,
                            points / 2, share->fresh);
    return;
  }
#endif
  outer_product<Float32>(layer, share->weight_sum[l], share->delta[now], l ? share->sine[l - 1] : share->x, stride,
                         points, share->fresh);
}

// share->delta[0] holds dL / d output; returns where dL / d x is, if it was asked for
float* backward_tile(const Plan* plan, Share* share, int points, int with_parameters, int with_x) {
  const int last = plan->num_layers - 1;
  const Layer& output = plan->layers[last];
  int now = 0;
  float* delta = share->delta[0];
  for (int column = 0; column < output.out; column += NR) {
    const int64_t at = int64_t{column / NR} * plan->tile * NR;
    const int here = output.out - column < NR ? output.out - column : NR;
    for (int j = 0; j < here; j++) {
      float sum = 0;
      for (int i = 0; i < points; i++) {
        float& d = delta[at + i * NR + j];
        if (output.omega != 0) d *= share->cosine[last][at + i * NR + j];
        sum += d;
      }
      if (with_parameters) share->bias_sum[last][column + j] += sum;
    }
  }
  for (int l = last; l >= 0; l--) {
    if (with_parameters) weight_layer(plan, share, l, now, points);
    if (l || with_x) backward_layer(plan, share, l, now, points, with_parameters);
    now = 1 - now;
  }
  if (with_parameters) share->fresh = 0;
  return share->delta[now];
}

// n samples of `group` points each, cut into tiles of whole samples; full ones hold a multiple of four points if they
// can
template <class Work>
INLINE void each_tile(const Plan* plan, int64_t n, int group, Work work) {
  if (n == 0) return;
  int unit = group % 4 == 0 ? 1 : group % 2 == 0 ? 2 : 4;
  if (unit * group > plan->tile) unit = 1;
  const int64_t most = plan->tile / group / unit * unit, tiles = (n + most - 1) / most;
  const int64_t size = ((n + tiles - 1) / tiles + unit - 1) / unit * unit;
  for (int64_t start = 0; start < n; start += size) {
    const int here = static_cast<int>(n - start < size ? n - start : size);
    work(start, here, multiple(here * group, 4));
  }
}

}  // namespace
