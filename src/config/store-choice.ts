import { ConfigError } from './errors.ts';
import { choice } from './keys.ts';
import type { NamedFile } from './tls-files.ts';

/** A replicated engine, as `SERVER_STORE` has it. */
export interface EngineAddress {
  /** `nats://host:port` each, over TLS as well: what the client of the engine is told apart from the addresses. */
  readonly servers: readonly string[];
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** Whether it is reached over TLS. */
  readonly isSecure: boolean;
}

/** Where bets are kept. */
export type StoreChoice =
  | { readonly kind: 'csv' }
  | { readonly kind: 'memory' }
  | {
      readonly kind: 'jetstream';
      readonly engine: EngineAddress;
      readonly stream: string;
      readonly replicas: number;
      /** Whether the number of replicas was configured; otherwise a stream that is there keeps its own. */
      readonly replicasAsked: boolean;
      readonly credentials: NamedFile | undefined;
      /** Files for TLS beyond the certificates that this machine trusts. */
      readonly authority: NamedFile | undefined;
      readonly certificate: NamedFile | undefined;
      readonly privateKey: NamedFile | undefined;
    };

export const STORE_ALLOWED =
  'csv, memory, or nats://host:port,host:port,… (tls:// for TLS, user:password@ before the first host)';

const ENGINE_PORT = 4222;
const ENGINE_NODES_MAX = 16;

/** Replicas of a stream on so many nodes, where nothing else is said: a majority of three survives the loss of one. */
const REPLICAS_USUAL = 3;

const parseFiles = choice('csv', 'memory');

/** What `SERVER_STORE` says; undefined when it is not allowed. */
export function parseStore(text: string): 'csv' | 'memory' | EngineAddress | undefined {
  return parseFiles(text) ?? parseEngine(text);
}

/** `nats://user:password@host:port,host:port`: each host may have the scheme again, and stands for port 4222 without one. */
function parseEngine(text: string): EngineAddress | undefined {
  const [, scheme, rest = ''] = /^(nats|tls):\/\/(.+)$/.exec(text) ?? [];
  const [, user, password, hosts = ''] = /^(?:([^:@,]+)(?::([^@,]*))?@)?([^@]+)$/.exec(rest) ?? [];
  const servers: string[] = [];
  for (const part of hosts.split(',')) {
    const [, again = scheme, host, port = String(ENGINE_PORT)] =
      /^(?:(nats|tls):\/\/)?(\[[\da-fA-F:]+\]|[^:\s[\]/]+)(?::(\d{1,5}))?$/.exec(part.trim()) ?? [];
    // Half of a connection over TLS is none.
    if (host === undefined || again !== scheme || Number(port) < 1 || Number(port) > 65_535) return undefined;
    servers.push(`nats://${host}:${port}`);
  }
  if (servers.length > ENGINE_NODES_MAX) return undefined;
  try {
    const [name, word] = [user, password].map(encoded => encoded && decodeURIComponent(encoded));
    return { servers, user: name, password: word, isSecure: scheme === 'tls' };
  } catch {
    // A % that begins no character.
    return undefined;
  }
}

/** The name of a stream: what the engine takes and what can stand in a file name. */
export function parseStream(text: string): string | undefined {
  return /^[\w-]{1,64}$/.test(text) ? text : undefined;
}

export function usualReplicas({ servers }: EngineAddress): number {
  return servers.length >= REPLICAS_USUAL ? REPLICAS_USUAL : 1;
}

/**
 * Refuses what was configured and says nothing to the store that was chosen.
 *
 * @param what the store is not
 * @throws ConfigError
 */
export function refuseStoreKeys(given: readonly (string | undefined)[], what: string): void {
  const first = given.find(key => key !== undefined);
  if (first !== undefined) throw new ConfigError(`${first} is set, and SERVER_STORE names no ${what}`);
}
