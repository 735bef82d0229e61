#include "policies/learn/safety.h"

#include <math.h>
#include <stdlib.h>

#include "policies/agent/decide.h"
#include "policies/learn/supervised.h"
#include "policies/network/network_file.h"
#include "policies/nn/optimizer.h"

loomSafetyDef loom_default_safety_def(void) {
  return (loomSafetyDef){
      .tau = 0.3, .threshold = 0.5, .hidden = 64, .steps = 2000, .batch = 256, .rate = 1e-3};
}

// ---- the network

int loom_safety_create(loomSafety* s, int obs_dim, int hidden, double threshold, uint64_t seed,
                       loomError* err) {
  loomNetworkDef def = {.type = &loom_network_mlp,
                        .policy = {.layers = {2, {hidden, hidden}}},
                        .obs_dim = obs_dim,
                        .low_dim = obs_dim,
                        .action_dim = 1,
                        .obs_rows = 1,
                        .action_rows = 1,
                        .output_rows = 1,
                        .output_width = 1,
                        .stack = 1};

  *s = (loomSafety){.threshold = threshold};
  return loom_network_create(&s->network, &def, seed, err);
}

void loom_safety_destroy(loomSafety* s) {
  loom_network_destroy(&s->network);
  *s = (loomSafety){0};
}

double loom_safety_probability(loomActor* actor, const float* obs) {
  return (double)loom_real_sigmoid(loom_actor_outputs(actor, obs)[0]);
}

// ---- training

// Rows and whether the novice is off there.
typedef struct lessons {
  int64_t n, off;
  int dim;
  float* obs;    // (n x dim) normalized
  float* label;  // (n) 1 = the novice is off
} lessons;

static double clamp(float x) {
  return fmax(-1, fmin(1, (double)x));
}

static bool is_off(const float* a, const float* b, int dim, double tau) {
  double sum = 0;
  for (int i = 0; i < dim; i++) sum += pow(clamp(a[i]) - clamp(b[i]), 2);
  return sqrt(sum) > tau;
}

static int add_demo(lessons* l, float* actions, const loomDataRows* rows, const loomTrained* novice,
                    const loomSafetyDef* def, loomError* err) {
  int dim = novice->actions.dim;
  int code = loom_trained_actions(actions, novice, rows->low, rows->rows, def->seed, err);
  if (code) return code;

  float* to = l->obs + l->n * l->dim;
  memcpy(to, rows->low, (size_t)rows->rows * (size_t)l->dim * sizeof *to);
  loom_normal_apply(to, rows->rows, &novice->obs);

  for (int r = 0; r < rows->rows; r++) {
    size_t at = (size_t)r * (size_t)dim;
    bool off = is_off(actions + at, rows->actions + at, dim, def->tau);
    l->label[l->n++] = off;
    l->off += off;
  }
  return LOOM_OK;
}

