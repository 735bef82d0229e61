#include "policies/learn/direct.h"

#include <string.h>

#include "policies/learn/policy_ppo.h"
#include "policies/network/mixture_actor.h"

// ---- settings

#define ROW(type, member, ...) LOOM_FIELD(loomDirectSettings, type, member, __VA_ARGS__)
static const loomFieldDef field_rows[] = {
    LOOM_CRITIC_ROWS(loomDirectSettings),
    ROW(REAL, bc, .least = 0, .most = 1e6, .about = "weight of the demos' negative log likelihood; 0 = none"),
    ROW(REAL, least_std, .least = 1e-6, .most = 10,
        .about = "added to deviations of actions, normalized, while it explores"),
};
const loomFields loom_direct_settings_fields = LOOM_FIELDS(field_rows);

loomDirectSettings loom_default_direct_settings(void) {
  return (loomDirectSettings){.turns = {2, 1e-3, 4, true, 0.5}, .least_std = 0.1};
}

loomPpoConfig loom_default_direct_ppo_config(void) {
  loomPpoConfig c = loom_default_ppo_config();
  c.environments = 32;
  c.steps = 256;
  c.minibatches = 16;
  c.discount = 0.995;
  c.rate = 2e-6;
  c.anneal = false;
  c.clip_value = false;
  c.target_kl = 0.02;
  c.hidden = (loomSizes){2, {256, 256}};
  return c;
}

// ---- demos

typedef struct direct {
  loomMixtureActor actor;
  loomTrained* policy;
  double bc;
  loomData* data;  // NULL = none
  loomBatch batch;
} direct;

// As the policy was trained on them, whatever file they are in.
static int open_demos(direct* d, const char* path, int batch, uint64_t seed, loomError* err) {
  const loomDataConfig* c = &d->policy->config.data;
  const char* key[LOOM_DATA_KEYS];
  loomDataFile file = {.path = path};
  loomDataDef def = loom_data_config_def(key, c);
  for (int i = 0; i < c->key_count; i++)
    if (loom_trained_visual(d->policy, i))
      return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                            "bc is for policies without pictures and point clouds yet; leave it out");

  def.file = &file;
  def.file_count = 1;
  def.batch = batch;
  def.shuffle = true;
  def.seed = seed;
  loom_data_sequence(&def, c->stack, c->length);

  int code = loom_data_open(&d->data, &def, err);
  if (code) return code;
  code = loom_trained_check_rows(d->policy, d->data, path, err);
  return code ? code : loom_batch_create(&d->batch, d->data, err);
}

static int clone(double* loss, void* self, uint64_t update, loomError* err) {
  direct* d = self;
  int code = loom_data_batch(&d->batch, d->data, (int64_t)update, err);
  if (code) return code;

  loomSamples samples = loom_trained_samples(d->policy, &d->batch);
  *loss = loom_mixture_actor_clone(&d->actor, &samples, d->bc);
  return LOOM_OK;
}

// ---- a run

static int create_direct(loomPpoGuide* guide, void* self, const loomPolicyPpoDef* def, int most,
                         loomError* err) {
  direct* d = self;
  const loomDirectSettings* set = def->method;
  loomTrained* policy = def->base->policy;
  const char* data = def->settings->data;
  *d = (direct){.policy = policy, .bc = set->bc};

  // The actor, and what keeps it near the demos.
  if (set->bc > 0 && !data[0])
    return loom_error_set(err, LOOM_ERR_USAGE, "bc is of demos: name them (--data FILE.hdf5)");

  int code = loom_mixture_actor_create(&d->actor, &policy->network, set->least_std,
                                       def->ppo->entropy_weight > 0, most, err);
  if (!code && set->bc > 0) code = open_demos(d, data, most, def->seed, err);
  if (code) return code;

  // The critic sees what is seen now, whatever the actor remembers.
  const loomNetworkDef* net = &policy->network.def;
  *guide = (loomPpoGuide){.critic_obs = loom_network_seen(net) * net->obs_dim,
                          .actor = loom_mixture_actor(&d->actor),
                          .turns = set->turns};
  if (d->data) guide->actor.further = clone;
  guide->actor.further_self = d;
  return LOOM_OK;
}

static void destroy_direct(void* self) {
  direct* d = self;
  loom_mixture_actor_destroy(&d->actor);
  loom_batch_destroy(&d->batch);
  loom_data_close(d->data);
}

int loom_direct_learner(loomLearner* out, const loomFinetuneSettings* s, const loomPpoConfig* ppo,
                        const loomDirectSettings* set, const loomFinetuneBase* base, int64_t steps,
                        uint64_t seed, int threads, loomError* err) {
  return loom_policy_ppo(out,
                         &(loomPolicyPpoDef){.settings = s,
                                             .ppo = ppo,
                                             .base = base,
                                             .steps = steps,
                                             .seed = seed,
                                             .threads = threads,
                                             .size = sizeof(direct),
                                             .method = set,
                                             .create = create_direct,
                                             .destroy = destroy_direct},
                         err);
}
