/** Why a measurement could not be taken, in one line: the server refused, went away, or did not answer. */
export class BenchError extends Error {
  override readonly name = 'BenchError';
}
