# shellcheck shell=bash
# The defaults of the options of a text-to-speech recipe: source it with name set, that of the recipe's folder in egs/,
# then change what differs, and set about, a line on the voices. tts_stages.sh comes after it.
: "${name:?}"

# shellcheck disable=SC2034  # used by the scripts that source this
{
  stage=1
  stop_stage=7
  nj=2
  ngpu=0
  time_budget_minutes=0
  data=data/$name
  exp=exp/$name/tts1
  tokenizer=speech-16k
  splits="train valid test" # the data directories whose sentences are used, whatever was held out of the tokenizer's training
  experiment=${name}_tts1    # in configs/experiment: its data, align, durations, level0 ... begin with this name
  prepare_settings=          # more settings of recipes.prepare_tts, separated by blanks
  num_levels=3
  recogniser=packaged
  about_data=egs/$name/README.md
  dry_run=
}
