// What a script has changed becomes files of new names, and elements of the model that name them.
#include <math.h>
#include <mujoco/mujoco.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/model/mjcf.h"
#include "generators/twin/edit_work.h"

static int no_memory(loomError* err) {
  return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a twin");
}

// ---- what a body had

static xmlNode* root_child(const loomEdit* e, const char* kind) {
  xmlNode *root = xmlDocGetRootElement(e->doc), *node = loom_mjcf_child(root, kind);
  return node ? node : xmlNewChild(root, NULL, (const xmlChar*)kind, NULL);
}

static xmlNode* named_child(const xmlNode* parent, const char* kind, const char* name) {
  xmlNode* n = loom_mjcf_child(parent, kind);
  while (n && !loom_mjcf_has(n, "name", name)) n = loom_mjcf_sibling(n, kind);
  return n;
}

static void drop_node(xmlNode* node) {
  if (!node) return;
  xmlUnlinkNode(node);
  xmlFreeNode(node);
}

static bool is_panel(const xmlNode* geom) {
  char* name = loom_mjcf_get(geom, "name");
  bool out = name && strstr(name, "_panel");
  xmlFree(name);
  return out;
}

// A mesh that only this geom has goes with it.
static int drop_mesh(loomEdit* e, const xmlNode* geom, loomError* err) {
  char *name = loom_mjcf_get(geom, "mesh"), *file = NULL;
  xmlNode* asset = name ? named_child(root_child(e, "asset"), "mesh", name) : NULL;
  int code = 0;
  if (asset) file = loom_mjcf_get(asset, "file");
  if (file && loom_names_add(&e->old, file)) code = no_memory(err);
  drop_node(asset);
  xmlFree(file);
  xmlFree(name);

  return code;
}

static int drop_geoms(loomEdit* e, loomEditBody* body, loomError* err) {
  int code = 0;
  for (xmlNode *g = loom_mjcf_child(body->node, "geom"), *next; !code && g; g = next) {
    next = loom_mjcf_sibling(g, "geom");
    bool look = loom_mjcf_has(g, "class", "look"), piece = loom_mjcf_has(g, "class", "piece");
    if ((!look && !piece) || is_panel(g)) continue;
    code = drop_mesh(e, g, err);
    drop_node(g);
  }

  // And the meshes that it was cut from.
  char name[LOOM_TWIN_NAME + 16];
  snprintf(name, sizeof name, "twin_%s", body->name);
  xmlNode* text = named_child(root_child(e, "custom"), "text", name);
  char *data = text ? loom_mjcf_get(text, "data") : NULL, *rest = NULL;
  for (char* f = data ? strtok_r(data, " ", &rest) : NULL; !code && f; f = strtok_r(NULL, " ", &rest))
    if (loom_names_add(&e->old, f)) code = no_memory(err);
  if (!text && !body->fresh) {
    snprintf(name, sizeof name, "%s_surface.obj", body->name);
    if (!code && loom_names_add(&e->old, name)) code = no_memory(err);
  }
  drop_node(text);
  xmlFree(data);

  return code;
}

// ---- what it has now

// A file NAME.obj of the mesh.
static int write_mesh(loomEdit* e, const loomMesh* mesh, const char* name, bool exact, loomError* err) {
  char file[LOOM_TWIN_NAME + 64], path[LOOM_PATH_MAX + 128];
  snprintf(file, sizeof file, "%s.obj", name);
  loom_edit_path(path, e, e->mesh_dir, file);
  if (loom_names_add(&e->made, file)) return no_memory(err);
  return loom_mesh_write_obj(mesh, path, exact, err);
}

typedef struct attribute {
  const char *name, *value;
} attribute;

static int set_all(xmlNode* node, const attribute* list, loomError* err) {
  if (!node) return no_memory(err);
  for (; list->name; list++)
    if (loom_mjcf_set(node, list->name, list->value)) return no_memory(err);
  return 0;
}

