// A sequence's files: TUM's layout (Sturm et al., "A benchmark for the evaluation of RGB-D SLAM systems",
// IROS 2012: rgb.txt, depth.txt, groundtruth.txt) and Redwood's (Choi et al., "Robust reconstruction of
// indoor scenes", CVPR 2015: color/, depth/, trajectory.log).
#include <dirent.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/text.h"
#include "generators/twin/fuse_work.h"

enum { MOST_TEXT = 64 << 20, MOST_FRAMES = 1 << 20 };

/// What is read from.
typedef struct reading {
  const loomFuseDef* def;
  loomFuseSequence* out;
  loomNames* warnings;
  int room;
} reading;

static int no_memory(loomError* err) {
  return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a sequence");
}

static int warn(reading* r, loomError* err, const char* format, ...) LOOM_PRINTF(3, 4);
static int warn(reading* r, loomError* err, const char* format, ...) {
  char text[LOOM_PATH_MAX + 256];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);

  return loom_names_add(r->warnings, text) ? no_memory(err) : 0;
}

static void path_in(char out[LOOM_PATH_MAX], const loomFuseDef* def, const char* name) {
  snprintf(out, LOOM_PATH_MAX, "%.600s/%.400s", def->folder, name);
}

static bool is_there(const loomFuseDef* def, const char* name) {
  char path[LOOM_PATH_MAX];
  path_in(path, def, name);
  FILE* f = fopen(path, "r");
  if (f) fclose(f);

  return f != NULL;
}

static int add_frame(reading* r, const char* color, const char* depth, loomPose pose, loomError* err) {
  loomFuseSequence* s = r->out;
  if (s->n == r->room) {
    int room = r->room ? 2 * r->room : 64;
    loomFuseFrame* more = realloc(s->frame, (size_t)room * sizeof *more);
    if (!more || room > MOST_FRAMES) return no_memory(err);
    s->frame = more;
    r->room = room;
  }
  loomFuseFrame* f = &s->frame[s->n++];
  path_in(f->color, r->def, color);
  path_in(f->depth, r->def, depth);
  f->pose = pose;

  return 0;
}

// ---- TUM's lists

/// A line: a time, and a file or a pose.
typedef struct stamp {
  double time;
  char name[256];
  loomPose pose;
  int line;
} stamp;

typedef struct stamps {
  int n, room;
  stamp* stamp;
} stamps;

static int add_stamp(stamps* s, const stamp* one, loomError* err) {
  if (s->n == s->room) {
    int room = s->room ? 2 * s->room : 256;
    stamp* more = realloc(s->stamp, (size_t)room * sizeof *more);
    if (!more || room > MOST_FRAMES) return no_memory(err);
    s->stamp = more;
    s->room = room;
  }
  s->stamp[s->n++] = *one;

  return 0;
}

static bool read_numbers(double* out, int n, const char** text) {
  for (int i = 0; i < n; i++) {
    char* end;
    out[i] = strtod(*text, &end);
    if (end == *text) return false;
    *text = end;
  }

  return true;
}

// Names lead nowhere but into the folder.
static bool fits_folder(const char* name) {
  return *name && *name != '/' && !strstr(name, "..") && strlen(name) < 250;
}

