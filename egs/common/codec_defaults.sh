# shellcheck shell=bash
# The defaults of the options of a tokenizer recipe: source it with name set, that of the recipe's folder in egs/, then
# change what differs, and set about, a line on the corpus.
: "${name:?}"

# shellcheck disable=SC2034  # used by the scripts that source this
{
  stage=0
  stop_stage=6
  nj=2
  ngpu=0
  time_budget_minutes=0
  task=codec1 # the recipe's folder in egs/$name
  data=data/$name
  exp=exp/$name/codec1
  corpus=$name # in configs/corpus or audiovq.data.corpora
  corpus_root= # where the corpus lies; if nothing is said, in downloads/ below $data
  prepare_settings= # more settings of recipes.prepare, separated by blanks
  evaluate_settings= # more settings of recipes.evaluate, separated by blanks
  sample_rate=16000
  experiment=${name}_codec1 # in configs/experiment
  about_data=egs/$name/README.md
  download= # not empty: stage 0 is wanted
  dry_run=
  more_options= # that this recipe has beside those of all
  more_help=
}
