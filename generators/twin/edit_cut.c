// Bodies of a twin that are cut, hollowed and given boards.
#include <math.h>
#include <mujoco/mujoco.h>
#include <stdlib.h>
#include <string.h>

#include "engine/model/mjcf.h"
#include "generators/twin/edit_command.h"

static const double nothing = 1e-9;  // m^3

static loomPlane opposite(const loomPlane* p) {
  return (loomPlane){{-p->normal[0], -p->normal[1], -p->normal[2]}, -p->at};
}

// What one solid becomes: taken over by a body, or dropped where it encloses nothing.
static int keep_solid(loomEditBody* body, loomMesh* mesh, const loomEditSolid* like, const loomPlane* plane,
                      loomError* err) {
  int code = 0;
  if (fabs(loom_mesh_solid(mesh).volume) > nothing) {
    code = loom_edit_add_solid(body, mesh, like, plane, err);
    if (!code) *mesh = (loomMesh){0};
  }
  loom_mesh_destroy(mesh);
  return code;
}

static void free_solids(loomEditSolid* solid, int n) {
  for (int s = 0; s < n; s++) loom_mesh_destroy(&solid[s].mesh);
  free(solid);
}

// ---- by a plane

static int cut_by_plane(loomEditBody* body, loomEditBody* part, const loomPlane* plane, loomError* err) {
  loomEditSolid* solid = body->solid;
  int n = body->nsolid, code = 0;
  loomPlane back = opposite(plane);
  body->solid = NULL;
  body->nsolid = 0;
  for (int s = 0; !code && s < n; s++) {
    loomMesh behind, before;
    code = loom_mesh_cut(&behind, &before, &solid[s].mesh, plane, err);
    if (!code) code = keep_solid(body, &behind, &solid[s], plane, err);
    if (!code) code = keep_solid(part, &before, &solid[s], &back, err);
  }
  free_solids(solid, n);

  loomMesh behind, before;
  if (!code) code = loom_mesh_cut(&behind, &before, &body->look, plane, err);
  if (code) return code;
  loom_mesh_destroy(&body->look);
  body->look = behind;
  part->look = before;

  return 0;
}

// ---- by a box

// Without its caps (true) or with nothing else.
static int pick_caps(loomMesh* mesh, bool caps, loomError* err) {
  bool* keep = malloc((size_t)mesh->nface + 1);
  if (!keep) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a cut");
  for (int f = 0; f < mesh->nface; f++) keep[f] = (mesh->material[f] >= LOOM_MESH_CAP) == caps;
  int code = loom_mesh_keep(mesh, keep, err);
  free(keep);
  return code;
}

// What is drawn of the whole is what lies about the box, and the box's sides seen from within it. Caps of
// earlier cuts are skin like any other.
static int cut_look(loomMesh* look, loomMesh* within, const loomCutBox* box, loomError* err) {
  loomMesh off[LOOM_BOX_SIDES], all = {0}, caps = {0};
  for (int f = 0; f < look->nface; f++) look->material[f] %= LOOM_MESH_CAP;
  int code = loom_mesh_cut_box(within, off, look, box, err);
  if (code) return code;

  for (int s = 0; s < LOOM_BOX_SIDES; s++) {
    if (!code) code = pick_caps(&off[s], false, err);
    if (!code && s) code = loom_mesh_append(&all, &off[s], err);
    if (!s) {
      all = off[0];
      off[0] = (loomMesh){0};
    }
    loom_mesh_destroy(&off[s]);
  }
  if (!code) code = loom_mesh_copy(&caps, within, err);
  if (!code) code = pick_caps(&caps, true, err);
  for (int f = 0; f < caps.nface; f++) {
    int* i = caps.face + 3 * (size_t)f;
    int kept = i[1];
    i[1] = i[2];
    i[2] = kept;
  }
  if (!code) code = loom_mesh_append(&all, &caps, err);
  loom_mesh_destroy(&caps);
  if (code) {
    loom_mesh_destroy(&all);
    loom_mesh_destroy(within);
    return code;
  }
  loom_mesh_destroy(look);
  *look = all;

  return 0;
}

// The area of a mesh's skin along a side of the box that it was cut by.
static double side_area(const loomMesh* mesh, const loomPlane* plane) {
  double area = 0;
  for (int f = 0; f < mesh->nface; f++) {
    double cross[3];
    bool on = true;
    for (int k = 0; k < 3; k++) {
      const double* p = mesh->pos + 3 * (size_t)mesh->face[3 * (size_t)f + (size_t)k];
      on = on && fabs(mju_dot3(plane->normal, p) - plane->at) < 1e-6;
    }
    loom_face_cross(cross, mesh, f);
    if (on) area += fabs(mju_dot3(plane->normal, cross)) / 2;
  }

  return area;
}

