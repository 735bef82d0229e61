#include "policies/learn/features.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/yaml.h"
#include "policies/learn/relent.h"

static const char label[] = "--feature";

// ---- texts

// Without the space around it, and braces that go all around it.
static void strip(char* out, const char* text) {
  size_t n;
  while (*text == ' ') text++;
  bool braces = *text == '{';
  if (braces) text++;
  while (*text == ' ') text++;

  strcpy(out, text);
  n = strlen(out);
  while (n && out[n - 1] == ' ') out[--n] = 0;
  if (braces && n && out[n - 1] == '}') out[--n] = 0;
  while (n && out[n - 1] == ' ') out[--n] = 0;
}

static int check_map(const char* text, int line, loomError* err) {
  char all[LOOM_FEATURE_TEXT + 8];
  loomYaml* y = NULL;
  loomError why = {0, ""};
  snprintf(all, sizeof all, "{%s}\n", text);
  int code = loom_yaml_parse(&y, all, strlen(all), label, &why);

  if (code)
    code = loom_error_set(err, code, "%s:%d: '%s' is no map of a term: %s", label, line, text, why.message);
  else if (!loom_yaml_get(y, loom_yaml_root(y), "term"))
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s:%d: key 'term': missing in '%s'", label, line, text);
  else if (loom_yaml_get(y, loom_yaml_root(y), "weight"))
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s:%d: key 'weight': is what is looked for; leave it out",
                          label, line);
  loom_yaml_destroy(y);
  return code;
}

int loom_features_add(loomFeatures* f, const char* text, loomError* err) {
  if (f->n == LOOM_FEATURES)
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: at most %d features", label, LOOM_FEATURES);
  if (strlen(text) >= LOOM_FEATURE_TEXT || strchr(text, '\n'))
    return loom_error_set(err, LOOM_ERR_USAGE, "%s:%d: a line of at most %d characters", label, f->n + 1,
                          LOOM_FEATURE_TEXT - 1);

  strip(f->text[f->n], text);
  int code = check_map(f->text[f->n], f->n + 1, err);
  f->n += !code;
  return code;
}

static int add_made(loomFeatures* f, loomError* err, const char* format, ...) LOOM_PRINTF(3, 4);
static int add_made(loomFeatures* f, loomError* err, const char* format, ...) {
  char text[4 * LOOM_NAME_MAX];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);

  // More than there is room for are not needed: the first ones are the nearest to success.
  return f->n == LOOM_FEATURES ? LOOM_OK : loom_features_add(f, text, err);
}

// ---- what a task has

int loom_features_of_control(loomFeatures* out, const loomControlScene* s, loomError* err) {
  enum { MOST = 16 };  // entries of qpos
  int room = LOOM_REWARD_TERMS - s->task->reward_count, code = LOOM_OK;
  *out = (loomFeatures){0};
  if (s->task->healthy_count) code = add_made(out, err, "term: healthy");
  if (!code) code = add_made(out, err, "term: action");

  for (int i = 0; !code && i < (int)s->m->nq && i < MOST && out->n < room; i++)
    code = add_made(out, err, "term: velocity, of: qpos, from: %d, count: 1", i);
  return code;
}

// How near an arm's hand is to each object that its subtasks are about, once each.
static int add_hands(loomFeatures* out, const loomTask* task, int arm, loomError* err) {
  bool has[LOOM_MAX_OBJECTS] = {false};
  int code = LOOM_OK;

  for (int s = 0; !code && s < task->subtask_count[arm]; s++) {
    int object = task->subtasks[arm][s].reference;
    if (object < 0 || has[object]) continue;
    has[object] = true;
    code = add_made(out, err, "term: distance, from: %s, to: {eef: %d}, scale: 0.1",
                    task->objects[object].name, arm);
  }
  return code;
}

// From afar and from near: what is nearly there is worth more than what lies where it lay.
static int add_success(loomFeatures* out, loomError* err) {
  int code = add_made(out, err, "term: margin, condition: success, scale: 0.1");
  return code ? code : add_made(out, err, "term: margin, condition: success, scale: 0.03");
}

int loom_features_of_task(loomFeatures* out, const loomTask* task, loomError* err) {
  *out = (loomFeatures){0};
  int code = add_made(out, err, "term: time");
  if (!code) code = add_success(out, err);
  for (int a = 0; !code && a < task->arm_count; a++) code = add_hands(out, task, a, err);
  for (int i = 0; !code && i < task->named_count; i++)
    code = add_made(out, err, "term: margin, condition: %s", task->named[i].name);
  if (!code && task->lost >= 0) code = add_made(out, err, "term: margin, condition: lost");
  return code;
}

// ---- as rewards

