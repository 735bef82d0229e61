// demoloom render: contact sheets, single frames and videos of a dataset, offscreen.
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/commands.h"
#include "tools/common.h"
#include "tools/render_run.h"

static const char help[] =
    "usage: demoloom render TASK|FILE.hdf5 --sheet OUT.png | --video OUT.mp4 | --frames DIR | --obs "
    "OUT.hdf5\n"
    "                       [options]\n\n"
    "Draws demos offscreen: as one contact sheet, a row a demo, with its first frame, those where subtasks "
    "change, and its\n"
    "last; as a video, one demo after the other; as a folder of pictures; or into a dataset, as observations "
    "to learn from.\n\n"
    "  --sheet FILE       the PNG to write\n"
    "  --video FILE       the MP4 to write\n"
    "  --frames DIR       the folder to write, DIR/DEMO_ROW.png\n"
    "  --obs FILE         the dataset to write: the same demos, with obs/CAMERA_image (T x H x W x 3, uint8, "
    "top\n"
    "                     row first), CAMERA_depth (T x H x W x 1, float32, m) and CAMERA_segmentation (the "
    "same,\n"
    "                     int32, geom ids, -1 for none), as robomimic reads them\n\n"
    "what is drawn:\n"
    "  --demo NAME|INDEX  a demo, demo_3 or 3; can be given many times (default: the first ones)\n"
    "  --limit N          at most N demos where none is named (default 8; all for --obs)\n"
    "  --camera NAME      a camera of the model, or table (default); several are put side by side. For --obs "
    "the\n"
    "                     default is agentview, front and the robots' eye_in_hand where the model has them\n"
    "  --mode NAME,...    rgb (default), depth, segmentation: side by side, of several cameras below each "
    "other\n"
    "  --depth, --segmentation  these too\n"
    "  --depth-range A:B  metres from the brightest to the darkest colour (default 0:3)\n"
    "  --size WxH         pixels a camera, 16 to 4096 (default 320x240; 640x480 for a video or frames, 84x84 "
    "for --obs)\n"
    "  --frame DEMO:ROW   sheet: one frame only, e.g. demo_3:120\n"
    "  --columns N        sheet: frames a demo (default 5)\n"
    "  --fps N            video, frames: so many a second (default: one a control step)\n"
    "  --speed X          video, frames: X times as fast as it was (default 1)\n\n"
    "point clouds, for --obs:\n"
    "  --cloud N          pointcloud (T x N x 3, float32, m in the world frame), farthest points first; "
    "pictures\n"
    "                     then only of cameras that are named\n"
    "  --cloud-camera NAME  that it is seen from (default agentview or front); several are put together\n"
    "  --rays WxH         of each camera (default 128x128)\n"
    "  --box X0,Y0,Z0,X1,Y1,Z1  whose points are kept, m (default: around where the task's objects start,\n"
    "                     above what they stand on)\n\n"
    "what is drawn over it:\n"
    "  --overlay NAME,... paths of the end effectors; targets, and how far off they are; frames of end "
    "effectors and\n"
    "                     reference objects; sources, the paths of the source demos; ghost of the source "
    "demo; or all\n"
    "  --timeline         subtasks, their sources, grippers and conditions below the picture\n"
    "  --plain            no captions (pictures less than 120 pixels high have none)\n\n"
    "how:\n"
    "  --light            no multisampling: faster, rougher edges (always so for --obs)\n"
    "  --full             meshes and textures as they are; without it they are simplified, unseen but "
    "faster\n"
    "  --shadows          slower and prettier\n"
    "  --collision        show what collides\n"
    "  -j, --threads N    default all cores; the result does not depend on it\n"
    "  --resume           obs: go on with an unfinished run (starts one where there is none)\n"
    "  --overwrite        obs, frames: write over an earlier result\n"
    "  --json             what was written, on stdout\n"
    "  --task TASK, --assets NAME=DIR\n\n"
    "Ctrl-C ends a video with the frames so far, and leaves what --obs has drawn for --resume. "
    "DEMOLOOM_GL=egl|osmesa chooses how to draw; otherwise EGL "
    "comes first.\n\n"
    "examples:\n  demoloom render handover.hdf5 --sheet handover.png\n"
    "  demoloom render handover.hdf5 --video handover.mp4 --demo 0 --demo 7 --camera table --camera "
    "frontview\n"
    "  demoloom render handover.hdf5 --video why.mp4 --demo 7 --overlay paths,ghost --timeline --size "
    "1280x720\n"
    "  demoloom render handover.hdf5 --obs images.hdf5 --camera agentview --camera robot0_eye_in_hand\n"
    "  demoloom render handover --frame demo_4:215 --size 960x720 --mode rgb,depth --sheet grasp.png\n";

