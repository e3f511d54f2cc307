import type { Check } from '../check.ts';
import { type Judgement, OK, type Text } from '../finding.ts';
import { advise, fail, lastLines, linesEvidence } from '../judge.ts';
import type { Lab } from '../lab.ts';
import {
  CLIENT_CONFIG_FILE,
  SERVER_CONFIG_FILE,
  SERVER_PORT_VARIABLE,
  SERVER_SERVICE,
} from '../profiles/tp0.ts';
import { type Service, StartFailed } from '../runner.ts';
import type { DockerStage } from '../runners/docker.ts';
import { echoLines, playEcho } from './echo.ts';

export const config: Check = {
  id: 'config',
  exercises: ['ej2'],
  title: { es: 'configuración fuera de las imágenes', en: 'configuration outside of the images' },
  why: {
    es: 'un cambio en config.ini o config.yaml tiene efecto sin volver a construir las imágenes',
    en: 'a change of config.ini or config.yaml takes effect without building the images again',
  },
  limitMs: 180_000,
  needs: 'docker',
  run: async lab =>
    (await judgeMounts(lab)) ?? (await judgeValues(lab)) ?? (await judgeLevels(lab)) ?? OK,
};

const HINT: Text = {
  es: 'montá el archivo como volumen, y fijate que ninguna variable de entorno lo pise',
  en: 'mount the file as a volume, and see that no environment variable wins over it',
};

async function judgeMounts({ stage }: Lab): Promise<Judgement | undefined> {
  for (const file of await (stage as DockerStage).filesNotMounted()) {
    return fail(
      {
        es: `${file} no es un volumen de su contenedor: un cambio obliga a reconstruir la imagen`,
        en: `${file} is no volume of its container: a change needs a new image`,
      },
      HINT,
    );
  }
  return undefined;
}

/** A different port, and a different number of messages. */
async function judgeValues(lab: Lab): Promise<Judgement | undefined> {
  const port = lab.random.between(20_000, 29_999);
  const amount = lab.random.between(6, 9);
  lab.say({ es: 'cambio el puerto y loop.amount', en: 'changing the port and loop.amount' });
  try {
    const play = await playEcho(
      lab,
      {
        'server.address': `${SERVER_SERVICE}:${port}`,
        'loop.amount': amount,
        'loop.period': '100ms',
      },
      { [SERVER_PORT_VARIABLE]: port },
    );
    for (const [client, service] of play.clients) {
      const sent = echoLines(play, client, 'up').length;
      // A client whose messages are not answered may end early. That is the matter of `echo`.
      if (sent === amount || echoLines(play, client, 'down').length < sent) continue;
      return fail(
        {
          es: `con 'loop.amount: ${amount}' y 'server.address: "${SERVER_SERVICE}:${port}"' en ${CLIENT_CONFIG_FILE}, ${service.name} mandó ${sent} mensajes`,
          en: `with 'loop.amount: ${amount}' and 'server.address: "${SERVER_SERVICE}:${port}"' in ${CLIENT_CONFIG_FILE}, ${service.name} sent ${sent} messages`,
        },
        HINT,
        [lastLines(service)],
      );
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof StartFailed)) throw error;
    return fail(
      {
        es: `con '${SERVER_PORT_VARIABLE} = ${port}' en ${SERVER_CONFIG_FILE}, el servidor no escucha en ese puerto`,
        en: `with '${SERVER_PORT_VARIABLE} = ${port}' in ${SERVER_CONFIG_FILE}, the server does not listen on that port`,
      },
      HINT,
      [lastLines({ name: error.service, lines: error.lines })],
    );
  }
}

/** A variable of the compose file overrides the file, so that a changed file has no effect. */
async function judgeLevels(lab: Lab): Promise<Judgement | undefined> {
  lab.say({ es: 'cambio el nivel del log', en: 'changing the level of the log' });
  const play = await playEcho(
    lab,
    { 'log.level': 'ERROR', 'loop.amount': 2, 'loop.period': '100ms' },
    { LOGGING_LEVEL: 'ERROR' },
  );
  for (const service of [play.server, ...play.clients.values()]) {
    const line = infoLineOf(service);
    if (line === undefined) continue;
    const file = service.name === SERVER_SERVICE ? SERVER_CONFIG_FILE : CLIENT_CONFIG_FILE;
    return advise(
      {
        es: `con el nivel ERROR en ${file}, ${service.name} sigue escribiendo líneas de otro nivel`,
        en: `with the level ERROR in ${file}, ${service.name} still writes lines of another level`,
      },
      HINT,
      [linesEvidence([{ source: service.name, ...line }])],
    );
  }
  return undefined;
}

const infoLineOf = ({ lines }: Service): Service['lines'][number] | undefined =>
  lines.find(({ text }) => /\b(?:INFO|DEBUG)\b/.test(text));
