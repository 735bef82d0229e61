// demoloom relabel: actions for demos that have none, inferred from what their states or observations show.
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/run/record_demo.h"
#include "engine/task/agree.h"
#include "tools/command/relabel.h"
#include "tools/shared/commands.h"
#include "tools/shared/common.h"
#include "tools/shared/damage.h"
#include "tools/shared/options.h"
#include "tools/shared/outputs.h"

static const toolOption options[] = {
    TOOL_OPTION_AS("task", 't', "TASK", relabelArgs, STRING, task, .about = "task that the demos are of"),
    TOOL_OPTION_AS("output", 'o', "FILE.hdf5", relabelArgs, STRING, out,
                   .about = "the dataset with inferred actions; without it only errors are told"),
    TOOL_OPTION_AS("method", 'm', "NAME", relabelArgs, CHOICE, method, .choices = relabel_methods,
                   .about = "inverse: a model of each arm, learned from self-play in the task's simulator "
                            "(BCO(0)); differences: the command that would take hand and fingers from a row "
                            "to the next, were it obeyed at once"),
    TOOL_OPTION(0, "NAME", relabelArgs, CHOICE, play, .choices = loom_self_play_names,
                .about = "self-play. chase: hands go after those of a demo, from its first state where there "
                         "are states, pushed off their ways; wander: to goals around where they began"),
    TOOL_OPTION(0, "N", relabelArgs, INT64, steps, .low = 256, .high = 1 << 24,
                .about = "control steps of self-play"),
    TOOL_OPTION(0, "N", relabelArgs, INT64, length, .low = 8, .high = 1 << 20,
                .about = "control steps of an episode of it; those that chase are as long as their demo"),
    TOOL_OPTION_AS("reset", 0, "NAME", relabelArgs, STRING, reset,
                   .about =
                       "reset distribution, where episodes do not begin as a demo; the task's first unless "
                       "given"),
    TOOL_OPTION_AS("hidden", 0, "A,B,...", relabelArgs, SIZES, model.hidden, .low = 1, .high = 4096,
                   .about = "units of the model's hidden layers"),
    TOOL_OPTION_AS("fit-steps", 0, "N", relabelArgs, INT, model.steps, .low = 1, .high = 1 << 24,
                   .about = "steps of its training"),
    TOOL_OPTION_AS("batch", 0, "N", relabelArgs, INT, model.batch, .low = 1, .high = 1 << 16,
                   .about = "rows of a step"),
    TOOL_OPTION_AS("rate", 0, "R", relabelArgs, REAL, model.rate, .least = 1e-12, .most = 10,
                   .about = "of learning (to 0, as a cosine)"),
    TOOL_OPTION(
        0, "A", relabelArgs, REAL, alpha, .least = 0, .most = 100,
        .about = "BCO(alpha): a policy trained on the inferred actions acts for so many times --steps, from "
                 "which the models learn as well, round after round, until it succeeds no more often; "
                 "needs --folder. 0: BCO(0)"),
    TOOL_OPTION_AS("folder", 0, "DIR", relabelArgs, STRING, folder,
                   .about = "alpha: where rounds go: round_N.hdf5, and the training of its policy, round_N"),
    TOOL_OPTION_AS(
        "config", 0, "FILE", relabelArgs, STRING, config,
        .about =
            "alpha: how policies are trained (YAML, as `demoloom train` takes), but for data and folder"),
    TOOL_OPTION(0, "N", relabelArgs, INT64, rounds, .low = 1, .high = RELABEL_ROUNDS - 1,
                .about = "alpha: of learning anew, at most"),
    TOOL_OPTION(0, "N", relabelArgs, INT64, tries, .low = 1, .high = 1 << 20, .unit = "episodes",
                .about = "alpha: from the same starts, by which policies are compared"),
    TOOL_OPTION(0, NULL, relabelArgs, BOOL, resume, .about = "alpha: go on with what is in the folder"),
    TOOL_OPTION_AS("seed", 's', "S", relabelArgs, INT64, seed, .high = INT32_MAX / 2,
                   .about = "of all that is random"),
    TOOL_THREADS_OPTION(relabelArgs, INT64, threads),
    TOOL_SKIP_DAMAGED_OPTION,
    TOOL_ASSETS_OPTION('a', relabelArgs, roots),
    TOOL_OVERWRITE_OPTION(relabelArgs, overwrite),
    TOOL_OPTION(0, NULL, relabelArgs, BOOL, json, .about = "counts and errors on stdout"),
};

