// Writes docs/COMMANDS.md, the tables of docs/CONFIG.md and the man page from the program.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMANDS, type CommandSpec } from '../src/cli/commands.ts';
import { wrap } from '../src/cli/wrap.ts';
import { CLIENT_KEYS } from '../src/config/client-keys.ts';
import type { Key } from '../src/config/keys.ts';
import { SERVER_KEYS } from '../src/config/server-keys.ts';
import { manPage } from './man-page.ts';

const DOCS = join(import.meta.dirname, '../docs');

/** The generated pages, by name. */
export function writtenPages(): Record<string, string> {
  const config = readFileSync(join(DOCS, 'CONFIG.md'), 'utf8');
  const withServer = replaceTable(config, 'server', keyTable(Object.values(SERVER_KEYS)));
  return {
    'CONFIG.md': replaceTable(withServer, 'client', keyTable(Object.values(CLIENT_KEYS))),
    'COMMANDS.md': commandsPage(),
    'man/loteria.1': manPage(),
  };
}

function replaceTable(page: string, name: string, table: string): string {
  const [begin, end] = [`<!-- ${name}: written by make docs -->`, `<!-- ${name}: end -->`];
  const [before, rest] = page.split(begin);
  const after = rest?.split(end)[1];
  if (after === undefined) throw new Error(`docs/CONFIG.md has no ${begin}`);
  return `${before}${begin}\n${table}\n${end}${after}`;
}

function keyTable(keys: readonly Key<unknown>[]): string {
  const rows = keys.map(key => {
    const variables = key.env.map(name => `\`${name}\``).join(', ');
    const standard =
      key.default === undefined
        ? key.optional
          ? 'not set'
          : '**required**'
        : `\`${key.default}\``;
    return `| \`${key.name}\` | ${variables} | ${standard} | ${key.allowed} | ${key.about} |`;
  });
  return [
    '| key | environment | default | allowed | meaning |',
    '|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

function commandsPage(): string {
  const sections = COMMANDS.map(
    spec => `## loteria ${spec.name}\n\n${wrap(sentence(spec.about), 100)}\n\n${tableOf(spec)}`,
  );
  return `# Commands

Written by \`make docs\` from the table of commands (\`cli/commands.ts\`), like \`--help\`. In the
repository the program is \`./loteria\`. Exit codes: 0 done, 1 failed, 2 wrong usage or
configuration, 130 Ctrl-C ([ERRORS.md](ERRORS.md#exit-codes)).

${sections.join('\n\n')}
`;
}

function tableOf({ takes = [], details }: CommandSpec): string {
  const rows = takes.map(each => {
    const name =
      'flags' in each ? each.flags : each.required ? `<${each.name()}>` : `[${each.name()}]`;
    const standard = each.defaultValueDescription ?? (each.defaultValue as string | undefined);
    const choices = each.argChoices === undefined ? '' : ` (${each.argChoices.join(', ')})`;
    const mandatory = 'mandatory' in each && each.mandatory ? ' **Required.**' : '';
    const value = standard === undefined ? '' : ` Default: \`${standard}\`.`;
    return `| \`${name}\` | ${sentence(each.description + choices)}${value}${mandatory} |`;
  });
  const table = rows.length === 0 ? [] : [['| | |', '|---|---|', ...rows].join('\n')];
  const isKeys = details?.includes('Configuration (');
  const more = isKeys ? 'Its configuration is in [CONFIG.md](CONFIG.md).' : details?.trim();
  return [...table, ...(more === undefined ? [] : [more])].join('\n\n');
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

if (import.meta.main) {
  for (const [name, text] of Object.entries(writtenPages())) writeFileSync(join(DOCS, name), text);
}
