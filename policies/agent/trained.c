#include "policies/agent/trained.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/task/agree.h"
#include "policies/agent/residual.h"
#include "policies/data/survey.h"
#include "policies/network/network_file.h"

#define FORMAT "demoloom policy 4"
#define FORMAT_EVEN "demoloom policy 3"  // its bounds are on the scaled side, whatever the data's range

// ---- made and freed

// Keys with more than one axis go through encoders.
bool loom_trained_visual(const loomTrained* t, int key) {
  return t->shape[key][0] > 1;
}

int loom_trained_check_rows(const loomTrained* t, const loomData* data, const char* path, loomError* err) {
  const loomDataInfo* info = loom_data_info(data);
  if (info->low_dim == t->obs.dim && info->action_dim == t->actions.dim) return LOOM_OK;
  return loom_error_set(err, LOOM_ERR_FORMAT,
                        "%s: rows of %d numbers and actions of %d, where the policy has %d and %d", path,
                        info->low_dim, info->action_dim, t->obs.dim, t->actions.dim);
}

loomObsKey loom_trained_key(const loomTrained* t, int key) {
  const int* shape = t->shape[key];
  loomObsKey out = loom_obs_named(t->config.data.key[key]);
  out.rank = shape[0];
  out.dim = t->dim[key];
  for (int i = 0; i < out.rank && i < LOOM_OBS_AXES; i++) out.shape[i] = shape[1 + i];

  // Networks have the channels first.
  if (out.rank == 3) {
    out.shape[0] = shape[2];
    out.shape[1] = shape[3];
    out.shape[2] = shape[1];
  }
  return out;
}

static loomVisualKey visual_key(const loomTrained* t, int key) {
  const int* shape = t->shape[key];
  loomVisualKey out = {.rank = shape[0], .shape = {shape[1], shape[2], shape[3]}};
  memcpy(out.name, t->config.data.key[key], sizeof out.name);
  return out;
}

static int key_shapes(loomTrained* t, const loomData* data, loomError* err) {
  const loomDataInfo* info = loom_data_info(data);
  for (int i = 0; i < info->key_count; i++) {
    const loomDataKey* key = &info->key[i];
    t->dim[i] = key->dim;
    t->shape[i][0] = key->rank;
    for (int k = 0; k < key->rank && k < 3; k++) t->shape[i][k + 1] = (int)key->shape[k];

    if (!loom_trained_visual(t, i)) continue;
    loomVisualKey visual = visual_key(t, i);
    int code = loom_visual_check(&visual, err);
    if (code)
      return loom_error_prefix(err, code, "%s: %s", loom_data_demo_path(data, 0),
                               loom_data_demo_name(data, 0));
  }
  return LOOM_OK;
}

static void set_bounds(loomNetworkDef* def, loomTrained* t) {
  const loomNetworkConfig* policy = &t->config.policy;
  if (!loom_policy_denoises(policy->kind)) return;
  def->obs_bounds = loom_normal_bounds(&t->obs, policy->obs_within, t->even_bounds);
  def->action_bounds = loom_normal_bounds(&t->actions, policy->action_within, t->even_bounds);
}

static int create_network(loomTrained* t, uint64_t seed, loomError* err) {
  const loomPolicyConfig* c = &t->config;
  loomNetworkDef def =
      loom_network_def(&c->policy, &c->encoder, c->data.stack, c->data.length, t->obs.dim, t->actions.dim);
  for (int i = 0; i < t->config.data.key_count; i++) {
    loomVisualKey key = visual_key(t, i);
    if (loom_trained_visual(t, i)) loom_network_add_visual(&def, &key);
  }
  set_bounds(&def, t);
  def.offsets = t->offsets;
  return loom_network_create(&t->network, &def, seed, err);
}

// Whether a file says how its pictures and clouds were made: a camera's own recording does not.
static bool has_sense(const loomData* data, int file) {
  char* text = loom_data_sense(data, file);
  free(text);
  return text != NULL;
}

