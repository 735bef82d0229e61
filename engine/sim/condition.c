#include "engine/sim/condition.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/expr.h"
#include "engine/scene/point.h"
#include "engine/sim/part.h"

/// A condition node with its names resolved; bounds are re-evaluated when sizes change.
typedef struct boundNode {
  int a_id, b_id;  // body, geom or site of the points
  int joint_qpos;
  double a_at[3], b_at[3], minus, above, below, low[3], high[3];
  unsigned char* geoms;   // (ngeom) 1 for geoms of the list
  unsigned char* others;  // (ngeom), NULL = any
} boundNode;

typedef struct nodeState {
  double value;
  int held;
  bool truth;
} nodeState;

struct loomConditions {
  const loomTask* task;
  int ngeom;
  int count;                // of the task's conditions
  boundNode* node;          // (count)
  nodeState* state;         // (count)
  int* held;                // (count) while they are updated
  signed char* finger_arm;  // (ngeom) arm whose finger this geom is, -1 = none
  unsigned char* finger;    // (ngeom) its finger number
};

// ---- binding

static int missing(const loomTask* t, const loomConditionDef* c, const char* kind, const char* name,
                   loomError* err) {
  return loom_error_set(err, LOOM_ERR_FORMAT, "%s:%d: the model has no %s '%s'", LOOM_TASK_AT(t, c->line),
                        kind, name);
}

static int bind_geoms(unsigned char** out, const loomGeomList* list, const loomTask* t,
                      const loomConditionDef* c, const mjModel* m, loomError* err) {
  *out = calloc((size_t)m->ngeom + 1, 1);
  if (!*out) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for conditions");

  for (int i = 0; i < list->count; i++) {
    int id = mj_name2id(m, mjOBJ_GEOM, list->geoms[i]);
    if (id < 0) return missing(t, c, "geom", list->geoms[i], err);
    (*out)[id] = 1;
  }

  // All of an object that can touch something.
  if (!list->object[0]) return 0;
  int object = loom_task_find_object(t, list->object), bodies[LOOM_MAX_OBJECTS];
  loom_object_bodies(bodies, t, m);
  if (bodies[object] < 0) return missing(t, c, "body", t->objects[object].body, err);

  for (int g = 0; g < m->ngeom; g++) {
    bool touches = m->geom_contype[g] || m->geom_conaffinity[g];
    if (touches && loom_object_of_geom(m, bodies, t->object_count, g) == object) (*out)[g] = 1;
  }
  return 0;
}

static int bind_node(boundNode* n, const loomConditionDef* c, const loomTask* t, const mjModel* m,
                     loomError* err) {
  int code = loom_point_bind(&n->a_id, &c->a, t, c->line, m, err);
  if (!code) code = loom_point_bind(&n->b_id, &c->b, t, c->line, m, err);

  // Only where they are named: an empty second list is any geom.
  if (!code && (c->geoms.count || c->geoms.object[0])) code = bind_geoms(&n->geoms, &c->geoms, t, c, m, err);
  if (!code && (c->others.count || c->others.object[0]))
    code = bind_geoms(&n->others, &c->others, t, c, m, err);

  if (!code && c->kind == LOOM_COND_JOINT) {
    int id = mj_name2id(m, mjOBJ_JOINT, c->joint);
    if (id < 0) return missing(t, c, "joint", c->joint, err);
    n->joint_qpos = m->jnt_qposadr[id];
  }
  return code;
}

