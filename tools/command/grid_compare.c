#include "tools/command/grid_compare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/statistics.h"

// What says on what a method is tried, and which run of it a cell is; all other keys are methods.
static const char* const problem_keys[] = {"policy", "task", "reset", "disturb", "randomize", "starts", NULL};
static const char seed_key[] = "seed";

static int no_memory(loomError* err) {
  return loom_error_set(err, LOOM_ERR_MEMORY, "no memory to compare runs");
}

static bool is_in(const char* const* list, int n, const char* key) {
  for (int i = 0; (n < 0 || i < n) && list[i]; i++)
    if (!strcmp(list[i], key)) return true;
  return false;
}

// ---- keys that differ

static const char* text_of(const gridCell* cell, const char* key) {
  const gridValue* value = grid_value(cell, key);
  return value ? value->text : "-";
}

static bool differs(const grid* g, const char* key) {
  for (int i = 1; i < g->n; i++)
    if (strcmp(text_of(&g->cell[i], key), text_of(&g->cell[0], key)) != 0) return true;
  return false;
}

static void find_keys(comparison* c, const grid* g) {
  for (int i = 0; i < g->n; i++) {
    for (int k = 0; k < g->cell[i].n; k++) {
      const char* key = g->cell[i].setting[k].key;
      if (c->nkey < GRID_KEYS && !is_in(c->key, c->nkey, key) && differs(g, key)) c->key[c->nkey++] = key;
    }
  }
}

// ---- methods and problems

static bool is_method_key(const grid* g, const char* key) {
  if (g->report.ncompare) return is_in(g->report.compare, g->report.ncompare, key);
  return !is_in(problem_keys, -1, key) && strcmp(key, seed_key) != 0;
}

const char* comparison_over(const compareScope* scope) {
  return *scope->label ? "over seeds" : "over tasks and seeds";
}

// The values of a cell's keys that say its method, or else its problem.
static void label_cell(char out[COMPARE_LABEL], const comparison* c, const grid* g, const gridCell* cell,
                       bool method) {
  size_t n = 0;
  *out = '\0';
  for (int i = 0; i < c->nkey && n < COMPARE_LABEL - 1; i++) {
    bool wanted = is_method_key(g, c->key[i]) == method && strcmp(c->key[i], seed_key) != 0;
    if (wanted)
      n += (size_t)snprintf(out + n, COMPARE_LABEL - n, "%s%s", n ? ", " : "", text_of(cell, c->key[i]));
  }
}

static int number_cells(comparison* c, const grid* g, loomError* err) {
  char(*problem)[COMPARE_LABEL] = calloc((size_t)g->n, sizeof *problem);
  c->method = calloc((size_t)g->n, sizeof *c->method);
  c->problem = calloc((size_t)g->n, sizeof *c->problem);
  bool ok = problem && c->method && c->problem;

  // Each is known by its label, in the order of the cells.
  int code = ok ? LOOM_OK : no_memory(err);
  for (int i = 0; !code && i < g->n; i++) {
    char label[COMPARE_LABEL];
    int m = 0, p = 0;
    label_cell(label, c, g, &g->cell[i], true);
    while (m < c->methods && strcmp(c->label[m], label) != 0) m++;
    if (m == COMPARE_METHODS) {
      code = loom_error_set(err, LOOM_ERR_USAGE,
                            "a report compares %d methods at most; say which with `report: {compare: ...}`",
                            COMPARE_METHODS);
      break;
    }
    snprintf(c->label[m], COMPARE_LABEL, "%s", label);
    c->methods += m == c->methods;

    label_cell(label, c, g, &g->cell[i], false);
    while (p < c->problems && strcmp(problem[p], label) != 0) p++;
    snprintf(problem[p], COMPARE_LABEL, "%s", label);
    c->problems += p == c->problems;
    c->method[i] = m;
    c->problem[i] = p;
  }
  free(problem);

  // A single one has no value that tells it from others.
  if (!code && c->methods == 1 && !c->label[0][0]) snprintf(c->label[0], COMPARE_LABEL, "after");
  return code;
}

// ---- scores

