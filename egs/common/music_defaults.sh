# shellcheck shell=bash
# The defaults of the options of a music recipe: source it with name set, that of the recipe's folder in egs/, then
# change what differs, and set about, a line on the music. music_stages.sh comes after it.
: "${name:?}"

# shellcheck disable=SC2034  # used by the scripts that source this
{
  stage=1
  stop_stage=6
  nj=2
  ngpu=0
  time_budget_minutes=0
  data=data/$name
  exp=exp/$name/music1
  tokenizer=music-32k
  vocoder=                   # empty: the bundled one that fits
  experiment=${name}_music1  # in configs/experiment: _level0, _level1 ... are appended
  num_levels=4
  labels=labels_music.jsonl  # of the data; empty: music without labels
  num_pieces=8
  seconds=20
  primer_seconds=5
  score_settings=            # more arguments of recipes.score_music, separated by blanks
  about_data=egs/$name/README.md
  dry_run=
}
