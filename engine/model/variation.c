#include "engine/model/variation.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/model/mjcf.h"
#include "engine/model/model.h"
#include "engine/model/model_stat.h"
#include "engine/model/trap.h"

typedef struct objectGeom {
  char name[LOOM_GEOM_NAME_MAX];  // "" when it has none
  int type;                       // mjtGeom
  bool collides;                  // has contacts, hence mass; the others are only seen
  bool ends;                      // it is given by its ends (fromto), which come to
  double pos[3], quat[4], size[3];
} objectGeom;

// All texts are read-only after bind, so that threads share them; apply parses the small one afresh.
struct loomVariation {
  char* label;
  char body[LOOM_GEOM_NAME_MAX];
  char* small;   // MJCF of the object alone, with the scene's compiler settings and defaults
  char* prefix;  // the scene's MJCF up to the object's <body>
  char* suffix;  // and after it
  int geoms;
  objectGeom* geom;  // (geoms), in the order of the text
  bool has_inertial;
  double mass;  // recorded, kg
  bool keep_meaninertia, keep_meanmass, keep_meansize, keep_extent,
      keep_center;  // set by the scene's <statistic>
};

// ---- compiling the object alone

typedef struct smallJob {
  const char* text;
  mjSpec* spec;
  mjModel* model;
  char why[512];
} smallJob;

static int compile_small_trapped(void* arg) {
  smallJob* job = arg;
  job->spec = mj_parseXMLString(job->text, NULL, job->why, sizeof job->why);
  if (!job->spec) return LOOM_ERR_SIM;

  // Compiling makes a state of its own, of 13 MB unless told otherwise, which a sanitizer marks byte by byte.
  // Of a body that touches nothing 1 MB is plenty.
  job->spec->memory = 1 << 20;
  job->model = mj_compile(job->spec, NULL);
  if (!job->model) snprintf(job->why, sizeof job->why, "%s", mjs_getError(job->spec));

  return job->model ? LOOM_OK : LOOM_ERR_SIM;
}

static int compile_small(mjModel** out, const loomVariation* v, const xmlDoc* doc, loomError* err) {
  loomText text = {0};
  loom_mjcf_write_document(&text, doc, NULL);
  if (text.failed) {
    loom_text_destroy(&text);
    return loom_error_set(err, LOOM_ERR_MEMORY, "%s: %s: out of memory", v->label, v->body);
  }

  smallJob job = {.text = text.s};
  loomError why = {0};
  int code = loom_trap_run(compile_small_trapped, &job, &why);

  // After a trapped error its state is unknown: it is left alone.
  if (job.spec && (job.model || job.why[0])) mj_deleteSpec(job.spec);
  loom_text_destroy(&text);

  *out = job.model;
  if (!code) return LOOM_OK;

  for (char* c = job.why; *c; c++) {
    if (*c == '\n') *c = ' ';
  }

  return loom_error_set(err, code, "%s: object %s: %s", v->label, v->body,
                        job.why[0] ? job.why : why.message);
}

static xmlNode* object_of(const xmlDoc* doc) {
  return loom_mjcf_child(loom_mjcf_child(xmlDocGetRootElement(doc), "worldbody"), "body");
}

static void drop_node(xmlNode* node) {
  xmlUnlinkNode(node);
  xmlFreeNode(node);
}

static void drop_children(xmlNode* parent, const char* name) {
  for (xmlNode *node = loom_mjcf_child(parent, name), *next; node; node = next) {
    next = loom_mjcf_sibling(node, name);
    drop_node(node);
  }
}

// Leave out what names other parts of the scene and has no say in the object's physics.
static void drop_references(const xmlDoc* doc) {
  drop_children(object_of(doc), "camera");
  drop_children(object_of(doc), "light");

  xmlNode* root = xmlDocGetRootElement(doc);
  for (xmlNode* node = root; node; node = loom_mjcf_walk(root, node)) loom_mjcf_unset(node, "material");
}

// ---- binding

static int unsupported(const loomVariation* v, const xmlNode* node, const char* why, loomError* err) {
  return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s:%ld: object %s cannot change size: %s", v->label,
                        xmlGetLineNo(node), v->body, why);
}

static bool has_attribute(const xmlNode* node, const char* attribute) {
  return xmlHasProp(node, (const xmlChar*)attribute) != NULL;
}