// How the training data's pictures and clouds were made, in all files alike where it matters.
static int read_sense(loomSenseDef* out, const loomTrained* t, const loomData* data, int file,
                      loomError* err) {
  char* text = loom_data_sense(data, file);
  bool cloud = false;

  *out = loom_default_sense_def();

  int code = text ? loom_sense_parse(out, text, loom_data_file_path(data, file), err) : LOOM_OK;
  free(text);

  // Without clouds among the keys, how they were made does not matter.
  for (int i = 0; i < t->config.data.key_count; i++) cloud = cloud || t->shape[i][0] == 2;
  if (!cloud) out->cloud = loom_default_sense_def().cloud;
  return code;
}

static int same_sense(loomTrained* t, const loomData* data, loomError* err) {
  char *first = NULL, *other = NULL;
  bool eyes = false;

  for (int i = 0; i < t->config.data.key_count; i++) eyes = eyes || loom_trained_visual(t, i);

  // The first file that says how is what all others that say must be like.
  int files = loom_data_info(data)->files, of = 0;
  while (eyes && of < files - 1 && !has_sense(data, of)) of++;
  int code = eyes ? read_sense(&t->sense, t, data, of, err) : LOOM_OK;

  for (int i = of + 1; eyes && !code && i < files; i++) {
    loomSenseDef def;
    if (!has_sense(data, i)) continue;
    code = read_sense(&def, t, data, i, err);

    first = loom_sense_text(&t->sense);
    other = loom_sense_text(&def);
    if (!code && (!first || !other || strcmp(first, other) != 0))
      code =
          loom_error_set(err, LOOM_ERR_FORMAT,
                         "%s: its pictures or point clouds were made in another way than those of %s; make "
                         "them alike with `demoloom render --obs`",
                         loom_data_file_path(data, i), loom_data_file_path(data, of));
    free(first);
    free(other);
  }
  return code;
}

static bool says_offsets(const loomTrained* t) {
  return loom_policy_denoises(t->config.policy.kind) && t->config.policy.predicts == LOOM_PREDICT_OFFSET;
}

static int place_offsets(loomTrained* t, loomError* err) {
  t->offsets = calloc(1, sizeof *t->offsets);
  return t->offsets ? LOOM_OK : loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a policy");
}

static int create_offsets(loomTrained* t, const loomData* data, loomError* err) {
  const loomDataInfo* info = loom_data_info(data);
  if (!says_offsets(t)) return LOOM_OK;

  int code = place_offsets(t, err);
  if (!code) code = loom_offsets_create(t->offsets, t->config.policy.predicted, info->action_dim, err);
  if (!code) loom_offsets_find_hands(t->offsets, info, loom_data_config_form(&t->config.data));
  return code;
}

int loom_trained_create(loomTrained* out, const loomPolicyConfig* config, uint64_t seed, loomData* data,
                        loomError* err) {
  *out = (loomTrained){.config = *config, .sense = loom_default_sense_def()};

  int code = key_shapes(out, data, err);
  if (!code) code = same_sense(out, data, err);
  for (int i = 0; !code && !out->driven && i < loom_data_info(data)->files; i++)
    out->driven = loom_data_driven(data, i);
  if (!code) code = create_offsets(out, data, err);

  loomSurvey survey = {.obs = &out->obs,
                       .actions = &out->actions,
                       .cloud = out->cloud,
                       .offsets = out->offsets,
                       .obs_kind = (loomNormalKind)config->data.obs_normal,
                       .action_kind = (loomNormalKind)config->data.action_normal,
                       .before = config->policy.observed - 1};
  if (!code) code = loom_survey_data(&survey, data, err);
  if (!code) code = create_network(out, seed, err);

  if (code) loom_trained_destroy(out);
  return code;
}

void loom_trained_destroy(loomTrained* t) {
  if (!t) return;
  loom_network_destroy(&t->network);
  loom_residual_destroy(t->residual);
  loom_normal_destroy(&t->obs);
  loom_normal_destroy(&t->actions);
  for (int i = 0; i < LOOM_DATA_KEYS; i++) loom_normal_destroy(&t->cloud[i]);
  if (t->offsets) loom_offsets_destroy(t->offsets);
  free(t->offsets);
  free(t->driven);
  *t = (loomTrained){0};
}

