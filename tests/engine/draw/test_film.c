// Films and pictures as strangers make them: containers, codecs and formats of pixels of several kinds come
// back as they were; what is no film, is damaged, cut short or changes its size is refused by name, and does
// nothing.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <stdbool.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
#include <math.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/draw/film.h"
#include "engine/draw/video.h"

enum { WIDTH = 96, HEIGHT = 64, FRAMES = 14, SIDE = 16 };

static char dir[64];

static int make_dir(void** state) {
  (void)state;
  snprintf(dir, sizeof dir, "/tmp/loom_film_XXXXXX");
  return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void** state) {
  (void)state;
  return rmdir(dir);  // fails when a test left something behind
}

// ---- films made

// Frame i: red rises to the right, green to below, and a blue bar grows downwards.
static void paint(unsigned char* rgb, int width, int height, int i) {
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++) {
      unsigned char* p = rgb + 3 * (y * width + x);
      p[0] = (unsigned char)(40 + 160 * x / width);
      p[1] = (unsigned char)(40 + 160 * y / height);
      p[2] = y * FRAMES < i * height ? 200 : 40;
    }
}

typedef struct recipe {
  const char *name, *encoder;
  enum AVPixelFormat pixels;
  enum AVColorRange range;
  int quality;  // quantizer of encoders that take one
} recipe;

typedef struct writer {
  AVFormatContext* format;
  AVCodecContext* codec;
  AVStream* stream;
} writer;

static void drain(writer* w, const AVFrame* frame) {
  AVPacket* packet = av_packet_alloc();
  assert_true(avcodec_send_frame(w->codec, frame) >= 0);

  while (avcodec_receive_packet(w->codec, packet) >= 0) {
    packet->duration = 1;
    av_packet_rescale_ts(packet, w->codec->time_base, w->stream->time_base);
    assert_true(av_interleaved_write_frame(w->format, packet) >= 0);
  }
  av_packet_free(&packet);
}

static void open_writer(writer* w, const char* path, const recipe* r, int fps) {
  const AVCodec* encoder = avcodec_find_encoder_by_name(r->encoder);
  assert_true(avformat_alloc_output_context2(&w->format, NULL, NULL, path) >= 0);
  AVCodecContext* c = w->codec = avcodec_alloc_context3(encoder);
  assert_non_null(c);
  c->width = WIDTH;
  c->height = HEIGHT;
  c->pix_fmt = r->pixels;
  c->color_range = r->range;
  c->time_base = (AVRational){1, fps};
  c->framerate = (AVRational){fps, 1};
  c->thread_count = 1;
  c->strict_std_compliance = FF_COMPLIANCE_UNOFFICIAL;
  if (w->format->oformat->flags & AVFMT_GLOBALHEADER) c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  if (r->quality) {
    c->flags |= AV_CODEC_FLAG_QSCALE;
    c->global_quality = r->quality * FF_QP2LAMBDA;
  }
  assert_true(avcodec_open2(c, encoder, NULL) >= 0);

  w->stream = avformat_new_stream(w->format, NULL);
  w->stream->time_base = c->time_base;
  w->stream->avg_frame_rate = c->framerate;
  avcodec_parameters_from_context(w->stream->codecpar, c);
  assert_true(avio_open(&w->format->pb, path, AVIO_FLAG_WRITE) >= 0);
  assert_true(avformat_write_header(w->format, NULL) >= 0);
}

static bool encode(const char* path, const recipe* r, int fps, int frames) {
  static unsigned char rgb[3 * WIDTH * HEIGHT];
  writer w = {0};
  if (!avcodec_find_encoder_by_name(r->encoder)) return false;
  open_writer(&w, path, r, fps);

  struct SwsContext* scale = sws_getContext(WIDTH, HEIGHT, AV_PIX_FMT_RGB24, WIDTH, HEIGHT, r->pixels,
                                            SWS_BICUBIC, NULL, NULL, NULL);
  int full = r->range == AVCOL_RANGE_JPEG;
  sws_setColorspaceDetails(scale, sws_getCoefficients(SWS_CS_DEFAULT), 1, sws_getCoefficients(SWS_CS_DEFAULT),
                           full, 0, 1 << 16, 1 << 16);
  AVFrame* frame = av_frame_alloc();
  frame->format = r->pixels;
  frame->width = WIDTH;
  frame->height = HEIGHT;
  frame->color_range = r->range;
  assert_true(av_frame_get_buffer(frame, 0) >= 0);

  for (int i = 0; i < frames; i++) {
    const uint8_t* rows[1] = {rgb};
    int stride[1] = {3 * WIDTH};
    paint(rgb, WIDTH, HEIGHT, i);
    assert_true(av_frame_make_writable(frame) >= 0);
    sws_scale(scale, rows, stride, 0, HEIGHT, frame->data, frame->linesize);
    frame->pts = i;
    frame->quality = w.codec->global_quality;
    drain(&w, frame);
  }
  drain(&w, NULL);
  assert_true(av_write_trailer(w.format) >= 0);

  av_frame_free(&frame);
  sws_freeContext(scale);
  avcodec_free_context(&w.codec);
  avio_closep(&w.format->pb);
  avformat_free_context(w.format);
  return true;
}

