// Source demos of which one is odd: told by name, or left out of the set.
#include "tests/own_fixture.h"

enum { ROWS_CUT = 20, ODD = 1 };

/// What is done to demo number ODD.
typedef enum oddity {
  NOTHING,
  BAD_NUMBER,
  OTHER_COLUMNS,
  NO_STATES,
  FEWER_STATES,
  NO_MODEL,
  BROKEN_MODEL,
  OTHER_MODEL,
  ENDS_EARLY,  // of all demos
  LATER_LOST,  // success, of all demos: the first rows follow once more
} oddity;

// Demo i as it is, but for its oddity, as a shard.
static void write_shard(const char* path, const loomDataset* ds, int i, oddity odd) {
  loomDemo demo;
  loomError err = {0, ""};
  must(loom_demo_load(&demo, ds, i, &err), &err);

  // Room for twice the rows.
  size_t adim = (size_t)demo.action_dim, sdim = (size_t)demo.state_dim, rows = (size_t)demo.rows;
  double* actions = calloc(2 * rows * adim, sizeof(double));
  double* states = calloc(2 * rows * sdim, sizeof(double));
  for (size_t turn = 0; turn < 2; turn++) {
    memcpy(actions + turn * rows * adim, demo.actions, rows * adim * sizeof(double));
    memcpy(states + turn * rows * sdim, demo.states, rows * sdim * sizeof(double));
  }

  int64_t n = demo.rows, state_rows = n, columns = demo.action_dim;
  if (odd == ENDS_EARLY) n = state_rows = ROWS_CUT;
  if (odd == LATER_LOST) n = state_rows = n + ROWS_CUT;
  if (odd == FEWER_STATES) state_rows--;
  if (odd == OTHER_COLUMNS) columns--;
  if (odd == BAD_NUMBER) actions[7] = NAN;

  loomField field[] = {{"actions", LOOM_TYPE_F64, 2, {n, columns, 1, 1}, actions},
                       {"states", LOOM_TYPE_F64, 2, {state_rows, demo.state_dim, 1, 1}, states}};
  const char* model = odd == BROKEN_MODEL  ? "<mujoco><worldbody><body/></mujoco>"
                      : odd == OTHER_MODEL ? "<mujoco><worldbody><body name='else'/></worldbody></mujoco>"
                                           : demo.model_xml;
  loomAttr attr[] = {loom_attr_int("num_samples", n), loom_attr_string("model_file", model)};
  loomRecord record = {.name = "demo_0",
                       .nfield = odd == NO_STATES ? 1 : 2,
                       .nattr = odd == NO_MODEL ? 1 : 2,
                       .field = field,
                       .attr = attr};
  must(loom_shard_write(path, &record, 1, NULL, &err), &err);
  free(actions);
  free(states);
  loom_demo_destroy(&demo);
}

// The fixture's demos, one of them odd. Shards are put together as they lie: no reader may object.
static void write_odd(const own* o, const char* path, oddity odd) {
  char shard[SOURCES][80], *env_args = loom_env_args(o->task);
  loomSource list[SOURCES];
  loomDataset* ds = NULL;
  loomError err = {0, ""};
  must(loom_dataset_open(&ds, o->path, &err), &err);

  for (int i = 0; i < SOURCES; i++) {
    snprintf(shard[i], sizeof shard[i], "%.60s.odd%d", o->path, i);
    write_shard(shard[i], ds, i, i == ODD || odd >= ENDS_EARLY ? odd : NOTHING);
    list[i] = (loomSource){shard[i], NULL};
  }

  loomAttr attr = loom_attr_string("env_args", env_args);
  loomAssembleDef def = loom_default_assemble_def();
  def.attr = &attr;
  def.nattr = 1;
  def.valid = 0;
  def.trusted = true;
  must(loom_dataset_assemble(path, list, SOURCES, &def, &err), &err);

  for (int i = 0; i < SOURCES; i++) unlink(shard[i]);
  loom_dataset_close(ds);
  free(env_args);
}

static char said[4096];
static void listen(void* user, const char* text) {
  (void)user;
  snprintf(said + strlen(said), sizeof said - strlen(said), "%s\n", text);
}

