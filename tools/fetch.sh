#!/usr/bin/env bash
# Fetch what Demoloom does not ship into its cache folder, once: `tools/fetch.sh mujoco|imgui|carquet|robosuite|robosuite15|gymnasium|gym_aloha|coacd`.
# `--check NAME` only tells (exit status 0: it is all there). Nothing is contacted when it is.
#
# Packages are named, never their hosts: pip knows where its index is. It is asked for the file's address, so that curl
# can take a broken download up where it stopped; what pip alone can reach (an index with a log-in) pip downloads.
set -u -o pipefail

cache=${DEMOLOOM_HOME:-${XDG_CACHE_HOME:-${HOME:?set HOME or DEMOLOOM_HOME}/.cache}/demoloom}

die() {
  printf 'fetch: %s: %s\n' "$name" "$1" >&2
  exit 1
}
say() { printf 'fetch: %s\n' "$1" >&2; }

# What a name stands for: the wheel or source archive, pinned, what to take out of it, and the files that tell it is whole.
describe() {
  kind=(--only-binary :all:)
  case $1 in
    mujoco)
      package=mujoco-core version=4.0.0 folder=mujoco-4.0.0 unpacked_mb=10
      case $(uname -m) in
        x86_64)
          wheel=mujoco_core-4.0.0-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl
          sha256=885bd9b9cc0a6b5ba1114923eb954027652a6a0c115fa46b3218b83bae72ac4f size=9557231
          ;;
        aarch64)
          wheel=mujoco_core-4.0.0-cp311-cp311-manylinux_2_27_aarch64.manylinux_2_28_aarch64.whl
          sha256=34de0c1674caa95abd3a0214ded4461e688150fbaa015b2db523d553b7411c3b size=8913227
          ;;
        *) die "no MuJoCo is packaged for $(uname -m); build it yourself and set MUJOCO_DIR to its folder" ;;
      esac
      # The library in it is plain C and serves every Python, or none.
      pip_target=(--platform "manylinux_2_28_$(uname -m)" --python-version 3.11 --implementation cp --abi cp311)
      take=('mujoco/include/*' 'mujoco/libmujoco.so*' '*.dist-info/licenses/*')
      whole=(include/mujoco/mujoco.h lib/libmujoco.so lib/libmujoco.so.4.0.0)
      ;;
    imgui)  # what the viewer's window is made of: Dear ImGui, ImPlot and a font, as sources
      package=imgui-bundle version=1.93.0 folder=imgui-1.93.0 unpacked_mb=6
      wheel=imgui_bundle-1.93.0.tar.gz
      sha256=10ad1dab8258a6787b4f07bb926b08d0efc648a7906242568c8dd778c5e719bf size=53834676
      kind=(--no-binary "$package") pip_target=()
      local in=imgui_bundle-1.93.0
      take=("$in/LICENSE" "$in/external/imgui/imgui/*.cpp" "$in/external/imgui/imgui/*.h" "$in/external/imgui/imgui/LICENSE.txt"
        "$in/external/implot/implot/*.cpp" "$in/external/implot/implot/*.h" "$in/external/implot/implot/LICENSE"
        "$in/bindings/imgui_bundle/assets/fonts/Roboto/*")
      whole=(imgui/imgui.h imgui/imgui.cpp imgui/backends/imgui_impl_opengl2.cpp implot/implot.h implot/implot_items.cpp
        fonts/Roboto-Regular.ttf fonts/Roboto-Bold.ttf)
      ;;
    carquet)  # reads and writes Parquet; C sources
      package=carquet version=0.7.2 folder=carquet-0.7.2 unpacked_mb=3
      wheel=carquet-0.7.2.tar.gz
      sha256=5d57c00217906e672fe8b569d8a24c6cbd6d1ab7736d56057e9b884f1a043e7d size=446373
      kind=(--no-binary "$package") pip_target=()
      take=('carquet-0.7.2/native/include/*' 'carquet-0.7.2/native/src/*' 'carquet-0.7.2/native/LICENSE')
      whole=(include/carquet/carquet.h src/reader/file_reader.c src/writer/file_writer.c src/util/xxhash.c LICENSE)
      ;;
    robosuite)
      package=robosuite version=1.4.1 folder=robosuite-1.4.1 unpacked_mb=160
      wheel=robosuite-1.4.1-py3-none-any.whl
      sha256=62587cd5888d9d3d813f3ffcc7017f6f77efa618952527a0b9bb139ffd0a3741 size=193518002
      pip_target=()
      local in=robosuite/models/assets
      take=("$in/demonstrations/handover/*" "$in/robots/panda/*" "$in/grippers/meshes/panda_gripper/*"
        "$in/grippers/panda_gripper.xml" "$in/mounts/rethink_mount.xml"
        "$in/mounts/meshes/rethink_mount/*" "$in/textures/*" '*.dist-info/LICENSE')
      in=models/assets
      whole=("$in/demonstrations/handover/panda_panda/demo.hdf5" "$in/robots/panda/meshes/link7_vis.stl"
        "$in/grippers/meshes/panda_gripper/hand_vis.stl" "$in/mounts/meshes/rethink_mount/pedestal.stl"
        "$in/grippers/panda_gripper.xml" "$in/mounts/rethink_mount.xml" "$in/robots/panda/robot.xml"
        "$in/textures/wood-tiles.png")
      ;;
    robosuite15)  # dexterous hands, and the arms they are put on
      package=robosuite version=1.5.2 folder=robosuite-1.5.2 unpacked_mb=80
      wheel=robosuite-1.5.2-py3-none-any.whl
      sha256=b9e02df55de8949739de6ba1d196d2ba59cf33c51a76efcfbe5c2f73cdcf99ce size=156827641
      pip_target=()
      local in=robosuite/models/assets
      take=("$in/robots/panda/*" "$in/bases/rethink_mount.xml" "$in/bases/meshes/rethink_mount/*"
        "$in/robots/gr1/*" "$in/grippers/inspire_*.xml" "$in/grippers/meshes/inspire_hands/*" '*.dist-info/licenses/*')
      in=models/assets
      whole=("$in/robots/panda/robot.xml" "$in/robots/gr1/robot.xml" "$in/grippers/inspire_left_hand.xml" "$in/grippers/inspire_right_hand.xml"
        "$in/grippers/meshes/inspire_hands/lh_base_link.STL" "$in/bases/rethink_mount.xml")
      ;;
    gymnasium)  # models of plain control tasks
      package=gymnasium version=1.4.0 folder=gymnasium-1.4.0 unpacked_mb=1
      wheel=gymnasium-1.4.0-py3-none-any.whl
      sha256=1cb947c59e7c72d8eabb2c2274c00cd20948e69f8452a9ef4092223be24fdf0e size=476306
      pip_target=()
      take=('gymnasium/envs/mujoco/assets/*' '*.dist-info/licenses/*')
      whole=(half_cheetah.xml hopper.xml inverted_double_pendulum.xml pusher_v5.xml walker2d_v5.xml LICENSE)
      ;;
    gym_aloha)  # ALOHA's two ViperX arms and what they do there
      package=gym-aloha version=0.1.5 folder=gym_aloha-0.1.5 unpacked_mb=2
      wheel=gym_aloha-0.1.5-py3-none-any.whl
      sha256=1794dd9a1146268a9b56f4a4931bcba69ca27714c2ac9ac146e471801bf0c7b3 size=447936
      pip_target=()
      take=('gym_aloha/assets/*' '*.dist-info/licenses/*')
      whole=(bimanual_viperx_transfer_cube.xml bimanual_viperx_insertion.xml scene.xml vx300s_dependencies.xml vx300s_left.xml
        vx300s_right.xml tabletop.stl vx300s_1_base.stl vx300s_9_gripper_bar.stl vx300s_10_custom_finger_right.stl LICENSE)
      ;;
    coacd)  # convex decomposition, for `demoloom twin`
      package=coacd version=1.0.14 folder=coacd-1.0.14 unpacked_mb=14
      case $(uname -m) in
        x86_64)
          wheel=coacd-1.0.14-cp39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl
          sha256=6c135b717af096523bbebf1fd8d326e8950c024237fe9806ad46dedd8b4c31f0 size=2651838
          ;;
        aarch64)
          wheel=coacd-1.0.14-cp39-abi3-manylinux_2_17_aarch64.manylinux2014_aarch64.whl
          sha256=1242941fc9d49ebcb0368c68f31c86e278b9a6f1a255d11da2f1668797e2626e size=2584591
          ;;
        *) die "no CoACD is packaged for $(uname -m)" ;;
      esac
      # The library in it is plain C and needs no Python.
      pip_target=(--platform "manylinux2014_$(uname -m)" --python-version 3.11 --implementation cp --abi abi3)
      take=('coacd/lib_coacd.so' 'coacd.libs/*' '*.dist-info/LICENSE')
      whole=(coacd/lib_coacd.so)
      ;;
    *) die "nothing goes by this name; there are mujoco, imgui, carquet, robosuite, robosuite15, gymnasium, gym_aloha and coacd" ;;
  esac
}

