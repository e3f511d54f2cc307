import { DiskState, SimulatedDisk, type Step, type StepOutcome } from './simulated-disk.ts';

export { systemError } from './simulated-disk.ts';

/** Outcome of a write: the number of written bytes, then possibly an error. */
export interface WriteOutcome {
  readonly bytes: number;
  readonly error?: Error;
}

/** Called for a step. Its rejection is the outcome of the step. */
type Hook = (file: string) => Promise<void> | void;

/**
 * A scripted disk of a store in `/data`, with errors, partial writes and delays. `calls` are its
 * calls in order, without reads.
 */
export class FaultyFiles extends SimulatedDisk {
  readonly calls: string[] = [];
  /** Decides the outcome of each write; undefined: complete. */
  onWrite: ((length: number, file: string) => WriteOutcome | undefined) | undefined;
  onOpen: Hook | undefined;
  onSync: Hook | undefined;
  onTruncate: Hook | undefined;
  onRename: Hook | undefined;
  onSyncDirectory: Hook | undefined;

  /** @param bets what `bets.csv` holds; without it, the folder is empty */
  constructor(bets?: Uint8Array | string) {
    super(new DiskState(bets === undefined ? {} : { '/data/bets.csv': bets }));
    this.rule = step => this.#decide(step);
  }

  /** Content of `bets.csv`. */
  get bets(): Buffer {
    return this.contentOf('bets.csv');
  }

  /** Content of a file; empty if it is missing. */
  contentOf(file: string): Buffer {
    return this.state.find(`/data/${file}`)?.now ?? Buffer.alloc(0);
  }

  /** Number of calls with this text. */
  count(call: RegExp): number {
    return this.calls.filter(made => call.test(made)).length;
  }

  async #decide(step: Step): Promise<StepOutcome | undefined> {
    this.calls.push(describeStep(step));
    const { kind, file } = step;
    switch (kind) {
      case 'write':
        return this.onWrite?.(step.bytes.length, file);
      case 'open':
        await this.onOpen?.(file);
        return undefined;
      case 'sync':
        await this.onSync?.(file);
        return undefined;
      case 'truncate':
        await this.onTruncate?.(file);
        return undefined;
      case 'rename':
        await this.onRename?.(file);
        return undefined;
      case 'sync directory':
        await this.onSyncDirectory?.(file);
        return undefined;
      case 'close':
      case 'remove':
        return undefined;
    }
  }
}

/** A step as a line of `calls`: `write bets.csv 52 of 1 at 0` are 52 bytes in one buffer. */
export function describeStep(step: Step): string {
  const { kind, file } = step;
  switch (kind) {
    case 'write':
      return `write ${file} ${step.bytes.length} of ${step.buffers} at ${step.position}`;
    case 'truncate':
      return `truncate ${file} ${step.length}`;
    case 'rename':
      return `rename ${file} ${step.to}`;
    case 'open':
    case 'sync':
    case 'close':
    case 'remove':
    case 'sync directory':
      return `${kind} ${file}`;
  }
}
