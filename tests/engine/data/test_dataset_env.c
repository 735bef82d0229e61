// Recordings of robosuite's own: what they say of their environment, and that they are demos as all others.
#include <hdf5.h>

#include "engine/data/env_same.h"
#include "tests/engine/data/dataset_fixture.h"

static const char info[] =
    "{\"env_name\": \"TwoArmHandover\", \"robots\": [\"Panda\", \"Panda\"], \"controller_configs\": "
    "{\"type\": "
    "\"OSC_POSE\"}, \"env_configuration\": \"single-arm-opposed\"}";

static void put_text(hid_t at, const char* name, const char* text) {
  hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
  H5Tset_size(type, H5T_VARIABLE);
  hid_t attr = H5Acreate2(at, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  assert_true(attr >= 0 && H5Awrite(attr, type, &text) >= 0);

  H5Aclose(attr);
  H5Sclose(space);
  H5Tclose(type);
}

static void put_rows(hid_t at, const char* name, hsize_t rows, hsize_t columns) {
  static double numbers[ROWS * STATES];
  hid_t space = H5Screate_simple(2, (hsize_t[]){rows, columns}, NULL);
  hid_t set = H5Dcreate2(at, name, H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);

  for (int i = 0; i < ROWS * STATES; i++) numbers[i] = 0.01 * i;
  assert_true(set >= 0 && H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers) >= 0);

  H5Dclose(set);
  H5Sclose(space);
}

// As robosuite's collect_human_demonstrations leaves it: demos from 1 on, no total, no num_samples. NULL: not
// there.
static const char* write_recording(const char* env, const char* env_info) {
  const char* path = in_folder("recording.hdf5");
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  hid_t data = H5Gcreate2(file, "data", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  assert_true(file >= 0 && data >= 0);
  put_text(data, "date", "7-30-2026");
  put_text(data, "time", "12:0:1");
  put_text(data, "repository_version", "1.4.1");
  if (env) put_text(data, "env", env);
  if (env_info) put_text(data, "env_info", env_info);

  for (int i = 1; i <= 2; i++) {
    char name[16];
    snprintf(name, sizeof name, "demo_%d", i);
    hid_t demo = H5Gcreate2(data, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    put_text(demo, "model_file", "<mujoco/>");
    put_rows(demo, "actions", ROWS, ACTIONS);
    put_rows(demo, "states", ROWS, STATES);
    H5Gclose(demo);
  }

  H5Gclose(data);
  H5Fclose(file);
  return path;
}

static void environments_are_told(void** state) {
  (void)state;
  static const struct {
    const char *env, *info, *is;  // NULL: an error
  } all[] = {
      {"TwoArmHandover", info,
       "{\"env_name\":\"TwoArmHandover\",\"env_version\":\"1.4.1\",\"type\":1,\"env_kwargs\":{\"robots\":["
       "\"Panda\","
       "\"Panda\"],\"controller_configs\":{\"type\":\"OSC_POSE\"},\"env_configuration\":\"single-arm-"
       "opposed\"}}"},
      {"Lift", NULL, "{\"env_name\":\"Lift\",\"env_version\":\"1.4.1\",\"type\":1,\"env_kwargs\":{}}"},
      {"Lift", "{not JSON", NULL},
      {"Lift", "[1]", NULL},
      {NULL, info, NULL},
  };

  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    const char* path = write_recording(all[i].env, all[i].info);
    loomDataset* d;
    loomError err = {0, ""};
    char* text;
    assert_int_equal(loom_dataset_open(&d, path, &err), 0);
    assert_int_equal(loom_dataset_has_env_args(d), all[i].env != NULL);

    int code = loom_dataset_env_args(&text, d, &err);
    assert_int_equal(code, all[i].is ? 0 : LOOM_ERR_FORMAT);
    if (all[i].is) {
      assert_string_equal(text, all[i].is);
    } else {
      assert_null(text);
      assert_non_null(strstr(err.message, path));
    }
    free(text);
    loom_dataset_close(d);
    unlink(path);
  }
}

static void its_demos_are_demos(void** state) {
  (void)state;
  const char *path = write_recording("TwoArmHandover", info), *copy = in_folder("copy.hdf5");
  loomError err = {0, ""};
  loomDataset* d;
  loomDemo demo;
  char *text, why[200];
  assert_int_equal(loom_dataset_open(&d, path, &err), 0);
  assert_int_equal(loom_dataset_demo_count(d), 2);
  assert_null(loom_dataset_warning(d));
  if (loom_demo_load(&demo, d, 0, &err)) fail_msg("%s", err.message);
  assert_true(demo.rows == ROWS && demo.action_dim == ACTIONS && demo.state_dim == STATES);
  assert_string_equal(demo.name, "demo_1");
  loom_demo_destroy(&demo);

  loom_dataset_close(d);

  // A copy is as robomimic has them; when and where it was recorded stays behind.
  loomSource source = {path, NULL};
  loomAssembleDef def = loom_default_assemble_def();
  if (loom_dataset_assemble(copy, &source, 1, &def, &err)) fail_msg("%s", err.message);
  assert_int_equal(loom_dataset_open(&d, copy, &err), 0);
  assert_true(loom_dataset_has_attr(d, "data", "env_args"));
  assert_true(loom_dataset_has_attr(d, "data/demo_0", "num_samples"));
  assert_false(loom_dataset_has_attr(d, "data", "date") || loom_dataset_has_attr(d, "data", "time"));

  assert_int_equal(loom_dataset_env_args(&text, d, &err), 0);
  assert_true(loom_env_args_same(
      text,
      "{\"env_name\":\"TwoArmHandover\",\"env_version\":\"1.4.1\",\"type\":1,\"env_kwargs\":"
      "{\"robots\":[\"Panda\",\"Panda\"],\"controller_configs\":{\"type\":\"OSC_POSE\"},"
      "\"env_configuration\":\"single-arm-opposed\"}}",
      why, sizeof why));

  free(text);
  loom_dataset_close(d);
  unlink(path);
  unlink(copy);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(environments_are_told),
                                     cmocka_unit_test(its_demos_are_demos)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
