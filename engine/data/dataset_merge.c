// Assembling one self-contained file from the demos of many, in constant memory; our own shards are not
// recompressed.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/data/dataset_internal.h"
#include "engine/data/env_same.h"
#include "engine/data/env_type.h"

enum { COPY_DEPTH_MAX = 16 };

// A mask found in the sources, growing as their demos are copied.
typedef struct carriedMask {
  char* name;
  loomNames demos;  // names in the output
} carriedMask;

typedef struct assembly {
  const loomAssembleDef* def;
  const char* path;  // of the finished file, for messages
  hid_t file, data;
  loomDisk disk;
  loomNames names;  // of the demos written so far
  int64_t total;    // rows so far
  int laid_out;     // groups of demos that were made beforehand
  char* env_args;   // the first source's
  loomDataset* source;
  bool as_they_lie;  // its arrays are copied without reading them
  bool beside;       // it is what a demo gets besides
  loomNames source_masks;
  loomNames* source_mask_demos;  // (source_masks.n), each in natural order
  carriedMask* carried;
  int ncarried;
  bool unmasked;        // some source had no masks
  char* digest;         // of the source's object that is copied, NULL where it has none
  loomText lines;       // the digest of the demo being written
  loomText data_lines;  // of what is beside the demos
} assembly;

loomAssembleDef loom_default_assemble_def(void) {
  return (loomAssembleDef){.valid = 0.1};
}

static int out_of_memory(const assembly* a, loomError* err) {
  return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", a->path);
}

// ---- digests

// What was read of a part is written under the same name: is it what was written before? Where it is not, its
// old line goes with the copy, so that the damage stays known.
static void note_part(assembly* a, loomText* lines, const char* object, const char* part, uint64_t read,
                      uint64_t written) {
  uint64_t before;
  bool differs = a->digest && loom_digest_find(&before, a->digest, part) && before != read;
  loom_digest_set(lines, part, differs ? before : written);
  if (!differs) return;

  char what[2048];
  snprintf(what, sizeof what,
           "%s: %s is not as it was written (its digest differs): damaged, or changed by another program",
           object, part);
  loom_dataset_tell(a->source->path, what);
}

// ---- attributes

// Of the demo, of a group in it, or of `data`.
static int put_copied_attr(assembly* a, hid_t to, const char* object, const loomAttr* read,
                           const loomAttr* written, loomError* err) {
  char label[300], part[LOOM_DIGEST_PART];
  snprintf(label, sizeof label, "@%.250s", read->name);
  loom_digest_part(part, object, label);
  loomText* lines = to == a->data ? &a->data_lines : &a->lines;
  note_part(a, lines, object, part, loom_digest_attr(read), loom_digest_attr(written));
  return loom_h5_put_attr(to, written, a->path, err);
}

// What demos are of is said rightly from now on.
static void mend_env_args(char** text) {
  char* mended = loom_env_args_mended(*text);
  if (!mended) return;
  free(*text);
  *text = mended;
}

static int copy_text_attr(assembly* a, hid_t to, const char* object, const char* name, loomError* err) {
  char* text = NULL;
  int status = loom_dataset_attr_string(&text, a->source, object, name, err);
  if (status) return status;
  char* shown = a->def->keep_all ? strdup(text) : loom_private_text(text);
  if (shown && to == a->data && !strcmp(name, "env_args")) mend_env_args(&shown);

  loomAttr read = loom_attr_string(name, text), attr = loom_attr_string(name, shown);
  status = shown ? put_copied_attr(a, to, object, &read, &attr, err) : out_of_memory(a, err);
  free(shown);
  free(text);
  return status;
}

// Attributes of one value, which is all that robomimic's layout has; others are left behind.
static int copy_attr(assembly* a, hid_t to, hid_t from, const char* object, const char* name,
                     loomError* err) {
  hid_t attr = H5Aopen(from, name, H5P_DEFAULT);
  hid_t type = attr < 0 ? -1 : H5Aget_type(attr), space = attr < 0 ? -1 : H5Aget_space(attr);
  H5T_class_t kind = type < 0 ? H5T_NO_CLASS : H5Tget_class(type);
  bool one = space >= 0 && H5Sget_simple_extent_npoints(space) == 1;
  loom_h5_close(space);
  loom_h5_close(type);
  loom_h5_close(attr);
  if (kind == H5T_NO_CLASS)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s: the attribute '%s' is damaged", a->source->path,
                          object, name);

  if (!one) return LOOM_OK;
  if (kind == H5T_STRING) return copy_text_attr(a, to, object, name, err);

  loomAttr copy = loom_attr_int(name, 0);
  int status = LOOM_OK;
  if (kind == H5T_INTEGER || kind == H5T_ENUM) {
    status = loom_dataset_attr_int(&copy.integer, a->source, object, name, err);
  } else if (kind == H5T_FLOAT) {
    copy.type = LOOM_TYPE_F64;
    status = loom_dataset_attr_double(&copy.real, a->source, object, name, err);
  } else {
    return LOOM_OK;
  }
  return status ? status : put_copied_attr(a, to, object, &copy, &copy, err);
}

