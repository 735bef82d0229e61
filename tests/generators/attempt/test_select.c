// Choosing source demos: each strategy as it says, shared as the task says, by successes that do not depend
// on threads.
#include "tests/own_fixture.h"

#include <math.h>

#include "generators/attempt/select.h"
#include "generators/run/generate.h"
#include "generators/source/segment.h"

static loomSubtaskDef kept[2];

static int keep_task(void** state) {
  const own* o = *state;
  for (int a = 0; a < 2; a++) kept[a] = o->task->subtasks[a][0];
  return 0;
}

static int restore_task(void** state) {
  own* o = *state;

  // One subtask an arm, over all rows.
  for (int a = 0; a < 2; a++) {
    o->task->subtask_count[a] = 1;
    o->task->subtasks[a][0] = kept[a];
    for (int i = 0; i < o->sources.n; i++) o->sources.replay[i].end[a][0] = o->sources.replay[i].rows;
  }
  return 0;
}

// The scene of source demo i, settled.
static void show_source(own* o, int i) {
  loomError err = {0, ""};

  double still[LOOM_MAX_ACTION] = {0};
  must(loom_episode_reset(o->e, 0, 77, (uint64_t)i, &err), &err);
  for (int k = 0; k < o->task->settle_steps; k++) must(loom_episode_step(o->e, still, &err), &err);
}

// How often each source is drawn for arm a.
static void draw(int count[SOURCES], const own* o, int a, const loomSourceStats* stats) {
  loomRandom random = loom_random(1, 2, LOOM_PURPOSE_TEST);

  memset(count, 0, sizeof(int) * SOURCES);
  for (int i = 0; i < 400; i++) count[loom_select_source(o->e, &o->sources, stats, NULL, a, 0, &random)]++;
}

static void random_is_even(void** state) {
  own* o = *state;
  int count[SOURCES];
  show_source(o, 1);

  o->task->subtasks[0][0].select.strategy = LOOM_SELECT_RANDOM;
  draw(count, o, 0, NULL);

  // 100 of each, give or take four standard deviations.
  for (int i = 0; i < SOURCES; i++) assert_in_range(count[i], 65, 135);
}

static void nearest_is_the_scene_itself(void** state) {
  own* o = *state;
  int count[SOURCES];
  loomSelectDef* s = &o->task->subtasks[0][0].select;
  s->strategy = LOOM_SELECT_NEAREST;

  // In the scene of a source that source alone is drawn.
  for (int i = 0; i < SOURCES; i++) {
    show_source(o, i);
    s->top_k = 1;
    draw(count, o, 0, NULL);
    assert_int_equal(count[i], 400);

    s->top_k = 2;  // the second best is drawn too, less often
    draw(count, o, 0, NULL);
    int others = 0;
    for (int k = 0; k < SOURCES; k++) others += k != i && count[k] > 0;
    assert_true(count[i] >= 200 && others == 1);

    s->top_k = 100;  // more than there are
    draw(count, o, 0, NULL);
    assert_int_equal(count[0] + count[1] + count[2] + count[3], 400);
  }
}

// Nothing to be near to: then the first of the list are no nearer than the last.
static void equals_are_all_drawn(void** state) {
  own* o = *state;
  int count[SOURCES];
  loomSubtaskDef* s = &o->task->subtasks[0][0];

  s->reference = -1;
  s->transform = LOOM_TRANSFORM_WORLD;
  s->select = (loomSelectDef){LOOM_SELECT_NEAREST, LOOM_SHARE_SUBTASK, 1, 1, 1, 1, 0};

  show_source(o, 0);
  draw(count, o, 0, NULL);
  for (int i = 0; i < SOURCES; i++) assert_in_range(count[i], 65, 135);
}