static int collect_lessons(lessons* l, const loomTrained* novice, loomData* data, const loomSafetyDef* def,
                           loomError* err) {
  const loomDataInfo* info = loom_data_info(data);
  *l = (lessons){.dim = novice->obs.dim};
  l->obs = malloc((size_t)info->rows * (size_t)l->dim * sizeof *l->obs);
  l->label = malloc((size_t)info->rows * sizeof *l->label);
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

// A batch drawn from all rows, each as likely as any other.
static loomSamples draw_batch(float* obs, float* label, const lessons* l, int batch, loomRandom* order) {
  for (int i = 0; i < batch; i++) {
    int64_t row = loom_random_index(order, (int)l->n);
    memcpy(obs + (size_t)i * (size_t)l->dim, l->obs + row * l->dim, (size_t)l->dim * sizeof *obs);
    label[i] = l->label[row];
  }
  return (loomSamples){.n = batch, .obs = obs, .actions = label};
}

// Both classes weigh the same however rare one is: 1 / (2 share), and no weight where there is only one
// class.
static loomObjectiveDef objective_of(const lessons* l) {
  loomObjectiveDef def = {
      .kind = LOOM_OBJECTIVE_CLASSIFICATION, .rows = 1, .columns = 1, .class_weight = {1, 1}};
  if (!l->off || l->off == l->n) return def;

  double share = (double)l->off / (double)l->n;
  def.class_weight[0] = 0.5 / (1 - share);
  def.class_weight[1] = 0.5 / share;
  return def;
}

static double run_steps(loomSafety* s, loomObjective* objective, const lessons* l, float* obs, float* label,
                        const loomSafetyDef* def) {
  enum { REPORTED = 100 };  // steps whose loss is told
  loomAdamDef adam = loom_default_adam_def();
  loomRandom order = loom_random(def->seed, 1, LOOM_PURPOSE_SHUFFLE);
  double reported = 0;

  for (int i = 0; i < def->steps; i++) {
    loomSamples samples = draw_batch(obs, label, l, def->batch, &order);
    double loss = loom_supervised_loss(&s->network, objective, &samples, def->seed, (uint64_t)i, true);
    loom_adam_step(&s->network.params, &adam, def->rate, (uint64_t)i + 1);
    if (i >= def->steps - REPORTED) reported += loss / fmin(REPORTED, def->steps);
  }
  return reported;
}

static int fit_classifier(loomSafety* s, loomSafetyFit* fit, const lessons* l, const loomSafetyDef* def,
                          loomError* err) {
  size_t batch = (size_t)def->batch;
  loomObjectiveDef learned = objective_of(l);
  loomObjective objective = {0};
  float *obs = malloc(batch * (size_t)l->dim * sizeof *obs), *label = malloc(batch * sizeof *label);

  int code = obs && label ? loom_network_layout(&s->network, def->batch, err)
                          : loom_error_set(err, LOOM_ERR_MEMORY, "no memory to train");
  if (!code) code = loom_objective_create(&objective, &learned, def->batch, err);
  if (!code) fit->loss = run_steps(s, &objective, l, obs, label, def);

  loom_objective_destroy(&objective);
  free(obs);
  free(label);
  return code;
}

// How the classifier does on what it learned from.
static int count_mistakes(loomSafetyFit* fit, const loomSafety* s, const lessons* l, loomError* err) {
  loomActor actor;
  int64_t missed = 0, needless = 0;
  int code = loom_actor_create(&actor, &s->network, err);
  if (code) return code;

  for (int64_t i = 0; i < l->n; i++) {
    bool off = l->label[i] > 0, said = loom_safety_probability(&actor, l->obs + i * l->dim) > s->threshold;
    missed += off && !said;
    needless += !off && said;
  }
  loom_actor_destroy(&actor);

  fit->rows = l->n;
  fit->off = l->off;
  fit->missed = l->off ? (double)missed / (double)l->off : 0;
  fit->needless = l->n > l->off ? (double)needless / (double)(l->n - l->off) : 0;
  return LOOM_OK;
}

int loom_safety_train(loomSafety* out, loomSafetyFit* fit, const loomTrained* novice, loomData* data,
                      const loomSafetyDef* def, loomError* err) {
  lessons l;
  *fit = (loomSafetyFit){0};
  *out = (loomSafety){0};

  int code = collect_lessons(&l, novice, data, def, err);
  if (!code) code = loom_safety_create(out, l.dim, def->hidden, def->threshold, def->seed, err);
  if (!code) code = fit_classifier(out, fit, &l, def, err);
  if (!code) code = count_mistakes(fit, out, &l, err);

  if (code) loom_safety_destroy(out);
  free(l.obs);
  free(l.label);
  return code;
}

// ---- the file

#define FORMAT "demoloom classifier 1"

int loom_safety_save(const char* path, const loomSafety* s, loomError* err) {
  enum { TENSORS = 7 };  // weights and biases of three layers, and the threshold
  loomSafeTensor tensor[TENSORS];
  char name[TENSORS - 1][LOOM_NETWORK_TENSOR_NAME];
  loomSafeMeta meta = {"format", FORMAT};

  loom_network_tensors(tensor, name, &s->network);
  tensor[TENSORS - 1] = (loomSafeTensor){.name = "threshold", .type = LOOM_SAFE_F64, .data = &s->threshold};
  return loom_safetensors_write(path, tensor, TENSORS, &meta, 1, err);
}

static int check_format(const loomSafetensors* file, const char* path, loomError* err) {
  const char* format = loom_safetensors_meta(file, "format");
  if (format && !strcmp(format, FORMAT)) return LOOM_OK;

  if (format && !strcmp(format, "demoloom safety 1"))
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s: a safety classifier of an older Demoloom, whose format is not read any more; "
                          "start that run anew in another folder",
                          path);
  return loom_error_set(err, LOOM_ERR_FORMAT, "%s: no safety classifier of ours", path);
}

static int read_classifier(loomSafety* out, const loomSafetensors* file, const char* path, loomError* err) {
  const loomSafeTensor* first = loom_safetensors_find(file, "model.mlp.0.weight");
  const loomSafeTensor* threshold = loom_safetensors_find(file, "threshold");

  // Sizes are the first layer's; the other tensors are checked against them.
  bool fits = first && first->rank == 2 && first->shape[0] > 0 && first->shape[1] > 0 &&
              first->shape[0] < 65536 && first->shape[1] < 1 << 20 && threshold &&
              threshold->type == LOOM_SAFE_F64 && loom_safe_tensor_count(threshold) == 1;
  if (!fits) return loom_error_set(err, LOOM_ERR_FORMAT, "%s: no safety classifier of ours", path);

  int code = loom_safety_create(out, (int)first->shape[1], (int)first->shape[0],
                                *(const double*)threshold->data, 0, err);
  return code ? code : loom_network_read(&out->network, file, path, err);
}

int loom_safety_load(loomSafety* out, const char* path, loomError* err) {
  loomSafetensors file;
  *out = (loomSafety){0};
  int code = loom_safetensors_read(&file, path, err);
  if (code) return code;

  code = check_format(&file, path, err);
  if (!code) code = read_classifier(out, &file, path, err);
  if (code) loom_safety_destroy(out);
  loom_safetensors_destroy(&file);
  return code;
}
