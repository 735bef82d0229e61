#include "policies/learn/safety.h"

#include <math.h>
#include <stdlib.h>

#include "policies/nn/optimizer.h"

loomSafetyDef loom_default_safety_def(void) {
  return (loomSafetyDef){
      .tau = 0.3, .threshold = 0.5, .hidden = 64, .steps = 2000, .batch = 256, .rate = 1e-3};
}

// ---- the network

static int create(loomSafety* s, int obs_dim, int hidden, double threshold, loomError* err) {
  *s = (loomSafety){.obs_dim = obs_dim, .threshold = threshold};
  loomMlpDef def = {.layers = 3, .sizes = {obs_dim, hidden, hidden, 1}, .activation = LOOM_ACTIVATION_RELU};
  loom_mlp_declare(&s->mlp, &s->params, &def, "safety.");
  int code = loom_params_create(&s->params, err);
  if (code) loom_safety_destroy(s);
  return code;
}

void loom_safety_destroy(loomSafety* s) {
  loom_params_destroy(&s->params);
  *s = (loomSafety){0};
}

static int layout(loomMlp* out, loomArena* arena, const loomMlp* mlp, int n, loomError* err) {
  *out = *mlp;
  *arena = (loomArena){0};
  loom_mlp_layout(out, arena, n);
  int code = loom_arena_create(arena, arena->used, err);
  if (!code) loom_mlp_layout(out, arena, n);
  return code;
}

int loom_safety_actor_create(loomSafetyActor* out, const loomSafety* s, loomError* err) {
  return layout(&out->mlp, &out->arena, &s->mlp, 1, err);
}

void loom_safety_actor_destroy(loomSafetyActor* actor) {
  loom_arena_destroy(&actor->arena);
}

double loom_safety_probability(loomSafetyActor* actor, const loomSafety* s, const float* obs) {
  return (double)loom_real_sigmoid(loom_mlp_forward(&actor->mlp, &s->params, obs, 1)[0]);
}

// ---- what the novice would do

// Rows [0, row] of a demo as the novice has them before its eyes: the last `rows` of them, the first one
// again before the start.
static void look(float* seen, const float* obs, int row, int rows, const loomNormal* normal) {
  size_t dim = (size_t)normal->dim;
  for (int i = 0; i < rows; i++) {
    int from = row - (rows - 1 - i);
    memcpy(seen + (size_t)i * dim, obs + (size_t)(from > 0 ? from : 0) * dim, dim * sizeof *seen);
  }
  loom_normal_apply(seen, rows, normal);
}

int loom_trained_actions(float* actions, const loomTrained* t, const float* obs, int rows, uint64_t seed,
                         loomError* err) {
  loomActor actor = {0};
  int saw = loom_network_seen(&t->network.def), decided = loom_network_decided(&t->network.def);
  size_t dim = (size_t)t->actions.dim;
  float* seen = malloc((size_t)saw * (size_t)t->obs.dim * sizeof *seen);
  float* queue = malloc((size_t)decided * dim * sizeof *queue);
  int code = seen && queue ? loom_actor_create(&actor, &t->network, err)
                           : loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a policy");
  loomRandom random = loom_random(seed, 0, LOOM_PURPOSE_POLICY);
  if (!code) loom_actor_begin(&actor);
  for (int r = 0; !code && r < rows; r++) {
    look(seen, obs, r, saw, &t->obs);
    loom_actor_decide(queue, &actor, seen, &random);
    loom_normal_undo(queue, 1, &t->actions);
    memcpy(actions + (size_t)r * dim, queue, dim * sizeof *queue);
  }
  loom_actor_destroy(&actor);
  free(seen);
  free(queue);
  return code;
}

// ---- training

typedef struct lessons {
  int64_t n, off;
  int dim;
  float* obs;            // (n x dim) normalised
  unsigned char* label;  // (n) 1 = the novice is off
} lessons;

static double hold(float x) {
  return fmax(-1, fmin(1, (double)x));
}

static bool is_off(const float* a, const float* b, int dim, double tau) {
  double sum = 0;
  for (int i = 0; i < dim; i++) sum += (hold(a[i]) - hold(b[i])) * (hold(a[i]) - hold(b[i]));
  return sqrt(sum) > tau;
}

