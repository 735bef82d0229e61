// Datasets whose demos are damaged, missing or counted wrong: what each policy makes of them.
#include "dataset_fixture.h"

#include "engine/data/dataset_internal.h"

enum { DEMOS = 12 };

static char told[4096];

static void keep_told(void* user, const char* text) {
  (void)user;
  snprintf(told, sizeof told, "%s", text);
}

// Demos with train and valid masks, or without.
static const char* make(bool masks) {
  loomError err = {0, ""};
  static char path[DEMOS][512];
  loomSource source[DEMOS] = {{0}};
  for (int i = 0; i < DEMOS; i++) {
    snprintf(path[i], sizeof path[i], "%s/shard_%d.hdf5", folder, i);
    if (write_demo(path[i], "demo_0", 10 + i, (unsigned)i, &err)) fail_msg("%s", err.message);
    source[i].path = path[i];
  }

  const char* out = in_folder("whole.hdf5");
  loomAttr env = loom_attr_string("env_args", "{}");
  loomAssembleDef def = loom_default_assemble_def();
  def.attr = &env;
  def.nattr = 1;
  def.valid = masks ? 0.25 : 0;
  if (loom_dataset_assemble(out, source, DEMOS, &def, &err)) fail_msg("%s", err.message);
  return out;
}

// The n-th node of a group's list of members becomes none.
static bool spoil_node(const char* from, const char* to, int n) {
  size_t size;
  unsigned char* bytes = slurp(from, &size);
  bool found = false;
  for (size_t i = 0; i + 4 < size && !found; i++)
    if (!memcmp(bytes + i, "SNOD", 4) && n-- == 0) {
      bytes[i] = 'X';
      found = true;
    }
  spit(to, bytes, size);
  free(bytes);
  return found;
}

// A list of demos of which some nodes are left.
static const char* make_half(const char* whole) {
  const char* half = in_folder("half.hdf5");
  for (int n = 0; spoil_node(whole, half, n); n++) {
    loomDataset* ds = NULL;
    if (loom_dataset_open_shown(&ds, half, NULL)) continue;
    int demos = loom_dataset_demo_count(ds);
    loom_dataset_close(ds);
    if (demos > 0 && demos < DEMOS) return half;
  }
  fail_msg("no node lists some of the demos");
  return NULL;
}

static void half_a_list_is_refused_skipped_or_shown(void** state) {
  (void)state;
  loomError err = {0, ""};
  loomDataset* ds = NULL;
  loomNames left_out;
  const char* half = make_half(make(true));

  // By number and name, which the masks tell.
  loom_dataset_on_damage(LOOM_DAMAGE_REFUSE, keep_told, NULL);
  assert_int_equal(loom_dataset_open(&ds, half, &err), LOOM_ERR_FORMAT);
  assert_null(ds);
  assert_non_null(strstr(err.message, "missing: demo_"));
  assert_non_null(strstr(err.message, "--skip-damaged"));

  loom_dataset_on_damage(LOOM_DAMAGE_SKIP, keep_told, NULL);
  assert_int_equal(loom_dataset_open(&ds, half, &err), 0);
  assert_non_null(strstr(told, "missing: demo_"));
  assert_true(loom_dataset_lacks_demos(ds));
  int there = loom_dataset_demo_count(ds);

  // Masks name only what is there, and reports all that is not.
  int named = 0;
  for (int i = 0; i < 2; i++) {
    loomNames mask;
    assert_int_equal(loom_dataset_mask(&mask, ds, i ? "valid" : "train", &err), 0);
    named += mask.n;
    loom_names_destroy(&mask);
  }
  assert_int_equal(named, there);
  assert_int_equal(loom_dataset_left_out(&left_out), 0);
  assert_int_equal(left_out.n, DEMOS - there);
  loom_names_destroy(&left_out);
  loom_dataset_close(ds);

  // Who only looks sees the same, and the policy does not matter.
  loom_dataset_on_damage(LOOM_DAMAGE_REFUSE, NULL, NULL);
  assert_int_equal(loom_dataset_open_shown(&ds, half, &err), 0);
  assert_int_equal(loom_dataset_demo_count(ds), there);
  assert_non_null(strstr(loom_dataset_warning(ds), "missing"));
  loom_dataset_close(ds);
}

