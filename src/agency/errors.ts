/** The agency cannot do its job: said to the user in one line, and exit code 1. */
export class AgencyError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'AgencyError';
  }
}

/** The file of the configuration cannot be read; exit code 2. */
export class UnreadableFile extends AgencyError {
  constructor(message: string, cause?: unknown) {
    super(message, cause);
    this.name = 'UnreadableFile';
  }
}

/** The connection is gone, or the central does not answer as its protocol says. */
export class LinkError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'LinkError';
  }
}

/** The connection broke in the middle of an answer, or the answer cannot be decoded. */
export class BrokenAnswerError extends LinkError {
  constructor(message: string, cause?: unknown) {
    super(message, cause);
    this.name = 'BrokenAnswerError';
  }
}

/** The file is not the one that was checked: it must not be read on. */
export class FileChanged extends Error {
  constructor() {
    super('the file was changed');
    this.name = 'FileChanged';
  }
}

/** The process was asked to stop: not a failure. */
export class Stopped extends Error {
  constructor() {
    super('stopped');
    this.name = 'Stopped';
  }
}
