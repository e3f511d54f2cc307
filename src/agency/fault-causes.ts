import { shellWord } from '../files/shell-word.ts';
import { BET_FIELDS } from '../lottery/bet-rules.ts';
import type { FieldFault, LineFault } from './batcher.ts';

/** The record of a fault. */
type FaultyRecord = Pick<LineFault, 'line' | 'raw'>;

interface Cause {
  readonly shows: (fault: FieldFault, record: FaultyRecord) => boolean;
  /** The setting or command that mends it; `FILE` stands for the file, quoted for a shell. */
  readonly hint: string;
  /** The file has another format: no other cause is reported. */
  readonly isOfFile?: boolean;
  /** Hints of causes that rule this one out. */
  readonly unless?: readonly string[];
}

/** Text of which every second byte is zero. Single zeros are in damaged files, too. */
const UTF_16 = /(?:[^\\]\\x00){4}/;
const NUL = String.raw`\x00`;

const DAY_FIRST = String.raw`dates seem to be DD/MM/YYYY; sed -i.bak -E 's#([0-9]{2})/([0-9]{2})/([0-9]{4})#\3-\2-\1#' FILE converts them`;
const MONTH_FIRST = String.raw`dates seem to be MM/DD/YYYY; sed -i.bak -E 's#([0-9]{2})/([0-9]{2})/([0-9]{4})#\3-\1-\2#' FILE converts them`;

const CAUSES: readonly Cause[] = [
  {
    shows: ({ value }) => value.startsWith(String.raw`PK\x03\x04`),
    hint: 'the file is a zip archive, as .xlsx files are; unpack it, or save it as CSV',
    isOfFile: true,
  },
  {
    // From the second line on UTF-16LE looks the same: the first byte of its line end ends a line.
    shows: ({ field, value }, { line }) =>
      value.startsWith(String.raw`\xfe\xff`) ||
      (line === 1 && ['line', BET_FIELDS[0]].includes(field) && /^\\x00[^\\]\\x00/.test(value)),
    hint: 'the file seems to be UTF-16 in big-endian order; iconv -f UTF-16BE -t UTF-8 FILE > NEW converts it',
    isOfFile: true,
  },
  {
    shows: ({ value }) => UTF_16.test(value),
    hint: 'the file seems to be UTF-16; set file.encoding to utf-16le (CLI_FILE_ENCODING=utf-16le)',
    isOfFile: true,
  },
  {
    shows: ({ value }) => value.includes(NUL),
    hint: 'the file has zero bytes, as a damaged or incomplete copy has; copy it again from where it was made',
  },
  {
    shows: hasFiveFields(';'),
    hint: "fields seem to be separated by ';'; set file.delimiter to ';' (CLI_FILE_DELIMITER=';')",
  },
  {
    shows: hasFiveFields(String.raw`\x09`),
    hint: String.raw`fields seem to be separated by tabs; set file.delimiter to \t (CLI_FILE_DELIMITER='\t')`,
  },
  {
    shows: ({ reason }) => reason === 'not-utf-8',
    hint: 'the file seems to be Windows-1252; set file.encoding to windows-1252 (CLI_FILE_ENCODING=windows-1252)',
  },
  {
    shows: ({ field, value }) => field === 'document' && /^\d{1,3}(\.\d{3})+$/.test(value),
    hint: String.raw`documents have dots; sed -i.bak -E ':a; s/([0-9])\.([0-9]{3})/\1\2/; ta' FILE removes them`,
  },
  { shows: hasDate(/^(?:1[3-9]|[23]\d)\/\d\d\/\d{4}$/), hint: DAY_FIRST },
  { shows: hasDate(/^\d\d\/(?:1[3-9]|[23]\d)\/\d{4}$/), hint: MONTH_FIRST },
  {
    shows: hasDate(/^\d\d\/\d\d\/\d{4}$/),
    hint: DAY_FIRST.replace(
      'dates seem to be DD/MM/YYYY;',
      'dates may be DD/MM/YYYY or MM/DD/YYYY; for the first,',
    ),
    unless: [DAY_FIRST, MONTH_FIRST],
  },
  {
    shows: ({ field, value }) => field !== 'line' && /^\\x20|\\x20$/.test(value),
    hint: String.raw`values have spaces around them; sed -i.bak -E 's/ *, */,/g; s/ +(\r?)$/\1/' FILE removes them`,
  },
  {
    shows: ({ reason, value }, { raw }) =>
      (reason === 'not-csv' && value.includes('"')) || (hasLineBreak(value) && hasStrayQuote(raw)),
    hint: String.raw`a field begins with a quotation mark that is not closed; sed -i.bak 's/"//g' FILE removes every one`,
  },
  {
    shows: ({ value }) => hasLineBreak(value),
    hint: 'a field in quotation marks has a line break; a bet is one line: remove the break in the program that made the file, and save it again',
  },
  {
    shows: ({ reason }) => reason === 'not-csv',
    hint: 'a line is longer than 8 kB; is it a file of bets, with a line end after each?',
  },
  {
    shows: ({ reason }) => reason === 'no-line-end',
    hint: 'the last line has no line end and may be cut off inside its number; if it is whole, echo >> FILE ends it',
  },
];

/** The likely causes of the faults of a file, and how many faults each of them explains. */
export class CauseGuesses {
  readonly #counts = new Map<Cause, number>();

  add(fault: FieldFault, record: FaultyRecord): void {
    const cause = CAUSES.find(({ shows }) => shows(fault, record));
    if (cause !== undefined) this.#counts.set(cause, (this.#counts.get(cause) ?? 0) + 1);
  }

  /** The hints for a file of this name. */
  hintsFor(file: string): { readonly hint: string; readonly count: number }[] {
    const found = CAUSES.filter(cause => this.#counts.has(cause));
    const ofFile = found.find(({ isOfFile }) => isOfFile);
    const causes = ofFile === undefined ? found : [ofFile];
    return causes
      .filter(({ unless = [] }) => !causes.some(({ hint }) => unless.includes(hint)))
      .map(cause => ({
        hint: cause.hint.replace(/\bFILE\b/, () => fileWord(file)),
        count: this.#counts.get(cause)!,
      }));
  }
}

/** Whether a line of too few fields would have those of a bet with another delimiter. */
function hasFiveFields(delimiter: string): Cause['shows'] {
  return ({ reason, value }) =>
    reason === 'too-few-fields' && value.split(delimiter).length === BET_FIELDS.length;
}

function hasDate(pattern: RegExp): Cause['shows'] {
  return ({ field, value }) => field === 'birthdate' && pattern.test(value);
}

const hasLineBreak = (value: string): boolean => /\\x0[ad]/.test(value);

/** Five fields with one of the usual delimiters: more than a value has. */
const ROW = /([,;|\t])(?:[^]*?\1){3}/;

/**
 * Whether two quotation marks belong to different fields: they enclose a row, or text follows the
 * second one.
 */
function hasStrayQuote(raw: Buffer): boolean {
  const parts = raw.toString('utf8').replaceAll('""', '').split('"');
  return parts.some((part, index) => {
    const isEnclosed = index % 2 === 1;
    return isEnclosed ? ROW.test(part) : index > 0 && /^[\p{L}\p{N}]/u.test(part);
  });
}

/** A file's name as one word of a command, and no option of it. */
function fileWord(file: string): string {
  return shellWord(file.startsWith('-') ? `./${file}` : file);
}
