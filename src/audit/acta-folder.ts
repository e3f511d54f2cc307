import { readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writePrivate } from '../files/private.ts';
import { drawActa } from '../lottery/acta.ts';
import type { Lottery } from '../lottery/lottery.ts';

/** The acta de cierre that counts, its signature, and the acta de sorteo. */
export const ACTA_FILE = 'acta.txt';
export const SIGNATURE_FILE = 'acta.sig';
export const DRAW_ACTA_FILE = 'acta-sorteo.txt';

/** An acta that was withdrawn, by its number. */
const withdrawnFile = (number: number): string => `acta-${number}.txt`;

/** Every file of a lottery's actas, by name. */
export function isActaFile(name: string): boolean {
  return [ACTA_FILE, SIGNATURE_FILE, DRAW_ACTA_FILE].includes(name) || /^acta-\d+\.txt$/.test(name);
}

/** A document that could not be written. */
export interface Trouble {
  readonly file: string;
  readonly error: string;
}

/**
 * The actas of a lottery as files. The log has them: what is missing or something else than the log says is written anew.
 */
export class ActaFolder {
  readonly #directory: string;
  readonly #id: string;
  readonly #winningNumber: number;
  /** What the files hold, by name, and what they looked like when it was written. */
  readonly #written = new Map<string, { readonly text: string; readonly stamp: string | undefined }>();

  /** @param id tells the lottery from any other */
  constructor(directory: string, id: string, winningNumber: number) {
    this.#directory = directory;
    this.#id = id;
    this.#winningNumber = winningNumber;
  }

  /**
   * Writes the documents that the lottery has, each that is missing or holds something else.
   *
   * @returns the first one that could not be written
   */
  async keep(lottery: Lottery): Promise<Trouble | undefined> {
    const { acta, withdrawnActas } = lottery;
    const documents = new Map<string, string | undefined>();
    if (acta !== undefined) documents.set(ACTA_FILE, acta.text);
    else if (withdrawnActas.length > 0) documents.set(ACTA_FILE, undefined);
    documents.set(DRAW_ACTA_FILE, drawActaOf(lottery, this.#id, this.#winningNumber));
    for (const { number, text } of withdrawnActas) documents.set(withdrawnFile(number), text);
    let trouble: Trouble | undefined;
    for (const [name, text] of documents) {
      try {
        if (text !== undefined) await this.#write(name, text);
        else if (name === ACTA_FILE) await this.#remove(name);
      } catch (error) {
        trouble ??= { file: name, error: (error as Error).message };
      }
    }
    return trouble;
  }

  async #write(name: string, text: string): Promise<void> {
    const path = join(this.#directory, name);
    const written = this.#written.get(name);
    if (written?.text === text && written.stamp === (await stampOf(path))) return;
    if ((await readFile(path, 'utf8').catch(() => undefined)) !== text) {
      const unfinished = `${path}.new`;
      await writePrivate(unfinished, text);
      await rename(unfinished, path);
    }
    this.#written.set(name, { text, stamp: await stampOf(path) });
  }

  async #remove(name: string): Promise<void> {
    await rm(join(this.#directory, name), { force: true });
    this.#written.delete(name);
  }
}

/** Tells a file from the same one after a change; undefined where there is none. */
async function stampOf(path: string): Promise<string | undefined> {
  const stats = await stat(path).catch(() => undefined);
  return stats && `${stats.ino} ${stats.size} ${stats.mtimeMs}`;
}

/** The acta de sorteo; undefined before the draw, and of one that was held without a close. */
export function drawActaOf(
  { acta, draw, seal, agencies }: Lottery,
  id: string,
  winningNumber: number,
): string | undefined {
  if (acta === undefined || draw === undefined || seal === undefined) return undefined;
  const winners = agencies.map(agency => [agency, draw.winners.get(agency) ?? []] as const);
  return drawActa({ lottery: id, acta, time: seal.time, winningNumber, winners });
}
