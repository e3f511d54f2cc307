import { cp, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { parse } from 'yaml';
import { iniValue, setIni, setYaml, yamlValue } from '../config-files.ts';
import type { Exercise } from '../exercise.ts';
import { NotCheckable } from '../finding.ts';
import {
  BATCH_VARIABLE,
  betEnvironment,
  CLIENT_ID_VARIABLE,
  CLIENT_SERVICE,
  COMPOSE_FILE,
  SERVER_ADDRESS_VARIABLE,
  SERVER_PORT,
  SERVER_PORT_VARIABLE,
  SERVER_SERVICE,
} from '../profiles/tp0.ts';
import type { AgencyInput } from '../data.ts';
import type { LotterySetup } from '../runner.ts';
import type { Engine } from './docker-engine.ts';

/** What Docker Compose says of a service; what is not named here is passed on as it is. */
export interface ServiceDefinition {
  readonly image?: string;
  readonly build?:
    | string
    | {
        readonly context?: string;
        readonly dockerfile?: string;
        readonly target?: string;
        readonly args?: readonly string[] | Readonly<Record<string, string>>;
      };
  readonly environment?: Readonly<Record<string, string | number | null>>;
  readonly volumes?: readonly (string | Mount)[];
  readonly ports?: readonly unknown[];
  readonly [key: string]: unknown;
}

interface Mount {
  readonly type?: string;
  readonly source?: string;
  readonly target: string;
  readonly read_only?: boolean;
}

/** The containers of a subject as its own compose file has them. */
export interface Services {
  readonly server: ServiceDefinition;
  /** Of client 1, 2, … */
  readonly clients: readonly ServiceDefinition[];
  readonly volumes: readonly string[];
}

/**
 * Reads the compose file with Docker Compose itself, which fills in variables and defaults.
 *
 * @throws NotCheckable (as a rejection) when it is none or has no server
 */
export async function readServices(engine: Engine, folder: string): Promise<Services> {
  let text: string;
  try {
    text = await engine.compose(folder, '-f', COMPOSE_FILE, 'config');
  } catch (error) {
    const { stderr = String(error) } = error as { stderr?: string };
    throw new NotCheckable({
      es: `Docker Compose no acepta ${COMPOSE_FILE}: ${stderr.trim()}`,
      en: `Docker Compose refuses ${COMPOSE_FILE}: ${stderr.trim()}`,
    });
  }
  const { services = {}, volumes = {} } = parse(text) as {
    services?: Record<string, ServiceDefinition>;
    volumes?: Record<string, unknown>;
  };
  const server = services[SERVER_SERVICE];
  if (server === undefined) {
    throw new NotCheckable({
      es: `${COMPOSE_FILE} no tiene el servicio '${SERVER_SERVICE}'`,
      en: `${COMPOSE_FILE} has no service '${SERVER_SERVICE}'`,
    });
  }
  const numberOf = (name: string): number => Number(CLIENT_SERVICE.exec(name)?.[1] ?? 0);
  const names = Object.keys(services).filter(name => numberOf(name) > 0);
  return {
    server,
    clients: names.toSorted((a, b) => numberOf(a) - numberOf(b)).map(name => services[name]!),
    volumes: Object.keys(volumes),
  };
}

/** Files of the subject as one lottery has them: edited copies in a folder of their own. */
export class ServiceFiles {
  readonly #folder: string;
  readonly #exercise: Exercise;
  readonly #setup: LotterySetup;

  /** @param folder of the lottery */
  constructor(folder: string, exercise: Exercise, setup: LotterySetup) {
    this.#folder = folder;
    this.#exercise = exercise;
    this.#setup = setup;
  }

  async server(service: ServiceDefinition): Promise<ServiceDefinition> {
    const values = this.#setup.serverConfig ?? {};
    return this.#configure(service, 'server', {
      file: 'config.ini',
      values,
      edit: setIni,
      variableOf: key => key,
    });
  }

  /** @param client its number, which names its folder */
  async client(
    service: ServiceDefinition,
    input: AgencyInput & { readonly client: number },
  ): Promise<ServiceDefinition> {
    const { batchMax, clientConfig } = this.#setup;
    const place = `client${input.client}`;
    const configured = await this.#configure(service, place, {
      file: 'config.yaml',
      values: { ...clientConfig, ...(batchMax === undefined ? {} : { 'batch.maxAmount': batchMax }) },
      edit: setYaml,
      variableOf: path =>
        path === 'batch.maxAmount' ? BATCH_VARIABLE : `CLI_${path.replace('.', '_').toUpperCase()}`,
    });
    const volumes = await Promise.all(
      mountsOf(configured).map(async mount => (isData(mount) ? this.#withData(mount, place, input) : mount)),
    );
    const bet = input.bets[0];
    return {
      ...configured,
      volumes,
      environment: {
        ...configured.environment,
        [CLIENT_ID_VARIABLE]: String(input.agency),
        ...(this.#exercise === 'ej5' && bet !== undefined ? betEnvironment(bet) : {}),
      },
    };
  }

  /** Edits the mounted file. Variables are set where there is none, or where they would win over it. */
  async #configure(
    service: ServiceDefinition,
    place: string,
    { file, values, edit, variableOf }: ConfigEdit,
  ): Promise<ServiceDefinition> {
    const environment = { ...service.environment };
    const volumes = mountsOf(service);
    const at = volumes.findIndex(({ source }) => source !== undefined && basename(source) === file);
    const folderAt = at >= 0 ? -1 : await indexOfFolderWith(volumes, file);
    for (const [key, value] of Object.entries(values)) {
      const variable = variableOf(key);
      if ((at < 0 && folderAt < 0) || environment[variable] !== undefined)
        environment[variable] = String(value);
    }
    const index = Math.max(at, folderAt);
    if (index >= 0) {
      const mount = volumes[index]!;
      const source = at >= 0 ? mount.source! : join(mount.source!, file);
      const copy = join(this.#folder, place, at >= 0 ? '' : 'config', file);
      await mkdir(dirname(copy), { recursive: true });
      if (at < 0) await cp(mount.source!, dirname(copy), { recursive: true });
      await writeFile(copy, edit(await readFile(source, 'utf8'), values));
      volumes[index] = { ...mount, source: at >= 0 ? copy : dirname(copy) };
    }
    return { ...service, environment, volumes };
  }

  async #withData(mount: Mount, place: string, { agency, file }: AgencyInput): Promise<Mount> {
    const folder = join(this.#folder, place, 'data');
    const name = `agency-${agency}.csv`;
    await mkdir(join(folder, 'dataset'), { recursive: true });
    await writeFile(join(folder, name), file);
    if (/\.csv$/i.test(mount.target)) return { ...mount, source: join(folder, name) };
    await writeFile(join(folder, 'dataset', name), file);
    return { ...mount, source: folder };
  }
}

/** Agencies' files are called agency-N.csv and lie in .data/ by the course's skeleton. */
const isData = ({ source = '', target }: Mount): boolean =>
  /agency[^/]*\.csv$/i.test(source) ||
  /agency[^/]*\.csv$/i.test(target) ||
  /(?:^|\/)\.?data(?:set)?(?:\/|$)/.test(source);

interface ConfigEdit {
  readonly file: string;
  readonly values: Readonly<Record<string, string | number>>;
  readonly edit: (text: string, values: Readonly<Record<string, string | number>>) => string;
  readonly variableOf: (key: string) => string;
}

async function indexOfFolderWith(volumes: readonly Mount[], file: string): Promise<number> {
  for (const [index, { source }] of volumes.entries()) {
    if (source === undefined || !source.startsWith('/')) continue;
    if ((await stat(join(source, file)).catch(() => undefined))?.isFile()) return index;
  }
  return -1;
}

/** Docker Compose writes volumes in a short or a long form, depending on its version. */
function mountsOf({ volumes = [] }: ServiceDefinition): Mount[] {
  return volumes.map(volume => {
    if (typeof volume !== 'string') return volume;
    const [source, target, mode] = volume.split(':');
    if (target === undefined) return { type: 'volume', target: source! };
    const type = source!.startsWith('/') ? 'bind' : 'volume';
    return { type, source: source!, target, read_only: mode?.split(',').includes('ro') ?? false };
  });
}

/** Where the server listens. */
export async function serverPort(server: ServiceDefinition): Promise<number> {
  const variable = server.environment?.[SERVER_PORT_VARIABLE];
  const configured = await mountedText(server, 'config.ini');
  return Number(variable ?? iniValue(configured, SERVER_PORT_VARIABLE) ?? SERVER_PORT);
}

/** Where a client looks for the server. */
export async function serverAddress(client: ServiceDefinition): Promise<{ host: string; port: number }> {
  const variable = client.environment?.[SERVER_ADDRESS_VARIABLE];
  const configured = yamlValue(await mountedText(client, 'config.yaml'), 'server.address');
  const [host = SERVER_SERVICE, port = SERVER_PORT] = String(variable ?? configured ?? '').split(':');
  return { host: host === '' ? SERVER_SERVICE : host, port: Number(port) };
}

async function mountedText(service: ServiceDefinition, file: string): Promise<string> {
  for (const { source } of mountsOf(service)) {
    if (source === undefined || !source.startsWith('/')) continue;
    const path = basename(source) === file ? source : join(source, file);
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text !== undefined) return text;
  }
  return '';
}
