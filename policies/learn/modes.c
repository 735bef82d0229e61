#include "policies/learn/modes.h"

const char* const loom_toy_names[] = {[LOOM_TOY_RING] = "ring", [LOOM_TOY_GRID] = "grid", NULL};

loomModes loom_toy_modes(loomToy toy) {
  const double turn = 6.28318530717958647693;
  loomModes ring = {.n = 8, .deviation = 0.01, .extent = 1.5};
  loomModes grid = {.n = 25, .deviation = 0.05, .extent = 5};

  for (int i = 0; i < ring.n; i++) {
    ring.center[i][0] = cos(turn * i / ring.n);
    ring.center[i][1] = sin(turn * i / ring.n);
  }
  for (int i = 0; i < grid.n; i++) {
    int column = i / 5, row = i % 5;
    grid.center[i][0] = 2 * column - 4;
    grid.center[i][1] = 2 * row - 4;
  }
  return toy == LOOM_TOY_RING ? ring : grid;
}

void loom_modes_draw(loomReal* out, const loomModes* modes, int n, loomRandom* random) {
  for (int i = 0; i < n; i++) {
    const double* center = modes->center[loom_random_index(random, modes->n)];
    for (int j = 0; j < 2; j++)
      out[2 * i + j] = (loomReal)(center[j] + modes->deviation * loom_random_normal(random));
  }
}

// The nearest mode, and how far it is.
static int nearest(double* distance, const loomModes* modes, const loomReal sample[2]) {
  int best = 0;
  *distance = INFINITY;

  for (int i = 0; i < modes->n; i++) {
    double off = hypot((double)sample[0] - modes->center[i][0], (double)sample[1] - modes->center[i][1]);
    if (!(off < *distance)) continue;
    *distance = off;
    best = i;
  }
  return best;
}

void loom_modes_look(loomModeLook* look, const loomModes* modes, const loomReal* samples, int n) {
  int near = 0;
  *look = (loomModeLook){.reverse_kl = log(modes->n)};

  for (int i = 0; i < n; i++) {
    double distance;
    int mode = nearest(&distance, modes, samples + 2 * i);
    if (!(distance < 3 * modes->deviation)) continue;
    look->count[mode]++;
    near++;
  }

  // Sum of q log(q / (1 / n)) = log n + sum of q log q, over the good samples alone.
  for (int i = 0; i < modes->n; i++) {
    double share = near ? (double)look->count[i] / near : 0;
    if (!(share > 0)) continue;
    look->recovered++;
    look->reverse_kl += share * log(share);
  }
  look->quality = n ? (double)near / n : 0;
}
