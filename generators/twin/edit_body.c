// Bodies of a twin that is edited: found in its model, loaded with their meshes, made and thrown away.
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/model/mjcf.h"
#include "generators/twin/edit_work.h"

static int no_memory(loomError* err) {
  return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a twin");
}

void loom_edit_path(char out[LOOM_PATH_MAX + 128], const loomEdit* e, const char* dir, const char* name) {
  snprintf(out, LOOM_PATH_MAX + 128, "%.1000s/%.64s%s%.80s", e->def->folder, dir, *dir ? "/" : "", name);
}

int loom_edit_note(loomEdit* e, loomError* err, const char* format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return loom_names_add(&e->out->notes, text) ? no_memory(err) : 0;
}

// ---- in the model

static xmlNode* named_node(const xmlDoc* doc, const char* kind, const char* name) {
  xmlNode* root = xmlDocGetRootElement(doc);
  for (xmlNode* n = root; n; n = loom_mjcf_walk(root, n))
    if (loom_mjcf_is(n, kind) && loom_mjcf_has(n, "name", name)) return n;
  return NULL;
}

xmlNode* loom_edit_parent(const loomEditBody* body) {
  xmlNode* up = body->node->parent;
  return up && loom_mjcf_is(up, "body") ? up : NULL;
}

xmlNode* loom_edit_root(const loomEditBody* body) {
  xmlNode* at = body->node;
  while (at->parent && loom_mjcf_is(at->parent, "body")) at = at->parent;
  return at;
}

xmlNode* loom_edit_add_node(xmlNode* body, const char* kind) {
  xmlNode *node = xmlNewNode(NULL, (const xmlChar*)kind), *first = loom_mjcf_child(body, "body");
  if (!node) return NULL;
  return first ? xmlAddPrevSibling(first, node) : xmlAddChild(body, node);
}

int loom_edit_get_numbers(double* out, int n, const xmlNode* node, const char* name) {
  char *text = loom_mjcf_get(node, name), *at = text;
  int read = 0;
  while (text && read < n) {
    char* end;
    double number = strtod(at, &end);
    if (end == at) break;
    out[read++] = number;
    at = end;
  }

  xmlFree(text);
  return read;
}

int loom_edit_set_numbers(xmlNode* node, const char* name, const double* number, int n) {
  char text[512];
  size_t used = 0;
  for (int i = 0; i < n && used < sizeof text; i++)
    used += (size_t)snprintf(text + used, sizeof text - used, "%s%.9g", i ? " " : "", number[i] + 0.0);
  return loom_mjcf_set(node, name, text);
}

// All bodies, for whoever names one that there is not.
static void list_bodies(char* out, size_t n, const xmlDoc* doc) {
  xmlNode* root = xmlDocGetRootElement(doc);
  size_t used = 0;
  *out = 0;

  for (xmlNode* at = root; at; at = loom_mjcf_walk(root, at)) {
    char* name = loom_mjcf_is(at, "body") ? loom_mjcf_get(at, "name") : NULL;
    if (name && used + strlen(name) + 3 < n)
      used += (size_t)snprintf(out + used, n - used, "%s%s", used ? ", " : "", name);
    xmlFree(name);
  }
}

int loom_edit_find(loomEditBody** out, loomEdit* e, const char* name, loomError* err) {
  for (int i = 0; i < e->nbody; i++) {
    *out = &e->body[i];
    if (e->body[i].node && !strcmp(e->body[i].name, name)) return 0;
  }

  char known[400];
  xmlNode* node = named_node(e->doc, "body", name);
  list_bodies(known, sizeof known, e->doc);

  if (!node) return loom_error_set(err, LOOM_ERR_USAGE, "there is no body '%s', but %s", name, known);
  if (e->nbody == LOOM_TWIN_BODIES)
    return loom_error_set(err, LOOM_ERR_USAGE, "more than %d bodies", LOOM_TWIN_BODIES);
  *out = &e->body[e->nbody++];
  **out = (loomEditBody){.node = node, .joint = {.kind = LOOM_EDIT_KINDS}};
  snprintf((*out)->name, sizeof(*out)->name, "%s", name);

  return 0;
}

