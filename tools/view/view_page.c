#include "tools/view/view_page.h"

#include <cjson/cJSON.h>
#include <endian.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/hash.h"

// page.html, as the linker put it in.
extern const char view_page_html[], view_page_html_end[];

enum { QUAT = 32767, PLACE = 65535 };

static const char mark[] = "@DEMOLOOM_DATA@";

/// What is being written: its head as JSON, and a block of numbers of 16 bits that the head points into.
typedef struct page {
  viewApp* app;
  cJSON *meshes, *models, *demos;
  uint64_t *mesh_hash, *model_hash;  // of those that are there, by their numbers
  uint16_t* number;
  size_t n, capacity;
  bool full;  // no memory for more
} page;

static void put(page* p, int value) {
  if (p->n == p->capacity) {
    size_t capacity = p->capacity ? 2 * p->capacity : 1 << 16;
    uint16_t* number = realloc(p->number, capacity * sizeof *number);
    p->full = p->full || !number;
    if (!number) return;
    p->number = number;
    p->capacity = capacity;
  }
  p->number[p->n++] = (uint16_t)value;
}

// Values in a range as 0 to 65535.
static void put_in(page* p, double value, double low, double high) {
  double share = high > low ? (value - low) / (high - low) : 0;
  put(p, (int)lround(PLACE * fmin(1, fmax(0, share))));
}

static void add_numbers(cJSON* to, const char* name, const double* value, int n) {
  cJSON* list = cJSON_AddArrayToObject(to, name);
  // Six digits are more than a screen shows.
  for (int i = 0; i < n; i++) cJSON_AddItemToArray(list, cJSON_CreateNumber(round(value[i] * 1e6) / 1e6));
}

// ---- meshes

// The number of a hash among the first n; -1 = none of them.
static int find_hash(const uint64_t* all, int n, uint64_t hash) {
  for (int i = 0; i < n; i++)
    if (all[i] == hash) return i;
  return -1;
}

static void note_hash(page* p, uint64_t** all, int n, uint64_t hash) {
  uint64_t* more = realloc(*all, ((size_t)n + 1) * sizeof *more);
  p->full = p->full || !more;
  if (!more) return;
  more[n] = hash;
  *all = more;
}

static uint64_t hash_mesh(const mjModel* m, int mesh) {
  uint64_t hash = loom_hash(LOOM_HASH_SEED, m->mesh_vert + 3 * m->mesh_vertadr[mesh],
                            3 * sizeof(float) * (size_t)m->mesh_vertnum[mesh]);
  return loom_hash(hash, m->mesh_face + 3 * m->mesh_faceadr[mesh],
                   3 * sizeof(int) * (size_t)m->mesh_facenum[mesh]);
}

// Places within the mesh's box, then triangles, whose vertices may be more than 65536: two numbers each.
static int add_mesh(page* p, const mjModel* m, int mesh) {
  const float* vert = m->mesh_vert + 3 * m->mesh_vertadr[mesh];
  const int* face = m->mesh_face + 3 * m->mesh_faceadr[mesh];
  int places = m->mesh_vertnum[mesh], corners = 3 * m->mesh_facenum[mesh];

  // Models of one dataset have their meshes in common.
  uint64_t hash = hash_mesh(m, mesh);
  int count = cJSON_GetArraySize(p->meshes), known = find_hash(p->mesh_hash, count, hash);
  if (known >= 0) return known;
  note_hash(p, &p->mesh_hash, count, hash);

  // Simplified meshes leave most of their vertices unused.
  int *new_number = malloc(sizeof *new_number * (size_t)places + 1), used = 0;
  double low[3] = {INFINITY, INFINITY, INFINITY}, high[3] = {-INFINITY, -INFINITY, -INFINITY};
  p->full = p->full || !new_number;
  if (!new_number) return -1;
  for (int i = 0; i < places; i++) new_number[i] = -1;
  for (int i = 0; i < corners; i++) {
    const float* at = vert + 3 * face[i];
    for (int k = 0; k < 3; k++) {
      low[k] = fmin(low[k], (double)at[k]);
      high[k] = fmax(high[k], (double)at[k]);
    }
  }

  // Numbered as triangles come to them.
  size_t from = p->n;
  for (int i = 0; i < corners; i++) {
    if (new_number[face[i]] >= 0) continue;
    new_number[face[i]] = used++;
    for (int k = 0; k < 3; k++) put_in(p, (double)vert[3 * face[i] + k], low[k], high[k]);
  }
  for (int i = 0; i < corners; i++) {
    put(p, new_number[face[i]] & 0xffff);
    put(p, new_number[face[i]] >> 16);
  }
  free(new_number);

  cJSON* out = cJSON_CreateObject();
  cJSON_AddNumberToObject(out, "at", (double)from);
  cJSON_AddNumberToObject(out, "n", (double)(p->n - from));
  cJSON_AddNumberToObject(out, "vertices", used);
  add_numbers(out, "low", low, 3);
  add_numbers(out, "high", high, 3);

  cJSON_AddItemToArray(p->meshes, out);
  return count;
}