static int check_compiler(const loomVariation* v, const xmlNode* root, loomError* err) {
  for (xmlNode* node = loom_mjcf_child(root, "compiler"); node; node = loom_mjcf_sibling(node, "compiler")) {
    if (loom_mjcf_has(node, "inertiafromgeom", "true")) {
      return unsupported(v, node, "inertiafromgeom=\"true\" overrules its <inertial>", err);
    }

    if (loom_mjcf_has(node, "alignfree", "true"))
      return unsupported(v, node, "alignfree moves its frame", err);

    if (has_attribute(node, "settotalmass"))
      return unsupported(v, node, "settotalmass rescales its mass", err);
  }

  return LOOM_OK;
}

static int check_child(const loomVariation* v, const xmlNode* node, int* joints, loomError* err) {
  bool free_joint = loom_mjcf_is(node, "freejoint");
  if (free_joint || loom_mjcf_is(node, "joint")) {
    if (!free_joint && !loom_mjcf_has(node, "type", "free"))
      return unsupported(v, node, "its joint is not free", err);
    if (loom_mjcf_has(node, "align", "true")) return unsupported(v, node, "align moves its frame", err);
    (*joints)++;
    return LOOM_OK;
  }

  if (loom_mjcf_is(node, "geom")) {
    if (has_attribute(node, "mesh")) return unsupported(v, node, "it has a mesh", err);
    return LOOM_OK;
  }

  const char* allowed[] = {"inertial", "site", "camera", "light"};
  for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
    if (loom_mjcf_is(node, allowed[i])) return LOOM_OK;
  }

  char why[100];
  snprintf(why, sizeof why, "it has a <%.40s>", (const char*)node->name);
  return unsupported(v, node, why, err);
}

static int find_object(xmlNode** out, loomVariation* v, const xmlDoc* doc, loomError* err) {
  xmlNode* root = xmlDocGetRootElement(doc);
  for (xmlNode* world = loom_mjcf_child(root, "worldbody"); world;
       world = loom_mjcf_sibling(world, "worldbody")) {
    for (xmlNode* node = loom_mjcf_child(world, "body"); node; node = loom_mjcf_sibling(node, "body")) {
      if (!loom_mjcf_has(node, "name", v->body)) continue;

      int joints = 0;
      for (xmlNode* child = loom_mjcf_child(node, NULL); child; child = loom_mjcf_sibling(child, NULL)) {
        int code = check_child(v, child, &joints, err);
        if (code) return code;
      }

      *out = node;
      v->has_inertial = loom_mjcf_child(node, "inertial") != NULL;
      if (joints != 1) return unsupported(v, node, "it needs exactly one free joint", err);
      return check_compiler(v, root, err);
    }
  }

  return loom_error_set(err, LOOM_ERR_USAGE, "%s: no <body name=\"%s\"> directly in the worldbody", v->label,
                        v->body);
}

static void note_given_stats(loomVariation* v, const xmlDoc* doc) {
  const xmlNode* root = xmlDocGetRootElement(doc);

  for (xmlNode* node = loom_mjcf_child(root, "statistic"); node;
       node = loom_mjcf_sibling(node, "statistic")) {
    v->keep_meaninertia |= has_attribute(node, "meaninertia");
    v->keep_meanmass |= has_attribute(node, "meanmass");
    v->keep_meansize |= has_attribute(node, "meansize");
    v->keep_extent |= has_attribute(node, "extent");
    v->keep_center |= has_attribute(node, "center");
  }
}

static void write_children(loomText* text, const xmlNode* root, const char* name) {
  for (xmlNode* node = loom_mjcf_child(root, name); node; node = loom_mjcf_sibling(node, name)) {
    loom_mjcf_write(text, node, NULL);
    loom_text_puts(text, "\n");
  }
}

static int keep_texts(loomVariation* v, const xmlDoc* doc, const xmlNode* object, loomError* err) {
  loomText whole = {0}, small = {0};
  loomMjcfMark mark = {.node = object};
  loom_mjcf_write_document(&whole, doc, &mark);

  // What decides how the object's attributes are read goes with it.
  loom_text_puts(&small, "<mujoco>\n");
  write_children(&small, xmlDocGetRootElement(doc), "compiler");
  write_children(&small, xmlDocGetRootElement(doc), "default");
  loom_text_puts(&small, "<worldbody>\n");
  loom_mjcf_write(&small, object, NULL);
  loom_text_puts(&small, "</worldbody></mujoco>\n");

  // The scene in two pieces, without the object between them.
  if (!whole.failed) {
    v->prefix = strndup(whole.s, mark.begin);
    v->suffix = strdup(whole.s + mark.end);
  }

  loom_text_destroy(&whole);
  if (small.failed || !v->prefix || !v->suffix) {
    loom_text_destroy(&small);
    return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", v->label);
  }

  v->small = small.s;
  return LOOM_OK;
}

