import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../support/temp-folder.ts';
import { ROOT, runTool } from './tool.ts';

const PAGE = 'docs/man/loteria.1';

describe('the man page', () => {
  test('is what npm run docs:man writes', async () => {
    const file = join(await temporaryFolder(), 'man/loteria.1');
    const { stderr } = spawnSync(process.execPath, [join(ROOT, 'scripts/man.mjs'), file], {
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(readFileSync(join(ROOT, PAGE), 'utf8')).toBe(readFileSync(file, 'utf8'));
  });

  test('is without fault for man', context => {
    const { output } = runTool(context, 'man', ['--warnings', '--local-file', PAGE]);
    expect(output).toMatch(/^LOTERIA\(1\)/);
    expect(output).not.toContain('warning');
  });

  test('is without fault for mandoc', context => {
    const { output } = runTool(context, 'mandoc', ['-T', 'lint', '-W', 'warning', PAGE]);
    // It has no date: the same help makes the same page.
    expect(output).toMatch(/^.*missing date.*\n$/);
  });
});
