#include "policies/learn/watch_see.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/statistics.h"

enum { PAIRS = 40 };  // of demos, at most

// ---- sequences

// When each row was seen; of the control in a random order.
static int set_times(watchSequence* s, const loomWatchConfig* c, int number, loomError* err) {
  int rows = s->demo->rows;
  s->time = calloc((size_t)rows, sizeof *s->time);
  if (!s->time) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory to learn");

  for (int i = 0; i < rows; i++) s->time[i] = (double)i / (rows - 1);

  loomRandom random = loom_random((uint64_t)c->seed, (uint64_t)number, LOOM_PURPOSE_SHUFFLE);

  for (int i = rows - 1; c->shuffled && i > 0; i--) {
    int k = loom_random_index(&random, i + 1);
    double t = s->time[i];
    s->time[i] = s->time[k];
    s->time[k] = t;
  }
  for (int i = 0; i < rows; i++)
    if (s->time[i] > s->time[s->last]) s->last = i;
  return LOOM_OK;
}

int loom_watch_sequences(watchSequences* out, const loomWatched* data, const loomWatchConfig* config,
                         loomError* err) {
  int views = data->pictures ? data->pictures : 1, code = LOOM_OK;
  *out = (watchSequences){.at = calloc((size_t)data->demos * (size_t)views, sizeof *out->at)};
  if (!out->at) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory to learn");

  for (int d = 0; !code && d < data->demos; d++)
    for (int v = 0; !code && v < views; v++) {
      watchSequence* s = &out->at[out->n++];
      *s = (watchSequence){.demo = &data->demo[d], .picture = data->pictures ? v : -1};
      code = set_times(s, config, d, err);
    }
  return code;
}

void loom_watch_sequences_destroy(watchSequences* sequences) {
  for (int i = 0; i < sequences->n; i++) free(sequences->at[i].time);
  free(sequences->at);
  *sequences = (watchSequences){0};
}

void loom_watch_put_row(loomWatcher* w, int i, const watchSequence* s, int row) {
  const unsigned char* picture = NULL;
  if (s->picture >= 0) picture = s->demo->picture[s->picture] + (ptrdiff_t)row * w->def.key[0].dim;
  loom_watcher_put(w, i, s->demo->low + (ptrdiff_t)row * w->def.low, &picture);
}

// ---- seen

static int rows_of(const watchSequence* s) {
  return s->demo->rows < LOOM_WATCH_MEASURED ? s->demo->rows : LOOM_WATCH_MEASURED;
}

static int row_at(const watchSequence* s, int i) {
  return (int)((int64_t)i * (s->demo->rows - 1) / (rows_of(s) - 1));
}

// out (n x dim) of rows that were put.
static void see_rows(loomReal* out, const watchSeen* see, int n) {
  loomWatcher* w = see->watcher;
  const loomReal* from = loom_watcher_look(w, n, NULL);
  if (see->plain) from = w->def.pictures ? w->picture[0] : w->input;
  memcpy(out, from, (size_t)n * (size_t)see->dim * sizeof *out);
}

static double distance(const loomReal* a, const loomReal* b, int dim) {
  double sum = 0;

  for (int d = 0; d < dim; d++) sum += ((double)a[d] - (double)b[d]) * ((double)a[d] - (double)b[d]);
  return sqrt(sum);
}

// Where the demos that are learned from end, and how far from there they begin (Zakka et al., 2021, eq. 3).
static int find_goal(watchSeen* see, loomError* err) {
  loomReal* row = calloc((size_t)see->dim, sizeof *row);
  double sum = 0;
  if (!row) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory to measure");

  for (int i = 0; i < see->learns; i++) {
    loom_watch_put_row(see->watcher, 0, &see->learned[i], see->learned[i].last);
    see_rows(row, see, 1);
    for (int d = 0; d < see->dim; d++) see->goal[d] += row[d] / (loomReal)see->learns;
  }
  for (int i = 0; i < see->learns; i++) {
    loom_watch_put_row(see->watcher, 0, &see->learned[i], 0);
    see_rows(row, see, 1);
    sum += distance(row, see->goal, see->dim) / see->learns;
  }
  see->scale = sum > 0 && isfinite(sum) ? 1 / sum : 1;
  free(row);
  return LOOM_OK;
}

int loom_watch_see(watchSeen* see, loomError* err) {
  int n = see->shows;
  see->goal = calloc((size_t)see->dim, sizeof *see->goal);
  see->row = calloc((size_t)n, sizeof *see->row);
  see->demo = calloc((size_t)n, sizeof *see->demo);
  if (!see->goal || !see->row || !see->demo)
    return loom_error_set(err, LOOM_ERR_MEMORY, "no memory to measure");

  for (int i = 0; i < n; i++) {
    const watchSequence* s = &see->shown[i];
    int rows = rows_of(s);
    see->row[i] = calloc((size_t)rows * (size_t)see->dim, sizeof *see->row[i]);
    if (!see->row[i]) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory to measure");
    for (int k = 0; k < rows; k++) loom_watch_put_row(see->watcher, k, s, row_at(s, k));
    see_rows(see->row[i], see, rows);
    see->demo[i] = (loomAlignedDemo){see->row[i], rows};
    int code = loom_watch_measured(see->run, i + 1, n, err);
    if (code) return code;
  }
  return find_goal(see, err);
}

void loom_watch_forget(watchSeen* see) {
  for (int i = 0; see->row && i < see->shows; i++) free(see->row[i]);
  free(see->row);
  free(see->demo);
  free(see->goal);
}

// Scaled distance to the goal along a held-out sequence (rows).
void loom_watch_distances(double* out, const watchSeen* see, int i) {
  for (int k = 0; k < see->demo[i].n; k++)
    out[k] = see->scale * distance(see->row[i] + (ptrdiff_t)k * see->dim, see->goal, see->dim);
}

// Of tcn both cameras of one demo are compared, of the others different demos.
static bool compared(const watchSeen* see, int i, int k) {
  const watchSequence* s = see->shown;
  bool same = s[i].demo == s[k].demo;
  return see->run->config.method == LOOM_WATCH_TCN ? same : !same;
}

int loom_watch_measure(loomWatchLook* out, const watchSeen* see, loomError* err) {
  loomAlignment sum = {0};
  double time[LOOM_WATCH_MEASURED], worth[LOOM_WATCH_MEASURED], progress = 0;
  int n = see->shows, code = LOOM_OK;
  for (int i = 0; !code && i < n; i++)
    for (int k = 0; !code && k < i; k++)
      if (compared(see, i, k) && sum.pairs < 2 * PAIRS)
        code = loom_alignment_add(&sum, &see->demo[i], &see->demo[k], see->dim, err);
  loom_alignment_close(&sum);

  for (int i = 0; i < n; i++) {
    loom_watch_distances(worth, see, i);
    for (int k = 0; k < see->demo[i].n; k++) {
      time[k] = k;
      worth[k] = -worth[k];
    }
    progress += loom_kendall(time, worth, see->demo[i].n) / n;
  }
  *out = (loomWatchLook){sum.tau, sum.cycle, sum.error, progress};
  return code;
}
