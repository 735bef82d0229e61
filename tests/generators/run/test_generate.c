// The main job, small: replay, segments, snapshots, generation that does not depend on threads or on being
// killed, verify.
#include "tests/file_fixture.h"
#include "tests/handover_fixture.h"

#include <math.h>
#include <unistd.h>

#include "generators/run/dtw.h"
#include "generators/run/generate.h"
#include "generators/source/segment.h"

static bool quick(void) {
  return getenv("LOOM_QUICK") != NULL;
}

static void recordings_replay(void** state) {
  handover* h = *state;
  int seen = 0, close = 0, succeed = 0, n = quick() ? 2 : 7;
  assert_int_equal(loom_dataset_demo_count(h->dataset), 7);
  for (int i = 0; i < n; i++) {
    loomError err = {0, ""};
    loomDemo demo;
    loomScene* scene = NULL;
    loomEpisode* episode;
    loomReplay states;
    loomActionReplay actions;

    // The scene as it was recorded, then both ways of replaying.
    must(loom_demo_load(&demo, h->dataset, i + (quick() ? 4 : 0), &err), &err);
    must(loom_replay_open(&scene, &episode, h->task, h->dataset, &demo, &h->roots, &err), &err);
    must(loom_replay_states(&states, episode, &demo, &err), &err);
    must(loom_replay_actions(&actions, episode, &demo, NULL, &err), &err);

    // Reached at all, within a milliradian for 50 steps, reached by action.
    seen += states.success_row >= 0;
    close += actions.joint_error_50 <= 1e-3;
    succeed += actions.success;

    loom_replay_destroy(&states);
    loom_episode_destroy(episode);
    loom_scene_destroy(scene);
    loom_demo_destroy(&demo);
  }

  // By state all succeed; by action contact makes the difference.
  assert_int_equal(seen, n);
  assert_true(close >= (quick() ? 2 : 6));
  assert_true(succeed >= (quick() ? 2 : 5));
}

typedef struct loaded {
  loomSourceSet sources;
  loomScene* scene;
} loaded;

static void load(loaded* l, handover* h) {
  loomError err = {0, ""};
  must(loom_sources_load(&l->sources, h->task, h->source, &h->roots, &err), &err);
  must(loom_scene_create(&l->scene, h->task, l->sources.model_xml, "model", l->sources.env_args, &h->roots,
                         &err),
       &err);
}

static void unload(loaded* l) {
  loom_scene_destroy(l->scene);
  loom_sources_destroy(&l->sources);
}

static void segments_cover_each_demo(void** state) {
  handover* h = *state;
  loaded l;
  load(&l, h);

  // Each arm's subtasks follow each other from the first row to the last.
  for (int i = 0; i < l.sources.n; i++) {
    const loomReplay* r = &l.sources.replay[i];
    for (int a = 0; a < 2; a++) {
      int at = 0;
      for (int k = 0; k < h->task->subtask_count[a]; k++) {
        assert_int_equal(loom_segment_start(r, a, k), at);
        assert_true(r->end[a][k] > at);
        at = r->end[a][k];
      }
      assert_int_equal(at, r->rows);
    }

    // Coordinated ones share their rows.
    for (int c = 0; c < h->task->rule_count; c++) {
      const loomRule* rule = &h->task->rules[c];
      if (rule->kind != LOOM_RULE_COORDINATED) continue;
      assert_int_equal(r->end[rule->arm_a][rule->subtask_a], r->end[rule->arm_b][rule->subtask_b]);
      assert_int_equal(loom_segment_start(r, rule->arm_a, rule->subtask_a),
                       loom_segment_start(r, rule->arm_b, rule->subtask_b));
    }
  }
  unload(&l);
}

// Attempts begin with sources that keep to the limits: some of the people's recordings press the hammer into
// the table.
static void recordings_beyond_limits_are_known(void** state) {
  loaded l;
  load(&l, *state);

  static const bool beyond[] = {true, true, true, true, false, false, true};
  assert_int_equal(l.sources.n, 7);
  for (int i = 0; i < l.sources.n; i++) {
    const loomReplay* r = &l.sources.replay[i];
    if ((r->quality.penetration > LOOM_PENETRATION_LIMIT) != beyond[i])
      fail_msg("%s: %g m deep", r->name, r->quality.penetration);

    assert_true(r->quality.joint_speed > 0.1 && r->quality.joint_speed < LOOM_JOINT_SPEED_LIMIT);
  }

  unload(&l);
}

