#include "policies/nn/team_step.h"

enum { CHUNK = 8192 };  // parameters that are moved at a time

int loom_team_step_items(const loomParams* params) {
  int chunks = (int)((params->total + CHUNK - 1) / CHUNK);
  return chunks > LOOM_NORM_PARTS ? chunks : LOOM_NORM_PARTS;
}

loomReal* loom_team_step_slot(const loomTeamStep* step, int block) {
  return step->blocks > 1 ? step->slot + (size_t)block * step->params->total : step->gradient;
}

LOOM_CLONES static void scale_into(loomReal* restrict sum, const loomReal* restrict x, loomReal share,
                                   size_t count) {
#pragma omp simd
  for (size_t i = 0; i < count; i++) sum[i] = share * x[i];
}

LOOM_CLONES static void scale_and_add(loomReal* restrict sum, const loomReal* restrict x, loomReal share,
                                      size_t count) {
#pragma omp simd
  for (size_t i = 0; i < count; i++) sum[i] += share * x[i];
}

// A part of the sum, blocks in order, while it is near the processor.
static void add_part(loomTeamStep* s, int part) {
  enum { NEAR = 2048 };
  size_t begin, end;
  loom_norm_part(&begin, &end, s->params->total, part);

  for (size_t at = begin; s->blocks > 1 && at < end; at += NEAR) {
    size_t count = end - at < NEAR ? end - at : NEAR;
    scale_into(s->gradient + at, loom_team_step_slot(s, 0) + at, s->now->share[0], count);
    for (int b = 1; b < s->blocks; b++)
      scale_and_add(s->gradient + at, loom_team_step_slot(s, b) + at, s->now->share[b], count);
  }
  s->now->squares[part] = loom_norm_squares(s->gradient, begin, end);
}

static void move_part(loomTeamStep* s, int part) {
  size_t begin = (size_t)part * CHUNK, total = s->params->total;
  size_t end = total - begin < CHUNK ? total : begin + CHUNK;

  loom_adam_range(s->params, &s->now->factors, begin, end);
  if (s->average) loom_ema_range(s->average + begin, s->params->value + begin, s->now->decay, end - begin);
}

void loom_team_step_work(loomTeamStep* s, loomTeam* team, const loomTeamJob* job) {
#pragma omp parallel if (s->params->total >= LOOM_PARALLEL_MIN)
  for (int part; (part = loom_team_claim(team)) >= 0;) {
    if (job->kind == LOOM_STEP_ADD)
      add_part(s, part);
    else
      move_part(s, part);
    loom_team_done(team, part, true);
  }
}

static void work(void* user, loomTeam* team, const loomTeamJob* job) {
  loom_team_step_work(user, team, job);
}

double loom_team_step_add(double* length, loomTeamStep* s, loomTeam* team) {
  loomStepNow* now = s->now;
  double weight = 0, loss = 0, squares = 0;

  // Each block counts by what is in it.
  for (int b = 0; b < s->blocks; b++) weight += now->weight[b];
  for (int b = 0; b < s->blocks; b++) {
    double share = weight > 0 ? now->weight[b] / weight : 1.0 / s->blocks;
    now->share[b] = (loomReal)share;
    loss += share * now->loss[b];
  }

  loomTeamJob job = {LOOM_STEP_ADD, LOOM_NORM_PARTS, 0, false};
  loom_team_run(team, &job, work, s);
  for (int p = 0; p < LOOM_NORM_PARTS; p++) squares += now->squares[p];
  *length = sqrt(squares);
  return loss;
}

bool loom_team_step_move(loomTeamStep* s, loomTeam* team, const loomAdamDef* adam, double length, double rate,
                         uint64_t number, double decay) {
  // In place: what was moved half-way cannot be moved again.
  loomTeamJob job = {LOOM_STEP_MOVE, (int)((s->params->total + CHUNK - 1) / CHUNK), 0, true};
  s->now->factors = loom_adam_factors(adam, length, rate, number);
  s->now->decay = decay;
  return loom_team_run(team, &job, work, s);
}
