#include "generators/twin/sight.h"

#include <math.h>
#include <mujoco/mujoco.h>
#include <string.h>

#include "engine/base/pose.h"

enum { NUMBERS = 7, ROUNDS = 60 };

/// What is looked for.
typedef struct state {
  double pos[3], quat[4], focal;  // focal: pixels
} state;

/// What it is looked for by.
typedef struct problem {
  const loomSighting* sighting;
  int n;
  double width, height;
  int numbers;  // that are free: 6, or 7 with the focal length
} problem;

// ---- projected

// The point in the camera's frame, and where it is seen.
static bool project(double q[3], double pixel[2], const problem* p, const state* s, const double point[3]) {
  double away[3], back[4];
  mju_sub3(away, point, s->pos);
  mju_negQuat(back, s->quat);
  mju_rotVecQuat(q, away, back);

  if (!(q[2] < -1e-6)) return false;
  pixel[0] = p->width / 2 - s->focal * q[0] / q[2];
  pixel[1] = p->height / 2 + s->focal * q[1] / q[2];
  return true;
}

// The sum of squares, pixels; INFINITY where a point is behind the camera.
static double cost_of(const problem* p, const state* s) {
  double sum = 0, q[3], pixel[2];
  for (int i = 0; i < p->n; i++) {
    if (!project(q, pixel, p, s, p->sighting[i].point)) return INFINITY;
    for (int k = 0; k < 2; k++) {
      double off = pixel[k] - p->sighting[i].pixel[k];
      sum += off * off;
    }
  }
  return sum;
}

// ---- solved

// The normal equations at s: square (numbers x numbers) and right (numbers), of steps of the place (m,
// world), the turn (rad, about the camera's own axes) and the logarithm of the focal length.
static bool normal_equations(double* square, double* right, const problem* p, const state* s) {
  int n = p->numbers;
  double mat[9];
  mju_quat2Mat(mat, s->quat);
  mju_zero(square, n * n);
  mju_zero(right, n);

  for (int i = 0; i < p->n; i++) {
    double q[3], pixel[2];
    if (!project(q, pixel, p, s, p->sighting[i].point)) return false;

    // Of both pixel coordinates by the point in the camera's frame; that point turns by q x w, and goes
    // by -R^T.
    double f = s->focal, z = q[2];
    const double by_point[2][3] = {{-f / z, 0, f * q[0] / (z * z)}, {0, f / z, -f * q[1] / (z * z)}};
    for (int k = 0; k < 2; k++) {
      const double* d = by_point[k];
      double row[NUMBERS], off = pixel[k] - p->sighting[i].pixel[k];
      for (int a = 0; a < 3; a++)
        row[a] = -(mat[3 * a] * d[0] + mat[3 * a + 1] * d[1] + mat[3 * a + 2] * d[2]);
      mju_cross(row + 3, d, q);
      row[6] = pixel[k] - (k ? p->height : p->width) / 2;

      for (int a = 0; a < n; a++) {
        right[a] -= row[a] * off;
        for (int b = 0; b < n; b++) square[n * a + b] += row[a] * row[b];
      }
    }
  }
  return true;
}

static state stepped(const state* s, const double* by, int numbers) {
  state out = *s;
  double turn[4];
  mju_addTo3(out.pos, by);
  loom_quat_exp(turn, by + 3);
  mju_mulQuat(out.quat, s->quat, turn);
  mju_normalize4(out.quat);
  if (numbers == NUMBERS) out.focal *= exp(fmax(-1, fmin(1, by[6])));
  return out;
}

