/**
 * Sorts the tables marked for it by a click on a column's head. The heads become buttons here, so a page whose script does not
 * run has no dead control.
 */
export function makeSortable(root: ParentNode): void {
  for (const table of root.querySelectorAll<HTMLTableElement>('table[data-sort]')) {
    const head = table.tHead
    if (head === null) continue
    if (head.dataset.own !== undefined) {
      sortAgain(table)
      continue
    }
    head.dataset.own = ''
    for (const cell of headsOf(table)) {
      const button = document.createElement('button')
      button.type = 'button'
      button.append(...cell.childNodes)
      cell.append(button)
      button.addEventListener('click', () => {
        const now = cell.getAttribute('aria-sort')
        const down = now === null ? cell.classList.contains('n') : now === 'ascending'
        for (const other of headsOf(table)) other.removeAttribute('aria-sort')
        cell.setAttribute('aria-sort', down ? 'descending' : 'ascending')
        sortAgain(table)
      })
    }
  }
}

const headsOf = (table: HTMLTableElement): HTMLTableCellElement[] => [...(table.tHead?.rows[0]?.cells ?? [])]

/** Rows by the column that says so; as they are where none does. */
function sortAgain(table: HTMLTableElement): void {
  const column = headsOf(table).findIndex((cell) => cell.hasAttribute('aria-sort'))
  const head = headsOf(table)[column]
  const body = table.tBodies[0]
  if (head === undefined || body === undefined) return
  const sign = head.getAttribute('aria-sort') === 'descending' ? -1 : 1
  const numeric = head.classList.contains('n')
  const value = (row: HTMLTableRowElement): number | string => {
    const text = row.cells[column]?.textContent ?? ''
    return numeric ? Number(row.cells[column]?.dataset.v ?? text) : text
  }
  const rows = [...body.rows].map((row) => [value(row), row] as const)
  rows.sort(([a], [b]) => (a < b ? -sign : a > b ? sign : 0))
  body.append(...rows.map(([, row]) => row))
}
