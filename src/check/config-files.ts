import { parseDocument } from 'yaml';

/**
 * Sets values in the text of a client's `config.yaml`, by path such as `loop.amount`. Keeps
 * comments.
 */
export function setYaml(text: string, values: Readonly<Record<string, string | number>>): string {
  const document = parseDocument(text);
  for (const [path, value] of Object.entries(values)) document.setIn(path.split('.'), value);
  return document.toString();
}

/** The value at a path of `config.yaml`. */
export function yamlValue(text: string, path: string): string | undefined {
  const value = parseDocument(text).getIn(path.split('.'));
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

/**
 * Sets values in the text of the server's `config.ini`. A missing key is added to the first
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
