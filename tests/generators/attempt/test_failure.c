// Each way an attempt fails, forced on attempts of tests/own: the outcome, the arm to blame, its subtask,
// what decided and what was measured.
#include "tests/own_fixture.h"

// The text with its first `from` replaced; frees the old one.
static char* replace(char* text, const char* from, const char* to) {
  if (!from) return text;
  char* at = strstr(text, from);
  if (!at) fail_msg("'%s' is not there to be replaced", from);

  char* out = calloc(1, strlen(text) + strlen(to) + 1);
  assert_non_null(out);
  sprintf(out, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));

  free(text);
  return out;
}

static char* read_text(const char* path) {
  FILE* f = fopen(path, "rb");
  char* text = calloc(1, 1 << 16);
  assert_true(f && text && fread(text, 1, (1 << 16) - 1, f) > 0);
  fclose(f);
  return text;
}

typedef struct change {
  const char *from, *to;
} change;

typedef struct failureCase {
  const char* name;
  change task[2], scene;  // of task.yaml and scene.xml
  int slow_arm;           // the arm, counted from 1, whose joints are said to be slow
  loomOutcome outcome;
  int arm, subtask;
  const char* subject;     // what failed, as the report prints it
  double least, most;      // what was measured
  loomConditionKind kind;  // of the condition that decided, where one did
} failureCase;

static const char box_lift[] = "{name: lift, reference: box, until: end}";
static const char rod_lift[] = "{name: lift, reference: rod, until: end}";
static const char top[] = "max_steps: 200\n";
static const char box_height[] = "    - height: {of: box, above: s + 0.1}\n";
static const char rod_height[] = "    - height: {of: rod, above: 0.1}\n";

// A condition of one arm's subtask; attempts are stopped by the task's `lost`, `limits`, `stuck` or end.
#define SUBTASK(lift, more) \
  { lift, "{name: lift, reference: " more ", until: end}" }
#define LOST(condition)                              \
  {                                                  \
    { top, "max_steps: 200\nlost: " condition "\n" } \
  }
#define STUCK \
  { top, "max_steps: 200\nstuck: {distance: 0.03, speed: 0.02, steps: 10}\n" }

