#include "policies/learn/residual_ppo.h"

#include "policies/agent/residual.h"
#include "policies/learn/policy_ppo.h"
#include "policies/network/residual_actor.h"

// ---- settings

#define ROW(type, member, ...) LOOM_FIELD(loomResidualPpoSettings, type, member, __VA_ARGS__)
static const loomFieldDef field_rows[] = {
    LOOM_CRITIC_ROWS(loomResidualPpoSettings),
    LOOM_OFFSET_ROWS(loomResidualPpoSettings),
    ROW(REAL, std, .least = 1e-6, .most = 10,
        .about = "deviation of offsets, as shares of the largest, to explore"),
};
const loomFields loom_residual_ppo_settings_fields = LOOM_FIELDS(field_rows);

loomResidualPpoSettings loom_default_residual_ppo_settings(void) {
  loomFinetuneSettings s = loom_default_finetune_settings();
  return (loomResidualPpoSettings){.turns = {2, 1e-3, 0, true, 0.5},
                                   .position = s.position,
                                   .rotation = s.rotation,
                                   .gripper = s.gripper,
                                   .std = 0.1};
}

loomPpoConfig loom_default_residual_ppo_config(void) {
  loomPpoConfig c = loom_default_ppo_config();

  c.environments = 16;
  c.steps = 64;
  c.epochs = 5;
  c.minibatches = 8;
  c.rate = 3e-4;
  c.anneal = false;
  c.clip_value = false;
  c.max_gradient = 1;
  c.target_kl = 0.02;
  c.hidden = (loomSizes){2, {256, 256}};
  return c;
}

// ---- a run

static int create_actor(loomPpoGuide* guide, void* self, const loomPolicyPpoDef* def, int most,
                        loomError* err) {
  const loomResidualPpoSettings* s = def->method;
  loomTrained* policy = def->base->policy;
  loomResidualConfig config = {.hold = s->hold,
                               .position = s->position,
                               .rotation = s->rotation,
                               .gripper = s->gripper,
                               .hidden = def->ppo->hidden};

  int code = loom_residual_give(policy, &config, def->base->scene, err);
  if (code) return code;

  code = loom_residual_actor_create(self, loom_residual_inputs(policy), policy->residual->net.def.actions,
                                    &config.hidden, s->std, def->seed, most, err);
  if (code) return code;

  *guide = (loomPpoGuide){.actor = loom_residual_actor(self), .turns = s->turns};
  return LOOM_OK;
}

static const loomTd3Network* learned(const void* self) {
  const loomResidualActor* actor = self;
  return &actor->net;
}

static void destroy_actor(void* self) {
  loom_residual_actor_destroy(self);
}

int loom_residual_ppo_learner(loomLearner* out, const loomFinetuneSettings* s, const loomPpoConfig* ppo,
                              const loomResidualPpoSettings* residual, const loomFinetuneBase* base,
                              int64_t steps, uint64_t seed, int threads, loomError* err) {
  return loom_policy_ppo(out,
                         &(loomPolicyPpoDef){.settings = s,
                                             .ppo = ppo,
                                             .base = base,
                                             .steps = steps,
                                             .seed = seed,
                                             .threads = threads,
                                             .size = sizeof(loomResidualActor),
                                             .method = residual,
                                             .create = create_actor,
                                             .residual = learned,
                                             .destroy = destroy_actor},
                         err);
}
