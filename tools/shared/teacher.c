#include "tools/shared/teacher.h"

#include <stdlib.h>
#include <string.h>

#include "generators/expert/expert.h"
#include "generators/expert/guide.h"

// ---- the scripted expert

static int create_scripted(void** instance, void* self, loomEpisode* episode, loomError* err) {
  (void)self;
  (void)episode;

  *instance = calloc(1, sizeof(loomExpert));
  return *instance ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "no memory for the expert");
}

static int begin_scripted(loomPolicy* out, void* instance, loomEpisode* episode, uint64_t seed,
                          uint64_t number, loomError* err) {
  loomExpert* expert = instance;

  int code = loom_expert_create(expert, episode, seed, number, NULL, err);
  if (code) return code;

  // Asked in states that are not its own, it corrects its way rather than goes on from where it thinks it is.
  expert->corrective = true;
  *out = loom_expert_policy(expert);
  return 0;
}

// ---- the generator

typedef struct generatorInstance {
  const loomSourceSet* sources;
  loomGuide guide;
} generatorInstance;

static int create_generator(void** instance, void* self, loomEpisode* episode, loomError* err) {
  int code = loom_arms_take_poses(episode->arms, episode->arm_count, episode->scene->task->path, err);
  if (code) return code;

  generatorInstance* g = calloc(1, sizeof *g);
  if (!g) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for the expert");

  g->sources = self;
  *instance = g;
  return 0;
}

static int begin_generator(loomPolicy* out, void* instance, loomEpisode* episode, uint64_t seed,
                           uint64_t number, loomError* err) {
  generatorInstance* g = instance;
  (void)err;

  loom_guide_begin(&g->guide, episode, g->sources, seed, number);
  *out = loom_guide_policy(&g->guide);
  return 0;
}

// ---- one by name

int tool_teacher_open(loomTeacher* out, const char* name, const loomTask* task, const loomAssetRoots* roots,
                      const loomSourceDef* sources, loomError* err) {
  char path[LOOM_PATH_MAX];
  int code = 0;

  *out = (loomTeacher){0};
  if (!strcmp(name, "scripted")) {
    out->maker = (loomPolicyMaker){.create = create_scripted, .begin = begin_scripted, .destroy = free};
  } else if (!strcmp(name, "generator")) {
    code = loom_task_source(path, task, roots, err);
    if (!code) code = loom_sources_load_with(&out->sources, task, path, roots, sources, err);
    out->maker = (loomPolicyMaker){
        .self = &out->sources, .create = create_generator, .begin = begin_generator, .destroy = free};
  } else {
    code = loom_trained_load(&out->policy, name, err);
    if (!code) out->maker = loom_trained_maker(&out->policy);
  }

  return code;
}

void tool_teacher_close(loomTeacher* teacher) {
  loom_sources_destroy(&teacher->sources);
  loom_trained_destroy(&teacher->policy);
}
