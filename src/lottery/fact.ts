import type { BatchFault } from './bet-batch.ts';
import type { Draw } from './draw.ts';

/** Which batch of a resumable upload it is (protocol page, section 2). */
export interface UploadPlace {
  /** Name that the agency gave the upload: the same every time the same file is sent. */
  readonly upload: string;
  /** Number of the batch within the upload, counted from 1 without gaps. */
  readonly seq: number;
}

/** Length and digest of a draw's bets: proves that a file is the one that was drawn. */
export interface Seal {
  /** Length of the rows in bytes. */
  readonly bytes: number;
  /** SHA-256 of all rows, in hex. */
  readonly sha256: string;
  /** When the draw was held, ISO 8601. */
  readonly time: string;
}

/** The acta de cierre: the bets of the draw, published before the winners are known. */
export interface Acta {
  /** Counted from 1: a lottery that is opened again after its close gets another one. */
  readonly number: number;
  /** When the bets were closed, ISO 8601. */
  readonly time: string;
  readonly bets: number;
  readonly bytes: number;
  /** SHA-256 of all rows, in hex. */
  readonly sha256: string;
  /** The document, as it is signed and handed out. */
  readonly text: string;
}

/** A manual intervention: why, who, and when (ISO 8601). */
export interface Intervention {
  readonly reason: string;
  readonly by: string;
  readonly time: string;
}

/**
 * What can happen to a lottery. A store makes a fact durable and gives all of them back, in the
 * same order, when it is opened again; the state of the lottery is nothing but the facts applied in
 * order ("log, apply, answer").
 */
export type Fact =
  /** The draw waits for these agencies, in the form `1-5,7`, from here on. */
  | {
      readonly kind: 'agencies';
      readonly agencies: string;
      readonly intervention?: Intervention | undefined;
    }
  /** Bets that were there before the first batch, as a number for each agency. */
  | { readonly kind: 'adopted'; readonly bets: ReadonlyMap<number, number> }
  /** `count` bets of an agency were stored. Without a place when the base protocol brought them. */
  | {
      readonly kind: 'stored';
      readonly agency: number;
      readonly count: number;
      readonly place: UploadPlace | undefined;
    }
  /** A batch of an upload was not valid: its number is used up, nothing of it was stored. */
  | {
      readonly kind: 'refused';
      readonly agency: number;
      readonly place: UploadPlace;
      readonly fault: BatchFault;
    }
  /** The agency has sent all its bets; with the upload by which it said so. */
  | { readonly kind: 'finished'; readonly agency: number; readonly upload: string | undefined }
  /** An agency that had finished may send more, and void uploads of it again. */
  | { readonly kind: 'reopened'; readonly agency: number; readonly intervention: Intervention }
  /** What an agency, or one upload of it, has sent does not count: so many bets. */
  | {
      readonly kind: 'voided';
      readonly agency: number;
      readonly upload: string | undefined;
      /** Where all its uploads are void, their names: a rewritten journal lacks their batches. */
      readonly uploads?: readonly string[] | undefined;
      readonly bets: number;
      readonly intervention: Intervention;
    }
  /** The bets of the draw are those of this acta, unless something is done by hand before it. */
  | { readonly kind: 'closed'; readonly acta: Acta }
  | { readonly kind: 'drawn'; readonly draw: Draw; readonly seal: Seal };

/** A fact that an operator has brought about. */
export type ByHand = Extract<Fact, { kind: 'agencies' | 'reopened' | 'voided' }> & {
  readonly intervention: Intervention;
};

export function isByHand(fact: Fact): fact is ByHand {
  return 'intervention' in fact && fact.intervention !== undefined;
}
