// demoloom render: contact sheets, single frames and videos of a dataset, offscreen.
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/commands.h"
#include "tools/common.h"
#include "tools/render_stage.h"

static const char help[] =
    "usage: demoloom render TASK|FILE.hdf5 --sheet OUT.png | --video OUT.mp4 | --obs OUT.hdf5 [options]\n\n"
    "Draws demos offscreen: as one contact sheet, a row a demo, with its first frame, those where subtasks "
    "change, and its\n"
    "last; as a video, one demo after the other; or into a dataset, as observations to learn from.\n\n"
    "  --sheet FILE       the PNG to write\n"
    "  --video FILE       the MP4 to write\n"
    "  --obs FILE         the dataset to write: the same demos, with obs/CAMERA_image (T x H x W x 3, uint8, "
    "top\n"
    "                     row first), as robomimic reads them\n"
    "  --demo NAME|INDEX  a demo to draw, demo_3 or 3; can be given many times (default: the first ones)\n"
    "  --limit N          at most N demos where none is named (default 8; all for --obs)\n"
    "  --camera NAME      a camera of the model, or table (default); several are put side by side. For --obs "
    "the\n"
    "                     default is agentview, front and the robots' eye_in_hand where the model has them\n"
    "  --size WxH         pixels a camera (default 320x240; 640x480 for a video, 84x84 for --obs)\n"
    "  --frame DEMO:ROW   sheet: one frame only, e.g. demo_3:120\n"
    "  --columns N        sheet: frames a demo (default 5)\n"
    "  --fps N            video: frames a second (default: one frame a control step)\n"
    "  --speed X          video: X times as fast as it was (default 1)\n"
    "  --depth            obs: CAMERA_depth too (T x H x W x 1, float32, m)\n"
    "  --segmentation     obs: CAMERA_segmentation too (T x H x W x 1, int32, geom ids, -1 for none)\n"
    "  --threads N        obs: default all cores; the result does not depend on it\n"
    "  --resume           obs: go on with an unfinished run (starts one where there is none)\n"
    "  --overwrite        obs: throw an earlier OUT away\n"
    "  --full             meshes and textures as they are; without it they are simplified, unseen but "
    "faster\n"
    "  --shadows          slower and prettier\n"
    "  --collision        show what collides\n"
    "  --json             what was written, on stdout\n"
    "  --task TASK, --assets NAME=DIR\n\n"
    "Ctrl-C ends a video with the frames so far, and leaves what --obs has drawn for --resume. "
    "DEMOLOOM_GL=egl|osmesa chooses how to draw; otherwise EGL "
    "comes first.\n\n"
    "examples:\n  demoloom render handover.hdf5 --sheet handover.png\n"
    "  demoloom render handover.hdf5 --video handover.mp4 --demo 0 --demo 7 --camera table --camera "
    "frontview\n"
    "  demoloom render handover.hdf5 --obs images.hdf5 --camera agentview --camera robot0_eye_in_hand\n"
    "  demoloom render handover --frame demo_4:215 --size 960x720 --sheet grasp.png\n";

