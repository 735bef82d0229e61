// What becomes of a dataset whose demos are damaged or missing: the one place where that is decided, for all
// readers. Half a dataset must never pass for a whole one.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/data/dataset_internal.h"

enum { NAMES_SHOWN = 8, NUMBER_MAX = 4 * 1000 * 1000 };

// ---- what the process has said

static struct {
  loomDamage damage;
  loomDamageTold* told;
  void* user;
  pthread_mutex_t lock;
  loomNames left_out;  // "FILE: demo_3"
} policy = {.lock = PTHREAD_MUTEX_INITIALIZER};

void loom_dataset_on_damage(loomDamage damage, loomDamageTold* told, void* user) {
  policy.damage = damage;
  policy.told = told;
  policy.user = user;
}

int loom_dataset_left_out(loomNames* out) {
  *out = (loomNames){0};
  int status = LOOM_OK;
  pthread_mutex_lock(&policy.lock);
  for (int i = 0; i < policy.left_out.n && !status; i++)
    status = loom_names_add(out, policy.left_out.name[i]);

  pthread_mutex_unlock(&policy.lock);
  if (status) loom_names_destroy(out);
  return status;
}

static int note_left_out(const loomDataset* ds, const loomNames* demos) {
  int status = LOOM_OK;
  pthread_mutex_lock(&policy.lock);
  for (int i = 0; i < demos->n && !status; i++) {
    char text[LOOM_PATH_MAX + 512];
    snprintf(text, sizeof text, "%s: %s", ds->path, demos->name[i]);
    if (!loom_names_has(&policy.left_out, text)) status = loom_names_add(&policy.left_out, text);
  }

  pthread_mutex_unlock(&policy.lock);
  return status;
}

static void tell_text(const char* text) {
  if (policy.told) policy.told(policy.user, text);
}

static int tell(const char* path, const char* what, const char* more) {
  char* text = NULL;
  if (!policy.told) return LOOM_OK;
  if (asprintf(&text, "%s: %s%s", path, what, more) < 0) return LOOM_ERR_MEMORY;
  tell_text(text);
  free(text);
  return LOOM_OK;
}

void loom_dataset_tell(const char* path, const char* what) {
  tell(path, what, "");
}

int loom_dataset_leave_out(const loomDataset* ds, int demo, const char* why) {
  char what[LOOM_PATH_MAX];
  snprintf(what, sizeof what, "%.200s is left out: ", ds->demos.name[demo]);
  const loomNames one = {.n = 1, .name = &ds->demos.name[demo]};
  int status = note_left_out(ds, &one);
  return status ? status : tell(ds->path, what, why);
}

// ---- what there is to know about a file

typedef struct findings {
  int64_t total, rows;  // what `total` says (-1: nothing) and what the demos have
  loomNames absent;     // demos that a mask names and that are not there
  loomNames gaps;       // demos between the first number and the last that are not there
  loomNames missing;    // both, where demos are missing indeed
  loomNames empty;      // demos without arrays, or whose arrays have no rows
  loomNames damaged;
  loomNames beside;        // what is beside the demos and not as it was written
  char first_damage[256];  // of the first of the damaged demos
} findings;

static void destroy_findings(findings* f) {
  loom_names_destroy(&f->absent);
  loom_names_destroy(&f->gaps);
  loom_names_destroy(&f->missing);
  loom_names_destroy(&f->empty);
  loom_names_destroy(&f->damaged);
  loom_names_destroy(&f->beside);
}

static int64_t count_rows(const loomDataset* ds) {
  int64_t rows = 0;
  for (int i = 0; i < ds->demos.n; i++) {
    int64_t said = 0;
    loomArray actions = {0};
    const char* demo = ds->paths.name[i];
    if (loom_dataset_attr_int(&said, ds, demo, "num_samples", NULL) &&
        !loom_dataset_describe(&actions, ds, demo, "actions", NULL) && actions.rank)
      said = actions.shape[0];
    rows += said;
  }
  return rows;
}