static int read_line(stamp* out, const char* line, const char* path, bool pose, loomError* err) {
  const char* at = line;
  bool ok = read_numbers(&out->time, 1, &at) && isfinite(out->time);
  if (ok && !pose) {
    ok = sscanf(at, " %255s", out->name) == 1;
    if (ok && !fits_folder(out->name))
      return loom_error_set(err, LOOM_ERR_FORMAT, "%s:%d: a file outside of the folder", path, out->line);
  }
  if (ok && pose) {
    double p[7];
    ok = read_numbers(p, 7, &at);
    double length = ok ? sqrt(p[3] * p[3] + p[4] * p[4] + p[5] * p[5] + p[6] * p[6]) : 0;
    for (int k = 0; ok && k < 7; k++) ok = isfinite(p[k]);
    if (ok && fabs(length - 1) > 0.05) ok = false;
    if (!ok)
      return loom_error_set(
          err, LOOM_ERR_FORMAT,
          "%s:%d: expected a time, a place and a unit quaternion, x y z qx qy qz qw, all finite", path,
          out->line);
    for (int k = 0; k < 3; k++) {
      out->pose.pos[k] = p[k];
      out->pose.quat[k + 1] = p[3 + k] / length;
    }
    out->pose.quat[0] = p[6] / length;
  }

  return ok ? 0 : loom_error_set(err, LOOM_ERR_FORMAT, "%s:%d: expected a time and a file", path, out->line);
}

static int read_stamps(stamps* out, const loomFuseDef* def, const char* name, bool pose, loomError* err) {
  char path[LOOM_PATH_MAX], *text = NULL;
  path_in(path, def, name);
  int code = loom_read_text(&text, NULL, path, MOST_TEXT, err), line = 0;
  for (char *at = text, *end; !code && at && *at; at = end) {
    size_t n = strcspn(at, "\n");
    end = at + n + (at[n] == '\n');
    at[n] = 0;
    line++;
    while (*at == ' ' || *at == '\t' || *at == '\r') at++;
    if (!*at || *at == '#') continue;
    stamp one = {.line = line};
    code = read_line(&one, at, path, pose, err);
    if (!code && out->n && one.time < out->stamp[out->n - 1].time)
      code = loom_error_set(err, LOOM_ERR_FORMAT, "%s:%d: its time is before that of the line above", path,
                            line);
    if (!code) code = add_stamp(out, &one, err);
  }

  free(text);
  if (!code && !out->n) code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: it lists nothing", path);

  return code;
}

// The first at or after a time.
static int first_after(const stamps* s, double time) {
  int low = 0, high = s->n;
  while (low < high) {
    int middle = (low + high) / 2;
    if (s->stamp[middle].time < time)
      low = middle + 1;
    else
      high = middle;
  }

  return low;
}

static int nearest_to(const stamps* s, double time, double most) {
  int after = first_after(s, time), best = -1;
  for (int i = after - 1; i <= after; i++) {
    if (i < 0 || i >= s->n || fabs(s->stamp[i].time - time) > most) continue;
    if (best < 0 || fabs(s->stamp[i].time - time) < fabs(s->stamp[best].time - time)) best = i;
  }

  return best;
}

// Between the poses before and after it, where these are near.
static bool pose_at(loomPose* out, const stamps* s, double time) {
  const double most = 0.1;
  int after = first_after(s, time);
  if (after < s->n && s->stamp[after].time == time) {
    *out = s->stamp[after].pose;
    return true;
  }
  if (!after || after >= s->n) {
    int only = nearest_to(s, time, 0.02);
    if (only >= 0) *out = s->stamp[only].pose;
    return only >= 0;
  }
  const stamp *a = &s->stamp[after - 1], *b = &s->stamp[after];
  if (b->time - a->time > most) return false;
  *out = loom_pose_interpolate(a->pose, b->pose, (time - a->time) / (b->time - a->time));

  return true;
}

static int read_tum(reading* r, loomError* err) {
  stamps color = {0}, depth = {0}, pose = {0};
  int code = read_stamps(&color, r->def, "rgb.txt", false, err), no_depth = 0, no_pose = 0;
  if (!code) code = read_stamps(&depth, r->def, "depth.txt", false, err);
  if (!code) code = read_stamps(&pose, r->def, "groundtruth.txt", true, err);
  const stamp* first = NULL;

  for (int i = 0; !code && i < color.n; i++) {
    const stamp* c = &color.stamp[i];
    loomPose at;
    int d = nearest_to(&depth, c->time, 0.02);
    bool placed = pose_at(&at, &pose, c->time);
    no_depth += d < 0;
    no_pose += d >= 0 && !placed;
    if (d >= 0 && placed)
      code = add_frame(r, c->name, depth.stamp[d].name, at, err);
    else if (!first)
      first = c;
  }
  r->out->left_out = no_depth + no_pose;
  if (!code && first)
    code = warn(r, err,
                "%s/rgb.txt: of %d pictures %d have no depth within 0.02 s and %d no pose; the first is line "
                "%d, %.6f",
                r->def->folder, color.n, no_depth, no_pose, first->line, first->time);

  free(color.stamp);
  free(depth.stamp);
  free(pose.stamp);
  return code;
}

