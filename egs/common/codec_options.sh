# shellcheck shell=bash
# The options and the help of a tokenizer recipe: source it after codec_defaults.sh, and codec_stages.sh after it.
: "${name:?}" "${about:?}"

when="only with --download"
[ -z "${download-}" ] || when="what is there already is kept"
options="stage stop_stage nj ngpu time_budget_minutes sample_rate data exp corpus_root prepare_settings ${more_options-}"
help_message="usage: egs/$name/${task:?}/run.sh [OPTIONS] [-- SETTINGS OF THE TRAINING]
$about
  stage 0  download the corpus ($when)
  stage 1  list and decode it, split it, write data directories
  stage 2  validate the data directories
  stage 3  write lhotse cuts
  stage 4  train
  stage 5  evaluate on what was held out
  stage 6  pack the model into a folder that audiovq.load reads
options (with their defaults):
  --dry_run       print the command of each stage and run none; needs no data
  --stage ${stage:?} --stop_stage ${stop_stage:?}  the first and the last stage to run; each goes on where it was stopped
  --corpus_root ${corpus_root:-DATA/downloads}   where the corpus lies
  --download      fetch it into there, if a library can; if none can, say where to get it
  --nj ${nj:?}          processes for stages 1 and 5
  --ngpu ${ngpu:?}        GPUs to train on; 0 is the CPU
  --time_budget_minutes ${time_budget_minutes:?}  stop the training after this long, with exit code 75, to go on later; 0 is no limit
  --sample_rate ${sample_rate:?}   of what stage 1 writes, and of the model
  --prepare_settings '${prepare_settings-}'   more settings of recipes.prepare for stages 0 to 3, separated by blanks
  --data ${data:?}   --exp ${exp:?}   where data and results go, below $PWD
${more_help-}example: egs/$name/$task/run.sh --stage 4 --ngpu 1 --exp exp/wide -- model.width=384 total_steps=60000"
# shellcheck disable=SC2034  # codec_stages.sh uses them
flags="download dry_run"
. egs/common/parse_options.sh
. egs/common/stages.sh
corpus_root=${corpus_root:-$data/downloads}