// ---- films read

static const char* path_of(const char* name) {
  static char path[4][128];
  static int next;
  char* out = path[next++ % 4];
  snprintf(out, 128, "%s/%s", dir, name);
  return out;
}

static int read_bytes(loomFilm* out, const char* path, const void* bytes, size_t n, bool pictures,
                      loomError* err) {
  const loomFilmFile file = {path, bytes, n};
  const loomFilmDef def = {.what = path, .pictures = pictures, .width = SIDE, .height = SIDE};
  return loom_film_read(out, &file, 1, &def, err);
}

static char* slurp(const char* path, size_t* n) {
  char* bytes = NULL;
  assert_int_equal(loom_read_text(&bytes, n, path, 1 << 24, NULL), 0);
  return bytes;
}

static void read_file(loomFilm* out, const char* path, bool pictures) {
  loomError err = {0, ""};
  size_t n;
  char* bytes = slurp(path, &n);
  if (read_bytes(out, path, bytes, n, pictures, &err)) fail_msg("%s", err.message);
  free(bytes);
}

// Mean of how far numbers are from what was painted, each pixel the mean of what it covers.
static double error_of(const loomFilm* film) {
  static unsigned char rgb[3 * WIDTH * HEIGHT];
  double sum = 0;
  int across = WIDTH / SIDE, down = HEIGHT / SIDE;

  for (int i = 0; i < film->frames; i++) {
    paint(rgb, WIDTH, HEIGHT, i);
    for (int k = 0; k < 3 * SIDE * SIDE; k++) {
      int x = k / 3 % SIDE, y = k / (3 * SIDE);
      int whole = 0;
      for (int j = 0; j < across * down; j++)
        whole += rgb[3 * ((y * down + j / across) * WIDTH + x * across + j % across) + k % 3];
      sum += fabs(film->rgb[i * 3 * SIDE * SIDE + k] - (double)whole / (across * down));
    }
  }

  return sum / (film->frames * 3 * SIDE * SIDE);
}

static void films_of_all_kinds(void** state) {
  (void)state;
  static const recipe all[] = {
      {"a.mp4", "libx264", AV_PIX_FMT_YUV420P, AVCOL_RANGE_MPEG, 0},
      {"b.mkv", "libx264", AV_PIX_FMT_YUV444P, AVCOL_RANGE_JPEG, 0},
      {"c.avi", "mpeg4", AV_PIX_FMT_YUV420P, AVCOL_RANGE_MPEG, 3},
      {"d.mov", "mjpeg", AV_PIX_FMT_YUVJ422P, AVCOL_RANGE_JPEG, 3},
      {"e.webm", "libvpx-vp9", AV_PIX_FMT_YUV420P, AVCOL_RANGE_MPEG, 0},
      {"f.mkv", "ffv1", AV_PIX_FMT_BGR0, AVCOL_RANGE_UNSPECIFIED, 0},
  };
  int read = 0;

  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    const char* path = path_of(all[i].name);
    loomFilm film;
    if (!encode(path, &all[i], 25, FRAMES)) continue;
    read_file(&film, path, false);
    if (film.frames != FRAMES || film.width != WIDTH || film.height != HEIGHT || fabs(film.fps - 25) > 0.01)
      fail_msg("%s: %d frames of %d x %d, %g a second", path, film.frames, film.width, film.height, film.fps);
    if (error_of(&film) > 4) fail_msg("%s: off by %g", path, error_of(&film));
    loom_film_destroy(&film);
    unlink(path);
    read++;
  }
  assert_true(read >= 3);
}

// Of this house.
static void write_video(const char* path, int width, int height, int frames) {
  loomVideo* video;
  loomImage image;
  assert_int_equal(loom_image_create(&image, width, height, NULL), 0);
  assert_int_equal(loom_video_create(&video, path, &(loomVideoDef){width, height, 20, 0}, NULL), 0);

  for (int i = 0; i < frames; i++) {
    paint(image.rgb, width, height, i);
    assert_int_equal(loom_video_add(video, &image, NULL), 0);
  }
  assert_int_equal(loom_video_finish(video, NULL), 0);
  loom_video_destroy(video);
  loom_image_destroy(&image);
}