char* loom_features_reward(const loomFeatures* f, const double* weights) {
  char* text = NULL;
  size_t size = 0;
  FILE* out = open_memstream(&text, &size);
  if (!out) return NULL;

  for (int i = 0; i < f->n; i++)
    fprintf(out, "- {%s, weight: %.17g}\n", f->text[i], weights ? weights[i] : 1);
  bool whole = !ferror(out);
  if (!fclose(out) && whole) return text;
  free(text);
  return NULL;
}

void loom_feature_name(char out[LOOM_NAME_MAX], const loomFeatures* f, int i) {
  const char* text = f->text[i];
  if (!strncmp(text, "term: ", 6)) text += 6;
  snprintf(out, LOOM_NAME_MAX, "%.*s", LOOM_NAME_MAX - 1, text);
}

// ---- as they are learned by

typedef struct termLook {
  bool base, near;  // how long an episode goes on; 1 where something holds
} termLook;

static termLook look_at(const char* text) {
  char all[LOOM_FEATURE_TEXT + 8];
  loomYaml* y = NULL;
  double scale = 0;
  snprintf(all, sizeof all, "{%s}\n", text);
  if (loom_yaml_parse(&y, all, strlen(all), label, NULL)) return (termLook){false, false};

  loomNode root = loom_yaml_root(y);
  const char* term = loom_yaml_text(y, loom_yaml_get(y, root, "term"));
  if (!term) term = "";
  bool scaled = !loom_yaml_read_number(&scale, y, root, "scale", false, NULL) && scale > 0;
  bool shaping = loom_yaml_get(y, root, "potential") != 0;
  termLook look = {.base = !strcmp(term, "time") || !strcmp(term, "healthy"),
                   .near = !shaping && (scaled || !strcmp(term, "margin") || !strcmp(term, "condition"))};
  loom_yaml_destroy(y);
  return look;
}

loomFeatureBasis loom_feature_basis(const loomFeatures* f, const double* expert) {
  loomFeatureBasis b = {.n = f->n, .base = -1};
  for (int i = 0; i < f->n; i++) {
    termLook look = look_at(f->text[i]);
    if (look.base && b.base < 0) b.base = i;
    b.c[i] = look.near;
  }

  double length = b.base >= 0 ? expert[b.base] : 0;
  for (int i = 0; i < f->n; i++) {
    if (length <= 0 || i == b.base)
      b.c[i] = 0;
    else if (b.c[i] <= 0)
      b.c[i] = expert[i] / length;
  }
  return b;
}

void loom_feature_basis_change(double* x, const loomFeatureBasis* b) {
  for (int i = 0; b->base >= 0 && i < b->n; i++) x[i] -= i == b->base ? 0 : b->c[i] * x[b->base];
}

void loom_feature_basis_back(double* x, const loomFeatureBasis* b) {
  for (int i = 0; b->base >= 0 && i < b->n; i++) x[i] += i == b->base ? 0 : b->c[i] * x[b->base];
}

void loom_feature_basis_fold(double* w, const loomFeatureBasis* b) {
  for (int i = 0; b->base >= 0 && i < b->n; i++) w[b->base] -= i == b->base ? 0 : b->c[i] * w[i];
}

int loom_features_refuse_collinear(const loomFeatures* f, const double* gram, loomError* err) {
  double share[LOOM_FEATURES] = {0};
  char others[8 * LOOM_NAME_MAX] = "", name[LOOM_NAME_MAX];
  size_t used = 0;
  int which = loom_collinear(share, gram, f->n);
  if (which < 0) return LOOM_OK;

  for (int j = 0; j < which && used + LOOM_NAME_MAX + 16 < sizeof others; j++) {
    if (fabs(share[j]) < 1e-3) continue;
    loom_feature_name(name, f, j);
    used += (size_t)snprintf(others + used, sizeof others - used, "%s%d (%s)", used ? ", " : "", j + 1, name);
  }
  loom_feature_name(name, f, which);
  return loom_error_set(err, LOOM_ERR_FORMAT,
                        "features are collinear, so that no weights of them can be told apart: feature %d "
                        "(%s) is made up of %s in every step; leave one of them out",
                        which + 1, name, others);
}

int loom_features_to_control(loomControlTask* task, const loomFeatures* f, loomError* err) {
  const double none[LOOM_FEATURES] = {0};
  char* text = loom_features_reward(f, none);
  if (!text) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for features");

  int code = loom_control_reward_parse(task, task->reward_count, text, strlen(text), label, err);
  free(text);
  return code;
}

int loom_features_to_reward(loomRewardDef** out, const loomTask* task, const loomFeatures* f,
                            loomError* err) {
  char* text = loom_features_reward(f, NULL);
  *out = NULL;
  if (!text) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for features");

  int code = loom_reward_def_parse(out, task, text, strlen(text), label, err);
  free(text);
  return code;
}
