import type { StandardName } from '../../event/names.ts'

/** X's types of events, as Events Manager shows them. None of them travels: a request names the event's own id. */
export const eventTypes: Readonly<Record<StandardName, string>> = {
  purchase: 'PURCHASE',
  add_to_cart: 'ADD_TO_CART',
  // The console calls this one "Lead".
  lead: 'SIGN_UP',
  page_view: 'SITE_VISIT',
  initiate_checkout: 'CHECKOUT_INITIATED',
  add_payment_info: 'ADDED_PAYMENT_INFO',
  search: 'SEARCH',
  view_content: 'CONTENT_VIEW',
  complete_registration: 'SIGN_UP',
  contact: 'CUSTOM',
  subscribe: 'SUBSCRIBE',
  add_to_wishlist: 'ADD_TO_WISHLIST',
  start_trial: 'START_TRIAL',
  schedule: 'CUSTOM',
}

const furtherTypes: ReadonlyMap<string, string> = new Map([
  ['download', 'DOWNLOAD'],
  ['productcustomization', 'PRODUCT_CUSTOMIZATION'],
  ['customizeproduct', 'PRODUCT_CUSTOMIZATION'],
])

export const customType = (type: string): string =>
  furtherTypes.get(type.toLowerCase().replace(/[^a-z]+/g, '')) ?? 'CUSTOM'
