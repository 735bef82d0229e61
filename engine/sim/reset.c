// The drawing of an episode's start: object sizes, places and the arms' noise.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/expr.h"
#include "engine/base/random.h"
#include "engine/base/strata.h"
#include "engine/sim/episode.h"
#include "engine/sim/part.h"
#include "engine/sim/rest.h"

// ---- numbers

// The numbers of a start, one after the other.
typedef struct draws {
  loomRandom random;
  bool stratified;  // each is drawn from its part of a Latin hypercube, of which
  int dimension;    // so many have been
} draws;

static double draw_uniform(draws* from) {
  double u = loom_random_uniform(&from->random);
  if (!from->stratified) return u;
  return (loom_stratum(from->random.seed, from->random.attempt, from->dimension++) + u) / LOOM_STRATA;
}

static double draw_range(draws* from, double low, double high) {
  return low + (high - low) * draw_uniform(from);
}

static int draw_index(draws* from, int n) {
  int i = (int)(draw_uniform(from) * n);
  return i < n ? i : n - 1;
}

// ---- sizes

typedef struct variableList {
  const char* names[LOOM_MAX_VARIABLES];
  double values[LOOM_MAX_VARIABLES];
  int n;
} variableList;

static int eval(double* out, const char* text, const variableList* v, loomError* err) {
  return loom_expr_eval(out, text, v->names, v->values, v->n, err);
}

static int eval3(double* out, const loomExprText* text, int n, const variableList* v, loomError* err) {
  for (int i = 0; i < n; i++) {
    out[i] = 0;
    int code = text[i][0] ? eval(&out[i], text[i], v, err) : 0;
    if (code) return code;
  }
  return 0;
}

static int draw_variables(variableList* v, const loomObjectDef* object, const loomPlacement* place,
                          const loomEpisode* e, draws* from, loomError* err) {
  v->n = 0;
  for (int i = 0; i < object->variable_count; i++) {
    const loomVariable* variable = &object->variables[i];

    // Without a range a variable is what the scene's model says.
    double value = loom_variable_measure(object, variable->name, e->scene->model);
    for (int r = 0; r < place->range_count; r++) {
      if (strcmp(place->range_names[r], variable->name)) continue;

      double low, high;
      int code = eval(&low, place->ranges[r][0], v, err);
      if (!code) code = eval(&high, place->ranges[r][1], v, err);
      if (code) return code;
      value = draw_range(from, low, high);
    }

    if (variable->let[0]) {
      int code = eval(&value, variable->let, v, err);
      if (code) return code;
    }

    // The next ones may be expressions of it.
    v->names[v->n] = variable->name;
    v->values[v->n++] = value;
  }
  return 0;
}

static int shape_edits(loomGeomEdit* edits, const loomObjectDef* object, const variableList* v,
                       loomError* err) {
  for (int i = 0; i < object->shape_count; i++) {
    const loomGeomShape* shape = &object->shapes[i];
    loomGeomEdit* edit = &edits[i];
    memset(edit, 0, sizeof *edit);
    strcpy(edit->geom, shape->geom);

    int code = eval3(edit->size, shape->size, 3, v, err);
    edit->has_size = shape->size_count > 0;
    edit->has_pos = shape->has_pos;
    if (!code && shape->has_pos) code = eval3(edit->pos, shape->pos, 3, v, err);

    edit->has_density = shape->density[0] != 0;
    if (!code && edit->has_density) code = eval(&edit->density, shape->density, v, err);

    edit->has_friction = shape->has_friction;
    if (!code && shape->has_friction) code = eval3(edit->friction, shape->friction, 3, v, err);

    if (code) return code;
  }
  return 0;
}

// ---- placement

enum { MOST_TRIES = 1000 };

typedef struct circle {
  double x, y, radius;
} circle;

