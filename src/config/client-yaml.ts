import { isMap, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
import { ConfigError } from './errors.ts';
import type { Given } from './keys.ts';

/**
 * The values of a `config.yaml` by name, `a.b` for key `b` under `a`.
 *
 * @throws ConfigError with the line, if it is not YAML or has anything but keys and values
 */
export function parseClientYaml(text: string, fileName: string): Map<string, Given> {
  const lines = new LineCounter();
  const document = parseDocument<Node>(text, { lineCounter: lines });
  const [error] = document.errors;
  if (error !== undefined) {
    const line = error.linePos?.[0].line;
    const reason = error.message.replace(/ at line \d+, column \d+:\n[^]*/, '');
    throw new ConfigError(`${fileName}, line ${line}: ${reason}`, error);
  }
  const given = new Map<string, Given>();
  const sourceOf = (node: Node | null | undefined): string =>
    `${fileName}, line ${lines.linePos(node?.range?.[0] ?? 0).line}`;
  if (document.contents !== null) collect(document.contents, '', given, sourceOf);
  return given;
}

/** Flattens maps into dotted names. Values keep their text in the file. */
function collect(
  node: Node | null,
  name: string,
  given: Map<string, Given>,
  sourceOf: (node: Node | null) => string,
): void {
  if (isMap<Node, Node>(node)) {
    for (const { key, value } of node.items) {
      collect(value, name === '' ? String(key) : `${name}.${String(key)}`, given, sourceOf);
    }
  } else if (isScalar(node) && node.value === null) {
    // `key:` without a value, or an empty document.
  } else if (isScalar(node) && name !== '') {
    const text = node.type === 'PLAIN' ? node.source : undefined;
    given.set(name, { text: text ?? (node.value as string), source: sourceOf(node) });
  } else if (node !== null) {
    throw new ConfigError(
      `${sourceOf(node)}: a single value or 'key: value' lines are expected here`,
    );
  }
}
