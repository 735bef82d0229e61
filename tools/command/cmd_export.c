// demoloom export: a trained policy as an ONNX graph.
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/task/agree.h"
#include "policies/export/onnx.h"
#include "tools/shared/commands.h"
#include "tools/shared/common.h"
#include "tools/shared/damage.h"
#include "tools/shared/options.h"
#include "tools/shared/outputs.h"

typedef struct exportArgs {
  const char *policy, *out, *task, *check, *data;
  int64_t n, seed;
  bool overwrite, json;
} exportArgs;

static const toolOption options[] = {
    TOOL_OPTION_AS("output", 'o', "FILE.onnx", exportArgs, STRING, out, .about = "the graph"),
    TOOL_OPTION_AS(
        "task", 't', "TASK", exportArgs, STRING, task,
        .about = "whose control rate is told in it; what the policy's rollouts were of unless given"),
    TOOL_OPTION_AS(
        "check", 0, "FILE", exportArgs, STRING, check,
        .about = "decisions of ours, to compare a runtime's with: inputs and actions, safetensors"),
    TOOL_OPTION_AS("data", 0, "FILE", exportArgs, STRING, data,
                   .about = "a dataset whose rows these are made on; random rows unless given"),
    TOOL_OPTION_AS("decisions", 'n', "N", exportArgs, INT64, n, .low = 1, .high = 1 << 20,
                   .about = "how many of them"),
    TOOL_OPTION_AS("seed", 's', "S", exportArgs, INT64, seed, .high = INT64_MAX,
                   .about = "of what is random in them"),
    TOOL_OVERWRITE_OPTION(exportArgs, overwrite),
    TOOL_SKIP_DAMAGED_OPTION,
    TOOL_OPTION(0, NULL, exportArgs, BOOL, json, .about = "what was written, on stdout"),
};

static const toolCommand command = {
    .before =
        "usage: demoloom export POLICY.safetensors -o POLICY.onnx [options]\n"
        "\n"
        "Writes all that a policy does to decide, normalization included, as an ONNX graph (opset 17): it "
        "runs in\n"
        "onnxruntime and others, with no part of demoloom.\n"
        "Inputs are named as observations are, in the dataset's units: a matrix each of as many rows as the "
        "policy\n"
        "sees, oldest first (before an episode's first row come copies of it); images height x width x "
        "channels,\n"
        "0 to 1. `actions` are to be done one after the other before the next decision. `state_NAME` are "
        "zeros\n"
        "when an episode begins, then what the last decision gave as `next_NAME`; `noise`, which there is "
        "where\n"
        "policies begin with some (temperature), are new standard normal\n"
        "numbers. Of a mixture of Gaussians `actions` are the likeliest mode's mean; its `means`, `scales` "
        "and\n"
        "`logits` are told too.\n",
    .after =
        "examples:\n"
        "  demoloom export runs/handover/best_success.safetensors -o handover.onnx\n"
        "  demoloom export runs/handover/last.safetensors --check cases.safetensors --data handover.hdf5\n",
    TOOL_OPTIONS(options),
};

static int read_export_options(exportArgs* a, int argc, char** argv) {
  int code = tool_options(a, argc, argv, &command);
  if (code) return code;

  // One policy in; a graph, or decisions to compare with, out.
  if (optind + 1 != argc) return tool_usage("export", "it takes one policy");
  a->policy = argv[optind];
  if (!a->out && !a->check) return tool_usage("export", "say where to: -o POLICY.onnx");
  if (a->data && !a->check) return tool_usage("export", "--data is of use with --check only");
  return 0;
}

// A task that was asked for is one that the policy could act in.
static int check_task(const loomTask* task, const exportArgs* a, const loomTrained* trained, loomError* err) {
  loomControllerDef control[LOOM_MAX_ARMS];
  bool any = !task->has_controller || loom_data_config_form(&trained->config.data).absolute;

  for (int i = 0; i < task->arm_count; i++) control[i] = task->controller;
  return loom_task_agrees_policy(task, control, trained->driven, any, a->policy, err);
}

// The rate of the task that was asked for, or of the policy's own, if that is still there.
static int control_freq(double* out, const exportArgs* a, const loomTrained* trained, loomError* err) {
  const char* name = a->task ? a->task : trained->config.task;
  loomTask* task = NULL;
  double own = loom_trained_rate(trained);

  // Its own rate, where its file knows it.
  *out = own;
  if (!*name || (own > 0 && !a->task)) return 0;

  // A task that is gone matters only where it was asked for.
  int code = loom_task_find(&task, name, err);
  if (!code) code = check_task(task, a, trained, err);
  if (!code) *out = task->control_freq;
  loom_task_destroy(task);
  return a->task ? code : 0;
}

// ---- what decisions are made on

// The room of a batch of a->n decisions; of data, loom_batch_create's is used.
static int create_rows(loomBatch* out, const exportArgs* a, const loomTrained* t, loomError* err) {
  size_t rows = (size_t)a->n * (size_t)loom_network_seen(&t->network.def);
  *out = (loomBatch){.n = (int)a->n, .low = calloc(rows * (size_t)t->obs.dim + 1, sizeof(float))};

  // Images and clouds have rooms of their own, one a key.
  bool lacks = !out->low;
  for (int i = 0; i < t->config.data.key_count; i++)
    if (t->shape[i][0] > 1) lacks |= !(out->visual[i] = calloc(rows * (size_t)t->dim[i], sizeof(float)));
  return lacks ? loom_error_set(err, LOOM_ERR_MEMORY, "no memory for %lld decisions", (long long)a->n) : 0;
}

