// demoloom info: what is in a dataset or a policy.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/json.h"
#include "engine/data/dataset.h"
#include "tools/command/info_policy.h"
#include "tools/shared/commands.h"
#include "tools/shared/common.h"
#include "tools/shared/options.h"

typedef struct infoArgs {
  bool models, json;
} infoArgs;

static const toolOption options[] = {
    TOOL_OPTION(0, NULL, infoArgs, BOOL, models, .about = "each demo's MJCF too: bytes, files it names"),
    TOOL_OPTION(0, NULL, infoArgs, BOOL, json, .about = "all of it on stdout as JSON"),
};

static const toolCommand command = {
    .before =
        "usage: demoloom info FILE [options]\n\n"
        "Environment, demos, arrays and masks of a robomimic dataset. Kind, observations, actions and size "
        "of a\n"
        "policy (.safetensors); inputs, outputs and metadata of an exported one (.onnx).\n",
    TOOL_OPTIONS(options),
};

static int count_text(const char* text, const char* what) {
  int n = 0;
  for (const char* c = text; (c = strstr(c, what)); c++) n++;
  return n;
}

static int visit_array(void* user, const char* name, const loomArray* array, int readable,
                       const loomError* why) {
  cJSON* one = cJSON_CreateObject();
  if (readable) {
    cJSON_AddStringToObject(one, "error", why->message);
  } else {
    // Type and shape; a damaged array has its error.
    cJSON_AddStringToObject(one, "type", loom_type_name(array->type));
    cJSON* shape = cJSON_AddArrayToObject(one, "shape");
    for (int i = 0; i < array->rank; i++)
      cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)array->shape[i]));
  }
  cJSON_AddItemToObject(user, name, one);
  return 0;
}

static cJSON* describe_demo(const loomDataset* d, int i, bool models) {
  loomError err = {0, ""};
  loomArray actions;
  char* xml = NULL;
  const char* path = loom_dataset_demo_path(d, i);
  cJSON* out = cJSON_CreateObject();

  cJSON_AddStringToObject(out, "name", loom_dataset_demo_name(d, i));
  if (!loom_dataset_describe(&actions, d, path, "actions", &err)) {
    cJSON_AddNumberToObject(out, "rows", (double)actions.shape[0]);
    cJSON_AddNumberToObject(out, "action_dim", (double)actions.shape[1]);
  } else {
    cJSON_AddStringToObject(out, "error", err.message);
  }

  // Whose assets the model names, and whether by a place on another machine.
  if (models && !loom_dataset_attr_string(&xml, d, path, "model_file", &err)) {
    cJSON_AddNumberToObject(out, "model_bytes", (double)strlen(xml));
    cJSON_AddNumberToObject(out, "model_files", count_text(xml, " file=\""));
    cJSON_AddNumberToObject(out, "model_absolute_paths", count_text(xml, "=\"/"));
  }

  free(xml);
  return out;
}

static cJSON* dataset_json(const loomDataset* d, bool models) {
  loomNames masks = {0, NULL};
  char* env = NULL;
  struct stat s = {0};
  cJSON* root = cJSON_CreateObject();
  int n = loom_dataset_demo_count(d);

  // The file itself.
  cJSON_AddStringToObject(root, "file", loom_dataset_path(d));
  if (!stat(loom_dataset_path(d), &s)) cJSON_AddNumberToObject(root, "bytes", (double)s.st_size);
  if (loom_dataset_warning(d)) cJSON_AddStringToObject(root, "warning", loom_dataset_warning(d));

  // The environment by its name only: its arguments may be long.
  if (!loom_dataset_env_args(&env, d, NULL)) {
    cJSON* args = loom_json_read(env);
    cJSON* name = args ? cJSON_DetachItemFromObjectCaseSensitive(args, "env_name") : NULL;
    if (name) cJSON_AddItemToObject(root, "env_name", name);
    cJSON_Delete(args);
    free(env);
  }

  // Demos, and how many of them each mask has.
  cJSON_AddNumberToObject(root, "demo_count", n);
  cJSON* mask_map = cJSON_AddObjectToObject(root, "masks");
  if (!loom_dataset_masks(&masks, d, NULL)) {
    for (int i = 0; i < masks.n; i++) {
      loomNames demos = {0, NULL};
      if (loom_dataset_mask(&demos, d, masks.name[i], NULL)) continue;
      cJSON_AddNumberToObject(mask_map, masks.name[i], demos.n);
      loom_names_destroy(&demos);
    }
    loom_names_destroy(&masks);
  }

  // Arrays of the first demo stand for those of all.
  cJSON* arrays = cJSON_AddObjectToObject(root, "arrays");
  if (n) loom_dataset_visit(d, loom_dataset_demo_path(d, 0), visit_array, arrays, NULL);

  cJSON* list = cJSON_AddArrayToObject(root, "demos");
  for (int i = 0; i < n; i++) cJSON_AddItemToArray(list, describe_demo(d, i, models));
  return root;
}

