# shellcheck shell=bash
# The options and stages 0 to 7 of a text-to-speech recipe, on the data of the tokenizer recipe beside it: source it
# after tts_defaults.sh. The arguments that are left go to the trainings of the prior.
: "${name:?}" "${about:?}" "${about_data:?}" "${splits:?}" "${num_levels:?}"

# shellcheck disable=SC2034  # parse_options.sh uses them
{
  options="stage stop_stage nj ngpu time_budget_minutes data exp tokenizer prepare_settings recogniser"
  flags="dry_run"
  help_message="usage: $0 [OPTIONS] [-- SETTINGS OF THE TRAININGS]
$about
  stage 0  make the data: egs/$name/codec1/run.sh --stop_stage 3
  stage 1  tokenise
  stage 2  choose sentences, spell them, hold some out
  stage 3  align
  stage 4  write what each voice sounds like
  stage 5  train the forecast of durations, then a network for each level of codes
  stage 6  pack the prior into a folder that audiovq speak --model reads
  stage 7  speak what was held out, and score it
options (with their defaults):
  --dry_run       print the command of each stage and run none; needs no data
  --stage ${stage:?} --stop_stage ${stop_stage:?}  the first and the last stage to run; each goes on where it was stopped
  --tokenizer ${tokenizer:?}   whose codes are made; when it changes, this script again makes the prior anew (with another --exp and --data)
  --prepare_settings '${prepare_settings-}'   more settings of recipes.prepare_tts, separated by blanks
  --recogniser ${recogniser?}   who listens in stage 7: packaged, or a folder or name for faster-whisper
  --nj ${nj:?}          processes for stages 0 and 1
  --ngpu ${ngpu:?}        GPUs to train on; 0 is the CPU
  --time_budget_minutes ${time_budget_minutes:?}  stop each training after this long, with exit code 75, to go on later; 0 is no limit
  --data ${data:?}   --exp ${exp:?}   where data and results lie, below $PWD
example: $0 --stage 5 --stop_stage 6 --exp exp/wide -- model.transformer.width=384"
}
data_recipe=egs/$name/codec1/run.sh # parse_options.sh has a use of its own for name
. egs/common/parse_options.sh
. egs/common/stages.sh
: "${python:?}"

tables='' tts=$data/tts1
for split in $splits; do
  tables=$tables${tables:+,}$data/tokens/$split
done
parts="durations"
for ((level = 0; level < num_levels; level++)); do
  parts="$parts level$level"
done
of_part() { # the name of its experiment
  case "$1" in
    level0) echo "${experiment:?}" ;;
    *) echo "${experiment:?}_$1" ;;
  esac
}

if stage_wanted 0 "make the data"; then
  run "$data_recipe" --stop_stage 3 --data "$data" --nj "$nj"
fi

if stage_wanted 1 "tokenise"; then
  for split in $splits; do
    need "$data/$split/wav.scp" 0
    run "$python" -m audiovq.cli tokenize "$data/$split" -o "$data/tokens/$split" --model "$tokenizer" --jobs "$nj"
  done
fi

if stage_wanted 2 "choose and spell sentences"; then
  read -ra settings <<<"${prepare_settings:-}"
  run "$python" -m recipes.prepare_tts experiment="${experiment}_data" tables="[$tables]" output_dir="$tts" "${settings[@]}"
fi

if stage_wanted 3 "align"; then
  need "$tts/symbols_train.parquet" 2
  train recipes.align experiment="${experiment}_align" data.symbols="$tts" data.tables="[$tables]" \
    data.tokenizer="$tokenizer" output_dir="$exp/align"
fi

if stage_wanted 4 "voices"; then
  need "$tts/symbols_train.parquet" 2
  IFS=, read -ra folders <<<"$tables"
  run "$python" -m recipes.extract_voices "${folders[@]}" -o "$tts/voices.parquet" --model "$tokenizer" \
    --only "$tts"/symbols_train.parquet "$tts"/symbols_valid.parquet
fi

if stage_wanted 5 "train"; then
  need "$tts/alignments_train.parquet" 3
  need "$tts/voices.parquet" 4
  for part in $parts; do
    train recipes.train_prior experiment="$(of_part "$part")" tokenizer="$tokenizer" data.tokens="[$tables]" \
      data.train_alignments="$tts/alignments_train.parquet" data.valid_alignments="$tts/alignments_valid.parquet" \
      data.voices="$tts/voices.parquet" data.text="$tts/text.json" output_dir="$exp/$part" "$@"
  done
fi

if stage_wanted 6 "pack"; then
  folders=()
  for part in $parts; do
    need "$exp/$part/model" 5
    folders+=("$exp/$part")
  done
  run "$python" -m recipes.pack_prior "${folders[@]}" -o "$exp/packed" --data "$about_data"
fi

if stage_wanted 7 "speak and score"; then
  need "$exp/packed/config.json" 6
  run "$python" -m recipes.generate model="$exp/packed" sentences="$tts/symbols_test.parquet" tables="[$tables]" \
    alignments="$tts/alignments_test.parquet" tokenizer="$tokenizer" recogniser="$recogniser" output_dir="$exp/scores"
  read -ra folders <<<"${tables//,/ }"
  run "$python" -m recipes.score_codes "$exp/scores/codes" --training "${folders[@]}" \
    --training-list "$tts/symbols_train.parquet" --real "${folders[@]}" --real-list "$tts/symbols_test.parquet" \
    --model "$tokenizer" -o "$exp/scores_codes"
fi
