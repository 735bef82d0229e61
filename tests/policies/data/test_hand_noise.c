// Hands of a batch moved: nothing without noise; the same by seed and step; whatever is seen of a hand agrees
// on where it is; a sample's rows go along; all else of a batch stays, and hands that are closed; the others
// are off by as much as was asked for.
#include "policies/data/hand_noise.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/pose.h"
#include "engine/base/random.h"
#include "engine/base/rotation.h"
#include "engine/observe/framed.h"

enum { SAMPLES = 400, ROWS = 2, ARMS = 2, P = LOOM_FRAMED_DIM, DIM = 5 * P + 3 };
enum { EEF0 = 0, MUG = P, MUG_EEF1 = 2 * P, EEF1 = 3 * P, EEF0_EEF1 = 4 * P, SIZE = 5 * P };

static float low[SAMPLES * ROWS * DIM], was[SAMPLES * ROWS * DIM];

static const loomDataInfo info = {.arms = ARMS,
                                  .low_dim = DIM,
                                  .key_count = 6,
                                  .key = {{.name = "eef0@world", .dim = P, .offset = EEF0},
                                          {.name = "mug@world", .dim = P, .offset = MUG},
                                          {.name = "mug@eef1", .dim = P, .offset = MUG_EEF1},
                                          {.name = "eef1@world", .dim = P, .offset = EEF1},
                                          {.name = "eef0@eef1", .dim = P, .offset = EEF0_EEF1},
                                          {.name = "mug_size", .dim = 3, .offset = SIZE}}};

static loomPose some_pose(loomRandom* random) {
  double vector[3], pos[3], quat[4];

  for (int i = 0; i < 3; i++) pos[i] = loom_random_normal(random);
  for (int i = 0; i < 3; i++) vector[i] = loom_random_normal(random);
  loom_quat_exp(quat, vector);
  return loom_pose_from_quat(pos, quat);
}

// Both hands and a mug, anywhere.
static void make_batch(void) {
  loomRandom random = loom_random(5, 0, LOOM_PURPOSE_TEST);

  for (int i = 0; i < SAMPLES * ROWS; i++) {
    float* row = was + (size_t)i * DIM;
    loomPose world = loom_pose_identity(), hand[ARMS], mug = some_pose(&random);
    for (int a = 0; a < ARMS; a++) hand[a] = some_pose(&random);

    loom_framed_row(row + EEF0, hand[0], world);
    loom_framed_row(row + MUG, mug, world);
    loom_framed_row(row + MUG_EEF1, mug, hand[1]);
    loom_framed_row(row + EEF1, hand[1], world);
    loom_framed_row(row + EEF0_EEF1, hand[0], hand[1]);
    for (int k = 0; k < 3; k++) row[SIZE + k] = (float)k;
  }
}

static void disturb(const loomHandNoise* noise, uint64_t seed, int64_t step) {
  memcpy(low, was, sizeof low);
  loomBatch batch = {.n = SAMPLES, .low = low};
  loom_hand_noise(&batch, &info, ROWS, noise, seed, step);
}

static const loomHandNoise some = {.position = 0.01, .rotation = 0.05};

static loomPose pose_at(const float* row) {
  double vector[3], columns[6], pos[3], quat[4];

  for (int i = 0; i < 3; i++) pos[i] = (double)row[i];
  for (int i = 0; i < 6; i++) columns[i] = (double)row[3 + i];
  loom_rotation_axis_angle(vector, columns);
  loom_quat_exp(quat, vector);
  return loom_pose_from_quat(pos, quat);
}

static void is_same_pose(loomPose a, loomPose b) {
  assert_true(loom_pose_distance(a, b) < 1e-5);
  assert_true(loom_quat_angle(a.quat, b.quat) < 1e-4);
}

static void nothing_is_nothing(void** state) {
  (void)state;
  disturb(&(loomHandNoise){0}, 1, 2);
  assert_memory_equal(low, was, sizeof low);
}

static void the_same_by_seed_and_step(void** state) {
  (void)state;
  static float kept[SAMPLES * ROWS * DIM];
  disturb(&some, 3, 7);
  memcpy(kept, low, sizeof kept);

  disturb(&some, 3, 7);
  assert_memory_equal(kept, low, sizeof kept);
  disturb(&some, 3, 8);
  assert_memory_not_equal(kept, low, sizeof kept);
  disturb(&some, 4, 7);
  assert_memory_not_equal(kept, low, sizeof kept);
}

