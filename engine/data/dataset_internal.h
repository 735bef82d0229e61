// What the dataset files share among themselves; the only header that includes hdf5.h. Internal.
#ifndef LOOM_ENGINE_DATA_DATASET_INTERNAL_H
#define LOOM_ENGINE_DATA_DATASET_INTERNAL_H

#include <hdf5.h>
#include <pthread.h>
#include <sys/stat.h>

#include "engine/base/file.h"
#include "engine/base/text.h"
#include "engine/data/dataset.h"

enum { LOOM_DAMAGED_MAX = 16 };

/// How the file driver (dataset_disk.c) is to behave, and what became of its writes.
typedef struct loomDisk {
  int error;       // errno of the first failed write, 0 when all went well
  bool cut_short;  // open the file though its end is missing; reading what is missing fails
} loomDisk;

/// The children that read a file which is in use already, ahead of whoever uses it.
typedef struct loomProbe loomProbe;

/// The digest of the demo that was read last, since its arrays are mostly read one after the other. Under its
/// lock.
typedef struct loomDigestMemory {
  pthread_mutex_t lock;
  char demo[300];  // "data/demo_3"; "" when none is kept
  char* lines;     // NULL: it has no digest
} loomDigestMemory;

/// Where a demo of an index lies.
typedef struct loomHome {
  int part;    // file; -1: in the index itself
  char* demo;  // its name there
} loomHome;

enum { LOOM_INDEX_PARTS = 500, LOOM_INDEX_PATH = 1200 };
/// Of `data`: a file that is an index of demos in the files beside it (dataset_index.c).
#define LOOM_INDEX_ATTR "loom_index"

struct loomDataset {
  hid_t file;
  char* path;
  struct stat stat;  // of the file when it was opened; its size bounds what any array may claim
  bool settled;      // a change after that would bear another time
  bool compares;     // what is read of a demo is compared with its digest
  loomDigestMemory* memory;
  loomNames demos;  // "demo_3", natural order
  loomNames paths;  // "data/demo_3"
  char* warning;
  char* index_damage;  // why the list of the demos is not whole; NULL where it is
  loomNames empty;     // demos that were left out as they hold nothing; masks may name them
  loomDamage damage;   // what became of demos that are damaged or missing
  bool lacks;          // some are, whether left out or listed still
  loomDisk disk;       // of a file that was cut short
  loomProbe* probe;    // NULL: all has been read, and damaged is complete
  int ndamaged;
  int damaged[LOOM_DAMAGED_MAX];  // demos that HDF5 died on; ascending
  bool is_index;
  int nparts, nhome;
  loomDataset** part;  // (nparts) the files that an index is of
  loomHome* home;      // (demos.n) NULL: all demos are in the file itself
};

enum { LOOM_H5_REASON = 240 };

/// A trial reading of the file, before it is opened: LOOM_OK, or what makes it unfit. It may fill `damaged`
/// or set `probe`.
typedef int loomTrial(loomDataset* ds, bool cut_short, loomError* err);
/// trial NULL: none. cut_short: open it though its end is missing.
int loom_h5_open_file(loomDataset** out, const char* path, bool cut_short, loomTrial* trial, loomError* err);
/// A small file of our own, whole in memory from then on: HDF5 1.10 crashes when it copies an array and the
/// disk fails, so the disk is done with before HDF5 begins.
int loom_h5_open_shard(loomDataset** out, const char* path, loomError* err);

/// loom_dataset_open and loom_dataset_open_rest before anybody has looked for what is damaged or missing.
int loom_h5_open_tried(loomDataset** out, const char* path, loomError* err);
int loom_h5_open_rest(loomDataset** out, const char* path, loomError* err);

// ---- indexes (dataset_index.c)

typedef int loomOpener(loomDataset** out, const char* path, loomError* err);
/// Open the files that an index is of, each by `open` (NULL: it may be none). `gone`: demos that were left
/// out of these.
int loom_index_open(loomDataset* ds, loomNames* gone, loomOpener* open, loomError* err);
/// The file that an object lies in, and what it is called there: mostly ds and *object as they are, else
/// *object is in `room`.
const loomDataset* loom_index_home(const char** object, char room[LOOM_INDEX_PATH], const loomDataset* ds);
/// The same of a demo, by number.
loomDataset* loom_index_of_demo(int* number, loomDataset* ds, int demo);
/// LOOM_ERR_USAGE where it is an index.
int loom_index_refuse(const loomDataset* ds, loomError* err);
/// A demo of `source` as a link in the open group `data` of an index at that path.
int loom_index_link(hid_t data, const char* name, const loomDataset* source, const char* demo,
                    const char* index, loomError* err);

/// Write the bytes of a file with a seal behind them, by which a later reader knows that none has changed.
int loom_h5_write_sealed(const char* path, const void* bytes, size_t size, loomError* err);
/// The bytes of such a file, malloc'ed, seal and all, read at once. LOOM_ERR_FORMAT when some have changed
/// since; a file without a seal is taken as it is.
int loom_h5_read_sealed(void** bytes, size_t* size, const char* path, loomError* err);
bool loom_h5_is_sealed(const void* bytes, size_t size);

