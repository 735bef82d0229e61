#include "generators/twin/scan_decode.h"

#include <assimp/cfileio.h>
#include <assimp/material.h>
#include <assimp/mesh.h>
#include <assimp/postprocess.h>
#include <assimp/scene.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/model/asset.h"

enum { DEEPEST = 64, SIDE_MAX = 256 << 20 };  // of nodes in one another; bytes of a file beside the scan

// ---- what assimp may open: the scan itself, and what lies in its folder or below

typedef struct openFile {
  struct aiFile face;
  const unsigned char* bytes;
  void* own;  // of a file beside the scan
  size_t n, at;
} openFile;

static openFile* file_of(struct aiFile* file) {
  return (openFile*)(void*)file->UserData;
}

static size_t read_open(struct aiFile* file, char* out, size_t size, size_t count) {
  openFile* f = file_of(file);
  size_t whole = size ? (f->n - f->at) / size : 0;
  if (count > whole) count = whole;

  memcpy(out, f->bytes + f->at, size * count);
  f->at += size * count;
  return count;
}

static size_t write_open(struct aiFile* file, const char* bytes, size_t size, size_t count) {
  (void)file;
  (void)bytes;
  (void)size;
  (void)count;
  return 0;
}

static size_t tell_open(struct aiFile* file) {
  return file_of(file)->at;
}

static size_t size_open(struct aiFile* file) {
  return file_of(file)->n;
}

static enum aiReturn seek_open(struct aiFile* file, size_t offset, enum aiOrigin origin) {
  openFile* f = file_of(file);
  size_t base = origin == aiOrigin_SET ? 0 : origin == aiOrigin_CUR ? f->at : f->n;
  size_t to = origin == aiOrigin_END ? f->n - (offset < f->n ? offset : f->n) : base + offset;
  if (to > f->n || to < offset * (origin != aiOrigin_END)) return aiReturn_FAILURE;
  f->at = to;
  return aiReturn_SUCCESS;
}

static void flush_open(struct aiFile* file) {
  (void)file;
}

// A file beside the scan. The folder that it lies in is the only one where anything is looked up.
static int read_beside(void** bytes, size_t* n, const loomScanDecode* scan, const char* name,
                       loomError* err) {
  char folder[LOOM_PATH_MAX], path[LOOM_PATH_MAX];
  const char* slash = strrchr(scan->path, '/');
  int length = slash ? (int)(slash - scan->path) : 1;
  snprintf(folder, sizeof folder, "%.*s", length ? length : 1, slash ? scan->path : ".");

  // As assimp names it, in the scan's folder already, or as the scan does.
  size_t within = strlen(folder);
  if (!strncmp(name, folder, within) && name[within] == '/') name += within + 1;
  loomAssetRoots roots = {0};
  int64_t size = 0;
  int code = *name == '/' || loom_asset_normalize(path, NULL, name)
                 ? loom_error_set(err, LOOM_ERR_FORMAT, "'%.200s' leads out of the folder of the scan", name)
                 : loom_asset_roots_add(&roots, "scan", folder, err);
  if (!code) code = loom_asset_read(bytes, &size, &roots, path, SIDE_MAX, "texture", err);
  *n = (size_t)size;
  loom_asset_roots_destroy(&roots);
  return code;
}

static struct aiFile* open_file(struct aiFileIO* io, const char* name, const char* mode) {
  const loomScanDecode* scan = (const loomScanDecode*)(void*)io->UserData;
  openFile* f = strchr(mode, 'w') || strchr(mode, 'a') ? NULL : calloc(1, sizeof *f);
  if (!f) return NULL;

  f->bytes = scan->bytes;
  f->n = scan->n;
  if (strcmp(name, scan->path) != 0) {
    if (read_beside(&f->own, &f->n, scan, name, NULL)) {
      free(f);
      return NULL;
    }
    f->bytes = f->own;
  }

  f->face = (struct aiFile){read_open, write_open, tell_open, size_open, seek_open, flush_open, (char*)f};
  return &f->face;
}

static void close_file(struct aiFileIO* io, struct aiFile* file) {
  (void)io;
  openFile* f = file_of(file);
  free(f->own);
  free(f);
}

// ---- what there is

typedef struct layout {
  const struct aiScene* scene;
  loomScan* scan;
  int64_t nvert, nface;
  bool coords, colors;
  int vert, face;  // laid out so far
  const loomScanDef* def;
} layout;

static bool is_triangle(const struct aiMesh* mesh, const struct aiFace* face) {
  if (face->mNumIndices != 3) return false;
  for (int k = 0; k < 3; k++)
    if (face->mIndices[k] >= mesh->mNumVertices) return false;
  return true;
}

static const struct aiMesh* mesh_of(const layout* l, const struct aiNode* node, unsigned i) {
  unsigned which = node->mMeshes[i];
  return which < l->scene->mNumMeshes ? l->scene->mMeshes[which] : NULL;
}

