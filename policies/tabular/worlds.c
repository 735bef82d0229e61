#include "policies/tabular/worlds.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/random.h"

enum { LARGEST = 1 << 20 };  // states

static const char* const kinds[] = {"cliff:", "grid:", "objectworld:", "random:"};

bool loom_world_is(const char* spec) {
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (!strncmp(spec, kinds[i], strlen(kinds[i]))) return true;
  return false;
}

// ---- what grids share

static int clamp_to(int x, int n) {
  return x < 0 ? 0 : x >= n ? n - 1 : x;
}

static int add_names(loomNames* names, const char* const* list, int n) {
  int code = 0;
  for (int i = 0; i < n && !code; i++) code = loom_names_add(names, list[i]);
  return code;
}

// States are named by row and column, and start anywhere.
static int begin_grid(loomMdpDraft* d, int height, int width, const char* const* actions, int n,
                      loomError* err) {
  loomMdp* m = &d->mdp;
  m->states = height * width;
  m->actions = n;
  m->gamma = 1;
  int code = loom_draft_begin(d, err);
  if (code) return code;

  for (int s = 0; s < m->states && !code; s++) {
    char name[32];
    snprintf(name, sizeof name, "%d,%d", s / width, s % width);
    m->start[s] = 1.0 / m->states;
    code = loom_names_add(&m->state_name, name);
  }
  if (!code) code = add_names(&m->action_name, actions, n);
  return code ? loom_error_set(err, LOOM_ERR_MEMORY, "no memory") : 0;
}

static int add_feature(loomMdpDraft* d, int state, int feature, loomError* err) {
  return loom_draft_add(d, &d->feature, (loomMdpEntry){state, -1, -1, feature, 1}, err);
}
static int add_reward(loomMdpDraft* d, int state, double value, loomError* err) {
  return loom_draft_add(d, &d->reward, (loomMdpEntry){state, -1, -1, -1, value}, err);
}
static int add_step(loomMdpDraft* d, int state, int action, int next, double p, loomError* err) {
  return loom_draft_add(d, &d->transition, (loomMdpEntry){state, action, next, -1, p}, err);
}

// ---- cliff

static int make_cliff(loomMdpDraft* d, int width, int height, loomError* err) {
  static const char* const actions[4] = {"up-left", "up-right", "down-left", "down-right"};
  static const char* const features[3] = {"default", "cliff", "goal"};
  static const double rewards[3] = {-1, -10, 10};
  const double wind = 0.3;
  int code = begin_grid(d, height, width, actions, 4, err);
  d->mdp.features = 3;
  if (!code && add_names(&d->mdp.feature_name, features, 3))
    code = loom_error_set(err, LOOM_ERR_MEMORY, "no memory");

  for (int s = 0; s < width * height && !code; s++) {
    int row = s / width, col = s % width;
    int kind = row || !col ? 0 : col == width - 1 ? 2 : 1;
    code = add_feature(d, s, kind, err);
    if (!code) code = add_reward(d, s, rewards[kind], err);

    // Row 0 is the cliff's, and where the wind blows to.
    for (int a = 0; a < 4 && !code; a++) {
      int to = row + (a < 2 ? -1 : 1), side = clamp_to(col + (a % 2 ? 1 : -1), width);
      code = add_step(d, s, a, clamp_to(to, height) * width + side, 1 - wind, err);
      if (!code) code = add_step(d, s, a, clamp_to(to - 1, height) * width + side, wind, err);
    }
  }
  return code;
}

// ---- grids of four moves, and five

// A move that goes as meant, but `slip` of the time any of the n ways.
static int add_moves(loomMdpDraft* d, int side, int n, double slip, loomError* err) {
  static const int move[5][2] = {{-1, 0}, {1, 0}, {0, -1}, {0, 1}, {0, 0}};
  int code = 0;
  for (int s = 0; s < side * side; s++) {
    for (int a = 0; a < n; a++) {
      for (int b = 0; b < n && !code; b++) {
        int to = clamp_to(s / side + move[b][0], side) * side + clamp_to(s % side + move[b][1], side);
        code = add_step(d, s, a, to, (a == b ? 1 - slip : 0) + slip / n, err);
      }
    }
  }
  return code;
}
static const char* const moves[5] = {"up", "down", "left", "right", "stay"};

