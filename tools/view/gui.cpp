// Dear ImGui and ImPlot behind tools/view/gui.h: the one file of C++.
#include "tools/view/gui.h"

#include <imgui.h>
#include <imgui_internal.h>
#include <implot.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "backends/imgui_impl_opengl2.h"
#include "gui_fonts.h"

guiGl gui_gl;

enum { MAX_NAMED = 1024, ARRAY_BUFFER = 0x8892, TEXTURE0 = 0x84C0 };

// Where each named widget of the last frame is, for gui_find.
struct namedWidget {
  char label[64];
  ImVec2 middle;
};

static struct {
  guiRgba color[GUI_COLOR_COUNT];
  ImFont *regular, *bold;
  const char* dialog_wanted;
  namedWidget named[MAX_NAMED];
  int named_count;
  bool connected, field_done, aligned;
  float wrap;  // where notes break their lines; 0 = at the panel's edge
  ImGuiListClipper clipper;
  const char* (*get_text)(void*);
  void (*set_text)(void*, const char*);
  void* clipboard;
} gui;

// ---- the theme

guiRgba gui_rgba(double r, double g, double b, double a) {
  return ImGui::ColorConvertFloat4ToU32(ImVec4((float)r, (float)g, (float)b, (float)a));
}

guiRgba gui_color(guiColor color) {
  return gui.color[color];
}

static ImVec4 vec4(guiRgba color, float alpha = 1) {
  ImVec4 c = ImGui::ColorConvertU32ToFloat4(color);
  c.w *= alpha;
  return c;
}

guiRgba gui_faded(guiRgba color, double alpha) {
  return ImGui::ColorConvertFloat4ToU32(vec4(color, (float)alpha));
}

// Rows of guiColor: dark, light; as 0xRRGGBB.
static const unsigned int palette[GUI_COLOR_COUNT][2] = {
    {0xE7EAEE, 0x1A1E24},  // ink
    {0x9CA5B1, 0x5A6472},  // dim
    {0x3D8BFF, 0x1366D6},  // accent
    {0x2FBF87, 0x00805A},  // good
    {0xF0743E, 0xC04A00},  // bad
    {0xE8B33A, 0x9A6B00},  // warn
    {0x14171B, 0xE9ECF0},  // back
    {0x1D2127, 0xFAFBFC},  // panel
    {0x2A3038, 0xE3E7EC},  // lane
    {0x343B45, 0xCFD5DC},  // line
    {0xFF5C5C, 0xD32222},  // cursor
};

struct themeEntry {
  int target;
  guiColor color;
  float alpha;
};

static const themeEntry imgui_theme[] = {
    {ImGuiCol_Text, GUI_INK, 1},
    {ImGuiCol_TextDisabled, GUI_DIM, 1},
    {ImGuiCol_WindowBg, GUI_PANEL, 1},
    {ImGuiCol_ChildBg, GUI_PANEL, 0},
    {ImGuiCol_PopupBg, GUI_PANEL, 1},
    {ImGuiCol_Border, GUI_LINE, 1},
    {ImGuiCol_BorderShadow, GUI_LINE, 0},
    {ImGuiCol_FrameBg, GUI_LANE, 1},
    {ImGuiCol_FrameBgHovered, GUI_LINE, 1},
    {ImGuiCol_FrameBgActive, GUI_LINE, 1},
    {ImGuiCol_MenuBarBg, GUI_BACK, 1},
    {ImGuiCol_ScrollbarBg, GUI_PANEL, 0},
    {ImGuiCol_ScrollbarGrab, GUI_LINE, 1},
    {ImGuiCol_ScrollbarGrabHovered, GUI_DIM, 0.6f},
    {ImGuiCol_ScrollbarGrabActive, GUI_DIM, 1},
    {ImGuiCol_CheckMark, GUI_ACCENT, 1},
    {ImGuiCol_CheckboxSelectedBg, GUI_LANE, 1},
    {ImGuiCol_SliderGrab, GUI_ACCENT, 1},
    {ImGuiCol_SliderGrabActive, GUI_ACCENT, 1},
    {ImGuiCol_Button, GUI_LANE, 1},
    {ImGuiCol_ButtonHovered, GUI_LINE, 1},
    {ImGuiCol_ButtonActive, GUI_ACCENT, 0.5f},
    {ImGuiCol_Header, GUI_ACCENT, 0.28f},
    {ImGuiCol_HeaderHovered, GUI_INK, 0.08f},
    {ImGuiCol_HeaderActive, GUI_ACCENT, 0.4f},
    {ImGuiCol_Separator, GUI_LINE, 1},
    {ImGuiCol_TableHeaderBg, GUI_PANEL, 1},
    {ImGuiCol_TableBorderStrong, GUI_LINE, 1},
    {ImGuiCol_TableBorderLight, GUI_LINE, 0.5f},
    {ImGuiCol_TableRowBg, GUI_PANEL, 0},
    {ImGuiCol_TableRowBgAlt, GUI_INK, 0.02f},
    {ImGuiCol_TextSelectedBg, GUI_ACCENT, 0.4f},
    {ImGuiCol_InputTextCursor, GUI_INK, 1},
    {ImGuiCol_ModalWindowDimBg, GUI_BACK, 0.5f},
    {ImGuiCol_NavCursor, GUI_ACCENT, 1},
};

static const themeEntry implot_theme[] = {
    {ImPlotCol_FrameBg, GUI_PANEL, 0},       {ImPlotCol_PlotBg, GUI_BACK, 1},
    {ImPlotCol_PlotBorder, GUI_LINE, 1},     {ImPlotCol_AxisText, GUI_DIM, 1},
    {ImPlotCol_AxisGrid, GUI_LINE, 0.8f},    {ImPlotCol_AxisTick, GUI_LINE, 1},
    {ImPlotCol_AxisBg, GUI_PANEL, 0},        {ImPlotCol_AxisBgHovered, GUI_INK, 0.05f},
    {ImPlotCol_AxisBgActive, GUI_INK, 0.1f},
};

