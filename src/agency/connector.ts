import { connect, type Socket } from 'node:net';

/** How a connection is opened: plain, or over TLS. */
export interface Connector {
  open(to: { readonly host: string; readonly port: number }): Socket;
  /** What the socket tells when it can be used. */
  readonly readyEvent: 'connect' | 'secureConnect';
}

export const PLAIN: Connector = { open: to => connect({ ...to, noDelay: true }), readyEvent: 'connect' };