static int add_demo(lessons* l, float* actions, const loomDataRows* rows, const loomTrained* novice,
                    const loomSafetyDef* def, loomError* err) {
  int dim = novice->actions.dim;
  int code = loom_trained_actions(actions, novice, rows->low, rows->rows, def->seed, err);
  float* to = l->obs + l->n * l->dim;
  if (code) return code;
  memcpy(to, rows->low, (size_t)rows->rows * (size_t)l->dim * sizeof *to);
  loom_normal_apply(to, rows->rows, &novice->obs);
  for (int r = 0; r < rows->rows; r++) {
    size_t at = (size_t)r * (size_t)dim;
    l->label[l->n] = is_off(actions + at, rows->actions + at, dim, def->tau);
    l->off += l->label[l->n++];
  }
  return LOOM_OK;
}

static int collect(lessons* l, const loomTrained* novice, loomData* data, const loomSafetyDef* def,
                   loomError* err) {
  const loomDataInfo* info = loom_data_info(data);
  *l = (lessons){.dim = novice->obs.dim};
  l->obs = malloc((size_t)info->rows * (size_t)l->dim * sizeof *l->obs);
  l->label = malloc((size_t)info->rows);
  float* actions = malloc((size_t)info->rows * (size_t)novice->actions.dim * sizeof *actions);
  int code = l->obs && l->label && actions
                 ? LOOM_OK
                 : loom_error_set(err, LOOM_ERR_MEMORY, "no memory for %lld rows", (long long)info->rows);
  for (int i = 0; !code && i < info->demos; i++) {
    loomDataRows rows;
    code = loom_data_rows(&rows, data, i, err);
    if (!code) code = add_demo(l, actions, &rows, novice, def, err);
  }
  free(actions);
  return code;
}

typedef struct lesson {
  loomMlp mlp;
  loomArena arena;
  float *x, *dy;
  unsigned char* label;
  double weight[2];  // of a safe row and of one that is off
} lesson;

// Cross-entropy of the batch drawn; both classes weigh the same however rare one is.
static double one_step(lesson* t, loomSafety* s, const lessons* l, const loomSafetyDef* def, int step,
                       loomRandom* random) {
  double loss = 0;
  for (int i = 0; i < def->batch; i++) {
    int64_t row = loom_random_index(random, (int)l->n);
    memcpy(t->x + (size_t)i * (size_t)l->dim, l->obs + row * l->dim, (size_t)l->dim * sizeof *t->x);
    t->label[i] = l->label[row];
  }
  const float* y = loom_mlp_forward(&t->mlp, &s->params, t->x, def->batch);
  for (int i = 0; i < def->batch; i++) {
    double weight = t->weight[t->label[i]] / def->batch;
    loss += weight * (double)loom_real_softplus(t->label[i] ? -y[i] : y[i]);
    t->dy[i] = (float)(weight * ((double)loom_real_sigmoid(y[i]) - t->label[i]));
  }
  loom_params_zero_gradient(&s->params);
  loom_mlp_backward(NULL, &t->mlp, &s->params, t->dy, t->x, def->batch);
  loomAdamDef adam = loom_default_adam_def();
  loom_adam_step(&s->params, &adam, def->rate, (uint64_t)step + 1);
  return loss;
}

static void count(loomSafetyFit* fit, const loomSafety* s, const lessons* l, loomSafetyActor* actor) {
  int64_t missed = 0, needless = 0;
  for (int64_t i = 0; i < l->n; i++) {
    bool off = loom_safety_probability(actor, s, l->obs + i * l->dim) > s->threshold;
    missed += l->label[i] && !off;
    needless += !l->label[i] && off;
  }
  fit->rows = l->n;
  fit->off = l->off;
  fit->missed = l->off ? (double)missed / (double)l->off : 0;
  fit->needless = l->n > l->off ? (double)needless / (double)(l->n - l->off) : 0;
}

