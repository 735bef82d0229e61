// demoloom info, of trained policies: their own files and exported ones.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "policies/agent/trained.h"
#include "policies/export/onnx_file.h"
#include "policies/learn/config.h"
#include "tools/command/info_policy.h"
#include "tools/shared/common.h"

loomPolicyFile tool_policy_file(const char* path) {
  unsigned char start[9] = {0};
  FILE* file = fopen(path, "rb");
  size_t n = file ? fread(start, 1, sizeof start, file) : 0;
  if (file) fclose(file);

  // HDF5 tells itself by its first bytes, ONNX has none of its own.
  if (n > 3 && !memcmp(start, "\211HDF", 4)) return LOOM_POLICY_NONE;
  if (loom_ends_with(path, ".onnx")) return LOOM_POLICY_ONNX;

  // Safetensors begin with the length of their header, below 16 MB here, then the header.
  bool headed = n == sizeof start && start[8] == '{' && !memcmp(start + 3, "\0\0\0\0", 4);
  return headed || loom_ends_with(path, ".safetensors") ? LOOM_POLICY_SAFETENSORS : LOOM_POLICY_NONE;
}

// ---- our own

// What a checkpoint says of its training; files of format 1 all had it, in `config`.
static void add_training(cJSON* out, const loomSafetensors* file, const char* path) {
  const char* text = loom_safetensors_meta(file, "training");
  loomTrainConfig* config = malloc(sizeof *config);

  if (!text) text = loom_safetensors_meta(file, "config");
  if (config && text && !loom_train_config_parse(config, text, strlen(text), path, NULL)) {
    // Its data and its seed, which nothing else in the file tells.
    cJSON* files = cJSON_AddArrayToObject(out, "trained_on");
    for (int i = 0; i < config->data.file_count; i++)
      cJSON_AddItemToArray(files, cJSON_CreateString(config->data.file[i].path));
    cJSON_AddNumberToObject(out, "seed", config->train.seed);
  }
  free(config);
}

static cJSON* describe_policy(const loomTrained* t, const loomSafetensors* file, const char* path) {
  cJSON *out = cJSON_CreateObject(), *keys;
  const loomNetworkDef* def = &t->network.def;
  const char* steps = loom_safetensors_meta(file, "steps");
  cJSON_AddStringToObject(out, "file", path);
  cJSON_AddStringToObject(out, "kind", loom_policy_kind_name((loomPolicyKind)t->config.policy.kind));
  cJSON_AddNumberToObject(out, "parameters", (double)t->network.params.total);
  if (steps) cJSON_AddNumberToObject(out, "steps", strtod(steps, NULL));

  // What it sees and what it says.
  keys = cJSON_AddObjectToObject(out, "observations");
  for (int i = 0; i < t->config.data.key_count; i++)
    cJSON_AddNumberToObject(keys, t->config.data.key[i], t->dim[i]);
  cJSON_AddNumberToObject(out, "observed_rows", loom_network_seen(def));
  cJSON_AddStringToObject(out, "actions", t->config.data.actions);
  cJSON_AddNumberToObject(out, "action_dim", def->action_dim);
  cJSON_AddNumberToObject(out, "decided_rows", loom_network_decided(def));
  if (loom_trained_rate(t) > 0) cJSON_AddNumberToObject(out, "control_freq", loom_trained_rate(t));

  // A checkpoint can be trained on; a policy alone cannot.
  cJSON_AddBoolToObject(out, "resumable", loom_safetensors_find(file, "train.progress") != NULL);
  add_training(out, file, path);
  if (*t->config.task) cJSON_AddStringToObject(out, "task", t->config.task);
  return out;
}

static int read_policy(cJSON** out, const char* path, loomError* err) {
  loomSafetensors file;
  loomTrained trained;
  int code = loom_safetensors_read(&file, path, err);
  if (code) return code;
  code = loom_trained_read(&trained, &file, path, err);

  if (!code) {
    *out = describe_policy(&trained, &file, path);
    loom_trained_destroy(&trained);
  }
  loom_safetensors_destroy(&file);
  return code;
}

// ---- exported ones, and whatever else is ONNX

static cJSON* describe_port(const loomOnnxPort* port) {
  cJSON *out = cJSON_CreateObject(), *shape;
  cJSON_AddStringToObject(out, "name", port->name);
  cJSON_AddStringToObject(out, "type", port->type);

  shape = cJSON_AddArrayToObject(out, "shape");
  for (int i = 0; i < port->shape.rank; i++)
    cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)port->shape.size[i]));
  return out;
}

static int read_onnx(cJSON** out, const char* path, loomError* err) {
  loomOnnxFile file;
  int code = loom_onnx_file_read(&file, path, err);
  if (code) return code;

  cJSON* root = *out = cJSON_CreateObject();
  cJSON_AddStringToObject(root, "file", path);
  cJSON_AddNumberToObject(root, "opset", (double)file.opset);
  cJSON_AddNumberToObject(root, "nodes", file.nodes);
  cJSON_AddNumberToObject(root, "parameters", (double)file.parameters);

  // Inputs and outputs lie in one list of the file.
  cJSON *inputs = cJSON_AddArrayToObject(root, "inputs"), *outputs = cJSON_AddArrayToObject(root, "outputs");
  for (int i = 0; i < file.nport; i++)
    cJSON_AddItemToArray(file.port[i].output ? outputs : inputs, describe_port(&file.port[i]));

  cJSON* meta = cJSON_AddObjectToObject(root, "metadata");
  for (int i = 0; i < file.nmeta; i++) cJSON_AddStringToObject(meta, file.meta[i].key, file.meta[i].text);
  loom_onnx_file_destroy(&file);
  return 0;
}

int tool_describe_policy(cJSON** out, const char* path, loomPolicyFile kind, loomError* err) {
  return kind == LOOM_POLICY_ONNX ? read_onnx(out, path, err) : read_policy(out, path, err);
}

// ---- as text

static void print_item(const cJSON* item) {
  char* text = cJSON_IsString(item) ? NULL : cJSON_PrintUnformatted(item);
  const char* line = text ? text : item->valuestring;

  if (item->string && !(line && strchr(line, '\n'))) printf("%-14s %s\n", item->string, line ? line : "");
  if (item->string && line && strchr(line, '\n')) printf("%s:\n%s", item->string, line);
  cJSON_free(text);
}

static void print_ports(const cJSON* ports, const char* what) {
  const cJSON* item;

  printf("%s:\n", what);
  cJSON_ArrayForEach(item, ports) {
    char* shape = cJSON_PrintUnformatted(cJSON_GetObjectItem(item, "shape"));
    printf("  %-28s %-8s %s\n", cJSON_GetObjectItem(item, "name")->valuestring,
           cJSON_GetObjectItem(item, "type")->valuestring, shape ? shape : "");
    cJSON_free(shape);
  }
}

void tool_print_policy(const cJSON* root) {
  const cJSON *item, *more;
  cJSON_ArrayForEach(item, root) {
    if (!strcmp(item->string, "inputs") || !strcmp(item->string, "outputs")) {
      print_ports(item, item->string);
    } else if (!strcmp(item->string, "metadata")) {
      cJSON_ArrayForEach(more, item) print_item(more);
    } else if (!strcmp(item->string, "observations")) {
      cJSON_ArrayForEach(more, item) printf("observation    %s %d\n", more->string, more->valueint);
    } else {
      print_item(item);
    }
  }
}
