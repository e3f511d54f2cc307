# complete.zsh SCRIPT LINE: prints what an interactive zsh offers for the line, as it shows it.
zmodload zsh/zpty
zpty shell 'TERM=dumb zsh -f -i'
setup=(
  'stty cols 250 rows 100' 'autoload -Uz compinit' 'compinit -u -D' "source ${(q)1}"
  'bindkey "^I" list-choices' 'PS1="ready"\>'
)
zpty -w shell ${(j:; :)setup}
zpty -r shell output '*ready>*'
# After the list, the line is cleared.
zpty -w -n shell "$2"$'\t\x15exit\n'
while zpty -r shell output; do print -r -- $output; done
