#include "policies/learn/config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/yaml.h"
#include "policies/nn/pointnet.h"

// ---- what there is to say

typedef enum fieldType { INT, REAL, BOOL, TEXT, CHOICE, SIZES } fieldType;

/// One key: where it goes, what it may be, and for which kinds of policies.
typedef struct field {
  const char *section, *key;
  fieldType type;
  unsigned kinds;  // bits
  size_t offset;
  double low, high;            // INT, REAL, entries of SIZES; TEXT: high = bytes
  const char* const* choices;  // CHOICE (int): NULL-terminated
} field;

static const char* const kind_names[] = {"bc_l2",          "bc_gaussian", "bc_gmm",        "bc_rnn_gmm",
                                         "bc_transformer", "diffusion",   "diffusion_mlp", NULL};
static const char* const optimizers[] = {"adam", "adamw", NULL};
static const char* const schedules[] = {"constant", "cosine", "step", NULL};
static const char* const predictions[] = {"noise", "sample", NULL};
static const char* const normals[] = {"none", "standard", "range", NULL};
static const char* const poses[] = {"relative", "absolute", NULL};
static const char* const rotations[] = {"axis_angle", "6d", NULL};
static const char* const goals[] = {"loss", "success", NULL};

enum {
  ANY = (1 << LOOM_KINDS) - 1,
  UNET = 1 << LOOM_KIND_DIFFUSION,
  DIFFUSION = UNET | 1 << LOOM_KIND_DIFFUSION_MLP,
  TRANSFORMER = 1 << LOOM_KIND_BC_TRANSFORMER,
  RNN = 1 << LOOM_KIND_BC_RNN_GMM,
  MIXTURE = 1 << LOOM_KIND_BC_GMM | RNN | TRANSFORMER,
  GAUSSIAN = 1 << LOOM_KIND_BC_GAUSSIAN,
  LIKELIHOOD = MIXTURE | GAUSSIAN,
};

static const double tiny = 1e-12, many = 1e9;

#define AT(member) offsetof(loomTrainConfig, member)
#define ROOM(member) sizeof(((loomTrainConfig*)0)->member)

