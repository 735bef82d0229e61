// What disturbed an episode as text that goes with its demo, and back.
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/sim/disturb.h"
#include "engine/sim/midway.h"

// ---- writing

// cJSON rounds numbers to 15 digits where that is nearly the same; a replay needs each bit.
static cJSON* exact_number(double x) {
  char text[32];
  snprintf(text, sizeof text, "%.17g", x);
  return cJSON_CreateRaw(text);
}

static cJSON* exact_numbers(const double* x, int n) {
  cJSON* out = cJSON_CreateArray();
  for (int i = 0; i < n; i++) cJSON_AddItemToArray(out, exact_number(x[i]));
  return out;
}

static cJSON* term_json(const loomDisturbTerm* t, const loomDrawn* d) {
  cJSON* out = cJSON_CreateObject();
  cJSON_AddStringToObject(out, "term", loom_disturb_kinds[t->kind].key);
  if (t->of[0]) cJSON_AddStringToObject(out, "of", t->of);
  cJSON_AddItemToObject(out, "values", exact_numbers(d->value, d->n * loom_disturb_width(t->kind)));

  // When, where it is not from the start to the end.
  if (t->timed) cJSON_AddItemToObject(out, "at", exact_number(d->at));
  if (t->ends) cJSON_AddItemToObject(out, "for", exact_number(d->last));
  if (t->kind == LOOM_DISTURB_PUSH) cJSON_AddItemToObject(out, "direction", exact_numbers(d->direction, 3));
  return out;
}

int loom_disturb_text(char** out, const loomEpisode* e, loomError* err) {
  *out = NULL;
  return e->disturbance ? loom_disturbance_text(out, e->disturbance, err) : 0;
}

int loom_disturbance_text(char** out, const loomDisturbance* d, loomError* err) {
  char number[32];
  *out = NULL;

  // JSON's numbers do not hold 64 bits.
  cJSON *root = cJSON_CreateObject(), *terms;
  cJSON_AddStringToObject(root, "set", d->set->name);
  snprintf(number, sizeof number, "%llu", (unsigned long long)d->seed);
  cJSON_AddStringToObject(root, "seed", number);
  snprintf(number, sizeof number, "%llu", (unsigned long long)d->number);
  cJSON_AddStringToObject(root, "number", number);
  terms = cJSON_AddArrayToObject(root, "terms");
  for (int i = 0; i < d->set->count; i++)
    cJSON_AddItemToArray(terms, term_json(&d->set->terms[i], &d->drawn[i]));

  char* text = cJSON_PrintUnformatted(root);
  cJSON_Delete(root);
  if (text) *out = strdup(text);
  cJSON_free(text);
  return *out ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for disturbances");
}

// ---- reading

static bool read_real(double* out, const cJSON* node, double least, double most) {
  if (!cJSON_IsNumber(node)) return false;
  *out = node->valuedouble;
  return *out >= least && *out <= most;
}

static bool read_reals(double* out, const cJSON* list, int n, double least, double most) {
  if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) != n) return false;

  const cJSON* item;
  cJSON_ArrayForEach(item, list) if (!read_real(out++, item, least, most)) return false;
  return true;
}

static bool read_text(char* out, size_t n, const cJSON* node) {
  const char* text = cJSON_GetStringValue(node);
  if (!text || strlen(text) >= n) return false;
  strcpy(out, text);
  return true;
}

// What there must be of a term: its kind, what it is of, when.
static bool read_head(loomDisturbTerm* t, const cJSON* node) {
  const char* key = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(node, "term"));
  const cJSON* of = cJSON_GetObjectItemCaseSensitive(node, "of");
  t->kind = key ? loom_disturb_kind(key) : LOOM_DISTURB_COUNT;
  t->timed = cJSON_HasObjectItem(node, "at");
  t->ends = cJSON_HasObjectItem(node, "for");
  if (t->kind == LOOM_DISTURB_COUNT || (of && !read_text(t->of, sizeof t->of, of))) return false;

  bool body = loom_disturb_kinds[t->kind].targets == LOOM_DISTURB_BODY;
  return !body || t->of[0];
}

