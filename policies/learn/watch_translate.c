// Context translation: demos of which the same states are seen in two ways at least, by several cameras, or
// as `demoloom render --obs --contexts` makes them.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/draw/image.h"
#include "policies/learn/watch_internal.h"
#include "policies/network/translated.h"
#include "policies/report/alignment.h"

enum {
  MEASURED = 40,  // rows of a demo, evenly along it, that measures are taken of
  LOOKED = 16,    // pairs that measures are taken of, at most
  COLUMNS = 6,    // of translation.png
  SHOWN = 4,      // its pairs
};

/// A demo in one context.
typedef struct clip {
  const loomWatchedDemo* demo;
  int picture;
  int group;  // of those of the same states
} clip;

/// Clips of the same states.
typedef struct clipGroup {
  const char* name;
  int n, first;  // how many; the first of them
  bool held;
} clipGroup;

typedef struct translation {
  loomTranslator net;
  int n, groups, learned;  // clips, groups; groups that are learned from, the first ones in `order`
  clip* clip;              // (n) group by group
  clipGroup* group;        // (groups)
  int* order;              // (groups) those that are learned from, then those kept aside
} translation;

static void destroy_translation(watchRun* r) {
  translation* m = r->self;
  if (!m) return;

  loom_translator_destroy(&m->net);
  free(m->clip);
  free(m->group);
  free(m->order);
  free(m);
  r->self = NULL;
}

// ---- which clips go together

static const char* group_of(const loomWatchedDemo* demo) {
  return demo->pair[0] ? demo->pair : demo->name;
}

static int find_group(translation* m, const char* name) {
  for (int g = 0; g < m->groups; g++)
    if (!strcmp(m->group[g].name, name)) return g;
  m->group[m->groups] = (clipGroup){.name = name};
  return m->groups++;
}

// The clips of which pairs are any two.
static bool pairs_any(const watchRun* r) {
  return r->config.pairs == LOOM_PAIRS_ANY;
}

// Clips of a group lie side by side.
static void list_clips(const watchRun* r, translation* m) {
  const loomWatched* data = &r->data;

  for (int d = 0; d < data->demos; d++) {
    int g = find_group(m, group_of(&data->demo[d]));
    m->group[g].n += data->pictures;
    m->group[g].held = m->group[g].held || d >= r->held;
  }

  for (int g = 0; g < m->groups; g++) {
    m->group[g].first = m->n;
    for (int d = 0; d < data->demos; d++)
      for (int k = 0; k < data->pictures && find_group(m, group_of(&data->demo[d])) == g; k++)
        m->clip[m->n++] = (clip){.demo = &data->demo[d], .picture = k, .group = g};
  }

  for (int g = 0; g < m->groups; g++)
    if (!m->group[g].held && (m->group[g].n > 1 || pairs_any(r))) m->order[m->learned++] = g;
  for (int g = 0, n = m->learned; g < m->groups; g++)
    if (m->group[g].held) m->order[n++] = g;
}

static const unsigned char* picture_at(const watchRun* r, const clip* c, int row) {
  return c->demo->picture[c->picture] + (ptrdiff_t)row * r->data.key[0].dim;
}

static bool same_pictures(const watchRun* r, const clip* a, const clip* b) {
  size_t size = (size_t)r->data.key[0].dim;

  for (int i = 0; i < a->demo->rows; i++)
    if (memcmp(picture_at(r, a, i), picture_at(r, b, i), size) != 0) return false;
  return true;
}

static int check_groups(const watchRun* r, const translation* m, loomError* err) {
  for (int g = 0; g < m->groups; g++)
    for (int i = 1; i < m->group[g].n; i++) {
      const clip *a = &m->clip[m->group[g].first], *b = a + i;
      if (a->demo->rows != b->demo->rows)
        return loom_error_set(
            err, LOOM_ERR_FORMAT,
            "%s: %s and %s are a pair, but of %d and %d rows: they do not show the same states",
            r->config.data[0], a->demo->name, b->demo->name, a->demo->rows, b->demo->rows);
      if (same_pictures(r, a, b))
        return loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s and %s have the same pictures in both contexts",
                              r->config.data[0], a->demo->name, b->demo->name);
    }

  if (m->learned > (pairs_any(r) ? 1 : 0)) return LOOM_OK;
  return loom_error_set(
      err, LOOM_ERR_FORMAT,
      "%s: no states are seen in two contexts; take pictures of two cameras (demoloom render "
      "--obs --camera A --camera B), or demos with the attribute pair_of",
      r->config.data[0]);
}