static int parse_small(xmlDoc** out, const loomVariation* v, loomError* err) {
  return loom_mjcf_parse(out, v->small, loom_default_model_def().max_xml_bytes, v->label, err);
}

static int keep_geoms(loomVariation* v, const mjModel* m, const xmlDoc* doc, loomError* err) {
  v->geom = calloc((size_t)m->ngeom + 1, sizeof *v->geom);
  if (!v->geom) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", v->label);

  // The compiled model has the geoms in the text's order.
  xmlNode* node = loom_mjcf_child(object_of(doc), "geom");
  for (int i = 0; node && i < m->ngeom; i++, node = loom_mjcf_sibling(node, "geom")) {
    objectGeom* geom = &v->geom[v->geoms++];
    char* name = loom_mjcf_get(node, "name");
    bool fits = !name || strlen(name) < sizeof geom->name;
    if (name && fits) snprintf(geom->name, sizeof geom->name, "%s", name);
    xmlFree(name);

    geom->type = m->geom_type[i];
    geom->collides = m->geom_contype[i] || m->geom_conaffinity[i];
    geom->ends = has_attribute(node, "fromto");
    memcpy(geom->pos, m->geom_pos + 3 * i, sizeof geom->pos);
    memcpy(geom->quat, m->geom_quat + 4 * i, sizeof geom->quat);
    memcpy(geom->size, m->geom_size + 3 * i, sizeof geom->size);

    if (!fits) return unsupported(v, node, "a geom's name is too long", err);
    bool primitive = geom->type >= mjGEOM_SPHERE && geom->type <= mjGEOM_BOX;
    if (!primitive)
      return unsupported(v, node, "a geom is not a sphere, capsule, ellipsoid, cylinder or box", err);
  }

  return LOOM_OK;
}

static int inspect_small(loomVariation* v, loomError* err) {
  xmlDoc* doc = NULL;
  int code = parse_small(&doc, v, err);
  if (code) return code;

  drop_references(doc);
  mjModel* m = NULL;
  code = compile_small(&m, v, doc, err);
  if (!code) code = keep_geoms(v, m, doc, err);
  if (!code) v->mass = m->body_mass[1];

  mj_deleteModel(m);
  xmlFreeDoc(doc);
  return code;
}

int loom_variation_bind(loomVariation** out, const char* xml, const char* label, const char* body,
                        loomError* err) {
  *out = NULL;
  loomVariation* v = calloc(1, sizeof *v);
  if (v) v->label = strdup(label);
  if (!v || !v->label) {
    free(v);
    return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", label);
  }

  xmlDoc* doc = NULL;
  xmlNode* object = NULL;
  int code = LOOM_OK;
  if (strlen(body) >= sizeof v->body)
    code = loom_error_set(err, LOOM_ERR_USAGE, "%s: body name too long", label);
  if (!code) snprintf(v->body, sizeof v->body, "%s", body);

  // The text may be a stranger's: it is checked before anything is made of it.
  if (!code) code = loom_mjcf_parse(&doc, xml, loom_default_model_def().max_xml_bytes, label, err);
  if (!code) code = loom_mjcf_check(doc, label, err);
  if (!code) code = find_object(&object, v, doc, err);
  if (!code) note_given_stats(v, doc);

  if (!code) code = keep_texts(v, doc, object, err);
  if (!code) code = inspect_small(v, err);

  xmlFreeDoc(doc);
  if (code) {
    loom_variation_destroy(v);
    return code;
  }

  *out = v;
  return LOOM_OK;
}

void loom_variation_destroy(loomVariation* v) {
  if (!v) return;
  free(v->label);
  free(v->small);
  free(v->prefix);
  free(v->suffix);
  free(v->geom);
  free(v);
}

// ---- edits