static bool read_values(loomDrawn* d, const loomDisturbTerm* t, const cJSON* node) {
  const loomDisturbKindDef* kind = &loom_disturb_kinds[t->kind];
  const cJSON* values = cJSON_GetObjectItemCaseSensitive(node, "values");
  bool ok = read_reals(d->value, values, d->n * loom_disturb_width(t->kind), kind->least, kind->most);

  d->at = 0;
  d->last = INFINITY;
  if (t->timed) ok = ok && read_real(&d->at, cJSON_GetObjectItemCaseSensitive(node, "at"), 0, 1e6);
  if (t->ends) ok = ok && read_real(&d->last, cJSON_GetObjectItemCaseSensitive(node, "for"), 0, 1e6);
  if (t->kind == LOOM_DISTURB_PUSH)
    ok = ok &&
         read_reals(d->direction, cJSON_GetObjectItemCaseSensitive(node, "direction"), 3, -1.0001, 1.0001);
  return ok;
}

static int refuse(const char* name, loomError* err) {
  return loom_error_set(err, LOOM_ERR_FORMAT,
                        "%s: its " LOOM_DISTURB_ATTR " is not what this program writes for the task", name);
}

// As a set of its own, with the values that were drawn of it.
static int read_drawn(loomDisturbance** out, loomEpisode* e, const cJSON* root, const char* name,
                      loomError* err) {
  const cJSON* terms = cJSON_GetObjectItemCaseSensitive(root, "terms");
  int n = cJSON_GetArraySize(terms);
  if (!cJSON_IsArray(terms) || n > LOOM_DISTURB_TERM_MAX) return refuse(name, err);

  loomDisturbSet* set = loom_heap_take(&e->heap, 1, sizeof *set);
  loomDisturbTerm* term = loom_heap_take(&e->heap, (size_t)n, sizeof *term);
  if (!set || !term) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for disturbances");
  *set = (loomDisturbSet){.label = "", .count = n, .terms = term};
  read_text(set->name, sizeof set->name, cJSON_GetObjectItemCaseSensitive(root, "set"));
  for (int i = 0; i < n; i++)
    if (!read_head(&term[i], cJSON_GetArrayItem(terms, i))) return refuse(name, err);

  int code = loom_disturb_room(out, e, set, NULL);
  if (code == LOOM_ERR_MEMORY) return loom_error_set(err, code, "out of memory for disturbances");
  if (code) return refuse(name, err);
  for (int i = 0; i < n; i++)
    if (!read_values(&(*out)->drawn[i], &term[i], cJSON_GetArrayItem(terms, i))) return refuse(name, err);
  return 0;
}

static int start_disturbed(loomEpisode* e, const loomDemo* demo, loomError* err) {
  loomDisturbance* d = NULL;
  cJSON* root = loom_json_read(demo->disturb);
  int code = read_drawn(&d, e, root, demo->name, err);
  if (!code) {
    const char *seed = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "seed")),
               *number = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "number"));
    d->seed = seed ? strtoull(seed, NULL, 10) : 0;
    d->number = number ? strtoull(number, NULL, 10) : 0;
    d->recorded = true;
    code = loom_disturb_resume(e, d, err);
  }

  cJSON_Delete(root);
  return code;
}

int loom_demo_start(loomEpisode* e, const loomDemo* demo, loomError* err) {
  loomHands hands;
  int code = loom_episode_start(e, demo->states, err);
  if (!code && demo->disturb) code = start_disturbed(e, demo, err);
  if (code || !demo->midway) return code;

  code = loom_midway_read(&hands, demo->midway, e, demo->name, err);
  if (!code) loom_midway_put(e, &hands);
  return code;
}
