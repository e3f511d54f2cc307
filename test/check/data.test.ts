import { describe, expect, test } from 'vitest';
import { makeInputs, rowOf, rowsOfFile, winnersOf } from '../../src/check/data.ts';
import { asAgency, betEnvironment, parseLine } from '../../src/check/profiles/tp0.ts';
import { SeededRandom } from '../../src/dataset/random.ts';

const inputsOf = (seed: number, hasTrickyFile = false) =>
  makeInputs(new SeededRandom(seed), { clients: 5, betsMin: 20, betsMax: 40, hasTrickyFile });

describe('makeInputs', () => {
  test('makes the same bets from the same seed, and others from another', () => {
    expect(inputsOf(1)).toEqual(inputsOf(1));
    expect(inputsOf(1)).not.toEqual(inputsOf(2));
  });

  test.each([1, 2, 3, 4, 5])('includes edge cases of the file format (seed %i)', seed => {
    const inputs = inputsOf(seed, true);
    const bets = inputs.flatMap(input => input.bets);
    const counts = inputs.map(input => winnersOf(input).length);
    expect(counts).toContain(0);
    expect(counts.filter(count => count > 0).length).toBeGreaterThan(2);
    expect(new Set(bets.map(({ document }) => document)).size).toBe(bets.length);
    for (const { file } of inputs) {
      expect(file).toMatch(/,0007(\r\n|$)/);
      expect(file).toContain('"Pérez, hijo"');
      expect(file).toMatch(/,\d{4}$/);
    }
  });
});

describe('rowsOfFile', () => {
  test('reads the output of the csv module of Python', () => {
    const text =
      '1,Ana,"Pérez, ""hijo""",20000000,1990-01-01,7\r\n2,Eva,Paz,20000001,1990-01-02,7574\n';
    const bet = {
      firstName: 'Ana',
      lastName: 'Pérez, "hijo"',
      document: '20000000',
      birthdate: '1990-01-01',
    };
    expect(rowsOfFile(text)).toEqual([
      rowOf(1, { ...bet, number: '0007' }),
      '2|Eva|Paz|20000001|1990-01-02|7574',
    ]);
  });

  test.each([
    ['', []],
    ['1,Ana,Paz,2', ['1|Ana|Paz|2']],
    ['1,A\n\n2,B\n', ['1|A', '', '2|B']],
  ])('reads %j unchanged', (text, rows) => {
    expect(rowsOfFile(text)).toEqual(rows);
  });
});

describe('parseLine', () => {
  test('reads a log line after any prefix', () => {
    expect(
      parseLine(
        '2024-08-21 22:11:15 INFO     action: apuesta_recibida | result: success | cantidad: 130',
      ),
    ).toEqual({ action: 'apuesta_recibida', result: 'success', values: { cantidad: '130' } });
    expect(parseLine('listening on port 12345')).toBeUndefined();
  });
});

test('asAgency names the file and the variables of an agency after it', () => {
  const service = (agency: number) => ({
    name: `client${agency}`,
    environment: { AGENCIA: String(agency), LOOPS: '5', FILE: `/data/agency-${agency}.csv` },
    volumes: [{ source: `./.data/agency-${agency}.csv`, target: `/data/agency-${agency}.csv` }],
  });
  expect(asAgency([service(4), service(5)], 12)).toEqual({ ...service(12), name: 'client5' });
});

test.each([
  [['NOMBRE', 'APELLIDO', 'DOCUMENTO', 'NACIMIENTO', 'NUMERO']],
  [['CLI_BET_NOMBRE', 'CLI_BET_APELLIDO', 'CLI_DNI', 'FECHA_NACIMIENTO', 'CLI_NUMERO']],
  [['NAME', 'LAST_NAME', 'DOCUMENT', 'BIRTHDATE', 'NUMBER']],
  [['FIRST_NAME', 'LASTNAME', 'DOCUMENT_ID', 'BIRTH_DATE', 'BET_NUMBER']],
])('betEnvironment fills the variables %j', names => {
  const [bet] = inputsOf(1)[0]!.bets;
  const own = Object.fromEntries([...names, 'CLI_ID'].map(name => [name, 'of the compose file']));
  const filled = betEnvironment(bet!, own);
  expect(names.map(name => filled[name])).toEqual(Object.values(bet!));
  expect(filled).not.toHaveProperty('CLI_ID');
});
