// demoloom distill: a policy teaches another one that sees otherwise; or a recording without states teaches
// one whose successes have them.
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/hash.h"
#include "engine/base/statistics.h"
#include "policies/learn/bc.h"
#include "tools/command/distill.h"
#include "tools/shared/commands.h"
#include "tools/shared/damage.h"
#include "tools/shared/data_share.h"
#include "tools/shared/options.h"
#include "tools/shared/outputs.h"
#include "tools/shared/tested.h"

static const toolOption options[] = {
    TOOL_OPTION_AS("task", 't', "TASK", distillArgs, STRING, task,
                   .about = "where all of it happens; what the teacher's rollouts were of unless given"),
    TOOL_OPTION_AS("inverse", 0, "FILE.hdf5", distillArgs, STRING, inverse,
                   .about =
                       "no teacher: a policy is trained on this recording of observations and actions, runs "
                       "in the task's scene, and its successes are kept, with state"),
    TOOL_OPTION_AS("output", 'o', "DIR", distillArgs, STRING, folder, .about = "where all goes"),
    TOOL_OPTION_AS("demos", 'n', "N", distillArgs, INT64, demos, .low = 1, .high = 1 << 24,
                   .about = "successes of the teacher that the student learns from; with --inverse, to keep"),
    TOOL_OPTION_AS("episodes", 0, "N", distillArgs, INT64, episodes, .high = 1 << 24,
                   .about = "at most, to get these; 20 for each unless given"),
    TOOL_OPTION_AS(
        "rounds", 0, "N", distillArgs, INT64, rounds, .high = LOOM_DATA_FILES / 2,
        .about = "of DAgger after that: the student acts, the teacher says what it would have done, and "
                 "the student is trained anew"),
    TOOL_OPTION_AS("round-episodes", 0, "N", distillArgs, INT64, round_episodes, .low = 1, .high = 1 << 20,
                   .about = "of each"),
    TOOL_OPTION_AS("eval", 0, "N", distillArgs, INT64, evaluations, .high = 1 << 20, .unit = "episodes",
                   .about = "of teacher and student in the end, from the same fresh starts; 0 = none"),
    TOOL_OPTION_AS("reset", 0, "NAME", distillArgs, STRING, reset,
                   .about = "reset distribution; the teacher's own unless given"),
    TOOL_DISTURB_OPTION(distillArgs, disturb),
    TOOL_OPTION_AS("max-steps", 0, "N", distillArgs, INT64, max_steps, .low = 1, .high = 1 << 20,
                   .about = "control steps of an episode; the task's unless given"),
    TOOL_HEADING_LINE("the student"),
    TOOL_OPTION_AS("config", 'c', "FILE", distillArgs, STRING, config,
                   .about = "its settings as `train` has them; datasets that it names do not count"),
    TOOL_OPTION_AS("policy", 'p', "KIND", distillArgs, CHOICE, policy, .choices = loom_policy_kind_names,
                   .about = "kind, where no --config says it"),
    TOOL_LIST("key", 'k', "NAME", distillArgs, key, nkey, .unit = "keys",
              .about = "observation; several times. As `train` chooses them unless given; CAMERA_image and "
                       "pointcloud are drawn"),
    TOOL_LIST("data", 'd', "FILE[=SHARE]", distillArgs, data, ndata, .unit = "files",
              .about = "dataset to learn from too, and its share of each batch, below 1 with all others'; "
                       "several times"),
    TOOL_HEADING_LINE("what it sees instead of the objects' poses"),
    TOOL_LIST("camera", 0, "NAME", distillArgs, camera, ncamera, .unit = "cameras",
              .about = "that camera's picture; several times"),
    TOOL_OPTION_AS("cloud", 0, "N", distillArgs, INT, cloud, .high = LOOM_CLOUD_POINTS,
                   .about = "a point cloud of so many points"),
    TOOL_LIST("cloud-camera", 0, "NAME", distillArgs, cloud_camera, ncloud_camera, .unit = "cameras",
              .about = "that it is seen from; as `render` unless given"),
    TOOL_SIZE_OPTION("size", distillArgs, width, height, .low = 16, .high = 4096,
                     .about = "pixels of a picture, 84x84 unless given"),
    TOOL_SIZE_OPTION("rays", distillArgs, rays_width, rays_height, .low = 1, .high = LOOM_CLOUD_RAYS,
                     .about = "of each of the clouds' cameras"),
    TOOL_HEADING_LINE("how"),
    TOOL_OPTION_AS("seed", 's', "S", distillArgs, INT64, seed, .high = INT32_MAX / 2,
                   .about = "of all that is random"),
    TOOL_THREADS_OPTION(distillArgs, INT64, threads),
    TOOL_OPTION_AS("resume", 0, NULL, distillArgs, BOOL, resume,
                   .about = "go on with a run that was stopped"),
    TOOL_OVERWRITE_OPTION(distillArgs, overwrite),
    TOOL_OPTION_AS("json", 0, NULL, distillArgs, BOOL, json,
                   .about = "the result as one line of JSON on stdout"),
    TOOL_SKIP_DAMAGED_OPTION,
    TOOL_ASSETS_OPTION(0, distillArgs, roots),
    TOOL_GPU_OPTION,
};