static const field fields[] = {
    {"data", "actions", TEXT, ANY, AT(data.actions), 0, ROOM(data.actions), NULL},
    {"data", "pose", CHOICE, ANY, AT(data.pose), 0, 0, poses},
    {"data", "rotation", CHOICE, ANY, AT(data.rotation), 0, 0, rotations},
    {"data", "arms", INT, ANY, AT(data.arms), 0, 8, NULL},
    {"data", "cache", REAL, ANY, AT(data.cache), 1e-6, 1e6, NULL},
    {"data", "obs_normal", CHOICE, ANY, AT(data.obs_normal), 0, 0, normals},
    {"data", "action_normal", CHOICE, ANY, AT(data.action_normal), 0, 0, normals},
    {"data", "stack", INT, ANY & ~DIFFUSION, AT(data.stack), 1, 1000, NULL},
    {"data", "length", INT, ANY & ~DIFFUSION, AT(data.length), 1, 1000, NULL},
    {"policy", "kind", CHOICE, ANY, AT(policy.kind), 0, 0, kind_names},
    {"policy", "layers", SIZES, ANY & ~TRANSFORMER, AT(policy.layers), 1, 65536, NULL},
    {"policy", "modes", INT, MIXTURE, AT(policy.modes), 1, 32, NULL},
    {"policy", "min_std", REAL, LIKELIHOOD, AT(policy.min_std), 0, 10, NULL},
    {"policy", "fixed_std", REAL, GAUSSIAN, AT(policy.fixed_std), 0, 10, NULL},
    {"policy", "evaluation_std", REAL, LIKELIHOOD, AT(policy.evaluation_std), 0, 10, NULL},
    {"policy", "hidden", INT, RNN, AT(policy.hidden), 1, 65536, NULL},
    {"policy", "rnn_layers", INT, RNN, AT(policy.rnn_layers), 1, 8, NULL},
    {"policy", "width", INT, TRANSFORMER, AT(policy.width), 1, 65536, NULL},
    {"policy", "blocks", INT, TRANSFORMER, AT(policy.blocks), 1, 64, NULL},
    {"policy", "heads", INT, TRANSFORMER, AT(policy.heads), 1, 64, NULL},
    {"policy", "dropout", REAL, TRANSFORMER, AT(policy.dropout), 0, 0.95, NULL},
    {"policy", "observed", INT, DIFFUSION, AT(policy.observed), 1, 1000, NULL},
    {"policy", "predicted", INT, DIFFUSION, AT(policy.predicted), 1, 1000, NULL},
    {"policy", "executed", INT, DIFFUSION, AT(policy.executed), 1, 1000, NULL},
    {"policy", "noise_steps", INT, DIFFUSION, AT(policy.noise_steps), 1, 1000, NULL},
    {"policy", "denoise_steps", INT, DIFFUSION, AT(policy.denoise_steps), 1, 1000, NULL},
    {"policy", "predicts", CHOICE, DIFFUSION, AT(policy.predicts), 0, 0, predictions},
    {"policy", "kernel", INT, UNET, AT(policy.kernel), 1, 63, NULL},
    {"policy", "groups", INT, UNET, AT(policy.groups), 1, 1024, NULL},
    {"policy", "step_width", INT, DIFFUSION, AT(policy.step_width), 4, 65536, NULL},
    {"encoder", "channels", SIZES, ANY, AT(encoder.channels), 1, 4096, NULL},
    {"encoder", "keypoints", INT, ANY, AT(encoder.keypoints), 1, 4096, NULL},
    {"encoder", "points", SIZES, ANY, AT(encoder.points), 1, 4096, NULL},
    {"encoder", "features", INT, ANY, AT(encoder.features), 1, 65536, NULL},
    {"encoder", "crop", REAL, ANY, AT(encoder.crop), 0.1, 1, NULL},
    {"optimizer", "rate", REAL, ANY, AT(optimizer.rate), tiny, 10, NULL},
    {"optimizer", "beta1", REAL, ANY, AT(optimizer.beta1), 0, 1 - tiny, NULL},
    {"optimizer", "beta2", REAL, ANY, AT(optimizer.beta2), 0, 1 - tiny, NULL},
    {"optimizer", "epsilon", REAL, ANY, AT(optimizer.epsilon), tiny, 1, NULL},
    {"optimizer", "weight_decay", REAL, ANY, AT(optimizer.weight_decay), 0, 10, NULL},
    {"optimizer", "clip", REAL, ANY, AT(optimizer.clip), 0, many, NULL},
    {"optimizer", "schedule", CHOICE, ANY, AT(optimizer.schedule), 0, 0, schedules},
    {"optimizer", "warmup", INT, ANY, AT(optimizer.warmup), 0, many, NULL},
    {"optimizer", "floor", REAL, ANY, AT(optimizer.floor), 0, 1, NULL},
    {"optimizer", "period", INT, ANY, AT(optimizer.period), 1, many, NULL},
    {"optimizer", "decay", REAL, ANY, AT(optimizer.decay), tiny, 1, NULL},
    {"optimizer", "ema", REAL, ANY, AT(optimizer.ema), 0, 1 - tiny, NULL},
    {"optimizer", "ema_power", REAL, ANY, AT(optimizer.ema_power), tiny, 1, NULL},
    {"train", "epochs", INT, ANY, AT(train.epochs), 1, many, NULL},
    {"train", "steps", INT, ANY, AT(train.steps), 0, many, NULL},
    {"train", "batch", INT, ANY, AT(train.batch), 1, 1 << 20, NULL},
    {"train", "seed", INT, ANY, AT(train.seed), 0, INT32_MAX, NULL},
    {"train", "threads", INT, ANY, AT(train.threads), 0, 1024, NULL},
    {"validate", "mask", TEXT, ANY, AT(validate.mask), 0, ROOM(validate.mask), NULL},
    {"validate", "every", INT, ANY, AT(validate.every), 1, many, NULL},
    {"checkpoint", "folder", TEXT, ANY, AT(checkpoint.folder), 0, ROOM(checkpoint.folder), NULL},
    {"checkpoint", "every", INT, ANY, AT(checkpoint.every), 1, many, NULL},
    {"checkpoint", "keep", INT, ANY, AT(checkpoint.keep), 0, many, NULL},
    {"checkpoint", "best", BOOL, ANY, AT(checkpoint.best), 0, 0, NULL},
    {"rollout", "task", TEXT, ANY, AT(rollout.task), 0, ROOM(rollout.task), NULL},
    {"rollout", "reset", TEXT, ANY, AT(rollout.reset), 0, ROOM(rollout.reset), NULL},
    {"rollout", "n", INT, ANY, AT(rollout.n), 1, 1 << 20, NULL},
    {"rollout", "every", INT, ANY, AT(rollout.every), 1, many, NULL},
    {"rollout", "max_steps", INT, ANY, AT(rollout.max_steps), 0, 1 << 20, NULL},
    {"rollout", "seed", INT, ANY, AT(rollout.seed), 0, INT32_MAX, NULL},
    {"rollout", "threads", INT, ANY, AT(rollout.threads), 0, 1024, NULL},
    {"stop", "patience", INT, ANY, AT(stop.patience), 0, many, NULL},
    {"stop", "by", CHOICE, ANY, AT(stop.by), 0, 0, goals},
};
enum { FIELDS = sizeof fields / sizeof *fields, KEYS_MAX = 32 };