static int make_grid(loomMdpDraft* d, int side, int cell, uint64_t seed, loomError* err) {
  int across = side / cell, n = across * across;
  loomRandom random = loom_random(seed, 0, LOOM_PURPOSE_WORLD);
  double* weight = calloc((size_t)n, sizeof *weight);
  int code = weight ? begin_grid(d, side, side, moves, 4, err) : LOOM_ERR_MEMORY;
  if (!weight) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory");

  // A tenth of the macrocells is worth something, at least one; all together 1.
  double sum = 0;
  for (int i = 0; i < n; i++) {
    double pays = loom_random_uniform(&random), much = loom_random_uniform(&random);
    weight[i] = pays < 0.1 ? much : 0;
    sum += weight[i];
  }
  if (sum == 0) sum = weight[loom_random_index(&random, n)] = 1;

  d->mdp.features = n;
  for (int i = 0; i < n && !code; i++) {
    char name[32];
    snprintf(name, sizeof name, "cell %d,%d", i / across, i % across);
    if (loom_names_add(&d->mdp.feature_name, name)) code = loom_error_set(err, LOOM_ERR_MEMORY, "no memory");
  }
  for (int s = 0; s < side * side && !code; s++) {
    int k = s / side / cell * across + s % side / cell;
    code = add_feature(d, s, k, err);
    if (!code) code = add_reward(d, s, weight[k] / sum, err);
  }
  free(weight);
  return code ? code : add_moves(d, side, 4, 0.3, err);
}

// ---- objects

enum { COLORS = 2, NEAR = 10 };  // indicators of distances up to that
typedef struct object {
  int row, col, color[2];  // outside, inside
} object;

// How far the nearest object is that has that color outside (0) or inside (1).
static double distance_to(const object* list, int n, int row, int col, int where, int color) {
  double least = INFINITY;
  for (int i = 0; i < n; i++)
    if (list[i].color[where] == color) least = fmin(least, hypot(list[i].row - row, list[i].col - col));
  return least;
}

static int make_objects(loomMdpDraft* d, int side, uint64_t seed, bool linear, loomError* err) {
  static const char* const places[2] = {"outside", "inside"};
  loomRandom random = loom_random(seed, 0, LOOM_PURPOSE_WORLD);
  int near = side < NEAR ? side : NEAR, code = begin_grid(d, side, side, moves, 5, err);
  object* list = calloc((size_t)side, sizeof *list);
  if (!code && !list) code = loom_error_set(err, LOOM_ERR_MEMORY, "no memory");

  // As many objects as the grid has rows.
  for (int i = 0; i < side && !code; i++)
    list[i] = (object){.row = loom_random_index(&random, side),
                       .col = loom_random_index(&random, side),
                       .color = {loom_random_index(&random, COLORS), loom_random_index(&random, COLORS)}};

  d->mdp.features = 2 * COLORS * near;
  for (int i = 0; i < d->mdp.features && !code; i++) {
    char name[48];
    snprintf(name, sizeof name, "%s color %d within %d", places[i / near / COLORS], i / near % COLORS,
             i % near + 1);
    if (loom_names_add(&d->mdp.feature_name, name)) code = loom_error_set(err, LOOM_ERR_MEMORY, "no memory");
  }

  for (int s = 0; s < side * side && !code; s++) {
    double far[2][COLORS];
    for (int i = 0; i < 2 * COLORS; i++)
      far[i / COLORS][i % COLORS] = distance_to(list, side, s / side, s % side, i / COLORS, i % COLORS);
    for (int i = 0; i < d->mdp.features && !code; i++)
      if (far[i / near / COLORS][i / near % COLORS] <= i % near + 1) code = add_feature(d, s, i, err);

    // Levine's: near the first color it is good to be near the second one too, else bad. The linear one
    // pays for the second everywhere.
    bool first = far[0][0] <= 3, second = far[0][1] <= 2;
    double reward = linear ? (second ? 2 : 0) - (first ? 1 : 0) : first ? (second ? 1 : -1) : 0;
    if (!code) code = add_reward(d, s, reward, err);
  }
  free(list);
  return code ? code : add_moves(d, side, 5, 0.3, err);
}

