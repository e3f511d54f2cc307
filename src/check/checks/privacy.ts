import type { Check } from '../check.ts';
import { okIfStored } from '../control.ts';
import { winnersOf } from '../data.ts';
import type { Judgement } from '../finding.ts';
import { fail } from '../judge.ts';
import { numbersOf, type Play } from '../play.ts';
import { encodings, focusOn, occurrences } from '../timeline.ts';
import { recordUsual } from '../usual-play.ts';

export const privacy: Check = {
  id: 'privacy',
  exercises: ['ej7', 'ej8'],
  title: {
    es: 'cada agencia conoce solo sus ganadores',
    en: 'each agency receives only its own winners',
  },
  why: {
    es: 'no corresponde mandar a todas las agencias los ganadores de todas (broadcast): son datos personales de clientes ajenos',
    en: "the winners of all must not be sent to all (broadcast): they are personal data of other agencies' customers",
  },
  limitMs: 200_000,
  async run(lab) {
    const play = await recordUsual(lab);
    return judgeBroadcast(play) ?? okIfStored(play);
  },
};

function judgeBroadcast(play: Play): Judgement | undefined {
  const { events } = play.lottery.proxy;
  for (const client of numbersOf(play)) {
    for (const other of numbersOf(play)) {
      if (other === client) continue;
      for (const document of winnersOf(play.inputs[other - 1]!)) {
        for (const [how, needle] of encodings(document)) {
          const [found] = occurrences(events, { client, direction: 'down' }, needle);
          if (found === undefined) continue;
          return fail(
            {
              es: `el servidor le mandó a la agencia ${client} el documento ${document}, que ganó en la agencia ${other}`,
              en: `the server sent agency ${client} the document ${document}, a winner of agency ${other}`,
            },
            {
              es: 'el enunciado no permite el broadcast: ¿qué le manda tu servidor a cada agencia?',
              en: 'the assignment does not allow a broadcast: what does your server send to each agency?',
            },
            [
              focusOn(events, {
                title: {
                  es: `lo que recibió el cliente ${client}`,
                  en: `what client ${client} was sent`,
                },
                event: found.event,
                offset: found.offset,
                note: {
                  es: `acá empieza ${document} (agencia ${other}), ${how.es}`,
                  en: `here begins ${document} (agency ${other}), ${how.en}`,
                },
              }),
            ],
          );
        }
      }
    }
  }
  return undefined;
}
