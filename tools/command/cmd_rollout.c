// demoloom rollout: a trained policy in closed loop, and how often it succeeds.
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/version.h"
#include "engine/draw/gl.h"
#include "engine/draw/libav.h"
#include "generators/run/record.h"
#include "policies/agent/trained.h"
#include "tools/command/rollout.h"
#include "tools/command/rollout_control.h"
#include "tools/command/rollout_widen.h"
#include "tools/shared/commands.h"
#include "tools/shared/common.h"
#include "tools/shared/damage.h"
#include "tools/shared/options.h"

static const char all_episodes[] = "episodes.hdf5";

static const toolOption options[] = {
    TOOL_OPTION_AS("task", 't', "TASK", rolloutArgs, STRING, task,
                   .about = "what the policy's rollouts were of unless given"),
    TOOL_OPTION_AS("reset", 0, "NAME", rolloutArgs, STRING, reset,
                   .about = "reset distribution; the task's first unless given"),
    TOOL_OPTION_AS("episodes", 'n', "N", rolloutArgs, INT64, n, .low = 1, .high = 1 << 24,
                   .about = "episodes of each policy; with --widen, at each end of a range"),
    TOOL_DISTURB_OPTION(rolloutArgs, disturb),
    TOOL_OPTION_AS(
        "widen", 0, "SHARE", rolloutArgs, REAL, widen, .least = 0.01, .most = 1,
        .about = "move the ends of all ranges of --disturb that have `limits`, step by step, as far out "
                 "as this share of episodes succeeds there, and print the ranges"),
    TOOL_OPTION_AS("seed", 's', "S", rolloutArgs, INT64, seed, .high = INT64_MAX, .about = "of the starts"),
    TOOL_OPTION_AS("first", 0, "I", rolloutArgs, INT64, first, .high = INT64_MAX / 2,
                   .about = "number of the first episode"),
    TOOL_OPTION_AS("max-steps", 0, "N", rolloutArgs, INT64, max_steps, .low = 1, .high = 1 << 20,
                   .about = "control steps of an episode; the task's unless given"),
    TOOL_THREADS_OPTION(rolloutArgs, INT64, threads),
    TOOL_OPTION_AS("output", 'o', "FILE.hdf5", rolloutArgs, STRING, out,
                   .about = "the episodes as demos, those that fail too (look at them with view and render)"),
    TOOL_OPTION_AS("results", 0, "FILE.json", rolloutArgs, STRING, results,
                   .about = "the results of all episodes, as --json has them but for times"),
    TOOL_OPTION_AS("video", 0, "FILE.mp4", rolloutArgs, STRING, video,
                   .about = "the episodes as MP4, one after the other"),
    TOOL_OPTION_AS("json", 0, NULL, rolloutArgs, BOOL, json, .about = "all episodes on stdout"),
    TOOL_OPTION_AS("likeliest", 0, NULL, rolloutArgs, BOOL, likeliest,
                   .about = "always the likeliest Gaussian's mean, as exported policies do; else one of "
                            "them, drawn by its share"),
    TOOL_SHARE_OPTION(rolloutArgs, sharing.given, "-o or --results"),
    TOOL_HEARTBEAT_OPTION(rolloutArgs, sharing.heartbeat),
    TOOL_SHARD_OPTION(rolloutArgs, sharing.part,
                      "run only every N-th episode, I = 1 .. N, for machines that share no folder: their "
                      "OUT.parts copied together, the same command with --share on makes OUT"),
    TOOL_OVERWRITE_OPTION(rolloutArgs, overwrite),
    TOOL_SKIP_DAMAGED_OPTION,
    TOOL_ASSETS_OPTION(0, rolloutArgs, roots),
    TOOL_GPU_OPTION,
};

