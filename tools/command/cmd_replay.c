// demoloom replay, segment, verify and scenes: looking at demos through the simulator.
#include <assert.h>
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/pool.h"
#include "engine/base/text.h"
#include "generators/source/segment.h"
#include "generators/source/segment_file.h"
#include "tools/command/replay_obs.h"
#include "tools/command/segment_clean.h"
#include "tools/command/verify_arrays.h"
#include "tools/command/verify_trust.h"
#include "tools/shared/commands.h"
#include "tools/shared/common.h"
#include "tools/shared/damage.h"
#include "tools/shared/options.h"
#include "tools/shared/outputs.h"

/// What all commands here take: a task or a file, the task of a file, asset roots, --json, a limit.
typedef struct looking {
  const char* command;
  const char* target;
  const char* task_name;
  bool json;
  int64_t limit;
  const char* output;
  const char* segments;  // --segments
  int export_count;      // --export, at most one of each kind
  const char* exports[2];
  bool overwrite, skip, clean;
  perturbArgs perturb;  // of verify
  toolOutputs outputs;
  loomAssetRoots roots;
  loomTask* task;
  loomDataset* dataset;
  loomScene* scene;  // of the demo seen last
} looking;

static bool is_yaml(const char* path) {
  return loom_ends_with(path, ".yaml") || loom_ends_with(path, ".yml");
}

static int take_export(void* args, const char* text) {
  looking* l = args;
  if (!is_yaml(text) && !loom_ends_with(text, ".hdf5") && !loom_ends_with(text, ".h5"))
    return tool_usage(l->command, "--export takes a name ending in .hdf5 or .yaml, not '%s'", text);

  // One YAML and one dataset at most.
  if (l->export_count == 2) return tool_usage(l->command, "--export is there more than twice");
  l->exports[l->export_count++] = text;
  return 0;
}

// What all of them take, and --output or --export between.
#define LOOKING_FIRST                                                                         \
  TOOL_OPTION_AS("task", 't', "TASK", looking, STRING, task_name,                             \
                 .about = "whose demos the file has; found by its environment unless given"), \
      TOOL_OPTION('n', "N", looking, INT64, limit, .low = 1, .high = INT32_MAX,               \
                  .about = "only the first demos")
#define LOOKING_LAST                                                                                 \
  TOOL_SKIP_DAMAGED_OPTION, TOOL_ASSETS_OPTION('a', looking, roots), TOOL_ALIAS_LETTER('j', "json"), \
      TOOL_OPTION(0, NULL, looking, BOOL, json, .about = "all of it on stdout as JSON")

static int read_looking_options(looking* l, int argc, char** argv, const toolCommand* command) {
  l->command = argv[0];
  int code = tool_options(l, argc, argv, command);
  if (code) return code;

  if (optind + 1 != argc || !argv[optind]) return tool_usage(l->command, "it takes one task or file");
  l->target = argv[optind];
  return 0;
}

static int open_target(looking* l, loomError* err) {
  assert(l->target);

  // What will be written is looked at before anything is read.
  const char* input[] = {l->target, l->segments};
  loomOutputMode mode = tool_output_mode(l->overwrite);
  int code = tool_output(&l->outputs, l->output, mode, input, 2, err);
  for (int i = 0; !code && i < l->export_count; i++)
    code = tool_output(&l->outputs, l->exports[i], mode, input, 2, err);
  if (!code) code = tool_open(&l->task, &l->dataset, &l->roots, l->target, l->task_name, false, err);

  // A task's own demos are known only now.
  if (!code) code = tool_outputs_check(&l->outputs, loom_dataset_path(l->dataset), err);
  if (!code) code = tool_outputs_check(&l->outputs, l->task->path, err);
  if (!code && !loom_dataset_demo_count(l->dataset))
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: has no demos to %s", loom_dataset_path(l->dataset),
                          l->command);
  tool_catch_signals();
  return code;
}

// Ctrl-C before the last demo: how far it was, and that nothing was written.
static int check_stopped(const looking* l, int done, int n, loomError* err) {
  if (!tool_stop || done == n) return 0;
  bool writes = l->outputs.n > 0;
  return loom_error_set(err, LOOM_ERR_INTERRUPTED, "interrupted after %d of %d demos%s%s%s", done, n,
                        writes ? "; " : "", writes ? l->outputs.path[0] : "",
                        writes ? " was not written: run it again" : "; run it again for all of them");
}

static void close_target(looking* l) {
  tool_outputs_close(&l->outputs);
  loom_scene_destroy(l->scene);
  loom_dataset_close(l->dataset);
  loom_task_destroy(l->task);
  loom_asset_roots_destroy(&l->roots);
}

static int demo_count(const looking* l) {
  int n = loom_dataset_demo_count(l->dataset);
  return l->limit && l->limit < n ? (int)l->limit : n;
}

static void print_and_delete(cJSON* root) {
  tool_print_report(root);
  cJSON_Delete(root);
}

// ---- replay

static const toolOption replay_options[] = {
    LOOKING_FIRST,
    TOOL_OPTION('o', "FILE.hdf5", looking, STRING, output, .about = "a copy whose demos have observations"),
    TOOL_OVERWRITE_OPTION(looking, overwrite),
    LOOKING_LAST,
};

static const toolCommand replay_command = {
    .before =
        "usage: demoloom replay TASK|FILE.hdf5 [-o OUT.hdf5] [options]\n"
        "\n"
        "Replays each demo twice in its own model: by state (does the recording show success?) and by action "
        "(do\n"
        "the recorded actions still succeed here?). With -o it writes a copy whose demos have the "
        "observations\n"
        "that their states give, to train policies on recordings of states and actions alone.\n",
    .after =
        "examples:\n"
        "  demoloom replay handover             the task's own source demos\n"
        "  demoloom replay handover -o sources.hdf5\n"
        "  demoloom replay mine.hdf5 --json     any file whose environment a scene knows\n",
    TOOL_OPTIONS(replay_options),
};

