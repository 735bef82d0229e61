// What policies with eyes see: pictures and point clouds of episodes of the task in tests/own.
#include <math.h>
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/random.h"
#include "engine/observe/sense.h"
#include "engine/scene/compose.h"

enum { POINTS = 200, SIZE = 48, RGB = 3 * SIZE * SIZE };

static struct {
  loomTask* task;
  loomScene* scene;
  loomEpisode* e;
  loomSenseDef def;
  loomObsKey key[3];
} fx;

static void must(int code, const loomError* err) {
  if (code) fail_msg("%s", err->message);
}

static int setup(void** state) {
  (void)state;
  loomError err = {0, ""};
  loomAssetRoots roots = {0};
  char label[LOOM_PATH_MAX], *xml = NULL;

  must(loom_task_load(&fx.task, "tests/own/task.yaml", "tests/own/robots", &err), &err);
  must(loom_task_model(&xml, label, fx.task, &roots, &err), &err);
  must(loom_scene_create(&fx.scene, fx.task, xml, label, NULL, &roots, &err), &err);
  must(loom_episode_create(&fx.e, fx.scene, &err), &err);
  free(xml);
  fx.def = loom_default_sense_def();
  fx.def.cloud = loom_default_cloud_def();
  fx.def.cloud.points = POINTS;
  fx.def.cloud.camera_count = 1;
  snprintf(fx.def.cloud.camera[0], sizeof fx.def.cloud.camera[0], "front");
  must(loom_cloud_workspace(fx.def.cloud.low, fx.def.cloud.high, fx.scene, &err), &err);
  must(loom_sense_key(&fx.key[0], &fx.def, "front_image", 3, (int[]){SIZE, SIZE, 3}, &err), &err);
  must(loom_sense_key(&fx.key[1], &fx.def, "front_depth", 3, (int[]){SIZE, SIZE, 1}, &err), &err);
  must(loom_sense_key(&fx.key[2], &fx.def, "pointcloud", 2, (int[]){POINTS, 3}, &err), &err);
  return 0;
}

static int teardown(void** state) {
  (void)state;
  loom_episode_destroy(fx.e);
  loom_scene_destroy(fx.scene);
  loom_task_destroy(fx.task);
  return 0;
}

typedef struct sight {
  unsigned char rgb[RGB];
  float depth[SIZE * SIZE], cloud[3 * POINTS];
} sight;

static bool same(const float* a, const float* b, int n) {
  int k = 0;
  while (k < n && a[k] == b[k]) k++;
  return k == n;
}

static int begin(loomSense* s, uint64_t attempt, loomError* err) {
  char* xml = NULL;
  int code = loom_episode_reset(fx.e, 0, 3, attempt, err);

  if (!code) code = loom_episode_xml(&xml, fx.e, err);
  if (!code) code = loom_sense_model(s, xml, "own", &fx.scene->roots, err);
  free(xml);
  return code;
}

static int look(sight* out, loomSense* s, loomError* err) {
  return loom_sense_look((void* const[]){out->rgb, out->depth, out->cloud}, s, fx.e->d->qpos, err);
}