static const int size_count[] = {[mjGEOM_SPHERE] = 1,
                                 [mjGEOM_CAPSULE] = 2,
                                 [mjGEOM_ELLIPSOID] = 3,
                                 [mjGEOM_CYLINDER] = 2,
                                 [mjGEOM_BOX] = 3};

static int find_geom(const loomVariation* v, const char* name) {
  for (int i = 0; i < v->geoms; i++) {
    if (*name && strcmp(v->geom[i].name, name) == 0) return i;
  }

  return -1;
}

// A site of the object, which can be moved only.
static xmlNode* site_node(const xmlDoc* doc, const char* name) {
  xmlNode* node = loom_mjcf_child(object_of(doc), "site");
  while (node && !loom_mjcf_has(node, "name", name)) node = loom_mjcf_sibling(node, "site");
  return node;
}

static bool positive(const double* value, int n) {
  bool good = true;
  for (int i = 0; i < n; i++) good = good && isfinite(value[i]) && value[i] > 0;
  return good;
}

static int check_edit(const loomVariation* v, const xmlDoc* doc, const loomGeomEdit* edit, loomError* err) {
  int i = find_geom(v, edit->geom);
  bool moved_only = !edit->has_size && !edit->has_density && !edit->has_friction;
  if (i < 0 && !(moved_only && site_node(doc, edit->geom))) {
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: object %s has no geom \"%s\"%s", v->label, v->body,
                          edit->geom, moved_only ? ", nor a site" : "");
  }

  const char* wrong = NULL;
  if (edit->has_size && !positive(edit->size, size_count[v->geom[i].type])) wrong = "size";
  if (edit->has_density && !positive(&edit->density, 1)) wrong = "density";
  for (int k = 0; k < 3; k++) {
    if (edit->has_pos && !isfinite(edit->pos[k])) wrong = "pos";
    if (edit->has_friction && !(isfinite(edit->friction[k]) && edit->friction[k] >= 0)) wrong = "friction";
  }

  if (!wrong) return LOOM_OK;
  return loom_error_set(err, LOOM_ERR_USAGE, "%s: geom %s: its %s is not a positive, finite number", v->label,
                        edit->geom, wrong);
}

static xmlNode* geom_node(const xmlDoc* doc, int index) {
  xmlNode* node = loom_mjcf_child(object_of(doc), "geom");
  while (node && index-- > 0) node = loom_mjcf_sibling(node, "geom");
  return node;
}

// Ends would overrule what is written beside them.
static int forget_ends(const objectGeom* geom, xmlNode* node) {
  if (!geom->ends) return LOOM_OK;
  loom_mjcf_unset(node, "fromto");
  return loom_mjcf_set_numbers(node, "pos", geom->pos, 3) |
         loom_mjcf_set_numbers(node, "quat", geom->quat, 4) |
         loom_mjcf_set_numbers(node, "size", geom->size, size_count[geom->type]);
}

static int write_edit(const loomVariation* v, const xmlDoc* doc, const loomGeomEdit* edit) {
  int i = find_geom(v, edit->geom);
  xmlNode* node = i < 0 ? site_node(doc, edit->geom) : geom_node(doc, i);
  int code = i >= 0 && (edit->has_size || edit->has_pos) ? forget_ends(&v->geom[i], node) : LOOM_OK;

  if (edit->has_size) code |= loom_mjcf_set_numbers(node, "size", edit->size, size_count[v->geom[i].type]);
  if (edit->has_pos) code |= loom_mjcf_set_numbers(node, "pos", edit->pos, 3);
  if (edit->has_friction) code |= loom_mjcf_set_numbers(node, "friction", edit->friction, 3);

  return code ? LOOM_ERR_MEMORY : LOOM_OK;
}

// ---- inertia

static const double* density_of(const loomVariation* v, const loomGeomEdit* edits, int n, int geom) {
  const double* density = NULL;

  // Of several edits of a geom the last one counts.
  for (int i = 0; i < n; i++) {
    if (edits[i].has_density && find_geom(v, edits[i].geom) == geom) density = &edits[i].density;
  }

  return density;
}

