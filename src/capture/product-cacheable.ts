/** Which pages' product facts may go from one visitor's page into another's event. When in doubt, none. */
import { canonicalName } from '../event/names.ts'
import type { EventType } from '../event/names.ts'
import { readCookies } from './cookies.ts'
import { headerList, headerValue, headerValues } from './headers.ts'
import { isNamed } from './product-key.ts'

export interface CacheQuestion {
  /** Absolute address of the page as the visitor asked for it. */
  readonly url: string
  readonly eventType: EventType
  /** Name, value, name, value, …, as they came; empty for an event that no request of a visitor stands behind. */
  readonly requestHeaders: readonly string[]
  /** `null` when there is none: such a page can be read from the cache, and never be put there. */
  readonly response: { readonly status: number; readonly rawHeaders: readonly string[] } | null
  /** The page's markup holds an order or an invoice. */
  readonly pageHasOrder: boolean
  /** A site's `varyCookies`, whose values are part of the key; a trailing `*` stands for any ending. */
  readonly varyCookies?: readonly string[] | undefined
  /** Cookies of the site's own that show a visitor prices of his own; a trailing `*` stands for any ending. */
  readonly personalCookies?: readonly string[] | undefined
  /** The visitor's country, where it is part of the key. */
  readonly country?: string | null | undefined
  /** Takes `Cache-Control: private` for the habit that it is in many shops. */
  readonly ignorePrivate?: boolean | undefined
}

/** Events that stand for an order or lead up to one; of custom ones, those whose name says so. */
const orderLike: ReadonlySet<EventType> = new Set([
  'purchase',
  'lead',
  'subscribe',
  'start_trial',
  'schedule',
  'initiate_checkout',
  'add_payment_info',
])
const orderLikeName =
  /order|purchase|checkout|payment|invoice|transaction|booking|subscription|refund|deposit|donat/i

/** Unmistakable wherever they stand in an address. */
const orderWords =
  /check-?outs?(?![a-z])|(?<![a-z])one-?page(?![a-z])|order-?(received|confirm|complete|success|placed|status|overview|finish)|thank-?you|thanks(?![a-z])|bestell(bestatigung|bestaetigung)|bestellung-?(erfolg|abgeschlossen)|vielen-?dank|zur-?kasse|confirmation|confirmacion|wc-order|my-?account|mein-?konto|mon-?compte|mi-?cuenta/

/** Unmistakable only as a whole segment: shops sell bags, accounts of wars, and danke cards. */
const orderSegments = new Set(
  (
    'cart carts basket bag shopping-cart shopping-bag shopping-basket viewcart minicart wishlist-cart ' +
    'account accounts myaccount customer profile user users member members login log-in signin sign-in register signup ' +
    'logout order orders my-orders invoice invoices receipt payment payments pay billing purchase buy success complete ' +
    'completed confirm confirmed finish thanks ty ' +
    'warenkorb einkaufswagen kasse konto kunde kundenkonto anmelden bestellung bestellungen bestaetigung bestatigung ' +
    'danke zahlung rechnung ' +
    'panier commande commandes compte client merci paiement facture caisse ' +
    'carrito cesta cuenta pedido pedidos gracias pago factura finalizar-compra ' +
    'carrello ordine ordini conto cassa grazie pagamento fattura ' +
    'winkelwagen winkelmand bestelling bestellingen bedankt afrekenen betaling kassa mijn-account ' +
    'carrinho sacola conta obrigado obrigada pagamento ' +
    'koszyk zamowienie zamowienia konto dziekujemy platnosc ' +
    'varukorg kundvagn kassan tack bestallning indkobskurv kurv tak handlekurv takk ostoskori kiitos'
  ).split(' '),
)

const folded = (text: string): string | null => {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
      .normalize('NFKD')
      .replace(/\p{M}/gu, '')
      .toLowerCase()
      .replace(/[\s_]+/g, '-')
  } catch {
    return null
  }
}

