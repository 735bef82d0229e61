// Embeddings: of sequences of poses, or of pictures, each camera's a sequence of its own.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/statistics.h"
#include "engine/draw/chart.h"
#include "policies/learn/watch_internal.h"
#include "policies/network/watcher_file.h"
#include "policies/objective/cycle.h"
#include "policies/report/alignment.h"

enum {
  MEASURED = 200,  // rows of a demo, evenly along it, that measures are taken of
  PAIRS = 40,      // of demos, at most
};

/// A demo as one camera shows it, or of poses alone.
typedef struct sequence {
  const loomWatchedDemo* demo;
  int picture;   // -1: none
  double* time;  // (rows) of each, from 0 to 1
  int last;      // the row of time 1
} sequence;

typedef struct embedding {
  loomWatcher watcher;
  int n, held;         // sequences; those of demos kept aside begin here
  sequence* sequence;  // (n)
  int rows;            // of a step
  loomReal *time, *dout;
  double* work;
  loomArena arena;
} embedding;

// ---- made

static void destroy_embedding(watchRun* r) {
  embedding* m = r->self;
  if (!m) return;

  for (int i = 0; m->sequence && i < m->n; i++) free(m->sequence[i].time);
  free(m->sequence);
  free(m->work);
  loom_arena_destroy(&m->arena);
  loom_watcher_destroy(&m->watcher);
  free(m);
  r->self = NULL;
}

