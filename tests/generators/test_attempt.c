// Attempts on a task of one's own (tests/own), from source demos its scripted expert records here: order and
// coordination of the arms, selection, noise, and that control steps neither allocate nor lock.
#include "tests/own_fixture.h"

#include <math.h>

#include "generators/generate.h"
#include "generators/segment.h"
#include "generators/select.h"

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
  int wins = 0;
  for (uint64_t i = 0; i < 12; i++) wins += attempt(o, &def, i).outcome == LOOM_OUTCOME_SUCCESS;
  assert_true(wins >= 9);
}

// Rules are put into the task for one test and taken out again; the episode reads them there.
static void with_rule(own* o, loomRule rule, void (*check)(own* o)) {
  o->task->rules[0] = rule;
  o->task->rule_count = 1;
  check(o);
  o->task->rule_count = 0;
}

static void check_sequence(own* o) {
  loomAttemptDef def = loom_default_attempt_def();
  loomAttemptResult r = attempt(o, &def, 3);
  const loomReplay* source = &o->sources.replay[r.source[0][0]];
  int length =
      source->end[0][0] - loom_segment_start(source, 0, 0) + o->task->subtasks[0][0].interpolate_steps;
  assert_int_equal(r.begin[0][0], o->task->settle_steps);
  assert_int_equal(r.begin[1][0], r.begin[0][0] + length + 7);
  def.no_ordering = true;
  r = attempt(o, &def, 3);
  assert_int_equal(r.begin[1][0], o->task->settle_steps);
}

static void sequences_are_kept(void** state) {
  with_rule(*state, (loomRule){.kind = LOOM_RULE_SEQUENTIAL, .arm_a = 0, .arm_b = 1, .lead = 7},
            check_sequence);
}

// The rigid motion between a source target and the attempt's.
static loomPose motion(const own* o, const loomAttemptResult* r, int a, int row) {
  const loomReplay* source = &o->sources.replay[r->source[a][0]];
  int lead = o->task->subtasks[a][0].interpolate_steps, t = row - r->begin[a][0] - lead;
  const double* m = o->trace.target + 16 * (row * 2 + a);
  double mat[9] = {m[0], m[1], m[2], m[4], m[5], m[6], m[8], m[9], m[10]}, pos[3] = {m[3], m[7], m[11]};
  loomPose now = loom_pose_from_mat(pos, mat);
  return loom_pose_mul(now, loom_pose_inverse(source->target[a][loom_segment_start(source, a, 0) + t]));
}

static void check_together(own* o) {
  loomAttemptDef def = loom_default_attempt_def();
  for (uint64_t i = 0; i < 4; i++) {
    loomAttemptResult r = attempt(o, &def, i);
    assert_int_equal(r.begin[0][0], r.begin[1][0]);
    assert_int_equal(r.source[0][0], r.source[1][0]);
    for (int row = r.begin[0][0] + 8; row < r.begin[0][0] + 30 && row < o->trace.rows; row += 7) {
      loomPose one = motion(o, &r, 0, row), two = motion(o, &r, 1, row);
      assert_true(loom_pose_distance(one, two) < 1e-9 && loom_quat_angle(one.quat, two.quat) < 1e-6);
      double home[4] = {1, 0, 0, 0};
      if (o->task->rules[0].scheme == LOOM_SCHEME_TRANSLATE)
        assert_true(loom_quat_angle(one.quat, home) < 1e-6);
    }
  }
}

static void coordinated_arms_move_as_one(void** state) {
  const loomScheme schemes[] = {LOOM_SCHEME_TRANSFORM, LOOM_SCHEME_TRANSLATE};
  for (int i = 0; i < 2; i++) {
    with_rule(*state, (loomRule){.kind = LOOM_RULE_COORDINATED, .arm_a = 0, .arm_b = 1, .scheme = schemes[i]},
              check_together);
  }
}