static int replay_demo(cJSON* list, looking* l, int i, loomError* err) {
  loomDemo demo;
  loomEpisode* episode = NULL;
  loomReplay states = {0};
  loomActionReplay actions = {0};
  int code = loom_demo_load(&demo, l->dataset, i, err);
  if (code) return code;

  // By state, what the recording shows; by action, what happens here.
  code = loom_replay_open(&l->scene, &episode, l->task, l->dataset, &demo, &l->roots, err);
  if (!code) code = loom_replay_states(&states, episode, &demo, err);
  if (!code) code = loom_replay_actions(&actions, episode, &demo, NULL, err);

  // A line or an object a demo, told as it comes.
  if (!code) {
    cJSON* d = cJSON_CreateObject();
    cJSON_AddStringToObject(d, "name", demo.name);
    cJSON_AddNumberToObject(d, "rows", demo.rows);
    cJSON_AddBoolToObject(d, "states_success", states.success_row >= 0);
    cJSON_AddNumberToObject(d, "states_success_row", states.success_row);
    cJSON_AddBoolToObject(d, "actions_success", actions.success);
    cJSON_AddNumberToObject(d, "actions_first_success", actions.first_success);
    cJSON_AddNumberToObject(d, "joint_error_50", actions.joint_error_50);
    cJSON_AddNumberToObject(d, "max_state_error", actions.state_error);
    cJSON_AddItemToArray(list, d);
    if (!l->json) {
      printf("%-10s %6d  %-14s %-14s %.2e rad\n", demo.name, demo.rows,
             states.success_row >= 0 ? "success" : "no success", actions.success ? "success" : "no success",
             actions.joint_error_50);
    }
  }

  loom_replay_destroy(&states);
  loom_episode_destroy(episode);
  loom_demo_destroy(&demo);
  return code;
}

// A demo that cannot be replayed is told in its place, and does not hide the others: *first keeps the reason
// of the first.
static int replay_or_tell(cJSON* list, int* odd, loomError* first, looking* l, int i, loomError* err) {
  loomError why = {0, ""};
  int code = replay_demo(list, l, i, &why);
  if (!code) return 0;
  if (!loom_source_is_odd(code, NULL)) return loom_error_set(err, code, "%s", why.message);

  // In the table or the list as the others are.
  const char* name = loom_dataset_demo_name(l->dataset, i);
  cJSON* d = cJSON_CreateObject();
  cJSON_AddStringToObject(d, "name", name);
  cJSON_AddStringToObject(d, "error", why.message);
  cJSON_AddItemToArray(list, d);
  if (!l->json) printf("%-10s cannot be replayed: %s\n", name, why.message);
  if (!(*odd)++) *first = why;
  return 0;
}

int cmd_replay(int argc, char** argv) {
  looking l = {0};
  loomError err = {0, ""}, first = {0, ""};
  int code = read_looking_options(&l, argc, argv, &replay_command);
  if (code) return code < 0 ? EXIT_DONE : code;

  cJSON* list = cJSON_CreateArray();
  code = open_target(&l, &err);
  if (!code && !l.json)
    printf("%-10s %6s  %-14s %-14s %s\n", "demo", "rows", "by state", "by action", "joint error, 50 steps");

  // Demo after demo: each may have a model of its own.
  double start = loom_clock();
  int n = code ? 0 : demo_count(&l), odd = 0;
  for (int i = 0; !code && i < n; i++) {
    code = replay_or_tell(list, &odd, &first, &l, i, &err);
    if (!code) code = check_stopped(&l, i + 1, n, &err);
    tool_progress("replayed", i + 1, n, loom_clock() - start, "demos");
  }
  tool_progress_end();

  // Then the copy with observations, if it is asked for.
  if (!code && l.output && !odd) code = replay_obs(l.output, l.task, l.dataset, &l.roots, n, &err);
  if (!code && l.output && !odd && !l.json) printf("wrote %s\n", l.output);

  // The list belongs to the root, so both go in one.
  cJSON* root = cJSON_CreateObject();
  cJSON_AddItemToObject(root, "demos", list);
  if (l.output && !odd) cJSON_AddStringToObject(root, "file", l.output);
  if (!code && l.json) {
    print_and_delete(root);
  } else {
    cJSON_Delete(root);
  }

  if (!code && odd)
    code = loom_error_set(
        &err, first.code, "%s; %d of %d demos cannot be replayed%s%s%s", first.message, odd, n,
        l.output ? ", " : "", l.output ? l.output : "",
        l.output ? " is not written: `demoloom dataset filter --demos` takes out the others" : "");
  close_target(&l);
  return code ? tool_fail(&err) : EXIT_DONE;
}

// ---- segment

