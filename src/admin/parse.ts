import type { z } from 'zod'
import { Problem, type Issue } from './problem.ts'

/** zod at the door: what does not fit is said by field, in words. */

const showPath = (path: readonly PropertyKey[], root: string): string =>
  path.reduce<string>(
    (shown, part) =>
      typeof part === 'number'
        ? `${shown}[${part}]`
        : shown === ''
          ? String(part)
          : `${shown}.${String(part)}`,
    root,
  )

export const issuesOf = (error: z.ZodError, root = ''): readonly Issue[] =>
  error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ path: showPath([...issue.path, key], root), message: 'unknown field' }))
      : [{ path: showPath(issue.path, root), message: issue.message }],
  )

/** @throws Problem `bad_request` with an issue per field. */
export const parse = <T>(schema: z.ZodType<T>, value: unknown, what: string): T => {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issues = issuesOf(parsed.error)
  const [first] = issues
  throw new Problem(
    'bad_request',
    `${what}: ${first?.path === '' ? '' : `${first?.path}: `}${first?.message}`,
    { issues },
  )
}
