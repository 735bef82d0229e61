// Ranges that grow while a scripted expert copes: up to the mass that a gripper can lift, which is found by
// bisection beside it, and never past their limits.
#include "policies/agent/widen.h"

#include <math.h>

#include "engine/base/file.h"
#include "tests/own_fixture.h"

enum { STEPS = 130 };

// ---- the expert, for rollouts

static int create_expert(void** instance, void* self, loomEpisode* e, loomError* err) {
  (void)self, (void)e, (void)err;
  *instance = calloc(1, sizeof(loomExpert));
  return *instance ? 0 : LOOM_ERR_MEMORY;
}

static int begin_expert(loomPolicy* out, void* instance, loomEpisode* e, uint64_t seed, uint64_t number,
                        loomError* err) {
  int code = loom_expert_create(instance, e, seed, number, NULL, err);
  *out = loom_expert_policy(instance);
  return code;
}

static const loomPolicyMaker expert = {.create = create_expert, .begin = begin_expert, .destroy = free};

// ---- a task whose boxes all weigh the same

typedef struct alike {
  loomTask* task;
  loomScene* scene;
} alike;

static int open_alike(void** state) {
  static alike a;
  static const char range[] = "{s: [0.018, 0.025]}", one[] = "{s: [0.020, 0.020]}";
  loomError err = {0, ""};
  char label[LOOM_PATH_MAX], *xml = NULL, *text = NULL;
  size_t n = 0;

  must(loom_read_text(&text, &n, "tests/own/task.yaml", 1 << 20, &err), &err);
  for (char* at; (at = strstr(text, range));) memcpy(at, one, sizeof one - 1);
  n = strlen(text);

  must(loom_task_parse(&a.task, text, n, "tests/own/task.yaml", "tests/own/robots", &err), &err);
  make_room(a.task);

  must(loom_task_model(&xml, label, a.task, &(loomAssetRoots){0}, &err), &err);
  must(loom_scene_create(&a.scene, a.task, xml, label, NULL, &(loomAssetRoots){0}, &err), &err);
  free(text);
  free(xml);
  *state = &a;
  return 0;
}

static int close_alike(void** state) {
  alike* a = *state;
  loom_scene_destroy(a->scene);
  loom_task_destroy(a->task);
  return 0;
}

static loomDisturbTerm heavier(double limit) {
  return (loomDisturbTerm){.kind = LOOM_DISTURB_MASS,
                           .of = "box",
                           .range = {1, 1},
                           .log = true,
                           .limited = true,
                           .limits = {0.5, limit}};
}

static bool lifts(const alike* a, const loomDisturbSet* set, double mass) {
  loomRolloutReport report;
  loomDisturbPin pin = {0, mass};
  loomError err = {0, ""};
  loomRolloutDef def = {
      .n = 1, .seed = 32310, .first = 900, .max_steps = STEPS, .threads = 1, .disturb = set, .pins = &pin};
  must(loom_rollout(&report, a->scene, &expert, &def, &err), &err);
  bool success = report.rollout[0].end == LOOM_RUN_SUCCESS;
  loom_rollout_report_destroy(&report);
  return success;
}

// To 7 %.
static double most_mass(const alike* a, const loomDisturbSet* set) {
  double low = 1, high = 500;

  assert_true(lifts(a, set, low) && !lifts(a, set, high));
  while (high / low > 1.07) {
    double middle = sqrt(low * high);
    *(lifts(a, set, middle) ? &low : &high) = middle;
  }
  return low;
}

static loomWidened widen(const alike* a, const loomDisturbSet* set, int threads) {
  loomAdrDef adr = {.episodes = 2, .widen = 0.6, .narrow = 0.6, .steps = 10};
  loomWidened out;
  loomError err = {0, ""};
  loomRolloutDef def = {.seed = 32310, .max_steps = STEPS, .threads = threads, .disturb = set};

  must(loom_widen(&out, a->scene, &expert, &def, &adr, &err), &err);
  return out;
}

static void a_range_ends_at_what_the_gripper_lifts(void** state) {
  const alike* a = *state;
  loomDisturbTerm term = heavier(500);
  loomDisturbSet set = {.name = "heavy", .label = "made", .count = 1, .terms = &term};
  double most = most_mass(a, &set), step = exp(log(1000) / 10);
  loomWidened w = widen(a, &set, 1);
  const loomAdrRange* r = &w.adr.range[0];
  print_message("lifts %.1f, range [%g, %g], %d rounds\n", most, r->end[0], r->end[1], w.rounds);

  // What is a step further is too much.
  assert_true(r->end[1] < most * 1.07 && r->end[1] * step > most);
  assert_false(w.at_limit[0][1] || w.hopeless[0][1]);

  // Lighter ones it lifts all the same. The set itself is as it was.
  assert_true(w.at_limit[0][0] && r->end[0] == 0.5);
  assert_true(term.range[0] == 1 && term.range[1] == 1);
}

static void no_range_passes_its_limits(void** state) {
  const alike* a = *state;
  loomDisturbTerm term = heavier(1.3);
  loomDisturbSet set = {.name = "heavy", .label = "made", .count = 1, .terms = &term};
  term.limits[0] = 0.9;
  loomAdrDef adr = {.episodes = 1, .widen = 0.6, .narrow = 0.6, .steps = 2};
  loomRolloutDef def = {.seed = 32310, .max_steps = STEPS, .disturb = &set};
  loomWidened one, two;
  loomError err = {0, ""};
  def.threads = 1;

  must(loom_widen(&one, a->scene, &expert, &def, &adr, &err), &err);
  assert_true(one.adr.range[0].end[0] == 0.9 && one.adr.range[0].end[1] == 1.3);
  assert_true(one.at_limit[0][0] && one.at_limit[0][1]);

  // And is the same on two threads.
  def.threads = 2;

  must(loom_widen(&two, a->scene, &expert, &def, &adr, &err), &err);
  assert_memory_equal(&one, &two, sizeof one);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_range_ends_at_what_the_gripper_lifts),
      cmocka_unit_test(no_range_passes_its_limits),
  };
  return cmocka_run_group_tests(tests, open_alike, close_alike);
}
