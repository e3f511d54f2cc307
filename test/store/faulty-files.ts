import { DiskState, SimulatedDisk, type Step, type StepOutcome } from './simulated-disk.ts';

export { systemError } from './simulated-disk.ts';

/** What a disk does with a write: how many of its bytes it takes, then perhaps an error. */
export interface WriteOutcome {
  readonly bytes: number;
  readonly error?: Error;
}

/** Called for a step; what it throws is the outcome, what it returns is waited for. */
type Hook = (file: string) => Promise<void> | void;

/**
 * The disk of a store in `/data` that does what a test tells it: refuse, take less, make wait.
 * `calls` is everything that was asked of it, in order, reading apart.
 */
export class FaultyFiles extends SimulatedDisk {
  readonly calls: string[] = [];
  /** Decides about each write; undefined takes everything. */
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

  /** What `bets.csv` holds. */
  get bets(): Buffer {
    return this.contentOf('bets.csv');
  }

  /** What a file holds; nothing when it is missing. */
  contentOf(file: string): Buffer {
    return this.state.find(`/data/${file}`)?.now ?? Buffer.alloc(0);
  }

  /** How often something was asked. */
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