static const toolCommand command = {
    .before =
        "usage: demoloom rollout POLICY.safetensors... [options]\n"
        "\n"
        "Lets a policy act in many episodes and counts its successes. Episode i starts as attempt i of the "
        "reset\n"
        "distribution does: the same for every policy, whatever the threads. Several policies give a table, "
        "and how\n"
        "often each succeeds where the first fails, and the other way round.\n"
        "\n"
        "Two figures: how many succeed, and how many of all succeed without a breach of the task's "
        "`limits:`, which\n"
        "attempts of `demoloom generate` must keep and rollouts are not ended by. And the mean squared jerk "
        "of "
        "the\n"
        "end effectors, m^2/s^6, by third differences of their positions at control steps.\n"
        "\n"
        "What was learned from scratch (finetune --scratch, gail) acts in its task: told are its returns by "
        "the\n"
        "task's own reward, and of robots what each of its terms gave in the last step (`last` of --json).\n",
    .after =
        "examples:\n"
        "  demoloom rollout runs/handover/best_success.safetensors --task handover -n 100 --seed 7\n"
        "  demoloom rollout runs/a/best_success.safetensors runs/b/best_success.safetensors -n 100 --seed 7\n"
        "  demoloom rollout runs/handover/last.safetensors -n 4 --video tried.mp4\n"
        "  demoloom rollout runs/handover/last.safetensors -n 20 -o tried.hdf5 && demoloom view tried.hdf5\n"
        "  demoloom rollout runs/handover/last.safetensors --disturb rough.yaml -n 100 --seed 7\n"
        "  demoloom rollout runs/handover/last.safetensors --disturb rough.yaml -n 1 --first 17 --seed 7 "
        "--video "
        "failed.mp4\n"
        "  demoloom rollout runs/handover/last.safetensors --disturb rough.yaml -n 20 --widen 0.7 "
        ">copes.yaml\n"
        "  demoloom rollout runs/hopper/best.safetensors -n 4 -o expert.hdf5\n"
        "  mpirun -n 4 demoloom rollout runs/handover/last.safetensors -n 1000 --results tried.json\n"
        "  demoloom rollout runs/handover/last.safetensors -n 1000 --share on -j 8 -o tried.hdf5    by as "
        "many as this is typed for\n",
    TOOL_OPTIONS(options),
};

// A video is drawn from demos: without -o these lie in a folder of the run's own for as long as that takes,
// so that no file is made or removed beside the video.
static void name_episodes(rolloutArgs* a) {
  const char* shared = a->sharing.on && !a->out ? a->results : NULL;
  if (shared) snprintf(a->folder, sizeof a->folder, "%.*s.parts", LOOM_PATH_MAX - 64, shared);
  if (!a->out && !a->video) return;
  snprintf(a->folder, sizeof a->folder, "%.*s.%s", LOOM_PATH_MAX - 64, a->out ? a->out : a->video,
           a->out ? "parts" : "episodes");
  if (a->out)
    snprintf(a->dataset, sizeof a->dataset, "%.*s", LOOM_PATH_MAX - 64, a->out);
  else
    snprintf(a->dataset, sizeof a->dataset, "%.*s/%s", LOOM_PATH_MAX - 40, a->folder, all_episodes);
}

// What does not go with several processes is refused, not ignored.
static int read_sharing(rolloutArgs* a) {
  int code = tool_sharing(&a->sharing, "rollout");
  if (code || !a->sharing.on) return code;

  const char* why = tool_sharing_why(&a->sharing);
  if (!a->out && !a->results) return tool_usage("rollout", "%s, it needs -o or --results", why);
  if (a->video)
    return tool_usage("rollout", "%s, it draws no --video: `demoloom render` draws one of -o", why);
  if (a->widen > 0) return tool_usage("rollout", "%s, it cannot --widen", why);
  if (a->overwrite)
    return tool_usage("rollout",
                      "%s, it cannot --overwrite: one that comes later would throw away what the others have "
                      "made; remove %s first",
                      why, a->out ? a->out : a->results);
  if (a->sharing.shards && a->json) return tool_usage("rollout", "--json: a part has no report of its own");
  a->threads = tool_sharing_threads(&a->sharing, a->threads);
  return 0;
}

