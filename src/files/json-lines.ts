import type { Readable } from 'node:stream';

/**
 * Calls back with each line of JSON of a process, and its text. An unterminated last line, as a
 * killed process leaves it, is no message.
 */
export function onJsonLine(
  output: Readable,
  onMessage: (message: unknown, text: string) => void,
): void {
  let rest = '';
  output.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    for (const line of lines) onMessage(JSON.parse(line), line);
  });
}
