#include "engine/scene/compose.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/model/asset.h"
#include "engine/model/made_from.h"
#include "engine/model/mjcf.h"
#include "engine/model/own_model.h"
#include "engine/model/trap.h"

typedef struct composeJob {
  const char* label;
  const loomAssetRoots* roots;
  loomModelDef def;
  mjVFS vfs;
  int64_t asset_bytes;
  char* scene;  // texts, assets named by paths that the VFS knows
  char** part_text;
  const loomPart* parts;
  int n;
  const loomJointEdit* edits;
  int nedit;
  mjSpec* spec;
  char* out;
  loomMadeFrom made_from;  // the files read
  loomError* err;
} composeJob;

static int mujoco_error(const composeJob* job, const char* label, const char* what) {
  char flat[600];
  size_t n = 0;
  for (const char* c = what ? what : ""; *c && n + 1 < sizeof flat; c++) flat[n++] = *c == '\n' ? ' ' : *c;
  flat[n] = '\0';

  return loom_error_set(job->err, LOOM_ERR_FORMAT, "%s: %s", label, n ? flat : "MuJoCo refuses it");
}

static int load_asset(composeJob* job, const char* path, const char* what) {
  void* bytes = NULL;
  int64_t size = 0, left = job->def.max_assets_bytes - job->asset_bytes;

  if (mj_containsBufferVFS(&job->vfs, path)) return 0;

  // As much as the model may still read.
  int64_t most = job->def.max_asset_bytes < left ? job->def.max_asset_bytes : left;
  int code = loom_asset_read(&bytes, &size, job->roots, path, most, what, job->err);
  if (code) return code;

  job->asset_bytes += size;
  loom_made_from_add(&job->made_from, path);

  code = mj_addBufferVFS(&job->vfs, path, bytes, (int)size);
  free(bytes);
  return code ? loom_error_set(job->err, LOOM_ERR_MEMORY, "%s: MuJoCo did not take the file", what) : 0;
}

// One attribute that names a file: renamed to the portable path, and its bytes read.
static int take_file(composeJob* job, xmlNode* node, const char* attribute, const char* dir,
                     const char* label) {
  char path[LOOM_PATH_MAX], portable[LOOM_PATH_MAX + 40], what[400];
  char* file = loom_mjcf_get(node, attribute);
  if (!file) return loom_error_set(job->err, LOOM_ERR_MEMORY, "%s: out of memory", label);

  int code = loom_asset_normalize(path, dir, file);
  snprintf(what, sizeof what, "%.150s:%ld: \"%.180s\"", label, xmlGetLineNo(node), file);
  xmlFree(file);
  if (code) return loom_error_set(job->err, LOOM_ERR_FORMAT, "%s is outside the asset roots", what);

  // From here on the asset goes by its portable path, which any machine's roots resolve.
  const char* tail = loom_asset_tail(path);
  snprintf(portable, sizeof portable, "%s%s", tail ? "robosuite/models/assets/" : "", tail ? tail : path);

  code = load_asset(job, portable, what);
  if (!code && loom_mjcf_set(node, attribute, portable))
    code = loom_error_set(job->err, LOOM_ERR_MEMORY, "%s: out of memory", label);
  return code;
}

static int take_files(composeJob* job, xmlNode* node, const char* mesh_dir, const char* texture_dir,
                      const char* label) {
  int code = 0;
  for (xmlAttr *attribute = node->properties, *next; !code && attribute; attribute = next) {
    // Read ahead: the attribute is written below.
    next = attribute->next;

    loomMjcfDir kind = loom_mjcf_file_kind(node, (const char*)attribute->name);
    if (kind == LOOM_MJCF_NO_FILE) continue;
    code = take_file(job, node, (const char*)attribute->name,
                     kind == LOOM_MJCF_MESH_DIR ? mesh_dir : texture_dir, label);
  }

  return code;
}

