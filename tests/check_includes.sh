#!/usr/bin/env bash
# Guard the house: who may include whom, down to the inner rooms, and that each mechanism is written once.
# tests/check_includes.sh [ROOT]; closes with `N passed, N failed`, one for each rule.
#
# A room includes itself and the rooms before it in its line below; tools -> policies, generators -> engine.
set -u -o pipefail
cd "${1:-$(dirname "$0")/..}" || exit 1

# From the ground up. The faces (engine/engine.h and the like) lie above their rooms: only other halls use them.
halls=(engine generators policies tools)
declare -A rooms=(
  [engine]='base task model draw data scene sim observe run'
  [generators]='source attempt expert twin run'
  [policies]='tabular nn report objective data network agent learn export'
  [tools]='shared view render command python'
)
declare -A may=(
  [engine]='engine'
  [generators]='engine generators'
  [policies]='engine policies'
  [tools]='engine generators policies tools'
)

# Known exceptions, `FILE: RULE`, still to be mended: strike a line when its file keeps the rule.
exceptions='
'

# ---- rules

passed=0 failed=0

# rule TITLE COMMAND...: the command prints what breaks the rule, one `FILE:LINE: ...` a line.
rule() {
  local title=$1 found
  shift
  found=$("$@" | while IFS=: read -r file rest; do
    [[ $exceptions == *$'\n'"$file: $title"$'\n'* ]] || printf '%s:%s\n' "$file" "$rest"
  done)
  if [ -z "$found" ]; then
    passed=$((passed + 1))
    return
  fi
  failed=$((failed + 1))
  printf '%s\n' "$title" "$found" | sed '2,$s/^/  /'
}

# ---- includes

# One line an include, `FILE:LINE HEADER OWN`: OWN is 1 for "header", 0 for <header>.
includes=$(for hall in "${halls[@]}"; do
  [ -d "$hall" ] && grep -rnE --include='*.[ch]' '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]' "$hall"
done | sed -E 's/^([^:]*:[0-9]+):[^<"]*([<"])([^>"]*)[>"].*/\1 \3 \2/; s/"$/1/; s/<$/0/')

# check PROGRAM: run awk on the includes, with the tables of rooms and halls. `room` says HALL/ROOM of a path, HALL
# alone for a file directly in its hall; order[HALL/ROOM] counts from the ground.
check() {
  {
    for hall in "${halls[@]}"; do
      echo "hall $hall ${may[$hall]}"
      echo "rooms $hall ${rooms[$hall]}"
    done
    echo "$includes"
  } | awk '
    function hall(path) { return substr(path, 1, index(path, "/") - 1) }
    function room(path, parts) { return split(path, parts, "/") > 2 ? parts[1] "/" parts[2] : parts[1] }
    $1 == "hall" { for (i = 3; i <= NF; i++) allowed[$2, $i] = 1; next }
    $1 == "rooms" {
      for (i = 3; i <= NF; i++) order[$2 "/" $i] = i - 2
      order[$2] = NF
      next
    }
    NF != 3 { next }
    { at = $1; header = $2; own = $3; file = $1; sub(/:[0-9]*$/, "", file) }
    '"$1"
}

rule 'own headers are named from the root' check '
  own && header ~ /\.\./ {print at ": \"" header "\" climbs out of its folder"}
  own && header !~ /\// {print at ": \"" header "\" does not name its room"}'

rule 'halls include only those below' check '
  own && header ~ /\// && header !~ /\.\./ && !((hall(file), hall(header)) in allowed) {
    print at ": " hall(file) "/ may not include \"" header "\""
  }'

rule 'rooms include only those before them' check '
  own && hall(file) == hall(header) && room(file) != room(header) && (room(file) in order) &&
  !((room(header) in order) && order[room(file)] > order[room(header)]) {
    print at ": " room(file) "/ may not include \"" header "\""
  }'

rule 'every room has its place' check '
  !(room(file) in order) && !(room(file) in told) {
    told[room(file)] = 1
    print at ": " room(file) "/ is no room that this script lists"
  }'

