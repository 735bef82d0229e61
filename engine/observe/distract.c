#include "engine/observe/distract.h"

#include <float.h>
#include <math.h>

#include "engine/base/random.h"
#include "engine/observe/cloud.h"
#include "engine/sim/disturb.h"

static const double around = 0.25, apart = 0.06;            // m, from objects: at most, at least
static const double least_size = 0.012, most_size = 0.035;  // m, of a half

// So far from every object, in the plane.
static bool is_clear(const double pos[3], const loomEpisode* e) {
  for (int o = 0; o < e->scene->task->object_count; o++) {
    loomPose object = loom_episode_object(e, o);
    if (hypot(pos[0] - object.pos[0], pos[1] - object.pos[1]) < apart) return false;
  }
  return true;
}

static void draw_thing(loomDistractor* out, loomRandom* random, const double low[3], const double high[3],
                       const loomEpisode* e) {
  static const int types[] = {mjGEOM_BOX, mjGEOM_SPHERE, mjGEOM_CYLINDER};
  enum { TYPES = sizeof types / sizeof *types, TRIES = 20 };
  out->type = types[loom_random_index(random, TYPES)];
  for (int i = 0; i < 3; i++) out->size[i] = loom_random_range(random, least_size, most_size);
  for (int i = 0; i < 3; i++) out->rgba[i] = (float)loom_random_uniform(random);
  out->rgba[3] = 1;

  // MuJoCo's sizes: a ball has one, a cylinder's second is half its length.
  if (out->type == mjGEOM_SPHERE) out->size[1] = out->size[2] = out->size[0];
  if (out->type == mjGEOM_CYLINDER) {
    out->size[2] = out->size[1];
    out->size[1] = out->size[0];
  }

  // It stands on what the objects stand on.
  for (int i = 0; i < TRIES; i++) {
    out->pos[0] = loom_random_range(random, low[0] - around, high[0] + around);
    out->pos[1] = loom_random_range(random, low[1] - around, high[1] + around);
    if (is_clear(out->pos, e)) break;
  }
  out->pos[2] = low[2] + out->size[2];

  double turn[4], axis[3] = {0, 0, 1};
  mju_axisAngle2Quat(turn, axis, loom_random_range(random, 0, 2 * mjPI));
  mju_quat2Mat(out->mat, turn);
}

void loom_distractors_place(loomDistractors* out, const loomEpisode* e) {
  const loomDisturbance* d = e ? e->disturbance : NULL;
  out->n = 0;
  if (!d) return;
  double n = loom_disturb_at(e, 0, LOOM_DISTURB_DISTRACTORS, NULL);
  if (!(n >= 1)) return;

  double low[3], high[3];
  loom_cloud_objects(low, high, e);
  if (low[0] > high[0]) return;
  loomRandom random = loom_random(d->seed, d->number, LOOM_PURPOSE_CONTEXT);
  for (; out->n < (int)n && out->n < LOOM_DISTRACTORS; out->n++)
    draw_thing(&out->thing[out->n], &random, low, high, e);
}

void loom_distractors_add(void* user, mjvScene* scene, const mjvOption* option) {
  const loomDistractors* all = user;
  (void)option;

  for (int i = 0; i < all->n && scene->ngeom < scene->maxgeom; i++) {
    const loomDistractor* t = &all->thing[i];
    mjvGeom* geom = &scene->geoms[scene->ngeom++];
    mjv_initGeom(geom, t->type, t->size, t->pos, t->mat, t->rgba);
    geom->category = mjCAT_DECOR;
  }
}
