import { readPair, type Pair, type PairProblem } from './pair.ts'

/** Where a site's certificate lies. Both may be one file. */
export interface PairFiles {
  readonly cert: string
  readonly key: string
}

/** The file's text; throws as `readFileSync` does. */
export type ReadText = (path: string) => string

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'it may not be read',
  EPERM: 'it may not be read',
  EISDIR: 'it is a directory',
}

const read = (path: string, of: PairProblem['of'], readText: ReadText): string | PairProblem => {
  try {
    return readText(path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    return { of, message: `"${path}" cannot be read: ${reasons[code] ?? code}` }
  }
}

/** Never throws: what is wrong is in the answer. */
export const readPairFiles = (files: PairFiles, readText: ReadText): Pair | readonly PairProblem[] => {
  const cert = read(files.cert, 'cert', readText)
  const key = read(files.key, 'key', readText)
  if (typeof cert === 'string' && typeof key === 'string') return readPair(cert, key)
  return [cert, key].filter((one) => typeof one !== 'string')
}
