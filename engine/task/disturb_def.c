#include "engine/task/disturb_def.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/hash.h"
#include "engine/task/task_parse.h"

#define LOOM_DISTURB_ROW(kind, key, unit, targets, least, most, bits, about, example) \
  {key, LOOM_DISTURB_##targets, least, most, bits},
const loomDisturbKindDef loom_disturb_kinds[LOOM_DISTURB_COUNT] = {LOOM_DISTURB_TERMS(LOOM_DISTURB_ROW)};
#undef LOOM_DISTURB_ROW

// How long what must end lasts unless it is said, s.
static const double usual_time = 0.1;

loomDisturbKind loom_disturb_kind(const char* key) {
  int k = 0;
  while (k < LOOM_DISTURB_COUNT && strcmp(loom_disturb_kinds[k].key, key) != 0) k++;
  return (loomDisturbKind)k;
}

int loom_disturb_width(loomDisturbKind kind) {
  unsigned bits = loom_disturb_kinds[kind].bits;
  return bits & LOOM_DISTURB_SPATIAL ? 3 : bits & LOOM_DISTURB_PLANAR ? 2 : 1;
}

// ---- ranges

// `KEY: x` is `KEY: [x, x]`.
static int read_range(double out[2], bool* given, const loomYaml* y, loomNode node, const char* key,
                      loomError* err) {
  if (given) *given = node != 0;
  if (!node) return 0;

  bool pair = loom_yaml_is_list(y, node);
  if (pair && loom_yaml_count(y, node) != 2)
    return loom_yaml_error(y, node, key, err, "expected a number, or a list [LOW, HIGH]");

  for (int i = 0; i < 2; i++) {
    int code = loom_yaml_number(&out[i], y, pair ? loom_yaml_item(y, node, i) : node, key, err);
    if (code) return code;
  }
  return out[0] <= out[1] ? 0
                          : loom_yaml_error(y, node, key, err, "%g is above %g: the lower end comes first",
                                            out[0], out[1]);
}

static int check_values(const double range[2], loomDisturbKind kind, const loomYaml* y, loomNode node,
                        const char* key, loomError* err) {
  const loomDisturbKindDef* def = &loom_disturb_kinds[kind];
  for (int i = 0; i < 2; i++) {
    if (range[i] < def->least || range[i] > def->most)
      return loom_yaml_error(y, node, key, err, "%g is not from %g to %g", range[i], def->least, def->most);
    if ((def->bits & LOOM_DISTURB_WHOLE) && range[i] != floor(range[i]))
      return loom_yaml_error(y, node, key, err, "%g is no whole number", range[i]);
  }
  return 0;
}

static int check_times(const double range[2], const loomYaml* y, loomNode node, const char* key,
                       loomError* err) {
  return range[0] >= 0 && range[1] <= 1e6
             ? 0
             : loom_yaml_error(y, node, key, err, "expected times from 0 to 1e6 s");
}

// ---- terms

static int read_times(loomDisturbTerm* t, const loomYaml* y, loomNode map, const char* key, loomError* err) {
  unsigned bits = loom_disturb_kinds[t->kind].bits;
  loomNode at = loom_yaml_get(y, map, "at"), last = loom_yaml_get(y, map, "for");
  int code = read_range(t->at, &t->timed, y, at, "at", err);
  if (!code && at) code = check_times(t->at, y, at, "at", err);
  if (!code) code = read_range(t->last, &t->ends, y, last, "for", err);
  if (!code && last) code = check_times(t->last, y, last, "for", err);
  if (code) return code;

  // Some are a matter of the start, some of a moment, some must end.
  if (at && (bits & LOOM_DISTURB_AT_START))
    return loom_yaml_error(y, at, "at", err, "`%s` is of the start only", key);
  if (last && (!at || (bits & LOOM_DISTURB_MOVES)))
    return loom_yaml_error(y, last, "for", err, at ? "`%s` is done at once" : "needs `at`", key);
  if (!at && (bits & LOOM_DISTURB_LASTS))
    return loom_yaml_error(y, map, "at", err, "missing: when `%s` begins, s", key);
  if (!last && (bits & LOOM_DISTURB_LASTS)) {
    t->ends = true;
    t->last[0] = t->last[1] = usual_time;
  }
  return 0;
}

static int read_names(loomDisturbTerm* t, const loomYaml* y, loomNode map, const char* key, loomError* err) {
  loomDisturbTargets targets = loom_disturb_kinds[t->kind].targets;
  loomNode of = loom_yaml_get(y, map, "of"), direction = loom_yaml_get(y, map, "direction");

  int code = loom_yaml_read_text(t->of, sizeof t->of, y, map, "of", targets == LOOM_DISTURB_BODY, err);
  if (!code && of && targets == LOOM_DISTURB_NOTHING)
    code = loom_yaml_error(y, of, "of", err, "`%s` is of nothing in particular", key);
  if (!code && direction && t->kind != LOOM_DISTURB_PUSH)
    code = loom_yaml_error(y, direction, "direction", err, "only a `push` has one");

  t->directed = direction != 0;
  return code ? code : loom_task_read_direction(t->direction, y, map, "direction", false, err);
}

static int read_limits(loomDisturbTerm* t, const loomYaml* y, loomNode map, loomError* err) {
  loomNode node = loom_yaml_get(y, map, "limits");
  int code = read_range(t->limits, &t->limited, y, node, "limits", err);
  if (!code && node) code = check_values(t->limits, t->kind, y, node, "limits", err);
  if (!code && node && (t->limits[0] > t->range[0] || t->limits[1] < t->range[1]))
    code = loom_yaml_error(y, node, "limits", err, "the range [%g, %g] is not within them", t->range[0],
                           t->range[1]);
  return code;
}

static int read_scale(loomDisturbTerm* t, const loomYaml* y, loomNode map, loomError* err) {
  char scale[16] = "uniform";
  loomNode node = loom_yaml_get(y, map, "scale");
  int code = loom_yaml_read_text(scale, sizeof scale, y, map, "scale", false, err);
  if (code) return code;

  t->log = !strcmp(scale, "log");
  if (!t->log && strcmp(scale, "uniform") != 0)
    return loom_yaml_error(y, node, "scale", err, "expected uniform or log");
  if (t->log && !((t->limited ? t->limits[0] : t->range[0]) > 0))
    return loom_yaml_error(y, node, "scale", err, "logarithms are of values above 0");
  if (t->log && (loom_disturb_kinds[t->kind].bits & LOOM_DISTURB_WHOLE))
    return loom_yaml_error(y, node, "scale", err, "whole numbers are uniform");
  return 0;
}

// A number, a range, or a map that says more.
static int read_term(loomDisturbTerm* t, const loomYaml* y, loomNode node, loomDisturbKind kind,
                     loomError* err) {
  const char* key = loom_disturb_kinds[kind].key;
  bool map = loom_yaml_is_map(y, node);
  loomNode range = map ? loom_yaml_get(y, node, "range") : node;
  t->kind = kind;
  t->line = loom_yaml_line(y, node);

  int code = map ? loom_task_only(y, node, "randomize: term", err) : 0;
  if (!code && !range) code = loom_yaml_error(y, node, "range", err, "missing");
  if (!code) code = read_range(t->range, NULL, y, range, map ? "range" : key, err);
  if (!code) code = check_values(t->range, kind, y, range, map ? "range" : key, err);

  // A number alone says neither of what nor when.
  if (!code && !map) {
    unsigned bits = loom_disturb_kinds[kind].bits;
    if (loom_disturb_kinds[kind].targets == LOOM_DISTURB_BODY)
      return loom_yaml_error(y, node, key, err, "expected a map that says `of` what body");
    if (bits & LOOM_DISTURB_LASTS)
      return loom_yaml_error(y, node, key, err, "expected a map that says `at` what time");
  }
  if (code || !map) return code;

  code = read_names(t, y, node, key, err);
  if (!code) code = read_times(t, y, node, key, err);
  if (!code) code = read_limits(t, y, node, err);
  return code ? code : read_scale(t, y, node, err);
}

// ---- sets

uint64_t loom_disturb_digest(const loomDisturbSet* s) {
  uint64_t h = LOOM_HASH_SEED;
  for (int i = 0; i < s->count; i++) {
    const loomDisturbTerm* t = &s->terms[i];
    const int flags[] = {(int)t->kind, t->log, t->timed, t->ends, t->directed, t->limited};
    const double numbers[] = {t->range[0],     t->range[1],     t->at[0],       t->at[1],
                              t->last[0],      t->last[1],      t->limits[0],   t->limits[1],
                              t->direction[0], t->direction[1], t->direction[2]};
    h = loom_hash(h, flags, sizeof flags);
    h = loom_hash(h, numbers, sizeof numbers);
    h = loom_hash(h, t->of, strlen(t->of));
  }
  return h;
}

// The terms of a key: one, or a list of maps.
static int read_key(loomDisturbSet* s, const loomYaml* y, loomNode map, int i, loomError* err) {
  loomNode node = loom_yaml_item(y, map, i);
  loomDisturbKind kind = loom_disturb_kind(loom_yaml_key(y, map, i));
  bool several = loom_yaml_is_list(y, node) && loom_yaml_is_map(y, loom_yaml_item(y, node, 0));
  int n = several ? loom_yaml_count(y, node) : 1, code = 0;

  if (s->count + n > LOOM_DISTURB_TERM_MAX)
    return loom_yaml_error(y, node, loom_yaml_key(y, map, i), err, "a set has at most %d terms",
                           LOOM_DISTURB_TERM_MAX);

  for (int k = 0; !code && k < n; k++) {
    code = read_term(&s->terms[s->count], y, several ? loom_yaml_item(y, node, k) : node, kind, err);
    s->count++;
  }
  return code;
}

static int read_set(loomDisturbSet* s, loomHeap* heap, const loomYaml* y, loomNode map, const char* label,
                    loomError* err) {
  if (!loom_yaml_is_map(y, map) || !loom_yaml_count(y, map))
    return loom_yaml_error(y, map, s->name, err, "expected a map of disturbances, such as `mass: [0.5, 2]`");

  int code = loom_task_only(y, map, "randomize: set", err);
  s->terms = code ? NULL : loom_heap_take(heap, LOOM_DISTURB_TERM_MAX, sizeof *s->terms);
  if (!code && !s->terms) code = loom_task_no_memory(y, map, err);
  for (int i = 0; !code && i < loom_yaml_count(y, map); i++) code = read_key(s, y, map, i, err);

  s->label = label;
  s->digest = loom_disturb_digest(s);
  return code;
}

int loom_task_parse_disturb(taskParser* p, loomNode root) {
  loomTask* t = p->task;
  loomNode sets = loom_yaml_get(p->y, root, "randomize");

  int code = loom_task_count_names(&t->disturb_count, p, sets, "randomize");
  if (code || !sets) return code;

  t->disturb = loom_task_take(p, t->disturb_count, sizeof *t->disturb);
  if (!t->disturb) return LOOM_ERR_MEMORY;
  for (int i = 0; !code && i < t->disturb_count; i++) {
    snprintf(t->disturb[i].name, sizeof t->disturb[i].name, "%.63s", loom_yaml_key(p->y, sets, i));
    code = read_set(&t->disturb[i], &t->heap, p->y, loom_yaml_item(p->y, sets, i),
                    loom_yaml_is_below(p->y, sets) ? t->like : t->path, p->err);
  }
  return code;
}

// The name of a file without folder and ending.
static void name_after(loomName out, const char* path) {
  const char* base = strrchr(path, '/');
  snprintf(out, sizeof(loomName), "%.63s", base ? base + 1 : path);
  char* dot = strrchr(out, '.');
  if (dot && dot != out) *dot = 0;
}

static int load_set(const loomDisturbSet** out, loomTask* task, const char* path, loomError* err) {
  loomYaml* y = NULL;
  int code = loom_yaml_load(&y, NULL, path, err);
  if (code) return code;

  // Where it is from is told in messages as long as the task is there.
  loomDisturbSet* s = loom_heap_take(&task->heap, 1, sizeof *s);
  char* label = loom_heap_take(&task->heap, strlen(path) + 1, 1);
  code = s && label ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path);
  if (!code) {
    strcpy(label, path);
    name_after(s->name, path);
    code = read_set(s, &task->heap, y, loom_yaml_root(y), label, err);
  }

  loom_yaml_destroy(y);
  *out = code ? NULL : s;
  return code;
}

