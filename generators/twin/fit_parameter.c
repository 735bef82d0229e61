// Parameters of a fit: which an object has, and a model with other values.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/sim/edit.h"
#include "engine/sim/part.h"
#include "generators/twin/fit_work.h"

static const char* const kinds[LOOM_FIT_KINDS] = {"mass", "friction", "damping"};

void loom_fit_name(char out[2 * LOOM_NAME_MAX], const loomFitParameter* p) {
  snprintf(out, 2 * LOOM_NAME_MAX, "%s of %s", kinds[p->kind], p->object);
}

// ---- what belongs to what

bool loom_fit_is_part(const loomScene* scene, int object, int body) {
  return loom_object_of_body(scene->model, scene->object_body, scene->task->object_count, body) == object;
}

int loom_fit_joint_of(const loomScene* scene, int object) {
  const mjModel* m = scene->model;
  int body = scene->object_body[object], joint = m->body_jntadr[body];
  bool turns =
      m->body_jntnum[body] == 1 && (m->jnt_type[joint] == mjJNT_SLIDE || m->jnt_type[joint] == mjJNT_HINGE);

  return turns ? joint : -1;
}

static bool is_free(const loomScene* scene, int object) {
  const mjModel* m = scene->model;
  int body = scene->object_body[object];
  return m->body_jntnum[body] == 1 && m->jnt_type[m->body_jntadr[body]] == mjJNT_FREE;
}

static bool collides(const mjModel* m, int geom) {
  return m->geom_contype[geom] || m->geom_conaffinity[geom];
}

bool loom_fit_lies_on(const mjModel* m, const loomScene* scene, int body) {
  if (m->body_weldid[body]) return false;
  for (int a = 0; a < scene->task->arm_count; a++) {
    const char* name = scene->task->robots[a].base_body;
    int base = name[0] ? mj_name2id(m, mjOBJ_BODY, name) : -1;
    for (int b = body; base > 0 && b > 0; b = m->body_parentid[b])
      if (b == base) return false;
  }

  return true;
}

// ---- which there are

static double own_mass(const loomScene* scene, int object) {
  double sum = 0;
  for (int b = 1; b < scene->model->nbody; b++)
    if (loom_fit_is_part(scene, object, b)) sum += scene->model->body_mass[b];
  return sum;
}

// Of the first of its geoms that collide.
static double own_friction(const loomScene* scene, int object) {
  const mjModel* m = scene->model;
  for (int g = 0; g < m->ngeom; g++)
    if (collides(m, g) && loom_fit_is_part(scene, object, m->geom_bodyid[g])) return m->geom_friction[3 * g];
  return 0;
}

// At most and at least, from the scene's own: by factors, and where that is nothing by what joints have.
static void set_bounds(loomFitParameter* p, double own, double factor, double usual, double least,
                       double most) {
  p->own = own;
  p->value = own > 0 ? own : usual;
  p->bounds[0] = fmax(p->value / factor, least);
  p->bounds[1] = fmin(p->value * factor, most);
  p->value = fmin(fmax(p->value, p->bounds[0]), p->bounds[1]);
}

static int add_parameter(loomFitWork* w, int object, loomFitKind kind, loomError* err) {
  const mjModel* m = w->scene->model;
  const loomObjectDef* o = &w->scene->task->objects[object];
  int joint = loom_fit_joint_of(w->scene, object), dof = joint < 0 ? -1 : m->jnt_dofadr[joint];
  bool slides = joint >= 0 && m->jnt_type[joint] == mjJNT_SLIDE;
  if (kind == LOOM_FIT_DAMPING && joint < 0) return 0;
  if (w->out->n == LOOM_FIT_PARAMETERS)
    return loom_error_set(err, LOOM_ERR_USAGE, "more than %d parameters at once: name objects by --of",
                          LOOM_FIT_PARAMETERS);

  loomFitParameter* p = &w->out->parameter[w->out->n++];
  *p = (loomFitParameter){
      .kind = kind, .number = object, .on_joint = joint >= 0 && kind != LOOM_FIT_MASS, .with = -1};
  snprintf(p->object, sizeof p->object, "%s", o->name);
  snprintf(p->body, sizeof p->body, "%s", o->body);
  const char* unit = "kg";
  if (kind == LOOM_FIT_FRICTION) unit = joint < 0 ? "" : slides ? "N" : "N m";
  if (kind == LOOM_FIT_DAMPING) unit = slides ? "N s/m" : "N m s/rad";
  snprintf(p->unit, sizeof p->unit, "%s", unit);

  if (kind == LOOM_FIT_MASS) set_bounds(p, own_mass(w->scene, object), 20, 0.1, 1e-4, 1e3);
  if (kind == LOOM_FIT_FRICTION && joint < 0)
    set_bounds(p, own_friction(w->scene, object), 1e3, 0.5, 0.02, fmax(1.5, own_friction(w->scene, object)));
  if (kind == LOOM_FIT_FRICTION && joint >= 0)
    set_bounds(p, m->dof_frictionloss[dof], 100, slides ? 0.5 : 0.05, 1e-4, 1e3);
  if (kind == LOOM_FIT_DAMPING) set_bounds(p, m->dof_damping[dof], 100, slides ? 1 : 0.1, 1e-4, 1e4);

  return 0;
}

