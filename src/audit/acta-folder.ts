import { readFile, rename, rm } from 'node:fs/promises';
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

/**
 * The actas of a lottery as files. The log has them: what is missing or something else than the log says is written anew.
 */
export class ActaFolder {
  readonly #directory: string;
  readonly #id: string;
  readonly #winningNumber: number;
  /** What the files hold, by name. */
  readonly #written = new Map<string, string>();

  /** @param id tells the lottery from any other */
  constructor(directory: string, id: string, winningNumber: number) {
    this.#directory = directory;
    this.#id = id;
    this.#winningNumber = winningNumber;
  }

  /** Writes the documents that the lottery has. Fulfilled with what went wrong. */
  async keep(lottery: Lottery): Promise<Error | undefined> {
    try {
      const { acta, withdrawnActas } = lottery;
      for (const { number, text } of withdrawnActas) await this.#write(withdrawnFile(number), text);
      if (acta !== undefined) await this.#write(ACTA_FILE, acta.text);
      else if (withdrawnActas.length > 0) await this.#remove(ACTA_FILE);
      const text = drawActaOf(lottery, this.#id, this.#winningNumber);
      if (text !== undefined) await this.#write(DRAW_ACTA_FILE, text);
      return undefined;
    } catch (error) {
      return error as Error;
    }
  }

  async #write(name: string, text: string): Promise<void> {
    if (this.#written.get(name) === text) return;
    const path = join(this.#directory, name);
    if ((await readFile(path, 'utf8').catch(() => undefined)) !== text) {
      const unfinished = `${path}.new`;
      await writePrivate(unfinished, text);
      await rename(unfinished, path);
    }
    this.#written.set(name, text);
  }

  async #remove(name: string): Promise<void> {
    await rm(join(this.#directory, name), { force: true });
    this.#written.delete(name);
  }
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
