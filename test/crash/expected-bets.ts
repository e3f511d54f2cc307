import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unpackAgencyFiles } from '../../src/dataset/files.ts';
import { generateDataset } from '../../src/dataset/generate.ts';
import { COURSE_DATA } from '../support/course-data.ts';

/** About as many as the course's five agencies have. */
const GENERATED_BETS = 78_000;

const COURSE_AGENCIES = 5;

const WINNING_NUMBER = 7574;

/** The expected result of an agency's file, computed independently of the program's readers. */
export interface ExpectedAgency {
  readonly agency: number;
  readonly file: string;
  /** Its rows in `bets.csv`, in order, without line ends. */
  readonly rows: readonly string[];
  readonly winners: readonly string[];
}

/** The course's data if it is available, else as many generated bets. */
export async function prepareAgencies(folder: string): Promise<ExpectedAgency[]> {
  await mkdir(folder, { recursive: true });
  if (!existsSync(COURSE_DATA)) return generateAgencies(folder, GENERATED_BETS);
  await unpackAgencyFiles(COURSE_DATA, folder);
  return expectedOfAll(folder, COURSE_AGENCIES);
}

/** Generates a number of agencies with a total number of bets. */
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
  // Neither the course's data nor the generated bets contain quotes or commas in fields.
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
