import type { Fact } from './fact.ts';

/** Facts as a JSON array, winners as pairs. */
export function encodeFacts(facts: readonly Fact[]): string {
  return JSON.stringify(facts, (_, value: unknown) => (value instanceof Map ? [...value] : value));
}

export function decodeFacts(text: string): Fact[] {
  return (JSON.parse(text) as Fact[]).map(fact =>
    fact.kind === 'drawn'
      ? { ...fact, draw: { ...fact.draw, winners: new Map(fact.draw.winners) } }
      : fact,
  );
}
