// Attempts on a task of one's own (tests/own), from source demos its scripted expert records here: order and
// coordination of the arms, selection, noise, and that control steps neither allocate nor lock.
#include "tests/own_fixture.h"

#include <math.h>

#include "generators/attempt/select.h"
#include "generators/run/generate.h"
#include "generators/source/segment.h"

#if !defined(__SANITIZE_ADDRESS__)
// Every allocation of the process passes here, MuJoCo's included; counted while `counting`.
extern void* __libc_malloc(size_t n);
extern void* __libc_calloc(size_t n, size_t size);
extern void* __libc_realloc(void* p, size_t n);
static _Thread_local int counting, counted;

void* malloc(size_t n) {
  counted += counting;
  return __libc_malloc(n);
}
void* calloc(size_t n, size_t size) {
  counted += counting;
  return __libc_calloc(n, size);
}
void* realloc(void* p, size_t n) {
  counted += counting;
  return __libc_realloc(p, n);
}
#endif

static loomAttemptResult attempt(own* o, const loomAttemptDef* def, uint64_t number) {
  loomAttemptResult r;
  loomError err = {0, ""};
  must(loom_attempt_run(&r, &o->trace, o->e, &o->sources, NULL, def, number, &err), &err);
  return r;
}

static void most_attempts_succeed(void** state) {
  own* o = *state;
  loomAttemptDef def = loom_default_attempt_def();

  // Three in four at least.
  int wins = 0;
  for (uint64_t i = 0; i < 12; i++) wins += attempt(o, &def, i).outcome == LOOM_OUTCOME_SUCCESS;
  assert_true(wins >= 9);
}

// Beyond a limit of the task an attempt is lost, and says what went beyond; within, nothing changes.
static void limits_end_attempts(void** state) {
  own* o = *state;
  loomAttemptDef def = loom_default_attempt_def();

  // Without limits, and within generous ones.
  loomAttemptResult free_run = attempt(o, &def, 1);
  o->task->limit_penetration = 1;
  o->task->limit_joint_speed = 100;
  loomAttemptResult within = attempt(o, &def, 1);
  assert_int_equal(within.outcome, free_run.outcome);
  assert_int_equal(within.steps, free_run.steps);

  // A joint that moves at all is too fast; looking ahead would have told.
  o->task->limit_joint_speed = 0.01;
  def.no_preview = true;
  loomAttemptResult fast = attempt(o, &def, 1);
  assert_int_equal(fast.outcome, LOOM_OUTCOME_ROUGH);
  assert_non_null(strstr(fast.reason, "speed of "));

  // Contact at all is too deep.
  o->task->limit_joint_speed = 0;
  o->task->limit_penetration = 1e-9;
  loomAttemptResult deep = attempt(o, &def, 1);
  assert_int_equal(deep.outcome, LOOM_OUTCOME_ROUGH);
  assert_non_null(strstr(deep.reason, "contact of "));
  assert_true(deep.steps < free_run.steps);
}

// A limit a little under what an attempt needs ends it, and does not where arms brake before it.
static void brakes_keep_to_limits(void** state) {
  own* o = *state;
  loomAttemptDef def = loom_default_attempt_def();
  def.no_preview = true;  // a lead-in that is too fast would be slowed down before it began

  // The highest of these limits that is too low.
  double limit = 8;
  o->task->limit_joint_speed = limit;
  while (attempt(o, &def, 1).outcome != LOOM_OUTCOME_ROUGH) o->task->limit_joint_speed = limit *= 0.9;

  o->task->brake = 0.6;
  loomAttemptResult slow = attempt(o, &def, 1);
  o->task->brake = 0;
  assert_int_equal(slow.outcome, LOOM_OUTCOME_SUCCESS);
}

