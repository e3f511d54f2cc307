import { readFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Snapshot } from '../../src/http/snapshot.ts';

const BUILT = join(import.meta.dirname, '../../dist/web');

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/**
 * Serves the built page and tells it whatever a test wants it to see, states included that a
 * central passes through in no time.
 */
export class PageServer {
  readonly #server: Server;
  readonly #streams = new Set<ServerResponse>();
  #snapshot: Snapshot;
  /** How `/live` answers when not with a stream. */
  liveStatus = 200;
  /** Whether streams stay open without a word. */
  silent = false;

  private constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
    this.#server = createServer((request, response) => {
      response.setHeader('content-security-policy', "default-src 'self'");
      if (request.url === '/live') this.#stream(response);
      else void sendFile(response, request.url === '/' ? '/index.html' : request.url!);
    });
  }

  static async open(snapshot: Snapshot, port = 0): Promise<PageServer> {
    const server = new PageServer(snapshot);
    await new Promise<void>(resolve => server.#server.listen(port, '127.0.0.1', resolve));
    onTestFinished(() => server.stop());
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get address(): string {
    return `http://127.0.0.1:${this.port}/`;
  }

  show(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
    for (const stream of this.#streams) this.#send(stream);
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise(resolve => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  #stream(response: ServerResponse): void {
    response.writeHead(this.liveStatus, { 'content-type': 'text/event-stream' });
    if (this.liveStatus !== 200) return void response.end();
    this.#streams.add(response);
    this.#send(response);
    // As the central does; the page takes silence for a loss.
    const timer = setInterval(() => this.#send(response), 1_000);
    response.on('close', () => {
      clearInterval(timer);
      this.#streams.delete(response);
    });
  }

  #send(stream: ServerResponse): void {
    if (this.silent) return;
    stream.write(`event: snapshot\ndata: ${JSON.stringify(this.#snapshot)}\n\n`);
  }
}

async function sendFile(response: ServerResponse, path: string): Promise<void> {
  try {
    const bytes = await readFile(join(BUILT, path));
    response
      .writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream' })
      .end(bytes);
  } catch {
    response.writeHead(404).end();
  }
}
