// The samples of a ray: a lattice of its own, over which it leaps where cells are empty.
#pragma once
#include <math.h>

#include "../vector.h"
#include "scenes.h"

namespace {

// Where a ray is straight; lengths are along all of it.
struct Piece {
  float from, first, last;  // where the origin is, and where the piece is within the box, in units of length
  float origin[3];          // in cells
  float direction[3];       // in cells per unit of length
  float inverse[3];
  float ratio, ratio_slope;        // distance over r, as below, at the origin and per unit of length
  float nearness, nearness_slope;  // 1/r
};

struct Ray {
  Piece pieces[SCENE_PIECES];
  int num_pieces;
  float heading[3];  // of length 1, in the scene
};

// fminf and fmaxf are calls, for what they say of NaN
INLINE float least(float a, float b) { return a < b ? a : b; }
INLINE float most(float a, float b) { return a > b ? a : b; }

INLINE float uniform(uint32_t bits) { return (bits >> 8) * 0x1p-24f; }

INLINE void set_line(Piece& piece, const float* origin, const float* direction) {
  for (int a = 0; a < 3; a++) {
    float step = direction[a];
    if (step < 1e-12f && step > -1e-12f) step = 1e-12f;  // parallel to a side
    piece.origin[a] = origin[a];
    piece.direction[a] = step;
    piece.inverse[a] = 1 / step;
  }
}

// An end of a piece in contracted space: in half sides of the scene from its middle, and 1/r and distance/r, which are
// linear along the piece.
struct End {
  float place[3];
  float nearness, ratio;
};

// Where a line from `begin` is at a distance that may be infinite, if number `largest` is the largest of
// x, y, z, -x, -y, -z and 1.
INLINE End end_of(const float* begin, const float* step, int largest, float at) {
  const bool is_far = at == INFINITY;
  const int axis = largest % 3;
  const float sign = largest < 3 ? 1.f : -1.f;
  End end;
  for (int a = 0; a < 3; a++) end.place[a] = is_far ? step[a] : begin[a] + at * step[a];
  const float inverse = largest < 6 ? 1 / (sign * end.place[axis]) : 1;
  end.nearness = is_far ? 0 : inverse;
  end.ratio = is_far ? inverse : at * inverse;
  for (int a = 0; a < 3; a++) end.place[a] *= inverse;
  if (largest < 6) end.place[axis] = sign * (2 - end.nearness);
  return end;
}

// The pieces of a line in contracted space (ligeia.kernels.scenes has the source); `origin` and `direction` are in
// cells, uncontracted. A quarter of the cells is half a side of the scene.
INLINE void contract(const SceneGrid& grid, const float* origin, const float* direction, Ray& ray) {
  float begin[3], step[3], value[7], slope[7];
  int largest = 6;
  value[6] = 1;
  slope[6] = 0;
  for (int a = 0; a < 3; a++) {
    const float quarter = 0.25f * grid.cells[a];
    begin[a] = origin[a] / quarter - 2;
    step[a] = direction[a] / quarter;
    value[a] = begin[a];
    value[a + 3] = -begin[a];
    slope[a] = step[a];
    slope[a + 3] = -step[a];
  }
  for (int i = 0; i < 6; i++)
    if (value[i] > value[largest]) largest = i;
  float at = 0, whole = 0;
  ray.num_pieces = 0;
  while (ray.num_pieces < SCENE_PIECES) {
    float until = INFINITY;
    int following = largest;
    for (int i = 0; i < 7; i++) {
      if (!(slope[i] > slope[largest])) continue;
      const float gap = value[largest] - value[i] + at * (slope[largest] - slope[i]);
      const float crossing = at + most(gap, 0) / (slope[i] - slope[largest]);
      if (crossing < until) {
        until = crossing;
        following = i;
      }
    }
    const End begins = end_of(begin, step, largest, at), ends = end_of(begin, step, largest, until);
    float place[3], way[3], square = 0;
    for (int a = 0; a < 3; a++) {
      const float quarter = 0.25f * grid.cells[a];
      place[a] = (begins.place[a] + 2) * quarter;
      way[a] = (ends.place[a] - begins.place[a]) * quarter;
      square += way[a] / grid.per_unit[a] * (way[a] / grid.per_unit[a]);
    }
    const float length = root(square);
    Piece& piece = ray.pieces[ray.num_pieces];
    piece.from = piece.first = whole;
    whole += length;
    piece.last = whole;
    if (piece.last > piece.first) {
      const float inverse = 1 / length;
      for (int a = 0; a < 3; a++) way[a] *= inverse;
      set_line(piece, place, way);
      piece.ratio = begins.ratio;
      piece.nearness = begins.nearness;
      piece.ratio_slope = (ends.ratio - begins.ratio) * inverse;
      piece.nearness_slope = (ends.nearness - begins.nearness) * inverse;
      ray.num_pieces++;
    }
    if (until == INFINITY) return;
    at = until;
    largest = following;
  }
}

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
  float origin[3], direction[3];
  for (int a = 0; a < 3; a++) {
    ray.heading[a] *= size;
    origin[a] = (pixels.origin[3 * pixel + a] - grid.low[a]) * grid.per_unit[a];
    direction[a] = ray.heading[a] * grid.per_unit[a];
  }
  if (grid.is_contracted) {
    contract(grid, origin, direction, ray);
    return ray;
  }
  Piece& all = ray.pieces[0];
  ray.num_pieces = 1;
  all.from = all.first = 0;
  all.last = INFINITY;
  all.ratio = all.nearness_slope = 0;
  all.ratio_slope = all.nearness = 1;
  set_line(all, origin, direction);
  for (int a = 0; a < 3; a++) {
    const float near = -origin[a] * all.inverse[a], far = (grid.cells[a] - origin[a]) * all.inverse[a];
    all.first = most(all.first, least(near, far));
    all.last = least(all.last, most(near, far));
  }
  return ray;
}

