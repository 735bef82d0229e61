#include "engine/draw/video.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/draw/libav.h"

struct loomVideoPart {
  const loomVideo* video;
  AVCodecContext* codec;
  struct SwsContext* scale;
  AVFrame* frame;
  int count, capacity;
  AVPacket** packet;  // (count) in the order they are written, times from the part's begin
};

struct loomVideo {
  char path[LOOM_PATH_MAX];
  loomFile file;     // until it is finished
  loomVideoDef def;  // as given
  AVFormatContext* format;
  AVStream* stream;
  loomVideoPart* own;  // of loom_video_add; its encoder tells the file's format
  int64_t frames;      // of the parts so far
  int64_t packets;     // written
  int64_t bytes;       // of these
};

// libav's own words for an error of a given call.
static int av_error(const loomVideo* v, int code, const char* what, loomError* err) {
  char text[AV_ERROR_MAX_STRING_SIZE] = "";
  if (code == AVERROR(ENOMEM)) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", v->path);
  loom_libav.av_strerror(code, text, sizeof text);
  return loom_error_set(err, LOOM_ERR_IO, "%s: cannot %s: %s", v->path, what, text);
}

// ---- parts

// libx264 164 does not always give the same bytes with it.
static bool has_avx512(void) {
#ifdef __x86_64__
  return __builtin_cpu_supports("avx512f");
#else
  return false;
#endif
}

static int open_encoder(loomVideoPart* part, loomError* err) {
  const loomVideoDef* def = &part->video->def;
  static const char* const names[] = {"libx264", "libopenh264", "mpeg4"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    // The best that is there: H.264, else MPEG-4.
    const AVCodec* encoder = loom_libav.avcodec_find_encoder_by_name(names[i]);
    AVCodecContext* c = encoder ? loom_libav.avcodec_alloc_context3(encoder) : NULL;
    if (!c) continue;

    c->width = def->width & ~1;
    c->height = def->height & ~1;
    c->pix_fmt = AV_PIX_FMT_YUV420P;

    c->framerate = loom_libav.av_d2q(def->fps, 60000);  // MPEG-4 counts in at most 1/65535 s
    c->time_base = av_inv_q(c->framerate);

    c->color_range = AVCOL_RANGE_MPEG;
    c->colorspace = AVCOL_SPC_SMPTE170M;  // what libswscale makes of RGB
    c->thread_count = 1;                  // parts have their own; and one thread always gives the same bytes

    if (def->gop > 0) {
      c->gop_size = def->gop;
      c->max_b_frames = 0;
    }

    // Bits a pixel for encoders that take no measure of quality.
    c->bit_rate = (int64_t)(0.15 * c->width * c->height * def->fps);
    c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_BITEXACT;
    if (!strcmp(names[i], "libx264")) {
      c->bit_rate = 0;  // quality decides
      loom_libav.av_opt_set(c->priv_data, "crf", "20", 0);
      if (has_avx512()) loom_libav.av_opt_set(c->priv_data, "x264-params", "asm=AVX2", 0);
    }

    part->codec = c;
    if (!loom_libav.avcodec_open2(c, encoder, NULL)) return 0;
    loom_libav.avcodec_free_context(&part->codec);
  }
  return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                        "%s: libavcodec has no encoder for H.264 or MPEG-4 here; install libavcodec59 or "
                        "libavcodec-extra",
                        part->video->path);
}

static int open_frame(loomVideoPart* v, loomError* err) {
  v->frame = loom_libav.av_frame_alloc();
  v->scale = loom_libav.sws_getContext(v->codec->width, v->codec->height, AV_PIX_FMT_RGB24, v->codec->width,
                                       v->codec->height, AV_PIX_FMT_YUV420P, SWS_BICUBIC | SWS_ACCURATE_RND,
                                       NULL, NULL, NULL);
  if (!v->frame || !v->scale) return av_error(v->video, AVERROR(ENOMEM), "", err);

  v->frame->format = AV_PIX_FMT_YUV420P;
  v->frame->width = v->codec->width;
  v->frame->height = v->codec->height;
  v->frame->pts = -1;

  int code = loom_libav.av_frame_get_buffer(v->frame, 0);
  return code < 0 ? av_error(v->video, code, "make frames", err) : 0;
}

