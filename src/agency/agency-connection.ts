import { AGENCY_PROTOCOLS } from '../wire/dialect-names.ts';
import type { AgencyParts } from './agency-parts.ts';
import { dial } from './dial.ts';
import { LinkError } from './errors.ts';
import { Link } from './link.ts';
import { pause } from './waiting.ts';

/**
 * Pause after the frame that identifies, where frames must not share a segment, in milliseconds.
 */
const FRAME_GAP_MS = 100;
/** Wait after the first answer for a server that closes, in milliseconds. */
const CLOSE_PROBE_MS = 150;
/** The same for a server that is known to close after each answer. */
const CLOSE_WAIT_MS = 1_000;

/**
 * The connections of an agency without resumable uploads, one at a time: dialed, identified, and
 * replaced when lost. It knows how servers of the dialect treat a connection.
 */
export class AgencyConnection {
  readonly #parts: AgencyParts;
  #link: Link | undefined;
  /** Whether any server has answered anything. */
  #heard = false;
  /** Whether the server closes after each answer; undefined while that is not known. */
  #serverCloses: boolean | undefined;

  constructor(parts: AgencyParts) {
    this.#parts = parts;
    const { stop, limits, dialect } = parts;
    this.#serverCloses = dialect.conversation.serverMayClose ? undefined : false;
    stop.addEventListener('abort', () => {
      const giveUp = (): void => this.#link?.abandon(new LinkError('no answer before the end'));
      setTimeout(giveUp, limits.stopTimeoutMs).unref();
    });
  }

  /** Batches that may be unanswered: one until it is known that the server keeps the connection. */
  get window(): number {
    return this.#serverCloses === false ? this.#parts.batchWindow : 1;
  }

  get lost(): boolean {
    return this.#link?.lost !== false;
  }

  /** The current connection; undefined before the first one. */
  get current(): Link | undefined {
    return this.#link;
  }

  /**
   * The connection, identified; a new one, with the next server, where the last was lost.
   *
   * @throws AgencyError, Stopped
   */
  async open(): Promise<Link> {
    await this.#awaitClose();
    if (this.#link?.lost === false) return this.#link;
    const { id, addresses, dialect, limits, emit } = this.#parts;
    if (this.#link !== undefined) {
      const wasServed = this.#link.heard && this.#serverCloses === true;
      await this.close();
      if (!wasServed) addresses.failOver();
    }
    const socket = await dial(this.#parts);
    const codec = dialect.agency(limits, id);
    const link = new Link(socket, codec, limits, {
      onSilence: silentMs => this.#waitForTurn(silentMs),
    });
    this.#link = link;
    emit({ event: 'connected', address: addresses.current.text });
    const identification = codec.identify();
    if (identification === undefined) return link;
    link.send(identification);
    // Servers that decode one frame per read would miss the batch in the same segment.
    if (dialect.conversation.writePerFrame) await pause(FRAME_GAP_MS, this.#parts);
    return link;
  }

  async close(): Promise<void> {
    if (this.#link === undefined) return;
    this.#heard ||= this.#link.heard;
    await this.#link.close();
    this.#link = undefined;
    this.#parts.emit({ event: 'socket-closed', address: this.#parts.addresses.current.text });
  }

  /** For the end of an error message: the likely cause when no answer was ever decoded. */
  get hint(): string {
    if (this.#heard || this.#link?.heard === true) return '';
    const { name } = this.#parts.dialect;
    const others = AGENCY_PROTOCOLS.filter(other => other !== name).join(', ');
    return `; does the server speak another protocol? protocol is ${name}, the others are ${others}`;
  }

  /** A sequential server serves one agency at a time: silence is no failure. */
  #waitForTurn(silentMs: number): boolean {
    const { addresses, emit, maxElapsedMs } = this.#parts;
    // Servers in front of one store are concurrent: a silent one hangs, another may answer.
    if (addresses.several || (maxElapsedMs > 0 && silentMs >= maxElapsedMs)) return false;
    emit({ event: 'waiting-for-turn', silentMs, hint: this.hint });
    return true;
  }

  /**
   * Older servers of some dialects close after each answer and would lose a request sent meanwhile:
   * wait after the first answer, and after each one of such a server.
   */
  async #awaitClose(): Promise<void> {
    if (this.#serverCloses === false || this.#link === undefined || !this.#link.heard) return;
    const waitMs = this.#serverCloses === undefined ? CLOSE_PROBE_MS : CLOSE_WAIT_MS;
    this.#serverCloses = await this.#link.isClosedWithin(waitMs);
  }
}