void gui_look(double scale, bool dark) {
  float s = (float)scale;

  for (int i = 0; i < GUI_COLOR_COUNT; i++) {
    unsigned int c = palette[i][!dark];
    gui.color[i] = IM_COL32(c >> 16, c >> 8 & 255, c & 255, 255);
  }

  ImGuiStyle style;
  if (dark) {
    ImGui::StyleColorsDark(&style);
  } else {
    ImGui::StyleColorsLight(&style);
  }
  for (const themeEntry& t : imgui_theme) style.Colors[t.target] = vec4(gui.color[t.color], t.alpha);

  // A grid of four pixels.
  style.WindowPadding = ImVec2(8, 8);
  style.FramePadding = ImVec2(8, 4);
  style.ItemSpacing = ImVec2(8, 6);
  style.ItemInnerSpacing = ImVec2(6, 4);
  style.CellPadding = ImVec2(6, 2);
  style.ScrollbarSize = 11;
  style.WindowBorderSize = 0;
  style.PopupBorderSize = style.FrameBorderSize = 1;
  style.FrameRounding = style.PopupRounding = style.GrabRounding = style.ScrollbarRounding = 4;
  style.HoverDelayNormal = 0.35f;
  style.HoverStationaryDelay = 0.12f;
  style.FontSizeBase = 15;
  style.ScaleAllSizes(s);
  style.FontScaleDpi = s;
  ImGui::GetStyle() = style;

  ImPlotStyle& plot = ImPlot::GetStyle();
  plot = ImPlotStyle();
  for (const themeEntry& t : implot_theme) plot.Colors[t.target] = vec4(gui.color[t.color], t.alpha);
  plot.PlotPadding = ImVec2(4 * s, 4 * s);
  plot.LabelPadding = ImVec2(4 * s, 2 * s);
  plot.PlotMinSize = ImVec2(40 * s, 30 * s);
  plot.FitPadding = ImVec2(0, 0.06f);
  plot.MajorTickLen = plot.MinorTickLen = ImVec2(0, 0);
}

float gui_em(void) {
  return ImGui::GetStyle().FontSizeBase * ImGui::GetStyle().FontScaleDpi;
}

// ---- life

static ImFont* font_of(const unsigned char* data, size_t size) {
  ImFontConfig config;
  config.FontDataOwnedByAtlas = false;
  return ImGui::GetIO().Fonts->AddFontFromMemoryTTF(const_cast<unsigned char*>(data), (int)size, 15, &config);
}

static const char* read_clipboard(ImGuiContext*) {
  return gui.get_text ? gui.get_text(gui.clipboard) : "";
}

static void write_clipboard(ImGuiContext*, const char* text) {
  if (gui.set_text) gui.set_text(gui.clipboard, text);
}

void gui_open(double scale, bool dark) {
  ImGui::CreateContext();
  ImPlot::CreateContext();

  // Nothing is remembered in files; keys are the viewer's own, but where something is typed.
  ImGuiIO& io = ImGui::GetIO();
  io.IniFilename = io.LogFilename = nullptr;
  io.BackendFlags |= ImGuiBackendFlags_HasMouseCursors;
  io.ConfigErrorRecoveryEnableTooltip = false;
  io.ConfigWindowsMoveFromTitleBarOnly = true;
  io.ConfigInputTextCursorBlink = true;

  ImGuiPlatformIO& platform = ImGui::GetPlatformIO();
  platform.Platform_GetClipboardTextFn = read_clipboard;
  platform.Platform_SetClipboardTextFn = write_clipboard;

  gui.regular = font_of(gui_font_Regular, sizeof gui_font_Regular);
  gui.bold = font_of(gui_font_Bold, sizeof gui_font_Bold);
  gui_look(scale, dark);

  // Of plots: the left button moves along the timeline, the right one does nothing.
  ImPlotInputMap& map = ImPlot::GetInputMap();
  map.Select = map.Menu = ImGuiMouseButton_Right;
  map.SelectMod = ImGuiMod_Shift;
}

void gui_clipboard(const char* (*get)(void*), void (*set)(void*, const char*), void* self) {
  gui.get_text = get;
  gui.set_text = set;
  gui.clipboard = self;
}

