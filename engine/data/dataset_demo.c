// One demo, loaded and checked, and the masks that name subsets of demos.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/data/dataset_internal.h"

void loom_demo_destroy(loomDemo* demo) {
  if (!demo) return;
  free(demo->name);
  free(demo->actions);
  free(demo->states);
  free(demo->model_xml);
  free(demo->disturb);
  free(demo->midway);
  memset(demo, 0, sizeof *demo);
}

static int check_finite(const loomArray* a, const char* where, loomError* err) {
  const double* x = a->data;
  for (int64_t i = 0; i < a->count; i++)
    if (!isfinite(x[i]))
      return loom_error_set(err, LOOM_ERR_FORMAT,
                            "%s: row %lld, column %lld is %f; every number must be finite", where,
                            (long long)(i / a->shape[1]), (long long)(i % a->shape[1]), x[i]);
  return LOOM_OK;
}

// Load one (rows x columns) array; rows < 0 accepts any number.
static int load_table(double** out, int* rows, int* columns, const loomDataset* ds, const char* object,
                      const char* name, loomError* err) {
  char where[1024];
  snprintf(where, sizeof where, "%s: %s/%s", loom_dataset_path(ds), object, name);

  // The shape first: nothing is read of an array that does not fit.
  loomArray a;
  int status = loom_dataset_describe(&a, ds, object, name, err);
  if (status) return status;
  if (a.rank != 2 || a.shape[0] < 1 || a.shape[1] < 1 || a.shape[0] > INT32_MAX || a.shape[1] > INT32_MAX)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: must be (rows x columns), neither zero, and has %d axes",
                          where, a.rank);
  if (*rows >= 0 && a.shape[0] != *rows)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: has %lld rows where the demo has %d", where,
                          (long long)a.shape[0], *rows);

  status = loom_dataset_doubles(&a, ds, object, name, err);
  if (status) return status;
  status = check_finite(&a, where, err);
  if (status) {
    loom_array_destroy(&a);
    return status;
  }

  *out = a.data;
  *rows = (int)a.shape[0];
  *columns = (int)a.shape[1];
  return LOOM_OK;
}

static int load_fields(loomDemo* out, const loomDataset* ds, const char* object, loomError* err) {
  int rows = -1;
  int status = load_table(&out->actions, &rows, &out->action_dim, ds, object, "actions", err);
  if (!status) status = load_table(&out->states, &rows, &out->state_dim, ds, object, "states", err);
  if (status) return status;

  // num_samples is robomimic's word for the rows; it may be missing.
  out->rows = rows;
  int64_t samples = rows;
  if (loom_dataset_has_attr(ds, object, "num_samples"))
    status = loom_dataset_attr_int(&samples, ds, object, "num_samples", err);
  if (status) return status;
  if (samples != rows)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s: num_samples says %lld where actions has %d rows",
                          loom_dataset_path(ds), object, (long long)samples, rows);

  if (loom_dataset_has_attr(ds, object, "loom_disturb"))
    status = loom_dataset_attr_string(&out->disturb, ds, object, "loom_disturb", err);
  if (!status && loom_dataset_has_attr(ds, object, "loom_midway"))
    status = loom_dataset_attr_string(&out->midway, ds, object, "loom_midway", err);
  if (status) return status;

  // A file whose demos share one model keeps it once, at `data`.
  const char* holder = loom_dataset_has_attr(ds, object, "model_file") ? object : "data";
  if (!loom_dataset_has_attr(ds, holder, "model_file"))
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s: %s has no attribute 'model_file'; a demo needs the MJCF it was recorded in",
                          loom_dataset_path(ds), object);
  return loom_dataset_attr_string(&out->model_xml, ds, holder, "model_file", err);
}

int loom_demo_load(loomDemo* out, const loomDataset* ds, int demo, loomError* err) {
  memset(out, 0, sizeof *out);
  if (demo < 0 || demo >= loom_dataset_demo_count(ds))
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: has no demo number %d, only %d", loom_dataset_path(ds),
                          demo, loom_dataset_demo_count(ds));

  out->name = strdup(loom_dataset_demo_name(ds, demo));
  int status = out->name ? load_fields(out, ds, loom_dataset_demo_path(ds, demo), err)
                         : loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", loom_dataset_path(ds));
  if (status) loom_demo_destroy(out);
  return status;
}

int loom_dataset_masks(loomNames* out, const loomDataset* ds, loomError* err) {
  memset(out, 0, sizeof *out);
  loom_h5_quiet();
  hid_t root = H5Gopen2(ds->file, "/", H5P_DEFAULT);
  bool any = root >= 0 && H5Lexists(root, "mask", H5P_DEFAULT) > 0;
  loom_h5_close(root);
  if (!any) return LOOM_OK;

  hid_t group = -1;
  int status = loom_h5_open(&group, ds, "mask", "", err);
  if (status) return status;
  char where[1024];
  snprintf(where, sizeof where, "%s: mask", ds->path);

  if (H5Iget_type(group) != H5I_GROUP)
    status = loom_error_set(err, LOOM_ERR_FORMAT, "%s: is no group", where);
  else
    status = loom_h5_links(out, group, where, err);
  loom_h5_close(group);
  if (status) loom_names_destroy(out);
  return status;
}

// Of the demos that hold nothing.
static bool is_left_out(const loomDataset* ds, const char* name) {
  for (int i = 0; i < ds->empty.n; i++)
    if (!strcmp(ds->empty.name[i], name)) return true;
  return false;
}

int loom_dataset_mask(loomNames* out, const loomDataset* ds, const char* mask, loomError* err) {
  memset(out, 0, sizeof *out);
  loomArray a;
  int status = loom_dataset_array(&a, ds, "mask", mask, err);
  if (status) return status;

  if (a.type != LOOM_TYPE_STR || a.rank > 1)
    status =
        loom_error_set(err, LOOM_ERR_FORMAT, "%s: mask/%s: must be a list of demo names", ds->path, mask);

  // Demos that were left out are in no mask either.
  for (int64_t i = 0; i < a.count && !status; i++) {
    const char* name = ((char**)a.data)[i];
    if (ds->damage == LOOM_DAMAGE_SKIP && loom_dataset_demo_index(ds, name) < 0) continue;
    if (is_left_out(ds, name)) continue;
    if (loom_names_add(out, name))
      status = loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", ds->path);
  }

  loom_array_destroy(&a);
  if (status) loom_names_destroy(out);
  return status;
}
