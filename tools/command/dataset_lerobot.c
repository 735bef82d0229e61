#include "tools/command/dataset_lerobot.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "tools/shared/common.h"

static bool show(void* user, int done, int total) {
  tool_progress("episodes", done, total, loom_clock() - *(double*)user, "");
  return tool_stop != 0;
}

static void print_told(const loomLerobotTold* told, const char* out, bool folder, bool json) {
  if (!json) {
    printf("wrote %s: %d episodes, %lld rows", out, told->episodes, (long long)told->rows);
    if (told->videos) printf(", %d films", told->videos);
    printf("\n");
    return;
  }

  cJSON* root = cJSON_CreateObject();
  cJSON_AddStringToObject(root, folder ? "folder" : "file", out);
  cJSON_AddNumberToObject(root, "episodes", told->episodes);
  cJSON_AddNumberToObject(root, "rows", (double)told->rows);
  cJSON_AddNumberToObject(root, "films", told->videos);

  cJSON* left_out = cJSON_AddArrayToObject(root, "left_out");

  for (int i = 0; i < told->left_out.n; i++)
    cJSON_AddItemToArray(left_out, cJSON_CreateString(told->left_out.name[i]));
  tool_print_json(root);
  cJSON_Delete(root);
}

static int write_folder(const char* in, const char* out, const loomLerobotDef* def, loomLerobotTold* told,
                        loomError* err) {
  loomDataset* dataset = NULL;
  int code = loom_lerobot_check(out, in, def->overwrite, err);
  if (!code) code = loom_dataset_open(&dataset, in, err);
  if (!code) code = loom_lerobot_write(told, out, dataset, def, err);

  loom_dataset_close(dataset);
  return code;
}

static int read_folder(const char* in, const char* out, const loomLerobotDef* def, toolOutputs* outputs,
                       loomLerobotTold* told, loomError* err) {
  int code = tool_output_dataset(outputs, out, tool_output_mode(def->overwrite), NULL, 0, err);
  return code ? code : loom_lerobot_read(told, out, in, def, err);
}

int dataset_lerobot(const char* in, const char* out, const loomLerobotDef* given, toolOutputs* outputs,
                    bool json, loomError* err) {
  double start = loom_clock();
  loomLerobotTold told = {0};
  loomLerobotDef def = *given;
  def.progress = show;
  def.user = &start;
  tool_catch_signals();

  // What is given decides which way it goes.
  bool folder = loom_is_folder(in);
  int code;
  if (folder && !loom_lerobot_is(in)) {
    code = loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s: a folder without meta/info.json is no dataset of LeRobot's", in);
  } else if (folder) {
    code = read_folder(in, out, &def, outputs, &told, err);
  } else {
    code = write_folder(in, out, &def, &told, err);
  }

  tool_progress_end();
  if (!code) print_told(&told, out, !folder, json);
  tool_tell_left_out(&told.left_out, !code);
  loom_lerobot_told_destroy(&told);
  return code;
}