const char* gui_connect(guiFunction (*find)(void* self, const char* name), void* self) {
#define GUI_GL_FIND(type, name, parameters)                                   \
  gui_gl.name = reinterpret_cast<type(*) parameters>(find(self, "gl" #name)); \
  if (!gui_gl.name) return "gl" #name;
  GUI_GL_FUNCTIONS(GUI_GL_FIND)
#undef GUI_GL_FIND

  gui.connected = ImGui_ImplOpenGL2_Init();
  return nullptr;
}

bool gui_ready(void) {
  return gui.connected;
}

void gui_close(void) {
  if (!ImGui::GetCurrentContext()) return;

  if (gui.connected) ImGui_ImplOpenGL2_Shutdown();
  gui.connected = false;
  ImPlot::DestroyContext();
  ImGui::DestroyContext();
}

// ---- events

void gui_mods(int mods) {
  ImGuiIO& io = ImGui::GetIO();
  io.AddKeyEvent(ImGuiMod_Ctrl, mods & GUI_CONTROL);
  io.AddKeyEvent(ImGuiMod_Shift, mods & GUI_SHIFT);
  io.AddKeyEvent(ImGuiMod_Alt, mods & GUI_ALT);
}

void gui_mouse_to(double x, double y) {
  ImGui::GetIO().AddMousePosEvent((float)x, (float)y);
}

void gui_mouse_button(int button, bool down) {
  ImGui::GetIO().AddMouseButtonEvent(button, down);
}

void gui_mouse_wheel(double by) {
  ImGui::GetIO().AddMouseWheelEvent(0, (float)by);
}

// Keys that text fields know.
static const struct {
  int number;
  ImGuiKey key;
} key_table[] = {{256, ImGuiKey_Escape},     {257, ImGuiKey_Enter},     {258, ImGuiKey_Tab},
                 {259, ImGuiKey_Backspace},  {261, ImGuiKey_Delete},    {262, ImGuiKey_RightArrow},
                 {263, ImGuiKey_LeftArrow},  {264, ImGuiKey_DownArrow}, {265, ImGuiKey_UpArrow},
                 {266, ImGuiKey_PageUp},     {267, ImGuiKey_PageDown},  {268, ImGuiKey_Home},
                 {269, ImGuiKey_End},        {290, ImGuiKey_F1},        {32, ImGuiKey_Space},
                 {335, ImGuiKey_KeypadEnter}};

static ImGuiKey key_of(int key) {
  if (key >= 'A' && key <= 'Z') return (ImGuiKey)(ImGuiKey_A + key - 'A');
  if (key >= '0' && key <= '9') return (ImGuiKey)(ImGuiKey_0 + key - '0');

  for (const auto& k : key_table)
    if (k.number == key) return k.key;
  return ImGuiKey_None;
}

void gui_key(int key, bool down) {
  if (key_of(key) != ImGuiKey_None) ImGui::GetIO().AddKeyEvent(key_of(key), down);
}

bool gui_key_pressed(int key) {
  return ImGui::IsKeyPressed(key_of(key));
}

void gui_letter(unsigned int letter) {
  ImGui::GetIO().AddInputCharacter(letter);
}

bool gui_has_keys(void) {
  return ImGui::GetIO().WantTextInput || ImGui::IsPopupOpen("", ImGuiPopupFlags_AnyPopup);
}

bool gui_settled(void) {
  return ImGui::GetCurrentContext()->InputEventsQueue.empty();
}

bool gui_restless(void) {
  const ImGuiContext& g = *ImGui::GetCurrentContext();
  return !gui_settled() || g.IO.WantTextInput || (g.HoveredId && g.MouseStationaryTimer < 0.8f);
}

guiPointer gui_pointer(void) {
  switch (ImGui::GetMouseCursor()) {
    case ImGuiMouseCursor_TextInput:
      return GUI_TEXT;
    case ImGuiMouseCursor_ResizeEW:
      return GUI_LEFT_RIGHT;
    case ImGuiMouseCursor_ResizeNS:
      return GUI_UP_DOWN;
    case ImGuiMouseCursor_ResizeAll:
      return GUI_MOVE;
    case ImGuiMouseCursor_Hand:
      return GUI_HAND;
    default:
      return GUI_ARROW;
  }
}

void gui_point_with(guiPointer pointer) {
  static const ImGuiMouseCursor cursors[] = {ImGuiMouseCursor_Arrow,     ImGuiMouseCursor_Hand,
                                             ImGuiMouseCursor_TextInput, ImGuiMouseCursor_ResizeEW,
                                             ImGuiMouseCursor_ResizeNS,  ImGuiMouseCursor_ResizeAll};
  ImGui::SetMouseCursor(cursors[pointer]);
}

// ---- frames

void gui_begin(int width, int height, double seconds) {
  ImGuiIO& io = ImGui::GetIO();
  io.DisplaySize = ImVec2((float)width, (float)height);
  io.DeltaTime = seconds > 1e-4 ? (float)seconds : 1e-4f;

  gui.named_count = 0;
  gui.field_done = false;
  ImGui::NewFrame();

  // Escape closes what is open: a menu, a choice, a dialog.
  int open = ImGui::GetCurrentContext()->OpenPopupStack.Size;
  if (open && ImGui::IsKeyPressed(ImGuiKey_Escape)) ImGui::ClosePopupToLevel(open - 1, true);
}

void gui_end(void) {
  ImGui::Render();
}

void gui_render(void) {
  GLint program = 0;

  // MuJoCo may leave its buffers, textures and shaders bound.
  gui_gl.GetIntegerv(0x8B8D, &program);
  gui_gl.UseProgram(0);
  gui_gl.BindBuffer(ARRAY_BUFFER, 0);
  gui_gl.BindBuffer(ARRAY_BUFFER + 1, 0);
  gui_gl.ActiveTexture(TEXTURE0);

  ImGui_ImplOpenGL2_RenderDrawData(ImGui::GetDrawData());
  gui_gl.UseProgram((GLuint)program);
}

void gui_clear(guiRgba color) {
  ImVec4 c = vec4(color);
  gui_gl.ClearColor(c.x, c.y, c.z, 1);
  gui_gl.Disable(GL_SCISSOR_TEST);
  gui_gl.Clear(GL_COLOR_BUFFER_BIT);
}

// Note the widget just made. What is cut off by its panel cannot be clicked.
static void remember(const char* label) {
  if (gui.named_count >= MAX_NAMED || !ImGui::IsItemVisible()) return;

  namedWidget* w = &gui.named[gui.named_count++];
  const char* hidden = strstr(label, "##");
  size_t n = hidden && hidden > label ? (size_t)(hidden - label) : strlen(label);

  snprintf(w->label, sizeof w->label, "%.*s", (int)n, hidden == label ? label + 2 : label);
  ImVec2 a = ImGui::GetItemRectMin(), b = ImGui::GetItemRectMax();
  w->middle = ImVec2((a.x + b.x) / 2, (a.y + b.y) / 2);
}

bool gui_find(const char* label, double* x, double* y) {
  for (int i = 0; i < gui.named_count; i++) {
    if (strcmp(gui.named[i].label, label)) continue;
    *x = gui.named[i].middle.x;
    *y = gui.named[i].middle.y;
    return true;
  }
  return false;
}

// ---- textures

unsigned int gui_texture(const unsigned char* rgb, int width, int height) {
  GLuint texture = 0;
  GLint bound = 0, alignment = 4;

  gui_gl.GetIntegerv(GL_TEXTURE_BINDING_2D, &bound);
  gui_gl.GetIntegerv(GL_UNPACK_ALIGNMENT, &alignment);
  gui_gl.GenTextures(1, &texture);
  gui_gl.BindTexture(GL_TEXTURE_2D, texture);
  gui_gl.TexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_LINEAR);
  gui_gl.TexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAG_FILTER, GL_LINEAR);
  gui_gl.TexParameteri(GL_TEXTURE_2D, GL_TEXTURE_WRAP_S, GL_CLAMP);
  gui_gl.TexParameteri(GL_TEXTURE_2D, GL_TEXTURE_WRAP_T, GL_CLAMP);
  gui_gl.PixelStorei(GL_UNPACK_ALIGNMENT, 1);
  gui_gl.TexImage2D(GL_TEXTURE_2D, 0, GL_RGB, width, height, 0, GL_RGB, GL_UNSIGNED_BYTE, rgb);
  gui_gl.PixelStorei(GL_UNPACK_ALIGNMENT, alignment);
  gui_gl.BindTexture(GL_TEXTURE_2D, (GLuint)bound);
  return texture;
}