// ---- Redwood's folders

static bool is_png(const char* name) {
  return loom_ends_with(name, ".png");
}

static int list_pictures(loomNames* out, const loomFuseDef* def, const char* dir, loomError* err) {
  char path[LOOM_PATH_MAX];
  path_in(path, def, dir);
  DIR* d = opendir(path);
  int code = 0, others = 0;
  if (!d) return loom_error_set(err, LOOM_ERR_IO, "%s: cannot be read", path);
  for (struct dirent* e; !code && (e = readdir(d));) {
    if (is_png(e->d_name) && strlen(e->d_name) < 200)
      code = loom_names_add(out, e->d_name) ? no_memory(err) : 0;
    else
      others += e->d_name[0] != '.';
  }
  closedir(d);
  if (!code && !out->n)
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: no PNG in it%s", path,
                          others ? "; pictures of other kinds have to be converted" : "");
  loom_names_sort(out);

  return code;
}

// Blocks of five lines: three numbers, and a matrix T_world_camera.
static int read_log(stamps* out, const char* path, loomError* err) {
  char* text = NULL;
  int code = loom_read_text(&text, NULL, path, MOST_TEXT, err);
  const char* at = text;
  while (!code && at) {
    double head[3], m[16];
    while (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t') at++;
    if (!*at) break;
    stamp one = {.time = out->n};
    bool ok = read_numbers(head, 3, &at) && read_numbers(m, 16, &at);
    for (int k = 0; ok && k < 16; k++) ok = isfinite(m[k]);
    for (int c = 0; ok && c < 3; c++) {
      double length = sqrt(m[c] * m[c] + m[4 + c] * m[4 + c] + m[8 + c] * m[8 + c]);
      ok = fabs(length - 1) < 0.02;
    }
    if (!ok)
      code = loom_error_set(
          err, LOOM_ERR_FORMAT,
          "%s: pose number %d: expected three numbers and a matrix of 4 x 4 that turns and moves, all finite",
          path, out->n);
    if (!code) one.pose = loom_pose_from_matrix(m);
    if (!code) code = add_stamp(out, &one, err);
  }

  free(text);
  return code;
}

static const char* first_of(const loomFuseDef* def, const char* const* names) {
  while (*names && !is_there(def, *names)) names++;
  return *names;
}

static int read_redwood(reading* r, const char* color, const char* log, loomError* err) {
  char path[LOOM_PATH_MAX], names[2][512];
  loomNames colors = {0}, depths = {0};
  stamps pose = {0};
  path_in(path, r->def, log);
  int code = list_pictures(&colors, r->def, color, err);
  if (!code) code = list_pictures(&depths, r->def, "depth", err);
  if (!code) code = read_log(&pose, path, err);
  if (!code && colors.n != depths.n)
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: %d pictures in %s and %d in depth: one has no partner",
                          r->def->folder, colors.n, color, depths.n);
  for (int i = 0; !code && i < colors.n && i < pose.n; i++) {
    snprintf(names[0], sizeof names[0], "%s/%s", color, colors.name[i]);
    snprintf(names[1], sizeof names[1], "depth/%s", depths.name[i]);
    code = add_frame(r, names[0], names[1], pose.stamp[i].pose, err);
  }
  if (!code && colors.n > pose.n) {
    r->out->left_out = colors.n - pose.n;
    code = warn(r, err, "%s: %d poses for %d pictures: the last %d are left out", path, pose.n, colors.n,
                colors.n - pose.n);
  }
  loom_names_destroy(&colors);
  loom_names_destroy(&depths);

  free(pose.stamp);
  return code;
}

