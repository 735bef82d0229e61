// DAgger on the task of one's own (tests/own): teachers put right what others do wrong and say at their own
// states what they do; rounds raise success; gates, counts and files say the same; the same bytes on any
// number of threads, and after a stop.
#include "tests/own_fixture.h"

#include <math.h>
#include <sys/stat.h>

#include "generators/expert/guide.h"
#include "policies/learn/dagger_internal.h"
#include "tests/teacher_fixture.h"

enum { SEED = 5 };

static own* o;
static char folder[128];

static int open_all(void** state) {
  open_own(state);
  o = *state;

  // A folder of one's own, deleted as a whole.
  const char* tmp = getenv("TMPDIR");
  snprintf(folder, sizeof folder, "%s/loom-dagger-XXXXXX", tmp ? tmp : "/tmp");
  assert_non_null(mkdtemp(folder));
  return chdir(folder);
}

static int close_all(void** state) {
  char command[200];

  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  close_own(state);
  return system(command);
}

// ---- teachers

static int guide_create(void** instance, void* self, loomEpisode* e, loomError* err) {
  (void)self;
  (void)e;
  *instance = calloc(1, sizeof(loomGuide));
  return *instance ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "no memory");
}

static int guide_begin(loomPolicy* out, void* instance, loomEpisode* e, uint64_t seed, uint64_t number,
                       loomError* err) {
  (void)err;

  loom_guide_begin(instance, e, &o->sources, seed, number);
  *out = loom_guide_policy(instance);
  return 0;
}

static const loomPolicyMaker guide = {.create = guide_create, .begin = guide_begin, .destroy = free};

// One whose best answer is known: each hand to 15 cm above its object, as fast as it can.
static int reach_act(double* action, void* self, loomEpisode* e, loomError* err) {
  (void)self;
  (void)err;

  // Both hands, with grippers open.
  for (int a = 0; a < 2; a++, action += 7) {
    loomPose goal = loom_episode_eef(e, a);
    memcpy(goal.pos, loom_episode_object(e, a).pos, sizeof goal.pos);
    goal.pos[2] += 0.15;
    loom_arm_action_towards(action, &e->arms[a], loom_episode_eef(e, a), goal);
    action[6] = -1;
  }
  return 0;
}

static int reach_create(void** instance, void* self, loomEpisode* e, loomError* err) {
  (void)self;
  (void)e;
  *instance = malloc(1);
  return *instance ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "no memory");
}

static int reach_begin(loomPolicy* out, void* instance, loomEpisode* e, uint64_t seed, uint64_t number,
                       loomError* err) {
  (void)e;
  (void)seed;
  (void)number;
  (void)err;
  *out = (loomPolicy){instance, NULL, reach_act};
  return 0;
}

static const loomPolicyMaker reach = {.create = reach_create, .begin = reach_begin, .destroy = free};

// Somebody who does what the teacher says but for a while, when both arms are pulled aside and the hands
// open.
typedef struct clumsy {
  const loomPolicyMaker* teacher;
  void* instance;
  loomPolicy policy;
  int from, steps;
} clumsy;

static int clumsy_create(void** instance, void* self, loomEpisode* e, loomError* err) {
  clumsy* c = malloc(sizeof *c);

  *c = *(clumsy*)self;
  *instance = c;
  return c->teacher->create(&c->instance, c->teacher->self, e, err);
}

static int clumsy_act(double* action, void* self, loomEpisode* e, loomError* err) {
  clumsy* c = self;

  int code = c->policy.act(action, c->policy.self, e, err);

  // Pulled apart for a while.
  for (int a = 0; !code && e->steps >= c->from && e->steps < c->from + c->steps && a < 2; a++) {
    for (int i = 0; i < 7; i++) action[7 * a + i] = 0;
    action[7 * a + 1] = a ? 0.8 : -0.8;  // apart
    action[7 * a + 2] = 0.5;
    action[7 * a + 6] = -1;
  }

  return code;
}

static int clumsy_reset(void* self, loomEpisode* e, loomError* err) {
  clumsy* c = self;
  return c->policy.reset ? c->policy.reset(c->policy.self, e, err) : 0;
}

static int clumsy_begin(loomPolicy* out, void* instance, loomEpisode* e, uint64_t seed, uint64_t number,
                        loomError* err) {
  clumsy* c = instance;
  *out = (loomPolicy){c, clumsy_reset, clumsy_act};
  return c->teacher->begin(&c->policy, c->instance, e, seed, number, err);
}

