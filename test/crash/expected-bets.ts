import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unpackAgencyFiles } from '../../src/dataset/files.ts';
import { generateDataset } from '../../src/dataset/generate.ts';
import { COURSE_DATA } from '../support/course-data.ts';

/** As many as the course's five agencies have, nearly. */
const GENERATED_BETS = 78_000;

const COURSE_AGENCIES = 5;

const WINNING_NUMBER = 7574;

/**
 * What must have become of an agency's file, worked out here without any of the program's own
 * readers.
 */
export interface ExpectedAgency {
  readonly agency: number;
  readonly file: string;
  /** Its rows of `bets.csv`, in order, without line ends. */
  readonly rows: readonly string[];
  readonly winners: readonly string[];
}

/** The course's own data where it is, else as much that was generated. */
export async function prepareAgencies(folder: string): Promise<ExpectedAgency[]> {
  await mkdir(folder, { recursive: true });
  if (!existsSync(COURSE_DATA)) return generateAgencies(folder, GENERATED_BETS);
  await unpackAgencyFiles(COURSE_DATA, folder);
  return expectedOfAll(folder, COURSE_AGENCIES);
}

/** So many agencies with so many bets in all. */
export async function generateAgencies(
  folder: string,
  bets: number,
  agencies = COURSE_AGENCIES,
): Promise<ExpectedAgency[]> {
  await generateDataset(folder, { agencies, bets, seed: 1 });
  return expectedOfAll(folder, agencies);
}

function expectedOfAll(folder: string, agencies: number): Promise<ExpectedAgency[]> {
  const numbers = Array.from({ length: agencies }, (_, index) => index + 1);
  return Promise.all(
    numbers.map(agency => expectedOf(agency, join(folder, `agency-${agency}.csv`))),
  );
}

async function expectedOf(agency: number, file: string): Promise<ExpectedAgency> {
  const text = await readFile(file, 'utf8');
  // Neither the course's data nor what is generated has any: a comma always separates, a row is
  // never quoted.
  if (text.includes('"')) throw new Error(`${file} has quotes, which are not understood here`);
  const rows: string[] = [];
  const winners: string[] = [];
  for (const line of text.split('\r\n')) {
    if (line === '') continue;
    const [firstName, lastName, document, birthdate, number] = line.split(',');
    rows.push([agency, firstName, lastName, document, birthdate, Number(number)].join(','));
    if (Number(number) === WINNING_NUMBER) winners.push(document!);
  }
  return { agency, file, rows, winners };
}
