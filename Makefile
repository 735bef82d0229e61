# Demoloom. `make demo` and `make test` do everything on a fresh Debian 12 machine; `make help` lists the rest.

CONFIG        ?= release
DEMOLOOM_HOME ?= $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/demoloom
MUJOCO_DIR    ?= $(DEMOLOOM_HOME)/mujoco-4.0.0
PREFIX        ?= /usr/local
BUILD         := build$(if $(filter-out release,$(CONFIG)),-$(CONFIG))
export DEMOLOOM_HOME MUJOCO_DIR

CC       ?= cc
PKGS     := hdf5 yaml-0.1 libcjson libxml-2.0 libpng libavcodec libavformat libavutil libswscale muparser egl
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wmissing-prototypes -Wvla $(if $(CI),-Werror)
OPT_release := -O2
OPT_asan    := -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
MARCH    ?=
CFLAGS   ?= -g
override CFLAGS += -std=c17 $(OPT_$(CONFIG)) $(if $(MARCH),-march=$(MARCH)) -ffp-contract=off $(WARNINGS) -fopenmp
CPPFLAGS += -D_GNU_SOURCE -I. -isystem $(MUJOCO_DIR)/include -MMD -MP
CPPFLAGS += $(subst -I,-isystem ,$(shell pkg-config --cflags $(PKGS) 2>/dev/null))
LDFLAGS  += -fopenmp $(filter -fsanitize=%,$(OPT_$(CONFIG)))
LDLIBS   += -L$(MUJOCO_DIR)/lib -Wl,-rpath,$(MUJOCO_DIR)/lib -lmujoco $(shell pkg-config --libs $(PKGS) 2>/dev/null) -ldl -lm

LIB_SRC   := $(wildcard engine/*.c generators/*.c policies/*.c)
TOOL_SRC  := $(wildcard tools/*.c)
TEST_SRC  := $(wildcard tests/*/test_*.c)
FUZZ_SRC  := $(wildcard tests/fuzz/fuzz_*.c)
LIB_OBJ   := $(LIB_SRC:%.c=$(BUILD)/%.o)
TOOL_OBJ  := $(TOOL_SRC:%.c=$(BUILD)/%.o)
TESTS     := $(TEST_SRC:%.c=$(BUILD)/%)

all: $(BUILD)/demoloom

$(BUILD)/demoloom: $(TOOL_OBJ) $(BUILD)/libdemoloom.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/libdemoloom.a: $(LIB_OBJ)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(BUILD)/libdemoloom.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka

clean:
	rm -rf build build-*

.PHONY: all clean
.SECONDARY:
-include $(LIB_OBJ:.o=.d) $(TOOL_OBJ:.o=.d) $(TESTS:=.d)
