// How Dear ImGui is compiled (it includes this as IMGUI_USER_CONFIG): without what the viewer does not
// use, and with OpenGL's functions found at run time. Linking libGL would hide OSMesa's functions of the
// same names from MuJoCo (engine/draw/gl.h).
#ifndef LOOM_TOOLS_VIEW_GUI_CONFIG_H
#define LOOM_TOOLS_VIEW_GUI_CONFIG_H

#define IMGUI_DISABLE_DEMO_WINDOWS
#define IMGUI_DISABLE_DEBUG_TOOLS
#define IMGUI_DISABLE_DEFAULT_SHELL_FUNCTIONS
#define IMGUI_DISABLE_DEFAULT_FONT
#define IMPLOT_CUSTOM_NUMERIC_TYPES (double)  // of ten: it compiles in a tenth of the time
#define ImDrawIdx unsigned int                // plots of long demos have more points than 16 bits count

#include <GL/gl.h>

// Return type, name, parameters of each function that imgui_impl_opengl2.cpp and gui.cpp call.
#define GUI_GL_FUNCTIONS(X)                                                                              \
  X(void, BindTexture, (GLenum, GLuint))                                                                 \
  X(void, BlendFunc, (GLenum, GLenum))                                                                   \
  X(void, Clear, (GLbitfield))                                                                           \
  X(void, ClearColor, (GLclampf, GLclampf, GLclampf, GLclampf))                                          \
  X(void, ColorPointer, (GLint, GLenum, GLsizei, const GLvoid*))                                         \
  X(void, CopyTexImage2D, (GLenum, GLint, GLenum, GLint, GLint, GLsizei, GLsizei, GLint))                \
  X(void, DeleteTextures, (GLsizei, const GLuint*))                                                      \
  X(void, Disable, (GLenum))                                                                             \
  X(void, DisableClientState, (GLenum))                                                                  \
  X(void, DrawElements, (GLenum, GLsizei, GLenum, const GLvoid*))                                        \
  X(void, Enable, (GLenum))                                                                              \
  X(void, EnableClientState, (GLenum))                                                                   \
  X(void, GenTextures, (GLsizei, GLuint*))                                                               \
  X(void, GetIntegerv, (GLenum, GLint*))                                                                 \
  X(void, GetTexEnviv, (GLenum, GLenum, GLint*))                                                         \
  X(void, LoadIdentity, (void))                                                                          \
  X(void, MatrixMode, (GLenum))                                                                          \
  X(void, Ortho, (GLdouble, GLdouble, GLdouble, GLdouble, GLdouble, GLdouble))                           \
  X(void, PixelStorei, (GLenum, GLint))                                                                  \
  X(void, PolygonMode, (GLenum, GLenum))                                                                 \
  X(void, PopAttrib, (void))                                                                             \
  X(void, PopMatrix, (void))                                                                             \
  X(void, PushAttrib, (GLbitfield))                                                                      \
  X(void, PushMatrix, (void))                                                                            \
  X(void, Scissor, (GLint, GLint, GLsizei, GLsizei))                                                     \
  X(void, ShadeModel, (GLenum))                                                                          \
  X(void, TexCoordPointer, (GLint, GLenum, GLsizei, const GLvoid*))                                      \
  X(void, TexEnvi, (GLenum, GLenum, GLint))                                                              \
  X(void, TexImage2D, (GLenum, GLint, GLint, GLsizei, GLsizei, GLint, GLenum, GLenum, const GLvoid*))    \
  X(void, TexParameteri, (GLenum, GLenum, GLint))                                                        \
  X(void, TexSubImage2D, (GLenum, GLint, GLint, GLint, GLsizei, GLsizei, GLenum, GLenum, const GLvoid*)) \
  X(void, VertexPointer, (GLint, GLenum, GLsizei, const GLvoid*))                                        \
  X(void, Viewport, (GLint, GLint, GLsizei, GLsizei))                                                    \
  X(void, BindBuffer, (GLenum, GLuint))                                                                  \
  X(void, ActiveTexture, (GLenum))                                                                       \
  X(void, UseProgram, (GLuint))

struct guiGl {
#define GUI_GL_FIELD(type, name, parameters) type(*name) parameters;
  GUI_GL_FUNCTIONS(GUI_GL_FIELD)
#undef GUI_GL_FIELD
};
extern struct guiGl gui_gl;

#define glBindTexture gui_gl.BindTexture
#define glBlendFunc gui_gl.BlendFunc
#define glClear gui_gl.Clear
#define glClearColor gui_gl.ClearColor
#define glColorPointer gui_gl.ColorPointer
#define glDeleteTextures gui_gl.DeleteTextures
#define glDisable gui_gl.Disable
#define glDisableClientState gui_gl.DisableClientState
#define glDrawElements gui_gl.DrawElements
#define glEnable gui_gl.Enable
#define glEnableClientState gui_gl.EnableClientState
#define glGenTextures gui_gl.GenTextures
#define glGetIntegerv gui_gl.GetIntegerv
#define glGetTexEnviv gui_gl.GetTexEnviv
#define glLoadIdentity gui_gl.LoadIdentity
#define glMatrixMode gui_gl.MatrixMode
#define glOrtho gui_gl.Ortho
#define glPixelStorei gui_gl.PixelStorei
#define glPolygonMode gui_gl.PolygonMode
#define glPopAttrib gui_gl.PopAttrib
#define glPopMatrix gui_gl.PopMatrix
#define glPushAttrib gui_gl.PushAttrib
#define glPushMatrix gui_gl.PushMatrix
#define glScissor gui_gl.Scissor
#define glShadeModel gui_gl.ShadeModel
#define glTexCoordPointer gui_gl.TexCoordPointer
#define glTexEnvi gui_gl.TexEnvi
#define glTexImage2D gui_gl.TexImage2D
#define glTexParameteri gui_gl.TexParameteri
#define glTexSubImage2D gui_gl.TexSubImage2D
#define glVertexPointer gui_gl.VertexPointer
#define glViewport gui_gl.Viewport

#endif