static void join_folders(char out[LOOM_PATH_MAX], const char* folder, const char* dir) {
  if (dir && *dir && *folder) {
    snprintf(out, LOOM_PATH_MAX, "%.500s/%.500s", folder, dir);
  } else {
    snprintf(out, LOOM_PATH_MAX, "%.1000s", dir && *dir ? dir : folder);
  }
}

// The text with its assets read; `folder` is the part's own.
static int prepare_text(char** out, composeJob* job, const char* xml, const char* label, const char* folder) {
  xmlDoc* doc = NULL;
  char *mesh = NULL, *texture = NULL, mesh_dir[LOOM_PATH_MAX], texture_dir[LOOM_PATH_MAX];
  int code = loom_mjcf_parse(&doc, xml, job->def.max_xml_bytes, label, job->err);
  if (code) return code;

  code = loom_mjcf_check(doc, label, job->err);
  loom_mjcf_dirs(&mesh, &texture, doc);

  // Folders are meant from the part's own.
  join_folders(mesh_dir, folder, mesh);
  join_folders(texture_dir, folder, texture);
  xmlFree(mesh);
  xmlFree(texture);

  xmlNode* root = xmlDocGetRootElement(doc);
  // robosuite's parts leave the unit of angles to the model they are put into: radians.
  if (*folder && !loom_mjcf_child(root, "compiler")) {
    xmlNode* compiler = xmlNewChild(root, NULL, BAD_CAST "compiler", NULL);
    if (!compiler || loom_mjcf_set(compiler, "angle", "radian"))
      code = loom_error_set(job->err, LOOM_ERR_MEMORY, "%s: out of memory", label);
  }

  // Paths become whole, so nothing may be put before them.
  for (xmlNode* node = root; !code && node; node = loom_mjcf_walk(root, node)) {
    if (loom_mjcf_is(node, "compiler")) {
      loom_mjcf_unset(node, "assetdir");
      loom_mjcf_unset(node, "meshdir");
      loom_mjcf_unset(node, "texturedir");
    }

    code = take_files(job, node, mesh_dir, texture_dir, label);
  }

  loomText text = {0};
  if (!code) loom_mjcf_write_document(&text, doc, NULL);
  xmlFreeDoc(doc);
  if (!code && text.failed) code = loom_error_set(job->err, LOOM_ERR_MEMORY, "%s: out of memory", label);

  if (code) {
    loom_text_destroy(&text);
    return code;
  }

  *out = text.s;
  return 0;
}

static int prepare_part(composeJob* job, int i) {
  const loomPart* part = &job->parts[i];
  char folder[LOOM_PATH_MAX];
  void* bytes = NULL;
  int64_t size = 0;
  int code =
      loom_asset_read(&bytes, &size, job->roots, part->file, job->def.max_xml_bytes, part->file, job->err);
  if (code) return code;
  loom_made_from_add(&job->made_from, part->file);

  // The bytes become a text.
  char* xml = realloc(bytes, (size_t)size + 1);
  if (!xml) {
    free(bytes);
    return loom_error_set(job->err, LOOM_ERR_MEMORY, "%s: out of memory", part->file);
  }
  xml[size] = '\0';

  // Its assets are looked up from its own folder.
  snprintf(folder, sizeof folder, "%.1000s", part->file);
  char* slash = strrchr(folder, '/');
  if (slash) *slash = '\0';
  code = prepare_text(&job->part_text[i], job, xml, part->file, slash ? folder : "");

  free(xml);
  return code;
}

// Actuators go with the joints they drive.
static void drop_actuators(mjSpec* spec, const char* joint) {
  for (mjsElement *e = mjs_firstElement(spec, mjOBJ_ACTUATOR), *next; e; e = next) {
    // Read ahead: it may be deleted.
    next = mjs_nextElement(spec, e);
    if (!strcmp(mjs_getString(mjs_asActuator(e)->target), joint)) mjs_delete(spec, e);
  }
}

static void drop_body(mjSpec* spec, mjsBody* body) {
  for (mjsElement* e = mjs_firstChild(body, mjOBJ_JOINT, 1); e; e = mjs_nextChild(body, e, 1))
    drop_actuators(spec, mjs_getString(mjs_getName(e)));

  mjs_delete(spec, body->element);
}

