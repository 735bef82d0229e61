// Videos: what was written comes back through libav's own decoder; what cannot be written leaves nothing.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <stdbool.h>

#include <dirent.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswscale/swscale.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "engine/draw/video.h"

static char dir[64];

static int make_dir(void** state) {
  (void)state;
  snprintf(dir, sizeof dir, "/tmp/loom_video_XXXXXX");
  return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void** state) {
  (void)state;
  return rmdir(dir);  // fails when a test left something behind
}

static void path_of(char out[128], const char* name) {
  snprintf(out, 128, "%s/%s", dir, name);
}

static int files_in_dir(void) {
  DIR* d = opendir(dir);
  int n = 0;
  assert_non_null(d);
  for (struct dirent* entry; (entry = readdir(d));) n += entry->d_name[0] != '.';
  closedir(d);
  return n;
}

// Frame i: the left half red, the right half blue, and a green bar that grows downwards.
static void paint(loomImage* image, int i) {
  for (int y = 0; y < image->height; y++) {
    for (int x = 0; x < image->width; x++) {
      unsigned char* p = image->rgb + 3 * ((size_t)y * (size_t)image->width + (size_t)x);

      bool bar = y < 8 * i;
      p[0] = !bar && x < image->width / 2 ? 220 : 20;
      p[1] = bar ? 220 : 20;
      p[2] = !bar && x >= image->width / 2 ? 220 : 20;
    }
  }
}

static int write_film(const char* path, const loomVideoDef* def, int frames, loomError* err) {
  loomVideo* video;
  loomImage image;

  assert_int_equal(loom_image_create(&image, def->width, def->height, err), 0);
  int code = loom_video_create(&video, path, def, err);

  // Frames one after another.
  for (int i = 0; !code && i < frames; i++) {
    paint(&image, i);
    code = loom_video_add(video, &image, err);
  }
  if (!code) code = loom_video_finish(video, err);

  loom_video_destroy(video);
  loom_image_destroy(&image);
  return code;
}

static int write_video(const char* path, int width, int height, double fps, int frames, loomError* err) {
  return write_film(path, &(loomVideoDef){width, height, fps, 0}, frames, err);
}

typedef struct decoded {
  int frames, width, height, wrong;
  double fps;
} decoded;

static bool near(const unsigned char* p, int r, int g, int b) {
  return abs(p[0] - r) < 30 && abs(p[1] - g) < 30 && abs(p[2] - b) < 30;
}

// Look at points well inside the three areas.
static void check_frame(decoded* out, const AVFrame* frame) {
  struct SwsContext* scale = sws_getContext(frame->width, frame->height, frame->format, frame->width,
                                            frame->height, AV_PIX_FMT_RGB24, SWS_BICUBIC, NULL, NULL, NULL);
  int stride[1] = {3 * frame->width}, bar = 8 * out->frames;
  unsigned char* rgb = malloc((size_t)stride[0] * (size_t)frame->height);
  assert_non_null(scale);
  assert_non_null(rgb);

  // Back to RGB.
  sws_scale(scale, (const uint8_t* const*)frame->data, frame->linesize, 0, frame->height, &rgb, stride);
  const unsigned char* low = rgb + (size_t)stride[0] * (size_t)(frame->height - 4);

  // Red below left, blue below right, green in the bar.
  out->wrong += !near(low + (size_t)3 * (size_t)(frame->width / 4), 220, 20, 20);
  out->wrong += !near(low + (size_t)3 * (size_t)(3 * frame->width / 4), 20, 20, 220);
  if (bar) out->wrong += !near(rgb + (size_t)stride[0] * (size_t)(bar - 4) + (size_t)3 * 10, 20, 220, 20);

  out->frames++;
  out->width = frame->width;
  out->height = frame->height;
  free(rgb);
  sws_freeContext(scale);
}

