import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseDocument } from 'yaml';

const ROOT = join(import.meta.dirname, '../..');
const GITHUB = readdirSync(join(ROOT, '.github'), { recursive: true, encoding: 'utf8' });
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

interface Workflow {
  readonly jobs: Readonly<
    Record<string, { readonly steps: readonly { readonly run?: string; readonly uses?: string }[] }>
  >;
}

const matches = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, found]) => found!);

describe('.github', () => {
  test.each(GITHUB.filter(name => name.endsWith('.yml')))('%s is valid YAML', name => {
    expect(parseDocument(read(`.github/${name}`)).errors).toEqual([]);
  });

  test.each(['ci.yml', 'release.yml'])('%s runs only existing make targets and scripts', name => {
    const { jobs } = parseDocument(read(`.github/workflows/${name}`)).toJS() as Workflow;
    const steps = Object.values(jobs).flatMap(job => job.steps);
    expect(steps.filter(({ run, uses }) => (run === undefined) === (uses === undefined))).toEqual(
      [],
    );
    const commands = steps.map(({ run = '' }) => run).join('\n');
    const targets = matches(read('Makefile'), /^([a-z][a-z-]*):/gm);
    const called = matches(commands, /\bmake ([a-z-]+)/g);
    expect(called.length).toBeGreaterThan(0);
    expect(called.filter(target => !targets.includes(target))).toEqual([]);
    const scripts = matches(commands, /\b(scripts\/[\w.-]+)/g);
    expect(scripts.filter(path => !existsSync(join(ROOT, path)))).toEqual([]);
  });
});
