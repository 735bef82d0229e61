// Any bytes as a training configuration, as a policy's own, and as that of a policy whose weights are there:
// errors are fine; crashes, leaks, endless work, memory for a network that is not in the file, and messages
// of several lines are not.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policies/agent/trained.h"
#include "policies/learn/config.h"
#include "tests/fuzz/parts.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
int fuzz_done(void);

static int used;

int fuzz_done(void) {
  return used;
}

// What is read must be written so that it reads back.
static void read_configurations(const char* text, size_t size) {
  static loomTrainConfig config, again;
  static loomPolicyConfig policy;
  loomError err = {0};

  int code = loom_train_config_parse(&config, text, size, "fuzz", &err);
  check_error(code, &err);
  char* written = code ? NULL : loom_train_config_text(&config);
  if (written && loom_train_config_parse(&again, written, strlen(written), "fuzz", &err)) abort();
  free(written);

  err = (loomError){0};
  code = loom_policy_config_parse(&policy, text, size, "fuzz", &err);
  check_error(code, &err);
}

// The tensors of a policy of ours, as another policy's.
static void read_policy(const char* config, const char* sense) {
  static loomSafetensors golden;
  static loomTrained trained;
  loomError err = {0};
  if (!golden.n && loom_safetensors_read(&golden, "tests/golden/policy_format_1.safetensors", &err)) abort();

  const loomSafeMeta meta[] = {{"config", config}, {"sense", sense}};
  loomSafetensors file = golden;
  file.meta = (loomSafeMeta*)meta;
  file.nmeta = sense ? 2 : 1;

  int code = loom_trained_read(&trained, &file, "fuzz", &err);
  check_error(code, &err);
  if (!code) loom_trained_destroy(&trained);

  used += !code;
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Part part[MAX_PARTS];
  int n = split_parts(part, data, size);
  char *config = part_text(part, n, ""), *sense = part_text(part, n, "sense");

  read_configurations(config, part[0].size);
  read_policy(config, sense);

  // The whole file as a stranger may give it.
  loomSafetensors file;
  static loomTrained trained;
  loomError err = {0};
  if (!loom_safetensors_parse(&file, data, size, "fuzz", NULL)) {
    int code = loom_trained_read(&trained, &file, "fuzz", &err);
    check_error(code, &err);
    if (!code) loom_trained_destroy(&trained);
    loom_safetensors_destroy(&file);
  }

  free(config);
  free(sense);
  return 0;
}
