import { extname, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { onJsonLine } from '../files/json-lines.ts';
import type { LinkEvent, LinkPlan, ProxyControl } from './proxy-control.ts';
import type { ProxyCommand, ProxyMessage } from './proxy-messages.ts';

/** Path of the proxy's program. */
export const PROXY_PROGRAM = join(
  import.meta.dirname,
  `proxy-process${extname(import.meta.filename)}`,
);

interface Waiting {
  readonly resolve: (port: number | undefined) => void;
  readonly reject: (error: Error) => void;
}

/** A proxy in another process, controlled over its standard input and output. */
export class RemoteProxy implements ProxyControl {
  readonly events: LinkEvent[] = [];
  readonly #input: Writable;
  readonly #waiting = new Map<number, Waiting>();
  #commands = 0;

  constructor({ stdin, stdout }: { readonly stdin: Writable; readonly stdout: Readable }) {
    this.#input = stdin;
    stdin.on('error', () => this.#lose());
    stdout.on('close', () => this.#lose());
    onJsonLine(stdout, message => this.#onMessage(message as ProxyMessage));
  }

  /** @returns the port of `listen` */
  ask(command: ProxyCommand): Promise<number | undefined> {
    const id = ++this.#commands;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#input.write(`${JSON.stringify({ id, ...command })}\n`);
    });
  }

  async plan(plan: LinkPlan, client?: number): Promise<void> {
    await this.ask({ do: 'plan', plan, ...(client === undefined ? {} : { client }) });
  }

  async release(client: number): Promise<void> {
    await this.ask({ do: 'release', client });
  }

  async hold(client: number): Promise<void> {
    await this.ask({ do: 'hold', client });
  }

  async cut(client: number): Promise<void> {
    await this.ask({ do: 'cut', client });
  }

  /** Its process ends with its input. */
  close(): void {
    this.#input.end();
  }

  #onMessage(message: ProxyMessage): void {
    if ('event' in message) {
      const { base64, ...event } = message.event;
      this.events.push(
        base64 === undefined ? event : { ...event, bytes: Buffer.from(base64, 'base64') },
      );
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.error === undefined) waiting?.resolve(message.port);
    else waiting?.reject(new Error(`the proxy: ${message.error}`));
  }

  #lose(): void {
    for (const { reject } of this.#waiting.values()) reject(new Error('the proxy has ended'));
    this.#waiting.clear();
  }
}
