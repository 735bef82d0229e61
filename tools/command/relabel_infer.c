// demoloom relabel: actions are inferred.
#include <stdlib.h>

#include "engine/base/clock.h"
#include "tools/command/relabel.h"
#include "tools/shared/common.h"

const char* const relabel_methods[] = {
    [RELABEL_INVERSE] = "inverse", [RELABEL_DIFFERENCES] = "differences", NULL};

int relabel_stopped(const relabeling* r, loomError* err) {
  return loom_error_set(err, LOOM_ERR_INTERRUPTED, "interrupted; nothing was written: run it again%s",
                        r->a->folder ? " with --resume" : "");
}

static void tell_play(void* user, int64_t steps, int64_t all) {
  const relabeling* r = user;
  tool_progress("self-play", steps, all, loom_clock() - r->start, "control steps");
}

static void tell_fit(void* user, int step, int steps) {
  const relabeling* r = user;
  tool_progress("learned", step, steps, loom_clock() - r->start, "steps");
}

static int play(relabeling* r, loomError* err) {
  const relabelArgs* a = r->a;
  loomPlayed* played = calloc((size_t)r->n, sizeof *played);
  if (!played) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for demos");
  for (int i = 0; i < r->n; i++) played[i] = (loomPlayed){&r->demo[i].motion, r->demo[i].state};

  loomSelfPlayDef def = {.kind = a->play,
                         .steps = a->steps,
                         .length = (int)a->length,
                         .reset = r->reset,
                         .seed = (uint64_t)a->seed,
                         .threads = (int)a->threads,
                         .n = r->n,
                         .demo = played,
                         .stop = &tool_stop,
                         .progress = tell_play,
                         .user = r};
  double cpu = loom_process_cpu();
  int code = loom_self_play(&r->play, r->scene, &r->layout, &def, err);
  r->play_seconds = loom_process_cpu() - cpu;
  tool_progress_end();
  free(played);
  return code == LOOM_ERR_INTERRUPTED ? relabel_stopped(r, err) : code;
}

static int learn(relabeling* r, loomError* err) {
  const relabelArgs* a = r->a;
  loomDynamicsArmsDef def = {.model = a->model,
                             .n = r->play.n,
                             .motion = r->play.episode,
                             .seed = (uint64_t)a->seed,
                             .threads = (int)a->threads,
                             .stop = &tool_stop,
                             .progress = tell_fit,
                             .user = r};
  double cpu = loom_process_cpu();

  r->start = loom_clock();
  int code = loom_dynamics_arms_fit(&r->models, &r->layout, r->episode, &def, err);
  r->fit_seconds += loom_process_cpu() - cpu;
  tool_progress_end();
  if (!code)
    r->made[r->round] = (relabelMade){r->round, r->play.steps, loom_dynamics_arms_digest(&r->models)};
  r->now = &r->made[r->round];
  return code && tool_stop ? relabel_stopped(r, err) : code;
}

static int infer_actions(relabeling* r, loomError* err) {
  bool inverse = r->a->method == RELABEL_INVERSE;
  int code = 0;

  for (int i = 0; !code && i < r->n; i++) {
    relabelDemo* d = &r->demo[i];
    if (inverse)
      code = loom_dynamics_arms_act(d->actions, &r->models, &d->motion, err);
    else
      loom_motion_differences(d->actions, &r->layout, r->episode, &d->motion);
  }

  return code ? code : relabel_compare(&r->errors, r->demo, r->n, r->episode, err);
}

int relabel_infer(relabeling* r, loomError* err) {
  bool inverse = r->a->method == RELABEL_INVERSE;

  r->start = loom_clock();
  int code = inverse ? play(r, err) : 0;
  if (!code && inverse) code = learn(r, err);
  return code ? code : infer_actions(r, err);
}

int relabel_infer_again(relabeling* r, loomError* err) {
  loom_dynamics_arms_destroy(&r->models);
  int code = learn(r, err);
  return code ? code : infer_actions(r, err);
}
