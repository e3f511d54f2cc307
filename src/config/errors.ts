/** The user asked for something impossible: the command line or the configuration is wrong. Ends with exit code 2. */
export class ConfigError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'ConfigError';
  }
}