// Some arm comes there: the place lies within reach of its shoulder, the second joint (kinematics are those
// of the canonical joints).
static bool within_reach(const loomEpisode* e, const circle* c, double z) {
  bool known = false;
  for (int a = 0; a < e->arm_count; a++) {
    const loomArm* arm = &e->arms[a];
    if (arm->robot->reach <= 0 || arm->n < 2) return true;

    const double* shoulder = e->d->xanchor + 3 * e->m->dof_jntid[arm->dof[1]];
    double away = hypot(hypot(c->x - shoulder[0], c->y - shoulder[1]), z - shoulder[2]);
    if (away - c->radius <= arm->robot->reach) return true;
    known = true;
  }
  return !known;
}

static bool free_of(const circle* c, const circle* others, int n, double gap) {
  for (int i = 0; i < n; i++) {
    if (hypot(c->x - others[i].x, c->y - others[i].y) < c->radius + others[i].radius + gap) return false;
  }
  return true;
}

// A thousand draws, and so many of them were out of reach.
static int no_place(const loomEpisode* e, const loomPlacement* place, int far, loomError* err) {
  const char* why = "taken, or beyond every arm's reach; change its range or lessen `gap`";
  if (!far) why = "something is in the way; change its range or lessen `gap`";
  if (far == MOST_TRIES)
    why = "beyond every arm's reach; change its range, move a robot, or say by `radius` how large it is";

  return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s: no place for '%s' in %d draws: %s",
                        e->scene->task->path, e->scene->task->objects[place->object].name, MOST_TRIES, why);
}

// A place of the circle that is free and, in the world's frame, within reach.
static int draw_place(circle* c, const loomEpisode* e, const loomPlacement* place, double z,
                      const circle* placed, int n, draws* from, loomError* err) {
  int tries = 0, far = 0;
  bool reached;
  bool stratified = from->stratified;
  do {
    // A part with no free place in it gives way to the whole range.
    if (tries) from->stratified = false;

    // One place takes no draw, so that what else is drawn is as in a task without `places`.
    int i = place->place_count > 1 ? draw_index(from, place->place_count) : 0;

    const double* x = place->place_count ? place->place_x[i] : place->x;
    const double* y = place->place_count ? place->place_y[i] : place->y;
    c->x = draw_range(from, x[0], x[1]);
    c->y = draw_range(from, y[0], y[1]);

    if (++tries > MOST_TRIES) return no_place(e, place, far, err);
    reached = place->frame >= 0 || within_reach(e, c, z);
    far += !reached;
  } while (place->frame < 0 && (!reached || !free_of(c, placed, n, place->gap)));
  from->stratified = stratified;
  return 0;
}

// The pose drawn: in the world, or in an object's frame where it has been placed.
static void set_pose(loomEpisode* e, const loomPlacement* place, const circle* c, double z, draws* from) {
  double yaw[3] = {0, 0, draw_range(from, place->yaw[0], place->yaw[1])}, turn[4];
  double base[4] = {1, 0, 0, 0}, *qpos = e->d->qpos + e->scene->object_qpos[place->object];

  if (place->orientation_count) {
    memcpy(base, place->orientations[draw_index(from, place->orientation_count)], sizeof base);
  }

  // Turned about the vertical after the orientation it lies in.
  loomPose pose = {.pos = {c->x, c->y, z}};
  loom_quat_exp(turn, yaw);
  loom_quat_mul(pose.quat, turn, base);

  if (place->frame >= 0) {
    mj_kinematics(e->m, e->d);
    pose = loom_pose_mul(loom_episode_object(e, place->frame), pose);
  }

  mju_normalize4(pose.quat);
  memcpy(qpos, pose.pos, sizeof pose.pos);
  memcpy(qpos + 3, pose.quat, sizeof pose.quat);
}