static const toolOption segment_options[] = {
    LOOKING_FIRST,
    TOOL_OPTION(0, "FILE.yaml", looking, STRING, segments,
                .about = "take ends from such a file instead; what it leaves out is found as usual"),
    TOOL_CALLS_OPTION(
        "export", "FILE", take_export,
        "FILE.yaml: the ends to read and edit, DEMO: {arm0: {SUBTASK: ROW, ...}, ...}, where ROW is "
        "the one after the subtask's last. FILE.hdf5: a copy of the demos with the ends as signals, "
        "datagen_info/subtask_term_signals/arm0_SUBTASK, 0 and then 1 from the last row on; a task "
        "reads them with `until: {signal: arm0_SUBTASK}`"),
    TOOL_OPTION(0, NULL, looking, BOOL, clean,
                .about =
                    "show the demos cleaned: pauses cut, bumps and jitter smoothed, timed anew; of several "
                    "ways the one that makes most demos, if it makes more than the demo as it is"),
    TOOL_OPTION('o', "FILE.hdf5", looking, STRING, output,
                .about = "with --clean: the cleaned demos, and those that stay as they are"),
    TOOL_OVERWRITE_OPTION(looking, overwrite),
    TOOL_SKIP_OPTION(looking, skip),
    LOOKING_LAST,
};

static const toolCommand segment_command = {
    .before =
        "usage: demoloom segment TASK|FILE.hdf5 [options]\n"
        "\n"
        "Prints the rows at which each arm's subtasks start and end.\n",
    .after =
        "examples:\n"
        "  demoloom segment handover\n"
        "  demoloom segment handover --export ends.yaml     edit it, then look at the result with\n"
        "  demoloom segment handover --segments ends.yaml   and use it with\n"
        "  demoloom generate handover --segments ends.yaml -o out.hdf5\n"
        "  demoloom segment handover --clean -o cleaned.hdf5    cleans them, and\n"
        "  demoloom generate handover --source cleaned.hdf5 -o out.hdf5    uses them\n",
    TOOL_OPTIONS(segment_options),
};

// In its own model: subtasks end where conditions hold, or where the file says. *odd: it is left out.
static int segment_demo(loomReplay* r, bool* odd, looking* l, int i, const loomSegmentFile* given,
                        loomError* err) {
  loomError why = {0, ""};
  int code = loom_source_load(r, &l->scene, l->task, l->dataset, i, &l->roots, given, &why);

  *odd = code && l->skip && loom_source_is_odd(code, NULL);
  if (*odd) return loom_dataset_leave_out(l->dataset, i, why.message);
  if (!code) return 0;

  loom_source_is_odd(code, &why);
  return loom_error_set(err, code, "%s", why.message);
}

static void print_segments(const looking* l, const loomReplay* r) {
  for (int a = 0; a < l->task->arm_count; a++) {
    printf("%-8s %5d rows  arm %d:", r->name, r->rows, a);
    for (int k = 0; k < l->task->subtask_count[a]; k++)
      printf("  %s %d-%d", l->task->subtasks[a][k].name, loom_segment_start(r, a, k), r->end[a][k] - 1);
    putchar('\n');
  }
}

static cJSON* segments_json(const looking* l, const loomReplay* r) {
  cJSON* d = cJSON_CreateObject();
  cJSON_AddStringToObject(d, "name", r->name);
  cJSON_AddNumberToObject(d, "rows", r->rows);

  // Each arm's subtasks, from their first row to the one after their last.
  cJSON* segments = cJSON_AddArrayToObject(d, "segments");
  for (int a = 0; a < l->task->arm_count; a++) {
    for (int k = 0; k < l->task->subtask_count[a]; k++) {
      cJSON* s = cJSON_CreateObject();
      cJSON_AddNumberToObject(s, "arm", a);
      cJSON_AddStringToObject(s, "subtask", l->task->subtasks[a][k].name);
      cJSON_AddNumberToObject(s, "start", loom_segment_start(r, a, k));
      cJSON_AddNumberToObject(s, "end", r->end[a][k]);
      cJSON_AddItemToArray(segments, s);
    }
  }
  return d;
}

static int export_segments(const looking* l, const loomReplay* r, int n, loomError* err) {
  const char* source = loom_dataset_path(l->dataset);
  int code = 0;
  for (int i = 0; !code && i < l->export_count; i++) {
    const char* path = l->exports[i];

    // Ends to edit as YAML, a copy of the demos as HDF5.
    loomNames left_out = {0};
    code = is_yaml(path) ? loom_segment_file_write(path, l->task, source, r, n, err)
                         : loom_segment_dataset_write(path, l->task, source, r, n, &left_out, err);
    tool_tell_left_out(&left_out, !code);
    if (!code && !l->json) printf("wrote %s\n", path);
  }
  return code;
}

// segment --clean
static int clean_segments(looking* l) {
  loomError err = {0, ""};
  if (l->export_count)
    return tool_usage("segment",
                      "--export tells of the demos as they are; write the cleaned ones with -o first");

  cJSON* root = cJSON_CreateObject();
  cJSON* list = cJSON_AddArrayToObject(root, "demos");
  int code = open_target(l, &err);
  segmentClean args = {.task = l->task,
                       .dataset = l->dataset,
                       .roots = &l->roots,
                       .segments = l->segments,
                       .output = l->output,
                       .skip = l->skip,
                       .json = l->json};
  if (!code) args.limit = demo_count(l);
  if (!code) code = segment_clean(&args, list, &err);
  if (!code && !l->json) tool_print_left_out();

  if (!code && l->json) {
    print_and_delete(root);
  } else {
    cJSON_Delete(root);
  }
  close_target(l);
  return code ? tool_fail(&err) : EXIT_DONE;
}

