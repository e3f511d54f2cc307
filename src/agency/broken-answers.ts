import { AgencyError, BrokenAnswerError, type LinkError } from './errors.ts';

/** How often answers may break in the same place, without another break in between. */
const SAME_BREAKS_MAX = 5;

/**
 * Tells a faulty server from a faulty network: a network breaks an answer at varying places and is
 * worth another try; a server that breaks it at the same place each time will never deliver it.
 */
export class BrokenAnswers {
  #last: string | undefined;
  #count = 0;

  /** @throws AgencyError when the answer broke in the same way too often */
  note(error: LinkError): void {
    if (!(error instanceof BrokenAnswerError)) return;
    this.#count = error.message === this.#last ? this.#count + 1 : 1;
    this.#last = error.message;
    if (this.#count < SAME_BREAKS_MAX) return;
    throw new AgencyError(
      `${error.message}, ${this.#count} times in a row in the same place`,
      error,
    );
  }

  reset(): void {
    this.#last = undefined;
    this.#count = 0;
  }
}