// A hand that lets go of what it grasps opens and grasps again where its subtask says so, and what it missed
// by is in its demo.
static void a_missed_grasp_is_tried_again(void** state) {
  own* o = *state;
  loomError err = {0, ""};
  const loomDisturbSet* slip;
  char path[] = "/tmp/loom_attempt_XXXXXX";
  const char* yaml = "slip: {of: 0, range: 0, at: 3.6, for: 0.8}\n";
  int fd = mkstemp(path);
  assert_true(fd >= 0 && write(fd, yaml, strlen(yaml)) > 0 && !close(fd));
  must(loom_disturb_find(&slip, o->task, path, &err), &err);
  unlink(path);

  // The box is to be up when arm 0 has run its segment.
  loomSubtaskDef* lift = &o->task->subtasks[0][0];
  loomAttemptDef def = loom_default_attempt_def();
  def.disturb = slip;
  lift->expect = o->task->conditions[o->task->success].first_child;
  static const struct {
    int retries;
    loomOutcome outcome;
  } cases[] = {{0, LOOM_OUTCOME_UNMET}, {1, LOOM_OUTCOME_SUCCESS}, {3, LOOM_OUTCOME_SUCCESS}};

  int steps[3];
  for (int i = 0; i < 3; i++) {
    lift->retries = cases[i].retries;
    loomAttemptResult r = attempt(o, &def, 1);
    assert_int_equal(r.outcome, cases[i].outcome);
    steps[i] = r.steps;

    // Closed, open and closed again.
    int turns = 0;
    for (int row = 1; row < o->trace.rows; row++)
      turns += (o->trace.grip[2 * row] > 0) != (o->trace.grip[2 * row - 2] > 0);
    assert_int_equal(turns, i ? 3 : 1);
  }
  assert_true(steps[1] > steps[0] && steps[2] == steps[1]);
  lift->expect = -1;
  lift->retries = 0;
}

// Each arm's one subtask cut into three at the same rows of every source, with these rules between them, for
// one test.
static void cut(own* o, const loomRule* rules, int rule_count) {
  // Three subtasks an arm.
  for (int a = 0; a < 2; a++) {
    o->task->subtask_count[a] = 3;
    o->task->subtasks[a][1] = o->task->subtasks[a][2] = o->task->subtasks[a][0];
  }

  // Rows differ from source to source.
  for (int i = 0; i < o->sources.n; i++) {
    loomReplay* r = &o->sources.replay[i];
    for (int a = 0; a < 2; a++) {
      r->end[a][0] = 20 + i;
      r->end[a][1] = 40 + 2 * i;
      r->end[a][2] = r->rows;
    }
  }

  // And the rules between them.
  o->task->rule_count = rule_count;
  if (rule_count) memcpy(o->task->rules, rules, sizeof *rules * (size_t)rule_count);
}

static loomSubtaskDef kept[2];  // the task's own

static int keep_task(void** state) {
  const own* o = *state;
  for (int a = 0; a < 2; a++) kept[a] = o->task->subtasks[a][0];
  return 0;
}

static int restore_task(void** state) {
  own* o = *state;

  // No rules, no limits, one whole subtask an arm.
  o->task->rule_count = 0;
  o->task->limit_penetration = o->task->limit_joint_speed = 0;
  for (int a = 0; a < 2; a++) {
    o->task->subtask_count[a] = 1;
    o->task->subtasks[a][0] = kept[a];
    for (int i = 0; i < o->sources.n; i++) o->sources.replay[i].end[a][0] = o->sources.replay[i].rows;
  }
  return 0;
}

static loomPose target(const own* o, int a, int row) {
  const double* m = o->trace.target + 16 * (row * 2 + a);

  double mat[9] = {m[0], m[1], m[2], m[4], m[5], m[6], m[8], m[9], m[10]}, pos[3] = {m[3], m[7], m[11]};
  return loom_pose_from_mat(pos, mat);
}

static bool near(loomPose x, loomPose y) {
  return loom_pose_distance(x, y) < 1e-9 && loom_quat_angle(x.quat, y.quat) < 1e-6;
}

// The control step in which a subtask had ended.
static int ended(const own* o, int a, int k) {
  int row = 0;

  while (row < o->trace.rows && o->trace.subtask[row * 2 + a] <= k) row++;
  if (row == o->trace.rows) fail_msg("subtask %d of arm %d has not ended", k, a);
  return row;
}

// A subtask's rows of the source, and its control steps before them; its end is not shifted.
static int length(const own* o, const loomAttemptResult* r, int a, int k) {
  const loomReplay* source = &o->sources.replay[r->source[a][k]];
  return source->end[a][k] - loom_segment_start(source, a, k);
}
static int lead_in(const own* o, const loomAttemptResult* r, int a, int k) {
  return ended(o, a, k) - r->begin[a][k] - length(o, r, a, k);
}

// The rigid motion from a source's target to the attempt's, n rows into a segment.
static loomPose motion(const own* o, const loomAttemptResult* r, int a, int k, int lead, int n) {
  const loomReplay* source = &o->sources.replay[r->source[a][k]];

  loomPose then = source->target[a][loom_segment_start(source, a, k) + n];
  return loom_pose_mul(target(o, a, r->begin[a][k] + lead + n), loom_pose_inverse(then));
}

