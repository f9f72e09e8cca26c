// One step of a fit of latent grids, on several threads: what is summed up where does not depend on how many.
#include "latents.h"

#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <atomic>
#include <functional>

#include "../paths.h"
#include "../pool.h"

namespace {

const LatentVariant* variant_of([[maybe_unused]] int path) {
#if LIGEIA_X86
  if (path == AVX2) return &ligeia_avx2_latents;
  if (path == AVX512) return &ligeia_avx512_latents;
  if (path == AVX512_BF16) return &ligeia_avx512_bf16_latents;
#endif
  return &ligeia_baseline_latents;
}

constexpr int LEAST_ROWS = 8;  // of a strip: gradients reach three rows beyond it, in the parent one
constexpr int PIECES = 32;     // of work that is not summed up

template <class Work>
void each(int num_threads, int num_tasks, const Work& work) {
  std::atomic<int> next{0};
  run_shares(std::min(num_threads, num_tasks), [&](int) {
    for (int task = next++; task < num_tasks; task = next++) work(task);
  });
}

struct Rows {
  int first, last;
};
Rows part(int rows, int number, int count) {
  return {static_cast<int>(int64_t{rows} * number / count), static_cast<int>(int64_t{rows} * (number + 1) / count)};
}

// all grids, in pieces of rows
template <class Work>
void each_grid(const LatentFit* fit, int num_threads, const Work& work) {
  each(num_threads, fit->num_grids * PIECES, [&](int task) {
    const Rows rows = part(fit->grids[task / PIECES].rows, task % PIECES, PIECES);
    if (rows.first < rows.last) work(task / PIECES, rows.first, rows.last);
  });
}

int64_t whole_lines(int64_t floats) { return (floats + 15) / 16 * 16; }
int64_t context_size(const LatentVariant* v, const LatentFit* fit) {
  return whole_lines(v->context_sums) + v->context_scratch * wide_row(fit->width);
}
int64_t point_size(const LatentVariant* v, const LatentFit* fit) {
  return whole_lines(v->point_sums) + v->point_scratch * wide_row(fit->width);
}

// Strips of a grid, every other one at a time: neighbors' gradients reach into the next strip, not beyond it.
double nats_of(const LatentVariant* v, const LatentFit* fit, int number, float price, int with_grad, int num_threads) {
  const LatentGrid& grid = fit->grids[number];
  const int num_strips = std::min(std::max(1, grid.rows / LEAST_ROWS), 2 * LATENT_SUMS);
  const int num_sums = (num_strips + 1) / 2;
  const int64_t size = context_size(v, fit);
  double nats[LATENT_SUMS] = {};
  if (with_grad)
    for (int s = 0; s < num_sums; s++) memset(fit->scratch + s * size, 0, sizeof(float) * v->context_sums);
  for (int odd = 0; odd < std::min(2, num_strips); odd++)
    each(num_threads, (num_strips + 1 - odd) / 2, [&](int task) {
      const Rows rows = part(grid.rows, 2 * task + odd, num_strips);
      float* const sums = fit->scratch + task * size;
      nats[task] +=
          v->context(fit, number, rows.first, rows.last, price, with_grad, sums + whole_lines(v->context_sums), sums);
    });
  double total = 0;
  for (int s = 0; s < num_sums; s++) {
    total += nats[s];
    if (with_grad) v->add_context(fit, grid.network, grid.bias, fit->scratch + s * size);
  }
  return total;
}

double squared_error(const LatentVariant* v, const LatentFit* fit, float factor, int with_grad, int num_threads) {
  const int64_t size = point_size(v, fit);
  double errors[LATENT_SUMS] = {};
  each(num_threads, LATENT_SUMS, [&](int task) {
    const Rows rows = part(fit->height, task, LATENT_SUMS);
    float* const sums = fit->scratch + task * size;
    if (with_grad) memset(sums, 0, sizeof(float) * v->point_sums);
    errors[task] = v->point(fit, rows.first, rows.last, factor, with_grad, sums + whole_lines(v->point_sums), sums);
  });
  double total = 0;
  for (int s = 0; s < LATENT_SUMS; s++) {
    total += errors[s];
    if (with_grad) v->add_point(fit, fit->scratch + s * size);
  }
  return total;
}

}  // namespace

// Floats that LatentFit.scratch must have.
LIGEIA_API int64_t ligeia_latents_scratch(int path, const LatentFit* fit) {
  const LatentVariant* v = variant_of(path);
  return LATENT_SUMS * std::max(context_size(v, fit), point_size(v, fit));
}

// Evaluates the latents. nats: per grid those of its values; error: the sum of squares. With `with_grad` the networks'
// gradients, which must be zero before, and the grids' are those of price * nats + factor * error.
LIGEIA_API void ligeia_latents_evaluate(int path, const LatentFit* fit, const Relaxation* how, float price,
                                        float factor, int with_grad, int num_threads, double* nats, double* error) {
  const LatentVariant* v = variant_of(path);
  each_grid(fit, num_threads, [&](int grid, int first, int last) { v->relax(fit, grid, first, last, how); });
  if (nats)
    for (int grid = 0; grid < fit->num_grids; grid++) nats[grid] = nats_of(v, fit, grid, price, with_grad, num_threads);
  each_grid(fit, num_threads, [&](int grid, int first, int last) { v->across(fit, grid, first, last); });
  *error = squared_error(v, fit, factor, with_grad, num_threads);
  if (!with_grad) return;
  each_grid(fit, num_threads, [&](int grid, int first, int last) { v->down(fit, grid, first, last); });
  each_grid(fit, num_threads, [&](int grid, int first, int last) { v->across_back(fit, grid, first, last); });
}

// Moves the latents by the grids' gradients.
LIGEIA_API void ligeia_latents_adam(int path, const LatentFit* fit, const LatentAdam* how, int num_threads) {
  const LatentVariant* v = variant_of(path);
  each_grid(fit, num_threads, [&](int grid, int first, int last) { v->adam(fit, grid, first, last, how); });
}
