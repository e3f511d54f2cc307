import { StoreError } from '../store.ts';
import type { Condition, Engine } from './engine.ts';
import { EngineError } from './engine-error.ts';
import { type LogMark, START } from './log-mark.ts';
import type { Outbox } from './outbox.ts';

/**
 * How long nothing may have happened before the copies are compared, and the wait before one is looked at again that could not be, in
 * milliseconds: a node that was away catches up.
 */
const CALM_MS = 10_000;

/** Wait before copies are compared again that differed, in milliseconds: nothing but somebody's help changes that. */
const AGAIN_MS = 30_000;

type NodesOfStream = Pick<Condition, 'nodes' | 'away'>;

export interface ReplicaCheckParts {
  readonly engine: Pick<Engine, 'markOn'>;
  readonly outbox: Pick<Outbox, 'aged' | 'interrupted'>;
  /** Milliseconds. */
  readonly now: () => number;
  /** Told the nodes whose copies are other ones than the leader's; none when all are the same again. */
  readonly onDiffering: (nodes: readonly string[]) => void;
  /** Told what is wrong with the program itself. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * Whether every node that takes part has the log that its leader has. The engine should see to it, but Debian's does not when the
 * leader hangs for longer than an election takes: it comes back with records of its own, and lacks some for good. Should it lead
 * again, only the outboxes have them; so nothing leaves an outbox before this has been looked at.
 */
export class ReplicaCheck {
  readonly #parts: ReplicaCheckParts;
  #common = START;
  #agree = false;
  #nextAt: number;
  #differing = '';
  #doubts = 0;
  #comparing: Promise<void> | undefined;

  constructor(parts: ReplicaCheckParts) {
    this.#parts = parts;
    this.#nextAt = parts.now() + CALM_MS;
  }

  /** What every node has that may ever lead, as far as it was compared: it need not be compared again. */
  get common(): LogMark {
    return this.#common;
  }

  /** The log was put together anew: what was compared is of another one. */
  forget(): void {
    this.#common = START;
    this.interrupted();
  }

  /** Something has happened after which a copy may be another one, and what is in the outbox is needed for as long again. */
  interrupted(): void {
    this.#parts.outbox.interrupted();
    this.#agree = false;
    this.#doubts += 1;
    this.#nextAt = this.#parts.now() + CALM_MS;
  }

  /**
   * Nothing has happened for a while. Compares the copies when it is time to, and does not wait for that; once they are known to be
   * the same, what is in the outbox grows old.
   *
   * @param elapsedMs since the last look
   * @param mark of the leader's copy
   */
  async look(elapsedMs: number, mark: LogMark, nodes: NodesOfStream): Promise<void> {
    if (this.#agree) await this.#parts.outbox.aged(elapsedMs).catch(passIfFull);
    else if (this.#comparing === undefined && this.#parts.now() >= this.#nextAt) {
      this.#comparing = this.#compare(mark, nodes).finally(() => (this.#comparing = undefined));
    }
  }

  /** Waits for what is being compared. */
  async close(): Promise<void> {
    await this.#comparing;
  }

  async #compare(mark: LogMark, { nodes, away }: NodesOfStream): Promise<void> {
    const [leader = '', ...others] = nodes;
    const { engine, now, onDiffering, onFailure } = this.#parts;
    const doubts = this.#doubts;
    const common = this.#common;
    let againMs = CALM_MS;
    try {
      const differing: string[] = [];
      let lagging = 0;
      for (const node of others) {
        const found = await engine.markOn(node, mark.position, common);
        const isWhole = found.position === mark.position;
        const own = isWhole ? mark : await engine.markOn(leader, found.position, common);
        if (found.digest !== own.digest) differing.push(node);
        else if (own !== mark) lagging += 1;
      }
      // What happened meanwhile may have changed any of them.
      if (doubts !== this.#doubts) return;
      this.#agree = differing.length === 0 && lagging === 0;
      // Of one that is away now nothing is known when it leads.
      if (this.#agree && away === 0) this.#common = mark;
      if (differing.join(' ') !== this.#differing) onDiffering(differing);
      this.#differing = differing.join(' ');
      if (differing.length > 0) againMs = AGAIN_MS;
    } catch (error) {
      // One that has gone: it is compared when it is back.
      if (!(error instanceof EngineError)) onFailure(error);
    } finally {
      if (doubts === this.#doubts) this.#nextAt = now() + againMs;
    }
  }
}

/** Where there is no room, the removal of what is old is tried again the next time. */
function passIfFull(error: unknown): void {
  if (!(error instanceof StoreError) || error.code !== 'full') throw error;
}