unsigned int gui_texture_of_screen(unsigned int texture, int left, int bottom, int width, int height) {
  GLint bound = 0;
  gui_gl.GetIntegerv(GL_TEXTURE_BINDING_2D, &bound);

  if (!texture) gui_gl.GenTextures(1, &texture);
  gui_gl.BindTexture(GL_TEXTURE_2D, texture);
  gui_gl.TexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_NEAREST);
  gui_gl.TexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAG_FILTER, GL_NEAREST);
  gui_gl.CopyTexImage2D(GL_TEXTURE_2D, 0, GL_RGB, left, bottom, width, height, 0);
  gui_gl.BindTexture(GL_TEXTURE_2D, (GLuint)bound);
  return texture;
}

void gui_texture_free(unsigned int texture) {
  if (texture && gui.connected) gui_gl.DeleteTextures(1, &texture);
}

// ---- windows and where things go

static const ImGuiWindowFlags fixed_window = ImGuiWindowFlags_NoTitleBar | ImGuiWindowFlags_NoResize |
                                             ImGuiWindowFlags_NoMove | ImGuiWindowFlags_NoCollapse |
                                             ImGuiWindowFlags_NoSavedSettings | ImGuiWindowFlags_NoDocking;

void gui_panel(const char* name, guiBox box, int look) {
  ImGuiWindowFlags flags = fixed_window | ImGuiWindowFlags_NoBringToFrontOnFocus |
                           ImGuiWindowFlags_NoScrollbar | ImGuiWindowFlags_NoScrollWithMouse |
                           (look & GUI_CLEAR ? ImGuiWindowFlags_NoBackground : 0);

  ImGui::SetNextWindowPos(ImVec2(box.x, box.y));
  ImGui::SetNextWindowSize(ImVec2(box.w, box.h));
  if (!(look & GUI_PADDED)) ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, ImVec2(0, 0));
  ImGui::Begin(name, nullptr, flags);
  if (!(look & GUI_PADDED)) ImGui::PopStyleVar();
}

void gui_panel_end(void) {
  ImGui::End();
}

void gui_scroll(const char* name, float width, float height) {
  ImGui::BeginChild(name, ImVec2(width, height), ImGuiChildFlags_None);
}

void gui_scroll_end(void) {
  ImGui::EndChild();
}

void gui_dialog_open(const char* name) {
  gui.dialog_wanted = name;
}

bool gui_dialog(const char* name, guiBox box) {
  // Here, where no other window is open, so that its number is the same each time.
  if (gui.dialog_wanted && !strcmp(gui.dialog_wanted, name)) {
    ImGui::OpenPopup(name);
    gui.dialog_wanted = nullptr;
  }

  ImGui::SetNextWindowPos(ImVec2(box.x, box.y));
  ImGui::SetNextWindowSize(ImVec2(box.w, box.h));
  return ImGui::BeginPopup(name, fixed_window);
}

void gui_dialog_close(void) {
  ImGui::CloseCurrentPopup();
}

void gui_dialog_end(void) {
  ImGui::EndPopup();
}

void gui_note(const char* name, float x, float y, float width, bool from_below) {
  ImGui::SetNextWindowPos(ImVec2(x, y), ImGuiCond_Always, ImVec2(0, from_below ? 1.0f : 0.0f));
  ImGui::SetNextWindowSizeConstraints(ImVec2(0, 0), ImVec2(width, FLT_MAX));
  ImGui::SetNextWindowBgAlpha(0.9f);
  ImGui::PushStyleVar(ImGuiStyleVar_WindowRounding, 4 * ImGui::GetStyle().FontScaleDpi);
  ImGui::PushStyleVar(ImGuiStyleVar_WindowBorderSize, 1);
  ImGui::Begin(name, nullptr,
               fixed_window | ImGuiWindowFlags_AlwaysAutoResize | ImGuiWindowFlags_NoInputs |
                   ImGuiWindowFlags_NoFocusOnAppearing | ImGuiWindowFlags_NoNav);
  ImGui::PopStyleVar(2);
  gui.wrap = width - ImGui::GetStyle().WindowPadding.x;
}

void gui_note_end(void) {
  gui.wrap = 0;
  ImGui::End();
}

bool gui_menu_bar(void) {
  return ImGui::BeginMainMenuBar();
}

float gui_menu_height(void) {
  return ImGui::GetFrameHeight();
}

void gui_menu_bar_end(void) {
  ImGui::EndMainMenuBar();
}

bool gui_menu(const char* label) {
  bool open = ImGui::BeginMenu(label);
  // Within an open menu the item before is not the menu's own.
  if (!open) remember(label);
  return open;
}

void gui_menu_end(void) {
  ImGui::EndMenu();
}

bool gui_menu_item(const char* label, const char* key, bool checked, bool enabled) {
  bool used = ImGui::MenuItem(label, key, checked, enabled);
  remember(label);
  return used;
}

void gui_same_line(void) {
  ImGui::SameLine();
}

void gui_tight(void) {
  ImGui::PushStyleVar(ImGuiStyleVar_ItemSpacing,
                      ImVec2(ImGui::GetStyle().ItemSpacing.x, 2 * ImGui::GetStyle().FontScaleDpi));
}

void gui_tight_end(void) {
  ImGui::PopStyleVar();
}

void gui_space(float height) {
  ImGui::Dummy(ImVec2(0, height));
}