static void what_is_seen_agrees(void** state) {
  (void)state;
  disturb(&some, 1, 2);
  for (int i = 0; i < SAMPLES * ROWS; i++) {
    const float *row = low + (size_t)i * DIM, *old = was + (size_t)i * DIM;
    loomPose mug = pose_at(row + MUG), hand1 = pose_at(row + EEF1);

    // The mug stays where it is, and its size.
    assert_memory_equal(row + MUG, old + MUG, P * sizeof *row);
    assert_memory_equal(row + SIZE, old + SIZE, 3 * sizeof *row);

    // From either hand both are where they are in the world.
    is_same_pose(loom_pose_mul(hand1, pose_at(row + MUG_EEF1)), mug);
    is_same_pose(loom_pose_mul(hand1, pose_at(row + EEF0_EEF1)), pose_at(row + EEF0));
  }
}

// How a hand was moved is the same for all rows of a sample, in its own frame, and another for each hand.
static void rows_go_along(void** state) {
  (void)state;
  disturb(&some, 1, 2);
  for (int b = 0; b < SAMPLES; b++) {
    loomPose move[ROWS][ARMS];
    for (int r = 0; r < ROWS; r++) {
      size_t row = (size_t)(b * ROWS + r) * DIM;
      for (int a = 0; a < ARMS; a++) {
        size_t at = row + (a ? EEF1 : EEF0);
        move[r][a] = loom_pose_mul(loom_pose_inverse(pose_at(was + at)), pose_at(low + at));
      }
    }
    for (int a = 0; a < ARMS; a++) is_same_pose(move[0][a], move[1][a]);
    assert_true(loom_pose_distance(move[0][0], move[0][1]) > 1e-4);
  }
}

// What a hand holds would have to go along.
static void closed_hands_stay(void** state) {
  (void)state;
  static unsigned shut[SAMPLES];
  for (int b = 0; b < SAMPLES; b++) shut[b] = (unsigned)b % 4;
  memcpy(low, was, sizeof low);
  loomBatch batch = {.n = SAMPLES, .low = low, .shut = shut};
  loom_hand_noise(&batch, &info, ROWS, &some, 1, 2);

  for (int i = 0; i < SAMPLES * ROWS; i++) {
    const float *row = low + (size_t)i * DIM, *old = was + (size_t)i * DIM;
    unsigned arms = shut[i / ROWS];
    assert_int_equal(memcmp(row + EEF0, old + EEF0, P * sizeof *row) == 0, arms & 1);
    assert_int_equal(memcmp(row + EEF1, old + EEF1, P * sizeof *row) == 0, arms >> 1 & 1);
    assert_int_equal(memcmp(row + MUG_EEF1, old + MUG_EEF1, P * sizeof *row) == 0, arms >> 1 & 1);
    assert_int_equal(memcmp(row + EEF0_EEF1, old + EEF0_EEF1, P * sizeof *row) == 0, arms == 3);
  }
}

// A dataset may say that it is of any number of arms.
static void of_any_number_of_arms(void** state) {
  (void)state;
  loomDataInfo many = info;
  many.arms = 1000;
  many.key[3].name = "eef999@world";
  memcpy(low, was, sizeof low);
  loomBatch batch = {.n = SAMPLES, .low = low};
  loom_hand_noise(&batch, &many, ROWS, &some, 1, 2);

  assert_memory_not_equal(low + EEF0, was + EEF0, P * sizeof *low);
  assert_memory_equal(low + EEF1, was + EEF1, P * sizeof *low);

  // What is of other arms than the actions stays.
  many = info;
  many.arms = 1;
  memcpy(low, was, sizeof low);
  loom_hand_noise(&batch, &many, ROWS, &some, 1, 2);
  assert_memory_not_equal(low + EEF0, was + EEF0, P * sizeof *low);
  assert_memory_equal(low + EEF1, was + EEF1, P * sizeof *low);
}

static void off_by_as_much(void** state) {
  (void)state;
  double squares = 0, turned = 0;

  disturb(&some, 1, 2);

  // Means of three squared normals each: within five of their own deviations, sqrt(2 / n) of them.
  for (int i = 0; i < SAMPLES * ROWS; i += ROWS) {
    loomPose from = pose_at(was + (size_t)i * DIM + EEF0), to = pose_at(low + (size_t)i * DIM + EEF0);
    double far = loom_pose_distance(from, to), angle = loom_quat_angle(from.quat, to.quat);
    squares += far * far, turned += angle * angle;
  }
  double tolerance = 5 * sqrt(2.0 / (3 * SAMPLES));
  assert_true(fabs(squares / (3 * SAMPLES) / (some.position * some.position) - 1) < tolerance);
  assert_true(fabs(turned / (3 * SAMPLES) / (some.rotation * some.rotation) - 1) < tolerance);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_is_nothing),  cmocka_unit_test(the_same_by_seed_and_step),
      cmocka_unit_test(what_is_seen_agrees), cmocka_unit_test(rows_go_along),
      cmocka_unit_test(closed_hands_stay),   cmocka_unit_test(of_any_number_of_arms),
      cmocka_unit_test(off_by_as_much),
  };
  make_batch();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