static int bind_fingers(loomConditions* s, const mjModel* m, loomError* err) {
  s->finger_arm = malloc((size_t)m->ngeom + 1);
  s->finger = calloc((size_t)m->ngeom + 1, 1);
  if (!s->finger_arm || !s->finger)
    return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for conditions");

  memset(s->finger_arm, -1, (size_t)m->ngeom + 1);

  for (int a = 0; a < s->task->arm_count; a++) {
    const loomRobotDef* r = &s->task->robots[a];
    for (int f = 0; f < r->finger_count; f++) {
      for (int g = 0; g < r->finger_geom_count[f]; g++) {
        int id = mj_name2id(m, mjOBJ_GEOM, r->finger_geoms[f][g]);
        if (id < 0)
          return loom_error_set(err, LOOM_ERR_FORMAT, "the model has no geom '%s', a finger of robot %d",
                                r->finger_geoms[f][g], a);
        s->finger_arm[id] = (signed char)a;
        s->finger[id] = (unsigned char)f;
      }
    }
  }
  return 0;
}

int loom_conditions_create(loomConditions** out, const loomTask* task, const mjModel* m, loomError* err) {
  *out = NULL;
  loomConditions* s = calloc(1, sizeof *s);
  if (!s) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for conditions");
  s->task = task;
  s->ngeom = (int)m->ngeom;

  size_t room = (size_t)task->condition_count + 1;
  s->node = calloc(room, sizeof *s->node);
  s->state = calloc(room, sizeof *s->state);
  s->held = calloc(room, sizeof *s->held);
  bool ok = s->node && s->state && s->held;
  s->count = ok ? task->condition_count : 0;
  int code =
      ok ? bind_fingers(s, m, err) : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for conditions");

  for (int i = 0; !code && i < task->condition_count; i++)
    code = bind_node(&s->node[i], &task->conditions[i], task, m, err);
  if (!code) code = loom_conditions_measure(s, m, err);
  if (code) {
    loom_conditions_destroy(s);
    return code;
  }

  *out = s;
  return 0;
}

void loom_conditions_destroy(loomConditions* s) {
  if (!s) return;

  for (int i = 0; i < s->count; i++) {
    free(s->node[i].geoms);
    free(s->node[i].others);
  }

  free(s->node);
  free(s->state);
  free(s->held);
  free(s->finger_arm);
  free(s->finger);
  free(s);
}

// ---- measuring

typedef struct nameList {
  const char* names[LOOM_MAX_OBJECTS * LOOM_MAX_VARIABLES];
  double values[LOOM_MAX_OBJECTS * LOOM_MAX_VARIABLES];
  int n;
} nameList;

static void add_object(nameList* list, const loomObjectDef* o, const mjModel* m) {
  for (int v = 0; v < o->variable_count; v++) {
    double value = loom_variable_measure(o, o->variables[v].name, m);
    if (isnan(value)) continue;
    list->names[list->n] = o->variables[v].name;
    list->values[list->n++] = value;
  }
}

double loom_variable_measure(const loomObjectDef* o, const char* name, const mjModel* m) {
  nameList known = {.n = 0};
  for (int v = 0; v < o->variable_count; v++) {
    const loomVariable* x = &o->variables[v];
    double value = NAN;

    // Measured from a geom, or derived from the variables before it.
    int geom = x->geom[0] ? mj_name2id(m, mjOBJ_GEOM, x->geom) : -1;
    if (geom >= 0) value = x->scale * m->geom_size[3 * geom + x->index];
    if (x->let[0] && loom_expr_eval(&value, x->let, known.names, known.values, known.n, NULL)) value = NAN;

    if (!strcmp(x->name, name)) return value;
    if (isnan(value)) continue;
    known.names[known.n] = x->name;
    known.values[known.n++] = value;
  }
  return NAN;
}

static int eval(double* out, const char* text, double absent, const nameList* list, const loomTask* t,
                const loomConditionDef* c, loomError* err) {
  *out = absent;
  if (!text[0]) return 0;

  int code = loom_expr_eval(out, text, list->names, list->values, list->n, err);
  return code ? loom_error_prefix(err, code, "%s:%d", LOOM_TASK_AT(t, c->line)) : 0;
}

