// All source demos of a task, loaded as its attempts use them.
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/scene/compose.h"
#include "engine/scene/env_args.h"
#include "generators/source/clean.h"
#include "generators/source/segment_file.h"

bool loom_source_is_odd(int code, loomError* err) {
  if (code != LOOM_ERR_FORMAT && code != LOOM_ERR_UNSUPPORTED && code != LOOM_ERR_SIM) return false;
  loom_error_suffix(err, code, ", or --skip to go on with the other demos");
  return true;
}

/// A set on its way.
typedef struct loading {
  loomSourceSet* set;
  const loomTask* task;
  const loomDataset* dataset;
  const loomAssetRoots* roots;
  const loomSourceDef* def;
  loomScene* scene;       // of the demo loaded last
  loomSegmentFile given;  // no ends where there is no file
} loading;

static int leave_out(const loading* l, int number, const char* why, loomError* err) {
  if (!loom_dataset_leave_out(l->dataset, number, why) &&
      !loom_names_add(&l->set->left_out, loom_dataset_demo_name(l->dataset, number)))
    return 0;
  return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for names of demos");
}

static bool is_picked(const loading* l, int number) {
  const char* name = loom_dataset_demo_name(l->dataset, number);
  bool picked = !l->def->demo_count;
  for (int i = 0; i < l->def->demo_count && !picked; i++) picked = !strcmp(l->def->demos[i], name);
  return picked;
}

static int check_picked(const loading* l, loomError* err) {
  for (int i = 0; i < l->def->demo_count; i++) {
    const char* name = l->def->demos[i];
    if (loom_dataset_demo_index(l->dataset, name) < 0)
      return loom_error_set(err, LOOM_ERR_USAGE, "%s: has no demo '%s'; `demoloom info` lists them",
                            loom_dataset_path(l->dataset), name);
  }
  return 0;
}

static int load_one(loading* l, int number, loomError* err) {
  loomSourceSet* s = l->set;
  loomReplay* replay = &s->replay[s->n];
  loomError why = {0};

  // Of the others one may be needed for its model.
  bool picked = is_picked(l, number), model = number == l->task->model_demo && !l->task->model_file[0];
  if (!picked && !model) return 0;

  loomCleanResult cleaned = {0};
  int code = l->set->clean && picked ? loom_clean_load(&cleaned, replay, NULL, &l->scene, l->task, l->dataset,
                                                       number, l->roots, &l->given, &why)
                                     : loom_source_load(replay, &l->scene, l->task, l->dataset, number,
                                                        l->roots, &l->given, &why);

  // One of the demos may give attempts their model, be it usable otherwise or not.
  if (model && l->scene) {
    snprintf(s->model_label, sizeof s->model_label, "%s:data/%s", loom_dataset_path(l->dataset),
             loom_dataset_demo_name(l->dataset, number));
    if (!(s->model_xml = strdup(l->scene->xml)))
      return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a model's text");
  }

  if (!picked && (!code || loom_source_is_odd(code, NULL))) {
    loom_replay_destroy(replay);
    return 0;
  }
  if (!code) {
    s->n++;
    s->cleaned += cleaned.cleaned;
    return 0;
  }

  // What is wrong with one demo need not stop the others.
  loom_replay_destroy(replay);
  if (l->def->skip && loom_source_is_odd(code, NULL)) return leave_out(l, number, why.message, err);
  loom_source_is_odd(code, &why);
  return loom_error_set(err, code, "%s", why.message);
}

static void list_demos(char* out, size_t size, const loomSourceSet* s, bool (*is_of)(const loomReplay*)) {
  enum { SHOWN = 8 };
  size_t used = 0;
  int n = 0;
  for (int i = 0; i < s->n; i++) {
    if (!is_of(&s->replay[i]) || n++ >= SHOWN) continue;
    used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "", s->replay[i].name);
  }
  if (n > SHOWN) snprintf(out + used, size - used, " and %d more", n - SHOWN);
}

static bool never_succeeds(const loomReplay* r) {
  return r->success_row < 0;
}

static bool loses_success(const loomReplay* r) {
  return r->success_row >= 0 && !r->success_end;
}

// Sources that do not show what attempts are to achieve; those may do it all the same, so it is no error.
static void tell_success(const loading* l) {
  static const struct {
    bool (*is_of)(const loomReplay*);
    const char *all, *some;
  } kinds[] = {
      {never_succeeds, "no source demo shows success", "never show success"},
      {loses_success, "no source demo ends in success, though each shows it before",
       "show success, but not at their end"},
  };

  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
    char names[LOOM_PATH_MAX], what[2 * LOOM_PATH_MAX];
    int n = 0;
    for (int i = 0; i < l->set->n; i++) n += kinds[k].is_of(&l->set->replay[i]);
    if (!n) continue;

    list_demos(names, sizeof names, l->set, kinds[k].is_of);
    char some[128];
    snprintf(some, sizeof some, "%d of %d source demos %s", n, l->set->n, kinds[k].some);
    snprintf(
        what, sizeof what,
        "%s (%s): attempts made of %s will hardly succeed; `demoloom replay` and `demoloom view` show them",
        n == l->set->n ? kinds[k].all : some, names, n == 1 ? "it" : "them");
    loom_dataset_tell(loom_dataset_path(l->dataset), what);
  }
}

