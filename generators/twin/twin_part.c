#include "generators/twin/twin_part.h"

#include <math.h>
#include <mujoco/mujoco.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "generators/twin/decompose.h"

static const double largest_object = 5, smallest_object = 0.004,  // m across
    largest_room = 60, smallest_room = 0.3;
static const double room_coarser = 3;  // nobody grasps a wall
enum { MOST_AT_ONCE = 400000 };        // triangles; more are made fewer before anything else

int loom_twin_warn(loomTwinWork* work, loomError* err, const char* format, ...) {
  char text[1024];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return loom_names_add(&work->out->warnings, text)
             ? loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a warning")
             : 0;
}

bool loom_twin_step(void* user, double seconds) {
  const loomTwinWork* work = user;
  return work->def->step && work->def->step(work->def->user, work->label, seconds);
}

// The next thing that is done to a scan; also a place to stop at.
static int begin_step(loomTwinWork* work, const loomTwinPart* part, const char* what, loomError* err) {
  snprintf(work->label, sizeof work->label, "%s: %s", part->told.file, what);
  if (!loom_twin_step(work, 0)) return 0;
  return loom_error_set(err, LOOM_ERR_INTERRUPTED, "interrupted; nothing was written");
}

static int no_memory(loomError* err) {
  return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a twin");
}

// What "NAME=NUMBER" says of that name, or 0.
static double given_number(const char* const* list, int n, const char* name) {
  size_t length = strlen(name);
  for (int i = 0; i < n; i++)
    if (!strncmp(list[i], name, length) && list[i][length] == '=') return strtod(list[i] + length + 1, NULL);

  return 0;
}

// ---- read, turned up, of a size that can be

static double extent_of(const loomMesh* mesh, double size[3]) {
  double low[3], high[3];
  loom_mesh_bounds(low, high, mesh);
  for (int k = 0; k < 3; k++) size[k] = high[k] - low[k];
  return fmax(fmax(size[0], size[1]), size[2]);
}

// The unit in which a thing of that extent would be of a usual size, or 0.
static double likely_scale(double extent, bool room) {
  static const double units[] = {1, 0.001, 0.01, 0.0254, 0.3048, 100, 1000};
  double low = room ? 1.5 : 0.03, high = room ? 15 : 1.5;
  for (size_t i = 0; i < sizeof units / sizeof *units; i++)
    if (extent * units[i] >= low && extent * units[i] <= high) return units[i];
  return 0;
}

static int check_size(const loomTwinWork* work, const loomTwinPart* part, const char* path, loomError* err) {
  double size[3], extent = extent_of(&part->scan.mesh, size);
  bool room = part->told.scene;
  if (extent <= (room ? largest_room : largest_object) && extent >= (room ? smallest_room : smallest_object))
    return 0;

  double scale = likely_scale(extent / work->def->scale, room);
  char hint[160] = "give --scale so that it becomes as large as it is, in m";
  if (scale > 0)
    snprintf(hint, sizeof hint, "is its unit not the meter? With --scale %g it would be %.3g m", scale,
             extent / work->def->scale * scale);
  return loom_error_set(err, LOOM_ERR_FORMAT, "%s: it is %.3g m across, which no %s is; %s", path, extent,
                        room ? "room" : "object on a table", hint);
}

static int read_part(loomTwinWork* work, loomTwinPart* part, const char* path, loomError* err) {
  loomScanDef def = loom_default_scan_def();
  def.wait = loom_twin_step;
  def.wait_user = work;
  double begun = loom_clock();
  int code = begin_step(work, part, "read", err);
  if (!code) code = loom_scan_read(&part->scan, path, &def, err);
  if (code) return code;

  // y up becomes z up by a quarter turn about x.
  const double none[3] = {0, 0, 0};
  double s = work->def->scale, y_up[9] = {s, 0, 0, 0, 0, -s, 0, s, 0}, z_up[9] = {s, 0, 0, 0, s, 0, 0, 0, s};
  char up = work->def->up ? work->def->up : loom_scan_up(path);
  loom_mesh_transform(&part->scan.mesh, up == 'y' ? y_up : z_up, none);

  part->told.triangles = part->scan.mesh.nface;
  part->told.import_seconds = loom_clock() - begun;
  return check_size(work, part, path, err);
}

