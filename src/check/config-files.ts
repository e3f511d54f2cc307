import { parseDocument } from 'yaml';

/**
 * Text of the clients' `config.yaml` with other values, each by its path: `loop.amount`. Comments
 * stay.
 */
export function setYaml(text: string, values: Readonly<Record<string, string | number>>): string {
  const document = parseDocument(text);
  for (const [path, value] of Object.entries(values)) document.setIn(path.split('.'), value);
  return document.toString();
}

/** A value of `config.yaml` by its path. */
export function yamlValue(text: string, path: string): string | undefined {
  const value = parseDocument(text).getIn(path.split('.'));
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

/**
 * Text of the server's `config.ini` with other values; a key that it lacks is added to its first
 * section.
 */
export function setIni(text: string, values: Readonly<Record<string, string | number>>): string {
  let result = text;
  for (const [key, value] of Object.entries(values)) {
    const line = `${key} = ${value}`;
    const changed = result.replace(iniLine(key), () => line);
    result = changed === result && !iniLine(key).test(result) ? addLine(result, line) : changed;
  }
  return result;
}

export function iniValue(text: string, key: string): string | undefined {
  return iniLine(key).exec(text)?.[1]?.trim();
}

const iniLine = (key: string): RegExp =>
  new RegExp(`^[ \\t]*${key}[ \\t]*[=:][ \\t]*([^;#\\n]*).*$`, 'im');

const addLine = (text: string, line: string): string =>
  /^\[.*\]/m.test(text)
    ? text.replace(/^\[.*\].*$/m, header => `${header}\n${line}`)
    : `${line}\n${text}`;