static const toolCommand command = {
    .before =
        "usage: demoloom distill TEACHER.safetensors -o DIR [options]\n"
        "       demoloom distill --inverse FILE.hdf5 --task TASK -o DIR [options]\n"
        "\n"
        "A teacher, any trained policy, finetuned ones too, acts until it has succeeded often enough; its\n"
        "successes are drawn as the student is to see them, and the student learns from them, an ordinary "
        "policy that\n"
        "`export` writes as ONNX. In the end both meet the same fresh starts. With --inverse a recording "
        "teaches, of\n"
        "which no states are known, and what comes of it are demos that have them.\n"
        "Into the folder go student.safetensors, demos.hdf5 (the teacher's successes; with --inverse the "
        "student's), seen.hdf5\n"
        "(these with pictures and point clouds), student/ or dagger/ (the training) and settings.yaml. "
        "Ctrl-C "
        "keeps what is\n"
        "done; --resume goes on, bit for bit.\n",
    .after =
        "examples:\n"
        "  demoloom distill runs/finetuned/best.safetensors --cloud 512 -n 200 -o runs/student\n"
        "  demoloom distill runs/finetuned/best.safetensors --camera front -d real.hdf5=0.5 -o runs/both\n"
        "  demoloom distill runs/finetuned/best.safetensors -p bc_gmm --rounds 5 -o runs/dagger\n"
        "  demoloom export runs/student/student.safetensors -o student.onnx\n"
        "  demoloom distill --inverse clouds.hdf5 --task threading -n 20 -o runs/inverse\n"
        "  demoloom generate threading --source runs/inverse/demos.hdf5 -n 1000 -o threading.hdf5\n",
    TOOL_OPTIONS(options),
};

static int read_distill_options(distillArgs* a, int argc, char** argv) {
  int code = tool_options(a, argc, argv, &command);
  if (code) return code;

  if (optind < argc) a->teacher = argv[optind++];
  if (optind < argc) return tool_usage("distill", "it takes one teacher");
  if (!a->teacher == !a->inverse)
    return tool_usage("distill", "who teaches? One policy, or --inverse with a recording");
  if (!a->folder) return tool_usage("distill", "it takes -o, the folder where all goes");
  if (strlen(a->folder) >= LOOM_PATH_MAX - 64) return tool_usage("distill", "-o: a path that is too long");
  if (a->inverse && !a->task)
    return tool_usage("distill", "--inverse takes --task, whose scene it is tried in");
  if (a->inverse && (a->ncamera || a->cloud || a->rounds))
    return tool_usage("distill",
                      "--camera, --cloud and --rounds go with a teacher: a recording has been seen already");
  if (a->disturb && a->rounds)
    return tool_usage("distill", "--disturb does not go with --rounds, whose episodes nothing disturbs");
  if (a->ndata + 1 + a->rounds > LOOM_DATA_FILES)
    return tool_usage("distill", "at most %d datasets", LOOM_DATA_FILES - 1);
  if (!a->episodes) a->episodes = 20 * a->demos;

  // What is misspelled is told before anything is run.
  for (int i = 0; i < a->ndata; i++) {
    loomDataConfigFile file;
    code = tool_data_share(&file, "distill", a->data[i]);
    if (code) return code;
    if (a->rounds && file.weight > 0)
      return tool_usage("distill", "shares do not go with --rounds, whose rows all count alike");
  }
  return tool_one_of_both("distill", a->overwrite, a->resume);
}

// ---- the folder

static const char* const own[] = {
    DISTILL_SETTINGS,   "student.safetensors", "demos.hdf5",  "seen.hdf5",    "evaluation.csv",
    "rounds.csv",       "rounds.png",          "expert.csv",  "errors_*.csv", "round_*.safetensors",
    "best.safetensors", "collected_*.csv",     "final_*.csv", "round_*.hdf5", NULL};
static const char* const folders[] = {"episodes", "eval_teacher", "eval_student",     "student",
                                      "dagger",   "round_*",      "seen.hdf5.images", NULL};
