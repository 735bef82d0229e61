// Internal. FFmpeg's libraries, loaded when the first video is made or read: with what they depend on they
// are a hundred shared objects, whose loading would be two thirds of the time that any other command takes
// to start.
#ifndef LOOM_ENGINE_DRAW_LIBAV_H
#define LOOM_ENGINE_DRAW_LIBAV_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

#include "engine/base/error.h"

// Each function once: the library it is in, and its name.
#define LOOM_LIBAV_FUNCTIONS(F)               \
  F(avutil, av_d2q)                           \
  F(avutil, av_dict_free)                     \
  F(avutil, av_dict_set)                      \
  F(avutil, av_frame_alloc)                   \
  F(avutil, av_frame_free)                    \
  F(avutil, av_frame_get_buffer)              \
  F(avutil, av_frame_make_writable)           \
  F(avutil, av_frame_unref)                   \
  F(avutil, av_freep)                         \
  F(avutil, av_log_set_level)                 \
  F(avutil, av_malloc)                        \
  F(avutil, av_opt_set)                       \
  F(avutil, av_pix_fmt_desc_get)              \
  F(avutil, av_strdup)                        \
  F(avutil, av_strerror)                      \
  F(avcodec, av_packet_alloc)                 \
  F(avcodec, av_packet_clone)                 \
  F(avcodec, av_packet_free)                  \
  F(avcodec, av_packet_rescale_ts)            \
  F(avcodec, av_packet_unref)                 \
  F(avcodec, avcodec_alloc_context3)          \
  F(avcodec, avcodec_find_decoder)            \
  F(avcodec, avcodec_find_encoder_by_name)    \
  F(avcodec, avcodec_free_context)            \
  F(avcodec, avcodec_open2)                   \
  F(avcodec, avcodec_parameters_from_context) \
  F(avcodec, avcodec_parameters_to_context)   \
  F(avcodec, avcodec_receive_frame)           \
  F(avcodec, avcodec_receive_packet)          \
  F(avcodec, avcodec_send_frame)              \
  F(avcodec, avcodec_send_packet)             \
  F(avformat, av_find_best_stream)            \
  F(avformat, av_interleaved_write_frame)     \
  F(avformat, av_read_frame)                  \
  F(avformat, av_seek_frame)                  \
  F(avformat, av_write_trailer)               \
  F(avformat, avformat_alloc_context)         \
  F(avformat, avformat_alloc_output_context2) \
  F(avformat, avformat_close_input)           \
  F(avformat, avformat_find_stream_info)      \
  F(avformat, avformat_free_context)          \
  F(avformat, avformat_new_stream)            \
  F(avformat, avformat_open_input)            \
  F(avformat, avformat_write_header)          \
  F(avformat, avio_alloc_context)             \
  F(avformat, avio_closep)                    \
  F(avformat, avio_context_free)              \
  F(avformat, avio_open)                      \
  F(swscale, sws_freeContext)                 \
  F(swscale, sws_getCoefficients)             \
  F(swscale, sws_getContext)                  \
  F(swscale, sws_scale)                       \
  F(swscale, sws_setColorspaceDetails)

typedef struct loomLibav {
#define LOOM_LIBAV_MEMBER(library, name) __typeof__(name)* name;
  LOOM_LIBAV_FUNCTIONS(LOOM_LIBAV_MEMBER)
#undef LOOM_LIBAV_MEMBER
} loomLibav;

/// The functions, once loom_libav_open has succeeded.
extern loomLibav loom_libav;

/// Load them, once for the whole process; any thread may ask. LOOM_ERR_UNSUPPORTED: a library of the
/// versions that this program was compiled with is not there, which is named.
int loom_libav_open(loomError* err);

#endif