// ---- the camera

// {"intrinsic_matrix": [fx, 0, 0, 0, fy, 0, cx, cy, 1]}, column by column, as Open3D writes it.
static int read_camera(loomPinhole* out, const char* path, loomError* err) {
  char* text = NULL;
  int code = loom_read_text(&text, NULL, path, 1 << 20, err);
  cJSON* json = code ? NULL : loom_json_read(text);
  const cJSON* list = json ? cJSON_GetObjectItemCaseSensitive(json, "intrinsic_matrix") : NULL;
  double m[9];
  bool ok = cJSON_IsArray(list) && cJSON_GetArraySize(list) == 9;
  for (int i = 0; ok && i < 9; i++) {
    const cJSON* n = cJSON_GetArrayItem(list, i);
    ok = cJSON_IsNumber(n) && isfinite(n->valuedouble);
    m[i] = ok ? n->valuedouble : 0;
  }
  if (ok) *out = (loomPinhole){m[0], m[4], m[6], m[7]};
  if (!code && (!ok || !(out->fx > 0) || !(out->fy > 0)))
    code = loom_error_set(
        err, LOOM_ERR_FORMAT,
        "%s: expected intrinsic_matrix, nine numbers column by column: fx 0 0 0 fy 0 cx cy 1", path);
  cJSON_Delete(json);

  free(text);
  return code;
}

static int find_camera(reading* r, loomError* err) {
  static const char* const files[] = {"camera_intrinsic.json", "intrinsic.json", "camera.json", NULL};
  const char* file = first_of(r->def, files);
  char path[LOOM_PATH_MAX];
  r->out->camera = r->def->camera;
  if (r->def->camera.fx > 0) return 0;
  if (!file)
    return loom_error_set(
        err, LOOM_ERR_USAGE,
        "%s: nothing says how its camera sees: give --camera FX,FY,CX,CY, or put a camera_intrinsic.json "
        "there",
        r->def->folder);
  path_in(path, r->def, file);

  return read_camera(&r->out->camera, path, err);
}

int loom_fuse_read(loomFuseSequence* out, loomNames* warnings, const loomFuseDef* def, loomError* err) {
  static const char* const colors[] = {"color", "image", "rgb", NULL};
  static const char* const logs[] = {"trajectory.log", "pose.log", NULL};
  reading r = {def, out, warnings, 0};
  *out = (loomFuseSequence){0};
  if (!loom_is_folder(def->folder))
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: no such folder", def->folder);
  bool tum = is_there(def, "rgb.txt") || is_there(def, "groundtruth.txt");
  const char *log = first_of(def, logs), *color = first_of(def, colors);
  int code = 0;
  snprintf(out->layout, sizeof out->layout, "%s", tum ? "TUM" : "Redwood");
  out->depth_scale = def->depth_scale > 0 ? def->depth_scale : tum ? 5000 : 1000;
  if (tum)
    code = read_tum(&r, err);
  else if (log && color)
    code = read_redwood(&r, color, log, err);
  else
    code = loom_error_set(
        err, LOOM_ERR_USAGE,
        "%s: neither TUM's layout (rgb.txt, depth.txt, groundtruth.txt) nor Redwood's (color/, depth/, "
        "trajectory.log)",
        def->folder);
  if (!code && !out->n)
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: no picture has a depth and a pose", def->folder);
  if (!code) code = find_camera(&r, err);
  if (code) loom_fuse_sequence_destroy(out);

  return code;
}

void loom_fuse_sequence_destroy(loomFuseSequence* s) {
  free(s->frame);
  *s = (loomFuseSequence){0};
}
