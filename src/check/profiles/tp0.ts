/**
 * What the assignment TP0 fixes: files, variables, log lines. Another assignment is another file
 * like this.
 */
import { type Exercise, isAtLeast } from '../exercise.ts';

export const COMPOSE_FILE = 'docker-compose-dev.yaml';
export const GENERATOR = 'generar-compose.sh';
export const VALIDATOR = 'validar-echo-server.sh';
export const SERVER_CONFIG_FILE = 'config.ini';
export const CLIENT_CONFIG_FILE = 'config.yaml';
/** The name of the course's Compose project, in front of the name of each network. */
export const PROJECT = 'tp0';

/**
 * How many clients the course's own runs have, and so what solutions with a fixed number wait for.
 */
export const CLIENTS_USUAL = 5;
export const CLIENTS_MIN = 3;

export const SERVER_SERVICE = 'server';
/** Also `cliente1` and `client-1`, which the check of the generator remarks on. */
export const CLIENT_SERVICE = /^client[a-z]*[-_]?(\d+)$/;

/**
 * The service of an agency that the compose file does not have, made of the last one that it has:
 * `/data/agency-5.csv` becomes `/data/agency-6.csv`.
 */
export function asAgency<Service>(service: Service, agency: number): Service {
  const text = JSON.stringify(service).replaceAll(
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
 * Values of the clients' `config.yaml`: the skeleton's pause of 5 seconds between two messages is
 * not what exercises 5 to 8 are about.
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
  /** As it stands in the file, with its zeros: `0007`. */
  readonly number: string;
}

export const BETS_FILE = 'bets.csv';
export const WINNER_NUMBER = 7574;

/** "que los paquetes no excedan los 8kB" */
export const PACKET_BYTES_MAX = 8192;

/** Where a skeleton's programs are, the first that is there. */
export const PROGRAMS = {
  server: [
    { file: 'server/main.py', command: 'python3 main.py' },
    { file: 'server/main.js', command: 'node main.js' },
    { file: 'server/main.mjs', command: 'node main.mjs' },
  ],
  client: [
    { file: 'client/main.py', command: 'python3 main.py' },
    { file: 'client/main.js', command: 'node main.js' },
    { file: 'client/main.mjs', command: 'node main.mjs' },
  ],
} as const;
export const GO_CLIENT = 'client/main.go';

/** Of exercise 5, where a client has one bet, in its environment. */
export function betEnvironment(bet: MadeBet): Record<string, string> {
  return {
    NOMBRE: bet.firstName,
    APELLIDO: bet.lastName,
    DOCUMENTO: bet.document,
    NACIMIENTO: bet.birthdate,
    NUMERO: bet.number,
  };
}

/** A line of the log that the assignment prescribes. */
export interface FixedLine {
  readonly action: string;
  readonly by: 'server' | 'client';
  /** Keys that have to follow the result. */
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

/** What a result may be: the course's own reader of the log knows no other. */
export const RESULTS: readonly string[] = ['success', 'fail', 'in_progress'];

export interface ParsedLine {
  readonly action: string;
  readonly result: string;
  readonly values: Readonly<Record<string, string>>;
}

/** `… action: sorteo | result: success | key: value`; nothing for a line that has no action. */
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
