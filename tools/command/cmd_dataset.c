// demoloom dataset: merge, split, filter and strip datasets, or turn them into another layout. What is copied
// passes the privacy rules of engine/data/dataset.h.
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/text.h"
#include "engine/data/dataset.h"
#include "tools/command/dataset_isaac.h"
#include "tools/command/dataset_lerobot.h"
#include "tools/command/dataset_mimicgen.h"
#include "tools/command/dataset_robosuite.h"
#include "tools/shared/commands.h"
#include "tools/shared/common.h"
#include "tools/shared/damage.h"
#include "tools/shared/options.h"
#include "tools/shared/outputs.h"

typedef struct datasetArgs {
  double valid, trust, size;
  int64_t seed, min_rows, max_rows;
  const char *mask, *demos, *without;
  loomLerobotDef lerobot;
  datasetIsaac isaac;
  datasetMimicgen mimicgen;
  const char* task;
  bool skip;
  loomAssetRoots roots;
  bool index, overwrite, json;
  int count[2];  // demos written; or in mask/train and mask/valid
  toolOutputs outputs;
} datasetArgs;

// As def says; what was left out is told.
static int assemble_copy(const char* out, const loomSource* sources, int n, loomAssembleDef def,
                         loomError* err) {
  double start = loom_clock();
  loomNames left_out = {0, NULL};
  def.left_out = &left_out;
  def.progress = tool_show_copied;
  def.user = &start;

  // Ctrl-C leaves no half-written file.
  tool_catch_signals();
  int code = loom_dataset_assemble(out, sources, n, &def, err);
  tool_progress_end();
  tool_tell_left_out(&left_out, !code);
  return code;
}

// A copy of all of n files.
static int check_disk(const char* out, char* const* in, int n, loomError* err) {
  const double least = 0.5;  // of a file may be what is not copied
  double bytes = 0;
  struct stat st;
  for (int i = 0; i < n; i++) bytes += stat(in[i], &st) ? 0 : (double)st.st_size;
  return loom_check_room(out, least * bytes, err);
}

// A file made of n others.
static int open_output(datasetArgs* a, const char* out, char* const* in, int n, loomError* err) {
  return tool_output_dataset(&a->outputs, out, tool_output_mode(a->overwrite), (const char* const*)in, n,
                             err);
}

static int merge_datasets(datasetArgs* a, char** paths, int n, loomError* err) {
  loomSource* sources = calloc((size_t)n, sizeof *sources);
  if (!sources) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory");

  // paths[0] is the result; the rest are its sources in order.
  for (int i = 1; i < n; i++) sources[i - 1].path = paths[i];
  int code = open_output(a, paths[0], paths + 1, n - 1, err);
  if (!code && !a->index) code = check_disk(paths[0], paths + 1, n - 1, err);
  loomAssembleDef def = loom_default_assemble_def();
  def.index = a->index;
  if (!code) code = assemble_copy(paths[0], sources, n - 1, def, err);
  free(sources);
  return code;
}

// ---- merged into parts

// Demos of many files, in order, and in which part each goes.
typedef struct partList {
  int n, room, parts;
  loomSource* source;  // (n)
  int* part;           // (n) ascending
  double bytes;        // of the last part
} partList;

static int add_to_parts(partList* list, const char* path, const char* demo, double bytes, double size,
                        loomError* err) {
  if (list->n == list->room) {
    int room = list->room ? 2 * list->room : 1024;
    loomSource* source = realloc(list->source, (size_t)room * sizeof *source);
    if (source) list->source = source;
    int* part = realloc(list->part, (size_t)room * sizeof *part);
    if (part) list->part = part;
    if (!source || !part) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory");
    list->room = room;
  }

  // The next part where this one is full; each has a demo at least.
  if (!list->parts || (list->bytes > 0 && list->bytes + bytes > size)) {
    list->parts++;
    list->bytes = 0;
  }
  list->bytes += bytes;
  list->source[list->n] = (loomSource){path, strdup(demo)};
  list->part[list->n] = list->parts - 1;
  if (!list->source[list->n++].demo) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory");
  return LOOM_OK;
}

