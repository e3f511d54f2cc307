/** A measurement failed: the server refused, closed or did not answer. */
export class BenchError extends Error {
  override readonly name = 'BenchError';
}
