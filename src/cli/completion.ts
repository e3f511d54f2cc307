import type { Argument, Command, Option } from 'commander';
import { shellQuoted } from '../files/shell-word.ts';
import { EXIT } from './exit-codes.ts';

export type Shell = 'bash' | 'zsh' | 'fish';

/** A command, and what may follow it on the command line. */
interface Place {
  /** The names that lead to the command, each after a space; empty for the program itself. */
  readonly path: string;
  readonly commands: readonly Command[];
  readonly options: readonly Option[];
  readonly args: readonly Argument[];
}

/** `loteria completion`. */
export function completionOf(program: Command): (shell: Shell) => Promise<number> {
  return shell => {
    process.stdout.write(completionScript(program, shell));
    return Promise.resolve(EXIT.done);
  };
}

/**
 * A script that completes commands, options and their values, for a shell to read when it starts.
 */
export function completionScript(program: Command, shell: Shell): string {
  return SCRIPTS[shell](program.name(), placesBelow(program, ''));
}

function placesBelow(command: Command, path: string): Place[] {
  const { commands, registeredArguments: args } = command;
  const options = command.createHelp().visibleOptions(command);
  const below = commands.flatMap(child => placesBelow(child, `${path} ${child.name()}`));
  return [{ path, commands, options, args }, ...below];
}

const SCRIPTS: Readonly<Record<Shell, (name: string, places: readonly Place[]) => string>> = {
  bash: (name, places) => `# Written by: ${name} completion bash
_${name}() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} at= words= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at \${COMP_WORDS[i]}" in
      ${pathsOf(places).join(' | ')}) at="$at \${COMP_WORDS[i]}" ;;
    esac
  done
  case "$at:$before:$word" in
${places.flatMap(bashCases).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
# Without a word that fits, files are offered.
complete -o default -F _${name} ${name}
`,

  zsh: (name, places) => `#compdef ${name}
# Written by: ${name} completion zsh
_${name}() {
  local at
  local -a commands arguments
  while (( CURRENT > 2 )); do
    case "$at $words[2]" in
      (${pathsOf(places).join(' | ')}) at+=" $words[2]" ;;
      (*) break ;;
    esac
    shift words
    (( CURRENT-- ))
  done
  case "$at" in
${places.map(zshCase).join('\n')}
  esac
  if (( $#commands )) && [[ $PREFIX != -* ]]; then
    _describe command commands
  else
    _arguments : $arguments
  fi
}
if [[ $funcstack[1] == _${name} ]]; then _${name} "$@"; else compdef _${name} ${name}; fi
`,

  fish: (name, places) => `# Written by: ${name} completion fish
function __${name}_at
  set -l at
  for word in (commandline -opc)[2..-1]
    if contains -- "$at $word" ${pathsOf(places).join(' ')}
      set at "$at $word"
    end
  end
  test "$at" = "$argv"
end
complete -c ${name} -f
${places.flatMap(place => fishLines(name, place)).join('\n')}
`,
};

function pathsOf(places: readonly Place[]): string[] {
  return places.filter(({ path }) => path !== '').map(({ path }) => shellQuoted(path));
}

function flagsOf({ short, long }: Option): string[] {
  return [short, long].filter(flag => flag !== undefined);
}

/** Whether a value is the name of a file, by what the help calls it. */
function isFile(term: string): boolean {
  return /\b(?:file|folder|path|zip)\b/.test(term);
}

/** The first pattern that fits `path:word before:word` decides. */
function bashCases({ path, commands, options, args }: Place): string[] {
  const line = (pattern: string, words: readonly string[]): string =>
    `    ${shellQuoted(path)}:${pattern}) words=${shellQuoted(words.join(' '))} ;;`;
  const chosen = options.filter(({ argChoices }) => argChoices !== undefined);
  const choices = args.flatMap(({ argChoices }) => argChoices ?? []);
  return [
    ...chosen.map(({ long, argChoices }) => line(`${long}:*`, argChoices!)),
    line('*:-*', options.flatMap(flagsOf)),
    line('*', [...commands.map(command => command.name()), ...choices]),
  ];
}

function zshCase({ path, commands, options, args }: Place): string {
  const about = (text: string): string => text.replaceAll(/[\\[\]:]/g, String.raw`\$&`);
  const value = (term: string, choices: readonly string[] | undefined): string =>
    `:value:${choices ? `(${choices.join(' ')})` : isFile(term) ? '_files' : ' '}`;
  const optionSpecs = options.flatMap(option =>
    flagsOf(option).map(
      flag =>
        `${flag}[${about(option.description)}]${option.required ? value(option.flags, option.argChoices) : ''}`,
    ),
  );
  const argSpecs = args.map(arg => `:${value(arg.name(), arg.argChoices)}`);
  const described = commands.map(command => `${command.name()}:${command.description()}`);
  return `    (${shellQuoted(path)})
      commands=(${described.map(shellQuoted).join(' ')})
      arguments=(${[...optionSpecs, ...argSpecs].map(shellQuoted).join(' ')}) ;;`;
}

function fishLines(name: string, { path, commands, options, args }: Place): string[] {
  const line = (rest: string, about?: string): string =>
    `complete -c ${name} -n "__${name}_at '${path}'" ${rest}` +
    (about === undefined ? '' : ` -d ${shellQuoted(about)}`);
  const value = (term: string, choices: readonly string[] | undefined): string =>
    choices ? ` -x -a ${shellQuoted(choices.join(' '))}` : isFile(term) ? ' -r -F' : ' -x';
  return [
    ...commands.map(command => line(`-a ${command.name()}`, command.description())),
    ...options.map(option => {
      const flags = flagsOf(option).map(flag =>
        flag.replace(/^--/, '-l ').replace(/^-(?=\w$)/, '-s '),
      );
      const of = option.required ? value(option.flags, option.argChoices) : '';
      return line(flags.join(' ') + of, option.description);
    }),
    ...args.flatMap(({ argChoices }) =>
      argChoices ? [line(`-a ${shellQuoted(argChoices.join(' '))}`)] : [],
    ),
    ...(args.some(arg => isFile(arg.name())) ? [line('-F')] : []),
  ];
}