// What the caller gives the demo that is written now; NULL = nothing.
static const loomRecord* given(const assembly* a) {
  return a->def->extra ? &a->def->extra[a->names.n] : NULL;
}

// Is a name one of those that the caller does not want?
static bool unwanted(const assembly* a, const char* name) {
  const char* list = a->def->leave_out;
  size_t n = strlen(name);
  for (const char* at = list; at && (at = strstr(at, name)); at++)
    if ((at == list || at[-1] == ',') && (!at[n] || at[n] == ',')) return true;
  return false;
}

static bool is_given_attr(const assembly* a, hid_t to, const char* name) {
  const loomRecord* extra = to == a->data ? NULL : given(a);
  int n = extra ? extra->nattr : to == a->data ? a->def->nattr : 0;
  const loomAttr* attr = extra ? extra->attr : a->def->attr;
  for (int k = 0; k < n; k++)
    if (!strcmp(name, attr[k].name)) return true;
  return false;
}

static int copy_attrs(assembly* a, hid_t to, const char* object, loomError* err) {
  loomNames names = {0};
  hid_t from = -1;
  int status = loom_h5_open(&from, a->source, object, "", err);
  if (!status) status = loom_dataset_attr_names(&names, a->source, object, err);

  for (int i = 0; i < names.n && !status; i++) {
    const char* name = names.name[i];
    bool ours = !strcmp(name, "num_samples") || !strcmp(name, "total") || !strcmp(name, LOOM_DIGEST_ATTR) ||
                !strcmp(name, LOOM_INDEX_ATTR);                // computed, not copied
    ours = ours || (to == a->data && loom_is_run_attr(name));  // a copy is not what a run made
    ours = ours || is_given_attr(a, to, name) || unwanted(a, name);
    if (!ours && (a->def->keep_all || loom_private_keeps_attr(name)))
      status = copy_attr(a, to, from, object, name, err);
  }

  loom_names_destroy(&names);
  loom_h5_close(from);
  return status;
}

// ---- arrays

// Text is shown to the privacy rules; a list of the shortened strings replaces the array's data.
static int shorten_text(const assembly* a, loomArray* array, char*** shown, loomError* err) {
  char** text = array->data;
  *shown = calloc((size_t)array->count + 1, sizeof **shown);
  if (!*shown) return out_of_memory(a, err);

  for (int64_t i = 0; i < array->count; i++)
    if (!((*shown)[i] = a->def->keep_all ? strdup(text[i]) : loom_private_text(text[i])))
      return out_of_memory(a, err);
  return LOOM_OK;
}

// Read and write anew. H5Ocopy would be cheaper, but crashes on damaged headers that reading survives.
static int rewrite_array(assembly* a, hid_t to, const char* object, const char* name, loomError* err) {
  loomArray array;
  int status = loom_dataset_array(&array, a->source, object, name, err);
  if (status) return status;

  char** shown = NULL;
  loomField field = {.path = name, .type = array.type, .rank = array.rank, .data = array.data};
  memcpy(field.shape, array.shape, sizeof field.shape);

  // Text loses the paths in it, or is refused by the caller's rules before.
  if (array.type == LOOM_TYPE_STR) {
    status = shorten_text(a, &array, &shown, err);
    field.rank = 1;
    field.shape[0] = array.count;
    field.data = shown;
  }

  loomWriteDef def = loom_default_write_def();
  if (!status) status = loom_h5_put_field(to, &field, &def, a->path, err);
  if (!status) {
    char part[LOOM_DIGEST_PART];
    loom_digest_part(part, object, name);
    note_part(a, &a->lines, object, part, loom_digest_array(array.type, array.rank, array.shape, array.data),
              loom_digest_array(field.type, field.rank, field.shape, field.data));
  }

  for (int64_t i = 0; shown && i < array.count; i++) free(shown[i]);
  free(shown);
  loom_array_destroy(&array);
  return status;
}

