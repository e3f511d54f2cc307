import { connect, createServer, type Socket } from 'node:net';
import { listen } from './listen.ts';

/** Forwards connections to a loopback port; stops while this process is blocked. */
export class Proxy {
  readonly port: number;
  readonly #sockets: Set<Socket>;

  private constructor(port: number, sockets: Set<Socket>) {
    this.port = port;
    this.#sockets = sockets;
  }

  static async to(port: number): Promise<Proxy> {
    const sockets = new Set<Socket>();
    const server = createServer(client => {
      const central = connect(port, '127.0.0.1');
      for (const [from, into] of [
        [client, central],
        [central, client],
      ] as const) {
        sockets.add(from);
        from.pipe(into);
        from.on('error', () => into.destroy());
        from.on('close', () => sockets.delete(from) && into.destroy());
      }
    });
    return new Proxy(await listen(server), sockets);
  }

  /** Resets all connections; unforwarded bytes are lost. */
  drop(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