is_whole() {
  local file
  for file in "${whole[@]}"; do
    [ -s "$cache/$folder/$file" ] || return 1
  done
}

find_pip() {
  local python
  for python in python3 /usr/bin/python3; do
    if "$python" -m pip --version >/dev/null 2>&1; then
      pip=("$python" -m pip --disable-pip-version-check --no-input --retries 2)
      return
    fi
  done
  die "pip is missing; as root, run: apt-get install -y python3-pip"
}

# The space the cache's disk must still have: the rest of the wheel and what is unpacked from it.
check_space() {
  local have need
  have=$(($(stat -f -c '%a * %S' "$cache") / 1048576)) || return 0
  need=$((unpacked_mb + (size - $(stat -c %s "$part" 2>/dev/null || echo 0)) / 1048576 + 1))
  [ "$have" -ge "$need" ] || die "$cache has $have MB left and $need MB are needed; free some or set DEMOLOOM_HOME"
}

matches() { [ "$(sha256sum <"$1" | cut -d ' ' -f 1)" = "$sha256" ]; }

address() {
  "${pip[@]}" index versions "$package" -vv "${pip_target[@]}" "${kind[@]}" 2>&1 |
    sed -n "s|.*Found link \([^ #]*/$wheel\)[ #].*|\1|p" | grep -v '\*\*\*\*' | head -n 1
}

