import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { CsvReader } from '../../src/lottery/csv-reader.ts';
import { cutAt, everyCut, places } from './cuts.ts';
import { drain, fieldsOf, type Options, type Read, readPieces } from './csv-reading.ts';

const read = (text: string, options?: Options): Read[] => readPieces([Buffer.from(text)], options);

const fields = (text: string, options?: Options): (string[] | undefined)[] =>
  read(text, options).map(([, record]) => record);

describe('fields', () => {
  test.each<[string, string, string[]]>([
    ['are separated by delimiters', 'a,b,c\n', ['a', 'b', 'c']],
    ['may be empty', ',b,\n', ['', 'b', '']],
    ['may all be empty', ',,\n', ['', '', '']],
    ['keep their spaces', ' a , b\n', [' a ', ' b']],
    ['keep their accents', 'Ñandú,Güiraldes,😀\n', ['Ñandú', 'Güiraldes', '😀']],
    ['keep a byte order mark', '\ufeffa,b\n', ['\ufeffa', 'b']],
    ['in quotes lose the quotes', '"a",b,"c"\n', ['a', 'b', 'c']],
    ['in quotes may be empty', '"",""\n', ['', '']],
    ['in quotes may be empty and the only one', '""\n', ['']],
    ['in quotes may contain the delimiter', '"a,b",c\n', ['a,b', 'c']],
    ['in quotes may contain line ends of every kind', '"a\nb\rc\r\nd",e\n', ['a\nb\rc\r\nd', 'e']],
    ['in quotes unescape doubled quotes', '"O""Hara","""",""""""\n', ['O"Hara', '"', '""']],
    ['are literal after the closing quote', '"a"b,"c"d"e",f\n', ['ab', 'cd"e"', 'f']],
    ['unescape a doubled quote only within quotes', '"a"b""c,d\n', ['ab""c', 'd']],
    ['keep a quote that does not begin the field', 'a"b",c"\n', ['a"b"', 'c"']],
    ['keep a quote after a space', ' "a,b"\n', [' "a', 'b"']],
    ['keep other quotes and backslashes', `'a,b',c\\"d,\\\n`, ["'a", "b'", 'c\\"d', '\\']],
  ])('%s', (_, text, expected) => {
    expect(fields(text)).toEqual([expected]);
  });

  test.each([';', '\t', '|'])(
    'are separated by %j when that is the delimiter, and may contain commas',
    delimiter => {
      const text = ['a,b', `"c${delimiter}d"`, '"e""f"', ''].join(delimiter);
      expect(fields(`${text}\r\n${delimiter}\r\n`, { delimiter })).toEqual([
        ['a,b', `c${delimiter}d`, 'e"f', ''],
        ['', ''],
      ]);
    },
  );

  test('beyond the eighth are counted but not kept', () => {
    const reader = new CsvReader({ recordBytesMax: 1000 });
    reader.push(Buffer.from('1,2,3,4,5,6,7,8,9,10\n"1",2,3,4,5,6,7,8,"9",10,11\n'));
    expect(reader.next()).toBe('record');
    expect(reader.fieldCount).toBe(10);
    expect(fieldsOf(reader).slice(0, 8)).toEqual(['1', '2', '3', '4', '5', '6', '7', '8']);
    expect(reader.next()).toBe('record');
    expect(reader.fieldCount).toBe(11);
    expect(fieldsOf(reader).slice(0, 8)).toEqual(['1', '2', '3', '4', '5', '6', '7', '8']);
    expect(reader.next()).toBe('more');
  });
});

