// One wrong bit, anywhere in a shard or in a finished file: whoever reads it gets what was written, or is
// told.
#include "dataset_fixture.h"

#include "engine/base/hash.h"
#include "engine/base/random.h"
#include "engine/data/dataset_internal.h"

enum { SHARDS = 3, BITS = 200 };

static char told[4096];

static void keep_told(void* user, const char* text) {
  (void)user;
  snprintf(told, sizeof told, "%s", text);
}

static int bits(void) {
  return getenv("LOOM_QUICK") ? BITS / 5 : BITS;
}

// ---- what there is to read

// Every kind of array and attribute that we write: compressed and plain, numbers and text, groups in groups.
static void write_shard(const char* path, int number) {
  static double big[40 * 30], small[12 * 4];
  static float pictures[40 * 8];
  static int64_t counts[40];
  static unsigned char bytes[40 * 3];
  const char* words[] = {"reach", "grasp", "lift"};
  loomError err = {0};

  // Numbers that compress badly, so that most bits of the file are theirs.
  loomRandom random = loom_random(5, (uint64_t)number, LOOM_PURPOSE_TEST);
  for (int i = 0; i < 40 * 30; i++) big[i] = loom_random_normal(&random);
  for (int i = 0; i < 12 * 4; i++) small[i] = loom_random_normal(&random);
  for (int i = 0; i < 40 * 8; i++) pictures[i] = (float)loom_random_uniform(&random);
  for (int i = 0; i < 40; i++) counts[i] = number + i;
  for (int i = 0; i < 40 * 3; i++) bytes[i] = (unsigned char)(i * 7 + number);

  loomField field[] = {{"actions", LOOM_TYPE_F64, 2, {40, 4}, big},
                       {"states", LOOM_TYPE_F64, 2, {40, 30}, big},
                       {"rewards", LOOM_TYPE_F64, 1, {40}, big + 7},
                       {"dones", LOOM_TYPE_I64, 1, {40}, counts},
                       {"obs/robot0_eef_pos", LOOM_TYPE_F64, 2, {40, 3}, big + 100},
                       {"obs/picture", LOOM_TYPE_F32, 2, {40, 8}, pictures},
                       {"obs/mask", LOOM_TYPE_U8, 2, {40, 3}, bytes},
                       {"datagen_info/eef_pose", LOOM_TYPE_F64, 2, {12, 4}, small},
                       {"datagen_info/subtask_terms/grasp", LOOM_TYPE_I64, 1, {40}, counts},
                       {"words", LOOM_TYPE_STR, 1, {3}, words}};
  loomAttr attr[] = {loom_attr_string("model_file", "<mujoco model=\"m\"><worldbody/></mujoco>"),
                     loom_attr_int("loom_attempt", number), loom_attr_double("loom_scale", 0.25 + number)};
  loomRecord record = {.name = "demo_0", .nfield = 10, .field = field, .nattr = 3, .attr = attr};
  if (loom_shard_write(path, &record, 1, NULL, &err)) fail_msg("%s", err.message);
}

// ---- what a reader gets

static uint64_t add_text(uint64_t hash, const char* text) {
  return loom_hash(hash, text, strlen(text) + 1);
}

typedef struct reading {
  const loomDataset* ds;
  const char* object;
  uint64_t hash;
} reading;

static int read_array(void* user, const char* name, const loomArray* described, int unreadable,
                      const loomError* why) {
  reading* r = user;
  loomArray array;
  (void)described, (void)why;
  r->hash = add_text(r->hash, name);
  if (unreadable || loom_dataset_array(&array, r->ds, r->object, name, NULL)) {
    r->hash = add_text(r->hash, "cannot be read");
    return 0;
  }

  // Its type, its shape and what it holds.
  uint64_t digest = loom_digest_array(array.type, array.rank, array.shape, array.data);
  r->hash = loom_hash(r->hash, &digest, sizeof digest);
  loom_array_destroy(&array);
  return 0;
}

