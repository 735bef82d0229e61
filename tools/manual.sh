#!/usr/bin/env bash
# The manual page or bash's completion, made from what the program's --help says.
#   tools/manual.sh man|completion PROGRAM
set -eu -o pipefail
program=$2
commands=$("$program" --help | sed -n 's/^  \([a-z]*\)  *[a-z].*/\1/p' | grep -vx demoloom)

# Text as it is, for roff.
plain() { sed -e 's/\\/\\e/g' -e "s/^[.']/\\\\\&&/" -e 's/-/\\-/g'; }

man_page() {
  printf '.TH DEMOLOOM 1 "" "%s" "User Commands"\n' "$("$program" --version | head -n 1)"
  printf '.SH NAME\ndemoloom \\- a handful of bimanual demonstrations in, thousands out\n'
  printf '.SH SYNOPSIS\n.B demoloom\n.I COMMAND\n[options]\n.SH DESCRIPTION\n.nf\n'
  "$program" --help | plain
  printf '.fi\n.SH COMMANDS\n'
  for command in $commands; do
    printf '.SS demoloom %s\n.nf\n' "$command"
    "$program" "$command" --help | plain
    printf '.fi\n'
  done
}

completion() {
  cat <<'END'
# bash completion for demoloom, made from its --help.
_demoloom() {
  local word=${COMP_WORDS[COMP_CWORD]} options=
END
  printf '  local commands="%s"\n' "$(echo $commands)"
  printf '  case ${COMP_WORDS[1]-} in\n'
  for command in $commands; do
    printf '    %s) options="%s" ;;\n' "$command" \
      "$(echo $("$program" "$command" --help | grep -oE -- '(^|[ ,])--[a-z][a-z-]*' | tr -d ' ,' | sort -u) --help)"
  done
  cat <<'END'
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "$commands --help --version" -- "$word"))
  elif [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$word"))
  else
    local scenes=
    [ "$COMP_CWORD" -eq 2 ] && scenes=$(demoloom scenes 2>/dev/null | sed -n 's/^\([a-z0-9_/]*\) .*/\1/p')
    COMPREPLY=($(compgen -W "$scenes" -- "$word") $(compgen -f -- "$word"))
  fi
}
complete -o filenames -F _demoloom demoloom
END
}

case $1 in
  man) man_page ;;
  completion) completion ;;
esac