// A joint before a body of the same name.
static int leave_out_one(composeJob* job, const loomPart* part, mjSpec* spec, const char* name) {
  mjsElement* joint = mjs_findElement(spec, mjOBJ_JOINT, name);
  mjsBody* body = mjs_findBody(spec, name);
  mjsElement* geom = mjs_findElement(spec, mjOBJ_GEOM, name);

  if (joint) {
    drop_actuators(spec, name);
    mjs_delete(spec, joint);
  } else if (body) {
    drop_body(spec, body);
  } else if (geom) {
    mjs_delete(spec, geom);
  } else {
    return loom_error_set(job->err, LOOM_ERR_FORMAT, "%s: without: no body, joint or geom '%s'", part->file,
                          name);
  }

  return 0;
}

static void leave_out_masses(mjSpec* spec) {
  for (mjsElement* e = mjs_firstElement(spec, mjOBJ_BODY); e; e = mjs_nextElement(spec, e)) {
    mjsBody* body = mjs_asBody(e);

    // Given as nothing, so that none is made of geoms.
    body->explicitinertial = 1;
    body->mass = 0;
    memset(body->inertia, 0, sizeof body->inertia);
    body->fullinertia[0] = NAN;
  }
}

// Meshes go with the geoms, which alone have them.
static void leave_out_geoms(mjSpec* spec) {
  static const mjtObj kinds[] = {mjOBJ_GEOM, mjOBJ_MESH};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    for (mjsElement *e = mjs_firstElement(spec, kinds[i]), *next; e; e = next) {
      next = mjs_nextElement(spec, e);
      mjs_delete(spec, e);
    }
  }
}

static int leave_out(composeJob* job, const loomPart* part, mjSpec* spec) {
  for (int i = 0; i < part->without_count; i++) {
    int code = leave_out_one(job, part, spec, part->without[i]);
    if (code) return code;
  }

  // A welded part loses its free joint, wherever it has it.
  for (mjsElement *e = part->weld ? mjs_firstElement(spec, mjOBJ_JOINT) : NULL, *next; e; e = next) {
    next = mjs_nextElement(spec, e);
    if (mjs_asJoint(e)->type == mjJNT_FREE) mjs_delete(spec, e);
  }

  if (part->no_mass) leave_out_masses(spec);
  if (part->no_geoms) leave_out_geoms(spec);
  return 0;
}

static int attach_part(composeJob* job, int i) {
  const loomPart* part = &job->parts[i];
  char why[600] = "";
  mjSpec* child = mj_parseXMLString(job->part_text[i], &job->vfs, why, sizeof why);
  if (!child) return mujoco_error(job, part->file, why);

  int code = leave_out(job, part, child);
  if (code) {
    mj_deleteSpec(child);
    return code;
  }

  // In a frame of its own, so that the part's own poses stay as its file has them.
  mjsBody* parent = mjs_findBody(job->spec, part->to[0] ? part->to : "world");
  mjsFrame* frame = parent ? mjs_addFrame(parent, NULL) : NULL;
  if (frame) {
    memcpy(frame->pos, part->pos, sizeof part->pos);
    memcpy(frame->quat, part->quat, sizeof part->quat);
  }

  mjsElement* done =
      frame ? mjs_attach(frame->element, mjs_findBody(child, "world")->element, part->prefix, "") : NULL;

  if (!parent) {
    code = loom_error_set(job->err, LOOM_ERR_FORMAT, "%s: there is no body '%s' to attach %s to", job->label,
                          part->to, part->file);
  } else if (!done) {
    code = mujoco_error(job, part->file, mjs_getError(job->spec));
  }

  mj_deleteSpec(child);
  return code;
}

