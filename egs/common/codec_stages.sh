# shellcheck shell=bash
# Stages 0 to 6 of a tokenizer recipe: source it after parse_options.sh and stages.sh, with these set: corpus and
# experiment (names in configs/), corpus_root (where its recordings lie), prepare_settings (more settings of
# recipes.prepare, separated by blanks), evaluate_settings (the same of recipes.evaluate), sample_rate, download (not
# empty: stage 0 is wanted), about_data (Markdown on the data and their licences), data, exp, nj. The arguments that are
# left go to the training.
: "${python:?}" "${corpus:?}" "${experiment:?}" "${corpus_root:?}" "${about_data:?}" "${data:?}" "${exp:?}" "${nj:?}"

# setting VALUE: the value with the quotes that a setting of a recipe needs around a blank, a bracket, a quote ...
setting() {
  case "$1" in
    *[!A-Za-z0-9/_.-]*) printf "'%s'" "${1//\'/\\\'}" ;;
    *) printf %s "$1" ;;
  esac
}

# prepare STEP SETTING...
prepare() {
  local step=$1
  local -a settings
  shift
  read -ra settings <<<"${prepare_settings:-}"
  run "$python" -m recipes.prepare corpus="$corpus" corpus.root="$(setting "$corpus_root")" output_dir="$data" \
    sample_rate="${sample_rate:?}" step="$step" "$@" "${settings[@]}"
}

if [ "${download:-}" ] && stage_wanted 0 "download"; then
  prepare download
fi

if stage_wanted 1 "convert, split, write data directories"; then
  [ "${dry_run:-}" ] || [ -e "$corpus_root" ] ||
    die "$corpus_root is missing: say where the corpus is with --corpus_root, or fetch it with --download"
  prepare data_dirs num_jobs="$nj"
fi

if stage_wanted 2 "validate"; then
  need "$data/test/wav.scp" 1
  prepare validate
fi

if stage_wanted 3 "write cuts"; then
  need "$data/test/wav.scp" 1
  prepare cuts
fi

if stage_wanted 4 "train"; then
  need "$data/cuts_train.jsonl.gz" 3
  need "$data/cuts_valid.jsonl.gz" 3
  train recipes.train_tokenizer experiment="$experiment" output_dir="$exp" \
    data.train_cuts="$data/cuts_train.jsonl.gz" data.valid_cuts="$data/cuts_valid.jsonl.gz" "$@"
fi

if stage_wanted 5 "evaluate"; then
  need "$exp/model" 4
  need "$data/test/wav.scp" 1
  read -ra evaluate <<<"${evaluate_settings:-}"
  run "$python" -m recipes.evaluate model="$exp/model" data="$data/test" output_dir="$exp/scores" num_workers="$nj" \
    "${evaluate[@]}"
fi

if stage_wanted 6 "pack"; then
  need "$exp/scores/summary.json" 5
  run "$python" -m recipes.pack exp="$exp" output_dir="$exp/packed" data="$about_data"
fi