static void clumsy_destroy(void* instance) {
  clumsy* c = instance;
  c->teacher->destroy(c->instance);
  free(c);
}

static int successes(const loomPolicyMaker* maker, int n) {
  loomRolloutReport report;
  loomError err = {0, ""};

  loomRolloutDef def = loom_default_rollout_def();
  def.n = n;
  def.seed = SEED;
  def.threads = 1;

  must(loom_rollout(&report, o->scene, maker, &def, &err), &err);
  int won = report.ends[LOOM_RUN_SUCCESS];
  loom_rollout_report_destroy(&report);
  return won;
}

// Pulled aside on the way, beside the object, and with it in the hand (which lets it fall): it still comes
// right.
static void teachers_put_it_right(void** state) {
  (void)state;
  static const loomPolicyMaker* const teachers[] = {&scripted, &guide};
  static const int from[] = {10, 25, 50};

  // Undisturbed all succeed.
  for (int k = 0; k < 2; k++) {
    assert_int_equal(successes(teachers[k], 5), 5);

    // Disturbed at each of the three moments most still do.
    int won = 0;
    for (int i = 0; i < 3; i++) {
      clumsy c = {.teacher = teachers[k], .from = from[i], .steps = 12};
      loomPolicyMaker maker = {
          .self = &c, .create = clumsy_create, .begin = clumsy_begin, .destroy = clumsy_destroy};
      won += successes(&maker, 4);
    }

    if (won < 11) fail_msg("teacher %d puts %d of 12 right", k, won);
  }
}

// In a hand that is led away it points back: the further off, the more.
static void labels_lead_back(void** state) {
  (void)state;
  static const loomPolicyMaker* const teachers[] = {&scripted, &guide};
  for (int k = 0; k < 2; k++) {
    loomError err = {0, ""};
    void* instance;
    loomPolicy policy;

    double label[LOOM_MAX_ACTION], push[LOOM_MAX_ACTION] = {0};
    must(loom_episode_reset(o->e, 0, SEED, 1, &err), &err);
    must(teachers[k]->create(&instance, NULL, o->e, &err), &err);
    must(teachers[k]->begin(&policy, instance, o->e, SEED, 1, &err), &err);
    must(policy.reset(policy.self, o->e, &err), &err);

    // Led there for 20 steps, then back.
    for (int t = 0; t < 60; t++) {
      must(policy.act(label, policy.self, o->e, &err), &err);

      if (t > 20) {
        memset(push, 0, sizeof push);
        push[0] = push[7] = t < 40 ? 0.6 : -0.6;  // along x, both arms
        push[6] = push[13] = -1;
      }

      // When furthest off.
      if (t == 39) assert_true(label[0] < -0.3 && label[7] < -0.3);
      must(loom_episode_step(o->e, t > 20 ? push : label, &err), &err);
    }

    teachers[k]->destroy(instance);
  }
}

// ---- rounds

static loomTrainConfig config(int steps) {
  static const char* const keys[] = {
      "object",          "robot0_eef_pos",      "robot0_eef_quat",    "robot1_eef_pos",
      "robot1_eef_quat", "robot0_gripper_qpos", "robot1_gripper_qpos"};
  loomTrainConfig c = loom_default_train_config(LOOM_KIND_BC_L2);

  for (int i = 0; i < 7; i++) snprintf(c.data.key[i], sizeof c.data.key[i], "%s", keys[i]);
  c.data.key_count = 7;

  c.policy.layers = (loomSizes){2, {64, 64}};
  c.train.epochs = 2;
  c.train.steps = steps / 2;
  c.train.batch = 64;
  c.train.threads = 1;

  c.optimizer.rate = 2e-3;
  c.optimizer.schedule = 1;
  return c;
}

static loomDaggerDef small(const loomTrainConfig* c, const char* name) {
  loomDaggerDef def = loom_default_dagger_def();

  def.config = c;
  def.scene = o->scene;
  def.expert = &scripted;
  def.expert_name = "scripted";
  def.env_args = "{}";
  def.folder = name;

  def.max_steps = 120;
  def.seed = SEED;
  def.rounds = 1;
  def.demos = 2;

  def.episodes = 3;
  def.evaluations = 3;
  def.threads = 1;
  def.safety.steps = 200;
  def.final_steps = 0;
  return def;
}

