// Exported policies, without a runtime for them: what the file says of itself, the same bytes each time,
// every cut noticed, names that clash and kinds that cannot be exported refused.
// (tests/tools/command/test_export.sh runs them.)
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "policies/export/onnx.h"
#include "policies/export/onnx_file.h"
#include "policies/objective/loss.h"

enum { ACTIONS = 3, MOST = 320 };

typedef struct testKey {
  const char* name;
  int shape[4];  // as loomTrained has it
} testKey;

// Statistics of numbers that were drawn.
static void make_normal(loomNormal* out, int dim, loomNormalKind kind) {
  loomError err = {0, ""};
  loomRandom random = loom_random(5, (uint64_t)dim, LOOM_PURPOSE_TEST);
  float row[MOST];

  assert_true(dim <= MOST);
  assert_int_equal(loom_normal_create(out, dim, &err), 0);

  // Twenty rows of it.
  for (int i = 0; i < 20; i++) {
    for (int k = 0; k < dim; k++) row[k] = (float)(0.1 * k + loom_random_normal(&random));
    loom_normal_add(out, row, 1);
  }
  loom_normal_finish(out, kind);
}

// Numbers of an action.
static int actions_each = ACTIONS;

// Where it tells how far from what it sees first.
static void make_offsets(loomTrained* t) {
  loomError err = {0, ""};
  loomOffsets* o = t->offsets = calloc(1, sizeof *o);
  assert_non_null(o);
  assert_int_equal(loom_offsets_create(o, t->config.policy.predicted, actions_each, &err), 0);

  loom_normal_destroy(&o->normal);
  make_normal(&o->normal, o->rows * o->dim, LOOM_NORMAL_STANDARD);
  o->from[0] = 0;
  loom_offsets_finish(o, &t->obs, &t->actions);
}

// A small policy that was never trained.
static void make_of(loomTrained* t, loomPolicyKind kind, const testKey* keys, int n) {
  loomError err = {0, ""};
  *t = (loomTrained){.config = loom_default_policy_config(kind)};

  // Small, of every layer that kinds have.
  loomPolicyConfig* c = &t->config;
  int low = 0;

  c->data.key_count = n;
  c->policy.hidden = 6;
  c->policy.width = 12;
  c->policy.blocks = c->policy.heads = 2;
  c->policy.step_width = 8;
  c->policy.groups = 4;
  c->policy.layers = kind == LOOM_KIND_DIFFUSION ? (loomSizes){3, {8, 16, 12}} : (loomSizes){2, {8, 6}};
  c->encoder = (loomEncoderConfig){
      .channels = {3, {16, 8, 32}}, .keypoints = 5, .points = {2, {8, 12}}, .features = 7, .crop = 0.9};
  if (kind == LOOM_KIND_BC_GMM) c->data.stack = 3;
  if (kind == LOOM_KIND_DIFFUSION_MLP) c->policy.predicts = LOOM_PREDICT_OFFSET;

  c->data.obs_normal = LOOM_NORMAL_STANDARD;
  c->data.action_normal = LOOM_NORMAL_RANGE;

  // Keys with their sizes, and statistics of those that have some.
  for (int i = 0; i < n; i++) {
    const int* shape = keys[i].shape;
    strcpy(c->data.key[i], keys[i].name);
    memcpy(t->shape[i], shape, sizeof t->shape[i]);
    t->dim[i] = shape[1] * (shape[0] > 1 ? shape[2] : 1) * (shape[0] > 2 ? shape[3] : 1);
    if (shape[0] == 1) low += shape[1];
    if (shape[0] == 2) make_normal(&t->cloud[i], shape[2], LOOM_NORMAL_STANDARD);
  }

  make_normal(&t->obs, low, LOOM_NORMAL_STANDARD);
  make_normal(&t->actions, actions_each, LOOM_NORMAL_RANGE);
  if (c->policy.predicts == LOOM_PREDICT_OFFSET) make_offsets(t);

  // The network, seeing what keys show.
  loomNetworkDef def =
      loom_network_def(&c->policy, &c->encoder, c->data.stack, c->data.length, low, actions_each);
  for (int i = 0; i < n; i++) {
    const int* shape = keys[i].shape;
    loomVisualKey key = {.rank = shape[0], .shape = {shape[1], shape[2], shape[3]}};
    strcpy(key.name, keys[i].name);
    if (shape[0] > 1) loom_network_add_visual(&def, &key);
  }

  if (loom_network_create(&t->network, &def, 1, &err)) fail_msg("%s", err.message);
}

