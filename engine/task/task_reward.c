// `reward:` in task.yaml, and reward files.
#include "engine/task/task_reward.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/hash.h"
#include "engine/task/task_parse.h"

// ---- the table

#define TERM_NAME(KIND, name, value, given, words, about, example) name,
const char* const loom_term_names[] = {LOOM_TERMS(TERM_NAME) NULL};

#define TERM_GIVEN(KIND, name, value, given, words, about, example) given,
static const unsigned term_given[] = {LOOM_TERMS(TERM_GIVEN)};

#define TERM_WORDS(KIND, name, value, given, words, about, example) words,
static const char* const term_words[] = {LOOM_TERMS(TERM_WORDS)};

static const struct {
  const char* key;
  unsigned given;
} parameters[] = {{"condition", LOOM_TERM_CONDITION_GIVEN},
                  {"from", LOOM_TERM_POINTS_GIVEN},
                  {"to", LOOM_TERM_POINTS_GIVEN},
                  {"scale", LOOM_TERM_SCALE_GIVEN},
                  {"arm", LOOM_TERM_ARM_GIVEN},
                  {"potential", LOOM_TERM_POTENTIAL_GIVEN},
                  {"file", LOOM_TERM_FILE_GIVEN}};

// ---- terms

static int find_condition(int* index, const taskParser* p, loomNode map) {
  loomName name = "";
  const loomTask* t = p->task;
  int code = loom_yaml_read_text(name, sizeof name, p->y, map, "condition", true, p->err);
  if (code) return code;

  *index = !strcmp(name, "success") ? t->success : !strcmp(name, "lost") ? t->lost : -1;
  for (int i = 0; i < t->named_count; i++)
    if (!strcmp(t->named[i].name, name)) *index = t->named[i].condition;
  if (*index >= 0) return 0;
  return loom_yaml_error(p->y, map, "condition", p->err, "%s has no condition '%s' among its `conditions:`",
                         t->path, name);
}

static int read_place(loomPoint* out, taskParser* p, loomNode map, const char* key) {
  int code = loom_task_parse_point(out, p, map, key);
  if (!code && out->at[0][0]) code = loom_yaml_error(p->y, map, key, p->err, "rewards take no `at`");
  return code;
}

// Whether a part of the path is "..".
static bool climbs(const char* path) {
  for (const char* c = strstr(path, ".."); c; c = strstr(c + 1, ".."))
    if ((c == path || c[-1] == '/') && (!c[2] || c[2] == '/')) return true;
  return false;
}

// Files may come from strangers: what they name lies beside them.
static int read_file(loomTermDef* d, loomHeap* heap, taskParser* p, loomNode map) {
  char file[256] = "";
  int code = loom_yaml_read_text(file, sizeof file, p->y, map, "file", true, p->err);
  if (code) return code;
  if (file[0] == '/' || climbs(file))
    return loom_yaml_error(p->y, map, "file", p->err, "expected a file below the folder of this one");

  char* kept = loom_heap_take(heap, strlen(file) + 1, 1);
  if (!kept) return loom_task_no_memory(p->y, map, p->err);
  d->file = strcpy(kept, file);
  return 0;
}

// What the term is told, all of which it must have a use for.
static int read_parameters(loomTermDef* d, loomHeap* heap, taskParser* p, loomNode map) {
  unsigned given = term_given[d->term];
  int code = 0;
  for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++) {
    if (!loom_yaml_get(p->y, map, parameters[i].key) || given & parameters[i].given) continue;
    return loom_yaml_error(p->y, map, parameters[i].key, p->err, "means nothing for '%s', which takes: %s",
                           loom_term_names[d->term], term_words[d->term]);
  }

  if (given & LOOM_TERM_CONDITION_GIVEN) code = find_condition(&d->condition, p, map);
  if (!code && given & LOOM_TERM_POINTS_GIVEN) code = read_place(&d->from, p, map, "from");
  if (!code && given & LOOM_TERM_POINTS_GIVEN) code = read_place(&d->to, p, map, "to");
  if (!code && given & LOOM_TERM_FILE_GIVEN) code = read_file(d, heap, p, map);
  if (!code) code = loom_yaml_read_number(&d->scale, p->y, map, "scale", false, p->err);
  if (!code && !(d->scale >= 0 && d->scale < INFINITY && (d->scale > 0 || d->term != LOOM_TERM_MARGIN)))
    code = loom_yaml_error(p->y, map, "scale", p->err, "expected a number %s",
                           d->term == LOOM_TERM_MARGIN ? "over 0" : "from 0 on");
  if (!code) code = loom_yaml_read_int(&d->arm, p->y, map, "arm", 0, p->task->arm_count - 1, false, p->err);
  if (!code) code = loom_yaml_read_bool(&d->potential, p->y, map, "potential", p->err);
  return code;
}

static int read_term(loomTermDef* d, loomHeap* heap, taskParser* p, loomNode map) {
  loomName name = "";
  *d = (loomTermDef){.term = -1, .line = loom_yaml_line(p->y, map), .weight = 1, .condition = -1, .arm = -1};
  if (!loom_yaml_is_map(p->y, map)) return loom_yaml_error(p->y, map, "terms", p->err, "expected a map");

  int code = loom_task_only(p->y, map, "reward: term", p->err);
  if (!code) code = loom_yaml_read_text(name, sizeof name, p->y, map, "term", true, p->err);
  if (code) return code;

  for (int k = 0; k < LOOM_TERMS_KNOWN; k++)
    if (!strcmp(name, loom_term_names[k])) d->term = k;
  if (d->term < 0)
    return loom_yaml_error(p->y, map, "term", p->err,
                           "no term is called '%s'; `demoloom help task` lists them (reward: terms)", name);

  code = loom_yaml_read_number(&d->weight, p->y, map, "weight", false, p->err);
  if (!code && !isfinite(d->weight))
    code = loom_yaml_error(p->y, map, "weight", p->err, "expected a finite number");
  if (d->term == LOOM_TERM_MARGIN) d->scale = 0.1;
  return code ? code : read_parameters(d, heap, p, map);
}