enum {
  OPT_SHEET = 256,
  OPT_VIDEO,
  OPT_FRAMES,
  OPT_OBS,
  OPT_MODE,
  OPT_DEPTH,
  OPT_SEGMENTATION,
  OPT_DEPTH_RANGE,
  OPT_CLOUD,
  OPT_CLOUD_CAMERA,
  OPT_RAYS,
  OPT_BOX,
  OPT_OVERLAY,
  OPT_TIMELINE,
  OPT_PLAIN,
  OPT_LIGHT,
  OPT_RESUME,
  OPT_OVERWRITE,
  OPT_FULL,
  OPT_FRAME,
  OPT_DEMO,
  OPT_LIMIT,
  OPT_COLUMNS,
  OPT_SIZE,
  OPT_CAMERA,
  OPT_FPS,
  OPT_SPEED,
  OPT_SHADOWS,
  OPT_COLLISION,
  OPT_JSON,
  OPT_TASK,
  OPT_ASSETS
};

static const struct option options[] = {{"sheet", 1, 0, OPT_SHEET},
                                        {"video", 1, 0, OPT_VIDEO},
                                        {"frames", 1, 0, OPT_FRAMES},
                                        {"obs", 1, 0, OPT_OBS},
                                        {"mode", 1, 0, OPT_MODE},
                                        {"depth", 0, 0, OPT_DEPTH},
                                        {"segmentation", 0, 0, OPT_SEGMENTATION},
                                        {"depth-range", 1, 0, OPT_DEPTH_RANGE},
                                        {"cloud", 1, 0, OPT_CLOUD},
                                        {"cloud-camera", 1, 0, OPT_CLOUD_CAMERA},
                                        {"rays", 1, 0, OPT_RAYS},
                                        {"box", 1, 0, OPT_BOX},
                                        {"overlay", 1, 0, OPT_OVERLAY},
                                        {"timeline", 0, 0, OPT_TIMELINE},
                                        {"plain", 0, 0, OPT_PLAIN},
                                        {"light", 0, 0, OPT_LIGHT},
                                        {"threads", 1, 0, 'j'},
                                        {"resume", 0, 0, OPT_RESUME},
                                        {"overwrite", 0, 0, OPT_OVERWRITE},
                                        {"full", 0, 0, OPT_FULL},
                                        {"frame", 1, 0, OPT_FRAME},
                                        {"demo", 1, 0, OPT_DEMO},
                                        {"limit", 1, 0, OPT_LIMIT},
                                        {"columns", 1, 0, OPT_COLUMNS},
                                        {"size", 1, 0, OPT_SIZE},
                                        {"camera", 1, 0, OPT_CAMERA},
                                        {"fps", 1, 0, OPT_FPS},
                                        {"speed", 1, 0, OPT_SPEED},
                                        {"shadows", 0, 0, OPT_SHADOWS},
                                        {"collision", 0, 0, OPT_COLLISION},
                                        {"json", 0, 0, OPT_JSON},
                                        {"task", 1, 0, OPT_TASK},
                                        {"assets", 1, 0, OPT_ASSETS},
                                        {"help", 0, 0, 'h'},
                                        {0, 0, 0, 0}};

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
static bool read_names(unsigned* bits, const named* known, const char* option, const char* text) {
  for (const char* at = text;; at++) {
    size_t n = strcspn(at, ",");
    const named* k = known;
    while (k->name && (strlen(k->name) != n || strncmp(k->name, at, n))) k++;
    if (!k->name) {
      char names[120] = "";
      for (k = known; k->name; k++)
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", k == known ? "" : ", ",
                 k->name);
      tool_usage("render", "%s takes %s, not '%.*s'", option, names, (int)n, at);
      return false;
    }
    *bits |= k->bits;
    at += n;
    if (!*at) return true;
  }
}

// `n` numbers, the whole text, with `between` between them.
static bool read_numbers(double* out, int n, const char* text, char between) {
  for (int i = 0; i < n; i++)
    if (!tool_read_double(&out[i], &text) || *text++ != (i + 1 < n ? between : '\0')) return false;
  return true;
}

static bool cloud_option(loomCloudDef* cloud, int c, const char* text) {
  double box[6];
  int64_t points;
  if (c == OPT_CLOUD) {
    if (!tool_int(&points, "render", "--cloud", text, 1, LOOM_CLOUD_POINTS)) return false;
    cloud->points = (int)points;
    return true;
  }
  if (c == OPT_RAYS) {
    if (tool_read_size(&cloud->width, &cloud->height, text, 1, LOOM_CLOUD_RAYS)) return true;
    tool_usage("render", "--rays takes WIDTHxHEIGHT, 1 to %d, not '%s'", LOOM_CLOUD_RAYS, text);
    return false;
  }
  if (read_numbers(box, 6, text, ',') && box[0] < box[3] && box[1] < box[4] && box[2] < box[5]) {
    mju_copy3(cloud->low, box);
    mju_copy3(cloud->high, box + 3);
    return true;
  }
  tool_usage("render", "--box takes X0,Y0,Z0,X1,Y1,Z1, each of the last three larger, not '%s'", text);
  return false;
}

