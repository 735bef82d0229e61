// Datasets in robomimic's layout: a `data` group with attributes, one `data/demo_i` group a demo with
// attributes and named arrays, and `mask/NAME` lists of demo names. This layer knows HDF5 and that layout,
// never a task or a simulator.
//
// Files may come from strangers: only hard links inside the file are followed, and those of an index
// (dataset_index.c) to demos of plain files beside it; external storage and virtual datasets are refused, and
// sizes are checked against what the file really holds before anything is allocated. Everything here may be
// called from several threads; one loomDataset may be shared (HDF5 serializes the calls).
#ifndef LOOM_ENGINE_DATA_DATASET_H
#define LOOM_ENGINE_DATA_DATASET_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/api.h"
#include "engine/base/error.h"
#include "engine/base/names.h"

LOOM_C_BEGIN

enum { LOOM_RANK_MAX = 4 };

typedef enum loomType {
  LOOM_TYPE_F64,
  LOOM_TYPE_F32,
  LOOM_TYPE_I64,
  LOOM_TYPE_I32,
  LOOM_TYPE_U8,   // bytes, images and h5py's booleans
  LOOM_TYPE_STR,  // data is an array of char*, each NUL-terminated
} loomType;

/// Bytes of one element in memory (of one pointer for strings).
int64_t loom_type_size(loomType type);

/// "float64", "float32", "int64", "int32", "uint8" or "string".
const char* loom_type_name(loomType type);

/// An array as it lies in the file, row-major. Rank 0 is a single number. Free with loom_array_destroy.
typedef struct loomArray {
  loomType type;
  int rank;                      // 0 .. LOOM_RANK_MAX
  int64_t shape[LOOM_RANK_MAX];  // unused entries are 1
  int64_t count;                 // elements in all
  void* data;                    // (shape) elements, or NULL when only described
} loomArray;

void loom_array_destroy(loomArray* array);

/// Of the HDF5 library in use, "1.10.8".
const char* loom_hdf5_version(void);
/// To be called first, by programs that have no HDF5 files of their own: HDF5 does nothing when the program
/// ends. Else 1.10 crashes there after a failing disk kept it from closing a file.
void loom_hdf5_leave_exit_alone(void);

// ---- reading

typedef struct loomDataset loomDataset;

/// What is to become of demos that are damaged, or missing though the file counts or names them.
typedef enum loomDamage {
  LOOM_DAMAGE_REFUSE,  // LOOM_ERR_FORMAT, with their number and names
  LOOM_DAMAGE_SKIP,    // the dataset has the others only, and masks name only those
  LOOM_DAMAGE_SHOW,    // all that are listed are there, to look at: reading a damaged one is an error
} loomDamage;

/// Told of what was left out, or is odd about a file though no demo need be missing: "FILE: ...", one line.
typedef void loomDamageTold(void* user, const char* text);

/// What loom_dataset_open does about damage in this whole process, and whom it tells (NULL: nobody). To be
/// called before threads open datasets. At first: refuse, and tell nobody.
void loom_dataset_on_damage(loomDamage damage, loomDamageTold* told, void* user);
/// What LOOM_DAMAGE_SKIP and loom_dataset_leave_out have left out so far in this process, "FILE: demo_3",
/// each once; for reports.
int loom_dataset_left_out(loomNames* out);
/// A demo that the caller goes on without: it is told and listed. LOOM_ERR_MEMORY.
int loom_dataset_leave_out(const loomDataset* dataset, int demo, const char* why);
/// Something odd about a file, open or not, that keeps nobody from using it, told as damage is: "PATH: what".
void loom_dataset_tell(const char* path, const char* what);

