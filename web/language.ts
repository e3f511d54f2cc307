export const LANGUAGES = ['es', 'en'] as const;

export type Language = (typeof LANGUAGES)[number];

const REMEMBERED_AS = 'loteria.language';

/** What was chosen before, else what the browser prefers, else English: whoever reads neither knows more of that. */
export function preferredLanguage(): Language {
  const wanted = [remembered(), ...navigator.languages.map(tag => tag.slice(0, 2).toLowerCase())];
  return wanted.find(isLanguage) ?? 'en';
}

export function rememberLanguage(language: Language): void {
  try {
    localStorage.setItem(REMEMBERED_AS, language);
  } catch {
    // A browser that keeps nothing asks again the next time.
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
