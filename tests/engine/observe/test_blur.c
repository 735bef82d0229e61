// What is seen of episodes that are disturbed, against what there is to see: numbers with noise, late or not
// at all, and the same of pictures and clouds, which a recorded episode shows again to the bit.
#include "engine/observe/blur.h"

#include <math.h>

#include "engine/base/random.h"
#include "engine/observe/glimpse.h"
#include "engine/observe/sense.h"
#include "tests/own_fixture.h"

enum { STEPS = 12, SIZE = 16, RGB = 3 * SIZE * SIZE, POINTS = 40, SEED = 5, NUMBER = 3 };

static const loomObsKey state_keys[] = {{.name = "robot0_eef_pos"}, {.name = "object"}};

// Episodes know sets by where they are: each has a place of its own.
static const loomDisturbSet* set_of(const loomDisturbTerm* terms, int n) {
  enum { SETS = 16, TERMS = 9 };
  static loomDisturbSet set[SETS];
  static loomDisturbTerm term[SETS][TERMS];
  static int used;

  assert_true(used < SETS && n <= TERMS);
  memcpy(term[used], terms, sizeof *terms * (size_t)n);
  set[used] = (loomDisturbSet){.label = "made.yaml", .count = n, .terms = term[used]};
  return &set[used++];
}

static void begin(own* o, const loomDisturbSet* set) {
  loomError err = {0, ""};

  must(loom_episode_reset(o->e, 0, SEED, NUMBER, &err), &err);
  must(loom_disturb_begin(o->e, set, SEED, NUMBER, NULL, &err), &err);
}

// Something moves all the time.
static void step(own* o) {
  loomError err = {0, ""};
  double action[LOOM_MAX_ACTION];
  for (int i = 0; i < o->e->action_dim; i++) action[i] = 0.3;

  must(loom_disturb_step(o->e, &err), &err);
  must(loom_episode_step(o->e, action, &err), &err);
}

// ---- numbers

/// Rows (STEPS x dim) of an episode: as they are, and as they are seen.
typedef struct rows {
  int n, dim;
  loomObsKey key[2];
  double* is;
  float* seen;
} rows;

static void look_at(rows* out, own* o, const loomDisturbSet* set) {
  loomError err = {0, ""};
  loomObserver *plain, *blurred;
  begin(o, set);

  // One that nobody told of the disturbance sees what there is.
  must(loom_observer_create(&plain, o->e, state_keys, 2, NULL, &err), &err);
  must(loom_observer_create(&blurred, o->e, state_keys, 2, NULL, &err), &err);
  must(loom_observer_begin(blurred, o->e, &err), &err);
  memcpy(out->key, loom_observer_keys(plain, &out->n), sizeof out->key);
  out->dim = loom_observer_dim(plain);
  out->is = calloc((size_t)STEPS * (size_t)out->dim, sizeof *out->is);
  out->seen = calloc((size_t)STEPS * (size_t)out->dim, sizeof *out->seen);
  float* again = calloc((size_t)out->dim, sizeof *again);

  for (int t = 0; t < STEPS; t++) {
    float* seen = out->seen + (ptrdiff_t)t * out->dim;
    loom_observer_see_doubles(out->is + (ptrdiff_t)t * out->dim, plain, o->e);
    loom_observer_see(seen, blurred, o->e);

    // A second look shows the same.
    loom_observer_see(again, blurred, o->e);
    assert_memory_equal(seen, again, sizeof *seen * (size_t)out->dim);
    step(o);
  }
  free(again);
  loom_observer_destroy(plain);
  loom_observer_destroy(blurred);
}

static void forget(rows* r) {
  free(r->is);
  free(r->seen);
}

// Whether the row seen at t is that of control step `from`, as it was.
static bool is_row(const rows* r, int t, int from) {
  bool is = true;
  for (int i = 0; i < r->dim; i++) is = is && r->seen[t * r->dim + i] == (float)r->is[from * r->dim + i];
  return is;
}

static bool is_last(const rows* r, int t) {
  size_t bytes = sizeof *r->seen * (size_t)r->dim;
  return !memcmp(r->seen + (ptrdiff_t)t * r->dim, r->seen + (ptrdiff_t)(t - 1) * r->dim, bytes);
}

// Normal numbers of the stream of seed and episode, of each step's own part of it.
static void noise_is_of_its_seed(void** state) {
  own* o = *state;
  loomDisturbTerm terms[] = {{.kind = LOOM_DISTURB_OBSERVATION_NOISE, .of = "object", .range = {0.01, 0.01}},
                             {.kind = LOOM_DISTURB_OBSERVATION_NOISE, .of = "robot0_eef_pos"}};
  rows r;
  look_at(&r, o, set_of(terms, 2));

  double most = 0;
  for (int t = 0; t < STEPS; t++) {
    loomRandom random = loom_random(SEED, NUMBER, LOOM_PURPOSE_BLUR);
    random.draw = (uint32_t)t << 14;
    loom_random_uniform(&random);
    for (int i = 0; i < r.dim; i++) {
      double noise = (i < r.key[1].offset ? 0 : 0.01) * loom_random_normal(&random);
      assert_true(r.seen[t * r.dim + i] == (float)(r.is[t * r.dim + i] + noise));
      most = fmax(most, fabs(noise));
    }
  }
  assert_true(most > 0.01 && most < 0.06);
  forget(&r);
}