// Take the recorded inertial out and give densities to the geoms with contacts; the others carry no mass,
// whatever their group, so they go.
static int write_densities(const loomVariation* v, const xmlDoc* doc, const loomGeomEdit* edits, int n,
                           loomError* err) {
  drop_children(object_of(doc), "inertial");

  xmlNode* compiler = loom_mjcf_child(xmlDocGetRootElement(doc), "compiler");
  for (; compiler; compiler = loom_mjcf_sibling(compiler, "compiler"))
    loom_mjcf_unset(compiler, "inertiagrouprange");

  xmlNode *node = geom_node(doc, 0), *next;
  for (int i = 0; node && i < v->geoms; i++, node = next) {
    // Read ahead: it may be dropped.
    next = loom_mjcf_sibling(node, "geom");
    const double* density = v->geom[i].collides ? density_of(v, edits, n, i) : NULL;

    if (!v->geom[i].collides) {
      drop_node(node);
    } else if (!density) {
      return loom_error_set(err, LOOM_ERR_USAGE,
                            "%s: geom %s of %s has contacts but no density, while others have one", v->label,
                            v->geom[i].name, v->body);
    } else if (loom_mjcf_set_numbers(node, "density", density, 1)) {
      return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", v->label);
    } else {
      loom_mjcf_unset(node, "mass");
    }
  }

  return LOOM_OK;
}

// The model of the object alone with its inertia inferred: from the densities of the edits, or, when they
// give none, from what the text says of its geoms.
static int infer_inertia(mjModel** out, const loomVariation* v, xmlDoc* doc, bool densities,
                         const loomGeomEdit* edits, int n, loomError* err) {
  xmlDoc* copy = xmlCopyDoc(doc, 1);
  if (!copy) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", v->label);

  // A copy, for the document itself still becomes the scene's text.
  drop_references(copy);
  int code = densities ? write_densities(v, copy, edits, n, err) : LOOM_OK;
  if (!code) code = compile_small(out, v, copy, err);

  xmlFreeDoc(copy);
  return code;
}

static int write_inertial(const xmlDoc* doc, const mjModel* m) {
  xmlNode* object = object_of(doc);
  xmlNode* node = loom_mjcf_child(object, "inertial");

  // An old one is emptied: none of its attributes may remain (fullinertia beside diaginertia).
  if (node) {
    xmlFreePropList(node->properties);
    node->properties = NULL;
  } else {
    node = xmlNewNode(NULL, (const xmlChar*)"inertial");
    xmlNode* first = loom_mjcf_child(object, NULL);
    if (!node || !first) return LOOM_ERR_MEMORY;
    xmlAddPrevSibling(first, node);
  }

  // Body 1 is the object, body 0 the world.
  int code = loom_mjcf_set_numbers(node, "pos", m->body_ipos + 3, 3);
  code |= loom_mjcf_set_numbers(node, "quat", m->body_iquat + 4, 4);
  code |= loom_mjcf_set_numbers(node, "mass", m->body_mass + 1, 1);
  code |= loom_mjcf_set_numbers(node, "diaginertia", m->body_inertia + 3, 3);

  return code ? LOOM_ERR_MEMORY : LOOM_OK;
}

static int set_inertia(const loomVariation* v, xmlDoc* doc, const loomGeomEdit* edits, int n,
                       loomError* err) {
  bool densities = false;
  for (int i = 0; i < n; i++) densities = densities || edits[i].has_density;

  if (!densities && v->has_inertial) return LOOM_OK;

  mjModel* m = NULL;
  int code = infer_inertia(&m, v, doc, densities, edits, n, err);
  if (!code && m && write_inertial(doc, m))
    code = loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", v->label);

  mj_deleteModel(m);
  return code;
}

// ---- patching

typedef struct rowField {
  size_t offset;  // of the pointer in mjModel
  size_t bytes;   // of one row
} rowField;

#define ROW(field, columns) \
  { offsetof(mjModel, field), sizeof *((mjModel*)0)->field*(columns) }

static const rowField body_rows[] = {ROW(body_sameframe, 1), ROW(body_ipos, 3), ROW(body_iquat, 4),
                                     ROW(body_mass, 1), ROW(body_inertia, 3)};
static const rowField geom_rows[] = {ROW(geom_sameframe, 1), ROW(geom_size, 3),        ROW(geom_aabb, 6),
                                     ROW(geom_rbound, 1),    ROW(geom_pos, 3),         ROW(geom_quat, 4),
                                     ROW(geom_friction, 3),  ROW(geom_fluid, mjNFLUID)};
static const rowField site_rows[] = {ROW(site_sameframe, 1), ROW(site_pos, 3), ROW(site_quat, 4)};
static const rowField bvh_rows[] = {ROW(bvh_depth, 1), ROW(bvh_child, 2), ROW(bvh_aabb, 6)};

