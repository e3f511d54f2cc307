import { statSync } from 'node:fs';
import { readLotteryConfig } from '../config/server-config.ts';
import { FileRefused } from '../files/private.ts';
import { reasonNotCreated } from '../files/system-error.ts';
import { sha256OfActa } from '../lottery/acta.ts';
import type { Lottery } from '../lottery/lottery.ts';
import { StoreError } from '../store/store.ts';
import { EXIT } from './exit-codes.ts';
import { ExportFile } from './export-file.ts';
import { abortOnSignal } from './signals.ts';
import { storeOf } from './stores/store-of.ts';
import { complain, say } from './output.ts';

export interface ExportOptions {
  readonly config?: string;
  readonly force?: boolean;
}

/** The seal of an exported file. */
interface FileSeal {
  readonly state: string;
  readonly bets: number;
  readonly bytes: number;
  readonly sha256: string;
  /** Number and digest of the acta de cierre. */
  readonly acta?: { readonly number: number; readonly sha256: string };
  /** The draw in the store. */
  readonly draw?: {
    readonly time: string;
    readonly bytes: number;
    readonly sha256: string;
    /** Number of winners per agency. */
    readonly winners: Readonly<Record<string, number>>;
  };
}

/** `loteria export` */
export async function exportBets(path: string, options: ExportOptions): Promise<number> {
  const store = await storeOf(readLotteryConfig(options.config));
  expectNotOwn(path, store.files);
  let discard = (): void => {};
  // Before the file exists: a signal must not leave it behind.
  const stopping = abortOnSignal();
  stopping.signal.addEventListener('abort', () => {
    discard();
    process.exit(stopping.exitCode);
  });
  const file = createFile(path, options.force ?? false);
  discard = () => file.discard();
  let lottery: Lottery;
  let seal: FileSeal | undefined;
  try {
    ({ lottery } = await store.read(rows => file.write(rows)));
    file.finish(sha256 => (seal = sealOf(lottery, file.bytes, sha256)));
  } catch (error) {
    file.discard();
    // The store reports an error of `write` as damage.
    throw file.failure ?? error;
  }
  return tell(path, seal!, lottery.missing);
}

function sealOf(lottery: Lottery, bytes: number, sha256: string): FileSeal {
  const { state, betsInAll: bets, seal, agencies, acta: closed } = lottery;
  const acta = closed && { number: closed.number, sha256: sha256OfActa(closed) };
  const winners = agencies.map(agency => [agency, lottery.winnersOf(agency)?.length ?? 0] as const);
  const draw = seal && {
    time: seal.time,
    bytes: seal.bytes,
    sha256: seal.sha256,
    winners: Object.fromEntries(winners),
  };
  return { state, bets, bytes, sha256, ...(acta && { acta }), ...(draw && { draw }) };
}

function tell(
  path: string,
  { bets, bytes, sha256, draw }: FileSeal,
  missing: readonly number[],
): number {
  say(`${bets} bets, ${bytes} bytes, sha256 ${sha256}`);
  if (draw === undefined) {
    const awaited =
      missing.length > 0 ? `it waits for ${missing.join(', ')}` : 'every agency has finished';
    say(`the draw has not been held, ${awaited}`);
    return EXIT.done;
  }
  if (draw.bytes === bytes && draw.sha256 === sha256) {
    say(`the draw was held ${draw.time}, and this file is what was drawn`);
    return EXIT.done;
  }
  say(`the draw was held ${draw.time}`);
  complain(
    `${path} is not what was drawn: it has ${bytes} bytes with sha256 ${sha256}, the seal of the draw says ${draw.bytes} bytes with ` +
      `sha256 ${draw.sha256}; the file was kept for inspection`,
  );
  return EXIT.failed;
}

function createFile(path: string, force: boolean): ExportFile {
  try {
    return ExportFile.create(path, force);
  } catch (error) {
    if (!('syscall' in (error as Error))) throw error;
    throw new FileRefused(path, `cannot be written, ${reasonNotCreated(error)}`, error);
  }
}

/** @throws StoreError `unusable` if the file belongs to the store */
function expectNotOwn(path: string, own: readonly string[]): void {
  const target = statSync(path, { throwIfNoEntry: false });
  if (target === undefined) return;
  for (const name of own) {
    const found = statSync(name, { throwIfNoEntry: false });
    if (found === undefined || found.dev !== target.dev || found.ino !== target.ino) continue;
    throw new StoreError('unusable', `${path} is a file of the store itself`);
  }
}
