// Assembling: order, masks, identical bytes, no private text, and how cheap a demo is.
#include "tests/engine/data/dataset_fixture.h"

enum { SHARDS = 12 };

// Shards shard_0 .. shard_11 with 10 + i rows, and the list of them.
static void write_shards(loomSource source[SHARDS]) {
  static char path[SHARDS][512];
  loomError err = {0};

  for (int i = 0; i < SHARDS; i++) {
    snprintf(path[i], sizeof path[i], "%s/shard_%d.hdf5", folder, i);
    if (write_demo(path[i], "demo_0", 10 + i, (unsigned)i, &err)) fail_msg("%s", err.message);
    source[i] = (loomSource){path[i], NULL};
  }
}

static void merging_twice_gives_the_same_bytes(void** state) {
  (void)state;
  loomSource source[SHARDS];

  write_shards(source);
  loomAttr attr = loom_attr_string("env_args", "{\"env_name\": \"X\"}");
  loomAssembleDef def = loom_default_assemble_def();
  def.attr = &attr;
  def.nattr = 1;
  loomError err = {0};
  const char *one = in_folder("one.hdf5"), *two = in_folder("two.hdf5");

  if (loom_dataset_assemble(one, source, SHARDS, &def, &err)) fail_msg("%s", err.message);
  sleep(2);
  assert_int_equal(loom_dataset_assemble(two, source, SHARDS, &def, &err), 0);
  assert_true(hash_file(one) == hash_file(two));

  loomDataset* ds;
  assert_int_equal(loom_dataset_open(&ds, one, &err), 0);
  assert_int_equal(loom_dataset_demo_count(ds), SHARDS);
  int64_t total, attempt;
  assert_int_equal(loom_dataset_attr_int(&total, ds, "data", "total", &err), 0);
  assert_int_equal(total, SHARDS * 10 + SHARDS * (SHARDS - 1) / 2);

  for (int i = 0; i < SHARDS; i++) {
    loomDemo demo;
    if (loom_demo_load(&demo, ds, i, &err)) fail_msg("%s", err.message);
    assert_int_equal(demo.rows, 10 + i);
    assert_int_equal(loom_dataset_attr_int(&attempt, ds, loom_dataset_demo_path(ds, i), "loom_attempt", &err),
                     0);
    assert_int_equal(attempt, i);  // demo_10 is the eleventh, not the third
    loom_demo_destroy(&demo);
  }

  loom_dataset_close(ds);
}

static void masks_partition_and_follow_their_demos(void** state) {
  (void)state;
  loomSource source[SHARDS];

  write_shards(source);
  loomError err = {0};
  const char *all = in_folder("all.hdf5"), *few = in_folder("few.hdf5");
  assert_int_equal(loom_dataset_assemble(all, source, SHARDS, NULL, &err), 0);
  loomDataset* ds;
  loomNames train, valid, masks;
  assert_int_equal(loom_dataset_open(&ds, all, &err), 0);
  assert_int_equal(loom_dataset_masks(&masks, ds, &err), 0);
  assert_int_equal(masks.n, 2);

  loom_names_destroy(&masks);
  assert_int_equal(loom_dataset_mask(&train, ds, "train", &err), 0);
  assert_int_equal(loom_dataset_mask(&valid, ds, "valid", &err), 0);

  loom_dataset_close(ds);
  assert_int_equal(valid.n, 1);
  assert_int_equal(train.n, SHARDS - 1);

  for (int i = 0; i < train.n; i++) assert_string_not_equal(train.name[i], valid.name[0]);
  loom_names_destroy(&train);
  loom_names_destroy(&valid);

  // A mask of one's own, set twice; then two of the demos only, renumbered.
  const int mine[] = {3, 11};
  loomMask mask = {"mine", 2, mine};

  if (loom_dataset_set_masks(all, &mask, 1, &err)) fail_msg("%s", err.message);
  if (loom_dataset_set_masks(all, &mask, 1, &err)) fail_msg("replacing: %s", err.message);
  loomSource picked[] = {{all, "demo_11"}, {all, "demo_4"}};
  assert_int_equal(loom_dataset_assemble(few, picked, 2, NULL, &err), 0);
  assert_int_equal(loom_dataset_open(&ds, few, &err), 0);
  assert_int_equal(loom_dataset_mask(&train, ds, "mine", &err), 0);
  assert_int_equal(train.n, 1);
  assert_string_equal(train.name[0], "demo_0");

  loom_names_destroy(&train);
  loom_dataset_close(ds);
  const int beyond[] = {12};
  mask = (loomMask){"mine", 1, beyond};
  assert_int_equal(loom_dataset_set_masks(all, &mask, 1, &err), LOOM_ERR_USAGE);
}