// Names of masks that are none of the demos.
static int find_absent(findings* f, const loomDataset* ds) {
  loomNames masks = {0};
  int status = LOOM_OK;
  if (loom_dataset_masks(&masks, ds, NULL)) return LOOM_OK;  // who reads it is told

  for (int i = 0; i < masks.n && status != LOOM_ERR_MEMORY; i++) {
    loomNames named = {0};
    if (loom_dataset_mask(&named, ds, masks.name[i], NULL)) continue;
    for (int k = 0; k < named.n && !status; k++)
      if (loom_dataset_demo_index(ds, named.name[k]) < 0) status = loom_names_add(&f->absent, named.name[k]);
    loom_names_destroy(&named);
  }

  loom_names_destroy(&masks);
  loom_names_sort(&f->absent);
  return status;
}

// Demos are in natural order, so a gap lies between neighbors.
static int find_gaps(findings* f, const loomDataset* ds) {
  int64_t last = -1;
  for (int i = 0; i < ds->demos.n; i++) {
    int64_t number = loom_h5_demo_number(ds->demos.name[i]);
    if (number < 0 || number >= NUMBER_MAX) continue;

    for (int64_t k = last < 0 ? number : last + 1; k < number; k++) {
      char name[32];
      snprintf(name, sizeof name, "demo_%lld", (long long)k);
      if (loom_names_add(&f->gaps, name)) return LOOM_ERR_MEMORY;
    }
    last = number;
  }
  return LOOM_OK;
}

// Both lists are in natural order and may name the same.
static int add_missing(findings* f) {
  const loomNames* from[2] = {&f->absent, &f->gaps};
  loomNames both = {0};
  int status = LOOM_OK;
  for (int which = 0; which < 2; which++)
    for (int i = 0; i < from[which]->n && !status; i++) status = loom_names_add(&both, from[which]->name[i]);
  loom_names_sort(&both);

  for (int i = 0; i < both.n && !status; i++)
    if (!i || strcmp(both.name[i], both.name[i - 1])) status = loom_names_add(&f->missing, both.name[i]);
  loom_names_destroy(&both);
  return status;
}

// ---- demos that are damaged

// Everything that the demo has is read once, and compared with its digests.
static int read_demo(const loomDataset* ds, int demo, loomError* err) {
  const char* object = ds->paths.name[demo];
  loomDigestCheck check = {0};
  loomArray actions;
  int64_t samples;

  // What this build cannot read need not be damaged.
  int status = loom_dataset_describe(&actions, ds, object, "actions", err);
  if (!status && loom_dataset_has_attr(ds, object, "num_samples"))
    status = loom_dataset_attr_int(&samples, ds, object, "num_samples", err);
  if (status) return status == LOOM_ERR_UNSUPPORTED ? LOOM_OK : status;

  status = loom_dataset_check_demo(&check, ds, demo, err);
  if (!status && check.differ.n)
    status = loom_error_set(err, LOOM_ERR_FORMAT, "%s is not as it was written", check.differ.name[0]);
  loom_digest_check_destroy(&check);
  return status;
}

// Stops at the first array that holds something, or that cannot be looked at.
static int find_content(void* user, const char* name, const loomArray* array, int unreadable,
                        const loomError* why) {
  (void)user, (void)name, (void)why;
  return unreadable || array->count > 0;
}

// A recording that was broken off leaves a group without arrays or rows. What cannot be looked at is not
// empty.
static bool is_empty(const loomDataset* ds, int demo) {
  loomArray actions;
  const char* object = ds->paths.name[demo];
  if (loom_dataset_has(ds, object, "actions"))
    return !loom_dataset_describe(&actions, ds, object, "actions", NULL) && actions.rank && !actions.shape[0];
  return !loom_dataset_visit(ds, object, find_content, NULL, NULL);
}

static int find_empty(findings* f, const loomDataset* ds) {
  int status = LOOM_OK, k = 0;
  for (int i = 0; i < ds->demos.n && !status; i++) {
    bool died = k < ds->ndamaged && ds->damaged[k] == i;
    k += died;
    if (!died && is_empty(ds, i)) status = loom_names_add(&f->empty, ds->demos.name[i]);
  }
  return status;
}