static int read_rollout_options(rolloutArgs* a, int argc, char** argv) {
  int code = tool_options(a, argc, argv, &command);
  if (code) return code;

  a->policies = argc - optind;
  if (a->policies < 1 || a->policies > ROLLOUT_POLICIES)
    return tool_usage("rollout", "it takes one policy, or several up to %d", ROLLOUT_POLICIES);
  if (a->policies > 1 && (a->out || a->video))
    return tool_usage("rollout", "-o and --video are of one policy's episodes");
  if (a->widen > 0 && (!a->disturb || a->out || a->results || a->video))
    return tool_usage("rollout", a->disturb ? "--widen keeps no episodes" : "--widen needs --disturb");
  code = read_sharing(a);
  if (code) return code;

  for (int i = 0; i < a->policies; i++) a->policy[i] = argv[optind + i];

  name_episodes(a);
  return 0;
}

// ---- the episodes as demos: a file each, in the end one dataset in the order of their numbers

static void part_path(char out[LOOM_PATH_MAX], const rolloutArgs* a, uint64_t number) {
  snprintf(out, LOOM_PATH_MAX, "%.*s/%llu.hdf5", LOOM_PATH_MAX - 40, a->folder, (unsigned long long)number);
}

static int write_part(rolloutArgs* a, const loomRollout* rollout, loomTrace* trace, loomEpisode* episode) {
  char path[LOOM_PATH_MAX], draft[LOOM_PATH_MAX];
  loomWriteDef write = loom_default_write_def();
  loomDriven driven = {"rollout",
                       (int)rollout->number,
                       (uint64_t)a->seed,
                       rollout->number,
                       rollout->end == LOOM_RUN_SUCCESS,
                       episode->scene->env_args,
                       &a->roots};

  part_path(path, a, rollout->number);
  if (!a->share) return loom_record_driven(path, trace, episode, &driven, &write, NULL, &a->error);

  // Where other processes may write it too, each has a draft of its own; episodes are told one at a time.
  loom_share_draft(draft, a->share, 0, path);
  int code = loom_record_driven(draft, trace, episode, &driven, &write, NULL, &a->error);
  return code ? code : loom_share_put(draft, path, &a->error);
}

static int assemble_rollouts(const rolloutArgs* a, const loomScene* scene, const loomRolloutReport* report,
                             loomError* err) {
  loomSource* source = calloc((size_t)report->n + 1, sizeof *source);
  char(*path)[LOOM_PATH_MAX] = calloc((size_t)report->n + 1, sizeof *path);
  int n = 0;

  // Those whose simulation broke have no file.
  for (int i = 0; source && path && i < report->n; i++) {
    part_path(path[n], a, report->rollout[i].number);
    if (loom_is_file(path[n])) source[n] = (loomSource){path[n], NULL}, n++;
  }

  // The dataset says where it comes from.
  loomAttr attrs[6] = {loom_attr_string("env_args", scene->env_args),
                       loom_attr_string("loom_version", loom_version()),
                       loom_attr_string("loom_origin", "rollout"), loom_attr_int("loom_seed", a->seed)};

  // No mask of training and validation: these demos are to be looked at.
  loomAssembleDef def = loom_default_assemble_def();
  def.attr = attrs;
  def.nattr = 4;
  if (a->settings) def.nattr += loom_run_attrs(attrs + 4, a->settings, NULL);
  def.trusted = true;
  def.valid = 0;

  int code = source && path ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", a->dataset);
  if (!code && n) code = loom_dataset_assemble(a->dataset, source, n, &def, err);
  free(source);
  free(path);
  return code;
}

// So far, for the line on stderr.
static void count_episode(rolloutArgs* a, const loomRollout* rollout) {
  char note[64];
#pragma omp critical(rolled_out)
  {
    a->done++;
    a->won += rollout->end == LOOM_RUN_SUCCESS;
    snprintf(note, sizeof note, "episodes, %.0f %% succeed", 100.0 * a->won / a->done);
    if (tool_sharing_shows(&a->sharing))
      tool_progress("rolled out", a->done, a->n, loom_clock() - a->start, note);
  }
}

static char** drawn_of(const rolloutArgs* a, const loomRollout* rollout) {
  return a->drawn ? &a->drawn[rollout->number - (uint64_t)a->first] : NULL;
}

