// What is told of a cut body: the wall around a cavity, and the sides that a scan has left out.
#include <math.h>
#include <mujoco/mujoco.h>

#include "generators/twin/edit_work.h"

enum { GRID = 9 };

// The nearest of all solids' surfaces along a ray.
static double first_hit(const loomEditBody* body, const double from[3], const double dir[3]) {
  double best = INFINITY;
  for (int s = 0; s < body->nsolid; s++) best = fmin(best, loom_mesh_ray(&body->solid[s].mesh, from, dir));
  return best;
}

// Point (i, j) of a grid on a side of a box.
static void side_point(double out[3], const loomCutBox* box, int side, int i, int j) {
  int axis = side / 2, u = (axis + 1) % 3, v = (axis + 2) % 3;
  double at[3], c = cos(box->yaw), s = sin(box->yaw);
  at[axis] = side % 2 ? box->high[axis] : box->low[axis];
  at[u] = box->low[u] + (i + 0.5) / GRID * (box->high[u] - box->low[u]);
  at[v] = box->low[v] + (j + 0.5) / GRID * (box->high[v] - box->low[v]);

  out[0] = c * at[0] - s * at[1];
  out[1] = s * at[0] + c * at[1];
  out[2] = at[2];
}

// From a side outwards: the skin that was cut there, and as far as the next one it is wall. What begins
// further off is another wall, behind air.
static double wall_at(const loomEditBody* body, const double from[3], const double out[3]) {
  const double at_once = 1e-5, beyond = 2e-5;
  double start[3], on[3];
  mju_addScl3(start, from, out, -at_once);
  double first = first_hit(body, start, out);

  if (first > 2 * at_once) return 0;
  mju_addScl3(on, from, out, beyond);
  double next = first_hit(body, on, out);

  // Divided along the cavity's other sides, a wall goes on in the next solid.
  double wall = isfinite(next) ? next + beyond : 0;
  for (int k = 0; k < 8 && isfinite(next); k++) {
    double ahead[3];
    mju_addScl3(ahead, from, out, wall + beyond);
    mju_addScl3(start, from, out, wall - at_once);
    bool inside = false;
    for (int s = 0; s < body->nsolid; s++)
      inside = inside || loom_mesh_winding(&body->solid[s].mesh, ahead) > 0.5;
    if (!inside) break;
    next = first_hit(body, ahead, out);
    if (isfinite(next)) wall += next + beyond;
  }

  return wall;
}

void loom_edit_wall(loomTwinWall* out, const loomEditBody* body, const loomCutBox* box) {
  mju_copy3(out->low, box->low);
  mju_copy3(out->high, box->high);
  for (int side = 0; side < LOOM_BOX_SIDES; side++) {
    loomPlane plane = loom_cut_box_side(box, side);
    double least = INFINITY;
    int open = 0;
    for (int i = 0; i < GRID * GRID; i++) {
      double from[3];
      side_point(from, box, side, i / GRID, i % GRID);
      double wall = wall_at(body, from, plane.normal);
      open += !(wall > 0);
      if (wall > 0) least = fmin(least, wall);
    }
    out->thickness[side] = isfinite(least) ? least : 0;
    out->open[side] = (double)open / (GRID * GRID);
  }
}

double loom_edit_cover(const loomEditBody* body, int side) {
  loomCutBox box = {.yaw = 0};
  loom_edit_bounds(box.low, box.high, body, 0);
  loomPlane plane = loom_cut_box_side(&box, side);
  double in[3], depth = (box.high[side / 2] - box.low[side / 2]) / 4;
  int hit = 0;
  mju_scl3(in, plane.normal, -1);
  for (int i = 0; i < GRID * GRID; i++) {
    double from[3];
    side_point(from, &box, side, i / GRID, i % GRID);
    mju_addToScl3(from, plane.normal, 1e-4);
    hit += first_hit(body, from, in) < depth;
  }

  return (double)hit / (GRID * GRID);
}
