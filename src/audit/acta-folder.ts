import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { replacePrivate } from '../files/private.ts';
import { drawActa } from '../lottery/acta.ts';
import type { Lottery } from '../lottery/lottery.ts';

/** The acta de cierre in force, its signature, and the acta de sorteo. */
export const ACTA_FILE = 'acta.txt';
export const SIGNATURE_FILE = 'acta.sig';
export const DRAW_ACTA_FILE = 'acta-sorteo.txt';

const withdrawnFile = (number: number): string => `acta-${number}.txt`;

/** Whether a file, by name, is one of a lottery's documents. */
export function isActaFile(name: string): boolean {
  return [ACTA_FILE, SIGNATURE_FILE, DRAW_ACTA_FILE].includes(name) || /^acta-\d+\.txt$/.test(name);
}

/** A document that could not be written. */
export interface Trouble {
  readonly file: string;
  readonly error: string;
}

/** The documents of a lottery as files: restored from the log when they are missing or changed. */
export class ActaFolder {
  readonly #directory: string;
  readonly #id: string;
  readonly #winningNumber: number;
  /** By name: the text written, and the stamp of the file after it. */
  readonly #written = new Map<
    string,
    { readonly text: string; readonly stamp: string | undefined }
  >();

  /** @param id unique id of the lottery */
  constructor(directory: string, id: string, winningNumber: number) {
    this.#directory = directory;
    this.#id = id;
    this.#winningNumber = winningNumber;
  }

  /**
   * Makes the files what the log says.
   *
   * @returns the first one that could not be written or removed
   */
  async write(lottery: Lottery): Promise<Trouble | undefined> {
    const { acta, withdrawnActas } = lottery;
    const ofDraw = drawActaOf(lottery, this.#id, this.#winningNumber);
    const documents = withdrawnActas.map(
      ({ number, text }) => [withdrawnFile(number), text] as const,
    );
    if (ofDraw !== undefined) documents.unshift([DRAW_ACTA_FILE, ofDraw]);
    if (acta !== undefined) documents.unshift([ACTA_FILE, acta.text]);
    let trouble: Trouble | undefined;
    const attempt = async (file: string, act: () => Promise<void>): Promise<void> => {
      await act().catch((error: Error) => (trouble ??= { file, error: error.message }));
    };
    const isWithdrawn = acta === undefined && withdrawnActas.length > 0;
    if (isWithdrawn) await attempt(ACTA_FILE, () => this.#remove(ACTA_FILE));
    for (const [name, text] of documents) await attempt(name, () => this.#write(name, text));
    return trouble;
  }

  async #write(name: string, text: string): Promise<void> {
    const path = join(this.#directory, name);
    const written = this.#written.get(name);
    if (written?.text === text && written.stamp === (await stampOf(path))) return;
    if ((await readFile(path, 'utf8').catch(() => undefined)) !== text)
      await replacePrivate(path, text);
    this.#written.set(name, { text, stamp: await stampOf(path) });
  }

  async #remove(name: string): Promise<void> {
    await rm(join(this.#directory, name), { force: true });
    this.#written.delete(name);
  }
}

/** Changes with the file; undefined for a missing one. */
async function stampOf(path: string): Promise<string | undefined> {
  const stats = await stat(path).catch(() => undefined);
  return stats && `${stats.ino} ${stats.size} ${stats.mtimeMs}`;
}

/** The acta de sorteo; undefined before the draw, and for a draw without a close. */
export function drawActaOf(
  { acta, draw, seal, agencies }: Lottery,
  id: string,
  winningNumber: number,
): string | undefined {
  if (acta === undefined || draw === undefined || seal === undefined) return undefined;
  const winners = agencies.map(agency => [agency, draw.winners.get(agency) ?? []] as const);
  return drawActa({ lottery: id, acta, time: seal.time, winningNumber, winners });
}
