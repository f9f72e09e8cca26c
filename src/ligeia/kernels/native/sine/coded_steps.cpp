// The C interface of fits whose weights a file holds as multiples of steps. Compiled for the oldest processor.
#include <math.h>

#include <array>
#include <vector>

#include "../pool.h"
#include "plan.h"
#include "shares.h"

namespace {

// work(layer, index): which layer, and the number of its first weight among all weights and biases
template <class Work>
void each_layer(const Plan* plan, const Work& work) {
  uint32_t index = 0;
  for (int l = 0; l < plan->num_layers; l++) {
    work(l, index);
    index += static_cast<uint32_t>(plan->layers[l].in + 1) * static_cast<uint32_t>(plan->layers[l].out);
  }
}

CodedStep settings_of(const CodedFit* fit) {
  CodedStep step = {};
  step.adam.rate = static_cast<float>(fit->rate);
  step.adam.eps = static_cast<float>(fit->eps);
  step.adam.beta2 = static_cast<float>(fit->beta2);
  step.adam.rest1 = static_cast<float>(1 - fit->beta1);
  step.adam.rest2 = static_cast<float>(1 - fit->beta2);
  step.steps = fit->steps;
  step.prices = fit->prices;
  step.muon_rates = fit->muon_rates;
  step.polynomials = fit->polynomials;
  step.num_polynomials = fit->num_polynomials;
  return step;
}

// what changes from step to step
void begin_step(const CodedFit* fit, int64_t number, bool rounded, CodedStep* step) {
  step->adam.correction1 = static_cast<float>(1 - pow(fit->beta1, static_cast<double>(number)));
  step->adam.correction2 = static_cast<float>(1 - pow(fit->beta2, static_cast<double>(number)));
  step->key = static_cast<uint32_t>(number) * 0x85ebca6bu;
  step->rounded = rounded;
}

void evaluate(const Plan* plan, const CodedFit* fit, const CodedStep* step) {
  each_layer(plan, [&](int l, uint32_t index) {
    const int64_t size = int64_t{plan->layers[l].in} * plan->layers[l].out;
    const auto values = [&](int tensor, int64_t count, uint32_t first) {
      plan->variant->coded_values(fit->evaluated[tensor], fit->weights[tensor], count, tensor, first, step);
    };
    values(2 * l, size, index);
    values(2 * l + 1, plan->layers[l].out, index + static_cast<uint32_t>(size));
  });
}

void take_adam(const Plan* plan, const CodedFit* fit, const CodedStep* step, double* slopes) {
  run_shares(plan->num_shares, [&](int share) {
    each_layer(plan, [&](int l, uint32_t index) {
      const auto tensor = [&](int t) {
        return std::array<float*, 4>{fit->evaluated[t], fit->weights[t], fit->first[t], fit->second[t]};
      };
      const auto weight = tensor(2 * l), bias = tensor(2 * l + 1);
      const Range rows = range(plan, share, plan->layers[l].out);
      plan->variant->coded_adam(plan, l, static_cast<int>(rows.first), static_cast<int>(rows.first + rows.count),
                                weight.data(), bias.data(), index, step,
                                slopes + int64_t{share} * 2 * plan->num_layers);
    });
  });
}

void take_muon(const Plan* plan, const CodedFit* fit, const CodedStep* step) {
  run_shares(plan->num_shares, [&](int share) {
    int number = 0;
    for (int l = 0; l < plan->num_layers; l++)
      if (fit->muon_rates[2 * l] != 0 && number++ % plan->num_shares == share)
        plan->variant->orthogonalize(plan, &plan->shares[share], l, step);
  });
  run_shares(plan->num_shares, [&](int share) {
    each_layer(plan, [&](int l, uint32_t index) {
      if (fit->muon_rates[2 * l] == 0) return;
      const Range rows = range(plan, share, plan->layers[l].out);
      plan->variant->coded_muon(plan, l, static_cast<int>(rows.first), static_cast<int>(rows.first + rows.count),
                                fit->evaluated[2 * l], fit->weights[2 * l], index, step);
    });
  });
}

}  // namespace

// As many steps, of Adam or Muon, as there are batches in n samples; at the end what is evaluated is rounded. Returns
// how many were taken: fewer if a phase could leave the domain. The loss is that of all n samples, of batches not
// taken 0.
LIGEIA_API int64_t ligeia_coded_steps(Plan* plan, const CodedFit* fit, const float* x, const float* y,
                                      const float* node_weights, int group, int64_t n, int64_t num_batches,
                                      double* loss) {
  const int num_tensors = 2 * plan->num_layers;
  const int d = plan->layers[0].in, c = plan->layers[plan->num_layers - 1].out;
  std::vector<double> slopes(static_cast<size_t>(plan->num_shares) * num_tensors);
  CodedStep step = settings_of(fit);
  bool has_muon = false;
  for (int l = 0; l < plan->num_layers; l++) has_muon = has_muon || fit->muon_rates[2 * l] != 0;
  *loss = 0;
  begin_step(fit, fit->num_steps, fit->rounded, &step);
  evaluate(plan, fit, &step);
  int64_t done = 0;
  for (; done < num_batches; done++) {
    const int64_t first = n * done / num_batches, count = n * (done + 1) / num_batches - first;
    double error;
    if (!sum_squared_error(plan, fit->evaluated, x + first * group * d, y + first * c, node_weights, group, count,
                           &error))
      break;
    *loss += error * static_cast<double>(count) / static_cast<double>(n);
    begin_step(fit, fit->num_steps + done + 1, fit->rounded || done + 1 == num_batches, &step);
    take_adam(plan, fit, &step, slopes.data());
    if (has_muon) take_muon(plan, fit, &step);
  }
  for (size_t each = 0; each < slopes.size(); each++)
    fit->slopes[each % num_tensors] += slopes[each] / static_cast<double>(num_batches);
  return done;
}
