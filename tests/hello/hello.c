// Opens the handover, generates one demo of it and trains a policy on that for ten steps. All that is needed
// to build it is `pkg-config --cflags --libs demoloom`; the same text is C and C++.
#include <demoloom/engine.h>
#include <demoloom/generators.h>
#include <demoloom/policies.h>
#include <stdio.h>

static loomScene* scene;       // a task with its compiled model
static loomSourceSet sources;  // the task's source demos
static loomError err;          // what went wrong, where, and what to do about it

// By its name alone: task, assets and model are found on this machine. Then the human demos that come with
// it, replayed and cut into each arm's subtasks.
static int open_handover(void) {
  char path[LOOM_PATH_MAX];
  int code = loom_scene_open(&scene, "handover", NULL, &err);

  if (!code) code = loom_task_source(path, scene->task, &scene->roots, &err);
  return code ? code : loom_sources_load(&sources, scene->task, path, &scene->roots, &err);
}

// Attempts until one succeeds. The same seed gives the same demo on any number of threads.
static int generate_demo(void) {
  static loomGenerateReport report;

  loomGenerateDef def = loom_default_generate_def();
  def.out = "hello.hdf5";
  def.successes = 1;

  int code = loom_generate(&report, scene, &sources, &def, &err);
  if (!code) printf("generated %d demo of %s\n", (int)report.successes, scene->task->name);

  loom_generate_report_destroy(&report);
  return code;
}

// Behavioral cloning with the observations that the demo has: one epoch of ten steps.
static int train_policy(void) {
  static loomTrainState state;
  static loomTrainDef def;
  loomTrainConfig config = loom_default_train_config(LOOM_KIND_BC_L2);

  int code = loom_config_use(&config, "hello.hdf5", &err);
  config.train.epochs = 1;
  config.train.steps = 10;
  snprintf(config.checkpoint.folder, sizeof config.checkpoint.folder, "hello-run");

  def.config = &config;
  if (!code) code = loom_train(&state, &def, &err);
  if (!code) printf("trained %d steps, loss %.3f\n", (int)state.step, state.loss);
  return code;
}

int main(void) {
  int code = open_handover();
  if (!code) code = generate_demo();
  if (!code) code = train_policy();
  if (code) fprintf(stderr, "%s\n", err.message);

  loom_sources_destroy(&sources);
  loom_scene_destroy(scene);
  return code ? 1 : 0;
}
