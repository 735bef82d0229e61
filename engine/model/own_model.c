#include "engine/model/own_model.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/model/asset.h"
#include "engine/model/mjcf.h"

enum { MAX_INCLUDED = 256, OWN_PATH = 2 * LOOM_PATH_MAX };

typedef struct ownModel {
  const char* label;             // the model's file as it was named
  char task[PATH_MAX];           // real path of the task's folder,
  char reach[PATH_MAX];          // and of the one that holds it
  char folder[PATH_MAX];         // of the model's file
  const loomAssetRoots* roots;   // may be NULL
  loomAssetRoots* found;         // may be NULL
  char* included[MAX_INCLUDED];  // real paths, the model's own first
  int nincluded;
  int64_t bytes;  // of all texts so far
  bool changed;
  loomError* err;
} ownModel;

// ---- how far paths reach

static bool is_below(const char* path, const char* folder) {
  size_t n = strlen(folder);
  return !strncmp(path, folder, n) && (path[n] == '/' || n == 1);
}

static bool is_in_roots(const char* real, const loomAssetRoots* roots) {
  for (int i = 0; roots && i < roots->n; i++)
    if (is_below(real, roots->root[i].path)) return true;
  return false;
}

// The task's folder, the one that holds it, and what the user gave as roots. Judged by real paths, so that
// neither links nor ".." lead further.
static bool is_within_reach(const ownModel* m, const char* real) {
  return is_below(real, m->reach) || is_in_roots(real, m->roots);
}

int loom_own_file_check(const char* dir, const char* file, const loomAssetRoots* roots, loomError* err) {
  char path[OWN_PATH];
  snprintf(path, sizeof path, "%.*s/%.*s", 500, dir, 500, file);
  char *folder = realpath(dir, NULL), *real = realpath(path, NULL);

  // What is not there is told by whoever opens it.
  bool inside = !folder || !real || is_below(real, folder) || is_in_roots(real, roots);
  int code = inside ? LOOM_OK
                    : loom_error_set(err, LOOM_ERR_FORMAT,
                                     "%.300s leads to %.300s, outside of %.300s; copy it there, or give its "
                                     "folder with --assets NAME=DIR",
                                     path, real, folder);
  free(folder);
  free(real);
  return code;
}

// The file that an element was read from: what is included remembers its own.
static const char* file_of(const ownModel* m, const xmlNode* node) {
  return node->_private ? node->_private : m->label;
}

static int out_of_reach(const ownModel* m, const xmlNode* node, const char* real) {
  return loom_error_set(
      m->err, LOOM_ERR_FORMAT,
      "%.300s:%ld: <%.40s> names %.400s, which lies outside of %.300s, the folder that holds "
      "the task's; copy it there, or give its folder with --assets NAME=DIR",
      file_of(m, node), xmlGetLineNo(node), (const char*)node->name, real, m->reach);
}

// The real path, malloc'ed, of file seen from a folder; NULL when it is not there.
static char* find_from(const char* folder, const char* dir, const char* file) {
  char path[OWN_PATH + PATH_MAX];
  bool whole = file[0] == '/', dir_whole = !whole && dir[0] == '/';

  snprintf(path, sizeof path, "%s%s%s%s%s", whole || dir_whole ? "" : folder, whole || dir_whole ? "" : "/",
           whole ? "" : dir, whole || !*dir ? "" : "/", file);
  for (char* c = path; *c; c++)
    if (*c == '\\') *c = '/';

  char* real = realpath(path, NULL);
  if (real && loom_is_file(real)) return real;
  free(real);
  return NULL;
}

// ---- files that are included

static int expand(ownModel* m, xmlDoc* doc, const char* folder);

static int no_memory(const ownModel* m) {
  return loom_error_set(m->err, LOOM_ERR_MEMORY, "%s: out of memory", m->label);
}

static int note_file(ownModel* m, const xmlNode* node, char* real) {
  for (int i = 0; i < m->nincluded; i++) {
    if (strcmp(m->included[i], real) != 0) continue;
    return loom_error_set(m->err, LOOM_ERR_FORMAT, "%.400s:%ld: %.400s is included a second time",
                          file_of(m, node), xmlGetLineNo(node), real);
  }

  if (m->nincluded == MAX_INCLUDED)
    return loom_error_set(m->err, LOOM_ERR_FORMAT, "%s: more than %d files are included", m->label,
                          MAX_INCLUDED);
  m->included[m->nincluded++] = real;
  return LOOM_OK;
}

