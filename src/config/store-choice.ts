import { ConfigError } from './errors.ts';
import type { NamedFile } from './tls-files.ts';

/** A replicated engine, as `SERVER_STORE` has it. */
export interface EngineAddress {
  /** `nats://host:port` each. */
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

/** What `SERVER_STORE` says; undefined when it is not allowed. */
export function parseStore(text: string): 'csv' | 'memory' | EngineAddress | undefined {
  if (text === 'csv' || text === 'memory') return text;
  const [, scheme, rest = ''] = /^(nats|tls):\/\/(.+)$/.exec(text) ?? [];
  if (scheme === undefined) return undefined;
  const [, user, password, hosts = ''] = /^(?:([^:@,]+)(?::([^@,]*))?@)?([^@]+)$/.exec(rest) ?? [];
  const servers: string[] = [];
  for (const part of hosts.split(',')) {
    // Each may have the scheme again.
    const [, host, port = String(ENGINE_PORT)] =
      /^(?:(?:nats|tls):\/\/)?(\[[\da-fA-F:]+\]|[^:\s[\]/]+)(?::(\d{1,5}))?$/.exec(part.trim()) ?? [];
    if (host === undefined || Number(port) < 1 || Number(port) > 65_535) return undefined;
    servers.push(`nats://${host}:${port}`);
  }
  if (servers.length > ENGINE_NODES_MAX) return undefined;
  const decoded = [user, password].map(part => part && decodeURIComponent(part));
  return { servers, user: decoded[0], password: decoded[1], isSecure: scheme === 'tls' };
}

/** The name of a stream: what the engine takes and what can stand in a file name. */
export function parseStream(text: string): string | undefined {
  return /^[\w-]{1,64}$/.test(text) ? text : undefined;
}

export function usualReplicas({ servers }: EngineAddress): number {
  return servers.length >= REPLICAS_USUAL ? REPLICAS_USUAL : 1;
}

/** @throws ConfigError */
export function refuseEngineKeys(given: readonly (NamedFile | undefined)[]): void {
  const first = given.find(file => file !== undefined);
  if (first === undefined) return;
  throw new ConfigError(
    `${first.key} is set, and SERVER_STORE names no engine that is reached over TLS or with credentials`,
  );
}
