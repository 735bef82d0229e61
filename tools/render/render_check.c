// What drawing needs, tried before anything is drawn or written.
#include <stdlib.h>
#include <string.h>

#include "engine/draw/gl.h"
#include "engine/draw/libav.h"
#include "tools/render/render_run.h"

static int check_model(const renderArgs* a, const char* xml, const char* label, loomError* err) {
  loomModelDef def = loom_default_model_def();
  mjModel* model = NULL;

  // Cameras are all that is asked of it: what meshes hold does not matter.
  def.outline = true;
  int code = loom_model_compile(&model, xml, label, &a->roots, &def, err);
  for (int i = 0; !code && i < a->camera_count; i++) {
    code = loom_camera_check(model, a->cameras[i], err);
    if (code) loom_error_prefix(err, code, "%s", label);
  }
  for (int i = 0; !code && i < a->cloud.camera_count; i++) {
    code = loom_camera_check(model, a->cloud.camera[i], err);
    if (code) loom_error_prefix(err, code, "%s", label);
  }

  mj_deleteModel(model);
  return code;
}

// Cameras that were named are in every demo's model; of observations, from which demos that cannot be drawn
// are left out, in one of them.
static int check_cameras(const renderArgs* a, const loomDataset* dataset, loomError* err) {
  char *last = NULL, label[LOOM_PATH_MAX];
  int code = 0;

  for (int i = 0; i < a->demo_count && (!code || a->obs); i++) {
    const char* object = loom_dataset_demo_path(dataset, a->demos[i]);
    const char* holder = loom_dataset_has_attr(dataset, object, "model_file") ? object : "data";
    char* xml = NULL;

    // A demo without a model is told by those who load it. Demos often share one.
    if (loom_dataset_attr_string(&xml, dataset, holder, "model_file", NULL)) continue;
    bool same = last && !strcmp(last, xml);
    free(last);
    last = xml;
    if (same) continue;

    snprintf(label, sizeof label, "%.800s:data/%.100s", loom_dataset_path(dataset),
             loom_dataset_demo_name(dataset, a->demos[i]));
    code = check_model(a, xml, label, code ? NULL : err);
    if (!code && a->obs) break;
  }

  free(last);
  return code;
}

static bool names_camera(const renderArgs* a) {
  for (int i = 0; i < a->camera_count; i++)
    if (a->cameras[i]) return true;
  return a->cloud.camera_count > 0;
}

int render_check(const renderArgs* a, const loomDataset* dataset, loomError* err) {
  loomGl* gl = NULL;
  int code = a->video ? loom_libav_open(err) : 0;
  if (!code && names_camera(a)) code = check_cameras(a, dataset, err);

  // Clouds alone are not drawn: their rays are the simulator's.
  bool drawn = !a->obs || !a->cloud.points || a->camera_count;
  if (!code && drawn) code = loom_gl_create(&gl, err);
  loom_gl_destroy(gl);
  return code;
}
