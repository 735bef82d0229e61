// Where a twin's room, table, robots and objects stand.
#include <math.h>

#include "generators/twin/twin_part.h"

// m. Robots stand as in other scenes, 0.66 from a table's middle that is 0.4 deep, their bases above its
// top; the arms' own room is about the middle.
static const double table_top = 0.8, table_half = 0.4, robot_away = 0.26, robot_up = 0.112, apart = 0.05,
                    arms_half = 0.3, reach = 0.84, bulky_radius = 0.15, bulky_height = 0.25;

static loomTwinSpot measure_spot(const loomTwinPart* part) {
  loomTwinSpot spot = {.height = part->told.size[2]};
  for (int v = 0; v < part->surface.nvert; v++)
    spot.radius =
        fmax(spot.radius, hypot(part->surface.pos[3 * (size_t)v], part->surface.pos[3 * (size_t)v + 1]));
  return spot;
}

static bool bulky(const loomTwinSpot* spot) {
  return spot->radius > bulky_radius || spot->height > bulky_height;
}

static void outline_bounds(double low[2], double high[2], const loomTop* top) {
  for (int k = 0; k < 2; k++) low[k] = high[k] = top->outline[k];
  for (int i = 0; i < 2 * top->n; i++) {
    low[i % 2] = fmin(low[i % 2], top->outline[i]);
    high[i % 2] = fmax(high[i % 2], top->outline[i]);
  }
}

// The largest table of a room comes to the middle; without one the room's +x side stands before the robots.
static void place_room(loomTwinLayout* out, const loomTwinPart* room, double edge[2]) {
  double low[3], high[3];
  for (int i = 0; i < room->ntop; i++) {
    const loomTop* top = &room->top[i];
    if (top->z < 0.4 || top->z > 1.1) continue;
    outline_bounds(low, high, top);
    for (int k = 0; k < 2; k++) {
      out->room[k] = -(low[k] + high[k]) / 2;
      edge[k] = (high[k] - low[k]) / 2;
    }
    out->top = top->z;
    return;
  }

  // What stands on the floor, whose triangles lie around it.
  bool any = false;
  for (int v = 0; v < room->surface.nvert; v++) {
    const double* p = room->surface.pos + 3 * (size_t)v;
    if (p[2] < 0.05) continue;
    for (int k = 0; k < 2; k++) {
      low[k] = any ? fmin(low[k], p[k]) : p[k];
      high[k] = any ? fmax(high[k], p[k]) : p[k];
    }
    any = true;
  }
  if (any) {
    out->room[0] = -high[0] - arms_half;
    out->room[1] = -(low[1] + high[1]) / 2;
  }
  out->top = 0;
  edge[0] = edge[1] = table_half;
}

// Small ones side by side in the middle, where both hands come.
static void place_small(loomTwinLayout* out, int n) {
  double all = -apart, x = 0;
  for (int i = 0; i < n; i++)
    if (!bulky(&out->spot[i])) all += 2 * out->spot[i].radius + apart;

  x = -all / 2;
  for (int i = 0; i < n; i++) {
    loomTwinSpot* spot = &out->spot[i];
    if (bulky(spot)) continue;
    spot->pos[0] = x + spot->radius;
    x += 2 * spot->radius + apart;
  }
}

// Large ones beyond the arms, to the right and left in turn; edge[0] grows with them where a table is made.
// In a room what its table has no place for stands on the floor beyond everything.
static void place_bulky(loomTwinLayout* out, int n, double edge[2], double beyond) {
  double side[2] = {arms_half, arms_half};
  for (int i = 0; i < n; i++) {
    loomTwinSpot* spot = &out->spot[i];
    if (!bulky(spot)) continue;

    int s = side[1] < side[0];
    double x = side[s] + spot->radius;
    if (spot->radius < 0.75 && (out->table || x + spot->radius < edge[0])) {
      spot->pos[0] = s ? -x : x;
      side[s] = x + spot->radius + apart;
      continue;
    }
    spot->pos[0] = beyond + spot->radius;
    spot->pos[2] = 0;
    beyond += 2 * spot->radius + apart;
  }

  double widest = fmax(side[0], side[1]);
  for (int i = 0; out->table && i < n; i++) {
    const loomTwinSpot* spot = &out->spot[i];
    if (spot->pos[2] < out->top) continue;
    widest = fmax(widest, fabs(spot->pos[0]) + spot->radius + apart);
    if (bulky(spot)) edge[1] = fmax(edge[1], fmin(spot->radius, 0.55) + apart);
  }
  if (out->table && widest > edge[0]) edge[0] = widest;
}

void loom_twin_place(loomTwinLayout* out, const loomTwinWork* work) {
  bool room = work->part[0].told.scene;
  int first = room, n = work->out->n - first;
  double edge[2] = {table_half, table_half}, low[3], high[3], beyond = 3;
  *out = (loomTwinLayout){.top = table_top, .table = !room};

  if (room) {
    place_room(out, &work->part[0], edge);
    loom_mesh_bounds(low, high, &work->part[0].surface);
    beyond = fmax(beyond, high[0] + out->room[0] + 0.3);
  }
  for (int i = 0; i < n; i++) {
    out->spot[i] = measure_spot(&work->part[first + i]);
    out->spot[i].pos[2] = out->top;
  }
  place_small(out, n);
  place_bulky(out, n, edge, beyond);
  for (int k = 0; k < 2; k++) out->half[k] = edge[k];

  // Face to face, no further apart than their arms reach.
  double away = fmin(fmax(edge[1], table_half) + robot_away, 0.7);
  for (int r = 0; r < 2; r++) {
    out->robot[r][1] = r ? away : -away;
    out->robot[r][2] = out->top + robot_up;
  }

  for (int i = 0; i < n; i++) {
    loomTwinSpot* spot = &out->spot[i];
    double off = hypot(hypot(spot->pos[0], away), out->robot[0][2] + 0.33 - spot->pos[2]);
    spot->reach = off - spot->radius < reach;
  }
}
