// Reading arrays: every shape and size is checked against what the file holds before anything is allocated.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/data/dataset_internal.h"

// A chunk HDF5 must hold in memory at once, and the most any one array may take.
static const int64_t chunk_bytes_max = (int64_t)1 << 30;
static const int64_t array_bytes_max = (int64_t)64 << 30;
// Below this an array may claim more than it stores (fill values); above, gzip's best ratio (1032) is the
// bound.
static const int64_t small_bytes = (int64_t)16 << 20;
static const int64_t gzip_ratio_max = 1100;

enum { VISIT_DEPTH_MAX = 16, VISIT_LINKS_MAX = 100 * 1000 };

// The type a file's type is read as; -1 for kinds we do not read (compound, reference, ...).
static int type_of(hid_t type) {
  size_t size = H5Tget_size(type);
  switch (H5Tget_class(type)) {
    case H5T_FLOAT:
      return size <= 4 ? LOOM_TYPE_F32 : size <= 8 ? LOOM_TYPE_F64 : -1;
    case H5T_INTEGER:
      if (size == 1 && H5Tget_sign(type) == H5T_SGN_NONE) return LOOM_TYPE_U8;
      return size < 4 || (size == 4 && H5Tget_sign(type) == H5T_SGN_2) ? LOOM_TYPE_I32
             : size <= 8                                               ? LOOM_TYPE_I64
                                                                       : -1;
    case H5T_ENUM:
      return size == 1 ? LOOM_TYPE_U8 : size <= 4 ? LOOM_TYPE_I32 : -1;
    case H5T_STRING:
      return LOOM_TYPE_STR;
    default:
      return -1;
  }
}

static const char* class_name(hid_t type) {
  switch (H5Tget_class(type)) {
    case H5T_COMPOUND:
      return "compound (records of several fields)";
    case H5T_REFERENCE:
      return "references to other objects";
    case H5T_VLEN:
      return "lists of different lengths";
    case H5T_OPAQUE:
      return "opaque bytes";
    case H5T_ARRAY:
      return "arrays in an array";
    case H5T_BITFIELD:
      return "bit fields";
    default:
      return "of a type that is not known here";
  }
}

// Filters that others' HDF5 has, by the numbers that they are registered with, and what rewrites them.
static const struct {
  int number;
  const char* name;
} filter_names[] = {{4, "szip"},    {307, "bzip2"},        {32000, "lzf"}, {32001, "blosc"},
                    {32004, "lz4"}, {32008, "bitshuffle"}, {32013, "zfp"}, {32015, "zstd"},
                    {32017, "sz"},  {32026, "blosc2"}};

static int filter_error(int filter, const char* name, const char* where, loomError* err) {
  for (size_t i = 0; i < sizeof filter_names / sizeof *filter_names; i++)
    if (filter_names[i].number == filter) name = filter_names[i].name;
  return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                        "%s: compressed with the filter %s (%d), which this build cannot read; rewrite it "
                        "where it can be read, "
                        "with `h5repack -f GZIP=1 IN OUT`, or in h5py (which has lzf; hdf5plugin has others) "
                        "with compression='gzip'",
                        where, name[0] ? name : "of an unknown name", filter);
}

