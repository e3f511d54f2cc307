import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';

/**
 * Folders are layers, and imports point one way (docs/ARCHITECTURE.md). A layer may import a
 * folder, or single files of one where it needs only an interface.
 */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  lottery: [],
  files: [],
  wire: ['lottery'],
  kernel: ['lottery'],
  store: ['lottery', 'files'],
  observe: ['wire/refusal.ts', 'lottery/lottery.ts', 'lottery/fact.ts', 'store/store.ts'],
  audit: ['lottery', 'files'],
  central: ['lottery', 'files', 'wire', 'store/store.ts', 'observe/events.ts', 'observe/status.ts'],
  agency: ['lottery', 'files', 'wire', 'observe/events.ts'],
  http: ['observe'],
  config: ['lottery', 'files', 'wire/limits.ts', 'wire/dialect-names.ts', 'observe/log-level.ts'],
  tls: ['files', 'config/errors.ts', 'config/tls-files.ts'],
  dataset: ['lottery', 'files'],
  run: ['lottery', 'files', 'wire', 'agency', 'dataset', 'config'],
  bench: ['lottery', 'files', 'wire', 'dataset', 'config'],
  check: ['dataset/names.ts', 'dataset/random.ts', 'files/json-lines.ts'],
  cli: [
    'lottery',
    'files',
    'wire',
    'kernel',
    'store',
    'observe',
    'audit',
    'central',
    'agency',
    'http',
    'config',
    'tls',
    'dataset',
    'run',
    'bench',
    'check',
  ],
};

const SOURCE = join(import.meta.dirname, '../src');

const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.ts'))
  .toSorted();

const textOf = new Map(files.map(file => [file, readFileSync(join(SOURCE, file), 'utf8')]));

/** The files of `src` that a file imports, statically or not. */
function importsOf(file: string): string[] {
  const specifiers = textOf.get(file)!.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g);
  return [...specifiers].map(([, specifier]) =>
    relative(SOURCE, join(SOURCE, dirname(file), specifier!)),
  );
}

const layerOf = (file: string): string => file.split('/')[0]!;

describe('layers', () => {
  test('every folder of src is a known layer', () => {
    expect([...new Set(files.map(layerOf))].toSorted()).toEqual(Object.keys(ALLOWED).toSorted());
  });

  test('every import is of a file that exists', () => {
    const missing = files.flatMap(file =>
      importsOf(file).filter(imported => !textOf.has(imported)),
    );
    expect(missing).toEqual([]);
    // The pattern finds imports.
    expect(files.flatMap(importsOf).length).toBeGreaterThan(files.length);
  });

  test.each(files)('%s imports only what its layer may', file => {
    const allowed = [layerOf(file), ...ALLOWED[layerOf(file)]!];
    const forbidden = importsOf(file).filter(
      imported => !allowed.includes(layerOf(imported)) && !allowed.includes(imported),
    );
    expect(forbidden).toEqual([]);
  });

  test('no file imports itself over others', () => {
    const cycles: string[] = [];
    const done = new Set<string>();
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' → '));
      if (done.has(file) || path.includes(file)) return;
      for (const imported of importsOf(file)) visit(imported, [...path, file]);
      done.add(file);
    };
    for (const file of files) visit(file, []);
    expect(cycles).toEqual([]);
  });

  test('only config reads the environment, only cli ends the process', () => {
    // A separate program.
    const others = files.filter(file => file !== 'check/runners/docker-shim.ts');
    const users = (pattern: RegExp): string[] => [
      ...new Set(others.filter(file => pattern.test(textOf.get(file)!)).map(layerOf)),
    ];
    expect(users(/process\.env\b/)).toEqual(['config']);
    expect(users(/process\.exit\(|process\.exitCode\b|process\.abort\(/)).toEqual(['cli']);
  });

  test('concrete stores and dialects are chosen in one place each', () => {
    const concrete = /^(?:store\/(?!store\.ts)|wire\/dialects\/|kernel\/)/;
    const users = files.filter(file => {
      const foreign = importsOf(file).filter(imported => layerOf(imported) !== layerOf(file));
      return foreign.some(imported => concrete.test(imported));
    });
    expect(users).toEqual([
      'cli/dialects.ts',
      'cli/stores/csv.ts',
      'cli/stores/memory.ts',
      'cli/stores/postgres.ts',
    ]);
  });

  test('of src the page knows the type of what it shows, and nothing else', () => {
    const web = join(import.meta.dirname, '../web');
    const imports = readdirSync(web, { recursive: true, encoding: 'utf8' })
      .filter(name => name.endsWith('.ts'))
      .flatMap(name => readFileSync(join(web, name), 'utf8').match(/^.*from '.*src\/.*$/gm) ?? []);
    expect(
      imports.filter(line => !/^import type .*\/src\/http\/snapshot\.ts';$/.test(line)),
    ).toEqual([]);
    expect(imports.length).toBeGreaterThan(0);
  });
});
