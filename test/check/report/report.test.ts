import { describe, expect, test } from 'vitest';
import { evidenceLines } from '../../../src/check/report/evidence-text.ts';
import { formatJson } from '../../../src/check/report/json.ts';
import { formatJunit } from '../../../src/check/report/junit.ts';
import { askPython, needsPython } from '../../lottery/python.ts';
import { sampleReport } from './sample-report.ts';

interface Element {
  readonly tag: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly text: string;
  readonly children: readonly Element[];
}

/** Parses a document with an independent parser. */
function readXml(text: string): Element {
  const program = `
import xml.etree.ElementTree
def element(node):
    return {"tag": node.tag, "attributes": node.attrib, "text": node.text or "", "children": list(map(element, node))}
def answer(text):
    return element(xml.etree.ElementTree.fromstring(text))
`;
  return askPython<Element>(program, [text])[0]!;
}

describe('the JSON report', () => {
  test('has every text in the language of the report and counts the verdicts', () => {
    const report = JSON.parse(formatJson(sampleReport('es'))) as Record<string, unknown>;
    expect(report).toMatchObject({
      version: 1,
      program: 'loteria 0.1.0',
      subject: '/home/ana/tp0 & co',
      language: 'es',
      seed: 4711,
      startedAt: '2026-11-30T15:44:06.123Z',
      durationMs: 61_250,
      environment: { runner: 'native' },
      summary: { fail: 1, advice: 1, ok: 1, 'not-checkable': 1 },
    });
    const [, , , failed] = report['findings'] as readonly Record<string, unknown>[];
    expect(failed).toMatchObject({
      check: 'privacy',
      exercise: 'ej8',
      verdict: 'fail',
      title: 'Título de privacy',
      reason: 'La agencia 1 recibió el documento de un ganador de la agencia 2.',
      seed: 4711,
      command: 'loteria check . --only privacy --seed 4711',
      trials: { failed: 1, made: 2 },
      evidence: [{ kind: 'log', title: 'Registro' }, { kind: 'rows' }, { kind: 'timeline' }],
    });
  });
});

/** The rules of the schemas of Ant and Jenkins; Ant's is stricter. */
describe('the JUnit report', () => {
  test('has a suite per exercise with exactly the elements that the schemas allow', context => {
    needsPython(context);
    const root = readXml(formatJunit(sampleReport('es')));
    expect(root).toMatchObject({ tag: 'testsuites', attributes: {} });
    expect(root.children.map(({ attributes: { name } }) => name)).toEqual(['ej1', 'ej8']);
    for (const [index, suite] of root.children.entries()) {
      expect(suite.tag).toBe('testsuite');
      expect(suite.attributes).toEqual({
        name: expect.stringMatching(/^ej\d$/),
        package: 'loteria.check',
        id: String(index),
        tests: expect.stringMatching(/^\d+$/),
        failures: expect.stringMatching(/^\d+$/),
        errors: '0',
        skipped: expect.stringMatching(/^\d+$/),
        time: expect.stringMatching(/^\d+\.\d{3}$/),
        timestamp: '2026-11-30T15:44:06',
        hostname: 'localhost',
      });
      const tags = suite.children.map(({ tag }) => tag).join(' ');
      expect(tags).toMatch(/^properties( testcase)* system-out system-err$/);
      const cases = suite.children.filter(({ tag }) => tag === 'testcase');
      expect(suite.attributes['tests']).toBe(String(cases.length));
      for (const each of cases) expectCase(each);
    }
  });

  test('gives the reasons of failed, skipped and advisory checks', context => {
    needsPython(context);
    const [first, second] = readXml(formatJunit(sampleReport('en'))).children;
    const children = [...first!.children, ...second!.children].flatMap(each =>
      each.tag === 'testcase' ? each.children : [],
    );
    expect(children).toMatchObject([
      { tag: 'skipped', attributes: { message: 'No hay Docker.' } },
      {
        tag: 'failure',
        attributes: {
          type: 'privacy',
          message: 'Agency 1 was sent the document of a winner of agency 2.',
        },
      },
    ]);
    expect(children[1]!.text).toContain('server → client 1, 120 bytes, from byte 64 on');
    expect(children[1]!.text).toContain('<script>alert("x")</script> & \'ñandú\' ··[31m ]]>');
    expect(second!.children.find(({ tag }) => tag === 'system-out')!.text).toContain(
      'waiting:\nEl cliente pregunta 12 veces.',
    );
  });
});

function expectCase({ attributes, children }: Element): void {
  expect(attributes).toEqual({
    // A token: no line breaks, no leading or trailing spaces.
    name: expect.stringMatching(/^\S.*\S$/),
    classname: expect.stringMatching(/^loteria\.check\.ej\d$/),
    time: expect.stringMatching(/^\d+\.\d{3}$/),
  });
  expect(children.length).toBeLessThanOrEqual(1);
  for (const { tag, attributes: own } of children) {
    expect(['failure', 'skipped']).toContain(tag);
    if (tag === 'failure')
      expect(own).toEqual({ type: expect.any(String), message: expect.any(String) });
  }
}

describe('evidence as text', () => {
  test('shows a timeline with times, directions, text, bytes and notes', () => {
    const finding = sampleReport('es').findings.find(({ check }) => check === 'privacy')!;
    expect(evidenceLines(finding.evidence![2]!, 'es')).toEqual([
      'Lo que se dijeron:',
      '  1,000 s  cliente 1 abre la conexión 1',
      '  1,001 s  cliente 1 → servidor, 8.123 bytes',
      '      ····Qnñ',
      '      00 04 00 51 6e c3 b1',
      '  1,002 s  se omiten 12 sucesos, 9.000 bytes',
      '  1,003 s  servidor → cliente 1, 120 bytes, desde el byte 64',
      '      30904465',
      '      33 30 39 30 34 34 36 35',
      '      ^ Es de la agencia 2.',
      '  1,004 s  el servidor no manda nada más',
      '  1,005 s  se cierra la conexión 1 (cliente 1)',
    ]);
  });
});