static const char* const inner[] = {LOOM_TRAIN_FILES,      TOOL_TRIES_FILES,
                                    DISTILL_SETTINGS,      "rounds.csv",
                                    "rounds.png",          "expert.csv",
                                    "errors_*.csv",        "round_*.hdf5*",
                                    "round_*.safetensors", "best.safetensors",
                                    "collected_*.csv",     "final_*.csv",
                                    "demo-*.hdf5",         NULL};

// What a file holds, so that nobody goes on with another.
static int put_content(FILE* out, const char* path, loomError* err) {
  uint64_t hash = LOOM_HASH_SEED;
  int code = path ? loom_hash_file(&hash, path, err) : 0;
  if (path && !code) fprintf(out, "content: %s  # %016llx\n", path, (unsigned long long)hash);
  return code;
}

static int put_settings(FILE* f, const distillRun* run, loomError* err) {
  const distillArgs* a = run->args;
  int code = put_content(f, a->teacher, err);
  if (!code) code = put_content(f, a->inverse, err);
  for (int i = 0; !code && i < a->ndata; i++) {
    loomDataConfigFile file;
    if (tool_data_share(&file, "distill", a->data[i])) return LOOM_ERR_USAGE;
    fprintf(f, "data: %s\n", a->data[i]);
    code = put_content(f, file.path, err);
  }
  if (code) return code;

  // What is tried, and where.
  fprintf(f, "task: %s  # %016llx\nreset: %s\n", run->task->name, (unsigned long long)run->task->digest,
          run->task->resets[run->reset].name);
  if (run->disturb)
    fprintf(f, "disturb: %s  # %016llx\n", run->disturb->name, (unsigned long long)run->disturb->digest);
  fprintf(f, "demos: %lld\nepisodes: %lld\nrounds: %lld\nround_episodes: %lld\n", (long long)a->demos,
          (long long)a->episodes, (long long)a->rounds, (long long)a->round_episodes);
  fprintf(f, "evaluations: %lld\nmax_steps: %lld\nseed: %lld\n", (long long)a->evaluations,
          (long long)a->max_steps, (long long)a->seed);

  // What is seen.
  for (int i = 0; i < a->ncamera; i++) fprintf(f, "camera: %s\n", a->camera[i]);
  for (int i = 0; i < a->ncloud_camera; i++) fprintf(f, "cloud_camera: %s\n", a->cloud_camera[i]);
  fprintf(f, "cloud: %d\nsize: %dx%d\nrays: %dx%d\n", a->cloud, a->width, a->height, a->rays_width,
          a->rays_height);
  return 0;
}

// ---- its parts

static int teach(distillRun* run, loomError* err) {
  static const char* const names[2] = {"teacher", "student"};
  char demos[DISTILL_PATH], seen[DISTILL_PATH], path[DISTILL_PATH];
  loomTrained student = {0};
  distill_path(demos, run->args, "demos.hdf5");
  distill_path(seen, run->args, "seen.hdf5");
  distill_path(path, run->args, "student.safetensors");

  // What the teacher does, as the student sees it.
  bool eyes = run->args->ncamera || run->args->cloud || distill_has_eyes(run->config);
  int code = distill_collect(run, &run->teacher, "the teacher", err);
  if (!code) code = distill_use_data(run->config, run->args, demos, err);
  if (!code && eyes) code = distill_draw(seen, demos, run, err);
  if (!code && eyes) snprintf(run->config->data.file[0].path, LOOM_PATH_MAX, "%.*s", LOOM_PATH_MAX - 1, seen);
  if (!code) code = distill_train(run, err);

  // Both from the same starts.
  if (!code) code = loom_trained_load(&student, path, err);
  if (!code) code = distill_measure(&run->eval_teacher, run, &run->teacher, "eval_teacher", err);
  if (!code) code = distill_measure(&run->eval_student, run, &student, "eval_student", err);
  if (!code && run->args->evaluations)
    code = distill_write_evaluation(run, names, &run->eval_teacher, &run->eval_student, err);
  loom_trained_destroy(&student);
  return code;
}

static int invert(distillRun* run, loomError* err) {
  char path[DISTILL_PATH];
  loomTrained student = {0};
  distill_path(path, run->args, "student.safetensors");

  int code = distill_use_data(run->config, run->args, run->args->inverse, err);
  if (!code) code = distill_train(run, err);
  if (!code) code = loom_trained_load(&student, path, err);
  if (!code) code = distill_collect(run, &student, "the student", err);
  loom_trained_destroy(&student);
  return code;
}

