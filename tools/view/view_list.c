// The viewer's list of demos: what is told of each, filters, orders, marks.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/base/clock.h"
#include "engine/base/json.h"
#include "tools/view/view.h"

const char* const view_filter_names[] = {"all", "succeeded", "failed", "kept", "rejected", "unmarked"};
const char* const view_sort_names[] = {"number", "outcome", "length", "source", "region", "reason"};

static int outcome_number(const char* name) {
  for (int i = 0; i < LOOM_OUTCOME_COUNT; i++) {
    if (!strcmp(name, loom_outcome_name((loomOutcome)i))) return i;
  }
  return -1;
}

static const char* text_of(const cJSON* object, const char* key) {
  const cJSON* item = cJSON_GetObjectItemCaseSensitive(object, key);
  return cJSON_IsString(item) ? item->valuestring : "";
}

static void read_provenance(viewEntry* e, const char* text) {
  cJSON* root = loom_json_read(text);
  const cJSON* segment = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(root, "segments"), 0);
  e->outcome = outcome_number(text_of(root, "outcome"));
  snprintf(e->reason, sizeof e->reason, "%.150s", text_of(root, "reason"));
  snprintf(e->source, sizeof e->source, "%.*s", LOOM_NAME_MAX - 1, text_of(segment, "source"));
  cJSON_Delete(root);
}

// Where the first object stood at the start: what `x<0.1` filters by.
static void read_start(viewEntry* e, const loomDataset* d, const char* path, const loomTask* task) {
  loomArray pose;
  char name[2 * LOOM_NAME_MAX];
  if (!task->object_count) return;

  snprintf(name, sizeof name, "datagen_info/object_poses/%.60s", task->objects[0].name);
  if (!loom_dataset_has(d, path, name) || loom_dataset_rows(&pose, d, path, name, 0, 1, NULL)) return;

  // The last column of a 4 x 4 pose.
  const double* m = pose.data;
  if (pose.type == LOOM_TYPE_F64 && pose.count == 16) {
    for (int i = 0; i < 3; i++) e->start[i] = m[4 * i + 3];
  }
  loom_array_destroy(&pose);
}

static void read_entry(viewEntry* e, const loomDataset* d, const loomTask* task) {
  loomArray actions;
  loomError err = {0, ""};
  char* text;
  const char* path = loom_dataset_demo_path(d, e->demo);

  // A demo without actions cannot be shown; it is listed with the reason.
  if (loom_dataset_describe(&actions, d, path, "actions", &err)) {
    snprintf(e->reason, sizeof e->reason, "%.150s", err.message);
    return;
  }

  // Of a file that was cut short each demo is read whole, since its index promises rows that are gone.
  loomDemo demo;
  if (loom_dataset_is_cut(d) && loom_demo_load(&demo, d, e->demo, &err)) {
    const char* what = strstr(err.message, "data/");  // the file is known
    snprintf(e->reason, sizeof e->reason, "%.150s", what ? what : err.message);
    return;
  }
  if (loom_dataset_is_cut(d)) loom_demo_destroy(&demo);

  e->rows = (int)actions.shape[0];
  if (loom_dataset_has_attr(d, path, "loom_provenance") &&
      !loom_dataset_attr_string(&text, d, path, "loom_provenance", NULL)) {
    read_provenance(e, text);
    free(text);
  }
  read_start(e, d, path, task);
}

static int compare_names(const void* a, const void* b, void* user) {
  const viewEntry* entry = user;
  return strcmp(entry[*(const int*)a].name, entry[*(const int*)b].name);
}

// Where each of the file's demos is by its name: of a hundred thousand demos half may be marked.
static int index_names(viewList* list, loomError* err) {
  list->by_name = malloc((size_t)(list->n + 1) * sizeof *list->by_name);
  if (!list->by_name) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for %d names", list->n);

  for (int i = 0; i < list->n; i++) list->by_name[i] = i;
  qsort_r(list->by_name, (size_t)list->n, sizeof *list->by_name, compare_names, list->entry);
  return 0;
}

static void read_marks(viewList* list, const loomDataset* d, const char* mask, viewMark mark) {
  loomNames names = {0, NULL};
  if (loom_dataset_mask(&names, d, mask, NULL)) return;
  for (int i = 0; i < names.n; i++) {
    int entry = view_list_find(list, names.name[i]);
    if (entry >= 0) list->entry[entry].mark = mark;
  }
  loom_names_destroy(&names);
}

