import { channel } from 'node:diagnostics_channel';
import { createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { listen } from './listen.ts';
import { until } from './until.ts';
import { Peer } from './peer.ts';

/** A scripted server on a real socket, for any dialect. */
export class ScriptedServer {
  readonly #peers: Peer[] = [];
  #taken = 0;
  #port = 0;

  /** Listens on a free loopback port until the test ends. */
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

  /** Waits for the next connection. */
  async accept(): Promise<Peer> {
    const index = this.#taken++;
    await until(() => this.#peers.length > index, `connection number ${index + 1}`);
    return this.#peers[index]!;
  }
}

/** Records the outgoing sockets of this process until the test ends. */
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
