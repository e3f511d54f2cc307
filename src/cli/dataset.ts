import { type DatasetShape, EXPECTED_FILE, generateDataset } from '../dataset/generate.ts';
import { hasWon } from '../lottery/catedra.ts';
import { EXIT } from './exit-codes.ts';

/** Bets between two lines of progress. */
const PROGRESS_BETS = 1_000_000;

/** `loteria dataset`: writes files of made-up bets. */
export async function dataset(folder: string, shape: DatasetShape): Promise<number> {
  let said = 0;
  const { agencies, bets, seed } = shape;
  const { perAgency } = await generateDataset(folder, { agencies, bets, seed }, hasWon, written => {
    if (written - said < PROGRESS_BETS) return;
    said = written;
    process.stdout.write(`${written} of ${bets} bets\n`);
  });
  for (const { file, bets: count, winners } of perAgency) {
    process.stdout.write(`${file}: ${count} bets, ${winners.length} winners\n`);
  }
  process.stdout.write(`${folder}: ${agencies} files, ${bets} bets, winners in ${EXPECTED_FILE}\n`);
  return EXIT.done;
}