static int read_terms(loomRewardDef* r, loomHeap* heap, taskParser* p, loomNode list) {
  int n = loom_yaml_count(p->y, list), code = 0;
  if (!loom_yaml_is_list(p->y, list) || n < 1)
    return loom_yaml_error(p->y, list, "terms", p->err, "expected a list of terms, one at least");
  code = loom_task_limit(p, list, "terms", n, LOOM_MAX_TERMS, "terms of a reward");
  if (code) return code;

  r->terms = loom_heap_take(heap, (size_t)n, sizeof *r->terms);
  if (!r->terms) return loom_task_no_memory(p->y, list, p->err);
  for (int i = 0; !code && i < n; i++) code = read_term(&r->terms[i], heap, p, loom_yaml_item(p->y, list, i));
  r->term_count = n;
  return code;
}

// ---- the whole

static int set_default(loomRewardDef* r, loomHeap* heap, taskParser* p, loomNode node) {
  *r = (loomRewardDef){.discount = 0.997, .term_count = 1, .heap = r->heap};
  r->terms = loom_heap_take(heap, 1, sizeof *r->terms);
  if (!r->terms) return loom_task_no_memory(p->y, node, p->err);
  *r->terms = (loomTermDef){.term = LOOM_TERM_SUCCESS, .weight = 1, .condition = -1, .arm = -1};
  return 0;
}

// A list of terms, or a map that has one.
static int read_reward(loomRewardDef* r, loomHeap* heap, taskParser* p, loomNode node) {
  int code = set_default(r, heap, p, node);
  if (code || !node) return code;
  if (loom_yaml_is_list(p->y, node)) return read_terms(r, heap, p, node);
  if (!loom_yaml_is_map(p->y, node))
    return loom_yaml_error(p->y, node, "reward", p->err, "expected a map, or a list of terms");

  code = loom_task_only(p->y, node, "reward", p->err);
  if (!code) code = loom_yaml_read_number(&r->discount, p->y, node, "discount", false, p->err);
  if (!code && !(r->discount > 0 && r->discount <= 1))
    code = loom_yaml_error(p->y, node, "discount", p->err, "expected a number over 0, at most 1");
  if (!code) code = loom_yaml_read_int(&r->horizon, p->y, node, "horizon", 0, 100000, false, p->err);
  if (!code) code = loom_yaml_read_bool(&r->end_at_limits, p->y, node, "end_at_limits", p->err);

  loomNode terms = loom_yaml_get(p->y, node, "terms");
  return code || !terms ? code : read_terms(r, heap, p, terms);
}

static int note_path(loomRewardDef* r, loomHeap* heap, const char* path, loomError* err) {
  size_t size = strlen(path) + 1;
  r->path = loom_heap_take(heap, size, 1);
  if (!r->path) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path);
  memcpy(r->path, path, size);
  return 0;
}

int loom_task_parse_reward(taskParser* p, loomNode root) {
  loomTask* t = p->task;
  int code = read_reward(&t->reward, &t->heap, p, loom_yaml_get(p->y, root, "reward"));
  bool below = loom_yaml_is_below(p->y, loom_yaml_get(p->y, root, "reward"));
  return code ? code : note_path(&t->reward, &t->heap, below ? t->like : t->path, p->err);
}

int loom_reward_def_parse(loomRewardDef** out, const loomTask* task, const char* text, size_t n,
                          const char* label, loomError* err) {
  loomYaml* y = NULL;
  loomTask view = *task;  // which the parser fills nothing into
  *out = NULL;
  if (strlen(label) >= LOOM_PATH_MAX)
    return loom_error_set(err, LOOM_ERR_USAGE, "%.200s...: a path longer than %d bytes", label,
                          LOOM_PATH_MAX - 1);
  loomRewardDef* r = calloc(1, sizeof *r);
  if (!r) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", label);

  int code = loom_yaml_parse(&y, text, n, label, err);
  taskParser p = {.y = y, .task = &view, .err = err};
  if (!code) code = read_reward(r, &r->heap, &p, loom_yaml_root(y));
  loom_yaml_destroy(y);
  if (!code) code = note_path(r, &r->heap, label, err);
  r->digest = loom_hash(LOOM_HASH_SEED, text, n);

  if (code)
    loom_reward_def_destroy(r);
  else
    *out = r;
  return code;
}

int loom_reward_def_load(loomRewardDef** out, const loomTask* task, const char* path, loomError* err) {
  char* text;
  size_t n = 0;
  *out = NULL;
  int code = loom_read_text(&text, &n, path, LOOM_YAML_MAX, err);
  if (!code) code = loom_reward_def_parse(out, task, text, n, path, err);
  free(text);
  return code;
}

void loom_reward_def_destroy(loomRewardDef* r) {
  if (!r) return;
  loom_heap_destroy(&r->heap);
  free(r);
}
