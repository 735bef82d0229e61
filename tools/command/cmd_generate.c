// demoloom generate: many attempts, one dataset, one report.
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "generators/attempt/recover.h"
#include "generators/run/dtw.h"
#include "generators/run/generate.h"
#include "generators/run/report.h"
#include "tools/command/generate_where.h"
#include "tools/command/report_print.h"
#include "tools/shared/commands.h"
#include "tools/shared/common.h"
#include "tools/shared/damage.h"
#include "tools/shared/options.h"
#include "tools/shared/outputs.h"
#include "tools/shared/sharing.h"

typedef struct generateArgs {
  const char *task, *source, *segments, *reset, *report, *disturb, *recover_from, *where;
  double recover;
  int where_episodes;
  int select, scheme, limits, clean, mirrored;  // -1 = as the task says
  int64_t seed, max_failures;                   // -1 = not given
  const char* picked[LOOM_MAX_SOURCES];
  int npicked;
  bool json, skip;
  toolSharing sharing;
  loomGenerateDef def;
  loomAssetRoots roots;
} generateArgs;

static const char* const mirrors[] = {"off", "on", "only", NULL};

static const toolOption options[] = {
    TOOL_OPTION_AS("successes", 'n', "N", generateArgs, INT64, def.successes, .low = 1, .high = INT32_MAX,
                   .about = "stop after so many successful demos; 100 where nothing says when to stop"),
    TOOL_OPTION_AS("attempts", 0, "N", generateArgs, INT64, def.attempts, .low = 1, .high = INT32_MAX,
                   .about = "stop after so many attempts"),
    TOOL_OPTION_AS("time", 0, "SECONDS", generateArgs, REAL, def.seconds, .least = 0.001, .most = 1e9,
                   .unit = "s", .about = "stop after this time"),
    TOOL_OPTION_AS("max-failures", 0, "N", generateArgs, INT64, max_failures, .high = INT32_MAX,
                   .about = "give up after so many failures, 0 = never; when all of the first 200 attempts "
                            "fail unless given"),
    TOOL_OPTION_AS("output", 'o', "FILE.hdf5", generateArgs, STRING, def.out,
                   .about = "dataset to write; without it nothing is kept, only the report"),
    TOOL_OPTION_AS("failed", 0, "FILE.hdf5", generateArgs, STRING, def.failed,
                   .about = "keep failed attempts in their own file"),
    TOOL_OPTION_AS("source", 0, "FILE", generateArgs, STRING, source,
                   .about = "other source demos than the task's"),
    TOOL_OPTION_AS("sources", 0, "K", generateArgs, INT, def.best_sources, .low = 1, .high = LOOM_MAX_SOURCES,
                   .about =
                       "only the K best source demos, found by a screening: attempts of each alone, which "
                       "come before the run's and are reported beside them"),
    TOOL_LIST("source-demo", 0, "NAME", generateArgs, picked, npicked, .unit = "demos",
              .about = "only this source demo; may be given several times"),
    TOOL_OPTION_AS("mirrored", 0, "SWITCH", generateArgs, CHOICE, mirrored, .choices = mirrors,
                   .about =
                       "source demos mirrored left <-> right too (on), or these alone (only), where the task "
                       "says how; as the task says unless given"),
    TOOL_OPTION_AS("segments", 0, "FILE", generateArgs, STRING, segments,
                   .about = "ends of the source demos' segments, as `demoloom segment --export` writes them"),
    TOOL_OPTION_AS("clean", 0, "SWITCH", generateArgs, CHOICE, clean, .choices = tool_switches,
                   .about =
                       "use the task's cleaned source demos, or those that were recorded. Unless given, "
                       "cleaned ones where it has any and each source is to make demos (--select balanced); "
                       "ends of --segments are the recorded ones'"),
    TOOL_OPTION_AS("reset", 0, "NAME", generateArgs, STRING, reset,
                   .about = "reset distribution: D0, D1, ...; the task's first unless given"),
    TOOL_DISTURB_OPTION(generateArgs, disturb),
    TOOL_OPTION_AS("recover", 0, "SHARE", generateArgs, REAL, recover, .least = 0, .most = 1,
                   .about =
                       "share of the attempts that something disturbs on the way, a hand that is pushed, "
                       "an object that is moved, a gripper that lets go, and that go on from there: "
                       "their demos begin once it has passed, with the way back"),
    TOOL_OPTION_AS("recover-from", 0, "NAME|FILE", generateArgs, STRING, recover_from,
                   .about =
                       "from what instead: terms `push`, `slip`, `place` and `yaw`, each with `at`, in a "
                       "set of the task's `randomize:`, or in a file; one of them happens at a time"),
    TOOL_OPTION_AS("where", 0, "POLICY", generateArgs, STRING, where,
                   .about = "let a trained policy loose first, and draw starts where it fails more often, by "
                            "what lies where, how it is turned and how large it is"),
    TOOL_OPTION_AS("where-episodes", 0, "N", generateArgs, INT, where_episodes, .low = 10, .high = 100000,
                   .about = "so many episodes of it; 100 unless given"),
    TOOL_OPTION_AS("seed", 's', "S", generateArgs, INT64, seed, .high = INT64_MAX,
                   .about = "of what is random"),
    TOOL_ALIAS_LETTER('t', "threads"),
    TOOL_THREADS_OPTION(generateArgs, INT, def.threads),
    TOOL_SHARE_OPTION(generateArgs, sharing.given, "OUT"),
    TOOL_HEARTBEAT_OPTION(generateArgs, sharing.heartbeat),
    TOOL_SHARD_OPTION(generateArgs, sharing.part,
                      "make only every N-th block of the first --attempts starts, I = 1 .. N, for machines "
                      "that share no folder: their OUT.parts copied together, the same command with "
                      "--resume instead of it makes OUT"),
    TOOL_OPTION_AS("select", 0, "NAME", generateArgs, CHOICE, select, .choices = loom_select_names,
                   .about =
                       "how a source segment is chosen, for all subtasks; balanced: so that the demos that "
                       "are kept come from all sources alike, mixed within a demo where the task says so; "
                       "ordered: the first source (of --sources the best, of --source-demo as given), at a "
                       "start where it failed (--tries) the next: demos of one way, and all starts"),
    TOOL_OPTION_AS("tries", 0, "N", generateArgs, INT, def.attempt.tries, .low = 1, .high = LOOM_MAX_TRIES,
                   .about =
                       "a start that fails is tried again up to so many times in all, with other sources: "
                       "the demos that are kept have the starts that were asked for, not the easy ones"),
    TOOL_OPTION_AS("stratified", 0, NULL, generateArgs, BOOL, def.attempt.stratified,
                   .about = "starts spread evenly over what the reset distribution says: each of its numbers "
                            "has as many in every part of its range (Latin hypercubes of 64 starts)"),
    TOOL_OPTION_AS("scheme", 0, "NAME", generateArgs, CHOICE, scheme, .choices = loom_scheme_names,
                   .about = "for all coordinated subtasks"),
    TOOL_OPTION_AS("limits", 0, "SWITCH", generateArgs, CHOICE, limits, .choices = tool_switches,
                   .about = "lose attempts that press anything deeper than 5 mm or turn a joint faster than "
                            "it may; as the task says unless given"),
    TOOL_OPTION_AS("noise", 0, "FACTOR", generateArgs, REAL, def.attempt.noise_scale, .most = 1000,
                   .about = "factor on all noise of the task file"),
    TOOL_OPTION_AS("no-ordering", 0, NULL, generateArgs, BOOL, def.attempt.no_ordering,
                   .about = "ablation: drop sequential constraints"),
    TOOL_OPTION_AS("no-preview", 0, NULL, generateArgs, BOOL, def.attempt.no_preview,
                   .about = "ablation: run plans without looking first whether the arms can follow them"),
    TOOL_OPTION_AS("next-obs", 0, NULL, generateArgs, BOOL, def.next_obs,
                   .about = "write next_obs/* too (offline RL wants them)"),
    TOOL_OPTION_AS("gzip", 0, "LEVEL", generateArgs, INT, def.write.gzip, .high = 9,
                   .about = "of compression, 0 (none) to 9"),
    TOOL_OPTION_AS("resume", 0, NULL, generateArgs, BOOL, def.resume,
                   .about = "go on with an unfinished run (starts one where there is none)"),
    TOOL_OVERWRITE_OPTION(generateArgs, def.overwrite),
    TOOL_SKIP_OPTION(generateArgs, skip),
    TOOL_SKIP_DAMAGED_OPTION,
    TOOL_ASSETS_OPTION(0, generateArgs, roots),
    TOOL_OPTION_AS("report", 0, "FILE.png", generateArgs, STRING, report,
                   .about = "the report as a picture (PNG)"),
    TOOL_OPTION_AS("json", 0, NULL, generateArgs, BOOL, json, .about = "machine-readable report on stdout"),
};

