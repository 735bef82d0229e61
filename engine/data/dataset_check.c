// Comparing all of a demo, or of what is beside the demos, with its digests: what `verify`, --skip-damaged
// and shards are told by. Readers compare what they read, as they read it (dataset_read.c).
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/data/dataset_internal.h"

void loom_digest_check_destroy(loomDigestCheck* check) {
  loom_names_destroy(&check->differ);
  loom_names_destroy(&check->without);
}

typedef struct checking {
  const loomDataset* ds;
  const char* object;
  char* lines;     // NULL: none
  loomNames seen;  // parts that are there
  loomDigestCheck* out;
} checking;

// One part that is there, with the hash of what was read of it.
static int compare(checking* c, const char* name, uint64_t hash) {
  uint64_t written;
  int status = loom_names_add(&c->seen, name);
  if (status || !c->lines) return status;

  if (!loom_digest_find(&written, c->lines, name)) return loom_names_add(&c->out->without, name);
  return written == hash ? LOOM_OK : loom_names_add(&c->out->differ, name);
}

// One part that cannot be read.
static int note_unreadable(checking* c, const char* name, int code, const loomError* why) {
  char text[1400];
  uint64_t written;
  if (code == LOOM_ERR_MEMORY || loom_names_add(&c->seen, name)) return LOOM_ERR_MEMORY;

  // Strangers have parts of kinds that are not read here; what has a line was one that is.
  bool ours = c->lines && loom_digest_find(&written, c->lines, name);
  if (code == LOOM_ERR_UNSUPPORTED && !ours) return loom_names_add(&c->out->without, name);

  snprintf(text, sizeof text, "%s (%s)", name, why->message);
  return loom_names_add(&c->out->differ, text);
}

static int check_array(void* user, const char* name, const loomArray* described, int unreadable,
                       const loomError* why) {
  (void)described;
  checking* c = user;
  loomArray array;
  loomError err = {0, ""};
  if (unreadable) return note_unreadable(c, name, unreadable, why);

  // The whole of it at once, as the digest was made.
  int status = loom_h5_array(&array, c->ds, c->object, name, &err);
  if (status) return note_unreadable(c, name, status, &err);
  status = compare(c, name, loom_digest_array(array.type, array.rank, array.shape, array.data));
  loom_array_destroy(&array);
  return status;
}

int loom_h5_read_attr(loomAttr* out, char** text, const loomDataset* ds, const char* object, const char* name,
                      loomError* err) {
  *out = (loomAttr){.name = name, .type = LOOM_TYPE_I64};
  *text = NULL;
  if (!loom_h5_attr_int(&out->integer, ds, object, name, NULL)) return LOOM_OK;

  // No whole number: a text, or else another number.
  if (!loom_h5_attr_string(text, ds, object, name, NULL)) {
    *out = (loomAttr){.name = name, .type = LOOM_TYPE_STR, .text = *text};
    return LOOM_OK;
  }
  out->type = LOOM_TYPE_F64;
  return loom_h5_attr_double(&out->real, ds, object, name, err);
}

static int check_attrs(checking* c, loomError* err) {
  loomNames names;
  int status = loom_dataset_attr_names(&names, c->ds, c->object, err);
  if (status) return status;

  for (int i = 0; i < names.n && !status; i++) {
    char label[300], *text;
    loomAttr attr;
    loomError why = {0, ""};
    if (!strcmp(names.name[i], LOOM_DIGEST_ATTR)) continue;
    snprintf(label, sizeof label, "@%.250s", names.name[i]);

    if (loom_h5_read_attr(&attr, &text, c->ds, c->object, names.name[i], &why)) {
      status = note_unreadable(c, label, LOOM_ERR_UNSUPPORTED, &why);  // neither one number nor one text
    } else {
      status = compare(c, label, loom_digest_attr(&attr));
    }
    free(text);
  }

  loom_names_destroy(&names);
  return status;
}

