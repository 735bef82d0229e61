// demoloom render: contact sheets, single frames and videos of a dataset, offscreen.
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/render/render_run.h"
#include "tools/shared/commands.h"
#include "tools/shared/common.h"
#include "tools/shared/damage.h"
#include "tools/shared/options.h"
#include "tools/shared/outputs.h"

typedef struct named {
  const char* name;
  unsigned bits;
} named;

static const named overlays[] = {{"paths", OVERLAY_PATHS},
                                 {"targets", OVERLAY_TARGETS},
                                 {"frames", OVERLAY_FRAMES},
                                 {"sources", OVERLAY_SOURCES},
                                 {"ghost", OVERLAY_GHOST},
                                 {"all", OVERLAY_ALL},
                                 {NULL, 0}};
static const named modes[] = {
    {"rgb", RENDER_RGB}, {"depth", RENDER_DEPTH}, {"segmentation", RENDER_SEGMENTATION}, {NULL, 0}};

// NAME,NAME: the bits of those names are set.
static int take_names(unsigned* bits, const named* known, const char* option, const char* text) {
  for (const char* at = text;; at++) {
    size_t n = strcspn(at, ",");
    const named* k = known;
    while (k->name && (strlen(k->name) != n || strncmp(k->name, at, n))) k++;
    if (!k->name) {
      char names[120] = "";
      for (k = known; k->name; k++)
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", k == known ? "" : ", ",
                 k->name);
      return tool_usage("render", "%s takes %s, not '%.*s'", option, names, (int)n, at);
    }
    *bits |= k->bits;
    at += n;
    if (!*at) return 0;
  }
}

static int take_modes(void* args, const char* text) {
  return take_names(&((renderArgs*)args)->modes, modes, "--mode", text);
}

static int take_overlays(void* args, const char* text) {
  return take_names(&((renderArgs*)args)->overlays, overlays, "--overlay", text);
}

// `n` numbers, the whole text, with `between` between them.
static bool read_separated(double* out, int n, const char* text, char between) {
  for (int i = 0; i < n; i++)
    if (!tool_read_double(&out[i], &text) || *text++ != (i + 1 < n ? between : '\0')) return false;
  return true;
}

static int take_box(void* args, const char* text) {
  loomCloudDef* cloud = &((renderArgs*)args)->cloud;
  double box[6];
  if (!read_separated(box, 6, text, ',') || !(box[0] < box[3] && box[1] < box[4] && box[2] < box[5]))
    return tool_usage("render", "--box takes X0,Y0,Z0,X1,Y1,Z1, each of the last three larger, not '%s'",
                      text);
  mju_copy3(cloud->low, box);
  mju_copy3(cloud->high, box + 3);
  return 0;
}

static int take_depth_range(void* to, const char* text) {
  renderArgs* a = to;
  double range[2];
  if (!read_separated(range, 2, text, ':') || !(range[0] >= 0 && range[1] > range[0] && range[1] <= 1000))
    return tool_usage("render", "--depth-range takes NEAR:FAR, 0 to 1000 m, not '%s'", text);
  a->depth_near = range[0];
  a->depth_far = range[1];
  return 0;
}

static int too_many(void) {
  return tool_usage("render", "at most %d cameras, %d of clouds, and %d demos", RENDER_MAX_CAMERAS,
                    LOOM_CLOUD_CAMERAS, RENDER_MAX_DEMOS);
}

static int take_camera(void* to, const char* text) {
  renderArgs* a = to;
  if (a->camera_count == RENDER_MAX_CAMERAS) return too_many();
  a->cameras[a->camera_count++] = strcmp(text, "table") ? text : NULL;
  return 0;
}

static int take_cloud_camera(void* args, const char* text) {
  loomCloudDef* cloud = &((renderArgs*)args)->cloud;
  if (cloud->camera_count == LOOM_CLOUD_CAMERAS) return too_many();
  snprintf(cloud->camera[cloud->camera_count++], LOOM_NAME_MAX, "%.60s", text);
  return 0;
}

static int take_demo(void* to, const char* text) {
  renderArgs* a = to;
  if (a->named_count == RENDER_MAX_DEMOS) return too_many();
  a->named[a->named_count++] = text;
  return 0;
}

