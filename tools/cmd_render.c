// demoloom render: contact sheets and single frames of a dataset, offscreen.
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/render.h"
#include "tools/commands.h"
#include "tools/common.h"

static const char help[] =
    "usage: demoloom render TASK|FILE.hdf5 --sheet OUT.png [options]\n\n"
    "Draws demos offscreen as one contact sheet: a row a demo, with its first frame, the rows where subtasks "
    "change, and its\n"
    "last frame.\n\n"
    "  --sheet FILE       the PNG to write\n"
    "  --frame DEMO:ROW   one frame only, e.g. demo_3:120\n"
    "  --limit N          at most N demos (default 8)\n"
    "  --columns N        frames a demo (default 5)\n"
    "  --size WxH         pixels a frame (default 320x240)\n"
    "  --camera NAME      a camera of the model (default: a view of the table)\n"
    "  --shadows          slower and prettier\n"
    "  --collision        show what collides\n"
    "  --task TASK, --assets NAME=DIR\n\n"
    "examples:\n  demoloom render handover.hdf5 --sheet handover.png\n"
    "  demoloom render handover --frame demo_4:215 --size 960x720 --sheet grasp.png\n";

typedef struct renderArgs {
  const char *target, *task_name, *sheet, *frame;
  int64_t limit, columns;
  loomRenderDef def;
  loomAssetRoots roots;
} renderArgs;

enum {
  OPT_SHEET = 256,
  OPT_FRAME,
  OPT_LIMIT,
  OPT_COLUMNS,
  OPT_SIZE,
  OPT_CAMERA,
  OPT_SHADOWS,
  OPT_COLLISION,
  OPT_TASK,
  OPT_ASSETS
};

static int parse(renderArgs* a, int argc, char** argv) {
  static const struct option options[] = {{"sheet", 1, 0, OPT_SHEET},
                                          {"frame", 1, 0, OPT_FRAME},
                                          {"limit", 1, 0, OPT_LIMIT},
                                          {"columns", 1, 0, OPT_COLUMNS},
                                          {"size", 1, 0, OPT_SIZE},
                                          {"camera", 1, 0, OPT_CAMERA},
                                          {"shadows", 0, 0, OPT_SHADOWS},
                                          {"collision", 0, 0, OPT_COLLISION},
                                          {"task", 1, 0, OPT_TASK},
                                          {"assets", 1, 0, OPT_ASSETS},
                                          {"help", 0, 0, 'h'},
                                          {0, 0, 0, 0}};
  loomError err = {0, ""};
  char extra;
  optind = 1;
  for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
    switch (c) {
      case OPT_SHEET:
        a->sheet = optarg;
        break;
      case OPT_FRAME:
        a->frame = optarg;
        break;
      case OPT_TASK:
        a->task_name = optarg;
        break;
      case OPT_CAMERA:
        a->def.camera = optarg;
        break;
      case OPT_SHADOWS:
        a->def.shadows = true;
        break;
      case OPT_COLLISION:
        a->def.collision = true;
        break;
      case OPT_LIMIT:
        if (!tool_int(&a->limit, "render", "--limit", optarg, 1, 100)) return EXIT_USAGE;
        break;
      case OPT_COLUMNS:
        if (!tool_int(&a->columns, "render", "--columns", optarg, 2, 20)) return EXIT_USAGE;
        break;
      case OPT_SIZE:
        if (sscanf(optarg, "%dx%d%c", &a->def.width, &a->def.height, &extra) != 2 || a->def.width < 16 ||
            a->def.height < 16 || a->def.width > 4096 || a->def.height > 4096) {
          return tool_usage("render", "--size takes WIDTHxHEIGHT, 16 to 4096, not '%s'", optarg);
        }
        break;
      case OPT_ASSETS:
        if (loom_asset_roots_add_option(&a->roots, optarg, &err)) return tool_fail(&err);
        break;
      case 'h':
        fputs(help, stdout);
        return -1;
      default:
        return EXIT_USAGE;
    }
  }
  if (optind + 1 != argc || !a->sheet) return tool_usage("render", "it takes one task or file, and --sheet");
  a->target = argv[optind];
  return 0;
}

// The rows worth a look: the first, the last, and between them those where a subtask changes or, without
// that, even steps.
static int pick_rows(int* rows, int columns, const loomDataset* dataset, int demo, int total) {
  loomArray subtask = {0};
  int n = 0;
  rows[n++] = 0;
  if (!loom_dataset_doubles(&subtask, dataset, loom_dataset_demo_path(dataset, demo), "datagen_info/subtask",
                            NULL)) {
    const double* k = subtask.data;
    int64_t arms = subtask.rank > 1 ? subtask.shape[1] : 1;
    for (int64_t t = 1; t < subtask.shape[0] && n < columns - 1; t++) {
      bool changed = false;
      for (int64_t a = 0; a < arms; a++) changed = changed || k[t * arms + a] != k[(t - 1) * arms + a];
      if (changed && (int)t - rows[n - 1] > 5) rows[n++] = (int)t - 1;
    }
    loom_array_destroy(&subtask);
  }
  if (n == 1) {
    for (int i = 1; i < columns - 1; i++) rows[n++] = i * (total - 1) / (columns - 1);
  }
  rows[n++] = total - 1;
  return n;
}