void gui_move_to(float x) {
  ImVec2 at = ImGui::GetCursorScreenPos();
  ImGui::SetCursorScreenPos(ImVec2(x, at.y));
}

float gui_room(void) {
  return ImGui::GetContentRegionAvail().x;
}

float gui_room_down(void) {
  return ImGui::GetContentRegionAvail().y;
}

float gui_x(void) {
  return ImGui::GetCursorScreenPos().x;
}

void gui_down(float by) {
  ImGui::SetCursorPosY(ImGui::GetCursorPosY() + by);
}

float gui_y(void) {
  return ImGui::GetCursorScreenPos().y;
}

void gui_scroll_to_here(void) {
  ImGui::ScrollToItem();
}

void gui_id(int number) {
  ImGui::PushID(number);
}

void gui_id_end(void) {
  ImGui::PopID();
}

void gui_disable(bool on) {
  ImGui::BeginDisabled(on);
}

void gui_disable_end(void) {
  ImGui::EndDisabled();
}

// ---- widgets

void gui_text(guiColor color, const char* format, ...) {
  va_list args;
  va_start(args, format);
  ImGui::TextColoredV(vec4(gui.color[color]), format, args);
  va_end(args);
}

void gui_label(const char* text) {
  ImGui::AlignTextToFramePadding();
  ImGui::TextColored(vec4(gui.color[GUI_DIM]), "%s", text);
  ImGui::SameLine();
}

void gui_text_cut(guiColor color, float width, const char* text) {
  ImVec2 at = ImGui::GetCursorScreenPos(), size = ImGui::CalcTextSize(text);
  float shown = ImMin(size.x, ImMax(width, 1.0f)),
        down = ImGui::GetCurrentWindow()->DC.CurrLineTextBaseOffset;

  // In line with the widgets beside it.
  ImGui::Dummy(ImVec2(shown, size.y + down));
  at.y += down;
  ImGui::PushStyleColor(ImGuiCol_Text, gui.color[color]);
  ImGui::RenderTextEllipsis(ImGui::GetWindowDrawList(), at, ImVec2(at.x + shown, at.y + size.y), at.x + shown,
                            text, nullptr, &size);
  ImGui::PopStyleColor();
  if (size.x > shown) ImGui::SetItemTooltip("%s", text);
}

void gui_text_wrapped(guiColor color, const char* text) {
  ImGui::PushStyleColor(ImGuiCol_Text, gui.color[color]);
  ImGui::PushTextWrapPos(gui.wrap);
  ImGui::TextUnformatted(text);
  ImGui::PopTextWrapPos();
  ImGui::PopStyleColor();
}

void gui_bold(void) {
  ImGui::PushFont(gui.bold, 0);
}

void gui_font_end(void) {
  ImGui::PopFont();
}

float gui_text_width(const char* text) {
  return ImGui::CalcTextSize(text, nullptr, true).x;
}

void gui_tip(const char* text) {
  if (!ImGui::IsItemHovered(ImGuiHoveredFlags_ForTooltip | ImGuiHoveredFlags_AllowWhenDisabled)) return;

  if (!ImGui::BeginTooltip()) return;
  ImGui::PushTextWrapPos(22 * gui_em());
  ImGui::TextUnformatted(text);
  ImGui::PopTextWrapPos();
  ImGui::EndTooltip();
}

void gui_progress(double share, float width) {
  ImGui::PushStyleColor(ImGuiCol_PlotHistogram, gui.color[GUI_ACCENT]);
  ImGui::ProgressBar((float)share, ImVec2(width, gui_em() * 0.5f), "");
  ImGui::PopStyleColor();
}

bool gui_button(const char* label, float width) {
  bool used = ImGui::Button(label, ImVec2(width, 0));
  remember(label);
  return used;
}

bool gui_chip(const char* label, bool on) {
  guiRgba back = on ? gui.color[GUI_ACCENT] : gui.color[GUI_LANE];

  ImGui::PushStyleColor(ImGuiCol_Button, back);
  if (on) ImGui::PushStyleColor(ImGuiCol_ButtonHovered, back);
  if (on) ImGui::PushStyleColor(ImGuiCol_Text, IM_COL32_WHITE);
  ImGui::PushStyleVar(ImGuiStyleVar_FrameRounding, gui_em());
  bool used = ImGui::Button(label);
  ImGui::PopStyleVar();
  ImGui::PopStyleColor(on ? 3 : 1);
  remember(label);
  return used;
}

bool gui_check(const char* label, bool* on) {
  bool used = ImGui::Checkbox(label, on);
  remember(label);
  return used;
}

bool gui_number(const char* label, int* value, int low, int high, float width) {
  ImGui::SetNextItemWidth(width);
  bool used = ImGui::InputInt(label, value, 1, 10);
  remember(label);
  *value = ImClamp(*value, low, high);
  return used;
}

bool gui_real(const char* label, double* value, float width) {
  ImGui::SetNextItemWidth(width);
  bool used = ImGui::InputDouble(label, value, 0, 0, "%.4g", ImGuiInputTextFlags_AutoSelectAll);
  remember(label);
  return used;
}

bool gui_slider(const char* label, double* value, double low, double high, float width) {
  ImGui::SetNextItemWidth(width);
  bool used = ImGui::SliderScalar(label, ImGuiDataType_Double, value, &low, &high, "%.3f");
  remember(label);
  return used;
}

bool gui_choice(const char* label, int* choice, const char* const* names, int n, float width) {
  ImGui::SetNextItemWidth(width);
  bool used = ImGui::Combo(label, choice, names, n, 24);
  remember(label);
  return used;
}

bool gui_choice_open(const char* label, const char* shown, float width) {
  ImGui::SetNextItemWidth(width);
  bool open = ImGui::BeginCombo(label, shown, ImGuiComboFlags_HeightLarge);
  if (!open) remember(shown);
  return open;
}

bool gui_option(const char* label, bool chosen) {
  bool used = ImGui::Selectable(label, chosen);
  remember(label);
  return used;
}

