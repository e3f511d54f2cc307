/** A host and a port, and the text that named them. */
interface ServerAddress extends HostPort {
  readonly text: string;
}

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** The servers of the central, and their text, which the configuration line of the log repeats. */
export interface ServerAddresses {
  readonly servers: readonly ServerAddress[];
  readonly text: string;
}

/** Each one is a further attempt before an agency waits. */
export const ADDRESSES_MAX = 16;

export const ADDRESS_ALLOWED = 'host:port';
export const ADDRESSES_ALLOWED = `${ADDRESS_ALLOWED}, or up to ${ADDRESSES_MAX} of them with commas between`;

/** `host:port` or `[ipv6]:port`; the port may be missing if there is a default. */
export function parseHostPort(text: string, defaultPort?: number): HostPort | undefined {
  const [, bracketed, plain, digits] =
    /^(?:\[([^\]]+)\]|([^:\s[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = digits === undefined ? defaultPort : Number(digits);
  const isValid = host !== undefined && port !== undefined && port >= 1 && port <= 65_535;
  return isValid ? { host, port } : undefined;
}

/** One address, or several with commas, and spaces around them. */
export function parseAddresses(text: string): ServerAddresses | undefined {
  const parts = text.split(',');
  const servers = parts.map(part => {
    const trimmed = parts.length === 1 ? part : part.trim();
    const address = parseHostPort(trimmed);
    return address && { ...address, text: trimmed };
  });
  const valid = servers.filter(server => server !== undefined);
  return valid.length === parts.length && parts.length <= ADDRESSES_MAX
    ? { servers: valid, text }
    : undefined;
}
