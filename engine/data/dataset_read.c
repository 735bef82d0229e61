// Reading: opening a file, its demos, attributes and arrays. Every size is checked against the file before
// use.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/data/dataset_internal.h"

static const int64_t attr_bytes_max = (int64_t)64 << 20;

// ---- opening

static int open_error(const char* path, int64_t size, loomError* err) {
  char reason[LOOM_H5_REASON];
  loom_h5_reason(reason);
  if (strstr(reason, "truncated"))
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: cut short at %lld bytes (%s); fetch or copy it again",
                          path, (long long)size, reason);
  return loom_error_set(err, LOOM_ERR_FORMAT, "%s: not a readable HDF5 file (%s)", path, reason);
}

static hid_t read_plist(void) {
  hid_t fapl = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fclose_degree(fapl, H5F_CLOSE_STRONG);
#if H5_VERSION_GE(1, 10, 7)
  // Our files appear whole by rename, and locks fail on read-only and some network file systems.
  H5Pset_file_locking(fapl, false, true);
#endif
  return fapl;
}

static int list_demos(loomDataset* ds, hid_t data, loomError* err) {
  loomNames links;
  loomError damage = {0};
  int status = loom_h5_links(&links, data, "data", &damage);
  for (int i = 0; i < links.n && status != LOOM_ERR_MEMORY; i++) {
    // Arrays beside the demos are none; anything else is listed, so that what is wrong with it can be said.
    H5O_info_t info;
    if (loom_h5_is_hard_link(data, links.name[i]) &&
        H5Oget_info_by_name(data, links.name[i], &info, H5P_DEFAULT) >= 0 && info.type != H5O_TYPE_GROUP)
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
  if (status && asprintf(&ds->warning, "%s: %s; demos may be missing", ds->path, damage.message) < 0)
    ds->warning = NULL;
  return LOOM_OK;
}

static int find_demos(loomDataset* ds, loomError* err) {
  loomError why = {0};
  hid_t data = -1;

  int status = loom_h5_open(&data, ds, "data", "", &why);
  if (!status && H5Iget_type(data) != H5I_GROUP)
    status = loom_error_set(&why, LOOM_ERR_FORMAT, "%s: 'data' is no group", ds->path);
  if (status)
    loom_error_set(err, status, "%s; a dataset has a group 'data' with one group a demo", why.message);
  else
    status = list_demos(ds, data, err);

  loom_h5_close(data);
  return status;
}

static int warn_of_damaged(loomDataset* ds, loomError* err) {
  if (ds->ndamaged && ds->damaged[ds->ndamaged - 1] >= ds->demos.n)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: changed while it was opened", ds->path);
  if (!ds->ndamaged || ds->warning) return LOOM_OK;

  const char* first = ds->demos.name[ds->damaged[0]];
  int length = ds->ndamaged == 1
                   ? asprintf(&ds->warning, "%s: %s is damaged and cannot be used", ds->path, first)
                   : asprintf(&ds->warning, "%s: %s and %d more demos are damaged and cannot be used",
                              ds->path, first, ds->ndamaged - 1);
  if (length < 0) ds->warning = NULL;
  return LOOM_OK;
}

// Let children read the file, as far as it is not trusted.
static int try_reading(loomDataset* ds, loomTrust trust, bool cut_short, loomError* err) {
  // The end of a file that was cut short is damage by itself, however well the rest reads.
  if (trust == LOOM_TRUST_ALL || (!cut_short && loom_h5_is_trusted(&ds->stat))) return LOOM_OK;
  ds->settled = !cut_short && loom_h5_is_settled(&ds->stat);
  if (trust == LOOM_TRUST_SOON) return loom_h5_probe_begin(&ds->probe, ds->path, ds->stat.st_size, err);

  int status = loom_h5_probe(ds->damaged, &ds->ndamaged, ds->path, ds->stat.st_size, cut_short, err);

  // The mark was taken before the reading: a file that changed meanwhile does not bear it any more.
  if (!status && !ds->ndamaged && ds->settled) loom_h5_trust(&ds->stat);
  return status;
}

int loom_h5_open_file(loomDataset** out, const char* path, loomTrust trust, bool cut_short, loomError* err) {
  *out = NULL;
  loom_h5_quiet();

  // Only regular files: a pipe or a device would let the reading wait for ever.
  struct stat st;
  if (stat(path, &st))
    return loom_error_set(err, LOOM_ERR_IO, "%s: cannot be opened (%s)", path, strerror(errno));
  if (!S_ISREG(st.st_mode)) return loom_error_set(err, LOOM_ERR_IO, "%s: not a regular file", path);

  loomDataset* ds = calloc(1, sizeof *ds);
  if (!ds || !(ds->path = strdup(path))) {
    free(ds);
    return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path);
  }
  ds->file = -1;
  ds->stat = st;
  int status = try_reading(ds, trust, cut_short, err);

  // Only our own driver opens a file whose end is missing.
  ds->disk.cut_short = cut_short;
  hid_t fapl = cut_short ? loom_h5_disk_plist(&ds->disk) : read_plist();
  if (!status && (ds->file = H5Fopen(path, H5F_ACC_RDONLY, fapl)) < 0)
    status = open_error(path, st.st_size, err);
  H5Pclose(fapl);

  if (!status) status = find_demos(ds, err);
  if (!status) status = warn_of_damaged(ds, err);
  if (status)
    loom_dataset_close(ds);
  else
    *out = ds;
  return status;
}

