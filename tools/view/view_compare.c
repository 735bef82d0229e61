// Two side by side: the demos of a second file beside those of the first that began alike, or a second policy
// on the starts of the first. What is seen at the right is a viewer of its own, without widgets.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/view/view.h"

// m, rad: starts that are nearer are the same.
static const double same_start = 1e-6;

int view_compare_open(viewApp* app, loomError* err) {
  const viewArgs* a = app->args;
  viewApp* o = calloc(1, sizeof *o);
  if (!o) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a second viewer");

  // The same options, another file or policy; it writes nothing.
  app->other = o;
  app->tolerance = 1e-3;
  app->other_args = *a;
  app->other_args.roots = (loomAssetRoots){0};
  app->other_args.policy = a->beside ? a->beside : a->policy;
  app->other_args.target = a->other ? a->other : a->target;
  app->other_args.other = app->other_args.beside = app->other_args.segments = NULL;

  int code = loom_asset_roots_copy(&app->other_args.roots, &a->roots, err);
  if (!code) code = view_open_data(o, &app->other_args, err);
  if (!code && strcmp(o->task->name, app->task->name) != 0)
    code = loom_error_set(err, LOOM_ERR_USAGE,
                          "%s has demos of %s and %s of %s: only demos of one task can be compared",
                          app->path, app->task->name, o->path, o->task->name);
  return code;
}

void view_compare_close(viewApp* app) {
  if (!app->other) return;

  view_close_data(app->other);
  loom_asset_roots_destroy(&app->other_args.roots);
  free(app->start);
  free(app->other);
  app->other = NULL;
}

// ---- which demo is beside which

// A demo's first state, dim of it; NaN where it has none.
static void read_first(double* out, const loomDataset* d, int demo, int dim) {
  loomArray a;
  out[0] = NAN;
  if (loom_dataset_rows(&a, d, loom_dataset_demo_path(d, demo), "states", 0, 1, NULL)) return;

  if (a.type == LOOM_TYPE_F64 && a.count == dim) memcpy(out, a.data, sizeof *out * (size_t)dim);
  loom_array_destroy(&a);
}

// How far apart two starts are: the most by which a position differs. Infinity = they cannot be compared.
static double apart(const double* a, const double* b, int nq) {
  double most = 0;
  for (int i = 1; i <= nq; i++) most = fmax(most, isnan(a[i] + b[i]) ? INFINITY : fabs(a[i] - b[i]));
  return isnan(a[0] + b[0]) ? INFINITY : most;
}

// The demo at the right that began most like the one shown: the one of its name, if just so.
static int find_twin(viewApp* app) {
  viewApp* o = app->other;
  const loomDemo* demo = &app->stage.demo;
  int dim = demo->state_dim, nq = (int)app->stage.model->nq, best = -1;
  double nearest = INFINITY, *start = malloc(sizeof *start * (size_t)dim);
  int same = view_list_find(&o->list, demo->name);

  if (start && same >= 0 && same < o->list.demo_count) {
    read_first(start, o->dataset, same, dim);
    if (apart(start, demo->states, nq) <= same_start) best = same;
  }
  free(start);
  if (best >= 0) return best;

  // All starts, read once.
  size_t n = (size_t)o->list.demo_count;
  if (!app->start) {
    app->start = malloc(sizeof *app->start * n * (size_t)dim + 1);
    app->start_dim = dim;
    for (size_t i = 0; app->start && i < n; i++)
      read_first(app->start + i * (size_t)dim, o->dataset, (int)i, dim);
  }
  for (size_t i = 0; app->start && app->start_dim == dim && i < n; i++) {
    double away = apart(app->start + i * (size_t)dim, demo->states, nq);
    if (away >= nearest) continue;
    nearest = away;
    best = (int)i;
  }
  return best;
}

void view_compare_follow(viewApp* app) {
  viewApp* o = app->other;
  if (!o) return;

  // Runs have names of their own: those of one name began alike.
  const viewEntry* e = app->stage.entry >= 0 ? view_list_entry(&app->list, app->stage.entry) : NULL;
  int twin = !e ? -1 : e->demo < 0 ? view_list_find(&o->list, e->name) : find_twin(app);
  if (twin >= 0 && o->stage.entry != twin) view_show(o, twin);
  if (twin < 0 && !view_run_open(o)) {
    view_stage_close(&o->stage);
    o->stage_id++;
  }
  app->dirty = true;
}

