// The report of a run: every figure from made-up results that can be counted by hand, and its picture.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>
#include <png.h>
#include <unistd.h>

#include "engine/base/statistics.h"
#include "generators/attempt/start_map.h"
#include "generators/run/report.h"
#include "tests/task_fixture.h"

typedef struct made {
  loomTask* task;
  loomReplay replays[3];
  loomSourceSet sources;
  loomAttemptResult results[64];
  loomGenerateReport run;
  loomAttemptDef def;
} made;

// Two arms, one object placed in x -0.1 to 0.1, y 0.2 to 0.3, any yaw; three sources.
static void begin(made* m) {
  memset(m, 0, sizeof *m);
  m->task = calloc(1, sizeof *m->task);
  assert_non_null(m->task);

  loomTask* t = m->task;
  make_room(t);
  snprintf(t->name, sizeof t->name, "made up");
  t->arm_count = 2;

  // Two subtasks of the first arm, one of the second.
  t->subtask_count[0] = 2;
  t->subtask_count[1] = 1;
  snprintf(t->subtasks[0][0].name, sizeof(loomName), "grasp");
  snprintf(t->subtasks[0][1].name, sizeof(loomName), "lift");
  snprintf(t->subtasks[1][0].name, sizeof(loomName), "grasp");

  t->object_count = 1;
  snprintf(t->objects[0].name, sizeof(loomName), "cube");
  t->reset_count = 1;
  snprintf(t->resets[0].name, sizeof(loomName), "D0");
  t->resets[0].placement_count = 1;
  t->resets[0].placements[0] =
      (loomPlacement){.object = 0, .x = {-0.1, 0.1}, .y = {0.2, 0.3}, .yaw = {-M_PI, M_PI}};

  for (int s = 0; s < 3; s++) snprintf(m->replays[s].name, sizeof(loomName), "demo_%d", s);
  m->sources = (loomSourceSet){.n = 3, .replay = m->replays};

  m->run.results = m->results;
  m->def = loom_default_attempt_def();
}

static loomAttemptResult* add(made* m, loomOutcome outcome, int source, double x, double y, double yaw,
                              int steps) {
  loomAttemptResult* r = &m->results[m->run.result_count++];
  *r = (loomAttemptResult){.attempt = (uint64_t)m->run.attempts++, .outcome = outcome, .steps = steps};

  // Of no arm and no subtask until told, and nothing decided.
  r->arm = r->subtask = r->condition = r->part[0] = r->part[1] = -1;
  r->source[0][0] = source;

  // A turn about z.
  r->object_start[0] = x;
  r->object_start[1] = y;
  r->object_start[3] = cos(yaw / 2);
  r->object_start[6] = sin(yaw / 2);

  m->run.successes += outcome == LOOM_OUTCOME_SUCCESS;
  return r;
}

// By a condition of the task, or (-1) by something else that is always said in the same words.
static void add_failure(made* m, loomOutcome outcome, int arm, int subtask, int condition, double value,
                        const char* subject) {
  loomAttemptResult* r = add(m, outcome, 2, 0.09, 0.29, 3.1, 50);
  r->arm = arm;
  r->subtask = subtask;
  r->condition = condition;
  r->value = value;
  snprintf(r->subject, sizeof r->subject, "%s", subject);
  snprintf(r->reason, sizeof r->reason, "%.100s %.3f, needs > 0.080", subject, value);
}

static void count(loomReport* out, const made* m) {
  loomError err = {0, ""};
  if (loom_report_make(out, &m->run, m->task, &m->sources, &m->def, &err)) fail_msg("%s", err.message);
}