loomSamples loom_trained_samples(const loomTrained* t, loomBatch* batch) {
  const loomNetworkDef* def = &t->network.def;
  int64_t rows = (int64_t)batch->n * def->obs_rows;
  loomSamples out = {.n = batch->n, .obs = batch->low, .actions = batch->actions, .real = batch->real};

  // Vectors and actions side by side, clouds point by point; pictures are 0 .. 1 already.
  loom_normal_apply(batch->low, rows, &t->obs);
  loom_normal_apply(batch->actions, (int64_t)batch->n * def->action_rows, &t->actions);
  for (int i = 0, n = 0; i < t->config.data.key_count; i++) {
    if (t->cloud[i].dim) loom_normal_apply(batch->visual[i], rows * t->shape[i][1], &t->cloud[i]);
    if (loom_trained_visual(t, i)) out.visual[n++] = batch->visual[i];
  }
  return out;
}

// ---- what it learned from, and where it acts

int loom_trained_agrees(const loomTrained* t, const loomScene* scene, loomError* err) {
  bool by_goals = loom_data_config_form(&t->config.data).absolute;
  return loom_task_agrees_policy(scene->task, scene->control, t->driven, by_goals, "the policy's data", err);
}

double loom_trained_rate(const loomTrained* t) {
  cJSON* root = t->driven ? loom_json_read(t->driven) : NULL;
  const cJSON* rate =
      cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(root, "env_kwargs"), "control_freq");
  double hz = cJSON_IsNumber(rate) && rate->valuedouble > 0 ? rate->valuedouble : 0;
  cJSON_Delete(root);
  return hz;
}

// ---- the file

enum { NAME = LOOM_NETWORK_TENSOR_NAME };

static void cloud_prefix(char out[NAME], const loomTrained* t, int key) {
  snprintf(out, NAME, "point_cloud.%s", t->config.data.key[key]);
}

static int cloud_tensors(loomSafeTensor* out, loomNormal cloud[LOOM_DATA_KEYS], const loomTrained* t) {
  int n = 0;
  for (int i = 0; i < t->config.data.key_count; i++) {
    char prefix[NAME];
    cloud_prefix(prefix, t, i);
    cloud[i] = t->cloud[i];
    if (!cloud[i].dim) continue;
    loom_normal_tensors(out + n, &cloud[i], prefix);
    n += LOOM_NORMAL_TENSORS;
  }
  return n;
}

// All that is written, and what of it is made for that.
typedef struct saved {
  loomSafeTensor* tensor;
  loomSafeMeta* meta;
  char (*name)[NAME], (*residual_name)[LOOM_RESIDUAL_NAME];
  char *config, *sense, *residual;
  loomNormal obs, actions, cloud[LOOM_DATA_KEYS];  // tensors' names are written into them
  loomOffsets offsets;
  int ntensor, nmeta;
} saved;

static int make_room(saved* s, const loomTrained* t, const loomTrainedExtra* extra) {
  size_t params = (size_t)t->network.params.count, more = extra ? (size_t)extra->ntensor : 0;
  size_t residual = t->residual ? (size_t)loom_residual_tensors(NULL, NULL, t->residual) : 0;
  size_t offsets = t->offsets ? LOOM_OFFSETS_TENSORS : 0;
  size_t room = params + (2 + LOOM_DATA_KEYS) * LOOM_NORMAL_TENSORS + 2 + offsets + residual + more;
  *s = (saved){.tensor = calloc(room, sizeof *s->tensor),
               .meta = calloc(5 + (extra ? (size_t)extra->nmeta : 0), sizeof *s->meta),
               .name = calloc(params, sizeof *s->name),
               .residual_name = calloc(residual + 1, sizeof *s->residual_name),
               .config = loom_policy_config_text(&t->config),
               .sense = loom_sense_text(&t->sense),
               .residual = t->residual ? loom_residual_text(t->residual) : NULL,
               .obs = t->obs,
               .actions = t->actions};
  if (t->offsets) s->offsets = *t->offsets;
  return s->tensor && s->meta && s->name && s->residual_name && s->config && s->sense &&
         (s->residual || !t->residual);
}