int loom_disturb_find(const loomDisturbSet** out, loomTask* task, const char* name, loomError* err) {
  char known[512] = "";
  *out = NULL;
  for (int i = 0; i < task->disturb_count; i++) {
    if (!strcmp(task->disturb[i].name, name)) *out = &task->disturb[i];
    size_t n = strlen(known);
    snprintf(known + n, sizeof known - n, "%s%s", i ? ", " : "", task->disturb[i].name);
  }
  if (*out) return 0;
  if (loom_is_file(name)) return load_set(out, task, name, err);

  return loom_error_set(err, LOOM_ERR_USAGE,
                        "%s: no disturbances '%s', neither in its `randomize:` (%s) nor as a file",
                        task->path, name, *known ? known : "it has none");
}

int loom_context_find(const loomDisturbSet** out, loomTask* task, const char* name, loomError* err) {
  const loomDisturbSet* set;
  *out = NULL;
  int code = loom_disturb_find(&set, task, name, err);
  if (code) return code;

  // States are as they are, so nothing that changes these.
  for (int i = 0; i < set->count; i++) {
    const loomDisturbKindDef* kind = &loom_disturb_kinds[set->terms[i].kind];
    if ((kind->bits & LOOM_DISTURB_SEEN) && !(kind->bits & LOOM_DISTURB_EDITS)) continue;
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s:%d: '%s' is no part of what a demo looks like; contexts have lights, colors, "
                          "textures, cameras, `hide` and `distractors`",
                          set->label, set->terms[i].line, kind->key);
  }
  *out = set;
  return 0;
}