int loom_edit_add_body(loomEditBody** out, loomEdit* e, const char* name, loomEditBody* parent,
                       loomError* err) {
  if (named_node(e->doc, "body", name) || !strcmp(name, "world"))
    return loom_error_set(err, LOOM_ERR_USAGE, "there is a body '%s' already; take another name", name);
  if (e->nbody == LOOM_TWIN_BODIES)
    return loom_error_set(err, LOOM_ERR_USAGE, "more than %d bodies", LOOM_TWIN_BODIES);

  xmlNode* node = xmlNewChild(parent->node, NULL, (const xmlChar*)"body", NULL);
  if (!node || loom_mjcf_set(node, "name", name)) return no_memory(err);
  *out = &e->body[e->nbody++];
  **out = (loomEditBody){.node = node,
                         .loaded = true,
                         .changed = true,
                         .fresh = true,
                         .nlook = parent->nlook,
                         .density = parent->density,
                         .nrub = parent->nrub,
                         .rub = {parent->rub[0], parent->rub[1], parent->rub[2]},
                         .joint = {.kind = LOOM_EDIT_KINDS}};
  memcpy((*out)->look_material, parent->look_material, sizeof parent->look_material);
  snprintf((*out)->name, sizeof(*out)->name, "%s", name);
  return 0;
}

void loom_edit_remove_body(loomEdit* e, loomEditBody* body) {
  (void)e;
  xmlUnlinkNode(body->node);
  xmlFreeNode(body->node);
  loom_edit_body_destroy(body);
}

void loom_edit_body_destroy(loomEditBody* body) {
  for (int s = 0; s < body->nsolid; s++) loom_mesh_destroy(&body->solid[s].mesh);
  free(body->solid);
  loom_mesh_destroy(&body->look);
  *body = (loomEditBody){0};
}

// ---- its meshes

int loom_edit_add_solid(loomEditBody* body, const loomMesh* mesh, const loomEditSolid* like,
                        const loomPlane* plane, loomError* err) {
  loomEditSolid* more = realloc(body->solid, ((size_t)body->nsolid + 1) * sizeof *more);
  if (!more) return no_memory(err);
  body->solid = more;
  loomEditSolid* s = &more[body->nsolid++];
  *s = (loomEditSolid){.mesh = *mesh};
  if (!like) return 0;
  s->nplane = like->nplane;
  memcpy(s->plane, like->plane, sizeof s->plane);
  if (plane && s->nplane < LOOM_EDIT_PLANES) s->plane[s->nplane++] = *plane;
  return 0;
}

static int read_mesh(loomMesh* out, loomEdit* e, const char* file, loomError* err) {
  char path[LOOM_PATH_MAX + 128];
  loomScan scan = {0};
  loomScanDef def = loom_default_scan_def();
  if (strchr(file, '/') || !loom_ends_with(file, ".obj"))
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "%s: only meshes that `twin new` and `twin edit` have made are cut", file);
  loom_edit_path(path, e, e->mesh_dir, file);
  int code = loom_scan_read(&scan, path, &def, err);
  if (code) return code;
  *out = scan.mesh;
  scan.mesh = (loomMesh){0};
  loom_scan_destroy(&scan);

  return loom_mesh_join(out, err);
}

// All looks have the same: coordinates and materials.
static int add_look(loomEditBody* body, const loomMesh* mesh, const char* material, loomError* err) {
  loomMesh one;
  if (body->nlook == LOOM_EDIT_LOOKS)
    return loom_error_set(err, LOOM_ERR_USAGE, "'%s' has more than %d materials", body->name,
                          LOOM_EDIT_LOOKS);
  int code = loom_mesh_create(&one, mesh->nvert, mesh->nface, LOOM_MESH_COORDS | LOOM_MESH_MATERIALS, err);
  if (code) return code;

  memcpy(one.pos, mesh->pos, 3 * (size_t)mesh->nvert * sizeof *one.pos);
  memcpy(one.face, mesh->face, 3 * (size_t)mesh->nface * sizeof *one.face);
  if (mesh->coord) memcpy(one.coord, mesh->coord, 2 * (size_t)mesh->nvert * sizeof *one.coord);
  for (int f = 0; f < mesh->nface; f++) one.material[f] = body->nlook;
  snprintf(body->look_material[body->nlook++], sizeof *body->look_material, "%s", material ? material : "");
  if (!body->look.nface) {
    loom_mesh_destroy(&body->look);
    body->look = one;
    return 0;
  }
  code = loom_mesh_append(&body->look, &one, err);
  loom_mesh_destroy(&one);

  return code;
}

