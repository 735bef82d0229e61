// Any bytes as a film or a picture. Errors are fine, of one line and by name; crashes of ours, leaks, and
// films without frames are not. What crashes in the process aside is an error.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/draw/film.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  bool pictures = size > 0 && (data[0] == 0x89 || data[0] == 0xff);
  const loomFilmFile file = {"fuzz", data, size};
  const loomFilmDef def = {.what = "fuzz", .pictures = pictures, .width = 16, .height = 16};
  loomFilm film;
  loomError err = {0, ""};

  int code = loom_film_read(&film, &file, 1, &def, &err);
  if (code > 0 || (code < 0 && (strncmp(err.message, "fuzz: ", 6) != 0 || strchr(err.message, '\n'))))
    abort();
  unsigned sum = 0;

  for (int i = 0; i < film.frames * 3 * 16 * 16; i++) sum += film.rgb[i];
  if (!code &&
      (film.frames < 1 || film.width < 1 || film.height < 1 || sum > 255u * 768u * (unsigned)film.frames))
    abort();
  loom_film_destroy(&film);
  return 0;
}