#define COPY_ROWS(m, to, small, from, rows) \
  copy_rows(m, (size_t)(to), small, (size_t)(from), rows, sizeof(rows) / sizeof *(rows))

static void copy_rows(mjModel* m, size_t to, const mjModel* small, size_t from, const rowField* field,
                      size_t fields) {
  for (size_t i = 0; i < fields; i++) {
    char* target;
    const char* source;

    // The pointers are of several types: taken out of the struct as bytes.
    memcpy(&target, (char*)m + field[i].offset, sizeof target);
    memcpy(&source, (const char*)small + field[i].offset, sizeof source);
    memcpy(target + to * field[i].bytes, source + from * field[i].bytes, field[i].bytes);
  }
}

static int count_sites(const mjModel* m, int body) {
  int n = 0;
  for (int i = 0; i < m->nsite; i++) n += m->site_bodyid[i] == body;
  return n;
}

// The parts of the model that must be there as the text has them. Their sizes never change with the edits.
static int check_shape(const loomVariation* v, const mjModel* m, int body, const mjModel* small,
                       loomError* err) {
  bool same = m->body_geomnum[body] == small->body_geomnum[1] &&
              m->body_bvhnum[body] == small->body_bvhnum[1] && count_sites(m, body) == small->nsite &&
              m->body_dofnum[body] == 6;

  for (int i = 0; same && i < small->ngeom; i++) {
    same = m->geom_type[m->body_geomadr[body] + i] == small->geom_type[i];
  }

  if (!same) {
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "%s: the model given was not compiled from this text: its %s differs", v->label,
                          v->body);
  }

  // Whether the inertia is aligned with the body decides how the mass matrix is stored.
  if (m->body_simple[body] == small->body_simple[1]) return LOOM_OK;
  return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                        "%s: %s would change from a centered to an uncentered object or back", v->label,
                        v->body);
}

static void patch_object(mjModel* m, int body, const mjModel* small) {
  COPY_ROWS(m, body, small, 1, body_rows);

  int geom = m->body_geomadr[body];
  for (int i = 0; i < small->ngeom; i++) COPY_ROWS(m, geom + i, small, i, geom_rows);

  // Sites are in the text's order in both.
  for (int i = 0, from = 0; i < m->nsite; i++) {
    if (m->site_bodyid[i] == body) COPY_ROWS(m, i, small, from++, site_rows);
  }

  // Leaves of the BVH name geoms by number: here by the whole model's.
  int bvh = m->body_bvhadr[body], small_bvh = small->body_bvhadr[1];
  for (int i = 0; i < small->body_bvhnum[1]; i++) {
    COPY_ROWS(m, bvh + i, small, small_bvh + i, bvh_rows);
    int node = small->bvh_nodeid[small_bvh + i];
    m->bvh_nodeid[bvh + i] = node < 0 ? node : node + geom;
  }
}

typedef struct constJob {
  mjModel* m;
  mjData* d;
  mjStatistic stat;
} constJob;

static int set_const_trapped(void* arg) {
  constJob* job = arg;
  mj_setConst(job->m, job->d);

  // The compiler's statistics count flexes, loom_model_stat does not: then they stay.
  if (!job->m->nflex) loom_model_stat(&job->stat, job->m, job->d);
  return LOOM_OK;
}

// What the scene's <statistic> sets is not ours to find.
static int update_constants(const loomVariation* v, mjModel* m, mjData* scratch, loomError* err) {
  constJob job = {.m = m, .d = scratch, .stat = m->stat};

  mj_resetData(m, scratch);
  int code = loom_trap_run(set_const_trapped, &job, err);
  if (code) return code;

  if (!v->keep_meaninertia) m->stat.meaninertia = job.stat.meaninertia;
  if (!v->keep_meanmass) m->stat.meanmass = job.stat.meanmass;
  if (!v->keep_meansize) m->stat.meansize = job.stat.meansize;
  if (!v->keep_extent) m->stat.extent = job.stat.extent;
  if (!v->keep_center) memcpy(m->stat.center, job.stat.center, sizeof m->stat.center);

  return LOOM_OK;
}

