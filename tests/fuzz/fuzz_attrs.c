// A well-formed HDF5 file whose texts are any bytes: env_args, MJCF, masks, attributes, and names. What bytes
// changed in a file hardly ever reach. Errors are fine; crashes, leaks, endless work and messages of several
// lines are not.
#include <hdf5.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/data/dataset.h"
#include "engine/scene/library.h"
#include "engine/scene/scene.h"
#include "engine/task/agree.h"
#include "tests/fuzz/parts.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
int fuzz_done(void);
const char* __lsan_default_suppressions(void);

static int scenes;

int fuzz_done(void) {
  return scenes;
}

// Small blocks of HDF5 1.10's own.
const char* __lsan_default_suppressions(void) {
  return "leak:libhdf5\n";
}

// ---- the file

// A text of fixed length, as long as it is, or of variable length as h5py writes it.
static void put_text(hid_t object, const char* name, const Part* part, bool variable) {
  char* text = part_text(part, 1, part->name);
  hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
  H5Tset_size(type, variable ? H5T_VARIABLE : part->size + 1);

  hid_t attr = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  if (attr >= 0) {
    H5Awrite(attr, type, variable ? (const void*)&text : text);
    H5Aclose(attr);
  }

  H5Sclose(space);
  H5Tclose(type);
  free(text);
}

static void put_numbers(hid_t group, const char* name, hsize_t rows) {
  double value[64] = {0};
  const hsize_t shape[2] = {rows, 2};
  hid_t space = H5Screate_simple(2, shape, NULL);
  hid_t dset = H5Dcreate2(group, name, H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);

  if (dset >= 0) {
    H5Dwrite(dset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, value);
    H5Dclose(dset);
  }
  H5Sclose(space);
}

// Demos by name, a line each.
static void put_mask(hid_t masks, const Part* part) {
  enum { lines = 8, width = 24 };
  char names[lines][width] = {{0}};
  const char *at = part->text, *end = at + part->size;
  for (int i = 0; i < lines && at < end; i++) {
    const char* newline = memchr(at, '\n', (size_t)(end - at));
    size_t length = (size_t)((newline ? newline : end) - at);
    memcpy(names[i], at, length < width ? length : width);  // not always terminated
    at = newline ? newline + 1 : end;
  }

  const hsize_t count = lines;
  hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate_simple(1, &count, NULL);
  H5Tset_size(type, width);
  hid_t dset = H5Dcreate2(masks, part->name + 5, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  if (dset >= 0) {
    H5Dwrite(dset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, names);
    H5Dclose(dset);
  }

  H5Sclose(space);
  H5Tclose(type);
}

static void make_file(const char* path, const Part* part, int n) {
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  hid_t data = H5Gcreate2(file, "data", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  hid_t masks = H5Gcreate2(file, "mask", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  hid_t demo = H5Gcreate2(data, "demo_0", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  put_numbers(demo, "actions", 4);
  put_numbers(demo, "states", 4);

  // demo.NAME and mask.NAME belong there, another name to all demos.
  for (int i = 1; i < n; i++) {
    bool variable = part[i].size % 2;
    if (!strncmp(part[i].name, "mask.", 5))
      put_mask(masks, &part[i]);
    else if (!strncmp(part[i].name, "demo.", 5))
      put_text(demo, part[i].name + 5, &part[i], variable);
    else
      put_text(data, part[i].name, &part[i], variable);
  }

  H5Gclose(demo);
  H5Gclose(masks);
  H5Gclose(data);
  H5Fclose(file);
}

// ---- what is read of it

static void read_masks(const loomDataset* ds) {
  loomNames masks, demos;
  if (loom_dataset_masks(&masks, ds, NULL)) return;

  for (int i = 0; i < masks.n; i++)
    if (!loom_dataset_mask(&demos, ds, masks.name[i], NULL)) loom_names_destroy(&demos);
  loom_names_destroy(&masks);
}

static void open_scene(const loomTask* task, const loomDemo* demo, const char* env_args) {
  loomError err = {0};
  loomAssetRoots roots = {0};
  loomScene* scene = NULL;
  if (!demo->model_xml) return;

  check_error(loom_scene_create(&scene, task, demo->model_xml, "fuzz", env_args, &roots, &err), &err);
  scenes += scene != NULL;
  loom_scene_destroy(scene);
}

static void read_file(const loomTask* task, const loomDataset* ds) {
  loomError err = {0};
  char* env_args = NULL;
  double total = 0;
  loom_dataset_attr_string(&env_args, ds, "data", "env_args", NULL);
  loom_dataset_attr_double(&total, ds, "data", "total", NULL);

  // Its task, if there is one: all scenes are read for that, so not each time.
  loomTask* other = NULL;
  if (env_args && strlen(env_args) % 16 == 0) check_error(loom_task_of_dataset(&other, ds, &err), &err);
  loom_task_destroy(other);

  loomControllerDef control[LOOM_MAX_ARMS];
  err = (loomError){0};
  check_error(loom_task_agrees(control, task, env_args, "fuzz", &err), &err);

  for (int i = 0; i < loom_dataset_demo_count(ds); i++) {
    loomDemo demo;
    err = (loomError){0};
    int code = loom_demo_load(&demo, ds, i, &err);
    check_error(code, &err);
    if (code) continue;

    open_scene(task, &demo, env_args);
    loom_demo_destroy(&demo);
  }

  read_masks(ds);
  free(env_args);
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static loomTask* task;
  loomError err = {0};
  Part part[MAX_PARTS];
  int n = split_parts(part, data, size);
  if (!task && loom_task_load(&task, "tests/own/task.yaml", "tests/own/robots", &err)) abort();
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);

  char in[128], out[128];
  strcpy(in, own_path("in.hdf5"));
  strcpy(out, own_path("out.hdf5"));
  make_file(in, part, n);

  loomDataset* ds = NULL;
  int code = loom_dataset_open_trusted(&ds, in, &err);  // the bytes of the file itself are no stranger's
  check_error(code, &err);
  if (!code) {
    read_file(task, ds);
    loom_dataset_close(ds);

    // And what is carried into another file.
    const loomSource source = {in, NULL};
    loomAssembleDef def = loom_default_assemble_def();
    def.keep_all = size % 2;
    def.trusted = true;
    err = (loomError){0};
    check_error(loom_dataset_assemble(out, &source, 1, &def, &err), &err);
  }

  unlink(in);
  unlink(out);
  return 0;
}
