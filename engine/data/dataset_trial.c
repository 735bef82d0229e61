// Trial readings of strangers' files: what a child reads of a file before we do (dataset_probe.c makes the
// children and learns what became of them), and opening with and without it.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/data/dataset_internal.h"

// In larger files only numbers behind unusual filters are read: it would double the work, and zlib, which
// nearly all files are packed with, stands damage.
static const int64_t full_read_bytes = (int64_t)64 << 20;

enum { BYTES_AT_ONCE = 32 << 20 };

// ---- what a child reads

// Texts of variable length say themselves how long they are, and HDF5 believes them. The parent, who has no
// such limit on memory, must not come here: the child ends, as if it had died of it.
static void end_without_memory(int status) {
  if (status && errno == ENOMEM) _exit(EXIT_FAILURE);
}

static void read_attrs(const loomDataset* ds, const char* object) {
  loomNames names;
  if (loom_dataset_attr_names(&names, ds, object, NULL)) return;
  for (int i = 0; i < names.n; i++) {
    char* text = NULL;
    double number;
    errno = 0;
    int status = loom_h5_attr_string(&text, ds, object, names.name[i], NULL);
    end_without_memory(status);
    if (status) loom_h5_attr_double(&number, ds, object, names.name[i], NULL);
    free(text);
  }
  loom_names_destroy(&names);
}

typedef struct reading {
  const loomDataset* ds;
  const char* object;
} reading;

// HDF5 1.10 reads past the end of damaged chunks of scale-offset, nbit and szip.
static bool has_unusual_filter(const reading* r, const char* name) {
  hid_t dset = -1;
  if (loom_h5_open(&dset, r->ds, r->object, name, NULL)) return true;
  hid_t plist = H5Dget_create_plist(dset);
  int n = plist < 0 ? -1 : H5Pget_nfilters(plist);
  bool unusual = n < 0;

  for (int i = 0; i < n; i++) {
    unsigned flags = 0;
    size_t values = 0;
    H5Z_filter_t filter = H5Pget_filter2(plist, (unsigned)i, &flags, &values, NULL, 0, NULL, NULL);
    unusual = unusual || (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE &&
                          filter != H5Z_FILTER_FLETCHER32);
  }

  if (plist >= 0) H5Pclose(plist);
  loom_h5_close(dset);
  return unusual;
}

// Arrays that nobody understands are read by whoever copies them.
static void read_carried(const reading* r, const char* name) {
  hid_t dset = -1;
  if (!loom_h5_open(&dset, r->ds, r->object, name, NULL) && H5Iget_type(dset) == H5I_DATASET)
    loom_h5_carry(-1, dset, name, r->ds->stat.st_size, name, NULL);
  loom_h5_close(dset);
}

static int read_array(void* user, const char* name, const loomArray* array, int unreadable,
                      const loomError* why) {
  (void)why;
  const reading* r = user;
  if ((unreadable && unreadable != LOOM_ERR_UNSUPPORTED) ||
      (r->ds->stat.st_size > full_read_bytes && array->type != LOOM_TYPE_STR && !has_unusual_filter(r, name)))
    return 0;

  if (unreadable) {
    read_carried(r, name);
    return 0;
  }

  // Part by part: the child needs no more memory than that, twice over where numbers are converted.
  const int64_t most = BYTES_AT_ONCE / (int64_t)sizeof(double);
  int64_t rows = array->rank ? array->shape[0] : 1, width = rows > 0 ? array->count / rows : 0;
  int64_t step = width > 0 && width < most ? most / width : 1;
  for (int64_t row = 0; row < rows; row += step) {
    loomArray part;
    int64_t end = row + step < rows ? row + step : rows;
    errno = 0;
    int status = loom_dataset_rows(&part, r->ds, r->object, name, row, end, NULL);
    end_without_memory(status);
    if (!status) loom_array_destroy(&part);
  }
  return 0;
}

static void read_masks(const loomDataset* ds) {
  loomNames masks, demos;
  if (loom_dataset_masks(&masks, ds, NULL)) return;
  for (int i = 0; i < masks.n; i++) {
    errno = 0;
    int status = loom_dataset_mask(&demos, ds, masks.name[i], NULL);
    end_without_memory(status);
    if (!status) loom_names_destroy(&demos);
  }
  loom_names_destroy(&masks);
}

// The demos from, from + step, ...; *at tells the parent which one, also when HDF5 dies of it.
static void read_everything(const char* path, bool cut_short, int from, int step, volatile int* at) {
  loomDataset* ds = NULL;
  if (loom_h5_open_file(&ds, path, cut_short, NULL, NULL)) return;

  // The first child reads what belongs to no demo.
  *at = LOOM_TRIAL_INDEX;
  if (from == 0) {
    read_attrs(ds, "data");
    read_masks(ds);
  }

  for (int i = from; i < loom_dataset_demo_count(ds); i += step) {
    *at = i;
    reading r = {ds, loom_dataset_demo_path(ds, i)};
    read_attrs(ds, r.object);
    loom_dataset_visit(ds, r.object, read_array, &r, NULL);
  }

  *at = LOOM_TRIAL_INDEX;
  loom_dataset_close(ds);
}

// ---- trials

// Whether the file is trusted already; else it is noted whether it may be, once it has been read. The end of
// a file that was cut short is damage by itself, however well the rest reads.
static bool is_trusted_already(loomDataset* ds, bool cut_short) {
  if (!cut_short && loom_h5_is_trusted(&ds->stat)) return true;
  ds->settled = !cut_short && loom_h5_is_settled(&ds->stat);
  return false;
}

// What a file holds sets how long its children may read: its holes are as large as a stranger likes.
static int64_t held_bytes(const struct stat* file) {
  int64_t blocks = (int64_t)file->st_blocks * 512;
  return blocks < file->st_size ? blocks : (int64_t)file->st_size;
}

// Children read everything before the file is opened here.
static int read_before(loomDataset* ds, bool cut_short, loomError* err) {
  if (is_trusted_already(ds, cut_short)) return LOOM_OK;
  int status = loom_h5_probe(ds->damaged, &ds->ndamaged, ds->path, held_bytes(&ds->stat), cut_short,
                             read_everything, err);

  // The mark was taken before the reading: a file that changed meanwhile does not bear it any more.
  if (!status && !ds->ndamaged && ds->settled) loom_h5_trust(&ds->stat);
  return status;
}

// Children read ahead; whoever wants a demo waits until they got through it.
static int read_ahead(loomDataset* ds, bool cut_short, loomError* err) {
  if (is_trusted_already(ds, cut_short)) return LOOM_OK;
  return loom_h5_probe_begin(&ds->probe, ds->path, held_bytes(&ds->stat), read_everything, err);
}

// ---- opening

int loom_h5_open_tried(loomDataset** out, const char* path, loomError* err) {
  return loom_h5_open_file(out, path, false, read_before, err);
}

int loom_dataset_open_trusted(loomDataset** out, const char* path, loomError* err) {
  return loom_h5_open_shard(out, path, err);
}

int loom_h5_open_rest(loomDataset** out, const char* path, loomError* err) {
  loomError why = {0};

  int status = loom_h5_open_file(out, path, false, read_ahead, err);
  if (status != LOOM_ERR_FORMAT || loom_h5_open_file(out, path, true, read_before, &why)) return status;

  // It is the end that is missing, and the index is not there.
  free((*out)->warning);
  if (asprintf(&(*out)->warning, "%s: cut short at %lld bytes: demos whose data lay behind that are lost",
               path, (long long)(*out)->stat.st_size) < 0)
    (*out)->warning = NULL;
  return LOOM_OK;
}