// Empty demos are not damaged: there is nothing to read. Both lists are in the order of the demos.
static int find_damaged(findings* f, const loomDataset* ds, bool read) {
  int status = LOOM_OK, k = 0, empty = 0;
  for (int i = 0; i < ds->demos.n && !status; i++) {
    loomError why = {0, "HDF5 itself fails on it"};
    bool died = k < ds->ndamaged && ds->damaged[k] == i;
    k += died;
    if (empty < f->empty.n && !strcmp(f->empty.name[empty], ds->demos.name[i])) {
      empty++;
      continue;
    }
    if (!died && (!read || !read_demo(ds, i, &why))) continue;

    if (!f->damaged.n) snprintf(f->first_damage, sizeof f->first_damage, "%.255s", why.message);
    status = loom_names_add(&f->damaged, ds->demos.name[i]);
  }
  return status;
}

// Attributes of `data` and masks are few; demos are compared by whoever reads them.
static void compare_beside(findings* f, const loomDataset* ds) {
  loomDigestCheck check = {0};
  if (!ds->compares || loom_dataset_check_rest(&check, ds, NULL)) return;  // who reads it is told

  // The list of demos and `total` are looked at above; what is gone can mislead nobody.
  for (int i = 0; i < check.differ.n; i++) {
    const char* part = check.differ.name[i];
    bool listed = !strcmp(part, LOOM_DIGEST_DEMOS) || !strcmp(part, "@total");
    if (!listed && !strstr(part, "(not there)") && loom_names_add(&f->beside, part)) break;
  }
  loom_digest_check_destroy(&check);
}

// read: try every demo, too.
static int find(findings* f, const loomDataset* ds, bool read) {
  *f = (findings){.total = -1};
  int64_t total;
  int status = find_absent(f, ds);
  if (!status) status = find_gaps(f, ds);
  if (!status) compare_beside(f, ds);
  // An index's demos have been looked at where they lie.
  if (!status && !ds->probe && !loom_dataset_is_cut(ds) && !ds->home) status = find_empty(f, ds);
  if (!status && !ds->home) status = find_damaged(f, ds, read);

  // Whoever reads ahead would wait for all demos here, so their rows are not counted.
  if (!ds->probe && !loom_dataset_is_cut(ds) && !ds->home &&
      !loom_dataset_attr_int(&total, ds, "data", "total", NULL)) {
    f->total = total;
    f->rows = count_rows(ds);
  }

  // A count that is too large may only be old; with names of demos that are not there they are missing.
  bool short_of = f->total > f->rows;
  if (!status && (ds->index_damage || short_of)) status = add_missing(f);
  return status;
}

// ---- what is said about it

static void add_names(loomText* text, const loomNames* names) {
  for (int i = 0; i < names->n && i < NAMES_SHOWN; i++) {
    if (i) loom_text_puts(text, ", ");
    loom_text_puts(text, names->name[i]);
  }
  char more[48];
  snprintf(more, sizeof more, " and %d more", names->n - NAMES_SHOWN);
  if (names->n > NAMES_SHOWN) loom_text_puts(text, more);
}

static void add_number(loomText* text, const char* before, int64_t n, const char* after) {
  char number[32];
  snprintf(number, sizeof number, "%lld", (long long)n);
  loom_text_puts(text, before);
  loom_text_puts(text, number);
  loom_text_puts(text, after);
}

// Demos that are missing or damaged, by number and name; nothing where all are well.
static void tell_lacks(loomText* text, const findings* f, const loomDataset* ds) {
  if (f->missing.n) {
    add_number(text, "", f->missing.n, f->missing.n == 1 ? " demo is missing: " : " demos are missing: ");
    add_names(text, &f->missing);
  } else if (ds->index_damage) {
    loom_text_puts(text, "demos may be missing");
  }

  // How it is known.
  if (ds->index_damage) {
    loom_text_puts(text, " (");
    loom_text_puts(text, ds->index_damage);
    loom_text_puts(text, ")");
  }
  if (text->n && f->total >= 0 && f->total != f->rows) {
    add_number(text, "; total counts ", f->total, " rows");
    add_number(text, ", ", f->rows, " are there");
  }

  // Then those that are there and cannot be read.
  if (!f->damaged.n) return;
  if (text->n) loom_text_puts(text, "; ");
  add_number(text, "", f->damaged.n, f->damaged.n == 1 ? " demo is damaged: " : " demos are damaged: ");
  add_names(text, &f->damaged);
  loom_text_puts(text, " (");
  loom_text_puts(text, f->first_damage);
  loom_text_puts(text, ")");
}