static int read_part(xmlDoc** out, ownModel* m, char* path) {
  int64_t left = loom_default_model_def().max_xml_bytes - m->bytes;
  char* text = NULL;
  size_t n = 0;
  int code = loom_read_text(&text, &n, path, (size_t)(left > 0 ? left : 0), m->err);

  m->bytes += (int64_t)n;
  if (!code) code = loom_mjcf_parse_part(out, text, left, path, m->err);
  free(text);
  if (code) return code;

  // For messages, wherever its elements will stand.
  xmlNode* root = xmlDocGetRootElement(*out);
  for (xmlNode* node = root; node; node = loom_mjcf_walk(root, node)) node->_private = path;
  return code;
}

// The children of the file's outermost element, whatever it is called, take the place of <include>.
static int put_children(const ownModel* m, xmlNode* place, xmlDoc* part) {
  xmlNode* root = xmlDocGetRootElement(part);
  for (xmlNode* child; (child = loom_mjcf_child(root, NULL));) {
    xmlUnlinkNode(child);
    if (xmlAddPrevSibling(place, child)) continue;
    xmlFreeNode(child);
    return no_memory(m);
  }
  return LOOM_OK;
}

// MuJoCo looks from the main model's folder; some models are written from the including file's. What is in
// neither may be in an asset root, under its name: "gym_aloha/scene.xml".
static char* find_included(const ownModel* m, const char* file, const char* folder) {
  char path[LOOM_PATH_MAX];
  char* real = find_from(m->folder, "", file);
  if (!real) real = find_from(folder, "", file);
  if (!real && m->roots && !loom_asset_normalize(path, NULL, file)) real = loom_asset_find(m->roots, path);
  return real;
}

static int include(ownModel* m, xmlNode* node, const char* folder) {
  char* file = loom_mjcf_get(node, "file");
  char* real = file && *file ? find_included(m, file, folder) : NULL;

  if (!real) {
    bool same = !strcmp(folder, m->folder);
    int code =
        loom_error_set(m->err, LOOM_ERR_IO, "%.400s:%ld: includes \"%.300s\", which is not in %.300s%s%.300s",
                       file_of(m, node), xmlGetLineNo(node), file ? file : "", m->folder,
                       same ? "" : " nor in ", same ? "" : folder);
    xmlFree(file);
    return code;
  }

  xmlFree(file);
  int code = is_within_reach(m, real) ? note_file(m, node, real) : out_of_reach(m, node, real);
  if (code) {
    free(real);
    return code;
  }

  // What it includes itself comes first.
  char own[PATH_MAX];
  xmlDoc* part = NULL;
  snprintf(own, sizeof own, "%s", real);
  *strrchr(own, '/') = 0;
  code = read_part(&part, m, real);
  if (!code) code = expand(m, part, own);
  if (!code) code = put_children(m, node, part);
  xmlFreeDoc(part);
  return code;
}

static int expand(ownModel* m, xmlDoc* doc, const char* folder) {
  xmlNode* root = xmlDocGetRootElement(doc);
  int code = LOOM_OK;

  for (xmlNode *node = loom_mjcf_walk(root, root), *next; !code && node; node = next) {
    bool includes = loom_mjcf_is(node, "include");

    // What stands in an <include> counts for nothing.
    for (xmlNode* inner = includes ? node->children : NULL; inner; inner = node->children) {
      xmlUnlinkNode(inner);
      xmlFreeNode(inner);
    }

    next = loom_mjcf_walk(root, node);
    if (!includes) continue;

    code = include(m, node, folder);
    xmlUnlinkNode(node);
    xmlFreeNode(node);
    m->changed = true;
  }
  return code;
}

// ---- assets beside it

// A file outside of the task's folder goes by the name of the folder it is in below the one both are in,
// which becomes a root: "../stls/hand/palm.stl" is stls/hand/palm.stl.
static int name_outside(char out[OWN_PATH], const ownModel* m, const char* real) {
  char root[PATH_MAX];
  const char* tail = real + strlen(m->reach) + 1;
  const char* slash = strchr(tail, '/');

  // One that lies in that folder itself has no folder below it: that folder is the root.
  snprintf(root, sizeof root, "%.*s", (int)((slash ? slash : tail - 1) - real), real);
  const char* name = strrchr(root, '/') + 1;
  snprintf(out, OWN_PATH, "%s/%s", name, slash ? slash + 1 : tail);

  for (int i = 0; m->found && i < m->found->n; i++)
    if (!strcmp(m->found->root[i].path, root)) return LOOM_OK;
  return m->found ? loom_asset_roots_add(m->found, name, root, m->err) : LOOM_OK;
}

