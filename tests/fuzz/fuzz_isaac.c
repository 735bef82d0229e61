// A demo in Isaac Lab's layout whose arrays are cut, lost, of another type or hold any bytes, read by a
// mapping that is any text. Errors are fine; crashes, leaks, endless work and messages of several lines are
// not, nor is a demo with a number that is not finite.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/scene/compose.h"
#include "generators/source/isaac.h"
#include "tests/fuzz/parts.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
int fuzz_done(void);
const char* __lsan_default_suppressions(void);

static int read_demos;

int fuzz_done(void) {
  return read_demos;
}

// Small blocks of HDF5 1.10's own.
const char* __lsan_default_suppressions(void) {
  return "leak:libhdf5\n";
}

enum { ROWS = 4 };

static loomTask* task;
static loomScene* scene;
static loomEpisode* episode;
static loomIsaacMap names;
static loomDemoRecord whole;

static void must(int code) {
  if (code) abort();
}

// A few rows in which nothing happens, as a file of ours.
static void write_ours(const char* path) {
  double *actions = calloc(ROWS, sizeof(double) * (size_t)episode->action_dim),
         *states = calloc(ROWS, sizeof(double) * (size_t)episode->state_dim);
  if (!actions || !states) abort();
  must(loom_episode_reset(episode, 0, 1, 2, NULL));
  for (int t = 0; t < ROWS; t++) {
    loom_episode_state(states + (size_t)t * (size_t)episode->state_dim, episode);
    must(loom_episode_step(episode, actions, NULL));
  }

  char* xml = NULL;
  must(loom_episode_xml(&xml, episode, NULL));
  loomField field[] = {{.path = "actions",
                        .type = LOOM_TYPE_F64,
                        .rank = 2,
                        .shape = {ROWS, episode->action_dim},
                        .data = actions},
                       {.path = "states",
                        .type = LOOM_TYPE_F64,
                        .rank = 2,
                        .shape = {ROWS, episode->state_dim},
                        .data = states}};
  loomAttr attr = loom_attr_string("model_file", xml);
  loomRecord record = {.name = "demo_0", .nfield = 2, .field = field, .nattr = 1, .attr = &attr};
  must(loom_shard_write(path, &record, 1, NULL, NULL));
  free(xml);
  free(actions);
  free(states);
}

static void set_up(void) {
  loomAssetRoots roots = {0};
  char label[LOOM_PATH_MAX], path[128], *xml = NULL;
  must(loom_task_load(&task, "tests/own/task.yaml", "tests/own/robots", NULL));
  must(loom_task_model(&xml, label, task, &roots, NULL));
  must(loom_scene_create(&scene, task, xml, label, NULL, &roots, NULL));
  must(loom_episode_create(&episode, scene, NULL));
  free(xml);
  strcpy(path, own_path("ours.hdf5"));
  write_ours(path);

  // The same in their layout.
  loomDataset* dataset;
  loomReplay replay;
  loomDemo demo;
  loomScene* recorded = NULL;
  loomNames left_out = {0, NULL};
  loom_isaac_map_default(&names, task);
  names.same_actions = true;
  must(loom_isaac_map_trees(&names, scene, NULL));
  must(loom_dataset_open_trusted(&dataset, path, NULL));
  must(loom_source_load(&replay, &recorded, task, dataset, 0, &roots, NULL, NULL));
  must(loom_demo_load(&demo, dataset, 0, NULL));
  must(loom_isaac_write(&whole, &names, episode, &replay, &demo, dataset, &left_out, NULL));
  whole.nattr = 0;
  loom_demo_destroy(&demo);
  loom_replay_destroy(&replay);
  loom_scene_destroy(recorded);
  loom_names_destroy(&left_out);
  loom_dataset_close(dataset);
  unlink(path);
}

// ---- one input

// Which array a part's name stands for: a number, or the array's place by the letters' sum.
static int field_of(const Part* part, int n) {
  unsigned sum = 0;
  for (const char* c = part->name; *c; c++)
    sum = *c >= '0' && *c <= '9' ? 10 * sum + (unsigned)(*c - '0') : sum + (unsigned)*c;
  return (int)(sum % (unsigned)n);
}

