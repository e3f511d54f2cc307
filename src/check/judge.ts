import { rowOf, winnersOf } from './data.ts';
import type { Evidence, Judgement, LogEvidence, Text } from './finding.ts';
import { OK } from './finding.ts';
import type { Exercise } from './exercise.ts';
import type { Lab } from './lab.ts';
import {
  type ActionLine,
  actionsOf,
  expectedRows,
  hasDraw,
  isTold,
  numberIn,
  numbersOf,
  type Play,
  storedRows,
} from './play.ts';
import type { Service } from './runner.ts';

const ROWS_SHOWN_MAX = 8;
const LINES_SHOWN_MAX = 12;

interface OutcomeOptions {
  /** The clients to judge; default: all. */
  readonly clients?: readonly number[];
  /** Agencies that had to send twice: their rows may be stored more than once. */
  readonly mayRepeat?: readonly number[];
}

/** Judges the outcome of a lottery: exit codes, rows, one draw, each agency's number of winners. */
export async function judgeOutcome(
  lab: Lab,
  play: Play,
  { clients = numbersOf(play), mayRepeat = [] }: OutcomeOptions = {},
): Promise<Judgement> {
  return (
    (hasDraw(lab) && isOver(play.server) ? undefined : judgeServer(play)) ??
    judgeSilent(lab, play, clients) ??
    (await judgeRows(lab, play, clients, mayRepeat)) ??
    (hasDraw(lab) ? (judgeDraw(play) ?? judgeWinners(play, clients, mayRepeat)) : undefined) ??
    judgeExits(play, clients) ??
    OK
  );
}

const judging =
  (verdict: 'fail' | 'advice') =>
  (reason: Text, hint: Text, evidence: readonly Evidence[] = []): Judgement => ({
    verdict,
    reason,
    hint,
    evidence,
  });

export const fail = judging('fail');
export const advise = judging('advice');

/** A server that ended well after the draw. Replies that it did not send show in the clients. */
export const isOver = (server: Service): boolean =>
  server.exit?.code === 0 && actionsOf(server, 'sorteo').some(({ result }) => result === 'success');

/** Fails a server that has ended by itself. */
export function judgeServer({ server }: Play): Judgement | undefined {
  if (server.exit === undefined) return undefined;
  const how = exitText(server.exit);
  return fail(
    { es: `tu servidor terminó solo (${how.es})`, en: `your server ended by itself (${how.en})` },
    {
      es: 'ninguna cosa que haga un cliente debería terminar el servidor: mirá sus últimas líneas',
      en: 'nothing that a client does should end the server: look at its last lines',
    },
    [lastLines(server)],
  );
}

/** Fails a client that ended without sending a byte. Its missing rows would be no evidence. */
function judgeSilent(lab: Lab, play: Play, clients: readonly number[]): Judgement | undefined {
  const { events } = play.lottery.proxy;
  const silent = clients.filter(
    client =>
      play.clients.get(client)!.exit !== undefined &&
      !events.some(
        event => event.kind === 'data' && event.client === client && event.direction === 'up',
      ),
  );
  const [client] = silent;
  if (client === undefined) return undefined;
  const service = play.clients.get(client)!;
  const how = exitText(service.exit);
  const judgement = fail(
    {
      es: `el cliente ${client} terminó sin haber mandado nada (${how.es})`,
      en: `client ${client} ended without having sent anything (${how.en})`,
    },
    {
      es: 'mirá sus últimas líneas: ¿encontró su archivo de apuestas, y al servidor?',
      en: 'look at its last lines: did it find its file of bets, and the server?',
    },
    [lastLines(service), lastLines(play.server)],
  );
  // Later trials have rare data, which may stop a program that works with the usual ones.
  const isGeneral = lab.trial === 0 && silent.length === clients.length;
  return isGeneral ? { ...judgement, hidesOthers: NOTHING_SENT } : judgement;
}

const NOTHING_SENT = { es: 'los clientes no mandan nada', en: 'the clients send nothing' };