/// What a child does: read the demos from, from + step, ..., saying in *at which one it is at, or one of
/// these.
enum { LOOM_TRIAL_OPENS = -2, LOOM_TRIAL_INDEX = -1 };
typedef void loomTrialReading(const char* path, bool cut_short, int from, int step, volatile int* at);

/// Let child processes read the file first. damaged gets the numbers of the demos they died on;
/// LOOM_ERR_FORMAT when one died elsewhere or on too many. cut_short: the file's end is missing.
int loom_h5_probe(int damaged[LOOM_DAMAGED_MAX], int* ndamaged, const char* path, int64_t file_size,
                  bool cut_short, loomTrialReading* read, loomError* err);
/// The same, giving back as soon as the file can be opened. LOOM_ERR_FORMAT when the child died of that.
int loom_h5_probe_begin(loomProbe** out, const char* path, int64_t file_size, loomTrialReading* read,
                        loomError* err);
/// Have the children got to the end of a demo, or died of it?
bool loom_h5_probe_passed(loomProbe* probes, int demo);
/// Wait until they have. Did they die of it? Any thread may ask.
bool loom_h5_probe_damaged(loomProbe* probes, int demo);
/// Have they read everything, and died of nothing?
bool loom_h5_probe_clean(loomProbe* probes);
void loom_h5_probe_end(loomProbe* probes);
/// True once in a process: when the system has refused to confine a child (engine/base/confine.h).
bool loom_h5_probe_unconfined(void);
/// How many children this process has made so far; for tests.
int64_t loom_h5_probe_forks(void);

/// Files that need no trial reading: this process wrote them, or its children got through them without harm.
/// A file is known by device, inode, size and times of change, so one that is changed afterwards is another
/// one. Any thread may call.
void loom_h5_trust(const struct stat* file);
/// A file that has just been written, once a later change is sure to bear another time (some milliseconds).
void loom_h5_trust_written(const char* path);
/// Is it so long since the file changed that the next change will bear another time?
bool loom_h5_is_settled(const struct stat* file);
bool loom_h5_is_trusted(const struct stat* file);

/// HDF5 prints its error stack by default, and in a thread-safe build the setting is one per thread.
void loom_h5_quiet(void);
/// The innermost description on HDF5's error stack; call it right after the failure. Returns buf.
const char* loom_h5_reason(char buf[LOOM_H5_REASON]);
/// After a failure inside an open file or object: what where ("FILE: data/demo_0/actions") suffers from,
/// damage (LOOM_ERR_FORMAT), a newer HDF5's layout (LOOM_ERR_UNSUPPORTED) or a disk (LOOM_ERR_IO).
int loom_h5_damage(hid_t inside, const char* where, loomError* err);
/// Of H5Fopen, which failed on a file of that size.
int loom_h5_open_error(const char* path, int64_t size, loomError* err);
/// Of what is no regular file.
int loom_h5_no_file(const char* path, const struct stat* st, loomError* err);
/// Of a link of that name that is no hard one: its kind and where it leads.
int loom_h5_link_error(hid_t group, const char* name, const char* where, loomError* err);
/// Nothing of that name is there; what is there is told.
int loom_h5_absent(hid_t group, const char* name, const char* where, loomError* err);
/// Which other layout than robomimic's a file's root shows ("an episode in ALOHA's layout"), or NULL.
const char* loom_h5_layout(hid_t root);
/// Close any kind of id; negative ids are ignored.
void loom_h5_close(hid_t id);

/// Open object/name walking one hard link at a time, so that no link can lead out of the file.
int loom_h5_open(hid_t* out, const loomDataset* dataset, const char* object, const char* name,
                 loomError* err);
/// Names of all links in an open group, in natural order. Damage part-way gives LOOM_ERR_FORMAT and what was
/// read.
int loom_h5_links(loomNames* out, hid_t group, const char* where, loomError* err);
/// Lies the data in the file itself, compressed as this build can read it, and is no larger than the file can
/// hold? LOOM_ERR_UNSUPPORTED: elsewhere or of another filter; LOOM_ERR_FORMAT: damaged.
int loom_h5_check_storage(hid_t dset, int64_t file_size, const char* where, loomError* err);
/// Copy an open array `from`, whatever numbers it holds, to the group `to` under `name`, type and shape as
/// they are. to < 0: read it only. LOOM_ERR_UNSUPPORTED says why it cannot be carried (text, references,
/// lists).
int loom_h5_carry(hid_t to, hid_t from, const char* name, int64_t file_size, const char* where,
                  loomError* err);
/// Is an array of a type and number of axes that loomArray holds as they are? Others are converted or
/// refused.
bool loom_h5_is_plain(hid_t dset);
/// Check an open array and describe it. where ("FILE: data/demo_0/actions") starts the messages.
int loom_h5_describe(loomArray* out, hid_t dset, int64_t file_size, const char* where, loomError* err);
/// True when the link called name in group is a hard one.
bool loom_h5_is_hard_link(hid_t group, const char* name);