static const toolCommand command = {
    .before =
        "usage: demoloom generate TASK [-n N] [-o OUT.hdf5] [options]\n"
        "\n"
        "Makes new demos of a task from its source demos and writes those that succeed as one robomimic "
        "dataset.\n",
    .after =
        "Ctrl-C finishes the attempts in hand and leaves a valid file; --resume goes on from there. Of "
        "several "
        "processes one that is stopped or killed leaves the rest to the others; whoever begins anew, with "
        "--share on or --resume, goes on.\n"
        "\n"
        "examples:\n"
        "  demoloom generate handover -n 1000 -o handover.hdf5\n"
        "  demoloom generate handover -n 1000 --sources 1 -o one.hdf5    one demo is enough: the best\n"
        "  demoloom generate handover --attempts 300 --seed 5 --report handover.png --json >handover.json\n"
        "  demoloom generate handover -n 1000 --select balanced --tries 8 -o handover.hdf5\n"
        "  demoloom generate handover -n 1000 --stratified --tries 8 -o handover.hdf5\n"
        "  demoloom generate handover -n 1000 --recover 0.3 -o handover.hdf5    three in ten come back to "
        "the "
        "path\n"
        "  demoloom generate handover -n 300 --where runs/handover/last.safetensors -o more.hdf5    where it "
        "fails\n"
        "  mpirun -n 4 demoloom generate handover -n 1000 -o handover.hdf5    one dataset by four processes\n"
        "  srun -n 16 demoloom generate handover -n 1000 -o handover.hdf5    by sixteen, on any machines\n"
        "  demoloom generate handover -n 1000 --share on -j 8 -o handover.hdf5    by as many as this is "
        "typed "
        "for\n"
        "  demoloom generate handover --attempts 1000 --select random --shard 2/4 -o handover.hdf5    a "
        "quarter\n"
        "  demoloom generate handover -n 1000 --disturb rough.yaml -o rough.hdf5    rough.yaml: `mass: [0.5, "
        "2]`\n",
    TOOL_OPTIONS(options),
};

