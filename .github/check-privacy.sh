#!/usr/bin/env bash
# Says whether a report may be shown in this repository. It has titles in it, and the summaries and files of a run can be
# read by everybody who can read the repository.
#
#   GH_TOKEN=… SHOW_REPORT_PUBLICLY=… check-privacy.sh
#
#   a private repository, or SHOW_REPORT_PUBLICLY is yes    the output may_show=true, and not a word
#   anything else                                           one line that says why there is no report and what to do,
#                                                           and may_show=false: that is no failure
#
# GitHub is asked, because the event of a scheduled run does not tell. A repository counts as private only when GitHub says
# so in that word: no answer, and what a whole company can read ("internal"), count as public.
set -euo pipefail

say() { # one line, both beside the run (log, annotation) and on its summary page
  printf '::%s::%s\n' "$1" "$2"
  printf '%s\n' "$2" >>"$GITHUB_STEP_SUMMARY"
}

if [[ "$SHOW_REPORT_PUBLICLY" == [Yy][Ee][Ss] ]] || {
  visibility=$(timeout 60 gh api "repos/$GITHUB_REPOSITORY" --jq .visibility) && [[ "$visibility" == private ]]
}; then
  echo "may_show=true" >>"$GITHUB_OUTPUT"
  exit
fi

echo "may_show=false" >>"$GITHUB_OUTPUT"
variables_page="$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/settings/variables/actions"
consent="set the variable SHOW_REPORT_PUBLICLY to yes under Settings → Secrets and variables → Actions → Variables"
remedy="Move to a private copy of this repository (a fork of a public one cannot be made private), or, if everybody may \
see what you listen to, $consent ($variables_page)."
case "${visibility:-}" in
  public | internal) say notice "No report, because this repository is $visibility and others could read it here. $remedy" ;;
  *) say warning "No report, because GitHub did not tell whether this repository is private. Start daily-report again \
later. If it goes on: $remedy" ;;
esac