static int check_storage(hid_t dset, const char* where, loomError* err) {
  hid_t plist = H5Dget_create_plist(dset);
  if (plist < 0) return loom_error_set(err, LOOM_ERR_FORMAT, "%s: its header is damaged", where);

  int status = LOOM_OK;

  // Data in other files is not followed: a file from a stranger could have anything read.
  H5D_layout_t layout = H5Pget_layout(plist);
  if (layout < 0)
    status = loom_error_set(err, LOOM_ERR_FORMAT, "%s: its header is damaged", where);
  else if (layout == H5D_VIRTUAL || H5Pget_external_count(plist) != 0)
    status = loom_error_set(
        err, LOOM_ERR_UNSUPPORTED,
        "%s: its data lies in another file (%s), which is not followed; write a self-contained copy first",
        where, layout == H5D_VIRTUAL ? "a virtual dataset" : "external storage");

  // Only what this build of HDF5 can undo by itself.
  int filters = status ? 0 : H5Pget_nfilters(plist);
  for (int i = 0; i < filters && !status; i++) {
    unsigned flags, config;
    size_t nvalue = 0;
    char name[64] = "";
    H5Z_filter_t filter =
        H5Pget_filter2(plist, (unsigned)i, &flags, &nvalue, NULL, sizeof name, name, &config);
    // Built-in filters have numbers below 256; H5Zfilter_avail on others would go looking for plugins to
    // load.
    if (filter < 0 || filter >= 256 || H5Zfilter_avail(filter) <= 0)
      status = filter_error((int)filter, name, where, err);
  }

  // A chunk is unpacked as a whole, however few rows are asked for.
  if (!status && layout == H5D_CHUNKED) {
    hsize_t chunk[H5S_MAX_RANK];
    int rank = H5Pget_chunk(plist, H5S_MAX_RANK, chunk);
    hid_t type = H5Dget_type(dset);
    double bytes = (double)H5Tget_size(type);
    for (int i = 0; i < rank; i++) bytes *= (double)chunk[i];
    loom_h5_close(type);
    if (rank < 0 || !(bytes <= (double)chunk_bytes_max))
      status = loom_error_set(err, LOOM_ERR_FORMAT,
                              "%s: chunks of %.3g bytes are absurd; the file is damaged", where, bytes);
  }

  H5Pclose(plist);
  return status;
}

static int check_size(hid_t dset, double bytes, int64_t file_size, const char* where, loomError* err) {
  // What is stored bounds what can come out of it.
  double stored = (double)H5Dget_storage_size(dset);
  if (bytes > (double)array_bytes_max)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: %.3g bytes is more than the 64 GiB an array may have",
                          where, bytes);

  bool fill_only = bytes <= (double)small_bytes;
  if (stored > (double)file_size || (!fill_only && bytes > stored * (double)gzip_ratio_max))
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s: claims %.3g bytes, which is more than the file can hold; the file is damaged",
                          where, bytes);
  return LOOM_OK;
}

// Bytes of all elements, as they lie in the file.
static double bytes_of(hid_t type, int rank, const hsize_t* dims) {
  double bytes = (double)H5Tget_size(type);
  for (int i = 0; i < rank; i++) bytes *= (double)dims[i];
  return bytes;
}

int loom_h5_check_storage(hid_t dset, int64_t file_size, const char* where, loomError* err) {
  int status = check_storage(dset, where, err);
  if (status) return status;

  hid_t space = H5Dget_space(dset), type = H5Dget_type(dset);
  hsize_t dims[H5S_MAX_RANK];
  int rank = space < 0 ? -1 : H5Sget_simple_extent_dims(space, dims, NULL);
  status = rank < 0 || type < 0
               ? loom_error_set(err, LOOM_ERR_FORMAT, "%s: its shape or type is damaged", where)
               : check_size(dset, bytes_of(type, rank, dims), file_size, where, err);

  loom_h5_close(type);
  loom_h5_close(space);
  return status;
}

static hid_t memory_type(loomType type) {
  switch (type) {
    case LOOM_TYPE_F64:
      return H5T_NATIVE_DOUBLE;
    case LOOM_TYPE_F32:
      return H5T_NATIVE_FLOAT;
    case LOOM_TYPE_I64:
      return H5T_NATIVE_INT64;
    case LOOM_TYPE_I32:
      return H5T_NATIVE_INT32;
    default:
      return H5T_NATIVE_UINT8;
  }
}

bool loom_h5_is_plain(hid_t dset) {
  static const loomType types[] = {LOOM_TYPE_F64, LOOM_TYPE_F32, LOOM_TYPE_I64, LOOM_TYPE_I32, LOOM_TYPE_U8};
  hid_t type = H5Dget_type(dset);
  bool plain = H5Tget_class(type) == H5T_STRING;

  // On this machine the file's little-endian numbers are those of memory.
  for (size_t i = 0; !plain && i < sizeof types / sizeof *types; i++)
    plain = H5Tequal(type, memory_type(types[i])) > 0;
  loom_h5_close(type);
  return plain;
}