static void robot_distance_is_the_hands(void** state) {
  own* o = *state;
  int count[SOURCES], seen = 0;
  loomSelectDef* s = &o->task->subtasks[1][0].select;
  *s = (loomSelectDef){LOOM_SELECT_ROBOT_DISTANCE, LOOM_SHARE_SUBTASK, 1, 1, 0.2, 0, 0};

  // The scene of each source in turn.
  for (int i = 0; i < SOURCES; i++) {
    loomError err = {0, ""};
    must(loom_episode_reset(o->e, 0, 77, (uint64_t)i, &err), &err);

    // The least of meters and 0.2 times radians, found here too.
    loomPose hand = loom_episode_eef(o->e, 1);
    int best = -1;
    double least = INFINITY;
    for (int k = 0; k < SOURCES; k++) {
      loomPose then = o->sources.replay[k].eef[1][0];
      double cost = loom_pose_distance(hand, then) + 0.2 * loom_quat_angle(hand.quat, then.quat);
      if (cost < least) best = k;
      least = fmin(least, cost);
    }

    draw(count, o, 1, NULL);
    assert_int_equal(count[best], 400);
    assert_int_equal(best, i);  // the arm stands as that demo's did
    seen |= 1 << best;
  }

  assert_int_equal(seen, (1 << SOURCES) - 1);
}

static void weighted_goes_by_success(void** state) {
  own* o = *state;
  int count[SOURCES], tries[SOURCES] = {20, 20, 20, 0}, wins[SOURCES] = {0, 20, 10, 0};
  loomSourceStats stats = {SOURCES, tries, wins, NULL, NULL};

  show_source(o, 1);
  loomSelectDef* s = &o->task->subtasks[0][0].select;

  s->strategy = LOOM_SELECT_WEIGHTED;
  s->top_k = 1;  // not for this strategy

  draw(count, o, 0, &stats);
  assert_true(count[0] < 10 && count[0] < count[2] && count[2] < count[1]);
  assert_true(count[3] > 100);  // not tried yet is not written off
  draw(count, o, 0, NULL);      // nothing known: even
  for (int i = 0; i < SOURCES; i++) assert_in_range(count[i], 65, 135);

  // Of nearest, success counts as much as it is told to.
  s->strategy = LOOM_SELECT_NEAREST;
  int all_but_one[SOURCES] = {20, 0, 20, 20}, best = 0;

  stats = (loomSourceStats){SOURCES, (int[SOURCES]){20, 20, 20, 20}, all_but_one, NULL, NULL};
  draw(count, o, 0, &stats);
  assert_int_equal(count[1], 400);

  s->success_weight = 10;
  draw(count, o, 0, &stats);
  for (int i = 1; i < SOURCES; i++) best = count[i] > count[best] ? i : best;
  assert_int_not_equal(best, 1);
}

static void ordered_goes_by_what_failed_here(void** state) {
  own* o = *state;
  static const struct {
    int failed[SOURCES], chosen;
  } rows[] = {{{0}, 0}, {{1}, 1}, {{1, 1}, 2}, {{1, 1, 1, 1}, 0}, {{2, 1, 1, 1}, 1}, {{0, 3}, 0}};
  int count[SOURCES], tries[SOURCES] = {20, 20, 20, 20}, wins[SOURCES] = {0, 20, 20, 20};

  // Whatever has come of it elsewhere, and wherever things lie.
  o->task->subtasks[0][0].select = (loomSelectDef){LOOM_SELECT_ORDERED, LOOM_SHARE_SUBTASK, 3, 1, 1, 1, 5};
  show_source(o, 1);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    draw(count, o, 0, &(loomSourceStats){SOURCES, tries, wins, rows[i].failed, NULL});
    assert_int_equal(count[rows[i].chosen], 400);
  }
  draw(count, o, 0, NULL);
  assert_int_equal(count[0], 400);
}

