#include "policies/network/step_reward.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// obs, actions, sees_action, ends; hidden layers and their units.
enum { SIZES = 5 + LOOM_MLP_LAYERS, MOST_NUMBERS = 1 << 20 };

static const char reward_prefix[] = "model.reward.", shape_prefix[] = "model.shape.";

static int no_memory(loomError* err) {
  return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a reward");
}

// ---- made

static int inputs_of(const loomStepReward* r) {
  return r->obs + r->ends + (r->sees_action ? r->actions : 0);
}

// Room for it all, with weights of 0; obs and what follows are set. The shaping has the reward's layers.
static int make_room(loomStepReward* r, const loomMlpDef* mlp, loomError* err) {
  size_t count = (size_t)r->obs + (size_t)r->actions;

  r->middle = calloc(2 * count + 1, sizeof *r->middle);
  if (!r->middle) return no_memory(err);
  r->scale = r->middle + count;

  loomMlpDef shape = *mlp;
  shape.sizes[0] = r->obs + r->ends;
  loom_mlp_declare(&r->mlp, &r->params, mlp, reward_prefix);
  loom_mlp_declare(&r->shape, &r->params, &shape, shape_prefix);
  return loom_params_create(&r->params, err);
}

int loom_step_reward_of(loomStepReward* out, loomDiscriminator* d, const double* middle, const double* scale,
                        loomError* err) {
  const loomShapedDef* def = &d->def.shaped;
  size_t count = (size_t)def->obs + (size_t)def->actions;
  *out = (loomStepReward){.obs = def->obs,
                          .actions = def->actions,
                          .sees_action = def->sees_action,
                          .ends = def->ends,
                          .discount = def->discount};
  int code = make_room(out, &d->shaped.reward.def, err);
  loomReal* end = calloc((size_t)d->width, sizeof *end);
  if (!code && !end) code = no_memory(err);
  if (code) {
    free(end);
    loom_step_reward_destroy(out);
    return code;
  }

  // Its weights are all that the discriminator has, in the same order.
  memcpy(out->params.value, d->params.value, out->params.total * sizeof *out->params.value);
  memcpy(out->middle, middle, count * sizeof *middle);
  memcpy(out->scale, scale, count * sizeof *scale);

  // The absorbing state: zeros and its mark.
  if (def->ends) {
    end[2 * def->obs + def->actions] = 1;
    out->end = (double)loom_discriminator_learned(d, end, 1)[0];
    out->shape_end = (double)loom_discriminator_shape(d, end, 1)[0];
  }
  free(end);
  return LOOM_OK;
}

void loom_step_reward_destroy(loomStepReward* r) {
  loom_params_destroy(&r->params);
  free(r->middle);
  *r = (loomStepReward){0};
}

// ---- files

int loom_step_reward_write(const char* path, const loomStepReward* r, loomError* err) {
  const loomMlpDef* mlp = &r->mlp.def;
  int32_t sizes[SIZES] = {r->obs, r->actions, r->sees_action, r->ends, mlp->layers - 1};
  double told[3] = {r->end, r->shape_end, r->discount};
  loomSafeTensor tensor[4 * LOOM_MLP_LAYERS + 4];
  int n = 0;

  for (int i = 0; i + 1 < mlp->layers; i++) sizes[5 + i] = mlp->sizes[i + 1];
  for (; n < r->params.count; n++) tensor[n] = loom_safe_param(r->params.list[n].name, &r->params, n);
  tensor[n++] = (loomSafeTensor){"reward.sizes", LOOM_SAFE_I32, 1, {SIZES}, sizes};
  tensor[n++] = (loomSafeTensor){"reward.middle", LOOM_SAFE_F64, 1, {r->obs + r->actions}, r->middle};
  tensor[n++] = (loomSafeTensor){"reward.scale", LOOM_SAFE_F64, 1, {r->obs + r->actions}, r->scale};
  tensor[n++] = (loomSafeTensor){"reward.end", LOOM_SAFE_F64, 1, {3}, told};

  // What is between layers is not told: it is always the same.
  assert(mlp->activation == LOOM_ACTIVATION_RELU);
  return loom_safetensors_write(path, tensor, n, NULL, 0, err);
}

static int bad(loomError* err, const char* label, const char* what) {
  return loom_error_set(err, LOOM_ERR_FORMAT,
                        "%s: %s is missing, or not as `demoloom gail --discriminator airl` writes it", label,
                        what);
}

static bool read_sizes(loomStepReward* r, loomMlpDef* mlp, const int32_t* sizes) {
  if (!sizes || sizes[0] < 1 || sizes[0] > MOST_NUMBERS || sizes[1] < 1 || sizes[1] > MOST_NUMBERS ||
      (sizes[2] & ~1) || (sizes[3] & ~1) || sizes[4] < 0 || sizes[4] >= LOOM_MLP_LAYERS)
    return false;

  *r = (loomStepReward){.obs = sizes[0], .actions = sizes[1], .sees_action = sizes[2], .ends = sizes[3]};
  *mlp = (loomMlpDef){.layers = sizes[4] + 1, .activation = LOOM_ACTIVATION_RELU};
  mlp->sizes[0] = inputs_of(r);
  for (int i = 0; i < sizes[4]; i++) {
    if (sizes[5 + i] < 1 || sizes[5 + i] > 65536) return false;
    mlp->sizes[i + 1] = sizes[5 + i];
  }
  mlp->sizes[mlp->layers] = 1;
  return true;
}