bool view_compare_shown(const viewApp* app) {
  return app->other && app->other->stage.entry >= 0 && app->stage.entry >= 0;
}

// ---- how they differ

static bool comparable(const viewApp* app) {
  return view_compare_shown(app) && app->other->stage.model->nq == app->stage.model->nq;
}

int view_compare_row(const viewApp* app) {
  if (!comparable(app)) return -1;

  const loomDemo *a = &app->stage.demo, *b = &app->other->stage.demo;
  int rows = a->rows < b->rows ? a->rows : b->rows, nq = (int)app->stage.model->nq;
  for (int row = 0; row < rows; row++)
    if (apart(a->states + (size_t)row * (size_t)a->state_dim, b->states + (size_t)row * (size_t)b->state_dim,
              nq) > app->tolerance)
      return row;
  return -1;
}

void view_compare_go(viewApp* app, double tolerance) {
  if (tolerance > 0) app->tolerance = tolerance;

  int row = view_compare_row(app);
  if (!comparable(app)) {
    view_say(app, app->other ? "there is nothing beside this demo to compare it with"
                             : "nothing is compared: name a second file, or a policy with --beside");
  } else if (row < 0) {
    view_say(app, "the two do not differ by more than %g m or rad in the rows they share", app->tolerance);
  } else {
    view_stop(app);
    view_go(app, row);
    view_say(app, "they differ by more than %g m or rad from row %d on", app->tolerance, row);
  }
}

// ---- runs

void view_compare_run(viewApp* app, int number) {
  viewApp* o = app->other;
  if (!o || !app->args->beside) return;

  o->seed = app->seed;
  o->reset_choice = app->reset_choice;
  view_run_start(o, VIEW_RUN_POLICY, number);
  if (o->message[0]) view_say(app, "at the right: %.400s", o->message);
}

// ---- widgets

static const char* file_name(const viewApp* app) {
  const char *path = app->args->beside ? app->args->beside : app->path, *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

void view_compare_name(char out[2 * LOOM_NAME_MAX + 64], const viewApp* side) {
  const viewEntry* e = side->stage.entry >= 0 ? &side->list.entry[side->stage.entry] : NULL;
  const char* policy = side->args->policy;
  const char *path = policy && e && e->demo < 0 ? policy : side->path, *slash = strrchr(path, '/');

  // Policies have the same names in folders of their own: those are what tells them apart.
  while (policy && path == policy && slash && slash > path && slash[-1] != '/') slash--;
  snprintf(out, 2 * LOOM_NAME_MAX + 64, "%.60s: %.60s", slash ? slash + (*slash == '/') : path,
           e ? e->name : "none");
}

void view_compare_section(viewApp* app) {
  const viewApp* o = app->other;
  char line[160];
  if (!o || !gui_section("Beside", true)) return;

  if (!view_compare_shown(app)) {
    snprintf(line, sizeof line, "Nothing of %.60s is beside this one.", file_name(o));
    gui_text_wrapped(GUI_DIM, line);
    return;
  }

  const viewEntry* e = &o->list.entry[o->stage.entry];
  char name[2 * LOOM_NAME_MAX + 64];
  view_compare_name(name, o);
  gui_bold();
  gui_text_cut(GUI_INK, gui_room(), name);
  gui_font_end();
  if (e->outcome >= 0)
    gui_text(e->outcome == LOOM_OUTCOME_SUCCESS ? GUI_GOOD : GUI_BAD, "%s, %d rows",
             loom_outcome_name((loomOutcome)e->outcome), e->rows);
  else
    gui_text(GUI_DIM, "%d rows", e->rows);
  if (e->reason[0]) gui_text_wrapped(GUI_DIM, e->reason);

  // How alike they are.
  double off = comparable(app)
                   ? apart(app->stage.demo.states, o->stage.demo.states, (int)app->stage.model->nq)
                   : INFINITY;
  snprintf(line, sizeof line,
           isinf(off)          ? "Their models differ."
           : off <= same_start ? "They began alike."
                               : "The nearest start: %.2g m or rad off.",
           off);
  gui_text_wrapped(GUI_DIM, line);
  int row = view_compare_row(app);
  if (row >= 0) gui_text(GUI_INK, "They differ from row %d on.", row);
  gui_disable(row < 0);
  view_ui_button(app, "differ", 0);
  gui_disable_end();
}
