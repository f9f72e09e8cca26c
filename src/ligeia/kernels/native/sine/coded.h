// Weights that a file holds as multiples of a step: noise or rounding, prices, Adam and Muon.
#pragma once
#include "adam.h"
#include "product.h"

namespace {

void coded_values(float* values, const float* weights, int64_t n, int tensor, uint32_t index, const CodedStep* s) {
  const float magic = 12582912.f, step = s->steps[tensor];
  const uint32_t key = s->key + index * 0x9e3779b9u;
  if (s->rounded) {
    for (int64_t i = 0; i < n; i++) values[i] = ((weights[i] / step + magic) - magic) * step;
    return;
  }
  for (int64_t i = 0; i < n; i++) {
    const uint32_t drawn = scrambled(static_cast<uint32_t>(i) * 0x9e3779b9u + key) >> 8;
    values[i] = weights[i] + (static_cast<float>(static_cast<int32_t>(drawn)) * 5.9604644775390625e-08f - 0.5f) * step;
  }
}

// gradients with their price into the moments
INLINE void coded_moments(const float* values, const float* weights, float* first, float* second, const float* grad,
                          float* priced, int n, float price, float* offsets, const AdamStep& s) {
  for (int i = 0; i < n; i++) {
    offsets[i] += grad[i] * (values[i] - weights[i]);
    const float g = grad[i] + price * weights[i];
    first[i] = first[i] + s.rest1 * (g - first[i]);
    second[i] = s.beta2 * second[i] + s.rest2 * g * g;
    priced[i] = g;
  }
}

INLINE void adam_move(float* value, const float* first, const float* second, int n, const AdamStep& s) {
  const float size = s.rate / s.correction1, scale = 1 / root(s.correction2);
  for (int i = 0; i < n; i++) value[i] -= size * first[i] / (root(second[i]) * scale + s.eps);
}

void coded_adam(const Plan* plan, int l, int first, int last, float* const* weight, float* const* bias, uint32_t index,
                const CodedStep* step, double* slopes) {
  const int in = plan->layers[l].in, t = 2 * l, outputs = multiple(plan->layers[l].out, 4);
  const uint32_t bias_index = index + static_cast<uint32_t>(in) * static_cast<uint32_t>(plan->layers[l].out);
  const AdamStep& s = step->adam;
  float room[NR], priced[NR], sums[NR] = {}, bias_sum = 0;
  for (int o = first; o < last; o++) {
    for (int column = 0; column < in; column += NR) {
      const int64_t at = int64_t{o} * in + column;
      const float* grad = summed(plan, l, o, column, room);
      const int here = in - column >= NR ? NR : in - column;
      coded_moments(weight[0] + at, weight[1] + at, weight[2] + at, weight[3] + at, grad, priced, here, step->prices[t],
                    sums, s);
      if (step->muon_rates[t] == 0) {
        adam_move(weight[1] + at, weight[2] + at, weight[3] + at, here, s);
      } else {  // Nesterov's momentum, where the sums of gradients were
        float* to = plan->shares[0].weight_sum[l] + (int64_t{column / NR} * outputs + o) * NR;
        for (int i = 0; i < here; i++) to[i] = weight[2][at + i] + s.rest1 * (priced[i] - weight[2][at + i]);
      }
    }
    const float grad = summed_bias(plan, l, o);
    coded_moments(bias[0] + o, bias[1] + o, bias[2] + o, bias[3] + o, &grad, priced, 1, step->prices[t + 1], &bias_sum,
                  s);
    adam_move(bias[1] + o, bias[2] + o, bias[3] + o, 1, s);
  }
  for (int i = 0; i < NR; i++) slopes[t] += sums[i];
  slopes[t + 1] += bias_sum;
  const int64_t begin = int64_t{first} * in, size = int64_t{last - first} * in;
  if (step->muon_rates[t] == 0)
    coded_values(weight[0] + begin, weight[1] + begin, size, t, index + static_cast<uint32_t>(begin), step);
  coded_values(bias[0] + first, bias[1] + first, last - first, t + 1, bias_index + static_cast<uint32_t>(first), step);
}

struct Polynomial {  // scale * a product + along * another matrix
  float scale, along;
  template <class Number, int FORMS, int ROWS, int COLUMNS>
  OUTLINE void block(const Polynomial& self, const float* a, int64_t stride, const float* b, int count, int,
                     const Target& to) {
    Vector sums[ROWS][COLUMNS] = {};
    accumulate_row<Number, ROWS, COLUMNS>(sums, a, stride, b, count);
    UNROLL for (int i = 0; i < ROWS; i++) UNROLL for (int j = 0; j < COLUMNS; j++) {
      const Vector other = load(to.cosine + i * NR + j * VW);
      sums[i][j] = self.scale * sums[i][j] + self.along * other;
    }
    put<FORMS>(sums, to);
  }
};

// The matrix of a square layer's weight_sum becomes the orthogonal one nearest to it, about (Muon: Jordan et al. 2024).
void orthogonalize(const Plan* plan, Share* share, int l, const CodedStep* step) {
  const Layer& layer = plan->layers[l];
  const int rows = multiple(layer.out, 4);
  const int64_t size = int64_t{multiple(layer.in, NR)} * rows;
  float* const matrix = plan->shares[0].weight_sum[l];
  float *from = matrix, *to = share->square[0], *gram = share->square[1], *factor = share->square[2];
  for (float* each : share->square) memset(each, 0, size * sizeof(float));  // what fills up panels
  double squares = 0;
  for (int64_t i = 0; i < size; i += NR) {
    float sum = 0;
    for (int j = 0; j < NR; j++) sum += from[i + j] * from[i + j];
    squares += sum;
  }
  const float scale = 1 / (static_cast<float>(__builtin_sqrt(squares)) + 1e-20f);
  for (int64_t i = 0; i < size; i++) from[i] *= scale;
  for (int each = 0; each < step->num_polynomials; each++) {
    const float* p = step->polynomials + 3 * each;
    const auto multiply = [&](float* result, const float* a, const float* b, Polynomial kind, float* beside) {
      product<Float32, VALUES>(kind, a, b, rows, layer.in, rows, rows, Target{result, beside, nullptr, nullptr});
    };
    outer_product<Float32>(layer, gram, from, from, int64_t{rows} * NR, rows, 1);
    multiply(factor, gram, gram, {p[2], p[1]}, gram);
    multiply(to, from, factor, {1, p[0]}, from);
    float* const swapped = from;
    from = to, to = swapped;
  }
  if (from != matrix) memcpy(matrix, from, size * sizeof(float));
}

void coded_muon(const Plan* plan, int l, int first, int last, float* evaluated, float* weights, uint32_t index,
                const CodedStep* step) {
  const int in = plan->layers[l].in, t = 2 * l, outputs = multiple(plan->layers[l].out, 4);
  const float rate = step->muon_rates[t] * step->adam.rate;
  for (int o = first; o < last; o++)
    for (int column = 0; column < in; column += NR) {
      const float* turn = plan->shares[0].weight_sum[l] + (int64_t{column / NR} * outputs + o) * NR;
      float* weight = weights + int64_t{o} * in + column;
      const int here = in - column >= NR ? NR : in - column;
      for (int i = 0; i < here; i++) weight[i] -= rate * turn[i];
    }
  const int64_t begin = int64_t{first} * in, size = int64_t{last - first} * in;
  coded_values(evaluated + begin, weights + begin, size, t, index + static_cast<uint32_t>(begin), step);
}

}  // namespace
