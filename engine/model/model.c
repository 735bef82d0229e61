#include "engine/model/model.h"

#include <ctype.h>
#include <malloc.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/aside.h"
#include "engine/model/asset.h"
#include "engine/model/made_from.h"
#include "engine/model/mjcf.h"
#include "engine/model/model_outline.h"
#include "engine/model/simplify.h"
#include "engine/model/trap.h"

loomModelDef loom_default_model_def(void) {
  return (loomModelDef){.visual = true,
                        .max_xml_bytes = 16LL << 20,
                        .max_asset_bytes = 256LL << 20,
                        .max_assets_bytes = 1LL << 30};
}

// ---- file references

// One attribute that names a file. Several may share a virtual name, hence the bytes.
typedef struct assetRef {
  mjtObj kind;               // what the element becomes; mjOBJ_UNKNOWN when it is read while parsing
  char name[LOOM_PATH_MAX];  // the element's name, "" when it has none
  long line;
  char path[LOOM_PATH_MAX];               // normalized
  char virtual_name[LOOM_PATH_MAX + 40];  // as MuJoCo sees it
} assetRef;

typedef struct compileJob {
  const char* label;
  const loomAssetRoots* roots;
  loomModelDef def;
  char* mesh_dir;
  char* texture_dir;
  assetRef* ref;
  int refs, refs_capacity;
  int64_t asset_bytes;
  loomMadeFrom made_from;  // the files read
  const char* text;        // what MuJoCo parses
  mjVFS vfs;
  mjSpec* spec;
  mjModel* model;
  mjModel* outline;  // where it is simplified; NULL where that could not be made
  bool* simple;      // (outline->nmesh) its meshes that are simple already
  loomError* err;
} compileJob;

static mjtObj kind_of(const xmlNode* node) {
  if (loom_mjcf_is(node, "mesh")) return mjOBJ_MESH;
  if (loom_mjcf_is(node, "texture")) return mjOBJ_TEXTURE;
  if (loom_mjcf_is(node, "hfield")) return mjOBJ_HFIELD;
  if (loom_mjcf_is(node, "skin")) return mjOBJ_SKIN;
  return mjOBJ_UNKNOWN;
}

// MuJoCo names an asset after its file; the virtual name must not change that.
static int keep_name(assetRef* ref, xmlNode* node, const char* attribute) {
  char* name = loom_mjcf_get(node, "name");
  bool unnamed = !name || !*name;
  if (!unnamed && strlen(name) < sizeof ref->name) snprintf(ref->name, sizeof ref->name, "%s", name);
  xmlFree(name);

  // Only what MuJoCo would name after its file.
  if (!unnamed || strcmp(attribute, "file") != 0 || ref->kind == mjOBJ_UNKNOWN || ref->kind == mjOBJ_SKIN)
    return LOOM_OK;

  // The file's name without folder and extension.
  const char* slash = strrchr(ref->path, '/');
  snprintf(ref->name, sizeof ref->name, "%s", slash ? slash + 1 : ref->path);
  char* dot = strrchr(ref->name, '.');
  if (dot) *dot = '\0';

  return loom_mjcf_set(node, "name", ref->name);
}

// "loom:" is a scheme of our own: it is looked up among the bytes handed over and nowhere else. What follows
// is made from the path alone, so that demos which share a file share MuJoCo's cache entry for it.
static void name_virtually(compileJob* job, assetRef* ref) {
  int size;
  if (job->def.outline && loom_stand_in(ref->kind, ref->path, &size)) {
    // A name of its own: MuJoCo's cache must not give it for the file.
    snprintf(ref->virtual_name, sizeof ref->virtual_name, "loom:stand-in%s", strrchr(ref->path, '.'));
    return;
  }

  const char* tail = loom_asset_tail(ref->path);
  if (!tail) tail = ref->path + (ref->path[0] == '/');
  snprintf(ref->virtual_name, sizeof ref->virtual_name, "loom:%s", tail);
  for (char* c = ref->virtual_name + 5; *c; c++) {
    if (!isalnum((unsigned char)*c) && !strchr("/._-", *c)) *c = '_';
  }

  // Two paths may come to one name: the later one is numbered.
  for (int i = 0; i < job->refs; i++) {
    const assetRef* other = &job->ref[i];
    bool same_name = strcmp(other->virtual_name, ref->virtual_name) == 0;
    if (!same_name || strcmp(other->path, ref->path) == 0) continue;

    snprintf(ref->virtual_name, sizeof ref->virtual_name, "loom:%d/%s", job->refs, tail);
    for (char* c = ref->virtual_name + 5; *c; c++) {
      if (!isalnum((unsigned char)*c) && !strchr("/._-", *c)) *c = '_';
    }
    return;
  }
}

