import { access, constants, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ACTA_FILE, DRAW_ACTA_FILE, drawActaOf, SIGNATURE_FILE } from '../audit/acta-folder.ts';
import { audit, type AuditParts } from '../audit/audit.ts';
import { recount } from '../audit/recount.ts';
import { type ActaKey, readActaKey, readSignature } from '../audit/signature.ts';
import { ConfigError } from '../config/errors.ts';
import { unreadable } from '../config/files.ts';
import { hasWon, LOTTERY_WINNER_NUMBER } from '../lottery/catedra.ts';
import { StoreError } from '../store/store.ts';
import { BETS_FILE, JOURNAL_FILE, verifyStore } from './stores/csv.ts';
import { folderOf } from './stores/store-of.ts';
import { tellChecks } from './tell-checks.ts';

const WITHOUT_FILES =
  '`loteria export bets.csv` writes its rows; put acta.txt beside them and name their folder';

export interface AuditOptions {
  readonly acta?: string;
  readonly signature?: string;
  readonly key?: string;
}

/** `loteria audit` */
export async function auditFolder(
  directory: string | undefined,
  options: AuditOptions,
): Promise<number> {
  const folder = await folderOf(directory, WITHOUT_FILES);
  const bets = join(folder, BETS_FILE);
  if (!(await isReadable(bets))) throw new ConfigError(`${bets} is missing`);
  const key = options.key === undefined ? undefined : readKey(options.key);
  const acta = await readOptional(options.acta ?? join(folder, ACTA_FILE));
  if (acta === undefined) {
    const file = options.acta ?? `${ACTA_FILE} in ${folder}`;
    throw new ConfigError(
      `there is no ${file}: it is written when the lottery closes, --acta names another`,
    );
  }
  const signatureFile = options.signature ?? join(folder, SIGNATURE_FILE);
  const signature = await readSignature(signatureFile);
  if (typeof signature === 'string') throw new ConfigError(`${signatureFile}: ${signature}`);
  if (signature === undefined && options.signature !== undefined)
    throw new ConfigError(`there is no ${options.signature}`);
  const drawActa = await readOptional(join(folder, DRAW_ACTA_FILE));
  const checks = audit({
    rows: await recount(bets, hasWon).catch((error: unknown) => {
      throw unreadable(bets, error);
    }),
    acta: acta.toString(),
    drawActa: drawActa?.toString(),
    signature,
    key,
    winningNumber: LOTTERY_WINNER_NUMBER,
    journal: await readJournal(folder),
  });
  return tellChecks(checks);
}

/** The actas that follow from the journal, which is verified first. */
async function readJournal(folder: string): Promise<AuditParts['journal']> {
  const journal = join(folder, JOURNAL_FILE);
  if (!(await isReadable(journal))) return undefined;
  try {
    const { lottery, begun } = await verifyStore(folder, hasWon);
    return {
      acta: lottery.acta?.text,
      drawActa: drawActaOf(lottery, begun, LOTTERY_WINNER_NUMBER),
    };
  } catch (error) {
    if (error instanceof StoreError) return { damage: error.message };
    throw error;
  }
}

/** False if the file is missing. */
async function isReadable(path: string): Promise<boolean> {
  try {
    await access(path, constants.R_OK);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw unreadable(path, error);
  }
}

/** Undefined if the file is missing. */
async function readOptional(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unreadable(path, error);
  }
}

function readKey(path: string): ActaKey {
  try {
    return readActaKey(path);
  } catch (error) {
    throw new ConfigError(`--key: ${(error as Error).message}`, error);
  }
}
