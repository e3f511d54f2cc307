import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../package-root.ts';
import type { Engine } from './docker-engine.ts';
import type { ServiceDefinition } from './docker-services.ts';

/** Arguments of `docker build`, without the image's name. */
interface Recipe {
  readonly dockerfile: string;
  readonly context: string;
  readonly options: readonly string[];
}

/** Builds the image of a service, with a name of this run. */
export async function buildService(
  engine: Engine,
  {
    folder,
    name,
    service,
  }: { readonly folder: string; readonly name: string; readonly service: ServiceDefinition },
): Promise<void> {
  const recipe =
    ofService(service, folder) ?? (await ofMakefile(service, folder)) ?? usual(service, folder);
  await build(engine, name, recipe);
}

/** Builds the image of the proxy: this program on the base image of its own Dockerfiles. */
export async function buildProxy(engine: Engine, name: string, folder: string): Promise<void> {
  const context = join(folder, 'proxy-image');
  await mkdir(context, { recursive: true });
  await cp(join(PACKAGE_ROOT, 'package.json'), join(context, 'package.json'));
  await cp(join(PACKAGE_ROOT, 'dist/cli'), join(context, 'dist/cli'), { recursive: true });
  const lines = [
    'FROM node:24-bookworm-slim',
    'COPY . /opt/loteria',
    'USER node',
    'ENTRYPOINT ["node", "/opt/loteria/dist/cli/proxy-process.js"]',
  ];
  await writeFile(join(context, 'Dockerfile'), lines.join('\n'));
  await build(engine, name, { dockerfile: join(context, 'Dockerfile'), context, options: [] });
}

async function build(
  engine: Engine,
  name: string,
  { dockerfile, context, options }: Recipe,
): Promise<void> {
  // Labels the images of all steps, and prevents the use of another run's cache.
  if (engine.isLegacyBuilder) {
    const labels = Object.entries(engine.labels).map(([key, value]) => `${key}=${value}`);
    const text = await readFile(dockerfile, 'utf8').catch(() => '');
    await writeFile(
      dockerfile,
      text.replaceAll(/^[ \t]*FROM\s.*$/gim, from => `${from}\nLABEL ${labels.join(' ')}`),
    );
  }
  const flags = ['--force-rm', ...engine.labelFlags, ...options];
  await engine.docker('build', ...flags, '-f', dockerfile, '-t', name, context);
}

/** From the `build` of the compose file. */
function ofService({ build: definition }: ServiceDefinition, folder: string): Recipe | undefined {
  if (definition === undefined) return undefined;
  const {
    context = '.',
    dockerfile = 'Dockerfile',
    args = {},
    target,
  } = typeof definition === 'string' ? { context: definition } : definition;
  const root = inside(folder, context);
  const pairs = Array.isArray(args)
    ? args
    : Object.entries(args).map(([key, value]) => `${key}=${value}`);
  return {
    context: root,
    dockerfile: inside(root, dockerfile),
    options: [
      ...pairs.flatMap(pair => ['--build-arg', pair]),
      ...(target === undefined ? [] : ['--target', target]),
    ],
  };
}

/**
 * From the line of the Makefile that builds this image: `docker build -f ./server/Dockerfile -t
 * "server:latest" .`
 */
async function ofMakefile(
  { image }: ServiceDefinition,
  folder: string,
): Promise<Recipe | undefined> {
  const makefile = await readFile(join(folder, 'Makefile'), 'utf8').catch(() => '');
  for (const [, rest] of makefile
    .replaceAll('\\\n', ' ')
    .matchAll(/\bdocker(?: buildx)? build ([^\n&|;]*)/g)) {
    const words = rest!.replaceAll(/["']/g, '').trim().split(/\s+/);
    const valueOf = (...flags: string[]): string | undefined => {
      const at = words.findIndex(word => flags.includes(word));
      return at < 0 ? undefined : words[at + 1];
    };
    if (withTag(valueOf('-t', '--tag')) !== withTag(image)) continue;
    const context = inside(folder, words.at(-1)!);
    const dockerfile = valueOf('-f', '--file');
    const target = valueOf('--target');
    return {
      context,
      dockerfile:
        dockerfile === undefined ? join(context, 'Dockerfile') : inside(folder, dockerfile),
      options: target === undefined ? [] : ['--target', target],
    };
  }
  return undefined;
}

/** As in the course's skeleton: `server/Dockerfile`, built in the root folder. */
const usual = ({ image = '' }: ServiceDefinition, folder: string): Recipe => ({
  context: folder,
  dockerfile: join(folder, image.split(':')[0]!, 'Dockerfile'),
  options: [],
});

const withTag = (image: string | undefined): string | undefined =>
  image === undefined || image.includes(':') ? image : `${image}:latest`;

const inside = (folder: string, path: string): string =>
  path.startsWith('/') ? path : join(folder, path);
