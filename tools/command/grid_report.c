#include "tools/command/grid_report.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/statistics.h"
#include "tools/shared/common.h"

static const char* const state_names[] = {"open", "done", "failed", "not run"};

enum { COLUMNS = GRID_KEYS + 10 + LOOM_LIMITS, CELL = 128 };

// ---- tables of text

typedef struct table {
  int rows, columns, room;
  char (*cell)[CELL];  // (rows, columns)
  bool failed;
} table;

// The next row's cells, all empty.
static char (*add_row(table* t))[CELL] {
  static char nowhere[COLUMNS][CELL];
  if (t->rows == t->room) {
    int room = t->room ? 2 * t->room : 32;
    void* more = realloc(t->cell, (size_t)room * (size_t)t->columns * CELL);
    t->failed = t->failed || !more;
    if (!more) return nowhere;
    t->cell = more;
    t->room = room;
  }
  char(*row)[CELL] = t->cell + (size_t)t->rows++ * (size_t)t->columns;
  memset(row, 0, (size_t)t->columns * CELL);
  return row;
}

// Columns as far apart as they have to be; those that are empty everywhere but in their heads are left out.
static void print_table(FILE* out, const table* t) {
  size_t width[COLUMNS] = {0};
  bool used[COLUMNS] = {false};
  for (int r = 0; r < t->rows; r++) {
    for (int k = 0; k < t->columns; k++) {
      const char* text = t->cell[(size_t)r * (size_t)t->columns + (size_t)k];
      size_t n = strlen(text);
      width[k] = n > width[k] ? n : width[k];
      used[k] = used[k] || (r && n);
    }
  }

  // No blanks at the end of a line.
  for (int r = 0; r < t->rows; r++) {
    size_t blanks = 0;
    for (int k = 0; k < t->columns; k++) {
      const char* text = t->cell[(size_t)r * (size_t)t->columns + (size_t)k];
      if (!used[k]) continue;
      if (*text) fprintf(out, "%*s%s", (int)blanks, "", text);
      blanks = (*text ? 0 : blanks) + width[k] - strlen(text) + 2;
    }
    putc('\n', out);
  }
}

// ---- cells as text

static void print_rate(char out[CELL], const gridRate* r) {
  double low, high;
  if (!r->n) return;
  loom_wilson(&low, &high, r->success, r->n);
  snprintf(out, CELL, "%.1f %% [%.1f, %.1f]", 100 * (double)r->success / (double)r->n, 100 * low, 100 * high);
}

static void print_pairs(char out[CELL], const gridResult* r) {
  double low, high;
  if (!r->paired) return;
  loom_paired_difference(&low, &high, r->both, r->gained, r->lost, r->paired);
  snprintf(out, CELL, "%+.1f [%+.1f, %+.1f]  +%lld -%lld p %.2g",
           100 * (double)(r->gained - r->lost) / (double)r->paired, 100 * low, 100 * high,
           (long long)r->gained, (long long)r->lost, loom_mcnemar(r->gained, r->lost));
}

// What there was before and is after, where both are told.
static void print_change(char out[CELL], double before, double after, const char* unit) {
  if (before >= 0 && after >= 0) snprintf(out, CELL, "%.4g -> %.4g%s", before, after, unit);
}

static double within_of(const gridRate* r) {
  return r->n && r->within_limits >= 0 ? round(1000.0 * (double)r->within_limits / (double)r->n) / 10 : NAN;
}

// How rough both are; limits that nobody breached have no column.
static void add_roughness(char (*row)[CELL], const gridResult* r) {
  print_change(row[0], within_of(&r->before), within_of(&r->after), " %");
  for (int l = LOOM_LIMIT_NONE + 1; l < LOOM_LIMITS; l++)
    if (r->before.breaches[l] > 0 || r->after.breaches[l] > 0)
      print_change(row[l], (double)r->before.breaches[l], (double)r->after.breaches[l], "");

  print_change(row[LOOM_LIMITS], r->before.jerk, r->after.jerk, "");
  if (grid_is_rougher(r)) snprintf(row[LOOM_LIMITS + 1], CELL, "rougher");
}