// The motion of the arm's object since the source, as it was when the subtask began.
static loomPose object_motion(const own* o, const loomAttemptResult* r, int a, int k) {
  const double* m = o->trace.object + 16 * ((size_t)a * (size_t)o->trace.capacity + (size_t)r->begin[a][k]);
  double mat[9] = {m[0], m[1], m[2], m[4], m[5], m[6], m[8], m[9], m[10]}, pos[3] = {m[3], m[7], m[11]};

  const loomReplay* source = &o->sources.replay[r->source[a][k]];
  loomPose then = source->object[a][loom_segment_start(source, a, k)];
  return loom_pose_mul(loom_pose_from_mat(pos, mat), loom_pose_inverse(then));
}

static loomRule sequential(int arm_a, int a, int arm_b, int b, int lead) {
  return (loomRule){.kind = LOOM_RULE_SEQUENTIAL,
                    .arm_a = arm_a,
                    .subtask_a = a,
                    .arm_b = arm_b,
                    .subtask_b = b,
                    .lead = lead};
}
static loomRule coordinated(int arm_a, int a, int arm_b, int b, loomScheme scheme) {
  return (loomRule){.kind = LOOM_RULE_COORDINATED,
                    .arm_a = arm_a,
                    .subtask_a = a,
                    .arm_b = arm_b,
                    .subtask_b = b,
                    .scheme = scheme};
}

static void sequences_are_kept(void** state) {
  own* o = *state;
  loomAttemptDef def = loom_default_attempt_def();
  loomRule rules[] = {sequential(0, 1, 1, 0, 7), sequential(0, 0, 1, 0, 100), sequential(1, 0, 0, 2, 0)};

  cut(o, rules, 3);
  loomAttemptResult r = attempt(o, &def, 3);

  // Arm 0's first begins at once, its second when the first has ended.
  assert_int_equal(r.begin[0][0], o->task->settle_steps);
  assert_int_equal(r.begin[0][1], ended(o, 0, 0));

  // Several constraints on one subtask: all are kept, to the step.
  int first = ended(o, 0, 1) + 7, second = ended(o, 0, 0) + 100;
  assert_int_equal(r.begin[1][0], first > second ? first : second);
  assert_int_equal(r.begin[0][2], ended(o, 1, 0));
  for (int row = ended(o, 0, 1); row < r.begin[0][2]; row++)  // and who waits, stays
    assert_true(near(target(o, 0, row), target(o, 0, row - 1)));

  // Asked to ignore order, nobody waits.
  def.no_ordering = true;
  r = attempt(o, &def, 3);
  assert_int_equal(r.begin[1][0], o->task->settle_steps);
  assert_int_equal(r.begin[0][2], ended(o, 0, 1));
}

// Arm 1 takes longer to get there, and has a longer way: its partner waits, then both go as long.
static void coordinated_subtasks_start_and_end_together(void** state) {
  own* o = *state;
  loomAttemptDef def = loom_default_attempt_def();
  for (int i = 0; i < 6; i++) {
    // Who leads and by which scheme changes from round to round.
    loomRule rules[] = {coordinated(i % 2, 1, 1 - i % 2, 1, (loomScheme)(i / 2)), sequential(1, 1, 0, 2, 3)};
    cut(o, rules, 2);

    // The way of arm 1 to it begins later and takes longer.
    o->task->subtasks[1][0].offset[0] = o->task->subtasks[1][0].offset[1] = 9;
    o->task->subtasks[1][1].interpolate_steps = 12;
    o->task->subtasks[1][1].hold_steps = 2;

    // Lengths that differ by up to eight rows, from the same source.
    for (int a = 0; a < 2; a++) {
      o->task->subtasks[a][1].offset[0] = -8;
      o->task->subtasks[a][1].offset[1] = 8;
      o->task->subtasks[a][1].select = (loomSelectDef){LOOM_SELECT_RANDOM, LOOM_SHARE_SUBTASK, 1, 0, 0, 0, 0};
    }

    // Once without order, which coordination does not need.
    def.no_ordering = i == 5;
    loomAttemptResult r = attempt(o, &def, (uint64_t)i);

    // Together from the first step to the last, on the same source.
    assert_true(r.begin[1][1] > r.begin[1][0]);
    assert_int_equal(r.begin[0][1], r.begin[1][1]);
    assert_int_equal(r.begin[1][1], ended(o, 1, 0));
    assert_true(ended(o, 0, 0) < ended(o, 1, 0) || r.source[0][0] != r.source[1][0]);
    assert_int_equal(ended(o, 0, 1), ended(o, 1, 1));
    assert_int_equal(r.source[0][1], r.source[1][1]);

    // What follows waits as its rule says.
    assert_int_equal(r.begin[0][2] - ended(o, 1, 1), def.no_ordering ? 0 : 3);
    assert_int_equal(r.begin[1][2], ended(o, 1, 1));

    // Neither stood still at its end while the other went on.
    for (int a = 0; a < 2; a++) {
      const loomReplay* source = &o->sources.replay[r.source[a][1]];
      int rows = ended(o, a, 1) - r.begin[a][1] - 14, row = ended(o, a, 1) - 1;
      assert_in_range(rows, length(o, &r, a, 1) - 8, length(o, &r, a, 1) + 8);
      assert_true(near(motion(o, &r, a, 1, 14, rows - 1), motion(o, &r, a, 1, 14, 0)));
      assert_true(o->trace.grip[row * 2 + a] == source->grip[a][loom_segment_start(source, a, 1) + rows - 1]);
    }
  }
}

