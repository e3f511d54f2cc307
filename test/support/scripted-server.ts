import { channel } from 'node:diagnostics_channel';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { until } from './until.ts';
import { Peer } from './peer.ts';

/** A server that says exactly the bytes that a test tells it to, in whatever dialect. */
export class ScriptedServer {
  readonly #server: Server;
  readonly #peers: Peer[] = [];
  #taken = 0;

  private constructor() {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, socket => {
      this.#peers.push(new Peer(socket));
    });
  }

  /** Listens on a free port of the loopback interface until the test ends. */
  static async listen(): Promise<ScriptedServer> {
    const server = new ScriptedServer();
    await new Promise<void>((resolve, reject) => {
      server.#server.once('error', reject);
      server.#server.listen({ host: '127.0.0.1', port: 0 }, resolve);
    });
    onTestFinished(async () => {
      for (const { socket } of server.#peers) socket.destroy();
      await new Promise(resolve => server.#server.close(resolve));
    });
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The next connection, once it is there. */
  async accept(): Promise<Peer> {
    const index = this.#taken++;
    await until(() => this.#peers.length > index, `connection number ${index + 1}`);
    return this.#peers[index]!;
  }
}

/** The sockets with which this process connects to others, from now on until the test ends. */
export function watchClientSockets(): readonly Socket[] {
  const sockets: Socket[] = [];
  const created = channel('net.client.socket');
  const onCreated = (message: unknown): void =>
    void sockets.push((message as { socket: Socket }).socket);
  created.subscribe(onCreated);
  onTestFinished(() => {
    created.unsubscribe(onCreated);
  });
  return sockets;
}
