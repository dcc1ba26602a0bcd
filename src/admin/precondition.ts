import { Problem } from './problem.ts'
import type { Call } from './route.ts'

/** Optimistic concurrency by RFC 9110 section 13: an `ETag` with every answer, `If-Match` with the change. */

/** A strong validator: a store never uses a version twice. */
export const etagOf = (version: number): string => `"${version}"`

const tagsIn = (header: string): readonly string[] => header.split(',').map((tag) => tag.trim())

/** Does the sender insist on what it saw? Without a condition the last one to write wins. */
export const isConditional = ({ header }: Pick<Call, 'header'>): boolean =>
  header('if-match') !== undefined || header('if-none-match') !== undefined

/**
 * `version`: what is there now; `null`: nothing is.
 *
 * @throws Problem `precondition_failed`.
 */
export const checkPrecondition = ({ header }: Pick<Call, 'header'>, version: number | null): void => {
  const match = header('if-match')
  // A weak tag never matches here (RFC 9110 13.1.1), and as it begins with W/ it does not.
  if (match !== undefined) {
    const holds =
      match.trim() === '*' ? version !== null : version !== null && tagsIn(match).includes(etagOf(version))
    if (!holds)
      throw new Problem(
        'precondition_failed',
        version === null
          ? 'There is nothing yet that If-Match could mean.'
          : 'It has been changed since you read it. Read it again, and change what is there now.',
      )
  }
  const none = header('if-none-match')
  if (none === undefined || version === null) return
  if (none.trim() === '*' || tagsIn(none).includes(etagOf(version)))
    throw new Problem('precondition_failed', 'It exists already, and If-None-Match asks that it does not.')
}
