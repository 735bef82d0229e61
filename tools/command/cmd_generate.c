// demoloom generate: many attempts, one dataset, one report.
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "generators/run/generate.h"
#include "generators/run/report.h"
#include "tools/command/report_print.h"
#include "tools/shared/commands.h"
#include "tools/shared/common.h"
#include "tools/shared/options.h"

static const char help[] =
    "usage: demoloom generate TASK [-n N] [-o OUT.hdf5] [options]\n\n"
    "Makes new demos of a task from its source demos and writes those that succeed as one robomimic "
    "dataset.\n\n"
    "  -n, --successes N    stop after N successful demos (default 100)\n"
    "      --attempts N     stop after N attempts\n"
    "      --time SECONDS   stop after this time\n"
    "      --max-failures N give up after N failures\n"
    "  -o, --output FILE    dataset to write; without it nothing is kept, only the report\n"
    "      --failed FILE    keep failed attempts in their own file\n"
    "      --source FILE    other source demos than the task's\n"
    "      --segments FILE  ends of the source demos' segments, as `demoloom segment --export` writes them\n"
    "      --reset NAME     reset distribution: D0 (default), D1, ...\n"
    "  -s, --seed S         default 0\n"
    "  -t, --threads N      default all cores; the result does not depend on it\n"
    "      --select NAME    random, nearest, weighted or robot_distance, for all subtasks\n"
    "      --scheme NAME    transform, translate or replay, for all coordinated subtasks\n"
    "      --limits on|off  lose attempts that press anything deeper than 5 mm or turn a joint faster than "
    "it\n"
    "                       may; default what the task says\n"
    "      --noise FACTOR   scale all noise of the task file\n"
    "      --no-ordering    ablation: drop sequential constraints\n"
    "      --next-obs       write next_obs/* too (offline RL wants them)\n"
    "      --gzip LEVEL     0 (none) to 9, default 1\n"
    "      --resume         go on with an unfinished run (starts one where there is none)\n"
    "      --overwrite      throw an earlier OUT away\n"
    "      --assets NAME=DIR  where assets lie, e.g. robosuite=DIR\n"
    "      --report FILE    the report as a picture (PNG)\n"
    "      --json           machine-readable report on stdout\n\n"
    "Ctrl-C finishes the attempts in hand and leaves a valid file; --resume goes on from there.\n\n"
    "examples:\n"
    "  demoloom generate handover -n 1000 -o handover.hdf5\n"
    "  demoloom generate handover --attempts 300 --seed 5 --report handover.png --json >handover.json\n";

typedef struct generateArgs {
  const char *task, *source, *segments, *reset, *select, *scheme, *limits, *report;
  int64_t seed;
  bool json;
  loomGenerateDef def;
  loomAssetRoots roots;
} generateArgs;

static int parse_generate_options(generateArgs* a, int argc, char** argv) {
  loomGenerateDef* d = &a->def;
  const toolOption options[] = {
      option_int64("successes", 'n', &d->successes, 1, INT32_MAX),
      option_int64("attempts", 0, &d->attempts, 1, INT32_MAX),
      option_double("time", 0, &d->seconds, 0.001, 1e9),
      option_int64("max-failures", 0, &d->max_failures, 1, INT32_MAX),
      option_text("output", 'o', &d->out),
      option_text("failed", 0, &d->failed),
      option_text("source", 0, &a->source),
      option_text("segments", 0, &a->segments),
      option_text("reset", 0, &a->reset),
      option_int64("seed", 's', &a->seed, 0, INT64_MAX),
      option_int("threads", 't', &d->threads, 1, 1024),
      option_text("select", 0, &a->select),
      option_text("scheme", 0, &a->scheme),
      option_text("limits", 0, &a->limits),
      option_double("noise", 0, &d->attempt.noise_scale, 0, 1000),
      option_flag("no-ordering", 0, &d->attempt.no_ordering),
      option_flag("next-obs", 0, &d->next_obs),
      option_int("gzip", 0, &d->write.gzip, 0, 9),
      option_flag("resume", 0, &d->resume),
      option_flag("overwrite", 0, &d->overwrite),
      option_assets(0, &a->roots),
      option_text("report", 0, &a->report),
      option_flag("json", 0, &a->json),
  };
  int code = tool_options(argc, argv, help, options, sizeof options / sizeof *options);
  if (code) return code;
  if (optind + 1 != argc) return tool_usage("generate", "it takes one task");
  a->task = argv[optind];
  d->attempt.seed = (uint64_t)a->seed;
  if (d->failed && !d->out) return tool_usage("generate", "--failed needs -o");
  if (!d->successes && !d->attempts && !(d->seconds > 0)) d->successes = 100;
  return 0;
}

// Index of `text` among names, or LOOM_ERR_USAGE.
static int choose(int* out, const char* option, const char* text, const char* const* names, loomError* err) {
  char list[128] = "";
  for (int i = 0; names[i]; i++) {
    if (!strcmp(text, names[i])) {
      *out = i;
      return 0;
    }
    snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? ", " : "", names[i]);
  }
  return loom_error_set(err, LOOM_ERR_USAGE, "%s takes one of %s, not '%s'", option, list, text);
}

