// Any bytes as a dataset: open, list, load, walk, copy. Errors are fine, crashes and endless work are not.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/data/dataset.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
const char* __lsan_default_suppressions(void);

// HDF5 1.10 forgets small blocks of its own when it gives up on a damaged file; ours are still reported,
// since a suppression only counts for what was allocated inside that library.
const char* __lsan_default_suppressions(void) {
  return "leak:libhdf5\n";
}

typedef struct Visit {
  const loomDataset* ds;
  const char* object;
} Visit;

static int read_array(void* user, const char* name, const loomArray* array, int readable,
                      const loomError* why) {
  const Visit* visit = user;
  (void)why;
  loomArray copy;

  // What was promised must be what comes.
  if (readable || loom_dataset_array(&copy, visit->ds, visit->object, name, NULL)) return 0;
  if (copy.count != array->count) abort();

  loom_array_destroy(&copy);
  return 0;
}

static void read_everything(const loomDataset* ds) {
  static const char* const attrs[] = {"env_args", "total"};
  char* text;
  double number;

  // Attributes, of the right type and of others.
  for (int i = 0; i < 2; i++) {
    if (!loom_dataset_attr_string(&text, ds, "data", attrs[i], NULL)) free(text);
    loom_dataset_attr_double(&number, ds, "data", attrs[i], NULL);
  }

  // Demos, each loaded and each listed.
  for (int i = 0; i < loom_dataset_demo_count(ds); i++) {
    loomDemo demo;
    loomError err = {0};
    Visit visit = {ds, loom_dataset_demo_path(ds, i)};
    if (!loom_demo_load(&demo, ds, i, &err))
      loom_demo_destroy(&demo);
    else if (!err.message[0])
      abort();  // an error without a line that says why
    loom_dataset_visit(ds, visit.object, read_array, &visit, NULL);
  }

  // Masks.
  loomNames masks, demos;
  if (loom_dataset_masks(&masks, ds, NULL)) return;
  for (int i = 0; i < masks.n; i++)
    if (!loom_dataset_mask(&demos, ds, masks.name[i], NULL)) loom_names_destroy(&demos);
  loom_names_destroy(&masks);
}

// HDF5 resolves the path of what it opens, so a memfd will not do.
static const char* write_input(const uint8_t* data, size_t size) {
  static char path[64];
  snprintf(path, sizeof path, "%s/fuzz_hdf5.%ld", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm",
           (long)getpid());

  FILE* file = fopen(path, "wb");
  if (!file || fwrite(data, 1, size, file) != size || fclose(file)) abort();
  return path;
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static int runs, opened;
  const char* path = write_input(data, size);

  char out[80];
  snprintf(out, sizeof out, "%s.out", path);

  loomDataset* ds;
  if (!loom_dataset_open(&ds, path, NULL)) {
    opened++;
    read_everything(ds);
    loom_dataset_close(ds);

    // How to copy depends on the bytes, not on the run.
    unsigned sum = 0;
    for (size_t i = 0; i < size; i++) sum += data[i];
    loomSource source = {path, NULL};
    loomAssembleDef def = loom_default_assemble_def();
    def.keep_all = sum & 4;

    // Copying starts another trial reading, and forking under a sanitizer is slow: a quarter of the inputs
    // will do.
    if (sum % 4 == 0 && !loom_dataset_assemble(out, &source, 1, &def, NULL)) unlink(out);
  }

  unlink(path);
  if (++runs == 100 && !opened) abort();  // then nothing would be tested at all
  return 0;
}
