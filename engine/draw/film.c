#include "engine/draw/film.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/aside.h"
#include "engine/draw/libav.h"

enum {
  SHELF_MB = 1024,  // all frames, scaled
  CHILD_MB = 2048,  // decoders keep up to 16 frames of full size
  MOST_PIXELS = 64 << 20,
  MOST_ACROSS = 16384,
  BUFFER = 1 << 16,
};

// Containers and pictures by their content: none that name other files, or are made by rules.
static const char film_formats[] = "mov,matroska,avi", picture_formats[] = "png_pipe,jpeg_pipe";

/// What the child leaves on its shelf, first of all; frames follow, each loom_shelf_round(bytes) long.
typedef struct reel {
  int width, height, frames;
  double fps;
} reel;

// ---- in the child

typedef struct memory {
  const unsigned char* bytes;
  int64_t n, at;
} memory;

static int read_memory(void* user, uint8_t* out, int n) {
  memory* m = user;
  int64_t left = m->n - m->at;
  if (left <= 0) return AVERROR_EOF;

  int taken = n < left ? n : (int)left;
  memcpy(out, m->bytes + m->at, (size_t)taken);
  m->at += taken;
  return taken;
}

static int64_t seek_memory(void* user, int64_t offset, int whence) {
  memory* m = user;
  whence &= ~AVSEEK_FORCE;
  if (whence == AVSEEK_SIZE) return m->n;

  // avio_seek makes these two of all others.
  if (whence != SEEK_SET || offset < 0 || offset > m->n) return AVERROR(EINVAL);
  return m->at = offset;
}

// A file that wants another one does not get it.
static int refuse_file(AVFormatContext* format, AVIOContext** out, const char* url, int flags,
                       AVDictionary** options) {
  (void)format, (void)url, (void)flags, (void)options;
  *out = NULL;
  return AVERROR(EACCES);
}

typedef struct projector {
  const loomFilmDef* def;
  const loomFilmFile* file;  // the one at hand
  int files;
  loomShelf* shelf;
  reel* reel;

  memory memory;
  AVIOContext* io;
  AVFormatContext* format;
  AVStream* stream;
  AVCodecContext* codec;
  AVPacket* packet;
  AVFrame* frame;
  struct SwsContext* scale;
  int64_t begin;    // in the stream's time: earlier frames are not shown
  int64_t packets;  // read of the stream
  int shown;        // frames of this file
  int pixels;       // format of the frame that `scale` is for
} projector;

static int av_error(const projector* p, int code, const char* what, loomError* err) {
  char text[AV_ERROR_MAX_STRING_SIZE] = "";
  if (code == AVERROR(ENOMEM))
    return loom_error_set(err, LOOM_ERR_MEMORY, "%s: takes more memory than it may", p->file->path);
  loom_libav.av_strerror(code, text, sizeof text);
  return loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s (%s)", p->file->path, what, text);
}

static void close_file(projector* p) {
  loom_libav.avcodec_free_context(&p->codec);
  loom_libav.avformat_close_input(&p->format);
  if (p->io) loom_libav.av_freep(&p->io->buffer);
  loom_libav.avio_context_free(&p->io);
}