// Its first byte says what becomes of the array, the second where, the others are what it then holds.
static void change(loomField* f, unsigned char* bytes, const Part* part) {
  size_t room = (size_t)loom_type_size(f->type);
  for (int d = 0; d < f->rank; d++) room *= (size_t)f->shape[d];
  unsigned what = part->size ? (unsigned char)part->text[0] : 0,
           at = part->size > 1 ? (unsigned char)part->text[1] : 0;
  if (!room) return;
  memcpy(bytes, f->data, room);
  f->data = bytes;

  for (size_t i = 2; i < part->size; i++) bytes[(at * 4 + i - 2) % room] = (unsigned char)part->text[i];

  if (what % 8 == 1 && f->rank) f->shape[0] = f->shape[0] > 1 ? f->shape[0] - 1 : 0;
  if (what % 8 == 2 && f->rank < LOOM_RANK_MAX) f->shape[f->rank++] = 1;
  if (what % 8 == 3) f->type = f->type == LOOM_TYPE_F32 ? LOOM_TYPE_I32 : f->type;
  if (what % 8 == 4) f->path = "obs/datagen_info/eef_pose/arm0/deeper";
  if (what % 8 == 5) f->rank = f->rank > 1 ? f->rank - 1 : f->rank;
}

static void check_finite(const loomDemoRecord* r) {
  for (int i = 0; i < r->nfield; i++) {
    const loomField* f = &r->field[i];
    const double* x = f->data;
    int64_t n = 1;
    for (int d = 0; d < f->rank; d++) n *= f->shape[d];
    for (int64_t k = 0; f->type == LOOM_TYPE_F64 && k < n; k++)
      if (!isfinite(x[k])) abort();
  }
}

static void read_file(const char* path, const loomIsaacMap* map) {
  loomDataset* dataset;
  loomDemoRecord back = {0};
  loomIsaacTold told;
  loomError err = {0};
  if (loom_dataset_open_trusted(&dataset, path, NULL)) return;
  if (loom_dataset_demo_count(dataset)) {
    loom_isaac_is(dataset);
    int code = loom_isaac_read(&back, &told, map, episode, dataset, 0, &err);
    check_error(code, &err);
    if (!code) check_finite(&back);
    read_demos += !code;
  }
  loom_demo_record_destroy(&back);
  loom_dataset_close(dataset);
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static unsigned char bytes[MAX_PARTS][1 << 12];
  Part part[MAX_PARTS];
  int n = split_parts(part, data, size);
  if (!task) set_up();

  // What has no name is a mapping.
  loomIsaacMap map = {0};
  loomError err = {0};
  char* text = part[0].size ? part_text(part, 1, "") : NULL;
  int code = text ? loom_isaac_map_load(&map, "map.yaml", text, task, &err) : 0;
  check_error(code, &err);
  free(text);
  if (code) return 0;

  // A mapping that is read is written so that it can be read.
  char* again = part[0].size ? loom_isaac_map_text(&map, task) : NULL;
  loomIsaacMap twice;
  if (again && loom_isaac_map_load(&twice, "again.yaml", again, task, NULL)) abort();
  if (again) loom_isaac_map_destroy(&twice);
  free(again);

  loomField* field = calloc((size_t)whole.nfield + 1, sizeof *field);
  if (!field) abort();
  int m = 0;

  for (int i = 0; i < whole.nfield; i++) {
    bool lost = false;
    field[m] = whole.field[i];
    for (int p = 1; p < n; p++) {
      if (field_of(&part[p], whole.nfield) != i) continue;
      lost = part[p].size && (unsigned char)part[p].text[0] % 8 == 7;
      if (field[m].data == whole.field[i].data) change(&field[m], bytes[p], &part[p]);
    }
    if (!lost) m++;
  }

  char path[128];
  strcpy(path, own_path("theirs.hdf5"));
  loomRecord record = {.name = "demo_0", .nfield = m, .field = field};
  if (!loom_shard_write(path, &record, 1, NULL, NULL)) read_file(path, part[0].size ? &map : &names);
  unlink(path);
  free(field);
  loom_isaac_map_destroy(&map);

  return 0;
}
