#include "policies/objective/objective.h"

int loom_objective_rows(const loomObjectiveDef* def) {
  return def->kind == LOOM_OBJECTIVE_DENOISING ? 1 : def->rows;
}

int loom_objective_width(const loomObjectiveDef* def) {
  switch (def->kind) {
    case LOOM_OBJECTIVE_LIKELIHOOD:
      return loom_mixture_width(&def->mixture);
    case LOOM_OBJECTIVE_DENOISING:
      return def->rows * def->columns;
    case LOOM_OBJECTIVE_CLASSIFICATION:
      return 1;
    case LOOM_OBJECTIVE_REGRESSION:
      break;
  }
  return def->columns;
}

static void lay_out(loomObjective* o, loomArena* arena, int n) {
  const loomObjectiveDef* def = &o->def;
  size_t rows = (size_t)n * (size_t)loom_objective_rows(def);
  size_t targets = (size_t)n * (size_t)def->rows * (size_t)def->columns;
  bool denoises = def->kind == LOOM_OBJECTIVE_DENOISING;

  o->doutputs = loom_arena_real(arena, rows * (size_t)loom_objective_width(def));
  o->row_loss = loom_arena_real(arena, def->kind == LOOM_OBJECTIVE_LIKELIHOOD ? rows : 0);
  o->noise = loom_arena_real(arena, denoises ? targets : 0);
  o->noisy = loom_arena_real(arena, denoises ? targets : 0);
  o->noise_step = loom_arena_int(arena, denoises ? (size_t)n : 0);
}

int loom_objective_create(loomObjective* out, const loomObjectiveDef* def, int n, loomError* err) {
  *out = (loomObjective){.def = *def};
  if (def->kind == LOOM_OBJECTIVE_DENOISING) out->diffusion = loom_diffusion_cosine(def->noise_steps);

  // The same function measures and lays out.
  loomArena measured = {0};
  lay_out(out, &measured, n);
  int code = loom_arena_create(&out->arena, measured.used, err);
  if (!code) lay_out(out, &out->arena, n);
  return code;
}

void loom_objective_destroy(loomObjective* objective) {
  if (!objective) return;
  loom_arena_destroy(&objective->arena);
  *objective = (loomObjective){0};
}

// Ho et al. (2020): a step of the diffusion, uniform, for each sample, and noise to go with it.
void loom_objective_begin(loomObjective* o, const loomReal* targets, int n, loomRandom* random) {
  if (o->def.kind != LOOM_OBJECTIVE_DENOISING) return;
  int count = o->def.rows * o->def.columns;

  for (int i = 0; i < n; i++) o->noise_step[i] = loom_random_index(random, o->diffusion.steps);
  for (ptrdiff_t i = 0; i < (ptrdiff_t)n * count; i++) o->noise[i] = (loomReal)loom_random_normal(random);

  loom_diffusion_noise(o->noisy, targets, o->noise, o->noise_step, n, count, &o->diffusion);
}

double loom_objective_loss(loomObjective* o, const loomReal* outputs, const loomReal* targets,
                           const loomReal* weight, int n, bool gradient) {
  const loomObjectiveDef* def = &o->def;
  loomReal* dy = gradient ? o->doutputs : NULL;
  int rows = n * loom_objective_rows(def);

  switch (def->kind) {
    case LOOM_OBJECTIVE_LIKELIHOOD:
      return loom_mixture_loss(dy, o->row_loss, outputs, targets, weight, rows, &def->mixture);
    case LOOM_OBJECTIVE_DENOISING:
      return loom_l2_loss(dy, outputs, def->predicts_targets ? targets : o->noise, NULL, def->unit, rows,
                          loom_objective_width(def));
    case LOOM_OBJECTIVE_CLASSIFICATION:
      return loom_binary_loss(dy, outputs, targets, weight, rows, def->class_weight);
    case LOOM_OBJECTIVE_REGRESSION:
      break;
  }
  return loom_l2_loss(dy, outputs, targets, weight, NULL, rows, def->columns);
}

double loom_objective_weight(const loomObjective* o, const loomReal* weight, int n) {
  int rows = n * loom_objective_rows(&o->def);
  if (o->def.kind == LOOM_OBJECTIVE_DENOISING || !weight) return rows;

  double sum = 0;
  for (int i = 0; i < rows; i++) sum += (double)weight[i];
  return sum;
}