with_curl() {
  local progress=(--silent --show-error) url
  command -v curl >/dev/null || return 1
  url=$(address)
  [ -n "$url" ] || return 1
  [ -t 2 ] && progress=(--progress-bar)
  for _ in 1 2; do
    # A part as long as the whole, or longer, has no rest to ask for.
    if [ "$(stat -c %s "$part" 2>/dev/null || echo 0)" -lt "$size" ]; then
      curl --fail --location --retry 3 --connect-timeout 30 --speed-limit 1000 --speed-time 60 \
        "${progress[@]}" --continue-at - --output "$part" "$url"
      case $? in
        0) ;;
        23) die "cannot write $part: the disk is full or read-only" ;;
        18 | 28 | 56) die "the download broke off; what came is kept, so run this again to go on" ;;
        33) rm -f "$part" && continue ;; # no resuming there: from the start
        *) return 1 ;;
      esac
    fi
    matches "$part" && return 0
    # What was left of an earlier download may have been damaged: once more, from the start.
    rm -f "$part"
  done
  die "what was downloaded is not $wheel as it was pinned (sha256 differs); nothing was installed"
}

# pip repeats itself for lines on end: the operating system's or TLS's own word, or else its last error.
why_not() {
  { grep -oE '\[(Errno|SSL)[^]]*\][^()'"'"']*|Read timed out' "$1" || grep ERROR "$1" || tail -n 1 "$1"; } |
    tail -n 1 | cut -c 1-200
}

with_pip() {
  local log=$tmp/pip.log
  printf '%s==%s --hash=sha256:%s\n' "$package" "$version" "$sha256" >"$tmp/pin.txt"
  if ! "${pip[@]}" download --quiet --no-deps --no-cache-dir "${kind[@]}" "${pip_target[@]}" --require-hashes \
    --requirement "$tmp/pin.txt" --dest "$tmp" >"$log" 2>&1; then
    grep -q 'THESE PACKAGES DO NOT MATCH' "$log" &&
      die "what was downloaded is not $wheel as it was pinned (sha256 differs); nothing was installed"
    grep -q 'No space left' "$log" && die "cannot write $tmp: the disk is full"
    die "no download; what has come is kept, run this again when the network is there; pip says: $(why_not "$log")"
  fi
  mv "$tmp/$wheel" "$part"
}

