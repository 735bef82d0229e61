#include "tools/command/twin_photos.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/text.h"
#include "tools/shared/child.h"
#include "tools/shared/common.h"

enum { LEAST = 3, WORDS = 24, PATH = LOOM_PATH_MAX + 64, MOST_TEXT = 256 << 20 };

// ---- the folder

static bool is_photo(const char* name) {
  static const char* const ends[] = {".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG"};
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
    if (loom_ends_with(name, ends[i])) return true;
  return false;
}

static int count_photos(const char* folder) {
  DIR* d = opendir(folder);
  int n = 0;
  for (const struct dirent* e; d && (e = readdir(d));) n += is_photo(e->d_name);
  if (d) closedir(d);

  return n;
}

bool twin_photos_are(const char* folder) {
  static const char* const with_depth[] = {"rgb.txt", "depth.txt", "groundtruth.txt", "trajectory.log",
                                           "depth"};
  for (size_t i = 0; i < sizeof with_depth / sizeof *with_depth; i++) {
    char path[PATH];
    struct stat s;
    snprintf(path, sizeof path, "%.1000s/%s", folder, with_depth[i]);
    if (!stat(path, &s)) return false;
  }

  return count_photos(folder) > 0;
}

// ---- one command of COLMAP's

/// What goes on.
typedef struct work {
  twinPhotos* out;
  char folder[LOOM_PATH_MAX], log[PATH];
} work;

static void path_in(char out[PATH], const work* w, const char* name) {
  snprintf(out, PATH, "%.1000s/%s", w->out->work, name);
}

static const char* program(void) {
  const char* own = getenv("DEMOLOOM_COLMAP");
  return own && *own ? own : "colmap";
}

// What it said last, in a line.
static void last_words(char out[256], const char* log) {
  char* text = NULL;
  *out = 0;
  if (loom_read_text(&text, NULL, log, MOST_TEXT, NULL)) return;
  for (char *at = text, *end; *at; at = end) {
    size_t n = strcspn(at, "\n");
    end = at + n + (at[n] == '\n');
    if (n && strspn(at, " =\t") < n) snprintf(out, 256, "%.*s", (int)(n < 200 ? n : 200), at);
  }

  free(text);
}

static pid_t begin(char* const* words, const char* log) {
  pid_t parent = getpid(), child = fork();
  if (child) return child;

  // No window, whatever display there is.
  tool_child_begin(parent, log, log);
  setenv("QT_QPA_PLATFORM", "offscreen", 1);
  execvp(words[0], words);
  _exit(127);
}

// Its status; Ctrl-C ends it, too.
static int wait_for(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, tool_stop ? 0 : WNOHANG) != child) {
    if (tool_stop) kill(child, SIGTERM);
    if (!tool_stop) usleep(50000);
  }

  return tool_child_status(status);
}

static int run(work* w, const char* name, char* const* words, loomError* err) {
  char said[256];
  tool_progress(name, 0, 0, 0, "");
  pid_t child = begin(words, w->log);
  int status = child < 0 ? 127 : wait_for(child);
  tool_progress_end();
  if (tool_stop)
    return loom_error_set(err, LOOM_ERR_INTERRUPTED,
                          "interrupted; what was done is in %s, and is not done again", w->out->work);
  if (status == 127)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                          "photographs are placed by COLMAP, and there is no program '%s': install it "
                          "(Debian: `apt-get install "
                          "colmap`), or name it by DEMOLOOM_COLMAP",
                          program());
  if (!status) return 0;
  last_words(said, w->log);

  return loom_error_set(err, LOOM_ERR_FORMAT, "COLMAP's %s ends with status %d: %s; %s has all that it said",
                        name, status, said, w->log);
}

/// A command: its options, where "%F" is the photographs' folder, "%W/..." lies in the work's, and "%J"
/// the threads.
typedef struct step {
  const char *name, *made;  // made: of the work's folder, what is there once it is done
  const char* words[WORDS];
} step;

static int do_step(work* w, const step* s, loomError* err) {
  char text[WORDS][PATH], made[PATH], mark[PATH], name[80];
  char* words[WORDS + 3] = {(char*)(uintptr_t)program(), (char*)(uintptr_t)s->name};
  snprintf(name, sizeof name, ".done-%s", s->name);
  path_in(mark, w, name);
  path_in(made, w, s->made);
  struct stat st;
  if (!stat(mark, &st)) return 0;

  for (int i = 0; s->words[i]; i++) {
    const char* word = s->words[i];
    if (!strncmp(word, "%W", 2))
      snprintf(text[i], PATH, "%.1000s%.60s", w->out->work, word + 2);
    else if (!strcmp(word, "%J"))
      snprintf(text[i], PATH, "%d", w->out->threads > 0 ? w->out->threads : -1);
    else
      snprintf(text[i], PATH, "%s", strcmp(word, "%F") ? word : w->folder);
    words[i + 2] = text[i];
  }
  int code = run(w, s->name, words, err);

  // Some end well and have made nothing.
  if (!code && stat(made, &st)) {
    char said[256];
    last_words(said, w->log);
    return loom_error_set(err, LOOM_ERR_FORMAT, "COLMAP's %s has made no %s: %s; %s has all that it said",
                          s->name, s->made, said, w->log);
  }

  return code ? code : loom_file_write_text(mark, "", err);
}