// `part` NULL: what is in the box is thrown away.
static int cut_by_box(loomEditBody* body, loomEditBody* part, const loomCutBox* box, double* taken,
                      loomError* err) {
  loomEditSolid* solid = body->solid;
  int n = body->nsolid, code = 0;
  double area[LOOM_BOX_SIDES] = {0};
  loomPlane side[LOOM_BOX_SIDES];
  body->solid = NULL;
  body->nsolid = 0;
  *taken = 0;
  for (int k = 0; k < LOOM_BOX_SIDES; k++) side[k] = loom_cut_box_side(box, k);

  for (int s = 0; !code && s < n; s++) {
    loomMesh within, off[LOOM_BOX_SIDES];
    code = loom_mesh_cut_box(&within, off, &solid[s].mesh, box, err);
    if (code) break;
    double volume = loom_mesh_solid(&within).volume;
    *taken += volume;

    // Where the box takes nothing of it, a solid stays in one.
    for (int k = 0; k < LOOM_BOX_SIDES; k++) {
      area[k] += side_area(&within, &side[k]);
      loomPlane back = opposite(&side[k]);
      if (!code && volume > nothing) code = keep_solid(body, &off[k], &solid[s], &back, err);
      loom_mesh_destroy(&off[k]);
    }
    if (!code && volume <= nothing) {
      code = loom_edit_add_solid(body, &solid[s].mesh, &solid[s], NULL, err);
      if (!code) solid[s].mesh = (loomMesh){0};
    }
    loomEditSolid inner = solid[s];
    for (int k = 0; k < LOOM_BOX_SIDES && inner.nplane < LOOM_EDIT_PLANES; k++)
      inner.plane[inner.nplane++] = side[k];
    if (!code && part) code = keep_solid(part, &within, &inner, NULL, err);
    loom_mesh_destroy(&within);
  }
  free_solids(solid, n);

  // It comes out away from where it was parted, cuts that face each other left alone.
  for (int k = 0; part && k < LOOM_BOX_SIDES; k++) mju_addToScl3(part->seam, side[k].normal, -area[k]);
  if (part && mju_norm3(part->seam) > 1e-6) mju_normalize3(part->seam);
  for (int k = 0; part && k < 3; k++)
    if (fabs(part->seam[k]) < 1e-6) part->seam[k] = 0;

  loomMesh within = {0};
  if (!code) code = cut_look(&body->look, &within, box, err);
  if (!code && part)
    part->look = within;
  else
    loom_mesh_destroy(&within);
  return code;
}

// ---- commands

static int nothing_there(const loomEditBody* body, const double low[3], const double high[3],
                         loomError* err) {
  return loom_error_set(err, LOOM_ERR_USAGE,
                        "nothing of '%s' lies there: it goes from [%.3g, %.3g, %.3g] to [%.3g, %.3g, %.3g]",
                        body->name, low[0], low[1], low[2], high[0], high[1], high[2]);
}

static int note_open_sides(loomEdit* e, const loomEditBody* body, loomError* err) {
  static const char* const names[] = {"-x", "+x", "-y", "+y", "-z"};
  int code = 0;
  for (int side = 0; !code && side < 5; side++) {
    double cover = loom_edit_cover(body, side);
    if (cover < 0.5)
      code = loom_edit_note(e, err,
                            "%s is open at %s (%.0f %% of that side is there): `- panel: {body: %s, side: "
                            "%s}` would close it",
                            body->name, names[side], 100 * cover, body->name, names[side]);
  }

  return code;
}

int loom_edit_cut(loomEdit* e, loomEditBody* body, const loomEditCommand* c, loomError* err) {
  loomEditBody* part = NULL;
  double low[3], high[3], taken = 0;
  int code = loom_edit_load(e, body, err);
  if (code) return code;
  loom_edit_bounds(low, high, body, 0);
  code = loom_edit_add_body(&part, e, c->into, body, err);
  if (code) return code;

  if (c->given & LOOM_GIVEN_PLANE) {
    loomPlane plane;
    mju_copy3(plane.normal, c->normal);
    mju_normalize3(plane.normal);
    plane.at = mju_dot3(plane.normal, c->point);
    mju_copy3(part->seam, plane.normal);
    code = cut_by_plane(body, part, &plane, err);
  } else {
    loomCutBox box = {.yaw = c->yaw};
    mju_copy3(box.low, c->low);
    mju_copy3(box.high, c->high);
    code = cut_by_box(body, part, &box, &taken, err);
  }
  body->changed = true;
  if (!code && !part->nsolid) code = nothing_there(body, low, high, err);
  if (!code && !body->nsolid)
    code = loom_error_set(err, LOOM_ERR_USAGE,
                          "all of '%s' lies there, from [%.3g, %.3g, %.3g] to [%.3g, %.3g, %.3g]", body->name,
                          low[0], low[1], low[2], high[0], high[1], high[2]);

  return code ? code : note_open_sides(e, part, err);
}

