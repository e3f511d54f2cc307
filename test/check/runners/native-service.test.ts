import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { NativeService } from '../../../src/check/runners/native-service.ts';

/** Undefined after the process has ended. */
const commandLine = (pid: string): Promise<string> =>
  readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');

test.runIf(process.platform === 'linux')(
  'what a program has started ends with it, as in a container',
  async () => {
    const service = await NativeService.start({
      name: 'server',
      command: `sh -c 'sleep 300 & echo $!'`,
      folder: '.',
      environment: { PATH: process.env['PATH']! },
      now: () => 0,
    });
    await service.exited;
    await expect.poll(() => commandLine(service.lines[0]!.text)).toBe('');
  },
);
