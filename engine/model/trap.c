#include "engine/model/trap.h"

#include <mujoco/mujoco.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

typedef struct trapFrame {
  jmp_buf where;
  struct trapFrame* outer;
  char text[sizeof(((mjLogMessage*)0)->subject)];
} trapFrame;

static _Thread_local trapFrame* innermost;
static _Thread_local int warning_count;
static _Thread_local char warning_text[sizeof(((mjLogMessage*)0)->subject)];

static mjfLogHandler previous_handler;
static pthread_once_t installed = PTHREAD_ONCE_INIT;

static void copy_line(char* to, size_t size, const char* from) {
  snprintf(to, size, "%s", from);

  for (char* c = to; *c; c++) {
    if (*c == '\n' || *c == '\r') *c = ' ';
  }
}

static void on_message(const mjLogMessage* message) {
  if (message->level == mjLOG_WARNING) {
    warning_count++;
    copy_line(warning_text, sizeof warning_text, message->subject);
    return;
  }

  if (message->level != mjLOG_ERROR) return;
  if (!innermost) {
    // MuJoCo ends the process as soon as this returns: a call was made outside any trap. Let it say why.
    if (previous_handler) previous_handler(message);
    return;
  }

  // Back into loom_trap_run, out of whatever MuJoCo was doing.
  copy_line(innermost->text, sizeof innermost->text, message->subject);
  longjmp(innermost->where, 1);
}

static void install_handler(void) {
  previous_handler = mju_setLogHandler(on_message);
}

void loom_trap_install(void) {
  pthread_once(&installed, install_handler);
}

int loom_trap_run(int (*fn)(void* arg), void* arg, loomError* err) {
  loom_trap_install();

  // Traps nest: the frames of a thread are linked from the innermost outward.
  trapFrame frame;
  frame.outer = innermost;
  innermost = &frame;

  // on_message comes back here.
  if (setjmp(frame.where)) {
    innermost = frame.outer;
    return loom_error_set(err, LOOM_ERR_SIM, "MuJoCo: %s", frame.text);
  }

  int code = fn(arg);
  innermost = frame.outer;
  return code;
}

int loom_trap_warnings(const char** last) {
  if (last) *last = warning_text;
  return warning_count;
}

void loom_trap_warnings_clear(void) {
  warning_count = 0;
  warning_text[0] = '\0';
}