// What of a demo did not come along, told once however many demos have it.
static int leave_out(const assembly* a, const char* object, const char* name, const char* why,
                     loomError* err) {
  enum { LINES_MAX = 1000 };
  char part[LOOM_DIGEST_PART], line[900];
  loomNames* list = a->def->left_out;
  loom_digest_part(part, object, name);
  snprintf(line, sizeof line, "%s: %.250s", part, why);

  for (int i = 0; i < list->n; i++)
    if (!strcmp(list->name[i], line)) return LOOM_OK;
  if (list->n < LINES_MAX && loom_names_add(list, line)) return out_of_memory(a, err);
  return LOOM_OK;
}

// Without its actions and states a demo is none, so those are never left out.
static bool must_come(const char* object, const char* name) {
  return !loom_digest_inside(object) && (!strcmp(name, "actions") || !strcmp(name, "states"));
}

// What cannot be copied is left out where the caller wants to know of it, and an error elsewhere.
// why->message begins with the place, as that of the copy does.
static int give_up_on(const assembly* a, const char* object, const char* name, const loomError* why,
                      loomError* err) {
  char where[1024];
  if (!a->def->left_out || must_come(object, name)) return loom_error_set(err, why->code, "%s", why->message);

  int length = snprintf(where, sizeof where, "%s: %s/%s: ", a->source->path, object, name);
  bool prefixed = length < (int)sizeof where && !strncmp(why->message, where, (size_t)length);
  return leave_out(a, object, name, why->message + (prefixed ? length : 0), err);
}

// By the privacy rules, which are no error.
static int leave_out_private(const assembly* a, const char* object, const char* name, loomError* err) {
  if (!a->def->left_out) return LOOM_OK;
  return leave_out(a, object, name, "may name people or machines", err);
}

// An array that is not of our types goes over byte by byte.
static int carry_array(const assembly* a, hid_t to, const char* object, const char* name, const char* where,
                       loomError* err) {
  hid_t from = -1;
  loomError why = {0};
  int status = loom_h5_open(&from, a->source, object, name, err);
  if (status) return status;

  status = loom_h5_carry(to, from, name, a->source->stat.st_size, where, &why);
  loom_h5_close(from);
  if (status == LOOM_ERR_UNSUPPORTED) return give_up_on(a, object, name, &why, err);
  return status ? loom_error_set(err, status, "%s", why.message) : LOOM_OK;
}

static bool is_plain(hid_t group, const char* name) {
  hid_t array = H5Dopen2(group, name, H5P_DEFAULT);
  bool plain = array < 0 || loom_h5_is_plain(array);
  loom_h5_close(array);
  return plain;
}

// An array that goes over unread keeps its line; its shard's seal was looked at. Shards of earlier versions
// have none, so it is made now.
static int carry_line(assembly* a, const char* object, const char* name, loomError* err) {
  char part[LOOM_DIGEST_PART];
  uint64_t hash;
  loom_digest_part(part, object, name);
  if (!a->digest || !loom_digest_find(&hash, a->digest, part)) {
    loomArray array;
    int status = loom_dataset_array(&array, a->source, object, name, err);
    if (status) return status;
    hash = loom_digest_array(array.type, array.rank, array.shape, array.data);
    loom_array_destroy(&array);
  }
  loom_digest_set(&a->lines, part, hash);
  return LOOM_OK;
}

static int copy_array(assembly* a, hid_t to, hid_t from, const char* object, const char* name, bool all,
                      loomError* err) {
  char where[1024], reason[LOOM_H5_REASON];
  loomArray array;
  loomError why = {0};
  snprintf(where, sizeof where, "%s: %s/%s", a->source->path, object, name);
  int status = loom_dataset_describe(&array, a->source, object, name, &why);
  if (status && status != LOOM_ERR_UNSUPPORTED) return loom_error_set(err, status, "%s", why.message);

  // Not understood, it passes for numbers; those that hold text are not carried.
  if (!all && !loom_private_keeps_array(name, status ? LOOM_TYPE_U8 : array.type))
    return leave_out_private(a, object, name, err);
  if (status || (!a->as_they_lie && !is_plain(from, name)))
    return carry_array(a, to, object, name, where, err);
  if (!a->as_they_lie) return rewrite_array(a, to, object, name, err);

  // Our own arrays go over compressed as they are, which is the fastest way.
  hid_t plist = H5Pcreate(H5P_OBJECT_COPY);
  H5Pset_copy_object(plist, H5O_COPY_WITHOUT_ATTR_FLAG);
  if (H5Ocopy(from, name, to, name, plist, H5P_DEFAULT) < 0)
    status = loom_error_set(err, LOOM_ERR_FORMAT, "%s: cannot be copied (%s)", where, loom_h5_reason(reason));
  H5Pclose(plist);
  return status ? status : carry_line(a, object, name, err);
}

