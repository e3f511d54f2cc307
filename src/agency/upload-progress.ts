import type { AgencyParts } from './agency-parts.ts';
import type { CsvSource } from './csv-source.ts';

/** Says from time to time how far the upload is. */
export class UploadProgress {
  readonly #parts: Pick<AgencyParts, 'now' | 'progressMs' | 'emit'>;
  readonly #source: CsvSource;
  #saidAt: number;

  constructor(parts: Pick<AgencyParts, 'now' | 'progressMs' | 'emit'>, source: CsvSource) {
    this.#parts = parts;
    this.#source = source;
    this.#saidAt = parts.now();
  }

  /** @param bets stored so far */
  reached(bets: number): void {
    const { now, progressMs, emit } = this.#parts;
    if (now() - this.#saidAt < progressMs) return;
    this.#saidAt = now();
    const { bytesRead, size } = this.#source;
    emit({ event: 'upload-progress', bets, fileBytesRead: bytesRead, fileBytes: size });
  }
}
