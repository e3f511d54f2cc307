import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { NOK, OK, rwin } from '../support/base-frames.ts';
import { fail, firstMessage, welc } from '../support/fake-central.ts';

/** A cut of a connection: its direction, offset and kind. */
export interface Cut {
  readonly side: 'heard' | 'said';
  readonly bytes: number;
  readonly how: 'end' | 'reset';
}

interface Upload {
  /** Whether the agency's counts equal the central's; undefined before DONE. */
  done: boolean;
  readonly batches: { readonly count: number; readonly refused: boolean }[];
}

/** Numbers of bets: all, and refused ones. */
function countsOf(batches: Upload['batches']): { all: number; refused: number } {
  const sum = (of: Upload['batches']): number => of.reduce((total, { count }) => total + count, 0);
  return { all: sum(batches), refused: sum(batches.filter(({ refused }) => refused)) };
}

interface Plan {
  /** Cuts of connections, by their number from 0. */
  readonly cuts?: readonly (Cut | undefined)[];
  /** Sequence numbers of refused batches. */
  readonly refusedBatches?: readonly number[];
  readonly window?: number;
  /** Number of servers. */
  readonly servers?: number;
  /**
   * Lag of a connection's server at its greeting, in batches, by the connection's number from 0.
   */
  readonly behind?: readonly number[];
}

/**
 * An independent central on real sockets, which implements the uploads of one agency in memory and
 * cuts connections on request. Bytes before a cut count: a batch may be stored and its answer lost.
 */
export class UploadCentral {
  /** The stored bets, as in their messages. */
  readonly rows: string[] = [];
  readonly uploads = new Map<string, Upload>();
  connections = 0;
  /** Number of cut connections. */
  cut = 0;
  finished = 0;
  /** Violations of the protocol by the agency. */
  readonly faults: string[] = [];
  readonly #servers: Server[] = [];
  readonly #plan: Plan;
  readonly #sockets = new Set<Socket>();

  private constructor(plan: Plan) {
    this.#plan = plan;
  }

  static async listen(plan: Plan = {}): Promise<UploadCentral> {
    const central = new UploadCentral(plan);
    while (central.#servers.length < (plan.servers ?? 1)) await central.#listen();
    onTestFinished(() => central.close());
    return central;
  }

  get ports(): number[] {
    return this.#servers.map(server => (server.address() as AddressInfo).port);
  }

  async #listen(): Promise<void> {
    const server = createServer({ noDelay: true }, socket => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {});
      this.#serve(socket, this.connections++);
    });
    this.#servers.push(server);
    await new Promise<void>(resolve =>
      server.listen({ host: '127.0.0.1', port: 0 }, () => resolve()),
    );
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    for (const server of this.#servers)
      if (server.listening) await new Promise(resolve => server.close(resolve));
  }

  #serve(socket: Socket, connection: number): void {
    const cut = this.#plan.cuts?.[connection];
    let heard = 0;
    let said = 0;
    let gone = false;
    let bytes: Buffer = Buffer.alloc(0);
    const cutNow = (): void => {
      if (gone) return;
      gone = true;
      this.cut += 1;
      if (cut!.how === 'reset') socket.resetAndDestroy();
      else socket.destroySoon();
    };
    const say = (hex: string): void => {
      // Messages before the cut count, and their answers are lost.
      if (gone) return;
      const answer = Buffer.from(hex, 'hex');
      const room = cut?.side === 'said' ? cut.bytes - said : answer.length;
      socket.write(answer.subarray(0, room));
      said += answer.length;
      if (room < answer.length) cutNow();
    };
    const answer = this.#conversation(this.#plan.behind?.[connection] ?? 0);
    socket.on('data', chunk => {
      if (gone) return;
      const room = cut?.side === 'heard' ? cut.bytes - heard : chunk.length;
      heard += chunk.length;
      bytes = Buffer.concat([bytes, chunk.subarray(0, room)]);
      for (let first = firstMessage(bytes); first !== undefined; first = firstMessage(bytes)) {
        bytes = bytes.subarray(first.length);
        say(answer(first.text));
      }
      if (room < chunk.length) cutNow();
    });
  }

  /** The answers of a connection. */
  #conversation(behind: number): (message: string) => string {
    let upload: Upload | undefined;
    let refused = false;
    return message => {
      // The central has closed: it does not read bytes after a refusal.
      if (refused) return '';
      const [type, text = ''] = message.split(/ (.*)/s);
      if (type === 'HELO') {
        const [, name, counted] = text.split('|');
        if (counted !== 'bets') return this.#fault(message);
        upload = this.#uploadOf(name!);
        const known = countsOf(
          upload.batches.slice(0, Math.max(0, upload.batches.length - behind)),
        );
        return welc(known.all + 1, this.#plan.window, undefined, known.refused);
      }
      if (upload === undefined) return this.#fault(message);
      if (type === 'SBET') {
        const answer = this.#store(upload, text);
        refused = answer === undefined;
        return answer ?? fail('sequence-gap', 1, `not ${text.split('|')[0]}`);
      }
      if (type === 'DONE') {
        const counts = countsOf(upload.batches);
        const bets = counts.all - counts.refused;
        const right = text.split('|')[1] === String(bets);
        upload.done ||= right;
        return right ? OK : fail('count-mismatch', 1, `${bets} bets are stored`);
      }
      if (type === 'END' && upload.done) {
        this.finished += 1;
        return OK;
      }
      return type === 'ACTA' && this.finished > 0 ? rwin('11', '12') : this.#fault(message);
    };
  }

  #fault(message: string): string {
    this.faults.push(message);
    return NOK;
  }

  #uploadOf(name: string): Upload {
    const upload = this.uploads.get(name) ?? { done: false, batches: [] };
    this.uploads.set(name, upload);
    return upload;
  }

  /** The answer to a batch; undefined for one after a gap or a repeated one. */
  #store(upload: Upload, text: string): string | undefined {
    const [numberText, countText, ...fields] = text.split('|');
    const [number, count] = [Number(numberText), Number(countText)];
    if (fields.length !== count * 5) return this.#fault(text);
    const next = countsOf(upload.batches).all + 1;
    // Only an agency that was welcomed by a lagging server may repeat stored bets.
    const mayRepeat = this.#plan.behind !== undefined;
    if (number > next || (number < next && !mayRepeat))
      return this.#fault(`bet ${number} for ${next}`);
    if (number < next) return undefined;
    if (this.finished > 0) return this.#fault(text);
    const refused = this.#plan.refusedBatches?.includes(number) ?? false;
    upload.batches.push({ count, refused });
    if (refused) return fail('invalid-bet', 0, number, 0, 'document', 'not-digits');
    for (let index = 0; index < count; index += 1)
      this.rows.push(fields.slice(index * 5, index * 5 + 5).join('|'));
    return OK;
  }
}
