#include "engine/draw/pattern.h"

#include <math.h>
#include <stddef.h>

#include "engine/base/random.h"

typedef enum patternKind { CHECKS, STRIPES, CLOUDS, PATTERN_KINDS } patternKind;

enum { GRID = 8 };  // cells of clouds along a side, which meet at the edges

typedef struct pattern {
  patternKind kind;
  double cells, along[2];  // in a side; of stripes, the direction they follow each other in
  double cloud[GRID][GRID];
} pattern;

static pattern draw_pattern(loomRandom* random) {
  pattern p = {.kind = (patternKind)loom_random_index(random, PATTERN_KINDS)};
  p.cells = 2 + loom_random_index(random, 7) * 2;

  double angle = loom_random_range(random, 0, 3.14159265358979323846);
  p.along[0] = cos(angle);
  p.along[1] = sin(angle);
  for (int i = 0; i < GRID; i++)
    for (int j = 0; j < GRID; j++) p.cloud[i][j] = loom_random_uniform(random);
  return p;
}

// Between the values at a cell's corners, without creases.
static double cloud_at(const pattern* p, double x, double y) {
  int i = (int)(y * GRID), j = (int)(x * GRID);
  double u = y * GRID - i, v = x * GRID - j;
  u *= u * (3 - 2 * u);
  v *= v * (3 - 2 * v);

  int below = (i + 1) % GRID, right = (j + 1) % GRID;
  i %= GRID;
  j %= GRID;
  return (1 - u) * ((1 - v) * p->cloud[i][j] + v * p->cloud[i][right]) +
         u * ((1 - v) * p->cloud[below][j] + v * p->cloud[below][right]);
}

// How much of the second color is at a place of the unit square.
static double share_at(const pattern* p, double x, double y) {
  switch (p->kind) {
    case CHECKS:
      return (double)(((int)(x * p->cells) + (int)(y * p->cells)) % 2);
    case STRIPES:
      return (double)((int)floor((x * p->along[0] + y * p->along[1]) * p->cells) & 1);
    default:
      return cloud_at(p, x, y);
  }
}

void loom_pattern_paint(unsigned char* pixels, int width, int height, int channels, uint64_t seed) {
  loomRandom random = loom_random(seed, 0, LOOM_PURPOSE_PATTERN);
  double color[2][3];
  for (int i = 0; i < 2; i++)
    for (int c = 0; c < 3; c++) color[i][c] = loom_random_range(&random, 0, 255);
  pattern p = draw_pattern(&random);

  for (int i = 0; i < height; i++) {
    for (int j = 0; j < width; j++) {
      unsigned char* pixel = pixels + ((ptrdiff_t)i * width + j) * channels;
      double t = share_at(&p, (j + 0.5) / width, (i + 0.5) / height), rgb[3];

      for (int c = 0; c < 3; c++) rgb[c] = color[0][c] + t * (color[1][c] - color[0][c]);
      if (channels < 3) *pixel = (unsigned char)((rgb[0] + rgb[1] + rgb[2]) / 3);
      for (int c = 0; channels >= 3 && c < 3; c++) pixel[c] = (unsigned char)rgb[c];
    }
  }
}