// ---- models

// A geom that says no color of its own, which is MuJoCo's gray, has its material's.
static const float* geom_rgba(const mjModel* m, int geom) {
  const float* rgba = m->geom_rgba + 4 * geom;
  bool plain = rgba[0] == 0.5f && rgba[1] == 0.5f && rgba[2] == 0.5f && rgba[3] == 1;
  return m->geom_matid[geom] >= 0 && plain ? m->mat_rgba + 4 * m->geom_matid[geom] : rgba;
}

// MuJoCo shows a geom in its own color where it has one, else in its material's. Of a texture its mean is
// left.
static void find_color(double out[4], const mjModel* m, int geom) {
  int material = m->geom_matid[geom], texture = -1;
  const float* rgba = geom_rgba(m, geom);
  for (int k = 0; k < 4; k++) out[k] = (double)rgba[k];

  if (material >= 0) texture = m->mat_texid[mjNTEXROLE * material + mjTEXROLE_RGB];
  if (texture < 0 || m->tex_nchannel[texture] < 3) return;

  size_t pixels = (size_t)m->tex_height[texture] * (size_t)m->tex_width[texture], step = pixels / 4096 + 1,
         n = 0;
  size_t channels = (size_t)m->tex_nchannel[texture];
  const mjtByte* pixel = m->tex_data + m->tex_adr[texture];
  double sum[3] = {0, 0, 0};
  for (size_t i = 0; i < pixels; i += step, n++)
    for (size_t k = 0; k < 3; k++) sum[k] += pixel[i * channels + k] / 255.0;
  for (int k = 0; k < 3; k++) out[k] *= n ? sum[k] / (double)n : 1;
}

// As the window shows them: all but what only collides.
static bool is_seen(const viewApp* app, const mjModel* m, int geom) {
  int group = m->geom_group[geom];
  return geom_rgba(m, geom)[3] > 0.02f && (group < 0 || group >= mjNGROUP || app->option.geomgroup[group]);
}

static cJSON* model_json(page* p, const mjModel* m) {
  cJSON *out = cJSON_CreateObject(), *geoms = cJSON_AddArrayToObject(out, "geoms");
  for (int g = 0; g < m->ngeom; g++) {
    double color[4];
    if (!is_seen(p->app, m, g)) continue;
    bool mesh = (m->geom_type[g] == mjGEOM_MESH || m->geom_type[g] == mjGEOM_SDF) && m->geom_dataid[g] >= 0;
    if (!mesh && m->geom_type[g] != mjGEOM_PLANE && m->geom_type[g] > mjGEOM_BOX) continue;
    if (m->geom_type[g] == mjGEOM_HFIELD) continue;

    cJSON* geom = cJSON_CreateObject();
    cJSON_AddNumberToObject(geom, "body", m->geom_bodyid[g]);
    cJSON_AddNumberToObject(geom, "type", m->geom_type[g]);
    if (mesh) cJSON_AddNumberToObject(geom, "mesh", add_mesh(p, m, m->geom_dataid[g]));
    find_color(color, m, g);
    add_numbers(geom, "size", m->geom_size + 3 * g, 3);
    add_numbers(geom, "pos", m->geom_pos + 3 * g, 3);
    add_numbers(geom, "quat", m->geom_quat + 4 * g, 4);
    add_numbers(geom, "color", color, 4);
    cJSON_AddItemToArray(geoms, geom);
  }
  return out;
}

// All that model_json looks at; the stage knows its meshes and textures as a number.
static uint64_t hash_model(const viewApp* app, const mjModel* m) {
  size_t n = (size_t)m->ngeom, materials = (size_t)m->nmat;
  uint64_t hash = loom_hash(LOOM_HASH_SEED, &app->stage.assets, sizeof app->stage.assets);
  const struct {
    const void* bytes;
    size_t size;
  } parts[] = {{m->geom_bodyid, n * sizeof(int)},
               {m->geom_type, n * sizeof(int)},
               {m->geom_dataid, n * sizeof(int)},
               {m->geom_group, n * sizeof(int)},
               {m->geom_matid, n * sizeof(int)},
               {m->geom_size, 3 * n * sizeof(mjtNum)},
               {m->geom_pos, 3 * n * sizeof(mjtNum)},
               {m->geom_quat, 4 * n * sizeof(mjtNum)},
               {m->geom_rgba, 4 * n * sizeof(float)},
               {m->mat_rgba, 4 * materials * sizeof(float)},
               {m->mat_texid, mjNTEXROLE * materials * sizeof(int)}};

  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    hash = loom_hash(hash, parts[i].bytes, parts[i].size);
  return hash;
}