static int add_ref(compileJob* job, xmlNode* node, const char* attribute, const char* file, const char* dir) {
  if (job->refs == job->refs_capacity) {
    int capacity = job->refs_capacity ? 2 * job->refs_capacity : 64;
    assetRef* grown = realloc(job->ref, (size_t)capacity * sizeof *grown);
    if (!grown) return loom_error_set(job->err, LOOM_ERR_MEMORY, "%s: out of memory", job->label);
    job->ref = grown;
    job->refs_capacity = capacity;
  }

  assetRef* ref = &job->ref[job->refs];
  *ref = (assetRef){.kind = kind_of(node), .line = xmlGetLineNo(node)};
  if (loom_asset_normalize(ref->path, dir, file) != LOOM_OK) {
    return loom_error_set(job->err, LOOM_ERR_FORMAT,
                          "%s:%ld: <%s> names \"%.200s\", which is outside the asset roots", job->label,
                          ref->line, (const char*)node->name, file);
  }

  // From here on the document names the virtual file.
  name_virtually(job, ref);
  if (keep_name(ref, node, attribute) || loom_mjcf_set(node, attribute, ref->virtual_name)) {
    return loom_error_set(job->err, LOOM_ERR_MEMORY, "%s: out of memory", job->label);
  }

  job->refs++;
  return LOOM_OK;
}

static int collect_from(compileJob* job, xmlNode* node) {
  for (xmlAttr *attribute = node->properties, *next; attribute; attribute = next) {
    // Read ahead: the attribute is written below.
    next = attribute->next;
    const char* name = (const char*)attribute->name;
    loomMjcfDir kind = loom_mjcf_file_kind(node, name);
    if (kind == LOOM_MJCF_NO_FILE) continue;

    char* file = loom_mjcf_get(node, name);
    if (!file) return loom_error_set(job->err, LOOM_ERR_MEMORY, "%s: out of memory", job->label);

    const char* dir = kind == LOOM_MJCF_TEXTURE_DIR ? job->texture_dir : job->mesh_dir;
    int code = *file ? add_ref(job, node, name, file, dir) : LOOM_OK;
    xmlFree(file);
    if (code) return code;
  }
  return LOOM_OK;
}

// Replace every file name in the document by a virtual one and note what it stood for.
static int collect_refs(compileJob* job, xmlDoc* doc) {
  loom_mjcf_dirs(&job->mesh_dir, &job->texture_dir, doc);

  xmlNode* root = xmlDocGetRootElement(doc);
  for (xmlNode* node = root; node; node = loom_mjcf_walk(root, node)) {
    // Paths are whole by now: nothing may be put before them.
    if (loom_mjcf_is(node, "compiler")) {
      loom_mjcf_unset(node, "assetdir");
      loom_mjcf_unset(node, "meshdir");
      loom_mjcf_unset(node, "texturedir");
      loom_mjcf_unset(node, "strippath");
    }

    int code = collect_from(job, node);
    if (code) return code;
  }
  return LOOM_OK;
}

static const char* kind_name(mjtObj kind) {
  const char* name = mju_type2Str(kind);
  return name ? name : "flexcomp";
}