static int64_t rows_of_demo(const loomDataset* d, int i) {
  loomArray actions;
  bool known = !loom_dataset_describe(&actions, d, loom_dataset_demo_path(d, i), "actions", NULL);
  return known && actions.rank ? actions.shape[0] : 1;
}

// A file's bytes are its rows', as they are packed there.
static int list_file(partList* list, const char* path, double size, loomError* err) {
  struct stat st;
  loomDataset* d;
  double rows = 0;
  int code = loom_dataset_open(&d, path, err);
  if (code) return code;

  int n = loom_dataset_demo_count(d);
  for (int i = 0; i < n; i++) rows += (double)rows_of_demo(d, i);
  double each = stat(path, &st) || rows <= 0 ? 0 : (double)st.st_size / rows;
  for (int i = 0; !code && i < n; i++)
    code =
        add_to_parts(list, path, loom_dataset_demo_name(d, i), each * (double)rows_of_demo(d, i), size, err);
  loom_dataset_close(d);
  return code;
}

// "all.hdf5" has "all-0.hdf5", "all-1.hdf5", ...
static char* part_path(const char* out, int part) {
  char* path = NULL;
  size_t stem = strlen(out);
  if (loom_ends_with(out, ".hdf5")) stem -= strlen(".hdf5");
  return asprintf(&path, "%.*s-%d.hdf5", (int)stem, out, part) < 0 ? NULL : path;
}

static int write_part(const partList* list, int part, const char* path, loomError* err) {
  int first = 0, end;
  while (list->part[first] < part) first++;
  for (end = first; end < list->n && list->part[end] == part; end++) continue;
  return assemble_copy(path, list->source + first, end - first, loom_default_assemble_def(), err);
}

// Files of about so many bytes, and one beside them with links to all of their demos.
static int merge_into_parts(datasetArgs* a, char** paths, int n, loomError* err) {
  partList list = {0};
  int code = open_output(a, paths[0], paths + 1, n - 1, err);
  if (!code) code = check_disk(paths[0], paths + 1, n - 1, err);
  for (int i = 1; !code && i < n; i++) code = list_file(&list, paths[i], a->size * 1e9, err);
  if (!code && !list.n) code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: has no demos", paths[1]);

  // All that will be written is asked for before anything is.
  toolOutputs* held = calloc((size_t)list.parts + 1, sizeof *held);
  loomSource* parts = calloc((size_t)list.parts + 1, sizeof *parts);
  if (!code && (!held || !parts)) code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory");
  for (int i = 0; !code && i < list.parts; i++) {
    parts[i].path = part_path(paths[0], i);
    code = parts[i].path ? tool_output_dataset(&held[i], parts[i].path, tool_output_mode(a->overwrite),
                                               (const char* const*)paths + 1, n - 1, err)
                         : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory");
  }

  for (int i = 0; !code && i < list.parts; i++) code = write_part(&list, i, parts[i].path, err);
  loomAssembleDef links = loom_default_assemble_def();
  links.index = true;
  if (!code) code = assemble_copy(paths[0], parts, list.parts, links, err);

  for (int i = 0; i < list.parts && held && parts; i++) {
    tool_outputs_close(&held[i]);
    free((char*)parts[i].path);
  }
  for (int i = 0; i < list.n; i++) free((char*)list.source[i].demo);
  free(held);
  free(parts);
  free(list.source);
  free(list.part);
  return code;
}

// ---- split

// What this build cannot read may be listed all the same.
static int check_demo(const loomDataset* d, int i, loomError* err) {
  loomArray actions;
  loomError why = {0, ""};
  int code = loom_dataset_describe(&actions, d, loom_dataset_demo_path(d, i), "actions", &why);
  return code && code != LOOM_ERR_UNSUPPORTED ? loom_error_set(err, code, "%s", why.message) : LOOM_OK;
}