static int apply_choices(generateArgs* a, loomTask* task, loomError* err) {
  static const char* const strategies[] = {"random", "nearest", "weighted", "robot_distance", NULL};
  static const char* const schemes[] = {"transform", "translate", "replay", NULL};
  static const char* const switches[] = {"off", "on", NULL};
  int strategy = 0, scheme = 0, limits = 0;
  a->def.attempt.reset = loom_task_find_reset(task, a->reset ? a->reset : task->resets[0].name);
  if (a->def.attempt.reset < 0) {
    return loom_error_set(err, LOOM_ERR_USAGE, "%s has no reset distribution '%s'", task->path, a->reset);
  }
  int code = a->select ? choose(&strategy, "--select", a->select, strategies, err) : 0;
  if (!code && a->scheme) code = choose(&scheme, "--scheme", a->scheme, schemes, err);
  if (!code && a->limits) code = choose(&limits, "--limits", a->limits, switches, err);
  if (!code && a->limits) {
    task->limit_penetration = limits ? LOOM_PENETRATION_LIMIT : 0;
    task->limit_joint_speed = limits ? LOOM_JOINT_SPEED_LIMIT : 0;
  }
  for (int arm = 0; !code && a->select && arm < task->arm_count; arm++) {
    for (int k = 0; k < task->subtask_count[arm]; k++)
      task->subtasks[arm][k].select.strategy = (loomSelectStrategy)strategy;
  }
  for (int i = 0; !code && a->scheme && i < task->rule_count; i++) task->rules[i].scheme = (loomScheme)scheme;
  return code;
}

// Numbers to stdout, the picture to its file.
static int write_report(const generateArgs* a, const loomGenerateReport* run, const loomTask* task,
                        const loomSourceSet* sources, loomError* err) {
  loomReport report;
  int code = loom_report_make(&report, run, task, sources, &a->def.attempt, err);
  if (code) return code;
  if (a->report) code = loom_report_draw(&report, a->report, 1400, 900, err);
  if (a->json) {
    cJSON* root = report_json(&report);
    tool_print_json(root);
    cJSON_Delete(root);
  } else {
    report_print(&report);
    if (a->def.out && run->successes) printf("wrote %s\n", a->def.out);
    if (a->report && !code) printf("wrote %s\n", a->report);
  }
  loom_report_destroy(&report);
  return code;
}

static void show_progress(void* user, int64_t attempts, int64_t successes, double seconds) {
  const loomGenerateDef* def = user;
  char note[64];
  snprintf(note, sizeof note, "demos, %lld attempts, %.0f %% succeed", (long long)attempts,
           attempts ? 100 * (double)successes / (double)attempts : 0);
  tool_progress("generated", successes, def->successes, seconds, note);
}

int cmd_generate(int argc, char** argv) {
  generateArgs a = {.def = loom_default_generate_def()};
  loomTask* task = NULL;
  loomScene* scene = NULL;
  loomSourceSet sources = {0};
  loomGenerateReport report = {0};
  loomError err = {0, ""};
  char path[LOOM_PATH_MAX];
  int code = parse_generate_options(&a, argc, argv);
  if (code) return code < 0 ? EXIT_DONE : code;
  code = loom_task_find(&task, a.task, &err);
  if (!code) code = apply_choices(&a, task, &err);
  if (!code) code = tool_assets(&a.roots, task, &err);
  if (!code && !a.source) code = loom_task_source(path, task, &a.roots, &err);
  if (!code)
    code = loom_sources_load_with(&sources, task, a.source ? a.source : path, &a.roots, a.segments, &err);
  if (!code)
    code = loom_scene_create(&scene, task, sources.model_xml, sources.model_label, sources.env_args, &a.roots,
                             &err);
  loom_model_forget_assets();
  if (!code) {
    tool_catch_signals();
    a.def.stop = &tool_stop;
    a.def.progress = show_progress;
    a.def.user = &a.def;
    code = loom_generate(&report, scene, &sources, &a.def, &err);
  }
  tool_progress_end();
  if (!code && report.already_complete) {
    fprintf(stderr, "%s is complete already\n", a.def.out);
    if (a.report && !loom_is_file(a.report)) {
      code =
          loom_error_set(&err, LOOM_ERR_USAGE,
                         "%s: a complete dataset no longer tells of its failed attempts; --overwrite makes "
                         "both anew",
                         a.report);
    }
  } else if (!code) {
    code = write_report(&a, &report, task, &sources, &err);
  }
  int status = code ? tool_fail(&err) : EXIT_DONE;
  if (!code && !report.already_complete &&
      (report.interrupted || (a.def.successes && report.successes < a.def.successes))) {
    status = EXIT_FAILED;
  }
  loom_generate_report_destroy(&report);
  loom_scene_destroy(scene);
  loom_sources_destroy(&sources);
  loom_task_destroy(task);
  loom_asset_roots_destroy(&a.roots);
  return status;
}