static void decode(decoded* out, const char* path) {
  AVFormatContext* format = NULL;
  memset(out, 0, sizeof *out);

  // One stream in the file.
  assert_int_equal(avformat_open_input(&format, path, NULL, NULL), 0);
  assert_true(avformat_find_stream_info(format, NULL) >= 0);
  assert_int_equal(format->nb_streams, 1);

  // Libav's decoder for it.
  const AVCodecParameters* parameters = format->streams[0]->codecpar;
  AVCodecContext* codec = avcodec_alloc_context3(avcodec_find_decoder(parameters->codec_id));
  avcodec_parameters_to_context(codec, parameters);
  assert_int_equal(avcodec_open2(codec, codec->codec, NULL), 0);
  AVPacket* packet = av_packet_alloc();
  AVFrame* frame = av_frame_alloc();

  // Packet by packet; none at the end drains the decoder.
  for (bool more = true; more;) {
    more = av_read_frame(format, packet) >= 0;
    assert_true(avcodec_send_packet(codec, more ? packet : NULL) >= 0);
    while (avcodec_receive_frame(codec, frame) >= 0) check_frame(out, frame);
    av_packet_unref(packet);
  }

  // What the file says of its speed.
  out->fps = av_q2d(format->streams[0]->avg_frame_rate);

  av_frame_free(&frame);
  av_packet_free(&packet);
  avcodec_free_context(&codec);
  avformat_close_input(&format);
}

// Where one can begin to look, and in which order frames lie.
static void single_frames_can_be_picked(void** state) {
  (void)state;
  enum { FRAMES = 25 };
  static const int gops[] = {1, 2, 5};
  char path[128];
  path_of(path, "g.mp4");
  for (size_t i = 0; i < sizeof gops / sizeof *gops; i++) {
    AVFormatContext* format = NULL;
    AVPacket* packet = av_packet_alloc();
    loomError err = {0, ""};
    if (write_film(path, &(loomVideoDef){64, 96, 20, gops[i]}, FRAMES, &err)) fail_msg("%s", err.message);
    assert_int_equal(avformat_open_input(&format, path, NULL, NULL), 0);

    int n = 0, since = 0;
    for (; av_read_frame(format, packet) >= 0; n++) {
      assert_true(packet->pts == packet->dts);
      assert_true(fabs((double)packet->pts * av_q2d(format->streams[0]->time_base) - n / 20.0) < 1e-6);
      since = packet->flags & AV_PKT_FLAG_KEY ? 0 : since + 1;
      assert_true(since < gops[i]);
      av_packet_unref(packet);
    }
    assert_int_equal(n, FRAMES);
    av_packet_free(&packet);
    avformat_close_input(&format);
    unlink(path);
  }
}

static void frames_come_back(void** state) {
  (void)state;
  static const struct {
    int width, height, frames;
    double fps;
  } videos[] = {{64, 96, 9, 20}, {65, 97, 5, 12.5}, {320, 240, 1, 30}, {128, 240, 23, 59.94}};
  char path[128];
  path_of(path, "a.mp4");

  // Sizes odd and even, one frame and several, whole and broken rates.
  for (size_t i = 0; i < sizeof videos / sizeof *videos; i++) {
    loomError err = {0, ""};
    decoded d;
    if (write_video(path, videos[i].width, videos[i].height, videos[i].fps, videos[i].frames, &err))
      fail_msg("%s", err.message);

    // Sizes are rounded down to even ones.
    decode(&d, path);
    assert_int_equal(d.frames, videos[i].frames);
    assert_int_equal(d.width, videos[i].width & ~1);
    assert_int_equal(d.height, videos[i].height & ~1);
    assert_int_equal(d.wrong, 0);
    if (d.frames > 1) assert_true(fabs(d.fps - videos[i].fps) < 0.01);

    // No temporary file is left.
    assert_int_equal(files_in_dir(), 1);
  }
  unlink(path);
}

static size_t read_file(const char* path, char* bytes, size_t most) {
  FILE* f = fopen(path, "rb");
  assert_non_null(f);
  size_t n = fread(bytes, 1, most, f);
  fclose(f);
  return n;
}

static void the_same_frames_give_the_same_bytes(void** state) {
  (void)state;
  char path[2][128], bytes[2][65536];
  size_t n[2];
  for (int i = 0; i < 2; i++) {
    loomError err = {0, ""};
    path_of(path[i], i ? "b.mp4" : "a.mp4");
    if (write_video(path[i], 64, 96, 20, 9, &err)) fail_msg("%s", err.message);
    n[i] = read_file(path[i], bytes[i], sizeof bytes[i]);
    unlink(path[i]);
  }

  // Something was written, and the buffer held all of it.
  assert_true(n[0] > 500 && n[0] < sizeof bytes[0]);
  assert_int_equal(n[0], n[1]);
  assert_memory_equal(bytes[0], bytes[1], n[0]);
}

