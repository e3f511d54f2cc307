import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { NotCheckable } from './finding.ts';
import { CLIENT_SERVICE, COMPOSE_FILE, SERVER_SERVICE } from './profiles/tp0.ts';

interface Volume {
  /** Relative to the compose file. */
  readonly source: string;
  /** A path in the container. */
  readonly target: string;
}

/** The parts of a Compose service that a native run uses. */
export interface ComposeService {
  readonly name: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly volumes: readonly Volume[];
  /** Container ports of published ports. */
  readonly publishedPorts: readonly number[];
}

export interface ComposeFile {
  readonly server: ComposeService;
  /** In the order of their numbers. */
  readonly clients: readonly ComposeService[];
}

/**
 * Reads the subject's compose file.
 *
 * @throws NotCheckable (as a rejection) when it cannot be read or has no server
 */
export async function readCompose(folder: string): Promise<ComposeFile> {
  const text = await readFile(join(folder, COMPOSE_FILE), 'utf8').catch(() => undefined);
  if (text === undefined) throw unreadable('no existe', 'is missing');
  let services: Record<string, RawService>;
  try {
    services = (parse(text) as { services?: Record<string, RawService> }).services ?? {};
  } catch (error) {
    throw unreadable(`no es YAML válido (${String(error)})`, `is no valid YAML (${String(error)})`);
  }
  const server = services[SERVER_SERVICE];
  if (server === undefined)
    throw unreadable("no tiene el servicio 'server'", "has no service 'server'");
  const clients = Object.keys(services)
    .filter(name => CLIENT_SERVICE.test(name))
    .toSorted((a, b) => numberOf(a) - numberOf(b))
    .map(name => read(name, services[name]!));
  return { server: read(SERVER_SERVICE, server), clients };
}

function unreadable(es: string, en: string): NotCheckable {
  return new NotCheckable({ es: `${COMPOSE_FILE} ${es}`, en: `${COMPOSE_FILE} ${en}` });
}

const numberOf = (name: string): number => Number(CLIENT_SERVICE.exec(name)![1]);

interface RawService {
  readonly environment?: readonly string[] | Readonly<Record<string, string | number | null>>;
  readonly volumes?: readonly (string | { readonly source?: string; readonly target?: string })[];
  readonly ports?: readonly (string | number | { readonly target?: number })[];
}

function read(
  name: string,
  { environment = [], volumes = [], ports = [] }: RawService,
): ComposeService {
  const pairs = Array.isArray(environment)
    ? environment.map((pair: string) => [
        pair.slice(0, pair.indexOf('=')),
        pair.slice(pair.indexOf('=') + 1),
      ])
    : Object.entries(environment).map(([key, value]) => [key, String(value ?? '')]);
  return {
    name,
    environment: Object.fromEntries(pairs) as Record<string, string>,
    volumes: volumes.flatMap(volume => {
      const [source, target] =
        typeof volume === 'string' ? volume.split(':') : [volume.source, volume.target];
      return source === undefined || target === undefined ? [] : [{ source, target }];
    }),
    publishedPorts: ports.map(port =>
      typeof port === 'object'
        ? (port.target ?? 0)
        : Number(String(port).split(':').at(-1)!.split('/')[0]),
    ),
  };
}
