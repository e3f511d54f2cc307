import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Option } from 'commander';
import { COMMANDS } from '../src/cli/commands.ts';
import { CLIENT_KEYS } from '../src/config/client-keys.ts';
import type { Key } from '../src/config/keys.ts';
import { SERVER_KEYS } from '../src/config/server-keys.ts';
import { BATCH_FAULT_REASONS } from '../src/lottery/bet-batch.ts';
import { FAULT_REASONS } from '../src/lottery/bet-rules.ts';
import { CLOSE_REASONS } from '../src/observe/events.ts';
import { UNSENDABLE_REASONS } from '../src/wire/dialect.ts';
import { REFUSAL_CODES } from '../src/wire/refusal.ts';
import { writtenPages } from '../scripts/docs.ts';

const ROOT = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const PAGES = [
  ...readdirSync(ROOT).filter(name => name.endsWith('.md')),
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.md'))
    .map(name => `docs/${name}`),
];

/** GitHub's anchors of a page's headings. */
const anchorsOf = (page: string): string[] =>
  [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

describe('documentation', () => {
  test.each(Object.entries(writtenPages()))('docs/%s is as make docs writes it', (name, text) => {
    expect(read(`docs/${name}`)).toBe(text);
  });

  test('docs/es/CONFIGURACION.md names keys that exist, with their defaults', () => {
    const keys: readonly Key<unknown>[] = [
      ...Object.values(SERVER_KEYS),
      ...Object.values(CLIENT_KEYS),
    ];
    const defaults = new Map(keys.map(key => [key.name, key.default ?? '–']));
    const rows = [
      ...read('docs/es/CONFIGURACION.md').matchAll(/^\| (`[^|]+) \| `?([^|`]+)`? \|/gm),
    ].flatMap(([, names, value]) => names!.split(', ').map(name => [name.slice(1, -1), value]));
    expect(rows).toEqual(rows.map(([name]) => [name, String(defaults.get(name!))]));
    expect(rows.length).toBeGreaterThan(20);
  });

  test('docs/ERRORS.md has a line for every code and reason, and for no other', () => {
    const rows = [...read('docs/ERRORS.md').matchAll(/^\| `([a-z0-9-]+)` \|/gm)].map(
      ([, word]) => word,
    );
    const reasons = [
      ...FAULT_REASONS,
      ...BATCH_FAULT_REASONS,
      'not-csv',
      'no-line-end',
      ...UNSENDABLE_REASONS,
    ];
    expect(rows).toEqual([...REFUSAL_CODES, ...reasons, ...CLOSE_REASONS]);
  });

  test.each(PAGES)('every link of %s leads to a file, and to a heading of it', page => {
    const links = [...read(page).matchAll(/\]\(([^)#\s]*)(?:#([^)]*))?\)/g)];
    const missing = links.filter(([, target, anchor]) => {
      if (/^[a-z]+:/.test(target!)) return false;
      const file = target === '' ? page : join(dirname(page), target!);
      if (!existsSync(join(ROOT, file))) return true;
      return anchor !== undefined && !anchorsOf(file).includes(anchor);
    });
    expect(missing.map(([link]) => link)).toEqual([]);
  });

  test.each(PAGES)('every command of loteria that %s names exists, and so do its options', page => {
    const named = [...read(page).matchAll(/`(?:\.\/)?loteria ([^`]+)`/g)].map(
      ([, words]) => words!,
    );
    const wrong = named.filter(words => {
      const spec = COMMANDS.findLast(({ name }) => `${words} `.startsWith(`${name} `));
      const flags = (spec?.takes ?? []).map(each => (each instanceof Option ? each.long : ''));
      const options = words.match(/--[a-z-]+/g) ?? [];
      return (
        (!spec && !/^[a-z]* ?--(?:help|version)$/.test(words)) ||
        options.some(option => option !== '--help' && !flags.includes(option))
      );
    });
    expect(wrong).toEqual([]);
  });

  test.each(PAGES)('every file that %s names in src is there', page => {
    const named = [
      ...read(page).matchAll(
        /`((?:lottery|wire|kernel|store|observe|central|agency|http|config|tls|run|cli)\/[\w./-]+)`/g,
      ),
    ];
    const missing = named
      .map(([, path]) => path!)
      .filter(path => !existsSync(join(ROOT, 'src', path)));
    expect(missing).toEqual([]);
  });

  test('docs/ARCHITECTURE.md names a test for each promise, which begins with the promise', () => {
    const rows = [
      ...read('docs/ARCHITECTURE.md').matchAll(
        /^\| (P\d) \| \*\*([^*]+)\.\*\* .*\]\(\.\.\/(test\/promises\/[^)]+)\) \|$/gm,
      ),
    ];
    expect(rows.map(([, promise]) => promise)).toEqual([
      'P1',
      'P2',
      'P3',
      'P4',
      'P5',
      'P6',
      'P7',
      'P8',
    ]);
    for (const [, promise, words, path] of rows)
      expect(read(path!)).toContain(`'${promise} ${words}`);
  });

  test('every make target that a page names exists', () => {
    const targets = [...read('Makefile').matchAll(/^([a-z][a-z-]*):/gm)].map(
      ([, target]) => target!,
    );
    const named = PAGES.flatMap(page =>
      [...read(page).matchAll(/`make ([a-z-]+)/g)].map(([, target]) => target!),
    );
    expect(named.filter(target => !targets.includes(target))).toEqual([]);
    expect(named.length).toBeGreaterThan(0);
  });
});