static int edit_joints(composeJob* job) {
  for (int i = 0; i < job->nedit; i++) {
    const loomJointEdit* edit = &job->edits[i];
    const char* name = edit->def->joints[edit->index];
    mjsJoint* joint = mjs_asJoint(mjs_findElement(job->spec, mjOBJ_JOINT, name));
    if (!joint)
      return loom_error_set(job->err, LOOM_ERR_FORMAT, "%s: the robots' parts have no joint '%s'", job->label,
                            name);

    const loomJointsDef* j = edit->def;
    if (j->has_armature) {
      joint->armature = j->armature[edit->index];
      joint->damping[0] = j->damping[edit->index];
      joint->frictionloss = j->friction[edit->index];
    }

    if (j->has_range) {
      joint->range[0] = j->low[edit->index];
      joint->range[1] = j->high[edit->index];
      joint->limited = mjLIMITED_TRUE;
    }
  }

  return 0;
}

static int save_text(composeJob* job) {
  // What does not compile is refused in the compiler's words.
  mjModel* m = mj_compile(job->spec, &job->vfs);
  if (!m) return mujoco_error(job, job->label, mjs_getError(job->spec));
  mj_deleteModel(m);

  // A text that does not fit gives a positive code: four times the room then, up to 64 MB.
  char why[600] = "";
  for (int size = 1 << 20; size <= 1 << 26; size *= 4) {
    job->out = malloc((size_t)size);
    if (!job->out) return loom_error_set(job->err, LOOM_ERR_MEMORY, "%s: out of memory", job->label);
    int code = mj_saveXMLString(job->spec, job->out, size, why, sizeof why);
    if (!code) return 0;
    free(job->out);
    job->out = NULL;
    if (code < 0) break;
  }

  return mujoco_error(job, job->label, why);
}

static int compose_trapped(void* arg) {
  composeJob* job = arg;
  char why[600] = "";
  job->spec = mj_parseXMLString(job->scene, &job->vfs, why, sizeof why);
  int code = job->spec ? 0 : mujoco_error(job, job->label, why);

  for (int i = 0; !code && i < job->n; i++) code = attach_part(job, i);
  if (!code) code = edit_joints(job);

  return code ? code : save_text(job);
}

static int compose_new(composeJob* job, const char* xml) {
  job->part_text = calloc((size_t)job->n + 1, sizeof *job->part_text);
  if (!job->part_text) return loom_error_set(job->err, LOOM_ERR_MEMORY, "%s: out of memory", job->label);
  mj_defaultVFS(&job->vfs);

  // Every file is read, then MuJoCo puts the parts together.
  int code = prepare_text(&job->scene, job, xml, job->label, "");
  for (int i = 0; !code && i < job->n; i++) code = prepare_part(job, i);
  if (!code) code = loom_trap_run(compose_trapped, job, job->err);

  if (code != LOOM_ERR_SIM && job->spec) mj_deleteSpec(job->spec);  // after a trapped error it is left alone
  mj_deleteVFS(&job->vfs);
  for (int i = 0; i < job->n; i++) free(job->part_text[i]);
  free(job->part_text);
  free(job->scene);

  return code;
}

// ---- composed before

// All that the result depends on besides the files: every field of the parts and of the edits.
static void make_key(loomText* key, const composeJob* job, const char* xml) {
  loom_cache_key(key, "composed", job->roots);

  for (int i = 0; i < job->n; i++) {
    const loomPart* part = &job->parts[i];
    loom_text_add(key, part->file, strlen(part->file) + 1);
    loom_text_add(key, part->prefix, strlen(part->prefix) + 1);
    loom_text_add(key, part->to, strlen(part->to) + 1);
    loom_text_add(key, (const char*)part->pos, sizeof part->pos);
    loom_text_add(key, (const char*)part->quat, sizeof part->quat);
    loom_text_puts(key, part->weld ? "weld" : "free");
    loom_text_puts(key, part->no_mass ? "no mass" : "mass");
    loom_text_puts(key, part->no_geoms ? "no geoms" : "geoms");
    for (int k = 0; k < part->without_count; k++)
      loom_text_add(key, part->without[k], strlen(part->without[k]) + 1);
    loom_text_puts(key, "\n");
  }

  for (int i = 0; i < job->nedit; i++) {
    const loomJointsDef* j = job->edits[i].def;
    int k = job->edits[i].index;
    const double number[] = {j->has_armature ? j->armature[k] : NAN, j->has_armature ? j->damping[k] : NAN,
                             j->has_armature ? j->friction[k] : NAN, j->has_range ? j->low[k] : NAN,
                             j->has_range ? j->high[k] : NAN};
    loom_text_add(key, j->joints[k], strlen(j->joints[k]) + 1);
    loom_text_add(key, (const char*)number, sizeof number);
  }

  loom_text_puts(key, xml);
}