static int tell_textures(loomTwinWork* work, const loomTwinPart* part, loomError* err) {
  bool any = part->scan.mesh.color;
  int code = 0;
  for (int i = 0; !code && i < part->scan.nmaterial; i++) {
    const loomScanMaterial* m = &part->scan.material[i];
    any = any || m->image.rgb;
    if (m->why[0])
      code = loom_twin_warn(work, err, "%s: a texture is left out (%s): the surface has its material's color",
                            part->told.file, m->why);
  }
  if (code || any) return code;
  return loom_twin_warn(work, err, "%s: it has neither textures nor vertex colors: it is drawn in one color",
                        part->told.file);
}

static int clean_part(loomTwinWork* work, loomTwinPart* part, loomError* err) {
  loomMeshReport report = {0};
  loomMesh* mesh = &part->scan.mesh;
  int code = begin_step(work, part, "cleaned", err);
  if (!code) code = loom_mesh_join(mesh, err);
  if (!code) code = loom_mesh_clean(mesh, &report, err);
  part->told.degenerate = report.degenerate;
  part->told.duplicate = report.duplicate;

  if (!code && mesh->nface > MOST_AT_ONCE) {
    code = loom_twin_warn(
        work, err,
        "%s: %d triangles are more than a simulation has use for: %d are kept; make it simpler "
        "yourself for more say in that",
        part->told.file, part->told.triangles, MOST_AT_ONCE);
    if (!code) code = begin_step(work, part, "made simpler", err);
    if (!code) code = loom_mesh_simplify(mesh, MOST_AT_ONCE, 0.01, err);
  }
  if (!code && !mesh->nface)
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: none of its %d triangles has any area; export it again",
                          part->told.file, part->told.triangles);
  return code;
}

// ---- level, cut off its floor, without loose parts