// Calls sample(distance along the ray, place in cells, cell) for each sample in an occupied cell, in order, until it
// returns false.
template <class Sample>
INLINE void march(const SceneGrid& grid, const Ray& ray, float offset, const Sample& sample) {
  const float per_step = 1 / grid.step, first = ray.pieces[0].first;
  int64_t k = 0;
  for (int number = 0; number < ray.num_pieces; number++) {
    const Piece& piece = ray.pieces[number];
    for (;;) {
      const float length = first + (k + offset) * grid.step;
      if (!(length < piece.last)) break;
      const float t = length - piece.from;
      float place[3];
      int cell[3];
      for (int a = 0; a < 3; a++) {
        place[a] = piece.origin[a] + t * piece.direction[a];
        const int whole = static_cast<int>(place[a]);  // rounding may leave the box by a hair
        cell[a] = whole < 0 ? 0 : whole >= grid.cells[a] ? grid.cells[a] - 1 : whole;
      }
      const int64_t at = (int64_t{cell[0]} * grid.cells[1] + cell[1]) * grid.cells[2] + cell[2];
      const int distance = grid.distance[at];
      if (distance == 0) {
        const float far = (piece.ratio + t * piece.ratio_slope) / (piece.nearness + t * piece.nearness_slope);
        if (!sample(far, place, cell)) return;
        k++;
        continue;
      }
      float exit = piece.last - piece.from;  // of the cube that is empty for sure
      for (int a = 0; a < 3; a++) {
        const float side = piece.direction[a] > 0 ? cell[a] + distance : cell[a] - distance + 1;
        exit = least(exit, (side - piece.origin[a]) * piece.inverse[a]);
      }
      const float ahead = (exit + piece.from - first) * per_step - offset;
      const int64_t next = static_cast<int64_t>(ahead) + (ahead > 0);  // the first sample beyond
      k = next > k ? next : k + 1;
    }
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