/** Checkout, cart, account and thank-you pages, by path or by the parameter that shops without tidy paths route by. */
const isOrderAddress = (url: string): boolean => {
  const afterHost = /^https?:\/\/[^/?#]*([^#]*)/i.exec(url)?.[1]
  const text = afterHost === undefined ? null : folded(afterHost)
  // What cannot be read cannot be told from a checkout.
  if (text === null || orderWords.test(text)) return true
  return text
    .split(/[/?&=]+/)
    .some((segment) => orderSegments.has(segment.replace(/;.*$/, '').replace(/\.[a-z]{2,5}$/, '')))
}

/** Cookies by which shops choose currency, country, price list or customer, beside what a site names itself. */
const personalisingCookies = [
  'currency',
  'cart_currency',
  'localization',
  'nt_currency',
  'wcml_client_currency',
  'woocommerce_*',
  'wordpress_logged_in_*',
  'x-magento-vary',
  'customer_group*',
  'customergroup*',
  'price_list*',
  'pricelist*',
  'sw-currency',
]

const personalises = (name: string, { personalCookies = [] }: CacheQuestion): boolean =>
  [...personalisingCookies, ...personalCookies].some((pattern) => isNamed(pattern, name))

const isVaried = (name: string, { varyCookies = [] }: CacheQuestion): boolean =>
  varyCookies.some((pattern) => isNamed(pattern, name))

/** Names of cookies that follow a login. A session alone is every visitor's. */
const loginCookie =
  /(^|[_.-])((is[_-]?)?log(ged)?[_-]?in|auth|authenticated|remember([_-]?me)?|customer|customer[_-]?(id|token|auth|sig|group)|user[_-]?(id|name|token)|account|member|jwt|access[_-]?token|id[_-]?token|identity)([_.-]|$)/i

/** A cookie that a response takes away, or sets to nothing. */
const isRemoval = (value: string, attributes: string): boolean =>
  /^("?"?|deleted|null)$/i.test(value) ||
  /;\s*(max-age\s*=\s*(-\d+|0+)\s*(;|$)|expires\s*=[^;]*[ -]19[67]\d )/i.test(attributes)

/** The page was made for whoever gets this cookie: at a login, or for a country or currency that the shop chose for them. */
const setsVisitorApart = (field: string, question: CacheQuestion): boolean => {
  const [pair = ''] = field.split(';', 1)
  const equals = pair.indexOf('=')
  if (equals < 0) return false
  const name = pair.slice(0, equals).trim()
  const value = pair.slice(equals + 1).trim()
  if (isRemoval(value, field.slice(pair.length))) return false
  if (loginCookie.test(name)) return true
  if (!personalises(name, question) && !isVaried(name, question)) return false
  // Said again to one who said it, it is in the key already.
  return !(isVaried(name, question) && readCookies(question.requestHeaders).all(name).includes(value))
}

/** What differs from visitor to visitor, or is put in by the gateway itself. */
const perVisitor = /^(forwarded|x-forwarded-for|x-real-ip|true-client-ip|cf-connecting-ip|authorization)$/
/** What a proxy between us and the shop would set: its word is in no request that we see. */
const perPlace = /country|geo|region|currency|viewer/

const variesBeyondKey = (rawHeaders: readonly string[], question: CacheQuestion): boolean =>
  headerList(rawHeaders, 'vary')
    .map((name) => name.toLowerCase())
    .some((name) => {
      if (name === '*' || perVisitor.test(name)) return true
      if (name === 'cookie') return (question.varyCookies ?? []).length === 0
      if (!perPlace.test(name) || headerValue(question.requestHeaders, name) !== undefined) return false
      return !(name.includes('country') && (question.country ?? null) !== null)
    })

const forbidsSharing = (rawHeaders: readonly string[], ignorePrivate: boolean): boolean => {
  const directives = headerList(rawHeaders, 'cache-control').map((directive) =>
    directive.replace(/=.*$/s, '').trimEnd().toLowerCase(),
  )
  return directives.includes('no-store') || (!ignorePrivate && directives.includes('private'))
}

const isShared = (question: CacheQuestion): boolean => {
  const { eventType, requestHeaders, response, pageHasOrder, url, ignorePrivate = false } = question
  const type = canonicalName(eventType)
  if (orderLike.has(type) || orderLikeName.test(type) || pageHasOrder || isOrderAddress(url)) return false
  if (headerValue(requestHeaders, 'authorization') !== undefined) return false
  const jar = readCookies(requestHeaders)
  // A cookie beyond the reader's limits may be the one that sets the visitor apart.
  if (jar.truncated) return false
  for (const name of jar.names()) if (personalises(name, question) && !isVaried(name, question)) return false
  if (response === null) return true
  return (
    !forbidsSharing(response.rawHeaders, ignorePrivate) &&
    !variesBeyondKey(response.rawHeaders, question) &&
    !headerValues(response.rawHeaders, 'set-cookie').some((field) => setsVisitorApart(field, question))
  )
}

const isHtml = (rawHeaders: readonly string[]): boolean =>
  /^text\/html\s*(;|$)/i.test(headerValue(rawHeaders, 'content-type')?.trim() ?? '')

/** Whether the facts of this page may be put into the cache. */
export const mayCache = (question: CacheQuestion): boolean =>
  question.response?.status === 200 && isHtml(question.response.rawHeaders) && isShared(question)

/**
 * Whether facts from the cache may stand in for this page's own, which could not be read: a 304, a body too large or in
 * an unknown coding, or an event of the ingest API that names a page.
 */
export const mayReadCache = (question: CacheQuestion): boolean => {
  const { response } = question
  const fits =
    response === null || response.status === 304 || (response.status === 200 && isHtml(response.rawHeaders))
  return fits && isShared(question)
}
