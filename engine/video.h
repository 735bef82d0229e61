// Videos as MP4 files: H.264 where there is an encoder for it, else MPEG-4 part 2.
#ifndef LOOM_ENGINE_VIDEO_H
#define LOOM_ENGINE_VIDEO_H

#include "engine/error.h"
#include "engine/image.h"

typedef struct loomVideoDef {
  int width, height;  // pixels, at least 16; an odd last column or row is cut off
  double fps;         // frames a second
} loomVideoDef;

typedef struct loomVideo loomVideo;

/// Begin PATH.tmp. LOOM_ERR_UNSUPPORTED when there is no encoder, LOOM_ERR_IO when the path cannot be
/// written.
int loom_video_create(loomVideo** out, const char* path, const loomVideoDef* def, loomError* err);
/// Append a frame of the video's size.
int loom_video_add(loomVideo* video, const loomImage* frame, loomError* err);
/// Finish and rename to the path: only then is there a file of that name. At least one frame is needed.
int loom_video_finish(loomVideo* video, loomError* err);
/// Free; without loom_video_finish before, PATH.tmp is removed. Takes NULL.
void loom_video_destroy(loomVideo* video);
/// Name of the encoder in use: "libx264", "mpeg4", ...
const char* loom_video_encoder(const loomVideo* video);

#endif
