#include "engine/scene/point.h"

#include <string.h>

int loom_point_bind(int* id, const loomPoint* p, const loomTask* t, int line, const mjModel* m,
                    loomError* err) {
  const char *name = p->name, *kind = "body";
  mjtObj type = mjOBJ_BODY;
  *id = 0;

  switch (p->kind) {
    case LOOM_POINT_WORLD:
      return 0;
    case LOOM_POINT_OBJECT:
      name = t->objects[loom_task_find_object(t, p->name)].body;
      break;
    case LOOM_POINT_BODY:
      break;
    case LOOM_POINT_GEOM:
      type = mjOBJ_GEOM;
      kind = "geom";
      break;
    case LOOM_POINT_SITE:
    case LOOM_POINT_EEF:
      type = mjOBJ_SITE;
      kind = "site";
      if (p->kind == LOOM_POINT_EEF) name = t->robots[p->arm].eef_site;
      break;
  }

  *id = mj_name2id(m, type, name);
  if (*id >= 0) return 0;
  return loom_error_set(err, LOOM_ERR_FORMAT, "%s:%d: the model has no %s '%s'", LOOM_TASK_AT(t, line), kind,
                        name);
}

void loom_point_frame(double* pos, double* mat, const loomPoint* p, int id, const mjData* d) {
  static const double zero[3] = {0, 0, 0}, one[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  const double *x = zero, *r = one;

  switch (p->kind) {
    case LOOM_POINT_WORLD:
      break;
    case LOOM_POINT_OBJECT:
    case LOOM_POINT_BODY:
      x = d->xpos + 3 * id;
      r = d->xmat + 9 * id;
      break;
    case LOOM_POINT_GEOM:
      x = d->geom_xpos + 3 * id;
      r = d->geom_xmat + 9 * id;
      break;
    case LOOM_POINT_SITE:
    case LOOM_POINT_EEF:
      x = d->site_xpos + 3 * id;
      r = d->site_xmat + 9 * id;
      break;
  }

  memcpy(pos, x, 3 * sizeof *pos);
  memcpy(mat, r, 9 * sizeof *mat);
}

int loom_point_body(const loomPoint* p, int id, const mjModel* m) {
  switch (p->kind) {
    case LOOM_POINT_WORLD:
      break;
    case LOOM_POINT_OBJECT:
    case LOOM_POINT_BODY:
      return id;
    case LOOM_POINT_GEOM:
      return m->geom_bodyid[id];
    case LOOM_POINT_SITE:
    case LOOM_POINT_EEF:
      return m->site_bodyid[id];
  }
  return 0;
}