// The sections in the order they are written in, and the keys that are no plain fields.
static const struct {
  const char* name;
  const char* more[4];
} sections[] = {{"data", {"files", "keys", NULL}},
                {"policy", {NULL}},
                {"encoder", {NULL}},
                {"optimizer", {"kind", NULL}},
                {"train", {NULL}},
                {"validate", {NULL}},
                {"checkpoint", {NULL}},
                {"rollout", {NULL}},
                {"stop", {NULL}}};
enum { SECTIONS = sizeof sections / sizeof *sections };

const char* loom_policy_kind_name(loomPolicyKind kind) {
  return kind_names[kind];
}

int loom_policy_kind_find(loomPolicyKind* out, const char* name, loomError* err) {
  for (int k = 0; k < LOOM_KINDS; k++) {
    *out = (loomPolicyKind)k;
    if (!strcmp(name, kind_names[k])) return 0;
  }
  return loom_error_set(err, LOOM_ERR_USAGE, "no kind of policy is '%s'; see `demoloom train --help`", name);
}

bool loom_policy_denoises(int kind) {
  return kind == LOOM_KIND_DIFFUSION || kind == LOOM_KIND_DIFFUSION_MLP;
}

// ---- defaults

static void suit_rnn_gmm(loomTrainConfig* c) {
  c->data.length = 10;
  c->policy.layers.n = 0;
  // Measured on the handover: with robomimic's least deviation of 1e-4 the likelihood of generated demos,
  // which have no noise, is won by ever narrower Gaussians: 7 % of 30 episodes after 5,000 steps, 73 of 100
  // with these but for the warm-up.
  c->policy.min_std = 0.03;
  c->optimizer.rate = 5e-4;
  c->optimizer.schedule = 1;
  c->optimizer.warmup = 500;
  c->optimizer.clip = 10;
  c->optimizer.ema = 0.999;
  c->train.epochs = 16;
  c->checkpoint.every = 4;
  c->rollout.every = 4;
  c->rollout.n = 30;
}

static void suit_transformer(loomTrainConfig* c) {
  c->data.stack = 10;
  c->optimizer.decoupled = true;
  c->optimizer.weight_decay = 0.01;
}