static const failureCase cases[] = {
    // What a subtask expects is its arm's.
    {"box expected higher",
     {SUBTASK(box_lift, "box, expect: {height: {of: box, above: 5}}")},
     {0},
     0,
     LOOM_OUTCOME_UNMET,
     0,
     0,
     "height of box",
     0,
     1,
     LOOM_COND_HEIGHT},
    {"rod expected higher",
     {SUBTASK(rod_lift, "rod, expect: {height: {of: rod, above: 5}}")},
     {0},
     0,
     LOOM_OUTCOME_UNMET,
     1,
     0,
     "height of rod",
     0,
     1,
     LOOM_COND_HEIGHT},
    {"nobody holds it",
     {SUBTASK(rod_lift, "rod, expect: {not: {grasped: {arm: 1, object: rod}}}")},
     {0},
     0,
     LOOM_OUTCOME_UNMET,
     1,
     0,
     ", must not be",
     2,
     2,
     LOOM_COND_GRASPED},
    {"box must stay low",
     {SUBTASK(box_lift, "box, during: {height: {of: box, below: 0.06}}, slack: 0")},
     {0},
     0,
     LOOM_OUTCOME_LOST,
     0,
     0,
     "height of box",
     0.06,
     0.1,
     LOOM_COND_HEIGHT},
    {"rod must stay low",
     {SUBTASK(rod_lift, "rod, during: {height: {of: rod, below: 0.06}}, slack: 0")},
     {0},
     0,
     LOOM_OUTCOME_LOST,
     1,
     0,
     "height of rod",
     0.06,
     0.1,
     LOOM_COND_HEIGHT},

    // The task's `lost`: the arm that the condition names ...
    {"arm 0 grasps",
     LOST("{any: [{grasped: {arm: 0, object: box}}]}"),
     {0},
     0,
     LOOM_OUTCOME_LOST,
     0,
     0,
     "any of",
     2,
     2,
     LOOM_COND_GRASPED},
    {"arm 1 grasps",
     LOST("{any: [{grasped: {arm: 1, object: rod}}]}"),
     {0},
     0,
     LOOM_OUTCOME_LOST,
     1,
     0,
     "any of",
     2,
     2,
     LOOM_COND_GRASPED},
    {"arm 0 closes",
     LOST("{gripper: {arm: 0, command: close}}"),
     {0},
     0,
     LOOM_OUTCOME_LOST,
     0,
     0,
     "",
     0.001,
     1,
     LOOM_COND_GRIPPER},
    {"arm 1 closes",
     LOST("{gripper: {arm: 1, command: close}}"),
     {0},
     0,
     LOOM_OUTCOME_LOST,
     1,
     0,
     "",
     0.001,
     1,
     LOOM_COND_GRIPPER},
    {"arm 1 comes near",
     LOST("{distance: {from: {eef: 1}, to: rod, below: 0.06}}"),
     {0},
     0,
     LOOM_OUTCOME_LOST,
     1,
     0,
     "",
     0,
     0.06,
     LOOM_COND_DISTANCE},
    {"a joint of arm 0",
     LOST("{joint: {name: z0, below: -0.2}}"),
     {0},
     0,
     LOOM_OUTCOME_LOST,
     0,
     0,
     "",
     -0.3,
     -0.2,
     LOOM_COND_JOINT},
    {"a joint of arm 1",
     LOST("{joint: {name: z1, below: -0.2}}"),
     {0},
     0,
     LOOM_OUTCOME_LOST,
     1,
     0,
     "",
     -0.3,
     -0.2,
     LOOM_COND_JOINT},
    {"fingers of arm 1",
     LOST("{touching: {a: [lpad1, rpad1], b: rod}}"),
     {0},
     0,
     LOOM_OUTCOME_LOST,
     1,
     0,
     "",
     1,
     1,
     LOOM_COND_TOUCHING},
    // ... or that holds what it names, or is after it.
    {"the box goes up",
     LOST("{height: {of: box, above: 0.1}}"),
     {0},
     0,
     LOOM_OUTCOME_LOST,
     0,
     0,
     "height of box",
     0.1,
     0.13,
     LOOM_COND_HEIGHT},
    {"the rod goes up",
     LOST("{any: [{height: {of: box, above: 5}}, {height: {of: rod, above: 0.1}}]}"),
     {0},
     0,
     LOOM_OUTCOME_LOST,
     1,
     0,
     "any of",
     0.1,
     0.13,
     LOOM_COND_HEIGHT},
    {"the rod lies there",
     LOST("{height: {of: rod, below: 1}}"),
     {0},
     0,
     LOOM_OUTCOME_LOST,
     1,
     0,
     "height of rod",
     0,
     0.05,
     LOOM_COND_HEIGHT},
    // Nobody's, when both arms are named.
    {"both arms",
     LOST("{distance: {from: {eef: 0}, to: {eef: 1}, above: 0.1}}"),
     {0},
     0,
     LOOM_OUTCOME_LOST,
     -1,
     -1,
     "",
     0.1,
     1,
     LOOM_COND_DISTANCE},

    // Limits.
    {"arm 0 too fast",
     {{top, "max_steps: 200\nlimits: {joint_speed: 50}\n"}},
     {0},
     1,
     LOOM_OUTCOME_ROUGH,
     0,
     0,
     "speed of ",
     50,
     1e9,
     LOOM_COND_ALL},
    {"arm 1 too fast",
     {{top, "max_steps: 200\nlimits: {joint_speed: 50}\n"}},
     {0},
     2,
     LOOM_OUTCOME_ROUGH,
     1,
     0,
     "speed of ",
     50,
     1e9,
     LOOM_COND_ALL},
    {"the box sinks in",
     {{top, "max_steps: 200\nlimits: {penetration: 0.002}\n"}},
     {"type=\"box\" size=\"0.02 0.02 0.02\" density=\"400\"",
      "type=\"box\" size=\"0.02 0.02 0.02\" density=\"400\" solref=\"0.2 1\" priority=\"1\""},
     0,
     LOOM_OUTCOME_ROUGH,
     0,
     0,
     "contact of ",
     0.002,
     0.1,
     LOOM_COND_ALL},
    {"the rod sinks in",
     {{top, "max_steps: 200\nlimits: {penetration: 0.002}\n"}},
     {"size=\"0.015 0.06\" density=\"300\"",
      "size=\"0.015 0.06\" density=\"300\" solref=\"0.2 1\" priority=\"1\""},
     0,
     LOOM_OUTCOME_ROUGH,
     1,
     0,
     "contact of ",
     0.002,
     0.1,
     LOOM_COND_ALL},

    // An arm that cannot get down.
    {"arm 0 stuck",
     {STUCK},
     {"name=\"z0\" type=\"slide\" axis=\"0 0 1\" range=\"-0.45 0.3\"",
      "name=\"z0\" type=\"slide\" axis=\"0 0 1\" range=\"-0.15 0.3\""},
     0,
     LOOM_OUTCOME_STUCK,
     0,
     0,
     "arm 0 stands away from its target, joint 3 at its limit",
     0.03,
     0.5,
     LOOM_COND_ALL},
    {"arm 1 stuck",
     {STUCK},
     {"name=\"z1\" type=\"slide\" axis=\"0 0 1\" range=\"-0.45 0.3\"",
      "name=\"z1\" type=\"slide\" axis=\"0 0 1\" range=\"-0.15 0.3\""},
     0,
     LOOM_OUTCOME_STUCK,
     1,
     0,
     "arm 1 stands away from its target, joint 3 at its limit",
     0.03,
     0.5,
     LOOM_COND_ALL},

    // Success that does not come: the arm with what it waits for, whose subtasks have run or not.
    {"box not high at the end",
     {{box_height, "    - height: {of: box, above: 5}\n"}},
     {0},
     0,
     LOOM_OUTCOME_UNFINISHED,
     0,
     -1,
     "height of box",
     0,
     1,
     LOOM_COND_HEIGHT},
    {"rod not high at the end",
     {{rod_height, "    - height: {of: rod, above: 5}\n"}},
     {0},
     0,
     LOOM_OUTCOME_UNFINISHED,
     1,
     -1,
     "height of rod",
     0,
     1,
     LOOM_COND_HEIGHT},
    {"box not high in time",
     {{top, "max_steps: 60\n"}},
     {0},
     0,
     LOOM_OUTCOME_TIMEOUT,
     0,
     0,
     "height of box",
     0,
     0.1,
     LOOM_COND_HEIGHT},
    {"rod not high in time",
     {{top, "max_steps: 60\n"}, {box_height, ""}},
     {0},
     0,
     LOOM_OUTCOME_TIMEOUT,
     1,
     0,
     "height of rod",
     0,
     0.1,
     LOOM_COND_HEIGHT},
};