static int load(loomSourceSet* out, const own* o, const char* path, bool skip, loomError* err) {
  loomAssetRoots roots = {0};
  said[0] = '\0';
  *err = (loomError){0, ""};
  return loom_sources_load_with(out, o->task, path, &roots, &(loomSourceDef){.skip = skip}, err);
}

static void an_odd_demo_is_named_or_left_out(void** state) {
  static const struct {
    oddity odd;
    const char* why;
  } kinds[] = {{BAD_NUMBER, "finite"}, {OTHER_COLUMNS, "columns"}, {NO_STATES, "'states' is not there"},
               {FEWER_STATES, "rows"}, {NO_MODEL, "model_file"},   {BROKEN_MODEL, "demo_1"},
               {OTHER_MODEL, "demo_1"}};
  const own* o = *state;
  loomSourceSet set;
  loomError err;
  char path[80];
  snprintf(path, sizeof path, "%.60s.odd", o->path);

  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
    write_odd(o, path, kinds[k].odd);
    print_message("oddity %d\n", (int)kinds[k].odd);

    // An error that names it, says why, and how to go on.
    assert_true(load(&set, o, path, false, &err) < 0);
    assert_non_null(strstr(err.message, "demo_1"));
    assert_non_null(strstr(err.message, kinds[k].why));
    assert_non_null(strstr(err.message, "--skip"));

    // Or the others, each as it was, with its number in the file.
    must(load(&set, o, path, true, &err), &err);
    assert_int_equal(set.n, SOURCES - 1);
    assert_int_equal(set.left_out.n, 1);
    assert_string_equal(set.left_out.name[0], "demo_1");
    assert_non_null(strstr(said, "demo_1 is left out"));
    assert_non_null(strstr(said, kinds[k].why));

    for (int i = 0; i < set.n; i++) {
      const loomReplay* as = &o->sources.replay[i < ODD ? i : i + 1];
      assert_int_equal(set.replay[i].number, as->number);
      assert_int_equal(set.replay[i].rows, as->rows);
      assert_memory_equal(set.replay[i].eef[0], as->eef[0], sizeof(loomPose) * (size_t)as->rows);
    }
    loom_sources_destroy(&set);
  }
  unlink(path);
}

static void sources_without_success_are_told(void** state) {
  static const struct {
    oddity odd;
    const char* what;  // NULL: nothing
  } kinds[] = {{NOTHING, NULL},
               {ENDS_EARLY, "no source demo shows success (demo_0, demo_1, demo_2, demo_3)"},
               {LATER_LOST, "no source demo ends in success"}};
  const own* o = *state;
  loomSourceSet set;
  loomError err;
  char path[80];
  snprintf(path, sizeof path, "%.60s.odd", o->path);

  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
    write_odd(o, path, kinds[k].odd);
    must(load(&set, o, path, false, &err), &err);
    loom_sources_destroy(&set);

    if (kinds[k].what)
      assert_non_null(strstr(said, kinds[k].what));
    else
      assert_string_equal(said, "");
  }
  unlink(path);
}

// Nothing is left: an error, not an empty set.
static void no_usable_demo_is_an_error(void** state) {
  own* o = *state;
  loomSourceSet set;
  loomError err;
  loomSubtaskDef* first = &o->task->subtasks[0][0];
  loomSubtaskDef before = *first;
  int n = o->task->subtask_count[0];
  o->task->subtask_count[0] = 2;
  o->task->subtasks[0][1] = *first;
  first->until = LOOM_UNTIL_SIGNAL;
  snprintf(first->until_signal, sizeof first->until_signal, "nobody");

  assert_int_equal(load(&set, o, o->path, true, &err), LOOM_ERR_FORMAT);
  assert_non_null(strstr(err.message, "none of its 4 demos can be used"));
  assert_non_null(strstr(said, "demo_3 is left out"));

  *first = before;
  o->task->subtask_count[0] = n;
}

int main(void) {
  loom_dataset_on_damage(LOOM_DAMAGE_REFUSE, listen, NULL);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_odd_demo_is_named_or_left_out),
      cmocka_unit_test(sources_without_success_are_told),
      cmocka_unit_test(no_usable_demo_is_an_error),
  };
  return cmocka_run_group_tests(tests, open_own, close_own);
}
