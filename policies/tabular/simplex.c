#include "policies/tabular/simplex.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define STEADY 1e-12  // of the largest product: what keeps the system from being singular
#define SMALL 1e-13   // and how much better a column has to be to come in

void loom_simplex_destroy(loomSimplex* x) {
  if (!x) return;
  free(x->g);
  free(x->b);
  free(x->a);
  *x = (loomSimplex){0};
}

static int make_room(loomSimplex* x, loomError* err) {
  int room = x->room ? 2 * x->room : 16;
  double* g = calloc((size_t)room * (size_t)room, sizeof *g);
  double* b = g ? realloc(x->b, (size_t)room * sizeof *b) : NULL;

  if (b) x->b = b;
  double* a = b ? realloc(x->a, (size_t)room * sizeof *a) : NULL;
  if (a) x->a = a;
  if (!a) {
    free(g);
    return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for %d policies", room);
  }

  for (int i = 0; i < x->n; i++)
    memcpy(g + (size_t)i * (size_t)room, x->g + (size_t)i * (size_t)x->room, (size_t)x->n * sizeof *g);
  free(x->g);
  x->g = g;
  x->room = room;

  return 0;
}

int loom_simplex_add(loomSimplex* x, const double* product, double b, loomError* err) {
  if (x->n == x->room) {
    int code = make_room(x, err);
    if (code) return code;
  }

  for (int i = 0; i <= x->n; i++) {
    x->g[(size_t)x->n * (size_t)x->room + (size_t)i] = product[i];
    x->g[(size_t)i * (size_t)x->room + (size_t)x->n] = product[i];
  }
  x->a[x->n] = x->n ? 0 : 1;
  x->b[x->n++] = b;

  return 0;
}

static double at(const loomSimplex* x, int i, int k) {
  return x->g[(size_t)i * (size_t)x->room + (size_t)k];
}

static double slope_of(const loomSimplex* x, int i) {
  double sum = -x->b[i];
  for (int k = 0; k < x->n; k++) sum += at(x, i, k) * x->a[k];
  return sum;
}

double loom_simplex_value(const loomSimplex* x) {
  double sum = 0;
  for (int i = 0; i < x->n; i++) sum += x->a[i] * 0.5 * (slope_of(x, i) - x->b[i]);
  return sum;
}

// m (n x n + 1), the right side last: by elimination with pivots; the answer lies where that was.
static void eliminate(double* m, int n) {
  int w = n + 1;

  for (int i = 0; i < n; i++) {
    int best = i;
    for (int k = i + 1; k < n; k++)
      if (fabs(m[k * w + i]) > fabs(m[best * w + i])) best = k;
    for (int k = i; k < w && best != i; k++) {
      double swap = m[i * w + k];
      m[i * w + k] = m[best * w + k];
      m[best * w + k] = swap;
    }
    for (int k = i + 1; k < n; k++) {
      double share = m[k * w + i] / m[i * w + i];
      for (int j = i; j < w && share != 0; j++) m[k * w + j] -= share * m[i * w + j];
    }
  }

  for (int i = n - 1; i >= 0; i--) {
    for (int k = i + 1; k < n; k++) m[i * w + n] -= m[i * w + k] * m[k * w + n];
    m[i * w + n] /= m[i * w + i];
  }
}

// The best mixture of the columns in list, parts below 0 allowed, into out (n). It is drawn a little to the
// mixture that is there (a proximal point): where columns depend on each other that decides between
// mixtures, and repeated it comes to the same as without.
static void mix_freely(double* out, double* m, const loomSimplex* x, const int* list, int n, double steady) {
  int w = n + 2;

  for (int i = 0; i < n; i++) {
    for (int k = 0; k < n; k++) m[i * w + k] = at(x, list[i], list[k]) + (i == k ? steady : 0);
    m[i * w + n] = m[n * w + i] = steady > 1 ? steady : 1;
    m[i * w + n + 1] = x->b[list[i]] + steady * x->a[list[i]];
  }
  m[n * w + n] = 0;
  m[n * w + n + 1] = steady > 1 ? steady : 1;
  eliminate(m, n + 1);
  for (int i = 0; i < n; i++) out[i] = m[i * w + n + 1];
}

// As far towards the free mixture as parts stay above 0; those that come to 0 leave the list. False: all the
// way.
static bool move_to(loomSimplex* x, const double* goal, int* list, int* n) {
  double far = 1;
  int leaves = -1;

  for (int i = 0; i < *n; i++) {
    double here = x->a[list[i]];
    if (goal[i] > 0 || here - goal[i] <= 0) continue;
    double share = here / (here - goal[i]);
    if (leaves < 0 || share < far) {
      far = share;
      leaves = i;
    }
  }

  for (int i = 0; i < *n; i++) {
    double* part = &x->a[list[i]];
    *part = i == leaves ? 0 : *part + far * (goal[i] - *part);
    if (*part < 0) *part = 0;
  }
  int kept = 0;
  for (int i = 0; i < *n; i++)
    if (i != leaves) list[kept++] = list[i];
  *n = kept;

  return leaves >= 0;
}

// Parts sum to 1 in spite of rounding.
static void settle_sum(loomSimplex* x) {
  double sum = 0;
  for (int i = 0; i < x->n; i++) sum += x->a[i];
  for (int i = 0; i < x->n; i++) x->a[i] /= sum;
}

int loom_simplex_solve(loomSimplex* x, loomError* err) {
  size_t side = (size_t)x->n + 2;
  double* m = calloc(side * side + side, sizeof *m);
  int* list = calloc(side, sizeof *list);
  double largest = 0, *goal = m + side * side;

  if (!m || !list) {
    free(m);
    free(list);
    return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a mixture of %d", x->n);
  }
  for (int i = 0; i < x->n; i++) largest = fmax(largest, fmax(at(x, i, i), fabs(x->b[i])));

  for (int turn = 0; turn < 50 * (x->n + 20) && x->n > 1; turn++) {
    // How good each column is: those of the mixture alike, none of the others better.
    int n = 0, enters = -1;
    double mean = 0, least = INFINITY, apart = 0;
    for (int i = 0; i < x->n; i++) mean += x->a[i] > 0 ? x->a[i] * slope_of(x, i) : 0;
    for (int i = 0; i < x->n; i++) {
      double slope = slope_of(x, i);
      if (x->a[i] > 0) {
        apart = fmax(apart, fabs(slope - mean));
        list[n++] = i;
      } else if (slope < least) {
        least = slope;
        enters = i;
      }
    }
    bool better = least < mean - SMALL * largest;
    if (!better && apart <= SMALL * largest) break;
    if (better && apart <= 1e3 * SMALL * largest) list[n++] = enters;

    do mix_freely(goal, m, x, list, n, STEADY * largest);
    while (move_to(x, goal, list, &n));
    settle_sum(x);
  }
  free(m);
  free(list);

  return 0;
}