static int copy_children(assembly* a, hid_t to, const char* object, int depth, loomError* err);

static bool left_out(const assembly* a, const char* object, const char* name) {
  char path[512];
  snprintf(path, sizeof path, "%s/%s", object, name);
  const char* slash = strchr(path, '/');
  slash = slash ? strchr(slash + 1, '/') : NULL;  // past "data/demo_3"
  if (!slash) return false;

  // What the caller gives the demo is in place of what it has of that name.
  const loomRecord* extra = given(a);
  for (int i = 0; extra && i < extra->nfield; i++)
    if (!strcmp(slash + 1, extra->field[i].path)) return true;
  return !a->beside && unwanted(a, slash + 1);
}

static int copy_child(assembly* a, hid_t to, hid_t from, const char* object, const char* name, int depth,
                      loomError* err) {
  bool all = a->def->keep_all;
  char where[1024];
  loomError why = {0};
  H5O_info_t info;

  if (left_out(a, object, name)) return LOOM_OK;
  snprintf(where, sizeof where, "%s: %s/%s", a->source->path, object, name);
  if (!loom_h5_is_hard_link(from, name)) {
    loom_h5_link_error(from, name, where, &why);
    return give_up_on(a, object, name, &why, err);
  }
  if (H5Oget_info_by_name(from, name, &info, H5P_DEFAULT) < 0) return loom_h5_damage(from, where, err);

  if (info.type == H5O_TYPE_DATASET) return copy_array(a, to, from, object, name, all, err);
  if (info.type != H5O_TYPE_GROUP) {
    loom_error_set(&why, LOOM_ERR_UNSUPPORTED, "%s: neither an array nor a group", where);
    return give_up_on(a, object, name, &why, err);
  }
  if (depth == 0 && !all && !loom_private_keeps_group(name)) return leave_out_private(a, object, name, err);

  // Groups in groups, as deep as robomimic's layout goes and not for ever.
  char path[512];
  int length = snprintf(path, sizeof path, "%s/%s", object, name);
  if (length < 0 || (size_t)length >= sizeof path || depth >= COPY_DEPTH_MAX)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: %.80s...: groups nested too deep", a->source->path,
                          object);

  bool there = H5Lexists(to, name, H5P_DEFAULT) > 0;  // of the demo that another one is added to
  hid_t group = there ? H5Gopen2(to, name, H5P_DEFAULT) : loom_h5_group(to, name);
  if (group < 0) return loom_error_set(err, LOOM_ERR_IO, "%s: the group '%s' cannot be made", a->path, name);

  int status = copy_attrs(a, group, path, err);
  if (!status) status = copy_children(a, group, path, depth + 1, err);
  H5Gclose(group);
  return status;
}

static int copy_children(assembly* a, hid_t to, const char* object, int depth, loomError* err) {
  hid_t from = -1;
  loomNames links = {0};
  int status = loom_h5_open(&from, a->source, object, "", err);

  if (!status && H5Iget_type(from) != H5I_GROUP)
    status = loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s is no group", a->source->path, object);
  if (!status) status = loom_h5_links(&links, from, object, err);
  for (int i = 0; i < links.n && !status; i++)
    status = copy_child(a, to, from, object, links.name[i], depth, err);

  loom_names_destroy(&links);
  loom_h5_close(from);
  return status;
}

// ---- demos

static int rows_of(int64_t* rows, const loomDataset* ds, const char* object, loomError* err) {
  bool samples = loom_dataset_has_attr(ds, object, "num_samples");
  int64_t said = 0;
  int status = samples ? loom_dataset_attr_int(&said, ds, object, "num_samples", err) : LOOM_OK;
  *rows = said;
  if (status || (samples && !loom_dataset_has(ds, object, "actions"))) return status;

  // The actions are what is counted; an attribute that differs is a damaged demo.
  loomArray actions;
  status = loom_dataset_describe(&actions, ds, object, "actions", err);
  if (status) return status;

  *rows = actions.rank ? actions.shape[0] : 0;
  if (samples && said != *rows)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s: num_samples says %lld where actions has %lld rows",
                          ds->path, object, (long long)said, (long long)*rows);
  return LOOM_OK;
}

