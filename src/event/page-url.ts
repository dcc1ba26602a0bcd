import { holdsEmail } from './email-like.ts'

/** The address of a page in the form that may be kept and sent: no fragment, nothing that names a person or opens a door. */

/** Names whose values are personal or secret in the shops at hand (`key` is an order's password in WooCommerce). */
const privateName =
  /^(e-?mail|mail|phone|tel|telephone|mobile|first_?name|last_?name|full_?name|name|surname|street|address|zip|postal_?code|birth(day|date)?|dob|password|passwd|pwd|pass|token|access_token|id_token|auth|authorization|secret|signature|sig|key|api_?key|code|session(id)?|sid|ssn|user(name)?)$/i

const isPrivate = (pair: string): boolean => {
  const equals = pair.indexOf('=')
  const name = equals < 0 ? pair : pair.slice(0, equals)
  return privateName.test(name) || holdsEmail(pair)
}

/** `null` when the text is no http(s) address. At most 2 048 characters are kept of the query. */
export const publicPageUrl = (text: string): string | null => {
  const url = URL.parse(text)
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return null
  const query = url.search
    .slice(1, 2049)
    .split('&')
    .filter((pair) => pair !== '' && !isPrivate(pair))
    .join('&')
  const path = holdsEmail(url.pathname) ? '/' : url.pathname
  return `${url.origin}${path}${query === '' ? '' : `?${query}`}`
}

/** Names, in lower case, by which platforms mark a click: the ids of `click-ids.ts` and their companions. */
export const isClickParameter = (name: string): boolean =>
  /^(fbclid|gclid|wbraid|gbraid|dclid|gad_\w+|gclsrc|ttclid|sccid|epik|twclid|li_fat_id|rdt_cid|msclkid|_gl|srsltid|yclid|igshid|mc_cid|mc_eid)$/.test(
    name,
  )

/** The same address without what identifies a click: for the journal, and where the visitor refused advertising. */
export const withoutClickIds = (address: string): string => {
  const start = address.indexOf('?')
  if (start < 0) return address
  const query = address
    .slice(start + 1)
    .split('&')
    .filter((pair) => !isClickParameter((pair.split('=', 1)[0] ?? '').toLowerCase()))
    .join('&')
  return `${address.slice(0, start)}${query === '' ? '' : `?${query}`}`
}
