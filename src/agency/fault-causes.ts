import { BET_FIELDS } from '../lottery/bet-rules.ts';
import type { FieldFault } from './batcher.ts';

/** What one mistake looks like in a fault, and the setting or command that mends it; `FILE` stands for the file. */
const CAUSES: readonly (readonly [shows: (fault: FieldFault) => boolean, hint: string])[] = [
  [
    ({ value }) => value.startsWith(String.raw`\xfe\xff`),
    'the file seems to be UTF-16 in big-endian order; iconv -f UTF-16 -t UTF-8 FILE > NEW converts it',
  ],
  [
    ({ value }) => value.includes(String.raw`\x00`),
    'the file seems to be UTF-16; set file.encoding to utf-16le (CLI_FILE_ENCODING=utf-16le)',
  ],
  [
    hasFiveFields(';'),
    "fields seem to be separated by ';'; set file.delimiter to ';' (CLI_FILE_DELIMITER=';')",
  ],
  [
    hasFiveFields(String.raw`\x09`),
    String.raw`fields seem to be separated by tabs; set file.delimiter to \t (CLI_FILE_DELIMITER='\t')`,
  ],
  [
    ({ reason }) => reason === 'not-utf-8',
    'the file seems to be Windows-1252; set file.encoding to windows-1252 (CLI_FILE_ENCODING=windows-1252)',
  ],
  [
    ({ field, value }) => field === 'document' && /^\d{1,3}(\.\d{3})+$/.test(value),
    String.raw`documents have dots; sed -i.bak -E ':a; s/([0-9])\.([0-9]{3})/\1\2/; ta' FILE removes them`,
  ],
  [
    ({ field, value }) => field === 'birthdate' && /^\d\d\/\d\d\/\d{4}$/.test(value),
    String.raw`dates seem to be DD/MM/YYYY; sed -i.bak -E 's#([0-9]{2})/([0-9]{2})/([0-9]{4})#\3-\2-\1#' FILE converts them`,
  ],
  [
    ({ field, value }) => field !== 'line' && /^\\x20|\\x20$/.test(value),
    String.raw`values have spaces around them; sed -i.bak -E 's/ *, */,/g; s/ +(\r?)$/\1/' FILE removes them`,
  ],
  [
    ({ reason, value }) => reason === 'not-csv' || value.includes(String.raw`\x0a`),
    String.raw`a field begins with a quotation mark that is not closed; sed -i.bak 's/"//g' FILE removes every one`,
  ],
  [
    ({ reason }) => reason === 'no-line-end',
    'the last line has no line end and may be cut off inside its number; if it is whole, echo >> FILE ends it',
  ],
];

/** The likely cause of a fault, where there is a clear pattern. */
export function guessCause(fault: FieldFault): string | undefined {
  return CAUSES.find(([shows]) => shows(fault))?.[1];
}

/** Whether a line of too few fields would have those of a bet with another delimiter. */
function hasFiveFields(delimiter: string): (fault: FieldFault) => boolean {
  return ({ reason, value }) =>
    reason === 'too-few-fields' && value.split(delimiter).length === BET_FIELDS.length;
}