// What does not go with several processes is refused, not ignored.
static int read_sharing(generateArgs* a) {
  loomGenerateDef* d = &a->def;
  const toolSharing* s = &a->sharing;
  int code = tool_sharing(&a->sharing, "generate");
  if (code) return code;
  if (s->shards && !d->attempts)
    return tool_usage("generate", "--shard needs --attempts: of how many it is a part");
  d->share = s->on;
  d->shard = s->shard;
  d->shards = s->shards;
  d->heartbeat = s->heartbeat;
  if (!d->share) return 0;

  const char* why = tool_sharing_why(s);
  if (!d->out) return tool_usage("generate", "%s, it needs -o", why);
  if (d->seconds > 0)
    return tool_usage("generate", "%s, it cannot stop by --time: they would stop at different attempts", why);
  if (d->overwrite)
    return tool_usage("generate",
                      "%s, it cannot --overwrite: one that comes later would throw away what the others have "
                      "made; remove %s and %s.parts first",
                      why, d->out, d->out);
  if (s->shards && (a->report || a->json))
    return tool_usage("generate", "--%s: a part has no report of its own", a->report ? "report" : "json");
  d->threads = tool_sharing_threads(s, d->threads);
  return 0;
}

static int read_generate_options(generateArgs* a, int argc, char** argv) {
  loomGenerateDef* d = &a->def;
  int code = tool_options(a, argc, argv, &command);
  if (code) return code;

  // One task, and something that says when to stop.
  if (optind + 1 != argc) return tool_usage("generate", "it takes one task");
  a->task = argv[optind];
  d->attempt.seed = (uint64_t)a->seed;

  if (a->where_episodes && !a->where) return tool_usage("generate", "--where-episodes needs --where");
  if (a->where && d->attempt.stratified)
    return tool_usage("generate",
                      "--where and --stratified do not go together: starts are spread evenly, or "
                      "drawn where a policy fails");
  if (a->recover_from && !(a->recover > 0)) return tool_usage("generate", "--recover-from needs --recover");
  if (a->recover > 0 && a->disturb)
    return tool_usage("generate",
                      "--recover and --disturb do not go together: what disturbs an attempt that "
                      "recovers is --recover-from");
  if (d->failed && !d->out) return tool_usage("generate", "--failed needs -o");
  // A limit that is given is the only one.
  if (a->max_failures >= 0) {
    d->max_failures = a->max_failures;
    d->hopeless = 0;
  }

  if (!d->successes && !d->attempts && !(d->seconds > 0)) d->successes = 100;
  code = tool_one_of_both("generate", d->overwrite, d->resume);
  return code ? code : read_sharing(a);
}