enum { ROUGHNESS = LOOM_LIMITS + 2 };

static void add_cell(table* t, const comparison* c, const grid* g, const gridResult* r, int i) {
  char(*row)[CELL] = add_row(t);
  for (int k = 0; k < c->nkey; k++) {
    const gridValue* value = grid_value(&g->cell[i], c->key[k]);
    snprintf(row[k], CELL, "%.*s", CELL - 1, value ? value->text : "-");
  }

  row += c->nkey;
  if (r->state != TOOL_CELL_DONE) {
    snprintf(row[0], CELL, "%s", state_names[r->state]);
    return;
  }
  print_rate(row[0], &r->before);
  print_rate(row[1], &r->after);
  print_pairs(row[2], r);
  add_roughness(row + 3, r);
  row += 3 + ROUGHNESS;
  if (isfinite(r->value)) snprintf(row[0], CELL, "%.1f", r->value);
  if (isfinite(r->steps)) snprintf(row[1], CELL, "%.0f", r->steps);
  if (isfinite(r->reached)) snprintf(row[2], CELL, "%.0f", r->reached);
}

static bool print_cells(FILE* out, const comparison* c, const grid* g, const gridResult* results) {
  table t = {.columns = c->nkey + 6 + ROUGHNESS};
  char(*head)[CELL] = add_row(&t);
  for (int k = 0; k < c->nkey; k++) snprintf(head[k], CELL, "%s", c->key[k]);

  // What comes after the keys, in the order of add_cell.
  head += c->nkey;
  snprintf(head[0], CELL, "before");
  snprintf(head[1], CELL, "after");
  snprintf(head[2], CELL, "points, same starts");
  snprintf(head[3], CELL, "within limits");
  for (int l = LOOM_LIMIT_NONE + 1; l < LOOM_LIMITS; l++)
    snprintf(head[3 + l], CELL, "breach %s", loom_limit_name((loomLimit)l));
  snprintf(head[3 + LOOM_LIMITS], CELL, "squared jerk");
  snprintf(head[4 + LOOM_LIMITS], CELL, "roughness");

  head += 3 + ROUGHNESS;
  snprintf(head[0], CELL, "return");
  snprintf(head[1], CELL, "steps");
  snprintf(head[2], CELL, "steps to %.4g", g->report.reach);
  for (int i = 0; i < g->n; i++) add_cell(&t, c, g, &results[i], i);
  if (!t.failed) print_table(out, &t);
  free(t.cell);

  return !t.failed;
}

static bool print_methods(FILE* out, const comparison* c, const compareScope* s) {
  table t = {.columns = 4};
  char(*head)[CELL] = add_row(&t);
  snprintf(head[0], CELL, "method");
  snprintf(head[1], CELL, "tasks");
  snprintf(head[2], CELL, "runs");
  snprintf(head[3], CELL, "IQM [95 %%]");

  for (int m = 0; m < c->methods + c->has_before; m++) {
    const compareMethod* x = &s->method[m];
    char(*row)[CELL] = add_row(&t);
    snprintf(row[0], CELL, "%.*s", CELL - 1, c->label[m]);
    snprintf(row[1], CELL, "%d", x->tasks);
    snprintf(row[2], CELL, "%d", x->runs);
    if (x->runs) snprintf(row[3], CELL, "%.4g [%.4g, %.4g]", x->iqm, x->low, x->high);
  }
  if (!t.failed) print_table(out, &t);
  free(t.cell);

  return !t.failed;
}

static void print_failures(FILE* out, const grid* g, const gridResult* results) {
  for (int i = 0; i < g->n; i++)
    if (results[i].why[0])
      fprintf(out, "%s %s: %s\n", state_names[results[i].state], g->cell[i].name, results[i].why);
}