static void delay_shows_what_was(void** state) {
  own* o = *state;
  loomDisturbTerm term = {.kind = LOOM_DISTURB_OBSERVATION_DELAY, .range = {3, 3}};
  rows r;
  look_at(&r, o, set_of(&term, 1));
  for (int t = 0; t < STEPS; t++) {
    assert_true(is_row(&r, t, t < 3 ? 0 : t - 3));
    assert_true(t < 3 || !is_row(&r, t, t));
  }
  forget(&r);
}

static void dropout_holds_what_was_seen_last(void** state) {
  own* o = *state;
  loomDisturbTerm terms[] = {{.kind = LOOM_DISTURB_OBSERVATION_DROPOUT, .range = {0.5, 0.5}},
                             {.kind = LOOM_DISTURB_OBSERVATION_NOISE, .range = {0.01, 0.01}}};
  rows r, noisy;
  look_at(&r, o, set_of(terms, 1));

  int lost = 0;
  for (int t = 0; t < STEPS; t++) {
    bool here = is_row(&r, t, t);
    assert_true(here || (t && is_last(&r, t)));
    lost += !here;
  }
  assert_in_range(lost, 2, STEPS - 3);

  // With the noise that it had, at the same steps.
  look_at(&noisy, o, set_of(terms, 2));
  for (int t = 1; t < STEPS; t++) assert_true(is_last(&noisy, t) == is_last(&r, t));
  forget(&noisy);
  forget(&r);

  // All of them: the first is seen.
  terms[0].range[0] = terms[0].range[1] = 1;
  look_at(&r, o, set_of(terms, 1));
  for (int t = 0; t < STEPS; t++) assert_true(is_row(&r, t, 0));
  forget(&r);
}

// ---- pictures and clouds

static loomSenseDef sense_def;
static loomObsKey eyes[2];

static int open_eyes(void** state) {
  loomError err = {0, ""};
  if (open_own(state)) return -1;
  own* o = *state;
  sense_def = loom_default_sense_def();
  sense_def.cloud = loom_default_cloud_def();
  sense_def.cloud.points = POINTS;
  sense_def.cloud.width = sense_def.cloud.height = SIZE;
  sense_def.cloud.camera_count = 1;
  snprintf(sense_def.cloud.camera[0], sizeof sense_def.cloud.camera[0], "front");
  must(loom_cloud_workspace(sense_def.cloud.low, sense_def.cloud.high, o->scene, &err), &err);
  must(loom_sense_key(&eyes[0], &sense_def, "front_image", 3, (int[]){SIZE, SIZE, 3}, &err), &err);
  must(loom_sense_key(&eyes[1], &sense_def, "pointcloud", 2, (int[]){POINTS, 3}, &err), &err);
  return 0;
}

typedef struct sight {
  unsigned char rgb[RGB];
  float cloud[3 * POINTS];
} sight;

static bool same(const sight* a, const sight* b) {
  return !memcmp(a->rgb, b->rgb, sizeof a->rgb) && !memcmp(a->cloud, b->cloud, sizeof a->cloud);
}

static void look(sight* out, loomObserver* observer, own* o) {
  loomError err = {0, ""};

  must(loom_observer_look((void* const[]){out->rgb, out->cloud}, observer, o->e, &err), &err);
}

// What an episode shows from control step to control step; only every `every`-th is looked at. Its states go
// into the fixture's trace.
static void watch(sight* out, own* o, const loomDisturbSet* set, int every) {
  loomError err = {0, ""};
  loomObserver* observer;
  const double action[LOOM_MAX_ACTION] = {0};
  begin(o, set);
  must(loom_observer_create(&observer, o->e, eyes, 2, &sense_def, &err), &err);
  must(loom_observer_begin(observer, o->e, &err), &err);

  o->trace.rows = 0;
  for (int t = 0; t < STEPS; t++) {
    loom_trace_add(&o->trace, o->e, action);
    if (t % every)
      loom_observer_pass(observer, o->e);
    else
      look(&out[t], observer, o);
    step(o);
  }
  loom_observer_destroy(observer);
}