// A mesh counts each time that a node shows it.
static int count_node(layout* l, const struct aiNode* node, int depth, loomError* err) {
  if (depth > DEEPEST)
    return loom_error_set(err, LOOM_ERR_FORMAT, "its nodes lie more than %d deep in one another", DEEPEST);

  for (unsigned i = 0; i < node->mNumMeshes; i++) {
    const struct aiMesh* mesh = mesh_of(l, node, i);
    if (!mesh || !mesh->mVertices) continue;
    l->nvert += mesh->mNumVertices;
    for (unsigned f = 0; f < mesh->mNumFaces; f++) l->nface += is_triangle(mesh, &mesh->mFaces[f]);
    l->coords = l->coords || mesh->mTextureCoords[0];
    l->colors = l->colors || mesh->mColors[0];
    if (l->nface > l->def->max_faces || l->nvert > 3 * (int64_t)l->def->max_faces)
      return loom_error_set(err, LOOM_ERR_FORMAT,
                            "it has more than %d triangles; make it simpler first (MeshLab: Quadric Edge "
                            "Collapse Decimation)",
                            l->def->max_faces);
  }

  int code = 0;
  for (unsigned i = 0; !code && i < node->mNumChildren; i++)
    code = count_node(l, node->mChildren[i], depth + 1, err);
  return code;
}

static struct aiMatrix4x4 multiply(const struct aiMatrix4x4* a, const struct aiMatrix4x4* b) {
  struct aiMatrix4x4 out;
  const float *x = &a->a1, *y = &b->a1;
  float* z = &out.a1;

  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 4; j++) {
      z[4 * i + j] = 0;
      for (int k = 0; k < 4; k++) z[4 * i + j] += x[4 * i + k] * y[4 * k + j];
    }
  return out;
}

static unsigned char to_byte(float x) {
  return (unsigned char)(x >= 1 ? 255 : x > 0 ? 255 * x + 0.5F : 0);
}

static void lay_vertices(layout* l, const struct aiMesh* mesh, const struct aiMatrix4x4* at) {
  loomMesh* to = &l->scan->mesh;
  const float* m = &at->a1;

  for (unsigned i = 0; i < mesh->mNumVertices; i++, l->vert++) {
    const struct aiVector3D* p = &mesh->mVertices[i];
    double* out = to->pos + 3 * (size_t)l->vert;
    for (int k = 0; k < 3; k++)
      out[k] = (double)m[4 * k] * (double)p->x + (double)m[4 * k + 1] * (double)p->y +
               (double)m[4 * k + 2] * (double)p->z + (double)m[4 * k + 3];

    // glTF and OBJ agree once assimp is through: from the lower left corner.
    if (mesh->mTextureCoords[0]) {
      to->coord[2 * (size_t)l->vert] = mesh->mTextureCoords[0][i].x;
      to->coord[2 * (size_t)l->vert + 1] = mesh->mTextureCoords[0][i].y;
    }
    const struct aiColor4D white = {1, 1, 1, 1}, *c = mesh->mColors[0] ? &mesh->mColors[0][i] : &white;
    if (to->color) {
      to->color[3 * (size_t)l->vert] = to_byte(c->r);
      to->color[3 * (size_t)l->vert + 1] = to_byte(c->g);
      to->color[3 * (size_t)l->vert + 2] = to_byte(c->b);
    }
  }
}

static void lay_mesh(layout* l, const struct aiMesh* mesh, const struct aiMatrix4x4* at) {
  loomMesh* to = &l->scan->mesh;
  int first = l->vert, material = (int)mesh->mMaterialIndex;
  lay_vertices(l, mesh, at);

  // A node may mirror what it shows: its triangles are then turned over.
  const float* m = &at->a1;
  float det = m[0] * (m[5] * m[10] - m[6] * m[9]) - m[1] * (m[4] * m[10] - m[6] * m[8]) +
              m[2] * (m[4] * m[9] - m[5] * m[8]);
  for (unsigned f = 0; f < mesh->mNumFaces; f++) {
    if (!is_triangle(mesh, &mesh->mFaces[f])) continue;
    const unsigned* from = mesh->mFaces[f].mIndices;
    int* out = to->face + 3 * (size_t)l->face;
    out[0] = first + (int)from[0];
    out[1] = first + (int)from[det < 0 ? 2 : 1];
    out[2] = first + (int)from[det < 0 ? 1 : 2];
    to->material[l->face++] = material < LOOM_SCAN_MATERIALS ? material : LOOM_SCAN_MATERIALS - 1;
  }
}

static void lay_node(layout* l, const struct aiNode* node, const struct aiMatrix4x4* above) {
  struct aiMatrix4x4 at = multiply(above, &node->mTransformation);
  for (unsigned i = 0; i < node->mNumMeshes; i++) {
    const struct aiMesh* mesh = mesh_of(l, node, i);
    if (mesh && mesh->mVertices) lay_mesh(l, mesh, &at);
  }
  for (unsigned i = 0; i < node->mNumChildren; i++) lay_node(l, node->mChildren[i], &at);
}

