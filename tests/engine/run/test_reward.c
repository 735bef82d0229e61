// How episodes are judged and rewarded, and where they begin: an episode of the expert of tests/own.
// worked out from the simulation.
#include <math.h>

#include "tests/own_fixture.h"

#include "engine/run/reward.h"
#include "engine/run/starts.h"

// ---- an episode

typedef struct driven {
  loomExpert expert;
  loomPolicy policy;
  loomRunResult run;
} driven;

static void begin(driven* d, own* o, uint64_t number) {
  loomError err = {0, ""};
  must(loom_episode_reset(o->e, 0, 77, number, &err), &err);
  must(loom_expert_create(&d->expert, o->e, 77, number, &o->trace, &err), &err);
  d->policy = loom_expert_policy(&d->expert);
  if (d->policy.reset) must(d->policy.reset(d->policy.self, o->e, &err), &err);
  loom_judge_begin(&d->run, o->e);
}

static bool step(driven* d, own* o, const loomRunDef* def) {
  loomError err = {0, ""};
  double action[LOOM_MAX_ACTION];
  if (!loom_judge_goes_on(&d->run, def)) return false;

  int code = d->policy.act(action, d->policy.self, o->e, &err);
  if (code != LOOM_POLICY_DONE) must(code, &err);
  must(loom_episode_step(o->e, action, &err), &err);
  loom_judge_step(&d->run, def, o->e);
  return true;
}

// ---- judging

static void success_must_hold(void** state) {
  own* o = *state;
  driven d;
  loomRunDef def = loom_default_run_def(o->task);

  // Over in the very step with which it has held, and not before.
  begin(&d, o, 0);
  while (step(&d, o, &def)) assert_true(d.run.over == (d.run.success_steps >= o->task->success_hold));
  assert_int_equal(d.run.end, LOOM_RUN_SUCCESS);
  assert_int_equal(d.run.success_steps, o->task->success_hold);
  assert_int_equal(d.run.first_success + o->task->success_hold - 1, d.run.steps);
  assert_true(loom_judge_within_limits(&d.run));
  int needed = d.run.steps;

  // One step less is not enough; without a hold nothing but time ends it.
  def.max_steps = needed - 1;
  begin(&d, o, 0);
  while (step(&d, o, &def)) continue;
  assert_true(d.run.over && d.run.end == LOOM_RUN_TIMEOUT && d.run.steps == needed - 1);
  assert_false(loom_judge_within_limits(&d.run));
  def = (loomRunDef){.max_steps = needed + 2};
  begin(&d, o, 0);
  while (step(&d, o, &def)) continue;
  assert_true(d.run.end == LOOM_RUN_TIMEOUT && d.run.steps == needed + 2);
}

static void the_first_breach_is_kept(void** state) {
  own* o = *state;
  driven d;
  loomRunDef def = loom_default_run_def(o->task);
  o->task->limit_joint_speed = 1e-3;

  // It does not end an episode that may go on, and takes from it what is within limits.
  begin(&d, o, 0);
  while (step(&d, o, &def)) continue;
  assert_int_equal(d.run.end, LOOM_RUN_SUCCESS);
  assert_int_equal(d.run.breach.limit, LOOM_LIMIT_JOINT_SPEED);
  assert_true(d.run.breach.value > 1e-3 && d.run.breach.reason[0]);
  assert_false(loom_judge_within_limits(&d.run));
  int first = d.run.breach.step;

  def.stop_at_breach = true;
  begin(&d, o, 0);
  while (step(&d, o, &def)) continue;
  assert_true(d.run.end == LOOM_RUN_BREACHED && d.run.steps == first && d.run.breach.step == first);
  o->task->limit_joint_speed = 0;
}

// ---- rewards

static const char text[] =
    "discount: 1\n"
    "terms:\n"
    "  - {term: success, weight: 2}\n"
    "  - {term: lost, weight: -1}\n"
    "  - {term: breach, weight: -1}\n"
    "  - {term: time, weight: -0.5}\n"
    "  - {term: stage}\n"
    "  - {term: condition, condition: success}\n"
    "  - {term: margin, condition: success}\n"
    "  - {term: distance, from: box, to: {eef: 0}}\n"
    "  - {term: angle, from: box, to: {eef: 0}}\n"
    "  - {term: height, from: box, to: rod, weight: 3}\n"
    "  - {term: action_size, arm: 1}\n"
    "  - {term: action_change}\n"
    "  - {term: distance, from: box, to: {eef: 0}, scale: 0.2, potential: true}\n";
enum { TERMS = 13 };

