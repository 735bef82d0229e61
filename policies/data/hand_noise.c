#include "policies/data/hand_noise.h"

#include "engine/base/pose.h"
#include "engine/base/random.h"
#include "engine/observe/framed.h"

// How a hand is moved, in its own frame: a position (m) and a row-major rotation.
typedef struct handMove {
  double pos[3], turn[3][3];
} handMove;

static handMove draw_move(const loomHandNoise* noise, loomRandom* random) {
  double vector[3], quat[4];
  handMove move;

  for (int i = 0; i < 3; i++) move.pos[i] = noise->position * loom_random_normal(random);
  for (int i = 0; i < 3; i++) vector[i] = noise->rotation * loom_random_normal(random);
  loom_quat_exp(quat, vector);

  // Columns are where the axes go.
  for (int i = 0; i < 3; i++) {
    double axis[3] = {i == 0, i == 1, i == 2}, to[3];
    loom_quat_rotate(to, quat, axis);
    for (int k = 0; k < 3; k++) move.turn[k][i] = to[k];
  }
  return move;
}

// The pose of a hand that is moved: T D. `row` is a position and the first two columns of a rotation.
static void move_hand(float* row, const handMove* move) {
  double column[3][3];
  for (int c = 0; c < 2; c++)
    for (int k = 0; k < 3; k++) column[c][k] = row[3 + 3 * c + k];
  for (int k = 0; k < 3; k++)
    column[2][k] =
        column[0][(k + 1) % 3] * column[1][(k + 2) % 3] - column[0][(k + 2) % 3] * column[1][(k + 1) % 3];

  for (int k = 0; k < 3; k++) {
    for (int c = 0; c < 3; c++) row[k] += (float)(column[c][k] * move->pos[c]);
    for (int c = 0; c < 2; c++)
      row[3 + 3 * c + k] = (float)(column[0][k] * move->turn[0][c] + column[1][k] * move->turn[1][c] +
                                   column[2][k] * move->turn[2][c]);
  }
}

// The pose of something from it: inverse(D) T.
static void move_from_hand(float* row, const handMove* move) {
  double from[9];
  for (int i = 0; i < 9; i++) from[i] = row[i] - (i < 3 ? move->pos[i] : 0);

  for (int v = 0; v < 3; v++)
    for (int k = 0; k < 3; k++)
      row[3 * v + k] = (float)(move->turn[0][k] * from[3 * v] + move->turn[1][k] * from[3 * v + 1] +
                               move->turn[2][k] * from[3 * v + 2]);
}

// A key with a hand's pose: where its numbers begin in a row, and which arms' hands it is of and seen from.
typedef struct handKey {
  int offset, of, in;  // -1: none of the hands
} handKey;

static int find_keys(handKey out[LOOM_DATA_KEYS], const loomDataInfo* info) {
  int n = 0;
  for (int k = 0; k < info->key_count; k++) {
    const loomDataKey* key = &info->key[k];
    loomFramed framed;
    if (key->offset < 0 || key->dim != LOOM_FRAMED_DIM || !loom_framed_parse(&framed, key->name)) continue;

    handKey found = {key->offset, loom_framed_arm(framed.of), loom_framed_arm(framed.in)};
    if (found.of >= 0 || found.in >= 0) out[n++] = found;
  }
  return n;
}

void loom_hand_noise(loomBatch* batch, const loomDataInfo* info, int rows, const loomHandNoise* noise,
                     uint64_t seed, int64_t step) {
  loomRandom random = loom_random(seed, (uint64_t)step, LOOM_PURPOSE_HAND);
  if (!loom_hand_noise_any(noise)) return;

  int arms = info->arms < LOOM_MAX_ARMS ? info->arms : LOOM_MAX_ARMS;
  handKey key[LOOM_DATA_KEYS];
  int keys = find_keys(key, info);

  for (int b = 0; b < batch->n; b++) {
    handMove move[LOOM_MAX_ARMS];

    // Arms that are closed stay, and what the actions are not of.
    unsigned still = (batch->shut ? batch->shut[b] : 0) | ~0U << arms;
    for (int a = 0; a < arms; a++) move[a] = draw_move(noise, &random);

    for (int r = 0; r < rows; r++) {
      float* row = batch->low + ((size_t)b * (size_t)rows + (size_t)r) * (size_t)info->low_dim;
      for (int k = 0; k < keys; k++) {
        int of = key[k].of, in = key[k].in;
        if (in >= 0 && !(still >> in & 1)) move_from_hand(row + key[k].offset, &move[in]);
        if (of >= 0 && !(still >> of & 1)) move_hand(row + key[k].offset, &move[of]);
      }
    }
  }
}
