/** Files, variables and log lines that the assignment TP0 prescribes. */
import { type Exercise, isAtLeast } from '../exercise.ts';

export const COMPOSE_FILE = 'docker-compose-dev.yaml';
export const GENERATOR = 'generar-compose.sh';
export const VALIDATOR = 'validar-echo-server.sh';
export const SERVER_CONFIG_FILE = 'config.ini';
export const CLIENT_CONFIG_FILE = 'config.yaml';
/** Name of the course's Compose project, the prefix of its networks' names. */
export const PROJECT = 'tp0';

/** Number of clients in the course's own runs, which solutions with a fixed number expect. */
export const CLIENTS_USUAL = 5;
export const CLIENTS_MIN = 3;

export const SERVER_SERVICE = 'server';
/** Also `cliente1` and `client-1`, which the check `compose` reports. */
export const CLIENT_SERVICE = /^client[a-z]*[-_]?(\d+)$/;

type Variables = Readonly<Record<string, string | number | null>>;

/**
 * Derives the service of an additional agency from the last one of the compose file:
 * `/data/agency-5.csv` becomes `/data/agency-6.csv`, and a variable that is numbered like the
 * clients, such as `AGENCIA=5`, becomes 6.
 */
export function asAgency<Service extends { readonly environment?: Variables }>(
  services: readonly Service[],
  agency: number,
): Service {
  const [last, before] = [services.at(-1)!, services.at(-2)];
  const environment = Object.entries(last.environment ?? {}).map(([key, value]) => {
    const counts = Number(value) - 1 === Number(before?.environment?.[key] ?? NaN);
    return [key, counts ? String(agency) : value];
  });
  const text = JSON.stringify({
    ...last,
    environment: Object.fromEntries(environment) as Variables,
  }).replaceAll(
    /(agency[-_]?)\d+(\.csv)/gi,
    (_, name: string, end: string) => `${name}${agency}${end}`,
  );
  return JSON.parse(text) as Service;
}

export const SERVER_PORT = 12345;
export const SERVER_PORT_VARIABLE = 'SERVER_PORT';
export const SERVER_ADDRESS_VARIABLE = 'CLI_SERVER_ADDRESS';
export const CLIENT_ID_VARIABLE = 'CLI_ID';
export const BATCH_VARIABLE = 'CLI_BATCH_MAXAMOUNT';

/**
 * Values of the clients' `config.yaml` that shorten the skeleton's pause of 5 seconds between two
 * messages, which exercises 5 to 8 do not test.
 */
export const clientPace = (
  exercise: Exercise,
  { keepsPeriod = false }: { readonly keepsPeriod?: boolean },
): Readonly<Record<string, string>> =>
  isAtLeast(exercise, 'ej5') && !keepsPeriod ? { 'loop.period': '10ms' } : {};

export interface MadeBet {
  readonly firstName: string;
  readonly lastName: string;
  readonly document: string;
  /** `YYYY-MM-DD`. */
  readonly birthdate: string;
  /** As in the file, with leading zeros: `0007`. */
  readonly number: string;
}

export const BETS_FILE = 'bets.csv';
export const WINNER_NUMBER = 7574;

/** "que los paquetes no excedan los 8kB" */
export const PACKET_BYTES_MAX = 8192;

/**
 * Candidates for the program in `server/` and `client/`, in order of preference. Go is compiled.
 */
export const PROGRAMS = ['', 'src/'].flatMap(folder => [
  { file: `${folder}main.py`, command: `python3 ${folder}main.py` },
  { file: `${folder}main.js`, command: `node ${folder}main.js` },
  { file: `${folder}main.mjs`, command: `node ${folder}main.mjs` },
  { file: `${folder}main.go`, command: undefined },
]);

/** The assignment's variables for the fields of a bet, and the names that solutions use. */
const BET_VARIABLES = {
  NOMBRE: { field: 'firstName', names: /(^|_)(NOMBRE|(?<!LAST_?)NAME)$/i },
  APELLIDO: { field: 'lastName', names: /(^|_)(APELLIDO|LAST_?NAME|SURNAME)$/i },
  DOCUMENTO: { field: 'document', names: /(^|_)(DOCUMENT(O|_ID)?|DNI)$/i },
  NACIMIENTO: { field: 'birthdate', names: /(^|_)(NACIMIENTO|BIRTH_?DATE|BIRTHDAY)$/i },
  NUMERO: { field: 'number', names: /(^|_)(NUMERO|NUMBER)$/i },
} as const;

/**
 * The environment of a client in exercise 5, whose bet is in variables. The assignment's names are
 * an example, so similar variables of the service, such as `CLI_NOMBRE`, have the same values.
 */
export function betEnvironment(bet: MadeBet, service: Variables): Record<string, string> {
  return Object.fromEntries(
    Object.entries(BET_VARIABLES).flatMap(([name, { field, names }]) =>
      [name, ...Object.keys(service).filter(key => names.test(key))].map(key => [key, bet[field]]),
    ),
  );
}

/** A line of the log that the assignment prescribes. */
export interface FixedLine {
  readonly action: string;
  readonly by: 'server' | 'client';
  /** Keys after the result, each with a number. */
  readonly keys: readonly string[];
}

export const FIXED_LINES: Readonly<Partial<Record<Exercise, readonly FixedLine[]>>> = {
  ej5: [
    { action: 'apuesta_enviada', by: 'client', keys: ['dni', 'numero'] },
    { action: 'apuesta_almacenada', by: 'server', keys: ['dni', 'numero'] },
  ],
  ej6: [{ action: 'apuesta_recibida', by: 'server', keys: ['cantidad'] }],
  ej7: [
    { action: 'apuesta_recibida', by: 'server', keys: ['cantidad'] },
    { action: 'sorteo', by: 'server', keys: [] },
    { action: 'consulta_ganadores', by: 'client', keys: ['cant_ganadores'] },
  ],
  ej8: [
    { action: 'apuesta_recibida', by: 'server', keys: ['cantidad'] },
    { action: 'sorteo', by: 'server', keys: [] },
    { action: 'consulta_ganadores', by: 'client', keys: ['cant_ganadores'] },
  ],
};

/** The results that the course's own log parser accepts. */
export const RESULTS: readonly string[] = ['success', 'fail', 'in_progress'];

export interface ParsedLine {
  readonly action: string;
  readonly result: string;
  readonly values: Readonly<Record<string, string>>;
}

/** `… action: sorteo | result: success | key: value`; undefined for other lines. */
export function parseLine(text: string): ParsedLine | undefined {
  const [, action, result, rest] =
    /\baction:\s*(\S+)\s*\|\s*result:\s*([^\s|]+)(.*)$/.exec(text) ?? [];
  if (action === undefined || result === undefined) return undefined;
  const values: Record<string, string> = {};
  for (const part of rest!.split('|').slice(1)) {
    const colon = part.indexOf(':');
    if (colon > 0) values[part.slice(0, colon).trim()] = part.slice(colon + 1).trim();
  }
  return { action, result, values };
}