static int create_translation(watchRun* r, loomError* err) {
  const loomWatchConfig* c = &r->config;
  const loomWatched* data = &r->data;
  translation* m = r->self = calloc(1, sizeof *m);
  if (!m) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory to learn");

  int code = loom_watched_check_pictures(data, c->data[0], err);
  if (code) return code;

  size_t demos = (size_t)data->demos;
  m->clip = calloc(demos * (size_t)data->pictures + 1, sizeof *m->clip);
  m->group = calloc(demos + 1, sizeof *m->group);
  m->order = calloc(demos + 1, sizeof *m->order);
  if (!m->clip || !m->group || !m->order) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory to learn");

  list_clips(r, m);
  code = check_groups(r, m, err);
  if (code) return code;

  loomTranslatorDef def = loom_default_translator_def();
  def.height = data->key[0].shape[0];
  def.width = data->key[0].shape[1];
  def.feature = c->ablate == LOOM_ABLATE_FEATURE ? 0 : c->alignment;
  def.image = c->ablate == LOOM_ABLATE_IMAGE ? 0 : 1;
  if (c->ablate == LOOM_ABLATE_GOAL) def.feature = 0;
  int rows = c->batch > MEASURED ? c->batch : MEASURED;
  return loom_translator_create(&m->net, &def, (uint64_t)c->seed, rows, err);
}

static loomParams* params_of(watchRun* r) {
  return &((translation*)r->self)->net.params;
}

// ---- a step

// Pair i of n: what is seen here at a row, there at the same, and there at first.
static void put_pair(translation* m, const watchRun* r, int i, int n, const clip* here, const clip* there,
                     int row) {
  size_t dim = (size_t)loom_translator_dim(&m->net);
  loom_translator_picture(m->net.seen + (size_t)i * dim, picture_at(r, here, row), &m->net.def);
  loom_translator_picture(m->net.seen + (size_t)(n + i) * dim, picture_at(r, there, row), &m->net.def);
  loom_translator_picture(m->net.first + (size_t)i * dim, picture_at(r, there, 0), &m->net.def);
}

static int rows_of_both(const clip* here, const clip* there) {
  return here->demo->rows < there->demo->rows ? here->demo->rows : there->demo->rows;
}

static void draw_pair(const clip** here, const clip** there, const watchRun* r, loomRandom* random) {
  const translation* m = r->self;
  const clipGroup* g = &m->group[m->order[loom_random_index(random, m->learned)]];
  int a = loom_random_index(random, g->n);
  *here = &m->clip[g->first + a];

  // Another of the group, or of any other.
  if (!pairs_any(r)) {
    int b = loom_random_index(random, g->n - 1);
    *there = &m->clip[g->first + b + (b >= a)];
    return;
  }
  do {
    g = &m->group[m->order[loom_random_index(random, m->learned)]];
    *there = &m->clip[g->first + loom_random_index(random, g->n)];
  } while (*there == *here);
}

static double learn_translation(watchRun* r, loomRandom* random) {
  translation* m = r->self;
  int n = r->config.batch;
  for (int i = 0; i < n; i++) {
    const clip *here, *there;
    draw_pair(&here, &there, r, random);
    put_pair(m, r, i, n, here, there, loom_random_index(random, rows_of_both(here, there)));
  }

  loom_translator_forward(&m->net, n);
  return loom_translator_back(&m->net, n).sum;
}

// ---- what it is worth

static int rows_of(const clip* c) {
  return c->demo->rows < MEASURED ? c->demo->rows : MEASURED;
}

static int row_at(const clip* c, int i) {
  return (int)((int64_t)i * (c->demo->rows - 1) / (rows_of(c) - 1));
}

static double error_of(const loomReal* a, const loomReal* b, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
  return sum / (double)count;
}

// The same of the rows that both have.
static int rows_of_pair(const clip* here, const clip* there) {
  int rows = rows_of_both(here, there);
  return rows < MEASURED ? rows : MEASURED;
}

