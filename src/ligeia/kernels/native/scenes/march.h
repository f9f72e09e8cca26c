// The samples of a ray: a lattice of its own, over which it leaps where cells are empty.
#pragma once
#include <math.h>

#include "../vector.h"
#include "scenes.h"

namespace {

struct Ray {
  float origin[3];     // in cells
  float direction[3];  // in cells per unit of length
  float inverse[3];
  float heading[3];   // of length 1, in the scene
  float first, last;  // within the box, in units of length
};

// fminf and fmaxf are calls, for what they say of NaN
INLINE float least(float a, float b) { return a < b ? a : b; }
INLINE float most(float a, float b) { return a > b ? a : b; }

INLINE float uniform(uint32_t bits) { return (bits >> 8) * 0x1p-24f; }

// ray number `part` of a pixel; `random` is its own number
INLINE Ray ray_of(const SceneGrid& grid, const ScenePixels& pixels, int64_t pixel, int part, uint32_t random) {
  const int side = pixels.side;
  float right = 0.5f, down = 0.5f;
  if (pixels.is_jittered) {
    right = uniform(scrambled(random ^ 0x9e3779b9u));
    down = uniform(scrambled(random ^ 0x85ebca6bu));
  }
  right = (part % side + right) / side - 0.5f;
  down = (part / side + down) / side - 0.5f;
  Ray ray;
  float square = 0;
  for (int a = 0; a < 3; a++) {
    const int64_t at = 3 * pixel + a;
    ray.heading[a] = pixels.direction[at] + right * pixels.right[at] + down * pixels.down[at];
    square += ray.heading[a] * ray.heading[a];
  }
  const float size = 1 / root(square);
  ray.first = 0;
  ray.last = INFINITY;
  for (int a = 0; a < 3; a++) {
    ray.heading[a] *= size;
    ray.origin[a] = (pixels.origin[3 * pixel + a] - grid.low[a]) * grid.per_unit[a];
    float step = ray.heading[a] * grid.per_unit[a];
    if (step < 1e-12f && step > -1e-12f) step = 1e-12f;  // parallel to a side
    ray.direction[a] = step;
    ray.inverse[a] = 1 / step;
    const float near = -ray.origin[a] * ray.inverse[a], far = (grid.cells[a] - ray.origin[a]) * ray.inverse[a];
    ray.first = most(ray.first, least(near, far));
    ray.last = least(ray.last, most(near, far));
  }
  return ray;
}

// Calls sample(distance along the ray, place in cells, cell) for each sample in an occupied cell, in order, until it
// returns false.
template <class Sample>
INLINE void march(const SceneGrid& grid, const Ray& ray, float offset, const Sample& sample) {
  const float per_step = 1 / grid.step;
  int64_t k = 0;
  for (;;) {
    const float t = ray.first + (k + offset) * grid.step;
    if (!(t < ray.last)) return;
    float place[3];
    int cell[3];
    for (int a = 0; a < 3; a++) {
      place[a] = ray.origin[a] + t * ray.direction[a];
      const int whole = static_cast<int>(place[a]);  // rounding may leave the box by a hair
      cell[a] = whole < 0 ? 0 : whole >= grid.cells[a] ? grid.cells[a] - 1 : whole;
    }
    const int64_t at = (int64_t{cell[0]} * grid.cells[1] + cell[1]) * grid.cells[2] + cell[2];
    const int distance = grid.distance[at];
    if (distance == 0) {
      if (!sample(t, place, cell)) return;
      k++;
      continue;
    }
    float exit = INFINITY;  // of the cube that is empty for sure
    for (int a = 0; a < 3; a++) {
      const float side = ray.direction[a] > 0 ? cell[a] + distance : cell[a] - distance + 1;
      exit = least(exit, (side - ray.origin[a]) * ray.inverse[a]);
    }
    const float ahead = (exit - ray.first) * per_step - offset;
    const int64_t next = static_cast<int64_t>(ahead) + (ahead > 0);  // the first sample beyond
    k = next > k ? next : k + 1;
  }
}

// Where a place in an occupied cell finds its density: weights of three nodes along each axis, the first node.
struct Support {
  float weight[3][3];
  int64_t node;
};

INLINE Support support(const SceneGrid& grid, const float* place, const int* cell) {
  Support found;
  int first[3];
  for (int a = 0; a < 3; a++) {
    const float within = place[a] - cell[a];
    const int nearest = cell[a] + (within >= 0.5f);
    const float t = place[a] - nearest;
    found.weight[a][0] = 0.5f * (0.5f - t) * (0.5f - t);
    found.weight[a][1] = 0.75f - t * t;
    found.weight[a][2] = 0.5f * (0.5f + t) * (0.5f + t);
    first[a] = nearest;  // the arrays have a node more on each side
  }
  found.node = (int64_t{first[0]} * (grid.cells[1] + 3) + first[1]) * (grid.cells[2] + 3) + first[2];
  return found;
}

INLINE float raw_density(const SceneGrid& grid, const Support& at) {
  const int64_t line = grid.cells[2] + 3, slab = (grid.cells[1] + 3) * line;
  float total = 0;
  UNROLL for (int x = 0; x < 3; x++) {
    UNROLL for (int y = 0; y < 3; y++) {
      const float* p = grid.raw + at.node + x * slab + y * line;
      total += at.weight[0][x] * at.weight[1][y] *
               (at.weight[2][0] * p[0] + at.weight[2][1] * p[1] + at.weight[2][2] * p[2]);
    }
  }
  return total;
}

INLINE void add_raw_gradient(const SceneGrid& grid, const Support& at, float slope, float* gradient) {
  const int64_t line = grid.cells[2] + 3, slab = (grid.cells[1] + 3) * line;
  UNROLL for (int x = 0; x < 3; x++) {
    UNROLL for (int y = 0; y < 3; y++) {
      float* p = gradient + at.node + x * slab + y * line;
      const float w = slope * at.weight[0][x] * at.weight[1][y];
      p[0] += w * at.weight[2][0];
      p[1] += w * at.weight[2][1];
      p[2] += w * at.weight[2][2];
    }
  }
}

// The rows at the eight corners of a cell, and their weights.
struct Corners {
  int32_t row[8];
  float weight[8];
};

INLINE Corners corners(const SceneGrid& grid, const float* place, const int* cell) {
  const int64_t line = grid.cells[2] + 3, slab = (grid.cells[1] + 3) * line;
  const int64_t node = (cell[0] + 1) * slab + (cell[1] + 1) * line + cell[2] + 1;
  float w[3][2];
  for (int a = 0; a < 3; a++) {
    w[a][1] = place[a] - cell[a];
    w[a][0] = 1 - w[a][1];
  }
  Corners found;
  UNROLL for (int c = 0; c < 8; c++) {
    found.row[c] = grid.row[node + (c >> 2) * slab + (c >> 1 & 1) * line + (c & 1)];
    found.weight[c] = w[0][c >> 2] * w[1][c >> 1 & 1] * w[2][c & 1];
  }
  return found;
}

}  // namespace
