// The man page, generated from the commands' help.
import type { Command } from 'commander';
import { buildProgram } from '../src/cli/main.ts';

export function manPage(): string {
  const program = buildProgram(() => {});
  const help = program.createHelp();
  const lines = [
    String.raw`.\" Written by make docs.`,
    `.TH LOTERIA 1 "" "loteria ${program.version()}" "User Commands"`,
    '.SH NAME',
    String.raw`loteria \- ${escaped(program.description().replace(/\.$/, ''))}`,
    '.SH SYNOPSIS',
    bold(help.commandUsage(program)),
    '.SH OPTIONS',
    ...termsOf(program),
    ...afterHelp(program),
    '.SH COMMANDS',
    ...leavesOf(program).flatMap(command => [
      `.SS ${escaped(help.commandUsage(command))}`,
      escaped(command.description()),
      ...termsOf(command),
      ...afterHelp(command),
    ]),
  ];
  return `${lines.join('\n')}\n`;
}

/** The executable commands, in the order of the help. */
function leavesOf(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf);
}

/** The arguments and options of a command. */
function termsOf(command: Command): string[] {
  const help = command.createHelp();
  return [
    ...help
      .visibleArguments(command)
      .map(arg => [help.argumentTerm(arg), help.argumentDescription(arg)]),
    ...help
      .visibleOptions(command)
      .map(option => [help.optionTerm(option), help.optionDescription(option)]),
  ].flatMap(([name, about]) => ['.TP', bold(name!), escaped(about!)]);
}

/** The text below the options: names are indented by two spaces, descriptions by more. */
function afterHelp(command: Command): string[] {
  let output = '';
  command.configureOutput({ writeOut: text => (output += text), getOutHasColors: () => false });
  command.outputHelp();
  const text = output.slice(command.helpInformation().length).trimEnd();
  if (text === '') return [];
  return text.split('\n').flatMap(line => {
    if (line === '') return ['.PP'];
    if (/^ {2}\S/.test(line)) return ['.TP', bold(line.trim())];
    return line.startsWith(' ') ? [escaped(line.trim()), '.br'] : [escaped(line)];
  });
}

function bold(text: string): string {
  return String.raw`\fB${escaped(text)}\fR`;
}

function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^(?=[.'])/, '\\&');
}
