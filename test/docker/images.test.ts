import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { docker, run } from './engine.ts';
import { needEngine, Stack } from './stack.ts';

const IMAGES = ['server', 'client'] as const;

/**
 * Limit of the program's bytes on top of the base image. Of 2.6 MB, 0.7 are the certificates'
 * library and 0.5 the PostgreSQL client.
 */
const ADDED_BYTES_MAX = 3 * 1024 ** 2;

const inspect = (image: string, format: string): Promise<string> =>
  docker('image', 'inspect', '--format', format, image);

const layersOf = async (image: string): Promise<string[]> =>
  JSON.parse(await inspect(image, '{{json .RootFS.Layers}}')) as string[];

/** Runs a command in a container, as the program's user and in its folder. */
const inside = (image: string, script: string): Promise<string> =>
  docker('run', '--rm', '--entrypoint', 'sh', image, '-c', script);

test('the two Dockerfiles are equal except for their marked differences', () => {
  const [server, client] = IMAGES.map(name => {
    const text = readFileSync(join(import.meta.dirname, '../..', name, 'Dockerfile'), 'utf8');
    return text.slice(text.indexOf('\nARG '), text.indexOf('\n# What differs.\n'));
  });
  expect(server).toContain('npm ci');
  expect(client).toBe(server);
});

describe('the images', () => {
  beforeEach(needEngine);

  test.each(IMAGES)(
    'of the %s contain only the program and add little to the Node image',
    async image => {
      expect((await inside(image, 'ls -A /opt/loteria')).split('\n')).toEqual([
        'dist',
        'package.json',
        '',
      ]);
      const sizes = [`${image}:latest`, 'node:24-bookworm-slim'].map(name =>
        inspect(name, '{{.Size}}'),
      );
      const [whole, base] = await Promise.all(sizes);
      expect(Number(whole) - Number(base)).toBeLessThan(ADDED_BYTES_MAX);
    },
  );

  test('do not run as root, and let the central write to its working directory', async () => {
    const server = await inside('server', 'id -un; pwd; ls; touch bets.csv data/bets.csv');
    expect(server).toBe('node\n/loteria\nconfig.ini\ndata\n');
    expect(await inside('client', 'id -un; pwd; ls *.yaml')).toBe('node\n/\nconfig.yaml\n');
  });

  test('let the central write to a new volume', async () => {
    const volume = 'loteria-test-data';
    onTestFinished(async () => {
      await docker('volume', 'rm', volume);
    });
    const mounted = ['--rm', '--volume', `${volume}:/loteria/data`, '--entrypoint', 'touch'];
    await docker('run', ...mounted, 'server', 'data/bets.csv');
  });

  test.each(IMAGES)('of the %s give Node the options of ./loteria', async image => {
    const option = /--max-semi-space-size=\d+/.exec(
      readFileSync(join(import.meta.dirname, '../../loteria'), 'utf8'),
    )![0];
    expect(await inside(image, 'echo "$NODE_OPTIONS"')).toBe(`--disable-sigusr1 ${option}\n`);
  });

  test('share all layers but the last two, and have the command in the path', async () => {
    const [server, client] = await Promise.all(IMAGES.map(layersOf));
    const shared = server!.filter(layer => client!.includes(layer));
    expect(client!.length - shared.length).toBeLessThanOrEqual(2);
    expect(await docker('run', '--rm', 'client', '--help')).toContain('Usage: loteria');
  });

  test('reuse all layers but the last when only the configuration has changed', async () => {
    const stack = await Stack.create({ exercise: 'ej2', clients: 1 });
    await stack.configureServer(['SERVER_PORT = 1']);
    await stack.configureClients(['id: 1']);
    for (const image of IMAGES) {
      const changed = `loteria-test-${image}`;
      await run(
        'docker',
        ['build', '-q', '-f', `${image}/Dockerfile`, '-t', changed, '.'],
        stack.folder,
      );
      onTestFinished(async () => {
        await docker('rmi', changed);
      });
      const [before, after] = await Promise.all([layersOf(image), layersOf(changed)]);
      expect(after.slice(0, -1)).toEqual(before.slice(0, -1));
      expect(after.at(-1)).not.toBe(before.at(-1));
    }
  });
});
