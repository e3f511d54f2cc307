export const LANGUAGES = ['es', 'en'] as const;

export type Language = (typeof LANGUAGES)[number];

const REMEMBERED_AS = 'loteria.language';

/** The language chosen before, else the browser's first supported one, else English. */
export function preferredLanguage(): Language {
  const wanted = [remembered(), ...navigator.languages.map(tag => tag.slice(0, 2).toLowerCase())];
  return wanted.find(isLanguage) ?? 'en';
}

export function rememberLanguage(language: Language): void {
  try {
    localStorage.setItem(REMEMBERED_AS, language);
  } catch {
    // Storage is disabled: the choice lasts until the page is closed.
  }
}

function remembered(): string | null {
  try {
    return localStorage.getItem(REMEMBERED_AS);
  } catch {
    return null;
  }
}

function isLanguage(text: string | null): text is Language {
  return LANGUAGES.some(language => language === text);
}
