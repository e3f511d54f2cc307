import { type DatasetShape, EXPECTED_FILE, generateDataset } from '../dataset/generate.ts';
import { countOf, whole } from '../run/counts.ts';
import { unpackZip } from './agency-zip.ts';
import { EXIT } from './exit-codes.ts';
import { say } from './output.ts';

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
  const files = await unpackZip(`--from ${zip}`, zip, folder, force);
  say(`${folder}: ${countOf(files.length, 'file')} of ${zip}`);
}

async function makeUp(folder: string, shape: DatasetShape, force: boolean): Promise<void> {
  const { bets, seed } = shape;
  let said = 0;
  const { perAgency } = await generateDataset(folder, { ...shape, force }, written => {
    if (written - said < PROGRESS_BETS) return;
    said = written;
    say(`${whole(written)} of ${countOf(bets, 'bet')}`);
  });
  for (const { file, bets: count, winners } of perAgency) {
    say(`${file}: ${countOf(count, 'bet')}, ${countOf(winners.length, 'winner')}`);
  }
  const files = countOf(perAgency.length, 'file');
  const made = `${countOf(bets, 'bet')} (made up, seed ${seed})`;
  say(`${folder}: ${files}, ${made}, winners in ${EXPECTED_FILE}`);
}
