// Why something of a dataset cannot be opened or read, in words that tell what to do: the one place that
// looks at HDF5's error stack, at the kind of a link and at what a file is that is no HDF5.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/data/dataset_internal.h"

// ---- HDF5's own words

static herr_t keep_innermost(unsigned n, const H5E_error2_t* error, void* user) {
  (void)n;
  snprintf(user, LOOM_H5_REASON, "%s", error->desc ? error->desc : "");
  return 0;
}

const char* loom_h5_reason(char buf[LOOM_H5_REASON]) {
  buf[0] = '\0';
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, keep_innermost, buf);
  if (!buf[0]) snprintf(buf, LOOM_H5_REASON, "no reason given");
  return buf;
}

// What the operating system said, where it was a call of its own that failed: HDF5 quotes it within
// "..., errno = 5, error message = 'Input/output error', ...".
static bool system_reason(char out[LOOM_H5_REASON], const char* reason) {
  static const char before[] = "error message = '";
  const char* at = strstr(reason, before);
  if (!at) return false;
  at += sizeof before - 1;

  snprintf(out, LOOM_H5_REASON, "%.*s", (int)strcspn(at, "'"), at);
  return strcmp(out, "Success") != 0;
}

// Versions and classes that this HDF5 does not know, in a file that a newer one laid out: those that any
// HDF5 can read (superblock 0) have none.
static bool is_newer(const char* reason, unsigned superblock) {
  return superblock >= 2 && (strstr(reason, "version") || strstr(reason, "unknown datatype class") ||
                             strstr(reason, "unknown filter") || strstr(reason, "unknown message"));
}

static int newer_error(const char* where, loomError* err) {
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  return loom_error_set(
      err, LOOM_ERR_UNSUPPORTED,
      "%s: written in a layout of a newer HDF5 (h5py's libver='latest') that HDF5 %u.%u.%u cannot "
      "read; rewrite it with the newer one, `h5repack --low=0 --high=2 IN OUT`, or copy it in "
      "h5py into h5py.File(OUT, 'w', libver=('earliest', 'v110'))",
      where, major, minor, release);
}

int loom_h5_damage(hid_t inside, const char* where, loomError* err) {
  char reason[LOOM_H5_REASON], said[LOOM_H5_REASON];
  loom_h5_reason(reason);

  // The disk comes first: what it does not give may be whole.
  if (system_reason(said, reason))
    return loom_error_set(err, LOOM_ERR_IO, "%s: cannot be read (%s)", where, said);

  H5F_info2_t info;
  if (H5Fget_info2(inside, &info) >= 0 && is_newer(reason, info.super.version))
    return newer_error(where, err);
  return loom_error_set(err, LOOM_ERR_FORMAT, "%s: is damaged (%s)", where, reason);
}

// ---- links

int loom_h5_link_error(hid_t group, const char* name, const char* where, loomError* err) {
  enum { TARGET_MAX = 2000 };
  char value[TARGET_MAX + 1] = "";
  const char *file = NULL, *target = NULL;
  unsigned flags;
  H5L_info_t info = {.type = H5L_TYPE_ERROR};
  H5Lget_info(group, name, &info, H5P_DEFAULT);

  // Where it leads is told, not looked at.
  if (info.type == H5L_TYPE_SOFT || info.type == H5L_TYPE_EXTERNAL) {
    bool has = H5Lget_val(group, name, value, TARGET_MAX, H5P_DEFAULT) >= 0;
    if (has && info.type == H5L_TYPE_SOFT) target = value;
    if (has && info.type == H5L_TYPE_EXTERNAL && info.u.val_size <= TARGET_MAX)
      H5Lunpack_elink_val(value, info.u.val_size, &flags, &file, &target);
  }

  return loom_error_set(
      err, LOOM_ERR_FORMAT,
      "%s: '%.200s' is %s link to '%.150s'%s%.150s%s, which is not followed since it may lead out of the "
      "file; "
      "write a self-contained copy first (h5py: OUT.copy(IN['data'], 'data', expand_soft=True, "
      "expand_external=True))",
      where, name,
      info.type == H5L_TYPE_EXTERNAL ? "an external"
      : info.type == H5L_TYPE_SOFT   ? "a soft"
                                     : "a user's",
      target ? target : "?", file ? " of the file '" : "", file ? file : "", file ? "'" : "");
}

// The first names of a group, "obs, states", for one that looks for another.
static void list_names(char* out, size_t size, hid_t group) {
  enum { SHOWN = 6, NAME_ROOM = 64 };
  H5G_info_t info = {.nlinks = 0};
  size_t used = 0;
  out[0] = '\0';
  if (H5Iget_type(group) != H5I_GROUP || H5Gget_info(group, &info) < 0) return;

  for (hsize_t i = 0; i < info.nlinks && i < SHOWN; i++) {
    char name[NAME_ROOM] = "";
    if (H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, name, sizeof name, H5P_DEFAULT) < 0)
      break;
    used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", name);
  }
  if (info.nlinks > SHOWN) snprintf(out + used, size - used, ", ...");
}

