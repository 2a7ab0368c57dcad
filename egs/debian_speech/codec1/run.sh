#!/usr/bin/env bash
# A tokenizer of 16 kHz speech, from an empty disk to a model folder: see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

stage=0
stop_stage=6
nj=2
ngpu=0
time_budget_minutes=0
data=data/debian_speech
exp=exp/debian_speech/codec1
options="stage stop_stage nj ngpu time_budget_minutes data exp"
help_message="usage: egs/debian_speech/codec1/run.sh [OPTIONS] [-- SETTINGS OF THE TRAINING]
About 15 hours of speech from Debian packages, and a three-level tokenizer trained on it.
  stage 0  download the packages and unpack them (0.8 GB; needs no root)
  stage 1  list and decode them (1.8 GB), split them by voice, write data directories
  stage 2  validate the data directories
  stage 3  write lhotse cuts
  stage 4  train
  stage 5  evaluate on the voices that were held out
  stage 6  pack the model into a folder that audiovq.load reads
options (with their defaults):
  --stage $stage --stop_stage $stop_stage  the first and the last stage to run; each goes on where it was stopped
  --nj $nj        processes for stages 1 and 5
  --ngpu $ngpu      GPUs to train on; 0 is the CPU
  --time_budget_minutes $time_budget_minutes  stop the training after this long, with exit code 75, to go on later; 0 is no limit
  --data $data   --exp $exp   where data and results go, below $PWD
example: egs/debian_speech/codec1/run.sh --stage 4 --ngpu 1 --exp exp/wide -- model.width=384 total_steps=60000"
. egs/common/parse_options.sh
. egs/common/stages.sh

if stage_wanted 0 "download"; then
  packages=$("$python" -c "from audiovq.data.corpora.debian_speech import PACKAGES; print(*PACKAGES)")
  # shellcheck disable=SC2086  # one word a package
  egs/debian_speech/codec1/local/download.sh "$data/downloads" $packages
fi

corpus=debian_speech corpus_root=$data/downloads experiment=debian_speech_codec1 about_data=egs/debian_speech/README.md
. egs/common/codec_stages.sh