// What the command line says otherwise than the task.
static int apply_choices(generateArgs* a, loomTask* task, loomError* err) {
  // A name that the task does not have is found out before anything else is changed.
  a->def.attempt.reset = loom_task_find_reset(task, a->reset ? a->reset : task->resets[0].name);
  if (a->def.attempt.reset < 0)
    return loom_error_set(err, LOOM_ERR_USAGE, "%s has no reset distribution '%s'", task->path, a->reset);

  // Quality limits on or off, at their usual values.
  if (a->limits >= 0) {
    task->limit_penetration = a->limits ? LOOM_PENETRATION_LIMIT : 0;
    task->limit_joint_speed = a->limits ? LOOM_JOINT_SPEED_LIMIT : 0;
  }

  // One strategy and one scheme for all.
  for (int arm = 0; a->select >= 0 && arm < task->arm_count; arm++)
    for (int k = 0; k < task->subtask_count[arm]; k++)
      task->subtasks[arm][k].select.strategy = (loomSelectStrategy)a->select;

  for (int i = 0; a->scheme >= 0 && i < task->rule_count; i++) task->rules[i].scheme = (loomScheme)a->scheme;
  return LOOM_OK;
}

// Before anything is loaded: may it all be written? Whether a dataset that is there is this run's is known
// to its journal, once the sources are read.
static int open_generate_outputs(toolOutputs* outputs, const generateArgs* a, loomError* err) {
  const loomGenerateDef* d = &a->def;
  const char* input[] = {a->task, a->source, a->segments, a->disturb, a->recover_from, a->where};
  const int inputs = sizeof input / sizeof *input;

  // What an earlier part of the run has left is replaced; where there was none, --resume is no leave to.
  char parts[LOOM_PATH_MAX];
  snprintf(parts, sizeof parts, "%.*s.parts", LOOM_PATH_MAX - 16, d->out ? d->out : "");
  bool begun = (d->resume || d->share) && d->out && (loom_is_file(d->out) || loom_is_folder(parts));
  loomOutputMode report = tool_output_mode(d->overwrite || begun);
  int code = tool_output(outputs, d->out, LOOM_OUTPUT_REPLACE, input, inputs, err);
  if (!code) code = tool_output(outputs, d->failed, report, input, inputs, err);
  return code ? code : tool_output(outputs, a->report, report, input, inputs, err);
}

// Numbers to stdout, the picture to its file.
static int write_report(const generateArgs* a, const loomGenerateReport* run, const loomTask* task,
                        const loomSourceSet* sources, loomError* err) {
  loomReport report;
  int code = loom_report_make(&report, run, task, sources, &a->def.attempt, err);
  if (code) return code;

  // What is written is read again for how far ways are apart.
  bool wrote = a->def.out && run->successes && !run->kept_old;
  if (wrote) code = loom_dtw_spread(&report.diversity.dtw, a->def.out, err);

  // A picture that cannot be written is told after the numbers.
  bool draws = a->report && (!a->def.share || run->assembled);
  if (!code && draws) code = loom_report_draw(&report, a->report, 1400, 900, err);
  if (a->json) {
    cJSON* root = report_json(&report);
    if (a->def.attempt.where)
      cJSON_AddItemToObject(root, "where",
                            generate_where_json(a->def.attempt.where, a->where, &report.regions));
    if (wrote) cJSON_AddStringToObject(root, "file", a->def.out);
    cJSON_AddNumberToObject(root, "seed", (double)a->seed);
    tool_print_report(root);
    cJSON_Delete(root);
  } else {
    report_print(&report);
    if (a->def.attempt.where) generate_where_print(a->def.attempt.where, a->where);
    tool_print_left_out();
    if (wrote) printf("wrote %s\n", a->def.out);
    if (draws && !code) printf("wrote %s\n", a->report);
  }

  loom_report_destroy(&report);
  return code;
}