static bool print_text(FILE* out, const comparison* c, const grid* g, const gridResult* results) {
  bool ok = print_cells(out, c, g, results);

  for (int i = 0; ok && i < c->scopes; i++) {
    const compareScope* s = &c->scope[i];
    fprintf(out, "\n%s%s%s, 95 %% stratified bootstrap intervals\n", s->label, *s->label ? ": " : "",
            comparison_over(s));
    ok = print_methods(out, c, s);
    for (int k = 0; k < s->pairs; k++)
      fprintf(out, "P(a run of %s beats one of %s) %.3f [%.3f, %.3f]\n", c->label[s->pair[k].x],
              c->label[s->pair[k].y], s->pair[k].p, s->pair[k].low, s->pair[k].high);
  }
  if (ok) putc('\n', out);
  print_failures(out, g, results);

  return ok && !ferror(out);
}

// ---- JSON

static void add_number(cJSON* map, const char* key, double x) {
  if (isfinite(x)) cJSON_AddNumberToObject(map, key, x);
}

static void add_rate(cJSON* map, const char* key, const gridRate* r) {
  double low, high;
  if (!r->n) return;
  loom_wilson(&low, &high, r->success, r->n);

  cJSON* out = cJSON_AddObjectToObject(map, key);
  cJSON_AddNumberToObject(out, "n", (double)r->n);
  cJSON_AddNumberToObject(out, "successes", (double)r->success);
  cJSON_AddNumberToObject(out, "success", (double)r->success / (double)r->n);
  cJSON_AddNumberToObject(out, "success_low", low);
  cJSON_AddNumberToObject(out, "success_high", high);
  add_number(out, "mean_squared_jerk", r->jerk);
  if (r->within_limits < 0) return;
  cJSON_AddNumberToObject(out, "successes_within_limits", (double)r->within_limits);
  cJSON_AddNumberToObject(out, "success_within_limits", (double)r->within_limits / (double)r->n);
  if (r->breaches[LOOM_LIMIT_NONE] < 0) return;

  cJSON* breaches = cJSON_AddObjectToObject(out, "breaches");
  for (int l = LOOM_LIMIT_NONE + 1; l < LOOM_LIMITS; l++)
    cJSON_AddNumberToObject(breaches, loom_limit_name((loomLimit)l), (double)r->breaches[l]);
}

static cJSON* cell_json(const gridCell* cell, const gridResult* r) {
  double low, high;
  cJSON *out = cJSON_CreateObject(), *settings = cJSON_CreateObject();
  cJSON_AddStringToObject(out, "cell", cell->name);
  cJSON_AddStringToObject(out, "state", state_names[r->state]);
  cJSON_AddItemToObject(out, "settings", settings);
  for (int i = 0; i < cell->n; i++)
    cJSON_AddStringToObject(settings, cell->setting[i].key, cell->setting[i].value->text);
  if (r->why[0]) cJSON_AddStringToObject(out, "why", r->why);

  add_rate(out, "before", &r->before);
  add_rate(out, "after", &r->after);
  if (r->paired) {
    loom_paired_difference(&low, &high, r->both, r->gained, r->lost, r->paired);
    cJSON* pairs = cJSON_AddObjectToObject(out, "same_starts");
    cJSON_AddNumberToObject(pairs, "n", (double)r->paired);
    cJSON_AddNumberToObject(pairs, "gained", (double)r->gained);
    cJSON_AddNumberToObject(pairs, "lost", (double)r->lost);
    cJSON_AddNumberToObject(pairs, "difference_low", low);
    cJSON_AddNumberToObject(pairs, "difference_high", high);
    cJSON_AddNumberToObject(pairs, "mcnemar_p", loom_mcnemar(r->gained, r->lost));
  }
  add_number(out, "return", r->value);
  add_number(out, "steps", r->steps);
  add_number(out, "steps_to_reach", r->reached);

  return out;
}

static cJSON* method_json(const char* label, const compareMethod* x) {
  cJSON* out = cJSON_CreateObject();
  cJSON_AddStringToObject(out, "method", label);
  cJSON_AddNumberToObject(out, "tasks", x->tasks);
  cJSON_AddNumberToObject(out, "runs", x->runs);
  if (!x->runs) return out;

  cJSON_AddNumberToObject(out, "iqm", x->iqm);
  cJSON_AddNumberToObject(out, "low", x->low);
  cJSON_AddNumberToObject(out, "high", x->high);
  cJSON_AddItemToObject(out, "profile", cJSON_CreateDoubleArray(x->share, COMPARE_POINTS));
  cJSON_AddItemToObject(out, "profile_low", cJSON_CreateDoubleArray(x->share_low, COMPARE_POINTS));
  cJSON_AddItemToObject(out, "profile_high", cJSON_CreateDoubleArray(x->share_high, COMPARE_POINTS));

  return out;
}

