import { constants, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Agency } from '../agency/agency.ts';
import type { LineFault } from '../agency/batcher.ts';
import { AgencyError, UnusableFile } from '../agency/errors.ts';
import { type CheckedFile, checkFile } from '../agency/file-check.ts';
import { LineReport } from '../agency/line-report.ts';
import type { ResumableAgency } from '../agency/resumable-agency.ts';
import type { ClientConfig } from '../config/client-config.ts';
import { createPrivate, tryToCreate } from '../files/private.ts';
import { isTransient, reasonNotCreated } from '../files/system-error.ts';
import { fromUtf8 } from '../lottery/encoding.ts';
import type { AgencyEvent, Emit } from '../observe/events.ts';
import type { BatchEncoder } from '../wire/dialect.ts';

export class AgencyFile {
  readonly #config: ClientConfig;
  readonly #emit: Emit<AgencyEvent>;
  readonly #report: LineReport;

  constructor(config: ClientConfig, emit: Emit<AgencyEvent>) {
    this.#config = config;
    this.#emit = emit;
    this.#report = new LineReport(config.fileInvalid === 'skip');
  }

  /**
   * Reads the file, reports invalid lines, and decides whether to send anything.
   *
   * @throws AgencyError, Stopped
   */
  async check(encoder: BatchEncoder, stop: AbortSignal): Promise<CheckedFile> {
    const {
      file: path,
      fileDelimiter: delimiter,
      fileEncoding: encoding,
      fileInvalid,
    } = this.#config;
    const report = this.#report;
    const file = await checkFile({ path, delimiter, encoding }, encoder, report.add, stop);
    report.emitTo(this.#emit, path);
    if (report.count > 0 && fileInvalid === 'refuse') {
      const rest = `; file.invalid skip (CLI_FILE_INVALID) would send the other ${file.bets} bets`;
      throw new AgencyError(
        `${path} has invalid lines (${report.count}), nothing was sent and the agency stays open${file.bets ? rest : ''}`,
      );
    }
    this.#requireBets(file.bets);
    return file;
  }

  /**
   * Sends the file. A pipe can be read only once, so its lines are checked meanwhile.
   *
   * @throws AgencyError, Stopped
   */
  async send(file: CheckedFile, agency: Agency | ResumableAgency): Promise<void> {
    if (file.bets !== undefined) {
      await this.#keepRejected();
      await agency.upload({ ...file, refuse: () => {} });
      return;
    }
    const report = this.#report;
    const skips = this.#config.fileInvalid === 'skip';
    if (skips) await this.#requireRejected();
    const refuse = (fault: LineFault): void => {
      report.add(fault);
      if (skips || report.count === 0) return;
      throw new AgencyError(
        `line ${fault.line} of ${file.path} is invalid; bets before it may be stored, the agency stays open`,
      );
    };
    try {
      this.#requireBets(await agency.upload({ ...file, refuse }));
    } finally {
      report.emitTo(this.#emit, file.path);
      if (skips) await this.#keepRejected();
    }
  }

  #requireBets(bets: number | undefined): void {
    const { file, fileAllowEmpty } = this.#config;
    if (bets !== 0 || fileAllowEmpty) return;
    throw new AgencyError(
      `${file} has no bets, the agency stays open; file.allowEmpty true (CLI_FILE_ALLOWEMPTY) finishes it without any`,
    );
  }

  /** Refuses before the upload what would stop `#keepRejected` after it. */
  async #requireRejected(): Promise<void> {
    const path = rejectedFile(this.#config.file);
    try {
      if ((await contentOf(path)) === undefined) await tryToCreate(path);
    } catch (error) {
      throw cannotKeep(path, error);
    }
  }

  /** Writes the skipped lines unchanged. Never overwrites those of another file. */
  async #keepRejected(): Promise<void> {
    const { count, records } = this.#report;
    if (count === 0) return;
    const rejected = rejectedFile(this.#config.file);
    const lines = fromUtf8(this.#config.fileEncoding, Buffer.concat(records));
    let found: Buffer | undefined;
    try {
      found = await contentOf(rejected);
      // Another client may create it at the same time.
      found ??= (await createPrivate(rejected, lines)) ? lines : await contentOf(rejected);
    } catch (error) {
      throw cannotKeep(rejected, error);
    }
    if (found?.equals(lines) !== true)
      throw new AgencyError(`${rejected} has lines of another file; move it away`);
    this.#emit({ event: 'lines-skipped', count, rejected });
  }
}

/** Where the skipped lines of a file are kept: in the working directory. */
export function rejectedFile(file: string): string {
  return `REJECTED-${basename(file)}`;
}

/** @returns undefined when there is no such file; any other error is thrown */
async function contentOf(path: string): Promise<Buffer | undefined> {
  try {
    // Without O_NONBLOCK, a pipe would wait for a writer.
    return await readFile(path, { flag: constants.O_RDONLY | constants.O_NONBLOCK });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function cannotKeep(path: string, error: unknown): AgencyError {
  const Failure = isTransient(error) ? AgencyError : UnusableFile;
  return new Failure(
    `cannot write ${path}, ${reasonNotCreated(error)}; move it away, or work in another folder`,
    error,
  );
}
