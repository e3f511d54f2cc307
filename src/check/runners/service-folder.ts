import { cp, lstat, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join, normalize } from 'node:path';
import type { ComposeService } from '../compose.ts';
import type { Exercise } from '../exercise.ts';
import { setYaml } from '../config-files.ts';
import { clientPace, SERVER_PORT, SERVER_PORT_VARIABLE, SERVER_SERVICE } from '../profiles/tp0.ts';

/** The repository's folder of agencies' files. */
const DATA_FOLDER = '.data';
const AGENCY_FILE = /agency[-_]?\d+\.csv$/;

interface FolderParts {
  /** The temporary copy of the subject. */
  readonly stage: string;
  /** The folder to create. */
  readonly root: string;
  /** `server` or `client`: the service's folder in the repository. */
  readonly program: string;
  readonly service: ComposeService;
  /** Contains `agency-N.csv`; linked as the service's `.data`. */
  readonly data: string;
  /** File of this client. */
  readonly agencyFile: string | undefined;
}

/**
 * Creates the folder of a service: a copy of its part of the repository, links to the rest, and
 * its volumes as files: `/data/agency.csv` becomes `data/agency.csv` and `agency.csv` in its
 * working directory.
 *
 * @returns the working directory, and the path of each volume
 */
export async function makeServiceFolder(
  parts: FolderParts,
): Promise<{ readonly folder: string; readonly volumes: ReadonlyMap<string, string> }> {
  const { stage, root, program, service, data } = parts;
  const folder = join(root, program);
  await mkdir(root, { recursive: true });
  for (const name of await readdir(stage)) {
    if (name !== program && name !== DATA_FOLDER)
      await symlink(join(stage, name), join(root, name));
  }
  await symlink(data, join(root, DATA_FOLDER));
  const hasProgram = (await lstat(join(stage, program)).catch(() => undefined))?.isDirectory();
  if (hasProgram) await cp(join(stage, program), folder, { recursive: true });
  else await mkdir(folder);
  const volumes = new Map<string, string>();
  for (const { source, target } of service.volumes) {
    const from = sourceOf(parts, source);
    if ((await lstat(from).catch(() => undefined)) === undefined) continue;
    for (const place of new Set([
      join(folder, normalize(target)),
      join(folder, basename(target)),
    ])) {
      await placeVolume(from, place);
    }
    volumes.set(target, join(folder, normalize(target)));
  }
  return { folder, volumes };
}

function sourceOf({ stage, data, agencyFile }: FolderParts, source: string): string {
  const path = normalize(source);
  if (AGENCY_FILE.test(path) && agencyFile !== undefined) return agencyFile;
  if (path === DATA_FOLDER) return data;
  if (path.startsWith(`${DATA_FOLDER}/`)) return join(data, path.slice(DATA_FOLDER.length + 1));
  return join(stage, path);
}

/** Copies files, because configuration is changed in them; links folders. */
async function placeVolume(from: string, place: string): Promise<void> {
  const there = await lstat(place).catch(() => undefined);
  if (there?.isDirectory()) return;
  await mkdir(dirname(place), { recursive: true });
  if ((await lstat(from)).isDirectory()) await symlink(from, place).catch(() => {});
  else await cp(from, place, { force: true });
}

interface Settings {
  readonly exercise: Exercise;
  readonly keepsPeriod?: boolean;
  /** Of the server, for a client. */
  readonly address: { readonly host: string; readonly port: number };
  readonly batchMax?: number;
}

/** Sets the server's address in the configuration files of a client's folder. */
export async function configureClient(folder: string, settings: Settings): Promise<void> {
  await changeFiles(folder, /^config\.ya?ml$/, text => clientYaml(text, settings));
  await changeFiles(folder, /\.ini$/, text => withAddress(text, settings.address));
}

function clientYaml(text: string, settings: Settings): string {
  const { exercise, address, batchMax } = settings;
  return setYaml(text, {
    ...clientPace(exercise, settings),
    'server.address': `${address.host}:${address.port}`,
    ...(batchMax === undefined ? {} : { 'batch.maxAmount': batchMax }),
  });
}

/** Sets the port in the configuration files of the server's folder. */
export async function configureServer(folder: string, port: number): Promise<void> {
  await changeFiles(folder, /\.ini$/, text =>
    text
      .replace(new RegExp(`^(\\s*${SERVER_PORT_VARIABLE}\\s*[=:]\\s*)\\d+`, 'gim'), `$1${port}`)
      .replace(
        new RegExp(`^(\\s*SERVER_IP\\s*[=:]\\s*)${SERVER_SERVICE}\\s*$`, 'gim'),
        '$1127.0.0.1',
      ),
  );
}

/** Replaces `server:12345`, the value `server`, and the port `12345`. */
export function withAddress(text: string, { host, port }: Settings['address']): string {
  return text
    .replace(new RegExp(`\\b${SERVER_SERVICE}:${SERVER_PORT}\\b`, 'g'), `${host}:${port}`)
    .replace(new RegExp(`^(.*[=:]\\s*|)${SERVER_SERVICE}\\s*$`, 'gm'), `$1${host}`)
    .replace(new RegExp(`^(.*PORT\\s*[=:]\\s*|)${SERVER_PORT}\\s*$`, 'gim'), `$1${port}`);
}

const DEPTH_MAX = 3;

async function changeFiles(
  folder: string,
  name: RegExp,
  change: (text: string) => string,
): Promise<void> {
  const visit = async (path: string, depth: number): Promise<void> => {
    for (const entry of await readdir(path, { withFileTypes: true })) {
      const file = join(path, entry.name);
      if (entry.isDirectory() && depth < DEPTH_MAX) await visit(file, depth + 1);
      if (!entry.isFile() || !name.test(entry.name)) continue;
      await writeFile(file, change(await readFile(file, 'utf8')));
    }
  };
  await visit(folder, 1);
}
