import type { Socket } from 'node:net';
import { CONNECTIONS_MAX } from './limits.ts';

/**
 * Bounds the open connections. Peers that are idle, slow or do not read cannot keep a probe out: a
 * further connection closes the least recently used one.
 */
export class Connections {
  readonly #isStream: (socket: Socket) => boolean;
  /** Least recently used first. */
  readonly #open = new Set<Socket>();

  /** @param isStream whether a connection carries the stream of an open page, and stays open */
  constructor(isStream: (socket: Socket) => boolean) {
    this.#isStream = isStream;
  }

  add(socket: Socket): void {
    socket.once('close', () => this.#open.delete(socket));
    this.#open.add(socket);
    if (this.#open.size <= CONNECTIONS_MAX) return;
    const oldest = this.#open.values().find(other => !this.#isStream(other));
    oldest?.destroy();
  }

  /** A request has arrived. */
  use(socket: Socket): void {
    if (this.#open.delete(socket)) this.#open.add(socket);
  }
}
