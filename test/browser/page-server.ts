import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Asset, readAssets } from '../../src/http/assets.ts';
import type { Snapshot } from '../../src/http/snapshot.ts';

const BUILT = join(import.meta.dirname, '../../dist/web');

/**
 * Serves the built page with the test's snapshots, including states that a central leaves at once.
 */
export class PageServer {
  readonly #server: Server;
  readonly #streams = new Set<ServerResponse>();
  #snapshot: Snapshot;
  /** Response of `/live` instead of a stream. */
  liveStatus = 200;
  /** Whether streams stay open and silent. */
  silent = false;

  private constructor(snapshot: Snapshot, assets: ReadonlyMap<string, Asset>) {
    this.#snapshot = snapshot;
    this.#server = createServer((request, response) => {
      response.setHeader('content-security-policy', "default-src 'self'");
      if (request.url === '/live') this.#stream(response);
      else send(response, assets.get(request.url!));
    });
  }

  static async open(snapshot: Snapshot, port = 0): Promise<PageServer> {
    const server = new PageServer(snapshot, await readAssets(BUILT));
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
    // Like the central: the page treats silence as a lost connection.
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

function send(response: ServerResponse, asset: Asset | undefined): void {
  if (asset === undefined) response.writeHead(404).end();
  else response.writeHead(200, { 'content-type': asset.contentType }).end(asset.body);
}
