import type { Kept } from './kept-cookie.ts'

/**
 * How a visitor comes by one `_fbp`, and never by a second.
 *
 * The first two pages of a visitor may be asked for at once, of two processes that know nothing of each other, and each
 * would make one. So none is made on the spot. An answer proposes one in our own cookie; of two proposals the browser keeps
 * the last; and when a later request brings that back, it is the visitor's `_fbp`, whoever is asked and however often.
 *
 * "Later" is what makes it safe: rivals come from requests that left before the first proposal arrived, and none is made
 * more than `proposalMs` after its request. Four times that covers both rounds and a network that takes half as long as
 * `proposalMs` for each way; until it is over, our cookie is not written for any other reason. Meta's pixel, where the site
 * has it, makes its own meanwhile, which then stands.
 */

/** An answer that is slower proposes none. */
export const proposalMs = 2_000
const settlingMs = 4 * proposalMs

/** The value that may be sent and set; `null` while it may still lose to a rival. */
export const settledFbp = (kept: Kept | null, now: number): string | null => {
  const proposed = kept?.ids.get('fbp')
  return proposed === undefined || now - proposed.at < settlingMs ? null : proposed.value
}

/**
 * `chance` is from 0 up to, not including, 1, and becomes a 31-bit number as in Meta's own builder
 * (github.com/facebook/capi-param-builder, read 2026-11-20).
 */
export const newFbp = (subdomainIndex: number, now: number, chance: number): string =>
  `fb.${subdomainIndex}.${now}.${Math.floor(chance * 2 ** 31)}`