static void suit_diffusion(loomTrainConfig* c, bool unet) {
  c->data.obs_normal = c->data.action_normal = LOOM_NORMAL_RANGE;
  c->policy.layers = unet ? (loomSizes){3, {64, 128, 256}} : (loomSizes){3, {1024, 1024, 1024}};
  c->policy.predicts = LOOM_PREDICT_SAMPLE;
  c->optimizer.decoupled = true;
  c->optimizer.weight_decay = 1e-6;
  c->optimizer.beta1 = 0.95;
  c->optimizer.schedule = 1;
  c->optimizer.warmup = 500;
  c->optimizer.ema = 0.9999;
  c->train.batch = 256;
  if (unet) return;
  c->policy.step_width = 64;  // measured on the handover: minutes on one core
  c->optimizer.rate = 3e-4;
  c->optimizer.ema = 0.999;
  c->optimizer.floor = 0.02;
  c->train.epochs = 12;
  c->checkpoint.every = 4;
  c->rollout.every = 2;
  c->rollout.n = 30;
}

static void suit_kind(loomTrainConfig* c, loomPolicyKind kind) {
  if (kind == LOOM_KIND_BC_RNN_GMM) suit_rnn_gmm(c);
  if (kind == LOOM_KIND_BC_TRANSFORMER) suit_transformer(c);
  if (loom_policy_denoises((int)kind)) suit_diffusion(c, kind == LOOM_KIND_DIFFUSION);
}

loomTrainConfig loom_default_train_config(loomPolicyKind kind) {
  loomTrainConfig c = {
      .data = {.actions = "actions", .cache = 2, .stack = 1, .length = 1},
      .policy = {.kind = (int)kind,
                 .layers = {2, {1024, 1024}},
                 .modes = 5,
                 .min_std = kind == LOOM_KIND_BC_GAUSSIAN ? 0.01 : 1e-4,
                 .evaluation_std = 1e-4,
                 .hidden = 400,
                 .rnn_layers = 2,
                 .width = 256,
                 .blocks = 4,
                 .heads = 8,
                 .dropout = 0.1,
                 .observed = 2,
                 .predicted = 16,
                 .executed = 8,
                 .noise_steps = 100,
                 .denoise_steps = 10,
                 .kernel = 5,
                 .groups = 8,
                 .step_width = 256},
      .encoder = {.channels = {4, {32, 32, 64, 64}},
                  .keypoints = 32,
                  .points = {3, {64, 128, 256}},
                  .features = 64,
                  .crop = 0.9},
      .optimizer = {.rate = 1e-4,
                    .beta1 = 0.9,
                    .beta2 = 0.999,
                    .epsilon = 1e-8,
                    .period = 10000,
                    .decay = 0.1,
                    .ema_power = 0.75},
      .train = {.epochs = 200, .steps = 500, .batch = 100, .seed = 1},
      .validate = {.every = 1},
      .checkpoint = {.folder = "runs", .every = 50, .keep = 3, .best = true},
      .rollout = {.n = 50, .every = 50, .seed = 1000},
  };
  c.data.action_normal = LOOM_NORMAL_RANGE;  // mixtures' means are bounded
  c.data.obs_normal = LOOM_NORMAL_STANDARD;
  suit_kind(&c, kind);
  return c;
}

// ---- reading

typedef struct reader {
  const loomYaml* y;
  loomTrainConfig* c;
  loomError* err;
} reader;

static void* place(const reader* r, const field* f) {
  return (char*)r->c + f->offset;
}

static int read_real(const reader* r, loomNode map, const field* f) {
  double value = *(double*)place(r, f);
  int code = loom_yaml_read_number(&value, r->y, map, f->key, false, r->err);
  if (!code && !(value >= f->low && value <= f->high))
    return loom_yaml_error(r->y, loom_yaml_get(r->y, map, f->key), f->key, r->err,
                           "expected a number from %g to %g, found %g", f->low, f->high, value);
  if (!code) *(double*)place(r, f) = value;
  return code;
}

static int read_choice(int* out, const reader* r, loomNode map, const char* key, const char* const* choices) {
  loomNode node = loom_yaml_get(r->y, map, key);
  const char* text = loom_yaml_text(r->y, node);
  char list[200] = "";
  if (!node) return 0;
  for (int i = 0; choices[i]; i++) {
    if (text && !strcmp(text, choices[i])) {
      *out = i;
      return 0;
    }
    size_t used = strlen(list);
    snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", choices[i]);
  }
  return loom_yaml_error(r->y, node, key, r->err, "expected one of %s", list);
}