static int load_ref(compileJob* job, const assetRef* ref) {
  if (mj_containsBufferVFS(&job->vfs, ref->virtual_name)) return LOOM_OK;

  char what[400];
  snprintf(what, sizeof what, "%.150s:%ld: %s \"%.100s\"", job->label, ref->line, kind_name(ref->kind),
           ref->name);

  int stand_in_size;
  const void* stand_in = job->def.outline ? loom_stand_in(ref->kind, ref->path, &stand_in_size) : NULL;
  if (stand_in) {
    int failed = mj_addBufferVFS(&job->vfs, ref->virtual_name, stand_in, stand_in_size);
    return failed ? loom_error_set(job->err, LOOM_ERR_MEMORY, "%s: MuJoCo did not take it", what) : LOOM_OK;
  }

  // As much as the model may still read; MuJoCo counts a buffer's bytes in an int.
  void* bytes = NULL;
  int64_t size = 0;
  int64_t left = job->def.max_assets_bytes - job->asset_bytes;
  int64_t most = job->def.max_asset_bytes < left ? job->def.max_asset_bytes : left;
  if (most > INT32_MAX) most = INT32_MAX;
  int code = loom_asset_read(&bytes, &size, job->roots, ref->path, most, what, job->err);
  if (code) return code;

  job->asset_bytes += size;
  if (job->def.keep) loom_made_from_add(&job->made_from, ref->path);

  code = mj_addBufferVFS(&job->vfs, ref->virtual_name, bytes, (int)size);
  free(bytes);
  return code ? loom_error_set(job->err, LOOM_ERR_MEMORY, "%s: MuJoCo did not take the file", what) : LOOM_OK;
}

// Whether the spec, after what is only seen was discarded, still has the element that names this file.
static bool still_needed(const compileJob* job, const assetRef* ref) {
  if (ref->kind == mjOBJ_UNKNOWN || ref->kind == mjOBJ_SKIN || !*ref->name) return true;
  return mjs_findElement(job->spec, ref->kind, ref->name) != NULL;
}

// ---- compiling

// MuJoCo's texts have several lines and end with "line 12" where they know: one line, the place first.
static int mujoco_error(const compileJob* job, const char* text) {
  // Lines are joined by ';'.
  char flat[700];
  size_t n = 0;
  for (const char* c = text; *c && n + 2 < sizeof flat; c++) {
    if (*c == '\n' && n && flat[n - 1] != ' ') flat[n++] = ';';
    flat[n++] = *c == '\n' || *c == '\r' ? ' ' : *c;
  }

  while (n && (flat[n - 1] == ' ' || flat[n - 1] == ';')) n--;
  flat[n] = '\0';

  // ", line 12" goes from the end to the front.
  char place[32] = "";
  char* line = strstr(flat, ", line ");
  char* end = NULL;
  long number = line ? strtol(line + 7, &end, 10) : 0;
  if (number > 0) {
    snprintf(place, sizeof place, ":%ld", number);
    if (*end == '\0') *line = '\0';
  }

  return loom_error_set(job->err, LOOM_ERR_FORMAT, "%s%s: %s", job->label, place,
                        *flat ? flat : "MuJoCo refuses it");
}

static int parse_spec(compileJob* job) {
  char why[1024] = "";
  if (job->spec) mj_deleteSpec(job->spec);

  job->spec = mj_parseXMLString(job->text, &job->vfs, why, sizeof why);
  return job->spec ? LOOM_OK : mujoco_error(job, why);
}

static int load_all(compileJob* job) {
  for (int i = 0; i < job->refs; i++) {
    int code = load_ref(job, &job->ref[i]);
    if (code) return code;
  }
  return LOOM_OK;
}

// Discarding needs no file unless a body's inertia comes from a mesh that is only seen: then all go first.
static int discard_visual(compileJob* job) {
  int code = parse_spec(job);
  if (code) return code;
  if (mjs_discardVisual(job->spec, &job->vfs) >= 0) return LOOM_OK;

  code = load_all(job);
  if (!code) code = parse_spec(job);
  if (code) return code;
  return mjs_discardVisual(job->spec, &job->vfs) >= 0 ? LOOM_OK : mujoco_error(job, mjs_getError(job->spec));
}

