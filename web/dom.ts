/** An element of index.html. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`index.html has no #${id}`);
  return found;
}

/** Changes only a different text, so that selections stay and screen readers do not repeat it. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Sets the text of each child. */
export function setCells(row: Element, texts: readonly string[]): void {
  for (const [index, text] of texts.entries()) setText(row.children[index]!, text);
}

/** Shows an element with a text, or hides it without one. */
export function showText(element: HTMLElement, text: string | undefined): void {
  element.hidden = text === undefined;
  setText(element, text ?? '');
}