// Of a return, what the report's range makes of it; false where it has none for that task.
static bool range_of(double* low, double* high, const grid* g, const gridCell* cell) {
  for (int i = 0; i < g->report.nrange; i++) {
    const char* task = g->report.range[i].task;
    if (*task && strcmp(task, text_of(cell, "task")) != 0) continue;
    *low = g->report.range[i].low;
    *high = g->report.range[i].high;
    return true;
  }

  return false;
}

// NAN: not known.
static double score_of(const grid* g, const gridCell* cell, const gridResult* r, bool before) {
  const gridRate* rate = before ? &r->before : &r->after;
  double low = 0, high = 1;
  if (r->state != TOOL_CELL_DONE) return NAN;
  if (rate->n) return (double)rate->success / (double)rate->n;
  if (before || !isfinite(r->value)) return NAN;

  range_of(&low, &high, g, cell);

  return (r->value - low) / (high - low);
}

// Returns of several tasks cannot be put together without a range.
static bool are_alike(const grid* g, const gridResult* results) {
  double low, high;
  bool raw = false;
  for (int i = 0; i < g->n; i++)
    raw = raw || (results[i].state == TOOL_CELL_DONE && !results[i].after.n && isfinite(results[i].value) &&
                  !range_of(&low, &high, g, &g->cell[i]));
  return !raw || !differs(g, "task");
}

static int find_scopes(comparison* c, const grid* g, const gridResult* results, loomError* err) {
  bool alike = are_alike(g, results);
  c->scope = calloc(COMPARE_SCOPES, sizeof *c->scope);
  if (!c->scope) return no_memory(err);
  c->scopes = alike ? 1 : 0;

  for (int i = 0; !alike && i < g->n; i++) {
    const char* task = text_of(&g->cell[i], "task");
    int k = 0;
    while (k < c->scopes && strncmp(c->scope[k].label, task, COMPARE_LABEL - 1) != 0) k++;
    if (k == COMPARE_SCOPES)
      return loom_error_set(err, LOOM_ERR_USAGE, "a report tells returns of %d tasks at most",
                            COMPARE_SCOPES);
    snprintf(c->scope[k].label, COMPARE_LABEL, "%s", task);
    c->scopes += k == c->scopes;
  }

  return LOOM_OK;
}

// ---- one scope

typedef struct scoring {
  const comparison* c;
  const grid* g;
  const gridResult* results;
  const compareScope* scope;
} scoring;

static bool is_in_scope(const scoring* s, int cell) {
  const char* label = s->scope->label;
  return !*label || !strncmp(label, text_of(&s->g->cell[cell], "task"), COMPARE_LABEL - 1);
}

// Scores of a method (c->methods: what there was before) on one problem; returns how many.
static int collect_problem(double* out, const scoring* s, int method, int problem) {
  bool before = method == s->c->methods;
  int n = 0;
  for (int i = 0; i < s->g->n; i++) {
    if (s->c->problem[i] != problem || (!before && s->c->method[i] != method) || !is_in_scope(s, i)) continue;
    double x = score_of(s->g, &s->g->cell[i], &s->results[i], before);
    if (isfinite(x)) out[n++] = x;
  }

  return n;
}

// Of all problems, or of those that `other` has too (-1: all). Memory: cells doubles, problems ints.
static loomScores collect(double* score, int* runs, const scoring* s, int method, int other) {
  loomScores out = {0, runs, score};
  double* at = score;
  for (int p = 0; p < s->c->problems; p++) {
    // Counted where its own will lie, which then are written over.
    if (other >= 0 && !collect_problem(at, s, other, p)) continue;
    int n = collect_problem(at, s, method, p);
    if (!n) continue;
    runs[out.tasks++] = n;
    at += n;
  }

  return out;
}

static int count_runs(const loomScores* s) {
  int n = 0;
  for (int i = 0; i < s->tasks; i++) n += s->runs[i];
  return n;
}

static double iqm_of(const loomScores* x, const loomScores* y, void* user) {
  double* sorted = user;
  int n = count_runs(x);
  (void)y;
  memcpy(sorted, x->score, (size_t)n * sizeof *sorted);
  return loom_iqm(sorted, n);
}

