#include "engine/scene/possible.h"

#include <math.h>

#include "engine/base/expr.h"

// The body a point moves with; 0 for the world's, -1 where the model has none of that name.
static int body_of(const loomPoint* p, const loomTask* t, const mjModel* m) {
  const char* name = p->name;
  int id = -1;

  switch (p->kind) {
    case LOOM_POINT_WORLD:
      return 0;
    case LOOM_POINT_OBJECT:
      name = t->objects[loom_task_find_object(t, p->name)].body;
      return mj_name2id(m, mjOBJ_BODY, name);
    case LOOM_POINT_BODY:
      return mj_name2id(m, mjOBJ_BODY, name);
    case LOOM_POINT_GEOM:
      id = mj_name2id(m, mjOBJ_GEOM, name);
      return id < 0 ? -1 : m->geom_bodyid[id];
    case LOOM_POINT_SITE:
    case LOOM_POINT_EEF:
      id = mj_name2id(m, mjOBJ_SITE, p->kind == LOOM_POINT_EEF ? t->robots[p->arm].eef_site : name);
      return id < 0 ? -1 : m->site_bodyid[id];
  }
  return -1;
}

// Without a joint between it and the world.
static bool stands_still(const loomPoint* p, const loomTask* t, const mjModel* m) {
  int body = body_of(p, t, m);
  return body == 0 || (body > 0 && m->body_weldid[body] == 0);
}

// Joints' limits are soft: a little beyond them is possible.
static bool is_kept_away(const loomConditionDef* c, const mjModel* m) {
  int joint = mj_name2id(m, mjOBJ_JOINT, c->joint);
  if (joint < 0 || !m->jnt_limited[joint]) return false;

  const mjtNum* range = m->jnt_range + 2 * joint;
  double slack = 0.1 * (range[1] - range[0]), bound;
  if (c->above[0] && !loom_expr_eval(&bound, c->above, NULL, NULL, 0, NULL) && bound > range[1] + slack)
    return true;
  return c->below[0] && !loom_expr_eval(&bound, c->below, NULL, NULL, 0, NULL) && bound < range[0] - slack;
}

static int check_condition(const loomConditionDef* c, const loomTask* t, const mjModel* m, loomError* err) {
  const char* why = NULL;

  switch (c->kind) {
    case LOOM_COND_DISTANCE:
    case LOOM_COND_HEIGHT:
    case LOOM_COND_INSIDE:
      if (stands_still(&c->a, t, m) && stands_still(&c->b, t, m)) why = "neither of its points ever moves";
      break;
    case LOOM_COND_UPRIGHT:
      if (stands_still(&c->a, t, m)) why = "its body never moves";
      break;
    case LOOM_COND_JOINT:
      if (is_kept_away(c, m)) why = "the joint's range keeps it away from there";
      break;
    default:
      break;
  }

  if (!why) return 0;
  return loom_error_set(err, LOOM_ERR_FORMAT, "%s:%d: %s: %s, so the condition never changes", t->path,
                        c->line, c->label, why);
}

int loom_scene_check_possible(const loomTask* task, const mjModel* model, loomError* err) {
  int code = 0;
  for (int i = 0; !code && i < task->condition_count; i++)
    code = check_condition(&task->conditions[i], task, model, err);
  return code;
}
