# shellcheck shell=bash
# The options and stages 0 to 6 of a music recipe, on the data of the tokenizer recipe beside it: source it after
# music_defaults.sh. The arguments that are left go to the trainings of the prior.
: "${name:?}" "${about:?}" "${about_data:?}" "${experiment:?}" "${num_levels:?}"

# shellcheck disable=SC2034  # parse_options.sh uses them
{
  options="stage stop_stage nj ngpu time_budget_minutes data exp tokenizer vocoder labels num_pieces seconds primer_seconds score_settings"
  flags="dry_run"
  help_message="usage: $0 [OPTIONS] [-- SETTINGS OF THE TRAININGS]
$about
  stage 0  make the data: egs/$name/codec1/run.sh --stop_stage 3
  stage 1  tokenise
  stage 2  label with tempo and key
  stage 3  train a network for each level of codes
  stage 4  pack the prior into a folder that audiovq generate --model reads
  stage 5  play: new pieces, and continuations, variations and mended gaps of what was held out; a page to hear them
  stage 6  score what was played
options (with their defaults):
  --dry_run       print the command of each stage and run none; needs no data
  --stage ${stage:?} --stop_stage ${stop_stage:?}  the first and the last stage to run; each goes on where it was stopped
  --tokenizer ${tokenizer:?}   whose codes are made; when it changes, this script again makes the prior anew (with another --exp and --data)
  --vocoder '${vocoder-}'    for decoding; empty is the bundled one that fits
  --labels '${labels-}'   the file of labels in --data; labels_music.jsonl is what stage 2 makes, empty is without labels
  --num_pieces ${num_pieces:?} --seconds ${seconds:?} --primer_seconds ${primer_seconds:?}   of stage 5, as in recipes.compose
  --score_settings '${score_settings-}'   more arguments of recipes.score_music, separated by blanks
  --nj ${nj:?}          processes for stages 0, 1, 2 and 6
  --ngpu ${ngpu:?}        GPUs to train on; 0 is the CPU
  --time_budget_minutes ${time_budget_minutes:?}  stop each training after this long, with exit code 75, to go on later; 0 is no limit
  --data ${data:?}   --exp ${exp:?}   where data and results lie, below $PWD
example: $0 --stage 3 --stop_stage 4 --ngpu 1 --exp exp/wide -- model.transformer.width=384"
}
data_recipe=egs/$name/codec1/run.sh # parse_options.sh has a use of its own for name
. egs/common/parse_options.sh
. egs/common/stages.sh
: "${python:?}"

codes=(--tokenizer "$tokenizer")
[ -z "$vocoder" ] || codes+=(--vocoder "$vocoder")

if stage_wanted 0 "make the data"; then
  run "$data_recipe" --stop_stage 3 --data "$data" --nj "$nj"
fi

if stage_wanted 1 "tokenise"; then
  for split in train valid test; do
    need "$data/$split/wav.scp" 0
    run "$python" -m audiovq.cli tokenize "$data/$split" -o "$data/tokens/$split" --model "$tokenizer" --jobs "$nj"
  done
fi

if [ "$labels" = labels_music.jsonl ] && stage_wanted 2 "label"; then
  need "$data/train/wav.scp" 0
  run "$python" -m recipes.label_music "$data" --jobs "$nj"
fi

if stage_wanted 3 "train"; then
  need "$data/tokens/train" 1
  [ -z "$labels" ] || need "$data/$labels" 2
  for ((level = 0; level < num_levels; level++)); do
    train recipes.train_prior experiment="${experiment}_level$level" tokenizer="$tokenizer" \
      data.tokens="[$data/tokens/train]" data.valid_tokens="[$data/tokens/valid]" \
      data.labels="${labels:+$data/$labels}" output_dir="$exp/level$level" "$@"
  done
fi

if stage_wanted 4 "pack"; then
  folders=()
  for ((level = 0; level < num_levels; level++)); do
    need "$exp/level$level/model" 3
    folders+=("$exp/level$level")
  done
  run "$python" -m recipes.pack_prior "${folders[@]}" -o "$exp/packed" --data "$about_data"
fi

if stage_wanted 5 "play"; then
  need "$exp/packed/config.json" 4
  run "$python" -m recipes.compose "$exp/packed" "${codes[@]}" --tokens "$data/tokens/test" -o "$exp/samples" \
    --num-pieces "$num_pieces" --seconds "$seconds" --primer-seconds "$primer_seconds"
fi

if stage_wanted 6 "score"; then
  need "$exp/samples/RESULTS.md" 5
  read -ra settings <<<"${score_settings:-}"
  told=(--labels "$exp/samples/made.jsonl")
  [ -z "$labels" ] || told+=(--real-labels "$data/$labels")
  run "$python" -m recipes.score_music "$exp/samples/new" --real "$data/test/wav.scp" -o "$exp/scores_new" \
    "${told[@]}" --noise "$tokenizer" --jobs "$nj" "${settings[@]}"
  run "$python" -m recipes.score_music "$exp/samples/continued" --real "$data/test/wav.scp" -o "$exp/scores_continued" \
    --seam-seconds "$primer_seconds" --jobs "$nj" "${settings[@]}"
  for ((kept = 1; kept < num_levels; kept++)); do
    run "$python" -m recipes.score "$exp/samples/original" "$exp/samples/varied_$kept" -o "$exp/scores_varied_$kept" \
      --metrics mel_distance stft_distance --jobs "$nj"
  done
  run "$python" -m recipes.score_codes "$exp/samples/new" --training "$data/tokens/train" --real "$data/tokens/test" \
    --model "$tokenizer" --prior "$exp/packed" -o "$exp/scores_codes"
fi