// Observations are drawn by several processes, where these are what is wanted.
static int read_sharing(renderArgs* a) {
  int code = tool_sharing(&a->sharing, "render");
  if (!code && !a->obs && a->sharing.given > 0) return tool_usage("render", "--share goes with --obs");
  a->sharing.on = a->sharing.on && a->obs;
  if (code || !a->sharing.on) return code;

  if (a->overwrite)
    return tool_usage("render",
                      "%s, it cannot --overwrite: one that comes later would throw away what the others have "
                      "made; remove %s and %s.images first",
                      tool_sharing_why(&a->sharing), a->obs, a->obs);
  a->threads = tool_sharing_threads(&a->sharing, a->threads);
  return 0;
}

static int check_render_options(renderArgs* a) {
  int width, height;
  // Options that have no use without another.
  if (!a->obs && a->resume) return tool_usage("render", "--resume goes with --obs");
  if (!a->obs && a->cloud.points) return tool_usage("render", "--cloud goes with --obs");
  if (!a->obs && a->contexts) return tool_usage("render", "--contexts goes with --obs");
  if (a->same_contexts && !a->contexts) return tool_usage("render", "--same-contexts goes with --contexts");
  if (a->frame && !a->sheet) return tool_usage("render", "--frame goes with --sheet");

  // Overlays are for the eye, and are drawn over colors.
  if (a->obs && (a->overlays || a->timeline))
    return tool_usage("render", "--overlay and --timeline are for looking at, not for --obs");
  if (a->overlays && !(a->modes & RENDER_RGB))
    return tool_usage("render", "--overlay is drawn over rgb; add it to --mode");

  // A timeline needs room for its text.
  render_stage_size(&width, &height, a);
  if (a->sheet && !a->frame) width *= (int)a->columns;
  if (a->timeline && width < 240)
    return tool_usage("render", "--timeline takes pictures of at least 240 pixels in width, these have %d",
                      width);

  int code = tool_one_of_both("render", a->overwrite, a->resume);
  return code ? code : read_sharing(a);
}

static void set_render_defaults(renderArgs* a) {
  if (a->depth || a->segmentation) a->modes |= RENDER_RGB;
  if (a->depth) a->modes |= RENDER_DEPTH;
  if (a->segmentation) a->modes |= RENDER_SEGMENTATION;

  // A picture of some kind, from the table unless observations are made.
  if (!a->modes) a->modes = RENDER_RGB;
  if (!a->camera_count && !a->obs) a->camera_count = 1;

  // A sheet has many small pictures, observations are smaller still.
  if (!a->def.width) {
    a->def.width = a->sheet ? 320 : a->obs ? 84 : 640;
    a->def.height = a->sheet ? 240 : a->obs ? 84 : 480;
  }

  // A few demos to look at, all of them for observations.
  if (!a->limit) a->limit = a->obs ? INT_MAX : 8;
}

