/** What a section of the bench answers, and how it is printed. */

export interface Verdict {
  readonly what: string
  /** As DESIGN words it. */
  readonly budget: string
  readonly measured: string
  /** `null`: the machine could not say. */
  readonly met: boolean | null
  /** How far from the line, in the reader's words: `by 12 %`. */
  readonly margin: string
}

export interface Section {
  readonly title: string
  /** Markdown: tables and what a reader must know to trust them. */
  readonly text: string
  readonly verdicts: readonly Verdict[]
}

const percent = (share: number): string => `${Math.abs(share * 100).toFixed(Math.abs(share) < 0.1 ? 1 : 0)} %`

/** A verdict on a measured number against a line that it must reach (`least`) or must not pass (`most`). */
export const judge = (
  what: string,
  budget: string,
  measured: number,
  line: { readonly least: number } | { readonly most: number },
  shown: string,
): Verdict => {
  if (!Number.isFinite(measured)) return { what, budget, measured: '-', met: null, margin: 'not measured' }
  const [limit, met] =
    'least' in line ? [line.least, measured >= line.least] : [line.most, measured <= line.most]
  return { what, budget, measured: shown, met, margin: `by ${percent(measured / limit - 1)}` }
}

/** A Markdown table; the first column is text and stands to the left, and so do the others unless they are numbers. */
export const table = (
  head: readonly string[],
  rows: readonly (readonly string[])[],
  others: 'numbers' | 'texts' = 'numbers',
): string => {
  const widths = head.map((title, column) =>
    Math.max(title.length, 3, ...rows.map((row) => (row[column] ?? '').length)),
  )
  const toTheRight = (column: number): boolean => column > 0 && others === 'numbers'
  const cell = (text: string, column: number): string =>
    toTheRight(column) ? text.padStart(widths[column] ?? 0) : text.padEnd(widths[column] ?? 0)
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`
  const rule = widths.map((width, column) => '-'.repeat(width - 1) + (toTheRight(column) ? ':' : '-'))
  return [line(head), line(rule), ...rows.map(line)].join('\n')
}

const wordOf = ({ met, margin }: Verdict): string => {
  if (met === null) return margin
  return `${met ? 'met' : '**missed**'} ${margin}`
}

export const verdictTable = (verdicts: readonly Verdict[]): string =>
  table(
    ['what', 'budget', 'measured', 'verdict'],
    verdicts.map((verdict) => [verdict.what, verdict.budget, verdict.measured, wordOf(verdict)]),
    'texts',
  )
