import { connect, type Socket } from 'node:net';

interface ConnectTo {
  readonly host: string;
  readonly port: number;
  /**
   * Time for each address of the host but the last; Node's default, 250 ms, is too short for a
   * distant server.
   */
  readonly autoSelectFamilyAttemptTimeout: number;
}

/** How a connection is opened: plain, or over TLS. */
export interface Connector {
  open(to: ConnectTo): Socket;
  /** The event of a socket that is ready for use. */
  readonly readyEvent: 'connect' | 'secureConnect';
}

export const PLAIN: Connector = {
  open: to => connect({ ...to, noDelay: true }),
  readyEvent: 'connect',
};