static void random_like(float* out, size_t rows, const loomNormal* n, loomRandom* random) {
  for (size_t i = 0; i < rows; i++)
    for (int k = 0; k < n->dim; k++)
      *out++ = (float)(n->mean[k] + n->deviation[k] * loom_random_normal(random));
}

// As the policy's statistics say they are spread; pixels are anything.
static int random_rows(loomBatch* out, const exportArgs* a, const loomTrained* t, loomError* err) {
  loomRandom random = loom_random((uint64_t)a->seed, 0, LOOM_PURPOSE_TEST);
  size_t rows = (size_t)a->n * (size_t)loom_network_seen(&t->network.def);
  int code = create_rows(out, a, t, err);
  if (code) return code;

  // Numbers as training saw them, the points of clouds too.
  random_like(out->low, rows, &t->obs, &random);
  for (int i = 0; i < t->config.data.key_count; i++) {
    if (t->shape[i][0] == 2)
      random_like(out->visual[i], rows * (size_t)t->shape[i][1], &t->cloud[i], &random);

    for (size_t k = 0; t->shape[i][0] == 3 && k < rows * (size_t)t->dim[i]; k++)
      out->visual[i][k] = (float)loom_random_uniform(&random);
  }
  return 0;
}

static int check_keys(const exportArgs* a, const loomTrained* t, const loomData* data, loomError* err) {
  const loomDataInfo* info = loom_data_info(data);
  for (int i = 0; i < info->key_count; i++) {
    const loomDataKey* key = &info->key[i];

    // As many numbers may still be another shape: both must agree.
    bool same = key->dim == t->dim[i];
    for (int k = 0; t->shape[i][0] > 1 && k < t->shape[i][0]; k++)
      same = same && key->rank == t->shape[i][0] && key->shape[k] == t->shape[i][k + 1];
    if (!same)
      return loom_error_set(err, LOOM_ERR_FORMAT,
                            "%s: observation '%s' has %d numbers where the policy was trained with %d, or "
                            "another shape",
                            a->data, key->name, key->dim, t->dim[i]);
  }
  return 0;
}

// The dataset's first rows, fewer than a->n if it has no more.
static int data_rows(loomBatch* out, const exportArgs* a, const loomTrained* t, loomError* err) {
  const loomDataConfig* config = &t->config.data;
  const char* key[LOOM_DATA_KEYS];
  loomDataFile file = {a->data, NULL, 0, 0};
  loomDataDef def = loom_default_data_def();
  loomData* data = NULL;

  // The rows in the order of the file, read by this thread alone.
  for (int i = 0; i < config->key_count; i++) key[i] = config->key[i];
  def.file = &file;
  def.file_count = 1;
  def.key = key;
  def.key_count = config->key_count;
  def.action = config->actions;
  def.batch = (int)a->n;
  def.shuffle = def.prefetch = false;

  // One batch is all of them.
  loom_data_sequence(&def, loom_network_seen(&t->network.def), 1);
  int code = loom_data_open(&data, &def, err);
  if (!code) code = check_keys(a, t, data, err);
  if (!code) code = loom_batch_create(out, data, err);
  if (!code) code = loom_data_batch(out, data, 0, err);

  loom_data_close(data);
  return code;
}

static int export_policy(const exportArgs* a, toolOutputs* outputs, loomError* err) {
  loomTrained trained;
  loomBatch rows = {0};
  loomOnnxDef def = {0};
  const char* input[] = {a->policy, a->data, a->task};
  loomOutputMode mode = tool_output_mode(a->overwrite);
  int code = tool_output(outputs, a->out, mode, input, 3, err);
  if (!code) code = tool_output(outputs, a->check, mode, input, 3, err);
  if (!code) code = loom_trained_load(&trained, a->policy, err);
  if (code) return code;

  // What decisions are made on comes first: without it no graph is written either.
  if (a->check) code = (a->data ? data_rows : random_rows)(&rows, a, &trained, err);

  // The graph tells its control rate; the decisions are made by our own network.
  if (!code && a->out) code = control_freq(&def.control_freq, a, &trained, err);
  if (!code && a->out) code = loom_onnx_export(a->out, &trained, &def, err);
  if (!code && a->check) code = loom_onnx_cases(a->check, &trained, &rows, (uint64_t)a->seed, err);

  loom_batch_destroy(&rows);
  loom_trained_destroy(&trained);
  return code;
}

static void print_exported(const exportArgs* a) {
  cJSON* out = cJSON_CreateObject();
  cJSON_AddStringToObject(out, "policy", a->policy);
  if (a->out) cJSON_AddStringToObject(out, "file", a->out);

  // The decisions of ours beside it.
  if (a->check) cJSON_AddStringToObject(out, "check", a->check);
  if (a->check) cJSON_AddNumberToObject(out, "decisions", (double)a->n);
  tool_print_json(out);
  cJSON_Delete(out);
}

int cmd_export(int argc, char** argv) {
  exportArgs a = {.n = 64};
  loomError err = {0, ""};
  int code = read_export_options(&a, argc, argv);
  if (code) return code < 0 ? EXIT_DONE : code;

  toolOutputs outputs = {0};
  code = export_policy(&a, &outputs, &err);
  tool_outputs_close(&outputs);
  if (!code && a.json) print_exported(&a);
  return code ? tool_fail(&err) : EXIT_DONE;
}
