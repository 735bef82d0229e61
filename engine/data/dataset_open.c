// Opening and closing a file: what its demos are, and what of it is damaged.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/data/dataset_internal.h"

static hid_t read_plist(void) {
  hid_t fapl = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fclose_degree(fapl, H5F_CLOSE_STRONG);
#if H5_VERSION_GE(1, 10, 7)
  // Our files appear whole by rename, and locks fail on read-only and some network file systems.
  H5Pset_file_locking(fapl, false, true);
#endif
  return fapl;
}

// demo_7, as all are called that anybody writes: to look a hundred thousand of them up takes longer than to
// list them.
static bool is_called_demo(const char* name) {
  static const char prefix[] = "demo_";
  size_t n = sizeof prefix - 1;
  return !strncmp(name, prefix, n) && name[n] && !name[n + strspn(name + n, "0123456789")];
}

static int list_demos(loomDataset* ds, hid_t data, loomError* err) {
  loomNames links;
  loomError damage = {0};
  int status = loom_h5_links(&links, data, "data", &damage);
  for (int i = 0; i < links.n && status != LOOM_ERR_MEMORY; i++) {
    // Arrays beside the demos are none; anything else is listed, so that what is wrong with it can be said.
    H5O_info_t info;
    if (!is_called_demo(links.name[i]) && loom_h5_is_hard_link(data, links.name[i]) &&
        H5Oget_info_by_name2(data, links.name[i], &info, H5O_INFO_BASIC, H5P_DEFAULT) >= 0 &&
        info.type != H5O_TYPE_GROUP)
      continue;

    char path[512];
    snprintf(path, sizeof path, "data/%s", links.name[i]);
    if (loom_names_add(&ds->demos, links.name[i]) || loom_names_add(&ds->paths, path))
      status = LOOM_ERR_MEMORY;
  }

  loom_names_destroy(&links);
  if (status == LOOM_ERR_MEMORY) return loom_error_set(err, status, "%s: out of memory", ds->path);

  // With a part of the index the demos in it can be used.
  if (status && !ds->demos.n) return loom_error_set(err, status, "%s: %s", ds->path, damage.message);
  if (status && !(ds->index_damage = strdup(damage.message)))
    return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", ds->path);
  return LOOM_OK;
}

static int find_demos(loomDataset* ds, loomError* err) {
  loomError why = {0};
  hid_t data = -1;

  int status = loom_h5_open(&data, ds, "data", "", &why);
  if (!status && H5Iget_type(data) != H5I_GROUP)
    status = loom_error_set(&why, LOOM_ERR_FORMAT, "%s: 'data' is no group", ds->path);

  // Without `data` it may be known for what it is instead.
  const char* layout = status ? loom_h5_layout(ds->file) : NULL;
  if (layout)
    loom_error_set(
        err, status,
        "%s: not in robomimic's layout (a group 'data' with one group a demo) but %s; convert it first",
        ds->path, layout);
  else if (status)
    loom_error_set(err, status, "%s; a dataset has a group 'data' with one group a demo", why.message);
  else
    status = list_demos(ds, data, err);

  ds->is_index = !status && H5Aexists(data, LOOM_INDEX_ATTR) > 0;
  loom_h5_close(data);
  return status;
}

// The child counted demos, and listed them as they are listed here.
static int check_damaged(const loomDataset* ds, loomError* err) {
  if (!ds->ndamaged || ds->damaged[ds->ndamaged - 1] < ds->demos.n) return LOOM_OK;
  return loom_error_set(err, LOOM_ERR_FORMAT, "%s: changed while it was opened", ds->path);
}

// Only regular files: a pipe or a device would let the reading wait for ever.
static int make_dataset(loomDataset** out, const char* path, loomError* err) {
  *out = NULL;
  loom_h5_quiet();
  struct stat st;
  if (stat(path, &st))
    return loom_error_set(err, LOOM_ERR_IO, "%s: cannot be opened (%s)", path, strerror(errno));
  if (!S_ISREG(st.st_mode)) return loom_h5_no_file(path, &st, err);

  loomDataset* ds = calloc(1, sizeof *ds);
  if (!ds || !(ds->path = strdup(path)) || !(ds->memory = calloc(1, sizeof *ds->memory))) {
    if (ds) free(ds->path);
    free(ds);
    return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path);
  }
  ds->file = -1;
  ds->stat = st;
  pthread_mutex_init(&ds->memory->lock, NULL);
  *out = ds;
  return LOOM_OK;
}

