// Carrying arrays that nobody here understands (more axes than we read, compounds, half floats, flags) from
// one file to another: their bytes are read and written with the type that they have. H5Ocopy would do it
// too, but crashes on damaged headers that reading survives, and would bring links to other files along.
#include <stdlib.h>
#include <string.h>

#include "engine/data/dataset_internal.h"

static const int64_t block_bytes = 4 << 20;             // read and written at once
static const int64_t row_bytes_max = (int64_t)1 << 28;  // of one row of the leading axis
static const int64_t chunk_bytes = 1 << 20;
static const int64_t plain_bytes_max = 512;
enum { TYPE_DEPTH_MAX = 16 };

/// An array on its way.
typedef struct carriedArray {
  hid_t from, type;
  int rank;
  bool none;  // no elements at all, not even of shape 0 (h5py.Empty)
  hsize_t dims[H5S_MAX_RANK];
  int64_t item, row, rows;  // bytes of an element and of a row; rows of the leading axis
} carriedArray;

// Values that are bytes and nothing else: those that point somewhere (text of any length, references) mean
// nothing in another file.
static const char* refused_type(hid_t type, int depth) {
  static const char damaged[] = "its type is damaged";
  if (depth > TYPE_DEPTH_MAX) return damaged;
  switch (H5Tget_class(type)) {
    case H5T_INTEGER:
    case H5T_FLOAT:
    case H5T_ENUM:
    case H5T_BITFIELD:
    case H5T_TIME:
      return NULL;
    case H5T_STRING:
      return "it holds text, which may name people and machines";
    case H5T_OPAQUE:
      return "it holds opaque values";
    case H5T_REFERENCE:
      return "it holds references into its file";
    case H5T_VLEN:
      return "it holds lists of different lengths";
    case H5T_COMPOUND:
    case H5T_ARRAY:
      break;
    default:
      return damaged;
  }

  // Of what is made of others, each.
  int n = H5Tget_class(type) == H5T_ARRAY ? 1 : H5Tget_nmembers(type);
  const char* why = n < 1 ? damaged : NULL;
  for (int i = 0; i < n && !why; i++) {
    hid_t part = H5Tget_class(type) == H5T_ARRAY ? H5Tget_super(type) : H5Tget_member_type(type, (unsigned)i);
    why = part < 0 ? damaged : refused_type(part, depth + 1);
    loom_h5_close(part);
  }
  return why;
}

static int open_carried(carriedArray* c, hid_t from, int64_t file_size, const char* where, loomError* err) {
  *c = (carriedArray){.from = from, .type = -1};
  int status = loom_h5_check_storage(from, file_size, where, err);
  if (status) return status;

  // A copy of the type belongs to no file.
  hid_t stored = H5Dget_type(from), space = H5Dget_space(from);
  c->type = stored < 0 ? -1 : H5Tcopy(stored);
  c->none = space >= 0 && H5Sget_simple_extent_type(space) == H5S_NULL;
  c->rank = space < 0 || c->none ? 0 : H5Sget_simple_extent_dims(space, c->dims, NULL);
  c->item = c->type < 0 ? 0 : (int64_t)H5Tget_size(c->type);
  loom_h5_close(stored);
  loom_h5_close(space);
  if (c->type < 0 || space < 0 || c->rank < 0 || c->item < 1)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: its shape or type is damaged", where);

  const char* why = refused_type(c->type, 0);
  if (why) return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s: %s", where, why);

  // Rows of the leading axis; one number is one row. The whole has been found to fit into 64 GiB.
  c->rows = c->none ? 0 : c->rank ? (int64_t)c->dims[0] : 1;
  c->row = c->item;
  for (int i = 1; i < c->rank; i++) c->row *= (int64_t)c->dims[i];
  if (c->row == 0) c->rows = 0;
  if (c->row > row_bytes_max)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s: a row of it takes %.3g bytes", where,
                          (double)c->row);
  return LOOM_OK;
}

// As our own arrays are laid out: whole rows in chunks of about one size, compressed.
static hid_t create_carried(const carriedArray* c, hid_t to, const char* name) {
  hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_obj_track_times(plist, false);
  if (c->rank && c->rows && c->rows * c->row > plain_bytes_max) {
    hsize_t chunk[H5S_MAX_RANK];
    memcpy(chunk, c->dims, sizeof chunk);
    int64_t rows = chunk_bytes / c->row;
    chunk[0] = (hsize_t)(rows < 1 ? 1 : rows > c->rows ? c->rows : rows);

    H5Pset_chunk(plist, c->rank, chunk);
    if (c->item > 1) H5Pset_shuffle(plist);
    H5Pset_deflate(plist, 1);
  }

  hid_t space = c->none   ? H5Screate(H5S_NULL)
                : c->rank ? H5Screate_simple(c->rank, c->dims, NULL)
                          : H5Screate(H5S_SCALAR);
  hid_t made = H5Dcreate2(to, name, c->type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
  H5Sclose(space);
  H5Pclose(plist);
  return made;
}

// Rows first .. first + n - 1 there and back: 0, or which side failed.
enum { READING = 1, WRITING };
static int carry_rows(const carriedArray* c, hid_t made, int64_t first, int64_t n, void* block) {
  hsize_t start[H5S_MAX_RANK] = {(hsize_t)first}, size[H5S_MAX_RANK];
  memcpy(size, c->dims, sizeof size);
  size[0] = (hsize_t)n;

  hid_t space = H5Dget_space(c->from);
  hid_t memory = c->rank ? H5Screate_simple(c->rank, size, NULL) : H5Screate(H5S_SCALAR);
  if (c->rank) H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, size, NULL);

  // The same type on both sides, so nothing is converted.
  int failed = H5Dread(c->from, c->type, memory, space, H5P_DEFAULT, block) < 0 ? READING : 0;
  if (!failed && made >= 0 && H5Dwrite(made, c->type, memory, space, H5P_DEFAULT, block) < 0)
    failed = WRITING;
  loom_h5_close(memory);
  loom_h5_close(space);
  return failed;
}

int loom_h5_carry(hid_t to, hid_t from, const char* name, int64_t file_size, const char* where,
                  loomError* err) {
  char reason[LOOM_H5_REASON];
  carriedArray c;
  void* block = NULL;
  hid_t made = -1;
  int status = open_carried(&c, from, file_size, where, err);

  if (!status && to >= 0 && (made = create_carried(&c, to, name)) < 0)
    status = loom_error_set(err, LOOM_ERR_IO, "%s: cannot be written (%s)", where, loom_h5_reason(reason));

  // Block after block, so that no array need fit into memory.
  int64_t rows = status || !c.rows ? 1 : block_bytes / c.row;
  rows = rows < 1 ? 1 : rows > c.rows ? c.rows : rows;
  if (!status && c.rows && !(block = malloc((size_t)(rows * c.row))))
    status = loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", where);

  for (int64_t row = 0; !status && row < c.rows; row += rows) {
    int failed = carry_rows(&c, made, row, row + rows < c.rows ? rows : c.rows - row, block);
    if (failed == READING)
      status = loom_h5_damage(from, where, err);
    else if (failed)
      status = loom_error_set(err, LOOM_ERR_IO, "%s: cannot be written (%s)", where, loom_h5_reason(reason));
  }

  free(block);
  loom_h5_close(made);
  loom_h5_close(c.type);
  return status;
}