static int measure_node(boundNode* n, const loomConditionDef* c, const nameList* list, const loomTask* t,
                        loomError* err) {
  int code = eval(&n->minus, c->minus, 0, list, t, c, err);
  if (!code) code = eval(&n->above, c->above, -INFINITY, list, t, c, err);
  if (!code) code = eval(&n->below, c->below, INFINITY, list, t, c, err);

  for (int i = 0; !code && i < 3; i++) {
    code = eval(&n->a_at[i], c->a.at[i], 0, list, t, c, err);
    if (!code) code = eval(&n->b_at[i], c->b.at[i], 0, list, t, c, err);
    if (!code) code = eval(&n->low[i], c->low[i], -INFINITY, list, t, c, err);
    if (!code) code = eval(&n->high[i], c->high[i], INFINITY, list, t, c, err);
  }
  return code;
}

int loom_conditions_measure(loomConditions* s, const mjModel* m, loomError* err) {
  nameList list = {.n = 0};
  for (int o = 0; o < s->task->object_count; o++) add_object(&list, &s->task->objects[o], m);
  for (int i = 0; i < s->task->condition_count; i++) {
    boundNode fresh = s->node[i];

    int code = measure_node(&fresh, &s->task->conditions[i], &list, s->task, err);
    if (code) return code;
    s->node[i] = fresh;
  }
  return 0;
}

void loom_conditions_reset(loomConditions* s) {
  memset(s->state, 0, loom_conditions_state_size(s));
}

// ---- updating

static void point_at(double out[3], double mat[9], const loomPoint* p, int id, const double at[3],
                     const mjData* d) {
  double offset[3];
  loom_point_frame(out, mat, p, id, d);
  mju_mulMatVec3(offset, mat, at);
  mju_addTo3(out, offset);
}

// Fingers of the arm that touch a geom of the list, as bits.
static unsigned touching_fingers(const loomConditions* s, const boundNode* n, int arm, const mjData* d) {
  unsigned mask = 0;
  for (int c = 0; c < d->ncon; c++) {
    const int* g = d->contact[c].geom;
    for (int side = 0; side < 2; side++) {
      int finger = g[side], other = g[1 - side];
      if (finger >= 0 && other >= 0 && s->finger_arm[finger] == arm && n->geoms[other])
        mask |= 1u << s->finger[finger];
    }
  }
  return mask;
}

static bool touching(const boundNode* n, const mjData* d) {
  for (int c = 0; c < d->ncon; c++) {
    const int* g = d->contact[c].geom;
    for (int side = 0; side < 2; side++) {
      if (g[side] >= 0 && g[1 - side] >= 0 && n->geoms[g[side]] && (!n->others || n->others[g[1 - side]]))
        return true;
    }
  }
  return false;
}

static double measure_value(const loomConditions* s, int i, const mjData* d, const double* grip) {
  const loomConditionDef* c = &s->task->conditions[i];
  const boundNode* n = &s->node[i];
  double a[3], b[3], mat_a[9], mat_b[9], local[3], worst = 0;
  switch (c->kind) {
    case LOOM_COND_GRASPED:
    case LOOM_COND_RELEASED:
      return __builtin_popcount(touching_fingers(s, n, c->arm, d));
    case LOOM_COND_TOUCHING:
      return touching(n, d);
    case LOOM_COND_JOINT:
      return d->qpos[n->joint_qpos];
    case LOOM_COND_GRIPPER:
      return grip ? grip[c->arm] : 0;
    default:
      break;
  }

  // The others compare two points.
  point_at(a, mat_a, &c->a, n->a_id, n->a_at, d);
  point_at(b, mat_b, &c->b, n->b_id, n->b_at, d);
  if (c->kind == LOOM_COND_DISTANCE) return mju_dist3(a, b);
  if (c->kind == LOOM_COND_HEIGHT) return a[2] - b[2] - n->minus;
  if (c->kind == LOOM_COND_UPRIGHT) {
    mju_mulMatVec3(local, mat_a, c->axis);
    return acos(mju_clip(local[2] / mju_norm3(c->axis), -1, 1));
  }

  // INSIDE: how far outside of the box in b's frame, along the axis that is worst.
  mju_subFrom3(a, b);
  mju_mulMatTVec3(local, mat_b, a);
  for (int k = 0; k < 3; k++) worst = fmax(worst, fmax(n->low[k] - local[k], local[k] - n->high[k]));
  return worst;
}

