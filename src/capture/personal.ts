import { holdsEmail } from '../event/email-like.ts'
import type { UserData } from '../event/event.ts'

/** Shorter names stand inside too many words. */
const shortestName = 3

/** Whether a text tells who the visitor is: titles greet the customer, and people type addresses into search fields. */
export const namesPerson = (
  text: string,
  { email, phone, firstName, lastName, externalId }: UserData,
): boolean => {
  const folded = text.toLowerCase()
  return (
    holdsEmail(text) ||
    [email, phone, firstName, lastName, externalId].some(
      (value) => value !== undefined && value.length >= shortestName && folded.includes(value.toLowerCase()),
    )
  )
}
