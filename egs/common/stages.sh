# shellcheck shell=bash
# The stages of a run.sh: source it after parse_options.sh.

# The environment that `make` has made, if it is there.
# shellcheck disable=SC2034  # used by the scripts that source this
python=${PYTHON:-$([ -x .venv/bin/python ] && echo .venv/bin/python || echo python3)}

# stage_wanted NUMBER WHAT: whether --stage and --stop_stage include it; says so.
stage_wanted() {
  [ "${stage:?}" -le "$1" ] && [ "$1" -le "${stop_stage:?}" ] || return 1
  if [ "${dry_run:-}" ]; then
    echo "# stage $1: $2"
  else
    echo "$(date '+%F %T') stage $1: $2"
  fi
}

# run COMMAND...: runs it, or with --dry_run prints it.
run() {
  if [ "${dry_run:-}" ]; then
    local line
    printf -v line '%q ' "$@"
    echo "${line% }"
  else
    "$@"
  fi
}

# need FILE STAGE: stops unless FILE is there, and names the stage that makes it.
need() {
  [ "${dry_run:-}" ] || [ -e "$1" ] || die "$1 is missing: stage $2 makes it (--stage $2)"
}

exit_again=75 # of a training that was stopped before its end and has saved its state

# train MODULE SETTING...: runs it on --ngpu GPUs with a process for each, or on the CPU; ends the script unless it ends.
train() {
  local module=$1 device=cuda code=0 stops=
  local -a command=("$python" -m)
  shift
  if [ "${ngpu:?}" -eq 0 ]; then
    device=cpu
  elif [ "$ngpu" -gt 1 ]; then
    command+=(torch.distributed.run --standalone --nproc-per-node "$ngpu" -m)
    # How long its processes may take to finish a step and save; half a minute if nothing is said.
    export TORCH_ELASTIC_SHUTDOWN_TIMEOUT=${TORCH_ELASTIC_SHUTDOWN_TIMEOUT:-600}
    stops=$(count_stops)
  fi
  command+=("$module" device="$device" time_budget_minutes="${time_budget_minutes:?}" "$@")
  if [ "${dry_run:-}" ]; then
    run "${command[@]}"
    return
  fi
  pass_signals_on "${command[@]}" || code=$?
  # torchrun makes 1 of every exit code of its processes; but the log tells which it was.
  if [ "$code" -ne 0 ] && [ "$ngpu" -gt 1 ] && [ "$(count_stops)" -gt "$stops" ]; then
    code=$exit_again
  fi
  if [ "$code" -eq "$exit_again" ]; then
    echo "$(basename "$0"): the training stopped before its end: the same command goes on" >&2
  fi
  [ "$code" -eq 0 ] || exit "$code"
}

count_stops() {
  if [ -e "${exp:?}/log.jsonl" ]; then
    grep -c '"event": "stop"' "$exp/log.jsonl" || true
  else
    echo 0
  fi
}

# pass_signals_on COMMAND...: runs it; what asks this script to stop asks the command, which is then waited for.
pass_signals_on() {
  local child code asked=1
  # Ctrl-C reaches it by itself, but for bash a command in the background is one that ignores it.
  (trap - INT && exec "$@") &
  child=$!
  trap 'asked=1' INT
  trap 'asked=1; kill -TERM "$child" 2>/dev/null || true' TERM USR1 USR2
  while [ "$asked" ]; do
    asked='' code=0
    wait "$child" || code=$?
  done
  trap - INT TERM USR1 USR2
  return "$code"
}