int loom_h5_describe(loomArray* out, hid_t dset, int64_t file_size, const char* where, loomError* err) {
  memset(out, 0, sizeof *out);
  if (H5Iget_type(dset) != H5I_DATASET) return loom_error_set(err, LOOM_ERR_FORMAT, "%s: is no array", where);
  int status = check_storage(dset, where, err);
  if (status) return status;

  hid_t space = H5Dget_space(dset), type = H5Dget_type(dset);
  hsize_t dims[H5S_MAX_RANK];
  int rank = space < 0 ? -1 : H5Sget_simple_extent_dims(space, dims, NULL);
  bool null = space >= 0 && H5Sget_simple_extent_type(space) == H5S_NULL;
  loom_h5_close(space);

  int kind = type < 0 ? -1 : type_of(type);
  if (rank < 0 || type < 0) {
    status = loom_error_set(err, LOOM_ERR_FORMAT, "%s: its shape or type is damaged", where);
  } else if (null) {
    status = loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s: is empty (no shape at all)", where);
  } else if (rank > LOOM_RANK_MAX) {
    status = loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s: has %d axes; at most %d can be read", where, rank,
                            LOOM_RANK_MAX);
  } else if (kind < 0) {
    status = loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s: is %s, neither numbers nor text", where,
                            class_name(type));
  } else {
    out->type = (loomType)kind;
    out->rank = rank;
    for (int i = 0; i < LOOM_RANK_MAX; i++) out->shape[i] = i < rank ? (int64_t)dims[i] : 1;
    status = check_size(dset, bytes_of(type, rank, dims), file_size, where, err);
    out->count = 1;
    for (int i = 0; i < LOOM_RANK_MAX && !status; i++) out->count *= out->shape[i];
  }

  loom_h5_close(type);
  if (status) memset(out, 0, sizeof *out);
  return status;
}

// Strings come as one block: the pointers, then the characters, so that a single free releases all.
static int pack_strings(loomArray* a, char* const* text, size_t fixed, const char* block) {
  size_t total = 0, n = (size_t)a->count;
  for (size_t i = 0; i < n; i++) total += (text ? (text[i] ? strlen(text[i]) : 0) : fixed) + 1;

  char** out = calloc(n * sizeof *out + total + 1, 1);
  if (!out) return LOOM_ERR_MEMORY;

  // Fixed-length text may lack its final 0; variable-length text may be NULL.
  char* at = (char*)(out + n);
  for (size_t i = 0; i < n; i++) {
    const char* from = text ? (text[i] ? text[i] : "") : block + i * fixed;
    size_t length = text ? strlen(from) : strnlen(from, fixed);
    memcpy(at, from, length);
    out[i] = at;
    at += length + 1;
  }

  a->data = out;
  return LOOM_OK;
}

static int read_strings(loomArray* a, hid_t dset, hid_t memory, hid_t space) {
  hid_t file_type = H5Dget_type(dset);
  int status = LOOM_ERR_FORMAT;

  // Of variable length HDF5 allocates each string; of fixed length they are one block.
  if (H5Tis_variable_str(file_type) > 0) {
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5Tget_cset(file_type));
    char** text = calloc((size_t)a->count + 1, sizeof *text);
    if (!text) status = LOOM_ERR_MEMORY;
    if (text && H5Dread(dset, type, memory, space, H5P_DEFAULT, text) >= 0)
      status = pack_strings(a, text, 0, NULL);
    if (text) H5Dvlen_reclaim(type, memory, H5P_DEFAULT, text);
    free(text);
    H5Tclose(type);
  } else {
    size_t size = H5Tget_size(file_type);
    char* block = calloc((size_t)a->count * size + 1, 1);
    if (!block) status = LOOM_ERR_MEMORY;
    if (block && H5Dread(dset, file_type, memory, space, H5P_DEFAULT, block) >= 0)
      status = pack_strings(a, NULL, size, block);
    free(block);
  }

  H5Tclose(file_type);
  return status;
}

