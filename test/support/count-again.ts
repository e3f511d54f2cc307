import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HAS_PYTHON } from '../lottery/python.ts';

/** The auditor's script, which shares no code with the program. */
export const AUDITOR_SCRIPT = fileURLToPath(new URL('../../docs/auditoria.py', import.meta.url));

/**
 * Runs the auditor's script on a folder after its draw. @returns its report; undefined if nothing
 * differs or nothing can be counted
 */
export function countAgain(folder: string): Promise<string | undefined> {
  // With a database the folder contains only the documents.
  const isThere = ['bets.csv', 'acta-sorteo.txt'].every(name => existsSync(join(folder, name)));
  if (!HAS_PYTHON || !isThere) return Promise.resolve(undefined);
  return new Promise(resolve => {
    execFile('python3', [AUDITOR_SCRIPT, folder], (error, stdout, stderr) =>
      resolve(error === null ? undefined : `${stdout}${stderr}`),
    );
  });
}
