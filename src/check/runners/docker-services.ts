import { cp, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import { iniValue, setIni, setYaml, yamlValue } from '../config-files.ts';
import type { Exercise } from '../exercise.ts';
import { NotCheckable } from '../finding.ts';
import {
  BATCH_VARIABLE,
  betEnvironment,
  CLIENT_CONFIG_FILE,
  CLIENT_ID_VARIABLE,
  CLIENT_SERVICE,
  clientPace,
  COMPOSE_FILE,
  SERVER_ADDRESS_VARIABLE,
  SERVER_CONFIG_FILE,
  SERVER_PORT,
  SERVER_PORT_VARIABLE,
  SERVER_SERVICE,
} from '../profiles/tp0.ts';
import type { AgencyInput } from '../data.ts';
import type { LotterySetup } from '../runner.ts';
import type { Engine } from './docker-engine.ts';

/** A service as Docker Compose prints it; other keys are kept. */
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

/** The services of the subject's compose file. */
export interface Services {
  readonly server: ServiceDefinition;
  /** Of client 1, 2, … */
  readonly clients: readonly ServiceDefinition[];
  readonly volumes: readonly string[];
}

/**
 * Reads the compose file with Docker Compose, which expands variables and defaults.
 *
 * @throws NotCheckable (as a rejection) when it is invalid or has no server
 */
export async function readServices(engine: Engine, folder: string): Promise<Services> {
  const text = await engine.compose(folder, '-f', COMPOSE_FILE, 'config');
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

/** Edited copies of the subject's mounted files, for one lottery. */
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
    const edited = await this.#editMounted(service, SERVER_SERVICE, {
      file: SERVER_CONFIG_FILE,
      values,
      edit: setIni,
    });
    return edited ?? withVariables(service, values);
  }

  /** @param client the number of the client, for the name of its folder */
  async client(
    service: ServiceDefinition,
    input: AgencyInput & { readonly client: number },
  ): Promise<ServiceDefinition> {
    const { batchMax, clientConfig } = this.#setup;
    const place = `client${input.client}`;
    const batch = batchMax === undefined ? {} : { 'batch.maxAmount': batchMax };
    const values = { ...clientPace(this.#exercise, this.#setup), ...clientConfig, ...batch };
    const edited = await this.#editMounted(service, place, {
      file: CLIENT_CONFIG_FILE,
      values,
      edit: setYaml,
    });
    const configured = edited ?? withVariables(service, variablesOf(values));
    const volumes = await Promise.all(
      mountsOf(configured).map(async mount =>
        isData(mount) ? this.#withData(mount, place, input) : mount,
      ),
    );
    const bet = input.bets[0];
    return {
      ...configured,
      volumes,
      environment: {
        ...configured.environment,
        [CLIENT_ID_VARIABLE]: String(input.agency),
        ...(configured.environment?.[BATCH_VARIABLE] === undefined ? {} : variablesOf(batch)),
        ...(this.#exercise === 'ej5' && bet !== undefined
          ? betEnvironment(bet, configured.environment ?? {})
          : {}),
      },
    };
  }

  /**
   * Mounts an edited copy of a file, or of the folder that contains it; undefined if the compose
   * file does not mount it.
   */
  async #editMounted(
    service: ServiceDefinition,
    place: string,
    { file, values, edit }: ConfigEdit,
  ): Promise<ServiceDefinition | undefined> {
    const volumes = mountsOf(service);
    const index = await indexOfMount(volumes, file);
    if (index < 0) return undefined;
    const mount = volumes[index]!;
    const isFolder = basename(mount.source!) !== file;
    const folder = join(this.#folder, place, 'config');
    await mkdir(folder, { recursive: true });
    if (isFolder) await cp(mount.source!, folder, { recursive: true });
    const original = isFolder ? join(mount.source!, file) : mount.source!;
    await writeFile(join(folder, file), edit(await readFile(original, 'utf8'), values));
    volumes[index] = { ...mount, source: isFolder ? folder : join(folder, file) };
    return { ...service, volumes };
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

/** In the course's skeleton, the agencies' files are `.data/agency-N.csv`. */
const isData = ({ source = '', target }: Mount): boolean =>
  /agency[^/]*\.csv$/i.test(source) ||
  /agency[^/]*\.csv$/i.test(target) ||
  /(?:^|\/)\.?data(?:set)?(?:\/|$)/.test(source);

type Values = Readonly<Record<string, string | number>>;

interface ConfigEdit {
  readonly file: string;
  readonly values: Values;
  readonly edit: (text: string, values: Values) => string;
}

/** For a configuration file that is only in the image. */
function withVariables(service: ServiceDefinition, values: Values): ServiceDefinition {
  return { ...service, environment: { ...service.environment, ...values } };
}

/** `loop.amount` is `CLI_LOOP_AMOUNT`. */
const variablesOf = (values: Values): Values =>
  Object.fromEntries(
    Object.entries(values).map(([path, value]) => [
      `CLI_${path.replace('.', '_').toUpperCase()}`,
      value,
    ]),
  );

/** Index of the volume that is a file, or a folder that contains it; -1 without one. */
async function indexOfMount(volumes: readonly Mount[], file: string): Promise<number> {
  for (const [index, { source = '' }] of volumes.entries()) {
    if (!source.startsWith('/')) continue;
    if (basename(source) === file) return index;
    if ((await stat(join(source, file)).catch(() => undefined))?.isFile()) return index;
  }
  return -1;
}

/** The configuration files that are in no volume. */
export async function filesNotMounted({ server, clients }: Services): Promise<string[]> {
  const missing = await Promise.all(
    [
      { service: server, file: SERVER_CONFIG_FILE },
      { service: clients[0]!, file: CLIENT_CONFIG_FILE },
    ].map(async ({ service, file }) =>
      (await indexOfMount(mountsOf(service), file)) < 0 ? [file] : [],
    ),
  );
  return missing.flat();
}

/** The short or the long syntax of volumes, depending on the version of Docker Compose. */
function mountsOf({ volumes = [] }: ServiceDefinition): Mount[] {
  return volumes.map(volume => {
    if (typeof volume !== 'string') return volume;
    const [source, target, mode] = volume.split(':');
    if (target === undefined) return { type: 'volume', target: source! };
    const type = source!.startsWith('/') ? 'bind' : 'volume';
    return { type, source: source!, target, read_only: mode?.split(',').includes('ro') ?? false };
  });
}

/** Port of the server. */
export async function serverPort(server: ServiceDefinition): Promise<number> {
  const variable = server.environment?.[SERVER_PORT_VARIABLE];
  const configured = await mountedText(server, SERVER_CONFIG_FILE);
  return Number(variable ?? iniValue(configured, SERVER_PORT_VARIABLE) ?? SERVER_PORT);
}

/** Server address in the usual places of a client's configuration. */
export async function serverAddress(
  client: ServiceDefinition,
): Promise<{ readonly host: string; readonly port: number | undefined }> {
  const variable = client.environment?.[SERVER_ADDRESS_VARIABLE];
  const configured = yamlValue(await mountedText(client, CLIENT_CONFIG_FILE), 'server.address');
  const [host, port] = String(variable ?? configured ?? '').split(':');
  return { host: host || SERVER_SERVICE, port: port === undefined ? undefined : Number(port) };
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