// From a start to the nearest minimum; gives its sum of squares.
static double descend(state* s, const problem* p) {
  double square[NUMBERS * NUMBERS], right[NUMBERS], damped[NUMBERS * NUMBERS], by[NUMBERS];
  double cost = cost_of(p, s), damping = 1e-3;
  int n = p->numbers;

  for (int round = 0; round < ROUNDS && isfinite(cost); round++) {
    if (!normal_equations(square, right, p, s)) return INFINITY;
    bool better = false;
    double before = cost;

    while (!better && damping < 1e12) {
      memcpy(damped, square, sizeof damped);
      for (int a = 0; a < n; a++) damped[(n + 1) * a] += damping * (square[(n + 1) * a] + 1e-12);
      mju_cholFactor(damped, n, 1e-300);
      mju_cholSolve(by, damped, right, n);

      state next = stepped(s, by, n);
      double then = cost_of(p, &next);
      better = then < cost;
      if (better) *s = next;
      if (better) cost = then;
      damping *= better ? 0.2 : 5;
    }
    if (!better || before - cost < 1e-12 * (1 + before)) break;
  }
  return cost;
}

// ---- from where

// How far points lie about their middle.
static double spread_of(double middle[3], const problem* p, bool pixels) {
  int width = pixels ? 2 : 3;
  double sum = 0;
  mju_zero3(middle);
  for (int i = 0; i < p->n; i++)
    for (int k = 0; k < width; k++)
      middle[k] += (pixels ? p->sighting[i].pixel[k] : p->sighting[i].point[k]) / p->n;
  for (int i = 0; i < p->n; i++)
    for (int k = 0; k < width; k++) {
      double off = (pixels ? p->sighting[i].pixel[k] : p->sighting[i].point[k]) - middle[k];
      sum += off * off / p->n;
    }
  return sqrt(sum);
}

// Looking at the middle from a direction, held upright but for `roll`.
static state look_from(const double middle[3], double up, double around, double roll, double distance,
                       double focal) {
  double z[3] = {cos(up) * cos(around), cos(up) * sin(around), sin(up)}, x[3], y[3], mat[9], turn[4];
  const double above[3] = {0, 0, 1}, ahead[3] = {0, 0, 1};
  state s = {.focal = focal};
  mju_cross(x, above, z);
  mju_normalize3(x);
  mju_cross(y, z, x);
  for (int k = 0; k < 3; k++) {
    mat[3 * k] = x[k];
    mat[3 * k + 1] = y[k];
    mat[3 * k + 2] = z[k];
  }

  double level[4];
  mju_mat2Quat(level, mat);
  mju_axisAngle2Quat(turn, ahead, roll);
  mju_mulQuat(s.quat, level, turn);
  mju_addScl3(s.pos, middle, z, distance);
  return s;
}

static double focal_of(double fovy, double height) {
  return height / 2 / tan(fovy * M_PI / 360);
}

// The best of all starts, and what else fits as well.
static double look_around(state* best, state* other, double* other_cost, const problem* p, double fovy) {
  enum { UPS = 5, AROUND = 8, ROLLS = 4 };
  static const double ups[UPS] = {-0.5, 0.2, 0.6, 1.0, 1.45};
  double middle[3], seen[3], cost = INFINITY;
  double size = spread_of(middle, p, false), pixels = spread_of(seen, p, true);
  double focal = focal_of(fovy > 0 ? fovy : 50, p->height), distance = focal * size / fmax(pixels, 1);
  *other_cost = INFINITY;

  for (int i = 0; i < UPS * AROUND * ROLLS; i++) {
    state s = look_from(middle, ups[i % UPS], 2 * M_PI * (i / UPS % AROUND) / AROUND,
                        2 * M_PI * (i / UPS / AROUND) / ROLLS, distance, focal);
    double now = descend(&s, p);
    if (!isfinite(now)) continue;

    bool apart = isfinite(cost) && mju_dist3(s.pos, best->pos) > 0.05 * distance;
    if (now < cost) {
      if (apart) *other = *best;
      if (apart) *other_cost = cost;
      *best = s;
      cost = now;
    } else if (apart && now < *other_cost) {
      *other = s;
      *other_cost = now;
    }
  }
  return cost;
}

// ---- told