// Where one has further to go all the same, the other stays at its last target until then.
static void who_is_done_first_waits(void** state) {
  own* o = *state;
  loomAttemptDef def = loom_default_attempt_def();

  loomRule rule = coordinated(0, 1, 1, 1, LOOM_SCHEME_REPLAY);
  cut(o, &rule, 1);

  // Arm 1's segment is four rows longer.
  for (int i = 0; i < o->sources.n; i++) o->sources.replay[i].end[1][1] += 4;
  loomAttemptResult r = attempt(o, &def, 2);
  int end = ended(o, 1, 1);
  assert_int_equal(ended(o, 0, 1), end);
  assert_int_equal(r.begin[0][2], end);
  assert_int_equal(r.begin[1][2], end);

  // Arm 0 moved until then, and no longer.
  for (int row = end - 4; row < end; row++) assert_true(near(target(o, 0, row), target(o, 0, end - 5)));
  assert_true(!near(target(o, 0, end - 6), target(o, 0, end - 5)));
}

static void schemes_move_as_they_say(void** state) {
  own* o = *state;
  loomAttemptDef def = loom_default_attempt_def();
  const double home[4] = {1, 0, 0, 0};
  for (int i = 0; i < 9; i++) {
    // A scheme in three rounds, led by one arm and by the other.
    int leader = i % 2;
    loomScheme scheme = (loomScheme)(i / 3);
    loomRule rule = coordinated(leader, 1, 1 - leader, 1, scheme);
    cut(o, &rule, 1);

    // In step.
    loomAttemptResult r = attempt(o, &def, (uint64_t)i);
    int lead = lead_in(o, &r, 0, 1);
    assert_int_equal(lead, o->task->subtasks[0][1].interpolate_steps);

    // How far each object has moved since its source was recorded.
    loomPose led = object_motion(o, &r, leader, 1), followed = object_motion(o, &r, 1 - leader, 1);
    for (int n = 0; n < length(o, &r, 0, 1); n += 3) {
      loomPose first = motion(o, &r, leader, 1, lead, n), second = motion(o, &r, 1 - leader, 1, lead, n);
      if (scheme == LOOM_SCHEME_REPLAY) {  // each its own, in step
        assert_true(near(first, led) && near(second, followed) && !near(first, second));
        continue;
      }

      // Otherwise both move as one.
      assert_true(near(first, second));

      // As the leader's object did, or only shifted by that.
      if (scheme == LOOM_SCHEME_TRANSFORM) {
        assert_true(near(first, led));
      } else {
        const loomReplay* source = &o->sources.replay[r.source[0][1]];
        loomPose then = source->object[leader][loom_segment_start(source, leader, 1)];
        loomPose moved = loom_pose_mul(led, then);

        assert_true(loom_quat_angle(first.quat, home) < 1e-6);
        for (int c = 0; c < 3; c++) assert_true(fabs(first.pos[c] - (moved.pos[c] - then.pos[c])) < 1e-9);
      }
    }
  }
}

