// Changing a dataset that is there: masks written into it, demos added. It happens in a copy of its bytes,
// which then takes its place: whatever else the file holds is carried as it is, and nothing is ever half
// done.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/data/dataset_internal.h"
#include "engine/data/env_same.h"

int loom_h5_finish(hid_t file, const loomDisk* disk, loomFile* output, const char* path, bool own, int status,
                   loomError* err) {
  if (file >= 0 && H5Fclose(file) < 0 && !status)
    status = loom_error_set(err, LOOM_ERR_IO, "%s: cannot be finished", path);

  // A write that failed is the reason for whatever HDF5 said after it.
  if (disk->error && status != LOOM_ERR_INTERRUPTED) return loom_file_fail(output, disk->error, err);
  if (status) {
    loom_file_abort(output);
    return status;
  }
  status = loom_file_commit(output, err);

  // Nobody needs a child to open it from now on.
  if (!status && own) loom_h5_trust_written(path);
  return status;
}

// ---- the copy

typedef struct change {
  const char* path;
  loomDataset* ds;  // as it was
  loomFile output;
  loomDisk disk;
  hid_t file;      // the copy
  bool digested;   // the file carries a digest of what is beside the demos
  loomText lines;  // its lines, changed with the file
} change;

static int copy_bytes(const char* from, const loomFile* to, loomError* err) {
  enum { BLOCK = 1 << 20 };
  char* block = malloc(BLOCK);
  int in = open(from, O_RDONLY | O_CLOEXEC), out = fileno(to->stream), why = in < 0 ? errno : 0;
  if (!block) why = ENOMEM;

  while (!why) {
    ssize_t got = read(in, block, BLOCK);
    if (got == 0) break;
    errno = got < 0 ? errno : ENOSPC;  // a short write sets none
    if (got < 0 || write(out, block, (size_t)got) != got) why = errno;
  }

  if (in >= 0) close(in);
  free(block);
  if (!why) return LOOM_OK;
  return loom_error_set(err, LOOM_ERR_IO, "%s: cannot be copied to %s (%s); it stays as it was", from,
                        to->temporary, strerror(why));
}

// From here on nobody else may change it, so that what was looked at is what is copied.
static int begin_change(change* c, const char* path, loomError* err) {
  *c = (change){.path = path, .file = -1};
  int status = loom_file_begin(&c->output, path, err);
  if (!status) status = loom_dataset_open(&c->ds, path, err);
  if (!status) status = copy_bytes(path, &c->output, err);
  if (status) return status;

  hid_t fapl = loom_h5_disk_plist(&c->disk);
  c->file = fapl < 0 ? -1 : H5Fopen(c->output.temporary, H5F_ACC_RDWR, fapl);
  loom_h5_close(fapl);
  if (c->file < 0)
    return loom_error_set(err, LOOM_ERR_IO, "%s: the copy cannot be opened", c->output.temporary);

  char* lines;
  status = loom_digest_read(&lines, c->ds, "data", err);
  c->digested = lines != NULL;
  if (lines) loom_text_puts(&c->lines, lines);
  free(lines);
  return status;
}

static int put_lines(change* c, loomError* err) {
  if (!c->digested) return LOOM_OK;
  hid_t data = H5Gopen2(c->file, "data", H5P_DEFAULT);
  int status = loom_h5_put_digest(data, &c->lines, c->path, err);
  loom_h5_close(data);
  return status;
}

// Demos that are damaged are so in the copy as well.
static int end_change(change* c, int status, loomError* err) {
  if (!status) status = put_lines(c, err);
  status = loom_h5_finish(c->file, &c->disk, &c->output, c->path, c->ds && !c->ds->lacks, status, err);
  loom_dataset_close(c->ds);
  loom_text_destroy(&c->lines);
  return status;
}

// ---- masks

int loom_h5_put_given_mask(hid_t file, const loomMask* mask, const loomNames* names, loomText* lines,
                           const char* where, loomError* err) {
  char** list = calloc((size_t)mask->n + 1, sizeof *list);
  int status = list ? LOOM_OK : loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", where);

  for (int i = 0; i < mask->n && !status; i++) {
    if (mask->demo[i] < 0 || mask->demo[i] >= names->n)
      status = loom_error_set(err, LOOM_ERR_USAGE, "%s: mask/%s names demo number %d of %d", where,
                              mask->name, mask->demo[i], names->n);
    else
      list[i] = names->name[mask->demo[i]];
  }
  if (!status) status = loom_h5_put_mask(file, mask->name, list, mask->n, lines, where, err);
  free(list);
  return status;
}

