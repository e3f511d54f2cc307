import { access, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Check } from '../check.ts';
import { EXERCISES } from '../exercise.ts';
import { type Evidence, type Judgement, OK, type Text } from '../finding.ts';
import { runGenerator } from '../generator.ts';
import { advise, fail } from '../judge.ts';
import type { Lab } from '../lab.ts';
import { CLIENT_ID_VARIABLE, GENERATOR, SERVER_SERVICE } from '../profiles/tp0.ts';
import { EngineFailed } from '../runners/docker-engine.ts';
import { DockerStage } from '../runners/docker.ts';

/** Output of the generator in the temporary copy, next to the files that it refers to. */
const FILE = 'compose-check.yaml';

const ROWS_SHOWN_MAX = 40;

export const compose: Check = {
  id: 'compose',
  exercises: EXERCISES,
  title: { es: 'el generador del archivo de compose', en: 'the generator of the compose file' },
  why: {
    es: `${GENERATOR} tiene que escribir un archivo válido con server y client1 … clientN, también con 0 y con 12 clientes`,
    en: `${GENERATOR} has to write a valid file with server and client1 … clientN, with 0 and with 12 clients as well`,
  },
  limitMs: 120_000,
  run: async lab => {
    const { folder } = lab.stage;
    if (!(await exists(join(folder, GENERATOR)))) {
      return wrong({ es: `no existe ${GENERATOR}`, en: `${GENERATOR} is missing` });
    }
    for (const clients of [lab.random.between(2, 9), 0, 12]) {
      lab.say({ es: `genero ${clients} clientes`, en: `generating ${clients} clients` });
      const judgement = await judgeFile(lab, clients);
      if (judgement.verdict !== 'ok') return judgement;
    }
    return judgeUsage(folder);
  },
};

async function judgeFile({ stage }: Lab, clients: number): Promise<Judgement> {
  const path = join(stage.folder, FILE);
  await rm(path, { force: true });
  const ran = await runGenerator(stage.folder, [FILE, String(clients)]);
  const command = `${GENERATOR} ${FILE} ${clients}`;
  if (ran.code !== 0) {
    const reason = {
      es: `'${command}' terminó con código ${ran.code}`,
      en: `'${command}' ended with exit code ${ran.code}`,
    };
    return wrong(reason, ran.output);
  }
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) {
    return wrong(
      { es: `'${command}' no escribió ${FILE}`, en: `'${command}' did not write ${FILE}` },
      ran.output,
    );
  }
  const fault = wrongServices(text, clients) ?? (await refusedByCompose(stage));
  await rm(path, { force: true });
  if (fault === undefined) return OK;
  return wrong({ es: `${command}: ${fault.es}`, en: `${command}: ${fault.en}` }, text);
}

interface RawService {
  readonly container_name?: string;
  readonly environment?: readonly string[] | Readonly<Record<string, unknown>>;
}

/** The first fault of the services of a file. */
function wrongServices(text: string, clients: number): Text | undefined {
  let services: Record<string, RawService | null>;
  try {
    services =
      (parse(text, { merge: true }) as { services?: Record<string, RawService | null> } | null)
        ?.services ?? {};
  } catch (error) {
    return { es: `no es YAML válido: ${String(error)}`, en: `is no valid YAML: ${String(error)}` };
  }
  const found = Object.keys(services).filter(
    name => name === SERVER_SERVICE || name.startsWith('client'),
  );
  const wanted = [
    SERVER_SERVICE,
    ...Array.from({ length: clients }, (_, index) => `client${index + 1}`),
  ];
  if (found.toSorted().join() !== wanted.toSorted().join()) {
    return {
      es: `los servicios son ${found.join(', ') || 'ninguno'} y tienen que ser ${wanted.join(', ')}`,
      en: `the services are ${found.join(', ') || 'none'} and have to be ${wanted.join(', ')}`,
    };
  }
  for (const [index, name] of wanted.entries()) {
    const { container_name: containerName = name, environment = [] } = services[name] ?? {};
    if (containerName !== name) {
      return {
        es: `el contenedor de ${name} se llama ${containerName}`,
        en: `the container of ${name} is called ${containerName}`,
      };
    }
    const id = valueOf(environment, CLIENT_ID_VARIABLE);
    if (index > 0 && id !== undefined && id !== String(index)) {
      return {
        es: `${name} tiene ${CLIENT_ID_VARIABLE}=${id}`,
        en: `${name} has ${CLIENT_ID_VARIABLE}=${id}`,
      };
    }
  }
  return undefined;
}

function valueOf(
  environment: NonNullable<RawService['environment']>,
  variable: string,
): string | undefined {
  const pairs = Array.isArray(environment)
    ? environment.map((pair: string) => pair.split('='))
    : Object.entries(environment);
  const value: unknown = pairs.find(([key]) => key === variable)?.[1];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

/** Docker Compose has more rules than YAML. */
async function refusedByCompose(stage: Lab['stage']): Promise<Text | undefined> {
  if (!(stage instanceof DockerStage)) return undefined;
  try {
    await stage.engine.compose(stage.folder, '-f', FILE, 'config');
    return undefined;
  } catch (error) {
    if (error instanceof EngineFailed) return error.reason;
    throw error;
  }
}

/** Wrong arguments require an exit code other than 0 and a message. */
async function judgeUsage(folder: string): Promise<Judgement> {
  for (const args of [[], [FILE, 'x']]) {
    const { code, output } = await runGenerator(folder, args);
    await rm(join(folder, FILE), { force: true });
    if (code !== 0 && output.trim() !== '') continue;
    const command = [GENERATOR, ...args].join(' ');
    return advise(
      {
        es: `'${command}' no es un uso válido y terminó con código ${code}${output.trim() === '' ? ', sin decir nada' : ''}`,
        en: `'${command}' is no valid use and ended with exit code ${code}${output.trim() === '' ? ', without a word' : ''}`,
      },
      {
        es: 'mostrá el uso y terminá con un código distinto de 0',
        en: 'print the usage and end with an exit code other than 0',
      },
      evidence(output),
    );
  }
  return OK;
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

function wrong(reason: Text, shown = ''): Judgement {
  const hint = {
    es: "probalo a mano y mirá el archivo con 'docker compose -f ARCHIVO config'",
    en: "try it by hand and look at the file with 'docker compose -f FILE config'",
  };
  return fail(reason, hint, evidence(shown));
}

function evidence(text: string): Evidence[] {
  const rows = text.trimEnd().split('\n').slice(0, ROWS_SHOWN_MAX);
  const title = { es: 'lo que escribió', en: 'what it wrote' };
  return [{ kind: 'rows' as const, title, rows }].filter(() => text.trim() !== '');
}
