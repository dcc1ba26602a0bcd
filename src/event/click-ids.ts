/** The click ids that ad platforms append to a landing page's address, and the browser ids their tags keep in cookies. */

export const clickIdNames = [
  'fbclid',
  'gclid',
  'wbraid',
  'gbraid',
  'dclid',
  'ttclid',
  'sccid',
  'epik',
  'twclid',
  'li_fat_id',
  'rdt_cid',
  'msclkid',
] as const
export type ClickIdName = (typeof clickIdNames)[number]

export interface ClickId {
  readonly value: string
  /** Milliseconds since the epoch when the click was first seen, where that is known. */
  readonly seenAt?: number
}
export type ClickIds = Readonly<Partial<Record<ClickIdName, ClickId>>>

/**
 * What the platforms' tags left in cookies. `fbc` and `fbp` are whole cookie values, forwarded unchanged;
 * `gaClientId` is the last two parts of `_ga`; `gaSessions` maps a GA4 measurement id without its `G-` to the cookie's
 * reading, because a site may carry several properties.
 */
export interface BrowserIds {
  readonly fbp?: string
  readonly fbc?: string
  readonly gaClientId?: string
  readonly gaSessions?: Readonly<Record<string, GaSession>>
  readonly ttp?: string
  readonly scid?: string
  readonly rdtUuid?: string
}

export interface GaSession {
  /** Unix seconds at which the GA4 visit began, as the cookie spells it. */
  readonly id: string
  readonly number?: number
  /** Unix seconds of the last hit. */
  readonly lastHitAt?: number
}
