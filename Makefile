# Demoloom. `make demo` and `make test` do everything on a fresh Debian 12 machine; `make help` lists the rest.

CONFIG        ?= release
DEMOLOOM_HOME ?= $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/demoloom
MUJOCO_OURS   := $(DEMOLOOM_HOME)/mujoco-4.0.0
MUJOCO_DIR    ?= $(MUJOCO_OURS)
IMGUI_OURS    := $(DEMOLOOM_HOME)/imgui-1.93.0
IMGUI_DIR     ?= $(IMGUI_OURS)
CARQUET_OURS  := $(DEMOLOOM_HOME)/carquet-0.7.2
CARQUET_DIR   ?= $(CARQUET_OURS)
PREFIX        ?= /usr/local
BUILD         := build$(if $(filter-out release,$(CONFIG)),-$(CONFIG))
export DEMOLOOM_HOME MUJOCO_DIR

# As many jobs as cores, unless told otherwise; make's own -j cannot be seen here but in the command line.
ifeq (0,$(MAKELEVEL))
ifeq (,$(filter -j% --jobs%,$(shell tr '\0' ' ' </proc/$$PPID/cmdline)))
MAKEFLAGS += -j$(shell nproc)
endif
endif
MAKEFLAGS += --no-print-directory
Q := $(if $(V),,@)

CC       ?= cc
CXX      ?= c++
PKGS     := hdf5 yaml-0.1 libcjson libxml-2.0 libpng muparser cairo glfw3 openblas libprotobuf-c libseccomp zlib libzstd liblz4
# Loaded when the first video is made (engine/draw/libav.h), so that nothing else waits for them to be.
PKGS_LATE := libavcodec libavformat libavutil libswscale
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wmissing-prototypes -Wvla
# gcc warns of what is not there once sanitizers have rewritten the code, so the plain build alone is held to it.
WERROR   := $(if $(filter asan,$(CONFIG)),-Wno-format-truncation,$(if $(CI),-Werror))
comma := ,
OPT_release := -O2
OPT_asan    := -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
MARCH    ?=
# The schema of ONNX files: libonnx-dev's.
ONNX_PROTO ?= /usr/include/onnx/onnx.proto
CFLAGS   ?= $(if $(filter asan,$(CONFIG)),-g1,-g)
# Test programs, some hundred in each build, are linked by gold where it is there: in half the time.
LD_TEST  := $(if $(shell command -v ld.gold),-fuse-ld=gold)

# Targets that need neither packages nor MuJoCo. All others first make $(BUILD)/config.mk, which sets up what is
# missing; make then starts over with what pkg-config says now.
BARE := clean help lint
ifneq (,$(filter-out $(BARE),$(or $(MAKECMDGOALS),all)))
include $(BUILD)/config.mk
endif

# Position-independent for libdemoloom.so too; no slower, since calls within the library still go straight.
C_FLAGS   := -std=c17 $(OPT_$(CONFIG)) -fPIC -fno-semantic-interposition $(if $(MARCH),-march=$(MARCH)) -ffp-contract=off $(WARNINGS) $(WERROR) -fopenmp $(CFLAGS)
# No exceptions and no types at run time, so that nothing of C++ is left but its syntax.
CXX_FLAGS := -std=c++17 -fPIC -fno-exceptions -fno-rtti $(CFLAGS) -isystem $(IMGUI_DIR)/imgui -isystem $(IMGUI_DIR)/implot \
             -DIMGUI_USER_CONFIG='"tools/view/gui_config.h"'
CPP_FLAGS := -D_GNU_SOURCE -I. -isystem $(BUILD)/generated -isystem $(MUJOCO_DIR)/include $(PKG_CFLAGS) $(CPPFLAGS)
LD_FLAGS  := -fopenmp $(filter -fsanitize=%,$(OPT_$(CONFIG))) $(LDFLAGS)
LD_LIBS   := -L$(MUJOCO_DIR)/lib -lmujoco $(PKG_LIBS) -lmeshoptimizer -lpthread -ldl -lm $(LDLIBS)
VERSION   := 0.1.0
SONAME    := libdemoloom.so.0
RPATH     := -Wl,-rpath,$(abspath $(MUJOCO_DIR))/lib