// Each point lies on what collides: where the depth picture, of as many pixels as rays, has it too.
static void clouds_and_pictures_agree(void** state) {
  (void)state;
  static sight seen, again;
  loomError err = {0, ""};
  loomSense* s;

  fx.def.cloud.width = fx.def.cloud.height = SIZE;
  must(loom_sense_create(&s, &fx.def, fx.key, 3, &err), &err);
  must(begin(s, 0, &err), &err);
  must(look(&seen, s, &err), &err);
  const loomCloudDef* c = &fx.def.cloud;
  const mjModel* m = loom_sense_model_of(s);
  int camera = mj_name2id(m, mjOBJ_CAMERA, "front"), off = 0, black = 0;
  double half = tan(m->cam_fovy[camera] * M_PI / 360);
  const double *from = fx.e->d->cam_xpos + 3 * camera, *mat = fx.e->d->cam_xmat + 9 * camera;

  for (int i = 0; i < POINTS; i++) {
    const float* p = seen.cloud + 3 * i;
    double to[3] = {(double)p[0] - from[0], (double)p[1] - from[1], (double)p[2] - from[2]}, at[3];
    for (int k = 0; k < 3; k++)
      assert_true((double)p[k] >= c->low[k] - 1e-6 && (double)p[k] <= c->high[k] + 1e-6);
    mju_mulMatTVec3(at, mat, to);
    int x = (int)floor((at[0] / (-at[2] * half) + 1) / 2 * SIZE),
        y = (int)floor((1 - at[1] / (-at[2] * half)) / 2 * SIZE);
    assert_in_range(x, 0, SIZE - 1);
    assert_in_range(y, 0, SIZE - 1);
    off += fabs((double)seen.depth[y * SIZE + x] + at[2]) > 0.02;  // at edges a pixel may show what is behind
  }

  if (off > POINTS / 10) fail_msg("%d of %d points are not where the picture has them", off, POINTS);
  for (int i = 0; i < RGB; i++) black += seen.rgb[i] == 0;
  assert_true(black < RGB / 2);
  must(look(&again, s, &err), &err);
  assert_memory_equal(&seen, &again, sizeof seen);

  // Another episode has other sizes and places; the first comes back as it was.
  must(begin(s, 1, &err), &err);
  must(look(&again, s, &err), &err);
  assert_true(memcmp(seen.rgb, again.rgb, sizeof seen.rgb) != 0);
  assert_true(!same(seen.cloud, again.cloud, 3 * POINTS));
  must(begin(s, 0, &err), &err);
  must(look(&again, s, &err), &err);
  assert_memory_equal(&seen, &again, sizeof seen);

  loom_sense_destroy(s);
}

// Made in one thread, used in others, one after the other and side by side.
static void threads(void** state) {
  (void)state;
  static sight seen[3];
  loomSense* s[2] = {NULL, NULL};
  loomError err[3] = {{0, ""}, {0, ""}, {0, ""}};
  int code[3] = {0};

  for (int i = 0; i < 2; i++) {
    must(loom_sense_create(&s[i], &fx.def, fx.key, 3, err), err);
    must(begin(s[i], 2, err), err);
  }
  must(look(&seen[2], s[0], err), err);
#pragma omp parallel for num_threads(2) schedule(static, 1)
  for (int i = 0; i < 2; i++) code[i] = look(&seen[i], s[1 - i], &err[i]);
  for (int i = 0; i < 2; i++) {
    must(code[i], &err[i]);
    assert_memory_equal(&seen[i], &seen[2], sizeof *seen);
    loom_sense_destroy(s[i]);
  }
}

static void farthest(void** state) {
  (void)state;
  enum { N = 300, WANT = 20 };
  float x[3 * N], far[N];
  int chosen[WANT], again[WANT];
  loomRandom r = loom_random(1, 0, LOOM_PURPOSE_TEST);

  for (int i = 0; i < 3 * N; i++) x[i] = (float)loom_random_uniform(&r);
  loom_farthest_points(chosen, WANT, x, N, far);

  // Each is the farthest from those before it, by trying all.
  for (int k = 1; k < WANT; k++) {
    double most = -1;
    for (int i = 0; i < N; i++) {
      double least = 1e9, mine = 1e9;
      for (int j = 0; j < k; j++) {
        double gap = 0, own = 0;
        for (int a = 0; a < 3; a++) {
          gap += pow((double)(x[a * N + i] - x[a * N + chosen[j]]), 2);
          own += pow((double)(x[a * N + chosen[k]] - x[a * N + chosen[j]]), 2);
        }
        least = fmin(least, gap);
        mine = fmin(mine, own);
      }
      most = fmax(most, least);
      if (i == N - 1) assert_true(fabs(most - mine) < 1e-6);
    }
  }
  loom_farthest_points(again, WANT, x, N, far);
  assert_memory_equal(chosen, again, sizeof chosen);
}