// Why a run gave up, and how to go on.
static int tell_giving_up(const generateArgs* a, const loomGenerateReport* run, const loomTask* task,
                          const loomSourceSet* sources, loomError* err) {
  loomReport report;
  int code = loom_report_make(&report, run, task, sources, &a->def.attempt, err);
  if (code) return code;

  const loomFailure* f = report.failures;
  fprintf(stderr,
          "demoloom generate: gave up: %lld of %lld attempts failed, most often (%lld) in '%s': %s: %s; look "
          "at them with --failed FILE and `demoloom view`; --max-failures 0%s goes on\n",
          (long long)(run->attempts - run->successes), (long long)run->attempts, (long long)f->count,
          f->where, loom_outcome_name(f->outcome), f->reason, a->def.out ? " --resume" : "");

  loom_report_destroy(&report);
  return 0;
}

static void show_progress(void* user, int64_t attempts, int64_t successes, double seconds) {
  const generateArgs* a = user;
  const loomGenerateDef* def = &a->def;
  char note[64];
  if (!tool_sharing_shows(&a->sharing)) return;

  snprintf(note, sizeof note, "demos, %lld attempts, %.0f %% succeed", (long long)attempts,
           attempts ? 100 * (double)successes / (double)attempts : 0);
  tool_progress("generated", successes, def->successes, seconds, note);
}

// Where the best sources are sought, those that were recorded are as good or better. Where each is to make
// demos, those count that seldom make any as they were recorded.
static int find_source(char path[LOOM_PATH_MAX], generateArgs* a, const loomTask* task, loomError* err) {
  bool balanced = task->subtasks[0][0].select.strategy == LOOM_SELECT_BALANCED;
  a->def.cleaned = a->clean < 0 ? balanced && task->source_cleaned[0] && !a->segments : a->clean;
  return a->def.cleaned ? loom_task_cleaned_source(path, task, &a->roots, err)
                        : loom_task_source(path, task, &a->roots, err);
}

static int find_starts(loomStartMap** out, const generateArgs* a, const loomScene* scene, loomError* err) {
  const generateWhere where = {.policy = a->where,
                               .task = a->task,
                               .episodes = a->where_episodes ? a->where_episodes : 100,
                               .threads = a->def.threads,
                               .reset = a->def.attempt.reset,
                               .seed = a->def.attempt.seed};
  tool_catch_signals();
  return generate_where(out, &where, scene, err);
}

// A part is for whoever puts them together.
static int tell_shard(const generateArgs* a, const loomGenerateReport* run) {
  fprintf(stderr, "part %s of %lld starts%s: %lld demos from %lld attempts lie in %s.parts\n",
          a->sharing.part, (long long)a->def.attempts, run->interrupted ? ", interrupted" : "",
          (long long)run->successes, (long long)run->attempts, a->def.out);
  return LOOM_OK;
}

// What came of the run, once it is over.
static int tell_run(const generateArgs* a, const loomGenerateReport* report, const loomTask* task,
                    const loomSourceSet* sources, loomError* err) {
  int code = LOOM_OK;

  // A complete dataset has no failures to draw any more.
  if (report->already_complete) {
    fprintf(stderr, "%s is complete already\n", a->def.out);
    if (!a->report || loom_is_file(a->report)) return LOOM_OK;
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "%s: a complete dataset no longer tells of its failed attempts; --overwrite makes "
                          "both anew",
                          a->report);
  }

  if (a->sharing.part) return tell_shard(a, report);
  bool tells = tool_sharing_tells(&a->sharing, report->assembled);
  if (tells) code = write_report(a, report, task, sources, err);
  if (!code && report->gave_up && tells) code = tell_giving_up(a, report, task, sources, err);
  if (report->interrupted)
    fprintf(stderr, "interrupted after %lld demos from %lld attempts%s%s%s\n", (long long)report->successes,
            (long long)report->attempts, a->def.out ? "; " : "", a->def.out ? a->def.out : "",
            !a->def.out         ? ""
            : a->def.share      ? ": the other processes go on, and so does the same command"
            : report->kept_old  ? " is as it was: --resume goes on"
            : report->successes ? " has them: --resume goes on"
                                : " was not written: --resume goes on");
  return code;
}

