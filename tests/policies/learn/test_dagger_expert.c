// Experts that a run of DAgger should not begin with, or should begin with warned: measured and told before
// anything is learned, whatever they do.
#include "tests/expert_fixture.h"

#include <math.h>

#include "policies/learn/dagger_internal.h"
#include "tests/teacher_fixture.h"

enum { SEED = 5, ALONE = 2, STEPS = 120, LATER = 7, BAD = 3 };

static char folder[128];

static int make_folder(void** state) {
  (void)state;
  const char* tmp = getenv("TMPDIR");
  snprintf(folder, sizeof folder, "%s/loom-dagger-XXXXXX", tmp ? tmp : "/tmp");
  return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void** state) {
  (void)state;
  char command[200];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  return system(command);
}

// ---- experts

typedef enum fault { FINE, ENDS_EVERY_OTHER, ENDS_AT_ONCE, NAN_AT_ONCE, NAN_LATER } fault;

// The scripted one, but for a fault.
typedef struct faulty {
  loomExpert expert;
  loomPolicy policy;
  fault fault;
  uint64_t number;
} faulty;

static int faulty_create(void** instance, void* self, loomEpisode* e, loomError* err) {
  (void)e;
  faulty* x = calloc(1, sizeof *x);
  *instance = x;
  if (!x) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory");

  x->fault = *(const fault*)self;
  return 0;
}

static int faulty_reset(void* self, loomEpisode* e, loomError* err) {
  faulty* x = self;
  return x->policy.reset(x->policy.self, e, err);
}

static int faulty_act(double* action, void* self, loomEpisode* e, loomError* err) {
  faulty* x = self;
  if (x->fault == ENDS_AT_ONCE || (x->fault == ENDS_EVERY_OTHER && x->number % 2)) return LOOM_POLICY_DONE;

  int code = x->policy.act(action, x->policy.self, e, err);
  if (x->fault == NAN_AT_ONCE || (x->fault == NAN_LATER && e->steps == LATER)) action[BAD] = NAN;
  return code;
}

static int faulty_begin(loomPolicy* out, void* instance, loomEpisode* e, uint64_t seed, uint64_t number,
                        loomError* err) {
  faulty* x = instance;
  x->number = number;
  *out = (loomPolicy){x, faulty_reset, faulty_act};
  return scripted_begin(&x->policy, &x->expert, e, seed, number, err);
}

// ---- what comes of them

typedef struct expertCase {
  const char* name;
  fault fault;
  bool waits;  // for what never comes
  int least;   // successes that are asked for
  int code;
  const char* said[2];  // the second by the run that measures alone
  int succeeded;        // of ALONE; -1: it is not told how many
} expertCase;

static const expertCase cases[] = {
    {"fine", FINE, false, 1, LOOM_OK, {"", ""}, 2},
    {"weak", ENDS_EVERY_OTHER, false, 1, LOOM_OK, {"", ""}, 1},
    {"too-weak", ENDS_EVERY_OTHER, false, 2, LOOM_ERR_UNSUPPORTED, {"1 of 2 succeed", "1 done"}, 1},
    {"none", ENDS_AT_ONCE, false, 1, LOOM_ERR_UNSUPPORTED, {"expert none: 0 of 2 succeed", "2 done"}, 0},
    {"waits", FINE, true, 1, LOOM_ERR_UNSUPPORTED, {"0 of 2 succeed in at most 120 steps", "2 timeout"}, 0},
    {"allowed", FINE, true, 0, LOOM_OK, {"", ""}, 0},
    {"nan",
     NAN_AT_ONCE,
     false,
     1,
     LOOM_ERR_FORMAT,
     {"expert nan: episode", "expert's action[3] at control step 0"},
     -1},
    {"nan-later",
     NAN_LATER,
     false,
     0,
     LOOM_ERR_FORMAT,
     {"expert nan-later", "action[3] at control step 7 is not a finite"},
     -1},
    {"more", FINE, false, ALONE + 1, LOOM_ERR_USAGE, {"'expert_successes', 3, is more than the 2", ""}, -1},
};

// The task of tests/own, and one whose arm 0 waits with its box for what never comes.
static void write_waiting(char task[160]) {
  static const char closes[] = "{grip: close, stay: 12}",
                    waits[] = "{grip: close, stay: 12, until: {height: {of: box, above: 9}}}";
  char text[8192] = {0}, command[400];
  FILE* f = fopen("tests/own/task.yaml", "rb");
  assert_true(f && fread(text, 1, sizeof text - 1, f) > 0);
  fclose(f);
  char* at = strstr(text, closes);
  assert_non_null(at);

  snprintf(task, 160, "%s/task.yaml", folder);
  f = fopen(task, "wb");
  assert_true(f && fprintf(f, "%.*s%s%s", (int)(at - text), text, waits, at + strlen(closes)) > 0);
  assert_int_equal(fclose(f), 0);
  snprintf(command, sizeof command, "cp tests/own/scene.xml '%s'", folder);
  assert_int_equal(system(command), 0);
}

static loomTrainConfig config_of_few_steps(void) {
  static const char* const keys[] = {"object", "robot0_eef_pos", "robot1_eef_pos"};
  loomTrainConfig c = loom_default_train_config(LOOM_KIND_BC_L2);
  c.data.key_count = sizeof keys / sizeof *keys;
  for (int i = 0; i < c.data.key_count; i++) snprintf(c.data.key[i], sizeof c.data.key[i], "%s", keys[i]);

  c.policy.layers = (loomSizes){1, {16}};
  c.train.epochs = 1;
  c.train.steps = 5;
  c.train.batch = 16;
  c.train.threads = 1;
  return c;
}