static int split_dataset(const char* path, datasetArgs* a, loomError* err) {
  loomDataset* d;
  int code = tool_output(&a->outputs, path, LOOM_OUTPUT_CHANGE, NULL, 0, err);
  if (!code) code = loom_dataset_open(&d, path, err);
  if (code) return code;

  // Only the number of demos is needed, that are there: a link to one is none. The file is written below.
  int n = loom_dataset_demo_count(d), *count = a->count;
  for (int i = 0; i < n && !code; i++) code = check_demo(d, i, err);
  loom_dataset_close(d);
  if (code) return code;
  if (!n) return loom_error_set(err, LOOM_ERR_FORMAT, "%s: has no demos to split", path);

  // One share is drawn at random; both get their list of demos.
  unsigned char* valid = calloc((size_t)n + 1, 1);
  int* demos[2] = {calloc((size_t)n + 1, sizeof(int)), calloc((size_t)n + 1, sizeof(int))};
  if (!valid || !demos[0] || !demos[1]) code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory");
  if (!code) {
    loom_split(valid, n, a->valid, (uint64_t)a->seed);
    for (int i = 0; i < n; i++) demos[valid[i]][count[valid[i]]++] = i;
    loomMask masks[2] = {{"train", count[0], demos[0]}, {"valid", count[1], demos[1]}};
    code = loom_dataset_set_masks(path, masks, 2, err);
  }

  free(valid);
  free(demos[0]);
  free(demos[1]);
  if (!code) fprintf(stderr, "mask/train %d demos, mask/valid %d demos\n", count[0], count[1]);
  return code;
}

static bool in_list(const char* list, const char* name) {
  size_t n = strlen(name);
  for (const char* c = list; (c = strstr(c, name)); c++) {
    if ((c == list || c[-1] == ',') && (c[n] == 0 || c[n] == ',')) return true;
  }
  return false;
}

// *keep: its trust is as high as asked. A demo of which nobody measured it is an error, not one without any.
static int check_trust(bool* keep, const loomDataset* d, int i, double least, loomError* err) {
  double trust;
  const char* demo = loom_dataset_demo_path(d, i);
  *keep = true;
  if (least <= 0) return LOOM_OK;
  if (!loom_dataset_has_attr(d, demo, LOOM_TRUST_ATTR))
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "%s: %s has no trust; `demoloom verify %s --perturb 6 --store` measures it",
                          loom_dataset_path(d), loom_dataset_demo_name(d, i), loom_dataset_path(d));

  int code = loom_dataset_attr_double(&trust, d, demo, LOOM_TRUST_ATTR, err);
  *keep = !code && trust >= least;
  return code;
}

static int filter_dataset(char** paths, datasetArgs* a, loomError* err) {
  const char *in = paths[0], *out = paths[1];
  loomDataset* d;
  loomNames mask = {0, NULL};
  int kept = 0, code = open_output(a, out, paths, 1, err);
  if (!code) code = loom_dataset_open(&d, in, err);
  if (code) return code;

  int n = loom_dataset_demo_count(d);
  loomSource* sources = calloc((size_t)n + 1, sizeof *sources);
  if (!sources) code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory");
  if (!code && a->mask) code = loom_dataset_mask(&mask, d, a->mask, err);

  // Demos by their name, their trust, then by their rows.
  for (int i = 0; !code && i < n; i++) {
    const char* name = loom_dataset_demo_name(d, i);
    loomArray actions;
    if (a->mask && !loom_names_has(&mask, name)) continue;
    if (a->demos && !in_list(a->demos, name)) continue;

    bool trusted;
    code = check_trust(&trusted, d, i, a->trust, err);
    if (code || !trusted) continue;
    code = loom_dataset_describe(&actions, d, loom_dataset_demo_path(d, i), "actions", err);
    if (code || actions.shape[0] < a->min_rows || actions.shape[0] > a->max_rows) continue;
    sources[kept++] = (loomSource){in, name};
  }

  // The rest is a copy, with names made anew.
  if (!code && !kept) code = loom_error_set(err, LOOM_ERR_USAGE, "%s: no demo is left", in);
  loomAssembleDef def = loom_default_assemble_def();
  def.leave_out = a->without;
  if (!code) code = assemble_copy(out, sources, kept, def, err);

  loom_names_destroy(&mask);
  free(sources);
  loom_dataset_close(d);
  return code;
}

