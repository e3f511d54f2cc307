import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { Check } from '../check.ts';
import { readCompose } from '../compose.ts';
import { type Evidence, type Judgement, OK, type Text } from '../finding.ts';
import { fail } from '../judge.ts';
import type { Lab } from '../lab.ts';
import { SERVER_PORT, VALIDATOR } from '../profiles/tp0.ts';
import type { DockerStage, ValidatedServer } from '../runners/docker.ts';
import type { ScriptRun } from '../runners/docker-script.ts';

const SUCCESS = 'action: test_echo_server | result: success';
const FAIL = 'action: test_echo_server | result: fail';

export const netcat: Check = {
  id: 'netcat',
  exercises: ['ej3'],
  title: { es: 'la prueba con netcat', en: 'the test with netcat' },
  why: {
    es: `${VALIDATOR} dice success con un servidor de eco y fail con otro o ninguno, sin netcat en el host y sin puertos publicados`,
    en: `${VALIDATOR} says success with an echo server and fail with another one or none, without netcat on the host and without published ports`,
  },
  limitMs: 240_000,
  needs: 'docker',
  run: async lab => {
    const stage = lab.stage as DockerStage;
    if (!(await exists(join(stage.folder, VALIDATOR)))) {
      return wrong({ es: `no existe ${VALIDATOR}`, en: `${VALIDATOR} is missing` });
    }
    const { server } = await readCompose(stage.folder);
    if (server.publishedPorts.includes(SERVER_PORT)) {
      return wrong({
        es: `el archivo de compose publica el puerto ${SERVER_PORT} del servidor en el host`,
        en: `the compose file publishes the server's port ${SERVER_PORT} on the host`,
      });
    }
    for (const { kind, expected, what } of SERVERS) {
      lab.say({
        es: `pruebo ${VALIDATOR} con ${what.es}`,
        en: `trying ${VALIDATOR} with ${what.en}`,
      });
      const judgement = judgeRun(await validate(lab, stage, kind), expected, what);
      if (judgement !== undefined) return judgement;
    }
    return OK;
  },
};

interface ServerCase {
  readonly kind: ValidatedServer;
  readonly expected: typeof SUCCESS | typeof FAIL;
  readonly what: Text;
}

const SERVERS: readonly ServerCase[] = [
  {
    kind: 'own',
    expected: SUCCESS,
    what: { es: 'el servidor de eco', en: 'the echo server' },
  },
  {
    kind: 'other',
    expected: FAIL,
    what: { es: 'un servidor que contesta otra cosa', en: 'a server that answers something else' },
  },
  {
    kind: 'closes',
    expected: FAIL,
    what: {
      es: 'un servidor que cierra sin contestar',
      en: 'a server that closes without an answer',
    },
  },
  { kind: 'none', expected: FAIL, what: { es: 'ningún servidor', en: 'no server' } },
];

const validate = ({ random }: Lab, stage: DockerStage, kind: ValidatedServer): Promise<ScriptRun> =>
  stage.validate(kind, `${random.between(100_000, 999_999)}`);

function judgeRun(
  { code, output }: ScriptRun,
  expected: string,
  what: Text,
): Judgement | undefined {
  const lines = output.split('\n').map(line => line.trim());
  const other = expected === SUCCESS ? FAIL : SUCCESS;
  if (lines.includes(expected) && !lines.includes(other)) return undefined;
  if (code === undefined) {
    return wrong(
      { es: `con ${what.es}, no termina`, en: `with ${what.en}, it does not end` },
      output,
    );
  }
  const said = lines.includes(other) ? `'${other}'` : undefined;
  return wrong(
    {
      es: `con ${what.es}, tiene que decir '${expected}' y dijo ${said ?? 'otra cosa'}`,
      en: `with ${what.en}, it has to say '${expected}' and said ${said ?? 'something else'}`,
    },
    output,
  );
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

function wrong(reason: Text, output = ''): Judgement {
  const hint = {
    es: 'netcat corre en un contenedor dentro de la red de Docker, y hay que comparar lo que vuelve con lo que se mandó',
    en: 'netcat runs in a container on the network of Docker, and what comes back has to be compared with what was sent',
  };
  const rows = output.trimEnd().split('\n').slice(-20);
  const evidence: Evidence[] = [
    {
      kind: 'rows',
      title: { es: `lo que escribió ${VALIDATOR}`, en: `what ${VALIDATOR} wrote` },
      rows,
    },
  ];
  return fail(reason, hint, output.trim() === '' ? [] : evidence);
}