static int open_container(projector* p, loomError* err) {
  const char* kind =
      p->def->pictures ? "neither a PNG nor a JPEG" : "no film (MP4, MOV, Matroska, WebM, AVI)";
  p->memory = (memory){p->file->bytes, (int64_t)p->file->n, 0};
  p->packets = p->shown = 0;

  unsigned char* buffer = loom_libav.av_malloc(BUFFER);
  if (buffer)
    p->io = loom_libav.avio_alloc_context(buffer, BUFFER, 0, &p->memory, read_memory, NULL, seek_memory);
  p->format = loom_libav.avformat_alloc_context();
  if (!p->io || !p->format) return av_error(p, AVERROR(ENOMEM), "", err);

  p->format->pb = p->io;
  p->format->io_open = refuse_file;
  p->format->flags |= AVFMT_FLAG_CUSTOM_IO;
  p->format->format_whitelist = loom_libav.av_strdup(p->def->pictures ? picture_formats : film_formats);
  if (!p->format->format_whitelist) return av_error(p, AVERROR(ENOMEM), "", err);

  int code = loom_libav.avformat_open_input(&p->format, NULL, NULL, NULL);
  if (code >= 0) code = loom_libav.avformat_find_stream_info(p->format, NULL);
  if (code < 0) return av_error(p, code, p->file->n ? kind : "is empty", err);

  code = loom_libav.av_find_best_stream(p->format, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
  if (code < 0) return av_error(p, code, "has no pictures", err);
  p->stream = p->format->streams[code];
  return 0;
}

static int open_decoder(projector* p, loomError* err) {
  const AVCodec* decoder = loom_libav.avcodec_find_decoder(p->stream->codecpar->codec_id);
  if (!decoder)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s: FFmpeg's libraries here do not decode it",
                          p->file->path);
  p->codec = loom_libav.avcodec_alloc_context3(decoder);
  if (!p->codec) return av_error(p, AVERROR(ENOMEM), "", err);

  // One thread, as the child may make none. What is damaged is an error, and not made up for.
  int code = loom_libav.avcodec_parameters_to_context(p->codec, p->stream->codecpar);
  p->codec->thread_count = 1;
  p->codec->max_pixels = MOST_PIXELS;
  p->codec->err_recognition |= AV_EF_EXPLODE | AV_EF_CRCCHECK | AV_EF_BITSTREAM | AV_EF_BUFFER;
  p->codec->flags |= AV_CODEC_FLAG_BITEXACT;
  if (code >= 0) code = loom_libav.avcodec_open2(p->codec, decoder, NULL);
  return code < 0 ? av_error(p, code, "cannot be decoded", err) : 0;
}

// Colors as the file says that they are meant; full range out.
static int open_scale(projector* p, loomError* err) {
  const AVFrame* f = p->frame;
  const loomFilmDef* def = p->def;
  loom_libav.sws_freeContext(p->scale);
  p->scale = loom_libav.sws_getContext(
      f->width, f->height, f->format, def->width, def->height, AV_PIX_FMT_RGB24,
      SWS_AREA | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_BITEXACT, NULL, NULL, NULL);
  if (!p->scale)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                          "%s: frames of %d x %d in a format that cannot be scaled", p->file->path, f->width,
                          f->height);
  p->pixels = f->format;

  const AVPixFmtDescriptor* format = loom_libav.av_pix_fmt_desc_get(f->format);
  if (!format || format->flags & AV_PIX_FMT_FLAG_RGB) return 0;
  bool full = f->color_range == AVCOL_RANGE_JPEG || f->format == AV_PIX_FMT_YUVJ420P ||
              f->format == AV_PIX_FMT_YUVJ422P || f->format == AV_PIX_FMT_YUVJ444P;
  loom_libav.sws_setColorspaceDetails(p->scale, loom_libav.sws_getCoefficients(f->colorspace), full,
                                      loom_libav.sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, 1 << 16, 1 << 16);
  return 0;
}

static bool is_done(const projector* p) {
  return p->def->frames > 0 && p->shown >= p->def->frames;
}

static int show_frame(projector* p, loomError* err) {
  const AVFrame* f = p->frame;
  const loomFilmDef* def = p->def;
  reel* r = p->reel;
  if (f->width > MOST_ACROSS || f->height > MOST_ACROSS)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s: frames of %d x %d pixels", p->file->path, f->width,
                          f->height);
  if (r->frames && (f->width != r->width || f->height != r->height))
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s %d x %d pixels, where what comes before has %d x %d",
                          p->file->path, def->pictures ? "has" : "from some frame on has", f->width,
                          f->height, r->width, r->height);
  r->width = f->width;
  r->height = f->height;

  int code = p->scale && p->pixels == f->format && !def->pictures ? 0 : open_scale(p, err);
  if (code) return code;
  unsigned char* to = loom_shelf_take(p->shelf, 3 * (size_t)def->width * (size_t)def->height);
  if (!to)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                          "%s: more than %d frames of %d x %d; cut it into shorter ones", p->file->path,
                          r->frames, def->width, def->height);

  uint8_t* planes[4] = {to};
  int stride[4] = {3 * def->width};
  loom_libav.sws_scale(p->scale, (const uint8_t* const*)f->data, f->linesize, 0, f->height, planes, stride);
  r->frames++;
  p->shown++;
  return 0;
}

