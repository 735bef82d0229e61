#include "engine/base/expr.h"

#include <math.h>
#include <muParserDLL.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

// Making a parser costs more than using it, so a thread keeps one until it ends.
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool has_key;

static void release_parser(void* parser) {
  mupRelease(parser);
}

static void make_key(void) {
  has_key = !pthread_key_create(&key, release_parser);
}

static muParserHandle_t thread_parser(void) {
  pthread_once(&once, make_key);
  if (!has_key) return NULL;

  // This thread has made one before.
  muParserHandle_t parser = pthread_getspecific(key);
  if (parser) return parser;

  // Errors are asked for after each call (mupError), not handed to a callback.
  parser = mupCreate(muBASETYPE_FLOAT);
  if (!parser) return NULL;
  mupSetErrorHandler(parser, NULL);
  mupDefineConst(parser, "pi", 3.14159265358979323846);

  // Without a place to keep it, it would leak: then there is no parser.
  if (!pthread_setspecific(key, parser)) return parser;
  mupRelease(parser);
  return NULL;
}

// muParser would take "a = 1" for an assignment and "1, 2" for a list. A text longer than any expression
// would overflow the 2 KB that its C interface writes messages to.
static const char* refused_syntax(const char* text) {
  if (strnlen(text, LOOM_EXPR_LONGEST + 1) > LOOM_EXPR_LONGEST) return "longer than any expression may be";

  for (const char* c = text; *c; c++) {
    // Comparisons contain '=' too: only one that stands alone assigns.
    if (*c == '=' && (c == text || !strchr("<>!=", c[-1])) && c[1] != '=')
      return "assignments are not allowed";

    if (*c == '"') return "strings are not allowed";
  }

  return NULL;
}

// muParser makes all its messages in one buffer, which threads share.
static void cannot_evaluate(muParserHandle_t parser, const char* text, loomError* err) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  if (!err) return;

  pthread_mutex_lock(&lock);
  loom_error_set(err, LOOM_ERR_FORMAT, "'%s' cannot be evaluated: %s", text, mupGetErrorMsg(parser));
  pthread_mutex_unlock(&lock);
}

int loom_expr_eval(double* out, const char* text, const char* const* names, const double* values, int n,
                   loomError* err) {
  muParserHandle_t parser = thread_parser();
  if (!parser) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for an expression");

  // Grammar that muParser knows and task files may not use.
  *out = 0;
  const char* why = refused_syntax(text);
  if (why)
    return loom_error_set(err, LOOM_ERR_FORMAT, "'%.60s%s': %s", text, strnlen(text, 61) > 60 ? "..." : "",
                          why);

  mupClearVar(parser);

  // muParser wants to be able to write to its variables; without assignments it never does.
  for (int i = 0; i < n; i++) mupDefineVar(parser, names[i], (double*)&values[i]);

  mupSetExpr(parser, text);
  int count = 0;
  const double* results = mupEvalMulti(parser, &count);
  bool failed = mupError(parser);
  double value = failed || !results ? 0 : results[0];
  if (failed) cannot_evaluate(parser, text, err);

  // The addresses are this call's: none may remain in the thread's parser.
  mupClearVar(parser);
  if (failed) return LOOM_ERR_FORMAT;
  if (count != 1) return loom_error_set(err, LOOM_ERR_FORMAT, "'%s' is a list, not one number", text);
  if (!isfinite(value)) return loom_error_set(err, LOOM_ERR_FORMAT, "'%s' is not a finite number", text);

  *out = value;
  return 0;
}