// Files that are not beside it are left to the asset roots, under the path that the compiler's folder gives.
static int name_asset(ownModel* m, xmlNode* node, const char* attribute, const char* dir, bool strip) {
  char path[OWN_PATH];
  char* file = loom_mjcf_get(node, attribute);
  if (!file) return no_memory(m);

  const char* slash = strip ? strrchr(file, '/') : NULL;
  const char* from = slash ? slash + 1 : file;
  char* real = *from ? find_from(m->folder, dir, from) : NULL;
  int code = LOOM_OK;

  if (!real) {
    bool whole = from[0] == '/' || !*dir || !*from;
    snprintf(path, sizeof path, "%s%s%s", whole ? "" : dir, whole ? "" : "/", from);
  } else if (is_below(real, m->task)) {
    snprintf(path, sizeof path, "%s", real + strlen(m->task) + 1);
  } else if (is_below(real, m->reach)) {
    code = name_outside(path, m, real);
  } else {
    snprintf(path, sizeof path, "%s", real);
    if (!is_within_reach(m, real)) code = out_of_reach(m, node, real);
  }

  m->changed = m->changed || real;
  if (!code && *from && loom_mjcf_set(node, attribute, path)) code = no_memory(m);
  xmlFree(file);
  free(real);
  return code;
}

static bool strips_paths(const xmlNode* root) {
  bool strips = false;
  for (xmlNode* c = loom_mjcf_child(root, "compiler"); c; c = loom_mjcf_sibling(c, "compiler"))
    strips = strips || loom_mjcf_has(c, "strippath", "true");
  return strips;
}

static int name_assets(ownModel* m, xmlDoc* doc) {
  char *mesh = NULL, *texture = NULL;
  xmlNode* root = xmlDocGetRootElement(doc);
  bool strip = strips_paths(root);
  int code = LOOM_OK;
  loom_mjcf_dirs(&mesh, &texture, doc);

  for (xmlNode* node = root; !code && node; node = loom_mjcf_walk(root, node)) {
    for (xmlAttr *attribute = node->properties, *next; !code && attribute; attribute = next) {
      next = attribute->next;
      loomMjcfDir kind = loom_mjcf_file_kind(node, (const char*)attribute->name);
      const char* dir = kind == LOOM_MJCF_TEXTURE_DIR ? texture : mesh;
      if (kind != LOOM_MJCF_NO_FILE)
        code = name_asset(m, node, (const char*)attribute->name, dir ? dir : "", strip);
    }

    // The paths are whole from here on.
    if (!loom_mjcf_is(node, "compiler")) continue;
    static const char* const whole[] = {"assetdir", "meshdir", "texturedir", "strippath"};
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) loom_mjcf_unset(node, whole[i]);
  }

  xmlFree(mesh);
  xmlFree(texture);
  return code;
}

// ---- the whole

static int find_folders(ownModel* m, const char* dir, loomError* err) {
  char* task = realpath(dir, NULL);
  char* model = realpath(m->label, NULL);
  int code = LOOM_OK;

  if (!task || !model) {
    code = loom_error_set(err, LOOM_ERR_IO, "%s: the task's model is not there", m->label);
  } else {
    snprintf(m->task, sizeof m->task, "%s", task);
    snprintf(m->reach, sizeof m->reach, "%s", task);
    snprintf(m->folder, sizeof m->folder, "%s", model);
    *strrchr(m->folder, '/') = 0;

    // The folder that holds the task's, but never the whole machine.
    char* slash = strrchr(m->reach, '/');
    if (slash > m->reach) *slash = 0;
    m->included[m->nincluded++] = model;
    model = NULL;
  }

  free(task);
  free(model);
  return code;
}

int loom_own_model_read(char** out, const char* dir, const char* file, const loomAssetRoots* roots,
                        loomAssetRoots* found, loomError* err) {
  char label[OWN_PATH];
  xmlDoc* doc = NULL;
  loomText text = {0};
  *out = NULL;
  snprintf(label, sizeof label, "%.*s/%.*s", 480, dir, 480, file);

  ownModel* m = calloc(1, sizeof *m);
  if (!m) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", label);
  m->label = label;
  m->roots = roots;
  m->found = found;
  m->err = err;

  // Includes first: they may have assets, and say where these are.
  int64_t most = loom_default_model_def().max_xml_bytes;
  int code = find_folders(m, dir, err);
  if (!code) code = loom_own_file_check(dir, file, roots, err);
  if (!code) code = loom_read_text(out, NULL, label, (size_t)most, err);
  if (!code) code = loom_mjcf_parse(&doc, *out, most, label, err);
  if (!code) code = expand(m, doc, m->folder);
  if (!code) code = name_assets(m, doc);
  if (!code && m->changed) loom_mjcf_write_document(&text, doc, NULL);
  if (!code && text.failed) code = no_memory(m);

  // A model that stands alone stays as it was written.
  if (code || m->changed) {
    free(*out);
    *out = code ? NULL : text.s;
  }
  if (code) loom_text_destroy(&text);

  for (int i = 0; i < m->nincluded; i++) free(m->included[i]);
  xmlFreeDoc(doc);
  free(m);
  return code;
}
