// Videos as MP4 files: H.264 where there is an encoder for it, else MPEG-4 part 2. Internal.
#ifndef LOOM_ENGINE_DRAW_VIDEO_H
#define LOOM_ENGINE_DRAW_VIDEO_H

#include <stdint.h>

#include "engine/base/error.h"
#include "engine/draw/image.h"

typedef struct loomVideoDef {
  int width, height;  // pixels, at least 16; an odd last column or row is cut off
  double fps;         // frames a second
  int gop;            // a frame of so many can be shown without those before it, and none waits for a later
                      // one: for whoever picks single frames; 0: few, for whoever watches
} loomVideoDef;

typedef struct loomVideo loomVideo;

/// Begin a video file. LOOM_ERR_UNSUPPORTED when there is no encoder, LOOM_ERR_IO when the path cannot be
/// written.
int loom_video_create(loomVideo** out, const char* path, const loomVideoDef* def, loomError* err);
/// Append a frame of the video's size.
int loom_video_add(loomVideo* video, const loomImage* frame, loomError* err);

/// Frames that a thread encodes by itself, in memory, to be appended to the video in their turn. They begin
/// anew, so that the bytes depend on where a video is cut into parts, but not on who made them or when.
typedef struct loomVideoPart loomVideoPart;
int loom_video_part_create(loomVideoPart** out, const loomVideo* video, loomError* err);
int loom_video_part_add(loomVideoPart* part, const loomImage* frame, loomError* err);
/// Ends the part; call it before loom_video_append, in the thread that made it.
int loom_video_part_end(loomVideoPart* part, loomError* err);
void loom_video_part_destroy(loomVideoPart* part);
/// Append a part that has ended. One thread at a time; not after loom_video_add.
int loom_video_append(loomVideo* video, const loomVideoPart* part, loomError* err);
/// Frames and bytes so far.
int64_t loom_video_frames(const loomVideo* video);
int64_t loom_video_bytes(const loomVideo* video);
/// Finish and rename to the path: only then is there a file of that name. At least one frame is needed.
int loom_video_finish(loomVideo* video, loomError* err);
/// Free; without loom_video_finish before, what was written is removed. Takes NULL.
void loom_video_destroy(loomVideo* video);
/// Name of the encoder in use: "libx264", "mpeg4", ...
const char* loom_video_encoder(const loomVideo* video);

#endif