static loomSight told(const problem* p, const state* s) {
  loomSight out = {.fovy = 360 / M_PI * atan(p->height / 2 / s->focal)};
  double q[3], pixel[2], sum = 0;
  mju_copy3(out.pos, s->pos);
  mju_copy4(out.quat, s->quat);
  for (int i = 0; i < p->n; i++) {
    project(q, pixel, p, s, p->sighting[i].point);
    double off = hypot(pixel[0] - p->sighting[i].pixel[0], pixel[1] - p->sighting[i].pixel[1]);
    sum += off * off / p->n;
    if (off > out.worst) out.worst_of = i;
    out.worst = fmax(out.worst, off);
  }
  out.rms = sqrt(sum);
  return out;
}

// How far the place goes astray by pixels that are off; below 0 where nothing says where it is.
static double unsure_of(const problem* p, const state* s) {
  double square[NUMBERS * NUMBERS], right[NUMBERS], sum = 0, scale[NUMBERS];
  int n = p->numbers;
  if (!normal_equations(square, right, p, s)) return -1;

  // Each number by its own size, so that what is singular is told from what is small.
  for (int a = 0; a < n; a++) scale[a] = square[(n + 1) * a] > 0 ? 1 / sqrt(square[(n + 1) * a]) : 0;
  for (int a = 0; a < n; a++)
    for (int b = 0; b < n; b++) square[n * a + b] *= scale[a] * scale[b];
  if (mju_cholFactor(square, n, 1e-10) < n) return -1;
  for (int a = 0; a < 3; a++) {
    double unit[NUMBERS] = {0}, column[NUMBERS];
    unit[a] = 1;
    mju_cholSolve(column, square, unit, n);
    sum += column[a] * scale[a] * scale[a];
  }
  return sqrt(sum);
}

int loom_sight_find(loomSight* out, const loomSighting* sighting, int n, double width, double height,
                    double fovy, loomError* err) {
  problem p = {sighting, n, width, height, fovy > 0 ? NUMBERS - 1 : NUMBERS};
  state best = {{0}, {0}, 0}, other = {{0}, {0}, 0};
  double other_cost, middle[3];
  *out = (loomSight){.fovy = fovy};
  if (n < LOOM_SIGHT_LEAST)
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "%d points are too few: a camera needs %d, and is surer by more", n,
                          LOOM_SIGHT_LEAST);
  if (!(spread_of(middle, &p, false) > 1e-6) || !(spread_of(middle, &p, true) > 1e-3))
    return loom_error_set(err, LOOM_ERR_USAGE, "its points are all one");

  double cost = look_around(&best, &other, &other_cost, &p, fovy);
  double unsure = isfinite(cost) ? unsure_of(&p, &best) : 0;
  if (unsure < 0)
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "its points tell too little of where it stood: do they lie on one line%s?",
                          fovy > 0 ? "" : ", or in a plane that it looks at straight on, without `fovy`");
  if (isfinite(cost)) *out = told(&p, &best);
  if (!isfinite(cost) || out->rms > 0.03 * height)
    return loom_error_set(
        err, LOOM_ERR_USAGE,
        "no place of a camera fits its points: at the best they are off by %.0f pixels, number %d "
        "by %.0f; are pixels counted from the upper left corner, and is none mistaken?",
        out->rms, out->worst_of + 1, out->worst);

  // As well, but for the noise of somebody's clicks.
  out->unsure = unsure;
  out->twofold = sqrt(other_cost / n) < 1.5 * out->rms + 0.5;
  mju_copy3(out->other, other.pos);
  return 0;
}

bool loom_sight_see(double pixel[2], const loomSight* sight, const double point[3], double width,
                    double height) {
  problem p = {.width = width, .height = height};
  state s = {.focal = focal_of(sight->fovy, height)};
  double q[3];
  mju_copy3(s.pos, sight->pos);
  mju_copy4(s.quat, sight->quat);
  return project(q, pixel, &p, &s, point);
}