/// Open for reading. Errors: LOOM_ERR_IO (no such file, not a regular file), LOOM_ERR_FORMAT (not HDF5,
/// truncated, no `data` group, demos damaged or missing). *out is NULL on error.
/// Empty demos (no arrays, or none with rows, as a recording broken off leaves them) are left out, and told.
/// A demo is missing where the list of the demos is broken, or where `total` counts more rows than there are
/// and a mask or a gap in the demos' numbers tells of one that is not there. LOOM_DAMAGE_SKIP reads each demo
/// from beginning to end to find the damaged ones.
/// HDF5 1.10 crashes on some damaged files, so a forked child reads the file first (its numbers too, up to 64
/// MiB); demos that it dies on are damaged, the others can be used. Files that this process
/// assembled itself, and those that such a child got through before, are opened without one as long as they
/// have not changed since.
int loom_dataset_open(loomDataset** out, const char* path, loomError* err);
/// The same with LOOM_DAMAGE_SHOW, whatever loom_dataset_on_damage says.
int loom_dataset_open_shown(loomDataset** out, const char* path, loomError* err);
/// The same without the child and the search for damage, for shards: small files that this very program
/// wrote. They are read at once; LOOM_ERR_FORMAT when a byte is not as it was written.
int loom_dataset_open_trusted(loomDataset** out, const char* path, loomError* err);
/// The same as loom_dataset_open_shown, but of a file that was cut short what is left, where its index is
/// whole. Reading what lay behind the end gives LOOM_ERR_FORMAT, and the warning says that it was cut. A
/// whole file is open as soon as its demos are listed, while the child still reads ahead: reading a demo
/// waits until the child got through it, and the warning does not tell of those it died on.
int loom_dataset_open_rest(loomDataset** out, const char* path, loomError* err);
/// Can a demo be read without waiting?
bool loom_dataset_ready(const loomDataset* dataset, int demo);
bool loom_dataset_is_cut(const loomDataset* dataset);
void loom_dataset_close(loomDataset* dataset);

const char* loom_dataset_path(const loomDataset* dataset);
/// What is damaged, missing or odd though the rest can be read, as one line; NULL when nothing is.
const char* loom_dataset_warning(const loomDataset* dataset);
/// Are demos damaged or missing, left out or not?
bool loom_dataset_lacks_demos(const loomDataset* dataset);

int loom_dataset_demo_count(const loomDataset* dataset);
/// "demo_3"; demos are numbered here in natural order of their names.
const char* loom_dataset_demo_name(const loomDataset* dataset, int demo);
/// "data/demo_3", the `object` argument of the functions below.
const char* loom_dataset_demo_path(const loomDataset* dataset, int demo);
/// Number of the demo of that name, or -1.
int loom_dataset_demo_index(const loomDataset* dataset, const char* name);

/// Attributes of object ("" for the file itself, "data", "data/demo_3"). A string may be of fixed or variable
/// length; it is malloc'ed. An int attribute may be read as double. Errors: LOOM_ERR_FORMAT when missing or
/// of another kind.
int loom_dataset_attr_string(char** out, const loomDataset* dataset, const char* object, const char* name,
                             loomError* err);
int loom_dataset_attr_int(int64_t* out, const loomDataset* dataset, const char* object, const char* name,
                          loomError* err);
int loom_dataset_attr_double(double* out, const loomDataset* dataset, const char* object, const char* name,
                             loomError* err);
bool loom_dataset_has_attr(const loomDataset* dataset, const char* object, const char* name);
/// Names of object's attributes, in natural order.
int loom_dataset_attr_names(loomNames* out, const loomDataset* dataset, const char* object, loomError* err);

/// What it says of its environment (JSON, malloc'ed): the attribute env_args of `data`, or else what
/// robosuite's own recorders (1.4, 1.5) leave there, `env`, `env_info` and `repository_version`, put together
/// as env_args. LOOM_ERR_FORMAT where it says nothing, or what is no JSON.
int loom_dataset_env_args(char** out, const loomDataset* dataset, loomError* err);
bool loom_dataset_has_env_args(const loomDataset* dataset);

/// True when object holds something of that name ("obs/robot0_eef_pos"), be it a link that is not followed or
/// damaged: reading it tells.
bool loom_dataset_has(const loomDataset* dataset, const char* object, const char* name);
/// Type and shape without the data. Errors: LOOM_ERR_FORMAT (missing, a link that leaves the file, absurd
/// size), LOOM_ERR_UNSUPPORTED (a filter or type this build cannot read).
int loom_dataset_describe(loomArray* out, const loomDataset* dataset, const char* object, const char* name,
                          loomError* err);
/// The whole array. In files that this program wrote it is compared with its demo's digest, as attributes of
/// demos are: LOOM_ERR_FORMAT when it is not as it was written.
int loom_dataset_array(loomArray* out, const loomDataset* dataset, const char* object, const char* name,
                       loomError* err);