static bool number_option(renderArgs* a, int c, const char* text) {
  double range[2];
  switch (c) {
    case OPT_LIMIT:
      return tool_int(&a->limit, "render", "--limit", text, 1, INT_MAX);
    case 'j':
      return tool_int(&a->threads, "render", "--threads", text, 1, 1024);
    case OPT_COLUMNS:
      return tool_int(&a->columns, "render", "--columns", text, 2, 20);
    case OPT_FPS:
      return tool_double(&a->fps, "render", "--fps", text, 0.1, 240);
    case OPT_SPEED:
      return tool_double(&a->speed, "render", "--speed", text, 0.01, 100);
    case OPT_DEPTH_RANGE:
      if (read_numbers(range, 2, text, ':') && range[0] >= 0 && range[1] > range[0] && range[1] <= 1000) {
        a->depth_near = range[0];
        a->depth_far = range[1];
        return true;
      }
      tool_usage("render", "--depth-range takes NEAR:FAR, 0 to 1000 m, not '%s'", text);
      return false;
    case OPT_CLOUD:
    case OPT_RAYS:
    case OPT_BOX:
      return cloud_option(&a->cloud, c, text);
    default:
      if (tool_read_size(&a->def.width, &a->def.height, text, 16, 4096)) return true;
      tool_usage("render", "--size takes WIDTHxHEIGHT, 16 to 4096, not '%s'", text);
      return false;
  }
}

static bool list_option(renderArgs* a, int c, const char* text) {
  if (c == OPT_MODE) return read_names(&a->modes, modes, "--mode", text);
  if (c == OPT_OVERLAY) return read_names(&a->overlays, overlays, "--overlay", text);
  if (c == OPT_CAMERA && a->camera_count < RENDER_MAX_CAMERAS) {
    a->cameras[a->camera_count++] = strcmp(text, "table") ? text : NULL;
    return true;
  }
  if (c == OPT_CLOUD_CAMERA && a->cloud.camera_count < LOOM_CLOUD_CAMERAS) {
    snprintf(a->cloud.camera[a->cloud.camera_count++], LOOM_NAME_MAX, "%.60s", text);
    return true;
  }
  if (c == OPT_DEMO && a->named_count < RENDER_MAX_DEMOS) {
    a->named[a->named_count++] = text;
    return true;
  }
  tool_usage("render", "at most %d cameras, %d of clouds, and %d demos", RENDER_MAX_CAMERAS,
             LOOM_CLOUD_CAMERAS, RENDER_MAX_DEMOS);
  return false;
}

// Options without a value.
static bool flag_option(renderArgs* a, int c) {
  const struct {
    int option;
    bool* flag;
  } flags[] = {{OPT_TIMELINE, &a->timeline},
               {OPT_PLAIN, &a->plain},
               {OPT_LIGHT, &a->light},
               {OPT_RESUME, &a->resume},
               {OPT_OVERWRITE, &a->overwrite},
               {OPT_FULL, &a->full},
               {OPT_SHADOWS, &a->def.shadows},
               {OPT_COLLISION, &a->def.collision},
               {OPT_JSON, &a->json},
               {OPT_DEPTH, &a->depth},
               {OPT_SEGMENTATION, &a->segmentation}};
  for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
    if (flags[i].option != c) continue;
    *flags[i].flag = true;
    return true;
  }
  return false;
}

// Options that are a text.
static bool text_option(renderArgs* a, int c, const char* text) {
  const struct {
    int option;
    const char** text;
  } texts[] = {{OPT_SHEET, &a->sheet}, {OPT_VIDEO, &a->video}, {OPT_FRAMES, &a->frames},
               {OPT_OBS, &a->obs},     {OPT_FRAME, &a->frame}, {OPT_TASK, &a->task_name}};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    if (texts[i].option != c) continue;
    *texts[i].text = text;
    return true;
  }
  return false;
}

static int check(renderArgs* a) {
  int width, height;
  if (!a->obs && a->resume) return tool_usage("render", "--resume goes with --obs");
  if (!a->obs && a->cloud.points) return tool_usage("render", "--cloud goes with --obs");
  if (!a->obs && !a->frames && a->overwrite)
    return tool_usage("render", "--overwrite goes with --obs and --frames");
  if (a->frame && !a->sheet) return tool_usage("render", "--frame goes with --sheet");
  if (a->obs && (a->overlays || a->timeline))
    return tool_usage("render", "--overlay and --timeline are for looking at, not for --obs");
  if (a->overlays && !(a->modes & RENDER_RGB))
    return tool_usage("render", "--overlay is drawn over rgb; add it to --mode");
  render_stage_size(&width, &height, a);
  if (a->sheet && !a->frame) width *= (int)a->columns;
  if (a->timeline && width < 240)
    return tool_usage("render", "--timeline takes pictures at least 240 pixels wide in all, these are %d",
                      width);
  return 0;
}