static int row_of_pair(const clip* here, const clip* there, int i) {
  return (int)((int64_t)i * (rows_of_both(here, there) - 1) / (rows_of_pair(here, there) - 1));
}

// Of all pictures that are learned from; mean (dim).
static void find_mean(loomReal* mean, const watchRun* r, const translation* m) {
  size_t dim = (size_t)loom_translator_dim(&m->net);
  double n = 0;
  for (int k = 0; k < m->learned; k++) n += m->group[m->order[k]].n * MEASURED;
  for (int k = 0; k < m->learned; k++) {
    const clipGroup* g = &m->group[m->order[k]];
    for (int i = 0; i < g->n; i++)
      for (int row = 0; row < MEASURED; row++) {
        const clip* c = &m->clip[g->first + i];
        loom_translator_picture(m->net.first, picture_at(r, c, row * (c->demo->rows - 1) / (MEASURED - 1)),
                                &m->net.def);
        for (size_t d = 0; d < dim; d++) mean[d] += (loomReal)((double)m->net.first[d] / n);
      }
  }
}

/// Pairs that were kept aside: (here, there).
typedef struct heldPairs {
  int n;
  const clip *here[LOOKED], *there[LOOKED];
} heldPairs;

static void add_held(heldPairs* out, const clip* here, const clip* there) {
  if (here == there || out->n == LOOKED) return;
  out->here[out->n] = here;
  out->there[out->n++] = there;
}

static void list_held(heldPairs* out, const watchRun* r, const translation* m) {
  *out = (heldPairs){0};
  for (int k = m->learned; k < m->groups && out->n < LOOKED; k++) {
    const clipGroup* g = &m->group[m->order[k]];
    if (!g->held) continue;
    const clipGroup* next = &m->group[m->order[k + 1 < m->groups ? k + 1 : m->learned]];
    for (int i = 0; i < g->n && out->n < LOOKED; i++) {
      int other = pairs_any(r) ? next->first + i % next->n : g->first + (i + 1) % g->n;
      add_held(out, &m->clip[g->first + i], &m->clip[other]);
    }
  }
}

// Errors of a pair's translation beside those of what needs none; features of what is there (rows x
// features).
static void look_at_pair(loomTranslationLook* sum, loomReal* features, translation* m, const watchRun* r,
                         const clip* here, const clip* there, const loomReal* mean, int pairs) {
  int n = rows_of_pair(here, there);
  size_t dim = (size_t)loom_translator_dim(&m->net), count = (size_t)n * dim;
  for (int i = 0; i < n; i++) put_pair(m, r, i, n, here, there, row_of_pair(here, there, i));
  loom_translator_forward(&m->net, n);

  const loomReal *made = m->net.made[0], *wanted = m->net.seen + count;
  sum->translated += error_of(made, wanted, count) / pairs;
  sum->reconstructed += error_of(made + count, wanted, count) / pairs;
  sum->copied += error_of(m->net.seen, wanted, count) / pairs;
  sum->first += error_of(m->net.first, wanted, count) / pairs;
  for (int i = 0; i < n; i++) sum->mean += error_of(mean, wanted + (size_t)i * dim, dim) / n / pairs;
  size_t width = (size_t)m->net.def.features;
  memcpy(features, m->net.eye.z + (size_t)n * width, (size_t)n * width * sizeof *features);
}

// Demos of other states, by the features of what is seen.
static int align(loomWatchLook* out, const heldPairs* pairs, loomReal* const* features, int width,
                 loomError* err) {
  loomAlignment sum = {0};
  int code = LOOM_OK;
  for (int i = 0; !code && i < pairs->n; i++)
    for (int k = 0; !code && k < i; k++) {
      loomAlignedDemo a = {features[i], rows_of_pair(pairs->here[i], pairs->there[i])},
                      b = {features[k], rows_of_pair(pairs->here[k], pairs->there[k])};
      if (pairs->there[i]->group != pairs->there[k]->group)
        code = loom_alignment_add(&sum, &a, &b, width, err);
    }
  loom_alignment_close(&sum);
  *out = (loomWatchLook){sum.tau, sum.cycle, sum.error, 0};
  return code;
}