static const toolOption options[] = {
    TOOL_OPTION_AS("sheet", 0, "FILE.png", renderArgs, STRING, sheet, .about = "the PNG to write"),
    TOOL_OPTION_AS("video", 0, "FILE.mp4", renderArgs, STRING, video, .about = "the MP4 to write"),
    TOOL_OPTION_AS("frames", 0, "DIR", renderArgs, STRING, frames,
                   .about = "the folder to write, DIR/DEMO_ROW.png"),
    TOOL_OPTION_AS(
        "obs", 0, "FILE.hdf5", renderArgs, STRING, obs,
        .about = "the dataset to write: the same demos, with obs/CAMERA_image (T x H x W x 3, uint8, top row "
                 "first), CAMERA_depth (T x H x W x 1, float32, m) and CAMERA_segmentation (the same, int32, "
                 "geom ids, -1 for none), as robomimic reads them"),
    TOOL_HEADING_LINE("what is drawn"),
    TOOL_CALLS_OPTION("demo", "NAME|INDEX", take_demo,
                      "a demo, demo_3 or 3; can be given many times (default: the first ones)"),
    TOOL_OPTION_AS("limit", 0, "N", renderArgs, INT64, limit, .low = 1, .high = INT_MAX,
                   .about = "at most so many demos where none is named; 8 unless given, all for --obs"),
    TOOL_CALLS_OPTION(
        "camera", "NAME", take_camera,
        "a camera of the model, or table (default); several are put side by side. For --obs the "
        "default is agentview, front and the robots' eye_in_hand where the model has them"),
    TOOL_CALLS_OPTION(
        "mode", "NAME,...", take_modes,
        "rgb (default), depth, segmentation: side by side, of several cameras below each other"),
    TOOL_OPTION_AS("depth", 0, NULL, renderArgs, BOOL, depth, .about = "depth too"),
    TOOL_OPTION_AS("segmentation", 0, NULL, renderArgs, BOOL, segmentation, .about = "segmentation too"),
    TOOL_CALL_OPTION("depth-range", "A:B", take_depth_range,
                     "meters from the brightest to the darkest color, default 0:3"),
    TOOL_SIZE_OPTION("size", renderArgs, def.width, def.height, .low = 16, .high = 4096,
                     .about = "pixels a camera, 16 to 4096; 320x240 unless given, 640x480 for a video or "
                              "frames, 84x84 for --obs"),
    TOOL_OPTION_AS("frame", 0, "DEMO:ROW", renderArgs, STRING, frame,
                   .about = "sheet: one frame only, e.g. demo_3:120"),
    TOOL_OPTION_AS("columns", 0, "N", renderArgs, INT64, columns, .low = 2, .high = 20,
                   .about = "sheet: frames a demo"),
    TOOL_OPTION_AS("fps", 0, "N", renderArgs, REAL, fps, .least = 0.1, .most = 240, .unit = "Hz",
                   .about = "video, frames: so many a second; one a control step unless given"),
    TOOL_OPTION_AS("speed", 0, "X", renderArgs, REAL, speed, .least = 0.01, .most = 100,
                   .about = "video, frames: times as fast as it was"),
    TOOL_HEADING_LINE("contexts, for --obs"),
    TOOL_OPTION_AS("contexts", 0, "NAME|FILE", renderArgs, STRING, contexts,
                   .about =
                       "each demo also as it would be seen in others, drawn from a set of the task's "
                       "`randomize:` or a file that is one: lights, colors, cameras, what is hidden, things "
                       "beside (`demoloom help task`). The states are the same; the demo's attribute context "
                       "tells which, pair_of the demo in the source's, loom_context what was drawn"),
    TOOL_OPTION_AS("per-demo", 0, "N", renderArgs, INT64, per_demo, .low = 1, .high = 1024,
                   .about = "contexts of each demo, besides the source's"),
    TOOL_OPTION_AS("same-contexts", 0, NULL, renderArgs, BOOL, same_contexts,
                   .about = "the same ones for all demos, else each has its own"),
    TOOL_OPTION_AS("seed", 's', "S", renderArgs, INT64, seed, .high = INT64_MAX, .about = "of contexts"),
    TOOL_HEADING_LINE("point clouds, for --obs"),
    TOOL_OPTION_AS("cloud", 0, "N", renderArgs, INT, cloud.points, .low = 1, .high = LOOM_CLOUD_POINTS,
                   .about = "pointcloud (T x N x 3, float32, m in the world frame), farthest points first; "
                            "pictures then only of cameras that are named"),
    TOOL_CALLS_OPTION("cloud-camera", "NAME", take_cloud_camera,
                      "that it is seen from (default agentview or front); several are put together"),
    TOOL_SIZE_OPTION("rays", renderArgs, cloud.width, cloud.height, .low = 1, .high = LOOM_CLOUD_RAYS,
                     .about = "of each camera"),
    TOOL_CALL_OPTION("box", "X0,Y0,Z0,X1,Y1,Z1", take_box,
                     "whose points are kept, m (default: around where the task's objects start, above what "
                     "they stand on)"),
    TOOL_HEADING_LINE("what is drawn over it"),
    TOOL_CALLS_OPTION(
        "overlay", "NAME,...", take_overlays,
        "paths of the end effectors; targets, and how far off they are; frames of end effectors and "
        "reference objects; sources, the paths of the source demos; ghost of the source demo; or all"),
    TOOL_OPTION_AS("timeline", 0, NULL, renderArgs, BOOL, timeline,
                   .about = "subtasks, their sources, grippers and conditions below the picture"),
    TOOL_OPTION_AS("plain", 0, NULL, renderArgs, BOOL, plain,
                   .about = "no captions (pictures less than 120 pixels high have none)"),
    TOOL_HEADING_LINE("how"),
    TOOL_OPTION_AS("light", 0, NULL, renderArgs, BOOL, light,
                   .about = "no multisampling: faster, rougher edges (always so for --obs)"),
    TOOL_OPTION_AS(
        "full", 0, NULL, renderArgs, BOOL, full,
        .about = "meshes and textures as they are; without it they are simplified, unseen but faster"),
    TOOL_OPTION_AS("shadows", 0, NULL, renderArgs, BOOL, def.shadows, .about = "slower and prettier"),
    TOOL_OPTION_AS("collision", 0, NULL, renderArgs, BOOL, def.collision, .about = "show what collides"),
    TOOL_THREADS_OPTION(renderArgs, INT64, threads),
    TOOL_OPTION_AS("resume", 0, NULL, renderArgs, BOOL, resume,
                   .about = "obs: go on with an unfinished run (starts one where there is none)"),
    TOOL_OVERWRITE_OPTION(renderArgs, overwrite),
    TOOL_SHARE_OPTION(renderArgs, sharing.given, "--obs"),
    TOOL_HEARTBEAT_OPTION(renderArgs, sharing.heartbeat),
    TOOL_OPTION_AS("json", 0, NULL, renderArgs, BOOL, json, .about = "what was written, on stdout"),
    TOOL_OPTION_AS("task", 't', "TASK", renderArgs, STRING, task_name,
                   .about = "whose demos the file has; found by its environment unless given"),
    TOOL_SKIP_DAMAGED_OPTION,
    TOOL_ASSETS_OPTION(0, renderArgs, roots),
    TOOL_GPU_OPTION,
};