async function judgeRows(
  lab: Lab,
  play: Play,
  clients: readonly number[],
  mayRepeat: readonly number[],
): Promise<Judgement | undefined> {
  const stored = await storedRows(play);
  const expected = expectedRows(lab, play, clients);
  const { missing, surplus } = differences(expected, stored);
  const repeated = new Set(
    mayRepeat.flatMap(client => play.inputs[client - 1]!.bets.map(bet => rowOf(client, bet))),
  );
  const wrong = surplus.filter(row => !repeated.has(row));
  if (missing.length === 0 && wrong.length === 0) return undefined;
  const rejected = actionsOf(play.server, 'apuesta_recibida').filter(
    ({ result }) => result === 'fail',
  );
  return fail(
    {
      es: `bets.csv no tiene lo que los clientes mandaron: de ${expected.length} apuestas faltan ${missing.length} y sobran ${wrong.length}`,
      en: `bets.csv is not what the clients sent: of ${expected.length} bets ${missing.length} are missing, and ${wrong.length} are too many`,
    },
    missing.length > 0 && rejected.length > 0
      ? REJECTED_HINT
      : rowsHint({ exercise: lab.exercise, expected, missing, surplus: wrong }),
    [
      linesEvidence(rejected),
      rowsEvidence({ es: 'filas que faltan', en: 'missing rows' }, missing),
      rowsEvidence({ es: 'filas que sobran', en: 'surplus rows' }, wrong),
      lastLines(firstOf(play, clients, [...missing, ...wrong])),
      lastLines(play.server),
    ].filter(hasContent),
  );
}

const REJECTED_HINT = {
  es: 'tu servidor rechazó apuestas que están bien: ¿qué tenían las de estos batches?',
  en: 'your server has rejected bets that are right: what was in those batches?',
};

/** A hint from what the missing rows have in common. */
export function rowsHint({
  exercise,
  expected,
  missing,
  surplus,
}: {
  readonly exercise: Exercise;
  /** In the order of the agencies' files; each begins with the number of its agency. */
  readonly expected: readonly string[];
  readonly missing: readonly string[];
  readonly surplus: readonly string[];
}): Text {
  if (missing.length === expected.length) return exercise === 'ej5' ? BET_HINT : FILE_HINT;
  if (missing.length === 0) return ROWS_HINT;
  if (missing.every(row => row.includes(','))) return COMMA_HINT;
  const gone = new Set(missing);
  const areLast = expected.every((row, index) => {
    const next = expected[index + 1];
    return !gone.has(row) || next === undefined || gone.has(next) || !isSameAgency(row, next);
  });
  return areLast && surplus.length === 0 ? LAST_HINT : ROWS_HINT;
}

const isSameAgency = (one: string, other: string): boolean =>
  one.split('|')[0] === other.split('|')[0];

const LAST_HINT = {
  es: 'faltan solo las últimas filas del archivo: ¿qué hace tu cliente con el último batch, que no está completo, y con una línea sin fin de línea?',
  en: 'only the last rows of the file are missing: what does your client do with the last batch, which is not full, and with a line that has no line end?',
};

const BET_HINT = {
  es: 'cada cliente recibe su apuesta en las variables NOMBRE, APELLIDO, DOCUMENTO, NACIMIENTO y NUMERO: ¿de dónde la lee el tuyo?',
  en: 'each client gets its bet in the variables NOMBRE, APELLIDO, DOCUMENTO, NACIMIENTO and NUMERO: where does yours read it?',
};

const FILE_HINT = {
  es: 'no llegó ninguna: ¿tu cliente lee el archivo que monta el compose (.data/agency-N.csv), o uno de su imagen?',
  en: 'not one has come: does your client read the file that the compose file mounts (.data/agency-N.csv), or one of its image?',
};

const ROWS_HINT = {
  es: 'compará las filas que faltan con las que sobran: ¿se perdieron, se repitieron o llegaron cambiadas?',
  en: 'compare the missing rows with the surplus ones: were they lost, repeated, or changed on the way?',
};

const COMMA_HINT = {
  es: 'solo faltan filas con una coma entre comillas: ¿quién parte la línea del CSV, y con qué separa tu mensaje los campos?',
  en: 'only rows with a quoted comma are missing: what splits the line of the CSV file, and what separates the fields in your message?',
};

/** The first client with a row in `rows`. The output of one is evidence enough. */
function firstOf(
  play: Play,
  clients: readonly number[],
  rows: readonly string[],
): Service | undefined {
  const first = clients.find(client =>
    rows.some(row => row.startsWith(`${play.inputs[client - 1]!.agency}|`)),
  );
  return first === undefined ? undefined : play.clients.get(first);
}

function differences(expected: readonly string[], found: readonly string[]) {
  const counts = new Map<string, number>();
  for (const row of expected) counts.set(row, (counts.get(row) ?? 0) + 1);
  const surplus: string[] = [];
  for (const row of found) {
    const count = counts.get(row) ?? 0;
    if (count === 0) surplus.push(row);
    else counts.set(row, count - 1);
  }
  const missing = [...counts].flatMap(([row, count]) => Array.from({ length: count }, () => row));
  return { missing, surplus };
}

