#include "policies/data/experience.h"

#include <stdlib.h>
#include <string.h>

int loom_experience_create(loomExperience* out, const loomExperienceDef* def, loomError* err) {
  int width = 2 * def->obs + def->actions + 2;
  size_t waiting = (size_t)def->environments * (size_t)def->n * (size_t)width;

  *out = (loomExperience){.def = *def,
                          .width = width,
                          .row = calloc((size_t)def->capacity, (size_t)width * sizeof *out->row),
                          .waiting = calloc(waiting, sizeof *out->waiting),
                          .waits = calloc((size_t)def->environments, sizeof *out->waits)};
  if (out->row && out->waiting && out->waits) return LOOM_OK;

  loom_experience_destroy(out);
  return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for %lld rows of replay; take a smaller buffer",
                        (long long)def->capacity);
}

void loom_experience_destroy(loomExperience* replay) {
  free(replay->row);
  free(replay->waiting);
  free(replay->waits);
  *replay = (loomExperience){0};
}

int64_t loom_experience_count(const loomExperience* replay) {
  return replay->pushed < replay->def.capacity ? replay->pushed : replay->def.capacity;
}

// The oldest that waits is complete: into the buffer with the state that follows its rewards.
static void complete_oldest(loomExperience* r, int environment, const loomReal* next) {
  size_t width = (size_t)r->width, obs = (size_t)r->def.obs;
  loomReal* waiting = r->waiting + (size_t)environment * (size_t)r->def.n * width;
  loomReal* to = r->row + (size_t)(r->pushed++ % r->def.capacity) * width;

  memcpy(to, waiting, (width - obs) * sizeof *to);
  memcpy(to + width - obs, next, obs * sizeof *to);
  r->waits[environment]--;
  memmove(waiting, waiting + width, (size_t)r->waits[environment] * width * sizeof *waiting);
}

void loom_experience_push(loomExperience* r, int environment, const loomReal* obs, const loomReal* action,
                          double reward, const loomReal* next, bool terminated, bool truncated) {
  size_t width = (size_t)r->width, nobs = (size_t)r->def.obs, nactions = (size_t)r->def.actions;
  loomReal* waiting = r->waiting + (size_t)environment * (size_t)r->def.n * width;

  // The new one waits too; its discount before its first reward is 1.
  loomReal* last = waiting + (size_t)r->waits[environment]++ * width;
  memcpy(last, obs, nobs * sizeof *last);
  memcpy(last + nobs, action, nactions * sizeof *last);
  last[nobs + nactions] = 0;
  last[nobs + nactions + 1] = 1;

  for (loomReal* row = waiting; row <= last; row += width) {
    loomReal *sum = row + nobs + nactions, *discount = sum + 1;
    *sum += *discount * (loomReal)reward;
    *discount = terminated ? 0 : *discount * (loomReal)r->def.discount;
  }

  // All rewards are known, or no more will come.
  bool ended = terminated || truncated;
  while (r->waits[environment] >= (ended ? 1 : r->def.n)) complete_oldest(r, environment, next);
}

bool loom_experience_copy(loomExperience* r, const loomExperience* from, int64_t row) {
  size_t width = (size_t)r->width;
  if (row < from->pushed - loom_experience_count(from)) return false;

  memcpy(r->row + (size_t)(r->pushed++ % r->def.capacity) * width,
         from->row + (size_t)(row % from->def.capacity) * width, width * sizeof *r->row);
  return true;
}

void loom_experience_draw(loomExperienceBatch* out, const loomExperience* r, int n, loomRandom* random) {
  size_t nobs = (size_t)r->def.obs, nactions = (size_t)r->def.actions;
  int count = (int)loom_experience_count(r);

  for (int i = 0; i < n; i++) {
    size_t k = (size_t)i;
    const loomReal* row = r->row + (size_t)loom_random_index(random, count) * (size_t)r->width;

    memcpy(out->obs + k * nobs, row, nobs * sizeof *row);
    memcpy(out->action + k * nactions, row + nobs, nactions * sizeof *row);
    out->reward[i] = row[nobs + nactions];
    out->discount[i] = row[nobs + nactions + 1];
    memcpy(out->next + k * nobs, row + nobs + nactions + 2, nobs * sizeof *row);
  }
}
