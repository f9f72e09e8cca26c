// The bits of a grid's values by a context network, and all slopes.
#pragma once
#include <string.h>

#include "../functions.h"
#include "block.h"
#include "latents.h"

namespace {

struct ContextLayout {
  int first, bias, second, second_bias, output, straight, output_bias;
  explicit ContextLayout(const ContextNetwork& network) {
    first = 0;
    bias = first + network.num_inputs * J;
    second = bias + network.num_biases * J;
    second_bias = second + J * J;
    output = second_bias + J;
    straight = output + 2 * J;
    output_bias = straight + 2 * network.num_inputs;
  }
};

struct ContextSums {
  Vector first[K][J], bias[J], second[J][J], second_bias[J], output[2][J], straight[2][K], output_bias[2];
};

// Nats of integers under a Laplace distribution, and their slopes along distance and logarithm of the scale.
struct Nats {
  Vector nats, along_distance, along_log_scale;
};
INLINE Nats nats_of(Vector distance, Vector log_scale) {
  const Vector rate = exponential(-log_scale);
  const Vector from_edge = distance - 0.5f;
  const Vector near_end = exponential(-magnitude(from_edge) * rate), far_end = exponential(-(distance + 0.5f) * rate);
  const Vector decay = exponential(-rate);
  const Bits beyond = from_edge > Vector{};
  const Vector rest = larger(1.f - decay, broadcast(1e-20f));
  const Vector within = larger(1.f - 0.5f * (near_end + far_end), broadcast(1e-20f));
  Nats found;
  found.nats = (beyond ? from_edge * rate : Vector{}) - logarithm(beyond ? 0.5f * rest : within);
  found.along_distance = beyond ? rate : 0.5f * rate * (near_end - far_end) / within;
  const Vector along_rate =
      beyond ? from_edge - decay / rest : -0.5f * ((0.5f - distance) * near_end + (distance + 0.5f) * far_end) / within;
  found.along_log_scale = -rate * along_rate;
  return found;
}

struct ContextRow {
  const float* in[K];
  float* in_grad[K];  // null where there is none
  const float* value;
  float* grad;
  int columns;
};

template <bool GRAD>
double context_row(const ContextNetwork& network, int bias, const ContextRow& row, float price, ContextSums* sums) {
  const ContextLayout at(network);
  const int num_inputs = network.num_inputs;
  const float* w = network.weights;
  const float *first = w + at.first, *first_bias = w + at.bias + bias * J, *second = w + at.second;
  const float *second_bias = w + at.second_bias, *output = w + at.output, *straight = w + at.straight;
  const float* output_bias = w + at.output_bias + 2 * bias;
  Vector in[BLOCK][K], low[BLOCK][J], high[BLOCK][J], low_grad[BLOCK][J], high_grad[BLOCK][J], out_grad[BLOCK][2];
  double total = 0;
  for (int begin = 0; begin < row.columns; begin += BLOCK * VW) {
    const int left = (row.columns - begin + VW - 1) / VW, num = left < BLOCK ? left : BLOCK;
    for (int v = 0; v < num; v++) {
      const int x = begin + v * VW;
      for (int k = 0; k < num_inputs; k++) in[v][k] = load(row.in[k] + x);
      UNROLL for (int part = 0; part < J; part += JB) {
        Vector a[JB];
        UNROLL for (int j = 0; j < JB; j++) a[j] = broadcast(first_bias[part + j]);
        for (int k = 0; k < num_inputs; k++)
          UNROLL for (int j = 0; j < JB; j++) a[j] += first[k * J + part + j] * in[v][k];
        UNROLL for (int j = 0; j < JB; j++) low[v][part + j] = larger(a[j], Vector{});
      }
      UNROLL for (int part = 0; part < J; part += JB) {
        Vector a[JB];
        UNROLL for (int j = 0; j < JB; j++) a[j] = low[v][part + j] + second_bias[part + j];
        for (int k = 0; k < J; k++) UNROLL for (int j = 0; j < JB; j++) a[j] += second[k * J + part + j] * low[v][k];
        UNROLL for (int j = 0; j < JB; j++) high[v][part + j] = larger(a[j], Vector{});
      }
      Vector mean = broadcast(output_bias[0]), log_scale = broadcast(output_bias[1]);
      UNROLL for (int j = 0; j < J; j++) {
        mean += output[j] * high[v][j];
        log_scale += output[J + j] * high[v][j];
      }
      for (int k = 0; k < num_inputs; k++) {
        mean += straight[k] * in[v][k];
        log_scale += straight[num_inputs + k] * in[v][k];
      }
      const Vector bounded = larger(smaller(log_scale, broadcast(MOST_LOG_SCALE)), broadcast(LEAST_LOG_SCALE));
      const Vector off = load(row.value + x) - mean;
      const Nats found = nats_of(magnitude(off), bounded);
      const Bits valid = before(x, row.columns);
      total += sum(valid ? found.nats : Vector{});
      if (!GRAD) continue;
      const Vector factor = valid ? broadcast(price) : Vector{};
      const Vector along_off = (off > Vector{} ? found.along_distance : -found.along_distance) * factor;
      store(row.grad + x, load(row.grad + x) + along_off);
      out_grad[v][0] = -along_off;
      out_grad[v][1] = bounded == log_scale ? found.along_log_scale * factor : Vector{};
    }
    if (!GRAD) continue;
    for (int v = 0; v < num; v++) {
      const int x = begin + v * VW;
      const Vector along_mean = out_grad[v][0], along_scale = out_grad[v][1];
      UNROLL for (int j = 0; j < J; j++) {
        const Vector grad = output[j] * along_mean + output[J + j] * along_scale;
        high_grad[v][j] = high[v][j] > Vector{} ? grad : Vector{};
      }
      for (int k = 0; k < J; k++) {
        Vector even = high_grad[v][k], odd{};
        UNROLL for (int j = 0; j < J; j += 2) {
          even += second[k * J + j] * high_grad[v][j];
          odd += second[k * J + j + 1] * high_grad[v][j + 1];
        }
        low_grad[v][k] = low[v][k] > Vector{} ? even + odd : Vector{};
      }
      for (int k = 0; k < num_inputs; k++) {
        if (!row.in_grad[k]) continue;
        Vector even = straight[k] * along_mean + straight[num_inputs + k] * along_scale, odd{};
        UNROLL for (int j = 0; j < J; j += 2) {
          even += first[k * J + j] * low_grad[v][j];
          odd += first[k * J + j + 1] * low_grad[v][j + 1];
        }
        float* to = row.in_grad[k] + x;
        store(to, load(to) + even + odd);
      }
    }
    for (int k = 0; k < num_inputs; k++) {
      for (int v = 0; v < num; v++) {
        sums->straight[0][k] += in[v][k] * out_grad[v][0];
        sums->straight[1][k] += in[v][k] * out_grad[v][1];
      }
      UNROLL for (int part = 0; part < J; part += JB) {
        Vector a[JB];
        UNROLL for (int j = 0; j < JB; j++) a[j] = sums->first[k][part + j];
        for (int v = 0; v < num; v++) UNROLL for (int j = 0; j < JB; j++) a[j] += in[v][k] * low_grad[v][part + j];
        UNROLL for (int j = 0; j < JB; j++) sums->first[k][part + j] = a[j];
      }
    }
    for (int k = 0; k < J; k++) UNROLL for (int part = 0; part < J; part += JB) {
        Vector a[JB];
        UNROLL for (int j = 0; j < JB; j++) a[j] = sums->second[k][part + j];
        for (int v = 0; v < num; v++) UNROLL for (int j = 0; j < JB; j++) a[j] += low[v][k] * high_grad[v][part + j];
        UNROLL for (int j = 0; j < JB; j++) sums->second[k][part + j] = a[j];
      }
    for (int v = 0; v < num; v++) {
      UNROLL for (int j = 0; j < J; j++) {
        sums->bias[j] += low_grad[v][j];
        sums->second_bias[j] += high_grad[v][j];
        sums->output[0][j] += out_grad[v][0] * high[v][j];
        sums->output[1][j] += out_grad[v][1] * high[v][j];
      }
      sums->output_bias[0] += out_grad[v][0];
      sums->output_bias[1] += out_grad[v][1];
    }
  }
  return total;
}

// a row of the parent as wide as its child's: for input (., 0) the cell above, for (., 1) the next nearest one
void widen(const float* from, int next, int columns, float* to) {
  for (int x = 0; x < columns; x++) to[x] = from[(x >> 1) + (next ? (x & 1 ? 1 : -1) : 0)];
  memset(to + columns, 0, sizeof(float) * 64);  // what whole vectors read of it
}
void narrow_back(const float* grad, int next, int columns, float* to) {
  for (int x = 0; x < columns; x++) to[(x >> 1) + (next ? (x & 1 ? 1 : -1) : 0)] += grad[x];
}
int parent_row(int y, int next, int rows) {
  const int found = (y >> 1) + (next ? (y & 1 ? 1 : -1) : 0);
  return found < 0 ? 0 : found < rows ? found : rows - 1;
}

constexpr int NEAR = 4;  // cells of the parent

double context(const LatentFit* fit, int number, int first, int last, float price, int with_grad, float* scratch,
               float* sums) {
  const LatentGrid& grid = fit->grids[number];
  const ContextNetwork& network = fit->networks[grid.network];
  const int64_t wide = wide_row(fit->width);
  float* const zeros = scratch + 2 * NEAR * wide;
  memset(zeros, 0, sizeof(float) * wide);
  double total = 0;
  for (int y = first; y < last; y++) {
    ContextRow row;
    const int64_t begin = int64_t{y} * grid.stride;
    row.value = grid.value + begin;
    row.grad = grid.grad + begin;
    row.columns = grid.columns;
    for (int k = 0; k < network.num_inputs; k++) {
      const LatentInput& input = grid.inputs[k];
      row.in[k] = zeros;
      row.in_grad[k] = nullptr;
      if (input.source == SAME || input.source == OTHER) {
        const LatentGrid& from = input.source == SAME ? grid : fit->grids[input.grid];
        const int64_t at = int64_t{y + input.row} * from.stride + input.column;
        row.in[k] = from.value + at;
        row.in_grad[k] = from.grad + at;
      } else if (input.source == PARENT && grid.parent >= 0) {
        const LatentGrid& parent = fit->grids[grid.parent];
        float* const wider = scratch + (2 * input.row + input.column) * wide;
        float* const wider_grad = wider + NEAR * wide;
        const int64_t at = int64_t{parent_row(y, input.row, parent.rows)} * parent.stride;
        widen(parent.value + at, input.column, grid.columns, wider);
        if (with_grad) memset(wider_grad, 0, sizeof(float) * wide);
        row.in[k] = wider;
        row.in_grad[k] = wider_grad;
      }
    }
    if (!with_grad) {
      total += context_row<false>(network, grid.bias, row, price, nullptr);
      continue;
    }
    total += context_row<true>(network, grid.bias, row, price, reinterpret_cast<ContextSums*>(sums));
    for (int k = 0; k < network.num_inputs; k++) {
      const LatentInput& input = grid.inputs[k];
      if (input.source != PARENT || grid.parent < 0) continue;
      const LatentGrid& parent = fit->grids[grid.parent];
      const int64_t at = int64_t{parent_row(y, input.row, parent.rows)} * parent.stride;
      narrow_back(row.in_grad[k], input.column, grid.columns, parent.grad + at);
    }
  }
  return total;
}

void add_context(const LatentFit* fit, int number, int bias, const float* from) {
  const ContextNetwork& network = fit->networks[number];
  const ContextLayout at(network);
  const ContextSums& sums = *reinterpret_cast<const ContextSums*>(from);
  float* const grad = network.grad;
  for (int k = 0; k < network.num_inputs; k++) {
    for (int j = 0; j < J; j++) grad[at.first + k * J + j] += sum(sums.first[k][j]);
    for (int o = 0; o < 2; o++) grad[at.straight + o * network.num_inputs + k] += sum(sums.straight[o][k]);
  }
  for (int j = 0; j < J; j++) {
    grad[at.bias + bias * J + j] += sum(sums.bias[j]);
    grad[at.second_bias + j] += sum(sums.second_bias[j]);
    for (int k = 0; k < J; k++) grad[at.second + k * J + j] += sum(sums.second[k][j]);
    for (int o = 0; o < 2; o++) grad[at.output + o * J + j] += sum(sums.output[o][j]);
  }
  for (int o = 0; o < 2; o++) grad[at.output_bias + 2 * bias + o] += sum(sums.output_bias[o]);
}

}  // namespace
