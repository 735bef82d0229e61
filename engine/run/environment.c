#include "engine/run/environment.h"

#include <assert.h>
#include <string.h>

static_assert((int)LOOM_REWARD_TERMS == (int)LOOM_TERMS_TOLD, "all terms are told");

static int reset_control(void* self, uint64_t seed, uint64_t attempt, loomError* err) {
  return loom_control_sim_reset(self, seed, attempt, err);
}

static int step_control(loomEnvironmentStep* out, void* self, const double* action, loomError* err) {
  loomControlSim* sim = self;
  loomControlStep step;

  int code = loom_control_sim_step(&step, sim, action, err);
  if (code) return code;

  // An episode that fails in its last step has failed.
  *out = (loomEnvironmentStep){.reward = step.reward, .terminated = !step.healthy, .steps = 1};
  out->truncated = step.healthy && sim->steps >= sim->scene->task->max_steps;
  memcpy(out->term, step.value, sizeof out->term);
  return 0;
}

static void observe_control(double* obs, void* self) {
  loom_control_sim_observe(obs, self);
}

static void snapshot_control(void* out, const void* self) {
  loom_control_sim_snapshot(out, self);
}

static int restore_control(void* self, const void* snapshot, loomError* err) {
  (void)err;
  loom_control_sim_restore(self, snapshot);
  return 0;
}

static void destroy_control(void* self) {
  loom_control_sim_destroy(self);
}

static int create_control(loomEnvironment* out, const void* source, loomError* err) {
  loomControlSim* sim;

  int code = loom_control_sim_create(&sim, source, err);
  if (code) return code;

  *out = (loomEnvironment){.self = sim,
                           .reset = reset_control,
                           .step = step_control,
                           .observe = observe_control,
                           .snapshot = snapshot_control,
                           .restore = restore_control,
                           .destroy = destroy_control};
  return 0;
}

loomEnvironmentMaker loom_control_environment(const loomControlScene* scene) {
  return (loomEnvironmentMaker){
      .source = scene,
      .obs = scene->obs,
      .actions = scene->actions,
      .range = scene->range,
      .snapshot_size = (size_t)loom_control_sim_snapshot_size(scene) * sizeof(double),
      .create = create_control};
}
