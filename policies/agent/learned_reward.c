#include "policies/agent/learned_reward.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/hash.h"
#include "engine/draw/render.h"
#include "engine/model/own_model.h"
#include "engine/observe/framed.h"
#include "engine/observe/sense.h"
#include "policies/network/step_reward.h"
#include "policies/network/translated.h"
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

// Of poses, of pictures, or of pictures that translated demos are compared with.
typedef struct instance {
  loomWatcher watcher;
  loomTranslated translated;
  bool translates;
  int frame[LOOM_WATCHED_KEYS][2];
  loomObserver* observer;      // of pictures
  unsigned char *first, *now;  // the episode's first one, and the last that was looked at
  bool blind;                  // it could not be looked at
} instance;

static void destroy_instance(void* self) {
  instance* in = self;
  loom_watcher_destroy(&in->watcher);
  loom_translated_destroy(&in->translated);
  loom_observer_destroy(in->observer);
  free(in->first);
  free(in->now);
  free(in);
}

static int bind_poses(instance* in, const opened* o, const loomEpisode* e, loomError* err) {
  const loomWatcherDef* def = &in->watcher.def;
  int code = LOOM_OK;
  for (int k = 0; !code && k < def->keys; k++) {
    loomFramed framed;
    if (!loom_framed_parse(&framed, def->key[k].name))
      return loom_error_set(err, LOOM_ERR_FORMAT, "%s: '%s' is no pose", o->path, def->key[k].name);
    code = loom_framed_bind(in->frame[k], &framed, e, err);
    if (code) code = loom_error_prefix(err, code, "%s", o->path);
  }
  return code;
}

// A camera of the model's, as the demos' pictures were made.
static int open_eye(instance* in, const opened* o, const loomEpisode* e, const char* name, int height,
                    int width, loomError* err) {
  loomSenseDef sense = loom_default_sense_def();
  const char* text = loom_safetensors_meta(&o->file, "sense");
  loomObsKey key = loom_obs_named(name);
  key.rank = 3;
  key.shape[0] = height;
  key.shape[1] = width;
  key.shape[2] = 3;
  key.dim = height * width * 3;
  in->first = calloc((size_t)key.dim, 1);
  in->now = calloc((size_t)key.dim, 1);
  if (!in->first || !in->now) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a reward");

  int code = text ? loom_sense_parse(&sense, text, o->path, err) : LOOM_OK;
  if (!code) code = loom_observer_create(&in->observer, e, &key, 1, &sense, err);

  // Told now, since looking at episodes gives no reasons. A film's camera is named by whoever watches it.
  const loomObsKey* found = code ? NULL : loom_observer_keys(in->observer, &(int){0});
  if (!code && strcmp(found->camera, "table") != 0) {
    code = loom_camera_check(e->m, found->camera, err);
    if (code)
      code = loom_error_suffix(err, code, "; `demoloom observe --key CAMERA_image` names it of films");
  }
  return code ? loom_error_prefix(err, code, "%s", o->path) : LOOM_OK;
}

static int fill_instance(instance* in, const opened* o, const loomEpisode* e, loomError* err) {
  in->translates = loom_translated_is(&o->file);
  int code = in->translates ? loom_translated_read(&in->translated, &o->file, o->path, err)
                            : loom_watcher_read(&in->watcher, &o->file, o->path, 1, err);
  if (code) return code;

  const loomTranslatorDef* def = &in->translated.net.def;
  const loomWatcherDef* seen = &in->watcher.def;
  if (in->translates) return open_eye(in, o, e, in->translated.key, def->height, def->width, err);
  if (!seen->pictures) return bind_poses(in, o, e, err);

  if (seen->keys != 1)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s: watches more than one picture", o->path);
  return open_eye(in, o, e, seen->key[0].name, seen->key[0].shape[0], seen->key[0].shape[1], err);
}

static int create_instance(void** out, void* self, const loomEpisode* e, loomError* err) {
  instance* in = calloc(1, sizeof *in);
  *out = NULL;
  if (!in) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a reward");

  int code = fill_instance(in, self, e, err);
  if (code)
    destroy_instance(in);
  else
    *out = in;
  return code;
}

static void look(instance* in, unsigned char* to, const loomEpisode* e) {
  void* out[] = {to};
  in->blind = in->blind || loom_observer_look(out, in->observer, e, NULL) != LOOM_OK;
}

static void begin(void* self, loomEpisode* e) {
  instance* in = self;
  if (!in->observer) return;
  in->blind = loom_observer_begin(in->observer, e, NULL) != LOOM_OK;
  look(in, in->first, e);
}

