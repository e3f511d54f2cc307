import { describe, expect, test } from 'vitest';
import { readClientConfig } from '../../src/config/client-config.ts';
import { ConfigError } from '../../src/config/errors.ts';

const LEAST = { CLI_ID: '1', CLI_SERVER_ADDRESS: 'server:12345' };
const VALUES = ['Santiago Lionel', 'Lorca', '30904465', '1999-03-17', '7574'] as const;

const SPANISH = ['NOMBRE', 'APELLIDO', 'DOCUMENTO', 'NACIMIENTO', 'NUMERO'];
const ENGLISH = [
  'CLI_BET_NAME',
  'CLI_BET_SURNAME',
  'CLI_BET_DNI',
  'CLI_BET_BIRTH',
  'CLI_BET_NUMBER',
];

function environmentOf(
  names: readonly string[],
  values: readonly string[] = VALUES,
): Record<string, string> {
  return { ...LEAST, ...Object.fromEntries(names.map((name, index) => [name, values[index]!])) };
}

async function betOf(environment: Record<string, string>): Promise<string[] | undefined> {
  const { bet } = await readClientConfig(undefined, environment);
  if (bet === undefined) return undefined;
  return Array.from(bet.starts, (start, index) =>
    Buffer.from(bet.bytes.subarray(start, bet.ends[index])).toString('utf8'),
  );
}

async function refusal(environment: Record<string, string>): Promise<string> {
  try {
    await readClientConfig(undefined, environment);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  throw new Error('the bet was accepted');
}

describe('the bet of exercise 5', () => {
  test.each([
    ['Spanish', SPANISH],
    ['English', ENGLISH],
  ])('is read from the five variables in %s spelling', async (_, names) => {
    expect(await betOf(environmentOf(names))).toEqual(VALUES);
  });

  test('keeps accents and spaces', async () => {
    const values = ['José María', 'Ñáñez d’Ávila', '1', '2000-02-29', '0'];
    expect(await betOf(environmentOf(SPANISH, values))).toEqual(values);
  });

  test('is undefined when all variables are unset or empty', async () => {
    expect(await betOf(LEAST)).toBeUndefined();
    expect(
      await betOf(environmentOf([...SPANISH, ...ENGLISH], Array<string>(10).fill(''))),
    ).toBeUndefined();
  });

  test('is ignored in echo mode', async () => {
    expect(await betOf({ ...LEAST, CLI_MODE: 'echo', NOMBRE: 'Ana' })).toBeUndefined();
  });

  test.each([0, 1, 2, 3, 4])(
    'is refused by the name of a missing variable (index %i)',
    async missing => {
      const message = `${SPANISH[missing]} (or ${ENGLISH[missing]}) is missing: a bet from the environment needs all five variables`;
      for (const names of [SPANISH, ENGLISH]) {
        const environment = environmentOf(names);
        delete environment[names[missing]!];
        expect(await refusal(environment)).toBe(message);
        expect(await refusal({ ...environment, [names[missing]!]: '' })).toBe(message);
      }
    },
  );

  test('falls back to the other spelling of an empty variable', async () => {
    const environment = { ...environmentOf(ENGLISH), NOMBRE: '', NUMERO: '' };
    expect(await betOf(environment)).toEqual(VALUES);
  });

  test.each([
    ['NOMBRE', 'a\tb', 'first_name control-character'],
    ['APELLIDO', 'x'.repeat(256), 'last_name too-long'],
    ['DOCUMENTO', '30.904.465', 'document not-digits'],
    ['DOCUMENTO', '12345678901', 'document too-long'],
    ['NACIMIENTO', '17/03/1999', 'birthdate not-a-date'],
    ['NACIMIENTO', '2023-02-29', 'birthdate not-a-date'],
    ['NUMERO', '10000', 'number out-of-range'],
    ['NUMERO', '-1', 'number not-digits'],
    ['NUMERO', '75.74', 'number not-digits'],
  ])('is refused by the name of an invalid variable: %s (%j)', async (variable, value, fault) => {
    const index = SPANISH.indexOf(variable);
    for (const names of [SPANISH, ENGLISH]) {
      const name = names[index]!;
      expect(await refusal({ ...environmentOf(names), [name]: value })).toBe(
        `environment variable ${name} is '${value}': ${fault}`,
      );
    }
  });
});
