// Small parts shared by the dataset files: names, types, HDF5's error stack, walking hard links, files that
// appear whole.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/data/dataset_internal.h"

enum { LINKS_MAX = 4 * 1000 * 1000 };

static const struct {
  const char* name;
  int64_t size;
} type_table[] = {
    [LOOM_TYPE_F64] = {"float64", 8}, [LOOM_TYPE_F32] = {"float32", 4},
    [LOOM_TYPE_I64] = {"int64", 8},   [LOOM_TYPE_I32] = {"int32", 4},
    [LOOM_TYPE_U8] = {"uint8", 1},    [LOOM_TYPE_STR] = {"string", sizeof(char*)},
};

int64_t loom_type_size(loomType type) {
  return type_table[type].size;
}

const char* loom_type_name(loomType type) {
  return type_table[type].name;
}

void loom_array_destroy(loomArray* array) {
  if (!array) return;
  free(array->data);
  memset(array, 0, sizeof *array);
}

const char* loom_hdf5_version(void) {
  static char text[40];
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  snprintf(text, sizeof text, "%u.%u.%u", major, minor, release);
  return text;
}

void loom_hdf5_leave_exit_alone(void) {
  H5dont_atexit();
}

void loom_h5_quiet(void) {
  H5PLset_loading_state(0);  // no file names code that is then loaded as a filter
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

void loom_h5_close(hid_t id) {
  if (id < 0) return;
  switch (H5Iget_type(id)) {
    case H5I_FILE:
      H5Fclose(id);
      break;
    case H5I_GROUP:
      H5Gclose(id);
      break;
    case H5I_DATASET:
      H5Dclose(id);
      break;
    case H5I_DATATYPE:
      H5Tclose(id);
      break;
    case H5I_DATASPACE:
      H5Sclose(id);
      break;
    case H5I_ATTR:
      H5Aclose(id);
      break;
    case H5I_GENPROP_LST:
      H5Pclose(id);
      break;
    default:
      break;
  }
}

bool loom_h5_is_hard_link(hid_t group, const char* name) {
  H5L_info_t info;
  return H5Lget_info(group, name, &info, H5P_DEFAULT) >= 0 && info.type == H5L_TYPE_HARD;
}

// One step of loom_h5_open: from an open group to its child.
static int open_child(hid_t* out, bool* absent, hid_t parent, const char* component, const char* where,
                      loomError* err) {
  if (H5Iget_type(parent) != H5I_GROUP)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: '%s' is looked for inside something that is no group",
                          where, component);
  H5L_info_t info;
  *absent = H5Lget_info(parent, component, &info, H5P_DEFAULT) < 0;
  if (*absent) return loom_h5_absent(parent, component, where, err);
  if (info.type != H5L_TYPE_HARD) return loom_h5_link_error(parent, component, where, err);

  // Each call that fails leaves its own reason.
  *out = H5Oopen(parent, component, H5P_DEFAULT);
  return *out < 0 ? loom_h5_damage(parent, where, err) : LOOM_OK;
}

int loom_dataset_demo_index(const loomDataset* ds, const char* name) {
  int low = 0, high = ds->demos.n - 1;
  while (low <= high) {
    int middle = low + (high - low) / 2;
    int order = loom_natural_compare(ds->demos.name[middle], name);
    if (order == 0) return middle;
    if (order < 0)
      low = middle + 1;
    else
      high = middle - 1;
  }
  return -1;
}

const loomDataset* loom_index_home(const char** object, char room[LOOM_INDEX_PATH], const loomDataset* ds) {
  static const char prefix[] = "data/";
  const size_t skip = sizeof prefix - 1;
  if (!ds->home || strncmp(*object, prefix, skip) != 0) return ds;

  // The demo's name here, and what comes after it.
  char name[300];
  size_t n = strcspn(*object + skip, "/");
  snprintf(name, sizeof name, "%.*s", (int)n, *object + skip);
  int demo = loom_dataset_demo_index(ds, name);
  if (demo < 0 || ds->home[demo].part < 0) return ds;

  snprintf(room, LOOM_INDEX_PATH, "data/%s%s", ds->home[demo].demo, *object + skip + n);
  *object = room;
  return ds->part[ds->home[demo].part];
}

loomDataset* loom_index_of_demo(int* number, loomDataset* ds, int demo) {
  *number = demo;
  if (!ds->home || ds->home[demo].part < 0) return ds;
  loomDataset* home = ds->part[ds->home[demo].part];
  *number = loom_dataset_demo_index(home, ds->home[demo].demo);
  return home;
}