static int read_sizes(const reader* r, loomNode map, const field* f) {
  loomSizes* out = place(r, f);
  double value[LOOM_CONFIG_SIZES];
  int n = out->n;
  loomNode node = loom_yaml_get(r->y, map, f->key);
  if (!node) return 0;
  int code = loom_yaml_read_numbers(value, LOOM_CONFIG_SIZES, &n, r->y, map, f->key, false, r->err);
  for (int i = 0; !code && i < n; i++) {
    if (!(value[i] >= f->low && value[i] <= f->high) || value[i] != floor(value[i]))
      code = loom_yaml_error(r->y, node, f->key, r->err, "expected whole numbers from %g to %g", f->low,
                             f->high);
    else
      out->size[i] = (int)value[i];
  }
  if (!code) out->n = n;
  return code;
}

static int read_field(const reader* r, loomNode map, const field* f) {
  loomNode node = loom_yaml_get(r->y, map, f->key);
  if (node && !(f->kinds >> r->c->policy.kind & 1))
    return loom_yaml_error(r->y, node, f->key, r->err, "means nothing for policies of kind %s",
                           kind_names[r->c->policy.kind]);
  switch (f->type) {
    case INT:
      return loom_yaml_read_int(place(r, f), r->y, map, f->key, (int)f->low, (int)f->high, false, r->err);
    case REAL:
      return read_real(r, map, f);
    case BOOL:
      return loom_yaml_read_bool(place(r, f), r->y, map, f->key, r->err);
    case TEXT:
      return loom_yaml_read_text(place(r, f), (size_t)f->high, r->y, map, f->key, false, r->err);
    case CHOICE:
      return read_choice(place(r, f), r, map, f->key, f->choices);
    case SIZES:
      return read_sizes(r, map, f);
  }
  return 0;
}

static int read_section(const reader* r, loomNode root, int section) {
  const char* name = sections[section].name;
  const char* known[KEYS_MAX] = {NULL};
  int n = 0, code = 0;
  loomNode map = loom_yaml_get(r->y, root, name);
  if (!map) return 0;
  for (int i = 0; sections[section].more[i]; i++) known[n++] = sections[section].more[i];
  for (int i = 0; i < FIELDS; i++)
    if (!strcmp(fields[i].section, name)) known[n++] = fields[i].key;
  code = loom_yaml_only(r->y, map, known, r->err);
  for (int i = 0; !code && i < FIELDS; i++)
    if (!strcmp(fields[i].section, name)) code = read_field(r, map, &fields[i]);
  return code;
}

static int read_file(loomConfigFile* out, const reader* r, loomNode node) {
  static const char* const known[] = {"path", "mask", "first", "weight", NULL};
  *out = (loomConfigFile){0};
  int code = loom_yaml_only(r->y, node, known, r->err);
  if (!code) code = loom_yaml_read_text(out->path, sizeof out->path, r->y, node, "path", true, r->err);
  if (!code) code = loom_yaml_read_text(out->mask, sizeof out->mask, r->y, node, "mask", false, r->err);
  if (!code) code = loom_yaml_read_int(&out->first, r->y, node, "first", 0, INT32_MAX, false, r->err);
  if (!code) code = loom_yaml_read_number(&out->weight, r->y, node, "weight", false, r->err);
  if (!code && loom_yaml_get(r->y, node, "weight") && !(out->weight > 0 && isfinite(out->weight)))
    code = loom_yaml_error(r->y, loom_yaml_get(r->y, node, "weight"), "weight", r->err,
                           "expected a number over 0, found %g", out->weight);
  return code;
}

