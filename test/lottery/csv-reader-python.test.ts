import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { type Read, readPieces } from './csv-reading.ts';
import { cutAt, places } from './cuts.ts';
import { askPython, needsPython } from './python.ts';

describe('agreement with Python', () => {
  /**
   * After an unclosed quote, Python's reader returns the rest of the file as a record. The answer
   * has undefined (None) for the line on which it starts, and continues with the next line, as our
   * reader does.
   */
  const PROGRAM = `
import csv, io

def rows(text, delimiter):
    reader = csv.reader(io.StringIO(text, newline=''), delimiter=delimiter)
    found, line = [], 1
    for row in reader:
        found.append([line, row])
        line = reader.line_num + 1
    return found

def answer(case):
    text, delimiter = case['csv'], case['delimiter']
    steps, first = [], 1
    while True:
        found = rows(text, delimiter)
        closed = rows(text + '\\r\\nEND\\r\\n', delimiter)[-1][1] == ['END']
        steps += [[first + line - 1, row] for line, row in (found if closed else found[:-1]) if row]
        if closed:
            return steps
        line = found[-1][0]
        steps.append([first + line - 1, None])
        text = ''.join(io.StringIO(text, newline='').readlines()[line:])
        first += line
`;

  const file = fc.constantFrom(',', ';', '\t', '|').chain(delimiter =>
    fc.record({
      delimiter: fc.constant(delimiter),
      csv: fc
        .array(
          fc.oneof(
            {
              weight: 6,
              arbitrary: fc.constantFrom(
                '"',
                '""',
                delimiter,
                '\n',
                '\r',
                '\r\n',
                'a',
                ' ',
                ',',
                ';',
              ),
            },
            {
              weight: 1,
              arbitrary: fc.constantFrom(
                '"a\nb"',
                'O"Hara',
                'Ñandú',
                "'",
                '\\',
                '\u2028',
                '\u0085',
                '\f',
              ),
            },
          ),
          { maxLength: 30 },
        )
        .map(parts => parts.join('')),
      cuts: places,
    }),
  );

  test('yields the same records on the same lines, also after an unclosed quote', context => {
    needsPython(context);
    fc.assert(
      fc.property(fc.array(file, { minLength: 1, maxLength: 3000, size: 'max' }), files => {
        const ours = files.map(({ csv, delimiter, cuts }) =>
          readPieces(cutAt(Buffer.from(csv), cuts), { delimiter }).map(([line, record]) => [
            line,
            record?.slice(0, 8) ?? null,
          ]),
        );
        const theirs = askPython<Read[]>(PROGRAM, files).map(steps =>
          steps.map(([line, record]) => [line, record?.slice(0, 8) ?? null]),
        );
        expect(ours).toEqual(theirs);
      }),
      { numRuns: 5, interruptAfterTimeLimit: 15_000 },
    );
  });
});
