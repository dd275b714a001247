export type Theme = 'light' | 'dark'

export interface PageColours {
  readonly ink: string
  readonly muted: string
  readonly paper: string
  readonly raised: string
  readonly grid: string
  readonly accent: string
}

/** Text at a contrast of at least 4.5 on its paper in both themes. */
export const PALETTE_PAGE: Readonly<Record<Theme, PageColours>> = {
  light: { ink: '#16181d', muted: '#5b616e', paper: '#ffffff', raised: '#f5f6f8', grid: '#dfe2e8', accent: '#00598c' },
  dark: { ink: '#e8eaee', muted: '#a2a9b6', paper: '#14161a', raised: '#1d2026', grid: '#343943', accent: '#79c2f2' },
}