enum {
  OPT_SHEET = 256,
  OPT_VIDEO,
  OPT_OBS,
  OPT_DEPTH,
  OPT_SEGMENTATION,
  OPT_THREADS,
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
                                        {"obs", 1, 0, OPT_OBS},
                                        {"depth", 0, 0, OPT_DEPTH},
                                        {"segmentation", 0, 0, OPT_SEGMENTATION},
                                        {"threads", 1, 0, OPT_THREADS},
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

// A whole number from low to high up to the letter `end`; *text goes behind that.
static bool read_number(int* out, const char** text, char end, int low, int high) {
  char* stop;
  errno = 0;
  long value = strtol(*text, &stop, 10);
  if (errno || stop == *text || *stop != end || value < low || value > high) return false;
  *out = (int)value;
  *text = stop + 1;
  return true;
}

static bool number_option(renderArgs* a, int c, const char* text) {
  const char* rest = text;
  switch (c) {
    case OPT_LIMIT:
      return tool_int(&a->limit, "render", "--limit", text, 1, INT_MAX);
    case OPT_THREADS:
      return tool_int(&a->threads, "render", "--threads", text, 1, 1024);
    case OPT_COLUMNS:
      return tool_int(&a->columns, "render", "--columns", text, 2, 20);
    case OPT_FPS:
      return tool_double(&a->fps, "render", "--fps", text, 0.1, 240);
    case OPT_SPEED:
      return tool_double(&a->speed, "render", "--speed", text, 0.01, 100);
    default:
      if (read_number(&a->def.width, &rest, 'x', 16, 4096) && read_number(&a->def.height, &rest, 0, 16, 4096))
        return true;
      tool_usage("render", "--size takes WIDTHxHEIGHT, 16 to 4096, not '%s'", text);
      return false;
  }
}

static bool list_option(renderArgs* a, int c, const char* text) {
  if (c == OPT_CAMERA && a->camera_count < RENDER_MAX_CAMERAS) {
    a->cameras[a->camera_count++] = strcmp(text, "table") ? text : NULL;
    return true;
  }
  if (c == OPT_DEMO && a->named_count < RENDER_MAX_DEMOS) {
    a->named[a->named_count++] = text;
    return true;
  }
  tool_usage("render", "at most %d cameras and %d demos", RENDER_MAX_CAMERAS, RENDER_MAX_DEMOS);
  return false;
}

static int parse(renderArgs* a, int argc, char** argv) {
  loomError err = {0, ""};
  optind = 1;
  for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
    switch (c) {
      case OPT_SHEET:
        a->sheet = optarg;
        break;
      case OPT_VIDEO:
        a->video = optarg;
        break;
      case OPT_FRAME:
        a->frame = optarg;
        break;
      case OPT_TASK:
        a->task_name = optarg;
        break;
      case OPT_OBS:
        a->obs = optarg;
        break;
      case OPT_DEPTH:
        a->depth = true;
        break;
      case OPT_SEGMENTATION:
        a->segmentation = true;
        break;
      case OPT_RESUME:
        a->resume = true;
        break;
      case OPT_OVERWRITE:
        a->overwrite = true;
        break;
      case OPT_FULL:
        a->full = true;
        break;
      case OPT_SHADOWS:
        a->def.shadows = true;
        break;
      case OPT_COLLISION:
        a->def.collision = true;
        break;
      case OPT_JSON:
        a->json = true;
        break;
      case OPT_CAMERA:
      case OPT_DEMO:
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
  if (optind + 1 != argc || !!a->sheet + !!a->video + !!a->obs != 1)
    return tool_usage("render", "it takes one task or file, and --sheet, --video or --obs");
  if (!a->obs && (a->depth || a->segmentation || a->resume || a->overwrite || a->threads))
    return tool_usage("render", "--depth, --segmentation, --threads, --resume and --overwrite go with --obs");
  if (a->video && a->frame) return tool_usage("render", "--frame goes with --sheet");
  if (!a->camera_count && !a->obs) a->camera_count = 1;
  if (!a->def.width) {
    a->def.width = a->video ? 640 : a->obs ? 84 : 320;
    a->def.height = a->video ? 480 : a->obs ? 84 : 240;
  }
  if (!a->limit) a->limit = a->obs ? INT_MAX : 8;
  a->target = argv[optind];
  return 0;
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

// The rows worth a look: the first, the last, and between them those where a subtask changes or, without
// that, even steps.
static int pick_rows(int* rows, int columns, const renderStage* s) {
  int n = 0, total = s->demo.rows;
  rows[n++] = 0;
  for (int t = 1; t < total && n < columns - 1; t++) {
    bool changed = false;
    for (int a = 0; a < s->task->arm_count; a++)
      changed = changed || render_stage_subtask(s, t, a) != render_stage_subtask(s, t - 1, a);
    if (changed && t - rows[n - 1] > 5) rows[n++] = t - 1;
  }
  if (n == 1) {
    for (int i = 1; i < columns - 1; i++) rows[n++] = i * (total - 1) / (columns - 1);
  }
  rows[n++] = total - 1;
  return n;
}

static int draw_demo(loomImage* sheet, int y, const renderArgs* a, const loomTask* task,
                     const loomDataset* dataset, int demo, const int* only, loomError* err) {
  renderStage stage;
  int rows[32], code = render_stage_open(&stage, a, task, dataset, demo, err);
  if (code) return code;
  int n = only ? 1 : pick_rows(rows, (int)a->columns, &stage);
  if (only) rows[0] = *only < stage.demo.rows ? *only : stage.demo.rows - 1;
  for (int c = 0; !code && c < n; c++)
    code = render_stage_draw(&stage, sheet, c * (render_stage_width(a) + 2), y, rows[c], err);
  render_stage_close(&stage);
  return code;
}

static int draw_sheet(cJSON* out, renderArgs* a, const loomTask* task, const loomDataset* dataset,
                      loomError* err) {
  loomImage sheet;
  int row = 0, columns = a->frame ? 1 : (int)a->columns;
  if (a->frame) {
    char name[LOOM_NAME_MAX];
    const char* colon = strrchr(a->frame, ':');
    const char* rest = colon ? colon + 1 : "";
    snprintf(name, sizeof name, "%.*s", colon ? (int)(colon - a->frame) : 0, a->frame);
    a->demos[0] = loom_dataset_demo_index(dataset, name);
    if (a->demos[0] < 0 || !read_number(&row, &rest, 0, 0, INT_MAX))
      return loom_error_set(err, LOOM_ERR_USAGE, "--frame takes DEMO:ROW of this file, not '%s'", a->frame);
    a->demo_count = 1;
  }
  int width = columns * (render_stage_width(a) + 2) - 2, height = a->demo_count * (a->def.height + 2) - 2;
  int code = loom_image_create(&sheet, width, height, err);
  double start = loom_clock();
  for (int i = 0; !code && i < a->demo_count; i++) {
    if (tool_stop)
      code = loom_error_set(err, LOOM_ERR_INTERRUPTED, "interrupted: %s was not written", a->sheet);
    if (!code)
      code = draw_demo(&sheet, i * (a->def.height + 2), a, task, dataset, a->demos[i], a->frame ? &row : NULL,
                       err);
    tool_progress("drawn", i + 1, a->demo_count, loom_clock() - start, "demos");
  }
  tool_progress_end();
  if (!code) code = loom_image_write_png(&sheet, a->sheet, err);
  loom_image_destroy(&sheet);
  cJSON_AddStringToObject(out, "sheet", a->sheet);
  cJSON_AddNumberToObject(out, "width", width);
  cJSON_AddNumberToObject(out, "height", height);
  return code;
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
  renderArgs a = {.columns = 5, .speed = 1, .def = loom_default_render_def()};
  loomError err = {0, ""};
  loomTask* task = NULL;
  loomDataset* dataset = NULL;
  a.def.width = 0;
  int code = parse(&a, argc, argv);
  if (code) return code < 0 ? EXIT_DONE : code;
  code = tool_open(&task, &dataset, &a.roots, a.target, a.task_name, &err);
  if (!code) code = choose_demos(&a, dataset, &err);
  tool_catch_signals();
  cJSON* root = cJSON_CreateObject();
  if (!code) {
    code = a.video ? render_video(root, &a, task, dataset, &err)
           : a.obs ? render_obs(root, &a, dataset, &err)
                   : draw_sheet(root, &a, task, dataset, &err);
  }
  if (!code && a.json) print_json(root, &a, dataset);
  cJSON_Delete(root);
  loom_dataset_close(dataset);
  loom_task_destroy(task);
  loom_asset_roots_destroy(&a.roots);
  free(a.demos);
  return code ? tool_fail(&err) : EXIT_DONE;
}
