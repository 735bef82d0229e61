#include <mujoco/mjxmacro.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/model/model.h"

typedef enum fieldType { FIELD_INT, FIELD_FLOAT, FIELD_DOUBLE, FIELD_BYTE, FIELD_SIZE } fieldType;

#define FIELD_TYPE(x)              \
  _Generic((x), int                \
           : FIELD_INT, float      \
           : FIELD_FLOAT, double   \
           : FIELD_DOUBLE, mjtSize \
           : FIELD_SIZE, default   \
           : FIELD_BYTE)

static double value_at(const void* data, fieldType type, size_t i) {
  switch (type) {
    case FIELD_INT:
      return ((const int*)data)[i];
    case FIELD_FLOAT:
      return (double)((const float*)data)[i];
    case FIELD_DOUBLE:
      return ((const double*)data)[i];
    case FIELD_SIZE:
      return (double)((const mjtSize*)data)[i];
    default:
      return ((const unsigned char*)data)[i];
  }
}

typedef struct comparison {
  char* what;
  int what_size;
} comparison;

// Whether count elements of size bytes each differ; the first that does is told.
static int differs(const comparison* to, const char* name, const void* a, const void* b, fieldType type,
                   size_t size, size_t count) {
  if (count == 0 || memcmp(a, b, size * count) == 0) return 0;

  // The first element that differs.
  size_t i = 0;
  while (memcmp((const char*)a + i * size, (const char*)b + i * size, size) == 0) i++;

  if (to->what && to->what_size > 0) {
    snprintf(to->what, (size_t)to->what_size, "%s[%zu]: %.17g != %.17g", name, i, value_at(a, type, i),
             value_at(b, type, i));
  }

  return 1;
}

// NOLINTNEXTLINE(readability-function-size): a line a field, all out of MuJoCo's own list
static int sizes_differ(const comparison* to, const mjModel* a, const mjModel* b) {
#define X(name) \
  if (differs(to, #name, &a->name, &b->name, FIELD_TYPE(a->name), sizeof a->name, 1)) return 1;
  MJMODEL_SIZES
#undef X

  return 0;
}

static int options_differ(const comparison* to, const mjModel* a, const mjModel* b) {
#define X(type, name, n)                                                                               \
  if (differs(to, "opt." #name, &a->opt.name, &b->opt.name, FIELD_TYPE(a->opt.name), sizeof(type), n)) \
    return 1;
#define XVEC(type, name, n)                                                                             \
  if (differs(to, "opt." #name, a->opt.name, b->opt.name, FIELD_TYPE(a->opt.name[0]), sizeof(type), n)) \
    return 1;
  MJOPTION_FIELDS
#undef X
#undef XVEC

#define X(name, n) \
  if (differs(to, "stat." #name, &a->stat.name, &b->stat.name, FIELD_DOUBLE, sizeof(mjtNum), n)) return 1;
#define XVEC(name, n) \
  if (differs(to, "stat." #name, a->stat.name, b->stat.name, FIELD_DOUBLE, sizeof(mjtNum), n)) return 1;
  MJSTATISTIC_FIELDS
#undef X
#undef XVEC

  // All of vis are ints and floats of 4 bytes: compared as ints.
  return differs(to, "vis", &a->vis, &b->vis, FIELD_INT, sizeof(int), sizeof a->vis / sizeof(int));
}

// NOLINTNEXTLINE(readability-function-size): a line a field, all out of MuJoCo's own list
static int arrays_differ(const comparison* to, const mjModel* a, const mjModel* b) {
#undef MJ_M
#define MJ_M(n) a->n
#define X(type, name, rows, columns)                                             \
  if (differs(to, #name, a->name, b->name, FIELD_TYPE(a->name[0]), sizeof(type), \
              (size_t)a->rows * (size_t)(columns))) {                            \
    return 1;                                                                    \
  }
  MJMODEL_POINTERS
#undef X

  return 0;
}

int loom_model_compare(const mjModel* a, const mjModel* b, char* what, int what_size) {
  const comparison to = {what, what_size};
  if (what && what_size > 0) what[0] = '\0';

  // Sizes first: the arrays of both are taken to be as long as a's.
  return sizes_differ(&to, a, b) || options_differ(&to, a, b) || arrays_differ(&to, a, b);
}