static void splits_are_what_they_say(void** state) {
  (void)state;
  unsigned char a[1000], b[1000];

  for (int n = 0; n <= 1000; n += n < 20 ? 1 : 70) {
    loom_split(a, n, 0.1, 5);
    loom_split(b, n, 0.1, 5);
    assert_memory_equal(a, b, (size_t)n);
    int count = 0;
    for (int i = 0; i < n; i++) count += a[i];
    int wanted = (n + 5) / 10;
    assert_int_equal(count, n > 1 && wanted < 1 ? 1 : wanted);
  }
  loom_split(a, 1000, 0.1, 5);
  loom_split(b, 1000, 0.1, 6);
  assert_memory_not_equal(a, b, 1000);
}

static void private_text_is_shortened(void** state) {
  (void)state;
  static const char* const pairs[][2] = {
      {"file=\"/home/bob/lib/robosuite/robosuite/models/assets/robots/a.stl\"",
       "file=\"robosuite/models/assets/robots/a.stl\""},
      {"\"/home/bob/models/assets/a.stl\"", "\"models/assets/a.stl\""},
      {"'C:\\Users\\bob\\my\\a.stl'", "'my\\a.stl'"},
      {"/home/bob", ""},
      {"/usr/share/x.png", "/usr/share/x.png"},
      {"meshes/a.stl 1 2/3 <a/>", "meshes/a.stl 1 2/3 <a/>"},
      {"file:///home/bob/x", "file://x"},
      {"", ""},
  };

  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    char* text = loom_private_text(pairs[i][0]);
    assert_string_equal(text, pairs[i][1]);
    free(text);
  }
}

static void assert_absent(const char* path, const char* const* secret) {
  size_t size;
  unsigned char* bytes = slurp(path, &size);
  for (; *secret; secret++)
    if (memmem(bytes, size, *secret, strlen(*secret))) fail_msg("%s still holds '%s'", path, *secret);
  free(bytes);
}

static void stripped_recordings_name_nobody(void** state) {
  (void)state;
  static const char* const secret[] = {"stanford.edu",
                                       "turn_username",
                                       "ccrturnserver",
                                       "crowdncloud",
                                       "35.197.92.183",
                                       "default_user",
                                       "/home/",
                                       "Desktop",
                                       "iphone",
                                       "teleop_config",
                                       "user_info",
                                       "session",
                                       "metadata",
                                       "num_listeners",
                                       "timestamp",
                                       "controller_info",
                                       NULL};
  loomError err = {0};
  loomSource source = {real_demos(), NULL};
  const char* out = in_folder("stripped.hdf5");

  if (loom_dataset_assemble(out, &source, 1, NULL, &err)) fail_msg("%s", err.message);
  assert_absent(out, secret);
  loomDataset *before, *after;
  assert_int_equal(loom_dataset_open(&before, real_demos(), &err), 0);
  assert_int_equal(loom_dataset_open(&after, out, &err), 0);
  assert_int_equal(loom_dataset_demo_count(after), 7);

  for (int i = 0; i < 7; i++) {
    loomDemo x, y;
    assert_int_equal(loom_demo_load(&x, before, i, &err), 0);
    if (loom_demo_load(&y, after, i, &err)) fail_msg("%s", err.message);
    assert_int_equal(x.rows, y.rows);
    assert_memory_equal(x.actions, y.actions, (size_t)x.rows * 14 * sizeof(double));
    assert_memory_equal(x.states, y.states, (size_t)x.rows * 50 * sizeof(double));
    assert_non_null(strstr(y.model_xml, "file=\"robosuite/models/assets/robots/panda/meshes/link0.stl\""));
    loom_demo_destroy(&x);
    loom_demo_destroy(&y);
  }
  char* env;
  assert_int_equal(loom_dataset_attr_string(&env, after, "data", "env_args", &err), 0);
  assert_non_null(strstr(env, "TwoArmHandover"));
  free(env);
  loom_dataset_close(before);
  loom_dataset_close(after);
}

