#include "tools/command/twin_fit.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "tools/shared/common.h"
#include "tools/shared/outputs.h"

static const char* const kinds[LOOM_FIT_KINDS] = {"mass", "friction", "damping"};
static const char* const known[] = {"told", "unmoved", "coupled", "at_bound"};

// ---- in words

static void why(char* out, size_t n, const loomTwinFit* fit, const loomFitParameter* p) {
  char other[2 * LOOM_NAME_MAX] = "";
  if (p->with >= 0) loom_fit_name(other, &fit->parameter[p->with]);
  snprintf(out, n, "cannot be told from this log");
  if (p->known == LOOM_FIT_UNMOVED)
    snprintf(out, n, "cannot be told from this log: its motion hardly depends on it");
  if (p->known == LOOM_FIT_COUPLED)
    snprintf(out, n, "cannot be told from this log: only together with %s", other);
  if (p->known == LOOM_FIT_AT_BOUND)
    snprintf(out, n, "cannot be told from this log: it is at an end of what was looked at, %.4g to %.4g",
             p->bounds[0], p->bounds[1]);
}

static void print_words(const loomTwinFit* fit, const char* output) {
  for (int i = 0; i < fit->n; i++) {
    const loomFitParameter* p = &fit->parameter[i];
    char name[2 * LOOM_NAME_MAX], text[320];
    loom_fit_name(name, p);
    if (p->known == LOOM_FIT_TOLD)
      snprintf(text, sizeof text, "%.4g %s (95 %%: %.4g to %.4g; the scene has %.4g)", p->value, p->unit,
               p->low, p->high, p->own);
    else
      why(text, sizeof text, fit, p);
    printf("%-24s %s\n", name, text);
  }

  printf("%-24s %10s %12s %12s %12s\n", "residual, RMS", "numbers", "noise", "before", "after");
  for (int i = 0; i < fit->ngroup; i++) {
    const loomFitGroup* g = &fit->group[i];
    double by = *g->unit ? 1000 : 1;
    char unit[16] = "";
    if (*g->unit) snprintf(unit, sizeof unit, "m%s", g->unit);
    if (!g->numbers) continue;
    printf("%-24s %10d %12.4g %12.4g %12.4g %s\n", g->name, g->numbers, by * g->noise, by * g->before,
           by * g->after, unit);
  }
  printf("%d rows of %d demos, %d rollouts; %d of the %d starts that were followed came to the same place\n",
         fit->rows, fit->ndemo, fit->rollouts, fit->agreed, fit->followed);
  if (output) printf("%s: a script for `demoloom twin edit`\n", output);
}

// ---- as JSON

static cJSON* parameter_json(const loomTwinFit* fit, const loomFitParameter* p) {
  cJSON* out = cJSON_CreateObject();
  char name[2 * LOOM_NAME_MAX];
  cJSON_AddStringToObject(out, "object", p->object);
  cJSON_AddStringToObject(out, "parameter", kinds[p->kind]);
  cJSON_AddStringToObject(out, "unit", p->unit);
  cJSON_AddBoolToObject(out, "told", p->known == LOOM_FIT_TOLD);
  cJSON_AddStringToObject(out, "known", known[p->known]);
  cJSON_AddNumberToObject(out, "value", p->value);
  cJSON_AddItemToObject(out, "range", cJSON_CreateDoubleArray((const double[]){p->low, p->high}, 2));
  cJSON_AddNumberToObject(out, "scene", p->own);
  if (p->with < 0) return out;
  loom_fit_name(name, &fit->parameter[p->with]);
  cJSON_AddStringToObject(out, "with", name);

  return out;
}

static cJSON* group_json(const loomFitGroup* g) {
  cJSON* out = cJSON_CreateObject();
  cJSON_AddStringToObject(out, "name", g->name);
  cJSON_AddStringToObject(out, "unit", g->unit);
  cJSON_AddNumberToObject(out, "numbers", g->numbers);
  cJSON_AddNumberToObject(out, "noise", g->noise);
  cJSON_AddNumberToObject(out, "before", g->before);
  cJSON_AddNumberToObject(out, "after", g->after);

  return out;
}