/// Write one attribute to an open object.
int loom_h5_put_attr(hid_t object, const loomAttr* attr, const char* where, loomError* err);
/// Write one field under an open group.
int loom_h5_put_field(hid_t group, const loomField* field, const loomWriteDef* def, const char* where,
                      loomError* err);
/// A file-creation list that makes byte-identical files: no times, oldest common format, small chunk index
/// nodes.
hid_t loom_h5_create_plist(void);
/// Was the file made with it? Those of h5py and robomimic have HDF5's own.
bool loom_h5_is_own(hid_t file);
/// "demo_12" is 12; -1 for a name of another form.
int64_t loom_h5_demo_number(const char* name);

/// Add a group with no time stamps.
hid_t loom_h5_group(hid_t parent, const char* name);
/// Write a mask given as demo names into the open file, and its line (lines NULL: none).
int loom_h5_put_mask(hid_t file, const char* name, char* const* demo, int n, loomText* lines,
                     const char* where, loomError* err);

/// The same given as positions in `names`.
int loom_h5_put_given_mask(hid_t file, const loomMask* mask, const loomNames* names, loomText* lines,
                           const char* where, loomError* err);
/// Close what HDF5 wrote, then put it in its place, or remove it when `status` or the disk say so. own: all
/// of it was written by this program.
int loom_h5_finish(hid_t file, const loomDisk* disk, loomFile* output, const char* path, bool own, int status,
                   loomError* err);

// ---- digests (dataset_digest.c)

#define LOOM_DIGEST_ATTR "loom_digest"
/// The line of the list of demos among those of `data`.
#define LOOM_DIGEST_DEMOS "demos"
/// The line of a demo's own name: a wrong link shows another demo under it.
#define LOOM_DIGEST_NAME "(its own name)"

/// What comes after "data/demo_3/" in the path of an object in a demo; NULL for the demo itself, and for
/// `data`.
const char* loom_digest_inside(const char* object);
enum { LOOM_DIGEST_PART = 600 };
/// The name that an array, "@ATTRIBUTE" or group of that object has in its demo, "obs/robot0_eef_pos".
void loom_digest_part(char out[LOOM_DIGEST_PART], const char* object, const char* name);

/// Of a value as it is read: type, shape and numbers or text.
uint64_t loom_digest_array(loomType type, int rank, const int64_t* shape, const void* data);
uint64_t loom_digest_attr(const loomAttr* attr);
uint64_t loom_digest_names(const loomNames* names);
uint64_t loom_digest_text(const char* text);
/// Add a line, or change the hash of the one of that name.
void loom_digest_set(loomText* lines, const char* name, uint64_t hash);
void loom_digest_drop(loomText* lines, const char* name);
bool loom_digest_find(uint64_t* hash, const char* lines, const char* name);
/// The name in the first of the lines (not ""), and where the next one starts. NULL: it is no such line.
const char* loom_digest_next(char name[LOOM_DIGEST_PART], const char* lines);
/// An object's lines, NULL where it has none.
int loom_digest_read(char** lines, const loomDataset* ds, const char* object, loomError* err);
/// Write an attribute, and its line.
int loom_h5_put_attr_and_line(hid_t object, const loomAttr* attr, loomText* lines, const char* where,
                              loomError* err);
int loom_h5_put_digest(hid_t object, const loomText* lines, const char* where, loomError* err);
/// Is what was read of a demo as it was written? LOOM_ERR_FORMAT where its digest differs. name: of an array,
/// or "@NAME" of an attribute. Files that another program wrote are not compared: whoever changes demos in a
/// copy mostly carries the old digests along.
int loom_digest_compare(const loomDataset* ds, const char* object, const char* name, uint64_t hash,
                        loomError* err);
/// Readers of dataset.h without that comparison.
int loom_h5_array(loomArray* out, const loomDataset* ds, const char* object, const char* name,
                  loomError* err);
int loom_h5_attr_string(char** out, const loomDataset* ds, const char* object, const char* name,
                        loomError* err);
int loom_h5_attr_int(int64_t* out, const loomDataset* ds, const char* object, const char* name,
                     loomError* err);
int loom_h5_attr_double(double* out, const loomDataset* ds, const char* object, const char* name,
                        loomError* err);
/// An attribute of whatever kind; *text is malloc'ed where it is a text.
int loom_h5_read_attr(loomAttr* out, char** text, const loomDataset* ds, const char* object, const char* name,
                      loomError* err);

/// What the disk said while HDF5 wrote through loom_h5_disk_plist.
/// A file-access list whose driver notes a failing write in *disk and lets HDF5 go on as if it had worked:
/// HDF5 1.10 crashes at exit after a write error it sees itself. Whoever writes checks disk->error and drops
/// the file.
hid_t loom_h5_disk_plist(loomDisk* disk);

#endif