static int strip_dataset(char** paths, datasetArgs* a, loomError* err) {
  loomSource all = {paths[0], NULL};
  int code = open_output(a, paths[1], paths, 1, err);
  if (!code) code = check_disk(paths[1], paths, 1, err);
  loomAssembleDef def = loom_default_assemble_def();
  def.keep_names = true;
  return code ? code : assemble_copy(paths[1], &all, 1, def, err);
}

static const toolOption options[] = {
    TOOL_OPTION_AS("index", 0, NULL, datasetArgs, BOOL, index,
                   .about = "merge: OUT has links to the demos, in files of its own folder, and no copies"),
    TOOL_OPTION_AS("size", 0, "GB", datasetArgs, REAL, size, .least = 1e-6, .most = 1e6, .unit = "GB",
                   .about = "merge: copies into files of about this size, OUT-0.hdf5, OUT-1.hdf5 and on, and "
                            "OUT has links to their demos"),
    TOOL_OPTION_AS("valid", 0, "SHARE", datasetArgs, REAL, valid, .most = 1,
                   .about = "split: share of the demos kept for validation"),
    TOOL_OPTION_AS("seed", 0, "S", datasetArgs, INT64, seed, .high = INT64_MAX,
                   .about = "split: of the choice"),
    TOOL_OPTION_AS("mask", 0, "NAME", datasetArgs, STRING, mask,
                   .about = "filter: only the demos of that mask"),
    TOOL_OPTION_AS("demos", 0, "NAME,...", datasetArgs, STRING, demos,
                   .about = "filter: only these, e.g. demo_0,demo_3"),
    TOOL_OPTION_AS("min-rows", 0, "N", datasetArgs, INT64, min_rows, .high = INT64_MAX,
                   .about = "filter: only demos of so many rows at least"),
    TOOL_OPTION_AS("max-rows", 0, "N", datasetArgs, INT64, max_rows, .high = INT64_MAX - 1,
                   .about = "filter: only demos of so many rows at most"),
    TOOL_OPTION_AS("trust", 0, "SHARE", datasetArgs, REAL, trust, .most = 1,
                   .about =
                       "filter: only demos of which at least this share of perturbed replays succeeded, as "
                       "`demoloom verify --perturb K --store` wrote it"),
    TOOL_OPTION_AS("without", 0, "NAME,...", datasetArgs, STRING, without,
                   .about = "filter: without these arrays, groups and attributes, e.g. "
                            "states,obs/object,datagen_info,model_file: what a robot would have seen"),
    TOOL_OPTION_AS("fps", 0, "HZ", datasetArgs, REAL, lerobot.fps, .most = 1000,
                   .about = "lerobot: rows a second, where the file's env_args do not say it"),
    TOOL_OPTION_AS("instruction", 0, "TEXT", datasetArgs, STRING, lerobot.instruction,
                   .about = "lerobot: what is done, in words, in place of what each demo says of itself"),
    TOOL_OPTION_AS("state", 0, "KEY,...", datasetArgs, STRING, lerobot.state,
                   .about = "lerobot: observations that make observation.state, e.g. "
                            "robot0_eef_pos,robot0_eef_quat (all robot*); the others make "
                            "observation.environment_state"),
    TOOL_OPTION_AS("lean", 0, NULL, datasetArgs, BOOL, lerobot.lean,
                   .about = "lerobot: only what its policies read; such a dataset does not come back whole"),
    TOOL_OPTION_AS("map", 0, "FILE.yaml", datasetArgs, STRING, isaac.map,
                   .about =
                       "isaac: what end effectors, objects and articulations are called there; files that "
                       "were written here bring theirs along"),
    TOOL_OPTION_AS("task", 't', "TASK", datasetArgs, STRING, task,
                   .about = "isaac, mimicgen: the demos' task, where the file's env_name is none of ours"),
    TOOL_OPTION_AS(
        "skip", 0, NULL, datasetArgs, BOOL, skip,
        .about = "isaac, mimicgen: go on without demos that cannot be segmented or turned; they are named"),
    TOOL_OPTION_AS("interface", 0, "NAME", datasetArgs, STRING, mimicgen.interface,
                   .about = "mimicgen: class of theirs that knows the environment (MG_ENVIRONMENT)"),
    TOOL_OPTION_AS("interface-type", 0, "TYPE", datasetArgs, STRING, mimicgen.type,
                   .about = "mimicgen: of what simulator (robosuite)"),
    TOOL_ASSETS_OPTION('a', datasetArgs, roots),
    TOOL_OVERWRITE_OPTION(datasetArgs, overwrite),
    TOOL_SKIP_DAMAGED_OPTION,
    TOOL_OPTION(0, NULL, datasetArgs, BOOL, json, .about = "what was written, on stdout"),
};

