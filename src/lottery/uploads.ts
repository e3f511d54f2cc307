import type { BatchFault } from './bet-batch.ts';
import type { UploadPlace } from './fact.ts';

/** The durable state of one resumable upload. */
export class Upload {
  readonly name: string;
  /** The number of the batch that is expected next: every one below has a durable outcome. */
  next = 1;
  /** Batches and bets that were stored. */
  batches = 0;
  bets = 0;
  /** Bets in batches that were not valid. */
  refusedBets = 0;
  /** Batches that were not valid, by their number. */
  readonly refused = new Map<number, BatchFault>();
  /** The agency has finished with it. */
  isComplete = false;

  constructor(name: string) {
    this.name = name;
  }

  /** Bets that have a durable outcome: the upload resumes after them. */
  get settledBets(): number {
    return this.bets + this.refusedBets;
  }
}

/** Every upload of every agency, for as long as the lottery lasts. */
export class Uploads {
  readonly #uploads = new Map<number, Map<string, Upload>>();
  readonly #voided = new Map<number, Set<string>>();

  find(agency: number, name: string): Upload | undefined {
    return this.#uploads.get(agency)?.get(name);
  }

  /** The uploads of an agency, in the order in which they were begun. */
  of(agency: number): Upload[] {
    return [...(this.#uploads.get(agency)?.values() ?? [])];
  }

  /**
   * An upload of the agency that is not complete. There is one at most, but for what an older
   * version has stored.
   */
  openOf(agency: number, except?: string): Upload | undefined {
    const ofAgency = this.#uploads.get(agency);
    if (ofAgency === undefined) return undefined;
    for (const upload of ofAgency.values())
      if (!upload.isComplete && upload.name !== except) return upload;
    return undefined;
  }

  stored(agency: number, { upload: name, seq }: UploadPlace, count: number): void {
    const upload = this.#take(agency, name, seq);
    upload.batches += 1;
    upload.bets += count;
  }

  refused(agency: number, { upload: name, seq }: UploadPlace, fault: BatchFault): void {
    const upload = this.#take(agency, name, seq);
    upload.refused.set(seq, fault);
    upload.refusedBets += fault.count;
  }

  /**
   * Forgets the batches of an upload, or of all uploads of an agency, and remembers the names: a
   * client that still runs must not send the same file again by itself.
   *
   * @param names further uploads that are void, of which no batch is known here
   * @returns the bets that are void
   */
  void(agency: number, name: string | undefined, names: readonly string[] = []): number {
    const voided = this.of(agency).filter(upload => name === undefined || upload.name === name);
    for (const upload of voided) this.#uploads.get(agency)!.delete(upload.name);
    const all = [...this.voidedOf(agency), ...names, ...voided.map(upload => upload.name)];
    this.#voided.set(agency, new Set(name === undefined ? all : [...all, name]));
    return voided.reduce((sum, { bets }) => sum + bets, 0);
  }

  isVoided(agency: number, name: string): boolean {
    return this.#voided.get(agency)?.has(name) === true;
  }

  /** The names of the uploads of an agency that were voided and may not be sent again. */
  voidedOf(agency: number): string[] {
    return [...(this.#voided.get(agency) ?? [])];
  }

  /** Allows the voided uploads of an agency to be sent again. */
  allowVoided(agency: number): void {
    this.#voided.delete(agency);
  }

  /** Marks an upload, perhaps one without a batch, as complete. */
  complete(agency: number, name: string): void {
    this.#begin(agency, name).isComplete = true;
  }

  #begin(agency: number, name: string): Upload {
    let ofAgency = this.#uploads.get(agency);
    if (ofAgency === undefined) this.#uploads.set(agency, (ofAgency = new Map()));
    let upload = ofAgency.get(name);
    if (upload === undefined) ofAgency.set(name, (upload = new Upload(name)));
    return upload;
  }

  #take(agency: number, name: string, seq: number): Upload {
    const upload = this.#begin(agency, name);
    if (seq !== upload.next)
      throw new Error(`batch ${seq} of an upload that expects batch ${upload.next}`);
    upload.next += 1;
    return upload;
  }
}