static void failures_are_merged_over_figures(void** state) {
  (void)state;
  made m;
  loomReport r;
  begin(&m);

  // Three that differ in figures alone, and others that differ in more.
  add(&m, LOOM_OUTCOME_SUCCESS, 0, 0, 0.25, 0, 100);
  add_failure(&m, LOOM_OUTCOME_UNMET, 0, 0, 3, 0.012, "height of cube_geom");
  add_failure(&m, LOOM_OUTCOME_UNMET, 0, 0, 3, -0.301, "height of cube_geom");
  add_failure(&m, LOOM_OUTCOME_UNMET, 0, 0, 3, 0.079, "height of cube_geom");
  add_failure(&m, LOOM_OUTCOME_UNMET, 1, 0, 3, 0.079, "height of cube_geom");  // another arm
  add_failure(&m, LOOM_OUTCOME_LOST, 0, 0, 3, 0.079, "height of cube_geom");   // another outcome
  add_failure(&m, LOOM_OUTCOME_UNMET, 0, 1, 5, 0, "grasped by arm 0");
  add_failure(&m, LOOM_OUTCOME_UNMET, 0, 1, 5, 1, "grasped by arm 0");
  add_failure(&m, LOOM_OUTCOME_LOST, -1, -1, 7, 1, "dropped");
  add_failure(&m, LOOM_OUTCOME_LOST, 1, 7, 7, 1, "dropped");  // no such subtask

  count(&r, &m);

  // As many as there are, the most frequent first.
  static const struct {
    const char *where, *reason;
    int arm, count;
    loomOutcome outcome;
  } wanted[] = {{"grasp", "height of cube_geom", 0, 3, LOOM_OUTCOME_UNMET},
                {"end", "dropped", -1, 2, LOOM_OUTCOME_LOST},
                {"lift", "grasped by arm 0", 0, 2, LOOM_OUTCOME_UNMET},
                {"grasp", "height of cube_geom", 1, 1, LOOM_OUTCOME_UNMET},
                {"grasp", "height of cube_geom", 0, 1, LOOM_OUTCOME_LOST}};

  assert_int_equal(r.failure_count, 5);
  for (int i = 0; i < 5; i++) {
    int found = 0;
    for (int k = 0; k < 5; k++) {
      const loomFailure* f = &r.failures[k];
      found += !strcmp(f->where, wanted[i].where) && !strcmp(f->reason, wanted[i].reason) &&
               f->arm == wanted[i].arm && f->count == wanted[i].count && f->outcome == wanted[i].outcome;
    }
    assert_int_equal(found, 1);
    if (i) assert_true(r.failures[i].count <= r.failures[i - 1].count);
  }

  loom_report_destroy(&r);
  loom_task_destroy(m.task);
}

// Grouped by what decided, never by how it is said: a label may hold figures, and two conditions may share
// one.
static void failures_are_told_apart_by_what_decided(void** state) {
  (void)state;
  made m;
  loomReport r;
  begin(&m);
  add_failure(&m, LOOM_OUTCOME_UNMET, 0, 0, 3, 0.012, "peg 0.5 in, tilted -1.0");
  add_failure(&m, LOOM_OUTCOME_UNMET, 0, 0, 3, 0.013, "peg 0.5 in, tilted -1.0");
  add_failure(&m, LOOM_OUTCOME_UNMET, 0, 0, 4, 0.013, "peg 0.7 in, tilted -1.0");
  add_failure(&m, LOOM_OUTCOME_UNMET, 0, 0, 5, 0.013, "peg 0.7 in, tilted -1.0");
  for (int i = 0; i < 4; i++) {  // contacts of two pairs of geoms
    add_failure(&m, LOOM_OUTCOME_ROUGH, 0, 0, -1, 0.01, i % 2 ? "contact of a, b" : "contact of a, c");
    m.results[m.run.result_count - 1].part[0] = 1;
    m.results[m.run.result_count - 1].part[1] = 2 + i % 2;
  }
  add_failure(&m, LOOM_OUTCOME_SIMULATOR, -1, -1, -1, 0, "a velocity diverged");
  add_failure(&m, LOOM_OUTCOME_SIMULATOR, -1, -1, -1, 0, "a position diverged");
  count(&r, &m);

  assert_int_equal(r.failure_count, 7);
  int twice = 0;
  for (int i = 0; i < r.failure_count; i++) {
    twice += r.failures[i].count == 2;
    if (r.failures[i].condition == 3) assert_string_equal(r.failures[i].reason, "peg 0.5 in, tilted -1.0");
  }
  assert_int_equal(twice, 3);
  loom_report_destroy(&r);
  loom_task_destroy(m.task);
}