// Attributes of groups in the demo that have a line. Earlier versions wrote none of them.
static int check_group_attrs(checking* c) {
  int status = LOOM_OK;
  char part[LOOM_DIGEST_PART];
  for (const char* line = c->lines; !status && line && (line = loom_digest_next(part, line));) {
    char object[1000], *text;
    loomAttr attr;

    // "GROUP/@NAME"; what is gone is told with all else that is.
    const char* at = strstr(part, "/@");
    if (!at) continue;
    snprintf(object, sizeof object, "%s/%.*s", c->object, (int)(at - part), part);
    if (!loom_dataset_has_attr(c->ds, object, at + 2)) continue;

    loomError why = {0, ""};
    if (loom_h5_read_attr(&attr, &text, c->ds, object, at + 2, &why))
      status = note_unreadable(c, part, LOOM_ERR_FORMAT, &why);
    else
      status = compare(c, part, loom_digest_attr(&attr));
    free(text);
  }
  return status;
}

static bool is_seen(const checking* c, const char* name) {
  for (int i = 0; i < c->seen.n; i++)
    if (!strcmp(c->seen.name[i], name)) return true;
  return false;
}

// Lines whose part is not there.
static int check_missing(checking* c) {
  int status = LOOM_OK;
  for (const char* line = c->lines; line && *line && !status;) {
    char name[LOOM_DIGEST_PART], text[640];
    line = loom_digest_next(name, line);
    if (!line) return loom_names_add(&c->out->differ, "@" LOOM_DIGEST_ATTR);

    snprintf(text, sizeof text, "%s (not there)", name);
    if (!is_seen(c, name)) status = loom_names_add(&c->out->differ, text);
  }
  return status;
}

// Between both: all that the object has.
static int begin_check(checking* c, loomDigestCheck* out, const loomDataset* ds, const char* object,
                       loomError* err) {
  *out = (loomDigestCheck){0};
  *c = (checking){.ds = ds, .object = object, .out = out};

  int status = loom_digest_read(&c->lines, ds, object, err);
  out->carried = c->lines != NULL;
  return status ? status : check_attrs(c, err);
}

static int end_check(checking* c, int status, loomError* err) {
  if (!status) status = check_missing(c);

  free(c->lines);
  loom_names_destroy(&c->seen);
  if (status) loom_digest_check_destroy(c->out);
  if (status == LOOM_ERR_MEMORY) return loom_error_set(err, status, "%s: out of memory", c->ds->path);
  return status;
}

int loom_dataset_check_demo(loomDigestCheck* out, const loomDataset* ds, int demo, loomError* err) {
  checking c;
  ds = loom_index_of_demo(&demo, (loomDataset*)ds, demo);
  int status = begin_check(&c, out, ds, ds->paths.name[demo], err);
  if (!status) status = compare(&c, LOOM_DIGEST_NAME, loom_digest_text(ds->demos.name[demo]));
  if (!status) status = loom_dataset_visit(ds, c.object, check_array, &c, err);
  if (!status) status = check_group_attrs(&c);
  return end_check(&c, status, err);
}

// A mask, as the list of names that it is.
static int check_mask(checking* c, const char* mask) {
  char label[300];
  loomArray array;
  loomError why = {0, ""};
  snprintf(label, sizeof label, "mask/%.250s", mask);

  int status = loom_dataset_array(&array, c->ds, "mask", mask, &why);
  if (status) return note_unreadable(c, label, status, &why);

  status = compare(c, label, loom_digest_array(array.type, array.rank, array.shape, array.data));
  loom_array_destroy(&array);
  return status;
}

int loom_dataset_check_rest(loomDigestCheck* out, const loomDataset* ds, loomError* err) {
  checking c;
  loomNames masks = {0};
  loomError why = {0, ""};
  int status = begin_check(&c, out, ds, "data", err);

  // What was left out on request is known.
  bool all = !(ds->lacks && ds->damage == LOOM_DAMAGE_SKIP);
  if (!status && all) status = compare(&c, LOOM_DIGEST_DEMOS, loom_digest_names(&ds->demos));
  if (!status && !all) status = loom_names_add(&c.seen, LOOM_DIGEST_DEMOS);

  // Masks whose list is damaged are those that are not there.
  int listed = status ? status : loom_dataset_masks(&masks, ds, &why);
  if (!status && listed) status = note_unreadable(&c, "mask", listed, &why);
  for (int i = 0; i < masks.n && !status; i++) status = check_mask(&c, masks.name[i]);
  loom_names_destroy(&masks);
  return end_check(&c, status, err);
}
