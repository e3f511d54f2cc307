import type { Exercise } from './exercise.ts';

/** The report is written in the user's language: every sentence exists in both. */
export type Language = 'es' | 'en';

export type Text = Readonly<Record<Language, string>>;

/**
 * `advice`: it works, but a teacher will remark on it. `not-checkable`: this machine or this
 * repository lacks something.
 */
export type Verdict = 'ok' | 'advice' | 'fail' | 'not-checkable';

/** What one trial has found. */
export interface Judgement {
  readonly verdict: Verdict;
  /**
   * What was seen, in a student's words; with `ok` the numbers that stand behind it, or nothing.
   */
  readonly reason?: Text;
  /** Where to look, without the solution. */
  readonly hint?: Text;
  readonly evidence?: readonly Evidence[];
  /** What was seen leaves nothing for the other checks to look at. */
  readonly hidesOthers?: boolean;
}

export type Evidence = LogEvidence | RowEvidence | TimelineEvidence;

/** Lines of what the processes wrote. */
export interface LogEvidence {
  readonly kind: 'log';
  readonly title: Text;
  readonly lines: readonly {
    readonly source: string;
    readonly atMs: number;
    readonly text: string;
  }[];
}

/** Rows of a file, or numbers side by side. */
interface RowEvidence {
  readonly kind: 'rows';
  readonly title: Text;
  readonly rows: readonly string[];
}

/** A piece of a recording, cut to what matters. */
export interface TimelineEvidence {
  readonly kind: 'timeline';
  readonly title: Text;
  readonly entries: readonly TimelineEntry[];
}

/** `up` is from a client to the server. */
export type Direction = 'up' | 'down';

/**
 * `open` and `close` of a connection, `data`, the `end` of a direction (no more will be sent), or
 * `omitted`: so many entries and bytes were left out here.
 */
export interface TimelineEntry {
  readonly kind: 'open' | 'data' | 'end' | 'close' | 'omitted';
  /** Since the lottery was opened. */
  readonly atMs: number;
  /** Numbered from 1 in the order in which they were opened. */
  readonly connection: number;
  readonly client: number;
  readonly direction?: Direction;
  /** Of `data` and `omitted`: all bytes, also those that are not shown. */
  readonly byteCount?: number;
  /** Of `omitted`. */
  readonly entryCount?: number;
  /**
   * The bytes that are shown, from `shownFrom` of the data on: `48 6f 6c 61` and `Hola`, `·` for
   * what is no letter.
   */
  readonly hex?: string;
  readonly text?: string;
  readonly shownFrom?: number;
  /** What is wrong here. */
  readonly note?: Text;
}

/** What a report says of a check, for one exercise. */
export interface Finding extends Judgement {
  readonly check: string;
  readonly exercise: Exercise;
  readonly title: Text;
  readonly why: Text;
  readonly seed: number;
  /** The command that repeats exactly this check. */
  readonly command: string;
  readonly durationMs: number;
  /** With the seed of the trial that is reported: it failed in `failed` of `made` trials. */
  readonly trials: { readonly failed: number; readonly made: number };
}

/** What every form of the report is made of. */
export interface Report {
  /** Of this form. */
  readonly version: 1;
  readonly program: string;
  readonly subject: string;
  readonly language: Language;
  readonly seed: number;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly durationMs: number;
  /** Name and value: the runner, the operating system, processors, versions of what was used. */
  readonly environment: Readonly<Record<string, string>>;
  readonly findings: readonly Finding[];
}

/** A check cannot be made here, with the reason. */
export class NotCheckable extends Error {
  readonly reason: Text;

  constructor(reason: Text) {
    super(reason.en);
    this.name = 'NotCheckable';
    this.reason = reason;
  }
}

export const OK: Judgement = { verdict: 'ok' };
