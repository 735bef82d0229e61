#include "tests/fuzz/parts.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARK "==== "

static bool read_name(char out[PART_NAME], const char* text, size_t size) {
  size_t n = 0;
  while (n < size && n < PART_NAME - 1 &&
         (isalnum((unsigned char)text[n]) || text[n] == '_' || text[n] == '.'))
    n++;

  // The whole line, and nothing that leads elsewhere.
  if (!n || *text == '.' || (n < size && text[n] != '\n')) return false;
  snprintf(out, PART_NAME, "%.*s", (int)n, text);
  return true;
}

int split_parts(Part out[MAX_PARTS], const uint8_t* data, size_t size) {
  const char *text = (const char*)data, *end = text + size;
  int n = 1;
  out[0] = (Part){"", text, size};

  for (const char* line = text; line < end && n < MAX_PARTS;) {
    const char* newline = memchr(line, '\n', (size_t)(end - line));
    const char* next = newline ? newline + 1 : end;
    const size_t mark = strlen(MARK);

    // The part before ends here.
    if ((size_t)(next - line) > mark && !memcmp(line, MARK, mark) &&
        read_name(out[n].name, line + mark, (size_t)(next - line) - mark)) {
      out[n - 1].size = (size_t)(line - out[n - 1].text);
      out[n].text = next;
      out[n++].size = (size_t)(end - next);
    }
    line = next;
  }

  return n;
}

char* part_text(const Part* part, int n, const char* name) {
  for (int i = 0; i < n; i++) {
    if (strcmp(part[i].name, name)) continue;
    char* copy = malloc(part[i].size + 1);
    if (!copy) abort();

    memcpy(copy, part[i].text, part[i].size);
    copy[part[i].size] = '\0';
    return copy;
  }

  return NULL;
}

static void remove_own_folder(void) {
  rmdir(own_folder());
}

const char* own_folder(void) {
  static char path[64];
  if (path[0]) return path;

  // HDF5 and run folders want names, so a memfd will not do.
  snprintf(path, sizeof path, "%s/loom_fuzz.%ld", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm",
           (long)getpid());
  mkdir(path, 0777);
  atexit(remove_own_folder);
  return path;
}

const char* own_path(const char* name) {
  static char path[4][128];
  static int turn;
  char* out = path[turn++ % 4];

  snprintf(out, sizeof path[0], "%s/%.48s", own_folder(), name);
  return out;
}

void write_own(const char* name, const void* bytes, size_t size) {
  FILE* file = fopen(own_path(name), "wb");
  if (!file || fwrite(bytes, 1, size, file) != size || fclose(file)) abort();
}

void check_error(int code, const loomError* err) {
  if (code > 0 || (code < 0 && (!err->message[0] || strchr(err->message, '\n')))) abort();
}