static const toolCommand command = {
    .before =
        "usage: demoloom relabel IN.hdf5 --task TASK -o OUT.hdf5 [options]\n"
        "\n"
        "Gives demos without actions some that would have moved the arms as they moved, by an inverse "
        "dynamics "
        "model learned\n"
        "from self-play (Torabi, Warnell and Stone, \"Behavioral cloning from observation\", 2018). What is "
        "looked at are\n"
        "states, or else observations of joints and grippers. Actions that the demos have are never learned "
        "from, only\n"
        "compared with: as shares of the range that each number has in them. OUT is IN with these actions "
        "and "
        "the targets\n"
        "that follow from them, and says so (attributes loom_relabel_*).\n"
        "With --alpha it goes on: a policy learns from these actions and acts, the models learn from what "
        "came of that, "
        "infer\n"
        "anew, and so on until a policy succeeds no more often than the best before it (BCO(alpha)). After "
        "Ctrl-C "
        "--resume\n"
        "comes to the same.\n",
    .after =
        "examples:\n"
        "  demoloom relabel watched.hdf5 --task handover -o relabeled.hdf5 --json\n"
        "  demoloom relabel watched.hdf5 --task handover --method differences -o differences.hdf5\n"
        "  demoloom relabel watched.hdf5 --task handover --alpha 0.2 --folder runs/alpha -o relabeled.hdf5\n"
        "  demoloom train --data relabeled.hdf5 -p diffusion_mlp -o runs/watched\n",
    TOOL_OPTIONS(options),
};

static int read_relabel_options(relabelArgs* a, int argc, char** argv) {
  int code = tool_options(a, argc, argv, &command);

  if (code) return code;
  if (optind + 1 != argc) return tool_usage("relabel", "it takes one dataset");
  a->in = argv[optind];
  if (!a->task) return tool_usage("relabel", "it takes --task, which the demos are of");
  if (!a->out && a->overwrite && !a->folder) return tool_usage("relabel", "--overwrite needs -o");
  if (a->alpha > 0 && !a->folder) return tool_usage("relabel", "--alpha needs --folder, where its rounds go");
  if (a->alpha > 0 && a->method != RELABEL_INVERSE)
    return tool_usage("relabel", "--alpha is for --method inverse");
  if (!(a->alpha > 0) && (a->folder || a->config || a->resume))
    return tool_usage("relabel", "--folder, --config and --resume are for --alpha");
  int both = tool_one_of_both("relabel", a->overwrite && !a->out, a->resume);
  if (both) return both;
  if (a->model.hidden.n >= LOOM_MLP_LAYERS)
    return tool_usage("relabel", "--hidden: at most %d layers", LOOM_MLP_LAYERS - 1);
  return 0;
}

// ---- opening

// The scene is that of the demos' own model where they bring it: states are its.
static int open_scene(relabeling* r, loomAssetRoots* roots, loomError* err) {
  char label[LOOM_PATH_MAX], *xml = NULL, *env_args = NULL;
  const char* object = loom_dataset_demo_path(r->dataset, 0);
  loomControllerDef control[LOOM_MAX_ARMS];
  int code = tool_assets(roots, r->task, err);
  if (!code && loom_dataset_has_env_args(r->dataset))
    code = loom_dataset_env_args(&env_args, r->dataset, err);

  if (!code && loom_dataset_has_attr(r->dataset, object, "model_file")) {
    snprintf(label, sizeof label, "%.900s:%.100s", loom_dataset_path(r->dataset), object);
    code = loom_dataset_attr_string(&xml, r->dataset, object, "model_file", err);
    if (!code) code = loom_scene_create(&r->scene, r->task, xml, label, env_args, roots, err);
  } else if (!code) {
    code = loom_scene_of_task(&r->scene, r->task, roots, err);
    if (!code && env_args)
      code = loom_task_agrees(control, r->task, env_args, loom_dataset_path(r->dataset), err);
  }
  free(xml);
  free(env_args);

  // Whose demos do not go with the task.
  const char* path = loom_dataset_path(r->dataset);
  bool named = !err || !strncmp(err->message, path, strlen(path));
  return code && !named ? loom_error_prefix(err, code, "%s", path) : code;
}

static int open_relabeling(relabeling* r, loomAssetRoots* roots, loomError* err) {
  const relabelArgs* a = r->a;
  int code = tool_open(&r->task, &r->dataset, roots, a->in, a->task, false, err);
  if (!code) code = tool_outputs_check(&r->outputs, loom_dataset_path(r->dataset), err);
  if (code) return code;

  r->n = loom_dataset_demo_count(r->dataset);
  if (!r->n) return loom_error_set(err, LOOM_ERR_FORMAT, "%s: no demos", a->in);
  r->reset = a->reset ? loom_task_find_reset(r->task, a->reset) : 0;
  if (r->reset < 0)
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: no reset distribution '%s'", r->task->path, a->reset);

  r->demo = calloc((size_t)r->n, sizeof *r->demo);
  if (!r->demo) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for %d demos", r->n);
  code = open_scene(r, roots, err);
  if (!code) code = loom_episode_create(&r->episode, r->scene, err);
  return code ? code : loom_motion_bind(&r->layout, r->episode, err);
}