static int read_files(const reader* r, loomNode map) {
  loomConfigData* data = &r->c->data;
  loomNode list = loom_yaml_get(r->y, map, "files");
  int n = loom_yaml_count(r->y, list), weighted = 0, code = 0;
  if (!loom_yaml_is_list(r->y, list) || n < 1 || n > LOOM_DATA_FILES)
    return loom_yaml_error(r->y, list ? list : map, "files", r->err, "expected a list of 1 to %d files",
                           LOOM_DATA_FILES);
  for (int i = 0; !code && i < n; i++) {
    code = read_file(&data->file[i], r, loom_yaml_item(r->y, list, i));
    weighted += data->file[i].weight > 0;
  }
  data->file_count = n;
  if (!code && weighted && weighted < n)
    code = loom_yaml_error(r->y, list, "files", r->err, "either all files have a weight, or none");
  return code;
}

static int read_lists(const reader* r, loomNode root) {
  loomConfigData* data = &r->c->data;
  loomNode map = loom_yaml_get(r->y, root, "data");
  if (!map) return loom_yaml_error(r->y, root, "data", r->err, "missing");
  int code = read_files(r, map);
  if (!code)
    code = loom_yaml_read_texts(data->key[0], sizeof data->key[0], LOOM_DATA_KEYS, &data->key_count, r->y,
                                map, "keys", true, r->err);
  if (!code && !data->key_count)
    code = loom_yaml_error(r->y, loom_yaml_get(r->y, map, "keys"), "keys", r->err, "names no observation");
  return code;
}

// Where a key stands; one that is left to its default: its section.
static loomNode at(const reader* r, loomNode map, const char* key) {
  loomNode node = loom_yaml_get(r->y, map, key);
  return node ? node : map;
}

static int check_unet(const reader* r, loomNode policy) {
  const loomConfigPolicy* p = &r->c->policy;
  int halved = 1 << (p->layers.n ? p->layers.n - 1 : 0);
  if (!p->layers.n)
    return loom_yaml_error(r->y, at(r, policy, "layers"), "layers", r->err, "names no level of the U-Net");
  for (int i = 0; i < p->layers.n; i++)
    if (p->layers.size[i] % p->groups)
      return loom_yaml_error(r->y, at(r, policy, "layers"), "layers", r->err,
                             "%d channels are no multiple of %d groups", p->layers.size[i], p->groups);
  if (p->predicted % halved)
    return loom_yaml_error(r->y, at(r, policy, "predicted"), "predicted", r->err,
                           "%d rows cannot be halved %d times, from each of the %d levels to the next; take "
                           "a multiple of %d or fewer `layers`",
                           p->predicted, p->layers.n - 1, p->layers.n, halved);
  if (p->kernel % 2 == 0)
    return loom_yaml_error(r->y, at(r, policy, "kernel"), "kernel", r->err,
                           "expected an odd number, found %d", p->kernel);
  return 0;
}

static int check_encoder(const reader* r, loomNode encoder) {
  const loomConfigEncoder* e = &r->c->encoder;
  if (e->channels.n < 2)
    return loom_yaml_error(r->y, at(r, encoder, "channels"), "channels", r->err,
                           "expected those of a stem and of 1 to 7 blocks");
  if (e->points.n < 1 || e->points.n > LOOM_POINTNET_LAYERS)
    return loom_yaml_error(r->y, at(r, encoder, "points"), "points", r->err, "expected 1 to %d layers",
                           LOOM_POINTNET_LAYERS);
  return 0;
}