static void rates_and_sources(void** state) {
  (void)state;
  made m;
  loomReport r;
  begin(&m);

  // Five attempts from either of two sources, three of which succeed.
  for (int i = 0; i < 10; i++)
    add(&m, i < 6 ? LOOM_OUTCOME_SUCCESS : LOOM_OUTCOME_LOST, i % 2, 0, 0.25, 0, 100);

  add(&m, LOOM_OUTCOME_SIMULATOR, -1, 0, 0, 0, 0);  // no source was chosen

  // 36 s for the seven attempts that were not resumed.
  m.run.seconds = 36;
  m.run.resumed = 4;
  count(&r, &m);

  assert_int_equal(r.all.attempts, 11);
  assert_int_equal(r.all.successes, 6);
  assert_true(fabs(r.rate - 6.0 / 11) < 1e-9);
  assert_true(fabs(r.doomed_share - 0.4) < 1e-9);  // four failures of 100 steps beside six demos

  // What was gone back over adds to both, of an attempt that fails and of one that succeeds.
  loomReport gone_back;
  m.results[0].rewound = 150;
  m.results[9].rewound = 100;
  m.results[0].detours = 2;
  m.results[5].detours = 1;
  count(&gone_back, &m);
  assert_true(fabs(gone_back.rewound_share - 250.0 / 1250) < 1e-9);
  assert_true(fabs(gone_back.doomed_share - 650.0 / 1250) < 1e-9);
  assert_true(r.rewound_share == 0);
  assert_true(gone_back.around == 2 && r.around == 0);
  loom_report_destroy(&gone_back);

  // Wilson's interval of 6 in 11.
  double low, high;
  loom_wilson(&low, &high, 6, 11);
  assert_true(r.low == low && r.high == high && low > 0.2 && high < 0.9);
  assert_true(fabs(r.attempts_per_hour - 700) < 1e-9);  // 7 of this run in 36 s
  assert_true(fabs(r.demos_per_hour - 200) < 1e-9);     // attempts 4 and 5

  // The third source was never drawn.
  assert_int_equal(r.source_count, 3);
  static const int wanted[3][2] = {{5, 3}, {5, 3}, {0, 0}};
  for (int s = 0; s < 3; s++) {
    assert_int_equal(r.sources[s].attempts, wanted[s][0]);
    assert_int_equal(r.sources[s].successes, wanted[s][1]);
  }

  loom_report_destroy(&r);
  loom_task_destroy(m.task);
}

static void starts_fall_into_their_cells(void** state) {
  (void)state;
  made m;
  loomReport r;
  begin(&m);
  add(&m, LOOM_OUTCOME_SUCCESS, 0, -0.099, 0.201, -3.1, 100);  // cell 0, 0
  add(&m, LOOM_OUTCOME_LOST, 0, -0.061, 0.219, -3.1, 100);     // the same
  add(&m, LOOM_OUTCOME_SUCCESS, 0, -0.059, 0.201, 0.1, 100);   // the next one in x
  add(&m, LOOM_OUTCOME_SUCCESS, 0, -0.099, 0.221, 0.1, 100);   // the next one in y
  add(&m, LOOM_OUTCOME_LOST, 0, 0.15, 0.35, 3.1, 100);         // outside: the nearest
  add(&m, LOOM_OUTCOME_SIMULATOR, 0, 0, 0, 0, 0);
  memset(m.results[5].object_start, 0, sizeof m.results[5].object_start);

  count(&r, &m);
  const loomRegions* g = &r.regions;

  // The grid spans the placement.
  assert_true(g->x[0] == -0.1 && g->x[1] == 0.1 && g->y[0] == 0.2 && g->y[1] == 0.3);
  assert_int_equal(g->cell[0][0].attempts, 2);
  assert_int_equal(g->cell[0][0].successes, 1);

  assert_int_equal(g->cell[0][1].attempts, 1);
  assert_int_equal(g->cell[1][0].attempts, 1);
  assert_int_equal(g->cell[4][4].attempts, 1);
  assert_int_equal(g->cell[4][4].successes, 0);

  // One has no pose at all.
  assert_int_equal(g->unknown, 1);
  assert_int_equal(g->turn[0].attempts, 2);
  assert_int_equal(g->turn[0].successes, 1);
  assert_int_equal(g->turn[LOOM_REPORT_YAWS / 2].successes, 2);
  assert_int_equal(g->turn[LOOM_REPORT_YAWS - 1].attempts, 1);

  // Nothing is counted twice.
  int64_t cells = 0, turns = 0;
  for (int i = 0; i < LOOM_REPORT_GRID * LOOM_REPORT_GRID; i++)
    cells += g->cell[i / LOOM_REPORT_GRID][i % LOOM_REPORT_GRID].attempts;
  for (int i = 0; i < LOOM_REPORT_YAWS; i++) turns += g->turn[i].attempts;
  assert_int_equal(cells, 5);
  assert_int_equal(turns, 5);

  loom_report_destroy(&r);

  // Yaws from 180 to 270 degrees come back from a quaternion as -180 to -90.
  m.task->resets[0].placements[0].yaw[0] = M_PI;
  m.task->resets[0].placements[0].yaw[1] = 1.5 * M_PI;
  m.run.result_count = 1;
  m.results[0].object_start[3] = cos(1.49 * M_PI / 2);
  m.results[0].object_start[6] = sin(1.49 * M_PI / 2);

  count(&r, &m);
  assert_int_equal(r.regions.turn[LOOM_REPORT_YAWS - 1].attempts, 1);
  loom_report_destroy(&r);
  loom_task_destroy(m.task);
}