/// Rows first .. last-1 of the leading axis, for streaming. They are not compared with digests.
int loom_dataset_rows(loomArray* out, const loomDataset* dataset, const char* object, const char* name,
                      int64_t first, int64_t last, loomError* err);
/// Any numeric array as doubles (shape).
int loom_dataset_doubles(loomArray* out, const loomDataset* dataset, const char* object, const char* name,
                         loomError* err);

/// Called for each array under object, in natural order: name relative to object, array described (no data).
/// readable is 0 or the error's code, in which case array is zero and *why says why. Non-zero stops the walk.
typedef int (*loomArrayVisit)(void* user, const char* name, const loomArray* array, int readable,
                              const loomError* why);
int loom_dataset_visit(const loomDataset* dataset, const char* object, loomArrayVisit visit, void* user,
                       loomError* err);

/// Names of the masks (none: an empty list), and the demo names in one of them.
int loom_dataset_masks(loomNames* out, const loomDataset* dataset, loomError* err);
int loom_dataset_mask(loomNames* out, const loomDataset* dataset, const char* mask, loomError* err);

/// What a comparison with the digests that were written with a file found. Free with
/// loom_digest_check_destroy.
typedef struct loomDigestCheck {
  bool carried;       // there are digests to compare with
  loomNames differ;   // parts that are not as they were written, "obs/object", "@model_file", and why
  loomNames without;  // parts that no digest was written of
} loomDigestCheck;
void loom_digest_check_destroy(loomDigestCheck* check);

/// From now on what is read is not compared with digests: for whoever compares all of it as below, and wants
/// to look at what differs, too.
void loom_dataset_read_as_is(loomDataset* dataset);
/// Compare all arrays and attributes of a demo; everything is read. Errors: as of loom_dataset_visit.
int loom_dataset_check_demo(loomDigestCheck* out, const loomDataset* dataset, int demo, loomError* err);
/// Compare what is beside the demos: their list, attributes of `data`, masks.
int loom_dataset_check_rest(loomDigestCheck* out, const loomDataset* dataset, loomError* err);

/// One demo as replay and the generators want it. Free with loom_demo_destroy.
typedef struct loomDemo {
  char* name;       // "demo_3"
  int rows;         // T, control steps
  int action_dim;   // A
  int state_dim;    // S = 1 + nq + nv (time, qpos, qvel)
  double* actions;  // (T x A)
  double* states;   // (T x S)
  char* model_xml;  // the recorded MJCF, as text
  char* disturb;    // what disturbed it (engine/sim/disturb.h), as text; NULL = nothing
  char* midway;     // what its hands were told before it (engine/sim/midway.h); NULL = it began at a reset
} loomDemo;

/// Load demo number `demo` and check it: actions and states are 2-D with as many rows as num_samples says,
/// every number is finite, model_file is there. Errors name the demo, the array, and the row and column of
/// the first bad number.
int loom_demo_load(loomDemo* out, const loomDataset* dataset, int demo, loomError* err);
void loom_demo_destroy(loomDemo* demo);

// ---- writing

typedef struct loomAttr {
  const char* name;  // of demos also "GROUP/@NAME", of a group in them
  loomType type;     // LOOM_TYPE_STR, LOOM_TYPE_I64 or LOOM_TYPE_F64
  const char* text;  // UTF-8, stored with variable length, as h5py stores str
  int64_t integer;
  double real;
} loomAttr;

loomAttr loom_attr_string(const char* name, const char* text);
loomAttr loom_attr_int(const char* name, int64_t value);
loomAttr loom_attr_double(const char* name, double value);

typedef struct loomField {
  const char* path;  // relative to the demo: "actions", "obs/object"; groups are made as needed
  loomType type;
  int rank;                      // 0 .. LOOM_RANK_MAX
  int64_t shape[LOOM_RANK_MAX];  // strings: (n), stored with fixed length, NUL-padded, as numpy's 'S'
  const void* data;              // (shape), row-major
} loomField;

/// One demo to write. Without a num_samples attribute, the rows of "actions" are written as one.
typedef struct loomRecord {
  const char* name;  // "demo_0"
  int nfield, nattr;
  const loomField* field;  // (nfield)
  const loomAttr* attr;    // (nattr)
} loomRecord;