int loom_h5_absent(hid_t group, const char* name, const char* where, loomError* err) {
  char names[480];
  list_names(names, sizeof names, group);
  return loom_error_set(err, LOOM_ERR_FORMAT, "%s: missing ('%.200s' is not there%s%s)", where, name,
                        names[0] ? "; there are " : ", nor anything else", names);
}

// ---- other layouts of HDF5

// Other collections of demos, known by what their root holds. All names of a row must be there.
static const struct {
  const char *what, *names[3];
} layouts[] = {
    {"an episode in ALOHA's layout (ACT)", {"action", "observations"}},
    {"a trajectory in DROID's layout", {"action", "observation"}},
    {"a dataset in D4RL's layout", {"observations", "actions", "rewards"}},
    {"a dataset in the layout of ManiSkill", {"traj_0"}},
    {"a dataset of Minari", {"episode_0"}},
    {"weights of Keras", {"model_weights"}},
    {"a MATLAB file", {"#refs#"}},
    {"one demo of a robomimic dataset", {"obs", "actions"}},
    {"demos without the group 'data' around them", {"demo_0"}},
    {"a dataset whose demos are numbered groups of 'episodes'", {"episodes"}},
};

const char* loom_h5_layout(hid_t root) {
  for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
    bool all = true;
    for (int k = 0; k < 3 && layouts[i].names[k]; k++)
      all = all && H5Lexists(root, layouts[i].names[k], H5P_DEFAULT) > 0;
    if (all) return layouts[i].what;
  }
  return NULL;
}

// ---- files that are no HDF5

static const struct {
  int at, n;
  const char *bytes, *what, *todo;
} kinds[] = {
    {0, 40, "version https://git-lfs.github.com/spec/", "a pointer of git LFS, not the file itself",
     "`git lfs pull` fetches it"},
    {0, 2, "\x1f\x8b", "compressed with gzip", "`gunzip` it first"},
    {0, 3, "BZh", "compressed with bzip2", "`bunzip2` it first"},
    {0, 6,
     "\xfd"
     "7zXZ\0",
     "compressed with xz", "`unxz` it first"},
    {0, 4, "\x28\xb5\x2f\xfd", "compressed with zstd", "`unzstd` it first"},
    {0, 4, "PK\3\4", "a zip archive (numpy's .npz, PyTorch's .pt and packed folders are)",
     "unpack it, or convert it to HDF5"},
    {0, 6, "7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it first"},
    {257, 5, "ustar", "a tar archive", "unpack it with `tar -xf` first"},
    {0, 6, "\x93NUMPY", "an array of numpy (.npy)", "convert it to HDF5"},
    {0, 2, "\x80\2", "a Python pickle", "convert it to HDF5"},
    {0, 2, "\x80\3", "a Python pickle", "convert it to HDF5"},
    {0, 2, "\x80\4", "a Python pickle", "convert it to HDF5"},
    {0, 2, "\x80\5", "a Python pickle", "convert it to HDF5"},
    {0, 4, "PAR1", "a Parquet file, of which LeRobot's datasets are made", "convert it to HDF5"},
    {0, 6, "ARROW1", "an Arrow file", "convert it to HDF5"},
    {0, 8, "\x89MCAP0\r\n", "an MCAP recording", "convert it to HDF5"},
    {0, 8, "#ROSBAG ", "a ROS bag", "convert it to HDF5"},
    {0, 15, "SQLite format 3", "an SQLite database (ROS 2 bags are)", "convert it to HDF5"},
    {0, 4, "\x0e\x03\x13\x01", "HDF4, which is another format than HDF5", "h4toh5 converts it"},
    {0, 3, "CDF", "NetCDF-3, which is another format than HDF5", "nccopy -k nc4 converts it"},
    {0, 6, "MATLAB", "a MATLAB file before version 7.3", "save it with -v7.3, or convert it"},
    {0, 4, "\x31\xd4\0\0", "a compiled MuJoCo model (.mjb)", "name a dataset"},
    {4, 4, "ftyp", "a video (.mp4)", "name a dataset"},
    {0, 4, "RIFF", "a video or sound (RIFF)", "name a dataset"},
    {0, 8, "\x89PNG\r\n\x1a\n", "a picture (.png)", "name a dataset"},
    {0, 2, "#!", "a script", "name a dataset"},
    {0, 4,
     "\x7f"
     "ELF",
     "a program", "name a dataset"},
};

static bool begins(const char* text, const char* with) {
  return !strncasecmp(text, with, strlen(with));
}