// ---- writing

static void write_range(FILE* out, const char* key, const double range[2]) {
  fprintf(out, "%s: [%.10g, %.10g]", key, range[0], range[1]);
}

static void write_term(FILE* out, const loomDisturbTerm* t) {
  fputc('{', out);
  if (t->of[0]) fprintf(out, "of: \"%s\", ", t->of);
  write_range(out, "range", t->range);
  if (t->log) fprintf(out, ", scale: log");
  if (t->timed) write_range(out, ", at", t->at);
  if (t->ends) write_range(out, ", for", t->last);
  if (t->directed)
    fprintf(out, ", direction: [%.17g, %.17g, %.17g]", t->direction[0], t->direction[1], t->direction[2]);
  if (t->limited) write_range(out, ", limits", t->limits);
  fputc('}', out);
}

void loom_disturb_write(FILE* out, const loomDisturbSet* set) {
  for (int k = 0; k < LOOM_DISTURB_COUNT; k++) {
    int n = 0;
    for (int i = 0; i < set->count; i++) n += (int)set->terms[i].kind == k;
    if (!n) continue;

    // Several of a kind are a list.
    fprintf(out, "%s:%s", loom_disturb_kinds[k].key, n > 1 ? "\n" : " ");
    for (int i = 0; i < set->count; i++) {
      if ((int)set->terms[i].kind != k) continue;
      if (n > 1) fputs("  - ", out);
      write_term(out, &set->terms[i]);
      fputc('\n', out);
    }
  }
}