static void set_defaults(renderArgs* a) {
  if (a->depth || a->segmentation) a->modes |= RENDER_RGB;
  if (a->depth) a->modes |= RENDER_DEPTH;
  if (a->segmentation) a->modes |= RENDER_SEGMENTATION;
  if (!a->modes) a->modes = RENDER_RGB;
  if (!a->camera_count && !a->obs) a->camera_count = 1;
  if (!a->def.width) {
    a->def.width = a->sheet ? 320 : a->obs ? 84 : 640;
    a->def.height = a->sheet ? 240 : a->obs ? 84 : 480;
  }
  if (!a->limit) a->limit = a->obs ? INT_MAX : 8;
}

static int parse(renderArgs* a, int argc, char** argv) {
  loomError err = {0, ""};
  optind = 1;
  for (int c; (c = getopt_long(argc, argv, "hj:", options, NULL)) != -1;) {
    if (flag_option(a, c) || text_option(a, c, optarg)) continue;
    switch (c) {
      case OPT_CAMERA:
      case OPT_CLOUD_CAMERA:
      case OPT_DEMO:
      case OPT_MODE:
      case OPT_OVERLAY:
        if (!list_option(a, c, optarg)) return EXIT_USAGE;
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
  if (optind + 1 != argc || !!a->sheet + !!a->video + !!a->frames + !!a->obs != 1)
    return tool_usage("render", "it takes one task or file, and --sheet, --video, --frames or --obs");
  set_defaults(a);
  a->target = argv[optind];
  return check(a);
}

static int choose_demos(renderArgs* a, const loomDataset* dataset, loomError* err) {
  int n = loom_dataset_demo_count(dataset);
  a->demos = calloc((size_t)n + RENDER_MAX_DEMOS, sizeof *a->demos);
  if (!a->demos) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a list of demos");
  for (int i = 0; i < a->named_count; i++) {
    char* end;
    int demo = loom_dataset_demo_index(dataset, a->named[i]);
    long number = strtol(a->named[i], &end, 10);
    if (demo < 0 && *a->named[i] && !*end && number >= 0 && number < n) demo = (int)number;
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
  for (int i = 0; i < a->demo_count; i++) {
    if (loom_dataset_has_attr(dataset, loom_dataset_demo_path(dataset, a->demos[i]), "loom_provenance"))
      return;
  }
  a->overlays &= ~of_sources;
  fprintf(stderr, "%s: its demos do not say which demos they were made from: no sources and no ghost\n",
          loom_dataset_path(dataset));
}

static void print_json(cJSON* root, const renderArgs* a, const loomDataset* dataset) {
  cJSON* demos = cJSON_AddArrayToObject(root, "demos");
  for (int i = 0; i < a->demo_count; i++)
    cJSON_AddItemToArray(demos, cJSON_CreateString(loom_dataset_demo_name(dataset, a->demos[i])));
  char* text = cJSON_Print(root);
  if (text) puts(text);
  cJSON_free(text);
}

int cmd_render(int argc, char** argv) {
  renderArgs a = {.columns = 5,
                  .speed = 1,
                  .depth_near = 0,
                  .depth_far = 3,
                  .def = loom_default_render_def(),
                  .cloud = loom_default_cloud_def()};
  loomError err = {0, ""};
  loomTask* task = NULL;
  loomDataset* dataset = NULL;
  a.def.width = 0;
  a.cloud.points = 0;
  int code = parse(&a, argc, argv);
  if (code) return code < 0 ? EXIT_DONE : code;
  code = tool_open(&task, &dataset, &a.roots, a.target, a.task_name, false, &err);
  if (!code) code = choose_demos(&a, dataset, &err);
  if (!code) check_sources(&a, dataset);
  tool_catch_signals();
  cJSON* root = cJSON_CreateObject();
  if (!code) {
    code = a.video    ? render_video(root, &a, task, dataset, &err)
           : a.frames ? render_frames(root, &a, task, dataset, &err)
           : a.obs    ? render_obs(root, &a, task, dataset, &err)
                      : render_sheet(root, &a, task, dataset, &err);
  }
  if (!code && a.json) print_json(root, &a, dataset);
  cJSON_Delete(root);
  loom_dataset_close(dataset);
  loom_task_destroy(task);
  loom_asset_roots_destroy(&a.roots);
  free(a.demos);
  return code ? tool_fail(&err) : EXIT_DONE;
}