static int prepare_spec(compileJob* job) {
  if (job->def.visual) {
    int code = load_all(job);
    return code ? code : parse_spec(job);
  }

  // First only what parsing itself reads; of the rest what is still named when visuals are gone.
  for (int i = 0; i < job->refs; i++) {
    int code = job->ref[i].kind == mjOBJ_UNKNOWN ? load_ref(job, &job->ref[i]) : LOOM_OK;
    if (code) return code;
  }

  int code = discard_visual(job);
  for (int i = 0; !code && i < job->refs; i++) {
    if (still_needed(job, &job->ref[i])) code = load_ref(job, &job->ref[i]);
  }
  return code;
}

// MJCF may say "inf" and "nan", and MuJoCo takes them. Nothing real is 1e9 m away, long or heavy.
static int check_numbers(const compileJob* job) {
  const mjModel* m = job->model;
  const struct {
    const char* name;
    const mjtNum* value;
    mjtSize n;
  } fields[] = {{"qpos0", m->qpos0, m->nq},
                {"body_pos", m->body_pos, 3 * m->nbody},
                {"body_quat", m->body_quat, 4 * m->nbody},
                {"body_ipos", m->body_ipos, 3 * m->nbody},
                {"body_mass", m->body_mass, m->nbody},
                {"body_inertia", m->body_inertia, 3 * m->nbody},
                {"geom_pos", m->geom_pos, 3 * m->ngeom},
                {"geom_size", m->geom_size, 3 * m->ngeom},
                {"site_pos", m->site_pos, 3 * m->nsite},
                {"jnt_pos", m->jnt_pos, 3 * m->njnt},
                {"dof_armature", m->dof_armature, m->nv},
                {"key_qpos", m->key_qpos, m->nkey * m->nq}};

  // NaN fails this comparison too.
  for (size_t f = 0; f < sizeof fields / sizeof *fields; f++) {
    for (mjtSize i = 0; i < fields[f].n; i++) {
      if (fabs(fields[f].value[i]) < 1e9) continue;
      return loom_error_set(job->err, LOOM_ERR_FORMAT,
                            "%s: %s[%lld] of the model is %g, which no real scene has", job->label,
                            fields[f].name, (long long)i, fields[f].value[i]);
    }
  }

  return LOOM_OK;
}

// As <exclude> does, without a change of the text.
static int keep_apart(compileJob* job) {
  for (int i = 0; i < job->def.apart_count; i++) {
    const char *a = job->def.apart[2 * i], *b = job->def.apart[2 * i + 1];
    if (!mjs_findBody(job->spec, a) || !mjs_findBody(job->spec, b)) continue;

    mjsExclude* pair = mjs_addExclude(job->spec);
    if (!pair) return loom_error_set(job->err, LOOM_ERR_MEMORY, "%s: out of memory", job->label);
    mjs_setString(pair->bodyname1, a);
    mjs_setString(pair->bodyname2, b);
  }
  return 0;
}

// Older models, such as robosuite records, say how many contacts and constraint rows there may be at most.
// MuJoCo would set aside memory for as many at once: 1.3 GB with each state of the handover scene, of which
// some MB are ever used, and which a sanitizer marks. What a model says of its memory itself stays.
static void bound_memory(mjSpec* spec) {
  enum { MANY = 1000, ENOUGH = 128 << 20 };
  if (spec->memory < 0 && spec->nstack < 0 && (spec->njmax >= MANY || spec->nconmax >= MANY))
    spec->memory = ENOUGH;
}

static int compile_trapped(void* arg) {
  compileJob* job = arg;
  int code = prepare_spec(job);
  if (!code) bound_memory(job->spec);
  if (!code) code = keep_apart(job);
  if (!code && job->outline)
    code = loom_simplify_files(job->simple, job->spec, &job->vfs, job->outline, job->def.simplify, job->err);
  if (code) return code;

  job->model = mj_compile(job->spec, &job->vfs);
  if (!job->model) return mujoco_error(job, mjs_getError(job->spec));
  if (job->def.simplify) code = loom_simplify_compiled(job->model, job->simple, job->def.simplify, job->err);
  return code ? code : check_numbers(job);
}