int loom_dataset_open(loomDataset** out, const char* path, loomError* err) {
  return loom_h5_open_file(out, path, LOOM_TRUST_NONE, false, err);
}

int loom_dataset_open_trusted(loomDataset** out, const char* path, loomError* err) {
  return loom_h5_open_file(out, path, LOOM_TRUST_ALL, false, err);
}

int loom_dataset_open_rest(loomDataset** out, const char* path, loomError* err) {
  loomError why = {0};

  int status = loom_h5_open_file(out, path, LOOM_TRUST_SOON, false, err);
  if (status != LOOM_ERR_FORMAT || loom_h5_open_file(out, path, LOOM_TRUST_NONE, true, &why)) return status;

  // It is the end that is missing, and the index is not there.
  free((*out)->warning);
  if (asprintf(&(*out)->warning, "%s: cut short at %lld bytes: demos whose data lay behind that are lost",
               path, (long long)(*out)->stat.st_size) < 0)
    (*out)->warning = NULL;
  return LOOM_OK;
}

bool loom_dataset_is_cut(const loomDataset* ds) {
  return ds->disk.cut_short;
}

bool loom_dataset_ready(const loomDataset* ds, int demo) {
  return !ds->probe || loom_h5_probe_passed(ds->probe, demo);
}

void loom_dataset_close(loomDataset* ds) {
  if (!ds) return;
  loom_h5_quiet();
  if (ds->probe && ds->settled && loom_h5_probe_clean(ds->probe)) loom_h5_trust(&ds->stat);
  loom_h5_probe_end(ds->probe);
  loom_h5_close(ds->file);
  loom_names_destroy(&ds->demos);
  loom_names_destroy(&ds->paths);
  free(ds->path);
  free(ds->warning);
  free(ds);
}

const char* loom_dataset_path(const loomDataset* ds) {
  return ds->path;
}

const char* loom_dataset_warning(const loomDataset* ds) {
  return ds->warning;
}

int loom_dataset_demo_count(const loomDataset* ds) {
  return ds->demos.n;
}

const char* loom_dataset_demo_name(const loomDataset* ds, int demo) {
  return ds->demos.name[demo];
}

const char* loom_dataset_demo_path(const loomDataset* ds, int demo) {
  return ds->paths.name[demo];
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

// ---- attributes

// Open an attribute that holds exactly one value; *type is its type in the file.
static int open_attr(hid_t* out, hid_t* type, const loomDataset* ds, const char* object, const char* name,
                     loomError* err) {
  loom_h5_quiet();
  *out = *type = -1;

  hid_t at = -1;
  int status = loom_h5_open(&at, ds, object, "", err);
  if (status) return status;
  if (H5Aexists(at, name) <= 0) {
    loom_h5_close(at);
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s has no attribute '%s'", ds->path,
                          *object ? object : "/", name);
  }

  // One value, of a size that a text may have: what is damaged claims any number.
  hid_t attr = H5Aopen(at, name, H5P_DEFAULT);
  loom_h5_close(at);
  hid_t space = attr < 0 ? -1 : H5Aget_space(attr);
  bool one = space >= 0 && H5Sget_simple_extent_npoints(space) == 1;
  bool fits = one && H5Aget_storage_size(attr) <= (hsize_t)attr_bytes_max;
  loom_h5_close(space);

  hid_t found = fits ? H5Aget_type(attr) : -1;
  if (found < 0) {
    loom_h5_close(attr);
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s: %s: the attribute '%s' is damaged or holds more than one value", ds->path,
                          object, name);
  }

  *out = attr;
  *type = found;
  return LOOM_OK;
}

