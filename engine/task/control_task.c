#include "engine/task/control_task.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/hash.h"
#include "engine/base/yaml.h"
#include "engine/task/task_reference.h"

// ---- tables

const char* const loom_quantity_names[] = {"qpos", "qvel", "qfrc_constraint", "body", "site", NULL};
const char* const loom_reward_names[] = {"healthy",  "velocity", "action", "square",
                                         "distance", "learned",  NULL};
static const char* const function_names[] = {"none", "sin", "cos", NULL};
static const char* const noise_names[] = {"uniform", "normal", "box", NULL};

enum { MOST_ENTRIES = 1 << 20 };

// The fields of a quantity, inside of a row of type S that is one or has one.
#define QUANTITY_FIELDS(S, q)                                                                                \
  LOOM_FIELD_AS("of", S, CHOICE, q of, .choices = loom_quantity_names, .about = "which numbers"),            \
      LOOM_FIELD_AS("name", S, TEXT, q name, .about = "of the body or site"),                                \
      LOOM_FIELD_AS("from", S, INT, q from, .high = MOST_ENTRIES, .about = "first entry, from 0"),           \
      LOOM_FIELD_AS("count", S, INT, q count, .high = MOST_ENTRIES, .about = "entries; 0 = to the end"),     \
      LOOM_FIELD_AS("function", S, CHOICE, q function, .choices = function_names, .about = "of each entry"), \
      LOOM_FIELD_AS("clip", S, REAL, q clip, .most = 1e300, .about = "to [-clip, clip]; 0 = not")

#define NOTHING
static const loomFieldDef observe_rows[] = {QUANTITY_FIELDS(loomQuantityDef, NOTHING)};
static const loomFields observe_fields = LOOM_FIELDS(observe_rows);

static const loomFieldDef healthy_rows[] = {
    QUANTITY_FIELDS(loomHealthyDef, quantity.),
    LOOM_FIELD_AS("above", loomHealthyDef, REAL, above, .least = -1e300, .most = 1e300,
                  .about = "all entries are"),
    LOOM_FIELD_AS("below", loomHealthyDef, REAL, below, .least = -1e300, .most = 1e300,
                  .about = "all entries are"),
};
static const loomFields healthy_fields = LOOM_FIELDS(healthy_rows);

static const loomFieldDef reward_rows[] = {
    LOOM_FIELD_AS("term", loomRewardTerm, CHOICE, term, .choices = loom_reward_names, .about = "which term"),
    LOOM_FIELD_AS("weight", loomRewardTerm, REAL, weight, .least = -1e300, .most = 1e300,
                  .about = "factor on it"),
    QUANTITY_FIELDS(loomRewardTerm, quantity.),
    LOOM_FIELD_AS("target", loomRewardTerm, REAL, target, .least = -1e300, .most = 1e300,
                  .about = "square: of entries"),
    LOOM_FIELD_AS("to", loomRewardTerm, TEXT, to, .about = "distance: the other body or site"),
    LOOM_FIELD_AS("shaped", loomRewardTerm, BOOL, shaped,
                  .about = "learned: with the shaping that was learned beside it"),
    LOOM_FIELD_AS(
        "file", loomRewardTerm, TEXT, file,
        .about = "learned: what `demoloom gail --discriminator airl` wrote, below the reward's folder"),
};
static const loomFields reward_fields = LOOM_FIELDS(reward_rows);

// ---- rows

typedef struct controlParser {
  const loomYaml* y;
  loomControlTask* task;
  loomError* err;
} controlParser;

static int check_quantity(const controlParser* p, loomNode row, const loomQuantityDef* q) {
  bool placed = q->of == LOOM_QUANTITY_BODY || q->of == LOOM_QUANTITY_SITE;
  if (placed && !q->name[0])
    return loom_yaml_error(p->y, row, "name", p->err, "a body or site has to be named");
  if (!placed && q->name[0])
    return loom_yaml_error(p->y, row, "name", p->err, "only bodies and sites have names");
  return 0;
}

static int read_observe_row(void* out, const controlParser* p, loomNode row) {
  loomQuantityDef* q = out;
  int code = loom_task_only(p->y, row, "gym: observe", p->err);
  if (!code) code = loom_fields_read(q, &observe_fields, p->y, row, ~0U, "an observation", p->err);
  return code ? code : check_quantity(p, row, q);
}

static int read_healthy_row(void* out, const controlParser* p, loomNode row) {
  loomHealthyDef* h = out;
  h->above = -INFINITY;
  h->below = INFINITY;
  int code = loom_task_only(p->y, row, "gym: healthy", p->err);
  if (!code) code = loom_fields_read(h, &healthy_fields, p->y, row, ~0U, "a healthy state", p->err);
  return code ? code : check_quantity(p, row, &h->quantity);
}