describe('records', () => {
  test('end with LF, CR LF or CR, in any mixture, and count lines from 1', () => {
    expect(read('a\nb\r\nc\rd\n')).toEqual([
      [1, ['a']],
      [2, ['b']],
      [3, ['c']],
      [4, ['d']],
    ]);
  });

  test('have the line on which they start when they span several', () => {
    expect(read('a\n"b\nb\r\nb\rb"\nc\r\n"d\r"\ne\n')).toEqual([
      [1, ['a']],
      [2, ['b\nb\r\nb\rb']],
      [6, ['c']],
      [7, ['d\r']],
      [9, ['e']],
    ]);
  });

  test('exclude empty lines, which count as lines', () => {
    expect(read('\n\r\n\ra\n\n\n\r\r\nb\r\r')).toEqual([
      [4, ['a']],
      [9, ['b']],
    ]);
  });

  test('include lines of only spaces or an empty quoted field', () => {
    expect(fields(' \n""\n,\n')).toEqual([[' '], [''], ['', '']]);
  });

  test.each([
    ['without a line end', 'a,b\nc,d'],
    ['without a line end, in quotes', 'a,b\nc,"d"'],
    ['with a lone CR', 'a,b\nc,d\r'],
    ['with a line end', 'a,b\nc,d\n'],
    ['with empty lines after it', 'a,b\nc,d\n\r\n\n'],
  ])('may end %s at the end of the file', (_, text) => {
    expect(fields(text)).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
  });

  test('may end with an empty field at the end of the file', () => {
    expect(fields('a,b,')).toEqual([['a', 'b', '']]);
    expect(fields('a,b,""')).toEqual([['a', 'b', '']]);
    expect(fields('"a",')).toEqual([['a', '']]);
  });

  test.each(['', '\n', '\r', '\r\n', '\n\r\n\r'])('are none in %j', text => {
    expect(fields(text)).toEqual([]);
  });

  test('require their line end or the end of the file', () => {
    const reader = new CsvReader({ recordBytesMax: 100 });
    reader.push(Buffer.from('a,b'));
    expect(reader.next()).toBe('more');
    reader.push(Buffer.from('c\nd'));
    expect(reader.next()).toBe('record');
    expect(fieldsOf(reader)).toEqual(['a', 'bc']);
    expect(reader.next()).toBe('more');
    reader.end();
    expect(reader.next()).toBe('record');
    expect(fieldsOf(reader)).toEqual(['d']);
    expect(reader.next()).toBe('done');
  });

  test('may be read after the next chunk is pushed', () => {
    const reader = new CsvReader({ recordBytesMax: 100 });
    for (const piece of ['a,', '"b', '', '"\nc\n', 'd,e']) reader.push(Buffer.from(piece));
    reader.end();
    const found: Read[] = [];
    expect(drain(reader, found)).toBe('done');
    expect(found).toEqual([
      [1, ['a', 'b']],
      [2, ['c']],
      [3, ['d', 'e']],
    ]);
  });
});

describe('a stream in chunks', () => {
  const TEXT = 'á,"b\r\nb","c""c"\r\n\r\n"","d"d\r"""",\n\n,é\n"f\n';
  const EXPECTED: Read[] = [
    [1, ['á', 'b\r\nb', 'c"c']],
    [4, ['', 'dd']],
    [5, ['"', '']],
    [7, ['', 'é']],
    [8, undefined],
  ];

  test('yields the same records at every cut, and byte by byte', () => {
    for (const pieces of everyCut(Buffer.from(TEXT))) expect(readPieces(pieces)).toEqual(EXPECTED);
  });

  /** Texts with many special characters of CSV. */
  const text = fc
    .array(fc.constantFrom('a', 'b', ',', '"', '""', '\n', '\r', '\r\n', 'é', '"x,y"', ','), {
      maxLength: 40,
    })
    .map(parts => parts.join(''));

  test.prop([text, places, fc.integer({ min: 1, max: 30 })], { numRuns: 4_000 })(
    'yields the same records in any chunks, whatever the limit of a record',
    (csv, cuts, recordBytesMax) => {
      const bytes = Buffer.from(csv);
      const whole = readPieces([bytes], { recordBytesMax });
      expect(readPieces(cutAt(bytes, cuts), { recordBytesMax })).toEqual(whole);
    },
  );
});

