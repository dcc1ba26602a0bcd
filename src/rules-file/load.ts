import { readFile } from 'node:fs/promises'
import { hashOf, parseRules } from './parse.ts'
import type { Loaded, Problems, RulesDeps } from './parse.ts'

export type { Loaded, Problems, RulesDeps } from './parse.ts'

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'it may not be read',
  EPERM: 'it may not be read',
  EISDIR: 'it is a directory',
}

/** Reads the file's text; a file that cannot be read is a problem like any other. */
export const readRules = async (path: string): Promise<{ readonly text: string } | Problems> => {
  try {
    const bytes = await readFile(path)
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return { text }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    const reason =
      code === 'ERR_ENCODING_INVALID_ENCODED_DATA'
        ? 'it is not UTF-8'
        : (reasons[code] ?? `reading it failed (${code})`)
    const problem = {
      line: 0,
      column: 0,
      path: '',
      message: `the rules file cannot be read: ${reason}`,
    } as const
    return { ok: false, problems: [{ ...problem, severity: 'error' }], hash: hashOf(`unreadable ${code}`) }
  }
}

/** Never rejects: what is wrong, a missing file included, is in the answer. */
export const loadRules = async (path: string, deps: RulesDeps): Promise<Loaded | Problems> => {
  const read = await readRules(path)
  return 'text' in read ? parseRules(read.text, deps) : read
}