// The way to the first target of a coordinated subtask keeps its speed limit, though the partner says where
// it goes.
static void coordinated_ways_keep_their_speed(void** state) {
  own* o = *state;
  loomAttemptDef def = loom_default_attempt_def();
  loomRule rule = coordinated(0, 1, 1, 1, LOOM_SCHEME_TRANSFORM);

  // 0.1 m/s alone decides how long arm 1's way takes.
  cut(o, &rule, 1);
  o->task->subtasks[0][1].interpolate_steps = 0;
  o->task->subtasks[1][1].interpolate_steps = 0;
  o->task->subtasks[1][1].speed_linear = 0.1;

  // No step is faster.
  for (uint64_t i = 0; i < 4; i++) {
    loomAttemptResult r = attempt(o, &def, i);
    int begin = r.begin[1][1], lead = lead_in(o, &r, 1, 1);
    assert_true(lead > 1);

    // Each of its steps keeps to that.
    for (int row = begin + 1; row < begin + lead; row++)
      assert_true(loom_pose_distance(target(o, 1, row), target(o, 1, row - 1)) * o->task->control_freq <
                  0.1001);
  }
}

static void ways_begin_where_they_are_told(void** state) {
  own* o = *state;
  loomAttemptDef def = loom_default_attempt_def();
  for (int i = 0; i < 2; i++) {
    // From the hand's pose, then from its last target.
    cut(o, NULL, 0);
    o->task->subtasks[0][1].from_target = i == 1;
    o->task->subtasks[0][1].interpolate_steps = 10;
    o->task->subtasks[0][1].hold_steps = 4;

    // The way's ten steps.
    loomAttemptResult r = attempt(o, &def, 6);
    int row = r.begin[0][1];

    // From where the hand is, or was meant to be.
    const double* m = o->trace.eef + 16 * (row * 2);
    double mat[9] = {m[0], m[1], m[2], m[4], m[5], m[6], m[8], m[9], m[10]}, pos[3] = {m[3], m[7], m[11]};
    loomPose from = i ? target(o, 0, row - 1) : loom_pose_from_mat(pos, mat), to = target(o, 0, row + 9);

    // In ten equal parts.
    for (int k = 0; k < 10; k++)
      assert_true(near(target(o, 0, row + k), loom_pose_interpolate(from, to, (k + 1) / 10.0)));
    for (int k = 10; k < 15; k++)
      assert_true(near(target(o, 0, row + k), to));  // held, then row 0 of the segment
    assert_true(!near(target(o, 0, row + 15), to));

    assert_int_equal(lead_in(o, &r, 0, 1), 14);
  }
}

// A box looks the same on each face, and one source was recorded with it on another: whichever sources follow
// each other, the motion is never tilted over.
static void equivalent_poses_belong_to_a_source(void** state) {
  own* o = *state;
  loomAttemptDef def = loom_default_attempt_def();
  loomObjectDef* box = &o->task->objects[0];
  loomReplay* rolled = &o->sources.replay[1];
  loomPose *upright = rolled->object[0], *turned = malloc(sizeof *turned * (size_t)rolled->rows);
  assert_non_null(turned);

  // A quarter turn about x, four times.
  box->symmetry_count = 1;
  box->symmetries[0] = (loomSymmetry){{1, 0, 0}, 4};
  for (int t = 0; t < rolled->rows; t++) turned[t] = loom_pose_mul(upright[t], loom_symmetry(box, 1));
  rolled->object[0] = turned;

  cut(o, NULL, 0);
  int changes = 0;

  // Sources drawn anew for each subtask.
  for (int k = 0; k < 3; k++) {
    loomSubtaskDef* s = &o->task->subtasks[0][k];
    s->symmetric = true;
    s->select = (loomSelectDef){LOOM_SELECT_RANDOM, LOOM_SHARE_SUBTASK, 1, 0, 0, 0, 0};
  }

  // The motion stays level.
  for (uint64_t i = 0; i < 10; i++) {
    loomAttemptResult r = attempt(o, &def, i);
    for (int k = 0; k < 2; k++) {
      changes += k && (r.source[0][0] == 1) != (r.source[0][1] == 1);
      int lead = lead_in(o, &r, 0, k);
      assert_true(loom_transform_tilt(motion(o, &r, 0, k, lead, 3)) < 0.3);
    }
  }

  // There were changes, or the test says nothing.
  assert_true(changes > 2);
  box->symmetry_count = 0;
  rolled->object[0] = upright;
  free(turned);
}

// An attempt's targets of one arm, actions and gripper commands, to compare another one with.
typedef struct copy {
  int rows;
  loomPose* target;
  double *action, *grip;
} copy;

static copy copy_trace(const own* o, int a) {
  size_t n = (size_t)o->trace.rows, bytes = sizeof(double) * n * (size_t)o->trace.action_dim;
  copy c = {o->trace.rows, malloc(sizeof *c.target * n), malloc(bytes), malloc(sizeof(double) * 2 * n)};
  assert_true(c.target && c.action && c.grip);

  for (int t = 0; t < c.rows; t++) c.target[t] = target(o, a, t);
  memcpy(c.action, o->trace.actions, bytes);
  memcpy(c.grip, o->trace.grip, sizeof(double) * 2 * n);
  return c;
}