// Read rows first .. last-1 of an open dataset into a, already described.
static int read_rows(loomArray* a, hid_t dset, int64_t first, int64_t last, const char* where,
                     loomError* err) {
  hid_t space = H5Dget_space(dset);
  hsize_t start[LOOM_RANK_MAX] = {0}, size[LOOM_RANK_MAX];

  // The rows asked for, of all other axes everything.
  if (a->rank > 0) {
    a->shape[0] = last - first;
    start[0] = (hsize_t)first;
  }

  a->count = 1;
  for (int i = 0; i < LOOM_RANK_MAX; i++) a->count *= a->shape[i];
  for (int i = 0; i < LOOM_RANK_MAX; i++) size[i] = (hsize_t)a->shape[i];

  hid_t memory = a->rank > 0 ? H5Screate_simple(a->rank, size, NULL) : H5Screate(H5S_SCALAR);
  if (a->rank > 0 && a->count > 0) H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, size, NULL);

  int status = LOOM_OK;
  if (a->type == LOOM_TYPE_STR && a->count > 0) {
    status = read_strings(a, dset, memory, space);
  } else {
    a->data = calloc((size_t)a->count + 1, (size_t)loom_type_size(a->type));
    if (!a->data) status = LOOM_ERR_MEMORY;
    if (a->data && a->count > 0 &&
        H5Dread(dset, memory_type(a->type), memory, space, H5P_DEFAULT, a->data) < 0)
      status = LOOM_ERR_FORMAT;
  }

  // The reason is that of the call before, so it comes before anything is closed.
  if (status == LOOM_ERR_MEMORY) loom_error_set(err, status, "%s: out of memory", where);
  if (status == LOOM_ERR_FORMAT) status = loom_h5_damage(dset, where, err);
  loom_h5_close(memory);
  loom_h5_close(space);
  if (status) loom_array_destroy(a);
  return status;
}

enum { DESCRIBE_ONLY = -2, ALL_ROWS = -1 };

static int read_array(loomArray* out, const loomDataset* ds, const char* object, const char* name,
                      int64_t first, int64_t last, loomError* err) {
  memset(out, 0, sizeof *out);
  loom_h5_quiet();
  hid_t dset = -1;
  char where[1024], room[LOOM_INDEX_PATH];
  ds = loom_index_home(&object, room, ds);
  int status = loom_h5_open(&dset, ds, object, name, err);
  if (status) return status;

  snprintf(where, sizeof where, "%s: %s/%s", ds->path, object, name);
  status = loom_h5_describe(out, dset, ds->stat.st_size, where, err);

  int64_t rows = out->rank ? out->shape[0] : 1;
  if (!status && last == ALL_ROWS) last = rows;
  if (!status && last != DESCRIBE_ONLY) {
    if (first < 0 || last < first || last > rows)
      status = loom_error_set(err, LOOM_ERR_USAGE, "%s: has no rows %lld to %lld", where, (long long)first,
                              (long long)last - 1);
    else
      status = read_rows(out, dset, first, last, where, err);
  }

  loom_h5_close(dset);
  if (status) loom_array_destroy(out);
  return status;
}

int loom_dataset_describe(loomArray* out, const loomDataset* ds, const char* object, const char* name,
                          loomError* err) {
  return read_array(out, ds, object, name, 0, DESCRIBE_ONLY, err);
}

int loom_h5_array(loomArray* out, const loomDataset* ds, const char* object, const char* name,
                  loomError* err) {
  return read_array(out, ds, object, name, 0, ALL_ROWS, err);
}

int loom_dataset_array(loomArray* out, const loomDataset* ds, const char* object, const char* name,
                       loomError* err) {
  int status = loom_h5_array(out, ds, object, name, err);
  if (status || !ds->compares) return status;

  uint64_t hash = loom_digest_array(out->type, out->rank, out->shape, out->data);
  status = loom_digest_compare(ds, object, name, hash, err);
  if (status) loom_array_destroy(out);
  return status;
}

// Element i of numbers that are no doubles.
static double number_at(const loomArray* a, int64_t i) {
  switch (a->type) {
    case LOOM_TYPE_F32:
      return ((const float*)a->data)[i];
    case LOOM_TYPE_I64:
      return (double)((const int64_t*)a->data)[i];
    case LOOM_TYPE_I32:
      return ((const int32_t*)a->data)[i];
    default:
      return ((const unsigned char*)a->data)[i];
  }
}