# Rooms in a row cannot include each other in a circle; headers of one room could. Go from header to header as they
# include: who is met while still open closes a circle.
rule 'no circle between headers' check '
  function visit(node, i, other) {
    state[node] = 1
    for (i = 1; i <= out[node]; i++) {
      other = edge[node, i]
      if (state[other] == 1) print where[node, i] ": " node " and " other " include each other"
      else if (!state[other]) visit(other)
    }
    state[node] = 2
  }
  function connect(from, to) {
    if ((from, to) in seen) return
    seen[from, to] = 1
    edge[from, ++out[from]] = to
    where[from, out[from]] = at
  }
  own && file ~ /\.h$/ { connect(file, header) }
  END { for (node in out) if (!state[node]) visit(node) }'

rule 'only engine/data includes HDF5' check '
  !own && header ~ /^(hdf5.*|H5.*)\.h$/ && room(file) != "engine/data" {print at ": <" header ">"}'
rule 'only tools/view includes GLFW' check '
  !own && header ~ /^GLFW\// && room(file) != "tools/view" {print at ": <" header ">"}'

# C++ is in that one file, and in nothing that it includes of ours.
rule 'only tools/view/gui.cpp includes Dear ImGui' check '
  !own && header ~ /^(imgui|implot)/ {print at ": <" header ">"}'
foreign() {
  find "${halls[@]}" -name '*.cpp' ! -path tools/view/gui.cpp -printf '%p:1: C++\n'
}
rule 'C++ is in tools/view/gui.cpp alone' foreign

homeless() {
  for hall in engine generators policies; do
    [ -d "$hall" ] && find "$hall" -maxdepth 1 -name '*.c' -printf '%p:1: stands in no room\n'
  done
}
rule 'every .c file stands in a room' homeless

# ---- one way to do a thing

# Code of this pattern, comments not looked at, outside its homes (a pattern of paths).
elsewhere() {
  for hall in "${halls[@]}"; do
    [ -d "$hall" ] && grep -rnE --include='*.[ch]' "$2" "$hall"
  done | grep -vE "^($1)" | awk -v pattern="${2//\\/\\\\}" '{
    code = $0
    sub(/^[^:]*:[0-9]+:/, "", code)
    sub(/\/\/.*/, "", code)
    if (code ~ pattern) print
  }'
}
# once TITLE HOMES PATTERN
once() { rule "$1" elsewhere "$2" "$3"; }

base=engine/base
kernels='policies/nn/|policies/objective/|policies/network/encoder\.c'
once 'threads share out work' "$base/pool\.c|$kernels" 'pragma omp.*parallel'
once 'a worker knows its number' "$base/pool\.c|policies/nn/" 'omp_get_thread_num|omp_get_num_procs'
once 'clocks' "$base/(clock|confine)\.c|engine/data/dataset_trust\.c" 'clock_gettime|gettimeofday|omp_get_wtime|(^|[^_a-z])time\(NULL'
once 'hashes' "$base/hash\.c" '1099511628211|0x100000001[bB]3'
once 'names of temporary files' "$base/file\.c" '"[^"]*\.tmp'
once 'putting a file in its place' "$base/" '(^|[^_a-z])rename\('
once 'flushing to disk' "$base/" '(^|[^_a-z])fsync\('
once 'folders are made' "$base/" '(^|[^_a-z])mkdir\('
once 'locks on files' "$base/" '(^|[^_a-z])(flock|lockf)\(|F_SETLK'
once 'whole files are read' "$base/file\.c" 'SEEK_END|(^|[^_a-z])ftell\(|\(size_t\)[a-zA-Z_>.-]*st_size'
once 'intervals of rates' "$base/statistics\.c" '1\.95996'
once 'the version' "$base/version\.[ch]" '"demoloom [0-9]'
once 'options are read' 'tools/shared/options\.[ch]' 'getopt'
once 'YAML is read' "$base/" 'yaml_parser_'
once 'JSON is read' "$base/json\.[ch]" 'cJSON_Parse'
once 'expressions are evaluated' "$base/expr\.c" '(^|[^_a-z])mup[A-Z]'

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
