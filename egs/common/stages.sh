# shellcheck shell=bash
# The stages of a run.sh: source it after parse_options.sh.

# The environment that `make` has made, if it is there.
# shellcheck disable=SC2034  # used by the scripts that source this
python=${PYTHON:-$([ -x .venv/bin/python ] && echo .venv/bin/python || echo python3)}

# stage_wanted NUMBER WHAT: whether --stage and --stop_stage include it; says so.
stage_wanted() {
  [ "${stage:?}" -le "$1" ] && [ "$1" -le "${stop_stage:?}" ] || return 1
  echo "$(date '+%F %T') stage $1: $2"
}

# need FILE STAGE: stops unless FILE is there, and names the stage that makes it.
need() {
  [ -e "$1" ] || die "$1 is missing: stage $2 makes it (--stage $2)"
}

# training_device: settings that put the training on --ngpu GPUs, or on the CPU.
training_device() {
  if [ "${ngpu:?}" -eq 0 ]; then
    echo device=cpu num_devices=1
  else
    echo device=cuda "num_devices=$ngpu"
  fi
}