static void learn(loomDaggerReport* report, const loomDaggerDef* def) {
  loomError err = {0, ""};
  must(loom_dagger(report, def, &err), &err);
  assert_int_equal(report->n, def->rounds + 1);
}

static void same_file(const char* a, const char* b) {
  char command[400];

  snprintf(command, sizeof command, "cmp '%s' '%s'", a, b);
  if (system(command)) fail_msg("%s and %s differ", a, b);
}

// Rows of a round's file, and whether what was done is what the flags say.
static int64_t check_file(const char* path, int64_t* acted, bool whole) {
  loomError err = {0, ""};
  loomDataset* d;
  int64_t rows = 0;

  must(loom_dataset_open(&d, path, &err), &err);
  for (int i = 0; i < loom_dataset_demo_count(d); i++) {
    const char* demo = loom_dataset_demo_path(d, i);

    loomArray label, done, flag, deviation, obs;
    must(loom_dataset_doubles(&label, d, demo, "actions", &err), &err);
    must(loom_dataset_doubles(&done, d, demo, "executed", &err), &err);
    must(loom_dataset_doubles(&flag, d, demo, "intervention", &err), &err);
    must(loom_dataset_doubles(&deviation, d, demo, "deviation", &err), &err);
    must(loom_dataset_describe(&obs, d, demo, "obs/object", &err), &err);

    assert_int_equal(obs.shape[0], label.shape[0]);
    assert_int_equal(label.shape[1], 14);

    // What was done by the expert is the label.
    for (int64_t r = 0; r < label.shape[0]; r++) {
      bool expert = ((double*)flag.data)[r] > 0, same = true;
      double far = 0;
      for (int64_t k = 0; k < 14; k++) {
        double x = ((double*)label.data)[14 * r + k], y = ((double*)done.data)[14 * r + k];
        same = same && x == y;
        far += (x - y) * (x - y);
      }

      *acted += expert;
      if (expert) assert_true(same);

      // What the novice did is as far from the label as the file says.
      if (!expert) assert_true(fabs(sqrt(far) - ((double*)deviation.data)[r]) < 1e-12);
      if (!whole) assert_true(expert);
    }

    rows += label.shape[0];
    loom_array_destroy(&label);
    loom_array_destroy(&done);
    loom_array_destroy(&flag);
    loom_array_destroy(&deviation);
  }

  loom_dataset_close(d);
  return rows;
}

static void counts_are_the_files(void** state) {
  (void)state;
  loomTrainConfig c = config(60);
  for (int gate = LOOM_GATE_MIXTURE; gate < LOOM_GATES; gate++) {
    char name[32], path[64];

    // Each gate in a run of its own.
    snprintf(name, sizeof name, "gate%d", gate);
    loomDaggerDef def = small(&c, name);
    loomDaggerReport report;

    def.gate = (loomGateKind)gate;
    def.demos = 5;
    def.members = 2;
    def.doubt = 0.02;
    def.beta = 0.3;
    def.safety.tau = 0.8;
    learn(&report, &def);

    for (int i = 0; i < 2; i++) {
      const loomDaggerRound* r = &report.round[i];
      int64_t acted = 0;

      // What the file holds is what the report says.
      snprintf(path, sizeof path, "%s/round_%d.hdf5", name, i);
      assert_int_equal(check_file(path, &acted, !i || gate == LOOM_GATE_MIXTURE), r->queries);
      assert_int_equal(acted, r->expert_steps);
      assert_int_equal(r->episodes, i ? 3 : 5);

      assert_true(r->caught <= r->off && r->off <= r->steps && r->expert_steps <= r->queries);

      // Round 0 is the expert's demos.
      if (!i) assert_true(r->expert_steps == r->steps && r->queries == r->steps && r->deviation == 0);

      // A mixture labels every row, the others only those that the expert acts in.
      if (i && gate == LOOM_GATE_MIXTURE) {
        assert_int_equal(r->queries, r->steps);
        double share = (double)r->expert_steps / (double)r->steps;  // 0.3 of 300 steps and more
        assert_true(share > 0.2 && share < 0.4);
      }
      if (i && gate != LOOM_GATE_MIXTURE) assert_int_equal(r->queries, r->expert_steps);
    }

    loom_dagger_report_destroy(&report);
  }
}

