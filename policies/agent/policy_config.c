#include "policies/agent/policy_config.h"

#include <stdlib.h>

static const loomFieldDef rollout_rows[] = {
    LOOM_FIELD(loomPolicyConfig, TEXT, task, .about = "where it was tried"),
    LOOM_FIELD(loomPolicyConfig, TEXT, reset, .about = "reset distribution there"),
};
static const loomFields rollout_fields = LOOM_FIELDS(rollout_rows);

loomPolicyConfig loom_default_policy_config(loomPolicyKind kind) {
  loomPolicyConfig c = {.data = loom_default_data_config(),
                        .policy = loom_default_network_config(kind),
                        .encoder = loom_default_encoder_config()};
  if (kind == LOOM_KIND_BC_RNN_GMM) c.data.length = 10;
  if (kind == LOOM_KIND_BC_TRANSFORMER) c.data.stack = 10;

  // A perceptron is shown what is seen beside sixteen noisy actions: where the lid lies within its 4 cm, in a
  // range of half a meter, it passed over.
  if (kind == LOOM_KIND_DIFFUSION) c.data.obs_normal = LOOM_NORMAL_RANGE;
  return c;
}

unsigned loom_policy_data_now(int kind, bool trains) {
  return (trains ? LOOM_DATA_TRAINS | LOOM_DATA_CLOUDS | LOOM_DATA_HANDS : 0U) |
         (loom_policy_denoises(kind) ? 0U : LOOM_DATA_SEQUENCE);
}

int loom_policy_sections_read(loomDataConfig* data, loomNetworkConfig* policy, loomEncoderConfig* encoder,
                              bool trains, const loomYaml* y, loomError* err) {
  loomNode root = loom_yaml_root(y), seen = loom_yaml_get(y, root, "data");
  loomNode network = loom_yaml_get(y, root, "policy"), eyes = loom_yaml_get(y, root, "encoder");
  char what[64];

  snprintf(what, sizeof what, "policies of kind %s", loom_policy_kind_name((loomPolicyKind)policy->kind));

  // A policy's older file has the files of its training too.
  unsigned kind = 1U << policy->kind;
  int code =
      loom_fields_read(data, &loom_data_fields, y, seen, loom_policy_data_now(policy->kind, true), what, err);
  if (!code) code = loom_fields_read(policy, &loom_network_fields, y, network, kind, what, err);
  if (!code) code = loom_fields_read(encoder, &loom_encoder_fields, y, eyes, ~0U, what, err);
  if (!code && !seen) code = loom_yaml_error(y, root, "data", err, "missing");

  // What no single key shows to be wrong.
  if (!code) code = loom_data_config_check(data, trains, y, seen, err);
  if (!code) code = loom_network_config_check(policy, y, network, err);
  if (!code && policy->kind < LOOM_KIND_BC_RNN_GMM && data->length > 1)
    code = loom_fields_error(y, seen, "length", err, "policies of kind %s give one action at a time",
                             loom_policy_kind_name((loomPolicyKind)policy->kind));
  if (!code) code = loom_encoder_config_check(encoder, y, eyes, err);
  return code;
}

// Of a section that may have more, for others to read.
static int read_rollout(loomPolicyConfig* c, const loomYaml* y, loomError* err) {
  loomNode map = loom_yaml_get(y, loom_yaml_root(y), "rollout");
  for (int i = 0; i < rollout_fields.n; i++) {
    const loomFieldDef* f = &rollout_fields.field[i];
    loomNode node = loom_yaml_get(y, map, f->name);
    const char* text = loom_yaml_text(y, node);

    char wanted[LOOM_FIELD_WANTED];
    loom_field_wanted(wanted, f);
    if (node && !(text && loom_field_set(c, f, text)))
      return loom_yaml_error(y, node, f->name, err, "expected %s", wanted);
  }
  return LOOM_OK;
}

int loom_policy_config_parse(loomPolicyConfig* out, const char* text, size_t n, const char* label,
                             loomError* err) {
  static const char* const known[] = {"data",     "policy",     "encoder", "optimizer", "train",
                                      "validate", "checkpoint", "rollout", "stop",      NULL};
  loomYaml* y;
  loomPolicyKind kind = LOOM_KIND_BC_L2;

  *out = (loomPolicyConfig){0};
  int code = loom_yaml_parse(&y, text, n, label, err);
  if (code) return code;

  // Defaults are by the kind, which has to be known first.
  loomNode root = loom_yaml_root(y);
  code = loom_yaml_only(y, root, known, err);
  if (!code) code = loom_policy_kind_read(&kind, y, loom_yaml_get(y, root, "policy"), err);
  if (!code) {
    *out = loom_default_policy_config(kind);
    code = loom_policy_sections_read(&out->data, &out->policy, &out->encoder, false, y, err);
  }
  if (!code) code = read_rollout(out, y, err);

  loom_yaml_destroy(y);
  return code;
}

char* loom_policy_config_text(const loomPolicyConfig* c) {
  char* text = NULL;
  size_t size = 0;
  FILE* out = open_memstream(&text, &size);
  if (!out) return NULL;

  // Of each section what the kind has a use for.
  fputs("data:\n", out);
  loom_fields_write(out, &c->data, &loom_data_fields, loom_policy_data_now(c->policy.kind, false));
  fputs("policy:\n", out);
  loom_fields_write(out, &c->policy, &loom_network_fields, 1U << c->policy.kind);
  fputs("encoder:\n", out);
  loom_fields_write(out, &c->encoder, &loom_encoder_fields, ~0U);
  fputs("rollout:\n", out);
  loom_fields_write(out, c, &rollout_fields, ~0U);

  // All of it or nothing.
  bool lacks = ferror(out) != 0;
  if (!fclose(out) && !lacks) return text;
  free(text);
  return NULL;
}
