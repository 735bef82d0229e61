// Hashes of the numbers in datasets and policies, a line an array: `build/tests/values/hash_values FILE...`.
// It reads HDF5 and safetensors by itself, so that a change of our readers or of how files lie changes
// nothing here: only values, their types and their shapes count. tests/values/run.sh compares its lines with
// recorded ones.
#include <cjson/cJSON.h>
#include <hdf5.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ARRAYS = 256, NAME_MAX_LENGTH = 128 };

typedef struct arrayHash {
  char name[NAME_MAX_LENGTH];
  uint64_t hash;
} arrayHash;

typedef struct hashTable {
  int n;
  arrayHash array[MAX_ARRAYS];
} hashTable;

// FNV-1a, 64 bits.
static uint64_t hash_bytes(uint64_t hash, const void* data, size_t n) {
  const unsigned char* byte = data;
  for (size_t i = 0; i < n; i++) hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
  return hash;
}

static void die(const char* path, const char* what) {
  fprintf(stderr, "hash_values: %s: %s\n", path, what);
  exit(1);
}

static uint64_t* find_hash(hashTable* table, const char* name) {
  for (int i = 0; i < table->n; i++)
    if (!strcmp(table->array[i].name, name)) return &table->array[i].hash;

  if (table->n == MAX_ARRAYS) die(name, "too many arrays");
  arrayHash* added = &table->array[table->n++];
  snprintf(added->name, sizeof added->name, "%s", name);
  added->hash = UINT64_C(0xcbf29ce484222325);
  return &added->hash;
}

// Plain order of characters: the table of an array's name is printed the same wherever it was found first.
static int compare_arrays(const void* a, const void* b) {
  return strcmp(((const arrayHash*)a)->name, ((const arrayHash*)b)->name);
}

static void print_table(hashTable* table, const char* label) {
  qsort(table->array, (size_t)table->n, sizeof *table->array, compare_arrays);
  for (int i = 0; i < table->n; i++)
    printf("%s %s %016" PRIx64 "\n", label, table->array[i].name, table->array[i].hash);
}

// ---- datasets

static herr_t hash_dataset(hid_t demo, const char* name, const H5L_info_t* info, void* user) {
  (void)info;

  hid_t set = H5Oopen(demo, name, H5P_DEFAULT);
  if (H5Iget_type(set) != H5I_DATASET) return H5Oclose(set) < 0;

  hid_t space = H5Dget_space(set), type = H5Dget_type(set);
  hsize_t shape[8] = {0};
  int rank = H5Sget_simple_extent_ndims(space);
  H5Sget_simple_extent_dims(space, shape, NULL);
  size_t bytes = (size_t)H5Sget_simple_extent_npoints(space) * H5Tget_size(type);

  // Strings are provenance, not numbers.
  if (H5Tget_class(type) != H5T_STRING && bytes) {
    char* data = malloc(bytes);
    if (!data || H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0) die(name, "cannot be read");
    uint64_t* hash = find_hash(user, name);
    *hash = hash_bytes(*hash, shape, sizeof *shape * (size_t)rank);
    *hash = hash_bytes(*hash, data, bytes);
    free(data);
  }
  H5Tclose(type);
  H5Sclose(space);
  return H5Oclose(set) < 0;
}

static void hash_hdf5(const char* path, const char* label) {
  hashTable table = {0};
  hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  hid_t data = file < 0 ? -1 : H5Gopen2(file, "data", H5P_DEFAULT);
  H5G_info_t info = {0};
  if (data < 0 || H5Gget_info(data, &info) < 0) die(path, "no group `data`");

  // demo_0, demo_1, ... as they were counted, whatever order the links lie in.
  hsize_t found = 0;
  for (int i = 0; found < info.nlinks; i++) {
    char name[32];
    if (i > 1000000) die(path, "demos are not numbered");
    snprintf(name, sizeof name, "demo_%d", i);
    if (H5Lexists(data, name, H5P_DEFAULT) <= 0) continue;
    hid_t demo = H5Gopen2(data, name, H5P_DEFAULT);
    if (H5Lvisit(demo, H5_INDEX_NAME, H5_ITER_INC, hash_dataset, &table) < 0) die(path, "cannot be read");
    H5Gclose(demo);
    found++;
  }
  H5Gclose(data);
  H5Fclose(file);
  print_table(&table, label);
}

// ---- policies

static void hash_safetensors(const char* path, const char* label) {
  FILE* file = fopen(path, "rb");
  uint64_t size = 0;
  if (!file || fread(&size, sizeof size, 1, file) != 1 || size > 1 << 26) die(path, "no safetensors file");

  char* text = calloc(1, size + 1);
  if (!text || fread(text, 1, size, file) != size) die(path, "cut short");
  cJSON* header = cJSON_Parse(text);
  if (!header) die(path, "its header is no JSON");

  hashTable table = {0};
  for (const cJSON* tensor = header->child; tensor; tensor = tensor->next) {
    if (!strcmp(tensor->string, "__metadata__")) continue;

    const cJSON* range = cJSON_GetObjectItemCaseSensitive(tensor, "data_offsets");
    long begin = (long)cJSON_GetArrayItem(range, 0)->valuedouble;
    size_t bytes = (size_t)(cJSON_GetArrayItem(range, 1)->valuedouble - (double)begin);
    char* data = malloc(bytes + 1);
    if (!data || fseek(file, 8 + (long)size + begin, SEEK_SET) || fread(data, 1, bytes, file) != bytes)
      die(path, "cut short");

    uint64_t* hash = find_hash(&table, tensor->string);
    *hash = hash_bytes(*hash, data, bytes);
    free(data);
  }

  cJSON_Delete(header);
  free(text);
  fclose(file);
  print_table(&table, label);
}

// LABEL=FILE...
int main(int argc, char** argv) {
  for (int i = 1; i < argc; i++) {
    char* path = strchr(argv[i], '=');
    if (!path) die(argv[i], "give LABEL=FILE");
    *path++ = 0;

    size_t n = strlen(path);
    if (n > 5 && !strcmp(path + n - 5, ".hdf5"))
      hash_hdf5(path, argv[i]);
    else
      hash_safetensors(path, argv[i]);
  }
  return 0;
}
