// Rays through voxels, forward and backward. Compiled once per instruction set; everything here is local to the object
// file.
#include "../functions.h"
#include "head.h"
#include "march.h"
#include "scenes.h"

namespace {

struct Sample {
  float place[3];
  int32_t cell[3];
  float raw;     // of the density
  float weight;  // of the sample in its ray
  float after;   // what of the light behind it passes
  float features[SCENE_ROW];
};

// Everything of a ray that the way back needs.
struct Traced {
  Ray ray;
  int num_samples;
  float opacity, depth;
  float features[SCENE_ROW];
  float harmonics[SCENE_DIRECTION];
  float color[3];
  HeadState head;
};

INLINE float sigmoid(float x) { return 1 / (1 + exponential(-x)); }

// What of the light passes through a sample: e^-(size softplus(raw)) = (1 + e^raw)^-size
INLINE float passed(float raw, float size) {
  const float e = exponential(least(raw, 40.f)), sum = 1 + e;
  return exponential(-size * (logarithm(sum) + (e - (sum - 1)) / sum));
}

// samples: room for SCENE_SAMPLES, or null
INLINE void trace(const SceneGrid& grid, const ScenePixels& pixels, int64_t pixel, int part, Sample* samples,
                  Traced& traced) {
  const uint32_t number = (pixels.first + static_cast<uint32_t>(pixel)) * (pixels.side * pixels.side) + part;
  const uint32_t random = scrambled(pixels.key ^ scrambled(number));
  traced.ray = ray_of(grid, pixels, pixel, part, random);
  const float offset = pixels.is_jittered ? uniform(random) : 0.5f;
  traced.num_samples = 0;
  traced.opacity = traced.depth = 0;
  memset(traced.features, 0, sizeof traced.features);
  float passing = 1;
  march(grid, traced.ray, offset, [&](float t, const float* place, const int* cell) {
    const float raw = raw_density(grid, support(grid, place, cell));
    const float left = passed(raw, grid.step * grid.scale);
    const float weight = passing * (1 - left);
    passing *= left;
    traced.opacity += weight;
    traced.depth += weight * t;
    Sample here;
    memset(here.features, 0, sizeof here.features);
    if (weight >= SCENE_LEAST) {
      const Corners found = corners(grid, place, cell);
      UNROLL for (int c = 0; c < 8; c++) {
        const float* row = grid.features + int64_t{found.row[c]} * SCENE_ROW;
        for (int f = 0; f < SCENE_ROW; f++) here.features[f] += found.weight[c] * row[f];
      }
      for (int f = 0; f < SCENE_ROW; f++) traced.features[f] += weight * here.features[f];
    }
    if (samples) {
      for (int a = 0; a < 3; a++) {
        here.place[a] = place[a];
        here.cell[a] = cell[a];
      }
      here.raw = raw;
      here.weight = weight;
      here.after = passing;
      samples[traced.num_samples] = here;
    }
    traced.num_samples++;
    return passing >= SCENE_LEAST && traced.num_samples < SCENE_SAMPLES;
  });
  harmonics(traced.ray.heading, traced.harmonics);
  HeadState& head = traced.head;
  head.input[0] = traced.opacity;
  for (int f = 0; f < SCENE_ROW; f++) head.input[1 + f] = traced.features[f];
  for (int h = 0; h < SCENE_DIRECTION; h++) head.input[1 + SCENE_ROW + h] = traced.opacity * traced.harmonics[h];
  head_forward(grid.head, head);
  for (int c = 0; c < 3; c++) traced.color[c] = traced.features[c] + traced.opacity * (0.5f + head.output[c]);
}

// slopes: of the color and the opacity of the ray
INLINE void trace_back(const SceneGrid& grid, const Traced& traced, const Sample* samples, const float* color_slope,
                       float opacity_slope, const SceneGradient& gradient) {
  float output_slope[3], input_slope[SCENE_INPUTS], features_slope[SCENE_ROW];
  for (int c = 0; c < 3; c++) {
    output_slope[c] = traced.opacity * color_slope[c];
    opacity_slope += (0.5f + traced.head.output[c]) * color_slope[c];
  }
  head_backward(grid.head, traced.head, output_slope, gradient.head, input_slope);
  opacity_slope += input_slope[0];
  for (int h = 0; h < SCENE_DIRECTION; h++) opacity_slope += traced.harmonics[h] * input_slope[1 + SCENE_ROW + h];
  for (int f = 0; f < SCENE_ROW; f++) features_slope[f] = input_slope[1 + f] + (f < 3 ? color_slope[f] : 0);
  float behind = 0;  // of the samples further away: weight times slope
  for (int s = traced.num_samples - 1; s >= 0; s--) {
    const Sample& here = samples[s];
    float slope = opacity_slope;  // of its weight
    if (here.weight >= SCENE_LEAST) {
      const Corners found = corners(grid, here.place, here.cell);
      for (int f = 0; f < SCENE_ROW; f++) slope += features_slope[f] * here.features[f];
      UNROLL for (int c = 0; c < 8; c++) {
        float* row = gradient.features + int64_t{found.row[c]} * SCENE_ROW;
        const float w = here.weight * found.weight[c];
        for (int f = 0; f < SCENE_ROW; f++) row[f] += w * features_slope[f];
        gradient.touched[found.row[c]] = 1;
      }
    }
    const float raw_slope = grid.step * grid.scale * sigmoid(here.raw) * (here.after * slope - behind);
    behind += here.weight * slope;
    if (raw_slope != 0) add_raw_gradient(grid, support(grid, here.place, here.cell), raw_slope, gradient.raw);
  }
}

void render(const SceneGrid* grid, const ScenePixels* pixels, const SceneImage* image) {
  const int num_rays = pixels->side * pixels->side;
  const float share = 1.f / num_rays;
  for (int64_t pixel = 0; pixel < pixels->count; pixel++) {
    float color[3] = {}, opacity = 0, depth = 0;
    for (int part = 0; part < num_rays; part++) {
      Traced traced;
      trace(*grid, *pixels, pixel, part, nullptr, traced);
      for (int c = 0; c < 3; c++) color[c] += share * traced.color[c];
      opacity += share * traced.opacity;
      depth += share * traced.depth;
    }
    for (int c = 0; c < 3 && image->color; c++) image->color[3 * pixel + c] = color[c];
    if (image->opacity) image->opacity[pixel] = opacity;
    if (image->depth) image->depth[pixel] = depth;
  }
}

// Returns the sum of squared errors of all channels, and adds its gradient times `factor`.
double gradient(const SceneGrid* grid, const ScenePixels* pixels, const SceneTarget* target,
                const SceneGradient* found) {
  constexpr int MOST_RAYS = SCENE_SIDE * SCENE_SIDE;
  static thread_local Sample* samples = nullptr;  // kept: it would be zeroed by the system for each call
  if (!samples) samples = new Sample[MOST_RAYS * SCENE_SAMPLES];
  const int num_rays = pixels->side * pixels->side;
  const float share = 1.f / num_rays;
  double total = 0;
  Traced traced[MOST_RAYS];
  for (int64_t pixel = 0; pixel < pixels->count; pixel++) {
    float color[3] = {}, opacity = 0;
    for (int part = 0; part < num_rays; part++) {
      trace(*grid, *pixels, pixel, part, samples + part * SCENE_SAMPLES, traced[part]);
      for (int c = 0; c < 3; c++) color[c] += share * traced[part].color[c];
      opacity += share * traced[part].opacity;
    }
    const float* wanted = target->color + 4 * pixel;
    float slope[3], opacity_slope = 0;
    for (int c = 0; c < 3; c++) {
      float error = color[c] - wanted[c];
      if (!target->has_alpha) error += (1 - opacity) * target->background[c];
      total += error * error;
      slope[c] = 2 * target->factor * share * error;
      if (!target->has_alpha) opacity_slope -= target->background[c] * slope[c];
    }
    if (target->has_alpha) {
      const float error = opacity - wanted[3];
      total += error * error;
      opacity_slope = 2 * target->factor * share * error;
    }
    for (int part = 0; part < num_rays; part++)
      if (traced[part].num_samples)
        trace_back(*grid, traced[part], samples + part * SCENE_SAMPLES, slope, opacity_slope, *found);
  }
  return total;
}

// whether any ray of a pixel meets an occupied cell
void hits(const SceneGrid* grid, const ScenePixels* pixels, uint8_t* found) {
  const int num_rays = pixels->side * pixels->side;
  for (int64_t pixel = 0; pixel < pixels->count; pixel++) {
    found[pixel] = 0;
    for (int part = 0; part < num_rays && !found[pixel]; part++) {
      const Ray ray = ray_of(*grid, *pixels, pixel, part, 0);
      march(*grid, ray, 0.5f, [&](float, const float*, const int*) {
        found[pixel] = 1;
        return false;
      });
    }
  }
}

// of each cell, the largest weight that a sample in it has in its ray
void weights(const SceneGrid* grid, const ScenePixels* pixels, float* largest) {
  const int num_rays = pixels->side * pixels->side;
  for (int64_t pixel = 0; pixel < pixels->count; pixel++) {
    for (int part = 0; part < num_rays; part++) {
      const Ray ray = ray_of(*grid, *pixels, pixel, part, 0);
      float passing = 1;
      march(*grid, ray, 0.5f, [&](float, const float* place, const int* cell) {
        const float left = passed(raw_density(*grid, support(*grid, place, cell)), grid->step * grid->scale);
        float& found = largest[(int64_t{cell[0]} * grid->cells[1] + cell[1]) * grid->cells[2] + cell[2]];
        found = most(found, passing * (1 - left));
        passing *= left;
        return passing >= SCENE_LEAST;
      });
    }
  }
}

}  // namespace

const SceneVariant LIGEIA_SCENE_VARIANT = {render, gradient, hits, weights};
