/** Test cases kept as JSON lines beside the tests. */
import { readFileSync } from 'node:fs'

export const readVectors = <T>(name: string): T[] =>
  readFileSync(new URL(`vectors/${name}.jsonl`, import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T)
