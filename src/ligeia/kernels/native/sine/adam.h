// The sums of gradients of all shares, and the steps of Adam that they make.
#pragma once
#include <string.h>

#include "numbers.h"
#include "plan.h"

namespace {

// the sum over shares of row `output`, inputs [column, column + here)
INLINE const float* summed(const Plan* plan, int l, int output, int column, float* room) {
  const int64_t at = (int64_t{column / NR} * multiple(plan->layers[l].out, 4) + output) * NR;
  if (plan->num_shares == 1) return plan->shares[0].weight_sum[l] + at;
  for (int j = 0; j < NV; j++) {
    Vector sum = load(plan->shares[0].weight_sum[l] + at + j * VW);
    for (int s = 1; s < plan->num_shares; s++) sum = sum + load(plan->shares[s].weight_sum[l] + at + j * VW);
    store(room + j * VW, sum);
  }
  return room;
}

INLINE float summed_bias(const Plan* plan, int l, int output) {
  float sum = plan->shares[0].bias_sum[l][output];
  for (int s = 1; s < plan->num_shares; s++) sum += plan->shares[s].bias_sum[l][output];
  return sum;
}

void collect(const Plan* plan, int l, int first, int last, float* weight_grad, float* bias_grad) {
  const int in = plan->layers[l].in;
  float room[NR];
  for (int o = first; o < last; o++) {
    for (int column = 0; column < in; column += NR) {
      const int here = in - column < NR ? in - column : NR;
      memcpy(weight_grad + int64_t{o} * in + column, summed(plan, l, o, column, room), here * sizeof(float));
    }
    bias_grad[o] = summed_bias(plan, l, o);
  }
}

// Kingma & Ba 2015, alg. 1, in the order of torch.optim.Adam
INLINE void adam_values(float* value, float* first, float* second, const float* grad, int n, const AdamStep& s) {
  const float size = s.rate / s.correction1, scale = 1 / root(s.correction2);
  for (int i = 0; i < n; i++) {
    const float g = grad[i];
    const float m = first[i] + s.rest1 * (g - first[i]);
    const float v = s.beta2 * second[i] + s.rest2 * g * g;
    first[i] = m;
    second[i] = v;
    value[i] -= size * m / (root(v) * scale + s.eps);
  }
}

void adam(const Plan* plan, int l, int first, int last, float* const* weight, float* const* bias,
          const AdamStep* step) {
  const int in = plan->layers[l].in;
  float room[NR];
  for (int o = first; o < last; o++) {
    for (int column = 0; column < in; column += NR) {
      const int64_t at = int64_t{o} * in + column;
      const float* grad = summed(plan, l, o, column, room);
      if (in - column >= NR)
        adam_values(weight[0] + at, weight[1] + at, weight[2] + at, grad, NR, *step);
      else
        adam_values(weight[0] + at, weight[1] + at, weight[2] + at, grad, in - column, *step);
    }
    const float grad = summed_bias(plan, l, o);
    adam_values(bias[0] + o, bias[1] + o, bias[2] + o, &grad, 1, *step);
  }
}

}  // namespace