// A count that does not fit is told; with a name of a demo that is not there, the demo is missing.
static void totals_are_checked(void** state) {
  (void)state;
  static const struct {
    int total_more;  // than the rows that the demos have
    bool gap, mask;  // demo_1 is not there; a mask names demo_99
    int code;
    const char* says;  // NULL: nothing
  } table[] = {
      {0, false, false, 0, NULL},
      {0, true, false, 0, NULL},
      {7, false, false, 0, "demos may be missing"},
      {-7, false, false, 0, "total counts"},
      {7, true, false, LOOM_ERR_FORMAT, "1 demo is missing: demo_1;"},
      {0, false, true, 0, "demo_99"},
      {7, false, true, LOOM_ERR_FORMAT, "1 demo is missing: demo_99;"},
      {7, true, true, LOOM_ERR_FORMAT, "2 demos are missing: demo_1, demo_99;"},
  };

  loomError err = {0, ""};
  char path[512];
  snprintf(path, sizeof path, "%s/totals.hdf5", folder);
  const char* names[] = {"demo_0", "demo_1", "demo_2", "demo_99"};
  loomSource source[4];
  loomAttr env = loom_attr_string("env_args", "{}");
  loomMask mask = {"some", 1, (int[]){3}};
  loomAssembleDef def = loom_default_assemble_def();
  def.attr = &env;
  def.nattr = def.nmask = 1;
  def.mask = &mask;
  def.keep_names = true;

  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    for (int k = 0; k < 4; k++) {
      source[k] = (loomSource){in_folder(names[k]), NULL};
      if (write_demo(source[k].path, names[k], 10, (unsigned)k, &err)) fail_msg("%s", err.message);
    }
    if (loom_dataset_assemble(path, source, 4, &def, &err)) fail_msg("%s", err.message);

    // demo_99 goes, and its mask or the demo before it.
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), data = H5Gopen2(file, "data", H5P_DEFAULT);
    H5Ldelete(data, "demo_99", H5P_DEFAULT);
    if (table[i].gap) H5Ldelete(data, "demo_1", H5P_DEFAULT);
    if (!table[i].mask) H5Ldelete(file, "mask/some", H5P_DEFAULT);
    loomAttr total = loom_attr_int("total", 20 + 10 * !table[i].gap + table[i].total_more);
    assert_int_equal(loom_h5_put_attr(data, &total, path, &err), 0);
    H5Gclose(data);
    H5Fclose(file);

    loomDataset* ds = NULL;
    told[0] = err.message[0] = '\0';
    loom_dataset_on_damage(LOOM_DAMAGE_REFUSE, keep_told, NULL);
    assert_int_equal(loom_dataset_open(&ds, path, &err), table[i].code);
    loom_dataset_close(ds);
    const char* said = table[i].code ? err.message : told;
    if (table[i].says ? !strstr(said, table[i].says) : said[0] != 0)
      fail_msg("row %d: says '%s', not '%s'", (int)i, said, table[i].says ? table[i].says : "");
  }
}

// HDF5 1.10 itself loses 128 bytes with each header of an object that it cannot decode, which is what is
// tried here: for this program alone leaks inside it are not reported.
const char* __lsan_default_suppressions(void);
const char* __lsan_default_suppressions(void) {
  return "leak:libhdf5";
}

// Zeros in the middle of what is packed: the numbers of a demo or two cannot be read any more.
static void damaged_demos_are_left_out(void** state) {
  (void)state;
  loomError err = {0, ""};
  const char *whole = make(true), *torn = in_folder("torn.hdf5");
  size_t size;
  unsigned char* bytes = slurp(whole, &size);
  int tried = 0;
  for (size_t at = size / 3; at < size && tried < 3; at += size / 7) {
    unsigned char* copy = malloc(size);
    memcpy(copy, bytes, size);
    memset(copy + at, 0, size - at < 64 ? size - at : 64);
    spit(torn, copy, size);
    free(copy);

    // Somewhere a demo is damaged, and nothing else.
    loomDataset* ds = NULL;
    loom_dataset_on_damage(LOOM_DAMAGE_SKIP, keep_told, NULL);
    if (loom_dataset_open(&ds, torn, &err) || !loom_dataset_lacks_demos(ds)) {
      loom_dataset_close(ds);
      continue;
    }
    tried++;
    assert_non_null(strstr(told, "damaged: demo_"));

    // All that is left can be read.
    assert_in_range(loom_dataset_demo_count(ds), 1, DEMOS - 1);
    for (int i = 0; i < loom_dataset_demo_count(ds); i++) {
      loomDemo demo;
      if (loom_demo_load(&demo, ds, i, &err)) fail_msg("%s", err.message);
      loom_demo_destroy(&demo);
    }
    loom_dataset_close(ds);
  }
  free(bytes);
  loom_dataset_on_damage(LOOM_DAMAGE_REFUSE, NULL, NULL);
  assert_true(tried > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(half_a_list_is_refused_skipped_or_shown),
      cmocka_unit_test(totals_are_checked),
      cmocka_unit_test(damaged_demos_are_left_out),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