static int note_rollout(void* user, const loomRollout* rollout, loomTrace* trace, loomEpisode* episode) {
  rolloutArgs* a = user;
  count_episode(a, rollout);

  // Nothing is kept of a broken simulation, or of no step; Ctrl-C ends the rollouts.
  char** drawn = drawn_of(a, rollout);
  if (drawn && !*drawn && loom_disturb_text(drawn, episode, &a->error)) return 1;
  bool whole = rollout->end != LOOM_RUN_SIMULATOR && trace && trace->rows;
  if (*a->dataset && whole && write_part(a, rollout, trace, episode)) return 1;
  return tool_stop != 0;
}

// What has disturbed it, for whoever tells of all episodes.
static void put_drawn(FILE* to, void* user, const loomRollout* rollout) {
  char** drawn = drawn_of(user, rollout);
  if (drawn && *drawn) fputs(*drawn, to);
}

static int take_drawn(void* user, const loomRollout* rollout, const char* bytes, size_t n) {
  rolloutArgs* a = user;
  char** drawn = drawn_of(a, rollout);
  if (drawn && !*drawn && n && !(*drawn = strndup(bytes, n))) return -1;
  count_episode(a, rollout);
  return 0;
}

// What killed rollouts left is of other episodes. What generate or record left there is not ours.
static int make_folder(rolloutArgs* a, loomError* err) {
  static const char* const own[] = {"[0-9]*.hdf5", all_episodes, NULL};
  loomRunFolderDef def = {.path = a->folder, .mode = LOOM_FOLDER_OVERWRITE, .mark = "run.json", .own = own};
  int code = loom_run_folder_open(&a->parts, &def, err);
  if (code || !a->parts.resumed) return code;

  loom_run_folder_close(&a->parts);
  return loom_error_set(err, LOOM_ERR_USAGE,
                        "%s: holds another command's unfinished run; go on with that, or name another file",
                        a->folder);
}

// Nothing is kept of episodes that were not all run.
static int tell_end(const rolloutArgs* a, int code, loomError* err) {
  if (code == LOOM_ERR_INTERRUPTED)
    loom_error_set(err, code, "interrupted after %d of %lld episodes, of which %d succeed", a->done,
                   (long long)a->n, a->won);
  if (a->sharing.on) {
    if (code == LOOM_ERR_INTERRUPTED || code == LOOM_ERR_IO)
      loom_error_suffix(err, code, "; the other processes go on, and so does the same command");
    return code;
  }
  if (*a->dataset && (code == LOOM_ERR_INTERRUPTED || code == LOOM_ERR_IO))
    loom_error_suffix(err, code, "; %s was not written: %srun it again", a->out ? a->out : a->video,
                      code == LOOM_ERR_IO ? "once it can be, " : "");
  else if (code == LOOM_ERR_INTERRUPTED)
    loom_error_suffix(err, code, "; run it again for all of them");
  return code;
}

// What the command line says; the reset distribution is the policy's own unless given.
static int define_rollouts(loomRolloutDef* def, const rolloutArgs* a, const loomTrained* trained,
                           const loomScene* scene, loomError* err) {
  const char* reset = a->reset ? a->reset : trained->config.reset;
  *def = loom_default_rollout_def();
  def->n = (int)a->n;
  def->reset = *reset ? loom_task_find_reset(scene->task, reset) : 0;
  def->seed = (uint64_t)a->seed;
  def->first = (uint64_t)a->first;
  def->max_steps = (int)a->max_steps;
  def->threads = (int)a->threads;
  def->disturb = a->set;

  return def->reset >= 0 ? 0
                         : loom_error_set(err, LOOM_ERR_USAGE, "%s has no reset distribution '%s'",
                                          scene->task->path, reset);
}

static int note_widening(void* user, const loomRollout* rollout, loomTrace* trace, loomEpisode* episode) {
  rolloutArgs* a = user;
  char note[64];
  (void)trace, (void)episode;

  // How many there will be, nobody knows.
  a->done++;
  a->won += rollout->end == LOOM_RUN_SUCCESS;
  snprintf(note, sizeof note, "episodes, %.0f %% succeed", 100.0 * a->won / a->done);
  tool_progress("rolled out", a->done, 0, loom_clock() - a->start, note);
  return tool_stop != 0;
}

