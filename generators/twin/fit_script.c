// What a fit found as a script for `twin edit`.
#include <mujoco/mujoco.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generators/twin/fit_work.h"

static void write_why(FILE* out, const loomTwinFit* fit, const loomFitParameter* p) {
  char name[2 * LOOM_NAME_MAX], other[2 * LOOM_NAME_MAX] = "";
  loom_fit_name(name, p);
  if (p->with >= 0) loom_fit_name(other, &fit->parameter[p->with]);
  fprintf(out, "# %s cannot be told from this log", name);
  if (p->known == LOOM_FIT_UNMOVED) fputs(": its motion hardly depends on it", out);
  if (p->known == LOOM_FIT_COUPLED) fprintf(out, ": only together with %s", other);
  if (p->known == LOOM_FIT_AT_BOUND) fprintf(out, ": it is at an end of what was looked at, %.4g", p->value);
  fputc('\n', out);
}

// Of an object of several bodies each has its share.
static void write_mass(FILE* out, const loomFitParameter* p, const loomScene* scene) {
  const mjModel* m = scene->model;
  for (int b = 1; b < m->nbody; b++) {
    const char* name = mj_id2name(m, mjOBJ_BODY, b);
    if (!name || !loom_fit_is_part(scene, p->number, b) || m->body_mass[b] <= 0) continue;
    fprintf(out, "- weigh: {body: %s, mass: %.6g}  # %.4g to %.4g kg in all\n", name,
            m->body_mass[b] * p->value / p->own, p->low, p->high);
  }
}

static void write_parameter(FILE* out, const loomTwinFit* fit, const loomFitParameter* p,
                            const loomScene* scene) {
  if (p->known != LOOM_FIT_TOLD) {
    write_why(out, fit, p);
  } else if (p->kind == LOOM_FIT_MASS) {
    write_mass(out, p, scene);
  } else if (p->on_joint) {
    fprintf(out, "- drag: {body: %s, %s: %.6g}  # %.4g to %.4g %s\n", p->body,
            p->kind == LOOM_FIT_DAMPING ? "damping" : "friction", p->value, p->low, p->high, p->unit);
  } else {
    fprintf(out, "# friction of %s: %.4g to %.4g\n", p->object, p->low, p->high);
  }
}

// The surfaces of objects whose friction is told, and what these lay on.
static void write_surfaces(FILE* out, const loomTwinFit* fit, const loomScene* scene) {
  bool any = false;
  for (int i = 0; i < fit->nsurface; i++) {
    const loomFitSurface* s = &fit->surface[i];
    int body = mj_name2id(scene->model, mjOBJ_BODY, s->body);
    const loomFitParameter* own = NULL;
    for (int p = 0; p < fit->n; p++)
      if (fit->parameter[p].kind == LOOM_FIT_FRICTION &&
          loom_fit_is_part(scene, fit->parameter[p].number, body))
        own = &fit->parameter[p];

    bool is_told = own && own->known == LOOM_FIT_TOLD;
    any = any || is_told;
    if (own && !is_told) continue;
    fprintf(out, "- rub: {body: %s, friction: [%.6g, %.6g, %.6g]}\n", s->body, s->friction[0], s->friction[1],
            s->friction[2]);
  }
  if (any)
    fputs("# Of two surfaces the larger friction counts: so what they lay on has no more than they.\n", out);
}

char* loom_fit_script(const loomTwinFit* fit, const loomScene* scene, const char* folder, const char* log) {
  char* text = NULL;
  size_t size = 0;
  FILE* out = open_memstream(&text, &size);
  if (!out) return NULL;

  fprintf(out,
          "# What `demoloom twin fit` found for %s in %s: %d rows of %d demos, ranges of 95 %%.\n"
          "# `demoloom twin edit %s --script THIS` puts it in.\n",
          folder, log, fit->rows, fit->ndemo, folder);

  bool surfaces = false;

  for (int i = 0; i < fit->n; i++) {
    const loomFitParameter* p = &fit->parameter[i];
    write_parameter(out, fit, p, scene);
    surfaces = surfaces || (p->kind == LOOM_FIT_FRICTION && !p->on_joint && p->known == LOOM_FIT_TOLD);
  }
  if (surfaces) write_surfaces(out, fit, scene);

  if (!fclose(out)) return text;
  free(text);
  return NULL;
}