// What no single key shows to be wrong.
static int check_together(const reader* r, loomNode root) {
  const loomConfigPolicy* p = &r->c->policy;
  loomNode policy = loom_yaml_get(r->y, root, "policy"), stop = loom_yaml_get(r->y, root, "stop");
  if (p->kind == LOOM_KIND_BC_TRANSFORMER && p->width % p->heads)
    return loom_yaml_error(r->y, at(r, policy, "width"), "width", r->err, "%d is no multiple of %d heads",
                           p->width, p->heads);
  if (p->kind < LOOM_KIND_BC_RNN_GMM && r->c->data.length > 1)
    return loom_yaml_error(r->y, at(r, loom_yaml_get(r->y, root, "data"), "length"), "length", r->err,
                           "policies of kind %s give one action at a time", kind_names[p->kind]);
  int code = p->kind == LOOM_KIND_DIFFUSION ? check_unet(r, policy) : 0;
  if (code) return code;
  if (loom_policy_denoises(p->kind) && p->step_width % 2)
    return loom_yaml_error(r->y, at(r, policy, "step_width"), "step_width", r->err,
                           "expected an even number, found %d", p->step_width);
  if (loom_policy_denoises(p->kind) && p->executed > p->predicted - p->observed + 1)
    return loom_yaml_error(
        r->y, at(r, policy, "executed"), "executed", r->err,
        "%d actions cannot be executed of %d predicted, which begin with the first of %d rows "
        "observed",
        p->executed, p->predicted, p->observed);
  if (loom_policy_denoises(p->kind) && p->denoise_steps > p->noise_steps)
    return loom_yaml_error(r->y, at(r, policy, "denoise_steps"), "denoise_steps", r->err,
                           "more than the %d noise_steps", p->noise_steps);
  code = check_encoder(r, loom_yaml_get(r->y, root, "encoder"));
  if (code) return code;
  if (r->c->stop.patience && r->c->stop.by == 1 && !r->c->rollout.task[0])
    return loom_yaml_error(r->y, at(r, stop, "by"), "by", r->err,
                           "success is known from rollouts only; give a rollout task");
  if (r->c->stop.patience && r->c->stop.by == 0 && !r->c->validate.mask[0])
    return loom_yaml_error(r->y, at(r, stop, "by"), "by", r->err,
                           "the loss of validation needs a validate mask");
  return 0;
}

static int read_all(const reader* r) {
  loomNode root = loom_yaml_root(r->y);
  const char* known[SECTIONS + 1] = {NULL};
  int kind = -1;
  for (int i = 0; i < SECTIONS; i++) known[i] = sections[i].name;
  int code = loom_yaml_only(r->y, root, known, r->err);
  loomNode policy = loom_yaml_get(r->y, root, "policy");
  if (!code) code = read_choice(&kind, r, policy, "kind", kind_names);
  if (!code && kind < 0)
    code = loom_yaml_error(r->y, policy ? policy : root, "policy", r->err,
                           "needs a kind, one of bc_gmm, bc_l2, ...");
  if (!code) *r->c = loom_default_train_config((loomPolicyKind)kind);
  for (int i = 0; !code && i < SECTIONS; i++) code = read_section(r, root, i);
  int optimizer = r->c->optimizer.decoupled;
  if (!code) code = read_choice(&optimizer, r, loom_yaml_get(r->y, root, "optimizer"), "kind", optimizers);
  r->c->optimizer.decoupled = optimizer == 1;
  if (!code) code = read_lists(r, root);
  if (!code) code = check_together(r, root);
  return code;
}

int loom_train_config_parse(loomTrainConfig* out, const char* text, size_t n, const char* label,
                            loomError* err) {
  loomYaml* y;
  *out = (loomTrainConfig){0};
  int code = loom_yaml_parse(&y, text, n, label, err);
  if (code) return code;
  reader r = {y, out, err};
  code = read_all(&r);
  loom_yaml_destroy(y);
  return code;
}

int loom_train_config_load(loomTrainConfig* out, const char* path, loomError* err) {
  char* text;
  size_t n = 0;
  *out = (loomTrainConfig){0};
  int code = loom_read_text(&text, &n, path, LOOM_YAML_MAX, err);
  if (!code) code = loom_train_config_parse(out, text, n, path, err);
  free(text);
  return code;
}

// ---- writing

static void put_text(FILE* out, const char* text) {
  fputc('"', out);
  for (; *text; text++) {
    if (*text == '"' || *text == '\\')
      fprintf(out, "\\%c", *text);
    else if ((unsigned char)*text < ' ')
      fprintf(out, "\\x%02x", (unsigned)(unsigned char)*text);
    else
      fputc(*text, out);
  }
  fputc('"', out);
}

