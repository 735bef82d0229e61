// The reward along a demo, term by term: what its recorded actions bring when they are done again.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/run/judge.h"
#include "engine/run/reward.h"
#include "policies/agent/learned_reward.h"
#include "tools/view/view.h"

int view_reward_open(viewApp* app, loomError* err) {
  app->reward = &app->task->reward;
  if (!app->args->reward) return 0;

  int code = loom_reward_def_load(&app->own_reward, app->task, app->args->reward, err);
  if (!code) code = loom_learned_reward_open(&app->learned_reward, app->own_reward, err);
  if (!code) app->reward = app->own_reward;
  return code;
}

void view_reward_close(viewApp* app) {
  loom_learned_reward_close(app->learned_reward);
  loom_reward_def_destroy(app->own_reward);
  app->learned_reward = NULL;
  app->own_reward = NULL;
}

// What follows the episode's end brings nothing, as where it is learned from.
static int replay_rewards(viewApp* app, loomReward* reward, loomError* err) {
  viewStage* s = &app->stage;
  int columns = 1 + app->reward->term_count;
  loomRunDef def = loom_reward_run_def(app->reward, app->task, s->demo.rows);
  loomRunResult run;
  bool on = true;

  int code = loom_demo_start(s->episode, &s->demo, err);
  if (code) return code;
  loom_judge_begin(&run, s->episode);
  loom_reward_begin(reward, s->episode, NULL);

  for (int t = 0; t < s->demo.rows && on && !code; t++) {
    double* out = s->reward + (size_t)t * (size_t)columns;

    code = loom_episode_step(s->episode, s->demo.actions + (size_t)t * (size_t)s->demo.action_dim, err);
    if (code) break;
    on = loom_judge_step(&run, &def, s->episode);
    code = loom_reward_step(out, out + 1, reward, s->episode, &run, err);
  }
  return code;
}

int view_stage_rewards(viewApp* app, loomError* err) {
  viewStage* s = &app->stage;
  loomReward* reward = NULL;
  if (s->reward) return 0;

  s->reward = calloc((size_t)s->demo.rows * (size_t)(1 + app->reward->term_count) + 1, sizeof *s->reward);
  if (!s->reward) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for rewards");
  if (s->demo.action_dim != s->episode->action_dim)
    return loom_error_set(err, LOOM_ERR_FORMAT, "its actions have %d entries, %s takes %d",
                          s->demo.action_dim, app->task->name, s->episode->action_dim);

  int code = loom_reward_create(&reward, app->reward, s->episode, err);
  if (!code) code = replay_rewards(app, reward, err);
  loom_reward_destroy(reward);
  return code;
}

// ---- names of lines

static void name_point(char out[14], const loomPoint* p) {
  if (p->kind == LOOM_POINT_EEF)
    snprintf(out, 14, "arm %d", p->arm);
  else
    snprintf(out, 14, "%.13s", p->kind == LOOM_POINT_WORLD ? "world" : p->name);
}

static const char* condition_name(const loomTask* task, int condition) {
  for (int i = 0; i < task->named_count; i++)
    if (task->named[i].condition == condition) return task->named[i].name;
  return condition == task->success ? "success" : condition == task->lost ? "lost" : "";
}

// "margin lifted", "distance arm 0 needle": what tells terms of a kind apart.
void view_reward_name(char out[32], const viewApp* app, int arm, int line) {
  (void)arm;
  if (!line) {
    snprintf(out, 32, "reward");
    return;
  }

  const loomTermDef* t = &app->reward->terms[line - 1];
  const char* kind = loom_term_names[t->term];
  char from[14] = "", to[14] = "";

  switch (t->term) {
    case LOOM_TERM_CONDITION:
    case LOOM_TERM_MARGIN:
      snprintf(out, 32, "%s %.20s", kind, condition_name(app->task, t->condition));
      break;
    case LOOM_TERM_DISTANCE:
    case LOOM_TERM_ANGLE:
    case LOOM_TERM_HEIGHT:
      name_point(from, &t->from);
      name_point(to, &t->to);
      snprintf(out, 32, "%.8s %.10s %.10s", kind, from, to);
      break;
    default:
      snprintf(out, 32, "%.31s", kind);
  }
}