int loom_dataset_doubles(loomArray* out, const loomDataset* ds, const char* object, const char* name,
                         loomError* err) {
  int status = loom_dataset_array(out, ds, object, name, err);
  if (status || out->type == LOOM_TYPE_F64) return status;

  // Digests are those of the numbers as they lie in the file, so only now are they converted.
  double* numbers = out->type == LOOM_TYPE_STR ? NULL : malloc((size_t)(out->count + 1) * sizeof *numbers);
  for (int64_t i = 0; numbers && i < out->count; i++) numbers[i] = number_at(out, i);
  if (numbers) {
    free(out->data);
    out->data = numbers;
    out->type = LOOM_TYPE_F64;
    return LOOM_OK;
  }

  status = out->type == LOOM_TYPE_STR
               ? loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s/%s: holds text where numbers are needed",
                                ds->path, object, name)
               : loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", ds->path);
  loom_array_destroy(out);
  return status;
}

int loom_dataset_rows(loomArray* out, const loomDataset* ds, const char* object, const char* name,
                      int64_t first, int64_t last, loomError* err) {
  // Negative ends are the flags above, so they become one that no array has.
  return read_array(out, ds, object, name, first, last < 0 ? INT64_MAX : last, err);
}

// ---- visiting

typedef struct visitState {
  const loomDataset* ds;
  loomArrayVisit visit;
  void* user;
  int links;  // seen so far: hard links may form cycles, so both depth and number are bounded
} visitState;

static int visit_group(visitState* state, hid_t group, const char* prefix, int depth, loomError* err);

static int visit_child(visitState* state, hid_t group, const char* link, const char* path, int depth,
                       loomError* err) {
  char where[1024];
  snprintf(where, sizeof where, "%s: %s", state->ds->path, path);
  loomArray array = {0};
  loomError why = {0};
  int readable;
  if (++state->links > VISIT_LINKS_MAX)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: more than %d links in one demo; the file is damaged",
                          state->ds->path, VISIT_LINKS_MAX);

  hid_t child = -1;
  if (!loom_h5_is_hard_link(group, link)) {
    readable = loom_h5_link_error(group, link, where, &why);
  } else if ((child = H5Oopen(group, link, H5P_DEFAULT)) < 0) {
    readable = loom_h5_damage(group, where, &why);
  } else if (H5Iget_type(child) == H5I_GROUP) {
    int status = visit_group(state, child, path, depth + 1, err);
    H5Gclose(child);
    return status;
  } else {
    readable = loom_h5_describe(&array, child, state->ds->stat.st_size, where, &why);
  }

  loom_h5_close(child);
  return state->visit(state->user, path, &array, readable, &why);
}

static int visit_group(visitState* state, hid_t group, const char* prefix, int depth, loomError* err) {
  if (depth > VISIT_DEPTH_MAX)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s: groups nested more than %d deep", state->ds->path,
                          prefix, VISIT_DEPTH_MAX);

  loomNames links;
  char where[1024];
  snprintf(where, sizeof where, "%s: %s", state->ds->path, prefix);
  int status = loom_h5_links(&links, group, where, err);

  for (int i = 0; i < links.n && !status; i++) {
    char path[512];
    int length = snprintf(path, sizeof path, "%s%s%s", prefix, *prefix ? "/" : "", links.name[i]);
    if (length < 0 || (size_t)length >= sizeof path)
      status =
          loom_error_set(err, LOOM_ERR_FORMAT, "%s/%.80s...: the name is too long", where, links.name[i]);
    else
      status = visit_child(state, group, links.name[i], path, depth, err);
  }

  loom_names_destroy(&links);
  return status;
}

int loom_dataset_visit(const loomDataset* ds, const char* object, loomArrayVisit visit, void* user,
                       loomError* err) {
  loom_h5_quiet();
  hid_t group = -1;
  char room[LOOM_INDEX_PATH];
  ds = loom_index_home(&object, room, ds);
  int status = loom_h5_open(&group, ds, object, "", err);
  if (status) return status;

  visitState state = {.ds = ds, .visit = visit, .user = user};
  if (H5Iget_type(group) != H5I_GROUP)
    status = loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s is no group", ds->path, object);
  else
    status = visit_group(&state, group, "", 0, err);
  loom_h5_close(group);
  return status;
}
