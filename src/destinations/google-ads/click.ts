import type { ClickIds } from '../../event/click-ids.ts'
import type { ConversionEvent } from '../../event/event.ts'

/**
 * The three click ids exclude each other: an upload with two of them is refused, so the best one goes and the others stay.
 * https://developers.google.com/google-ads/api/docs/conversions/upload-clicks (2026-11-20)
 */
export const googleClicks = ['gclid', 'gbraid', 'wbraid'] as const

export interface GoogleClick {
  readonly name: (typeof googleClicks)[number]
  readonly value: string
}

const wellFormed = /^[A-Za-z0-9_.-]{1,500}$/
/** No conversion action looks further back. */
export const longestClickWindowMs = 90 * 24 * 3_600_000
/** Cookies hold whole seconds, and clocks differ: only a click clearly after the conversion is none of its own. */
const skewMs = 60_000

const isUsable = (click: ClickIds[keyof ClickIds], occurredAt: number): boolean => {
  if (click === undefined || !wellFormed.test(click.value)) return false
  const ageMs = click.seenAt === undefined ? 0 : occurredAt - click.seenAt
  return ageMs > -skewMs && ageMs <= longestClickWindowMs
}

export const googleClick = ({ visitor: { clickIds }, occurredAt }: ConversionEvent): GoogleClick | null => {
  for (const name of googleClicks) {
    const click = clickIds[name]
    if (click !== undefined && isUsable(click, occurredAt)) return { name, value: click.value }
  }
  return null
}

/** With the ids of Apple's devices Google takes neither a person's identifiers nor the cart. */
export const isBraid = (click: GoogleClick | null): boolean => click !== null && click.name !== 'gclid'
