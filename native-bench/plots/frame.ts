/** What all plots have in common: a title, a line below it that says how it was measured, and room for what is drawn. */
export interface Caption {
  readonly title: string
  /** As in: median of 5 rounds, AMD EPYC, 2 cores, Node v20. */
  readonly subtitle: string
}

export const WIDTH = 760
/** Above what is drawn. */
export const TOP = 62

/** Ours, and all others in their order; told apart by whoever sees few colours too (Okabe and Ito). */
export const OURS = '#d55e00'
/** Several of ours: thick, and of one family. */
export const ALL_OURS = [OURS, '#8c2d04', '#fd8d3c', '#a50f15', '#f768a1', '#662506']
export const OTHERS = [
  '#0072b2',
  '#009e73',
  '#cc79a7',
  '#56b4e9',
  '#e69f00',
  '#8c6bb1',
  '#666666',
  '#a6761d',
  '#1b9e77',
]

/** A whole SVG: it has its own background, for it is shown on dark pages too. */
export function frame({ title, subtitle }: Caption, height: number, drawn: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" font-family="system-ui, sans-serif" font-size="12" fill="#222">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    text(16, 26, title, 'font-size="16" font-weight="600"'),
    text(16, 46, subtitle, 'fill="#666"'),
    ...drawn,
    '</svg>',
    '',
  ].join('\n')
}

export function text(x: number, y: number, words: string, attributes = ''): string {
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escaped(words)}</text>`
}

export function line(x1: number, y1: number, x2: number, y2: number, attributes: string): string {
  return `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" ${attributes}/>`
}

/** A tenth of a pixel is as fine as anybody sees. */
export function round(value: number): number {
  return Math.round(value * 10) / 10
}

/** Three digits, as people write them. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '–'
  if (value === 0) return '0'
  const size = Math.floor(Math.log10(Math.abs(value)))
  return value.toLocaleString('en', { maximumFractionDigits: Math.max(0, 2 - size) })
}

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
