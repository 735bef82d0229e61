// demoloom segment --clean: source demos before and after cleaning, and a file of the cleaned ones.
#include "tools/command/segment_clean.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/run/record_demo.h"
#include "engine/scene/compose.h"
#include "generators/run/clean_choose.h"
#include "generators/run/screen.h"
#include "generators/source/segment_file.h"
#include "tools/shared/common.h"

/// A demo before and after.
typedef struct cleanedDemo {
  const loomReplay* recorded;
  loomCleaned cleaned;
  loomScreening screening;
  int best;               // of cleaned.made; -1 = it stays as it is
  loomDemoRecord record;  // what the file will have of it
  char* xml;              // its model
} cleanedDemo;

// ---- shown

static void print_head(void) {
  printf("%-10s %13s  %14s  %16s  %13s  %s\n", "demo", "rows", "joint speed, %", "rad/s^2, largest",
         "pressed, mm", "demos of so many attempts");
}

static const loomCleanFigures* figures_after(const cleanedDemo* d) {
  return d->best < 0 ? &d->cleaned.before : &d->cleaned.made[d->best].figures;
}

static void print_line(const cleanedDemo* d) {
  const loomCleanFigures *b = &d->cleaned.before, *a = figures_after(d);
  const loomScreening* s = &d->screening;
  int k = 1 + d->best;
  printf("%-10s %5d -> %4d  %5.0f -> %5.0f  %6.1f -> %6.1f  %4.1f -> %5.1f", d->recorded->name, b->rows,
         a->rows, 100 * b->joint_speed, 100 * a->joint_speed, b->acceleration, a->acceleration,
         1e3 * b->penetration, 1e3 * a->penetration);

  if (!s->n) printf("  stays as it is: %s\n", d->cleaned.reason);
  if (s->n && d->best < 0) printf("  %d of %d: no way of cleaning makes more\n", s->wins[0], s->tries[0]);
  if (s->n && d->best >= 0)
    printf("  %d of %d -> %d of %d\n", s->wins[0], s->tries[0], s->wins[k], s->tries[k]);
}

static cJSON* figures_json(const loomCleanFigures* f, const loomScreening* s, int k) {
  cJSON* out = cJSON_CreateObject();
  cJSON_AddNumberToObject(out, "rows", f->rows);
  cJSON_AddNumberToObject(out, "joint_speed", f->joint_speed);
  cJSON_AddNumberToObject(out, "joint_acceleration", f->acceleration);
  cJSON_AddNumberToObject(out, "penetration", f->penetration);
  cJSON_AddStringToObject(out, "penetrating", f->pressed);
  cJSON_AddBoolToObject(out, "success", f->success);

  // Of the screening, in which poor ones take part for a round only.
  if (s->n) cJSON_AddNumberToObject(out, "attempts", s->tries[k]);
  if (s->n) cJSON_AddNumberToObject(out, "successes", s->wins[k]);
  return out;
}

static cJSON* demo_json(const cleanedDemo* d) {
  cJSON* out = cJSON_CreateObject();
  cJSON_AddStringToObject(out, "name", d->recorded->name);
  cJSON_AddBoolToObject(out, "cleaned", d->best >= 0);
  cJSON_AddItemToObject(out, "before", figures_json(&d->cleaned.before, &d->screening, 0));
  if (d->best >= 0)
    cJSON_AddItemToObject(out, "after", figures_json(figures_after(d), &d->screening, 1 + d->best));
  if (d->cleaned.reason[0]) cJSON_AddStringToObject(out, "reason", d->cleaned.reason);

  // All that was tried, by what settings.
  cJSON_AddNumberToObject(out, "tries", d->cleaned.tries);
  cJSON* tries = cJSON_AddArrayToObject(out, "made");
  for (int i = 0; i < d->cleaned.n; i++) {
    const loomCleanTry* made = &d->cleaned.made[i];
    cJSON* t = figures_json(&made->figures, &d->screening, 1 + i);
    cJSON_AddNumberToObject(t, "tolerance", made->def.tolerance);
    cJSON_AddNumberToObject(t, "turn", made->def.turn);
    cJSON_AddNumberToObject(t, "margin", made->def.margin);
    cJSON* list = cJSON_AddArrayToObject(t, "straight");
    for (int g = 0; g < 2; g++) cJSON_AddItemToArray(list, cJSON_CreateBool(made->def.straight[g]));
    cJSON_AddItemToArray(tries, t);
  }
  return out;
}

// ---- written

// Of the trace it is a copy: that goes on to the next demo.
static int keep(cleanedDemo* d, const segmentClean* s, loomError* err) {
  loomDemoRecord* record = &d->record;
  const loomTrace* trace = &d->cleaned.made[d->best].trace;
  int code = loom_dataset_attr_string(
      &d->xml, s->dataset, loom_dataset_demo_path(s->dataset, d->recorded->number), "model_file", err);
  if (code) return code;

  // All else is found in the states.
  loom_demo_record_rows(record, LOOM_DEMO_ACTIONS | LOOM_DEMO_STATES, trace, NULL, 0, trace->rows);
  loom_demo_record_keep(record);

  loom_demo_record_attr(record, loom_attr_int("num_samples", trace->rows));
  loom_demo_record_attr(record, loom_attr_string("loom_origin", "cleaned"));
  loom_demo_record_attr(record, loom_attr_string("model_file", d->xml));
  return 0;
}

