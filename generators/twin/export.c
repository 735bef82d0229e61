#include "generators/twin/export.h"

#include <mujoco/mujoco.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/model/own_model.h"
#include "engine/model/trap.h"
#include "generators/twin/export_work.h"

void loom_exported_destroy(loomExported* exported) {
  loom_names_destroy(&exported->warnings);
  *exported = (loomExported){0};
}

static int check_joints(const mjModel* m, const char* label, loomError* err) {
  for (int b = 1; b < m->nbody; b++) {
    char name[LOOM_NAME_MAX];
    int j = loom_export_joint(m, b);
    loom_export_name(name, m, mjOBJ_BODY, b);
    if (m->body_jntnum[b] > 1 || (j >= 0 && m->jnt_type[j] == mjJNT_BALL))
      return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                            "%s: body '%s' is on several joints, or on a ball joint: neither is exported",
                            label, name);
  }

  return 0;
}

static int run_kinematics(void* arg) {
  loomExportWork* w = arg;
  mj_kinematics(w->m, w->d);
  return 0;
}

static int load_model(mjModel** m, const loomTask* task, const loomAssetRoots* roots, loomError* err) {
  char label[LOOM_PATH_MAX], *xml = NULL;
  if (!task->model_file[0])
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: it has no model of its own (`model: file:`)", task->path);
  snprintf(label, sizeof label, "%.500s/%.500s", task->dir, task->model_file);
  int code = loom_own_model_read(&xml, task->dir, task->model_file, roots, NULL, err);
  if (!code) code = loom_model_compile(m, xml, label, roots, NULL, err);

  free(xml);
  return code ? code : check_joints(*m, label, err);
}

// kitchen.urdf: kitchen_meshes beside it.
static void name_folder(loomExportWork* w, const char* path) {
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
  int n = (int)(dot ? dot - name : (ptrdiff_t)strlen(name)), dir = (int)(name - path);
  snprintf(w->mesh_dir, sizeof w->mesh_dir, "%.*s_meshes", n < 200 ? n : 200, name);
  snprintf(w->mesh_path, sizeof w->mesh_path, "%.*s%.210s", dir < 800 ? dir : 800, path, w->mesh_dir);
}

static int write_all(loomExportWork* w, loomExportKind kind, const char* path, loomError* err) {
  loomFile file = {0};
  int code = loom_file_begin(&file, path, err);
  if (code) return code;
  w->file = file.stream;
  code = kind == LOOM_EXPORT_URDF ? loom_export_urdf(w, err) : loom_export_usd(w, err);
  if (!code) return loom_file_commit(&file, err);
  loom_file_abort(&file);
  return code;
}

int loom_twin_export(loomExported* out, loomExportKind kind, const loomTask* task,
                     const loomAssetRoots* roots, const char* path, loomError* err) {
  mjModel* m = NULL;
  loomExportWork w = {.out = out};
  *out = (loomExported){0};
  snprintf(w.title, sizeof w.title, "%s", task->name);
  int code = load_model(&m, task, roots, err);
  w.m = m;
  if (!code && !(w.d = mj_makeData(m)))
    code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for an export");
  if (!code) code = loom_trap_run(run_kinematics, &w, err);
  if (!code) name_folder(&w, path);
  if (!code) code = write_all(&w, kind, path, err);

  for (int b = 1; !code && b < m->nbody; b++) out->mass += m->body_weldid[b] ? m->body_mass[b] : 0;
  out->bodies = code ? 0 : (int)m->nbody - 1;
  if (!code && kind == LOOM_EXPORT_URDF && m->nmesh)
    snprintf(out->folder, sizeof out->folder, "%s", w.mesh_path);
  mj_deleteData(w.d);
  mj_deleteModel(m);
  if (code) loom_exported_destroy(out);

  return code;
}