int cmd_segment(int argc, char** argv) {
  looking l = {0};
  loomError err = {0, ""};
  loomSegmentFile given = {0};
  int code = read_looking_options(&l, argc, argv, &segment_command);
  if (code) return code < 0 ? EXIT_DONE : code;
  if (l.clean) return clean_segments(&l);
  if (l.output) return tool_usage("segment", "-o needs --clean");

  // Given ends are read against this dataset: names and rows must fit.
  code = open_target(&l, &err);
  int n = code ? 0 : demo_count(&l);
  if (!code && l.segments) code = loom_segment_file_load(&given, l.segments, l.task, l.dataset, &err);

  // All demos are held: the exports list them together.
  loomReplay* replay = calloc((size_t)n + 1, sizeof *replay);
  if (!code && !replay) code = loom_error_set(&err, LOOM_ERR_MEMORY, "out of memory for %d demos", n);
  cJSON* root = cJSON_CreateObject();
  cJSON* list = cJSON_AddArrayToObject(root, "demos");

  int found = 0;
  for (int i = 0; !code && i < n; i++) {
    loomReplay* r = &replay[found];
    bool odd;
    code = segment_demo(r, &odd, &l, i, &given, &err);
    if (!code && !odd && !l.json) print_segments(&l, r);
    if (!code && !odd && l.json) cJSON_AddItemToArray(list, segments_json(&l, r));
    if (!code && !odd) found++;
    if (!code) code = check_stopped(&l, i + 1, n, &err);
  }

  if (!code && !found)
    code = loom_error_set(&err, LOOM_ERR_FORMAT, "%s: none of its %d demos can be segmented",
                          loom_dataset_path(l.dataset), n);
  if (!code) code = export_segments(&l, replay, found, &err);
  if (!code && !l.json) tool_print_left_out();

  if (!code && l.json) {
    print_and_delete(root);
  } else {
    cJSON_Delete(root);
  }

  for (int i = 0; replay && i < n; i++) loom_replay_destroy(&replay[i]);
  free(replay);
  loom_segment_file_destroy(&given);
  close_target(&l);
  return code ? tool_fail(&err) : EXIT_DONE;
}

// ---- verify

static const toolOption verify_options[] = {
    LOOKING_FIRST,
    TOOL_OPTION_AS("perturb", 0, "K", looking, INT, perturb.replays, .low = 1, .high = 1000,
                   .about = "replay each demo so often in perturbed physics: the share that succeeds is its "
                            "trust"),
    TOOL_OPTION_AS("seed", 's', "S", looking, INT64, perturb.seed, .high = INT64_MAX,
                   .about = "of what is perturbed"),
    TOOL_OPTION_AS("store", 0, NULL, looking, BOOL, perturb.store,
                   .about = "write each demo's trust into the file, as its attribute loom_trust"),
    LOOKING_LAST,
};

static const toolCommand verify_command = {
    .before =
        "usage: demoloom verify FILE.hdf5 [options]\n"
        "\n"
        "Compiles each demo's own model_file, starts from its first state and steps its actions: do all "
        "states come out\n"
        "the same, bit for bit, and does success hold at the end? Then observations, rewards, dones and "
        "poses "
        "are\n"
        "compared with those of the states (to 1e-5; to 1e-3 where the states come out otherwise, rewards "
        "and dones\n"
        "not then), and everything with the digests that this program writes: every array and attribute, the "
        "list of\n"
        "demos, masks. What neither can check is named. Exit status 1 when anything is not as it should be.\n"
        "\n"
        "Recordings of other programs or versions of MuJoCo need not come out bit for bit: their states must "
        "show\n"
        "success, their joints be within 0.01 rad over the first 50 control steps. Of their arrays it is "
        "damage to be\n"
        "off in at most a tenth of the rows, or in one demo and not in another; else another rule, which is "
        "told.\n"
        "\n" PERTURB_HELP,
    .after =
        "examples:\n"
        "  demoloom verify demos.hdf5\n"
        "  demoloom verify demos.hdf5 --perturb 6 --store\n"
        "  demoloom dataset filter demos.hdf5 trusted.hdf5 --trust 0.8\n"
        "  demoloom verify handover                   the task's own source demos\n"
        "  demoloom verify demos.hdf5 --json | jq '.results[] | select(.wrong != [])'\n",
    TOOL_OPTIONS(verify_options),
};

// How far the joints of another simulator's recording may be off after 50 control steps, rad: those of
// robosuite's two-person demos are 1e-6.
static const double strange_joints = 0.01;

/// What verifying one demo showed.
typedef struct verdict {
  bool checked, success, identical;
  bool elsewhere;  // another program or another version of the simulator recorded it
  char name[LOOM_NAME_MAX];
  int rows, ik_short_steps;
  double state_error;
  loomQuality quality;
  double seconds;  // CPU, of the steps alone
  int trusted;     // replays in perturbed physics that succeeded
  arrayVerdict arrays;
} verdict;

static bool is_good(const verdict* v) {
  return v->checked && (v->elsewhere || (v->success && v->identical)) && !v->arrays.wrong.n;
}

// A recording of another program's need not come out bit for bit, nor succeed by its actions. Its own states
// show success, though, and its robots follow its actions.
static int check_elsewhere(verdict* v, const loomActionReplay* by_action, loomEpisode* episode,
                           const loomDemo* demo, loomError* err) {
  loomReplay by_state;
  char text[200];
  int code = loom_replay_states(&by_state, episode, demo, err);
  if (code) return code;
  if (by_state.success_row < 0) code = loom_names_add(&v->arrays.wrong, "no success in its recorded states");
  loom_replay_destroy(&by_state);

  snprintf(text, sizeof text,
           "actions: joints are %.3g rad off the recorded ones within 50 control steps (%g allowed)",
           by_action->joint_error_50, strange_joints);
  if (!code && !(by_action->joint_error_50 <= strange_joints)) code = loom_names_add(&v->arrays.wrong, text);
  v->elsewhere = true;
  return code ? loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a verdict") : 0;
}