// Of text, which may begin with spaces.
static const char* text_kind(const char* head, size_t n, const char** todo) {
  const char* at = head + strspn(head, " \t\r\n");
  *todo = "name a dataset";
  for (size_t i = 0; i < n; i++)
    if ((unsigned char)head[i] < 9) return NULL;

  // A page where a file was wanted is what a server says of a wrong address or a log-in.
  if (begins(at, "<!doctype html") || begins(at, "<html") || begins(at, "<head")) {
    *todo = "fetch it again, from the address of the file itself";
    return "a web page (HTML), as servers send it for a wrong address or a missing log-in";
  }
  if (begins(at, "<mujoco")) return "a MuJoCo model (MJCF)";
  if (*at == '<') return "XML text";
  if (*at == '{' || *at == '[') return "JSON text";
  return "text";
}

// What the head of a file says that it is; NULL when nothing.
static const char* kind_of_head(const char* head, size_t n, const char** todo) {
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    *todo = kinds[i].todo;
    if ((size_t)(kinds[i].at + kinds[i].n) <= n &&
        !memcmp(head + kinds[i].at, kinds[i].bytes, (size_t)kinds[i].n))
      return kinds[i].what;
  }

  // A header's length, then its JSON.
  *todo = "name a dataset";
  if (n > 10 && head[8] == '{' && head[9] == '"') return "a file of weights (safetensors)";

  size_t zeros = 0;
  while (zeros < n && !head[zeros]) zeros++;
  *todo = "fetch or copy it again";
  if (zeros == n) return "nothing but zeros at its beginning, as an unfinished download has";
  return text_kind(head, n, todo);
}

static int no_hdf5(const char* path, const char* reason, loomError* err) {
  char head[513] = "";
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof head - 1);
  if (fd >= 0) close(fd);

  const char *todo = "", *what = n > 0 ? kind_of_head(head, (size_t)n, &todo) : NULL;
  if (!what) return loom_error_set(err, LOOM_ERR_FORMAT, "%s: not a readable HDF5 file (%s)", path, reason);
  return loom_error_set(err, LOOM_ERR_FORMAT, "%s: not a readable HDF5 file: it is %s; %s", path, what, todo);
}

// The version of the file's superblock, which lies at byte 0, or behind a user's block of 512, 1024, ...
// bytes.
static unsigned superblock_of(const char* path) {
  static const char signature[] = "\x89HDF\r\n\x1a\n";
  char head[9];
  unsigned version = 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  for (off_t at = 0; fd >= 0 && pread(fd, head, sizeof head, at) == sizeof head; at = at ? 2 * at : 512) {
    if (memcmp(head, signature, sizeof signature - 1) != 0) continue;
    version = (unsigned char)head[8];
    break;
  }
  if (fd >= 0) close(fd);
  return version;
}

int loom_h5_open_error(const char* path, int64_t size, loomError* err) {
  char reason[LOOM_H5_REASON], said[LOOM_H5_REASON];
  loom_h5_reason(reason);
  if (system_reason(said, reason))
    return loom_error_set(err, LOOM_ERR_IO, "%s: cannot be read (%s)", path, said);

  if (!size)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: empty (0 bytes); fetch or record it again", path);
  if (strstr(reason, "truncated"))
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: cut short at %lld bytes (%s); fetch or copy it again",
                          path, (long long)size, reason);

  // A flag in the file that its writer takes away when it closes it.
  if (strstr(reason, "already open for write") || strstr(reason, "h5clear"))
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s: not closed by the program that wrote it: wait until it is done or, if it was "
                          "killed, `h5clear -s FILE` and look whether all is there",
                          path);
  if (strstr(reason, "signature")) return no_hdf5(path, reason, err);
  if (is_newer(reason, superblock_of(path))) return newer_error(path, err);
  return loom_error_set(err, LOOM_ERR_FORMAT,
                        "%s: not a readable HDF5 file: damaged (%s); fetch or copy it again", path, reason);
}

// ---- folders

static bool has_entry(const char* folder, const char* name) {
  char path[LOOM_PATH_MAX];
  snprintf(path, sizeof path, "%.*s/%s", LOOM_PATH_MAX - 64, folder, name);
  return !access(path, F_OK);
}

int loom_h5_no_file(const char* path, const struct stat* st, loomError* err) {
  if (!S_ISDIR(st->st_mode))
    return loom_error_set(err, LOOM_ERR_IO, "%s: not a regular file (a pipe or a device)", path);

  // Collections of demos that are folders.
  const char* what = has_entry(path, "meta/info.json")      ? ", a LeRobot dataset; convert it to HDF5"
                     : has_entry(path, ".zgroup")           ? ", a Zarr store; convert it to HDF5"
                     : has_entry(path, "zarr.json")         ? ", a Zarr store; convert it to HDF5"
                     : has_entry(path, "dataset_info.json") ? ", an RLDS dataset; convert it to HDF5"
                                                            : "; name a file in it";
  return loom_error_set(err, LOOM_ERR_IO, "%s: not a regular file but a folder%s", path, what);
}
