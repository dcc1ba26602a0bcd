import { stricter, type Grant } from '../../event/consent.ts'
import { decodePercent, type CookieJar } from '../cookies.ts'
import { asGrant, own, readBase64Json, readJson } from './json.ts'
import {
  maxConsentLength,
  readEveryCopy,
  readNames,
  strictest,
  unlessSilent,
  type ConsentReader,
  type ConsentReading,
  type Names,
} from './reader.ts'

/**
 * CookieYes: `cookieyes-consent` is a list of `key:value`; an empty `action` means that the visitor has not acted, and then
 * the rest is no more than the banner's plan. The WebToffee plugin it comes from keeps a cookie per category
 * (`cookielawinfo-checkbox-analytics=yes`), and all of them as JSON in `CookieLawInfoConsent`.
 */

const standard: Names = {
  analytics: ['analytics'],
  marketing: ['advertisement'],
  personalization: ['functional'],
}

const yesOrNo = (text: string | undefined): Grant =>
  text === 'yes' ? 'granted' : text === 'no' ? 'denied' : 'unknown'

const readList = (value: string, names: Names): ConsentReading | null => {
  const text = value.length > maxConsentLength ? null : decodePercent(value)
  if (text === null) return null
  const said = new Map<string, string>()
  for (const item of text.split(',')) {
    const colon = item.indexOf(':')
    if (colon < 0) continue
    const key = item.slice(0, colon).trim()
    const answer = item.slice(colon + 1).trim()
    // A key given twice with two answers says nothing.
    said.set(key, said.has(key) && said.get(key) !== answer ? '?' : answer)
  }
  const action = said.get('action')
  if (action === '') return null
  const reading = readNames(names, (name) => yesOrNo(said.get(name)), action === 'yes' ? true : null)
  return unlessSilent(reading)
}

const prefix = 'cookielawinfo-checkbox-'

/** `viewed_cookie_policy`: `yes` or `no` by the button pressed; absent until then. */
const readPlugin = (jar: CookieJar, names: Names): ConsentReading | null => {
  const pressed = jar.all('viewed_cookie_policy').map(yesOrNo)
  const explicit = pressed.length === 0 ? false : pressed.every((grant) => grant !== 'unknown') ? true : null
  const refused = pressed.includes('denied')
  const settle = (grant: Grant): Grant => (refused ? 'denied' : grant)

  const boxes = (name: string): Grant => {
    const copies = jar.all(`${prefix}${name}`).map(yesOrNo)
    return copies.length === 0 ? 'unknown' : settle(copies.reduce(stricter))
  }
  const checked = unlessSilent(readNames(names, boxes, explicit))
  const stored = readEveryCopy(jar.all('CookieLawInfoConsent'), (value) => {
    const json = readBase64Json(value) ?? readJson(value)
    if (json === null) return null
    const reading = readNames(
      names,
      (name) => {
        const said = asGrant(own(json, name))
        return said === 'granted' ? settle(said) : said
      },
      explicit,
    )
    return unlessSilent(reading)
  })
  if (checked === null || stored === null) return checked ?? stored
  return strictest(checked, stored)
}

export const cookieyes: ConsentReader = {
  source: 'cookieyes',
  read: (jar, settings) => {
    const names: Names = { ...standard, ...settings.cookieyes?.categories }
    const copies = jar.all('cookieyes-consent')
    // The old plugin's cookies are no way around one of the new kind that says that nobody has acted.
    return copies.length > 0
      ? readEveryCopy(copies, (value) => readList(value, names))
      : readPlugin(jar, names)
  },
}