static int step_demo(verdict* v, const looking* l, int i, const loomDemo* demo, loomEpisode* episode,
                     loomError* err) {
  loomActionReplay r = {0};
  loomTrace trace;

  // The CPU time of the steps alone: opening the model is another matter.
  int code = loom_trace_create(&trace, episode, demo->rows, err);
  double start = loom_thread_cpu();
  if (!code) code = loom_replay_actions(&r, episode, demo, &trace, err);

  // Success has to hold for as long as the task says, at the end.
  if (!code) {
    *v = (verdict){.checked = true,
                   .success = r.success_steps >= l->task->success_hold,
                   .identical = r.identical,
                   .rows = demo->rows,
                   .state_error = r.state_error,
                   .quality = r.quality,
                   .ik_short_steps = r.ik_short_steps,
                   .seconds = loom_thread_cpu() - start};
    snprintf(v->name, sizeof v->name, "%.63s", demo->name);
    code = verify_arrays(&v->arrays, l->dataset, i, demo, episode, &trace, r.state_error, err);
  }

  // Every demo that this program makes says by which attempt.
  bool ours = loom_dataset_has_attr(l->dataset, loom_dataset_demo_path(l->dataset, i), "loom_attempt");
  if (!code && !ours && !(v->success && v->identical)) code = check_elsewhere(v, &r, episode, demo, err);
  loom_trace_destroy(&trace);
  return code;
}

static int verify_demo(verdict* v, loomScene** scene, const looking* l, int i, loomError* err) {
  loomDemo demo;
  loomEpisode* episode = NULL;
  int code = loom_demo_load(&demo, l->dataset, i, err);
  if (code) return code;

  code = loom_replay_open(scene, &episode, l->task, l->dataset, &demo, &l->roots, err);
  if (!code) code = step_demo(v, l, i, &demo, episode, err);
  if (!code) code = perturb_demo(&v->trusted, *scene, &demo, &l->perturb, err);

  loom_episode_destroy(episode);
  loom_demo_destroy(&demo);
  return code;
}

/// All demos being verified.
typedef struct verifying {
  verdict* v;         // (n)
  loomScene** scene;  // (workers) of the demo that each verified last
  const looking* l;
  int n, finished;
  double start;
} verifying;

static int verify_item(void* user, int worker, int i, loomError* err) {
  const verifying* all = user;
  verdict* v = &all->v[i];
  int code = verify_demo(v, &all->scene[worker], all->l, i, err);

  // A demo that cannot be read or stepped has failed; the others are verified all the same.
  if (code != LOOM_ERR_FORMAT && code != LOOM_ERR_SIM) return code;
  loomError why = err ? *err : (loomError){code, "cannot be verified"};
  array_verdict_destroy(&v->arrays);
  *v = (verdict){.checked = true};
  snprintf(v->name, sizeof v->name, "%.63s", loom_dataset_demo_name(all->l->dataset, i));
  return loom_names_add(&v->arrays.wrong, why.message);
}

static int verify_finished(void* user, int worker, int i, int prefix, loomError* err) {
  verifying* all = user;
  (void)worker, (void)i, (void)prefix, (void)err;
  tool_progress("verified", ++all->finished, all->n, loom_clock() - all->start, "demos");
  return 0;
}

static int verify_all(verdict* v, int n, const looking* l, loomError* err) {
  verifying all = {.v = v, .l = l, .n = n, .start = loom_clock()};
  const loomPoolDef pool = {
      .n = n, .user = &all, .item = verify_item, .finished = verify_finished, .stop = &tool_stop};
  int workers = loom_pool_workers(0, n);
  all.scene = calloc((size_t)workers, sizeof *all.scene);
  if (!all.scene) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for %d scenes", workers);

  // Demos are independent: each is verified by one thread from beginning to end.
  int code = loom_pool_run(&pool, err);
  tool_progress_end();

  for (int i = 0; i < workers; i++) loom_scene_destroy(all.scene[i]);
  free(all.scene);
  return code;
}

// What the demos show about each other.
static int settle_all(verdict* v, int n, loomError* err) {
  arrayVerdict* all = calloc((size_t)n + 1, sizeof *all);
  int code = all ? 0 : LOOM_ERR_MEMORY;
  for (int i = 0; i < n && !code; i++) all[i] = v[i].arrays;
  if (!code) code = verify_settle(all, n);
  for (int i = 0; i < n && all; i++) v[i].arrays = all[i];
  free(all);
  return code ? loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for %d verdicts", n) : 0;
}

static void tell_wrong(const verdict* v) {
  enum { SHOWN = 8 };
  const loomNames* wrong = &v->arrays.wrong;
  if (v->rows && !v->elsewhere && (!v->success || !v->identical))
    fprintf(stderr, "%s: %s, largest state error %.3g\n", v->name,
            v->success ? "success" : "no success at the end", v->state_error);

  // What could not even be read or stepped says so itself.
  for (int i = 0; i < wrong->n && i < SHOWN; i++)
    fprintf(stderr, "%s: %s\n", v->rows ? v->name : "demoloom", wrong->name[i]);
  if (wrong->n > SHOWN) fprintf(stderr, "%s: and %d more\n", v->name, wrong->n - SHOWN);
}