static void lengths_of_successes_alone(void** state) {
  (void)state;
  static const int rows[] = {101, 103, 104, 119, 140};
  made m;
  loomReport r;
  begin(&m);

  // Five lengths, and one that does not count.
  for (int i = 0; i < 5; i++) add(&m, LOOM_OUTCOME_SUCCESS, 0, 0, 0.25, 0, rows[i]);
  add(&m, LOOM_OUTCOME_LOST, 0, 0, 0.25, 0, 999);
  count(&r, &m);

  // Bins of 2 steps from 100 on.
  assert_int_equal(r.lengths.shortest, 101);
  assert_int_equal(r.lengths.longest, 140);
  assert_true(fabs(r.lengths.mean - 113.4) < 1e-9);
  assert_int_equal(r.lengths.first, 100);
  assert_int_equal(r.lengths.width, 2);
  assert_int_equal(r.lengths.bins, 21);
  assert_int_equal(r.lengths.count[0], 1);
  assert_int_equal(r.lengths.count[1], 1);
  assert_int_equal(r.lengths.count[2], 1);
  assert_int_equal(r.lengths.count[9], 1);
  assert_int_equal(r.lengths.count[20], 1);
  loom_report_destroy(&r);

  add(&m, LOOM_OUTCOME_SUCCESS, 0, 0, 0.25, 0, 2000000);  // no round width is large enough
  count(&r, &m);

  // All in some bin, however large.
  int64_t sum = 0;
  for (int i = 0; i < r.lengths.bins; i++) sum += r.lengths.count[i];
  assert_int_equal(sum, 6);
  assert_true(r.lengths.bins <= LOOM_REPORT_LENGTHS);
  loom_report_destroy(&r);
  loom_task_destroy(m.task);
}

// ---- the picture

// Pixels of about that color.
static int pixels(const char* path, int width, int height, int red, int green, int blue) {
  png_image png = {.version = PNG_IMAGE_VERSION};

  int n = 0;
  assert_true(png_image_begin_read_from_file(&png, path));
  assert_int_equal(png.width, width);
  assert_int_equal(png.height, height);

  png.format = PNG_FORMAT_RGB;
  unsigned char* rgb = malloc(PNG_IMAGE_SIZE(png));
  assert_non_null(rgb);
  assert_true(png_image_finish_read(&png, NULL, rgb, 0, NULL));

  for (int i = 0; i < width * height; i++) {
    const unsigned char* p = rgb + 3 * (size_t)i;
    n += abs(p[0] - red) < 4 && abs(p[1] - green) < 4 && abs(p[2] - blue) < 4;
  }
  free(rgb);
  return n;
}

