#!/usr/bin/env bash
# The stages of a recipe on eleven bundled clips, in a minute or two: see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

stage=1
stop_stage=6
nj=2
ngpu=0
time_budget_minutes=0
frontend=mel
data=data/mini
exp=
options="stage stop_stage nj ngpu time_budget_minutes frontend data exp"
help_message="usage: egs/mini/codec1/run.sh [OPTIONS] [-- SETTINGS OF THE TRAINING]
Every stage of a recipe on eleven bundled clips of four voices. What comes out is no model: it shows that all works.
  stage 1  list and convert the clips, split them by voice, write data directories
  stage 2  validate the data directories
  stage 3  write lhotse cuts
  stage 4  train
  stage 5  evaluate on the voice that was held out
  stage 6  pack the model into a folder that audiovq.load reads
options (with their defaults):
  --stage $stage --stop_stage $stop_stage  the first and the last stage to run; each goes on where it was stopped
  --frontend $frontend  mel or wave: what the encoder reads
  --nj $nj        processes for stages 1 and 5
  --ngpu $ngpu      GPUs to train on; 0 is the CPU
  --time_budget_minutes $time_budget_minutes  stop the training after this long, with exit code 75, to go on later; 0 is no limit
  --data $data   --exp exp/mini/codec1_FRONTEND   where data and results go, below $PWD
example: egs/mini/codec1/run.sh --frontend wave --stage 4 --stop_stage 5 -- total_steps=100"
. egs/common/parse_options.sh
. egs/common/stages.sh

case "$frontend" in
  mel | wave) ;;
  *) die "--frontend must be mel or wave, got '$frontend'" ;;
esac
exp=${exp:-exp/mini/codec1_$frontend}

corpus=mini corpus_root=egs/mini/data experiment=mini_codec1_$frontend about_data=egs/mini/data/README.md
. egs/common/codec_stages.sh