static cJSON* verify_json(const verdict* v, int n, const perturbArgs* perturb, int* bad) {
  cJSON *root = cJSON_CreateObject(), *list = cJSON_CreateArray();
  int demos = 0, success = 0, identical = 0, elsewhere = 0, good = 0, short_steps = 0, right = 0, digests = 0;
  double deepest = 0, fastest = 0, worst = 0, seconds = 0, steps = 0;

  // One pass: each demo's own object, and the sums.
  for (int i = 0; i < n; i++) {
    if (!v[i].checked) continue;
    demos++;
    success += v[i].success;
    identical += v[i].identical;
    elsewhere += v[i].elsewhere;
    digests += v[i].arrays.digested;
    worst = fmax(worst, v[i].state_error);
    seconds += v[i].seconds;
    steps += v[i].rows;

    // What was found in the demo.
    cJSON* d = cJSON_CreateObject();
    cJSON_AddStringToObject(d, "name", v[i].name);
    cJSON_AddBoolToObject(d, "success", v[i].success);
    cJSON_AddBoolToObject(d, "identical", v[i].identical);
    cJSON_AddBoolToObject(d, "recorded_elsewhere", v[i].elsewhere);
    cJSON_AddNumberToObject(d, "max_state_error", v[i].state_error);
    cJSON_AddNumberToObject(d, "max_penetration", v[i].quality.penetration);
    cJSON_AddStringToObject(d, "penetrating", v[i].quality.penetrating);
    cJSON_AddNumberToObject(d, "max_action", v[i].quality.action_size);
    cJSON_AddNumberToObject(d, "max_joint_speed", v[i].quality.joint_speed);
    cJSON_AddNumberToObject(d, "ik_short_steps", v[i].ik_short_steps);
    cJSON_AddBoolToObject(d, "well_behaved", loom_quality_good(&v[i].quality));
    cJSON_AddBoolToObject(d, "digests", v[i].arrays.digested);
    if (perturb->replays) cJSON_AddNumberToObject(d, "trust", perturb_share(v[i].trusted, perturb));
    cJSON* faults = cJSON_AddArrayToObject(d, "wrong");
    for (int k = 0; k < v[i].arrays.wrong.n; k++)
      cJSON_AddItemToArray(faults, cJSON_CreateString(v[i].arrays.wrong.name[k]));
    cJSON* rules = cJSON_AddArrayToObject(d, "otherwise");
    for (int k = 0; k < v[i].arrays.otherwise.n; k++)
      cJSON_AddItemToArray(rules, cJSON_CreateString(v[i].arrays.otherwise.name[k]));

    // What all of them show: how many are well behaved, and the worst.
    short_steps += v[i].ik_short_steps;
    good += loom_quality_good(&v[i].quality);
    deepest = fmax(deepest, v[i].quality.penetration);
    fastest = fmax(fastest, v[i].quality.joint_speed);
    cJSON_AddItemToArray(list, d);

    // What is wrong goes to stderr, as JSON has stdout.
    if (is_good(&v[i])) right++;
    tell_wrong(&v[i]);
  }

  // The sums, then the list.
  cJSON_AddNumberToObject(root, "demos", demos);
  cJSON_AddNumberToObject(root, "success", success);
  cJSON_AddNumberToObject(root, "identical", identical);
  cJSON_AddNumberToObject(root, "recorded_elsewhere", elsewhere);
  cJSON_AddNumberToObject(root, "max_state_error", worst);
  cJSON_AddNumberToObject(root, "well_behaved", good);
  cJSON_AddNumberToObject(root, "max_penetration", deepest);
  cJSON_AddNumberToObject(root, "max_joint_speed", fastest);
  cJSON_AddNumberToObject(root, "ik_short_steps", short_steps);
  cJSON_AddNumberToObject(root, "cpu_seconds_per_control_step", steps > 0 ? seconds / steps : 0);
  cJSON_AddNumberToObject(root, "right", right);
  cJSON_AddNumberToObject(root, "digests", digests);
  cJSON_AddItemToObject(root, "results", list);
  *bad = n - right;
  return root;
}

// Arrays that another program makes by another rule, each once with its first demo.
static void tell_otherwise(const verdict* v, int n) {
  enum { SHOWN = 12 };
  loomNames told = {0};
  for (int i = 0; i < n; i++)
    for (int k = 0; k < v[i].arrays.otherwise.n; k++) {
      char name[512];
      const char* text = v[i].arrays.otherwise.name[k];
      snprintf(name, sizeof name, "%.*s", (int)strcspn(text, ":"), text);
      if (loom_names_has(&told, name) || told.n >= SHOWN || loom_names_add(&told, name)) continue;
      fprintf(stderr, "%s: %s: another program recorded it, perhaps by another rule\n", v[i].name, text);
    }
  loom_names_destroy(&told);
}

// What is beside the demos: their list, attributes, masks.
static int verify_rest(cJSON* root, const verdict* v, int n, const looking* l, int* bad, loomError* err) {
  loomDigestCheck check;
  const char* path = loom_dataset_path(l->dataset);
  int without = 0, done = 0, code = loom_dataset_check_rest(&check, l->dataset, err);
  if (code) return code;
  for (int i = 0; i < n; i++) {
    done += v[i].checked;
    without += v[i].rows && !v[i].arrays.digested;
  }

  cJSON* differ = cJSON_AddArrayToObject(root, "differs_beside_demos");
  for (int i = 0; i < check.differ.n; i++) {
    cJSON_AddItemToArray(differ, cJSON_CreateString(check.differ.name[i]));
    fprintf(stderr, "%s: %s: is not as this program wrote it: damaged, or changed by another program since\n",
            path, check.differ.name[i]);
  }
  *bad += check.differ.n;

  // Where some carry digests and others none, a demo was added, or its digests are lost.
  if (without && (check.carried || without < done)) {
    fprintf(stderr, "%s: %d of %d demos have no digests: another program wrote them, or they are damaged\n",
            path, without, done);
    *bad += check.carried ? without : 0;
  } else if (without) {
    fprintf(stderr,
            "%s: carries no digests (another program wrote it, or an earlier version); only what can be "
            "computed was checked\n",
            path);
  } else if (!check.carried) {
    fprintf(stderr, "%s: its demos have digests, and what is beside them has lost its own: damaged\n", path);
    ++*bad;
  }
  cJSON_AddBoolToObject(root, "beside_demos_checked", check.carried);
  loom_digest_check_destroy(&check);
  return 0;
}

