// What can never come about, told when task.yaml is read, at its line: hours of attempts would not bring it.
#include <stdio.h>
#include <string.h>

#include "engine/base/expr.h"
#include "engine/task/task_parse.h"

// A value that is the same in all episodes: an expression of no variable.
static bool is_constant(double* out, const char* text) {
  return text[0] && !loom_expr_eval(out, text, NULL, NULL, 0, NULL);
}

static int never(const loomTask* t, int line, loomError* err, const char* why) {
  return loom_error_set(err, LOOM_ERR_FORMAT, "%s:%d: %s", LOOM_TASK_AT(t, line), why);
}

// ---- times

// What must hold longer than an episode lasts, and what leaves no step of it.
static int check_times(const taskParser* p, loomNode root) {
  const loomTask* t = p->task;
  loomNode hold = loom_yaml_get(p->y, root, "success_hold"), reset = loom_yaml_get(p->y, root, "reset");

  if (t->success_hold > t->max_steps) {
    loomNode at = hold ? hold : loom_yaml_get(p->y, root, "max_steps");
    return loom_yaml_error(p->y, at, "success_hold", p->err,
                           "success would have to hold for %d control steps, longer than the %d of max_steps "
                           "that an episode lasts: nothing could ever succeed",
                           t->success_hold, t->max_steps);
  }

  if (t->settle_steps < t->max_steps) return 0;
  return loom_yaml_error(p->y, loom_yaml_get(p->y, reset, "settle"), "settle", p->err,
                         "objects settle for %d control steps, and max_steps ends an episode after %d: "
                         "nothing could ever succeed",
                         t->settle_steps, t->max_steps);
}

// The way to each first target alone, or the stays of an expert, may take longer than an episode.
static int check_lengths(const taskParser* p) {
  const loomTask* t = p->task;
  char why[200];

  for (int a = 0; a < t->arm_count; a++) {
    int64_t steps = t->settle_steps;

    // Each subtask has at least one row of a source demo.
    for (int k = 0; k < t->subtask_count[a]; k++) {
      const loomSubtaskDef* s = &t->subtasks[a][k];
      steps += s->interpolate_steps + s->hold_steps + 1;
      if (steps <= t->max_steps) continue;

      snprintf(why, sizeof why,
               "arm %d needs %lld control steps to the end of subtask '%s', more than the %d of max_steps", a,
               (long long)steps, s->name, t->max_steps);
      return never(t, s->line, p->err, why);
    }

    steps = 0;
    for (int k = 0; k < t->expert_count[a]; k++) {
      steps += t->expert[a][k].stay;
      if (steps <= t->max_steps) continue;

      snprintf(why, sizeof why,
               "the expert's arm %d stays for %lld control steps up to here, more than the %d of max_steps",
               a, (long long)steps, t->max_steps);
      return never(t, t->expert[a][k].line, p->err, why);
    }
  }

  return 0;
}

// ---- conditions

// "above 0.5 and below 0.1": no value is both.
static bool is_empty(const loomConditionDef* c) {
  double low, high;

  // The sides of a box may be equal, bounds are exclusive.
  for (int i = 0; c->kind == LOOM_COND_INSIDE && i < 3; i++)
    if (is_constant(&low, c->low[i]) && is_constant(&high, c->high[i]) && low > high) return true;

  if (!is_constant(&high, c->below)) return false;
  if (is_constant(&low, c->above) && low >= high) return true;

  // Distances and angles are never below 0.
  return (c->kind == LOOM_COND_DISTANCE || c->kind == LOOM_COND_UPRIGHT) && high <= 0;
}

static int check_condition(const loomTask* t, const loomConditionDef* c, loomError* err) {
  char why[400];

  if (c->kind == LOOM_COND_HELD && c->steps > t->max_steps) {
    snprintf(why, sizeof why, "held for %d control steps, longer than the %d of max_steps: never true",
             c->steps, t->max_steps);
  } else if (c->kind == LOOM_COND_GRASPED && !t->robots[c->arm].finger_count) {
    snprintf(why, sizeof why, "%s: its robot '%s' has no `fingers` to grasp with: never true", c->label,
             t->robots[c->arm].type);
  } else if (is_empty(c)) {
    snprintf(why, sizeof why, "%s: no value is within its bounds: never true", c->label);
  } else {
    return 0;
  }

  return never(t, c->line, err, why);
}

int loom_task_check_possible(const taskParser* p, loomNode root) {
  int code = check_times(p, root);
  if (!code) code = check_lengths(p);

  for (int i = 0; !code && i < p->task->condition_count; i++)
    code = check_condition(p->task, &p->task->conditions[i], p->err);

  return code;
}