// What tells which meshes only are to be seen. A model that has no outline is simplified once it is compiled.
static int prepare_simplify(compileJob* job, const char* xml) {
  loomModelDef def = job->def;
  def.simplify = NULL;
  def.outline = true;
  def.keep = false;
  if (loom_model_compile(&job->outline, xml, job->label, job->roots, &def, NULL)) return 0;

  job->simple = calloc((size_t)job->outline->nmesh + 1, sizeof *job->simple);
  return job->simple ? 0 : loom_error_set(job->err, LOOM_ERR_MEMORY, "%s: out of memory", job->label);
}

static int refuse_open(mjResource* resource) {
  (void)resource;
  return 0;
}

static int refuse_read(mjResource* resource, const void** buffer) {
  (void)resource, (void)buffer;
  return -1;
}

static void nothing_to_close(mjResource* resource) {
  (void)resource;
}

// A "loom:" name that is not among the bytes handed over must not be tried as a file.
static void register_refusal(void) {
  static const mjpResourceProvider provider = {
      .prefix = "loom", .open = refuse_open, .read = refuse_read, .close = nothing_to_close};
  mjp_registerProvider(&provider);
}

static int compile_document(compileJob* job, xmlDoc* doc) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, register_refusal);

  // What must not be compiled is refused; then every file name becomes a virtual one.
  int code = loom_mjcf_check(doc, job->label, job->err);
  if (!code) code = collect_refs(job, doc);
  if (code) return code;

  // MuJoCo parses what is written from the checked tree, never the text that came in.
  loomText text = {0};
  loom_mjcf_write_document(&text, doc, NULL);
  if (text.failed) {
    loom_text_destroy(&text);
    return loom_error_set(job->err, LOOM_ERR_MEMORY, "%s: out of memory", job->label);
  }

  job->text = text.s;
  mj_defaultVFS(&job->vfs);
  code = loom_trap_run(compile_trapped, job, job->err);

  if (code == LOOM_ERR_SIM) {
    loom_error_prefix(job->err, code, "%s", job->label);
  } else if (job->spec) {
    mj_deleteSpec(job->spec);  // after a trapped error its state is unknown: it is left alone
  }

  mj_deleteVFS(&job->vfs);
  loom_text_destroy(&text);
  return code;
}

// ---- compiled before

static void make_key(loomText* key, const char* xml, const loomAssetRoots* roots, const loomModelDef* def) {
  char line[120];
  loom_cache_key(key, "model", roots);

  snprintf(line, sizeof line, "%d %d %lld %lld %lld\n", def->visual, def->outline,
           (long long)def->max_xml_bytes, (long long)def->max_asset_bytes, (long long)def->max_assets_bytes);

  loom_text_puts(key, line);
  if (def->simplify) {
    const loomSimplifyDef* s = def->simplify;
    snprintf(line, sizeof line, "simple %a %a %d %d %d\n", s->error, s->most, s->min_faces, s->texture,
             s->colliding);
    loom_text_puts(key, line);
  }
  for (int i = 0; i < 2 * def->apart_count; i++) loom_text_add(key, def->apart[i], strlen(def->apart[i]) + 1);
  loom_text_puts(key, xml);
}

typedef struct loadJob {
  const loomCached* cached;
  mjModel* model;
} loadJob;

static int load_trapped(void* arg) {
  loadJob* job = arg;
  job->model = mj_loadModelBuffer(job->cached->bytes, (mjtSize)job->cached->nbytes);
  return job->model ? LOOM_OK : LOOM_ERR_FORMAT;
}

static bool load_kept(mjModel** out, const loomText* key, const loomAssetRoots* roots) {
  loadJob job = {0};
  loomCached cached;
  if (!loom_cache_find(&cached, key, roots)) return false;

  // Its checksum was right; should MuJoCo refuse it all the same, it is compiled.
  job.cached = &cached;
  bool good = loom_trap_run(load_trapped, &job, NULL) == LOOM_OK;
  loom_cached_destroy(&cached);
  *out = good ? job.model : NULL;
  return good;
}