void gui_choice_end(void) {
  ImGui::EndCombo();
}

bool gui_field(const char* label, const char* hint, char* text, int size, float width, bool focus) {
  if (focus) ImGui::SetKeyboardFocusHere();
  ImGui::SetNextItemWidth(width);
  bool used = ImGui::InputTextWithHint(label, hint, text, (size_t)size, ImGuiInputTextFlags_EscapeClearsAll);
  remember(label);
  gui.field_done = ImGui::IsItemDeactivated();
  return used;
}

bool gui_field_done(void) {
  return gui.field_done;
}

bool gui_field_left_by(int key) {
  // Enter has ended it already.
  bool pressed = ImGui::IsKeyPressed(key_of(key));
  if (gui.field_done && pressed) return true;
  if (!ImGui::IsItemActive() || !pressed) return false;
  ImGui::ClearActiveID();
  return true;
}

bool gui_section(const char* label, bool open) {
  ImGui::PushFont(gui.bold, 0);
  ImGui::PushStyleColor(ImGuiCol_Header, gui.color[GUI_BACK]);
  bool shown = ImGui::CollapsingHeader(label, open ? ImGuiTreeNodeFlags_DefaultOpen : 0);
  ImGui::PopStyleColor();
  ImGui::PopFont();
  remember(label);
  return shown;
}

bool gui_line(const char* label, bool chosen, float height) {
  bool used = ImGui::Selectable(label, chosen,
                                ImGuiSelectableFlags_SpanAllColumns | ImGuiSelectableFlags_AllowOverlap,
                                ImVec2(0, height));
  remember(label);
  return used;
}

// A quarter of the button's size is the icon's own.
static void draw_icon(guiIcon icon, ImVec2 c, float r, guiRgba color) {
  ImDrawList* d = ImGui::GetWindowDrawList();
  float t = ImMax(1.5f, r * 0.3f);
  auto triangle = [&](float x, float way) {
    d->AddTriangleFilled(ImVec2(c.x + x - way * r * 0.6f, c.y - r), ImVec2(c.x + x - way * r * 0.6f, c.y + r),
                         ImVec2(c.x + x + way * r * 0.9f, c.y), color);
  };
  auto bar = [&](float x) {
    d->AddRectFilled(ImVec2(c.x + x - t / 2, c.y - r), ImVec2(c.x + x + t / 2, c.y + r), color);
  };
  auto line = [&](float x0, float y0, float x1, float y1) {
    d->AddLine(ImVec2(c.x + x0 * r, c.y + y0 * r), ImVec2(c.x + x1 * r, c.y + y1 * r), color, t);
  };

  switch (icon) {
    case GUI_ICON_PLAY:
      triangle(0, 1.2f);
      break;
    case GUI_ICON_PAUSE:
      bar(-r * 0.5f);
      bar(r * 0.5f);
      break;
    case GUI_ICON_START:
      triangle(r * 0.25f, -1);
      bar(-r);
      break;
    case GUI_ICON_END:
      triangle(-r * 0.25f, 1);
      bar(r);
      break;
    case GUI_ICON_STEP:
      line(-0.4f, -0.8f, 0.4f, 0);
      line(0.4f, 0, -0.4f, 0.8f);
      break;
    case GUI_ICON_BACK:
      line(0.4f, -0.8f, -0.4f, 0);
      line(-0.4f, 0, 0.4f, 0.8f);
      break;
    case GUI_ICON_NEXT:
      line(-0.8f, -0.8f, 0, 0);
      line(0, 0, -0.8f, 0.8f);
      bar(r * 0.7f);
      break;
    case GUI_ICON_PREVIOUS:
      line(0.8f, -0.8f, 0, 0);
      line(0, 0, 0.8f, 0.8f);
      bar(-r * 0.7f);
      break;
    case GUI_ICON_LOOP:
      d->PathArcTo(c, r * 0.85f, 0.6f, 5.6f, 20);
      d->PathStroke(color, t, 0);
      d->AddTriangleFilled(ImVec2(c.x + r * 0.25f, c.y - r * 0.75f), ImVec2(c.x + r * 1.15f, c.y - r * 0.95f),
                           ImVec2(c.x + r * 1.0f, c.y - r * 0.05f), color);
      break;
    case GUI_ICON_PLUS:
      line(-0.8f, 0, 0.8f, 0);
      line(0, -0.8f, 0, 0.8f);
      break;
    case GUI_ICON_MINUS:
      line(-0.8f, 0, 0.8f, 0);
      break;
    case GUI_ICON_FIT:
      bar(-r);
      bar(r);
      line(-0.7f, 0, 0.7f, 0);
      break;
    case GUI_ICON_CLOSE:
      line(-0.7f, -0.7f, 0.7f, 0.7f);
      line(-0.7f, 0.7f, 0.7f, -0.7f);
      break;
  }
}

bool gui_icon(const char* name, guiIcon icon, bool on) {
  float side = ImGui::GetFrameHeight();
  ImVec2 at = ImGui::GetCursorScreenPos(), end = ImVec2(at.x + side * 1.15f, at.y + side);

  bool used = ImGui::InvisibleButton(name, ImVec2(side * 1.15f, side));
  remember(name);

  guiRgba back = on                       ? gui.color[GUI_ACCENT]
                 : ImGui::IsItemActive()  ? gui_faded(gui.color[GUI_ACCENT], 0.5f)
                 : ImGui::IsItemHovered() ? gui.color[GUI_LINE]
                                          : gui.color[GUI_LANE];
  ImGui::GetWindowDrawList()->AddRectFilled(at, end, back, ImGui::GetStyle().FrameRounding);
  draw_icon(icon, ImVec2(roundf((at.x + end.x) / 2), roundf((at.y + end.y) / 2)), side * 0.22f,
            on ? IM_COL32_WHITE : gui.color[GUI_INK]);
  return used;
}

