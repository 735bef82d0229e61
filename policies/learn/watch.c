#include "policies/learn/watch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/pool.h"
#include "policies/learn/learner.h"
#include "policies/learn/watch_internal.h"
#include "policies/nn/optimizer.h"
#include "policies/report/curves.h"
#include "policies/report/event_log.h"

// ---- settings

static void settle(loomWatchConfig* c, int demos) {
  bool tcn = c->method == LOOM_WATCH_TCN, triplets = tcn && c->contrast == LOOM_CONTRAST_TRIPLETS;
  if (c->batch < 2) c->batch = triplets ? 32 : tcn ? 2 : c->method == LOOM_WATCH_TRANSLATE ? 16 : 4;
  if (c->held_out < 2) c->held_out = demos / 5 > 2 ? demos / 5 : 2;
}

// ---- a run

// What a checkpoint has besides weights.
typedef struct progress {
  double step, sum, count;  // of losses since the last look
  double seconds;
} progress;
enum { PROGRESS = 3 };

typedef struct wholeRun {
  watchRun run;
  loomAdamDef adam;
  loomEventLog* log;
  progress p;
  double gradient;  // length of the last one
} wholeRun;

static const char* const files[] = {"last.safetensors",
                                    "config.yaml",
                                    "scalars.csv",
                                    "curves.png",
                                    "reward.yaml",
                                    "encoder.safetensors",
                                    "alignment.csv",
                                    "translator.safetensors",
                                    "translation.csv",
                                    "translation.png",
                                    "distance.png",
                                    "events.out.tfevents.*",
                                    NULL};

static int list_tensors(loomSafeTensor* out, wholeRun* w) {
  const loomParams* p = w->run.method->params(&w->run);
  int n = loom_learner_params(out, p);
  out[n++] = loom_learner_numbers("train.first", LOOM_SAFE_F32, p->first, p->total);
  out[n++] = loom_learner_numbers("train.second", LOOM_SAFE_F32, p->second, p->total);
  out[n++] = loom_learner_numbers("train.progress", LOOM_SAFE_F64, &w->p, PROGRESS);
  return n;
}

static int save(wholeRun* w, loomError* err) {
  char path[LOOM_RUN_FILE_MAX];
  loomSafeTensor tensor[LOOM_LEARNER_TENSORS];
  loom_run_folder_path(path, &w->run.folder, "last.safetensors");
  int code = loom_safetensors_write(path, tensor, list_tensors(tensor, w), NULL, 0, err);
  return code ? code : loom_curves_draw(w->run.def->folder, err);
}

static int load(wholeRun* w, loomError* err) {
  char path[LOOM_RUN_FILE_MAX];
  loomSafetensors file;
  loomSafeTensor tensor[LOOM_LEARNER_TENSORS];
  int n = list_tensors(tensor, w);
  loom_run_folder_path(path, &w->run.folder, "last.safetensors");
  int code = loom_safetensors_read(&file, path, err);
  if (code) return code;

  for (int i = 0; !code && i < n; i++) code = loom_learner_read(&tensor[i], &file, path, err);
  loom_safetensors_destroy(&file);
  return code;
}

static char* settings_text(const wholeRun* w, loomError* err) {
  const loomWatchConfig* c = &w->run.config;
  char* text = NULL;
  size_t size;
  FILE* out = open_memstream(&text, &size);
  if (out) {
    fprintf(out, "observe:\n");
    loom_fields_write(out, c, &loom_watch_fields, 0);
    fprintf(out, "  data: ");
    for (int i = 0; i < c->inputs; i++)
      fprintf(out, "%s\"%s\"%s",
              i               ? ", "
              : c->inputs > 1 ? "["
                              : "",
              c->data[i], i && i == c->inputs - 1 ? "]" : "");
    fprintf(out, "\n  digest: %016llx\n", (unsigned long long)w->run.data.digest);
    if (fclose(out) == 0) return text;
  }
  free(text);
  loom_error_set(err, LOOM_ERR_MEMORY, "no memory for settings");
  return NULL;
}

