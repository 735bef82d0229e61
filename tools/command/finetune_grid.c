#include "tools/command/finetune_grid.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/lease.h"
#include "engine/base/pool.h"
#include "tools/command/grid_report.h"
#include "tools/shared/cells.h"
#include "tools/shared/common.h"

typedef struct work {
  const finetuneGrid* def;
  grid grid;
} work;

// ---- what the command line may say beside a grid

// Options that are the grid command's own; all others are for the file to say.
static const char* const own_options[] = {"output", "threads",   "json",   "dry-run", "retry",
                                          "cells",  "heartbeat", "assets", "help",    NULL};

static bool is_own(const char* name) {
  for (int i = 0; own_options[i]; i++)
    if (!strcmp(own_options[i], name)) return true;
  return false;
}

// The option that an argument names, by its name or a part of it, or by its letter; NULL = none.
static const toolOption* option_named(const toolCommand* command, const char* argument) {
  bool by_name = argument[0] == '-' && argument[1] == '-';
  for (size_t i = 0; argument[0] == '-' && argument[1] && i < command->n; i++) {
    const toolOption* o = &command->option[i];
    if (!by_name && o->letter && o->letter == argument[1]) return o;
    if (by_name && argument[2] && o->field.name &&
        !strncmp(o->field.name, argument + 2, strcspn(argument + 2, "=")))
      return o;
  }

  return NULL;
}

static int check_arguments(const finetuneGrid* def) {
  for (int i = 1; i < def->argc; i++) {
    const toolOption* o = option_named(def->command, def->argv[i]);
    if (!o) continue;
    if (!is_own(o->field.name))
      return tool_usage("finetune", "--%s: is for %s to say (`set: {%s: ...}`), for all cells or each",
                        o->field.name, def->path, o->field.name);

    // Its value is no option.
    bool takes = o->argument && !strchr(def->argv[i], '=');
    bool joined = def->argv[i][1] != '-' && def->argv[i][2];
    i += takes && !joined;
  }

  return 0;
}

// ---- one cell

enum { CELL_ARGUMENTS = 2 * GRID_KEYS + 40 };

typedef struct arguments {
  int n;
  char* at[CELL_ARGUMENTS + 1];
} arguments;

static void add_argument(arguments* a, const char* option, const char* text) {
  size_t room = strlen(option) + (text ? strlen(text) : 0) + 4;
  char* out = a->n < CELL_ARGUMENTS ? malloc(room) : NULL;
  if (!out) return;
  snprintf(out, room, "%s%s%s", option, text ? "=" : "", text ? text : "");
  a->at[a->n++] = out;
}

static bool is_switch(const toolCommand* command, const char* key) {
  for (size_t i = 0; i < command->n; i++) {
    const toolOption* o = &command->option[i];
    if (o->field.name && !strcmp(o->field.name, key)) return !o->argument;
  }
  return false;
}

static void add_setting(arguments* a, const gridSetting* s, const toolCommand* command) {
  char option[80];
  snprintf(option, sizeof option, "--%.70s", s->key);
  bool on = is_switch(command, s->key);
  if (!strcmp(s->key, "policy"))
    add_argument(a, s->value->text, NULL);
  else if (!on || !strcmp(s->value->text, "true"))
    add_argument(a, option, on ? NULL : s->value->text);
}

static int run_cell(void* user, int cell) {
  const work* w = user;
  const finetuneGrid* def = w->def;
  const gridCell* c = &w->grid.cell[cell];
  char path[LOOM_PATH_MAX + 128];
  arguments a = {0};

  // As a user would type it: its settings, then where all goes.
  add_argument(&a, "finetune", NULL);
  for (int i = 0; i < c->n; i++) add_setting(&a, &c->setting[i], def->command);
  if (!grid_value(c, "threads")) add_argument(&a, "--threads", "1");
  tool_cell_path(path, def->folder, c->name, "");
  add_argument(&a, "--output", path);
  add_argument(&a, "--resume", NULL);
  add_argument(&a, "--json", NULL);

  // Where assets lie is the machine's matter.
  for (int i = 1; i < def->argc; i++) {
    const toolOption* o = option_named(def->command, def->argv[i]);
    if (!o || strcmp(o->field.name, "assets") != 0) continue;
    add_argument(&a, def->argv[i], NULL);
    if (!strchr(def->argv[i], '=') && i + 1 < def->argc) add_argument(&a, def->argv[++i], NULL);
  }

  int status = def->run(a.n, a.at);
  for (int i = 0; i < a.n; i++) free(a.at[i]);

  return status;
}