float gui_splitter(const char* name, bool upright, float x, float y, float length) {
  float half = ImMax(3.0f, gui_em() * 0.25f);
  guiBox box = upright ? guiBox{x - half, y, 2 * half, length} : guiBox{x, y - half, length, 2 * half};

  // A window of its own, over the parts that it lies between.
  ImGui::PushStyleVar(ImGuiStyleVar_WindowMinSize, ImVec2(1, 1));
  gui_panel(name, box, GUI_CLEAR);
  ImGui::PopStyleVar();
  ImGui::InvisibleButton(name, ImVec2(box.w, box.h));
  bool on = ImGui::IsItemActive() || ImGui::IsItemHovered();
  if (on) gui_point_with(upright ? GUI_LEFT_RIGHT : GUI_UP_DOWN);

  ImVec2 a = upright ? ImVec2(x, y) : ImVec2(x, y),
         b = upright ? ImVec2(x, y + length) : ImVec2(x + length, y);
  ImGui::GetWindowDrawList()->AddLine(a, b, gui.color[on ? GUI_ACCENT : GUI_LINE], on ? 3.0f : 1.0f);
  float by = !ImGui::IsItemActive() ? 0 : upright ? ImGui::GetIO().MouseDelta.x : ImGui::GetIO().MouseDelta.y;
  gui_panel_end();
  return by;
}

// ---- tables

bool gui_table(const char* name, int columns, bool sortable) {
  ImGuiTableFlags flags = ImGuiTableFlags_Resizable | ImGuiTableFlags_Hideable | ImGuiTableFlags_RowBg |
                          ImGuiTableFlags_ScrollY | ImGuiTableFlags_BordersInnerH |
                          ImGuiTableFlags_Reorderable | ImGuiTableFlags_NoBordersInBody |
                          (sortable ? ImGuiTableFlags_Sortable : 0);
  if (!ImGui::BeginTable(name, columns, flags)) return false;
  ImGui::TableSetupScrollFreeze(0, 1);
  return true;
}

void gui_table_end(void) {
  ImGui::EndTable();
}

void gui_column(const char* label, guiColumnKind kind, float width, int number, bool falls) {
  ImGuiTableColumnFlags flags =
      (kind == GUI_COLUMN_STRETCH ? ImGuiTableColumnFlags_WidthStretch | ImGuiTableColumnFlags_NoHide
                                  : ImGuiTableColumnFlags_WidthFixed) |
      (kind == GUI_COLUMN_HIDDEN ? ImGuiTableColumnFlags_DefaultHide : 0) |
      (falls ? ImGuiTableColumnFlags_PreferSortDescending : 0) |
      (number < 0 ? ImGuiTableColumnFlags_NoSort : 0) | (number == 0 ? ImGuiTableColumnFlags_DefaultSort : 0);
  ImGui::TableSetupColumn(label, flags, kind == GUI_COLUMN_STRETCH ? 0 : width, (ImGuiID)(number + 1));
}

void gui_table_head(void) {
  ImGui::TableNextRow(ImGuiTableRowFlags_Headers);
  for (int i = 0; i < ImGui::TableGetColumnCount(); i++) {
    if (!ImGui::TableSetColumnIndex(i)) continue;
    ImGui::TableHeader(ImGui::TableGetColumnName(i));
    remember(ImGui::TableGetColumnName(i));
    ImGui::SetItemTooltip("Click to sort by it, again for the other way round; right click chooses columns");
  }
}

bool gui_table_order(int* number, bool* falls) {
  ImGuiTableSortSpecs* specs = ImGui::TableGetSortSpecs();
  if (!specs || !specs->SpecsDirty || !specs->SpecsCount) return false;

  specs->SpecsDirty = false;
  *number = (int)specs->Specs[0].ColumnUserID - 1;
  *falls = specs->Specs[0].SortDirection == ImGuiSortDirection_Descending;
  return true;
}

void gui_table_set_order(int column, bool falls) {
  ImGui::TableSetColumnSortDirection(
      column, falls ? ImGuiSortDirection_Descending : ImGuiSortDirection_Ascending, false);
}

void gui_row(float height) {
  ImGui::TableNextRow(0, height);
}

bool gui_cell(void) {
  return ImGui::TableNextColumn();
}

void gui_rows(int n, float height) {
  gui.clipper.Begin(n, height);
}

bool gui_rows_next(int* first, int* last) {
  if (!gui.clipper.Step()) return false;
  *first = gui.clipper.DisplayStart;
  *last = gui.clipper.DisplayEnd;
  return true;
}

float gui_rows_seen(void) {
  return ImGui::GetWindowHeight() - ImGui::TableGetHeaderRowHeight();
}

int gui_rows_first(float height) {
  return (int)(ImGui::GetScrollY() / height);
}

void gui_rows_reveal(int place, float height) {
  float head = ImGui::TableGetHeaderRowHeight(), at = (float)place * height,
        seen = ImGui::GetWindowHeight() - head;

  if (at < ImGui::GetScrollY()) ImGui::SetScrollY(at);
  if (at + height > ImGui::GetScrollY() + seen) ImGui::SetScrollY(at + height - seen);
}

// ---- a canvas

void gui_canvas(guiCanvas* out, const char* name, guiBox box) {
  const ImGuiIO& io = ImGui::GetIO();
  memset(out, 0, sizeof *out);
  out->box = box;
  out->pressed = out->button = -1;
  out->mods = (io.KeyCtrl ? GUI_CONTROL : 0) | (io.KeyShift ? GUI_SHIFT : 0) | (io.KeyAlt ? GUI_ALT : 0);
  out->x = io.MousePos.x;
  out->y = io.MousePos.y;
  out->dx = io.MouseDelta.x;
  out->dy = io.MouseDelta.y;
  if (box.w < 1 || box.h < 1) return;

  ImGui::SetCursorScreenPos(ImVec2(box.x, box.y));
  ImGui::SetNextItemAllowOverlap();
  ImGui::InvisibleButton(name, ImVec2(box.w, box.h),
                         ImGuiButtonFlags_MouseButtonLeft | ImGuiButtonFlags_MouseButtonRight |
                             ImGuiButtonFlags_MouseButtonMiddle);
  out->hovered = ImGui::IsItemHovered();
  out->active = ImGui::IsItemActive();
  out->released = ImGui::IsItemDeactivated();
  out->wheel = out->hovered ? io.MouseWheel : 0;

  for (int b = 0; b < 3; b++) {
    if (out->active && ImGui::IsItemActivated() && ImGui::IsMouseClicked(b)) {
      out->pressed = b;
      out->twice = ImGui::IsMouseDoubleClicked(b);
    }
    if (out->active && io.MouseDown[b]) out->button = b;
  }
}