// Nothing in the box, and less than is wanted.
static void few_points(void** state) {
  (void)state;
  static float cloud[3 * POINTS];
  loomError err = {0, ""};
  loomCloud* c;
  loomCloudDef def = fx.def.cloud;

  for (int k = 0; k < 3; k++) {
    def.low[k] = 5 + k;
    def.high[k] = 7 + k;
  }
  must(loom_cloud_create(&c, &def, fx.e->m, &err), &err);
  loom_cloud_look(cloud, c, fx.e->m, fx.e->d);

  for (int i = 0; i < 3 * POINTS; i++) assert_true(cloud[i] == (float)(6 + i % 3));
  loom_cloud_destroy(c);
  def = fx.def.cloud;
  def.width = def.height = 9;
  must(loom_cloud_create(&c, &def, fx.e->m, &err), &err);
  loom_cloud_look(cloud, c, fx.e->m, fx.e->d);

  loom_cloud_destroy(c);
  int repeats = 1;
  while (repeats < POINTS && !same(cloud, cloud + 3 * repeats, 3)) repeats++;
  assert_in_range(repeats, 1, 81);

  for (int i = repeats; i < POINTS; i++)
    assert_memory_equal(cloud + 3 * i, cloud + 3 * (i % repeats), 3 * sizeof *cloud);
  snprintf(def.camera[0], sizeof def.camera[0], "nowhere");
  assert_int_equal(loom_cloud_create(&c, &def, fx.e->m, &err), LOOM_ERR_FORMAT);
  assert_non_null(strstr(err.message, "nowhere"));
}

static void text(void** state) {
  (void)state;
  loomSenseDef back;
  loomError err = {0, ""};

  fx.def.collision = true;
  char *first = loom_sense_text(&fx.def), *second;
  fx.def.collision = false;
  must(loom_sense_parse(&back, first, "x", &err), &err);
  second = loom_sense_text(&back);
  assert_string_equal(first, second);
  assert_true(back.collision && back.cloud.points == POINTS && back.cloud.high[2] == fx.def.cloud.high[2]);
  free(first);
  free(second);
  assert_int_equal(loom_sense_parse(&back, "cloud: {points: 3}\n", "file.hdf5", &err), LOOM_ERR_FORMAT);
  assert_non_null(strstr(err.message, "file.hdf5"));
}

static void keys(void** state) {
  (void)state;
  static const struct {
    const char* name;
    int rank, shape[3];
  } wrong[] = {{"front_image", 3, {8, 8, 1}},
               {"front_segmentation", 3, {8, 8, 1}},
               {"_image", 3, {8, 8, 3}},
               {"pointcloud", 2, {POINTS + 1, 3}},
               {"points", 2, {POINTS, 3}}};
  loomError err = {0, ""};
  loomObsKey key[2];
  loomSense* s;

  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    assert_int_equal(loom_sense_key(key, &fx.def, wrong[i].name, wrong[i].rank, wrong[i].shape, &err),
                     LOOM_ERR_UNSUPPORTED);
    if (!strstr(err.message, wrong[i].name)) fail_msg("does not name the key: %s", err.message);
  }
  key[0] = key[1] = fx.key[0];
  key[1].shape[1] = 2 * SIZE;
  assert_int_equal(loom_sense_create(&s, &fx.def, key, 2, &err), LOOM_ERR_UNSUPPORTED);
  snprintf(key[0].camera, sizeof key[0].camera, "nowhere");
  must(loom_sense_create(&s, &fx.def, key, 1, &err), &err);
  assert_int_equal(begin(s, 0, &err), LOOM_ERR_USAGE);
  assert_non_null(strstr(err.message, "nowhere"));

  loom_sense_destroy(s);
}