// packet NULL: what the decoder still holds back.
static int decode(projector* p, const AVPacket* packet, loomError* err) {
  int code = loom_libav.avcodec_send_packet(p->codec, packet);
  while (code >= 0) {
    code = loom_libav.avcodec_receive_frame(p->codec, p->frame);
    if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return 0;
    if (code < 0) break;

    bool damaged = p->frame->flags & AV_FRAME_FLAG_CORRUPT || p->frame->decode_error_flags;
    bool wanted = (p->frame->pts == AV_NOPTS_VALUE || p->frame->pts >= p->begin) && !is_done(p);
    int shown = damaged || !wanted ? 0 : show_frame(p, err);
    loom_libav.av_frame_unref(p->frame);
    if (shown) return shown;
    if (damaged) code = AVERROR_INVALIDDATA;
  }
  char what[64];
  snprintf(what, sizeof what, p->def->pictures ? "is damaged" : "is damaged or cut short after frame %d",
           p->shown);
  return av_error(p, code, what, err);
}

static int decode_packets(projector* p, loomError* err) {
  int code = 0, read = 0;
  while (!code && !is_done(p) && (read = loom_libav.av_read_frame(p->format, p->packet)) >= 0) {
    bool ours = p->packet->stream_index == p->stream->index;
    bool cut = ours && p->packet->flags & AV_PKT_FLAG_CORRUPT;
    p->packets += ours;
    if (ours && !cut) code = decode(p, p->packet, err);
    loom_libav.av_packet_unref(p->packet);
    if (cut) read = AVERROR_INVALIDDATA;
    if (cut) break;
  }
  if (code || is_done(p)) return code;

  // The container may know of more than there is.
  bool all = !p->def->pictures && !p->def->frames;
  bool cut = read != AVERROR_EOF || (all && p->packets < p->stream->nb_frames);
  if (cut)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: cut short: of %lld frames %d are there; copy it again",
                          p->file->path, (long long)p->stream->nb_frames, p->shown);
  code = decode(p, NULL, err);
  if (code || !p->def->frames || is_done(p)) return code;
  return loom_error_set(err, LOOM_ERR_FORMAT,
                        "%s: ends %d frames after %g s, %d are wanted; is it cut short?", p->file->path,
                        p->shown, p->def->begin, p->def->frames);
}

// To the key frame before the first frame that is wanted.
static int seek_film(projector* p, loomError* err) {
  p->begin = INT64_MIN;
  if (p->def->pictures || !p->def->frames) return 0;

  // Half a frame early: times are rounded.
  AVRational base = p->stream->time_base, rate = p->stream->avg_frame_rate;
  double half = rate.num > 0 && rate.den > 0 ? 0.5 / av_q2d(rate) : 0;
  p->begin = (int64_t)ceil((p->def->begin - half) / av_q2d(base));
  if (p->begin <= 0) return 0;
  int code = loom_libav.av_seek_frame(p->format, p->stream->index, p->begin, AVSEEK_FLAG_BACKWARD);
  return code < 0 ? av_error(p, code, "has no frame at the time that is asked for", err) : 0;
}

// libjpeg's end of a picture; decoders make up for what is missing.
static bool ends_as_jpeg(const loomFilmFile* file) {
  const unsigned char* bytes = file->bytes;
  for (size_t i = file->n; i > 1 && i + 64 > file->n; i--)
    if (bytes[i - 2] == 0xff && bytes[i - 1] == 0xd9) return true;
  return false;
}