// The number of a model among those that are there: its meshes are not gone through again.
static int add_model(page* p, const mjModel* m) {
  uint64_t hash = hash_model(p->app, m);
  int count = cJSON_GetArraySize(p->models), known = find_hash(p->model_hash, count, hash);
  if (known >= 0) return known;

  note_hash(p, &p->model_hash, count, hash);
  cJSON_AddItemToArray(p->models, model_json(p, m));
  return count;
}

// ---- a demo

static bool has_geom(const page* p, const mjModel* m, int body) {
  for (int g = 0; g < m->body_geomnum[body]; g++)
    if (is_seen(p->app, m, m->body_geomadr[body] + g)) return true;
  return false;
}

// Where a body is in each row, or once where it stays: its place within its box, and its quaternion,
// whose sign does not jump.
static void add_path(page* p, cJSON* bodies, int body, const double* pose, int rows) {
  double low[3], high[3], last[4] = {0};
  bool moves = false;
  for (int k = 0; k < 3; k++) low[k] = high[k] = pose[k];

  // Its box, and whether it moves at all.
  for (int row = 0; row < rows; row++) {
    for (int k = 0; k < 3; k++) {
      low[k] = fmin(low[k], pose[7 * row + k]);
      high[k] = fmax(high[k], pose[7 * row + k]);
    }
    for (int k = 0; k < 7; k++) moves = moves || fabs(pose[7 * row + k] - pose[k]) > 1e-6;
  }

  cJSON* out = cJSON_CreateObject();
  cJSON_AddNumberToObject(out, "body", body);
  cJSON_AddNumberToObject(out, "at", (double)p->n);
  cJSON_AddNumberToObject(out, "rows", moves ? rows : 1);
  add_numbers(out, "low", low, 3);
  add_numbers(out, "high", high, 3);
  cJSON_AddItemToArray(bodies, out);

  for (int row = 0; row < (moves ? rows : 1); row++) {
    const double *at = pose + 7 * row, *quat = at + 3;
    for (int k = 0; k < 3; k++) put_in(p, at[k], low[k], high[k]);
    double sign = last[0] * quat[0] + last[1] * quat[1] + last[2] * quat[2] + last[3] * quat[3] < 0 ? -1 : 1;
    for (int k = 0; k < 4; k++) {
      last[k] = sign * quat[k];
      put(p, (int)lround(QUAT * last[k]));
    }
  }
}

static int add_paths(page* p, cJSON* demo, loomError* err) {
  viewStage* s = &p->app->stage;
  cJSON* bodies = cJSON_AddArrayToObject(demo, "bodies");
  size_t rows = (size_t)s->demo.rows, stride = 7 * rows;
  double* pose = calloc(stride * (size_t)s->model->nbody + 1, sizeof *pose);
  if (!pose) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a demo's poses");

  // All bodies row by row, then body by body.
  for (int row = 0; row < s->demo.rows; row++) {
    view_stage_pose(p->app, row);
    for (int b = 0; b < s->model->nbody; b++) {
      memcpy(pose + (size_t)b * stride + 7 * (size_t)row, s->data->xpos + 3 * b, 3 * sizeof *pose);
      memcpy(pose + (size_t)b * stride + 7 * (size_t)row + 3, s->data->xquat + 4 * b, 4 * sizeof *pose);
    }
  }
  for (int b = 0; b < s->model->nbody; b++)
    if (has_geom(p, s->model, b)) add_path(p, bodies, b, pose + (size_t)b * stride, s->demo.rows);

  free(pose);
  return 0;
}

static void add_segments(page* p, cJSON* demo) {
  const viewStage* s = &p->app->stage;
  cJSON* list = cJSON_AddArrayToObject(demo, "segments");
  for (int i = 0; s->has_ends && i < s->segment_count; i++) {
    const annotationSegment* g = &s->segment[i];
    cJSON* out = cJSON_CreateObject();
    cJSON_AddNumberToObject(out, "arm", g->arm);
    cJSON_AddStringToObject(out, "name", p->app->task->subtasks[g->arm][g->subtask].name);
    cJSON_AddStringToObject(out, "source", g->source_name);
    cJSON_AddNumberToObject(out, "first", g->first);
    cJSON_AddNumberToObject(out, "end", g->end);
    cJSON_AddItemToArray(list, out);
  }
}

