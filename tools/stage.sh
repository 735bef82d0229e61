# For scripts that run the program's commands one after the other, sourced by them; $log is what their messages go to.

# Runs what makes FILE unless it is there: stage FILE COMMAND..., whose output is FILE. Half a FILE is never left.
stage() {
  local file=$1
  shift
  [ -s "$file" ] && return
  echo "$(date +%H:%M) $(basename "$file" .json)" >&2
  if ! "$@" >"$file.tmp" 2>>"$log"; then
    tail -n 5 "$log" >&2
    exit 1
  fi
  mv "$file.tmp" "$file"
}