// What a part that slides passes through, from one end of its way to the other.
static int swept_box(loomCutBox* out, loomEdit* e, const loomEditCommand* c, loomError* err) {
  loomEditBody* part;
  int code = loom_edit_find(&part, e, c->part, err);
  if (!code) code = loom_edit_load(e, part, err);
  if (code) return code;
  if (part->joint.kind != LOOM_EDIT_JOINT || part->joint.type != LOOM_EDIT_SLIDE)
    return loom_error_set(
        err, LOOM_ERR_USAGE,
        "'%s' has no joint that it slides on: give it one in a line above, or give the cavity's "
        "low and high",
        part->name);

  double low[3], high[3], cy = cos(c->yaw), sy = sin(c->yaw);
  const double *a = part->joint.axis, axis[3] = {cy * a[0] + sy * a[1], -sy * a[0] + cy * a[1], a[2]};
  loom_edit_bounds(low, high, part, c->yaw);
  out->yaw = c->yaw;
  for (int k = 0; k < 3; k++) {
    double d0 = axis[k] * (part->joint.range[0] - part->joint.now),
           d1 = axis[k] * (part->joint.range[1] - part->joint.now);
    out->low[k] = low[k] + fmin(d0, d1) - c->clearance;
    out->high[k] = high[k] + fmax(d0, d1) + c->clearance;
  }

  return 0;
}

int loom_edit_cavity(loomEdit* e, loomEditBody* body, const loomEditCommand* c, loomError* err) {
  loomCutBox box = {.yaw = c->yaw};
  double low[3], high[3], taken = 0;
  mju_copy3(box.low, c->low);
  mju_copy3(box.high, c->high);
  int code = loom_edit_load(e, body, err);
  if (!code && c->part[0]) code = swept_box(&box, e, c, err);
  if (code) return code;

  loom_edit_bounds(low, high, body, 0);
  code = cut_by_box(body, NULL, &box, &taken, err);
  body->changed = true;
  if (!code && !(taken > nothing)) code = nothing_there(body, low, high, err);
  if (!code && !body->nsolid)
    code = loom_error_set(err, LOOM_ERR_USAGE, "the cavity leaves nothing of '%s'", body->name);
  if (code || e->out->nwall == LOOM_TWIN_CAVITIES) return code;
  loomTwinWall* wall = &e->out->wall[e->out->nwall++];
  memcpy(wall->body, body->name, sizeof wall->body);
  loom_edit_wall(wall, body, &box);

  return 0;
}

// ---- boards

static int add_board(loomEditBody* body, const loomEditCommand* c, const double pos[3], const double size[3],
                     loomError* err) {
  static const char* const classes[] = {"piece", "look"};
  double half = c->yaw / 2, quat[4] = {cos(half), 0, 0, sin(half)};
  int n = 0;
  for (xmlNode* g = loom_mjcf_child(body->node, "geom"); g; g = loom_mjcf_sibling(g, "geom")) {
    char* name = loom_mjcf_get(g, "name");
    n += name && strstr(name, "_panel");
    xmlFree(name);
  }

  // One that collides and one that is seen.
  for (int i = 0; i < 2; i++) {
    char name[LOOM_TWIN_NAME + 24];
    snprintf(name, sizeof name, "%s_panel%d%s", body->name, n / 2, i ? "_look" : "");
    xmlNode* node = loom_edit_add_node(body->node, "geom");
    if (!node || loom_mjcf_set(node, "name", name) || loom_mjcf_set(node, "class", classes[i]) ||
        loom_mjcf_set(node, "type", "box") || loom_edit_set_numbers(node, "size", size, 3) ||
        loom_edit_set_numbers(node, "pos", pos, 3) || loom_edit_set_numbers(node, "quat", quat, 4) ||
        loom_edit_set_numbers(node, "rgba", c->rgba, 4))
      return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a model");
  }
  return 0;
}

int loom_edit_panel(loomEdit* e, loomEditBody* body, const loomEditCommand* c, loomError* err) {
  double low[3], high[3], pos[3], size[3], cy = cos(c->yaw), sy = sin(c->yaw);
  int code = loom_edit_load(e, body, err);
  if (code) return code;
  mju_copy3(low, c->low);
  mju_copy3(high, c->high);
  if (c->given & LOOM_GIVEN_SIDE) {
    loom_edit_bounds(low, high, body, c->yaw);
    if (c->side % 2)
      low[c->side / 2] = high[c->side / 2] - c->thickness;
    else
      high[c->side / 2] = low[c->side / 2] + c->thickness;
  }
  for (int k = 0; k < 3; k++) size[k] = (high[k] - low[k]) / 2;
  const double middle[3] = {(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, (low[2] + high[2]) / 2};
  pos[0] = cy * middle[0] - sy * middle[1];
  pos[1] = sy * middle[0] + cy * middle[1];
  pos[2] = middle[2];
  body->changed = true;
  return add_board(body, c, pos, size, err);
}