// The cleaned ones as a file of this program's own beside the dataset; *n of them.
static int write_cleaned(const char* path, int* n, cleanedDemo* demo, int all, loomError* err) {
  loomRecord* list = calloc((size_t)all + 1, sizeof *list);
  int code = list ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for cleaned demos");
  *n = 0;
  for (int i = 0; !code && i < all; i++)
    if (demo[i].xml)
      code = loom_demo_record_finish(&list[(*n)++], &demo[i].record, demo[i].recorded->name, err);
  if (!code && *n) code = loom_shard_write(path, list, *n, NULL, err);
  free(list);
  return code;
}

static int write_all(const char* path, const loomDataset* dataset, cleanedDemo* demo, int n, loomError* err) {
  char part[LOOM_PATH_MAX + 16], *env_args = NULL;
  loomSource* source = calloc((size_t)n + 1, sizeof *source);
  if (!source) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for cleaned demos");
  snprintf(part, sizeof part, "%.*s.cleaned", LOOM_PATH_MAX - 1, path);

  int cleaned = 0, code = write_cleaned(part, &cleaned, demo, n, err);
  if (!code && loom_dataset_has_env_args(dataset)) code = loom_dataset_env_args(&env_args, dataset, err);

  // In their order and by their names, cleaned or not.
  for (int i = 0; i < n; i++)
    source[i] = (loomSource){demo[i].xml ? part : loom_dataset_path(dataset), demo[i].recorded->name};
  loomNames left_out = {0};
  loomAttr attr = loom_attr_string("env_args", env_args ? env_args : "");
  loomAssembleDef def = loom_default_assemble_def();
  def.attr = &attr;
  def.nattr = env_args ? 1 : 0;
  def.valid = 0;
  def.keep_names = true;
  def.mixed = true;
  def.left_out = &left_out;
  if (!code) code = loom_dataset_assemble(path, source, n, &def, err);
  tool_tell_left_out(&left_out, !code);

  if (cleaned) unlink(part);
  free(env_args);
  free(source);
  return code;
}

// ---- all of it

static int clean_one(cleanedDemo* d, loomScene** scene, const loomScene* attempts,
                     const loomSourceSet* sources, const loomSegmentFile* given, const segmentClean* s,
                     loomError* err) {
  loomGenerateDef def = loom_default_generate_def();
  def.stop = &tool_stop;
  int code = loom_clean_demo(&d->cleaned, scene, s->task, s->dataset, d->recorded, s->roots, given, err);
  if (!code)
    code = loom_clean_choose(&d->best, &d->screening, attempts, sources, d->recorded, &d->cleaned, &def, err);
  if (!code && d->best >= 0 && s->output) code = keep(d, s, err);
  return code;
}

static void destroy_demo(cleanedDemo* d) {
  loom_cleaned_destroy(&d->cleaned);
  loom_screening_destroy(&d->screening);
  loom_demo_record_destroy(&d->record);
  free(d->xml);
}

static int clean_all(const loomSourceSet* sources, const loomScene* attempts, const segmentClean* s,
                     cJSON* demos, loomError* err) {
  loomScene* scene = NULL;
  loomSegmentFile given = {0};
  cleanedDemo* demo = calloc((size_t)sources->n + 1, sizeof *demo);
  int code = demo ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for %d demos", sources->n), n = 0;
  if (!code && s->segments) code = loom_segment_file_load(&given, s->segments, s->task, s->dataset, err);
  if (!code && !s->json) print_head();

  int cleaned = 0;
  for (; !code && n < sources->n && sources->replay[n].number < s->limit; n++) {
    cleanedDemo* d = &demo[n];
    *d = (cleanedDemo){.recorded = &sources->replay[n], .best = -1};
    code = clean_one(d, &scene, attempts, sources, &given, s, err);
    if (!code && tool_stop)
      code = loom_error_set(err, LOOM_ERR_INTERRUPTED, "interrupted after %d demos%s%s%s", n,
                            s->output ? "; " : "", s->output ? s->output : "",
                            s->output ? " was not written: run it again" : "; run it again for all of them");
    if (!code && s->json) cJSON_AddItemToArray(demos, demo_json(d));
    if (!code && !s->json) print_line(d);
    cleaned += d->best >= 0;
  }

  if (!code && s->output) code = write_all(s->output, s->dataset, demo, n, err);
  if (!code && s->output && !s->json) printf("wrote %s: %d of %d demos cleaned\n", s->output, cleaned, n);
  for (int i = 0; i < n; i++) destroy_demo(&demo[i]);
  free(demo);
  loom_segment_file_destroy(&given);
  loom_scene_destroy(scene);
  return code;
}

int segment_clean(const segmentClean* s, cJSON* demos, loomError* err) {
  loomSourceSet sources;
  loomScene* scene = NULL;
  loomSourceDef from = {.segments = s->segments, .skip = s->skip};
  int code = loom_sources_load_with(&sources, s->task, loom_dataset_path(s->dataset), s->roots, &from, err);
  if (code) return code;

  // Attempts run where those of `generate` do.
  code = loom_scene_create(&scene, s->task, sources.model_xml, sources.model_label, sources.env_args,
                           s->roots, err);
  if (!code) code = clean_all(&sources, scene, s, demos, err);
  loom_scene_destroy(scene);
  loom_sources_destroy(&sources);
  return code;
}
