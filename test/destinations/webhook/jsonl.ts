import { readFileSync } from 'node:fs'

/** One vector per line of `vectors/<name>.jsonl`. */
export const vectors = <T>(name: string): T[] =>
  readFileSync(new URL(`vectors/${name}.jsonl`, import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T)