int64_t loom_h5_demo_number(const char* name) {
  static const char start[] = "demo_";
  const char* digits = name + sizeof start - 1;
  if (strncmp(name, start, sizeof start - 1)) return -1;

  // No more of them than a number of 64 bits holds.
  size_t n = strspn(digits, "0123456789");
  return n < 1 || n > 18 || digits[n] ? -1 : strtoll(digits, NULL, 10);
}

// Of which demo a path is, or -1.
static int demo_of(const loomDataset* dataset, const char* path) {
  char name[256];
  if (strncmp(path, "data/", 5)) return -1;
  int n = snprintf(name, sizeof name, "%.*s", (int)strcspn(path + 5, "/"), path + 5);
  return n > 0 && n < (int)sizeof name ? loom_dataset_demo_index(dataset, name) : -1;
}

static bool is_damaged(const loomDataset* dataset, const char* path) {
  int number = dataset->probe ? demo_of(dataset, path) : -1;
  if (number >= 0) return loom_h5_probe_damaged(dataset->probe, number);

  for (int i = 0; i < dataset->ndamaged; i++) {
    if (dataset->damaged[i] >= dataset->paths.n) continue;  // the demos are not listed yet
    const char* demo = dataset->paths.name[dataset->damaged[i]];
    size_t n = strlen(demo);
    if (!strncmp(path, demo, n) && (path[n] == '/' || !path[n])) return true;
  }
  return false;
}

// *absent: there is nothing of that name, not even something that cannot be opened.
static int walk(hid_t* out, bool* absent, const loomDataset* dataset, const char* object, const char* name,
                loomError* err) {
  *out = -1;
  *absent = false;
  char path[512], where[1024], room[LOOM_INDEX_PATH];
  dataset = loom_index_home(&object, room, dataset);
  int length = snprintf(path, sizeof path, "%s/%s", object, name);
  if (length < 0 || (size_t)length >= sizeof path)
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: the name '%.80s...' is too long", dataset->path, path);

  // Messages name the file and the path in it.
  const char* shown = path + strspn(path, "/");
  snprintf(where, sizeof where, "%s: %s", dataset->path, shown);
  size_t end = strlen(where);
  while (end && where[end - 1] == '/') where[--end] = '\0';

  if (is_damaged(dataset, shown))
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: so damaged that HDF5 itself fails on it", where);

  // Component by component, so that each link is looked at before it is followed.
  hid_t at = H5Gopen2(dataset->file, "/", H5P_DEFAULT);
  if (at < 0) return loom_error_set(err, LOOM_ERR_FORMAT, "%s: the root group is damaged", dataset->path);
  char* rest = NULL;
  for (char* part = strtok_r(path, "/", &rest); part; part = strtok_r(NULL, "/", &rest)) {
    hid_t next = -1;
    int status = open_child(&next, absent, at, part, where, err);
    loom_h5_close(at);
    if (status) return status;
    at = next;
  }

  *out = at;
  return LOOM_OK;
}

int loom_h5_open(hid_t* out, const loomDataset* dataset, const char* object, const char* name,
                 loomError* err) {
  bool absent;
  return walk(out, &absent, dataset, object, name, err);
}

bool loom_dataset_has(const loomDataset* dataset, const char* object, const char* name) {
  loom_h5_quiet();
  bool absent;
  hid_t at = -1;
  walk(&at, &absent, dataset, object, name, NULL);
  loom_h5_close(at);
  return !absent;
}

static herr_t add_link(hid_t group, const char* name, const H5L_info_t* info, void* user) {
  (void)group;
  (void)info;
  loomNames* names = user;
  if (names->n >= LINKS_MAX) return -1;
  return loom_names_add(names, name) ? -1 : 0;
}

int loom_h5_links(loomNames* out, hid_t group, const char* where, loomError* err) {
  memset(out, 0, sizeof *out);

  hsize_t at = 0;
  char reason[LOOM_H5_REASON];
  int status = LOOM_OK;
  if (H5Literate(group, H5_INDEX_NAME, H5_ITER_NATIVE, &at, add_link, out) < 0)
    status = loom_error_set(err, LOOM_ERR_FORMAT, "%s: the list of its members is damaged (%s)", where,
                            loom_h5_reason(reason));

  loom_names_sort(out);
  return status;
}
