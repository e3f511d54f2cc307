import type { Check } from '../check.ts';
import { type Judgement, OK } from '../finding.ts';
import { advise, fail, lastLines, linesEvidence } from '../judge.ts';
import type { Lab } from '../lab.ts';
import { actionsOf, type Play } from '../play.ts';
import { FIXED_LINES, type FixedLine, RESULTS } from '../profiles/tp0.ts';
import { recordUsual } from '../usual-play.ts';

export const logGrammar: Check = {
  id: 'log-grammar',
  exercises: ['ej5', 'ej6', 'ej7', 'ej8'],
  title: { es: 'las líneas del log', en: 'the lines of the log' },
  why: {
    es: "el enunciado fija 'action: … | result: …' y algunas acciones con sus campos: los scripts que corrigen las buscan así",
    en: "the assignment fixes 'action: … | result: …' and some actions with their fields: the scripts that mark it look for these",
  },
  limitMs: 200_000,
  async run(lab) {
    const play = await recordUsual(lab);
    return judgeFixed(lab, play) ?? judgeResults(play) ?? judgeForm(play) ?? OK;
  },
};

const servicesOf = ({ server, clients }: Play) => [server, ...clients.values()];

function judgeFixed(lab: Lab, play: Play): Judgement | undefined {
  for (const line of FIXED_LINES[lab.exercise] ?? []) {
    const services = line.by === 'server' ? [play.server] : [...play.clients.values()];
    for (const service of services) {
      const found = actionsOf(service, line.action).filter(({ result }) => result === 'success');
      const wanted = formOf(line);
      const incomplete = found.filter(
        ({ values }) => !line.keys.every(key => /^\d+$/.test(values[key] ?? '')),
      );
      if (found.length > 0 && incomplete.length === 0) continue;
      return fail(
        {
          es: `${service.name} no escribe la línea que pide el enunciado: '${wanted}'`,
          en: `${service.name} does not write the line that the assignment asks for: '${wanted}'`,
        },
        {
          es: 'compará letra por letra la acción y los nombres de los campos; cada valor es un número',
          en: 'compare the action and the names of the fields letter by letter; each value is a number',
        },
        [found.length > 0 ? linesEvidence(incomplete) : lastLines(service)],
      );
    }
  }
  return undefined;
}

const formOf = ({ action, keys }: FixedLine): string =>
  [`action: ${action}`, 'result: success', ...keys.map(key => `${key}: …`)].join(' | ');

/** The course's own log parser fails on any other result. */
function judgeResults(play: Play): Judgement | undefined {
  const strange = servicesOf(play)
    .flatMap(service => actionsOf(service))
    .filter(({ result }) => !RESULTS.includes(result));
  if (strange.length === 0) return undefined;
  const results = [...new Set(strange.map(({ result }) => result))].join(', ');
  return advise(
    {
      es: `hay líneas cuyo resultado no es ${RESULTS.join(', ')}: ${results}`,
      en: `there are lines whose result is not one of ${RESULTS.join(', ')}: ${results}`,
    },
    SCRIPT_HINT,
    [linesEvidence(strange)],
  );
}

/** Lines that resemble log lines but cannot be parsed. */
function judgeForm(play: Play): Judgement | undefined {
  const broken = servicesOf(play).flatMap(({ name, lines }) =>
    lines
      .filter(
        ({ text }) =>
          /\baction\s*:/.test(text) && !/\baction: \S+ \| result: \S+( \| |\s*$)/.test(text),
      )
      .map(line => ({ ...line, source: name })),
  );
  if (broken.length === 0) return undefined;
  return advise(
    {
      es: "hay líneas que no tienen la forma 'action: … | result: … | …'",
      en: "there are lines that do not have the form 'action: … | result: … | …'",
    },
    SCRIPT_HINT,
    [linesEvidence(broken)],
  );
}

const SCRIPT_HINT = {
  es: 'un script tiene que poder leerlas todas',
  en: 'a script has to be able to read all of them',
};