// What is there and is not shown: behind a link that is not followed, or packed by a filter that this build
// lacks. Empty demos, and arrays of kinds that nothing here reads, need nobody.
static int count_withheld(const cJSON* list) {
  const cJSON *item, *error;
  int n = 0;
  cJSON_ArrayForEach(item, list) {
    error = cJSON_GetObjectItem(item, "error");
    n += error && (strstr(error->valuestring, " link to ") || strstr(error->valuestring, "filter "));
  }
  return n;
}

// *lacks: demos are damaged or missing, or something of the file cannot be read.
static int describe_dataset(cJSON** out, bool* lacks, const char* path, bool models, loomError* err) {
  loomDataset* d;
  int code = loom_dataset_open_shown(&d, path, err);
  if (code) return code;

  *out = dataset_json(d, models);
  int demos = count_withheld(cJSON_GetObjectItem(*out, "demos"));
  int arrays = count_withheld(cJSON_GetObjectItem(*out, "arrays"));
  *lacks = loom_dataset_lacks_demos(d) || demos || arrays;
  if (demos || arrays)
    fprintf(stderr, "demoloom: %s: %d demos and %d arrays of the first demo cannot be read\n", path, demos,
            arrays);
  loom_dataset_close(d);
  return 0;
}

// An error without the place, which stands before it: "FILE: data/demo_0/NAME: why".
static const char* reason_of(const char* error, const char* name) {
  char place[600];
  snprintf(place, sizeof place, "%s: ", name);
  const char* at = strstr(error, place);
  return at ? at + strlen(place) : error;
}

// A line a demo: its name, its rows and what else is told, or why it cannot be read.
static void print_demos(const cJSON* demos) {
  static const char* const more[][2] = {{"model_bytes", "bytes of MJCF"},
                                        {"model_files", "files that it names"},
                                        {"model_absolute_paths", "of them by a place on another machine"}};
  const cJSON* demo;
  puts("demos:");
  cJSON_ArrayForEach(demo, demos) {
    const cJSON *rows = cJSON_GetObjectItem(demo, "rows"), *error = cJSON_GetObjectItem(demo, "error"),
                *dim = cJSON_GetObjectItem(demo, "action_dim"), *item;

    printf("  %-12s", cJSON_GetObjectItem(demo, "name")->valuestring);
    if (error) printf(" %s", error->valuestring);
    if (rows) printf(" %6.0f rows  %.0f actions", rows->valuedouble, dim ? dim->valuedouble : 0);
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
      if ((item = cJSON_GetObjectItem(demo, more[i][0]))) printf("  %.0f %s", item->valuedouble, more[i][1]);
    putchar('\n');
  }
}

static void print_dataset(const cJSON* root) {
  const cJSON *item, *env = cJSON_GetObjectItem(root, "env_name"),
                     *warning = cJSON_GetObjectItem(root, "warning");
  double rows = 0;
  cJSON_ArrayForEach(item, cJSON_GetObjectItem(root, "demos")) {
    const cJSON* r = cJSON_GetObjectItem(item, "rows");
    rows += r ? r->valuedouble : 0;
  }

  // The headline: rows are those of all demos that can be read.
  printf("%s: %s, %d demos, %.0f rows, %.1f MB\n", cJSON_GetObjectItem(root, "file")->valuestring,
         env ? env->valuestring : "?", cJSON_GetObjectItem(root, "demo_count")->valueint, rows,
         cJSON_GetObjectItem(root, "bytes") ? cJSON_GetObjectItem(root, "bytes")->valuedouble / 1e6 : 0);
  if (warning) printf("warning: %s\n", warning->valuestring);
  cJSON_ArrayForEach(item, cJSON_GetObjectItem(root, "masks"))
      printf("mask %-12s %d demos\n", item->string, item->valueint);

  // A line an array: name, type, shape.
  puts("arrays of the first demo:");
  cJSON_ArrayForEach(item, cJSON_GetObjectItem(root, "arrays")) {
    char* shape = cJSON_PrintUnformatted(cJSON_GetObjectItem(item, "shape"));
    const cJSON *type = cJSON_GetObjectItem(item, "type"), *error = cJSON_GetObjectItem(item, "error");
    if (error)
      printf("  %-44s unreadable: %s\n", item->string, reason_of(error->valuestring, item->string));
    else
      printf("  %-44s %-8s %s\n", item->string, type->valuestring, shape ? shape : "");
    cJSON_free(shape);
  }

  print_demos(cJSON_GetObjectItem(root, "demos"));
}

int cmd_info(int argc, char** argv) {
  infoArgs a = {0};
  int status = tool_options(&a, argc, argv, &command);
  if (status) return status < 0 ? EXIT_DONE : status;
  if (optind + 1 != argc) return tool_usage("info", "it takes one file");

  const char* path = argv[optind];
  loomError err = {0, ""};
  loomPolicyFile policy = tool_policy_file(path);
  cJSON* root = NULL;
  bool lacks = false;
  if (policy ? tool_describe_policy(&root, path, policy, &err)
             : describe_dataset(&root, &lacks, path, a.models, &err))
    return tool_fail(&err);

  if (a.json)
    tool_print_json(root);
  else if (policy)
    tool_print_policy(root);
  else
    print_dataset(root);
  cJSON_Delete(root);
  return lacks ? EXIT_FAILED : EXIT_DONE;
}
