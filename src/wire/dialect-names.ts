/** What the other solutions of the assignment speak (protocol page, "Four more dialects"). */
const OTHERS = ['push-codes', 'check-win', 'csv-frames', 'op-codes'] as const;

/** What a port of the central may speak; `tp0` is the base protocol and its extension. */
export const LISTENER_DIALECTS = ['tp0', ...OTHERS] as const;

/** What an agency may speak. */
export const AGENCY_PROTOCOLS = ['resumable', 'base', ...OTHERS] as const;

export type ListenerDialect = (typeof LISTENER_DIALECTS)[number];
export type AgencyProtocol = (typeof AGENCY_PROTOCOLS)[number];

/** What the central must speak for an agency to be understood. */
export function listenerOf(protocol: AgencyProtocol): ListenerDialect {
  return protocol === 'resumable' || protocol === 'base' ? 'tp0' : protocol;
}
