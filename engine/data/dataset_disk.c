// The file driver under every large file we write. HDF5 1.10 keeps a file it could not flush on its list for
// ever and crashes when the process exits; so this driver takes note of the first failure and from then on
// keeps what is written in memory. The caller asks for the note after each demo and drops the file, so this
// memory stays small.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/data/dataset_internal.h"

typedef struct lostWrite {
  struct lostWrite* next;  // older
  haddr_t address;
  size_t size;
  unsigned char bytes[];
} lostWrite;

typedef struct diskFile {
  H5FD_t base;  // HDF5's part, which must come first
  int fd;
  haddr_t eoa, eof;
  loomDisk* disk;
  lostWrite* lost;  // newest first
} diskFile;

typedef struct diskInfo {
  loomDisk* disk;
} diskInfo;

static H5FD_t* disk_open(const char* name, unsigned flags, hid_t fapl, haddr_t maxaddr) {
  (void)maxaddr;
  const diskInfo* info = H5Pget_driver_info(fapl);
  diskFile* file = info ? calloc(1, sizeof *file) : NULL;
  if (!file) return NULL;

  // A file to write to must not be a link to somewhere else.
  int mode = (flags & H5F_ACC_RDWR ? O_RDWR : O_RDONLY) | (flags & H5F_ACC_CREAT ? O_CREAT : 0) |
             (flags & H5F_ACC_TRUNC ? O_TRUNC : 0) | (flags & H5F_ACC_EXCL ? O_EXCL : 0);
  struct stat st;
  file->fd = open(name, mode | (flags & H5F_ACC_RDWR ? O_NOFOLLOW : 0) | O_CLOEXEC, 0666);
  if (file->fd < 0 || fstat(file->fd, &st)) {
    if (!info->disk->error) info->disk->error = errno;
    if (file->fd >= 0) close(file->fd);
    free(file);
    return NULL;
  }

  file->eof = info->disk->cut_short ? INT64_MAX / 2 : (haddr_t)st.st_size;
  file->disk = info->disk;
  return &file->base;
}

static herr_t disk_close(H5FD_t* base) {
  diskFile* file = (diskFile*)base;
  if (close(file->fd) && !file->disk->error) file->disk->error = errno;

  // What could not be written is of no use any more.
  while (file->lost) {
    lostWrite* next = file->lost->next;
    free(file->lost);
    file->lost = next;
  }
  free(file);
  return 0;
}

static herr_t disk_query(const H5FD_t* base, unsigned long* flags) {
  (void)base;
  *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
           H5FD_FEAT_AGGREGATE_SMALLDATA;
  return 0;
}

static haddr_t disk_get_eoa(const H5FD_t* base, H5FD_mem_t type) {
  (void)type;
  return ((const diskFile*)base)->eoa;
}

static herr_t disk_set_eoa(H5FD_t* base, H5FD_mem_t type, haddr_t address) {
  (void)type;
  ((diskFile*)base)->eoa = address;
  return 0;
}

static haddr_t disk_get_eof(const H5FD_t* base, H5FD_mem_t type) {
  (void)type;
  return ((const diskFile*)base)->eof;
}

// Lay the lost writes over what was read, the oldest first.
static void overlay(const lostWrite* lost, haddr_t address, size_t size, unsigned char* out) {
  if (!lost) return;
  overlay(lost->next, address, size, out);

  haddr_t from = lost->address > address ? lost->address : address;
  haddr_t lost_end = lost->address + lost->size, read_end = address + size;
  haddr_t to = lost_end < read_end ? lost_end : read_end;
  if (from < to) memcpy(out + (from - address), lost->bytes + (from - lost->address), (size_t)(to - from));
}

static herr_t disk_read(H5FD_t* base, H5FD_mem_t type, hid_t dxpl, haddr_t address, size_t size,
                        void* buffer) {
  (void)type;
  (void)dxpl;
  diskFile* file = (diskFile*)base;
  unsigned char* out = buffer;
  for (size_t done = 0; done < size;) {
    ssize_t got = pread(file->fd, out + done, size - done, (off_t)(address + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0 && file->disk->cut_short) return -1;
    if (got == 0) {  // past the end: zeros, as HDF5's own drivers give
      memset(out + done, 0, size - done);
      break;
    }
    done += (size_t)got;
  }

  // What the disk did not take is read as if it had.
  overlay(file->lost, address, size, out);
  return 0;
}

static herr_t keep_lost(diskFile* file, haddr_t address, size_t size, const void* bytes) {
  lostWrite* lost = malloc(sizeof *lost + size);
  if (!lost) return -1;

  *lost = (lostWrite){.next = file->lost, .address = address, .size = size};
  memcpy(lost->bytes, bytes, size);
  file->lost = lost;
  return 0;
}

static herr_t disk_write(H5FD_t* base, H5FD_mem_t type, hid_t dxpl, haddr_t address, size_t size,
                         const void* buffer) {
  (void)type;
  (void)dxpl;
  diskFile* file = (diskFile*)base;
  const unsigned char* in = buffer;
  for (size_t done = 0; done < size && !file->disk->error;) {
    ssize_t wrote = pwrite(file->fd, in + done, size - done, (off_t)(address + done));
    if (wrote >= 0)
      done += (size_t)wrote;
    else if (errno != EINTR)
      file->disk->error = errno;
  }

  if (address + size > file->eof) file->eof = address + size;
  return file->disk->error ? keep_lost(file, address, size, buffer) : 0;
}

static herr_t disk_truncate(H5FD_t* base, hid_t dxpl, hbool_t closing) {
  (void)dxpl;
  (void)closing;
  diskFile* file = (diskFile*)base;
  if (file->eoa != file->eof && !file->disk->error && ftruncate(file->fd, (off_t)file->eoa))
    file->disk->error = errno;
  file->eof = file->eoa;
  return 0;
}

static const H5FD_class_t disk_class = {
#if H5_VERSION_GE(1, 14, 0)
    .version = H5FD_CLASS_VERSION,
    .value = (H5FD_class_value_t)600,
#endif
    .name = "loom_disk",
    .maxaddr = INT64_MAX,
    .fc_degree = H5F_CLOSE_STRONG,
    .fapl_size = sizeof(diskInfo),
    .open = disk_open,
    .close = disk_close,
    .query = disk_query,
    .get_eoa = disk_get_eoa,
    .set_eoa = disk_set_eoa,
    .get_eof = disk_get_eof,
    .read = disk_read,
    .write = disk_write,
    .truncate = disk_truncate,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

hid_t loom_h5_disk_plist(loomDisk* disk) {
  disk->error = 0;  // of its writes
  hid_t driver = H5FDregister(&disk_class), fapl = H5Pcreate(H5P_FILE_ACCESS);
  diskInfo info = {.disk = disk};

  // The list holds its own reference to the driver, and so does every file opened with it.
  if (driver >= 0 && H5Pset_driver(fapl, driver, &info) < 0) {
    H5Pclose(fapl);
    fapl = -1;
  }
  if (driver >= 0) H5FDunregister(driver);

  if (fapl >= 0) {
    // New objects take the oldest format that can hold them; copied ones may need to stay newer.
    H5Pset_libver_bounds(fapl, H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST);
    H5Pset_fclose_degree(fapl, H5F_CLOSE_STRONG);
  }
  return fapl;
}