static bool leaf_truth(const loomConditions* s, int i, double value) {
  const loomConditionDef* c = &s->task->conditions[i];
  const boundNode* n = &s->node[i];
  switch (c->kind) {
    case LOOM_COND_GRASPED:
      return s->task->robots[c->arm].finger_count > 0 && value >= s->task->robots[c->arm].finger_count;
    case LOOM_COND_RELEASED:
      return value == 0;
    case LOOM_COND_TOUCHING:
      return value > 0;
    case LOOM_COND_INSIDE:
      return value <= 0;
    case LOOM_COND_GRIPPER:
      return value * c->gripper_sign > 0;
    default:
      return value > n->above && value < n->below;
  }
}

static bool update_node(loomConditions* s, int i, const mjData* d, const double* grip) {
  const loomConditionDef* c = &s->task->conditions[i];
  nodeState* state = &s->state[i];
  bool truth = false, all = true, any = false;

  for (int k = c->first_child; k >= 0; k = s->task->conditions[k].next) {
    bool child = s->state[k].truth;
    all = all && child;
    any = any || child;
  }

  switch (c->kind) {
    case LOOM_COND_ALL:
      truth = all;
      break;
    case LOOM_COND_ANY:
      truth = any;
      break;
    case LOOM_COND_NOT:
      truth = !any;
      break;
    case LOOM_COND_HELD:
      state->held = any ? state->held + 1 : 0;
      truth = state->held >= c->steps;
      break;
    default:
      state->value = measure_value(s, i, d, grip);
      state->truth = leaf_truth(s, i, state->value);
      return state->truth;
  }

  state->value = c->kind == LOOM_COND_HELD ? state->held : truth;
  state->truth = truth;
  return truth;
}

void loom_conditions_update(loomConditions* s, const mjModel* m, const mjData* d, const double* grip) {
  (void)m;
  // Children stand after their parents, copies of named nodes after what they were copied from: two passes
  // from the end settle every level, and the second alone counts `held`.
  int* held = s->held;
  for (int i = 0; i < s->task->condition_count; i++) held[i] = s->state[i].held;

  for (int pass = 0; pass < 2; pass++) {
    for (int i = 0; i < s->task->condition_count; i++) s->state[i].held = held[i];
    for (int i = s->task->condition_count - 1; i >= 0; i--) update_node(s, i, d, grip);
  }
}

bool loom_condition_true(const loomConditions* s, int i) {
  return i >= 0 && i < s->task->condition_count && s->state[i].truth;
}

double loom_condition_value(const loomConditions* s, int i) {
  return i >= 0 && i < s->task->condition_count ? s->state[i].value : 0;
}

// ---- nearness

static double nearness_of_children(const loomConditions* s, const loomConditionDef* c, double scale) {
  double sum = 0, best = 0;
  int n = 0;
  for (int k = c->first_child; k >= 0; k = s->task->conditions[k].next, n++) {
    double near = loom_condition_nearness(s, k, scale);
    sum += near;
    best = fmax(best, near);
  }
  return c->kind == LOOM_COND_ALL && n ? sum / n : best;
}

