import { channel } from 'node:diagnostics_channel';
import { createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { listen } from './listen.ts';
import { until } from './until.ts';
import { Peer } from './peer.ts';

/** A server that says exactly the bytes that a test tells it to, in whatever dialect. */
export class ScriptedServer {
  readonly #peers: Peer[] = [];
  #taken = 0;
  #port = 0;

  /** Listens on a free port of the loopback interface until the test ends. */
  static async listen(): Promise<ScriptedServer> {
    const server = new ScriptedServer();
    const accepting = createServer({ allowHalfOpen: true, noDelay: true }, socket => {
      server.#peers.push(new Peer(socket));
    });
    server.#port = await listen(accepting);
    return server;
  }

  get port(): number {
    return this.#port;
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
