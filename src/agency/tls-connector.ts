import { connect } from 'node:tls';
import type { Connector } from './connector.ts';

export interface AgencyCredentials {
  /** Who signs the server's certificate, in PEM. */
  readonly authority: string;
  /** The agency's certificate and its key, in PEM, where the server asks for one. */
  readonly identity: { readonly cert: string; readonly key: string } | undefined;
}

/**
 * Connects over TLS to a server whose certificate is signed by `authority` and names the host.
 * Loaded when TLS is on.
 *
 * @param credentials asked before each connection: they may have been renewed
 */
export function tlsConnector(credentials: () => AgencyCredentials): Connector {
  return {
    open(to) {
      const { authority, identity } = credentials();
      const socket = connect({ ...to, ca: authority, ...identity, minVersion: 'TLSv1.2' });
      return socket.setNoDelay(true);
    },
    readyEvent: 'secureConnect',
  };
}