// One policy's ranges, printed or as JSON into `list`.
static int widen_policy(cJSON* list, rolloutArgs* a, int i, loomTrained* trained, const loomScene* scene,
                        loomError* err) {
  loomRolloutDef def;
  loomWidened widened;
  loomPolicyMaker maker = loom_trained_maker(trained);
  loomAdrDef adr = loom_default_adr_def();
  int code = define_rollouts(&def, a, trained, scene, err);
  if (code) return code;

  def.done = note_widening;
  def.user = a;
  adr.episodes = (int)a->n;
  adr.widen = adr.narrow = a->widen;

  tool_catch_signals();
  tool_draw_side_by_side();
  a->start = loom_clock();
  a->done = a->won = 0;
  code = loom_widen(&widened, scene, &maker, &def, &adr, err);
  tool_progress_end();
  if (code == LOOM_ERR_INTERRUPTED)
    return loom_error_set(err, code, "interrupted after %d episodes; run it again for all of them", a->done);
  if (code) return code;

  if (a->json)
    cJSON_AddItemToArray(list, widened_json(a->policy[i], &widened, a->set, a->widen));
  else
    print_widened(a->policy[i], &widened, a->set, a->widen);
  return 0;
}

static int rollout_policy(loomRolloutReport* out, rolloutArgs* a, int number, loomTrained* trained,
                          const loomScene* scene, loomError* err) {
  char name[32];
  loomRolloutDef def;
  loomPolicyMaker maker = loom_trained_maker(trained);
  loomRolloutShare share = rollout_share(a, name, number);
  share.put = put_drawn;
  share.take = take_drawn;
  share.user = a;

  int code = define_rollouts(&def, a, trained, scene, err);
  if (!code && *a->dataset && !a->share) code = make_folder(a, err);
  if (code) return code;
  def.done = note_rollout;
  def.user = a;
  if (a->share) def.share = &share;

  // Threads draw side by side where images are observed.
  def.traces = *a->dataset != '\0';
  tool_catch_signals();
  tool_draw_side_by_side();
  a->start = loom_clock();
  a->done = a->won = 0;
  code = loom_rollout(out, scene, &maker, &def, err);
  tool_progress_end();

  // A fault in writing comes first: it is why the rollouts ended.
  if (code && a->error.code) {
    *err = a->error;
    code = err->code;
  }

  // What a video is still to be drawn from stays until it is.
  if (a->share) return tell_end(a, code, err);
  if (!code && *a->dataset) code = assemble_rollouts(a, scene, out, err);
  if (*a->dataset && (code || a->out)) loom_run_folder_remove(&a->parts, NULL);
  return tell_end(a, code, err);
}

// By `demoloom render`, of the episodes as demos.
static int film_rollouts(const rolloutArgs* a, const loomTask* task) {
  char* argv[] = {"render",  (char*)a->dataset, "--task",      (char*)task->path,
                  "--video", (char*)a->video,   "--overwrite", NULL};
  return cmd_render(a->overwrite ? 7 : 6, argv);
}

static int print_rollouts(rolloutArgs* a, const loomTask* task, const loomRolloutReport* reports) {
  rollout_print(a, reports);

  // The text comes before what render prints.
  if (a->out && !a->json) printf("wrote %s\n", a->out);
  if (a->results && !a->json) printf("wrote %s\n", a->results);
  fflush(stdout);

  // It holds the video itself.
  tool_outputs_close(&a->outputs);
  int status = a->video ? film_rollouts(a, task) : EXIT_DONE;
  if (!a->out && a->video) loom_run_folder_remove(&a->parts, NULL);
  return status;
}

// Before anything is loaded: may it all be written?
static int open_rollout_outputs(rolloutArgs* a, loomError* err) {
  const char* input[] = {a->policy[0], a->task, a->disturb};  // -o goes with one policy
  loomOutputMode mode = tool_output_mode(a->overwrite || a->sharing.on);
  a->outputs.shared = a->sharing.on;
  int code = tool_output(&a->outputs, a->out, mode, input, 3, err);
  for (int i = 0; !code && i < a->policies && a->results; i++)
    code = loom_output_check_input(a->results, a->policy[i], err);
  if (!code) code = tool_output(&a->outputs, a->results, mode, input, 3, err);
  return code ? code : tool_output(&a->outputs, a->video, mode, input, 3, err);
}