static cJSON* scope_json(const comparison* c, const compareScope* s) {
  cJSON* out = cJSON_CreateObject();
  if (*s->label) cJSON_AddStringToObject(out, "task", s->label);
  cJSON_AddItemToObject(out, "profile_scores", cJSON_CreateDoubleArray(s->score, COMPARE_POINTS));
  cJSON* methods = cJSON_AddArrayToObject(out, "methods");
  for (int m = 0; m < c->methods + c->has_before; m++)
    cJSON_AddItemToArray(methods, method_json(c->label[m], &s->method[m]));

  cJSON* pairs = cJSON_AddArrayToObject(out, "improvement");
  for (int i = 0; i < s->pairs; i++) {
    cJSON* pair = cJSON_CreateObject();
    cJSON_AddStringToObject(pair, "of", c->label[s->pair[i].x]);
    cJSON_AddStringToObject(pair, "over", c->label[s->pair[i].y]);
    cJSON_AddNumberToObject(pair, "tasks", s->pair[i].tasks);
    cJSON_AddNumberToObject(pair, "probability", s->pair[i].p);
    cJSON_AddNumberToObject(pair, "low", s->pair[i].low);
    cJSON_AddNumberToObject(pair, "high", s->pair[i].high);
    cJSON_AddItemToArray(pairs, pair);
  }

  return out;
}

static cJSON* report_json(const comparison* c, const grid* g, const gridResult* results) {
  cJSON *out = cJSON_CreateObject(), *cells = cJSON_AddArrayToObject(out, "cells"),
        *scopes = cJSON_AddArrayToObject(out, "comparisons");
  add_number(out, "reach", g->report.reach);
  for (int i = 0; i < g->n; i++) cJSON_AddItemToArray(cells, cell_json(&g->cell[i], &results[i]));
  for (int i = 0; i < c->scopes; i++) cJSON_AddItemToArray(scopes, scope_json(c, &c->scope[i]));
  return out;
}

// ---- CSV

// In quotes where it has to be (RFC 4180).
static void print_field(FILE* out, const char* text) {
  if (!strpbrk(text, ",\"\r\n")) {
    fputs(text, out);
    return;
  }
  putc('"', out);
  for (; *text; text++) fprintf(out, *text == '"' ? "\"\"" : "%c", *text);
  putc('"', out);
}

static void print_csv_number(FILE* out, double x) {
  if (isfinite(x)) fprintf(out, ",%.17g", x);
  if (!isfinite(x)) putc(',', out);
}

static void print_csv_rate(FILE* out, const gridRate* r) {
  double low, high;
  loom_wilson(&low, &high, r->success, r->n);
  if (r->n) fprintf(out, ",%lld,%lld,%.6f,%.6f", (long long)r->n, (long long)r->success, low, high);
  if (!r->n) fputs(",,,,", out);
}

// Within limits, breaches by limit, jerk: the columns' names and a cell's numbers.
static void print_csv_rough_names(FILE* out, const char* when) {
  fprintf(out, ",%s_within", when);
  for (int l = LOOM_LIMIT_NONE + 1; l < LOOM_LIMITS; l++)
    fprintf(out, ",%s_%s", when, loom_limit_name((loomLimit)l));
  fprintf(out, ",%s_jerk", when);
}

static void print_csv_count(FILE* out, int64_t n) {
  print_csv_number(out, n < 0 ? NAN : (double)n);
}

static void print_csv_rough(FILE* out, const gridRate* r) {
  print_csv_count(out, r->n ? r->within_limits : -1);
  for (int l = LOOM_LIMIT_NONE + 1; l < LOOM_LIMITS; l++) print_csv_count(out, r->breaches[l]);
  print_csv_number(out, r->jerk);
}