static const toolCommand command = {
    .before =
        "usage: demoloom dataset merge OUT IN...          join files, in that order\n"
        "       demoloom dataset split FILE [options]     write mask/train and mask/valid\n"
        "       demoloom dataset filter IN OUT [options]  a copy of some demos\n"
        "       demoloom dataset strip IN OUT             a copy without host names, log-ins and recording "
        "sessions\n"
        "       demoloom dataset lerobot IN OUT [options] a file as a folder in LeRobot's layout (v3.0), or "
        "back\n"
        "       demoloom dataset isaac IN OUT [options]   a file in Isaac Lab Mimic's layout, or back\n"
        "       demoloom dataset mimicgen IN OUT [options]\n"
        "                                                 a copy with MimicGen's datagen_info, of one arm\n"
        "       demoloom dataset robosuite IN OUT         a copy that robosuite 1.4.1's playback script "
        "plays\n",
    .after =
        "examples:\n"
        "  demoloom dataset merge all.hdf5 a.hdf5 b.hdf5\n"
        "  demoloom dataset merge --index parts/all.hdf5 parts/a.hdf5 parts/b.hdf5\n"
        "  demoloom dataset merge --size 2 all.hdf5 a.hdf5 b.hdf5\n"
        "  demoloom dataset filter all.hdf5 valid.hdf5 --mask valid\n"
        "  demoloom dataset filter all.hdf5 trusted.hdf5 --trust 0.8\n"
        "  demoloom dataset filter seen.hdf5 clouds.hdf5 --without states,rewards,datagen_info,obs/object\n"
        "  demoloom dataset lerobot seen.hdf5 lerobot/drawer --instruction 'put the cup into the drawer'\n"
        "  demoloom dataset lerobot lerobot/drawer back.hdf5\n"
        "  demoloom dataset isaac drawer isaac.hdf5\n"
        "  demoloom dataset isaac stack.hdf5 ours.hdf5 --task stack --map stack.yaml\n"
        "  demoloom dataset mimicgen lift.hdf5 mimicgen.hdf5 --interface MG_Lift\n"
        "  demoloom dataset robosuite handover.hdf5 played/demo.hdf5\n"
        "\n"
        "a mapping (what is left out is called as here):\n"
        "  quaternion: wxyz                  # Isaac Lab 2's; xyzw is Isaac Lab 3's\n"
        "  world: {pos: [0, 0, 0.8]}         # their environment's frame in our world, with quat: [w, x, y, "
        "z]\n"
        "  arms:                             # one for each of ours\n"
        "    - eef: franka\n"
        "      frame: {quat: [0, 1, 0, 0]}   # our end effector's frame in theirs\n"
        "      gripper: [6]                  # entries of their actions that work the hand\n"
        "      close: -1                     # what closes it there\n"
        "      signals: {grasp: grasp_1}     # of each subtask but the last\n"
        "  objects: {cube: {name: cube_2, frame: {pos: [0, 0, 0.02]}}}\n"
        "  articulations: {robot: [robot0_joint1, robot0_joint2]}   # our joints by their columns; \"\" is "
        "none\n"
        "  actions: poses                    # made from target poses; same: theirs are ours\n",
    TOOL_OPTIONS(options),
};