// Weights, statistics, what each key's rows are, and what the caller adds.
static void list_tensors(saved* s, const loomTrained* t, const loomTrainedExtra* extra) {
  loomSafeTensor* to = s->tensor;

  loom_network_tensors(to, s->name, &t->network);
  to += t->network.params.count;
  loom_normal_tensors(to, &s->obs, "obs");
  loom_normal_tensors(to + LOOM_NORMAL_TENSORS, &s->actions, "actions");
  to += 2 * LOOM_NORMAL_TENSORS;

  *to++ = (loomSafeTensor){.name = "obs.dims",
                           .type = LOOM_SAFE_I32,
                           .rank = 1,
                           .shape = {t->config.data.key_count},
                           .data = t->dim};
  *to++ = (loomSafeTensor){.name = "obs.shapes",
                           .type = LOOM_SAFE_I32,
                           .rank = 2,
                           .shape = {t->config.data.key_count, 4},
                           .data = t->shape};

  to += cloud_tensors(to, s->cloud, t);
  if (t->offsets) loom_offsets_tensors(to, &s->offsets);
  to += t->offsets ? LOOM_OFFSETS_TENSORS : 0;
  if (t->residual) to += loom_residual_tensors(to, s->residual_name, t->residual);
  if (extra && extra->ntensor) memcpy(to, extra->tensor, (size_t)extra->ntensor * sizeof *to);
  s->ntensor = (int)(to - s->tensor) + (extra ? extra->ntensor : 0);
}

static void list_meta(saved* s, const loomTrained* t, const loomTrainedExtra* extra) {
  loomSafeMeta* to = s->meta;

  *to++ = (loomSafeMeta){"format", t->even_bounds ? FORMAT_EVEN : FORMAT};
  *to++ = (loomSafeMeta){"config", s->config};
  *to++ = (loomSafeMeta){"sense", s->sense};
  if (t->driven) *to++ = (loomSafeMeta){"env_args", t->driven};
  if (t->residual) *to++ = (loomSafeMeta){"residual", s->residual};
  for (int i = 0; extra && i < extra->nmeta; i++) *to++ = extra->meta[i];
  s->nmeta = (int)(to - s->meta);
}

int loom_trained_save(const char* path, const loomTrained* t, const loomTrainedExtra* extra, loomError* err) {
  saved s;
  int code = LOOM_OK;

  if (make_room(&s, t, extra)) {
    list_tensors(&s, t, extra);
    list_meta(&s, t, extra);
    code = loom_safetensors_write(path, s.tensor, s.ntensor, s.meta, s.nmeta, err);
  } else {
    code = loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path);
  }

  free(s.tensor);
  free(s.meta);
  free(s.name);
  free(s.residual_name);
  free(s.config);
  free(s.sense);
  free(s.residual);
  return code;
}

// What each key's rows are. Files from before there were encoders have none: all vectors.
static int read_shapes(loomTrained* out, const loomSafetensors* file, const char* label, loomError* err) {
  const loomSafeTensor* shapes = loom_safetensors_find(file, "obs.shapes");
  int keys = out->config.data.key_count;
  if (!shapes) return LOOM_OK;
  if (shapes->type != LOOM_SAFE_I32 || shapes->rank != 2 || shapes->shape[0] != keys || shapes->shape[1] != 4)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: 'obs.shapes' does not fit the configuration's keys",
                          label);

  // A shape that no encoder takes, or that is not its dim, is a damaged file.
  memcpy(out->shape, shapes->data, (size_t)keys * sizeof *out->shape);
  for (int i = 0; i < keys; i++) {
    loomVisualKey key = visual_key(out, i);
    int code = loom_trained_visual(out, i) ? loom_visual_check(&key, err) : LOOM_OK;
    if (code) return loom_error_prefix(err, LOOM_ERR_FORMAT, "%s", label);
    if (loom_trained_visual(out, i) && loom_visual_dim(&key) != out->dim[i])
      return loom_error_set(err, LOOM_ERR_FORMAT, "%s: 'obs.shapes' and 'obs.dims' differ for key '%s'",
                            label, key.name);
  }
  return LOOM_OK;
}