typedef struct loomWriteDef {
  int gzip;      // compression level 0 .. 9, 0 for none
  bool shuffle;  // byte shuffle before gzip: smaller and hardly slower for numbers
} loomWriteDef;

loomWriteDef loom_default_write_def(void);

/// Write n demos as one small HDF5 file. It is built in memory, written atomically (engine/base/file.h) to
/// path: after return 0 it survives a crash; on an error nothing is left behind. The same input gives the
/// same bytes.
int loom_shard_write(const char* path, const loomRecord* record, int n, const loomWriteDef* def,
                     loomError* err);
/// Is a shard as it was written? LOOM_ERR_FORMAT where it is not, LOOM_ERR_IO where it cannot be read.
int loom_shard_check(const char* path, loomError* err);

/// A named subset of the assembled demos.
typedef struct loomMask {
  const char* name;
  int n;
  const int* demo;  // (n) positions in the finished file, ascending
} loomMask;

/// One demo of one file; demo NULL takes all of the file's, in natural order.
typedef struct loomSource {
  const char* path;
  const char* demo;
} loomSource;

typedef struct loomAssembleDef {
  const loomAttr* attr;  // (nattr) attributes for `data`; they win over the sources' (env_args in particular)
  int nattr;
  const loomMask*
      mask;  // (nmask) masks; with none, the sources' own masks are carried over under the new names
  int nmask;
  double valid;  // fraction of demos in mask/valid (the rest in mask/train) where there are no masks; 0: none
  uint64_t seed;    // of that split
  bool keep_names;  // keep the demos' names (they must differ); otherwise demo_0, demo_1, ... in the given
                    // order
  bool index;       // write links to the demos where they lie, all in the folder of the file that is written,
                    // in place of copies; nothing of them is left behind, and names are made anew
  bool mixed;       // allow sources whose env_args differ (the first one's are kept)
  bool trusted;  // the sources are this program's own shards: no trial reading, and arrays are copied as they
                 // lie
  /// Arrays, groups and attributes of the sources' demos, and attributes of `data`, that are not copied:
  /// their names with commas between them ("obs/image,model_file"). NULL = none.
  const char* leave_out;
  /// (all demos, in order) Fields and attributes added to each demo, in place of those that it has of these
  /// names; the record's own name is not looked at. NULL = none.
  const loomRecord* extra;
  const loomSource* beside;  // (all demos, in order) one demo each of this program's own shards, whose arrays
                             // are added to it as they lie. NULL = none
  bool keep_all;  // copy also what the privacy rules below would drop (attributes of one value, all readable
                  // arrays)
  loomNames* left_out;  // gets what was left out of the demos, a line each with why ("obs/cams: ...");
                        // NULL: what cannot be carried is an error. The caller frees it
  /// Called after each demo; non-zero stops with LOOM_ERR_INTERRUPTED and leaves no file. May be NULL.
  int (*progress)(void* user, int done, int total);
  void* user;
} loomAssembleDef;

loomAssembleDef loom_default_assemble_def(void);

/// Build one self-contained file from the sources, in the given order, in constant memory and without
/// recompressing. `total` and num_samples are computed. Written atomically (engine/base/file.h); the same
/// input gives the same bytes. Errors: LOOM_ERR_IO (full disk), LOOM_ERR_FORMAT (a damaged source),
/// LOOM_ERR_USAGE (names clash, env_args differ).
int loom_dataset_assemble(const char* path, const loomSource* source, int n, const loomAssembleDef* def,
                          loomError* err);

/// Replace a file's masks (those of the same names; others stay). As everything that changes a file that is
/// there it happens in a copy of its bytes, which is then renamed over it: all else that the file holds stays
/// as it is. LOOM_ERR_USAGE when another program has it open for writing.
int loom_dataset_set_masks(const char* path, const loomMask* mask, int nmask, loomError* err);

/// Attributes that one demo is to get.
typedef struct loomDemoAttrs {
  const char* demo;  // "demo_3"
  int nattr;
  const loomAttr* attr;  // (nattr)
} loomDemoAttrs;