static void noise_is_what_was_asked(void** state) {
  own* o = *state;
  loomAttemptDef def = loom_default_attempt_def();
  loomSubtaskDef* s = &o->task->subtasks[0][0];
  size_t bytes = sizeof(double) * 40 * (size_t)o->trace.action_dim;
  double* quiet = malloc(bytes);
  assert_non_null(quiet);
  attempt(o, &def, 5);
  memcpy(quiet, o->trace.actions, bytes);
  s->noise_action = 0.1;
  s->noise_position = 0.005;
  def.noise_scale = 0;
  attempt(o, &def, 5);
  assert_memory_equal(quiet, o->trace.actions, bytes);
  def.noise_scale = 1;
  attempt(o, &def, 5);
  assert_memory_not_equal(quiet, o->trace.actions, bytes);
  for (int t = 0; t < 40; t++)
    assert_true(o->trace.actions[t * o->trace.action_dim + 6] == quiet[t * o->trace.action_dim + 6]);
  s->noise_action = s->noise_position = 0;
  free(quiet);
}

static void ends_are_shifted_within_range(void** state) {
  own* o = *state;
  loomAttemptDef def = loom_default_attempt_def();
  loomSubtaskDef* s = &o->task->subtasks[0][0];
  s->offset[0] = -100000;
  s->offset[1] = 100000;  // far beyond any demo: the segment stays inside it
  for (uint64_t i = 0; i < 6; i++) {
    loomAttemptResult r = attempt(o, &def, i);
    assert_true(r.outcome >= 0 && r.steps > 0);
  }
  s->offset[0] = s->offset[1] = 0;
}

static void strategies_choose_as_they_say(void** state) {
  own* o = *state;
  loomSubtaskDef* s = &o->task->subtasks[0][0];
  loomSelectDef kept = s->select;
  loomError err = {0, ""};
  int count[SOURCES] = {0}, tries[SOURCES] = {20, 20, 20, 20}, wins[SOURCES] = {0, 20, 0, 0};
  loomSourceStats stats = {SOURCES, tries, wins};
  must(loom_episode_reset(o->e, 0, 1, 1, &err), &err);
  loomRandom random = loom_random(1, 2, LOOM_PURPOSE_TEST);
  s->select.strategy = LOOM_SELECT_RANDOM;
  for (int i = 0; i < 400; i++) count[loom_select_source(o->e, &o->sources, &stats, 0, 0, &random)]++;
  for (int i = 0; i < SOURCES; i++) assert_in_range(count[i], 60, 140);
  memset(count, 0, sizeof count);
  s->select.strategy = LOOM_SELECT_WEIGHTED;
  for (int i = 0; i < 400; i++) count[loom_select_source(o->e, &o->sources, &stats, 0, 0, &random)]++;
  assert_true(count[1] > 300);
  // The nearest of one is always the same, and the source whose scene this is.
  s->select.strategy = LOOM_SELECT_NEAREST;
  s->select.top_k = 1;
  for (int i = 0; i < SOURCES; i++) {
    must(loom_episode_reset(o->e, 0, 77, (uint64_t)i, &err), &err);
    for (int k = 0; k < o->task->settle_steps; k++) {
      double still[LOOM_MAX_ACTION] = {0};
      must(loom_episode_step(o->e, still, &err), &err);
    }
    assert_int_equal(loom_select_source(o->e, &o->sources, NULL, 0, 0, &random), i);
  }
  s->select.strategy = LOOM_SELECT_ROBOT_DISTANCE;
  int chosen = loom_select_source(o->e, &o->sources, NULL, 0, 0, &random);
  for (int i = 0; i < 8; i++)
    assert_int_equal(loom_select_source(o->e, &o->sources, NULL, 0, 0, &random), chosen);
  s->select = kept;
}

static void gripper_commands_stay_with_their_poses(void** state) {
  own* o = *state;
  loomAttemptDef def = loom_default_attempt_def();
  loomAttemptResult r = attempt(o, &def, 2);
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
  counted = 0;
  counting = 1;
  int code = loom_attempt_run(&r, &o->trace, o->e, &o->sources, NULL, &def, 1, NULL);
  counting = 0;
  int whole = counted;
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
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(most_attempts_succeed),
    cmocka_unit_test(sequences_are_kept),
    cmocka_unit_test(coordinated_arms_move_as_one),
    cmocka_unit_test(noise_is_what_was_asked),
    cmocka_unit_test(ends_are_shifted_within_range),
    cmocka_unit_test(strategies_choose_as_they_say),
    cmocka_unit_test(gripper_commands_stay_with_their_poses),
#if !defined(__SANITIZE_ADDRESS__)
    cmocka_unit_test(control_steps_do_not_allocate),
#endif
  };
  return cmocka_run_group_tests(tests, open_own, close_own);
}