static int open_folder(wholeRun* w, loomError* err) {
  const loomWatchDef* def = w->run.def;
  loomRunFolderDef folder = {.path = def->folder,
                             .parents = true,
                             .mode = loom_folder_mode(def->overwrite, def->resume),
                             .mark = "last.safetensors",
                             .own = files,
                             .ninput = w->run.config.inputs,
                             .input = w->run.config.data,
                             .alternative = "learn in another folder"};
  int code = loom_run_folder_open(&w->run.folder, &folder, err);
  if (code) return code;

  char* text = settings_text(w, err);
  code = text ? loom_run_folder_settings(&w->run.folder, "config.yaml", text, err) : LOOM_ERR_MEMORY;
  free(text);
  return code;
}

// ---- demos

static loomWatchedDef watched_def(const wholeRun* w) {
  const loomWatchConfig* c = &w->run.config;
  return (loomWatchedDef){.path = c->data,
                          .paths = c->inputs,
                          .keys = c->keys,
                          .key = (const loomName*)c->key,
                          .pictures = c->method != LOOM_WATCH_OBJECTS,
                          .demos = c->demos,
                          .still = c->still,
                          .side = c->side,
                          .stop = w->run.def->stop,
                          .told = w->run.def->reading,
                          .user = w->run.def->user};
}

// What is measured as well is seen as what is learned from.
static int read_others(wholeRun* w, loomError* err) {
  watchRun* r = &w->run;
  loomName key[LOOM_WATCHED_KEYS];
  int code = LOOM_OK;
  for (int k = 0; k < r->data.keys; k++) memcpy(key[k], r->data.key[k].name, sizeof key[k]);

  for (int i = 0; !code && i < r->def->measures; i++) {
    loomWatchedDef def = watched_def(w);
    def.path = &r->def->measure[i];
    def.paths = 1;
    def.demos = 0;
    def.keys = r->data.keys;
    def.key = (const loomName*)key;
    code = loom_watched_read(&r->other[r->others], &def, err);
    if (code) return code;

    const loomWatched* other = &r->other[r->others++];
    bool same = other->pictures == r->data.pictures && other->low == r->data.low;
    for (int k = 0; same && k < other->keys; k++) same = other->key[k].dim == r->data.key[k].dim;
    if (!same)
      code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: pictures of other sizes than in %s", def.path[0],
                            r->config.data[0]);
  }
  return code;
}

static int read_demos(wholeRun* w, loomError* err) {
  watchRun* r = &w->run;
  loomWatchConfig* c = &r->config;
  const loomWatchedDef def = watched_def(w);
  int code = loom_watched_read(&r->data, &def, err);
  if (code) return code;

  settle(c, r->data.demos);
  r->held = r->data.demos - c->held_out;
  if (r->held < 2)
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s: %d demos, of which %d are kept aside; two at least are to be learned from",
                          c->data[0], r->data.demos, c->held_out);
  r->state.demos = r->held;
  r->state.held_out = c->held_out;
  r->state.still = 1 - (double)r->data.kept / (double)r->data.all;
  return read_others(w, err);
}

// ---- steps

static int learn(wholeRun* w, loomError* err) {
  watchRun* r = &w->run;
  loomParams* params = r->method->params(r);

  // What is drawn depends on the step alone, so that a resumed run draws the same.
  loomRandom random = loom_random((uint64_t)r->config.seed, (uint64_t)w->p.step + 1, LOOM_PURPOSE_WATCH);
  loom_params_zero_gradient(params);
  double loss = r->method->learn(r, &random);
  w->gradient = loom_adam_step(params, &w->adam, r->config.rate, (uint64_t)w->p.step + 1);
  w->p.step++;
  w->p.sum += loss;
  w->p.count++;
  if (isfinite(loss) && isfinite(w->gradient)) return LOOM_OK;
  return loom_error_set(err, LOOM_ERR_FORMAT, "step %.0f: gradients are no finite numbers; take a lower rate",
                        w->p.step);
}

