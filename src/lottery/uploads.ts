import type { BatchFault } from './bet-batch.ts';
import type { UploadPlace } from './fact.ts';

/** What is durable of one resumable upload. */
export class Upload {
  /** The number of the batch that is expected next: every one below has a durable outcome. */
  next = 1;
  /** Batches and bets that were stored. */
  batches = 0;
  bets = 0;
  /** Batches that were not valid, by their number. */
  readonly refused = new Map<number, BatchFault>();
}

/** Every upload of every agency, for as long as the lottery lasts. */
export class Uploads {
  readonly #uploads = new Map<number, Map<string, Upload>>();

  find(agency: number, name: string): Upload | undefined {
    return this.#uploads.get(agency)?.get(name);
  }

  /** Number of uploads that an agency has begun. */
  countOf(agency: number): number {
    return this.#uploads.get(agency)?.size ?? 0;
  }

  stored(agency: number, { upload: name, seq }: UploadPlace, count: number): void {
    const upload = this.#take(agency, name, seq);
    upload.batches += 1;
    upload.bets += count;
  }

  refused(agency: number, { upload: name, seq }: UploadPlace, fault: BatchFault): void {
    this.#take(agency, name, seq).refused.set(seq, fault);
  }

  /** Makes an upload known; one without any batch, say. */
  begin(agency: number, name: string): Upload {
    let ofAgency = this.#uploads.get(agency);
    if (ofAgency === undefined) this.#uploads.set(agency, (ofAgency = new Map()));
    let upload = ofAgency.get(name);
    if (upload === undefined) ofAgency.set(name, (upload = new Upload()));
    return upload;
  }

  #take(agency: number, name: string, seq: number): Upload {
    const upload = this.begin(agency, name);
    if (seq !== upload.next) throw new Error(`batch ${seq} of an upload that expects batch ${upload.next}`);
    upload.next += 1;
    return upload;
  }
}
