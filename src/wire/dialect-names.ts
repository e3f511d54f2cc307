/** Dialects of other solutions of the assignment (protocol page, "Four more dialects"). */
const OTHERS = ['push-codes', 'check-win', 'csv-frames', 'op-codes'] as const;

/** Dialects of a port of the central; `tp0` is the base protocol and its extension. */
export const LISTENER_DIALECTS = ['tp0', ...OTHERS] as const;

/** Protocols of an agency. */
export const AGENCY_PROTOCOLS = ['resumable', 'base', ...OTHERS] as const;

/** `base` and `tp0` are synonyms. */
export function parseProtocol(text: string): AgencyProtocol | undefined {
  const name = text.toLowerCase();
  return name === 'tp0' ? 'base' : AGENCY_PROTOCOLS.find(protocol => protocol === name);
}

/** Accepts the name of a protocol that the port serves, too. */
export function parseListenerDialect(text: string): ListenerDialect | undefined {
  const name = text.toLowerCase();
  const protocol = parseProtocol(name);
  return protocol === undefined ? undefined : listenerOf(protocol);
}

export type ListenerDialect = (typeof LISTENER_DIALECTS)[number];
export type AgencyProtocol = (typeof AGENCY_PROTOCOLS)[number];

/** The dialect of a port that serves the protocol. */
export function listenerOf(protocol: AgencyProtocol): ListenerDialect {
  return protocol === 'resumable' || protocol === 'base' ? 'tp0' : protocol;
}
