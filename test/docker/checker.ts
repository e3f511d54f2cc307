/** A line of `docker compose logs`, parsed like the assignment's automatic tests do. */
export interface CheckedLine {
  readonly source: string;
  readonly action: string;
  readonly result: string;
  readonly details: Readonly<Record<string, string>>;
}

const RESULTS = ['success', 'fail', 'in_progress'];

/** Time and level before a message. */
const PREFIX =
  /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (?:DEBUG {3}|INFO {4}|WARNING |ERROR {3}|CRITICAL) action: (\S+)$/;

/**
 * Splits a line at every `|`, and a detail at its last colon, like the course's own tests.
 *
 * @throws Error when the line is not of the form `source | … action: a | result: r | key: value`
 */
export function checkLine(line: string): CheckedLine {
  const [source, head, result, ...details] = line.split('|').map(part => part.trim());
  const action = PREFIX.exec(head ?? '')?.[1];
  const word = /^result: (\S+)$/.exec(result ?? '')?.[1];
  if (action === undefined || word === undefined || !RESULTS.includes(word))
    throw new Error(`not a line: ${line}`);
  const pairs = details.map(detail => {
    const colon = detail.lastIndexOf(':');
    const key = detail.slice(0, colon).trim();
    if (colon < 0 || ['source', 'action', 'result'].includes(key))
      throw new Error(`not a detail: ${detail}`);
    return [key, detail.slice(colon + 1).trim()];
  });
  return {
    source: source!,
    action,
    result: word,
    details: Object.fromEntries(pairs) as Record<string, string>,
  };
}
