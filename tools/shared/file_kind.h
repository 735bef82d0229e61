// A file's kind follows from the option that names it, so its name may not say another one.
#ifndef LOOM_TOOLS_SHARED_FILE_KIND_H
#define LOOM_TOOLS_SHARED_FILE_KIND_H

/// NULL where a file of the kind that `model` ends in ("FILE.mp4") may be called `path`: it ends likewise, in
/// nothing that says a kind, or is none of those that options here write. Else what the kind is: "an MP4
/// video".
const char* tool_other_kind(const char* path, const char* model);

#endif
