#include "tools/command/grid.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/hash.h"
#include "engine/base/text.h"
#include "engine/scene/library.h"

static const char policy[] = "policy";  // the argument that is no option

static int no_memory(loomError* err) {
  return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a grid");
}

// ---- what a key may be

// What says where results go, how they are told, or which run of several it is.
static bool is_the_grids(const char* key) {
  static const char* const own[] = {"output", "resume",  "overwrite", "json",      "seeds", "assets",
                                    "retry",  "dry-run", "cells",     "heartbeat", NULL};
  for (int i = 0; own[i]; i++)
    if (!strcmp(own[i], key)) return true;
  return false;
}

static const toolOption* find_option(const toolCommand* command, const char* key) {
  for (size_t i = 0; i < command->n; i++) {
    const toolOption* o = &command->option[i];
    bool named = o->kind != TOOL_ALIAS && o->kind != TOOL_HEADING && o->field.name;
    if (named && !strcmp(o->field.name, key) && !is_the_grids(key)) return o;
  }
  return NULL;
}

static int check_keys(const loomYaml* y, loomNode map, const toolCommand* command, loomError* err) {
  const char* known[72] = {policy};
  int n = 1;
  for (size_t i = 0; i < command->n && n < 70; i++) {
    const char* key = command->option[i].field.name;
    if (key && find_option(command, key)) known[n++] = key;
  }
  return loom_yaml_only(y, map, known, err);
}

// ---- values

// A scene that stands where scenes do, by its name.
static bool read_scene(gridValue* out, const toolOption* o) {
  loomTask* task = NULL;
  if (!o || !o->argument || strcmp(o->argument, "TASK") != 0 || loom_is_file(out->text)) return false;

  out->missing = loom_task_find(&task, out->text, NULL) != LOOM_OK;
  if (!out->missing) out->digest = task->digest;
  loom_task_destroy(task);
  return true;
}

// A path, where the option takes nothing else or the text looks like one.
static bool names_file(const char* key, const toolOption* o, const char* text) {
  if (!strcmp(key, policy)) return true;
  if (!o->argument) return false;
  return !strncmp(o->argument, "FILE", 4) || strchr(text, '/') || loom_ends_with(text, ".yaml") ||
         loom_ends_with(text, ".safetensors");
}

static int read_value(gridValue* out, const char* key, const toolCommand* command, const loomYaml* y,
                      loomNode node, loomError* err) {
  const toolOption* o = find_option(command, key);
  out->text = loom_yaml_text(y, node);
  if (!out->text || !*out->text)
    return loom_yaml_error(y, node, key, err, "takes a value, or a list of them");

  // A switch is on or off.
  bool is_switch = o && !o->argument;
  if (is_switch && strcmp(out->text, "true") != 0 && strcmp(out->text, "false") != 0)
    return loom_yaml_error(y, node, key, err, "takes true or false, not '%s'", out->text);
  if (is_switch || read_scene(out, o) || !names_file(key, o, out->text)) return LOOM_OK;

  // Another file of the same name is another cell.
  out->missing = !loom_is_file(out->text);
  if (out->missing) return LOOM_OK;
  out->digest = LOOM_HASH_SEED;
  return loom_hash_file(&out->digest, out->text, err);
}

// The values of a key, and how many.
static int read_values(const gridValue** out, int* n, grid* g, const char* key, const toolCommand* command,
                       loomNode node, loomError* err) {
  const loomYaml* y = g->yaml;
  bool list = loom_yaml_is_list(y, node);
  *n = list ? loom_yaml_count(y, node) : 1;
  if (!*n) return loom_yaml_error(y, node, key, err, "is a list of nothing");

  // Kept by the grid.
  gridValue* values = calloc((size_t)*n, sizeof *values);
  gridValue** more = realloc(g->value, (size_t)(g->nvalue + 1) * sizeof *more);
  if (more) g->value = more;
  if (!values || !more) {
    free(values);
    return no_memory(err);
  }
  g->value[g->nvalue++] = values;
  *out = values;

  for (int i = 0; i < *n; i++) {
    loomNode item = list ? loom_yaml_item(y, node, i) : node;
    int code = read_value(&values[i], key, command, y, item, err);
    if (code) return code;
  }
  return LOOM_OK;
}