static void make(loomTrained* t, loomPolicyKind kind, const char* second) {
  make_of(t, kind, (const testKey[]){{"a", {1, 2}}, {second, {1, 4}}}, 2);
}

static char* temporary(void) {
  static char path[64];

  strcpy(path, "/tmp/loom_onnx_XXXXXX");
  int file = mkstemp(path);
  assert_true(file >= 0);
  close(file);
  return path;
}

// A policy's file as bytes.
static unsigned char* exported(size_t* size, const loomTrained* t) {
  loomError err = {0, ""};
  const loomOnnxDef def = {.control_freq = 20};

  char* path = temporary();
  if (loom_onnx_export(path, t, &def, &err)) fail_msg("%s", err.message);

  FILE* file = fopen(path, "rb");
  unsigned char* bytes = test_malloc(1 << 22);
  *size = fread(bytes, 1, 1 << 22, file);
  fclose(file);
  unlink(path);
  return bytes;
}

static const loomOnnxPort* find(const loomOnnxFile* file, const char* name, bool output) {
  for (int i = 0; i < file->nport; i++)
    if (!strcmp(file->port[i].name, name) && file->port[i].output == output) return &file->port[i];
  fail_msg("no port %s", name);
  return NULL;
}

static void shaped(const loomOnnxPort* port, const char* type, int rank, const int64_t* size) {
  assert_string_equal(port->type, type);
  assert_int_equal(port->shape.rank, rank);
  for (int i = 0; i < rank; i++) assert_int_equal(port->shape.size[i], size[i]);
}

static void told(void** state) {
  (void)state;
  loomError err = {0, ""};
  loomTrained t;
  loomOnnxFile file;
  size_t size;
  make(&t, LOOM_KIND_DIFFUSION_MLP, "b");

  // Noise goes in where decisions begin with some.
  t.network.def.policy.temperature = 0;
  unsigned char* bytes = exported(&size, &t);
  if (loom_onnx_file_parse(&file, bytes, size, "file", &err)) fail_msg("%s", err.message);
  for (int i = 0; i < file.nport; i++) assert_string_not_equal(file.port[i].name, "noise");
  loom_onnx_file_destroy(&file);
  test_free(bytes);
  t.network.def.policy.temperature = 0.5;
  bytes = exported(&size, &t);
  if (loom_onnx_file_parse(&file, bytes, size, "file", &err)) fail_msg("%s", err.message);

  // What goes in and out.
  assert_int_equal(file.opset, 17);
  shaped(find(&file, "b", false), "float", 2, (const int64_t[]){2, 4});
  shaped(find(&file, "noise", false), "float", 2, (const int64_t[]){16, ACTIONS});
  shaped(find(&file, "actions", true), "float", 2, (const int64_t[]){8, ACTIONS});

  // What the file says of itself.
  assert_string_equal(loom_onnx_file_meta(&file, "kind"), "diffusion_mlp");
  assert_string_equal(loom_onnx_file_meta(&file, "control_freq"), "20");
  assert_non_null(strstr(loom_onnx_file_meta(&file, "config"), "denoise_steps: 10"));
  assert_true(file.parameters > (int64_t)t.network.params.total);

  loom_onnx_file_destroy(&file);
  test_free(bytes);
  loom_trained_destroy(&t);

  make(&t, LOOM_KIND_BC_RNN_GMM, "b");
  bytes = exported(&size, &t);
  if (loom_onnx_file_parse(&file, bytes, size, "file", &err)) fail_msg("%s", err.message);

  // A recurrent one's state is handed in and out.
  shaped(find(&file, "state_h", false), "float", 3, (const int64_t[]){2, 1, 6});
  shaped(find(&file, "next_steps", true), "int64", 1, (const int64_t[]){1});
  shaped(find(&file, "scales", true), "float", 2, (const int64_t[]){5, ACTIONS});

  loom_onnx_file_destroy(&file);
  test_free(bytes);
  loom_trained_destroy(&t);
}