// A mesh of the model with its file, and the geom that shows it or collides as it.
static int add_mesh_geom(loomEdit* e, loomEditBody* body, const loomMesh* mesh, const char* kind, int number,
                         const char* class, const char* material, loomError* err) {
  char name[LOOM_TWIN_NAME + 48], geom[LOOM_TWIN_NAME + 48], file[LOOM_TWIN_NAME + 64];
  snprintf(name, sizeof name, "%s_e%d_%s%d", body->name, e->revision, kind, number);
  snprintf(geom, sizeof geom, "%s_%s%d", body->name, kind, number);
  snprintf(file, sizeof file, "%s.obj", name);
  bool look = *kind != 0;
  int code = write_mesh(e, mesh, name, false, err);
  const attribute asset[] = {
      {"name", name}, {"file", file}, {"inertia", look ? "shell" : "convex"}, {NULL, NULL}};
  if (!code)
    code = set_all(xmlNewChild(root_child(e, "asset"), NULL, (const xmlChar*)"mesh", NULL), asset, err);

  const attribute shown[] = {
      {"name", geom}, {"class", class}, {"type", "mesh"}, {"mesh", name}, {NULL, NULL}};
  xmlNode* node = code ? NULL : loom_edit_add_node(body->node, "geom");
  if (!code) code = set_all(node, shown, err);
  if (!code && material && *material && loom_mjcf_set(node, "material", material)) code = no_memory(err);
  return code;
}

// Faces of one material; those of caps have it too.
static int write_looks(loomEdit* e, loomEditBody* body, loomError* err) {
  int code = 0;
  for (int m = 0; !code && m < body->nlook; m++) {
    bool* keep = malloc((size_t)body->look.nface + 1);
    loomMesh one = {0};
    code = keep ? loom_mesh_copy(&one, &body->look, err) : no_memory(err);
    for (int f = 0; !code && f < body->look.nface; f++) keep[f] = body->look.material[f] % LOOM_MESH_CAP == m;
    if (!code) code = loom_mesh_keep(&one, keep, err);
    free(keep);
    if (!code && one.nface >= 4)
      code = add_mesh_geom(e, body, &one, "look", m, "look", body->look_material[m], err);
    loom_mesh_destroy(&one);
  }

  return code;
}

static int write_solids(loomEdit* e, loomEditBody* body, loomError* err) {
  char name[LOOM_TWIN_NAME + 48], list[4096] = "";
  size_t n = 0;
  int code = 0;
  for (int s = 0; !code && s < body->nsolid; s++) {
    snprintf(name, sizeof name, "%s_e%d_solid%d", body->name, e->revision, s);
    code = write_mesh(e, &body->solid[s].mesh, name, true, err);
    n += (size_t)snprintf(list + n, sizeof list - n, "%s%s.obj", n ? " " : "", name);
    if (!code && n >= sizeof list)
      code = loom_error_set(err, LOOM_ERR_USAGE, "'%s' is of too many solids; cut it less", body->name);
  }
  snprintf(name, sizeof name, "twin_%s", body->name);
  const attribute text[] = {{"name", name}, {"data", list}, {NULL, NULL}};
  return code ? code
              : set_all(xmlNewChild(root_child(e, "custom"), NULL, (const xmlChar*)"text", NULL), text, err);
}

// ---- what it collides as

// A convex piece that goes beyond one of the planes that its solid was cut along is cut off there.
static int trim_hull(loomShape* shape, const loomEditSolid* solid, loomError* err) {
  int code = 0;
  for (int p = 0; !code && shape->type == LOOM_SHAPE_HULL && p < solid->nplane; p++) {
    const loomPlane* plane = &solid->plane[p];
    double most = -INFINITY;
    for (int v = 0; v < shape->hull.nvert; v++)
      most = fmax(most, mju_dot3(plane->normal, shape->hull.pos + 3 * (size_t)v) - plane->at);
    if (most < 1e-7) continue;

    loomMesh in, out, welded = {0};
    code = loom_mesh_cut(&in, &out, &shape->hull, plane, err);
    if (code) break;
    code = loom_mesh_weld(&welded, &in, err);
    loom_mesh_destroy(&in);
    loom_mesh_destroy(&out);
    if (code) break;
    loom_mesh_destroy(&shape->hull);
    shape->hull = welded;
  }

  return code;
}

static double extent_of(const loomMesh* mesh) {
  double low[3], high[3];
  loom_mesh_bounds(low, high, mesh);
  return fmax(fmax(high[0] - low[0], high[1] - low[1]), high[2] - low[2]);
}

// CoACD measures by the size of what it is given: a solid's pieces may be as concave as those of all of it
// would.
static void scale_threshold(loomEdit* e, const loomEditBody* body, const loomMesh* mesh) {
  double most = 0;
  for (int s = 0; s < body->nsolid; s++) most = fmax(most, extent_of(&body->solid[s].mesh));
  e->twin_def.threshold = fmin(e->def->threshold * most / fmax(extent_of(mesh), 1e-9), 1);
}