static int read_reward_row(void* out, const controlParser* p, loomNode row) {
  loomRewardTerm* r = out;
  r->weight = 1;
  if (!loom_yaml_get(p->y, row, "term")) return loom_yaml_error(p->y, row, "term", p->err, "missing");

  int code = loom_task_only(p->y, row, "gym: reward", p->err);
  if (!code) code = loom_fields_read(r, &reward_fields, p->y, row, ~0U, "a reward", p->err);
  if (!code) code = check_quantity(p, row, &r->quantity);
  if (!code && r->term == LOOM_REWARD_DISTANCE && (!r->quantity.name[0] || !r->to[0]))
    code = loom_yaml_error(p->y, row, "to", p->err, "a distance is from a body or site to another");
  if (!code && r->shaped && r->term != LOOM_REWARD_LEARNED)
    code = loom_yaml_error(p->y, row, "shaped", p->err, "only a learned reward has a shaping");
  if (!code && (r->term == LOOM_REWARD_LEARNED) != (r->file[0] != 0))
    code = loom_yaml_error(p->y, row, "file", p->err, "a learned reward, and only that, is read from a file");
  return code;
}

// Bounds are lists, which tables of fields have none of.
static int read_noise_row(void* out, const controlParser* p, loomNode row) {
  loomNoiseDef* n = out;
  const loomFieldDef choices[] = {
      LOOM_FIELD(loomNoiseDef, CHOICE, of, .choices = loom_quantity_names, .about = ""),
      LOOM_FIELD(loomNoiseDef, CHOICE, noise, .choices = noise_names, .about = "")};
  int code = loom_task_only(p->y, row, "gym: reset", p->err), low = 0, high = 0;

  for (int i = 0; !code && i < 2; i++) {
    const char* text = loom_yaml_text(p->y, loom_yaml_get(p->y, row, choices[i].name));
    char wanted[LOOM_FIELD_WANTED];
    loom_field_wanted(wanted, &choices[i]);
    if (text && !loom_field_set(n, &choices[i], text))
      code = loom_yaml_error(p->y, row, choices[i].name, p->err, "expected %s", wanted);
  }
  if (!code && n->of != LOOM_QUANTITY_QPOS && n->of != LOOM_QUANTITY_QVEL)
    code = loom_yaml_error(p->y, row, "of", p->err, "a reset sets qpos and qvel");

  // How much: one scale, or bounds of each entry.
  if (!code) code = loom_yaml_read_int(&n->from, p->y, row, "from", 0, MOST_ENTRIES, false, p->err);
  if (!code) code = loom_yaml_read_int(&n->count, p->y, row, "count", 0, MOST_ENTRIES, false, p->err);
  if (!code) code = loom_yaml_read_number(&n->scale, p->y, row, "scale", n->noise != LOOM_NOISE_BOX, p->err);
  if (code || n->noise != LOOM_NOISE_BOX) return code;

  code = loom_yaml_read_numbers(n->low, LOOM_NOISE_ENTRIES, &low, p->y, row, "low", true, p->err);
  if (!code)
    code = loom_yaml_read_numbers(n->high, LOOM_NOISE_ENTRIES, &high, p->y, row, "high", true, p->err);
  if (!code) code = loom_yaml_read_number(&n->away, p->y, row, "away", false, p->err);
  if (!code && (low != high || (n->count && n->count != low)))
    code =
        loom_yaml_error(p->y, row, "high", p->err, "`low` and `high` have an entry each for `count` entries");
  n->count = low;

  // Else a reset would draw for ever.
  double most = 0;
  for (int i = 0; i < low; i++) most += fmax(n->low[i] * n->low[i], n->high[i] * n->high[i]);
  if (!code && n->away > 0 && n->away > 0.95 * sqrt(most))
    code = loom_yaml_error(p->y, row, "away", p->err, "hardly anything in the box is as far away");
  return code;
}

// ---- the whole

// A list of rows, each of `size` bytes.
static int read_list(void* out, int* count, size_t size, int most, const controlParser* p, loomNode list,
                     const char* key, int (*read)(void* out, const controlParser* p, loomNode row)) {
  if (!loom_yaml_is_list(p->y, list))
    return loom_yaml_error(p->y, list, key, p->err, "expected a list of maps");

  int n = loom_yaml_count(p->y, list), code = 0;
  if (n > most) return loom_yaml_error(p->y, list, key, p->err, "%d, but at most %d are possible", n, most);

  for (int i = 0; !code && i < n; i++) {
    loomNode row = loom_yaml_item(p->y, list, i);
    code = loom_yaml_is_map(p->y, row) ? read((char*)out + (size_t)i * size, p, row)
                                       : loom_yaml_error(p->y, row, key, p->err, "expected a map");
  }
  *count = n;
  return code;
}

// Where the map has such a list.
static int read_rows(void* out, int* count, size_t size, int most, const controlParser* p, loomNode map,
                     const char* key, int (*read)(void* out, const controlParser* p, loomNode row)) {
  loomNode list = loom_yaml_get(p->y, map, key);
  return list ? read_list(out, count, size, most, p, list, key, read) : 0;
}

#define READ_ROWS(p, map, key, member, read)                                          \
  read_rows((p)->task->member, &(p)->task->member##_count, sizeof *(p)->task->member, \
            (int)(sizeof(p)->task->member / sizeof *(p)->task->member), (p), (map), (key), (read))