// Frames, layout and ranges; nothing of the folders of whoever exported it.
static void tells_what_a_robot_needs(void** state) {
  (void)state;
  static const struct {
    const char *key, *says;
  } wanted[] = {
      {"observations", "{\"name\":\"hammer@eef0\",\"of\":\"hammer\",\"frame\":\"eef0\""},
      {"observations", "{\"name\":\"robot1_eef_pos\",\"unit\":\"m\",\"frame\":\"world\",\"low\":["},
      {"observations", "\"shape\":[9]"},
      {"observed_rows", "2"},
      {"history", "oldest row first"},
      {"decided_rows", "8"},
      {"control_freq", "20"},
      {"action_pose", "absolute"},
      {"action_rotation", "6d"},
      {"action_frame", "world"},
      {"action_layout", "{\"position\":[10,13],\"rotation\":[13,19],\"gripper\":[19,20]}]"},
      {"action_range", "\"high\":["},
      {"env_args", "\"control_freq\":20"},
      {"config", "task: \"own/task.yaml\""},
  };
  loomError err = {0, ""};
  loomTrained t;
  loomOnnxFile file;
  size_t size;

  // Two arms' goals.
  actions_each = 20;
  make_of(&t, LOOM_KIND_DIFFUSION_MLP, (const testKey[]){{"hammer@eef0", {1, 9}}, {"robot1_eef_pos", {1, 3}}},
          2);
  actions_each = ACTIONS;
  t.config.data.pose = t.config.data.rotation = 1;
  t.driven = strdup("{\"env_kwargs\":{\"control_freq\":20,\"controller_configs\":{\"type\":\"OSC_POSE\"}}}");
  strcpy(t.config.task, "/home/somebody/tasks/own/task.yaml");
  unsigned char* bytes = exported(&size, &t);
  if (loom_onnx_file_parse(&file, bytes, size, "file", &err)) fail_msg("%s", err.message);

  for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
    const char* told = loom_onnx_file_meta(&file, wanted[i].key);
    if (!told || !strstr(told, wanted[i].says)) fail_msg("%s: %s", wanted[i].key, told ? told : "nothing");
  }
  for (size_t i = 0; i + 8 < size; i++) assert_true(memcmp(bytes + i, "somebody", 8) != 0);
  loom_onnx_file_destroy(&file);
  test_free(bytes);

  // Of moves of joints nobody says that they are poses.
  t.config.data.pose = t.config.data.rotation = 0;
  free(t.driven);
  t.driven = strdup("{\"env_kwargs\":{\"controller_configs\":{\"type\":\"JOINT_POSITION\"}}}");
  bytes = exported(&size, &t);
  if (loom_onnx_file_parse(&file, bytes, size, "file", &err)) fail_msg("%s", err.message);
  assert_null(loom_onnx_file_meta(&file, "action_layout"));

  loom_onnx_file_destroy(&file);
  test_free(bytes);
  loom_trained_destroy(&t);
}

static void same_bytes(void** state) {
  (void)state;
  loomTrained t;
  size_t size[2];
  make(&t, LOOM_KIND_BC_GMM, "b");
  unsigned char *one = exported(&size[0], &t), *two = exported(&size[1], &t);

  assert_int_equal(size[0], size[1]);
  assert_memory_equal(one, two, size[0]);

  test_free(one);
  test_free(two);
  loom_trained_destroy(&t);
}

static void every_cut(void** state) {
  (void)state;
  loomError err = {0, ""};
  loomTrained t;
  loomOnnxFile file;
  size_t size;
  make(&t, LOOM_KIND_BC_L2, "b");
  unsigned char* bytes = exported(&size, &t);

  // The whole.
  assert_int_equal(loom_onnx_file_parse(&file, bytes, size, "file", &err), 0);
  loom_onnx_file_destroy(&file);

  // Anything less.
  for (size_t n = 0; n < size; n++) {
    unsigned char* part = test_malloc(n + 1);  // so that sanitizers see a read beyond the cut
    memcpy(part, bytes, n);
    assert_int_equal(loom_onnx_file_parse(&file, part, n, "cut.onnx", &err), LOOM_ERR_FORMAT);
    assert_non_null(strstr(err.message, "cut.onnx: "));
    test_free(part);
  }

  test_free(bytes);
  loom_trained_destroy(&t);
}

