# shellcheck shell=bash
# The options and stages 0 to 3 of a vocoder recipe, on the data of the tokenizer recipe beside it: source it after
# voc_defaults.sh. The arguments that are left go to the training.
: "${name:?}" "${about:?}" "${about_data:?}"

# shellcheck disable=SC2034  # parse_options.sh uses them
{
  options="stage stop_stage nj ngpu time_budget_minutes num_utterances data exp experiment tokenizers"
  flags="dry_run"
  help_message="usage: egs/$name/voc1/run.sh [OPTIONS] [-- SETTINGS OF THE TRAINING]
$about
  stage 0  make the data: egs/$name/codec1/run.sh --stop_stage 3
  stage 1  train
  stage 2  evaluate beside Griffin-Lim on what was held out, from true log-mels and behind the tokenizer
  stage 3  pack the vocoder into a folder that audiovq decode --vocoder reads
options (with their defaults):
  --dry_run       print the command of each stage and run none; needs no data
  --stage ${stage:?} --stop_stage ${stop_stage:?}  the first and the last stage to run; each goes on where it was stopped
  --experiment ${experiment:?}   in configs/experiment
  --tokenizers ${tokenizers:?}   whose decoded log-mels it is scored on, and may learn from
  --num_utterances ${num_utterances:?}   to score on, drawn evenly over the voices; 0 takes all
  --nj ${nj:?}          processes for stages 0 and 2
  --ngpu ${ngpu:?}        GPUs to train on; 0 is the CPU
  --time_budget_minutes ${time_budget_minutes:?}  stop the training after this long, with exit code 75, to go on later; 0 is no limit
  --data ${data:?}   --exp ${exp:?}   where data and results lie, below $PWD
${more_help-}example: egs/$name/voc1/run.sh --time_budget_minutes 60 -- model.width=384"
}
data_recipe=egs/$name/codec1/run.sh # parse_options.sh has a use of its own for name
. egs/common/parse_options.sh
. egs/common/stages.sh
: "${python:?}"

if stage_wanted 0 "make the data"; then
  run "$data_recipe" --stop_stage 3 --data "$data" --nj "$nj"
fi

if stage_wanted 1 "train"; then
  need "$data/cuts_train.jsonl.gz" 0
  need "$data/cuts_valid.jsonl.gz" 0
  train recipes.train_vocoder experiment="$experiment" output_dir="$exp" tokenizers="[$tokenizers]" \
    data.train_cuts="$data/cuts_train.jsonl.gz" data.valid_cuts="$data/cuts_valid.jsonl.gz" "$@"
fi

if stage_wanted 2 "evaluate"; then
  need "$exp/model" 1
  need "$data/test/wav.scp" 0
  run "$python" -m recipes.evaluate_vocoder vocoders="[$exp/model]" tokenizers="[$tokenizers]" data="$data/test" \
    output_dir="$exp/scores" num_utterances="$num_utterances" num_workers="$nj"
fi

if stage_wanted 3 "pack"; then
  need "$exp/scores/summary.json" 2
  run "$python" -m recipes.pack exp="$exp" output_dir="$exp/packed" recipe=train_vocoder data="$about_data"
fi