static bool print_csv(FILE* out, const comparison* c, const grid* g, const gridResult* results) {
  fputs("cell,state", out);
  for (int k = 0; k < c->nkey; k++) fprintf(out, ",%s", c->key[k]);
  fputs(
      ",before_n,before_success,before_low,before_high,after_n,after_success,after_low,after_high,gained,"
      "lost,mcnemar_p,return,steps,steps_to_reach",
      out);
  print_csv_rough_names(out, "before");
  print_csv_rough_names(out, "after");
  putc('\n', out);

  for (int i = 0; i < g->n; i++) {
    const gridResult* r = &results[i];
    fprintf(out, "%s,%s", g->cell[i].name, state_names[r->state]);
    for (int k = 0; k < c->nkey; k++) {
      const gridValue* value = grid_value(&g->cell[i], c->key[k]);
      putc(',', out);
      print_field(out, value ? value->text : "");
    }
    print_csv_rate(out, &r->before);
    print_csv_rate(out, &r->after);
    if (r->paired)
      fprintf(out, ",%lld,%lld,%.9g", (long long)r->gained, (long long)r->lost,
              loom_mcnemar(r->gained, r->lost));
    else
      fputs(",,,", out);
    print_csv_number(out, r->value);
    print_csv_number(out, r->steps);
    print_csv_number(out, r->reached);
    print_csv_rough(out, &r->before);
    print_csv_rough(out, &r->after);
    putc('\n', out);
  }

  return !ferror(out);
}

// What it took: of all processes that worked on a cell and told, and of it the share up to `reach`.
static bool print_costs(FILE* out, const comparison* c, const grid* g, const gridResult* results) {
  (void)c;
  fputs("cell,core_seconds,core_seconds_to_reach\n", out);
  for (int i = 0; i < g->n; i++) {
    const gridResult* r = &results[i];
    if (r->state != TOOL_CELL_DONE) continue;
    fputs(g->cell[i].name, out);
    print_csv_number(out, r->core_seconds);
    print_csv_number(out, r->core_seconds * r->reached / r->steps);
    putc('\n', out);
  }

  return !ferror(out);
}

// ---- files

typedef bool printReport(FILE* out, const comparison* c, const grid* g, const gridResult* results);

static bool print_json(FILE* out, const comparison* c, const grid* g, const gridResult* results) {
  cJSON* json = report_json(c, g, results);
  char* text = cJSON_Print(json);
  if (text) fprintf(out, "%s\n", text);
  bool ok = text && !ferror(out);
  cJSON_free(text);
  cJSON_Delete(json);

  return ok;
}

static int write_report(printReport* print, const comparison* c, const grid* g, const gridResult* results,
                        const char* path, loomError* err) {
  loomFile file;
  int code = loom_file_begin(&file, path, err);
  if (code) return code;

  bool ok = print(file.stream, c, g, results);
  code = ok ? loom_file_commit(&file, err)
            : loom_error_set(err, LOOM_ERR_IO, "%s: cannot be written, or no memory for it", path);
  loom_file_abort(&file);

  return code;
}

int grid_report(const grid* g, const gridResult* results, const char* folder, bool json, loomError* err) {
  static const struct {
    const char* name;
    printReport* print;
  } files[] = {{"report.txt", print_text},
               {"report.json", print_json},
               {"report.csv", print_csv},
               {"costs.csv", print_costs}};
  char path[LOOM_PATH_MAX + 32];
  comparison c;
  int code = comparison_make(&c, g, results, err);
  if (code) return code;

  for (size_t i = 0; !code && i < sizeof files / sizeof *files; i++) {
    snprintf(path, sizeof path, "%s/%s", folder, files[i].name);
    code = write_report(files[i].print, &c, g, results, path, err);
  }
  snprintf(path, sizeof path, "%s/report.png", folder);
  if (!code) code = grid_draw(&c, g, results, path, err);
  if (!code) (json ? print_json : print_text)(stdout, &c, g, results);
  comparison_destroy(&c);

  return code;
}
