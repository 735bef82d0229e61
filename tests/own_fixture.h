// What tests of the generators share: the task of one's own in tests/own with source demos that its scripted
// expert records here and now. Tests run from the repository's root.
#ifndef LOOM_TESTS_OWN_FIXTURE_H
#define LOOM_TESTS_OWN_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/data/dataset.h"
#include "engine/scene/compose.h"
#include "engine/scene/env_args.h"
#include "generators/attempt/attempt.h"
#include "generators/expert/expert.h"
#include "generators/run/record.h"
#include "tests/task_fixture.h"

typedef struct own {
  loomTask* task;
  loomScene* scene;
  loomEpisode* e;
  loomTrace trace;  // of the last attempt
  loomSourceSet sources;
  char path[64];  // of the source demos
} own;

static inline void must(int code, const loomError* err) {
  if (code) fail_msg("%s", err->message);
}

enum { SOURCES = 4 };

static inline void record_sources(own* o) {
  loomError err = {0, ""};
  char shard[SOURCES][80];
  loomSource list[SOURCES] = {{0}};
  loomWriteDef write = loom_default_write_def();
  for (int i = 0; i < SOURCES; i++) {
    loomExpert expert;
    loomRunResult run;
    must(loom_episode_reset(o->e, 0, 77, (uint64_t)i, &err), &err);
    must(loom_expert_create(&expert, o->e, 77, (uint64_t)i, &o->trace, &err), &err);
    loomPolicy policy = loom_expert_policy(&expert);
    loomRunDef def = loom_default_run_def(o->task);
    must(loom_policy_run(&run, o->e, &policy, &def, &o->trace, &err), &err);
    assert_int_equal(run.end, LOOM_RUN_SUCCESS);
    snprintf(shard[i], sizeof shard[i], "%s.%d", o->path, i);
    must(loom_record_scripted(shard[i], &o->trace, o->e, 77, (uint64_t)i, true, &write, &err), &err);
    list[i].path = shard[i];
  }
  char* env_args = loom_env_args(o->task);
  loomAttr attrs[] = {loom_attr_string("env_args", env_args)};
  loomAssembleDef def = loom_default_assemble_def();
  def.attr = attrs;
  def.nattr = 1;
  def.valid = 0;
  must(loom_dataset_assemble(o->path, list, SOURCES, &def, &err), &err);
  for (int i = 0; i < SOURCES; i++) unlink(shard[i]);
  free(env_args);
}

static inline int open_own(void** state) {
  static own o;
  loomError err = {0, ""};
  loomAssetRoots roots = {0};
  char label[LOOM_PATH_MAX], *xml = NULL;
  must(loom_task_load(&o.task, "tests/own/task.yaml", "tests/own/robots", &err), &err);
  make_room(o.task);
  must(loom_task_model(&xml, label, o.task, &roots, &err), &err);
  must(loom_scene_create(&o.scene, o.task, xml, label, NULL, &roots, &err), &err);
  must(loom_episode_create(&o.e, o.scene, &err), &err);
  must(loom_trace_create(&o.trace, o.e, o.task->max_steps, &err), &err);
  snprintf(o.path, sizeof o.path, "/tmp/loom_own_%d.hdf5", (int)getpid());
  record_sources(&o);
  must(loom_sources_load(&o.sources, o.task, o.path, &roots, &err), &err);
  free(xml);
  *state = &o;
  return 0;
}

static inline int close_own(void** state) {
  own* o = *state;
  unlink(o->path);
  loom_sources_destroy(&o->sources);
  loom_trace_destroy(&o->trace);
  loom_episode_destroy(o->e);
  loom_scene_destroy(o->scene);
  loom_task_destroy(o->task);
  return 0;
}

#endif
