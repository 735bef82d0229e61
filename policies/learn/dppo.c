#include "policies/learn/dppo.h"

#include "policies/learn/direct.h"
#include "policies/learn/policy_ppo.h"
#include "policies/network/diffusion_actor.h"

// ---- settings

#define ROW(type, member, ...) LOOM_FIELD(loomDppoSettings, type, member, __VA_ARGS__)
static const loomFieldDef field_rows[] = {
    LOOM_CRITIC_ROWS(loomDppoSettings),
    ROW(INT, steps, .high = LOOM_DIFFUSION_STEPS,
        .about =
            "of those that take noise away, the last ones, which learn, as far as it has so many; 0 = all"),
    ROW(REAL, std, .least = 1e-6, .most = 10,
        .about = "deviation of what each of them adds to normalized actions, to explore"),
    ROW(REAL, shared, .least = 0, .most = 0.99,
        .about = "share of its variance that all actions of a chunk have in common"),
    ROW(REAL, likelihood_std, .least = 1e-6, .most = 10,
        .about = "least deviation that decisions are judged by"),
    ROW(REAL, discount, .least = 1e-3, .most = 1,
        .about = "of a decision's advantage, for each step that follows"),
    ROW(REAL, clip_least, .least = 1e-6, .most = 1, .about = "share of `clip` that the first step has"),
    ROW(REAL, clip_growth, .least = 0, .most = 100,
        .about = "rate at which that grows, exponentially, to 1 until the last; 0 = in a line"),
};
const loomFields loom_dppo_settings_fields = LOOM_FIELDS(field_rows);

loomDppoSettings loom_default_dppo_settings(void) {
  return (loomDppoSettings){.turns = {2, 1e-3, 2, true, 0.5},
                            .steps = 5,
                            .std = 0.15,
                            .shared = 0.8,
                            .likelihood_std = 0.15,
                            .discount = 0.99,
                            .clip_least = 0.1,
                            .clip_growth = 3};
}

loomPpoConfig loom_default_dppo_ppo_config(void) {
  loomPpoConfig c = loom_default_direct_ppo_config();

  c.steps = 64;

  // A chunk's likelihood is of hundreds of numbers: a step of a few 1e-7 moves it as far as is good.
  c.rate = 3e-7;
  c.discount = 0.99;
  c.max_gradient = 1;
  return c;
}

// ---- a run

static int create_actor(loomPpoGuide* guide, void* self, const loomPolicyPpoDef* ppo, int most,
                        loomError* err) {
  const loomDppoSettings* d = ppo->method;

  loomDiffusionActorDef def = {.steps = d->steps,
                               .std = d->std,
                               .shared = d->shared,
                               .likelihood_std = d->likelihood_std,
                               .discount = d->discount,
                               .clip_least = d->clip_least,
                               .clip_growth = d->clip_growth};
  int code = loom_diffusion_actor_create(self, &ppo->base->policy->network, &def, most, err);
  if (code) return code;

  // The core knows nothing of noise.
  *guide = (loomPpoGuide){.actor = loom_diffusion_actor(self), .turns = d->turns};
  return LOOM_OK;
}

static void destroy_actor(void* self) {
  loom_diffusion_actor_destroy(self);
}

int loom_dppo_learner(loomLearner* out, const loomFinetuneSettings* s, const loomPpoConfig* ppo,
                      const loomDppoSettings* d, const loomFinetuneBase* base, int64_t steps, uint64_t seed,
                      int threads, loomError* err) {
  return loom_policy_ppo(out,
                         &(loomPolicyPpoDef){.settings = s,
                                             .ppo = ppo,
                                             .base = base,
                                             .steps = steps,
                                             .seed = seed,
                                             .threads = threads,
                                             .size = sizeof(loomDiffusionActor),
                                             .method = d,
                                             .create = create_actor,
                                             .destroy = destroy_actor},
                         err);
}
