import type { Finding, Language, Report, Text } from '../../../src/check/finding.ts';

const same = (text: string): Text => ({ es: text, en: text });

/** Text that breaks a report without escaping. */
export const HOSTILE = `<script>alert("x")</script> & 'ñandú' \u0000\u001b[31m ]]>`;

const finding = (
  of: Partial<Finding> & Pick<Finding, 'check' | 'exercise' | 'verdict'>,
): Finding => ({
  title: { es: `Título de ${of.check}`, en: `Title of ${of.check}` },
  why: { es: 'Se pierde lo que nadie lee.', en: 'What is not read is lost.' },
  seed: 4711,
  command: `loteria check . --only ${of.check} --seed 4711`,
  durationMs: 1234.5,
  trials: { failed: 0, made: 1 },
  ...of,
});

/** A report with every verdict, every kind of evidence and every kind of event. */
export const sampleReport = (language: Language): Report => ({
  version: 1,
  program: 'loteria 0.1.0',
  subject: '/home/ana/tp0 & co',
  language,
  seed: 4711,
  startedAt: '2026-11-30T15:44:06.123Z',
  durationMs: 61_250,
  environment: { runner: 'native', python3: '3.11.7' },
  findings: [
    finding({
      check: 'compose',
      exercise: 'ej1',
      verdict: 'not-checkable',
      reason: same('No hay Docker.'),
    }),
    finding({ check: 'outcome', exercise: 'ej8', verdict: 'ok' }),
    finding({
      check: 'waiting',
      exercise: 'ej8',
      verdict: 'advice',
      reason: same('El cliente pregunta 12 veces.'),
    }),
    finding({
      check: 'privacy',
      exercise: 'ej8',
      verdict: 'fail',
      reason: {
        es: 'La agencia 1 recibió el documento de un ganador de la agencia 2.',
        en: 'Agency 1 was sent the document of a winner of agency 2.',
      },
      hint: same('¿A quién le manda el servidor cada documento?'),
      trials: { failed: 1, made: 2 },
      evidence: [
        {
          kind: 'log',
          title: { es: 'Registro', en: 'Log' },
          lines: [
            { source: 'client1', atMs: 1500, text: `action: x | result: success ${HOSTILE}` },
          ],
        },
        {
          kind: 'rows',
          title: { es: 'Filas', en: 'Rows' },
          rows: ['1,Ana,Núñez,30904465,1999-03-17,7574'],
        },
        {
          kind: 'timeline',
          title: { es: 'Lo que se dijeron', en: 'What was said' },
          entries: [
            { kind: 'open', atMs: 1000, connection: 1, client: 1 },
            {
              kind: 'data',
              atMs: 1001,
              connection: 1,
              client: 1,
              direction: 'up',
              byteCount: 8123,
              hex: '00 04 00 51 6e c3 b1',
              text: '····Qnñ',
            },
            {
              kind: 'omitted',
              atMs: 1002,
              connection: 1,
              client: 1,
              entryCount: 12,
              byteCount: 9000,
            },
            {
              kind: 'data',
              atMs: 1003,
              connection: 1,
              client: 1,
              direction: 'down',
              byteCount: 120,
              shownFrom: 64,
              hex: '33 30 39 30 34 34 36 35',
              text: '30904465',
              note: { es: 'Es de la agencia 2.', en: 'It is of agency 2.' },
            },
            { kind: 'end', atMs: 1004, connection: 1, client: 1, direction: 'down' },
            { kind: 'close', atMs: 1005, connection: 1, client: 1 },
          ],
        },
      ],
    }),
  ],
});