static ImDrawList* draw_list(void) {
  return ImGui::GetWindowDrawList();
}

void gui_draw_clip(guiBox b) {
  draw_list()->PushClipRect(ImVec2(b.x, b.y), ImVec2(b.x + b.w, b.y + b.h), true);
}

void gui_draw_clip_end(void) {
  draw_list()->PopClipRect();
}

void gui_draw_box(guiBox b, guiRgba color, float round) {
  draw_list()->AddRectFilled(ImVec2(b.x, b.y), ImVec2(b.x + b.w, b.y + b.h), color, round);
}

void gui_draw_line(float x0, float y0, float x1, float y1, float thick, guiRgba color) {
  draw_list()->AddLine(ImVec2(x0, y0), ImVec2(x1, y1), color, thick * ImGui::GetStyle().FontScaleDpi);
}

void gui_draw_dot(float x, float y, float radius, guiRgba color) {
  draw_list()->AddCircleFilled(ImVec2(x, y), radius, color);
}

void gui_draw_triangle(float x0, float y0, float x1, float y1, float x2, float y2, guiRgba color) {
  draw_list()->AddTriangleFilled(ImVec2(x0, y0), ImVec2(x1, y1), ImVec2(x2, y2), color);
}

void gui_draw_text(float x, float y, float width, guiRgba color, bool bold, const char* text) {
  if (bold) ImGui::PushFont(gui.bold, 0);

  ImVec2 size = ImGui::CalcTextSize(text), at = ImVec2(x, floorf(y - size.y / 2));
  if (width > 0 && size.x > width) {
    ImGui::PushStyleColor(ImGuiCol_Text, color);
    ImGui::RenderTextEllipsis(draw_list(), at, ImVec2(x + width, at.y + size.y), x + width, text, nullptr,
                              &size);
    ImGui::PopStyleColor();
  } else {
    draw_list()->AddText(at, color, text);
  }
  if (bold) ImGui::PopFont();
}

void gui_draw_image(unsigned int texture, guiBox b, bool upside_down) {
  draw_list()->AddImage((ImTextureID)texture, ImVec2(b.x, b.y), ImVec2(b.x + b.w, b.y + b.h),
                        ImVec2(0, upside_down ? 1.0f : 0.0f), ImVec2(1, upside_down ? 0.0f : 1.0f));
}

void gui_draw_behind(unsigned int texture, guiBox b) {
  ImGui::GetBackgroundDrawList()->AddImage((ImTextureID)texture, ImVec2(b.x, b.y),
                                           ImVec2(b.x + b.w, b.y + b.h), ImVec2(0, 1), ImVec2(1, 0));
}

// ---- plots

void gui_plots(void) {
  gui.aligned = ImPlot::BeginAlignedPlots("plots", true);
}

void gui_plots_end(void) {
  if (gui.aligned) ImPlot::EndAlignedPlots();
}

bool gui_plot(const char* name, float width, float height, double* first, double* last, bool x_labels,
              bool fit) {
  ImPlotAxisFlags common = ImPlotAxisFlags_NoMenus | ImPlotAxisFlags_NoSideSwitch | ImPlotAxisFlags_NoLabel;

  if (fit) ImPlot::SetNextAxisToFit(ImAxis_Y1);
  if (!ImPlot::BeginPlot(name, ImVec2(width, height), ImPlotFlags_CanvasOnly | ImPlotFlags_NoFrame))
    return false;

  ImPlot::SetupAxis(ImAxis_X1, nullptr,
                    common | ImPlotAxisFlags_NoInitialFit | (x_labels ? 0 : ImPlotAxisFlags_NoTickLabels));
  ImPlot::SetupAxisLinks(ImAxis_X1, first, last);
  ImPlot::SetupAxis(ImAxis_Y1, nullptr, common | ImPlotAxisFlags_AutoFit);
  ImPlot::SetupAxisFormat(ImAxis_Y1, "%.4g");
  ImPlot::SetupFinish();
  return true;
}

void gui_plot_line(const char* name, const double* y, int n, guiRgba color, float thick) {
  ImPlotSpec spec;
  spec.LineColor = vec4(color);
  spec.LineWeight = thick * ImGui::GetStyle().FontScaleDpi;
  ImPlot::PlotLine(name, y, n, 1, 0, spec);
}

void gui_plot_upright(double x, guiRgba color, float thick) {
  ImVec2 at = ImPlot::GetPlotPos(), size = ImPlot::GetPlotSize();
  float px = ImPlot::PlotToPixels(x, 0).x;
  if (px < at.x || px > at.x + size.x) return;
  ImPlot::PushPlotClipRect();
  ImPlot::GetPlotDrawList()->AddLine(ImVec2(px, at.y), ImVec2(px, at.y + size.y), color,
                                     thick * ImGui::GetStyle().FontScaleDpi);
  ImPlot::PopPlotClipRect();
}

void gui_plot_end(guiBox* box, bool* hovered, double* x, bool* clicked) {
  const ImGuiIO& io = ImGui::GetIO();
  ImVec2 at = ImPlot::GetPlotPos(), size = ImPlot::GetPlotSize();

  *box = guiBox{at.x, at.y, size.x, size.y};
  *hovered = ImPlot::IsPlotHovered();
  *x = ImPlot::GetPlotMousePos().x;
  *clicked = *hovered && ImGui::IsMouseReleased(0) &&
             io.MouseDragMaxDistanceSqr[0] < io.MouseDragThreshold * io.MouseDragThreshold;
  ImPlot::EndPlot();
}