static void read_attrs(reading* r) {
  loomNames names = {0};
  if (loom_dataset_attr_names(&names, r->ds, r->object, NULL)) r->hash = add_text(r->hash, "no attributes");
  for (int i = 0; i < names.n; i++) {
    char* text = NULL;
    loomAttr attr;
    if (!strcmp(names.name[i], LOOM_DIGEST_ATTR)) continue;
    r->hash = add_text(r->hash, names.name[i]);

    uint64_t digest = 7;
    if (!loom_h5_read_attr(&attr, &text, r->ds, r->object, names.name[i], NULL))
      digest = loom_digest_attr(&attr);
    r->hash = loom_hash(r->hash, &digest, sizeof digest);
    free(text);
  }
  loom_names_destroy(&names);
}

static uint64_t read_all(const loomDataset* ds) {
  reading r = {.ds = ds, .object = "data", .hash = LOOM_HASH_SEED};
  loomNames masks = {0};
  read_attrs(&r);
  if (loom_dataset_masks(&masks, ds, NULL)) r.hash = add_text(r.hash, "no masks");
  r.object = "mask";
  for (int i = 0; i < masks.n; i++) read_array(&r, masks.name[i], NULL, 0, NULL);
  loom_names_destroy(&masks);

  for (int i = 0; i < loom_dataset_demo_count(ds); i++) {
    r.object = loom_dataset_demo_path(ds, i);
    r.hash = add_text(r.hash, loom_dataset_demo_name(ds, i));
    read_attrs(&r);
    if (loom_dataset_visit(ds, r.object, read_array, &r, NULL)) r.hash = add_text(r.hash, "no arrays");
  }
  return r.hash;
}

// ---- whether anybody is told

// What `verify` asks of a file's digests.
static bool verify_tells(const loomDataset* ds) {
  loomDigestCheck check;
  bool tells = loom_dataset_lacks_demos(ds) || loom_dataset_check_rest(&check, ds, NULL);
  if (tells) return true;
  tells = !check.carried || check.differ.n;
  loom_digest_check_destroy(&check);

  for (int i = 0; i < loom_dataset_demo_count(ds) && !tells; i++) {
    if (loom_dataset_check_demo(&check, ds, i, NULL)) return true;
    tells = !check.carried || check.differ.n;
    loom_digest_check_destroy(&check);
  }
  return tells;
}

typedef struct outcome {
  uint64_t read;  // by whoever reads the finished file; 0 when nobody can
  bool told;
} outcome;

static outcome look_at(const char* path) {
  loomDataset* ds;
  outcome o = {.told = true};
  if (loom_dataset_open(&ds, path, NULL)) return o;
  o.read = read_all(ds);
  o.told = verify_tells(ds);
  loom_dataset_close(ds);
  return o;
}

static int assemble(const char* out, char path[SHARDS][512], loomError* err) {
  loomSource source[SHARDS] = {{0}};
  for (int i = 0; i < SHARDS; i++) source[i].path = path[i];
  loomAttr attr[] = {loom_attr_string("env_args", "{\"env_name\": \"X\"}"), loom_attr_int("loom_seed", 4)};
  loomAssembleDef def = loom_default_assemble_def();
  def.attr = attr;
  def.nattr = 2;
  def.trusted = true;
  def.valid = 0.34;
  return loom_dataset_assemble(out, source, SHARDS, &def, err);
}

static void make_shards(char path[SHARDS][512]) {
  for (int i = 0; i < SHARDS; i++) {
    snprintf(path[i], sizeof path[i], "%s/shard_%d.hdf5", folder, i);
    write_shard(path[i], i);
  }
}

// The bit is a pure function of the number of the try.
static void flip(const char* to, unsigned char* bytes, size_t size, int number, uint64_t seed) {
  loomRandom random = loom_random(seed, (uint64_t)number, LOOM_PURPOSE_TEST);
  size_t at = (size_t)(loom_random_uniform(&random) * (double)size * 8);
  bytes[at / 8] ^= (unsigned char)(1 << at % 8);
  spit(to, bytes, size);
  bytes[at / 8] ^= (unsigned char)(1 << at % 8);
}

// ---- the tests

