// The picture that the grids give, its squared error, and all slopes.
#pragma once
#include <string.h>

#include "block.h"
#include "latents.h"

namespace {

void across(const LatentFit* fit, int number, int first, int last) {
  const LatentGrid& grid = fit->grids[number];
  const int width = fit->width;
  const int *i0 = grid.column_index, *i1 = i0 + width, *i2 = i1 + width, *i3 = i2 + width;
  const float *w0 = grid.column_weight, *w1 = w0 + width, *w2 = w1 + width, *w3 = w2 + width;
  for (int y = first; y < last; y++) {
    const float* from = grid.value + int64_t{y} * grid.stride;
    float* to = grid.across + int64_t{y} * width;
    for (int x = 0; x < width; x++)
      to[x] = grid.step * (w0[x] * from[i0[x]] + w1[x] * from[i1[x]] + w2[x] * from[i2[x]] + w3[x] * from[i3[x]]);
  }
}

void across_back(const LatentFit* fit, int number, int first, int last) {
  const LatentGrid& grid = fit->grids[number];
  const int width = fit->width;
  for (int y = first; y < last; y++) {
    float* to = grid.grad + int64_t{y} * grid.stride;
    const float* from = grid.across_grad + int64_t{y} * width;
    for (int t = 0; t < LATENT_TAPS; t++) {
      const int* index = grid.column_index + int64_t{t} * width;
      const float* weight = grid.column_weight + int64_t{t} * width;
      for (int x = 0; x < width; x++) to[index[x]] += grid.step * weight[x] * from[x];
    }
  }
}

// rows of the gradients of features, each times its weight in a row of the grid
void down(const LatentFit* fit, int number, int first, int last) {
  const LatentGrid& grid = fit->grids[number];
  const int64_t width = fit->width;
  const float* from = fit->feature_grad + int64_t{grid.feature} * fit->height * width;
  for (int y = first; y < last; y++) {
    float* to = grid.across_grad + y * width;
    memset(to, 0, sizeof(float) * width);
    for (int line = grid.row_span[2 * y]; line < grid.row_span[2 * y + 1]; line++) {
      float weight = 0;
      for (int t = 0; t < LATENT_TAPS; t++)
        if (grid.row_index[line * LATENT_TAPS + t] == y) weight += grid.row_weight[line * LATENT_TAPS + t];
      if (weight == 0) continue;
      const float* each = from + line * width;
      for (int64_t x = 0; x < width; x++) to[x] += weight * each[x];
    }
  }
}

struct PointSums {
  Vector first[F][J], bias[J], output[C][J], straight[C][F], output_bias[C];
};

INLINE Vector bent(Vector phase, Vector& slope) {
  const Vector scaled = phase * SHARPNESS;
  const Vector within = larger(smaller(scaled + 1.f, broadcast(2.f)), Vector{}), square = within * within;
  slope = square * (0.75f - 0.25f * within);
  return (square * within * (0.25f - 0.0625f * within) + larger(scaled - 1.f, Vector{})) * (1 / SHARPNESS);
}

INLINE Vector load_within(const float* p, int x, int width) {
  if (x + VW <= width) return load(p + x);
  Vector found{};
  for (int i = 0; i < width - x; i++) found[i] = p[x + i];
  return found;
}
INLINE void store_within(float* p, int x, int width, Vector v) {
  if (x + VW <= width) return store(p + x, v);
  for (int i = 0; i < width - x; i++) p[x + i] = v[i];
}

void features_of_row(const LatentFit* fit, int y, float* rows, int64_t wide) {
  const int width = fit->width;
  memset(rows, 0, sizeof(float) * wide * fit->point.num_features);
  for (int number = 0; number < fit->num_grids; number++) {
    const LatentGrid& grid = fit->grids[number];
    const int* index = grid.row_index + y * LATENT_TAPS;
    const float* w = grid.row_weight + y * LATENT_TAPS;
    const float *a = grid.across + int64_t{index[0]} * width, *b = grid.across + int64_t{index[1]} * width;
    const float *c = grid.across + int64_t{index[2]} * width, *d = grid.across + int64_t{index[3]} * width;
    float* to = rows + grid.feature * wide;
    for (int x = 0; x < width; x++) to[x] += w[0] * a[x] + w[1] * b[x] + w[2] * c[x] + w[3] * d[x];
  }
}

template <bool GRAD>
double point_rows(const LatentFit* fit, int begin_row, int end_row, float factor, float* rows, PointSums* sums) {
  const PointNetwork& network = fit->point;
  const int num_features = network.num_features, num_channels = network.num_channels, width = fit->width;
  const float *first = network.weights, *bias = first + num_features * J, *output = bias + J;
  const float *straight = output + num_channels * J, *output_bias = straight + num_channels * num_features;
  const int64_t wide = wide_row(width), plane = int64_t{fit->height} * width;
  Vector in[BLOCK][F], hidden[BLOCK][J], slope[BLOCK][J], error[BLOCK][C];
  double total = 0;
  for (int y = begin_row; y < end_row; y++) {
    features_of_row(fit, y, rows, wide);
    const int64_t line = int64_t{y} * width;
    for (int begin = 0; begin < width; begin += BLOCK * VW) {
      const int left = (width - begin + VW - 1) / VW, num = left < BLOCK ? left : BLOCK;
      for (int v = 0; v < num; v++) {
        const int x = begin + v * VW;
        const Bits valid = before(x, width);
        for (int f = 0; f < num_features; f++) in[v][f] = load(rows + f * wide + x);
        UNROLL for (int part = 0; part < J; part += JB) {
          Vector a[JB];
          UNROLL for (int j = 0; j < JB; j++) a[j] = broadcast(bias[part + j]);
          for (int f = 0; f < num_features; f++)
            UNROLL for (int j = 0; j < JB; j++) a[j] += first[f * J + part + j] * in[v][f];
          UNROLL for (int j = 0; j < JB; j++) hidden[v][part + j] = bent(a[j], slope[v][part + j]);
        }
        for (int c = 0; c < num_channels; c++) {
          Vector even = broadcast(output_bias[c]), odd{};
          UNROLL for (int j = 0; j < J; j += 2) {
            even += output[c * J + j] * hidden[v][j];
            odd += output[c * J + j + 1] * hidden[v][j + 1];
          }
          for (int f = 0; f < num_features; f++) even += straight[c * num_features + f] * in[v][f];
          const Vector value = even + odd;
          if (fit->values) store_within(fit->values + c * plane + line, x, width, value);
          const Vector bounded = larger(broadcast(-1.f), smaller(broadcast(1.f), value));  // NaN stays
          const Vector off = valid ? bounded - load_within(fit->target + c * plane + line, x, width) : Vector{};
          total += sum(off * off);
          error[v][c] = bounded == value ? off * (2 * factor) : Vector{};
        }
      }
      if (!GRAD) continue;
      for (int v = 0; v < num; v++) {
        const int x = begin + v * VW;
        UNROLL for (int j = 0; j < J; j++) {
          Vector grad{};
          for (int c = 0; c < num_channels; c++) grad += output[c * J + j] * error[v][c];
          slope[v][j] *= grad;  // from here on along the phase
          sums->bias[j] += slope[v][j];
        }
        for (int f = 0; f < num_features; f++) {
          Vector even{}, odd{};
          UNROLL for (int j = 0; j < J; j += 2) {
            even += first[f * J + j] * slope[v][j];
            odd += first[f * J + j + 1] * slope[v][j + 1];
          }
          for (int c = 0; c < num_channels; c++) even += straight[c * num_features + f] * error[v][c];
          store_within(fit->feature_grad + f * plane + line, x, width, even + odd);
        }
        for (int c = 0; c < num_channels; c++) {
          UNROLL for (int j = 0; j < J; j++) sums->output[c][j] += error[v][c] * hidden[v][j];
          sums->output_bias[c] += error[v][c];
        }
      }
      for (int f = 0; f < num_features; f++) {
        for (int v = 0; v < num; v++)
          for (int c = 0; c < num_channels; c++) sums->straight[c][f] += in[v][f] * error[v][c];
        UNROLL for (int part = 0; part < J; part += JB) {
          Vector a[JB];
          UNROLL for (int j = 0; j < JB; j++) a[j] = sums->first[f][part + j];
          for (int v = 0; v < num; v++) UNROLL for (int j = 0; j < JB; j++) a[j] += in[v][f] * slope[v][part + j];
          UNROLL for (int j = 0; j < JB; j++) sums->first[f][part + j] = a[j];
        }
      }
    }
  }
  return total;
}

double point(const LatentFit* fit, int first, int last, float factor, int with_grad, float* scratch, float* sums) {
  if (with_grad) return point_rows<true>(fit, first, last, factor, scratch, reinterpret_cast<PointSums*>(sums));
  return point_rows<false>(fit, first, last, factor, scratch, nullptr);
}

void add_point(const LatentFit* fit, const float* from) {
  const PointNetwork& network = fit->point;
  const PointSums& sums = *reinterpret_cast<const PointSums*>(from);
  float* grad = network.grad;
  for (int f = 0; f < network.num_features; f++)
    for (int j = 0; j < J; j++) *grad++ += sum(sums.first[f][j]);
  for (int j = 0; j < J; j++) *grad++ += sum(sums.bias[j]);
  for (int c = 0; c < network.num_channels; c++)
    for (int j = 0; j < J; j++) *grad++ += sum(sums.output[c][j]);
  for (int c = 0; c < network.num_channels; c++)
    for (int f = 0; f < network.num_features; f++) *grad++ += sum(sums.straight[c][f]);
  for (int c = 0; c < network.num_channels; c++) *grad++ += sum(sums.output_bias[c]);
}

}  // namespace
