#!/usr/bin/env bash
# A vocoder for 16 kHz speech, on the data of codec1: see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

stage=1
stop_stage=3
nj=2
ngpu=0
time_budget_minutes=0
data=data/debian_speech
exp=exp/debian_speech/voc1
experiment=debian_speech_voc1
tokenizer=speech-16k
dry_run=

# shellcheck disable=SC2034  # parse_options.sh uses them
{
  options="stage stop_stage nj ngpu time_budget_minutes data exp experiment tokenizer"
  flags="dry_run"
  help_message="usage: egs/debian_speech/voc1/run.sh [OPTIONS] [-- SETTINGS OF THE TRAINING]
Log-mels to sound, on the data of egs/debian_speech/codec1/run.sh --stop_stage 3.
  stage 1  train
  stage 2  evaluate on what was held out, behind the tokenizer
  stage 3  pack the vocoder into a folder that audiovq decode --vocoder reads
options (with their defaults):
  --dry_run       print the command of each stage and run none; needs no data
  --stage $stage --stop_stage $stop_stage  the first and the last stage to run; each goes on where it was stopped
  --experiment $experiment   in configs/experiment; debian_speech_voc2 trains against discriminators
  --tokenizer $tokenizer   whose decoded log-mels are half of what it learns from
  --nj $nj          processes for stage 2
  --ngpu $ngpu        GPUs to train on; 0 is the CPU
  --time_budget_minutes $time_budget_minutes  stop the training after this long, with exit code 75, to go on later; 0 is no limit
  --data $data   --exp $exp   where data and results lie, below $PWD
example: egs/debian_speech/voc1/run.sh --time_budget_minutes 60 -- model.width=384"
}
. egs/common/parse_options.sh
. egs/common/stages.sh

if stage_wanted 1 "train"; then
  for split in train valid; do
    [ "$dry_run" ] || [ -e "$data/cuts_$split.jsonl.gz" ] ||
      die "$data/cuts_$split.jsonl.gz is missing: egs/debian_speech/codec1/run.sh --stop_stage 3 makes it"
  done
  train recipes.train_vocoder experiment="$experiment" output_dir="$exp" tokenizer="$tokenizer" \
    data.train_cuts="$data/cuts_train.jsonl.gz" data.valid_cuts="$data/cuts_valid.jsonl.gz" "$@"
fi

if stage_wanted 2 "evaluate"; then
  need "$exp/model" 1
  run "$python" -m recipes.evaluate model="$tokenizer" vocoder="$exp/model" data="$data/test" output_dir="$exp/scores" \
    num_workers="$nj"
fi

if stage_wanted 3 "pack"; then
  need "$exp/scores/summary.json" 2
  run "$python" -m recipes.pack exp="$exp" output_dir="$exp/packed" recipe=train_vocoder \
    data=egs/debian_speech/README.md
fi