static int level_part(loomTwinWork* work, loomTwinPart* part, bool* keep, loomFloor* floor, loomError* err) {
  loomMesh* mesh = &part->scan.mesh;
  int code = begin_step(work, part, "floor", err);
  if (!code) code = loom_floor_find(floor, mesh, err);
  for (int f = 0; f < mesh->nface; f++) keep[f] = true;
  if (code) return code;

  part->told.floor = floor->found;
  part->told.tilt = floor->found ? floor->tilt : 0;
  part->told.floor_rms = floor->rms;
  if (floor->found) {
    loom_floor_level(mesh, floor);
    return 0;
  }

  // Without one the lowest point is where it stands.
  const double same[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  double low[3], high[3];
  loom_mesh_bounds(low, high, mesh);
  const double shift[3] = {0, 0, -low[2]};
  loom_mesh_transform(mesh, same, shift);
  if (part->told.scene)
    code = loom_twin_warn(work, err,
                          "%s: no floor is seen in it; its lowest point stands on one at z = 0 (is its "
                          "up axis right? --up z or y)",
                          part->told.file);
  return code;
}

// Only the largest part of an object; of a room what is no shred.
static int drop_parts(loomTwinWork* work, loomTwinPart* part, bool* keep, loomError* err) {
  loomMesh* mesh = &part->scan.mesh;
  double *area = NULL, all = 0, left = 0;
  int parts, *of = loom_mesh_parts(&parts, &area, mesh), stays = 0, code = 0;
  if (!of) return no_memory(err);

  const loomTwinDef* def = work->def;
  int asked = (int)given_number(def->part, def->npart, part->told.name), one = asked > 0 ? asked - 1 : 0;
  for (int p = 0; p < parts; p++) all += area[p];
  for (int p = 0; p < parts; p++) {
    bool kept = part->told.scene ? area[p] > 0.002 * all : p == one;
    stays += kept;
    if (!kept && area[p] > left) left = area[p];
  }

  for (int f = 0; f < mesh->nface; f++) keep[f] = part->told.scene ? of[f] < stays : of[f] == one;
  if (!part->told.scene && one >= parts)
    code = loom_error_set(err, LOOM_ERR_USAGE, "%s: it has %d loose parts, and no part %d", part->told.file,
                          parts, asked);
  part->told.parts_left_out = parts - stays;
  if (!code && parts > stays) code = loom_mesh_keep(mesh, keep, err);
  for (int f = 0; f < mesh->nface; f++) keep[f] = true;

  if (!code && !part->told.scene && !asked && left > 0.05 * all)
    code =
        loom_twin_warn(work, err,
                       "%s: it is %d loose parts, of which the largest is taken; another has %.0f %% of the "
                       "surface: --part %s=2 takes the second largest, and so on",
                       part->told.file, parts, 100 * left / all, part->told.name);
  free(of);
  free(area);
  return code;
}

static int cut_floor(loomTwinPart* part, bool* keep, const loomFloor* floor, loomError* err) {
  int n = loom_floor_mark(keep, &part->scan.mesh, floor);
  if (n == part->scan.mesh.nface)
    return loom_error_set(
        err, LOOM_ERR_FORMAT,
        "%s: it is a flat sheet and encloses no volume; scan it from all sides, or give it as "
        "--scene",
        part->told.file);

  // Where it is cut it stands: its rim is as level as the floor.
  for (int v = 0; n && v < part->scan.mesh.nvert; v++) {
    double* z = &part->scan.mesh.pos[3 * (size_t)v + 2];
    if (*z < floor->within) *z = 0;
  }
  return n ? loom_mesh_keep(&part->scan.mesh, keep, err) : 0;
}

// Below its middle, where it stands.
static void center_object(loomTwinPart* part) {
  const double same[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  double low[3], high[3];
  loom_mesh_bounds(low, high, &part->scan.mesh);
  const double shift[3] = {-(low[0] + high[0]) / 2, -(low[1] + high[1]) / 2, -low[2]};
  loom_mesh_transform(&part->scan.mesh, same, shift);
}

// ---- what it encloses

// How deep a hollow at the top is, m: what faces up about the middle lies that much below a rim that is
// nearly as high as all of it, on nearly all sides. 0: there is none.
static double recess_of(const loomMesh* mesh, double height) {
  enum { SECTORS = 8, ENOUGH = 7 };
  double radius = 0, seen = 0, mean = 0;
  bool rim[SECTORS] = {false};
  int sides = 0;
  for (int v = 0; v < mesh->nvert; v++)
    radius = fmax(radius, hypot(mesh->pos[3 * (size_t)v], mesh->pos[3 * (size_t)v + 1]));

  for (int v = 0; v < mesh->nvert; v++) {
    const double* p = mesh->pos + 3 * (size_t)v;
    if (p[2] < 0.93 * height || hypot(p[0], p[1]) < 0.6 * radius) continue;
    rim[(int)((atan2(p[1], p[0]) / mjPI + 1) * SECTORS / 2) % SECTORS] = true;
  }
  for (int k = 0; k < SECTORS; k++) sides += rim[k];

  for (int f = 0; f < mesh->nface; f++) {
    double cross[3], middle[3] = {0};
    loom_face_cross(cross, mesh, f);
    for (int k = 0; k < 9; k++)
      middle[k % 3] +=
          mesh->pos[3 * (size_t)mesh->face[3 * (size_t)f + (size_t)(k / 3)] + (size_t)(k % 3)] / 3;
    if (cross[2] <= 0 || hypot(middle[0], middle[1]) > 0.5 * radius) continue;
    seen += cross[2];
    mean += cross[2] * middle[2];
  }
  return sides >= ENOUGH && seen > 0 ? fmax(height - mean / seen, 0) : 0;
}

static int check_closed(loomTwinWork* work, loomTwinPart* part, bool cut, loomError* err) {
  const double simple = 0.25;  // of the surface: a bowl's rim, of a sheet, is more
  bool all = cut || work->def->close;
  double most = all ? INFINITY : simple * loom_mesh_area(&part->surface);
  int before = loom_mesh_open_edges(&part->surface);
  int code = loom_mesh_close(&part->surface, most, &part->told.holes_closed, err);
  part->told.open_edges = code ? 0 : loom_mesh_open_edges(&part->surface);
  if (part->told.open_edges < 0) return no_memory(err);
  if (!code && !all && part->told.holes_closed)
    code = loom_twin_warn(work, err, "%s: it is not watertight (%d open edges): %d small holes are closed",
                          part->told.file, before, part->told.holes_closed);
  if (code || !part->told.open_edges) return code;
  return loom_twin_warn(
      work, err, "%s: it is not watertight (%d open edges): volume and mass are those of its convex pieces%s",
      part->told.file, part->told.open_edges,
      all ? "; repair it for exact ones" : "; --close closes all holes that have one rim");
}

static void turn_inside_out(loomMesh* mesh) {
  for (int f = 0; f < mesh->nface; f++) {
    int* i = mesh->face + 3 * (size_t)f;
    int kept = i[1];
    i[1] = i[2];
    i[2] = kept;
  }
}

static int check_volume(loomTwinWork* work, loomTwinPart* part, loomError* err) {
  double size[3];
  extent_of(&part->surface, size);
  double box = size[0] * size[1] * size[2], volume = loom_mesh_solid(&part->surface).volume;
  double thin = fmin(fmin(size[0], size[1]), size[2]);

  if (thin < 0.0005 || (!part->told.open_edges && fabs(volume) < 1e-4 * box))
    return loom_error_set(
        err, LOOM_ERR_FORMAT,
        "%s: it encloses no volume (%.3g x %.3g x %.3g m, %.3g ml): it is a sheet; give it a "
        "thickness (Blender: Solidify) or scan it from all sides",
        part->told.file, size[0], size[1], size[2], 1e6 * fabs(volume));
  if (volume >= 0 || part->told.open_edges) return 0;

  turn_inside_out(&part->surface);
  turn_inside_out(&part->scan.mesh);
  return loom_twin_warn(work, err, "%s: its surface was inside out and has been turned over",
                        part->told.file);
}

// ---- what it collides as

int loom_twin_add_shape(loomTwinPart* part, const loomShape* shape, loomError* err) {
  loomShape* more = realloc(part->shape, ((size_t)part->nshape + 1) * sizeof *more);
  if (!more) return no_memory(err);
  part->shape = more;
  part->shape[part->nshape++] = *shape;
  part->told.primitives += shape->type != LOOM_SHAPE_HULL;
  return 0;
}

// Convex pieces of a mesh; where a box or a cylinder does as well it stands in.
int loom_twin_add_pieces(loomTwinWork* work, loomTwinPart* part, const loomMesh* mesh, int limit,
                         loomError* err) {
  loomDecomposeDef def = loom_default_decompose_def();
  loomDecomposed made = {0};
  def.coacd = work->def->coacd;
  def.what = work->label;
  def.threshold = fmin(1, (part->told.scene ? room_coarser : 1) * work->def->threshold);
  def.pieces = limit;
  def.crumbs = work->def->crumbs;
  def.kept = work->kept;
  def.wait = loom_twin_step;
  def.wait_user = work;

  // A closed surface is taken as it is, unless CoACD cannot do with it: where making it simpler has pinched
  // it in many places (a drawer's gaps), that takes it longer than to make a clean one first.
  enum { PINCHED = 10 };
  loomError first = {0};
  def.as_it_is = !part->told.open_edges && !part->told.scene && loom_mesh_open_edges(mesh) <= PINCHED;
  int code = begin_step(work, part, "convex pieces", err);
  int tried = code || !def.as_it_is ? 1 : loom_decompose(&made, mesh, &def, &first);
  if (!code && tried == LOOM_ERR_INTERRUPTED) code = loom_error_set(err, tried, "%s", first.message);
  def.as_it_is = false;
  if (!code && tried) code = loom_decompose(&made, mesh, &def, err);
  for (int i = 0; !code && i < made.n; i++) {
    loomShape simple;
    double size[3], extent = extent_of(&made.shape[i].hull, size);
    bool fits = false;
    if (!part->exact)
      code = loom_shape_fit(&simple, &fits, &made.shape[i].hull, 0.05, fmax(0.001, 0.02 * extent), err);
    if (code) break;
    if (fits) loom_shape_destroy(&made.shape[i]);
    code = loom_twin_add_shape(part, fits ? &simple : &made.shape[i], err);
    made.shape[i] = (loomShape){0};
  }

  part->told.crumbs += made.crumbs;
  part->told.kept = made.kept;
  part->told.decompose_seconds += made.seconds;
  loom_decomposed_destroy(&made);
  return code;
}

// What the shapes enclose together, counted twice where two lie in each other.
static int solid_of_shapes(loomSolid* out, const loomTwinPart* part, loomError* err) {
  loomSolid* each = malloc(((size_t)part->nshape + 1) * sizeof *each);
  if (!each) return no_memory(err);
  for (int i = 0; i < part->nshape; i++) each[i] = loom_shape_solid(&part->shape[i]);
  *out = loom_solid_sum(each, part->nshape);
  free(each);
  return 0;
}

static int weigh(loomTwinWork* work, loomTwinPart* part, const loomMesh* closed, double height,
                 loomError* err) {
  loomSolid solid = loom_mesh_solid(closed);
  int code = part->told.open_edges ? solid_of_shapes(&solid, part, err) : 0;
  double given = given_number(work->def->mass, work->def->nmass, part->told.name);
  part->told.volume = solid.volume;
  part->told.mass = given > 0 ? given : work->def->density * solid.volume;

  memcpy(part->center, solid.center, sizeof part->center);
  for (int i = 0; i < 9; i++) part->inertia[i] = solid.inertia[i] * part->told.mass / solid.volume;

  // A scan fills vessels in.
  part->told.recess = recess_of(closed, height);
  if (code || given > 0 || part->told.recess < 0.15 * height) return code;
  return loom_twin_warn(
      work, err,
      "%s: it is hollow at the top (%.0f mm deep), and its walls and base enclose %.0f ml: if it "
      "is a vessel that the scan has filled in, %.3g kg is too much; give --mass %s=KG",
      part->told.file, 1000 * part->told.recess, 1e6 * solid.volume, part->told.mass, part->told.name);
}

// ---- an object

static int collide_object(loomTwinWork* work, loomTwinPart* part, loomError* err) {
  loomMesh whole = {0};
  extent_of(&part->surface, part->told.size);
  int code = loom_mesh_copy(&whole, &part->surface, err);
  if (!code) code = loom_mesh_simplify(&part->surface, work->def->solid, 0.01, err);

  // All of it a box or a cylinder, or convex pieces.
  bool fits = false;
  loomShape simple;
  double extent = fmax(fmax(part->told.size[0], part->told.size[1]), part->told.size[2]);
  if (!code && !part->told.open_edges)
    code = loom_shape_fit(&simple, &fits, &whole, 0.05, fmax(0.001, 0.02 * extent), err);
  if (!code)
    code = fits ? loom_twin_add_shape(part, &simple, err)
                : loom_twin_add_pieces(work, part, &part->surface, work->def->pieces, err);

  if (!code) code = begin_step(work, part, "how well the pieces do", err);
  if (!code) {
    loomShapeError off = loom_shape_error(part->shape, part->nshape, &part->surface, !part->told.open_edges);
    part->told.volume_error = off.volume;
    part->told.concavity = off.concavity;
    part->told.uncovered = off.uncovered;
    code = weigh(work, part, &whole, part->told.size[2], err);
  }
  loom_mesh_destroy(&whole);
  return code;
}

static int make_object(loomTwinWork* work, loomTwinPart* part, bool* keep, loomError* err) {
  loomFloor floor;
  int code = level_part(work, part, keep, &floor, err);
  if (!code && floor.found) code = cut_floor(part, keep, &floor, err);
  if (!code) code = drop_parts(work, part, keep, err);
  if (code) return code;

  center_object(part);
  code = loom_mesh_weld(&part->surface, &part->scan.mesh, err);
  if (!code) code = check_closed(work, part, floor.found, err);
  if (!code) code = check_volume(work, part, err);
  return code ? code : collide_object(work, part, err);
}

// ---- a room

static const double top_low = 0.25, top_high = 1.4, top_area = 0.1, top_thick = 0.03;  // m, m^2

static int add_tops(loomTwinWork* work, loomTwinPart* part, bool* keep, loomError* err) {
  int code = begin_step(work, part, "tables", err);
  if (!code)
    code = loom_tops_find(part->top, &part->ntop, keep, &part->scan.mesh, top_low, top_high, top_area, err);
  part->told.tops = part->ntop;

  for (int i = 0; !code && i < part->ntop; i++) {
    const loomTop* top = &part->top[i];
    loomShape shape;
    code = loom_shape_prism(&shape, top->outline, top->n, top->z - top_thick, top->z, err);
    if (!code) code = loom_twin_add_shape(part, &shape, err);
  }
  return code;
}

// Each connected part of what is neither floor nor table, by its share of the surface.
static int add_rest(loomTwinWork* work, loomTwinPart* part, const loomMesh* rest, loomError* err) {
  double *area = NULL, all = 0;
  int parts, *of = loom_mesh_parts(&parts, &area, rest), code = of ? 0 : no_memory(err);
  bool* keep = malloc((size_t)rest->nface + 1);
  if (!keep) code = no_memory(err);
  for (int p = 0; !code && p < parts; p++) all += area[p];

  for (int p = 0; !code && p < parts && area[p] > 0.01 * all; p++) {
    loomMesh one = {0}, welded = {0};
    double size[3];
    code = loom_mesh_copy(&one, rest, err);
    for (int f = 0; f < rest->nface; f++) keep[f] = of[f] == p;
    if (!code) code = loom_mesh_keep(&one, keep, err);
    if (!code) code = loom_mesh_weld(&welded, &one, err);
    if (!code) code = loom_mesh_simplify(&welded, work->def->solid, 0.01, err);

    // A limit for all of it, 0 = none.
    int limit = 2 * work->def->pieces;
    limit = limit ? (int)fmax(1, limit * area[p] / all) : 0;
    if (!code && extent_of(&welded, size) > 0.02)
      code = loom_twin_add_pieces(work, part, &welded, limit, err);
    loom_mesh_destroy(&one);
    loom_mesh_destroy(&welded);
  }
  free(of);
  free(area);
  free(keep);
  return code;
}

static int make_room(loomTwinWork* work, loomTwinPart* part, bool* keep, loomError* err) {
  loomFloor floor;
  loomMesh rest = {0};
  int code = level_part(work, part, keep, &floor, err);
  if (!code) code = drop_parts(work, part, keep, err);
  if (!code) loom_floor_mark(keep, &part->scan.mesh, &floor);
  if (!code) code = add_tops(work, part, keep, err);
  if (!code) extent_of(&part->scan.mesh, part->told.size);

  if (!code) code = loom_mesh_weld(&part->surface, &part->scan.mesh, err);
  if (!code) part->told.open_edges = loom_mesh_open_edges(&part->surface);
  if (!code) code = loom_mesh_copy(&rest, &part->scan.mesh, err);
  if (!code) code = loom_mesh_keep(&rest, keep, err);
  if (!code) code = add_rest(work, part, &rest, err);
  loom_mesh_destroy(&rest);
  if (code) return code;

  // What may stand off the scan: its concave places, all shapes together.
  code = loom_mesh_simplify(&part->surface, work->def->solid, 0.01, err);
  loomShapeError off = loom_shape_error(part->shape, part->nshape, &part->surface, false);
  part->told.volume_error = off.volume;
  part->told.concavity = off.concavity;
  return code;
}

int loom_twin_part(loomTwinWork* work, int i, const char* path, loomError* err) {
  loomTwinPart* part = &work->part[i];
  int code = read_part(work, part, path, err);
  if (!code) code = tell_textures(work, part, err);
  if (!code) code = clean_part(work, part, err);
  bool* keep = code ? NULL : malloc((size_t)part->scan.mesh.nface + 1);
  if (!code && !keep) code = no_memory(err);

  if (!code) code = part->told.scene ? make_room(work, part, keep, err) : make_object(work, part, keep, err);
  part->told.pieces = part->nshape;
  free(keep);
  return code;
}

void loom_twin_part_destroy(loomTwinPart* part) {
  for (int i = 0; i < part->nshape; i++) loom_shape_destroy(&part->shape[i]);
  free(part->shape);
  loom_tops_destroy(part->top, part->ntop);
  loom_mesh_destroy(&part->surface);
  loom_scan_destroy(&part->scan);
}
