/** An element that index.html has; that it has it is for the tests to say. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`index.html has no #${id}`);
  return found;
}

/** Changes what is different: a selection stays, and no screen reader is told about the same text again. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Makes the children of an element as many as there are texts, and gives each its text. */
export function setCells(row: Element, texts: readonly string[]): void {
  for (const [index, text] of texts.entries()) setText(row.children[index]!, text);
}

/** Shows an element with a text, or hides it where there is none. */
export function showText(element: HTMLElement, text: string | undefined): void {
  element.hidden = text === undefined;
  setText(element, text ?? '');
}