// ---- all of it

static const step place[] = {
    {"feature_extractor",
     "database.db",
     {"--database_path", "%W/database.db", "--image_path", "%F", "--ImageReader.single_camera", "1",
      "--SiftExtraction.use_gpu", "0", "--SiftExtraction.num_threads", "%J"}},
    {"exhaustive_matcher",
     "database.db",
     {"--database_path", "%W/database.db", "--SiftMatching.use_gpu", "0", "--SiftMatching.num_threads",
      "%J"}},
    {"mapper",
     "sparse/0/images.bin",
     {"--database_path", "%W/database.db", "--image_path", "%F", "--output_path", "%W/sparse",
      "--Mapper.num_threads", "%J"}},
    {"model_converter",
     "text/images.txt",
     {"--input_path", "%W/sparse/0", "--output_path", "%W/text", "--output_type", "TXT"}},
};
static const step dense[] = {
    {"image_undistorter",
     "dense/images",
     {"--image_path", "%F", "--input_path", "%W/sparse/0", "--output_path", "%W/dense", "--output_type",
      "COLMAP"}},
    {"patch_match_stereo",
     "dense/stereo/depth_maps",
     {"--workspace_path", "%W/dense", "--workspace_format", "COLMAP"}},
    {"stereo_fusion",
     "dense/fused.ply",
     {"--workspace_path", "%W/dense", "--workspace_format", "COLMAP", "--output_path", "%W/dense/fused.ply"}},
    {"poisson_mesher", "mesh.ply", {"--input_path", "%W/dense/fused.ply", "--output_path", "%W/mesh.ply"}},
};
static const step coarse = {
    "delaunay_mesher",
    "mesh.ply",
    {"--input_path", "%W/sparse/0", "--input_type", "sparse", "--output_path", "%W/mesh.ply"}};

static int do_steps(work* w, const step* s, size_t n, loomError* err) {
  int code = 0;
  for (size_t i = 0; !code && i < n; i++) code = do_step(w, &s[i], err);
  return code;
}

// Two lines each, comments apart: its pose and name, then its features.
static int count_placed(const work* w, loomError* err) {
  char path[PATH], *text = NULL;
  int lines = 0;
  path_in(path, w, "text/images.txt");
  int code = loom_read_text(&text, NULL, path, MOST_TEXT, err);
  for (const char* at = text; !code && *at; at += strcspn(at, "\n"), at += *at == '\n') lines += *at != '#';
  free(text);
  w->out->placed = lines / 2;

  return code;
}

static int make_folders(const work* w, loomError* err) {
  static const char* const names[] = {"", "sparse", "text", "dense"};
  int code = 0;
  for (size_t i = 0; !code && i < sizeof names / sizeof *names; i++) {
    char path[PATH];
    path_in(path, w, names[i]);
    code = loom_make_folder(path, false, err);
  }

  return code;
}

// Depths of all pixels take a graphics card; without, what the features span.
static int make_mesh(work* w, loomError* err) {
  loomError why = {0, ""};
  int code = do_steps(w, dense, sizeof dense / sizeof *dense, &why);
  w->out->dense = !code;
  if (!code) return 0;
  if (code == LOOM_ERR_INTERRUPTED) return loom_error_set(err, code, "%s", why.message);
  fprintf(stderr,
          "no dense cloud, which takes COLMAP with CUDA: its mesh is the coarse one of the features (%s)\n",
          why.message);

  return do_step(w, &coarse, err);
}

int twin_photos_fuse(twinPhotos* out, const char* folder, const char* output, loomError* err) {
  work w = {.out = out};
  char mesh[PATH], *bytes = NULL;
  size_t n = 0;
  snprintf(out->work, sizeof out->work, "%.1000s.photos", output);
  path_in(w.log, &w, "log");
  if (!realpath(folder, w.folder))
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: %s", folder, strerror(errno));
  out->pictures = count_photos(folder);
  if (out->pictures < LEAST)
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "%s: %d photographs; it takes %d at least, and some dozens to be good", folder,
                          out->pictures, LEAST);

  int code = make_folders(&w, err);
  if (!code) code = do_steps(&w, place, sizeof place / sizeof *place, err);
  if (!code) code = count_placed(&w, err);
  if (!code && out->placed < LEAST)
    code = loom_error_set(
        err, LOOM_ERR_FORMAT,
        "%s: %d of %d photographs could be placed: they need texture, and more of each in the next", folder,
        out->placed, out->pictures);
  if (!code) code = make_mesh(&w, err);

  // Whole or not there.
  path_in(mesh, &w, "mesh.ply");
  if (!code) code = loom_read_text(&bytes, &n, mesh, MOST_TEXT, err);
  if (!code) code = loom_file_write(output, bytes, n, err);
  free(bytes);

  return code;
}
