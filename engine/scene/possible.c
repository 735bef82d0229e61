#include "engine/scene/possible.h"

#include <math.h>

#include "engine/base/expr.h"
#include "engine/scene/point.h"

// Without a joint between it and the world. What the model does not have is told where conditions are bound.
static bool stands_still(const loomPoint* p, const loomTask* t, const mjModel* m) {
  int id;
  return !loom_point_bind(&id, p, t, 0, m, NULL) && m->body_weldid[loom_point_body(p, id, m)] == 0;
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
  return loom_error_set(err, LOOM_ERR_FORMAT, "%s:%d: %s: %s, so the condition never changes",
                        LOOM_TASK_AT(t, c->line), c->label, why);
}

int loom_scene_check_possible(const loomTask* task, const mjModel* model, loomError* err) {
  int code = 0;
  for (int i = 0; !code && i < task->condition_count; i++)
    code = check_condition(&task->conditions[i], task, model, err);
  return code;
}
