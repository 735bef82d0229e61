#include "tools/teacher.h"

#include <stdlib.h>
#include <string.h>

#include "generators/expert.h"

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
  expert->corrective = true;
  *out = loom_expert_policy(expert);
  return code;
}

// ---- one by name

int tool_teacher_open(loomTeacher* out, const char* name, const loomScene* scene, const loomAssetRoots* roots,
                      loomError* err) {
  (void)scene;
  (void)roots;
  *out = (loomTeacher){0};
  if (!strcmp(name, "scripted")) {
    out->maker = (loomPolicyMaker){NULL, create_scripted, begin_scripted, free};
    return 0;
  }
  int code = loom_trained_load(&out->policy, name, err);
  if (!code) out->maker = loom_trained_maker(&out->policy);
  return code;
}

void tool_teacher_close(loomTeacher* teacher) {
  loom_sources_destroy(&teacher->sources);
  loom_trained_destroy(&teacher->policy);
}