static const char* cell_name(void* user, int cell) {
  return ((work*)user)->grid.cell[cell].name;
}

static toolCellState cell_state(void* user, int cell) {
  const work* w = user;
  return grid_cell_state(&w->grid.cell[cell], w->def->folder);
}

static int finish_cell(void* user, int cell, int status, double core_seconds, loomError* err) {
  const work* w = user;
  return grid_finish_cell(&w->grid.cell[cell], w->def->folder, status, core_seconds, err);
}

// ---- before any of it: what there is to do, and what it will take

typedef struct estimate {
  int count[4];    // cells by toolCellState
  int known;       // of the open ones: those whose cost is known
  double seconds;  // of these
  double steps;    // of all open ones that say how many
} estimate;

static bool same_value(const gridCell* a, const gridCell* b, const char* key) {
  const gridValue *x = grid_value(a, key), *y = grid_value(b, key);
  return (!x && !y) || (x && y && !strcmp(x->text, y->text));
}

// As the mean step of what is done with the same method, task and policy, or NAN.
static double cost_of_step(const grid* g, const gridResult* results, const gridCell* cell) {
  double seconds = 0, steps = 0;
  for (int i = 0; i < g->n; i++) {
    const gridResult* r = &results[i];
    bool like = same_value(cell, &g->cell[i], "method") && same_value(cell, &g->cell[i], "task") &&
                same_value(cell, &g->cell[i], "policy") && same_value(cell, &g->cell[i], "config");
    if (!like || r->state != TOOL_CELL_DONE || !(r->steps > 0) || !isfinite(r->core_seconds)) continue;
    seconds += r->core_seconds;
    steps += r->steps;
  }

  return steps > 0 ? seconds / steps : NAN;
}

// What a cell will do: what it says, or what one like it did.
static double steps_of(const grid* g, const gridResult* results, const gridCell* cell) {
  const gridValue* said = grid_value(cell, "steps");
  if (said) return strtod(said->text, NULL);
  for (int i = 0; i < g->n; i++)
    if (results[i].state == TOOL_CELL_DONE && same_value(cell, &g->cell[i], "config") &&
        same_value(cell, &g->cell[i], "method"))
      return results[i].steps;

  return NAN;
}

static estimate estimate_grid(const grid* g, const gridResult* results) {
  estimate e = {0};
  for (int i = 0; i < g->n; i++) {
    e.count[results[i].state]++;
    if (results[i].state != TOOL_CELL_OPEN) continue;
    double steps = steps_of(g, results, &g->cell[i]), cost = cost_of_step(g, results, &g->cell[i]) * steps;
    if (isfinite(steps)) e.steps += steps;
    if (!isfinite(cost)) continue;
    e.known++;
    e.seconds += cost;
  }

  return e;
}

static void print_plan(const grid* g, const gridResult* results, const estimate* e) {
  static const char* const states[] = {"to do", "done", "failed", "cannot be run"};
  for (int i = 0; i < g->n; i++) {
    const gridCell* c = &g->cell[i];
    printf("%s  %-13s ", c->name, states[results[i].state]);
    for (int k = 0; k < c->n; k++) printf(" %s=%s", c->setting[k].key, c->setting[k].value->text);
    printf("%s%s\n", results[i].why[0] ? ": " : "", results[i].why);
  }

  printf("%d cell%s: %d to do, %d done, %d failed, %d that cannot be run\n", g->n, g->n == 1 ? "" : "s",
         e->count[TOOL_CELL_OPEN], e->count[TOOL_CELL_DONE], e->count[TOOL_CELL_FAILED],
         e->count[TOOL_CELL_BARRED]);
  printf("%.0f steps to do; %.3g core-hours for %d cell%s", e->steps, e->seconds / 3600, e->known,
         e->known == 1 ? "" : "s");
  int unknown = e->count[TOOL_CELL_OPEN] - e->known;
  if (unknown) printf(", and %d of which none like it is done: `--cells 1` does one", unknown);
  putchar('\n');
}

