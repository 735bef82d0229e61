# Hands and eyes for a window on a display of its own (Xvfb), by a real mouse and keyboard (xdotool); sourced after
# tests/tools/check.sh. The window takes events from a pipe, by which it is asked what is where.
for tool in Xvfb xdotool; do
  if ! command -v $tool >/dev/null; then
    echo "${0##*/}: no $tool; as root, run: apt-get install -y xvfb xdotool" >&2
    exit 1
  fi
done

display=$((90 + $$ % 400))
open_display() { # WIDTHxHEIGHT
  Xvfb :$display -screen 0 "${1}x24" -nolisten tcp >/dev/null 2>&1 &
  server=$!
  until [ -e "/tmp/.X11-unix/X$display" ]; do kill -0 $server || exit 1; sleep 0.1; done
}
close_display() { kill $server && wait $server 2>/dev/null; }

# ---- the window

# say LINE...: lines of the window's script. ask LINE: one that answers, into $told.
say() { printf '%s\n' "$@" >&3; }
ask() { say "$1" && read -r -t 600 told <&4; }
value() { grep -o "\"$1\":[^,}]*" <<<"$told" | head -n 1 | cut -d: -f2- | tr -d '"'; }
# Until the window has drawn what the mouse or a key asked for.
settle() { say 'wait 12' && ask tell; }
open_window() { # OPTION ARGUMENT...: the option that names the file of events
  local option=$1
  shift
  mkfifo "$work/in" "$work/out"
  exec 3<>"$work/in" 4<>"$work/out"  # either would wait for the viewer to open it
  DISPLAY=:$display "$loom" "$@" "$option" "$work/in" >"$work/out" 2>"$work/errors" &
  viewer=$!
  settle
  DISPLAY=:$display xdotool search --sync --name demoloom windowfocus >/dev/null 2>&1
  say thumbs && settle
}
close_window() {
  say quit
  exec 3>&- 4<&-
  wait $viewer
  rm -f "$work/in" "$work/out"
}

# ---- hands and eyes: each is one action

act() { actions=$((actions + 1)) && DISPLAY=:$display xdotool "$@" && settle; }
# Where what is written on it lies: $x, $y; fails where it is not to be seen.
see() { ask "where $1" && x=$(value x) y=$(value y) && [ "$x" -ge 0 ]; }
click() { see "$1" && act mousemove "$x" "$y" sleep 0.1 click 1; }
press() { act key "$1"; }
enter() { act type --delay 30 -- "$1"; }