// What all policies are tried on: the first one's task, unless --task names it.
static int open_rollout_scene(loomScene** scene, loomTask** task, rolloutArgs* a, loomError* err) {
  loomTrained first = {0};
  int code = loom_trained_load(&first, a->policy[0], err);
  const char* name = a->task ? a->task : first.config.task;
  if (!code && !*name)
    code = loom_error_set(err, LOOM_ERR_USAGE, "%s does not say its task; name it with --task", a->policy[0]);

  if (!code) code = loom_task_find(task, name, err);
  if (!code) code = tool_outputs_check(&a->outputs, (*task)->path, err);
  loom_trained_destroy(&first);
  if (!code && a->disturb) code = loom_disturb_find(&a->set, *task, a->disturb, err);
  if (!code) code = tool_assets(&a->roots, *task, err);
  if (!code) code = loom_scene_of_task(scene, *task, &a->roots, err);
  return !code && a->set ? loom_disturb_check(a->set, *scene, err) : code;
}

// What episodes draw is in the JSON.
static int make_drawn(rolloutArgs* a, loomError* err) {
  bool wanted = a->json || a->results || a->sharing.on;
  if (!a->set || !wanted || a->widen > 0) return 0;
  a->drawn = calloc((size_t)a->n, sizeof *a->drawn);
  return a->drawn ? 0
                  : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for %lld episodes", (long long)a->n);
}

static void destroy_drawn(rolloutArgs* a) {
  for (int64_t i = 0; a->drawn && i < a->n; i++) free(a->drawn[i]);
  free(a->drawn);
}

// Before the first of many episodes: every policy is there, sees and acts in the scene, and what a film needs
// is there too.
static int try_policies(rolloutArgs* a, const loomScene* scene, loomError* err) {
  loomGl* gl = NULL;
  int code = 0;

  for (int i = 0; !code && i < a->policies; i++) {
    loomTrained trained;
    loomRolloutDef def;
    code = loom_trained_load(&trained, a->policy[i], err);
    if (code) break;

    loomPolicyMaker maker = loom_trained_maker(&trained);
    code = define_rollouts(&def, a, &trained, scene, err);
    a->resets[i] = def.reset;
    def.max_steps = 0;  // short episodes may be wanted all the same, to look at
    if (!code) code = loom_rollout_try(scene, &maker, &def, err);
    if (code) code = loom_error_prefix(err, code, "%s", a->policy[i]);
    loom_trained_destroy(&trained);
  }

  if (!code && a->max_steps > 0 && a->max_steps < scene->task->success_hold)
    fprintf(stderr, "no episode can succeed: --max-steps %lld is below the task's success_hold, %d\n",
            (long long)a->max_steps, scene->task->success_hold);

  // A film wants FFmpeg and OpenGL.
  if (!code && a->video) code = loom_libav_open(err);
  if (!code && a->video) code = loom_gl_create(&gl, err);
  loom_gl_destroy(gl);
  return code;
}

// What was learned from scratch has returns instead of successes, and nothing that could disturb it.
static int rollout_returns(rolloutArgs* a) {
  loomError err = {0, ""};
  if (a->policies > 1 || a->disturb || a->video || a->likeliest || a->max_steps || a->results ||
      a->sharing.on)
    return tool_usage(
        "rollout",
        "of what was learned from scratch, and of a plain control task, it takes one policy, --task, "
        "--reset, -n, --seed, --first, -o and --json");

  int code = open_rollout_outputs(a, &err);
  if (!code)
    code = rollout_control(&(rolloutControl){.policy = a->policy[0],
                                             .task = a->task,
                                             .out = a->out,
                                             .folder = a->folder,
                                             .reset = a->reset,
                                             .n = a->n,
                                             .seed = a->seed,
                                             .first = a->first,
                                             .json = a->json,
                                             .roots = &a->roots},
                           &err);
  tool_outputs_close(&a->outputs);
  loom_asset_roots_destroy(&a->roots);
  return code ? tool_fail(&err) : EXIT_DONE;
}