static int measure(watchRun* r, const heldPairs* pairs, loomError* err) {
  translation* m = r->self;
  int width = m->net.def.features;
  size_t block = (size_t)MEASURED * (size_t)width;
  loomReal *mean = calloc((size_t)loom_translator_dim(&m->net), sizeof *mean),
           *all = calloc(LOOKED * block, sizeof *all), *features[LOOKED];
  int code = mean && all ? LOOM_OK : loom_error_set(err, LOOM_ERR_MEMORY, "no memory to measure");
  if (!code) find_mean(mean, r, m);

  for (int i = 0; !code && i < pairs->n; i++) {
    features[i] = all + (size_t)i * block;
    look_at_pair(&r->state.translation, features[i], m, r, pairs->here[i], pairs->there[i], mean, pairs->n);
    code = loom_watch_measured(r, i + 1, pairs->n, err);
  }
  if (!code) code = align(&r->state.looks.learned, pairs, features, width, err);
  free(mean);
  free(all);
  return code;
}

// ---- the reward

// Demos that it compares with: one of each group that is learned from.
static void take_sources(loomTranslated* out, const watchRun* r, const translation* m) {
  bool goal = r->config.ablate == LOOM_ABLATE_GOAL;
  for (int k = 0; k < m->learned && out->sources < r->config.sources; k++) {
    const clip* c = &m->clip[m->group[m->order[k]].first];
    int last = c->demo->rows - 1;
    out->rows[out->sources] = goal ? 1 : last + 1;
    out->frame[out->sources++] =
        c->demo->picture[c->picture] + (goal ? (ptrdiff_t)last * r->data.key[0].dim : 0);
  }
  snprintf(out->key, sizeof out->key, "%s", r->data.key[0].name);
}

// How far it is on the mean from the demos of a clip's own states, with the clip's pictures or its first one.
static double worth_of(double distance[2], loomTranslated* t, const watchRun* r, const clip* c, bool still) {
  double sum = 0;
  int n = rows_of(c);
  for (int i = 0; i < n; i++) {
    double off[2];
    int row = row_at(c, i);
    sum += loom_translated_worth(off, t, picture_at(r, c, 0), picture_at(r, c, still ? 0 : row), row) / n;
    for (int k = 0; distance && k < 2; k++) distance[k] += off[k] / n;
  }
  return sum;
}

static int make_reward(loomTranslated* t, watchRun* r, const heldPairs* pairs, loomError* err) {
  enum { CLIPS = 4 };
  translation* m = r->self;
  const loomWatchConfig* c = &r->config;
  loomTranslationLook* look = &r->state.translation;
  take_sources(t, r, m);
  bool goal = c->ablate == LOOM_ABLATE_GOAL;
  t->plain = goal || c->ablate == LOOM_ABLATE_TRANSLATION;
  t->image = c->ablate == LOOM_ABLATE_IMAGE ? 0 : goal || c->ablate == LOOM_ABLATE_FEATURE ? 1e6 : c->image;
  t->unit[0] = t->unit[1] = 1;
  int code = loom_translator_create(&t->net, &m->net.def, 0, t->sources, err);
  if (code) return code;

  memcpy(t->net.params.value, m->net.params.value, m->net.params.total * sizeof(loomReal));
  code = loom_translated_begin(t, err);
  if (code) return code;

  // By the first demos that are learned from, as seen in their last context.
  double unit[2] = {0, 0};
  int n = m->learned < CLIPS ? m->learned : CLIPS;
  for (int k = 0; !code && k < n; k++) {
    const clipGroup* g = &m->group[m->order[k]];
    worth_of(unit, t, r, &m->clip[g->first + g->n - 1], true);
    code = loom_watch_measured(r, k + 1, n, err);
  }
  for (int k = 0; k < 2; k++) t->unit[k] = fmax(unit[k] / n, 1e-12);

  n = pairs->n < CLIPS ? pairs->n : CLIPS;
  for (int k = 0; !code && k < n; k++) {
    look->worth += worth_of(NULL, t, r, pairs->there[k], false) / n;
    look->still += worth_of(NULL, t, r, pairs->there[k], true) / n;
    code = loom_watch_measured(r, k + 1, n, err);
  }
  return code;
}

