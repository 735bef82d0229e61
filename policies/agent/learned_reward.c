#include "policies/agent/learned_reward.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/hash.h"
#include "engine/model/own_model.h"
#include "engine/observe/framed.h"
#include "policies/network/watcher_file.h"

enum { PATH = 2 * LOOM_PATH_MAX };

typedef struct opened {
  loomSafetensors file;
  char path[PATH];
  loomScore score;
} opened;

struct loomLearnedReward {
  int n;
  opened file[LOOM_MAX_TERMS];
};

// ---- an episode's

typedef struct instance {
  loomWatcher watcher;
  int frame[LOOM_WATCHED_KEYS][2];
} instance;

static void destroy_instance(void* self) {
  instance* in = self;
  loom_watcher_destroy(&in->watcher);
  free(in);
}

static int bind_keys(instance* in, const opened* o, const loomEpisode* e, loomError* err) {
  const loomWatcherDef* def = &in->watcher.def;
  int code = LOOM_OK;
  if (def->pictures)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s: watches pictures, which no reward looks at yet",
                          o->path);

  for (int k = 0; !code && k < def->keys; k++) {
    loomFramed framed;
    if (!loom_framed_parse(&framed, def->key[k].name))
      return loom_error_set(err, LOOM_ERR_FORMAT, "%s: '%s' is no pose", o->path, def->key[k].name);
    code = loom_framed_bind(in->frame[k], &framed, e, err);
    if (code) code = loom_error_prefix(err, code, "%s", o->path);
  }
  return code;
}

static int create_instance(void** out, void* self, const loomEpisode* e, loomError* err) {
  const opened* o = self;
  instance* in = calloc(1, sizeof *in);
  *out = NULL;
  if (!in) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a reward");

  int code = loom_watcher_read(&in->watcher, &o->file, o->path, 1, err);
  if (!code) code = bind_keys(in, o, e, err);
  if (code)
    destroy_instance(in);
  else
    *out = in;
  return code;
}

static double value(void* self, const loomEpisode* e) {
  instance* in = self;
  float low[LOOM_WATCHED_KEYS * LOOM_FRAMED_DIM];
  for (int k = 0; k < in->watcher.def.keys; k++)
    loom_framed_observe(low + (ptrdiff_t)k * LOOM_FRAMED_DIM, in->frame[k], e);

  loom_watcher_put(&in->watcher, 0, low, NULL);
  return loom_watcher_worth(&in->watcher, loom_watcher_look(&in->watcher, 1, NULL));
}

// ---- files

// DIR is the reward file's.
static int find_file(char dir[PATH], char path[PATH], const loomRewardDef* def, const loomTermDef* term,
                     loomError* err) {
  const char* slash = strrchr(def->path, '/');
  int n = slash ? (int)(slash - def->path) : 0;
  snprintf(dir, PATH, "%.*s", n ? n : 1, slash ? (n ? def->path : "/") : ".");
  snprintf(path, PATH, "%s/%s", dir, term->file);
  return loom_own_file_check(dir, term->file, NULL, err);
}

static int open_file(opened* o, loomTermDef* term, const loomRewardDef* def, loomError* err) {
  char dir[PATH];
  loomWatcher tried;
  int code = find_file(dir, o->path, def, term, err);
  if (!code) code = loom_safetensors_read(&o->file, o->path, err);
  if (code) return code;

  // Told before any episode is made.
  code = loom_watcher_read(&tried, &o->file, o->path, 1, err);
  if (code) return code;
  loom_watcher_destroy(&tried);
  o->score = (loomScore){o, create_instance, destroy_instance, value};
  term->score = &o->score;
  return LOOM_OK;
}

int loom_learned_reward_open(loomLearnedReward** out, loomRewardDef* def, loomError* err) {
  int terms = 0, code = LOOM_OK;
  *out = NULL;
  for (int k = 0; k < def->term_count; k++) terms += def->terms[k].term == LOOM_TERM_EMBEDDING;
  if (!terms) return LOOM_OK;

  loomLearnedReward* learned = calloc(1, sizeof *learned);
  if (!learned) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a reward");
  for (int k = 0; !code && k < def->term_count; k++)
    if (def->terms[k].term == LOOM_TERM_EMBEDDING)
      code = open_file(&learned->file[learned->n++], &def->terms[k], def, err);

  if (code)
    loom_learned_reward_close(learned);
  else
    *out = learned;
  return code;
}

void loom_learned_reward_close(loomLearnedReward* learned) {
  for (int i = 0; learned && i < learned->n; i++) loom_safetensors_destroy(&learned->file[i].file);
  free(learned);
}

int loom_learned_reward_hash(uint64_t* hash, const loomRewardDef* def, loomError* err) {
  char dir[PATH], path[PATH];
  int code = LOOM_OK;
  for (int k = 0; !code && k < def->term_count; k++) {
    if (def->terms[k].term != LOOM_TERM_EMBEDDING) continue;
    code = find_file(dir, path, def, &def->terms[k], err);
    if (!code) code = loom_hash_file(hash, path, err);
  }
  return code;
}