static void print_plan_json(const grid* g, const estimate* e) {
  cJSON* out = cJSON_CreateObject();
  cJSON_AddNumberToObject(out, "cells", g->n);
  cJSON_AddNumberToObject(out, "open", e->count[TOOL_CELL_OPEN]);
  cJSON_AddNumberToObject(out, "done", e->count[TOOL_CELL_DONE]);
  cJSON_AddNumberToObject(out, "failed", e->count[TOOL_CELL_FAILED]);
  cJSON_AddNumberToObject(out, "cannot_be_run", e->count[TOOL_CELL_BARRED]);
  cJSON_AddNumberToObject(out, "steps", e->steps);
  cJSON_AddNumberToObject(out, "core_hours", e->seconds / 3600);
  cJSON_AddNumberToObject(out, "cells_of_unknown_cost", e->count[TOOL_CELL_OPEN] - e->known);
  tool_print_json(out);
  cJSON_Delete(out);
}

// ---- the report

// One process at a time writes it; all of them write the same.
static int take_report(loomLease* lease, const finetuneGrid* def, loomError* err) {
  char folder[LOOM_PATH_MAX + 16];
  loomLeaseTaken taken = LOOM_LEASE_NOT;
  int code = LOOM_OK;
  snprintf(folder, sizeof folder, "%s/leases", def->folder);

  loomLeaseDef lease_def = {.folder = folder, .name = "report", .beat = def->heartbeat};
  while (!code && !taken && !tool_stop) {
    code = loom_lease_take(lease, &taken, &lease_def, err);
    if (!code && !taken) loom_sleep(0.02);
  }

  return code;
}

static int report(const work* w, int* status, loomError* err) {
  const grid* g = &w->grid;
  loomLease lease = {0};
  gridResult* results = calloc((size_t)g->n, sizeof *results);
  int code = results ? take_report(&lease, w->def, err)
                     : loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a report");
  if (!code) code = grid_read_results(results, g, w->def->folder, err);
  if (!code) code = grid_report(g, results, w->def->folder, w->def->json, err);
  loom_lease_release(&lease);

  // What is not done is said once more, and is no success.
  int missing = 0, failed = 0;
  for (int i = 0; !code && i < g->n; i++) {
    missing += results[i].state == TOOL_CELL_BARRED;
    failed += results[i].state == TOOL_CELL_FAILED;
  }
  free(results);
  if (failed) fprintf(stderr, "demoloom: %d of %d cells failed; --retry does them again\n", failed, g->n);
  if (missing) fprintf(stderr, "demoloom: %d of %d cells name a file that is not there\n", missing, g->n);
  if (failed || missing) *status = EXIT_FAILED;
  return code;
}

// ---- the whole

static int plan(const work* w, loomError* err) {
  const grid* g = &w->grid;
  gridResult* results = calloc((size_t)g->n, sizeof *results);
  int code = results ? grid_read_results(results, g, w->def->folder, err)
                     : loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a grid");
  if (!code) {
    estimate e = estimate_grid(g, results);
    if (w->def->json)
      print_plan_json(g, &e);
    else
      print_plan(g, results, &e);
  }
  free(results);

  return code;
}

static int drain(work* w, loomError* err) {
  const finetuneGrid* def = w->def;
  toolCells cells = {.folder = def->folder,
                     .n = w->grid.n,
                     .workers = loom_pool_workers((int)(def->workers > 0 ? def->workers : 0), w->grid.n),
                     .most = (int)def->most,
                     .beat = def->heartbeat,
                     .user = w,
                     .name = cell_name,
                     .state = cell_state,
                     .run = run_cell,
                     .finish = finish_cell};
  if (def->retry) grid_forget_failures(&w->grid, def->folder);

  tool_catch_signals();

  return tool_cells_drain(&cells, err);
}

int finetune_grid(const finetuneGrid* def) {
  work w = {.def = def};
  loomError err = {0, ""};
  int status = check_arguments(def);
  if (status) return status;

  int code =
      strlen(def->folder) < LOOM_PATH_MAX - 64
          ? loom_folder_check_place(def->folder, 0, &err)
          : loom_error_set(&err, LOOM_ERR_USAGE, "-o: a path longer than %d bytes", LOOM_PATH_MAX - 65);
  if (!code) code = grid_load(&w.grid, def->path, def->command, &err);
  if (!code && def->dry_run) code = plan(&w, &err);
  if (!code && !def->dry_run) code = drain(&w, &err);
  if (!code && !def->dry_run) code = report(&w, &status, &err);

  grid_destroy(&w.grid);

  return code ? tool_fail(&err) : status;
}