static void free_copy(copy* c) {
  free(c->target);
  free(c->action);
  free(c->grip);
}

// Position and rotation noise: one draw a segment, in the hand's frame; the gripper is left alone.
static void noise_moves_whole_segments(void** state) {
  own* o = *state;
  loomAttemptDef def = loom_default_attempt_def();
  loomSubtaskDef* s = &o->task->subtasks[0][0];
  double square[2] = {0, 0}, home[4] = {1, 0, 0, 0};
  enum { tries = 8 };

  // Position noise first, then rotation noise.
  for (int kind = 0; kind < 2; kind++) {
    // Without and with noise, all else alike.
    for (uint64_t i = 0; i < tries; i++) {
      s->noise_position = s->noise_rotation = 0;
      loomAttemptResult r = attempt(o, &def, i);
      int from = r.begin[0][0] + s->interpolate_steps;
      copy quiet = copy_trace(o, 0);

      // The same attempt with noise of one kind.
      *(kind ? &s->noise_rotation : &s->noise_position) = 0.01;
      attempt(o, &def, i);
      int rows = quiet.rows < o->trace.rows ? quiet.rows : o->trace.rows;

      // The same shift in the hand's frame at each row.
      loomPose shift = loom_pose_mul(loom_pose_inverse(quiet.target[from]), target(o, 0, from));
      for (int t = from; t < rows; t++) {
        assert_true(near(loom_pose_mul(quiet.target[t], shift), target(o, 0, t)));
        assert_true(o->trace.grip[2 * t] == quiet.grip[2 * t]);
      }

      // Its size, m or rad, and nothing of the other kind.
      double turn = loom_quat_angle(shift.quat, home);
      double size =
          sqrt(shift.pos[0] * shift.pos[0] + shift.pos[1] * shift.pos[1] + shift.pos[2] * shift.pos[2]);
      assert_true((kind ? turn : size) > 1e-5 && (kind ? size : turn) < 1e-6);

      square[kind] += kind ? turn * turn : size * size;
      free_copy(&quiet);
    }

    // Three components of standard deviation 0.01 each: chi-squared with 24 degrees of freedom, 0.1 to 99.9
    // %.
    double sum = square[kind] / (0.01 * 0.01);
    assert_true(sum > 8 && sum < 52);
  }
}

// Action noise is drawn each step, on the way to the segment only where asked; never on the gripper.
static void noise_on_actions(void** state) {
  own* o = *state;
  loomAttemptDef def = loom_default_attempt_def();
  loomSubtaskDef* s = &o->task->subtasks[0][0];
  loomAttemptResult r = attempt(o, &def, 5);

  // Without noise.
  int dim = o->trace.action_dim, first = r.begin[0][0], from = first + s->interpolate_steps;
  copy quiet = copy_trace(o, 0);

  // Off, then on while the hand is on its way.
  for (int on = 0; on < 2; on++) {
    s->noise_action = 0.2;
    s->noise_on_interpolation = on;
    attempt(o, &def, 5);

    // Nothing before the subtask begins; its first action only when on.
    for (int t = 0; t < first + on; t++)
      assert_true(t == first ? o->trace.actions[t * dim] != quiet.action[t * dim]
                             : o->trace.actions[t * dim] == quiet.action[t * dim]);

    // Nothing on the way when off.
    for (int t = first; !on && t < from; t++)
      assert_memory_equal(o->trace.actions + t * dim, quiet.action + t * dim, sizeof(double) * (size_t)dim);

    // Then each entry of the segment's first action.
    for (int i = 0; !on && i < 6; i++)
      assert_true(o->trace.actions[from * dim + i] != quiet.action[from * dim + i]);

    // The other arm's first rows, where nothing has met yet.
    assert_memory_equal(o->trace.actions + from * dim + 7, quiet.action + from * dim + 7, sizeof(double) * 7);

    // The gripper as it was, and no action beyond its range.
    for (int t = first; t < o->trace.rows && t < quiet.rows; t++) {
      assert_true(o->trace.actions[t * dim + 6] == quiet.action[t * dim + 6]);
      for (int i = 0; i < 6; i++) assert_true(fabs(o->trace.actions[t * dim + i]) <= 1);
    }
  }
  free_copy(&quiet);
}

