import { describe, expect, test } from 'vitest';
import { runTool } from './tool.ts';

const PAGE = 'docs/man/loteria.1';

describe('the man page', () => {
  test('has no warnings from man', context => {
    const { output } = runTool(context, 'man', ['--warnings', '--local-file', PAGE]);
    expect(output).toMatch(/^LOTERIA\(1\)/);
    expect(output).not.toContain('warning');
  });

  test('has no warning from mandoc but the missing date', context => {
    const { output } = runTool(context, 'mandoc', ['-T', 'lint', '-W', 'warning', PAGE]);
    // It has no date, so that it is reproducible.
    expect(output).toMatch(/^.*missing date.*\n$/);
  });
});
