#include "policies/agent/residual.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/yaml.h"

// ---- settings

#define ROW(type, member, ...) LOOM_FIELD(loomResidualConfig, type, member, __VA_ARGS__)
static const loomFieldDef field_rows[] = {
    ROW(INT, hold, .high = 1000, .unit = "control steps", .about = "that one offset is kept"),
    ROW(REAL, position, .least = 0, .most = 1, .about = "largest offset of moves, a share of their range"),
    ROW(REAL, rotation, .least = 0, .most = 1, .about = "likewise of rotations"),
    ROW(REAL, gripper, .least = 0, .most = 2, .about = "likewise of grippers"),
    ROW(INT, critics, .high = LOOM_TD3_CRITICS, .about = "who have to agree; 0 = none is asked"),
    ROW(REAL, margin, .least = 0, .most = 1e6, .about = "by which they have to expect more of an offset"),
    ROW(SIZES, hidden, .low = 1, .high = 65536, .about = "units of hidden layers, of actor and critics"),
};
const loomFields loom_residual_fields = LOOM_FIELDS(field_rows);

loomResidualConfig loom_default_residual_config(void) {
  return (loomResidualConfig){.position = 0.3, .rotation = 0.3, .critics = 3, .hidden = {2, {256, 256}}};
}

// ---- which entries

enum { MOVES = 3, HOLD = 8 };  // entries of a move of the hand; control steps

// Of one entry of an arm: how far an offset may go, as a share of what. Targets that are absolute have no
// range: there offsets are shares of 5 cm or half a radian, the range of robosuite's moves.
static double half_range(double* low, double* high, const loomResidualConfig* c, const loomArm* arm, int i) {
  const loomControllerDef* control = &arm->control;
  bool hand = i >= arm->pose_dim, turns = !hand && arm->pose_dim == 2 * MOVES && i >= MOVES;
  double share = hand ? c->gripper : turns ? c->rotation : c->position;

  *low = hand ? -1 : control->input_min[i];
  *high = hand ? 1 : control->input_max[i];
  if (hand || control->delta) return share * fmin(-*low, *high);

  *low = -INFINITY;
  *high = INFINITY;
  return share * (turns || control->type == LOOM_JOINT_POSITION ? 0.5 : 0.05);
}

void loom_residual_space(loomResidualSpace* out, const loomResidualConfig* c, const loomEpisode* e) {
  int first = 0;
  *out = (loomResidualSpace){0};

  for (int a = 0; a < e->arm_count; first += loom_arm_action_dim(&e->arms[a++])) {
    for (int i = 0; i < loom_arm_action_dim(&e->arms[a]); i++) {
      double low, high, half = half_range(&low, &high, c, &e->arms[a], i);
      if (!(half > 0)) continue;

      out->entry[out->n] = first + i;
      out->range[out->n][0] = -half;
      out->range[out->n][1] = half;
      out->low[out->n] = low;
      out->high[out->n++] = high;
    }
  }
}

void loom_residual_add(double* action, const loomResidualSpace* s, const double* offset) {
  for (int k = 0; k < s->n; k++) {
    // What the policy asked beyond the range stays asked.
    double* a = &action[s->entry[k]];
    double to = *a + s->range[k][1] * offset[k];
    *a = fmin(fmax(to, fmin(*a, s->low[k])), fmax(*a, s->high[k]));
  }
}

// ---- made

static int rows_shown(const loomTrained* base) {
  return loom_network_decided(&base->network.def) > 1 ? 2 : 1;
}

int loom_residual_inputs(const loomTrained* base) {
  return base->network.def.obs_dim + rows_shown(base) * base->actions.dim;
}

int loom_residual_create(loomResidual** out, const loomResidualConfig* config, const loomTrained* base,
                         int entries, loomError* err) {
  int decided = loom_network_decided(&base->network.def);
  loomResidual* r = *out = calloc(1, sizeof *r);
  if (!r) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a residual");

  r->config = *config;
  if (!r->config.hold) r->config.hold = decided > 1 ? decided : HOLD;
  const loomTd3Def def = {.obs = loom_residual_inputs(base),
                          .actions = entries,
                          .hidden = config->hidden,
                          .critics = config->critics,
                          .normalized = true,
                          .gated = true,
                          .margin = config->margin};
  int code = loom_td3_network_create(&r->net, &def, 0, 1, err);
  if (code) {
    free(r);
    *out = NULL;
  }
  return code;
}

void loom_residual_destroy(loomResidual* r) {
  if (!r) return;
  loom_td3_network_destroy(&r->net);
  free(r);
}

int loom_residual_give(loomTrained* policy, const loomResidualConfig* config, const loomScene* scene,
                       loomError* err) {
  loomEpisode* e;
  loomResidualSpace space;
  int code = loom_episode_create(&e, scene, err);
  if (code) return code;

  // How many offsets there are, by the arms.
  loom_residual_space(&space, config, e);
  loom_episode_destroy(e);
  if (!space.n)
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "there is nothing to learn: position, rotation and gripper are all 0");
  return loom_residual_create(&policy->residual, config, policy, space.n, err);
}

static void copy_weights(loomTd3Network* to, const loomTd3Network* from) {
  memcpy(to->actor.value, from->actor.value, to->actor.total * sizeof(loomReal));
  memcpy(to->slow_critics.value, from->slow_critics.value, to->slow_critics.total * sizeof(loomReal));
}

