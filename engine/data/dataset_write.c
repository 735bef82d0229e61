// Writing: attributes, arrays and whole demos. Nothing written carries a time stamp, so equal input gives
// equal bytes.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/data/dataset_internal.h"

// Arrays under this are stored as they are: a chunk index and a gzip header would cost more than they save.
static const int64_t plain_bytes_max = 512;
// Rows go into chunks of about this size: small arrays are one chunk, images can be read a few rows at a
// time.
static const int64_t chunk_bytes = 1 << 20;

loomAttr loom_attr_string(const char* name, const char* text) {
  return (loomAttr){.name = name, .type = LOOM_TYPE_STR, .text = text};
}

loomAttr loom_attr_int(const char* name, int64_t value) {
  return (loomAttr){.name = name, .type = LOOM_TYPE_I64, .integer = value};
}

loomAttr loom_attr_double(const char* name, double value) {
  return (loomAttr){.name = name, .type = LOOM_TYPE_F64, .real = value};
}

loomWriteDef loom_default_write_def(void) {
  return (loomWriteDef){.gzip = 1, .shuffle = true};
}

// A demo's arrays have few chunks; the default index node (64 entries) costs 2.6 KB for each of them.
enum { INDEX_HALF_NODE = 4 };

hid_t loom_h5_create_plist(void) {
  hid_t plist = H5Pcreate(H5P_FILE_CREATE);
  H5Pset_istore_k(plist, INDEX_HALF_NODE);
  return plist;
}

bool loom_h5_is_own(hid_t file) {
  unsigned half = 0;
  hid_t plist = H5Fget_create_plist(file);
  bool own = plist >= 0 && H5Pget_istore_k(plist, &half) >= 0 && half == INDEX_HALF_NODE;
  loom_h5_close(plist);
  return own;
}

hid_t loom_h5_group(hid_t parent, const char* name) {
  hid_t plist = H5Pcreate(H5P_GROUP_CREATE);
  H5Pset_obj_track_times(plist, false);
  hid_t group = H5Gcreate2(parent, name, H5P_DEFAULT, plist, H5P_DEFAULT);
  H5Pclose(plist);
  return group;
}