static int learn(loomSafety* s, loomSafetyFit* fit, const lessons* l, const loomSafetyDef* def,
                 loomError* err) {
  lesson t = {.x = malloc((size_t)def->batch * (size_t)l->dim * sizeof(float)),
              .dy = malloc((size_t)def->batch * sizeof(float)),
              .label = malloc((size_t)def->batch)};
  loomSafetyActor actor = {0};
  int code = t.x && t.dy && t.label ? layout(&t.mlp, &t.arena, &s->mlp, def->batch, err)
                                    : loom_error_set(err, LOOM_ERR_MEMORY, "no memory to train");
  if (!code) code = loom_safety_actor_create(&actor, s, err);
  double share = (double)l->off / (double)l->n;
  bool both = l->off && l->off < l->n;
  t.weight[0] = both ? 0.5 / (1 - share) : 1;
  t.weight[1] = both ? 0.5 / share : 1;
  loomRandom draw = loom_random(def->seed, 0, LOOM_PURPOSE_WEIGHTS);
  loomRandom order = loom_random(def->seed, 1, LOOM_PURPOSE_SHUFFLE);
  if (!code) loom_mlp_init(&s->mlp, &s->params, &draw);
  for (int i = 0; !code && i < def->steps; i++) {
    double loss = one_step(&t, s, l, def, i, &order);
    if (i >= def->steps - 100) fit->loss += loss / fmin(100, def->steps);
  }
  if (!code) count(fit, s, l, &actor);
  loom_safety_actor_destroy(&actor);
  loom_arena_destroy(&t.arena);
  free(t.x);
  free(t.dy);
  free(t.label);
  return code;
}

int loom_safety_train(loomSafety* out, loomSafetyFit* fit, const loomTrained* novice, loomData* data,
                      const loomSafetyDef* def, loomError* err) {
  lessons l;
  *fit = (loomSafetyFit){0};
  *out = (loomSafety){0};
  int code = collect(&l, novice, data, def, err);
  if (!code) code = create(out, l.dim, def->hidden, def->threshold, err);
  if (!code) code = learn(out, fit, &l, def, err);
  if (code) loom_safety_destroy(out);
  free(l.obs);
  free(l.label);
  return code;
}

// ---- the file

int loom_safety_save(const char* path, const loomSafety* s, loomError* err) {
  loomSafeTensor tensor[8] = {{.name = "threshold", .type = LOOM_SAFE_F64, .data = &s->threshold}};
  int n = 1;
  for (int i = 0; i < s->params.count; i++, n++) {
    const loomParam* p = &s->params.list[i];
    tensor[n] = (loomSafeTensor){
        .name = p->name, .type = LOOM_SAFE_F32, .rank = p->dims, .data = s->params.value + p->offset};
    for (int k = 0; k < p->dims; k++) tensor[n].shape[k] = p->shape[k];
  }
  loomSafeMeta meta = {"format", "demoloom safety 1"};
  return loom_safetensors_write(path, tensor, n, &meta, 1, err);
}

static int fill(loomSafety* s, const loomSafetensors* file, const char* path, loomError* err) {
  for (int i = 0; i < s->params.count; i++) {
    const loomParam* p = &s->params.list[i];
    const loomSafeTensor* t = loom_safetensors_find(file, p->name);
    if (!t || t->type != LOOM_SAFE_F32 || loom_safe_tensor_count(t) != (int64_t)p->count)
      return loom_error_set(err, LOOM_ERR_FORMAT, "%s: tensor '%s' is missing or of another size", path,
                            p->name);
    memcpy(s->params.value + p->offset, t->data, p->count * sizeof(loomReal));
  }
  return LOOM_OK;
}

int loom_safety_load(loomSafety* out, const char* path, loomError* err) {
  loomSafetensors file;
  *out = (loomSafety){0};
  int code = loom_safetensors_read(&file, path, err);
  if (code) return code;
  const loomSafeTensor* first = loom_safetensors_find(&file, "safety.0.weight");
  const loomSafeTensor* threshold = loom_safetensors_find(&file, "threshold");
  bool fits = first && first->rank == 2 && first->shape[0] > 0 && first->shape[1] > 0 &&
              first->shape[0] < 65536 && first->shape[1] < 1 << 20 && threshold &&
              threshold->type == LOOM_SAFE_F64 && loom_safe_tensor_count(threshold) == 1;
  if (!fits) code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: no safety classifier of ours", path);
  if (!code)
    code = create(out, (int)first->shape[1], (int)first->shape[0], *(const double*)threshold->data, err);
  if (!code) code = fill(out, &file, path, err);
  if (code) loom_safety_destroy(out);
  loom_safetensors_destroy(&file);
  return code;
}
