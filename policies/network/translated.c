#include "policies/network/translated.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME = LOOM_PARAM_NAME + 8, SIZES = 3 + LOOM_TRANSLATOR_LEVELS + 1, NUMBERS = 4, OTHERS = 4 };

void loom_translated_destroy(loomTranslated* t) {
  for (int s = 0; s < t->sources; s++) free(t->frame[s]);
  loom_translator_destroy(&t->net);
  free(t->z);
  free(t->first);
  free(t->mean);
  *t = (loomTranslated){0};
}

int loom_translated_begin(loomTranslated* t, loomError* err) {
  const loomTranslatorDef* d = &t->net.def;
  size_t dim = (size_t)loom_translator_dim(&t->net), features = (size_t)d->features, rows = 0;
  for (int s = 0; s < t->sources; s++) rows += (size_t)t->rows[s];

  t->z = calloc(rows * features, sizeof *t->z);
  t->first = malloc(dim);
  t->mean = malloc(dim * sizeof *t->mean);
  if (!t->z || !t->first || !t->mean) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a reward");

  loomReal* z = t->z;
  for (int s = 0; s < t->sources; s++)
    for (int row = 0; row < t->rows[s]; row++, z += features) {
      loom_translator_picture(t->net.seen, t->frame[s] + (size_t)row * dim, d);
      loom_translator_see(&t->net, 1);
      memcpy(z, t->net.eye.z, features * sizeof *z);
    }
  return LOOM_OK;
}

// ---- what a state is worth

// The demos at a step: features side by side (sources x features) in net.both, and with `pictures` the mean
// of these. Features are also where translations are made from.
static const loomReal* show_demos(loomTranslated* t, int step, bool pictures) {
  const loomTranslatorDef* d = &t->net.def;
  size_t dim = (size_t)loom_translator_dim(&t->net), features = (size_t)d->features;
  const loomReal* z = t->z;
  loomReal* out = t->net.dboth;  // free while nothing is learned
  if (pictures) memset(t->mean, 0, dim * sizeof *t->mean);

  for (int s = 0; s < t->sources; s++) {
    int row = step < t->rows[s] ? step : t->rows[s] - 1;
    memcpy(out + (size_t)s * features, z + (size_t)row * features, features * sizeof *out);
    z += (size_t)t->rows[s] * features;
    if (!pictures) continue;
    loom_translator_picture(t->net.made[0], t->frame[s] + (size_t)row * dim, d);
    for (size_t k = 0; k < dim; k++) t->mean[k] += t->net.made[0][k] / (loomReal)t->sources;
  }
  return out;
}

static void look_at_context(loomTranslated* t, const unsigned char* first) {
  size_t dim = (size_t)loom_translator_dim(&t->net);
  if (t->looked && !memcmp(t->first, first, dim)) return;

  loom_translator_picture(t->net.first, first, &t->net.def);
  loom_translator_look(&t->net);
  memcpy(t->first, first, dim);
  t->looked = true;
}

static void translate_demos(loomTranslated* t, const loomReal* z, bool pictures) {
  size_t dim = (size_t)loom_translator_dim(&t->net);
  loom_translator_translate(&t->net, z, t->sources, pictures);
  if (!pictures) return;

  memset(t->mean, 0, dim * sizeof *t->mean);
  for (int s = 0; s < t->sources; s++)
    for (size_t k = 0; k < dim; k++) t->mean[k] += t->net.made[0][(size_t)s * dim + k] / (loomReal)t->sources;
}

double loom_translated_worth(double distance[2], loomTranslated* t, const unsigned char* first,
                             const unsigned char* now, int step) {
  const loomTranslatorDef* d = &t->net.def;
  int n = t->sources;
  size_t dim = (size_t)loom_translator_dim(&t->net), features = (size_t)d->features;
  bool pictures = t->image > 0;

  // Translations, or the demos as they are, against what is seen.
  const loomReal* z = show_demos(t, step, pictures && t->plain);
  if (!t->plain) {
    look_at_context(t, first);
    translate_demos(t, z, pictures);
    z = t->net.code;
  }
  loom_translator_picture(t->net.seen, now, d);
  loom_translator_see(&t->net, 1);

  double off[2] = {0, 0};
  for (size_t k = 0; k < features; k++) {
    double mean = 0;
    for (int s = 0; s < n; s++) mean += (double)z[(size_t)s * features + k] / n;
    off[0] += pow(mean - (double)t->net.eye.z[k], 2);
  }
  for (size_t k = 0; pictures && k < dim; k++) off[1] += pow((double)t->mean[k] - (double)t->net.seen[k], 2);

  if (distance) memcpy(distance, off, sizeof off);
  return -(off[0] / t->unit[0] + t->image * off[1] / t->unit[1]) / (1 + t->image);
}

// ---- the file

static loomSafeTensor tensor_of(const char* name, loomSafeType type, const void* data, int64_t count) {
  return (loomSafeTensor){.name = name, .type = type, .rank = 1, .shape = {count}, .data = data};
}

static loomSafeTensor weight_tensor(char name[NAME], const loomParams* params, int i) {
  snprintf(name, NAME, "model.%s", params->list[i].name);
  return loom_safe_param(name, params, i);
}

