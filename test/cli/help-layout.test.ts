import { describe, expect, test } from 'vitest';
import { buildProgram } from '../../src/cli/main.ts';
import { wrap } from '../../src/cli/wrap.ts';

/** The help of a command on a terminal of `width` columns. */
function helpOf(name: string, width: number): string {
  const command = buildProgram(() => {}).commands.find(each => each.name() === name)!;
  return command.configureOutput({ getOutHelpWidth: () => width }).helpInformation();
}

describe('the help', () => {
  test.each(['run', 'bench', 'check', 'client'])('of %s fits 40 columns', name => {
    const lines = helpOf(name, 40).split('\n');
    expect(lines.filter(line => line.length > 40)).toEqual([]);
  });

  test('has a description beside its term in 80 columns, and below it in 40', () => {
    expect(helpOf('client', 80)).toContain('--config <file>  read this file');
    expect(helpOf('client', 40)).toContain('--config <file>\n      read this file');
  });
});

test('wrap keeps the indentation of a line, and a long word whole', () => {
  expect(wrap('one\n    two three four\n\n  http://example.org/long', 17)).toBe(
    'one\n    two three\n    four\n\n  http://example.org/long',
  );
});