static int decompose_solid(loomEdit* e, loomTwinPart* part, const loomEditSolid* solid, double all,
                           loomError* err) {
  double area = loom_mesh_area(&solid->mesh);
  int from = part->nshape, limit = e->def->pieces ? (int)fmax(1, ceil(e->def->pieces * area / all)) : 0;
  bool fits = false;
  loomShape simple;
  part->told.open_edges = loom_mesh_open_edges(&solid->mesh);
  int code = part->told.open_edges ? 0 : loom_shape_fit(&simple, &fits, &solid->mesh, 0.02, 0.0003, err);
  if (!code && fits) return loom_twin_add_shape(part, &simple, err);
  if (!code) code = loom_twin_add_pieces(e->work, part, &solid->mesh, limit, err);

  // In a draft its hull stands in for what would take long.
  if (code == LOOM_ERR_UNSUPPORTED && e->def->draft) {
    simple = (loomShape){.type = LOOM_SHAPE_HULL, .quat = {1, 0, 0, 0}};
    e->out->draft = true;
    code = loom_mesh_copy(&simple.hull, &solid->mesh, err);
    if (!code) code = loom_twin_add_shape(part, &simple, err);
  }
  for (int i = from; !code && i < part->nshape; i++) code = trim_hull(&part->shape[i], solid, err);
  return code;
}

static int write_shape(loomEdit* e, loomEditBody* body, const loomShape* s, int i, loomError* err) {
  if (s->type == LOOM_SHAPE_HULL) return add_mesh_geom(e, body, &s->hull, "", i, "piece", NULL, err);
  char name[LOOM_TWIN_NAME + 16];
  snprintf(name, sizeof name, "%s_%d", body->name, i);
  bool box = s->type == LOOM_SHAPE_BOX;
  const attribute list[] = {
      {"name", name}, {"class", "piece"}, {"type", box ? "box" : "cylinder"}, {NULL, NULL}};
  xmlNode* node = loom_edit_add_node(body->node, "geom");
  int code = set_all(node, list, err);
  if (!code &&
      (loom_edit_set_numbers(node, "size", s->size, box ? 3 : 2) ||
       loom_edit_set_numbers(node, "pos", s->pos, 3) || loom_edit_set_numbers(node, "quat", s->quat, 4)))
    code = no_memory(err);

  return code;
}

static int write_shapes(loomEdit* e, loomEditBody* body, loomTwinEditedBody* told, loomError* err) {
  loomTwinPart* part = &e->work->part[0];
  *part = (loomTwinPart){.exact = true};
  snprintf(part->told.name, sizeof part->told.name, "%s", body->name);
  snprintf(part->told.file, sizeof part->told.file, "%s", body->name);
  double all = 0;
  for (int s = 0; s < body->nsolid; s++) all += loom_mesh_area(&body->solid[s].mesh);

  int code = 0, n = 0;
  told->kept = true;
  for (int s = 0; !code && s < body->nsolid; s++) {
    part->told.kept = true;
    scale_threshold(e, body, &body->solid[s].mesh);
    code = decompose_solid(e, part, &body->solid[s], all, err);
    told->kept = told->kept && part->told.kept;
  }
  for (int i = 0; !code && i < part->nshape; i++) {
    if (part->shape[i].type == LOOM_SHAPE_HULL && part->shape[i].hull.nface < 4) continue;
    code = write_shape(e, body, &part->shape[i], n++, err);
  }

  for (xmlNode* g = loom_mjcf_child(body->node, "geom"); !code && body->nrub && g;
       g = loom_mjcf_sibling(g, "geom"))
    if (loom_mjcf_has(g, "class", "piece") && loom_edit_set_numbers(g, "friction", body->rub, body->nrub))
      code = no_memory(err);

  told->pieces = n;
  told->primitives = part->told.primitives;
  told->crumbs += part->told.crumbs;
  told->seconds = part->told.decompose_seconds;
  loom_twin_part_destroy(part);
  *part = (loomTwinPart){0};

  return code;
}

// ---- what it weighs

