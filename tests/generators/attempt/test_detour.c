// Ways around what is in the way: they keep the room that is asked for, end to end; where there is none, none
// is found; and attempts succeed by them where they otherwise do not.
#include "tests/wall_fixture.h"

#include <math.h>

#include "engine/sim/ghost.h"
#include "generators/attempt/clear.h"
#include "generators/attempt/detour.h"
#include "generators/attempt/preview.h"

static const double room = 0.02;

static loomMeetDef careful(void) {
  return (loomMeetDef){.arm = 0, .within = room, .self = -0.001, .hand = INFINITY};
}

static void look_for(bool found, loomWay* way, walled* w, const loomMeetDef* def, const loomPose* held,
                     const double* to) {
  loomEpisode ghost;
  loom_ghost_begin(&ghost, w->e);
  double from[6] = {0};
  loomRandom random = loom_random(3, 1, LOOM_PURPOSE_DETOUR);
  assert_int_equal(loom_detour_find(way, &ghost, def, held, from, to, &random), found);
}

static void ways_keep_clear(void** state) {
  own* o = *state;
  const double tops[] = {0.3, 0.4, 0.44};
  for (size_t i = 0; i < sizeof tops / sizeof *tops; i++) {
    walled w = {.o = o};
    build_wall(&w, tops[i]);
    loomMeetDef def = careful();
    loomWay way, again;
    const double to[] = {0.27, 0, -0.15, 0.3, 0, 0};
    look_for(true, &way, &w, &def, NULL, to);
    assert_true(way.count >= 1 && way.count <= LOOM_MAX_WAY);

    // Hands stand as clear of it as they were asked to, by another measure than the planner's; between two of
    // them at least half as much, since they are not far from each other.
    for (int k = 0; k < way.count; k++) {
      loomPose at = way.at[k], clear = at;
      loom_stand_clear(&clear, w.e, 0, room - 1e-3);
      assert_memory_equal(&at, &clear, sizeof at);
      if (!k) continue;
      at = clear = loom_pose_interpolate(way.at[k - 1], way.at[k], 0.5);
      loom_stand_clear(&clear, w.e, 0, room / 2);
      assert_memory_equal(&at, &clear, sizeof at);
    }

    // One is before the wall, one behind it.
    assert_true(way.at[0].pos[0] < WALL_X && way.at[way.count - 1].pos[0] > WALL_X);

    look_for(true, &again, &w, &def, NULL, to);
    assert_int_equal(again.count, way.count);
    assert_memory_equal(again.at, way.at, sizeof *way.at * (size_t)way.count);
    take_wall_down(&w);
  }
}

static void what_is_held_keeps_clear_too(void** state) {
  walled w = {.o = *state};
  build_wall(&w, 0.35);
  loomMeetDef def = careful();
  def.holds = 1;
  loomPose held[LOOM_MAX_OBJECTS] = {{{0, 0, 0.06}, {1, 0, 0, 0}}};  // below the hand
  loomWay way;
  look_for(true, &way, &w, &def, held, (const double[]){0.27, 0, -0.1, 0, 0, 0});

  loomEpisode ghost;
  loom_ghost_begin(&ghost, w.e);
  for (int k = 0; k < way.count; k++) {
    loom_ghost_put(&ghost, 0, loom_pose_mul(way.at[k], held[0]));
    double distance = mj_geomDistance(ghost.m, ghost.d, geom_of(&w, "box"), geom_of(&w, "wall"), 1, NULL);
    assert_true(distance > room - 1e-3);
  }
  take_wall_down(&w);
}

static void there_may_be_none(void** state) {
  walled w = {.o = *state};
  loomWay way;
  loomMeetDef def = careful();

  // Higher than the hand gets.
  build_wall(&w, 0.8);
  look_for(false, &way, &w, &def, NULL, (const double[]){0.27, 0, -0.1, 0, 0, 0});
  take_wall_down(&w);

  // An end in the wall.
  build_wall(&w, 0.4);
  look_for(false, &way, &w, &def, NULL, (const double[]){WALL_X, 0, -0.1, 0, 0, 0});
  take_wall_down(&w);
}

static loomAttemptResult attempt(walled* w, uint64_t number, bool blindly) {
  loomAttemptResult r;
  loomError err = {0, ""};
  loomAttemptDef def = loom_default_attempt_def();
  def.no_preview = blindly;
  must(loom_attempt_run(&r, &w->trace, w->e, &w->o->sources, NULL, &def, number, &err), &err);
  return r;
}

static void attempts_go_around(void** state) {
  walled w = {.o = *state};
  build_wall(&w, 0.42);
  for (uint64_t n = 0; n < 6; n++) {
    assert_int_not_equal(attempt(&w, n, true).outcome, LOOM_OUTCOME_SUCCESS);

    // Both arms, and twice alike.
    loomAttemptResult r = attempt(&w, n, false), again = attempt(&w, n, false);
    assert_int_equal(r.outcome, LOOM_OUTCOME_SUCCESS);
    assert_int_equal(r.detours, 2);
    assert_memory_equal(&r, &again, sizeof r);
  }
  take_wall_down(&w);
}

// What is in the way is told, and tried all the same where nothing goes around it: physics has the last word.
static void without_a_way_it_is_tried(void** state) {
  walled w = {.o = *state};
  build_wall(&w, 0.8);
  loomError err = {0, ""};
  loomAttemptResult r = {.attempt = 1};
  loomAttemptDef def = loom_default_attempt_def();
  loomPlan p = {.sources = &w.o->sources, .def = &def, .e = w.e, .task = w.o->task, .result = &r};
  must(loom_episode_reset(w.e, 0, 5, 1, &err), &err);
  loom_plan_start(&p, w.e);

  loomPreview first;
  assert_true(loom_preview_choose(&first, &p));
  assert_int_equal(first.flaw, LOOM_FLAW_MEETS);
  assert_true(first.on_the_way && first.value > 0.001);
  assert_int_equal(first.geom[1], geom_of(&w, "wall"));
  assert_int_equal(p.detour_count, 0);

  r = attempt(&w, 1, false);
  assert_int_equal(r.outcome, LOOM_OUTCOME_STUCK);
  assert_int_equal(r.detours, 0);
  take_wall_down(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ways_keep_clear),           cmocka_unit_test(what_is_held_keeps_clear_too),
      cmocka_unit_test(there_may_be_none),         cmocka_unit_test(attempts_go_around),
      cmocka_unit_test(without_a_way_it_is_tried),
  };
  return cmocka_run_group_tests(tests, open_own, close_own);
}