// Arrays that nobody could check, each once.
static int list_unknown(cJSON* root, const verdict* v, int n, loomError* err) {
  enum { SHOWN = 12 };
  loomNames unknown = {0};
  int code = 0;
  for (int i = 0; i < n && !code; i++)
    for (int k = 0; k < v[i].arrays.unknown.n && !code; k++) {
      bool known = false;
      for (int j = 0; j < unknown.n; j++)
        known = known || !strcmp(unknown.name[j], v[i].arrays.unknown.name[k]);
      if (!known) code = loom_names_add(&unknown, v[i].arrays.unknown.name[k]);
    }

  loom_names_sort(&unknown);
  cJSON* list = cJSON_AddArrayToObject(root, "not_checked");
  for (int i = 0; i < unknown.n; i++) cJSON_AddItemToArray(list, cJSON_CreateString(unknown.name[i]));
  if (unknown.n) fprintf(stderr, "not checked:");
  for (int i = 0; i < unknown.n && i < SHOWN; i++) fprintf(stderr, "%s %s", i ? "," : "", unknown.name[i]);
  if (unknown.n > SHOWN) fprintf(stderr, " and %d more (--json lists them)", unknown.n - SHOWN);
  if (unknown.n) fputc('\n', stderr);
  loom_names_destroy(&unknown);
  return code ? loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a list of arrays") : 0;
}

// The file that is verified is the one that --store changes; a task's own source demos stay as they are.
static int open_stored(toolOutputs* stored, const looking* l, loomError* err) {
  if (!l->perturb.store) return 0;
  if (is_yaml(l->target) || !loom_is_file(l->target))
    return loom_error_set(err, LOOM_ERR_USAGE, "--store changes a file, and '%s' is a task; name FILE.hdf5",
                          l->target);
  return tool_output(stored, l->target, LOOM_OUTPUT_CHANGE, NULL, 0, err);
}

// The trust of all demos: told, and stored where the file is as it should be.
static int tell_trust(cJSON* root, const verdict* v, int n, bool store, const looking* l, loomError* err) {
  const perturbArgs* args = &l->perturb;
  int* trusted = calloc((size_t)n + 1, sizeof *trusted);
  char** name = calloc((size_t)n + 1, sizeof *name);
  int code = trusted && name ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for %d demos", n),
      count = 0;
  for (int i = 0; i < n && !code; i++) {
    if (!v[i].rows) continue;
    trusted[count] = v[i].trusted;
    name[count++] = (char*)loom_dataset_demo_name(l->dataset, i);
  }

  if (!code) perturb_json(root, trusted, count, args);
  if (!code && store) code = perturb_store(l->target, name, trusted, count, args, err);
  if (!code && args->store && !store)
    fprintf(stderr, "%s: trust is not stored: only in a file that is whole and right\n", l->target);
  free(trusted);
  free(name);
  return code;
}

int cmd_verify(int argc, char** argv) {
  looking l = {0};
  toolOutputs stored = {0};
  loomError err = {0, ""};
  int bad = 0, beside = 0, code = read_looking_options(&l, argc, argv, &verify_command);
  if (code) return code < 0 ? EXIT_DONE : code;
  if (l.perturb.store && !l.perturb.replays) return tool_usage("verify", "--store needs --perturb");

  tool_catch_signals();
  code = open_stored(&stored, &l, &err);
  if (!code) code = open_target(&l, &err);
  int n = code ? 0 : demo_count(&l);

  // All of it is compared here, and what differs is replayed nevertheless.
  if (!code) loom_dataset_read_as_is(l.dataset);
  verdict* v = calloc((size_t)n + 1, sizeof *v);
  if (!v) code = loom_error_set(&err, LOOM_ERR_MEMORY, "out of memory for %d verdicts", n);
  if (!code) code = verify_all(v, n, &l, &err);
  if (!code) code = settle_all(v, n, &err);
  cJSON* root = code ? NULL : verify_json(v, n, &l.perturb, &bad);
  if (root) code = verify_rest(root, v, n, &l, &beside, &err);
  if (root) tell_otherwise(v, n);
  if (root && !code) code = list_unknown(root, v, n, &err);
  bool stopped = root && tool_stop && cJSON_GetObjectItem(root, "demos")->valueint < n;
  if (stopped)
    fprintf(stderr, "demoloom: interrupted after %d of %d demos; run it again for all of them\n",
            cJSON_GetObjectItem(root, "demos")->valueint, n);
  bool store = l.perturb.store && !bad && !beside && !stopped;
  if (root && !code && l.perturb.replays) code = tell_trust(root, v, n, store, &l, &err);

  // The same object as text, or as it is.
  if (root && !l.json) {
    printf("%d demos: %d succeed, %d identical bit for bit, largest state error %g\n",
           cJSON_GetObjectItem(root, "demos")->valueint, cJSON_GetObjectItem(root, "success")->valueint,
           cJSON_GetObjectItem(root, "identical")->valueint,
           cJSON_GetObjectItem(root, "max_state_error")->valuedouble);
    printf("%d well behaved: deepest contact %.1f mm (5 allowed), fastest joint at %.0f %% of its limit\n",
           cJSON_GetObjectItem(root, "well_behaved")->valueint,
           1e3 * cJSON_GetObjectItem(root, "max_penetration")->valuedouble,
           1e2 * cJSON_GetObjectItem(root, "max_joint_speed")->valuedouble);

    printf("%d demos are right in all that was checked, %d of them by digests too\n",
           cJSON_GetObjectItem(root, "right")->valueint, cJSON_GetObjectItem(root, "digests")->valueint);

    const cJSON* perturb = cJSON_GetObjectItem(root, "perturb");
    if (perturb)
      printf("trust: %.1f %% of %d perturbed replays of each demo succeed%s\n",
             1e2 * cJSON_GetObjectItem(perturb, "mean_trust")->valuedouble, l.perturb.replays,
             store && !code ? "; stored as loom_trust" : "");

    // Worth a line only where it happened.
    int elsewhere = cJSON_GetObjectItem(root, "recorded_elsewhere")->valueint;
    if (elsewhere)
      printf("%d were recorded by another program or version of MuJoCo: bit for bit is not asked of them\n",
             elsewhere);
    int short_steps = cJSON_GetObjectItem(root, "ik_short_steps")->valueint;
    if (short_steps) printf("inverse kinematics fell short of a target at %d control steps\n", short_steps);
    cJSON_Delete(root);
  } else if (root) {
    print_and_delete(root);
  }

  for (int i = 0; v && i < n; i++) array_verdict_destroy(&v[i].arrays);
  free(v);
  close_target(&l);
  tool_outputs_close(&stored);
  if (code) return tool_fail(&err);
  bool unstored = l.perturb.store && !store;
  return bad || beside || unstored || stopped ? EXIT_FAILED : EXIT_DONE;
}

