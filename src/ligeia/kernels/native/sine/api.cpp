// The C interface of the fused sine network. Compiled for the oldest processor.
#include "../pool.h"
#include "plan.h"
#include "shares.h"

// parameters: weight and bias of each layer in turn
LIGEIA_API void ligeia_pack(Plan* plan, const float* const* parameters) { pack(plan, parameters); }

LIGEIA_API int ligeia_values(Plan* plan, const float* x, int64_t n, float* values) {
  if (!in_domain(plan, x, n)) return OUT_OF_DOMAIN;
  const int d = plan->layers[0].in, c = plan->layers[plan->num_layers - 1].out;
  run_shares(plan->num_shares, [&](int share) {
    const Range part = range(plan, share, n);
    plan->variant->values(plan, &plan->shares[share], x + part.first * d, part.count, values + part.first * c);
  });
  return DONE;
}

LIGEIA_API int ligeia_jacobian(Plan* plan, const float* x, int64_t n, float* values, float* jacobian) {
  if (!in_domain(plan, x, n)) return OUT_OF_DOMAIN;
  const int d = plan->layers[0].in, c = plan->layers[plan->num_layers - 1].out;
  run_shares(plan->num_shares, [&](int share) {
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
  run_shares(plan->num_shares, [&](int share) {
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
  run_shares(plan->num_shares, [&](int share) {
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
  run_shares(plan->num_shares, [&](int share) {
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
  run_shares(plan->num_shares, [&](int share) {
    for (int l = 0; l < plan->num_layers; l++) {
      float* const weight[3] = {parameters[2 * l], first[2 * l], second[2 * l]};
      float* const bias[3] = {parameters[2 * l + 1], first[2 * l + 1], second[2 * l + 1]};
      const Range rows = range(plan, share, plan->layers[l].out);
      plan->variant->adam(plan, l, static_cast<int>(rows.first), static_cast<int>(rows.first + rows.count), weight,
                          bias, adam);
    }
  });
  return DONE;
}