// What a fault makes of all that 12 x 12 rays meet: each point off by noise, some that are lost, all
// together moved as far as the camera is from where it is believed to be.
static void faults(void** state) {
  static float is[3 * POINTS], seen[3 * POINTS], again[3 * POINTS];
  (void)state;
  loomError err = {0, ""};
  loomCloud* c;
  loomCloudDef def = fx.def.cloud;
  mjModel* m = fx.e->m;
  int id = mj_name2id(m, mjOBJ_CAMERA, "front");
  def.width = def.height = 12;
  for (int k = 0; k < 3; k++) def.high[k] = -(def.low[k] = -9);
  must(loom_cloud_create(&c, &def, m, &err), &err);
  loom_cloud_look(is, c, m, fx.e->d);
  int n = 1;
  while (n < POINTS && !same(is, is + 3 * n, 3)) n++;
  assert_in_range(n, 60, 144);

  const struct {
    loomCloudFault fault;
    double low, high;  // rms along an axis to the nearest point there was, m
    int least, most;   // points
  } cases[] = {{{.noise = 0.002, .seed = 1}, 0.0015, 0.0021, n, n},
               {{.dropout = 0.5, .seed = 1}, 0, 1e-9, 3 * n / 10, 7 * n / 10},
               {{.dropout = 1, .seed = 1}, 0, 99, 1, 1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    double sum = 0;
    int there = 1;
    loom_cloud_set_fault(c, &cases[i].fault);
    loom_cloud_look(seen, c, m, fx.e->d);
    loom_cloud_look(again, c, m, fx.e->d);
    assert_memory_equal(seen, again, sizeof seen);
    while (there < POINTS && !same(seen, seen + 3 * there, 3)) there++;
    assert_in_range(there, cases[i].least, cases[i].most);
    for (int a = 0; a < there; a++) {
      double least = INFINITY;
      for (int b = 0; b < n; b++) {
        double gap = 0;
        for (int k = 0; k < 3; k++) gap += pow((double)(seen[3 * a + k] - is[3 * b + k]), 2);
        least = fmin(least, gap);
      }
      sum += least / (3 * there);
    }
    if (!(sqrt(sum) >= cases[i].low && sqrt(sum) <= cases[i].high))
      fail_msg("case %d: %g m", (int)i, sqrt(sum));
  }

  // Another view has other noise; another number, too.
  loomCloudFault fault = {.noise = 0.002, .seed = 1, .number = 1};
  loom_cloud_set_fault(c, &cases[0].fault);
  loom_cloud_look(seen, c, m, fx.e->d);
  loom_cloud_set_fault(c, &fault);
  loom_cloud_look(again, c, m, fx.e->d);
  assert_memory_not_equal(seen, again, sizeof seen);

  // Believed 2 cm aside and turned by 0.1 rad about its own axis: every point is where that takes it.
  double believed[7 * 8], turn[4], back[4], mat[9];
  const double along[3] = {0, 0, 1};
  assert_true(m->ncam <= 8);
  for (int i = 0; i < (int)m->ncam; i++) {
    mju_copy3(believed + 7 * i, m->cam_pos + 3 * i);
    mju_copy4(believed + 7 * i + 3, m->cam_quat + 4 * i);
  }
  believed[7 * id + 1] += 0.02;
  mju_axisAngle2Quat(turn, along, 0.1);
  mju_mulQuat(believed + 7 * id + 3, m->cam_quat + 4 * id, turn);
  fault = (loomCloudFault){.believed = believed};
  loom_cloud_set_fault(c, &fault);
  loom_cloud_look(seen, c, m, fx.e->d);
  mju_negQuat(back, m->cam_quat + 4 * id);
  mju_mulQuat(turn, believed + 7 * id + 3, back);
  mju_quat2Mat(mat, turn);
  for (int a = 0; a < n; a++) {
    double off[3], to[3], least = INFINITY;
    for (int k = 0; k < 3; k++) off[k] = (double)is[3 * a + k] - m->cam_pos[3 * id + k];
    mju_mulMatVec3(to, mat, off);
    mju_addTo3(to, believed + 7 * id);
    for (int b = 0; b < n; b++) {
      const double p[3] = {(double)seen[3 * b], (double)seen[3 * b + 1], (double)seen[3 * b + 2]};
      least = fmin(least, mju_dist3(to, p));
    }
    bool outside = false;
    for (int k = 0; k < 3; k++) outside = outside || fabs(to[k]) > 9;
    assert_true(least < 1e-5 || outside);
  }
  loom_cloud_destroy(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(clouds_and_pictures_agree),
                                     cmocka_unit_test(threads),
                                     cmocka_unit_test(farthest),
                                     cmocka_unit_test(few_points),
                                     cmocka_unit_test(faults),
                                     cmocka_unit_test(text),
                                     cmocka_unit_test(keys)};

  return cmocka_run_group_tests(tests, setup, teardown);
}