// ---- cells

static int by_key(const void* a, const void* b) {
  return strcmp(((const gridSetting*)a)->key, ((const gridSetting*)b)->key);
}

// What decides nothing of a result.
static bool decides_nothing(const gridSetting* s, const toolCommand* command) {
  const toolOption* o = find_option(command, s->key);
  bool off = o && !o->argument && !strcmp(s->value->text, "false");
  return off || !strcmp(s->key, "threads");
}

static void name_cell(gridCell* cell, const toolCommand* command) {
  static const char form[] = "demoloom finetune, cell 1\n";
  uint64_t hash = loom_hash(LOOM_HASH_SEED, form, sizeof form - 1);

  for (int i = 0; i < cell->n; i++) {
    const gridSetting* s = &cell->setting[i];
    char digest[32];
    if (decides_nothing(s, command)) continue;
    snprintf(digest, sizeof digest, "%016llx", (unsigned long long)s->value->digest);

    // Each with its 0, so that no two ways of writing settings run together.
    hash = loom_hash(hash, s->key, strlen(s->key) + 1);
    hash = loom_hash(hash, s->value->text, strlen(s->value->text) + 1);
    hash = loom_hash(hash, digest, strlen(digest) + 1);
  }
  snprintf(cell->name, sizeof cell->name, "%016llx", (unsigned long long)hash);
}

// The options of one map, and of each how many values.
typedef struct axes {
  int n;
  const char* key[GRID_KEYS];
  int count[GRID_KEYS];
  const gridValue* value[GRID_KEYS];
} axes;

static int read_axes(axes* out, grid* g, const toolCommand* command, loomNode map, loomError* err) {
  int code = check_keys(g->yaml, map, command, err);
  for (int i = 0; !code && i < loom_yaml_count(g->yaml, map); i++) {
    const char* key = loom_yaml_key(g->yaml, map, i);
    int at = 0;
    while (at < out->n && strcmp(out->key[at], key) != 0) at++;
    if (at >= GRID_KEYS) return loom_yaml_error(g->yaml, map, key, err, "is one key too many");

    // A map's own value replaces what is set for all.
    out->key[at] = key;
    out->n += at == out->n;
    code =
        read_values(&out->value[at], &out->count[at], g, key, command, loom_yaml_item(g->yaml, map, i), err);
  }
  return code;
}

static bool has_cell(const grid* g, const char* name) {
  for (int i = 0; i < g->n; i++)
    if (!strcmp(g->cell[i].name, name)) return true;
  return false;
}

// Every combination; the last key changes fastest.
static int add_cells(grid* g, const axes* a, const toolCommand* command, loomNode node, loomError* err) {
  int64_t count = 1;
  for (int i = 0; i < a->n; i++) {
    count *= a->count[i];
    if (count + g->n > GRID_CELLS)
      return loom_yaml_error(g->yaml, node, "grid", err, "makes more than %d cells", GRID_CELLS);
  }

  gridCell* more = realloc(g->cell, (size_t)(g->n + count) * sizeof *more);
  if (!more) return no_memory(err);
  g->cell = more;

  for (int64_t k = 0; k < count; k++) {
    gridCell cell = {.n = a->n};
    int64_t rest = k;
    for (int i = a->n - 1; i >= 0; rest /= a->count[i], i--)
      cell.setting[i] = (gridSetting){a->key[i], &a->value[i][rest % a->count[i]]};

    // Two maps may name the same one.
    qsort(cell.setting, (size_t)cell.n, sizeof *cell.setting, by_key);
    name_cell(&cell, command);
    if (!has_cell(g, cell.name)) g->cell[g->n++] = cell;
  }
  return LOOM_OK;
}

