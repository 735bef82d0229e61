// Triangle meshes of scans: cleaned, cut into parts, closed, made simpler, weighed. Internal.
#ifndef LOOM_GENERATORS_TWIN_MESH_H
#define LOOM_GENERATORS_TWIN_MESH_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"

/// Zeroed: empty. Arrays are the mesh's own.
typedef struct loomMesh {
  int nvert, nface;
  double* pos;           // (nvert x 3) m
  float* coord;          // (nvert x 2) texture coordinates from the lower left corner; NULL = none
  unsigned char* color;  // (nvert x 3) red, green, blue; NULL = none
  int* face;             // (nface x 3) counterclockwise from outside
  int* material;         // (nface); NULL = all of one
} loomMesh;

/// What a mesh has besides its triangles.
enum { LOOM_MESH_COORDS = 1, LOOM_MESH_COLORS = 2, LOOM_MESH_MATERIALS = 4 };
/// Room for so many, zeroed. LOOM_ERR_MEMORY.
int loom_mesh_create(loomMesh* out, int nvert, int nface, int has, loomError* err);
int loom_mesh_copy(loomMesh* out, const loomMesh* mesh, loomError* err);
void loom_mesh_destroy(loomMesh* mesh);

/// pos = matrix (3 x 3, row-major) pos + shift.
void loom_mesh_transform(loomMesh* mesh, const double matrix[9], const double shift[3]);
/// The smallest and largest coordinates; zeros of an empty mesh.
void loom_mesh_bounds(double low[3], double high[3], const loomMesh* mesh);

/// The place of each vertex, (nvert), malloc'ed: vertices of one position are one place, though their
/// texture coordinates differ. *places (nullable) is how many there are. NULL: out of memory.
int* loom_mesh_places(int* places, const loomMesh* mesh);

/// Vertices that agree in all that they have become one. LOOM_ERR_MEMORY.
int loom_mesh_join(loomMesh* mesh, loomError* err);

/// What was wrong with a mesh.
typedef struct loomMeshReport {
  int degenerate, duplicate;  // triangles that were dropped
} loomMeshReport;
/// Drop triangles without area, and all but one of those with the same three corners. LOOM_ERR_MEMORY.
int loom_mesh_clean(loomMesh* mesh, loomMeshReport* report, loomError* err);

/// Keep the triangles marked in keep (nface), and the vertices that these have.
int loom_mesh_keep(loomMesh* mesh, const bool* keep, loomError* err);

/// The connected part of each triangle, (nface), malloc'ed, numbered by area from the largest; *area
/// (nullable), malloc'ed, has the area of each, m^2. *parts is how many there are. NULL: out of memory.
int* loom_mesh_parts(int* parts, double** area, const loomMesh* mesh);

/// Edges that do not lie between just two triangles of one sense; 0: watertight. -1: out of memory.
int loom_mesh_open_edges(const loomMesh* mesh);

/// One vertex a place, without texture coordinates and materials, as a closed surface is looked at.
int loom_mesh_weld(loomMesh* out, const loomMesh* mesh, loomError* err);

/// Close each hole of a welded mesh, of at most `most` m^2, by a fan about its middle. *closed (nullable)
/// is how many were.
int loom_mesh_close(loomMesh* mesh, double most, int* closed, loomError* err);

/// As few triangles as `faces`, or as many more as a deviation of `error` (of the mesh's extent) asks for
/// (quadric edge collapse, by meshoptimizer); texture seams stay. A mesh that is small enough stays.
int loom_mesh_simplify(loomMesh* mesh, int faces, double error, loomError* err);

/// What a closed mesh would weigh, by integrals over its surface (Mirtich, "Fast and accurate computation of
/// polyhedral mass properties", 1996).
typedef struct loomSolid {
  double volume;      // m^3; negative where the surface is inside out
  double center[3];   // of mass
  double inertia[9];  // (3 x 3) about it, at a density of 1 kg/m^3
} loomSolid;
loomSolid loom_mesh_solid(const loomMesh* mesh);
/// Of `count` solids that do not overlap.
loomSolid loom_solid_sum(const loomSolid* solid, int count);

/// How far a point is from the nearest triangle, m.
double loom_mesh_distance(const loomMesh* mesh, const double point[3]);

/// How often the surface goes around a point: 1 inside, 0 outside, in between near holes (Jacobson et al.,
/// "Robust inside-outside segmentation using generalized winding numbers", SIGGRAPH 2013).
double loom_mesh_winding(const loomMesh* mesh, const double point[3]);

/// How far along a ray (dir of length 1) the first triangle is; infinite: none.
double loom_mesh_ray(const loomMesh* mesh, const double from[3], const double dir[3]);

/// Add another's triangles; it has texture coordinates, colors and materials if the mesh has.
/// LOOM_ERR_MEMORY.
int loom_mesh_append(loomMesh* mesh, const loomMesh* more, loomError* err);

/// The points p with normal . p = at; the normal has length 1.
typedef struct loomPlane {
  double normal[3], at;
} loomPlane;

/// Cut a mesh: what lies behind the plane (normal . p < at), and what lies before it. Triangles that it
/// passes through are divided, texture coordinates and colors there lie between those of their corners, and
/// what the plane opens is closed by flat caps on both sides: a closed mesh gives two closed ones. Caps
/// have the texture coordinates of one point of their rim, and its material plus LOOM_MESH_CAP. Either may
/// be empty. LOOM_ERR_MEMORY.
enum { LOOM_MESH_CAP = 1 << 20 };
int loom_mesh_cut(loomMesh* behind, loomMesh* before, const loomMesh* mesh, const loomPlane* plane,
                  loomError* err);

/// A box, turned about the z axis through the origin.
typedef struct loomCutBox {
  double low[3], high[3];  // m, before it is turned
  double yaw;              // rad
} loomCutBox;
enum { LOOM_BOX_SIDES = 6 };  // -x, +x, -y, +y, -z, +z
/// The plane of a side; its normal leads out.
loomPlane loom_cut_box_side(const loomCutBox* box, int side);
/// Cut along the planes of a box, one after the other: what is within, and what each plane cuts off, all of
/// them closed where the mesh is. No convex hull of a piece that is cut off reaches into the box.
int loom_mesh_cut_box(loomMesh* within, loomMesh off[LOOM_BOX_SIDES], const loomMesh* mesh,
                      const loomCutBox* box, loomError* err);

/// Triangles, (*n x 3) corners by number, malloc'ed, of a flat region: its outlines are counterclockwise and
/// its holes clockwise; loop i has the points first[i] to first[i + 1] - 1 of point (m). Each edge of a loop
/// is one of just one triangle, whatever the loops are. LOOM_ERR_MEMORY.
int loom_region_triangles(int** triangle, int* n, const double (*point)[2], const int* first, int nloop,
                          loomError* err);

double loom_mesh_area(const loomMesh* mesh);
/// Twice a triangle's area along its normal.
void loom_face_cross(double out[3], const loomMesh* mesh, int face);

/// As OBJ; exact: read again its vertices are the same to the last bit. LOOM_ERR_IO.
int loom_mesh_write_obj(const loomMesh* mesh, const char* path, bool exact, loomError* err);

#endif
