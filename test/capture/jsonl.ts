import { readFileSync } from 'node:fs'

/** The cases of a file with one JSON value per line. */
export const readCases = <T>(file: URL): T[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T)