double loom_condition_nearness(const loomConditions* s, int i, double scale) {
  if (i < 0 || i >= s->task->condition_count) return 0;
  const loomConditionDef* c = &s->task->conditions[i];
  const boundNode* n = &s->node[i];
  double value = s->state[i].value;
  if (s->state[i].truth) return 1;

  switch (c->kind) {
    case LOOM_COND_ALL:
    case LOOM_COND_ANY:
      return nearness_of_children(s, c, scale);
    case LOOM_COND_HELD:
      return (nearness_of_children(s, c, scale) + value / c->steps) / 2;
    case LOOM_COND_GRASPED:
      return s->task->robots[c->arm].finger_count ? value / s->task->robots[c->arm].finger_count : 0;
    case LOOM_COND_INSIDE:
      return 1 - tanh(fmax(value, 0) / scale);
    case LOOM_COND_DISTANCE:
    case LOOM_COND_HEIGHT:
    case LOOM_COND_JOINT:
    case LOOM_COND_UPRIGHT:
      return 1 - tanh(fmax(fmax(n->above - value, value - n->below), 0) / scale);
    default:
      return 0;
  }
}

// ---- explaining

loomConditionCause loom_condition_cause(const loomConditions* s, int i, bool wanted) {
  loomConditionCause none = {.node = -1, .wanted = wanted};
  if (i < 0 || i >= s->task->condition_count || s->state[i].truth == wanted) return none;

  // The first child that is not as it should; below a `not` that is the other way round.
  const loomConditionDef* c = &s->task->conditions[i];
  bool of_child = c->kind == LOOM_COND_NOT ? !wanted : wanted;
  for (int k = c->first_child; k >= 0; k = s->task->conditions[k].next) {
    loomConditionCause cause = loom_condition_cause(s, k, of_child);
    if (cause.node >= 0) return cause;
  }

  return (loomConditionCause){i, wanted, s->state[i].value};
}

// Is the node one of those that compare what they measure with bounds?
static bool has_bounds(const loomConditionDef* c) {
  return c->kind == LOOM_COND_DISTANCE || c->kind == LOOM_COND_HEIGHT || c->kind == LOOM_COND_JOINT ||
         c->kind == LOOM_COND_UPRIGHT;
}

void loom_condition_subject(char* text, size_t n, const loomConditions* s, loomConditionCause cause) {
  if (n) text[0] = 0;
  if (cause.node < 0) return;

  const loomConditionDef* c = &s->task->conditions[cause.node];
  bool measured = has_bounds(c) || c->kind == LOOM_COND_GRASPED || c->kind == LOOM_COND_INSIDE;
  if (!cause.wanted) {
    snprintf(text, n, "%s, must not be", c->label);
  } else {
    snprintf(text, n, "%s%s", measured ? "" : "not ", c->label);
  }
}

int loom_condition_explain(const loomConditions* s, int i, char* text, size_t n) {
  loomConditionCause cause = loom_condition_cause(s, i, true);
  loom_condition_subject(text, n, s, cause);
  if (cause.node < 0 || !cause.wanted) return cause.node;

  // How far off, for what is measured.
  const loomConditionDef* c = &s->task->conditions[cause.node];
  const boundNode* b = &s->node[cause.node];
  if (c->kind == LOOM_COND_GRASPED) {
    snprintf(text, n, "%s: %d of %d fingers touch", c->label, (int)cause.value,
             s->task->robots[c->arm].finger_count);
  } else if (has_bounds(c)) {
    bool low = cause.value <= b->above;
    snprintf(text, n, "%s %.3f, needs %s %.3f", c->label, cause.value, low ? ">" : "<",
             low ? b->above : b->below);
  } else if (c->kind == LOOM_COND_INSIDE) {
    snprintf(text, n, "%s %.3f m outside", c->label, cause.value);
  }
  return cause.node;
}

size_t loom_conditions_state_size(const loomConditions* s) {
  return (size_t)s->count * sizeof *s->state;
}
void loom_conditions_get_state(const loomConditions* s, void* state) {
  memcpy(state, s->state, loom_conditions_state_size(s));
}
void loom_conditions_set_state(loomConditions* s, const void* state) {
  memcpy(s->state, state, loom_conditions_state_size(s));
}