static void resets_repeat_and_snapshots_restore(void** state) {
  handover* h = *state;
  loomError err = {0, ""};
  loaded l;
  loomEpisode *a, *b;
  double first[64], second[64],
      action[14] = {0.2, -0.1, 0.3, 0.1, 0, -0.2, 1, -0.3, 0.2, 0.1, 0, 0.1, 0.2, -1};

  // Two episodes of one scene.
  load(&l, h);
  must(loom_episode_create(&a, l.scene, &err), &err);
  must(loom_episode_create(&b, l.scene, &err), &err);

  // The same number is the same scene, whatever the episode did before.
  for (uint64_t i = 0; i < (quick() ? 3u : 30u); i++) {
    must(loom_episode_reset(a, 0, 11, i, &err), &err);
    must(loom_episode_reset(b, 0, 11, 100 - i, &err), &err);  // another one first: nothing of it may stay
    must(loom_episode_reset(b, 0, 11, i, &err), &err);
    loom_episode_state(first, a);
    loom_episode_state(second, b);
    assert_memory_equal(first, second, sizeof(double) * (size_t)a->state_dim);

    // The hammer's length is drawn from its range.
    double L = a->variables[0][1];
    assert_true(L >= 0.10 && L <= 0.25);
  }

  // A snapshot restored into another episode goes on as the first did.
  void* snapshot = malloc(loom_episode_snapshot_size(a));
  assert_non_null(snapshot);
  for (int t = 0; t < 10; t++) must(loom_episode_step(a, action, &err), &err);
  loom_episode_snapshot(snapshot, a);
  for (int t = 0; t < 10; t++) must(loom_episode_step(a, action, &err), &err);
  loom_episode_state(first, a);
  must(loom_episode_restore(b, snapshot, &err), &err);
  for (int t = 0; t < 10; t++) must(loom_episode_step(b, action, &err), &err);
  loom_episode_state(second, b);
  assert_memory_equal(first, second, sizeof(double) * (size_t)a->state_dim);

  // An action that is no number.
  action[3] = (double)NAN;
  assert_int_equal(loom_episode_step(a, action, &err), LOOM_ERR_FORMAT);

  free(snapshot);
  loom_episode_destroy(a);
  loom_episode_destroy(b);
  unload(&l);
}

static void generate(const loaded* l, const char* path, int threads, bool resume, int successes,
                     int attempts) {
  loomError err = {0, ""};
  loomGenerateReport report;
  loomGenerateDef def = loom_default_generate_def();

  // As asked.
  def.out = path;
  def.successes = successes;
  def.attempts = attempts;
  def.threads = threads;
  def.resume = resume;
  def.attempt.seed = 21;

  must(loom_generate(&report, l->scene, &l->sources, &def, &err), &err);
  loom_generate_report_destroy(&report);
}

static volatile sig_atomic_t stop_now;

static void stop_after_three(void* user, int64_t attempts, int64_t successes, double seconds) {
  (void)user;
  (void)successes;
  (void)seconds;
  if (attempts >= 3) stop_now = 1;
}

static void the_same_bytes_on_any_number_of_threads(void** state) {
  handover* h = *state;
  loaded l;
  load(&l, h);

  // Three files of one run.
  char dir[] = "/tmp/loom_generate_XXXXXX", path[3][64];
  size_t n[3];
  assert_non_null(mkdtemp(dir));
  for (int i = 0; i < 3; i++) snprintf(path[i], sizeof path[i], "%s/%d.hdf5", dir, i);

  // One thread, then three.
  int wanted = quick() ? 1 : 3;
  generate(&l, path[0], 1, false, wanted, 0);
  generate(&l, path[1], 3, false, wanted, 0);

  // A run that is stopped half-way and taken up again.

  loomError err = {0, ""};
  loomGenerateReport report;
  loomGenerateDef def = loom_default_generate_def();

  // The progress stops it after three attempts.
  def.out = path[2];
  def.successes = wanted;
  def.threads = 2;
  def.attempt.seed = 21;
  def.stop = &stop_now;
  def.progress = stop_after_three;

  must(loom_generate(&report, l.scene, &l.sources, &def, &err), &err);
  loom_generate_report_destroy(&report);
  generate(&l, path[2], 2, true, wanted, 0);

  // One file, three ways.
  char* bytes[3];
  for (int i = 0; i < 3; i++) bytes[i] = read_whole(path[i], &n[i]);
  assert_int_equal(n[0], n[1]);
  assert_memory_equal(bytes[0], bytes[1], n[0]);
  assert_int_equal(n[0], n[2]);
  assert_memory_equal(bytes[0], bytes[2], n[0]);
  for (int i = 0; i < 3; i++) free(bytes[i]);

  // Every demo replays bit for bit from its own file.
  loomDataset* made;
  must(loom_dataset_open(&made, path[0], &err), &err);
  assert_int_equal(loom_dataset_demo_count(made), wanted);
  for (int i = 0; i < wanted; i++) {
    loomDemo demo;
    loomScene* scene = NULL;
    loomEpisode* episode;
    loomActionReplay actions;
    must(loom_demo_load(&demo, made, i, &err), &err);
    must(loom_replay_open(&scene, &episode, h->task, made, &demo, &h->roots, &err), &err);
    must(loom_replay_actions(&actions, episode, &demo, NULL, &err), &err);
    assert_true(actions.identical);
    assert_true(actions.success_steps >= h->task->success_hold);
    loom_episode_destroy(episode);
    loom_scene_destroy(scene);
    loom_demo_destroy(&demo);
  }
  loom_dataset_close(made);

  // Ways of hands that did the same are apart, by less than the table is long.
  double apart;
  must(loom_dtw_spread(&apart, path[0], &err), &err);
  assert_true(wanted > 1 ? apart > 0.001 && apart < 1 : isnan(apart));
  for (int i = 0; i < 3; i++) unlink(path[i]);
  assert_int_equal(rmdir(dir), 0);  // and nothing else was left
  unload(&l);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(recordings_replay),
                                     cmocka_unit_test(segments_cover_each_demo),
                                     cmocka_unit_test(recordings_beyond_limits_are_known),
                                     cmocka_unit_test(resets_repeat_and_snapshots_restore),
                                     cmocka_unit_test(the_same_bytes_on_any_number_of_threads)};
  return cmocka_run_group_tests(tests, handover_open, handover_close);
}
