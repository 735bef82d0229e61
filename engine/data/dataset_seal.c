// Shards lie on a disk for a while before they are assembled, and what HDF5 stores has no checksums of its
// own: a seal behind their bytes tells whether one of them has changed. HDF5 does not look behind the end of
// its file.
#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"
#include "engine/data/dataset_internal.h"

// The seal: a mark, then the hash of all bytes before it, the lowest byte first.
static const char mark[8] = "LOOMSEAL";
enum { SEAL = sizeof mark + 8 };
static const size_t shard_bytes_max = (size_t)16 << 30;

static void make_seal(unsigned char seal[SEAL], const void* bytes, size_t size) {
  uint64_t hash = loom_hash(LOOM_HASH_SEED, bytes, size);
  memcpy(seal, mark, sizeof mark);
  for (int i = 0; i < 8; i++) seal[(int)sizeof mark + i] = (unsigned char)(hash >> (8 * i));
}

int loom_h5_write_sealed(const char* path, const void* bytes, size_t size, loomError* err) {
  unsigned char* sealed = malloc(size + SEAL);
  if (!sealed) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path);

  memcpy(sealed, bytes, size);
  make_seal(sealed + size, bytes, size);
  int status = loom_file_write(path, sealed, size + SEAL, err);
  free(sealed);
  return status;
}

bool loom_h5_is_sealed(const void* bytes, size_t size) {
  const char* all = bytes;
  return size > SEAL && !memcmp(all + size - SEAL, mark, sizeof mark);
}

int loom_h5_read_sealed(void** bytes, size_t* size, const char* path, loomError* err) {
  char* all;
  *bytes = NULL;
  int status = loom_read_text(&all, size, path, shard_bytes_max, err);
  if (status) return status;

  if (!*size) {
    free(all);
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: is empty; the disk may have been full", path);
  }

  // Shards of earlier versions have none.
  unsigned char seal[SEAL];
  if (loom_h5_is_sealed(all, *size)) {
    size_t inner = *size - SEAL;
    make_seal(seal, all, inner);
    if (memcmp(seal, all + inner, SEAL) != 0) {
      free(all);
      return loom_error_set(
          err, LOOM_ERR_FORMAT,
          "%s: is damaged: its bytes are not those that were written; the disk may be failing", path);
    }
  }

  *bytes = all;
  return LOOM_OK;
}