// A classifier that is sure that all is safe, or that nothing is.
static void thresholds_open_and_close_the_gate(void** state) {
  (void)state;
  loomTrainConfig c = config(60);
  for (int i = 0; i < 2; i++) {
    loomDaggerReport report;
    loomDaggerDef def = small(&c, i ? "always" : "never");
    def.gate = LOOM_GATE_SAFETY;

    def.safety.threshold = i ? 0 : 1;
    def.episodes = 2;
    learn(&report, &def);

    // All steps or none.
    assert_int_equal(report.round[1].expert_steps, i ? report.round[1].steps : 0);
    assert_int_equal(report.round[1].caught, i ? report.round[1].off : 0);
    if (i) assert_int_equal(report.round[1].successes, 2);

    loom_dagger_report_destroy(&report);
  }

  // Nothing was added, so no file was written.
  assert_int_not_equal(access("never/round_1.hdf5", F_OK), 0);
}

// The classifier learns from demos that were kept from the novice, be they few: a poor novice is caught from
// the first round on. While there are none the expert goes on showing demos, which can then be kept.
static void a_poor_novice_is_caught(void** state) {
  (void)state;
  loomTrainConfig c = config(400);
  for (int demos = 1; demos < (getenv("LOOM_QUICK") ? 2 : 4); demos += 2) {
    loomDaggerReport report;
    loomDaggerDef def = small(&c, demos == 1 ? "one" : "few");
    def.gate = LOOM_GATE_SAFETY;
    def.demos = demos;
    learn(&report, &def);

    const loomDaggerRound* r = &report.round[1];
    assert_true(r->off > r->steps / 2 && r->caught > r->off / 2);
    if (demos == 1) assert_int_equal(r->expert_steps, r->steps);

    // One demo is for the novice; of three some are kept.
    assert_int_equal(access(demos == 1 ? "one/safety_0.safetensors" : "few/safety_0.safetensors", F_OK),
                     demos == 1 ? -1 : 0);

    loom_dagger_report_destroy(&report);
  }
  assert_int_equal(access("one/safety_1.safetensors", F_OK), 0);
}

static void disagreement_of_known_actions(void** state) {
  (void)state;
  const double same[] = {0.5, -1, 0.5, -1}, apart[] = {1, 0, 0, -1, 0, 0, 0, 0, 0};

  assert_true(loom_gate_disagreement(same, 2, 2) == 0);

  // Three members say 1, -1 and 0: a variance of 2/3.
  assert_true(fabs(loom_gate_disagreement(apart, 3, 3) - sqrt(2.0 / 3)) < 1e-15);
}

static int stop_at;
static volatile sig_atomic_t stopped;
static void stop_there(void* user, int round, const char* what, int64_t done, int64_t total) {
  (void)user;
  (void)total;
  static const char* const at[] = {"collects", "trains", "is measured"};
  stopped = stopped || (round == 1 && !strcmp(what, at[stop_at]) && done > 0);
}

// In one folder each, so that paths in the files are the same.
static void same_bytes(void** state) {
  (void)state;
  loomTrainConfig c = config(60);
  static const char* const files[] = {"round_0.hdf5",         "round_1.hdf5",      "round_2.hdf5",
                                      "best.safetensors",     "final.safetensors", "round_2.safetensors",
                                      "safety_2.safetensors", "errors_2.csv",      "settings.yaml"};
  // Once more, by three threads, and stopped on the way.
  for (int i = 0; i < 3; i += getenv("LOOM_QUICK") ? 2 : 1) {
    loomDaggerReport report;

    loomError err = {0, ""};
    char dir[8] = {(char)('a' + i), 0};
    assert_int_equal(mkdir(dir, 0777), 0);
    assert_int_equal(chdir(dir), 0);

    loomDaggerDef def = small(&c, "run");
    def.gate = LOOM_GATE_SAFETY;
    def.demos = 5;
    def.rounds = 2;
    def.final_steps = 80;
    def.threads = i == 1 ? 3 : 1;

    if (i == 2) {  // stopped while it collects, trains and measures, then a round more
      def.progress = stop_there;
      def.stop = &stopped;
      def.resume = true;

      // Three stops, each resumed.
      for (stop_at = 0; stop_at < 3; stop_at++) {
        stopped = 0;
        assert_int_equal(loom_dagger(&report, &def, &err), LOOM_ERR_INTERRUPTED);
      }

      // One round is finished.
      def.rounds = 1;
      def.stop = NULL;
      learn(&report, &def);
      loom_dagger_report_destroy(&report);
      def.rounds = 2;
    }

    learn(&report, &def);
    assert_int_equal(report.final.evaluated, 3);
    assert_int_equal(report.final.round, 2);

    // Whichever has most successes is the best.
    if (report.final.succeeded >= report.round[report.best].succeeded)
      same_file("run/best.safetensors", "run/final.safetensors");
    loom_dagger_report_destroy(&report);

    assert_int_equal(access("run/rounds.png", F_OK), 0);
    assert_int_equal(chdir(".."), 0);

    // But for times, the same as the first run's.
    for (size_t k = 0; i && k < sizeof files / sizeof *files; k++) {
      char a[64], b[64];
      snprintf(a, sizeof a, "a/run/%s", files[k]);
      snprintf(b, sizeof b, "%s/run/%s", dir, files[k]);
      same_file(a, b);
    }

    if (i) {
      char command[200];
      snprintf(command, sizeof command,
               "cut -d, -f1-17 a/run/rounds.csv >a.csv; cut -d, -f1-17 %s/run/rounds.csv >b.csv", dir);
      assert_int_equal(system(command), 0);
      same_file("a.csv", "b.csv");
    }
  }
}

