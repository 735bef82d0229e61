// What a closed mesh encloses.
#include <string.h>

#include "generators/twin/mesh.h"

// Second moments of a tetrahedron between the origin and a triangle: the integral of x_i x_j, and of x_i
// and 1.
typedef struct moments {
  double volume, first[3], second[9];
} moments;

static void add_face(moments* m, const loomMesh* mesh, int face, const double origin[3]) {
  double p[3][3], cross[3], sum[3];
  for (int k = 0; k < 3; k++) {
    const double* at = mesh->pos + 3 * (size_t)mesh->face[3 * (size_t)face + (size_t)k];
    for (int i = 0; i < 3; i++) p[k][i] = at[i] - origin[i];
  }

  // Six times its volume.
  loom_face_cross(cross, mesh, face);
  double det = cross[0] * p[0][0] + cross[1] * p[0][1] + cross[2] * p[0][2];
  m->volume += det / 6;

  for (int i = 0; i < 3; i++) {
    sum[i] = p[0][i] + p[1][i] + p[2][i];
    m->first[i] += det / 24 * sum[i];
  }
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++) {
      double own = p[0][i] * p[0][j] + p[1][i] * p[1][j] + p[2][i] * p[2][j];
      m->second[3 * i + j] += det / 120 * (own + sum[i] * sum[j]);
    }
}

// From the moments about a point to the inertia about another, which a volume's center of mass lies `away`
// from.
static void inertia_of(double out[9], const double second[9]) {
  double trace = second[0] + second[4] + second[8];
  for (int i = 0; i < 9; i++) out[i] = (i % 4 == 0 ? trace : 0) - second[i];
}

loomSolid loom_mesh_solid(const loomMesh* mesh) {
  moments m = {0};
  loomSolid out = {0};
  double low[3], high[3], middle[3];

  // About the middle: far from the origin little would be left of the digits.
  loom_mesh_bounds(low, high, mesh);
  for (int k = 0; k < 3; k++) middle[k] = (low[k] + high[k]) / 2;
  for (int f = 0; f < mesh->nface; f++) add_face(&m, mesh, f, middle);
  out.volume = m.volume;
  if (m.volume == 0) return out;

  double center[3];
  for (int i = 0; i < 3; i++) center[i] = m.first[i] / m.volume;
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++) m.second[3 * i + j] -= m.volume * center[i] * center[j];
  inertia_of(out.inertia, m.second);
  for (int i = 0; i < 3; i++) out.center[i] = middle[i] + center[i];
  return out;
}

loomSolid loom_solid_sum(const loomSolid* solid, int count) {
  loomSolid out = {0};
  for (int s = 0; s < count; s++) {
    out.volume += solid[s].volume;
    for (int k = 0; k < 3; k++) out.center[k] += solid[s].volume * solid[s].center[k];
  }
  for (int k = 0; k < 3 && out.volume != 0; k++) out.center[k] /= out.volume;

  // Steiner's theorem brings each to the common center.
  for (int s = 0; s < count; s++) {
    double away[3], second[9], more[9];
    for (int k = 0; k < 3; k++) away[k] = solid[s].center[k] - out.center[k];
    for (int i = 0; i < 9; i++) second[i] = solid[s].volume * away[i / 3] * away[i % 3];
    inertia_of(more, second);
    for (int i = 0; i < 9; i++) out.inertia[i] += solid[s].inertia[i] + more[i];
  }
  return out;
}