static void keeping_all_keeps_all(void** state) {
  (void)state;
  loomError err = {0};
  loomSource source = {real_demos(), "demo_2"};
  loomAssembleDef def = loom_default_assemble_def();

  def.keep_all = def.keep_names = true;
  const char* out = in_folder("kept.hdf5");
  if (loom_dataset_assemble(out, &source, 1, &def, &err)) fail_msg("%s", err.message);
  loomDataset* ds;
  assert_int_equal(loom_dataset_open(&ds, out, &err), 0);
  assert_int_equal(loom_dataset_demo_count(ds), 1);
  assert_string_equal(loom_dataset_demo_name(ds, 0), "demo_2");
  assert_true(loom_dataset_has_attr(ds, "data/demo_2", "session"));
  assert_true(loom_dataset_has(ds, "data/demo_2", "user_info/0/zoom"));

  loom_dataset_close(ds);
}

static void different_environments_do_not_mix(void** state) {
  (void)state;
  loomSource source[SHARDS];

  write_shards(source);
  loomError err = {0};
  for (int i = 0; i < 2; i++) {
    loomAttr attr = loom_attr_string("env_args", i ? "{\"env\": 1}" : "{\"env\": 0}");
    loomAssembleDef def = loom_default_assemble_def();
    def.attr = &attr;
    def.nattr = 1;
    assert_int_equal(loom_dataset_assemble(in_folder(i ? "e1.hdf5" : "e0.hdf5"), source, 3, &def, &err), 0);
  }
  loomSource both[] = {{in_folder("e0.hdf5"), NULL}, {in_folder("e1.hdf5"), NULL}};
  loomAssembleDef def = loom_default_assemble_def();
  const char* out = in_folder("mixed.hdf5");
  assert_int_equal(loom_dataset_assemble(out, both, 2, &def, &err), LOOM_ERR_USAGE);
  assert_non_null(strstr(err.message, "e1.hdf5"));
  assert_int_not_equal(access(out, F_OK), 0);
  def.mixed = true;
  assert_int_equal(loom_dataset_assemble(out, both, 2, &def, &err), 0);
  def.keep_names = true;
  assert_int_equal(loom_dataset_assemble(out, both, 2, &def, &err), LOOM_ERR_USAGE);
  assert_non_null(strstr(err.message, "demo_0"));
}

static int stop_at(void* user, int done, int total) {
  assert_int_equal(total, SHARDS);
  return done == *(int*)user;
}

static void stopping_leaves_nothing(void** state) {
  (void)state;
  loomSource source[SHARDS];

  write_shards(source);
  int at = 5;
  loomAssembleDef def = loom_default_assemble_def();
  def.progress = stop_at;
  def.user = &at;
  loomError err;
  const char* out = in_folder("stopped.hdf5");
  assert_int_equal(loom_dataset_assemble(out, source, SHARDS, &def, &err), LOOM_ERR_INTERRUPTED);
  assert_int_not_equal(access(out, F_OK), 0);
  assert_int_not_equal(access(in_folder("stopped.hdf5.tmp"), F_OK), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(merging_twice_gives_the_same_bytes),
      cmocka_unit_test(masks_partition_and_follow_their_demos),
      cmocka_unit_test(splits_are_what_they_say),
      cmocka_unit_test(private_text_is_shortened),
      cmocka_unit_test(stripped_recordings_name_nobody),
      cmocka_unit_test(keeping_all_keeps_all),
      cmocka_unit_test(different_environments_do_not_mix),
      cmocka_unit_test(stopping_leaves_nothing),
  };

  return cmocka_run_group_tests_name("dataset_merge", tests, make_folder, remove_folder);
}
