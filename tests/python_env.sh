# A Python environment of its own for scripts that compare with other people's packages; sourced by them. The script's
# folder, $here, has requirements.txt; its head of comments is its usage.
env='' taken=0

# first_arguments "$@": -e ENV, and no arguments at all, which ends in the usage. Shift by $taken.
first_arguments() {
  if [ "${1:-}" = -e ]; then
    env=${2:?-e wants a folder}
    taken=2
  fi
  [ $# -gt $taken ] && return
  sed -n '2,/^set /{/^#/s/^# \{0,1\}//p;}' "$0" >&2
  exit 2
}

# python_env NAME: $env, by default $DEMOLOOM_HOME/NAME, with all of it installed.
python_env() {
  home=${DEMOLOOM_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/demoloom}
  env=${env:-$home/$1}

  # The mark is written last, and says what was installed: what was broken off half-way is taken up again.
  mark=$env/requirements-installed.txt
  cmp -s "$here/requirements.txt" "$mark" && return
  "${PYTHON:-python3}" -m venv "$env"
  cp "$here/requirements.txt" "$env/requirements.txt"
  "$env/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$env/requirements.txt" >&2
  mv "$env/requirements.txt" "$mark"
}