// Leave out the geoms that m, compiled without visuals, does not have.
static void drop_unseen(const loomVariation* v, const xmlDoc* doc, const mjModel* m, int body) {
  if (m->body_geomnum[body] == v->geoms) return;

  xmlNode *node = geom_node(doc, 0), *next;
  for (int i = 0; node && i < v->geoms; i++, node = next) {
    next = loom_mjcf_sibling(node, "geom");

    bool kept =
        v->geom[i].collides || (v->geom[i].name[0] && mj_name2id(m, mjOBJ_GEOM, v->geom[i].name) >= 0);
    if (!kept) drop_node(node);
  }
}

static int write_scene(char** out, const loomVariation* v, const xmlDoc* doc, loomError* err) {
  loomText text = {0};

  loom_text_puts(&text, v->prefix);
  loom_mjcf_write(&text, object_of(doc), NULL);
  loom_text_puts(&text, v->suffix);

  if (text.failed) {
    loom_text_destroy(&text);
    return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", v->label);
  }

  *out = text.s;
  return LOOM_OK;
}

static int patch_from(const loomVariation* v, xmlDoc* doc, mjModel* m, mjData* scratch, int body,
                      loomError* err) {
  drop_references(doc);
  drop_unseen(v, doc, m, body);

  mjModel* small = NULL;
  int code = compile_small(&small, v, doc, err);
  if (!code) code = check_shape(v, m, body, small, err);

  if (!code) {
    patch_object(m, body, small);
    code = update_constants(v, m, scratch, err);
  }

  mj_deleteModel(small);
  return code;
}

int loom_variation_apply(const loomVariation* v, const loomGeomEdit* edits, int n, mjModel* m,
                         mjData* scratch, char** out_xml, loomError* err) {
  if (out_xml) *out_xml = NULL;

  int body = mj_name2id(m, mjOBJ_BODY, v->body);
  if (body < 0) return loom_error_set(err, LOOM_ERR_USAGE, "%s: the model has no body %s", v->label, v->body);

  xmlDoc* doc = NULL;
  int code = parse_small(&doc, v, err);

  // Every edit is checked before the first is made.
  for (int i = 0; !code && i < n; i++) code = check_edit(v, doc, &edits[i], err);
  for (int i = 0; !code && i < n; i++) {
    if (write_edit(v, doc, &edits[i]))
      code = loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", v->label);
  }

  if (!code) code = set_inertia(v, doc, edits, n, err);

  char* scene = NULL;
  if (!code && out_xml) code = write_scene(&scene, v, doc, err);
  if (!code) code = patch_from(v, doc, m, scratch, body, err);

  xmlFreeDoc(doc);
  if (code) {
    free(scene);
    return code;
  }

  if (out_xml) *out_xml = scene;
  return LOOM_OK;
}

int loom_variation_density(double* out, const loomVariation* v, const char* const* geom, const double* ratio,
                           int n, loomError* err) {
  loomGeomEdit* edits = calloc((size_t)(v->geoms + n) + 1, sizeof *edits);
  if (!edits) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", v->label);

  const double nothing = 1e-300;  // weighs nothing beside any real geom
  int count = 0, code = LOOM_OK;

  // Every geom weighs nothing, but for those listed: the last edit of a geom counts.
  for (int i = 0; i < v->geoms; i++) {
    loomGeomEdit* edit = &edits[count++];
    snprintf(edit->geom, sizeof edit->geom, "%s", v->geom[i].name);
    edit->has_density = true;
    edit->density = nothing;
  }

  xmlDoc* doc = NULL;
  code = parse_small(&doc, v, err);
  for (int i = 0; !code && i < n; i++) {
    loomGeomEdit* edit = &edits[count++];
    snprintf(edit->geom, sizeof edit->geom, "%s", geom[i]);
    edit->has_density = true;
    edit->density = ratio ? ratio[i] : 1;
    code = check_edit(v, doc, edit, err);
  }

  // What the object would weigh were its densities the ratios: mass is proportional to density.
  mjModel* m = NULL;
  if (!code) code = infer_inertia(&m, v, doc, true, edits, count, err);
  double unit_mass = !code && m ? m->body_mass[1] : 0;

  if (!code && !(v->mass > 0 && unit_mass > 0)) {
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: object %s has no recorded mass", v->label, v->body);
  }

  if (!code) *out = v->mass / unit_mass;
  mj_deleteModel(m);
  xmlFreeDoc(doc);
  free(edits);
  return code;
}