// ---- random

static int make_random(loomMdpDraft* d, int states, int actions, int features, int terminals, uint64_t seed,
                       loomError* err) {
  loomMdp* m = &d->mdp;
  loomRandom random = loom_random(seed, 0, LOOM_PURPOSE_WORLD);
  double* weight = calloc((size_t)features, sizeof *weight);
  *m = (loomMdp){.states = states, .actions = actions, .features = features, .gamma = 1};
  int code = weight ? loom_draft_begin(d, err) : loom_error_set(err, LOOM_ERR_MEMORY, "no memory");
  for (int k = 0; k < features && !code; k++) weight[k] = loom_random_normal(&random);

  // The last states are the terminal ones.
  for (int s = 0; s < states && !code; s++) {
    double sum = 0;
    m->terminal[s] = s >= states - terminals;
    m->start[s] = 1.0 / states;
    for (int k = 0; k < features && !code; k++) {
      double value = loom_random_normal(&random);
      sum += value * weight[k];
      code = loom_draft_add(d, &d->feature, (loomMdpEntry){s, -1, -1, k, value}, err);
    }
    if (!code) code = add_reward(d, s, sum, err);

    for (int a = 0; a < actions && !m->terminal[s]; a++) {
      double p[3], all = 0;
      for (int i = 0; i < 3; i++) all += p[i] = 0.05 + loom_random_uniform(&random);
      for (int i = 0; i < 3 && !code; i++)
        code = add_step(d, s, a, loom_random_index(&random, states), p[i] / all, err);
    }
  }
  free(weight);
  return code;
}

// ---- by name

static bool in_range(int x, int low, int high) {
  return x >= low && x <= high;
}

// Numbers in the places of #; the whole spec is read, or it is not of that kind.
static bool read_sizes(int* out, const char* spec, const char* pattern) {
  for (; *pattern; pattern++) {
    if (*pattern != '#') {
      if (*spec++ != *pattern) return false;
      continue;
    }

    char* end;
    long size = strtol(spec, &end, 10);
    if (*spec < '0' || *spec > '9' || size > LARGEST) return false;
    *out++ = (int)size;
    spec = end;
  }
  return !*spec;
}

static bool read_random(int size[4], const char* spec) {
  size[3] = 0;
  if (!read_sizes(size, spec, "random:#x#x#") && !read_sizes(size, spec, "random:#x#x#/#")) return false;
  return in_range(size[0], 2, LARGEST) && in_range(size[1], 1, 1024) && in_range(size[2], 1, 4096) &&
         in_range(size[3], 0, size[0] - 1);
}

int loom_world_make(loomMdp* out, const loomWorldDef* def, loomError* err) {
  loomMdpDraft draft = {0};
  int size[4], code;
  const char* spec = def->spec;
  *out = (loomMdp){0};

  if (read_sizes(size, spec, "cliff:#x#") && in_range(size[0], 3, LARGEST) &&
      in_range(size[1], 2, LARGEST / size[0]))
    code = make_cliff(&draft, size[0], size[1], err);
  else if (read_sizes(size, spec, "grid:#/#") && in_range(size[0], 2, 1024) &&
           in_range(size[1], 1, size[0]) && size[0] % size[1] == 0)
    code = make_grid(&draft, size[0], size[1], def->seed, err);
  else if (read_sizes(size, spec, "objectworld:#") && in_range(size[0], 2, 1024))
    code = make_objects(&draft, size[0], def->seed, def->linear, err);
  else if (read_random(size, spec))
    code = make_random(&draft, size[0], size[1], size[2], size[3], def->seed, err);
  else
    code = loom_error_set(err, LOOM_ERR_USAGE,
                          "%s: no such table, or not of that size; there are cliff:WIDTHxHEIGHT (from 3x2), "
                          "grid:SIDE/CELL (CELL divides SIDE), objectworld:SIDE and "
                          "random:STATESxACTIONSxFEATURES[/TERMINALS]",
                          spec);

  if (code) loom_draft_destroy(&draft);
  return code ? code : loom_draft_end(out, &draft, err);
}
