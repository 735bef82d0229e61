#include "engine/model/model_outline.h"

#include <mujoco/mjxmacro.h>
#include <string.h>
#include <strings.h>

// ---- stand-ins

// A tetrahedron of 1 m.
static const char obj[] = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 1 4 3\nf 2 3 4\n";

enum { STL_HEAD = 84, STL_FACE = 50, STL_SIZE = STL_HEAD + 4 * STL_FACE };

// The same as a binary STL: for each face its normal (left zero) and its three corners, 1.0f where it is one.
#define STL_0 0, 0, 0, 0
#define STL_1 0, 0, 0x80, 0x3f
#define STL_O STL_0, STL_0, STL_0
#define STL_X STL_1, STL_0, STL_0
#define STL_Y STL_0, STL_1, STL_0
#define STL_Z STL_0, STL_0, STL_1
static const unsigned char stl[STL_SIZE] = {[80] = 4, [STL_HEAD] = STL_O,
                                            STL_O,    STL_Y,
                                            STL_X,    0,
                                            0,        STL_O,
                                            STL_O,    STL_X,
                                            STL_Z,    0,
                                            0,        STL_O,
                                            STL_O,    STL_Z,
                                            STL_Y,    0,
                                            0,        STL_O,
                                            STL_X,    STL_Y,
                                            STL_Z,    0,
                                            0};

// One gray pixel.
static const unsigned char png[] = {0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d,
                                    0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01,
                                    0x08, 0x02, 0x00, 0x00, 0x00, 0x90, 0x77, 0x53, 0xde, 0x00, 0x00, 0x00,
                                    0x0c, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0x68, 0x68, 0x68, 0x00,
                                    0x00, 0x03, 0x04, 0x01, 0x81, 0x4b, 0xd3, 0xd2, 0x10, 0x00, 0x00, 0x00,
                                    0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};

static const struct {
  mjtObj kind;
  const char* extension;
  const void* bytes;
  int size;
} stand_ins[] = {{mjOBJ_MESH, ".obj", obj, sizeof obj - 1},
                 {mjOBJ_MESH, ".stl", stl, sizeof stl},
                 {mjOBJ_TEXTURE, ".png", png, sizeof png}};

const void* loom_stand_in(mjtObj kind, const char* path, int* size) {
  const char* dot = strrchr(path, '.');

  for (size_t i = 0; dot && i < sizeof stand_ins / sizeof *stand_ins; i++) {
    if (stand_ins[i].kind != kind || strcasecmp(dot, stand_ins[i].extension)) continue;
    *size = stand_ins[i].size;
    return stand_ins[i].bytes;
  }

  return NULL;
}

// ---- adapting

// Is all but the bodies the same text: options, defaults, assets, actuators?
static bool same_around_bodies(const char* a, const char* b) {
  static const char open[] = "<worldbody", close[] = "</worldbody>";
  // All before the first <worldbody> and after its end; a second one would have bodies that are not left out.
  const char *a_open = strstr(a, open), *b_open = strstr(b, open);
  const char *a_close = a_open ? strstr(a_open, close) : NULL,
             *b_close = b_open ? strstr(b_open, close) : NULL;

  if (!a_close || !b_close || a_open - a != b_open - b || strcmp(a_close, b_close)) return false;
  return !memcmp(a, b, (size_t)(a_open - a)) && !strstr(a_close + 1, open);
}

// NOLINTNEXTLINE(readability-function-size): a line a field, all out of MuJoCo's own list
static bool same_sizes(const mjModel* a, const mjModel* b) {
#define X(name) \
  if (a->name != b->name) return false;
  MJMODEL_SIZES
#undef X

  return true;
}

static bool same_numbers(const mjtNum* a, const mjtNum* b, int n) {
  for (int i = 0; i < n; i++) {
    if (a[i] != b[i]) return false;
  }

  return true;
}

// The same things of the same names, and of meshes the same in the same places: a stand-in says nothing about
// where a mesh would come to lie.
static bool same_parts(const mjModel* m, const mjModel* a, const mjModel* b) {
  if (m->nbody != a->nbody || m->njnt != a->njnt || m->ngeom != a->ngeom || m->nsite != a->nsite ||
      m->nmesh != a->nmesh || m->nnames != a->nnames || memcmp(a->names, b->names, (size_t)a->nnames))
    return false;

  for (int g = 0; g < a->ngeom; g++) {
    bool mesh = a->geom_type[g] == mjGEOM_MESH || b->geom_type[g] == mjGEOM_MESH;
    if (mesh && (a->geom_type[g] != b->geom_type[g] || a->geom_dataid[g] != b->geom_dataid[g] ||
                 !same_numbers(a->geom_pos + 3 * g, b->geom_pos + 3 * g, 3) ||
                 !same_numbers(a->geom_quat + 4 * g, b->geom_quat + 4 * g, 4)))
      return false;
  }

  return true;
}

// What differs from `before` to `after`, element by element.
static void patch_field(void* field, const void* before, const void* after, size_t size, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const char *x = (const char*)before + i * size, *y = (const char*)after + i * size;
    if (memcmp(x, y, size)) memcpy((char*)field + i * size, y, size);
  }
}

// NOLINTNEXTLINE(readability-function-size): a line a field, all out of MuJoCo's own list
static void patch_fields(mjModel* m, const mjModel* before, const mjModel* after) {
  // Rows that come from files are as many in both only by chance.
#define FROM_FILES(rows) \
  (!strncmp(rows, "nmesh", 5) || !strncmp(rows, "ntex", 4) || !strncmp(rows, "nbvh", 4))

#undef MJ_M
#define MJ_M(n) m->n
#define X(type, name, rows, columns)                                         \
  if (!FROM_FILES(#rows) && !strstr(#name, "bvh") && m->rows == after->rows) \
    patch_field(m->name, before->name, after->name, sizeof(type), (size_t)m->rows*(size_t)(columns));

  MJMODEL_POINTERS
#undef X
#undef FROM_FILES
}

bool loom_model_adapt(mjModel* m, const mjModel* before, const char* before_xml, const mjModel* after,
                      const char* after_xml) {
  if (!same_around_bodies(before_xml, after_xml) || !same_sizes(before, after) ||
      !same_parts(m, before, after))
    return false;

  patch_fields(m, before, after);

  // The BVH is still the old one's: nothing may be looked for in it.
  m->opt.disableflags |= mjDSBL_MIDPHASE;

  return true;
}
