import type { StandardName } from '../../event/names.ts'

/** https://developers.snap.com/api/marketing-api/Conversions-API/Parameters (2026-11-20) */
export const eventNames: Readonly<Record<StandardName, string | null>> = {
  purchase: 'PURCHASE',
  add_to_cart: 'ADD_CART',
  // Snapchat has no lead; of its own names this is the nearest. A slot of one's own is a line in eventMapping.
  lead: 'SIGN_UP',
  page_view: 'PAGE_VIEW',
  initiate_checkout: 'START_CHECKOUT',
  add_payment_info: 'ADD_BILLING',
  search: 'SEARCH',
  view_content: 'VIEW_CONTENT',
  complete_registration: 'SIGN_UP',
  // Nothing like it, and which of the five slots it should fill nobody can guess.
  contact: null,
  subscribe: 'SUBSCRIBE',
  add_to_wishlist: 'ADD_TO_WISHLIST',
  start_trial: 'START_TRIAL',
  schedule: 'RESERVE',
}

/** All there are: Snapchat refuses any other, and custom events have five slots without a meaning of their own. */
const names: readonly string[] =
  `PURCHASE SAVE START_CHECKOUT ADD_CART VIEW_CONTENT ADD_BILLING SIGN_UP SEARCH PAGE_VIEW
SUBSCRIBE AD_CLICK AD_VIEW COMPLETE_TUTORIAL LEVEL_COMPLETE INVITE LOGIN SHARE RESERVE ACHIEVEMENT_UNLOCKED ADD_TO_WISHLIST
SPENT_CREDITS RATE START_TRIAL LIST_VIEW APP_INSTALL APP_OPEN CUSTOM_EVENT_1 CUSTOM_EVENT_2 CUSTOM_EVENT_3 CUSTOM_EVENT_4
CUSTOM_EVENT_5`.split(/\s+/)

const fold = (written: string): string => written.toUpperCase().replace(/[^A-Z0-9]+/g, '')

const byFoldedName: ReadonlyMap<string, string> = new Map([
  ...names.map((name) => [fold(name), name] as const),
  ['VIEWITEMLIST', 'LIST_VIEW'],
])

/** Snapchat's spelling of one of its names, however it was written; `null` for what is none of them. */
export const snapName = (written: string): string | null => byFoldedName.get(fold(written)) ?? null

/** A name that Snapchat does not have stays what it is, so that the refusal can say so. */
export const customName = (type: string): string => snapName(type) ?? type.trim()
