// What steps of environments side by side cost in C: what a binding's are compared with (tests/python/).
//   bench_vector [TASK [ENVIRONMENTS [THREADS [STEPS]]]]
// by default of the handover, 8, 1, 200; prints a line of JSON. With - for STEPS each line of stdin says how
// many more, so that others can take turns with it.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/clock.h"
#include "engine/run/task_environment.h"
#include "engine/run/vector.h"

// The same motion whoever drives: tests/python/speed.py.
static void move(double* actions, const loomVector* v, int t) {
  for (int i = 0; i < v->def.n; i++)
    for (int k = 0; k < v->maker.actions; k++) *actions++ = 0.3 * sin(0.1 * t + i + k);
}

static int take_steps(loomVector* v, double* actions, int first, int steps, loomError* err) {
  double start = loom_clock(), cpu = loom_process_cpu();
  int code = 0;

  for (int t = first; !code && t < first + steps; t++) {
    move(actions, v, t);
    code = loom_vector_step(v, actions, err);
  }

  double seconds = loom_clock() - start, used = loom_process_cpu() - cpu;
  if (!code) printf("{\"steps\": %d, \"seconds\": %.6f, \"cpu\": %.6f}\n", steps * v->def.n, seconds, used);
  fflush(stdout);
  return code;
}

// As many as are said, or in turns.
static int take_all(loomVector* v, int steps, loomError* err) {
  double* actions = calloc((size_t)v->def.n * (size_t)v->maker.actions, sizeof *actions);
  int code = actions ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "no memory for actions");
  if (!code && steps > 0) code = take_steps(v, actions, 0, steps, err);

  char line[32];
  for (int t = 0; !code && steps <= 0 && fgets(line, sizeof line, stdin);) {
    int more = (int)strtol(line, NULL, 10);
    code = take_steps(v, actions, t, more, err);
    t += more;
  }
  free(actions);
  return code;
}

static int run(const char* task, const loomVectorDef* def, int steps, loomError* err) {
  loomScene* scene;
  loomEnvironmentMaker maker;
  loomVector* v = NULL;
  double* range = NULL;
  int code = loom_scene_open(&scene, task, NULL, err);
  loomTaskSource source = {.scene = scene};

  if (!code) code = loom_task_environment(&maker, &range, &source, err);
  if (!code) code = loom_vector_create(&v, &maker, def, err);
  if (!code) code = loom_vector_reset(v, err);
  if (!code) code = take_all(v, steps, err);

  loom_vector_destroy(v);
  free(range);
  loom_scene_destroy(scene);
  return code;
}

int main(int argc, char** argv) {
  loomError err = {0, ""};
  loomVectorDef def = {.n = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 8,
                       .threads = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 1,
                       .seed = 1};

  int steps = argc > 4 ? (int)strtol(argv[4], NULL, 10) : 200;
  int code = run(argc > 1 ? argv[1] : "handover", &def, steps, &err);
  if (code) fprintf(stderr, "%s\n", err.message);
  return code ? 1 : 0;
}