static void check_case(const expertCase* c, const expertScene* s, bool again) {
  char name[200], file[240];
  loomTrainConfig config = config_of_few_steps();
  loomDaggerReport report;
  loomError err = {0, ""};
  expertTold x = {0};

  snprintf(name, sizeof name, "%s/%s", folder, c->name);
  fault kind = c->fault;
  loomPolicyMaker expert = {.self = &kind, .create = faulty_create, .begin = faulty_begin, .destroy = free};
  loomDaggerDef def = loom_default_dagger_def();
  def.config = &config;
  def.scene = s->scene;
  def.expert = &expert;
  def.expert_name = c->name;
  def.env_args = "{}";
  def.folder = name;

  // A round of one demo is all that could be learned from.
  def.max_steps = STEPS;
  def.seed = def.evaluation_seed = SEED;
  def.rounds = def.final_steps = 0;
  def.demos = def.evaluations = 1;
  def.expert_episodes = ALONE;
  def.expert_successes = c->least;
  def.threads = 1;
  def.resume = again;
  def.expert_measured = hear_expert;
  def.progress = hear_progress;
  def.user = &x;

  int code = loom_dagger(&report, &def, &err);
  if (code != c->code || !strstr(err.message, c->said[0]) || !(again || strstr(err.message, c->said[1])))
    fail_msg("%s: %d, '%s'", c->name, code, err.message);

  // Told with its figure, and in the report of a run that goes on; nothing was begun in one that does not.
  assert_int_equal(x.told, c->succeeded >= 0);
  if (x.told) assert_true(x.evaluated == ALONE && x.succeeded == c->succeeded);
  if (!code) assert_true(report.evaluated == ALONE && report.succeeded == c->succeeded && report.n == 1);
  snprintf(file, sizeof file, "%s/round_0.hdf5", name);
  assert_int_equal(x.rounds > 0, !code && !again);
  assert_int_equal(access(file, F_OK), code ? -1 : 0);
  loom_dagger_report_destroy(&report);
}

static void experts_are_judged_before_a_round(void** state) {
  (void)state;
  expertScene own, waiting;
  char task[160];
  write_waiting(task);
  open_expert_scene(&own, "tests/own/task.yaml", "tests/own/robots");
  open_expert_scene(&waiting, task, "tests/own/robots");

  // A run that goes on is told the same again, from what was measured.
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const expertCase* c = &cases[i];
    check_case(c, c->waits ? &waiting : &own, false);
    if (c->succeeded >= 0) check_case(c, c->waits ? &waiting : &own, true);
  }

  close_expert_scene(&waiting);
  close_expert_scene(&own);
}

// A table that says what cannot be is as none.
static void an_odd_table_is_measured_again(void** state) {
  (void)state;
  static const char* const odd[] = {"", "0,0", "-1,-1", "2,3", "nan,1", "1e99,1", "2"};
  expertScene own;
  open_expert_scene(&own, "tests/own/task.yaml", "tests/own/robots");

  for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
    char path[200];
    loomDaggerReport report = {0};
    loomError err = {0, ""};
    fault kind = ENDS_AT_ONCE;
    loomPolicyMaker expert = {.self = &kind, .create = faulty_create, .begin = faulty_begin, .destroy = free};
    loomDaggerDef def = loom_default_dagger_def();
    def.scene = own.scene;
    def.expert = &expert;
    def.expert_name = "odd";
    def.folder = folder;
    def.evaluations = ALONE;
    def.expert_successes = 0;

    snprintf(path, sizeof path, "%s/expert.csv", folder);
    FILE* f = fopen(path, "wb");
    assert_true(f && fprintf(f, "evaluated,succeeded\n%s\n", odd[i]) > 0);
    assert_int_equal(fclose(f), 0);
    must(loom_dagger_measure_expert(&report, &def, &err), &err);
    if (report.evaluated != ALONE || report.succeeded) fail_msg("'%s': %d", odd[i], report.evaluated);
  }
  close_expert_scene(&own);
}

// ---- novices

static int nan_act(double* action, void* self, loomEpisode* e, loomError* err) {
  (void)self;
  (void)err;
  for (int i = 0; i < e->action_dim; i++) action[i] = i == BAD ? NAN : 0;
  return 0;
}

static int nan_begin(loomPolicy* out, void* instance, loomEpisode* e, uint64_t seed, uint64_t number,
                     loomError* err) {
  (void)e;
  (void)seed;
  (void)number;
  (void)err;
  *out = (loomPolicy){instance, NULL, nan_act};
  return 0;
}

// Held to a range it would look like the largest action there is.
static void a_novice_that_says_no_number_is_told(void** state) {
  (void)state;
  expertScene own;
  loomGate gate;
  loomRolloutReport report;
  loomError err = {0, ""};
  loomTrained none = {0};
  open_expert_scene(&own, "tests/own/task.yaml", "tests/own/robots");

  loomGateDef def = {.kind = LOOM_GATE_NOVICE, .expert = scripted, .members = 1, .member = {&none}};
  loomRolloutDef roll = loom_default_rollout_def();
  roll.n = 1;
  must(loom_gate_create(&gate, &def, own.scene, 0, 1, STEPS, &err), &err);
  gate.novice[0] = (loomPolicyMaker){.create = scripted_create, .begin = nan_begin, .destroy = free};
  loomPolicyMaker maker = loom_gate_maker(&gate);
  assert_int_equal(loom_rollout(&report, own.scene, &maker, &roll, &err), LOOM_ERR_FORMAT);
  assert_string_equal(err.message,
                      "episode 0: the novice's action[3] at control step 0 is not a finite number");

  loom_gate_destroy(&gate);
  close_expert_scene(&own);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(experts_are_judged_before_a_round),
      cmocka_unit_test(an_odd_table_is_measured_again),
      cmocka_unit_test(a_novice_that_says_no_number_is_told),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