int view_list_load(viewList* list, const loomDataset* d, const loomTask* task, loomError* err) {
  loomNames masks = {0, NULL};

  int n = loom_dataset_demo_count(d);
  pthread_mutex_init(&list->lock, NULL);
  list->capacity = n + 16;
  list->entry = calloc((size_t)list->capacity, sizeof *list->entry);

  if (!list->entry) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a list of %d demos", n);
  list->dataset = d;
  list->task = task;
  list->n = list->demo_count = n;

  // Entries begin with their names alone; view_list_read fills in the rest while the window is already up.
  for (int i = 0; i < n; i++) {
    viewEntry* e = &list->entry[i];
    *e = (viewEntry){.demo = i, .outcome = -1, .start = {NAN, NAN, NAN}};
    snprintf(e->name, sizeof e->name, "%.*s", LOOM_NAME_MAX - 1, loom_dataset_demo_name(d, i));
  }

  int code = index_names(list, err);
  if (code) return code;

  // Marks are masks of the file.
  if (!loom_dataset_masks(&masks, d, NULL)) {
    for (int i = 0; i < masks.n; i++) {
      if (!strcmp(masks.name[i], "keep")) read_marks(list, d, "keep", VIEW_KEEP);
      if (!strcmp(masks.name[i], "reject")) read_marks(list, d, "reject", VIEW_REJECT);
    }
    loom_names_destroy(&masks);
  }
  return view_list_update(list, err);
}

bool view_list_read(viewList* list, double seconds) {
  double start = loom_clock();
  if (list->read < list->demo_count) list->version++;
  while (list->read < list->demo_count && loom_clock() - start < seconds &&
         (isinf(seconds) || loom_dataset_ready(list->dataset, list->read)))
    if (view_list_entry(list, list->read++) && list->read == list->demo_count) view_list_count(list);
  return list->read == list->demo_count;
}

viewEntry* view_list_entry(viewList* list, int i) {
  viewEntry* e = &list->entry[i];
  if (e->demo >= 0 && !e->read) {
    e->read = true;
    read_entry(e, list->dataset, list->task);
  }
  return e;
}

void view_list_judge(viewList* list, int entry, bool succeeds) {
  viewEntry* e = &list->entry[entry];
  if (e->demo < 0 || e->outcome >= 0) return;

  e->outcome = succeeds ? LOOM_OUTCOME_SUCCESS : LOOM_OUTCOME_UNFINISHED;
  if (!succeeds && !e->reason[0]) snprintf(e->reason, sizeof e->reason, "success does not hold at its end");
  view_list_count(list);
}

static void destroy_trial(viewTrial* trial) {
  if (!trial) return;
  loom_demo_destroy(&trial->demo);
  free(trial);
}

void view_list_destroy(viewList* list) {
  for (int i = 0; i < list->n; i++) {
    if (list->entry[i].has_thumb) loom_image_destroy(&list->entry[i].thumb);
    destroy_trial(list->entry[i].trial);
    free(list->entry[i].ends);
  }

  if (list->entry) pthread_mutex_destroy(&list->lock);
  free(list->entry);
  free(list->by_name);
  free(list->shown);
  memset(list, 0, sizeof *list);
}

// ---- filter and order

// "rows>300", "x<0.1": a number of the entry's. 1 = it is so, 0 = it is not, -1 = the word says nothing of
// the kind.
static int fits_number(const viewEntry* e, const char* word) {
  const struct {
    const char* name;
    double value;
  } numbers[] = {{"rows", e->rows}, {"x", e->start[0]}, {"y", e->start[1]}, {"z", e->start[2]}};

  size_t n = strcspn(word, "<>");
  if (!word[n]) return -1;
  char* end;

  double limit = strtod(word + n + 1, &end);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers && end > word + n + 1; i++) {
    if (strlen(numbers[i].name) != n || strncasecmp(numbers[i].name, word, n)) continue;
    return word[n] == '<' ? numbers[i].value < limit : numbers[i].value > limit;
  }
  return -1;
}

static bool entry_fits_word(const viewEntry* e, const char* word) {
  const char* outcome = e->outcome >= 0 ? loom_outcome_name((loomOutcome)e->outcome) : "";
  int number = fits_number(e, word);

  // A comparison, a named field, or else text found in any of the fields.
  if (number >= 0) return number;
  if (!strncasecmp(word, "source=", 7)) return !strcasecmp(e->source, word + 7);
  if (!strncasecmp(word, "reason=", 7)) return strcasestr(e->reason, word + 7);

  return strcasestr(e->name, word) || strcasestr(e->source, word) || strcasestr(e->reason, word) ||
         strcasestr(outcome, word);
}

static bool entry_passes(const viewList* list, const viewEntry* e) {
  bool in = true;
  switch (list->filter) {
    case VIEW_SUCCEEDED:
      in = e->outcome == LOOM_OUTCOME_SUCCESS;
      break;
    case VIEW_FAILED:
      in = e->outcome > LOOM_OUTCOME_SUCCESS || !e->rows;
      break;
    case VIEW_KEPT:
      in = e->mark == VIEW_KEEP;
      break;
    case VIEW_REJECTED:
      in = e->mark == VIEW_REJECT;
      break;
    case VIEW_NOT_MARKED:
      in = e->mark == VIEW_UNMARKED;
      break;
    default:
      break;
  }

  // All words must fit.
  char words[sizeof list->text], *rest = NULL;
  memcpy(words, list->text, sizeof words);
  for (const char* word = strtok_r(words, " ", &rest); in && word; word = strtok_r(NULL, " ", &rest))
    in = entry_fits_word(e, word);
  return in;
}