// Sources of a few attempts with two subtasks an arm.
static void shares(own* o, loomSelectShare share, bool* arms_differ, bool* subtasks_differ) {
  loomError err = {0, ""};
  loomAttemptDef def = loom_default_attempt_def();
  *arms_differ = *subtasks_differ = false;

  // Random sources, shared as told.
  for (int a = 0; a < 2; a++) {
    o->task->subtask_count[a] = 2;
    o->task->subtasks[a][0].select = (loomSelectDef){LOOM_SELECT_RANDOM, share, 1, 0, 0, 0, 0};
    o->task->subtasks[a][1] = o->task->subtasks[a][0];
    for (int i = 0; i < o->sources.n; i++) {
      o->sources.replay[i].end[a][0] = 25;
      o->sources.replay[i].end[a][1] = o->sources.replay[i].rows;
    }
  }

  // Over eight attempts.
  for (uint64_t i = 0; i < 8; i++) {
    loomAttemptResult r;
    must(loom_attempt_run(&r, &o->trace, o->e, &o->sources, NULL, &def, i, &err), &err);
    for (int a = 0; a < 2; a++) {
      if (r.source[a][1] < 0)
        fail_msg("attempt %d: arm %d came no further than its first subtask", (int)i, a);
      *subtasks_differ = *subtasks_differ || r.source[a][0] != r.source[a][1];
    }
    *arms_differ = *arms_differ || r.source[0][0] != r.source[1][0];
  }
}

static void sources_are_shared_as_told(void** state) {
  own* o = *state;
  bool arms, subtasks;

  // One source for all.
  shares(o, LOOM_SHARE_EPISODE, &arms, &subtasks);
  assert_true(!arms && !subtasks);

  // One an arm.
  shares(o, LOOM_SHARE_ARM, &arms, &subtasks);
  assert_true(arms && !subtasks);

  // One a subtask.
  shares(o, LOOM_SHARE_SUBTASK, &arms, &subtasks);
  assert_true(arms && subtasks);
}

static loomGenerateReport generate(const own* o, int attempts, int threads) {
  loomError err = {0, ""};
  loomGenerateReport report;

  loomGenerateDef def = loom_default_generate_def();
  def.attempts = attempts;
  def.threads = threads;
  def.attempt.seed = 8;
  def.attempt.no_preview = true;  // which would bar a source before it fails

  must(loom_generate(&report, o->scene, &o->sources, &def, &err), &err);
  assert_int_equal(report.result_count, attempts);
  return report;
}

// Balanced and mixed: another source for the second subtasks, the same for both arms; on any number of
// threads.
static void mixed_sources_change_between_subtasks(void** state) {
  own* o = *state;
  bool arms, subtasks, differ = false;
  shares(o, LOOM_SHARE_EPISODE, &arms, &subtasks);
  for (int i = 0; i < 4; i++) {
    loomSubtaskDef* s = &o->task->subtasks[i / 2][i % 2];
    s->select.strategy = LOOM_SELECT_BALANCED;
    s->mix = i % 2;
  }

  loomGenerateReport one = generate(o, 12, 1), three = generate(o, 12, 3);
  for (int i = 0; i < 12; i++) {
    const loomAttemptResult *x = &one.results[i], *y = &three.results[i];
    assert_memory_equal(x, y, sizeof *x);
    for (int k = 0; k < 2; k++)
      if (x->source[0][k] >= 0 && x->source[1][k] >= 0) assert_int_equal(x->source[0][k], x->source[1][k]);
    differ = differ || (x->source[0][1] >= 0 && x->source[0][0] != x->source[0][1]);
  }
  assert_true(differ);
  loom_generate_report_destroy(&one);
  loom_generate_report_destroy(&three);
}

// A source whose second arm misses is found out and hardly used after the first batches; on any number of
// threads.
static void failing_sources_are_found_out(void** state) {
  own* o = *state;
  enum { bad = 2 };
  loomReplay* spoilt = &o->sources.replay[bad];

  // 0.1 m too high for arm 1 to reach its object.
  for (int t = 0; t < spoilt->rows; t++) spoilt->target[1][t].pos[2] += 0.1;
  for (int a = 0; a < 2; a++)
    o->task->subtasks[a][0].select = (loomSelectDef){LOOM_SELECT_WEIGHTED, LOOM_SHARE_ARM, 1, 0, 0, 0, 0};

  int n = getenv("LOOM_QUICK") ? 48 : 112, early = 0, late = 0;
  loomGenerateReport one = generate(o, n, 1), three = generate(o, n, 3);
  for (int t = 0; t < spoilt->rows; t++) spoilt->target[1][t].pos[2] -= 0.1;

  // The same on one thread and on three.
  for (int i = 0; i < n; i++) {
    const loomAttemptResult *x = &one.results[i], *y = &three.results[i];
    assert_memory_equal(x->source, y->source, sizeof x->source);
    assert_int_equal(x->outcome, y->outcome);
    assert_int_equal(x->steps, y->steps);

    bool missed = x->source[1][0] == bad;
    if (missed) assert_int_not_equal(x->outcome, LOOM_OUTCOME_SUCCESS);
    if (i < 16) early += missed;
    if (i >= 32) late += missed;
  }

  // It was tried at first.
  assert_true(early > 0);

  // Drawn evenly it would be a quarter; at most half of that.
  assert_true(late <= (n - 32) / 8);

  loom_generate_report_destroy(&one);
  loom_generate_report_destroy(&three);
}