// What an arm that drifts does differs, what it was to do is recorded as it was.
static void drift_is_not_in_the_targets(void** state) {
  own* o = *state;
  loomAttemptDef def = loom_default_attempt_def();
  loomSubtaskDef* s = &o->task->subtasks[0][0];
  loomAttemptResult r = attempt(o, &def, 5);
  int first = r.begin[0][0], arms = o->e->arm_count, ends = first + s->interpolate_steps;
  size_t bytes = sizeof(double) * 16 * (size_t)(arms * ends);
  double* target = malloc(bytes);
  memcpy(target, o->trace.target, bytes);
  copy quiet = copy_trace(o, 0);

  // On the way to its segment targets hang on where the arm was when it began, and on nothing later.
  s->noise_drift = 0.3;
  attempt(o, &def, 5);
  assert_memory_equal(o->trace.target, target, bytes);
  int dim = o->trace.action_dim, differ = 0;
  for (int t = first; t < ends; t++) differ += o->trace.actions[t * dim] != quiet.action[t * dim];
  assert_true(differ > (ends - first) / 2);

  free(target);
  free_copy(&quiet);
}

// --noise 0 is the task without noise, to the bit, whatever else is drawn.
static void noise_zero_is_none(void** state) {
  own* o = *state;
  loomAttemptDef def = loom_default_attempt_def();
  cut(o, NULL, 0);

  // With shifted ends, which draw too.
  for (int k = 0; k < 3; k++) {
    o->task->subtasks[0][k].offset[0] = -5;
    o->task->subtasks[0][k].offset[1] = 5;
  }

  // As it is without noise.
  attempt(o, &def, 5);
  copy quiet = copy_trace(o, 0);
  size_t bytes = sizeof(double) * (size_t)(quiet.rows * o->trace.action_dim);

  // Noise of every kind, scaled to nothing.
  for (int k = 0; k < 3; k++) {
    loomSubtaskDef* s = &o->task->subtasks[0][k];
    s->noise_position = s->noise_rotation = s->noise_action = s->noise_drift = 0.01;
    s->noise_on_interpolation = true;
  }
  def.noise_scale = 0;
  attempt(o, &def, 5);
  assert_int_equal(o->trace.rows, quiet.rows);
  assert_memory_equal(o->trace.actions, quiet.action, bytes);

  // And the same noise, not scaled.
  def.noise_scale = 1;
  attempt(o, &def, 5);
  assert_true(o->trace.rows != quiet.rows || memcmp(o->trace.actions, quiet.action, bytes));
  free_copy(&quiet);
}

// The targets of a segment that stands off are the same, drawn back along the hand's own z axis.
static void a_hand_stands_off(void** state) {
  own* o = *state;
  loomAttemptDef def = loom_default_attempt_def();
  cut(o, NULL, 0);
  loomSubtaskDef* s = &o->task->subtasks[0][0];
  s->interpolate_steps = 5;
  s->speed_linear = s->speed_angular = 0;

  // The first row of the segment itself, with and without.
  loomPose target[2];
  for (int i = 0; i < 2; i++) {
    s->standoff = i ? 0.005 : 0;
    loomAttemptResult r = attempt(o, &def, 5);
    size_t row = (size_t)(r.begin[0][0] + s->interpolate_steps + s->hold_steps) * 2;
    target[i] = loom_pose_from_matrix(o->trace.target + 16 * row);
  }
  s->standoff = 0;

  loomPose back = loom_pose_mul(loom_pose_inverse(target[0]), target[1]);
  assert_true(fabs(back.pos[0]) < 1e-9 && fabs(back.pos[1]) < 1e-9 && fabs(back.pos[2] + 0.005) < 1e-9);
  assert_true(loom_quat_angle(target[0].quat, target[1].quat) < 1e-6);
}

