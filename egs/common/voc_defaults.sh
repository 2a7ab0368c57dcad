# shellcheck shell=bash
# The defaults of the options of a vocoder recipe: source it with name set, that of the recipe's folder in egs/, then
# change what differs, and set about, a line on the vocoder. voc_stages.sh comes after it.
: "${name:?}"

# shellcheck disable=SC2034  # used by the scripts that source this
{
  stage=1
  stop_stage=3
  nj=2
  ngpu=0
  time_budget_minutes=0
  num_utterances=480
  data=data/$name
  exp=exp/$name/voc1
  experiment=${name}_voc1 # in configs/experiment
  tokenizers=speech-16k,speech-16k-hq
  about_data=egs/$name/README.md
  dry_run=
  more_help=
}