// Fewer demos than asked for is a failure that scripts should see.
static int status_of(const generateArgs* a, const loomGenerateReport* report) {
  bool fewer = !a->sharing.part && a->def.successes && report->successes < a->def.successes;
  return !report->already_complete && (report->interrupted || report->gave_up || fewer) ? EXIT_FAILED
                                                                                        : EXIT_DONE;
}

int cmd_generate(int argc, char** argv) {
  generateArgs a = {.select = -1,
                    .scheme = -1,
                    .limits = -1,
                    .clean = -1,
                    .mirrored = -1,
                    .sharing = TOOL_SHARING,
                    .max_failures = -1,
                    .def = loom_default_generate_def()};
  loomTask* task = NULL;
  loomScene* scene = NULL;
  loomSourceSet sources = {0};
  loomGenerateReport report = {0};
  const loomDisturbSet* recover_from = NULL;
  loomRecover* recover = NULL;
  loomStartMap* where = NULL;
  loomError err = {0, ""};
  char path[LOOM_PATH_MAX];
  int code = read_generate_options(&a, argc, argv);
  if (code) return code < 0 ? EXIT_DONE : code;
  if (a.source && a.clean >= 0)
    return tool_usage("generate", "--clean is for the task's own source demos, without --source");

  // The task, as the command line changes it, and where its assets are.
  toolOutputs outputs = {.shared = a.def.share};
  code = open_generate_outputs(&outputs, &a, &err);
  if (!code) code = loom_task_find(&task, a.task, &err);
  if (!code) code = apply_choices(&a, task, &err);
  if (!code && a.disturb) code = loom_disturb_find(&a.def.attempt.disturb, task, a.disturb, &err);
  if (!code && a.recover_from) code = loom_disturb_find(&recover_from, task, a.recover_from, &err);
  if (!code) code = loom_generate_check(task, &a.def, &err);
  if (!code) code = tool_assets(&a.roots, task, &err);

  // Source demos are replayed and segmented, and their model is the scene of all attempts.
  if (!code && !a.source) code = find_source(path, &a, task, &err);
  if (!code) code = tool_outputs_check(&outputs, task->path, &err);
  if (!code) code = tool_outputs_check(&outputs, a.source ? a.source : path, &err);
  loomSourceDef from = {.segments = a.segments, .skip = a.skip, .demos = a.picked, .demo_count = a.npicked};
  if (a.mirrored >= 0) from.mirrored = (loomMirrored)(LOOM_MIRRORED_OFF + a.mirrored);
  if (!code) code = loom_sources_load_with(&sources, task, a.source ? a.source : path, &a.roots, &from, &err);
  if (!code)
    code = loom_scene_create(&scene, task, sources.model_xml, sources.model_label, sources.env_args, &a.roots,
                             &err);

  if (!code && a.disturb) code = loom_disturb_check(a.def.attempt.disturb, scene, &err);
  if (!code && a.recover > 0)
    code = loom_recover_create(&recover, scene, &sources, recover_from, a.recover, &err);
  a.def.attempt.recover = recover;

  if (!code && a.where) code = find_starts(&where, &a, scene, &err);
  a.def.attempt.where = where;

  // What compiling has left behind goes back before attempts begin.
  loom_model_forget_assets();

  // Attempts until enough, or until Ctrl-C.
  if (!code) {
    tool_catch_signals();
    a.def.stop = &tool_stop;
    a.def.progress = show_progress;
    a.def.user = &a;
    code = loom_generate(&report, scene, &sources, &a.def, &err);
  }

  tool_progress_end();

  if (!code) code = tell_run(&a, &report, task, &sources, &err);
  int status = code ? tool_fail(&err) : status_of(&a, &report);

  tool_outputs_close(&outputs);
  loom_generate_report_destroy(&report);
  loom_recover_destroy(recover);
  loom_start_map_destroy(where);
  loom_scene_destroy(scene);
  loom_sources_destroy(&sources);
  loom_task_destroy(task);
  loom_asset_roots_destroy(&a.roots);
  return status;
}
