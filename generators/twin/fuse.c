#include "generators/twin/fuse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "generators/twin/fuse_work.h"

loomFuseDef loom_default_fuse_def(void) {
  return (loomFuseDef){.voxel = 0.004, .near = 0.1, .far = 4, .every = 1, .memory_mb = 2048, .faces = 500000};
}

void loom_fused_destroy(loomFused* fused) {
  loom_names_destroy(&fused->warnings);
  loom_mesh_destroy(&fused->mesh);
  *fused = (loomFused){0};
}

/// A picture's numbers.
typedef struct pixels {
  uint16_t* raw;
  unsigned char* color;
  float* depth;
} pixels;

static void free_pixels(pixels* p) {
  free(p->raw);
  free(p->color);
  free(p->depth);
}

static int read_pixels(pixels* p, loomFused* out, const loomFuseDef* def, const loomFuseSequence* s,
                       const loomFuseFrame* f, loomError* err) {
  int width = 0, height = 0, across = 0, down = 0;
  int code = loom_png_read_depth(&p->raw, &width, &height, f->depth, err);
  if (!code) code = loom_png_read_color(&p->color, &across, &down, f->color, err);
  if (!code && (across != width || down != height))
    code = loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s: %d x %d pixels, but %s has %d x %d: depths have to lie over colors", f->color,
                          across, down, f->depth, width, height);
  if (!code && out->width && (out->width != width || out->height != height))
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: %d x %d pixels, but the pictures before it have %d x %d",
                          f->depth, width, height, out->width, out->height);
  if (code) return code;

  out->width = width;
  out->height = height;
  size_t n = (size_t)width * (size_t)height;
  p->depth = malloc(n * sizeof *p->depth);
  if (!p->depth) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a picture");
  for (size_t i = 0; i < n; i++) {
    double z = p->raw[i] / s->depth_scale;
    p->depth[i] = (float)(z >= def->near && z <= def->far ? z : 0);
  }

  return 0;
}

static int add_picture(loomGrid* g, loomFused* out, const loomFuseDef* def, const loomFuseSequence* s, int i,
                       loomError* err) {
  const loomFuseFrame* f = &s->frame[i];
  pixels p = {0};
  int code = read_pixels(&p, out, def, s, f, err);
  loomFuseView view = {.number = out->pictures,
                       .width = out->width,
                       .height = out->height,
                       .depth = p.depth,
                       .color = p.color,
                       .camera = s->camera,
                       .pose = f->pose};
  if (!code) code = loom_grid_add(g, &view, def->threads, err);
  out->pictures += !code;
  free_pixels(&p);
  return code;
}

static int told(const loomFuseDef* def, const char* what, int done, int total, loomError* err) {
  bool stop = (def->stop && *def->stop) || (def->step && def->step(def->user, what, done, total));
  return stop ? loom_error_set(err, LOOM_ERR_INTERRUPTED, "interrupted; nothing was written") : 0;
}

static int add_pictures(loomGrid* g, loomFused* out, const loomFuseDef* def, const loomFuseSequence* s,
                        loomError* err) {
  int code = 0, every = def->every > 1 ? def->every : 1;
  for (int i = 0; !code && i < s->n; i += every) {
    code = told(def, "fusing pictures", i, s->n, err);
    if (!code) code = add_picture(g, out, def, s, i, err);
  }
  out->left_out = s->left_out + (code ? 0 : s->n - out->pictures);

  return code;
}

// What noise leaves hanging in the air: loose parts smaller than ten voxels squared.
static int drop_crumbs(loomMesh* mesh, double voxel, loomError* err) {
  int parts = 0;
  double *area = NULL, least = 100 * voxel * voxel;
  int* part = loom_mesh_parts(&parts, &area, mesh);
  bool* keep = part ? malloc((size_t)mesh->nface + 1) : NULL;
  int code = keep ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a mesh");
  for (int f = 0; !code && f < mesh->nface; f++) keep[f] = !part[f] || area[part[f]] >= least;
  if (!code) code = loom_mesh_keep(mesh, keep, err);

  free(part);
  free(area);
  free(keep);
  return code;
}

static int make_mesh(loomFused* out, const loomFuseDef* def, const loomGrid* g, loomError* err) {
  loomMeshReport report;
  int code = told(def, "making its surface", 0, 0, err);
  if (!code) code = loom_grid_surface(&out->mesh, g, err);
  if (!code && !out->mesh.nface)
    code = loom_error_set(
        err, LOOM_ERR_FORMAT,
        "%s: no surface from %g to %g m away; is the depth scale right (--depth-scale), and the camera "
        "(--camera)?",
        def->folder, def->near, def->far);
  if (!code) code = loom_mesh_clean(&out->mesh, &report, err);
  if (!code && out->mesh.nface) code = drop_crumbs(&out->mesh, def->voxel, err);
  out->triangles = out->mesh.nface;
  if (!code && def->faces) code = told(def, "taking out triangles", 0, 0, err);
  if (!code) loom_mesh_bounds(out->low, out->high, &out->mesh);
  double extent = 1e-9;
  for (int k = 0; !code && k < 3; k++) extent = fmax(extent, out->high[k] - out->low[k]);
  if (!code && def->faces) code = loom_mesh_simplify(&out->mesh, def->faces, def->voxel / extent, err);

  return code;
}

int loom_fuse(loomFused* out, const loomFuseDef* def, loomError* err) {
  loomFuseSequence s;
  loomGrid g = {0};
  *out = (loomFused){0};
  int code = loom_fuse_read(&s, &out->warnings, def, err);
  if (code) {
    loom_fused_destroy(out);
    return code;
  }
  memcpy(out->layout, s.layout, sizeof out->layout);
  out->camera = s.camera;
  code = loom_grid_create(&g, def->voxel, def->cut > 0 ? def->cut : 5 * def->voxel, def->memory_mb, err);
  if (!code) code = add_pictures(&g, out, def, &s, err);
  out->blocks = g.n;
  out->memory_mb = (double)g.n * sizeof(loomBlock) / 1048576;
  if (!code) code = make_mesh(out, def, &g, err);

  loom_grid_destroy(&g);
  loom_fuse_sequence_destroy(&s);
  if (code) loom_fused_destroy(out);

  return code;
}