static bool load_kept(char** out, const loomText* key, const loomAssetRoots* roots) {
  loomCached cached;
  if (!loom_cache_find(&cached, key, roots)) return false;

  *out = strndup(cached.bytes, cached.nbytes);
  loom_cached_destroy(&cached);
  return *out != NULL;
}

int loom_model_compose(char** out, const char* xml, const char* label, const loomPart* parts, int n,
                       const loomJointEdit* edits, int nedit, const loomAssetRoots* roots, loomError* err) {
  composeJob job = {.label = label,
                    .roots = roots,
                    .def = loom_default_model_def(),
                    .parts = parts,
                    .n = n,
                    .edits = edits,
                    .nedit = nedit,
                    .made_from = {.roots = roots},
                    .err = err};
  loomText key = {0};
  int code = LOOM_OK;
  *out = NULL;

  // Composing compiles the whole model with its meshes: seconds for a humanoid.
  make_key(&key, &job, xml);
  if (!load_kept(out, &key, roots)) {
    code = compose_new(&job, xml);
    *out = job.out;
    if (!code) loom_cache_keep(&key, &job.made_from, job.out, strlen(job.out));
  }

  loom_made_from_destroy(&job.made_from);
  loom_text_destroy(&key);
  return code;
}

// ---- a task's model

static void add_edits(loomJointEdit* edits, int* n, const loomJointsDef* j) {
  for (int i = 0; (j->has_armature || j->has_range) && i < j->count; i++)
    edits[(*n)++] = (loomJointEdit){j, i};
}

int loom_task_model(char** out, char* label, const loomTask* task, const loomAssetRoots* roots,
                    loomError* err) {
  loomJointEdit edits[2 * LOOM_MAX_ARMS * LOOM_MAX_JOINTS];
  int n = 0, nedit = 0, count = 0;

  snprintf(label, LOOM_PATH_MAX, "%.*s/%.*s", 480, task->dir, 480, task->model_file);
  int code = loom_own_model_read(out, task->dir, task->model_file, roots, NULL, err);
  if (code || !task->placed) return code;

  for (int a = 0; a < task->arm_count; a++) count += task->robots[a].part_count;
  loomPart* parts = calloc((size_t)count + 1, sizeof *parts);
  if (!parts) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", label);

  // Of each arm's robot: what its joints lack, and its parts.
  for (int a = 0; a < task->arm_count; a++) {
    const loomRobotDef* robot = &task->robots[a];
    add_edits(edits, &nedit, &robot->arm);
    add_edits(edits, &nedit, &robot->torso);

    for (int i = 0; i < task->robots[a].part_count; i++) {
      const loomPartDef* def = &task->robots[a].parts[i];
      loomPart* part = &parts[n++];
      *part = (loomPart){.file = def->file,
                         .prefix = def->prefix,
                         .to = def->to,
                         .weld = def->weld,
                         .no_mass = def->no_mass,
                         .no_geoms = def->no_geoms,
                         .without_count = def->without_count,
                         .without = (const loomName*)def->without};

      // What stands on the world is placed by the task, the rest by the robot's file.
      const double* pos = def->to[0] ? def->pos : task->place_pos[a];
      const double* quat = def->to[0] ? def->quat : task->place_quat[a];
      memcpy(part->pos, pos, sizeof part->pos);
      memcpy(part->quat, quat, sizeof part->quat);
    }
  }

  char* scene = *out;
  code = loom_model_compose(out, scene, label, parts, n, edits, nedit, roots, err);

  free(parts);
  free(scene);
  return code;
}