LIB_SRC   := $(wildcard engine/*/*.c generators/*/*.c policies/*/*.c)
TOOL_SRC  := $(filter-out tools/python/%,$(wildcard tools/*.c tools/*/*.c))
# What Python calls, by way of a library of its own (tools/python/).
FLAT_SRC  := $(wildcard tools/python/*.c)
TEST_SRC  := $(wildcard tests/*/*/test_*.c)
BENCH_SRC := $(wildcard tests/*/*/bench_*.c)
FUZZ_SRC  := $(wildcard tests/fuzz/fuzz_*.c)
# Parquet files: carquet, without its special code for single processors.
CARQUET_SRC := $(wildcard $(addprefix $(CARQUET_DIR)/src/,core/*.c thrift/*.c encoding/*.c compression/*.c \
               simd/*.c reader/*.c writer/*.c metadata/*.c util/*.c))
CARQUET_OBJ := $(patsubst $(CARQUET_DIR)/src/%.c,$(BUILD)/carquet/%.o,$(CARQUET_SRC))
LIB_OBJ   := $(LIB_SRC:%.c=$(BUILD)/%.o) $(BUILD)/generated/onnx.pb-c.o $(CARQUET_OBJ)
# The window's widgets: Dear ImGui and ImPlot, C++, and the one file of ours that speaks it (tools/view/gui.cpp).
GUI_SRC   := $(wildcard $(addprefix $(IMGUI_DIR)/imgui/,imgui.cpp imgui_draw.cpp imgui_tables.cpp imgui_widgets.cpp \
             imgui_stacklayout.cpp backends/imgui_impl_opengl2.cpp) $(addprefix $(IMGUI_DIR)/implot/,implot.cpp implot_items.cpp))
GUI_OBJ   := $(patsubst %.cpp,$(BUILD)/imgui/%.o,$(notdir $(GUI_SRC))) $(BUILD)/tools/view/gui.o
FLAT_OBJ  := $(FLAT_SRC:%.c=$(BUILD)/%.o)
TOOL_OBJ  := $(TOOL_SRC:%.c=$(BUILD)/%.o) $(GUI_OBJ) $(BUILD)/tools/view/page.o
TESTS     := $(TEST_SRC:%.c=$(BUILD)/%)
BENCHES   := $(BENCH_SRC:%.c=$(BUILD)/%)
FUZZERS   := $(FUZZ_SRC:%.c=$(BUILD)/%)
FUZZ_OBJ  := $(addprefix $(BUILD)/tests/fuzz/,driver.o mutate.o parts.o)
# All of policies/ that computes with loomReal, in double: for tests that compare gradients with central differences.
DOUBLE    := $(filter-out %/safetensors.c %/safetensors_file.c,$(wildcard policies/nn/*.c)) $(wildcard policies/objective/*.c) \
             $(filter-out %/network_file.c %/watcher_file.c %/translated.c,$(wildcard policies/network/*.c)) policies/learn/supervised.c
DOUBLE_OBJ := $(DOUBLE:%.c=$(BUILD)/double/%.o)
GRADIENTS := $(addprefix $(BUILD)/tests/policies/,network/test_discriminator network/test_encoder network/test_translator network/test_watcher nn/test_gradient network/test_network_gradient \
             network/test_rl_gradient objective/test_adversarial objective/test_cycle objective/test_distribution)
ASAN      := $(BUILD)$(if $(filter-out asan,$(CONFIG)),-asan)

all: $(BUILD)/demoloom  ## set up what is missing and build build/demoloom

demo: $(BUILD)/demoloom assets  ## the main job: replay, segment, generate 200 demos, verify, render
	@mkdir -p demo
	$(BUILD)/demoloom replay handover
	$(BUILD)/demoloom segment handover
	$(BUILD)/demoloom generate handover -n 200 --seed 1 --resume -o demo/handover.hdf5 \
	  --report demo/handover-report.png
	$(BUILD)/demoloom verify demo/handover.hdf5
	$(BUILD)/demoloom render demo/handover.hdf5 --sheet demo/handover.png --overwrite
	@echo 'dataset: demo/handover.hdf5'
	@echo 'contact sheet: demo/handover.png'
	@echo 'report: demo/handover-report.png'

test: $(BUILD)/demoloom $(TESTS) assets asan-programs  ## all tests, plain and sanitized, with a fixed number of fuzzed inputs
	@tests/run.sh --plain tests/check_style.sh tests/check_circles.sh $(TESTS) $(wildcard tests/*/test_*.sh tests/*/*/test_*.sh) \
	  --quick $(TEST_SRC:%.c=$(ASAN)/%) --fuzz $(FUZZ_SRC:%.c=$(ASAN)/%)

asan: asan-programs assets  ## all tests at full length under the address and undefined-behaviour sanitizers
	@tests/run.sh --plain $(TEST_SRC:%.c=$(ASAN)/%) --fuzz $(FUZZ_SRC:%.c=$(ASAN)/%)

asan-programs:
	@$(MAKE) CONFIG=asan BUILD=$(ASAN) test-programs

test-programs: $(BUILD)/demoloom $(TESTS) $(FUZZERS)

INPUTS ?= 100000
SEED   ?= 1
fuzz: asan-fuzzers  ## fuzz all targets for long, sanitized; resumable (INPUTS=100000 in all, SEED=1)
	@tests/fuzz/long.sh $(ASAN) $(INPUTS) $(SEED)

asan-fuzzers:
	@$(MAKE) CONFIG=asan BUILD=$(ASAN) fuzzers

fuzzers: $(FUZZERS)

values: $(BUILD)/demoloom $(BUILD)/tests/values/hash_values assets  ## every array and weight against the hashes recorded on this kind of processor
	@tests/values/run.sh $<

bench: $(BENCHES) assets  ## benchmarks, one after the other
	@set -e; for bench in $(BENCHES); do echo "$$bench"; $$bench; done

bench-train: $(BUILD)/tests/policies/bench_nn  ## our networks against PyTorch's on the CPU, 2 threads (fetches PyTorch: 5 GB on disk)
	@tests/torch/run.sh $<

bench-rl: $(BUILD)/demoloom assets  ## processor time of a step of PPO against Stable-Baselines3's (fetches it and PyTorch: 6 GB on disk)
	@tests/gym/bench.sh $<

PACKS ?= 1 2 3 4
SEEDS ?= 1,2,3,4,5,6,7,8,9,10
bench-pacgan: $(BUILD)/demoloom  ## PacGAN's ring and grid with networks and steps of the paper's size: hours a run (PACKS="1 2 3 4" SEEDS=1,2,...)
	@set -e; for toy in ring grid; do for pack in $(PACKS); do echo "$$toy, packs of $$pack:"; \
	  $< gail --toy $$toy --pack $$pack --generator 400,400,400,400 --hidden 200,200,200 --batch 100 --rate 1e-4 \
	    --critic-rate 1e-4 --critic-steps 1 --beta1 0.8 -n 400000 --every 20000 --seeds $(SEEDS); done; done

watch: $(BUILD)/demoloom  ## policies by rewards from video, and across tools, in small scenes (tests/watch/run.sh): tables, in build/watch, an hour of one core (REACH= PUSH= WATCH= JOBS=)
	@tests/watch/run.sh $< $(BUILD)/watch

report: $(BUILD)/demoloom assets  ## success and quality of all scenes as a table (ATTEMPTS=200 SEED=1 RESETS= TASKS=)
	@tools/table.sh $(BUILD)/demoloom report

policies: $(BUILD)/demoloom assets  ## what each task's policies learn from generated demos, as a table: hours (TASKS= RESETS="D0 D1 D2" DEMOS=1000 SEEDS="1 2 3" N=100 KINDS=diffusion_mlp SEES="poses images clouds", tools/policies.sh)
	@tools/policies.sh $(BUILD)/demoloom report/policies

finetuned: $(BUILD)/demoloom assets  ## every task's policy of generated demos before and after finetuning, as a table: hours (TASKS= DEMOS=300 STEPS=400000 RESET=D2 N=300 SEED=1)
	@tools/finetuned.sh $(BUILD)/demoloom report/finetuned

real: $(BUILD)/demoloom assets  ## from "real" recordings to simulation and back, every stage left out beside it, as a table: many hours (RECORDED=15 STEPS=400000 N=200 SEED=1, tools/real.sh)
	@tools/real.sh $(BUILD)/demoloom report/real

LINT_SRC ?= $(sort $(shell git ls-files "*.c"))
lint:  ## formatting, clang-tidy, includes that go against the arrows
	@tools/setup.sh lint
	@wrong=0; clang-format-14 --dry-run -Werror $(LINT_SRC) $(sort $(shell git ls-files "*.h" "*.cpp")) || wrong=1; \
	  tests/check_includes.sh || wrong=1; tests/check_style.sh || wrong=1; $(MAKE) tidy || wrong=1; exit $$wrong

# gcc's omp.h does for clang; -idirafter keeps the rest of gcc's headers behind clang's own.
tidy: $(BUILD)/generated/onnx.pb-c.h
	@printf '%s\n' $(LINT_SRC) | xargs -P $$(nproc) -I FILE clang-tidy-14 --quiet --warnings-as-errors='*' FILE -- \
	  -std=c17 -fopenmp -idirafter $(shell $(CC) -print-file-name=include) $(CPP_FLAGS) -isystem $(CARQUET_DIR)/include

install: $(BUILD)/install/demoloom $(BUILD)/install/libdemoloom.so $(BUILD)/libdemoloom.a $(BUILD)/demoloom  ## program, library, headers, man page, completion and scenes into PREFIX (/usr/local)
	@tools/install.sh $(BUILD) '$(DESTDIR)' '$(abspath $(PREFIX))' '$(MUJOCO_DIR)' $(VERSION) $(SONAME) '$(PKG_LIBS)' '$(IMGUI_DIR)' '$(CARQUET_DIR)'

clean:  ## remove what was built
	rm -rf build build-*

help:  ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /  make \1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 20
	@echo 'Variables: CONFIG=release|asan MUJOCO_DIR= IMGUI_DIR= CARQUET_DIR= DEMOLOOM_HOME= PREFIX= MARCH= CFLAGS= V=1 CI=true (warnings are errors)'

assets:
	@for set in robosuite robosuite15 gymnasium gym_aloha; do \
	  tools/fetch.sh --check $$set || { tools/setup.sh fetch && tools/fetch.sh $$set; } || exit 1; done

$(BUILD)/config.mk: tools/setup.sh Makefile | $(IMGUI_DIR)/imgui/imgui.h $(CARQUET_DIR)/include/carquet/carquet.h
	@tools/setup.sh build
	@mkdir -p $(@D)
	@pkg-config --exists --print-errors $(PKGS) $(PKGS_LATE)
	@{ echo "PKG_CFLAGS := $$(pkg-config --cflags $(PKGS) $(PKGS_LATE) | sed 's/-I/-isystem /g')"; \
	   echo "PKG_LIBS := $$(pkg-config --libs $(PKGS))"; } >$@.tmp && mv $@.tmp $@

$(MUJOCO_DIR)/include/mujoco/mujoco.h:
ifeq ($(MUJOCO_DIR),$(MUJOCO_OURS))
	@tools/setup.sh build fetch && tools/fetch.sh mujoco
else
	@echo 'MUJOCO_DIR=$(MUJOCO_DIR) has no include/mujoco/mujoco.h; name the folder MuJoCo 4.0.0 was unpacked to' >&2; exit 1
endif

$(IMGUI_DIR)/imgui/imgui.h: | $(MUJOCO_DIR)/include/mujoco/mujoco.h
ifeq ($(IMGUI_DIR),$(IMGUI_OURS))
	@tools/setup.sh build fetch && tools/fetch.sh imgui
else
	@echo 'IMGUI_DIR=$(IMGUI_DIR) has no imgui/imgui.h; name the folder that has imgui/, implot/ and fonts/ (Roboto)' >&2; exit 1
endif

$(CARQUET_DIR)/include/carquet/carquet.h: | $(MUJOCO_DIR)/include/mujoco/mujoco.h
ifeq ($(CARQUET_DIR),$(CARQUET_OURS))
	@tools/setup.sh build fetch && tools/fetch.sh carquet
else
	@echo 'CARQUET_DIR=$(CARQUET_DIR) has no include/carquet/carquet.h; name the folder that has include/ and src/ of carquet 0.7.2' >&2; exit 1
endif

# What `demoloom --version` tells of this build; a new commit compiles one file again.
$(BUILD)/generated/demoloom_build.h: FORCE
	@mkdir -p $(@D)
	@{ echo '#define BUILD_COMMIT "$(shell git describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)"'; \
	   echo '#define BUILD_COMPILER "$(shell $(CC) --version | head -n 1)"'; \
	   echo '#define BUILD_FLAGS "$(strip $(C_FLAGS))"'; } >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(BUILD)/tools/shared/build_info.o: $(BUILD)/generated/demoloom_build.h

# Compiled models kept between runs (engine/base/cache.h) are those of this very code.
MODEL_SRC := $(sort $(wildcard engine/model/*.[ch] engine/scene/*.[ch]))
$(BUILD)/engine/model/made_from.o: $(MODEL_SRC)
$(BUILD)/engine/model/made_from.o: CPP_FLAGS += -DLOOM_MODEL_CODE='"$(shell cat $(MODEL_SRC) | sha256sum | cut -c 1-16)"'

# Other flags than last time: everything is compiled again.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@flags='$(CC) $(CPP_FLAGS) $(C_FLAGS) $(IMGUI_DIR)'; [ "$$flags" = "$$(cat $@ 2>/dev/null)" ] || echo "$$flags" >$@

# What Dear ImGui and ImPlot allocate with; MuJoCo needs it anyway.
$(BUILD)/demoloom $(BUILD)/install/demoloom $(BUILD)/tests/fuzz/fuzz_teleop: LD_LIBS += -lstdc++

# The program and what it is linked with are replaced in one go: tests that run meanwhile find the one or the other.
$(BUILD)/demoloom: $(TOOL_OBJ) $(BUILD)/libdemoloom.a
	$(if $(V),,@echo '  LD $@')
	$(Q)$(CC) $(LD_FLAGS) -o $@.new $^ $(LD_LIBS) $(RPATH) && mv -f $@.new $@

$(BUILD)/install/demoloom: $(TOOL_OBJ) $(BUILD)/libdemoloom.a
	@mkdir -p $(@D)
	$(if $(V),,@echo '  LD $@')
	$(Q)$(CC) $(LD_FLAGS) -o $@ $^ $(LD_LIBS) '-Wl,-rpath,$$ORIGIN/../lib/demoloom'

# Only loom_* can be linked against.
$(BUILD)/install/libdemoloom.so: $(LIB_OBJ)
	@mkdir -p $(@D)
	$(if $(V),,@echo '  LD $@')
	@echo '{ global: loom_*; local: *; };' >$(@D)/symbols.map
	$(Q)$(CC) -shared -Wl,-soname,$(SONAME) -Wl,--version-script,$(@D)/symbols.map -Wl,-z,defs -Wl,--as-needed \
	  $(LD_FLAGS) -o $@ $^ $(LD_LIBS) '-Wl,-rpath,$$ORIGIN/demoloom'

# The same with the flat face, for Python, with paths of this machine: the wheel gets others.
$(BUILD)/libdemoloom.so: $(LIB_OBJ) $(FLAT_OBJ)
	$(if $(V),,@echo '  LD $@')
	@echo '{ global: loom_*; local: *; };' >$(BUILD)/symbols.map
	$(Q)$(CC) -shared -Wl,-soname,$(SONAME) -Wl,--version-script,$(BUILD)/symbols.map -Wl,-z,defs -Wl,--as-needed \
	  $(LD_FLAGS) -o $@.new $^ $(LD_LIBS) $(RPATH) && mv -f $@.new $@

wheel: $(BUILD)/libdemoloom.so  ## build/wheel/demoloom-VERSION-py3-none-*.whl, the Python package with all that it needs
	@tools/python/wheel.sh $< $(BUILD)/wheel $(VERSION) '$(MUJOCO_DIR)' '$(CARQUET_DIR)'

$(BUILD)/libdemoloom.a: $(LIB_OBJ)
	@rm -f $@.new
	$(Q)ar rcs $@.new $^ && mv -f $@.new $@

$(BUILD)/generated/onnx.pb-c.h: $(ONNX_PROTO)
	@mkdir -p $(@D)
	$(Q)protoc-c --proto_path=$(dir $<) --c_out=$(@D) $(notdir $<)

$(BUILD)/generated/onnx.pb-c.c: $(BUILD)/generated/onnx.pb-c.h ;

$(BUILD)/generated/onnx.pb-c.o: $(BUILD)/generated/onnx.pb-c.c $(BUILD)/flags
	$(if $(V),,@echo '  CC $@')
	$(Q)$(CC) $(CPP_FLAGS) $(C_FLAGS) -w -c -o $@ $<

$(BUILD)/policies/export/onnx_graph.o $(BUILD)/policies/export/onnx_file.o: $(BUILD)/generated/onnx.pb-c.h

# Other people's code: as it is, without our warnings. Watching it for undefined behavior too takes minutes to compile.
define gui_object
	@mkdir -p $(@D)
	$(if $(V),,@echo '  CXX $@')
	$(Q)$(CXX) -I. $(filter-out -fno-sanitize-recover=undefined,$(subst $(comma)undefined,,$(OPT_$(CONFIG)))) $(CXX_FLAGS) -w -c -o $@ $<
endef
$(BUILD)/imgui/%.o: $(IMGUI_DIR)/imgui/%.cpp tools/view/gui_config.h $(BUILD)/flags
	$(gui_object)
$(BUILD)/imgui/%.o: $(IMGUI_DIR)/imgui/backends/%.cpp tools/view/gui_config.h $(BUILD)/flags
	$(gui_object)
$(BUILD)/imgui/%.o: $(IMGUI_DIR)/implot/%.cpp tools/view/gui_config.h $(BUILD)/flags
	$(gui_object)

$(BUILD)/engine/data/parquet_%.o: CPP_FLAGS += -isystem $(CARQUET_DIR)/include

$(BUILD)/carquet/%.o: $(CARQUET_DIR)/src/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(if $(V),,@echo '  CC $@')
	$(Q)$(CC) -D_GNU_SOURCE -I$(CARQUET_DIR)/include -I$(CARQUET_DIR)/src $(PKG_CFLAGS) -std=c17 -DNDEBUG -fPIC -ffp-contract=off \
	  $(filter-out -fno-sanitize-recover=undefined,$(subst $(comma)undefined,,$(OPT_$(CONFIG)))) $(CFLAGS) -w -c -o $@ $<

# The font goes into the program: an array a file.
$(BUILD)/generated/gui_fonts.h: $(IMGUI_DIR)/fonts/Roboto-Regular.ttf $(IMGUI_DIR)/fonts/Roboto-Bold.ttf
	@mkdir -p $(@D)
	@{ for font in Regular Bold; do echo "static const unsigned char gui_font_$$font[] = {"; \
	   od -An -v -tu1 $(IMGUI_DIR)/fonts/Roboto-$$font.ttf | sed 's/ *\([0-9][0-9]*\)/\1,/g'; echo '};'; done; } >$@.tmp && mv $@.tmp $@

$(BUILD)/tools/view/gui.o: tools/view/gui.cpp $(BUILD)/generated/gui_fonts.h $(BUILD)/flags
	@mkdir -p $(@D)
	$(if $(V),,@echo '  CXX $@')
	$(Q)$(CXX) -I. -isystem $(BUILD)/generated -MMD -MP $(OPT_$(CONFIG)) $(CXX_FLAGS) -Wall -Wextra -Wpedantic -Wshadow -Wconversion $(WERROR) -c -o $@ $<

# Nobody looks at floating-point exception flags or errno there; gcc vectorises no loop with a comparison or a square
# root while somebody might.
$(BUILD)/policies/%.o $(BUILD)/double/%.o $(BUILD)/tests/policies/%.o: C_FLAGS += -fno-trapping-math -fno-math-errno

$(BUILD)/double/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(if $(V),,@echo '  CC $@')
	$(Q)$(CC) $(CPP_FLAGS) -DLOOM_DOUBLE -MMD -MP $(C_FLAGS) -c -o $@ $<

# The page as bytes: its first, and what follows its last.
$(BUILD)/tools/view/page.o: tools/view/page.html
	@mkdir -p $(@D)
	$(if $(V),,@echo '  LD $@')
	$(Q)$(LD) -r -b binary -z noexecstack -o $@ $< --defsym=view_page_html=_binary_tools_view_page_html_start \
	  --defsym=view_page_html_end=_binary_tools_view_page_html_end

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(if $(V),,@echo '  CC $@')
	$(Q)$(CC) $(CPP_FLAGS) -MMD -MP $(C_FLAGS) -c -o $@ $<

# It calls the command itself.
$(BUILD)/tests/fuzz/fuzz_teleop: $(filter-out %/main.o,$(TOOL_OBJ))

$(TESTS) $(FUZZERS): LD_FLAGS += $(LD_TEST)

$(FUZZERS): %: %.o $(FUZZ_OBJ) $(BUILD)/libdemoloom.a
	$(if $(V),,@echo '  LD $@')
	$(Q)$(CC) $(LD_FLAGS) -o $@ $(filter-out %.a,$^) $(filter %.a,$^) $(LD_LIBS) $(RPATH)

# Before the library, whose float ones then stay out of it.
$(GRADIENTS): %: %.o $(DOUBLE_OBJ) $(BUILD)/libdemoloom.a
	$(if $(V),,@echo '  LD $@')
	$(Q)$(CC) $(LD_FLAGS) -o $@ $^ $(LD_LIBS) $(RPATH) -lcmocka

# Parts of the program, beside the library.
TOOL_TESTS := $(addprefix $(BUILD)/tests/tools/,shared/test_options shared/test_overlay shared/test_launcher \
                command/test_weave_plan python/test_flat)
$(BUILD)/tests/tools/shared/test_options: $(addprefix $(BUILD)/tools/shared/,options.o common.o file_kind.o)
$(BUILD)/tests/tools/shared/test_overlay: $(addprefix $(BUILD)/tools/shared/,overlay.o annotation.o)
$(BUILD)/tests/tools/shared/test_launcher: $(addprefix $(BUILD)/tools/shared/,launcher.o common.o file_kind.o)
$(BUILD)/tests/tools/command/test_weave_plan: $(BUILD)/tools/command/weave_plan.o
$(BUILD)/tests/tools/python/test_flat: $(FLAT_OBJ)
$(TOOL_TESTS): %: %.o $(BUILD)/libdemoloom.a
	$(if $(V),,@echo '  LD $@')
	$(Q)$(CC) $(LD_FLAGS) -o $@ $(filter-out %.a,$^) $(filter %.a,$^) $(LD_LIBS) $(RPATH) -lcmocka

# One decodes what was written, the other encodes what is read.
$(BUILD)/tests/engine/draw/test_video $(BUILD)/tests/engine/draw/test_film: LD_LIBS += $(shell pkg-config --libs $(PKGS_LATE))

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(BUILD)/libdemoloom.a
	$(if $(V),,@echo '  LD $@')
	$(Q)$(CC) $(LD_FLAGS) -o $@ $^ $(LD_LIBS) $(RPATH) -lcmocka

.PHONY: all policies finetuned real demo test values asan asan-programs asan-fuzzers fuzz fuzzers test-programs bench bench-train bench-pacgan watch report lint tidy install clean help assets FORCE
.SECONDARY:
.DELETE_ON_ERROR:
-include $(LIB_OBJ:.o=.d) $(DOUBLE_OBJ:.o=.d) $(TOOL_OBJ:.o=.d) $(TESTS:=.d) $(BENCHES:=.d) $(FUZZERS:=.d) $(FUZZ_OBJ:.o=.d)