// What is no list.
static int read_settings(const controlParser* p, loomNode map) {
  loomControlTask* t = p->task;
  t->frame_skip = 1;
  t->max_steps = 1000;
  int code = loom_task_only(p->y, map, "gym", p->err);

  if (!code) code = loom_yaml_read_text(t->asset, sizeof t->asset, p->y, map, "asset", false, p->err);
  if (!code) code = loom_yaml_read_text(t->model, sizeof t->model, p->y, map, "model", true, p->err);
  if (!code) code = loom_yaml_read_int(&t->frame_skip, p->y, map, "frame_skip", 1, 10000, false, p->err);
  if (!code) code = loom_yaml_read_int(&t->max_steps, p->y, map, "max_steps", 1, 1 << 30, false, p->err);
  return code;
}

static int read_control(const controlParser* p) {
  loomControlTask* t = p->task;
  loomNode root = loom_yaml_root(p->y), map = loom_yaml_get(p->y, root, "gym");

  int code = loom_task_only(p->y, root, "gym task", p->err);
  if (!code) code = loom_yaml_read_text(t->name, sizeof t->name, p->y, root, "task", true, p->err);
  if (!code) code = loom_yaml_read_text(t->about, sizeof t->about, p->y, root, "about", false, p->err);
  if (code) return code;
  if (!map || !loom_yaml_is_map(p->y, map))
    return loom_yaml_error(p->y, map ? map : root, "gym", p->err, "expected a map");

  code = read_settings(p, map);
  if (!code) code = READ_ROWS(p, map, "observe", observe, read_observe_row);
  if (!code) code = READ_ROWS(p, map, "healthy", healthy, read_healthy_row);
  if (!code) code = READ_ROWS(p, map, "reward", reward, read_reward_row);
  if (!code) code = READ_ROWS(p, map, "reset", noise, read_noise_row);
  if (!code && (!t->observe_count || !t->reward_count))
    code = loom_yaml_error(p->y, map, t->observe_count ? "reward" : "observe", p->err, "missing");
  return code;
}

int loom_control_task_parse(loomControlTask** out, const char* text, size_t n, const char* label,
                            loomError* err) {
  *out = NULL;
  if (strlen(label) >= LOOM_PATH_MAX)
    return loom_error_set(err, LOOM_ERR_USAGE, "%.200s...: a path longer than %d bytes", label,
                          LOOM_PATH_MAX - 1);
  loomControlTask* t = calloc(1, sizeof *t);
  if (!t) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", label);

  // The file and its folder.
  strcpy(t->path, label);
  strcpy(t->dir, label);
  char* slash = strrchr(t->dir, '/');
  strcpy(slash ? slash : t->dir, slash ? "" : ".");
  t->digest = loom_hash(LOOM_HASH_SEED, text, n);

  loomYaml* y = NULL;
  int code = loom_yaml_parse(&y, text, n, label, err);
  controlParser p = {y, t, err};
  if (!code) code = read_control(&p);
  loom_yaml_destroy(y);

  if (code)
    loom_control_task_destroy(t);
  else
    *out = t;
  return code;
}

int loom_control_task_load(loomControlTask** out, const char* path, loomError* err) {
  char* text;
  size_t n = 0;
  *out = NULL;

  int code = loom_read_text(&text, &n, path, LOOM_YAML_MAX, err);
  if (!code) code = loom_control_task_parse(out, text, n, path, err);
  free(text);
  return code;
}

// ---- rewards of their own

int loom_control_reward_parse(loomControlTask* task, int first, const char* text, size_t n, const char* label,
                              loomError* err) {
  loomYaml* y = NULL;
  int count = 0, code = loom_yaml_parse(&y, text, n, label, err);
  controlParser p = {y, task, err};
  memset(task->reward + first, 0, (size_t)(LOOM_REWARD_TERMS - first) * sizeof *task->reward);

  if (!code)
    code = read_list(task->reward + first, &count, sizeof *task->reward, LOOM_REWARD_TERMS - first, &p,
                     loom_yaml_root(y), "reward", read_reward_row);
  if (!code && first + count == 0)
    code = loom_yaml_error(y, loom_yaml_root(y), "reward", err, "expected one term at least");
  loom_yaml_destroy(y);

  task->reward_count = first + count;
  task->digest = loom_hash(task->digest, text, n);
  return code;
}

int loom_control_reward_load(loomControlTask* task, const char* path, loomError* err) {
  char* text;
  size_t n = 0;

  int code = loom_read_text(&text, &n, path, LOOM_YAML_MAX, err);
  if (!code) code = loom_control_reward_parse(task, 0, text, n, path, err);
  free(text);
  return code;
}

bool loom_is_control_task(const char* path) {
  loomYaml* y = NULL;
  bool is = loom_is_file(path) && !loom_yaml_load(&y, NULL, path, NULL) &&
            loom_yaml_get(y, loom_yaml_root(y), "gym");

  loom_yaml_destroy(y);
  return is;
}

void loom_control_task_destroy(loomControlTask* task) {
  free(task);
}