static double share_above(const loomScores* x, const loomScores* y, void* user) {
  (void)y;
  return loom_profile(x, *(const double*)user);
}

static double improvement_of(const loomScores* x, const loomScores* y, void* user) {
  (void)user;
  return loom_improvement(x, y);
}

static int fill_method(compareMethod* out, compareScope* scope, const loomScores* x, double* scratch,
                       loomError* err) {
  out->tasks = x->tasks;
  out->runs = count_runs(x);
  if (!out->runs) return LOOM_OK;

  out->iqm = iqm_of(x, NULL, scratch);
  int code = loom_bootstrap(&out->low, &out->high, iqm_of, x, NULL, scratch, COMPARE_DRAWS, err);
  for (int k = 0; !code && k < COMPARE_POINTS; k++) {
    out->share[k] = loom_profile(x, scope->score[k]);
    code = loom_bootstrap(&out->share_low[k], &out->share_high[k], share_above, x, NULL, &scope->score[k],
                          COMPARE_DRAWS / 4, err);
  }

  return code;
}

// From the lowest score to the highest; rates from 0 to 1.
static void set_points(compareScope* scope, const scoring* s) {
  double low = INFINITY, high = -INFINITY;
  bool rates = true;
  for (int i = 0; i < s->g->n; i++) {
    double x = is_in_scope(s, i) ? score_of(s->g, &s->g->cell[i], &s->results[i], false) : NAN;
    if (!isfinite(x)) continue;
    rates = rates && s->results[i].after.n;
    low = fmin(low, x);
    high = fmax(high, x);
  }
  if (rates || !(low <= high)) low = 0, high = 1;
  for (int k = 0; k < COMPARE_POINTS; k++) scope->score[k] = low + (high - low) * k / (COMPARE_POINTS - 1);
}

static int fill_pair(compareScope* scope, const scoring* s, int x, int y, double* score, int* runs,
                     loomError* err) {
  comparePair pair = {.x = x, .y = y};
  int n = s->g->n;
  loomScores a = collect(score, runs, s, x, y), b = collect(score + n, runs + s->c->problems, s, y, x);
  if (!a.tasks) return LOOM_OK;

  pair.tasks = a.tasks;
  pair.p = loom_improvement(&a, &b);
  int code = loom_bootstrap(&pair.low, &pair.high, improvement_of, &a, &b, NULL, COMPARE_DRAWS, err);
  if (!code) scope->pair[scope->pairs++] = pair;
  return code;
}

static int fill_scope(compareScope* scope, const comparison* c, const grid* g, const gridResult* results,
                      loomError* err) {
  scoring s = {c, g, results, scope};
  size_t cells = (size_t)g->n, problems = (size_t)c->problems;
  double* score = calloc(3 * cells, sizeof *score);
  int* runs = calloc(2 * problems, sizeof *runs);
  int code = score && runs ? LOOM_OK : no_memory(err), methods = c->methods + c->has_before;

  set_points(scope, &s);
  for (int m = 0; !code && m < methods; m++) {
    loomScores x = collect(score, runs, &s, m, -1);
    code = fill_method(&scope->method[m], scope, &x, score + 2 * cells, err);
  }
  for (int x = 0; !code && x < methods; x++)
    for (int y = x + 1; !code && y < methods; y++) code = fill_pair(scope, &s, x, y, score, runs, err);
  free(score);
  free(runs);

  return code;
}

// ---- the whole

int comparison_make(comparison* out, const grid* g, const gridResult* results, loomError* err) {
  *out = (comparison){0};
  find_keys(out, g);
  for (int i = 0; i < g->n; i++) out->has_before = out->has_before || results[i].before.n;

  int code = number_cells(out, g, err);
  if (!code) code = find_scopes(out, g, results, err);
  snprintf(out->label[out->methods], COMPARE_LABEL, "before");
  for (int i = 0; !code && i < out->scopes; i++) code = fill_scope(&out->scope[i], out, g, results, err);
  if (code) comparison_destroy(out);
  return code;
}

void comparison_destroy(comparison* c) {
  free(c->method);
  free(c->problem);
  free(c->scope);
  *c = (comparison){0};
}