static void a_wrong_bit_in_a_shard_is_told(void** state) {
  (void)state;
  char path[SHARDS][512];
  loomError err = {0};
  make_shards(path);
  if (assemble(in_folder("whole.hdf5"), path, &err)) fail_msg("%s", err.message);
  outcome whole = look_at(in_folder("whole.hdf5"));
  assert_true(whole.read && !whole.told);

  loom_dataset_on_damage(LOOM_DAMAGE_REFUSE, keep_told, NULL);
  int refused = 0;
  for (int i = 0; i < bits(); i++) {
    size_t size;
    unsigned char* bytes = slurp(path[i % SHARDS], &size);
    flip(path[i % SHARDS], bytes, size, i, 11);
    told[0] = '\0';

    // Refused, told on the way, told by verify, or the same.
    int code = assemble(in_folder("flipped.hdf5"), path, &err);
    outcome o = code ? (outcome){.told = true} : look_at(in_folder("flipped.hdf5"));
    if (!o.told && !told[0] && o.read != whole.read) fail_msg("bit %d of a shard gets through", i);
    refused += code != 0;
    if (code) assert_non_null(strstr(err.message, path[i % SHARDS]));
    spit(path[i % SHARDS], bytes, size);
    free(bytes);
  }
  loom_dataset_on_damage(LOOM_DAMAGE_REFUSE, NULL, NULL);

  // The seal sees every bit before it.
  assert_true(refused > bits() * 9 / 10);
}

static void a_wrong_bit_in_a_file_is_told(void** state) {
  (void)state;
  char path[SHARDS][512];
  loomError err = {0};
  make_shards(path);
  if (assemble(in_folder("whole.hdf5"), path, &err)) fail_msg("%s", err.message);
  outcome whole = look_at(in_folder("whole.hdf5"));

  size_t size;
  unsigned char* bytes = slurp(in_folder("whole.hdf5"), &size);
  int changed = 0;
  for (int i = 0; i < bits(); i++) {
    flip(in_folder("flipped.hdf5"), bytes, size, i, 12);
    outcome o = look_at(in_folder("flipped.hdf5"));
    changed += o.read != whole.read;
    if (o.read != whole.read && !o.told) fail_msg("bit %d of a file gets through", i);
  }
  free(bytes);

  // Else the test shows nothing.
  assert_true(changed > bits() / 10);
}

// Not by chance, but where a reader counts and names: each byte of these texts, each of its bits.
static void a_wrong_bit_in_a_name_is_told(void** state) {
  (void)state;
  static const char* const texts[] = {"demo_1", "env_args", LOOM_DIGEST_ATTR, "train",       "valid",
                                      "mask",   "env_name", "total",          "num_samples", "loom_seed",
                                      "obs",    "rewards"};
  char path[SHARDS][512];
  loomError err = {0};
  make_shards(path);
  if (assemble(in_folder("whole.hdf5"), path, &err)) fail_msg("%s", err.message);
  outcome whole = look_at(in_folder("whole.hdf5"));

  size_t size;
  unsigned char* bytes = slurp(in_folder("whole.hdf5"), &size);
  int step = getenv("LOOM_QUICK") ? 6 : 1;
  for (size_t k = 0; k < sizeof texts / sizeof *texts; k += (size_t)step) {
    unsigned char* at = memmem(bytes, size, texts[k], strlen(texts[k]));
    assert_non_null(at);
    for (size_t bit = 0; bit < 8 * strlen(texts[k]); bit += 3) {
      at[bit / 8] ^= (unsigned char)(1 << bit % 8);
      spit(in_folder("flipped.hdf5"), bytes, size);
      at[bit / 8] ^= (unsigned char)(1 << bit % 8);
      outcome o = look_at(in_folder("flipped.hdf5"));
      if (o.read != whole.read && !o.told) fail_msg("bit %zu of '%s' gets through", bit, texts[k]);
    }
  }
  free(bytes);
}

// Of a group in the demo, as robosuite's recordings and other programs have them.
static void put_group_attr(const char* path, int64_t value) {
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT),
        group = H5Gopen2(file, "data/demo_0/obs", H5P_DEFAULT);
  loomAttr attr = loom_attr_int("camera", value);
  loomError err = {0};
  if (loom_h5_put_attr(group, &attr, path, &err)) fail_msg("%s", err.message);
  H5Gclose(group);
  H5Fclose(file);
}