static int open_run(distillRun* run, distillArgs* a, loomError* err) {
  int code = a->teacher ? loom_trained_load(&run->teacher, a->teacher, err) : 0;
  if (!code) code = distill_find_task(run, a->teacher, a->task, a->reset, err);
  if (!code) code = distill_check_data(a, err);

  // What the student is, before the scene takes its time.
  if (!code) code = distill_configure(run->config, a, run->task, err);
  if (!code) code = tool_assets(&a->roots, run->task, err);
  if (!code && a->disturb) code = loom_disturb_find(&run->disturb, run->task, a->disturb, err);
  if (!code) code = loom_scene_of_task(&run->scene, run->task, &a->roots, err);
  if (!code && run->disturb) code = loom_disturb_check(run->disturb, run->scene, err);
  return code || !a->teacher ? code : distill_try_teacher(run, err);
}

// ---- results

static void print_json(const distillRun* run) {
  const distillArgs* a = run->args;
  char path[DISTILL_PATH];
  cJSON* out = cJSON_CreateObject();
  const toolTries* student = a->inverse ? &run->demos : &run->eval_student;
  if (run->eval_teacher.all.n) tool_add_tested(out, "teacher", &run->eval_teacher.all);
  if (student->all.n) tool_add_tested(out, "student", &student->all);

  cJSON* demos = cJSON_AddObjectToObject(out, "demos");
  distill_path(path, a, "demos.hdf5");
  cJSON_AddStringToObject(demos, "file", path);
  cJSON_AddNumberToObject(demos, "n", (double)run->demos.all.successes);
  cJSON_AddNumberToObject(demos, "episodes", (double)run->demos.all.n);
  cJSON_AddNumberToObject(demos, "steps", (double)run->demos.all.steps);
  cJSON_AddStringToObject(out, "task", run->task->name);
  distill_path(path, a, "student.safetensors");
  cJSON_AddStringToObject(out, "policy", path);

  char* text = cJSON_PrintUnformatted(out);
  puts(text ? text : "{}");
  cJSON_free(text);
  cJSON_Delete(out);
}

static void print_rate(const char* who, const loomTested* t) {
  double low, high;
  loom_wilson(&low, &high, t->successes, t->n);
  printf("%s: %lld of %lld succeed: %.1f %% (95 %% interval %.1f to %.1f), %lld within the task's limits",
         who, (long long)t->successes, (long long)t->n, 100.0 * (double)t->successes / (double)t->n,
         100 * low, 100 * high, (long long)t->within);
  if (t->moved) printf(", mean squared jerk %.4g m^2/s^6", loom_tested_jerk(t));
  putchar('\n');
}

static void print_text(const distillRun* run) {
  const loomTested *x = &run->eval_teacher.all, *y = &run->eval_student.all;
  if (run->args->inverse) print_rate("the student", &run->demos.all);
  if (x->n) print_rate("the teacher", x);
  if (y->n) print_rate("the student", y);
  if (x->n && x->successes)
    printf("the student has %.0f %% of the teacher's rate\n",
           100.0 * (double)y->successes / (double)x->successes);
  printf("%lld demos with state\nwrote %s\n", (long long)run->demos.all.successes, run->args->folder);
}

int cmd_distill(int argc, char** argv) {
  distillArgs a = {
      .policy = LOOM_KIND_DIFFUSION_MLP, .demos = 100, .round_episodes = 20, .evaluations = 200, .seed = 1};
  loomError err = {0, ""};
  distillRun run = {.args = &a};
  int code = read_distill_options(&a, argc, argv);
  if (code) return code < 0 ? EXIT_DONE : code;

  // First whether it may be written there.
  const char* const input[3] = {a.teacher ? a.teacher : a.inverse, a.config, a.disturb};
  const distillFolder folder = {.own = own,
                                .folders = folders,
                                .inner = inner,
                                .ninput = 3,
                                .input = input,
                                .alternative = "take another folder",
                                .put = put_settings};
  loomRunFolderDef def = distill_folder_def(&a, &folder);
  run.config = calloc(1, sizeof *run.config);
  code = run.config ? loom_run_folder_check(&def, &err) : loom_error_set(&err, LOOM_ERR_MEMORY, "no memory");
  if (!code) code = loom_folder_check_place(a.folder, 0, &err);
  if (!code) code = open_run(&run, &a, &err);
  tool_catch_signals();
  tool_draw_side_by_side();
  if (!code) code = distill_open_folder(&run, &folder, &err);
  if (!code) code = a.inverse ? invert(&run, &err) : teach(&run, &err);
  if (!code && a.json) print_json(&run);
  if (!code && !a.json) print_text(&run);

  if (code) tool_go_on(&err, code, a.folder, DISTILL_SETTINGS);
  int status = code ? tool_fail(&err) : EXIT_DONE;
  distill_close(&run);
  loom_asset_roots_destroy(&a.roots);
  return status;
}