static void the_picture_is_drawn(void** state) {
  (void)state;

  made m;
  loomReport r;
  loomError err = {0, ""};
  char dir[] = "/tmp/loom_report_XXXXXX", path[64];
  assert_non_null(mkdtemp(dir));
  snprintf(path, sizeof path, "%s/a.png", dir);
  begin(&m);

  // With nothing to show the only orange is a small cross in the legend.
  count(&r, &m);
  if (loom_report_draw(&r, path, 1400, 900, &err)) fail_msg("%s", err.message);
  assert_true(pixels(path, 1400, 900, 213, 94, 0) < 50);
  assert_true(pixels(path, 1400, 900, 255, 255, 255) > 1400 * 900 / 2);
  loom_report_destroy(&r);

  for (int i = 0; i < 40; i++)
    add(&m, LOOM_OUTCOME_SUCCESS, i % 3, -0.09 + 0.004 * i, 0.21 + 0.002 * i, 0.1 * i, 100 + i);
  add_failure(&m, LOOM_OUTCOME_LOST, -1, -1, 1, 0,
              "a name that is no UTF-8: \xff\xfe, and an accent: \xc3\xa9");
  m.run.times.physics = 2;
  count(&r, &m);
  if (loom_report_draw(&r, path, 1400, 900, &err)) fail_msg("%s", err.message);
  assert_true(pixels(path, 1400, 900, 213, 94, 0) > 500);   // a failure's bar
  assert_true(pixels(path, 1400, 900, 0, 158, 115) > 500);  // 40 dots and the rate
  assert_true(pixels(path, 1400, 900, 33, 36, 41) > 500);   // letters
  if (loom_report_draw(&r, path, 1000, 700, &err)) fail_msg("%s", err.message);
  assert_true(pixels(path, 1000, 700, 213, 94, 0) > 200);
  loom_report_destroy(&r);

  // With a map of starts a row more, in which the orange of the 20 that fail is added.
  int before = pixels(path, 1000, 700, 213, 94, 0);
  loomStartMap* map;
  if (loom_start_map_create(&map, m.task, 40, &err)) fail_msg("%s", err.message);
  for (int i = 0; i < 40; i++) {
    double* at = map->at + (ptrdiff_t)i * map->dims;
    at[0] = -0.09 + 0.004 * i, at[1] = 0.21 + 0.002 * i, at[2] = sin(0.1 * i), at[3] = cos(0.1 * i);
    map->failed[i] = i >= 20;
  }
  loom_start_map_finish(map);
  m.def.where = map;
  count(&r, &m);
  if (loom_report_draw(&r, path, 1000, 700, &err)) fail_msg("%s", err.message);
  assert_true(pixels(path, 1000, 980, 213, 94, 0) > before + 200);

  // By its yaw alone the half of the circle that fails is told from the other.
  double low[LOOM_START_POSE] = {0, 0, sin(0.5), cos(0.5)},
         high[LOOM_START_POSE] = {0, 0, sin(3.5), cos(3.5)};
  assert_true(loom_start_map_rate_by(map, low, 2, 2) < 0.3 && loom_start_map_rate_by(map, high, 2, 2) > 0.7);
  assert_true(fabs(loom_start_map_rate_by(map, low, 0, 0) - 0.5) < 1e-12);

  assert_int_equal(loom_report_draw(&r, path, 300, 200, &err), LOOM_ERR_USAGE);
  assert_int_equal(loom_report_draw(&r, "/nonexistent/a.png", 1400, 900, &err), LOOM_ERR_IO);
  assert_non_null(strstr(err.message, "/nonexistent/a.png"));
  loom_report_destroy(&r);
  loom_start_map_destroy(map);
  loom_task_destroy(m.task);
  unlink(path);
  assert_int_equal(rmdir(dir), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(failures_are_merged_over_figures),
                                     cmocka_unit_test(failures_are_told_apart_by_what_decided),
                                     cmocka_unit_test(rates_and_sources),
                                     cmocka_unit_test(starts_fall_into_their_cells),
                                     cmocka_unit_test(lengths_of_successes_alone),
                                     cmocka_unit_test(the_picture_is_drawn)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
