# shellcheck shell=bash
# Stages 1 to 6 of a tokenizer recipe: source it after parse_options.sh and stages.sh, with these set: corpus and
# experiment (names in configs/), corpus_root (where its recordings lie), about_data (Markdown on the data and their
# licences), data, exp, nj. The arguments that are left go to the training.
: "${python:?}" "${corpus:?}" "${experiment:?}" "${corpus_root:?}" "${about_data:?}" "${data:?}" "${exp:?}" "${nj:?}"

if stage_wanted 1 "convert, split, write data directories"; then
  need "$corpus_root" 0
  "$python" -m recipes.prepare corpus="$corpus" corpus.root="$corpus_root" output_dir="$data" step=data_dirs num_jobs="$nj"
fi

if stage_wanted 2 "validate"; then
  need "$data/test/wav.scp" 1
  "$python" -m recipes.prepare corpus="$corpus" output_dir="$data" step=validate
fi

if stage_wanted 3 "write cuts"; then
  need "$data/test/wav.scp" 1
  "$python" -m recipes.prepare corpus="$corpus" output_dir="$data" step=cuts
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
  "$python" -m recipes.evaluate model="$exp/model" data="$data/test" output_dir="$exp/scores" num_workers="$nj"
fi

if stage_wanted 6 "pack"; then
  need "$exp/scores/summary.json" 5
  "$python" -m recipes.pack exp="$exp" output_dir="$exp/packed" data="$about_data"
fi