static int draw_demo(loomImage* sheet, int y, const renderArgs* a, const loomDataset* dataset, int i,
                     const int* only, loomError* err) {
  loomDemo demo;
  mjModel* m = NULL;
  mjData* d = NULL;
  loomRenderer* renderer = NULL;
  loomImage tile = {0, 0, NULL};
  int rows[32];
  int code = loom_demo_load(&demo, dataset, i, err);
  if (code) return code;
  code = loom_model_compile(&m, demo.model_xml, demo.name, &a->roots, NULL, err);
  if (!code && !(d = mj_makeData(m)))
    code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a simulation");
  if (!code && demo.state_dim != 1 + m->nq + m->nv)
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: states do not fit its model", demo.name);
  if (!code) code = loom_renderer_create(&renderer, m, &a->def, err);
  if (!code) code = loom_image_create(&tile, a->def.width, a->def.height, err);
  int n = code ? 0 : only ? 1 : pick_rows(rows, (int)a->columns, dataset, i, demo.rows);
  if (only) rows[0] = *only < demo.rows ? *only : demo.rows - 1;
  for (int c = 0; !code && c < n; c++) {
    static const unsigned char white[3] = {255, 255, 255}, black[3] = {0, 0, 0};
    const double* state = demo.states + (size_t)rows[c] * (size_t)demo.state_dim;
    char caption[128];
    mju_copy(d->qpos, state + 1, (int)m->nq);
    mj_forward(m, d);
    code = loom_renderer_draw(renderer, d, &tile, err);
    loom_image_paste(sheet, &tile, c * (a->def.width + 2), y);
    snprintf(caption, sizeof caption, "%s  row %d of %d", demo.name, rows[c], demo.rows);
    loom_image_fill(sheet, c * (a->def.width + 2), y, 8 * (int)strlen(caption), 14, black);
    loom_image_text(sheet, c * (a->def.width + 2) + 3, y + 3, 1, white, caption);
  }
  loom_renderer_destroy(renderer);
  loom_image_destroy(&tile);
  mj_deleteData(d);
  mj_deleteModel(m);
  loom_demo_destroy(&demo);
  return code;
}

static int draw(const renderArgs* a, const loomDataset* dataset, loomError* err) {
  loomImage sheet;
  char name[64];
  int row = 0, only = -1, n = loom_dataset_demo_count(dataset), first = 0, columns = (int)a->columns;
  if (a->frame) {
    if (sscanf(a->frame, "%63[^:]:%d", name, &row) != 2 || row < 0 ||
        (only = loom_dataset_demo_index(dataset, name)) < 0) {
      return loom_error_set(err, LOOM_ERR_USAGE, "--frame takes DEMO:ROW of this file, not '%s'", a->frame);
    }
    first = only;
    n = columns = 1;
  } else if (n > a->limit) {
    n = (int)a->limit;
  }
  int code = loom_image_create(&sheet, columns * (a->def.width + 2) - 2, n * (a->def.height + 2) - 2, err);
  double start = loom_clock();
  for (int i = 0; !code && i < n; i++) {
    code = draw_demo(&sheet, i * (a->def.height + 2), a, dataset, first + i, only >= 0 ? &row : NULL, err);
    tool_progress("drawn", i + 1, n, loom_clock() - start, "demos");
  }
  tool_progress_end();
  if (!code) code = loom_image_write_png(&sheet, a->sheet, err);
  loom_image_destroy(&sheet);
  return code;
}

int cmd_render(int argc, char** argv) {
  renderArgs a = {.limit = 8, .columns = 5, .def = loom_default_render_def()};
  loomError err = {0, ""};
  loomTask* task = NULL;
  loomDataset* dataset = NULL;
  char path[LOOM_PATH_MAX];
  int code = parse(&a, argc, argv);
  if (code) return code < 0 ? EXIT_DONE : code;
  bool file = tool_is_file(a.target);
  code = a.task_name ? tool_task(&task, a.task_name, &err)
         : file      ? tool_task_for_dataset(&task, a.target, &err)
                     : tool_task(&task, a.target, &err);
  if (!code) code = tool_assets(&a.roots, task, &err);
  snprintf(path, sizeof path, "%.*s", LOOM_PATH_MAX - 1, a.target);
  if (!code && !file) code = tool_source_path(path, task, &a.roots, &err);
  if (!code) code = loom_dataset_open(&dataset, path, &err);
  if (!code) code = draw(&a, dataset, &err);
  loom_dataset_close(dataset);
  loom_task_destroy(task);
  loom_asset_roots_destroy(&a.roots);
  return code ? tool_fail(&err) : EXIT_DONE;
}