static void refuse(const char* path, const void* bytes, size_t n, bool pictures, const char* why) {
  loomFilm film;
  loomError err = {0, ""};
  int code = read_bytes(&film, path, bytes, n, pictures, &err);
  if (!code) fail_msg("%s: read, %d frames", path, film.frames);
  if (strncmp(err.message, path, strlen(path)) != 0 || !strstr(err.message, why) || strchr(err.message, '\n'))
    fail_msg("%s, where '%s' was awaited", err.message, why);
  assert_null(film.rgb);
}

static void a_film_cut_short(void** state) {
  (void)state;
  static const recipe late = {"l.mp4", "mpeg4", AV_PIX_FMT_YUV420P, AVCOL_RANGE_MPEG, 3};
  const char* path[] = {path_of("a.mp4"), path_of("l.mp4")};
  write_video(path[0], WIDTH, HEIGHT, FRAMES);      // its list of frames comes first
  assert_true(encode(path[1], &late, 25, FRAMES));  // or last
  for (int i = 0; i < 2; i++) {
    size_t n;
    char* bytes = slurp(path[i], &n);
    for (int k = 0; k < 16; k++) refuse(path[i], bytes, n * (size_t)k / 16, false, k ? "" : "is empty");
    if (!i) refuse(path[i], bytes, n - 40, false, "cut short");
    free(bytes);
    unlink(path[i]);
  }
}

// Frames from some time on are those of the whole film, whether any frame can be begun with or few.
static void a_part_of_a_film(void** state) {
  (void)state;
  static const recipe all[] = {{"p.mp4", "libx264", AV_PIX_FMT_YUV420P, AVCOL_RANGE_MPEG, 0},
                               {"q.avi", "mpeg4", AV_PIX_FMT_YUV420P, AVCOL_RANGE_MPEG, 3}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    const char* path = path_of(all[i].name);
    loomFilm whole, part;
    loomError err = {0, ""};
    size_t n, frame = (size_t)SIDE * SIDE * 3;
    if (!encode(path, &all[i], 25, FRAMES)) continue;
    read_file(&whole, path, false);
    char* bytes = slurp(path, &n);
    loomFilmFile file = {path, bytes, n};

    for (int first = 0; first < FRAMES; first++) {
      loomFilmDef def = {.what = path, .width = SIDE, .height = SIDE, .begin = first / 25.0};
      def.frames = first % 3 + 1 < FRAMES - first ? first % 3 + 1 : FRAMES - first;
      if (loom_film_read(&part, &file, 1, &def, &err)) fail_msg("%s", err.message);
      assert_int_equal(part.frames, def.frames);
      assert_memory_equal(part.rgb, whole.rgb + (size_t)first * frame, (size_t)def.frames * frame);
      loom_film_destroy(&part);
    }

    // One more than there are.
    loomFilmDef def = {
        .what = path, .width = SIDE, .height = SIDE, .begin = (FRAMES - 2) / 25.0, .frames = 3};
    assert_int_equal(loom_film_read(&part, &file, 1, &def, &err), LOOM_ERR_FORMAT);
    assert_non_null(strstr(err.message, "ends 2 frames after"));
    loom_film_destroy(&whole);
    free(bytes);
    unlink(path);
  }
}

static void no_film(void** state) {
  (void)state;
  static const char list[] =
      "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n";
  static const char script[] = "ffconcat version 1.0\nfile /etc/passwd\n";
  static const char text[] = "It was a dark and stormy night; the rain fell in torrents.\n";
  static const unsigned char zeros[4096];
  refuse("list.m3u8", list, sizeof list - 1, false, "no film");
  refuse("script.mp4", script, sizeof script - 1, false, "no film");
  refuse("text.mp4", text, sizeof text - 1, false, "no film");
  refuse("zeros.mp4", zeros, sizeof zeros, false, "no film");
  refuse("text.png", text, sizeof text - 1, true, "neither a PNG nor a JPEG");
}

