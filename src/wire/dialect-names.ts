/** What the other solutions of the assignment speak (protocol page, "Four more dialects"). */
const OTHERS = ['push-codes', 'check-win', 'csv-frames', 'op-codes'] as const;

/** What a port of the central may speak; `tp0` is the base protocol and its extension. */
export const LISTENER_DIALECTS = ['tp0', ...OTHERS] as const;

/** What an agency may speak. */
export const AGENCY_PROTOCOLS = ['resumable', 'base', ...OTHERS] as const;

/** `base` and `tp0` are one protocol: each name is understood where the other is listed. */
export function parseProtocol(text: string): AgencyProtocol | undefined {
  const name = text.toLowerCase();
  return name === 'tp0' ? 'base' : AGENCY_PROTOCOLS.find(protocol => protocol === name);
}

/** The dialect of a port, also by the name of a protocol that it serves. */
export function parseListenerDialect(text: string): ListenerDialect | undefined {
  const name = text.toLowerCase();
  const protocol = parseProtocol(name);
  return protocol === undefined ? undefined : listenerOf(protocol);
}

export type ListenerDialect = (typeof LISTENER_DIALECTS)[number];
export type AgencyProtocol = (typeof AGENCY_PROTOCOLS)[number];

/** What the central must speak for an agency to be understood. */
export function listenerOf(protocol: AgencyProtocol): ListenerDialect {
  return protocol === 'resumable' || protocol === 'base' ? 'tp0' : protocol;
}