void loom_residual_set(loomResidual* r, const loomTd3Network* learned) {
  copy_weights(&r->net, learned);
}

int loom_residual_copy(loomTd3Network* out, const loomResidual* r, loomError* err) {
  int code = loom_td3_network_create(out, &r->net.def, 0, 1, err);
  if (!code) copy_weights(out, &r->net);
  return code;
}

// ---- acting

// Beyond twice what demos show, numbers say no more.
static const loomReal bound = 2;

static loomReal bounded(loomReal x) {
  return x < -bound ? -bound : x > bound ? bound : x;
}

void loom_residual_see(loomReal* out, const loomTrained* base, const loomReal* seen, const float* actions,
                       int n) {
  const loomNormal* normal = &base->actions;
  int obs = base->network.def.obs_dim, dim = normal->dim;
  for (int i = 0; i < obs; i++) *out++ = bounded(seen[i]);

  for (int k = 0; k < rows_shown(base); k++) {
    const float* row = actions + (k ? (ptrdiff_t)(n - 1) * dim : 0);
    for (int i = 0; i < dim; i++)
      *out++ = bounded((loomReal)(row[i] * normal->factor[i] + normal->offset[i]));
  }
}

void loom_residual_decide(loomReal* out, loomTd3Network* net, const loomReal* in) {
  memcpy(out, loom_td3_network_act(net, in, 1, false), (size_t)net->def.actions * sizeof *out);
  loom_td3_network_gate(out, NULL, net, in, 1);
}

// ---- in a policy's file

static int put_tensors(loomSafeTensor* tensor, char (*name)[LOOM_RESIDUAL_NAME], const loomParams* params) {
  for (int i = 0; tensor && i < params->count; i++) {
    const char* whole = params->list[i].name;

    // "train.slow_critic_0..." and "model.actor..." in the networks.
    const char* known = strstr(whole, "critic_");
    snprintf(name[i], LOOM_RESIDUAL_NAME, "residual.%s", known ? known : strstr(whole, "actor"));
    tensor[i] = loom_safe_param(name[i], params, i);
  }
  return params->count;
}

int loom_residual_tensors(loomSafeTensor* tensor, char (*name)[LOOM_RESIDUAL_NAME], const loomResidual* r) {
  int n = put_tensors(tensor, name, &r->net.actor);
  return n + put_tensors(tensor ? tensor + n : NULL, name ? name + n : NULL, &r->net.slow_critics);
}

char* loom_residual_text(const loomResidual* r) {
  char* text = NULL;
  size_t size = 0;
  FILE* out = open_memstream(&text, &size);
  if (!out) return NULL;

  fputs("residual:\n", out);
  loom_fields_write(out, &r->config, &loom_residual_fields, ~0U);
  bool whole = !ferror(out);
  if (!fclose(out) && whole) return text;
  free(text);
  return NULL;
}

static int read_config(loomResidualConfig* out, const char* text, const char* label, loomError* err) {
  loomYaml* y = NULL;
  *out = loom_default_residual_config();

  int code = loom_yaml_parse(&y, text, strlen(text), label, err);
  if (!code)
    code = loom_fields_read(out, &loom_residual_fields, y, loom_yaml_get(y, loom_yaml_root(y), "residual"),
                            ~0U, "", err);
  loom_yaml_destroy(y);
  return code;
}

static int read_weights(loomResidual* r, const loomSafetensors* file, const char* label, loomError* err) {
  int n = loom_residual_tensors(NULL, NULL, r), code = LOOM_OK;
  loomSafeTensor* wanted = calloc((size_t)n, sizeof *wanted);
  char(*name)[LOOM_RESIDUAL_NAME] = calloc((size_t)n, sizeof *name);
  if (wanted && name)
    loom_residual_tensors(wanted, name, r);
  else
    code = loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", label);

  for (int i = 0; !code && i < n; i++) {
    const loomSafeTensor* found = loom_safetensors_find(file, name[i]);
    int64_t count = loom_safe_tensor_count(&wanted[i]);
    if (!found || found->type != LOOM_SAFE_F32 || loom_safe_tensor_count(found) != count)
      code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: tensor '%s' is missing or of another size", label,
                            name[i]);
    else
      memcpy((void*)(uintptr_t)wanted[i].data, found->data, (size_t)count * sizeof(loomReal));
  }
  free(wanted);
  free(name);
  return code;
}

int loom_residual_read(loomResidual** out, const loomTrained* base, const char* text,
                       const loomSafetensors* file, const char* label, loomError* err) {
  loomResidualConfig config;
  char last[64];
  *out = NULL;
  int code = read_config(&config, text, label, err);
  if (code) return code;

  // How many entries there are offsets for is what the actor's last layer gives.
  snprintf(last, sizeof last, "residual.actor.%d.bias", config.hidden.n);
  const loomSafeTensor* bias = loom_safetensors_find(file, last);
  if (!bias || bias->rank != 1 || bias->shape[0] < 1 || bias->shape[0] > LOOM_MAX_ACTION || config.hold < 1)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: '%s' is missing, or its residual holds for no step",
                          label, last);

  code = loom_residual_create(out, &config, base, (int)bias->shape[0], err);
  if (!code) code = read_weights(*out, file, label, err);
  if (code) {
    loom_residual_destroy(*out);
    *out = NULL;
  }
  return code;
}
