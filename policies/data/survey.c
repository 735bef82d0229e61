#include "policies/data/survey.h"

#include <string.h>

#include "engine/base/hash.h"

static bool is_cloud(const loomDataKey* key) {
  return key->offset < 0 && key->rank == 2 && !key->bytes;
}

static int create_all(loomNormal* low, loomNormal* cloud, loomNormal* actions, const loomDataInfo* info,
                      loomError* err) {
  *actions = (loomNormal){0};

  memset(cloud, 0, LOOM_DATA_KEYS * sizeof *cloud);

  int code = loom_normal_create(low, info->low_dim, err);
  if (!code) code = loom_normal_create(actions, info->action_dim, err);
  for (int k = 0; !code && k < info->key_count; k++)
    if (is_cloud(&info->key[k])) code = loom_normal_create(&cloud[k], (int)info->key[k].shape[1], err);
  return code;
}

int loom_survey_data(const loomSurvey* s, loomData* data, loomError* err) {
  const loomDataInfo* info = loom_data_info(data);
  int code = create_all(s->obs, s->cloud, s->actions, info, err);

  for (int i = 0; !code && i < info->demos; i++) {
    loomDataRows rows;
    code = loom_data_rows(&rows, data, i, err);
    if (code) break;

    loom_normal_add(s->obs, rows.low, rows.rows);
    loom_normal_add(s->actions, rows.actions, rows.rows);
    for (int k = 0; k < info->key_count; k++)
      if (s->cloud[k].dim) loom_normal_add(&s->cloud[k], rows.visual[k], rows.rows * info->key[k].shape[0]);
    if (s->offsets) code = loom_offsets_add(s->offsets, &rows, info->low_dim, s->before, err);
  }

  if (code) {
    loom_normal_destroy(s->obs);
    loom_normal_destroy(s->actions);
    for (int k = 0; k < LOOM_DATA_KEYS; k++) loom_normal_destroy(&s->cloud[k]);
    return code;
  }

  for (int k = 0; k < LOOM_DATA_KEYS; k++)
    if (s->cloud[k].dim) loom_normal_finish(&s->cloud[k], s->obs_kind);
  loom_normal_finish(s->obs, s->obs_kind);
  loom_normal_finish(s->actions, s->action_kind);
  if (s->offsets) loom_offsets_finish(s->offsets, s->obs, s->actions);
  return 0;
}

static uint64_t add_digest(uint64_t hash, const loomNormal* n) {
  hash = loom_hash(hash, &n->count, sizeof n->count);
  return n->dim ? loom_hash(hash, n->mean, 4 * (size_t)n->dim * sizeof *n->mean) : hash;
}

int loom_survey_digest(uint64_t* out, loomData* data, loomError* err) {
  loomNormal low, actions, cloud[LOOM_DATA_KEYS];
  int code = loom_survey_data(&(loomSurvey){.obs = &low, .actions = &actions, .cloud = cloud}, data, err);
  if (code) return code;

  // Vectors, actions, then the points of clouds by their keys.
  *out = add_digest(add_digest(LOOM_HASH_SEED, &low), &actions);
  for (int k = 0; k < LOOM_DATA_KEYS; k++) *out = add_digest(*out, &cloud[k]);

  loom_normal_destroy(&low);
  loom_normal_destroy(&actions);
  for (int k = 0; k < LOOM_DATA_KEYS; k++) loom_normal_destroy(&cloud[k]);
  return LOOM_OK;
}