static int write_mass(loomEditBody* body, loomTwinEditedBody* told, loomError* err) {
  enum { MOST = 256 };
  loomSolid each[MOST];
  int n = 0;
  for (int s = 0; s < body->nsolid && n < MOST; s++) each[n++] = loom_mesh_solid(&body->solid[s].mesh);
  for (xmlNode* g = loom_mjcf_child(body->node, "geom"); g && n < MOST; g = loom_mjcf_sibling(g, "geom")) {
    loomShape box = {.type = LOOM_SHAPE_BOX, .quat = {1, 0, 0, 0}};
    if (!is_panel(g) || !loom_mjcf_has(g, "class", "piece")) continue;
    loom_edit_get_numbers(box.size, 3, g, "size");
    loom_edit_get_numbers(box.pos, 3, g, "pos");
    loom_edit_get_numbers(box.quat, 4, g, "quat");
    each[n++] = loom_shape_solid(&box);
  }

  loomSolid all = loom_solid_sum(each, n);
  double mass = body->mass > 0 ? body->mass : body->density * all.volume, full[6], scale = mass / all.volume;
  static const int of[6] = {0, 4, 8, 1, 2, 5};
  for (int i = 0; i < 6; i++) full[i] = scale * all.inertia[of[i]];
  told->volume = all.volume;
  told->mass = mass;

  xmlNode* node = loom_mjcf_child(body->node, "inertial");
  drop_node(node);
  xmlNode* first = xmlFirstElementChild(body->node);
  node = xmlNewNode(NULL, (const xmlChar*)"inertial");
  if (!node) return no_memory(err);
  if (first)
    xmlAddPrevSibling(first, node);
  else
    xmlAddChild(body->node, node);
  if (loom_edit_set_numbers(node, "pos", all.center, 3) || loom_edit_set_numbers(node, "mass", &mass, 1) ||
      loom_edit_set_numbers(node, "fullinertia", full, 6))
    return no_memory(err);

  return 0;
}

// Of a body whose shape stays.
static int change_mass(loomEditBody* body, loomError* err) {
  xmlNode* node = loom_mjcf_child(body->node, "inertial");
  double old = 0, inertia[6];
  if (!node || loom_edit_get_numbers(&old, 1, node, "mass") != 1 || !(old > 0))
    return loom_error_set(err, LOOM_ERR_USAGE, "'%s' says no mass of its own", body->name);
  static const char* const names[] = {"fullinertia", "diaginertia"};
  for (int i = 0; i < 2; i++) {
    int n = loom_edit_get_numbers(inertia, 6, node, names[i]);
    for (int k = 0; k < n; k++) inertia[k] *= body->mass / old;
    if (n && loom_edit_set_numbers(node, names[i], inertia, n)) return no_memory(err);
  }

  return loom_edit_set_numbers(node, "mass", &body->mass, 1) ? no_memory(err) : 0;
}

// ---- all of it

// What is hardly more than a fin of a cut is left out.
static void drop_slivers(loomEditBody* body, loomTwinEditedBody* told) {
  const double share = 1e-4, volume = loom_edit_volume(body);
  int n = 0;
  for (int s = 0; s < body->nsolid; s++) {
    if (loom_mesh_solid(&body->solid[s].mesh).volume > share * volume) {
      body->solid[n++] = body->solid[s];
    } else {
      loom_mesh_destroy(&body->solid[s].mesh);
      told->crumbs++;
    }
  }
  body->nsolid = n;
}

static int write_body(loomEdit* e, loomEditBody* body, loomError* err) {
  loomTwinEditedBody* told = &e->out->body[e->out->n++];
  double low[3], high[3];
  snprintf(told->name, sizeof told->name, "%s", body->name);
  drop_slivers(body, told);
  if (!body->nsolid) return loom_error_set(err, LOOM_ERR_USAGE, "nothing is left of '%s'", body->name);
  loom_edit_bounds(low, high, body, 0);
  mju_sub3(told->size, high, low);
  told->solids = body->nsolid;
  told->drawn = body->look.nface;

  int code = drop_geoms(e, body, err);
  if (!code) code = write_looks(e, body, err);
  if (!code) code = write_solids(e, body, err);
  if (!code) code = write_shapes(e, body, told, err);

  return code ? code : write_mass(body, told, err);
}

int loom_edit_write_bodies(loomEdit* e, loomError* err) {
  int code = 0;
  for (int i = 0; !code && i < e->nbody; i++) {
    loomEditBody* body = &e->body[i];
    if (body->node && body->changed) code = write_body(e, body, err);
    if (!code && body->node && !body->changed && body->mass > 0) code = change_mass(body, err);
    if (code == LOOM_ERR_USAGE || code == LOOM_ERR_FORMAT)
      code = loom_error_prefix(err, code, "%s", e->def->script);
  }
  return code;
}