static void keep_compiled(const loomText* key, const loomMadeFrom* from, const mjModel* m) {
  mjtSize size = mj_sizeModel(m);
  void* bytes = malloc((size_t)size);
  if (!bytes) return;

  mj_saveModel(m, NULL, bytes, size);
  loom_cache_keep(key, from, bytes, (size_t)size);
  free(bytes);
}

static int compile_new(mjModel** out, loomMadeFrom* from, const char* xml, const char* label,
                       const loomAssetRoots* roots, const loomModelDef* def, loomError* err) {
  compileJob job = {.label = label, .roots = roots, .def = *def, .made_from = {.roots = roots}, .err = err};
  xmlDoc* doc = NULL;

  int code = loom_mjcf_parse(&doc, xml, job.def.max_xml_bytes, label, err);
  if (!code && def->simplify) code = prepare_simplify(&job, xml);
  if (!code) code = compile_document(&job, doc);

  if (code) {
    mj_deleteModel(job.model);
  } else {
    *out = job.model;
  }

  mj_deleteModel(job.outline);
  free(job.simple);
  xmlFree(job.mesh_dir);
  xmlFree(job.texture_dir);
  free(job.ref);
  xmlFreeDoc(doc);

  // The caller's to free, error or not.
  *from = job.made_from;
  return code;
}

typedef struct keepJob {
  const char *xml, *label;
  const loomAssetRoots* roots;
  const loomModelDef* def;
  const loomText* key;
} keepJob;

static int compile_aside(void* user, loomShelf* shelf, void** result, loomError* err) {
  const keepJob* job = user;
  loomMadeFrom from = {.roots = job->roots};
  mjModel* m = NULL;
  (void)shelf, (void)result;

  int code = compile_new(&m, &from, job->xml, job->label, job->roots, job->def, err);
  if (!code) keep_compiled(job->key, &from, m);
  return code;
}

// Compiling takes ten times the memory of what comes of it, and leaves much of that behind: a process of its
// own gives it all back. Whatever goes wrong there is found out, and told, by compiling here.
static bool compile_and_load(mjModel** out, const loomText* key, const char* xml, const char* label,
                             const loomAssetRoots* roots, const loomModelDef* def) {
  keepJob job = {xml, label, roots, def, key};
  loomAsideDef aside = loom_default_aside_def();
  loomAside done;

  aside.what = label;
  aside.work = compile_aside;
  aside.user = &job;
  aside.shelf_mb = 0;
  aside.writes = true;
  if (loom_aside_run(&done, &aside, NULL)) return false;

  loom_aside_destroy(&done);
  return load_kept(out, key, roots);
}

int loom_model_compile(mjModel** out, const char* xml, const char* label, const loomAssetRoots* roots,
                       const loomModelDef* def, loomError* err) {
  const loomModelDef usual = loom_default_model_def();
  loomMadeFrom from = {.roots = roots};
  loomText key = {0};
  *out = NULL;
  loom_trap_install();
  if (!def) def = &usual;

  if (def->keep) make_key(&key, xml, roots, def);
  int code = LOOM_OK;
  bool kept = def->keep && load_kept(out, &key, roots);
  if (!kept && def->keep && def->aside) kept = compile_and_load(out, &key, xml, label, roots, def);
  if (!kept) {
    code = compile_new(out, &from, xml, label, roots, def, err);
    if (!code && def->keep) keep_compiled(&key, &from, *out);
    if (def->keep) loom_model_forget_assets();  // next time nothing is compiled
  }

  loom_made_from_destroy(&from);
  loom_text_destroy(&key);
  return code;
}

// ---- portable paths

enum { PORTABLE_MAX = LOOM_PATH_MAX + 64 };

// Packages whose readers look for their name in a path and put their folder in place of what precedes it.
static const char* const packages[] = {"dexmimicgen", "mimicgen", "robosuite"};