// Give the dataset to the caller once its demos are known; else close it.
static int list_or_close(loomDataset** out, int status, loomError* err) {
  if (!status) status = find_demos(*out, err);
  if (!status) status = check_damaged(*out, err);
  if (!status) return LOOM_OK;

  loom_dataset_close(*out);
  *out = NULL;
  return status;
}

int loom_h5_open_file(loomDataset** out, const char* path, bool cut_short, loomTrial* trial, loomError* err) {
  int status = make_dataset(out, path, err);
  if (status) return status;
  loomDataset* ds = *out;
  status = trial ? trial(ds, cut_short, err) : LOOM_OK;

  // Only our own driver opens a file whose end is missing.
  ds->disk.cut_short = cut_short;
  hid_t fapl = cut_short ? loom_h5_disk_plist(&ds->disk) : read_plist();
  if (!status && (ds->file = H5Fopen(path, H5F_ACC_RDONLY, fapl)) < 0)
    status = loom_h5_open_error(path, ds->stat.st_size, err);
  H5Pclose(fapl);
  if (!status) ds->compares = loom_h5_is_own(ds->file);
  return list_or_close(out, status, err);
}

int loom_h5_open_shard(loomDataset** out, const char* path, loomError* err) {
  void* image = NULL;
  size_t size = 0;
  int status = make_dataset(out, path, err);
  if (status) return status;
  status = loom_h5_read_sealed(&image, &size, path, err);

  // HDF5 makes a copy of its own, and wants a name that no file has.
  char name[LOOM_PATH_MAX + 40];
  snprintf(name, sizeof name, "%.*s in memory at %p", LOOM_PATH_MAX - 1, path, (void*)*out);
  hid_t fapl = read_plist();
  H5Pset_fapl_core(fapl, 1 << 18, false);
  if (!status && H5Pset_file_image(fapl, image, size) < 0)
    status = loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path);
  if (!status && ((*out)->file = H5Fopen(name, H5F_ACC_RDONLY, fapl)) < 0)
    status = loom_h5_open_error(path, (int64_t)size, err);

  H5Pclose(fapl);
  free(image);
  return list_or_close(out, status, err);
}

bool loom_dataset_is_cut(const loomDataset* ds) {
  return ds->disk.cut_short;
}

bool loom_dataset_ready(const loomDataset* ds, int demo) {
  ds = loom_index_of_demo(&demo, (loomDataset*)ds, demo);
  return !ds->probe || loom_h5_probe_passed(ds->probe, demo);
}

void loom_dataset_close(loomDataset* ds) {
  if (!ds) return;
  loom_h5_quiet();
  if (ds->probe && ds->settled && loom_h5_probe_clean(ds->probe)) loom_h5_trust(&ds->stat);
  loom_h5_probe_end(ds->probe);
  for (int i = 0; i < ds->nparts; i++) loom_dataset_close(ds->part[i]);
  for (int i = 0; ds->home && i < ds->nhome; i++) free(ds->home[i].demo);
  free(ds->part);
  free(ds->home);
  loom_h5_close(ds->file);
  loom_names_destroy(&ds->demos);
  loom_names_destroy(&ds->paths);
  loom_names_destroy(&ds->empty);
  pthread_mutex_destroy(&ds->memory->lock);
  free(ds->memory->lines);
  free(ds->memory);
  free(ds->path);
  free(ds->warning);
  free(ds->index_damage);
  free(ds);
}

const char* loom_dataset_path(const loomDataset* ds) {
  return ds->path;
}

const char* loom_dataset_warning(const loomDataset* ds) {
  return ds->warning;
}
