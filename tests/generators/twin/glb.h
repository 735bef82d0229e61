// Scans for tests, written here: closed shapes as meshes, and GLB files of them.
#ifndef LOOM_TESTS_GENERATORS_TWIN_GLB_H
#define LOOM_TESTS_GENERATORS_TWIN_GLB_H

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generators/twin/mesh.h"

/// Two numbers that are nearly the same.
#define assert_near(a, b, by) assert_true(fabs((double)(a) - (double)(b)) <= (by))

/// An upright box from `low` to `high`, added to what the mesh has.
static inline void add_box(loomMesh* mesh, const double low[3], const double high[3]) {
  static const int corner[12][3] = {{0, 2, 1}, {1, 2, 3}, {4, 5, 6}, {5, 7, 6}, {0, 1, 4}, {1, 5, 4},
                                    {2, 6, 3}, {3, 6, 7}, {0, 4, 2}, {2, 4, 6}, {1, 3, 5}, {3, 7, 5}};
  loomMesh more;
  if (loom_mesh_create(&more, mesh->nvert + 8, mesh->nface + 12, 0, NULL)) abort();

  if (mesh->nvert) memcpy(more.pos, mesh->pos, 3 * (size_t)mesh->nvert * sizeof *mesh->pos);
  if (mesh->nface) memcpy(more.face, mesh->face, 3 * (size_t)mesh->nface * sizeof *mesh->face);
  for (int v = 0; v < 8; v++)
    for (int k = 0; k < 3; k++)
      more.pos[3 * (size_t)(mesh->nvert + v) + (size_t)k] = (v >> k & 1) ? high[k] : low[k];
  for (int f = 0; f < 12; f++)
    for (int k = 0; k < 3; k++)
      more.face[3 * (size_t)(mesh->nface + f) + (size_t)k] = mesh->nvert + corner[f][k];

  loom_mesh_destroy(mesh);
  *mesh = more;
}

/// An upright cylinder of n sides that stands on z = 0.
static inline void make_cylinder(loomMesh* out, double radius, double height, int n) {
  if (loom_mesh_create(out, 2 * n + 2, 4 * n, 0, NULL)) abort();
  for (int i = 0; i < 2 * n; i++) {
    double angle = 2 * 3.14159265358979323846 * (i % n) / n;
    const double p[3] = {radius * cos(angle), radius * sin(angle), i < n ? 0 : height};
    memcpy(out->pos + 3 * (size_t)i, p, sizeof p);
  }
  out->pos[3 * (2 * (size_t)n + 1) + 2] = height;

  for (int i = 0; i < n; i++) {
    int j = (i + 1) % n;
    const int f[12] = {i, j, n + j, i, n + j, n + i, j, i, 2 * n, n + i, n + j, 2 * n + 1};
    memcpy(out->face + 12 * (size_t)i, f, sizeof f);
  }
}

typedef struct glbFile {
  unsigned char* bytes;
  size_t n;
} glbFile;

static inline void put_glb(glbFile* glb, const void* bytes, size_t n, unsigned char fill) {
  size_t padded = (n + 3) & ~(size_t)3;
  unsigned char* more = realloc(glb->bytes, glb->n + padded + 1);
  if (!more) abort();
  memset(more + glb->n, fill, padded);
  if (n) memcpy(more + glb->n, bytes, n);
  glb->bytes = more;
  glb->n += padded;
}

/// A container of this JSON and binary chunk.
static inline void make_glb(glbFile* out, const char* json, const void* bin, size_t nbin) {
  size_t njson = strlen(json), parts[2] = {(njson + 3) & ~(size_t)3, (nbin + 3) & ~(size_t)3};
  uint32_t head[3] = {0x46546C67, 2, (uint32_t)(12 + 8 + parts[0] + (nbin ? 8 + parts[1] : 0))};
  uint32_t first[2] = {(uint32_t)parts[0], 0x4E4F534A}, second[2] = {(uint32_t)parts[1], 0x004E4942};

  *out = (glbFile){NULL, 0};
  put_glb(out, head, sizeof head, 0);
  put_glb(out, first, sizeof first, 0);
  put_glb(out, json, njson, ' ');
  if (!nbin) return;
  put_glb(out, second, sizeof second, 0);
  put_glb(out, bin, nbin, 0);
}

/// A mesh as GLB. `more` is put into the JSON behind its other members, `primitive` into the primitive; coord
/// (nvert x 2) and picture may be NULL. The JSON's accessors: 0 positions, 1 indices, 2 coordinates.
static inline void mesh_to_glb(glbFile* out, const loomMesh* mesh, const float* coord, const void* picture,
                               size_t npicture, const char* primitive, const char* more) {
  glbFile bin = {NULL, 0};
  size_t v = (size_t)mesh->nvert, f = (size_t)mesh->nface,
         size[4] = {12 * v, 12 * f, coord ? 8 * v : 0, npicture};
  float* pos = malloc(12 * v + 1);
  uint32_t* index = malloc(12 * f + 1);
  char* json = malloc(4096);
  if (!pos || !index || !json) abort();
  for (size_t i = 0; i < 3 * v; i++) pos[i] = (float)mesh->pos[i];
  for (size_t i = 0; i < 3 * f; i++) index[i] = (uint32_t)mesh->face[i];

  put_glb(&bin, pos, size[0], 0);
  put_glb(&bin, index, size[1], 0);
  put_glb(&bin, coord, size[2], 0);
  put_glb(&bin, picture, size[3], 0);
  size_t at[4] = {0, size[0], size[0] + size[1], size[0] + size[1] + size[2]};
  snprintf(
      json, 4096,
      "{\"asset\":{\"version\":\"2.0\"},\"scene\":0,\"scenes\":[{\"nodes\":[0]}],\"nodes\":[{\"mesh\":0}],"
      "\"meshes\":[{\"primitives\":[{\"attributes\":{\"POSITION\":0%s},\"indices\":1%s}]}],"
      "\"accessors\":[{\"bufferView\":0,\"componentType\":5126,\"count\":%zu,\"type\":\"VEC3\"},"
      "{\"bufferView\":1,\"componentType\":5125,\"count\":%zu,\"type\":\"SCALAR\"}%s],"
      "\"bufferViews\":[{\"buffer\":0,\"byteOffset\":0,\"byteLength\":%zu},{\"buffer\":0,\"byteOffset\":%zu,"
      "\"byteLength\":%zu},{\"buffer\":0,\"byteOffset\":%zu,\"byteLength\":%zu},{\"buffer\":0,\"byteOffset\":"
      "%zu,"
      "\"byteLength\":%zu}],\"buffers\":[{\"byteLength\":%zu}]%s}",
      coord ? ",\"TEXCOORD_0\":2" : "", primitive, v, 3 * f, "", size[0], at[1], size[1], at[2],
      size[2] ? size[2] : 4, at[3], size[3] ? size[3] : 4, bin.n, more);
  if (coord) {
    // The third accessor, whose count is known only here.
    char accessor[160], *end = strstr(json, "}],\"bufferViews\"");
    snprintf(accessor, sizeof accessor,
             ",{\"bufferView\":2,\"componentType\":5126,\"count\":%zu,\"type\":\"VEC2\"}", v);
    memmove(end + 1 + strlen(accessor), end + 1, strlen(end + 1) + 1);
    memcpy(end + 1, accessor, strlen(accessor));
  }
  make_glb(out, json, bin.bytes, bin.n);
  free(bin.bytes);
  free(pos);
  free(index);
  free(json);
}

#endif