static void ends_are_shifted_within_range(void** state) {
  own* o = *state;
  loomAttemptDef def = loom_default_attempt_def();
  cut(o, NULL, 0);

  loomSubtaskDef* s = &o->task->subtasks[0][0];
  s->offset[0] = -4;
  s->offset[1] = 6;
  int seen[11] = {0}, kinds = 0, n = getenv("LOOM_QUICK") ? 12 : 40;

  // Each shift within range, and most of them seen.
  for (int i = 0; i < n; i++) {
    loomAttemptResult r = attempt(o, &def, (uint64_t)i);
    int shift = ended(o, 0, 0) - r.begin[0][0] - s->interpolate_steps - length(o, &r, 0, 0);
    assert_true(shift >= -4 && shift <= 6);
    kinds += !seen[shift + 4]++;
  }

  // Nearly all of the eleven shifts were seen.
  assert_true(kinds >= (n == 40 ? 8 : 4));

  // Far beyond any demo the segment stays inside it: one row at least, the last at most.
  for (int i = 0; i < 2; i++) {
    s->offset[0] = s->offset[1] = i ? 10000 : -10000;
    loomAttemptResult r = attempt(o, &def, 1);
    const loomReplay* source = &o->sources.replay[r.source[0][0]];
    if (i == 0) assert_int_equal(ended(o, 0, 0) - r.begin[0][0] - s->interpolate_steps, 1);

    for (int t = r.begin[0][0] + s->interpolate_steps, row = 0; i && t < o->trace.rows && row < source->rows;
         t++, row++)
      assert_true(
          near(motion(o, &r, 0, 0, s->interpolate_steps, row), motion(o, &r, 0, 0, s->interpolate_steps, 0)));
  }
}

static void gripper_commands_stay_with_their_poses(void** state) {
  own* o = *state;
  loomAttemptDef def = loom_default_attempt_def();
  loomAttemptResult r = attempt(o, &def, 2);

  // For each row of the segment that still ran.
  for (int a = 0; a < 2; a++) {
    const loomReplay* source = &o->sources.replay[r.source[a][0]];
    int lead = o->task->subtasks[a][0].interpolate_steps, start = loom_segment_start(source, a, 0);
    for (int t = start; t < source->end[a][0] && r.begin[a][0] + lead + t - start < o->trace.rows; t++) {
      assert_true(o->trace.grip[(r.begin[a][0] + lead + t - start) * 2 + a] == source->grip[a][t]);
    }
  }
}

#if !defined(__SANITIZE_ADDRESS__)
static void control_steps_do_not_allocate(void** state) {
  own* o = *state;
  loomAttemptDef def = loom_default_attempt_def();
  loomAttemptResult r;
  attempt(o, &def, 1);  // what is made once, is made

  // Counted over a whole attempt.
  counted = 0;
  counting = 1;
  int code = loom_attempt_run(&r, &o->trace, o->e, &o->sources, NULL, &def, 1, NULL);
  counting = 0;
  int whole = counted;

  // And over control steps alone.
  loomError err = {0, ""};
  double action[LOOM_MAX_ACTION] = {0};
  must(loom_episode_reset(o->e, 0, 3, 1, &err), &err);
  counted = 0;
  counting = 1;
  for (int t = 0; t < 50; t++) code |= loom_episode_step(o->e, action, NULL);
  counting = 0;

  assert_int_equal(code, 0);
  assert_int_equal(counted, 0);

  // The reset works on XML to change sizes; nothing else of an attempt asks for memory.
  counted = 0;
  counting = 1;
  code = loom_episode_reset(o->e, def.reset, def.seed, 1, NULL);
  counting = 0;
  assert_int_equal(code, 0);
  assert_true(counted > 0);  // the counter does count
  assert_int_equal(whole, counted);
}
#endif

int main(void) {
#define LOOM_TEST(name) cmocka_unit_test_setup_teardown(name, keep_task, restore_task)
  const struct CMUnitTest tests[] = {
    LOOM_TEST(a_hand_stands_off),
    LOOM_TEST(most_attempts_succeed),
    LOOM_TEST(limits_end_attempts),
    LOOM_TEST(brakes_keep_to_limits),
    LOOM_TEST(a_missed_grasp_is_tried_again),
    LOOM_TEST(sequences_are_kept),
    LOOM_TEST(coordinated_subtasks_start_and_end_together),
    LOOM_TEST(who_is_done_first_waits),
    LOOM_TEST(schemes_move_as_they_say),
    LOOM_TEST(coordinated_ways_keep_their_speed),
    LOOM_TEST(ways_begin_where_they_are_told),
    LOOM_TEST(equivalent_poses_belong_to_a_source),
    LOOM_TEST(noise_moves_whole_segments),
    LOOM_TEST(noise_on_actions),
    LOOM_TEST(drift_is_not_in_the_targets),
    LOOM_TEST(noise_zero_is_none),
    LOOM_TEST(ends_are_shifted_within_range),
    LOOM_TEST(gripper_commands_stay_with_their_poses),
#if !defined(__SANITIZE_ADDRESS__)
    LOOM_TEST(control_steps_do_not_allocate),
#endif
  };
  return cmocka_run_group_tests(tests, open_own, close_own);
}