static int note_masks(assembly* a, const char* old_name, const char* new_name, loomError* err) {
  for (int i = 0; i < a->source_masks.n; i++) {
    const loomNames* demos = &a->source_mask_demos[i];

    // By bisection: masks of large datasets have many names.
    int low = 0, high = demos->n;
    while (low < high) {
      int middle = low + (high - low) / 2;
      if (loom_natural_compare(demos->name[middle], old_name) < 0)
        low = middle + 1;
      else
        high = middle;
    }

    if (low == demos->n || strcmp(demos->name[low], old_name)) continue;
    int k = 0;
    while (strcmp(a->carried[k].name, a->source_masks.name[i])) k++;
    if (loom_names_add(&a->carried[k].demos, new_name)) return out_of_memory(a, err);
  }
  return LOOM_OK;
}

// The arrays of another file's demo, added to the one being written.
static int copy_beside(assembly* a, hid_t group, const loomSource* beside, loomError* err) {
  loomDataset *source = a->source, *other = NULL;
  bool as_they_lie = a->as_they_lie;
  int status = loom_dataset_open_trusted(&other, beside->path, err);
  if (status) return status;

  int demo = beside->demo ? loom_dataset_demo_index(other, beside->demo) : 0;
  if (demo < 0 || demo >= loom_dataset_demo_count(other)) {
    status = loom_error_set(err, LOOM_ERR_FORMAT, "%s: has no demo '%s'", beside->path,
                            beside->demo ? beside->demo : "0");
  } else {
    char* digest = a->digest;
    const char* object = loom_dataset_demo_path(other, demo);
    status = loom_digest_read(&a->digest, other, object, err);
    a->source = other;
    a->as_they_lie = a->beside = true;
    if (!status) status = copy_children(a, group, object, 0, err);
    a->beside = false;
    free(a->digest);
    a->digest = digest;
    a->source = source;
    a->as_they_lie = as_they_lie;
  }

  loom_dataset_close(other);
  return status;
}

// As a link to where it lies.
static int link_demo(assembly* a, int demo, loomError* err) {
  char name[32];
  int64_t rows = 0;
  int number;
  loomDataset* home = loom_index_of_demo(&number, a->source, demo);
  const char* old_name = loom_dataset_demo_name(home, number);

  snprintf(name, sizeof name, "demo_%d", a->names.n);
  int status = rows_of(&rows, home, loom_dataset_demo_path(home, number), err);
  if (!status) status = loom_index_link(a->data, name, home, old_name, a->path, err);
  a->total += rows;
  if (!status && loom_names_add(&a->names, name)) status = out_of_memory(a, err);
  return status ? status : note_masks(a, loom_dataset_demo_name(a->source, demo), name, err);
}

static int copy_demo_of(assembly* a, int demo, const char* mask_name, loomError* err) {
  char name[256], where[1024];
  const char* object = loom_dataset_demo_path(a->source, demo);
  const char* old_name = loom_dataset_demo_name(a->source, demo);
  if (a->def->keep_names)
    snprintf(name, sizeof name, "%s", mask_name);
  else
    snprintf(name, sizeof name, "demo_%d", a->names.n);

  snprintf(where, sizeof where, "%s: data/%s", a->path, name);

  int64_t rows = 0;
  int status = rows_of(&rows, a->source, object, err);
  if (status) return status;
  hid_t group =
      a->names.n < a->laid_out ? H5Gopen2(a->data, name, H5P_DEFAULT) : loom_h5_group(a->data, name);
  if (group < 0)
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: cannot be made; two sources have a demo of that name",
                          where);

  loomAttr samples = loom_attr_int("num_samples", rows);
  loom_text_destroy(&a->lines);
  a->lines = (loomText){0};
  status = loom_digest_read(&a->digest, a->source, object, err);
  if (!status)
    note_part(a, &a->lines, object, LOOM_DIGEST_NAME, loom_digest_text(old_name), loom_digest_text(name));
  if (!status) status = loom_h5_put_attr_and_line(group, &samples, &a->lines, where, err);
  if (!status) status = copy_attrs(a, group, object, err);
  if (!status) status = copy_children(a, group, object, 0, err);

  // What the caller adds to this demo, by numbers or by another file.
  const loomRecord* extra = given(a);
  for (int i = 0; !status && extra && i < extra->nattr; i++)
    status = loom_h5_put_attr_and_line(group, &extra->attr[i], &a->lines, where, err);
  loomWriteDef plain = loom_default_write_def();
  for (int i = 0; !status && extra && i < extra->nfield; i++) {
    const loomField* field = &extra->field[i];
    status = loom_h5_put_field(group, field, &plain, where, err);
    loom_digest_set(&a->lines, field->path,
                    loom_digest_array(field->type, field->rank, field->shape, field->data));
  }
  if (!status && a->def->beside) status = copy_beside(a, group, &a->def->beside[a->names.n], err);
  if (!status) status = loom_h5_put_digest(group, &a->lines, where, err);
  free(a->digest);
  a->digest = NULL;
  H5Gclose(group);

  a->total += rows;
  if (!status && loom_names_add(&a->names, name)) status = out_of_memory(a, err);
  return status ? status : note_masks(a, mask_name, name, err);
}

