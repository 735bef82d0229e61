// What a policy's file says of it: what it sees, what its actions are, its network, and where its rollouts
// were. Not how it was trained, which is the learner's to know (policies/learn/config.h).
#ifndef LOOM_POLICIES_AGENT_POLICY_CONFIG_H
#define LOOM_POLICIES_AGENT_POLICY_CONFIG_H

#include "engine/base/api.h"
#include "policies/data/data_config.h"
#include "policies/network/network_config.h"

LOOM_C_BEGIN

typedef struct loomPolicyConfig {
  loomDataConfig data;  // without files
  loomNetworkConfig policy;
  loomEncoderConfig encoder;
  char task[LOOM_PATH_MAX];  // name or file of the scene that it was tried in; "" = none
  loomName reset;            // reset distribution; "" = the first
} loomPolicyConfig;

/// Defaults by kind; no keys.
loomPolicyConfig loom_default_policy_config(loomPolicyKind kind);
/// From YAML: sections data, policy, encoder, and of rollout task and reset. Those that a training
/// configuration has besides are passed over: files were written with all of it once. LOOM_ERR_FORMAT.
int loom_policy_config_parse(loomPolicyConfig* out, const char* text, size_t n, const char* label,
                             loomError* err);
/// malloc'ed; NULL when out of memory. Read again it is the same.
char* loom_policy_config_text(const loomPolicyConfig* config);

/// `now` of the section `data` for a kind (loom_fields_read).
unsigned loom_policy_data_now(int kind, bool trains);
/// Read and check the three sections of a document's root into what is all defaults. trains: with files to
/// train on.
int loom_policy_sections_read(loomDataConfig* data, loomNetworkConfig* policy, loomEncoderConfig* encoder,
                              bool trains, const loomYaml* y, loomError* err);

LOOM_C_END

#endif