static int print_dataset_json(const datasetArgs* a, const char* file, bool masks, loomError* err) {
  cJSON *out = cJSON_CreateObject(), *list = masks ? cJSON_AddObjectToObject(out, "masks") : NULL;
  loomDataset* d;
  int code = loom_dataset_open(&d, file, err);

  // The file as it is now, and of a split its two masks.
  cJSON_AddStringToObject(out, "file", file);
  if (!code) cJSON_AddNumberToObject(out, "demos", loom_dataset_demo_count(d));
  for (int i = 0; list && i < 2; i++) cJSON_AddNumberToObject(list, i ? "valid" : "train", a->count[i]);

  if (!code) {
    tool_print_json(out);
    loom_dataset_close(d);
  }
  cJSON_Delete(out);
  return code;
}

static int read_dataset_options(datasetArgs* a, int argc, char** argv) {
  return tool_options(a, argc, argv, &command);
}

int cmd_dataset(int argc, char** argv) {
  datasetArgs a = {.valid = 0.1, .max_rows = INT64_MAX};
  loomError err = {0, ""};
  int status = read_dataset_options(&a, argc, argv);
  if (status) return status < 0 ? EXIT_DONE : status;

  int n = argc - optind;
  char** rest = argv + optind;
  const char* verb = n ? rest[0] : "";
  if ((a.index || a.size > 0) && strcmp(verb, "merge") != 0)
    return tool_usage("dataset", "--index and --size are merge's");
  if (a.index && a.size > 0)
    return tool_usage("dataset", "--size copies, --index does not: give one of them");
  const char* written = n >= 3 ? rest[!strcmp(verb, "merge") ? 1 : 2] : n == 2 ? rest[1] : NULL;
  int code;

  // What comes after the options: a verb and its files.
  if (!strcmp(verb, "merge") && n >= 3) {
    code =
        a.size > 0 ? merge_into_parts(&a, rest + 1, n - 1, &err) : merge_datasets(&a, rest + 1, n - 1, &err);
  } else if (!strcmp(verb, "split") && n == 2) {
    code = split_dataset(rest[1], &a, &err);
  } else if (!strcmp(verb, "filter") && n == 3) {
    code = filter_dataset(rest + 1, &a, &err);
  } else if (!strcmp(verb, "strip") && n == 3) {
    code = strip_dataset(rest + 1, &a, &err);
  } else if (!strcmp(verb, "lerobot") && n == 3) {
    a.lerobot.overwrite = a.overwrite;
    code = dataset_lerobot(rest[1], rest[2], &a.lerobot, &a.outputs, a.json, &err);
    a.json = false;
  } else if (!strcmp(verb, "isaac") && n == 3) {
    datasetIsaac def = {a.isaac.map, a.task, a.skip, a.overwrite, a.roots};
    code = dataset_isaac(rest[1], rest[2], &def, &a.outputs, a.json, &err);
    a.roots = def.roots;
    a.json = false;
  } else if (!strcmp(verb, "mimicgen") && n == 3) {
    datasetMimicgen def = {a.mimicgen.interface, a.mimicgen.type, a.task, a.skip, a.overwrite, a.roots};
    code = dataset_mimicgen(rest[1], rest[2], &def, &a.outputs, &err);
    a.roots = def.roots;
  } else if (!strcmp(verb, "robosuite") && n == 3) {
    code = dataset_robosuite(rest[1], rest[2], a.overwrite, &a.outputs, &err);
  } else {
    return tool_usage(
        "dataset",
        "expected merge, split, filter, strip, lerobot, isaac, mimicgen or robosuite with its files");
  }
  tool_outputs_close(&a.outputs);
  loom_asset_roots_destroy(&a.roots);
  if (!code && a.json) code = print_dataset_json(&a, written, n == 2, &err);
  return code ? tool_fail(&err) : EXIT_DONE;
}