int loom_video_part_create(loomVideoPart** out, const loomVideo* video, loomError* err) {
  loomVideoPart* part = *out = calloc(1, sizeof *part);
  if (!part) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a video");

  part->video = video;
  int code = open_encoder(part, err);
  if (!code) code = open_frame(part, err);
  if (!code) return 0;

  loom_video_part_destroy(part);
  *out = NULL;
  return code;
}

static void free_packets(loomVideoPart* part) {
  for (int i = 0; i < part->count; i++) loom_libav.av_packet_free(&part->packet[i]);
  part->count = 0;
}

void loom_video_part_destroy(loomVideoPart* part) {
  if (!part) return;
  free_packets(part);
  free(part->packet);
  loom_libav.avcodec_free_context(&part->codec);
  loom_libav.sws_freeContext(part->scale);
  loom_libav.av_frame_free(&part->frame);
  free(part);
}

static AVPacket* next_packet(loomVideoPart* part) {
  if (part->count == part->capacity) {
    int capacity = 2 * part->capacity + 16;
    AVPacket** more = realloc(part->packet, (size_t)capacity * sizeof(struct AVPacket*));
    if (!more) return NULL;
    part->packet = more;
    part->capacity = capacity;
  }
  return loom_libav.av_packet_alloc();
}

// frame NULL: what the encoder still holds back.
static int encode(loomVideoPart* part, const AVFrame* frame, loomError* err) {
  int code = loom_libav.avcodec_send_frame(part->codec, frame);
  while (code >= 0) {
    AVPacket* packet = next_packet(part);
    if (!packet) return av_error(part->video, AVERROR(ENOMEM), "", err);
    code = loom_libav.avcodec_receive_packet(part->codec, packet);
    if (code < 0) loom_libav.av_packet_free(&packet);
    if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return 0;
    if (code >= 0) part->packet[part->count++] = packet;
  }
  return av_error(part->video, code, "encode it", err);
}

int loom_video_part_add(loomVideoPart* part, const loomImage* image, loomError* err) {
  const loomVideo* v = part->video;
  if (image->width != v->def.width || image->height != v->def.height)
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: a frame has another size than the video", v->path);

  const uint8_t* rows[1] = {image->rgb};
  int stride[1] = {3 * image->width};
  int code = loom_libav.av_frame_make_writable(part->frame);
  if (code < 0) return av_error(v, code, "make frames", err);

  loom_libav.sws_scale(part->scale, rows, stride, 0, part->frame->height, part->frame->data,
                       part->frame->linesize);
  part->frame->pts++;
  return encode(part, part->frame, err);
}

int loom_video_part_end(loomVideoPart* part, loomError* err) {
  return encode(part, NULL, err);
}

// ---- the file

static int open_file(loomVideo* v, loomError* err) {
  AVDictionary* options = NULL;
  int code = loom_file_begin(&v->file, v->path, err);
  if (code) return code;
  code = loom_libav.avformat_alloc_output_context2(&v->format, NULL, "mp4", v->file.temporary);
  if (code < 0) return av_error(v, code, "begin an MP4 file", err);

  v->stream = loom_libav.avformat_new_stream(v->format, NULL);
  if (!v->stream) return av_error(v, AVERROR(ENOMEM), "", err);

  v->stream->time_base = v->own->codec->time_base;
  v->stream->avg_frame_rate = v->own->codec->framerate;
  v->format->flags |= AVFMT_FLAG_BITEXACT;

  code = loom_libav.avcodec_parameters_from_context(v->stream->codecpar, v->own->codec);
  if (code >= 0) code = loom_libav.avio_open(&v->format->pb, v->file.temporary, AVIO_FLAG_WRITE);
  if (code >= 0) {
    loom_libav.av_dict_set(&options, "movflags", "+faststart",
                           0);  // plays in a browser before all of it is there
    code = loom_libav.avformat_write_header(v->format, &options);
    loom_libav.av_dict_free(&options);
  }
  return code < 0 ? av_error(v, code, "write it", err) : 0;
}

