import type { Judgement, Text } from './finding.ts';
import { fail, lastLines, linesEvidence } from './judge.ts';
import type { Lab } from './lab.ts';
import { actionsOf, isTold, type Play, settle } from './play.ts';

/** Wait for a premature draw after the last bet was stored, which would follow at once. */
const EARLY_DRAW_MS = 1_000;

/**
 * Fails a server that holds the draw, or tells winners, although an agency is missing.
 *
 * @param when how the agency is missing
 */
export async function judgeEarlyDraw(
  lab: Lab,
  play: Play,
  when: Text,
): Promise<Judgement | undefined> {
  await settle(lab, EARLY_DRAW_MS);
  const draws = actionsOf(play.server, 'sorteo').filter(({ result }) => result === 'success');
  const told = [...play.clients.values()].filter(isTold);
  if (draws.length === 0 && told.length === 0) return undefined;
  const lines = told.flatMap(service =>
    actionsOf(service, 'consulta_ganadores').filter(({ result }) => result === 'success'),
  );
  const what =
    draws.length > 0
      ? { es: 'el servidor hizo el sorteo', en: 'the server has held the draw' }
      : { es: 'el servidor informó ganadores', en: 'the server has told winners' };
  return fail(
    { es: `${what.es}, y ${when.es}`, en: `${what.en}, and ${when.en}` },
    {
      es: '¿qué cuenta tu servidor: avisos, conexiones o agencias distintas?',
      en: 'what does your server count: notices, connections, or different agencies?',
    },
    [linesEvidence([...draws, ...lines]), lastLines(play.server)],
  );
}
