#include "engine/video.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct loomVideo {
  char path[1024], partial[1040];
  int width, height;  // as given
  AVFormatContext* format;
  AVStream* stream;
  AVCodecContext* codec;
  struct SwsContext* scale;
  AVFrame* frame;
  AVPacket* packet;
  bool created;  // PATH.tmp is there, and ours
};

// libav's own words for an error of a given call.
static int av_error(const loomVideo* v, int code, const char* what, loomError* err) {
  char text[AV_ERROR_MAX_STRING_SIZE] = "";
  if (code == AVERROR(ENOMEM)) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", v->path);
  av_strerror(code, text, sizeof text);
  return loom_error_set(err, LOOM_ERR_IO, "%s: cannot %s: %s", v->path, what, text);
}

static int open_encoder(loomVideo* v, const loomVideoDef* def, loomError* err) {
  static const char* const names[] = {"libx264", "libopenh264", "mpeg4"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const AVCodec* encoder = avcodec_find_encoder_by_name(names[i]);
    AVCodecContext* c = encoder ? avcodec_alloc_context3(encoder) : NULL;
    if (!c) continue;
    c->width = def->width & ~1;
    c->height = def->height & ~1;
    c->pix_fmt = AV_PIX_FMT_YUV420P;
    c->framerate = av_d2q(def->fps, 60000);  // MPEG-4 counts in at most 1/65535 s
    c->time_base = av_inv_q(c->framerate);
    c->color_range = AVCOL_RANGE_MPEG;
    c->colorspace = AVCOL_SPC_SMPTE170M;  // what libswscale makes of RGB
    c->thread_count = 1;                  // drawing takes longer; and one thread always gives the same bytes
    c->bit_rate = (int64_t)(0.15 * c->width * c->height * def->fps);
    c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_BITEXACT;
    if (!strcmp(names[i], "libx264")) {
      c->bit_rate = 0;  // quality decides
      av_opt_set(c->priv_data, "crf", "20", 0);
    }
    v->codec = c;
    if (!avcodec_open2(c, encoder, NULL)) return 0;
    avcodec_free_context(&v->codec);
  }
  return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                        "%s: libavcodec has no encoder for H.264 or MPEG-4 here; install libavcodec59 or "
                        "libavcodec-extra",
                        v->path);
}

static int open_frame(loomVideo* v, loomError* err) {
  v->frame = av_frame_alloc();
  v->packet = av_packet_alloc();
  v->scale =
      sws_getContext(v->codec->width, v->codec->height, AV_PIX_FMT_RGB24, v->codec->width, v->codec->height,
                     AV_PIX_FMT_YUV420P, SWS_BICUBIC | SWS_ACCURATE_RND, NULL, NULL, NULL);
  if (!v->frame || !v->packet || !v->scale) return av_error(v, AVERROR(ENOMEM), "", err);
  v->frame->format = AV_PIX_FMT_YUV420P;
  v->frame->width = v->codec->width;
  v->frame->height = v->codec->height;
  v->frame->pts = -1;
  int code = av_frame_get_buffer(v->frame, 0);
  return code < 0 ? av_error(v, code, "make frames", err) : 0;
}

static int open_file(loomVideo* v, loomError* err) {
  AVDictionary* options = NULL;
  int code = avformat_alloc_output_context2(&v->format, NULL, "mp4", v->partial);
  if (code < 0) return av_error(v, code, "begin an MP4 file", err);
  v->stream = avformat_new_stream(v->format, NULL);
  if (!v->stream) return av_error(v, AVERROR(ENOMEM), "", err);
  v->stream->time_base = v->codec->time_base;
  v->stream->avg_frame_rate = v->codec->framerate;
  v->format->flags |= AVFMT_FLAG_BITEXACT;
  code = avcodec_parameters_from_context(v->stream->codecpar, v->codec);
  if (code >= 0) code = avio_open(&v->format->pb, v->partial, AVIO_FLAG_WRITE);
  v->created = code >= 0;
  if (code >= 0) {
    av_dict_set(&options, "movflags", "+faststart", 0);  // plays in a browser before all of it is there
    code = avformat_write_header(v->format, &options);
    av_dict_free(&options);
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
  loomVideo* v = calloc(1, sizeof *v);
  if (!v) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a video");
  av_log_set_level(AV_LOG_QUIET);  // what matters comes back as an error
  snprintf(v->path, sizeof v->path, "%s", path);
  snprintf(v->partial, sizeof v->partial, "%s.tmp", path);
  v->width = def->width;
  v->height = def->height;
  int code = open_encoder(v, def, err);
  if (!code) code = open_frame(v, err);
  if (!code) code = open_file(v, err);
  if (code) {
    loom_video_destroy(v);
    return code;
  }
  *out = v;
  return 0;
}

// frame NULL: what the encoder still holds back.
static int encode(loomVideo* v, const AVFrame* frame, loomError* err) {
  int code = avcodec_send_frame(v->codec, frame);
  while (code >= 0) {
    code = avcodec_receive_packet(v->codec, v->packet);
    if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return 0;
    if (code < 0) break;
    v->packet->duration = 1;
    av_packet_rescale_ts(v->packet, v->codec->time_base, v->stream->time_base);
    code = av_interleaved_write_frame(v->format, v->packet);
    if (code >= 0) code = v->format->pb->error;
  }
  return av_error(v, code, "write it (is the disk full?)", err);
}

int loom_video_add(loomVideo* v, const loomImage* image, loomError* err) {
  if (image->width != v->width || image->height != v->height)
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: a frame has another size than the video", v->path);
  const uint8_t* rows[1] = {image->rgb};
  int stride[1] = {3 * image->width};
  int code = av_frame_make_writable(v->frame);
  if (code < 0) return av_error(v, code, "make frames", err);
  sws_scale(v->scale, rows, stride, 0, v->frame->height, v->frame->data, v->frame->linesize);
  v->frame->pts++;
  return encode(v, v->frame, err);
}

int loom_video_finish(loomVideo* v, loomError* err) {
  if (v->frame->pts < 0) return loom_error_set(err, LOOM_ERR_USAGE, "%s: a video without frames", v->path);
  int code = encode(v, NULL, err);
  if (code) return code;
  code = av_write_trailer(v->format);
  if (code >= 0) code = v->format->pb->error;
  int closed = avio_closep(&v->format->pb);
  if (code >= 0) code = closed;
  if (code < 0) return av_error(v, code, "write it (is the disk full?)", err);
  if (rename(v->partial, v->path)) return av_error(v, AVERROR(errno), "rename PATH.tmp to it", err);
  v->created = false;
  return 0;
}

void loom_video_destroy(loomVideo* v) {
  if (!v) return;
  if (v->format) avio_closep(&v->format->pb);
  avformat_free_context(v->format);
  avcodec_free_context(&v->codec);
  sws_freeContext(v->scale);
  av_frame_free(&v->frame);
  av_packet_free(&v->packet);
  if (v->created) unlink(v->partial);
  free(v);
}

const char* loom_video_encoder(const loomVideo* v) {
  return v->codec->codec->name;
}
