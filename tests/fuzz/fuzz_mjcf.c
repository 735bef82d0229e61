// Any bytes as MJCF: compile with and without visuals, make portable, resize an object. Errors are fine,
// crashes, leaks and endless work are not, nor a message of several lines. Physics is not run: MuJoCo answers
// for its own numbers.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/model/model.h"
#include "engine/model/variation.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

static void check(int code, const loomError* err) {
  if (code > 0 || (code < 0 && (!err->message[0] || strchr(err->message, '\n')))) abort();
}

static mjModel* compile(const char* xml, bool visual) {
  loomModelDef def = loom_default_model_def();
  def.visual = visual;
  mjModel* m = NULL;
  loomError err = {0};

  int code = loom_model_compile(&m, xml, "fuzz", NULL, &def, &err);
  check(code, &err);

  // A model, or an error.
  if ((code == 0) != (m != NULL)) abort();
  return m;
}

// What was patched must equal what its text compiles to, whatever the scene is.
static void resize(const char* xml, mjModel* m) {
  loomVariation* v = NULL;
  loomError err = {0};
  int code = loom_variation_bind(&v, xml, "fuzz", "object", &err);
  check(code, &err);
  if (code) return;

  // A model that asks for much memory is not run.
  mjData* scratch = m && m->narena < (64 << 20) ? mj_makeData(m) : NULL;
  const loomGeomEdit edit = {.geom = "part", .has_size = true, .size = {0.1, 0.2, 0.3}};
  char* varied = NULL;
  code = scratch ? loom_variation_apply(v, &edit, 1, m, scratch, &varied, &err) : 0;
  check(code, &err);

  if (varied) {
    mjModel* fresh = compile(varied, true);
    if (fresh && loom_model_compare(fresh, m, NULL, 0)) abort();
    mj_deleteModel(fresh);
  }

  free(varied);
  mj_deleteData(scratch);
  loom_variation_destroy(v);
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  char* xml = malloc(size + 1);
  if (!xml) return 0;
  memcpy(xml, data, size);
  xml[size] = '\0';

  // Without visuals, then with them.
  mjModel* bare = compile(xml, false);
  mj_deleteModel(bare);
  mjModel* m = compile(xml, true);

  char* portable = NULL;
  loomError err = {0};
  check(loom_mjcf_portable(&portable, xml, "fuzz", &err), &err);
  free(portable);

  resize(xml, m);
  mj_deleteModel(m);
  free(xml);
  return 0;
}
