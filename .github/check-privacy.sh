#!/usr/bin/env bash
# Decides whether a report may be shown in this repository. A report contains titles, and everybody who can read the
# repository can read the summary pages and files of its runs.
#
#   GH_TOKEN=… SHOW_REPORT_PUBLICLY=… check-privacy.sh
#
#   private repository, or SHOW_REPORT_PUBLICLY is yes    sets the output may_show=true and prints nothing
#   anything else                                         sets may_show=false, prints one line that says why there is
#                                                         no report and what to do, and exits with 0: no failure
#
#   anything else                                         sets may_show=false, prints one line that says why there is no
#                                                         report and what to do, and exits with 0: it is no failure
set -euo pipefail

say() { # one line, in the log (as an annotation) and on the summary page
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
remedy="Move to a private copy of this repository (a fork of a public repository can't be made private). Or, if \
everybody may see what you listen to, $consent ($variables_page)."
case "${visibility:-}" in
  public | internal) say notice "No report: this repository is $visibility, so others could read it. $remedy" ;;
  *) say warning "No report: GitHub did not say whether this repository is private. Start daily-report again later. \
If that does not help: $remedy" ;;
esac
