/** A failure of the agency: one line for the user, and exit code 1. */
export class AgencyError extends Error {
  override readonly name: string = 'AgencyError';

  constructor(message: string, cause?: unknown) {
    super(message, { cause });
  }
}

/** A file cannot be used; exit code 2. */
export class UnusableFile extends AgencyError {
  override readonly name: string = 'UnusableFile';
}

/** The file of the configuration cannot be read. */
export class UnreadableFile extends UnusableFile {
  override readonly name = 'UnreadableFile';
}

/** The connection is gone, or the central does not answer as its protocol says. */
export class LinkError extends Error {
  override readonly name: string = 'LinkError';

  constructor(message: string, cause?: unknown) {
    super(message, { cause });
  }
}

/** The connection broke in the middle of an answer, or the answer cannot be decoded. */
export class BrokenAnswerError extends LinkError {
  override readonly name = 'BrokenAnswerError';
}

/** The file is not the one that was checked: it must not be read on. */
export class FileChanged extends Error {
  override readonly name = 'FileChanged';

  constructor() {
    super('the file was changed');
  }
}

/** The process was asked to stop: not a failure. */
export class Stopped extends Error {
  override readonly name = 'Stopped';

  constructor() {
    super('stopped');
  }
}
