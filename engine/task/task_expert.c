// The scripted expert in task.yaml: one list of steps an arm.
#include <stdio.h>
#include <string.h>

#include "engine/base/pose.h"
#include "engine/task/task_parse.h"

static int find_step(const loomTask* t, int arm, const char* name) {
  for (int i = 0; i < t->expert_count[arm]; i++) {
    if (!strcmp(t->expert[arm][i].name, name)) return i;
  }
  return -1;
}

// `after: [ARM, STEP]`, resolved once all arms are read.
static int read_after(loomExpertStep* s, taskParser* p, loomNode map) {
  loomNode pair = loom_yaml_get(p->y, map, "after");
  if (!pair) return 0;

  const char* name = loom_yaml_text(p->y, loom_yaml_item(p->y, pair, 1));
  double arm = -1;
  if (loom_yaml_count(p->y, pair) != 2 || !name)
    return loom_yaml_error(p->y, pair, "after", p->err, "expected [ARM, STEP]");
  int code = loom_yaml_number(&arm, p->y, loom_yaml_item(p->y, pair, 0), "after", p->err);
  if (code) return code;

  // Both must exist.
  if (arm < 0 || arm >= p->task->arm_count || arm != (int)arm)
    return loom_yaml_error(p->y, pair, "after", p->err, "there is no arm %g", arm);
  s->after_arm = (int)arm;
  s->after_step = find_step(p->task, s->after_arm, name);
  if (s->after_step < 0)
    return loom_yaml_error(p->y, pair, "after", p->err, "arm %d has no step '%.60s'", s->after_arm, name);
  return 0;
}

static int read_grip(loomExpertStep* s, taskParser* p, loomNode map) {
  const char* text = loom_yaml_text(p->y, loom_yaml_get(p->y, map, "grip"));
  if (!loom_yaml_get(p->y, map, "grip")) return 0;

  s->grip = text && !strcmp(text, "close") ? 1 : text && !strcmp(text, "open") ? -1 : 0;
  return s->grip ? 0
                 : loom_yaml_error(p->y, loom_yaml_get(p->y, map, "grip"), "grip", p->err,
                                   "expected open or close");
}

static int read_step(loomExpertStep* s, taskParser* p, loomNode map) {
  double rpy[3] = {0, 0, 0};
  const loomYaml* y = p->y;
  *s = (loomExpertStep){.line = loom_yaml_place(y, map),
                        .after_arm = -1,
                        .after_step = -1,
                        .carried = -1,
                        .until = -1,
                        .turns = 1,
                        .speed = 0.25,
                        .spin = 1.5};

  int code = loom_task_only(y, map, "expert", p->err);
  if (!code) code = loom_yaml_read_text(s->name, sizeof s->name, y, map, "name", false, p->err);

  // Where it goes: a pose in a frame.
  s->moves = loom_yaml_get(y, map, "to") != 0;
  if (!code && s->moves) code = loom_task_parse_point(&s->to, p, map, "to");
  if (!code && s->to.at[0][0]) code = loom_yaml_error(y, map, "to", p->err, "takes no `at`; use `pos`");
  if (!code) code = loom_yaml_read_bool(&s->follow, y, map, "follow", p->err);
  if (!code) code = loom_yaml_read_bool(&s->upright, y, map, "upright", p->err);
  if (!code) code = loom_yaml_read_numbers(s->pos, 3, NULL, y, map, "pos", false, p->err);
  if (!code) code = loom_yaml_read_numbers(rpy, 3, NULL, y, map, "rpy", false, p->err);
  loom_quat_from_rpy(s->quat, rpy);
  if (!code) code = loom_yaml_read_int(&s->turns, y, map, "turns", 1, 64, false, p->err);

  // What goes there, and how fast.
  if (!code && loom_yaml_get(y, map, "carry"))
    code = loom_task_parse_object_name(&s->carried, p, map, "carry");
  if (!code) code = loom_yaml_read_number(&s->speed, y, map, "speed", false, p->err);
  if (!code) code = loom_yaml_read_number(&s->spin, y, map, "spin", false, p->err);
  if (!code && (s->speed <= 0 || s->spin <= 0))
    code = loom_yaml_error(y, map, "speed", p->err, "must be above 0");

  // What the hand does then, and how long it stays.
  if (!code) code = read_grip(s, p, map);
  if (!code)
    code = loom_yaml_read_numbers(s->hand, LOOM_MAX_HAND, &s->hand_count, y, map, "hand", false, p->err);
  if (!code) code = loom_yaml_read_int(&s->stay, y, map, "stay", 0, 10000, false, p->err);
  if (!code && loom_yaml_get(y, map, "until"))
    code = loom_task_parse_condition(&s->until, p, loom_yaml_get(y, map, "until"));

  if (!code) code = loom_yaml_read_number(&s->jitter, y, map, "jitter", false, p->err);
  return code;
}

int loom_task_parse_expert(taskParser* p, loomNode root) {
  loomTask* t = p->task;
  loomNode arms = loom_yaml_get(p->y, root, "expert");
  if (!arms) return 0;
  if (!loom_yaml_is_list(p->y, arms) || loom_yaml_count(p->y, arms) != t->arm_count)
    return loom_yaml_error(p->y, arms, "expert", p->err, "expected a list of steps for each of the %d arms",
                           t->arm_count);

  for (int a = 0; a < t->arm_count; a++) {
    loomNode list = loom_yaml_item(p->y, arms, a);
    int n = loom_yaml_count(p->y, list);
    if (!loom_yaml_is_list(p->y, list) || n < 1)
      return loom_yaml_error(p->y, list, "expert", p->err, "expected at least 1 step");
    int code = loom_task_limit(p, list, "expert", n, LOOM_MAX_EXPERT, "steps of an arm");
    if (code) return code;
    t->expert[a] = loom_task_take(p, n, sizeof *t->expert[a]);
    if (!t->expert[a]) return LOOM_ERR_MEMORY;
    t->expert_count[a] = n;

    for (int i = 0; i < n; i++) {
      code = read_step(&t->expert[a][i], p, loom_yaml_item(p->y, list, i));
      if (code) return code;
    }
  }

  // Steps of other arms can be named once all are there.
  for (int a = 0; a < t->arm_count; a++) {
    loomNode list = loom_yaml_item(p->y, arms, a);
    for (int i = 0; i < t->expert_count[a]; i++) {
      int code = read_after(&t->expert[a][i], p, loom_yaml_item(p->y, list, i));
      if (code) return code;
    }
  }
  return 0;
}