// Parts made in any order come out in the order in which they are appended, with no frame lost or moved.
static void parts_are_joined(void** state) {
  (void)state;
  static const int begin[] = {0, 12, 13, 23};
  char path[128], bytes[2][65536];
  size_t n[2];
  path_of(path, "a.mp4");

  // Forward, then backward.
  for (int backwards = 0; backwards < 2; backwards++) {
    loomError err = {0, ""};
    loomVideo* video;
    loomVideoPart* part[3];
    loomImage image;
    decoded d;

    assert_int_equal(loom_image_create(&image, 128, 240, &err), 0);
    assert_int_equal(loom_video_create(&video, path, &(loomVideoDef){128, 240, 25, 0}, &err), 0);

    // Each part encodes its own frames.
    for (int k = 0; k < 3; k++) {
      int i = backwards ? 2 - k : k;
      assert_int_equal(loom_video_part_create(&part[i], video, &err), 0);
      for (int f = begin[i]; f < begin[i + 1]; f++) {
        paint(&image, f);
        assert_int_equal(loom_video_part_add(part[i], &image, &err), 0);
      }
      assert_int_equal(loom_video_part_end(part[i], &err), 0);
    }

    // Appended in order.
    for (int i = 0; i < 3; i++) {
      if (loom_video_append(video, part[i], &err)) fail_msg("%s", err.message);
      loom_video_part_destroy(part[i]);
    }
    if (loom_video_finish(video, &err)) fail_msg("%s", err.message);
    loom_video_destroy(video);
    loom_image_destroy(&image);

    // Every frame is there, and where it belongs.
    decode(&d, path);
    assert_int_equal(d.frames, 23);
    assert_int_equal(d.wrong, 0);
    assert_true(fabs(d.fps - 25) < 0.01);
    n[backwards] = read_file(path, bytes[backwards], sizeof *bytes);
    unlink(path);
  }

  // The order of making left no trace.
  assert_int_equal(n[0], n[1]);
  assert_memory_equal(bytes[0], bytes[1], n[0]);
}

static void what_cannot_be_written_is_told(void** state) {
  (void)state;
  loomError err = {0, ""};
  char path[128];
  assert_int_equal(write_video("/nonexistent/a.mp4", 64, 96, 20, 1, &err), LOOM_ERR_IO);
  assert_non_null(strstr(err.message, "/nonexistent/a.mp4"));
  assert_non_null(strstr(err.message, "No such file"));

  // No frame, no rate, too small.
  path_of(path, "a.mp4");
  assert_int_equal(write_video(path, 64, 96, 20, 0, &err), LOOM_ERR_USAGE);
  assert_int_equal(write_video(path, 64, 96, 0, 1, &err), LOOM_ERR_USAGE);
  assert_int_equal(write_video(path, 8, 96, 20, 1, &err), LOOM_ERR_USAGE);
  assert_int_equal(files_in_dir(), 0);

  // A frame of another size.

  loomVideo* video;
  loomImage image;
  assert_int_equal(loom_image_create(&image, 66, 96, &err), 0);
  assert_int_equal(loom_video_create(&video, path, &(loomVideoDef){64, 96, 20, 0}, &err), 0);
  assert_int_equal(loom_video_add(video, &image, &err), LOOM_ERR_USAGE);
  loom_video_destroy(video);  // given up half-way
  loom_image_destroy(&image);
  assert_int_equal(files_in_dir(), 0);
}

// A limit on the size of files stands for a full disk.
static void a_full_disk_is_told(void** state) {
  (void)state;
  struct rlimit before, small;
  char path[128];
  loomError err = {0, ""};

  // Room for less than the video needs.
  path_of(path, "a.mp4");
  signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
  small = before;
  small.rlim_cur = 1000;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);

  // It fails, says so, and leaves nothing.
  int code = write_video(path, 320, 240, 20, 40, &err);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
  assert_int_equal(code, LOOM_ERR_IO);
  assert_non_null(strstr(err.message, "disk full"));
  assert_int_equal(files_in_dir(), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(frames_come_back),
                                     cmocka_unit_test(single_frames_can_be_picked),
                                     cmocka_unit_test(the_same_frames_give_the_same_bytes),
                                     cmocka_unit_test(parts_are_joined),
                                     cmocka_unit_test(what_cannot_be_written_is_told),
                                     cmocka_unit_test(a_full_disk_is_told)};
  return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