static char* read_variable_string(hid_t attr, hid_t file_type) {
  hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, H5T_VARIABLE);
  H5Tset_cset(type, H5Tget_cset(file_type));

  char *text = NULL, *copy = NULL;
  if (H5Aread(attr, type, &text) >= 0) copy = strdup(text ? text : "");
  if (text) H5free_memory(text);
  H5Tclose(type);
  return copy;
}

static char* read_fixed_string(hid_t attr, hid_t file_type) {
  size_t size = H5Tget_size(file_type);
  if (!size || size > (size_t)attr_bytes_max) return NULL;
  char* text = calloc(size + 1, 1);
  if (!text) return NULL;
  if (H5Aread(attr, file_type, text) < 0) {
    free(text);
    return NULL;
  }

  // Fortran's way of padding.
  if (H5Tget_strpad(file_type) == H5T_STR_SPACEPAD)
    for (size_t end = size; end && text[end - 1] == ' '; end--) text[end - 1] = '\0';
  return text;
}

int loom_dataset_attr_string(char** out, const loomDataset* ds, const char* object, const char* name,
                             loomError* err) {
  *out = NULL;
  hid_t attr, type;
  int status = open_attr(&attr, &type, ds, object, name, err);
  if (status) return status;

  char reason[LOOM_H5_REASON] = "it is no string";
  if (H5Tget_class(type) == H5T_STRING) {
    *out = H5Tis_variable_str(type) > 0 ? read_variable_string(attr, type) : read_fixed_string(attr, type);
    if (!*out) loom_h5_reason(reason);
  }
  H5Tclose(type);
  H5Aclose(attr);
  if (!*out)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s: the attribute '%s' cannot be read as text (%s)",
                          ds->path, object, name, reason);
  return LOOM_OK;
}

static int read_number(void* out, hid_t as, bool reals, const loomDataset* ds, const char* object,
                       const char* name, loomError* err) {
  hid_t attr, type;
  int status = open_attr(&attr, &type, ds, object, name, err);
  if (status) return status;

  H5T_class_t kind = H5Tget_class(type);
  bool number = kind == H5T_INTEGER || kind == H5T_ENUM || (reals && kind == H5T_FLOAT);
  bool done = number && H5Aread(attr, as, out) >= 0;
  H5Tclose(type);
  H5Aclose(attr);
  if (!done)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s: the attribute '%s' is not %s", ds->path, object,
                          name, reals ? "a number" : "an integer");
  return LOOM_OK;
}

int loom_dataset_attr_int(int64_t* out, const loomDataset* ds, const char* object, const char* name,
                          loomError* err) {
  *out = 0;
  return read_number(out, H5T_NATIVE_INT64, false, ds, object, name, err);
}

int loom_dataset_attr_double(double* out, const loomDataset* ds, const char* object, const char* name,
                             loomError* err) {
  *out = 0;
  return read_number(out, H5T_NATIVE_DOUBLE, true, ds, object, name, err);
}

bool loom_dataset_has_attr(const loomDataset* ds, const char* object, const char* name) {
  loom_h5_quiet();
  hid_t at = -1;
  if (loom_h5_open(&at, ds, object, "", NULL)) return false;
  bool has = H5Aexists(at, name) > 0;
  loom_h5_close(at);
  return has;
}

static herr_t add_attr(hid_t object, const char* name, const H5A_info_t* info, void* user) {
  (void)object;
  (void)info;
  return loom_names_add(user, name) ? -1 : 0;
}

int loom_dataset_attr_names(loomNames* out, const loomDataset* ds, const char* object, loomError* err) {
  memset(out, 0, sizeof *out);
  loom_h5_quiet();
  hid_t at = -1;
  int status = loom_h5_open(&at, ds, object, "", err);
  if (status) return status;

  hsize_t from = 0;
  char reason[LOOM_H5_REASON];
  if (H5Aiterate2(at, H5_INDEX_NAME, H5_ITER_INC, &from, add_attr, out) < 0)
    status = loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s: its attributes are damaged (%s)", ds->path, object,
                            loom_h5_reason(reason));
  loom_h5_close(at);
  if (status) loom_names_destroy(out);
  return status;
}