// What all episodes have come to.
typedef struct rolled {
  rolloutArgs* args;
  const loomScene* scene;
  loomRolloutReport report[ROLLOUT_POLICIES];
  cJSON* widened;  // a list, instead
} rolled;

static int roll_all(rolled* r, loomError* err) {
  rolloutArgs* a = r->args;
  int code = 0;

  for (int i = 0; !code && i < a->policies; i++) {
    loomTrained trained;
    code = loom_trained_load(&trained, a->policy[i], err);
    if (code) break;
    trained.network.likeliest = a->likeliest;
    code = a->widen > 0 ? widen_policy(r->widened, a, i, &trained, r->scene, err)
                        : rollout_policy(&r->report[i], a, i, &trained, r->scene, err);
    if (code && a->policies > 1) code = loom_error_prefix(err, code, "%s", a->policy[i]);
    loom_trained_destroy(&trained);
  }
  return code;
}

// By one process: the dataset last, as the run is over once it is there.
static int write_together(void* user, loomError* err) {
  rolled* r = user;
  rolloutArgs* a = r->args;
  int code = a->results ? rollout_write_results(a, r->report, err) : 0;
  return !code && a->out ? assemble_rollouts(a, r->scene, r->report, err) : code;
}

// Several processes share it, or it is complete already. *tells: what came of it is this one's to tell.
static int roll_together(rolled* r, bool* tells, loomError* err) {
  rolloutArgs* a = r->args;
  bool complete, made = false;
  *tells = false;
  int code = rollout_join(a, &complete, err);
  if (!code && complete) {
    fprintf(stderr, "%s is complete already\n", a->out ? a->out : a->results);
    return 0;
  }

  // A part is for whoever puts them together.
  if (!code) code = roll_all(r, err);
  if (!code && a->sharing.shards) {
    fprintf(stderr, "part %s of %lld episodes: %d lie in %s\n", a->sharing.part, (long long)a->n, a->done,
            a->folder);
  } else if (!code) {
    code = rollout_finish(a, &made, write_together, r, err);
    *tells = !code && tool_sharing_tells(&a->sharing, made);
  }
  rollout_leave(a);
  return code;
}

static int roll_alone(rolled* r, bool* tells, loomError* err) {
  const rolloutArgs* a = r->args;
  int code = roll_all(r, err);
  if (!code && a->results) code = rollout_write_results(a, r->report, err);
  *tells = !code && a->widen <= 0;
  return code;
}

int cmd_rollout(int argc, char** argv) {
  rolloutArgs a = {.n = 100, .sharing = TOOL_SHARING};
  rolled all = {.args = &a};
  loomTask* task = NULL;
  loomScene* scene = NULL;
  loomError err = {0, ""};
  bool tells = false;
  int code = read_rollout_options(&a, argc, argv);
  if (code) return code < 0 ? EXIT_DONE : code;

  if (rollout_is_control(a.policy[0], a.task)) return rollout_returns(&a);

  // All policies meet the same starts of one scene.
  code = open_rollout_outputs(&a, &err);
  if (!code) code = open_rollout_scene(&scene, &task, &a, &err);
  if (!code) code = try_policies(&a, scene, &err);
  if (!code) code = make_drawn(&a, &err);
  if (!code) code = rollout_settle(&a, scene, &err);

  // Their episodes, and what came of them.
  all.scene = scene;
  all.widened = a.widen > 0 ? cJSON_CreateArray() : NULL;
  if (!code) code = a.sharing.on ? roll_together(&all, &tells, &err) : roll_alone(&all, &tells, &err);
  int status = code ? tool_fail(&err) : tells ? print_rollouts(&a, task, all.report) : EXIT_DONE;
  if (!code && all.widened && a.json)
    tool_print_report(a.policies > 1 ? all.widened : cJSON_GetArrayItem(all.widened, 0));

  tool_outputs_close(&a.outputs);
  for (int i = 0; i < a.policies; i++) loom_rollout_report_destroy(&all.report[i]);
  cJSON_Delete(all.widened);
  cJSON_free(a.settings);
  destroy_drawn(&a);
  loom_scene_destroy(scene);
  loom_task_destroy(task);
  loom_asset_roots_destroy(&a.roots);
  return status;
}