// Each weight has to be there before as much room is made as the sizes say.
static bool has_weights(const loomSafetensors* file, const loomMlpDef* mlp, const char* prefix, int inputs) {
  for (int i = 0; i < mlp->layers; i++) {
    char name[LOOM_PARAM_NAME];
    snprintf(name, sizeof name, "%s%d.weight", prefix, i);
    int64_t count = (int64_t)(i ? mlp->sizes[i] : inputs) * mlp->sizes[i + 1];
    if (!loom_safetensors_data(file, name, LOOM_SAFE_F32, count)) return false;
  }
  return true;
}

static bool finite_numbers(double* to, const double* from, int n) {
  bool finite = from != NULL;
  for (int i = 0; finite && i < n; i++) {
    to[i] = from[i];
    finite = isfinite(from[i]);
  }
  return finite;
}

static int read_weights(loomStepReward* r, const loomSafetensors* file, const char* label, loomError* err) {
  for (int i = 0; i < r->params.count; i++) {
    const loomParam* q = &r->params.list[i];
    const float* from = loom_safetensors_data(file, q->name, LOOM_SAFE_F32, (int64_t)q->count);
    for (size_t k = 0; k < q->count; k++) {
      if (!from || !isfinite(from[k])) return bad(err, label, q->name);
      r->params.value[q->offset + k] = (loomReal)from[k];
    }
  }
  return LOOM_OK;
}

int loom_step_reward_read(loomStepReward* out, const loomSafetensors* file, const char* label,
                          loomError* err) {
  loomMlpDef mlp;
  *out = (loomStepReward){0};
  if (!read_sizes(out, &mlp, loom_safetensors_data(file, "reward.sizes", LOOM_SAFE_I32, SIZES)))
    return bad(err, label, "reward.sizes");

  if (!has_weights(file, &mlp, reward_prefix, mlp.sizes[0]) ||
      !has_weights(file, &mlp, shape_prefix, out->obs + out->ends))
    return bad(err, label, "a weight of the network");

  int code = make_room(out, &mlp, err), count = out->obs + out->actions;
  double told[3];
  if (!code) code = read_weights(out, file, label, err);
  if (!code && (!finite_numbers(out->middle,
                                loom_safetensors_data(file, "reward.middle", LOOM_SAFE_F64, count), count) ||
                !finite_numbers(out->scale, loom_safetensors_data(file, "reward.scale", LOOM_SAFE_F64, count),
                                count) ||
                !finite_numbers(told, loom_safetensors_data(file, "reward.end", LOOM_SAFE_F64, 3), 3)))
    code = bad(err, label, "reward.middle, reward.scale or reward.end");

  if (!code) out->end = told[0];
  if (!code) out->shape_end = told[1];
  if (!code) out->discount = told[2];
  if (code) loom_step_reward_destroy(out);
  return code;
}

// ---- asked

typedef struct instance {
  const loomStepReward* reward;
  loomMlp mlp, shape;
  loomReal* x;  // what either is given
  loomArena arena;
} instance;

static void lay_out(instance* in) {
  loom_mlp_layout(&in->mlp, &in->arena, 1);
  loom_mlp_layout(&in->shape, &in->arena, 1);
  in->x = loom_arena_real(&in->arena, (size_t)inputs_of(in->reward));
}

static int create_instance(void** out, void* self, loomError* err) {
  const loomStepReward* reward = self;
  instance* in = *out = calloc(1, sizeof *in);
  if (!in) return no_memory(err);

  *in = (instance){.reward = reward, .mlp = reward->mlp, .shape = reward->shape};
  lay_out(in);
  int code = loom_arena_create(&in->arena, in->arena.used, err);
  if (!code) {
    lay_out(in);
    return LOOM_OK;
  }
  free(in);
  *out = NULL;
  return code;
}

static void destroy_instance(void* self) {
  instance* in = self;
  loom_arena_destroy(&in->arena);
  free(in);
}

static void put_scaled(loomReal* to, const loomStepReward* r, const double* from, int first, int n) {
  for (int j = 0; j < n; j++) {
    double x = (from[j] - r->middle[first + j]) * r->scale[first + j];
    to[j] = (loomReal)fmin(fmax(x, -LOOM_STEP_REWARD_CLIP), LOOM_STEP_REWARD_CLIP);
  }
}

static void put_state(instance* in, const double* obs) {
  const loomStepReward* r = in->reward;
  put_scaled(in->x, r, obs, 0, r->obs);
  if (r->ends) in->x[r->obs] = 0;
}

// A state's by the shaping; an end's is 0.
static double potential(instance* in, const double* obs) {
  put_state(in, obs);
  return (double)loom_mlp_forward(&in->shape, &in->reward->params, in->x, 1)[0] - in->reward->shape_end;
}

static double value_of(void* self, const loomScoredStep* step) {
  instance* in = self;
  const loomStepReward* r = in->reward;

  put_state(in, step->obs);
  if (r->sees_action) put_scaled(in->x + r->obs + r->ends, r, step->action, r->obs, r->actions);
  double worth = (double)loom_mlp_forward(&in->mlp, &r->params, in->x, 1)[0] - r->end;
  if (!step->shaped) return worth;

  double after = r->ends && step->ended ? 0 : potential(in, step->next);
  return worth + r->discount * after - potential(in, step->obs);
}

loomStepScore loom_step_reward_score(loomStepReward* reward) {
  return (loomStepScore){reward, create_instance, destroy_instance, value_of};
}
