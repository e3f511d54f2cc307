import { execFileSync } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { unpackAgencyFiles } from '../../src/dataset/files.ts';
import { needsPython } from '../lottery/python.ts';
import { COURSE_DATA, needCourseData, ROWS, WINNERS } from '../support/course-data.ts';
import { Program } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

/** Runs the lottery with the course's data. @returns its output, and the kept folder */
async function holdLottery(): Promise<{ lines: string[]; kept: string }> {
  const folder = await temporaryFolder();
  const tmp = join(folder, 'tmp');
  await mkdir(tmp);
  const program = Program.start(['run', '--data', COURSE_DATA, '--keep'], {
    cwd: folder,
    env: { TMPDIR: tmp },
  });
  expect(await program.exited).toEqual({ code: 0, signal: null });
  expect(program.stderr).toBe('');
  const lines = program.lines.map(line => line.text);
  return { lines, kept: /^kept: (.+)$/.exec(lines.at(-1)!)![1]! };
}

test("the course's five agencies get the known winners, in the known order", async context => {
  needCourseData(context);
  const { lines, kept } = await holdLottery();
  expect(lines[0]).toBe(`bets: ${COURSE_DATA}`);
  expect(lines[1]).toBe(`5 agencies, ${ROWS.toLocaleString('en')} bets`);
  const table = lines.filter(line => /^ +\d /.test(line)).map(line => line.trim().split(/ {2,}/));
  expect(table.map(([agency, , winners, documents]) => [agency, winners, documents])).toEqual(
    WINNERS.map((documents, index) => [
      String(index + 1),
      String(documents.length),
      documents.join(' ') || '–',
    ]),
  );
  expect(table.map(([, bets]) => bets)).toEqual(['26,936', '25,518', '16,014', '9,238', '991']);
  expect(lines).toContain('every agency was told its winners');
  for (const [index, documents] of WINNERS.entries()) {
    const written = await readFile(join(kept, `winners-${index + 1}.txt`), 'utf8');
    expect(written).toBe(documents.map(document => `${document}\n`).join(''));
    const log = await readFile(join(kept, `agency-${index + 1}.log`), 'utf8');
    const told = log
      .split('\n')
      .filter(line => line.includes('"consulta_ganadores"') && line.includes('"success"'));
    expect(
      told.map(line => (JSON.parse(line) as Record<string, unknown>)['cant_ganadores']),
    ).toEqual([documents.length]);
  }
});

/** Compares bets.csv and the input with Python's csv module. @returns the differences */
const COMPARE = `
import collections, csv, json, sys
bets_path, data = sys.argv[1], sys.argv[2]
stored = collections.defaultdict(list)
with open(bets_path, newline="", encoding="utf-8") as file:
    for row in csv.reader(file, quoting=csv.QUOTE_MINIMAL):
        stored[row[0]].append(row[1:])
given = {}
for agency in "12345":
    with open(f"{data}/agency-{agency}.csv", newline="", encoding="utf-8") as file:
        given[agency] = [row for row in csv.reader(file) if row]
for rows in given.values():
    for row in rows:
        row[4] = str(int(row[4]))
count = lambda agencies: collections.Counter((a, *row) for a, rows in agencies.items() for row in rows)
print(json.dumps({
    "rows": sum(map(len, stored.values())),
    "given": sum(map(len, given.values())),
    "agencies": sorted(stored),
    "sameRows": count(stored) == count(given),
    "sameOrder": {agency: stored[agency] == rows for agency, rows in given.items()},
}))
`;

test('bets.csv holds every row of the input once, with its agency, as Python reads it', async context => {
  needCourseData(context);
  needsPython(context);
  const { kept } = await holdLottery();
  const data = await temporaryFolder();
  await unpackAgencyFiles(COURSE_DATA, data);
  const answer = execFileSync('python3', ['-c', COMPARE, join(kept, 'server/bets.csv'), data], {
    encoding: 'utf8',
    maxBuffer: 1024 ** 2,
  });
  expect(JSON.parse(answer)).toEqual({
    rows: ROWS,
    given: ROWS,
    agencies: ['1', '2', '3', '4', '5'],
    sameRows: true,
    sameOrder: { 1: true, 2: true, 3: true, 4: true, 5: true },
  });
});
