# complete.bash SCRIPT LINE: prints what bash offers for the last word of the line, one word a line.
. "$1"
IFS=' ' read -ra COMP_WORDS <<<"$2."
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
COMP_WORDS[COMP_CWORD]=${COMP_WORDS[COMP_CWORD]%.}
$(complete -p loteria | sed 's/.*-F \([^ ]*\).*/\1/')
printf '%s\n' "${COMPREPLY[@]}"