static int read_dims(loomTrained* out, const loomSafetensors* file, const char* label, loomError* err) {
  const loomSafeTensor* dims = loom_safetensors_find(file, "obs.dims");
  if (!dims || dims->type != LOOM_SAFE_I32 || dims->rank != 1 || dims->shape[0] != out->config.data.key_count)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: 'obs.dims' does not fit the configuration's keys",
                          label);

  int64_t total = 0;
  for (int i = 0; i < out->config.data.key_count; i++) {
    out->dim[i] = ((const int32_t*)dims->data)[i];
    total += out->dim[i];
    if (out->dim[i] < 1 || total > 1 << 28)
      return loom_error_set(err, LOOM_ERR_FORMAT, "%s: 'obs.dims' has %d for key '%s'", label, out->dim[i],
                            out->config.data.key[i]);
  }
  return read_shapes(out, file, label, err);
}

static int read_normals(loomTrained* out, const loomSafetensors* file, const char* label, loomError* err) {
  const loomSafeTensor* mean = loom_safetensors_find(file, "actions.mean");
  int obs_dim = 0;
  for (int i = 0; i < out->config.data.key_count; i++)
    obs_dim += loom_trained_visual(out, i) ? 0 : out->dim[i];

  if (!mean || mean->rank != 1 || mean->shape[0] < 1 || mean->shape[0] > 1 << 20)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: 'actions.mean' is missing or no vector", label);
  int code =
      loom_normal_read(&out->obs, file, "obs", obs_dim, (loomNormalKind)out->config.data.obs_normal, err);
  if (!code)
    code = loom_normal_read(&out->actions, file, "actions", (int)mean->shape[0],
                            (loomNormalKind)out->config.data.action_normal, err);
  for (int i = 0; !code && i < out->config.data.key_count; i++) {
    char prefix[NAME];
    cloud_prefix(prefix, out, i);
    if (out->shape[i][0] == 2)
      code = loom_normal_read(&out->cloud[i], file, prefix, out->shape[i][2],
                              (loomNormalKind)out->config.data.obs_normal, err);
  }
  return code;
}

static int read_offsets(loomTrained* out, const loomSafetensors* file, loomError* err) {
  int code = place_offsets(out, err);
  return code ? code
              : loom_offsets_read(out->offsets, file, out->config.policy.predicted, out->actions.dim,
                                  &out->obs, &out->actions, err);
}

// Until format 3 nothing was held while acting but samples that followed from noise: such policies go on so.
static void read_held(loomTrained* t, const char* format) {
  loomNetworkConfig* policy = &t->config.policy;
  t->even_bounds = !format || strcmp(format, FORMAT) != 0;
  if (!t->even_bounds || (format && !strcmp(format, FORMAT_EVEN))) return;
  policy->obs_within = 0;
  policy->action_within = policy->predicts == LOOM_PREDICT_NOISE;
}

int loom_trained_read(loomTrained* out, const loomSafetensors* file, const char* label, loomError* err) {
  *out = (loomTrained){.sense = loom_default_sense_def()};
  const char *config = loom_safetensors_meta(file, "config"), *sense = loom_safetensors_meta(file, "sense"),
             *driven = loom_safetensors_meta(file, "env_args"),
             *residual = loom_safetensors_meta(file, "residual");
  if (!config)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: no policy of ours, it has no configuration", label);

  // The configuration says what the tensors must be.
  int code = loom_policy_config_parse(&out->config, config, strlen(config), label, err);
  if (!code) read_held(out, loom_safetensors_meta(file, "format"));
  if (!code && sense) code = loom_sense_parse(&out->sense, sense, label, err);
  if (!code && driven && !(out->driven = strdup(driven)))
    code = loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", label);
  if (!code) code = read_dims(out, file, label, err);
  if (!code) code = read_normals(out, file, label, err);
  if (!code && says_offsets(out)) code = read_offsets(out, file, err);
  if (!code) code = create_network(out, 0, err);  // whose weights are read next
  if (!code) code = loom_network_read(&out->network, file, label, err);
  if (!code && residual) code = loom_residual_read(&out->residual, out, residual, file, label, err);
  if (code) loom_trained_destroy(out);
  return code;
}

int loom_trained_load(loomTrained* out, const char* path, loomError* err) {
  loomSafetensors file;
  int code = loom_safetensors_read(&file, path, err);
  if (code) return code;
  code = loom_trained_read(out, &file, path, err);
  loom_safetensors_destroy(&file);
  return code;
}