static const toolCommand command = {
    .before =
        "usage: demoloom render TASK|FILE.hdf5 --sheet OUT.png | --video OUT.mp4 | --frames DIR | --obs "
        "OUT.hdf5\n"
        "                       [options]\n"
        "\n"
        "Draws demos offscreen: as one contact sheet, a row a demo, with its first frame, those where "
        "subtasks change,\n"
        "and its last; as a video, one demo after the other; as a folder of pictures; or into a dataset, as "
        "observations\n"
        "to learn from.\n",
    .after =
        "Ctrl-C ends a new video with the frames so far, and leaves what --obs has drawn for --resume.\n"
        "DEMOLOOM_GL=egl|osmesa chooses how to draw; otherwise EGL comes first. --gpu N (or "
        "MUJOCO_EGL_DEVICE_ID)\n"
        "chooses among EGL's devices.\n"
        "\n"
        "examples:\n"
        "  demoloom render handover.hdf5 --sheet handover.png\n"
        "  demoloom render handover.hdf5 --video handover.mp4 --demo 0 --demo 7 --camera table --camera "
        "frontview\n"
        "  demoloom render handover.hdf5 --video why.mp4 --demo 7 --overlay paths,ghost --timeline --size "
        "1280x720\n"
        "  demoloom render handover.hdf5 --obs images.hdf5 --camera agentview --camera robot0_eye_in_hand\n"
        "  demoloom render handover.hdf5 --obs seen.hdf5 --size 48x48 --contexts contexts.yaml --per-demo 4\n"
        "  mpirun -n 4 demoloom render handover.hdf5 --obs images.hdf5    by four processes\n"
        "  demoloom render handover --frame demo_4:215 --size 960x720 --mode rgb,depth --sheet grasp.png\n",
    TOOL_OPTIONS(options),
};

static int read_render_options(renderArgs* a, int argc, char** argv) {
  int code = tool_options(a, argc, argv, &command);
  if (code) return code;

  // One thing to draw, one way to draw it.
  if (optind + 1 != argc || !!a->sheet + !!a->video + !!a->frames + !!a->obs != 1)
    return tool_usage("render", "it takes one task or file, and --sheet, --video, --frames or --obs");

  set_render_defaults(a);
  a->target = argv[optind];
  return check_render_options(a);
}