// From the file where it lies, which is another than the source where that is an index.
static int copy_demo(assembly* a, int demo, loomError* err) {
  if (a->def->index) return link_demo(a, demo, err);

  loomDataset* source = a->source;
  int number;
  a->source = loom_index_of_demo(&number, source, demo);
  int status = copy_demo_of(a, number, loom_dataset_demo_name(source, demo), err);
  a->source = source;
  return status;
}

// ---- sources

static void close_source(assembly* a) {
  for (int i = 0; i < a->source_masks.n && a->source_mask_demos; i++)
    loom_names_destroy(&a->source_mask_demos[i]);
  free(a->source_mask_demos);
  a->source_mask_demos = NULL;
  loom_names_destroy(&a->source_masks);
  loom_dataset_close(a->source);
  a->source = NULL;
}

static int add_carried(assembly* a, const char* name, loomError* err) {
  for (int k = 0; k < a->ncarried; k++)
    if (!strcmp(a->carried[k].name, name)) return LOOM_OK;

  carriedMask* grown = realloc(a->carried, (size_t)(a->ncarried + 1) * sizeof *grown);
  if (!grown) return out_of_memory(a, err);
  a->carried = grown;
  a->carried[a->ncarried] = (carriedMask){.name = strdup(name)};
  if (!a->carried[a->ncarried].name) return out_of_memory(a, err);

  a->ncarried++;
  return LOOM_OK;
}

static int load_masks(assembly* a, loomError* err) {
  int status = loom_dataset_masks(&a->source_masks, a->source, err);
  if (status) return status;

  if (!a->source_masks.n) a->unmasked = true;
  a->source_mask_demos = calloc((size_t)a->source_masks.n + 1, sizeof *a->source_mask_demos);
  if (!a->source_mask_demos) return out_of_memory(a, err);
  for (int i = 0; i < a->source_masks.n && !status; i++) {
    loomNames* demos = &a->source_mask_demos[i];
    status = loom_dataset_mask(demos, a->source, a->source_masks.name[i], err);
    if (!status) status = add_carried(a, a->source_masks.name[i], err);
    loom_names_sort(demos);
  }
  return status;
}

// The first source that knows gives the attributes of `data`; the others must have been recorded alike.
static int check_env(assembly* a, loomError* err) {
  for (int i = 0; i < a->def->nattr; i++)
    if (!strcmp(a->def->attr[i].name, "env_args")) return LOOM_OK;
  if (!loom_dataset_has_env_args(a->source)) {
    if (!a->def->trusted)
      loom_dataset_tell(a->source->path,
                        "has no env_args, so nothing says which environment its demos are of");
    return LOOM_OK;
  }

  char* env = NULL;
  int status = loom_dataset_env_args(&env, a->source, err);
  if (status) return status;
  char why[480];

  // Sources of other environments may be asked for, those whose actions mean something else may not: the file
  // has one env_args for all.
  bool same = !a->env_args || loom_env_args_driven_same(a->env_args, env, why, sizeof why);
  if (!same)
    status = loom_error_set(
        err, LOOM_ERR_USAGE,
        "%s: its actions are of another rate, robot or controller than those of the files before it: "
        "%s (the one is the first file)",
        a->source->path, why);
  else if (a->env_args && !a->def->mixed && !loom_env_args_same(a->env_args, env, why, sizeof why))
    status = loom_error_set(
        err, LOOM_ERR_USAGE,
        "%s: its env_args differ from those of the files before it, so it was recorded in another "
        "environment: %s (the one is the first file)",
        a->source->path, why);

  if (!a->env_args)
    a->env_args = env;
  else
    free(env);
  return status;
}

// Of the first source.
static int copy_data_attrs(assembly* a, loomError* err) {
  int status = loom_digest_read(&a->digest, a->source, "data", err);
  if (!status) status = copy_attrs(a, a->data, "data", err);
  free(a->digest);
  a->digest = NULL;

  // Of a recording of robosuite's: for whoever reads env_args only.
  bool lacks = !loom_dataset_has_attr(a->source, "data", "env_args") && loom_dataset_has_env_args(a->source);
  if (status || !lacks || is_given_attr(a, a->data, "env_args")) return status;
  char* env_args = NULL;
  status = loom_dataset_env_args(&env_args, a->source, err);
  loomAttr attr = loom_attr_string("env_args", env_args);
  if (!status) status = loom_h5_put_attr_and_line(a->data, &attr, &a->data_lines, a->path, err);
  free(env_args);
  return status;
}

