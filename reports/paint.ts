import { PALETTE_PAGE, type Theme } from './page/theme.ts'

/** A drawing that needs no page around it: theme colours in place of the page's variables, on the theme's paper. */
export function standalone(svg: string, theme: Theme): string {
  const colours = PALETTE_PAGE[theme]
  let painted = svg.replaceAll('="currentColor"', `="${colours.ink}"`)
  for (const [name, colour] of Object.entries(colours))
    painted = painted.replaceAll(`="var(--${name})"`, `="${colour}"`)
  return painted.replace(/<svg[^>]*>/, (open) => `${open}<rect width="100%" height="100%" fill="${colours.paper}"/>`)
}