int loom_dataset_set_masks(const char* path, const loomMask* mask, int nmask, loomError* err) {
  change c;
  int status = begin_change(&c, path, err);
  for (int i = 0; i < nmask && !status; i++)
    status = loom_h5_put_given_mask(c.file, &mask[i], &c.ds->demos, &c.lines, path, err);
  return end_change(&c, status, err);
}

// ---- demos

// The second axis of an array of the first demo; 0 where there is none.
static int64_t columns_of(const loomDataset* ds, const char* name) {
  loomArray array;
  if (!loom_dataset_demo_count(ds)) return 0;
  int status = loom_dataset_describe(&array, ds, loom_dataset_demo_path(ds, 0), name, NULL);
  return !status && array.rank == 2 ? array.shape[1] : 0;
}

static int check_env(const loomDataset* ds, const char* env_args, loomError* err) {
  char *known = NULL, why[300] = "";
  if (!loom_dataset_has_env_args(ds))
    return loom_error_set(
        err, LOOM_ERR_FORMAT,
        "%s: has no env_args, so nothing says whether its demos are of the same environment, and "
        "none is added to it; name another file (`dataset merge` joins both)",
        ds->path);

  int status = loom_dataset_env_args(&known, ds, err);
  if (status) return status;

  if (!loom_env_args_same(known, env_args, why, sizeof why))
    status = loom_error_set(err, LOOM_ERR_USAGE,
                            "%s: its demos are of another environment, so none is added to it (%s, the first "
                            "of them in the file); name another file",
                            ds->path, why);
  free(known);
  return status;
}

static int check_addition(const loomDataset* ds, const loomAddDef* def, loomError* err) {
  const struct {
    const char* name;
    int64_t wanted;
  } array[] = {{"actions", def->action_dim}, {"states", def->state_dim}};

  // Of what is damaged nobody knows what an addition would do to it.
  if (ds->lacks)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s; nothing is added to such a file", ds->warning);
  int status = check_env(ds, def->env_args, err);

  // Demos of one file have actions and states of one size.
  for (int i = 0; i < 2 && !status; i++) {
    int64_t has = columns_of(ds, array[i].name);
    if (has && array[i].wanted && has != array[i].wanted)
      status = loom_error_set(err, LOOM_ERR_USAGE,
                              "%s: its %s have %lld columns and the new demos' %lld, so none is added to it; "
                              "name another file",
                              ds->path, array[i].name, (long long)has, (long long)array[i].wanted);
  }
  return status;
}

int loom_dataset_check_add(const char* path, const loomAddDef* def, loomError* err) {
  loomDataset* ds = NULL;
  int status = loom_dataset_open(&ds, path, err);
  if (!status) status = loom_index_refuse(ds, err);
  if (!status) status = check_addition(ds, def, err);
  loom_dataset_close(ds);
  return status;
}

// "demo_7", one after the last of that form.
static void next_name(char out[LOOM_DEMO_NAME], const loomDataset* ds) {
  // Empty demos have names, too.
  const loomNames* lists[2] = {&ds->demos, &ds->empty};
  int64_t next = 0;
  for (int which = 0; which < 2; which++) {
    for (int i = 0; i < lists[which]->n; i++) {
      int64_t number = loom_h5_demo_number(lists[which]->name[i]);
      if (number >= next) next = number + 1;
    }
  }
  snprintf(out, LOOM_DEMO_NAME, "demo_%lld", (long long)next);
}

static int put_total(hid_t data, change* c, int64_t rows, loomError* err) {
  loomAttr total = loom_attr_int("total", 0);
  if (!loom_dataset_has_attr(c->ds, "data", "total")) return LOOM_OK;
  int status = loom_dataset_attr_int(&total.integer, c->ds, "data", "total", err);
  total.integer += rows;
  return status ? status : loom_h5_put_attr_and_line(data, &total, &c->lines, c->path, err);
}

// The list of demos, with the new one.
static int list_addition(change* c, const char* name, loomError* err) {
  loomNames demos = {0};
  int status = loom_names_add(&demos, name);
  for (int i = 0; i < c->ds->demos.n && !status; i++) status = loom_names_add(&demos, c->ds->demos.name[i]);
  loom_names_sort(&demos);

  loom_digest_set(&c->lines, LOOM_DIGEST_DEMOS, loom_digest_names(&demos));
  loom_names_destroy(&demos);
  return status ? loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", c->path) : LOOM_OK;
}

