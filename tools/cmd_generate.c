// demoloom generate: many attempts, one dataset, one report.
#include <cjson/cJSON.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generators/generate.h"
#include "generators/report.h"
#include "tools/commands.h"
#include "tools/common.h"
#include "tools/report_print.h"

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
  bool json;
  loomGenerateDef def;
  loomAssetRoots roots;
} generateArgs;

enum {
  OPT_ATTEMPTS = 256,
  OPT_TIME,
  OPT_MAX_FAILURES,
  OPT_FAILED,
  OPT_SOURCE,
  OPT_SEGMENTS,
  OPT_RESET,
  OPT_SELECT,
  OPT_SCHEME,
  OPT_LIMITS,
  OPT_NOISE,
  OPT_NO_ORDERING,
  OPT_NEXT_OBS,
  OPT_GZIP,
  OPT_RESUME,
  OPT_OVERWRITE,
  OPT_ASSETS,
  OPT_REPORT,
  OPT_JSON
};

static const struct option options[] = {{"successes", 1, 0, 'n'},
                                        {"attempts", 1, 0, OPT_ATTEMPTS},
                                        {"time", 1, 0, OPT_TIME},
                                        {"max-failures", 1, 0, OPT_MAX_FAILURES},
                                        {"output", 1, 0, 'o'},
                                        {"failed", 1, 0, OPT_FAILED},
                                        {"source", 1, 0, OPT_SOURCE},
                                        {"segments", 1, 0, OPT_SEGMENTS},
                                        {"reset", 1, 0, OPT_RESET},
                                        {"seed", 1, 0, 's'},
                                        {"threads", 1, 0, 't'},
                                        {"select", 1, 0, OPT_SELECT},
                                        {"scheme", 1, 0, OPT_SCHEME},
                                        {"limits", 1, 0, OPT_LIMITS},
                                        {"noise", 1, 0, OPT_NOISE},
                                        {"no-ordering", 0, 0, OPT_NO_ORDERING},
                                        {"next-obs", 0, 0, OPT_NEXT_OBS},
                                        {"gzip", 1, 0, OPT_GZIP},
                                        {"resume", 0, 0, OPT_RESUME},
                                        {"overwrite", 0, 0, OPT_OVERWRITE},
                                        {"assets", 1, 0, OPT_ASSETS},
                                        {"report", 1, 0, OPT_REPORT},
                                        {"json", 0, 0, OPT_JSON},
                                        {"help", 0, 0, 'h'},
                                        {0, 0, 0, 0}};

static bool number_option(generateArgs* a, int c, const char* text) {
  int64_t value = 0;
  loomGenerateDef* d = &a->def;
  switch (c) {
    case 'n':
      return tool_int(&d->successes, "generate", "--successes", text, 1, INT32_MAX);
    case OPT_ATTEMPTS:
      return tool_int(&d->attempts, "generate", "--attempts", text, 1, INT32_MAX);
    case OPT_MAX_FAILURES:
      return tool_int(&d->max_failures, "generate", "--max-failures", text, 1, INT32_MAX);
    case OPT_TIME:
      return tool_double(&d->seconds, "generate", "--time", text, 0.001, 1e9);
    case OPT_NOISE:
      return tool_double(&d->attempt.noise_scale, "generate", "--noise", text, 0, 1000);
    case 's':
      if (!tool_int(&value, "generate", "--seed", text, 0, INT64_MAX)) return false;
      d->attempt.seed = (uint64_t)value;
      return true;
    case 't':
      if (!tool_int(&value, "generate", "--threads", text, 1, 1024)) return false;
      d->threads = (int)value;
      return true;
    default:
      if (!tool_int(&value, "generate", "--gzip", text, 0, 9)) return false;
      d->write.gzip = (int)value;
      return true;
  }
}

static int parse(generateArgs* a, int argc, char** argv) {
  loomError err = {0, ""};
  optind = 1;
  for (int c; (c = getopt_long(argc, argv, "n:o:s:t:h", options, NULL)) != -1;) {
    switch (c) {
      case 'o':
        a->def.out = optarg;
        break;
      case OPT_FAILED:
        a->def.failed = optarg;
        break;
      case OPT_SOURCE:
        a->source = optarg;
        break;
      case OPT_SEGMENTS:
        a->segments = optarg;
        break;
      case OPT_RESET:
        a->reset = optarg;
        break;
      case OPT_SCHEME:
        a->scheme = optarg;
        break;
      case OPT_LIMITS:
        a->limits = optarg;
        break;
      case OPT_SELECT:
        a->select = optarg;
        break;
      case OPT_NO_ORDERING:
        a->def.attempt.no_ordering = true;
        break;
      case OPT_RESUME:
        a->def.resume = true;
        break;
      case OPT_OVERWRITE:
        a->def.overwrite = true;
        break;
      case OPT_NEXT_OBS:
        a->def.next_obs = true;
        break;
      case OPT_REPORT:
        a->report = optarg;
        break;
      case OPT_JSON:
        a->json = true;
        break;
      case OPT_ASSETS:
        if (loom_asset_roots_add_option(&a->roots, optarg, &err)) return tool_fail(&err);
        break;
      case 'h':
        fputs(help, stdout);
        return -1;
      case '?':
        return EXIT_USAGE;
      default:
        if (!number_option(a, c, optarg)) return EXIT_USAGE;
    }
  }
  if (optind + 1 != argc) return tool_usage("generate", "it takes one task");
  a->task = argv[optind];
  if (a->def.failed && !a->def.out) return tool_usage("generate", "--failed needs -o");
  if (!a->def.successes && !a->def.attempts && !(a->def.seconds > 0)) a->def.successes = 100;
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
    char* text = cJSON_Print(root);
    puts(text ? text : "{}");
    cJSON_free(text);
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
  int code = parse(&a, argc, argv);
  if (code) return code < 0 ? EXIT_DONE : code;
  code = tool_task(&task, a.task, &err);
  if (!code) code = apply_choices(&a, task, &err);
  if (!code) code = tool_assets(&a.roots, task, &err);
  if (!code && !a.source) code = tool_source_path(path, task, &a.roots, &err);
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
    if (a.report && !tool_is_file(a.report)) {
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