static void check(const failureCase* c, const loomTask* task, const loomEpisode* e,
                  const loomAttemptResult* r) {
  if (r->outcome != c->outcome || r->arm != c->arm || r->subtask != c->subtask)
    fail_msg("%s: %s of arm %d, subtask %d (%s); wanted %s of arm %d, subtask %d", c->name,
             loom_outcome_name(r->outcome), r->arm, r->subtask, r->reason, loom_outcome_name(c->outcome),
             c->arm, c->subtask);

  if (r->value < c->least || r->value > c->most)
    fail_msg("%s: %g was measured (%s)", c->name, r->value, r->reason);
  if (!strstr(r->subject, c->subject) || !r->subject[0] || !r->reason[0])
    fail_msg("%s: failed by '%s', wanted '%s'", c->name, r->subject, c->subject);

  // What decided: a condition, or a part of the model.
  if (c->kind != LOOM_COND_ALL) {
    assert_in_range(r->condition, 0, task->condition_count - 1);
    if (task->conditions[r->condition].kind != c->kind) fail_msg("%s: another kind decided", c->name);
    assert_true(r->part[0] == -1 && r->part[1] == -1);
    return;
  }

  assert_int_equal(r->condition, -1);
  if (c->outcome == LOOM_OUTCOME_STUCK) {
    assert_int_equal(r->part[0], e->m->dof_jntid[e->arms[c->arm].dof[2]]);
  } else if (c->slow_arm) {
    const char* joint = mj_id2name(e->m, mjOBJ_JOINT, r->part[0]);
    assert_non_null(strstr(r->subject, joint));
    assert_int_equal(joint[strlen(joint) - 1], c->arm ? '1' : '0');
  } else {
    const char* geoms[] = {mj_id2name(e->m, mjOBJ_GEOM, r->part[0]),
                           mj_id2name(e->m, mjOBJ_GEOM, r->part[1])};
    for (int i = 0; i < 2; i++) assert_non_null(strstr(r->subject, geoms[i]));
  }
}