static int open_source(assembly* a, const char* path, loomError* err) {
  if (a->source && !strcmp(a->source->path, path)) return LOOM_OK;
  close_source(a);

  bool first = a->names.n == 0;
  int status = a->def->trusted ? loom_dataset_open_trusted(&a->source, path, err)
                               : loom_dataset_open(&a->source, path, err);

  if (!status) status = check_env(a, err);
  if (!status && !a->def->nmask) status = load_masks(a, err);
  if (!status && first) status = copy_data_attrs(a, err);
  return status;
}

static int copy_source(assembly* a, const loomSource* source, loomError* err) {
  int status = open_source(a, source->path, err);
  if (status) return status;

  int demo = source->demo ? loom_dataset_demo_index(a->source, source->demo) : 0;
  if (demo < 0)
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: has no demo '%s'", source->path, source->demo);

  int end = source->demo ? demo + 1 : loom_dataset_demo_count(a->source);
  for (; demo < end && !status && !a->disk.error; demo++) status = copy_demo(a, demo, err);
  return status;
}

// ---- masks

static uint64_t mix(uint64_t x) {  // the finalizer of SplitMix64 (Steele, Lea, Flood 2014)
  x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
  return x ^ (x >> 31);
}

void loom_split(unsigned char* in_valid, int n, double valid, uint64_t seed) {
  int wanted = (int)lround(valid * n);
  if (n > 1 && valid > 0 && valid < 1) wanted = wanted < 1 ? 1 : wanted > n - 1 ? n - 1 : wanted;
  memset(in_valid, 0, (size_t)(n > 0 ? n : 0));

  // Selection sampling: each demo is taken with the probability that leaves the wanted number.
  for (int i = 0; i < n && wanted > 0; i++) {
    uint64_t draw = mix(mix(seed + UINT64_C(0x9e3779b97f4a7c15)) ^ (uint64_t)(i + 1));
    double u = (double)(draw >> 11) * 0x1p-53;
    if (u * (n - i) >= wanted) continue;
    in_valid[i] = 1;
    wanted--;
  }
}

static int put_mask(assembly* a, const char* name, char** demos, int n, loomError* err) {
  return loom_h5_put_mask(a->file, name, demos, n, &a->data_lines, a->path, err);
}

static int put_split(assembly* a, loomError* err) {
  int n = a->names.n;
  unsigned char* in_valid = calloc((size_t)n + 1, 1);
  char** list = calloc((size_t)n + 1, sizeof *list);
  int status = in_valid && list ? LOOM_OK : out_of_memory(a, err);
  if (!status) loom_split(in_valid, n, a->def->valid, a->def->seed);

  static const char* const mask[] = {"train", "valid"};
  for (int which = 0; which < 2 && !status; which++) {
    int m = 0;
    for (int i = 0; i < n; i++)
      if (in_valid[i] == which) list[m++] = a->names.name[i];
    status = put_mask(a, mask[which], list, m, err);
  }

  free(list);
  free(in_valid);
  return status;
}

static int put_masks(assembly* a, loomError* err) {
  int status = LOOM_OK;
  for (int i = 0; i < a->def->nmask && !status; i++)
    status = loom_h5_put_given_mask(a->file, &a->def->mask[i], &a->names, &a->data_lines, a->path, err);

  // Sources without masks among others with them: those of the others would lie.
  if (a->def->nmask) return status;
  if (a->unmasked || !a->ncarried) return a->def->valid > 0 ? put_split(a, err) : LOOM_OK;
  for (int i = 0; i < a->ncarried && !status; i++)
    status = put_mask(a, a->carried[i].name, a->carried[i].demos.name, a->carried[i].demos.n, err);
  return status;
}

// ---- the whole

// Attributes of `data` that are ours. Before the demos: one written again would go to the end of the file.
static int put_attrs(assembly* a, loomError* err) {
  int status = LOOM_OK;
  for (int i = 0; i < a->def->nattr && !status; i++) {
    loomAttr attr = a->def->attr[i];
    char* mended = !strcmp(attr.name, "env_args") ? loom_env_args_mended(attr.text) : NULL;
    if (mended) attr.text = mended;
    status = loom_h5_put_attr_and_line(a->data, &attr, &a->data_lines, a->path, err);
    free(mended);
  }
  return status;
}

// How many rows there are, known at the end.
static int put_total(assembly* a, loomError* err) {
  loomAttr total = loom_attr_int("total", a->total);
  return loom_h5_put_attr_and_line(a->data, &total, &a->data_lines, a->path, err);
}