// Two demos are too few to know the way from everywhere; what DAgger adds brings the novice to the known best
// answer, where it is itself.
static void deviation_falls(void** state) {
  (void)state;
  loomTrainConfig c = config(1200);
  loomDaggerReport report;
  loomDaggerDef def = small(&c, "falls");

  if (getenv("LOOM_QUICK")) return;

  def.expert = &reach;
  def.expert_successes = 0;  // it only reaches
  def.max_steps = 40;
  def.rounds = 3;
  def.episodes = 10;
  def.evaluations = 10;
  def.beta = 0;

  learn(&report, &def);
  double first = report.round[0].error, last = report.round[3].error;
  if (!(first > 0.5 && last < 0.4 * first)) fail_msg("%g at first, %g in the end", first, last);

  loom_dagger_report_destroy(&report);
}

// ---- settings

// The text of folders that were begun before the fields were in a table, byte by byte, so that they go on.
static void settings_stay_as_they_were(void** state) {
  (void)state;
  static const char* const of_gate[LOOM_GATES] = {
      [LOOM_GATE_MIXTURE] = "gate: mixture\nbeta: 0.90000000000000002\n",
      [LOOM_GATE_SAFETY] = "gate: safety\nthreshold: 0.5\nsafety_hidden: 64\nsafety_steps: 200\n",
      [LOOM_GATE_ENSEMBLE] = "gate: ensemble\nmembers: 3\ndoubt: 0.20000000000000001\n",
  };
  const loomTask* task = o->scene->task;
  loomTrainConfig c = config(60);
  loomDaggerDef def = small(&c, "anywhere");

  // Each round trains in a folder of its own: its name is left out.
  loomTrainConfig trained = c;
  strcpy(trained.checkpoint.folder, "runs");
  char* training = loom_train_config_text(&trained);
  assert_non_null(training);

  for (int gate = LOOM_GATE_MIXTURE; gate < LOOM_GATES; gate++) {
    char expected[16384];
    def.gate = (loomGateKind)gate;
    int n =
        snprintf(expected, sizeof expected,
                 "task: %s  # %016llx\nexpert: scripted\nreset: %s\nmax_steps: 120\nseed: 5\ndemos: 2\n"
                 "episodes: 3\nevaluations: 3\nevaluation_seed: 1000\ntau: 0.29999999999999999\n%s"
                 "final_steps: 0\n---\n%s",
                 task->name, (unsigned long long)task->digest, task->resets[0].name, of_gate[gate], training);
    assert_in_range(n, 1, sizeof expected - 1);

    char* text = loom_dagger_settings(&def);
    assert_string_equal(text, expected);
    free(text);

    // More rounds are the same run.
    def.rounds++;
    text = loom_dagger_settings(&def);
    assert_string_equal(text, expected);
    free(text);
  }

  // A task's own number of steps is the same, given or not.
  def.max_steps = 0;
  char* unsaid = loom_dagger_settings(&def);
  def.max_steps = task->max_steps;
  char* said = loom_dagger_settings(&def);
  assert_string_equal(said, unsaid);

  free(said);
  free(unsaid);
  free(training);
}