// When each row was seen; of the control in a random order.
static int set_times(sequence* s, const loomWatchConfig* c, int number, loomError* err) {
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

static int list_sequences(watchRun* r, embedding* m, loomError* err) {
  const loomWatched* data = &r->data;
  int views = data->pictures ? data->pictures : 1, code = LOOM_OK;
  m->sequence = calloc((size_t)data->demos * (size_t)views, sizeof *m->sequence);
  if (!m->sequence) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory to learn");

  for (int d = 0; !code && d < data->demos; d++)
    for (int v = 0; !code && v < views; v++) {
      sequence* s = &m->sequence[m->n++];
      *s = (sequence){.demo = &data->demo[d], .picture = data->pictures ? v : -1};
      code = set_times(s, &r->config, d, err);
      if (d < r->held) m->held = m->n;
    }
  return code;
}

// One camera's pictures are like another's to the encoder: it has one key for all of them.
static int check_views(const watchRun* r, loomError* err) {
  const loomWatched* data = &r->data;
  bool poses = r->config.method == LOOM_WATCH_OBJECTS, tcn = r->config.method == LOOM_WATCH_TCN;
  if (poses && data->pictures)
    return loom_error_set(err, LOOM_ERR_USAGE, "--method objects watches poses; take --method tcc");
  if (poses) return LOOM_OK;

  int code = loom_watched_check_pictures(data, r->config.data[0], err);
  if (code || !tcn || data->pictures > 1) return code;
  return loom_error_set(err, LOOM_ERR_FORMAT,
                        "%s: has pictures of one camera, '%s', where tcn needs two of each moment",
                        r->config.data[0], data->key[0].name);
}

static loomWatcherDef watcher_def(const watchRun* r) {
  const loomWatchConfig* c = &r->config;
  const loomWatched* data = &r->data;
  loomWatcherDef def = {.keys = data->pictures ? 1 : data->keys,
                        .pictures = data->pictures ? 1 : 0,
                        .low = data->low,
                        .hidden = c->hidden,
                        .out = c->out,
                        .eyes = loom_default_encoder_config()};
  memcpy(def.key, data->key, sizeof def.key);
  def.eyes.features = c->features;
  def.eyes.crop = c->crop;
  if (data->pictures) def.eyes.channels = c->channels;
  return def;
}

// Of the rows that are learned from.
static void set_normal(loomWatcher* w, const watchRun* r) {
  for (int d = 0; d < r->held; d++) loom_normal_add(&w->normal, r->data.demo[d].low, r->data.demo[d].rows);
  loom_normal_finish(&w->normal, LOOM_NORMAL_STANDARD);
}

static int create_watcher(loomWatcher* out, const watchRun* r, int rows, loomError* err) {
  loomWatcherDef def = watcher_def(r);
  int code = loom_watcher_create(out, &def, (uint64_t)r->config.seed, rows, err);
  if (!code) set_normal(out, r);
  return code;
}

static void lay_out(embedding* m, int out) {
  m->time = loom_arena_real(&m->arena, (size_t)m->rows);
  m->dout = loom_arena_real(&m->arena, (size_t)m->rows * (size_t)out);
}

static int create_embedding(watchRun* r, loomError* err) {
  const loomWatchConfig* c = &r->config;
  embedding* m = r->self = calloc(1, sizeof *m);
  if (!m) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory to learn");

  int code = check_views(r, err);
  if (!code) code = list_sequences(r, m, err);
  bool tcn = c->method == LOOM_WATCH_TCN, triplets = tcn && c->contrast == LOOM_CONTRAST_TRIPLETS;
  if (!code && !tcn && c->batch > m->held) r->config.batch = m->held;
  m->rows = triplets ? 3 * c->batch : c->batch * c->frames * (tcn ? 2 : 1);
  if (!code) code = create_watcher(&m->watcher, r, m->rows > MEASURED ? m->rows : MEASURED, err);
  if (code) return code;

  lay_out(m, c->out);
  code = loom_arena_create(&m->arena, m->arena.used, err);
  if (code) return code;

  lay_out(m, c->out);
  m->work = calloc(loom_cycle_work(c->frames, c->frames, c->out), sizeof *m->work);
  return m->work ? LOOM_OK : loom_error_set(err, LOOM_ERR_MEMORY, "no memory to learn");
}

static loomParams* params_of(watchRun* r) {
  return &((embedding*)r->self)->watcher.params;
}

// ---- a step

static void put_row(loomWatcher* w, int i, const sequence* s, int row) {
  const unsigned char* picture = NULL;
  if (s->picture >= 0) picture = s->demo->picture[s->picture] + (ptrdiff_t)row * w->def.key[0].dim;
  loom_watcher_put(w, i, s->demo->low + (ptrdiff_t)row * w->def.low, &picture);
}

// Different ones of n.
static void draw_some(int* out, int count, int n, loomRandom* random) {
  for (int i = 0; i < count; i++) {
    bool taken;
    do {
      out[i] = loom_random_index(random, n);
      taken = false;
      for (int k = 0; k < i; k++) taken = taken || out[k] == out[i];
    } while (taken);
  }
}

// One from each of as many parts of a demo, and its last one.
static int draw_row(const sequence* s, int f, int frames, loomRandom* random) {
  int row = (int)((f + loom_random_uniform(random)) * s->demo->rows / frames);
  if (row >= s->demo->rows) row = s->demo->rows - 1;
  return f == frames - 1 ? s->last : row;
}

// Row number `at` of those that are put.
static void put_timed_row(embedding* m, int at, const sequence* s, int row) {
  put_row(&m->watcher, at, s, row);
  m->time[at] = (loomReal)s->time[row];
}

static loomCycleRows rows_put(const embedding* m, const loomReal* out, int first, int n, int dim) {
  ptrdiff_t at = (ptrdiff_t)first * dim;
  return (loomCycleRows){out + at, m->time + first, m->dout + at, n};
}

static loomCycleDef cycle_def(const loomWatchConfig* c) {
  loomCycleDef def = loom_default_cycle_def();
  def.temperature = c->temperature;
  def.variance = c->variance;
  return def;
}

// How far a demo's first row is to be from its last: neighbors of a frame are as far as the softmax can tell
// them apart.
static double reach_of(const loomWatchConfig* c) {
  return sqrt(c->temperature * c->out) * c->frames / 4;
}

// Each demo against each other, of rows drawn one from each of as many parts.
static double learn_cycles(watchRun* r, embedding* m, loomRandom* random) {
  const loomWatchConfig* c = &r->config;
  int chosen[64], at = 0, dim = c->out, frames = c->frames;
  draw_some(chosen, c->batch, m->held, random);

  for (int i = 0; i < c->batch; i++) {
    const sequence* s = &m->sequence[chosen[i]];
    for (int f = 0; f < frames; f++) put_timed_row(m, at++, s, draw_row(s, f, frames, random));
  }

  const loomReal* out = loom_watcher_look(&m->watcher, at, random);
  loomCycleDef def = cycle_def(c);
  memset(m->dout, 0, (size_t)at * (size_t)dim * sizeof *m->dout);

  double loss = 0, weight = 1.0 / (c->batch * (c->batch - 1));
  for (int a = 0; a < c->batch; a++)
    for (int b = 0; b < c->batch; b++) {
      loomCycleRows u = rows_put(m, out, a * frames, frames, dim),
                    v = rows_put(m, out, b * frames, frames, dim);
      if (a != b) loss += loom_cycle_loss(&u, &v, dim, &def, weight, m->work);
      if (a == b && c->distance > 0) loss += loom_distance_loss(&u, dim, reach_of(c), c->distance / c->batch);
    }
  loom_watcher_back(&m->watcher, m->dout, at);
  return loss;
}

// Demos by two cameras each: every moment is looked for among all that the other has seen.
static double learn_moments(watchRun* r, embedding* m, loomRandom* random) {
  const loomWatchConfig* c = &r->config;
  int views = r->data.pictures, demos = m->held / views, frames = c->frames, dim = c->out, at = 0;

  for (int i = 0; i < c->batch; i++, at += 2 * frames) {
    int demo = loom_random_index(random, demos), view[2];
    draw_some(view, 2, views, random);
    const sequence *s = &m->sequence[demo * views + view[0]], *other = &m->sequence[demo * views + view[1]];
    for (int f = 0; f < frames; f++) {
      int row = draw_row(s, f, frames, random);
      put_timed_row(m, at + f, s, row);
      put_timed_row(m, at + frames + f, other, row);
    }
  }

  const loomReal* out = loom_watcher_look(&m->watcher, at, random);
  loomCycleDef def = cycle_def(c);
  memset(m->dout, 0, (size_t)at * (size_t)dim * sizeof *m->dout);

  double loss = 0, weight = 0.5 / c->batch;
  for (int i = 0; i < c->batch; i++) {
    loomCycleRows u = rows_put(m, out, 2 * i * frames, frames, dim);
    loomCycleRows v = rows_put(m, out, (2 * i + 1) * frames, frames, dim);
    loss += loom_moment_loss(&u, &v, dim, &def, weight, m->work);
    loss += loom_moment_loss(&v, &u, dim, &def, weight, m->work);
    if (c->distance > 0) {
      loss += loom_distance_loss(&u, dim, reach_of(c), weight * c->distance);
      loss += loom_distance_loss(&v, dim, reach_of(c), weight * c->distance);
    }
  }
  loom_watcher_back(&m->watcher, m->dout, at);
  return loss;
}

// A row that is at least so far away in time; of demos too short for that the furthest.
static int row_apart(const sequence* s, int row, double apart, loomRandom* random) {
  int rows = s->demo->rows, least = (int)ceil(apart * rows), before = row - least, after = rows - least - row;
  before = before < 0 ? 0 : before + 1;
  after = after < 0 ? 0 : after;
  if (before + after < 1) return row < rows / 2 ? rows - 1 : 0;

  int k = loom_random_index(random, before + after);
  return k < before ? k : row + least + k - before;
}

// One moment from two cameras, and another moment from the first of them.
static double learn_triplets(watchRun* r, embedding* m, loomRandom* random) {
  const loomWatchConfig* c = &r->config;
  int n = c->batch, views = r->data.pictures, demos = m->held / views;

  for (int i = 0; i < n; i++) {
    int demo = loom_random_index(random, demos), view[2];
    draw_some(view, 2, views, random);
    const sequence *s = &m->sequence[demo * views + view[0]], *other = &m->sequence[demo * views + view[1]];
    int row = loom_random_index(random, s->demo->rows), far = row_apart(s, row, c->apart, random);
    int like = c->shuffled ? loom_random_index(random, s->demo->rows) : row;
    put_row(&m->watcher, i, s, row);
    put_row(&m->watcher, n + i, other, like);
    put_row(&m->watcher, 2 * n + i, s, far);
  }

  const loomReal* out = loom_watcher_look(&m->watcher, 3 * n, random);
  ptrdiff_t part = (ptrdiff_t)n * c->out;
  double loss = loom_triplet_loss(m->dout, m->dout + part, m->dout + 2 * part, out, out + part,
                                  out + 2 * part, n, c->out, c->margin);
  loom_watcher_back(&m->watcher, m->dout, 3 * n);
  return loss;
}

static double learn_embedding(watchRun* r, loomRandom* random) {
  if (r->config.method != LOOM_WATCH_TCN) return learn_cycles(r, r->self, random);
  bool triplets = r->config.contrast == LOOM_CONTRAST_TRIPLETS;
  return (triplets ? learn_triplets : learn_moments)(r, r->self, random);
}

// ---- what it is worth

// What measures are taken of: embeddings, or what is seen as it is (plain).
typedef struct seen {
  const watchRun* run;
  const embedding* of;
  loomWatcher* watcher;
  bool plain;
  int dim;
  loomReal** row;  // (held out) (n x dim)
  loomAlignedDemo* demo;
  loomReal* goal;  // (dim)
  double scale;
} seen;

static int rows_of(const sequence* s) {
  return s->demo->rows < MEASURED ? s->demo->rows : MEASURED;
}

static int row_at(const sequence* s, int i) {
  return (int)((int64_t)i * (s->demo->rows - 1) / (rows_of(s) - 1));
}

// out (n x dim) of rows that were put.
static void see_rows(loomReal* out, const seen* see, int n) {
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
static int find_goal(seen* see, loomError* err) {
  const embedding* m = see->of;
  loomReal* row = calloc((size_t)see->dim, sizeof *row);
  double sum = 0;
  if (!row) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory to measure");

  for (int i = 0; i < m->held; i++) {
    put_row(see->watcher, 0, &m->sequence[i], m->sequence[i].last);
    see_rows(row, see, 1);
    for (int d = 0; d < see->dim; d++) see->goal[d] += row[d] / (loomReal)m->held;
  }
  for (int i = 0; i < m->held; i++) {
    put_row(see->watcher, 0, &m->sequence[i], 0);
    see_rows(row, see, 1);
    sum += distance(row, see->goal, see->dim) / m->held;
  }
  see->scale = sum > 0 && isfinite(sum) ? 1 / sum : 1;
  free(row);
  return LOOM_OK;
}

static int see_all(seen* see, loomError* err) {
  const embedding* m = see->of;
  int n = m->n - m->held;
  see->goal = calloc((size_t)see->dim, sizeof *see->goal);
  see->row = calloc((size_t)n, sizeof *see->row);
  see->demo = calloc((size_t)n, sizeof *see->demo);
  if (!see->goal || !see->row || !see->demo)
    return loom_error_set(err, LOOM_ERR_MEMORY, "no memory to measure");

  for (int i = 0; i < n; i++) {
    const sequence* s = &m->sequence[m->held + i];
    int rows = rows_of(s);
    see->row[i] = calloc((size_t)rows * (size_t)see->dim, sizeof *see->row[i]);
    if (!see->row[i]) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory to measure");
    for (int k = 0; k < rows; k++) put_row(see->watcher, k, s, row_at(s, k));
    see_rows(see->row[i], see, rows);
    see->demo[i] = (loomAlignedDemo){see->row[i], rows};
    int code = loom_watch_measured(see->run, i + 1, n, err);
    if (code) return code;
  }
  return find_goal(see, err);
}

static void forget(seen* see) {
  for (int i = 0; see->row && i < see->of->n - see->of->held; i++) free(see->row[i]);
  free(see->row);
  free(see->demo);
  free(see->goal);
}

// Scaled distance to the goal along a held-out sequence (rows).
static void distances(double* out, const seen* see, int i) {
  for (int k = 0; k < see->demo[i].n; k++)
    out[k] = see->scale * distance(see->row[i] + (ptrdiff_t)k * see->dim, see->goal, see->dim);
}

// Of tcn both cameras of one demo are compared, of the others different demos.
static bool compared(const seen* see, int i, int k) {
  const sequence* s = see->of->sequence + see->of->held;
  bool same = s[i].demo == s[k].demo;
  return see->run->config.method == LOOM_WATCH_TCN ? same : !same;
}

static int measure(loomWatchLook* out, const seen* see, loomError* err) {
  loomAlignment sum = {0};
  double time[MEASURED], worth[MEASURED], progress = 0;
  int n = see->of->n - see->of->held, code = LOOM_OK;
  for (int i = 0; !code && i < n; i++)
    for (int k = 0; !code && k < i; k++)
      if (compared(see, i, k) && sum.pairs < 2 * PAIRS)
        code = loom_alignment_add(&sum, &see->demo[i], &see->demo[k], see->dim, err);
  loom_alignment_close(&sum);

  for (int i = 0; i < n; i++) {
    distances(worth, see, i);
    for (int k = 0; k < see->demo[i].n; k++) {
      time[k] = k;
      worth[k] = -worth[k];
    }
    progress += loom_kendall(time, worth, see->demo[i].n) / n;
  }
  *out = (loomWatchLook){sum.tau, sum.cycle, sum.error, progress};
  return code;
}

static seen see_by(const watchRun* r, loomWatcher* watcher, bool plain) {
  int dim = !plain ? r->config.out : watcher->def.pictures ? watcher->def.key[0].dim : watcher->width;
  return (seen){.run = r, .of = r->self, .watcher = watcher, .plain = plain, .dim = dim};
}

// ---- files

static int write_table(const watchRun* r, loomError* err) {
  const struct {
    const char* name;
    const loomWatchLook* look;
  } row[] = {{"learned", &r->state.learned}, {"untrained", &r->state.untrained}, {"plain", &r->state.plain}};
  char path[LOOM_RUN_FILE_MAX], text[1024];
  int n = snprintf(text, sizeof text, "embedding,tau,cycle_error,alignment_error,progress\n");
  for (int i = 0; i < 3; i++)
    n += snprintf(text + n, sizeof text - (size_t)n, "%s,%.6f,%.6f,%.6f,%.6f\n", row[i].name,
                  row[i].look->tau, row[i].look->cycle, row[i].look->error, row[i].look->progress);
  loom_run_folder_path(path, &r->folder, "alignment.csv");
  return loom_file_write_text(path, text, err);
}

static int write_reward(const watchRun* r, loomError* err) {
  char path[LOOM_RUN_FILE_MAX];
  loom_run_folder_path(path, &r->folder, "reward.yaml");
  return loom_file_write_text(path,
                              "# Made by `demoloom observe`, for `demoloom finetune --reward`: each control "
                              "step is worth 0 where demos\n"
                              "# end and about -1 where they begin, times `weight`; `demoloom help task` has "
                              "other terms to go with it.\n"
                              "terms:\n"
                              "  - {term: embedding, file: encoder.safetensors, weight: 0.01}\n",
                              err);
}

static void draw_lines(loomChart* chart, const loomAxes* axes, const seen* see, loomColor color) {
  double y[MEASURED];
  for (int i = 0; i < see->of->n - see->of->held; i++) {
    int n = see->demo[i].n;
    distances(y, see, i);
    for (int k = 1; k < n; k++)
      loom_chart_segment(
          chart, loom_axes_x(axes, (k - 1.0) / (n - 1)), loom_axes_y(axes, fmin(y[k - 1], axes->y[1])),
          loom_axes_x(axes, (double)k / (n - 1)), loom_axes_y(axes, fmin(y[k], axes->y[1])), 1.2, color);
  }
}

static int draw_distances(const watchRun* r, const seen* learned, const seen* untrained, loomError* err) {
  enum { WIDTH = 900, HEIGHT = 520, LEFT = 70, TOP = 50 };
  loomAxes axes = {.box = {LEFT, TOP, WIDTH - LEFT - 25, HEIGHT - TOP - 55},
                   .x = {0, 1},
                   .y = {0, 1.5},
                   .x_label = "share of the demo",
                   .y_label = "distance to the goal"};
  loomTextDef title = {.size = 14, .bold = true, .color = loom_color_blue};
  char path[LOOM_RUN_FILE_MAX], text[120];
  loomChart* chart;
  int code = loom_chart_create(&chart, WIDTH, HEIGHT, err);
  if (code) return code;

  snprintf(text, sizeof text, "learned (tau %.3f)", r->state.learned.tau);
  double x = LEFT + loom_chart_text(chart, LEFT, TOP - 18, &title, text) + 20;
  title.color = loom_color_grey;
  snprintf(text, sizeof text, "untrained (tau %.3f)", r->state.untrained.tau);
  loom_chart_text(chart, x, TOP - 18, &title, text);
  loom_axes_draw(chart, &axes, true);
  draw_lines(chart, &axes, untrained, loom_color_grey);
  draw_lines(chart, &axes, learned, loom_color_blue);
  loom_run_folder_path(path, &r->folder, "distance.png");
  code = loom_chart_write_png(chart, path, err);
  loom_chart_destroy(chart);
  return code;
}

// The goal as the file has it.
static int save_watcher(const watchRun* r, const seen* learned, loomError* err) {
  loomWatcher* w = learned->watcher;
  char path[LOOM_RUN_FILE_MAX];
  memcpy(w->goal, learned->goal, (size_t)learned->dim * sizeof *w->goal);
  w->scale = learned->scale;
  loom_run_folder_path(path, &r->folder, "encoder.safetensors");
  return loom_watcher_save(path, w, w->def.pictures ? r->data.sense : NULL, err);
}

static int finish_embedding(watchRun* r, loomError* err) {
  embedding* m = r->self;
  loomWatcher fresh;
  int code = create_watcher(&fresh, r, MEASURED, err);
  if (code) return code;

  seen learned = see_by(r, &m->watcher, false), untrained = see_by(r, &fresh, false),
       plain = see_by(r, &fresh, true);
  code = see_all(&learned, err);
  if (!code) code = see_all(&untrained, err);
  if (!code) code = see_all(&plain, err);
  if (!code) code = measure(&r->state.learned, &learned, err);
  if (!code) code = measure(&r->state.untrained, &untrained, err);
  if (!code) code = measure(&r->state.plain, &plain, err);

  if (!code) code = save_watcher(r, &learned, err);
  if (!code) code = write_reward(r, err);
  if (!code) code = write_table(r, err);
  if (!code) code = draw_distances(r, &learned, &untrained, err);
  forget(&learned);
  forget(&untrained);
  forget(&plain);
  loom_watcher_destroy(&fresh);
  return code;
}

const watchMethod loom_watch_embedding = {create_embedding, params_of, learn_embedding, finish_embedding,
                                          destroy_embedding};