// Tenths of a meter, one number a cell of the table; those not known come last.
static double entry_region(const viewEntry* e) {
  if (isnan(e->start[0])) return INFINITY;
  return 1000 * floor(10 * e->start[0]) + floor(10 * e->start[1]);
}

bool view_sort_falls(viewSort sort) {
  return sort == VIEW_BY_OUTCOME || sort == VIEW_BY_LENGTH || sort == VIEW_BY_REASON;
}

static int compare_entries(const void* a, const void* b, void* user) {
  const viewList* list = user;

  int i = *(const int*)a, j = *(const int*)b, order = 0;
  const viewEntry *x = &list->entry[i], *y = &list->entry[j];
  switch (list->sort) {
    case VIEW_BY_OUTCOME:
      order = x->outcome - y->outcome;
      break;
    case VIEW_BY_LENGTH:
      order = x->rows - y->rows;
      break;
    case VIEW_BY_SOURCE:
      order = loom_natural_compare(x->source, y->source);
      break;
    case VIEW_BY_REGION:
      order = (entry_region(x) > entry_region(y)) - (entry_region(x) < entry_region(y));
      break;
    case VIEW_BY_REASON:
      order = strcmp(x->reason, y->reason);
      break;
    default:
      order = i - j;
      break;
  }

  // Equal ones stay in the file's order.
  if (list->falls) order = -order;
  return order ? order : i - j;
}

void view_list_count(viewList* list) {
  list->version++;
  list->succeeded = list->failed = 0;

  for (int i = 0; i < list->shown_count; i++) {
    const viewEntry* e = &list->entry[list->shown[i]];
    list->succeeded += e->outcome == LOOM_OUTCOME_SUCCESS;
    list->failed += e->outcome > LOOM_OUTCOME_SUCCESS;
  }
}

int view_list_update(viewList* list, loomError* err) {
  // What is not read yet cannot be filtered or sorted; its number and name are known.
  bool reads = list->filter != VIEW_ALL && list->filter < VIEW_KEPT;
  if (reads || list->sort != VIEW_BY_NUMBER || list->text[0]) view_list_read(list, INFINITY);

  int* shown = realloc(list->shown, (size_t)list->capacity * sizeof *shown);
  if (!shown) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a list");
  list->shown = shown;
  list->shown_count = 0;

  for (int i = 0; i < list->n; i++) {
    if (entry_passes(list, &list->entry[i])) list->shown[list->shown_count++] = i;
  }

  qsort_r(list->shown, (size_t)list->shown_count, sizeof *list->shown, compare_entries, list);
  view_list_count(list);
  return 0;
}

int view_list_find(const viewList* list, const char* name) {
  int low = 0, high = list->by_name ? list->demo_count : 0;

  while (low < high) {
    int middle = low + (high - low) / 2, entry = list->by_name[middle];
    int order = strcmp(list->entry[entry].name, name);
    if (!order) return entry;
    if (order < 0) low = middle + 1;
    if (order > 0) high = middle;
  }

  // Trials come after the file's demos, and are few.
  for (int i = list->demo_count; i < list->n; i++) {
    if (!strcmp(list->entry[i].name, name)) return i;
  }
  return -1;
}

int view_list_place(const viewList* list, int entry) {
  for (int i = 0; i < list->shown_count; i++) {
    if (list->shown[i] == entry) return i;
  }
  return -1;
}

int view_list_add(viewList* list, viewTrial* trial, const char* name, const loomTask* task, loomError* err) {
  // A trial may come from the thread that ran it while the window draws the list.
  pthread_mutex_lock(&list->lock);
  if (list->n == list->capacity) {
    viewEntry* more = realloc(list->entry, 2 * (size_t)list->capacity * sizeof *more);
    if (more) {
      list->entry = more;
      list->capacity *= 2;
    }
  }

  bool room = list->n < list->capacity;
  if (room) {
    viewEntry* e = &list->entry[list->n++];
    *e = (viewEntry){.demo = -1, .rows = trial->demo.rows, .trial = trial, .start = {NAN, NAN, NAN}};
    snprintf(e->name, sizeof e->name, "%.*s", LOOM_NAME_MAX - 1, name);
    snprintf(e->reason, sizeof e->reason, "%s", trial->result.reason);
    e->outcome = (int)trial->result.outcome;
    if (task->object_count) memcpy(e->start, trial->result.object_start, sizeof e->start);
  }

  pthread_mutex_unlock(&list->lock);
  if (!room) {
    destroy_trial(trial);
    return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for one more demo");
  }
  return view_list_update(list, err);
}
