#include "tools/command/twin_fuse.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/text.h"
#include "tools/command/twin_photos.h"
#include "tools/shared/common.h"
#include "tools/shared/outputs.h"

static void print_json(const loomFused* f, const char* folder, const char* output, double seconds) {
  cJSON *out = cJSON_CreateObject(), *list;
  cJSON_AddStringToObject(out, "folder", folder);
  cJSON_AddStringToObject(out, "layout", f->layout);
  const struct {
    const char* name;
    double value;
  } numbers[] = {{"pictures", f->pictures},    {"left_out", f->left_out},
                 {"width", f->width},          {"height", f->height},
                 {"blocks", f->blocks},        {"memory_mb", f->memory_mb},
                 {"triangles", f->mesh.nface}, {"triangles_before", f->triangles},
                 {"vertices", f->mesh.nvert},  {"seconds", seconds}};

  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    cJSON_AddNumberToObject(out, numbers[i].name, numbers[i].value);
  const double camera[4] = {f->camera.fx, f->camera.fy, f->camera.cx, f->camera.cy};
  cJSON_AddItemToObject(out, "camera", cJSON_CreateDoubleArray(camera, 4));
  cJSON_AddItemToObject(out, "low", cJSON_CreateDoubleArray(f->low, 3));
  cJSON_AddItemToObject(out, "high", cJSON_CreateDoubleArray(f->high, 3));
  cJSON_AddStringToObject(out, "output", output);
  list = cJSON_AddArrayToObject(out, "warnings");

  for (int i = 0; i < f->warnings.n; i++) cJSON_AddItemToArray(list, cJSON_CreateString(f->warnings.name[i]));
  tool_print_json(out);
  cJSON_Delete(out);
}

static void print_words(const loomFused* f, const char* output, double seconds) {
  printf(
      "%d pictures of %d x %d (%s), %d left out; %.2f x %.2f x %.2f m in %d blocks, %.0f MB; %d triangles of "
      "%d, in %.1f s\n",
      f->pictures, f->width, f->height, f->layout, f->left_out, f->high[0] - f->low[0],
      f->high[1] - f->low[1], f->high[2] - f->low[2], f->blocks, f->memory_mb, f->mesh.nface, f->triangles,
      seconds);
  printf("%s: a scan; see `demoloom twin new DIR --scene %s`\n", output, output);
}

static double began;
static bool show_fuse(void* user, const char* what, int done, int total) {
  (void)user;
  tool_progress(what, done, total, loom_clock() - began, "");
  return tool_stop;
}

static int read_camera(loomPinhole* out, const char* text, loomError* err) {
  char rest;
  int n = sscanf(text, "%lf,%lf,%lf,%lf%c", &out->fx, &out->fy, &out->cx, &out->cy, &rest);
  bool ok = n == 4 && out->fx > 0 && out->fy > 0 && out->fx < 1e6 && out->fy < 1e6;
  if (ok) return 0;

  return loom_error_set(err, LOOM_ERR_USAGE,
                        "--camera: expected FX,FY,CX,CY, in pixels, as 525,525,319.5,239.5");
}

// Photographs, which bring neither poses nor depths: by COLMAP.
static int fuse_photos(const char* folder, int threads, const char* output, bool overwrite, bool json,
                       loomError* err) {
  toolOutputs outputs = {0};
  twinPhotos photos = {.threads = threads};
  int code = output && loom_ends_with(output, ".ply")
                 ? 0
                 : loom_error_set(err, LOOM_ERR_USAGE, "photographs become a mesh as PLY: give -o FILE.ply");
  if (!code) code = tool_output(&outputs, output, tool_output_mode(overwrite), NULL, 0, err);
  if (!code) code = twin_photos_fuse(&photos, folder, output, err);

  if (!code && json) {
    cJSON* out = cJSON_CreateObject();
    cJSON_AddStringToObject(out, "folder", folder);
    cJSON_AddStringToObject(out, "layout", "photographs");
    cJSON_AddNumberToObject(out, "pictures", photos.pictures);
    cJSON_AddNumberToObject(out, "left_out", photos.pictures - photos.placed);
    cJSON_AddBoolToObject(out, "dense", photos.dense);
    cJSON_AddStringToObject(out, "work", photos.work);
    cJSON_AddStringToObject(out, "output", output);
    tool_print_json(out);
    cJSON_Delete(out);
  } else if (!code) {
    printf("%d of %d photographs placed by COLMAP; %s mesh, without a scale of its own\n", photos.placed,
           photos.pictures, photos.dense ? "a dense" : "a coarse");
    printf("%s: a scan; see `demoloom twin new DIR --scene %s --scale X --up y`\n", output, output);
  }
  tool_outputs_close(&outputs);
  return code;
}

int twin_fuse(const char* folder, twinFuse* a, const char* output, bool overwrite, bool json,
              loomError* err) {
  toolOutputs outputs = {0};
  loomFused fused = {0};
  began = loom_clock();
  if (twin_photos_are(folder)) return fuse_photos(folder, a->def.threads, output, overwrite, json, err);
  a->def.folder = folder;
  a->def.step = show_fuse;
  a->def.stop = &tool_stop;
  int code = output && (loom_ends_with(output, ".ply") || loom_ends_with(output, ".glb"))
                 ? 0
                 : loom_error_set(err, LOOM_ERR_USAGE, "give -o FILE.ply or FILE.glb, where the mesh goes");
  if (!code && a->camera) code = read_camera(&a->def.camera, a->camera, err);
  if (!code) code = tool_output(&outputs, output, tool_output_mode(overwrite), NULL, 0, err);
  if (!code) code = loom_fuse(&fused, &a->def, err);
  tool_progress_end();
  if (!code) code = loom_mesh_write_colored(&fused.mesh, output, err);

  for (int i = 0; !code && i < fused.warnings.n; i++)
    fprintf(stderr, "warning: %s\n", fused.warnings.name[i]);
  if (!code && json) print_json(&fused, folder, output, loom_clock() - began);
  if (!code && !json) print_words(&fused, output, loom_clock() - began);
  loom_fused_destroy(&fused);
  tool_outputs_close(&outputs);

  return code;
}