static void print_json(const loomTwinFit* fit, const char* folder, const twinFit* a) {
  cJSON* out = cJSON_CreateObject();
  cJSON_AddStringToObject(out, "task", folder);
  cJSON_AddStringToObject(out, "log", a->def.log);
  cJSON_AddNumberToObject(out, "demos", fit->ndemo);
  cJSON_AddNumberToObject(out, "rows", fit->rows);
  cJSON_AddBoolToObject(out, "states", fit->states);
  cJSON* list = cJSON_AddArrayToObject(out, "parameters");
  for (int i = 0; i < fit->n; i++) cJSON_AddItemToArray(list, parameter_json(fit, &fit->parameter[i]));
  list = cJSON_AddArrayToObject(out, "residuals");
  for (int i = 0; i < fit->ngroup; i++)
    if (fit->group[i].numbers) cJSON_AddItemToArray(list, group_json(&fit->group[i]));
  cJSON_AddNumberToObject(out, "rollouts", fit->rollouts);
  cJSON_AddNumberToObject(out, "followed", fit->followed);
  cJSON_AddNumberToObject(out, "agreed", fit->agreed);
  if (a->output) cJSON_AddStringToObject(out, "output", a->output);
  tool_print_json(out);
  cJSON_Delete(out);
}

// ---- all of it

// "mass,friction"
static int read_kinds(unsigned* out, const char* text, loomError* err) {
  *out = 0;
  while (*text) {
    size_t n = strcspn(text, ",");
    int kind = 0;
    while (kind < LOOM_FIT_KINDS && (strlen(kinds[kind]) != n || strncmp(kinds[kind], text, n) != 0)) kind++;
    if (kind == LOOM_FIT_KINDS)
      return loom_error_set(err, LOOM_ERR_USAGE,
                            "--fit: expected mass, friction or damping, with commas between, not '%.*s'",
                            (int)n, text);
    *out |= 1u << kind;
    text += n + (text[n] == ',');
  }

  return *out ? 0 : loom_error_set(err, LOOM_ERR_USAGE, "--fit: give mass, friction or damping");
}

static bool show_fit(void* user, int rollouts, double rms) {
  char note[64];
  snprintf(note, sizeof note, "residual %.3g of the noise", rms);
  tool_progress("fitting, rollouts", rollouts, 0, loom_clock() - *(const double*)user, note);
  return tool_stop;
}

static int write_script(const char* folder, const twinFit* a, const loomTwinFit* fit, const loomScene* scene,
                        loomError* err) {
  char* text = loom_fit_script(fit, scene, folder, a->def.log);
  int code = text ? loom_file_write_text(a->output, text, err)
                  : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a script");

  free(text);
  return code;
}

int twin_fit(const char* folder, twinFit* a, bool overwrite, bool json, loomAssetRoots* roots, bool* told,
             loomError* err) {
  toolOutputs outputs = {0};
  loomScene* scene = NULL;
  loomTask* task = NULL;
  loomTwinFit* fit = calloc(1, sizeof *fit);
  double begun = loom_clock();
  int code = fit ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a fit");
  if (!code && !a->def.log)
    code = loom_error_set(err, LOOM_ERR_USAGE,
                          "give --log FILE.hdf5, a dataset with the motion; `demoloom twin --help`");
  if (!code && a->kinds) code = read_kinds(&a->def.kinds, a->kinds, err);
  if (!code) code = tool_output(&outputs, a->output, tool_output_mode(overwrite), &a->def.log, 1, err);
  if (!code) code = loom_task_find(&task, folder, err);
  if (!code) code = tool_assets(roots, task, err);
  if (!code) code = loom_scene_of_task(&scene, task, roots, err);

  a->def.step = show_fit;
  a->def.user = &begun;
  a->def.stop = &tool_stop;
  if (!code) code = loom_twin_fit(fit, scene, &a->def, err);
  tool_progress_end();
  if (!code && a->output) code = write_script(folder, a, fit, scene, err);
  if (!code && json) print_json(fit, folder, a);
  if (!code && !json) print_words(fit, a->output);

  for (int i = 0; !code && i < fit->n; i++) *told = *told || fit->parameter[i].known == LOOM_FIT_TOLD;

  loom_scene_destroy(scene);
  loom_task_destroy(task);
  tool_outputs_close(&outputs);

  free(fit);
  return code;
}