describe('a broken record', () => {
  test('with an unclosed quote loses its first line only', () => {
    expect(read('a\n"b,c\nd,e\n\nf\n')).toEqual([
      [1, ['a']],
      [2, undefined],
      [3, ['d', 'e']],
      [5, ['f']],
    ]);
  });

  test('may be followed by another one on a line that it spanned', () => {
    expect(read('"a\r\nx"y,"\r\nb')).toEqual([
      [1, undefined],
      [2, undefined],
      [3, ['b']],
    ]);
  });

  test.each(['"', '"a', 'a,"', 'a,"b""', '"\n', '"a\r', '""a,"'])('includes all of %j', text => {
    expect(read(text)).toEqual([[1, undefined]]);
  });

  test('over the limit loses its line, and the next one is read', () => {
    const options = { recordBytesMax: 5 };
    expect(read('12345\n123456\n12,45\r\n12,456\r\n1\n', options)).toEqual([
      [1, ['12345']],
      [2, undefined],
      [3, ['12', '45']],
      [4, undefined],
      [5, ['1']],
    ]);
  });

  test('is measured in bytes of the file, quotes included', () => {
    const options = { recordBytesMax: 6 };
    expect(fields('"1234"\n"12345"\n"1""4"\n"1"""4"\n', options)).toEqual([
      ['1234'],
      undefined,
      ['1"4'],
      undefined,
    ]);
  });

  test('over the limit that spans lines loses its first line only', () => {
    expect(read('"1\n2\n3\n4"\n5\n', { recordBytesMax: 6 })).toEqual([
      [1, undefined],
      [2, ['2']],
      [3, ['3']],
      [4, ['4"']],
      [5, ['5']],
    ]);
  });

  test('exceeds the limit, also with a chunk border between CR and LF', () => {
    for (const pieces of everyCut(Buffer.from('12345\r\n"123"\r\n1,"3"\r\n6\r\n'))) {
      expect(readPieces(pieces, { recordBytesMax: 5 })).toEqual([
        [1, ['12345']],
        [2, ['123']],
        [3, ['1', '3']],
        [4, ['6']],
      ]);
    }
  });

  test('over the limit at the end of the file is reported once', () => {
    for (const pieces of everyCut(Buffer.from('1\n123456789'))) {
      expect(readPieces(pieces, { recordBytesMax: 5 })).toEqual([
        [1, ['1']],
        [2, undefined],
      ]);
    }
  });
});

describe('memory', () => {
  const CHUNK_BYTES = 64 * 1024;
  const CHUNKS = 1024;

  /** Peak bytes of buffers while `work` ran, beyond those before it. */
  function buffersDuring(work: (look: () => void) => void): number {
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    work(() => {
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    });
    return most;
  }

  test('does not grow with an endless line of 64 MiB', () => {
    const chunk = Buffer.alloc(CHUNK_BYTES, 'x');
    const reader = new CsvReader({ recordBytesMax: 200_000 });
    const steps: string[] = [];
    const most = buffersDuring(look => {
      for (let turn = 0; turn < CHUNKS; turn += 1) {
        reader.push(chunk);
        for (let step = reader.next(); step !== 'more'; step = reader.next()) steps.push(step);
        look();
      }
    });
    expect(steps).toEqual(['broken']);
    expect(most).toBeLessThan(4 * 1024 * 1024);
    reader.push(Buffer.from('\nnext\n'));
    expect(reader.next()).toBe('record');
    expect([reader.line, fieldsOf(reader)]).toEqual([2, ['next']]);
  });

  test('does not grow with 64 MiB after an unclosed quote, whose lines are read', () => {
    const lines = Buffer.from(`${'x'.repeat(1023)}\n`.repeat(CHUNK_BYTES / 1024));
    const reader = new CsvReader({ recordBytesMax: 200_000 });
    let broken = 0;
    let records = 0;
    const most = buffersDuring(look => {
      reader.push(Buffer.from('first\n"open\n'));
      for (let turn = 0; turn < CHUNKS; turn += 1) {
        for (let step = reader.next(); step !== 'more'; step = reader.next()) {
          if (step === 'record') records += 1;
          else broken += 1;
        }
        reader.push(lines);
        look();
      }
    });
    reader.end();
    while (reader.next() === 'record') records += 1;
    expect({ broken, records, line: reader.line }).toEqual({
      broken: 1,
      records: 1 + CHUNKS * (CHUNK_BYTES / 1024),
      line: 2 + CHUNKS * (CHUNK_BYTES / 1024),
    });
    expect(most).toBeLessThan(8 * 1024 * 1024);
  });
});
