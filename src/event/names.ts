/** The canonical event names, and the spellings people write for them. */

export const standardNames = [
  'purchase',
  'add_to_cart',
  'lead',
  'page_view',
  'initiate_checkout',
  'add_payment_info',
  'search',
  'view_content',
  'complete_registration',
  'contact',
  'subscribe',
  'add_to_wishlist',
  'start_trial',
  'schedule',
] as const

export type StandardName = (typeof standardNames)[number]

/** A canonical name, or a custom event's own. */
export type EventType = StandardName | (string & {})

/**
 * Spellings of platforms and of other products, after {@link fold}: without case, and with every separator dropped.
 * The canonical names themselves need no entry.
 */
const aliases: Readonly<Record<string, StandardName>> = {
  // GA4
  viewitem: 'view_content',
  begincheckout: 'initiate_checkout',
  signup: 'complete_registration',
  generatelead: 'lead',
  // dotted names of commerce back ends
  transactionpurchase: 'purchase',
  cartadded: 'add_to_cart',
  productviewed: 'view_content',
  checkoutstarted: 'initiate_checkout',
  paymentinfoadded: 'add_payment_info',
  usersignedup: 'complete_registration',
  // what people type
  order: 'purchase',
  orderplaced: 'purchase',
  ordercompleted: 'purchase',
  completepayment: 'purchase',
  placeanorder: 'purchase',
  checkout: 'purchase', // Pinterest's name for a purchase
  productaddedtocart: 'add_to_cart',
  viewproduct: 'view_content',
  viewcontents: 'view_content',
  startcheckout: 'initiate_checkout',
  checkoutinitiated: 'initiate_checkout',
  register: 'complete_registration',
  registration: 'complete_registration',
  submitform: 'lead',
  pageview: 'page_view',
}

const fold = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]+/g, '')

const byFoldedName: ReadonlyMap<string, StandardName> = new Map([
  ...Object.entries(aliases),
  ...standardNames.map((name) => [fold(name), name] as const),
])

/** The canonical name of what somebody wrote; a name nobody knows is a custom event and stays as it is. */
export const canonicalName = (written: string): EventType => byFoldedName.get(fold(written)) ?? written.trim()

export const isStandardName = (type: EventType): type is StandardName =>
  (standardNames as readonly string[]).includes(type)

export type LaneName = 'realtime' | 'batch'

/** Frequent, and worth little when late by a minute: gathered into batches. All others must be at the platform within seconds. */
const batchNames: ReadonlySet<EventType> = new Set<StandardName>([
  'page_view',
  'view_content',
  'add_to_cart',
  'add_to_wishlist',
  'search',
])

/** Custom events travel with the real-time ones: nobody can say that they may wait. */
export const laneOf = (type: EventType): LaneName => (batchNames.has(type) ? 'batch' : 'realtime')