static int place_object(loomEpisode* e, const loomPlacement* place, const variableList* v, circle* placed,
                        int n, draws* from, loomError* err) {
  double z = 0;
  circle c = {0, 0, 0};
  placed[n] = (circle){0, 0, -INFINITY};  // in nobody's way

  // A drawer or a door is somewhere along its joint.
  if (place->on_joint) {
    e->d->qpos[e->scene->object_qpos[place->object]] = draw_range(from, place->joint[0], place->joint[1]);
    return 0;
  }

  int code = eval(&z, place->z, v, err);
  if (!code && place->radius[0]) code = eval(&c.radius, place->radius, v, err);
  if (!code) code = draw_place(&c, e, place, z, placed, n, from, err);
  if (code) return code;

  if (place->frame < 0) placed[n] = c;
  set_pose(e, place, &c, z, from);
  return 0;
}

static bool is_placed(const loomEpisode* e, const loomResetDef* def, int geom) {
  int body = e->m->geom_bodyid[geom];
  for (int i = 0; i < def->placement_count; i++) {
    if (loom_body_moves_with(e->m, body, e->scene->object_body[def->placements[i].object])) return true;
  }
  return false;
}

// Something placed is more than 5 mm in something else, the robots included.
static bool overlaps(loomEpisode* e, const loomResetDef* def) {
  mj_kinematics(e->m, e->d);
  mj_collision(e->m, e->d);
  for (int i = 0; i < e->d->ncon; i++) {
    const mjContact* c = &e->d->contact[i];
    if (c->dist > -0.005 || c->geom[0] < 0 || c->geom[1] < 0) continue;
    if (is_placed(e, def, c->geom[0]) || is_placed(e, def, c->geom[1])) return true;
  }
  return false;
}

// Everything in its place, free of everything else.
static int place_all(loomEpisode* e, const loomResetDef* def, const variableList* v, draws* from,
                     loomError* err) {
  circle placed[LOOM_MAX_OBJECTS];
  for (int tries = 0; tries < 100; tries++) {
    for (int i = 0; i < def->placement_count; i++) {
      int code = place_object(e, &def->placements[i], &v[i], placed, i, from, err);
      if (code) return code;
    }
    if (!overlaps(e, def)) return 0;
    from->stratified = false;
  }
  return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                        "%s: reset %s: objects overlap each other, the scene or a robot by more than 5 mm in "
                        "100 draws; change their ranges, or raise their z",
                        e->scene->task->path, def->name);
}

static void place_arms(loomEpisode* e, draws* from) {
  for (int a = 0; a < e->arm_count; a++) {
    const loomArm* arm = &e->arms[a];
    for (int i = 0; i < arm->n; i++) {
      e->d->qpos[arm->qpos[i]] =
          arm->robot->arm.init_qpos[i] + arm->robot->arm.init_noise * loom_random_normal(&from->random);
    }
    for (int i = 0; i < arm->hand_n; i++) e->d->qpos[arm->hand_qpos[i]] = arm->robot->gripper_init_qpos[i];
  }
}

// Sizes first, since places depend on them.
static int draw_sizes(variableList* v, loomEpisode* e, const loomResetDef* def, draws* from, loomError* err) {
  const loomTask* task = e->scene->task;

  // Objects of sizes that are not drawn are as the scene has them, whatever was drawn before, and so is all
  // that was disturbed.
  int code = e->disturbance || e->shapes ? loom_episode_restore_sizes(e, err) : 0;
  for (int i = 0; !code && i < def->placement_count; i++) {
    const loomPlacement* place = &def->placements[i];
    if (!place->range_count && e->edit_count[place->object]) code = loom_episode_restore_sizes(e, err);
  }

  for (int i = 0; !code && i < def->placement_count; i++) {
    int o = def->placements[i].object;
    code = draw_variables(&v[i], &task->objects[o], &def->placements[i], e, from, err);
    if (!code) code = shape_edits(e->edits[o], &task->objects[o], &v[i], err);
    if (!code && task->objects[o].shape_count && def->placements[i].range_count) {
      e->edit_count[o] = task->objects[o].shape_count;
      code = loom_variation_apply(e->scene->variations[o], e->edits[o], e->edit_count[o], e->m, e->scratch,
                                  NULL, err);
    }
    if (!code) memcpy(e->variables[o], v[i].values, sizeof v[i].values);
  }
  return code;
}

