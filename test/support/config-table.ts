import type { Key } from '../../src/config/keys.ts';

/** The rows of a configuration table in Markdown, as `docs/CONFIG.md` must hold them. */
export function configTable(keys: readonly Key<unknown>[]): string {
  const rows = keys.map(key => {
    const variables = key.env.map(name => `\`${name}\``).join(', ');
    const standard =
      key.default === undefined ? (key.optional ? 'not set' : '**required**') : `\`${key.default}\``;
    return `| \`${key.name}\` | ${variables} | ${standard} | ${key.allowed} | ${key.about} |`;
  });
  return ['| key | environment | default | allowed | what for |', '|---|---|---|---|---|', ...rows].join(
    '\n',
  );
}
