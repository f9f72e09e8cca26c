// Latents to noisy or rounded values, and their steps of Adam.
#pragma once
#include <string.h>

#include "../functions.h"
#include "latents.h"

namespace {

struct Round {
  float sharpness, half;  // 1 / T, 0.5 / tanh(0.5 / T)
};

// floor(x) + 1/2 + tanh((x - floor(x) - 1/2) / T) / (2 tanh(1 / 2T)) (Agustsson & Theis 2020, arXiv:2006.09952, eq. 10)
INLINE Vector soft_round(Vector x, Round how, Vector& slope) {
  const Vector whole = floor(x), u = (x - whole - 0.5f) * how.sharpness;
  const Vector e = exponential(-2.f * magnitude(u)), size = (1.f - e) / (1.f + e);
  slope = how.half * how.sharpness * (1.f - size * size);
  return whole + 0.5f + how.half * (u < Vector{} ? -size : size);
}

// nearly normal, of variance 1: the sum of four uniform numbers
INLINE Vector noise(Unsigned index, uint32_t key) {
  const Unsigned one = scrambled(index * 0x9e3779b1u + key), two = scrambled(one + 0x68bc21ebu);
  const Bits total = bits_of(one & 0xffff) + bits_of(one >> 16) + bits_of(two & 0xffff) + bits_of(two >> 16);
  return (__builtin_convertvector(total, Vector) * (1.f / 65536) - 2.f) * 1.7320508f;
}

// tanh by the same exponential, so that both ends of a soft rounding meet
float tanh_of(float x) {
  const float e = exponential(broadcast(-2 * x))[0];
  return (1 - e) / (1 + e);
}

void relax(const LatentFit* fit, int number, int first, int last, const Relaxation* how) {
  const LatentGrid& grid = fit->grids[number];
  const Round round = {1 / how->temperature, 0.5f / tanh_of(0.5f / how->temperature)};
  const uint32_t key = how->key + static_cast<uint32_t>(number) * 0x9e3779b9u;
  for (int y = first; y < last; y++) {
    const int64_t row = int64_t{y} * grid.stride;
    memset(grid.grad + row - LATENT_MARGIN, 0, sizeof(float) * grid.stride);
    for (int x = 0; x < grid.columns; x += VW) {
      const Vector latent = load(grid.latent + row + x);
      Vector value, slope;
      if (how->is_hard) {
        value = floor(latent + 0.5f);
        slope = broadcast(1);
      } else {
        Vector inner;
        const Unsigned index =
            reinterpret_cast<Unsigned>(lanes() + x) + static_cast<uint32_t>(y) * static_cast<uint32_t>(grid.columns);
        const Vector soft = soft_round(latent, round, inner);
        value = soft_round(soft + how->noise * noise(index, key), round, slope);
        slope *= inner;
      }
      const Bits valid = before(x, grid.columns);
      store(grid.value + row + x, valid ? value : Vector{});
      store(grid.slope + row + x, valid ? slope : Vector{});
    }
  }
}

void adam(const LatentFit* fit, int number, int first, int last, const LatentAdam* how) {
  const LatentGrid& grid = fit->grids[number];
  for (int y = first; y < last; y++)
    for (int x = 0; x < grid.columns; x += VW) {
      const int64_t at = int64_t{y} * grid.stride + x;
      const Vector grad = before(x, grid.columns) ? load(grid.grad + at) * load(grid.slope + at) : Vector{};
      Vector mean = load(grid.first + at), square = load(grid.second + at);
      mean += (grad - mean) * (1 - how->beta1);
      square += (grad * grad - square) * (1 - how->beta2);
      store(grid.first + at, mean);
      store(grid.second + at, square);
      const Vector move = mean * how->correction1 / (root(square * how->correction2) + how->eps);
      store(grid.latent + at, load(grid.latent + at) - how->rate * move);
    }
}

}  // namespace