// "/home/someone/x" becomes "x": what is left of a path no package claims.
static const char* without_home(const char* path) {
  const char* homes[] = {"/home/", "/Users/"};

  for (size_t i = 0; i < sizeof homes / sizeof *homes; i++) {
    size_t n = strlen(homes[i]);
    if (strncmp(path, homes[i], n) != 0) continue;
    const char* slash = strchr(path + n, '/');
    return slash ? slash + 1 : path + n;
  }

  return strncmp(path, "/root/", 6) == 0 ? path + 6 : path + 1;
}

static void portable_path(char out[PORTABLE_MAX], const char* path) {
  for (size_t i = 0; i < sizeof packages / sizeof *packages; i++) {
    const char* after = loom_asset_after(path, packages[i]);
    if (!after) continue;
    snprintf(out, PORTABLE_MAX, "%s/%s", packages[i], after);
    return;
  }

  // What lies below models/assets/ is robosuite's, whatever stands before it.
  const char* tail = loom_asset_tail(path);
  if (tail) {
    snprintf(out, PORTABLE_MAX, "robosuite/models/assets/%s", tail);
  } else {
    snprintf(out, PORTABLE_MAX, "%s", without_home(path));
  }
}

static int make_file_portable(xmlNode* node, const char* attribute, const char* dir) {
  char* file = loom_mjcf_get(node, attribute);
  if (!file) return LOOM_ERR_MEMORY;
  char path[LOOM_PATH_MAX];
  char portable[PORTABLE_MAX];

  const char* base = dir && dir[0] == '/' ? dir : NULL;  // a relative dir stays in the compiler's attributes
  int code = loom_asset_normalize(path, base, file) == LOOM_OK ? LOOM_OK : LOOM_ERR_FORMAT;

  if (!code && path[0] == '/') {
    portable_path(portable, path);
    code = loom_mjcf_set(node, attribute, portable);
  }

  xmlFree(file);
  return code == LOOM_ERR_FORMAT ? LOOM_OK : code;  // a path that climbs is no home folder: it stays as it is
}

static int make_portable(xmlDoc* doc, const char* mesh_dir, const char* texture_dir) {
  xmlNode* root = xmlDocGetRootElement(doc);
  for (xmlNode* node = root; node; node = loom_mjcf_walk(root, node)) {
    // Files take the compiler's absolute folders into their paths,
    for (xmlAttr *attribute = node->properties, *next; attribute; attribute = next) {
      next = attribute->next;
      loomMjcfDir kind = loom_mjcf_file_kind(node, (const char*)attribute->name);
      if (kind == LOOM_MJCF_NO_FILE) continue;
      const char* dir = kind == LOOM_MJCF_TEXTURE_DIR ? texture_dir : mesh_dir;
      if (make_file_portable(node, (const char*)attribute->name, dir)) return LOOM_ERR_MEMORY;
    }

    // which are then taken out of its attributes.
    if (!loom_mjcf_is(node, "compiler")) continue;
    const char* dirs[] = {"assetdir", "meshdir", "texturedir"};
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
      char* dir = loom_mjcf_get(node, dirs[i]);
      if (dir && dir[0] == '/') loom_mjcf_unset(node, dirs[i]);
      xmlFree(dir);
    }
  }
  return LOOM_OK;
}

int loom_mjcf_portable(char** out, const char* xml, const char* label, loomError* err) {
  *out = NULL;
  xmlDoc* doc = NULL;
  int code = loom_mjcf_parse(&doc, xml, loom_default_model_def().max_xml_bytes, label, err);
  if (code) return code;

  char *mesh_dir = NULL, *texture_dir = NULL;
  loom_mjcf_dirs(&mesh_dir, &texture_dir, doc);
  loomText text = {0};
  code = make_portable(doc, mesh_dir, texture_dir);
  if (!code) loom_mjcf_write_document(&text, doc, NULL);

  xmlFree(mesh_dir);
  xmlFree(texture_dir);
  xmlFreeDoc(doc);

  if (code || text.failed) {
    loom_text_destroy(&text);
    return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", label);
  }

  *out = text.s;
  return LOOM_OK;
}

void loom_model_forget_assets(void) {
  mj_clearCache(mj_getCache());
  malloc_trim(0);
}