// The index of the demos first, where their number is known: what is left of a file that is cut short later
// can then still be found.
static int lay_out(assembly* a, const loomSource* source, int n, loomError* err) {
  if (a->def->keep_names || a->def->index || n < 1) return LOOM_OK;
  for (int i = 0; i < n; i++)
    if (!source[i].demo && !a->def->trusted) return LOOM_OK;  // own shards hold one demo each

  // Attributes too, with room for those that are known at the end.
  int status = open_source(a, source[0].path, err);
  if (!status) status = put_total(a, err);
  if (!status) status = loom_h5_put_digest(a->data, &a->data_lines, a->path, err);
  for (int i = 0; !status && i < n; i++) {
    char name[32];
    snprintf(name, sizeof name, "demo_%d", i);
    hid_t group = loom_h5_group(a->data, name);
    if (group < 0) status = loom_error_set(err, LOOM_ERR_IO, "%s: %s cannot be made", a->path, name);
    loom_h5_close(group);
  }

  a->laid_out = n;
  return status;
}

// Demos as a reader lists them.
static int put_data_digest(assembly* a, loomError* err) {
  loomNames names = {0};
  int status = LOOM_OK;
  for (int i = 0; i < a->names.n && !status; i++)
    if (loom_names_add(&names, a->names.name[i])) status = out_of_memory(a, err);
  loom_names_sort(&names);

  loom_digest_set(&a->data_lines, LOOM_DIGEST_DEMOS, loom_digest_names(&names));
  loom_names_destroy(&names);
  return status ? status : loom_h5_put_digest(a->data, &a->data_lines, a->path, err);
}

static int fill(assembly* a, const loomSource* source, int n, loomError* err) {
  const loomAttr index = loom_attr_int(LOOM_INDEX_ATTR, 1);
  int status = put_attrs(a, err);
  if (!status && a->def->index)
    status = loom_h5_put_attr_and_line(a->data, &index, &a->data_lines, a->path, err);
  if (!status) status = lay_out(a, source, n, err);
  for (int i = 0; i < n && !status && !a->disk.error; i++) {
    status = copy_source(a, &source[i], err);
    if (!status && a->def->progress && a->def->progress(a->def->user, i + 1, n))
      status = loom_error_set(err, LOOM_ERR_INTERRUPTED, "%s: interrupted; it was not written: run it again",
                              a->path);
  }

  // A dataset of no demos is nobody's wish.
  if (!status && n && !a->names.n && !a->disk.error)
    status = loom_error_set(err, LOOM_ERR_FORMAT, "%s: has no demos%s, so %s is not written", source[0].path,
                            n > 1 ? ", nor have the others" : "", a->path);

  if (!status) status = put_total(a, err);
  if (!status) status = put_masks(a, err);
  return status ? status : put_data_digest(a, err);
}

static int create_output(assembly* a, const char* temporary, loomError* err) {
  hid_t fapl = loom_h5_disk_plist(&a->disk), fcpl = loom_h5_create_plist();
  a->file = fapl < 0 ? -1 : H5Fcreate(temporary, H5F_ACC_TRUNC, fcpl, fapl);
  loom_h5_close(fcpl);
  loom_h5_close(fapl);

  if (a->file >= 0) a->data = loom_h5_group(a->file, "data");
  if (a->data >= 0) return LOOM_OK;
  return loom_error_set(err, LOOM_ERR_IO, "%s: cannot be created (%s)", a->path,
                        a->disk.error ? strerror(a->disk.error) : "HDF5 refused");
}

int loom_dataset_assemble(const char* path, const loomSource* source, int n, const loomAssembleDef* def,
                          loomError* err) {
  loom_h5_quiet();
  loomAssembleDef standard = loom_default_assemble_def();
  assembly a = {.def = def ? def : &standard, .path = path, .file = -1, .data = -1};
  a.as_they_lie = a.def->trusted;

  loomFile output;
  int status = loom_file_begin(&output, path, err);
  if (status) return status;
  status = create_output(&a, output.temporary, err);
  if (!status) status = fill(&a, source, n, err);

  close_source(&a);
  loom_h5_close(a.data);
  status = loom_h5_finish(a.file, &a.disk, &output, path, true, status, err);

  for (int k = 0; k < a.ncarried; k++) {
    free(a.carried[k].name);
    loom_names_destroy(&a.carried[k].demos);
  }
  free(a.carried);
  free(a.env_args);
  free(a.digest);
  loom_text_destroy(&a.lines);
  loom_text_destroy(&a.data_lines);
  loom_names_destroy(&a.names);
  return status;
}
