import type { AgencyParts } from './agency-parts.ts';

/** Says from time to time how far the upload is. */
export class UploadProgress {
  readonly #parts: Pick<AgencyParts, 'now' | 'progressMs' | 'emit'>;
  readonly #fileBets: number | undefined;
  #saidAt: number;

  /** @param fileBets bets of the file; undefined for a pipe */
  constructor(
    parts: Pick<AgencyParts, 'now' | 'progressMs' | 'emit'>,
    fileBets: number | undefined,
  ) {
    this.#parts = parts;
    this.#fileBets = fileBets;
    this.#saidAt = parts.now();
  }

  /** @param bets stored so far */
  reached(bets: number): void {
    const { now, progressMs, emit } = this.#parts;
    if (now() - this.#saidAt < progressMs) return;
    this.#saidAt = now();
    emit({ event: 'upload-progress', bets, fileBets: this.#fileBets });
  }
}