// Any number of bytes wrong: read, or refused by name; never more than that.
static void damaged_films(void** state) {
  (void)state;
  const char* path = path_of("a.mp4");
  size_t n;
  write_video(path, WIDTH, HEIGHT, FRAMES);

  char* bytes = slurp(path, &n);
  unlink(path);

  for (unsigned i = 0; i < 60; i++) {
    char* copy = malloc(n);
    loomFilm film;
    loomError err = {0, ""};
    memcpy(copy, bytes, n);
    for (unsigned k = 0; k <= i % 8; k++)
      copy[(i * 7919u + k * 104729u) % n] ^= (char)(1 + (i * 31 + k * 7) % 255);
    if (read_bytes(&film, path, copy, n, false, &err)) assert_true(!strncmp(err.message, path, strlen(path)));
    loom_film_destroy(&film);
    free(copy);
  }
  free(bytes);
}

static void pictures(void** state) {
  (void)state;
  static const recipe jpeg = {"b.jpg", "mjpeg", AV_PIX_FMT_YUVJ444P, AVCOL_RANGE_JPEG, 2};
  const char *png = path_of("a.png"), *jpg = path_of("b.jpg");
  loomImage image;
  loomFilm film;
  size_t n, m;
  assert_int_equal(loom_image_create(&image, WIDTH, HEIGHT, NULL), 0);
  paint(image.rgb, WIDTH, HEIGHT, 0);
  assert_int_equal(loom_image_write_png(&image, png, NULL), 0);
  loom_image_destroy(&image);
  assert_true(encode(jpg, &jpeg, 25, 1));

  read_file(&film, png, true);
  assert_true(film.frames == 1 && film.width == WIDTH && film.fps == 0 && error_of(&film) < 0.6);
  loom_film_destroy(&film);
  read_file(&film, jpg, true);
  assert_true(film.frames == 1 && film.height == HEIGHT && error_of(&film) < 3);
  loom_film_destroy(&film);

  // Each alone may be cut short, or be a film; together they must be of one size.
  char *first = slurp(png, &n), *second = slurp(jpg, &m);

  for (int k = 1; k < 8; k++) {
    refuse(png, first, n * (size_t)k / 8, true, "");
    refuse(jpg, second, m * (size_t)k / 8, true, "");
  }
  refuse(png, first, n, false, "no film");
  const loomFilmFile both[] = {{png, first, n}, {jpg, second, m}};
  const loomFilmDef def = {.what = dir, .pictures = true, .width = SIDE, .height = SIDE};
  assert_int_equal(loom_film_read(&film, both, 2, &def, NULL), 0);
  assert_int_equal(film.frames, 2);
  loom_film_destroy(&film);
  free(first);
  free(second);
  unlink(png);
  unlink(jpg);
}

static void pictures_of_two_sizes(void** state) {
  (void)state;
  const char* path[] = {path_of("a.png"), path_of("b.png")};
  loomFilmFile file[2];
  loomFilm film;
  loomError err = {0, ""};

  for (int i = 0; i < 2; i++) {
    loomImage image;
    assert_int_equal(loom_image_create(&image, 20 + i, 20, NULL), 0);
    assert_int_equal(loom_image_write_png(&image, path[i], NULL), 0);
    loom_image_destroy(&image);
    file[i].path = path[i];
    file[i].bytes = slurp(path[i], &file[i].n);
    unlink(path[i]);
  }
  const loomFilmDef def = {.what = dir, .pictures = true, .width = SIDE, .height = SIDE};
  assert_int_equal(loom_film_read(&film, file, 2, &def, &err), LOOM_ERR_FORMAT);
  assert_non_null(strstr(err.message, "b.png: has 21 x 20 pixels, where what comes before has 20 x 20"));

  for (int i = 0; i < 2; i++) free((void*)file[i].bytes);
}

static bool at_once(void* user, double seconds) {
  (void)user, (void)seconds;
  return true;
}

static void it_can_be_stopped(void** state) {
  (void)state;
  const char* path = path_of("a.mp4");
  loomFilm film;
  size_t n;
  write_video(path, WIDTH, HEIGHT, FRAMES);
  char* bytes = slurp(path, &n);
  const loomFilmFile file = {path, bytes, n};
  const loomFilmDef def = {.what = path, .width = SIDE, .height = SIDE, .wait = at_once};
  assert_int_equal(loom_film_read(&film, &file, 1, &def, NULL), LOOM_ERR_INTERRUPTED);
  free(bytes);
  unlink(path);
}

int main(void) {
  av_log_set_level(AV_LOG_QUIET);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(films_of_all_kinds),    cmocka_unit_test(a_film_cut_short),
      cmocka_unit_test(a_part_of_a_film),      cmocka_unit_test(no_film),
      cmocka_unit_test(damaged_films),         cmocka_unit_test(pictures),
      cmocka_unit_test(pictures_of_two_sizes), cmocka_unit_test(it_can_be_stopped)};

  return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