static double square(const loomEpisode* e, const double* before, int from, int n) {
  double sum = 0;
  for (int i = from; i < from + n; i++) {
    double x = fmin(fmax(e->action[i], -1), 1) - (before ? fmin(fmax(before[i], -1), 1) : 0);
    sum += x * x;
  }
  return sum / n;
}

static double distance(const loomEpisode* e) {
  loomPose box = loom_episode_object(e, 0), eef = loom_episode_eef(e, 0);
  return mju_dist3(box.pos, eef.pos);
}

static void expect_terms(const double* term, own* o, const driven* d, const double* before) {
  loomPose box = loom_episode_object(o->e, 0), rod = loom_episode_object(o->e, 1),
           eef = loom_episode_eef(o->e, 0);
  int n = loom_arm_action_dim(&o->e->arms[0]), m = loom_arm_action_dim(&o->e->arms[1]);
  bool ends = d->run.over;
  double wanted[TERMS] = {ends ? 2 : 0, 0, 0, -0.5, 0, loom_episode_success(o->e)};
  wanted[7] = distance(o->e);
  wanted[8] = loom_quat_angle(box.quat, eef.quat);
  wanted[9] = 3 * (box.pos[2] - rod.pos[2]);
  wanted[10] = square(o->e, NULL, n, m);
  wanted[11] = d->run.steps > 1 ? square(o->e, before, 0, n + m) : 0;

  for (int k = 0; k < TERMS - 1; k++) {
    if (k == 6) continue;
    if (!(fabs(term[k] - wanted[k]) < 1e-9))
      fail_msg("step %d, term %d: %g, not %g", d->run.steps, k, term[k], wanted[k]);
  }
  assert_true(term[6] >= 0 && term[6] <= 1 && (term[6] == 1) == loom_episode_success(o->e));
}

static void terms_are_what_they_say(void** state) {
  own* o = *state;
  loomError err = {0, ""};
  loomRewardDef* def;
  loomReward* reward;
  driven d;
  loomRunDef judged = loom_default_run_def(o->task);
  double before[LOOM_MAX_ACTION] = {0}, term[TERMS], sum, shaped = 0;

  must(loom_reward_def_parse(&def, o->task, text, sizeof text - 1, "r.yaml", &err), &err);
  assert_int_equal(def->term_count, TERMS);
  must(loom_reward_create(&reward, def, o->e, &err), &err);
  begin(&d, o, 1);
  loom_reward_begin(reward, o->e, NULL);
  double phi = 1 - tanh(distance(o->e) / 0.2);
  void* kept = malloc(loom_reward_snapshot_size(reward));

  while (step(&d, o, &judged)) {
    double again, total = 0;
    loom_reward_snapshot(kept, reward);
    must(loom_reward_step(&sum, term, reward, o->e, &d.run, &err), &err);
    expect_terms(term, o, &d, before);
    for (int k = 0; k < TERMS; k++) total += term[k];
    assert_true(total == sum);

    // What it remembers is all that it depends on.
    loom_reward_restore(reward, kept);
    must(loom_reward_step(&again, NULL, reward, o->e, &d.run, &err), &err);
    assert_true(again == sum);
    shaped += term[TERMS - 1];
    memcpy(before, o->e->action, sizeof before);
  }

  // A potential gives back what it was at the start, whatever happened in between.
  assert_true(d.run.end == LOOM_RUN_SUCCESS && fabs(shaped + phi) < 1e-9);

  // What is no number is told with its term.
  o->e->action[0] = NAN;
  d.run.over = false;
  assert_int_equal(loom_reward_step(&sum, NULL, reward, o->e, &d.run, &err), LOOM_ERR_FORMAT);
  assert_non_null(strstr(err.message, "r.yaml:14: the reward's term 'action_change'"));
  free(kept);
  loom_reward_destroy(reward);
  loom_reward_def_destroy(def);
}

