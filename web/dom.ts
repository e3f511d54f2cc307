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

/** Shows a row of a table for each list of texts. */
export function setRows(body: HTMLElement, rows: readonly (readonly string[])[]): void {
  while (body.children.length > rows.length) body.lastElementChild!.remove();
  for (const [index, texts] of rows.entries()) {
    const row = body.children[index] ?? body.appendChild(newRow(texts.length));
    for (const [column, text] of texts.entries()) setText(row.children[column]!, text);
  }
}

/** With explicit roles, as in index.html. */
function newRow(columns: number): HTMLElement {
  const row = document.createElement('tr');
  row.setAttribute('role', 'row');
  const head = document.createElement('th');
  head.scope = 'row';
  head.setAttribute('role', 'rowheader');
  row.append(head);
  for (let column = 1; column < columns; column += 1) {
    const cell = document.createElement('td');
    cell.setAttribute('role', 'cell');
    row.append(cell);
  }
  return row;
}

/** Shows an element with a text, or hides it without one. */
export function showText(element: HTMLElement, text: string | undefined): void {
  element.hidden = text === undefined;
  setText(element, text ?? '');
}