static int choose_demos(renderArgs* a, const loomDataset* dataset, loomError* err) {
  int n = loom_dataset_demo_count(dataset);
  a->demos = calloc((size_t)n + RENDER_MAX_DEMOS, sizeof *a->demos);
  if (!a->demos) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a list of demos");

  // Those named, by name or number; else the first ones.
  for (int i = 0; i < a->named_count; i++) {
    const char* rest = a->named[i];
    int64_t number;

    int demo = loom_dataset_demo_index(dataset, a->named[i]);
    if (demo < 0 && tool_read_int(&number, &rest, 0, n - 1) && !*rest) demo = (int)number;

    // Neither a name nor a number of the file's demos.
    if (demo < 0)
      return loom_error_set(err, LOOM_ERR_USAGE, "%s: no demo '%.100s'; it has %d",
                            loom_dataset_path(dataset), a->named[i], n);
    a->demos[a->demo_count++] = demo;
  }

  for (int i = 0; !a->named_count && i < n && i < a->limit; i++) a->demos[a->demo_count++] = i;
  return 0;
}

// Recorded demos come from no other.
static void check_sources(renderArgs* a, const loomDataset* dataset) {
  const unsigned of_sources = OVERLAY_SOURCES | OVERLAY_GHOST;
  if (!(a->overlays & of_sources)) return;

  // One demo that says where it comes from is enough.
  for (int i = 0; i < a->demo_count; i++) {
    if (loom_dataset_has_attr(dataset, loom_dataset_demo_path(dataset, a->demos[i]), "loom_provenance"))
      return;
  }

  a->overlays &= ~of_sources;
  fprintf(stderr, "%s: its demos do not say which demos they were made from: no sources and no ghost\n",
          loom_dataset_path(dataset));
}

static void print_render_json(cJSON* root, const renderArgs* a, const loomDataset* dataset) {
  cJSON* demos = cJSON_AddArrayToObject(root, "demos");
  cJSON_AddStringToObject(root, "file",
                          a->sheet    ? a->sheet
                          : a->video  ? a->video
                          : a->frames ? a->frames
                                      : a->obs);
  for (int i = 0; i < a->demo_count; i++)
    cJSON_AddItemToArray(demos, cJSON_CreateString(loom_dataset_demo_name(dataset, a->demos[i])));
  tool_print_report(root);
}

int cmd_render(int argc, char** argv) {
  renderArgs a = {.columns = 5,
                  .speed = 1,
                  .per_demo = 1,
                  .seed = 1,
                  .depth_near = 0,
                  .depth_far = 3,
                  .sharing = TOOL_SHARING,
                  .def = loom_default_render_def(),
                  .cloud = loom_default_cloud_def()};
  loomError err = {0, ""};
  loomTask* task = NULL;
  loomDataset* dataset = NULL;

  // A size of 0 means that none is given: what suits depends on what is drawn.
  a.def.width = 0;
  a.cloud.points = 0;

  int code = read_render_options(&a, argc, argv);
  if (code) return code < 0 ? EXIT_DONE : code;

  // First whether it may be written; of a folder that is asked where it is made.
  toolOutputs outputs = {.shared = a.sharing.on};
  const char* input[] = {a.target, a.task_name};
  code = tool_output(&outputs,
                     a.sheet   ? a.sheet
                     : a.video ? a.video
                               : a.obs,
                     tool_output_mode(a.overwrite || a.sharing.on), input, 2, &err);

  // The demos, and what of an overlay they can show.
  if (!code) code = tool_open(&task, &dataset, &a.roots, a.target, a.task_name, false, &err);
  if (!code) code = tool_outputs_check(&outputs, loom_dataset_path(dataset), &err);
  if (!code) code = tool_outputs_check(&outputs, task->path, &err);
  if (!code && a.contexts) code = loom_context_find(&a.context_set, task, a.contexts, &err);
  if (!code) code = choose_demos(&a, dataset, &err);
  if (!code) check_sources(&a, dataset);
  if (!code) code = render_check(&a, dataset, &err);

  tool_catch_signals();

  // One of four results.
  cJSON* root = cJSON_CreateObject();
  if (!code) {
    code = a.video    ? render_video(root, &a, task, dataset, &err)
           : a.frames ? render_frames(root, &a, task, dataset, &err)
           : a.obs    ? render_obs(root, &a, task, dataset, &err)
                      : render_sheet(root, &a, task, dataset, &err);
  }

  if (!code && a.json && !a.silent) print_render_json(root, &a, dataset);

  cJSON_Delete(root);
  tool_outputs_close(&outputs);
  loom_dataset_close(dataset);
  loom_task_destroy(task);
  loom_asset_roots_destroy(&a.roots);
  free(a.demos);
  return code ? tool_fail(&err) : EXIT_DONE;
}