unpack() {
  local into=$tmp/$folder
  mkdir "$tmp/wheel" "$into" || die "cannot write $tmp"
  local complaint open=(unzip -q "$part" "${take[@]}" -d "$tmp/wheel")
  case $wheel in *.tar.gz) open=(tar -xzf "$part" -C "$tmp/wheel" --wildcards --no-same-owner "${take[@]}") ;; esac
  complaint=$("${open[@]}" 2>&1 </dev/null) ||
    die "cannot unpack $wheel: $(tr -s '\n' ' ' <<<"$complaint" | cut -c 1-200)"
  case $name in
    mujoco)
      mkdir "$into/lib" && mv "$tmp"/wheel/mujoco/include "$into/" && mv "$tmp"/wheel/mujoco/libmujoco.so* "$into/lib/" &&
        ln -s libmujoco.so.4.0.0 "$into/lib/libmujoco.so" && mv "$tmp"/wheel/*.dist-info/licenses/* "$into/"
      ;;
    imgui)
      local from=$tmp/wheel/imgui_bundle-1.93.0
      mkdir "$into/imgui" "$into/imgui/backends" "$into/implot" "$into/fonts" &&
        mv "$from"/external/imgui/imgui/*.cpp "$from"/external/imgui/imgui/*.h "$from/external/imgui/imgui/LICENSE.txt" "$into/imgui/" &&
        mv "$from"/external/imgui/imgui/backends/imgui_impl_opengl2.* "$into/imgui/backends/" &&
        mv "$from"/external/implot/implot/*.cpp "$from"/external/implot/implot/*.h "$from/external/implot/implot/LICENSE" "$into/implot/" &&
        mv "$from"/bindings/imgui_bundle/assets/fonts/Roboto/{Roboto-Regular.ttf,Roboto-Bold.ttf,LICENSE.txt} "$into/fonts/" &&
        mv "$from/LICENSE" "$into/"
      ;;
    carquet)
      mv "$tmp"/wheel/carquet-0.7.2/native/* "$into/"
      ;;
    robosuite)
      mkdir "$into/models" && mv "$tmp/wheel/robosuite/models/assets" "$into/models/" &&
        mv "$tmp"/wheel/*.dist-info/LICENSE "$into/"
      ;;
    robosuite15)
      mkdir "$into/models" && mv "$tmp/wheel/robosuite/models/assets" "$into/models/" &&
        mv "$tmp"/wheel/*.dist-info/licenses/* "$into/"
      ;;
    coacd)
      mv "$tmp"/wheel/coacd "$tmp"/wheel/coacd.libs "$tmp"/wheel/*.dist-info/LICENSE "$into/"
      ;;
    gymnasium)
      mv "$tmp"/wheel/gymnasium/envs/mujoco/assets/* "$tmp"/wheel/*.dist-info/licenses/* "$into/"
      ;;
    gym_aloha)
      mv "$tmp"/wheel/gym_aloha/assets/* "$tmp"/wheel/*.dist-info/licenses/* "$into/"
      ;;
  esac || die "$wheel does not hold what it should"
}

fetch() {
  mkdir -p "$cache" 2>/dev/null && [ -w "$cache" ] || die "cannot write $cache; set DEMOLOOM_HOME to another folder"
  for tool in flock unzip; do
    command -v $tool >/dev/null || die "$tool is missing; as root, run: apt-get install -y util-linux unzip"
  done
  # curl inherits the lock: should this script be killed, a second one still waits for the orphan to stop writing.
  exec 9>"$cache/.$folder.lock" || die "cannot write $cache"
  if ! flock --nonblock 9; then
    say "$name: waiting for another fetch to end"
    flock 9
  fi
  is_whole && return
  part=$cache/.$wheel.part
  tmp=$cache/.$folder.tmp
  rm -rf "$tmp" # a killed run's
  trap 'rm -rf "$tmp"' EXIT
  trap 'exit 130' INT TERM HUP
  check_space
  mkdir "$tmp" || die "cannot write $cache"
  find_pip
  say "$package $version: $((size / 1000000)) MB to $cache"
  with_curl || with_pip
  matches "$part" || { rm -f "$part" && die "$wheel is not as it was pinned (sha256 differs); nothing was installed"; }
  unpack
  # A folder that is there but not whole steps aside, so that what appears in its place is whole at once.
  rm -rf "$cache/$folder.old"
  if [ -e "$cache/$folder" ]; then mv "$cache/$folder" "$cache/$folder.old" || die "cannot replace $cache/$folder"; fi
  mv "$tmp/$folder" "$cache/$folder" || die "cannot write $cache/$folder"
  rm -rf "$cache/$folder.old" "$part"
  is_whole || die "$cache/$folder is not whole after unpacking $wheel"
  say "$package $version: done"
}

check=
if [ "${1-}" = --check ]; then check=1 && shift; fi
name=${1-}
if [ $# -ne 1 ] || [ "$name" = --help ]; then
  echo 'usage: fetch.sh [--check] mujoco|imgui|carquet|robosuite|robosuite15|gymnasium|gym_aloha|coacd' >&2
  exit 2
fi
describe "$name"
is_whole && exit 0
[ -n "$check" ] && exit 1
fetch