// ---- where two arms meet

// A point on the axis of the arm's first joint, world frame.
static const double* shoulder_of(const own* o, int a) {
  return o->e->d->xanchor + 3 * o->e->m->dof_jntid[o->e->arms[a].dof[0]];
}

// How far the source's hand, shifted, is from where its arm begins, m.
static double reach_of(const own* o, int a, const loomReplay* source, const double shift[3]) {
  double hand[3];
  mju_add3(hand, source->eef[a][source->end[a][0] - 1].pos, shift);
  return mju_dist3(hand, shoulder_of(o, a));
}

// The shift of arm a's first subtask, midway or not.
static void find_shift(double shift[3], own* o, const loomReplay* source, int a, bool midway) {
  loomSubtaskDef* s = &o->task->subtasks[a][0];
  loomFit fit = {0};
  s->reference = s->carried = -1;
  s->transform = LOOM_TRANSFORM_WORLD;
  s->midway = midway;

  loomTransform t = loom_segment_transform(o->e, source, a, 0, fit, 0);
  s->midway = false;
  mju_copy3(shift, t.world.pos);
  assert_true(loom_quat_angle(t.world.quat, loom_pose_identity().quat) == 0);
}

// Whichever of two arms is to go there: along the line between their shoulders, to where neither reaches
// farther than the other, though in the source one did.
static void arms_meet_midway(void** state) {
  own* o = *state;
  loomRule rule = {.kind = LOOM_RULE_COORDINATED, .arm_b = 1, .scheme = LOOM_SCHEME_REPLAY},
           *rules = o->task->rules;
  int rule_count = o->task->rule_count;
  show_source(o, 0);
  o->task->rules = &rule;
  o->task->rule_count = 1;

  for (int i = 0; i < SOURCES; i++) {
    loomReplay* source = &o->sources.replay[i];
    loomPose* hand = &source->eef[0][source->end[0][0] - 1];
    loomPose kept_hand = *hand;
    double shift[2][3], still[3], line[3], across[3];

    // Another place for each.
    hand->pos[0] += 0.05 * i - 0.06;
    hand->pos[1] += 0.03;
    find_shift(still, o, source, 0, false);
    for (int a = 0; a < 2; a++) find_shift(shift[a], o, source, a, true);

    double before = reach_of(o, 0, source, still) - reach_of(o, 1, source, still),
           after = reach_of(o, 0, source, shift[0]) - reach_of(o, 1, source, shift[0]);
    assert_true(mju_norm3(still) == 0 && fabs(before) > 1e-3);
    assert_true(fabs(after) < 1e-12);
    assert_true(mju_dist3(shift[0], shift[1]) < 1e-12);

    mju_sub3(line, shoulder_of(o, 1), shoulder_of(o, 0));
    mju_cross(across, shift[0], line);
    assert_true(mju_norm3(across) < 1e-12);
    *hand = kept_hand;
  }

  o->task->rules = rules;
  o->task->rule_count = rule_count;
}

// ---- equivalent poses

static const double degree = 0.017453292519943295;
static loomSymmetry square = {{0, 0, 1}, 4};

