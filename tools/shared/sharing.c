#include "tools/shared/sharing.h"

#include "tools/shared/common.h"

// "2/4".
static int read_part(toolSharing* s, const char* command) {
  const char* text = s->part;
  int64_t i, n = 0;
  bool read = tool_read_int(&i, &text, 1, INT32_MAX) && *text++ == '/' &&
              tool_read_int(&n, &text, 1, INT32_MAX) && !*text && i <= n;
  if (!read) return tool_usage(command, "--shard takes I/N, 1/4 to 4/4 for instance, not '%s'", s->part);

  s->shard = (int)i - 1;
  s->shards = (int)n;
  return 0;
}

int tool_sharing(toolSharing* s, const char* command) {
  s->launcher = tool_launcher();
  int code = s->part ? read_part(s, command) : 0;
  if (code) return code;
  if (s->part && s->given == 0)
    return tool_usage(command, "--shard makes a part of a run that is shared; without --share off");

  s->on = s->part || (s->given < 0 ? s->launcher.size > 1 : s->given);
  return 0;
}

const char* tool_sharing_why(const toolSharing* s) {
  return s->given > 0 || s->part ? "given to several processes"
                                 : "started as one of several processes (--share off: by itself)";
}

bool tool_sharing_tells(const toolSharing* s, bool made) {
  return s->launcher.size < 2 || !s->on || made;
}

bool tool_sharing_shows(const toolSharing* s) {
  return !s->on || !s->launcher.rank;
}

int tool_sharing_threads(const toolSharing* s, int64_t given) {
  return s->on && !given ? tool_cores(&s->launcher) : (int)given;
}