// Numbers out of their ranges, by name; what another gate uses is not looked at.
static void numbers_are_checked(void** state) {
  (void)state;
  loomTrainConfig c = config(60);
  loomError err = {0, ""};
  const loomDaggerDef good = small(&c, "never");
  loomDaggerDef def = good;
  assert_int_equal(loom_dagger_check(&def, &err), LOOM_OK);

  def.beta = 1.5;
  assert_int_equal(loom_dagger_check(&def, &err), LOOM_ERR_USAGE);
  assert_non_null(strstr(err.message, "'beta' has to be a number from 0 to 1"));
  def.gate = LOOM_GATE_SAFETY;
  assert_int_equal(loom_dagger_check(&def, &err), LOOM_OK);

  def = good;
  def.members = 1;
  assert_int_equal(loom_dagger_check(&def, &err), LOOM_OK);
  def.gate = LOOM_GATE_ENSEMBLE;
  assert_int_equal(loom_dagger_check(&def, &err), LOOM_ERR_USAGE);
  assert_non_null(strstr(err.message, "'members' has to be a whole number from 2 to 16"));

  def = good;
  def.rounds = -1;
  assert_int_equal(loom_dagger_check(&def, &err), LOOM_ERR_USAGE);
  assert_non_null(strstr(err.message, "'rounds'"));

  // Gates of demos and of evaluation are none of a run.
  def = good;
  def.gate = LOOM_GATE_NOVICE;
  assert_int_equal(loom_dagger_check(&def, &err), LOOM_ERR_USAGE);
}

// ---- the expert comes first

// Before any round, on as many of the starts as are asked for; a run that goes on tells it again.
static void the_expert_is_measured_first(void** state) {
  (void)state;
  loomTrainConfig c = config(20);
  loomDaggerDef def = small(&c, "first");
  def.rounds = 0;
  def.demos = def.evaluations = 1;
  def.expert_episodes = 2;
  def.expert_measured = hear_expert;
  def.progress = hear_progress;

  for (int i = 0; i < 2; i++) {
    loomDaggerReport report;
    expertTold x = {0};
    def.user = &x;
    def.resume = i > 0;
    learn(&report, &def);

    assert_true(x.told == 1 && !x.before);
    assert_true(x.evaluated == 2 && x.succeeded == 2);
    assert_true(report.evaluated == 2 && report.succeeded == 2);
    loom_dagger_report_destroy(&report);
  }
}

static void what_is_refused(void** state) {
  (void)state;
  loomTrainConfig c = config(60);
  loomDaggerReport report;
  loomError err = {0, ""};
  loomDaggerDef def = small(&c, "a/run");

  // A share over 1.
  def.beta = 2;
  assert_int_equal(loom_dagger(&report, &def, &err), LOOM_ERR_USAGE);

  // A folder of another run.
  def.beta = 0.5;
  assert_int_equal(loom_dagger(&report, &def, &err), LOOM_ERR_USAGE);
  assert_non_null(strstr(err.message, "holds a run already"));

  def.resume = true;
  assert_int_equal(loom_dagger(&report, &def, &err), LOOM_ERR_USAGE);
  assert_non_null(strstr(err.message, "other settings"));

  // No demos and no experts' steps.
  def = small(&c, "nothing");
  def.demos = 0;
  assert_int_equal(loom_dagger(&report, &def, &err), LOOM_ERR_USAGE);
  assert_non_null(strstr(err.message, "nothing to learn from"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(teachers_put_it_right),
      cmocka_unit_test(labels_lead_back),
      cmocka_unit_test(counts_are_the_files),
      cmocka_unit_test(thresholds_open_and_close_the_gate),
      cmocka_unit_test(a_poor_novice_is_caught),
      cmocka_unit_test(disagreement_of_known_actions),
      cmocka_unit_test(same_bytes),
      cmocka_unit_test(deviation_falls),
      cmocka_unit_test(settings_stay_as_they_were),
      cmocka_unit_test(numbers_are_checked),
      cmocka_unit_test(the_expert_is_measured_first),
      cmocka_unit_test(what_is_refused),
  };
  if (getenv("LOOM_ONLY")) cmocka_set_test_filter(getenv("LOOM_ONLY"));
  return cmocka_run_group_tests(tests, open_all, close_all);
}
