// Meshes with the colors of their vertices as files of others' kinds: PLY and GLB.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/text.h"
#include "generators/twin/fuse.h"

static const unsigned char* color_of(const loomMesh* mesh, int v) {
  static const unsigned char gray[3] = {180, 180, 180};
  return mesh->color ? mesh->color + 3 * (size_t)v : gray;
}

static void write_ply(FILE* out, const loomMesh* mesh) {
  fprintf(out,
          "ply\nformat binary_little_endian 1.0\nelement vertex %d\nproperty float x\nproperty float "
          "y\nproperty float "
          "z\nproperty uchar red\nproperty uchar green\nproperty uchar blue\nelement face %d\nproperty list "
          "uchar int "
          "vertex_indices\nend_header\n",
          mesh->nvert, mesh->nface);

  for (int v = 0; v < mesh->nvert; v++) {
    const double* p = mesh->pos + 3 * (size_t)v;
    const float x[3] = {(float)p[0], (float)p[1], (float)p[2]};
    fwrite(x, sizeof x, 1, out);
    fwrite(color_of(mesh, v), 3, 1, out);
  }
  for (int f = 0; f < mesh->nface; f++) {
    fputc(3, out);
    fwrite(mesh->face + 3 * (size_t)f, sizeof(int), 3, out);
  }
}

static void put_number(FILE* out, uint32_t x) {
  fwrite(&x, sizeof x, 1, out);
}

// glTF has y up: x stays, y becomes z, z becomes -y.
static void write_glb(FILE* out, const loomMesh* mesh) {
  char json[1536];
  double low[3], high[3];
  loom_mesh_bounds(low, high, mesh);
  size_t nv = (size_t)mesh->nvert, nf = (size_t)mesh->nface, bytes = 16 * nv + 12 * nf;
  int n = snprintf(
      json, sizeof json,
      "{\"asset\":{\"version\":\"2.0\",\"generator\":\"demoloom\"},\"scene\":0,\"scenes\":[{\"nodes\":[0]}],"
      "\"nodes\":[{\"mesh\":0}],\"meshes\":[{\"primitives\":[{\"attributes\":{\"POSITION\":0,\"COLOR_0\":1},"
      "\"indices\":2}]}],\"buffers\":[{\"byteLength\":%zu}],\"bufferViews\":[{\"buffer\":0,\"byteOffset\":0,"
      "\"byteLength\":%zu,\"target\":34962},{\"buffer\":0,\"byteOffset\":%zu,\"byteLength\":%zu,"
      "\"byteStride\":4,"
      "\"target\":34962},{\"buffer\":0,\"byteOffset\":%zu,\"byteLength\":%zu,\"target\":34963}],"
      "\"accessors\":["
      "{\"bufferView\":0,\"componentType\":5126,\"count\":%zu,\"type\":\"VEC3\",\"min\":[%.9g,%.9g,%.9g],"
      "\"max\":[%.9g,%.9g,%.9g]},{\"bufferView\":1,\"componentType\":5121,\"normalized\":true,\"count\":%zu,"
      "\"type\":\"VEC4\"},{\"bufferView\":2,\"componentType\":5125,\"count\":%zu,\"type\":\"SCALAR\"}]}",
      bytes, 12 * nv, 12 * nv, 4 * nv, 16 * nv, 12 * nf, nv, (double)(float)low[0], (double)(float)low[2],
      (double)(float)-high[1], (double)(float)high[0], (double)(float)high[2], (double)(float)-low[1], nv,
      3 * nf);

  while (n % 4) json[n++] = ' ';

  put_number(out, 0x46546c67);  // "glTF"
  put_number(out, 2);
  put_number(out, (uint32_t)(12 + 8 + (size_t)n + 8 + bytes));
  put_number(out, (uint32_t)n);
  put_number(out, 0x4e4f534a);  // "JSON"
  fwrite(json, 1, (size_t)n, out);
  put_number(out, (uint32_t)bytes);
  put_number(out, 0x004e4942);  // "BIN"
  for (int v = 0; v < mesh->nvert; v++) {
    const double* p = mesh->pos + 3 * (size_t)v;
    const float x[3] = {(float)p[0], (float)p[2], (float)-p[1]};
    fwrite(x, sizeof x, 1, out);
  }

  for (int v = 0; v < mesh->nvert; v++) {
    fwrite(color_of(mesh, v), 3, 1, out);
    fputc(255, out);
  }
  fwrite(mesh->face, sizeof(int), 3 * nf, out);
}

int loom_mesh_write_colored(const loomMesh* mesh, const char* path, loomError* err) {
  bool ply = loom_ends_with(path, ".ply");
  loomFile file = {0};
  if (!ply && !loom_ends_with(path, ".glb"))
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: a mesh is written as .ply or .glb", path);
  int code = loom_file_begin(&file, path, err);
  if (code) return code;
  if (ply)
    write_ply(file.stream, mesh);
  else
    write_glb(file.stream, mesh);

  return loom_file_commit(&file, err);
}