int loom_h5_put_attr(hid_t object, const loomAttr* attr, const char* where, loomError* err) {
  hid_t space = H5Screate(H5S_SCALAR), type;
  const void* value = &attr->integer;
  if (attr->type == LOOM_TYPE_STR) {
    type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    value = &attr->text;
  } else if (attr->type == LOOM_TYPE_F64) {
    type = H5Tcopy(H5T_IEEE_F64LE);
    value = &attr->real;
  } else {
    type = H5Tcopy(H5T_STD_I64LE);
  }

  hid_t memory = attr->type == LOOM_TYPE_STR   ? type
                 : attr->type == LOOM_TYPE_F64 ? H5T_NATIVE_DOUBLE
                                               : H5T_NATIVE_INT64;

  // Written again it replaces the old one.
  char reason[LOOM_H5_REASON];
  int status = LOOM_OK;
  if (H5Aexists(object, attr->name) > 0) H5Adelete(object, attr->name);
  hid_t id = H5Acreate2(object, attr->name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  if (id < 0 || H5Awrite(id, memory, value) < 0)
    status = loom_error_set(err, LOOM_ERR_IO, "%s: the attribute '%s' cannot be written (%s)", where,
                            attr->name, loom_h5_reason(reason));

  loom_h5_close(id);
  H5Tclose(type);
  H5Sclose(space);
  return status;
}

int loom_h5_put_attr_and_line(hid_t object, const loomAttr* attr, loomText* lines, const char* where,
                              loomError* err) {
  char name[300], path[256];
  const char* at = strstr(attr->name, "/@");
  snprintf(name, sizeof name, "%s%.250s", at ? "" : "@", attr->name);
  loom_digest_set(lines, name, loom_digest_attr(attr));
  if (!at) return loom_h5_put_attr(object, attr, where, err);

  // Of a group in the object, which is made where it is not there.
  snprintf(path, sizeof path, "%.*s", (int)(at - attr->name), attr->name);
  bool there = H5Lexists(object, path, H5P_DEFAULT) > 0;
  hid_t group = there ? H5Gopen2(object, path, H5P_DEFAULT) : loom_h5_group(object, path);
  if (group < 0) return loom_error_set(err, LOOM_ERR_IO, "%s: the group '%s' cannot be made", where, path);

  loomAttr inner = *attr;
  inner.name = at + 2;
  int status = loom_h5_put_attr(group, &inner, where, err);
  H5Gclose(group);
  return status;
}

int loom_h5_put_digest(hid_t object, const loomText* lines, const char* where, loomError* err) {
  if (lines->failed) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", where);
  loomAttr attr = loom_attr_string(LOOM_DIGEST_ATTR, lines->n ? lines->s : "");
  return loom_h5_put_attr(object, &attr, where, err);
}

static int64_t field_count(const loomField* field) {
  int64_t count = 1;
  for (int i = 0; i < field->rank; i++) count *= field->shape[i];
  return count;
}

// Strings of one array share the length of the longest; numpy calls that dtype 'S'.
static char* pack_fixed(const char* const* text, int64_t n, size_t* length) {
  *length = 1;
  for (int64_t i = 0; i < n; i++)
    if (strlen(text[i]) > *length) *length = strlen(text[i]);

  char* block = calloc((size_t)n + 1, *length);
  for (int64_t i = 0; block && i < n; i++) memcpy(block + (size_t)i * *length, text[i], strlen(text[i]));
  return block;
}

static hid_t file_type(loomType type, size_t length) {
  switch (type) {
    case LOOM_TYPE_F64:
      return H5Tcopy(H5T_IEEE_F64LE);
    case LOOM_TYPE_F32:
      return H5Tcopy(H5T_IEEE_F32LE);
    case LOOM_TYPE_I64:
      return H5Tcopy(H5T_STD_I64LE);
    case LOOM_TYPE_I32:
      return H5Tcopy(H5T_STD_I32LE);
    case LOOM_TYPE_U8:
      return H5Tcopy(H5T_STD_U8LE);
    default:
      break;
  }
  hid_t text = H5Tcopy(H5T_C_S1);
  H5Tset_size(text, length);
  H5Tset_strpad(text, H5T_STR_NULLPAD);
  return text;
}

static hid_t layout_plist(const loomField* field, const loomWriteDef* def, int64_t item_bytes) {
  hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_obj_track_times(plist, false);
  int64_t bytes = field_count(field) * item_bytes;
  if (def->gzip <= 0 || field->rank < 1 || bytes <= plain_bytes_max) return plist;

  // Whole rows in a chunk, as many as make up its size.
  int64_t row_bytes = bytes / field->shape[0];
  int64_t rows = row_bytes > 0 ? chunk_bytes / row_bytes : 1;
  rows = rows < 1 ? 1 : rows > field->shape[0] ? field->shape[0] : rows;

  hsize_t chunk[LOOM_RANK_MAX];
  for (int i = 0; i < field->rank; i++) chunk[i] = (hsize_t)(i ? field->shape[i] : rows);
  H5Pset_chunk(plist, field->rank, chunk);

  if (def->shuffle && item_bytes > 1) H5Pset_shuffle(plist);
  H5Pset_deflate(plist, (unsigned)def->gzip);
  return plist;
}

static int check_field(const loomField* field, const char* where, loomError* err) {
  bool good =
      field->rank >= 0 && field->rank <= LOOM_RANK_MAX && (field->type != LOOM_TYPE_STR || field->rank == 1);

  int64_t count = 1;
  for (int i = 0; good && i < field->rank; i++)
    good = field->shape[i] >= 0 && !__builtin_mul_overflow(count, field->shape[i], &count);

  good = good && (field->data || !count);
  if (good) return LOOM_OK;
  return loom_error_set(err, LOOM_ERR_USAGE, "%s: '%s' has no data or a shape that cannot be written", where,
                        field->path);
}

// Old-format groups hold no times, so those made on the way to path need no property list of their own.
static hid_t create_dataset(hid_t group, const loomField* field, const loomWriteDef* def, size_t length) {
  hsize_t dims[LOOM_RANK_MAX];
  for (int i = 0; i < field->rank; i++) dims[i] = (hsize_t)field->shape[i];
  hid_t space = field->rank ? H5Screate_simple(field->rank, dims, NULL) : H5Screate(H5S_SCALAR);
  hid_t type = file_type(field->type, length);
  hid_t plist = layout_plist(field, def, (int64_t)H5Tget_size(type));
  hid_t links = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group(links, 1);

  hid_t dset = H5Dcreate2(group, field->path, type, space, links, plist, H5P_DEFAULT);
  H5Pclose(links);
  H5Pclose(plist);
  H5Tclose(type);
  H5Sclose(space);
  return dset;
}

int loom_h5_put_field(hid_t group, const loomField* field, const loomWriteDef* def, const char* where,
                      loomError* err) {
  int status = check_field(field, where, err);
  if (status) return status;

  int64_t count = field_count(field);
  size_t length = 1;
  char* packed = NULL;
  const void* data = field->data;
  if (field->type == LOOM_TYPE_STR) {
    packed = pack_fixed((const char* const*)field->data, count, &length);
    if (!packed) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", where);
    data = packed;
  }

  char reason[LOOM_H5_REASON];
  hid_t dset = create_dataset(group, field, def, length);
  hid_t memory = field->type == LOOM_TYPE_STR   ? file_type(LOOM_TYPE_STR, length)
                 : field->type == LOOM_TYPE_F64 ? H5Tcopy(H5T_NATIVE_DOUBLE)
                 : field->type == LOOM_TYPE_F32 ? H5Tcopy(H5T_NATIVE_FLOAT)
                 : field->type == LOOM_TYPE_I64 ? H5Tcopy(H5T_NATIVE_INT64)
                 : field->type == LOOM_TYPE_I32 ? H5Tcopy(H5T_NATIVE_INT32)
                                                : H5Tcopy(H5T_NATIVE_UINT8);
  if (dset < 0 || (count > 0 && H5Dwrite(dset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0))
    status = loom_error_set(err, LOOM_ERR_IO, "%s: '%s' cannot be written (%s)", where, field->path,
                            loom_h5_reason(reason));

  loom_h5_close(dset);
  H5Tclose(memory);
  free(packed);
  return status;
}

int loom_h5_put_mask(hid_t file, const char* name, char* const* demo, int n, loomText* lines,
                     const char* where, loomError* err) {
  char path[256];
  snprintf(path, sizeof path, "mask/%s", name);

  // numpy refuses an array of no strings of no length only when reading it as text, so an empty mask keeps
  // length 1.
  loomField field = {.path = path, .type = LOOM_TYPE_STR, .rank = 1, .shape = {n}, .data = demo};
  loomWriteDef plain = {0};

  // A mask of that name is replaced.
  if (H5Lexists(file, "mask", H5P_DEFAULT) > 0) {
    if (!loom_h5_is_hard_link(file, "mask"))
      return loom_error_set(err, LOOM_ERR_FORMAT, "%s: 'mask' is a link that may lead out of the file",
                            where);
    if (H5Lexists(file, path, H5P_DEFAULT) > 0) H5Ldelete(file, path, H5P_DEFAULT);
  }
  if (lines) loom_digest_set(lines, path, loom_digest_array(field.type, 1, field.shape, demo));
  return loom_h5_put_field(file, &field, &plain, where, err);
}

// ---- shards

static int64_t record_rows(const loomRecord* record) {
  for (int i = 0; i < record->nattr; i++)
    if (!strcmp(record->attr[i].name, "num_samples")) return record->attr[i].integer;
  for (int i = 0; i < record->nfield; i++)
    if (!strcmp(record->field[i].path, "actions") && record->field[i].rank > 0)
      return record->field[i].shape[0];
  return 0;
}

static int put_record(hid_t data, const loomRecord* record, const loomWriteDef* def, const char* path,
                      loomError* err) {
  char where[1024];
  snprintf(where, sizeof where, "%s: data/%s", path, record->name);
  hid_t group = loom_h5_group(data, record->name);
  if (group < 0)
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: cannot be made; is the name used twice?", where);

  // First what readers count by, then what the record says, which wins.
  loomText lines = {0};
  loomAttr samples = loom_attr_int("num_samples", record_rows(record));
  loom_digest_set(&lines, LOOM_DIGEST_NAME, loom_digest_text(record->name));
  int status = loom_h5_put_attr_and_line(group, &samples, &lines, where, err);
  for (int i = 0; i < record->nattr && !status; i++)
    status = loom_h5_put_attr_and_line(group, &record->attr[i], &lines, where, err);

  for (int i = 0; i < record->nfield && !status; i++) {
    const loomField* field = &record->field[i];
    status = loom_h5_put_field(group, field, def, where, err);
    if (!status)
      loom_digest_set(&lines, field->path,
                      loom_digest_array(field->type, field->rank, field->shape, field->data));
  }

  if (!status) status = loom_h5_put_digest(group, &lines, where, err);
  loom_text_destroy(&lines);
  H5Gclose(group);
  return status;
}

static int put_records(hid_t file, const loomRecord* record, int n, const loomWriteDef* def, const char* path,
                       loomError* err) {
  hid_t data = loom_h5_group(file, "data");
  if (data < 0) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: the group 'data' cannot be made", path);

  int64_t total = 0;
  int status = LOOM_OK;
  loomNames names = {0};
  for (int i = 0; i < n && !status; i++) {
    status = put_record(data, &record[i], def, path, err);
    total += record_rows(&record[i]);
    if (!status && loom_names_add(&names, record[i].name))
      status = loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path);
  }
  loom_names_sort(&names);

  // What is beside the demos.
  loomText lines = {0};
  loomAttr attr = loom_attr_int("total", total);
  loom_digest_set(&lines, LOOM_DIGEST_DEMOS, loom_digest_names(&names));
  if (!status) status = loom_h5_put_attr_and_line(data, &attr, &lines, path, err);
  if (!status) status = loom_h5_put_digest(data, &lines, path, err);

  loom_text_destroy(&lines);
  loom_names_destroy(&names);
  H5Gclose(data);
  return status;
}

// The file as bytes: it never touches the disk while HDF5 works on it, so a full disk cannot upset HDF5.
static int build_image(void** image, size_t* size, const loomRecord* record, int n, const loomWriteDef* def,
                       const char* path, loomError* err) {
  *image = NULL;
  hid_t fapl = H5Pcreate(H5P_FILE_ACCESS), fcpl = loom_h5_create_plist();
  H5Pset_fapl_core(fapl, 1 << 18, false);
  H5Pset_libver_bounds(fapl, H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST);

  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, fcpl, fapl);
  H5Pclose(fcpl);
  H5Pclose(fapl);
  if (file < 0) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: no memory to build the file in", path);

  int status = put_records(file, record, n, def, path, err);
  if (!status) {
    H5Fflush(file, H5F_SCOPE_GLOBAL);
    ssize_t bytes = H5Fget_file_image(file, NULL, 0);
    *image = bytes > 0 ? malloc((size_t)bytes) : NULL;
    *size = *image ? (size_t)bytes : 0;
    if (!*image || H5Fget_file_image(file, *image, *size) != bytes)
      status = loom_error_set(err, LOOM_ERR_MEMORY, "%s: no memory to build the file in", path);
  }

  H5Fclose(file);
  if (status) {
    free(*image);
    *image = NULL;
  }
  return status;
}

int loom_shard_write(const char* path, const loomRecord* record, int n, const loomWriteDef* def,
                     loomError* err) {
  loom_h5_quiet();
  loomWriteDef standard = loom_default_write_def();
  void* image = NULL;
  size_t size = 0;

  int status = build_image(&image, &size, record, n, def ? def : &standard, path, err);
  if (!status) status = loom_h5_write_sealed(path, image, size, err);
  free(image);
  return status;
}
