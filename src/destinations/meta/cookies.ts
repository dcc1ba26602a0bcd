import type { Visitor } from '../../event/event.ts'

/**
 * `_fbc` and `_fbp` by the rules of facebook/capi-param-builder 1.2.1 (2026-11-20):
 *
 *   fb . subdomain index . creation in ms . payload [ . appendix of 8 or 2 characters ]
 */
const cookie = /^fb\.\d{1,2}\.\d{1,16}\.([^\s.]{1,500})(?:\.(?:[\w-]{8}|[\w-]{2}))?$/

const payloadOf = (value: string | undefined): string | null =>
  value === undefined ? null : (cookie.exec(value)?.[1] ?? null)

/** Whole cookie values in the visitor's hand are input like any other: what is not of the form is not sent. */
export const browserId = ({ browserIds: { fbp } }: Visitor): string | null =>
  payloadOf(fbp) === null ? null : (fbp ?? null)

/** A dot ends a segment, so a click id holding one cannot be told from its appendix. */
const clickId = /^[^\s.]{1,500}$/

/**
 * The cookie while it is about this click, for it remembers when the click was first seen; else a value made for the
 * newer click. A value that lies in no cookie has subdomain index 1.
 */
export const clickCookie = ({ browserIds, clickIds }: Visitor, occurredAt: number): string | null => {
  const payload = payloadOf(browserIds.fbc)
  const kept = payload === null ? null : (browserIds.fbc ?? null)
  const click = clickIds.fbclid
  if (click === undefined || !clickId.test(click.value) || click.value === payload) return kept
  return `fb.1.${click.seenAt ?? occurredAt}.${click.value}`
}