// A pose turned about its own z axis.
static loomPose spun(loomPose pose, double degrees) {
  double turn[3] = {0, 0, degrees * degree};
  loomPose spin = loom_pose_identity();
  loom_quat_exp(spin.quat, turn);
  return loom_pose_mul(pose, spin);
}

static void put_box(own* o, loomPose pose) {
  double* q = o->e->d->qpos + o->scene->object_qpos[0];
  for (int i = 0; i < 3; i++) q[i] = pose.pos[i];
  for (int i = 0; i < 4; i++) q[3 + i] = pose.quat[i];
  mj_forward(o->e->m, o->e->d);
}

static void make_box_square(own* o, bool is) {
  o->task->objects[0].symmetries = is ? &square : NULL;
  o->task->objects[0].symmetry_count = is ? 1 : 0;
}

// All turns of what stands upright tilt nothing: the nearest is taken, not the first. One chosen before
// stays.
static void upright_things_turn_the_short_way(void** state) {
  own* o = *state;
  const loomReplay* source = &o->sources.replay[1];
  o->task->subtasks[0][0].symmetric = true;
  make_box_square(o, true);

  static const struct {
    double yaw, turned;
  } rows[] = {{0, 0}, {20, 20}, {80, -10}, {100, 10}, {170, -10}, {-70, 20}, {-130, -40}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    show_source(o, 1);
    put_box(o, spun(source->object[0][loom_segment_start(source, 0, 0)], rows[i].yaw));

    loomFit fit = loom_fit_source(o->e, source, 0, 0, -1);
    loomTransform t = loom_segment_transform(o->e, source, 0, 0, fit, loom_segment_start(source, 0, 0));
    assert_true(fabs(loom_quat_yaw(t.world.quat) - rows[i].turned * degree) < 1e-3);

    fit = loom_fit_source(o->e, source, 0, 0, 3);
    assert_int_equal(fit.object_symmetry, 3);
  }

  make_box_square(o, false);
}

// A box that was grasped a quarter turn further is held as well as the source's: the hand does not turn for
// it.
static void held_things_are_turned_to_how_the_source_held_them(void** state) {
  own* o = *state;
  const loomReplay* source = &o->sources.replay[1];
  loomSubtaskDef* s = &o->task->subtasks[0][0];
  int row = source->rows - 1;  // the box is in the hand then
  s->reference = 1;
  s->carried = 0;
  make_box_square(o, true);

  loomPose held = loom_pose_mul(loom_pose_inverse(source->eef[0][row]), source->object[0][row]);
  static const double slip[] = {0, 90, 95, -85, 180, 200};
  static const double over[] = {0, 0, 5, 5, 0, 20};  // what of it the hand turns for
  for (size_t i = 0; i < sizeof slip / sizeof *slip; i++) {
    show_source(o, 1);
    put_box(o, loom_pose_mul(loom_episode_eef(o->e, 0), spun(held, slip[i])));

    loomTransform t = loom_segment_transform(o->e, source, 0, 0, (loomFit){0}, row);
    assert_true(fabs(loom_quat_angle(t.hand.quat, loom_pose_identity().quat) - over[i] * degree) < 1e-3);
  }

  make_box_square(o, false);
}

int main(void) {
#define LOOM_TEST(name) cmocka_unit_test_setup_teardown(name, keep_task, restore_task)
  const struct CMUnitTest tests[] = {
      LOOM_TEST(random_is_even),
      LOOM_TEST(nearest_is_the_scene_itself),
      LOOM_TEST(equals_are_all_drawn),
      LOOM_TEST(robot_distance_is_the_hands),
      LOOM_TEST(ordered_goes_by_what_failed_here),
      LOOM_TEST(weighted_goes_by_success),
      LOOM_TEST(sources_are_shared_as_told),
      LOOM_TEST(arms_meet_midway),
      LOOM_TEST(mixed_sources_change_between_subtasks),
      LOOM_TEST(failing_sources_are_found_out),
      LOOM_TEST(upright_things_turn_the_short_way),
      LOOM_TEST(held_things_are_turned_to_how_the_source_held_them),
  };
  return cmocka_run_group_tests(tests, open_own, close_own);
}