static int lay_out(layout* l, loomShelf* shelf, loomError* err) {
  int code = count_node(l, l->scene->mRootNode, 0, err);
  if (code) return code;
  if (!l->nface) return loom_error_set(err, LOOM_ERR_FORMAT, "it has no triangles; export it as a mesh");

  loomMesh* to = &l->scan->mesh;
  size_t v = (size_t)l->nvert, f = (size_t)l->nface;
  to->pos = loom_shelf_take(shelf, 3 * v * sizeof *to->pos);
  to->face = loom_shelf_take(shelf, 3 * f * sizeof *to->face);
  to->material = loom_shelf_take(shelf, f * sizeof *to->material);
  if (l->coords) to->coord = loom_shelf_take(shelf, 2 * v * sizeof *to->coord);
  if (l->colors) to->color = loom_shelf_take(shelf, 3 * v);
  if (!to->pos || !to->face || !to->material || (l->coords && !to->coord) || (l->colors && !to->color))
    return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for %lld triangles", (long long)l->nface);

  to->nvert = (int)l->nvert;
  to->nface = (int)l->nface;
  const struct aiMatrix4x4 same = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1};
  lay_node(l, l->scene->mRootNode, &same);
  return 0;
}

// ---- materials

// What "*0" stands for. Textures that are not compressed are none that GLB, OBJ, PLY or STL have.
static const struct aiTexture* inside_texture(const struct aiScene* scene, const char* name) {
  char* end;
  if (*name != '*') return NULL;
  unsigned long i = strtoul(name + 1, &end, 10);
  if (*end || i >= scene->mNumTextures) return NULL;
  const struct aiTexture* t = scene->mTextures[i];
  return t && !t->mHeight && t->pcData ? t : NULL;
}

static int read_texture(loomScanMaterial* out, const loomScanDecode* scan, const struct aiScene* scene,
                        const char* name, loomShelf* shelf, loomError* err) {
  const struct aiTexture* t = inside_texture(scene, name);
  if (!t && *name == '*') return loom_error_set(err, LOOM_ERR_FORMAT, "'%.60s' is not in the file", name);

  void* own = NULL;
  size_t n = t ? t->mWidth : 0;
  int code = t ? 0 : read_beside(&own, &n, scan, name, err);
  if (!code)
    code = loom_picture_decode(&out->image, &scan->library, t ? (const unsigned char*)t->pcData : own, n,
                               scan->def->texture, shelf, err);
  free(own);
  return code;
}

static void read_material(loomScanMaterial* out, const loomScanDecode* scan, const struct aiScene* scene,
                          const struct aiMaterial* material, loomShelf* shelf) {
  const loomScanLibrary* library = &scan->library;
  struct aiColor4D color = {1, 1, 1, 1};
  struct aiString name = {0};
  loomError err = {0};

  if (library->aiGetMaterialColor(material, AI_MATKEY_BASE_COLOR, &color) != aiReturn_SUCCESS)
    library->aiGetMaterialColor(material, AI_MATKEY_COLOR_DIFFUSE, &color);
  const float rgba[4] = {color.r, color.g, color.b, color.a};
  for (int k = 0; k < 4; k++) out->rgba[k] = rgba[k] >= 0 && rgba[k] <= 1 ? (double)rgba[k] : 1;

  if (library->aiGetMaterialString(material, AI_MATKEY_TEXTURE(aiTextureType_BASE_COLOR, 0), &name) !=
          aiReturn_SUCCESS &&
      library->aiGetMaterialString(material, AI_MATKEY_TEXTURE(aiTextureType_DIFFUSE, 0), &name) !=
          aiReturn_SUCCESS)
    return;

  name.data[sizeof name.data - 1] = 0;
  if (!read_texture(out, scan, scene, name.data, shelf, &err)) return;
  out->image = (loomImage){0};
  snprintf(out->why, sizeof out->why, "%s", err.message);
}

// ---- all of it

int loom_scan_decode(void* user, loomShelf* shelf, void** result, loomError* err) {
  loomScanDecode* scan = user;
  struct aiFileIO io = {open_file, close_file, (char*)scan};
  loomScan* out = loom_shelf_take(shelf, sizeof *out);
  if (!out) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a scan");

  const struct aiScene* scene = scan->library.aiImportFileEx(scan->path, aiProcess_Triangulate, &io);
  if (!scene || !scene->mRootNode) {
    const char* why = scan->library.aiGetErrorString();
    return loom_error_set(err, LOOM_ERR_FORMAT, "it cannot be read (%.300s); export it again",
                          why ? why : "");
  }

  layout l = {.scene = scene, .scan = out, .def = scan->def};
  int code = lay_out(&l, shelf, err);
  out->nmaterial =
      (int)(scene->mNumMaterials < LOOM_SCAN_MATERIALS ? scene->mNumMaterials : LOOM_SCAN_MATERIALS);
  for (int i = 0; !code && i < out->nmaterial; i++)
    read_material(&out->material[i], scan, scene, scene->mMaterials[i], shelf);

  // The process ends here: assimp's own are not worth tidying up.
  *result = out;
  return code;
}