static int draw_start(loomEpisode* e, const loomResetDef* def, draws* from, loomError* err) {
  variableList v[LOOM_MAX_OBJECTS];
  int code = draw_sizes(v, e, def, from, err);
  if (code) return code;

  // Then arms and places in fresh data.
  mj_resetData(e->m, e->d);
  place_arms(e, from);
  mj_kinematics(e->m, e->d);
  return place_all(e, def, v, from, err);
}

// Where the task asks for it, the first of the stream's draws at which nothing falls off what it lies on.
static int draw_start_at_rest(loomEpisode* e, const loomResetDef* def, draws* from, loomError* err) {
  bool rests = true;
  for (e->redrawn = 0; e->redrawn < 100; e->redrawn++) {
    int code = draw_start(e, def, from, err);
    if (!code && e->scene->task->rest > 0) code = loom_rest_check(&rests, e, def, err);
    if (code || rests) return code;
    from->stratified = false;
  }
  return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                        "%s: reset %s: in 100 draws an object never stayed within %g m of where it was put; "
                        "change its ranges or z, or raise `rest`",
                        e->scene->task->path, def->name, e->scene->task->rest);
}

static int start(loomEpisode* e, int reset, draws* from, loomError* err) {
  if (e->scene->composite)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                          "%s: its actions are laid out as a composite controller of robosuite 1.5 has them, "
                          "with entries besides an arm's and its gripper's or in another order; such "
                          "recordings are replayed, and no new episodes begin from them",
                          e->scene->label);

  double begun = loom_clock();
  int code = draw_start_at_rest(e, &e->scene->task->resets[reset], from, err);
  if (code) return code;

  // And the start that all episodes have.
  code = loom_episode_begin(e, err);
  e->times.reset += loom_clock() - begun;
  return code;
}

int loom_episode_reset(loomEpisode* e, int reset, uint64_t seed, uint64_t attempt, loomError* err) {
  draws from = {loom_random(seed, attempt, LOOM_PURPOSE_RESET), false, 0};
  return start(e, reset, &from, err);
}

int loom_episode_reset_stratified(loomEpisode* e, int reset, uint64_t seed, uint64_t attempt,
                                  loomError* err) {
  draws from = {loom_random(seed, attempt, LOOM_PURPOSE_RESET), true, 0};
  return start(e, reset, &from, err);
}

// The text of a scene in which one more object is changed; *xml (nullable, owned) is the text so far.
static int apply_to_xml(char** xml, mjModel* m, loomEpisode* e, int o, loomError* err) {
  const loomScene* s = e->scene;
  loomVariation* again = NULL;
  char* changed = NULL;

  // A variation writes the text it was bound to: behind the first, the text to change is another one.
  int code = *xml ? loom_variation_bind(&again, *xml, s->label, s->task->objects[o].body, err) : 0;
  if (!code)
    code = loom_variation_apply(again ? again : s->variations[o], e->edits[o], e->edit_count[o], m,
                                e->scratch, &changed, err);

  loom_variation_destroy(again);
  if (code) return code;
  free(*xml);
  *xml = changed;
  return 0;
}

int loom_episode_xml(char** out, loomEpisode* e, loomError* err) {
  char *xml = NULL, *portable = NULL;
  int code = 0;
  if (e->shapes) return loom_mjcf_portable(out, e->shapes->xml, e->shapes->label, err);

  // Applying sizes takes back what a disturbance has changed of the object: not in the episode's own model.
  mjModel *other = e->disturbance ? mj_copyModel(NULL, e->m) : NULL, *m = other ? other : e->m;
  if (e->disturbance && !other) code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a model");
  for (int o = 0; !code && o < e->scene->task->object_count; o++) {
    if (e->edit_count[o]) code = apply_to_xml(&xml, m, e, o, err);
  }
  mj_deleteModel(other);

  if (!code) code = loom_mjcf_portable(&portable, xml ? xml : e->scene->xml, e->scene->label, err);
  free(xml);
  *out = portable;
  return code;
}