function judgeDraw({ server }: Play): Judgement | undefined {
  const draws = actionsOf(server, 'sorteo').filter(({ result }) => result === 'success');
  if (draws.length === 1) return undefined;
  return fail(
    {
      es: `el servidor anunció ${draws.length} sorteos y no uno`,
      en: `the server announced ${draws.length} draws and not one`,
    },
    {
      es: "el sorteo se hace una sola vez, cuando la última agencia avisó: 'action: sorteo | result: success'",
      en: "the draw is held once, after the last agency has finished: 'action: sorteo | result: success'",
    },
    [draws.length === 0 ? lastLines(server) : linesEvidence(draws)],
  );
}

function judgeWinners(
  play: Play,
  clients: readonly number[],
  mayRepeat: readonly number[],
): Judgement | undefined {
  for (const client of clients) {
    const service = play.clients.get(client)!;
    const expected = winnersOf(play.inputs[client - 1]!).length;
    const answers = actionsOf(service, 'consulta_ganadores').filter(
      ({ result }) => result === 'success',
    );
    const counts = answers.map(line => numberIn(line, 'cant_ganadores'));
    if (counts.length > 0 && mayRepeat.includes(client)) continue;
    // An unreadable number is the finding of `log-grammar`.
    if (counts.length === 1 && [expected, NaN].includes(counts[0]!)) continue;
    const told = counts.some(Number.isFinite)
      ? same(counts.join(', '))
      : { es: 'ninguna cantidad', en: 'no number' };
    return fail(
      {
        es: `la agencia ${client} tiene ${expected} ganadores y su cliente informó ${told.es}`,
        en: `agency ${client} has ${expected} winners, and its client reported ${told.en}`,
      },
      {
        es: "cada cliente informa una vez cuántos ganadores tiene su propia agencia: 'consulta_ganadores … cant_ganadores'",
        en: "each client reports once how many winners its own agency has: 'consulta_ganadores … cant_ganadores'",
      },
      [lastLines(service), lastLines(play.server)].filter(hasContent),
    );
  }
  return undefined;
}

function judgeExits(play: Play, clients: readonly number[]): Judgement | undefined {
  for (const client of clients) {
    const service = play.clients.get(client)!;
    if (service.exit?.code === 0) continue;
    if (service.exit === undefined && isTold(service)) {
      return advise(
        {
          es: `el cliente ${client} ya recibió sus ganadores y no termina`,
          en: `client ${client} was told its winners and does not end`,
        },
        { es: '¿qué está esperando todavía?', en: 'what is it still waiting for?' },
        [lastLines(service)],
      );
    }
    const how = exitText(service.exit);
    return fail(
      {
        es: `el cliente ${client} no terminó bien (${how.es})`,
        en: `client ${client} did not end well (${how.en})`,
      },
      {
        es: 'un cliente que hizo todo lo suyo termina con código 0',
        en: 'a client that has done its work ends with exit code 0',
      },
      [lastLines(service)],
    );
  }
  return undefined;
}

export function exitText(exit: Service['exit']): Text {
  if (exit === undefined) return { es: 'sigue corriendo', en: 'it still runs' };
  if (exit.signal !== null) return { es: `lo mató ${exit.signal}`, en: `killed by ${exit.signal}` };
  return { es: `código de salida ${exit.code}`, en: `exit code ${exit.code}` };
}

const same = (text: string): Text => ({ es: text, en: text });

export function lastLines(service: Pick<Service, 'name' | 'lines'> | undefined): LogEvidence {
  const name = service?.name ?? '';
  return {
    kind: 'log',
    title: { es: `últimas líneas de ${name}`, en: `last lines of ${name}` },
    lines: (service?.lines ?? []).slice(-LINES_SHOWN_MAX).map(line => ({ source: name, ...line })),
  };
}

export function linesEvidence(
  lines: readonly Pick<ActionLine, 'source' | 'atMs' | 'text'>[],
): LogEvidence {
  return {
    kind: 'log',
    title: { es: 'las líneas', en: 'the lines' },
    lines: lines
      .slice(0, LINES_SHOWN_MAX)
      .map(({ source, atMs, text }) => ({ source, atMs, text })),
  };
}

function rowsEvidence(title: Text, rows: readonly string[]): Evidence {
  const rest = rows.length - ROWS_SHOWN_MAX;
  return {
    kind: 'rows',
    title,
    rows: rest > 0 ? [...rows.slice(0, ROWS_SHOWN_MAX), `… +${rest}`] : rows,
  };
}

export function hasContent(evidence: Evidence): boolean {
  switch (evidence.kind) {
    case 'log':
      return evidence.lines.length > 0;
    case 'rows':
      return evidence.rows.length > 0;
    case 'timeline':
      return evidence.entries.length > 0;
  }
}
