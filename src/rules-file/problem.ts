/** One thing wrong with a rules file, or (a warning) one that can hardly be meant. */
export interface Problem {
  /** From 1; 0 where the file could not be read at all. */
  readonly line: number
  /** From 1, in UTF-16 units, as editors count. */
  readonly column: number
  /** Such as `sites[0].rules[2].match.path`; empty for the file itself. */
  readonly path: string
  readonly message: string
  readonly severity: 'error' | 'warning'
}

export type Path = readonly (string | number)[]

export const showPath = (path: Path): string =>
  path
    .map((part, index) => {
      if (typeof part === 'number') return `[${part}]`
      if (!/^[\w$]+$/.test(part)) return `[${JSON.stringify(part)}]`
      return index === 0 ? part : `.${part}`
    })
    .join('')

/** One line each, in the order of the file, in the form that editors and terminals make clickable. */
export const formatProblems = (file: string, problems: readonly Problem[]): string =>
  problems
    .toSorted((a, b) => a.line - b.line || a.column - b.column)
    .map(({ line, column, path, message, severity }) => {
      const place = line === 0 ? file : `${file}:${line}:${column}`
      const mark = severity === 'warning' ? 'warning: ' : ''
      return `${place}  ${mark}${path === '' ? '' : `${path}: `}${message}\n`
    })
    .join('')