int loom_video_create(loomVideo** out, const char* path, const loomVideoDef* def, loomError* err) {
  *out = NULL;
  if (def->width < 16 || def->height < 16 || def->width > 16384 || def->height > 16384)
    return loom_error_set(err, LOOM_ERR_USAGE, "a video of %d x %d pixels", def->width, def->height);
  if (!(def->fps >= 0.01 && def->fps <= 1000))
    return loom_error_set(err, LOOM_ERR_USAGE, "a video of %g frames a second", def->fps);
  if (strlen(path) >= sizeof(((loomVideo*)0)->path))
    return loom_error_set(err, LOOM_ERR_USAGE, "%.200s: path too long", path);

  int code = loom_libav_open(err);
  if (code) return code;
  loomVideo* v = calloc(1, sizeof *v);
  if (!v) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a video");

  loom_libav.av_log_set_level(AV_LOG_QUIET);  // what matters comes back as an error
  snprintf(v->path, sizeof v->path, "%s", path);
  v->def = *def;

  code = loom_video_part_create(&v->own, v, err);
  if (!code) code = open_file(v, err);
  if (code) {
    loom_video_destroy(v);
    return code;
  }
  *out = v;
  return 0;
}

// Packets of a part, whose first frame is the file's frame `begin`.
static int write_packets(loomVideo* v, const loomVideoPart* part, int64_t begin, loomError* err) {
  int code = 0;
  for (int i = 0; code >= 0 && i < part->count; i++) {
    AVPacket* packet = loom_libav.av_packet_clone(part->packet[i]);
    if (!packet) return av_error(v, AVERROR(ENOMEM), "", err);

    packet->duration = 1;
    v->bytes += packet->size;
    packet->pts += begin;
    // Each is decoded a frame's time after the one before it; encoders know less where a part is short.
    packet->dts = v->packets++ - part->codec->has_b_frames;

    loom_libav.av_packet_rescale_ts(packet, part->codec->time_base, v->stream->time_base);
    code = loom_libav.av_interleaved_write_frame(v->format, packet);
    if (code >= 0) code = v->format->pb->error;
    loom_libav.av_packet_free(&packet);
  }
  return code < 0 ? av_error(v, code, "write it (is the disk full?)", err) : 0;
}

int loom_video_append(loomVideo* v, const loomVideoPart* part, loomError* err) {
  int code = write_packets(v, part, v->frames, err);
  v->frames += part->frame->pts + 1;
  return code;
}

static int write_own(loomVideo* v, loomError* err) {
  int code = write_packets(v, v->own, v->frames, err);
  free_packets(v->own);
  return code;
}

int loom_video_add(loomVideo* v, const loomImage* image, loomError* err) {
  int code = loom_video_part_add(v->own, image, err);
  return code ? code : write_own(v, err);
}

int64_t loom_video_frames(const loomVideo* v) {
  return v->frames;
}

int64_t loom_video_bytes(const loomVideo* v) {
  return v->bytes;
}

int loom_video_finish(loomVideo* v, loomError* err) {
  bool added = v->own->frame->pts >= 0;
  if (!added && !v->frames) return loom_error_set(err, LOOM_ERR_USAGE, "%s: a video without frames", v->path);
  int code = added ? loom_video_part_end(v->own, err) : 0;
  if (!code) code = write_own(v, err);
  if (code) return code;

  code = loom_libav.av_write_trailer(v->format);
  if (code >= 0) code = v->format->pb->error;
  int closed = loom_libav.avio_closep(&v->format->pb);
  if (code >= 0) code = closed;
  if (code < 0) return av_error(v, code, "write it (is the disk full?)", err);
  return loom_file_commit(&v->file, err);
}

void loom_video_destroy(loomVideo* v) {
  if (!v) return;
  if (v->format) loom_libav.avio_closep(&v->format->pb);
  loom_libav.avformat_free_context(v->format);
  loom_video_part_destroy(v->own);
  loom_file_abort(&v->file);
  free(v);
}

const char* loom_video_encoder(const loomVideo* v) {
  return v->own->codec->codec->name;
}
