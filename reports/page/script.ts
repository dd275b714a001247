/**
 * Sorts the tables marked for it by a click on a column's head. The heads become buttons here, so a page whose script does
 * not run has no dead control. The script only moves rows: it reads no data into markup.
 */
export const SCRIPT = `'use strict'
for (const table of document.querySelectorAll('table[data-sort]')) {
  const heads = [...table.tHead.rows[0].cells]
  heads.forEach((head, column) => {
    const button = document.createElement('button')
    button.type = 'button'
    button.append(...head.childNodes)
    head.append(button)
    button.addEventListener('click', () => {
      const numeric = head.classList.contains('n')
      const now = head.getAttribute('aria-sort')
      const down = now === null ? numeric : now === 'ascending'
      for (const h of heads) h.removeAttribute('aria-sort')
      head.setAttribute('aria-sort', down ? 'descending' : 'ascending')
      const body = table.tBodies[0]
      const value = (row) => {
        const cell = row.cells[column]
        return numeric ? Number(cell.dataset.v ?? cell.textContent) : cell.textContent
      }
      const rows = [...body.rows].map((row) => [value(row), row])
      rows.sort(([a], [b]) => (numeric ? a - b : a < b ? -1 : a > b ? 1 : 0) * (down ? -1 : 1))
      body.append(...rows.map(([, row]) => row))
    })
  })
}
`
