#include "generators/twin/decompose.h"

#include <dlfcn.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/aside.h"
#include "engine/base/cache.h"
#include "engine/base/clock.h"
#include "engine/base/text.h"

loomDecomposeDef loom_default_decompose_def(void) {
  return (loomDecomposeDef){.what = "a mesh",
                            .threshold = 0.05,
                            .pieces = 32,
                            .crumbs = 0.002,
                            .iterations = 60,
                            .nodes = 10,
                            .resolution = 1000,
                            .corners = 48,
                            .seconds = 1800};
}

// ---- CoACD's face, as its library exports it

typedef struct coacdMesh {
  double* pos;
  uint64_t nvert;
  int* face;
  uint64_t nface;
} coacdMesh;

typedef struct coacdMeshes {
  coacdMesh* mesh;
  uint64_t n;
} coacdMeshes;

typedef coacdMeshes (*coacdRun)(const coacdMesh* mesh, double threshold, int pieces, int preprocess,
                                int preprocess_resolution, int resolution, int nodes, int iterations,
                                int depth, bool pca, bool merge, bool decimate, int corners, bool extrude,
                                double margin, int approximation, unsigned seed, bool real_metric);

typedef struct run {
  const loomMesh* mesh;
  const loomDecomposeDef* def;
  coacdRun call;
} run;

// ---- aside

static int load_coacd(void* user, loomError* err) {
  run* r = user;
  char path[LOOM_PATH_MAX + 32];
  snprintf(path, sizeof path, "%s/coacd/lib_coacd.so", r->def->coacd ? r->def->coacd : "");
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  void* address = library ? dlsym(library, "CoACD_run") : NULL;
  memcpy(&r->call, &address, sizeof address);
  if (address) return 0;
  return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                        "%s: CoACD is not there (%.300s); `tools/fetch.sh coacd` fetches it", r->def->what,
                        dlerror());
}

// A piece on the shelf: how many vertices and triangles, then these.
static bool shelve(loomShelf* shelf, const coacdMesh* piece) {
  int* head = loom_shelf_take(shelf, 2 * sizeof *head);
  double* pos = loom_shelf_take(shelf, 3 * (size_t)piece->nvert * sizeof *pos);
  int* face = loom_shelf_take(shelf, 3 * (size_t)piece->nface * sizeof *face);
  if (!head || !pos || !face) return false;

  head[0] = (int)piece->nvert;
  head[1] = (int)piece->nface;
  memcpy(pos, piece->pos, 3 * (size_t)piece->nvert * sizeof *pos);
  memcpy(face, piece->face, 3 * (size_t)piece->nface * sizeof *face);
  return true;
}

static int run_coacd(void* user, loomShelf* shelf, void** result, loomError* err) {
  enum { AUTO = 0, OFF = 2, PREPROCESS_RESOLUTION = 50, DEPTH = 3, HULLS = 0 };
  const run* r = user;
  const loomDecomposeDef* d = r->def;
  coacdMesh mesh = {r->mesh->pos, (uint64_t)r->mesh->nvert, r->mesh->face, (uint64_t)r->mesh->nface};

  coacdMeshes all = r->call(&mesh, d->threshold, d->pieces > 0 ? d->pieces : -1, d->as_it_is ? OFF : AUTO,
                            PREPROCESS_RESOLUTION, d->resolution, d->nodes, d->iterations, DEPTH, false, true,
                            true, d->corners, false, 0.01, HULLS, 0, false);
  size_t* list = loom_shelf_take(shelf, 2 * sizeof *list);
  bool room = list;
  for (uint64_t i = 0; room && i < all.n; i++) room = shelve(shelf, &all.mesh[i]);
  if (!room) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory for convex pieces", d->what);

  // Where it begins and ends, and how many there are.
  list[0] = all.n;
  list[1] = (size_t)(shelf->bytes + shelf->used - (unsigned char*)list);
  *result = list;
  return 0;
}

// ---- kept

// All that the result depends on.
static int make_key(loomText* key, const loomMesh* mesh, const loomDecomposeDef* d, loomError* err) {
  char head[256];
  snprintf(head, sizeof head, "coacd 1.0.14, as 1: %.17g %d %d %d %d %d %d, %d vertices, %d triangles\n",
           d->threshold, d->pieces, d->iterations, d->nodes, d->resolution, d->corners, d->as_it_is,
           mesh->nvert, mesh->nface);
  loom_text_puts(key, head);
  loom_text_add(key, (const char*)mesh->pos, 3 * (size_t)mesh->nvert * sizeof *mesh->pos);
  loom_text_add(key, (const char*)mesh->face, 3 * (size_t)mesh->nface * sizeof *mesh->face);
  return key->failed ? loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", d->what) : 0;
}

// The pieces of what run_coacd left; bytes of another shape are as good as none.
static int read_pieces(loomDecomposed* out, const unsigned char* bytes, size_t n, loomError* err) {
  size_t list[2] = {0}, at = loom_shelf_round(sizeof list);
  int code = 0;
  if (n >= sizeof list) memcpy(list, bytes, sizeof list);
  out->shape = calloc(list[0] < n ? list[0] + 1 : 1, sizeof *out->shape);
  if (!out->shape) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for convex pieces");

  for (size_t i = 0; !code && i < list[0]; i++) {
    int head[2] = {0};
    if (at + sizeof head > n) break;
    memcpy(head, bytes + at, sizeof head);
    at += loom_shelf_round(sizeof head);

    size_t pos = 3 * (size_t)head[0] * sizeof(double), face = 3 * (size_t)head[1] * sizeof(int);
    if (head[0] < 0 || head[1] < 0 || pos > n || face > n || at + loom_shelf_round(pos) + face > n) break;
    loomShape* shape = &out->shape[out->n];
    *shape = (loomShape){.type = LOOM_SHAPE_HULL, .quat = {1, 0, 0, 0}};
    code = loom_mesh_create(&shape->hull, head[0], head[1], 0, err);
    if (code) break;
    memcpy(shape->hull.pos, bytes + at, pos);
    at += loom_shelf_round(pos);
    memcpy(shape->hull.face, bytes + at, face);
    at += loom_shelf_round(face);
    out->n++;
  }
  return code;
}