static void rewards_are_read(void** state) {
  own* o = *state;
  static const struct {
    const char *text, *said;
  } bad[] = {
      {"- {term: succes}\n", "bad.yaml:1"},
      {"- {term: success, arm: 0}\n", "arm"},
      {"- {term: margin}\n", "condition"},
      {"- {term: margin, condition: nothing}\n", "nothing"},
      {"- {term: distance, from: box}\n", "to"},
      {"- {term: distance, from: box, to: bowl}\n", "bowl"},
      {"- {term: stage, arm: 2}\n", "arm"},
      {"- {term: success, weight: nan}\n", "weight"},
      {"discount: 1.5\n", "discount"},
      {"horizon: -1\n", "horizon"},
      {"term: success\n", "term"},
  };
  loomError err = {0, ""};
  loomRewardDef* def;

  // Success alone, unless a task says otherwise.
  assert_true(o->task->reward.term_count == 1 && o->task->reward.terms[0].term == LOOM_TERM_SUCCESS &&
              o->task->reward.terms[0].weight == 1);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    int code = loom_reward_def_parse(&def, o->task, bad[i].text, strlen(bad[i].text), "bad.yaml", &err);
    if (!code || !strstr(err.message, bad[i].said))
      fail_msg("%s: %s", bad[i].text, code ? err.message : "is taken");
  }

  // A list alone is a map with nothing but terms.
  const char *list = "- {term: time}\n", *map = "terms: [{term: time}]\n";
  loomRewardDef* other;
  must(loom_reward_def_parse(&def, o->task, list, strlen(list), "a.yaml", &err), &err);
  must(loom_reward_def_parse(&other, o->task, map, strlen(map), "b.yaml", &err), &err);
  assert_true(def->term_count == 1 && other->term_count == 1 && def->discount == other->discount &&
              def->terms[0].term == LOOM_TERM_TIME && other->terms[0].term == LOOM_TERM_TIME);
  loom_reward_def_destroy(def);
  loom_reward_def_destroy(other);
}

// What an episode can return at most is known where all that is rewarded happens once.
static void ranges_are_of_events(void** state) {
  own* o = *state;
  static const struct {
    const char* text;
    bool known;
    double least, most;
  } cases[] = {
      {"- {term: success}\n", true, 0, 1},
      {"- {term: success, weight: 2}\n- {term: lost, weight: -0.5}\n- {term: breach, weight: -1}\n", true,
       -1.5, 2},
      {"- {term: success}\n- {term: stage, weight: 0.25}\n", true, 0, 1},  // no subtask's end is a condition
      {"- {term: success}\n- {term: time, weight: -0.001}\n", false, -INFINITY, INFINITY},
  };
  loomError err = {0, ""};

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    double range[2];
    loomRewardDef* def;
    must(loom_reward_def_parse(&def, o->task, cases[i].text, strlen(cases[i].text), "r.yaml", &err), &err);
    assert_true(loom_reward_range(range, def, o->task) == cases[i].known);
    if (range[0] != cases[i].least || range[1] != cases[i].most)
      fail_msg("%s: %g to %g", cases[i].text, range[0], range[1]);
    loom_reward_def_destroy(def);
  }

  // Of each arm of the handover two subtasks end by conditions.
  static const char stages[] = "- {term: stage, weight: 0.25}\n- {term: stage, arm: 1, weight: -1}\n";
  double range[2];
  loomTask* handover;
  loomRewardDef* def;
  must(loom_task_load(&handover, "scenes/handover/task.yaml", "scenes/robots", &err), &err);
  must(loom_reward_def_parse(&def, handover, stages, sizeof stages - 1, "r.yaml", &err), &err);
  assert_true(loom_reward_range(range, def, handover));
  assert_true(range[0] == -2 && range[1] == 1);
  loom_reward_def_destroy(def);
  loom_task_destroy(handover);
}

// ---- starts

static void demos_begin_as_they_were(void** state) {
  own* o = *state;
  loomError err = {0, ""};
  loomStartsDef def = loom_default_starts_def();
  loomStarts* starts;
  loomDataset* set;
  loomDemo demo;
  double now[256];
  def.demos = 1;
  snprintf(def.dataset, sizeof def.dataset, "%s", o->path);
  must(loom_starts_create(&starts, &def, o->scene, 0, &err), &err);
  assert_int_equal(loom_starts_demo_count(starts), SOURCES);
  must(loom_dataset_open(&set, o->path, &err), &err);

  // With each demo's own sizes its actions lead through its states, of which a file keeps some seven digits.
  for (int i = 0; i < SOURCES; i++) {
    must(loom_demo_load(&demo, set, i, &err), &err);
    loomStart start = {.kind = LOOM_START_DEMO, .demo = i};
    must(loom_start_begin(o->e, starts, &start, 1, &err), &err);
    assert_true(demo.state_dim <= 256);
    for (int t = 0; t < 40; t++) {
      const double* then = demo.states + (ptrdiff_t)t * demo.state_dim;
      loom_episode_state(now, o->e);
      for (int k = 0; k < demo.state_dim; k++)
        assert_true(fabs(now[k] - then[k]) <= 1e-5 * fmax(1, fabs(then[k])));
      must(loom_episode_step(o->e, demo.actions + (ptrdiff_t)t * demo.action_dim, &err), &err);
    }

    start.row = demo.rows / 2;
    must(loom_start_begin(o->e, starts, &start, 1, &err), &err);
    loom_episode_state(now, o->e);
    assert_memory_equal(now, demo.states + (ptrdiff_t)start.row * demo.state_dim,
                        sizeof *now * (size_t)demo.state_dim);
    loom_demo_destroy(&demo);
  }
  loom_dataset_close(set);
  loom_starts_destroy(starts);
}