static int save_reward(watchRun* r, const heldPairs* pairs, loomError* err) {
  loomTranslated t = {0};
  char path[LOOM_RUN_FILE_MAX];
  int code = make_reward(&t, r, pairs, err);
  loom_run_folder_path(path, &r->folder, "translator.safetensors");
  if (!code) code = loom_translated_save(path, &t, r->data.sense, err);
  t.sources = 0;  // whose pictures are the demos'
  loom_translated_destroy(&t);
  if (code) return code;

  loom_run_folder_path(path, &r->folder, "reward.yaml");
  return loom_file_write_text(path,
                              "# Made by `demoloom observe --method translate`, for `demoloom finetune "
                              "--reward`: each control step is "
                              "worth\n"
                              "# minus how far what is seen is from the demos at that time, translated, "
                              "times `weight`; -1 is as far as\n"
                              "# what stands still.\n"
                              "terms:\n"
                              "  - {term: embedding, file: translator.safetensors, weight: 0.01}\n",
                              err);
}

// ---- files

static void paste_picture(loomImage* to, const loomReal* picture, const loomTranslatorDef* d, int x, int y,
                          int zoom) {
  ptrdiff_t plane = (ptrdiff_t)d->height * d->width;
  for (int row = 0; row < d->height * zoom; row++)
    for (int column = 0; column < d->width * zoom; column++)
      for (int c = 0; c < 3; c++) {
        double value = (double)picture[c * plane + (ptrdiff_t)(row / zoom) * d->width + column / zoom];
        to->rgb[((ptrdiff_t)(y + row) * to->width + x + column) * 3 + c] =
            (unsigned char)lrint(255 * fmin(fmax(value, 0), 1));
      }
}

// Three rows a pair: what is seen here, its translation, and what is seen there.
static int draw_translations(const watchRun* r, const heldPairs* pairs, loomError* err) {
  enum { ZOOM = 2, GAP = 4 };
  translation* m = r->self;
  const loomTranslatorDef* d = &m->net.def;
  int shown = pairs->n < SHOWN ? pairs->n : SHOWN, step = d->width * ZOOM + GAP,
      high = d->height * ZOOM + GAP;
  size_t dim = (size_t)loom_translator_dim(&m->net);
  char path[LOOM_RUN_FILE_MAX];
  loomImage image;
  int code = loom_image_create(&image, COLUMNS * step, shown * (3 * high + 2 * GAP), err);
  if (code) return code;

  for (int p = 0; p < shown; p++) {
    const clip* here = pairs->here[p];
    for (int i = 0; i < COLUMNS; i++)
      put_pair(m, r, i, COLUMNS, here, pairs->there[p],
               i * (rows_of_both(here, pairs->there[p]) - 1) / (COLUMNS - 1));
    loom_translator_forward(&m->net, COLUMNS);
    for (int i = 0; i < COLUMNS; i++) {
      const loomReal* row[] = {m->net.seen + (size_t)i * dim, m->net.made[0] + (size_t)i * dim,
                               m->net.seen + (size_t)(COLUMNS + i) * dim};
      for (int k = 0; k < 3; k++)
        paste_picture(&image, row[k], d, i * step, p * (3 * high + 2 * GAP) + k * high, ZOOM);
    }
  }
  loom_run_folder_path(path, &r->folder, "translation.png");
  code = loom_image_write_png(&image, path, err);
  loom_image_destroy(&image);
  return code;
}

static int write_table(const watchRun* r, loomError* err) {
  const loomTranslationLook* t = &r->state.translation;
  char path[LOOM_RUN_FILE_MAX], text[512];
  snprintf(text, sizeof text,
           "picture,squared_error\ntranslated,%.8f\nreconstructed,%.8f\ncopied,%.8f\nfirst,%.8f\nmean,%.8f\n",
           t->translated, t->reconstructed, t->copied, t->first, t->mean);
  loom_run_folder_path(path, &r->folder, "translation.csv");
  return loom_file_write_text(path, text, err);
}

static int finish_translation(watchRun* r, loomError* err) {
  const translation* m = r->self;
  heldPairs pairs;
  list_held(&pairs, r, m);
  if (!pairs.n)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: none of the demos kept aside is seen in two contexts",
                          r->config.data[0]);

  int code = measure(r, &pairs, err);
  if (!code) code = save_reward(r, &pairs, err);
  if (!code) code = write_table(r, err);
  return code ? code : draw_translations(r, &pairs, err);
}

const watchMethod loom_watch_translation = {create_translation, params_of, learn_translation,
                                            finish_translation, destroy_translation};