static int read_cells(grid* g, const char* path, const toolCommand* command, loomError* err) {
  loomNode root = loom_yaml_root(g->yaml), list = loom_yaml_get(g->yaml, root, "grid");
  loomNode set = loom_yaml_get(g->yaml, root, "set");
  if (!list) return loom_error_set(err, LOOM_ERR_FORMAT, "%s: has no `grid:`", path);

  // One map, or several.
  bool several = loom_yaml_is_list(g->yaml, list);
  int code = LOOM_OK, n = several ? loom_yaml_count(g->yaml, list) : 1;
  for (int i = 0; !code && i < n; i++) {
    axes a = {0};
    loomNode map = several ? loom_yaml_item(g->yaml, list, i) : list;
    if (!loom_yaml_is_map(g->yaml, map))
      return loom_yaml_error(g->yaml, map ? map : list, "grid", err, "takes options, each with its values");
    if (set) code = read_axes(&a, g, command, set, err);
    if (!code) code = read_axes(&a, g, command, map, err);
    if (!code) code = add_cells(g, &a, command, list, err);
  }
  return code;
}

// ---- the report's settings

static bool is_a_key(const grid* g, const char* key) {
  for (int i = 0; i < g->n; i++)
    if (grid_value(&g->cell[i], key)) return true;
  return false;
}

static int read_range(gridReportDef* r, const loomYaml* y, loomNode map, const char* key, const char* task,
                      loomError* err) {
  double range[2];
  if (r->nrange == GRID_RANGES) return loom_yaml_error(y, map, key, err, "has too many tasks");

  int code = loom_yaml_read_numbers(range, 2, NULL, y, map, key, true, err);
  if (!code && !(range[0] < range[1]))
    code = loom_yaml_error(y, map, key, err, "takes [LOW, HIGH], the lower one first");
  if (code) return code;
  r->range[r->nrange].task = task;
  r->range[r->nrange].low = range[0];
  r->range[r->nrange++].high = range[1];
  return LOOM_OK;
}

static int read_report(grid* g, loomError* err) {
  static const char* const known[] = {"compare", "reach", "range", NULL};
  const loomYaml* y = g->yaml;
  gridReportDef* r = &g->report;
  loomNode map = loom_yaml_get(y, loom_yaml_root(y), "report");
  r->reach = NAN;
  if (!map) return LOOM_OK;

  int code = loom_yaml_only(y, map, known, err);
  if (!code) code = loom_yaml_read_number(&r->reach, y, map, "reach", false, err);

  // What is compared: one key or several.
  loomNode compare = loom_yaml_get(y, map, "compare");
  bool list = loom_yaml_is_list(y, compare);
  for (int i = 0; !code && compare && i < (list ? loom_yaml_count(y, compare) : 1); i++) {
    const char* key = loom_yaml_text(y, list ? loom_yaml_item(y, compare, i) : compare);
    if (!key || !is_a_key(g, key) || r->ncompare == GRID_KEYS)
      return loom_yaml_error(y, compare, "compare", err, "takes keys of `grid:` or `set:`");
    r->compare[r->ncompare++] = key;
  }

  // Of all returns, or of each task's.
  loomNode range = loom_yaml_get(y, map, "range");
  if (range && loom_yaml_is_list(y, range)) return code ? code : read_range(r, y, map, "range", "", err);
  for (int i = 0; !code && range && i < loom_yaml_count(y, range); i++)
    code = read_range(r, y, range, loom_yaml_key(y, range, i), loom_yaml_key(y, range, i), err);
  return code;
}

// ---- the whole

int grid_load(grid* out, const char* path, const toolCommand* command, loomError* err) {
  static const char* const known[] = {"grid", "set", "report", NULL};
  *out = (grid){0};

  int code = loom_yaml_load(&out->yaml, NULL, path, err);
  if (!code) code = loom_yaml_only(out->yaml, loom_yaml_root(out->yaml), known, err);
  if (!code) code = read_cells(out, path, command, err);
  if (!code) code = read_report(out, err);
  if (code) grid_destroy(out);
  return code;
}

void grid_destroy(grid* g) {
  for (int i = 0; i < g->nvalue; i++) free(g->value[i]);
  free(g->value);
  free(g->cell);
  loom_yaml_destroy(g->yaml);
  *g = (grid){0};
}

const gridValue* grid_value(const gridCell* cell, const char* key) {
  for (int i = 0; i < cell->n; i++)
    if (!strcmp(cell->setting[i].key, key)) return cell->setting[i].value;
  return NULL;
}

const gridSetting* grid_missing(const gridCell* cell) {
  for (int i = 0; i < cell->n; i++)
    if (cell->setting[i].value->missing) return &cell->setting[i];
  return NULL;
}
