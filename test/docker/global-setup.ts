import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { docker, engineMissing, run } from './engine.ts';

/** Facts about the engine for the tests. */
export interface EngineState {
  /** The reason why there is no engine. */
  readonly missing?: string;
  /** The reason why there are no images, or no free names. */
  readonly failure?: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    engine: EngineState;
  }
}

const IMAGES = ['server:latest', 'client:latest', 'loteria-postgres:latest'];

/**
 * Builds the images once for all tests, and afterwards restores the images that had their names.
 */
export default async function setUp(
  project: TestProject,
): Promise<(() => Promise<void>) | undefined> {
  const missing = engineMissing();
  if (missing !== undefined) {
    project.provide('engine', { missing });
    return undefined;
  }
  const before = await Promise.all(IMAGES.map(imageId));
  try {
    await refuseRunningSystem();
    await run('make', ['docker-image'], join(import.meta.dirname, '../..'));
    project.provide('engine', {});
  } catch (error) {
    // Reported by the tests that need the engine; the others run in any case.
    project.provide('engine', { failure: (error as Error).message });
  }
  return async () => {
    for (const [index, name] of IMAGES.entries()) {
      if ((await imageId(name)) === before[index]) continue;
      await (before[index] === '' ? docker('rmi', name) : docker('tag', before[index]!, name));
    }
  };
}

/** Empty without an image of that name. */
async function imageId(name: string): Promise<string> {
  return (await docker('images', '--quiet', '--no-trunc', name)).trim();
}

/** The names are fixed: the tests would stop a running system, and remove its data. */
async function refuseRunningSystem(): Promise<void> {
  const names = (await docker('ps', '--all', '--format', '{{.Names}}')).split('\n');
  const taken = names.filter(name =>
    /^(?:server[12]?|client\d+|(?:etcd|postgres)[123])$/.test(name),
  );
  const network = await docker('network', 'ls', '--quiet', '--filter', 'name=^tp0_testing_net$');
  if (network !== '') taken.push('the network tp0_testing_net');
  const volumes = await docker('volume', 'ls', '--quiet', '--filter', 'name=^tp0_');
  for (const volume of volumes.split('\n').filter(Boolean)) taken.push(`the volume ${volume}`);
  if (taken.length === 0) return;
  throw new Error(`in use already: ${taken.join(', ')}; stop and remove that first`);
}
