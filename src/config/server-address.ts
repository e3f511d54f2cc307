/** A host and a port, and the text that named them. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  readonly text: string;
}

/** The servers of the central, and the text that named them: the configuration line repeats it as it was given. */
export interface ServerAddresses {
  readonly servers: readonly ServerAddress[];
  readonly text: string;
}

/** Enough for any central; each more is one more try before an agency waits. */
const ADDRESSES_MAX = 16;

export const ADDRESS_ALLOWED = 'host:port';
export const ADDRESSES_ALLOWED = `${ADDRESS_ALLOWED}, or up to ${ADDRESSES_MAX} of them with commas between`;

/** `host:port`, `[ipv6]:port`; undefined for anything else. */
export function parseAddress(text: string): ServerAddress | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:\s[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  return host !== undefined && port >= 1 && port <= 65_535 ? { host, port, text } : undefined;
}

/** One address, or several with commas between; undefined when any of them is none, or they are too many. */
export function parseAddresses(text: string): ServerAddresses | undefined {
  const parts = text.split(',');
  if (parts.length > ADDRESSES_MAX) return undefined;
  const servers: ServerAddress[] = [];
  for (const part of parts) {
    // Spaces may stand around a comma, where there is one.
    const server = parseAddress(parts.length === 1 ? part : part.trim());
    if (server === undefined) return undefined;
    servers.push(server);
  }
  return { servers, text };
}
