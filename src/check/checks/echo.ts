import type { Check } from '../check.ts';
import { type Direction, type Judgement, OK } from '../finding.ts';
import { exitText, fail, hasContent, lastLines } from '../judge.ts';
import type { Lab } from '../lab.ts';
import { openPlay, type Play, startClients, waitForDone } from '../play.ts';
import type { Service } from '../runner.ts';

/** Enough to show the order. The skeleton's five messages, five seconds apart, would take long. */
const CLIENTS = 2;
const PERIOD = '200ms';

export const echo: Check = {
  id: 'echo',
  exercises: ['ej1', 'ej2', 'ej3', 'ej4'],
  title: { es: 'el servidor de eco', en: 'the echo server' },
  why: {
    es: 'cada mensaje vuelve igual y en orden, y el cliente termina con código 0',
    en: 'every message comes back unchanged and in order, and the client ends with exit code 0',
  },
  limitMs: 120_000,
  run: async lab => {
    const play = await playEcho(lab, {
      'loop.amount': lab.random.between(2, 5),
      'loop.period': PERIOD,
    });
    return judgeEcho(play);
  },
};

/** Runs two clients of an echo server to their end, with changed values of `config.yaml`. */
export async function playEcho(
  lab: Lab,
  clientConfig: Readonly<Record<string, string | number>>,
  serverConfig: Readonly<Record<string, string | number>> = {},
): Promise<Play> {
  const inputs = Array.from({ length: CLIENTS }, (_, index) => ({
    agency: index + 1,
    bets: [],
    file: '',
  }));
  const play = await openPlay(lab, { inputs, clientConfig, serverConfig });
  const numbers = inputs.map(({ agency }) => agency);
  await startClients(play, numbers);
  await waitForDone(lab, play, numbers);
  return play;
}

/** The lines that a client has sent or received, on all its connections. */
export function echoLines({ lottery }: Play, client: number, direction: Direction): string[] {
  const pieces = lottery.proxy.events.filter(
    event => event.client === client && event.direction === direction,
  );
  const text = Buffer.concat(pieces.map(({ bytes }) => bytes ?? new Uint8Array())).toString('utf8');
  return text.split(/\r?\n/).filter(line => line !== '');
}

function judgeEcho(play: Play): Judgement {
  for (const [client, service] of play.clients) {
    const judgement = judgeMessages(play, client, service) ?? judgeExit(service);
    if (judgement !== undefined) return judgement;
  }
  return OK;
}

function judgeMessages(play: Play, client: number, service: Service): Judgement | undefined {
  const evidence = [lastLines(service), lastLines(play.server)].filter(hasContent);
  const sent = echoLines(play, client, 'up');
  const received = echoLines(play, client, 'down');
  if (sent.length === 0) {
    return fail(
      { es: `${service.name} no mandó ningún mensaje`, en: `${service.name} sent no message` },
      { es: '¿llegó a conectarse con el servidor?', en: 'did it connect to the server?' },
      evidence,
    );
  }
  const last = Math.max(sent.length, received.length);
  for (let index = 0; index < last; index += 1) {
    if (sent[index] === received[index]) continue;
    return fail(
      {
        es: `${service.name} mandó ${quoted(sent[index], 'nada')} y recibió ${quoted(received[index], 'nada')} (mensaje ${index + 1})`,
        en: `${service.name} sent ${quoted(sent[index], 'nothing')} and received ${quoted(received[index], 'nothing')} (message ${index + 1})`,
      },
      {
        es: 'un servidor de eco devuelve cada mensaje tal como llegó',
        en: 'an echo server sends each message back as it came',
      },
      evidence,
    );
  }
  return undefined;
}

const quoted = (line: string | undefined, none: string): string =>
  line === undefined ? none : `'${line}'`;

function judgeExit(service: Service): Judgement | undefined {
  if (service.exit?.code === 0) return undefined;
  const how = exitText(service.exit);
  return fail(
    {
      es: `${service.name} no terminó bien (${how.es})`,
      en: `${service.name} did not end well (${how.en})`,
    },
    {
      es: 'un cliente que recibió todos sus mensajes termina con código 0',
      en: 'a client that has received all its messages ends with exit code 0',
    },
    [lastLines(service)],
  );
}
