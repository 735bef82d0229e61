#include "policies/learn/control_policy.h"

#include <stdio.h>
#include <string.h>

// The configuration that the run wrote into its file; NULL: it is of no run from scratch.
static const char* settings_of(const loomSafetensors* file) {
  return loom_safetensors_meta(file, "config") ? NULL : loom_safetensors_meta(file, "training");
}

static int read_settings(loomFinetuneConfig* out, const loomSafetensors* file, const char* path,
                         loomError* err) {
  const char* text = settings_of(file);
  *out = loom_default_finetune_config(LOOM_FINETUNE_PPO, false);
  int code = text ? loom_finetune_config_parse(out, text, strlen(text), path, err) : LOOM_ERR_FORMAT;
  if (text && (code || !out->of_policy)) return code;
  return loom_error_set(err, LOOM_ERR_FORMAT, "%s: is not what a plain control task was learned to", path);
}

bool loom_is_control_policy(const char* path) {
  loomSafetensors file;
  loomFinetuneConfig config;
  if (loom_safetensors_read(&file, path, NULL)) return false;

  bool is = !read_settings(&config, &file, path, NULL);
  loom_safetensors_destroy(&file);
  return is;
}

int loom_control_policy_task(char out[LOOM_PATH_MAX], const char* path, loomError* err) {
  loomSafetensors file;
  loomFinetuneConfig config;
  int code = loom_safetensors_read(&file, path, err);
  if (code) return code;

  code = read_settings(&config, &file, path, err);
  if (!code) snprintf(out, LOOM_PATH_MAX, "%s", config.finetune.task);
  loom_safetensors_destroy(&file);
  return code;
}

// One that learns nothing needs no room for it.
static int create_learner(loomControlPolicy* p, const loomEnvironmentMaker* maker, loomError* err) {
  loomFinetuneConfig* c = &p->config;
  c->ppo.environments = c->ppo.steps = c->ppo.minibatches = 1;
  c->td3.environments = c->td3.batch = 1;
  c->td3.buffer = 1;

  if (c->finetune.method == LOOM_FINETUNE_TD3)
    return loom_td3_create(&p->learner, &c->td3, NULL, maker, 0, 0, 1, err);
  return loom_ppo_create(&p->learner, &c->ppo, NULL, maker, 1, 0, 1, err);
}

static int read_weights(loomControlPolicy* p, const loomSafetensors* file, const char* path, loomError* err) {
  loomSafeTensor tensor[LOOM_LEARNER_TENSORS];
  int acting, code = LOOM_OK;

  p->learner.tensors(tensor, &acting, p->learner.self);
  for (int i = 0; !code && i < acting; i++) code = loom_learner_read(&tensor[i], file, path, err);
  return code;
}

int loom_control_policy_load(loomControlPolicy* out, const char* path, const loomEnvironmentMaker* maker,
                             loomError* err) {
  loomSafetensors file;
  *out = (loomControlPolicy){0};
  int code = loom_safetensors_read(&file, path, err);
  if (code) return code;

  code = read_settings(&out->config, &file, path, err);
  if (!code) code = create_learner(out, maker, err);
  if (!code) code = read_weights(out, &file, path, err);
  loom_safetensors_destroy(&file);
  if (code) loom_control_policy_destroy(out);
  return code;
}

void loom_control_policy_destroy(loomControlPolicy* p) {
  if (p->learner.destroy) p->learner.destroy(p->learner.self);
  *p = (loomControlPolicy){0};
}

void loom_control_policy_act(double* action, loomControlPolicy* p, const double* obs) {
  p->learner.act(action, p->learner.self, obs);
}
