// Any bytes as a dataset: open, list, load, walk, copy. Errors are fine, crashes and endless work are not.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/data/dataset.h"
#include "tests/fuzz/parts.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
int fuzz_done(void);
const char* __lsan_default_suppressions(void);

static int opened;

int fuzz_done(void) {
  return opened;
}

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

// Some files are made larger than memory, without taking room on the disk.
static void enlarge(const char* path, size_t size, unsigned sum) {
  const off_t more = sum % 128 == 1 ? (off_t)65 << 20 : (off_t)5 << 30;
  if (sum % 64 == 1 && truncate(path, (off_t)size + more)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  char path[128], out[128];
  strcpy(path, own_path("in.hdf5"));
  strcpy(out, own_path("out.hdf5"));
  write_own("in.hdf5", data, size);

  // What is done with a file depends on its bytes, not on the run.
  unsigned sum = 0;
  for (size_t i = 0; i < size; i++) sum += data[i];
  enlarge(path, size, sum);

  loomDataset* ds;
  if (!loom_dataset_open(&ds, path, NULL)) {
    opened++;
    read_everything(ds);
    loom_dataset_close(ds);

    loomSource source = {path, NULL};
    loomAssembleDef def = loom_default_assemble_def();
    def.keep_all = sum & 4;

    // Copying starts another trial reading, and forking under a sanitizer is slow: a quarter of the inputs
    // will do.
    if (sum % 4 == 0 && !loom_dataset_assemble(out, &source, 1, &def, NULL)) unlink(out);
  }

  unlink(path);
  return 0;
}