static int project_file(projector* p, loomError* err) {
  int code = open_container(p, err);
  if (!code && p->def->pictures && p->stream->codecpar->codec_id == AV_CODEC_ID_MJPEG &&
      !ends_as_jpeg(p->file))
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: is cut short", p->file->path);
  if (!code) code = open_decoder(p, err);
  if (!code) code = seek_film(p, err);
  if (!code) code = decode_packets(p, err);
  if (!code && !p->shown) code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: has no frames", p->file->path);
  if (!code && p->def->pictures && p->shown > 1)
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: is more than one picture", p->file->path);
  if (!code && !p->def->pictures && p->stream->avg_frame_rate.den)
    p->reel->fps = av_q2d(p->stream->avg_frame_rate);
  close_file(p);
  return code;
}

static int project(void* user, loomShelf* shelf, void** result, loomError* err) {
  projector* p = user;
  p->shelf = shelf;
  p->reel = *result = loom_shelf_take(shelf, sizeof *p->reel);
  p->packet = loom_libav.av_packet_alloc();
  p->frame = loom_libav.av_frame_alloc();
  if (!p->reel || !p->packet || !p->frame)
    return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a film");

  int code = 0;
  const loomFilmFile* end = p->file + p->files;
  for (; !code && p->file < end; p->file++) code = project_file(p, err);
  return code;
}

// ---- in the parent

// The child may have come under a stranger's command: nothing that it says is beyond its shelf.
static int keep_frames(loomFilm* out, const loomAside* done, const loomFilmDef* def, loomError* err) {
  size_t frame = 3 * (size_t)def->width * (size_t)def->height, stride = loom_shelf_round(frame);
  size_t head = loom_shelf_round(sizeof(reel));
  const unsigned char *shelf = done->mapped, *at = done->result;
  bool sound = at >= shelf && at < shelf + done->size && (size_t)(at - shelf) % 16 == 0;
  size_t room = sound ? (size_t)(shelf + done->size - at) : 0;
  reel r = {0};
  sound = room >= head + frame;
  if (sound) memcpy(&r, at, sizeof r);
  at += head;
  sound = sound && r.frames > 0 && (size_t)r.frames - 1 <= (room - head - frame) / stride && r.width > 0 &&
          r.height > 0 && r.fps >= 0 && r.fps < 1e9;
  if (!sound) return loom_error_set(err, LOOM_ERR_FORMAT, "%s: is damaged", def->what);

  *out = (loomFilm){r.width, r.height, r.fps, r.frames, malloc((size_t)r.frames * frame)};
  if (!out->rgb)
    return loom_error_set(err, LOOM_ERR_MEMORY, "%s: no memory for %d frames", def->what, r.frames);
  for (int i = 0; i < r.frames; i++) memcpy(out->rgb + (size_t)i * frame, at + (size_t)i * stride, frame);
  return 0;
}

int loom_film_read(loomFilm* out, const loomFilmFile* file, int files, const loomFilmDef* def,
                   loomError* err) {
  projector p = {.def = def, .file = file, .files = files};
  loomAside done;
  *out = (loomFilm){0};
  int code = loom_libav_open(err);
  if (code) return code;

  loom_libav.av_log_set_level(AV_LOG_QUIET);
  loomAsideDef aside = loom_default_aside_def();
  aside.what = def->what;
  aside.work = project;
  aside.user = &p;
  aside.confined = true;

  // A megabyte may be minutes of a still scene.
  double mb = 0;
  for (int i = 0; i < files; i++) mb += (double)file[i].n / 1048576;
  aside.seconds = fmin(30 + 120 * mb, aside.seconds);
  aside.shelf_mb = SHELF_MB;
  aside.memory_mb = CHILD_MB;
  aside.wait = def->wait;
  aside.wait_user = def->wait_user;
  code = loom_aside_run(&done, &aside, err);
  if (code) return code;

  code = keep_frames(out, &done, def, err);
  loom_aside_destroy(&done);
  return code;
}

void loom_film_destroy(loomFilm* film) {
  free(film->rgb);
  *film = (loomFilm){0};
}