static bool differs_in(const char* path, const char* part) {
  loomDataset* ds;
  loomDigestCheck check;
  loomError err = {0};
  if (loom_dataset_open_shown(&ds, path, &err)) fail_msg("%s", err.message);
  if (loom_dataset_check_demo(&check, ds, 0, &err)) fail_msg("%s", err.message);

  bool differs = check.differ.n == 1 && !strcmp(check.differ.name[0], part);
  assert_true(differs || !check.differ.n);
  loom_digest_check_destroy(&check);
  loom_dataset_close(ds);
  return differs;
}

static void attributes_of_groups_have_digests(void** state) {
  (void)state;
  loomError err = {0};
  const char *source = in_folder("grouped.hdf5"), *kept = in_folder("kept.hdf5");
  write_shard(source, 1);

  // Digests of earlier versions have no lines of them, and hold.
  put_group_attr(source, 3);
  assert_false(differs_in(source, "obs/@camera"));

  loomSource from = {source, NULL};
  loomAssembleDef def = loom_default_assemble_def();
  def.keep_all = true;
  if (loom_dataset_assemble(kept, &from, 1, &def, &err)) fail_msg("%s", err.message);
  assert_false(differs_in(kept, "obs/@camera"));
  put_group_attr(kept, 2);
  assert_true(differs_in(kept, "obs/@camera"));

  // Whoever reads it is told, too.
  loomDataset* ds;
  int64_t camera;
  if (loom_dataset_open(&ds, kept, &err)) fail_msg("%s", err.message);
  assert_int_equal(loom_dataset_attr_int(&camera, ds, "data/demo_0/obs", "camera", &err), LOOM_ERR_FORMAT);
  assert_non_null(strstr(err.message, "kept.hdf5: data/demo_0/obs/@camera is not as it was written"));
  loom_dataset_close(ds);
}

// Everything that is read of a demo, whole or as doubles; not rows of it, nor a file that another program
// made.
static void a_reader_is_told_of_what_it_reads(void** state) {
  (void)state;
  static const char* const arrays[] = {"actions", "obs/picture", "obs/mask", "dones", "words"};
  loomError err = {0};
  loomArray array;
  loomDataset* ds;
  const char* path = in_folder("read.hdf5");

  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
    write_shard(path, 1);
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), demo = H5Gopen2(file, "data/demo_0", H5P_DEFAULT);
    hid_t set = H5Dopen2(demo, arrays[i], H5P_DEFAULT), type = H5Dget_type(set);
    unsigned char bytes[40 * 30 * 8];
    assert_true(H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes) >= 0);
    bytes[0] ^= 1;
    assert_true(H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes) >= 0);
    H5Tclose(type);
    H5Dclose(set);
    H5Gclose(demo);
    H5Fclose(file);

    // The one that differs, by its name.
    if (loom_dataset_open(&ds, path, &err)) fail_msg("%s", err.message);
    for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++) {
      bool text = !strcmp(arrays[k], "words");
      for (int as = 0; as < 2 - text; as++) {
        int status =
            (as ? loom_dataset_doubles : loom_dataset_array)(&array, ds, "data/demo_0", arrays[k], &err);
        assert_int_equal(status, k == i ? LOOM_ERR_FORMAT : LOOM_OK);
        if (status) assert_non_null(strstr(err.message, arrays[i]));
        loom_array_destroy(&array);
      }
    }
    assert_int_equal(loom_dataset_rows(&array, ds, "data/demo_0", arrays[i], 0, 1, &err), 0);
    loom_array_destroy(&array);

    // Asked for as it is.
    loom_dataset_read_as_is(ds);
    assert_int_equal(loom_dataset_array(&array, ds, "data/demo_0", arrays[i], &err), 0);
    loom_array_destroy(&array);
    loom_dataset_close(ds);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_wrong_bit_in_a_shard_is_told),
      cmocka_unit_test(a_wrong_bit_in_a_file_is_told),
      cmocka_unit_test(a_wrong_bit_in_a_name_is_told),
      cmocka_unit_test(attributes_of_groups_have_digests),
      cmocka_unit_test(a_reader_is_told_of_what_it_reads),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