// Its digest with the name that it has now.
static int rename_digest(hid_t data, const change* c, const loomDataset* from, const char* name,
                         loomError* err) {
  char* before;
  int status = loom_digest_read(&before, from, loom_dataset_demo_path(from, 0), err);
  if (status || !before) return status;

  loomText lines = {0};
  loom_text_puts(&lines, before);
  loom_digest_set(&lines, LOOM_DIGEST_NAME, loom_digest_text(name));
  hid_t demo = H5Gopen2(data, name, H5P_DEFAULT);
  status = loom_h5_put_digest(demo, &lines, c->path, err);
  loom_h5_close(demo);
  loom_text_destroy(&lines);
  free(before);
  return status;
}

static int copy_addition(change* c, const loomDataset* from, const char* name, loomError* err) {
  char reason[LOOM_H5_REASON];
  int64_t rows = 0;
  const char* demo = loom_dataset_demo_path(from, 0);
  int status = loom_dataset_attr_int(&rows, from, demo, "num_samples", err);
  if (status) return status;

  // All of it as it lies: it was written by us.
  hid_t data = H5Gopen2(c->file, "data", H5P_DEFAULT);
  if (data < 0 || H5Ocopy(from->file, demo, data, name, H5P_DEFAULT, H5P_DEFAULT) < 0)
    status = loom_error_set(err, LOOM_ERR_IO, "%s: data/%s cannot be added (%s)", c->path, name,
                            loom_h5_reason(reason));
  if (!status) status = rename_digest(data, c, from, name, err);
  if (!status) status = put_total(data, c, rows, err);

  // It is no longer what a run made.
  loomNames attrs = {0};
  if (!status) status = loom_dataset_attr_names(&attrs, c->ds, "data", err);
  for (int i = 0; i < attrs.n && !status; i++)
    if (loom_is_run_attr(attrs.name[i])) {
      char line[300];
      snprintf(line, sizeof line, "@%.250s", attrs.name[i]);
      loom_digest_drop(&c->lines, line);
      H5Adelete(data, attrs.name[i]);
    }
  loom_names_destroy(&attrs);
  if (!status) status = list_addition(c, name, err);
  loom_h5_close(data);
  return status;
}

int loom_dataset_add(char name[LOOM_DEMO_NAME], const char* path, const char* shard, const loomAddDef* def,
                     loomError* err) {
  change c;
  loomDataset* from = NULL;
  int status = begin_change(&c, path, err);
  if (!status) status = loom_index_refuse(c.ds, err);
  if (!status) status = check_addition(c.ds, def, err);
  if (!status) status = loom_dataset_open_trusted(&from, shard, err);
  if (!status) {
    next_name(name, c.ds);
    status = copy_addition(&c, from, name, err);
  }
  loom_dataset_close(from);
  return end_change(&c, status, err);
}

// ---- attributes of demos

static int put_demo_attrs(change* c, const loomDemoAttrs* demo, loomError* err) {
  char path[LOOM_H5_REASON], *before = NULL;
  loomText lines = {0};
  int index = loom_dataset_demo_index(c->ds, demo->demo);
  if (index < 0) return loom_error_set(err, LOOM_ERR_USAGE, "%s: has no demo %s", c->path, demo->demo);
  snprintf(path, sizeof path, "data/%s", demo->demo);

  // Where the demo carries digests, these parts get theirs.
  int status = loom_digest_read(&before, c->ds, loom_dataset_demo_path(c->ds, index), err);
  if (before) loom_text_puts(&lines, before);
  hid_t group = status ? -1 : H5Gopen2(c->file, path, H5P_DEFAULT);
  if (!status && group < 0)
    status = loom_error_set(err, LOOM_ERR_IO, "%s: %s cannot be opened", c->path, path);
  for (int i = 0; i < demo->nattr && !status; i++)
    status = loom_h5_put_attr_and_line(group, &demo->attr[i], &lines, c->path, err);
  if (!status && before) status = loom_h5_put_digest(group, &lines, c->path, err);

  loom_h5_close(group);
  loom_text_destroy(&lines);
  free(before);
  return status;
}

int loom_dataset_set_demo_attrs(const char* path, const loomDemoAttrs* demo, int n, loomError* err) {
  change c;
  int status = begin_change(&c, path, err);

  // HDF5 would follow a link, and write to the file that it leads to.
  if (!status) status = loom_index_refuse(c.ds, err);
  for (int i = 0; i < n && !status; i++) status = put_demo_attrs(&c, &demo[i], err);
  return end_change(&c, status, err);
}