// ---- scenes

// The task's contact sheet, beside its task file; "" when there is none.
static void find_picture(char* path, size_t size, const loomTask* task) {
  const char* slash = strrchr(task->path, '/');
  int folder = slash ? (int)(slash - task->path) + 1 : 0;
  char file[LOOM_PATH_MAX + LOOM_NAME_MAX];

  // TASK.png in the task's folder.
  snprintf(file, sizeof file, "%.*s%s.png", folder, task->path, task->name);
  char* real = realpath(file, NULL);
  snprintf(path, size, "%s", real ? real : "");
  free(real);
}

static const toolOption scenes_options[] = {
    TOOL_OPTION(0, NULL, looking, BOOL, json, .about = "all of it on stdout as JSON"),
};

static const toolCommand scenes_command = {
    .before =
        "usage: demoloom scenes [options]\n\n"
        "Lists the tasks in the scenes folder ($DEMOLOOM_SCENES) and their variants with other robots: what\n"
        "they are, their reset distributions, their robots and a picture of demos made.\n",
    .after = "example: demoloom scenes --json\n",
    TOOL_OPTIONS(scenes_options),
};

// One task, as a line and as an object of the list. Its name is what commands take.
static int list_scene(cJSON* list, const char* name, bool json) {
  loomTask* task;
  loomError err = {0, ""};
  if (loom_task_find(&task, name, &err)) return tool_fail(&err);

  // Beside each other: the object for JSON and the line of text.
  const char* called = strchr(name, '/') ? name : task->name;
  cJSON* s = cJSON_CreateObject();
  cJSON_AddStringToObject(s, "name", called);
  cJSON_AddStringToObject(s, "about", task->about);
  cJSON* resets = cJSON_AddArrayToObject(s, "resets");
  if (!json) printf("%-16s %s  [", called, task->about);
  for (int r = 0; r < task->reset_count; r++) {
    cJSON_AddItemToArray(resets, cJSON_CreateString(task->resets[r].name));
    if (!json) printf("%s%s", r ? " " : "", task->resets[r].name);
  }

  // Which robots, arm by arm.
  cJSON* robots = cJSON_AddArrayToObject(s, "robots");
  if (!json) printf("]\n%-16s", "");
  for (int a = 0; a < task->arm_count; a++) {
    cJSON_AddItemToArray(robots, cJSON_CreateString(task->robots[a].type));
    if (!json) printf(" %s", task->robots[a].type);
  }

  // Pictures are made by hand and may be missing.
  char picture[LOOM_PATH_MAX + LOOM_NAME_MAX];
  find_picture(picture, sizeof picture, task);
  if (*picture) cJSON_AddStringToObject(s, "picture", picture);
  if (!json) printf("%s%s\n", *picture ? "  " : "", picture);
  cJSON_AddItemToArray(list, s);
  loom_task_destroy(task);
  return EXIT_DONE;
}

int cmd_scenes(int argc, char** argv) {
  static loomName names[LOOM_SCENES_MAX], variants[LOOM_VARIANTS_MAX];
  looking l = {0};
  int code = tool_options(&l, argc, argv, &scenes_command);
  if (code) return code < 0 ? EXIT_DONE : code;
  if (optind != argc) return tool_usage("scenes", "unknown argument '%s'", argv[optind]);

  int n = loom_scene_names(names, LOOM_SCENES_MAX), status = EXIT_DONE;
  cJSON* root = cJSON_CreateObject();
  cJSON* list = cJSON_AddArrayToObject(root, "scenes");
  for (int i = 0; i < n; i++) {
    if ((code = list_scene(list, names[i], l.json))) status = code;

    // With other robots, each under its scene.
    int more = loom_scene_variants(variants, LOOM_VARIANTS_MAX, names[i]);
    for (int k = 0; k < more; k++)
      if ((code = list_scene(list, variants[k], l.json))) status = code;
  }

  if (l.json) {
    print_and_delete(root);
  } else {
    cJSON_Delete(root);
  }
  return status;
}