// Demos with nothing in them, and how to get rid of them.
static void tell_empty(loomText* text, const findings* f) {
  if (!f->empty.n) return;
  if (text->n) loom_text_puts(text, "; ");
  add_number(text, "", f->empty.n,
             f->empty.n == 1 ? " demo is empty (no rows) and left out: "
                             : " demos are empty (no rows) and left out: ");
  add_names(text, &f->empty);
  loom_text_puts(text, " (`demoloom dataset filter IN OUT --min-rows 1` writes a copy without)");
}

// What is odd though no demo need be missing.
static void tell_odd(loomText* text, const findings* f) {
  if (f->total >= 0 && f->total != f->rows) {
    add_number(text, "total counts ", f->total, " rows where the demos have ");
    add_number(text, "", f->rows, f->total > f->rows ? "; demos may be missing" : "");
  }

  tell_empty(text, f);
  if (f->absent.n) {
    if (text->n) loom_text_puts(text, "; ");
    add_number(text, "masks name ", f->absent.n,
               f->absent.n == 1 ? " demo that is not there: " : " demos that are not there: ");
    add_names(text, &f->absent);
  }
  if (f->beside.n) {
    if (text->n) loom_text_puts(text, "; ");
    loom_text_puts(text, "damaged, or changed by another program since it was written: ");
    add_names(text, &f->beside);
  }
  if (f->total < 0 && f->gaps.n) {
    if (text->n) loom_text_puts(text, "; ");
    loom_text_puts(text, "the demos' numbers have gaps, and no total says how many there were: ");
    add_names(text, &f->gaps);
  }
}

// ---- what is done about it

// Take demos out of the lists.
static void leave_out(loomDataset* ds, const loomNames* demos) {
  int kept = 0;
  for (int i = 0; i < ds->demos.n; i++) {
    char *name = ds->demos.name[i], *path = ds->paths.name[i];
    if (loom_names_has(demos, name)) {
      free(name);
      free(path);
      if (ds->home) free(ds->home[i].demo);
      continue;
    }
    ds->demos.name[kept] = name;
    if (ds->home) ds->home[kept] = ds->home[i];
    ds->paths.name[kept++] = path;
  }

  ds->demos.n = ds->paths.n = kept;
  if (ds->home) ds->nhome = kept;
}

static int refuse(const loomDataset* ds, const char* facts, loomError* err) {
  return loom_error_set(err, LOOM_ERR_FORMAT,
                        "%s: %s; fetch or copy it again, or go on with the other demos by --skip-damaged",
                        ds->path, facts);
}

static int skip(loomDataset* ds, const findings* f, loomError* err) {
  // What the child died on cannot be asked for any more.
  leave_out(ds, &f->damaged);
  ds->ndamaged = 0;
  ds->damage = LOOM_DAMAGE_SKIP;
  if (f->damaged.n && !ds->demos.n)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: no demo is left of it", ds->path);

  if (note_left_out(ds, &f->missing) || note_left_out(ds, &f->damaged))
    return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", ds->path);
  return LOOM_OK;
}

// The warning, after what opening itself had to say.
static int warn(loomDataset* ds, const char* facts, const char* after, loomError* err) {
  char* before = ds->warning;
  int length = before ? asprintf(&ds->warning, "%s; %s%s", before, facts, after)
                      : asprintf(&ds->warning, "%s: %s%s", ds->path, facts, after);
  free(before);
  if (length >= 0) return LOOM_OK;
  ds->warning = NULL;
  return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", ds->path);
}

