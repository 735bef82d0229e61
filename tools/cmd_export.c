// demoloom export: a trained policy as an ONNX graph.
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policies/onnx.h"
#include "tools/commands.h"
#include "tools/common.h"

static const char help[] =
    "usage: demoloom export POLICY.safetensors -o POLICY.onnx [options]\n\n"
    "Writes all that a policy does to decide, normalisation included, as an ONNX graph (opset 17): it runs "
    "in\n"
    "onnxruntime and others, with no part of demoloom. Inputs are named as observations are, a matrix of "
    "rows\n"
    "(oldest first; before an episode's first row come copies of it) each, in the dataset's units; "
    "`actions`\n"
    "are to be done one after the other before the next decision. `state_NAME` are zeros when an episode "
    "begins,\n"
    "then what the last decision gave as `next_NAME`; `noise` are new standard normal numbers. Of a mixture\n"
    "of Gaussians `actions` are the likeliest mode's mean; its `means`, `scales` and `logits` are told "
    "too.\n\n"
    "  -o, --output FILE    the graph\n"
    "      --task TASK      whose control rate is told in it (default: what the policy's rollouts were of)\n"
    "      --check FILE     decisions of ours, to compare a runtime's with: inputs and actions, safetensors\n"
    "      --data FILE      a dataset whose rows these are made on (default: random rows)\n"
    "  -n, --decisions N    how many, default 64\n"
    "  -s, --seed S         of what is random in them, default 0\n\n"
    "examples:\n"
    "  demoloom export runs/handover/best_success.safetensors -o handover.onnx\n"
    "  demoloom export runs/handover/best_success.safetensors --check cases.safetensors --data "
    "handover.hdf5\n";

typedef struct exportArgs {
  const char *policy, *out, *task, *check, *data;
  int64_t n, seed;
} exportArgs;

enum { OPT_TASK = 256, OPT_CHECK, OPT_DATA };

static const struct option options[] = {
    {"output", 1, 0, 'o'},    {"task", 1, 0, OPT_TASK}, {"check", 1, 0, OPT_CHECK}, {"data", 1, 0, OPT_DATA},
    {"decisions", 1, 0, 'n'}, {"seed", 1, 0, 's'},      {"help", 0, 0, 'h'},        {0, 0, 0, 0}};

static int parse(exportArgs* a, int argc, char** argv) {
  optind = 1;
  for (int c; (c = getopt_long(argc, argv, "o:n:s:h", options, NULL)) != -1;) {
    bool fine = true;
    switch (c) {
      case 'o':
        a->out = optarg;
        break;
      case OPT_TASK:
        a->task = optarg;
        break;
      case OPT_CHECK:
        a->check = optarg;
        break;
      case OPT_DATA:
        a->data = optarg;
        break;
      case 'n':
        fine = tool_int(&a->n, "export", "-n", optarg, 1, 1 << 20);
        break;
      case 's':
        fine = tool_int(&a->seed, "export", "--seed", optarg, 0, INT64_MAX);
        break;
      case 'h':
        fputs(help, stdout);
        return -1;
      default:
        fine = false;
    }
    if (!fine) return EXIT_USAGE;
  }
  if (optind + 1 != argc) return tool_usage("export", "it takes one policy");
  a->policy = argv[optind];
  if (!a->out && !a->check) return tool_usage("export", "say where to: -o POLICY.onnx");
  if (a->data && !a->check) return tool_usage("export", "--data is of use with --check only");
  const char* written[] = {a->out, a->check};
  for (int i = 0; i < 2; i++)
    if (written[i] &&
        (tool_same_file(written[i], a->policy) || (a->data && tool_same_file(written[i], a->data))))
      return tool_usage("export", "%s would be overwritten", written[i]);
  if (a->out && a->check && !strcmp(a->out, a->check))
    return tool_usage("export", "-o and --check name one file");
  return 0;
}

// The rate of the task that was asked for, or of the policy's own, if that is still there.
static int control_freq(double* out, const exportArgs* a, const loomTrained* trained, loomError* err) {
  const char* name = a->task ? a->task : trained->config.rollout.task;
  loomTask* task = NULL;
  if (!*name) return 0;
  int code = tool_task(&task, name, err);
  if (!code) *out = task->control_freq;
  loom_task_destroy(task);
  return a->task ? code : 0;
}

// n rows as the policy's statistics say they are spread.
static void random_rows(float* rows, const exportArgs* a, const loomNormal* n) {
  loomRandom random = loom_random((uint64_t)a->seed, 0, LOOM_PURPOSE_TEST);
  for (int64_t i = 0; i < a->n; i++)
    for (int k = 0; k < n->dim; k++)
      *rows++ = (float)(n->mean[k] + n->deviation[k] * loom_random_normal(&random));
}

// The first rows of the dataset; fewer than n if it has no more.
static int data_rows(float* rows, exportArgs* a, const loomTrained* trained, loomError* err) {
  const loomConfigData* config = &trained->config.data;
  const char* key[LOOM_DATA_KEYS];
  loomDataFile file = {a->data, NULL, 0};
  loomDataDef def = loom_default_data_def();
  loomData* data = NULL;
  for (int i = 0; i < config->key_count; i++) key[i] = config->key[i];
  def.file = &file;
  def.file_count = 1;
  def.key = key;
  def.key_count = config->key_count;
  def.action = config->actions;
  def.prefetch = false;
  int code = loom_data_open(&data, &def, err);
  if (code) return code;
  const loomDataInfo* info = loom_data_info(data);
  int64_t have = 0;
  for (int i = 0; !code && i < config->key_count; i++)
    if (info->key[i].dim != trained->dim[i])
      code = loom_error_set(err, LOOM_ERR_FORMAT,
                            "%s: observation '%s' has %d numbers where the policy was trained with %d",
                            a->data, key[i], info->key[i].dim, trained->dim[i]);
  for (int i = 0; !code && i < info->demos && have < a->n; i++) {
    loomDataRows demo;
    code = loom_data_rows(&demo, data, i, err);
    if (code) break;
    int64_t n = demo.rows < a->n - have ? demo.rows : a->n - have;
    memcpy(rows + have * info->low_dim, demo.low, (size_t)(n * info->low_dim) * sizeof *rows);
    have += n;
  }
  loom_data_close(data);
  a->n = have;
  return code;
}

static int write_check(exportArgs* a, const loomTrained* trained, loomError* err) {
  float* rows = calloc((size_t)a->n * (size_t)trained->obs.dim + 1, sizeof *rows);
  if (!rows) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for %lld rows", (long long)a->n);
  int code = 0;
  if (a->data)
    code = data_rows(rows, a, trained, err);
  else
    random_rows(rows, a, &trained->obs);
  if (!code) code = loom_onnx_cases(a->check, trained, rows, (int)a->n, (uint64_t)a->seed, err);
  free(rows);
  return code;
}

static int export_policy(exportArgs* a, loomError* err) {
  loomTrained trained;
  loomOnnxDef def = {0};
  int code = loom_trained_load(&trained, a->policy, err);
  if (code) return code;
  if (a->out) code = control_freq(&def.control_freq, a, &trained, err);
  if (!code && a->out) code = loom_onnx_export(a->out, &trained, &def, err);
  if (!code && a->check) code = write_check(a, &trained, err);
  loom_trained_destroy(&trained);
  return code;
}

int cmd_export(int argc, char** argv) {
  exportArgs a = {.n = 64};
  loomError err = {0, ""};
  int code = parse(&a, argc, argv);
  if (code) return code < 0 ? EXIT_DONE : code;
  return export_policy(&a, &err) ? tool_fail(&err) : EXIT_DONE;
}