static int ask_coacd(loomDecomposed* out, const loomMesh* mesh, const loomDecomposeDef* def,
                     const loomText* key, loomError* err) {
  run r = {.mesh = mesh, .def = def};
  loomAsideDef aside = loom_default_aside_def();
  loomAside done;
  aside.what = def->what;
  aside.prepare = load_coacd;
  aside.work = run_coacd;
  aside.user = &r;
  aside.seconds = def->seconds;
  aside.wait = def->wait;
  aside.wait_user = def->wait_user;

  int code = loom_aside_run(&done, &aside, err);
  if (code) return code;
  const unsigned char* bytes = done.result;
  size_t n;
  memcpy(&n, bytes + sizeof n, sizeof n);

  code = read_pieces(out, bytes, n, err);
  if (!code && out->n) loom_cache_store(LOOM_CACHE_PIECES, key->s, key->n, "", 0, bytes, n);
  loom_aside_destroy(&done);
  if (!code && !out->n)
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: CoACD finds nothing solid in it; is it a sheet?",
                          def->what);
  return code;
}

static void drop_crumbs(loomDecomposed* out, double share) {
  double all = 0;
  int n = 0;
  for (int i = 0; i < out->n; i++) all += loom_shape_volume(&out->shape[i]);

  for (int i = 0; i < out->n; i++) {
    if (loom_shape_volume(&out->shape[i]) < share * all) {
      loom_shape_destroy(&out->shape[i]);
      out->crumbs++;
    } else {
      out->shape[n++] = out->shape[i];
    }
  }
  out->n = n;
}

int loom_decompose(loomDecomposed* out, const loomMesh* mesh, const loomDecomposeDef* def, loomError* err) {
  loomText key = {0};
  loomCached cached = {0};
  double begun = loom_clock();
  *out = (loomDecomposed){0};

  int code = make_key(&key, mesh, def, err);
  if (!code && loom_cache_load(&cached, LOOM_CACHE_PIECES, key.s, key.n)) {
    code = read_pieces(out, (const unsigned char*)cached.bytes, cached.nbytes, err);
    out->kept = out->n > 0;
    loom_cached_destroy(&cached);
  }
  if (!code && !out->kept && def->kept)
    code = loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s: its convex pieces are not there yet", def->what);
  if (!code && !out->kept) {
    loom_decomposed_destroy(out);
    code = ask_coacd(out, mesh, def, &key, err);
  }

  if (!code && def->crumbs > 0) drop_crumbs(out, def->crumbs);
  out->seconds = loom_clock() - begun;
  loom_text_destroy(&key);
  if (code) loom_decomposed_destroy(out);
  return code;
}

void loom_decomposed_destroy(loomDecomposed* pieces) {
  for (int i = 0; i < pieces->n; i++) loom_shape_destroy(&pieces->shape[i]);
  free(pieces->shape);
  *pieces = (loomDecomposed){0};
}

// ---- how well they do

static double outside_all(const loomShape* shape, int n, const double point[3], int but) {
  double least = INFINITY;
  for (int i = 0; i < n; i++)
    if (i != but) least = fmin(least, loom_shape_outside(&shape[i], point));
  return least;
}

// Where a shape's surface stands off the mesh: pieces meet within it, and are in one another.
static double off_mesh(const loomShape* shape, int n, int which, const double point[3],
                       const loomMesh* mesh) {
  bool within = loom_mesh_winding(mesh, point) > 0.5 || (n > 1 && outside_all(shape, n, point, which) <= 0);
  return within ? 0 : loom_mesh_distance(mesh, point);
}

static double hull_off(const loomShape* shape, int n, int which, const loomMesh* mesh) {
  const loomMesh* hull = &shape[which].hull;
  double most = 0;
  for (int v = 0; v < hull->nvert; v++)
    most = fmax(most, off_mesh(shape, n, which, hull->pos + 3 * (size_t)v, mesh));

  // The middles of its triangles, which span what is concave.
  for (int f = 0; f < hull->nface; f++) {
    double middle[3] = {0};
    for (int k = 0; k < 9; k++)
      middle[k % 3] +=
          hull->pos[3 * (size_t)hull->face[3 * (size_t)f + (size_t)(k / 3)] + (size_t)(k % 3)] / 3;
    most = fmax(most, off_mesh(shape, n, which, middle, mesh));
  }
  return most;
}

loomShapeError loom_shape_error(const loomShape* shape, int n, const loomMesh* mesh, bool closed) {
  enum { LOOKED_AT = 1500 };
  loomShapeError out = {NAN, 0, 0};
  double volume = loom_mesh_solid(mesh).volume, all = 0;

  for (int i = 0; i < n; i++) {
    all += loom_shape_volume(&shape[i]);
    if (shape[i].type == LOOM_SHAPE_HULL) out.concavity = fmax(out.concavity, hull_off(shape, n, i, mesh));
  }
  if (closed && volume > 0) out.volume = all / volume - 1;

  // Every so many of the mesh's vertices.
  int step = mesh->nvert / LOOKED_AT + 1;
  for (int v = 0; n && v < mesh->nvert; v += step)
    out.uncovered = fmax(out.uncovered, outside_all(shape, n, mesh->pos + 3 * (size_t)v, -1));
  return out;
}