// ---- plots

// A series' lines, the values of each over the rows, in the range of all.
static void add_plot(page* p, cJSON* list, const viewSeries* series, int arm) {
  const viewApp* app = p->app;
  int lines = series->lines(app, arm), rows = app->stage.demo.rows;
  double low = INFINITY, high = -INFINITY;
  for (int line = 0; line < lines; line++) {
    for (int row = 0; row < rows; row++) {
      low = fmin(low, series->value(app, arm, line, row));
      high = fmax(high, series->value(app, arm, line, row));
    }
  }
  if (low > high) return;

  char name[64];
  cJSON* out = cJSON_CreateObject();
  snprintf(name, sizeof name, "%s%s%s", series->title, *series->unit ? ", " : "", series->unit);
  cJSON_AddStringToObject(out, "title", name);
  cJSON_AddNumberToObject(out, "arm", arm);
  cJSON_AddNumberToObject(out, "at", (double)p->n);
  cJSON_AddNumberToObject(out, "low", low);
  cJSON_AddNumberToObject(out, "high", high);

  cJSON* names = cJSON_AddArrayToObject(out, "names");
  for (int line = 0; line < lines; line++) {
    series->name(name, app, arm, line);
    cJSON_AddItemToArray(names, cJSON_CreateString(name));
    for (int row = 0; row < rows; row++) put_in(p, series->value(app, arm, line, row), low, high);
  }
  cJSON_AddItemToArray(list, out);
}

// ---- a demo, whole

// Where the page's camera looks: the middle of hands and objects over the demo, how far they are from it,
// and from which side: the robots' front.
static void add_view(page* p, cJSON* demo) {
  const viewStage* s = &p->app->stage;
  const loomTask* task = p->app->task;
  double low[3] = {INFINITY, INFINITY, INFINITY}, high[3] = {-INFINITY, -INFINITY, -INFINITY},
         base[3] = {0, 0, 0};
  for (int row = 0; row < s->replay.rows; row++) {
    for (int i = 0; i < task->arm_count + task->object_count; i++) {
      const double* at =
          i < task->arm_count ? s->replay.eef[i][row].pos : s->replay.object[i - task->arm_count][row].pos;
      for (int k = 0; k < 3; k++) {
        low[k] = fmin(low[k], at[k]);
        high[k] = fmax(high[k], at[k]);
      }
    }
  }

  // An arm stands where the body that carries its first joint does.
  for (int arm = 0; arm < task->arm_count; arm++) {
    const loomArm* a = &s->episode->arms[arm];
    int body = a->n ? s->episode->m->dof_bodyid[a->dof[0]] : 0;
    for (int k = 0; k < 3; k++) base[k] += s->episode->d->xpos[3 * body + k] / task->arm_count;
  }
  add_numbers(demo, "low", low, 3);
  add_numbers(demo, "high", high, 3);
  add_numbers(demo, "base", base, 3);
}

static int add_demo(page* p, int entry, loomError* err) {
  viewApp* app = p->app;
  int code = view_stage_open(app, entry, err);
  if (code) return code;

  const viewEntry* e = view_list_entry(&app->list, entry);
  cJSON* demo = cJSON_CreateObject();
  cJSON_AddItemToArray(p->demos, demo);
  cJSON_AddStringToObject(demo, "name", e->name);
  cJSON_AddStringToObject(demo, "outcome", e->outcome < 0 ? "" : loom_outcome_name((loomOutcome)e->outcome));
  cJSON_AddStringToObject(demo, "reason", e->reason);
  cJSON_AddStringToObject(demo, "source", e->source);
  cJSON_AddNumberToObject(demo, "rows", app->stage.demo.rows);

  // What is seen of it, and what is told.
  add_view(p, demo);
  cJSON_AddNumberToObject(demo, "model", add_model(p, app->stage.model));
  code = add_paths(p, demo, err);
  add_segments(p, demo);
  cJSON* list = cJSON_AddArrayToObject(demo, "plots");
  for (int i = VIEW_PAGES - 1; i >= 0; i--)
    for (int arm = 0; !view_series[i].replay && arm < app->task->arm_count; arm++)
      add_plot(p, list, &view_series[i], arm);

  if (p->full && !code) code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a page");
  return code;
}

// ---- the file