static void run(own* o, const failureCase* c) {
  loomError err = {0, ""};
  loomAssetRoots roots = {0};
  loomTask* task;
  loomScene* scene;
  loomEpisode* e;
  loomTrace trace;
  loomAttemptResult r;

  // The task and its scene, changed.
  char *yaml = read_text("tests/own/task.yaml"), *xml = read_text("tests/own/scene.xml");
  for (int i = 0; i < 2; i++) yaml = replace(yaml, c->task[i].from, c->task[i].to);
  // Long enough that a subtask ends before success ends the attempt.
  if (c->outcome == LOOM_OUTCOME_UNMET) yaml = replace(yaml, "success_hold: 5", "success_hold: 100");
  xml = replace(xml, c->scene.from, c->scene.to);
  if (loom_task_parse(&task, yaml, strlen(yaml), "tests/own/task.yaml", "tests/own/robots", &err))
    fail_msg("%s: %s", c->name, err.message);
  for (int i = 0; c->slow_arm && i < 6; i++) task->robots[c->slow_arm - 1].arm.velocity_limit[i] = 1e-3;
  must(loom_scene_create(&scene, task, xml, "own", NULL, &roots, &err), &err);
  must(loom_episode_create(&e, scene, &err), &err);
  must(loom_trace_create(&trace, e, task->max_steps, &err), &err);

  // Attempt 1 succeeds where nothing is changed (most_attempts_succeed). What physics says is asked for, not
  // what could be known before.
  loomAttemptDef def = loom_default_attempt_def();
  def.no_preview = true;
  must(loom_attempt_run(&r, &trace, e, &o->sources, NULL, &def, 1, &err), &err);
  check(c, task, e, &r);

  loom_trace_destroy(&trace);
  loom_episode_destroy(e);
  loom_scene_destroy(scene);
  loom_task_destroy(task);
  free(yaml);
  free(xml);
}

static void each_failure_names_its_arm(void** state) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) run(*state, &cases[i]);
}

static void success_blames_nobody(void** state) {
  own* o = *state;
  loomError err = {0, ""};
  loomAttemptDef def = loom_default_attempt_def();
  loomAttemptResult r;
  must(loom_attempt_run(&r, &o->trace, o->e, &o->sources, NULL, &def, 1, &err), &err);

  assert_int_equal(r.outcome, LOOM_OUTCOME_SUCCESS);
  assert_true(r.arm == -1 && r.subtask == -1 && r.condition == -1 && r.part[0] == -1 && r.part[1] == -1);
  assert_true(!r.subject[0] && !r.reason[0]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_failure_names_its_arm),
      cmocka_unit_test(success_blames_nobody),
  };
  return cmocka_run_group_tests(tests, open_own, close_own);
}
