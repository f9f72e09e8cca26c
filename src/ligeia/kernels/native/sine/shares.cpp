// The work of a call cut into shares. Compiled for the oldest processor.
#include "shares.h"

#include <string.h>

#include "../pool.h"

bool in_domain(const Plan* plan, const float* x, int64_t n) {
  const float reach = plan->variant->largest(x, n * plan->layers[0].in);
  for (int l = 0; l < plan->num_layers; l++) {
    const Layer& layer = plan->layers[l];
    if (!(layer.steepest * (l ? 1.f : reach) + layer.offset < plan->variant->largest_phase))
      return false;  // NaN is refused too
  }
  return true;
}

void pack(Plan* plan, const float* const* parameters) {
  run_shares(plan->num_shares, [&](int share) {
    for (int l = 0; l < plan->num_layers; l++) {
      plan->variant->pack(&plan->layers[l], parameters[2 * l], parameters[2 * l + 1], share, plan->num_shares);
    }
  });
}

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

void collect(const Plan* plan, float* const* gradients) {
  run_shares(plan->num_shares, [&](int share) {
    for (int l = 0; l < plan->num_layers; l++) {
      const Range rows = range(plan, share, plan->layers[l].out);
      plan->variant->collect(plan, l, static_cast<int>(rows.first), static_cast<int>(rows.first + rows.count),
                             gradients[2 * l], gradients[2 * l + 1]);
    }
  });
}

bool sum_squared_error(Plan* plan, const float* const* parameters, const float* x, const float* y, const float* weights,
                       int group, int64_t n, double* loss) {
  pack(plan, parameters);
  if (!in_domain(plan, x, n * group)) return false;
  const int d = plan->layers[0].in, c = plan->layers[plan->num_layers - 1].out;
  const float factor = 1.f / (static_cast<float>(n) * c);
  run_shares(plan->num_shares, [&](int share) {
    const Range part = range(plan, share, n);
    begin_sums(plan, plan->shares[share], part.count > 0);
    plan->variant->squared_error(plan, &plan->shares[share], x + part.first * group * d, y + part.first * c, weights,
                                 group, part.count, factor);
  });
  *loss = 0;
  for (int share = 0; share < plan->num_shares; share++) *loss += plan->shares[share].loss;
  return true;
}