static int settle(loomDataset* ds, loomDamage damage, findings* f, loomError* err) {
  loomText lacks = {0}, odd = {0};
  tell_lacks(&lacks, f, ds);
  ds->lacks = lacks.n > 0;
  if (!ds->lacks) tell_odd(&odd, f);
  if (ds->lacks) tell_empty(&lacks, f);

  int status = lacks.failed || odd.failed
                   ? loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", ds->path)
                   : LOOM_OK;
  if (!status && ds->lacks && damage == LOOM_DAMAGE_REFUSE) status = refuse(ds, lacks.s, err);
  if (!status && damage == LOOM_DAMAGE_SKIP) status = skip(ds, f, err);
  if (!status && damage != LOOM_DAMAGE_SHOW && f->empty.n) {
    leave_out(ds, &f->empty);
    ds->empty = f->empty;
    f->empty = (loomNames){0};
  }

  // Whoever only looks at the file shows its warning; everybody else's is told here.
  const char* after = ds->lacks && damage == LOOM_DAMAGE_SKIP ? "; left out" : "";
  if (!status && (lacks.n || odd.n)) status = warn(ds, lacks.n ? lacks.s : odd.s, after, err);
  if (!status && ds->warning && damage != LOOM_DAMAGE_SHOW) tell_text(ds->warning);
  if (!status && damage != LOOM_DAMAGE_SHOW && loom_h5_probe_unconfined())
    tell_text(
        "this system refuses filters of system calls (seccomp): files are read on trial within "
        "limits of time "
        "and memory, but for the rest as this user may");
  loom_text_destroy(&lacks);
  loom_text_destroy(&odd);
  return status;
}

static int open_and_look(loomDataset** out, loomOpener* open, loomOpener* parts, const char* path,
                         loomDamage damage, loomError* err) {
  findings f = {0};
  loomNames gone = {0};
  int status = open(out, path, err);
  if (status) return status;

  // Of an index, what is told of its files' demos is that they are left out.
  status = loom_index_open(*out, &gone, parts, err);
  if (!status && gone.n) leave_out(*out, &gone);
  if (!status && gone.n) (*out)->empty = gone;
  if (status) {
    loom_names_destroy(&gone);
    loom_dataset_close(*out);
    *out = NULL;
    return status;
  }

  // Masks are read whole for now.
  (*out)->damage = LOOM_DAMAGE_SHOW;
  if (find(&f, *out, damage == LOOM_DAMAGE_SKIP))
    status = loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path);
  if (!status) status = settle(*out, damage, &f, err);

  destroy_findings(&f);
  if (!status) return LOOM_OK;
  loom_dataset_close(*out);
  *out = NULL;
  return status;
}

// The files of an index, which are none themselves.
static int open_part(loomDataset** out, const char* path, loomError* err) {
  return open_and_look(out, loom_h5_open_tried, NULL, path, policy.damage, err);
}

static int open_part_shown(loomDataset** out, const char* path, loomError* err) {
  return open_and_look(out, loom_h5_open_tried, NULL, path, LOOM_DAMAGE_SHOW, err);
}

static int open_part_rest(loomDataset** out, const char* path, loomError* err) {
  return open_and_look(out, loom_h5_open_rest, NULL, path, LOOM_DAMAGE_SHOW, err);
}

int loom_dataset_open(loomDataset** out, const char* path, loomError* err) {
  return open_and_look(out, loom_h5_open_tried, open_part, path, policy.damage, err);
}

int loom_dataset_open_shown(loomDataset** out, const char* path, loomError* err) {
  return open_and_look(out, loom_h5_open_tried, open_part_shown, path, LOOM_DAMAGE_SHOW, err);
}

int loom_dataset_open_rest(loomDataset** out, const char* path, loomError* err) {
  return open_and_look(out, loom_h5_open_rest, open_part_rest, path, LOOM_DAMAGE_SHOW, err);
}

bool loom_dataset_lacks_demos(const loomDataset* ds) {
  for (int i = 0; i < ds->nparts; i++)
    if (ds->part[i]->lacks) return true;
  return ds->lacks;
}

// ---- shards

int loom_shard_check(const char* path, loomError* err) {
  void* bytes;
  size_t size;
  int status = loom_h5_read_sealed(&bytes, &size, path, err);
  bool sealed = !status && loom_h5_is_sealed(bytes, size);
  free(bytes);
  if (status || sealed) return status;

  // Without one it must at least open and be what its digests say, if it has any.
  loomDataset* ds;
  loomDigestCheck check = {0};
  status = loom_h5_open_shard(&ds, path, err);
  if (status) return status;
  if (!loom_dataset_demo_count(ds)) status = loom_error_set(err, LOOM_ERR_FORMAT, "%s: has no demo", path);
  if (!status) status = loom_dataset_check_demo(&check, ds, 0, err);
  if (!status && check.differ.n)
    status =
        loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s is not as it was written", path, check.differ.name[0]);
  loom_digest_check_destroy(&check);
  loom_dataset_close(ds);
  return status;
}