static void put_sizes(FILE* out, const loomSizes* sizes) {
  fputc('[', out);
  for (int i = 0; i < sizes->n; i++) fprintf(out, "%s%d", i ? ", " : "", sizes->size[i]);
  fputc(']', out);
}

static void put_field(FILE* out, const loomTrainConfig* c, const field* f) {
  const void* at = (const char*)c + f->offset;
  fprintf(out, "  %s: ", f->key);
  switch (f->type) {
    case INT:
      fprintf(out, "%d", *(const int*)at);
      break;
    case REAL:
      fprintf(out, "%.17g", *(const double*)at);
      break;
    case BOOL:
      fputs(*(const bool*)at ? "true" : "false", out);
      break;
    case TEXT:
      put_text(out, at);
      break;
    case CHOICE:
      fputs(f->choices[*(const int*)at], out);
      break;
    case SIZES:
      put_sizes(out, at);
      break;
  }
  fputc('\n', out);
}

static void put_lists(FILE* out, const loomConfigData* data) {
  fputs("  files:\n", out);
  for (int i = 0; i < data->file_count; i++) {
    fputs("    - {path: ", out);
    put_text(out, data->file[i].path);
    fputs(", mask: ", out);
    put_text(out, data->file[i].mask);
    if (data->file[i].first) fprintf(out, ", first: %d", data->file[i].first);
    if (data->file[i].weight > 0) fprintf(out, ", weight: %.17g", data->file[i].weight);
    fputs("}\n", out);
  }
  fputs("  keys: [", out);
  for (int i = 0; i < data->key_count; i++) {
    if (i) fputs(", ", out);
    put_text(out, data->key[i]);
  }
  fputs("]\n", out);
}

char* loom_train_config_text(const loomTrainConfig* c) {
  char* text = NULL;
  size_t size = 0;
  FILE* out = open_memstream(&text, &size);
  if (!out) return NULL;
  for (int s = 0; s < SECTIONS; s++) {
    const char* name = sections[s].name;
    fprintf(out, "%s:\n", name);
    if (!strcmp(name, "data")) put_lists(out, &c->data);
    if (!strcmp(name, "optimizer")) fprintf(out, "  kind: %s\n", optimizers[c->optimizer.decoupled]);
    for (int i = 0; i < FIELDS; i++)
      if (!strcmp(fields[i].section, name) && fields[i].kinds >> c->policy.kind & 1)
        put_field(out, c, &fields[i]);
  }
  bool lacks = ferror(out) != 0;
  if (fclose(out) || lacks) {
    free(text);
    return NULL;
  }
  return text;
}

// ---- use

loomActionForm loom_config_form(const loomTrainConfig* c) {
  return (loomActionForm){c->data.pose == 1, c->data.rotation == 1};
}

void loom_config_data_def(loomConfigDataDef* out, const loomTrainConfig* c, bool validation) {
  loomDataDef* def = &out->def;
  *def = loom_default_data_def();
  def->file = out->file;
  def->file_count = c->data.file_count;
  def->key = out->key;
  def->key_count = c->data.key_count;
  def->action = c->data.actions;
  def->form = loom_config_form(c);
  def->arms = c->data.arms;
  def->batch = c->train.batch;
  def->seed = (uint64_t)c->train.seed;
  def->shuffle = !validation;
  def->cache_bytes = (int64_t)(c->data.cache * 1073741824.0);
  for (int i = 0; i < c->data.file_count; i++) {
    const loomConfigFile* file = &c->data.file[i];
    const char* mask = validation ? c->validate.mask : file->mask;
    out->file[i] =
        (loomDataFile){file->path, *mask ? mask : NULL, file->weight, validation ? 0 : file->first};
  }
  for (int i = 0; i < c->data.key_count; i++) out->key[i] = c->data.key[i];
  if (loom_policy_denoises(c->policy.kind))
    loom_data_chunk(def, c->policy.observed, c->policy.predicted);
  else
    loom_data_sequence(def, c->data.stack, c->data.length);
}
