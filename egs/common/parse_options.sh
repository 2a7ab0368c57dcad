# shellcheck shell=bash
# Reads the options of a run.sh into variables of the same names; source it after setting
#   options       the names that are allowed, separated by blanks; each is a variable that has its default already
#   flags         the names of those that take no value: theirs is empty, or true once they are given
#   help_message  what --help prints
# `--name value` and `--name=value` set $name (a dash in a name reads as an underscore), an unknown name is an error.
# What follows `--` stays in "$@".

die() {
  echo "$(basename "$0"): $*" >&2
  exit 1
}

while [ $# -gt 0 ]; do
  case "$1" in
    --help | -h)
      printf '%s\n' "${help_message:?}"
      exit 0
      ;;
    --)
      shift
      break
      ;;
    --*)
      option=${1%%=*}
      name=${option#--}
      name=${name//-/_}
      case " ${flags:-} " in
        *" $name "*)
          [ "$option" = "$1" ] || die "option $option takes no value"
          printf -v "$name" true
          shift
          continue
          ;;
      esac
      case " ${options:?} " in
        *" $name "*) ;;
        *) die "unknown option $option (try --help)" ;;
      esac
      if [ "$option" != "$1" ]; then
        value=${1#*=}
        shift
      elif [ $# -gt 1 ]; then
        value=$2
        shift 2
      else
        die "option $option needs a value"
      fi
      printf -v "$name" %s "$value"
      ;;
    *) die "unexpected argument $1 (settings for the training go after --; try --help)" ;;
  esac
done

for name in stage stop_stage nj ngpu time_budget_minutes; do
  case "${!name}" in
    '' | *[!0-9]*) die "--$name must be a whole number, got '${!name}'" ;;
  esac
done
