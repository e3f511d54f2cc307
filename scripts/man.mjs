// man.mjs [FILE]: writes the man page, docs/man/loteria.1, from what the commands print as help.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildProgram } from '../src/cli/main.ts';

const [file = join(import.meta.dirname, '../docs/man/loteria.1')] = process.argv.slice(2);
const program = buildProgram(() => {});
const help = program.createHelp();
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, `${manPage().join('\n')}\n`);

function manPage() {
  return [
    '.\\" Written by scripts/man.mjs: do not edit.',
    `.TH LOTERIA 1 "" "loteria ${program.version()}" "User Commands"`,
    '.SH NAME',
    `loteria \\- ${escaped(program.description().replace(/\.$/, ''))}`,
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
}

/** The commands that do something, in the order of the help. */
function leavesOf(command) {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf);
}

/** The arguments and options of a command. */
function termsOf(command) {
  return [
    ...help.visibleArguments(command).map(arg => [help.argumentTerm(arg), help.argumentDescription(arg)]),
    ...help.visibleOptions(command).map(option => [help.optionTerm(option), help.optionDescription(option)]),
  ].flatMap(term);
}

/** What stands below the options: names are indented by two spaces, what is said of them by more. */
function afterHelp(command) {
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

function term([name, about]) {
  return ['.TP', bold(name), escaped(about)];
}

function bold(text) {
  return `\\fB${escaped(text)}\\fR`;
}

function escaped(text) {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^(?=[.'])/, '\\&');
}