static int read_demos(relabeling* r, loomError* err) {
  int code = 0;

  for (int i = 0; !code && i < r->n && !tool_stop; i++) {
    code = relabel_read(&r->demo[i], r->dataset, i, &r->layout, r->episode, err);
    r->rows += r->demo[i].rows;
    tool_progress("read", i + 1, r->n, loom_clock() - r->start, "demos");
  }
  tool_progress_end();
  return !code && tool_stop ? relabel_stopped(r, err) : code;
}

// ---- told

static void print_json(const relabeling* r) {
  const relabelArgs* a = r->a;
  cJSON* out = cJSON_CreateObject();

  if (a->out) cJSON_AddStringToObject(out, "file", a->out);
  cJSON_AddStringToObject(out, "task", r->task->name);
  cJSON_AddStringToObject(out, "method", relabel_methods[a->method]);
  cJSON_AddNumberToObject(out, "demos", r->n);
  cJSON_AddNumberToObject(out, "rows", (double)r->rows);
  cJSON_AddNumberToObject(out, "steps", (double)r->play.steps);
  if (a->method == RELABEL_INVERSE) {
    cJSON_AddStringToObject(out, "play", loom_self_play_names[a->play]);
    cJSON_AddNumberToObject(out, "seed", (double)a->seed);
    cJSON_AddNumberToObject(out, "play_cpu", r->play_seconds);
    cJSON_AddNumberToObject(out, "fit_cpu", r->fit_seconds);
  }
  if (a->alpha > 0) {
    cJSON_AddNumberToObject(out, "alpha", a->alpha);
    cJSON_AddNumberToObject(out, "round", r->best);
    cJSON_AddItemToObject(out, "success", cJSON_CreateDoubleArray(r->rate, r->round + 1));
  }
  if (r->errors.known) relabel_errors_json(out, &r->errors);
  tool_print_report_line(out);
  cJSON_Delete(out);
}

static void print_relabeled(const relabeling* r) {
  if (r->a->json) {
    print_json(r);
    return;
  }
  printf("%d demos, %lld rows, by %s\n", r->n, (long long)r->rows, relabel_methods[r->a->method]);
  if (r->a->method == RELABEL_INVERSE)
    printf("%lld control steps of self-play, %.0f s of CPU time, and %.0f s to learn from them\n",
           (long long)r->play.steps, r->play_seconds, r->fit_seconds);
  for (int k = 0; r->a->alpha > 0 && k <= r->round; k++)
    printf("round %d: %.0f %% of %lld episodes succeed%s\n", k, 100 * r->rate[k], (long long)r->a->tries,
           k == r->best ? "; its actions are kept" : "");
  if (r->errors.known) relabel_errors_print(&r->errors);

  if (r->a->out) printf("wrote %s\n", r->a->out);
  tool_print_left_out();
}

static void close_relabeling(relabeling* r, loomAssetRoots* roots) {
  for (int i = 0; r->demo && i < r->n; i++) relabel_demo_destroy(&r->demo[i]);
  free(r->demo);
  loom_self_play_destroy(&r->play);
  loom_dynamics_arms_destroy(&r->models);
  tool_outputs_close(&r->outputs);
  loom_run_folder_close(&r->folder);
  loom_episode_destroy(r->episode);
  loom_scene_destroy(r->scene);
  loom_dataset_close(r->dataset);
  loom_task_destroy(r->task);
  loom_asset_roots_destroy(roots);
}

int cmd_relabel(int argc, char** argv) {
  relabelArgs a = {.steps = 50000,
                   .length = 200,
                   .seed = 1,
                   .rounds = 5,
                   .tries = 20,
                   .model = loom_default_dynamics_def()};
  relabeling r = {.a = &a};
  loomError err = {0, ""};
  int code = read_relabel_options(&a, argc, argv);
  if (code) return code < 0 ? EXIT_DONE : code;

  tool_catch_signals();
  r.start = loom_clock();
  const char* inputs[] = {a.in, a.task};
  code = tool_output(&r.outputs, a.out, tool_output_mode(a.overwrite), inputs, 2, &err);
  if (!code) code = open_relabeling(&r, &a.roots, &err);
  if (!code) code = read_demos(&r, &err);
  if (!code) code = (a.alpha > 0 ? relabel_alpha : relabel_infer)(&r, &err);
  if (!code && a.out) code = relabel_write(&r, a.out, &err);

  if (!code) print_relabeled(&r);
  int status = code ? tool_fail(&err) : EXIT_DONE;
  close_relabeling(&r, &a.roots);
  return status;
}
