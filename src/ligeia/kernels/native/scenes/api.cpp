// Rays through voxels on several threads, and the steps of Adam that their gradients make.
#include "scenes.h"

#include <string.h>

#include <algorithm>
#include <vector>

#include "../paths.h"
#include "../pool.h"

namespace {

const SceneVariant* variant_of([[maybe_unused]] int path) {
#if LIGEIA_X86
  if (path == AVX2) return &ligeia_avx2_scenes;
  if (path == AVX512) return &ligeia_avx512_scenes;
  if (path == AVX512_BF16) return &ligeia_avx512_bf16_scenes;
#endif
  return &ligeia_baseline_scenes;
}

// part `number` of `count` of the pixels
ScenePixels part_of(const ScenePixels& pixels, int64_t number, int64_t count) {
  const int64_t first = pixels.count * number / count, last = pixels.count * (number + 1) / count;
  ScenePixels part = pixels;
  part.count = last - first;
  part.first += static_cast<uint32_t>(first);
  part.origin += 3 * first;
  part.direction += 3 * first;
  part.right += 3 * first;
  part.down += 3 * first;
  return part;
}

template <class Pointer>
Pointer* advanced(Pointer* p, int64_t by) {
  return p ? p + by : nullptr;
}

constexpr int PIECES = 16;  // per thread, of what is not summed up: rays differ in length

// Kingma & Ba 2015, alg. 1, from n gradients of what is evaluated
void move(const SceneWeights& weights, int64_t at, const float* grad, int n, const SceneAdam& how) {
  for (int i = 0; i < n; i++) {
    float &first = weights.first[at + i], &second = weights.second[at + i];
    const float g = weights.gain * grad[i];
    first += (1 - how.beta1) * (g - first);
    second = how.beta2 * second + (1 - how.beta2) * g * g;
    weights.value[at + i] -= how.rate * first * how.correction1 / (__builtin_sqrtf(second * how.correction2) + how.eps);
  }
}

}  // namespace

LIGEIA_API void ligeia_scene_render(int path, const SceneGrid* grid, const ScenePixels* pixels, const SceneImage* image,
                                    int num_threads) {
  const int pieces = num_threads * PIECES;
  run_shares(pieces, [&](int piece) {
    const ScenePixels part = part_of(*pixels, piece, pieces);
    const int64_t first = part.first - pixels->first;
    const SceneImage here = {advanced(image->color, 3 * first), advanced(image->opacity, first),
                             advanced(image->depth, first)};
    variant_of(path)->render(grid, &part, &here);
  });
}

// hits: for each pixel, 1 where one of its rays meets an occupied cell
LIGEIA_API void ligeia_scene_hits(int path, const SceneGrid* grid, const ScenePixels* pixels, uint8_t* hits,
                                  int num_threads) {
  const int pieces = num_threads * PIECES;
  run_shares(pieces, [&](int piece) {
    const ScenePixels part = part_of(*pixels, piece, pieces);
    variant_of(path)->hits(grid, &part, hits + (part.first - pixels->first));
  });
}

// largest: for each share and cell, the largest weight that a sample has in its ray, if it is more than what is there
LIGEIA_API void ligeia_scene_weights(int path, const SceneGrid* grid, const ScenePixels* pixels, float* largest,
                                     int num_shares) {
  const int64_t cells = int64_t{grid->cells[0]} * grid->cells[1] * grid->cells[2];
  run_shares(num_shares, [&](int share) {
    const ScenePixels part = part_of(*pixels, share, num_shares);
    variant_of(path)->weights(grid, &part, largest + share * cells);
  });
}

// Returns the sum of squared errors. gradients: of each share, to which its own are added; what a share takes depends
// on how many there are alone, so that as many shares give the same bits.
LIGEIA_API double ligeia_scene_gradient(int path, const SceneGrid* grid, const ScenePixels* pixels,
                                        const SceneTarget* target, const SceneGradient* gradients, int num_shares) {
  std::vector<double> errors(num_shares);
  run_shares(num_shares, [&](int share) {
    const ScenePixels part = part_of(*pixels, share, num_shares);
    SceneTarget wanted = *target;
    wanted.color += 4 * (part.first - pixels->first);
    errors[share] = variant_of(path)->gradient(grid, &part, &wanted, &gradients[share]);
  });
  double total = 0;
  for (double error : errors) total += error;
  return total;
}

// A step of Adam on every weight that has a gradient, which is then 0 again. places: of the node of each row, among
// those of density.
LIGEIA_API void ligeia_scene_adam(const SceneGradient* gradients, int num_shares, int64_t num_rows,
                                  const int32_t* places, const SceneWeights* density, const SceneWeights* features,
                                  const SceneWeights* head, const SceneAdam* how) {
  run_shares(num_shares, [&](int piece) {
    const int64_t first = num_rows * piece / num_shares, last = num_rows * (piece + 1) / num_shares;
    for (int64_t row = first; row < last; row++) {
      const int32_t place = places[row];
      float slope = 0, slopes[SCENE_ROW] = {};
      bool is_touched = false;
      for (int share = 0; share < num_shares; share++) {
        const SceneGradient& from = gradients[share];
        slope += from.raw[place];
        from.raw[place] = 0;
        if (!from.touched[row]) continue;
        is_touched = true;
        from.touched[row] = 0;
        float* const p = from.features + row * SCENE_ROW;
        for (int f = 0; f < SCENE_ROW; f++) slopes[f] += p[f];
        memset(p, 0, sizeof slopes);
      }
      if (slope != 0) {
        move(*density, row, &slope, 1, *how);
        density->evaluated[place] = density->gain * density->value[row];
      }
      if (is_touched) {
        const int64_t at = row * SCENE_ROW;
        move(*features, at, slopes, SCENE_ROW, *how);
        for (int f = 0; f < SCENE_ROW; f++) features->evaluated[at + f] = features->gain * features->value[at + f];
      }
    }
  });
  float slopes[SCENE_HEAD] = {};
  for (int share = 0; share < num_shares; share++) {
    for (int i = 0; i < SCENE_HEAD; i++) slopes[i] += gradients[share].head[i];
    memset(gradients[share].head, 0, sizeof slopes);
  }
  move(*head, 0, slopes, SCENE_HEAD, *how);
  for (int i = 0; i < SCENE_HEAD; i++) head->evaluated[i] = head->gain * head->value[i];
}