// Attempts are about as long as the demos they are made of.
static void tell_late(const loading* l) {
  int soonest = INT_MAX;
  for (int i = 0; i < l->set->n; i++) {
    int row = l->set->replay[i].success_row;
    if (row >= 0 && row < soonest) soonest = row;
  }
  if (soonest == INT_MAX || soonest + l->task->success_hold <= l->task->max_steps) return;

  char what[256];
  snprintf(
      what, sizeof what,
      "no source demo succeeds within the task's max_steps, %d: the first does after %d and success_hold, "
      "%d: attempts made of them will hardly succeed; raise max_steps",
      l->task->max_steps, soonest, l->task->success_hold);
  loom_dataset_tell(loom_dataset_path(l->dataset), what);
}

int loom_sources_load(loomSourceSet* s, const loomTask* task, const char* path, const loomAssetRoots* roots,
                      loomError* err) {
  return loom_sources_load_with(s, task, path, roots, NULL, err);
}

// Where attempts have their model from.
static int find_model(const loading* l, loomError* err) {
  loomSourceSet* s = l->set;
  const loomTask* task = l->task;
  if (task->model_file[0]) return loom_task_model(&s->model_xml, s->model_label, task, l->roots, err);
  if (s->model_xml) return 0;
  return loom_error_set(err, LOOM_ERR_FORMAT, "%s: model demo %d is not among the %d source demos%s",
                        task->path, task->model_demo, s->n,
                        s->left_out.n ? " that can be used; `model: demo:` names another" : "");
}

// What the demos say of their environment, or what the task does where they say nothing.
static int read_env_args(char** out, const loading* l, loomError* err) {
  if (loom_dataset_has_attr(l->dataset, "data", "env_args"))
    return loom_dataset_attr_string(out, l->dataset, "data", "env_args", err);
  if (!l->task->has_controller)
    return loom_error_set(
        err, LOOM_ERR_FORMAT,
        "%s: has no env_args, so nothing says how its robots are driven; `controller:` in %s does",
        loom_dataset_path(l->dataset), l->task->path);

  *out = loom_env_args(l->task);
  return *out ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for env_args");
}

static int load_all(loading* l, loomError* err) {
  loomSourceSet* s = l->set;
  const char* path = loom_dataset_path(l->dataset);
  int n = loom_dataset_demo_count(l->dataset);
  s->replay = calloc((size_t)n + 1, sizeof *s->replay);
  if (!s->replay) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for %d source demos", n);

  if (!n) return loom_error_set(err, LOOM_ERR_FORMAT, "%s: no demos", path);
  if (n > LOOM_MAX_SOURCES)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                          "%s: %d demos; at most %d can be sources, `demoloom dataset filter` takes some out",
                          path, n, LOOM_MAX_SOURCES);

  // Ends of segments given by a person go before those found here.
  int code = check_picked(l, err);
  if (!code) code = read_env_args(&s->env_args, l, err);
  if (!code && l->def->segments)
    code = loom_segment_file_load(&l->given, l->def->segments, l->task, l->dataset, err);
  for (int i = 0; !code && i < n; i++) code = load_one(l, i, err);
  if (!code && !s->n)
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: none of its %d demos can be used", path, n);
  return code;
}

int loom_sources_load_with(loomSourceSet* s, const loomTask* task, const char* path,
                           const loomAssetRoots* roots, const loomSourceDef* def, loomError* err) {
  static const loomSourceDef standard = {0};
  memset(s, 0, sizeof *s);
  loomDataset* dataset = NULL;
  int code = loom_dataset_open(&dataset, path, err);
  if (code) return code;

  loading l = {.set = s, .task = task, .dataset = dataset, .roots = roots, .def = def ? def : &standard};
  s->clean = l.def->clean ? l.def->clean > 0 : task->source_clean;
  code = load_all(&l, err);
  if (!code) code = find_model(&l, err);
  if (!code) tell_success(&l);
  if (!code) tell_late(&l);

  loom_scene_destroy(l.scene);
  loom_segment_file_destroy(&l.given);
  loom_dataset_close(dataset);
  if (code) loom_sources_destroy(s);
  return code;
}

void loom_sources_destroy(loomSourceSet* s) {
  if (!s) return;
  for (int i = 0; s->replay && i < s->n; i++) loom_replay_destroy(&s->replay[i]);
  free(s->replay);
  loom_names_destroy(&s->left_out);
  free(s->env_args);
  free(s->model_xml);
  memset(s, 0, sizeof *s);
}
