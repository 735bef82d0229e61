#include "tools/command/twin_export.h"

#include <cjson/cJSON.h>
#include <stdio.h>

#include "engine/base/text.h"
#include "generators/twin/export.h"
#include "tools/shared/common.h"
#include "tools/shared/outputs.h"

static void print_json(const loomExported* e, const char* folder, const char* output) {
  cJSON *out = cJSON_CreateObject(), *list;
  cJSON_AddStringToObject(out, "folder", folder);
  cJSON_AddStringToObject(out, "output", output);
  if (e->folder[0]) cJSON_AddStringToObject(out, "meshes_in", e->folder);
  cJSON_AddNumberToObject(out, "bodies", e->bodies);
  cJSON_AddNumberToObject(out, "joints", e->joints);
  cJSON_AddNumberToObject(out, "shapes", e->shapes);
  cJSON_AddNumberToObject(out, "meshes", e->meshes);
  cJSON_AddNumberToObject(out, "mass", e->mass);
  list = cJSON_AddArrayToObject(out, "warnings");
  for (int i = 0; i < e->warnings.n; i++) cJSON_AddItemToArray(list, cJSON_CreateString(e->warnings.name[i]));

  tool_print_json(out);
  cJSON_Delete(out);
}

int twin_export(const char* folder, bool urdf, bool usd, const char* output, bool overwrite, bool json,
                loomAssetRoots* roots, loomError* err) {
  toolOutputs outputs = {0};
  loomExported out = {0};
  loomTask* task = NULL;
  const char* end = urdf ? ".urdf" : ".usda";
  int code = 0;
  if (urdf == usd) code = loom_error_set(err, LOOM_ERR_USAGE, "give either --urdf or --usd");
  if (!code && (!output || !loom_ends_with(output, end)))
    code = loom_error_set(err, LOOM_ERR_USAGE, "give -o FILE%s", end);
  if (!code) code = tool_output(&outputs, output, tool_output_mode(overwrite), NULL, 0, err);
  if (!code) code = loom_task_find(&task, folder, err);
  if (!code) code = tool_assets(roots, task, err);
  if (!code)
    code = loom_twin_export(&out, urdf ? LOOM_EXPORT_URDF : LOOM_EXPORT_USD, task, roots, output, err);

  for (int i = 0; !code && i < out.warnings.n; i++) fprintf(stderr, "warning: %s\n", out.warnings.name[i]);
  if (!code && json) print_json(&out, folder, output);
  if (!code && !json)
    printf("%s: %d bodies, %d joints, %d shapes, %.4g kg that can move%s%s\n", output, out.bodies, out.joints,
           out.shapes, out.mass, out.folder[0] ? "; meshes are in " : "", out.folder);
  loom_exported_destroy(&out);
  loom_task_destroy(task);
  tool_outputs_close(&outputs);

  return code;
}
