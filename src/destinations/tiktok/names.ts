import type { StandardName } from '../../event/names.ts'
import { cut } from '../clean.ts'

/** https://ads.tiktok.com/help/article/supported-standard-events (2026-11-20) */
export const eventNames: Readonly<Record<StandardName, string>> = {
  purchase: 'Purchase',
  add_to_cart: 'AddToCart',
  // Some pixels say `Lead`; the name has to be the pixel's, so eventMapping may choose that one.
  lead: 'SubmitForm',
  page_view: 'PageView',
  initiate_checkout: 'InitiateCheckout',
  add_payment_info: 'AddPaymentInfo',
  search: 'Search',
  view_content: 'ViewContent',
  complete_registration: 'CompleteRegistration',
  contact: 'Contact',
  subscribe: 'Subscribe',
  add_to_wishlist: 'AddToWishlist',
  start_trial: 'StartTrial',
  schedule: 'Schedule',
}

/** TikTok's standard events that are no canonical names of ours, by their letters alone. */
const furtherEvents: ReadonlyMap<string, string> = new Map(
  [
    'PlaceAnOrder',
    'SubmitApplication',
    'CustomizeProduct',
    'Download',
    'FindLocation',
    'ApplicationApproval',
    'ClickButton',
  ].map((name) => [name.toLowerCase(), name]),
)

/**
 * Names that TikTok reads as another event's. Said here as well, so that the journal shows the event that TikTok counts.
 * https://ads.tiktok.com/help/article/reserved-events (2026-11-20)
 */
const reserved: ReadonlyMap<string, string> = new Map([
  ['CompletePayment', 'Purchase'],
  ['AddBilling', 'AddPaymentInfo'],
  ['Browse', 'PageView'],
  ['Checkout', 'PlaceAnOrder'],
  ['ClickForm', 'SubmitForm'],
  ['ClickInDownloadPage', 'ClickButton'],
  ['ClickToDownload', 'Download'],
  ['Consult', 'Contact'],
  ['ConsultByPhone', 'Contact'],
  ['Registration', 'CompleteRegistration'],
  ['StartCheckout', 'InitiateCheckout'],
  ['ViewConsultationPage', 'ViewContent'],
  ['ViewDownloadPage', 'ViewContent'],
  ['ViewForm', 'ViewContent'],
])

/** No limit is published; a name longer than this is no name. */
const longestName = 100

export const customName = (type: string): string => {
  const name = type.trim()
  return (
    reserved.get(name) ??
    furtherEvents.get(name.toLowerCase().replace(/[^a-z]+/g, '')) ??
    cut(name, longestName)
  )
}

export const isPurchase = (name: string): boolean => (reserved.get(name) ?? name) === 'Purchase'