static void pictures_come_late_or_not_at_all(void** state) {
  static sight is[STEPS], seen[STEPS], some[STEPS];
  own* o = *state;
  loomDisturbTerm term = {.kind = LOOM_DISTURB_MASS, .range = {1, 1}};
  watch(is, o, set_of(&term, 1), 1);
  assert_false(same(&is[3], &is[4]));

  term = (loomDisturbTerm){.kind = LOOM_DISTURB_PICTURE_DELAY, .range = {2, 2}};
  const loomDisturbSet* late = set_of(&term, 1);
  watch(seen, o, late, 1);
  for (int t = 0; t < STEPS; t++) assert_true(same(&seen[t], &is[t < 2 ? 0 : t - 2]));

  // Steps at which nobody looks pass as well.
  watch(some, o, late, 3);
  for (int t = 0; t < STEPS; t += 3) assert_true(same(&some[t], &seen[t]));

  term = (loomDisturbTerm){.kind = LOOM_DISTURB_PICTURE_DROPOUT, .range = {0.5, 0.5}};
  const loomDisturbSet* lossy = set_of(&term, 1);
  watch(seen, o, lossy, 1);
  watch(some, o, lossy, 4);
  int lost = 0;
  for (int t = 1; t < STEPS; t++) {
    bool here = same(&seen[t], &is[t]);
    assert_true(here || same(&seen[t], &seen[t - 1]));
    assert_true(t % 4 || same(&some[t], &seen[t]));
    lost += !here;
  }
  assert_in_range(lost, 2, STEPS - 3);
}

// In the model of its own text, by what is stored with it, as `render --obs` draws it.
static void a_recorded_episode_is_seen_again(void** state) {
  static sight is[STEPS], seen[STEPS], again;
  own* o = *state;
  loomDisturbTerm terms[] = {{.kind = LOOM_DISTURB_LIGHT, .range = {0.4, 0.8}},
                             {.kind = LOOM_DISTURB_COLOR, .range = {0.5, 1.5}},
                             {.kind = LOOM_DISTURB_CAMERA_POSITION, .range = {-0.1, 0.1}},
                             {.kind = LOOM_DISTURB_CAMERA_FOVY, .range = {0.9, 1.1}},
                             {.kind = LOOM_DISTURB_PICTURE_DELAY, .range = {1, 3}},
                             {.kind = LOOM_DISTURB_PICTURE_DROPOUT, .range = {0.3, 0.3}},
                             {.kind = LOOM_DISTURB_CLOUD_NOISE, .range = {0.001, 0.003}},
                             {.kind = LOOM_DISTURB_CLOUD_DROPOUT, .range = {0.1, 0.2}},
                             {.kind = LOOM_DISTURB_CLOUD_UNAWARE, .range = {1, 1}}};
  watch(is, o, set_of(terms, 0), 1);
  double* states = malloc(sizeof(double) * (size_t)STEPS * (size_t)o->trace.state_dim);
  memcpy(states, o->trace.states, sizeof(double) * (size_t)STEPS * (size_t)o->trace.state_dim);
  watch(seen, o, set_of(terms, 9), 1);

  // The same physics, and something else to see.
  assert_memory_equal(states, o->trace.states, sizeof(double) * (size_t)STEPS * (size_t)o->trace.state_dim);
  for (int t = 0; t < STEPS; t++) assert_true(!same(&is[t], &seen[t]));

  loomError err = {0, ""};
  char *text, *xml;
  must(loom_disturb_text(&text, o->e, &err), &err);
  must(loom_episode_xml(&xml, o->e, &err), &err);
  loomDemo demo = {.name = (char*)"demo_0", .rows = STEPS, .states = states, .disturb = text};

  loomScene* scene = NULL;
  loomEpisode* e = NULL;
  loomSense* sense;
  loomGlimpse glimpse = {0};
  must(loom_scene_create(&scene, o->task, xml, "demo", NULL, &(loomAssetRoots){0}, &err), &err);
  must(loom_episode_create(&e, scene, &err), &err);
  must(loom_demo_start(e, &demo, &err), &err);
  must(loom_sense_create(&sense, &sense_def, eyes, 2, &err), &err);
  must(loom_sense_model(sense, xml, "demo", &(loomAssetRoots){0}, &err), &err);
  must(loom_sense_looks(sense, e, &err), &err);
  must(loom_glimpse_begin(&glimpse, e, &err), &err);

  for (int t = 0; t < STEPS; t++) {
    const double* qpos = loom_glimpse_see(&glimpse, e, t, states + (ptrdiff_t)t * o->trace.state_dim + 1);
    must(loom_sense_look((void* const[]){again.rgb, again.cloud}, sense, qpos, &err), &err);
    assert_true(same(&again, &seen[t]));
  }
  loom_glimpse_destroy(&glimpse);
  loom_sense_destroy(sense);
  loom_episode_destroy(e);
  loom_scene_destroy(scene);
  free(states);
  free(text);
  free(xml);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(noise_is_of_its_seed),
      cmocka_unit_test(delay_shows_what_was),
      cmocka_unit_test(dropout_holds_what_was_seen_last),
      cmocka_unit_test(pictures_come_late_or_not_at_all),
      cmocka_unit_test(a_recorded_episode_is_seen_again),
  };
  return cmocka_run_group_tests(tests, open_eyes, close_own);
}