int loom_translated_save(const char* path, const loomTranslated* t, const char* sense, loomError* err) {
  const loomParams* params = &t->net.params;
  const loomTranslatorDef* d = &t->net.def;
  int count = params->count + OTHERS + t->sources, n = 0, code = LOOM_OK;
  loomSafeTensor* tensor = calloc((size_t)count, sizeof *tensor);
  char(*name)[NAME] = calloc((size_t)count, sizeof *name);
  if (!tensor || !name) code = loom_error_set(err, LOOM_ERR_MEMORY, "%s: no memory to write", path);

  int32_t sizes[SIZES] = {d->channels, d->height, d->width};
  for (int l = 0; l < LOOM_TRANSLATOR_LEVELS; l++) sizes[3 + l] = d->size[l];
  sizes[SIZES - 1] = d->features;
  double numbers[NUMBERS] = {t->unit[0], t->unit[1], t->image, t->plain};

  for (; !code && n < params->count; n++) tensor[n] = weight_tensor(name[n], params, n);
  if (!code) {
    tensor[n++] = tensor_of("translate.sizes", LOOM_SAFE_I32, sizes, SIZES);
    tensor[n++] = tensor_of("translate.numbers", LOOM_SAFE_F64, numbers, NUMBERS);
    tensor[n++] = tensor_of("translate.rows", LOOM_SAFE_I32, t->rows, t->sources);
  }
  for (int s = 0; !code && s < t->sources; s++, n++) {
    snprintf(name[n], NAME, "translate.demo%d", s);
    tensor[n] =
        tensor_of(name[n], LOOM_SAFE_U8, t->frame[s], (int64_t)t->rows[s] * loom_translator_dim(&t->net));
  }

  const loomSafeMeta meta[] = {{"keys", t->key}, {"sense", sense}};
  if (!code) code = loom_safetensors_write(path, tensor, n, meta, sense ? 2 : 1, err);
  free(tensor);
  free(name);
  return code;
}

static int bad(loomError* err, const char* label, const char* what) {
  return loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s is missing, or not as `demoloom observe` writes it",
                        label, what);
}

bool loom_translated_is(const loomSafetensors* file) {
  return loom_safetensors_find(file, "translate.sizes") != NULL;
}

static bool read_def(loomTranslatorDef* d, const loomSafetensors* file) {
  const int32_t* sizes = loom_safetensors_data(file, "translate.sizes", LOOM_SAFE_I32, SIZES);
  *d = loom_default_translator_def();
  bool whole =
      sizes && sizes[0] == 3 && sizes[1] >= 16 && sizes[1] <= 1024 && sizes[2] >= 16 && sizes[2] <= 1024;
  for (int i = 3; whole && i < SIZES; i++) whole = sizes[i] > 0 && sizes[i] <= 4096;
  if (!whole) return false;

  d->height = sizes[1];
  d->width = sizes[2];
  for (int l = 0; l < LOOM_TRANSLATOR_LEVELS; l++) d->size[l] = sizes[3 + l];
  d->features = sizes[SIZES - 1];
  return true;
}

static int read_weights(loomTranslated* t, const loomSafetensors* file, const char* label, loomError* err) {
  const loomParams* params = &t->net.params;
  for (int i = 0; i < params->count; i++) {
    char name[NAME];
    loomSafeTensor wanted = weight_tensor(name, params, i);
    const void* data = loom_safetensors_data(file, name, LOOM_SAFE_F32, (int64_t)params->list[i].count);
    if (!data) return bad(err, label, wanted.name);
    memcpy(params->value + params->list[i].offset, data, params->list[i].count * sizeof(loomReal));
  }
  return LOOM_OK;
}

static int read_demos(loomTranslated* t, int sources, const int32_t* rows, const loomSafetensors* file,
                      const char* label, loomError* err) {
  for (int s = 0; s < sources; s++) {
    char name[NAME];
    snprintf(name, sizeof name, "translate.demo%d", s);
    int64_t size = rows[s] > 0 ? (int64_t)rows[s] * loom_translator_dim(&t->net) : -1;
    const void* data = loom_safetensors_data(file, name, LOOM_SAFE_U8, size);
    if (!data) return bad(err, label, name);

    t->rows[s] = rows[s];
    t->frame[s] = malloc((size_t)size);
    if (!t->frame[s]) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: no memory for its demos", label);
    memcpy(t->frame[s], data, (size_t)size);
    t->sources++;
  }
  return LOOM_OK;
}

int loom_translated_read(loomTranslated* out, const loomSafetensors* file, const char* label,
                         loomError* err) {
  const loomSafeTensor* rows = loom_safetensors_find(file, "translate.rows");
  const double* numbers = loom_safetensors_data(file, "translate.numbers", LOOM_SAFE_F64, NUMBERS);
  const char* key = loom_safetensors_meta(file, "keys");
  loomTranslatorDef def;
  *out = (loomTranslated){0};
  if (!read_def(&def, file)) return bad(err, label, "what is watched");
  if (!key || !*key || strlen(key) >= LOOM_NAME_MAX) return bad(err, label, "`keys`");
  if (!rows || rows->type != LOOM_SAFE_I32 || rows->rank != 1 || rows->shape[0] < 1 ||
      rows->shape[0] > LOOM_TRANSLATED_SOURCES)
    return bad(err, label, "translate.rows");
  for (int i = 0; i < NUMBERS; i++)
    if (!numbers || !(numbers[i] >= 0 && numbers[i] < 1e30) || (i < 2 && !(numbers[i] > 0)))
      return bad(err, label, "translate.numbers");

  memcpy(out->unit, numbers, sizeof out->unit);
  out->image = numbers[2];
  out->plain = numbers[3] > 0;
  snprintf(out->key, sizeof out->key, "%s", key);
  int sources = (int)rows->shape[0], code = loom_translator_create(&out->net, &def, 0, sources, err);
  if (!code) code = read_weights(out, file, label, err);
  if (!code) code = read_demos(out, sources, rows->data, file, label, err);
  if (!code) code = loom_translated_begin(out, err);
  if (code) loom_translated_destroy(out);
  return code;
}