// Three bytes as four letters (RFC 4648).
static void write_base64(FILE* f, const unsigned char* byte, size_t n) {
  static const char letter[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < n; i += 3) {
    unsigned bits = (unsigned)byte[i] << 16 | (i + 1 < n ? (unsigned)byte[i + 1] << 8 : 0) |
                    (i + 2 < n ? byte[i + 2] : 0);
    char four[4] = {letter[bits >> 18 & 63], letter[bits >> 12 & 63],
                    i + 1 < n ? letter[bits >> 6 & 63] : '=', i + 2 < n ? letter[bits & 63] : '='};
    fwrite(four, 1, 4, f);
  }
}

// Within a script nothing may look like its end: names come from strangers.
static void write_json(FILE* f, const char* text) {
  for (; *text; text++)
    if (*text == '<')
      fputs("\\u003c", f);
    else
      fputc(*text, f);
}

static int write_page(page* p, cJSON* head, const char* path, loomError* err) {
  const char *from = view_page_html, *to = view_page_html_end;
  const char* place = memmem(from, (size_t)(to - from), mark, sizeof mark - 1);
  char* text = cJSON_PrintUnformatted(head);
  loomFile file = {0};

  int code = text && place ? loom_file_begin(&file, path, err)
                           : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a page");
  if (!code) {
    // The head, a line end, then the block of numbers, low byte first.
    fwrite(from, 1, (size_t)(place - from), file.stream);
    write_json(file.stream, text);
    fputc('\n', file.stream);
    for (size_t i = 0; i < p->n; i++) p->number[i] = htole16(p->number[i]);
    write_base64(file.stream, (const unsigned char*)p->number, p->n * sizeof *p->number);
    fwrite(place + sizeof mark - 1, 1, (size_t)(to - place) - sizeof mark + 1, file.stream);
    code = loom_file_commit(&file, err);
  }
  loom_file_abort(&file);
  cJSON_free(text);
  return code;
}

static cJSON* head_json(page* p) {
  const loomTask* task = p->app->task;
  const char* slash = strrchr(p->app->path, '/');
  cJSON *head = cJSON_CreateObject(), *arms = cJSON_AddArrayToObject(head, "arms");
  cJSON_AddStringToObject(head, "file", slash ? slash + 1 : p->app->path);
  cJSON_AddStringToObject(head, "task", task->name);
  cJSON_AddNumberToObject(head, "rate", task->control_freq);
  for (int arm = 0; arm < task->arm_count; arm++) {
    loomColor c = annotation_arm_color[arm];
    cJSON* out = cJSON_CreateObject();
    add_numbers(out, "color", (double[]){c.r, c.g, c.b}, 3);
    cJSON_AddItemToArray(arms, out);
  }
  p->meshes = cJSON_AddArrayToObject(head, "meshes");
  p->models = cJSON_AddArrayToObject(head, "models");
  p->demos = cJSON_AddArrayToObject(head, "demos");
  return head;
}

int view_page_write(viewApp* app, const char* path, loomError* err) {
  page p = {.app = app};
  cJSON* head = head_json(&p);
  const viewArgs* a = app->args;

  // One by its name, or the first ones.
  int first = a->demo ? app->first : 0, n = a->demo ? 1 : app->list.n, code = 0, left_out = 0;
  if (a->limit && n > a->limit) n = (int)a->limit;
  double start = loom_clock();

  for (int i = first; !code && i < first + n; i++) {
    loomError why = {0, ""};
    int shown = add_demo(&p, i, &why);
    if (shown == LOOM_ERR_MEMORY) code = loom_error_set(err, shown, "%s", why.message);

    // As in the window: what cannot be shown does not hide the others.
    if (shown && !code) {
      tool_progress_end();
      fprintf(stderr, "view: left out: %s\n", why.message);
      left_out++;
    }
    tool_progress("demos", i + 1 - first, n, loom_clock() - start, "written");
    if (tool_stop && !code)
      code = loom_error_set(err, LOOM_ERR_INTERRUPTED, "interrupted: no page is written");
  }
  tool_progress_end();

  if (!code && !cJSON_GetArraySize(p.demos))
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: none of its demos can be shown", app->path);
  if (!code) code = write_page(&p, head, path, err);
  if (!code)
    printf("wrote %s: %d demos, %.1f MB\n", path, cJSON_GetArraySize(p.demos), (double)p.n * 2 * 4 / 3 / 1e6);
  if (!code && left_out)
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%d of %d demos cannot be shown, and are not in %s", left_out,
                          n, path);
  cJSON_Delete(head);
  free(p.number);
  free(p.mesh_hash);
  free(p.model_hash);
  return code;
}