static int look(wholeRun* w, loomError* err) {
  watchRun* r = &w->run;
  r->state.step = (int)w->p.step;
  r->state.loss = w->p.count > 0 ? w->p.sum / w->p.count : 0;
  w->p.sum = w->p.count = 0;

  const loomScalar all[] = {
      {"train/loss", r->state.loss}, {"train/gradient", w->gradient}, {"train/rate", r->config.rate}};
  int code = LOOM_OK;

  for (size_t i = 0; !code && i < sizeof all / sizeof *all; i++)
    code = loom_event_log_scalar(w->log, all[i].tag, r->state.step, all[i].value, err);
  return code ? code : loom_event_log_flush(w->log, err);
}

static int run_steps(wholeRun* w, loomError* err) {
  watchRun* r = &w->run;
  const loomWatchConfig* c = &r->config;
  double start = loom_process_cpu();
  int code = LOOM_OK;
  r->state.step = (int)w->p.step;

  while (!code && (int)w->p.step < c->steps) {
    bool stop = r->def->stop && *r->def->stop;
    if (!stop) code = learn(w, err);
    if (code) return code;
    bool due = (int)w->p.step % c->every == 0 || (int)w->p.step == c->steps;
    if (!due && !stop) continue;

    r->state.seconds = loom_process_cpu() - start;
    if (!stop) code = look(w, err);
    if (!stop && r->def->progress) r->def->progress(r->def->user, &r->state);
    if (!code) code = save(w, err);
    if (!code && stop) return loom_error_set(err, LOOM_ERR_INTERRUPTED, "stopped after step %.0f", w->p.step);
  }
  return code;
}

static int run_all(wholeRun* w, loomError* err) {
  watchRun* r = &w->run;
  int code = read_demos(w, err);
  if (!code) code = r->method->create(r, err);
  if (!code) code = open_folder(w, err);
  if (!code && r->folder.resumed) code = load(w, err);
  if (!code) code = loom_event_log_open(&w->log, r->def->folder, err);
  if (!code) code = run_steps(w, err);
  return code ? code : r->method->finish(r, err);
}

int loom_watch(loomWatchState* out, const loomWatchDef* def, loomError* err) {
  bool translates = def->config->method == LOOM_WATCH_TRANSLATE;
  if (def->measures > (translates ? 0 : LOOM_WATCH_OTHERS))
    return translates ? loom_error_set(err, LOOM_ERR_USAGE, "translate measures no other demos than its own")
                      : loom_error_set(err, LOOM_ERR_USAGE, "at most %d files to measure", LOOM_WATCH_OTHERS);
  wholeRun* w = calloc(1, sizeof *w);
  if (!w) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory to learn");

  w->run = (watchRun){.def = def,
                      .config = *def->config,
                      .method = translates ? &loom_watch_translation : &loom_watch_embedding};
  w->run.state.steps = def->config->steps;
  w->adam = loom_default_adam_def();

  int kernels = loom_set_kernel_threads(def->config->threads);
  int code = run_all(w, err);
  loom_set_kernel_threads(kernels);
  *out = w->run.state;

  // An event log that could not be written to its end is an error only where nothing worse happened.
  loomError unlogged = {0, ""};
  if (loom_event_log_close(w->log, &unlogged) && !code) {
    code = unlogged.code;
    if (err) *err = unlogged;
  }
  w->run.method->destroy(&w->run);
  loom_watched_destroy(&w->run.data);
  for (int i = 0; i < w->run.others; i++) loom_watched_destroy(&w->run.other[i]);
  loom_run_folder_close(&w->run.folder);
  free(w);
  return code;
}
