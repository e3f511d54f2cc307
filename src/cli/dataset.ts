import { type DatasetShape, EXPECTED_FILE, generateDataset } from '../dataset/generate.ts';
import { hasWon } from '../lottery/catedra.ts';
import { unpackZip } from './agency-zip.ts';
import { EXIT } from './exit-codes.ts';

const PROGRESS_BETS = 1_000_000;

export interface DatasetOptions extends DatasetShape {
  readonly from?: string;
  readonly force?: boolean;
}

/** `loteria dataset` */
export async function dataset(
  folder: string,
  { from, force = false, ...shape }: DatasetOptions,
): Promise<number> {
  if (from === undefined) await makeUp(folder, shape, force);
  else await unpack(from, folder, force);
  return EXIT.done;
}

async function unpack(zip: string, folder: string, force: boolean): Promise<void> {
  const files = await unpackZip('--from', zip, folder, force);
  process.stdout.write(`${folder}: ${files.length} files of ${zip}\n`);
}

async function makeUp(
  folder: string,
  { agencies, bets, seed }: DatasetShape,
  force: boolean,
): Promise<void> {
  let said = 0;
  const { perAgency } = await generateDataset(
    folder,
    { agencies, bets, seed, force },
    hasWon,
    written => {
      if (written - said < PROGRESS_BETS) return;
      said = written;
      process.stdout.write(`${written} of ${bets} bets\n`);
    },
  );
  for (const { file, bets: count, winners } of perAgency) {
    process.stdout.write(`${file}: ${count} bets, ${winners.length} winners\n`);
  }
  process.stdout.write(`${folder}: ${agencies} files, ${bets} bets, winners in ${EXPECTED_FILE}\n`);
}