static int load_look(loomEdit* e, loomEditBody* body, const xmlNode* geom, loomError* err) {
  loomMesh mesh = {0};
  char *name = loom_mjcf_get(geom, "mesh"), *material = loom_mjcf_get(geom, "material");
  xmlNode* asset = name ? named_node(e->doc, "mesh", name) : NULL;
  char* file = asset ? loom_mjcf_get(asset, "file") : NULL;
  int code = file ? read_mesh(&mesh, e, file, err)
                  : loom_error_set(err, LOOM_ERR_USAGE, "'%s': its mesh '%s' names no file", body->name,
                                   name ? name : "");
  if (!code) code = add_look(body, &mesh, material, err);
  loom_mesh_destroy(&mesh);
  xmlFree(name);
  xmlFree(material);
  xmlFree(file);

  return code;
}

static int load_solid(loomEdit* e, loomEditBody* body, const char* file, loomError* err) {
  loomMesh mesh = {0}, welded = {0};
  int code = read_mesh(&mesh, e, file, err);
  if (!code) code = loom_mesh_weld(&welded, &mesh, err);
  if (!code) code = loom_edit_add_solid(body, &welded, NULL, NULL, err);
  loom_mesh_destroy(&mesh);
  if (code) loom_mesh_destroy(&welded);
  return code;
}

// Files are named in the model, or as `twin new` calls its one.
static int load_solids(loomEdit* e, loomEditBody* body, loomError* err) {
  char name[LOOM_TWIN_NAME + 16], list[4096];
  snprintf(name, sizeof name, "twin_%s", body->name);
  xmlNode* text = named_node(e->doc, "text", name);
  char* data = text ? loom_mjcf_get(text, "data") : NULL;
  if (data)
    snprintf(list, sizeof list, "%s", data);
  else
    snprintf(list, sizeof list, "%s_surface.obj", body->name);
  xmlFree(data);

  int code = 0;
  char* rest = NULL;
  for (char* file = strtok_r(list, " ", &rest); !code && file; file = strtok_r(NULL, " ", &rest))
    code = load_solid(e, body, file, err);

  return code;
}

int loom_edit_load(loomEdit* e, loomEditBody* body, loomError* err) {
  if (body->loaded) return 0;
  xmlNode* inertial = loom_mjcf_child(body->node, "inertial");
  char* mass = inertial ? loom_mjcf_get(inertial, "mass") : NULL;
  double kg = mass ? strtod(mass, NULL) : 0;
  xmlFree(mass);
  if (!(kg > 0))
    return loom_error_set(err, LOOM_ERR_USAGE, "'%s' is no object of a scan: it says no mass of its own",
                          body->name);

  int code = 0;
  for (xmlNode* g = loom_mjcf_child(body->node, "geom"); !code && g; g = loom_mjcf_sibling(g, "geom")) {
    bool look = loom_mjcf_has(g, "class", "look");
    if (look && loom_mjcf_has(g, "type", "mesh")) code = load_look(e, body, g, err);
    if (!look && !body->nrub) body->nrub = loom_edit_get_numbers(body->rub, 3, g, "friction");
  }
  if (!code) code = load_solids(e, body, err);
  double volume = code ? 1 : loom_edit_volume(body);
  if (!code && !(volume > 0))
    code = loom_error_set(err, LOOM_ERR_USAGE, "'%s' encloses no volume; `twin new --close`", body->name);
  body->density = kg / volume;
  body->loaded = !code;

  return code;
}

double loom_edit_volume(const loomEditBody* body) {
  double volume = 0;
  for (int s = 0; s < body->nsolid; s++) volume += loom_mesh_solid(&body->solid[s].mesh).volume;
  return volume;
}

void loom_edit_bounds(double low[3], double high[3], const loomEditBody* body, double yaw) {
  double c = cos(yaw), s = sin(yaw);
  for (int k = 0; k < 3; k++) {
    low[k] = INFINITY;
    high[k] = -INFINITY;
  }
  for (int i = 0; i < body->nsolid; i++) {
    const loomMesh* m = &body->solid[i].mesh;
    for (int v = 0; v < m->nvert; v++) {
      const double* p = m->pos + 3 * (size_t)v;
      const double at[3] = {c * p[0] + s * p[1], -s * p[0] + c * p[1], p[2]};
      for (int k = 0; k < 3; k++) {
        low[k] = fmin(low[k], at[k]);
        high[k] = fmax(high[k], at[k]);
      }
    }
  }
}