static double value(void* self, const loomEpisode* e) {
  instance* in = self;
  float low[LOOM_WATCHED_KEYS * LOOM_FRAMED_DIM] = {0};
  const unsigned char* now = in->now;
  if (in->observer) look(in, in->now, e);
  if (in->blind) return NAN;
  if (in->translates) return loom_translated_worth(NULL, &in->translated, in->first, in->now, e->steps);

  for (int k = 0; k < in->watcher.def.keys - in->watcher.def.pictures; k++)
    loom_framed_observe(low + (ptrdiff_t)k * LOOM_FRAMED_DIM, in->frame[k], e);
  loom_watcher_put(&in->watcher, 0, low, &now);
  return loom_watcher_worth(&in->watcher, loom_watcher_look(&in->watcher, 1, NULL));
}

// ---- files

// Below the folder of the reward file.
static int find_file(char path[PATH], const char* reward, const char* file, loomError* err) {
  char dir[PATH];
  const char* slash = strrchr(reward, '/');
  int n = slash ? (int)(slash - reward) : 0;
  snprintf(dir, PATH, "%.*s", n ? n : 1, slash ? (n ? reward : "/") : ".");
  snprintf(path, PATH, "%.*s/%s", LOOM_PATH_MAX, dir, file);
  return loom_own_file_check(dir, file, NULL, err);
}

static int open_file(opened* o, loomTermDef* term, const loomRewardDef* def, loomError* err) {
  loomWatcher tried = {0};
  loomTranslated other = {0};
  int code = find_file(o->path, def->path, term->file, err);
  if (!code) code = loom_safetensors_read(&o->file, o->path, err);
  if (code) return code;

  // Told before any episode is made.
  bool translates = loom_translated_is(&o->file);
  code = translates ? loom_translated_read(&other, &o->file, o->path, err)
                    : loom_watcher_read(&tried, &o->file, o->path, 1, err);
  if (code) return code;
  loom_watcher_destroy(&tried);
  loom_translated_destroy(&other);
  o->score = (loomScore){o, create_instance, destroy_instance, begin, value};
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
  char path[PATH];
  int code = LOOM_OK;
  for (int k = 0; !code && k < def->term_count; k++) {
    if (def->terms[k].term != LOOM_TERM_EMBEDDING) continue;
    code = find_file(path, def->path, def->terms[k].file, err);
    if (!code) code = loom_hash_file(hash, path, err);
  }
  return code;
}

// ---- control tasks

typedef struct openedStep {
  loomStepReward reward;
  loomStepScore score;
  char path[PATH];
} openedStep;

struct loomLearnedSteps {
  int n;
  openedStep step[LOOM_REWARD_TERMS];
};

static int open_step(openedStep* o, loomControlTask* task, loomRewardTerm* term, const char* path,
                     loomError* err) {
  loomSafetensors file;
  int code = find_file(o->path, path, term->file, err);
  if (!code) code = loom_hash_file(&task->digest, o->path, err);
  if (!code) code = loom_safetensors_read(&file, o->path, err);
  if (code) return code;

  code = loom_step_reward_read(&o->reward, &file, o->path, err);
  loom_safetensors_destroy(&file);
  o->score = loom_step_reward_score(&o->reward);
  term->score = &o->score;
  return code;
}

int loom_learned_steps_open(loomLearnedSteps** out, loomControlTask* task, const char* path, loomError* err) {
  int terms = 0, code = LOOM_OK;
  *out = NULL;
  for (int k = 0; k < task->reward_count; k++) terms += task->reward[k].term == LOOM_REWARD_LEARNED;
  if (!terms) return LOOM_OK;

  loomLearnedSteps* steps = calloc(1, sizeof *steps);
  if (!steps) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a reward");
  for (int k = 0; !code && k < task->reward_count; k++)
    if (task->reward[k].term == LOOM_REWARD_LEARNED)
      code = open_step(&steps->step[steps->n++], task, &task->reward[k], path, err);

  if (code)
    loom_learned_steps_close(steps);
  else
    *out = steps;
  return code;
}

int loom_learned_steps_check(const loomLearnedSteps* steps, int obs, int actions, loomError* err) {
  for (int i = 0; steps && i < steps->n; i++) {
    const openedStep* o = &steps->step[i];
    if (o->reward.obs != obs || o->reward.actions != actions)
      return loom_error_set(err, LOOM_ERR_FORMAT,
                            "%s: is of a task with %d numbers to see and %d to do, where this one has %d and "
                            "%d",
                            o->path, o->reward.obs, o->reward.actions, obs, actions);
  }
  return LOOM_OK;
}

void loom_learned_steps_close(loomLearnedSteps* steps) {
  for (int i = 0; steps && i < steps->n; i++) loom_step_reward_destroy(&steps->step[i].reward);
  free(steps);
}
