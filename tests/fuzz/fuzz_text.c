// Any bytes as an expression, as JSON, as env_args and as YAML whose values are numbers: errors are fine;
// crashes, endless work and messages of several lines are not.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/expr.h"
#include "engine/base/json.h"
#include "engine/base/yaml.h"
#include "engine/task/agree.h"
#include "engine/task/composite.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

static void check(int code, const loomError* err) {
  if (code > 0 || (code < 0 && (!err->message[0] || strchr(err->message, '\n')))) abort();
}

static void read_numbers(const char* text, size_t size) {
  loomYaml* y = NULL;
  loomError err = {0};
  int code = loom_yaml_parse(&y, text, size, "fuzz", &err);
  check(code, &err);

  // Each entry of the outermost list or map.
  for (int i = 0; y && i < loom_yaml_count(y, loom_yaml_root(y)); i++) {
    double value;
    err = (loomError){0};
    check(loom_yaml_number(&value, y, loom_yaml_item(y, loom_yaml_root(y), i), "entry", &err), &err);
  }
  loom_yaml_destroy(y);
}

// As a dataset's env_args, against a task of these robots, with a controller of its own and without.
static void read_env_args(loomRobotDef* robots, const char* text) {
  loomTask task = {.control_freq = 20, .arm_count = 2, .robots = robots, .path = "fuzz"};
  loomControllerDef control[LOOM_MAX_ARMS];
  static loomComposite composite;

  for (int own = 0; own < 2; own++) {
    loomError err = {0};
    task.has_controller = own;
    int code = loom_task_agrees(control, &task, text, "fuzz", &err);
    check(code, &err);

    cJSON* root = code ? NULL : loom_json_read(text);
    if (root) check(loom_composite_read(&composite, &task, control, root, "fuzz", &err), &err);
    cJSON_Delete(root);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const char* const names[] = {"r", "height"};
  static const double values[] = {0.5, 2};
  char* text = malloc(size + 1);
  if (!text) return 0;
  memcpy(text, data, size);
  text[size] = 0;

  double value;
  loomError err = {0};
  check(loom_expr_eval(&value, text, names, values, 2, &err), &err);

  // The bytes themselves, not a text that ends.
  cJSON_Delete(loom_json_parse((const char*)data, size, NULL));

  // Two robots of an arm, and one of two with a torso.
  static loomRobotDef two[2] = {{.robot = "a", .arm = {.count = 6}},
                                {.robot = "b", .arm = {.count = 7}, .index = 1}};
  static loomRobotDef one[2] = {
      {.robot = "c", .arm = {.count = 7, .joints = {"j"}}, .eef_site = "r", .gripper_dim = 1},
      {.robot = "c", .arm = {.count = 7}, .eef_site = "l", .gripper_dim = 1}};
  one[0].body_count = 1;
  one[0].body[0] = (loomBodyPartDef){.kind = LOOM_BODY_TORSO, .count = 3};
  read_env_args(two, text);
  read_env_args(one, text);

  read_numbers(text, size);
  free(text);
  return 0;
}