// From any state of a demo its actions still lead to success: hands hold what they held. How often, of so
// many places.
static void hands_hold_on(void** state) {
  own* o = *state;
  loomError err = {0, ""};
  loomStartsDef def = loom_default_starts_def();
  loomRunDef run = loom_default_run_def(o->task);
  loomStarts* starts;
  loomDataset* set;
  loomDemo demo;
  int won = 0, tried = 0;
  def.demos = 1;
  snprintf(def.dataset, sizeof def.dataset, "%s", o->path);
  must(loom_starts_create(&starts, &def, o->scene, 0, &err), &err);
  must(loom_dataset_open(&set, o->path, &err), &err);

  for (int i = 0; i < SOURCES; i++) {
    must(loom_demo_load(&demo, set, i, &err), &err);
    for (int back = 8; back <= 40; back += 8) {
      loomStart start = {.kind = LOOM_START_DEMO, .demo = i, .row = demo.rows - back};
      loomRunResult result;
      must(loom_start_begin(o->e, starts, &start, 1, &err), &err);

      loom_judge_begin(&result, o->e);
      for (int t = start.row; t < demo.rows; t++) {
        must(loom_episode_step(o->e, demo.actions + (ptrdiff_t)t * demo.action_dim, &err), &err);
        loom_judge_step(&result, &run, o->e);
      }
      won += result.success_steps > 0;
      tried++;
    }
    loom_demo_destroy(&demo);
  }

  if (won < tried) fail_msg("success from %d of %d states", won, tried);
  loom_dataset_close(set);
  loom_starts_destroy(starts);
}

static void the_frontier_moves_back(void** state) {
  own* o = *state;
  loomError err = {0, ""};
  loomStartsDef def = loom_default_starts_def();
  loomStarts* starts;
  loomCurriculum c;
  loomStart start, again;
  int kinds[3] = {0};
  def.demos = 0.5;
  def.curriculum = LOOM_CURRICULUM_REVERSE;
  snprintf(def.dataset, sizeof def.dataset, "%s", o->path);
  must(loom_starts_create(&starts, &def, o->scene, 0, &err), &err);
  loom_curriculum_begin(&c, starts);

  // Pure, in the shares that were asked for, and never before the frontier.
  for (uint64_t i = 0; i < 400; i++) {
    loom_start_draw(&start, starts, &c, 5, i);
    loom_start_draw(&again, starts, &c, 5, i);
    assert_true(start.kind == again.kind && start.demo == again.demo && start.row == again.row &&
                start.attempt == again.attempt);
    kinds[start.kind]++;
    if (start.kind == LOOM_START_DEMO) assert_true(start.row >= c.demo[start.demo].frontier);
  }
  assert_true(kinds[LOOM_START_DEMO] > 150 && kinds[LOOM_START_DEMO] < 250 && !kinds[LOOM_START_FAILURE]);

  // It stays while most fail, moves back by a step when most succeed, and ends at the beginning.
  loomStart front = {.kind = LOOM_START_DEMO, .demo = 0, .row = c.demo[0].frontier, .frontier = true};
  for (int i = 0; i < 4 * def.window; i++) loom_curriculum_note(&c, starts, &front, false);
  assert_int_equal(c.demo[0].frontier, front.row);
  double before = loom_curriculum_progress(&c, starts);
  loom_curriculum_begin(&c, starts);
  for (int moved = 0; c.demo[0].frontier > 0; moved++) {
    int from = c.demo[0].frontier;
    front.row = from;
    for (int i = 0; i < def.window; i++) loom_curriculum_note(&c, starts, &front, true);
    assert_int_equal(c.demo[0].frontier, from > def.step ? from - def.step : 0);
    assert_true(moved < 1000);
  }
  assert_true(loom_curriculum_progress(&c, starts) > before && c.demo[1].frontier > 0);
  loom_starts_destroy(starts);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(success_must_hold),       cmocka_unit_test(the_first_breach_is_kept),
      cmocka_unit_test(terms_are_what_they_say), cmocka_unit_test(rewards_are_read),
      cmocka_unit_test(ranges_are_of_events),    cmocka_unit_test(demos_begin_as_they_were),
      cmocka_unit_test(hands_hold_on),           cmocka_unit_test(the_frontier_moves_back)};
  return cmocka_run_group_tests(tests, open_own, close_own);
}
