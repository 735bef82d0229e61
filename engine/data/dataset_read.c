// Reading: demos and attributes, compared with what was written. Every size is checked against the file
// before use.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/data/dataset_internal.h"

static const int64_t attr_bytes_max = (int64_t)64 << 20;

int loom_dataset_demo_count(const loomDataset* ds) {
  return ds->demos.n;
}

const char* loom_dataset_demo_name(const loomDataset* ds, int demo) {
  return ds->demos.name[demo];
}

const char* loom_dataset_demo_path(const loomDataset* ds, int demo) {
  return ds->paths.name[demo];
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

int loom_h5_attr_string(char** out, const loomDataset* ds, const char* object, const char* name,
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

int loom_h5_attr_int(int64_t* out, const loomDataset* ds, const char* object, const char* name,
                     loomError* err) {
  *out = 0;
  return read_number(out, H5T_NATIVE_INT64, false, ds, object, name, err);
}

int loom_h5_attr_double(double* out, const loomDataset* ds, const char* object, const char* name,
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

// ---- comparing with digests

int loom_digest_read(char** lines, const loomDataset* ds, const char* object, loomError* err) {
  *lines = NULL;
  if (!loom_dataset_has_attr(ds, object, LOOM_DIGEST_ATTR)) return LOOM_OK;
  return loom_h5_attr_string(lines, ds, object, LOOM_DIGEST_ATTR, err);
}

void loom_dataset_read_as_is(loomDataset* ds) {
  ds->compares = false;
}

// The hash written of a part, as remembered or read now.
static int recall(uint64_t* written, bool* known, const loomDataset* ds, const char* demo, const char* part,
                  loomError* err) {
  loomDigestMemory* memory = ds->memory;
  int status = LOOM_OK;
  pthread_mutex_lock(&memory->lock);

  if (strcmp(memory->demo, demo) != 0) {
    free(memory->lines);
    memory->demo[0] = '\0';
    status = loom_digest_read(&memory->lines, ds, demo, err);
    if (!status) snprintf(memory->demo, sizeof memory->demo, "%s", demo);
  }

  // A demo without digests, or a part without a line, is of another program.
  *known = !status && memory->lines && loom_digest_find(written, memory->lines, part);
  pthread_mutex_unlock(&memory->lock);
  return status;
}

int loom_digest_compare(const loomDataset* ds, const char* object, const char* name, uint64_t hash,
                        loomError* err) {
  static const char data[] = "data/";
  char demo[sizeof ds->memory->demo], part[LOOM_DIGEST_PART], room[LOOM_INDEX_PATH];
  ds = loom_index_home(&object, room, ds);
  if (!ds->compares || strncmp(object, data, sizeof data - 1)) return LOOM_OK;

  // What comes after the demo in the object's path belongs to the part's name.
  const char* inside = loom_digest_inside(object);
  snprintf(demo, sizeof demo, "%.*s", (int)(inside ? inside - 1 - object : (ptrdiff_t)strlen(object)),
           object);
  loom_digest_part(part, object, name);

  uint64_t written;
  bool known;
  int status = recall(&written, &known, ds, demo, part, err);
  if (status || !known || written == hash) return status;
  return loom_error_set(err, LOOM_ERR_FORMAT,
                        "%s: %s/%s is not as it was written: damaged, or changed by another program since; "
                        "fetch or copy it again, or go on with the other demos by --skip-damaged (where the "
                        "change is meant, remove the attribute %s of %s)",
                        ds->path, demo, part, LOOM_DIGEST_ATTR, demo);
}

static int compare_attr(const loomDataset* ds, const char* object, const loomAttr* attr, loomError* err) {
  char label[300];
  snprintf(label, sizeof label, "@%.250s", attr->name);
  return ds->compares ? loom_digest_compare(ds, object, label, loom_digest_attr(attr), err) : LOOM_OK;
}

int loom_dataset_attr_string(char** out, const loomDataset* ds, const char* object, const char* name,
                             loomError* err) {
  int status = loom_h5_attr_string(out, ds, object, name, err);
  if (status) return status;

  const loomAttr attr = loom_attr_string(name, *out);
  status = compare_attr(ds, object, &attr, err);
  if (!status) return LOOM_OK;
  free(*out);
  *out = NULL;
  return status;
}

int loom_dataset_attr_int(int64_t* out, const loomDataset* ds, const char* object, const char* name,
                          loomError* err) {
  int status = loom_h5_attr_int(out, ds, object, name, err);
  const loomAttr attr = loom_attr_int(name, *out);
  return status ? status : compare_attr(ds, object, &attr, err);
}

int loom_dataset_attr_double(double* out, const loomDataset* ds, const char* object, const char* name,
                             loomError* err) {
  loomAttr attr = loom_attr_double(name, 0);
  int status = loom_h5_attr_double(out, ds, object, name, err);
  if (status || !ds->compares) return status;

  // The digest is that of the type in the file.
  attr.real = *out;
  if (!loom_h5_attr_int(&attr.integer, ds, object, name, NULL)) attr.type = LOOM_TYPE_I64;
  return compare_attr(ds, object, &attr, err);
}
