// Indexes: datasets whose demos lie in other files of the same folder, as HDF5's external links that any
// program follows. HDF5 follows none here: a link counts only in a file that says it is an index, leads to a
// demo of a plain file beside it, which is opened as any dataset is, with a child that reads it first, and
// its own demos, damage and digests. So a stranger's index reaches nothing but datasets in its own folder.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/data/dataset_internal.h"

enum { TARGET_MAX = 600 };

// ---- what a link says

// A name that can lead nowhere else.
static bool is_plain_name(const char* name) {
  return *name && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

// File and demo of one of an index's links, in `value`.
static int read_link(char value[TARGET_MAX], const char** file, const char** demo, hid_t data,
                     const char* name) {
  static const char prefix[] = "/data/";
  unsigned flags;
  H5L_info_t info;
  const char* target;
  if (H5Lget_info(data, name, &info, H5P_DEFAULT) < 0 || info.type != H5L_TYPE_EXTERNAL ||
      info.u.val_size > TARGET_MAX || H5Lget_val(data, name, value, TARGET_MAX, H5P_DEFAULT) < 0 ||
      H5Lunpack_elink_val(value, info.u.val_size, &flags, file, &target) < 0)
    return LOOM_ERR_FORMAT;

  *demo = target + sizeof prefix - 1;
  return strncmp(target, prefix, sizeof prefix - 1) == 0 && is_plain_name(*demo) && is_plain_name(*file)
             ? LOOM_OK
             : LOOM_ERR_FORMAT;
}

// ---- the files

static const char* base_of(const char* path) {
  const char* slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

// The number of the file of that name, opened where it is not yet.
static int find_part(int* part, loomDataset* ds, const char* file, loomOpener* open, loomError* err) {
  // Neighbors mostly lie in the same file.
  for (int k = ds->nparts - 1; k >= 0; k--) {
    *part = k;
    if (!strcmp(base_of(ds->part[k]->path), file)) return LOOM_OK;
  }

  char path[LOOM_PATH_MAX];
  struct stat st;
  int folder = (int)(base_of(ds->path) - ds->path);
  if (snprintf(path, sizeof path, "%.*s%s", folder, ds->path, file) >= (int)sizeof path)
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: the path of '%.80s' beside it is too long", ds->path,
                          file);

  // A symbolic link may lead anywhere.
  if (!lstat(path, &st) && !S_ISREG(st.st_mode))
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s: is no plain file, and %s is an index of plain files beside it", path,
                          ds->path);
  if (ds->nparts == LOOM_INDEX_PARTS)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s: an index of more than %d files", ds->path,
                          LOOM_INDEX_PARTS);

  if (!ds->part) ds->part = calloc(LOOM_INDEX_PARTS, sizeof(void*));
  if (!ds->part) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", ds->path);
  int status = open(&ds->part[ds->nparts], path, err);
  if (status) return loom_error_prefix(err, status, "%s: is an index", ds->path);
  *part = ds->nparts++;
  return LOOM_OK;
}

// *gone: left out of its file, which has told why.
static int find_home(loomDataset* ds, int demo, hid_t data, loomOpener* open, bool* gone, loomError* err) {
  char value[TARGET_MAX];
  const char *file, *name, *here = ds->demos.name[demo];
  if (loom_h5_is_hard_link(data, here)) return LOOM_OK;
  if (read_link(value, &file, &name, data, here)) {
    char where[1024];
    snprintf(where, sizeof where, "%s: data/%.200s", ds->path, here);
    return loom_h5_link_error(data, here, where, err);
  }

  int part = 0, status = find_part(&part, ds, file, open, err);
  if (status) return status;
  const loomDataset* home = ds->part[part];
  bool there = loom_dataset_demo_index(home, name) >= 0;
  *gone = !there && (loom_names_has(&home->empty, name) || home->damage == LOOM_DAMAGE_SKIP);
  if (!there && !*gone)
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s: its %.200s is %.200s of %s, which has no such demo; write the index anew "
                          "(`demoloom dataset merge --index`)",
                          ds->path, here, name, home->path);

  ds->home[demo].part = part;
  ds->home[demo].demo = strdup(name);
  return ds->home[demo].demo ? LOOM_OK : loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", ds->path);
}

int loom_index_open(loomDataset* ds, loomNames* gone, loomOpener* open, loomError* err) {
  if (!ds->is_index) return LOOM_OK;
  if (!open)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: is an index too, and an index has none in it", ds->path);
  hid_t data = -1;
  int status = loom_h5_open(&data, ds, "data", "", err);
  if (status) return status;

  ds->nhome = ds->demos.n;
  ds->home = malloc(((size_t)ds->nhome + 1) * sizeof *ds->home);
  if (!ds->home) status = loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", ds->path);
  for (int i = 0; !status && i < ds->nhome; i++) ds->home[i] = (loomHome){-1, NULL};

  for (int i = 0; !status && i < ds->nhome; i++) {
    bool left_out = false;
    status = find_home(ds, i, data, open, &left_out, err);
    if (!status && left_out && loom_names_add(gone, ds->demos.name[i]))
      status = loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", ds->path);
  }
  loom_h5_close(data);
  return status;
}

int loom_index_refuse(const loomDataset* ds, loomError* err) {
  if (!ds->is_index) return LOOM_OK;
  return loom_error_set(
      err, LOOM_ERR_USAGE,
      "%s: is an index, whose demos lie in the files beside it; change those, or a copy of it "
      "all (`demoloom dataset merge OUT %s`)",
      ds->path, ds->path);
}

// ---- writing

int loom_index_link(hid_t data, const char* name, const loomDataset* source, const char* demo,
                    const char* index, loomError* err) {
  char target[TARGET_MAX];
  struct stat here, there, file;
  char folder[2][LOOM_PATH_MAX];
  const char* path[2] = {index, source->path};

  // Where the link leads is looked for in the index's own folder, whatever that is called then.
  for (int i = 0; i < 2; i++) {
    int n = (int)(base_of(path[i]) - path[i]);
    snprintf(folder[i], sizeof folder[i], "%.*s.", n, path[i]);
  }
  bool beside = !stat(folder[0], &here) && !stat(folder[1], &there) && here.st_ino == there.st_ino &&
                here.st_dev == there.st_dev;
  if (!beside || lstat(source->path, &file) || !S_ISREG(file.st_mode))
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "%s: an index has plain files of its own folder, and %s is none; move it beside it",
                          index, source->path);

  snprintf(target, sizeof target, "/data/%.300s", demo);
  if (H5Lcreate_external(base_of(source->path), target, data, name, H5P_DEFAULT, H5P_DEFAULT) >= 0)
    return LOOM_OK;
  return loom_error_set(err, LOOM_ERR_IO, "%s: the link %s cannot be made", index, name);
}
