// The sine network on one tile of points: all layers forward, then backward, with activations that stay in the cache.
// Compiled once per instruction set; see plan.h for the layout. Everything here is local to the object file.
//
// Weights are packed times omega, as the plain definition has them, so that a product gives the phase. Sine and cosine
// come from one reduction and two minimax polynomials, each to within one unit of the last place of 1.
#include "adam.h"
#include "coded.h"
#include "jet.h"
#include "pack.h"
#include "plan.h"
#include "tile.h"

namespace {

void values(const Plan* plan, Share* share, const float* x, int64_t n, float* out) {
  const int d = plan->layers[0].in, last = plan->num_layers - 1, c = plan->layers[last].out;
  each_tile(plan, n, 1, [&](int64_t start, int here, int points) {
    load_tile(plan, share->x, x + start * d, d, here, points);
    forward_tile<false>(plan, share, points);
    store_tile(plan, out + start * c, share->sine[last], c, here, c);
  });
}

void jacobian(const Plan* plan, Share* share, const float* x, int64_t n, float* out, float* slopes) {
  const int d = plan->layers[0].in, last = plan->num_layers - 1, c = plan->layers[last].out;
  each_tile(plan, n, 1, [&](int64_t start, int here, int points) {
    load_tile(plan, share->x, x + start * d, d, here, points);
    forward_tile<true>(plan, share, points);
    store_tile(plan, out + start * c, share->sine[last], c, here, c);
    for (int channel = 0; channel < c; channel++) {
      for (int column = 0; column < c; column++)
        for (int i = 0; i < points; i++)
          share->delta[0][(int64_t{column / NR} * plan->tile + i) * NR + column % NR] = column == channel;
      const float* slope = backward_tile(plan, share, points, 0, 1);
      store_tile(plan, slopes + (start * c + channel) * d, slope, d, here, int64_t{c} * d);
    }
  });
}

void backward(const Plan* plan, Share* share, const float* x, const float* grad, int64_t n, float* grad_x,
              int with_parameters) {
  const int d = plan->layers[0].in, c = plan->layers[plan->num_layers - 1].out;
  each_tile(plan, n, 1, [&](int64_t start, int here, int points) {
    load_tile(plan, share->x, x + start * d, d, here, points);
    forward_tile<true>(plan, share, points);
    load_tile(plan, share->delta[0], grad + start * c, c, here, points);
    const float* slope = backward_tile(plan, share, points, with_parameters, grad_x != nullptr);
    if (grad_x) store_tile(plan, grad_x + start * d, slope, d, here, d);
  });
}

void squared_error(const Plan* plan, Share* share, const float* x, const float* y, const float* weights, int group,
                   int64_t n, float factor) {
  const int d = plan->layers[0].in, last = plan->num_layers - 1, c = plan->layers[last].out;
  each_tile(plan, n, group, [&](int64_t start, int samples, int points) {
    const int here = samples * group;
    load_tile(plan, share->x, x + start * group * d, d, here, points);
    forward_tile<true>(plan, share, points);
    double loss = 0;
    for (int column = 0; column < c; column++) {
      const int64_t at = int64_t{column / NR} * plan->tile * NR + column % NR;
      const float* value = share->sine[last] + at;
      float* delta = share->delta[0] + at;
      for (int k = 0; k < samples; k++, value += group * NR, delta += group * NR) {
        float mean = 0;
        for (int i = 0; i < group; i++) mean += weights[i] * value[i * NR];
        const float error = mean - y[(start + k) * c + column];
        loss += static_cast<double>(error) * error;
        for (int i = 0; i < group; i++) delta[i * NR] = 2 * factor * error * weights[i];
      }
      for (int i = here; i < points; i++, delta += NR) *delta = 0;
    }
    share->loss += factor * loss;
    backward_tile(plan, share, points, 1, 0);
  });
}

double busy(int64_t rounds, int bfloat16) {
  Vector sums[MR][NV];
  UNROLL for (int i = 0; i < MR; i++) {
    UNROLL for (int j = 0; j < NV; j++) sums[i][j] = broadcast(static_cast<float>(i * NV + j));
  }
  Vector a = broadcast(0.999f), b = broadcast(1e-3f);
#if LIGEIA_HAS_BFLOAT16
  const __m512i a_pairs = reinterpret_cast<__m512i>(a), b_pairs = reinterpret_cast<__m512i>(b);
  for (int64_t k = 0; bfloat16 && k < rounds; k++) {
    UNROLL for (int i = 0; i < MR; i++) {
      UNROLL for (int j = 0; j < NV; j++) sums[i][j] = dot(sums[i][j], a_pairs, b_pairs);
    }
    __asm__ volatile("" : "+m"(rounds));
  }
#endif
  for (int64_t k = 0; !bfloat16 && k < rounds; k++) {
    UNROLL for (int i = 0; i < MR; i++) { UNROLL for (int j = 0; j < NV; j++) sums[i][j] = sums[i][j] * a + b; }
    __asm__ volatile("" : "+m"(rounds));
  }
  volatile float kept = 0;
  UNROLL for (int i = 0; i < MR; i++) { UNROLL for (int j = 0; j < NV; j++) kept = kept + sums[i][j][0]; }
  return 2.0 * static_cast<double>(rounds) * MR * NV * VW * (bfloat16 ? 2 : 1);
}

}  // namespace

const Variant LIGEIA_SINE_VARIANT = {
    NR,         LIGEIA_HAS_BFLOAT16, LARGEST_PHASE, pack,    values, jacobian,   backward,
    jet,        jet_backward,        squared_error, collect, adam,   coded_adam, orthogonalize,
    coded_muon, coded_values,        largest,       busy};
