// Embeddings: of sequences of poses, or of pictures, each camera's a sequence of its own.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/draw/chart.h"
#include "policies/learn/watch_see.h"
#include "policies/network/watcher_file.h"
#include "policies/objective/cycle.h"

enum { MEASURED = LOOM_WATCH_MEASURED };

typedef struct embedding {
  loomWatcher watcher;
  watchSequences all;
  int held;  // sequences of demos kept aside begin here
  int rows;  // of a step
  loomReal *time, *dout;
  double* work;
  loomArena arena;
} embedding;

// ---- made

static void destroy_embedding(watchRun* r) {
  embedding* m = r->self;
  if (!m) return;

  loom_watch_sequences_destroy(&m->all);
  free(m->work);
  loom_arena_destroy(&m->arena);
  loom_watcher_destroy(&m->watcher);
  free(m);
  r->self = NULL;
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
  if (!code) code = loom_watch_sequences(&m->all, &r->data, c, err);
  m->held = r->held * (r->data.pictures ? r->data.pictures : 1);
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
static int draw_row(const watchSequence* s, int f, int frames, loomRandom* random) {
  int row = (int)((f + loom_random_uniform(random)) * s->demo->rows / frames);
  if (row >= s->demo->rows) row = s->demo->rows - 1;
  return f == frames - 1 ? s->last : row;
}

// Row number `at` of those that are put.
static void put_timed_row(embedding* m, int at, const watchSequence* s, int row) {
  loom_watch_put_row(&m->watcher, at, s, row);
  m->time[at] = (loomReal)s->time[row];
}

// Rows that are put, from `first` on, as under another light: colors are no reason to be far apart.
static void tint_rows(embedding* m, int first, int n, double most, loomRandom* random) {
  const loomWatcherDef* def = &m->watcher.def;
  if (!def->pictures || !(most > 0)) return;

  loomReal factor[3];
  int pixels = def->key[0].dim / 3;
  for (int c = 0; c < 3; c++) factor[c] = (loomReal)(1 + most * (2 * loom_random_uniform(random) - 1));

  loomReal* at = m->watcher.picture[0] + (ptrdiff_t)first * def->key[0].dim;
  for (int i = 0; i < n; i++)
    for (int c = 0; c < 3; c++)
      for (int p = 0; p < pixels; p++, at++) *at = *at * factor[c] < 1 ? *at * factor[c] : 1;
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
    const watchSequence* s = &m->all.at[chosen[i]];
    for (int f = 0; f < frames; f++) put_timed_row(m, at++, s, draw_row(s, f, frames, random));
    tint_rows(m, at - frames, frames, c->tint, random);
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
    const watchSequence *s = &m->all.at[demo * views + view[0]], *other = &m->all.at[demo * views + view[1]];
    for (int f = 0; f < frames; f++) {
      int row = draw_row(s, f, frames, random);
      put_timed_row(m, at + f, s, row);
      put_timed_row(m, at + frames + f, other, row);
    }
    tint_rows(m, at, frames, c->tint, random);
    tint_rows(m, at + frames, frames, c->tint, random);
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
static int row_apart(const watchSequence* s, int row, double apart, loomRandom* random) {
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
    const watchSequence *s = &m->all.at[demo * views + view[0]], *other = &m->all.at[demo * views + view[1]];
    int row = loom_random_index(random, s->demo->rows), far = row_apart(s, row, c->apart, random);
    int like = c->shuffled ? loom_random_index(random, s->demo->rows) : row;
    loom_watch_put_row(&m->watcher, i, s, row);
    loom_watch_put_row(&m->watcher, n + i, other, like);
    loom_watch_put_row(&m->watcher, 2 * n + i, s, far);
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

// ---- what it is worth

static watchSeen see_by(const watchRun* r, loomWatcher* watcher, bool plain) {
  const embedding* m = r->self;
  int dim = !plain ? r->config.out : watcher->def.pictures ? watcher->def.key[0].dim : watcher->width;
  return (watchSeen){.run = r,
                     .watcher = watcher,
                     .plain = plain,
                     .dim = dim,
                     .learned = m->all.at,
                     .learns = m->held,
                     .shown = m->all.at + m->held,
                     .shows = m->all.n - m->held};
}

// ---- files

static void add_rows(FILE* out, const char* demos, const loomWatchLooks* looks) {
  const struct {
    const char* name;
    const loomWatchLook* look;
  } row[] = {{"learned", &looks->learned}, {"untrained", &looks->untrained}, {"plain", &looks->plain}};

  for (int i = 0; i < 3; i++) {
    fprintf(out, "%s,%.6f,%.6f,%.6f,%.6f", row[i].name, row[i].look->tau, row[i].look->cycle,
            row[i].look->error, row[i].look->progress);
    if (demos) fprintf(out, ",\"%s\"", demos);
    fputc('\n', out);
  }
}

static int write_table(const watchRun* r, loomError* err) {
  char path[LOOM_RUN_FILE_MAX], *text = NULL;
  size_t size;
  int code = LOOM_ERR_MEMORY;
  FILE* out = open_memstream(&text, &size);
  if (out) {
    fprintf(out, "embedding,tau,cycle_error,alignment_error,progress%s\n", r->others ? ",demos" : "");
    add_rows(out, r->others ? "" : NULL, &r->state.looks);
    for (int i = 0; i < r->others; i++) add_rows(out, r->def->measure[i], &r->state.other[i]);
    if (!fclose(out)) code = LOOM_OK;
  }
  if (code) loom_error_set(err, code, "no memory for a table");
  loom_run_folder_path(path, &r->folder, "alignment.csv");
  if (!code) code = loom_file_write_text(path, text, err);
  free(text);
  return code;
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

static void draw_lines(loomChart* chart, const loomAxes* axes, const watchSeen* see, loomColor color) {
  double y[MEASURED];

  for (int i = 0; i < see->shows; i++) {
    int n = see->demo[i].n;
    loom_watch_distances(y, see, i);
    for (int k = 1; k < n; k++)
      loom_chart_segment(
          chart, loom_axes_x(axes, (k - 1.0) / (n - 1)), loom_axes_y(axes, fmin(y[k - 1], axes->y[1])),
          loom_axes_x(axes, (double)k / (n - 1)), loom_axes_y(axes, fmin(y[k], axes->y[1])), 1.2, color);
  }
}

static int draw_distances(const watchRun* r, const watchSeen* learned, const watchSeen* untrained,
                          loomError* err) {
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

  snprintf(text, sizeof text, "learned (tau %.3f)", r->state.looks.learned.tau);
  double x = LEFT + loom_chart_text(chart, LEFT, TOP - 18, &title, text) + 20;
  title.color = loom_color_grey;
  snprintf(text, sizeof text, "untrained (tau %.3f)", r->state.looks.untrained.tau);
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
static int save_watcher(const watchRun* r, const watchSeen* learned, loomError* err) {
  loomWatcher* w = learned->watcher;
  char path[LOOM_RUN_FILE_MAX];
  memcpy(w->goal, learned->goal, (size_t)learned->dim * sizeof *w->goal);
  w->scale = learned->scale;
  loom_run_folder_path(path, &r->folder, "encoder.safetensors");
  return loom_watcher_save(path, w, w->def.pictures ? r->data.sense : NULL, err);
}

// Demos of other files, of which nothing was learned: as far as the same goal.
static int measure_one(loomWatchLook* out, const watchSeen* usual, const watchSequences* shown,
                       loomError* err) {
  watchSeen see = *usual;
  see.shown = shown->at;
  see.shows = shown->n;
  see.row = NULL, see.demo = NULL, see.goal = NULL;
  int code = loom_watch_see(&see, err);
  if (!code) code = loom_watch_measure(out, &see, err);
  loom_watch_forget(&see);
  return code;
}

static int measure_others(watchRun* r, const watchSeen see[3], loomError* err) {
  int code = LOOM_OK;

  for (int i = 0; !code && i < r->others; i++) {
    watchSequences shown;
    loomWatchLooks* looks = &r->state.other[i];
    loomWatchLook* look[] = {&looks->learned, &looks->untrained, &looks->plain};
    code = loom_watch_sequences(&shown, &r->other[i], &r->config, err);
    for (int k = 0; !code && k < 3; k++) code = measure_one(look[k], &see[k], &shown, err);
    loom_watch_sequences_destroy(&shown);
  }

  return code;
}

static int finish_embedding(watchRun* r, loomError* err) {
  embedding* m = r->self;
  loomWatchLooks* looks = &r->state.looks;
  loomWatchLook* look[] = {&looks->learned, &looks->untrained, &looks->plain};
  loomWatcher fresh;
  int code = create_watcher(&fresh, r, MEASURED, err);
  if (code) return code;

  watchSeen see[] = {see_by(r, &m->watcher, false), see_by(r, &fresh, false), see_by(r, &fresh, true)};

  for (int k = 0; !code && k < 3; k++) code = loom_watch_see(&see[k], err);
  for (int k = 0; !code && k < 3; k++) code = loom_watch_measure(look[k], &see[k], err);
  if (!code) code = measure_others(r, see, err);

  if (!code) code = save_watcher(r, &see[0], err);
  if (!code) code = write_reward(r, err);
  if (!code) code = write_table(r, err);
  if (!code) code = draw_distances(r, &see[0], &see[1], err);
  for (int k = 0; k < 3; k++) loom_watch_forget(&see[k]);
  loom_watcher_destroy(&fresh);
  return code;
}

const watchMethod loom_watch_embedding = {create_embedding, params_of, learn_embedding, finish_embedding,
                                          destroy_embedding};
