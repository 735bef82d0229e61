#include "policies/learn/policy_ppo.h"

#include <stdlib.h>

// Goes when the learner has gone.
typedef struct actor {
  void (*destroy)(void* self);
  max_align_t self[];
} actor;

static void release_actor(void* self) {
  actor* a = self;
  a->destroy(a->self);
  free(a);
}

static int create_learner(loomLearner* out, loomFinetuneOwner* o, actor* a, const loomPolicyPpoDef* def,
                          loomError* err) {
  loomPpoGuide guide = {0};
  int code = def->create(&guide, a->self, def, loom_ppo_most_rows(def->ppo), err);

  // Episodes are of what the network says, which the actor's noise is added to.
  if (!code) code = loom_finetune_prepare(o, def->settings, err);
  if (code) return code;
  if (def->residual) o->learned = def->residual(a->self);

  loomEnvironmentMaker maker = loom_residual_environment(&o->task);
  return loom_ppo_create(out, def->ppo, &guide, &maker, def->steps, def->seed, def->threads, err);
}

int loom_policy_ppo(loomLearner* out, const loomPolicyPpoDef* def, loomError* err) {
  loomFinetuneOwner* o;
  int code = loom_finetune_own(&o, out, def->settings, def->base, def->threads, err);
  if (code) return loom_finetune_hand_over(out, o, code);

  actor* a = calloc(1, sizeof *a + def->size);
  if (a) a->destroy = def->destroy;
  o->self = a;
  o->release = a ? release_actor : NULL;

  code = a ? create_learner(out, o, a, def, err) : loom_error_set(err, LOOM_ERR_MEMORY, "no memory to learn");
  return loom_finetune_hand_over(out, o, code);
}