static int add_object(loomFitWork* w, int object, bool named, loomError* err) {
  const loomObjectDef* o = &w->scene->task->objects[object];
  int code = 0;
  if (o->variable_count)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                          "%s: the size of '%s' is drawn for each start: what it weighs is no one number",
                          w->scene->task->path, o->name);
  if (!is_free(w->scene, object) && loom_fit_joint_of(w->scene, object) < 0)
    return named ? loom_error_set(err, LOOM_ERR_USAGE, "'%s' cannot move: there is nothing to fit", o->name)
                 : 0;

  for (int k = 0; !code && k < LOOM_FIT_KINDS; k++)
    if (w->def->kinds >> k & 1) code = add_parameter(w, object, (loomFitKind)k, err);

  return code;
}

// The task's objects, for whoever names one that there is not.
static void list_objects(char* out, size_t n, const loomTask* task) {
  size_t used = 0;
  *out = 0;
  for (int o = 0; o < task->object_count && used + LOOM_NAME_MAX + 3 < n; o++)
    used += (size_t)snprintf(out + used, n - used, "%s%s", o ? ", " : "", task->objects[o].name);
}

int loom_fit_parameters(loomFitWork* w, loomError* err) {
  const loomTask* task = w->scene->task;
  int n = w->def->nobject ? w->def->nobject : task->object_count, code = 0;
  for (int i = 0; !code && i < n; i++) {
    int object = w->def->nobject ? loom_task_find_object(task, w->def->object[i]) : i;
    if (object < 0) {
      char known[400];
      list_objects(known, sizeof known, task);
      return loom_error_set(err, LOOM_ERR_USAGE, "%s has no object '%s', but %s", task->path,
                            w->def->object[i], known);
    }
    code = add_object(w, object, w->def->nobject > 0, err);
  }
  if (code || w->out->n) return code;
  return loom_error_set(err, LOOM_ERR_USAGE,
                        "nothing to fit: damping is that of joints, and none of these objects "
                        "is on one");
}

// ---- a model with other values

// Torsional and rolling friction keep their ratio to sliding.
static void set_friction(mjModel* m, int geom, double value) {
  double* f = m->geom_friction + (ptrdiff_t)3 * geom;
  double by = f[0] > 0 ? value / f[0] : 1;
  f[0] = value;
  f[1] *= by;
  f[2] *= by;
}

// Of two surfaces MuJoCo takes the larger friction: what an object slides on has no more than it.
static void set_surface(loomEpisode* e, const loomFitWork* w, int object, double value) {
  mjModel* m = e->m;
  for (int g = 0; g < m->ngeom; g++) {
    int body = m->geom_bodyid[g];
    if (!collides(m, g)) continue;
    if (loom_fit_is_part(w->scene, object, body))
      set_friction(m, g, value);
    else if (m->geom_friction[3 * g] > value && loom_fit_lies_on(m, w->scene, body))
      set_friction(m, g, value);
  }
}

int loom_fit_apply(loomEpisode* e, const loomFitWork* w, const double* x, loomError* err) {
  if (!mj_copyModel(e->m, w->scene->model))
    return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a model");
  for (int i = 0; i < w->out->n; i++) {
    const loomFitParameter* p = &w->out->parameter[i];
    double value = exp(x[i]);
    int dof = p->on_joint ? e->m->jnt_dofadr[loom_fit_joint_of(w->scene, p->number)] : -1;
    if (p->kind == LOOM_FIT_MASS && p->own > 0) loom_edit_mass(e, p->number, value / p->own);
    if (p->kind == LOOM_FIT_FRICTION && dof >= 0) e->m->dof_frictionloss[dof] = value;
    if (p->kind == LOOM_FIT_FRICTION && dof < 0) set_surface(e, w, p->number, value);
    if (p->kind == LOOM_FIT_DAMPING) e->m->dof_damping[dof] = value;
  }

  return loom_edit_constants(e, err);
}