// `levels` messages in each other: a model's graph (field 7), its node (1), an attribute (5), its graph (6),
// ...
static size_t nest(unsigned char* out, size_t room, int levels) {
  static const unsigned char field[] = {7, 1, 5, 6};
  size_t first = room;

  // From the innermost outwards, since a length stands before what it counts.
  for (int i = levels - 1; i >= 0; i--) {
    size_t size = room - first;
    unsigned char head[12] = {(unsigned char)(field[i ? 1 + (i - 1) % 3 : 0] << 3 | 2)};

    // A varint: seven bits a byte, the high bit when more follow.
    size_t n = 1;
    for (; size > 127; size >>= 7) head[n++] = (unsigned char)(size | 128);
    head[n++] = (unsigned char)size;

    first -= n;
    memcpy(out + first, head, n);
  }

  memmove(out, out + first, room - first);
  return room - first;
}

static void graphs_in_graphs(void** state) {
  (void)state;
  enum { ROOM = 1 << 20, LEVELS = 200000 };  // that many would end the stack
  loomError err = {0, ""};
  loomOnnxFile file;

  unsigned char* bytes = test_malloc(ROOM);
  size_t size = nest(bytes, ROOM, LEVELS);
  assert_int_equal(loom_onnx_file_parse(&file, bytes, size, "deep.onnx", &err), LOOM_ERR_FORMAT);
  assert_non_null(strstr(err.message, "more than 100 deep"));

  // Forty are not too deep, yet no model.
  size = nest(bytes, ROOM, 40);
  assert_int_equal(loom_onnx_file_parse(&file, bytes, size, "flat.onnx", &err), LOOM_ERR_FORMAT);
  assert_non_null(strstr(err.message, "not an ONNX model"));

  test_free(bytes);
}

static void refused(void** state) {
  (void)state;
  loomError err = {0, ""};
  const loomOnnxDef def = {0};
  loomTrained t;

  // An output's name is taken.
  char* path = temporary();
  unlink(path);
  make(&t, LOOM_KIND_BC_GMM, "means");

  assert_int_equal(loom_onnx_export(path, &t, &def, &err), LOOM_ERR_UNSUPPORTED);
  assert_non_null(strstr(err.message, "'means'"));
  assert_int_equal(access(path, F_OK), -1);
  loom_trained_destroy(&t);

  // A folder that is not there.
  make(&t, LOOM_KIND_BC_GMM, "b");
  assert_int_equal(loom_onnx_export("/nowhere/policy.onnx", &t, &def, &err), LOOM_ERR_IO);
  assert_non_null(strstr(err.message, "/nowhere/policy.onnx"));
  loom_trained_destroy(&t);
}

// Without random numbers a mixture's decision is its likeliest mode's mean.
static void likeliest(void** state) {
  (void)state;

  loomMixtureDef def = loom_default_mixture_def(1);
  def.modes = 3;
  const loomReal y[9] = {(loomReal)0.1, (loomReal)-0.5, (loomReal)0.9, 0, 0, 0, -1,
                         (loomReal)0.5, (loomReal)0.4};

  // The second mode has the largest logit.
  loomReal action;
  loom_mixture_sample(&action, y, &def, true, NULL);
  assert_float_equal(action, tanh(-0.5), 1e-6);
}

// Where a folder is named, policies of all kinds for a runtime to be tried with.
static void written(void** state) {
  (void)state;
  static const testKey low[] = {{"object", {1, 26}}, {"robot0_eef_pos", {1, 3}}},
                       visual[] = {{"cloud", {2, 300, 6}},
                                   {"robot0_eef_pos", {1, 3}},
                                   {"front_image", {3, 3, 21, 32}},
                                   {"back_image", {3, 1, 16, 16}}};
  const char* folder = getenv("LOOM_ONNX_POLICIES");

  loomError err = {0, ""};
  char path[512];
  for (int kind = 0; kind < LOOM_KINDS; kind++) {
    for (int seeing = 0; seeing < 2; seeing++) {
      loomTrained t;
      make_of(&t, (loomPolicyKind)kind, seeing ? visual : low, seeing ? 4 : 2);
      snprintf(path, sizeof path, "%s/%s%s.safetensors", folder ? folder : "",
               loom_policy_kind_name((loomPolicyKind)kind), seeing ? "_visual" : "");
      if (folder && loom_trained_save(path, &t, NULL, &err)) fail_msg("%s", err.message);
      loom_trained_destroy(&t);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(told),       cmocka_unit_test(tells_what_a_robot_needs),
                                     cmocka_unit_test(same_bytes), cmocka_unit_test(every_cut),
                                     cmocka_unit_test(refused),    cmocka_unit_test(likeliest),
                                     cmocka_unit_test(written),    cmocka_unit_test(graphs_in_graphs)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