/// Write attributes of n demos, in place of those of the same names, with their digests; all else stays, in a
/// copy as above. LOOM_ERR_USAGE when the file has no demo of a name.
int loom_dataset_set_demo_attrs(const char* path, const loomDemoAttrs* demo, int n, loomError* err);

/// A demo's share of replays in perturbed physics that succeeded, with how many they were and the seed of
/// what was perturbed: attributes that `verify --perturb` stores.
#define LOOM_TRUST_ATTR "loom_trust"
#define LOOM_TRUST_REPLAYS_ATTR "loom_trust_replays"
#define LOOM_TRUST_SEED_ATTR "loom_trust_seed"

/// What demos that are to be added to a file are.
typedef struct loomAddDef {
  const char* env_args;
  int action_dim, state_dim;  // columns; 0 is not compared
} loomAddDef;

enum { LOOM_DEMO_NAME = 32 };

/// May such demos be added to the file? LOOM_ERR_USAGE when they are of another environment (control rate,
/// robots, controllers, size of actions or states); the message names what differs. LOOM_ERR_FORMAT when it
/// cannot be read, or is damaged.
int loom_dataset_check_add(const char* path, const loomAddDef* def, loomError* err);
/// Add the first demo of a shard of this program's own to the file, in a copy as above: its demos, masks and
/// attributes stay, but for those of loom_run_attrs. `name` gets the new demo's name; it is in no mask.
int loom_dataset_add(char name[LOOM_DEMO_NAME], const char* path, const char* shard, const loomAddDef* def,
                     loomError* err);

/// Which run made a dataset, as attributes of `data`: its settings as text, a line each (whatever decides the
/// demos), and the limits that said when it was finished, NULL when it was not. They point to both texts.
/// Returns how many. Copies and merged files do not have them.
int loom_run_attrs(loomAttr out[2], const char* settings, const char* limits);
bool loom_is_run_attr(const char* name);
/// One more, of a finished run: how many attempts failed in such a way that a file of them has them.
#define LOOM_RUN_FAILURES "loom_run_failures"
/// Was the file made by a run of these settings, and (limits not NULL) finished by these limits? Else
/// LOOM_ERR_USAGE with the line that differs and `alternative`, what to do ("use --overwrite").
int loom_dataset_check_run(const char* path, const char* settings, const char* limits,
                           const char* alternative, loomError* err);

/// The settings that the file was made with, malloc'ed; LOOM_ERR_USAGE, with `alternative`, where it has
/// none.
int loom_dataset_run_settings(char** out, const char* path, const char* alternative, loomError* err);

/// The file in which a run's folder (OUT.parts) says what lay where it will write when it began with
/// --overwrite.
#define LOOM_REPLACES_FILE "replaces"
/// Say it of one file, before the run's settings are there.
int loom_dataset_note_replaced(const char* parts, const char* path, loomError* err);
/// Does that lie there still? A run that is stopped leaves it so.
bool loom_dataset_replaces(const char* parts, const char* path);
/// A run that was stopped goes on: may it replace the file at path? It may when none is there, when it is
/// what the run itself has left so far, or what it was begun to replace; else LOOM_ERR_USAGE.
int loom_dataset_check_replaced(const char* parts, const char* path, const char* settings,
                                const char* alternative, loomError* err);

/// in_valid[i] (n) = 1 for round(n * valid) of n demos, at least one and not all when n > 1 and 0 < valid
/// < 1. The choice depends on n, valid and seed only. The inverse is the training set.
void loom_split(unsigned char* in_valid, int n, double valid, uint64_t seed);

// ---- privacy

/// Recordings carry host names, addresses and log-ins; so only what is known to be harmless is copied onward.
/// Attributes of `data` and demos that are kept: env_args, model_file, num_samples, src_demo_*, loom_* and a
/// few more.
bool loom_private_keeps_attr(const char* name);
/// Children of a demo that are kept; string arrays are kept only where this says so for strings.
bool loom_private_keeps_array(const char* name, loomType type);
bool loom_private_keeps_group(const char* name);
/// Text with the absolute paths in it shortened: ".../PACKAGE/models/..." to "PACKAGE/models/...", and the
/// home directory taken off others. Returns a malloc'ed copy, NULL when out of memory.
char* loom_private_text(const char* text);

LOOM_C_END

#endif
